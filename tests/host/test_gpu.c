/* SPDX-License-Identifier: MIT */
/*
 * The GPU driver: displays, resources, scanouts, pointers, and a device that refuses, lies or fails.
 */
#include "bench.h"
#include "fake_gpu.h"

#include <string.h>

#define TIMEOUT_US 3000u
#define WIDTH      40u
#define HEIGHT     60u /* 9600 bytes: three pages */
#define BYTES      (WIDTH * HEIGHT * 4)
#define FORMAT     VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM

static struct fake_gpu fake;
static struct virtio_gpu gpu;
static struct virtio_gpu_resource picture;
static struct virtio_shared memory;

static void begin(struct bench *bench, uint32_t scanouts)
{
    fake_gpu_begin(&fake, &bench->fake, scanouts);
    memset(&memory, 0, sizeof(memory));
    memset(&picture, 0, sizeof(picture));
}

static int start(struct bench *bench)
{
    bench_attach(bench);
    bench->device.timeout_us = TIMEOUT_US;
    return virtio_gpu_start(&gpu, &bench->device, NULL);
}

static void start_two(struct bench *bench)
{
    begin(bench, 2);
    assert_ok(start(bench));
}

static void stop(void)
{
    if (gpu.device.state != VIRTIO_DEVICE_LOST)
        assert_ok(virtio_gpu_halt(&gpu));
    virtio_free_shared(&gpu.device, &memory);
    assert_ok(virtio_gpu_stop(&gpu));
}

/* Memory for the picture, different in each pixel. */
static void allocate(void)
{
    uint32_t *pixels;

    assert_ok(virtio_allocate_shared(&gpu.device, BYTES, 4096, &memory));
    pixels = memory.memory;
    for (uint32_t at = 0; at < WIDTH * HEIGHT; at++)
        pixels[at] = at * 0x010203 + 5;
}

static int attach(void)
{
    const struct virtio_buffer piece = {memory.device_address, BYTES};

    return virtio_gpu_attach(&gpu, &picture, &piece, 1);
}

/* A picture with memory on scanout 0. */
static void show(void)
{
    if (memory.memory == NULL)
        allocate();
    assert_ok(virtio_gpu_create(&gpu, &picture, FORMAT, WIDTH, HEIGHT));
    assert_ok(attach());
    assert_ok(virtio_gpu_set_scanout(&gpu, 0, &picture, NULL));
}

static void expect_pixels(void)
{
    assert_memory_equal(fake_gpu_resource(&fake, picture.id)->pixels, memory.memory, BYTES);
}

/* The device does as it should again. */
static void mend(void)
{
    fake.type = 0;
    fake.only = 0;
    fake.fence_wrong = 0;
    fake.fence_missing = false;
    fake.length = UINT32_MAX;
    fake.silent = false;
}

/* ---- Start ---- */

static void test_start(struct bench *bench)
{
    start_two(bench);
    assert_int_equal(gpu.num_scanouts, 2);
    assert_int_equal(gpu.depth, VIRTIO_GPU_DEPTH_MAX);
    assert_int_equal(gpu.device.features & 0xffffff, VIRTIO_GPU_F_EDID);
    assert_int_equal(fake.commands, 0);
    stop();
    stop();
    assert_result(virtio_gpu_poll_event(&gpu), VIRTIO_E_STATE);
    assert_result(virtio_gpu_recover(&gpu), VIRTIO_E_STATE);
}

static void test_what_is_refused_at_start(struct bench *bench)
{
    struct virtio_gpu_options options = {.pieces_max = 16385};

    bench_attach(bench);
    assert_result(virtio_gpu_start(&gpu, &bench->device, NULL), VIRTIO_E_INVALID);
    bench->device.type = VIRTIO_ID_GPU;
    assert_result(virtio_gpu_start(&gpu, &bench->device, &options), VIRTIO_E_INVALID);
}

static void test_number_of_scanouts(struct bench *bench)
{
    static const uint32_t lies[] = {0, 17, UINT32_MAX};

    begin(bench, 1);
    for (unsigned i = 0; i < 3; i++) {
        fake_device_set_config(&bench->fake, 8, 4, lies[i]);
        assert_result(start(bench), VIRTIO_E_CONFIG);
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
    fake_device_set_config(&bench->fake, 8, 4, 16);
    assert_ok(start(bench));
    assert_int_equal(gpu.num_scanouts, 16);
    stop();
}

static void test_queues(struct bench *bench)
{
    begin(bench, 1);
    bench->fake.queues[1].maximum = 0;
    assert_result(start(bench), VIRTIO_E_NO_QUEUE);
    bench->fake.queues[1].maximum = 1;
    assert_result(start(bench), VIRTIO_E_QUEUE_SIZE);
    bench->fake.queues[1].maximum = 16;
    bench->fake.queues[0].maximum = 1;
    assert_result(start(bench), VIRTIO_E_QUEUE_SIZE);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

/* Where there is room for one request, all works one after the other. */
static void test_room_for_one(struct bench *bench)
{
    begin(bench, 1);
    bench->fake.queues[0].maximum = 2;
    bench->fake.queues[1].maximum = 2;
    assert_ok(start(bench));
    assert_int_equal(gpu.depth, 1);
    show();
    assert_ok(virtio_gpu_update(&gpu, &picture, NULL));
    expect_pixels();
    assert_int_equal(fake.scanouts[0].flushes, 1);
    for (uint32_t n = 0; n < 20; n++)
        assert_ok(virtio_gpu_move_cursor(&gpu, 0, n, n));
    assert_int_equal(fake.pointers[0].x, 19);
    fake.type = VIRTIO_GPU_RESP_ERR_UNSPEC;
    assert_result(virtio_gpu_update(&gpu, &picture, NULL), VIRTIO_E_IO);
    mend();
    stop();
}

static void test_each_allocation_failing(struct bench *bench)
{
    begin(bench, 1);
    bench_attach(bench);
    for (unsigned n = 1;; n++) {
        int error;

        fake_host_fail_at(&bench->host, n);
        error = virtio_gpu_start(&gpu, &bench->device, NULL);
        if (!bench->host.failed) {
            assert_ok(error);
            assert_true(n > 4);
            break;
        }
        if (error == VIRTIO_OK)
            stop(); /* what failed was not needed: there was another way to the registers */
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
    stop();
}

/* ---- Displays ---- */

static void test_displays(struct bench *bench)
{
    struct virtio_gpu_display display;

    start_two(bench);
    fake.displays[1] = (struct virtio_gpu_display){true, {800, 7, 1024, 768}, 0x1234};
    assert_ok(virtio_gpu_get_display(&gpu, 0, &display));
    assert_true(display.enabled);
    assert_int_equal(display.rect.width, 800);
    assert_ok(virtio_gpu_get_display(&gpu, 1, &display));
    assert_memory_equal(&display, &fake.displays[1], sizeof(display));
    fake.displays[1].enabled = false;
    assert_ok(virtio_gpu_get_display(&gpu, 1, &display));
    assert_false(display.enabled);
    assert_int_equal(display.rect.width, 0);
    assert_result(virtio_gpu_get_display(&gpu, 2, &display), VIRTIO_E_OUT_OF_RANGE);
    assert_int_equal(display.rect.width, 0);
    stop();
    assert_result(virtio_gpu_get_display(&gpu, 0, &display), VIRTIO_E_STATE);
}

static void test_p99_displays_of_no_sensible_size(struct bench *bench)
{
    struct virtio_gpu_display display;

    start_two(bench);
    fake.displays[0].rect.width = VIRTIO_GPU_SIZE_MAX;
    assert_ok(virtio_gpu_get_display(&gpu, 0, &display));
    fake.displays[0].rect.width = VIRTIO_GPU_SIZE_MAX + 1;
    assert_result(virtio_gpu_get_display(&gpu, 0, &display), VIRTIO_E_RESPONSE);
    assert_false(display.enabled);
    fake.displays[0].rect.width = 800;
    fake.displays[0].rect.height = UINT32_MAX;
    assert_result(virtio_gpu_get_display(&gpu, 0, &display), VIRTIO_E_RESPONSE);
    stop();
}

static void expect_size(uint32_t width, uint32_t height)
{
    uint32_t got[2] = {0, 0};

    assert_ok(virtio_gpu_choose_size(&gpu, 0, &got[0], &got[1]));
    assert_int_equal(got[0], width);
    assert_int_equal(got[1], height);
}

static void test_p99_choosing_a_size(struct bench *bench)
{
    uint32_t width;
    uint32_t height;

    start_two(bench);
    expect_size(800, 600);
    fake.displays[0].enabled = false;
    expect_size(1920, 1080);
    fake.displays[0] = (struct virtio_gpu_display){true, {0, 0, 1, 1}, 0};
    expect_size(1920, 1080);
    fake_gpu_write_edid(&fake, 63, 1080, "tiny");
    expect_size(1024, 768);
    fake.edid[20]++;
    expect_size(1024, 768);
    fake.type = VIRTIO_GPU_RESP_ERR_UNSPEC;
    expect_size(1024, 768);
    mend();
    assert_result(virtio_gpu_choose_size(&gpu, 2, &width, &height), VIRTIO_E_OUT_OF_RANGE);
    stop();
    bench->fake.features &= ~VIRTIO_GPU_F_EDID;
    assert_ok(start(bench));
    expect_size(1024, 768);
    fake.silent = true;
    assert_result(virtio_gpu_choose_size(&gpu, 0, &width, &height), VIRTIO_E_TIMEOUT);
    mend();
    stop();
}

static void test_event(struct bench *bench)
{
    start_two(bench);
    assert_int_equal(virtio_gpu_poll_event(&gpu), 0);
    fake_gpu_raise_event(&fake);
    assert_int_equal(virtio_gpu_poll_event(&gpu), 1);
    assert_int_equal(bench->fake.config[0], 0);
    assert_int_equal(virtio_gpu_poll_event(&gpu), 0);
    fake_device_set_config(&bench->fake, 0, 4, 0xfffffffe); /* events of later versions */
    assert_int_equal(virtio_gpu_poll_event(&gpu), 0);
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    fake_gpu_raise_event(&fake);
    assert_result(virtio_gpu_poll_event(&gpu), VIRTIO_E_NEEDS_RESET);
    stop();
}

static void test_event_of_a_device_that_is_gone(struct bench *bench)
{
    start_two(bench);
    bench_unplug(bench, true);
    assert_result(virtio_gpu_poll_event(&gpu), VIRTIO_E_GONE);
    stop();
}

/* ---- EDID ---- */

static void test_edid(struct bench *bench)
{
    uint8_t bytes[VIRTIO_GPU_EDID_MAX];
    uint32_t size;

    start_two(bench);
    assert_ok(virtio_gpu_get_edid(&gpu, 1, bytes, &size));
    assert_int_equal(size, 128);
    assert_memory_equal(bytes, fake.edid, sizeof(bytes));
    fake.edid[1023] = 77;
    fake.edid_size = 1024;
    assert_ok(virtio_gpu_get_edid(&gpu, 1, bytes, &size));
    assert_int_equal(size, 1024);
    assert_int_equal(bytes[1023], 77);
    fake.length = 24 + 8 + 1023;
    assert_result(virtio_gpu_get_edid(&gpu, 1, bytes, &size), VIRTIO_E_RESPONSE);
    assert_int_equal(size, 0);
    fake.length = UINT32_MAX;
    fake.edid_size = 1025;
    assert_result(virtio_gpu_get_edid(&gpu, 1, bytes, &size), VIRTIO_E_RESPONSE);
    fake.edid_size = UINT32_MAX;
    assert_result(virtio_gpu_get_edid(&gpu, 1, bytes, &size), VIRTIO_E_RESPONSE);
    fake.edid_size = 0;
    assert_ok(virtio_gpu_get_edid(&gpu, 1, bytes, &size));
    assert_result(virtio_gpu_get_edid(&gpu, 2, bytes, &size), VIRTIO_E_OUT_OF_RANGE);
    stop();
    bench->fake.features &= ~VIRTIO_GPU_F_EDID;
    assert_ok(start(bench));
    assert_result(virtio_gpu_get_edid(&gpu, 0, bytes, &size), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_gpu_get_edid(&gpu, 2, bytes, &size), VIRTIO_E_OUT_OF_RANGE);
    stop();
}

static void test_edid_mode(struct bench *bench)
{
    struct virtio_gpu_mode mode;

    begin(bench, 1);
    assert_ok(virtio_gpu_parse_edid(fake.edid, 128, &mode));
    assert_int_equal(mode.width, 1920);
    assert_int_equal(mode.height, 1080);
    assert_int_equal(mode.refresh, 60);
    assert_int_equal(mode.clock_khz, 148500);
    assert_int_equal(mode.width_mm, 527);
    assert_int_equal(mode.height_mm, 296);
    assert_string_equal(mode.name, "fake display");
    fake_gpu_write_edid(&fake, 1921, 1080, ""); /* 59.97 times a second */
    assert_ok(virtio_gpu_parse_edid(fake.edid, 128, &mode));
    assert_int_equal(mode.refresh, 60);
    assert_string_equal(mode.name, "");
    fake_gpu_write_edid(&fake, 4095, 4095, "thirteen char");
    fake.edid[54 + 36] = 'x';      /* what follows the name is a mode, and no name, */
    fake.edid[54 + 36 + 3] = 0xfc; /* whatever it looks like */
    fake.edid[54 + 36 + 5] = 'y';
    fake.edid[54 + 14] = 0; /* the upper bits of the size */
    fake.edid[54 + 13] = 0;
    fake_gpu_seal_edid(fake.edid);
    assert_ok(virtio_gpu_parse_edid(fake.edid, 128, &mode));
    assert_int_equal(mode.width, 4095);
    assert_int_equal(mode.height, 4095);
    assert_int_equal(mode.width_mm, 520);
    assert_int_equal(mode.height_mm, 290);
    assert_string_equal(mode.name, "thirteen char");
    fake_gpu_write_edid(&fake, 640, 480,
                        "a\x7f"
                        "b");
    assert_ok(virtio_gpu_parse_edid(fake.edid, 128, &mode));
    assert_string_equal(mode.name, "a");
}

/* Each bit of it wrong, one after the other: the checksum finds it. */
static void test_edid_with_a_wrong_bit(struct bench *bench)
{
    struct virtio_gpu_mode mode;

    begin(bench, 1);
    for (unsigned bit = 0; bit < 128 * 8; bit++) {
        fake.edid[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_result(virtio_gpu_parse_edid(fake.edid, 128, &mode), VIRTIO_E_RESPONSE);
        assert_int_equal(mode.width, 0);
        fake.edid[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (uint32_t size = 0; size < 128; size++)
        assert_result(virtio_gpu_parse_edid(fake.edid, size, &mode), VIRTIO_E_RESPONSE);
    assert_ok(virtio_gpu_parse_edid(fake.edid, 128, &mode));
}

/* Wrong, and sealed. */
static int parse_with(unsigned at, uint8_t byte, uint32_t size)
{
    uint8_t edid[VIRTIO_GPU_EDID_MAX];
    struct virtio_gpu_mode mode;

    memcpy(edid, fake.edid, sizeof(edid));
    edid[at] = byte;
    fake_gpu_seal_edid(edid);
    return virtio_gpu_parse_edid(edid, size, &mode);
}

static void test_edid_that_makes_no_sense(struct bench *bench)
{
    begin(bench, 1);
    assert_ok(parse_with(20, 1, 128));
    for (unsigned at = 0; at < 8; at++)
        assert_result(parse_with(at, 0x55, 128), VIRTIO_E_RESPONSE);
    assert_result(parse_with(18, 2, 128), VIRTIO_E_RESPONSE);
    assert_result(parse_with(126, 1, 128), VIRTIO_E_RESPONSE);
    assert_result(parse_with(126, 1, 255), VIRTIO_E_RESPONSE);
    assert_ok(parse_with(126, 1, 256));
    assert_result(parse_with(126, 255, 1024), VIRTIO_E_RESPONSE);
    assert_ok(parse_with(54, 0, 128)); /* the clock has another byte */
    fake.edid[55] = 0;
    assert_result(parse_with(54, 0, 128), VIRTIO_E_RESPONSE);
    fake_gpu_write_edid(&fake, 0, 480, "");
    assert_result(parse_with(20, 0, 128), VIRTIO_E_RESPONSE);
    fake_gpu_write_edid(&fake, 640, 0, "");
    assert_result(parse_with(20, 0, 128), VIRTIO_E_RESPONSE);
}

/* Any bytes at all, sealed or not: an answer, and no trap. */
static void test_edid_of_noise(struct bench *bench)
{
    uint8_t edid[256];
    struct virtio_gpu_mode mode;
    uint32_t state = 1;
    unsigned good = 0;

    begin(bench, 1);
    for (unsigned round = 0; round < 2000; round++) {
        for (unsigned at = 0; at < sizeof(edid); at++) {
            state = state * 1664525 + 1013904223;
            edid[at] = at < 20 ? fake.edid[at] : (uint8_t)(state >> 24);
        }
        edid[126] &= 1;
        fake_gpu_seal_edid(edid);
        if (virtio_gpu_parse_edid(edid, sizeof(edid), &mode) == VIRTIO_OK) {
            assert_true(mode.width > 0 && mode.height > 0);
            assert_true(mode.width < 4096 && mode.height < 4096);
            assert_int_equal(mode.name[13], 0);
            good++;
        }
    }
    assert_true(good > 1000);
}

/* ---- Resources ---- */

static void test_a_picture(struct bench *bench)
{
    const struct fake_gpu_resource *theirs;

    start_two(bench);
    show();
    theirs = fake_gpu_resource(&fake, picture.id);
    assert_int_equal(theirs->format, FORMAT);
    assert_int_equal(theirs->width, WIDTH);
    assert_int_equal(theirs->height, HEIGHT);
    assert_int_equal(fake.scanouts[0].resource, picture.id);
    assert_int_equal(fake.scanouts[0].rect.height, HEIGHT);
    assert_ok(virtio_gpu_transfer(&gpu, &picture, NULL));
    expect_pixels();
    assert_int_equal(fake.scanouts[0].flushes, 0);
    assert_ok(virtio_gpu_flush(&gpu, &picture, NULL));
    assert_int_equal(fake.scanouts[0].flushes, 1);
    ((uint32_t *)memory.memory)[7] = 0xffffff;
    assert_ok(virtio_gpu_update(&gpu, &picture, NULL));
    expect_pixels();
    assert_int_equal(fake.scanouts[0].flushes, 2);
    assert_result(virtio_gpu_destroy(&gpu, &picture), VIRTIO_E_BUSY);
    assert_ok(virtio_gpu_set_scanout(&gpu, 0, NULL, NULL));
    assert_int_equal(fake.scanouts[0].resource, 0);
    assert_ok(virtio_gpu_detach(&gpu, &picture));
    assert_int_equal(theirs->pieces, 0);
    assert_ok(attach());
    assert_ok(virtio_gpu_destroy(&gpu, &picture));
    assert_int_equal(picture.id, 0);
    assert_int_equal(theirs->id, 0);
    stop();
}

static void test_parts_of_a_picture(struct bench *bench)
{
    start_two(bench);
    show();
    for (uint32_t y = 0; y < HEIGHT; y += 7) {
        for (uint32_t x = 0; x < WIDTH; x += 11) {
            const struct virtio_gpu_rect rect = {x, y, WIDTH - x < 11 ? WIDTH - x : 11,
                                                 HEIGHT - y < 7 ? HEIGHT - y : 7};

            assert_ok(virtio_gpu_update(&gpu, &picture, &rect));
        }
    }
    expect_pixels();
    assert_ok(virtio_gpu_set_scanout(&gpu, 1, &picture,
                                     &(struct virtio_gpu_rect){3, 4, WIDTH - 3, HEIGHT - 4}));
    assert_int_equal(fake.scanouts[1].rect.x, 3);
    assert_int_equal(fake.scanouts[1].rect.y, 4);
    stop();
}

static void test_p99_scattered_memory(struct bench *bench)
{
    struct virtio_buffer pieces[3];

    start_two(bench);
    allocate();
    /* The pages in another order, and the pixels with them. */
    for (unsigned n = 0; n < 3; n++) {
        pieces[n].device_address = memory.device_address + (n + 1) % 3 * 4096;
        pieces[n].length = 4096;
    }
    pieces[1].device_address = memory.device_address;
    pieces[0].device_address = memory.device_address + 4096;
    pieces[2].device_address = memory.device_address + 8192;
    pieces[2].length = BYTES - 8192;
    assert_ok(virtio_gpu_create(&gpu, &picture, FORMAT, WIDTH, HEIGHT));
    assert_ok(virtio_gpu_attach(&gpu, &picture, pieces, 3));
    assert_ok(virtio_gpu_transfer(&gpu, &picture, NULL));
    assert_memory_equal(fake_gpu_resource(&fake, picture.id)->pixels,
                        (uint8_t *)memory.memory + 4096, 4096);
    assert_memory_equal((uint8_t *)fake_gpu_resource(&fake, picture.id)->pixels + 4096,
                        memory.memory, 4096);
    assert_memory_equal((uint8_t *)fake_gpu_resource(&fake, picture.id)->pixels + 8192,
                        (uint8_t *)memory.memory + 8192, BYTES - 8192);
    stop();
}

static int attach_piece(uint64_t offset, uint32_t length)
{
    const struct virtio_buffer piece = {memory.device_address + offset, length};

    return virtio_gpu_attach(&gpu, &picture, &piece, 1);
}

static void test_memory_that_will_not_do(struct bench *bench)
{
    struct virtio_buffer pieces[257];

    start_two(bench);
    allocate();
    assert_ok(virtio_gpu_create(&gpu, &picture, FORMAT, WIDTH, HEIGHT));
    assert_result(virtio_gpu_attach(&gpu, &picture, NULL, 1), VIRTIO_E_INVALID);
    assert_result(virtio_gpu_attach(&gpu, &picture, pieces, 0), VIRTIO_E_INVALID);
    assert_result(attach_piece(0, 0), VIRTIO_E_ZERO_LENGTH);
    assert_result(attach_piece(1, BYTES), VIRTIO_E_INVALID);
    assert_result(attach_piece(0, BYTES - 1), VIRTIO_E_OUT_OF_RANGE);
    for (unsigned n = 0; n < 257; n++)
        pieces[n] = (struct virtio_buffer){memory.device_address, 4096};
    assert_result(virtio_gpu_attach(&gpu, &picture, pieces, 257), VIRTIO_E_TOO_LONG);
    pieces[0].length = 4095;
    assert_result(virtio_gpu_attach(&gpu, &picture, pieces, 3), VIRTIO_E_INVALID);
    assert_false(picture.attached);
    assert_result(virtio_gpu_transfer(&gpu, &picture, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_gpu_detach(&gpu, &picture), VIRTIO_E_INVALID);
    assert_ok(attach());
    assert_result(attach(), VIRTIO_E_BUSY);
    stop();
}

/* As many pieces as the options allow, and one more. */
static void test_many_pieces(struct bench *bench)
{
    const struct virtio_gpu_options options = {.pieces_max = FAKE_GPU_PIECES};
    struct virtio_buffer pieces[FAKE_GPU_PIECES + 1];

    begin(bench, 1);
    bench_attach(bench);
    assert_ok(virtio_gpu_start(&gpu, &bench->device, &options));
    allocate();
    for (unsigned n = 0; n < FAKE_GPU_PIECES + 1; n++)
        pieces[n] = (struct virtio_buffer){memory.device_address, 4096};
    assert_ok(virtio_gpu_create(&gpu, &picture, FORMAT, WIDTH, HEIGHT));
    assert_result(virtio_gpu_attach(&gpu, &picture, pieces, FAKE_GPU_PIECES + 1),
                  VIRTIO_E_TOO_LONG);
    assert_ok(virtio_gpu_attach(&gpu, &picture, pieces, FAKE_GPU_PIECES));
    assert_int_equal(fake_gpu_resource(&fake, picture.id)->pieces, FAKE_GPU_PIECES);
    stop();
}

static int create(enum virtio_gpu_format format, uint32_t width, uint32_t height)
{
    return virtio_gpu_create(&gpu, &picture, format, width, height);
}

static void test_resources_that_will_not_do(struct bench *bench)
{
    static const struct virtio_gpu_rect beyond[] = {
        {0, 0, WIDTH + 1, 1},  {0, 0, 1, HEIGHT + 1}, {WIDTH, 0, 1, 1},     {0, HEIGHT, 1, 1},
        {1, 0, UINT32_MAX, 1}, {UINT32_MAX, 0, 2, 1}, {0, UINT32_MAX, 1, 2}};
    static const struct virtio_gpu_rect empty[] = {{0, 0, 0, 1}, {0, 0, 1, 0}};

    start_two(bench);
    assert_result(create((enum virtio_gpu_format)0, 1, 1), VIRTIO_E_INVALID);
    assert_result(create((enum virtio_gpu_format)135, 1, 1), VIRTIO_E_INVALID);
    assert_result(create(FORMAT, 0, 1), VIRTIO_E_OUT_OF_RANGE);
    assert_result(create(FORMAT, 1, 16385), VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_gpu_flush(&gpu, &picture, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_gpu_flush(&gpu, NULL, NULL), VIRTIO_E_INVALID);
    show();
    for (unsigned i = 0; i < 7; i++) {
        assert_result(virtio_gpu_transfer(&gpu, &picture, &beyond[i]), VIRTIO_E_OUT_OF_RANGE);
        assert_result(virtio_gpu_flush(&gpu, &picture, &beyond[i]), VIRTIO_E_OUT_OF_RANGE);
        assert_result(virtio_gpu_set_scanout(&gpu, 0, &picture, &beyond[i]), VIRTIO_E_OUT_OF_RANGE);
        assert_result(virtio_gpu_update(&gpu, &picture, &beyond[i]), VIRTIO_E_OUT_OF_RANGE);
    }
    for (unsigned i = 0; i < 2; i++)
        assert_result(virtio_gpu_submit_transfer(&gpu, &picture, &empty[i], NULL),
                      VIRTIO_E_INVALID);
    assert_result(virtio_gpu_set_scanout(&gpu, 2, &picture, NULL), VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_gpu_submit_scanout(&gpu, 2, NULL, NULL, NULL), VIRTIO_E_OUT_OF_RANGE);
    picture.id += 100;
    assert_result(virtio_gpu_flush(&gpu, &picture, NULL), VIRTIO_E_STALE);
    stop();
    assert_result(create(FORMAT, 1, 1), VIRTIO_E_STATE);
    assert_result(virtio_gpu_destroy(&gpu, &picture), VIRTIO_E_STATE);
    assert_result(virtio_gpu_attach(&gpu, &picture, NULL, 0), VIRTIO_E_STATE);
    assert_result(virtio_gpu_set_scanout(&gpu, 0, NULL, NULL), VIRTIO_E_STATE);
    assert_result(virtio_gpu_kick(&gpu), VIRTIO_E_STATE);
}

/* Ids are never 0, not even after 2^32 of them. */
static void test_ids_wrap(struct bench *bench)
{
    struct virtio_gpu_resource second;

    start_two(bench);
    gpu.first_id = UINT32_MAX;
    gpu.next_id = UINT32_MAX;
    assert_ok(create(FORMAT, 1, 1));
    assert_int_equal(picture.id, UINT32_MAX);
    assert_ok(virtio_gpu_create(&gpu, &second, FORMAT, 1, 1));
    assert_int_equal(second.id, 1);
    assert_ok(virtio_gpu_flush(&gpu, &picture, NULL));
    assert_ok(virtio_gpu_flush(&gpu, &second, NULL));
    stop();
}

static void test_nothing_is_allocated_after_the_start(struct bench *bench)
{
    uint64_t allocations;

    start_two(bench);
    show();
    allocations = bench->host.counts[FAKE_ALLOCATE] + bench->host.counts[FAKE_DMA_ALLOCATE] +
                  bench->host.counts[FAKE_MAP];
    for (unsigned n = 0; n < 50; n++) {
        assert_ok(virtio_gpu_update(&gpu, &picture, NULL));
        assert_ok(virtio_gpu_move_cursor(&gpu, 0, n, n));
        expect_size(800, 600);
    }
    assert_int_equal(allocations, bench->host.counts[FAKE_ALLOCATE] +
                                      bench->host.counts[FAKE_DMA_ALLOCATE] +
                                      bench->host.counts[FAKE_MAP]);
    stop();
}

/* ---- Many in flight ---- */

static void take_all(unsigned count, int error)
{
    struct virtio_gpu_done done;

    for (uintptr_t n = 0; n < count; n++) {
        assert_int_equal(virtio_gpu_reap(&gpu, &done), 1);
        assert_int_equal((uintptr_t)done.cookie, n);
        assert_result(done.error, error);
    }
    assert_int_equal(virtio_gpu_reap(&gpu, &done), 0);
    assert_int_equal(gpu.in_flight, 0);
}

static void test_many_in_flight(struct bench *bench)
{
    struct virtio_gpu_done done;

    start_two(bench);
    show();
    fake.silent = true;
    for (unsigned round = 0; round < 20; round++) {
        for (uintptr_t n = 0; n < gpu.depth; n++) {
            if (n % 3 == 0)
                assert_ok(virtio_gpu_submit_transfer(&gpu, &picture, NULL, bench_cookie(n)));
            if (n % 3 == 1)
                assert_ok(virtio_gpu_submit_scanout(&gpu, 1, &picture, NULL, bench_cookie(n)));
            if (n % 3 == 2)
                assert_ok(virtio_gpu_submit_flush(&gpu, &picture, NULL, bench_cookie(n)));
        }
        assert_int_equal(gpu.in_flight, gpu.depth);
        assert_result(virtio_gpu_submit_flush(&gpu, &picture, NULL, NULL), VIRTIO_E_FULL);
        assert_result(virtio_gpu_flush(&gpu, &picture, NULL), VIRTIO_E_FULL);
        assert_ok(virtio_gpu_kick(&gpu));
        assert_int_equal(virtio_gpu_reap(&gpu, &done), 0);
        fake_gpu_finish(&fake);
        take_all(gpu.depth, VIRTIO_OK);
    }
    expect_pixels();
    assert_int_equal(fake.scanouts[1].resource, picture.id);
    assert_result(virtio_gpu_wait(&gpu, &done, 100), VIRTIO_E_STATE);
    assert_result(virtio_gpu_wait(&gpu, &done, 0), VIRTIO_E_INVALID);
    stop();
    assert_result(virtio_gpu_wait(&gpu, &done, 100), VIRTIO_E_STATE);
    assert_result(virtio_gpu_reap(&gpu, &done), VIRTIO_E_STATE);
    assert_int_equal(virtio_gpu_drain(&gpu, &done), 0);
}

static void test_waiting(struct bench *bench)
{
    struct virtio_gpu_done done;

    start_two(bench);
    show();
    bench->fake.latency_us = 100;
    assert_ok(virtio_gpu_submit_flush(&gpu, &picture, NULL, bench_cookie(0)));
    assert_ok(virtio_gpu_submit_flush(&gpu, &picture, NULL, bench_cookie(1)));
    assert_result(virtio_gpu_wait(&gpu, &done, 10), VIRTIO_E_TIMEOUT);
    assert_int_equal(gpu.device.state, VIRTIO_DEVICE_READY);
    assert_int_equal(virtio_gpu_wait(&gpu, &done, 1000), 1);
    assert_int_equal(virtio_gpu_wait(&gpu, &done, 1000), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    /* What completes while a blocking call waits is kept. */
    assert_ok(virtio_gpu_submit_flush(&gpu, &picture, NULL, bench_cookie(0)));
    assert_ok(virtio_gpu_update(&gpu, &picture, NULL));
    assert_int_equal(gpu.in_flight, 1);
    assert_result(virtio_gpu_detach(&gpu, &picture), VIRTIO_E_BUSY);
    assert_ok(virtio_gpu_set_scanout(&gpu, 0, NULL, NULL));
    assert_result(virtio_gpu_destroy(&gpu, &picture), VIRTIO_E_BUSY);
    assert_int_equal(virtio_gpu_wait(&gpu, &done, 1), 1);
    assert_ok(virtio_gpu_destroy(&gpu, &picture));
    stop();
}

/* ---- Refusals and lies ---- */

static void test_each_refusal_is_told(struct bench *bench)
{
    struct virtio_gpu_done done;

    start_two(bench);
    show();
    for (uint32_t type = VIRTIO_GPU_RESP_ERR_UNSPEC; type <= VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
         type++) {
        int error = type == VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY ? VIRTIO_E_NO_MEMORY : VIRTIO_E_IO;

        fake.type = type;
        assert_result(virtio_gpu_flush(&gpu, &picture, NULL), error);
        assert_int_equal(gpu.refusal, type);
        assert_result(virtio_gpu_update(&gpu, &picture, NULL), error);
        assert_int_equal(gpu.refusal, type);
        assert_ok(virtio_gpu_submit_flush(&gpu, &picture, NULL, NULL));
        assert_int_equal(virtio_gpu_wait(&gpu, &done, 100), 1);
        assert_result(done.error, error);
        assert_int_equal(done.refusal, type);
        assert_result(virtio_gpu_set_scanout(&gpu, 1, &picture, NULL), error);
        mend();
        assert_ok(virtio_gpu_flush(&gpu, &picture, NULL));
        assert_int_equal(gpu.refusal, VIRTIO_GPU_REFUSED_NOT);
    }
    assert_int_equal(gpu.shown[1], 0);
    stop();
}

/* What is refused changes nothing in what the driver knows. */
static void test_refused_changes(struct bench *bench)
{
    struct virtio_gpu_resource other;

    start_two(bench);
    show();
    fake.type = VIRTIO_GPU_RESP_ERR_UNSPEC;
    assert_result(virtio_gpu_create(&gpu, &other, FORMAT, 1, 1), VIRTIO_E_IO);
    assert_int_equal(other.id, 0);
    assert_result(virtio_gpu_detach(&gpu, &picture), VIRTIO_E_IO);
    assert_true(picture.attached);
    assert_result(virtio_gpu_set_scanout(&gpu, 0, NULL, NULL), VIRTIO_E_IO);
    assert_result(virtio_gpu_destroy(&gpu, &picture), VIRTIO_E_BUSY);
    mend();
    assert_result(virtio_gpu_create(&gpu, &other, FORMAT, FAKE_GPU_PIXELS + 1, 1),
                  VIRTIO_E_NO_MEMORY);
    fake_gpu_resource(&fake, picture.id)->pieces = 0; /* so that it was really detached */
    fake.type = VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    picture.attached = false;
    assert_result(attach(), VIRTIO_E_IO);
    assert_false(picture.attached);
    mend();
    stop();
}

static void expect_response_error(void)
{
    assert_result(virtio_gpu_flush(&gpu, &picture, NULL), VIRTIO_E_RESPONSE);
    mend();
    assert_ok(virtio_gpu_flush(&gpu, &picture, NULL));
}

static void test_lying_answers(struct bench *bench)
{
    static const uint32_t types[] = {1, 0x1101, 0x11ff, 0x1206, 0x0104, UINT32_MAX};
    static const uint32_t lengths[] = {0, 1, 23};
    struct virtio_gpu_display display;
    uint8_t edid[VIRTIO_GPU_EDID_MAX];
    uint32_t size;

    start_two(bench);
    show();
    for (unsigned i = 0; i < 6; i++) {
        fake.type = types[i];
        expect_response_error();
    }
    for (unsigned i = 0; i < 3; i++) {
        fake.length = lengths[i];
        expect_response_error();
    }
    fake.fence_wrong = 1;
    expect_response_error();
    fake.fence_wrong = UINT64_C(1) << 32;
    expect_response_error();
    fake.fence_missing = true;
    expect_response_error();
    fake.length = 407;
    assert_result(virtio_gpu_get_display(&gpu, 0, &display), VIRTIO_E_RESPONSE);
    mend();
    fake.type = 0x1100;
    assert_result(virtio_gpu_get_display(&gpu, 0, &display), VIRTIO_E_RESPONSE);
    assert_result(virtio_gpu_get_edid(&gpu, 0, edid, &size), VIRTIO_E_RESPONSE);
    mend();
    fake.length = 31;
    assert_result(virtio_gpu_get_edid(&gpu, 0, edid, &size), VIRTIO_E_RESPONSE);
    mend();
    stop();
}

/* Two at once, each with an answer of its own. */
static void test_update_of_which_one_half_fails(struct bench *bench)
{
    start_two(bench);
    show();
    for (uint32_t command = 0x104; command <= 0x105; command++) {
        fake.only = command;
        fake.type = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
        assert_result(virtio_gpu_update(&gpu, &picture, NULL), VIRTIO_E_IO);
        assert_int_equal(gpu.refusal, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
        fake.type = 0x1101;
        assert_result(virtio_gpu_update(&gpu, &picture, NULL), VIRTIO_E_RESPONSE);
    }
    mend();
    assert_ok(virtio_gpu_update(&gpu, &picture, NULL));
    assert_int_equal(gpu.in_flight, 0);
    stop();
}

static void test_more_written_than_there_is_room(struct bench *bench)
{
    start_two(bench);
    show();
    fake.length = 25;
    assert_result(virtio_gpu_flush(&gpu, &picture, NULL), VIRTIO_E_BROKEN);
    assert_result(virtio_gpu_flush(&gpu, &picture, NULL), VIRTIO_E_STATE);
    mend();
    stop();
}

/* ---- Pointers ---- */

static void make_pointer(struct virtio_gpu_resource *pointer)
{
    assert_ok(virtio_gpu_create(&gpu, pointer, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, 64, 64));
}

static void test_pointer(struct bench *bench)
{
    struct virtio_gpu_resource pointer;

    start_two(bench);
    show();
    make_pointer(&pointer);
    for (unsigned answers = 0; answers < 2; answers++) {
        fake.answers_cursors = answers != 0;
        assert_ok(virtio_gpu_set_cursor(&gpu, 1, &pointer, 5, 63, 100, 200));
        assert_int_equal(fake.pointers[1].resource, pointer.id);
        assert_int_equal(fake.pointers[1].hot_x, 5);
        assert_int_equal(fake.pointers[1].hot_y, 63);
        assert_int_equal(fake.pointers[1].x, 100);
        assert_int_equal(fake.pointers[1].y, 200);
        for (uint32_t n = 0; n < 100; n++)
            assert_ok(virtio_gpu_move_cursor(&gpu, 1, n, 2 * n));
        assert_int_equal(fake.pointers[1].y, 198);
        assert_int_equal(fake.pointers[1].resource, pointer.id);
        assert_int_equal(fake.pointers[1].named, pointer.id); /* QEMU hides the pointer otherwise */
        assert_result(virtio_gpu_destroy(&gpu, &pointer), VIRTIO_E_BUSY);
    }
    assert_int_equal(gpu.cursor_failures, 0);
    assert_ok(virtio_gpu_set_cursor(&gpu, 1, NULL, 0, 0, 0, 0));
    assert_int_equal(fake.pointers[1].resource, 0);
    assert_ok(virtio_gpu_destroy(&gpu, &pointer));
    stop();
    assert_result(virtio_gpu_move_cursor(&gpu, 0, 1, 1), VIRTIO_E_STATE);
    assert_result(virtio_gpu_set_cursor(&gpu, 0, NULL, 0, 0, 0, 0), VIRTIO_E_STATE);
}

static void test_p99_pointers_that_will_not_do(struct bench *bench)
{
    struct virtio_gpu_resource pointer;

    start_two(bench);
    show();
    make_pointer(&pointer);
    assert_result(virtio_gpu_set_cursor(&gpu, 0, &picture, 0, 0, 0, 0), VIRTIO_E_INVALID);
    assert_result(virtio_gpu_set_cursor(&gpu, 0, &pointer, 64, 0, 0, 0), VIRTIO_E_OUT_OF_RANGE);
    pointer.height = 63;
    assert_result(virtio_gpu_set_cursor(&gpu, 0, &pointer, 0, 0, 0, 0), VIRTIO_E_INVALID);
    pointer.height = 64;
    assert_result(virtio_gpu_set_cursor(&gpu, 0, &pointer, 0, 64, 0, 0), VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_gpu_set_cursor(&gpu, 2, &pointer, 0, 0, 0, 0), VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_gpu_move_cursor(&gpu, 2, 0, 0), VIRTIO_E_OUT_OF_RANGE);
    pointer.id = 0;
    assert_result(virtio_gpu_set_cursor(&gpu, 0, &pointer, 0, 0, 0, 0), VIRTIO_E_INVALID);
    stop();
}

static void test_pointer_that_is_refused(struct bench *bench)
{
    struct virtio_gpu_resource pointer;

    start_two(bench);
    make_pointer(&pointer);
    fake.answers_cursors = true;
    fake.type = VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    assert_result(virtio_gpu_set_cursor(&gpu, 0, &pointer, 0, 0, 0, 0), VIRTIO_E_IO);
    assert_int_equal(gpu.refusal, VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
    assert_int_equal(gpu.pointers[0], 0);
    assert_ok(virtio_gpu_move_cursor(&gpu, 0, 1, 1));
    assert_ok(virtio_gpu_move_cursor(&gpu, 0, 1, 1));
    assert_int_equal(gpu.cursor_failures, 1); /* of the second not known yet */
    mend();
    fake.answers_cursors = true;
    fake.length = 12;
    assert_result(virtio_gpu_set_cursor(&gpu, 0, &pointer, 0, 0, 0, 0), VIRTIO_E_RESPONSE);
    assert_int_equal(gpu.cursor_failures, 2);
    mend();
    stop();
}

static void test_more_movements_than_fit(struct bench *bench)
{
    struct virtio_gpu_resource pointer;

    start_two(bench);
    make_pointer(&pointer);
    fake.silent = true;
    for (uint32_t n = 0; n < VIRTIO_GPU_CURSOR_DEPTH; n++)
        assert_ok(virtio_gpu_move_cursor(&gpu, 0, n, n));
    assert_result(virtio_gpu_move_cursor(&gpu, 0, 9, 9), VIRTIO_E_FULL);
    fake_gpu_finish(&fake);
    assert_int_equal(fake.pointers[0].x, VIRTIO_GPU_CURSOR_DEPTH - 1);
    assert_ok(virtio_gpu_move_cursor(&gpu, 0, 9, 9));
    mend();
    /* The pointer itself waits for room. */
    bench->fake.latency_us = 50;
    for (uint32_t n = 1; n < VIRTIO_GPU_CURSOR_DEPTH; n++)
        assert_ok(virtio_gpu_move_cursor(&gpu, 0, n, n));
    fake_gpu_finish(&fake);
    assert_ok(virtio_gpu_move_cursor(&gpu, 0, 1, 1));
    assert_ok(virtio_gpu_set_cursor(&gpu, 0, &pointer, 1, 2, 3, 4));
    assert_int_equal(fake.pointers[0].x, 3);
    for (uint32_t n = 0; n < VIRTIO_GPU_CURSOR_DEPTH; n++)
        assert_ok(virtio_gpu_move_cursor(&gpu, 0, n, n));
    assert_ok(virtio_gpu_set_cursor(&gpu, 0, NULL, 1, 2, 30, 4));
    assert_int_equal(fake.pointers[0].x, 30);
    stop();
}

static void test_no_room_for_a_pointer(struct bench *bench)
{
    start_two(bench);
    fake.silent = true;
    for (uint32_t n = 0; n < VIRTIO_GPU_CURSOR_DEPTH; n++)
        assert_ok(virtio_gpu_move_cursor(&gpu, 0, n, n));
    assert_result(virtio_gpu_set_cursor(&gpu, 0, NULL, 0, 0, 0, 0), VIRTIO_E_TIMEOUT);
    assert_result(virtio_gpu_move_cursor(&gpu, 0, 0, 0), VIRTIO_E_STATE);
    stop();
}

static void test_lies_about_pointers(struct bench *bench)
{
    start_two(bench);
    fake.silent = true;
    assert_ok(virtio_gpu_move_cursor(&gpu, 0, 0, 0));
    fake_queue_push_used(&bench->fake.queues[1], 1000, 0);
    assert_result(virtio_gpu_move_cursor(&gpu, 0, 0, 0), VIRTIO_E_BROKEN);
    mend();
    assert_ok(create(FORMAT, 1, 1)); /* the other queue is as good as ever */
    assert_result(virtio_gpu_set_cursor(&gpu, 0, NULL, 0, 0, 0, 0), VIRTIO_E_BROKEN);
    assert_result(virtio_gpu_set_cursor(&gpu, 0, NULL, 0, 0, 0, 0), VIRTIO_E_STATE);
    stop();
}

/* ---- A device that fails ---- */

/* What goes wrong. */
enum cause {
    ASKS_FOR_RESET,
    LIES,
    IS_SILENT,
    IS_GONE,
    CAUSES
};

static const int errors[CAUSES] = {VIRTIO_E_NEEDS_RESET, VIRTIO_E_BROKEN, VIRTIO_E_TIMEOUT,
                                   VIRTIO_E_GONE};

static void bring_about(struct bench *bench, enum cause cause)
{
    fake.silent = true;
    if (cause == ASKS_FOR_RESET)
        bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    if (cause == LIES)
        fake_queue_push_used(&bench->fake.queues[0], 1000, 0);
    if (cause == IS_GONE)
        bench_unplug(bench, true);
}

static void submit_some(unsigned count)
{
    for (uintptr_t n = 0; n < count; n++)
        assert_ok(virtio_gpu_submit_flush(&gpu, &picture, NULL, bench_cookie(n)));
    assert_ok(virtio_gpu_kick(&gpu));
}

/* A blocking call meets it, with others in flight: the device is halted, and all cookies come back. */
static void test_failures(struct bench *bench)
{
    for (enum cause cause = ASKS_FOR_RESET; cause < CAUSES; cause++) {
        struct virtio_gpu_done done;
        uintptr_t n = 0;

        if (cause == ASKS_FOR_RESET && bench->legacy)
            continue;
        start_two(bench);
        show();
        fake.silent = true;
        submit_some(3);
        bring_about(bench, cause);
        assert_result(virtio_gpu_update(&gpu, &picture, NULL), errors[cause]);
        assert_int_equal(gpu.device.state, VIRTIO_DEVICE_STOPPED);
        assert_result(virtio_gpu_update(&gpu, &picture, NULL), VIRTIO_E_STATE);
        assert_result(virtio_gpu_reap(&gpu, &done), VIRTIO_E_STATE);
        while (virtio_gpu_drain(&gpu, &done) > 0) {
            assert_int_equal((uintptr_t)done.cookie, n++);
            assert_result(done.error, VIRTIO_E_RESET);
        }
        assert_int_equal(n, 3);
        assert_int_equal(gpu.in_flight, 0);
        mend();
        bench_unplug(bench, false);
        assert_ok(virtio_gpu_recover(&gpu)); /* one that was gone was not reset */
        stop();
    }
}

/* A wait says what happened and changes nothing; blocking calls after it say the same, and the first resets. */
static void test_a_failure_that_is_known(struct bench *bench)
{
    for (enum cause cause = ASKS_FOR_RESET; cause < CAUSES; cause++) {
        struct virtio_gpu_display display;
        struct virtio_gpu_done done;

        for (unsigned call = 0; call < 3; call++) {
            if ((cause == ASKS_FOR_RESET && bench->legacy) || cause == IS_SILENT)
                continue;
            start_two(bench);
            show();
            fake.silent = true;
            submit_some(1);
            bring_about(bench, cause);
            assert_result(virtio_gpu_wait(&gpu, &done, TIMEOUT_US), errors[cause]);
            assert_int_equal(gpu.device.state, VIRTIO_DEVICE_READY);
            assert_result(call == 0   ? virtio_gpu_update(&gpu, &picture, NULL)
                          : call == 1 ? virtio_gpu_flush(&gpu, &picture, NULL)
                                      : virtio_gpu_get_display(&gpu, 0, &display),
                          errors[cause]);
            assert_int_equal(gpu.device.state, VIRTIO_DEVICE_STOPPED);
            assert_result(virtio_gpu_drain(&gpu, &done), 1);
            assert_result(done.error, VIRTIO_E_RESET);
            mend();
            bench_unplug(bench, false);
            assert_ok(virtio_gpu_recover(&gpu));
            stop();
        }
    }
}

static void test_somebody_else_resets(struct bench *bench)
{
    struct virtio_gpu_done done;

    start_two(bench);
    show();
    fake.silent = true;
    submit_some(1);
    fake_device_write_status(&bench->fake, bench->legacy, 0);
    assert_result(virtio_gpu_wait(&gpu, &done, TIMEOUT_US), VIRTIO_E_STATE);
    mend();
    stop();
}

static void test_a_lost_device(struct bench *bench)
{
    struct virtio_gpu_done done;

    start_two(bench);
    show();
    fake.silent = true;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    bench->fake.reset_shows = 0xf;
    assert_result(virtio_gpu_flush(&gpu, &picture, NULL), VIRTIO_E_BUSY);
    assert_int_equal(gpu.device.state, VIRTIO_DEVICE_LOST);
    assert_result(virtio_gpu_drain(&gpu, &done), VIRTIO_E_BUSY);
    assert_result(virtio_gpu_stop(&gpu), VIRTIO_E_TIMEOUT);
    assert_result(virtio_gpu_recover(&gpu), VIRTIO_E_TIMEOUT);
    bench->fake.reset_polls = 0;
    mend();
    assert_ok(virtio_gpu_recover(&gpu));
    show();
    stop();
}

/* Requests of the caller's own in flight, one of them completed; recovered; all come back, and it goes on. */
static void test_recovery(struct bench *bench)
{
    struct virtio_gpu_resource old;
    struct virtio_gpu_done done;

    start_two(bench);
    show();
    for (unsigned round = 0; round < 3 * CAUSES; round++) {
        enum cause cause = (enum cause)(round % CAUSES);
        unsigned came = 0;

        if (cause == ASKS_FOR_RESET && bench->legacy)
            continue;
        fake.silent = true;
        submit_some(4);
        fake_chain_complete(fake_queue_chain(&bench->fake.queues[0], 0), 0);
        assert_ok(virtio_gpu_move_cursor(&gpu, 0, 1, 2));
        bring_about(bench, cause);
        assert_int_equal(virtio_gpu_reap(&gpu, &done), 1);
        assert_result(done.error, VIRTIO_E_RESPONSE);
        assert_result(virtio_gpu_wait(&gpu, &done, TIMEOUT_US), errors[cause]);
        if (cause == IS_GONE) {
            assert_result(virtio_gpu_recover(&gpu), VIRTIO_E_GONE);
            bench_unplug(bench, false);
        }
        assert_ok(virtio_gpu_recover(&gpu));
        mend();
        while (virtio_gpu_reap(&gpu, &done) > 0) {
            assert_result(done.error, VIRTIO_E_RESET);
            came |= 1u << (uintptr_t)done.cookie;
        }
        assert_int_equal(came, 0xe);
        assert_int_equal(gpu.in_flight, 0);
        old = picture;
        assert_result(virtio_gpu_flush(&gpu, &old, NULL), VIRTIO_E_STALE);
        assert_result(virtio_gpu_set_scanout(&gpu, 0, &old, NULL), VIRTIO_E_STALE);
        assert_result(virtio_gpu_set_cursor(&gpu, 0, &old, 0, 0, 0, 0), VIRTIO_E_STALE);
        show();
        assert_ok(virtio_gpu_update(&gpu, &picture, NULL));
        expect_pixels();
        assert_int_equal(gpu.cursor_failures, round - (bench->legacy ? round / CAUSES : 0) + 1 -
                                                  (bench->legacy ? 1 : 0));
    }
    stop();
}

/* What blocking calls gave up on does not use up the room, nor does a pointer outlive the device's. */
static void test_recovery_of_blocking_calls(struct bench *bench)
{
    struct virtio_gpu_resource pointer;

    start_two(bench);
    for (unsigned round = 0; round < 2u * VIRTIO_GPU_DEPTH_MAX; round++) {
        show();
        fake.silent = true;
        assert_result(virtio_gpu_update(&gpu, &picture, NULL), VIRTIO_E_TIMEOUT);
        mend();
        assert_ok(virtio_gpu_recover(&gpu));
        make_pointer(&pointer);
        assert_ok(virtio_gpu_set_cursor(&gpu, 1, &pointer, 1, 2, 3, 4));
        fake.silent = true;
        assert_result(virtio_gpu_set_cursor(&gpu, 1, &pointer, 1, 2, 3, 4), VIRTIO_E_TIMEOUT);
        mend();
        assert_ok(virtio_gpu_recover(&gpu));
        assert_ok(virtio_gpu_move_cursor(&gpu, 1, 5, 6));
        assert_int_equal(fake.pointers[1].named, 0);
    }
    show();
    submit_some(gpu.depth);
    take_all(gpu.depth, VIRTIO_OK);
    stop();
}

static void test_recovery_finds_another_device(struct bench *bench)
{
    start_two(bench);
    show();
    fake_device_set_config(&bench->fake, 8, 4, 17);
    assert_result(virtio_gpu_recover(&gpu), VIRTIO_E_CONFIG);
    assert_int_equal(gpu.device.state, VIRTIO_DEVICE_STOPPED);
    fake_device_set_config(&bench->fake, 8, 4, 1);
    assert_ok(virtio_gpu_recover(&gpu));
    assert_int_equal(gpu.num_scanouts, 1);
    show();
    stop();
}

static void test_stopped_and_started(struct bench *bench)
{
    struct virtio_gpu_done done;

    start_two(bench);
    show();
    fake.silent = true;
    submit_some(3);
    assert_result(virtio_gpu_drain(&gpu, &done), VIRTIO_E_BUSY);
    mend();
    stop(); /* with requests in flight */
    assert_ok(virtio_gpu_start(&gpu, &gpu.device, NULL));
    show();
    assert_ok(virtio_gpu_update(&gpu, &picture, NULL));
    expect_pixels();
    stop();
}

/* ---- The fake's own rules ---- */

static void send_raw(struct bench *bench, struct virtio_queue *queue, uint32_t flags,
                     uint32_t readable, uint32_t writable, const uint32_t *words)
{
    uint8_t *bytes = bench->shared.memory;
    struct virtio_chain chain;
    struct virtio_done done;

    memset(bytes, 0, 256);
    memcpy(bytes, words, 4);
    memcpy(bytes + 4, &flags, 4);
    memcpy(bytes + 24, words + 1, 48);
    virtio_prepare(queue, &chain);
    assert_ok(virtio_append_desc(queue, bench->shared.device_address, readable, 0, &chain));
    if (writable != 0)
        assert_ok(virtio_append_desc(queue, bench->shared.device_address + 4096, writable,
                                     VIRTQ_DESC_F_WRITE, &chain));
    assert_ok(virtio_submit(queue, &chain, NULL));
    assert_ok(virtio_kick(queue));
    assert_result(virtio_reap(queue, &done), 1);
}

/* One command with its words, on the queue of its kind. */
#define RAW(size, ...) send_raw(bench, queue, 0, (size), 2048, (const uint32_t[13]){__VA_ARGS__})

static void test_rules_of_the_fake(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];

    begin(bench, 1);
    bench_begin(bench);
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, 8));
    assert_ok(virtio_queue_start(&bench->queues[1], &bench->device, 1, 8));
    assert_ok(virtio_allocate_shared(&bench->device, 8192, 4096, &bench->shared));
    assert_ok(virtio_device_ready(&bench->device));
    RAW(40, 0x101, 1, FORMAT, 64, 32); /* as it should be */
    RAW(40, 0x101, 1, FORMAT, 8, 8);
    bench_expect_violation(bench, "gpu-id");
    send_raw(bench, queue, 2, 24, 2048, (const uint32_t[13]){0x100});
    bench_expect_violation(bench, "gpu-header");
    send_raw(bench, queue, 0, 24, 0, (const uint32_t[13]){0x100});
    bench_expect_violation(bench, "gpu-chain");
    send_raw(bench, queue, 0, 24, 24, (const uint32_t[13]){0x100});
    bench_expect_violation(bench, "gpu-answer-size");
    RAW(28, 0x100);
    bench_expect_violation(bench, "gpu-request-size");
    RAW(24, 0x10f);
    bench_expect_violation(bench, "gpu-command");
    RAW(56, 0x301);
    bench_expect_violation(bench, "gpu-queue");
    RAW(32, 0x102, 7);
    bench_expect_violation(bench, "gpu-resource");
    RAW(32, 0x107, 1);
    bench_expect_violation(bench, "gpu-not-attached");
    RAW(48, 0x106, 1, 1, 0x1000, 1, 4096);
    assert_int_equal(fake.resources[0].pieces, 1);
    RAW(48, 0x106, 1, 1, 0x1001, 1, 4096, 5);
    bench_expect_violation(bench, "gpu-attached");
    bench_expect_violation(bench, "gpu-padding");
    bench_expect_violation(bench, "gpu-pages");
    RAW(56, 0x105, 0, 0, 1, 1, 4096, 0, 1);
    bench_expect_violation(bench, "gpu-offset");
    RAW(48, 0x104, 0, 0, 65, 1, 1);
    bench_expect_violation(bench, "gpu-rect");
    RAW(48, 0x103, 0, 0, 64, 32, 1, 1);
    bench_expect_violation(bench, "gpu-scanout");
    RAW(48, 0x103, 0, 0, 64, 32, 0, 1);
    RAW(32, 0x102, 1);
    bench_expect_violation(bench, "gpu-shown");
    RAW(32, 0x10a, 0);
    bench_expect_violation(bench, "gpu-edid-not-negotiated");
    RAW(40, 0x101, 2, FORMAT, 64, 32);
    queue = &bench->queues[1];
    RAW(56, 0x300, 0, 1, 1, 0, 2);
    bench_expect_violation(bench, "gpu-cursor-size");
    assert_ok(virtio_config_write(&bench->device, 0, 4, 0));
    bench_expect_violation(bench, "gpu-config-write");
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_start, BENCH_HOSTS),
    TEST(test_what_is_refused_at_start, BENCH_ONE),
    TEST(test_number_of_scanouts, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_queues, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_room_for_one, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_each_allocation_failing, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_displays, BENCH_HOSTS),
    TEST(test_p99_displays_of_no_sensible_size, BENCH_ONE),
    TEST(test_p99_choosing_a_size, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_event, BENCH_MODERN),
    TEST(test_event_of_a_device_that_is_gone, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_edid, BENCH_HOSTS),
    TEST(test_edid_mode, BENCH_ONE),
    TEST(test_edid_with_a_wrong_bit, BENCH_ONE),
    TEST(test_edid_that_makes_no_sense, BENCH_ONE),
    TEST(test_edid_of_noise, BENCH_ONE),
    TEST(test_a_picture, BENCH_HOSTS),
    TEST(test_parts_of_a_picture, BENCH_HOSTS),
    TEST(test_p99_scattered_memory, BENCH_HOSTS),
    TEST(test_memory_that_will_not_do, BENCH_ONE),
    TEST(test_many_pieces, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_resources_that_will_not_do, BENCH_ONE),
    TEST(test_ids_wrap, BENCH_ONE),
    TEST(test_nothing_is_allocated_after_the_start, BENCH_HOSTS),
    TEST(test_many_in_flight, BENCH_HOSTS),
    TEST(test_waiting, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_each_refusal_is_told, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_refused_changes, BENCH_ONE),
    TEST(test_lying_answers, BENCH_HOSTS),
    TEST(test_update_of_which_one_half_fails, BENCH_ONE),
    TEST(test_more_written_than_there_is_room, BENCH_MODERN),
    TEST(test_pointer, BENCH_HOSTS),
    TEST(test_p99_pointers_that_will_not_do, BENCH_ONE),
    TEST(test_pointer_that_is_refused, BENCH_ONE),
    TEST(test_more_movements_than_fit, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_no_room_for_a_pointer, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_lies_about_pointers, BENCH_ONE),
    TEST(test_failures, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_a_failure_that_is_known, BENCH_ALL),
    TEST(test_somebody_else_resets, BENCH_ONE),
    TEST(test_a_lost_device, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_recovery, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_recovery_of_blocking_calls, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_recovery_finds_another_device, BENCH_ONE),
    TEST(test_stopped_and_started, BENCH_HOSTS),
    TEST(test_rules_of_the_fake, BENCH_ONE),
};

BENCH_MAIN_RINGS(tests)
