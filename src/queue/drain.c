/* SPDX-License-Identifier: MIT */
/*
 * Taking back what was in flight when the device was stopped. Every cookie is handed out exactly once.
 */
#include "queue_internal.h"

/* Does the ring still say what the device had completed? That of a broken queue does not; and it is looked at for the
 * last time before the first chain is taken back, for a device may write even after its reset. */
static bool ring_counts(const struct virtio_queue *queue)
{
    return queue->error == VIRTIO_E_RESET && queue->drain_next == 0;
}

/* What the device had completed before it stopped; the queue is opened for the look. */
static int take_completed(struct virtio_queue *queue, struct virtio_done *done)
{
    int result;

    queue->error = VIRTIO_OK;
    queue->room = queue->inside;
    result = virtio_reap(queue, done);
    queue->inside = queue->room;
    queue->room = 0;
    if (queue->error == VIRTIO_OK)
        queue->error = VIRTIO_E_RESET;
    return result;
}

/* The first chain that is still in flight, by descriptor. */
static bool take_back(struct virtio_queue *queue, struct virtio_done *done)
{
    while (queue->drain_next < queue->size) {
        uint32_t head = queue->drain_next++;

        if (!virtio_is_in_flight(&queue->in_flight[head]))
            continue;
        done->cookie = queue->cookies[head];
        if (done->cookie == &virtio_nobody)
            continue;
        done->written = 0;
        return true;
    }
    return false;
}

void virtio_queue_collect(struct virtio_queue *queue)
{
    struct virtio_done done;

    if (ring_counts(queue)) {
        queue->error = VIRTIO_OK;
        queue->room = queue->inside;
        while (virtio_queue_take(queue, &done) > 0) {
            if (!virtio_queue_forget(queue, &done))
                virtio_queue_put_aside(queue, done.cookie, done.written, 0);
        }
        queue->room = 0;
    }
    while (take_back(queue, &done))
        virtio_queue_put_aside(queue, done.cookie, 0, 0);
}

/* Hand out what was put aside at a recovery; with the last of it the queue is open again. */
static int drain_recovered(struct virtio_queue *queue, struct virtio_done *done)
{
    if (queue->aside_count != 0) {
        virtio_queue_take_aside(queue, done);
        queue->room = 0; /* what it gave back opens nothing */
        return 1;
    }
    queue->recovered = false;
    if (queue->error == VIRTIO_E_RESET && virtio_queue_is_shared(queue)) {
        queue->error = VIRTIO_OK;
        queue->room = queue->inside;
    }
    return 0;
}

int virtio_drain(struct virtio_queue *queue, struct virtio_done *done)
{
    if (queue->state == VIRTIO_QUEUE_NONE)
        return 0;
    if (queue->recovered)
        return drain_recovered(queue, done);
    if (virtio_queue_is_shared(queue))
        return VIRTIO_E_BUSY;
    if (ring_counts(queue) && take_completed(queue, done) > 0)
        return 1;
    if (queue->aside_count != 0) {
        virtio_queue_take_aside(queue, done);
        queue->room = 0; /* what it gave back opens nothing */
        return 1;
    }
    return take_back(queue, done) ? 1 : 0;
}
