/* SPDX-License-Identifier: MIT */
/*
 * Submitting without a call, for code that submits a million requests a second.
 *
 * virtio_submit_inline does what virtio_submit_buffers does, with the same checks, at the place of the call.
 * It pays where the numbers of buffers are constants: then the compiler unrolls the loops, and what
 * else is constant (lengths, mostly) is checked while compiling. Each place costs 400 to 700 bytes of
 * code. Everything that is not the straight case it leaves to virtio_submit_buffers.
 *
 * It relies on private members of struct virtio_queue: compile it against the library's own version.
 */
#ifndef VIRTIO_INLINE_H
#define VIRTIO_INLINE_H

#include <virtio/queue.h>
#include <virtio/ring.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Are these buffers the straight case: at least one, none empty, less than 2^32 - 1 bytes? */
static inline bool virtio_inline_fits(const struct virtio_buffer *buffers, uint32_t count)
{
    uint64_t bytes = 0;
    bool empty = count == 0;

#pragma GCC unroll 8
    for (uint32_t i = 0; i < count; i++) {
        empty |= buffers[i].length == 0;
        bytes += buffers[i].length;
    }
    return !empty && bytes < UINT32_MAX;
}

/** One more than how many bytes the device may write. */
static inline uint32_t virtio_inline_limit(const struct virtio_buffer *buffers, uint32_t readable,
                                           uint32_t writable)
{
    uint32_t limit = 1;

#pragma GCC unroll 8
    for (uint32_t i = 0; i < writable; i++)
        limit += buffers[readable + i].length;
    return limit;
}

/** Fill in the chain from descriptor `head` on. @return its last descriptor. */
static inline uint32_t virtio_inline_fill(struct virtio_queue *queue, uint32_t head,
                                          const struct virtio_buffer *buffers, uint32_t readable,
                                          uint32_t writable)
{
    const uint32_t count = readable + writable;
    uint32_t at = head;
    uint32_t last = head;

#pragma GCC unroll 8
    for (uint32_t i = 0; i < count; i++) {
        struct virtq_desc *descriptor = &queue->descriptors[at];

        last = at;
        at = queue->next[at];
        descriptor->addr = buffers[i].device_address;
        descriptor->len = buffers[i].length;
        descriptor->flags = (uint16_t)((i >= readable ? VIRTQ_DESC_F_WRITE : 0) |
                                       (i + 1 < count ? VIRTQ_DESC_F_NEXT : 0));
        descriptor->next = i + 1 < count ? (uint16_t)at : 0;
    }
    queue->free_head = at;
    return last;
}

/** The same for a packed ring that does not reach its end; what the first of a batch says is held back. */
static inline void virtio_inline_fill_packed(struct virtio_queue *queue, uint32_t id,
                                             const struct virtio_buffer *buffers, uint32_t readable,
                                             uint32_t writable)
{
    const uint32_t count = readable + writable;
    const uint32_t position = queue->available_index;
    const uint16_t base = queue->available_flags;
    struct pvirtq_desc *const slot = &queue->slots[position & queue->mask];

#pragma GCC unroll 8
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t flags = (uint16_t)(base | (i >= readable ? VIRTQ_DESC_F_WRITE : 0) |
                                          (i + 1 < count ? VIRTQ_DESC_F_NEXT : 0));

        slot[i].addr = buffers[i].device_address;
        slot[i].len = buffers[i].length;
        slot[i].id = (uint16_t)id;
        if (i == 0 && position == queue->published_index)
            queue->held_flags = flags;
        else
            slot[i].flags = flags;
    }
    queue->free_head = queue->next[id];
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    queue->available_index += count;
}

/**
 * virtio_submit_buffers, inline.
 *
 * @return as virtio_submit_buffers.
 *
 * Context: the queue's. Spec 2.7.13, 2.8.20.
 */
static inline int virtio_submit_inline(struct virtio_queue *queue,
                                       const struct virtio_buffer *buffers, uint16_t readable,
                                       uint16_t writable, void *cookie)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint32_t count = (uint32_t)readable + writable;
    const uint32_t room = queue->room;

    if (virtio_inline_fits(buffers, count) && count < room) {
        struct virtio_in_flight *entry;
        uint32_t head;
        uint32_t last;

        if (queue->packed && (queue->available_index & queue->mask) + count >= queue->size)
            return virtio_submit_buffers(queue, buffers, readable, writable, cookie);
        queue->room = 0;
        __atomic_signal_fence(__ATOMIC_SEQ_CST); /* an interrupt handler must find it closed */
        head = queue->free_head;
        entry = &queue->in_flight[head];
        entry->cookie = cookie;
        entry->limit = virtio_inline_limit(buffers, readable, writable);
        if (queue->packed) {
            if (count != 1)
                entry->chain = count << 16;
            virtio_inline_fill_packed(queue, head, buffers, readable, writable);
        } else {
            last = virtio_inline_fill(queue, head, buffers, readable, writable);
            if (count != 1)
                entry->chain = count << 16 | (head ^ last);
            queue->available->ring[queue->available_index & queue->mask] = (uint16_t)head;
            __atomic_signal_fence(__ATOMIC_SEQ_CST);
            queue->available_index++;
        }
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        queue->room = room - count;
        return VIRTIO_OK;
    }
#endif
    return virtio_submit_buffers(queue, buffers, readable, writable, cookie);
}

/** virtio_submit_prepared, inline, for a packed ring that does not reach its end. */
static inline int virtio_inline_prepared_packed(struct virtio_queue *queue,
                                                struct virtio_prepared *prepared, void *cookie)
{
    const uint32_t room = queue->room;
    const uint32_t position = queue->available_index;
    struct virtio_in_flight *const entry = &queue->in_flight[prepared->head];
    struct pvirtq_desc *const slot = &queue->slots[position & queue->mask];
    const uint16_t flags = (uint16_t)(queue->available_flags | prepared->flags);

    if (room == 0 || prepared->generation != queue->generation || prepared->kept == 0 ||
        entry->limit != 0 || (position & queue->mask) == queue->mask)
        return virtio_submit_prepared(queue, prepared, cookie);
    queue->room = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    entry->cookie = cookie;
    entry->limit = prepared->limit;
    slot->addr = prepared->entry.device_address;
    slot->len = prepared->entry.length;
    slot->id = (uint16_t)prepared->head;
    if (position == queue->published_index)
        queue->held_flags = flags;
    else
        slot->flags = flags;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    queue->available_index++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    queue->room = room;
    return VIRTIO_OK;
}

/**
 * virtio_submit_prepared, inline.
 *
 * @return as virtio_submit_prepared.
 *
 * Context: the queue's. Spec 2.7.13, 2.8.20.
 */
static inline int virtio_submit_prepared_inline(struct virtio_queue *queue,
                                                struct virtio_prepared *prepared, void *cookie)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint32_t room = queue->room;
    struct virtio_in_flight *const entry = prepared->straight;

    /* Where that is not the way, `straight` is an entry that is never free. */
    if (room != 0 && entry->limit == 0) {
        queue->room = 0;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        entry->cookie = cookie;
        entry->limit = prepared->limit;
        queue->available->ring[queue->available_index & queue->mask] = (uint16_t)prepared->head;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        queue->available_index++;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        queue->room = room;
        return VIRTIO_OK;
    }
    if (queue->packed)
        return virtio_inline_prepared_packed(queue, prepared, cookie);
#endif
    return virtio_submit_prepared(queue, prepared, cookie);
}

#ifdef __cplusplus
}
#endif

#endif
