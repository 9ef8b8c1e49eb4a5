/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues: building descriptor chains, handing them to the device, taking completions back
 * (spec 2.6, 2.7, 2.8).
 *
 * Set-up, between virtio_device_begin and virtio_device_ready:
 *
 *     virtio_queue_start(&queue, &device, 0, 256);         ring_init, then ring_map
 *
 * One request, waited for:
 *
 *     virtio_prepare(&queue, &chain);
 *     virtio_append_desc(&queue, header, 16, 0, &chain);
 *     virtio_append_desc(&queue, data, 4096, VIRTQ_DESC_F_WRITE, &chain);
 *     virtio_append_desc(&queue, status, 1, VIRTQ_DESC_F_WRITE, &chain);
 *     error = virtio_flush(&queue, &chain, &written);
 *
 * Many in flight: virtio_submit in place of virtio_flush, once a chain, with a cookie; virtio_kick
 * once for all of them; virtio_reap until it returns 0. virtio_flush is just that for one chain. A
 * caller that has its buffers in an array hands them over in one call, virtio_submit_buffers, which
 * is what virtio_submit does with the buffers that were appended.
 *
 * What is safe to rely on:
 *   - A chain that is not submitted leaves no trace; just forget it. An append that fails makes the
 *     submit of that chain fail with the same error, so only the submit needs a check.
 *   - Everything the library needs to know is in private memory. What the device writes (used index,
 *     ids, lengths) is read once and checked; the first lie latches the queue: from then on every
 *     call returns the latched error until the device is stopped and the queue torn down.
 *   - Every cookie comes back exactly once: from virtio_reap, virtio_wait or virtio_drain.
 *   - A chain that timed out is still the device's: its buffers must stay untouched until it is reaped
 *     after all, or the device has been stopped.
 *   - No wait is without a bound (virtio_device.timeout_us).
 *
 * Threads: a queue is one context's at a time; different queues, of one device too, may be used side by
 * side. A call for a queue that is inside another call is refused with VIRTIO_E_REENTRY.
 */
#ifndef VIRTIO_QUEUE_H
#define VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <virtio/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Descriptor flags (spec 2.7.5); the library sets NEXT and INDIRECT itself. */
#define VIRTQ_DESC_F_NEXT     1u
#define VIRTQ_DESC_F_WRITE    2u
#define VIRTQ_DESC_F_INDIRECT 4u

/** The largest queue that the spec allows. */
#define VIRTIO_QUEUE_SIZE_MAX 32768u

/** One buffer of a request: where the device finds it, and how many bytes. */
struct virtio_buffer {
    uint64_t device_address;
    uint32_t length; /* at least 1 */
};

/** A descriptor chain under construction; the caller's, opaque, may be on the stack. One a queue at a
 * time: a prepare makes the chain that was under construction stale. */
struct virtio_chain {
    uint32_t serial;   /* of the prepare that began it */
    int error;         /* of the first append that failed */
    uint32_t bytes;    /* in all */
    uint16_t readable; /* buffers that the device reads */
    uint16_t writable; /* buffers that the device writes */
};

/** A completion. */
struct virtio_done {
    void *cookie;     /* as given to virtio_submit */
    uint32_t written; /* bytes that the device wrote, at most the chain's writable bytes */
};

/** How a queue is set up, where the defaults (all 0) do not do. */
struct virtio_queue_options {
    uint16_t size_limit; /* the largest size that makes sense, 1 to 32768; 0: 256 */

    /* Chains of up to so many buffers may go out as one descriptor that points to a table, when they are
     * long or the ring is short of descriptors. Costs 16 bytes of shared memory for each, times the size
     * of the queue, when the device has VIRTIO_F_INDIRECT_DESC; 0: no tables. */
    uint16_t table_length;
};

/** When the device shall interrupt: what virtio_enable_interrupts asks for. */
enum virtio_when {
    VIRTIO_WHEN_SOON = 0,  /* at the next completion */
    VIRTIO_WHEN_LATER = 1, /* when three quarters of what is in flight have completed */
    VIRTIO_WHEN_EMPTY = 2  /* when all that is in flight has completed */
};

/** A request whose descriptors stay in place (virtio_prepared_begin); the caller's memory, contents private. */
struct virtio_prepared {
    uint32_t limit;                    /* writable bytes + 1 */
    uint32_t head;                     /* the descriptor, or id, that it keeps */
    uint32_t generation;               /* of the queue, when it was written */
    struct virtio_in_flight *straight; /* its entry, or one that is never free */
    void **cookie;                     /* and its place for a cookie */
    struct virtio_prepared *next;      /* in virtio_queue.prepared */
    struct virtio_prepared **link;     /* what points to this one */
    uint16_t kept;  /* descriptors, or ids, that it keeps; 0: it is built anew each time */
    uint16_t flags; /* of its first descriptor; INDIRECT: it is in the table of `head` */
    struct virtio_buffer entry; /* packed: what its one descriptor says */
    uint64_t word;              /* packed: length, id and flags of it, but for the lap's */
    struct virtio_buffer *buffers;
    uint16_t readable;
    uint16_t writable;
};

struct virtq_desc;
struct virtq_avail;
struct virtq_used;
struct pvirtq_desc;
struct pvirtq_event_suppress;

/** In virtio_in_flight.chain: the descriptors stay taken when the chain comes back; and: it is in flight without
 * a limit, for 2^32 - 1 bytes are writable. Private. */
#define VIRTIO_CHAIN_KEPT      0x80000000u
#define VIRTIO_CHAIN_UNLIMITED 0x8000u

/** What the library knows of a chain in flight, by the descriptor that heads it; private. */
struct virtio_in_flight {
    uint32_t limit; /* writable bytes + 1; 0: not in flight */
    uint32_t chain; /* descriptors but one * 65536 + (the last XOR the first) + VIRTIO_CHAIN_... */
};

/** A completion that a flush of another chain met; private. */
struct virtio_aside {
    void *cookie;
    uint32_t written;
    uint32_t room; /* descriptors that are free once it is reaped */
};

/** Where a queue stands; private. */
enum virtio_queue_state {
    VIRTIO_QUEUE_NONE = 0,     /* no memory */
    VIRTIO_QUEUE_LAID_OUT = 1, /* virtio_ring_init was called */
    VIRTIO_QUEUE_LIVE = 2      /* virtio_ring_map was called: the device knows it */
};

/** A virtqueue; the caller's memory, at one place from virtio_ring_init to virtio_ring_uninit, contents
 * private. Indices are free-running; of those that the device sees it sees the lower 16 bits. */
struct virtio_queue {
    /* What each request touches. */
    uint32_t room; /* free descriptors + 1; 0: no call may enter */
    bool packed;
    uint8_t unused[3];
    uint32_t free_head;       /* free list */
    uint32_t available_index; /* chains submitted; packed: descriptors, at the latest kick */
    union {
        struct virtq_desc *descriptors; /* split */
        struct pvirtq_desc *slot;       /* packed: where the next descriptor goes */
    };
    struct virtio_in_flight *in_flight;
    void **cookies; /* of what is in flight */
    uint16_t *next; /* free list and chains: the descriptor (packed: id) after this one */
    union {
        struct virtq_avail *available;  /* split */
        struct pvirtq_desc *slots_last; /* packed */
    };
    union {
        struct virtq_used *used;       /* split */
        struct pvirtq_desc *used_slot; /* packed: what the device uses next */
    };
    uint32_t used_index; /* chains (packed: descriptors) taken back */
    uint32_t mask;       /* size - 1 */

    /* A packed ring's laps: the flags of a descriptor that is available in this one, where they are in the
     * word that ends with them; and those of a used one in the lap where the device is. */
    uint64_t available_word;
    uint32_t available_lap;
    uint32_t used_lap;
    uint32_t lap_index; /* descriptors submitted before this lap */
    struct pvirtq_desc *slots;
    struct pvirtq_event_suppress *driver_event;
    struct pvirtq_event_suppress *device_event;

    /* What each batch touches. */
    uint32_t used_seen;       /* the device's used index as last read and checked */
    uint32_t published_index; /* available_index of the latest kick */
    uint32_t detour;          /* not 0: reaping takes another way (VIRTIO_DETOUR_...) */
    uint32_t kick_detour;     /* not 0: so does kicking (VIRTIO_KICK_...) */
    int error;                /* why no call may enter: latched, or VIRTIO_OK: inside a call */
    uint32_t inside;          /* what `room` is while a slow call is inside, or was at a stop */
    uint16_t index;           /* number of the queue within the device */
    uint16_t size;            /* a power of two */
    bool ignores_length;      /* see virtio_queue_ignore_length */
    enum virtio_queue_state state;
    bool event_idx;
    bool in_order;
    bool order_platform;
    bool interrupts; /* enabled */
    struct virtio_device *device;
    uint16_t *used_event;        /* split, VIRTIO_F_EVENT_IDX: behind the available ring */
    const uint16_t *avail_event; /* and behind the used ring */
    struct virtio_doorbell doorbell;
    uint64_t kicks; /* notifications sent, for people */

    /* VIRTIO_F_IN_ORDER: what is known to have completed. */
    uint32_t oldest;        /* the chain that completes next */
    uint32_t batch_left;    /* chains of the batch that were not handed out */
    uint32_t batch_written; /* what the device wrote to the last one of them */

    /* VIRTIO_F_INDIRECT_DESC: a table for each descriptor (packed: id) of the queue. */
    uint32_t table_length;            /* descriptors in each; 0: none */
    uint32_t generation;              /* counts the times that the ring was laid out */
    struct virtio_prepared *prepared; /* those that are kept ready */
    struct virtio_shared tables;

    /* Completions that a flush put aside, oldest first: a ring of twice `size`. */
    struct virtio_aside *aside;
    uint32_t aside_first;
    uint32_t aside_count;
    bool recovered; /* closed until virtio_drain has handed out what was put aside at a recovery */
    uint32_t abandoned; /* chains in flight whose flush gave up */

    /* A chain under construction. */
    uint32_t serial; /* counts prepares */
    struct virtio_buffer *staged;

    uint32_t drain_next;                   /* first chain that virtio_drain has not looked at */
    struct virtio_queue *next_queue;       /* in virtio_device.queues */
    struct virtio_shared shared;           /* the ring */
    struct virtio_queue_addresses offsets; /* of the three parts within it */
};

/**
 * Allocate and lay out a queue.
 *
 * The size is the one that the device dictates (legacy PCI) or the largest power of two that neither
 * the device's maximum nor `size_limit` is exceeded by. The ring is zeroed, interrupts are off.
 *
 * @param queue       the caller's; all zero, or torn down.
 * @param device      begun, not yet ready.
 * @param index       which of the device's queues.
 * @param size_limit  the largest size that makes sense to the driver, 1 to 32768; ignored where the
 *                    device dictates.
 * @return VIRTIO_OK, VIRTIO_E_INVALID, VIRTIO_E_STATE, VIRTIO_E_NO_QUEUE, VIRTIO_E_QUEUE_SIZE,
 *         VIRTIO_E_NO_MEMORY, VIRTIO_E_BUSY when `queue` or the device's queue is in use already. On error
 *         nothing stays allocated.
 *
 * Context: the device's. Spec 2.7.2, 4.1.5.1.3, 4.2.3.2, 2.7.2.1 (legacy layout).
 */
int virtio_ring_init(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
                     uint16_t size_limit);

/**
 * virtio_ring_init with more to choose.
 *
 * @param options  NULL: the defaults. Read during the call only.
 * @return as virtio_ring_init.
 *
 * Context: the device's.
 */
int virtio_ring_init_with(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
                          const struct virtio_queue_options *options);

/**
 * Make a laid-out queue visible to the device: write its size and addresses, enable it, and compute
 * its doorbell.
 *
 * @param base_shift  out, may be NULL: device address minus CPU address of the ring, modulo 2^64.
 * @return VIRTIO_OK, VIRTIO_E_STATE, VIRTIO_E_INVALID (an address that the transport can't express),
 *         VIRTIO_E_CAPABILITY (the doorbell is out of bounds). On error the device has to be reset
 *         before the queue is torn down.
 *
 * Context: the device's, between begin and ready.
 */
int virtio_ring_map(struct virtio_queue *queue, uint64_t *base_shift);

/**
 * virtio_ring_init and virtio_ring_map in one.
 *
 * @return as the two.
 *
 * Context: the device's, between begin and ready.
 */
int virtio_queue_start(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
                       uint16_t size_limit);

/**
 * virtio_ring_init_with and virtio_ring_map in one.
 *
 * @return as the two.
 *
 * Context: the device's, between begin and ready.
 */
int virtio_queue_start_with(struct virtio_queue *queue, struct virtio_device *device,
                            uint16_t index, const struct virtio_queue_options *options);

/**
 * Tear a queue down: give its memory back and forget it. A queue with no memory is left alone. Cookies
 * that were not reaped or drained are forgotten; drain first if they matter.
 *
 * @return VIRTIO_OK, or VIRTIO_E_BUSY while the device may still access the ring: it was not stopped.
 *
 * Context: the device's.
 */
int virtio_ring_uninit(struct virtio_queue *queue);

/**
 * Begin a chain. Costs nothing and can't fail: what is wrong with the queue is said by the submit.
 *
 * @param queue  laid out.
 * @param chain  out.
 *
 * Context: the queue's. Seed operation VirtioPrepare; interrupts stay off.
 */
void virtio_prepare(struct virtio_queue *queue, struct virtio_chain *chain);

/**
 * Append one buffer to a chain.
 *
 * @param queue           the chain's.
 * @param device_address  where the device finds the buffer.
 * @param length          bytes, at least 1.
 * @param flags           0 (the device reads) or VIRTQ_DESC_F_WRITE (the device writes).
 * @param chain           a prepared chain; unchanged in its content on error, but its submit will
 *                        fail with the same error.
 * @return VIRTIO_OK; VIRTIO_E_ZERO_LENGTH; VIRTIO_E_ORDER (a readable buffer after a writable one);
 *         VIRTIO_E_FULL (not enough free descriptors now); VIRTIO_E_TOO_LONG (more descriptors than the
 *         queue has, or more than 2^32 - 1 bytes); VIRTIO_E_STALE (another chain was prepared since);
 *         VIRTIO_E_INVALID (other flags).
 *
 * Context: the queue's. Spec 2.7.4.2, 2.7.5.
 */
int virtio_append_desc(struct virtio_queue *queue, uint64_t device_address, uint32_t length,
                       uint16_t flags, struct virtio_chain *chain);

/**
 * Hand a chain to the queue. From now on it is the device's, which is told at the next virtio_kick. In a packed
 * ring a device that looks by itself may begin at once.
 *
 * @param queue   live.
 * @param chain   with at least one buffer; finished afterwards.
 * @param cookie  comes back with the completion; any value.
 * @return VIRTIO_OK; the error of a failed append; VIRTIO_E_INVALID for an empty chain; VIRTIO_E_STALE;
 *         VIRTIO_E_STATE when the queue is not live; VIRTIO_E_RESET after virtio_device_stop;
 *         VIRTIO_E_REENTRY; the queue's latched error. On error nothing was submitted.
 *
 * Context: the queue's. Spec 2.7.13.
 */
int virtio_submit(struct virtio_queue *queue, struct virtio_chain *chain, void *cookie);

/**
 * Hand a request to the queue in one call: the chain of `readable` buffers that the device reads, then
 * `writable` buffers that it writes. The device is told at the next virtio_kick, as with virtio_submit.
 *
 * @param queue     live.
 * @param buffers   readable + writable of them; read during the call only.
 * @param readable  how many the device reads.
 * @param writable  how many the device writes.
 * @param cookie    comes back with the completion; any value.
 * @return VIRTIO_OK; VIRTIO_E_INVALID (no buffers); VIRTIO_E_ZERO_LENGTH; VIRTIO_E_FULL;
 *         VIRTIO_E_TOO_LONG; otherwise as virtio_submit. On error nothing was submitted.
 *
 * Context: the queue's. Spec 2.7.13.
 */
int virtio_submit_buffers(struct virtio_queue *queue, const struct virtio_buffer *buffers,
                          uint16_t readable, uint16_t writable, void *cookie);

/**
 * Keep a request ready: its chain is written once, and submitted as often as it is wanted
 * (virtio_submit_prepared) without being built again. In a split ring it keeps its descriptors, elsewhere an
 * id and its table if the queue has tables of this length; where a ring's format leaves nothing to keep,
 * each submit builds the chain from the buffers.
 *
 * @param queue     live.
 * @param prepared  out; the caller's, until virtio_prepared_end or virtio_ring_uninit.
 * @param buffers   readable + writable of them; the caller's, kept in place and unchanged until then, but for
 *                  virtio_prepared_point.
 * @return VIRTIO_OK or as virtio_submit_buffers. On error nothing was kept.
 *
 * Context: the queue's.
 */
int virtio_prepared_begin(struct virtio_queue *queue, struct virtio_prepared *prepared,
                          struct virtio_buffer *buffers, uint16_t readable, uint16_t writable);

/**
 * Submit a prepared request. The device is told at the next virtio_kick, as with virtio_submit.
 *
 * @param cookie  comes back with the completion; any value.
 * @return VIRTIO_OK; VIRTIO_E_BUSY when it is in flight; VIRTIO_E_FULL; otherwise as virtio_submit.
 *
 * After a recovery (virtio_device_recover, virtio_queue_reset) the first submit writes the chain anew.
 *
 * Where nothing is kept (VIRTIO_F_IN_ORDER; in a packed ring several buffers without a table) nobody
 * knows whether a request is in flight, and VIRTIO_E_BUSY is not said, here and of the two calls below:
 * each submit is a chain of its own then, which does no harm to the ring, but is one more completion
 * with the same buffers.
 *
 * Context: the queue's. Spec 2.7.13, 2.8.19.
 */
int virtio_submit_prepared(struct virtio_queue *queue, struct virtio_prepared *prepared,
                           void *cookie);

/**
 * Point one buffer of a prepared request elsewhere, while it is not in flight.
 *
 * @param which           number of the buffer, from 0.
 * @param device_address  where it is from now on.
 * @param length          bytes, at least 1.
 * @return VIRTIO_OK; VIRTIO_E_INVALID (no such buffer); VIRTIO_E_ZERO_LENGTH; VIRTIO_E_TOO_LONG;
 *         VIRTIO_E_BUSY while it is in flight; VIRTIO_E_REENTRY; the latched error. On error nothing
 *         was changed.
 *
 * Context: the queue's.
 */
int virtio_prepared_point(struct virtio_queue *queue, struct virtio_prepared *prepared,
                          uint16_t which, uint64_t device_address, uint32_t length);

/**
 * Give back what a prepared request kept; it is none any more.
 *
 * @return VIRTIO_OK, VIRTIO_E_BUSY while it is in flight, VIRTIO_E_REENTRY, the latched error.
 *
 * Context: the queue's.
 */
int virtio_prepared_end(struct virtio_queue *queue, struct virtio_prepared *prepared);

/**
 * Ask for an interrupt when chains complete. A hint, not a promise: interrupts may come sooner, and
 * spurious ones at any time.
 *
 * @param when  at the next completion, or better later. What a device can't do (LATER and EMPTY take
 *              VIRTIO_F_EVENT_IDX) becomes SOON.
 * @return 0: enabled, nothing has completed; 1: completions are there, nothing was enabled: take them all
 *         and call again; the errors of virtio_kick.
 *
 * Context: the queue's. No register access. Spec 2.7.7, 2.8.10.
 */
int virtio_enable_interrupts(struct virtio_queue *queue, enum virtio_when when);

/**
 * Ask for no interrupts, as a queue does in the beginning. A hint, too.
 *
 * @return VIRTIO_OK or the errors of virtio_kick.
 *
 * Context: the queue's. No register access.
 */
int virtio_disable_interrupts(struct virtio_queue *queue);

/**
 * Publish all that was submitted since the last kick, and notify the device unless it said that it
 * needs no notification. Does nothing when there is nothing new.
 *
 * @return VIRTIO_OK, VIRTIO_E_STATE before virtio_device_ready, VIRTIO_E_REENTRY, the latched error.
 *
 * Context: the queue's. One register access at most. Spec 2.7.13.3, 2.7.13.4.
 */
int virtio_kick(struct virtio_queue *queue);

/**
 * Take one completion, if there is one.
 *
 * @param done  out: the completion, when 1 is returned.
 * @return 1: one was taken; 0: none is there; VIRTIO_E_BROKEN, from then on, when the device used an id
 *         that is not in flight, claims to have written more than it could, or moved its index beyond
 *         what is in flight; another latched error; VIRTIO_E_STATE; VIRTIO_E_RESET; VIRTIO_E_REENTRY.
 *
 * A legacy device's wrong length is not counted as a lie, because the spec warns of it (2.7.8.3): it is
 * cut to what could have been written.
 *
 * Context: the queue's. No register access. Spec 2.7.14.
 */
int virtio_reap(struct virtio_queue *queue, struct virtio_done *done);

/**
 * Take all completions that are there, or as many as there is room for, in one call: the cheapest way to
 * reap a batch.
 *
 * @param done  out: as many completions as the return value says.
 * @param most  how many fit into `done`, at least 1.
 * @return how many were taken; otherwise as virtio_reap. What is wrong behind some good completions is
 *         said by the next call.
 *
 * Context: the queue's. No register access. Spec 2.7.14.
 */
int virtio_reap_many(struct virtio_queue *queue, struct virtio_done *done, uint32_t most);

/**
 * Wait until there is a completion, and take it.
 *
 * @param done        out: the completion, when 1 is returned.
 * @param timeout_us  microseconds, at least 1.
 * @return 1; or the errors of virtio_reap; VIRTIO_E_TIMEOUT; VIRTIO_E_NEEDS_RESET and VIRTIO_E_GONE,
 *         latched; VIRTIO_E_STATE when nothing is in flight.
 *
 * Context: the queue's; may be long. Reads the device status rarely.
 */
int virtio_wait(struct virtio_queue *queue, struct virtio_done *done, uint32_t timeout_us);

/**
 * Submit, kick and wait for this very chain. Completions of others that arrive meanwhile are kept for
 * virtio_reap.
 *
 * @param written  out, may be NULL: bytes that the device wrote; 0 on error.
 * @return VIRTIO_OK; the errors of virtio_submit and virtio_kick; VIRTIO_E_TIMEOUT after the device's
 *         timeout_us: the chain is still the device's and its late completion will be dropped
 *         silently; VIRTIO_E_BROKEN, VIRTIO_E_NEEDS_RESET and VIRTIO_E_GONE, latched.
 *
 * Context: the queue's; may be long. The chain's buffers must outlive a timeout, so they never are
 * on a stack.
 */
int virtio_flush(struct virtio_queue *queue, struct virtio_chain *chain, uint32_t *written);

/**
 * Take back one chain that was in flight when the device was stopped or recovered (virtio_device_recover,
 * virtio_queue_reset).
 *
 * @param done  out: its cookie, and 0 bytes written.
 * @return 1: one was taken back; 0: none is left, and a queue that was recovered works again;
 *         VIRTIO_E_BUSY when the device was neither stopped nor recovered.
 *
 * Context: the queue's. Completions that were already there are given too, with what was written.
 */
int virtio_drain(struct virtio_queue *queue, struct virtio_done *done);

/**
 * Recover one queue without touching the others: reset it, wait until it is, lay it out anew and enable
 * it (VIRTIO_F_RING_RESET). Until virtio_drain has handed back every cookie and returned 0, the queue
 * refuses all other calls with VIRTIO_E_RESET.
 *
 * @return VIRTIO_OK; VIRTIO_E_NOT_SUPPORTED without the feature: virtio_device_recover does it then;
 *         VIRTIO_E_STATE; VIRTIO_E_REENTRY; latched, with the chains still the device's: VIRTIO_E_TIMEOUT when
 *         the reset was not done within the device's timeout_us, VIRTIO_E_BUSY when it was said to be done and
 *         was not (QEMU 7.2's virtio-mmio offers the feature without having it): virtio_device_recover helps;
 *         VIRTIO_E_NO_QUEUE, VIRTIO_E_QUEUE_SIZE; the errors of virtio_ring_map.
 *
 * Context: the queue's and the device's. Spec 2.6.1.
 */
int virtio_queue_reset(struct virtio_queue *queue);

/**
 * Believe no used length of this queue and take none amiss: they are cut to what could have been written, as
 * a legacy device's are. For queues on which a device type writes nothing and devices are known to say
 * otherwise.
 *
 * Context: the queue's, after virtio_ring_init.
 */
static inline void virtio_queue_ignore_length(struct virtio_queue *queue)
{
    queue->ignores_length = true;
}

/** How many more descriptors could be submitted now; 0 when the queue takes none. Context: the queue's. */
static inline uint16_t virtio_queue_free(const struct virtio_queue *queue)
{
    return queue->room != 0 ? (uint16_t)(queue->room - 1) : 0;
}

#ifdef __cplusplus
}
#endif

#endif
