/* SPDX-License-Identifier: MIT */
/*
 * The block driver used as it should be: what it reads from configuration space, transfers of every
 * length, requests in parts, flush, ids, many in flight. What may go wrong is in test_blk_faults.c.
 */
#include "blk_bench.h"

#include <stdlib.h>
#include <string.h>

/* Configuration ---------------------------------------------------------------------------------- */

static void test_every_field_is_read(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_offer(bench, 0, FAKE_BLK_CAPACITY, 8, 0x123456);
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, 65536);
    blk_bench_offer(bench, VIRTIO_BLK_F_SEG_MAX, FAKE_BLK_SEG_MAX, 4, 126);
    blk_bench_offer(bench, VIRTIO_BLK_F_BLK_SIZE, FAKE_BLK_BLK_SIZE, 4, 4096);
    blk_bench_offer(bench, VIRTIO_BLK_F_TOPOLOGY, FAKE_BLK_PHYSICAL_BLOCK_EXP, 1, 3);
    blk_bench_offer(bench, 0, FAKE_BLK_ALIGNMENT_OFFSET, 1, 7);
    blk_bench_offer(bench, 0, FAKE_BLK_MIN_IO_SIZE, 2, 0x1234);
    blk_bench_offer(bench, 0, FAKE_BLK_OPT_IO_SIZE, 4, 0x12345678);
    bench->fake.features |= VIRTIO_BLK_F_RO;
    blk_bench_start(bench);
    assert_int_equal(blk_disk.capacity, 0x123456);
    assert_int_equal(blk_disk.size_max, 65536);
    assert_int_equal(blk_disk.seg_max, 126);
    assert_int_equal(blk_disk.blk_size, 4096);
    assert_int_equal(blk_disk.physical_block_exp, 3);
    assert_int_equal(blk_disk.alignment_offset, 7);
    assert_int_equal(blk_disk.min_io_size, 0x1234);
    assert_int_equal(blk_disk.opt_io_size, 0x12345678);
    assert_true(blk_disk.read_only);
    assert_true(blk_disk.writeback);
    blk_bench_end(bench);
}

/* Fields of features that were not offered hold rubbish, and are not looked at. */
static void test_fields_without_their_feature_are_not_read(struct bench *bench)
{
    blk_bench_begin(bench, 100);
    bench->fake.features &= ~VIRTIO_BLK_F_FLUSH;
    memset(bench->fake.config + 8, 0xee, FAKE_CONFIG_SIZE - 8);
    blk_bench_start(bench);
    assert_int_equal(blk_disk.capacity, 100);
    assert_int_equal(blk_disk.size_max, UINT32_MAX);
    assert_int_equal(blk_disk.seg_max, 1);
    assert_int_equal(blk_disk.blk_size, 512);
    assert_int_equal(blk_disk.physical_block_exp, 0);
    assert_int_equal(blk_disk.opt_io_size, 0);
    assert_false(blk_disk.read_only);
    assert_false(blk_disk.writeback);
    blk_bench_end(bench);
}

static void test_p33_only_what_is_implemented_is_taken(struct bench *bench)
{
    blk_bench_begin(bench, 100);
    bench->fake.features |= UINT64_C(0xffffff);
    blk_bench_offer(bench, 0, FAKE_BLK_SIZE_MAX, 4, 4096);
    blk_bench_offer(bench, 0, FAKE_BLK_SEG_MAX, 4, 4);
    blk_bench_start(bench);
    assert_int_equal(bench->fake.driver_features & 0xffffff,
                     VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO |
                         VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY |
                         VIRTIO_BLK_F_CONFIG_WCE | VIRTIO_BLK_F_DISCARD |
                         VIRTIO_BLK_F_WRITE_ZEROES | VIRTIO_BLK_F_LIFETIME |
                         VIRTIO_BLK_F_SECURE_ERASE);
    blk_bench_end(bench);
}

/* Sizes that would trap or overflow in a caller's arithmetic do not get through. */
static void test_block_sizes_that_make_no_sense(struct bench *bench)
{
    static const struct {
        uint32_t offered;
        uint8_t exponent;
        uint32_t blk_size;
        uint32_t physical_block_exp;
    } cases[] = {
        {0, 0, 512, 0},
        {1, 0, 512, 0},
        {511, 0, 512, 0},
        {513, 0, 512, 0},
        {0xffffffff, 0, 512, 0},
        {1024, 255, 1024, 0},
        {1024, 22, 1024, 0},
        {1024, 21, 1024, 21},
        {0x80000000, 0, 0x80000000, 0},
        {0x80000000, 1, 0x80000000, 0},
        {0, 31, 512, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        blk_bench_begin(bench, 100);
        blk_bench_offer(bench, VIRTIO_BLK_F_BLK_SIZE, FAKE_BLK_BLK_SIZE, 4, cases[i].offered);
        blk_bench_offer(bench, VIRTIO_BLK_F_TOPOLOGY, FAKE_BLK_PHYSICAL_BLOCK_EXP, 1,
                        cases[i].exponent);
        blk_bench_start(bench);
        assert_int_equal(blk_disk.blk_size, cases[i].blk_size);
        assert_int_equal(blk_disk.physical_block_exp, cases[i].physical_block_exp);
        blk_bench_end(bench);
    }
}

/* The device resizes itself between the two halves of the capacity. */
static void resize_once(void *context, const struct fake_event *event)
{
    struct bench *bench = context;

    if (event->kind != FAKE_REGISTER_READ || event->width != 4 || bench->fake.config_reads != 1)
        return;
    bench->host.observer = NULL;
    fake_device_change_field(&bench->fake, FAKE_BLK_CAPACITY, 8, UINT64_C(0x200000010));
}

static void test_p82_capacity_is_never_torn(struct bench *bench)
{
    blk_bench_begin(bench, 100);
    fake_device_set_config(&bench->fake, FAKE_BLK_CAPACITY, 8, UINT64_C(0x1fffffff0));
    bench_attach(bench);
    bench->fake.config_reads = 0;
    bench->host.observer = resize_once;
    bench->host.observer_context = bench;
    assert_ok(virtio_blk_start(&blk_disk, &bench->device));
    assert_null(bench->host.observer);
    assert_int_equal(blk_disk.capacity, UINT64_C(0x200000010));
    blk_bench_end(bench);
}

/* Transfers -------------------------------------------------------------------------------------- */

static void test_reads_and_writes_of_every_length(struct bench *bench)
{
    static const size_t lengths[] = {1, 2, 3, 7, 8, 63, 64, 127};

    blk_bench_begin(bench, 256);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        blk_bench_read(0, lengths[i]);
        blk_bench_read(i, lengths[i]);
        blk_bench_read(256 - lengths[i], lengths[i]);
    }
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t bytes = lengths[i] * SECTOR;

        memset(blk_buffer, (int)(0x40 + i), bytes);
        assert_ok(virtio_blk_write(&blk_disk, i, blk_buffer, bytes));
        assert_memory_equal(blk_fake.disk + i * SECTOR, blk_buffer, bytes);
        blk_bench_assert_data(blk_fake.disk + i * SECTOR + bytes, i + lengths[i], SECTOR);
        blk_bench_fill_disk();
    }
    blk_bench_end(bench);
}

/* A buffer need not be aligned, and nothing around it is touched. */
static void test_odd_buffers(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    for (size_t skew = 1; skew < 70; skew += 17) {
        memset(blk_buffer, 0xa5, 4096);
        assert_ok(virtio_blk_read(&blk_disk, 3, blk_buffer + skew, 3 * SECTOR));
        blk_bench_assert_data(blk_buffer + skew, 3, 3 * SECTOR);
        assert_int_equal(blk_buffer[skew - 1], 0xa5);
        assert_int_equal(blk_buffer[skew + 3 * SECTOR], 0xa5);
    }
    blk_bench_end(bench);
}

/* Header, data and status: a descriptor each, where the data lies in one piece; none for data that is not there. */
static void test_requests_take_no_more_descriptors_than_they_need(struct bench *bench)
{
    const struct fake_queue *queue = &bench->fake.queues[0];

    blk_bench_begin(bench, 64);
    blk_fake.order = FAKE_BLK_HELD;
    blk_bench_start(bench);
    assert_ok(virtio_blk_submit_read(&blk_disk, 0, blk_buffer, SECTOR, bench_cookie(1)));
    assert_ok(
        virtio_blk_submit_write(&blk_disk, 8, blk_buffer + 8192, 16 * SECTOR, bench_cookie(2)));
    assert_ok(virtio_blk_submit_flush(&blk_disk, bench_cookie(3)));
    assert_ok(virtio_blk_kick(&blk_disk));
    assert_int_equal(blk_fake.held_count, 3);
    assert_int_equal(queue->chains->count, 3);
    assert_int_equal(queue->chains->next->count, 3);
    assert_int_equal(queue->chains->next->next->count, 2);
    while (blk_fake.held_count != 0)
        fake_blk_finish(&blk_fake, 0);
    for (unsigned n = 0; n < 3; n++) {
        struct virtio_blk_done done;

        assert_result(virtio_blk_reap(&blk_disk, &done), 1);
    }
    blk_bench_end(bench);
}

/* P90: the unit is 512 bytes, whatever blk_size says. */
static void test_p90_sectors_have_512_bytes(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_offer(bench, VIRTIO_BLK_F_BLK_SIZE, FAKE_BLK_BLK_SIZE, 4, 4096);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_int_equal(blk_disk.capacity, 64);
    blk_bench_read(9, 8);
    assert_int_equal(fake_blk_latest(&blk_fake, 0)->sector, 9);
    assert_int_equal(fake_blk_latest(&blk_fake, 0)->bytes, 4096);
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, 511), VIRTIO_E_INVALID);
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, 513), VIRTIO_E_INVALID);
    blk_bench_end(bench);
}

static void check_refused(uint64_t sector, size_t bytes, int error)
{
    uint64_t requests = blk_fake.requests;

    assert_result(virtio_blk_read(&blk_disk, sector, blk_buffer, bytes), error);
    assert_result(virtio_blk_write(&blk_disk, sector, blk_buffer, bytes), error);
    assert_result(virtio_blk_submit_read(&blk_disk, sector, blk_buffer, bytes, NULL), error);
    assert_result(virtio_blk_submit_write(&blk_disk, sector, blk_buffer, bytes, NULL), error);
    assert_int_equal(blk_fake.requests, requests);
    assert_int_equal(blk_disk.in_flight, 0);
}

static void test_p93_nothing_goes_beyond_capacity(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    blk_bench_read(63, 1);
    blk_bench_read(0, 64);
    check_refused(64, SECTOR, VIRTIO_E_OUT_OF_RANGE);
    check_refused(63, 2 * SECTOR, VIRTIO_E_OUT_OF_RANGE);
    check_refused(0, 65 * SECTOR, VIRTIO_E_OUT_OF_RANGE);
    check_refused(UINT64_MAX, SECTOR, VIRTIO_E_OUT_OF_RANGE);
    check_refused(UINT64_MAX - 62, 64 * SECTOR, VIRTIO_E_OUT_OF_RANGE);
    check_refused(0, SIZE_MAX - 511, VIRTIO_E_OUT_OF_RANGE);
    check_refused(0, 0, VIRTIO_E_ZERO_LENGTH);
    check_refused(0, 100, VIRTIO_E_INVALID);
    assert_result(virtio_blk_read(&blk_disk, 0, NULL, SECTOR), VIRTIO_E_INVALID);
    blk_bench_end(bench);
}

/* A device that claims to be larger than anything is read at its very end, and no number overflows. */
static void test_p93_the_largest_capacity(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    fake_device_set_config(&bench->fake, FAKE_BLK_CAPACITY, 8, UINT64_MAX);
    blk_fake.forced_status = 1;
    blk_bench_start(bench);
    assert_result(virtio_blk_read(&blk_disk, UINT64_MAX - 1, blk_buffer, SECTOR), VIRTIO_E_IO);
    assert_int_equal(fake_blk_latest(&blk_fake, 0)->sector, UINT64_MAX - 1);
    check_refused(UINT64_MAX, SECTOR, VIRTIO_E_OUT_OF_RANGE);
    blk_bench_end(bench);
}

static void test_an_empty_disk(struct bench *bench)
{
    blk_bench_begin(bench, 0);
    blk_bench_start(bench);
    check_refused(0, SECTOR, VIRTIO_E_OUT_OF_RANGE);
    assert_ok(virtio_blk_flush(&blk_disk));
    blk_bench_end(bench);
}

/* Parts and segments (P91) ----------------------------------------------------------------------- */

/* The fake disk checks that no request is over its limits; this checks that each is as large as it can be
 * and that the data arrives. */
static void check_split(struct bench *bench, uint32_t size_max, uint32_t seg_max,
                        uint32_t expected_part)
{
    const size_t bytes = 100 * SECTOR;

    blk_bench_begin(bench, 128);
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, size_max);
    blk_bench_offer(bench, VIRTIO_BLK_F_SEG_MAX, FAKE_BLK_SEG_MAX, 4, seg_max);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    blk_bench_read(5, 100);
    assert_int_equal(blk_fake.requests, (bytes + expected_part - 1) / expected_part);
    for (size_t i = 0; i < bytes; i++)
        blk_buffer[i] = (uint8_t)(i * 7);
    assert_ok(virtio_blk_write(&blk_disk, 11, blk_buffer, bytes));
    assert_memory_equal(blk_fake.disk + (size_t)11 * SECTOR, blk_buffer, bytes);
    assert_ok(virtio_blk_submit_read(&blk_disk, 11, blk_buffer + bytes / 2, bytes / 2, NULL));
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 0);
    assert_memory_equal(blk_fake.disk + (size_t)11 * SECTOR, blk_buffer + bytes / 2, bytes / 2);
    blk_bench_end(bench);
}

static void test_p91_split_by_size_max_and_seg_max(struct bench *bench)
{
    check_split(bench, 4096, 1, 4096);
    check_split(bench, 4096, 4, 16384);
    check_split(bench, 512, 1, 512);
    check_split(bench, 512, 3, 1536);
    check_split(bench, 1000, 1, 512);
    check_split(bench, 1000, 2, 1536);
    check_split(bench, 100, 6, 512);
    check_split(bench, 4, 128, 512);
    check_split(bench, 65536, 0xffffffff, 100 * SECTOR);
    check_split(bench, 0xffffffff, 1, 100 * SECTOR);
}

/* Limits of 0 say nothing; the driver must not loop, divide or send nothing for ever. */
static void test_p91_limits_of_0(struct bench *bench)
{
    check_split(bench, 0, 4, 100 * SECTOR);
    check_split(bench, 4096, 0, 4096);
    check_split(bench, 0, 0, 100 * SECTOR);
}

/* Without SEG_MAX one segment is what every device can take. */
static void test_p91_one_segment_without_seg_max(struct bench *bench)
{
    blk_bench_begin(bench, 128);
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, 2048);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    blk_bench_read(0, 9);
    assert_int_equal(blk_fake.requests, 3);
    assert_int_equal(fake_blk_latest(&blk_fake, 2)->segments, 1);
    assert_int_equal(fake_blk_latest(&blk_fake, 2)->bytes, 2048);
    assert_int_equal(fake_blk_latest(&blk_fake, 1)->sector, 4);
    assert_int_equal(fake_blk_latest(&blk_fake, 0)->bytes, 512);
    blk_bench_end(bench);
}

static void check_too_small(struct bench *bench, uint32_t size_max, uint32_t seg_max)
{
    blk_bench_begin(bench, 128);
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, size_max);
    blk_bench_offer(bench, VIRTIO_BLK_F_SEG_MAX, FAKE_BLK_SEG_MAX, 4, seg_max);
    bench_attach(bench);
    assert_result(virtio_blk_start(&blk_disk, &bench->device), VIRTIO_E_NOT_SUPPORTED);
    assert_int_equal(bench->fake.status, 0);
    assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_FOUND);
    assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_STATE);
    blk_bench_end(bench);
}

static void test_p91_limits_below_a_sector(struct bench *bench)
{
    check_too_small(bench, 511, 1);
    check_too_small(bench, 1, 511);
    check_too_small(bench, 1, 1);
    check_too_small(bench, 511, 0);
}

/* 16 bits of length overflow at 32 MiB of sectors; 40 MiB go out in one request. */
static void test_p91_more_than_32_mib_at_once(struct bench *bench)
{
    const size_t sectors = 40 * 2048;
    uint8_t *large = malloc(sectors * SECTOR);

    assert_non_null(large);
    blk_bench_begin(bench, sectors);
    blk_bench_start(bench);
    for (size_t sector = 0; sector < sectors; sector++)
        memcpy(blk_fake.disk + sector * SECTOR, &sector, sizeof(sector));
    assert_ok(virtio_blk_read(&blk_disk, 0, large, sectors * SECTOR));
    assert_int_equal(blk_fake.requests, 1);
    assert_memory_equal(large, blk_fake.disk, sectors * SECTOR);
    assert_int_equal(blk_disk.part_max, 1u << 30);
    blk_bench_end(bench);
    free(large);
}

/* Part after part through one slot: others are not kept waiting, and one cookie comes back. */
static void test_p91_parts_are_one_completion(struct bench *bench)
{
    blk_bench_begin(bench, 128);
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, 512);
    blk_fake.order = FAKE_BLK_HELD;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_ok(virtio_blk_submit_read(&blk_disk, 0, blk_buffer, 4 * SECTOR, bench_cookie(1)));
    assert_ok(virtio_blk_submit_read(&blk_disk, 50, blk_buffer + 4096, SECTOR, bench_cookie(2)));
    assert_ok(virtio_blk_kick(&blk_disk));
    for (unsigned part = 0; part < 4; part++) {
        struct virtio_blk_done done;

        assert_int_equal(blk_fake.held_count, 2);
        assert_int_equal(blk_disk.in_flight, 2);
        assert_result(virtio_blk_reap(&blk_disk, &done), 0);
        fake_blk_finish(&blk_fake, part == 0 ? 0 : 1); /* not the other one, which came second */
        if (part < 3)
            assert_result(virtio_blk_reap(&blk_disk, &done), 0);
    }
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 1);
    blk_bench_assert_data(blk_buffer, 0, 4 * SECTOR);
    fake_blk_finish(&blk_fake, 0);
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 2);
    blk_bench_assert_data(blk_buffer + 4096, 50, SECTOR);
    blk_bench_end(bench);
}

/* The first part that fails ends the request. */
static void test_p91_a_bad_part_ends_the_request(struct bench *bench)
{
    blk_bench_begin(bench, 128);
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, 512);
    blk_fake.bad_sector = 12;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_result(virtio_blk_read(&blk_disk, 10, blk_buffer, 8 * SECTOR), VIRTIO_E_IO);
    assert_int_equal(blk_fake.requests, 3);
    assert_ok(virtio_blk_submit_read(&blk_disk, 10, blk_buffer, 8 * SECTOR, bench_cookie(5)));
    assert_int_equal(blk_bench_wait(VIRTIO_E_IO), 5);
    assert_int_equal(blk_fake.requests, 6);
    blk_bench_read(13, 8);
    assert_int_equal(blk_disk.in_flight, 0);
    blk_bench_end(bench);
}

/* Queue sizes ------------------------------------------------------------------------------------ */

static void check_queue_size(struct bench *bench, uint16_t size, uint16_t depth)
{
    blk_bench_begin(bench, 128);
    bench->fake.queues[0].maximum = size;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_int_equal(blk_disk.depth, depth);
    blk_bench_read(1, 20);
    blk_bench_end(bench);
}

static void test_p39_queue_sizes(struct bench *bench)
{
    check_queue_size(bench, 4, 1);
    check_queue_size(bench, 8, 2);
    check_queue_size(bench, 128, 42);
    check_queue_size(bench, 256, 85);
    check_queue_size(bench, 1024, bench->profile == BENCH_PCI_LEGACY ? 128 : 85);
}

/* A request has three buffers at least. */
static void test_p42_a_queue_too_small_for_a_request(struct bench *bench)
{
    for (uint16_t size = 1; size <= 2; size++) {
        blk_bench_begin(bench, 128);
        bench->fake.queues[0].maximum = size;
        bench_attach(bench);
        assert_result(virtio_blk_start(&blk_disk, &bench->device), VIRTIO_E_NOT_SUPPORTED);
        blk_bench_end(bench);
    }
}

/* The ring has room for two data segments only: seg_max is not the limit then. */
static void test_p91_split_by_the_ring(struct bench *bench)
{
    blk_bench_begin(bench, 128);
    bench->fake.queues[0].maximum = 4;
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, 1024);
    blk_bench_offer(bench, VIRTIO_BLK_F_SEG_MAX, FAKE_BLK_SEG_MAX, 4, 100);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    blk_bench_read(0, 10);
    assert_int_equal(blk_fake.requests, 3);
    assert_int_equal(fake_blk_latest(&blk_fake, 1)->segments, 2);
    blk_bench_end(bench);
}

/* Read-only and flush (P93) ---------------------------------------------------------------------- */

static void test_p93_read_only_is_accepted_and_refuses_writes(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    bench->fake.features |= VIRTIO_BLK_F_RO;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_true((bench->fake.driver_features & VIRTIO_BLK_F_RO) != 0);
    assert_result(virtio_blk_write(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_READ_ONLY);
    assert_result(virtio_blk_submit_write(&blk_disk, 0, blk_buffer, SECTOR, NULL),
                  VIRTIO_E_READ_ONLY);
    assert_int_equal(blk_fake.requests, 0);
    blk_bench_read(0, 64);
    assert_ok(virtio_blk_flush(&blk_disk));
    blk_bench_end(bench);
}

static void test_p93_flush_is_sent_when_negotiated(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    assert_ok(virtio_blk_write(&blk_disk, 5, blk_buffer, SECTOR));
    assert_int_equal(blk_fake.unflushed, 1);
    assert_ok(virtio_blk_flush(&blk_disk));
    assert_int_equal(blk_fake.unflushed, 0);
    assert_int_equal(fake_blk_latest(&blk_fake, 0)->sector, 0);
    assert_int_equal(fake_blk_latest(&blk_fake, 0)->bytes, 0);
    assert_ok(virtio_blk_submit_flush(&blk_disk, bench_cookie(3)));
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 3);
    assert_int_equal(blk_fake.flushes, 2);
    blk_bench_end(bench);
}

/* A device that writes through has nothing to flush, and no command for it. */
static void test_p93_flush_without_the_feature(struct bench *bench)
{
    struct virtio_blk_done done;

    blk_bench_begin(bench, 64);
    bench->fake.features &= ~VIRTIO_BLK_F_FLUSH;
    blk_bench_start(bench);
    assert_ok(virtio_blk_flush(&blk_disk));
    for (uintptr_t i = 1; i <= 3; i++)
        assert_ok(virtio_blk_submit_flush(&blk_disk, bench_cookie(i)));
    assert_int_equal(blk_disk.in_flight, 3);
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 1);
    assert_result(virtio_blk_reap(&blk_disk, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 2);
    assert_ok(virtio_blk_halt(&blk_disk));
    assert_result(virtio_blk_drain(&blk_disk, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 3);
    assert_ok(done.error);
    assert_result(virtio_blk_drain(&blk_disk, &done), 0);
    assert_ok(virtio_blk_stop(&blk_disk));
    assert_result(virtio_blk_drain(&blk_disk, &done), 0);
    assert_ok(virtio_blk_start(&blk_disk, &blk_disk.device));
    for (uintptr_t i = 1; i <= 300; i++) { /* one after the other, and no slot is lost */
        assert_ok(virtio_blk_submit_flush(&blk_disk, bench_cookie(i)));
        assert_int_equal(blk_bench_wait(VIRTIO_OK), i);
    }
    assert_int_equal(blk_fake.requests, 0);
    blk_bench_end(bench);
}

/* Ids -------------------------------------------------------------------------------------------- */

static void check_id(const char *expected)
{
    char id[VIRTIO_BLK_ID_SIZE + 1];

    memset(id, 0xa5, sizeof(id));
    assert_ok(virtio_blk_get_id(&blk_disk, id));
    assert_string_equal(id, expected);
    assert_int_equal(id[VIRTIO_BLK_ID_SIZE - 1], 0);
    assert_int_equal((uint8_t)id[VIRTIO_BLK_ID_SIZE], 0xa5);
}

static void test_ids_always_end(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    check_id("fake disk");
    memcpy(blk_fake.id, "12345678901234567890", 20);
    check_id("12345678901234567890");
    memset(blk_fake.id, 0, 20);
    check_id("");
    memcpy(blk_fake.id, "fake disk", 9);
    check_id("fake disk");
    blk_fake.forced_status = 0; /* it says that all is well and writes nothing */
    check_id("");
    blk_bench_end(bench);
}

/* An id has its own buffer even where segments are tiny. */
static void test_an_id_in_small_segments(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, 8);
    blk_bench_offer(bench, VIRTIO_BLK_F_SEG_MAX, FAKE_BLK_SEG_MAX, 4, 64);
    blk_bench_start(bench);
    memcpy(blk_fake.id, "12345678901234567890", 20);
    check_id("12345678901234567890");
    blk_bench_end(bench);
}

/* Many in flight --------------------------------------------------------------------------------- */

/* Reads of a sector each until the disk is full; @return how many. Request i is for sector i. */
static unsigned fill(struct bench *bench)
{
    uintptr_t i = 0;
    int error;

    (void)bench;
    do {
        error =
            virtio_blk_submit_read(&blk_disk, i, blk_buffer + i * SECTOR, SECTOR, bench_cookie(i));
        i += error == VIRTIO_OK;
    } while (error == VIRTIO_OK);
    assert_result(error, VIRTIO_E_FULL);
    assert_int_equal(i, blk_disk.depth);
    assert_int_equal(blk_disk.in_flight, i);
    return (unsigned)i;
}

static void test_full_and_answered_in_reverse(struct bench *bench)
{
    blk_bench_begin(bench, 128);
    blk_fake.order = FAKE_BLK_REVERSED;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    for (unsigned round = 0; round < 3; round++) {
        unsigned count = fill(bench);

        assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_FULL);
        assert_result(virtio_blk_flush(&blk_disk), VIRTIO_E_FULL);
        assert_result(virtio_blk_submit_flush(&blk_disk, NULL), VIRTIO_E_FULL);
        assert_ok(virtio_blk_kick(&blk_disk));
        for (unsigned i = count; i-- > 0;) {
            assert_int_equal(blk_bench_wait(VIRTIO_OK), i);
            blk_bench_assert_data(blk_buffer + (size_t)i * SECTOR, i, SECTOR);
        }
        assert_int_equal(blk_disk.in_flight, 0);
    }
    blk_bench_end(bench);
}

/* Requests that are finished while a blocking call waits are kept, in order, and those in parts go on. */
static void test_blocking_calls_among_others(struct bench *bench)
{
    struct virtio_blk_done done;

    blk_bench_begin(bench, 128);
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, 1024);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_ok(virtio_blk_submit_read(&blk_disk, 1, blk_buffer + 4096, SECTOR, bench_cookie(1)));
    assert_ok(virtio_blk_submit_read(&blk_disk, 2, blk_buffer + 8192, 8 * SECTOR, bench_cookie(2)));
    assert_ok(virtio_blk_submit_read(&blk_disk, 3, blk_buffer + 16384, SECTOR, bench_cookie(3)));
    blk_bench_read(60, 6);
    assert_int_equal(blk_disk.in_flight, 3);
    assert_result(virtio_blk_reap(&blk_disk, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    assert_result(virtio_blk_reap(&blk_disk, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 3);
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 2);
    blk_bench_assert_data(blk_buffer + 4096, 1, SECTOR);
    blk_bench_assert_data(blk_buffer + 8192, 2, 8 * SECTOR);
    blk_bench_assert_data(blk_buffer + 16384, 3, SECTOR);
    assert_int_equal(blk_disk.in_flight, 0);
    blk_bench_end(bench);
}

/* virtio_blk_wait shows the device what was submitted: nobody waits for what was never sent. */
static void test_p68_wait_kicks(struct bench *bench)
{
    struct virtio_blk_done done;

    blk_bench_begin(bench, 128);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_result(virtio_blk_wait(&blk_disk, &done, 1000), VIRTIO_E_STATE);
    assert_result(virtio_blk_wait(&blk_disk, &done, 0), VIRTIO_E_INVALID);
    assert_ok(virtio_blk_submit_read(&blk_disk, 7, blk_buffer, SECTOR, bench_cookie(9)));
    assert_int_equal(blk_fake.requests, 0);
    assert_int_equal(blk_bench_wait(VIRTIO_OK), 9);
    blk_bench_assert_data(blk_buffer, 7, SECTOR);
    blk_bench_end(bench);
}

/* What it costs ----------------------------------------------------------------------------------- */

static uint64_t register_accesses(const struct bench *bench)
{
    return bench->host.counts[FAKE_REGISTER_READ] + bench->host.counts[FAKE_REGISTER_WRITE];
}

static void test_one_register_access_a_request(struct bench *bench)
{
    uint64_t before;

    blk_bench_begin(bench, 128);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    before = register_accesses(bench);
    for (unsigned i = 0; i < 100; i++)
        blk_bench_read(i, 2);
    assert_int_equal(register_accesses(bench) - before, 100);
    before = register_accesses(bench);
    for (unsigned i = 0; i < 32; i++)
        assert_ok(
            virtio_blk_submit_read(&blk_disk, i, blk_buffer + (size_t)i * SECTOR, SECTOR, NULL));
    assert_ok(virtio_blk_kick(&blk_disk));
    for (unsigned i = 0; i < 32; i++)
        blk_bench_wait(VIRTIO_OK);
    assert_int_equal(register_accesses(bench) - before, 1);
    blk_bench_end(bench);
}

static void test_p51_nothing_is_allocated_after_start(struct bench *bench)
{
    uint64_t dma;
    uint64_t private;
    char id[VIRTIO_BLK_ID_SIZE];

    blk_bench_begin(bench, 128);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    dma = bench->host.counts[FAKE_DMA_ALLOCATE];
    private = bench->host.counts[FAKE_ALLOCATE];
    blk_bench_read(0, 64);
    assert_ok(virtio_blk_write(&blk_disk, 0, blk_buffer, SECTOR));
    assert_ok(virtio_blk_flush(&blk_disk));
    assert_ok(virtio_blk_get_id(&blk_disk, id));
    fill(bench);
    assert_ok(virtio_blk_halt(&blk_disk));
    assert_int_equal(bench->host.counts[FAKE_DMA_ALLOCATE], dma);
    assert_int_equal(bench->host.counts[FAKE_ALLOCATE], private);
    blk_bench_end(bench);
}

/* Where DMA is not coherent, header and status are given to the device and taken back with each request. */
static unsigned syncs[2];

static void count_syncs(void *context, const struct fake_event *event)
{
    (void)context;
    if (event->value != 64)
        return;
    syncs[0] += event->kind == FAKE_SYNC_FOR_DEVICE;
    syncs[1] += event->kind == FAKE_SYNC_FOR_CPU;
}

static void test_p74_headers_and_status_are_synced(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    memset(syncs, 0, sizeof(syncs));
    bench->host.observer = count_syncs;
    for (unsigned i = 1; i <= 5; i++) {
        assert_ok(virtio_blk_flush(&blk_disk));
        assert_int_equal(syncs[0], i);
        assert_int_equal(syncs[1], i);
    }
    bench->host.observer = NULL;
    blk_bench_end(bench);
}

/* Start and stop --------------------------------------------------------------------------------- */

static void test_stopped_and_started_again(struct bench *bench)
{
    blk_bench_begin(bench, 128);
    assert_ok(virtio_blk_stop(&blk_disk)); /* never started */
    blk_bench_start(bench);
    blk_bench_fill_disk();
    for (unsigned i = 0; i < 5; i++) {
        blk_bench_read(0, 3);
        fill(bench);
        if (i % 2 != 0)
            assert_ok(virtio_blk_kick(&blk_disk));
        assert_ok(virtio_blk_stop(&blk_disk));
        assert_ok(virtio_blk_stop(&blk_disk));
        assert_int_equal(fake_host_live(&bench->host), 0);
        assert_result(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR), VIRTIO_E_STATE);
        assert_ok(virtio_blk_start(&blk_disk, &blk_disk.device));
    }
    blk_bench_read(0, 3);
    blk_bench_end(bench);
}

static void test_a_device_of_another_type(struct bench *bench)
{
    uint64_t events;

    bench_attach(bench);
    events = bench->host.sequence;
    assert_result(virtio_blk_start(&blk_disk, &bench->device), VIRTIO_E_INVALID);
    assert_int_equal(bench->host.sequence, events);
}

static const struct bench_test tests[] = {
    TEST(test_every_field_is_read, BENCH_ALL),
    TEST(test_fields_without_their_feature_are_not_read, BENCH_ALL),
    TEST(test_p33_only_what_is_implemented_is_taken, BENCH_ALL),
    TEST(test_block_sizes_that_make_no_sense, BENCH_ONE),
    TEST(test_p82_capacity_is_never_torn, BENCH_ALL & ~BENCH_WINDOW),
    TEST(test_reads_and_writes_of_every_length, BENCH_HOSTS),
    TEST(test_requests_take_no_more_descriptors_than_they_need, BENCH_HOSTS),
    TEST(test_odd_buffers, BENCH_HOSTS | BENCH_WATCHED),
    TEST(test_p90_sectors_have_512_bytes, BENCH_ALL),
    TEST(test_p93_nothing_goes_beyond_capacity, BENCH_ALL),
    TEST(test_p93_the_largest_capacity, BENCH_ONE),
    TEST(test_an_empty_disk, BENCH_ONE),
    TEST(test_p91_split_by_size_max_and_seg_max, BENCH_ONE | BENCH_MMIO_1),
    TEST(test_p91_limits_of_0, BENCH_ONE),
    TEST(test_p91_one_segment_without_seg_max, BENCH_HOSTS),
    TEST(test_p91_limits_below_a_sector, BENCH_ONE | BENCH_LEGACY),
    TEST(test_p91_more_than_32_mib_at_once, BENCH_ONE | BENCH_SPLIT | BENCH_PACKED),
    TEST(test_p91_parts_are_one_completion, BENCH_HOSTS | BENCH_OUT_OF_ORDER),
    TEST(test_p91_a_bad_part_ends_the_request, BENCH_ONE),
    TEST(test_p39_queue_sizes, BENCH_ALL),
    TEST(test_p42_a_queue_too_small_for_a_request, BENCH_ALL),
    TEST(test_p91_split_by_the_ring, BENCH_ALL),
    TEST(test_p93_read_only_is_accepted_and_refuses_writes, BENCH_ALL),
    TEST(test_p93_flush_is_sent_when_negotiated, BENCH_ALL),
    TEST(test_p93_flush_without_the_feature, BENCH_ALL),
    TEST(test_ids_always_end, BENCH_HOSTS),
    TEST(test_an_id_in_small_segments, BENCH_ONE),
    TEST(test_full_and_answered_in_reverse, BENCH_HOSTS | BENCH_OUT_OF_ORDER),
    TEST(test_blocking_calls_among_others, BENCH_HOSTS),
    TEST(test_p68_wait_kicks, BENCH_ALL),
    TEST(test_one_register_access_a_request, BENCH_ALL & ~BENCH_WINDOW),
    TEST(test_p74_headers_and_status_are_synced, BENCH_SYNC),
    TEST(test_p51_nothing_is_allocated_after_start, BENCH_ONE),
    TEST(test_stopped_and_started_again, BENCH_HOSTS),
    TEST(test_a_device_of_another_type, BENCH_ONE),
};

BENCH_MAIN_RINGS(tests)
