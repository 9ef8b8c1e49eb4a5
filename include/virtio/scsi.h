/* SPDX-License-Identifier: MIT */
/*
 * The SCSI host device driver (spec 5.6): a controller with targets, each with logical units (disks, CD
 * drives).
 *
 *     static struct virtio_scsi scsi;
 *     static struct virtio_scsi_unit disk;
 *
 *     error = virtio_scsi_start(&scsi, &found, NULL);
 *     virtio_scsi_scan_begin(&scan, &scsi);
 *     while (virtio_scsi_scan_next(&scan, &target, &lun) == VIRTIO_OK)
 *         ...                                                    logical units, one after the other
 *     error = virtio_scsi_open(&disk, &scsi, target, lun);       what it is, and how large
 *     error = virtio_scsi_read(&disk, 0, buffer, 4096);          waits, with a bound
 *     error = virtio_scsi_write(&disk, 8, buffer, disk.block_size);
 *     error = virtio_scsi_flush(&disk);
 *     error = virtio_scsi_stop(&scsi);
 *
 * Many in flight:
 *
 *     while (virtio_scsi_submit_read(&disk, block, buffer, bytes, request) == VIRTIO_OK)
 *         ...                                                    VIRTIO_E_FULL: enough for now
 *     virtio_scsi_kick(&scsi, disk.queue);                       one notification for all of them
 *     while (virtio_scsi_reap(&scsi, disk.queue, &done) > 0)     or virtio_scsi_wait
 *         complete(done.cookie, done.error);
 *
 * Two layers. The transport carries any command descriptor block (CDB): virtio_scsi_submit, and
 * virtio_scsi_execute, which waits. Nothing is repeated and nothing hidden there; virtio_scsi_result has
 * all that came back. The command layer (struct virtio_scsi_unit) knows the commands that a disk needs
 * and repeats some of them as said below. The blocking calls of both may be mixed with the asynchronous
 * ones: what else completes while they wait is kept for virtio_scsi_reap.
 *
 * Units. Blocks are of the unit's own block_size (512 mostly, 2048 for a CD, 4096 for some disks);
 * lengths are in bytes, and multiples of that. A blocking read or write may have any length and goes out
 * as several commands if it is longer than transfer_max; one that is submitted has at most transfer_max
 * bytes.
 *
 * Memory. Command and response headers, sense data, control requests and events are in DMA memory of the
 * library, and so is a page for each request queue through which the small commands go
 * (VIRTIO_SCSI_PAGE); callers' buffers go through the host's map hook and are the library's from submit
 * to completion. Nothing is allocated after virtio_scsi_start. A request queue costs its ring, a page,
 * and for each command of `depth` 192 bytes of shared and about 250 of private memory.
 *
 * Unit attention. A unit that was reset, resized or has a new medium fails the next command with the
 * sense key UNIT ATTENTION, once, and does not carry it out. The command layer notes that in
 * unit->attention and unit->attentions, and repeats the command, at most VIRTIO_SCSI_RETRIES (8) times.
 * Reads, writes and unmaps are not repeated when the medium may be another one now (additional sense
 * code 28h): they fail with VIRTIO_E_IO, and the caller decides what its block numbers still mean. A
 * capacity that changed (2Ah, 09h) is noticed as well: call virtio_scsi_read_capacity. A unit that says
 * BUSY or TASK SET FULL, and a device that responds VIRTIO_SCSI_S_BUSY, are asked again after 1, 2, 4,
 * ... milliseconds, as part of the same 8 times: a quarter of a second in all. Nothing else is repeated,
 * and nothing that was submitted.
 *
 * Events. virtio_scsi_poll_event tells of units that come, go, were reset or changed. The driver keeps
 * VIRTIO_SCSI_EVENTS buffers with the device; when it had more to say than that, the next event has
 * `missed` set: scan again. An event for LUN 0 may concern all units of its target.
 *
 * Features: a bit that is offered is taken when the driver implements it.
 *
 *     bit                         taken  why
 *      0  VIRTIO_SCSI_F_INOUT     yes    a command may have data both ways (fake): QEMU 7.2 does not
 *                                        have it, so it is tested on the fake device alone
 *      1  VIRTIO_SCSI_F_HOTPLUG   yes    events of units that come and go
 *      2  VIRTIO_SCSI_F_CHANGE    yes    events of changed parameters, such as the capacity
 *      3  VIRTIO_SCSI_F_T10_PI    no     protection information goes with each sector from an application
 *                                        to the disk; a driver that made it up itself would protect
 *                                        nothing but its own short way. No QEMU device offers it
 *
 * When things go wrong. A command that fails is alone with that: VIRTIO_E_IO and the like;
 * result.response, result.status and the sense data say what was wrong (virtio_scsi_decode_sense,
 * virtio_scsi_asc_name). When the device does not answer within device.timeout_us, lies about the ring,
 * asks for a reset or is gone, the blocking call that notices, or is the first on that queue after
 * virtio_scsi_wait or another call said so, resets the device before it returns, because until then the
 * device may write to a caller's buffer. The controller is halted then: every call returns
 * VIRTIO_E_STATE. virtio_scsi_recover brings it back to life, and what else was in flight comes back
 * from virtio_scsi_reap, each cookie once; or from virtio_scsi_drain, if the controller is to be
 * stopped. Units stay open; each tells of the reset by a unit attention condition, and subscriptions to
 * notifications are to be made again. With commands submitted by hand the decision is the caller's:
 * virtio_scsi_wait gives VIRTIO_E_TIMEOUT and changes nothing; virtio_scsi_manage can abort the command
 * or reset its unit, and virtio_scsi_halt and virtio_scsi_recover reset the device.
 *
 * Should even the reset not be done in time, the device is lost (device.state is VIRTIO_DEVICE_LOST): see
 * virtio/blk.h, the rules are the same.
 *
 * Seen on QEMU 7.2: a device that asks for a reset; one that is unplugged while it works (device_del, over PCI)
 * and plugged in again. Seen on the fake device alone: lies about a ring; a reset that is never done.
 *
 * A request queue is one context's at a time, and different ones may be used side by side; all that is
 * not done on a request queue (start, stop, halt, recover, drain, management, events) is one context's,
 * with the queues at rest for the first five. A blocking call that halts the device does so for all. No
 * call may be made from a host hook.
 */
#ifndef VIRTIO_SCSI_H
#define VIRTIO_SCSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/buffer_queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Feature bits (spec 5.6.3); masks. */
#define VIRTIO_SCSI_F_INOUT   (UINT64_C(1) << 0)
#define VIRTIO_SCSI_F_HOTPLUG (UINT64_C(1) << 1)
#define VIRTIO_SCSI_F_CHANGE  (UINT64_C(1) << 2)
#define VIRTIO_SCSI_F_T10_PI  (UINT64_C(1) << 3)

/** The largest logical unit number. */
#define VIRTIO_SCSI_LUN_MAX 0x3fffu

/** Bytes of a CDB and of sense data: the sizes that a device has after a reset. */
#define VIRTIO_SCSI_CDB_SIZE   32u
#define VIRTIO_SCSI_SENSE_SIZE 96u

/** The largest queue that the driver asks for; where the device dictates, it may be larger. */
#define VIRTIO_SCSI_QUEUE_SIZE 256u

/** The most commands in flight on a request queue, and the most request queues. */
#define VIRTIO_SCSI_DEPTH_MAX  64u
#define VIRTIO_SCSI_QUEUES_MAX 16u

/** The most data of a command in each direction, in bytes. */
#define VIRTIO_SCSI_DATA_MAX (1u << 30)

/** Event buffers that the device has, and control requests that can be in flight. */
#define VIRTIO_SCSI_EVENTS   8u
#define VIRTIO_SCSI_CONTROLS 4u

/** Bytes of the page for small commands: the longest answer to an INQUIRY or REPORT LUNS. */
#define VIRTIO_SCSI_PAGE 4096u

/** Logical units of a target that a scan remembers. */
#define VIRTIO_SCSI_SCAN_UNITS 256u

/** How often the command layer repeats a command at most. */
#define VIRTIO_SCSI_RETRIES 8u

/** What became of a request (spec 5.6.6.1, 5.6.6.2). */
enum virtio_scsi_response {
    VIRTIO_SCSI_S_OK = 0, /* for a task management function: complete */
    VIRTIO_SCSI_S_OVERRUN = 1,
    VIRTIO_SCSI_S_ABORTED = 2,
    VIRTIO_SCSI_S_BAD_TARGET = 3,
    VIRTIO_SCSI_S_RESET = 4,
    VIRTIO_SCSI_S_BUSY = 5,
    VIRTIO_SCSI_S_TRANSPORT_FAILURE = 6,
    VIRTIO_SCSI_S_TARGET_FAILURE = 7,
    VIRTIO_SCSI_S_NEXUS_FAILURE = 8,
    VIRTIO_SCSI_S_FAILURE = 9,
    VIRTIO_SCSI_S_FUNCTION_SUCCEEDED = 10,
    VIRTIO_SCSI_S_FUNCTION_REJECTED = 11,
    VIRTIO_SCSI_S_INCORRECT_LUN = 12
};

/** Status of a command (SAM). */
enum virtio_scsi_status {
    VIRTIO_SCSI_STATUS_GOOD = 0x00,
    VIRTIO_SCSI_STATUS_CHECK_CONDITION = 0x02,
    VIRTIO_SCSI_STATUS_CONDITION_MET = 0x04,
    VIRTIO_SCSI_STATUS_BUSY = 0x08,
    VIRTIO_SCSI_STATUS_RESERVATION_CONFLICT = 0x18,
    VIRTIO_SCSI_STATUS_TASK_SET_FULL = 0x28,
    VIRTIO_SCSI_STATUS_ACA_ACTIVE = 0x30,
    VIRTIO_SCSI_STATUS_TASK_ABORTED = 0x40
};

/** Sense keys (SPC). */
enum virtio_scsi_sense_key {
    VIRTIO_SCSI_NO_SENSE = 0x0,
    VIRTIO_SCSI_RECOVERED_ERROR = 0x1,
    VIRTIO_SCSI_NOT_READY = 0x2,
    VIRTIO_SCSI_MEDIUM_ERROR = 0x3,
    VIRTIO_SCSI_HARDWARE_ERROR = 0x4,
    VIRTIO_SCSI_ILLEGAL_REQUEST = 0x5,
    VIRTIO_SCSI_UNIT_ATTENTION = 0x6,
    VIRTIO_SCSI_DATA_PROTECT = 0x7,
    VIRTIO_SCSI_BLANK_CHECK = 0x8,
    VIRTIO_SCSI_VENDOR_SPECIFIC = 0x9,
    VIRTIO_SCSI_COPY_ABORTED = 0xa,
    VIRTIO_SCSI_ABORTED_COMMAND = 0xb,
    VIRTIO_SCSI_VOLUME_OVERFLOW = 0xd,
    VIRTIO_SCSI_MISCOMPARE = 0xe,
    VIRTIO_SCSI_COMPLETED = 0xf
};

/** Task management functions (spec 5.6.6.2). */
enum virtio_scsi_tmf {
    VIRTIO_SCSI_T_TMF_ABORT_TASK = 0,
    VIRTIO_SCSI_T_TMF_ABORT_TASK_SET = 1,
    VIRTIO_SCSI_T_TMF_CLEAR_ACA = 2,
    VIRTIO_SCSI_T_TMF_CLEAR_TASK_SET = 3,
    VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET = 4,
    VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET = 5,
    VIRTIO_SCSI_T_TMF_QUERY_TASK = 6,
    VIRTIO_SCSI_T_TMF_QUERY_TASK_SET = 7
};

/** Kinds of events, and the reasons of a transport reset (spec 5.6.6.3). */
#define VIRTIO_SCSI_T_NO_EVENT        0u
#define VIRTIO_SCSI_T_TRANSPORT_RESET 1u
#define VIRTIO_SCSI_T_ASYNC_NOTIFY    2u
#define VIRTIO_SCSI_T_PARAM_CHANGE    3u

#define VIRTIO_SCSI_EVT_RESET_HARD    0u
#define VIRTIO_SCSI_EVT_RESET_RESCAN  1u
#define VIRTIO_SCSI_EVT_RESET_REMOVED 2u

/** Asynchronous notifications; a set of bits (spec 5.6.6.2). */
#define VIRTIO_SCSI_EVT_ASYNC_OPERATIONAL_CHANGE 2u
#define VIRTIO_SCSI_EVT_ASYNC_POWER_MGMT         4u
#define VIRTIO_SCSI_EVT_ASYNC_EXTERNAL_REQUEST   8u
#define VIRTIO_SCSI_EVT_ASYNC_MEDIA_CHANGE       16u
#define VIRTIO_SCSI_EVT_ASYNC_MULTI_HOST         32u
#define VIRTIO_SCSI_EVT_ASYNC_DEVICE_BUSY        64u

/** What to do otherwise than by default. */
struct virtio_scsi_options {
    uint16_t queues; /* request queues at most, 1 to VIRTIO_SCSI_QUEUES_MAX; 0: one */
};

struct virtio_scsi_slot;
struct virtio_scsi_queue;

/** A controller; the caller's memory, zeroed before its first use, at one place from start to stop. What is
 * marked so may be read, the rest is private. */
struct virtio_scsi {
    /* What the device says of itself; read. Names are those of struct virtio_scsi_config. */
    uint32_t num_queues;  /* request queues that it has */
    uint32_t seg_max;     /* segments of a command; the driver needs one each way */
    uint32_t max_sectors; /* hint: sectors of 512 bytes in a command; 0: not said */
    uint32_t cmd_per_lun;
    uint32_t event_info_size;
    uint16_t max_channel;
    uint16_t max_target; /* 255 at most, which is all that can be addressed */
    uint32_t max_lun;    /* VIRTIO_SCSI_LUN_MAX at most, likewise */

    uint16_t queue_count; /* read: request queues in use, numbered from 0 */
    uint16_t depth;       /* read: commands that can be in flight on each */
    uint32_t ignored;     /* read: events that made no sense */

    struct virtio_scsi_queue *queues; /* queue_count of them, and their slots */
    size_t private_size;              /* bytes there */
    struct virtio_queue control;
    struct virtio_shared controls; /* VIRTIO_SCSI_CONTROLS requests */
    uint32_t controls_free;        /* set of those that are not in flight */
    struct virtio_buffer_queue events;
    struct virtio_device device; /* read: state, features, timeout_us; for virtio_dump */
};

/** A command for the transport; the caller's, not needed any more after the call. */
struct virtio_scsi_command {
    uint16_t queue; /* which request queue */
    uint16_t lun;   /* 0 to VIRTIO_SCSI_LUN_MAX */
    uint8_t target;
    uint8_t cdb[VIRTIO_SCSI_CDB_SIZE]; /* zeros behind its end */
    const void *out;                   /* data for the device; only read */
    size_t out_bytes;                  /* 0: none */
    void *in;                          /* data from the device */
    size_t in_bytes;                   /* 0: none */
    uint64_t tag;                      /* out: for virtio_scsi_manage */
};

/** What came back. */
struct virtio_scsi_result {
    uint8_t response;          /* enum virtio_scsi_response; 0xff: none came */
    uint8_t status;            /* enum virtio_scsi_status, with VIRTIO_SCSI_S_OK; else 0xff */
    uint16_t status_qualifier; /* SAM */
    uint32_t residual;         /* bytes of data that were not moved */
    uint32_t sense_length;     /* bytes of `sense` that count */
    uint8_t sense[VIRTIO_SCSI_SENSE_SIZE];
};

/** A completed command. */
struct virtio_scsi_done {
    void *cookie; /* as given to the submit */
    int error;    /* as virtio_scsi_execute says; VIRTIO_E_RESET also when a reset took it back */
    struct virtio_scsi_result result;
};

/** Sense data, decoded. */
struct virtio_scsi_sense {
    uint8_t key; /* enum virtio_scsi_sense_key */
    uint8_t asc; /* additional sense code, and its qualifier */
    uint8_t ascq;
    bool deferred;        /* about an earlier command */
    bool has_information; /* `information` counts: mostly the first bad block */
    uint64_t information;
};

/** An event. */
struct virtio_scsi_event {
    uint32_t event;  /* VIRTIO_SCSI_T_... */
    uint32_t reason; /* VIRTIO_SCSI_EVT_...; a changed parameter: asc + 256 * ascq */
    uint8_t target;  /* these two do not count for VIRTIO_SCSI_T_NO_EVENT */
    uint16_t lun;
    bool missed; /* events before this one were lost: scan again */
};

/** A logical unit, as the command layer has it; the caller's memory. What virtio_scsi_open found may be read;
 * `queue` may be set between commands. */
struct virtio_scsi_unit {
    struct virtio_scsi *scsi;
    uint16_t queue; /* the request queue that its commands go to; 0 after open */
    uint16_t lun;
    uint8_t target;
    uint8_t type;    /* peripheral device type: 0 a disk, 5 a CD or DVD drive */
    uint8_t version; /* of the SCSI primary commands: 5 is SPC-3 */
    bool removable;
    char vendor[9]; /* these are ASCII, without trailing spaces, ended by NUL */
    char product[17];
    char revision[5];
    char serial[37]; /* of VPD page 80h; empty: it has none */

    bool ready;                 /* there is a medium, whose capacity follows */
    uint64_t blocks;            /* how many */
    uint32_t block_size;        /* bytes; 0 when not ready */
    uint8_t physical_exponent;  /* log2 of the blocks in a physical block */
    bool thin;                  /* thinly provisioned */
    bool unmaps;                /* virtio_scsi_unmap works */
    uint32_t transfer_max;      /* bytes of a command at most */
    uint32_t unmap_max;         /* blocks of an unmap command at most */
    uint32_t unmap_granularity; /* blocks; 0: not said */
    uint16_t rotation;          /* 1: does not rotate; 0: not said; else revolutions per minute */
    uint32_t
        transfer_blocks; /* private: what the unit says of transfer_max, in blocks; 0: nothing */
    uint32_t attentions; /* unit attention conditions that were met */
    struct virtio_scsi_sense attention; /* the latest one */
    struct virtio_scsi_result result;   /* of the latest blocking command */
};

/** One of the names that a unit has: an entry of VPD page 83h (SPC). */
struct virtio_scsi_designator {
    uint8_t code_set;     /* 1: binary, 2: ASCII, 3: UTF-8 */
    uint8_t association;  /* 0: of the unit, 1: of the port, 2: of the target */
    uint8_t type;         /* 1: T10 vendor id, 2: EUI-64, 3: NAA, 8: SCSI name string, ... */
    uint8_t length;       /* of `bytes` */
    const uint8_t *bytes; /* in the page */
};

/** A walk through the logical units of a controller; the caller's memory. */
struct virtio_scsi_scan {
    struct virtio_scsi *scsi;
    uint32_t target; /* that is looked at next */
    uint32_t count;  /* of the units of the one before it */
    uint32_t next;
    bool
        truncated; /* read: a target has more units than VIRTIO_SCSI_SCAN_UNITS; the rest was left out */
    uint16_t luns[VIRTIO_SCSI_SCAN_UNITS];
};

/* ---- The controller ---- */

/**
 * Start a controller.
 *
 * @param scsi     out: any content, but not a controller that is in use.
 * @param found    a device of type VIRTIO_ID_SCSI as it was found, or &scsi->device of one that was stopped;
 *                 copied. `force` and `timeout_us` may be set before.
 * @param options  NULL for the defaults; read during the call only.
 * @return VIRTIO_OK; the errors of virtio_device_begin, virtio_queue_start and virtio_device_ready;
 *         VIRTIO_E_INVALID for a device of another type or too many queues; VIRTIO_E_CONFIG (also for a
 *         device without request queues, or one that insists on other sizes of CDB and sense data than the
 *         specification's 32 and 96); VIRTIO_E_NOT_SUPPORTED when a queue is too small for a command;
 *         VIRTIO_E_NO_MEMORY. On error everything was undone.
 *
 * Context: the device's, not an interrupt handler. Spec 3.1.1, 5.6.5.
 */
int virtio_scsi_start(struct virtio_scsi *scsi, const struct virtio_device *found,
                      const struct virtio_scsi_options *options);

/**
 * Stop the controller and give everything back: reset, then free. Commands that are still in flight are taken
 * back without a word; halt and drain first if their cookies matter. Stopping a controller that is not
 * started does nothing.
 *
 * @return VIRTIO_OK, or VIRTIO_E_TIMEOUT when the device would not be reset: nothing was freed, and the
 *         device may still write to every buffer that is in flight. May be called again.
 *
 * Context: the device's. Spec 2.4.
 */
int virtio_scsi_stop(struct virtio_scsi *scsi);

/**
 * Take everything back from the device by a reset. Afterwards every buffer is the caller's again, and
 * virtio_scsi_drain tells which commands that concerns. Halting what is halted or not started does nothing.
 *
 * @return VIRTIO_OK, or VIRTIO_E_TIMEOUT when the device would not be reset (see virtio_scsi_stop).
 *
 * Context: the device's. Spec 2.4.
 */
int virtio_scsi_halt(struct virtio_scsi *scsi);

/**
 * Hand back one command of a halted controller.
 *
 * @param done  out, when 1 is returned: its cookie, and VIRTIO_E_RESET, or its own result when it had
 *              completed before the reset. With VIRTIO_E_RESET nobody knows how much of it was done.
 * @return 1: one was handed back; 0: none is left; VIRTIO_E_BUSY when the controller was not halted.
 *
 * Context: the device's.
 */
int virtio_scsi_drain(struct virtio_scsi *scsi, struct virtio_scsi_done *done);

/**
 * Bring a controller back that needs a reset, broke a ring, did not answer, was halted or was gone.
 * Nothing is allocated. Commands that were in flight come back from virtio_scsi_reap and
 * virtio_scsi_wait, each cookie once, with VIRTIO_E_RESET or their own result if they had completed; new
 * ones may be submitted at once. Events that were not taken are lost: scan again.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE when the controller is not started; the errors of virtio_device_recover and
 *         VIRTIO_E_CONFIG: the controller is halted (VIRTIO_E_TIMEOUT: lost). May be called again, for a device that
 *         was gone (VIRTIO_E_GONE) when it is back.
 *
 * Context: the device's, with the request queues at rest. Spec 2.1.2, 2.4.
 */
int virtio_scsi_recover(struct virtio_scsi *scsi);

/* ---- The transport ---- */

/**
 * Carry out a command, and wait for it. It is sent once, whatever it answers.
 *
 * @param command  its data buffers are the device's until the call returns.
 * @param result   out, may be NULL: what came back, also on error; all zero but for a response of 0xff
 *                 when nothing did.
 * @return VIRTIO_OK: GOOD, CONDITION MET or RECOVERED ERROR, with whatever residual;
 *         refused, with nothing done: VIRTIO_E_INVALID (no such queue, LUN or buffer), VIRTIO_E_TOO_LONG
 *         (more than VIRTIO_SCSI_DATA_MAX), VIRTIO_E_NOT_SUPPORTED (data both ways without
 *         VIRTIO_SCSI_F_INOUT), VIRTIO_E_STATE (not started, or halted), VIRTIO_E_FULL (every slot is
 *         taken by commands in flight: reap), VIRTIO_E_MAP;
 *         failed, the controller works on: VIRTIO_E_NO_DEVICE (no such target or unit),
 *         VIRTIO_E_UNSUPPORTED_REQUEST (ILLEGAL REQUEST), VIRTIO_E_OUT_OF_RANGE (the same, for blocks
 *         that are not there), VIRTIO_E_READ_ONLY (DATA PROTECT), VIRTIO_E_RESET (aborted, or taken
 *         back by a reset of the unit), VIRTIO_E_IO (all other responses, statuses and sense keys: see the
 *         result), VIRTIO_E_RESPONSE (one that does not exist, or lengths that can't be), VIRTIO_E_MAP;
 *         failed, the controller is halted: VIRTIO_E_TIMEOUT (no answer for device.timeout_us, counted
 *         from its latest answer), VIRTIO_E_BROKEN, VIRTIO_E_NEEDS_RESET, VIRTIO_E_GONE, VIRTIO_E_STATE
 *         (somebody else reset the device);
 *         VIRTIO_E_BUSY: lost, the buffers are still the device's (see virtio/blk.h).
 *
 * Context: the request queue's; may be long. Spec 5.6.6.1.
 */
int virtio_scsi_execute(struct virtio_scsi *scsi, struct virtio_scsi_command *command,
                        struct virtio_scsi_result *result);

/**
 * Hand in a command; the device sees it at the next virtio_scsi_kick or virtio_scsi_wait.
 *
 * @param command  copied, and `tag` filled in; its buffers are the library's, and the device's, until it is
 *                 handed back.
 * @param cookie   comes back with the completion; any value.
 * @return VIRTIO_OK: the cookie will come back exactly once, from virtio_scsi_reap, virtio_scsi_wait or
 *         virtio_scsi_drain. On error nothing was submitted: the refusals of virtio_scsi_execute, where
 *         VIRTIO_E_FULL stands for the queue too; the queue's latched error.
 *
 * Context: the request queue's. No register access. Spec 5.6.6.1.
 */
int virtio_scsi_submit(struct virtio_scsi *scsi, struct virtio_scsi_command *command, void *cookie);

/**
 * Show the device all that was submitted on a request queue: at most one notification.
 *
 * @return VIRTIO_OK, VIRTIO_E_INVALID (no such queue), VIRTIO_E_STATE, the queue's latched error.
 *
 * Context: the request queue's. One register access at most.
 */
int virtio_scsi_kick(struct virtio_scsi *scsi, uint16_t queue);

/**
 * Take one completed command of a request queue, if there is one.
 *
 * @param done  out, when 1 is returned.
 * @return 1: one was taken; 0: none is there; VIRTIO_E_INVALID (no such queue); VIRTIO_E_STATE;
 *         VIRTIO_E_BROKEN and other errors that the queue latched: halt and drain.
 *
 * Context: the request queue's. No register access.
 */
int virtio_scsi_reap(struct virtio_scsi *scsi, uint16_t queue, struct virtio_scsi_done *done);

/**
 * Kick, wait until a command of a request queue is complete, and take it.
 *
 * @param done        out, when 1 is returned.
 * @param timeout_us  microseconds without any answer of the device, at least 1.
 * @return 1; or the errors of virtio_scsi_reap; VIRTIO_E_INVALID; VIRTIO_E_TIMEOUT: all stays in flight, wait
 *         again, abort (virtio_scsi_manage) or halt; VIRTIO_E_NEEDS_RESET and VIRTIO_E_GONE: halt;
 *         VIRTIO_E_STATE when nothing is in flight.
 *
 * Context: the request queue's; may be long.
 */
int virtio_scsi_wait(struct virtio_scsi *scsi, uint16_t queue, struct virtio_scsi_done *done,
                     uint32_t timeout_us);

/** How many commands were submitted on a request queue and not yet handed back. Context: the queue's. */
uint16_t virtio_scsi_in_flight(const struct virtio_scsi *scsi, uint16_t queue);

/* ---- Management and events ---- */

/**
 * Have a task management function carried out, and wait for it. What it does to commands in flight shows
 * when they are reaped, as VIRTIO_E_RESET mostly: they are all completed before this returns VIRTIO_OK.
 *
 * @param function  one of them (spec 5.6.6.2).
 * @param lun       ignored by the device for VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET.
 * @param tag       of the command, for ABORT_TASK and QUERY_TASK.
 * @return VIRTIO_OK: function complete; a query has found nothing. 1: function succeeded; a query has found
 *         something. VIRTIO_E_UNSUPPORTED_REQUEST (rejected); VIRTIO_E_NO_DEVICE (no such target or unit);
 *         VIRTIO_E_IO (the other responses); VIRTIO_E_RESPONSE; VIRTIO_E_INVALID; VIRTIO_E_STATE;
 *         VIRTIO_E_TIMEOUT: no answer for device.timeout_us; it may still be carried out; VIRTIO_E_FULL:
 *         VIRTIO_SCSI_CONTROLS functions are without an answer; a queue's error. Nothing is halted, for all
 *         memory concerned is the library's.
 *
 * Context: the device's; may be long. Spec 5.6.6.2.
 */
int virtio_scsi_manage(struct virtio_scsi *scsi, enum virtio_scsi_tmf function, uint8_t target,
                       uint16_t lun, uint64_t tag);

/**
 * Ask which asynchronous notifications a unit can send.
 *
 * @param requested  set of VIRTIO_SCSI_EVT_ASYNC_...: those that are of interest.
 * @param actual     out: those among them that the device has; 0 on error.
 * @return VIRTIO_OK or as virtio_scsi_manage.
 *
 * Context: the device's; may be long. Spec 5.6.6.2.
 */
int virtio_scsi_query_notifications(struct virtio_scsi *scsi, uint8_t target, uint16_t lun,
                                    uint32_t requested, uint32_t *actual);

/** Subscribe to asynchronous notifications of a unit: as virtio_scsi_query_notifications, and from then on
 * they come as events. */
int virtio_scsi_subscribe_notifications(struct virtio_scsi *scsi, uint8_t target, uint16_t lun,
                                        uint32_t requested, uint32_t *actual);

/**
 * Take the next event, if there is one.
 *
 * @param event  out, when 1 is returned.
 * @return 1: one was taken; 0: none is there; VIRTIO_E_STATE; the queue's error.
 *
 * Context: the device's. One register access at most, after an event. Spec 5.6.6.3.
 */
int virtio_scsi_poll_event(struct virtio_scsi *scsi, struct virtio_scsi_event *event);

/**
 * Wait for an event, and take it.
 *
 * @param event       out, when 1 is returned.
 * @param timeout_us  microseconds, at least 1.
 * @return 1; VIRTIO_E_INVALID; VIRTIO_E_TIMEOUT: nothing happened; VIRTIO_E_NEEDS_RESET; VIRTIO_E_GONE;
 *         otherwise as virtio_scsi_poll_event.
 *
 * Context: the device's; may be long.
 */
int virtio_scsi_wait_event(struct virtio_scsi *scsi, struct virtio_scsi_event *event,
                           uint32_t timeout_us);

/* ---- Finding logical units ---- */

/**
 * Begin a walk through all logical units: targets 0 to max_target, and of each what REPORT LUNS lists up to
 * max_lun. A unit that the list names without a device behind it (LUN 0, mostly) is left out.
 *
 * Context: any. Touches no device.
 */
void virtio_scsi_scan_begin(struct virtio_scsi_scan *scan, struct virtio_scsi *scsi);

/**
 * The next one.
 *
 * @param target  out.
 * @param lun     out.
 * @return VIRTIO_OK; VIRTIO_E_NO_DEVICE: that was all; errors that concern the whole controller
 *         (VIRTIO_E_STATE, VIRTIO_E_FULL, VIRTIO_E_TIMEOUT, VIRTIO_E_BROKEN and so on). A target that fails
 *         otherwise is passed over.
 *
 * Context: request queue 0's; may be long. Waits.
 */
int virtio_scsi_scan_next(struct virtio_scsi_scan *scan, uint8_t *target, uint16_t *lun);

/**
 * REPORT LUNS: which logical units a target has.
 *
 * @param queue      the request queue to use.
 * @param luns       out: `most` of them at most. Entries of forms that can't be addressed here are left out.
 * @param count      out: how many were given; 0 on error.
 * @param truncated  out: there are more than that: than `most`, or than fit into VIRTIO_SCSI_PAGE.
 * @return as virtio_scsi_execute.
 *
 * Context: the request queue's; may be long.
 */
int virtio_scsi_report_luns(struct virtio_scsi *scsi, uint16_t queue, uint8_t target,
                            uint16_t *luns, uint32_t most, uint32_t *count, bool *truncated);

/* ---- A logical unit ---- */

/**
 * Find out about a logical unit: INQUIRY, its vital product data, TEST UNIT READY, READ CAPACITY. There is
 * nothing to close.
 *
 * @param unit  out.
 * @return VIRTIO_OK, also for a drive without a medium (ready is false then) and for a unit that has no blocks;
 *         VIRTIO_E_NO_DEVICE: no such unit; otherwise as virtio_scsi_execute; VIRTIO_E_RESPONSE also for answers that
 *         make no sense. `result` of the unit has the latest command's.
 *
 * Context: request queue 0's; may be long.
 */
int virtio_scsi_open(struct virtio_scsi_unit *unit, struct virtio_scsi *scsi, uint8_t target,
                     uint16_t lun);

/**
 * Standard INQUIRY data.
 *
 * @param bytes  out.
 * @param size   1 to VIRTIO_SCSI_PAGE.
 * @param got    out: how many bytes there were; 0 on error.
 * @return as virtio_scsi_execute, after repeats.
 *
 * Context: the request queue's; may be long.
 */
int virtio_scsi_inquiry(struct virtio_scsi_unit *unit, void *bytes, size_t size, size_t *got);

/**
 * A page of vital product data: 00h lists those that there are, 80h is the serial number, 83h names, B0h
 * limits, B1h characteristics, B2h provisioning.
 *
 * @param got  out: bytes of the page with its head, cut to `size`; 0 on error. The length that the page
 *             says of itself was checked against what came.
 * @return as virtio_scsi_inquiry; VIRTIO_E_UNSUPPORTED_REQUEST: there is no such page; VIRTIO_E_RESPONSE for
 *         another page than was asked for.
 *
 * Context: the request queue's; may be long.
 */
int virtio_scsi_inquiry_page(struct virtio_scsi_unit *unit, uint8_t page, void *bytes, size_t size,
                             size_t *got);

/**
 * Walk through the names in VPD page 83h, as virtio_scsi_inquiry_page gave it.
 *
 * @param page    the page with its head.
 * @param length  bytes of it that there are.
 * @param at      in: 0 the first time; out: for the next call.
 * @return true: *designator is the next name, wholly within the page; false: there is none.
 *
 * Context: any. Touches no device.
 */
bool virtio_scsi_next_designator(const uint8_t *page, size_t length, size_t *at,
                                 struct virtio_scsi_designator *designator);

/** TEST UNIT READY. @return as virtio_scsi_execute, after repeats; VIRTIO_E_IO with the sense key NOT READY when
 * there is no medium. Context: the request queue's; may be long. */
int virtio_scsi_test_unit_ready(struct virtio_scsi_unit *unit);

/** REQUEST SENSE: what a unit has to say without a command having failed; NO SENSE mostly.
 * @param sense out. @return as virtio_scsi_execute; VIRTIO_E_RESPONSE when it was no sense data. Context: the
 * request queue's; may be long. */
int virtio_scsi_request_sense(struct virtio_scsi_unit *unit, struct virtio_scsi_sense *sense);

/**
 * READ CAPACITY, and note it in the unit: (16) for disks, (10) for what does not know that, and for
 * other types.
 *
 * @return as virtio_scsi_execute, after repeats; VIRTIO_E_RESPONSE for a block size that is not a power of two
 *         from 256 to 65536, or more bytes than 2^64. On error the unit is not ready.
 *
 * Context: the request queue's; may be long.
 */
int virtio_scsi_read_capacity(struct virtio_scsi_unit *unit);

/**
 * Read, and wait for it: READ (10), or (16) where that is too small.
 *
 * @param block   first block.
 * @param buffer  out: the data; undefined on error.
 * @param bytes   a multiple of block_size, not 0.
 * @return as virtio_scsi_execute, after repeats; refused: VIRTIO_E_INVALID (no buffer, not whole blocks),
 *         VIRTIO_E_ZERO_LENGTH, VIRTIO_E_OUT_OF_RANGE, VIRTIO_E_NOT_SUPPORTED (not ready);
 *         VIRTIO_E_RESPONSE also for fewer bytes than asked for.
 *
 * Context: the request queue's; may be long.
 */
int virtio_scsi_read(struct virtio_scsi_unit *unit, uint64_t block, void *buffer, size_t bytes);

/** Write, and wait for it; as virtio_scsi_read. The buffer is only read. After a failure any part of the range may
 * have been written. What was written is safe only after a flush. */
int virtio_scsi_write(struct virtio_scsi_unit *unit, uint64_t block, const void *buffer,
                      size_t bytes);

/**
 * Bring every write that has completed to stable storage, and wait for it: SYNCHRONIZE CACHE (10), for
 * all blocks. A unit that does not know the command has no cache: that is success.
 *
 * @return as virtio_scsi_read.
 *
 * Context: the request queue's; may be long.
 */
int virtio_scsi_flush(struct virtio_scsi_unit *unit);

/**
 * The same for some blocks, by SYNCHRONIZE CACHE (10), or (16) where that is too small.
 *
 * @param blocks  how many; 0: all from `block` on.
 * @return as virtio_scsi_flush; VIRTIO_E_OUT_OF_RANGE.
 *
 * Context: the request queue's; may be long.
 */
int virtio_scsi_flush_range(struct virtio_scsi_unit *unit, uint64_t block, uint32_t blocks);

/**
 * UNMAP: tell the unit that the contents of blocks are not needed any more, and wait for it. What is read there
 * afterwards is up to the unit. In commands of unmap_max blocks.
 *
 * @return as virtio_scsi_read; VIRTIO_E_NOT_SUPPORTED when unmaps is false; VIRTIO_E_ZERO_LENGTH.
 *
 * Context: the request queue's; may be long.
 */
int virtio_scsi_unmap(struct virtio_scsi_unit *unit, uint64_t block, uint64_t blocks);

/**
 * Hand in a read; as virtio_scsi_submit, with the refusals of virtio_scsi_read, and VIRTIO_E_TOO_LONG
 * for more than transfer_max bytes. A completion with fewer bytes than asked for has VIRTIO_E_RESPONSE.
 *
 * Context: the request queue's. No register access.
 */
int virtio_scsi_submit_read(struct virtio_scsi_unit *unit, uint64_t block, void *buffer,
                            size_t bytes, void *cookie);

/** Hand in a write; as virtio_scsi_submit_read. The buffer is only read. */
int virtio_scsi_submit_write(struct virtio_scsi_unit *unit, uint64_t block, const void *buffer,
                             size_t bytes, void *cookie);

/** Hand in a flush of the writes that were handed back before; as virtio_scsi_submit_read. */
int virtio_scsi_submit_flush(struct virtio_scsi_unit *unit, void *cookie);

/* ---- Sense data and names ---- */

/**
 * Decode sense data, of fixed or descriptor format, current or deferred.
 *
 * @param bytes   as in virtio_scsi_result; may be too short for any field: what is missing is 0.
 * @param sense   out: all zero on error.
 * @return VIRTIO_OK; VIRTIO_E_RESPONSE for what is no sense data.
 *
 * Context: any. Touches no device.
 */
int virtio_scsi_decode_sense(const uint8_t *bytes, uint32_t length,
                             struct virtio_scsi_sense *sense);

/** Names, for messages; never NULL: "reserved", "unknown response" and so on for what has none. Those of additional
 * sense codes are a selection: what disks say, and CD drives about their medium. Context: any. */
const char *virtio_scsi_response_name(uint8_t response);
const char *virtio_scsi_status_name(uint8_t status);
const char *virtio_scsi_key_name(uint8_t key);
const char *virtio_scsi_asc_name(uint8_t asc, uint8_t ascq);

#ifdef __cplusplus
}
#endif

#endif
