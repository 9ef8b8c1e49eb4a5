/* SPDX-License-Identifier: MIT */
/*
 * The split virtqueue's entries (spec 2.7): chains are written into free descriptors, published by the
 * available ring, and come back through the used ring.
 *
 * Private memory holds all that decides: the free list and the chains' links (`next`), what is in
 * flight (`in_flight`) and all indices. Shared memory is written, and read only for the used ring's
 * index, its elements and its flags, each once and checked.
 */
#include "queue_internal.h"
#include "../core/endian.h"

/* The used ring, which the device writes, keeps off the cache lines that the driver writes. */
#define CACHE_LINE 64u

static size_t round_up(size_t value, size_t unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

void virtio_split_layout(uint16_t size, bool legacy, struct virtio_split_layout *layout)
{
    size_t alignment = legacy ? VIRTIO_LEGACY_ALIGNMENT : CACHE_LINE;
    /* The rings end with one more 16-bit field each, used_event and avail_event. */
    size_t available_size = sizeof(struct virtq_avail) + 2 * (size_t)size + 2;
    size_t used_size =
        sizeof(struct virtq_used) + sizeof(struct virtq_used_elem) * (size_t)size + 2;

    layout->alignment = alignment;
    layout->available = sizeof(struct virtq_desc) * (size_t)size;
    layout->used = round_up(layout->available + available_size, alignment);
    layout->size = round_up(layout->used + used_size, alignment);
}

static inline uint16_t order16(const struct virtio_queue *queue, uint16_t value)
{
    return virtio_order16(queue->device->legacy, value);
}

static inline uint32_t order32(const struct virtio_queue *queue, uint32_t value)
{
    return virtio_order32(queue->device->legacy, value);
}

void virtio_split_begin(struct virtio_queue *queue, const struct virtio_split_layout *layout)
{
    uint8_t *memory = queue->shared.memory;

    queue->descriptors = (struct virtq_desc *)(void *)memory;
    queue->available = (struct virtq_avail *)(void *)(memory + layout->available);
    queue->used = (struct virtq_used *)(void *)(memory + layout->used);
    queue->offsets.descriptors = 0;
    queue->offsets.driver = layout->available;
    queue->offsets.device = layout->used;
    queue->mask = queue->size - 1u;
    for (unsigned i = 0; i < queue->size; i++)
        queue->next[i] = (uint16_t)((i + 1) & queue->mask);
    queue->free_head = 0;
    queue->free_count = queue->size;
    queue->available->flags = order16(queue, VIRTQ_AVAIL_F_NO_INTERRUPT);
}

/* Fill in one descriptor. @return the one that follows it in the free list. */
static inline uint16_t write_descriptor(struct virtio_queue *queue, uint16_t at,
                                        const struct virtio_buffer *buffer, unsigned flags)
{
    struct virtq_desc *descriptor = &queue->descriptors[at];
    uint16_t next = queue->next[at];

    descriptor->addr = virtio_order64(queue->device->legacy, buffer->device_address);
    descriptor->len = order32(queue, buffer->length);
    descriptor->flags = order16(queue, (uint16_t)flags);
    descriptor->next = order16(queue, next);
    return next;
}

static int refuse(struct virtio_queue *queue, unsigned count)
{
    if (queue->gate != VIRTIO_OK)
        return queue->gate;
    if (queue->state != VIRTIO_QUEUE_LIVE)
        return VIRTIO_E_STATE;
    if (count == 0)
        return VIRTIO_E_INVALID;
    return count > queue->size ? VIRTIO_E_TOO_LONG : VIRTIO_E_FULL;
}

int virtio_split_submit(struct virtio_queue *queue, const struct virtio_buffer *buffers,
                        unsigned readable, unsigned writable, void *cookie)
{
    unsigned count = readable + writable;
    const struct virtio_buffer *last_buffer;
    uint16_t head = queue->free_head;
    uint16_t at = head;
    uint64_t bytes_readable = 0;
    uint64_t bytes = 0;
    unsigned flags = VIRTQ_DESC_F_NEXT;
    struct virtio_in_flight *entry;
    uint16_t after;

    /* One comparison for no buffers at all and for too many. */
    if (VIRTIO_UNLIKELY(queue->gate != VIRTIO_OK || count - 1 >= queue->free_count))
        return refuse(queue, count);
    last_buffer = buffers + count - 1;
    queue->gate = VIRTIO_E_REENTRY;
    for (; buffers != last_buffer; buffers++) {
        if (readable-- == 0) {
            flags |= VIRTQ_DESC_F_WRITE;
            bytes_readable = bytes;
        }
        if (VIRTIO_UNLIKELY(buffers->length == 0))
            break;
        bytes += buffers->length;
        at = write_descriptor(queue, at, buffers, flags);
    }
    if (readable == 0)
        bytes_readable = bytes;
    bytes += buffers->length;
    /* The free list is untouched so far: nothing was taken, there is nothing to undo. */
    if (VIRTIO_UNLIKELY(buffers->length == 0 || bytes > UINT32_MAX)) {
        virtio_queue_leave_well(queue);
        return buffers->length == 0 ? VIRTIO_E_ZERO_LENGTH : VIRTIO_E_TOO_LONG;
    }
    after = write_descriptor(queue, at, buffers, writable != 0 ? VIRTQ_DESC_F_WRITE : 0);
    entry = &queue->in_flight[head];
    entry->cookie = cookie;
    entry->writable = writable != 0 ? (uint32_t)(bytes - bytes_readable) : 0;
    entry->last = at;
    entry->count = (uint16_t)count;
    queue->available->ring[queue->available_index & queue->mask] = order16(queue, head);
    queue->available_index++;
    queue->free_head = after;
    queue->free_count = (uint16_t)(queue->free_count - count);
    virtio_queue_leave_well(queue);
    return VIRTIO_OK;
}

void virtio_split_publish(struct virtio_queue *queue)
{
    uint16_t flags;

    /* Release: descriptors and ring entries are visible before the index that covers them (spec
     * 2.7.13.3.1). */
    __atomic_store_n(&queue->available->idx, order16(queue, queue->available_index),
                     __ATOMIC_RELEASE);
    queue->published_index = queue->available_index;
    /* Full barrier: the index must be visible before the flags are read, or a device that is just
     * going to sleep and this driver each miss what the other wrote (spec 2.7.13.4.1). */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    flags = order16(queue, __atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED));
    if ((flags & VIRTQ_USED_F_NO_NOTIFY) != 0)
        return;
    queue->kicks++;
    queue->doorbell.ring(&queue->doorbell, queue->index);
}

/* Read the device's used index and check that it covers no more than what the device was given. */
static int see_used(struct virtio_queue *queue)
{
    uint16_t seen;
    uint16_t advance;

    if (VIRTIO_UNLIKELY(queue->state != VIRTIO_QUEUE_LIVE))
        return VIRTIO_E_STATE;
    /* Acquire: the elements, and the data in the buffers, are read after the index that covers them. */
    seen = order16(queue, __atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE));
    advance = (uint16_t)(seen - queue->used_index);
    if (VIRTIO_UNLIKELY(advance > (uint16_t)(queue->published_index - queue->used_index)))
        return virtio_queue_broken(queue, "used index", seen);
    queue->used_seen = seen;
    return advance != 0;
}

int virtio_split_next_used(struct virtio_queue *queue, uint16_t *head, uint32_t *written)
{
    struct virtq_used_elem *element;
    struct virtio_in_flight *entry;
    uint32_t id;
    uint32_t length;

    if (queue->used_index == queue->used_seen) {
        int result = see_used(queue);

        if (result <= 0)
            return result;
    }
    element = &queue->used->ring[queue->used_index & queue->mask];
    id = order32(queue, __atomic_load_n(&element->id, __ATOMIC_RELAXED));
    length = order32(queue, __atomic_load_n(&element->len, __ATOMIC_RELAXED));
    if (VIRTIO_UNLIKELY(id > queue->mask || queue->in_flight[id].count == 0))
        return virtio_queue_broken(queue, "used id", id);
    entry = &queue->in_flight[id];
    if (VIRTIO_UNLIKELY(length > entry->writable)) {
        if (!queue->device->legacy)
            return virtio_queue_broken(queue, "used length", length);
        length = entry->writable;
    }
    queue->used_index++;
    *head = (uint16_t)id;
    *written = length;
    return 1;
}
