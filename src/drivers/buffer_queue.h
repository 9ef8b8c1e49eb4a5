/* SPDX-License-Identifier: MIT */
/*
 * Functions of struct virtio_buffer_queue: a fixed set of equal buffers on a virtqueue. Buffers go by
 * their number; who has one is known here, in private memory.
 */
#ifndef VIRTIO_DRIVERS_BUFFER_QUEUE_H
#define VIRTIO_DRIVERS_BUFFER_QUEUE_H

#include "driver.h"
#include <virtio/buffer_queue.h>

/** No buffer is free. */
#define VIRTIO_NO_BUFFER (-1)

/** Set the queue up and allocate its buffers, zeroed: `depth` of them (a power of two, at most
 * VIRTIO_BUFFER_QUEUE_DEPTH_MAX) or as many as the queue has descriptors. On error the caller resets the
 * device and calls virtio_buffer_queue_end, which takes back whatever there is.
 * @return VIRTIO_OK, the errors of virtio_queue_start and virtio_allocate_shared. */
int virtio_buffer_queue_start(struct virtio_buffer_queue *buffers, struct virtio_device *device,
                              uint16_t index, uint16_t depth, uint32_t size);

/** Give everything back; the device has been stopped. One that was not started is left alone. */
void virtio_buffer_queue_end(struct virtio_buffer_queue *buffers, struct virtio_device *device);

/** After virtio_device_renew: what was in flight is nobody's, and all buffers are free. One that was not started
 * is left alone. */
void virtio_buffer_queue_renew(struct virtio_buffer_queue *buffers);

/** A free buffer's number, or VIRTIO_NO_BUFFER. It stays free until it is submitted. */
int virtio_buffer_queue_find(const struct virtio_buffer_queue *buffers);

/** The set of buffers that are the device's. */
static inline uint64_t virtio_buffer_queue_in_flight(const struct virtio_buffer_queue *buffers)
{
    return ~buffers->free & ((UINT64_C(2) << (buffers->depth - 1)) - 1);
}

/** A buffer's memory. */
static inline uint8_t *virtio_buffer_at(const struct virtio_buffer_queue *buffers, unsigned number)
{
    return (uint8_t *)buffers->shared.memory + (size_t)number * buffers->size;
}

/** Hand a free buffer to the queue, the first `length` bytes of it; `flags` as virtio_append_desc. The device
 * sees it at the next kick. @return as virtio_submit. */
int virtio_buffer_queue_submit(struct virtio_buffer_queue *buffers, unsigned number,
                               uint32_t length, uint16_t flags);

/** Hand all free buffers to the queue for the device to write. @return as virtio_submit. */
int virtio_buffer_queue_fill(struct virtio_buffer_queue *buffers);

/** Take a buffer back that the device has used. @return as virtio_reap. */
int virtio_buffer_queue_reap(struct virtio_buffer_queue *buffers, unsigned *number,
                             uint32_t *written);

#endif
