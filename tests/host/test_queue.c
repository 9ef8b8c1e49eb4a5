/* SPDX-License-Identifier: MIT */
/*
 * Queues used as they should be: building chains and what is refused, many in flight, wrap-around,
 * notifications, re-entry. What a device may do wrong is in test_queue_lies.c, waiting in test_wait.c.
 */
#include "bench.h"

#include "fake_ring.h"

#include <string.h>

static struct fake_queue *fake_queue(struct bench *bench)
{
    return &bench->fake.queues[0];
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Indices ---------------------------------------------------------------------------------------- */

static void start_at(struct bench *bench, uint16_t index)
{
    struct virtio_queue *queue = &bench->queues[0];

    queue->available_index = index;
    queue->published_index = index;
    queue->used_index = index;
    queue->used_seen = index;
    fake_queue_start_at(fake_queue(bench), index);
}

static void run_requests(struct bench *bench, uintptr_t count, unsigned at_once)
{
    uintptr_t reaped = 0;

    for (uintptr_t i = 0; i < count; i += at_once) {
        for (uintptr_t j = i; j < i + at_once; j++)
            assert_ok(bench_submit(bench, 4, 4 + (uint32_t)(j % 8), bench_cookie(j)));
        assert_ok(virtio_kick(&bench->queues[0]));
        for (uintptr_t j = i; j < i + at_once; j++, reaped++)
            assert_int_equal(bench_reap(bench, j), 4 + j % 8);
    }
    assert_int_equal(bench->fake.queues[0].completed, reaped);
}

static void test_p52_used_index_wraps(struct bench *bench)
{
    static const uint16_t sizes[] = {2, 4, 16, 256};

    bench->fake.behaviour = &fake_echo;
    for (unsigned i = 0; i < 4; i++) {
        fake_queue(bench)->completed = 0;
        bench_start(bench, sizes[i]);
        start_at(bench, 0xfff0);
        run_requests(bench, 64, sizes[i] / 2 < 16 ? sizes[i] / 2 : 16);
        assert_int_equal(fake_queue_available_index(fake_queue(bench)), (0xfff0 + 64) & 0xffff);
        bench_stop(bench);
    }
}

static void test_p52_more_than_65536_requests(struct bench *bench)
{
    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    run_requests(bench, 70000, 4);
    assert_int_equal(fake_queue_available_index(fake_queue(bench)), 70000 - 65536);
    assert_int_equal(virtio_queue_free(&bench->queues[0]), 8);
    bench_stop(bench);
}

/* The index wraps while chains are in flight, and the oldest completes last. */
static void test_p52_wraps_with_chains_in_flight(struct bench *bench)
{
    bench_start(bench, 4);
    start_at(bench, 0xfffe);
    for (uintptr_t i = 0; i < 4; i++)
        assert_ok(bench_submit(bench, 4, 0, bench_cookie(i)));
    assert_ok(virtio_kick(&bench->queues[0]));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 4);
    for (unsigned i = 4; i-- != 0;)
        fake_chain_complete(fake_queue_chain(fake_queue(bench), i), 0);
    for (uintptr_t i = 4; i-- != 0;)
        bench_reap(bench, i);
    assert_int_equal((uint16_t)bench->queues[0].used_index, 2);
    bench_stop(bench);
}

static void test_p42_tiny_queues_work(struct bench *bench)
{
    bench->fake.behaviour = &fake_echo;
    for (uint16_t size = 1; size <= 4; size *= 2) {
        fake_queue(bench)->completed = 0;
        bench_start(bench, size);
        for (uintptr_t i = 0; i < 20; i++) {
            bench_request(bench, 0, 7, bench_cookie(i));
            assert_int_equal(bench_reap(bench, i), 7);
        }
        bench_stop(bench);
    }
}

/* Many in flight --------------------------------------------------------------------------------- */

static void test_many_in_flight_completed_out_of_order(struct bench *bench)
{
    uint32_t random = 1;
    bool out[64] = {false};
    uintptr_t next = 0;
    unsigned in_flight = 0;

    bench_start(bench, 32);
    for (unsigned round = 0; round < 3000; round++) {
        uintptr_t cookie = next % 64;
        struct virtio_done done;

        if (next_random(&random) % 2 && virtio_queue_free(&bench->queues[0]) >= 2 && !out[cookie]) {
            bench_request(bench, 1 + (uint32_t)cookie, 64, bench_cookie(cookie));
            out[cookie] = true;
            next++;
            in_flight++;
            fake_queue_take_all(fake_queue(bench));
        } else if (in_flight != 0) {
            struct fake_chain *chain =
                fake_queue_chain(fake_queue(bench), next_random(&random) % in_flight);
            uint64_t expected = chain->readable - 1;

            fake_chain_complete(chain, (uint32_t)expected);
            assert_result(virtio_reap(&bench->queues[0], &done), 1);
            assert_int_equal((uintptr_t)done.cookie, expected);
            assert_int_equal(done.written, expected);
            assert_true(out[expected]);
            out[expected] = false;
            in_flight--;
        }
    }
    assert_true(next > 500);
    while (in_flight-- != 0)
        fake_chain_complete(fake_queue_chain(fake_queue(bench), 0), 0);
    for (struct virtio_done done; virtio_reap(&bench->queues[0], &done) > 0;)
        out[(uintptr_t)done.cookie] = false;
    for (unsigned i = 0; i < 64; i++)
        assert_false(out[i]);
    assert_int_equal(virtio_queue_free(&bench->queues[0]), 32);
    bench_stop(bench);
}

static void test_whole_queue_as_one_chain(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;

    bench_start(bench, 16);
    for (unsigned round = 0; round < 3; round++) {
        virtio_prepare(queue, &chain);
        for (uint32_t i = 0; i < 16; i++)
            assert_ok(virtio_append_desc(queue, bench->shared.device_address + 64 * i, 1 + i,
                                         i < 7 ? 0 : VIRTQ_DESC_F_WRITE, &chain));
        assert_ok(virtio_submit(queue, &chain, bench_cookie(round)));
        assert_int_equal(virtio_queue_free(queue), 0);
        assert_ok(virtio_kick(queue));
        assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
        for (uint32_t i = 0; i < 16; i++) {
            const struct fake_descriptor *descriptor = &fake_queue(bench)->chains->descriptors[i];

            assert_int_equal(descriptor->address, bench->shared.device_address + 64 * i);
            assert_int_equal(descriptor->length, 1 + i);
            assert_int_equal(descriptor->writable, i >= 7);
        }
        fake_chain_complete(fake_queue(bench)->chains, 5);
        assert_int_equal(bench_reap(bench, round), 5);
        assert_int_equal(virtio_queue_free(queue), 16);
    }
    bench_stop(bench);
}

/* P53: what is made available is the head, once, however long the chain. */
static void test_p53_one_available_entry_a_chain(struct bench *bench)
{
    bench_start(bench, 16);
    for (uintptr_t i = 0; i < 3; i++)
        bench_request(bench, 5, 5, bench_cookie(i));
    assert_int_equal(fake_queue_available_index(fake_queue(bench)), 3);
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 3);
    bench_stop(bench);
}

/* Building chains -------------------------------------------------------------------------------- */

/* After a refused append: the chain's submit fails the same way, and the next chain is fine. */
static void check_refused(struct bench *bench, struct virtio_chain *chain, int error)
{
    struct virtio_queue *queue = &bench->queues[0];
    uint16_t free_count = virtio_queue_free(queue);
    uint16_t available = fake_queue_available_index(fake_queue(bench));

    assert_result(virtio_submit(queue, chain, NULL), error);
    assert_ok(virtio_kick(queue));
    assert_int_equal(virtio_queue_free(queue), free_count);
    assert_int_equal(fake_queue_available_index(fake_queue(bench)), available);
}

static void test_p63_zero_length_buffer_is_refused(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;

    bench_start(bench, 8);
    virtio_prepare(queue, &chain);
    assert_ok(virtio_append_desc(queue, bench->shared.device_address, 8, 0, &chain));
    assert_result(virtio_append_desc(queue, bench->shared.device_address, 0, 0, &chain),
                  VIRTIO_E_ZERO_LENGTH);
    check_refused(bench, &chain, VIRTIO_E_ZERO_LENGTH);
    bench_stop(bench);
}

static void test_p64_readable_after_writable_is_refused(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    uint64_t address = 0;
    struct virtio_chain chain;

    bench_start(bench, 8);
    address = bench->shared.device_address;
    virtio_prepare(queue, &chain);
    assert_ok(virtio_append_desc(queue, address, 8, VIRTQ_DESC_F_WRITE, &chain));
    assert_result(virtio_append_desc(queue, address, 8, 0, &chain), VIRTIO_E_ORDER);
    check_refused(bench, &chain, VIRTIO_E_ORDER);
    bench_stop(bench);
}

static void test_p65_chain_longer_than_the_queue_is_refused(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;

    bench_start(bench, 4);
    virtio_prepare(queue, &chain);
    for (unsigned i = 0; i < 4; i++)
        assert_ok(virtio_append_desc(queue, bench->shared.device_address, 8, 0, &chain));
    assert_result(virtio_append_desc(queue, bench->shared.device_address, 8, 0, &chain),
                  VIRTIO_E_TOO_LONG);
    check_refused(bench, &chain, VIRTIO_E_TOO_LONG);
    bench_stop(bench);
}

static void test_p65_chain_of_more_than_32_bits_is_refused(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    uint64_t address = 0;
    struct virtio_chain chain;

    bench_start(bench, 8);
    address = bench->shared.device_address;
    virtio_prepare(queue, &chain);
    assert_ok(virtio_append_desc(queue, address, 0x80000000, 0, &chain));
    assert_ok(virtio_append_desc(queue, address, 0x7fffffff, VIRTQ_DESC_F_WRITE, &chain));
    assert_result(virtio_append_desc(queue, address, 1, VIRTQ_DESC_F_WRITE, &chain),
                  VIRTIO_E_TOO_LONG);
    check_refused(bench, &chain, VIRTIO_E_TOO_LONG);
    bench_stop(bench);
}

static void test_append_to_a_full_queue_says_full(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 4);
    assert_ok(bench_submit(bench, 4, 4, bench_cookie(1)));
    virtio_prepare(queue, &chain);
    for (unsigned i = 0; i < 2; i++)
        assert_ok(virtio_append_desc(queue, bench->shared.device_address, 8, 0, &chain));
    assert_result(virtio_append_desc(queue, bench->shared.device_address, 8, 0, &chain),
                  VIRTIO_E_FULL);
    assert_result(virtio_submit(queue, &chain, NULL), VIRTIO_E_FULL);
    assert_ok(virtio_kick(queue));
    bench_reap(bench, 1);
    bench_request(bench, 4, 4, bench_cookie(2)); /* now there is room */
    bench_reap(bench, 2);
    bench_stop(bench);
}

static void test_append_with_other_flags_is_refused(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    static const uint16_t wrong[] = {VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_INDIRECT,
                                     VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_INDIRECT, 8, 0x8000};

    bench_start(bench, 8);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct virtio_chain chain;

        virtio_prepare(queue, &chain);
        assert_result(virtio_append_desc(queue, bench->shared.device_address, 8, wrong[i], &chain),
                      VIRTIO_E_INVALID);
        check_refused(bench, &chain, VIRTIO_E_INVALID);
    }
    bench_stop(bench);
}

/* All or nothing: the first error is the one that counts, later appends do not heal it. */
static void test_first_append_error_stays(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;

    bench_start(bench, 8);
    virtio_prepare(queue, &chain);
    assert_result(virtio_append_desc(queue, bench->shared.device_address, 0, 0, &chain),
                  VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_append_desc(queue, bench->shared.device_address, 8, 4, &chain),
                  VIRTIO_E_INVALID);
    assert_ok(virtio_append_desc(queue, bench->shared.device_address, 8, 0, &chain));
    check_refused(bench, &chain, VIRTIO_E_ZERO_LENGTH);
    bench_stop(bench);
}

static void test_empty_chain_is_refused(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;

    bench_start(bench, 8);
    virtio_prepare(queue, &chain);
    check_refused(bench, &chain, VIRTIO_E_INVALID);
    assert_result(virtio_submit_buffers(queue, NULL, 0, 0, NULL), VIRTIO_E_INVALID);
    bench_stop(bench);
}

static void test_abandoned_chain_leaves_no_trace(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 4);
    for (uintptr_t i = 0; i < 20; i++) {
        virtio_prepare(queue, &chain);
        for (unsigned j = 0; j < 1 + i % 4; j++)
            assert_ok(virtio_append_desc(queue, bench->shared.device_address, 9, 0, &chain));
        bench_request(bench, 4, 4, bench_cookie(i));
        bench_reap(bench, i);
    }
    assert_int_equal(virtio_queue_free(queue), 4);
    assert_int_equal(fake_queue(bench)->completed, 20);
    bench_stop(bench);
}

static void test_older_chain_is_stale(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain older;
    struct virtio_chain newer;

    bench_start(bench, 8);
    virtio_prepare(queue, &older);
    assert_ok(virtio_append_desc(queue, bench->shared.device_address, 8, 0, &older));
    virtio_prepare(queue, &newer);
    assert_result(virtio_submit(queue, &older, NULL), VIRTIO_E_STALE);
    assert_ok(virtio_append_desc(queue, bench->shared.device_address, 8, 0, &newer));
    assert_result(virtio_append_desc(queue, bench->shared.device_address, 8, 0, &older),
                  VIRTIO_E_STALE);
    assert_result(virtio_submit(queue, &older, NULL), VIRTIO_E_STALE);
    assert_ok(virtio_submit(queue, &newer, NULL));
    assert_result(virtio_submit(queue, &newer, NULL), VIRTIO_E_STALE);
    assert_int_equal(virtio_queue_free(queue), 7);
    bench_stop(bench);
}

/* A chain that was begun on a full queue goes on when completions have made room, with the descriptors
 * that are free then and none that are in flight. */
static void test_chain_begun_on_a_full_queue(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;

    bench_start(bench, 4);
    for (uintptr_t i = 0; i < 4; i++)
        bench_request(bench, 4, 0, bench_cookie(i));
    fake_queue_take_all(fake_queue(bench));
    virtio_prepare(queue, &chain);
    fake_chain_complete(fake_queue_chain(fake_queue(bench), 2), 0);
    bench_reap(bench, 2);
    assert_ok(virtio_append_desc(queue, bench->shared.device_address, 9, 0, &chain));
    assert_ok(virtio_submit(queue, &chain, bench_cookie(4)));
    assert_ok(virtio_kick(queue));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    while (fake_queue(bench)->chains)
        fake_chain_complete(fake_queue(bench)->chains, 0);
    bench_reap(bench, 0);
    bench_reap(bench, 1);
    bench_reap(bench, 3);
    bench_reap(bench, 4);
    bench_stop(bench);
}

/* The same when completions come between two appends. */
static void test_reap_between_appends(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;

    bench_start(bench, 4);
    bench_request(bench, 4, 4, bench_cookie(1));
    fake_queue_take_all(fake_queue(bench));
    virtio_prepare(queue, &chain);
    assert_ok(virtio_append_desc(queue, bench->shared.device_address, 1, 0, &chain));
    assert_ok(virtio_append_desc(queue, bench->shared.device_address, 2, 0, &chain));
    fake_chain_complete(fake_queue(bench)->chains, 0);
    bench_reap(bench, 1);
    assert_ok(virtio_append_desc(queue, bench->shared.device_address, 3, 0, &chain));
    assert_ok(
        virtio_append_desc(queue, bench->shared.device_address, 4, VIRTQ_DESC_F_WRITE, &chain));
    assert_ok(virtio_submit(queue, &chain, bench_cookie(2)));
    assert_ok(virtio_kick(queue));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(fake_queue(bench)->chains->descriptors[i].length, i + 1);
    bench_stop(bench);
}

/* virtio_submit_buffers -------------------------------------------------------------------------- */

static void test_submit_buffers_of_every_shape(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_buffer buffers[8];

    bench_start(bench, 8);
    for (unsigned i = 0; i < 8; i++)
        buffers[i] = (struct virtio_buffer){bench->shared.device_address + 256 * i, 10 + i};
    for (uint16_t readable = 0; readable <= 4; readable++) {
        for (uint16_t writable = 0; writable <= 4; writable++) {
            const struct fake_chain *chain;

            if (readable + writable == 0)
                continue;
            assert_ok(virtio_submit_buffers(queue, buffers, readable, writable, bench_cookie(1)));
            assert_ok(virtio_kick(queue));
            assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
            chain = fake_queue(bench)->chains;
            assert_int_equal(chain->count, readable + writable);
            for (unsigned i = 0; i < chain->count; i++) {
                assert_int_equal(chain->descriptors[i].address, buffers[i].device_address);
                assert_int_equal(chain->descriptors[i].length, buffers[i].length);
                assert_int_equal(chain->descriptors[i].writable, i >= readable);
            }
            /* The most that may be said to have been written: the accounting of readable and writable. */
            fake_chain_complete(fake_queue(bench)->chains, (uint32_t)chain->writable);
            bench_reap(bench, 1);
        }
    }
    bench_stop(bench);
}

static void expect_in_table(struct bench *bench, const struct virtio_buffer *buffers)
{
    struct fake_chain *chain;

    assert_ok(virtio_kick(&bench->queues[0]));
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    chain = fake_queue(bench)->chains;
    assert_int_equal(chain->slot_count, 1);
    assert_int_equal(chain->count, 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(chain->descriptors[i].address, buffers[i].device_address);
        assert_int_equal(chain->descriptors[i].length, buffers[i].length);
        assert_int_equal(chain->descriptors[i].writable, i >= 3);
    }
    fake_chain_complete(chain, (uint32_t)chain->writable);
    bench_reap(bench, 1);
}

/* Long chains go out as tables: made for one request, and kept, with a buffer that changes. */
static void test_tables_say_what_the_chain_says(struct bench *bench)
{
    static const struct virtio_queue_options options = {.size_limit = 16, .table_length = 8};
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_buffer buffers[8];
    struct virtio_prepared prepared;

    bench->fake.queues[0].maximum = 16;
    bench_begin(bench);
    assert_ok(virtio_queue_start_with(queue, &bench->device, 0, &options));
    assert_ok(virtio_allocate_shared(&bench->device, 4096, 64, &bench->shared));
    assert_ok(virtio_device_ready(&bench->device));
    for (unsigned i = 0; i < 8; i++)
        buffers[i] = (struct virtio_buffer){bench->shared.device_address + 256 * i, 10 + i};
    assert_ok(virtio_submit_buffers(queue, buffers, 3, 5, bench_cookie(1)));
    expect_in_table(bench, buffers);
    assert_ok(virtio_prepared_begin(queue, &prepared, buffers, 3, 5));
    assert_ok(virtio_submit_prepared(queue, &prepared, bench_cookie(1)));
    expect_in_table(bench, buffers);
    assert_ok(
        virtio_prepared_point(queue, &prepared, 5, bench->shared.device_address + 3000, 0x104));
    assert_ok(virtio_submit_prepared(queue, &prepared, bench_cookie(1)));
    assert_int_equal(buffers[5].length, 0x104);
    expect_in_table(bench, buffers);
    assert_ok(virtio_prepared_end(queue, &prepared));
    bench_stop(bench);
}

static void test_submit_buffers_refuses(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_buffer buffers[5];

    bench_start(bench, 4);
    for (unsigned i = 0; i < 5; i++)
        buffers[i] = (struct virtio_buffer){bench->shared.device_address, 8};
    assert_result(virtio_submit_buffers(queue, buffers, 3, 2, NULL), VIRTIO_E_TOO_LONG);
    assert_result(virtio_submit_buffers(queue, buffers, 0xffff, 0xffff, NULL), VIRTIO_E_TOO_LONG);
    for (unsigned zero = 0; zero < 4; zero++) {
        buffers[zero].length = 0;
        assert_result(virtio_submit_buffers(queue, buffers, 2, 2, NULL), VIRTIO_E_ZERO_LENGTH);
        buffers[zero].length = 8;
    }
    buffers[0].length = buffers[3].length = 0x80000000;
    assert_result(virtio_submit_buffers(queue, buffers, 2, 2, NULL), VIRTIO_E_TOO_LONG);
    buffers[0].length = buffers[3].length = 8;
    assert_ok(virtio_submit_buffers(queue, buffers, 1, 0, NULL));
    assert_result(virtio_submit_buffers(queue, buffers, 2, 2, NULL), VIRTIO_E_FULL);
    assert_int_equal(virtio_queue_free(queue), 3);
    /* A packed ring shows a chain when it is submitted. */
    assert_int_equal(fake_queue_available_index(fake_queue(bench)), queue->packed);
    bench_stop(bench);
}

/* Notifications ---------------------------------------------------------------------------------- */

static uint64_t register_accesses(const struct bench *bench)
{
    return bench->host.counts[FAKE_REGISTER_READ] + bench->host.counts[FAKE_REGISTER_WRITE] +
           bench->host.counts[FAKE_CONFIG_READ] + bench->host.counts[FAKE_CONFIG_WRITE];
}

/* DESIGN: one kick, one access, and none for anything else on the data path. */
static void test_one_kick_is_one_register_access(struct bench *bench)
{
    uint64_t before;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    before = register_accesses(bench);
    for (uintptr_t i = 0; i < 4; i++)
        assert_ok(bench_submit(bench, 4, 4, bench_cookie(i)));
    assert_int_equal(register_accesses(bench), before);
    assert_ok(virtio_kick(&bench->queues[0]));
    assert_int_equal(register_accesses(bench), before + 1);
    assert_int_equal(fake_queue(bench)->notifications, 1);
    assert_ok(virtio_kick(&bench->queues[0])); /* nothing new */
    for (uintptr_t i = 0; i < 4; i++)
        bench_reap(bench, i);
    assert_int_equal(register_accesses(bench), before + 1);
    assert_int_equal(fake_queue(bench)->idle_notifications, 0);
    bench_stop(bench);
}

static void test_flush_of_a_fast_device_is_one_register_access(struct bench *bench)
{
    struct virtio_chain chain;
    uint64_t before;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    before = register_accesses(bench);
    virtio_prepare(&bench->queues[0], &chain);
    assert_ok(virtio_append_desc(&bench->queues[0], bench->shared.device_address, 8, 0, &chain));
    assert_ok(virtio_flush(&bench->queues[0], &chain, NULL));
    assert_int_equal(register_accesses(bench), before + 1);
    bench_stop(bench);
}

/* A field of the used ring that means nothing in this mode says whatever it likes. */
static void mislead(struct bench *bench, size_t offset, uint16_t value)
{
    const uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};

    fake_ring_write(fake_queue(bench), offset, bytes, sizeof(bytes));
}

/* Without EVENT_IDX avail_event is not looked at: not when it wants nothing, and not when it wants this one. */
static void test_avail_event_without_event_idx(struct bench *bench)
{
    static const uint16_t events[] = {0, 1, 2, 3, 5, 0x7fff, 0x8000, 0xfffe, 0xffff};
    unsigned notified = 0;

    bench_start(bench, 8);
    for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        for (unsigned suppress = 0; suppress < 2; suppress++) {
            fake_queue_suppress(fake_queue(bench), suppress != 0);
            mislead(bench, 4 + 8 * 8, events[i]);
            bench_request(bench, 4, 4, bench_cookie(1));
            notified += 1 - suppress;
            assert_int_equal(fake_queue(bench)->notifications, notified);
            assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
            fake_chain_complete(fake_queue_chain(fake_queue(bench), 0), 0);
            bench_reap(bench, 1);
        }
    }
    bench_stop(bench);
}

/* With EVENT_IDX the flag is not looked at: avail_event alone says whether a notification is wanted. */
static void test_used_flags_with_event_idx(struct bench *bench)
{
    unsigned notified = 0;

    bench_start(bench, 8);
    for (unsigned i = 0; i < 8; i++) {
        bool is_wanted = (i & 1) != 0;

        fake_queue_suppress(fake_queue(bench), !is_wanted);
        mislead(bench, 0, is_wanted ? 1 : 0); /* NO_NOTIFY, where one is wanted */
        bench_request(bench, 4, 4, bench_cookie(1));
        notified += is_wanted;
        assert_int_equal(fake_queue(bench)->notifications, notified);
        assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
        fake_chain_complete(fake_queue_chain(fake_queue(bench), 0), 0);
        bench_reap(bench, 1);
    }
    bench_stop(bench);
}

static void test_suppressed_notification_is_not_sent(struct bench *bench)
{
    bench_start(bench, 8);
    fake_queue_suppress(fake_queue(bench), true);
    bench_request(bench, 4, 4, bench_cookie(1));
    assert_int_equal(fake_queue(bench)->notifications, 0);
    assert_int_not_equal(fake_queue_available_index(fake_queue(bench)),
                         0); /* but it was published */
    fake_queue_suppress(fake_queue(bench), false);
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    bench_request(bench, 4, 4, bench_cookie(2));
    assert_int_equal(fake_queue(bench)->notifications, 1);
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    bench_stop(bench);
}

static void test_p35_no_kick_before_driver_ok(struct bench *bench)
{
    struct virtio_buffer buffer;

    bench_begin(bench);
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, 256));
    assert_ok(virtio_allocate_shared(&bench->device, 64, 64, &bench->shared));
    buffer = (struct virtio_buffer){bench->shared.device_address, 8};
    assert_ok(virtio_submit_buffers(&bench->queues[0], &buffer, 1, 0, bench_cookie(1)));
    assert_result(virtio_kick(&bench->queues[0]), VIRTIO_E_STATE);
    assert_int_equal(fake_queue(bench)->notifications, 0);
    assert_int_equal(fake_queue_available_index(fake_queue(bench)), bench->queues[0].packed);
    assert_ok(virtio_device_ready(&bench->device));
    assert_ok(virtio_kick(&bench->queues[0]));
    assert_int_equal(fake_queue(bench)->notifications, 1);
    assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
    bench_stop(bench);
}

/* The doorbells of several queues are different, and each rings its own. */
static void test_p22_each_queue_has_its_doorbell(struct bench *bench)
{
    struct virtio_buffer buffer;

    bench->fake.queue_count = 2;
    bench->fake.queues[1].maximum = 64;
    bench_begin(bench);
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, 256));
    assert_ok(virtio_queue_start(&bench->queues[1], &bench->device, 1, 64));
    assert_ok(virtio_allocate_shared(&bench->device, 64, 64, &bench->shared));
    assert_ok(virtio_device_ready(&bench->device));
    buffer = (struct virtio_buffer){bench->shared.device_address, 8};
    assert_ok(virtio_submit_buffers(&bench->queues[1], &buffer, 1, 0, NULL));
    assert_ok(virtio_kick(&bench->queues[1]));
    assert_int_equal(bench->fake.queues[0].notifications, 0);
    assert_int_equal(bench->fake.queues[1].notifications, 1);
    assert_ok(virtio_submit_buffers(&bench->queues[0], &buffer, 1, 0, NULL));
    assert_ok(virtio_kick(&bench->queues[0]));
    assert_int_equal(bench->fake.queues[0].notifications, 1);
    assert_int_equal(bench->fake.queues[1].notifications, 1);
    bench_stop(bench);
}

/* Re-entry --------------------------------------------------------------------------------------- */

struct intruder {
    struct bench *bench;
    enum fake_event_kind at;
    unsigned calls;
};

static void intrude(void *context, const struct fake_event *event)
{
    struct intruder *intruder = context;
    struct virtio_queue *queue = &intruder->bench->queues[0];
    struct virtio_buffer buffer = {intruder->bench->shared.device_address, 8};
    struct virtio_done done;

    if (event->kind != intruder->at)
        return;
    intruder->calls++;
    assert_result(virtio_submit_buffers(queue, &buffer, 1, 0, NULL), VIRTIO_E_REENTRY);
    assert_result(virtio_kick(queue), VIRTIO_E_REENTRY);
    assert_result(virtio_reap(queue, &done), VIRTIO_E_REENTRY);
    assert_result(virtio_wait(queue, &done, 10), VIRTIO_E_REENTRY);
}

static void test_p71_reentry_is_refused(struct bench *bench)
{
    static const enum fake_event_kind where[] = {FAKE_REGISTER_WRITE, FAKE_RELAX, FAKE_NOW};
    struct virtio_queue *queue = &bench->queues[0];

    bench->fake.behaviour = &fake_echo;
    bench->fake.latency_us = 300;
    bench_start(bench, 8);
    for (unsigned i = 0; i < 3; i++) {
        struct intruder intruder = {bench, where[i], 0};
        struct virtio_chain chain;

        virtio_prepare(queue, &chain);
        assert_ok(virtio_append_desc(queue, bench->shared.device_address, 8, 0, &chain));
        bench->host.observer = intrude;
        bench->host.observer_context = &intruder;
        assert_ok(virtio_flush(queue, &chain, NULL));
        bench->host.observer = NULL;
        assert_true(intruder.calls > 0);
    }
    assert_int_equal(virtio_queue_free(queue), 8);
    bench_stop(bench);
}

/* States ----------------------------------------------------------------------------------------- */

static void test_calls_on_a_queue_that_is_not_live(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_buffer buffer = {0x1000, 8};
    struct virtio_done done;

    assert_result(virtio_submit_buffers(queue, &buffer, 1, 0, NULL), VIRTIO_E_STATE);
    assert_result(virtio_reap(queue, &done), VIRTIO_E_STATE);
    assert_result(virtio_wait(queue, &done, 1), VIRTIO_E_STATE);
    assert_result(virtio_drain(queue, &done), 0);
    assert_ok(virtio_ring_uninit(queue));
    bench_begin(bench);
    assert_ok(virtio_ring_init(queue, &bench->device, 0, 256));
    assert_result(virtio_submit_buffers(queue, &buffer, 1, 0, NULL), VIRTIO_E_STATE);
    assert_result(virtio_kick(queue), VIRTIO_E_STATE);
    assert_result(virtio_reap(queue, &done), VIRTIO_E_STATE);
    assert_result(virtio_wait(queue, &done, 1), VIRTIO_E_STATE);
    /* Not mapped: the device does not know it, so it may go at any time. */
    assert_ok(virtio_ring_uninit(queue));
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_p52_used_index_wraps, BENCH_ALL | BENCH_SPLIT_RINGS),
    TEST(test_p52_more_than_65536_requests, BENCH_PCI_MODERN | BENCH_MMIO_1 | BENCH_SPLIT_RINGS),
    TEST(test_p52_wraps_with_chains_in_flight, BENCH_ONE | BENCH_SPLIT),
    TEST(test_p42_tiny_queues_work, BENCH_ALL),
    TEST(test_many_in_flight_completed_out_of_order,
         BENCH_PCI_LEGACY | BENCH_MMIO_2 | BENCH_OUT_OF_ORDER),
    TEST(test_whole_queue_as_one_chain, BENCH_ONE),
    TEST(test_p53_one_available_entry_a_chain, BENCH_ONE | BENCH_SPLIT_RINGS),
    TEST(test_p63_zero_length_buffer_is_refused, BENCH_ONE),
    TEST(test_p64_readable_after_writable_is_refused, BENCH_ONE),
    TEST(test_p65_chain_longer_than_the_queue_is_refused, BENCH_ONE),
    TEST(test_p65_chain_of_more_than_32_bits_is_refused, BENCH_ONE),
    TEST(test_append_to_a_full_queue_says_full, BENCH_ONE),
    TEST(test_append_with_other_flags_is_refused, BENCH_ONE),
    TEST(test_first_append_error_stays, BENCH_ONE),
    TEST(test_empty_chain_is_refused, BENCH_ONE),
    TEST(test_abandoned_chain_leaves_no_trace, BENCH_ONE),
    TEST(test_older_chain_is_stale, BENCH_ONE),
    TEST(test_chain_begun_on_a_full_queue, BENCH_ONE | BENCH_OUT_OF_ORDER),
    TEST(test_reap_between_appends, BENCH_ONE),
    TEST(test_submit_buffers_of_every_shape, BENCH_ONE),
    TEST(test_tables_say_what_the_chain_says, BENCH_ALL | BENCH_SPLIT_EVENT | BENCH_PACKED_EVENT),
    TEST(test_submit_buffers_refuses, BENCH_ONE),
    TEST(test_one_kick_is_one_register_access, BENCH_ALL & ~BENCH_WINDOW),
    TEST(test_flush_of_a_fast_device_is_one_register_access, BENCH_ALL & ~BENCH_WINDOW),
    TEST(test_suppressed_notification_is_not_sent, BENCH_ALL),
    TEST(test_avail_event_without_event_idx, BENCH_ALL | BENCH_SPLIT),
    TEST(test_used_flags_with_event_idx, BENCH_ALL | BENCH_SPLIT_EVENT),
    TEST(test_p35_no_kick_before_driver_ok, BENCH_ALL),
    TEST(test_p22_each_queue_has_its_doorbell, BENCH_ALL),
    TEST(test_p71_reentry_is_refused, BENCH_ONE),
    TEST(test_calls_on_a_queue_that_is_not_live, BENCH_ALL),
};

BENCH_MAIN_RINGS(tests)
