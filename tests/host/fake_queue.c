/* SPDX-License-Identifier: MIT */
/*
 * A virtqueue from the device's end, as far as it does not depend on the ring's format: set-up, chains
 * that were taken, and the data in them.
 */
#include "fake_queue.h"

#include "fake_device.h"

#include <stdlib.h>
#include <string.h>
#include <virtio/device.h>

static const char *const part_names[3] = {"descriptor area", "driver area", "device area"};

void fake_queue_begin(struct fake_queue *queue, struct fake_device *device, uint16_t index)
{
    memset(queue, 0, sizeof(*queue));
    queue->device = device;
    queue->ops = &fake_split_ops;
    queue->index = index;
    queue->notify_off = index;
    queue->vector = 0xffff;
}

static void forget_chains(struct fake_queue *queue)
{
    while (queue->chains) {
        struct fake_chain *chain = queue->chains;

        queue->chains = chain->next;
        free(chain->descriptors);
        free(chain);
    }
}

void fake_queue_reset(struct fake_queue *queue)
{
    forget_chains(queue);
    free(queue->is_taken);
    free(queue->used_shadow);
    queue->is_taken = NULL;
    queue->used_shadow = NULL;
    queue->size = 0;
    memset(queue->address, 0, sizeof(queue->address));
    queue->enabled = false;
    queue->vector = 0xffff;
    queue->size_written = false;
    queue->align_written = false;
    queue->halves_written = 0;
    queue->suppressed = false;
    queue->work_due = false;
    queue->next_available = 0;
    queue->next_used = 0;
}

/* Set-up ---------------------------------------------------------------------------------------- */

static void check_setup(struct fake_queue *queue, const char *what)
{
    if (queue->enabled)
        fake_rule(queue->device, "queue-changed-while-enabled", "4.1.4.3.2, 4.2.2.2",
                  "the %s of queue %u", what, queue->index);
    if (queue->device->status & VIRTIO_STATUS_DRIVER_OK)
        fake_rule(queue->device, "queue-setup-after-driver-ok", "3.1.1 steps 7, 8",
                  "the %s of queue %u", what, queue->index);
}

void fake_queue_set_size(struct fake_queue *queue, uint32_t size)
{
    check_setup(queue, "size");
    if (size == 0 || size > queue->maximum)
        fake_rule(queue->device, "queue-size-range", "4.1.4.3.2, 4.2.2.2", "%u of at most %u",
                  (unsigned)size, queue->maximum);
    if ((size & (size - 1)) != 0)
        fake_rule(queue->device, "queue-size-power-of-two", "2.7", "%u", (unsigned)size);
    queue->size = (uint16_t)size;
    queue->size_written = true;
}

void fake_queue_set_address(struct fake_queue *queue, enum fake_part part, unsigned half,
                            uint32_t value)
{
    unsigned shift = half * 32;

    check_setup(queue, part_names[part]);
    queue->address[part] &= ~(UINT64_C(0xffffffff) << shift);
    queue->address[part] |= (uint64_t)value << shift;
    queue->halves_written |= (uint8_t)(1u << (part * 2 + half));
}

void fake_queue_enable(struct fake_queue *queue)
{
    static const uint64_t alignment[3] = {16, 2, 4};

    check_setup(queue, "enable register");
    if (queue->halves_written != 0x3f)
        fake_rule(queue->device, "queue-enabled-early", "4.1.4.3.2, 4.2.3.2",
                  "address halves written: 0x%02x", queue->halves_written);
    for (unsigned part = 0; part < 3; part++) {
        if (queue->address[part] % alignment[part] != 0)
            fake_rule(queue->device, "queue-alignment", "2.7", "the %s is at 0x%llx",
                      part_names[part], (unsigned long long)queue->address[part]);
    }
    if (queue->device->refuses_enable)
        return;
    queue->enabled = true;
    queue->is_taken = calloc(queue->size, 1);
    if (!queue->is_taken)
        abort();
    queue->ops->begin(queue);
}

void fake_queue_set_page(struct fake_queue *queue, uint32_t page, uint32_t page_size,
                         uint32_t alignment)
{
    uint64_t base = (uint64_t)page * page_size;
    uint64_t rings = base + 16u * (uint64_t)queue->size + 2u * (3u + (uint64_t)queue->size);

    if (page == 0) {
        fake_queue_reset(queue);
        return;
    }
    check_setup(queue, "page number");
    queue->address[FAKE_DESCRIPTORS] = base;
    queue->address[FAKE_DRIVER] = base + 16u * (uint64_t)queue->size;
    queue->address[FAKE_DEVICE] = (rings + alignment - 1) & ~((uint64_t)alignment - 1);
    queue->halves_written = 0x3f;
    fake_queue_enable(queue);
}

/* Is any byte of the two ranges the same? */
static bool overlap(uint64_t one, uint64_t one_size, uint64_t other, uint64_t other_size)
{
    return one < other + other_size && other < one + one_size;
}

const char *fake_queue_in_use(struct fake_queue *queue, uint64_t address, uint64_t size)
{
    if (!queue->enabled)
        return NULL;
    for (unsigned part = 0; part < 3; part++) {
        if (overlap(address, size, queue->address[part],
                    queue->ops->part_size(queue, (enum fake_part)part)))
            return "it is part of a ring that the device uses";
    }
    for (const struct fake_chain *chain = queue->chains; chain; chain = chain->next) {
        for (unsigned i = 0; i < chain->count; i++) {
            if (overlap(address, size, chain->descriptors[i].address, chain->descriptors[i].length))
                return "it is a buffer that the device works on";
        }
    }
    return queue->ops->is_exposed(queue, address, size) ? "it is a buffer that the device was shown"
                                                        : NULL;
}

/* Chains ---------------------------------------------------------------------------------------- */

struct fake_chain *fake_queue_take(struct fake_queue *queue)
{
    struct fake_chain **link = &queue->chains;
    struct fake_chain *chain;

    if (!queue->enabled)
        return NULL;
    if (!(queue->device->status & VIRTIO_STATUS_DRIVER_OK))
        return NULL; /* a device does not look before (2.1.2) */
    chain = queue->ops->take(queue);
    if (!chain)
        return NULL;
    chain->order = queue->taken++;
    while (*link)
        link = &(*link)->next;
    *link = chain;
    return chain;
}

unsigned fake_queue_take_all(struct fake_queue *queue)
{
    unsigned count = 0;

    while (fake_queue_take(queue))
        count++;
    return count;
}

struct fake_chain *fake_queue_chain(struct fake_queue *queue, unsigned n)
{
    struct fake_chain *chain = queue->chains;

    while (chain && n-- != 0)
        chain = chain->next;
    return chain;
}

/* Move bytes between the chain's readable or writable part and a buffer. */
static void move(struct fake_chain *chain, bool writable, uint64_t offset, uint8_t *bytes,
                 size_t size)
{
    struct fake_device *device = chain->queue->device;
    bool platform = (device->driver_features & VIRTIO_F_ACCESS_PLATFORM) != 0;
    uint64_t at = 0;

    for (unsigned i = 0; i < chain->count && size != 0; i++) {
        const struct fake_descriptor *descriptor = &chain->descriptors[i];
        uint64_t skip;
        size_t part;
        uint8_t *memory;

        if (descriptor->writable != writable)
            continue;
        at += descriptor->length;
        if (offset >= at)
            continue;
        skip = offset - (at - descriptor->length);
        part = descriptor->length - skip < size ? (size_t)(descriptor->length - skip) : size;
        memory =
            fake_host_device_view(device->host, descriptor->address + skip, part,
                                  writable ? VIRTIO_DEVICE_WRITES : VIRTIO_DEVICE_READS, platform);
        if (memory && writable)
            memcpy(memory, bytes, part);
        else if (memory)
            memcpy(bytes, memory, part);
        bytes += part;
        offset += part;
        size -= part;
    }
    if (size != 0)
        abort(); /* the test's own mistake */
}

void fake_chain_read(struct fake_chain *chain, uint64_t offset, void *bytes, size_t size)
{
    move(chain, false, offset, bytes, size);
}

void fake_chain_write(struct fake_chain *chain, uint64_t offset, const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy)
        abort();
    memcpy(copy, bytes, size);
    move(chain, true, offset, copy, size);
    free(copy);
}

void fake_chain_fill(struct fake_chain *chain, uint8_t byte)
{
    size_t size = (size_t)chain->writable;
    uint8_t *bytes = malloc(size ? size : 1);

    if (!bytes)
        abort();
    memset(bytes, byte, size);
    move(chain, true, 0, bytes, size);
    free(bytes);
}

void fake_chain_complete(struct fake_chain *chain, uint32_t written)
{
    struct fake_queue *queue = chain->queue;
    struct fake_chain **link = &queue->chains;

    while (*link && *link != chain)
        link = &(*link)->next;
    if (!*link)
        abort(); /* the test's own mistake: not a chain of this queue any more */
    *link = chain->next;
    queue->completed++;
    queue->ops->complete(queue, chain, written);
    queue->device->isr |= 1;
    free(chain->descriptors);
    free(chain);
}
