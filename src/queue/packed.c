/* SPDX-License-Identifier: MIT */
/*
 * The packed virtqueue's entries (spec 2.8): one ring of descriptors that driver and device write in turn.
 *
 * Private memory holds all that decides: which ids are free (`next`), what is in flight under which id
 * (`in_flight`), where in the ring each side is and in which lap.
 *
 * The flags of a chain's first descriptor are what makes it available: they are written last. Behind a
 * descriptor that is not available the device does not look (spec 2.8.2).
 *
 * Id and flags of a descriptor are one aligned word, and written and read as one.
 */
#include "queue_internal.h"
#include "../core/endian.h"

#define FLAGS_BOTH (VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED)

/* Packed rings are little-endian: there are no legacy ones. */
static inline uint16_t order16(uint16_t value)
{
    return virtio_order16(false, value);
}

static inline uint32_t order32(uint32_t value)
{
    return virtio_order32(false, value);
}

VIRTIO_COLD void virtio_packed_layout(uint16_t size, struct virtio_split_layout *layout)
{
    layout->alignment = VIRTIO_CACHE_LINE;
    layout->available = sizeof(struct pvirtq_desc) * (size_t)size;
    /* What the device writes keeps off the line that the driver writes. */
    layout->available =
        (layout->available + VIRTIO_CACHE_LINE - 1) & ~(size_t)(VIRTIO_CACHE_LINE - 1);
    layout->used = layout->available + VIRTIO_CACHE_LINE;
    layout->size = layout->used + VIRTIO_CACHE_LINE;
}

static inline void set_available_lap(struct virtio_queue *queue, uint32_t lap)
{
    queue->available_lap = lap;
    queue->available_word = (uint64_t)lap << 32;
}

VIRTIO_COLD void virtio_packed_begin(struct virtio_queue *queue,
                                     const struct virtio_split_layout *layout)
{
    uint8_t *memory = queue->shared.memory;

    queue->slots = (struct pvirtq_desc *)(void *)memory;
    queue->slots_last = queue->slots + queue->mask;
    queue->slot = queue->slots;
    queue->used_slot = queue->slots;
    queue->driver_event = (struct pvirtq_event_suppress *)(void *)(memory + layout->available);
    queue->device_event = (struct pvirtq_event_suppress *)(void *)(memory + layout->used);
    queue->driver_event->flags = order16(RING_EVENT_FLAGS_DISABLE);
    queue->offsets.descriptors = 0;
    queue->offsets.driver = layout->available;
    queue->offsets.device = layout->used;
    queue->lap_index = 0;
    set_available_lap(queue, VIRTQ_DESC_F_AVAIL << 16);
    queue->used_lap = (uint32_t)FLAGS_BOTH << 16;
}

/* Fill in a chain, each field once. */
void virtio_packed_put(struct virtio_queue *queue, uint32_t id,
                       const struct virtio_request *request)
{
    struct pvirtq_desc *const head = queue->slot;
    struct pvirtq_desc *slot = head;
    uint32_t lap = queue->available_lap;
    uint32_t head_word = 0;

    for (uint32_t i = 0; i < request->count; i++) {
        uint32_t flags = request->flags;

        if (i >= request->readable)
            flags |= VIRTQ_DESC_F_WRITE;
        if (i + 1 < request->count)
            flags |= VIRTQ_DESC_F_NEXT;
        slot->addr = virtio_order64(false, request->buffers[i].device_address);
        slot->len = order32(request->buffers[i].length);
        if (i == 0)
            head_word = order32(id | lap | flags << 16);
        else
            *virtio_inline_word(slot) = order32(id | lap | flags << 16);
        if (slot++ == queue->slots_last) {
            slot = queue->slots;
            lap ^= (uint32_t)FLAGS_BOTH << 16;
        }
    }
    /* Release: the chain is visible before the flags of its first descriptor (spec 2.8.21.1.1). */
    virtio_order_before_store(queue);
    __atomic_store_n(virtio_inline_word(head), head_word, __ATOMIC_RELEASE);
    queue->slot = slot;
    if (lap != queue->available_lap) {
        set_available_lap(queue, lap);
        queue->lap_index += queue->size;
    }
}

bool virtio_packed_publish(struct virtio_queue *queue, uint32_t now)
{
    return virtio_inline_publish_packed(queue, now);
}

/* What the next descriptor that the device uses says, without the lap's flags: its id, if it was used already.
 * Acquire: length and the data in the buffers are read after it. */
static inline uint32_t read_word(const struct virtio_queue *queue, struct pvirtq_desc *slot,
                                 uint32_t lap)
{
    uint32_t word = order32(__atomic_load_n(virtio_inline_word(slot), __ATOMIC_ACQUIRE));

    virtio_order_after_load(queue);
    return word ^ lap;
}

static inline uint32_t read_length(const struct pvirtq_desc *slot)
{
    return order32(__atomic_load_n(&slot->len, __ATOMIC_RELAXED));
}

VIRTIO_COLD void virtio_packed_advance(struct virtio_queue *queue, uint32_t count)
{
    queue->used_index += count;
    queue->used_slot += count;
    if (queue->used_slot > queue->slots_last) {
        queue->used_slot -= queue->size;
        queue->used_lap ^= (uint32_t)FLAGS_BOTH << 16;
    }
}

VIRTIO_COLD int virtio_packed_look(struct virtio_queue *queue, uint32_t *id, uint32_t *length)
{
    uint32_t word = read_word(queue, queue->used_slot, queue->used_lap);

    if ((word & VIRTIO_INLINE_WORD) > 0xffff)
        return 0;
    *id = word & 0xffff;
    *length = read_length(queue->used_slot);
    if (*id <= queue->mask && *length < queue->in_flight[*id].limit)
        return 1;
    return virtio_queue_judge(queue, *id, length, (word & VIRTQ_DESC_F_WRITE << 16) == 0);
}

static VIRTIO_COLD int reap_odd(struct virtio_queue *queue, struct virtio_done *done)
{
    uint32_t id = 0;
    uint32_t length = 0;
    int result = virtio_packed_look(queue, &id, &length);

    return result <= 0 ? result : virtio_inline_take_packed(queue, done, id, length);
}

int virtio_packed_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    int result = VIRTIO_HAS_FAST_WAY ? virtio_inline_reap_packed(queue, done) : -1;

    return VIRTIO_LIKELY(result >= 0) ? result : reap_odd(queue, done);
}

/*
 * One loop that keeps everything in registers. It goes on until there is nothing more, and in turns that
 * neither the ring's end nor the end of `done` can be reached in: a completion takes one descriptor at least.
 */
int virtio_packed_reap_many(struct virtio_queue *queue, struct virtio_done *done, uint32_t most)
{
    const size_t mask = queue->mask;
    struct virtio_in_flight *const in_flight = queue->in_flight;
    void *const *const cookies = queue->cookies;
    uint16_t *const next = queue->next;
    struct virtio_done *at = done;
    struct virtio_done *const end = done + most;
    struct pvirtq_desc *slot = queue->used_slot;
    uint32_t lap = queue->used_lap;
    uint32_t room = queue->room;
    size_t free_head = queue->free_head;
    size_t id;

    virtio_queue_close(queue);
    do {
        struct pvirtq_desc *stop = slot + (end - at);

        if (stop > queue->slots_last)
            stop = queue->slots_last + 1;
        do {
            uint32_t length;
            int64_t both;

            id = read_word(queue, slot, lap) & VIRTIO_INLINE_WORD;
            if (VIRTIO_UNLIKELY(id > mask))
                goto out;
            length = read_length(slot);
            both = virtio_in_flight_both(&in_flight[id]);
            if (VIRTIO_UNLIKELY(length >= (uint32_t)both))
                goto out;
            VIRTIO_OPAQUE(id);
            at->cookie = cookies[id];
            at->written = length;
            at++;
            slot++;
            in_flight[id].limit = 0;
            if (both < 0)
                continue; /* it is kept */
            room++;
            both >>= 32;
            if (both == 0) {
                next[id] = (uint16_t)free_head;
                free_head = id;
            } else {
                VIRTIO_OPAQUE(id);
                next[id] = (uint16_t)free_head;
                free_head = id;
                in_flight[id].chain = 0;
                slot += both >> 16;
                room += (uint32_t)(both >> 16);
            }
        } while (slot < stop);
        if (slot > queue->slots_last) {
            slot -= mask + 1;
            lap ^= (uint32_t)FLAGS_BOTH << 16;
        }
    } while (at != end);
    id = UINT32_MAX;
out:
    queue->used_index += (uint32_t)(slot - queue->used_slot);
    if (lap != queue->used_lap) {
        queue->used_index += queue->size;
        queue->used_lap = lap;
    }
    queue->used_slot = slot;
    queue->free_head = (uint32_t)free_head;
    virtio_queue_open(queue, room);
    if (VIRTIO_UNLIKELY(at == done) && id <= 0xffff)
        return reap_odd(queue, done);
    return (int)(at - done);
}

VIRTIO_COLD void virtio_packed_interrupts(struct virtio_queue *queue, int when)
{
    struct pvirtq_event_suppress *event = queue->driver_event;
    uint32_t outstanding = virtio_queue_submitted(queue) - queue->used_index;
    uint32_t position = queue->used_index;

    if (when < 0 || !queue->event_idx) {
        __atomic_store_n(
            &event->flags,
            order16((uint16_t)(when < 0 ? RING_EVENT_FLAGS_DISABLE : RING_EVENT_FLAGS_ENABLE)),
            __ATOMIC_RELAXED);
        return;
    }
    position += virtio_event_distance(outstanding, when);
    /* Off while the place changes: the device may look at any time. */
    __atomic_store_n(&event->flags, order16(RING_EVENT_FLAGS_DISABLE), __ATOMIC_RELAXED);
    __atomic_store_n(&event->desc,
                     order16((uint16_t)((position & queue->mask) |
                                        ((position & queue->size) == 0 ? 0x8000u : 0))),
                     __ATOMIC_RELEASE);
    __atomic_store_n(&event->flags, order16(RING_EVENT_FLAGS_DESC), __ATOMIC_RELEASE);
}

bool virtio_packed_pending(const struct virtio_queue *queue)
{
    uint32_t word =
        order32(__atomic_load_n(virtio_inline_word(queue->used_slot), __ATOMIC_RELAXED));

    return ((word ^ queue->used_lap) & VIRTIO_INLINE_WORD) <= 0xffff;
}
