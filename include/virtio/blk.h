/* SPDX-License-Identifier: MIT */
/*
 * The block device driver (spec 5.2): a disk.
 *
 *     static struct virtio_blk disk;
 *
 *     error = virtio_blk_start(&disk, &found);              found by virtio_pci_scan_next, say
 *     error = virtio_blk_read(&disk, 0, buffer, 4096);      waits, with a bound
 *     error = virtio_blk_write(&disk, 8, buffer, 512);
 *     error = virtio_blk_flush(&disk);                      what was written is on stable storage now
 *     error = virtio_blk_discard(&disk, ranges, 2);         or zeroed, or erased
 *     error = virtio_blk_stop(&disk);                       gives everything back; may be started again
 *
 * Many in flight:
 *
 *     while (virtio_blk_submit_read(&disk, sector, buffer, bytes, request) == VIRTIO_OK)
 *         ...                                               VIRTIO_E_FULL: enough for now
 *     virtio_blk_kick(&disk);                               one notification for all of them
 *     while (virtio_blk_reap(&disk, &done) > 0)             or virtio_blk_wait
 *         complete(done.cookie, done.error);
 *
 * The blocking calls go the same way, one request at a time, and may be mixed with the others: what else
 * completes while they wait is kept for virtio_blk_reap.
 *
 * Units. Sectors are of 512 bytes everywhere, whatever blk_size says; lengths are in bytes and multiples
 * of 512. blk_size and the topology tell what is fast; some devices (QEMU's is one) go further and fail
 * requests that are not whole blocks of blk_size with VIRTIO_E_IO.
 *
 * Length. A request may have any length up to the end of the disk. What is more than the device takes at
 * once (size_max times seg_max, the size of the queue, 1 GiB) goes out as several device requests, one
 * after the other, and comes back as one completion; the following ones are sent by virtio_blk_reap,
 * virtio_blk_wait and the blocking calls.
 *
 * Lists. A request may be made of several pieces of memory (virtio_blk_read_list), in one device request; so
 * it has no more segments than the device takes, and is never cut. options.list_max asks for it.
 *
 * Several queues. With options.queues and a device that has them (VIRTIO_BLK_F_MQ) there are queue_count of
 * them. Each is a struct virtio_blk: what is submitted, reaped and waited for there goes through that queue
 * alone, with slots of its own. Different queues may be used by different contexts, but a reset is a reset
 * of all: virtio_blk_halt and virtio_blk_recover of the disk, and a blocking call that gives up, of any
 * queue, need the other contexts to keep out; virtio_blk_wait never resets. Each queue hands back its own
 * requests (virtio_blk_drain). virtio_blk_set_writeback and virtio_blk_poll_resize tell the one they are
 * called for, so call the latter for each.
 *
 *     static struct virtio_blk disk, more[3];
 *     struct virtio_blk_options options = {.queues = more, .queue_count = 3};
 *
 *     error = virtio_blk_start_with(&disk, &found, &options);
 *     error = virtio_blk_submit_read(&more[0], ...);       if disk.queue_count is at least 2
 *
 * Memory. Request headers, status bytes and ids are in DMA memory of the library, one slot a request; the
 * caller's buffers go through the host's map hook and are the library's from submit to completion. Nothing
 * is allocated after virtio_blk_start.
 *
 * Resizes. A host may resize a disk at any time. virtio_blk_poll_resize tells that it did; until it is called
 * requests are checked against the old capacity, and the device refuses what is beyond its own.
 *
 * Features: a bit that is offered is taken when the driver implements it. What is marked (fake) QEMU 7.2 does
 * not have: it is tested on the fake device alone. The rest is tested on QEMU's, too.
 *
 *     bit                          taken  why
 *      1  VIRTIO_BLK_F_SIZE_MAX    yes    segments are cut to size_max; 0 is ignored (fake)
 *      2  VIRTIO_BLK_F_SEG_MAX     yes    at most seg_max data segments a request; one without it, or if 0
 *      4  VIRTIO_BLK_F_GEOMETRY    no     cylinders, heads and sectors are nothing a driver needs
 *      5  VIRTIO_BLK_F_RO          yes    writes are refused with VIRTIO_E_READ_ONLY
 *      6  VIRTIO_BLK_F_BLK_SIZE    yes    reported; no unit depends on it
 *      9  VIRTIO_BLK_F_FLUSH       yes    virtio_blk_flush; without it the device is writethrough
 *     10  VIRTIO_BLK_F_TOPOLOGY    yes    reported
 *     11  VIRTIO_BLK_F_CONFIG_WCE  yes    virtio_blk_set_writeback; without it writeback if FLUSH was taken
 *     12  VIRTIO_BLK_F_MQ          asked  when options.queue_count is not 0
 *     13  VIRTIO_BLK_F_DISCARD     yes    virtio_blk_discard
 *     14  VIRTIO_BLK_F_WRITE_ZEROES yes   virtio_blk_write_zeroes
 *     15  VIRTIO_BLK_F_LIFETIME    yes    virtio_blk_get_lifetime (fake)
 *     16  VIRTIO_BLK_F_SECURE_ERASE yes   virtio_blk_secure_erase (fake)
 *     17  VIRTIO_BLK_F_ZONED       no     virtio/blk_zoned.h takes it. Here a host-managed zoned disk refuses
 *                                         to start (VIRTIO_E_FEATURES), others work as ordinary disks
 *      0  VIRTIO_BLK_F_BARRIER     no     legacy; orders requests, which waiting does better
 *      7  VIRTIO_BLK_F_SCSI        no     legacy; dropped from the specification for good reasons
 *
 * When things go wrong. An error of one request (VIRTIO_E_IO, VIRTIO_E_UNSUPPORTED_REQUEST,
 * VIRTIO_E_RESPONSE, VIRTIO_E_MAP) is that request's alone; the disk stays usable. When the device does not
 * answer within device.timeout_us, lies about the ring, asks for a reset or is gone, the blocking call that
 * notices, or is the first after virtio_blk_wait or another call said so, resets the device before it
 * returns, because until then the device may write to a caller's buffer. The disk is halted then: every call
 * returns VIRTIO_E_STATE. virtio_blk_recover brings the disk back to life, and what else was in flight comes
 * back from virtio_blk_reap, each cookie once; or from virtio_blk_drain, if the disk is to be stopped. With
 * requests submitted by hand the decision is the caller's: virtio_blk_wait gives VIRTIO_E_TIMEOUT and
 * changes nothing, virtio_blk_halt and virtio_blk_recover reset. virtio_dump(&disk.device) explains either.
 *
 * Should even the reset not be done in time, the device is lost (device.state is VIRTIO_DEVICE_LOST): it
 * may still write to every buffer that was in flight. The blocking call returns VIRTIO_E_BUSY, its buffer
 * (and the array of a list's pieces) must never be used again, and the library keeps its own memory rather
 * than give it back, unless a later virtio_blk_stop succeeds in resetting the device after all.
 *
 * Seen on QEMU 7.2: a device that asks for a reset; one that is unplugged while it works (device_del, over PCI)
 * and plugged in again. Seen on the fake device alone: lies about a ring; a reset that is never done.
 *
 * A disk is one context's at a time. No call may be made from a host hook.
 */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Feature bits (spec 5.2.3); masks. */
#define VIRTIO_BLK_F_BARRIER      (UINT64_C(1) << 0) /* legacy */
#define VIRTIO_BLK_F_SIZE_MAX     (UINT64_C(1) << 1)
#define VIRTIO_BLK_F_SEG_MAX      (UINT64_C(1) << 2)
#define VIRTIO_BLK_F_GEOMETRY     (UINT64_C(1) << 4)
#define VIRTIO_BLK_F_RO           (UINT64_C(1) << 5)
#define VIRTIO_BLK_F_BLK_SIZE     (UINT64_C(1) << 6)
#define VIRTIO_BLK_F_SCSI         (UINT64_C(1) << 7) /* legacy */
#define VIRTIO_BLK_F_FLUSH        (UINT64_C(1) << 9)
#define VIRTIO_BLK_F_TOPOLOGY     (UINT64_C(1) << 10)
#define VIRTIO_BLK_F_CONFIG_WCE   (UINT64_C(1) << 11)
#define VIRTIO_BLK_F_MQ           (UINT64_C(1) << 12)
#define VIRTIO_BLK_F_DISCARD      (UINT64_C(1) << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (UINT64_C(1) << 14)
#define VIRTIO_BLK_F_LIFETIME     (UINT64_C(1) << 15)
#define VIRTIO_BLK_F_SECURE_ERASE (UINT64_C(1) << 16)
#define VIRTIO_BLK_F_ZONED        (UINT64_C(1) << 17)

/** Bytes of a sector, the unit of this device type. */
#define VIRTIO_BLK_SECTOR_SIZE 512u

/** Bytes of an id with its terminating NUL. */
#define VIRTIO_BLK_ID_SIZE 21u

/** The largest queue that the driver asks for; where the device dictates, it may be larger. */
#define VIRTIO_BLK_QUEUE_SIZE 256u

/** The most requests that are in flight at once, however large the queue is. */
#define VIRTIO_BLK_DEPTH_MAX 128u

/** The most ranges that go out in one device request. */
#define VIRTIO_BLK_SEGMENTS_MAX 2u

/** Values of struct virtio_blk_lifetime (spec 5.2.6). */
#define VIRTIO_BLK_PRE_EOL_INFO_UNDEFINED 0u /* not said */
#define VIRTIO_BLK_PRE_EOL_INFO_NORMAL    1u /* less than 80 % of the reserved blocks are used up */
#define VIRTIO_BLK_PRE_EOL_INFO_WARNING   2u /* 80 % */
#define VIRTIO_BLK_PRE_EOL_INFO_URGENT    3u /* 90 % */
#define VIRTIO_BLK_LIFETIME_EXCEEDED      11u

/** Sectors to discard, zero or erase. */
struct virtio_blk_range {
    uint64_t sector;  /* the first one */
    uint64_t sectors; /* how many, at least 1 */
};

/** What a device takes in one request of a kind, as it says it. */
struct virtio_blk_range_limits {
    uint32_t sectors;   /* at most; 0: not said */
    uint32_t segments;  /* ranges at most; 0 counts as 1 */
    uint32_t alignment; /* sectors: where ranges are best cut; 0 and 1: anywhere */
};

/** How worn the storage is (spec 5.2.6). */
struct virtio_blk_lifetime {
    uint16_t pre_eol_info; /* reserved blocks used up: VIRTIO_BLK_PRE_EOL_INFO_... */
    uint16_t
        device_lifetime_est_typ_a; /* of SLC cells: 0: not said; n: up to 10 * n percent of their
                                           lifetime are used; 11: it is exceeded */
    uint16_t device_lifetime_est_typ_b; /* of MLC cells, likewise */
};

struct virtio_blk_slot;
struct virtio_blk_kept;

/** A disk; the caller's memory, zeroed before its first use, at one place from start to stop. What is
 * marked so may be read, the rest is private. */
struct virtio_blk {
    /* What the device says of itself, checked; read. Names are those of struct virtio_blk_config. */
    uint64_t capacity;           /* sectors of 512 bytes */
    uint32_t size_max;           /* bytes a data segment has at most; UINT32_MAX: not said */
    uint32_t seg_max;            /* data segments a request has at most, as the device has it */
    uint32_t blk_size;           /* bytes; a power of two, 512 when the device does not say */
    uint32_t physical_block_exp; /* log2 of the logical blocks (of blk_size) in a physical block */
    uint32_t alignment_offset;   /* the first aligned logical block */
    uint32_t min_io_size;        /* suggested minimum, in logical blocks; 0: not said */
    uint32_t opt_io_size;        /* suggested maximum, in logical blocks; 0: not said */
    struct virtio_blk_range_limits discard;      /* all 0 without their features */
    struct virtio_blk_range_limits write_zeroes; /* alignment is always 0 */
    struct virtio_blk_range_limits secure_erase;
    uint32_t write_zeroes_may_unmap; /* 0: zeroing never gives storage back */
    uint32_t num_queues;             /* queues that the device has; 0 without VIRTIO_BLK_F_MQ */
    uint32_t list_max;               /* segments that a list has at most */
    bool read_only;                  /* writes are refused */
    bool writeback;                  /* completed writes are volatile until a flush */

    uint16_t depth;       /* read: requests that can be in flight at once */
    uint16_t in_flight;   /* read: requests submitted and not yet handed back */
    uint16_t queue_count; /* read, of the disk: queues in use, the disk's own among them */

    uint32_t cache_mode;                 /* `writeback` of the configuration at the start */
    uint32_t part_max;                   /* bytes of data in one device request at most */
    struct virtio_blk_slot *free_slots;  /* chained */
    struct virtio_blk_slot *ready_slots; /* chained: finished, not yet handed back */
    struct virtio_blk_slot **ready_tail; /* where the next one is chained to */
    struct virtio_buffer *buffers;       /* of the device request that is being made */
    struct virtio_blk_slot *slots;       /* all, `depth` of them */
    size_t private_size;                 /* bytes at `slots`, with `buffers` */
    struct virtio_shared shared;         /* headers, status bytes, ids: one unit a slot */
    struct virtio_blk *queues;           /* the caller's, for the queues from 1 on */
    struct virtio_blk_kept *kept;        /* what each slot keeps prepared; NULL: nothing is kept */
    size_t kept_size;                    /* bytes of it */
    int (*submit)(struct virtio_blk *blk, struct virtio_blk_slot *slot, unsigned readable,
                  unsigned writable); /* NULL: each request is built afresh */
    struct virtio_queue queue;
    struct virtio_device device; /* read: state, features, timeout_us; for virtio_dump. In
                                    virtio_blk_options.queues it is not used: it is the disk's */
};

/** Options of virtio_blk_start_with; all zero are the defaults, which virtio_blk_start takes. */
struct virtio_blk_options {
    struct virtio_blk *queues; /* the caller's memory for further queues, as a struct virtio_blk */
    uint16_t queue_count;      /* how many: the device's queues 1, 2, ... as far as it has them */
    uint16_t list_max;         /* segments of a list that the caller wants at most; 0: no lists */
    bool keep; /* in a split ring the descriptors of a request stay for the next one: some
                                  30 instructions less a request, for 200 bytes of private memory for each
                                  that can be in flight */
};

/** A piece of the caller's memory in a list. */
struct virtio_blk_piece {
    void *memory;
    size_t bytes;                  /* at least 1 */
    struct virtio_mapping mapping; /* private, from submit to completion */
};

/** A completed request. */
struct virtio_blk_done {
    void *cookie; /* as given to the submit */
    int error;    /* VIRTIO_OK, or why it failed: VIRTIO_E_IO, VIRTIO_E_UNSUPPORTED_REQUEST,
                     VIRTIO_E_RESPONSE, VIRTIO_E_MAP, VIRTIO_E_RESET (taken back by a reset) */
};

/**
 * Start a disk.
 *
 * @param blk    out: the disk; any content, but not a disk that is in use.
 * @param found  a device of type VIRTIO_ID_BLOCK as it was found, or &blk->device of a disk that was
 *               stopped; copied. `force` and `timeout_us` may be set before.
 * @return VIRTIO_OK; the errors of virtio_device_begin, virtio_queue_start and virtio_device_ready;
 *         VIRTIO_E_INVALID for a device of another type; VIRTIO_E_CONFIG; VIRTIO_E_NOT_SUPPORTED when
 *         the queue or size_max and seg_max are too small for any request; VIRTIO_E_NO_MEMORY. On error
 *         everything was undone.
 *
 * Context: the disk's, not an interrupt handler. Allocates: the ring, and for each request of `depth` 64
 * bytes of shared memory and about 100 of private memory. Spec 3.1.1, 5.2.5.
 */
int virtio_blk_start(struct virtio_blk *blk, const struct virtio_device *found);

/**
 * Start a disk with options: several queues, lists.
 *
 * @param options  read during the call only, but for what `queues` points to, which is the library's until
 *                 the disk is stopped.
 * @return as virtio_blk_start. `queue_count` says how many of the queues there are.
 *
 * Context: the disk's, not an interrupt handler. Allocates for each queue what virtio_blk_start does for one,
 * and 16 bytes of private memory for each segment of a list.
 */
int virtio_blk_start_with(struct virtio_blk *blk, const struct virtio_device *found,
                          const struct virtio_blk_options *options);

/**
 * Stop the disk and give everything back: reset, then free. Requests that are still in flight are taken
 * back without a word; halt and drain first if their cookies matter. Stopping a disk that is not started
 * does nothing.
 *
 * @return VIRTIO_OK, or VIRTIO_E_TIMEOUT when the device would not be reset: nothing was freed, and the
 *         device may still write to every buffer that is in flight. May be called again. VIRTIO_E_INVALID
 *         for a further queue: it is stopped with its disk.
 *
 * Context: the disk's. Spec 2.4.
 */
int virtio_blk_stop(struct virtio_blk *blk);

/**
 * Take everything back from the device by a reset. Afterwards every buffer is the caller's again, and
 * virtio_blk_drain tells which requests that concerns. Halting a disk that is halted or not started
 * does nothing.
 *
 * @return VIRTIO_OK, or VIRTIO_E_TIMEOUT when the device would not be reset (see virtio_blk_stop).
 *
 * Context: the disk's. Spec 2.4.
 */
int virtio_blk_halt(struct virtio_blk *blk);

/**
 * Hand back one request of a halted disk.
 *
 * @param done  out, when 1 is returned: its cookie, and VIRTIO_E_RESET, or its own result when it had
 *              completed before the reset. With VIRTIO_E_RESET nobody knows how much of it was done.
 * @return 1: one was handed back; 0: none is left; VIRTIO_E_BUSY when the disk was not halted.
 *
 * Context: the disk's.
 */
int virtio_blk_drain(struct virtio_blk *blk, struct virtio_blk_done *done);

/**
 * Bring a disk back that asked for a reset, broke its ring's rules, did not answer or was gone, or that
 * was halted: reset it and go on, with the same features, and the capacity and cache mode that it has now.
 * Nothing is allocated. Requests that were in flight come back from virtio_blk_reap and virtio_blk_wait, each
 * cookie once, with VIRTIO_E_RESET or their own result if they had completed; new ones may be submitted at
 * once.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE when the disk is not started; the errors of virtio_device_recover and
 *         VIRTIO_E_CONFIG: the disk is halted (VIRTIO_E_TIMEOUT: lost). May be called again, for a disk that
 *         was gone (VIRTIO_E_GONE) when it is back.
 *
 * Context: the disk's. Spec 2.1.2, 2.4.
 */
int virtio_blk_recover(struct virtio_blk *blk);

/**
 * Read, and wait for it.
 *
 * @param sector  first sector, of 512 bytes.
 * @param buffer  out: the data; undefined on error.
 * @param bytes   a multiple of 512, not 0.
 * @return VIRTIO_OK; refused, with nothing done: VIRTIO_E_INVALID (no buffer, not a multiple of 512),
 *         VIRTIO_E_ZERO_LENGTH, VIRTIO_E_OUT_OF_RANGE, VIRTIO_E_STATE (not started, or halted),
 *         VIRTIO_E_FULL (every slot is taken by requests in flight: reap), VIRTIO_E_MAP;
 *         failed, the disk works on: VIRTIO_E_IO, VIRTIO_E_UNSUPPORTED_REQUEST, VIRTIO_E_RESPONSE (a
 *         status that does not exist, or fewer bytes than asked for), VIRTIO_E_MAP;
 *         failed, the disk is halted: VIRTIO_E_TIMEOUT (no answer for device.timeout_us, counted from
 *         its latest answer), VIRTIO_E_BROKEN, VIRTIO_E_NEEDS_RESET, VIRTIO_E_GONE, VIRTIO_E_STATE
 *         (somebody else reset the device);
 *         VIRTIO_E_BUSY: lost, the buffer is still the device's (see the top of this file).
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_read(struct virtio_blk *blk, uint64_t sector, void *buffer, size_t bytes);

/**
 * Write, and wait for it. With `writeback` the data is safe only after a flush.
 *
 * @param sector  first sector, of 512 bytes.
 * @param buffer  the data; only read.
 * @param bytes   a multiple of 512, not 0.
 * @return as virtio_blk_read, and VIRTIO_E_READ_ONLY (refused). After a failure any part of the range
 *         may have been written.
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_write(struct virtio_blk *blk, uint64_t sector, const void *buffer, size_t bytes);

/**
 * Bring every write that has completed to stable storage, and wait for it. Writes still in flight are not
 * covered. Where VIRTIO_BLK_F_FLUSH was not taken the device writes through (or has no stable storage to
 * speak of, and no command for it): this succeeds at once, without a request.
 *
 * @return as virtio_blk_read.
 *
 * Context: the disk's; may be long. Spec 5.2.6.2.
 */
int virtio_blk_flush(struct virtio_blk *blk);

/**
 * The device's id (QEMU: its serial number).
 *
 * @param id  out: VIRTIO_BLK_ID_SIZE (21) bytes: up to 20 characters as the device sent them, ended by
 *            NUL; the empty string on error.
 * @return as virtio_blk_read; VIRTIO_E_UNSUPPORTED_REQUEST from a device that has none.
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_get_id(struct virtio_blk *blk, char *id);

/**
 * How worn the storage is. On a QEMU without this feature (all up to 7.2 and beyond) VIRTIO_E_NOT_SUPPORTED.
 *
 * @param lifetime  out; unchanged on error.
 * @return as virtio_blk_read; VIRTIO_E_NOT_SUPPORTED when VIRTIO_BLK_F_LIFETIME was not taken;
 *         VIRTIO_E_RESPONSE also for values that the specification reserves.
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_get_lifetime(struct virtio_blk *blk, struct virtio_blk_lifetime *lifetime);

/**
 * Tell the device that nobody needs the content of some sectors any more, and wait for it. What is read from
 * them afterwards, until they are written, is anything.
 *
 * @param ranges  `count` of them; only read, during the call. Of any length: what the device does not take
 *                in one request goes out in several, each with the device's timeout. A device that takes little
 *                at a time (`discard`) makes a large range take as many requests; who can't wait asks in parts.
 * @return VIRTIO_OK; refused, with nothing done: VIRTIO_E_NOT_SUPPORTED when VIRTIO_BLK_F_DISCARD was
 *         not taken; VIRTIO_E_READ_ONLY; VIRTIO_E_INVALID (no ranges); VIRTIO_E_ZERO_LENGTH and
 *         VIRTIO_E_OUT_OF_RANGE, of any one range; VIRTIO_E_STATE; VIRTIO_E_FULL, also in the middle, when
 *         others took the slot; failed: as virtio_blk_read, and nobody knows which of the sectors it
 *         concerns.
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_discard(struct virtio_blk *blk, const struct virtio_blk_range *ranges, size_t count);

/**
 * Fill sectors with zeros, and wait for it.
 *
 * @param unmap  the device may give their storage back, as long as zeros are read.
 * @return as virtio_blk_discard, of VIRTIO_BLK_F_WRITE_ZEROES.
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_write_zeroes(struct virtio_blk *blk, const struct virtio_blk_range *ranges,
                            size_t count, bool unmap);

/**
 * Destroy the content of sectors so that nothing can bring it back, and wait for it.
 *
 * @return as virtio_blk_discard, of VIRTIO_BLK_F_SECURE_ERASE.
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_secure_erase(struct virtio_blk *blk, const struct virtio_blk_range *ranges,
                            size_t count);

/**
 * Choose whether the device may keep completed writes in a volatile cache until a flush. Switching to
 * writethrough flushes what was written before. With other requests in flight it is not defined whether
 * theirs are volatile: switch with none.
 *
 * @param writeback  true: writeback; false: writethrough.
 * @return VIRTIO_OK: `writeback` says so, too; VIRTIO_E_NOT_SUPPORTED when VIRTIO_BLK_F_CONFIG_WCE or
 *         VIRTIO_BLK_F_FLUSH was not taken; VIRTIO_E_STATE; VIRTIO_E_RESPONSE when the device stays with the
 *         other mode; the errors of virtio_blk_flush: `writeback` stays true then, and flushes are still
 *         sent.
 *
 * Context: the disk's; may be long. Spec 5.2.5, 5.2.6.1.
 */
int virtio_blk_set_writeback(struct virtio_blk *blk, bool writeback);

/**
 * Was the disk resized? Reads `capacity` again. Call it on a configuration change interrupt, or now and then.
 *
 * @return 1: yes, `capacity` is the new one, and requests are checked against it from now on; 0: no;
 *         VIRTIO_E_STATE; VIRTIO_E_CONFIG; VIRTIO_E_GONE and VIRTIO_E_NEEDS_RESET: it looks different
 *         because the device failed, and `capacity` is what it was.
 *
 * Context: the disk's. Reads a few registers. Spec 5.2.6.1.
 */
int virtio_blk_poll_resize(struct virtio_blk *blk);

/**
 * Hand in a read; the device sees it at the next virtio_blk_kick or virtio_blk_wait.
 *
 * @param buffer  the library's, and the device's, until the request is handed back.
 * @param cookie  comes back with the completion; any value.
 * @return VIRTIO_OK: the cookie will come back exactly once, from virtio_blk_reap, virtio_blk_wait or
 *         virtio_blk_drain. On error nothing was submitted: the refusals of virtio_blk_read, where
 *         VIRTIO_E_FULL stands for the queue too; the queue's latched error.
 *
 * Context: the disk's. No register access.
 */
int virtio_blk_submit_read(struct virtio_blk *blk, uint64_t sector, void *buffer, size_t bytes,
                           void *cookie);

/** Hand in a write; as virtio_blk_submit_read, and VIRTIO_E_READ_ONLY. The buffer is only read. */
int virtio_blk_submit_write(struct virtio_blk *blk, uint64_t sector, const void *buffer,
                            size_t bytes, void *cookie);

/** Hand in a flush of the writes that were handed back before; as virtio_blk_submit_read. */
int virtio_blk_submit_flush(struct virtio_blk *blk, void *cookie);

/**
 * Read into several pieces of memory with one request, and wait for it.
 *
 * @param sector  first sector, of 512 bytes.
 * @param pieces  out: where the data goes, piece after piece; the library's during the call. Their bytes
 *                together are a multiple of 512, each alone need not be.
 * @param count   at least 1. Cut to size_max, they are at most `list_max` segments.
 * @return as virtio_blk_read; VIRTIO_E_TOO_LONG for more segments than list_max, or more bytes than a
 *         device request can have (1 GiB); VIRTIO_E_INVALID and VIRTIO_E_ZERO_LENGTH also for one piece.
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_read_list(struct virtio_blk *blk, uint64_t sector, struct virtio_blk_piece *pieces,
                         size_t count);

/** Write from several pieces of memory; as virtio_blk_read_list and virtio_blk_write. */
int virtio_blk_write_list(struct virtio_blk *blk, uint64_t sector, struct virtio_blk_piece *pieces,
                          size_t count);

/** Hand in a read of a list; as virtio_blk_submit_read. The pieces are the library's until it is handed
 * back. */
int virtio_blk_submit_read_list(struct virtio_blk *blk, uint64_t sector,
                                struct virtio_blk_piece *pieces, size_t count, void *cookie);

/** Hand in a write of a list; as virtio_blk_submit_write. */
int virtio_blk_submit_write_list(struct virtio_blk *blk, uint64_t sector,
                                 struct virtio_blk_piece *pieces, size_t count, void *cookie);

/**
 * Hand in a discard of ranges that the device takes in one request: VIRTIO_BLK_SEGMENTS_MAX (2) of them
 * at most, and within the limits in `discard`.
 *
 * @param ranges  only read, during the call.
 * @return as virtio_blk_submit_read and the refusals of virtio_blk_discard; VIRTIO_E_TOO_LONG when it is
 *         more than one request.
 *
 * Context: the disk's. No register access. Spec 5.2.6.
 */
int virtio_blk_submit_discard(struct virtio_blk *blk, const struct virtio_blk_range *ranges,
                              size_t count, void *cookie);

/** Hand in zeroing; as virtio_blk_submit_discard and virtio_blk_write_zeroes. */
int virtio_blk_submit_write_zeroes(struct virtio_blk *blk, const struct virtio_blk_range *ranges,
                                   size_t count, bool unmap, void *cookie);

/** Hand in an erasure; as virtio_blk_submit_discard and virtio_blk_secure_erase. */
int virtio_blk_submit_secure_erase(struct virtio_blk *blk, const struct virtio_blk_range *ranges,
                                   size_t count, void *cookie);

/**
 * Show the device all that was submitted: at most one notification.
 *
 * @return VIRTIO_OK, VIRTIO_E_STATE, the queue's latched error.
 *
 * Context: the disk's. One register access at most.
 */
int virtio_blk_kick(struct virtio_blk *blk);

/**
 * Take one completed request, if there is one.
 *
 * @param done  out, when 1 is returned.
 * @return 1: one was taken; 0: none is there; VIRTIO_E_STATE; VIRTIO_E_BROKEN and other errors that the
 *         queue latched: halt and drain.
 *
 * Context: the disk's. A register access only to send the next part of a request in parts.
 */
int virtio_blk_reap(struct virtio_blk *blk, struct virtio_blk_done *done);

/**
 * Kick, wait until a request is complete, and take it.
 *
 * @param done        out, when 1 is returned.
 * @param timeout_us  microseconds without any answer of the device, at least 1.
 * @return 1; or the errors of virtio_blk_reap; VIRTIO_E_INVALID; VIRTIO_E_TIMEOUT: all stays in flight, wait again or
 *         halt; VIRTIO_E_NEEDS_RESET and VIRTIO_E_GONE: halt; VIRTIO_E_STATE when nothing is in flight.
 *
 * Context: the disk's; may be long.
 */
int virtio_blk_wait(struct virtio_blk *blk, struct virtio_blk_done *done, uint32_t timeout_us);

#ifdef __cplusplus
}
#endif

#endif
