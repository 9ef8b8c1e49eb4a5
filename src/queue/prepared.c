/* SPDX-License-Identifier: MIT */
/*
 * Prepared requests: a chain that is written once and submitted many times. In a split ring it keeps its
 * descriptors, or one that points to its table. In a packed ring, where descriptors move on, it keeps an
 * id with that id's table, and one place in the ring. With VIRTIO_F_IN_ORDER there is nothing to keep.
 */
#include "queue_internal.h"
#include "../core/endian.h"

/* An entry that looks busy for ever: what `straight` points to where it must not be taken. Never written. */
static const struct virtio_in_flight never_free = {.limit = UINT32_MAX};

static void bar_straight_way(struct virtio_prepared *prepared)
{
    prepared->straight = (struct virtio_in_flight *)(uintptr_t)&never_free;
}

void virtio_prepared_lost(struct virtio_queue *queue)
{
    for (struct virtio_prepared *at = queue->prepared; at != NULL; at = at->next)
        bar_straight_way(at);
}

/* How a request of so many buffers is kept: the number of descriptors that stay taken, 0 for none. */
static uint32_t kept_by(const struct virtio_queue *queue, uint32_t count, bool *as_table)
{
    *as_table = virtio_wants_table(queue, count, queue->room) ||
                (queue->packed && count > 1 && count <= queue->table_length);
    if (queue->in_order || (queue->packed && count > 1 && !*as_table))
        return 0;
    return *as_table ? 1 : count;
}

/* What virtio/inline.h writes into a packed ring, on a little-endian CPU. */
static void set_word(struct virtio_prepared *prepared)
{
    prepared->word =
        prepared->entry.length | (uint64_t)prepared->head << 32 | (uint64_t)prepared->flags << 48;
}

/* Write the chain at the front of the free list and keep that. The queue is closed. */
static void write_chain(struct virtio_queue *queue, struct virtio_prepared *prepared, bool as_table)
{
    uint32_t count = (uint32_t)prepared->readable + prepared->writable;
    struct virtio_request request = {prepared->buffers, prepared->readable, count, 0};
    uint32_t head = queue->free_head;
    uint32_t last = head;

    prepared->head = head;
    prepared->flags = prepared->readable == 0 ? VIRTQ_DESC_F_WRITE : 0;
    prepared->entry = prepared->buffers[0];
    if (as_table) {
        prepared->flags = VIRTQ_DESC_F_INDIRECT;
        prepared->entry =
            virtio_fill_table(queue, head, prepared->buffers, prepared->readable, count);
        request = (struct virtio_request){&prepared->entry, 1, 1, VIRTQ_DESC_F_INDIRECT};
    }
    if (queue->packed)
        set_word(prepared);
    else
        last = virtio_split_write(queue, head, &request);
    queue->free_head = queue->next[last];
    queue->in_flight[head].chain = VIRTIO_CHAIN_KEPT;
    prepared->straight = &queue->in_flight[head];
    prepared->cookie = &queue->cookies[head];
}

static int keep(struct virtio_queue *queue, struct virtio_prepared *prepared)
{
    uint32_t count = (uint32_t)prepared->readable + prepared->writable;
    uint32_t room = queue->room;
    bool as_table;

    prepared->kept = (uint16_t)kept_by(queue, count, &as_table);
    if (prepared->kept >= room)
        return VIRTIO_E_FULL;
    prepared->generation = queue->generation;
    bar_straight_way(prepared);
    if (prepared->kept == 0)
        return VIRTIO_OK;
    virtio_queue_close(queue);
    write_chain(queue, prepared, as_table);
    virtio_queue_open(queue, room - prepared->kept);
    return VIRTIO_OK;
}

int virtio_prepared_begin(struct virtio_queue *queue, struct virtio_prepared *prepared,
                          struct virtio_buffer *buffers, uint16_t readable, uint16_t writable)
{
    uint32_t count = (uint32_t)readable + writable;
    int error;

    if (queue->room == 0)
        return virtio_queue_refusal(queue);
    if (count == 0)
        return VIRTIO_E_INVALID;
    *prepared = (struct virtio_prepared){
        .buffers = buffers,
        .readable = readable,
        .writable = writable,
    };
    error = virtio_request_check(buffers, readable, writable, &prepared->limit);
    if (error == VIRTIO_OK && (count > queue->size || prepared->limit == 0))
        error = VIRTIO_E_TOO_LONG;
    if (error == VIRTIO_OK)
        error = keep(queue, prepared);
    if (error != VIRTIO_OK)
        return error;
    prepared->next = queue->prepared;
    prepared->link = &queue->prepared;
    if (prepared->next != NULL)
        prepared->next->link = &prepared->next;
    queue->prepared = prepared;
    return VIRTIO_OK;
}

/* Is it in flight? Of one that keeps nothing nobody knows. */
static bool is_in_flight(const struct virtio_queue *queue, const struct virtio_prepared *prepared)
{
    return prepared->kept != 0 && prepared->generation == queue->generation &&
           queue->in_flight[prepared->head].limit != 0;
}

/* Every call but the first: is the queue open and the request where it was? */
static int check(struct virtio_queue *queue, struct virtio_prepared *prepared)
{
    if (queue->room == 0)
        return virtio_queue_refusal(queue);
    if (is_in_flight(queue, prepared))
        return VIRTIO_E_BUSY;
    return prepared->generation == queue->generation ? VIRTIO_OK : keep(queue, prepared);
}

int virtio_submit_prepared(struct virtio_queue *queue, struct virtio_prepared *prepared,
                           void *cookie)
{
    const struct virtio_request request = {&prepared->entry, 1, 1, prepared->flags};
    struct virtio_in_flight *entry;
    uint32_t room;
    int error = check(queue, prepared);

    if (error != VIRTIO_OK)
        return error;
    if (prepared->kept == 0)
        return virtio_submit_buffers(queue, prepared->buffers, prepared->readable,
                                     prepared->writable, cookie);
    room = queue->room;
    virtio_queue_close(queue);
    entry = &queue->in_flight[prepared->head];
    queue->cookies[prepared->head] = cookie;
    entry->limit = prepared->limit;
    if (queue->packed)
        virtio_packed_put(queue, prepared->head, &request);
    else
        virtio_split_enqueue(queue, prepared->head);
    virtio_queue_open(queue, room);
    return VIRTIO_OK;
}

/* Change what is kept of buffer `which`. */
static void point_kept(struct virtio_queue *queue, struct virtio_prepared *prepared, uint32_t which)
{
    const struct virtio_buffer *buffer = &prepared->buffers[which];
    uint32_t at = prepared->head;
    bool legacy = queue->device->legacy;

    if (prepared->flags == VIRTQ_DESC_F_INDIRECT) {
        virtio_point_table(queue, at, which, buffer);
        return;
    }
    prepared->entry = prepared->buffers[0];
    if (queue->packed) {
        set_word(prepared);
        return;
    }
    for (; which != 0; which--)
        at = queue->next[at];
    queue->descriptors[at].addr = virtio_order64(legacy, buffer->device_address);
    queue->descriptors[at].len = virtio_order32(legacy, buffer->length);
}

int virtio_prepared_point(struct virtio_queue *queue, struct virtio_prepared *prepared,
                          uint16_t which, uint64_t device_address, uint32_t length)
{
    struct virtio_buffer before;
    uint32_t limit = 0;
    int error = check(queue, prepared);

    if (error != VIRTIO_OK)
        return error;
    if (which >= prepared->readable + prepared->writable)
        return VIRTIO_E_INVALID;
    before = prepared->buffers[which];
    prepared->buffers[which] = (struct virtio_buffer){device_address, length};
    if (length != before.length) {
        error =
            virtio_request_check(prepared->buffers, prepared->readable, prepared->writable, &limit);
        if (error == VIRTIO_OK && limit == 0)
            error = VIRTIO_E_TOO_LONG;
        if (error != VIRTIO_OK) {
            prepared->buffers[which] = before;
            return error;
        }
        prepared->limit = limit;
    }
    if (prepared->kept != 0)
        point_kept(queue, prepared, which);
    return VIRTIO_OK;
}

int virtio_prepared_end(struct virtio_queue *queue, struct virtio_prepared *prepared)
{
    uint32_t room = queue->room;
    uint32_t last;
    struct virtio_in_flight *entry;

    if (room == 0)
        return virtio_queue_refusal(queue);
    if (is_in_flight(queue, prepared))
        return VIRTIO_E_BUSY;
    if (prepared->kept != 0 && prepared->generation == queue->generation) {
        virtio_queue_close(queue);
        entry = &queue->in_flight[prepared->head];
        last = prepared->head;
        for (uint32_t i = 1; i < prepared->kept; i++)
            last = queue->next[last];
        entry->chain = 0;
        queue->next[last] = (uint16_t)queue->free_head;
        queue->free_head = prepared->head;
        virtio_queue_open(queue, room + prepared->kept);
    }
    *prepared->link = prepared->next;
    if (prepared->next != NULL)
        prepared->next->link = prepared->link;
    *prepared = (struct virtio_prepared){0};
    bar_straight_way(prepared);
    return VIRTIO_OK;
}
