/* SPDX-License-Identifier: MIT */
/*
 * What queue.c, the ring formats and the device core share: entering and leaving a queue, latching an
 * error, and what every format does with a chain that comes back.
 */
#ifndef VIRTIO_QUEUE_INTERNAL_H
#define VIRTIO_QUEUE_INTERNAL_H

#include <virtio/queue.h>
#include "split.h"

#define VIRTIO_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define VIRTIO_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/** Refuse calls for a queue that is inside another call, or that has an error latched. */
static inline int virtio_queue_enter(struct virtio_queue *queue)
{
    int refused = queue->gate;

    if (VIRTIO_UNLIKELY(refused != VIRTIO_OK))
        return refused;
    queue->gate = VIRTIO_E_REENTRY;
    return VIRTIO_OK;
}

/** Leave a queue in which an error may have been latched. */
static inline void virtio_queue_leave(struct virtio_queue *queue)
{
    queue->gate = queue->error;
}

/** Leave a queue in which all went well. */
static inline void virtio_queue_leave_well(struct virtio_queue *queue)
{
    queue->gate = VIRTIO_OK;
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

/** From now on every call for this queue gives `error`, which is returned. For callers inside. */
int virtio_queue_latch(struct virtio_queue *queue, int error);

/** The device lied: log what it said and latch VIRTIO_E_BROKEN, which is returned. For callers inside. */
int virtio_queue_broken(struct virtio_queue *queue, const char *what, uint32_t value);

/** The device was stopped: nothing more can be submitted, everything can be drained. */
void virtio_queue_stopped(struct virtio_queue *queue);

/** Take one completion, those put aside first; as virtio_reap, for callers inside the queue. */
int virtio_queue_take(struct virtio_queue *queue, struct virtio_done *done);

/* The split ring (split.c). */

/** Point the queue's members into its zeroed memory and make every descriptor free. */
void virtio_split_begin(struct virtio_queue *queue, const struct virtio_split_layout *layout);

int virtio_split_submit(struct virtio_queue *queue, const struct virtio_buffer *buffers,
                        unsigned readable, unsigned writable, void *cookie);

/** Show the device what was submitted, and notify it unless it asked for none. For callers inside. */
void virtio_split_publish(struct virtio_queue *queue);

/** The next chain that the device has used, checked, and still in flight for the caller to release or put
 * aside. @return 1, 0 when there is none, or the latched error. */
int virtio_split_next_used(struct virtio_queue *queue, uint16_t *head, uint32_t *written);

int virtio_split_reap(struct virtio_queue *queue, struct virtio_done *done);

/** Make a chain's `count` descriptors free again. @return its cookie. */
static inline void *virtio_queue_release(struct virtio_queue *queue, uint16_t head, uint16_t count)
{
    struct virtio_in_flight *entry = &queue->in_flight[head];

    entry->count = 0;
    queue->next[entry->last] = queue->free_head;
    queue->free_head = head;
    queue->free_count = (uint16_t)(queue->free_count + count);
    return entry->cookie;
}

#endif
