/* SPDX-License-Identifier: MIT */
/*
 * A fake GPU (spec 5.7).
 */
#include "fake_gpu.h"

#include <string.h>

#define HEADER      24u
#define PIXEL       4u
#define CURSOR      64u
#define EVENTS      0u
#define SCANOUTS_AT 8u

enum {
    GET_DISPLAY_INFO = 0x100,
    RESOURCE_CREATE_2D,
    RESOURCE_UNREF,
    SET_SCANOUT,
    RESOURCE_FLUSH,
    TRANSFER_TO_HOST_2D,
    RESOURCE_ATTACH_BACKING,
    RESOURCE_DETACH_BACKING,
    GET_EDID = 0x10a,
    UPDATE_CURSOR = 0x300,
    MOVE_CURSOR,
    OK_NODATA = 0x1100,
    OK_DISPLAY_INFO,
    OK_EDID = 0x1104
};

static const uint8_t config_widths[] = {4, 4, 4, 4, 0};

/* A request as the device read it, and the answer that it writes. */
struct request {
    struct fake_gpu *gpu;
    struct fake_chain *chain;
    uint32_t type;
    uint32_t flags;
    uint64_t fence;
    uint32_t words[8];
    uint8_t answer[HEADER + 8 + VIRTIO_GPU_EDID_MAX];
    uint32_t size; /* of the answer */
};

static uint32_t get32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void put32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

#define rule(request, name, ...) fake_rule((request)->gpu->device, name, "5.7.6", __VA_ARGS__)

/* ---- Resources ---- */

struct fake_gpu_resource *fake_gpu_resource(struct fake_gpu *gpu, uint32_t id)
{
    for (unsigned i = 0; i < FAKE_GPU_RESOURCES; i++) {
        if (gpu->resources[i].id == id)
            return &gpu->resources[i];
    }
    return NULL;
}

/* One that the driver created; naming another one is its mistake. */
static struct fake_gpu_resource *known(struct request *request, uint32_t id)
{
    struct fake_gpu_resource *resource = id != 0 ? fake_gpu_resource(request->gpu, id) : NULL;

    if (!resource)
        rule(request, "gpu-resource", "there is no resource %u", (unsigned)id);
    return resource;
}

static uint32_t create(struct request *request)
{
    struct fake_gpu_resource *resource = fake_gpu_resource(request->gpu, 0);
    const uint32_t *words = request->words;

    if (words[0] == 0 || fake_gpu_resource(request->gpu, words[0]))
        rule(request, "gpu-id", "id %u is taken", (unsigned)words[0]);
    if (!resource || words[2] * words[3] > FAKE_GPU_PIXELS)
        return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    memset(resource, 0, sizeof(*resource));
    resource->id = words[0];
    resource->format = words[1];
    resource->width = words[2];
    resource->height = words[3];
    return OK_NODATA;
}

static bool is_shown(const struct fake_gpu *gpu, uint32_t id)
{
    for (unsigned i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
        if (gpu->scanouts[i].resource == id || gpu->pointers[i].resource == id)
            return true;
    }
    return false;
}

static uint32_t unref(struct request *request)
{
    struct fake_gpu_resource *resource = known(request, request->words[0]);

    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (is_shown(request->gpu, resource->id))
        rule(request, "gpu-shown", "resource %u is shown", (unsigned)resource->id);
    resource->id = 0;
    return OK_NODATA;
}

static bool covers(const struct fake_gpu_resource *resource, const uint32_t *rect)
{
    return rect[2] != 0 && rect[3] != 0 && (uint64_t)rect[0] + rect[2] <= resource->width &&
           (uint64_t)rect[1] + rect[3] <= resource->height;
}

/* ---- Memory ---- */

static uint32_t attach(struct request *request, uint32_t id, uint32_t count)
{
    struct fake_gpu_resource *resource = known(request, id);
    uint8_t entry[16];

    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (resource->pieces != 0)
        rule(request, "gpu-attached", "resource %u has memory", (unsigned)id);
    if (count > FAKE_GPU_PIECES)
        return VIRTIO_GPU_RESP_ERR_UNSPEC;
    for (unsigned i = 0; i < count; i++) {
        fake_chain_read(request->chain, HEADER + 8 + 16 * i, entry, sizeof(entry));
        resource->memory[i].device_address = get32(entry) | (uint64_t)get32(entry + 4) << 32;
        resource->memory[i].length = get32(entry + 8);
        if (get32(entry + 12) != 0)
            rule(request, "gpu-padding", "of piece %u", i);
        if (resource->memory[i].device_address % VIRTIO_GPU_PAGE_SIZE != 0)
            rule(request, "gpu-pages", "piece %u is not of pages", i);
    }
    resource->pieces = count;
    return OK_NODATA;
}

static uint32_t detach(struct request *request)
{
    struct fake_gpu_resource *resource = known(request, request->words[0]);

    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (resource->pieces == 0)
        rule(request, "gpu-not-attached", "resource %u has no memory", (unsigned)resource->id);
    resource->pieces = 0;
    return OK_NODATA;
}

/* A pixel of the attached memory, its bytes as they are; what is beyond it is 0. */
static uint32_t fetch(struct request *request, const struct fake_gpu_resource *resource,
                      uint64_t offset)
{
    for (unsigned i = 0; i < resource->pieces; i++) {
        const struct virtio_buffer *piece = &resource->memory[i];

        if (offset + PIXEL <= piece->length) {
            uint8_t *bytes =
                fake_host_device_view(request->gpu->device->host, piece->device_address + offset,
                                      PIXEL, VIRTIO_DEVICE_READS, false);
            uint32_t pixel = 0;

            if (bytes)
                memcpy(&pixel, bytes, PIXEL);
            return pixel;
        }
        offset -= piece->length;
    }
    rule(request, "gpu-offset", "beyond the memory of resource %u", (unsigned)resource->id);
    return 0;
}

static uint32_t transfer(struct request *request)
{
    const uint32_t *words = request->words;
    struct fake_gpu_resource *resource = known(request, words[6]);
    uint64_t offset = words[4] | (uint64_t)words[5] << 32;

    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (words[7] != 0)
        rule(request, "gpu-padding", "of a transfer");
    if (resource->pieces == 0)
        rule(request, "gpu-not-attached", "resource %u has no memory", (unsigned)resource->id);
    if (!covers(resource, words)) {
        rule(request, "gpu-rect", "beyond resource %u", (unsigned)resource->id);
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    }
    for (uint32_t y = 0; resource->pieces != 0 && y < words[3]; y++) {
        for (uint32_t x = 0; x < words[2]; x++)
            resource->pixels[(words[1] + y) * resource->width + words[0] + x] =
                fetch(request, resource, offset + ((uint64_t)y * resource->width + x) * PIXEL);
    }
    return OK_NODATA;
}

/* ---- Scanouts ---- */

static bool is_scanout(struct request *request, uint32_t scanout)
{
    if (scanout < get32(request->gpu->device->config + SCANOUTS_AT))
        return true;
    rule(request, "gpu-scanout", "there is no scanout %u", (unsigned)scanout);
    return false;
}

static uint32_t set_scanout(struct request *request)
{
    const uint32_t *words = request->words;
    struct fake_gpu_resource *resource = words[5] != 0 ? known(request, words[5]) : NULL;

    if (!is_scanout(request, words[4]))
        return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    if (words[5] != 0 && !resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (resource && !covers(resource, words)) {
        rule(request, "gpu-rect", "beyond resource %u", (unsigned)resource->id);
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    }
    request->gpu->scanouts[words[4]] =
        (struct fake_gpu_scanout){words[5], {words[0], words[1], words[2], words[3]}, 0};
    return OK_NODATA;
}

static uint32_t flush(struct request *request)
{
    struct fake_gpu_resource *resource = known(request, request->words[4]);

    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (!covers(resource, request->words)) {
        rule(request, "gpu-rect", "beyond resource %u", (unsigned)resource->id);
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    }
    for (unsigned i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
        request->gpu->scanouts[i].flushes += request->gpu->scanouts[i].resource == resource->id;
    return OK_NODATA;
}

static uint32_t cursor(struct request *request)
{
    const uint32_t *words = request->words;
    struct fake_gpu_pointer *pointer;

    if (!is_scanout(request, words[0]))
        return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    if (words[3] != 0 || words[7] != 0)
        rule(request, "gpu-padding", "of a pointer");
    pointer = &request->gpu->pointers[words[0]];
    if (request->type == UPDATE_CURSOR) {
        struct fake_gpu_resource *resource = words[4] != 0 ? known(request, words[4]) : NULL;

        if (resource && (resource->width != CURSOR || resource->height != CURSOR))
            rule(request, "gpu-cursor-size", "%u x %u", (unsigned)resource->width,
                 (unsigned)resource->height);
        *pointer = (struct fake_gpu_pointer){words[4], words[4], words[5], words[6], 0, 0};
    }
    pointer->named = words[4];
    pointer->x = words[1];
    pointer->y = words[2];
    return OK_NODATA;
}

/* ---- What it tells ---- */

static uint32_t display_info(struct request *request)
{
    uint8_t *at = request->answer + HEADER;

    for (unsigned i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++, at += 24) {
        const struct virtio_gpu_display *display = &request->gpu->displays[i];

        put32(at, display->rect.x);
        put32(at + 4, display->rect.y);
        put32(at + 8, display->rect.width);
        put32(at + 12, display->rect.height);
        put32(at + 16, display->enabled);
        put32(at + 20, display->flags);
    }
    request->size = HEADER + VIRTIO_GPU_MAX_SCANOUTS * 24;
    return OK_DISPLAY_INFO;
}

static uint32_t get_edid(struct request *request)
{
    struct fake_gpu *gpu = request->gpu;

    if ((gpu->device->driver_features & VIRTIO_GPU_F_EDID) == 0)
        rule(request, "gpu-edid-not-negotiated", "EDID");
    if (!is_scanout(request, request->words[0]))
        return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    put32(request->answer + HEADER, gpu->edid_size);
    memcpy(request->answer + HEADER + 8, gpu->edid, sizeof(gpu->edid));
    request->size = sizeof(request->answer);
    return OK_EDID;
}

/* ---- Requests ---- */

/* Words behind the header, by command; 0 for an unknown one. */
static unsigned words_of(uint32_t type)
{
    switch (type) {
    case RESOURCE_CREATE_2D:
        return 4;
    case RESOURCE_UNREF:
    case RESOURCE_DETACH_BACKING:
    case RESOURCE_ATTACH_BACKING:
    case GET_EDID:
        return 2;
    case SET_SCANOUT:
    case RESOURCE_FLUSH:
        return 6;
    case TRANSFER_TO_HOST_2D:
    case UPDATE_CURSOR:
    case MOVE_CURSOR:
        return 8;
    default:
        return 0;
    }
}

static uint32_t carry_out(struct request *request)
{
    request->size = HEADER;
    switch (request->type) {
    case GET_DISPLAY_INFO:
        return display_info(request);
    case GET_EDID:
        return get_edid(request);
    case RESOURCE_CREATE_2D:
        return create(request);
    case RESOURCE_UNREF:
        return unref(request);
    case RESOURCE_ATTACH_BACKING:
        return attach(request, request->words[0], request->words[1]);
    case RESOURCE_DETACH_BACKING:
        return detach(request);
    case TRANSFER_TO_HOST_2D:
        return transfer(request);
    case RESOURCE_FLUSH:
        return flush(request);
    case SET_SCANOUT:
        return set_scanout(request);
    case UPDATE_CURSOR:
    case MOVE_CURSOR:
        return cursor(request);
    default:
        rule(request, "gpu-command", "0x%x", (unsigned)request->type);
        return VIRTIO_GPU_RESP_ERR_UNSPEC;
    }
}

static bool is_cursor(const struct request *request)
{
    return request->chain->queue->index == 1;
}

static void read_request(struct request *request)
{
    struct fake_chain *chain = request->chain;
    uint8_t header[HEADER];
    uint8_t word[4];
    uint64_t due;

    fake_chain_read(chain, 0, header, sizeof(header));
    request->type = get32(header);
    request->flags = get32(header + 4);
    request->fence = get32(header + 8) | (uint64_t)get32(header + 12) << 32;
    due = HEADER + 4 * words_of(request->type);
    for (unsigned i = 0; i < words_of(request->type) && HEADER + 4 * i + 4 <= chain->readable;
         i++) {
        fake_chain_read(chain, HEADER + 4 * i, word, sizeof(word));
        request->words[i] = get32(word);
    }
    if (request->type == RESOURCE_ATTACH_BACKING)
        due += 16 * (uint64_t)request->words[1];
    if (chain->readable != due)
        rule(request, "gpu-request-size", "%llu bytes instead of %llu",
             (unsigned long long)chain->readable, (unsigned long long)due);
    if (get32(header + 16) != 0 || get32(header + 20) != 0 || (request->flags & ~1u) != 0)
        rule(request, "gpu-header", "flags 0x%x", (unsigned)request->flags);
    if (is_cursor(request) != (request->type >= UPDATE_CURSOR))
        rule(request, "gpu-queue", "command 0x%x", (unsigned)request->type);
}

static void write_answer(struct request *request, uint32_t type)
{
    struct fake_gpu *gpu = request->gpu;
    uint64_t fence = request->fence + gpu->fence_wrong;
    uint32_t length = is_cursor(request) && !gpu->answers_cursors ? 0 : request->size;

    if (gpu->type != 0 && (gpu->only == 0 || gpu->only == request->type))
        type = gpu->type;
    put32(request->answer, type);
    put32(request->answer + 4, gpu->fence_missing ? 0 : request->flags & 1);
    put32(request->answer + 8, (uint32_t)fence);
    put32(request->answer + 12, (uint32_t)(fence >> 32));
    if (length > request->chain->writable) {
        rule(request, "gpu-answer-size", "%llu bytes for an answer of %u",
             (unsigned long long)request->chain->writable, (unsigned)length);
        length = (uint32_t)request->chain->writable;
    }
    if (length != 0)
        fake_chain_write(request->chain, 0, request->answer, length);
    fake_chain_complete(request->chain, gpu->length != UINT32_MAX ? gpu->length : length);
}

static void answer(struct fake_gpu *gpu, struct fake_chain *chain)
{
    struct request request = {.gpu = gpu, .chain = chain};

    if (chain->readable < HEADER || chain->writable < HEADER) {
        rule(&request, "gpu-chain", "%llu bytes readable, %llu writable",
             (unsigned long long)chain->readable, (unsigned long long)chain->writable);
        fake_chain_complete(chain, 0);
        return;
    }
    read_request(&request);
    gpu->commands++;
    write_answer(&request, carry_out(&request));
}

static void request(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_gpu *gpu = device->behaviour_context;

    if (!gpu->silent)
        answer(gpu, chain);
}

void fake_gpu_finish(struct fake_gpu *gpu)
{
    for (unsigned index = 0; index < 2; index++) {
        struct fake_chain *chain;

        while ((chain = fake_queue_chain(&gpu->device->queues[index], 0)) != NULL)
            answer(gpu, chain);
    }
}

static void config_written(struct fake_device *device, uint32_t offset, unsigned width)
{
    uint32_t left = get32(device->config + EVENTS) & ~get32(device->config + EVENTS + 4);
    uint8_t bytes[8] = {0};

    if (offset != EVENTS + 4 || width != 4)
        fake_rule(device, "gpu-config-write", "5.7.4.1", "%u bytes at %u", width, (unsigned)offset);
    put32(bytes, left);
    fake_device_change_config(device, EVENTS, bytes, sizeof(bytes));
}

static void reset(struct fake_device *device)
{
    struct fake_gpu *gpu = device->behaviour_context;

    memset(gpu->resources, 0, sizeof(gpu->resources));
    memset(gpu->scanouts, 0, sizeof(gpu->scanouts));
    memset(gpu->pointers, 0, sizeof(gpu->pointers));
}

static const struct fake_behaviour behaviour = {
    .request = request, .config_written = config_written, .reset = reset};

void fake_gpu_begin(struct fake_gpu *gpu, struct fake_device *device, uint32_t scanouts)
{
    memset(gpu, 0, sizeof(*gpu));
    gpu->device = device;
    gpu->length = UINT32_MAX;
    gpu->displays[0] = (struct virtio_gpu_display){true, {0, 0, 800, 600}, 0};
    fake_gpu_write_edid(gpu, 1920, 1080, "fake display");
    device->type = VIRTIO_ID_GPU;
    device->behaviour = &behaviour;
    device->behaviour_context = gpu;
    device->features |= VIRTIO_GPU_F_EDID | VIRTIO_GPU_F_VIRGL | VIRTIO_GPU_F_RESOURCE_BLOB;
    device->config_size = 16;
    device->config_widths = config_widths;
    put32(device->config + SCANOUTS_AT, scanouts);
    device->queue_count = 2;
    device->queues[0].maximum = 64;
    device->queues[1].maximum = 16;
}

void fake_gpu_raise_event(struct fake_gpu *gpu)
{
    static const uint8_t event[4] = {1, 0, 0, 0};

    fake_device_change_config(gpu->device, EVENTS, event, sizeof(event));
}

void fake_gpu_seal_edid(uint8_t *edid)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < 127; i++)
        sum = (uint8_t)(sum + edid[i]);
    edid[127] = (uint8_t)-sum;
}

void fake_gpu_write_edid(struct fake_gpu *gpu, uint32_t width, uint32_t height, const char *name)
{
    static const uint8_t header[] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    uint8_t *edid = gpu->edid;
    uint8_t *timing = edid + 54;
    uint8_t *text = edid + 54 + 18;

    memset(gpu->edid, 0, sizeof(gpu->edid));
    memcpy(edid, header, sizeof(header));
    edid[18] = 1;
    edid[19] = 4;
    edid[21] = 52; /* cm */
    edid[22] = 29;
    /* 148.5 MHz, 280 and 45 blank: 1920 x 1080 at 60 Hz. */
    timing[0] = 14850 & 0xff;
    timing[1] = 14850 >> 8;
    timing[2] = (uint8_t)width;
    timing[3] = 280 & 0xff;
    timing[4] = (uint8_t)(width >> 8 << 4 | 280 >> 8);
    timing[5] = (uint8_t)height;
    timing[6] = 45;
    timing[7] = (uint8_t)(height >> 8 << 4);
    timing[12] = 527 & 0xff; /* mm */
    timing[13] = 296 & 0xff;
    timing[14] = 527 >> 8 << 4 | 296 >> 8;
    text[3] = 0xfc;
    memset(text + 5, ' ', 13);
    memcpy(text + 5, name, strlen(name));
    if (strlen(name) < 13)
        text[5 + strlen(name)] = '\n';
    fake_gpu_seal_edid(edid);
    gpu->edid_size = VIRTIO_GPU_EDID_BLOCK;
}
