/* SPDX-License-Identifier: MIT */
/*
 * The packed virtqueue's entries (spec 2.8): one ring of descriptors that driver and device write in turn.
 *
 * Private memory holds all that decides: which ids are free (`next`), what is in flight under which id
 * (`in_flight`) and all positions. Positions are free-running numbers of descriptors: the lower bits are
 * the place in the ring, the bit above them is the inverse of the wrap counter.
 *
 * A batch becomes visible with one store: the flags of its first descriptor are held back until the
 * kick, and behind a descriptor that is not available the device does not look (spec 2.8.2).
 */
#include "barrier.h"
#include "queue_internal.h"
#include "../core/endian.h"

#define FLAGS_BOTH (VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED)

/* Packed rings are little-endian: there are no legacy ones. */
static inline uint16_t order16(uint16_t value)
{
    return virtio_order16(false, value);
}

static inline bool wrap_of(const struct virtio_queue *queue, uint32_t position)
{
    return (position & queue->size) == 0;
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

VIRTIO_COLD void virtio_packed_begin(struct virtio_queue *queue,
                                     const struct virtio_split_layout *layout)
{
    uint8_t *memory = queue->shared.memory;

    queue->slots = (struct pvirtq_desc *)(void *)memory;
    queue->driver_event = (struct pvirtq_event_suppress *)(void *)(memory + layout->available);
    queue->device_event = (struct pvirtq_event_suppress *)(void *)(memory + layout->used);
    queue->driver_event->flags = order16(RING_EVENT_FLAGS_DISABLE);
    queue->offsets.descriptors = 0;
    queue->offsets.driver = layout->available;
    queue->offsets.device = layout->used;
    queue->available_flags = VIRTQ_DESC_F_AVAIL;
    queue->detour |= VIRTIO_DETOUR_PACKED;
}

/* Fill in one descriptor, each field once; its flags are held back when it is the first that the device has
 * not been shown. */
static inline void write_descriptor(struct virtio_queue *queue, uint32_t position, uint32_t id,
                                    const struct virtio_buffer *buffer, uint32_t flags)
{
    struct pvirtq_desc *slot = &queue->slots[position & queue->mask];

    slot->addr = virtio_order64(false, buffer->device_address);
    slot->len = virtio_order32(false, buffer->length);
    slot->id = order16((uint16_t)id);
    if (position == queue->published_index)
        queue->held_flags = (uint16_t)flags;
    else
        slot->flags = order16((uint16_t)flags);
}

void virtio_packed_put(struct virtio_queue *queue, uint32_t id,
                       const struct virtio_request *request)
{
    uint32_t position = queue->available_index;

    for (uint32_t i = 0; i < request->count; i++, position++) {
        uint32_t flags = queue->available_flags | request->flags;

        if (i >= request->readable)
            flags |= VIRTQ_DESC_F_WRITE;
        if (i + 1 < request->count)
            flags |= VIRTQ_DESC_F_NEXT;
        write_descriptor(queue, position, id, &request->buffers[i], flags);
        if (((position + 1) & queue->mask) == 0)
            queue->available_flags = (uint16_t)(queue->available_flags ^ FLAGS_BOTH);
    }
    virtio_compiler_barrier();
    queue->available_index = position;
}

/* Does the event that the device waits for lie between the positions `old` and `now`? Positions and the
 * device's offset with its wrap counter are both numbers modulo twice the size. */
static bool event_is_due(const struct virtio_queue *queue, uint16_t event, uint32_t old,
                         uint32_t now)
{
    uint32_t modulus_mask = 2u * queue->size - 1u;
    uint32_t offset = event & 0x7fffu;

    if (offset >= queue->size)
        return true; /* no such place: rather a notification too many */
    if ((event & 0x8000u) == 0)
        offset += queue->size;
    return ((now - offset - 1) & modulus_mask) < now - old;
}

bool virtio_packed_publish(struct virtio_queue *queue)
{
    uint32_t old = queue->published_index;
    struct pvirtq_event_suppress event;

    /* Release: all descriptors of the batch are visible before the flags of its first (spec 2.8.20.1). */
    virtio_order_before_store(queue);
    __atomic_store_n(&queue->slots[old & queue->mask].flags, order16(queue->held_flags),
                     __ATOMIC_RELEASE);
    queue->published_index = queue->available_index;
    /* Full barrier: the flags must be visible before the device's wish is read (spec 2.8.21.1). */
    virtio_order_store_load(queue);
    event.flags = __atomic_load_n(&queue->device_event->flags, __ATOMIC_ACQUIRE);
    switch (order16(event.flags) & 3u) {
    case RING_EVENT_FLAGS_DISABLE:
        return false;
    case RING_EVENT_FLAGS_DESC:
        event.desc = __atomic_load_n(&queue->device_event->desc, __ATOMIC_RELAXED);
        return !queue->event_idx ||
               event_is_due(queue, order16(event.desc), old, queue->available_index);
    default:
        return true;
    }
}

/* Was the descriptor at `position` used by the device? */
static inline bool is_used(const struct virtio_queue *queue, uint32_t position, uint32_t flags)
{
    return (flags & FLAGS_BOTH) == (wrap_of(queue, position) ? FLAGS_BOTH : 0);
}

/*
 * The next used descriptor: each of its fields is read once, checked, then used.
 * @return 1; 0: there is none; -1: it does not fit what is in flight.
 */
static inline int read_slot(const struct virtio_queue *queue, uint32_t used_index, uint32_t *id,
                            uint32_t *length, uint32_t *flags)
{
    const struct pvirtq_desc *slot = &queue->slots[used_index & queue->mask];

    if (used_index == queue->published_index)
        return 0;
    /* Acquire: id, length and the data in the buffers are read after the flags. */
    *flags = order16(__atomic_load_n(&slot->flags, __ATOMIC_ACQUIRE));
    if (!is_used(queue, used_index, *flags))
        return 0;
    virtio_order_after_load(queue);
    *id = order16(__atomic_load_n(&slot->id, __ATOMIC_RELAXED));
    *length = virtio_order32(false, __atomic_load_n(&slot->len, __ATOMIC_RELAXED));
    if (VIRTIO_UNLIKELY(*id > queue->mask || *length >= queue->in_flight[*id].limit))
        return -1;
    /* Of what the device was not shown yet it can't have used any. */
    return virtio_chain_count(queue->in_flight[*id].chain) <= queue->published_index - used_index
               ? 1
               : -1;
}

VIRTIO_COLD int virtio_packed_look(struct virtio_queue *queue, uint32_t *id, uint32_t *length)
{
    uint32_t flags;
    int result = read_slot(queue, queue->used_index, id, length, &flags);

    if (result < 0 && *id <= queue->mask &&
        virtio_chain_count(queue->in_flight[*id].chain) >
            queue->published_index - queue->used_index)
        return virtio_queue_broken(queue, "used id", *id);
    return result >= 0 ? result
                       : virtio_queue_judge(queue, *id, length, (flags & VIRTQ_DESC_F_WRITE) == 0);
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
    queue->used_index += virtio_chain_count(entry->chain);
    room += 1 + virtio_chain_release(queue->next, entry, id, &queue->free_head);
    virtio_queue_open(queue, room);
    return 1;
}

/* What does not fit at first sight. */
static VIRTIO_COLD int reap_odd(struct virtio_queue *queue, struct virtio_done *done)
{
    uint32_t id;
    uint32_t length;
    int result = virtio_packed_look(queue, &id, &length);

    return result <= 0 ? result : take(queue, done, id, length);
}

int virtio_packed_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    uint32_t id;
    uint32_t length;
    uint32_t flags;
    int result = read_slot(queue, queue->used_index, &id, &length, &flags);

    if (result == 0)
        return 0;
    if (VIRTIO_UNLIKELY(result < 0))
        return reap_odd(queue, done);
    return take(queue, done, id, length);
}

/* One loop that keeps everything in registers: where the next used descriptor is, what its flags must be, and
 * how many descriptors the device has. */
int virtio_packed_reap_many(struct virtio_queue *queue, struct virtio_done *done, uint32_t most)
{
    const uint32_t mask = queue->mask;
    struct virtio_in_flight *const in_flight = queue->in_flight;
    const struct pvirtq_desc *const slots_end = queue->slots + mask + 1;
    const struct pvirtq_desc *slot = queue->slots + (queue->used_index & mask);
    struct virtio_done *const end = done + most;
    struct virtio_done *at = done;
    uint32_t wanted = wrap_of(queue, queue->used_index) ? FLAGS_BOTH : 0;
    uint32_t left = queue->published_index - queue->used_index;
    uint32_t room = queue->room + left;
    uint32_t kept = 0;
    uint32_t free_head = queue->free_head;
    bool odd = false;

    virtio_queue_close(queue);
    while (left != 0) {
        uint32_t id;
        uint32_t length;
        uint32_t count;
        struct virtio_in_flight *entry;

        /* Acquire: id, length and the data in the buffers are read after the flags. */
        if ((order16(__atomic_load_n(&slot->flags, __ATOMIC_ACQUIRE)) & FLAGS_BOTH) != wanted)
            break;
        virtio_order_after_load(queue);
        id = order16(__atomic_load_n(&slot->id, __ATOMIC_RELAXED));
        length = virtio_order32(false, __atomic_load_n(&slot->len, __ATOMIC_RELAXED));
        odd = id > mask || length >= in_flight[id].limit ||
              virtio_chain_count(in_flight[id].chain) > left;
        if (VIRTIO_UNLIKELY(odd))
            break;
        entry = &in_flight[id];
        at->cookie = entry->cookie;
        at->written = length;
        count = virtio_chain_count(entry->chain);
        kept += count - 1 - virtio_chain_release(queue->next, entry, id, &free_head);
        left -= count;
        slot += count;
        if (slot >= slots_end) {
            slot -= mask + 1;
            wanted ^= FLAGS_BOTH;
        }
        if (++at == end)
            break;
    }
    queue->used_index = queue->published_index - left;
    queue->free_head = free_head;
    virtio_queue_open(queue, room - left - kept);
    if (VIRTIO_UNLIKELY(odd)) {
        int result = reap_odd(queue, at);

        return result > 0 || at == done ? (int)(at - done) + result : (int)(at - done);
    }
    return (int)(at - done);
}

VIRTIO_COLD void virtio_packed_interrupts(struct virtio_queue *queue, int when)
{
    struct pvirtq_event_suppress *event = queue->driver_event;
    uint32_t outstanding = queue->published_index - queue->used_index;
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
    __atomic_store_n(
        &event->desc,
        order16((uint16_t)((position & queue->mask) | (wrap_of(queue, position) ? 0x8000u : 0))),
        __ATOMIC_RELEASE);
    __atomic_store_n(&event->flags, order16(RING_EVENT_FLAGS_DESC), __ATOMIC_RELEASE);
}

bool virtio_packed_pending(const struct virtio_queue *queue)
{
    const struct pvirtq_desc *slot = &queue->slots[queue->used_index & queue->mask];

    return queue->used_index != queue->published_index &&
           is_used(queue, queue->used_index,
                   order16(__atomic_load_n(&slot->flags, __ATOMIC_RELAXED)));
}
