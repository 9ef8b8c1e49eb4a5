/* SPDX-License-Identifier: MIT */
/*
 * The GPU driver: its start, displays and their EDIDs; and the rules of the fake device, broken by hand.
 */
#include "gpu_bench.h"

#include <string.h>

/* ---- Start ---- */

static void test_start(struct bench *bench)
{
    gpu_bench_start_two(bench);
    assert_int_equal(gpu_driver.num_scanouts, 2);
    assert_int_equal(gpu_driver.depth, VIRTIO_GPU_DEPTH_MAX);
    assert_int_equal(gpu_driver.device.features & 0xffffff, VIRTIO_GPU_F_EDID);
    assert_int_equal(gpu_fake.commands, 0);
    gpu_bench_stop();
    gpu_bench_stop();
    assert_result(virtio_gpu_poll_event(&gpu_driver), VIRTIO_E_STATE);
    assert_result(virtio_gpu_recover(&gpu_driver), VIRTIO_E_STATE);
}

static void test_what_is_refused_at_start(struct bench *bench)
{
    struct virtio_gpu_options options = {.pieces_max = 16385};

    bench_attach(bench);
    assert_result(virtio_gpu_start(&gpu_driver, &bench->device, NULL), VIRTIO_E_INVALID);
    bench->device.type = VIRTIO_ID_GPU;
    assert_result(virtio_gpu_start(&gpu_driver, &bench->device, &options), VIRTIO_E_INVALID);
}

static void test_number_of_scanouts(struct bench *bench)
{
    static const uint32_t lies[] = {0, 17, UINT32_MAX};

    gpu_bench_begin(bench, 1);
    for (unsigned i = 0; i < 3; i++) {
        fake_put_number(bench->fake.config + 8, 4, false, lies[i]);
        assert_result(gpu_bench_start(bench), VIRTIO_E_CONFIG);
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
    fake_put_number(bench->fake.config + 8, 4, false, 16);
    assert_ok(gpu_bench_start(bench));
    assert_int_equal(gpu_driver.num_scanouts, 16);
    gpu_bench_stop();
}

static void test_queues(struct bench *bench)
{
    gpu_bench_begin(bench, 1);
    bench->fake.queues[1].maximum = 0;
    assert_result(gpu_bench_start(bench), VIRTIO_E_NO_QUEUE);
    bench->fake.queues[1].maximum = 1;
    assert_result(gpu_bench_start(bench), VIRTIO_E_QUEUE_SIZE);
    bench->fake.queues[1].maximum = 16;
    bench->fake.queues[0].maximum = 1;
    assert_result(gpu_bench_start(bench), VIRTIO_E_QUEUE_SIZE);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

/* Where there is room for one request, all works one after the other. */
static void test_room_for_one(struct bench *bench)
{
    gpu_bench_begin(bench, 1);
    bench->fake.queues[0].maximum = 2;
    bench->fake.queues[1].maximum = 2;
    assert_ok(gpu_bench_start(bench));
    assert_int_equal(gpu_driver.depth, 1);
    gpu_bench_show();
    assert_ok(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL));
    gpu_bench_expect_pixels();
    assert_int_equal(gpu_fake.scanouts[0].flushes, 1);
    for (uint32_t n = 0; n < 20; n++)
        assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, n, n));
    assert_int_equal(gpu_fake.pointers[0].x, 19);
    gpu_fake.type = VIRTIO_GPU_RESP_ERR_UNSPEC;
    assert_result(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_IO);
    gpu_bench_mend();
    gpu_bench_stop();
}

static void test_each_allocation_failing(struct bench *bench)
{
    gpu_bench_begin(bench, 1);
    bench_attach(bench);
    for (unsigned n = 1;; n++) {
        int error;

        fake_host_fail_at(&bench->host, n);
        error = virtio_gpu_start(&gpu_driver, &bench->device, NULL);
        if (!bench->host.failed) {
            assert_ok(error);
            assert_true(n > 4);
            break;
        }
        if (error == VIRTIO_OK)
            gpu_bench_stop(); /* what failed was not needed: there was another way to the registers */
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
    gpu_bench_stop();
}

/* ---- Displays ---- */

static void test_displays(struct bench *bench)
{
    struct virtio_gpu_display display;

    gpu_bench_start_two(bench);
    gpu_fake.displays[1] = (struct virtio_gpu_display){true, {800, 7, 1024, 768}, 0x1234};
    assert_ok(virtio_gpu_get_display(&gpu_driver, 0, &display));
    assert_true(display.enabled);
    assert_int_equal(display.rect.width, 800);
    assert_ok(virtio_gpu_get_display(&gpu_driver, 1, &display));
    assert_memory_equal(&display, &gpu_fake.displays[1], sizeof(display));
    gpu_fake.displays[1].enabled = false;
    assert_ok(virtio_gpu_get_display(&gpu_driver, 1, &display));
    assert_false(display.enabled);
    assert_int_equal(display.rect.width, 0);
    assert_result(virtio_gpu_get_display(&gpu_driver, 2, &display), VIRTIO_E_OUT_OF_RANGE);
    assert_int_equal(display.rect.width, 0);
    gpu_bench_stop();
    assert_result(virtio_gpu_get_display(&gpu_driver, 0, &display), VIRTIO_E_STATE);
}

static void test_p99_displays_of_no_sensible_size(struct bench *bench)
{
    struct virtio_gpu_display display;

    gpu_bench_start_two(bench);
    gpu_fake.displays[0].rect.width = VIRTIO_GPU_SIZE_MAX;
    assert_ok(virtio_gpu_get_display(&gpu_driver, 0, &display));
    gpu_fake.displays[0].rect.width = VIRTIO_GPU_SIZE_MAX + 1;
    assert_result(virtio_gpu_get_display(&gpu_driver, 0, &display), VIRTIO_E_RESPONSE);
    assert_false(display.enabled);
    gpu_fake.displays[0].rect.width = 800;
    gpu_fake.displays[0].rect.height = UINT32_MAX;
    assert_result(virtio_gpu_get_display(&gpu_driver, 0, &display), VIRTIO_E_RESPONSE);
    gpu_bench_stop();
}

static void test_p99_choosing_a_size(struct bench *bench)
{
    uint32_t width;
    uint32_t height;

    gpu_bench_start_two(bench);
    gpu_bench_expect_size(800, 600);
    gpu_fake.displays[0].enabled = false;
    gpu_bench_expect_size(1920, 1080);
    gpu_fake.displays[0] = (struct virtio_gpu_display){true, {0, 0, 1, 1}, 0};
    gpu_bench_expect_size(1920, 1080);
    fake_gpu_write_edid(&gpu_fake, 63, 1080, "tiny");
    gpu_bench_expect_size(1024, 768);
    gpu_fake.edid[20]++;
    gpu_bench_expect_size(1024, 768);
    gpu_fake.type = VIRTIO_GPU_RESP_ERR_UNSPEC;
    gpu_bench_expect_size(1024, 768);
    gpu_bench_mend();
    assert_result(virtio_gpu_choose_size(&gpu_driver, 2, &width, &height), VIRTIO_E_OUT_OF_RANGE);
    gpu_bench_stop();
    bench->fake.features &= ~VIRTIO_GPU_F_EDID;
    assert_ok(gpu_bench_start(bench));
    gpu_bench_expect_size(1024, 768);
    gpu_fake.silent = true;
    assert_result(virtio_gpu_choose_size(&gpu_driver, 0, &width, &height), VIRTIO_E_TIMEOUT);
    gpu_bench_mend();
    gpu_bench_stop();
}

static void test_event(struct bench *bench)
{
    gpu_bench_start_two(bench);
    assert_int_equal(virtio_gpu_poll_event(&gpu_driver), 0);
    fake_gpu_raise_event(&gpu_fake);
    assert_int_equal(virtio_gpu_poll_event(&gpu_driver), 1);
    assert_int_equal(bench->fake.config[0], 0);
    assert_int_equal(virtio_gpu_poll_event(&gpu_driver), 0);
    fake_put_number(bench->fake.config, 4, false, 0xfffffffe); /* events of later versions */
    assert_int_equal(virtio_gpu_poll_event(&gpu_driver), 0);
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    fake_gpu_raise_event(&gpu_fake);
    assert_result(virtio_gpu_poll_event(&gpu_driver), VIRTIO_E_NEEDS_RESET);
    gpu_bench_stop();
}

static void test_event_of_a_device_that_is_gone(struct bench *bench)
{
    gpu_bench_start_two(bench);
    bench_unplug(bench, true);
    assert_result(virtio_gpu_poll_event(&gpu_driver), VIRTIO_E_GONE);
    gpu_bench_stop();
}

/* ---- EDID ---- */

static void test_edid(struct bench *bench)
{
    uint8_t bytes[VIRTIO_GPU_EDID_MAX];
    uint32_t size;

    gpu_bench_start_two(bench);
    assert_ok(virtio_gpu_get_edid(&gpu_driver, 1, bytes, &size));
    assert_int_equal(size, 128);
    assert_memory_equal(bytes, gpu_fake.edid, sizeof(bytes));
    gpu_fake.edid[1023] = 77;
    gpu_fake.edid_size = 1024;
    assert_ok(virtio_gpu_get_edid(&gpu_driver, 1, bytes, &size));
    assert_int_equal(size, 1024);
    assert_int_equal(bytes[1023], 77);
    gpu_fake.length = 24 + 8 + 1023;
    assert_result(virtio_gpu_get_edid(&gpu_driver, 1, bytes, &size), VIRTIO_E_RESPONSE);
    assert_int_equal(size, 0);
    gpu_fake.length = UINT32_MAX;
    gpu_fake.edid_size = 1025;
    assert_result(virtio_gpu_get_edid(&gpu_driver, 1, bytes, &size), VIRTIO_E_RESPONSE);
    gpu_fake.edid_size = UINT32_MAX;
    assert_result(virtio_gpu_get_edid(&gpu_driver, 1, bytes, &size), VIRTIO_E_RESPONSE);
    gpu_fake.edid_size = 0;
    assert_ok(virtio_gpu_get_edid(&gpu_driver, 1, bytes, &size));
    assert_result(virtio_gpu_get_edid(&gpu_driver, 2, bytes, &size), VIRTIO_E_OUT_OF_RANGE);
    gpu_bench_stop();
    bench->fake.features &= ~VIRTIO_GPU_F_EDID;
    assert_ok(gpu_bench_start(bench));
    assert_result(virtio_gpu_get_edid(&gpu_driver, 0, bytes, &size), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_gpu_get_edid(&gpu_driver, 2, bytes, &size), VIRTIO_E_OUT_OF_RANGE);
    gpu_bench_stop();
}

static void test_edid_mode(struct bench *bench)
{
    struct virtio_gpu_mode mode;

    gpu_bench_begin(bench, 1);
    assert_ok(virtio_gpu_parse_edid(gpu_fake.edid, 128, &mode));
    assert_int_equal(mode.width, 1920);
    assert_int_equal(mode.height, 1080);
    assert_int_equal(mode.refresh, 60);
    assert_int_equal(mode.clock_khz, 148500);
    assert_int_equal(mode.width_mm, 527);
    assert_int_equal(mode.height_mm, 296);
    assert_string_equal(mode.name, "fake display");
    fake_gpu_write_edid(&gpu_fake, 1921, 1080, ""); /* 59.97 times a second */
    assert_ok(virtio_gpu_parse_edid(gpu_fake.edid, 128, &mode));
    assert_int_equal(mode.refresh, 60);
    assert_string_equal(mode.name, "");
    fake_gpu_write_edid(&gpu_fake, 4095, 4095, "thirteen char");
    gpu_fake.edid[54 + 36] = 'x';      /* what follows the name is a mode, and no name, */
    gpu_fake.edid[54 + 36 + 3] = 0xfc; /* whatever it looks like */
    gpu_fake.edid[54 + 36 + 5] = 'y';
    gpu_fake.edid[54 + 14] = 0; /* the upper bits of the size */
    gpu_fake.edid[54 + 13] = 0;
    fake_gpu_seal_edid(gpu_fake.edid);
    assert_ok(virtio_gpu_parse_edid(gpu_fake.edid, 128, &mode));
    assert_int_equal(mode.width, 4095);
    assert_int_equal(mode.height, 4095);
    assert_int_equal(mode.width_mm, 520);
    assert_int_equal(mode.height_mm, 290);
    assert_string_equal(mode.name, "thirteen char");
    fake_gpu_write_edid(&gpu_fake, 640, 480,
                        "a\x7f"
                        "b");
    assert_ok(virtio_gpu_parse_edid(gpu_fake.edid, 128, &mode));
    assert_string_equal(mode.name, "a");
}

/* Each bit of it wrong, one after the other: the checksum finds it. */
static void test_edid_with_a_wrong_bit(struct bench *bench)
{
    struct virtio_gpu_mode mode;

    gpu_bench_begin(bench, 1);
    for (unsigned bit = 0; bit < 128 * 8; bit++) {
        gpu_fake.edid[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_result(virtio_gpu_parse_edid(gpu_fake.edid, 128, &mode), VIRTIO_E_RESPONSE);
        assert_int_equal(mode.width, 0);
        gpu_fake.edid[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (uint32_t size = 0; size < 128; size++)
        assert_result(virtio_gpu_parse_edid(gpu_fake.edid, size, &mode), VIRTIO_E_RESPONSE);
    assert_ok(virtio_gpu_parse_edid(gpu_fake.edid, 128, &mode));
}

/* Wrong, and sealed. */
static int parse_with(unsigned at, uint8_t byte, uint32_t size)
{
    uint8_t edid[VIRTIO_GPU_EDID_MAX];
    struct virtio_gpu_mode mode;

    memcpy(edid, gpu_fake.edid, sizeof(edid));
    edid[at] = byte;
    fake_gpu_seal_edid(edid);
    return virtio_gpu_parse_edid(edid, size, &mode);
}

static void test_edid_that_makes_no_sense(struct bench *bench)
{
    gpu_bench_begin(bench, 1);
    assert_ok(parse_with(20, 1, 128));
    for (unsigned at = 0; at < 8; at++)
        assert_result(parse_with(at, 0x55, 128), VIRTIO_E_RESPONSE);
    assert_result(parse_with(18, 2, 128), VIRTIO_E_RESPONSE);
    assert_result(parse_with(126, 1, 128), VIRTIO_E_RESPONSE);
    assert_result(parse_with(126, 1, 255), VIRTIO_E_RESPONSE);
    assert_ok(parse_with(126, 1, 256));
    assert_result(parse_with(126, 255, 1024), VIRTIO_E_RESPONSE);
    assert_ok(parse_with(54, 0, 128)); /* the clock has another byte */
    gpu_fake.edid[55] = 0;
    assert_result(parse_with(54, 0, 128), VIRTIO_E_RESPONSE);
    fake_gpu_write_edid(&gpu_fake, 0, 480, "");
    assert_result(parse_with(20, 0, 128), VIRTIO_E_RESPONSE);
    fake_gpu_write_edid(&gpu_fake, 640, 0, "");
    assert_result(parse_with(20, 0, 128), VIRTIO_E_RESPONSE);
}

/* Any bytes at all, sealed or not: an answer, and no trap. */
static void test_edid_of_noise(struct bench *bench)
{
    uint8_t edid[256];
    struct virtio_gpu_mode mode;
    uint32_t state = 1;
    unsigned good = 0;

    gpu_bench_begin(bench, 1);
    for (unsigned round = 0; round < 2000; round++) {
        for (unsigned at = 0; at < sizeof(edid); at++) {
            state = state * 1664525 + 1013904223;
            edid[at] = at < 20 ? gpu_fake.edid[at] : (uint8_t)(state >> 24);
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

/* ---- The fake's own rules ---- */

static void send_raw(struct bench *bench, struct virtio_queue *queue, uint32_t flags,
                     uint32_t readable, uint32_t writable, const uint32_t *words)
{
    uint8_t *bytes = bench->shared.memory;
    struct virtio_chain chain;
    struct virtio_done done;

    memset(bytes, 0, 256);
    fake_put_number(bytes, 4, false, words[0]);
    fake_put_number(bytes + 4, 4, false, flags);
    for (unsigned i = 1; i < 13; i++)
        fake_put_number(bytes + 20 + 4 * (size_t)i, 4, false, words[i]);
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

    gpu_bench_begin(bench, 1);
    bench_begin(bench);
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, 8));
    assert_ok(virtio_queue_start(&bench->queues[1], &bench->device, 1, 8));
    assert_ok(virtio_allocate_shared(&bench->device, 8192, 4096, &bench->shared));
    assert_ok(virtio_device_ready(&bench->device));
    RAW(40, 0x101, 1, GPU_FORMAT, 64, 32); /* as it should be */
    RAW(40, 0x101, 1, GPU_FORMAT, 8, 8);
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
    assert_int_equal(gpu_fake.resources[0].pieces, 1);
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
    RAW(40, 0x101, 2, GPU_FORMAT, 64, 32);
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
    TEST(test_event, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_event_of_a_device_that_is_gone, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_edid, BENCH_HOSTS),
    TEST(test_edid_mode, BENCH_ONE),
    TEST(test_edid_with_a_wrong_bit, BENCH_ONE),
    TEST(test_edid_that_makes_no_sense, BENCH_ONE),
    TEST(test_edid_of_noise, BENCH_ONE),
    TEST(test_rules_of_the_fake, BENCH_ONE),
};

BENCH_MAIN_RINGS(tests)
