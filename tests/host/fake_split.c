/* SPDX-License-Identifier: MIT */
/*
 * The split ring from the device's end (spec 2.7), written from the specification's offsets and not
 * with the library's structures, so that a mistake there is not repeated here.
 *
 *     descriptor table   16 bytes each: le64 address, le32 length, le16 flags, le16 next
 *     available ring     le16 flags, le16 index, le16 ring[size], le16 used_event
 *     used ring          le16 flags, le16 index, {le32 id, le32 length}[size], le16 avail_event
 */
#include "fake_device.h"

#include <stdlib.h>
#include <string.h>
#include <virtio/device.h>

#define F_NEXT     1u
#define F_WRITE    2u
#define F_INDIRECT 4u

#define NO_INTERRUPT 1u
#define NO_NOTIFY    1u

static uint16_t get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t get32(const uint8_t *bytes)
{
    return get16(bytes) | (uint32_t)get16(bytes + 2) << 16;
}

static uint64_t get64(const uint8_t *bytes)
{
    return get32(bytes) | (uint64_t)get32(bytes + 4) << 32;
}

static void put16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *bytes, uint32_t value)
{
    put16(bytes, (uint16_t)value);
    put16(bytes + 2, (uint16_t)(value >> 16));
}

static size_t part_size(const struct fake_queue *queue, enum fake_part part)
{
    switch (part) {
    case FAKE_DESCRIPTORS:
        return 16u * (size_t)queue->size;
    case FAKE_DRIVER:
        return 6u + 2u * (size_t)queue->size;
    case FAKE_DEVICE:
        return 6u + 8u * (size_t)queue->size;
    }
    return 0;
}

static uint8_t *part(struct fake_queue *queue, enum fake_part which)
{
    struct fake_device *device = queue->device;

    return fake_host_device_view(device->host, queue->address[which], part_size(queue, which),
                                 VIRTIO_DEVICE_READS,
                                 (device->driver_features & VIRTIO_F_ACCESS_PLATFORM) != 0);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static void split_begin(struct fake_queue *queue)
{
    const uint8_t *descriptors = part(queue, FAKE_DESCRIPTORS);
    const uint8_t *available = part(queue, FAKE_DRIVER);
    const uint8_t *used = part(queue, FAKE_DEVICE);
    size_t used_size = part_size(queue, FAKE_DEVICE);

    queue->used_shadow = calloc(1, used_size);
    if (!queue->used_shadow)
        abort();
    if (!descriptors || !available || !used)
        return;
    if (!is_zero(used, used_size))
        fake_rule(queue->device, "ring-not-zeroed", "2.7.10.1, 4.1.5.1.3", "the used ring");
    if (!is_zero(available + 2, part_size(queue, FAKE_DRIVER) - 2))
        fake_rule(queue->device, "ring-not-zeroed", "2.7.6, 4.1.5.1.3", "the available ring");
    if (!is_zero(descriptors, part_size(queue, FAKE_DESCRIPTORS)))
        fake_rule(queue->device, "ring-not-zeroed", "4.1.5.1.3", "the descriptor table");
}

/* Taking ---------------------------------------------------------------------------------------- */

static void read_descriptor(const uint8_t *table, uint16_t index,
                            struct fake_descriptor *descriptor, uint16_t *next)
{
    const uint8_t *bytes = table + 16u * (size_t)index;

    descriptor->address = get64(bytes);
    descriptor->length = get32(bytes + 8);
    descriptor->flags = get16(bytes + 12);
    descriptor->index = index;
    descriptor->writable = (descriptor->flags & F_WRITE) != 0;
    *next = get16(bytes + 14);
}

/* One descriptor on its own. @return whether to go on. */
static bool check_descriptor(struct fake_queue *queue, const struct fake_chain *chain,
                             const struct fake_descriptor *descriptor)
{
    struct fake_device *device = queue->device;

    if (queue->is_taken[descriptor->index]) {
        fake_rule(device, "descriptor-in-use", "3.3.1", "%u is in a chain already",
                  descriptor->index);
        return false;
    }
    if (descriptor->flags & ~(F_NEXT | F_WRITE))
        fake_rule(device, "descriptor-flags", "2.7.5", "0x%x in %u", descriptor->flags,
                  descriptor->index);
    if (descriptor->length == 0)
        fake_rule(device, "zero-length", "2.7.5", "descriptor %u", descriptor->index);
    if (!descriptor->writable && chain->writable != 0)
        fake_rule(device, "readable-after-writable", "2.7.4.2", "descriptor %u", descriptor->index);
    if (chain->readable + chain->writable + descriptor->length > UINT64_C(0x100000000))
        fake_rule(device, "chain-too-long", "2.7.5.2", "more than 2^32 bytes");
    if (descriptor->length != 0)
        fake_host_device_view(device->host, descriptor->address, descriptor->length,
                              descriptor->writable ? VIRTIO_DEVICE_WRITES : VIRTIO_DEVICE_READS,
                              (device->driver_features & VIRTIO_F_ACCESS_PLATFORM) != 0);
    return true;
}

static void add_descriptor(struct fake_chain *chain, const struct fake_descriptor *descriptor)
{
    chain->queue->is_taken[descriptor->index] = 1;
    chain->descriptors[chain->count++] = *descriptor;
    if (descriptor->writable)
        chain->writable += descriptor->length;
    else
        chain->readable += descriptor->length;
}

static void give_up(struct fake_chain *chain)
{
    for (unsigned i = 0; i < chain->count; i++)
        chain->queue->is_taken[chain->descriptors[i].index] = 0;
    free(chain->descriptors);
    free(chain);
}

/* A loop needs no check of its own: its second round finds descriptors that are taken. */
static struct fake_chain *walk(struct fake_queue *queue, const uint8_t *table, uint16_t head)
{
    struct fake_chain *chain = calloc(1, sizeof(*chain));
    uint16_t next = head;

    if (!chain)
        abort();
    chain->queue = queue;
    chain->head = head;
    chain->descriptors = calloc(queue->size, sizeof(*chain->descriptors));
    if (!chain->descriptors)
        abort();
    for (;;) {
        struct fake_descriptor descriptor;
        uint16_t after;

        if (next >= queue->size) {
            fake_rule(queue->device, "descriptor-index", "2.7.5", "%u of %u", next, queue->size);
            break;
        }
        read_descriptor(table, next, &descriptor, &after);
        if (!check_descriptor(queue, chain, &descriptor))
            break;
        add_descriptor(chain, &descriptor);
        if (!(descriptor.flags & F_NEXT))
            return chain;
        next = after;
    }
    give_up(chain);
    return NULL;
}

static void check_used_untouched(struct fake_queue *queue)
{
    const uint8_t *used = part(queue, FAKE_DEVICE);

    if (used && memcmp(used, queue->used_shadow, part_size(queue, FAKE_DEVICE)) != 0)
        fake_rule(queue->device, "driver-wrote-used-ring", "2.7.8", "queue %u", queue->index);
}

static struct fake_chain *split_take(struct fake_queue *queue)
{
    const uint8_t *table = part(queue, FAKE_DESCRIPTORS);
    const uint8_t *available = part(queue, FAKE_DRIVER);
    uint16_t index;
    uint16_t new_entries;
    uint16_t head;

    if (!table || !available)
        return NULL;
    index = get16(available + 2);
    new_entries = (uint16_t)(index - queue->next_available);
    if (new_entries == 0)
        return NULL;
    if (queue->size <= 4096 || (queue->next_available & 0xff) == 0)
        check_used_untouched(queue);
    if (get16(available) & ~NO_INTERRUPT)
        fake_rule(queue->device, "available-flags", "2.7.7.1", "0x%x", get16(available));
    if (new_entries > queue->size) {
        fake_rule(queue->device, "available-index", "2.7.6.1", "from %u to %u with %u descriptors",
                  queue->next_available, index, queue->size);
        return NULL;
    }
    head = get16(available + 4 + 2 * (size_t)(queue->next_available % queue->size));
    queue->next_available++;
    return walk(queue, table, head);
}

static bool split_is_exposed(struct fake_queue *queue, uint64_t address, uint64_t size)
{
    const uint8_t *table = part(queue, FAKE_DESCRIPTORS);
    const uint8_t *available = part(queue, FAKE_DRIVER);
    uint16_t index;

    if (!table || !available)
        return false;
    index = get16(available + 2);
    for (uint16_t at = queue->next_available; at != index; at++) {
        uint16_t next = get16(available + 4 + 2 * (size_t)(at % queue->size));

        for (unsigned count = 0; count < queue->size && next < queue->size; count++) {
            struct fake_descriptor descriptor;

            read_descriptor(table, next, &descriptor, &next);
            if (address < descriptor.address + descriptor.length &&
                descriptor.address < address + size)
                return true;
            if (!(descriptor.flags & F_NEXT))
                break;
        }
    }
    return false;
}

/* Completing ------------------------------------------------------------------------------------ */

static void check_untouched(struct fake_chain *chain)
{
    const uint8_t *table = part(chain->queue, FAKE_DESCRIPTORS);

    for (unsigned i = 0; table && i < chain->count; i++) {
        const struct fake_descriptor *was = &chain->descriptors[i];
        struct fake_descriptor is;
        uint16_t next;

        read_descriptor(table, was->index, &is, &next);
        if (is.address != was->address || is.length != was->length || is.flags != was->flags ||
            ((is.flags & F_NEXT) && next != chain->descriptors[i + 1].index))
            fake_rule(chain->queue->device, "descriptor-changed", "3.3.1",
                      "%u while the device owned it", was->index);
    }
}

static void write_used(struct fake_queue *queue, size_t offset, const uint8_t *bytes, size_t size)
{
    uint8_t *used = part(queue, FAKE_DEVICE);

    if (!used)
        return;
    memcpy(used + offset, bytes, size);
    memcpy(queue->used_shadow + offset, bytes, size);
}

void fake_queue_set_used_element(struct fake_queue *queue, uint16_t index, uint32_t id,
                                 uint32_t length)
{
    uint8_t element[8];

    put32(element, id);
    put32(element + 4, length);
    write_used(queue, 4 + 8 * (size_t)(index % queue->size), element, sizeof(element));
}

void fake_queue_set_used_index(struct fake_queue *queue, uint16_t index)
{
    uint8_t bytes[2];

    put16(bytes, index);
    write_used(queue, 2, bytes, sizeof(bytes));
    queue->next_used = index;
}

void fake_queue_push_used(struct fake_queue *queue, uint32_t id, uint32_t length)
{
    fake_queue_set_used_element(queue, queue->next_used, id, length);
    fake_queue_set_used_index(queue, (uint16_t)(queue->next_used + 1u));
}

static void split_complete(struct fake_queue *queue, struct fake_chain *chain, uint32_t written)
{
    check_untouched(chain);
    for (unsigned i = 0; i < chain->count; i++)
        queue->is_taken[chain->descriptors[i].index] = 0;
    fake_queue_push_used(queue, chain->head, written);
}

/* Lies and looks -------------------------------------------------------------------------------- */

void fake_queue_scribble(struct fake_queue *queue, uint8_t byte)
{
    uint8_t *table = part(queue, FAKE_DESCRIPTORS);

    if (table)
        memset(table, byte, part_size(queue, FAKE_DESCRIPTORS));
}

void fake_queue_suppress(struct fake_queue *queue, bool suppress)
{
    uint8_t bytes[2];

    put16(bytes, suppress ? NO_NOTIFY : 0);
    write_used(queue, 0, bytes, sizeof(bytes));
    queue->suppressed = suppress;
}

void fake_queue_start_at(struct fake_queue *queue, uint16_t index)
{
    uint8_t *available = part(queue, FAKE_DRIVER);

    if (available)
        put16(available + 2, index);
    queue->next_available = index;
    fake_queue_set_used_index(queue, index);
}

uint16_t fake_queue_available_index(struct fake_queue *queue)
{
    const uint8_t *available = part(queue, FAKE_DRIVER);

    return available ? get16(available + 2) : 0;
}

uint16_t fake_queue_available_flags(struct fake_queue *queue)
{
    const uint8_t *available = part(queue, FAKE_DRIVER);

    return available ? get16(available) : 0;
}

const struct fake_ring_ops fake_split_ops = {.begin = split_begin,
                                             .take = split_take,
                                             .complete = split_complete,
                                             .part_size = part_size,
                                             .is_exposed = split_is_exposed};
