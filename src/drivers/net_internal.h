/* SPDX-License-Identifier: MIT */
/*
 * What the files of the network driver share: net.c (life cycle, configuration), net_receive.c,
 * net_transmit.c, net_control.c. include/virtio/net.h is the manual.
 */
#ifndef VIRTIO_DRIVERS_NET_INTERNAL_H
#define VIRTIO_DRIVERS_NET_INTERNAL_H

#include "driver.h"
#include <virtio/net.h>

/* Before every frame, in both directions (spec 5.1.6), in the device's byte order. */
struct virtio_net_hdr {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers; /* legacy: only with VIRTIO_NET_F_MRG_RXBUF */
};

#define VIRTIO_NET_HEADER_LEGACY 10u /* without num_buffers */

_Static_assert(sizeof(struct virtio_net_hdr) == 12, "spec 5.1.6");
_Static_assert(offsetof(struct virtio_net_hdr, num_buffers) == VIRTIO_NET_HEADER_LEGACY,
               "spec 5.1.6.1");

/* From one frame's header to the next, in the memory of headers to send. */
#define VIRTIO_NET_HEADER_STRIDE ((size_t)16)

/* A receive buffer: the device's, in a frame that is being put together, or lent to the caller. */
struct virtio_net_buffer {
    struct virtio_net_buffer *next; /* the next part of the same frame */
    uint8_t *memory;                /* where the device writes */
    uint64_t address;               /* the same for the device */
    uint8_t *data;                  /* bytes of the frame */
    uint32_t length;                /* how many */
    bool lent;                      /* in a frame that the caller has */
};

/* A frame that is being sent. */
struct virtio_net_slot {
    struct virtio_net_slot *next; /* in the free list, or that of frames taken back */
    void *cookie;
    int error;      /* of a frame taken back */
    bool abandoned; /* a blocking call gave up on it with the device lost */
    struct virtio_net_hdr *header;
    uint64_t header_address;
    struct virtio_mapping mapping; /* the frame */
};

static inline bool virtio_net_is_live(const struct virtio_net *net)
{
    return net->device.state == VIRTIO_DEVICE_READY;
}

/* One buffer of each receive queue may have to hold this much. */
static inline uint32_t virtio_net_buffer_bytes(const struct virtio_net *net)
{
    return net->header_size + net->buffer_size;
}

/* Allocate the receive buffers of a pair and hand them to its queue; `wanted` or what the queue can hold. */
int virtio_net_fill(struct virtio_net *net, struct virtio_net_pair *pair, uint16_t wanted);

/* Hand all buffers but those that are lent to the queue again: the device has been renewed. */
int virtio_net_refill(struct virtio_net *net, struct virtio_net_pair *pair);

/* Show the device the receive buffers that it does not know of yet. */
int virtio_net_show(struct virtio_net_pair *pair);

/* Allocate the slots of a pair. */
int virtio_net_allocate_slots(struct virtio_net *net, struct virtio_net_pair *pair,
                              uint16_t wanted);

/* Give the slots back; the device has been reset, and cookies were drained. */
void virtio_net_free_slots(struct virtio_net *net, struct virtio_net_pair *pair);

/* Keep the frames that a reset took back, for virtio_net_reap and virtio_net_drain. */
void virtio_net_keep_drained(struct virtio_net_pair *pair);

/* Take back what a blocking call gave up on: the device has been renewed. */
void virtio_net_take_abandoned(struct virtio_net *net, struct virtio_net_pair *pair);

/* Set up the control queue; `index` of it. */
int virtio_net_start_control(struct virtio_net *net, uint16_t index);

/* VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, without a look at what is in flight. */
int virtio_net_command_pairs(struct virtio_net *net, uint16_t pairs);

#endif
