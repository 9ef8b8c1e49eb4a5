/* SPDX-License-Identifier: MIT */
/*
 * Submitting, kicking and reaping without a call, for code that handles a million requests a second.
 *
 *     virtio_submit_inline             as virtio_submit_buffers
 *     virtio_submit_prepared_inline    as virtio_submit_prepared
 *     virtio_kick_inline               as virtio_kick
 *     virtio_reap_inline               as virtio_reap; batches are better reaped by virtio_reap_many
 *
 * Each does what the function does, with the same checks, at the place of the call. A submit pays where the
 * numbers of buffers are constants: then the compiler unrolls the loops. Each place costs 200 to 700 bytes of
 * code. Everything that is not the straight case is left to the function.
 *
 * It relies on private members of struct virtio_queue: compile it against the library's own version.
 */
#ifndef VIRTIO_INLINE_H
#define VIRTIO_INLINE_H

#include <virtio/barrier.h>
#include <virtio/queue.h>
#include <virtio/ring.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is inlined is inlined for its constants; the compiler is not asked. */
#define VIRTIO_INLINE static inline __attribute__((__always_inline__))

/** What is likely goes straight on. */
#define VIRTIO_INLINE_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define VIRTIO_INLINE_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/** Of the word of id and flags: what is compared. */
#define VIRTIO_INLINE_WORD ((uint32_t)(VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED) << 16 | 0xffffu)

/** Does the event index lie between the indices `old` and `now` (spec 2.7.10.1)? */
static inline bool virtio_event_is_due(uint16_t event, uint16_t old, uint16_t now)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

/** The last eight bytes of a descriptor of a packed ring, and the last four of them, id and flags. */
typedef uint64_t __attribute__((__may_alias__)) virtio_inline_u64;
typedef uint32_t __attribute__((__may_alias__)) virtio_inline_u32;

/** Id and flags of a descriptor of a packed ring, as one word. */
VIRTIO_INLINE virtio_inline_u32 *virtio_inline_word(struct pvirtq_desc *slot)
{
    return (virtio_inline_u32 *)(void *)&slot->id;
}

/** Are these buffers the straight case: at least one, none empty, none so long that they could be too long
 * together? */
VIRTIO_INLINE bool virtio_inline_fits(const struct virtio_buffer *buffers, uint32_t count)
{
    uint32_t bits = 0;

    if (count == 0)
        return false;
#pragma GCC unroll 8
    for (uint32_t i = 0; i < count; i++)
        bits |= buffers[i].length - 1;
    /* 2^32 bytes, divided by the power of two above `count`. */
    return bits < 1u << __builtin_clz(count);
}

/** One more than how many bytes the device may write. */
VIRTIO_INLINE uint32_t virtio_inline_limit(const struct virtio_buffer *buffers, uint32_t readable,
                                           uint32_t writable)
{
    uint32_t limit = 1;

#pragma GCC unroll 8
    for (uint32_t i = 0; i < writable; i++)
        limit += buffers[readable + i].length;
    return limit;
}

/** Close the queue, and open it again. An interrupt handler that comes in between must find it closed. */
VIRTIO_INLINE void virtio_inline_close(struct virtio_queue *queue)
{
    queue->room = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

VIRTIO_INLINE void virtio_inline_open(struct virtio_queue *queue, uint32_t room)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    queue->room = room;
}

/** Submit the chain at descriptor `head` of a split ring. */
VIRTIO_INLINE void virtio_inline_enqueue(struct virtio_queue *queue, uint32_t head)
{
    queue->available->ring[queue->available_index & queue->mask] = (uint16_t)head;
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* or the compiler keeps the index in a register */
    queue->available_index++;
}

/** Write a chain into a split ring. */
VIRTIO_INLINE void virtio_inline_split(struct virtio_queue *queue,
                                       const struct virtio_buffer *buffers, uint32_t readable,
                                       uint32_t writable, void *cookie)
{
    const uint32_t count = readable + writable;
    const uint32_t head = queue->free_head;
    struct virtio_in_flight *const entry = &queue->in_flight[head];
    uint32_t at = head;
    uint32_t last = head;

    queue->cookies[head] = cookie;
    entry->limit = virtio_inline_limit(buffers, readable, writable);
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
    if (count != 1)
        entry->chain = (count - 1) << 16 | (head ^ last);
    virtio_inline_enqueue(queue, head);
}

/** Write a chain into a packed ring whose end it does not reach. */
VIRTIO_INLINE void virtio_inline_packed(struct virtio_queue *queue, struct pvirtq_desc *slot,
                                        const struct virtio_buffer *buffers, uint32_t readable,
                                        uint32_t writable, void *cookie)
{
    const uint32_t count = readable + writable;
    const uint32_t id = queue->free_head;
    const uint32_t word = id | queue->available_lap;
    struct virtio_in_flight *const entry = &queue->in_flight[id];

    queue->free_head = queue->next[id];
    queue->cookies[id] = cookie;
    entry->limit = virtio_inline_limit(buffers, readable, writable);
    if (count != 1)
        entry->chain = (count - 1) << 16;
#pragma GCC unroll 8
    for (uint32_t i = 0; i < count; i++) {
        slot[i].addr = buffers[i].device_address;
        slot[i].len = buffers[i].length;
        if (i != 0)
            *virtio_inline_word(&slot[i]) = word | (i >= readable ? VIRTQ_DESC_F_WRITE << 16 : 0) |
                                            (i + 1 < count ? VIRTQ_DESC_F_NEXT << 16 : 0);
    }
    /* Release: the chain is visible before the flags of its first descriptor (spec 2.8.21.1.1). */
    virtio_order_before_store(queue);
    __atomic_store_n(virtio_inline_word(slot),
                     word | (readable == 0 ? VIRTQ_DESC_F_WRITE << 16 : 0) |
                         (count > 1 ? VIRTQ_DESC_F_NEXT << 16 : 0),
                     __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    queue->slot += count;
}

/**
 * virtio_submit_buffers, inline.
 *
 * @return as virtio_submit_buffers.
 *
 * Context: the queue's. Spec 2.7.13, 2.8.21.
 */
VIRTIO_INLINE int virtio_submit_inline(struct virtio_queue *queue,
                                       const struct virtio_buffer *buffers, uint16_t readable,
                                       uint16_t writable, void *cookie)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint32_t count = (uint32_t)readable + writable;
    const uint32_t room = queue->room;

    if (VIRTIO_INLINE_LIKELY(virtio_inline_fits(buffers, count) && count < room)) {
        struct pvirtq_desc *const slot = queue->slot;

        if (VIRTIO_INLINE_LIKELY(!queue->packed)) {
            virtio_inline_close(queue);
            virtio_inline_split(queue, buffers, readable, writable, cookie);
            virtio_inline_open(queue, room - count);
            return VIRTIO_OK;
        }
        if (VIRTIO_INLINE_LIKELY(slot + (count - 1) < queue->slots_last)) {
            virtio_inline_close(queue);
            virtio_inline_packed(queue, slot, buffers, readable, writable, cookie);
            virtio_inline_open(queue, room - count);
            return VIRTIO_OK;
        }
    }
#endif
    return virtio_submit_buffers(queue, buffers, readable, writable, cookie);
}

/** Write the descriptor of a prepared request into a packed ring. */
VIRTIO_INLINE void virtio_inline_prepared(struct virtio_queue *queue, struct pvirtq_desc *slot,
                                          const struct virtio_prepared *prepared)
{
    slot->addr = prepared->entry.device_address;
    virtio_order_before_store(queue);
#if UINTPTR_MAX > UINT32_MAX
    __atomic_store_n((virtio_inline_u64 *)(void *)&slot->len,
                     prepared->word | queue->available_word, __ATOMIC_RELEASE);
#else
    slot->len = (uint32_t)prepared->word;
    __atomic_store_n(virtio_inline_word(slot),
                     (uint32_t)(prepared->word >> 32) | queue->available_lap, __ATOMIC_RELEASE);
#endif
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    queue->slot++;
}

/**
 * virtio_submit_prepared, inline.
 *
 * @return as virtio_submit_prepared.
 *
 * Context: the queue's. Spec 2.7.13, 2.8.21.
 */
VIRTIO_INLINE int virtio_submit_prepared_inline(struct virtio_queue *queue,
                                                struct virtio_prepared *prepared, void *cookie)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint32_t room = queue->room;
    const uint32_t limit = prepared->limit;
    struct virtio_in_flight *const entry = prepared->straight;

    /* In flight its entry has that limit; where this is not the way, `straight` is an entry with all. */
    if (VIRTIO_INLINE_LIKELY(room != 0 && entry->limit < limit)) {
        /* The packed ring, which has more to do, goes straight on. */
        if (VIRTIO_INLINE_UNLIKELY(!queue->packed)) {
            virtio_inline_close(queue);
            *prepared->cookie = cookie;
            entry->limit = limit;
            virtio_inline_enqueue(queue, prepared->head);
            virtio_inline_open(queue, room);
            return VIRTIO_OK;
        } else {
            struct pvirtq_desc *const slot = queue->slot;

            if (VIRTIO_INLINE_LIKELY(slot < queue->slots_last)) {
                virtio_inline_close(queue);
                *prepared->cookie = cookie;
                entry->limit = limit;
                virtio_inline_prepared(queue, slot, prepared);
                virtio_inline_open(queue, room);
                return VIRTIO_OK;
            }
        }
    }
#endif
    return virtio_submit_prepared(queue, prepared, cookie);
}

/** Swap between CPU order and the device's order, as core/endian.h does. */
VIRTIO_INLINE uint16_t virtio_inline_order16(const struct virtio_queue *queue, uint16_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    if (!queue->device->legacy)
        return __builtin_bswap16(value);
#endif
    (void)queue;
    return value;
}

VIRTIO_INLINE uint32_t virtio_inline_order32(const struct virtio_queue *queue, uint32_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    if (!queue->device->legacy)
        return __builtin_bswap32(value);
#endif
    (void)queue;
    return value;
}

/** Show the device the chains of a split ring up to the index `now`. @return does it want to be notified? */
VIRTIO_INLINE bool virtio_inline_publish_split(struct virtio_queue *queue, uint32_t now)
{
    const uint32_t old = queue->published_index;
    uint16_t wish;

    /* With VIRTIO_F_EVENT_IDX indices wrap: an event that is to be never must not come near. */
    if (queue->event_idx && !queue->interrupts)
        __atomic_store_n(queue->used_event,
                         virtio_inline_order16(queue, (uint16_t)(queue->used_index - 1)),
                         __ATOMIC_RELAXED);
    /* Release: descriptors and ring entries are visible before the index that covers them (spec
     * 2.7.13.3.1). */
    virtio_order_before_store(queue);
    __atomic_store_n(&queue->available->idx, virtio_inline_order16(queue, (uint16_t)now),
                     __ATOMIC_RELEASE);
    queue->published_index = now;
    /* Full barrier: the index must be visible before the device's wish is read, or a device that is just
     * going to sleep and this driver each miss what the other wrote (spec 2.7.13.4.1). */
    virtio_order_store_load(queue);
    if (!queue->event_idx)
        return (virtio_inline_order16(queue,
                                      __atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED)) &
                VIRTQ_USED_F_NO_NOTIFY) == 0;
    wish = virtio_inline_order16(queue, __atomic_load_n(queue->avail_event, __ATOMIC_RELAXED));
    return virtio_event_is_due(wish, (uint16_t)old, (uint16_t)now);
}

/** The index of the next descriptor of a packed ring, free-running. */
VIRTIO_INLINE uint32_t virtio_inline_packed_index(const struct virtio_queue *queue)
{
    return queue->lap_index + (uint32_t)(queue->slot - queue->slots);
}

/** The same for a packed ring, where all is visible already. */
VIRTIO_INLINE bool virtio_inline_publish_packed(struct virtio_queue *queue, uint32_t now)
{
    const struct pvirtq_event_suppress *const event = queue->device_event;
    const uint32_t mask = queue->mask;
    const uint32_t old = queue->published_index;
    uint32_t wish;
    uint32_t offset;

    queue->available_index = now;
    queue->published_index = now;
    /* Full barrier: the flags must be visible before the device's wish is read (spec 2.8.21.3.1). */
    virtio_order_store_load(queue);
    wish = virtio_inline_order16(queue, __atomic_load_n(&event->flags, __ATOMIC_ACQUIRE));
    if ((wish & 3u) != RING_EVENT_FLAGS_DESC)
        return (wish & 3u) != RING_EVENT_FLAGS_DISABLE;
    /* The offset, with the wrap counter, is an index modulo twice the size. */
    wish = virtio_inline_order16(queue, __atomic_load_n(&event->desc, __ATOMIC_RELAXED));
    offset = wish & 0x7fffu;
    if (VIRTIO_INLINE_UNLIKELY(offset > mask || !queue->event_idx))
        return true; /* no such place: rather a notification too many */
    if ((wish & 0x8000u) == 0)
        offset += mask + 1;
    return ((now - offset - 1) & (2 * mask + 1)) < now - old;
}

/**
 * virtio_kick, inline.
 *
 * @return as virtio_kick.
 *
 * Context: the queue's. One register access at most. Spec 2.7.13.3, 2.7.13.4, 2.8.21.
 */
VIRTIO_INLINE int virtio_kick_inline(struct virtio_queue *queue)
{
    const uint32_t room = queue->room;
    const bool is_straight = room != 0 && queue->kick_detour == 0;
    uint32_t now;
    bool is_wanted;

    if (VIRTIO_INLINE_LIKELY(!queue->packed)) {
        now = queue->available_index;
        if (VIRTIO_INLINE_UNLIKELY(!is_straight || now == queue->published_index))
            return virtio_kick(queue);
        virtio_inline_close(queue);
        is_wanted = virtio_inline_publish_split(queue, now);
    } else {
        now = virtio_inline_packed_index(queue);
        if (VIRTIO_INLINE_UNLIKELY(!is_straight || now == queue->published_index))
            return virtio_kick(queue);
        virtio_inline_close(queue);
        is_wanted = virtio_inline_publish_packed(queue, now);
    }
    if (is_wanted) {
        queue->kicks++;
        queue->doorbell.ring(&queue->doorbell, queue->doorbell.value);
    }
    virtio_inline_open(queue, room);
    return VIRTIO_OK;
}

/** Link a chain that came back into the free list. @return `room` and what the chain frees. */
VIRTIO_INLINE uint32_t virtio_inline_release(struct virtio_queue *queue, uint32_t id, uint32_t room)
{
    struct virtio_in_flight *const entry = &queue->in_flight[id];
    const uint32_t chain = entry->chain;

    entry->limit = 0;
    if (chain == 0) {
        queue->next[id] = (uint16_t)queue->free_head;
        queue->free_head = id;
        return room + 1;
    }
    if ((chain & VIRTIO_CHAIN_KEPT) != 0)
        return room;
    queue->next[(chain & 0x7fff) ^ id] = (uint16_t)queue->free_head;
    queue->free_head = id;
    entry->chain = 0;
    return room + (chain >> 16) + 1;
}

/** Take the chain `id` of a split ring, of an open queue. @return 1. */
VIRTIO_INLINE int virtio_inline_take_split(struct virtio_queue *queue, struct virtio_done *done,
                                           uint32_t id, uint32_t length)
{
    uint32_t room = queue->room;

    virtio_inline_close(queue);
    done->cookie = queue->cookies[id];
    done->written = length;
    room = virtio_inline_release(queue, id, room);
    queue->used_index++;
    virtio_inline_open(queue, room);
    return 1;
}

/** The same of a packed ring. */
VIRTIO_INLINE int virtio_inline_take_packed(struct virtio_queue *queue, struct virtio_done *done,
                                            uint32_t id, uint32_t length)
{
    const uint32_t extra = queue->in_flight[id].chain >> 16 & 0x7fff;
    uint32_t room = queue->room;
    struct pvirtq_desc *slot = queue->used_slot + extra + 1;

    virtio_inline_close(queue);
    done->cookie = queue->cookies[id];
    done->written = length;
    queue->used_index += extra + 1;
    if (VIRTIO_INLINE_UNLIKELY(slot > queue->slots_last)) {
        slot -= queue->mask + 1;
        queue->used_lap ^= (VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED) << 16;
    }
    queue->used_slot = slot;
    room = virtio_inline_release(queue, id, room);
    virtio_inline_open(queue, room);
    return 1;
}

/** As virtio_reap, of an open split ring without detours. @return -1: what is there takes a careful look. */
VIRTIO_INLINE int virtio_inline_reap_split(struct virtio_queue *queue, struct virtio_done *done)
{
    const uint32_t used_index = queue->used_index;
    const struct virtq_used *const used = queue->used;
    const struct virtq_used_elem *const element = &used->ring[used_index & queue->mask];
    uint32_t id;
    uint32_t length;

    if (VIRTIO_INLINE_LIKELY(queue->used_seen == used_index)) {
        /* Acquire: the elements, and the data in the buffers, are read after the index that covers them. */
        const uint16_t index =
            virtio_inline_order16(queue, __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE));
        const uint32_t left = (uint16_t)(index - used_index);

        virtio_order_after_load(queue);
        if (left - 1 >= queue->published_index - used_index)
            return left == 0 ? 0 : -1;
        queue->used_seen = used_index + left;
    }
    /* Each is read once, then checked, then used. */
    id = virtio_inline_order32(queue, __atomic_load_n(&element->id, __ATOMIC_RELAXED));
    length = virtio_inline_order32(queue, __atomic_load_n(&element->len, __ATOMIC_RELAXED));
    if (VIRTIO_INLINE_UNLIKELY(id > queue->mask || length >= queue->in_flight[id].limit))
        return -1;
    return virtio_inline_take_split(queue, done, id, length);
}

/** The same of a packed ring. */
VIRTIO_INLINE int virtio_inline_reap_packed(struct virtio_queue *queue, struct virtio_done *done)
{
    struct pvirtq_desc *const slot = queue->used_slot;
    uint32_t id;
    uint32_t length;

    /* Acquire: length and the data in the buffers are read after the flags. Without the lap's flags a used
     * descriptor's word is its id. */
    id = virtio_inline_order32(queue, __atomic_load_n(virtio_inline_word(slot), __ATOMIC_ACQUIRE));
    virtio_order_after_load(queue);
    id = (id ^ queue->used_lap) & VIRTIO_INLINE_WORD;
    if (VIRTIO_INLINE_UNLIKELY(id > queue->mask))
        return id > 0xffff ? 0 : -1;
    length = virtio_inline_order32(queue, __atomic_load_n(&slot->len, __ATOMIC_RELAXED));
    if (VIRTIO_INLINE_UNLIKELY(length >= queue->in_flight[id].limit))
        return -1;
    return virtio_inline_take_packed(queue, done, id, length);
}

/**
 * virtio_reap, inline.
 *
 * @return as virtio_reap.
 *
 * Context: the queue's. No register access. Spec 2.7.14, 2.8.22.
 */
VIRTIO_INLINE int virtio_reap_inline(struct virtio_queue *queue, struct virtio_done *done)
{
    if (VIRTIO_INLINE_LIKELY(queue->room != 0 && queue->detour == 0)) {
        int result = VIRTIO_INLINE_LIKELY(!queue->packed) ? virtio_inline_reap_split(queue, done)
                                                          : virtio_inline_reap_packed(queue, done);

        if (VIRTIO_INLINE_LIKELY(result >= 0))
            return result;
    }
    return virtio_reap(queue, done);
}

#ifdef __cplusplus
}
#endif

#endif
