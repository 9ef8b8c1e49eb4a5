/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a device: virtio_flush and virtio_wait, their bounds, what else completes meanwhile, what a
 * device may say instead of answering; and taking everything back: stop, drain, teardown.
 */
#include "bench.h"

#include <string.h>

static struct fake_queue *fake_queue(struct bench *bench)
{
    return &bench->fake.queues[0];
}

static int flush(struct bench *bench, uint32_t readable, uint32_t writable, uint32_t *written)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;

    virtio_prepare(queue, &chain);
    if (readable != 0)
        (void)virtio_append_desc(queue, bench->shared.device_address, readable, 0, &chain);
    if (writable != 0)
        (void)virtio_append_desc(queue, bench->shared.device_address + 0x8000, writable,
                                 VIRTQ_DESC_F_WRITE, &chain);
    return virtio_flush(queue, &chain, written);
}

/* Flush ------------------------------------------------------------------------------------------ */

static void test_flush_returns_what_was_written(struct bench *bench)
{
    uint32_t written = 77;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    assert_ok(flush(bench, 4, 100, &written));
    assert_int_equal(written, 100);
    assert_ok(flush(bench, 4, 0, &written));
    assert_int_equal(written, 0);
    assert_ok(flush(bench, 4, 9, NULL));
    bench_stop(bench);
}

static void test_flush_waits_for_a_slow_device(struct bench *bench)
{
    uint32_t written = 0;

    bench->fake.behaviour = &fake_echo;
    bench->fake.latency_us = 100000;
    bench_start(bench, 8);
    assert_ok(flush(bench, 4, 50, &written));
    assert_int_equal(written, 50);
    bench_stop(bench);
}

static void test_flush_of_a_bad_chain_submits_nothing(struct bench *bench)
{
    uint32_t written = 77;

    bench_start(bench, 8);
    assert_result(flush(bench, 0, 0, &written), VIRTIO_E_INVALID);
    assert_int_equal(written, 0);
    assert_int_equal(fake_queue_available_index(fake_queue(bench)), 0);
    bench_stop(bench);
}

static void test_flush_before_ready_submits_nothing(struct bench *bench)
{
    struct virtio_chain chain;

    bench_begin(bench);
    assert_ok(virtio_ring_init(&bench->queues[0], &bench->device, 0, 256));
    virtio_prepare(&bench->queues[0], &chain);
    assert_ok(virtio_append_desc(&bench->queues[0], 0x1000, 8, 0, &chain));
    assert_result(virtio_flush(&bench->queues[0], &chain, NULL), VIRTIO_E_STATE);
    assert_ok(virtio_ring_uninit(&bench->queues[0]));
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, 256));
    virtio_prepare(&bench->queues[0], &chain);
    assert_ok(virtio_append_desc(&bench->queues[0], 0x1000, 8, 0, &chain));
    assert_result(virtio_flush(&bench->queues[0], &chain, NULL), VIRTIO_E_STATE);
    assert_int_equal(virtio_queue_free(&bench->queues[0]), bench->queues[0].size);
    assert_ok(virtio_submit(&bench->queues[0], &chain, bench_cookie(1)));
    assert_result(virtio_wait(&bench->queues[0], &(struct virtio_done){NULL, 0}, 1000),
                  VIRTIO_E_STATE);
    bench_stop(bench);
}

/* Completes everything that it has taken, the newest first, when the last of four is there. */
static void fourth_completes_all(struct fake_device *device, struct fake_chain *chain)
{
    if (chain->order != 3)
        return;
    for (unsigned i = 4; i-- != 0;) {
        struct fake_chain *next = fake_queue_chain(&device->queues[0], i);

        fake_chain_complete(next, (uint32_t)next->writable - 1);
    }
}

static const struct fake_behaviour four_at_once = {.request = fourth_completes_all};

/* Other chains complete while a flush waits for its own: they are kept, each with its length. */
static void test_flush_keeps_what_else_completes(struct bench *bench)
{
    uint32_t written = 0;
    struct virtio_done done;

    bench->fake.behaviour = &four_at_once;
    bench_start(bench, 8);
    for (uintptr_t i = 0; i < 3; i++)
        bench_request(bench, 4, 10 + (uint32_t)i, bench_cookie(i));
    assert_ok(flush(bench, 0, 50, &written));
    assert_int_equal(written, 49);
    assert_int_equal(bench_reap(bench, 2), 11);
    assert_int_equal(bench_reap(bench, 1), 10);
    assert_int_equal(bench_reap(bench, 0), 9);
    assert_result(virtio_reap(&bench->queues[0], &done), 0);
    assert_int_equal(virtio_queue_free(&bench->queues[0]), 8);
    bench_stop(bench);
}

/* Completes the n-th oldest chain that it has when another one comes, so the flushes' own come late. */
static void complete_the_other(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_queue *queue = &device->queues[0];

    if (chain->order % 2 == 0)
        return;
    fake_chain_complete(fake_queue_chain(queue, 0), 1);
    fake_chain_complete(fake_queue_chain(queue, 0), 2);
}

static const struct fake_behaviour pairs = {.request = complete_the_other};

/* What was put aside by one flush stays through the next ones, in order, while the descriptors go round. */
static void test_flush_after_flush_with_completions_put_aside(struct bench *bench)
{
    uint32_t written = 0;

    bench->fake.behaviour = &pairs;
    bench_start(bench, 16);
    for (uintptr_t i = 0; i < 6; i++) {
        bench_request(bench, 4, 8, bench_cookie(i));
        assert_ok(flush(bench, 4, 8, &written));
        assert_int_equal(written, 2);
    }
    for (uintptr_t i = 0; i < 6; i++)
        assert_int_equal(bench_reap(bench, i), 1);
    assert_int_equal(virtio_queue_free(&bench->queues[0]), 16);
    bench_stop(bench);
}

/* There is place for what is put aside, however often it comes and goes. */
static void test_putting_aside_for_a_long_time(struct bench *bench)
{
    bench->fake.behaviour = &pairs;
    bench_start(bench, 8);
    for (uintptr_t i = 0; i < 100; i++) {
        bench_request(bench, 4, 8, bench_cookie(i));
        assert_ok(flush(bench, 4, 8, NULL));
        if (i % 2 == 0)
            continue;
        assert_int_equal(bench_reap(bench, i - 1), 1);
        assert_int_equal(bench_reap(bench, i), 1);
    }
    assert_int_equal(virtio_queue_free(&bench->queues[0]), 8);
    bench_stop(bench);
}

/* A completion that was put aside is over: the device can't complete the chain a second time. */
static void test_p61_completing_twice_what_was_put_aside(struct bench *bench)
{
    struct virtio_done done;
    uint16_t head;

    bench->fake.behaviour = &pairs;
    bench_start(bench, 16);
    bench_request(bench, 4, 8, bench_cookie(1));
    head = fake_queue(bench)->chains->head;
    assert_ok(flush(bench, 4, 8, NULL));
    bench_request(bench, 4, 8, bench_cookie(2));
    fake_queue_push_used(fake_queue(bench), head, 0);
    assert_int_equal(bench_reap(bench, 1), 1);
    assert_result(virtio_reap(&bench->queues[0], &done), VIRTIO_E_BROKEN);
    bench_stop(bench);
}

/* Uses the chain that it completed last a second time, then completes the new one. */
static void repeat_the_last(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_queue *queue = &device->queues[0];

    fake_queue_push_used(queue, *(uint16_t *)device->behaviour_context, 0);
    fake_chain_complete(chain, 0);
}

static const struct fake_behaviour repeats = {.request = repeat_the_last};

/* The same while the next flush waits, which looks at the used ring before what was put aside is taken. */
static void test_p61_flush_meets_again_what_was_put_aside(struct bench *bench)
{
    struct virtio_done done;
    uint16_t head;

    bench->fake.behaviour = &pairs;
    bench_start(bench, 16);
    bench_request(bench, 4, 8, bench_cookie(1));
    head = fake_queue(bench)->chains->head;
    assert_ok(flush(bench, 4, 8, NULL));
    bench->fake.behaviour = &repeats;
    bench->fake.behaviour_context = &head;
    assert_result(flush(bench, 4, 8, NULL), VIRTIO_E_BROKEN);
    assert_ok(virtio_device_stop(&bench->device));
    assert_result(virtio_drain(&bench->queues[0], &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    assert_int_equal(done.written, 1);
    assert_result(virtio_drain(&bench->queues[0], &done), 0);
    bench_stop(bench);
}

static void test_wait_gives_what_was_put_aside_first(struct bench *bench)
{
    struct virtio_done done;

    bench->fake.behaviour = &pairs;
    bench_start(bench, 16);
    bench_request(bench, 4, 8, bench_cookie(1));
    assert_ok(flush(bench, 4, 8, NULL));
    assert_result(virtio_wait(&bench->queues[0], &done, 1000), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    assert_int_equal(done.written, 1);
    assert_result(virtio_wait(&bench->queues[0], &done, 1000), VIRTIO_E_STATE);
    bench_stop(bench);
}

/* Timeouts --------------------------------------------------------------------------------------- */

static void check_timeout(struct bench *bench, uint32_t timeout_us)
{
    uint64_t start = bench->host.now_us;
    uint32_t written = 77;

    bench->device.timeout_us = timeout_us;
    assert_result(flush(bench, 4, 8, &written), VIRTIO_E_TIMEOUT);
    assert_int_equal(written, 0);
    assert_true(bench->host.now_us - start >= timeout_us);
    /* A turn of the wait is 64 polls, a microsecond each here. */
    assert_true(bench->host.now_us - start <= timeout_us + 2000);
}

static void test_flush_times_out_within_its_bound(struct bench *bench)
{
    bench_start(bench, 16);
    check_timeout(bench, 1);
    check_timeout(bench, 1000);
    check_timeout(bench, 50000);
    bench_stop(bench);
}

static void test_flush_times_out_after_the_default(struct bench *bench)
{
    bench->host.now_step_us = 500; /* a slow clock, for a short test */
    bench_start(bench, 16);
    assert_int_equal(bench->device.timeout_us, VIRTIO_TIMEOUT_DEFAULT_US);
    check_timeout(bench, VIRTIO_TIMEOUT_DEFAULT_US);
    bench_stop(bench);
}

/* What completes while the clock runs out counts: the answer was there before anybody said timeout. */
static void test_completion_at_the_last_moment_counts(struct bench *bench)
{
    struct virtio_done done;

    bench->fake.behaviour = &fake_echo;
    /* The wait's first look at the clock comes before the answer, its second one after it and too late. */
    bench->host.now_step_us = 10000;
    bench->fake.latency_us = 15000;
    bench_start(bench, 8);
    bench->device.timeout_us = 8000;
    assert_ok(flush(bench, 4, 8, NULL));
    bench_request(bench, 4, 8, bench_cookie(1));
    assert_result(virtio_wait(&bench->queues[0], &done, 8000), 1);
    bench_stop(bench);
}

/* Time comes from a clock, from stalls or from both; each way the bound holds. */
static void test_timeout_on_every_kind_of_clock(struct bench *bench)
{
    static const unsigned missing[] = {1, 2, 4, 1 | 4, 2 | 4};
    const struct virtio_host all = bench->host.host;

    for (unsigned i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        bench->host.host = all;
        if (missing[i] & 1)
            bench->host.host.now_us = NULL;
        if (missing[i] & 2)
            bench->host.host.stall_us = NULL;
        if (missing[i] & 4)
            bench->host.host.relax = NULL;
        bench->host.now_step_us =
            50; /* one look at the clock in so many turns, when nothing else lets time pass */
        bench->attached = false;
        fake_device_end(&bench->fake);
        fake_device_begin(&bench->fake, &bench->host, VIRTIO_ID_ENTROPY);
        while (bench->host.targets)
            fake_host_detach(&bench->host, bench->host.targets);
        bench_start(bench, 16);
        bench->device.timeout_us = 20000;
        bench->host.counts[FAKE_STALL] = 0;
        assert_result(flush(bench, 4, 8, NULL), VIRTIO_E_TIMEOUT);
        if (missing[i] & 1)
            assert_true(bench->host.counts[FAKE_STALL] >= 20000 / 1000);
        bench_stop(bench);
    }
    bench->host.host = all;
}

/* P69: what timed out is the device's until it completes after all; then it is dropped in silence. */
static void test_p69_late_completion_is_dropped(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_done done;

    bench_start(bench, 8);
    bench->device.timeout_us = 500;
    assert_result(flush(bench, 4, 8, NULL), VIRTIO_E_TIMEOUT);
    assert_int_equal(virtio_queue_free(queue), 6);
    assert_result(virtio_reap(queue, &done), 0);
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    fake_chain_complete(fake_queue(bench)->chains, 8);
    assert_result(virtio_reap(queue, &done), 0);
    assert_int_equal(virtio_queue_free(queue), 8);
    bench->fake.behaviour = &fake_echo;
    assert_ok(flush(bench, 4, 8, NULL));
    bench_stop(bench);
}

/* The late completion arrives while the next flush waits, and another one's as well. */
static void test_p69_late_completion_during_the_next_flush(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    uint32_t written = 0;

    bench_start(bench, 8);
    bench->device.timeout_us = 500;
    assert_result(flush(bench, 4, 8, NULL), VIRTIO_E_TIMEOUT);
    bench_request(bench, 4, 8, bench_cookie(1));
    bench->fake.behaviour = &fake_echo; /* the next notification finds all three */
    assert_ok(flush(bench, 4, 6, &written));
    assert_int_equal(written, 6);
    assert_int_equal(bench_reap(bench, 1), 8);
    assert_int_equal(virtio_queue_free(queue), 8);
    bench_stop(bench);
}

/* The descriptors of what timed out are not used again: the fake device would see them change. */
static void test_p69_timed_out_chain_stays_the_devices(struct bench *bench)
{
    bench_start(bench, 8);
    bench->device.timeout_us = 500;
    for (unsigned i = 0; i < 4; i++)
        assert_result(flush(bench, 4, 8, NULL), VIRTIO_E_TIMEOUT);
    assert_result(flush(bench, 4, 8, NULL), VIRTIO_E_FULL);
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 4);
    while (fake_queue(bench)->chains)
        fake_chain_complete(fake_queue(bench)->chains, 0);
    bench->fake.behaviour = &fake_echo;
    assert_result(flush(bench, 4, 8, NULL), VIRTIO_E_FULL); /* nobody has looked yet */
    assert_result(virtio_reap(&bench->queues[0], &(struct virtio_done){NULL, 0}), 0);
    assert_ok(flush(bench, 4, 8, NULL));
    bench_stop(bench);
}

/* Wait ------------------------------------------------------------------------------------------- */

static void test_wait_takes_the_next_completion(struct bench *bench)
{
    struct virtio_done done;

    bench->fake.behaviour = &fake_echo;
    bench->fake.latency_us = 5000;
    bench_start(bench, 8);
    bench_request(bench, 4, 5, bench_cookie(1));
    bench_request(bench, 4, 6, bench_cookie(2));
    assert_result(virtio_wait(&bench->queues[0], &done, 10000), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    assert_int_equal(done.written, 5);
    assert_result(virtio_wait(&bench->queues[0], &done, 10000), 1);
    assert_int_equal((uintptr_t)done.cookie, 2);
    bench_stop(bench);
}

static void test_wait_with_nothing_in_flight(struct bench *bench)
{
    struct virtio_done done;

    bench_start(bench, 8);
    assert_result(virtio_wait(&bench->queues[0], &done, 1000), VIRTIO_E_STATE);
    assert_ok(bench_submit(bench, 4, 5, bench_cookie(1))); /* not published: can't complete */
    assert_result(virtio_wait(&bench->queues[0], &done, 1000), VIRTIO_E_STATE);
    assert_result(virtio_wait(&bench->queues[0], &done, 0), VIRTIO_E_INVALID);
    bench_stop(bench);
}

static void test_wait_times_out_and_may_be_repeated(struct bench *bench)
{
    struct virtio_done done;

    bench->fake.behaviour = &fake_echo;
    bench->fake.latency_us = 3000;
    bench_start(bench, 8);
    bench_request(bench, 4, 5, bench_cookie(1));
    assert_result(virtio_wait(&bench->queues[0], &done, 100), VIRTIO_E_TIMEOUT);
    assert_result(virtio_wait(&bench->queues[0], &done, 100), VIRTIO_E_TIMEOUT);
    assert_result(virtio_wait(&bench->queues[0], &done, 10000), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    bench_stop(bench);
}

/* What each wait costs beside looks at the ring: hook calls and register accesses, in numbers. */
struct cost {
    uint64_t looks;
    uint64_t stalls;
    uint64_t relaxes;
    uint64_t status_reads;
    uint64_t writes;
};

static struct cost cost_so_far(const struct bench *bench)
{
    const uint64_t *counts = bench->host.counts;

    return (struct cost){counts[FAKE_NOW], counts[FAKE_STALL], counts[FAKE_RELAX],
                         counts[FAKE_REGISTER_READ], counts[FAKE_REGISTER_WRITE]};
}

static struct cost cost_since(const struct bench *bench, const struct cost *before)
{
    struct cost now = cost_so_far(bench);

    return (struct cost){now.looks - before->looks, now.stalls - before->stalls,
                         now.relaxes - before->relaxes, now.status_reads - before->status_reads,
                         now.writes - before->writes};
}

/* An answer that is there at once costs the notification and nothing else. */
static void test_cost_of_a_quick_answer(struct bench *bench)
{
    struct cost cost;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    for (unsigned i = 0; i < 10; i++) {
        struct cost before = cost_so_far(bench);

        assert_ok(flush(bench, 4, 50, NULL));
        cost = cost_since(bench, &before);
        assert_int_equal(cost.looks, 0);
        assert_int_equal(cost.stalls, 0);
        assert_int_equal(cost.relaxes, 0);
        assert_int_equal(cost.status_reads, 0);
        assert_int_equal(cost.writes, 1);
    }
    bench_stop(bench);
}

/* Five seconds without an answer: the status every forty milliseconds, a stall of a millisecond each, and the
 * clock once for each of them. */
static void test_cost_of_a_timeout(struct bench *bench)
{
    struct virtio_done done;
    struct cost before;
    struct cost cost;

    bench_start(bench, 8);
    bench_request(bench, 4, 4, NULL);
    before = cost_so_far(bench);
    assert_result(virtio_wait(&bench->queues[0], &done, VIRTIO_TIMEOUT_DEFAULT_US),
                  VIRTIO_E_TIMEOUT);
    cost = cost_since(bench, &before);
    assert_in_range(cost.looks, 4900, 5200);
    assert_in_range(cost.stalls, 4900, 5200);
    assert_in_range(cost.relaxes, 64, 400);
    assert_in_range(cost.status_reads, 100, 126);
    assert_int_equal(cost.writes, 0);
    bench_stop(bench);
}

/* Backing off makes an answer that takes long an eighth later at the most. */
static void test_backing_off_costs_little_time(struct bench *bench)
{
    static const uint32_t latencies[] = {10, 100, 300, 1000, 10000, 100000, 1000000};

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    for (size_t i = 0; i < sizeof(latencies) / sizeof(latencies[0]); i++) {
        uint64_t start = bench->host.now_us;
        struct cost before = cost_so_far(bench);

        bench->fake.latency_us = latencies[i];
        assert_ok(flush(bench, 4, 50, NULL));
        assert_in_range(bench->host.now_us - start, latencies[i],
                        latencies[i] + latencies[i] / 8 + 80);
        assert_true(cost_since(bench, &before).looks <= latencies[i] / 8 + 20);
    }
    bench->fake.latency_us = 0;
    bench_stop(bench);
}

/* The status register is read rarely: a register access is expensive under virtualisation. */
static void test_long_wait_reads_few_registers(struct bench *bench)
{
    struct virtio_done done;
    uint64_t before;

    bench_start(bench, 8);
    bench_request(bench, 4, 5, bench_cookie(1));
    before = bench->host.counts[FAKE_REGISTER_READ];
    assert_result(virtio_wait(&bench->queues[0], &done, 100000), VIRTIO_E_TIMEOUT);
    assert_in_range(bench->host.counts[FAKE_REGISTER_READ] - before, 1, 12);
    bench_stop(bench);
}

/* What the device says instead of answering ------------------------------------------------------- */

struct event_plan {
    struct bench *bench;
    uint64_t at_us;
    void (*happen)(struct bench *bench);
};

static void watch(void *context, const struct fake_event *event)
{
    struct event_plan *plan = context;

    if (plan->happen && event->time_us >= plan->at_us) {
        plan->happen(plan->bench);
        plan->happen = NULL;
    }
}

/* Wait for a device that never answers; `happen` after 5 ms. @return what the wait returned. */
static int wait_while(struct bench *bench, void (*happen)(struct bench *bench), bool by_flush)
{
    struct event_plan plan = {bench, 0, happen};
    uint64_t start;
    struct virtio_done done;
    int result;

    bench_start(bench, 8);
    bench_request(bench, 4, 5, bench_cookie(1));
    start = bench->host.now_us;
    plan.at_us = start + 5000;
    bench->host.observer = watch;
    bench->host.observer_context = &plan;
    bench->device.timeout_us = 200000;
    result = by_flush ? flush(bench, 4, 4, NULL) : virtio_wait(&bench->queues[0], &done, 200000);
    bench->host.observer = NULL;
    assert_null(plan.happen);
    assert_true(bench->host.now_us - start < 50000); /* long before the timeout */
    /* Latched. */
    assert_result(virtio_reap(&bench->queues[0], &done), result);
    assert_result(bench_submit(bench, 4, 4, NULL), result);
    return result;
}

static void needs_reset(struct bench *bench)
{
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
}

static void unplug(struct bench *bench)
{
    bench_unplug(bench, true);
}

static void reset_by_somebody_else(struct bench *bench)
{
    bench->fake.status = 0;
    fake_queue_reset(&bench->fake.queues[0]);
}

static void check_drain(struct bench *bench)
{
    struct virtio_done done;

    assert_result(virtio_drain(&bench->queues[0], &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    assert_int_equal(done.written, 0);
    assert_result(virtio_drain(&bench->queues[0], &done), 0);
}

static void test_p37_needs_reset_ends_a_wait(struct bench *bench)
{
    assert_result(wait_while(bench, needs_reset, false), VIRTIO_E_NEEDS_RESET);
    assert_ok(virtio_device_stop(&bench->device));
    check_drain(bench);
    bench_stop(bench);
}

static void test_p37_needs_reset_ends_a_flush(struct bench *bench)
{
    assert_result(wait_while(bench, needs_reset, true), VIRTIO_E_NEEDS_RESET);
    assert_ok(virtio_device_stop(&bench->device));
    check_drain(bench);
    bench_stop(bench);
}

static void test_unplugged_device_ends_a_wait(struct bench *bench)
{
    assert_result(wait_while(bench, unplug, false), VIRTIO_E_GONE);
    assert_result(virtio_device_stop(&bench->device), VIRTIO_E_GONE);
    check_drain(bench);
    bench_stop(bench);
}

static void test_unplugged_device_ends_a_flush(struct bench *bench)
{
    assert_result(wait_while(bench, unplug, true), VIRTIO_E_GONE);
    assert_result(virtio_device_stop(&bench->device), VIRTIO_E_GONE);
    check_drain(bench);
    bench_stop(bench);
}

static void test_device_that_somebody_else_reset_ends_a_wait(struct bench *bench)
{
    assert_result(wait_while(bench, reset_by_somebody_else, false), VIRTIO_E_STATE);
    assert_ok(virtio_device_stop(&bench->device));
    check_drain(bench);
    bench_stop(bench);
}

/* Taking everything back -------------------------------------------------------------------------- */

/* One chain of each kind: completed and not reaped, put aside, in flight, timed out, never published. */
static void test_drain_gives_each_cookie_once(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    unsigned seen = 0;
    struct virtio_done done;

    bench_start(bench, 32);
    bench->device.timeout_us = 500;
    assert_result(flush(bench, 4, 8, NULL), VIRTIO_E_TIMEOUT); /* comes back to nobody */
    for (uintptr_t i = 1; i <= 4; i++)
        bench_request(bench, 4, 8, bench_cookie(i));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 5);
    fake_chain_complete(fake_queue_chain(fake_queue(bench), 1), 3); /* 1: put aside by the flush */
    assert_result(flush(bench, 4, 8, NULL), VIRTIO_E_TIMEOUT);
    fake_chain_complete(fake_queue_chain(fake_queue(bench), 1), 4); /* 2: nobody has looked */
    assert_ok(bench_submit(bench, 4, 8, bench_cookie(5)));          /* 5: never published */
    assert_result(virtio_drain(queue, &done), VIRTIO_E_BUSY);
    assert_ok(virtio_device_stop(&bench->device));
    assert_result(bench_submit(bench, 4, 8, bench_cookie(6)), VIRTIO_E_RESET);
    assert_result(virtio_kick(queue), VIRTIO_E_RESET);
    assert_result(virtio_reap(queue, &done), VIRTIO_E_RESET);
    while (virtio_drain(queue, &done) > 0) {
        uintptr_t cookie = (uintptr_t)done.cookie;

        assert_in_range(cookie, 1, 5);
        assert_int_equal(seen & (1u << cookie), 0);
        seen |= 1u << cookie;
        assert_int_equal(done.written, cookie == 1 ? 3 : cookie == 2 ? 4 : 0);
    }
    assert_int_equal(seen, 0x3e);
    bench_stop(bench);
    assert_result(virtio_drain(queue, &done), 0);
}

/* Nothing opens a queue that was stopped: not taking back what was put aside before it broke either. */
static void test_broken_queue_stays_closed_while_it_is_drained(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_done done;

    bench->fake.behaviour = &pairs;
    bench_start(bench, 16);
    bench_request(bench, 4, 8, bench_cookie(1));
    assert_ok(flush(bench, 4, 8, NULL));
    bench->fake.behaviour = NULL;
    bench_request(bench, 4, 8, bench_cookie(2));
    bench_request(bench, 4, 8, bench_cookie(3));
    fake_queue_take_all(fake_queue(bench));
    fake_queue_push_used(fake_queue(bench), 99, 0);
    bench->device.timeout_us = 500;
    assert_result(flush(bench, 4, 8, NULL), VIRTIO_E_BROKEN);
    assert_ok(virtio_device_stop(&bench->device));
    for (uintptr_t i = 1; i <= 3; i++) {
        assert_result(virtio_drain(queue, &done), 1);
        assert_result(bench_submit(bench, 4, 8, bench_cookie(9)), VIRTIO_E_BROKEN);
        assert_result(virtio_kick(queue), VIRTIO_E_BROKEN);
        assert_result(virtio_reap(queue, &done), VIRTIO_E_BROKEN);
        assert_int_equal(virtio_queue_free(queue), 0);
    }
    assert_result(virtio_drain(queue, &done), 0);
    bench_stop(bench);
}

/* Remembers the cookie that the library gave to a flush's own chain. */
static void spy(struct fake_device *device, struct fake_chain *chain)
{
    struct bench *bench = device->behaviour_context;

    bench->spied = bench->queues[0].cookies[chain->head];
    fake_chain_complete(chain, 0);
}

static const struct fake_behaviour spies = {.request = spy};

/* A cookie may have any value, so the one that the library marks a flush with must be an address that no
 * caller's object can have: none on a stack, where a caller's may have been before. */
static void test_mark_of_a_flush_is_nobodys_address(struct bench *bench)
{
    char local;
    uintptr_t mark;

    bench_start(bench, 16);
    bench->fake.behaviour = &spies;
    bench->fake.behaviour_context = bench;
    assert_ok(flush(bench, 4, 8, NULL));
    mark = (uintptr_t)bench->spied;
    assert_true(mark > 0xffff); /* nor a small number */
    assert_true(mark < (uintptr_t)&local - 0x10000 || mark > (uintptr_t)&local + 0x10000);
    assert_true(mark < (uintptr_t)bench || mark >= (uintptr_t)(bench + 1));
    bench_stop(bench);
}

static void test_drain_of_a_full_queue(struct bench *bench)
{
    unsigned seen = 0;
    struct virtio_done done;

    bench_start(bench, 8);
    for (uintptr_t i = 0; i < 8; i++)
        bench_request(bench, 4, 0, bench_cookie(i));
    assert_ok(virtio_device_stop(&bench->device));
    while (virtio_drain(&bench->queues[0], &done) > 0)
        seen += 1u << (4 * (uintptr_t)done.cookie);
    assert_int_equal(seen, 0x11111111);
    bench_stop(bench);
}

static void test_p49_teardown_is_refused_while_the_device_is_live(struct bench *bench)
{
    bench_start(bench, 8);
    assert_result(virtio_ring_uninit(&bench->queues[0]), VIRTIO_E_BUSY);
    bench_request(bench, 4, 8, bench_cookie(1));
    assert_result(virtio_ring_uninit(&bench->queues[0]), VIRTIO_E_BUSY);
    assert_result(virtio_device_end(&bench->device), VIRTIO_E_BUSY); /* queues are left; stopped */
    assert_ok(virtio_ring_uninit(&bench->queues[0]));
    assert_ok(virtio_ring_uninit(&bench->queues[0]));
    bench_stop(bench);
}

/* A device that would not be reset may still write: nothing is given back until it was. */
static void test_p49_nothing_is_freed_while_the_device_is_lost(struct bench *bench)
{
    struct virtio_done done;

    bench_start(bench, 8);
    bench_request(bench, 4, 8, bench_cookie(1));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    bench->fake.reset_polls = FAKE_FOR_EVER;
    bench->device.timeout_us = 1000;
    assert_result(virtio_device_stop(&bench->device), VIRTIO_E_TIMEOUT);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_LOST);
    assert_result(virtio_ring_uninit(&bench->queues[0]), VIRTIO_E_BUSY);
    assert_result(virtio_drain(&bench->queues[0], &done), VIRTIO_E_BUSY);
    assert_result(virtio_device_end(&bench->device), VIRTIO_E_TIMEOUT);
    bench->fake.reset_polls = 2; /* the next reset is done after a while */
    assert_ok(virtio_device_stop(&bench->device));
    check_drain(bench);
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_flush_returns_what_was_written, BENCH_ALL),
    TEST(test_flush_waits_for_a_slow_device, BENCH_ONE),
    TEST(test_flush_of_a_bad_chain_submits_nothing, BENCH_ONE),
    TEST(test_flush_before_ready_submits_nothing, BENCH_ALL),
    TEST(test_flush_keeps_what_else_completes, BENCH_ONE | BENCH_OUT_OF_ORDER),
    TEST(test_flush_after_flush_with_completions_put_aside, BENCH_ONE),
    TEST(test_putting_aside_for_a_long_time, BENCH_ONE),
    TEST(test_p61_completing_twice_what_was_put_aside, BENCH_ONE),
    TEST(test_p61_flush_meets_again_what_was_put_aside, BENCH_ONE),
    TEST(test_cost_of_a_quick_answer, BENCH_ONE),
    TEST(test_cost_of_a_timeout, BENCH_ONE),
    TEST(test_backing_off_costs_little_time, BENCH_ALL),
    TEST(test_completion_at_the_last_moment_counts, BENCH_ONE),
    TEST(test_wait_gives_what_was_put_aside_first, BENCH_ONE),
    TEST(test_flush_times_out_within_its_bound, BENCH_ALL),
    TEST(test_flush_times_out_after_the_default, BENCH_ONE),
    TEST(test_timeout_on_every_kind_of_clock, BENCH_MMIO_2),
    TEST(test_p69_late_completion_is_dropped, BENCH_ONE),
    TEST(test_p69_late_completion_during_the_next_flush, BENCH_ONE | BENCH_SPLIT | BENCH_PACKED),
    TEST(test_p69_timed_out_chain_stays_the_devices, BENCH_ONE),
    TEST(test_wait_takes_the_next_completion, BENCH_ALL),
    TEST(test_wait_with_nothing_in_flight, BENCH_ONE),
    TEST(test_wait_times_out_and_may_be_repeated, BENCH_ONE),
    TEST(test_long_wait_reads_few_registers, BENCH_ALL & ~BENCH_WINDOW),
    TEST(test_p37_needs_reset_ends_a_wait, BENCH_ALL),
    TEST(test_p37_needs_reset_ends_a_flush, BENCH_ONE),
    TEST(test_unplugged_device_ends_a_wait, BENCH_ALL),
    TEST(test_unplugged_device_ends_a_flush, BENCH_ONE),
    TEST(test_device_that_somebody_else_reset_ends_a_wait, BENCH_ALL),
    TEST(test_drain_gives_each_cookie_once, BENCH_ALL | BENCH_OUT_OF_ORDER),
    TEST(test_drain_of_a_full_queue, BENCH_ALL),
    TEST(test_broken_queue_stays_closed_while_it_is_drained, BENCH_ONE),
    TEST(test_mark_of_a_flush_is_nobodys_address, BENCH_ONE),
    TEST(test_p49_teardown_is_refused_while_the_device_is_live, BENCH_ALL),
    TEST(test_p49_nothing_is_freed_while_the_device_is_lost, BENCH_ALL),
};

BENCH_MAIN_RINGS(tests)
