/* SPDX-License-Identifier: MIT */
/*
 * Completions that do not go straight from the ring to who reaps: those that were put aside, and those of
 * abandoned chains. It must not know what a ring's entries look like.
 */
#include "queue_internal.h"

const char virtio_nobody;

/* Twice `size`, for chains that are kept ready may be in flight again while they are here. */
static struct virtio_aside *aside_at(struct virtio_queue *queue, uint32_t number)
{
    return &queue->aside[number & (2 * queue->mask + 1)];
}

void virtio_queue_put_aside(struct virtio_queue *queue, void *cookie, uint32_t written,
                            uint32_t room)
{
    *aside_at(queue, queue->aside_first + queue->aside_count) =
        (struct virtio_aside){cookie, written, room};
    queue->aside_count++;
    queue->detour |= VIRTIO_DETOUR_ASIDE;
}

void virtio_queue_take_aside(struct virtio_queue *queue, struct virtio_done *done)
{
    struct virtio_aside *first = aside_at(queue, queue->aside_first);

    done->cookie = first->cookie;
    done->written = first->written;
    queue->room += first->room;
    queue->aside_first++;
    if (--queue->aside_count == 0)
        queue->detour &= ~VIRTIO_DETOUR_ASIDE;
}

bool virtio_queue_forget(struct virtio_queue *queue, const struct virtio_done *done)
{
    if (done->cookie != &virtio_nobody)
        return false;
    if (--queue->abandoned == 0)
        queue->detour &= ~VIRTIO_DETOUR_ABANDONED;
    return true;
}

int virtio_queue_take(struct virtio_queue *queue, struct virtio_done *done)
{
    if (queue->in_order)
        return virtio_in_order_reap(queue, done);
    return queue->packed ? virtio_packed_reap(queue, done) : virtio_split_reap(queue, done);
}

/* Completions of abandoned chains are nobody's: on to the next one. */
int virtio_queue_detour(struct virtio_queue *queue, struct virtio_done *done)
{
    int result;

    if (queue->aside_count != 0) {
        virtio_queue_take_aside(queue, done);
        return 1;
    }
    do {
        result = virtio_queue_take(queue, done);
    } while (result > 0 && virtio_queue_forget(queue, done));
    return result;
}

int virtio_queue_detour_many(struct virtio_queue *queue, struct virtio_done *done, uint32_t most)
{
    uint32_t taken = 0;

    while (taken < most) {
        int result = virtio_reap(queue, &done[taken]);

        if (result <= 0)
            return taken != 0 ? (int)taken : result;
        taken++;
    }
    return (int)taken;
}
