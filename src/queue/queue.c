/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues from the outside: allocation, the device's view, teardown, building chains, waiting and
 * draining. What the entries look like is the ring formats' business (split.c).
 */
#include "queue_internal.h"
#include "../core/bytes.h"
#include "../core/log.h"
#include "../core/time.h"

/* Polls of the used ring between two readings of the clock. */
#define POLLS_PER_TURN 64

/* How often a wait looks at the device status register, the only register that it touches. */
#define STATUS_INTERVAL_US 10000u

/* Refuse every call with `error`, or let them in with 0. */
static void refuse_calls(struct virtio_queue *queue, int error)
{
    queue->error = error;
    queue->gate = error;
}

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

/* Private memory, in one piece: what is in flight, the buffers of a chain under construction, the links. */
static size_t private_size(uint16_t size)
{
    return (size_t)size *
           (sizeof(struct virtio_in_flight) + sizeof(struct virtio_buffer) + sizeof(uint16_t));
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
    queue->staged = private_memory;
    queue->in_flight = (struct virtio_in_flight *)(void *)(queue->staged + queue->size);
    queue->next = (uint16_t *)(void *)(queue->in_flight + queue->size);
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
    virtio_split_layout(size, device->legacy, &layout);
    error = allocate(queue, &layout);
    if (error != VIRTIO_OK) {
        memset(queue, 0, sizeof(*queue));
        return error;
    }
    virtio_split_begin(queue, &layout);
    refuse_calls(queue, VIRTIO_E_STATE);
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
    refuse_calls(queue, VIRTIO_OK);
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

static bool device_may_access(const struct virtio_queue *queue)
{
    return queue->state == VIRTIO_QUEUE_LIVE && queue->device->state != VIRTIO_DEVICE_STOPPED &&
           queue->device->state != VIRTIO_DEVICE_FOUND;
}

int virtio_ring_uninit(struct virtio_queue *queue)
{
    struct virtio_queue **link;
    const struct virtio_host *host;

    if (queue->state == VIRTIO_QUEUE_NONE)
        return VIRTIO_OK;
    if (device_may_access(queue))
        return VIRTIO_E_BUSY;
    host = queue->device->host;
    for (link = &queue->device->queues; *link != queue; link = &(*link)->next_queue)
        ;
    *link = queue->next_queue;
    virtio_free_shared(queue->device, &queue->shared);
    host->free(host->ctx, queue->staged, private_size(queue->size));
    memset(queue, 0, sizeof(*queue));
    return VIRTIO_OK;
}

void virtio_queue_stopped(struct virtio_queue *queue)
{
    if (queue->error == VIRTIO_OK)
        refuse_calls(queue, VIRTIO_E_RESET);
}

int virtio_queue_latch(struct virtio_queue *queue, int error)
{
    queue->error = error;
    return error;
}

int virtio_queue_broken(struct virtio_queue *queue, const char *what, uint32_t value)
{
    struct virtio_line line;

    virtio_line_begin(&line, queue->device->host);
    virtio_line_text(&line, "queue ");
    virtio_line_number(&line, queue->index);
    virtio_line_text(&line, " is broken: the device's ");
    virtio_line_text(&line, what);
    virtio_line_text(&line, " is ");
    virtio_line_number(&line, value);
    virtio_line_end(&line, VIRTIO_LOG_ERROR);
    return virtio_queue_latch(queue, VIRTIO_E_BROKEN);
}

void virtio_prepare(struct virtio_queue *queue, struct virtio_chain *chain)
{
    *chain = (struct virtio_chain){.serial = ++queue->serial};
}

static int check_append(const struct virtio_queue *queue, uint32_t length, uint16_t flags,
                        const struct virtio_chain *chain)
{
    unsigned count = (unsigned)chain->readable + chain->writable;

    if (chain->serial != queue->serial)
        return VIRTIO_E_STALE;
    if ((flags & ~VIRTQ_DESC_F_WRITE) != 0)
        return VIRTIO_E_INVALID;
    if (length == 0)
        return VIRTIO_E_ZERO_LENGTH;
    if ((flags & VIRTQ_DESC_F_WRITE) == 0 && chain->writable != 0)
        return VIRTIO_E_ORDER;
    if (length > UINT32_MAX - chain->bytes || count >= queue->size)
        return VIRTIO_E_TOO_LONG;
    return count < queue->free_count ? VIRTIO_OK : VIRTIO_E_FULL;
}

int virtio_append_desc(struct virtio_queue *queue, uint64_t device_address, uint32_t length,
                       uint16_t flags, struct virtio_chain *chain)
{
    int error = check_append(queue, length, flags, chain);
    struct virtio_buffer *buffer;

    if (error != VIRTIO_OK) {
        if (chain->error == VIRTIO_OK)
            chain->error = error;
        return error;
    }
    buffer = &queue->staged[chain->readable + chain->writable];
    buffer->device_address = device_address;
    buffer->length = length;
    chain->bytes += length;
    if ((flags & VIRTQ_DESC_F_WRITE) != 0)
        chain->writable++;
    else
        chain->readable++;
    return VIRTIO_OK;
}

int virtio_submit(struct virtio_queue *queue, struct virtio_chain *chain, void *cookie)
{
    if (chain->error != VIRTIO_OK)
        return chain->error;
    if (chain->serial != queue->serial)
        return VIRTIO_E_STALE;
    chain->error = VIRTIO_E_STALE;
    return virtio_submit_buffers(queue, queue->staged, chain->readable, chain->writable, cookie);
}

int virtio_submit_buffers(struct virtio_queue *queue, const struct virtio_buffer *buffers,
                          uint16_t readable, uint16_t writable, void *cookie)
{
    return virtio_split_submit(queue, buffers, readable, writable, cookie);
}

int virtio_kick(struct virtio_queue *queue)
{
    int error = virtio_queue_enter(queue);

    if (error != VIRTIO_OK)
        return error;
    if (queue->available_index != queue->published_index) {
        if (queue->device->state == VIRTIO_DEVICE_READY)
            virtio_split_publish(queue);
        else
            error = VIRTIO_E_STATE;
    }
    virtio_queue_leave_well(queue);
    return error;
}

int virtio_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    int result = virtio_queue_enter(queue);

    if (VIRTIO_UNLIKELY(result != VIRTIO_OK))
        return result;
    result = virtio_queue_take(queue, done);
    virtio_queue_leave(queue);
    return result;
}

/* Keep a completion for virtio_reap. Its descriptors stay taken, so that its entry is not reused, but it
 * is not in flight any more: the device must not use it again. */
static void put_aside(struct virtio_queue *queue, uint16_t head, uint32_t written)
{
    struct virtio_in_flight *entry = &queue->in_flight[head];

    entry->writable = written;
    entry->count = 0;
    if (queue->aside_count == 0)
        queue->aside_head = head;
    else
        queue->next[queue->in_flight[queue->aside_tail].last] = head;
    queue->aside_tail = head;
    queue->aside_count++;
}

static void take_aside(struct virtio_queue *queue, struct virtio_done *done)
{
    uint16_t head = queue->aside_head;
    uint16_t last = queue->in_flight[head].last;
    uint16_t count = 1;

    for (uint16_t at = head; at != last; at = queue->next[at])
        count++;
    queue->aside_head = queue->next[last];
    queue->aside_count--;
    done->written = queue->in_flight[head].writable;
    done->cookie = virtio_queue_release(queue, head, count);
}

int virtio_queue_take(struct virtio_queue *queue, struct virtio_done *done)
{
    uint16_t head;

    if (VIRTIO_UNLIKELY(queue->aside_count != 0)) {
        take_aside(queue, done);
        return 1;
    }
    for (;;) {
        int result = virtio_split_next_used(queue, &head, &done->written);

        if (result <= 0)
            return result;
        done->cookie = virtio_queue_release(queue, head, queue->in_flight[head].count);
        if (VIRTIO_LIKELY(done->cookie != virtio_queue_nobody(queue)))
            return 1;
    }
}

/* Take the completion of the chain headed by `wanted`, if it is there; put aside all others met. */
static int take_one(struct virtio_queue *queue, struct virtio_done *done, uint16_t wanted)
{
    uint16_t head;
    int result;

    while ((result = virtio_split_next_used(queue, &head, &done->written)) > 0) {
        uint16_t count = queue->in_flight[head].count;

        if (head == wanted) {
            done->cookie = virtio_queue_release(queue, head, count);
            return 1;
        }
        if (queue->in_flight[head].cookie == virtio_queue_nobody(queue))
            (void)virtio_queue_release(queue, head, count);
        else
            put_aside(queue, head, done->written);
    }
    return result;
}

/* One turn of a wait: look at the status register now and then, and at the clock.
 * @return 0 to go on, or why the wait is over; what the status says is latched. */
static int wait_turn(struct virtio_queue *queue, struct virtio_deadline *deadline,
                     uint32_t *next_check)
{
    bool over = virtio_deadline_passed(deadline, queue->device->host);
    int error;

    if (!over && deadline->elapsed_us < *next_check)
        return VIRTIO_OK;
    *next_check = deadline->elapsed_us + STATUS_INTERVAL_US;
    error = virtio_device_check(queue->device);
    if (error != VIRTIO_OK)
        return virtio_queue_latch(queue, error);
    return over ? VIRTIO_E_TIMEOUT : VIRTIO_OK;
}

/* Poll until `poll` gives something else than 0. */
static int wait(struct virtio_queue *queue, uint32_t timeout_us,
                int (*poll)(struct virtio_queue *queue, struct virtio_done *done, uint16_t head),
                struct virtio_done *done, uint16_t head)
{
    const struct virtio_host *host = queue->device->host;
    uint32_t next_check = STATUS_INTERVAL_US;
    struct virtio_deadline deadline;

    virtio_deadline_begin(&deadline, host, timeout_us);
    for (;;) {
        int result;

        for (unsigned polls = 0; polls < POLLS_PER_TURN; polls++) {
            result = poll(queue, done, head);
            if (result != 0)
                return result;
            virtio_relax(host);
        }
        result = wait_turn(queue, &deadline, &next_check);
        /* What completed while the clock ran out counts: look once more. */
        if (result == VIRTIO_E_TIMEOUT) {
            int last = poll(queue, done, head);

            return last != 0 ? last : result;
        }
        if (result != VIRTIO_OK)
            return result;
    }
}

static int poll_any(struct virtio_queue *queue, struct virtio_done *done, uint16_t head)
{
    (void)head;
    return virtio_queue_take(queue, done);
}

int virtio_wait(struct virtio_queue *queue, struct virtio_done *done, uint32_t timeout_us)
{
    int result = virtio_queue_enter(queue);

    if (result != VIRTIO_OK)
        return result;
    if (timeout_us == 0)
        result = VIRTIO_E_INVALID;
    else if (queue->state != VIRTIO_QUEUE_LIVE || queue->device->state != VIRTIO_DEVICE_READY ||
             virtio_queue_is_idle(queue))
        result = VIRTIO_E_STATE;
    else
        result = wait(queue, timeout_us, poll_any, done, 0);
    virtio_queue_leave(queue);
    return result;
}

int virtio_flush(struct virtio_queue *queue, struct virtio_chain *chain, uint32_t *written)
{
    struct virtio_done done = {NULL, 0};
    uint16_t head = queue->free_head;
    int result;

    if (written != NULL)
        *written = 0;
    if (queue->state == VIRTIO_QUEUE_LIVE && queue->device->state == VIRTIO_DEVICE_BEGUN)
        return VIRTIO_E_STATE;
    /* The cookie marks a chain whose completion nobody asks for, should the wait time out. */
    result = virtio_submit(queue, chain, virtio_queue_nobody(queue));
    if (result == VIRTIO_OK)
        result = virtio_kick(queue);
    if (result == VIRTIO_OK)
        result = virtio_queue_enter(queue);
    if (result != VIRTIO_OK)
        return result;
    result = wait(queue, queue->device->timeout_us, take_one, &done, head);
    virtio_queue_leave(queue);
    if (result < 0)
        return result;
    if (written != NULL)
        *written = done.written;
    return VIRTIO_OK;
}

/* The first chain that is still in flight, by descriptor. */
static bool take_back(struct virtio_queue *queue, struct virtio_done *done)
{
    for (; queue->drain_next < queue->size; queue->drain_next++) {
        struct virtio_in_flight *entry = &queue->in_flight[queue->drain_next];

        if (entry->count == 0)
            continue;
        entry->count = 0;
        if (entry->cookie == virtio_queue_nobody(queue))
            continue;
        done->cookie = entry->cookie;
        done->written = 0;
        return true;
    }
    return false;
}

int virtio_drain(struct virtio_queue *queue, struct virtio_done *done)
{
    if (queue->state == VIRTIO_QUEUE_NONE)
        return 0;
    if (device_may_access(queue))
        return VIRTIO_E_BUSY;
    /* The used ring of a queue that was not broken when the device stopped still counts. */
    if (queue->aside_count != 0 || queue->error == VIRTIO_E_RESET) {
        int result = virtio_queue_take(queue, done);

        if (result > 0)
            return result;
    }
    return take_back(queue, done) ? 1 : 0;
}
