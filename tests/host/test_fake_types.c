/* SPDX-License-Identifier: MIT */
/*
 * The fake devices of each type: as in test_fake_device.c each of their rules is broken by hand and must be
 * found.
 */
#include "bench.h"

#include "fake_balloon.h"
#include "fake_blk.h"
#include "fake_console.h"
#include "fake_input.h"
#include "fake_rng.h"

#include <stdlib.h>
#include <string.h>

/* A chain, sent by hand. */
struct part {
    uint32_t offset; /* in the shared memory */
    uint32_t length;
    bool writable;
};

static void send_on(struct bench *bench, struct virtio_queue *queue, const struct part *parts,
                    unsigned count)
{
    struct virtio_chain chain;

    virtio_prepare(queue, &chain);
    for (unsigned i = 0; i < count; i++)
        assert_ok(virtio_append_desc(queue, bench->shared.device_address + parts[i].offset,
                                     parts[i].length, parts[i].writable ? VIRTQ_DESC_F_WRITE : 0,
                                     &chain));
    assert_ok(virtio_submit(queue, &chain, NULL));
    assert_ok(virtio_kick(queue));
}

/* One that is answered at once, on queue 0. */
static void send(struct bench *bench, const struct part *parts, unsigned count)
{
    struct virtio_done done;

    send_on(bench, &bench->queues[0], parts, count);
    assert_result(virtio_reap(&bench->queues[0], &done), 1);
}

static void header(struct bench *bench, uint32_t type, uint32_t reserved, uint64_t sector)
{
    uint8_t *bytes = bench->shared.memory;

    fake_put(&bench->fake, bytes, 4, type);
    fake_put(&bench->fake, bytes + 4, 4, reserved);
    fake_put(&bench->fake, bytes + 8, 8, sector);
}

/* Header, data of one segment, status. */
static void send_data(struct bench *bench, bool writable, uint32_t bytes)
{
    const struct part parts[] = {{0, 16, false}, {512, bytes, writable}, {64, 1, true}};

    send(bench, parts, 3);
}

static void test_disk_rules(struct bench *bench)
{
    static const struct part short_header[] = {{0, 8, false}, {64, 1, true}};
    static const struct part long_header[] = {{0, 528, false}, {64, 1, true}};
    static const struct part plain[] = {{0, 16, false}, {64, 1, true}};
    static const struct part two_segments[] = {
        {0, 16, false}, {512, 512, false}, {1024, 512, false}, {64, 1, true}};
    struct fake_blk blk;

    fake_blk_begin(&blk, &bench->fake, 16);
    fake_device_set_config(&bench->fake, FAKE_BLK_SIZE_MAX, 4, 512);
    bench->fake.features |= VIRTIO_BLK_F_SIZE_MAX;
    bench->wanted.supported = VIRTIO_BLK_F_SIZE_MAX;
    bench_start(bench, 8);
    header(bench, FAKE_BLK_IN, 0, 15);
    send_data(bench, true, 512); /* as it should be */
    send(bench, short_header, 2);
    bench_expect_violation(bench, "blk-frame");
    (void)fake_host_take_violation(&bench->host, "blk-data-length");
    header(bench, FAKE_BLK_OUT, 0, 0);
    send(bench, long_header, 2);
    bench_expect_violation(bench, "blk-frame");
    header(bench, FAKE_BLK_IN, 1, 0);
    send_data(bench, true, 512);
    bench_expect_violation(bench, "blk-reserved");
    header(bench, FAKE_BLK_OUT, 0, 0);
    send(bench, two_segments, 4);
    bench_expect_violation(bench, "blk-seg-max");
    send_data(bench, false, 1024);
    bench_expect_violation(bench, "blk-size-max");
    send_data(bench, false, 511);
    bench_expect_violation(bench, "blk-data-length");
    header(bench, FAKE_BLK_IN, 0, 16);
    send_data(bench, true, 512);
    bench_expect_violation(bench, "blk-beyond-capacity");
    header(bench, FAKE_BLK_FLUSH, 0, 3);
    send(bench, plain, 2);
    bench_expect_violation(bench, "blk-flush-not-negotiated");
    bench_expect_violation(bench, "blk-flush-arguments");
    header(bench, FAKE_BLK_GET_ID, 0, 0);
    send_data(bench, true, 21);
    bench_expect_violation(bench, "blk-id-length");
    header(bench, 77, 0, 0);
    send(bench, plain, 2);
    bench_expect_violation(bench, "blk-type");
    assert_int_equal(((uint8_t *)bench->shared.memory)[64], 2);
    bench->fake.features |= VIRTIO_BLK_F_RO;
    header(bench, FAKE_BLK_OUT, 0, 0);
    send_data(bench, false, 512);
    bench_expect_violation(bench, "blk-write-read-only");
    bench_stop(bench);
    fake_blk_end(&blk);
}

static void test_entropy_rules(struct bench *bench)
{
    static const struct part both[] = {{0, 16, false}, {64, 16, true}};
    struct fake_rng rng;

    fake_rng_begin(&rng, &bench->fake);
    bench_start(bench, 8);
    send(bench, both, 2);
    bench_expect_violation(bench, "rng-readable-buffer");
    bench_stop(bench);
}

static void test_console_rules(struct bench *bench)
{
    static const struct part readable[] = {{0, 8, false}};
    static const struct part too_long[] = {{0, 16, false}};
    static const uint8_t unknown[8] = {0, 0, 0, 0, 99, 0, 0, 0};
    struct virtio_queue *control = &bench->queues[1];
    struct fake_console *console = calloc(1, sizeof(*console));

    assert_non_null(console);
    fake_console_begin(console, &bench->fake, 2);
    bench_begin(bench);
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, 8));
    assert_ok(virtio_queue_start(control, &bench->device, 3, 8));
    assert_ok(virtio_allocate_shared(&bench->device, 4096, 64, &bench->shared));
    assert_ok(virtio_device_ready(&bench->device));
    send_on(bench, control, readable, 1); /* as it should be */
    send_on(bench, control, too_long, 1);
    bench_expect_violation(bench, "console-control-size");
    memcpy(bench->shared.memory, unknown, 8);
    send_on(bench, control, readable, 1);
    bench_expect_violation(bench, "console-control-event");
    send_on(bench, &bench->queues[0], readable, 1); /* on a receive queue */
    bench_expect_violation(bench, "console-direction");
    bench_stop(bench);
    free(console);
}

/* Buffers that are too short, or the wrong way round; and writes that are no selection. */
static void test_input_rules(struct bench *bench)
{
    static const struct part event[] = {{0, 8, true}};
    static const struct part short_event[] = {{0, 7, true}};
    static const struct part readable[] = {{0, 8, false}};
    static const struct part status[] = {{64, 8, false}};
    static const struct part short_status[] = {{64, 7, false}};
    struct fake_input input;

    fake_input_begin(&input, &bench->fake, 0, 8);
    bench_begin(bench);
    for (uint16_t i = 0; i < 2; i++)
        assert_ok(virtio_queue_start(&bench->queues[i], &bench->device, i, 8));
    assert_ok(virtio_allocate_shared(&bench->device, 4096, 64, &bench->shared));
    memset(bench->shared.memory, 0, 4096);
    assert_ok(virtio_device_ready(&bench->device));
    assert_ok(virtio_config_write(&bench->device, 0, 1, VIRTIO_INPUT_CFG_ID_NAME));
    assert_ok(virtio_config_write(&bench->device, 1, 1, 0));
    send_on(bench, &bench->queues[0], event, 1);
    send_on(bench, &bench->queues[1], status, 1);
    assert_int_equal(bench->host.violation_count, 0); /* as it should be */
    assert_ok(virtio_config_write(&bench->device, 2, 1, 9));
    bench_expect_violation(bench, "input-config-write");
    assert_ok(virtio_config_write(&bench->device, 0, 2, 1)); /* both at once */
    bench_expect_violation(bench, "input-config-write");
    send_on(bench, &bench->queues[0], short_event, 1);
    bench_expect_violation(bench, "input-event-buffer");
    send_on(bench, &bench->queues[0], readable, 1);
    bench_expect_violation(bench, "input-event-buffer");
    send_on(bench, &bench->queues[1], short_status, 1);
    bench_expect_violation(bench, "input-status-buffer");
    assert_int_equal(bench->host.violation_count, 0);
    bench_stop(bench);
}

static void start_balloon(struct bench *bench, struct fake_balloon *balloon)
{
    static const uint16_t numbers[] = {0, 1, 2, 3};

    fake_balloon_begin(balloon, &bench->fake,
                       VIRTIO_BALLOON_F_PAGE_POISON | VIRTIO_BALLOON_F_STATS_VQ);
    bench->wanted.supported = VIRTIO_BALLOON_F_PAGE_POISON | VIRTIO_BALLOON_F_STATS_VQ;
    bench_begin(bench);
    for (unsigned i = 0; i < 4; i++)
        assert_ok(virtio_queue_start(&bench->queues[i], &bench->device, numbers[i], 8));
    assert_ok(virtio_allocate_shared(&bench->device, 4096, 64, &bench->shared));
    memset(bench->shared.memory, 0, 4096);
}

static void test_balloon_rules(struct bench *bench)
{
    static const struct part page[] = {{0, 4, false}};
    static const struct part half_a_page[] = {{0, 6, false}};
    static const struct part statistics[] = {{64, 30, false}};
    static const struct part odd_statistics[] = {{64, 31, false}};
    struct fake_balloon balloon;

    start_balloon(bench, &balloon);
    assert_ok(virtio_config_write(&bench->device, 12, 4, 0xdeadbeef));
    assert_ok(virtio_device_ready(&bench->device));
    assert_ok(virtio_config_write(&bench->device, 4, 4, 1));
    send(bench, page, 1);
    send_on(bench, &bench->queues[1], page, 1);
    send_on(bench, &bench->queues[2], statistics, 1);
    send_on(bench, &bench->queues[3], page, 1);
    assert_int_equal(bench->host.violation_count, 0); /* as it should be */
    send(bench, half_a_page, 1);
    bench_expect_violation(bench, "balloon-page-array");
    send_on(bench, &bench->queues[3], half_a_page, 1);
    bench_expect_violation(bench, "balloon-hint-command");
    send_on(bench, &bench->queues[2], statistics, 1);
    bench_expect_violation(bench, "balloon-statistics-twice");
    send_on(bench, &bench->queues[2], odd_statistics, 1);
    bench_expect_violation(bench, "balloon-statistics-size");
    (void)fake_host_take_violation(&bench->host, "balloon-statistics-twice");
    balloon.silent = true;
    send_on(bench, &bench->queues[0], page, 1);
    assert_int_equal(bench->host.violation_count, 0);
    send_on(bench, &bench->queues[1], page, 1);
    bench_expect_violation(bench, "balloon-taken-back-early");
    assert_ok(virtio_config_write(&bench->device, 0, 4, 1)); /* num_pages */
    bench_expect_violation(bench, "balloon-config-write");
    assert_ok(virtio_config_write(&bench->device, 4, 2, 1)); /* half of actual */
    bench_expect_violation(bench, "balloon-config-write");
    bench_expect_violation(bench, "config-width");
    assert_ok(virtio_config_write(&bench->device, 12, 4, 1));
    bench_expect_violation(bench, "balloon-poison-late");
    bench->fake.driver_features &= ~VIRTIO_BALLOON_F_PAGE_POISON;
    assert_ok(virtio_config_write(&bench->device, 12, 4, 1));
    bench_expect_violation(bench, "balloon-poison-without-feature");
    (void)fake_host_take_violation(&bench->host, "balloon-poison-late");
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_disk_rules, BENCH_ONE),    TEST(test_entropy_rules, BENCH_ONE),
    TEST(test_console_rules, BENCH_ONE), TEST(test_input_rules, BENCH_ONE),
    TEST(test_balloon_rules, BENCH_ONE),
};

BENCH_MAIN(tests)
