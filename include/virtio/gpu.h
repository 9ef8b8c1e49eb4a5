/* SPDX-License-Identifier: MIT */
/*
 * The GPU device driver (spec 5.7), 2D: pictures on one or several screens, and a mouse pointer.
 *
 *     static struct virtio_gpu gpu;
 *     static struct virtio_gpu_resource screen;
 *
 *     error = virtio_gpu_start(&gpu, &found, NULL);
 *     error = virtio_gpu_choose_size(&gpu, 0, &width, &height);              what scanout 0 would like
 *     error = virtio_allocate_shared(&gpu.device, width * height * 4, 4096, &pixels);
 *     error = virtio_gpu_create(&gpu, &screen, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, width, height);
 *     error = virtio_gpu_attach(&gpu, &screen, &(struct virtio_buffer){pixels.device_address, size}, 1);
 *     error = virtio_gpu_set_scanout(&gpu, 0, &screen, NULL);
 *     ... draw into pixels.memory ...
 *     error = virtio_gpu_update(&gpu, &screen, NULL);                        and it is on the screen
 *     if (virtio_gpu_poll_event(&gpu) > 0)                                   now and then: the user made the
 *         ...                                                                window larger, say
 *     error = virtio_gpu_stop(&gpu);
 *     virtio_free_shared(&gpu.device, &pixels);
 *
 * A picture is a resource: the device has pixels of its own, which it shows, and the kernel's memory, which was
 * attached, is where it fetches new ones from, a rectangle at a time (virtio_gpu_transfer). What was fetched is
 * to be seen after virtio_gpu_flush; virtio_gpu_update does both. The pixels of a resource are 4 bytes each,
 * line by line from the top left, without gaps.
 *
 * Many in flight, for those who draw many frames:
 *
 *     virtio_gpu_submit_transfer(&gpu, &back, NULL, frame);
 *     virtio_gpu_submit_scanout(&gpu, 0, &back, NULL, frame);                page flip
 *     virtio_gpu_submit_flush(&gpu, &back, NULL, frame);
 *     virtio_gpu_kick(&gpu);                                                 one notification for all of them
 *     while (virtio_gpu_reap(&gpu, &done) > 0)                               or virtio_gpu_wait
 *         complete(done.cookie, done.error);
 *
 * The blocking calls go the same way, one request at a time, and may be mixed with the others: what else
 * completes while they wait is kept for virtio_gpu_reap. Every request carries a fence, so what has completed
 * has been done.
 *
 * Memory. What is attached goes by device addresses, as of virtio_allocate_shared or of the kernel's own pages,
 * in pieces of whole pages. It is the device's to read from virtio_gpu_attach until virtio_gpu_detach,
 * virtio_gpu_destroy or a reset. Where DMA is not coherent and the pages are not of virtio_allocate_shared the
 * kernel makes what it has drawn visible to the device before a transfer. The driver's own memory: 128 bytes a
 * request, 16 bytes for each piece that can be attached at once (virtio_gpu_options) and about 1 KiB. Nothing
 * is allocated after virtio_gpu_start.
 *
 * Features: a bit that is offered is taken when the driver implements it.
 *
 *     bit                               taken  why
 *      0  VIRTIO_GPU_F_VIRGL            no     3D: other commands, for other libraries
 *      1  VIRTIO_GPU_F_EDID             yes    virtio_gpu_get_edid
 *      2  VIRTIO_GPU_F_RESOURCE_UUID    no     shares resources with other devices
 *      3  VIRTIO_GPU_F_RESOURCE_BLOB    no     resources without a copy in the device; the device must map
 *                                              the kernel's memory, which few can
 *      4  VIRTIO_GPU_F_CONTEXT_INIT     no     3D
 *      5  VIRTIO_GPU_F_BLOB_ALIGNMENT   no     of blob resources
 *
 * QEMU has the device as modern PCI, alone or with VGA, and as virtio-mmio 1 and 2. It can't be
 * unplugged there.
 *
 * When things go wrong. What the device refuses is that request's failure alone: VIRTIO_E_NO_MEMORY when
 * it says that it has none, VIRTIO_E_IO otherwise, and `refusal` has its own word (enum
 * virtio_gpu_refusal). An answer of the wrong kind, length or fence is VIRTIO_E_RESPONSE. When the
 * device does not answer within device.timeout_us, lies about a ring, asks for a reset or is gone, the
 * blocking call that notices, or is the first on that queue after virtio_gpu_wait or another call said
 * so, resets the device before it returns, because until then the device may read what was attached. The
 * GPU is halted then: every call returns VIRTIO_E_STATE, and either virtio_gpu_recover, or
 * virtio_gpu_stop and virtio_gpu_start, bring it back to life. Both ways the device has forgotten all
 * resources, scanouts and pointers: create them again. A resource of before is refused (VIRTIO_E_STALE)
 * after a recovery.
 *
 * Should even the reset not be done in time, the device is lost (device.state is VIRTIO_DEVICE_LOST):
 * the blocking call returns VIRTIO_E_BUSY, and memory that was attached must never be used again unless
 * a later virtio_gpu_stop or virtio_gpu_recover succeeds in resetting the device after all.
 *
 * Seen on QEMU 7.2: a device that asks for a reset. Seen on the fake device alone: one that is unplugged
 * (QEMU never lets go of it) and plugged in again; lies about a ring; a reset that is never done.
 *
 * A device is one context's at a time. No call may be made from a host hook.
 */
#ifndef VIRTIO_GPU_H
#define VIRTIO_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Feature bits (spec 5.7.3); masks. */
#define VIRTIO_GPU_F_VIRGL          (UINT64_C(1) << 0)
#define VIRTIO_GPU_F_EDID           (UINT64_C(1) << 1)
#define VIRTIO_GPU_F_RESOURCE_UUID  (UINT64_C(1) << 2)
#define VIRTIO_GPU_F_RESOURCE_BLOB  (UINT64_C(1) << 3)
#define VIRTIO_GPU_F_CONTEXT_INIT   (UINT64_C(1) << 4)
#define VIRTIO_GPU_F_BLOB_ALIGNMENT (UINT64_C(1) << 5)

/** The most scanouts (screens) that a device can have. */
#define VIRTIO_GPU_MAX_SCANOUTS 16u

/** The most pixels each way of a resource, a scanout and a display. */
#define VIRTIO_GPU_SIZE_MAX 16384u

/** Bytes of a pixel, in all formats. */
#define VIRTIO_GPU_PIXEL_SIZE 4u

/** Pieces of attached memory begin at multiples of this. */
#define VIRTIO_GPU_PAGE_SIZE 4096u

/** Pixels each way of a pointer. */
#define VIRTIO_GPU_CURSOR_SIZE 64u

/** The most bytes of EDID that a display has, and those of its first block. */
#define VIRTIO_GPU_EDID_MAX   1024u
#define VIRTIO_GPU_EDID_BLOCK 128u

/** The most requests that are in flight at once, of the pictures and of the pointers. */
#define VIRTIO_GPU_DEPTH_MAX    16u
#define VIRTIO_GPU_CURSOR_DEPTH 8u

/** Where the bytes of a pixel are (spec 5.7.6.8): the first name is the byte at the lowest address; X is not used. */
enum virtio_gpu_format {
    VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM = 1, /* of pointers */
    VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM =
        2, /* 0x00RRGGBB in a little-endian number: good for screens */
    VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM = 3,
    VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM = 4,
    VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM = 67,
    VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM = 68,
    VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM = 121,
    VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM = 134
};

/** With which word a device refused a request (spec 5.7.6.7, VIRTIO_GPU_RESP_ERR_...). */
enum virtio_gpu_refusal {
    VIRTIO_GPU_REFUSED_NOT = 0,
    VIRTIO_GPU_RESP_ERR_UNSPEC = 0x1200,
    VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY = 0x1201,
    VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID = 0x1202,
    VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID = 0x1203,
    VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID = 0x1204,
    VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER = 0x1205
};

/** A rectangle of pixels; 0, 0 is top left. */
struct virtio_gpu_rect {
    uint32_t x;
    uint32_t y;
    uint32_t width;
    uint32_t height;
};

/** What the kernel makes of the device; zeroed is a good beginning. */
struct virtio_gpu_options {
    /** The most pieces of memory that a resource can have, at most 16384; 0: 256. */
    uint32_t pieces_max;
};

/** A picture; the caller's memory. */
struct virtio_gpu_resource {
    uint32_t id; /* read: the device knows it by this number; 0: it was destroyed */
    enum virtio_gpu_format format; /* read */
    uint32_t width;                /* read: pixels */
    uint32_t height;               /* read: pixels */
    bool attached;                 /* read: it has memory */
};

/** A display: what the device would like to be shown on a scanout (spec 5.7.6.8). */
struct virtio_gpu_display {
    bool enabled; /* somebody looks at it; a scanout of a display that is not can be set as well */
    struct virtio_gpu_rect
        rect;       /* how large, and where among the others; zeros when it is not enabled */
    uint32_t flags; /* as the device says */
};

/** What the EDID of a display says of it, as far as a kernel needs it. */
struct virtio_gpu_mode {
    uint32_t width; /* pixels of the preferred mode */
    uint32_t height;
    uint32_t refresh;   /* times a second, rounded */
    uint32_t clock_khz; /* of pixels */
    uint32_t width_mm;  /* of the display; 0: not said */
    uint32_t height_mm;
    char name[14]; /* may be empty; printable ASCII */
};

/** A completed request. */
struct virtio_gpu_done {
    void *cookie; /* as given to the submit */
    int error; /* VIRTIO_OK, or why it failed: VIRTIO_E_IO, VIRTIO_E_NO_MEMORY, VIRTIO_E_RESPONSE, VIRTIO_E_RESET
                     (taken back by a reset) */
    enum virtio_gpu_refusal refusal; /* the device's word, with the first two */
};

/** A request, private. */
struct virtio_gpu_slot {
    struct virtio_gpu_slot *next; /* in the free or the finished list */
    void *cookie;
    void *response;       /* where its answer is written */
    uint64_t fence;       /* 0: none, on the queue of the pointers */
    uint32_t command;     /* what the device was asked */
    uint32_t answer;      /* the good one */
    uint32_t answer_size; /* bytes of that, at least */
    uint32_t written;     /* bytes that the device wrote */
    uint32_t resource;    /* id of the resource that it is about; 0: none, or it is not in flight */
    uint32_t scanout;     /* of a request that sets one */
    uint8_t number;       /* which part of the shared memory it has */
    bool is_waited;       /* by a blocking call: nobody else asks for it */
    bool is_finished;     /* the device has let go of it */
    int error;
    enum virtio_gpu_refusal refusal;
};

/** A queue and its requests, private. */
struct virtio_gpu_lane {
    struct virtio_queue queue;
    struct virtio_gpu_slot *free_slots; /* chained */
};

/** A GPU; the caller's memory, zeroed before its first use, at one place from start to stop. What is marked so
 * may be read, the rest is private. */
struct virtio_gpu {
    struct virtio_device device; /* read: state, features, timeout_us; for virtio_dump */
    uint32_t num_scanouts;       /* read: 1 to VIRTIO_GPU_MAX_SCANOUTS */
    uint16_t depth;              /* read: requests that can be in flight at once */
    uint16_t in_flight;          /* read: requests submitted and not yet handed back */
    uint32_t cursor_failures;    /* read: movements of pointers that the device refused */
    enum virtio_gpu_refusal
        refusal; /* read: the device's word, after VIRTIO_E_IO or VIRTIO_E_NO_MEMORY of a
                                        blocking call */

    uint32_t next_id;  /* of resources */
    uint32_t first_id; /* resources below were forgotten */
    uint64_t fence;    /* the latest */
    uint32_t pieces_max;
    uint32_t shown[VIRTIO_GPU_MAX_SCANOUTS];    /* id of the resource on each scanout; 0: none */
    uint32_t pointers[VIRTIO_GPU_MAX_SCANOUTS]; /* and of its pointer */
    struct virtio_shared shared;                /* requests, answers, a list of pieces */
    struct virtio_gpu_lane control;
    struct virtio_gpu_lane cursor;
    struct virtio_gpu_slot *finished;       /* chained: not yet handed back, oldest first */
    struct virtio_gpu_slot **finished_tail; /* where the next one is chained to */
    struct virtio_gpu_slot slots[VIRTIO_GPU_DEPTH_MAX + VIRTIO_GPU_CURSOR_DEPTH];
};

/**
 * Start a GPU. Nothing is shown yet; a device with VGA goes on with that until a scanout is set.
 *
 * @param gpu      out: any content, but not a device that is in use.
 * @param found    a device of type VIRTIO_ID_GPU as it was found, or &gpu->device of one that was stopped;
 *                 copied. `timeout_us` may be set before.
 * @param options  read during the call only; NULL: all as usual.
 * @return VIRTIO_OK; the errors of virtio_device_begin, virtio_queue_start and virtio_device_ready;
 *         VIRTIO_E_INVALID for a device of another type, or options out of range; VIRTIO_E_CONFIG, also for a
 *         number of scanouts that the specification does not allow; VIRTIO_E_QUEUE_SIZE for a queue that does
 *         not hold a request and its answer; VIRTIO_E_NO_MEMORY. On error everything was undone.
 *
 * Context: the device's, not an interrupt handler. Spec 5.7.5.
 */
int virtio_gpu_start(struct virtio_gpu *gpu, const struct virtio_device *found,
                     const struct virtio_gpu_options *options);

/**
 * Stop the device and give back everything. Requests that are still in flight are taken back without a
 * word; halt and drain first if their cookies matter. All resources are gone, and memory that was
 * attached is the kernel's again. Stopping a stopped device does nothing.
 *
 * @return VIRTIO_OK; VIRTIO_E_TIMEOUT when the device would not be reset: its memory is kept.
 *
 * Context: the device's.
 */
int virtio_gpu_stop(struct virtio_gpu *gpu);

/**
 * Reset the device now and nothing else: afterwards it touches no memory, and virtio_gpu_drain tells which
 * requests that concerns. All calls but virtio_gpu_drain, virtio_gpu_recover and virtio_gpu_stop give
 * VIRTIO_E_STATE from then on.
 *
 * @return VIRTIO_OK or VIRTIO_E_TIMEOUT as virtio_device_stop.
 *
 * Context: the device's.
 */
int virtio_gpu_halt(struct virtio_gpu *gpu);

/**
 * Hand back one request of a halted device.
 *
 * @param done  out, when 1 is returned: its cookie, and VIRTIO_E_RESET, or its own result when it had
 *              completed before the reset.
 * @return 1: one was handed back; 0: none is left; VIRTIO_E_BUSY when the device was not halted.
 *
 * Context: the device's.
 */
int virtio_gpu_drain(struct virtio_gpu *gpu, struct virtio_gpu_done *done);

/**
 * Bring a GPU back that asked for a reset, broke a ring's rules, did not answer or was gone, or that was
 * halted: reset it and go on, with the same features. The device has forgotten all resources, scanouts
 * and pointers; memory that was attached is the kernel's again. Nothing is allocated. Requests that were
 * in flight come back from virtio_gpu_reap and virtio_gpu_wait, each cookie once, with VIRTIO_E_RESET or
 * their own result if they had completed; new ones may be submitted at once.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE when the device is not started; the errors of virtio_device_recover and
 *         VIRTIO_E_CONFIG: the device is halted (VIRTIO_E_TIMEOUT: lost). May be called again, for a device
 *         that was gone (VIRTIO_E_GONE) when it is back.
 *
 * Context: the device's. Spec 2.1.2, 2.4.
 */
int virtio_gpu_recover(struct virtio_gpu *gpu);

/**
 * How large a picture for a scanout should be: as its display would like it (virtio_gpu_get_display), or as its
 * EDID says, or 1024 x 768 when neither says anything of use.
 *
 * @param scanout  below num_scanouts.
 * @param width    out: pixels.
 * @param height   out: pixels.
 * @return VIRTIO_OK; VIRTIO_E_OUT_OF_RANGE; VIRTIO_E_STATE; the device's failures, and VIRTIO_E_BUSY.
 *
 * Context: the device's; may be long. Spec 5.7.5.
 */
int virtio_gpu_choose_size(struct virtio_gpu *gpu, uint32_t scanout, uint32_t *width,
                           uint32_t *height);

/**
 * Ask for the display of a scanout.
 *
 * @param scanout  below num_scanouts.
 * @param display  out.
 * @return VIRTIO_OK; refused, with nothing done: VIRTIO_E_OUT_OF_RANGE, VIRTIO_E_STATE (not started, or halted),
 *         VIRTIO_E_FULL (too many requests are in flight: reap); failed, the device works on: VIRTIO_E_IO,
 *         VIRTIO_E_NO_MEMORY, VIRTIO_E_RESPONSE (also for a display larger than VIRTIO_GPU_SIZE_MAX); failed,
 *         the device is halted: VIRTIO_E_TIMEOUT, VIRTIO_E_BROKEN, VIRTIO_E_NEEDS_RESET, VIRTIO_E_GONE,
 *         VIRTIO_E_STATE (somebody else reset the device); VIRTIO_E_BUSY: lost (see the top of this file).
 *
 * Context: the device's; may be long. Spec 5.7.6.8.
 */
int virtio_gpu_get_display(struct virtio_gpu *gpu, uint32_t scanout,
                           struct virtio_gpu_display *display);

/**
 * Read the EDID of the display of a scanout.
 *
 * @param scanout  below num_scanouts.
 * @param bytes    out: VIRTIO_GPU_EDID_MAX bytes, as the device sent them; those beyond *size are zero.
 * @param size     out: how many there are; 0 on error.
 * @return as virtio_gpu_get_display; VIRTIO_E_NOT_SUPPORTED without VIRTIO_GPU_F_EDID.
 *
 * Context: the device's; may be long. Spec 5.7.6.8.
 */
int virtio_gpu_get_edid(struct virtio_gpu *gpu, uint32_t scanout, uint8_t *bytes, uint32_t *size);

/**
 * Read the preferred mode and the name of the display out of an EDID (VESA E-EDID, versions 1.0 to 1.4; the
 * extensions are not looked at).
 *
 * @param bytes  an EDID, from anywhere.
 * @param size   how many bytes there are.
 * @param mode   out; zeros on error.
 * @return VIRTIO_OK; VIRTIO_E_RESPONSE: it is too short, its header, version or checksum is wrong, it has fewer
 *         blocks than it says, or no preferred mode.
 *
 * Context: any. Touches no device.
 */
int virtio_gpu_parse_edid(const uint8_t *bytes, uint32_t size, struct virtio_gpu_mode *mode);

/**
 * Did the displays change since this was last asked (a window was made larger, a screen was plugged in)?
 *
 * @return 1: yes; ask for displays and EDIDs again; 0: no; VIRTIO_E_STATE; VIRTIO_E_CONFIG;
 *         VIRTIO_E_NEEDS_RESET; VIRTIO_E_GONE.
 *
 * Context: the device's. One register read, a few more when the answer is yes. A configuration interrupt says
 * when it is worth it. Spec 5.7.4.2.
 */
int virtio_gpu_poll_event(struct virtio_gpu *gpu);

/**
 * Create a resource. Its pixels are not defined yet.
 *
 * @param resource  out: any content, but not a resource that is in use.
 * @param format    enum virtio_gpu_format.
 * @param width     pixels, 1 to VIRTIO_GPU_SIZE_MAX.
 * @param height    the same.
 * @return as virtio_gpu_get_display; VIRTIO_E_INVALID (an unknown format) and VIRTIO_E_OUT_OF_RANGE (the size).
 *         VIRTIO_E_NO_MEMORY when the device has not enough for it.
 *
 * Context: the device's; may be long. Spec 5.7.6.8.
 */
int virtio_gpu_create(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource,
                      enum virtio_gpu_format format, uint32_t width, uint32_t height);

/**
 * Give up a resource and its memory, if it has any.
 *
 * @return as virtio_gpu_attach; VIRTIO_E_BUSY, too, while a scanout or a pointer shows it or requests that name
 *         it were not handed back.
 *
 * Context: the device's; may be long. Spec 5.7.6.8.
 */
int virtio_gpu_destroy(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource);

/**
 * Attach memory to a resource: the pixels that transfers fetch.
 *
 * @param pieces  memory as the device sees it, in the order of the pixels; read during the call only. Each begins at
 *                a multiple of 4096 and, but for the last, has whole pages.
 * @param count   1 to pieces_max of the options.
 * @return as virtio_gpu_get_display; VIRTIO_E_INVALID (a piece's address or length, no pieces, a resource that
 *         was destroyed); VIRTIO_E_STALE (one of before a recovery); VIRTIO_E_ZERO_LENGTH; VIRTIO_E_TOO_LONG
 *         (too many pieces); VIRTIO_E_OUT_OF_RANGE (less memory than the resource has pixels);
 *         VIRTIO_E_BUSY: it has memory already.
 *
 * Context: the device's; may be long. Spec 5.7.6.8.
 */
int virtio_gpu_attach(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource,
                      const struct virtio_buffer *pieces, size_t count);

/**
 * Take the memory of a resource back; its pixels stay. Afterwards the device does not read it any more.
 *
 * @return as virtio_gpu_attach; VIRTIO_E_INVALID also when it has none; VIRTIO_E_BUSY while requests that name it
 *         were not handed back.
 *
 * Context: the device's; may be long. Spec 5.7.6.8.
 */
int virtio_gpu_detach(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource);

/**
 * Show a resource, or a part of it, on a scanout. A scanout is as large as what it shows.
 *
 * @param scanout   below num_scanouts.
 * @param resource  NULL: switch the scanout off.
 * @param rect      which part; NULL: the whole. QEMU wants at least 16 pixels each way, and memory attached.
 * @return as virtio_gpu_attach; VIRTIO_E_OUT_OF_RANGE (the scanout, or a part that is not within the resource).
 *
 * Context: the device's; may be long. Spec 5.7.6.8.
 */
int virtio_gpu_set_scanout(struct virtio_gpu *gpu, uint32_t scanout,
                           const struct virtio_gpu_resource *resource,
                           const struct virtio_gpu_rect *rect);

/**
 * Let the device fetch pixels from the attached memory.
 *
 * @param rect  which of them; NULL: all.
 * @return as virtio_gpu_attach; VIRTIO_E_INVALID (no memory is attached, an empty part), VIRTIO_E_OUT_OF_RANGE (it
 *         is not within the resource).
 *
 * Context: the device's; may be long. Spec 5.7.6.8.
 */
int virtio_gpu_transfer(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                        const struct virtio_gpu_rect *rect);

/** Show on all scanouts of a resource what was fetched; as virtio_gpu_transfer. */
int virtio_gpu_flush(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                     const struct virtio_gpu_rect *rect);

/** Transfer, then flush, with one notification; as virtio_gpu_transfer. */
int virtio_gpu_update(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                      const struct virtio_gpu_rect *rect);

/**
 * Hand in a transfer; the device sees it at the next virtio_gpu_kick, virtio_gpu_wait or blocking call.
 *
 * @param cookie  comes back with the completion; any value.
 * @return VIRTIO_OK: the cookie will come back exactly once, from virtio_gpu_reap, virtio_gpu_wait or
 *         virtio_gpu_drain. On error nothing was submitted: the refusals of virtio_gpu_transfer;
 *         VIRTIO_E_FULL; the queue's latched error.
 *
 * Context: the device's. No register access. Requests are begun in the order of their submission.
 */
int virtio_gpu_submit_transfer(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                               const struct virtio_gpu_rect *rect, void *cookie);

/** Hand in a flush; as virtio_gpu_submit_transfer. */
int virtio_gpu_submit_flush(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                            const struct virtio_gpu_rect *rect, void *cookie);

/** Hand in what virtio_gpu_set_scanout does; as virtio_gpu_submit_transfer. */
int virtio_gpu_submit_scanout(struct virtio_gpu *gpu, uint32_t scanout,
                              const struct virtio_gpu_resource *resource,
                              const struct virtio_gpu_rect *rect, void *cookie);

/**
 * Show the device all that was submitted: at most one notification.
 *
 * @return VIRTIO_OK, VIRTIO_E_STATE, the queue's latched error.
 *
 * Context: the device's. One register access at most.
 */
int virtio_gpu_kick(struct virtio_gpu *gpu);

/**
 * Take one completed request, if there is one.
 *
 * @param done  out, when 1 is returned.
 * @return 1: one was taken; 0: none is there; VIRTIO_E_STATE; the queue's latched error.
 *
 * Context: the device's. Does not wait.
 */
int virtio_gpu_reap(struct virtio_gpu *gpu, struct virtio_gpu_done *done);

/**
 * Kick, wait until a request has completed, and take it.
 *
 * @param done        out, when 1 is returned.
 * @param timeout_us  microseconds, at least 1.
 * @return 1; VIRTIO_E_TIMEOUT: nothing changed, the requests are still the device's; VIRTIO_E_INVALID;
 *         VIRTIO_E_STATE, also when nothing is in flight; the queue's latched error.
 *
 * Context: the device's; may be long.
 */
int virtio_gpu_wait(struct virtio_gpu *gpu, struct virtio_gpu_done *done, uint32_t timeout_us);

/**
 * Give a scanout a pointer, and put it somewhere.
 *
 * @param scanout   below num_scanouts.
 * @param resource  64 x 64 pixels, transferred, in a format with A; NULL: no pointer.
 * @param hot_x     which of its pixels is the one that points.
 * @param hot_y     the same.
 * @param x         where on the scanout that is.
 * @param y         the same.
 * @return as virtio_gpu_set_scanout; VIRTIO_E_INVALID for another size. VIRTIO_E_OUT_OF_RANGE for a hot spot outside.
 *
 * Context: the device's; may be long. QEMU takes the pixels over in this call: transfer, then call again, to
 * change them. Spec 5.7.6.10.
 */
int virtio_gpu_set_cursor(struct virtio_gpu *gpu, uint32_t scanout,
                          const struct virtio_gpu_resource *resource, uint32_t hot_x,
                          uint32_t hot_y, uint32_t x, uint32_t y);

/**
 * Move the pointer of a scanout.
 *
 * @return VIRTIO_OK: the device has it or will have it; VIRTIO_E_FULL: too many movements are on their way;
 *         VIRTIO_E_OUT_OF_RANGE; VIRTIO_E_STATE; the queue's error.
 *
 * Context: the device's. Does not wait; what becomes of it is only counted (cursor_failures). Spec 5.7.6.10.
 */
int virtio_gpu_move_cursor(struct virtio_gpu *gpu, uint32_t scanout, uint32_t x, uint32_t y);

#ifdef __cplusplus
}
#endif

#endif
