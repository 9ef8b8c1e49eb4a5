/* SPDX-License-Identifier: MIT */
/*
 * The input driver: configuration, events, status, and a device that says what it must not.
 */
#include "bench.h"

#include "fake_input.h"

#include <string.h>

static struct fake_input fake;
static struct virtio_input input;

static void begin(struct bench *bench, uint32_t types)
{
    /* Each buffer of a queue that is watched takes its time. */
    fake_input_begin(&fake, &bench->fake, types, bench->profile == BENCH_WATCHED ? 8 : 64);
}

static int start(struct bench *bench)
{
    bench_attach(bench);
    bench->device.timeout_us = 2000;
    return virtio_input_start(&input, &bench->device);
}

static void start_keyboard(struct bench *bench)
{
    begin(bench, 1u << VIRTIO_INPUT_EV_KEY);
    assert_ok(start(bench));
}

static void stop(void)
{
    assert_ok(virtio_input_stop(&input));
}

static bool give(uint16_t type, uint16_t code, uint32_t value, uint32_t written)
{
    return fake_input_give(&fake, type, code, value, written);
}

/* ---- Configuration ---- */

static void test_identity(struct bench *bench)
{
    uint8_t codes[VIRTIO_INPUT_CONFIG_MAX];

    start_keyboard(bench);
    assert_string_equal(input.name, "fake input");
    assert_int_equal(input.ids.bustype, 6);
    assert_int_equal(input.ids.vendor, 0x1234);
    assert_int_equal(input.ids.product, 0x5678);
    assert_int_equal(input.ids.version, 2);
    assert_int_equal(input.types, 1u << VIRTIO_INPUT_EV_KEY);
    assert_ok(virtio_input_get_bits(&input, VIRTIO_INPUT_EV_KEY, codes));
    assert_int_equal(codes[0], 2);
    assert_int_equal(codes[1], 0);
    assert_result(virtio_input_get_bits(&input, VIRTIO_INPUT_EV_REL, codes),
                  VIRTIO_E_NOT_SUPPORTED);
    stop();
    assert_result(virtio_input_get_bits(&input, VIRTIO_INPUT_EV_KEY, codes), VIRTIO_E_STATE);
}

static void test_serial_number(struct bench *bench)
{
    char longest[VIRTIO_INPUT_CONFIG_MAX + 1];
    char serial[VIRTIO_INPUT_CONFIG_MAX + 1];

    memset(longest, 's', VIRTIO_INPUT_CONFIG_MAX);
    longest[VIRTIO_INPUT_CONFIG_MAX] = '\0';
    memset(serial, 'x', sizeof(serial));
    start_keyboard(bench);
    assert_result(virtio_input_get_serial(&input, serial), VIRTIO_E_NOT_SUPPORTED);
    assert_string_equal(serial, "");
    fake.serial = "No. 7";
    assert_ok(virtio_input_get_serial(&input, serial));
    assert_string_equal(serial, "No. 7");
    fake.serial = longest;
    assert_ok(virtio_input_get_serial(&input, serial));
    assert_string_equal(serial, longest);
    stop();
    assert_result(virtio_input_get_serial(&input, serial), VIRTIO_E_STATE);
    assert_string_equal(serial, "");
}

static void test_properties(struct bench *bench)
{
    uint8_t properties[VIRTIO_INPUT_CONFIG_MAX];

    start_keyboard(bench);
    assert_result(virtio_input_get_properties(&input, properties), VIRTIO_E_NOT_SUPPORTED);
    fake.has_properties = true;
    assert_ok(virtio_input_get_properties(&input, properties));
    assert_int_equal(properties[0],
                     1u << VIRTIO_INPUT_PROP_POINTER | 1u << VIRTIO_INPUT_PROP_DIRECT);
    assert_int_equal(properties[1], 0);
    stop();
    assert_result(virtio_input_get_properties(&input, properties), VIRTIO_E_STATE);
    assert_int_equal(properties[0], 0);
}

static void test_other_types_are_refused(struct bench *bench)
{
    bench_attach(bench);
    assert_result(virtio_input_start(&input, &bench->device), VIRTIO_E_INVALID);
}

static void test_p97_roles(struct bench *bench)
{
    const uint32_t key = 1u << VIRTIO_INPUT_EV_KEY;
    const uint32_t rel = 1u << VIRTIO_INPUT_EV_REL;
    const uint32_t abs = 1u << VIRTIO_INPUT_EV_ABS;
    const struct {
        uint32_t types;
        enum virtio_input_role role;
    } cases[] = {
        {key, VIRTIO_INPUT_KEYBOARD},     {key | 1u << VIRTIO_INPUT_EV_LED, VIRTIO_INPUT_KEYBOARD},
        {key | rel, VIRTIO_INPUT_MOUSE},  {key | rel | abs, VIRTIO_INPUT_TABLET},
        {key | abs, VIRTIO_INPUT_TABLET}, {1u << 5, VIRTIO_INPUT_OTHER},
        {0, VIRTIO_INPUT_OTHER}};

    begin(bench, 0);
    bench_attach(bench);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fake.types = cases[i].types;
        assert_ok(virtio_input_start(&input, &bench->device));
        assert_int_equal(input.role, cases[i].role);
        stop();
    }
}

static void test_p96_sizes_are_capped(struct bench *bench)
{
    uint8_t bytes[VIRTIO_INPUT_CONFIG_MAX];
    uint32_t size = 1;

    begin(bench, 0);
    fake.says_size = 255;
    assert_ok(start(bench));
    assert_string_equal(input.name, "fake input");
    assert_ok(virtio_input_query(&input, VIRTIO_INPUT_CFG_ID_NAME, 0, bytes, &size));
    assert_int_equal(size, VIRTIO_INPUT_CONFIG_MAX);
    assert_ok(virtio_input_query(&input, 0x55, 0, bytes, &size));
    assert_int_equal(size, 0);
    stop();
}

static void test_ranges(struct bench *bench)
{
    struct virtio_input_range got;

    begin(bench, 1u << VIRTIO_INPUT_EV_ABS);
    assert_ok(start(bench));
    assert_result(virtio_input_get_range(&input, 0, &got), VIRTIO_E_NOT_SUPPORTED);
    fake.range_size = 20;
    assert_ok(virtio_input_get_range(&input, 0, &got));
    assert_int_equal(got.min, -10);
    assert_int_equal(got.max, 32767);
    assert_int_equal(got.fuzz, 1);
    assert_int_equal(got.flat, 2);
    assert_int_equal(got.res, 3);
    fake.range_size = 19;
    assert_result(virtio_input_get_range(&input, 0, &got), VIRTIO_E_RESPONSE);
    fake.range_size = 4; /* min -10, and max was not said: 0 */
    assert_result(virtio_input_get_range(&input, 0, &got), VIRTIO_E_RESPONSE);
    stop();
}

static void test_each_allocation_failing(struct bench *bench)
{
    begin(bench, 2);
    bench_attach(bench);
    for (unsigned n = 1;; n++) {
        int error;

        fake_host_fail_at(&bench->host, n);
        error = virtio_input_start(&input, &bench->device);
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

static void test_missing_status_queue(struct bench *bench)
{
    begin(bench, 2);
    bench->fake.queues[1].maximum = 0;
    assert_result(start(bench), VIRTIO_E_NO_QUEUE);
}

/* ---- Events ---- */

/* A poll that finds nothing has shown the device every buffer again, if there was one to show only. */
static void test_p96_all_buffers_are_shown_again(struct bench *bench)
{
    struct virtio_input_event event;
    uint64_t kicks;

    start_keyboard(bench);
    assert_true(give(1, 30, 1, 8));
    assert_result(virtio_input_poll(&input, &event), 1);
    kicks = input.events.queue.kicks;
    assert_result(virtio_input_poll(&input, &event), 0);
    assert_int_equal(input.events.queue.kicks, kicks + 1);
    for (unsigned n = 0; n < input.events.depth; n++)
        assert_true(give(1, (uint16_t)n, 1, 8));
    stop();
}

static void test_p96_events_for_ever(struct bench *bench)
{
    struct virtio_input_event event;
    uint32_t next = 0;

    start_keyboard(bench);
    for (uint32_t n = 0; n < 5000; n++) {
        assert_true(give((uint16_t)(n % 5), (uint16_t)n, UINT32_MAX - n, 8));
        if (n % 31 != 30)
            continue;
        while (virtio_input_poll(&input, &event) == 1) {
            assert_int_equal(event.type, next % 5);
            assert_int_equal(event.code, (uint16_t)next);
            assert_int_equal(event.value, -1 - (int32_t)next);
            next++;
        }
        assert_int_equal(next, n + 1);
    }
    assert_int_equal(input.ignored, 0);
    stop();
}

/* After a poll that found nothing every buffer is the device's. */
static void test_all_buffers_go_back(struct bench *bench)
{
    struct virtio_input_event event;

    start_keyboard(bench);
    for (unsigned round = 0; round < 3; round++) {
        unsigned count = 0;

        while (give(1, 1, 1, 8))
            count++;
        assert_int_equal(count, input.events.depth);
        while (virtio_input_poll(&input, &event) == 1)
            count--;
        assert_int_equal(count, 0);
    }
    stop();
}

static void test_short_events_are_ignored(struct bench *bench)
{
    struct virtio_input_event event;

    start_keyboard(bench);
    for (uint32_t size = 0; size < 8; size++)
        give(1, 2, 3, size);
    give(1, 7, 3, 8);
    assert_result(virtio_input_poll(&input, &event), 1);
    assert_int_equal(event.code, 7);
    assert_int_equal(input.ignored, 8);
    while (give(1, 2, 3, 7))
        continue;
    assert_result(virtio_input_poll(&input, &event), 0);
    assert_result(virtio_input_poll(&input, &event), 0);
    assert_true(give(1, 2, 3, 8));
    assert_result(virtio_input_poll(&input, &event), 1);
    stop();
}

static void test_wait(struct bench *bench)
{
    struct virtio_input_event event;

    start_keyboard(bench);
    assert_result(virtio_input_wait(&input, &event, 500), VIRTIO_E_TIMEOUT);
    give(1, 2, 3, 8);
    assert_result(virtio_input_wait(&input, &event, 500), 1);
    stop();
}

/* ---- Status ---- */

static void test_status(struct bench *bench)
{
    unsigned many = bench->profile == BENCH_WATCHED ? 3 : 100;

    start_keyboard(bench);
    for (unsigned n = 0; n < many; n++)
        assert_ok(virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 0x102, -2));
    assert_int_equal(fake.status_count, many);
    assert_memory_equal(fake.status, "\x11\x00\x02\x01\xfe\xff\xff\xff", 8);
    fake.status_lie = 8; /* QEMU counts what it has read */
    for (unsigned n = 0; n < many; n++)
        assert_ok(virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 1, 1));
    fake.keeps_status = true;
    for (unsigned n = 0; n < VIRTIO_INPUT_STATUS_SIZE; n++)
        assert_ok(virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 1, 1));
    assert_result(virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 1, 1), VIRTIO_E_FULL);
    fake_chain_complete(fake_queue_chain(&bench->fake.queues[1], 0), 0);
    assert_ok(virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 1, 1));
    stop();
}

/* ---- A device that fails ---- */

static void test_lies_are_found(struct bench *bench)
{
    struct virtio_input_event event;

    start_keyboard(bench);
    give(1, 2, 3, 9);
    assert_result(virtio_input_poll(&input, &event), VIRTIO_E_BROKEN);
    fake_queue_push_used(&bench->fake.queues[1], 1000, 0);
    assert_result(virtio_input_send(&input, 0, 0, 0), VIRTIO_E_BROKEN);
    stop();
    assert_ok(virtio_input_start(&input, &input.device));
    give(1, 2, 3, 8);
    assert_result(virtio_input_poll(&input, &event), 1);
    stop();
}

static void test_needs_reset_ends_the_wait(struct bench *bench)
{
    struct virtio_input_event event;

    start_keyboard(bench);
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    assert_result(virtio_input_wait(&input, &event, 500), VIRTIO_E_NEEDS_RESET);
    stop();
}

static void test_unplugged(struct bench *bench)
{
    uint8_t bytes[VIRTIO_INPUT_CONFIG_MAX];
    struct virtio_input_event event;
    uint32_t size;

    start_keyboard(bench);
    bench->fake.gone = true;
    assert_result(virtio_input_wait(&input, &event, 500), VIRTIO_E_GONE);
    assert_result(virtio_input_query(&input, VIRTIO_INPUT_CFG_ID_NAME, 0, bytes, &size),
                  VIRTIO_E_GONE);
    assert_int_equal(size, 0);
    assert_int_equal(bytes[0], 0);
    assert_result(virtio_input_get_bits(&input, 1, bytes), VIRTIO_E_GONE);
    stop();
}

static void test_stopped_and_started(struct bench *bench)
{
    struct virtio_input_event event;

    start_keyboard(bench);
    give(1, 2, 3, 8);
    assert_ok(virtio_input_halt(&input));
    assert_result(virtio_input_poll(&input, &event), VIRTIO_E_STATE);
    assert_result(virtio_input_send(&input, 0, 0, 0), VIRTIO_E_STATE);
    stop();
    stop();
    assert_ok(virtio_input_start(&input, &input.device));
    assert_result(virtio_input_poll(&input, &event), 0);
    stop();
}

static const struct bench_test tests[] = {
    TEST(test_identity, BENCH_HOSTS),
    TEST(test_serial_number, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_properties, BENCH_ALL),
    TEST(test_other_types_are_refused, BENCH_ONE),
    TEST(test_p97_roles, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_p96_sizes_are_capped, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_ranges, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_each_allocation_failing, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_missing_status_queue, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_p96_all_buffers_are_shown_again, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_p96_events_for_ever, BENCH_HOSTS),
    TEST(test_all_buffers_go_back, BENCH_HOSTS),
    TEST(test_short_events_are_ignored, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_wait, BENCH_ONE),
    TEST(test_status, BENCH_HOSTS | BENCH_WATCHED),
    TEST(test_lies_are_found, BENCH_MODERN | BENCH_SPLIT_RINGS),
    TEST(test_needs_reset_ends_the_wait, BENCH_MODERN),
    TEST(test_unplugged, BENCH_MMIO),
    TEST(test_stopped_and_started, BENCH_HOSTS),
};

BENCH_MAIN_RINGS(tests)
