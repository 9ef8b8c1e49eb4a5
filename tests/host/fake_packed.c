/* SPDX-License-Identifier: MIT */
/*
 * The packed ring from the device's end (spec 2.8), written from the specification's offsets and not with
 * the library's structures.
 *
 *     descriptor ring      16 bytes each: le64 address, le32 length, le16 id, le16 flags
 *     event suppression    le16 offset and wrap counter, le16 flags; one the driver's, one the device's
 *
 * Positions are free-running numbers of descriptors: where in the ring, and how often around it.
 */
#include "fake_ring.h"

#include <stdlib.h>
#include <string.h>
#include <virtio/device.h>

#define F_AVAIL 0x0080u
#define F_USED  0x8000u

#define EVENTS_ENABLE  0u
#define EVENTS_DISABLE 1u
#define EVENTS_DESC    2u
#define EVENT_WRAP     0x8000u

static size_t part_size(const struct fake_queue *queue, enum fake_part part)
{
    return part == FAKE_DESCRIPTORS ? DESCRIPTOR_SIZE * (size_t)queue->size : 4;
}

static uint8_t *slot_at(struct fake_queue *queue, uint8_t *ring, uint32_t position)
{
    return ring + DESCRIPTOR_SIZE * (size_t)(position % queue->size);
}

/* The wrap counter at a position: 1 the first time around. */
static bool wrap_at(const struct fake_queue *queue, uint32_t position)
{
    return (position / queue->size) % 2 == 0;
}

/* The flags that say whose turn it is. */
static uint16_t marks(bool wrap, bool is_used)
{
    return (uint16_t)((wrap ? F_AVAIL : 0) | (wrap == is_used ? F_USED : 0));
}

static bool is_available(struct fake_queue *queue, uint8_t *ring, uint32_t position)
{
    uint16_t flags = get16(queue, slot_at(queue, ring, position) + 14);

    return (flags & (F_AVAIL | F_USED)) == marks(wrap_at(queue, position), false);
}

static void packed_begin(struct fake_queue *queue)
{
    const uint8_t *ring = fake_ring_part(queue, FAKE_DESCRIPTORS);
    const uint8_t *device = fake_ring_part(queue, FAKE_DEVICE);

    if (!ring || !device || !fake_ring_part(queue, FAKE_DRIVER))
        return;
    fake_ring_check_zero(queue, ring, part_size(queue, FAKE_DESCRIPTORS), "2.8.13",
                         "the descriptor ring");
    fake_ring_check_zero(queue, device, 4, "4.1.5.1.3", "the device event suppression structure");
}

/* Taking ---------------------------------------------------------------------------------------- */

static void check_slot_flags(struct fake_queue *queue, uint16_t flags, bool is_first,
                             uint16_t index)
{
    uint16_t known = F_NEXT | F_WRITE | F_AVAIL | F_USED;

    if (fake_ring_has(queue, VIRTIO_F_INDIRECT_DESC))
        known |= F_INDIRECT;
    if ((flags & ~known) || ((flags & F_INDIRECT) && (flags & F_WRITE)))
        fake_rule(queue->device, "descriptor-flags", "2.8.7, 2.8.19", "0x%x in %u", flags, index);
    else if ((flags & F_INDIRECT) && ((flags & F_NEXT) || !is_first))
        fake_rule(queue->device, "indirect-with-next", "2.8.19", "descriptor %u", index);
}

/* The last descriptor of a chain has its id, which must tell it from all that are in flight (2.8.6). */
static void set_id(struct fake_chain *chain, uint16_t id)
{
    struct fake_queue *queue = chain->queue;
    bool in_use = false;

    for (const struct fake_chain *other = queue->chains; other; other = other->next)
        in_use |= other->head == id;
    for (const struct fake_chain *other = queue->held; other; other = other->next_held)
        in_use |= other->head == id;
    if (in_use)
        fake_rule(queue->device, "buffer-id-in-use", "2.8.6, 2.8.21.1", "id %u", id);
    chain->head = id;
}

static struct fake_chain *walk(struct fake_queue *queue, uint8_t *ring)
{
    struct fake_chain *chain = fake_chain_new(queue);
    uint32_t position = queue->next_available;

    for (;; position++) {
        uint16_t index = (uint16_t)(position % queue->size);
        const uint8_t *bytes = slot_at(queue, ring, position);
        uint16_t flags = get16(queue, bytes + 14);

        if (position - queue->next_used >= queue->size) {
            fake_rule(queue->device, "ring-overrun", "2.8.16, 2.8.17",
                      "descriptor %u, while the device has all %u", index, queue->size);
            break;
        }
        if (position != queue->next_available && !is_available(queue, ring, position)) {
            fake_rule(queue->device, "chain-shown-in-part", "2.8.6, 2.8.17",
                      "the flags of %u are 0x%x", index, flags);
            break;
        }
        if (!fake_chain_add_slot(chain, index, bytes))
            break;
        check_slot_flags(queue, flags, chain->slot_count == 1, index);
        if (!(flags & F_INDIRECT) || !fake_ring_has(queue, VIRTIO_F_INDIRECT_DESC))
            fake_chain_add_element(chain, bytes, flags & (F_NEXT | F_WRITE), index);
        else if (!fake_chain_add_table(chain, bytes, true))
            break;
        if (flags & F_NEXT)
            continue;
        set_id(chain, get16(queue, bytes + 12));
        queue->next_available = position + 1;
        return chain;
    }
    /* What the device has looked at it does not look at again. */
    queue->next_available += chain->slot_count;
    fake_chain_discard(chain);
    return NULL;
}

/* What the driver left where the device looks next: only a device marks descriptors as used. */
static void check_marks(struct fake_queue *queue, const uint8_t *bytes)
{
    bool wrap = wrap_at(queue, queue->next_available);

    if (queue->next_available - queue->next_used < queue->size &&
        (get16(queue, bytes + 14) & (F_AVAIL | F_USED)) == marks(wrap, true))
        fake_rule(queue->device, "descriptor-marks", "2.8.1",
                  "flags 0x%x in %u, the wrap counter is %u", get16(queue, bytes + 14),
                  queue->next_available % queue->size, wrap);
}

static struct fake_chain *packed_take(struct fake_queue *queue)
{
    uint8_t *ring = fake_ring_part(queue, FAKE_DESCRIPTORS);

    if (!ring)
        return NULL;
    if (is_available(queue, ring, queue->next_available))
        return walk(queue, ring);
    check_marks(queue, slot_at(queue, ring, queue->next_available));
    return NULL;
}

static uint32_t packed_position(struct fake_queue *queue)
{
    uint8_t *ring = fake_ring_part(queue, FAKE_DESCRIPTORS);
    uint32_t position = queue->next_available;

    while (ring && position - queue->next_available < queue->size &&
           is_available(queue, ring, position))
        position++;
    return position;
}

static bool packed_is_exposed(struct fake_queue *queue, uint64_t address, uint64_t size)
{
    uint8_t *ring = fake_ring_part(queue, FAKE_DESCRIPTORS);
    uint32_t end = packed_position(queue);

    for (uint32_t at = queue->next_available; ring && at != end; at++) {
        const uint8_t *bytes = slot_at(queue, ring, at);

        if (fake_ring_covers(queue, bytes, (get16(queue, bytes + 14) & F_INDIRECT) != 0, address,
                             size))
            return true;
    }
    return false;
}

/* Completing ------------------------------------------------------------------------------------ */

/* A descriptor that the device has written over since is nobody's any more. */
static void packed_check_untouched(struct fake_chain *chain)
{
    struct fake_queue *queue = chain->queue;
    uint8_t *ring = fake_ring_part(queue, FAKE_DESCRIPTORS);

    for (unsigned i = 0; ring && i < chain->slot_count; i++) {
        const struct fake_slot *was = &chain->slots[i];

        if (queue->owners[was->index] == chain &&
            memcmp(slot_at(queue, ring, was->index), was->bytes, DESCRIPTOR_SIZE) != 0)
            fake_rule(queue->device, "descriptor-changed", "2.8.16, 3.3.1",
                      "%u while the device owned it", was->index);
    }
}

/* Address stays what it was: it means nothing here. Neither does the length when nothing was written. */
static void packed_use(struct fake_queue *queue, uint32_t id, uint32_t written, unsigned chains,
                       unsigned slots)
{
    uint8_t *ring = fake_ring_part(queue, FAKE_DESCRIPTORS);
    uint16_t flags = marks(wrap_at(queue, queue->next_used), true);
    uint8_t *bytes;

    (void)chains;
    if (!ring)
        return;
    bytes = slot_at(queue, ring, queue->next_used);
    put32(queue, bytes + 8, written != 0 || !queue->device->leaves_lengths ? written : UINT32_MAX);
    put16(queue, bytes + 12, id);
    put16(queue, bytes + 14, written != 0 ? flags | F_WRITE : flags);
    /* All that is skipped is the driver's again, whoever had it (2.8.2). */
    for (unsigned i = 0; i < slots; i++)
        queue->owners[queue->next_used++ % queue->size] = NULL;
}

/* Wishes ---------------------------------------------------------------------------------------- */

static void packed_wish(struct fake_queue *queue)
{
    uint8_t bytes[4] = {0};

    if (queue->suppressed || queue->is_busy) {
        put16(queue, bytes + 2, EVENTS_DISABLE);
    } else if (fake_ring_has(queue, VIRTIO_F_EVENT_IDX)) {
        put16(queue, bytes,
              queue->event % queue->size | (wrap_at(queue, queue->event) ? EVENT_WRAP : 0));
        put16(queue, bytes + 2, EVENTS_DESC);
    }
    fake_ring_write(queue, 0, bytes, sizeof(bytes));
}

static void packed_check_wish(struct fake_queue *queue)
{
    const uint8_t *event = fake_ring_part(queue, FAKE_DRIVER);
    uint16_t flags;

    if (!event)
        return;
    flags = get16(queue, event + 2);
    if (flags > EVENTS_DESC || (flags == EVENTS_DESC && !fake_ring_has(queue, VIRTIO_F_EVENT_IDX)))
        fake_rule(queue->device, "event-flags", "2.8.10, 2.8.14", "0x%x", flags);
    else if (flags == EVENTS_DESC && (get16(queue, event) & ~EVENT_WRAP) >= queue->size)
        fake_rule(queue->device, "event-offset", "2.8.10", "%u of %u",
                  get16(queue, event) & ~EVENT_WRAP, queue->size);
}

static bool packed_wants_interrupt(struct fake_queue *queue, uint32_t old)
{
    const uint8_t *event = fake_ring_part(queue, FAKE_DRIVER);
    uint32_t modulus = 2u * queue->size;
    uint32_t place;

    if (!event || get16(queue, event + 2) != EVENTS_DESC)
        return event && get16(queue, event + 2) == EVENTS_ENABLE;
    place = get16(queue, event) & ~EVENT_WRAP;
    if (!(get16(queue, event) & EVENT_WRAP))
        place += queue->size;
    return (place + modulus - old % modulus) % modulus < queue->next_used - old;
}

/* Watching -------------------------------------------------------------------------------------- */

static void packed_before_access(struct fake_queue *queue, enum fake_part part, size_t offset,
                                 bool is_write)
{
    if (is_write && part == FAKE_DESCRIPTORS)
        fake_ring_check_write(queue, offset);
    if (is_write)
        return;
    /* Id, length and flags of used descriptors are the device's; the address is the driver's own. */
    if (part == FAKE_DRIVER || (part == FAKE_DESCRIPTORS && offset % DESCRIPTOR_SIZE < 8))
        fake_ring_check_read_back(queue, part, offset);
    if (part == FAKE_DEVICE)
        fake_ring_check_fence(queue, "2.8.21.3.1");
    else if (part == FAKE_DESCRIPTORS && queue->asks_interrupt)
        fake_ring_check_fence(queue, "2.8.22");
}

/* What became available just now must be whole chains (2.8.6). */
static void check_whole(struct fake_queue *queue, uint32_t position)
{
    uint8_t *ring = fake_ring_part(queue, FAKE_DESCRIPTORS);

    if (get16(queue, slot_at(queue, ring, position - 1) + 14) & F_NEXT)
        fake_rule(queue->device, "chain-shown-in-part", "2.8.6, 2.8.17",
                  "descriptor %u is available, the one after it is not",
                  (position - 1) % queue->size);
}

static void packed_after_access(struct fake_queue *queue, enum fake_part part, size_t offset,
                                bool is_write)
{
    uint32_t position;

    if (!is_write)
        return;
    if (part == FAKE_DRIVER && get16(queue, fake_ring_part(queue, part) + 2) != EVENTS_DISABLE &&
        offset == 2) {
        queue->unfenced = "asking for an interrupt";
        queue->asks_interrupt = true;
    }
    position = packed_position(queue);
    if (part != FAKE_DESCRIPTORS || position == queue->shown)
        return;
    check_whole(queue, position);
    queue->unfenced = "the flags of a descriptor";
    queue->asks_interrupt = false;
}

const struct fake_ring_ops fake_packed_ops = {.begin = packed_begin,
                                              .take = packed_take,
                                              .check_untouched = packed_check_untouched,
                                              .use = packed_use,
                                              .position = packed_position,
                                              .wish = packed_wish,
                                              .wants_interrupt = packed_wants_interrupt,
                                              .check_wish = packed_check_wish,
                                              .before_access = packed_before_access,
                                              .after_access = packed_after_access,
                                              .part_size = part_size,
                                              .is_exposed = packed_is_exposed};
