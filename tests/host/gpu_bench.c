/* SPDX-License-Identifier: MIT */
/*
 * The GPU driver on the bench.
 */
#include "gpu_bench.h"

#include <string.h>

struct fake_gpu gpu_fake;
struct virtio_gpu gpu_driver;
struct virtio_gpu_resource gpu_picture;
struct virtio_shared gpu_memory;

void gpu_bench_begin(struct bench *bench, uint32_t scanouts)
{
    fake_gpu_begin(&gpu_fake, &bench->fake, scanouts);
    memset(&gpu_memory, 0, sizeof(gpu_memory));
    memset(&gpu_picture, 0, sizeof(gpu_picture));
}

int gpu_bench_start(struct bench *bench)
{
    bench_attach(bench);
    bench->device.timeout_us = GPU_TIMEOUT_US;
    return virtio_gpu_start(&gpu_driver, &bench->device, NULL);
}

void gpu_bench_start_two(struct bench *bench)
{
    gpu_bench_begin(bench, 2);
    assert_ok(gpu_bench_start(bench));
}

void gpu_bench_stop(void)
{
    if (gpu_driver.device.state != VIRTIO_DEVICE_LOST)
        assert_ok(virtio_gpu_halt(&gpu_driver));
    virtio_free_shared(&gpu_driver.device, &gpu_memory);
    assert_ok(virtio_gpu_stop(&gpu_driver));
}

void gpu_bench_allocate(void)
{
    uint32_t *pixels;

    fake_host_of(gpu_driver.device.host)->may_allocate = true;
    assert_ok(virtio_allocate_shared(&gpu_driver.device, GPU_BYTES, 4096, &gpu_memory));
    fake_host_of(gpu_driver.device.host)->may_allocate = false;
    pixels = gpu_memory.memory;
    for (uint32_t at = 0; at < GPU_WIDTH * GPU_HEIGHT; at++)
        pixels[at] = at * 0x010203 + 5;
}

int gpu_bench_attach(void)
{
    const struct virtio_buffer piece = {gpu_memory.device_address, GPU_BYTES};

    return virtio_gpu_attach(&gpu_driver, &gpu_picture, &piece, 1);
}

void gpu_bench_show(void)
{
    if (gpu_memory.memory == NULL)
        gpu_bench_allocate();
    assert_ok(virtio_gpu_create(&gpu_driver, &gpu_picture, GPU_FORMAT, GPU_WIDTH, GPU_HEIGHT));
    assert_ok(gpu_bench_attach());
    assert_ok(virtio_gpu_set_scanout(&gpu_driver, 0, &gpu_picture, NULL));
}

void gpu_bench_expect_pixels(void)
{
    assert_memory_equal(fake_gpu_resource(&gpu_fake, gpu_picture.id)->pixels, gpu_memory.memory,
                        GPU_BYTES);
}

void gpu_bench_mend(void)
{
    gpu_fake.type = 0;
    gpu_fake.only = 0;
    gpu_fake.fence_wrong = 0;
    gpu_fake.fence_missing = false;
    gpu_fake.length = UINT32_MAX;
    gpu_fake.silent = false;
}

void gpu_bench_expect_size(uint32_t width, uint32_t height)
{
    uint32_t got[2] = {0, 0};

    assert_ok(virtio_gpu_choose_size(&gpu_driver, 0, &got[0], &got[1]));
    assert_int_equal(got[0], width);
    assert_int_equal(got[1], height);
}

void gpu_bench_take_all(unsigned count, int error)
{
    struct virtio_gpu_done done;

    for (uintptr_t n = 0; n < count; n++) {
        assert_int_equal(virtio_gpu_reap(&gpu_driver, &done), 1);
        assert_int_equal((uintptr_t)done.cookie, n);
        assert_result(done.error, error);
    }
    assert_int_equal(virtio_gpu_reap(&gpu_driver, &done), 0);
    assert_int_equal(gpu_driver.in_flight, 0);
}

void gpu_bench_make_pointer(struct virtio_gpu_resource *pointer)
{
    assert_ok(virtio_gpu_create(&gpu_driver, pointer, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, 64, 64));
}
