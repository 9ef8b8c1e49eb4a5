/* SPDX-License-Identifier: MIT */
/*
 * Waiting for completions, with a bound: of any chain, or of one that a flush submitted. While a wait lasts
 * the queue is closed to other calls, for it runs the host's hooks; it is opened for each look at the
 * ring. It must not touch a register but the device status, and that rarely.
 */
#include "queue_internal.h"
#include "../core/time.h"

/* So often the ring is looked at before the clock is: what completes within it costs no time-keeping. */
#define FIRST_POLLS 64u

/* How often a wait looks at the device status register, the only register that it touches. */
#define STATUS_INTERVAL_US 40000u

/* The cookie of the chain that a flush waits for: of one at a time, and no caller can name it. */
static const char awaited;

/* One look at the ring, from inside. @return as virtio_reap. */
static int poll(struct virtio_queue *queue, struct virtio_done *done)
{
    int result;

    queue->room = queue->inside;
    result = virtio_reap(queue, done);
    queue->inside = queue->room;
    queue->room = 0;
    return result;
}

/* Look for the completion of the flush that waits; put aside all others met. */
static int poll_flush(struct virtio_queue *queue, struct virtio_done *done)
{
    int result;

    /* The room that a chain put aside took stays taken, so that no more can be put aside than there is
     * place for. Each was one of at most `size`, unless one that is kept ready comes again and again. */
    while (queue->aside_count < queue->size) {
        uint32_t room = queue->inside;

        queue->room = room;
        result = virtio_queue_take(queue, done);
        queue->inside = queue->room;
        queue->room = 0;
        if (result <= 0)
            return result;
        if (done->cookie == &awaited)
            return 1;
        if (virtio_queue_forget(queue, done))
            continue;
        virtio_queue_put_aside(queue, done->cookie, done->written, queue->inside - room);
        queue->inside = room;
    }
    return 0;
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

/* Poll until `poll_once` gives something else than 0. */
static int wait(struct virtio_queue *queue, uint32_t timeout_us,
                int (*poll_once)(struct virtio_queue *queue, struct virtio_done *done),
                struct virtio_done *done)
{
    const struct virtio_host *host = queue->device->host;
    uint32_t next_check = STATUS_INTERVAL_US;
    struct virtio_deadline deadline;
    int result;

    for (unsigned polls = 0; polls < FIRST_POLLS; polls++) {
        result = poll_once(queue, done);
        if (result != 0)
            return result;
        virtio_relax(host);
    }
    virtio_deadline_begin(&deadline, host, timeout_us);
    for (;;) {
        int turn = wait_turn(queue, &deadline, &next_check);

        if (turn != VIRTIO_OK && turn != VIRTIO_E_TIMEOUT)
            return turn;
        /* What completed while the clock ran out counts. */
        result = poll_once(queue, done);
        if (result != 0)
            return result;
        if (turn != VIRTIO_OK)
            return turn;
    }
}

int virtio_wait(struct virtio_queue *queue, struct virtio_done *done, uint32_t timeout_us)
{
    int result = virtio_queue_enter(queue);

    if (result != VIRTIO_OK)
        return result;
    if (timeout_us == 0)
        result = VIRTIO_E_INVALID;
    else if (queue->device->state != VIRTIO_DEVICE_READY || virtio_queue_is_idle(queue))
        result = VIRTIO_E_STATE;
    else
        result = wait(queue, timeout_us, poll, done);
    virtio_queue_leave(queue);
    return result;
}

/* The chain at `head` stays the device's, but nobody waits for it any more. */
static void abandon(struct virtio_queue *queue, uint32_t head)
{
    queue->cookies[head] = (void *)(uintptr_t)&virtio_nobody;
    queue->abandoned++;
    queue->detour |= VIRTIO_DETOUR_ABANDONED;
}

/* Wait for the completion of the chain that was just submitted. */
static int wait_for(struct virtio_queue *queue, struct virtio_done *done)
{
    int result = virtio_kick(queue);

    if (result == VIRTIO_OK)
        result = virtio_queue_enter(queue);
    if (result != VIRTIO_OK)
        return result;
    result = wait(queue, queue->device->timeout_us, poll_flush, done);
    virtio_queue_leave(queue);
    return result;
}

int virtio_flush(struct virtio_queue *queue, struct virtio_chain *chain, uint32_t *written)
{
    struct virtio_done done = {NULL, 0};
    uint32_t head = queue->free_head;
    int result;

    if (written != NULL)
        *written = 0;
    if (queue->room != 0 && queue->device->state != VIRTIO_DEVICE_READY)
        return VIRTIO_E_STATE;
    result = virtio_submit(queue, chain, (void *)(uintptr_t)&awaited);
    if (result != VIRTIO_OK)
        return result;
    result = wait_for(queue, &done);
    if (result < 0) {
        abandon(queue, head);
        return result;
    }
    if (written != NULL)
        *written = done.written;
    return VIRTIO_OK;
}
