/* SPDX-License-Identifier: MIT */
/*
 * The block driver with several queues, and requests of several pieces of memory.
 */
#include "blk_bench.h"

#include <string.h>

#define MORE 3u

static struct virtio_blk more[MORE];

/* A device of `queues` queues. */
static void offer_queues(struct bench *bench, uint16_t queues)
{
    bench->fake.queue_count = queues;
    for (unsigned i = 0; i < queues; i++)
        bench->fake.queues[i].maximum = 64;
    blk_bench_offer(bench, VIRTIO_BLK_F_MQ, FAKE_BLK_NUM_QUEUES, 2, queues);
}

static int start(struct bench *bench, struct virtio_blk *queues, uint16_t count, uint16_t list_max)
{
    const struct virtio_blk_options options = {
        .queues = queues, .queue_count = count, .list_max = list_max};

    bench_attach(bench);
    return virtio_blk_start_with(&blk_disk, &bench->device, &options);
}

/* Queues ----------------------------------------------------------------------------------------- */

static void check_queue(struct virtio_blk *queue, uint16_t index, uint64_t sector)
{
    memset(blk_buffer, 0, 2 * SECTOR);
    assert_ok(virtio_blk_read(queue, sector, blk_buffer, 2 * SECTOR));
    blk_bench_assert_data(blk_buffer, sector, 2 * SECTOR);
    assert_int_equal(fake_blk_latest(&blk_fake, 0)->queue, index);
}

static void test_each_queue_carries_its_own(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    offer_queues(bench, 4);
    assert_ok(start(bench, more, MORE, 0));
    blk_bench_fill_disk();
    assert_int_equal(blk_disk.queue_count, 4);
    assert_int_equal(blk_disk.num_queues, 4);
    check_queue(&blk_disk, 0, 5);
    for (uint16_t i = 0; i < MORE; i++) {
        assert_int_equal(more[i].capacity, 64);
        assert_int_equal(more[i].depth, 21);
        check_queue(&more[i], (uint16_t)(i + 1), 7);
        assert_result(virtio_blk_read(&more[i], 64, blk_buffer, SECTOR), VIRTIO_E_OUT_OF_RANGE);
        assert_ok(virtio_blk_flush(&more[i]));
        assert_int_equal(fake_blk_latest(&blk_fake, 0)->queue, i + 1);
    }
    blk_bench_end(bench);
    for (uint16_t i = 0; i < MORE; i++)
        assert_result(virtio_blk_read(&more[i], 0, blk_buffer, SECTOR), VIRTIO_E_STATE);
}

/* One full queue leaves the others alone, and each hands back its own. */
static void test_queues_in_flight(struct bench *bench)
{
    struct virtio_blk *queues[] = {&blk_disk, &more[0], &more[1], &more[2]};
    struct virtio_blk_done done;

    blk_bench_begin(bench, 64);
    offer_queues(bench, 4);
    blk_fake.order = FAKE_BLK_HELD;
    assert_ok(start(bench, more, MORE, 0));
    blk_bench_fill_disk();
    for (uint16_t i = 0; i < more[0].depth; i++)
        assert_ok(virtio_blk_submit_read(&more[0], 0, blk_buffer + (4u + i) * SECTOR, SECTOR,
                                         bench_cookie(10)));
    assert_result(virtio_blk_submit_read(&more[0], 0, blk_buffer, SECTOR, NULL), VIRTIO_E_FULL);
    for (uintptr_t i = 0; i < 4; i += i == 0 ? 2 : 1)
        assert_ok(virtio_blk_submit_read(queues[i], i, blk_buffer + i * SECTOR, SECTOR,
                                         bench_cookie(20 + i)));
    for (unsigned i = 0; i < 4; i++) {
        assert_ok(virtio_blk_kick(queues[i]));
        assert_int_equal(queues[i]->in_flight, i == 1 ? more[0].depth : 1);
        assert_result(virtio_blk_reap(queues[i], &done), 0);
    }
    while (blk_fake.held_count != 0)
        fake_blk_finish(&blk_fake, 0);
    for (uintptr_t i = 4; i-- != 0;) {
        while (queues[i]->in_flight != 0) {
            assert_result(virtio_blk_reap(queues[i], &done), 1);
            assert_int_equal((uintptr_t)done.cookie, i == 1 ? 10 : 20 + i);
            assert_ok(done.error);
        }
        assert_result(virtio_blk_reap(queues[i], &done), 0);
    }
    blk_bench_assert_data(blk_buffer + 2 * SECTOR, 2, 2 * SECTOR);
    blk_bench_end(bench);
}

static void check_count(struct bench *bench, uint16_t has, uint16_t wants, uint16_t gets)
{
    blk_bench_begin(bench, 64);
    offer_queues(bench, has);
    assert_ok(start(bench, more, wants, 0));
    assert_int_equal(blk_disk.queue_count, gets);
    blk_bench_fill_disk();
    blk_bench_read(0, 3);
    if (gets > 1)
        check_queue(&more[gets - 2], (uint16_t)(gets - 1), 0);
    blk_bench_end(bench);
}

static void test_as_many_queues_as_there_are(struct bench *bench)
{
    check_count(bench, 4, 0, 1);
    check_count(bench, 4, 1, 2);
    check_count(bench, 2, 3, 2);
    check_count(bench, 1, 3, 1);
    blk_bench_begin(bench, 64); /* a device that says 0 has one */
    offer_queues(bench, 1);
    fake_device_set_config(&bench->fake, FAKE_BLK_NUM_QUEUES, 2, 0);
    assert_ok(start(bench, more, MORE, 0));
    assert_int_equal(blk_disk.queue_count, 1);
    blk_bench_end(bench);
    blk_bench_begin(bench, 64); /* without the feature the field is not read */
    offer_queues(bench, 4);
    bench->fake.features &= ~VIRTIO_BLK_F_MQ;
    assert_ok(start(bench, more, MORE, 0));
    assert_int_equal(blk_disk.queue_count, 1);
    assert_int_equal(blk_disk.num_queues, 0);
    blk_bench_end(bench);
}

static void test_mq_is_taken_when_asked_for(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    offer_queues(bench, 4);
    blk_bench_start(bench);
    assert_int_equal(bench->fake.driver_features & VIRTIO_BLK_F_MQ, 0);
    blk_bench_end(bench);
    assert_ok(start(bench, more, 1, 0));
    assert_true((bench->fake.driver_features & VIRTIO_BLK_F_MQ) != 0);
    assert_ok(virtio_blk_stop(&blk_disk));
    assert_result(start(bench, NULL, 1, 0), VIRTIO_E_INVALID);
}

/* A device that counts more queues than it has. */
static void test_a_queue_that_is_missing(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    offer_queues(bench, 2);
    fake_device_set_config(&bench->fake, FAKE_BLK_NUM_QUEUES, 2, 0xffff);
    assert_result(start(bench, more, MORE, 0), VIRTIO_E_NO_QUEUE);
    assert_int_equal(fake_host_live(&bench->host), 0);
    assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_FOUND);
    assert_ok(start(bench, more, 1, 0));
    blk_bench_fill_disk();
    check_queue(&more[0], 1, 0);
    blk_bench_end(bench);
}

static void test_each_allocation_fails_in_turn(struct bench *bench)
{
    unsigned failures = 0;
    int error;

    blk_bench_begin(bench, 64);
    offer_queues(bench, 3);
    blk_bench_fill_disk();
    bench_attach(bench);
    do {
        fake_host_fail_at(&bench->host, failures + 1);
        error = start(bench, more, 2, 4);
        if (bench->host.failed) {
            failures++;
            if (error == VIRTIO_OK)
                assert_ok(virtio_blk_stop(&blk_disk));
            assert_int_equal(fake_host_live(&bench->host), 0);
        }
    } while (bench->host.failed && failures < 100);
    assert_ok(error);
    assert_true(failures >= 12);
    fake_host_fail_at(&bench->host, 0);
    check_queue(&more[1], 2, 0);
    blk_bench_end(bench);
}

/* A reset takes back the requests of all queues, and each hands out its own. */
static void test_halted_with_all_queues_in_flight(struct bench *bench)
{
    struct virtio_blk_done done;

    blk_bench_begin(bench, 64);
    offer_queues(bench, 4);
    blk_fake.order = FAKE_BLK_HELD;
    assert_ok(start(bench, more, MORE, 0));
    for (uintptr_t i = 0; i < MORE; i++) {
        assert_ok(virtio_blk_submit_read(&more[i], 0, blk_buffer + 8192 + i * SECTOR, SECTOR,
                                         bench_cookie(i)));
        assert_ok(virtio_blk_kick(&more[i]));
        assert_result(virtio_blk_drain(&more[i], &done), VIRTIO_E_BUSY);
    }
    assert_result(virtio_blk_stop(&more[1]), VIRTIO_E_INVALID);
    assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_READY);
    assert_ok(virtio_blk_halt(&more[1])); /* the device's reset */
    assert_result(virtio_blk_drain(&blk_disk, &done), 0);
    for (uintptr_t i = MORE; i-- != 0;) {
        assert_result(virtio_blk_read(&more[i], 0, blk_buffer, SECTOR), VIRTIO_E_STATE);
        assert_result(virtio_blk_drain(&more[i], &done), 1);
        assert_int_equal((uintptr_t)done.cookie, i);
        assert_result(done.error, VIRTIO_E_RESET);
        assert_result(virtio_blk_drain(&more[i], &done), 0);
    }
    blk_bench_end(bench);
}

static void test_recovered_with_all_queues_in_flight(struct bench *bench)
{
    struct virtio_blk_done done;

    blk_bench_begin(bench, 64);
    offer_queues(bench, 4);
    blk_fake.order = FAKE_BLK_HELD;
    assert_ok(start(bench, more, MORE, 0));
    blk_bench_fill_disk();
    for (uintptr_t i = 0; i < MORE; i++) {
        assert_ok(virtio_blk_submit_read(&more[i], 0, blk_buffer + 8192 + i * SECTOR, SECTOR,
                                         bench_cookie(i)));
        assert_ok(virtio_blk_kick(&more[i]));
    }
    assert_result(virtio_blk_recover(&more[1]), VIRTIO_E_STATE);
    assert_ok(virtio_blk_recover(&blk_disk));
    blk_fake.order = FAKE_BLK_AT_ONCE;
    for (uintptr_t i = 0; i < MORE; i++) {
        check_queue(&more[i], (uint16_t)(i + 1), 3);
        assert_result(virtio_blk_reap(&more[i], &done), 1);
        assert_int_equal((uintptr_t)done.cookie, i);
        assert_result(done.error, VIRTIO_E_RESET);
    }
    blk_bench_end(bench);
}

/* What one queue's device lies about halts all: a reset is the device's. */
static void test_a_timeout_on_one_queue(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    offer_queues(bench, 2);
    assert_ok(start(bench, more, 1, 0));
    blk_disk.device.timeout_us = 20000;
    blk_fake.drop_next = 1;
    assert_result(virtio_blk_read(&more[0], 0, blk_buffer, SECTOR), VIRTIO_E_TIMEOUT);
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_STATE);
    assert_result(virtio_blk_kick(&more[0]), VIRTIO_E_STATE);
    blk_bench_end(bench);
}

/* Lists ------------------------------------------------------------------------------------------ */

static void offer_segments(struct bench *bench, uint32_t size_max, uint32_t seg_max)
{
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, size_max);
    blk_bench_offer(bench, VIRTIO_BLK_F_SEG_MAX, FAKE_BLK_SEG_MAX, 4, seg_max);
}

/* Three pieces, of which no one is whole sectors. */
static void odd_pieces(struct virtio_blk_piece pieces[3], uint8_t *memory)
{
    pieces[0] = (struct virtio_blk_piece){.memory = memory + 4000, .bytes = 100};
    pieces[1] = (struct virtio_blk_piece){.memory = memory, .bytes = 1000};
    pieces[2] = (struct virtio_blk_piece){.memory = memory + 5001, .bytes = 4 * SECTOR - 1100};
}

static void gather(const struct virtio_blk_piece *pieces, size_t count, uint8_t *to)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(to, pieces[i].memory, pieces[i].bytes);
        to += pieces[i].bytes;
    }
}

static void test_lists_are_read_and_written(struct bench *bench)
{
    struct virtio_blk_piece pieces[3];
    uint8_t gathered[4 * SECTOR];

    blk_bench_begin(bench, 64);
    offer_segments(bench, 0, 8);
    assert_ok(start(bench, NULL, 0, 3));
    assert_int_equal(blk_disk.list_max, 3);
    blk_bench_fill_disk();
    odd_pieces(pieces, blk_buffer);
    assert_ok(virtio_blk_read_list(&blk_disk, 9, pieces, 3));
    gather(pieces, 3, gathered);
    blk_bench_assert_data(gathered, 9, sizeof(gathered));
    assert_int_equal(blk_fake.requests, 1);
    assert_int_equal(fake_blk_latest(&blk_fake, 0)->segments, 3);
    assert_int_equal(blk_buffer[4100], 0);
    assert_ok(virtio_blk_write_list(&blk_disk, 30, pieces, 3));
    assert_memory_equal(blk_fake.disk + (size_t)30 * SECTOR, gathered, sizeof(gathered));
    assert_int_equal(blk_fake.requests, 2);
    blk_bench_end(bench);
}

static void test_lists_in_flight(struct bench *bench)
{
    struct virtio_blk_piece pieces[2][3];
    uint8_t gathered[4 * SECTOR];

    blk_bench_begin(bench, 64);
    offer_segments(bench, 0, 8);
    blk_fake.order = FAKE_BLK_REVERSED;
    assert_ok(start(bench, NULL, 0, 8));
    blk_bench_fill_disk();
    odd_pieces(pieces[0], blk_buffer);
    odd_pieces(pieces[1], blk_buffer + 16384);
    assert_ok(virtio_blk_submit_read_list(&blk_disk, 1, pieces[0], 3, bench_cookie(1)));
    assert_ok(virtio_blk_submit_write_list(&blk_disk, 20, pieces[1], 3, bench_cookie(2)));
    assert_int_equal(blk_disk.in_flight, 2);
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 2);
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 1);
    gather(pieces[0], 3, gathered);
    blk_bench_assert_data(gathered, 1, sizeof(gathered));
    blk_bench_end(bench);
}

/* Pieces are cut to size_max, and count as many segments as they become. */
static void test_pieces_are_cut(struct bench *bench)
{
    struct virtio_blk_piece pieces[3];

    blk_bench_begin(bench, 64);
    offer_segments(bench, 300, 8);
    assert_ok(start(bench, NULL, 0, 100));
    assert_int_equal(blk_disk.list_max, 8);
    blk_bench_fill_disk();
    odd_pieces(pieces, blk_buffer); /* 1 + 4 + 4 segments */
    assert_result(virtio_blk_read_list(&blk_disk, 0, pieces, 3), VIRTIO_E_TOO_LONG);
    pieces[2].bytes = 3 * SECTOR - 1100;
    assert_ok(virtio_blk_read_list(&blk_disk, 0, pieces, 3));
    assert_int_equal(blk_fake.requests, 1);
    assert_int_equal(fake_blk_latest(&blk_fake, 0)->segments, 7);
    blk_bench_end(bench);
}

static void test_no_more_segments_than_the_ring_has(struct bench *bench)
{
    static struct virtio_blk_piece pieces[7];

    blk_bench_begin(bench, 64);
    offer_segments(bench, 0, 100);
    bench->fake.queues[0].maximum = 8;
    assert_ok(start(bench, NULL, 0, 100));
    assert_int_equal(blk_disk.list_max, 6);
    for (size_t i = 0; i < 7; i++)
        pieces[i] = (struct virtio_blk_piece){.memory = blk_buffer + i * SECTOR, .bytes = SECTOR};
    assert_result(virtio_blk_read_list(&blk_disk, 0, pieces, 7), VIRTIO_E_TOO_LONG);
    assert_ok(virtio_blk_read_list(&blk_disk, 0, pieces, 6));
    assert_ok(virtio_blk_submit_read_list(&blk_disk, 0, pieces, 6, NULL));
    assert_result(virtio_blk_submit_read_list(&blk_disk, 0, pieces + 6, 1, NULL), VIRTIO_E_FULL);
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 0);
    blk_bench_end(bench);
}

static void check_list_refused(struct virtio_blk_piece *pieces, size_t count, uint64_t sector,
                               int error)
{
    uint64_t requests = blk_fake.requests;

    assert_result(virtio_blk_read_list(&blk_disk, sector, pieces, count), error);
    assert_result(virtio_blk_write_list(&blk_disk, sector, pieces, count), error);
    assert_result(virtio_blk_submit_read_list(&blk_disk, sector, pieces, count, NULL), error);
    assert_result(virtio_blk_submit_write_list(&blk_disk, sector, pieces, count, NULL), error);
    assert_int_equal(blk_fake.requests, requests);
    assert_int_equal(blk_disk.in_flight, 0);
}

static void check_list_refused_once(struct virtio_blk_piece *pieces, size_t count, int error)
{
    uint64_t requests = blk_fake.requests;

    assert_result(virtio_blk_read_list(&blk_disk, 0, pieces, count), error);
    assert_int_equal(blk_fake.requests, requests);
    assert_int_equal(blk_disk.in_flight, 0);
}

static void test_lists_that_make_no_sense(struct bench *bench)
{
    struct virtio_blk_piece pieces[3];

    blk_bench_begin(bench, 64);
    offer_segments(bench, 0, 8);
    assert_ok(start(bench, NULL, 0, 3));
    odd_pieces(pieces, blk_buffer);
    check_list_refused(NULL, 1, 0, VIRTIO_E_INVALID);
    check_list_refused(pieces, 0, 0, VIRTIO_E_INVALID);
    check_list_refused(pieces, 2, 0, VIRTIO_E_INVALID); /* no whole sectors */
    check_list_refused(pieces, 3, 61, VIRTIO_E_OUT_OF_RANGE);
    pieces[1].bytes = 0;
    check_list_refused(pieces, 3, 0, VIRTIO_E_ZERO_LENGTH);
    odd_pieces(pieces, blk_buffer);
    pieces[2].memory = NULL;
    check_list_refused(pieces, 3, 0, VIRTIO_E_INVALID);
    odd_pieces(pieces, blk_buffer);
    pieces[1].bytes = SIZE_MAX;
    check_list_refused(pieces, 3, 0, VIRTIO_E_TOO_LONG);
    odd_pieces(pieces, blk_buffer);
    assert_ok(virtio_blk_halt(&blk_disk));
    check_list_refused(pieces, 3, 0, VIRTIO_E_STATE);
    blk_bench_end(bench);
    blk_bench_begin(bench, 64);
    offer_segments(bench, 0, 8);
    bench->fake.features |= VIRTIO_BLK_F_RO;
    assert_ok(start(bench, NULL, 0, 3));
    assert_result(virtio_blk_write_list(&blk_disk, 0, pieces, 3), VIRTIO_E_READ_ONLY);
    assert_ok(virtio_blk_read_list(&blk_disk, 0, pieces, 3));
    blk_bench_end(bench);
    blk_bench_begin(bench, 64);
    blk_bench_start(bench); /* nobody asked for lists */
    assert_result(virtio_blk_read_list(&blk_disk, 0, pieces, 3), VIRTIO_E_TOO_LONG);
    blk_bench_end(bench);
}

/* Each piece that can't be mapped fails the list and leaves none mapped: the bench looks. */
static void test_pieces_that_cannot_be_mapped(struct bench *bench)
{
    struct virtio_blk_piece pieces[3];

    blk_bench_begin(bench, 64);
    offer_segments(bench, 0, 8);
    assert_ok(start(bench, NULL, 0, 3));
    blk_bench_fill_disk();
    odd_pieces(pieces, blk_buffer);
    for (unsigned n = 1; n <= 3; n++) {
        fake_host_fail_at(&bench->host, n);
        check_list_refused_once(pieces, 3, VIRTIO_E_MAP);
        assert_true(bench->host.failed);
    }
    fake_host_fail_at(&bench->host, 0);
    assert_ok(virtio_blk_read_list(&blk_disk, 0, pieces, 3));
    bench->host.unmap_error = -1; /* what was read is not there; what was written is */
    assert_result(virtio_blk_read_list(&blk_disk, 0, pieces, 3), VIRTIO_E_MAP);
    assert_ok(virtio_blk_write_list(&blk_disk, 0, pieces, 3));
    assert_ok(virtio_blk_submit_read_list(&blk_disk, 0, pieces, 3, bench_cookie(4)));
    assert_int_equal(blk_bench_wait(VIRTIO_E_MAP), 4);
    bench->host.unmap_error = 0;
    blk_bench_end(bench);
}

/* P69: a list that a blocking call gave up on is unmapped by that call. Its pieces, which are its caller's, are not
 * looked at again when the chain is drained. */
static void test_p69_a_list_that_timed_out_is_unmapped_once(struct bench *bench)
{
    struct virtio_blk_piece pieces[2];
    struct virtio_blk_done done;

    blk_bench_begin(bench, 64);
    offer_segments(bench, 0, 8);
    assert_ok(start(bench, NULL, 0, 4));
    for (unsigned drains = 0; drains < 2; drains++) {
        blk_disk.device.timeout_us = 1000;
        pieces[0] = (struct virtio_blk_piece){.memory = blk_buffer, .bytes = 100};
        pieces[1] = (struct virtio_blk_piece){.memory = blk_buffer + 100, .bytes = 412};
        blk_fake.drop_next = 1;
        assert_result(virtio_blk_write_list(&blk_disk, 0, pieces, 2), VIRTIO_E_TIMEOUT);
        memset(pieces, 0xa5, sizeof(pieces));
        if (drains == 0)
            assert_ok(virtio_blk_recover(&blk_disk));
        else
            assert_result(virtio_blk_drain(&blk_disk, &done), 0);
    }
    blk_bench_end(bench);
}

static void test_lists_that_fail(struct bench *bench)
{
    struct virtio_blk_piece pieces[3];
    struct virtio_blk_done done;

    blk_bench_begin(bench, 64);
    offer_segments(bench, 0, 8);
    assert_ok(start(bench, NULL, 0, 3));
    odd_pieces(pieces, blk_buffer);
    blk_fake.bad_sector = 3;
    assert_result(virtio_blk_read_list(&blk_disk, 0, pieces, 3), VIRTIO_E_IO);
    assert_result(virtio_blk_write_list(&blk_disk, 0, pieces, 3), VIRTIO_E_IO);
    assert_ok(virtio_blk_read_list(&blk_disk, 4, pieces, 3));
    if (!bench->legacy) {
        blk_fake.short_by = 2;
        assert_result(virtio_blk_read_list(&blk_disk, 4, pieces, 3), VIRTIO_E_RESPONSE);
        blk_fake.short_by = 0;
    }
    blk_fake.drop_next = 1;
    assert_ok(virtio_blk_submit_write_list(&blk_disk, 4, pieces, 3, bench_cookie(7)));
    assert_ok(virtio_blk_kick(&blk_disk));
    assert_ok(virtio_blk_halt(&blk_disk));
    assert_result(virtio_blk_drain(&blk_disk, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 7);
    assert_result(done.error, VIRTIO_E_RESET);
    blk_bench_end(bench);
}

static const struct bench_test tests[] = {
    TEST(test_each_queue_carries_its_own, BENCH_HOSTS),
    TEST(test_queues_in_flight, BENCH_ALL),
    TEST(test_as_many_queues_as_there_are, BENCH_ALL),
    TEST(test_mq_is_taken_when_asked_for, BENCH_ONE),
    TEST(test_a_queue_that_is_missing, BENCH_ALL),
    TEST(test_each_allocation_fails_in_turn, BENCH_ALL),
    TEST(test_halted_with_all_queues_in_flight, BENCH_ALL),
    TEST(test_recovered_with_all_queues_in_flight, BENCH_ALL),
    TEST(test_a_timeout_on_one_queue, BENCH_ONE),
    TEST(test_lists_are_read_and_written, BENCH_HOSTS),
    TEST(test_lists_in_flight, BENCH_HOSTS | BENCH_OUT_OF_ORDER),
    TEST(test_pieces_are_cut, BENCH_ONE),
    TEST(test_no_more_segments_than_the_ring_has, BENCH_ONE),
    TEST(test_lists_that_make_no_sense, BENCH_ONE | BENCH_MMIO_1),
    TEST(test_pieces_that_cannot_be_mapped, BENCH_ONE | BENCH_LEGACY),
    TEST(test_p69_a_list_that_timed_out_is_unmapped_once, BENCH_ALL),
    TEST(test_lists_that_fail, BENCH_ALL),
};

BENCH_MAIN_RINGS(tests)
