/* SPDX-License-Identifier: MIT */
/*
 * Harness: the GPU driver: displays, EDIDs, resources and their memory, frames in flight, pointers.
 */
#include "driver.h"

#define STEPS     48u
#define RESOURCES 3u
#define MEMORY    16384u /* of a picture of 64 x 64 pixels */

enum {
    HEADER_SIZE = 24,
    GET_DISPLAY_INFO = 0x100,
    GET_EDID = 0x10a,
    OK_NODATA = 0x1100,
    OK_DISPLAY_INFO = 0x1101,
    OK_EDID = 0x1104
};

struct rig {
    struct hostile *hostile;
    struct virtio_device found;
    struct virtio_gpu gpu;
    struct virtio_gpu_resource resources[RESOURCES];
    uint8_t *memory;
    uint64_t device_address;
};

static uint32_t get32(const uint8_t *from)
{
    uint32_t value;

    memcpy(&value, from, 4);
    return value;
}

static void put32(uint8_t *to, uint32_t value)
{
    memcpy(to, &value, 4);
}

/* The answer to what was asked; from 0xc0 on its kind, fence or bytes are the stream's. */
static uint32_t serve(struct hostile *hostile, unsigned queue, const struct hostile_chain *chain)
{
    uint8_t answer[HEADER_SIZE + 8 + 1024] = {0};
    uint8_t request[HEADER_SIZE] = {0};
    uint8_t style = hostile_byte(hostile);
    uint32_t size = HEADER_SIZE;

    (void)hostile_read_chain(hostile, queue, chain, 0, request, sizeof(request));
    memcpy(answer, request, sizeof(request)); /* flags and fence come back */
    put32(answer, OK_NODATA);
    if (get32(request) == GET_DISPLAY_INFO) {
        put32(answer, OK_DISPLAY_INFO);
        put32(answer + HEADER_SIZE + 8, 640);
        put32(answer + HEADER_SIZE + 12, 480);
        put32(answer + HEADER_SIZE + 16, 1);
        size += 16 * 24;
    } else if (get32(request) == GET_EDID) {
        put32(answer, OK_EDID);
        put32(answer + HEADER_SIZE, 128);
        size = sizeof(answer);
    }
    if (style >= 0xf0) {
        put32(answer, 0x1100u + hostile_number(hostile, 2));
    } else if (style >= 0xe0) {
        answer[8 + (style & 7)] ^= hostile_byte(hostile);
        hostile->lied = true;
    } else if (style >= 0xc0) {
        hostile->lied = true;
        for (uint32_t at = HEADER_SIZE; at < HEADER_SIZE + 32u; at++)
            answer[at] = hostile_byte(hostile);
        size = (style & 1) != 0 ? hostile_length(hostile) : size;
    }
    return hostile_write_chain(hostile, queue, chain, 0, answer,
                               size < sizeof(answer) ? size : sizeof(answer));
}

static const struct virtio_gpu_rect *take_rect(struct hostile *hostile,
                                               struct virtio_gpu_rect *rect)
{
    uint8_t kind = hostile_byte(hostile);

    if (kind < 0x80)
        return NULL;
    rect->x = hostile_length(hostile);
    rect->y = hostile_length(hostile);
    rect->width = hostile_length(hostile);
    rect->height = hostile_length(hostile);
    return rect;
}

static void resource(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    uint8_t style = hostile_byte(hostile);
    struct virtio_gpu_resource *one = &rig->resources[style % RESOURCES];
    struct virtio_buffer piece = {rig->device_address, MEMORY};

    switch (what) {
    case 0:
        if (one->id == 0)
            (void)virtio_gpu_create(&rig->gpu, one,
                                    (style & 0x80) != 0 ? VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM
                                                        : VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
                                    64, 64);
        break;
    case 1:
        if (one->id != 0)
            (void)virtio_gpu_attach(&rig->gpu, one, &piece, 1);
        break;
    case 2:
        if (one->id != 0)
            (void)virtio_gpu_detach(&rig->gpu, one);
        break;
    default:
        if (one->id != 0 && virtio_gpu_destroy(&rig->gpu, one) == VIRTIO_E_STALE)
            memset(one, 0, sizeof(*one));
        break;
    }
}

static void submit(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    struct virtio_gpu_resource *one = &rig->resources[hostile_byte(hostile) % RESOURCES];
    void *cookie = hostile_cookie(hostile);
    struct virtio_gpu_rect rect;
    const struct virtio_gpu_rect *part = take_rect(hostile, &rect);
    int error;

    if (cookie == NULL)
        return;
    if (what == 0)
        error = virtio_gpu_submit_transfer(&rig->gpu, one, part, cookie);
    else if (what == 1)
        error = virtio_gpu_submit_flush(&rig->gpu, one, part, cookie);
    else
        error = virtio_gpu_submit_scanout(&rig->gpu, what - 2u, one, part, cookie);
    hostile_require(error <= 0);
    if (error != VIRTIO_OK)
        hostile_cookie_back(hostile, cookie);
}

static void show(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    struct virtio_gpu_resource *one = &rig->resources[hostile_byte(hostile) % RESOURCES];
    struct virtio_gpu_rect rect;
    const struct virtio_gpu_rect *part = take_rect(hostile, &rect);

    switch (what) {
    case 0:
        (void)virtio_gpu_set_scanout(&rig->gpu, hostile_byte(hostile) & 1, one, part);
        break;
    case 1:
        (void)virtio_gpu_update(&rig->gpu, one, part);
        break;
    case 2:
        (void)virtio_gpu_set_cursor(&rig->gpu, 0, one, 1, 1, hostile_byte(hostile), 5);
        break;
    default:
        (void)virtio_gpu_move_cursor(&rig->gpu, 0, hostile_byte(hostile), 5);
        break;
    }
}

static void ask(struct rig *rig, unsigned what)
{
    static uint8_t edid[VIRTIO_GPU_EDID_MAX];
    struct virtio_gpu_display display;
    struct virtio_gpu_mode mode;
    uint32_t width = 0, height = 0, size = 0;

    switch (what) {
    case 0:
        if (virtio_gpu_get_display(&rig->gpu, 0, &display) == VIRTIO_OK)
            hostile_require(display.rect.width <= VIRTIO_GPU_SIZE_MAX &&
                            display.rect.height <= VIRTIO_GPU_SIZE_MAX);
        break;
    case 1:
        if (virtio_gpu_get_edid(&rig->gpu, 0, edid, &size) == VIRTIO_OK) {
            hostile_require(size <= VIRTIO_GPU_EDID_MAX);
            (void)virtio_gpu_parse_edid(edid, size, &mode);
        }
        break;
    case 2:
        if (virtio_gpu_choose_size(&rig->gpu, 0, &width, &height) == VIRTIO_OK)
            hostile_require(width != 0 && width <= VIRTIO_GPU_SIZE_MAX && height != 0 &&
                            height <= VIRTIO_GPU_SIZE_MAX);
        break;
    default:
        hostile_require(virtio_gpu_poll_event(&rig->gpu) <= 1);
        break;
    }
}

/* An EDID from anywhere. */
static void parse(struct hostile *hostile)
{
    uint8_t bytes[256] = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
    struct virtio_gpu_mode mode;
    uint8_t sum = 0;

    bytes[18] = 1;
    bytes[19] = 3;
    for (unsigned at = 20; at < 127 && hostile_has_script(hostile); at++)
        bytes[at] = hostile_byte(hostile);
    for (unsigned at = 0; at < 127; at++)
        sum = (uint8_t)(sum + bytes[at]);
    bytes[127] = (uint8_t)-sum;
    if (virtio_gpu_parse_edid(bytes, 128, &mode) == VIRTIO_OK)
        hostile_require(memchr(mode.name, 0, sizeof(mode.name)) != NULL);
}

static void take(struct rig *rig, bool waits)
{
    struct virtio_gpu_done done;
    int result = waits ? virtio_gpu_wait(&rig->gpu, &done, rig->hostile->timeout_us)
                       : virtio_gpu_reap(&rig->gpu, &done);

    hostile_require(result <= 1 && !(waits && result == 0));
    if (result == 1)
        hostile_cookie_back(rig->hostile, done.cookie);
}

static void drain(void *context)
{
    struct rig *rig = context;
    struct virtio_gpu_done done;

    while (virtio_gpu_drain(&rig->gpu, &done) == 1)
        hostile_cookie_back(rig->hostile, done.cookie);
}

static int start(void *context)
{
    struct rig *rig = context;

    memset(rig->resources, 0, sizeof(rig->resources));
    return virtio_gpu_start(&rig->gpu, &rig->found, NULL);
}

HOSTILE_CALLS(virtio_gpu, &rig->gpu)

static void step(void *context, uint8_t what);

static const struct hostile_driver driver = {
    .start = start,
    .halt = halt,
    .recover = recover,
    .stop = stop,
    .drain = drain,
    .step = step,
    .steps = STEPS,
    .start_waits = 4,
    .step_waits = 8,
};

static void step(void *context, uint8_t what)
{
    struct rig *rig = context;
    struct hostile *hostile = rig->hostile;

    switch (what & 15) {
    case 0:
    case 1:
        resource(rig, what >> 4 & 3);
        break;
    case 2:
    case 3:
        submit(rig, what >> 4 & 3);
        break;
    case 4:
        (void)virtio_gpu_kick(&rig->gpu);
        break;
    case 5:
    case 6:
        take(rig, (what & 15) == 6);
        break;
    case 7:
        show(rig, what >> 4 & 3);
        break;
    case 8:
        ask(rig, what >> 4 & 3);
        break;
    case 9:
        hostile_halt_or_recover(&driver, rig, what);
        break;
    case 10:
        drain(rig);
        break;
    case 11:
        hostile_start_again(&driver, rig);
        break;
    case 12:
        hostile->config[0] = what >> 4;
        break;
    case 13:
        parse(hostile);
        break;
    default:
        hostile_work(hostile, what >> 4 & 1);
        break;
    }
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_GPU, 0x3f, 2);
    hostile->serve = serve;
    hostile->config[8] = 2;
    if (hostile_byte(hostile) == 0xff) {
        hostile->config[8] = hostile_byte(hostile);
        hostile->lied = true;
    }
    rig.memory = hostile_buffer(MEMORY + 4096, &rig.device_address);
    rig.device_address = (rig.device_address + 0xfff) & ~UINT64_C(0xfff);
    hostile_drive(hostile, &rig.found, &driver, &rig);
    hostile_buffer_back(rig.memory, MEMORY + 4096);
}
