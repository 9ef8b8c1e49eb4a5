/* SPDX-License-Identifier: MIT */
/*
 * The memory balloon driver (spec 5.5): gives pages to the host and takes them back, tells it how much
 * memory is in use and which pages are free.
 *
 *     static struct virtio_balloon balloon;
 *
 *     error = virtio_balloon_start(&balloon, &found, NULL);
 *     error = virtio_balloon_get_target(&balloon, &target);              now and then, or on a config interrupt
 *     if (target > balloon.actual)
 *         error = virtio_balloon_inflate(&balloon, pages, count);        the pages are the host's from here
 *     if (target < balloon.actual)
 *         error = virtio_balloon_deflate(&balloon, pages, count);        and the kernel's again
 *     error = virtio_balloon_stop(&balloon);                             all pages are the kernel's again
 *
 *     if (virtio_balloon_statistics_due(&balloon) > 0)                   with statistics in the options
 *         error = virtio_balloon_send_statistics(&balloon, values);
 *
 * Units. A page has 4096 bytes whatever the CPU's or the kernel's pages have, and goes by the device address of
 * its first byte. The driver keeps no list of the pages that it gave away, only their number (`actual`):
 * who has them is the kernel's to know.
 *
 * Inflating and deflating, reporting and hinting wait for the device's word, with a bound. So a page that
 * virtio_balloon_deflate gave back may be used at once, with VIRTIO_BALLOON_F_MUST_TELL_HOST and without it.
 *
 * Memory. A buffer of 1 KiB for page numbers each way, one for statistics, 8 bytes for hinting, and the rings.
 * Nothing is allocated after virtio_balloon_start.
 *
 * Features: a bit that is offered is taken, where a condition stands if it is met.
 *
 *     bit                                    taken  why
 *      0  VIRTIO_BALLOON_F_MUST_TELL_HOST    yes    deflating waits for the device (fake)
 *      1  VIRTIO_BALLOON_F_STATS_VQ          if     the options name statistics to send
 *      2  VIRTIO_BALLOON_F_DEFLATE_ON_OOM    yes    pages that the host wants may be taken back
 *      3  VIRTIO_BALLOON_F_FREE_PAGE_HINT    yes    virtio_balloon_hint
 *      4  VIRTIO_BALLOON_F_PAGE_POISON       if     the options say that the kernel fills free pages
 *      5  VIRTIO_BALLOON_F_PAGE_REPORTING    yes    virtio_balloon_report
 *
 * What is marked (fake) QEMU 7.2 does not have: it is tested on the fake device alone. The rest is tested on
 * QEMU's device, too.
 *
 * Without VIRTIO_BALLOON_F_DEFLATE_ON_OOM only pages beyond the target are given back. (The specification's
 * sentence on this has its comparison the wrong way round; this is what its neighbours say.)
 *
 * Queues. The specification numbers the hinting queue 3 and the reporting queue 4, whichever of them there
 * are; QEMU leaves no gap, so that its reporting queue is 3 when it has no hinting queue. The driver looks
 * for the reporting queue at 4, then at 3.
 *
 * When things go wrong. When the device does not answer within device.timeout_us, lies about a ring,
 * asks for a reset or is gone, the call that notices resets the device before it returns: the balloon is
 * empty then, all pages are the kernel's, and every call returns VIRTIO_E_STATE until
 * virtio_balloon_recover (or virtio_balloon_stop and virtio_balloon_start). Should the reset not be done
 * in time the call returns VIRTIO_E_BUSY, and pages that the device knows must never be used again.
 *
 * Seen on QEMU 7.2: a device that asks for a reset; one that is unplugged while it works (device_del, over PCI)
 * and plugged in again. Seen on the fake device alone: lies about a ring; a reset that is never done.
 *
 * A device is one context's at a time. No call may be made from a host hook. A machine has one balloon.
 */
#ifndef VIRTIO_BALLOON_H
#define VIRTIO_BALLOON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/buffer_queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Feature bits (spec 5.5.3); masks. */
#define VIRTIO_BALLOON_F_MUST_TELL_HOST (UINT64_C(1) << 0)
#define VIRTIO_BALLOON_F_STATS_VQ       (UINT64_C(1) << 1)
#define VIRTIO_BALLOON_F_DEFLATE_ON_OOM (UINT64_C(1) << 2)
#define VIRTIO_BALLOON_F_FREE_PAGE_HINT (UINT64_C(1) << 3)
#define VIRTIO_BALLOON_F_PAGE_POISON    (UINT64_C(1) << 4)
#define VIRTIO_BALLOON_F_PAGE_REPORTING (UINT64_C(1) << 5)

/** Bytes of a page, the unit of this device type. */
#define VIRTIO_BALLOON_PAGE_SIZE 4096u

/** Pages that one device request carries; more go out as several. */
#define VIRTIO_BALLOON_BATCH 256u

/** The largest queue for reporting and hinting that the driver asks for. */
#define VIRTIO_BALLOON_RANGES_MAX 32u

/** Statistics (spec 5.5.6.4): amounts are in bytes. */
enum virtio_balloon_statistic {
    VIRTIO_BALLOON_S_SWAP_IN = 0,
    VIRTIO_BALLOON_S_SWAP_OUT = 1,
    VIRTIO_BALLOON_S_MAJFLT = 2,
    VIRTIO_BALLOON_S_MINFLT = 3,
    VIRTIO_BALLOON_S_MEMFREE = 4,
    VIRTIO_BALLOON_S_MEMTOT = 5,
    VIRTIO_BALLOON_S_AVAIL = 6,
    VIRTIO_BALLOON_S_CACHES = 7,
    VIRTIO_BALLOON_S_HTLB_PGALLOC = 8,
    VIRTIO_BALLOON_S_HTLB_PGFAIL = 9,
    VIRTIO_BALLOON_STATISTICS = 10 /* how many there are */
};

/** Hinting commands that are none (spec 5.5.6.5). */
#define VIRTIO_BALLOON_CMD_ID_STOP 0u
#define VIRTIO_BALLOON_CMD_ID_DONE 1u

/** What the kernel makes of the device; zeroed is a good beginning. */
struct virtio_balloon_options {
    /** The statistics that will be sent, a set of 1 << enum virtio_balloon_statistic; the same ones every
     * time. 0: none, and VIRTIO_BALLOON_F_STATS_VQ is not taken. */
    uint32_t statistics;
    /** Their values now, by number: the device gets them at the start. */
    uint64_t values[VIRTIO_BALLOON_STATISTICS];
    /** The kernel fills every page with poison_value when it frees it: those that it deflates, and those that
     * it reports. Without it VIRTIO_BALLOON_F_PAGE_POISON is not taken. */
    bool poisons;
    uint32_t poison_value;
};

/** A balloon; the caller's memory, zeroed before its first use, at one place from start to stop. What is
 * marked so may be read, the rest is private. */
struct virtio_balloon {
    struct virtio_device device; /* read: state, features, timeout_us; for virtio_dump */
    uint32_t actual;             /* read: pages in the balloon */
    uint32_t target;             /* read: pages that the host wants, when it was last asked */
    uint32_t poison_value;       /* read: as in the options */

    uint32_t statistics;        /* a set */
    uint32_t statistics_length; /* bytes of the latest ones */
    uint32_t command;           /* hinting: which was begun, or VIRTIO_BALLOON_CMD_ID_STOP */
    struct virtio_buffer_queue inflate;
    struct virtio_buffer_queue deflate;
    struct virtio_buffer_queue stats;
    struct virtio_buffer_queue hints;
    struct virtio_queue reports;
};

/**
 * Start a balloon, empty.
 *
 * @param balloon  out: any content, but not a device that is in use.
 * @param found    a device of type VIRTIO_ID_BALLOON as it was found, or &balloon->device of one that was
 *                 stopped; copied. `force` and `timeout_us` may be set before.
 * @param options  read during the call only; NULL: no statistics, no poison.
 * @return VIRTIO_OK; the errors of virtio_device_begin, virtio_queue_start and virtio_device_ready;
 *         VIRTIO_E_INVALID for a device of another type or unknown statistics; VIRTIO_E_CONFIG;
 *         VIRTIO_E_NO_MEMORY. On error everything was undone.
 *
 * Context: the device's, not an interrupt handler. Spec 5.5.5.
 */
int virtio_balloon_start(struct virtio_balloon *balloon, const struct virtio_device *found,
                         const struct virtio_balloon_options *options);

/**
 * Stop the device and give back everything. What was in the balloon is the kernel's again. Stopping a stopped
 * device does nothing.
 *
 * @return VIRTIO_OK; VIRTIO_E_TIMEOUT when the device would not be reset: its memory is kept.
 *
 * Context: the device's.
 */
int virtio_balloon_stop(struct virtio_balloon *balloon);

/**
 * Reset the device now and nothing else: afterwards it touches no memory, and the balloon is empty.
 *
 * @return VIRTIO_OK or VIRTIO_E_TIMEOUT as virtio_device_stop.
 *
 * Context: the device's.
 */
int virtio_balloon_halt(struct virtio_balloon *balloon);

/**
 * Bring a device back that asked for a reset, broke a ring's rules, did not answer or was gone, or that was
 * halted: reset it and go on as after a start, with an empty balloon and the statistics sent last. Nothing is
 * allocated.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE when the device is not started; the errors of virtio_device_recover: it
 *         is halted, and all pages are the kernel's (VIRTIO_E_TIMEOUT: lost, and they are not). May be called
 *         again, for a device that was gone when it is back.
 *
 * Context: the device's. Spec 2.1.2, 2.4.
 */
int virtio_balloon_recover(struct virtio_balloon *balloon);

/**
 * Ask how many pages the host wants to be in the balloon.
 *
 * @param target  out, may be NULL: pages; also in balloon->target.
 * @return VIRTIO_OK; VIRTIO_E_STATE; VIRTIO_E_CONFIG.
 *
 * Context: the device's. One register read.
 */
int virtio_balloon_get_target(struct virtio_balloon *balloon, uint32_t *target);

/**
 * Give pages to the host. More than it wants are allowed.
 *
 * @param pages  their device addresses, multiples of 4096 and below 2^44; read during the call only. The pages
 *               hold nothing of value and are in no use.
 * @param count  at least 1.
 * @return VIRTIO_OK; VIRTIO_E_INVALID or VIRTIO_E_OUT_OF_RANGE (an address; nothing was given then);
 *         VIRTIO_E_ZERO_LENGTH; VIRTIO_E_STATE; the device's failures, and VIRTIO_E_BUSY (see above).
 *
 * Context: the device's; may be long. Spec 5.5.6.
 */
int virtio_balloon_inflate(struct virtio_balloon *balloon, const uint64_t *pages, size_t count);

/**
 * Take pages back from the balloon.
 *
 * @param pages  addresses that were inflated and not deflated since.
 * @param count  at least 1.
 * @return as virtio_balloon_inflate; VIRTIO_E_OUT_OF_RANGE also for more pages than are in the balloon;
 *         VIRTIO_E_NOT_SUPPORTED when the host wants them (the target is looked at) and did not offer
 *         VIRTIO_BALLOON_F_DEFLATE_ON_OOM.
 *
 * Context: the device's; may be long. Spec 5.5.6. Afterwards the pages' contents are not defined; where
 * VIRTIO_BALLOON_F_PAGE_POISON was taken the kernel fills them with the poison value.
 */
int virtio_balloon_deflate(struct virtio_balloon *balloon, const uint64_t *pages, size_t count);

/**
 * Does the device want new statistics?
 *
 * @return 1: send them; 0: not now; VIRTIO_E_NOT_SUPPORTED without VIRTIO_BALLOON_F_STATS_VQ;
 *         VIRTIO_E_STATE; the queue's error.
 *
 * Context: the device's. No register access.
 */
int virtio_balloon_statistics_due(struct virtio_balloon *balloon);

/**
 * Send statistics; once each time that they are due.
 *
 * @param values  by number; those that the options did not name are not read.
 * @return VIRTIO_OK; VIRTIO_E_FULL when none are due; otherwise as virtio_balloon_statistics_due.
 *
 * Context: the device's. Does not wait. Spec 5.5.6.3.
 */
int virtio_balloon_send_statistics(struct virtio_balloon *balloon, const uint64_t *values);

/**
 * Report free memory: the host may take its contents away. The memory stays the kernel's.
 *
 * @param ranges  of free memory, whole pages each; in no use during the call, and what is read from it
 *                afterwards is not defined (the poison value, where VIRTIO_BALLOON_F_PAGE_POISON was taken and
 *                the kernel had filled it so). Larger ranges are better.
 * @param count   at least 1.
 * @return VIRTIO_OK; VIRTIO_E_NOT_SUPPORTED without VIRTIO_BALLOON_F_PAGE_REPORTING; VIRTIO_E_INVALID
 *         (address or length); VIRTIO_E_ZERO_LENGTH; VIRTIO_E_STATE; the device's failures, and VIRTIO_E_BUSY.
 *
 * Context: the device's; may be long. Spec 5.5.6.7.
 */
int virtio_balloon_report(struct virtio_balloon *balloon, const struct virtio_buffer *ranges,
                          size_t count);

/**
 * Ask whether the host wants hints (it is about to migrate the machine).
 *
 * @param command  out: VIRTIO_BALLOON_CMD_ID_STOP: no hints now, and hinted pages are not to be used yet;
 *                 VIRTIO_BALLOON_CMD_ID_DONE: hinted pages may be used; otherwise a request for hints.
 * @return VIRTIO_OK; VIRTIO_E_NOT_SUPPORTED without VIRTIO_BALLOON_F_FREE_PAGE_HINT; VIRTIO_E_STATE;
 *         VIRTIO_E_CONFIG.
 *
 * Context: the device's. One register read.
 */
int virtio_balloon_get_hint_command(struct virtio_balloon *balloon, uint32_t *command);

/**
 * Hint that memory is free, in answer to the present request.
 *
 * @param ranges  as of virtio_balloon_report.
 * @param count   at least 1.
 * @return VIRTIO_OK; VIRTIO_E_STATE also when no hints are wanted (any more); otherwise as
 *         virtio_balloon_report.
 *
 * Context: the device's; may be long. Spec 5.5.6.5.
 */
int virtio_balloon_hint(struct virtio_balloon *balloon, const struct virtio_buffer *ranges,
                        size_t count);

/**
 * There are no more hints for this request.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE also when no hint was given; VIRTIO_E_FULL: the device has not taken the
 *         end of an earlier request yet; VIRTIO_E_NOT_SUPPORTED; VIRTIO_E_CONFIG; the queue's error.
 *
 * Context: the device's. Does not wait.
 */
int virtio_balloon_end_hints(struct virtio_balloon *balloon);

#ifdef __cplusplus
}
#endif

#endif
