/* SPDX-License-Identifier: MIT */
/*
 * The ring's memory, watched (fake_watch.h): each access of the library in its order, with the fences in between.
 * First the library does everything that touches a ring, which must break no rule; then each rule that only
 * watching can check is broken by hand. docs/memory-ordering.md says what the fences are for.
 */
#include "bench.h"

#include <string.h>
#include <virtio/inline.h>

static struct fake_queue *fake_queue(struct bench *bench)
{
    return &bench->fake.queues[0];
}

/* The library -------------------------------------------------------------------------------------- */

/* Every way to submit, to kick, to reap and to ask for interrupts, around the ring several times. */
static void test_library_breaks_no_rule(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_buffer buffers[3] = {{0, 16}, {0, 64}, {0, 1}};
    struct virtio_prepared prepared;
    struct virtio_done done[8];

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    for (unsigned i = 0; i < 3; i++)
        buffers[i].device_address = bench->shared.device_address + 256 * i;
    assert_ok(virtio_prepared_begin(queue, &prepared, buffers, 1, 2));
    for (unsigned round = 0; round < 12; round++) {
        int taken = 0;

        assert_ok(bench_submit(bench, 4, 4, bench_cookie(1)));
        assert_ok(virtio_submit_inline(queue, buffers, 1, 1, bench_cookie(2)));
        assert_ok(virtio_kick(queue));
        assert_result(virtio_reap_many(queue, done, 8), 2);
        assert_result(virtio_enable_interrupts(queue, (enum virtio_when)(round % 3)), 0);
        assert_ok(virtio_submit_prepared(queue, &prepared, bench_cookie(3)));
        assert_ok(virtio_submit_buffers(queue, buffers, 0, 1, bench_cookie(4)));
        assert_ok(virtio_kick(queue));
        assert_result(virtio_enable_interrupts(queue, VIRTIO_WHEN_SOON), 1);
        assert_ok(virtio_disable_interrupts(queue));
        while (taken < 2)
            taken += virtio_wait(queue, done, 1000000);
    }
    assert_true(bench->host.counts[FAKE_RING_WRITE] > 12 * 10);
    assert_true(bench->host.counts[FAKE_RING_READ] > 12 * 4);
    /* Two kicks and two wishes a round; in a split ring with events the second wish can't be told from none. */
    assert_int_equal(bench->host.counts[FAKE_FENCE],
                     bench->ring & (BENCH_SPLIT_EVENT | BENCH_SPLIT_IN_ORDER) ? 12 * 3 : 12 * 4);
    assert_ok(virtio_prepared_end(queue, &prepared));
    bench_stop(bench);
}

/* The device is slow, wants no notification meanwhile, and is recovered with requests in flight. */
static void test_library_with_a_slow_device(struct bench *bench)
{
    struct virtio_done done;

    bench->fake.behaviour = &fake_echo;
    bench->fake.latency_us = 50;
    bench_start(bench, 8);
    for (unsigned round = 0; round < 5; round++) {
        for (uintptr_t i = 0; i < 3; i++)
            bench_request(bench, 4, 4, bench_cookie(i));
        for (unsigned i = 0; i < 3; i++)
            assert_result(virtio_wait(&bench->queues[0], &done, 1000000), 1);
        bench_request(bench, 4, 4, bench_cookie(9));
        assert_ok(virtio_device_recover(&bench->device));
        assert_result(virtio_drain(&bench->queues[0], &done), 1);
        assert_result(virtio_drain(&bench->queues[0], &done), 0);
    }
    bench_stop(bench);
}

/* By hand ------------------------------------------------------------------------------------------ */

/* A ring of the library's that is only ever written to here; enough for one descriptor of 8 bytes. */
static void describe(struct bench *bench, unsigned index, uint16_t at_12, uint16_t at_14)
{
    volatile uint16_t *fields = bench->queues[0].shared.memory;

    fields += 8 * (size_t)index;
    *(volatile uint64_t *)(volatile void *)fields = bench->shared.device_address;
    *(volatile uint32_t *)(volatile void *)(fields + 4) = 8;
    fields[6] = at_12;
    fields[7] = at_14;
}

static volatile uint16_t *part(struct bench *bench, uint64_t offset)
{
    return (volatile uint16_t *)(void *)((uint8_t *)bench->queues[0].shared.memory +
                                         (size_t)offset);
}

static void test_split_fence_by_hand(struct bench *bench)
{
    volatile uint16_t *available;
    volatile uint16_t *used;

    bench_start(bench, 8);
    available = part(bench, bench->queues[0].offsets.driver);
    used = part(bench, bench->queues[0].offsets.device);
    describe(bench, 0, 2, 0);
    available[1] = 1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    (void)used[0]; /* as it should be */
    assert_int_equal(bench->host.violation_count, 0);
    available[1] = 2;
    (void)used[0];
    bench_expect_violation(bench, "fence-missing");
    available[0] = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    (void)used[1];
    assert_int_equal(bench->host.violation_count, 0);
    available[0] = 0;
    (void)used[1];
    bench_expect_violation(bench, "fence-missing");
    bench_stop(bench);
}

/* The event that the driver asks for counts as a wish only where the device can come by. */
static void test_split_event_by_hand(struct bench *bench)
{
    volatile uint16_t *available;
    volatile uint16_t *used;

    bench_start(bench, 8);
    available = part(bench, bench->queues[0].offsets.driver);
    used = part(bench, bench->queues[0].offsets.device);
    describe(bench, 0, 2, 0);
    available[1] = 1;
    (void)used[2 + 4 * 8];
    bench_expect_violation(bench, "fence-missing");
    available[2 + 8] = 0xffff;
    (void)used[1];
    assert_int_equal(bench->host.violation_count, 0);
    available[2 + 8] = 0;
    (void)used[1];
    bench_expect_violation(bench, "fence-missing");
    bench_stop(bench);
}

static void test_packed_fence_by_hand(struct bench *bench)
{
    volatile uint16_t *driver;
    volatile uint16_t *device;

    bench_start(bench, 8);
    driver = part(bench, bench->queues[0].offsets.driver);
    device = part(bench, bench->queues[0].offsets.device);
    describe(bench, 0, 0, 0x82);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    (void)device[1]; /* as it should be */
    assert_int_equal(bench->host.violation_count, 0);
    describe(bench, 1, 1, 0x82);
    (void)device[1];
    bench_expect_violation(bench, "fence-missing");
    driver[1] = 0;
    (void)*part(bench, 14);
    bench_expect_violation(bench, "fence-missing");
    describe(bench, 2, 2, 0x81); /* the first of two, before the second */
    bench_expect_violation(bench, "chain-shown-in-part");
    bench_stop(bench);
}

static void test_ring_accesses_by_hand(struct bench *bench)
{
    bool packed = bench->ring == BENCH_PACKED;

    bench_start(bench, 8);
    bench_request(bench, 0, 8, bench_cookie(1));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    *part(bench, 8) = 8; /* the length, as it was */
    bench_expect_violation(bench, "descriptor-written-in-flight");
    (void)*part(bench, 0);
    bench_expect_violation(bench, "ring-read-back");
    (void)*part(bench, bench->queues[0].offsets.driver + 2);
    bench_expect_violation(bench, "ring-read-back");
    *part(bench, bench->queues[0].offsets.device) = 0;
    bench_expect_violation(bench, "driver-wrote-device-part");
    *part(bench, bench->queues[0].offsets.device - 2) = 0;
    bench_expect_violation(bench, "ring-padding");
    if (packed) {
        (void)*part(bench, 14); /* flags are the device's too */
        assert_int_equal(bench->host.violation_count, 0);
    }
    bench_stop(bench);
}

/* A ring that was given back is read and written no more, for as long as the host lives. */
static void test_ring_is_left_alone_after_teardown(struct bench *bench)
{
    volatile uint16_t *ring;

    bench_start(bench, 8);
    ring = part(bench, 0);
    bench_stop(bench);
    assert_int_equal(bench->host.violation_count, 0);
    (void)ring[1];
    bench_expect_violation(bench, "ring-after-teardown");
    ring[1] = ring[2] = 0xdbdb; /* what is there already */
    assert_int_equal(fake_host_take_violation(&bench->host, "ring-after-teardown"), 2);
}

/* What was done before a rule was broken is kept with it. */
static void test_violation_has_a_trace(struct bench *bench)
{
    const struct fake_violation_record *record = &bench->host.violations[0];
    char text[FAKE_EVENT_TEXT];

    bench_start(bench, 8);
    bench_request(bench, 0, 8, bench_cookie(1));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    *part(bench, 8) = 9;
    assert_int_equal(record->trace_count, FAKE_HOST_TRACE);
    assert_int_equal(record->trace[FAKE_HOST_TRACE - 1].kind, FAKE_RING_TAKEN);
    assert_int_equal(record->trace[FAKE_HOST_TRACE - 1].sequence, bench->host.sequence - 1);
    assert_int_equal(record->trace[FAKE_HOST_TRACE - 2].kind, FAKE_REGISTER_WRITE);
    assert_int_equal(record->trace[FAKE_HOST_TRACE - 4].kind, FAKE_FENCE);
    fake_event_print(&record->trace[FAKE_HOST_TRACE - 2], text);
    assert_non_null(strstr(text, "register write memory width 2 0xfe003000: 0x0"));
    bench_expect_violation(bench, "descriptor-written-in-flight");
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_library_breaks_no_rule, BENCH_WATCHED | BENCH_RINGS),
    TEST(test_library_with_a_slow_device, BENCH_WATCHED | BENCH_RINGS),
    TEST(test_split_fence_by_hand, BENCH_WATCHED | BENCH_SPLIT),
    TEST(test_split_event_by_hand, BENCH_WATCHED | BENCH_SPLIT_EVENT),
    TEST(test_packed_fence_by_hand, BENCH_WATCHED | BENCH_PACKED),
    TEST(test_ring_accesses_by_hand, BENCH_WATCHED | BENCH_SPLIT | BENCH_PACKED),
    TEST(test_ring_is_left_alone_after_teardown, BENCH_WATCHED | BENCH_SPLIT | BENCH_PACKED),
    TEST(test_violation_has_a_trace, BENCH_WATCHED | BENCH_SPLIT),
};

BENCH_MAIN(tests)
