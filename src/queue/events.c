/* SPDX-License-Identifier: MIT */
/*
 * Asking the device for interrupts, or for none (spec 2.7.7, 2.8.10): hints for kernels that do not poll.
 */
#include "queue_internal.h"

static void set_interrupts(struct virtio_queue *queue, int when)
{
    queue->interrupts = when >= 0;
    if (queue->packed)
        virtio_packed_interrupts(queue, when);
    else
        virtio_split_interrupts(queue, when);
}

static bool is_pending(const struct virtio_queue *queue)
{
    if (queue->aside_count != 0 || queue->batch_left != 0)
        return true;
    return queue->packed ? virtio_packed_pending(queue) : virtio_split_pending(queue);
}

int virtio_enable_interrupts(struct virtio_queue *queue, enum virtio_when when)
{
    if (queue->room == 0)
        return virtio_queue_refusal(queue);
    if (when != VIRTIO_WHEN_SOON && when != VIRTIO_WHEN_LATER && when != VIRTIO_WHEN_EMPTY)
        return VIRTIO_E_INVALID;
    set_interrupts(queue, (int)when);
    /* Full barrier: the wish must be visible before the ring is looked at again, or what completes in
     * between is noticed by neither side (spec 2.7.7.2, 2.8.22). */
    virtio_order_store_load(queue);
    if (!is_pending(queue))
        return 0;
    set_interrupts(queue, -1);
    return 1;
}

int virtio_disable_interrupts(struct virtio_queue *queue)
{
    if (queue->room == 0)
        return virtio_queue_refusal(queue);
    set_interrupts(queue, -1);
    return VIRTIO_OK;
}
