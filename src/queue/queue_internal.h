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

#include <virtio/inline.h>
#include "split.h"

#define VIRTIO_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define VIRTIO_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/** Rare: kept out of line, so that the frequent callers need save no registers for it. */
#define VIRTIO_COLD __attribute__((noinline, cold))

/** Code that is built for size takes completions one by one and carefully; else there is a fast way as well. */
#ifdef __OPTIMIZE_SIZE__
#define VIRTIO_HAS_FAST_WAY 0
#else
#define VIRTIO_HAS_FAST_WAY 1
#endif

/** Let the compiler know nothing of what the variable is worth: it shall not compute it in two ways at once. No
 * instruction. */
#define VIRTIO_OPAQUE(variable) __asm__("" : "+r"(variable))

/** Why reaping does not go straight to the ring: bits of virtio_queue.detour. */
#define VIRTIO_DETOUR_ASIDE     1u /* completions were put aside */
#define VIRTIO_DETOUR_ABANDONED 2u /* a chain in flight has virtio_nobody as its cookie */
#define VIRTIO_DETOUR_IN_ORDER  4u

/** Why kicking is more than showing and notifying: bits of virtio_queue.kick_detour. */
#define VIRTIO_KICK_NOT_READY 1u /* DRIVER_OK was not set yet */
#define VIRTIO_KICK_DATA      2u /* VIRTIO_F_NOTIFICATION_DATA */

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

/** Nothing that was kicked is outstanding, and nothing was put aside. What was not kicked may be used as well,
 * in a packed ring. */
static inline bool virtio_queue_is_idle(const struct virtio_queue *queue)
{
    return (int32_t)(queue->published_index - queue->used_index) <= 0 && queue->aside_count == 0;
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

/** The device is ready: notifications may be sent. */
void virtio_queue_ready(struct virtio_queue *queue);

/** The device was stopped: nothing more can be submitted, everything can be drained. */
void virtio_queue_stopped(struct virtio_queue *queue);

/** The device forgot the queue: put aside what it had, lay it out anew and make the device know it. Calls
 * stay refused until all that was put aside is drained. */
int virtio_queue_rebuild(struct virtio_queue *queue);

/** Put aside all completions that are there and the cookies of all that is in flight (drain.c). */
void virtio_queue_collect(struct virtio_queue *queue);

/** Keep a completion for later; `room` descriptors are free once it is taken. */
void virtio_queue_put_aside(struct virtio_queue *queue, void *cookie, uint32_t written,
                            uint32_t room);

/** The ring was laid out anew: what prepared requests had kept in it is gone. */
void virtio_prepared_lost(struct virtio_queue *queue);

/** Take the oldest of the completions that were put aside; there is one. */
void virtio_queue_take_aside(struct virtio_queue *queue, struct virtio_done *done);

/** As virtio_reap, of an open queue with detours. */
int virtio_queue_detour(struct virtio_queue *queue, struct virtio_done *done);

/** As virtio_reap_many, one by one. */
int virtio_queue_detour_many(struct virtio_queue *queue, struct virtio_done *done, uint32_t most);

/** Is this the completion of an abandoned chain? If so it is forgotten now. */
bool virtio_queue_forget(struct virtio_queue *queue, const struct virtio_done *done);

/** Is this the entry of a chain that the device has? */
static inline bool virtio_is_in_flight(const struct virtio_in_flight *entry)
{
    return entry->limit != 0 || (entry->chain != 0 && (entry->chain & VIRTIO_CHAIN_KEPT) == 0);
}

/* What virtio_in_flight.chain holds; 0, which is what the entry of a free descriptor has, for one descriptor. */
static inline uint32_t virtio_chain_of(uint32_t head, uint32_t last, uint32_t count)
{
    return (count - 1) << 16 | (head ^ last);
}

/** How many descriptors of the ring a chain takes, while it is in flight. */
static inline uint32_t virtio_chain_count(uint32_t chain)
{
    return (chain >> 16 & 0x7fff) + 1;
}

typedef uint64_t __attribute__((may_alias, aligned(4))) virtio_in_flight_word;

/** Both members of an entry in one load: the limit below, the chain, with its sign, above. */
static inline int64_t virtio_in_flight_both(const struct virtio_in_flight *entry)
{
    uint64_t both = *(const virtio_in_flight_word *)(const void *)entry;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    both = both << 32 | both >> 32;
#endif
    return (int64_t)both;
}

/** Chains (packed: descriptors) that were submitted, free-running. */
static inline uint32_t virtio_queue_submitted(const struct virtio_queue *queue)
{
    return queue->packed ? virtio_inline_packed_index(queue) : queue->available_index;
}

/** Buffers on their way into a ring. */
struct virtio_request {
    const struct virtio_buffer *buffers;
    uint32_t readable;
    uint32_t count;
    uint32_t flags; /* of each descriptor: VIRTQ_DESC_F_INDIRECT or 0 */
};

/** Check the buffers of a request. @param limit out: writable bytes + 1, modulo 2^32. */
int virtio_request_check(const struct virtio_buffer *buffers, uint32_t readable, uint32_t writable,
                         uint32_t *limit);

/** Shall a chain of so many buffers go out as a table, with so much room in the ring? */
bool virtio_wants_table(const struct virtio_queue *queue, uint32_t count, uint32_t room);

/** Write the buffers into the table of descriptor (packed: id) `head`. @return what points to it. */
struct virtio_buffer virtio_fill_table(struct virtio_queue *queue, uint32_t head,
                                       const struct virtio_buffer *buffers, uint32_t readable,
                                       uint32_t count);

/** Write one buffer into the table of `head` anew. */
void virtio_point_table(struct virtio_queue *queue, uint32_t head, uint32_t which,
                        const struct virtio_buffer *buffer);

/** The device said something that does not fit what is in flight: a lie, which latches the queue, or a rare
 * truth. @param ignore  the device says that the length is none.
 * @return 1: `length` is what to believe; or the latched error. */
int virtio_queue_judge(struct virtio_queue *queue, uint32_t id, uint32_t *length, bool ignore);

/** As virtio_reap, of an open queue, straight from the ring. */
int virtio_queue_take(struct virtio_queue *queue, struct virtio_done *done);

/** As virtio_queue_take where VIRTIO_F_IN_ORDER was taken (in_order.c). */
int virtio_in_order_reap(struct virtio_queue *queue, struct virtio_done *done);

/** How many completions from now the device shall interrupt. */
static inline uint32_t virtio_event_distance(uint32_t outstanding, int when)
{
    if (when == VIRTIO_WHEN_SOON || outstanding == 0)
        return 0;
    return when == VIRTIO_WHEN_LATER ? outstanding * 3 / 4 : outstanding - 1;
}

/* The ring formats: split.c, packed.c.
 *
 *   begin       point the queue's members into its zeroed memory; the free list is made
 *   write, put  fill in a chain, each field once
 *   publish     show the device what was submitted; does it want to be notified?
 *   look        the next completion, checked: 1, 0 or the latched error
 *   reap        take it, of an open queue
 *   interrupts  ask for them (enum virtio_when), or for none (-1)
 *   pending     is there any completion?
 */

void virtio_split_begin(struct virtio_queue *queue, const struct virtio_split_layout *layout);
uint32_t virtio_split_write(struct virtio_queue *queue, uint32_t head,
                            const struct virtio_request *request);
void virtio_split_enqueue(struct virtio_queue *queue, uint32_t head);
int virtio_split_look(struct virtio_queue *queue, uint32_t *id, uint32_t *length);
int virtio_split_reap(struct virtio_queue *queue, struct virtio_done *done);
void virtio_split_interrupts(struct virtio_queue *queue, int when);
bool virtio_split_pending(const struct virtio_queue *queue);

void virtio_packed_begin(struct virtio_queue *queue, const struct virtio_split_layout *layout);
void virtio_packed_put(struct virtio_queue *queue, uint32_t id,
                       const struct virtio_request *request);
bool virtio_packed_publish(struct virtio_queue *queue, uint32_t now);
int virtio_packed_look(struct virtio_queue *queue, uint32_t *id, uint32_t *length);
void virtio_packed_advance(struct virtio_queue *queue, uint32_t count);
int virtio_packed_reap(struct virtio_queue *queue, struct virtio_done *done);
int virtio_packed_reap_many(struct virtio_queue *queue, struct virtio_done *done, uint32_t most);
void virtio_packed_interrupts(struct virtio_queue *queue, int when);
bool virtio_packed_pending(const struct virtio_queue *queue);

#endif
