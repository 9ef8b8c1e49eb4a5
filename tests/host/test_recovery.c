/* SPDX-License-Identifier: MIT */
/*
 * Recovery of a device (virtio_device_recover): after it asked for a reset, after a lie about its ring, after
 * it did not answer, after it was gone. Each is told apart from the others, every cookie comes back exactly
 * once, and then work goes on.
 */
#include "bench.h"

#include <string.h>

#define DEPTH   6u
#define TIMEOUT 1000u

static struct fake_queue *ring(struct bench *bench)
{
    return &bench->fake.queues[0];
}

/* DEPTH requests, of which the device completed the second one; nothing was reaped. */
static void leave_requests(struct bench *bench)
{
    for (uintptr_t i = 0; i < DEPTH; i++)
        bench_request(bench, 4, 10, bench_cookie(i));
    while (fake_queue_take(ring(bench)) != NULL)
        continue;
    fake_chain_complete(fake_queue_chain(ring(bench), 1), 7);
}

/* Take the one completion, and then meet what is wrong. */
static void expect_failure(struct bench *bench, int error)
{
    struct virtio_done done;

    assert_int_equal(bench_reap(bench, 1), 7);
    assert_result(virtio_wait(&bench->queues[0], &done, TIMEOUT), error);
}

/* Every cookie but the second one, each once; completed ones with what was written. */
static void expect_drained(struct bench *bench, bool second_too)
{
    unsigned seen = second_too ? 0 : 1u << 1;
    struct virtio_done done;

    while (seen != (1u << DEPTH) - 1) {
        uintptr_t cookie;

        assert_result(virtio_drain(&bench->queues[0], &done), 1);
        cookie = (uintptr_t)done.cookie;
        assert_true(cookie < DEPTH && (seen & 1u << cookie) == 0);
        assert_int_equal(done.written, cookie == 1 ? 7 : 0);
        seen |= 1u << cookie;
    }
    assert_result(virtio_drain(&bench->queues[0], &done), 0);
}

static void expect_work(struct bench *bench)
{
    struct virtio_done done;

    assert_int_equal(virtio_queue_free(&bench->queues[0]), bench->queues[0].size);
    bench->fake.behaviour = &fake_echo;
    for (uintptr_t i = 0; i < 40; i++) {
        bench_request(bench, 4, 10, bench_cookie(i));
        assert_int_equal(bench_reap(bench, i), 10);
    }
    assert_result(virtio_reap(&bench->queues[0], &done), 0);
    bench->fake.behaviour = NULL;
}

/* Until all is drained the queue refuses work. */
static void expect_closed(struct bench *bench)
{
    struct virtio_done done;

    assert_result(bench_submit(bench, 4, 10, NULL), VIRTIO_E_RESET);
    assert_result(virtio_kick(&bench->queues[0]), VIRTIO_E_RESET);
    assert_result(virtio_reap(&bench->queues[0], &done), VIRTIO_E_RESET);
    assert_result(virtio_wait(&bench->queues[0], &done, TIMEOUT), VIRTIO_E_RESET);
}

static void recover(struct bench *bench)
{
    uint32_t resets = bench->fake.resets;

    assert_ok(virtio_device_recover(&bench->device));
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_READY);
    assert_int_equal(bench->fake.resets, resets + 1);
    assert_ok(virtio_device_check(&bench->device));
    expect_closed(bench);
    expect_drained(bench, false);
    expect_work(bench);
}

static void test_after_needs_reset(struct bench *bench)
{
    bench_start(bench, 16);
    for (unsigned round = 0; round < 3; round++) {
        leave_requests(bench);
        bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
        assert_result(virtio_device_check(&bench->device), VIRTIO_E_NEEDS_RESET);
        expect_failure(bench, VIRTIO_E_NEEDS_RESET);
        recover(bench);
    }
    bench_stop(bench);
}

static void test_after_a_lie(struct bench *bench)
{
    bench_start(bench, 16);
    for (unsigned round = 0; round < 3; round++) {
        leave_requests(bench);
        assert_int_equal(bench_reap(bench, 1), 7);
        fake_queue_push_used(ring(bench), 15, 0);
        assert_result(virtio_wait(&bench->queues[0], &(struct virtio_done){NULL, 0}, TIMEOUT),
                      VIRTIO_E_BROKEN);
        assert_ok(virtio_device_check(&bench->device));
        recover(bench);
    }
    bench_stop(bench);
}

/* A timeout closes nothing: the same queue may be waited for again, or the device recovered. */
static void test_after_a_timeout(struct bench *bench)
{
    bench_start(bench, 16);
    for (unsigned round = 0; round < 3; round++) {
        leave_requests(bench);
        expect_failure(bench, VIRTIO_E_TIMEOUT);
        assert_result(virtio_wait(&bench->queues[0], &(struct virtio_done){NULL, 0}, TIMEOUT),
                      VIRTIO_E_TIMEOUT);
        assert_ok(virtio_device_check(&bench->device));
        recover(bench);
    }
    bench_stop(bench);
}

/* A device that is gone is not recovered, but what it had comes back. When it is there again it is reset
 * first, for it never saw the reset before. */
static void gone_and_back(struct bench *bench, bool zeros)
{
    bench_start(bench, 16);
    bench->front.function.gone_reads_zero = zeros;
    for (unsigned round = 0; round < 3; round++) {
        bool early = round != 2;
        uint32_t resets = bench->fake.resets;

        leave_requests(bench);
        bench_unplug(bench, true);
        expect_failure(bench, VIRTIO_E_GONE);
        assert_result(virtio_device_recover(&bench->device), VIRTIO_E_GONE);
        assert_int_equal(bench->device.state, VIRTIO_DEVICE_STOPPED);
        assert_result(virtio_device_recover(&bench->device), VIRTIO_E_GONE);
        if (early)
            expect_drained(bench, false);
        bench_unplug(bench, false);
        assert_ok(virtio_device_recover(&bench->device));
        assert_int_equal(bench->fake.resets, resets + 1);
        if (early) /* nothing is left, and that has to be found out */
            assert_result(virtio_drain(&bench->queues[0], &(struct virtio_done){NULL, 0}), 0);
        else
            expect_drained(bench, false);
        expect_work(bench);
    }
    bench_stop(bench);
}

static void test_after_it_was_gone(struct bench *bench)
{
    gone_and_back(bench, false);
}

/* Where nobody answers for its memory with zeros, as in QEMU, its configuration space tells. */
static void test_after_it_was_gone_and_read_zeros(struct bench *bench)
{
    gone_and_back(bench, true);
}

/* It goes while it is being recovered: at the n-th register access from now. */
static uintptr_t accesses_left;

static void vanish(void *context, const struct fake_event *event)
{
    struct bench *bench = context;

    if ((event->kind == FAKE_REGISTER_READ || event->kind == FAKE_REGISTER_WRITE) &&
        accesses_left != 0 && --accesses_left == 0)
        bench_unplug(bench, true);
}

static void test_gone_in_the_middle_of_a_recovery(struct bench *bench)
{
    bool recovered = false;

    bench_start(bench, 16);
    for (uintptr_t accesses = 1; !recovered && accesses < 200; accesses++) {
        int error;

        leave_requests(bench);
        assert_int_equal(bench_reap(bench, 1), 7);
        accesses_left = accesses;
        bench->host.observer = vanish;
        bench->host.observer_context = bench;
        error = virtio_device_recover(&bench->device);
        bench->host.observer = NULL;
        recovered = accesses_left != 0;
        /* One that went with the very last access is found out later, as ever. */
        if (error != VIRTIO_OK) {
            assert_int_equal(bench->device.state, VIRTIO_DEVICE_STOPPED);
            bench_unplug(bench, false);
            assert_ok(virtio_device_recover(&bench->device));
        } else if (!recovered) {
            bench_unplug(bench, false);
            assert_ok(virtio_device_recover(&bench->device));
        }
        expect_drained(bench, false);
        expect_work(bench);
    }
    assert_true(recovered);
    bench_stop(bench);
}

/* A device that would not be reset is lost; when it lets itself be reset after all it is recovered. */
static void test_after_it_was_lost(struct bench *bench)
{
    struct virtio_done done;

    bench_start(bench, 16);
    bench->device.timeout_us = TIMEOUT;
    leave_requests(bench);
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_device_recover(&bench->device), VIRTIO_E_TIMEOUT);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_LOST);
    assert_result(virtio_drain(&bench->queues[0], &done), VIRTIO_E_BUSY);
    assert_result(virtio_ring_uninit(&bench->queues[0]), VIRTIO_E_BUSY);
    bench->fake.reset_polls = 0;
    assert_ok(virtio_device_recover(&bench->device));
    expect_drained(bench, true);
    expect_work(bench);
    bench_stop(bench);
}

/* A device whose set-up failed, and which would not even be reset, is not recovered: nobody knows how far its
 * driver had come. It can be ended, and begins anew. */
static void test_what_was_given_up_is_not_recovered(struct bench *bench)
{
    bench_begin(bench);
    bench->device.timeout_us = TIMEOUT;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_device_fail(&bench->device), VIRTIO_E_TIMEOUT);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_LOST);
    bench->fake.reset_polls = 0;
    assert_result(virtio_device_recover(&bench->device), VIRTIO_E_STATE);
    assert_result(virtio_device_renew(&bench->device), VIRTIO_E_STATE);
    assert_ok(virtio_device_stop(&bench->device));
    assert_result(virtio_device_recover(&bench->device), VIRTIO_E_STATE);
    assert_ok(virtio_device_end(&bench->device));
    assert_ok(virtio_device_begin(&bench->device, &bench->wanted));
    assert_ok(virtio_device_recover(&bench->device));
    assert_ok(virtio_device_end(&bench->device));
}

/* Another device than before, in its features or queues, is not recovered. */
static void test_when_it_is_another_device(struct bench *bench)
{
    uint16_t maximum;

    bench->wanted.supported = 1u << 3;
    bench->fake.features |= 1u << 3 | VIRTIO_F_INDIRECT_DESC;
    bench_start(bench, 16);
    maximum = ring(bench)->maximum;
    leave_requests(bench);
    bench->fake.features &= ~UINT64_C(8);
    assert_result(virtio_device_recover(&bench->device), VIRTIO_E_FEATURES);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_STOPPED);
    bench->fake.features |= 1u << 3;
    /* What the library itself took and can do without, too: rings are built by it. */
    bench->fake.features &= ~VIRTIO_F_INDIRECT_DESC;
    assert_result(virtio_device_recover(&bench->device), VIRTIO_E_FEATURES);
    bench->fake.features |= VIRTIO_F_INDIRECT_DESC;
    ring(bench)->maximum = 8;
    assert_result(virtio_device_recover(&bench->device), VIRTIO_E_QUEUE_SIZE);
    ring(bench)->maximum = 0;
    assert_result(virtio_device_recover(&bench->device), VIRTIO_E_NO_QUEUE);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_STOPPED);
    ring(bench)->maximum = maximum;
    assert_ok(virtio_device_recover(&bench->device));
    expect_drained(bench, true);
    expect_work(bench);
    bench_stop(bench);
}

static void test_what_was_never_begun_is_not_recovered(struct bench *bench)
{
    bench_attach(bench);
    assert_result(virtio_device_recover(&bench->device), VIRTIO_E_STATE);
    assert_result(virtio_device_renew(&bench->device), VIRTIO_E_STATE);
}

/* Renewed, it is begun: the driver looks around, submits, and makes it ready. */
static void test_renewed_in_two_halves(struct bench *bench)
{
    bench_start(bench, 16);
    leave_requests(bench);
    assert_ok(virtio_device_renew(&bench->device));
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_BEGUN);
    assert_int_equal(bench->fake.status & VIRTIO_STATUS_DRIVER_OK, 0);
    expect_drained(bench, true);
    assert_ok(bench_submit(bench, 4, 10, bench_cookie(9)));
    assert_result(virtio_kick(&bench->queues[0]), VIRTIO_E_STATE);
    bench->fake.behaviour = &fake_echo;
    assert_ok(virtio_device_ready(&bench->device));
    assert_ok(virtio_kick(&bench->queues[0]));
    assert_int_equal(bench_reap(bench, 9), 10);
    expect_work(bench);
    bench_stop(bench);
}

/* One queue is reset, and the device goes on with the same features. */
static void test_one_queue(struct bench *bench)
{
    bench->fake.features |= VIRTIO_F_RING_RESET;
    bench_start(bench, 16);
    for (unsigned round = 0; round < 3; round++) {
        uint32_t resets = bench->fake.resets;

        leave_requests(bench);
        assert_ok(virtio_queue_reset(&bench->queues[0]));
        assert_int_equal(bench->fake.resets, resets);
        expect_closed(bench);
        expect_drained(bench, true);
        expect_work(bench);
    }
    bench_stop(bench);
}

/* A device that offers the reset and does not do it (QEMU 7.2 has no such register behind virtio-mmio) still has
 * the queue: nothing comes back before the whole device was reset. */
static void test_one_queue_that_is_not_reset(struct bench *bench)
{
    struct virtio_done done;

    bench->fake.features |= VIRTIO_F_RING_RESET;
    bench_start(bench, 16);
    leave_requests(bench);
    assert_int_equal(bench_reap(bench, 1), 7);
    bench->fake.keeps_queue_enabled = true;
    assert_result(virtio_queue_reset(&bench->queues[0]), VIRTIO_E_BUSY);
    assert_result(virtio_drain(&bench->queues[0], &done), VIRTIO_E_BUSY);
    assert_result(virtio_kick(&bench->queues[0]), VIRTIO_E_BUSY);
    bench->fake.keeps_queue_enabled = false;
    assert_ok(virtio_device_recover(&bench->device));
    expect_drained(bench, false);
    expect_work(bench);
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_after_needs_reset, BENCH_MODERN),
    TEST(test_after_a_lie, BENCH_ALL),
    TEST(test_after_a_timeout, BENCH_ALL),
    TEST(test_after_it_was_gone, BENCH_ALL),
    TEST(test_after_it_was_gone_and_read_zeros, BENCH_PCI_LEGACY | BENCH_PCI_MODERN),
    TEST(test_gone_in_the_middle_of_a_recovery, BENCH_ALL),
    TEST(test_after_it_was_lost, BENCH_ALL),
    TEST(test_what_was_given_up_is_not_recovered, BENCH_ALL),
    TEST(test_when_it_is_another_device, BENCH_ALL),
    TEST(test_what_was_never_begun_is_not_recovered, BENCH_ONE),
    TEST(test_renewed_in_two_halves, BENCH_ALL),
    TEST(test_one_queue, BENCH_MODERN),
    TEST(test_one_queue_that_is_not_reset, BENCH_MODERN),
};

BENCH_MAIN_ON(tests, BENCH_OUT_OF_ORDER)
