/* SPDX-License-Identifier: MIT */
/*
 * The split virtqueue as it lies in memory (spec 2.7): descriptor table, available ring, used ring, and where
 * they are in the legacy and in the modern layout. Field names are the spec's. All fields are in the
 * device's byte order (core/endian.h).
 */
#ifndef VIRTIO_QUEUE_SPLIT_H
#define VIRTIO_QUEUE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

struct virtq_avail {
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];
};

struct virtq_used_elem {
    uint32_t id;
    uint32_t len;
};

struct virtq_used {
    uint16_t flags;
    uint16_t idx;
    struct virtq_used_elem ring[];
};

_Static_assert(sizeof(struct virtq_desc) == 16, "spec 2.7.5");
_Static_assert(offsetof(struct virtq_desc, len) == 8, "spec 2.7.5");
_Static_assert(offsetof(struct virtq_desc, flags) == 12, "spec 2.7.5");
_Static_assert(offsetof(struct virtq_desc, next) == 14, "spec 2.7.5");
_Static_assert(offsetof(struct virtq_avail, ring) == 4, "spec 2.7.6");
_Static_assert(sizeof(struct virtq_used_elem) == 8, "spec 2.7.8");
_Static_assert(offsetof(struct virtq_used, ring) == 4, "spec 2.7.8");

/** Available ring flag: the driver needs no interrupts (spec 2.7.7). */
#define VIRTQ_AVAIL_F_NO_INTERRUPT 1u
/** Used ring flag: the device needs no notifications (spec 2.7.10). */
#define VIRTQ_USED_F_NO_NOTIFY 1u

/** The unit of legacy queue addresses, and the alignment of the legacy used ring (spec 2.7.2 legacy). */
#define VIRTIO_LEGACY_ALIGNMENT 4096u

/** Where the parts of a queue are, from the beginning of its memory. */
struct virtio_split_layout {
    size_t available;
    size_t used;
    size_t size;      /* bytes in all */
    size_t alignment; /* of the beginning */
};

/** Lay out a queue of `size` entries, 1 to 32768. */
void virtio_split_layout(uint16_t size, bool legacy, struct virtio_split_layout *layout);

#endif
