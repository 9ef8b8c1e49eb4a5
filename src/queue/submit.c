/* SPDX-License-Identifier: MIT */
/*
 * Requests on their way into a ring of either format: checked, as a chain or as a table (spec 2.7.5.3,
 * 2.8.7), with what the library has to know in private memory.
 */
#include "queue_internal.h"
#include "../core/endian.h"

/* From so many buffers on a chain is a long one, and better a table. */
#define LONG_CHAIN 8u

int virtio_request_check(const struct virtio_buffer *buffers, uint32_t readable, uint32_t writable,
                         uint32_t *limit)
{
    uint64_t bytes = 0;
    uint64_t bytes_readable = 0;

    for (uint32_t i = 0; i < readable + writable; i++) {
        if (i == readable)
            bytes_readable = bytes;
        if (buffers[i].length == 0)
            return VIRTIO_E_ZERO_LENGTH;
        bytes += buffers[i].length;
    }
    if (bytes > UINT32_MAX)
        return VIRTIO_E_TOO_LONG;
    *limit = (writable != 0 ? (uint32_t)(bytes - bytes_readable) : 0) + 1;
    return VIRTIO_OK;
}

bool virtio_wants_table(const struct virtio_queue *queue, uint32_t count, uint32_t room)
{
    return count > 1 && count <= queue->table_length && (count >= LONG_CHAIN || count >= room);
}

static struct virtq_desc *table_of(const struct virtio_queue *queue, uint32_t head)
{
    return (struct virtq_desc *)queue->tables.memory + (size_t)head * queue->table_length;
}

/* A packed ring's tables have no links, and VIRTQ_DESC_F_WRITE alone as flags (spec 2.8.19). */
static void write_entry(const struct virtio_queue *queue, struct virtq_desc *entry,
                        const struct virtio_buffer *buffer, uint32_t flags, uint32_t next)
{
    bool legacy = queue->device->legacy;

    entry->addr = virtio_order64(legacy, buffer->device_address);
    entry->len = virtio_order32(legacy, buffer->length);
    if (queue->packed) {
        struct pvirtq_desc *packed = (struct pvirtq_desc *)(void *)entry;

        packed->id = 0;
        packed->flags = virtio_order16(false, (uint16_t)(flags & VIRTQ_DESC_F_WRITE));
        return;
    }
    entry->flags = virtio_order16(legacy, (uint16_t)flags);
    entry->next = virtio_order16(legacy, (uint16_t)next);
}

struct virtio_buffer virtio_fill_table(struct virtio_queue *queue, uint32_t head,
                                       const struct virtio_buffer *buffers, uint32_t readable,
                                       uint32_t count)
{
    struct virtq_desc *table = table_of(queue, head);
    struct virtio_buffer pointer = {
        .device_address =
            queue->tables.device_address + (uint64_t)head * queue->table_length * sizeof(*table),
        .length = (uint32_t)(count * sizeof(*table)),
    };

    for (uint32_t i = 0; i < count; i++) {
        uint32_t flags = i >= readable ? VIRTQ_DESC_F_WRITE : 0;
        bool is_last = i + 1 == count;

        write_entry(queue, &table[i], &buffers[i], flags | (is_last ? 0 : VIRTQ_DESC_F_NEXT),
                    is_last ? 0 : i + 1);
    }
    return pointer;
}

void virtio_point_table(struct virtio_queue *queue, uint32_t head, uint32_t which,
                        const struct virtio_buffer *buffer)
{
    struct virtq_desc *entry = &table_of(queue, head)[which];

    entry->addr = virtio_order64(queue->device->legacy, buffer->device_address);
    entry->len = virtio_order32(queue->device->legacy, buffer->length);
}

/* The request is good and there is room for it. */
static void put(struct virtio_queue *queue, const struct virtio_request *request, uint32_t limit,
                void *cookie)
{
    uint32_t head = queue->free_head;
    struct virtio_in_flight *entry = &queue->in_flight[head];
    uint32_t last = head;

    queue->cookies[head] = cookie;
    entry->limit = limit;
    if (queue->packed) {
        virtio_packed_put(queue, head, request);
    } else {
        last = virtio_split_write(queue, head, request);
        virtio_split_enqueue(queue, head);
    }
    entry->chain = virtio_chain_of(head, last, request->count);
    if (limit == 0)
        entry->chain |= VIRTIO_CHAIN_UNLIMITED;
    queue->free_head = queue->next[last];
}

static int refusal(const struct virtio_queue *queue, uint32_t count)
{
    if (queue->room == 0)
        return virtio_queue_refusal(queue);
    return count == 0 ? VIRTIO_E_INVALID : VIRTIO_E_TOO_LONG;
}

int virtio_submit_buffers(struct virtio_queue *queue, const struct virtio_buffer *buffers,
                          uint16_t readable, uint16_t writable, void *cookie)
{
    struct virtio_request request = {buffers, readable, (uint32_t)readable + writable, 0};
    uint32_t room = queue->room;
    struct virtio_buffer pointer;
    uint32_t limit;
    int error;

    if (room == 0 || request.count == 0 || request.count > queue->size)
        return refusal(queue, request.count);
    error = virtio_request_check(buffers, readable, writable, &limit);
    if (error != VIRTIO_OK)
        return error;
    if (virtio_wants_table(queue, request.count, room) && room > 1) {
        virtio_queue_close(queue);
        pointer = virtio_fill_table(queue, queue->free_head, buffers, readable, request.count);
        request = (struct virtio_request){&pointer, 1, 1, VIRTQ_DESC_F_INDIRECT};
    } else if (request.count >= room) {
        return VIRTIO_E_FULL;
    } else {
        virtio_queue_close(queue);
    }
    put(queue, &request, limit, cookie);
    virtio_queue_open(queue, room - request.count);
    return VIRTIO_OK;
}
