/* SPDX-License-Identifier: MIT */
/*
 * Receive Ethernet frames and send each back to whom it came from.
 *
 * The kernel finds the device (read_first_sector.c shows how) and calls this until it has had enough.
 */
#include <virtio/virtio.h>

int echo_begin(const struct virtio_device *found);
int echo_one(uint32_t timeout_us);
int echo_end(void);

static struct virtio_net net;

int echo_begin(const struct virtio_device *found)
{
    const struct virtio_net_options options = {.receive_buffers = 32, .transmit_buffers = 16};

    return virtio_net_start(&net, found, &options);
}

/* One frame, if one comes within `timeout_us`. */
int echo_one(uint32_t timeout_us)
{
    struct virtio_net_frame frame;
    uint8_t *bytes;
    int error = virtio_net_wait_receive(&net, 0, &frame, timeout_us);

    if (error != 1)
        return error; /* VIRTIO_E_TIMEOUT: none came, and all is well */
    bytes = frame.data;
    for (unsigned at = 0; at < VIRTIO_NET_MAC_SIZE; at++) {
        bytes[at] = bytes[VIRTIO_NET_MAC_SIZE + at];
        bytes[VIRTIO_NET_MAC_SIZE + at] = net.mac[at];
    }
    /* Only a jumbo frame comes in parts: neither receive offloads nor small buffers were asked for. */
    error = frame.part_length == frame.length
                ? virtio_net_send(&net, bytes, frame.length, &frame.offload)
                : VIRTIO_OK;
    (void)virtio_net_release(&net, &frame);
    return error;
}

int echo_end(void)
{
    return virtio_net_stop(&net);
}
