/* SPDX-License-Identifier: MIT */
/*
 * The split virtqueue's entries (spec 2.7): chains are written into free descriptors, published by the
 * available ring, and come back through the used ring.
 *
 * Private memory holds all that decides: the free list and the chains' links (`next`), what is in
 * flight (`in_flight`) and all indices. Shared memory is written, and read only for the used ring's
 * index, its elements and its flags, each once and checked.
 */
#include "barrier.h"
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

/* Show the device what was submitted. */
static inline void publish(struct virtio_queue *queue)
{
    /* Release: descriptors and ring entries are visible before the index that covers them (spec
     * 2.7.13.3.1). */
    virtio_order_before_store(queue);
    __atomic_store_n(&queue->available->idx, order16(queue, (uint16_t)queue->available_index),
                     __ATOMIC_RELEASE);
    queue->published_index = queue->available_index;
    /* Full barrier: the index must be visible before the device's wish is read, or a device that is just
     * going to sleep and this driver each miss what the other wrote (spec 2.7.13.4.1). */
    virtio_order_store_load(queue);
}

/* With VIRTIO_F_EVENT_IDX. @return whether the device wants to be notified. */
static inline bool publish_with_event(struct virtio_queue *queue)
{
    uint16_t old = (uint16_t)queue->published_index;

    /* Indices wrap: an event that is to be never must not come near. */
    if (!queue->interrupts)
        __atomic_store_n(queue->used_event, order16(queue, (uint16_t)(queue->used_index - 1)),
                         __ATOMIC_RELAXED);
    publish(queue);
    return virtio_event_is_due(
        order16(queue, __atomic_load_n(queue->avail_event, __ATOMIC_RELAXED)), old,
        (uint16_t)queue->published_index);
}

/* VIRTIO_F_NOTIFICATION_DATA: where the next chain will be, beside which queue it is (spec 2.9). */
static VIRTIO_COLD uint32_t notification_data(const struct virtio_queue *queue)
{
    uint32_t next = queue->available_index & 0xffff;

    if (queue->packed)
        next = (queue->available_index & queue->mask) |
               ((queue->available_index & queue->size) == 0 ? 0x8000u : 0);
    return next << 16;
}

/* Everything but a split ring without more. */
static bool kick_detour(struct virtio_queue *queue, uint32_t *value)
{
    if ((queue->kick_detour & VIRTIO_KICK_DATA) != 0)
        *value |= notification_data(queue);
    if (queue->packed)
        return virtio_packed_publish(queue);
    if (queue->event_idx)
        return publish_with_event(queue);
    publish(queue);
    return (order16(queue, __atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED)) &
            VIRTQ_USED_F_NO_NOTIFY) == 0;
}

int virtio_kick(struct virtio_queue *queue)
{
    uint32_t room = queue->room;
    uint32_t value = queue->doorbell.value;
    bool wanted;

    if (VIRTIO_UNLIKELY(room == 0))
        return virtio_queue_refusal(queue);
    if (VIRTIO_UNLIKELY(queue->available_index == queue->published_index))
        return VIRTIO_OK;
    if ((queue->kick_detour & VIRTIO_KICK_NOT_READY) != 0)
        return VIRTIO_E_STATE;
    virtio_queue_close(queue);
    if (queue->kick_detour == 0) {
        publish(queue);
        wanted = (order16(queue, __atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED)) &
                  VIRTQ_USED_F_NO_NOTIFY) == 0;
    } else if (queue->kick_detour == VIRTIO_KICK_EVENT_IDX) {
        wanted = publish_with_event(queue);
    } else {
        wanted = kick_detour(queue, &value);
    }
    if (wanted) {
        queue->kicks++;
        queue->doorbell.ring(&queue->doorbell, value);
    }
    virtio_queue_open(queue, room);
    return VIRTIO_OK;
}

/* Read the device's used index, once, and check that it covers no more than what the device was given.
 * @return how many chains are there; -1: too many. */
static inline int see_used(struct virtio_queue *queue, uint32_t used_index)
{
    /* Acquire: the elements, and the data in the buffers, are read after the index that covers them. */
    uint16_t seen = order16(queue, __atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE));
    uint32_t left = (uint16_t)(seen - used_index);

    virtio_order_after_load(queue);
    queue->used_seen = used_index + left;
    return VIRTIO_LIKELY(left <= queue->published_index - used_index) ? (int)left : -1;
}

/* What see_used refused is in used_seen; it is not read from the device again, and not kept. */
static VIRTIO_COLD int broken_index(struct virtio_queue *queue)
{
    uint16_t seen = (uint16_t)queue->used_seen;

    queue->used_seen = queue->used_index;
    return virtio_queue_broken(queue, "used index", seen);
}

/*
 * The element at `used_index` of the used ring: each of its fields is read once, checked, then used.
 * @return whether it fits what is in flight.
 */
static inline bool read_element(const struct virtio_queue *queue, const struct virtq_used *used,
                                uint32_t used_index, uint32_t mask, uint32_t *id, uint32_t *length)
{
    const struct virtq_used_elem *element = &used->ring[used_index & mask];

    *id = order32(queue, __atomic_load_n(&element->id, __ATOMIC_RELAXED));
    *length = order32(queue, __atomic_load_n(&element->len, __ATOMIC_RELAXED));
    return VIRTIO_LIKELY(*id <= mask && *length < queue->in_flight[*id].limit);
}

VIRTIO_COLD int virtio_split_look(struct virtio_queue *queue, uint32_t *id, uint32_t *length,
                                  uint32_t *left)
{
    *left = queue->used_seen - queue->used_index;
    if (*left == 0) {
        int seen = see_used(queue, queue->used_index);

        if (seen <= 0)
            return seen == 0 ? 0 : broken_index(queue);
        *left = (uint32_t)seen;
    }
    if (read_element(queue, queue->used, queue->used_index, queue->mask, id, length))
        return 1;
    return virtio_queue_judge(queue, *id, length, false);
}

/* Take a chain that the device has used. */
static inline int take(struct virtio_queue *queue, struct virtio_done *done, uint32_t id,
                       uint32_t length)
{
    uint32_t room = queue->room;
    struct virtio_in_flight *entry = &queue->in_flight[id];

    virtio_queue_close(queue);
    done->cookie = entry->cookie;
    done->written = length;
    room += 1 + virtio_chain_release(queue->next, entry, id, &queue->free_head);
    queue->used_index++;
    virtio_queue_open(queue, room);
    return 1;
}

static VIRTIO_COLD int take_odd(struct virtio_queue *queue, struct virtio_done *done, uint32_t id,
                                uint32_t length)
{
    int judged = virtio_queue_judge(queue, id, &length, false);

    return judged < 0 ? judged : take(queue, done, id, length);
}

static inline int reap(struct virtio_queue *queue, struct virtio_done *done)
{
    uint32_t used_index = queue->used_index;
    uint32_t id;
    uint32_t length;

    if (queue->used_seen == used_index) {
        int left = see_used(queue, used_index);

        if (left == 0)
            return 0;
        if (VIRTIO_UNLIKELY(left < 0))
            return broken_index(queue);
    }
    if (!read_element(queue, queue->used, used_index, queue->mask, &id, &length))
        return take_odd(queue, done, id, length);
    return take(queue, done, id, length);
}

VIRTIO_COLD int virtio_split_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    return reap(queue, done);
}

int virtio_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    if (VIRTIO_UNLIKELY(queue->room == 0))
        return virtio_queue_refusal(queue);
    if (VIRTIO_UNLIKELY(queue->detour != 0))
        return queue->detour == VIRTIO_DETOUR_PACKED ? virtio_packed_reap(queue, done)
                                                     : virtio_queue_detour(queue, done);
    return reap(queue, done);
}

/* `left` that are there, or as many as there is room for, in one loop that keeps everything in registers. */
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
        struct virtio_in_flight *entry;

        if (!read_element(queue, used, used_index, mask, &id, &length))
            break;
        entry = &queue->in_flight[id];
        done->cookie = entry->cookie;
        done->written = length;
        room += virtio_chain_release(next, entry, id, &free_head);
        done++;
        used_index++;
    } while (used_index != end);
    queue->used_index = used_index;
    queue->free_head = free_head;
    count -= end - used_index;
    virtio_queue_open(queue, room + count);
    /* What does not fit is for the careful one to judge. */
    if (VIRTIO_UNLIKELY(used_index != end)) {
        int result = virtio_split_reap(queue, done);

        return result > 0 || count == 0 ? (int)count + result : (int)count;
    }
    return (int)count;
}

int virtio_reap_many(struct virtio_queue *queue, struct virtio_done *done, uint32_t most)
{
    uint32_t left = queue->used_seen - queue->used_index;

    if (VIRTIO_UNLIKELY(most <= 1 || queue->room == 0 || queue->detour != 0)) {
        if (queue->room != 0 && queue->detour == VIRTIO_DETOUR_PACKED && most != 0)
            return virtio_packed_reap_many(queue, done, most);
        return most == 0 ? VIRTIO_E_INVALID : virtio_queue_detour_many(queue, done, most);
    }
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
