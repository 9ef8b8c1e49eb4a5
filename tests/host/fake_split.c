/* SPDX-License-Identifier: MIT */
/*
 * The split ring from the device's end (spec 2.7), written from the specification's offsets and not
 * with the library's structures, so that a mistake there is not repeated here.
 *
 *     descriptor table   16 bytes each: le64 address, le32 length, le16 flags, le16 next
 *     available ring     le16 flags, le16 index, le16 ring[size], le16 used_event
 *     used ring          le16 flags, le16 index, {le32 id, le32 length}[size], le16 avail_event
 */
#include "fake_ring.h"

#include <stdlib.h>
#include <string.h>
#include <virtio/device.h>

#define NO_INTERRUPT 1u
#define NO_NOTIFY    1u

static size_t part_size(const struct fake_queue *queue, enum fake_part part)
{
    switch (part) {
    case FAKE_DESCRIPTORS:
        return DESCRIPTOR_SIZE * (size_t)queue->size;
    case FAKE_DRIVER:
        return 6u + 2u * (size_t)queue->size;
    case FAKE_DEVICE:
        return 6u + 8u * (size_t)queue->size;
    }
    return 0;
}

static size_t used_event_at(const struct fake_queue *queue)
{
    return 4u + 2u * (size_t)queue->size;
}

static void split_begin(struct fake_queue *queue)
{
    const uint8_t *descriptors = fake_ring_part(queue, FAKE_DESCRIPTORS);
    const uint8_t *available = fake_ring_part(queue, FAKE_DRIVER);
    const uint8_t *used = fake_ring_part(queue, FAKE_DEVICE);

    queue->next_slot = 0;
    if (!descriptors || !available || !used)
        return;
    fake_ring_check_zero(queue, used, part_size(queue, FAKE_DEVICE), "2.7.10.1, 4.1.5.1.3",
                         "the used ring");
    /* The flags and used_event are the driver's wishes, and may be there already. */
    fake_ring_check_zero(queue, available + 2,
                         fake_ring_has(queue, VIRTIO_F_EVENT_IDX)
                             ? used_event_at(queue) - 2
                             : part_size(queue, FAKE_DRIVER) - 2,
                         "2.7.6, 4.1.5.1.3", "the available ring");
    fake_ring_check_zero(queue, descriptors, part_size(queue, FAKE_DESCRIPTORS), "4.1.5.1.3",
                         "the descriptor table");
}

/* Taking ---------------------------------------------------------------------------------------- */

static void check_slot_flags(struct fake_queue *queue, uint16_t flags, uint16_t index)
{
    uint16_t known = F_NEXT | F_WRITE;

    if (fake_ring_has(queue, VIRTIO_F_INDIRECT_DESC))
        known |= F_INDIRECT;
    if (flags & ~known)
        fake_rule(queue->device, "descriptor-flags", "2.7.5, 2.7.5.3.1", "0x%x in %u", flags,
                  index);
    else if ((flags & F_INDIRECT) && (flags & F_NEXT))
        fake_rule(queue->device, "indirect-with-next", "2.7.5.3.1", "descriptor %u", index);
}

/* With VIRTIO_F_IN_ORDER descriptors are used from 0 on, one after the other. */
static void check_slot_order(struct fake_queue *queue, uint16_t index)
{
    if (fake_ring_has(queue, VIRTIO_F_IN_ORDER) && index != queue->next_slot)
        fake_rule(queue->device, "in-order-descriptors", "2.7.5, 2.7.5.2", "%u instead of %u",
                  index, queue->next_slot);
    queue->next_slot = (uint16_t)((index + 1u) % queue->size);
}

static struct fake_chain *walk(struct fake_queue *queue, const uint8_t *table, uint16_t head)
{
    struct fake_chain *chain = fake_chain_new(queue);
    uint16_t next = head;

    chain->head = head;
    for (;;) {
        const uint8_t *bytes = table + DESCRIPTOR_SIZE * (size_t)next;
        uint16_t flags;

        if (next >= queue->size) {
            fake_rule(queue->device, "descriptor-index", "2.7.5", "%u of %u", next, queue->size);
            break;
        }
        if (!fake_chain_add_slot(chain, next, bytes))
            break;
        flags = get16(queue, bytes + 12);
        check_slot_flags(queue, flags, next);
        check_slot_order(queue, next);
        if (!(flags & F_INDIRECT) || !fake_ring_has(queue, VIRTIO_F_INDIRECT_DESC))
            fake_chain_add_element(chain, bytes, flags, next);
        else if (!fake_chain_add_table(chain, bytes, false))
            break;
        if (!(flags & F_NEXT))
            return chain;
        next = get16(queue, bytes + 14);
    }
    fake_chain_discard(chain);
    return NULL;
}

static uint32_t split_position(struct fake_queue *queue)
{
    const uint8_t *available = fake_ring_part(queue, FAKE_DRIVER);
    uint16_t ahead;

    if (!available)
        return queue->next_available;
    ahead = (uint16_t)(get16(queue, available + 2) - queue->next_available);
    return queue->next_available + ahead;
}

static void split_check_wish(struct fake_queue *queue)
{
    const uint8_t *available = fake_ring_part(queue, FAKE_DRIVER);
    unsigned known = fake_ring_has(queue, VIRTIO_F_EVENT_IDX) ? 0 : NO_INTERRUPT;

    if (available && (get16(queue, available) & ~known))
        fake_rule(queue->device, "available-flags", "2.7.7.1", "0x%x", get16(queue, available));
}

static struct fake_chain *split_take(struct fake_queue *queue)
{
    const uint8_t *table = fake_ring_part(queue, FAKE_DESCRIPTORS);
    const uint8_t *available = fake_ring_part(queue, FAKE_DRIVER);
    uint32_t new_entries;
    uint16_t head;

    if (!table || !available)
        return NULL;
    new_entries = split_position(queue) - queue->next_available;
    if (new_entries == 0)
        return NULL;
    if (new_entries > queue->size) {
        fake_rule(queue->device, "available-index", "2.7.6.1", "from %u to %u with %u descriptors",
                  queue->next_available & 0xffff, get16(queue, available + 2), queue->size);
        return NULL;
    }
    head = get16(queue, available + 4 + 2 * (size_t)(queue->next_available % queue->size));
    queue->next_available++;
    return walk(queue, table, head);
}

static bool split_is_exposed(struct fake_queue *queue, uint64_t address, uint64_t size)
{
    const uint8_t *table = fake_ring_part(queue, FAKE_DESCRIPTORS);
    const uint8_t *available = fake_ring_part(queue, FAKE_DRIVER);
    uint32_t end;

    if (!table || !available)
        return false;
    end = split_position(queue);
    for (uint32_t at = queue->next_available; at != end; at++) {
        uint16_t next = get16(queue, available + 4 + 2 * (size_t)(at % queue->size));

        for (unsigned count = 0; count < queue->size && next < queue->size; count++) {
            const uint8_t *bytes = table + DESCRIPTOR_SIZE * (size_t)next;

            if (fake_ring_covers(queue, bytes, (get16(queue, bytes + 12) & F_INDIRECT) != 0,
                                 address, size))
                return true;
            if (!(get16(queue, bytes + 12) & F_NEXT))
                break;
            next = get16(queue, bytes + 14);
        }
    }
    return false;
}

/* Completing ------------------------------------------------------------------------------------ */

/* `next` means nothing without F_NEXT. */
static void split_check_untouched(struct fake_chain *chain)
{
    const uint8_t *table = fake_ring_part(chain->queue, FAKE_DESCRIPTORS);

    for (unsigned i = 0; table && i < chain->slot_count; i++) {
        const struct fake_slot *was = &chain->slots[i];
        size_t size =
            get16(chain->queue, was->bytes + 12) & F_NEXT ? DESCRIPTOR_SIZE : DESCRIPTOR_SIZE - 2;

        if (memcmp(table + DESCRIPTOR_SIZE * (size_t)was->index, was->bytes, size) != 0)
            fake_rule(chain->queue->device, "descriptor-changed", "3.3.1",
                      "%u while the device owned it", was->index);
    }
}

void fake_queue_set_used_element(struct fake_queue *queue, uint16_t index, uint32_t id,
                                 uint32_t length)
{
    uint8_t element[8];

    if (queue->ops != &fake_split_ops)
        abort(); /* the test's own mistake */
    put32(queue, element, id);
    put32(queue, element + 4, length);
    fake_ring_write(queue, 4 + 8 * (size_t)(index % queue->size), element, sizeof(element));
}

void fake_queue_set_used_index(struct fake_queue *queue, uint16_t index)
{
    uint8_t bytes[2];

    if (queue->ops != &fake_split_ops)
        abort(); /* the test's own mistake */
    put16(queue, bytes, index);
    fake_ring_write(queue, 2, bytes, sizeof(bytes));
    queue->next_used = index;
}

static void split_use(struct fake_queue *queue, uint32_t id, uint32_t written, unsigned chains,
                      unsigned slots)
{
    (void)slots;
    fake_queue_set_used_element(queue, (uint16_t)queue->next_used, id, written);
    fake_queue_set_used_index(queue, (uint16_t)(queue->next_used + chains));
}

/* Wishes ---------------------------------------------------------------------------------------- */

static void split_wish(struct fake_queue *queue)
{
    uint8_t bytes[2];

    if (fake_ring_has(queue, VIRTIO_F_EVENT_IDX)) {
        put16(queue, bytes, queue->event);
        fake_ring_write(queue, 4 + 8 * (size_t)queue->size, bytes, sizeof(bytes));
    } else {
        put16(queue, bytes, queue->suppressed || queue->is_busy ? NO_NOTIFY : 0);
        fake_ring_write(queue, 0, bytes, sizeof(bytes));
    }
}

static bool split_wants_interrupt(struct fake_queue *queue, uint32_t old)
{
    const uint8_t *available = fake_ring_part(queue, FAKE_DRIVER);

    if (!available)
        return false;
    if (!fake_ring_has(queue, VIRTIO_F_EVENT_IDX))
        return !(get16(queue, available) & NO_INTERRUPT);
    return (uint16_t)(queue->next_used - get16(queue, available + used_event_at(queue)) - 1) <
           (uint16_t)(queue->next_used - old);
}

/* Watching -------------------------------------------------------------------------------------- */

static void split_before_access(struct fake_queue *queue, enum fake_part part, size_t offset,
                                bool is_write)
{
    size_t wish_at = fake_ring_has(queue, VIRTIO_F_EVENT_IDX) ? 4 + 8 * (size_t)queue->size : 0;

    if (is_write && part == FAKE_DESCRIPTORS)
        fake_ring_check_write(queue, offset);
    if (!is_write && part != FAKE_DEVICE)
        fake_ring_check_read_back(queue, part, offset);
    if (is_write || part != FAKE_DEVICE)
        return;
    if (offset == wish_at)
        fake_ring_check_fence(queue, "2.7.13.4.1");
    else if (offset == 2 && queue->asks_interrupt)
        fake_ring_check_fence(queue, "2.7.7.2, 2.7.14");
}

/* Has the driver just asked for an interrupt? With event indices: does it name an entry that is still to be used?
 * One that was used before is what it names when it wants none. */
static bool split_asks(struct fake_queue *queue, size_t offset)
{
    const uint8_t *available = fake_ring_part(queue, FAKE_DRIVER);
    uint16_t event = get16(queue, available + used_event_at(queue));

    if (!fake_ring_has(queue, VIRTIO_F_EVENT_IDX))
        return offset == 0 && !(get16(queue, available) & NO_INTERRUPT);
    return offset == used_event_at(queue) && (uint16_t)(event - queue->next_used) < queue->size;
}

static void split_after_access(struct fake_queue *queue, enum fake_part part, size_t offset,
                               bool is_write)
{
    if (!is_write || part != FAKE_DRIVER)
        return;
    if (offset == 2 && split_position(queue) != queue->shown) {
        queue->unfenced = "the available index";
        queue->asks_interrupt = false;
    } else if (split_asks(queue, offset)) {
        queue->unfenced = "asking for an interrupt";
        queue->asks_interrupt = true;
    }
}

/* Looks ----------------------------------------------------------------------------------------- */

uint16_t fake_queue_available_flags(struct fake_queue *queue)
{
    const uint8_t *available = fake_ring_part(queue, FAKE_DRIVER);

    if (queue->ops != &fake_split_ops)
        abort(); /* the test's own mistake */
    return available ? get16(queue, available) : 0;
}

const struct fake_ring_ops fake_split_ops = {.begin = split_begin,
                                             .take = split_take,
                                             .check_untouched = split_check_untouched,
                                             .use = split_use,
                                             .position = split_position,
                                             .wish = split_wish,
                                             .wants_interrupt = split_wants_interrupt,
                                             .check_wish = split_check_wish,
                                             .before_access = split_before_access,
                                             .after_access = split_after_access,
                                             .part_size = part_size,
                                             .is_exposed = split_is_exposed};
