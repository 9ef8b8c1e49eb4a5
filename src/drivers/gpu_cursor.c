/* SPDX-License-Identifier: MIT */
/*
 * Pointers of a GPU (spec 5.7.6.6, 5.7.6.10), which have a queue of their own: the fast lane.
 *
 * Must not: wait for the device when a pointer is only moved.
 */
#include "gpu_internal.h"

/* Where, and which: struct virtio_gpu_cursor_pos, then what only an update needs. */
#define CURSOR_WORDS 8u

static int begin(struct virtio_gpu *gpu, uint32_t command, uint32_t scanout, uint32_t x, uint32_t y,
                 uint32_t resource, struct virtio_gpu_slot **begun)
{
    struct virtio_gpu_request *request;
    int error;

    if (!virtio_gpu_is_live(gpu))
        return VIRTIO_E_STATE;
    if (scanout >= gpu->num_scanouts)
        return VIRTIO_E_OUT_OF_RANGE;
    error = virtio_gpu_collect_cursors(gpu);
    if (error == VIRTIO_OK)
        error = virtio_gpu_begin(gpu, &gpu->cursor, command, begun);
    if (error != VIRTIO_OK)
        return error;
    request = virtio_gpu_request_of(gpu, *begun);
    request->words[0] = virtio_gpu_order32(scanout);
    request->words[1] = virtio_gpu_order32(x);
    request->words[2] = virtio_gpu_order32(y);
    request->words[4] = virtio_gpu_order32(resource);
    return VIRTIO_OK;
}

/* The device may still be busy with movements, which are no reason to refuse the pointer itself. */
static int wait_for_room(struct virtio_gpu *gpu)
{
    struct virtio_done used;
    int result = virtio_gpu_collect_cursors(gpu);

    if (result == VIRTIO_OK && gpu->cursor.free_slots == NULL)
        result = virtio_wait(&gpu->cursor.queue, &used, gpu->device.timeout_us);
    if (result < 0)
        return virtio_gpu_give_up(gpu, result);
    if (result > 0)
        virtio_gpu_complete(gpu, &gpu->cursor, &used);
    return VIRTIO_OK;
}

int virtio_gpu_set_cursor(struct virtio_gpu *gpu, uint32_t scanout,
                          const struct virtio_gpu_resource *resource, uint32_t hot_x,
                          uint32_t hot_y, uint32_t x, uint32_t y)
{
    const uint32_t id = resource != NULL ? resource->id : 0;
    struct virtio_gpu_slot *slot;
    int error = VIRTIO_OK;

    if (resource != NULL)
        error = virtio_gpu_check_resource(gpu, resource);
    if (error == VIRTIO_OK && resource != NULL &&
        (resource->width != VIRTIO_GPU_CURSOR_SIZE || resource->height != VIRTIO_GPU_CURSOR_SIZE))
        error = VIRTIO_E_INVALID;
    if (error == VIRTIO_OK && (hot_x >= VIRTIO_GPU_CURSOR_SIZE || hot_y >= VIRTIO_GPU_CURSOR_SIZE))
        error = VIRTIO_E_OUT_OF_RANGE;
    if (error == VIRTIO_OK && virtio_gpu_is_live(gpu))
        error = wait_for_room(gpu);
    if (error == VIRTIO_OK)
        error = begin(gpu, VIRTIO_GPU_CMD_UPDATE_CURSOR, scanout, x, y, id, &slot);
    if (error != VIRTIO_OK)
        return error;
    virtio_gpu_request_of(gpu, slot)->words[5] = virtio_gpu_order32(hot_x);
    virtio_gpu_request_of(gpu, slot)->words[6] = virtio_gpu_order32(hot_y);
    error = virtio_gpu_send(gpu, &gpu->cursor, slot, CURSOR_WORDS);
    error = virtio_gpu_await_sent(gpu, &gpu->cursor, slot, error);
    if (error == VIRTIO_OK)
        gpu->pointers[scanout] = id;
    return error;
}

/* The specification says that the resource of a movement is ignored; QEMU hides the pointer when it is 0. */
int virtio_gpu_move_cursor(struct virtio_gpu *gpu, uint32_t scanout, uint32_t x, uint32_t y)
{
    const uint32_t id = scanout < gpu->num_scanouts ? gpu->pointers[scanout] : 0;
    struct virtio_gpu_slot *slot;
    int error = begin(gpu, VIRTIO_GPU_CMD_MOVE_CURSOR, scanout, x, y, id, &slot);

    if (error == VIRTIO_OK)
        error = virtio_gpu_send(gpu, &gpu->cursor, slot, CURSOR_WORDS);
    return error == VIRTIO_OK ? virtio_kick(&gpu->cursor.queue) : error;
}
