/* SPDX-License-Identifier: MIT */
/*
 * Resources and scanouts of a GPU (spec 5.7.6.8). What the device knows of them it is told here; what the driver
 * needs to know is in the caller's struct virtio_gpu_resource and in `shown`.
 *
 * Must not: let a request name a resource that the device does not have, or pixels beyond its edges.
 */
#include "gpu_internal.h"

static uint32_t order(uint32_t value)
{
    return virtio_gpu_order32(value);
}

/* ---- Checks ---- */

static bool is_format(enum virtio_gpu_format format)
{
    switch (format) {
    case VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM:
    case VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM:
    case VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM:
    case VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM:
    case VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM:
    case VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM:
    case VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM:
    case VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM:
        return true;
    default:
        return false;
    }
}

static bool is_size(uint32_t pixels)
{
    return pixels != 0 && pixels <= VIRTIO_GPU_SIZE_MAX;
}

/* Ids only ever grow, so those of before a recovery are known by their number. */
int virtio_gpu_check_resource(const struct virtio_gpu *gpu,
                              const struct virtio_gpu_resource *resource)
{
    if (!virtio_gpu_is_live(gpu))
        return VIRTIO_E_STATE;
    if (resource == NULL || resource->id == 0)
        return VIRTIO_E_INVALID;
    return resource->id - gpu->first_id < gpu->next_id - gpu->first_id ? VIRTIO_OK : VIRTIO_E_STALE;
}

/* `rect` or the whole of the resource. */
static int check_rect(const struct virtio_gpu_resource *resource,
                      const struct virtio_gpu_rect *rect, struct virtio_gpu_rect *checked)
{
    *checked =
        rect != NULL ? *rect : (struct virtio_gpu_rect){0, 0, resource->width, resource->height};
    if (checked->width == 0 || checked->height == 0)
        return VIRTIO_E_INVALID;
    if (checked->x > resource->width || checked->width > resource->width - checked->x ||
        checked->y > resource->height || checked->height > resource->height - checked->y)
        return VIRTIO_E_OUT_OF_RANGE;
    return VIRTIO_OK;
}

/* ---- Requests ---- */

static void put_rect(struct virtio_gpu_request *request, const struct virtio_gpu_rect *rect)
{
    request->words[0] = order(rect->x);
    request->words[1] = order(rect->y);
    request->words[2] = order(rect->width);
    request->words[3] = order(rect->height);
}

/* One that has nothing but the resource to say: its number and padding. */
static int run_plain(struct virtio_gpu *gpu, uint32_t command, uint32_t resource)
{
    struct virtio_gpu_slot *slot;
    int error = virtio_gpu_begin(gpu, &gpu->control, command, &slot);

    if (error != VIRTIO_OK)
        return error;
    virtio_gpu_request_of(gpu, slot)->words[0] = order(resource);
    return virtio_gpu_run(gpu, slot, 2);
}

/* ---- Resources ---- */

/* 0 is no resource (spec 5.7.6.8). */
static uint32_t take_id(struct virtio_gpu *gpu)
{
    if (gpu->next_id == 0)
        gpu->next_id = 1;
    return gpu->next_id++;
}

int virtio_gpu_create(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource,
                      enum virtio_gpu_format format, uint32_t width, uint32_t height)
{
    struct virtio_gpu_slot *slot;
    struct virtio_gpu_request *request;
    uint32_t id;
    int error;

    *resource = (struct virtio_gpu_resource){.id = 0};
    if (!is_format(format))
        return VIRTIO_E_INVALID;
    if (!is_size(width) || !is_size(height))
        return VIRTIO_E_OUT_OF_RANGE;
    error = virtio_gpu_begin(gpu, &gpu->control, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, &slot);
    if (error != VIRTIO_OK)
        return error;
    id = take_id(gpu);
    request = virtio_gpu_request_of(gpu, slot);
    request->words[0] = order(id);
    request->words[1] = order((uint32_t)format);
    request->words[2] = order(width);
    request->words[3] = order(height);
    error = virtio_gpu_run(gpu, slot, 4);
    if (error == VIRTIO_OK)
        *resource = (struct virtio_gpu_resource){id, format, width, height, false};
    return error;
}

static bool is_shown(const struct virtio_gpu *gpu, uint32_t id)
{
    for (uint32_t scanout = 0; scanout < gpu->num_scanouts; scanout++) {
        if (gpu->shown[scanout] == id || gpu->pointers[scanout] == id)
            return true;
    }
    return false;
}

int virtio_gpu_destroy(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource)
{
    int error = virtio_gpu_check_resource(gpu, resource);

    if (error != VIRTIO_OK)
        return error;
    if (is_shown(gpu, resource->id) || virtio_gpu_is_named(gpu, resource->id))
        return VIRTIO_E_BUSY;
    error = run_plain(gpu, VIRTIO_GPU_CMD_RESOURCE_UNREF, resource->id);
    if (error == VIRTIO_OK)
        *resource = (struct virtio_gpu_resource){.id = 0};
    return error;
}

/* ---- Memory ---- */

static uint32_t bytes_of(const struct virtio_gpu_resource *resource)
{
    return resource->width * resource->height * VIRTIO_GPU_PIXEL_SIZE;
}

static int check_pieces(const struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                        const struct virtio_buffer *pieces, size_t count)
{
    uint64_t bytes = 0;

    if (resource->attached)
        return VIRTIO_E_BUSY;
    if (pieces == NULL || count == 0)
        return VIRTIO_E_INVALID;
    if (count > gpu->pieces_max)
        return VIRTIO_E_TOO_LONG;
    for (size_t at = 0; at < count; at++) {
        if (pieces[at].length == 0)
            return VIRTIO_E_ZERO_LENGTH;
        if (pieces[at].device_address % VIRTIO_GPU_PAGE_SIZE != 0 ||
            (at + 1 < count && pieces[at].length % VIRTIO_GPU_PAGE_SIZE != 0))
            return VIRTIO_E_INVALID;
        bytes += pieces[at].length;
    }
    return bytes >= bytes_of(resource) ? VIRTIO_OK : VIRTIO_E_OUT_OF_RANGE;
}

int virtio_gpu_attach(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource,
                      const struct virtio_buffer *pieces, size_t count)
{
    struct virtio_gpu_resource_attach_backing *request;
    struct virtio_gpu_slot *slot;
    int error = virtio_gpu_check_resource(gpu, resource);

    if (error == VIRTIO_OK)
        error = check_pieces(gpu, resource, pieces, count);
    if (error == VIRTIO_OK)
        error = virtio_gpu_begin(gpu, &gpu->control, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, &slot);
    if (error != VIRTIO_OK)
        return error;
    request = virtio_gpu_large_request(gpu);
    request->resource_id = order(resource->id);
    request->nr_entries = order((uint32_t)count);
    for (size_t at = 0; at < count; at++)
        request->entries[at] = (struct virtio_gpu_mem_entry){
            .addr = virtio_order64(false, pieces[at].device_address),
            .length = order(pieces[at].length),
        };
    error = virtio_gpu_send_pieces(gpu, slot, (uint32_t)count);
    error = virtio_gpu_await_sent(gpu, &gpu->control, slot, error);
    resource->attached = error == VIRTIO_OK;
    return error;
}

int virtio_gpu_detach(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource)
{
    int error = virtio_gpu_check_resource(gpu, resource);

    if (error == VIRTIO_OK && !resource->attached)
        error = VIRTIO_E_INVALID;
    if (error == VIRTIO_OK && virtio_gpu_is_named(gpu, resource->id))
        error = VIRTIO_E_BUSY;
    if (error == VIRTIO_OK)
        error = run_plain(gpu, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, resource->id);
    if (error == VIRTIO_OK)
        resource->attached = false;
    return error;
}

/* ---- Pixels ---- */

/* How many words a transfer and a flush have. */
#define TRANSFER_WORDS 8u
#define FLUSH_WORDS    6u
#define SCANOUT_WORDS  6u

static int begin_transfer(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                          const struct virtio_gpu_rect *rect, struct virtio_gpu_slot **begun)
{
    struct virtio_gpu_request *request;
    struct virtio_gpu_rect part;
    int error = virtio_gpu_check_resource(gpu, resource);

    if (error == VIRTIO_OK && !resource->attached)
        error = VIRTIO_E_INVALID;
    if (error == VIRTIO_OK)
        error = check_rect(resource, rect, &part);
    if (error == VIRTIO_OK)
        error = virtio_gpu_begin(gpu, &gpu->control, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, begun);
    if (error != VIRTIO_OK)
        return error;
    (*begun)->resource = resource->id;
    request = virtio_gpu_request_of(gpu, *begun);
    put_rect(request, &part);
    /* The offset of the first pixel in the attached memory, of 64 bits: at most 2^30. */
    request->words[4] = order((part.y * resource->width + part.x) * VIRTIO_GPU_PIXEL_SIZE);
    request->words[6] = order(resource->id);
    return VIRTIO_OK;
}

static int begin_flush(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                       const struct virtio_gpu_rect *rect, struct virtio_gpu_slot **begun)
{
    struct virtio_gpu_request *request;
    struct virtio_gpu_rect part;
    int error = virtio_gpu_check_resource(gpu, resource);

    if (error == VIRTIO_OK)
        error = check_rect(resource, rect, &part);
    if (error == VIRTIO_OK)
        error = virtio_gpu_begin(gpu, &gpu->control, VIRTIO_GPU_CMD_RESOURCE_FLUSH, begun);
    if (error != VIRTIO_OK)
        return error;
    (*begun)->resource = resource->id;
    request = virtio_gpu_request_of(gpu, *begun);
    put_rect(request, &part);
    request->words[4] = order(resource->id);
    return VIRTIO_OK;
}

int virtio_gpu_transfer(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                        const struct virtio_gpu_rect *rect)
{
    struct virtio_gpu_slot *slot;
    int error = begin_transfer(gpu, resource, rect, &slot);

    return error == VIRTIO_OK ? virtio_gpu_run(gpu, slot, TRANSFER_WORDS) : error;
}

int virtio_gpu_flush(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                     const struct virtio_gpu_rect *rect)
{
    struct virtio_gpu_slot *slot;
    int error = begin_flush(gpu, resource, rect, &slot);

    return error == VIRTIO_OK ? virtio_gpu_run(gpu, slot, FLUSH_WORDS) : error;
}

int virtio_gpu_update(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                      const struct virtio_gpu_rect *rect)
{
    struct virtio_gpu_slot *transfer;
    struct virtio_gpu_slot *flush;
    int error = begin_transfer(gpu, resource, rect, &transfer);

    if (error != VIRTIO_OK)
        return error;
    error = virtio_gpu_send(gpu, &gpu->control, transfer, TRANSFER_WORDS);
    if (error != VIRTIO_OK)
        return virtio_gpu_await_sent(gpu, &gpu->control, transfer, error);
    transfer->is_waited = true;
    error = begin_flush(gpu, resource, rect, &flush);
    if (error == VIRTIO_OK)
        error = virtio_gpu_send(gpu, &gpu->control, flush, FLUSH_WORDS);
    if (error == VIRTIO_OK)
        return virtio_gpu_await_both(gpu, transfer, flush);
    /* Where there is room for one request alone, one goes after the other. */
    error = virtio_gpu_await(gpu, &gpu->control, transfer);
    return error == VIRTIO_OK ? virtio_gpu_flush(gpu, resource, rect) : error;
}

int virtio_gpu_submit_transfer(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                               const struct virtio_gpu_rect *rect, void *cookie)
{
    struct virtio_gpu_slot *slot;
    int error = begin_transfer(gpu, resource, rect, &slot);

    return error == VIRTIO_OK ? virtio_gpu_submit(gpu, slot, TRANSFER_WORDS, cookie) : error;
}

int virtio_gpu_submit_flush(struct virtio_gpu *gpu, const struct virtio_gpu_resource *resource,
                            const struct virtio_gpu_rect *rect, void *cookie)
{
    struct virtio_gpu_slot *slot;
    int error = begin_flush(gpu, resource, rect, &slot);

    return error == VIRTIO_OK ? virtio_gpu_submit(gpu, slot, FLUSH_WORDS, cookie) : error;
}

/* ---- Scanouts ---- */

static int begin_scanout(struct virtio_gpu *gpu, uint32_t scanout,
                         const struct virtio_gpu_resource *resource,
                         const struct virtio_gpu_rect *rect, struct virtio_gpu_slot **begun)
{
    struct virtio_gpu_request *request;
    struct virtio_gpu_rect part = {0, 0, 0, 0};
    int error = virtio_gpu_check_scanout(gpu, scanout);

    if (error == VIRTIO_OK && resource != NULL)
        error = virtio_gpu_check_resource(gpu, resource);
    if (error == VIRTIO_OK && resource != NULL)
        error = check_rect(resource, rect, &part);
    if (error == VIRTIO_OK)
        error = virtio_gpu_begin(gpu, &gpu->control, VIRTIO_GPU_CMD_SET_SCANOUT, begun);
    if (error != VIRTIO_OK)
        return error;
    (*begun)->resource = resource != NULL ? resource->id : 0;
    (*begun)->scanout = scanout;
    request = virtio_gpu_request_of(gpu, *begun);
    put_rect(request, &part);
    request->words[4] = order(scanout);
    request->words[5] = order((*begun)->resource);
    return VIRTIO_OK;
}

int virtio_gpu_set_scanout(struct virtio_gpu *gpu, uint32_t scanout,
                           const struct virtio_gpu_resource *resource,
                           const struct virtio_gpu_rect *rect)
{
    struct virtio_gpu_slot *slot;
    int error = begin_scanout(gpu, scanout, resource, rect, &slot);

    return error == VIRTIO_OK ? virtio_gpu_run(gpu, slot, SCANOUT_WORDS) : error;
}

int virtio_gpu_submit_scanout(struct virtio_gpu *gpu, uint32_t scanout,
                              const struct virtio_gpu_resource *resource,
                              const struct virtio_gpu_rect *rect, void *cookie)
{
    struct virtio_gpu_slot *slot;
    int error = begin_scanout(gpu, scanout, resource, rect, &slot);

    return error == VIRTIO_OK ? virtio_gpu_submit(gpu, slot, SCANOUT_WORDS, cookie) : error;
}
