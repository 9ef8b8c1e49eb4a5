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

static size_t round_up(size_t value, size_t unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

VIRTIO_COLD void virtio_split_layout(uint16_t size, bool legacy, struct virtio_split_layout *layout)
{
    size_t alignment = legacy ? VIRTIO_LEGACY_ALIGNMENT : VIRTIO_CACHE_LINE;
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

VIRTIO_COLD void virtio_split_begin(struct virtio_queue *queue,
                                    const struct virtio_split_layout *layout)
{
    uint8_t *memory = queue->shared.memory;

    queue->descriptors = (struct virtq_desc *)(void *)memory;
    queue->available = (struct virtq_avail *)(void *)(memory + layout->available);
    queue->used = (struct virtq_used *)(void *)(memory + layout->used);
    /* Behind the rings (spec 2.7.6, 2.7.8). */
    queue->used_event = &queue->available->ring[queue->size];
    queue->avail_event = (const uint16_t *)(const void *)&queue->used->ring[queue->size];
    queue->offsets.descriptors = 0;
    queue->offsets.driver = layout->available;
    queue->offsets.device = layout->used;
    virtio_split_interrupts(queue, -1);
}

uint32_t virtio_split_write(struct virtio_queue *queue, uint32_t head,
                            const struct virtio_request *request)
{
    bool legacy = queue->device->legacy;
    uint32_t at = head;

    for (uint32_t i = 0;; i++) {
        const struct virtio_buffer *buffer = &request->buffers[i];
        struct virtq_desc *descriptor = &queue->descriptors[at];
        uint32_t flags = request->flags | (i >= request->readable ? VIRTQ_DESC_F_WRITE : 0);

        descriptor->addr = virtio_order64(legacy, buffer->device_address);
        descriptor->len = order32(queue, buffer->length);
        if (i + 1 == request->count) {
            descriptor->flags = order16(queue, (uint16_t)flags);
            descriptor->next = 0;
            return at;
        }
        at = queue->next[at];
        descriptor->flags = order16(queue, (uint16_t)(flags | VIRTQ_DESC_F_NEXT));
        descriptor->next = order16(queue, (uint16_t)at);
    }
}

void virtio_split_enqueue(struct virtio_queue *queue, uint32_t head)
{
    queue->available->ring[queue->available_index & queue->mask] = order16(queue, (uint16_t)head);
    virtio_compiler_barrier();
    queue->available_index++;
}

VIRTIO_COLD void virtio_split_interrupts(struct virtio_queue *queue, int when)
{
    uint32_t outstanding = queue->published_index - queue->used_index;
    uint32_t event = queue->used_index - 1; /* behind all that can complete: never */

    if (queue->event_idx) {
        if (when >= 0)
            event = queue->used_index + virtio_event_distance(outstanding, when);
        __atomic_store_n(queue->used_event, order16(queue, (uint16_t)event), __ATOMIC_RELAXED);
        return;
    }
    __atomic_store_n(&queue->available->flags,
                     order16(queue, (uint16_t)(when < 0 ? VIRTQ_AVAIL_F_NO_INTERRUPT : 0)),
                     __ATOMIC_RELAXED);
}

bool virtio_split_pending(const struct virtio_queue *queue)
{
    return order16(queue, __atomic_load_n(&queue->used->idx, __ATOMIC_RELAXED)) !=
           (uint16_t)queue->used_index;
}

/* VIRTIO_F_NOTIFICATION_DATA: where the next chain will be, beside which queue it is (spec 2.9). */
static VIRTIO_COLD uint32_t notification_data(const struct virtio_queue *queue, uint32_t index)
{
    uint32_t next = index & 0xffff;

    if (queue->packed)
        next = (index & queue->mask) | ((index & queue->size) == 0 ? 0x8000u : 0);
    return next << 16;
}

int virtio_kick(struct virtio_queue *queue)
{
    uint32_t available_index = virtio_queue_submitted(queue);
    uint32_t detour = queue->kick_detour;
    uint32_t data = 0;
    bool is_wanted;

    if (VIRTIO_UNLIKELY(queue->room == 0))
        return virtio_queue_refusal(queue);
    if (VIRTIO_UNLIKELY(available_index == queue->published_index))
        return VIRTIO_OK;
    if (VIRTIO_UNLIKELY(detour != 0)) {
        if ((detour & VIRTIO_KICK_NOT_READY) != 0)
            return VIRTIO_E_STATE;
        data = notification_data(queue, available_index);
    }
    queue->inside = queue->room;
    virtio_queue_close(queue);
    if (queue->packed)
        is_wanted = virtio_packed_publish(queue, available_index);
    else
        is_wanted = virtio_inline_publish_split(queue, available_index);
    if (is_wanted) {
        queue->kicks++;
        queue->doorbell.ring(&queue->doorbell, queue->doorbell.value | data);
    }
    virtio_queue_open(queue, queue->inside);
    return VIRTIO_OK;
}

/* Read the device's used index, once, and check that it covers no more than what the device was given.
 * @return how many chains are there; 0: none, or too many, as used_seen tells. */
static inline uint32_t see_used(struct virtio_queue *queue, uint32_t used_index)
{
    /* Acquire: the elements, and the data in the buffers, are read after the index that covers them. */
    uint16_t seen = order16(queue, __atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE));
    uint32_t left = (uint16_t)(seen - used_index);

    virtio_order_after_load(queue);
    queue->used_seen = used_index + left;
    return VIRTIO_LIKELY(left - 1 < queue->published_index - used_index) ? left : 0;
}

/* See_used saw nothing to take. What it refused is in used_seen; it is not read from the device again, and not
 * kept. @return 0, or the latched error. */
static VIRTIO_COLD int nothing_used(struct virtio_queue *queue)
{
    uint16_t seen = (uint16_t)queue->used_seen;

    if (queue->used_seen == queue->used_index)
        return 0;
    queue->used_seen = queue->used_index;
    return virtio_queue_broken(queue, "used index", seen);
}

VIRTIO_COLD int virtio_split_look(struct virtio_queue *queue, uint32_t *id, uint32_t *length)
{
    const struct virtq_used_elem *element;

    if (queue->used_seen == queue->used_index && see_used(queue, queue->used_index) == 0)
        return nothing_used(queue);
    element = &queue->used->ring[queue->used_index & queue->mask];
    *id = order32(queue, __atomic_load_n(&element->id, __ATOMIC_RELAXED));
    *length = order32(queue, __atomic_load_n(&element->len, __ATOMIC_RELAXED));
    if (*id <= queue->mask && *length < queue->in_flight[*id].limit)
        return 1;
    return virtio_queue_judge(queue, *id, length, false);
}

static VIRTIO_COLD int reap_odd(struct virtio_queue *queue, struct virtio_done *done)
{
    uint32_t id = 0;
    uint32_t length = 0;
    int result = virtio_split_look(queue, &id, &length);

    return result <= 0 ? result : virtio_inline_take_split(queue, done, id, length);
}

int virtio_split_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    int result = VIRTIO_HAS_FAST_WAY ? virtio_inline_reap_split(queue, done) : -1;

    return VIRTIO_LIKELY(result >= 0) ? result : reap_odd(queue, done);
}

int virtio_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    if (VIRTIO_UNLIKELY(queue->room == 0))
        return virtio_queue_refusal(queue);
    if (VIRTIO_UNLIKELY(queue->detour != 0))
        return virtio_queue_detour(queue, done);
    return queue->packed ? virtio_packed_reap(queue, done) : virtio_split_reap(queue, done);
}

/* `wanted` completions that are there, in one loop that keeps everything in registers, in turns that end at the
 * ring's end. */
static inline int reap_batch(struct virtio_queue *queue, struct virtio_done *done, uint32_t wanted)
{
    const uint32_t mask = queue->mask;
    const uint32_t first = queue->used_index & mask;
    struct virtio_in_flight *const in_flight = queue->in_flight;
    void *const *const cookies = queue->cookies;
    uint16_t *const next = queue->next;
    const struct virtq_used_elem *element = &queue->used->ring[first];
    struct virtio_done *at = done;
    struct virtio_done *stop = done + (mask + 1 - first);
    struct virtio_done *const end = done + wanted;
    uint32_t room = queue->room;
    size_t free_head = queue->free_head;

    virtio_queue_close(queue);
    if (VIRTIO_LIKELY(stop > end))
        stop = end;
    for (;;) {
        do {
            size_t id;
            uint32_t length;
            int64_t both;

            VIRTIO_OPAQUE(element);
            id = order32(queue, __atomic_load_n(&element->id, __ATOMIC_RELAXED));
            length = order32(queue, __atomic_load_n(&element->len, __ATOMIC_RELAXED));
            element++;
            if (VIRTIO_UNLIKELY(id > mask))
                goto out;
            both = virtio_in_flight_both(&in_flight[id]);
            if (VIRTIO_UNLIKELY(length >= (uint32_t)both))
                goto out;
            VIRTIO_OPAQUE(id);
            at->cookie = cookies[id];
            at->written = length;
            in_flight[id].limit = 0;
            if (both < 0)
                continue; /* it is kept */
            both >>= 32;
            if (both == 0) {
                next[id] = (uint16_t)free_head;
                free_head = id;
                room++;
            } else {
                VIRTIO_OPAQUE(id);
                VIRTIO_OPAQUE(both);
                next[((size_t)both & 0x7fff) ^ id] = (uint16_t)free_head;
                free_head = id;
                in_flight[id].chain = 0;
                room += (uint32_t)(both >> 16) + 1;
            }
        } while (++at != stop);
        if (VIRTIO_LIKELY(at == end))
            break;
        stop = end;
        element = queue->used->ring;
    }
out:
    wanted = (uint32_t)(at - done);
    queue->used_index += wanted;
    queue->free_head = (uint32_t)free_head;
    virtio_queue_open(queue, room);
    /* What does not fit is judged when it is the first. */
    return VIRTIO_LIKELY(wanted != 0) ? (int)wanted : reap_odd(queue, done);
}

int virtio_reap_many(struct virtio_queue *queue, struct virtio_done *done, uint32_t most)
{
    uint32_t left;

    if (!VIRTIO_HAS_FAST_WAY ||
        VIRTIO_UNLIKELY(most <= 1 || queue->room == 0 || queue->detour != 0))
        return most == 0 ? VIRTIO_E_INVALID : virtio_queue_detour_many(queue, done, most);
    if (queue->packed)
        return virtio_packed_reap_many(queue, done, most);
    left = queue->used_seen - queue->used_index;
    if (left == 0) {
        left = see_used(queue, queue->used_index);
        if (left == 0)
            return nothing_used(queue);
    }
    return reap_batch(queue, done, left < most ? left : most);
}
