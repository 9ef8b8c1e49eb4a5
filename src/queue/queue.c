/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues' life: allocation, the device's view, teardown, and what closes them. Requests are the business
 * of the ring formats (split.c) and of chain.c and wait.c on top of them.
 */
#include "queue_internal.h"
#include "../core/bytes.h"
#include "../core/log.h"

static bool index_is_taken(const struct virtio_device *device, uint16_t index)
{
    for (const struct virtio_queue *queue = device->queues; queue != NULL;
         queue = queue->next_queue) {
        if (queue->index == index)
            return true;
    }
    return false;
}

/* The size of the queue that is selected: dictated, or the largest power of two within both limits. */
static int choose_size(const struct virtio_device *device, uint16_t limit, uint16_t *size)
{
    uint32_t maximum;
    uint32_t chosen = 1;
    int error = device->ops->get_queue_num_max(device, &maximum);

    if (error != VIRTIO_OK)
        return error;
    if (maximum == 0)
        return VIRTIO_E_NO_QUEUE;
    if (device->ops->dictates_queue_size) {
        if (maximum > VIRTIO_QUEUE_SIZE_MAX || (maximum & (maximum - 1)) != 0)
            return VIRTIO_E_QUEUE_SIZE;
        *size = (uint16_t)maximum;
        return VIRTIO_OK;
    }
    while (chosen * 2 <= maximum && chosen * 2 <= limit)
        chosen *= 2;
    *size = (uint16_t)chosen;
    return VIRTIO_OK;
}

/* Private memory, in one piece: what is in flight, what was put aside, the buffers of a chain under
 * construction, the links. */
static size_t private_size(uint16_t size)
{
    return (size_t)size * (sizeof(struct virtio_in_flight) + sizeof(struct virtio_aside) +
                           sizeof(struct virtio_buffer) + sizeof(uint16_t));
}

static int allocate(struct virtio_queue *queue, const struct virtio_split_layout *layout)
{
    const struct virtio_host *host = queue->device->host;
    void *private_memory = host->allocate(host->ctx, private_size(queue->size));
    int error;

    if (private_memory == NULL)
        return VIRTIO_E_NO_MEMORY;
    error = virtio_allocate_shared(queue->device, layout->size, layout->alignment, &queue->shared);
    if (error != VIRTIO_OK) {
        host->free(host->ctx, private_memory, private_size(queue->size));
        return error;
    }
    memset(private_memory, 0, private_size(queue->size));
    queue->in_flight = private_memory;
    queue->aside = (struct virtio_aside *)(void *)(queue->in_flight + queue->size);
    queue->staged = (struct virtio_buffer *)(void *)(queue->aside + queue->size);
    queue->next = (uint16_t *)(void *)(queue->staged + queue->size);
    return VIRTIO_OK;
}

int virtio_ring_init(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
                     uint16_t size_limit)
{
    struct virtio_split_layout layout;
    uint16_t size;
    int error;

    if (size_limit == 0 || size_limit > VIRTIO_QUEUE_SIZE_MAX)
        return VIRTIO_E_INVALID;
    if (device->state != VIRTIO_DEVICE_BEGUN)
        return VIRTIO_E_STATE;
    if (queue->state != VIRTIO_QUEUE_NONE || index_is_taken(device, index))
        return VIRTIO_E_BUSY;
    device->ops->set_queue_select(device, index);
    error = choose_size(device, size_limit, &size);
    if (error != VIRTIO_OK)
        return error;
    memset(queue, 0, sizeof(*queue));
    queue->device = device;
    queue->index = index;
    queue->size = size;
    queue->mask = size - 1u;
    queue->inline_most = size + 1u;
    virtio_split_layout(size, device->legacy, &layout);
    error = allocate(queue, &layout);
    if (error != VIRTIO_OK) {
        memset(queue, 0, sizeof(*queue));
        return error;
    }
    virtio_split_begin(queue, &layout);
    queue->inside = size + 1u;
    queue->error = VIRTIO_E_STATE;
    queue->state = VIRTIO_QUEUE_LAID_OUT;
    queue->next_queue = device->queues;
    device->queues = queue;
    return VIRTIO_OK;
}

int virtio_ring_map(struct virtio_queue *queue, uint64_t *base_shift)
{
    const struct virtio_device *device = queue->device;
    uint64_t base = queue->shared.device_address;
    struct virtio_queue_addresses addresses;
    int error;

    if (queue->state != VIRTIO_QUEUE_LAID_OUT || device->state != VIRTIO_DEVICE_BEGUN)
        return VIRTIO_E_STATE;
    addresses.descriptors = base + queue->offsets.descriptors;
    addresses.driver = base + queue->offsets.driver;
    addresses.device = base + queue->offsets.device;
    queue->state = VIRTIO_QUEUE_LIVE;
    device->ops->set_queue_select(device, queue->index);
    device->ops->set_queue_num(device, queue->size);
    device->ops->set_queue_align(device, VIRTIO_LEGACY_ALIGNMENT);
    error = device->ops->set_queue_address(device, &addresses);
    if (error == VIRTIO_OK)
        error = device->ops->get_queue_doorbell(device, queue->index, &queue->doorbell);
    if (error != VIRTIO_OK)
        return error;
    queue->error = VIRTIO_OK;
    queue->room = queue->inside;
    if (base_shift != NULL)
        *base_shift = base - (uintptr_t)queue->shared.memory;
    return VIRTIO_OK;
}

int virtio_queue_start(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
                       uint16_t size_limit)
{
    int error = virtio_ring_init(queue, device, index, size_limit);

    return error == VIRTIO_OK ? virtio_ring_map(queue, NULL) : error;
}

int virtio_ring_uninit(struct virtio_queue *queue)
{
    struct virtio_queue **link;
    const struct virtio_host *host;

    if (queue->state == VIRTIO_QUEUE_NONE)
        return VIRTIO_OK;
    if (virtio_queue_is_shared(queue))
        return VIRTIO_E_BUSY;
    host = queue->device->host;
    for (link = &queue->device->queues; *link != queue; link = &(*link)->next_queue)
        ;
    *link = queue->next_queue;
    virtio_free_shared(queue->device, &queue->shared);
    host->free(host->ctx, queue->in_flight, private_size(queue->size));
    memset(queue, 0, sizeof(*queue));
    return VIRTIO_OK;
}

void virtio_queue_stopped(struct virtio_queue *queue)
{
    if (queue->error != VIRTIO_OK)
        return;
    queue->error = VIRTIO_E_RESET;
    queue->inside = queue->room;
    queue->room = 0;
}

int virtio_queue_refusal(const struct virtio_queue *queue)
{
    if (queue->error != VIRTIO_OK)
        return queue->error;
    return queue->state == VIRTIO_QUEUE_LIVE ? VIRTIO_E_REENTRY : VIRTIO_E_STATE;
}

int virtio_queue_latch(struct virtio_queue *queue, int error)
{
    queue->error = error;
    queue->room = 0;
    return error;
}

int virtio_queue_broken(struct virtio_queue *queue, const char *what, uint32_t value)
{
    struct virtio_line line;

    /* First of all: the log hook must find the queue closed. */
    virtio_queue_latch(queue, VIRTIO_E_BROKEN);
    virtio_line_begin(&line, queue->device->host);
    virtio_line_text(&line, "queue ");
    virtio_line_number(&line, queue->index);
    virtio_line_text(&line, " is broken: the device's ");
    virtio_line_text(&line, what);
    virtio_line_text(&line, " is ");
    virtio_line_number(&line, value);
    virtio_line_end(&line, VIRTIO_LOG_ERROR);
    return VIRTIO_E_BROKEN;
}
