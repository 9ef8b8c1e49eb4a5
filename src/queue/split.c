/* SPDX-License-Identifier: MIT */
/*
 * The split virtqueue's entries (spec 2.7): chains are written into free descriptors, published by the
 * available ring, and come back through the used ring.
 *
 * Private memory holds all that decides: the free list and the chains' links (`next`), what is in
 * flight (`in_flight`) and all indices. Shared memory is written, and read only for the used ring's
 * index, its elements and its flags, each once and checked.
 *
 * The free list is first in, first out: the head moves only when a chain is submitted, so chains
 * under construction just walk it, and with an in-order device descriptors are used in ring order.
 */
#include "queue_internal.h"
#include "../core/endian.h"
#include "../core/log.h"

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

static uint16_t order16(const struct virtio_queue *queue, uint16_t value)
{
    return virtio_order16(queue->device->legacy, value);
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
    queue->mask = (uint16_t)(queue->size - 1);
    for (uint16_t i = 0; i < queue->size; i++)
        queue->next[i] = (uint16_t)((i + 1u) & queue->mask);
    queue->free_head = 0;
    queue->free_tail = queue->mask;
    queue->free_count = queue->size;
    queue->available->flags = order16(queue, VIRTQ_AVAIL_F_NO_INTERRUPT);
}

int virtio_queue_latch(struct virtio_queue *queue, int error)
{
    queue->error = error;
    return error;
}

/* The device lied. Say how, once; nothing of this queue is believed any more. */
static int broken(struct virtio_queue *queue, const char *what, uint32_t value)
{
    struct virtio_line line;

    virtio_line_begin(&line, queue->device->host);
    virtio_line_text(&line, "queue ");
    virtio_line_number(&line, queue->index);
    virtio_line_text(&line, " is broken: the device's ");
    virtio_line_text(&line, what);
    virtio_line_text(&line, " is ");
    virtio_line_number(&line, value);
    virtio_line_end(&line, VIRTIO_LOG_ERROR);
    return virtio_queue_latch(queue, VIRTIO_E_BROKEN);
}

void virtio_prepare(struct virtio_queue *queue, struct virtio_chain *chain)
{
    chain->serial = queue->serial;
    chain->error = VIRTIO_OK;
    chain->head = queue->free_head;
    chain->next = queue->free_head;
    chain->count = 0;
    chain->readable = 0;
    chain->writable = 0;
}

static int check_append(const struct virtio_queue *queue, uint32_t length, uint16_t flags,
                        const struct virtio_chain *chain)
{
    if (chain->serial != queue->serial)
        return VIRTIO_E_STALE;
    if ((flags & ~VIRTQ_DESC_F_WRITE) != 0)
        return VIRTIO_E_INVALID;
    if (length == 0)
        return VIRTIO_E_ZERO_LENGTH;
    if ((flags & VIRTQ_DESC_F_WRITE) == 0 && chain->writable != 0)
        return VIRTIO_E_ORDER;
    if (length > UINT32_MAX - chain->readable - chain->writable)
        return VIRTIO_E_TOO_LONG;
    if (chain->count >= queue->free_count)
        return chain->count >= queue->size ? VIRTIO_E_TOO_LONG : VIRTIO_E_FULL;
    return VIRTIO_OK;
}

/* A descriptor's flags and link are written when it is known what follows it: each field once. */
static void finish_last(struct virtio_queue *queue, const struct virtio_chain *chain,
                        unsigned more_flags, uint16_t next)
{
    struct virtq_desc *last = &queue->descriptors[chain->last];

    last->flags = order16(queue, (uint16_t)(chain->last_flags | more_flags));
    last->next = order16(queue, next);
}

int virtio_append_desc(struct virtio_queue *queue, uint64_t device_address, uint32_t length,
                       uint16_t flags, struct virtio_chain *chain)
{
    int error = check_append(queue, length, flags, chain);
    struct virtq_desc *descriptor;

    if (error != VIRTIO_OK) {
        if (chain->error == VIRTIO_OK)
            chain->error = error;
        return error;
    }
    if (chain->count != 0)
        finish_last(queue, chain, VIRTQ_DESC_F_NEXT, chain->next);
    descriptor = &queue->descriptors[chain->next];
    descriptor->addr = virtio_order64(queue->device->legacy, device_address);
    descriptor->len = virtio_order32(queue->device->legacy, length);
    chain->last = chain->next;
    chain->last_flags = flags;
    chain->next = queue->next[chain->last];
    chain->count++;
    if ((flags & VIRTQ_DESC_F_WRITE) != 0)
        chain->writable += length;
    else
        chain->readable += length;
    return VIRTIO_OK;
}

static int check_submit(const struct virtio_queue *queue, const struct virtio_chain *chain)
{
    if (chain->error != VIRTIO_OK)
        return chain->error;
    if (chain->count == 0)
        return VIRTIO_E_INVALID;
    return chain->serial == queue->serial ? VIRTIO_OK : VIRTIO_E_STALE;
}

int virtio_submit(struct virtio_queue *queue, struct virtio_chain *chain, void *cookie)
{
    struct virtio_in_flight *entry;
    int error = virtio_queue_enter(queue);

    if (error != VIRTIO_OK)
        return error;
    error = check_submit(queue, chain);
    if (error == VIRTIO_OK) {
        finish_last(queue, chain, 0, 0);
        entry = &queue->in_flight[chain->head];
        entry->cookie = cookie;
        entry->writable = chain->writable;
        entry->last = chain->last;
        entry->count = chain->count;
        queue->available->ring[queue->available_index & queue->mask] = order16(queue, chain->head);
        queue->available_index++;
        queue->free_head = chain->next;
        queue->free_count = (uint16_t)(queue->free_count - chain->count);
        queue->serial++;
    }
    virtio_queue_leave(queue);
    return error;
}

/* Show the device what was submitted, then see whether it wants to be told (spec 2.7.13.3.1, 2.7.13.4). */
static void publish(struct virtio_queue *queue)
{
    uint16_t flags;

    /* Release: descriptors and ring entries are visible before the index that covers them. */
    __atomic_store_n(&queue->available->idx, order16(queue, queue->available_index),
                     __ATOMIC_RELEASE);
    queue->published_index = queue->available_index;
    /* Full barrier: the index must be visible before the flags are read, or a device that is just
     * going to sleep and this driver each miss what the other wrote. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    flags = order16(queue, __atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED));
    if ((flags & VIRTQ_USED_F_NO_NOTIFY) != 0)
        return;
    queue->kicks++;
    queue->doorbell.ring(&queue->doorbell, queue->index);
}

int virtio_kick(struct virtio_queue *queue)
{
    int error = virtio_queue_enter(queue);

    if (error != VIRTIO_OK)
        return error;
    if (queue->device->state != VIRTIO_DEVICE_READY)
        error = VIRTIO_E_STATE;
    else if (queue->available_index != queue->published_index)
        publish(queue);
    virtio_queue_leave(queue);
    return error;
}

/* Read the device's used index and check that it covers no more than what the device was given. */
static int see_used(struct virtio_queue *queue)
{
    uint16_t seen;
    uint16_t advance;

    if (queue->state != VIRTIO_QUEUE_LIVE)
        return VIRTIO_E_STATE;
    /* Acquire: the elements, and the data in the buffers, are read after the index that covers them. */
    seen = order16(queue, __atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE));
    advance = (uint16_t)(seen - queue->used_index);
    if (advance > (uint16_t)(queue->published_index - queue->used_index))
        return broken(queue, "used index", seen);
    queue->used_seen = seen;
    return advance != 0;
}

/* The next element of the used ring, checked. @return 1, 0 when there is none, or the latched error. */
static int next_used(struct virtio_queue *queue, uint16_t *head, uint32_t *written)
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
    id = virtio_order32(queue->device->legacy, __atomic_load_n(&element->id, __ATOMIC_RELAXED));
    length =
        virtio_order32(queue->device->legacy, __atomic_load_n(&element->len, __ATOMIC_RELAXED));
    if (id > queue->mask || queue->in_flight[id].count == 0)
        return broken(queue, "used id", id);
    entry = &queue->in_flight[id];
    if (length > entry->writable) {
        if (!queue->device->legacy)
            return broken(queue, "used length", length);
        length = entry->writable;
    }
    queue->used_index++;
    *head = (uint16_t)id;
    *written = length;
    return 1;
}

/* Put a chain of `count` descriptors back at the end of the free list. */
static void *release(struct virtio_queue *queue, uint16_t head, uint16_t count)
{
    struct virtio_in_flight *entry = &queue->in_flight[head];

    if (queue->free_count == 0)
        queue->free_head = head;
    else
        queue->next[queue->free_tail] = head;
    queue->free_tail = entry->last;
    queue->free_count = (uint16_t)(queue->free_count + count);
    entry->count = 0;
    return entry->cookie;
}

/* Keep a completion for virtio_reap. Its descriptors stay taken, so that its entry is not reused, but it
 * is not in flight any more: the device must not use it again. */
static void put_aside(struct virtio_queue *queue, uint16_t head, uint32_t written)
{
    struct virtio_in_flight *entry = &queue->in_flight[head];

    entry->writable = written;
    entry->count = 0;
    if (queue->aside_count == 0)
        queue->aside_head = head;
    else
        queue->next[queue->in_flight[queue->aside_tail].last] = head;
    queue->aside_tail = head;
    queue->aside_count++;
}

static void take_aside(struct virtio_queue *queue, struct virtio_done *done)
{
    uint16_t head = queue->aside_head;
    uint16_t last = queue->in_flight[head].last;
    uint16_t count = 1;

    for (uint16_t at = head; at != last; at = queue->next[at])
        count++;
    queue->aside_head = queue->next[last];
    queue->aside_count--;
    done->written = queue->in_flight[head].writable;
    done->cookie = release(queue, head, count);
}

int virtio_queue_take(struct virtio_queue *queue, struct virtio_done *done)
{
    uint16_t head;

    if (queue->aside_count != 0) {
        take_aside(queue, done);
        return 1;
    }
    for (;;) {
        int result = next_used(queue, &head, &done->written);

        if (result <= 0)
            return result;
        done->cookie = release(queue, head, queue->in_flight[head].count);
        if (done->cookie != virtio_queue_nobody(queue))
            return 1;
    }
}

int virtio_queue_take_one(struct virtio_queue *queue, struct virtio_done *done, uint16_t wanted)
{
    uint16_t head;
    int result;

    while ((result = next_used(queue, &head, &done->written)) > 0) {
        if (head == wanted) {
            done->cookie = release(queue, head, queue->in_flight[head].count);
            return 1;
        }
        if (queue->in_flight[head].cookie == virtio_queue_nobody(queue))
            (void)release(queue, head, queue->in_flight[head].count);
        else
            put_aside(queue, head, done->written);
    }
    return result;
}

int virtio_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    int result = virtio_queue_enter(queue);

    if (result != VIRTIO_OK)
        return result;
    result = virtio_queue_take(queue, done);
    virtio_queue_leave(queue);
    return result;
}
