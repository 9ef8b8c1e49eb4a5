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
    bench->host.relax_step_us = 0;
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

/* A host whose hooks take what they take on a fast machine, and count. */
struct machine {
    uint64_t now_ns;
    uint64_t now_offset_us;
    unsigned looks;
    unsigned stalls;
    unsigned relaxes;
    uint32_t longest_stall_us;
};

static uint64_t machine_now(void *ctx)
{
    struct machine *machine = ctx;

    machine->looks++;
    machine->now_ns += 30;
    return machine->now_offset_us + machine->now_ns / 1000;
}

static void machine_relax(void *ctx)
{
    struct machine *machine = ctx;

    machine->relaxes++;
    machine->now_ns += 50;
}

static void machine_stall(void *ctx, uint32_t microseconds)
{
    struct machine *machine = ctx;

    assert_in_range(microseconds, 1, 1000);
    machine->stalls++;
    if (microseconds > machine->longest_stall_us)
        machine->longest_stall_us = microseconds;
    machine->now_ns += UINT64_C(1000) * microseconds;
}

/* Wait a deadline out on a machine of its own. */
static struct machine wait_on_machine(bool has_clock, bool has_stall, uint32_t bound_us)
{
    struct machine machine = {.now_offset_us = UINT64_MAX - 100};
    struct virtio_host host = {.ctx = &machine,
                               .now_us = has_clock ? machine_now : NULL,
                               .stall_us = has_stall ? machine_stall : NULL,
                               .relax = machine_relax};
    struct virtio_deadline deadline;

    virtio_deadline_begin(&deadline, &host, bound_us);
    while (!virtio_deadline_passed(&deadline, &host))
        continue;
    assert_int_equal(deadline.elapsed_us, bound_us);
    return machine;
}

/* Clock and no stall: it spins, and looks at the clock once in some fifty microseconds, not each turn. */
static void test_spinning_looks_at_the_clock_rarely(struct bench *bench)
{
    struct machine machine = wait_on_machine(true, false, 500000);

    (void)bench;
    assert_in_range(machine.now_ns / 1000, 500000, 500100);
    assert_in_range(machine.looks, 4900, 10100);
    assert_true(machine.relaxes > 9000000);
    machine = wait_on_machine(true, false, 20);
    assert_in_range(machine.now_ns / 1000, 20, 30);
    assert_true(machine.looks < 30);
}

/* Both: it spins first, then each turn is a stall, longer and longer. */
static void test_backing_off(struct bench *bench)
{
    struct machine machine = wait_on_machine(true, true, 50);

    (void)bench;
    assert_int_equal(machine.stalls, 0);
    machine = wait_on_machine(true, true, 1000);
    assert_in_range(machine.stalls, 10, 40);
    assert_true(machine.longest_stall_us <= 125);
    assert_in_range(machine.now_ns / 1000, 1000, 1010);
    machine = wait_on_machine(true, true, 5000000);
    assert_in_range(machine.stalls, 5000, 5100);
    assert_in_range(machine.looks, 5000, 5150);
    assert_true(machine.relaxes < 4000); /* a fifth of a millisecond of spinning in five seconds */
    assert_int_equal(machine.longest_stall_us, 1000);
    assert_in_range(machine.now_ns / 1000, 5000000, 5000010);
}

/* A stall and no clock: what was stalled is the time. */
static void test_backing_off_without_a_clock(struct bench *bench)
{
    struct machine machine = wait_on_machine(false, true, 5000000);

    (void)bench;
    assert_in_range(machine.stalls, 5000, 5100);
    assert_int_equal(machine.relaxes, 64);
    assert_int_equal(machine.looks, 0);
    assert_in_range(machine.now_ns / 1000, 5000000, 5000010);
}

/* The clock may overflow its 64 bits. */
static void test_deadline_over_the_end_of_the_clock(struct bench *bench)
{
    struct machine machine = wait_on_machine(true, false, 1000);

    (void)bench;
    assert_in_range(machine.now_ns / 1000, 1000, 1010);
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
    for (unsigned turn = 0; turn < 4; turn++)
        assert_false(virtio_deadline_passed(&deadline, &host));
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

/* A clock that stands still ends the wait, too: ten million turns later. */
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
    TEST(test_spinning_looks_at_the_clock_rarely, BENCH_ONE),
    TEST(test_backing_off, BENCH_ONE),
    TEST(test_backing_off_without_a_clock, BENCH_ONE),
    TEST(test_deadline_over_the_end_of_the_clock, BENCH_ONE),
    TEST(test_deadline_when_the_clock_leaps, BENCH_ONE),
    TEST(test_deadline_of_a_clock_that_stands_still, BENCH_ONE),
};

BENCH_MAIN(tests)
