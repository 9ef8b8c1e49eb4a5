/* SPDX-License-Identifier: MIT */
/*
 * A fake GPU (spec 5.7): a behaviour for a fake device. Has resources of its own, fetches their pixels from the
 * driver's memory when it is told to, checks every request, and answers what a test wants: a refusal, the wrong
 * kind, too little, or nothing.
 */
#ifndef FAKE_GPU_H
#define FAKE_GPU_H

#include "fake_device.h"

#include <virtio/gpu.h>

#define FAKE_GPU_RESOURCES 64u
#define FAKE_GPU_PIECES    64u
#define FAKE_GPU_PIXELS    4096u /* the most that a resource of this device can have */

struct fake_gpu_resource {
    uint32_t id; /* 0: none */
    uint32_t format;
    uint32_t width;
    uint32_t height;
    unsigned pieces; /* of memory; 0: none is attached */
    struct virtio_buffer memory[FAKE_GPU_PIECES];
    uint32_t pixels[FAKE_GPU_PIXELS];
};

struct fake_gpu_scanout {
    uint32_t resource;
    struct virtio_gpu_rect rect;
    unsigned flushes; /* of what it shows */
};

struct fake_gpu_pointer {
    uint32_t resource;
    uint32_t named; /* the resource that the latest movement named */
    uint32_t hot_x;
    uint32_t hot_y;
    uint32_t x;
    uint32_t y;
};

struct fake_gpu {
    struct fake_device *device;
    struct fake_gpu_resource resources[FAKE_GPU_RESOURCES];
    struct fake_gpu_scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];
    struct fake_gpu_pointer pointers[VIRTIO_GPU_MAX_SCANOUTS];
    unsigned commands; /* done, on both queues */

    /* What it tells. */
    struct virtio_gpu_display displays[VIRTIO_GPU_MAX_SCANOUTS];
    uint8_t edid[VIRTIO_GPU_EDID_MAX];
    uint32_t edid_size;
    bool answers_cursors; /* as the specification has it; QEMU does not */

    /* What may be wrong with it, from the next request on. */
    uint32_t type;        /* of answers; 0: as it should be */
    uint32_t only;        /* to this command; 0: to all */
    uint64_t fence_wrong; /* added to the fence */
    bool fence_missing;   /* its flag */
    uint32_t length;      /* the used length; UINT32_MAX: as it should be */
    bool silent;          /* requests stay in flight, until fake_gpu_finish */
};

/** A device of so many scanouts, with one display of 800 x 600. */
void fake_gpu_begin(struct fake_gpu *gpu, struct fake_device *device, uint32_t scanouts);

/** Do all that a silent device has put aside. */
void fake_gpu_finish(struct fake_gpu *gpu);

/** The displays changed: the event bit and the generation. */
void fake_gpu_raise_event(struct fake_gpu *gpu);

/** Write an EDID that is in order: this mode, and a name. */
void fake_gpu_write_edid(struct fake_gpu *gpu, uint32_t width, uint32_t height, const char *name);

/** Make the sum of the first block's bytes right again. */
void fake_gpu_seal_edid(uint8_t *edid);

/** The resource with this id, or NULL. */
struct fake_gpu_resource *fake_gpu_resource(struct fake_gpu *gpu, uint32_t id);

#endif
