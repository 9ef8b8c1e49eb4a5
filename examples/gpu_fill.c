/* SPDX-License-Identifier: MIT */
/*
 * Fill the first screen of a GPU with a colour, as large as the screen would like it. Compiled with the tests; copy it
 * into a kernel that has a struct virtio_host and has found a device.
 */
#include <virtio/virtio.h>

int gpu_fill_screen(const struct virtio_device *found, uint32_t colour);

static struct virtio_gpu gpu;
static struct virtio_gpu_resource screen;
static struct virtio_shared pixels;

/* The picture, its memory, and the scanout that shows it. */
static int set_up(uint32_t width, uint32_t height)
{
    const uint32_t bytes = width * height * VIRTIO_GPU_PIXEL_SIZE;
    struct virtio_buffer piece;
    int error = virtio_allocate_shared(&gpu.device, bytes, VIRTIO_GPU_PAGE_SIZE, &pixels);

    if (error == VIRTIO_OK)
        error = virtio_gpu_create(&gpu, &screen, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, width, height);
    piece.device_address = pixels.device_address;
    piece.length = bytes;
    if (error == VIRTIO_OK)
        error = virtio_gpu_attach(&gpu, &screen, &piece, 1);
    if (error == VIRTIO_OK)
        error = virtio_gpu_set_scanout(&gpu, 0, &screen, NULL);
    return error;
}

/* 0x00RRGGBB, on a little-endian CPU. The picture stays until virtio_gpu_stop; its memory is given back after that. */
int gpu_fill_screen(const struct virtio_device *found, uint32_t colour)
{
    uint32_t width;
    uint32_t height;
    int error = virtio_gpu_start(&gpu, found, NULL);

    if (error == VIRTIO_OK)
        error = virtio_gpu_choose_size(&gpu, 0, &width, &height);
    if (error == VIRTIO_OK)
        error = set_up(width, height);
    if (error != VIRTIO_OK)
        return error;
    for (uint32_t at = 0; at < width * height; at++)
        ((uint32_t *)pixels.memory)[at] = colour;
    return virtio_gpu_update(&gpu, &screen, NULL);
}
