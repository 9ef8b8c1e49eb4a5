/* SPDX-License-Identifier: MIT */
/*
 * A virtqueue from the device's end, as far as it does not depend on the ring's format: set-up, chains
 * that were taken, and the data in them.
 */
#include "fake_ring.h"

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
    queue->notif_config_data = (uint16_t)(0x100u + index);
    queue->vector = 0xffff;
}

static void forget_chains(struct fake_queue *queue)
{
    while (queue->chains) {
        struct fake_chain *chain = queue->chains;

        queue->chains = chain->next;
        if (!chain->is_held)
            fake_chain_discard(chain);
    }
    while (queue->held) {
        struct fake_chain *chain = queue->held;

        queue->held = chain->next_held;
        fake_chain_discard(chain);
    }
}

void fake_queue_reset(struct fake_queue *queue)
{
    forget_chains(queue);
    if (queue->enabled)
        fake_ring_unwatch(queue);
    free(queue->owners);
    free(queue->used_shadow);
    queue->owners = NULL;
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
    queue->is_busy = false;
    queue->was_reset = false;
    queue->is_resetting = false;
    queue->holds_batch = false;
    queue->next_available = 0;
    queue->next_used = 0;
    queue->has_asked = false;
    queue->event = 0;
    queue->seen = 0;
}

/* Set-up ---------------------------------------------------------------------------------------- */

static void check_setup(struct fake_queue *queue, const char *what)
{
    if (queue->enabled)
        fake_rule(queue->device, "queue-changed-while-enabled", "4.1.4.3.2, 4.2.2.2",
                  "the %s of queue %u", what, queue->index);
    if (queue->is_resetting)
        fake_rule(queue->device, "queue-reset-not-waited-for", "2.6.1.1.2, 2.6.1.2.2",
                  "the %s of queue %u", what, queue->index);
    if ((queue->device->status & VIRTIO_STATUS_DRIVER_OK) && !queue->was_reset)
        fake_rule(queue->device, "queue-setup-after-driver-ok", "3.1.1 steps 7, 8",
                  "the %s of queue %u", what, queue->index);
}

void fake_queue_set_size(struct fake_queue *queue, uint32_t size)
{
    check_setup(queue, "size");
    if (size == 0 || size > queue->maximum)
        fake_rule(queue->device, "queue-size-range", "4.1.4.3.2, 4.2.2.2", "%u of at most %u",
                  (unsigned)size, queue->maximum);
    if ((size & (size - 1)) != 0 && !fake_ring_has(queue, VIRTIO_F_RING_PACKED))
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
    static const uint64_t split_alignment[3] = {16, 2, 4};
    static const uint64_t packed_alignment[3] = {16, 4, 4};
    bool packed = fake_ring_has(queue, VIRTIO_F_RING_PACKED);
    const uint64_t *alignment = packed ? packed_alignment : split_alignment;

    check_setup(queue, "enable register");
    if (queue->halves_written != 0x3f)
        fake_rule(queue->device, "queue-enabled-early", "4.1.4.3.2, 4.2.3.2",
                  "address halves written: 0x%02x", queue->halves_written);
    for (unsigned part = 0; part < 3; part++) {
        if (queue->address[part] % alignment[part] != 0)
            fake_rule(queue->device, "queue-alignment", "2.7, 2.8.11", "the %s is at 0x%llx",
                      part_names[part], (unsigned long long)queue->address[part]);
    }
    if (queue->device->refuses_enable)
        return;
    queue->enabled = true;
    queue->was_reset = false;
    queue->ops = packed ? &fake_packed_ops : &fake_split_ops;
    queue->owners = calloc(queue->size, sizeof(*queue->owners));
    queue->used_shadow = calloc(1, queue->ops->part_size(queue, FAKE_DEVICE));
    if (!queue->owners || !queue->used_shadow)
        abort();
    queue->ops->begin(queue);
    fake_ring_watch(queue);
}

void fake_queue_begin_reset(struct fake_queue *queue)
{
    if (!queue->enabled)
        fake_rule(queue->device, "queue-reset-disabled", "2.6.1.1.2", "queue %u", queue->index);
    if (queue->device->behaviour && queue->device->behaviour->queue_reset)
        queue->device->behaviour->queue_reset(queue->device, queue);
    fake_queue_reset(queue);
    queue->resets++;
    queue->was_reset = true;
    queue->is_resetting = true;
    queue->reset_polls_left = queue->reset_polls;
}

bool fake_queue_poll_reset(struct fake_queue *queue)
{
    if (queue->reset_polls_left == 0)
        queue->is_resetting = false;
    else if (queue->reset_polls_left != FAKE_FOR_EVER)
        queue->reset_polls_left--;
    return queue->is_resetting;
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

static bool chain_uses(const struct fake_chain *chain, uint64_t address, uint64_t size)
{
    if (chain->table && overlap(address, size, chain->table_address, chain->table_size))
        return true;
    for (unsigned i = 0; i < chain->count; i++) {
        if (overlap(address, size, chain->descriptors[i].address, chain->descriptors[i].length))
            return true;
    }
    return false;
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
        if (chain_uses(chain, address, size))
            return "it is a buffer that the device works on";
    }
    for (const struct fake_chain *chain = queue->held; chain; chain = chain->next_held) {
        if (chain_uses(chain, address, size))
            return "it is a buffer that the device has not given back";
    }
    return queue->ops->is_exposed(queue, address, size) ? "it is a buffer that the device was shown"
                                                        : NULL;
}

/* Notifications --------------------------------------------------------------------------------- */

static void wish(struct fake_queue *queue)
{
    queue->has_asked = true;
    queue->ops->wish(queue);
}

/* Ask for the next entry that the device has not seen, or for none. */
static void ask_for_next(struct fake_queue *queue)
{
    queue->event =
        queue->suppressed || queue->is_busy ? queue->next_available - 1 : queue->next_available;
    wish(queue);
}

void fake_queue_suppress(struct fake_queue *queue, bool suppress)
{
    queue->suppressed = suppress;
    ask_for_next(queue);
}

void fake_queue_set_busy(struct fake_queue *queue, bool is_busy)
{
    queue->is_busy = is_busy;
    ask_for_next(queue);
}

static bool is_wanted(struct fake_queue *queue, uint32_t position)
{
    bool packed = queue->ops == &fake_packed_ops;
    uint32_t mask = packed ? UINT32_MAX : 0xffff;

    if (queue->suppressed || queue->is_busy)
        return false;
    /* What a zeroed ring asks for: in a packed one it is every notification, in a split one the first. */
    if (!fake_ring_has(queue, VIRTIO_F_EVENT_IDX) || (packed && !queue->has_asked))
        return true;
    return ((position - queue->event - 1) & mask) < ((position - queue->seen) & mask);
}

void fake_queue_notified(struct fake_queue *queue)
{
    uint32_t position = queue->ops->position(queue);

    queue->notifications++;
    if (!is_wanted(queue, position))
        fake_rule(queue->device, "notified-though-suppressed", "2.7.10.1, 2.8.10", "queue %u",
                  queue->index);
    if (position == queue->next_available)
        queue->idle_notifications++;
    queue->seen = position;
}

uint16_t fake_queue_available_index(struct fake_queue *queue)
{
    return (uint16_t)queue->ops->position(queue);
}

uint16_t fake_queue_next(struct fake_queue *queue)
{
    uint32_t position = queue->ops->position(queue);

    if (queue->ops == &fake_split_ops)
        return (uint16_t)position;
    return (uint16_t)(position % queue->size | (position / queue->size % 2 == 0 ? 0x8000u : 0));
}

/* Chains ---------------------------------------------------------------------------------------- */

/* The device's part is looked at with each chain, or now and then when it is large. */
static void check_device_part(struct fake_queue *queue)
{
    if ((queue->size > 4096 && (queue->next_available & 0xff) != 0) ||
        fake_ring_is_untouched(queue))
        return;
    if (queue->ops == &fake_split_ops)
        fake_rule(queue->device, "driver-wrote-used-ring", "2.7.8", "queue %u", queue->index);
    else
        fake_rule(queue->device, "driver-wrote-device-event", "2.8.10", "queue %u", queue->index);
}

static void keep(struct fake_queue *queue, struct fake_chain *chain)
{
    struct fake_chain **link = &queue->chains;

    chain->order = queue->taken++;
    while (*link)
        link = &(*link)->next;
    *link = chain;
    chain->is_held = fake_ring_has(queue, VIRTIO_F_IN_ORDER);
    if (!chain->is_held)
        return;
    for (link = &queue->held; *link; link = &(*link)->next_held)
        ;
    *link = chain;
}

struct fake_chain *fake_queue_take(struct fake_queue *queue)
{
    struct fake_chain *chain;

    if (!queue->enabled)
        return NULL;
    if (!(queue->device->status & VIRTIO_STATUS_DRIVER_OK))
        return NULL; /* a device does not look before (2.1.2) */
    chain = queue->ops->take(queue);
    if (!chain)
        return NULL;
    fake_host_event(queue->device->host, FAKE_RING_TAKEN, VIRTIO_SPACE_NONE, queue->index, 0,
                    chain->head);
    check_device_part(queue);
    queue->ops->check_wish(queue);
    keep(queue, chain);
    if (fake_ring_has(queue, VIRTIO_F_EVENT_IDX))
        ask_for_next(queue);
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

/* Write one used entry, for the last of so many chains. */
static void use(struct fake_queue *queue, uint32_t id, uint32_t written, unsigned chains,
                unsigned slots)
{
    uint32_t old = queue->next_used;

    fake_host_event(queue->device->host, FAKE_RING_USED, VIRTIO_SPACE_NONE, queue->index, 0, id);
    queue->ops->use(queue, id, written, chains, slots);
    queue->interrupts += queue->ops->wants_interrupt(queue, old);
}

/* How many of the oldest chains can be given back with one entry: those before the last were written to
 * the full (2.7.9, 2.8.8). One by one, unless they were completed in one go. */
static unsigned batch_size(const struct fake_queue *queue, bool in_one_go)
{
    unsigned count = 1;

    for (const struct fake_chain *chain = queue->held;
         in_one_go && chain->written == chain->writable && chain->next_held &&
         chain->next_held->is_done;
         chain = chain->next_held)
        count++;
    return count;
}

static void give_back(struct fake_queue *queue, unsigned count)
{
    struct fake_chain *last = queue->held;
    unsigned slots = last->slot_count;

    for (unsigned i = 1; i < count; i++) {
        last = last->next_held;
        slots += last->slot_count;
    }
    use(queue, last->head, last->written, count, slots);
    while (count-- != 0) {
        struct fake_chain *chain = queue->held;

        queue->held = chain->next_held;
        fake_chain_discard(chain);
    }
}

static void give_back_done(struct fake_queue *queue, bool in_one_go)
{
    while (queue->held && queue->held->is_done)
        give_back(queue, batch_size(queue, in_one_go));
}

void fake_queue_hold_batch(struct fake_queue *queue, bool hold)
{
    queue->holds_batch = hold;
    if (!hold)
        give_back_done(queue, true);
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
    queue->ops->check_untouched(chain);
    fake_chain_check_table(chain);
    queue->device->isr |= 1;
    if (chain->is_held) {
        chain->is_done = true;
        chain->written = written;
        if (!queue->holds_batch)
            give_back_done(queue, false);
        return;
    }
    use(queue, chain->head, written, 1, chain->slot_count);
    fake_chain_discard(chain);
}

/* Lies ------------------------------------------------------------------------------------------ */

void fake_queue_push_used(struct fake_queue *queue, uint32_t id, uint32_t length)
{
    unsigned slots = 1;

    for (const struct fake_chain *chain = queue->chains; chain; chain = chain->next) {
        if (chain->head == id)
            slots = chain->slot_count;
    }
    queue->ops->use(queue, id, length, 1, slots);
}

void fake_queue_scribble(struct fake_queue *queue, uint8_t byte)
{
    uint8_t *descriptors = fake_ring_part(queue, FAKE_DESCRIPTORS);

    if (descriptors)
        memset(descriptors, byte, queue->ops->part_size(queue, FAKE_DESCRIPTORS));
}

void fake_queue_start_at(struct fake_queue *queue, uint16_t index)
{
    uint8_t *available = fake_ring_part(queue, FAKE_DRIVER);

    queue->next_available = index;
    queue->next_used = index;
    if (queue->ops == &fake_split_ops) {
        if (available)
            put16(queue, available + 2, index);
        fake_queue_set_used_index(queue, index);
    } else if (index % (2u * queue->size) != 0) {
        abort(); /* the test's own mistake */
    }
    queue->seen = index;
    ask_for_next(queue);
}
