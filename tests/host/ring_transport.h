/* SPDX-License-Identifier: MIT */
/*
 * The least transport that a ring needs, and the host for it: no registers, device addresses are addresses, and
 * what the device's end has to know is in one struct. For programs that bring their own device's end and look at
 * nothing but the ring: ring_model.h, the benchmark and the stress test. Depends on the library alone.
 *
 *     ring_transport.features = VIRTIO_F_RING_PACKED;    what is offered beside VERSION_1; all of it is taken
 *     ring_transport.size = 256;
 *     ring_transport.ring = my_device;                   called for each notification
 *     error = ring_transport_start(&device, &queue, &options);
 *     ... ring_transport.addresses ...
 */
#ifndef RING_TRANSPORT_H
#define RING_TRANSPORT_H

#include <virtio/ring.h>
#include <virtio/virtio.h>

struct ring_transport {
    uint64_t features;
    uint32_t size;
    void (*ring)(const struct virtio_doorbell *doorbell, uint32_t value);
    uint64_t (*now_us)(void); /* NULL: ten microseconds pass with each look */
    uint32_t reset_polls;     /* until the reset of the queue is done; UINT32_MAX: never */

    /* What the driver did. */
    struct virtio_queue_addresses addresses;
    uint8_t status;
    unsigned queue_resets;
};

/* One a program: transport operations get a device that is not theirs to extend. */
extern struct ring_transport ring_transport;

/** Begin a device on it, with one queue, up to DRIVER_OK. @return VIRTIO_OK or what failed. */
int ring_transport_start(struct virtio_device *device, struct virtio_queue *queue,
                         const struct virtio_queue_options *options);

/** The bits AVAIL and USED of a packed descriptor at a free-running position of a ring. */
static inline uint16_t ring_transport_marks(uint32_t size, uint32_t position, bool is_used)
{
    bool wrap = position / size % 2 == 0;
    uint32_t marks = wrap ? VIRTQ_DESC_F_AVAIL : 0;

    if (wrap == is_used)
        marks |= VIRTQ_DESC_F_USED;
    return (uint16_t)marks;
}

/** What the device writes to be told of a position of a packed ring: its place and wrap counter. */
static inline uint16_t ring_transport_event(uint32_t size, uint32_t position)
{
    return (uint16_t)(position % size | (position / size % 2 == 0 ? 0x8000u : 0));
}

#endif
