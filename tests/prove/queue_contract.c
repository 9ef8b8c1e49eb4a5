/* SPDX-License-Identifier: MIT */
/*
 * Implementation of queues by their contract.
 */
#include <virtio/queue.h>
#include "queue_contract.h"
#include "../../src/queue/queue_internal.h"

/* What was submitted to each queue: joined over all calls, so that any of it may come back. */
static struct {
    void *cookie;
    uint32_t room; /* of the largest chain */
    bool any;
} submitted[PROVE_QUEUES];

void prove_find(struct virtio_device *found, uint32_t type)
{
    found->host = &prove_host;
    found->type = type;
    found->state = VIRTIO_DEVICE_FOUND;
    found->timeout_us = prove_any();
    found->legacy = prove_below(2);
    found->ops = ((const struct virtio_transport_ops *[]){&prove_modern_ops,
                                                          &prove_legacy_ops})[found->legacy];
}

void prove_in_flight(uint16_t index, void *cookie, uint32_t room)
{
    submitted[index].cookie = cookie;
    submitted[index].room = room;
    submitted[index].any = true;
}

enum virtio_device_state prove_started_state(void)
{
    return (enum virtio_device_state[]){VIRTIO_DEVICE_READY, VIRTIO_DEVICE_STOPPED,
                                        VIRTIO_DEVICE_LOST}[prove_below(3)];
}

static unsigned number_of(const struct virtio_queue *queue)
{
    return queue->index < PROVE_QUEUES ? queue->index : PROVE_QUEUES - 1;
}

/* Of a choice of their own, so that Eva keeps apart what it can only tell by them (-eva-split-return full). */
static int any_error_of(unsigned count)
{
    return -1 - (int)prove_below(count);
}

static int any_error(void)
{
    return any_error_of(99);
}

/* ---- Set-up ---- */

int virtio_queue_start(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
                       uint16_t size_limit)
{
    unsigned number = index < PROVE_QUEUES ? index : PROVE_QUEUES;
    bool is_laid_out = prove_maybe();

    /*@ assert a_size: 1 <= size_limit <= 32768; */
    /*@ assert begun: device->state == VIRTIO_DEVICE_BEGUN; */
    //@ split is_laid_out;
    if (!is_laid_out)
        return any_error_of(100 + 2 * number);
    queue->device = device;
    queue->index = index;
    queue->size = PROVE_QUEUE_SIZE;
    if (index < PROVE_LISTED) {
        queue->next_queue = device->queues;
        device->queues = queue;
    }
    /* or laid out, and not shown to the device */
    return prove_maybe() ? VIRTIO_OK : any_error_of(101 + 2 * number);
}

/* The drivers end their queues only when the device was stopped. */
int virtio_ring_uninit(struct virtio_queue *queue)
{
    if (queue->device == NULL)
        return VIRTIO_OK;
    if (queue->device->state != VIRTIO_DEVICE_STOPPED)
        return VIRTIO_E_BUSY;
    if (queue->prepared != NULL)
        queue->prepared->link = NULL; /* it is there still */
    queue->prepared = NULL;
    for (struct virtio_queue **link = &queue->device->queues; *link != NULL;
         link = &(*link)->next_queue) {
        if (*link == queue) {
            *link = queue->next_queue;
            break;
        }
    }
    queue->device = NULL;
    return VIRTIO_OK;
}

void virtio_queue_ready(struct virtio_queue *queue)
{
    (void)queue;
}

void virtio_queue_stopped(struct virtio_queue *queue)
{
    (void)queue;
}

int virtio_queue_rebuild(struct virtio_queue *queue)
{
    (void)queue;
    return prove_maybe() ? VIRTIO_OK : any_error();
}

/* ---- Submitting ---- */

static int submit(const struct virtio_queue *queue, uint32_t room, void *cookie)
{
    unsigned number = number_of(queue);

    if (prove_maybe())
        return any_error();
    /* A choice by index: not a path for each, of which one never sees the other come back. */
    submitted[number].cookie = ((void *[]){
        submitted[number].any ? submitted[number].cookie : cookie, cookie})[prove_below(2)];
    if (room > submitted[number].room)
        submitted[number].room = room;
    submitted[number].any = true;
    return VIRTIO_OK;
}

void virtio_prepare(struct virtio_queue *queue, struct virtio_chain *chain)
{
    (void)queue;
    *chain = (struct virtio_chain){.error = VIRTIO_OK};
}

int virtio_append_desc(struct virtio_queue *queue, uint64_t device_address, uint32_t length,
                       uint16_t flags, struct virtio_chain *chain)
{
    (void)queue;
    (void)device_address;
    if (length == 0 || prove_maybe()) {
        chain->error = any_error();
        return chain->error;
    }
    if (flags != 0 && __builtin_add_overflow(chain->bytes, length, &chain->bytes)) {
        chain->error = VIRTIO_E_TOO_LONG;
        return chain->error;
    }
    return VIRTIO_OK;
}

int virtio_submit(struct virtio_queue *queue, struct virtio_chain *chain, void *cookie)
{
    return chain->error != VIRTIO_OK ? chain->error : submit(queue, chain->bytes, cookie);
}

int virtio_submit_buffers(struct virtio_queue *queue, const struct virtio_buffer *buffers,
                          uint16_t readable, uint16_t writable, void *cookie)
{
    uint32_t room = 0;

    if (readable + writable == 0)
        return VIRTIO_E_INVALID;
    for (unsigned i = 0; i < (unsigned)readable + writable; i++) {
        if (buffers[i].length == 0)
            return VIRTIO_E_ZERO_LENGTH;
        if (i >= readable && __builtin_add_overflow(room, buffers[i].length, &room))
            return VIRTIO_E_TOO_LONG;
    }
    return submit(queue, room, cookie);
}

/* ---- Prepared requests: what they hold is read at each submit, and so must be there ---- */

int virtio_prepared_begin(struct virtio_queue *queue, struct virtio_prepared *prepared,
                          struct virtio_buffer *buffers, uint16_t readable, uint16_t writable)
{
    if (readable + writable == 0 || prove_maybe())
        return any_error();
    for (unsigned i = 0; i < (unsigned)readable + writable; i++) {
        if (buffers[i].length == 0)
            return VIRTIO_E_ZERO_LENGTH;
    }
    *prepared = (struct virtio_prepared){.buffers = buffers};
    queue->prepared = prepared;
    return VIRTIO_OK;
}

int virtio_prepared_point(struct virtio_queue *queue, struct virtio_prepared *prepared,
                          uint16_t which, uint64_t device_address, uint32_t length)
{
    (void)queue;
    if (length == 0 || prove_maybe())
        return any_error();
    prepared->buffers[which] = (struct virtio_buffer){device_address, length};
    return VIRTIO_OK;
}

int virtio_submit_prepared(struct virtio_queue *queue, struct virtio_prepared *prepared,
                           void *cookie)
{
    return prepared->buffers[0].length != 0 ? submit(queue, UINT32_MAX, cookie) : any_error();
}

int virtio_prepared_end(struct virtio_queue *queue, struct virtio_prepared *prepared)
{
    (void)queue;
    if (prove_maybe())
        return any_error();
    prepared->buffers = NULL;
    return VIRTIO_OK;
}

int virtio_kick(struct virtio_queue *queue)
{
    (void)queue;
    return prove_maybe() ? VIRTIO_OK : any_error();
}

/* ---- Completions ---- */

/* There is one: what the device wrote for it, it has written. */
static int complete(const struct virtio_queue *queue, struct virtio_done *done)
{
    unsigned number = number_of(queue);

    if (!submitted[number].any)
        return 0;
    prove_device_writes();
    done->cookie = submitted[number].cookie;
    done->written = (uint32_t)Frama_C_unsigned_int_interval(0, submitted[number].room);
    return 1;
}

int virtio_reap(struct virtio_queue *queue, struct virtio_done *done)
{
    int result = -(int)prove_below(100);

    return result == 0 && prove_maybe() ? complete(queue, done) : result;
}

int virtio_wait(struct virtio_queue *queue, struct virtio_done *done, uint32_t timeout_us)
{
    int result = timeout_us != 0 ? complete(queue, done) : VIRTIO_E_INVALID;

    return result > 0 && prove_maybe() ? result : any_error();
}

int virtio_flush(struct virtio_queue *queue, struct virtio_chain *chain, uint32_t *written)
{
    uint32_t bytes = prove_any();

    (void)queue;
    prove_device_writes();
    if (written != NULL)
        *written = 0;
    if (chain->error != VIRTIO_OK)
        return chain->error;
    if (bytes > chain->bytes)
        return any_error();
    if (written != NULL)
        *written = bytes;
    return VIRTIO_OK;
}

int virtio_drain(struct virtio_queue *queue, struct virtio_done *done)
{
    int result = queue->device != NULL && prove_maybe() ? complete(queue, done) : 0;

    return result < 0 ? VIRTIO_E_BUSY : result;
}
