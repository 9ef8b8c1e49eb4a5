/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues' life: allocation, the device's view, teardown, and what closes them. Requests are the business
 * of the ring formats (split.c) and of chain.c and wait.c on top of them.
 */
#include "queue_internal.h"
#include "../core/bytes.h"
#include "../core/log.h"
#include "../core/time.h"

static bool index_is_taken(const struct virtio_device *device, uint16_t index)
{
    for (const struct virtio_queue *queue = device->queues; queue != NULL;
         queue = queue->next_queue) {
        if (queue->index == index)
            return true;
    }
    return false;
}

/* The size limit of a queue whose options name none. */
#define DEFAULT_SIZE_LIMIT 256u

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

/* A device that was reset may be another one by now: can it have the queue as it is? Not, for one, while it still
 * has it (VIRTIO_E_BUSY), whatever it says of a reset. */
static int check_size(const struct virtio_queue *queue)
{
    const struct virtio_device *device = queue->device;
    uint32_t maximum;
    int error;

    device->ops->set_queue_select(device, queue->index);
    error = device->ops->get_queue_num_max(device, &maximum);
    if (error != VIRTIO_OK)
        return error;
    if (maximum == 0)
        return VIRTIO_E_NO_QUEUE;
    return maximum == queue->size || (maximum > queue->size && !device->ops->dictates_queue_size)
               ? VIRTIO_OK
               : VIRTIO_E_QUEUE_SIZE;
}

/* Private memory, in one piece: what is in flight, what was put aside, the buffers of a chain under
 * construction, the links. */
static size_t private_size(uint16_t size)
{
    return (size_t)size *
           (sizeof(void *) + sizeof(struct virtio_in_flight) + 2 * sizeof(struct virtio_aside) +
            sizeof(struct virtio_buffer) + sizeof(uint16_t));
}

static void free_memory(struct virtio_queue *queue)
{
    const struct virtio_host *host = queue->device->host;

    virtio_free_shared(queue->device, &queue->tables);
    virtio_free_shared(queue->device, &queue->shared);
    if (queue->aside != NULL)
        host->free(host->ctx, queue->aside, private_size(queue->size));
    memset(queue, 0, sizeof(*queue));
}

static int allocate(struct virtio_queue *queue, const struct virtio_split_layout *layout)
{
    const struct virtio_host *host = queue->device->host;
    size_t tables;
    int error;

    /* The longest tables of the largest queue are more than a 32-bit CPU can address. */
    if (__builtin_mul_overflow(queue->size * sizeof(struct virtq_desc), queue->table_length,
                               &tables))
        return VIRTIO_E_NO_MEMORY;
    queue->aside = host->allocate(host->ctx, private_size(queue->size));
    if (queue->aside == NULL)
        return VIRTIO_E_NO_MEMORY;
    queue->staged = (struct virtio_buffer *)(void *)(queue->aside + 2 * (size_t)queue->size);
    queue->cookies = (void **)(void *)(queue->staged + queue->size);
    queue->in_flight = (struct virtio_in_flight *)(void *)(queue->cookies + queue->size);
    queue->next = (uint16_t *)(void *)(queue->in_flight + queue->size);
    error = virtio_allocate_shared(queue->device, layout->size, layout->alignment, &queue->shared);
    if (error == VIRTIO_OK && tables != 0)
        error = virtio_allocate_shared(queue->device, tables, sizeof(struct virtq_desc),
                                       &queue->tables);
    return error;
}

static void get_layout(const struct virtio_queue *queue, struct virtio_split_layout *layout)
{
    if (queue->packed)
        virtio_packed_layout(queue->size, layout);
    else
        virtio_split_layout(queue->size, queue->device->legacy, layout);
}

/* Make the ring an empty one: all is free, the indices are 0, interrupts are off. What was put aside is
 * left alone. */
static void lay_out(struct virtio_queue *queue, const struct virtio_split_layout *layout)
{
    memset(queue->shared.memory, 0, queue->shared.size);
    memset(queue->in_flight, 0, queue->size * sizeof(*queue->in_flight));
    for (uint32_t i = 0; i < queue->size; i++)
        queue->next[i] = (uint16_t)((i + 1) & queue->mask);
    queue->free_head = 0;
    queue->available_index = 0;
    queue->published_index = 0;
    queue->used_index = 0;
    queue->used_seen = 0;
    queue->oldest = 0;
    queue->batch_left = 0;
    queue->abandoned = 0;
    queue->detour = queue->in_order ? VIRTIO_DETOUR_IN_ORDER : 0;
    queue->interrupts = false;
    queue->drain_next = 0;
    queue->generation++;
    queue->inside = queue->size + 1u;
    if (queue->packed)
        virtio_packed_begin(queue, layout);
    else
        virtio_split_begin(queue, layout);
}

/* What the negotiation decided. */
static void choose_format(struct virtio_queue *queue, const struct virtio_queue_options *options)
{
    const struct virtio_device *device = queue->device;

    queue->mask = queue->size - 1u;
    queue->packed = virtio_has_feature(device, VIRTIO_F_RING_PACKED);
    queue->event_idx = virtio_has_feature(device, VIRTIO_F_EVENT_IDX);
    queue->in_order = virtio_has_feature(device, VIRTIO_F_IN_ORDER);
    queue->order_platform = virtio_has_feature(device, VIRTIO_F_ORDER_PLATFORM);
    if (virtio_has_feature(device, VIRTIO_F_NOTIFICATION_DATA))
        queue->kick_detour |= VIRTIO_KICK_DATA;
    queue->kick_detour |= VIRTIO_KICK_NOT_READY;
    if (virtio_has_feature(device, VIRTIO_F_INDIRECT_DESC))
        queue->table_length =
            options->table_length < queue->size ? options->table_length : queue->size;
}

int virtio_ring_init_with(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
                          const struct virtio_queue_options *options)
{
    static const struct virtio_queue_options defaults;
    struct virtio_split_layout layout;
    uint16_t limit;
    uint16_t size;
    int error;

    if (options == NULL)
        options = &defaults;
    limit = options->size_limit != 0 ? options->size_limit : DEFAULT_SIZE_LIMIT;
    if (limit > VIRTIO_QUEUE_SIZE_MAX)
        return VIRTIO_E_INVALID;
    if (device->state != VIRTIO_DEVICE_BEGUN)
        return VIRTIO_E_STATE;
    if (queue->state != VIRTIO_QUEUE_NONE || index_is_taken(device, index))
        return VIRTIO_E_BUSY;
    device->ops->set_queue_select(device, index);
    error = choose_size(device, limit, &size);
    if (error != VIRTIO_OK)
        return error;
    *queue = (struct virtio_queue){.device = device, .index = index, .size = size};
    choose_format(queue, options);
    get_layout(queue, &layout);
    error = allocate(queue, &layout);
    if (error != VIRTIO_OK) {
        free_memory(queue);
        return error;
    }
    lay_out(queue, &layout);
    queue->error = VIRTIO_E_STATE;
    queue->state = VIRTIO_QUEUE_LAID_OUT;
    queue->next_queue = device->queues;
    device->queues = queue;
    return VIRTIO_OK;
}

int virtio_ring_init(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
                     uint16_t size_limit)
{
    const struct virtio_queue_options options = {.size_limit = size_limit};

    if (size_limit == 0)
        return VIRTIO_E_INVALID;
    return virtio_ring_init_with(queue, device, index, &options);
}

/* Tell the device where the queue is, enable it, and find its doorbell. */
static int map(struct virtio_queue *queue)
{
    const struct virtio_device *device = queue->device;
    uint64_t base = queue->shared.device_address;
    struct virtio_queue_addresses addresses;
    int error;

    addresses.descriptors = base + queue->offsets.descriptors;
    addresses.driver = base + queue->offsets.driver;
    addresses.device = base + queue->offsets.device;
    queue->state = VIRTIO_QUEUE_LIVE;
    device->ops->set_queue_select(device, queue->index);
    device->ops->set_queue_num(device, queue->size);
    device->ops->set_queue_align(device, VIRTIO_LEGACY_ALIGNMENT);
    error = device->ops->set_queue_address(device, &addresses);
    queue->doorbell.value = queue->index;
    if (error == VIRTIO_OK)
        error = device->ops->get_queue_doorbell(device, queue->index, &queue->doorbell);
    return error;
}

int virtio_ring_map(struct virtio_queue *queue, uint64_t *base_shift)
{
    int error;

    if (queue->state != VIRTIO_QUEUE_LAID_OUT || queue->device->state != VIRTIO_DEVICE_BEGUN)
        return VIRTIO_E_STATE;
    error = map(queue);
    if (error != VIRTIO_OK)
        return error;
    queue->error = VIRTIO_OK;
    queue->room = queue->inside;
    if (base_shift != NULL)
        *base_shift = queue->shared.device_address - (uintptr_t)queue->shared.memory;
    return VIRTIO_OK;
}

int virtio_queue_rebuild(struct virtio_queue *queue)
{
    struct virtio_split_layout layout;
    int error;

    virtio_queue_collect(queue);
    virtio_prepared_lost(queue);
    get_layout(queue, &layout);
    lay_out(queue, &layout);
    queue->recovered = true;
    queue->error = VIRTIO_E_RESET;
    if (queue->device->state != VIRTIO_DEVICE_READY)
        queue->kick_detour |= VIRTIO_KICK_NOT_READY;
    error = check_size(queue);
    if (error == VIRTIO_OK)
        error = map(queue);
    if (error != VIRTIO_OK)
        virtio_queue_latch(queue, error);
    return error;
}

/* Wait until the reset of the queue, which is selected, is done. */
static int await_reset(const struct virtio_device *device)
{
    struct virtio_deadline deadline;

    virtio_deadline_begin(&deadline, device->host, device->timeout_us);
    while (device->ops->get_queue_reset(device)) {
        if (virtio_deadline_passed(&deadline, device->host))
            return VIRTIO_E_TIMEOUT;
    }
    return VIRTIO_OK;
}

int virtio_queue_reset(struct virtio_queue *queue)
{
    const struct virtio_device *device = queue->device;
    int error;

    if (queue->state != VIRTIO_QUEUE_LIVE || device->state != VIRTIO_DEVICE_READY)
        return VIRTIO_E_STATE;
    if (!virtio_has_feature(device, VIRTIO_F_RING_RESET))
        return VIRTIO_E_NOT_SUPPORTED;
    if (queue->room == 0 && queue->error == VIRTIO_OK)
        return VIRTIO_E_REENTRY;
    virtio_queue_stopped(queue);
    device->ops->set_queue_select(device, queue->index);
    device->ops->set_queue_reset(device);
    error = await_reset(device);
    if (error == VIRTIO_OK)
        error = check_size(queue);
    return error == VIRTIO_OK ? virtio_queue_rebuild(queue) : virtio_queue_latch(queue, error);
}

int virtio_queue_start(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
                       uint16_t size_limit)
{
    int error = virtio_ring_init(queue, device, index, size_limit);

    return error == VIRTIO_OK ? virtio_ring_map(queue, NULL) : error;
}

int virtio_queue_start_with(struct virtio_queue *queue, struct virtio_device *device,
                            uint16_t index, const struct virtio_queue_options *options)
{
    int error = virtio_ring_init_with(queue, device, index, options);

    return error == VIRTIO_OK ? virtio_ring_map(queue, NULL) : error;
}

int virtio_ring_uninit(struct virtio_queue *queue)
{
    struct virtio_queue **link;

    if (queue->state == VIRTIO_QUEUE_NONE)
        return VIRTIO_OK;
    if (virtio_queue_is_shared(queue))
        return VIRTIO_E_BUSY;
    for (link = &queue->device->queues; *link != queue; link = &(*link)->next_queue)
        ;
    *link = queue->next_queue;
    free_memory(queue);
    return VIRTIO_OK;
}

void virtio_queue_ready(struct virtio_queue *queue)
{
    queue->kick_detour &= ~VIRTIO_KICK_NOT_READY;
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

int virtio_queue_judge(struct virtio_queue *queue, uint32_t id, uint32_t *length, bool ignore)
{
    const struct virtio_in_flight *entry = id <= queue->mask ? &queue->in_flight[id] : NULL;

    if (entry == NULL || !virtio_is_in_flight(entry))
        return virtio_queue_broken(queue, "used id", id);
    /* No limit, but in flight: 2^32 - 1 bytes are writable, and no length is too long. */
    if (entry->limit == 0)
        return 1;
    if (!queue->device->legacy && !queue->ignores_length && !ignore)
        return virtio_queue_broken(queue, "used length", *length);
    *length = ignore ? 0 : entry->limit - 1;
    return 1;
}
