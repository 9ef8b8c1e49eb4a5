/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the GPU driver share: the wire format, and requests.
 *
 *     gpu.c            start, stop, requests and their answers
 *     gpu_display.c    displays, EDID, events
 *     gpu_resource.c   resources, scanouts
 *     gpu_cursor.c     pointers
 *     gpu_edid.c       what an EDID says
 *
 * The specification knows no legacy interface of this device type, so everything is little-endian over
 * every transport.
 */
#ifndef VIRTIO_DRIVERS_GPU_INTERNAL_H
#define VIRTIO_DRIVERS_GPU_INTERNAL_H

#include "driver.h"
#include <virtio/gpu.h>

/* Requests and answers (spec 5.7.6.7). */
#define VIRTIO_GPU_CMD_GET_DISPLAY_INFO        0x0100u
#define VIRTIO_GPU_CMD_RESOURCE_CREATE_2D      0x0101u
#define VIRTIO_GPU_CMD_RESOURCE_UNREF          0x0102u
#define VIRTIO_GPU_CMD_SET_SCANOUT             0x0103u
#define VIRTIO_GPU_CMD_RESOURCE_FLUSH          0x0104u
#define VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D     0x0105u
#define VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING 0x0106u
#define VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING 0x0107u
#define VIRTIO_GPU_CMD_GET_EDID                0x010au
#define VIRTIO_GPU_CMD_UPDATE_CURSOR           0x0300u
#define VIRTIO_GPU_CMD_MOVE_CURSOR             0x0301u
#define VIRTIO_GPU_RESP_OK_NODATA              0x1100u
#define VIRTIO_GPU_RESP_OK_DISPLAY_INFO        0x1101u
#define VIRTIO_GPU_RESP_OK_EDID                0x1104u

#define VIRTIO_GPU_FLAG_FENCE 1u

/* Device configuration space (spec 5.7.4), as far as it is used. */
#define VIRTIO_GPU_CONFIG_EVENTS_READ  0u
#define VIRTIO_GPU_CONFIG_EVENTS_CLEAR 4u
#define VIRTIO_GPU_CONFIG_NUM_SCANOUTS 8u

#define VIRTIO_GPU_EVENT_DISPLAY 1u

struct virtio_gpu_ctrl_hdr {
    uint32_t type;
    uint32_t flags;
    uint64_t fence_id;
    uint32_t ctx_id;
    uint8_t ring_idx;
    uint8_t padding[3];
};

_Static_assert(sizeof(struct virtio_gpu_ctrl_hdr) == 24, "spec 5.7.6.7");

/* All requests but VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING are a header and up to eight numbers of 32 bits. */
#define VIRTIO_GPU_WORDS 8u

struct virtio_gpu_request {
    struct virtio_gpu_ctrl_hdr hdr;
    uint32_t words[VIRTIO_GPU_WORDS];
};

_Static_assert(sizeof(struct virtio_gpu_request) == 56, "spec 5.7.6.8 and 5.7.6.10: the longest");

struct virtio_gpu_mem_entry {
    uint64_t addr;
    uint32_t length;
    uint32_t padding;
};

_Static_assert(sizeof(struct virtio_gpu_mem_entry) == 16, "spec 5.7.6.8");

struct virtio_gpu_resource_attach_backing {
    struct virtio_gpu_ctrl_hdr hdr;
    uint32_t resource_id;
    uint32_t nr_entries;
    struct virtio_gpu_mem_entry entries[];
};

_Static_assert(sizeof(struct virtio_gpu_resource_attach_backing) == 32, "spec 5.7.6.8");

struct virtio_gpu_display_one {
    struct virtio_gpu_rect r;
    uint32_t enabled;
    uint32_t flags;
};

struct virtio_gpu_resp_display_info {
    struct virtio_gpu_ctrl_hdr hdr;
    struct virtio_gpu_display_one pmodes[VIRTIO_GPU_MAX_SCANOUTS];
};

_Static_assert(sizeof(struct virtio_gpu_resp_display_info) == 408, "spec 5.7.6.8");

struct virtio_gpu_resp_edid {
    struct virtio_gpu_ctrl_hdr hdr;
    uint32_t size;
    uint32_t padding;
    uint8_t edid[VIRTIO_GPU_EDID_MAX];
};

_Static_assert(sizeof(struct virtio_gpu_resp_edid) == 1056, "spec 5.7.6.8");

static inline uint32_t virtio_gpu_order32(uint32_t value)
{
    return virtio_order32(false, value);
}

static inline bool virtio_gpu_is_live(const struct virtio_gpu *gpu)
{
    return gpu->device.state == VIRTIO_DEVICE_READY;
}

static inline int virtio_gpu_check_scanout(const struct virtio_gpu *gpu, uint32_t scanout)
{
    if (!virtio_gpu_is_live(gpu))
        return VIRTIO_E_STATE;
    return scanout < gpu->num_scanouts ? VIRTIO_OK : VIRTIO_E_OUT_OF_RANGE;
}

/** Is it one that the device has? @return VIRTIO_OK, VIRTIO_E_STATE, VIRTIO_E_INVALID, VIRTIO_E_STALE. */
int virtio_gpu_check_resource(const struct virtio_gpu *gpu,
                              const struct virtio_gpu_resource *resource);

/** Find a slot for a request, and write the beginning of it. @return VIRTIO_OK, VIRTIO_E_STATE, VIRTIO_E_FULL. */
int virtio_gpu_begin(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane, uint32_t command,
                     struct virtio_gpu_slot **begun);

/** The request of a slot, to be filled in: its words are zero. */
struct virtio_gpu_request *virtio_gpu_request_of(const struct virtio_gpu *gpu,
                                                 const struct virtio_gpu_slot *slot);

/** Submit a request with so many words, without a kick. On error the slot was given back. */
int virtio_gpu_send(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane,
                    struct virtio_gpu_slot *slot, unsigned words);

/** The one large request and the one large answer, of blocking calls: where they are. */
struct virtio_gpu_resource_attach_backing *virtio_gpu_large_request(const struct virtio_gpu *gpu);
void *virtio_gpu_large_answer(const struct virtio_gpu *gpu);

/** Submit a request with so many words and a large answer of this kind, at least `size` bytes of it, or one
 * with a list of so many pieces in the large request. On error the slot was given back. */
int virtio_gpu_send_for_data(struct virtio_gpu *gpu, struct virtio_gpu_slot *slot, unsigned words,
                             uint32_t answer, uint32_t size);
int virtio_gpu_send_pieces(struct virtio_gpu *gpu, struct virtio_gpu_slot *slot, uint32_t count);

/** Wait for a request that was sent; its slot is free afterwards, but keeps what is in it until the next
 * request begins. @return its error; VIRTIO_E_BUSY when the device was lost. */
int virtio_gpu_await(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane,
                     struct virtio_gpu_slot *slot);

/** The same after an attempt to send it that ended with `error`. A device that has failed is reset, even when that was
 * known before: who is told of it need not ask. @return also `error`. */
int virtio_gpu_await_sent(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane,
                          struct virtio_gpu_slot *slot, int error);

/** The same with two of the control queue. @return the first error. */
int virtio_gpu_await_both(struct virtio_gpu *gpu, struct virtio_gpu_slot *first,
                          struct virtio_gpu_slot *second);

/** virtio_gpu_send on the control queue, and wait. */
int virtio_gpu_run(struct virtio_gpu *gpu, struct virtio_gpu_slot *slot, unsigned words);

/** virtio_gpu_send on the control queue for a caller who will reap it. */
int virtio_gpu_submit(struct virtio_gpu *gpu, struct virtio_gpu_slot *slot, unsigned words,
                      void *cookie);

/** The device has used the chain of a request. */
void virtio_gpu_complete(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane,
                         const struct virtio_done *used);

/** The device failed with a request in flight, which must not stay the device's beyond this call: reset it.
 * @return `error`, or VIRTIO_E_BUSY when it would not be reset. */
int virtio_gpu_give_up(struct virtio_gpu *gpu, int error);

/** Take movements of pointers back that have completed. @return VIRTIO_OK or the queue's error. */
int virtio_gpu_collect_cursors(struct virtio_gpu *gpu);

/** Does a request in flight, or one that was not handed back, name this resource? */
bool virtio_gpu_is_named(const struct virtio_gpu *gpu, uint32_t resource);

#endif
