/* SPDX-License-Identifier: MIT */
/*
 * Devices that lie about the ring: used ids, lengths and indices that can't be, completions twice, too
 * early or by a device that was stopped, and shared memory that is written over. The first lie latches
 * the queue; every cookie still comes back exactly once.
 */
#include "bench.h"

#include <string.h>

static struct fake_queue *fake_queue(struct bench *bench)
{
    return &bench->fake.queues[0];
}

/* Three chains of two descriptors in flight, cookies 1, 2, 3; the device has taken all. */
static void three_in_flight(struct bench *bench)
{
    bench_start(bench, 16);
    for (uintptr_t i = 1; i <= 3; i++)
        bench_request(bench, 8, 8, bench_cookie(i));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 3);
}

/* The queue says broken, now and to every call from now on, and said so once in the log. */
static void check_latched(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_buffer buffer = {bench->shared.device_address, 8};
    uint64_t lines = bench->host.counts[FAKE_LOG];
    struct virtio_chain chain;
    struct virtio_done done = {NULL, 77};

    assert_result(virtio_reap(queue, &done), VIRTIO_E_BROKEN);
    assert_int_equal(bench->host.counts[FAKE_LOG], lines + 1);
    assert_non_null(strstr(bench->host.last_log, "broken"));
    assert_result(virtio_reap(queue, &done), VIRTIO_E_BROKEN);
    assert_result(virtio_submit_buffers(queue, &buffer, 1, 0, NULL), VIRTIO_E_BROKEN);
    assert_result(virtio_kick(queue), VIRTIO_E_BROKEN);
    assert_result(virtio_wait(queue, &done, 1000), VIRTIO_E_BROKEN);
    virtio_prepare(queue, &chain);
    (void)virtio_append_desc(queue, bench->shared.device_address, 8, 0, &chain);
    assert_result(virtio_flush(queue, &chain, NULL), VIRTIO_E_BROKEN);
    assert_int_equal(bench->host.counts[FAKE_LOG], lines + 1);
}

/* Stop the device and take the cookies in `expected` (bit n for cookie n) back, each once. */
static void check_drained(struct bench *bench, unsigned expected)
{
    struct virtio_done done;
    unsigned drained = 0;
    int result;

    assert_result(virtio_drain(&bench->queues[0], &done), VIRTIO_E_BUSY);
    assert_ok(virtio_device_stop(&bench->device));
    while ((result = virtio_drain(&bench->queues[0], &done)) > 0) {
        unsigned bit = 1u << (uintptr_t)done.cookie;

        assert_true((uintptr_t)done.cookie < 32);
        assert_int_equal(drained & bit, 0);
        drained |= bit;
    }
    assert_ok(result);
    assert_int_equal(drained, expected);
    assert_result(virtio_drain(&bench->queues[0], &done), 0);
}

static void check_latched_and_drained(struct bench *bench, unsigned expected)
{
    check_latched(bench);
    check_drained(bench, expected);
    bench_stop(bench);
    /* Nothing is left of it: the same device can be started again and works. */
    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 16);
    bench_request(bench, 8, 8, bench_cookie(9));
    bench_reap(bench, 9);
    bench_stop(bench);
}

static void lie_with_id(struct bench *bench, uint32_t id)
{
    three_in_flight(bench);
    fake_queue_push_used(fake_queue(bench), id, 0);
    check_latched_and_drained(bench, 1u << 1 | 1u << 2 | 1u << 3);
}

static void test_p61_used_id_beyond_the_queue(struct bench *bench)
{
    lie_with_id(bench, 16);
}

static void test_p61_used_id_far_beyond_the_queue(struct bench *bench)
{
    lie_with_id(bench, UINT32_MAX);
}

/* A 16-bit truncation would find a chain in flight. */
static void test_p61_used_id_with_upper_bits(struct bench *bench)
{
    three_in_flight(bench);
    fake_queue_push_used(fake_queue(bench), 0x10000u | fake_queue(bench)->chains->head, 0);
    check_latched_and_drained(bench, 1u << 1 | 1u << 2 | 1u << 3);
}

static void test_p61_used_id_not_in_flight(struct bench *bench)
{
    lie_with_id(bench, 15);
}

/* The second descriptor of a chain heads nothing. */
static void test_p61_used_id_within_a_chain(struct bench *bench)
{
    three_in_flight(bench);
    fake_queue_push_used(fake_queue(bench), fake_queue(bench)->chains->descriptors[1].index, 0);
    check_latched_and_drained(bench, 1u << 1 | 1u << 2 | 1u << 3);
}

static void test_p61_used_length_beyond_the_buffers(struct bench *bench)
{
    three_in_flight(bench);
    fake_queue_push_used(fake_queue(bench), fake_queue(bench)->chains->head, 9);
    check_latched_and_drained(bench, 1u << 1 | 1u << 2 | 1u << 3);
}

static void test_p61_used_length_huge(struct bench *bench)
{
    three_in_flight(bench);
    fake_queue_push_used(fake_queue(bench), fake_queue(bench)->chains->head, UINT32_MAX);
    check_latched_and_drained(bench, 1u << 1 | 1u << 2 | 1u << 3);
}

/* A chain without writable buffers can't have been written to. */
static void test_p61_used_length_of_a_readable_chain(struct bench *bench)
{
    bench_start(bench, 16);
    bench_request(bench, 8, 0, bench_cookie(1));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    fake_queue_push_used(fake_queue(bench), fake_queue(bench)->chains->head, 1);
    check_latched_and_drained(bench, 1u << 1);
}

/* 2.7.8.3: legacy devices are known for it; what they claim is cut to what can be. */
static void test_p61_legacy_used_length_is_cut(struct bench *bench)
{
    three_in_flight(bench);
    fake_chain_complete(fake_queue(bench)->chains, 4096);
    assert_int_equal(bench_reap(bench, 1), 8);
    fake_chain_complete(fake_queue(bench)->chains, UINT32_MAX);
    assert_int_equal(bench_reap(bench, 2), 8);
    fake_chain_complete(fake_queue(bench)->chains, 3);
    assert_int_equal(bench_reap(bench, 3), 3);
    bench_stop(bench);
}

static void test_p61_used_length_at_its_limit_is_fine(struct bench *bench)
{
    three_in_flight(bench);
    fake_chain_complete(fake_queue(bench)->chains, 8);
    assert_int_equal(bench_reap(bench, 1), 8);
    bench_stop(bench);
}

static void test_p61_completed_twice(struct bench *bench)
{
    uint16_t head;

    three_in_flight(bench);
    head = fake_queue(bench)->chains->head;
    fake_chain_complete(fake_queue(bench)->chains, 0);
    fake_queue_push_used(fake_queue(bench), head, 0);
    bench_reap(bench, 1);
    check_latched_and_drained(bench, 1u << 2 | 1u << 3);
}

static void jump(struct bench *bench, uint16_t index)
{
    three_in_flight(bench);
    for (unsigned i = 0; i < 3; i++)
        fake_queue_set_used_element(fake_queue(bench), (uint16_t)i,
                                    fake_queue_chain(fake_queue(bench), i)->head, 0);
    fake_queue_set_used_index(fake_queue(bench), index);
    check_latched_and_drained(bench, 1u << 1 | 1u << 2 | 1u << 3);
}

static void test_p61_used_index_one_too_far(struct bench *bench)
{
    jump(bench, 4);
}

static void test_p61_used_index_far_ahead(struct bench *bench)
{
    jump(bench, 0x8000);
}

static void test_p61_used_index_backwards(struct bench *bench)
{
    jump(bench, 0xffff);
}

static void test_p61_used_index_goes_back_later(struct bench *bench)
{
    three_in_flight(bench);
    fake_chain_complete(fake_queue(bench)->chains, 0);
    fake_chain_complete(fake_queue(bench)->chains, 0);
    bench_reap(bench, 1);
    bench_reap(bench, 2);
    fake_queue_set_used_index(fake_queue(bench), 1);
    check_latched_and_drained(bench, 1u << 3);
}

/* P68: a chain that was submitted and not published can't have been used. */
static void test_p68_used_before_it_was_published(struct bench *bench)
{
    bench_start(bench, 16);
    assert_ok(bench_submit(bench, 8, 8, bench_cookie(1)));
    fake_queue_push_used(fake_queue(bench), 0, 0);
    check_latched_and_drained(bench, 1u << 1);
}

/* The same while another one is in flight: only the published one may come back. */
static void test_p68_used_beyond_what_was_published(struct bench *bench)
{
    bench_start(bench, 16);
    bench_request(bench, 8, 8, bench_cookie(1));
    assert_ok(bench_submit(bench, 8, 8, bench_cookie(2)));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    fake_chain_complete(fake_queue(bench)->chains, 0);
    fake_queue_push_used(fake_queue(bench), 2, 0);
    check_latched_and_drained(bench, 1u << 1 | 1u << 2);
}

static void test_used_ring_empty_queue_moves(struct bench *bench)
{
    bench_start(bench, 16);
    fake_queue_push_used(fake_queue(bench), 0, 0);
    check_latched_and_drained(bench, 0);
}

/* Chains that completed well before the lie are handed out before it is noticed. */
static void test_good_completions_before_a_lie_count(struct bench *bench)
{
    three_in_flight(bench);
    fake_chain_complete(fake_queue(bench)->chains, 5);
    fake_queue_push_used(fake_queue(bench), 99, 0);
    assert_int_equal(bench_reap(bench, 1), 5);
    check_latched_and_drained(bench, 1u << 2 | 1u << 3);
}

/* The index that was checked is the one that is used: elements that the device adds later are only
 * looked at after its index was checked again. */
static void test_used_index_is_read_once_and_checked(struct bench *bench)
{
    three_in_flight(bench);
    fake_chain_complete(fake_queue(bench)->chains, 0);
    fake_chain_complete(fake_queue(bench)->chains, 0);
    bench_reap(bench, 1);
    fake_queue_set_used_index(fake_queue(bench), 0x4000); /* a lie, after two were seen */
    bench_reap(bench, 2);
    check_latched_and_drained(bench, 1u << 3);
}

/* P62: nothing that the driver needs is in memory that the device can write to. */
static void test_p62_descriptors_are_written_over(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];

    three_in_flight(bench);
    while (fake_queue(bench)->chains)
        fake_chain_complete(fake_queue(bench)->chains, 1);
    fake_queue_scribble(fake_queue(bench), 0xff);
    for (uintptr_t i = 1; i <= 3; i++)
        bench_reap(bench, i);
    assert_int_equal(virtio_queue_free(queue), 16);
    fake_queue_scribble(fake_queue(bench), 0x01);
    bench->fake.behaviour = &fake_echo;
    for (uintptr_t round = 0; round < 40; round++) {
        for (uintptr_t i = 0; i < 8; i++)
            assert_ok(bench_submit(bench, 4, 4, bench_cookie(i)));
        assert_ok(virtio_kick(queue));
        for (uintptr_t i = 0; i < 8; i++)
            bench_reap(bench, i);
    }
    bench_stop(bench);
}

/* Only one bit of the used ring's flags means something. */
static void test_other_used_flags_are_ignored(struct bench *bench)
{
    uint8_t *used;

    bench_start(bench, 16);
    used = (uint8_t *)bench->queues[0].used;
    used[0] = 0xfe;
    used[1] = 0xff;
    bench_request(bench, 8, 8, bench_cookie(1));
    assert_int_equal(fake_queue(bench)->notifications, 1);
    used[0] = used[1] = 0;
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_p61_used_id_beyond_the_queue, BENCH_ALL),
    TEST(test_p61_used_id_far_beyond_the_queue, BENCH_ALL),
    TEST(test_p61_used_id_with_upper_bits, BENCH_ONE),
    TEST(test_p61_used_id_not_in_flight, BENCH_ONE),
    TEST(test_p61_used_id_within_a_chain, BENCH_ONE),
    TEST(test_p61_used_length_beyond_the_buffers, BENCH_MODERN),
    TEST(test_p61_used_length_huge, BENCH_MODERN),
    TEST(test_p61_used_length_of_a_readable_chain, BENCH_MODERN),
    TEST(test_p61_legacy_used_length_is_cut, BENCH_LEGACY),
    TEST(test_p61_used_length_at_its_limit_is_fine, BENCH_ALL),
    TEST(test_p61_completed_twice, BENCH_ONE),
    TEST(test_p61_used_index_one_too_far, BENCH_ALL),
    TEST(test_p61_used_index_far_ahead, BENCH_ONE),
    TEST(test_p61_used_index_backwards, BENCH_ONE),
    TEST(test_p61_used_index_goes_back_later, BENCH_ONE),
    TEST(test_p68_used_before_it_was_published, BENCH_ONE),
    TEST(test_p68_used_beyond_what_was_published, BENCH_ONE),
    TEST(test_used_ring_empty_queue_moves, BENCH_ONE),
    TEST(test_good_completions_before_a_lie_count, BENCH_ONE),
    TEST(test_used_index_is_read_once_and_checked, BENCH_ONE),
    TEST(test_p62_descriptors_are_written_over, BENCH_ONE),
    TEST(test_other_used_flags_are_ignored, BENCH_ONE),
};

BENCH_MAIN(tests)
