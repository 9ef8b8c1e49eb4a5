/* SPDX-License-Identifier: MIT */
/*
 * A virtqueue with a fixed set of equal buffers that are the library's own: what the drivers are made of
 * that stream small things (console, input, balloon). It is declared here because those drivers' structures
 * contain it; its contents and its functions are the library's.
 */
#ifndef VIRTIO_BUFFER_QUEUE_H
#define VIRTIO_BUFFER_QUEUE_H

#include <stdint.h>
#include <virtio/queue.h>

/** The most buffers that one can have. */
#define VIRTIO_BUFFER_QUEUE_DEPTH_MAX 64u

struct virtio_buffer_queue {
    struct virtio_queue queue;
    struct virtio_shared shared; /* the buffers, one behind the other */
    uint32_t size;               /* bytes of a buffer */
    uint16_t depth;              /* how many there are */
    uint16_t in_flight;          /* how many of them are the device's */
    uint64_t free;               /* set of those that are not */
};

#endif
