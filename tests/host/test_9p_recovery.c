/* SPDX-License-Identifier: MIT */
/*
 * The 9P driver with requests in flight: stopped, lost, recovered; every cookie comes back once.
 */
#include "9p_bench.h"

#include <string.h>

static struct virtio_9p_fid file; /* open for reading and writing */

static void open_file(void)
{
    p9_open("file", VIRTIO_9P_READ_WRITE, &file);
}

/* A blocking request. */
static int ask(void)
{
    struct virtio_9p_attributes attributes;

    return virtio_9p_getattr(&p9_share, &file, &attributes);
}

/* ---- A device that is lost ---- */

static void test_p69_a_device_that_will_not_be_reset(struct bench *bench)
{
    unsigned live;
    size_t bytes = 5;

    p9_begin_and_start(bench);
    open_file();
    p9_server.silent = true;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_9p_read(&p9_share, &file, 0, p9_buffer, 100, &bytes), VIRTIO_E_BUSY);
    assert_int_equal(bytes, 0);
    live = fake_host_live(&bench->host);
    assert_int_equal(p9_share.device.state, VIRTIO_DEVICE_LOST);
    assert_result(virtio_9p_stop(&p9_share), VIRTIO_E_TIMEOUT);
    assert_result(virtio_9p_recover(&p9_share), VIRTIO_E_TIMEOUT);
    assert_result(virtio_9p_drain(&p9_share, &(struct virtio_9p_done){0}), VIRTIO_E_BUSY);
    assert_int_equal(fake_host_live(&bench->host), live);
    bench->fake.reset_polls = 0;
    bench->fake.is_resetting = false;
    p9_server.silent = false;
    assert_ok(virtio_9p_recover(&p9_share));
    assert_ok(virtio_9p_attach(&p9_share, "", "", &p9_root));
    p9_check_usable();
    p9_end(bench);
}

/* A first part was read when the second one is not answered and the device can't be reset: what was read is not
 * the caller's either. */
static void fall_silent(struct fake_9p_reply *reply)
{
    p9_server.silent = reply->request == 116;
}

static void test_lost_between_parts(struct bench *bench)
{
    size_t bytes = 5;

    p9_begin(bench);
    p9_server.count_max = 100;
    p9_start(bench);
    open_file();
    p9_server.lie = fall_silent;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_9p_read(&p9_share, &file, 0, p9_buffer, 1000, &bytes), VIRTIO_E_BUSY);
    assert_int_equal(bytes, 0);
    bench->fake.reset_polls = 0;
    bench->fake.is_resetting = false;
    p9_end(bench);
}

/* ---- What was in flight ---- */

/* Reads, a write and an fsync, of which some are answered and none was reaped. @return how many. */
static unsigned put_in_flight(unsigned answered)
{
    unsigned count = 0;

    p9_server.holds = true;
    for (; count < 4; count++)
        assert_ok(virtio_9p_submit_read(&p9_share, &file, count, p9_buffer + count * 100, 100,
                                        bench_cookie(count)));
    assert_ok(virtio_9p_submit_write(&p9_share, &file, 0, p9_contents, 100, bench_cookie(count++)));
    assert_ok(virtio_9p_submit_fsync(&p9_share, &file, bench_cookie(count++)));
    assert_ok(virtio_9p_kick(&p9_share));
    for (unsigned n = 0; n < answered; n++)
        fake_9p_answer(&p9_server, 0);
    assert_ok(virtio_9p_submit_read(&p9_share, &file, 0, p9_buffer + 1000, 100,
                                    bench_cookie(count++))); /* which the device was not shown */
    assert_int_equal(p9_share.in_flight, count);
    return count;
}

/* All cookies come back once, the first `answered` with their result. */
static void take_back(int (*take)(struct virtio_9p *, struct virtio_9p_done *), unsigned count,
                      unsigned answered)
{
    struct virtio_9p_done done;
    unsigned seen = 0;

    for (unsigned n = 0; n < count; n++) {
        uintptr_t cookie;

        assert_result(take(&p9_share, &done), 1);
        cookie = (uintptr_t)done.cookie;
        assert_true(cookie < count);
        assert_int_equal(seen & 1u << cookie, 0);
        seen |= 1u << cookie;
        assert_result(done.error, cookie < answered ? VIRTIO_OK : VIRTIO_E_RESET);
        assert_int_equal(done.bytes, cookie < answered ? 100 : 0);
    }
    assert_result(take(&p9_share, &done), 0);
    assert_int_equal(p9_share.in_flight, 0);
}

static void test_halt_takes_everything_back(struct bench *bench)
{
    p9_begin_and_start(bench);
    for (unsigned answered = 0; answered < 4; answered++) {
        unsigned count;

        p9_server.holds = false;
        open_file();
        count = put_in_flight(answered);
        assert_result(virtio_9p_drain(&p9_share, &(struct virtio_9p_done){0}), VIRTIO_E_BUSY);
        assert_ok(virtio_9p_halt(&p9_share));
        assert_ok(virtio_9p_halt(&p9_share));
        take_back(virtio_9p_drain, count, answered);
        p9_server.holds = false;
        assert_ok(virtio_9p_stop(&p9_share));
        p9_start(bench);
    }
    p9_end(bench);
}

/* Of a request in parts one was answered and not reaped: it is not complete. */
static void test_halt_between_parts(struct bench *bench)
{
    struct virtio_9p_done done;

    p9_begin(bench);
    p9_server.count_max = 100;
    p9_start(bench);
    open_file();
    p9_server.holds = true;
    assert_ok(virtio_9p_submit_read(&p9_share, &file, 0, p9_buffer, 1000, bench_cookie(1)));
    assert_ok(virtio_9p_kick(&p9_share));
    fake_9p_answer(&p9_server, 0);
    assert_ok(virtio_9p_halt(&p9_share));
    assert_result(virtio_9p_drain(&p9_share, &done), 1);
    assert_result(done.error, VIRTIO_E_RESET);
    assert_int_equal(done.bytes, 100);
    assert_result(virtio_9p_drain(&p9_share, &done), 0);
    p9_end(bench);
}

/* Where DMA is not coherent, a slot is given to the device and taken back with each message. */
static unsigned syncs[2];

static void count_syncs(void *context, const struct fake_event *event)
{
    (void)context;
    if (event->value != 1024)
        return;
    syncs[0] += event->kind == FAKE_SYNC_FOR_DEVICE;
    syncs[1] += event->kind == FAKE_SYNC_FOR_CPU;
}

static void test_p74_messages_are_synced(struct bench *bench)
{
    size_t bytes;

    p9_begin_and_start(bench);
    open_file();
    memset(syncs, 0, sizeof(syncs));
    bench->host.observer = count_syncs;
    assert_ok(ask());
    assert_ok(virtio_9p_read(&p9_share, &file, 0, p9_buffer, 1000, &bytes));
    bench->host.observer = NULL;
    assert_int_equal(syncs[0], 2);
    assert_int_equal(syncs[1], 2);
    p9_end(bench);
}

static void test_stop_with_requests_in_flight(struct bench *bench)
{
    p9_begin_and_start(bench);
    open_file();
    (void)put_in_flight(2);
    assert_ok(virtio_9p_cancel(&p9_share, bench_cookie(3)));
    p9_end(bench);
}

/* ---- Recovery ---- */

/* After whatever happened to a share with requests in flight: all is well again, but for fids. */
static void check_recovery(unsigned count, unsigned answered)
{
    size_t bytes;

    p9_server.holds = false;
    assert_ok(virtio_9p_recover(&p9_share));
    assert_int_equal(p9_share.in_flight, count);
    /* New requests may be made before the old ones are taken. */
    assert_result(virtio_9p_read(&p9_share, &file, 0, p9_buffer, 1, &bytes), VIRTIO_E_STALE);
    assert_ok(virtio_9p_attach(&p9_share, "", "", &p9_root));
    open_file();
    take_back(virtio_9p_reap, count, answered);
    p9_check_usable();
}

static void test_recovery_of_a_live_share(struct bench *bench)
{
    p9_begin_and_start(bench);
    for (unsigned answered = 0; answered < 4; answered++) {
        open_file();
        check_recovery(put_in_flight(answered), answered);
    }
    p9_end(bench);
}

static void test_recovery_after_needs_reset(struct bench *bench)
{
    struct virtio_9p_done done;
    unsigned count;

    p9_begin_and_start(bench);
    open_file();
    count = put_in_flight(0);
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    assert_result(virtio_9p_wait(&p9_share, &done, 10000), VIRTIO_E_NEEDS_RESET);
    check_recovery(count, 0);
    p9_end(bench);
}

static void test_recovery_after_a_broken_ring(struct bench *bench)
{
    struct virtio_9p_done done;
    unsigned count;

    p9_begin_and_start(bench);
    open_file();
    count = put_in_flight(0);
    fake_queue_push_used(&bench->fake.queues[0], 31, 0);
    assert_result(virtio_9p_wait(&p9_share, &done, 10000), VIRTIO_E_BROKEN);
    check_recovery(count, 0);
    p9_end(bench);
}

/* A wait says what happened and changes nothing; a blocking call after it says the same and resets. */
static void test_a_failure_that_is_known(struct bench *bench)
{
    struct virtio_9p_done done;
    unsigned count;

    p9_begin_and_start(bench);
    for (unsigned gone = 0; gone < 2; gone++) {
        open_file();
        count = put_in_flight(0);
        if (gone != 0)
            bench_unplug(bench, true);
        else
            fake_queue_push_used(&bench->fake.queues[0], 31, 0);
        for (unsigned i = 0; i < 2; i++)
            assert_result(virtio_9p_wait(&p9_share, &done, 10000),
                          gone != 0 ? VIRTIO_E_GONE : VIRTIO_E_BROKEN);
        assert_int_equal(p9_share.device.state, VIRTIO_DEVICE_READY);
        assert_result(ask(), gone != 0 ? VIRTIO_E_GONE : VIRTIO_E_BROKEN);
        assert_int_equal(p9_share.device.state, VIRTIO_DEVICE_STOPPED);
        assert_result(virtio_9p_wait(&p9_share, &done, 10000), VIRTIO_E_STATE);
        bench_unplug(bench, false);
        check_recovery(count, 0);
        assert_ok(virtio_9p_recover(&p9_share)); /* without fids */
        assert_ok(virtio_9p_attach(&p9_share, "", "", &p9_root));
    }
    p9_end(bench);
}

static void test_recovery_after_a_timeout(struct bench *bench)
{
    p9_begin_and_start(bench);
    open_file();
    (void)put_in_flight(0);
    assert_result(ask(), VIRTIO_E_TIMEOUT);
    assert_int_equal(p9_share.device.state, VIRTIO_DEVICE_STOPPED);
    check_recovery(7, 0);
    p9_end(bench);
}

static void test_recovery_of_one_that_was_gone(struct bench *bench)
{
    unsigned count;

    p9_begin_and_start(bench);
    open_file();
    count = put_in_flight(0);
    bench_unplug(bench, true);
    assert_result(ask(), VIRTIO_E_GONE);
    assert_result(virtio_9p_recover(&p9_share), VIRTIO_E_GONE);
    assert_result(virtio_9p_recover(&p9_share), VIRTIO_E_GONE);
    bench_unplug(bench, false);
    check_recovery(count, 0);
    p9_end(bench);
}

/* Every slot waits to be handed back: the host is asked all the same. */
static void test_recovery_with_all_slots_taken(struct bench *bench)
{
    unsigned count;

    p9_begin_and_start(bench);
    open_file();
    p9_server.holds = true;
    for (count = 0; count < p9_share.depth; count++)
        assert_ok(virtio_9p_submit_fsync(&p9_share, &file, bench_cookie(count)));
    assert_ok(virtio_9p_kick(&p9_share));
    p9_server.holds = false;
    assert_ok(virtio_9p_recover(&p9_share));
    assert_result(virtio_9p_attach(&p9_share, "", "", &p9_root), VIRTIO_E_FULL);
    take_back(virtio_9p_reap, count, 0);
    assert_ok(virtio_9p_attach(&p9_share, "", "", &p9_root));
    p9_check_usable();
    p9_end(bench);
}

/* The host refuses the second time: halted, and tried again. */
static void test_recovery_that_fails(struct bench *bench)
{
    unsigned count;

    p9_begin_and_start(bench);
    open_file();
    count = put_in_flight(0);
    p9_server.holds = false;
    p9_server.refuse_type = 100;
    p9_server.refuse_number = VIRTIO_9P_EIO;
    assert_result(virtio_9p_recover(&p9_share), VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.device.state, VIRTIO_DEVICE_STOPPED);
    p9_server.refuse_type = 0;
    p9_server.msize_max = VIRTIO_9P_MSIZE_MIN;
    check_recovery(count, 0);
    assert_int_equal(p9_share.msize, VIRTIO_9P_MSIZE_MIN);
    /* Nothing of a longer tag from before stays. */
    assert_string_equal(p9_share.tag, "share");
    fake_device_set_config(&bench->fake, 0, 2, 3);
    assert_ok(virtio_9p_recover(&p9_share));
    assert_string_equal(p9_share.tag, "sha");
    p9_end(bench);
}

/* ---- Cancelling what is never given back ---- */

static void test_cancelling_does_not_wait(struct bench *bench)
{
    struct virtio_9p_done done;

    p9_begin_and_start(bench);
    open_file();
    p9_server.silent = true;
    assert_ok(virtio_9p_submit_read(&p9_share, &file, 0, p9_buffer, 10, bench_cookie(1)));
    assert_ok(virtio_9p_kick(&p9_share));
    assert_ok(virtio_9p_cancel(&p9_share, bench_cookie(1)));
    assert_result(virtio_9p_wait(&p9_share, &done, 1000), VIRTIO_E_TIMEOUT);
    assert_result(virtio_9p_cancel(&p9_share, bench_cookie(1)), VIRTIO_E_INVALID);
    assert_ok(virtio_9p_halt(&p9_share));
    assert_result(virtio_9p_drain(&p9_share, &done), 1);
    assert_result(done.error, VIRTIO_E_RESET);
    assert_result(virtio_9p_drain(&p9_share, &done), 0);
    p9_end(bench);
}

static const struct bench_test tests[] = {
    TEST(test_p69_a_device_that_will_not_be_reset, BENCH_ALL),
    TEST(test_lost_between_parts, BENCH_ALL),
    TEST(test_halt_takes_everything_back, BENCH_HOSTS),
    TEST(test_halt_between_parts, BENCH_ALL),
    TEST(test_p74_messages_are_synced, BENCH_SYNC),
    TEST(test_stop_with_requests_in_flight, BENCH_HOSTS),
    TEST(test_recovery_of_a_live_share, BENCH_HOSTS),
    TEST(test_recovery_after_needs_reset, BENCH_ALL),
    TEST(test_recovery_after_a_broken_ring, BENCH_ALL),
    TEST(test_a_failure_that_is_known, BENCH_ALL),
    TEST(test_recovery_after_a_timeout, BENCH_ALL),
    TEST(test_recovery_of_one_that_was_gone, BENCH_ALL),
    TEST(test_recovery_with_all_slots_taken, BENCH_ALL),
    TEST(test_recovery_that_fails, BENCH_ALL),
    TEST(test_cancelling_does_not_wait, BENCH_ALL),
};

BENCH_MAIN_RINGS(tests)
