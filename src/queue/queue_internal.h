/* SPDX-License-Identifier: MIT */
/*
 * What queue.c, split.c and the device core share: entering and leaving a queue, latching an error,
 * taking completions.
 */
#ifndef VIRTIO_QUEUE_INTERNAL_H
#define VIRTIO_QUEUE_INTERNAL_H

#include <virtio/queue.h>
#include "split.h"

/** Refuse calls for a queue that is inside another call, or that has an error latched. */
static inline int virtio_queue_enter(struct virtio_queue *queue)
{
    if (queue->busy)
        return VIRTIO_E_REENTRY;
    if (queue->error != VIRTIO_OK)
        return queue->error;
    queue->busy = true;
    return VIRTIO_OK;
}

static inline void virtio_queue_leave(struct virtio_queue *queue)
{
    queue->busy = false;
}

/** The cookie of chains whose completion is nobody's business: flushes that timed out. */
static inline void *virtio_queue_nobody(struct virtio_queue *queue)
{
    return queue;
}

/** Nothing that the device was shown is outstanding, and nothing was put aside. */
static inline bool virtio_queue_is_idle(const struct virtio_queue *queue)
{
    return queue->published_index == queue->used_index && queue->aside_count == 0;
}

/** From now on every call for this queue gives `error`, which is returned. */
int virtio_queue_latch(struct virtio_queue *queue, int error);

/** The device was stopped: nothing more can be submitted, everything can be drained. */
void virtio_queue_stopped(struct virtio_queue *queue);

/** Point the queue's members into its zeroed memory and make every descriptor free. */
void virtio_split_begin(struct virtio_queue *queue, const struct virtio_split_layout *layout);

/** Take one completion, those put aside first; as virtio_reap, for callers inside the queue. */
int virtio_queue_take(struct virtio_queue *queue, struct virtio_done *done);

/** Take the completion of the chain headed by `head`, if it is there; put aside all others met. */
int virtio_queue_take_one(struct virtio_queue *queue, struct virtio_done *done, uint16_t head);

#endif
