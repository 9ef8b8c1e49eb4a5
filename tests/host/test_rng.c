/* SPDX-License-Identifier: MIT */
/*
 * The entropy driver (P100): answers that are short, empty, longer than asked for or never come; hooks
 * that fail; many in flight.
 */
#include "bench.h"
#include "fake_rng.h"

#include <string.h>

#define TIMEOUT_US 300000u

static struct virtio_rng rng;
static struct fake_rng source;
static uint8_t buffer[8192];

static void begin(struct bench *bench)
{
    memset(&rng, 0, sizeof(rng));
    fake_rng_begin(&source, &bench->fake);
    bench->fake.queues[0].maximum = 8;
}

static void start(struct bench *bench)
{
    bench_attach(bench);
    bench->device.timeout_us = TIMEOUT_US;
    assert_ok(virtio_rng_start(&rng, &bench->device));
}

static void begin_and_start(struct bench *bench)
{
    begin(bench);
    start(bench);
}

static void end(void)
{
    assert_ok(virtio_rng_stop(&rng));
}

static void assert_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(bytes[i], 0);
}

static void assert_sequence(const uint8_t *bytes, uint64_t from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != fake_rng_byte(from + i))
            fail_msg("byte %zu is not the device's %llu", i, (unsigned long long)from + i);
    }
}

/* A draw must be the device's next bytes, in order, and touch nothing else. */
static void check_draw(size_t count)
{
    uint64_t from = source.given;

    memset(buffer, 0xa5, sizeof(buffer));
    assert_ok(virtio_rng_read(&rng, buffer + 16, count));
    assert_sequence(buffer + 16, from, count);
    assert_int_equal(buffer[15], 0xa5);
    assert_int_equal(buffer[16 + count], 0xa5);
}

/* The blocking call ------------------------------------------------------------------------------ */

static void test_draws_of_every_length(struct bench *bench)
{
    static const size_t lengths[] = {1, 2, 31, 1023, 1024, 1025, 4096, 5000};

    begin_and_start(bench);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        check_draw(lengths[i]);
    end();
}

static void answer(uint32_t first, uint32_t second, uint32_t third)
{
    source.requests = 0;
    source.answers[0] = first;
    source.answers[1] = second;
    source.answers[2] = third;
    source.answer_count = 3;
}

static void test_p100_short_answers(struct bench *bench)
{
    begin_and_start(bench);
    answer(1, 7, FAKE_RNG_FULL);
    check_draw(100);
    assert_int_equal(source.requests, 3);
    answer(99, 1, FAKE_RNG_FULL);
    check_draw(100);
    assert_int_equal(source.requests, 2);
    answer(1023, 1, 1);
    check_draw(3000);
    end();
}

static void test_p100_empty_answers_are_asked_again(struct bench *bench)
{
    begin_and_start(bench);
    answer(0, 0, FAKE_RNG_FULL);
    check_draw(50);
    assert_int_equal(source.requests, 3);
    answer(0, 3, 0);
    check_draw(50);
    assert_int_equal(source.requests, 4);
    end();
}

static void test_p100_empty_answers_end(struct bench *bench)
{
    begin_and_start(bench);
    memset(source.answers, 0, sizeof(source.answers));
    source.answers[0] = 20; /* what came before is not handed out either */
    source.answer_count = 16;
    memset(buffer, 0xa5, sizeof(buffer));
    assert_result(virtio_rng_read(&rng, buffer, 100), VIRTIO_E_RESPONSE);
    assert_int_equal(source.requests, 1 + VIRTIO_RNG_EMPTY_ANSWERS_MAX);
    assert_zero(buffer, 100);
    assert_int_equal(buffer[100], 0xa5);
    source.answer_count = 0;
    check_draw(100);
    end();
}

/* More than asked for is a lie on a modern device: nothing of it is used. */
static void test_p100_longer_answers_are_lies(struct bench *bench)
{
    begin_and_start(bench);
    answer(FAKE_RNG_FULL, 1025, FAKE_RNG_FULL);
    memset(buffer, 0xa5, sizeof(buffer));
    assert_result(virtio_rng_read(&rng, buffer, 2048), VIRTIO_E_BROKEN);
    assert_zero(buffer, 2048);
    assert_int_equal(rng.device.state, VIRTIO_DEVICE_STOPPED);
    assert_result(virtio_rng_read(&rng, buffer, 1), VIRTIO_E_STATE);
    assert_ok(virtio_rng_stop(&rng));
    assert_ok(virtio_rng_start(&rng, &bench->device));
    check_draw(100);
    end();
}

/* On a legacy device the length is cut to what was asked for. */
static void test_p100_longer_answers_on_legacy(struct bench *bench)
{
    begin_and_start(bench);
    answer(1000000, FAKE_RNG_FULL, FAKE_RNG_FULL);
    check_draw(100);
    assert_int_equal(source.requests, 1);
    end();
}

/* Random bytes do not stay in memory that the device shares. */
static void test_the_shared_buffer_is_wiped(struct bench *bench)
{
    begin_and_start(bench);
    check_draw(3000);
    assert_zero(rng.shared.memory, VIRTIO_RNG_BUFFER_SIZE);
    end();
}

/* Where DMA is not coherent, it is given to the device and taken back with each request. */
static unsigned syncs[2];

static void count_syncs(void *context, const struct fake_event *event)
{
    (void)context;
    if (event->value != VIRTIO_RNG_BUFFER_SIZE)
        return;
    syncs[0] += event->kind == FAKE_SYNC_FOR_DEVICE;
    syncs[1] += event->kind == FAKE_SYNC_FOR_CPU;
}

static void test_p74_the_shared_buffer_is_synced(struct bench *bench)
{
    begin_and_start(bench);
    memset(syncs, 0, sizeof(syncs));
    bench->host.observer = count_syncs;
    check_draw(3000);
    bench->host.observer = NULL;
    assert_int_equal(syncs[0], 3);
    assert_int_equal(syncs[1], 3);
    end();
}

static void test_refusals(struct bench *bench)
{
    struct virtio_rng_done done;

    begin(bench);
    assert_ok(virtio_rng_stop(&rng));
    memset(buffer, 0xa5, 16);
    assert_result(virtio_rng_read(&rng, buffer, 16), VIRTIO_E_STATE);
    assert_zero(buffer, 16);
    start(bench);
    assert_result(virtio_rng_read(&rng, NULL, 16), VIRTIO_E_INVALID);
    assert_result(virtio_rng_read(&rng, buffer, 0), VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_rng_submit(&rng, NULL, 16, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_rng_submit(&rng, buffer, 0, NULL), VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_rng_wait(&rng, &done, 1000), VIRTIO_E_STATE);
    assert_result(virtio_rng_wait(&rng, &done, 0), VIRTIO_E_INVALID);
    assert_result(virtio_rng_drain(&rng, &done), VIRTIO_E_BUSY);
    assert_int_equal(source.requests, 0);
    bench->device.type = VIRTIO_ID_BLOCK;
    end();
    assert_result(virtio_rng_drain(&rng, &done), 0);
    assert_result(virtio_rng_start(&rng, &bench->device), VIRTIO_E_INVALID);
}

/* No answer (P69) -------------------------------------------------------------------------------- */

static void test_p69_a_timeout_halts_the_device(struct bench *bench)
{
    struct virtio_rng_done done;
    uint64_t from;

    begin_and_start(bench);
    source.silent = true;
    from = bench->host.now_us;
    memset(buffer, 0xa5, 16);
    assert_result(virtio_rng_read(&rng, buffer, 16), VIRTIO_E_TIMEOUT);
    assert_in_range(bench->host.now_us - from, TIMEOUT_US, 2 * TIMEOUT_US);
    assert_zero(buffer, 16);
    assert_int_equal(rng.device.state, VIRTIO_DEVICE_STOPPED);
    assert_int_equal(bench->fake.status, 0);
    assert_result(virtio_rng_kick(&rng), VIRTIO_E_STATE);
    assert_result(virtio_rng_reap(&rng, &done), VIRTIO_E_STATE);
    assert_result(virtio_rng_wait(&rng, &done, 1000), VIRTIO_E_STATE);
    assert_result(virtio_rng_submit(&rng, buffer, 16, NULL), VIRTIO_E_STATE);
    assert_result(virtio_rng_drain(&rng, &done), 0);
    assert_ok(virtio_rng_stop(&rng));
    assert_int_equal(fake_host_live(&bench->host), 0);
    source.silent = false;
    assert_ok(virtio_rng_start(&rng, &bench->device));
    check_draw(100);
    end();
}

static void test_p69_a_device_that_will_not_be_reset(struct bench *bench)
{
    unsigned live;

    begin_and_start(bench);
    live = fake_host_live(&bench->host);
    source.silent = true;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_rng_read(&rng, buffer, 16), VIRTIO_E_BUSY);
    assert_int_equal(rng.device.state, VIRTIO_DEVICE_LOST);
    assert_result(virtio_rng_stop(&rng), VIRTIO_E_TIMEOUT);
    assert_int_equal(fake_host_live(&bench->host), live);
    bench->fake.reset_polls = 0;
    end();
    assert_int_equal(fake_host_live(&bench->host), 0);
}

/* Asynchronous calls ----------------------------------------------------------------------------- */

static uint8_t *place(uintptr_t i)
{
    return buffer + i * 100;
}

/* Requests of 64 bytes until the queue is full; @return how many. */
static uintptr_t fill(void)
{
    uintptr_t i = 0;
    int error;

    memset(buffer, 0, sizeof(buffer));
    do {
        error = virtio_rng_submit(&rng, place(i), 64, bench_cookie(i));
        i += error == VIRTIO_OK;
    } while (error == VIRTIO_OK);
    assert_result(error, VIRTIO_E_FULL);
    assert_int_equal(i, rng.depth);
    assert_int_equal(rng.in_flight, i);
    return i;
}

static void test_as_many_in_flight_as_fit(struct bench *bench)
{
    struct virtio_rng_done done;

    begin_and_start(bench);
    for (unsigned round = 0; round < 3; round++) {
        uint64_t from = source.given;
        uintptr_t count = fill();

        assert_int_equal(count, 8);
        assert_result(virtio_rng_read(&rng, place(20), 8), VIRTIO_E_FULL);
        assert_result(virtio_rng_reap(&rng, &done), 0);
        assert_ok(virtio_rng_kick(&rng));
        for (uintptr_t i = 0; i < count; i++) {
            assert_result(virtio_rng_wait(&rng, &done, 1000), 1);
            assert_int_equal((uintptr_t)done.cookie, i);
            assert_ok(done.error);
            assert_int_equal(done.bytes, 64);
            assert_sequence(place(i), from + 64 * i, 64);
        }
        assert_int_equal(rng.in_flight, 0);
    }
    end();
}

/* A blocking draw leaves the others' answers for virtio_rng_reap. */
static void test_a_draw_among_others(struct bench *bench)
{
    struct virtio_rng_done done;

    begin_and_start(bench);
    assert_ok(virtio_rng_submit(&rng, place(1), 64, bench_cookie(1)));
    assert_ok(virtio_rng_submit(&rng, place(2), 64, bench_cookie(2)));
    assert_ok(virtio_rng_read(&rng, place(40), 64));
    assert_sequence(place(40), 128, 64);
    for (uintptr_t i = 1; i <= 2; i++) {
        assert_result(virtio_rng_reap(&rng, &done), 1);
        assert_int_equal((uintptr_t)done.cookie, i);
        assert_sequence(place(i), 64 * (i - 1), 64);
    }
    assert_result(virtio_rng_reap(&rng, &done), 0);
    end();
}

static void test_p100_answers_are_handed_out_as_they_are(struct bench *bench)
{
    struct virtio_rng_done done;

    begin_and_start(bench);
    answer(5, 0, FAKE_RNG_FULL);
    for (uintptr_t i = 0; i < 3; i++)
        assert_ok(virtio_rng_submit(&rng, place(i), 64, bench_cookie(i)));
    assert_result(virtio_rng_wait(&rng, &done, 1000), 1);
    assert_ok(done.error);
    assert_int_equal(done.bytes, 5);
    assert_result(virtio_rng_wait(&rng, &done, 1000), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    assert_result(done.error, VIRTIO_E_RESPONSE);
    assert_int_equal(done.bytes, 0);
    assert_result(virtio_rng_wait(&rng, &done, 1000), 1);
    assert_int_equal(done.bytes, 64);
    assert_sequence(place(2), 5, 64);
    end();
}

static void test_p100_a_longer_answer_in_flight(struct bench *bench)
{
    struct virtio_rng_done done;

    begin_and_start(bench);
    answer(65, FAKE_RNG_FULL, FAKE_RNG_FULL);
    assert_ok(virtio_rng_submit(&rng, place(0), 64, bench_cookie(7)));
    assert_ok(virtio_rng_kick(&rng));
    for (unsigned i = 0; i < 20; i++) {
        assert_result(virtio_rng_reap(&rng, &done), VIRTIO_E_BROKEN);
        assert_result(virtio_rng_submit(&rng, place(1), 64, NULL), VIRTIO_E_BROKEN);
    }
    assert_result(virtio_rng_kick(&rng), VIRTIO_E_BROKEN);
    assert_ok(virtio_rng_halt(&rng));
    assert_result(virtio_rng_drain(&rng, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 7);
    assert_result(done.error, VIRTIO_E_RESET);
    assert_int_equal(done.bytes, 0);
    assert_result(virtio_rng_drain(&rng, &done), 0);
    end();
}

static void test_halt_takes_everything_back(struct bench *bench)
{
    struct virtio_rng_done done;
    uintptr_t count;
    unsigned seen = 0;

    begin_and_start(bench);
    for (unsigned round = 0; round < 3; round++) {
        source.silent = round == 1;
        count = fill();
        if (round != 0)
            assert_ok(virtio_rng_kick(&rng));
        assert_ok(virtio_rng_halt(&rng));
        for (seen = 0; virtio_rng_drain(&rng, &done) == 1;) {
            unsigned bit = 1u << (uintptr_t)done.cookie;

            assert_int_equal(seen & bit, 0);
            seen |= bit;
            assert_result(done.error, round == 2 ? VIRTIO_OK : VIRTIO_E_RESET);
            assert_int_equal(done.bytes, round == 2 ? 64 : 0);
        }
        assert_int_equal(seen, (1u << count) - 1);
        assert_int_equal(rng.in_flight, 0);
        assert_ok(virtio_rng_stop(&rng));
        assert_ok(virtio_rng_start(&rng, round == 0 ? &bench->device : &rng.device));
    }
    end();
}

static void test_stop_with_requests_in_flight(struct bench *bench)
{
    begin_and_start(bench);
    for (unsigned round = 0; round < 4; round++) {
        source.silent = round % 2 != 0;
        fill();
        assert_ok(virtio_rng_kick(&rng));
        end();
        end();
        assert_int_equal(fake_host_live(&bench->host), 0);
        start(bench);
    }
    end();
}

/* Hooks that fail -------------------------------------------------------------------------------- */

static void test_p51_each_allocation_of_start_fails_in_turn(struct bench *bench)
{
    unsigned failures = 0;
    int error;

    begin(bench);
    bench_attach(bench);
    do {
        fake_host_fail_at(&bench->host, failures + 1);
        error = virtio_rng_start(&rng, &bench->device);
        if (bench->host.failed) {
            failures++;
            if (error == VIRTIO_OK) /* there was another way: the window in place of a mapped BAR */
                assert_ok(virtio_rng_stop(&rng));
            assert_int_equal(fake_host_live(&bench->host), 0);
            assert_int_equal(bench->fake.status, 0);
            assert_int_equal(rng.device.state, VIRTIO_DEVICE_FOUND);
        }
    } while (bench->host.failed && failures < 100);
    assert_ok(error);
    assert_true(failures >= 4);
    fake_host_fail_at(&bench->host, 0);
    check_draw(10);
    end();
}

static void test_buffers_that_cannot_be_mapped_or_unmapped(struct bench *bench)
{
    struct virtio_rng_done done;

    begin_and_start(bench);
    for (unsigned i = 0; i < 20; i++) {
        fake_host_fail_at(&bench->host, 1);
        assert_result(virtio_rng_submit(&rng, buffer, 64, NULL), VIRTIO_E_MAP);
    }
    assert_int_equal(rng.in_flight, 0);
    fake_host_fail_at(&bench->host, 0);
    bench->host.unmap_error = -1;
    assert_ok(virtio_rng_submit(&rng, buffer, 64, bench_cookie(3)));
    assert_result(virtio_rng_wait(&rng, &done, 1000), 1);
    assert_int_equal((uintptr_t)done.cookie, 3);
    assert_result(done.error, VIRTIO_E_MAP);
    assert_int_equal(done.bytes, 0);
    bench->host.unmap_error = 0;
    check_draw(100); /* which maps nothing */
    end();
}

static void test_a_start_that_fails_sets_failed(struct bench *bench)
{
    begin(bench);
    bench->fake.queues[0].maximum = 0;
    bench_attach(bench);
    assert_result(virtio_rng_start(&rng, &bench->device), VIRTIO_E_NO_QUEUE);
    assert_int_equal(bench->fake.failures, 1);
    assert_int_equal(bench->fake.status, 0);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_p42_a_queue_of_one(struct bench *bench)
{
    begin(bench);
    bench->fake.queues[0].maximum = 1;
    start(bench);
    assert_int_equal(rng.depth, 1);
    check_draw(3000);
    assert_int_equal(fill(), 1);
    end();
}

static const struct bench_test tests[] = {
    TEST(test_draws_of_every_length, BENCH_HOSTS),
    TEST(test_p100_short_answers, BENCH_HOSTS),
    TEST(test_p100_empty_answers_are_asked_again, BENCH_ALL),
    TEST(test_p100_empty_answers_end, BENCH_ALL),
    TEST(test_p100_longer_answers_are_lies, BENCH_MODERN),
    TEST(test_p100_longer_answers_on_legacy, BENCH_LEGACY),
    TEST(test_the_shared_buffer_is_wiped, BENCH_ONE),
    TEST(test_p74_the_shared_buffer_is_synced, BENCH_SYNC),
    TEST(test_refusals, BENCH_ONE),
    TEST(test_p69_a_timeout_halts_the_device, BENCH_ALL),
    TEST(test_p69_a_device_that_will_not_be_reset, BENCH_ALL),
    TEST(test_as_many_in_flight_as_fit, BENCH_HOSTS),
    TEST(test_a_draw_among_others, BENCH_HOSTS | BENCH_WATCHED),
    TEST(test_p100_answers_are_handed_out_as_they_are, BENCH_HOSTS),
    TEST(test_p100_a_longer_answer_in_flight, BENCH_MODERN),
    TEST(test_halt_takes_everything_back, BENCH_HOSTS),
    TEST(test_stop_with_requests_in_flight, BENCH_HOSTS),
    TEST(test_p51_each_allocation_of_start_fails_in_turn, BENCH_HOSTS),
    TEST(test_buffers_that_cannot_be_mapped_or_unmapped, BENCH_ALL),
    TEST(test_a_start_that_fails_sets_failed, BENCH_ALL),
    TEST(test_p42_a_queue_of_one, BENCH_ALL),
};

BENCH_MAIN_RINGS(tests)
