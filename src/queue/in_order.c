/* SPDX-License-Identifier: MIT */
/*
 * VIRTIO_F_IN_ORDER: chains complete in the order in which they were submitted, and the device may tell of a
 * whole batch with the entry of its last chain (spec 2.7.9, 2.8.8). The chains before it count as
 * completely written. Descriptors and ids are taken from the ring in circular order and given back in the
 * same, so nothing is relinked.
 */
#include "queue_internal.h"

/* The chain (packed: id) that was submitted after the one at `head`. */
static uint32_t chain_after(const struct virtio_queue *queue, uint32_t head)
{
    uint32_t step = queue->packed ? 1 : virtio_chain_count(queue->in_flight[head].chain);

    return (head + step) & queue->mask;
}

/* Find out which batch is the next one. @return 1, 0, or the latched error. */
static int look_for_batch(struct virtio_queue *queue)
{
    uint32_t left = queue->size; /* in a packed ring, the ids in flight are the bound */
    uint32_t count = 1;
    uint32_t id;
    uint32_t length;
    int result = queue->packed ? virtio_packed_look(queue, &id, &length)
                               : virtio_split_look(queue, &id, &length);

    if (result <= 0)
        return result;
    if (!queue->packed)
        left = queue->used_seen - queue->used_index;
    for (uint32_t head = queue->oldest; head != id; head = chain_after(queue, head)) {
        if (++count > left)
            return virtio_queue_broken(queue, "used id", id);
    }
    queue->batch_left = count;
    queue->batch_written = length;
    return 1;
}

int virtio_in_order_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    uint32_t room = queue->room;
    uint32_t head = queue->oldest;
    uint32_t count;
    struct virtio_in_flight *entry = &queue->in_flight[head];

    if (queue->batch_left == 0) {
        int result = look_for_batch(queue);

        if (result <= 0)
            return result;
    }
    virtio_queue_close(queue);
    count = virtio_chain_count(entry->chain);
    done->cookie = queue->cookies[head];
    done->written = --queue->batch_left == 0 ? queue->batch_written : entry->limit - 1;
    queue->oldest = chain_after(queue, head);
    if (queue->packed)
        virtio_packed_advance(queue, count);
    else
        queue->used_index++;
    entry->limit = 0;
    entry->chain = 0;
    virtio_queue_open(queue, room + count);
    return 1;
}
