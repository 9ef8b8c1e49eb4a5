/* SPDX-License-Identifier: MIT */
/*
 * The hostile device's end of the rings, split and packed (spec 2.7, 2.8): it takes chains, answers them and
 * gives them back as the specification says, or as a lie wants it. While nobody has scribbled over a ring, what
 * the driver puts there must be well-formed and point to memory that is the device's.
 */
#include "hostile.h"

#define FLAGS_BOTH (VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED)

static struct hostile_segment segments[HOSTILE_QUEUES][HOSTILE_PENDING][HOSTILE_SEGMENTS];

static bool has(const struct hostile *hostile, uint64_t feature)
{
    return (hostile->taken & feature) != 0;
}

static bool is_packed(const struct hostile *hostile)
{
    return has(hostile, VIRTIO_F_RING_PACKED) && has(hostile, VIRTIO_F_VERSION_1);
}

/* What the driver did makes no sense: its fault, unless somebody lied to it. */
static void give_up(struct hostile *hostile, struct hostile_queue *queue)
{
    hostile_require(hostile->lied || hostile->scribbled);
    queue->broken = true;
}

static struct hostile_segment *segments_of(unsigned queue, const struct hostile_chain *chain)
{
    return segments[queue][chain->slot];
}

/* A part of a ring, or a table: its memory, if it is the device's and aligned (spec 2.7, 2.8, 2.7.5.3). An address
 * need not be what the driver meant: with capabilities that overlap, it can write over a queue's by telling the
 * device something else. */
static void *find_part(uint64_t address, size_t size, unsigned align)
{
    return address % align == 0 ? hostile_find_memory(address, size) : NULL;
}

/* Add one buffer. @return false when the chain makes no sense. */
static bool add_segment(unsigned queue, struct hostile_chain *chain, uint64_t address,
                        uint32_t length, bool writable)
{
    uint8_t *bytes = hostile_find_memory(address, length);

    if (bytes == NULL || (!writable && chain->writable != 0))
        return false;
    if (chain->segments == HOSTILE_SEGMENTS)
        return true;
    segments[queue][chain->slot][chain->segments++] = (struct hostile_segment){bytes, length};
    if (writable)
        chain->writable++;
    else
        chain->readable++;
    return true;
}

/* A table of either format. */
static bool add_table(struct hostile *hostile, unsigned queue, struct hostile_chain *chain,
                      uint64_t address, uint32_t length)
{
    const struct virtq_desc *table = find_part(address, length, 16);
    uint32_t count = length / (uint32_t)sizeof(*table);
    uint32_t at = 0;

    if (table == NULL || length % sizeof(*table) != 0 || count == 0 ||
        !has(hostile, VIRTIO_F_INDIRECT_DESC))
        return false;
    if (is_packed(hostile)) {
        const struct pvirtq_desc *packed = (const void *)table;

        for (; at < count; at++) {
            if ((packed[at].flags & ~VIRTQ_DESC_F_WRITE) != 0 ||
                !add_segment(queue, chain, packed[at].addr, packed[at].len,
                             (packed[at].flags & VIRTQ_DESC_F_WRITE) != 0))
                return false;
        }
        return true;
    }
    for (uint32_t steps = 0; steps < count; steps++) {
        uint16_t flags = table[at].flags;

        if (!add_segment(queue, chain, table[at].addr, table[at].len,
                         (flags & VIRTQ_DESC_F_WRITE) != 0))
            return false;
        if ((flags & VIRTQ_DESC_F_INDIRECT) != 0)
            return false;
        if ((flags & VIRTQ_DESC_F_NEXT) == 0)
            return true;
        at = table[at].next;
        if (at >= count)
            return false;
    }
    return false;
}

static bool walk_split(struct hostile *hostile, unsigned number, struct hostile_chain *chain)
{
    struct hostile_queue *queue = &hostile->queues[number];
    const struct virtq_desc *table =
        find_part(queue->descriptors, queue->size * sizeof(*table), 16);
    uint32_t at = chain->id;

    if (table == NULL)
        return false;
    for (uint32_t steps = 0; steps < queue->size; steps++) {
        const struct virtq_desc *descriptor = &table[at];
        uint16_t flags = descriptor->flags;

        chain->descriptors++;
        if ((flags & VIRTQ_DESC_F_INDIRECT) != 0)
            return (flags & VIRTQ_DESC_F_NEXT) == 0 && steps == 0 &&
                   add_table(hostile, number, chain, descriptor->addr, descriptor->len);
        if (!add_segment(number, chain, descriptor->addr, descriptor->len,
                         (flags & VIRTQ_DESC_F_WRITE) != 0))
            return false;
        if ((flags & VIRTQ_DESC_F_NEXT) == 0)
            return true;
        at = descriptor->next;
        if (at >= queue->size)
            return false;
    }
    return false;
}

static bool wraps(const struct hostile_queue *queue, uint32_t position)
{
    return position / queue->size % 2 == 0;
}

static bool walk_packed(struct hostile *hostile, unsigned number, struct hostile_chain *chain)
{
    struct hostile_queue *queue = &hostile->queues[number];
    const struct pvirtq_desc *ring = find_part(queue->descriptors, queue->size * sizeof(*ring), 16);

    if (ring == NULL)
        return false;
    for (uint32_t steps = 0; steps < queue->size; steps++) {
        const struct pvirtq_desc *slot = &ring[(queue->next + steps) % queue->size];
        uint16_t flags = slot->flags;
        uint16_t wanted =
            wraps(queue, queue->next + steps) ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;

        chain->descriptors++;
        chain->id = slot->id;
        if ((flags & FLAGS_BOTH) != wanted)
            return false;
        if ((flags & VIRTQ_DESC_F_INDIRECT) != 0)
            return (flags & VIRTQ_DESC_F_NEXT) == 0 && steps == 0 &&
                   add_table(hostile, number, chain, slot->addr, slot->len);
        if (!add_segment(number, chain, slot->addr, slot->len, (flags & VIRTQ_DESC_F_WRITE) != 0))
            return false;
        if ((flags & VIRTQ_DESC_F_NEXT) == 0)
            return true;
    }
    return false;
}

/* Is there a further chain? Its id, for a split ring. */
static bool is_available(struct hostile *hostile, struct hostile_queue *queue, uint16_t *head)
{
    if (is_packed(hostile)) {
        const struct pvirtq_desc *ring =
            find_part(queue->descriptors, queue->size * sizeof(*ring), 16);
        uint16_t wanted = wraps(queue, queue->next) ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;

        if (ring == NULL) {
            give_up(hostile, queue);
            return false;
        }
        return (__atomic_load_n(&ring[queue->next % queue->size].flags, __ATOMIC_ACQUIRE) &
                FLAGS_BOTH) == wanted;
    } else {
        const struct virtq_avail *available =
            find_part(queue->driver, 6 + 2 * (size_t)queue->size, 2);
        uint16_t index;

        if (available == NULL) {
            give_up(hostile, queue);
            return false;
        }
        index = __atomic_load_n(&available->idx, __ATOMIC_ACQUIRE);
        if ((uint16_t)(index - queue->next) > queue->size) {
            give_up(hostile, queue);
            return false;
        }
        *head = available->ring[queue->next % queue->size];
        return index != (uint16_t)queue->next;
    }
}

/* With VIRTIO_F_EVENT_IDX: notify me of the next one. */
static void wish(struct hostile *hostile, struct hostile_queue *queue)
{
    if (!has(hostile, VIRTIO_F_EVENT_IDX))
        return;
    if (is_packed(hostile)) {
        struct pvirtq_event_suppress *event = find_part(queue->device, 4, 4);

        if (event == NULL)
            return;
        event->desc =
            (uint16_t)(queue->next % queue->size | (wraps(queue, queue->next) ? 0x8000u : 0));
        event->flags = RING_EVENT_FLAGS_DESC;
    } else {
        uint8_t *used = find_part(queue->device, 6 + 8 * (size_t)queue->size, 4);

        if (used != NULL)
            *(uint16_t *)(void *)(used + 4 + 8 * (size_t)queue->size) = (uint16_t)queue->next;
    }
}

void hostile_fetch(struct hostile *hostile, unsigned number)
{
    struct hostile_queue *queue = &hostile->queues[number];
    uint16_t head = 0;

    if (!queue->enabled || queue->size == 0 || (hostile->status & VIRTIO_STATUS_DRIVER_OK) == 0)
        return;
    while (!queue->broken && queue->pending_count < HOSTILE_PENDING &&
           is_available(hostile, queue, &head)) {
        struct hostile_chain *chain = &queue->pending[queue->pending_count];
        bool good;

        if (!is_packed(hostile) && head >= queue->size) {
            give_up(hostile, queue);
            return;
        }
        *chain =
            (struct hostile_chain){.id = head, .slot = (uint8_t)__builtin_ctzll(~queue->slots)};
        good = is_packed(hostile) ? walk_packed(hostile, number, chain)
                                  : walk_split(hostile, number, chain);
        if (!good) {
            give_up(hostile, queue);
            return;
        }
        queue->next += is_packed(hostile) ? chain->descriptors : 1;
        queue->slots |= UINT64_C(1) << chain->slot;
        queue->pending_count++;
    }
    if (!queue->broken)
        wish(hostile, queue);
}

/* Tell the driver. `skipped` chains before it count as given back with it (VIRTIO_F_IN_ORDER). */
static void push_used(struct hostile *hostile, struct hostile_queue *queue,
                      const struct hostile_chain *chain, uint32_t length, uint32_t descriptors,
                      uint32_t chains)
{
    queue->last_id = chain->id;
    queue->last_length = length;
    if (is_packed(hostile)) {
        struct pvirtq_desc *ring = find_part(queue->descriptors, queue->size * sizeof(*ring), 16);
        struct pvirtq_desc *slot;
        uint16_t flags = wraps(queue, queue->used) ? FLAGS_BOTH : 0;

        if (ring == NULL)
            return;
        slot = &ring[queue->used % queue->size];
        slot->id = chain->id;
        slot->len = length;
        if (length != 0 || chain->writable != 0)
            flags |= VIRTQ_DESC_F_WRITE;
        __atomic_store_n(&slot->flags, flags, __ATOMIC_RELEASE);
        queue->used += descriptors;
    } else {
        struct virtq_used *used = find_part(queue->device, 6 + 8 * (size_t)queue->size, 4);

        if (used == NULL)
            return;
        used->ring[queue->used % queue->size] = (struct virtq_used_elem){chain->id, length};
        queue->used += chains;
        __atomic_store_n(&used->idx, (uint16_t)queue->used, __ATOMIC_RELEASE);
    }
}

static void forget(struct hostile_queue *queue, unsigned which)
{
    queue->slots &= ~(UINT64_C(1) << queue->pending[which].slot);
    queue->pending_count--;
    for (; which < queue->pending_count; which++)
        queue->pending[which] = queue->pending[which + 1];
}

/* Are the buffers still the device's? They are, unless a lie made the driver take them back. */
static bool check_segments(struct hostile *hostile, unsigned queue, struct hostile_chain *chain)
{
    const struct hostile_segment *segment = segments_of(queue, chain);

    for (unsigned at = 0; at < chain->segments; at++) {
        if (hostile_is_poisoned(segment[at].bytes, segment[at].length)) {
            hostile_require(hostile->lied || hostile->scribbled);
            return false;
        }
    }
    return true;
}

/* Give back the first `which` + 1 with one entry (VIRTIO_F_IN_ORDER): those before count as fully written. */
static void complete_batch(struct hostile *hostile, unsigned number, unsigned which, uint32_t lie)
{
    struct hostile_queue *queue = &hostile->queues[number];
    struct hostile_chain last = queue->pending[which];
    uint32_t descriptors = 0;
    uint32_t length = 0;

    for (unsigned at = 0; at <= which; at++) {
        if (!check_segments(hostile, number, &queue->pending[at])) {
            queue->broken = true;
            return;
        }
        length = hostile->serve != NULL
                     ? hostile->serve(hostile, number, &queue->pending[at])
                     : hostile_serve_stream(hostile, number, &queue->pending[at], 0, 64);
        if (at < which && length != hostile_writable(hostile, number, &queue->pending[at]))
            hostile->lied = true;
        descriptors += queue->pending[at].descriptors;
    }
    push_used(hostile, queue, &last, length + lie, descriptors, which + 1);
    while (which-- + 1 != 0)
        forget(queue, 0);
}

void hostile_complete(struct hostile *hostile, unsigned number, unsigned which, uint32_t lie)
{
    struct hostile_queue *queue = &hostile->queues[number];
    struct hostile_chain chain;
    uint32_t length;

    if (!queue->enabled || queue->broken || queue->pending_count == 0)
        return;
    which %= queue->pending_count;
    if (lie != 0)
        hostile->lied = true;
    if (has(hostile, VIRTIO_F_IN_ORDER) && has(hostile, VIRTIO_F_VERSION_1)) {
        complete_batch(hostile, number, which, lie);
        return;
    }
    chain = queue->pending[which];
    if (!check_segments(hostile, number, &chain)) {
        queue->broken = true;
        return;
    }
    length = hostile->serve != NULL ? hostile->serve(hostile, number, &chain)
                                    : hostile_serve_stream(hostile, number, &chain, 0, 64);
    push_used(hostile, queue, &chain, length + lie, chain.descriptors, 1);
    forget(queue, which);
}

void hostile_work(struct hostile *hostile, unsigned number)
{
    struct hostile_queue *queue = &hostile->queues[number];

    do {
        hostile_fetch(hostile, number);
        while (queue->pending_count != 0 && !queue->broken)
            hostile_complete(hostile, number, 0, 0);
    } while (!queue->broken && queue->enabled && queue->pending_count != 0);
}

void hostile_ring_lie(struct hostile *hostile, unsigned number, unsigned kind, uint32_t value)
{
    struct hostile_queue *queue = &hostile->queues[number];
    const struct hostile_chain again = {.id = (uint16_t)value, .descriptors = 1, .writable = 1};
    struct hostile_chain last = {.id = queue->last_id, .descriptors = 1, .writable = 1};
    uint8_t *used = queue->size != 0 && queue->enabled && !is_packed(hostile)
                        ? find_part(queue->device, 6 + 8 * (size_t)queue->size, 4)
                        : NULL;

    if (!queue->enabled || queue->size == 0)
        return;
    hostile->lied = true;
    switch (kind & 3) {
    case 0: /* an id of its own invention */
        push_used(hostile, queue, &again, value >> 16, 1, 1);
        break;
    case 1: /* the last one once more */
        push_used(hostile, queue, &last, queue->last_length, 1, 1);
        break;
    case 2: /* the index jumps */
        queue->used += value & 0xffff;
        if (used != NULL)
            __atomic_store_n(&((struct virtq_used *)(void *)used)->idx, (uint16_t)queue->used,
                             __ATOMIC_RELEASE);
        break;
    default: /* a chain is lost */
        if (queue->pending_count != 0)
            forget(queue, value % queue->pending_count);
        break;
    }
}

uint32_t hostile_writable(const struct hostile *hostile, unsigned queue,
                          const struct hostile_chain *chain)
{
    const struct hostile_segment *segment = segments_of(queue, chain) + chain->readable;
    uint32_t bytes = 0;

    (void)hostile;
    for (unsigned at = 0; at < chain->writable; at++)
        bytes += segment[at].length;
    return bytes;
}

/* Copy between a chain's segments and `bytes`. */
static uint32_t copy(const struct hostile_segment *segment, unsigned count, uint32_t offset,
                     uint8_t *to, const uint8_t *from, uint32_t size)
{
    uint32_t done = 0;

    for (; count != 0 && done < size; count--, segment++) {
        uint32_t part;

        if (offset >= segment->length) {
            offset -= segment->length;
            continue;
        }
        part = segment->length - offset < size - done ? segment->length - offset : size - done;
        if (to != NULL)
            memcpy(to + done, segment->bytes + offset, part);
        else if (from != NULL)
            memcpy(segment->bytes + offset, from + done, part);
        else
            memset(segment->bytes + offset, 0, part);
        done += part;
        offset = 0;
    }
    return done;
}

uint32_t hostile_read_chain(struct hostile *hostile, unsigned queue,
                            const struct hostile_chain *chain, uint32_t offset, void *to,
                            uint32_t size)
{
    (void)hostile;
    return copy(segments_of(queue, chain), chain->readable, offset, to, NULL, size);
}

uint32_t hostile_write_chain(struct hostile *hostile, unsigned queue,
                             const struct hostile_chain *chain, uint32_t offset, const void *from,
                             uint32_t size)
{
    (void)hostile;
    return copy(segments_of(queue, chain) + chain->readable, chain->writable, offset, NULL, from,
                size);
}

uint32_t hostile_serve_stream(struct hostile *hostile, unsigned queue,
                              const struct hostile_chain *chain, uint32_t offset, uint32_t most)
{
    uint32_t size = hostile_writable(hostile, queue, chain);
    uint32_t left = size > offset ? size - offset : 0;
    uint32_t given = (uint32_t)(hostile->end - hostile->at);

    if (given > left)
        given = left;
    if (given > most)
        given = most;
    (void)hostile_write_chain(hostile, queue, chain, offset, hostile->at, given);
    hostile->at += given;
    return offset + given +
           hostile_write_chain(hostile, queue, chain, offset + given, NULL, left - given);
}
