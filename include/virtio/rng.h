/* SPDX-License-Identifier: MIT */
/*
 * The entropy device driver (spec 5.4): random bytes from the host.
 *
 *     static struct virtio_rng rng;
 *
 *     error = virtio_rng_start(&rng, &found);
 *     error = virtio_rng_read(&rng, seed, sizeof(seed));    all of it, or an error and zeros
 *     error = virtio_rng_stop(&rng);
 *
 * The device answers a request with as many bytes as it likes, at least one. virtio_rng_read asks again
 * until the buffer is full; it goes through a buffer of the library's own, so the device never sees the
 * caller's. The asynchronous calls map the caller's buffers and hand out each answer as it is:
 *
 *     while (virtio_rng_submit(&rng, buffer, bytes, request) == VIRTIO_OK)
 *         ...                                               VIRTIO_E_FULL: enough for now
 *     virtio_rng_kick(&rng);
 *     while (virtio_rng_reap(&rng, &done) > 0)              only done.bytes of the buffer are random
 *         use(done.cookie, done.error, done.bytes);
 *
 * Features: the device type has none.
 *
 * Seen on QEMU 7.2: a device that asks for a reset; one that is unplugged (device_del, over PCI) and plugged in
 * again. Seen on the fake device alone: one that is unplugged while it works, of which QEMU itself dies; lies
 * about a ring; a reset that is never done.
 *
 * A device may limit how many bytes it gives in a time (QEMU: max-bytes, period) and answer late. What a
 * timeout, a reset, a lost device and a failing request mean is the same as for a disk (virtio/blk.h): an
 * error of one request is its own; when the device fails, the blocking call that notices, or is the first after
 * virtio_rng_wait or another call said so, resets it, and the driver is halted until virtio_rng_recover (or
 * virtio_rng_stop and virtio_rng_start). An answer of more bytes than were asked for is such a failure:
 * VIRTIO_E_BROKEN (on a legacy device, whose lengths may be wrong, it is cut to that).
 *
 * A device is one context's at a time. No call may be made from a host hook.
 */
#ifndef VIRTIO_RNG_H
#define VIRTIO_RNG_H

#include <stddef.h>
#include <stdint.h>
#include <virtio/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The largest queue that the driver asks for; where the device dictates, it may be larger. */
#define VIRTIO_RNG_QUEUE_SIZE 64u

/** Bytes of the library's own buffer: the most that virtio_rng_read asks for at once. */
#define VIRTIO_RNG_BUFFER_SIZE 1024u

/** How many answers of no bytes at all virtio_rng_read takes in a row before it gives up. */
#define VIRTIO_RNG_EMPTY_ANSWERS_MAX 8u

struct virtio_rng_slot;

/** An entropy device; the caller's memory, zeroed before its first use, at one place from start to stop. */
struct virtio_rng {
    struct virtio_device device; /* read: state, timeout_us; for virtio_dump */
    uint16_t depth;              /* read: requests that can be in flight at once */
    uint16_t in_flight;          /* read: requests submitted and not yet handed back */

    struct virtio_queue queue;
    struct virtio_rng_slot *slots;      /* all, `depth` of them */
    struct virtio_rng_slot *free_slots; /* chained */
    struct virtio_rng_slot *kept_slots; /* chained: answered or taken back, not yet handed back */
    struct virtio_rng_slot **kept_tail; /* where the next one is chained to */
    struct virtio_shared shared;        /* the buffer of virtio_rng_read */
};

/** An answer. */
struct virtio_rng_done {
    void *cookie; /* as given to the submit */
    int error;    /* VIRTIO_OK; VIRTIO_E_RESPONSE (no bytes at all), VIRTIO_E_MAP, VIRTIO_E_RESET */
    uint32_t bytes; /* how many bytes of the buffer are random, from its start; 0 on error */
};

/**
 * Start an entropy device.
 *
 * @param rng    out: any content, but not a device that is in use.
 * @param found  a device of type VIRTIO_ID_ENTROPY as it was found, or &rng->device of one that was
 *               stopped; copied. `force` and `timeout_us` may be set before.
 * @return VIRTIO_OK; the errors of virtio_device_begin, virtio_queue_start and virtio_device_ready;
 *         VIRTIO_E_INVALID for a device of another type; VIRTIO_E_NO_MEMORY. On error everything was
 *         undone.
 *
 * Context: the device's, not an interrupt handler. Allocates: the ring, VIRTIO_RNG_BUFFER_SIZE bytes of
 * shared memory and about 64 of private memory for each request of `depth`. Spec 3.1.1, 5.4.5.
 */
int virtio_rng_start(struct virtio_rng *rng, const struct virtio_device *found);

/**
 * Stop the device and give everything back. Requests in flight are taken back without a word; halt and
 * drain first if their cookies matter. Stopping a device that is not started does nothing.
 *
 * @return VIRTIO_OK, or VIRTIO_E_TIMEOUT when it would not be reset: nothing was freed, and the device may
 *         still write to every buffer that is in flight. May be called again.
 *
 * Context: the device's. Spec 2.4.
 */
int virtio_rng_stop(struct virtio_rng *rng);

/**
 * Take everything back from the device by a reset; virtio_rng_drain tells which requests that concerns.
 * Halting a device that is halted or not started does nothing.
 *
 * @return VIRTIO_OK, or VIRTIO_E_TIMEOUT (see virtio_rng_stop).
 *
 * Context: the device's. Spec 2.4.
 */
int virtio_rng_halt(struct virtio_rng *rng);

/**
 * Bring a device back that asked for a reset, broke its ring's rules, did not answer or was gone, or that
 * was halted: reset it and go on. Nothing is allocated. Requests that were in flight come back from
 * virtio_rng_reap and virtio_rng_wait, each cookie once, with VIRTIO_E_RESET or their own result if they
 * had completed; new ones may be submitted at once.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE when the device is not started; the errors of virtio_device_recover: it
 *         is halted (VIRTIO_E_TIMEOUT: lost). May be called again, for a device that was gone when it is back.
 *
 * Context: the device's. Spec 2.1.2, 2.4.
 */
int virtio_rng_recover(struct virtio_rng *rng);

/**
 * Hand back one request of a halted device.
 *
 * @param done  out, when 1 is returned: VIRTIO_E_RESET, or its own result when it had completed before.
 * @return 1: one was handed back; 0: none is left; VIRTIO_E_BUSY when the device was not halted.
 *
 * Context: the device's.
 */
int virtio_rng_drain(struct virtio_rng *rng, struct virtio_rng_done *done);

/**
 * Fill a buffer with random bytes, and wait for them.
 *
 * @param buffer  out: the bytes; all zero on error.
 * @param bytes   any number, not 0.
 * @return VIRTIO_OK; refused: VIRTIO_E_INVALID (no buffer), VIRTIO_E_ZERO_LENGTH, VIRTIO_E_STATE (not
 *         started, or halted), VIRTIO_E_FULL (the queue is full of requests in flight);
 *         VIRTIO_E_RESPONSE: VIRTIO_RNG_EMPTY_ANSWERS_MAX answers in a row without a byte;
 *         failed, the device is halted: VIRTIO_E_TIMEOUT (no answer for device.timeout_us, counted from
 *         each device request), VIRTIO_E_BROKEN, VIRTIO_E_NEEDS_RESET, VIRTIO_E_GONE; VIRTIO_E_BUSY: it
 *         could not even be reset.
 *
 * Context: the device's; may be long. Spec 5.4.6.
 */
int virtio_rng_read(struct virtio_rng *rng, void *buffer, size_t bytes);

/**
 * Ask for random bytes; the device sees it at the next virtio_rng_kick or virtio_rng_wait.
 *
 * @param buffer  the library's, and the device's, until the request is handed back.
 * @param bytes   1 to 2^32 - 1.
 * @param cookie  comes back with the answer; any value.
 * @return VIRTIO_OK: the cookie will come back exactly once, from virtio_rng_reap, virtio_rng_wait or
 *         virtio_rng_drain. On error nothing was submitted: VIRTIO_E_INVALID, VIRTIO_E_ZERO_LENGTH,
 *         VIRTIO_E_STATE, VIRTIO_E_FULL, VIRTIO_E_MAP; the queue's latched error.
 *
 * Context: the device's. No register access. Spec 5.4.6.
 */
int virtio_rng_submit(struct virtio_rng *rng, void *buffer, uint32_t bytes, void *cookie);

/**
 * Show the device all that was submitted: at most one notification.
 *
 * @return VIRTIO_OK, VIRTIO_E_STATE, the queue's latched error.
 *
 * Context: the device's. One register access at most.
 */
int virtio_rng_kick(struct virtio_rng *rng);

/**
 * Take one answer, if there is one.
 *
 * @param done  out, when 1 is returned.
 * @return 1: one was taken; 0: none is there; VIRTIO_E_STATE; VIRTIO_E_BROKEN and other errors that the
 *         queue latched: halt and drain.
 *
 * Context: the device's. No register access.
 */
int virtio_rng_reap(struct virtio_rng *rng, struct virtio_rng_done *done);

/**
 * Kick, wait until there is an answer, and take it.
 *
 * @param done        out, when 1 is returned.
 * @param timeout_us  microseconds, at least 1.
 * @return 1; or the errors of virtio_rng_reap; VIRTIO_E_TIMEOUT: all stays in flight, wait again or
 *         halt; VIRTIO_E_NEEDS_RESET and VIRTIO_E_GONE: halt; VIRTIO_E_STATE when nothing is in flight.
 *
 * Context: the device's; may be long.
 */
int virtio_rng_wait(struct virtio_rng *rng, struct virtio_rng_done *done, uint32_t timeout_us);

#ifdef __cplusplus
}
#endif

#endif
