/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues as they lie in memory: split (spec 2.7) and packed (spec 2.8). Field names are
 * the spec's. All fields are in the device's byte order: little-endian, or the CPU's for legacy.
 * Drivers have no use for this header; virtio/inline.h and tests do.
 */
#ifndef VIRTIO_RING_H
#define VIRTIO_RING_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define VIRTIO_RING_ASSERT(condition, text) static_assert(condition, text)
#else
#define VIRTIO_RING_ASSERT(condition, text) _Static_assert(condition, text)
#endif

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

/** Available ring flag: the driver needs no interrupts (spec 2.7.7). */
#define VIRTQ_AVAIL_F_NO_INTERRUPT 1u
/** Used ring flag: the device needs no notifications (spec 2.7.10). */
#define VIRTQ_USED_F_NO_NOTIFY 1u

struct virtq_used_elem {
    uint32_t id;
    uint32_t len;
};

struct virtq_used {
    uint16_t flags;
    uint16_t idx;
    struct virtq_used_elem ring[];
};

VIRTIO_RING_ASSERT(sizeof(struct virtq_desc) == 16, "spec 2.7.5");
VIRTIO_RING_ASSERT(offsetof(struct virtq_desc, len) == 8, "spec 2.7.5");
VIRTIO_RING_ASSERT(offsetof(struct virtq_desc, flags) == 12, "spec 2.7.5");
VIRTIO_RING_ASSERT(offsetof(struct virtq_desc, next) == 14, "spec 2.7.5");
VIRTIO_RING_ASSERT(offsetof(struct virtq_avail, ring) == 4, "spec 2.7.6");
VIRTIO_RING_ASSERT(sizeof(struct virtq_used_elem) == 8, "spec 2.7.8");
VIRTIO_RING_ASSERT(offsetof(struct virtq_used, ring) == 4, "spec 2.7.8");

/** Packed descriptor flags (spec 2.8.1); the others are those of the split ring. */
#define VIRTQ_DESC_F_AVAIL (1u << 7)
#define VIRTQ_DESC_F_USED  (1u << 15)

struct pvirtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t id;
    uint16_t flags;
};

/** Values of pvirtq_event_suppress.flags (spec 2.8.10). */
#define RING_EVENT_FLAGS_ENABLE  0u
#define RING_EVENT_FLAGS_DISABLE 1u
#define RING_EVENT_FLAGS_DESC    2u

struct pvirtq_event_suppress {
    uint16_t desc; /* offset in the ring; bit 15: wrap counter */
    uint16_t flags;
};

VIRTIO_RING_ASSERT(sizeof(struct pvirtq_desc) == 16, "spec 2.8.13");
VIRTIO_RING_ASSERT(offsetof(struct pvirtq_desc, id) == 12, "spec 2.8.13");
VIRTIO_RING_ASSERT(offsetof(struct pvirtq_desc, flags) == 14, "spec 2.8.13");
VIRTIO_RING_ASSERT(sizeof(struct pvirtq_event_suppress) == 4, "spec 2.8.14");

#endif
