/* SPDX-License-Identifier: MIT */
/*
 * The common part of the fake device's ring formats: memory, chains and the rules for elements.
 */
#include "fake_ring.h"

#include "fake_watch.h"

#include <stdlib.h>
#include <string.h>
#include <virtio/device.h>

bool fake_ring_has(const struct fake_queue *queue, uint64_t feature)
{
    return (queue->device->driver_features & feature) != 0;
}

/* Memory ---------------------------------------------------------------------------------------- */

uint8_t *fake_ring_part(struct fake_queue *queue, enum fake_part part)
{
    return fake_host_device_view(queue->device->host, queue->address[part],
                                 queue->ops->part_size(queue, part), VIRTIO_DEVICE_READS,
                                 fake_ring_has(queue, VIRTIO_F_ACCESS_PLATFORM));
}

void fake_ring_check_zero(struct fake_queue *queue, const uint8_t *bytes, size_t size,
                          const char *section, const char *what)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            fake_rule(queue->device, "ring-not-zeroed", section, "%s", what);
            return;
        }
    }
}

void fake_ring_write(struct fake_queue *queue, size_t offset, const uint8_t *bytes, size_t size)
{
    uint8_t *part = fake_ring_part(queue, FAKE_DEVICE);

    if (!part)
        return;
    memcpy(part + offset, bytes, size);
    memcpy(queue->used_shadow + offset, bytes, size);
}

bool fake_ring_is_untouched(struct fake_queue *queue)
{
    const uint8_t *part = fake_ring_part(queue, FAKE_DEVICE);

    return !part ||
           memcmp(part, queue->used_shadow, queue->ops->part_size(queue, FAKE_DEVICE)) == 0;
}

static bool element_covers(const struct fake_queue *queue, const uint8_t *bytes, uint64_t address,
                           uint64_t size)
{
    uint64_t start = get64(queue, bytes);

    return address < start + get32(queue, bytes + 8) && start < address + size;
}

static bool table_covers(struct fake_queue *queue, const uint8_t *bytes, uint64_t address,
                         uint64_t size)
{
    uint32_t table_size = get32(queue, bytes + 8);
    const uint8_t *table =
        fake_host_is_live(queue->device->host, get64(queue, bytes), table_size)
            ? fake_host_device_view(queue->device->host, get64(queue, bytes), table_size,
                                    VIRTIO_DEVICE_READS,
                                    fake_ring_has(queue, VIRTIO_F_ACCESS_PLATFORM))
            : NULL;

    for (uint32_t at = 0; table && at < table_size / DESCRIPTOR_SIZE; at++) {
        if (element_covers(queue, table + DESCRIPTOR_SIZE * (size_t)at, address, size))
            return true;
    }
    return false;
}

bool fake_ring_covers(struct fake_queue *queue, const uint8_t *bytes, bool is_table,
                      uint64_t address, uint64_t size)
{
    return element_covers(queue, bytes, address, size) ||
           (is_table && table_covers(queue, bytes, address, size));
}

/* Watching -------------------------------------------------------------------------------------- */

/* The part of the ring that an address is in. @return false: in none, it is padding. */
static bool find_part(const struct fake_queue *queue, uint64_t address, enum fake_part *part,
                      size_t *offset)
{
    for (unsigned i = 0; i < 3; i++) {
        *part = (enum fake_part)i;
        if (address < queue->address[i] ||
            address - queue->address[i] >= queue->ops->part_size(queue, *part))
            continue;
        *offset = (size_t)(address - queue->address[i]);
        return true;
    }
    return false;
}

static void before_access(void *context, uint64_t address, bool is_write)
{
    struct fake_queue *queue = context;
    enum fake_part part;
    size_t offset;

    if (!find_part(queue, address, &part, &offset)) {
        fake_rule(queue->device, "ring-padding", "2.7, 2.8.10.1", "%s of 0x%llx, in no part",
                  is_write ? "a write" : "a read", (unsigned long long)address);
        return;
    }
    if (is_write && part == FAKE_DEVICE)
        fake_rule(queue->device, "driver-wrote-device-part", "2.7.8, 2.8.10", "offset %zu", offset);
    queue->shown = queue->ops->position(queue);
    queue->ops->before_access(queue, part, offset, is_write);
}

static bool after_access(void *context, uint64_t address, bool is_write)
{
    struct fake_queue *queue = context;
    enum fake_part part;
    size_t offset;

    if (!find_part(queue, address, &part, &offset))
        return queue->unfenced != NULL;
    fake_host_event(queue->device->host, is_write ? FAKE_RING_WRITE : FAKE_RING_READ,
                    VIRTIO_SPACE_NONE, address, 0,
                    get16(queue, fake_ring_part(queue, part) + offset));
    queue->ops->after_access(queue, part, offset, is_write);
    return queue->unfenced != NULL;
}

static void after_fence(void *context)
{
    ((struct fake_queue *)context)->unfenced = NULL;
}

static const struct fake_watcher watcher = {
    .before = before_access, .after = after_access, .fence = after_fence};

void fake_ring_watch(struct fake_queue *queue)
{
    queue->unfenced = NULL;
    for (unsigned i = 0; i < 3; i++)
        fake_host_watch(queue->device->host, queue->address[i], &watcher, queue);
}

void fake_ring_unwatch(struct fake_queue *queue)
{
    for (unsigned i = 0; i < 3; i++)
        fake_host_unwatch(queue->device->host, queue->address[i]);
}

void fake_ring_check_write(struct fake_queue *queue, size_t offset)
{
    if (queue->owners[offset / DESCRIPTOR_SIZE])
        fake_rule(queue->device, "descriptor-written-in-flight", "2.8.16, 3.3.1",
                  "descriptor %zu, which the device has", offset / DESCRIPTOR_SIZE);
}

void fake_ring_check_read_back(struct fake_queue *queue, enum fake_part part, size_t offset)
{
    fake_rule(queue->device, "ring-read-back", "docs/architecture.md", "offset %zu of the %s",
              offset, part == FAKE_DESCRIPTORS ? "descriptors" : "driver's part");
}

void fake_ring_check_fence(struct fake_queue *queue, const char *section)
{
    if (queue->unfenced)
        fake_rule(queue->device, "fence-missing", section, "between %s and this load",
                  queue->unfenced);
    queue->unfenced = NULL;
}

/* Chains ---------------------------------------------------------------------------------------- */

struct fake_chain *fake_chain_new(struct fake_queue *queue)
{
    struct fake_chain *chain = calloc(1, sizeof(*chain));

    if (!chain)
        abort();
    chain->queue = queue;
    chain->slots = calloc(queue->size, sizeof(*chain->slots));
    chain->descriptors = calloc(queue->size, sizeof(*chain->descriptors));
    if (!chain->slots || !chain->descriptors)
        abort();
    return chain;
}

void fake_chain_discard(struct fake_chain *chain)
{
    for (unsigned i = 0; i < chain->slot_count; i++) {
        struct fake_chain **owner = &chain->queue->owners[chain->slots[i].index];

        if (*owner == chain)
            *owner = NULL;
    }
    free(chain->slots);
    free(chain->descriptors);
    free(chain->table);
    free(chain);
}

/* A loop needs no check of its own: its second round finds descriptors that are taken. */
bool fake_chain_add_slot(struct fake_chain *chain, uint16_t index, const uint8_t *bytes)
{
    struct fake_queue *queue = chain->queue;

    if (queue->owners[index]) {
        fake_rule(queue->device, "descriptor-in-use", "3.3.1", "%u is in a chain already", index);
        return false;
    }
    queue->owners[index] = chain;
    chain->slots[chain->slot_count].index = index;
    memcpy(chain->slots[chain->slot_count].bytes, bytes, DESCRIPTOR_SIZE);
    chain->slot_count++;
    return true;
}

void fake_chain_add_element(struct fake_chain *chain, const uint8_t *bytes, uint16_t flags,
                            uint16_t index)
{
    struct fake_queue *queue = chain->queue;
    struct fake_device *device = queue->device;
    struct fake_descriptor element = {.address = get64(queue, bytes),
                                      .length = get32(queue, bytes + 8),
                                      .flags = flags,
                                      .index = index,
                                      .writable = (flags & F_WRITE) != 0};

    if (chain->count == queue->size) {
        fake_rule(device, "chain-longer-than-queue", "2.7.5.3.1, 2.8.17", "more than %u elements",
                  queue->size);
        return;
    }
    if (element.length == 0)
        fake_rule(device, "zero-length", "2.7.5, 2.8.4", "descriptor %u", index);
    if (!element.writable && chain->writable != 0)
        fake_rule(device, "readable-after-writable", "2.7.4.2, 2.8.17", "descriptor %u", index);
    if (chain->readable + chain->writable + element.length > UINT64_C(0x100000000))
        fake_rule(device, "chain-too-long", "2.7.5.2", "more than 2^32 bytes");
    if (element.length != 0)
        fake_host_device_view(device->host, element.address, element.length,
                              element.writable ? VIRTIO_DEVICE_WRITES : VIRTIO_DEVICE_READS,
                              fake_ring_has(queue, VIRTIO_F_ACCESS_PLATFORM));
    chain->descriptors[chain->count++] = element;
    if (element.writable)
        chain->writable += element.length;
    else
        chain->readable += element.length;
}

/* Tables ---------------------------------------------------------------------------------------- */

static void check_table_flags(struct fake_chain *chain, uint16_t flags, uint16_t allowed,
                              uint16_t at)
{
    if (flags & F_INDIRECT)
        fake_rule(chain->queue->device, "indirect-nested", "2.7.5.3.1, 2.8.19",
                  "element %u of a table points to a table", at);
    else if (flags & ~allowed)
        fake_rule(chain->queue->device, "indirect-flags", "2.7.5, 2.8.19",
                  "0x%x in element %u of a table", flags, at);
}

/* All of it, from the first to the last: a packed table has no links. */
static void add_packed_table(struct fake_chain *chain, uint32_t count)
{
    for (uint16_t at = 0; at < count; at++) {
        const uint8_t *entry = chain->table + DESCRIPTOR_SIZE * (size_t)at;
        uint16_t flags = get16(chain->queue, entry + 14);

        check_table_flags(chain, flags, F_WRITE, at);
        fake_chain_add_element(chain, entry, flags & F_WRITE, at);
    }
}

static bool add_split_table(struct fake_chain *chain, uint32_t count)
{
    struct fake_queue *queue = chain->queue;
    uint16_t at = 0;

    for (uint32_t steps = 0; steps <= count; steps++) {
        const uint8_t *entry = chain->table + DESCRIPTOR_SIZE * (size_t)at;
        uint16_t flags = get16(queue, entry + 12);

        check_table_flags(chain, flags, F_WRITE | F_NEXT, at);
        fake_chain_add_element(chain, entry, flags & (F_WRITE | F_NEXT), at);
        if (!(flags & F_NEXT))
            return true;
        if (fake_ring_has(queue, VIRTIO_F_IN_ORDER) && get16(queue, entry + 14) != at + 1u)
            fake_rule(queue->device, "indirect-not-sequential", "2.7.5.3.1", "%u after %u",
                      get16(queue, entry + 14), at);
        at = get16(queue, entry + 14);
        if (at >= count)
            break;
    }
    fake_rule(queue->device, "indirect-link", "2.7.5.3", "a table of %u entries leads to %u",
              (unsigned)count, at);
    return false;
}

bool fake_chain_add_table(struct fake_chain *chain, const uint8_t *bytes, bool is_packed)
{
    struct fake_queue *queue = chain->queue;
    uint32_t size = get32(queue, bytes + 8);
    uint32_t count = size / DESCRIPTOR_SIZE;
    const uint8_t *table;

    if (size == 0 || size % DESCRIPTOR_SIZE != 0) {
        fake_rule(queue->device, "indirect-length", "2.7.5.3, 2.8.7", "a table of %u bytes",
                  (unsigned)size);
        return false;
    }
    if (count > queue->size) {
        fake_rule(queue->device, "chain-longer-than-queue", "2.7.5.3.1, 2.8.17",
                  "a table of %u entries, the queue has %u", (unsigned)count, queue->size);
        return false;
    }
    table =
        fake_host_device_view(queue->device->host, get64(queue, bytes), size, VIRTIO_DEVICE_READS,
                              fake_ring_has(queue, VIRTIO_F_ACCESS_PLATFORM));
    if (!table)
        return false;
    chain->table_address = get64(queue, bytes);
    chain->table_size = size;
    chain->table = malloc(size);
    if (!chain->table)
        abort();
    memcpy(chain->table, table, size);
    if (!is_packed)
        return add_split_table(chain, count);
    add_packed_table(chain, count);
    return true;
}

void fake_chain_check_table(struct fake_chain *chain)
{
    struct fake_queue *queue = chain->queue;
    const uint8_t *table;

    if (!chain->table)
        return;
    table =
        fake_host_device_view(queue->device->host, chain->table_address, chain->table_size,
                              VIRTIO_DEVICE_READS, fake_ring_has(queue, VIRTIO_F_ACCESS_PLATFORM));
    if (table && memcmp(table, chain->table, chain->table_size) != 0)
        fake_rule(queue->device, "indirect-changed", "3.3.1", "a table while the device owned it");
}
