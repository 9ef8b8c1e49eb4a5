/* SPDX-License-Identifier: MIT */
/*
 * Queues used in a hurry: completions taken many at a time, requests submitted inline, and the corners of the
 * accounting behind both.
 */
#include "bench.h"

#include <string.h>
#include <virtio/inline.h>

static struct fake_queue *fake_queue(struct bench *bench)
{
    return &bench->fake.queues[0];
}

/* Reaping many ------------------------------------------------------------------------------------ */

static void test_reap_many_takes_what_is_there(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_done done[16];
    uintptr_t next = 0;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 32);
    assert_result(virtio_reap_many(queue, done, 16), 0);
    for (unsigned count = 1; count <= 16; count++) {
        for (uintptr_t i = 0; i < count; i++)
            assert_ok(bench_submit(bench, 4, 1 + (uint32_t)i, bench_cookie(next + i)));
        assert_ok(virtio_kick(queue));
        memset(done, 0xff, sizeof(done));
        assert_result(virtio_reap_many(queue, done, 16), (int)count);
        for (uintptr_t i = 0; i < count; i++, next++) {
            assert_int_equal((uintptr_t)done[i].cookie, next);
            assert_int_equal(done[i].written, 1 + i);
        }
        assert_int_equal(virtio_queue_free(queue), 32);
    }
    bench_stop(bench);
}

static void test_reap_many_leaves_what_has_no_room(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_done done[5];

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 32);
    for (uintptr_t i = 0; i < 12; i++)
        assert_ok(bench_submit(bench, 4, 4, bench_cookie(i)));
    assert_ok(virtio_kick(queue));
    assert_result(virtio_reap_many(queue, done, 0), VIRTIO_E_INVALID);
    assert_result(virtio_reap_many(queue, done, 5), 5);
    assert_int_equal((uintptr_t)done[4].cookie, 4);
    assert_result(virtio_reap_many(queue, done, 1), 1);
    assert_int_equal((uintptr_t)done[0].cookie, 5);
    bench_reap(bench, 6);
    assert_result(virtio_reap_many(queue, done, 5), 5);
    assert_int_equal((uintptr_t)done[4].cookie, 11);
    assert_result(virtio_reap_many(queue, done, 5), 0);
    bench_stop(bench);
}

static void test_p52_reap_many_over_the_wrap(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_done done[8];
    uintptr_t next = 0;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 16);
    while (next < 66000) {
        for (uintptr_t i = 0; i < 8; i++)
            assert_ok(bench_submit(bench, 4, 0, bench_cookie(next + i)));
        assert_ok(virtio_kick(queue));
        assert_result(virtio_reap_many(queue, done, 8), 8);
        for (uintptr_t i = 0; i < 8; i++, next++)
            assert_int_equal((uintptr_t)done[i].cookie, next);
    }
    bench_stop(bench);
}

/* Good completions before a lie are handed out, the lie is told by the next call. */
static void test_p61_reap_many_meets_a_lie(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_done done[8];

    bench_start(bench, 16);
    for (uintptr_t i = 1; i <= 4; i++)
        bench_request(bench, 4, 4, bench_cookie(i));
    fake_queue_take_all(fake_queue(bench));
    fake_chain_complete(fake_queue(bench)->chains, 1);
    fake_chain_complete(fake_queue(bench)->chains, 2);
    fake_queue_push_used(fake_queue(bench), 15, 0);
    fake_chain_complete(fake_queue(bench)->chains, 3);
    assert_result(virtio_reap_many(queue, done, 8), 2);
    assert_int_equal((uintptr_t)done[1].cookie, 2);
    assert_result(virtio_reap_many(queue, done, 8), VIRTIO_E_BROKEN);
    assert_result(virtio_reap(queue, done), VIRTIO_E_BROKEN);
    assert_ok(virtio_device_stop(&bench->device));
    assert_result(virtio_drain(queue, done), 1);
    assert_result(virtio_drain(queue, done), 1);
    assert_result(virtio_drain(queue, done), 0);
    bench_stop(bench);
}

static void test_p61_reap_many_meets_a_lie_at_once(struct bench *bench)
{
    struct virtio_done done[8];

    bench_start(bench, 16);
    bench_request(bench, 4, 4, bench_cookie(1));
    fake_queue_push_used(fake_queue(bench), 15, 0);
    assert_result(virtio_reap_many(&bench->queues[0], done, 8), VIRTIO_E_BROKEN);
    assert_result(virtio_reap_many(&bench->queues[0], done, 8), VIRTIO_E_BROKEN);
    bench_stop(bench);
}

static void test_p61_reap_many_meets_an_index_that_lies(struct bench *bench)
{
    struct virtio_done done[8];

    bench_start(bench, 16);
    bench_request(bench, 4, 4, bench_cookie(1));
    fake_queue_set_used_index(fake_queue(bench), 2);
    assert_result(virtio_reap_many(&bench->queues[0], done, 8), VIRTIO_E_BROKEN);
    bench_stop(bench);
}

static void test_reap_many_after_a_flush_that_timed_out(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;
    struct virtio_done done[8];

    bench_start(bench, 16);
    bench->device.timeout_us = 500;
    virtio_prepare(queue, &chain);
    assert_ok(virtio_append_desc(queue, bench->shared.device_address, 4, 0, &chain));
    assert_result(virtio_flush(queue, &chain, NULL), VIRTIO_E_TIMEOUT);
    for (uintptr_t i = 1; i <= 3; i++)
        bench_request(bench, 4, 4, bench_cookie(i));
    fake_queue_take_all(fake_queue(bench));
    while (fake_queue(bench)->chains)
        fake_chain_complete(fake_queue(bench)->chains, 0);
    for (uintptr_t i = 1; i <= 3;) {
        int count = virtio_reap_many(queue, done, 8);

        assert_true(count > 0);
        for (int j = 0; j < count; j++, i++)
            assert_int_equal((uintptr_t)done[j].cookie, i);
    }
    assert_result(virtio_reap_many(queue, done, 8), 0);
    assert_int_equal(virtio_queue_free(queue), 16);
    bench_stop(bench);
}

/* Submitting inline ------------------------------------------------------------------------------- */

static void test_submit_inline_of_every_shape(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_buffer buffers[8];

    bench_start(bench, 8);
    for (unsigned i = 0; i < 8; i++)
        buffers[i] = (struct virtio_buffer){bench->shared.device_address + 256 * i, 10 + i};
    for (uint16_t readable = 0; readable <= 4; readable++) {
        for (uint16_t writable = 0; writable <= 4; writable++) {
            struct fake_chain *chain;

            if (readable + writable == 0)
                continue;
            assert_ok(virtio_submit_inline(queue, buffers, readable, writable, bench_cookie(1)));
            assert_int_equal(virtio_queue_free(queue), 8 - readable - writable);
            assert_ok(virtio_kick(queue));
            assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
            chain = fake_queue(bench)->chains;
            assert_int_equal(chain->count, readable + writable);
            for (unsigned i = 0; i < chain->count; i++) {
                assert_int_equal(chain->descriptors[i].address, buffers[i].device_address);
                assert_int_equal(chain->descriptors[i].length, buffers[i].length);
                assert_int_equal(chain->descriptors[i].writable, i >= readable);
            }
            fake_chain_complete(chain, (uint32_t)chain->writable);
            bench_reap(bench, 1);
            assert_int_equal(virtio_queue_free(queue), 8);
        }
    }
    bench_stop(bench);
}

static void test_submit_inline_refuses(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_buffer buffers[5] = {{0, 0}};

    assert_result(virtio_submit_inline(queue, buffers, 0, 0, NULL), VIRTIO_E_STATE);
    bench_start(bench, 4);
    for (unsigned i = 0; i < 5; i++)
        buffers[i] = (struct virtio_buffer){bench->shared.device_address, 8};
    assert_result(virtio_submit_inline(queue, buffers, 0, 0, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_submit_inline(queue, buffers, 3, 2, NULL), VIRTIO_E_TOO_LONG);
    for (unsigned zero = 0; zero < 4; zero++) {
        buffers[zero].length = 0;
        assert_result(virtio_submit_inline(queue, buffers, 2, 2, NULL), VIRTIO_E_ZERO_LENGTH);
        buffers[zero].length = 8;
    }
    buffers[0].length = buffers[3].length = 0x80000000;
    assert_result(virtio_submit_inline(queue, buffers, 2, 2, NULL), VIRTIO_E_TOO_LONG);
    buffers[0].length = buffers[3].length = 8;
    assert_ok(virtio_submit_inline(queue, buffers, 1, 0, NULL));
    assert_result(virtio_submit_inline(queue, buffers, 2, 2, NULL), VIRTIO_E_FULL);
    assert_int_equal(virtio_queue_free(queue), 3);
    assert_ok(virtio_device_stop(&bench->device));
    assert_result(virtio_submit_inline(queue, buffers, 1, 0, NULL), VIRTIO_E_RESET);
    bench_stop(bench);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* All ways to submit and all ways to reap, mixed at random, completed in any order. */
static void test_every_way_mixed_at_random(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_buffer buffers[4];
    struct virtio_done done[8];
    bool out[256] = {false};
    uint32_t random = 3;
    unsigned submitted = 0;
    unsigned reaped = 0;

    bench_start(bench, 64);
    for (unsigned i = 0; i < 4; i++)
        buffers[i] = (struct virtio_buffer){bench->shared.device_address + 64 * i, 5 + i};
    for (unsigned round = 0; round < 20000; round++) {
        unsigned cookie = submitted % 256;
        uint16_t readable = (uint16_t)(next_random(&random) % 3);
        uint16_t writable = (uint16_t)(1 + next_random(&random) % 2);
        int count;

        switch (next_random(&random) % 8) {
        case 0:
        case 1:
        case 2:
            if (virtio_queue_free(queue) < 4 || out[cookie])
                break;
            if (next_random(&random) % 2)
                assert_ok(
                    virtio_submit_inline(queue, buffers, readable, writable, bench_cookie(cookie)));
            else
                assert_ok(virtio_submit_buffers(queue, buffers, readable, writable,
                                                bench_cookie(cookie)));
            out[cookie] = true;
            submitted++;
            break;
        case 3:
            assert_ok(virtio_kick(queue));
            fake_queue_take_all(fake_queue(bench));
            break;
        case 4:
        case 5:
            for (unsigned n = next_random(&random) % 5; n != 0; n--) {
                struct fake_chain *chain =
                    fake_queue_chain(fake_queue(bench), next_random(&random) % 4);

                if (chain)
                    fake_chain_complete(chain, (uint32_t)chain->writable);
            }
            break;
        default:
            count = next_random(&random) % 2
                        ? virtio_reap(queue, done)
                        : virtio_reap_many(queue, done, 1 + next_random(&random) % 8);
            assert_true(count >= 0);
            for (int i = 0; i < count; i++) {
                assert_true(out[(uintptr_t)done[i].cookie]);
                out[(uintptr_t)done[i].cookie] = false;
                assert_true(done[i].written >= 5);
            }
            reaped += (unsigned)count;
            break;
        }
    }
    assert_true(reaped > 2000);
    assert_ok(virtio_kick(queue));
    fake_queue_take_all(fake_queue(bench));
    while (fake_queue(bench)->chains)
        fake_chain_complete(fake_queue(bench)->chains, 5);
    for (int count; (count = virtio_reap_many(queue, done, 8)) > 0;)
        reaped += (unsigned)count;
    assert_int_equal(reaped, submitted);
    assert_int_equal(virtio_queue_free(queue), 64);
    bench_stop(bench);
}

/* Corners ----------------------------------------------------------------------------------------- */

/* A chain of 2^32 - 1 writable bytes: any length that fits 32 bits is possible, and that chain only. */
static void test_longest_writable_chain(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_done done[8];

    bench_start(bench, 16);
    for (unsigned parts = 1; parts <= 2; parts++) {
        struct virtio_buffer buffers[2] = {{bench->shared.device_address, UINT32_MAX},
                                           {bench->shared.device_address, 1}};

        if (parts == 2)
            buffers[0].length--;
        for (unsigned way = 0; way < 2; way++) {
            assert_ok(
                way ? virtio_submit_inline(queue, buffers, 0, (uint16_t)parts, bench_cookie(5))
                    : virtio_submit_buffers(queue, buffers, 0, (uint16_t)parts, bench_cookie(5)));
            assert_ok(virtio_kick(queue));
            assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
            fake_chain_complete(fake_queue(bench)->chains, UINT32_MAX);
            assert_result(way ? virtio_reap_many(queue, done, 8) : virtio_reap(queue, done), 1);
            assert_int_equal((uintptr_t)done[0].cookie, 5);
            assert_int_equal(done[0].written, UINT32_MAX);
            assert_int_equal(virtio_queue_free(queue), 16);
        }
    }
    bench_expect_violation(bench, "dma-address"); /* there is not that much memory here */
    bench_request(bench, 4, 4, bench_cookie(1));
    bench_request(bench, 4, 4, bench_cookie(2));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 2);
    fake_chain_complete(fake_queue(bench)->chains, 4);
    assert_int_equal(bench_reap(bench, 1), 4);
    bench_stop(bench);
}

/* In the middle of a batch, with others before and behind. */
static void test_longest_writable_chain_in_a_batch(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_buffer longest = {bench->shared.device_address, UINT32_MAX};
    struct virtio_done done[8];
    int count = 0;

    bench_start(bench, 16);
    bench_request(bench, 4, 4, bench_cookie(0));
    assert_ok(virtio_submit_buffers(queue, &longest, 0, 1, bench_cookie(1)));
    bench_request(bench, 4, 4, bench_cookie(2));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 3);
    while (fake_queue(bench)->chains)
        fake_chain_complete(fake_queue(bench)->chains, 3);
    while (count < 3) {
        int result = virtio_reap_many(queue, done + count, 8 - (uint32_t)count);

        assert_true(result > 0);
        count += result;
    }
    for (uintptr_t i = 0; i < 3; i++) {
        assert_int_equal((uintptr_t)done[i].cookie, i);
        assert_int_equal(done[i].written, 3);
    }
    assert_int_equal(virtio_queue_free(queue), 16);
    bench_expect_violation(bench, "dma-address");
    bench_stop(bench);
}

static void test_queue_that_ignores_lengths(struct bench *bench)
{
    bench_start(bench, 16);
    virtio_queue_ignore_length(&bench->queues[0]);
    bench_request(bench, 8, 0, bench_cookie(1));
    bench_request(bench, 8, 8, bench_cookie(2));
    bench_request(bench, 8, 8, bench_cookie(3));
    fake_queue_take_all(fake_queue(bench));
    fake_chain_complete(fake_queue(bench)->chains, 77);
    fake_chain_complete(fake_queue(bench)->chains, 77);
    fake_chain_complete(fake_queue(bench)->chains, 5);
    assert_int_equal(bench_reap(bench, 1), 0);
    assert_int_equal(bench_reap(bench, 2), 8);
    assert_int_equal(bench_reap(bench, 3), 5);
    fake_queue_push_used(fake_queue(bench), 15, 0); /* an id is still a lie */
    bench_request(bench, 8, 8, bench_cookie(4));
    assert_result(virtio_reap(&bench->queues[0], &(struct virtio_done){NULL, 0}), VIRTIO_E_BROKEN);
    bench_stop(bench);
}

/* P71: the log hook is called when the queue breaks, and may not come back in, nor hang it. */
static void reap_again(void *context, const struct fake_event *event)
{
    struct bench *bench = context;
    struct virtio_buffer buffer = {bench->shared.device_address, 8};
    struct virtio_done done;
    int error;

    if (event->kind != FAKE_LOG)
        return;
    bench->host.observer = NULL;
    error = virtio_reap(&bench->queues[0], &done);
    assert_true(error == VIRTIO_E_REENTRY || error == VIRTIO_E_BROKEN);
    error = virtio_submit_buffers(&bench->queues[0], &buffer, 1, 0, NULL);
    assert_true(error == VIRTIO_E_REENTRY || error == VIRTIO_E_BROKEN);
}

static void test_p71_log_hook_of_a_broken_queue(struct bench *bench)
{
    struct virtio_done done[4];

    for (unsigned way = 0; way < 4; way++) {
        bench_start(bench, 16);
        bench_request(bench, 4, 4, bench_cookie(1));
        if (way % 2)
            fake_queue_push_used(fake_queue(bench), 15, 0);
        else
            fake_queue_set_used_index(fake_queue(bench), 100);
        bench->host.observer = reap_again;
        bench->host.observer_context = bench;
        assert_result(way < 2 ? virtio_reap(&bench->queues[0], done)
                              : virtio_reap_many(&bench->queues[0], done, 4),
                      VIRTIO_E_BROKEN);
        assert_null(bench->host.observer);
        assert_int_equal(bench->host.counts[FAKE_LOG], way + 1); /* said once */
        bench_stop(bench);
    }
}

static const struct bench_test tests[] = {
    TEST(test_reap_many_takes_what_is_there, BENCH_ALL),
    TEST(test_reap_many_leaves_what_has_no_room, BENCH_ONE),
    TEST(test_p52_reap_many_over_the_wrap, BENCH_ONE),
    TEST(test_p61_reap_many_meets_a_lie, BENCH_ONE),
    TEST(test_p61_reap_many_meets_a_lie_at_once, BENCH_ONE),
    TEST(test_p61_reap_many_meets_an_index_that_lies, BENCH_ONE | BENCH_SPLIT_RINGS),
    TEST(test_reap_many_after_a_flush_that_timed_out, BENCH_ONE),
    TEST(test_submit_inline_of_every_shape, BENCH_ALL),
    TEST(test_submit_inline_refuses, BENCH_ONE),
    TEST(test_every_way_mixed_at_random, BENCH_PCI_MODERN | BENCH_MMIO_1),
    TEST(test_longest_writable_chain, BENCH_ALL),
    TEST(test_longest_writable_chain_in_a_batch, BENCH_ONE),
    TEST(test_queue_that_ignores_lengths, BENCH_ONE | BENCH_SPLIT_RINGS),
    TEST(test_p71_log_hook_of_a_broken_queue, BENCH_ONE | BENCH_SPLIT_RINGS),
};

BENCH_MAIN_RINGS(tests)
