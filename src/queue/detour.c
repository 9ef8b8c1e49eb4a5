/* SPDX-License-Identifier: MIT */
/*
 * Completions that do not go straight from the ring to who reaps: those that were put aside, and those of
 * abandoned chains. It must not know what a ring's entries look like.
 */
#include "queue_internal.h"

const char virtio_nobody;

void virtio_queue_take_aside(struct virtio_queue *queue, struct virtio_done *done)
{
    struct virtio_aside *first = &queue->aside[queue->aside_first & queue->mask];

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

/* Take completions out of the ring until one is somebody's. */
static int reap_somebodys(struct virtio_queue *queue, struct virtio_done *done)
{
    int result;

    do {
        result = virtio_split_reap(queue, done);
    } while (result > 0 && virtio_queue_forget(queue, done));
    return result;
}

int virtio_queue_detour(struct virtio_queue *queue, struct virtio_done *done)
{
    if (queue->aside_count == 0)
        return reap_somebodys(queue, done);
    virtio_queue_take_aside(queue, done);
    return 1;
}
