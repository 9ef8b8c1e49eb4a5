/* SPDX-License-Identifier: MIT */
/*
 * Recovery of each driver (virtio_X_recover): after its device asked for a reset, lied about a ring, did not
 * answer, or was gone, with work in flight. Every cookie comes back exactly once, and then work goes on.
 */
#include "blk_bench.h"
#include "fake_console.h"
#include "fake_net.h"
#include "fake_rng.h"

#include <string.h>

#define TIMEOUT_US 3000u
#define DEPTH      5u

/* What goes wrong. */
enum cause {
    ASKS_FOR_RESET,
    LIES,
    IS_SILENT,
    IS_GONE,
    IS_HALTED, /* nothing: the driver took everything back */
    CAUSES
};

static const int errors[CAUSES] = {VIRTIO_E_NEEDS_RESET, VIRTIO_E_BROKEN, VIRTIO_E_TIMEOUT,
                                   VIRTIO_E_GONE, VIRTIO_E_STATE};

/* A legacy device has no way to ask for a reset. */
static bool happens(const struct bench *bench, enum cause cause)
{
    return cause != ASKS_FOR_RESET || !bench->legacy;
}

static void bring_about(struct bench *bench, enum cause cause, unsigned queue)
{
    if (cause == ASKS_FOR_RESET)
        bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    if (cause == LIES)
        fake_queue_push_used(&bench->fake.queues[queue], bench->fake.queues[queue].size, 0);
    if (cause == IS_GONE)
        bench_unplug(bench, true);
}

/* Recover with a driver's call; of a device that is gone only when it is back, and as often as is tried. */
#define RECOVER(bench, cause, call)                                                                \
    do {                                                                                           \
        if ((cause) == IS_GONE) {                                                                  \
            assert_result(call, VIRTIO_E_GONE);                                                    \
            assert_result(call, VIRTIO_E_GONE);                                                    \
            bench_unplug(bench, false);                                                            \
        }                                                                                          \
        assert_ok(call);                                                                           \
    } while (0)

/* Which cookies came back: numbers below DEPTH, each once. */
static unsigned came_back;

static void take_cookie(const void *cookie)
{
    uintptr_t number = (uintptr_t)cookie;

    assert_true(number < DEPTH);
    assert_int_equal(came_back & 1u << number, 0);
    came_back |= 1u << number;
}

static void expect_all_cookies(void)
{
    assert_int_equal(came_back, (1u << DEPTH) - 1);
    came_back = 0;
}

/* ---- blk ---- */

/* DEPTH reads and a half-done one; the device completes the first. */
static void submit_reads(void)
{
    for (uintptr_t i = 0; i < DEPTH; i++)
        assert_ok(
            virtio_blk_submit_read(&blk_disk, i, blk_buffer + i * SECTOR, SECTOR, bench_cookie(i)));
    assert_ok(virtio_blk_kick(&blk_disk));
    fake_blk_finish(&blk_fake, 0);
}

static void take_reads(int (*take)(struct virtio_blk *blk, struct virtio_blk_done *done))
{
    struct virtio_blk_done done;

    while (take(&blk_disk, &done) > 0) {
        take_cookie(done.cookie);
        assert_result(done.error, done.cookie == NULL ? VIRTIO_OK : VIRTIO_E_RESET);
    }
    expect_all_cookies();
    assert_int_equal(blk_disk.in_flight, 0);
}

/* Meet what is wrong; what completed before is taken for a cookie. */
static void meet_reads(int error)
{
    struct virtio_blk_done done;

    if (error == VIRTIO_E_STATE) {
        assert_ok(virtio_blk_halt(&blk_disk));
        return;
    }
    assert_result(virtio_blk_wait(&blk_disk, &done, TIMEOUT_US), 1);
    assert_ok(done.error);
    take_cookie(done.cookie);
    assert_result(virtio_blk_wait(&blk_disk, &done, TIMEOUT_US), error);
}

static void test_blk(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    bench->device.timeout_us = TIMEOUT_US;
    blk_fake.order = FAKE_BLK_HELD;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    for (unsigned round = 0; round < 2 * CAUSES; round++) {
        enum cause cause = round % CAUSES;

        if (!happens(bench, cause))
            continue;
        submit_reads();
        bring_about(bench, cause, 0);
        meet_reads(errors[cause]);
        RECOVER(bench, cause, virtio_blk_recover(&blk_disk));
        take_reads(virtio_blk_reap);
        blk_fake.order = FAKE_BLK_AT_ONCE;
        for (unsigned i = 0; i < 200; i++)
            blk_bench_read(i % 32, 1 + i % 4);
        blk_fake.order = FAKE_BLK_HELD;
    }
    blk_bench_end(bench);
}

/* One that is not back yet: what was in flight comes from the drain, and then it is recovered. */
static void test_blk_that_stays_away(struct bench *bench)
{
    struct virtio_blk_done done;

    blk_bench_begin(bench, 64);
    blk_fake.order = FAKE_BLK_HELD;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    submit_reads();
    bring_about(bench, IS_GONE, 0);
    assert_result(virtio_blk_recover(&blk_disk), VIRTIO_E_GONE);
    assert_result(virtio_blk_reap(&blk_disk, &done), VIRTIO_E_STATE);
    take_reads(virtio_blk_drain);
    assert_result(virtio_blk_drain(&blk_disk, &done), 0);
    assert_result(virtio_blk_recover(&blk_disk), VIRTIO_E_GONE);
    bench_unplug(bench, false);
    assert_ok(virtio_blk_recover(&blk_disk));
    assert_result(virtio_blk_reap(&blk_disk, &done), 0);
    blk_fake.order = FAKE_BLK_AT_ONCE;
    blk_bench_read(3, 2);
    blk_bench_end(bench);
}

/* A blocking call that fails leaves a halted disk, or a lost one; its own request comes back from nowhere. */
static void test_blk_after_a_blocking_call(struct bench *bench)
{
    static uint8_t own[SECTOR];
    struct virtio_blk_done done;

    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    blk_disk.device.timeout_us = TIMEOUT_US;
    blk_bench_fill_disk();
    for (unsigned round = 0; round < 4; round++) {
        bool lost = round % 2 != 0;

        blk_fake.order = FAKE_BLK_HELD;
        submit_reads();
        bench->fake.reset_polls = lost ? FAKE_FOR_EVER : 0;
        assert_result(virtio_blk_read(&blk_disk, 0, own, SECTOR),
                      lost ? VIRTIO_E_BUSY : VIRTIO_E_TIMEOUT);
        assert_result(virtio_blk_read(&blk_disk, 0, own, SECTOR), VIRTIO_E_STATE);
        if (lost)
            assert_result(virtio_blk_recover(&blk_disk), VIRTIO_E_TIMEOUT);
        bench->fake.reset_polls = 0;
        assert_ok(virtio_blk_recover(&blk_disk));
        take_reads(virtio_blk_reap);
        blk_fake.order = FAKE_BLK_AT_ONCE;
        blk_bench_read(0, 32);
        for (unsigned i = 0; i < blk_disk.depth; i++) /* no slot was lost */
            assert_ok(virtio_blk_submit_read(&blk_disk, 0, blk_buffer + i * SECTOR, SECTOR, NULL));
        assert_result(virtio_blk_submit_read(&blk_disk, 0, own, SECTOR, NULL), VIRTIO_E_FULL);
        assert_ok(virtio_blk_kick(&blk_disk));
        for (unsigned i = 0; i < blk_disk.depth; i++)
            assert_result(virtio_blk_reap(&blk_disk, &done), 1);
    }
    blk_bench_end(bench);
}

static void test_blk_has_another_capacity(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    fake_device_set_config(&bench->fake, FAKE_BLK_CAPACITY, 8, 32);
    assert_ok(virtio_blk_recover(&blk_disk));
    assert_int_equal(blk_disk.capacity, 32);
    assert_result(virtio_blk_read(&blk_disk, 32, blk_buffer, SECTOR), VIRTIO_E_OUT_OF_RANGE);
    assert_ok(virtio_blk_read(&blk_disk, 31, blk_buffer, SECTOR));
    blk_bench_end(bench);
}

/* ---- rng ---- */

static struct virtio_rng rng;
static struct fake_rng source;
static uint8_t bytes[DEPTH][64];

static void take_answers(int (*take)(struct virtio_rng *rng, struct virtio_rng_done *done))
{
    struct virtio_rng_done done;

    while (take(&rng, &done) > 0) {
        take_cookie(done.cookie);
        assert_result(done.error, done.cookie == NULL ? VIRTIO_OK : VIRTIO_E_RESET);
        assert_int_equal(done.bytes, done.cookie == NULL ? 64 : 0);
    }
    expect_all_cookies();
    assert_int_equal(rng.in_flight, 0);
}

static void ask(struct bench *bench)
{
    source.silent = true;
    for (uintptr_t i = 0; i < DEPTH; i++)
        assert_ok(virtio_rng_submit(&rng, bytes[i], 64, bench_cookie(i)));
    assert_ok(virtio_rng_kick(&rng));
    fake_chain_fill(fake_queue_chain(&bench->fake.queues[0], 0), 3);
    fake_chain_complete(fake_queue_chain(&bench->fake.queues[0], 0), 64);
    source.silent = false;
}

static void start_rng(struct bench *bench)
{
    memset(&rng, 0, sizeof(rng));
    fake_rng_begin(&source, &bench->fake);
    bench->fake.queues[0].maximum = 16;
    bench_attach(bench);
    bench->device.timeout_us = TIMEOUT_US;
    assert_ok(virtio_rng_start(&rng, &bench->device));
}

static void test_rng(struct bench *bench)
{
    struct virtio_rng_done done;

    start_rng(bench);
    for (unsigned round = 0; round < 2 * CAUSES; round++) {
        enum cause cause = round % CAUSES;

        if (!happens(bench, cause))
            continue;
        ask(bench);
        bring_about(bench, cause, 0);
        if (cause == IS_HALTED) {
            assert_ok(virtio_rng_halt(&rng));
        } else {
            assert_result(virtio_rng_wait(&rng, &done, TIMEOUT_US), 1);
            take_cookie(done.cookie);
            assert_result(virtio_rng_wait(&rng, &done, TIMEOUT_US), errors[cause]);
        }
        RECOVER(bench, cause, virtio_rng_recover(&rng));
        if (round < CAUSES) {
            assert_result(virtio_rng_wait(&rng, &done, TIMEOUT_US), 1);
            take_cookie(done.cookie);
        }
        take_answers(virtio_rng_reap);
        for (unsigned i = 0; i < 70; i++) /* around the ring and more */
            assert_ok(virtio_rng_read(&rng, bytes, sizeof(bytes)));
    }
    assert_ok(virtio_rng_stop(&rng));
}

static void test_rng_that_stays_away(struct bench *bench)
{
    start_rng(bench);
    ask(bench);
    bring_about(bench, IS_GONE, 0);
    assert_result(virtio_rng_recover(&rng), VIRTIO_E_GONE);
    assert_result(virtio_rng_reap(&rng, &(struct virtio_rng_done){NULL, 0, 0}), VIRTIO_E_STATE);
    take_answers(virtio_rng_drain);
    bench_unplug(bench, false);
    assert_ok(virtio_rng_recover(&rng));
    assert_ok(virtio_rng_read(&rng, bytes, sizeof(bytes)));
    assert_ok(virtio_rng_stop(&rng));
}

/* ---- net ---- */

static struct virtio_net net;
static struct fake_net fake_net;
static uint8_t frame[1514];

static void start_net(struct bench *bench, uint64_t features)
{
    struct virtio_net_options options = {
        .pairs = 2, .receive_buffers = 8, .transmit_buffers = 8, .receive_buffer_size = 512};

    fake_net_begin(&fake_net, &bench->fake, features);
    for (size_t i = 0; i < sizeof(frame); i++)
        frame[i] = (uint8_t)(i * 7);
    bench_attach(bench);
    bench->device.timeout_us = TIMEOUT_US;
    assert_ok(virtio_net_start(&net, &bench->device, &options));
}

static void receive_one(unsigned pair, uint32_t length, struct virtio_net_frame *received)
{
    static uint8_t copy[sizeof(frame)];

    assert_true(fake_net_give(&fake_net, pair, NULL, frame, length) > 0);
    assert_result(virtio_net_receive(&net, (uint16_t)pair, received), 1);
    assert_int_equal(received->length, length);
    assert_ok(virtio_net_copy(received, 0, copy, length));
    assert_memory_equal(copy, frame, length);
}

static void expect_traffic(void)
{
    struct virtio_net_frame received;

    for (unsigned i = 0; i < 50; i++) {
        receive_one(0, 60 + i, &received);
        assert_ok(virtio_net_release(&net, &received));
        assert_ok(virtio_net_send(&net, frame, 60 + i, NULL));
    }
    assert_int_equal(fake_net_buffers(&fake_net, 0), net.pairs[0].buffer_count);
    assert_int_equal(net.pairs[0].held, 0);
}

static void submit_frames(uint16_t pair)
{
    fake_net.silent = true;
    for (uintptr_t i = 0; i < DEPTH; i++)
        assert_ok(virtio_net_submit(&net, pair, frame, 100, NULL, bench_cookie(i)));
    assert_ok(virtio_net_kick(&net, pair));
    fake_net.silent = false;
}

static void take_frames(uint16_t pair)
{
    struct virtio_net_done done;

    while (virtio_net_reap(&net, pair, &done) > 0) {
        take_cookie(done.cookie);
        assert_result(done.error, VIRTIO_E_RESET);
    }
    expect_all_cookies();
    assert_int_equal(net.pairs[pair].in_flight, 0);
}

/* With frames on their way out, one lent in several parts, one waiting to be taken, and half of one more. */
static void test_net(struct bench *bench)
{
    start_net(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_CTRL_VQ);
    for (unsigned round = 0; round < 2 * CAUSES; round++) {
        enum cause cause = round % CAUSES;
        uint8_t half[12] = {0};
        struct virtio_net_frame lent;
        struct virtio_net_frame none;
        struct virtio_net_done done;

        if (!happens(bench, cause))
            continue;
        fake_put(&bench->fake, half + 10, 2, 2);
        receive_one(0, 1200, &lent);
        assert_true(lent.part_length < lent.length);
        submit_frames(0);
        assert_true(fake_net_use_buffer(&fake_net, 0, half, 12, 100));
        assert_result(virtio_net_receive(&net, 0, &none), 0);
        assert_true(fake_net_give(&fake_net, 0, NULL, frame, 100) > 0);
        bring_about(bench, cause, 1);
        if (cause == IS_HALTED)
            assert_ok(virtio_net_halt(&net));
        else
            assert_result(virtio_net_wait(&net, 0, &done, TIMEOUT_US), errors[cause]);
        if (round >= CAUSES && cause == IS_HALTED)
            assert_ok(virtio_net_release(&net, &lent));
        RECOVER(bench, cause, virtio_net_recover(&net));
        assert_result(virtio_net_receive(&net, 0, &none), 0);
        take_frames(0);
        if (lent.buffer != NULL) {
            assert_memory_equal(lent.data, frame, lent.part_length);
            assert_ok(virtio_net_release(&net, &lent));
            assert_ok(virtio_net_receive(&net, 0, &none));
        }
        expect_traffic();
    }
    assert_ok(virtio_net_stop(&net));
}

/* Several pairs: cookies come back from the pair that they were given to, and the pairs are asked for again. */
static void test_net_with_pairs(struct bench *bench)
{
    struct virtio_net_frame received;
    struct virtio_net_done done;

    start_net(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_MQ |
                         VIRTIO_NET_F_CTRL_MAC_ADDR);
    assert_int_equal(net.pair_count, 2);
    submit_frames(1);
    fake_net.pairs = 0;
    assert_ok(virtio_net_set_mac(&net, (const uint8_t[]){2, 0, 0, 0, 0, 1}));
    assert_ok(virtio_net_recover(&net));
    assert_int_equal(fake_net.pairs, 2);
    assert_int_equal(net.pair_count, 2);
    assert_memory_equal(net.mac, bench->fake.config, 6);
    assert_result(virtio_net_reap(&net, 0, &done), 0);
    take_frames(1);
    receive_one(1, 300, &received);
    assert_ok(virtio_net_release(&net, &received));
    expect_traffic();
    /* And from the drain, if it does not come to a recovery. */
    submit_frames(1);
    bring_about(bench, IS_GONE, 0);
    assert_result(virtio_net_recover(&net), VIRTIO_E_GONE);
    while (virtio_net_drain(&net, &done) > 0)
        take_cookie(done.cookie);
    expect_all_cookies();
    bench_unplug(bench, false);
    assert_ok(virtio_net_recover(&net));
    expect_traffic();
    assert_ok(virtio_net_stop(&net));
}

/* A blocking send on a device that would not even be reset, and then is after all: nothing stays behind. */
static void test_net_after_it_was_lost(struct bench *bench)
{
    struct virtio_net_done done;

    start_net(bench, VIRTIO_NET_F_MAC);
    for (unsigned round = 0; round < 20; round++) {
        fake_net.silent = true;
        bench->fake.reset_polls = FAKE_FOR_EVER;
        assert_result(virtio_net_send(&net, frame, 100, NULL), VIRTIO_E_BUSY);
        assert_result(virtio_net_recover(&net), VIRTIO_E_TIMEOUT);
        bench->fake.reset_polls = 0;
        fake_net.silent = false;
        assert_ok(virtio_net_recover(&net));
        assert_result(virtio_net_reap(&net, 0, &done), 0);
        expect_traffic();
    }
    assert_ok(virtio_net_stop(&net));
}

/* The device has lost count of a frame's buffers: recovery is what helps. */
static void test_net_that_lost_count(struct bench *bench)
{
    static const uint8_t nonsense[12] = {0};
    struct virtio_net_frame none;

    start_net(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_MRG_RXBUF);
    assert_true(fake_net_use_buffer(&fake_net, 0, nonsense, 12, 100));
    assert_result(virtio_net_receive(&net, 0, &none), VIRTIO_E_RESPONSE);
    assert_result(virtio_net_receive(&net, 0, &none), VIRTIO_E_RESPONSE);
    assert_ok(virtio_net_recover(&net));
    expect_traffic();
    assert_ok(virtio_net_stop(&net));
}

/* ---- console ---- */

static struct virtio_console console;
static struct fake_console fake_console;

static void start_console(struct bench *bench, unsigned ports)
{
    memset(&fake_console, 0, sizeof(fake_console));
    fake_console_begin(&fake_console, &bench->fake, ports);
    fake_console.introduces_ports = ports != 1;
    bench_attach(bench);
    bench->device.timeout_us = TIMEOUT_US;
    assert_ok(virtio_console_start(&console, &bench->device));
}

/* Bytes both ways on a port. */
static void expect_stream(uint32_t port)
{
    char text[8] = "";
    size_t count = 0;

    fake_console.sent = 0;
    assert_ok(virtio_console_write(&console, port, "hello", 5, &count));
    assert_int_equal(count, 5);
    assert_ok(virtio_console_flush(&console, port));
    assert_int_equal(fake_console.sent, 5);
    assert_memory_equal(fake_console.bytes, "hello", 5);
    assert_int_equal(fake_console_give(&fake_console, port, "world", 5), 5);
    assert_ok(virtio_console_read(&console, port, text, sizeof(text), &count));
    assert_int_equal(count, 5);
    assert_memory_equal(text, "world", 5);
}

static void test_console(struct bench *bench)
{
    start_console(bench, 1);
    for (unsigned round = 0; round < 2 * CAUSES; round++) {
        enum cause cause = round % CAUSES;
        char text[4];
        size_t count;

        if (!happens(bench, cause))
            continue;
        expect_stream(0);
        assert_int_equal(fake_console_give(&fake_console, 0, "left over", 9), 9);
        assert_ok(virtio_console_read(&console, 0, text, sizeof(text), &count));
        fake_console.silent = true;
        assert_int_equal(virtio_console_send(&console, 0, "lost", 4), 4);
        bring_about(bench, cause, 1);
        if (cause == IS_HALTED)
            assert_ok(virtio_console_halt(&console));
        else
            assert_result(virtio_console_flush(&console, 0), errors[cause]);
        fake_console.silent = false;
        RECOVER(bench, cause, virtio_console_recover(&console));
        expect_stream(0);
    }
    assert_ok(virtio_console_stop(&console));
}

static void test_console_with_ports(struct bench *bench)
{
    struct virtio_console_event event;
    unsigned added = 0;

    start_console(bench, FAKE_CONSOLE_PORTS);
    while (virtio_console_poll(&console, &event) > 0)
        continue;
    for (unsigned round = 0; round < 6; round++) {
        assert_ok(virtio_console_open(&console, 2));
        expect_stream(2);
        fake_console.message_count = 0;
        /* It has taken none of the latest messages when it fails. */
        fake_console.keeps_answers = true;
        for (unsigned i = 0; i < 20; i++) {
            assert_ok(virtio_console_close(&console, 2));
            assert_ok(virtio_console_open(&console, 2));
        }
        assert_int_not_equal(console.ports_due, 0);
        fake_console.keeps_answers = false;
        bring_about(bench, bench->legacy ? IS_GONE : ASKS_FOR_RESET, 0);
        if (bench->legacy)
            bench_unplug(bench, false);
        assert_ok(virtio_console_recover(&console));
        added = 0;
        while (virtio_console_poll(&console, &event) > 0) {
            if ((event.changes & VIRTIO_CONSOLE_ADDED) != 0) {
                assert_true((event.changes & VIRTIO_CONSOLE_REMOVED) != 0);
                added++;
            }
        }
        assert_int_equal(added, FAKE_CONSOLE_PORTS);
        assert_int_equal(console.ports_due, 0);
        assert_int_equal(fake_console.dropped, 0);
        assert_true(console.ports[2].present);
    }
    assert_ok(virtio_console_stop(&console));
}

/* ---- input and balloon: devices that this file makes up ---- */

static struct virtio_input input;
static struct virtio_balloon balloon;
static bool is_silent;
static unsigned statistics; /* bytes of the latest */

static void just_complete(struct fake_device *device, struct fake_chain *chain)
{
    bool is_input = device->type == VIRTIO_ID_INPUT;

    if (!is_input && chain->queue->index == 2)
        statistics = (unsigned)chain->readable;
    else if (!is_silent && !(is_input && chain->queue->index == 0))
        fake_chain_complete(chain, 0);
}

static const struct fake_behaviour obliging = {.request = just_complete};

static void make_device(struct bench *bench, uint32_t type, unsigned queues, uint32_t config_size)
{
    is_silent = false;
    statistics = 0;
    bench->fake.type = type;
    bench->fake.behaviour = &obliging;
    bench->fake.queue_count = queues;
    bench->fake.config_size = config_size;
    for (unsigned i = 0; i < queues; i++)
        bench->fake.queues[i].maximum = 16;
    bench_attach(bench);
    bench->device.timeout_us = TIMEOUT_US;
}

static void give_event(struct bench *bench, uint8_t code)
{
    const uint8_t event[8] = {1, 0, code, 0, 1, 0, 0, 0};

    fake_queue_take_all(&bench->fake.queues[0]);
    assert_non_null(fake_queue_chain(&bench->fake.queues[0], 0));
    fake_chain_write(fake_queue_chain(&bench->fake.queues[0], 0), 0, event, 8);
    fake_chain_complete(fake_queue_chain(&bench->fake.queues[0], 0), 8);
}

static void expect_events(struct bench *bench)
{
    struct virtio_input_event event;

    for (uint8_t code = 1; code < 100; code++) {
        give_event(bench, code);
        assert_result(virtio_input_poll(&input, &event), 1);
        assert_int_equal(event.code, code);
        assert_ok(virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 0, 1));
    }
    assert_result(virtio_input_poll(&input, &event), 0);
}

static void test_input(struct bench *bench)
{
    struct virtio_input_event event;

    make_device(bench, VIRTIO_ID_INPUT, 2, 136);
    assert_ok(virtio_input_start(&input, &bench->device));
    for (unsigned round = 0; round < 2 * CAUSES; round++) {
        enum cause cause = round % CAUSES;

        if (!happens(bench, cause))
            continue;
        expect_events(bench);
        is_silent = true;
        assert_ok(virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 0, 1));
        is_silent = false;
        bring_about(bench, cause, 0);
        if (cause == IS_HALTED)
            assert_ok(virtio_input_halt(&input));
        else
            assert_result(virtio_input_wait(&input, &event, TIMEOUT_US), errors[cause]);
        if (cause == IS_SILENT)
            give_event(bench, 77); /* not taken: lost */
        RECOVER(bench, cause, virtio_input_recover(&input));
        assert_result(virtio_input_poll(&input, &event), 0);
        expect_events(bench);
    }
    assert_ok(virtio_input_stop(&input));
}

static void test_balloon(struct bench *bench)
{
    const struct virtio_balloon_options options = {
        .statistics = 1u << VIRTIO_BALLOON_S_MEMFREE, .poisons = true, .poison_value = 0x12345678};
    static const uint64_t pages[3] = {0x1000, 0x2000, 0x5000};
    uint64_t values[VIRTIO_BALLOON_STATISTICS] = {0};

    bench->fake.features |= VIRTIO_BALLOON_F_STATS_VQ | VIRTIO_BALLOON_F_PAGE_POISON |
                            VIRTIO_BALLOON_F_FREE_PAGE_HINT | VIRTIO_BALLOON_F_PAGE_REPORTING;
    make_device(bench, VIRTIO_ID_BALLOON, 5, 16);
    assert_ok(virtio_balloon_start(&balloon, &bench->device, &options));
    for (unsigned round = 0; round < 2 * CAUSES; round++) {
        enum cause cause = round % CAUSES;

        if (!happens(bench, cause))
            continue;
        assert_ok(virtio_balloon_inflate(&balloon, pages, 3));
        assert_int_equal(balloon.actual, 3);
        is_silent = true;
        bring_about(bench, cause, 0);
        if (cause == IS_HALTED)
            assert_ok(virtio_balloon_halt(&balloon));
        else
            assert_result(virtio_balloon_inflate(&balloon, pages, 1), errors[cause]);
        is_silent = false;
        statistics = 0;
        memset(bench->fake.config + 12, 0, 4);
        RECOVER(bench, cause, virtio_balloon_recover(&balloon));
        assert_int_equal(balloon.actual, 0);
        assert_int_equal(statistics, 30);
        assert_memory_equal(bench->fake.config + 12, "\x78\x56\x34\x12", 4);
        assert_result(virtio_balloon_statistics_due(&balloon), 0);
        fake_chain_complete(fake_queue_chain(&bench->fake.queues[2], 0), 0);
        assert_ok(virtio_balloon_send_statistics(&balloon, values));
    }
    assert_ok(virtio_balloon_stop(&balloon));
}

/* ---- All ---- */

static void test_what_was_not_started_is_not_recovered(struct bench *bench)
{
    static struct virtio_blk no_blk;
    static struct virtio_rng no_rng;
    static struct virtio_net no_net;
    static struct virtio_console no_console;
    static struct virtio_input no_input;
    static struct virtio_balloon no_balloon;

    (void)bench;
    assert_result(virtio_blk_recover(&no_blk), VIRTIO_E_STATE);
    assert_result(virtio_rng_recover(&no_rng), VIRTIO_E_STATE);
    assert_result(virtio_net_recover(&no_net), VIRTIO_E_STATE);
    assert_result(virtio_console_recover(&no_console), VIRTIO_E_STATE);
    assert_result(virtio_input_recover(&no_input), VIRTIO_E_STATE);
    assert_result(virtio_balloon_recover(&no_balloon), VIRTIO_E_STATE);
}

/* Nothing is allocated, whatever is recovered, and a device that refuses leaves a driver that can be stopped. */
static void test_recovery_allocates_nothing(struct bench *bench)
{
    start_rng(bench);
    ask(bench);
    fake_host_fail_at(&bench->host, 1);
    assert_ok(virtio_rng_recover(&rng));
    assert_false(bench->host.failed);
    fake_host_fail_at(&bench->host, 0);
    take_answers(virtio_rng_reap);
    bench->fake.refuses_features = true;
    assert_result(virtio_rng_recover(&rng), bench->legacy ? VIRTIO_OK : VIRTIO_E_FEATURES);
    assert_ok(virtio_rng_stop(&rng));
}

static const struct bench_test tests[] = {
    TEST(test_blk, BENCH_ALL),
    TEST(test_blk_that_stays_away, BENCH_ALL),
    TEST(test_blk_after_a_blocking_call, BENCH_ALL),
    TEST(test_blk_has_another_capacity, BENCH_ALL),
    TEST(test_rng, BENCH_HOSTS),
    TEST(test_rng_that_stays_away, BENCH_ALL),
    TEST(test_net, BENCH_ALL),
    TEST(test_net_with_pairs, BENCH_ALL),
    TEST(test_net_after_it_was_lost, BENCH_ALL),
    TEST(test_net_that_lost_count, BENCH_ALL),
    TEST(test_console, BENCH_ALL),
    TEST(test_console_with_ports, BENCH_ALL),
    TEST(test_input, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_balloon, BENCH_ALL | BENCH_SPLIT_RINGS),
    TEST(test_what_was_not_started_is_not_recovered, BENCH_ONE),
    TEST(test_recovery_allocates_nothing, BENCH_ALL),
};

BENCH_MAIN_RINGS(tests)
