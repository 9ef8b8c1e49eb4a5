/* SPDX-License-Identifier: MIT */
/*
 * Deadlines: bounded with every kind of clock, also with clocks that misbehave.
 */
#include "bench.h"

#include <core/time.h>

/* Wait a whole deadline out. @return microseconds of simulated time that it took. */
static uint64_t wait_out(struct bench *bench, uint32_t bound_us)
{
    uint64_t start = bench->host.now_us;
    struct virtio_deadline deadline;

    virtio_deadline_begin(&deadline, &bench->host.host, bound_us);
    while (!virtio_deadline_passed(&deadline, &bench->host.host))
        assert_true(deadline.elapsed_us < bound_us);
    assert_true(deadline.elapsed_us >= bound_us);
    assert_true(virtio_deadline_passed(&deadline, &bench->host.host)); /* and stays passed */
    return bench->host.now_us - start;
}

static void test_deadline_by_clock(struct bench *bench)
{
    assert_in_range(wait_out(bench, 1), 1, 10);
    assert_in_range(wait_out(bench, 1000), 1000, 1010);
    assert_in_range(wait_out(bench, 100000), 100000, 100010);
}

static void test_deadline_by_stalls(struct bench *bench)
{
    bench->host.host.now_us = NULL;
    assert_in_range(wait_out(bench, 1), 1, 20);
    assert_in_range(wait_out(bench, 1000), 1000, 1020);
    assert_in_range(wait_out(bench, 100000), 100000, 100020);
}

/* A coarse clock: ten milliseconds a tick. */
static void test_deadline_by_a_coarse_clock(struct bench *bench)
{
    bench->host.now_step_us = 10000;
    assert_in_range(wait_out(bench, 25000), 25000, 50000);
}

static void test_deadline_of_no_time_has_passed(struct bench *bench)
{
    struct virtio_deadline deadline;

    virtio_deadline_begin(&deadline, &bench->host.host, 0);
    assert_true(virtio_deadline_passed(&deadline, &bench->host.host));
}

static uint64_t near_the_end(void *ctx)
{
    uint64_t *now = ctx;

    return *now += 10;
}

/* The clock may overflow its 64 bits. */
static void test_deadline_over_the_end_of_the_clock(struct bench *bench)
{
    uint64_t now = UINT64_MAX - 100;
    struct virtio_host host = {.ctx = &now, .now_us = near_the_end};
    struct virtio_deadline deadline;
    unsigned turns = 0;

    (void)bench;
    virtio_deadline_begin(&deadline, &host, 1000);
    while (!virtio_deadline_passed(&deadline, &host))
        turns++;
    assert_in_range(turns, 98, 101);
}

/* A clock that runs for longer than 32 bits of microseconds between two looks. */
static uint64_t leaping(void *ctx)
{
    uint64_t *now = ctx;

    return *now += UINT64_C(1) << 32;
}

static void test_deadline_when_the_clock_leaps(struct bench *bench)
{
    uint64_t now = 5;
    struct virtio_host host = {.ctx = &now, .now_us = leaping};
    struct virtio_deadline deadline;

    (void)bench;
    virtio_deadline_begin(&deadline, &host, UINT32_MAX);
    assert_true(virtio_deadline_passed(&deadline, &host));
}

static uint64_t standing(void *ctx)
{
    (void)ctx;
    return 42;
}

static void no_relax(void *ctx)
{
    (void)ctx;
}

/* A clock that stands still ends the wait, too: ten million readings later. */
static void test_deadline_of_a_clock_that_stands_still(struct bench *bench)
{
    struct virtio_host host = {.now_us = standing, .relax = no_relax};
    struct virtio_deadline deadline;

    (void)bench;
    virtio_deadline_begin(&deadline, &host, 1000);
    while (!virtio_deadline_passed(&deadline, &host))
        ;
    assert_int_equal(deadline.elapsed_us, 1000);
}

static const struct bench_test tests[] = {
    TEST(test_deadline_by_clock, BENCH_ONE),
    TEST(test_deadline_by_stalls, BENCH_ONE),
    TEST(test_deadline_by_a_coarse_clock, BENCH_ONE),
    TEST(test_deadline_of_no_time_has_passed, BENCH_ONE),
    TEST(test_deadline_over_the_end_of_the_clock, BENCH_ONE),
    TEST(test_deadline_when_the_clock_leaps, BENCH_ONE),
    TEST(test_deadline_of_a_clock_that_stands_still, BENCH_ONE),
};

BENCH_MAIN(tests)
