/* SPDX-License-Identifier: MIT */
/*
 * Where the parts of a split virtqueue are, in the legacy and in the modern layout (spec 2.7.2). What they
 * look like is virtio/ring.h's.
 */
#ifndef VIRTIO_QUEUE_SPLIT_H
#define VIRTIO_QUEUE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/ring.h>

/** The unit of legacy queue addresses, and the alignment of the legacy used ring (spec 2.7.2 legacy). */
#define VIRTIO_LEGACY_ALIGNMENT 4096u

/** What one side writes keeps off the cache lines that the other side writes. */
#define VIRTIO_CACHE_LINE 64u

/** Where the parts of a queue are, from the beginning of its memory; of a packed queue the driver's and the
 * device's event suppression structures in place of the rings. */
struct virtio_split_layout {
    size_t available;
    size_t used;
    size_t size;      /* bytes in all */
    size_t alignment; /* of the beginning */
};

/** Lay out a queue of `size` entries, 1 to 32768. */
void virtio_split_layout(uint16_t size, bool legacy, struct virtio_split_layout *layout);

/** Lay out a packed queue (packed.c). */
void virtio_packed_layout(uint16_t size, struct virtio_split_layout *layout);

#endif
