/* SPDX-License-Identifier: MIT */
/*
 * The GPU driver on the bench: a fake device, the driver for it, and a picture with its memory.
 *
 *     gpu_bench_begin(bench, 2);          a device with two scanouts, not started
 *     ... change gpu_fake, bench->fake ...
 *     assert_ok(gpu_bench_start(bench));
 *     gpu_bench_show();                   the picture is on scanout 0
 *     gpu_bench_stop();
 */
#ifndef GPU_BENCH_H
#define GPU_BENCH_H

#include "bench.h"
#include "fake_gpu.h"

#define GPU_TIMEOUT_US 3000u
#define GPU_WIDTH      40u
#define GPU_HEIGHT     60u /* 9600 bytes: three pages */
#define GPU_BYTES      (GPU_WIDTH * GPU_HEIGHT * 4)
#define GPU_FORMAT     VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM

extern struct fake_gpu gpu_fake;
extern struct virtio_gpu gpu_driver;
extern struct virtio_gpu_resource gpu_picture;
extern struct virtio_shared gpu_memory; /* of the picture */

void gpu_bench_begin(struct bench *bench, uint32_t scanouts);
/** @return what virtio_gpu_start returned. */
int gpu_bench_start(struct bench *bench);
/** Begin with two scanouts, and start, which must succeed. */
void gpu_bench_start_two(struct bench *bench);
/** Halt it, unless it was lost, give the picture's memory back, and stop it. */
void gpu_bench_stop(void);

/** Memory for the picture, different in each pixel. */
void gpu_bench_allocate(void);
/** Attach it as one piece. */
int gpu_bench_attach(void);
/** The picture with memory on scanout 0. */
void gpu_bench_show(void);
/** A resource that may be a pointer, without memory. */
void gpu_bench_make_pointer(struct virtio_gpu_resource *pointer);

/** The device does as it should again. */
void gpu_bench_mend(void);

/** The device has the picture's pixels. */
void gpu_bench_expect_pixels(void);
/** The driver chooses this size for scanout 0. */
void gpu_bench_expect_size(uint32_t width, uint32_t height);
/** So many requests, with the cookies from 0 on, come back with `error`, and nothing is in flight then. */
void gpu_bench_take_all(unsigned count, int error);

#endif
