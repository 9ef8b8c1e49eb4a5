/* SPDX-License-Identifier: MIT */
/*
 * The 9P transport driver (device type 9): a folder of the host, by the 9P2000.L protocol.
 *
 *     static struct virtio_9p share;
 *     struct virtio_9p_fid root, file;
 *
 *     error = virtio_9p_start(&share, &found);                      share.tag is the folder's name
 *     error = virtio_9p_attach(&share, "root", "", &root);
 *     error = virtio_9p_walk(&share, &root, "docs/readme.txt", &file);
 *     error = virtio_9p_open(&share, &file, VIRTIO_9P_READ_ONLY);
 *     error = virtio_9p_read(&share, &file, 0, buffer, sizeof(buffer), &bytes);
 *     error = virtio_9p_clunk(&share, &file);                       done with it
 *     error = virtio_9p_stop(&share);                               gives everything back
 *
 * Many in flight, from several files too:
 *
 *     while (virtio_9p_submit_read(&share, &file, offset, buffer, bytes, request) == VIRTIO_OK)
 *         ...                                                       VIRTIO_E_FULL: enough for now
 *     virtio_9p_kick(&share);                                       one notification for all of them
 *     while (virtio_9p_reap(&share, &done) > 0)                     or virtio_9p_wait
 *         complete(done.cookie, done.error, done.bytes);
 *
 * The blocking calls go the same way, one request at a time, and may be mixed with the others: what else
 * completes while they wait is kept for virtio_9p_reap. The order in which the host carries out what is
 * in flight at the same time is not defined.
 *
 * Fids. A struct virtio_9p_fid is the caller's and stands for a file or folder on the host, as a path,
 * or opened for reading and writing; the host knows it by a number that the driver chooses. It is made
 * by virtio_9p_attach, virtio_9p_walk and virtio_9p_create and lasts until virtio_9p_clunk, or until the
 * share is halted, recovered or stopped: then the host has forgotten all of them, and using one gives
 * VIRTIO_E_STALE. There are VIRTIO_9P_FIDS_MAX at a time.
 *
 * Names. A path is a string of names with '/' between them, taken from the fid that it is walked from; empty
 * names and "." are passed over, ".." goes up, but not above what was attached. A name is 1 to
 * VIRTIO_9P_NAME_MAX bytes, any but '/' and NUL, of whatever encoding the host uses: UTF-8, today.
 *
 * Length. A read or write may have any length. What is more than one message takes (msize, the file's
 * iounit) goes out as several, one after the other, and comes back as one completion; the following ones are
 * sent by virtio_9p_reap, virtio_9p_wait and the blocking calls.
 *
 * Memory. Messages are built in DMA memory of the library, 1 KiB a request; file contents and folder
 * listings go between the caller's buffers, by the host's map hook, and the device without a copy, and
 * the buffers are the library's from submit to completion. Nothing is allocated after virtio_9p_start.
 *
 * Features: a bit that is offered is taken when the driver implements it.
 *
 *     bit                       taken  why
 *      0  VIRTIO_9P_MOUNT_TAG   yes    needed: the tag is all that tells one folder from another
 *
 * The specification names the device type and says nothing else about it; queue, configuration space and
 * messages are as QEMU has them, and the protocol's documents (9P2000, and 9P2000.L as Linux's 9p client and
 * diod describe it). Messages are little-endian on legacy devices, too; the length of the tag is not.
 * Not implemented: authentication (afid), links, device nodes, extended attributes, locks.
 *
 * When things go wrong. When the host refuses a request, for instance because there is no such file, the
 * call returns VIRTIO_E_ERRNO, and `error_number` says why, in Linux's numbers. That, VIRTIO_E_RESPONSE
 * (an answer that the protocol does not allow) and VIRTIO_E_MAP are the one request's alone; the share
 * stays usable. When the device does not answer within device.timeout_us, lies about the ring, asks for
 * a reset or is gone, the blocking call that notices, or is the first after virtio_9p_wait or another
 * call said so, resets the device before it returns, because until then the device may write to a
 * caller's buffer. The share is halted then: every call returns VIRTIO_E_STATE, and virtio_9p_drain
 * hands back what else was in flight, each cookie once. virtio_9p_recover brings the share back to life,
 * as do virtio_9p_stop and virtio_9p_start; either way the host has forgotten all fids. With requests
 * submitted by hand the decision is the caller's: virtio_9p_wait gives VIRTIO_E_TIMEOUT and changes
 * nothing, virtio_9p_cancel asks the host to give a request up, virtio_9p_halt resets.
 * virtio_dump(&share.device) explains either.
 *
 * Should even the reset not be done in time, the device is lost (device.state is VIRTIO_DEVICE_LOST): it
 * may still write to every buffer that was in flight. The blocking call returns VIRTIO_E_BUSY, its buffer
 * must never be used again, and the library keeps its own memory rather than give it back, unless a
 * later virtio_9p_stop succeeds in resetting the device after all.
 *
 * Seen on QEMU 7.2: a device that asks for a reset; one that is unplugged (device_del, over PCI) and plugged in
 * again. Seen on the fake device alone: one that is unplugged while it works, of which QEMU itself dies; lies
 * about a ring; a reset that is never done.
 *
 * A share is one context's at a time. No call may be made from a host hook.
 */
#ifndef VIRTIO_9P_H
#define VIRTIO_9P_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Feature bits; masks. */
#define VIRTIO_9P_MOUNT_TAG (UINT64_C(1) << 0)

/** Bytes of a mount tag with its terminating NUL, at most. */
#define VIRTIO_9P_TAG_SIZE 256u

/** Bytes of one name in a path, at most. */
#define VIRTIO_9P_NAME_MAX 255u

/** Fids at a time. */
#define VIRTIO_9P_FIDS_MAX 256u

/** The largest queue that the driver asks for; where the device dictates, it may be larger. */
#define VIRTIO_9P_QUEUE_SIZE 128u

/** The most requests that are in flight at once, however large the queue is. */
#define VIRTIO_9P_DEPTH_MAX 32u

/** The size of message that is asked for, and the least that a host must agree to: bytes. */
#define VIRTIO_9P_MSIZE     524288u
#define VIRTIO_9P_MSIZE_MIN 4096u

/** How to open a file: one of the first three, and any of the others. */
#define VIRTIO_9P_READ_ONLY  0x0u
#define VIRTIO_9P_WRITE_ONLY 0x1u
#define VIRTIO_9P_READ_WRITE 0x2u
#define VIRTIO_9P_EXCLUSIVE  0x80u    /* create: fail if it exists */
#define VIRTIO_9P_TRUNCATE   0x200u   /* to nothing */
#define VIRTIO_9P_APPEND     0x400u   /* every write goes to the end */
#define VIRTIO_9P_DIRECTORY  0x10000u /* fail unless it is a folder */
#define VIRTIO_9P_SYNC       0x101000u

/** Kinds of file (the first byte of 9P's qid). */
#define VIRTIO_9P_KIND_FILE      0x00u
#define VIRTIO_9P_KIND_LINK      0x02u
#define VIRTIO_9P_KIND_DIRECTORY 0x80u

/** virtio_9p_remove: it is a folder, which must be empty. */
#define VIRTIO_9P_REMOVE_DIRECTORY 0x200u

/** Why the host refused, where the kernel is likely to care: Linux's numbers; others are possible. */
enum virtio_9p_error_number {
    VIRTIO_9P_EPERM = 1,
    VIRTIO_9P_ENOENT = 2,
    VIRTIO_9P_EINTR = 4, /* it was cancelled */
    VIRTIO_9P_EIO = 5,
    VIRTIO_9P_EBADF = 9,
    VIRTIO_9P_EACCES = 13,
    VIRTIO_9P_EEXIST = 17,
    VIRTIO_9P_ENOTDIR = 20,
    VIRTIO_9P_EISDIR = 21,
    VIRTIO_9P_EINVAL = 22,
    VIRTIO_9P_EFBIG = 27,
    VIRTIO_9P_ENOSPC = 28,
    VIRTIO_9P_EROFS = 30,
    VIRTIO_9P_ENAMETOOLONG = 36,
    VIRTIO_9P_ENOTEMPTY = 39,
    VIRTIO_9P_EOPNOTSUPP = 95
};

struct virtio_9p;

/** A file or folder on the host; the caller's memory, any content before it is made, one copy of it. What is
 * marked so may be read, the rest is private. */
struct virtio_9p_fid {
    uint64_t path;    /* read: the file's number; the same for the same file */
    uint32_t version; /* read: changes with the file, on some hosts */
    uint32_t iounit;  /* bytes that a message may carry for an open file; 0: as msize has it */
    const struct virtio_9p *share; /* NULL: it is none */
    uint32_t session;              /* of the share, when it was made */
    uint16_t number;               /* what the host knows it by */
    uint8_t kind;                  /* read: VIRTIO_9P_KIND_..., or others */
    bool is_open;                  /* read: it can't be walked from any more */
};

/** What virtio_9p_getattr tells. Times are in seconds and nanoseconds since 1970. */
struct virtio_9p_attributes {
    uint64_t valid; /* which of these the host filled in: VIRTIO_9P_ATTRIBUTE_... */
    uint32_t mode;  /* type and permissions, as Linux's st_mode */
    uint32_t uid;
    uint32_t gid;
    uint64_t nlink;
    uint64_t rdev;
    uint64_t size; /* bytes */
    uint64_t blksize;
    uint64_t blocks; /* of 512 bytes */
    uint64_t atime_sec;
    uint64_t atime_nsec;
    uint64_t mtime_sec;
    uint64_t mtime_nsec;
    uint64_t ctime_sec;
    uint64_t ctime_nsec;
};

#define VIRTIO_9P_ATTRIBUTE_MODE  0x001u
#define VIRTIO_9P_ATTRIBUTE_SIZE  0x200u
#define VIRTIO_9P_ATTRIBUTE_BASIC 0x7ffu /* all of the struct */

/** What virtio_9p_setattr changes: those named in `valid`. */
struct virtio_9p_changes {
    uint32_t valid; /* VIRTIO_9P_SET_... */
    uint32_t mode;  /* permissions */
    uint32_t uid;
    uint32_t gid;
    uint64_t size; /* bytes: cut off, or filled up with zeros */
    uint64_t atime_sec;
    uint64_t atime_nsec;
    uint64_t mtime_sec;
    uint64_t mtime_nsec;
};

#define VIRTIO_9P_SET_MODE      0x01u
#define VIRTIO_9P_SET_UID       0x02u
#define VIRTIO_9P_SET_GID       0x04u
#define VIRTIO_9P_SET_SIZE      0x08u
#define VIRTIO_9P_SET_ATIME_NOW 0x10u /* to the host's time */
#define VIRTIO_9P_SET_MTIME_NOW 0x20u
#define VIRTIO_9P_SET_ATIME     0x90u /* to the one given */
#define VIRTIO_9P_SET_MTIME     0x120u

/** What virtio_9p_statfs tells of the file system behind the folder. */
struct virtio_9p_file_system {
    uint32_t type;  /* Linux's magic number */
    uint32_t bsize; /* bytes of a block */
    uint64_t blocks;
    uint64_t bfree;
    uint64_t bavail;
    uint64_t files;
    uint64_t ffree;
    uint64_t fsid;
    uint32_t namelen; /* bytes of a name, at most */
};

/** An entry of a folder. */
struct virtio_9p_entry {
    uint64_t path;        /* the file's number, as in struct virtio_9p_fid */
    uint64_t offset;      /* where the listing goes on after it */
    uint16_t name_length; /* 1 to VIRTIO_9P_NAME_MAX */
    uint8_t kind;         /* VIRTIO_9P_KIND_..., or others */
    uint8_t type;         /* as Linux's d_type */
    char name[VIRTIO_9P_NAME_MAX + 1];
};

/** A listing under way; the caller's memory, contents private. */
struct virtio_9p_listing {
    struct virtio_9p_fid *fid;
    uint8_t *buffer;
    size_t size;     /* of the buffer */
    size_t at;       /* the next entry in it */
    size_t bytes;    /* in it */
    uint64_t offset; /* in the folder: behind the last entry taken */
    uint64_t began;  /* in the folder: where the buffer's entries begin */
};

struct virtio_9p_slot;

/** A shared folder; the caller's memory, zeroed before its first use, at one place from start to stop. What is
 * marked so may be read, the rest is private. */
struct virtio_9p {
    char tag[VIRTIO_9P_TAG_SIZE]; /* read: the folder's name, as the device has it, ended by NUL */
    uint16_t tag_length;          /* read: bytes of it, which may be any */
    uint32_t msize;               /* read: bytes of a message at most, as agreed */
    uint32_t error_number;        /* read: why the latest VIRTIO_E_ERRNO of a blocking call */
    uint16_t depth;               /* read: requests that can be in flight at once */
    uint16_t in_flight;           /* read: requests submitted and not yet handed back */

    uint32_t session; /* counts starts and recoveries; fids of others are stale */
    uint32_t fids[VIRTIO_9P_FIDS_MAX / 32]; /* numbers in use, a set */
    struct virtio_9p_slot *free_slots;      /* chained */
    struct virtio_9p_slot *ready_slots;     /* chained: finished, not yet handed back */
    struct virtio_9p_slot **ready_tail;     /* where the next one is chained to */
    struct virtio_9p_slot *slots;           /* all, `depth` of them */
    struct virtio_shared shared;            /* messages: one unit a slot */
    struct virtio_queue queue;
    struct virtio_device device; /* read: state, features, timeout_us; for virtio_dump */
};

/** A completed request. */
struct virtio_9p_done {
    void *cookie;          /* as given to the submit */
    size_t bytes;          /* read or written, also before an error */
    int error;             /* VIRTIO_OK, or why it failed: VIRTIO_E_ERRNO, VIRTIO_E_RESPONSE,
                              VIRTIO_E_MAP, VIRTIO_E_RESET (taken back by a reset) */
    uint32_t error_number; /* with VIRTIO_E_ERRNO: enum virtio_9p_error_number; else 0 */
};

/**
 * Start a share: find its tag, and agree with the host on 9P2000.L and the size of messages.
 *
 * @param share  out: any content after its first use, but not a share that is in use.
 * @param found  a device of type VIRTIO_ID_9P as it was found, or &share->device of a share that was
 *               stopped; copied. `force` and `timeout_us` may be set before.
 * @return VIRTIO_OK; the errors of virtio_device_begin, virtio_queue_start and virtio_device_ready;
 *         VIRTIO_E_INVALID for a device of another type; VIRTIO_E_CONFIG, also for a tag of no bytes or too
 *         many; VIRTIO_E_NOT_SUPPORTED when there is no tag, the queue is too small for any request, or the
 *         host speaks no 9P2000.L or in messages below VIRTIO_9P_MSIZE_MIN; VIRTIO_E_NO_MEMORY; the errors of
 *         virtio_9p_clunk. On error everything was undone, but for VIRTIO_E_BUSY.
 *
 * Context: the share's, not an interrupt handler; may be long. Allocates: the ring, and for each request of
 * `depth`, and one more, 1 KiB of shared memory and about 400 bytes of private memory.
 */
int virtio_9p_start(struct virtio_9p *share, const struct virtio_device *found);

/**
 * Stop the share and give everything back: reset, then free. Requests that are still in flight are taken
 * back without a word; halt and drain first if their cookies matter. All fids are void. Stopping a share
 * that is not started does nothing.
 *
 * @return VIRTIO_OK, or VIRTIO_E_TIMEOUT when the device would not be reset: nothing was freed, and the
 *         device may still write to every buffer that is in flight. May be called again.
 *
 * Context: the share's. Spec 2.4.
 */
int virtio_9p_stop(struct virtio_9p *share);

/**
 * Take everything back from the device by a reset. Afterwards every buffer is the caller's again, all fids are
 * void, and virtio_9p_drain tells which requests that concerns. Halting a share that is halted or not
 * started does nothing.
 *
 * @return VIRTIO_OK, or VIRTIO_E_TIMEOUT when the device would not be reset (see virtio_9p_stop).
 *
 * Context: the share's. Spec 2.4.
 */
int virtio_9p_halt(struct virtio_9p *share);

/**
 * Bring back a share that needs a reset, broke the ring's rules, did not answer, was halted, or was gone
 * and is there again: the second half of virtio_9p_start. Requests that were in flight come back as
 * others do, each cookie once, with VIRTIO_E_RESET or their own result when they had completed. All fids
 * are void, msize and tag may be others. Nothing is allocated.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE when it was never started; VIRTIO_E_TIMEOUT and VIRTIO_E_GONE: the device
 *         is lost, or still gone; the errors of virtio_device_recover, VIRTIO_E_CONFIG, and what
 *         virtio_9p_start returns of the host's answer. On error the share is halted, virtio_9p_drain hands
 *         back what was in flight, and this may be tried again.
 *
 * Context: the share's; may be long. Spec 2.1.2.
 */
int virtio_9p_recover(struct virtio_9p *share);

/**
 * Hand back one request of a halted share.
 *
 * @param done  out, when 1 is returned: its cookie, and VIRTIO_E_RESET, or its own result when it had
 *              completed before the reset. With VIRTIO_E_RESET nobody knows how much of it was done.
 * @return 1: one was handed back; 0: none is left; VIRTIO_E_BUSY when the share was not halted.
 *
 * Context: the share's.
 */
int virtio_9p_drain(struct virtio_9p *share, struct virtio_9p_done *done);

/**
 * Enter the folder: a fid for its top.
 *
 * @param user  who the host shall take us for, ended by NUL, at most VIRTIO_9P_NAME_MAX bytes; QEMU does not care.
 * @param name  which of the host's trees, ended by NUL, as long at most; QEMU has one and does not care.
 * @param fid   out: the top, a folder.
 * @return as virtio_9p_walk.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_attach(struct virtio_9p *share, const char *user, const char *name,
                     struct virtio_9p_fid *fid);

/**
 * A fid for what a path leads to. It need not be a file that can be opened.
 *
 * @param from  where the path begins: a folder that is not open; any fid that is not open with an empty path.
 * @param path  ended by NUL; see the top of this file. The empty string makes another fid for the same file.
 * @param fid   out; not `from`.
 * @return VIRTIO_OK; refused, with nothing done: VIRTIO_E_INVALID (`from` is open, a name is too long),
 *         VIRTIO_E_STALE (`from` is none of this share's, or of before a halt), VIRTIO_E_STATE (not
 *         started, or halted), VIRTIO_E_FULL (every slot is taken by requests in flight, or every number by
 *         fids);
 *         failed, the share works on: VIRTIO_E_ERRNO with share->error_number (VIRTIO_9P_ENOENT: there is none
 *         of this name), VIRTIO_E_RESPONSE;
 *         failed, the share is halted: VIRTIO_E_TIMEOUT (no answer for device.timeout_us, counted from the
 *         device's latest answer), VIRTIO_E_BROKEN, VIRTIO_E_NEEDS_RESET, VIRTIO_E_GONE, VIRTIO_E_STATE
 *         (somebody else reset the device);
 *         VIRTIO_E_BUSY: lost (see the top of this file).
 *         On error `fid` is none.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_walk(struct virtio_9p *share, const struct virtio_9p_fid *from, const char *path,
                   struct virtio_9p_fid *fid);

/**
 * Open a file for reading and writing, or a folder for listing.
 *
 * @param fid    not open.
 * @param flags  VIRTIO_9P_READ_ONLY and so on.
 * @return as virtio_9p_walk; on error `fid` is as it was.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_open(struct virtio_9p *share, struct virtio_9p_fid *fid, uint32_t flags);

/**
 * Create a file, and open it; one that is there is opened, with VIRTIO_9P_EXCLUSIVE it is an error
 * (VIRTIO_9P_EEXIST).
 *
 * @param directory  where: a folder that is not open.
 * @param name       one name, ended by NUL.
 * @param flags      as for virtio_9p_open.
 * @param mode       permissions, as Linux has them: 0644, say.
 * @param fid        out: the open file; not `directory`.
 * @return as virtio_9p_walk.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_create(struct virtio_9p *share, const struct virtio_9p_fid *directory,
                     const char *name, uint32_t flags, uint32_t mode, struct virtio_9p_fid *fid);

/**
 * Be done with a fid; an open file is closed.
 *
 * @param fid  none afterwards, but with the refusals.
 * @return VIRTIO_OK; refused: VIRTIO_E_STALE, VIRTIO_E_STATE, VIRTIO_E_FULL; VIRTIO_E_ERRNO, VIRTIO_E_RESPONSE: the
 *         fid is gone all the same; the failures that halt the share, see virtio_9p_walk.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_clunk(struct virtio_9p *share, struct virtio_9p_fid *fid);

/**
 * Read, and wait for it.
 *
 * @param fid     a file opened for reading.
 * @param offset  first byte.
 * @param buffer  out: the data; undefined behind `done` bytes.
 * @param bytes   at least 1.
 * @param done    out: how many there were, also before an error; fewer than asked for only at the end of
 *                the file, or with an error. 0 for an error after which the share is halted.
 * @return as virtio_9p_walk (VIRTIO_E_BUSY: lost, the buffer is still the device's); refused as well:
 *         VIRTIO_E_INVALID (not open, no buffer), VIRTIO_E_ZERO_LENGTH, VIRTIO_E_OUT_OF_RANGE (offset plus
 *         bytes), VIRTIO_E_MAP.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_read(struct virtio_9p *share, const struct virtio_9p_fid *fid, uint64_t offset,
                   void *buffer, size_t bytes, size_t *done);

/**
 * Write, and wait for it. The host has it then, but perhaps not its disk: see virtio_9p_fsync.
 *
 * @param fid     a file opened for writing.
 * @param offset  first byte.
 * @param buffer  the data; only read.
 * @param bytes   at least 1.
 * @param done    out: how many were written; all, but for an error.
 * @return as virtio_9p_read. VIRTIO_E_RESPONSE also when the host writes nothing and says nothing.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_write(struct virtio_9p *share, const struct virtio_9p_fid *fid, uint64_t offset,
                    const void *buffer, size_t bytes, size_t *done);

/**
 * Bring what was written to the file to stable storage.
 *
 * @return as virtio_9p_open; VIRTIO_E_INVALID for a file that is not open.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_fsync(struct virtio_9p *share, const struct virtio_9p_fid *fid);

/**
 * Ask for a file's attributes.
 *
 * @param fid         open or not.
 * @param attributes  out; unchanged on error.
 * @return as virtio_9p_open.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_getattr(struct virtio_9p *share, const struct virtio_9p_fid *fid,
                      struct virtio_9p_attributes *attributes);

/**
 * Change a file's attributes: its size, for one.
 *
 * @param fid      open or not.
 * @param changes  those named in changes->valid; read during the call only.
 * @return as virtio_9p_open.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_setattr(struct virtio_9p *share, const struct virtio_9p_fid *fid,
                      const struct virtio_9p_changes *changes);

/** Ask about the file system that a file is on; as virtio_9p_getattr. */
int virtio_9p_statfs(struct virtio_9p *share, const struct virtio_9p_fid *fid,
                     struct virtio_9p_file_system *file_system);

/**
 * Make a folder.
 *
 * @param directory  where: a folder, not open.
 * @param name       one name, ended by NUL.
 * @param mode       permissions, as Linux has them: 0755, say.
 * @return as virtio_9p_open; VIRTIO_E_INVALID for what is no name.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_mkdir(struct virtio_9p *share, const struct virtio_9p_fid *directory,
                    const char *name, uint32_t mode);

/**
 * Give a file or folder another name and place; what has that name already is replaced, if the host can.
 *
 * @return as virtio_9p_mkdir.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_rename(struct virtio_9p *share, const struct virtio_9p_fid *old_directory,
                     const char *old_name, const struct virtio_9p_fid *new_directory,
                     const char *new_name);

/**
 * Remove a file or an empty folder by its name.
 *
 * @param flags  0: a file; VIRTIO_9P_REMOVE_DIRECTORY: a folder.
 * @return as virtio_9p_mkdir; VIRTIO_9P_ENOTEMPTY, VIRTIO_9P_EISDIR and so on in share->error_number.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_remove(struct virtio_9p *share, const struct virtio_9p_fid *directory,
                     const char *name, uint32_t flags);

/**
 * Begin to list a folder. Sends nothing.
 *
 * @param listing  out.
 * @param fid      a folder opened for reading; used until the listing is over.
 * @param buffer   for the host's answers: the library's while virtio_9p_list_next is called, and not to be
 *                 changed between; the larger the fewer messages.
 * @param size     bytes, at least VIRTIO_9P_LIST_MIN.
 * @return VIRTIO_OK; VIRTIO_E_INVALID.
 *
 * Context: the share's.
 */
int virtio_9p_list(struct virtio_9p_listing *listing, struct virtio_9p_fid *fid, void *buffer,
                   size_t size);

/** Bytes of a buffer in which every entry fits. */
#define VIRTIO_9P_LIST_MIN 512u

/**
 * The next entry of a folder. "." and ".." are entries like others on most hosts. Files that come and go
 * during a listing may or may not be in it.
 *
 * @param entry  out, when 1 is returned; its name is ended by NUL and has neither NUL nor '/' in it.
 * @return 1: an entry; 0: there are no more; as virtio_9p_read; VIRTIO_E_RESPONSE also for entries that are cut
 *         off, names that are none, and listings that do not get on. A host that makes up entries for ever is not
 *         noticed: who does not trust it counts them.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_list_next(struct virtio_9p *share, struct virtio_9p_listing *listing,
                        struct virtio_9p_entry *entry);

/**
 * Hand in a read; the device sees it at the next virtio_9p_kick or virtio_9p_wait.
 *
 * @param fid     a file opened for reading; may not be clunked before the request is handed back.
 * @param buffer  the library's, and the device's, until the request is handed back.
 * @param cookie  comes back with the completion; any value.
 * @return VIRTIO_OK: the cookie will come back exactly once, from virtio_9p_reap, virtio_9p_wait or
 *         virtio_9p_drain. On error nothing was submitted: the refusals of virtio_9p_read, where
 *         VIRTIO_E_FULL stands for the queue too; the queue's latched error.
 *
 * Context: the share's. No register access.
 */
int virtio_9p_submit_read(struct virtio_9p *share, const struct virtio_9p_fid *fid, uint64_t offset,
                          void *buffer, size_t bytes, void *cookie);

/** Hand in a write; as virtio_9p_submit_read. The buffer is only read. */
int virtio_9p_submit_write(struct virtio_9p *share, const struct virtio_9p_fid *fid,
                           uint64_t offset, const void *buffer, size_t bytes, void *cookie);

/** Hand in an fsync of the writes that were handed back before; as virtio_9p_submit_read. */
int virtio_9p_submit_fsync(struct virtio_9p *share, const struct virtio_9p_fid *fid, void *cookie);

/**
 * Ask the host to give up a request in flight (Tflush). The request comes back as every other: with
 * VIRTIO_E_ERRNO and VIRTIO_9P_EINTR if the host gave it up, otherwise with its own result. Until then its
 * buffer is the device's. Waits for nothing; notifies the device.
 *
 * @param cookie  of the request; of several with this cookie, one.
 * @return VIRTIO_OK: the host was asked; VIRTIO_E_INVALID: no such request is in flight, or it was cancelled
 *         before; VIRTIO_E_FULL: no slot for the question; VIRTIO_E_STATE; the queue's latched error.
 *
 * Context: the share's. One register access at most.
 */
int virtio_9p_cancel(struct virtio_9p *share, const void *cookie);

/**
 * Show the device all that was submitted: at most one notification.
 *
 * @return VIRTIO_OK, VIRTIO_E_STATE, the queue's latched error.
 *
 * Context: the share's. One register access at most.
 */
int virtio_9p_kick(struct virtio_9p *share);

/**
 * Take one completed request, if there is one.
 *
 * @param done  out, when 1 is returned.
 * @return 1: one was taken; 0: none is there; VIRTIO_E_STATE; VIRTIO_E_BROKEN and other errors that the
 *         queue latched: halt and drain.
 *
 * Context: the share's. A register access only to send the next message of a long request.
 */
int virtio_9p_reap(struct virtio_9p *share, struct virtio_9p_done *done);

/**
 * Kick, wait until a request is complete, and take it.
 *
 * @param done        out, when 1 is returned.
 * @param timeout_us  microseconds without any answer of the device, at least 1.
 * @return 1; or the errors of virtio_9p_reap; VIRTIO_E_INVALID; VIRTIO_E_TIMEOUT: all stays in flight, wait again
 *         or halt; VIRTIO_E_NEEDS_RESET and VIRTIO_E_GONE: halt; VIRTIO_E_STATE when nothing is in flight.
 *
 * Context: the share's; may be long.
 */
int virtio_9p_wait(struct virtio_9p *share, struct virtio_9p_done *done, uint32_t timeout_us);

#ifdef __cplusplus
}
#endif

#endif
