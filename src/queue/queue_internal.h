/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a queue and the device core share: closing a queue while a call is inside, latching an
 * error, and what each ring format offers.
 *
 * The gate. `room` is the number of free descriptors plus one while calls may enter, and 0 while one is
 * inside or the queue is closed for good; so the comparison that a submit needs anyway is the check for
 * re-entry and for latched errors too. A short call keeps the room in a register and puts it back; a
 * call that runs hooks in between (waiting) leaves it in `inside`.
 */
#ifndef VIRTIO_QUEUE_INTERNAL_H
#define VIRTIO_QUEUE_INTERNAL_H

#include <virtio/queue.h>
#include "split.h"

#define VIRTIO_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define VIRTIO_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/** Why reaping does not go straight to the split ring: bits of virtio_queue.detour. */
#define VIRTIO_DETOUR_ASIDE     1u /* completions were put aside */
#define VIRTIO_DETOUR_ABANDONED 2u /* a chain in flight has virtio_nobody as its cookie */

/** The cookie of a flush, and of chains whose completion is nobody's business because it timed out. No
 * caller can name it. */
extern const char virtio_nobody;

/** Why the queue is closed: what was latched, or that a call is inside, or that it is no queue at all. */
int virtio_queue_refusal(const struct virtio_queue *queue);

/* The compiler must not move what a call does out of the time when the queue is closed: an interrupt handler
 * that comes in between has to see it. No instruction. */
static inline void virtio_compiler_barrier(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/** Close the queue while a call without hooks is inside. */
static inline void virtio_queue_close(struct virtio_queue *queue)
{
    __atomic_store_n(&queue->room, 0, __ATOMIC_RELAXED);
    virtio_compiler_barrier();
}

/** End of what virtio_queue_close began, with `room` free descriptors + 1. */
static inline void virtio_queue_open(struct virtio_queue *queue, uint32_t room)
{
    virtio_compiler_barrier();
    __atomic_store_n(&queue->room, room, __ATOMIC_RELAXED);
}

/** Close the queue while a call with hooks is inside, or say why that can't be. */
static inline int virtio_queue_enter(struct virtio_queue *queue)
{
    if (queue->room == 0)
        return virtio_queue_refusal(queue);
    queue->inside = queue->room;
    virtio_queue_close(queue);
    return VIRTIO_OK;
}

/** End of what virtio_queue_enter began; a queue with an error latched stays closed. */
static inline void virtio_queue_leave(struct virtio_queue *queue)
{
    if (queue->error == VIRTIO_OK)
        virtio_queue_open(queue, queue->inside);
}

/** Nothing that the device was shown is outstanding, and nothing was put aside. */
static inline bool virtio_queue_is_idle(const struct virtio_queue *queue)
{
    return queue->published_index == queue->used_index && queue->aside_count == 0;
}

/** May the device still access the queue's memory? */
static inline bool virtio_queue_is_shared(const struct virtio_queue *queue)
{
    return queue->state == VIRTIO_QUEUE_LIVE && queue->device->state != VIRTIO_DEVICE_STOPPED &&
           queue->device->state != VIRTIO_DEVICE_FOUND;
}

/** From now on every call for this queue gives `error`, which is returned. For callers inside. */
int virtio_queue_latch(struct virtio_queue *queue, int error);

/** The device lied: log what it said and latch VIRTIO_E_BROKEN, which is returned. For callers inside. */
int virtio_queue_broken(struct virtio_queue *queue, const char *what, uint32_t value);

/** The device was stopped: nothing more can be submitted, everything can be drained. */
void virtio_queue_stopped(struct virtio_queue *queue);

/** Take the oldest of the completions that were put aside; there is one. */
void virtio_queue_take_aside(struct virtio_queue *queue, struct virtio_done *done);

/** As virtio_reap, of an open queue with detours. */
int virtio_queue_detour(struct virtio_queue *queue, struct virtio_done *done);

/** Is this the completion of an abandoned chain? If so it is forgotten now. */
bool virtio_queue_forget(struct virtio_queue *queue, const struct virtio_done *done);

/** Is this the entry of a chain that the device has? With 2^32 - 1 writable bytes there is no limit. */
static inline bool virtio_is_in_flight(const struct virtio_in_flight *entry)
{
    return entry->limit != 0 || entry->chain != 0;
}

/* What virtio_in_flight.chain holds. A single descriptor, with 0, need not be written at all: that is what
 * the entry of a free descriptor has. */
static inline uint32_t virtio_chain_of(uint32_t head, uint32_t last, uint32_t count)
{
    return count << 16 | (head ^ last);
}

static inline uint32_t virtio_chain_last(uint32_t chain, uint32_t head)
{
    return (chain & 0xffff) ^ head;
}

static inline uint32_t virtio_chain_count(uint32_t chain)
{
    return chain != 0 ? chain >> 16 : 1;
}

/* The split ring (split.c). */

/** Point the queue's members into its zeroed memory and make every descriptor free. */
void virtio_split_begin(struct virtio_queue *queue, const struct virtio_split_layout *layout);

/** As virtio_reap, of an open queue whatever its detours. */
int virtio_split_reap(struct virtio_queue *queue, struct virtio_done *done);

#endif
