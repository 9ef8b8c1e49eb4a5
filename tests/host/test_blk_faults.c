/* SPDX-License-Identifier: MIT */
/*
 * The block driver when things go wrong: status and length that mean trouble, no answer, devices that
 * break, ask for a reset, are pulled out or will not be reset, hooks that fail.
 */
#include "blk_bench.h"

#include <string.h>

#define TIMEOUT_US 300000u

/* Answers (P92) ---------------------------------------------------------------------------------- */

static void check_status(int status, int error)
{
    char id[VIRTIO_BLK_ID_SIZE] = "not empty";

    blk_fake.forced_status = status;
    assert_result(virtio_blk_read(&blk_disk, 3, blk_buffer, SECTOR), error);
    assert_result(virtio_blk_write(&blk_disk, 3, blk_buffer, SECTOR), error);
    assert_result(virtio_blk_flush(&blk_disk), error);
    assert_result(virtio_blk_get_id(&blk_disk, id), error);
    assert_string_equal(id, "");
    assert_ok(virtio_blk_submit_read(&blk_disk, 3, blk_buffer, SECTOR, bench_cookie(4)));
    assert_int_equal(blk_bench_wait(error), 4);
    blk_fake.forced_status = -1;
    blk_bench_read(3, 2);
}

static void test_p92_each_status_has_its_error(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    check_status(1, VIRTIO_E_IO);
    check_status(2, VIRTIO_E_UNSUPPORTED_REQUEST);
    for (int status = 3; status < 256; status += 12)
        check_status(status, VIRTIO_E_RESPONSE);
    check_status(255, VIRTIO_E_RESPONSE);
    blk_bench_end(bench);
}

/* A status that the device left out is never taken for the last request's. */
static void test_p92_status_is_preset(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    for (unsigned i = 0; i < 3; i++) {
        blk_bench_read(0, 1);
        blk_fake.leaves_status = true;
        assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_RESPONSE);
        assert_result(virtio_blk_write(&blk_disk, 1, blk_buffer, SECTOR), VIRTIO_E_RESPONSE);
        assert_result(virtio_blk_flush(&blk_disk), VIRTIO_E_RESPONSE);
        blk_fake.leaves_status = false;
        blk_bench_fill_disk();
    }
    blk_bench_end(bench);
}

/* Data and status are there, but the device has not said so: the request is not complete. */
static void test_p92_nothing_is_read_before_it_is_used(struct bench *bench)
{
    static const uint8_t ok = 0;
    struct virtio_blk_done done;
    struct fake_chain *chain;

    blk_bench_begin(bench, 64);
    blk_fake.order = FAKE_BLK_HELD;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_ok(virtio_blk_submit_read(&blk_disk, 3, blk_buffer, SECTOR, bench_cookie(1)));
    assert_ok(virtio_blk_kick(&blk_disk));
    chain = blk_fake.held[0];
    fake_chain_write(chain, chain->writable - 1, &ok, 1);
    assert_result(virtio_blk_reap(&blk_disk, &done), 0);
    blk_fake.forced_status = 1;
    fake_blk_finish(&blk_fake, 0);
    assert_int_equal(blk_bench_wait(VIRTIO_E_IO), 1);
    blk_bench_end(bench);
}

/* A modern device says how much it wrote: less than the data is not a read. The status byte may be left
 * out of it, as some devices do. */
static void test_short_reads_on_modern(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    for (uint32_t by = 0; by < 2; by++) {
        blk_fake.short_by = by;
        blk_bench_read(3, 2);
    }
    for (uint32_t by = 2; by <= 1025; by += 93) {
        blk_fake.short_by = by;
        assert_result(virtio_blk_read(&blk_disk, 3, blk_buffer, 2 * SECTOR), VIRTIO_E_RESPONSE);
        assert_ok(virtio_blk_write(&blk_disk, 3, blk_buffer, SECTOR));
    }
    blk_fake.short_by = 0;
    blk_fake.reports_no_length = true;
    assert_result(virtio_blk_read(&blk_disk, 3, blk_buffer, SECTOR), VIRTIO_E_RESPONSE);
    assert_ok(virtio_blk_write(&blk_disk, 3, blk_buffer, SECTOR));
    assert_ok(virtio_blk_flush(&blk_disk));
    blk_bench_end(bench);
}

/* Legacy devices may put anything there (spec 5.2.6.3). */
static void test_lengths_mean_nothing_on_legacy(struct bench *bench)
{
    char id[VIRTIO_BLK_ID_SIZE];

    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    blk_fake.short_by = 100;
    blk_bench_read(3, 2);
    blk_fake.reports_no_length = true;
    blk_bench_read(3, 2);
    assert_ok(virtio_blk_flush(&blk_disk));
    assert_ok(virtio_blk_get_id(&blk_disk, id));
    assert_string_equal(id, "fake disk");
    blk_bench_end(bench);
}

static void test_a_bad_sector_is_its_own_requests(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_fake.bad_sector = 20;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    for (unsigned i = 0; i < 3; i++) {
        assert_result(virtio_blk_read(&blk_disk, 20, blk_buffer, SECTOR), VIRTIO_E_IO);
        assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, 64 * SECTOR), VIRTIO_E_IO);
        blk_bench_read(0, 20);
        blk_bench_read(21, 43);
    }
    blk_bench_end(bench);
}

/* No answer (P69) -------------------------------------------------------------------------------- */

static void start_impatient(struct bench *bench)
{
    bench_attach(bench);
    bench->device.timeout_us = TIMEOUT_US;
    blk_bench_start(bench);
    blk_bench_fill_disk();
}

/* What a disk is after its device has failed: halted, and nothing of the caller's is with it. */
static void check_halted(struct bench *bench)
{
    struct virtio_blk_done done;
    char id[VIRTIO_BLK_ID_SIZE];

    assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_STOPPED);
    assert_int_equal(bench->fake.status, 0);
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_STATE);
    assert_result(virtio_blk_write(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_STATE);
    assert_result(virtio_blk_flush(&blk_disk), VIRTIO_E_STATE);
    assert_result(virtio_blk_get_id(&blk_disk, id), VIRTIO_E_STATE);
    assert_result(virtio_blk_submit_read(&blk_disk, 0, blk_buffer, SECTOR, NULL), VIRTIO_E_STATE);
    assert_result(virtio_blk_submit_flush(&blk_disk, NULL), VIRTIO_E_STATE);
    assert_result(virtio_blk_kick(&blk_disk), VIRTIO_E_STATE);
    assert_result(virtio_blk_reap(&blk_disk, &done), VIRTIO_E_STATE);
    assert_result(virtio_blk_wait(&blk_disk, &done, 1000), VIRTIO_E_STATE);
    assert_ok(virtio_blk_halt(&blk_disk));
}

/* Take back what is left; the cookies must be the bits of `expected`, each once. */
static void check_drained(unsigned expected, int error)
{
    struct virtio_blk_done done;
    unsigned drained = 0;
    int result;

    while ((result = virtio_blk_drain(&blk_disk, &done)) == 1) {
        unsigned bit = 1u << (uintptr_t)done.cookie;

        assert_int_equal(drained & bit, 0);
        drained |= bit;
        assert_result(done.error, error);
    }
    assert_result(result, 0);
    assert_int_equal(drained, expected);
    assert_int_equal(blk_disk.in_flight, 0);
}

static void check_restarts(struct bench *bench)
{
    assert_ok(virtio_blk_stop(&blk_disk));
    assert_int_equal(fake_host_live(&bench->host), 0);
    assert_ok(virtio_blk_start(&blk_disk, &bench->device));
    blk_bench_read(0, 5);
}

static void test_p69_a_timeout_halts_the_disk(struct bench *bench)
{
    uint64_t start;

    blk_bench_begin(bench, 64);
    start_impatient(bench);
    blk_fake.drop_next = 1;
    start = bench->host.now_us;
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_TIMEOUT);
    assert_in_range(bench->host.now_us - start, TIMEOUT_US, 2 * TIMEOUT_US);
    check_halted(bench);
    check_drained(0, VIRTIO_OK);
    check_restarts(bench);
    blk_bench_end(bench);
}

/* Each kind of blocking call. */
static void test_p69_every_call_is_bounded(struct bench *bench)
{
    char id[VIRTIO_BLK_ID_SIZE];

    blk_bench_begin(bench, 64);
    start_impatient(bench);
    for (unsigned i = 0; i < 3; i++) {
        blk_fake.drop_next = 1;
        if (i == 0)
            assert_result(virtio_blk_write(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_TIMEOUT);
        else if (i == 1)
            assert_result(virtio_blk_flush(&blk_disk), VIRTIO_E_TIMEOUT);
        else
            assert_result(virtio_blk_get_id(&blk_disk, id), VIRTIO_E_TIMEOUT);
        check_halted(bench);
        check_restarts(bench);
    }
    blk_bench_end(bench);
}

/* Others in flight: those that completed keep their results, the rest comes back once. */
static void test_p69_a_timeout_with_others_in_flight(struct bench *bench)
{
    struct virtio_blk_done done;

    blk_bench_begin(bench, 64);
    start_impatient(bench);
    assert_ok(virtio_blk_submit_read(&blk_disk, 9, blk_buffer + 4096, SECTOR, bench_cookie(1)));
    assert_ok(virtio_blk_kick(&blk_disk));
    blk_fake.drop_next = 3;
    assert_ok(virtio_blk_submit_read(&blk_disk, 1, blk_buffer + 8192, SECTOR, bench_cookie(2)));
    assert_ok(virtio_blk_submit_write(&blk_disk, 2, blk_buffer + 9216, SECTOR, bench_cookie(3)));
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_TIMEOUT);
    assert_int_equal(blk_disk.in_flight, 3);
    assert_result(virtio_blk_drain(&blk_disk, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    assert_ok(done.error);
    blk_bench_assert_data(blk_buffer + 4096, 9, SECTOR);
    check_drained(1u << 2 | 1u << 3, VIRTIO_E_RESET);
    check_restarts(bench);
    blk_bench_end(bench);
}

/* A wait that times out changes nothing: the request is answered later, or taken back. */
static void test_p69_a_wait_that_times_out(struct bench *bench)
{
    struct virtio_blk_done done;
    uint64_t resets;

    blk_bench_begin(bench, 64);
    blk_fake.order = FAKE_BLK_HELD;
    start_impatient(bench);
    resets = bench->fake.resets;
    assert_ok(virtio_blk_submit_read(&blk_disk, 1, blk_buffer, SECTOR, bench_cookie(1)));
    assert_ok(virtio_blk_submit_read(&blk_disk, 2, blk_buffer + 512, SECTOR, bench_cookie(2)));
    for (unsigned i = 0; i < 3; i++)
        assert_result(virtio_blk_wait(&blk_disk, &done, 1000), VIRTIO_E_TIMEOUT);
    assert_int_equal(blk_disk.in_flight, 2);
    assert_int_equal(bench->fake.resets, resets);
    assert_result(virtio_blk_drain(&blk_disk, &done), VIRTIO_E_BUSY);
    fake_blk_finish(&blk_fake, 1);
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 2);
    assert_ok(virtio_blk_halt(&blk_disk));
    check_drained(1u << 1, VIRTIO_E_RESET);
    blk_fake.order = FAKE_BLK_AT_ONCE;
    check_restarts(bench);
    blk_bench_end(bench);
}

/* What was submitted and never shown to the device comes back as well, and so do requests in parts. */
static void test_halt_takes_everything_back(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, 512);
    blk_fake.order = FAKE_BLK_HELD;
    blk_bench_start(bench);
    assert_ok(virtio_blk_submit_read(&blk_disk, 0, blk_buffer, 4 * SECTOR, bench_cookie(1)));
    assert_ok(
        virtio_blk_submit_write(&blk_disk, 8, blk_buffer + 4096, 4 * SECTOR, bench_cookie(2)));
    assert_ok(virtio_blk_kick(&blk_disk));
    fake_blk_finish(&blk_fake, 0); /* the first part of request 1, not seen by the driver */
    assert_ok(virtio_blk_submit_flush(&blk_disk, bench_cookie(3)));
    assert_ok(virtio_blk_halt(&blk_disk));
    check_halted(bench);
    check_drained(1u << 1 | 1u << 2 | 1u << 3, VIRTIO_E_RESET);
    blk_bench_end(bench);
}

/* A disk that won't be reset (design: nothing that the device knows is given back) ------------------ */

static void test_p69_a_disk_that_will_not_be_reset(struct bench *bench)
{
    struct virtio_blk_done done;
    unsigned live;

    blk_bench_begin(bench, 64);
    start_impatient(bench);
    assert_ok(virtio_blk_submit_read(&blk_disk, 1, blk_buffer + 4096, SECTOR, bench_cookie(1)));
    blk_fake.drop_next = 2;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    live = fake_host_live(&bench->host);
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_BUSY);
    assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_LOST);
    assert_int_equal(fake_host_live(&bench->host), live + 1); /* both buffers are still mapped */
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_STATE);
    assert_result(virtio_blk_drain(&blk_disk, &done), VIRTIO_E_BUSY);
    assert_result(virtio_blk_halt(&blk_disk), VIRTIO_E_TIMEOUT);
    assert_result(virtio_blk_stop(&blk_disk), VIRTIO_E_TIMEOUT);
    assert_int_equal(fake_host_live(&bench->host), live + 1);
    /* It comes to its senses after all. */
    bench->fake.reset_polls = 3;
    assert_ok(virtio_blk_halt(&blk_disk));
    check_drained(1u << 1, VIRTIO_E_RESET);
    bench->fake.reset_polls = 0;
    check_restarts(bench);
    blk_bench_end(bench);
}

/* Devices that break ----------------------------------------------------------------------------- */

static void check_failure(struct bench *bench, int error)
{
    assert_ok(virtio_blk_submit_read(&blk_disk, 1, blk_buffer + 4096, SECTOR, bench_cookie(1)));
    blk_fake.drop_next = 2;
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), error);
    check_drained(1u << 1, VIRTIO_E_RESET);
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_STATE);
    (void)bench;
}

/* While the driver waits, the world changes. */
enum change {
    CHANGE_LIE,
    CHANGE_NEEDS_RESET,
    CHANGE_UNPLUG,
    CHANGE_RESET_BY_OTHERS
};

static enum change change;

static void change_the_world(void *context, const struct fake_event *event)
{
    struct bench *bench = context;

    if (event->kind != FAKE_RELAX)
        return;
    bench->host.observer = NULL;
    switch (change) {
    case CHANGE_LIE:
        fake_queue_push_used(&bench->fake.queues[0], 0x1234, 1);
        break;
    case CHANGE_NEEDS_RESET:
        bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
        break;
    case CHANGE_UNPLUG:
        bench_unplug(bench, true);
        break;
    case CHANGE_RESET_BY_OTHERS:
        bench->fake.status = 0;
        break;
    }
}

static void arm(struct bench *bench, enum change what)
{
    change = what;
    bench->host.observer_context = bench;
    bench->host.observer = change_the_world;
}

static void test_p61_a_lie_halts_the_disk(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    start_impatient(bench);
    arm(bench, CHANGE_LIE);
    check_failure(bench, VIRTIO_E_BROKEN);
    check_halted(bench);
    check_restarts(bench);
    blk_bench_end(bench);
}

static void test_a_disk_that_needs_a_reset(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    start_impatient(bench);
    arm(bench, CHANGE_NEEDS_RESET);
    check_failure(bench, VIRTIO_E_NEEDS_RESET);
    check_halted(bench);
    check_restarts(bench);
    blk_bench_end(bench);
}

static void test_a_disk_that_is_pulled_out(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    start_impatient(bench);
    arm(bench, CHANGE_UNPLUG);
    check_failure(bench, VIRTIO_E_GONE);
    assert_ok(virtio_blk_stop(&blk_disk));
    assert_int_equal(fake_host_live(&bench->host), 0);
    blk_bench_end(bench);
}

static void test_a_disk_that_somebody_else_reset(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    start_impatient(bench);
    arm(bench, CHANGE_RESET_BY_OTHERS);
    check_failure(bench, VIRTIO_E_STATE);
    check_halted(bench);
    check_restarts(bench);
    blk_bench_end(bench);
}

/* A wait says what happened and changes nothing; a blocking call after it says the same and resets. */
static void check_known_failure(struct bench *bench, enum change what, int error)
{
    struct virtio_blk_done done;

    if (what == CHANGE_NEEDS_RESET && bench->legacy)
        return;
    start_impatient(bench);
    assert_ok(virtio_blk_submit_read(&blk_disk, 1, blk_buffer + 4096, SECTOR, bench_cookie(1)));
    blk_fake.drop_next = 1;
    arm(bench, what);
    for (unsigned i = 0; i < 2; i++)
        assert_result(virtio_blk_wait(&blk_disk, &done, 20000), error);
    assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_READY);
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), error);
    assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_STOPPED);
    check_drained(1u << 1, VIRTIO_E_RESET);
    assert_ok(virtio_blk_stop(&blk_disk));
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_a_failure_that_is_known(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    check_known_failure(bench, CHANGE_LIE, VIRTIO_E_BROKEN);
    check_known_failure(bench, CHANGE_NEEDS_RESET, VIRTIO_E_NEEDS_RESET);
    check_known_failure(bench, CHANGE_RESET_BY_OTHERS, VIRTIO_E_STATE);
    check_known_failure(bench, CHANGE_UNPLUG, VIRTIO_E_GONE);
    blk_bench_end(bench);
}

/* The buffer of a call that was never sent is the caller's, even if the disk is lost by it. */
static void test_a_known_failure_loses_the_disk(struct bench *bench)
{
    struct virtio_blk_done done;
    unsigned live;

    blk_bench_begin(bench, 64);
    start_impatient(bench);
    assert_ok(virtio_blk_submit_read(&blk_disk, 1, blk_buffer + 4096, SECTOR, bench_cookie(1)));
    blk_fake.drop_next = 1;
    live = fake_host_live(&bench->host);
    arm(bench, CHANGE_LIE);
    assert_result(virtio_blk_wait(&blk_disk, &done, 20000), VIRTIO_E_BROKEN);
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_BROKEN);
    assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_LOST);
    assert_int_equal(fake_host_live(&bench->host), live);
    bench->fake.reset_polls = 0;
    assert_ok(virtio_blk_halt(&blk_disk));
    check_drained(1u << 1, VIRTIO_E_RESET);
    blk_bench_end(bench);
}

/* Asynchronous calls only report it; the caller halts. */
static void test_p61_a_lie_seen_by_reap(struct bench *bench)
{
    struct virtio_blk_done done;

    blk_bench_begin(bench, 64);
    blk_fake.order = FAKE_BLK_HELD;
    blk_bench_start(bench);
    assert_ok(virtio_blk_submit_read(&blk_disk, 1, blk_buffer, SECTOR, bench_cookie(1)));
    assert_ok(virtio_blk_kick(&blk_disk));
    fake_queue_push_used(&bench->fake.queues[0], 77, 1);
    for (unsigned i = 0; i < 2; i++)
        assert_result(virtio_blk_reap(&blk_disk, &done), VIRTIO_E_BROKEN);
    assert_result(virtio_blk_submit_read(&blk_disk, 1, blk_buffer + 512, SECTOR, NULL),
                  VIRTIO_E_BROKEN);
    assert_result(virtio_blk_kick(&blk_disk), VIRTIO_E_BROKEN);
    assert_int_equal(blk_disk.in_flight, 1);
    assert_ok(virtio_blk_halt(&blk_disk));
    check_drained(1u << 1, VIRTIO_E_RESET);
    blk_bench_end(bench);
}

/* Hooks that fail -------------------------------------------------------------------------------- */

/* P51: each allocation and mapping that a start makes fails in turn; everything is undone. */
static void test_p51_each_allocation_of_start_fails_in_turn(struct bench *bench)
{
    unsigned failures = 0;
    int error;

    blk_bench_begin(bench, 64);
    blk_bench_fill_disk();
    bench_attach(bench);
    do {
        fake_host_fail_at(&bench->host, failures + 1);
        error = virtio_blk_start(&blk_disk, &bench->device);
        if (bench->host.failed) {
            failures++;
            if (error == VIRTIO_OK) /* there was another way: the window in place of a mapped BAR */
                assert_ok(virtio_blk_stop(&blk_disk));
            assert_int_equal(fake_host_live(&bench->host), 0);
            assert_int_equal(bench->fake.status, 0);
            assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_FOUND);
        }
    } while (bench->host.failed && failures < 100);
    assert_ok(error);
    assert_true(failures >= 4); /* the ring twice, headers, slots */
    fake_host_fail_at(&bench->host, 0);
    blk_bench_read(0, 3);
    blk_bench_end(bench);
}

static void test_a_start_that_fails_sets_failed(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    bench->fake.queues[0].maximum = 2;
    bench_attach(bench);
    assert_result(virtio_blk_start(&blk_disk, &bench->device), VIRTIO_E_NOT_SUPPORTED);
    assert_int_equal(bench->fake.failures, 1);
    assert_int_equal(bench->fake.readies, 0);
    bench->fake.queues[0].maximum = 0;
    assert_result(virtio_blk_start(&blk_disk, &bench->device), VIRTIO_E_NO_QUEUE);
    assert_int_equal(bench->fake.failures, 2);
    bench->fake.queues[0].maximum = 256;
    blk_bench_end(bench);
}

/* Where the device says how long its configuration space is. */
static unsigned config_length(const struct fake_virtio_pci *front)
{
    for (unsigned i = 0; i < front->region_count; i++) {
        if (front->regions[i].type == FAKE_DEVICE_CONFIG)
            return front->regions[i].capability + 12u;
    }
    fail_msg("there is no device configuration");
    return 0;
}

/* Configuration space ends before the fields that its features promise. */
static void check_config_size(struct bench *bench, uint32_t size, uint64_t features, int error)
{
    bench->fake.features = VIRTIO_F_VERSION_1 | features;
    fake_pci_set(&bench->front.function, config_length(&bench->front), 4, size);
    assert_result(virtio_blk_start(&blk_disk, &bench->device), error);
    assert_ok(virtio_blk_stop(&blk_disk));
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_configuration_space_that_is_too_short(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    bench_attach(bench);
    check_config_size(bench, 8, 0, VIRTIO_OK);
    check_config_size(bench, 4, 0, VIRTIO_E_CONFIG);
    check_config_size(bench, 12, VIRTIO_BLK_F_SIZE_MAX, VIRTIO_OK);
    check_config_size(bench, 12, VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX, VIRTIO_E_CONFIG);
    check_config_size(bench, 28, VIRTIO_BLK_F_TOPOLOGY, VIRTIO_E_CONFIG);
    check_config_size(bench, 32, VIRTIO_BLK_F_TOPOLOGY, VIRTIO_OK);
    bench->fake.config_early = FAKE_BLK_MODEL; /* zones that are offered and not described */
    check_config_size(bench, FAKE_BLK_MODEL, VIRTIO_BLK_F_ZONED, VIRTIO_E_CONFIG);
    check_config_size(bench, FAKE_BLK_MODEL + 1, VIRTIO_BLK_F_ZONED, VIRTIO_OK);
    blk_bench_end(bench);
}

/* A start that fails on a device that won't be reset keeps the memory that the device knows. */
static void stop_resetting(void *context, const struct fake_event *event)
{
    struct bench *bench = context;

    if (event->kind == FAKE_DMA_ALLOCATE && bench->host.counts[FAKE_DMA_ALLOCATE] == 2) {
        bench->fake.reset_polls = FAKE_FOR_EVER;
        fake_host_fail_at(&bench->host, 1); /* the slots */
    }
}

static void test_a_start_that_fails_on_a_lost_disk(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    bench_attach(bench);
    bench->device.timeout_us = TIMEOUT_US;
    bench->host.observer_context = bench;
    bench->host.observer = stop_resetting;
    assert_result(virtio_blk_start(&blk_disk, &bench->device), VIRTIO_E_NO_MEMORY);
    bench->host.observer = NULL;
    assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_LOST);
    assert_true(fake_host_live(&bench->host) != 0);
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_STATE);
    assert_result(virtio_blk_stop(&blk_disk), VIRTIO_E_TIMEOUT);
    bench->fake.reset_polls = 0;
    assert_ok(virtio_blk_stop(&blk_disk));
    assert_int_equal(fake_host_live(&bench->host), 0);
    blk_bench_end(bench);
}

static void test_a_buffer_that_cannot_be_mapped(struct bench *bench)
{
    uint64_t requests;

    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    requests = blk_fake.requests;
    fake_host_fail_at(&bench->host, 1);
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_MAP);
    fake_host_fail_at(&bench->host, 1);
    assert_result(virtio_blk_submit_write(&blk_disk, 0, blk_buffer, SECTOR, NULL), VIRTIO_E_MAP);
    bench->host.map_limit = 1024;
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, 3 * SECTOR), VIRTIO_E_MAP);
    assert_int_equal(blk_fake.requests, requests);
    assert_int_equal(blk_disk.in_flight, 0);
    blk_bench_read(0, 2);
    bench->host.map_limit = 0;
    for (unsigned i = 0; i < 300; i++) { /* no slot was lost */
        fake_host_fail_at(&bench->host, 1);
        assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_MAP);
    }
    blk_bench_read(0, 5);
    blk_bench_end(bench);
}

/* Data that can't be brought to the buffer fails a read, and only that. */
static void test_a_buffer_that_cannot_be_unmapped(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    bench->host.unmap_error = -1;
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_MAP);
    assert_ok(virtio_blk_submit_read(&blk_disk, 0, blk_buffer, SECTOR, bench_cookie(1)));
    assert_int_equal(blk_bench_wait(VIRTIO_E_MAP), 1);
    assert_ok(virtio_blk_write(&blk_disk, 0, blk_buffer, SECTOR));
    blk_fake.forced_status = 1;
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_IO);
    blk_fake.forced_status = -1;
    bench->host.unmap_error = 0;
    blk_bench_fill_disk();
    blk_bench_read(0, 3);
    blk_bench_end(bench);
}

/* Calls from a hook (P71) ------------------------------------------------------------------------ */

static void call_back(void *context, const struct fake_event *event)
{
    static uint8_t other[SECTOR];
    struct bench *bench = context;

    if (event->kind != FAKE_RELAX)
        return;
    bench->host.observer = NULL;
    assert_result(virtio_blk_read(&blk_disk, 0, other, SECTOR), VIRTIO_E_REENTRY);
    assert_result(virtio_blk_submit_read(&blk_disk, 0, other, SECTOR, NULL), VIRTIO_E_REENTRY);
    assert_result(virtio_blk_kick(&blk_disk), VIRTIO_E_REENTRY);
}

static void test_p71_a_hook_that_calls_back(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    bench->fake.latency_us = 50;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    bench->host.observer_context = bench;
    bench->host.observer = call_back;
    blk_bench_read(0, 3);
    assert_null(bench->host.observer);
    blk_bench_read(3, 3);
    assert_int_equal(blk_disk.in_flight, 0);
    blk_bench_end(bench);
}

static const struct bench_test tests[] = {
    TEST(test_p92_each_status_has_its_error, BENCH_HOSTS),
    TEST(test_p92_status_is_preset, BENCH_HOSTS),
    TEST(test_p92_nothing_is_read_before_it_is_used, BENCH_ALL),
    TEST(test_short_reads_on_modern, BENCH_MODERN),
    TEST(test_lengths_mean_nothing_on_legacy, BENCH_LEGACY),
    TEST(test_a_bad_sector_is_its_own_requests, BENCH_ALL),
    TEST(test_p69_a_timeout_halts_the_disk, BENCH_HOSTS),
    TEST(test_p69_every_call_is_bounded, BENCH_ALL),
    TEST(test_p69_a_timeout_with_others_in_flight, BENCH_HOSTS),
    TEST(test_p69_a_wait_that_times_out, BENCH_ALL | BENCH_OUT_OF_ORDER),
    TEST(test_halt_takes_everything_back, BENCH_HOSTS),
    TEST(test_p69_a_disk_that_will_not_be_reset, BENCH_ALL),
    TEST(test_p61_a_lie_halts_the_disk, BENCH_ALL),
    TEST(test_a_disk_that_needs_a_reset, BENCH_ALL),
    TEST(test_a_disk_that_is_pulled_out, BENCH_ALL),
    TEST(test_a_disk_that_somebody_else_reset, BENCH_ALL),
    TEST(test_p61_a_lie_seen_by_reap, BENCH_ALL),
    TEST(test_p51_each_allocation_of_start_fails_in_turn, BENCH_HOSTS),
    TEST(test_a_start_that_fails_sets_failed, BENCH_ALL),
    TEST(test_a_failure_that_is_known, BENCH_ALL & ~BENCH_WINDOW),
    TEST(test_a_known_failure_loses_the_disk, BENCH_ALL),
    TEST(test_configuration_space_that_is_too_short, BENCH_ONE),
    TEST(test_a_start_that_fails_on_a_lost_disk, BENCH_ONE | BENCH_MMIO_1),
    TEST(test_a_buffer_that_cannot_be_mapped, BENCH_ALL),
    TEST(test_a_buffer_that_cannot_be_unmapped, BENCH_ALL),
    TEST(test_p71_a_hook_that_calls_back, BENCH_ALL),
};

BENCH_MAIN_RINGS(tests)
