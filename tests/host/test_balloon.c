/* SPDX-License-Identifier: MIT */
/*
 * The balloon driver: page numbers, statistics, reports, hints, and a device that fails.
 */
#include "bench.h"

#include "fake_balloon.h"

#include <string.h>

#define PAGES 600u

static struct fake_balloon fake;
static struct virtio_balloon balloon;
static uint64_t pages[PAGES];

static void begin(struct bench *bench, uint64_t features)
{
    fake_balloon_begin(&fake, &bench->fake, features);
    for (unsigned i = 0; i < PAGES; i++)
        pages[i] = UINT64_C(0x7654321000) + (uint64_t)i * 2 * VIRTIO_BALLOON_PAGE_SIZE;
}

static int start(struct bench *bench, const struct virtio_balloon_options *options)
{
    bench_attach(bench);
    bench->device.timeout_us = 2000;
    return virtio_balloon_start(&balloon, &bench->device, options);
}

static void stop(void)
{
    assert_ok(virtio_balloon_stop(&balloon));
    assert_int_equal(balloon.actual, 0);
}

/* Memory that may be named in descriptors. */
static uint64_t allocate(struct bench *bench, void **memory)
{
    uint64_t address = 0;

    bench->host.may_allocate = true;
    *memory = bench->host.host.dma_allocate(bench->host.host.ctx, 0x100000, 4096, UINT64_MAX, 0,
                                            &address);
    bench->host.may_allocate = false;
    assert_non_null(*memory);
    return address;
}

/* ---- Inflate and deflate ---- */

static void test_p101_page_numbers(struct bench *bench)
{
    begin(bench, VIRTIO_BALLOON_F_MUST_TELL_HOST);
    fake_put_number(bench->fake.config + 4, 4, false, 99); /* of whoever was here before */
    assert_ok(start(bench, NULL));
    assert_int_equal(fake_balloon_config(&fake, 4), 0);
    assert_true(virtio_has_feature(&balloon.device, VIRTIO_BALLOON_F_MUST_TELL_HOST));
    assert_ok(virtio_balloon_inflate(&balloon, pages, PAGES));
    assert_int_equal(fake.inflated, PAGES);
    assert_int_equal(fake.requests, 3);
    assert_int_equal(fake.latest, pages[PAGES - 1] / 4096);
    assert_int_equal(balloon.actual, PAGES);
    assert_int_equal(fake_balloon_config(&fake, 4), PAGES);
    assert_ok(virtio_balloon_deflate(&balloon, pages, 300));
    assert_int_equal(fake.deflated, 300);
    assert_int_equal(fake.latest, pages[299] / 4096);
    assert_int_equal(fake_balloon_config(&fake, 4), PAGES - 300);
    assert_result(virtio_balloon_deflate(&balloon, pages, PAGES - 299), VIRTIO_E_OUT_OF_RANGE);
    stop();
}

static void test_what_the_host_wants_stays(struct bench *bench)
{
    uint32_t target;

    begin(bench, 0);
    bench->fake.config[0] = 7; /* little-endian whatever the interface */
    assert_ok(start(bench, NULL));
    assert_int_equal(balloon.target, 7);
    assert_ok(virtio_balloon_inflate(&balloon, pages, 10));
    assert_result(virtio_balloon_deflate(&balloon, pages, 4), VIRTIO_E_NOT_SUPPORTED);
    assert_ok(virtio_balloon_deflate(&balloon, pages, 3));
    fake_balloon_set_target(&fake, 5);
    assert_ok(virtio_balloon_deflate(&balloon, pages + 3, 2));
    assert_ok(virtio_balloon_get_target(&balloon, &target));
    assert_int_equal(target, 5);
    stop();
}

static void test_deflate_on_oom(struct bench *bench)
{
    begin(bench, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
    fake_put_number(bench->fake.config, 4, false, 10);
    assert_ok(start(bench, NULL));
    assert_ok(virtio_balloon_inflate(&balloon, pages, 10));
    assert_ok(virtio_balloon_deflate(&balloon, pages, 10));
    assert_int_equal(balloon.actual, 0);
    stop();
}

static void test_nonsense_is_refused(struct bench *bench)
{
    uint64_t address = 4097;
    uint32_t command;
    struct virtio_buffer range = {.device_address = 4096, .length = 4096};

    begin(bench, 0);
    bench_attach(bench);
    bench->device.type = VIRTIO_ID_BLOCK;
    assert_result(virtio_balloon_start(&balloon, &bench->device, NULL), VIRTIO_E_INVALID);
    bench->device.type = VIRTIO_ID_BALLOON;
    assert_result(virtio_balloon_start(&balloon, &bench->device,
                                       &(struct virtio_balloon_options){.statistics = 1u << 10}),
                  VIRTIO_E_INVALID);
    assert_ok(start(bench, NULL));
    assert_result(virtio_balloon_inflate(&balloon, NULL, 1), VIRTIO_E_INVALID);
    assert_result(virtio_balloon_inflate(&balloon, &address, 0), VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_balloon_inflate(&balloon, &address, 1), VIRTIO_E_INVALID);
    address = UINT64_C(1) << 44;
    assert_result(virtio_balloon_inflate(&balloon, &address, 1), VIRTIO_E_OUT_OF_RANGE);
    address -= 4096;
    assert_ok(virtio_balloon_inflate(&balloon, &address, 1));
    assert_int_equal(fake.latest, UINT32_MAX);
    assert_result(virtio_balloon_statistics_due(&balloon), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_balloon_report(&balloon, &range, 1), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_balloon_hint(&balloon, &range, 1), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_balloon_get_hint_command(&balloon, &command), VIRTIO_E_NOT_SUPPORTED);
    stop();
    assert_result(virtio_balloon_inflate(&balloon, &address, 1), VIRTIO_E_STATE);
}

/* The device takes its time: pages are in the balloon, or out of it, once it has acknowledged them. */
static void test_pages_wait_for_a_slow_device(struct bench *bench)
{
    uint64_t before;

    begin(bench, VIRTIO_BALLOON_F_MUST_TELL_HOST);
    bench->fake.latency_us = 300;
    assert_ok(start(bench, NULL));
    before = bench->host.now_us;
    assert_ok(virtio_balloon_inflate(&balloon, pages, 20));
    assert_int_equal(fake.inflated, 20);
    assert_true(bench->host.now_us >= before + 300);
    before = bench->host.now_us;
    assert_ok(virtio_balloon_deflate(&balloon, pages, 10));
    assert_int_equal(fake.deflated, 10);
    assert_true(bench->host.now_us >= before + 300);
    stop();
}

/* Pages that the device never acknowledged are not asked back for: the driver has halted it by then. */
static void test_pages_are_not_taken_back_early(struct bench *bench)
{
    begin(bench, VIRTIO_BALLOON_F_MUST_TELL_HOST);
    assert_ok(start(bench, NULL));
    fake.silent = true;
    assert_result(virtio_balloon_inflate(&balloon, pages, 20), VIRTIO_E_TIMEOUT);
    assert_int_equal(fake_balloon_config(&fake, 4), 0);
    fake.silent = false;
    assert_result(virtio_balloon_deflate(&balloon, pages, 1), VIRTIO_E_STATE);
    assert_int_equal(fake.requests, 0);
    stop();
}

/* ---- Statistics ---- */

/* Entry n is a tag of 16 bits and a value of 64. */
static void expect_statistic(unsigned n, uint16_t tag, uint64_t value)
{
    const uint8_t *entry = fake.statistics + 10 * (size_t)n;

    assert_int_equal(fake_get(fake.device, entry, 2), tag);
    assert_int_equal(fake_get(fake.device, entry + 2, 8), value);
}

static void test_p101_statistics_from_the_start(struct bench *bench)
{
    struct virtio_balloon_options options = {.statistics = 1u << VIRTIO_BALLOON_S_MEMFREE |
                                                           1u << VIRTIO_BALLOON_S_MEMTOT};
    uint64_t values[VIRTIO_BALLOON_STATISTICS] = {0};

    options.values[VIRTIO_BALLOON_S_MEMFREE] = 0x1122334455667788;
    options.values[VIRTIO_BALLOON_S_MEMTOT] = 5;
    begin(bench, VIRTIO_BALLOON_F_STATS_VQ);
    assert_ok(start(bench, &options));
    /* Two entries and one that makes it a multiple of 6 bytes. */
    assert_int_equal(fake.statistics_size, 30);
    expect_statistic(0, VIRTIO_BALLOON_S_MEMFREE, 0x1122334455667788);
    expect_statistic(1, VIRTIO_BALLOON_S_MEMTOT, 5);
    expect_statistic(2, 0xffff, 0);
    assert_result(virtio_balloon_statistics_due(&balloon), 0);
    assert_result(virtio_balloon_send_statistics(&balloon, values), VIRTIO_E_FULL);
    for (unsigned n = 0; n < 40; n++) {
        fake_chain_complete(fake_queue_chain(&bench->fake.queues[2], 0), 0);
        assert_result(virtio_balloon_statistics_due(&balloon), 1);
        assert_result(virtio_balloon_statistics_due(&balloon), 1);
        assert_result(virtio_balloon_send_statistics(&balloon, NULL), VIRTIO_E_INVALID);
        values[VIRTIO_BALLOON_S_MEMFREE] = n;
        assert_ok(virtio_balloon_send_statistics(&balloon, values));
        expect_statistic(0, VIRTIO_BALLOON_S_MEMFREE, n);
        assert_result(virtio_balloon_statistics_due(&balloon), 0);
    }
    stop();
}

static void test_all_statistics_fit(struct bench *bench)
{
    struct virtio_balloon_options options = {.statistics = (1u << VIRTIO_BALLOON_STATISTICS) - 1};

    begin(bench, VIRTIO_BALLOON_F_STATS_VQ);
    assert_ok(start(bench, &options));
    assert_int_equal(fake.statistics_size, 120);
    stop();
    /* Nobody who sends none takes the feature. */
    assert_ok(virtio_balloon_start(&balloon, &balloon.device, NULL));
    assert_false(virtio_has_feature(&balloon.device, VIRTIO_BALLOON_F_STATS_VQ));
    stop();
}

/* ---- Free memory ---- */

static void make_ranges(struct virtio_buffer *ranges, unsigned count, uint64_t address)
{
    for (unsigned i = 0; i < count; i++) {
        ranges[i].device_address = address + (uint64_t)i * 8192;
        ranges[i].length = 4096;
    }
}

static void check_reports(struct bench *bench)
{
    struct virtio_buffer ranges[50];
    void *memory;
    uint64_t address;

    assert_ok(start(bench, NULL));
    address = allocate(bench, &memory);
    make_ranges(ranges, 50, address);
    assert_ok(virtio_balloon_report(&balloon, ranges, 50));
    assert_int_equal(fake.reported_ranges, 50);
    assert_int_equal(fake.reported_bytes, 50 * 4096);
    ranges[1].length = 0;
    assert_result(virtio_balloon_report(&balloon, ranges, 2), VIRTIO_E_ZERO_LENGTH);
    ranges[1].length = 4095;
    assert_result(virtio_balloon_report(&balloon, ranges, 2), VIRTIO_E_INVALID);
    assert_result(virtio_balloon_report(&balloon, NULL, 1), VIRTIO_E_INVALID);
    assert_result(virtio_balloon_report(&balloon, ranges, 0), VIRTIO_E_ZERO_LENGTH);
    assert_int_equal(fake.reported_ranges, 50);
    stop();
    bench->fake.life = FAKE_LIFE_UNKNOWN; /* the memory is the test's own */
    bench->host.host.dma_free(bench->host.host.ctx, memory, 0x100000, address);
}

static void test_reports(struct bench *bench)
{
    begin(bench, VIRTIO_BALLOON_F_PAGE_REPORTING);
    check_reports(bench);
}

static void test_reports_where_queues_leave_no_gap(struct bench *bench)
{
    begin(bench, VIRTIO_BALLOON_F_PAGE_REPORTING);
    fake.compact = 3;
    bench->fake.queues[4].maximum = 0;
    check_reports(bench);
}

static void test_poison(struct bench *bench)
{
    const struct virtio_balloon_options options = {.poisons = true, .poison_value = 0xdeadbeef};

    begin(bench, VIRTIO_BALLOON_F_PAGE_POISON);
    assert_ok(start(bench, &options));
    assert_true(virtio_has_feature(&balloon.device, VIRTIO_BALLOON_F_PAGE_POISON));
    assert_int_equal(fake_balloon_config(&fake, 12), 0xdeadbeef);
    stop();
    fake_put_number(bench->fake.config + 12, 4, false, 0);
    assert_ok(virtio_balloon_start(&balloon, &balloon.device, NULL));
    assert_false(virtio_has_feature(&balloon.device, VIRTIO_BALLOON_F_PAGE_POISON));
    assert_int_equal(fake_balloon_config(&fake, 12), 0);
    stop();
}

static void set_command(uint8_t command)
{
    const uint8_t bytes[4] = {command, 0, 0, 0};

    fake_device_change_config(fake.device, 8, bytes, 4);
}

static void test_hints(struct bench *bench)
{
    struct virtio_buffer ranges[5];
    void *memory;
    uint32_t command;
    uint64_t address;

    begin(bench, VIRTIO_BALLOON_F_FREE_PAGE_HINT);
    assert_ok(start(bench, NULL));
    address = allocate(bench, &memory);
    make_ranges(ranges, 5, address);
    assert_result(virtio_balloon_hint(&balloon, ranges, 5), VIRTIO_E_STATE);
    assert_result(virtio_balloon_end_hints(&balloon), VIRTIO_E_STATE);
    set_command(2);
    assert_ok(virtio_balloon_get_hint_command(&balloon, &command));
    assert_int_equal(command, 2);
    /* The command goes out once, whatever is said in how many calls. */
    assert_ok(virtio_balloon_hint(&balloon, ranges, 3));
    assert_ok(virtio_balloon_hint(&balloon, ranges + 3, 2));
    assert_int_equal(fake.commands, 1);
    assert_int_equal(fake.command, 2);
    assert_int_equal(fake.hints, 5);
    assert_ok(virtio_balloon_end_hints(&balloon));
    assert_int_equal(fake.command, VIRTIO_BALLOON_CMD_ID_STOP);
    assert_result(virtio_balloon_end_hints(&balloon), VIRTIO_E_STATE);
    set_command(VIRTIO_BALLOON_CMD_ID_DONE);
    assert_result(virtio_balloon_hint(&balloon, ranges, 1), VIRTIO_E_STATE);
    set_command(3);
    assert_ok(virtio_balloon_hint(&balloon, ranges, 1));
    assert_int_equal(fake.commands, 3);
    assert_int_equal(fake.command, 3);
    stop();
    bench->fake.life = FAKE_LIFE_UNKNOWN; /* the memory is the test's own */
    bench->host.host.dma_free(bench->host.host.ctx, memory, 0x100000, address);
}

/* ---- A device that fails ---- */

static void test_each_allocation_failing(struct bench *bench)
{
    const struct virtio_balloon_options options = {.statistics = 1};

    begin(bench, VIRTIO_BALLOON_F_STATS_VQ | VIRTIO_BALLOON_F_FREE_PAGE_HINT |
                     VIRTIO_BALLOON_F_PAGE_REPORTING);
    bench_attach(bench);
    for (unsigned n = 1;; n++) {
        int error;

        fake_host_fail_at(&bench->host, n);
        error = virtio_balloon_start(&balloon, &bench->device, &options);
        if (!bench->host.failed) {
            assert_ok(error);
            assert_true(n > 8);
            break;
        }
        if (error == VIRTIO_OK)
            stop(); /* what failed was not needed: there was another way to the registers */
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
    stop();
}

static void test_missing_queues(struct bench *bench)
{
    begin(bench, VIRTIO_BALLOON_F_PAGE_REPORTING);
    bench->fake.queues[3].maximum = 0;
    bench->fake.queues[4].maximum = 0;
    assert_result(start(bench, NULL), VIRTIO_E_NO_QUEUE);
}

static void test_a_hinting_queue_of_one(struct bench *bench)
{
    begin(bench, VIRTIO_BALLOON_F_FREE_PAGE_HINT);
    bench->fake.queues[3].maximum = 1;
    assert_result(start(bench, NULL), VIRTIO_E_QUEUE_SIZE);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_silence_ends_in_a_reset(struct bench *bench)
{
    begin(bench, 0);
    assert_ok(start(bench, NULL));
    assert_ok(virtio_balloon_inflate(&balloon, pages, 5));
    fake.silent = true;
    assert_result(virtio_balloon_inflate(&balloon, pages + 5, 1), VIRTIO_E_TIMEOUT);
    assert_int_equal(balloon.device.state, VIRTIO_DEVICE_STOPPED);
    assert_int_equal(balloon.actual, 0);
    assert_result(virtio_balloon_inflate(&balloon, pages, 1), VIRTIO_E_STATE);
    stop();
    fake.silent = false;
    assert_ok(virtio_balloon_start(&balloon, &balloon.device, NULL));
    assert_ok(virtio_balloon_inflate(&balloon, pages, 1));
    stop();
}

static void test_no_reset_either(struct bench *bench)
{
    begin(bench, 0);
    assert_ok(start(bench, NULL));
    fake.silent = true;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_balloon_inflate(&balloon, pages, 1), VIRTIO_E_BUSY);
    assert_int_equal(balloon.device.state, VIRTIO_DEVICE_LOST);
    assert_result(virtio_balloon_stop(&balloon), VIRTIO_E_TIMEOUT);
    bench->fake.reset_polls = 0;
    bench->fake.is_resetting = false;
    stop();
}

static void test_lies_are_found(struct bench *bench)
{
    begin(bench, 0);
    assert_ok(start(bench, NULL));
    fake.lie = 1;
    assert_result(virtio_balloon_inflate(&balloon, pages, 1), VIRTIO_E_BROKEN);
    assert_result(virtio_balloon_deflate(&balloon, pages, 1), VIRTIO_E_STATE);
    stop();
}

static void test_legacy_lengths_are_ignored(struct bench *bench)
{
    begin(bench, 0);
    assert_ok(start(bench, NULL));
    fake.lie = 4;
    assert_ok(virtio_balloon_inflate(&balloon, pages, 1));
    stop();
}

static void test_unplugged(struct bench *bench)
{
    begin(bench, 0);
    assert_ok(start(bench, NULL));
    fake.silent = true;
    bench->fake.gone = true;
    assert_result(virtio_balloon_inflate(&balloon, pages, 1), VIRTIO_E_GONE);
    assert_result(virtio_balloon_inflate(&balloon, pages, 1), VIRTIO_E_STATE);
    stop();
}

static const struct bench_test tests[] = {
    TEST(test_p101_page_numbers, BENCH_HOSTS | BENCH_WATCHED),
    TEST(test_what_the_host_wants_stays, BENCH_ALL),
    TEST(test_deflate_on_oom, BENCH_ALL),
    TEST(test_nonsense_is_refused, BENCH_ALL),
    TEST(test_p101_statistics_from_the_start, BENCH_HOSTS),
    TEST(test_all_statistics_fit, BENCH_ALL),
    TEST(test_reports, BENCH_ALL),
    TEST(test_reports_where_queues_leave_no_gap, BENCH_ALL),
    TEST(test_poison, BENCH_ALL),
    TEST(test_pages_wait_for_a_slow_device, BENCH_ALL),
    TEST(test_pages_are_not_taken_back_early, BENCH_ALL),
    TEST(test_hints, BENCH_ALL),
    TEST(test_each_allocation_failing, BENCH_ALL),
    TEST(test_missing_queues, BENCH_ALL),
    TEST(test_a_hinting_queue_of_one, BENCH_ALL),
    TEST(test_silence_ends_in_a_reset, BENCH_ALL),
    TEST(test_no_reset_either, BENCH_ONE),
    TEST(test_lies_are_found, BENCH_MODERN),
    TEST(test_legacy_lengths_are_ignored, BENCH_LEGACY),
    TEST(test_unplugged, BENCH_MMIO),
};

BENCH_MAIN_RINGS(tests)
