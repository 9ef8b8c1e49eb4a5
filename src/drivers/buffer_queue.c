/* SPDX-License-Identifier: MIT */
/*
 * A fixed set of equal buffers on a virtqueue. The cookie of a buffer in flight is its address, which
 * the queue keeps in private memory: nothing that the device says chooses a buffer.
 *
 * Must not: know what is in a buffer.
 */
#include "buffer_queue.h"

static void free_all(struct virtio_buffer_queue *buffers)
{
    buffers->in_flight = 0;
    buffers->free = UINT64_MAX >> (VIRTIO_BUFFER_QUEUE_DEPTH_MAX - buffers->depth);
}

int virtio_buffer_queue_start(struct virtio_buffer_queue *buffers, struct virtio_device *device,
                              uint16_t index, uint16_t depth, uint32_t size)
{
    int error = virtio_queue_start(&buffers->queue, device, index, depth);

    if (error != VIRTIO_OK)
        return error;
    buffers->depth = buffers->queue.size < depth ? buffers->queue.size : depth;
    buffers->size = size;
    free_all(buffers);
    return virtio_allocate_shared(device, (size_t)buffers->depth * size, 64, &buffers->shared);
}

void virtio_buffer_queue_end(struct virtio_buffer_queue *buffers, struct virtio_device *device)
{
    (void)virtio_ring_uninit(&buffers->queue);
    virtio_free_shared(device, &buffers->shared);
    buffers->depth = 0;
    buffers->in_flight = 0;
    buffers->free = 0;
}

void virtio_buffer_queue_renew(struct virtio_buffer_queue *buffers)
{
    struct virtio_done done;

    if (buffers->depth == 0)
        return;
    while (virtio_drain(&buffers->queue, &done) > 0)
        continue;
    free_all(buffers);
}

int virtio_buffer_queue_find(const struct virtio_buffer_queue *buffers)
{
    for (unsigned number = 0; number < buffers->depth; number++) {
        if ((buffers->free >> number & 1) != 0)
            return (int)number;
    }
    return VIRTIO_NO_BUFFER;
}

int virtio_buffer_queue_submit(struct virtio_buffer_queue *buffers, unsigned number,
                               uint32_t length, uint16_t flags)
{
    struct virtio_buffer buffer = {
        .device_address = buffers->shared.device_address + (uint64_t)number * buffers->size,
        .length = length,
    };
    bool writes = (flags & VIRTQ_DESC_F_WRITE) != 0;
    uint8_t *memory = virtio_buffer_at(buffers, number);
    int error;

    virtio_give_shared(buffers->queue.device, memory, buffers->size, VIRTIO_SYNC_FOR_DEVICE);
    error = virtio_submit_buffers(&buffers->queue, &buffer, writes ? 0 : 1, writes ? 1 : 0, memory);
    if (error == VIRTIO_OK) {
        buffers->free &= ~(UINT64_C(1) << number);
        buffers->in_flight++;
    }
    return error;
}

int virtio_buffer_queue_fill(struct virtio_buffer_queue *buffers)
{
    int number;

    while ((number = virtio_buffer_queue_find(buffers)) != VIRTIO_NO_BUFFER) {
        int error = virtio_buffer_queue_submit(buffers, (unsigned)number, buffers->size,
                                               VIRTQ_DESC_F_WRITE);

        if (error != VIRTIO_OK)
            return error;
    }
    return VIRTIO_OK;
}

int virtio_buffer_queue_reap(struct virtio_buffer_queue *buffers, unsigned *number,
                             uint32_t *written)
{
    const uint8_t *first = buffers->shared.memory;
    struct virtio_done done;
    int result = virtio_reap(&buffers->queue, &done);

    if (result <= 0)
        return result;
    *number = (unsigned)((size_t)((uint8_t *)done.cookie - first) / buffers->size);
    *written = done.written;
    buffers->free |= UINT64_C(1) << *number;
    buffers->in_flight--;
    virtio_give_shared(buffers->queue.device, done.cookie, buffers->size, VIRTIO_SYNC_FOR_CPU);
    return 1;
}
