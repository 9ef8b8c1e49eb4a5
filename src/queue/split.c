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
    for (unsigned i = 0; i < queue->size; i++)
        queue->next[i] = (uint16_t)((i + 1) & queue->mask);
    queue->available->flags = order16(queue, VIRTQ_AVAIL_F_NO_INTERRUPT);
}

/* The chain at `head` is written: put it into the available ring. */
static inline void enqueue(struct virtio_queue *queue, uint32_t head)
{
    queue->available->ring[queue->available_index & queue->mask] = order16(queue, (uint16_t)head);
    virtio_compiler_barrier();
    queue->available_index++;
}

static int refuse(const struct virtio_queue *queue, uint32_t count)
{
    if (queue->room == 0)
        return virtio_queue_refusal(queue);
    if (count == 0)
        return VIRTIO_E_INVALID;
    return count > queue->size ? VIRTIO_E_TOO_LONG : VIRTIO_E_FULL;
}

/* Fill in the descriptors from the free list's head on, each field once, as far as the buffers are good. The
 * free list stays as it is, so that there is nothing to undo.
 * @return the last descriptor filled in. */
static uint32_t fill(struct virtio_queue *queue, const struct virtio_buffer *buffer,
                     uint32_t readable, uint32_t count, uint64_t *bytes, uint64_t *limit)
{
    bool legacy = queue->device->legacy;
    uint32_t at = queue->free_head;

    *bytes = 0;
    *limit = 1;
    for (uint32_t i = 0; buffer->length != 0; i++, buffer++) {
        struct virtq_desc *descriptor = &queue->descriptors[at];
        uint32_t flags = 0;

        descriptor->addr = virtio_order64(legacy, buffer->device_address);
        descriptor->len = order32(queue, buffer->length);
        *bytes += buffer->length;
        if (i >= readable) {
            *limit += buffer->length;
            flags = VIRTQ_DESC_F_WRITE;
        }
        if (i + 1 == count) {
            descriptor->flags = order16(queue, (uint16_t)flags);
            descriptor->next = 0;
            return at;
        }
        at = queue->next[at];
        descriptor->flags = order16(queue, (uint16_t)(flags | VIRTQ_DESC_F_NEXT));
        descriptor->next = order16(queue, (uint16_t)at);
    }
    *limit = 0;
    return at;
}

int virtio_submit_buffers(struct virtio_queue *queue, const struct virtio_buffer *buffers,
                          uint16_t readable, uint16_t writable, void *cookie)
{
    uint32_t count = (uint32_t)readable + writable;
    uint32_t room = queue->room;
    uint32_t head;
    uint32_t last;
    uint64_t bytes;
    uint64_t limit;
    struct virtio_in_flight *entry;

    if (VIRTIO_UNLIKELY(count >= room || count == 0))
        return refuse(queue, count);
    virtio_queue_close(queue);
    last = fill(queue, buffers, readable, count, &bytes, &limit);
    if (VIRTIO_UNLIKELY(limit == 0 || bytes > UINT32_MAX)) {
        virtio_queue_open(queue, room);
        return limit == 0 ? VIRTIO_E_ZERO_LENGTH : VIRTIO_E_TOO_LONG;
    }
    head = queue->free_head;
    entry = &queue->in_flight[head];
    entry->cookie = cookie;
    entry->limit = (uint32_t)limit;
    if (count != 1 || entry->limit == 0)
        entry->chain = virtio_chain_of(head, last, count);
    queue->free_head = queue->next[last];
    enqueue(queue, head);
    virtio_queue_open(queue, room - count);
    return VIRTIO_OK;
}

/* Show the device what was submitted. @return whether it wants to be notified. */
static inline bool publish(struct virtio_queue *queue)
{
    /* Release: descriptors and ring entries are visible before the index that covers them (spec
     * 2.7.13.3.1). */
    __atomic_store_n(&queue->available->idx, order16(queue, (uint16_t)queue->available_index),
                     __ATOMIC_RELEASE);
    queue->published_index = queue->available_index;
    /* Full barrier: the index must be visible before the flags are read, or a device that is just
     * going to sleep and this driver each miss what the other wrote (spec 2.7.13.4.1). */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return (order16(queue, __atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED)) &
            VIRTQ_USED_F_NO_NOTIFY) == 0;
}

int virtio_kick(struct virtio_queue *queue)
{
    uint32_t room = queue->room;

    if (VIRTIO_UNLIKELY(room == 0))
        return virtio_queue_refusal(queue);
    if (VIRTIO_UNLIKELY(queue->available_index == queue->published_index))
        return VIRTIO_OK;
    if (VIRTIO_UNLIKELY(queue->device->state != VIRTIO_DEVICE_READY))
        return VIRTIO_E_STATE;
    virtio_queue_close(queue);
    if (publish(queue)) {
        queue->kicks++;
        queue->doorbell.ring(&queue->doorbell, queue->index);
    }
    virtio_queue_open(queue, room);
    return VIRTIO_OK;
}

/* Make a chain's descriptors free again. @return how many more than one they are. */
static inline uint32_t release(uint16_t *next, struct virtio_in_flight *entry, uint32_t head,
                               uint32_t free_head)
{
    uint32_t chain = entry->chain;
    uint32_t last;

    entry->limit = 0;
    if (VIRTIO_LIKELY(chain == 0)) {
        next[head] = (uint16_t)free_head;
        return 0;
    }
    last = virtio_chain_last(chain, head);
    next[last] = (uint16_t)free_head;
    entry->chain = 0;
    return virtio_chain_count(chain) - 1;
}

/*
 * An element that does not fit what is in flight, the first one not taken yet: a lie, which latches the queue,
 * or one of two rare truths, which is taken. The queue is open.
 * @return how many were taken in all, `taken` before this one; or the latched error.
 */
__attribute__((noinline, cold)) static int reap_odd(struct virtio_queue *queue,
                                                    struct virtio_done *at, int taken, uint32_t id,
                                                    uint32_t length)
{
    struct virtio_in_flight *entry = id <= queue->mask ? &queue->in_flight[id] : NULL;

    if (entry == NULL || !virtio_is_in_flight(entry)) {
        (void)virtio_queue_broken(queue, "used id", id);
    } else if (entry->limit != 0 && !queue->device->legacy && !queue->ignores_length) {
        (void)virtio_queue_broken(queue, "used length", length);
    } else {
        at->cookie = entry->cookie;
        /* No limit in flight: 2^32 - 1 bytes are writable, and no length is too long. */
        at->written = entry->limit != 0 ? entry->limit - 1 : length;
        queue->room += 1 + release(queue->next, entry, id, queue->free_head);
        queue->free_head = id;
        queue->used_index++;
        return taken + 1;
    }
    return taken != 0 ? taken : queue->error;
}

/* Read the device's used index, once, and check that it covers no more than what the device was given.
 * @return how many chains are there; -1: too many. */
static inline int see_used(struct virtio_queue *queue, uint32_t used_index)
{
    /* Acquire: the elements, and the data in the buffers, are read after the index that covers them. */
    uint16_t seen = order16(queue, __atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE));
    uint32_t left = (uint16_t)(seen - used_index);

    if (VIRTIO_UNLIKELY(left > queue->published_index - used_index))
        return -1;
    queue->used_seen = used_index + left;
    return (int)left;
}

__attribute__((noinline, cold)) static int broken_index(struct virtio_queue *queue)
{
    return virtio_queue_broken(queue, "used index", order16(queue, queue->used->idx));
}

/*
 * The element at `used_index` of the used ring: each of its fields is read once, checked, then used.
 * @return what is in flight under its id, or NULL when the element does not fit that.
 */
static inline struct virtio_in_flight *read_element(const struct virtio_queue *queue,
                                                    const struct virtq_used *used,
                                                    uint32_t used_index, uint32_t mask,
                                                    uint32_t *id, uint32_t *length)
{
    const struct virtq_used_elem *element = &used->ring[used_index & mask];

    *id = order32(queue, __atomic_load_n(&element->id, __ATOMIC_RELAXED));
    *length = order32(queue, __atomic_load_n(&element->len, __ATOMIC_RELAXED));
    if (VIRTIO_UNLIKELY(*id > mask || *length >= queue->in_flight[*id].limit))
        return NULL;
    return &queue->in_flight[*id];
}

int virtio_split_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    uint32_t room = queue->room;
    uint32_t used_index = queue->used_index;
    uint32_t id;
    uint32_t length;
    struct virtio_in_flight *entry;

    if (queue->used_seen == used_index) {
        int left = see_used(queue, used_index);

        if (left == 0)
            return 0;
        if (VIRTIO_UNLIKELY(left < 0))
            return broken_index(queue);
    }
    entry = read_element(queue, queue->used, used_index, queue->mask, &id, &length);
    if (VIRTIO_UNLIKELY(entry == NULL))
        return reap_odd(queue, done, 0, id, length);
    virtio_queue_close(queue);
    done->cookie = entry->cookie;
    done->written = length;
    room += 1 + release(queue->next, entry, id, queue->free_head);
    queue->free_head = id;
    queue->used_index++;
    virtio_queue_open(queue, room);
    return 1;
}

int virtio_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    if (VIRTIO_UNLIKELY(queue->room == 0))
        return virtio_queue_refusal(queue);
    if (VIRTIO_UNLIKELY(queue->detour != 0))
        return virtio_queue_detour(queue, done);
    return virtio_split_reap(queue, done);
}

/* What is there, or as much as there is room for, in one loop that keeps everything in registers. */
static int reap_batch(struct virtio_queue *queue, struct virtio_done *done, uint32_t most,
                      uint32_t left)
{
    uint32_t count = left < most ? left : most;
    uint32_t room = queue->room;
    uint32_t used_index = queue->used_index;
    uint32_t end = used_index + count;
    uint32_t mask = queue->mask;
    uint32_t free_head;
    uint32_t id;
    uint32_t length;
    uint16_t *next = queue->next;
    const struct virtq_used *used = queue->used;

    virtio_queue_close(queue);
    free_head = queue->free_head;
    do {
        struct virtio_in_flight *entry = read_element(queue, used, used_index, mask, &id, &length);

        if (VIRTIO_UNLIKELY(entry == NULL))
            break;
        done->cookie = entry->cookie;
        done->written = length;
        room += release(next, entry, id, free_head);
        free_head = id;
        done++;
        used_index++;
    } while (used_index != end);
    queue->used_index = used_index;
    queue->free_head = free_head;
    count -= end - used_index;
    virtio_queue_open(queue, room + count);
    if (VIRTIO_UNLIKELY(used_index != end))
        return reap_odd(queue, done, (int)count, id, length);
    return (int)count;
}

int virtio_reap_many(struct virtio_queue *queue, struct virtio_done *done, uint32_t most)
{
    uint32_t left = queue->used_seen - queue->used_index;

    if (VIRTIO_UNLIKELY(most <= 1 || queue->room == 0 || queue->detour != 0))
        return most == 0 ? VIRTIO_E_INVALID : virtio_reap(queue, done);
    if (left == 0) {
        int seen = see_used(queue, queue->used_index);

        if (seen == 0)
            return 0;
        if (VIRTIO_UNLIKELY(seen < 0))
            return broken_index(queue);
        left = (uint32_t)seen;
    }
    return reap_batch(queue, done, most, left);
}
