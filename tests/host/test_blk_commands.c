/* SPDX-License-Identifier: MIT */
/*
 * The block driver beyond reading, writing and flushing: ranges that are discarded, zeroed and erased,
 * lifetime, cache mode, resizes; and the fake disk's rules for them, each broken by hand.
 */
#include "blk_bench.h"

#include <string.h>

#define RANGE_FEATURES                                                                             \
    (VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES | VIRTIO_BLK_F_SECURE_ERASE)

/* Limits of all three kinds. */
static void offer_ranges(struct bench *bench, uint32_t sectors, uint32_t segments,
                         uint32_t alignment)
{
    bench->fake.features |= RANGE_FEATURES;
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_DISCARD_SECTORS, 4, sectors);
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_DISCARD_SEG, 4, segments);
    blk_bench_offer(bench, 0, FAKE_BLK_DISCARD_SECTOR_ALIGNMENT, 4, alignment);
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_WRITE_ZEROES_SECTORS, 4, sectors);
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_WRITE_ZEROES_SEG, 4, segments);
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_SECURE_ERASE_SECTORS, 4, sectors);
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_SECURE_ERASE_SEG, 4, segments);
    blk_bench_offer(bench, 0, FAKE_BLK_SECURE_ERASE_SECTOR_ALIGNMENT, 4, alignment);
}

static void check_range(uint64_t n, uint32_t type, uint64_t sector, uint32_t sectors,
                        uint32_t flags)
{
    const struct fake_blk_range *range = &blk_fake.ranges[n % FAKE_BLK_RANGES];

    assert_true(n < blk_fake.range_count);
    assert_int_equal(range->type, type);
    assert_int_equal(range->sector, sector);
    assert_int_equal(range->sectors, sectors);
    assert_int_equal(range->flags, flags);
}

static void check_filled(uint64_t sector, uint64_t sectors, uint8_t byte)
{
    for (uint64_t at = sector * SECTOR; at < (sector + sectors) * SECTOR; at++)
        assert_int_equal(blk_fake.disk[at], byte);
}

/* Ranges ----------------------------------------------------------------------------------------- */

static void test_limits_are_read(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    offer_ranges(bench, 100, 7, 8);
    blk_bench_offer(bench, 0, FAKE_BLK_WRITE_ZEROES_MAY_UNMAP, 1, 1);
    blk_bench_start(bench);
    assert_int_equal(blk_disk.discard.sectors, 100);
    assert_int_equal(blk_disk.discard.segments, 7);
    assert_int_equal(blk_disk.discard.alignment, 8);
    assert_int_equal(blk_disk.write_zeroes.sectors, 100);
    assert_int_equal(blk_disk.write_zeroes.segments, 7);
    assert_int_equal(blk_disk.write_zeroes.alignment, 0);
    assert_int_equal(blk_disk.write_zeroes_may_unmap, 1);
    assert_int_equal(blk_disk.secure_erase.sectors, 100);
    assert_int_equal(blk_disk.secure_erase.segments, 7);
    assert_int_equal(blk_disk.secure_erase.alignment, 8);
    blk_bench_end(bench);
}

static void test_each_kind_does_what_it_says(struct bench *bench)
{
    static const struct virtio_blk_range range = {10, 5};

    blk_bench_begin(bench, 64);
    offer_ranges(bench, 1000, 4, 1);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_ok(virtio_blk_discard(&blk_disk, &range, 1));
    check_range(0, FAKE_BLK_DISCARD, 10, 5, 0);
    check_filled(10, 5, FAKE_BLK_DISCARDED);
    assert_ok(virtio_blk_write_zeroes(&blk_disk, &range, 1, false));
    check_range(1, FAKE_BLK_WRITE_ZEROES, 10, 5, 0);
    check_filled(10, 5, 0);
    assert_ok(virtio_blk_secure_erase(&blk_disk, &range, 1));
    check_range(2, FAKE_BLK_SECURE_ERASE, 10, 5, 0);
    check_filled(10, 5, FAKE_BLK_ERASED);
    assert_ok(virtio_blk_write_zeroes(&blk_disk, &range, 1, true));
    check_range(3, FAKE_BLK_WRITE_ZEROES, 10, 5, 1);
    check_filled(10, 5, 0);
    assert_int_equal(blk_fake.range_count, 4);
    blk_bench_read(0, 10);
    blk_bench_read(15, 49);
    blk_bench_end(bench);
}

/* As many ranges as fit in a request; what does not, in another. */
static void test_ranges_are_packed(struct bench *bench)
{
    static const struct virtio_blk_range ranges[] = {{0, 4}, {8, 4}, {16, 4}, {24, 1}, {32, 32}};

    blk_bench_begin(bench, 64);
    offer_ranges(bench, 1000, 256, 1);
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_ok(virtio_blk_discard(&blk_disk, ranges, 5));
    assert_int_equal(blk_fake.requests, 3);
    for (unsigned i = 0; i < 5; i++) {
        check_range(i, FAKE_BLK_DISCARD, ranges[i].sector, (uint32_t)ranges[i].sectors, 0);
        check_filled(ranges[i].sector, ranges[i].sectors, FAKE_BLK_DISCARDED);
    }
    blk_bench_read(4, 4);
    blk_bench_read(25, 7);
    blk_bench_end(bench);
}

/* One segment a request where the device takes no more, or says 0. */
static void check_one_by_one(struct bench *bench, uint32_t segments)
{
    static const struct virtio_blk_range ranges[] = {{0, 4}, {8, 4}, {16, 4}};

    blk_bench_begin(bench, 64);
    offer_ranges(bench, 1000, segments, 1);
    blk_bench_start(bench);
    assert_ok(virtio_blk_write_zeroes(&blk_disk, ranges, 3, false));
    assert_int_equal(blk_fake.requests, 3);
    assert_int_equal(blk_fake.range_count, 3);
    assert_result(virtio_blk_submit_write_zeroes(&blk_disk, ranges, 2, false, NULL),
                  VIRTIO_E_TOO_LONG);
    assert_int_equal(blk_disk.in_flight, 0);
    blk_bench_end(bench);
}

static void test_one_segment_a_request(struct bench *bench)
{
    check_one_by_one(bench, 1);
    check_one_by_one(bench, 0);
}

/* A long range is cut, where the device's alignment has it. */
static void test_long_ranges_are_cut(struct bench *bench)
{
    static const struct virtio_blk_range range = {3, 40};

    blk_bench_begin(bench, 64);
    offer_ranges(bench, 16, 1, 8);
    blk_bench_start(bench);
    assert_ok(virtio_blk_discard(&blk_disk, &range, 1));
    assert_int_equal(blk_fake.range_count, 3);
    check_range(0, FAKE_BLK_DISCARD, 3, 13, 0);
    check_range(1, FAKE_BLK_DISCARD, 16, 16, 0);
    check_range(2, FAKE_BLK_DISCARD, 32, 11, 0);
    check_filled(3, 40, FAKE_BLK_DISCARDED);
    assert_ok(virtio_blk_write_zeroes(&blk_disk, &range, 1, true));
    assert_int_equal(blk_fake.range_count, 6);
    check_range(3, FAKE_BLK_WRITE_ZEROES, 3, 16, 1);
    check_range(5, FAKE_BLK_WRITE_ZEROES, 35, 8, 1);
    blk_bench_end(bench);
}

/* An alignment above what a segment may have can't be kept; one that is no power of two can. */
static void test_odd_alignments(struct bench *bench)
{
    static const struct virtio_blk_range range = {1, 20};

    blk_bench_begin(bench, 64);
    offer_ranges(bench, 6, 1, 1000);
    blk_bench_start(bench);
    assert_ok(virtio_blk_discard(&blk_disk, &range, 1));
    assert_int_equal(blk_fake.range_count, 4);
    check_range(0, FAKE_BLK_DISCARD, 1, 6, 0);
    check_range(3, FAKE_BLK_DISCARD, 19, 2, 0);
    blk_bench_end(bench);
    blk_bench_begin(bench, 64);
    offer_ranges(bench, 6, 1, 5);
    blk_bench_start(bench);
    assert_ok(virtio_blk_secure_erase(&blk_disk, &range, 1));
    check_range(0, FAKE_BLK_SECURE_ERASE, 1, 4, 0);
    check_range(1, FAKE_BLK_SECURE_ERASE, 5, 5, 0);
    check_range(3, FAKE_BLK_SECURE_ERASE, 15, 6, 0);
    blk_bench_end(bench);
}

/* The sectors of all segments of a request together are not more than one may have. */
static void test_segments_share_the_limit(struct bench *bench)
{
    static const struct virtio_blk_range ranges[] = {{0, 6}, {10, 6}, {20, 3}};

    blk_bench_begin(bench, 64);
    offer_ranges(bench, 8, 2, 0);
    blk_bench_start(bench);
    assert_ok(virtio_blk_discard(&blk_disk, ranges, 3));
    assert_int_equal(blk_fake.requests, 2);
    check_range(0, FAKE_BLK_DISCARD, 0, 6, 0);
    check_range(1, FAKE_BLK_DISCARD, 10, 2, 0);
    check_range(2, FAKE_BLK_DISCARD, 12, 4, 0);
    check_range(3, FAKE_BLK_DISCARD, 20, 3, 0);
    blk_bench_end(bench);
}

/* Limits of 0 and a disk of 2^63 sectors: no loop without an end, no length of 0. */
static void test_no_limit_and_a_huge_range(struct bench *bench)
{
    static const struct virtio_blk_range range = {0, UINT64_C(5) << 32};
    static const struct virtio_blk_range last = {UINT64_MAX - 1, 1};

    blk_bench_begin(bench, 64);
    fake_device_set_config(&bench->fake, FAKE_BLK_CAPACITY, 8, UINT64_MAX);
    offer_ranges(bench, 0, 0, 0);
    blk_fake.forced_status = 0;
    blk_bench_start(bench);
    assert_ok(virtio_blk_discard(&blk_disk, &range, 1));
    assert_int_equal(blk_fake.requests, 6);
    assert_ok(virtio_blk_discard(&blk_disk, &last, 1));
    blk_bench_end(bench);
}

static void check_all_refused(const struct virtio_blk_range *ranges, size_t count, int error)
{
    uint64_t requests = blk_fake.requests;

    assert_result(virtio_blk_discard(&blk_disk, ranges, count), error);
    assert_result(virtio_blk_write_zeroes(&blk_disk, ranges, count, true), error);
    assert_result(virtio_blk_secure_erase(&blk_disk, ranges, count), error);
    assert_result(virtio_blk_submit_discard(&blk_disk, ranges, count, NULL), error);
    assert_result(virtio_blk_submit_write_zeroes(&blk_disk, ranges, count, false, NULL), error);
    assert_result(virtio_blk_submit_secure_erase(&blk_disk, ranges, count, NULL), error);
    assert_int_equal(blk_fake.requests, requests);
    assert_int_equal(blk_disk.in_flight, 0);
}

static void test_ranges_that_make_no_sense(struct bench *bench)
{
    static const struct virtio_blk_range good[] = {{0, 64}};
    static const struct virtio_blk_range empty[] = {{0, 1}, {5, 0}};
    static const struct virtio_blk_range beyond[] = {{0, 1}, {63, 2}};
    static const struct virtio_blk_range wraps[] = {{2, UINT64_MAX}};

    blk_bench_begin(bench, 64);
    offer_ranges(bench, 1000, 4, 1);
    blk_bench_start(bench);
    check_all_refused(NULL, 1, VIRTIO_E_INVALID);
    check_all_refused(good, 0, VIRTIO_E_INVALID);
    check_all_refused(empty, 2, VIRTIO_E_ZERO_LENGTH);
    check_all_refused(beyond, 2, VIRTIO_E_OUT_OF_RANGE);
    check_all_refused(wraps, 1, VIRTIO_E_OUT_OF_RANGE);
    assert_ok(virtio_blk_discard(&blk_disk, good, 1));
    assert_ok(virtio_blk_halt(&blk_disk));
    check_all_refused(good, 1, VIRTIO_E_STATE);
    blk_bench_end(bench);
    check_all_refused(good, 1, VIRTIO_E_STATE);
}

static void test_ranges_without_the_feature(struct bench *bench)
{
    static const struct virtio_blk_range range = {0, 1};

    blk_bench_begin(bench, 64);
    offer_ranges(bench, 1000, 4, 1);
    bench->fake.features &= ~RANGE_FEATURES;
    blk_bench_start(bench);
    check_all_refused(&range, 1, VIRTIO_E_NOT_SUPPORTED);
    blk_bench_end(bench);
    blk_bench_begin(bench, 64);
    offer_ranges(bench, 1000, 4, 1);
    bench->fake.features |= VIRTIO_BLK_F_RO;
    blk_bench_start(bench);
    check_all_refused(&range, 1, VIRTIO_E_READ_ONLY);
    blk_bench_end(bench);
}

/* Submitted by hand, among others, and full. */
static void test_ranges_in_flight(struct bench *bench)
{
    static const struct virtio_blk_range ranges[] = {{1, 1}, {3, 1}, {5, 1}};

    blk_bench_begin(bench, 64);
    offer_ranges(bench, 1000, 4, 1);
    bench->fake.queues[0].maximum = 16; /* five requests */
    blk_fake.order = FAKE_BLK_REVERSED;
    blk_bench_start(bench);
    blk_bench_fill_disk();
    assert_ok(virtio_blk_submit_discard(&blk_disk, ranges, 2, bench_cookie(1)));
    assert_ok(virtio_blk_submit_read(&blk_disk, 8, blk_buffer, SECTOR, bench_cookie(2)));
    assert_ok(virtio_blk_submit_write_zeroes(&blk_disk, ranges + 2, 1, true, bench_cookie(3)));
    assert_ok(virtio_blk_submit_secure_erase(&blk_disk, ranges + 2, 1, bench_cookie(4)));
    assert_ok(virtio_blk_submit_flush(&blk_disk, bench_cookie(5)));
    assert_result(virtio_blk_submit_discard(&blk_disk, ranges, 1, NULL), VIRTIO_E_FULL);
    assert_result(virtio_blk_discard(&blk_disk, ranges, 1), VIRTIO_E_FULL);
    assert_int_equal(blk_disk.in_flight, 5);
    for (uintptr_t cookie = 5; cookie >= 1; cookie--)
        assert_int_equal(blk_bench_wait(VIRTIO_OK), cookie);
    check_filled(1, 1, FAKE_BLK_DISCARDED);
    check_filled(3, 1, FAKE_BLK_DISCARDED);
    check_filled(5, 1, 0);
    blk_bench_end(bench);
}

static void test_ranges_that_fail(struct bench *bench)
{
    static const struct virtio_blk_range ranges[] = {{0, 4}, {8, 4}};

    blk_bench_begin(bench, 64);
    offer_ranges(bench, 1000, 1, 1);
    blk_bench_start(bench);
    blk_fake.forced_status = 1;
    assert_result(virtio_blk_discard(&blk_disk, ranges, 2), VIRTIO_E_IO);
    assert_int_equal(blk_fake.requests, 1); /* and no more are made */
    blk_fake.forced_status = 2;
    assert_result(virtio_blk_write_zeroes(&blk_disk, ranges, 2, true),
                  VIRTIO_E_UNSUPPORTED_REQUEST);
    blk_fake.forced_status = 3;
    assert_result(virtio_blk_secure_erase(&blk_disk, ranges, 2), VIRTIO_E_RESPONSE);
    blk_fake.forced_status = -1;
    blk_fake.leaves_status = true;
    assert_result(virtio_blk_secure_erase(&blk_disk, ranges, 2), VIRTIO_E_RESPONSE);
    blk_fake.leaves_status = false;
    assert_ok(virtio_blk_discard(&blk_disk, ranges, 2));
    blk_fake.drop_next = 1;
    blk_disk.device.timeout_us = 20000;
    assert_result(virtio_blk_discard(&blk_disk, ranges, 2), VIRTIO_E_TIMEOUT);
    assert_result(virtio_blk_discard(&blk_disk, ranges, 2), VIRTIO_E_STATE);
    blk_bench_end(bench);
}

/* The rules of the fake disk for all this, broken by hand on the queue. -------------------------- */

static void put_request(struct bench *bench, uint32_t type, uint64_t sector)
{
    uint8_t *bytes = bench->shared.memory;

    memset(bytes, 0, 128);
    fake_put(&bench->fake, bytes, 4, type);
    fake_put(&bench->fake, bytes + 8, 8, sector);
}

static void put_segment(struct bench *bench, unsigned n, uint64_t sector, uint32_t sectors,
                        uint32_t flags)
{
    uint8_t *bytes = (uint8_t *)bench->shared.memory + 512 + (size_t)n * 16;

    fake_put(&bench->fake, bytes, 8, sector);
    fake_put(&bench->fake, bytes + 8, 4, sectors);
    fake_put(&bench->fake, bytes + 12, 4, flags);
}

static void send(struct bench *bench, uint32_t readable, uint32_t writable)
{
    const uint64_t base = bench->shared.device_address;
    struct virtio_buffer buffers[4] = {{base, 16}};
    uint16_t count = 1;
    struct virtio_done done;

    if (readable != 0)
        buffers[count++] = (struct virtio_buffer){base + 512, readable};
    if (writable != 0)
        buffers[count++] = (struct virtio_buffer){base + 1024, writable};
    buffers[count] = (struct virtio_buffer){base + 128, 1};
    assert_ok(virtio_submit_buffers(&bench->queues[0], buffers, (uint16_t)(1 + (readable != 0)),
                                    (uint16_t)(1 + (writable != 0)), NULL));
    assert_ok(virtio_kick(&bench->queues[0]));
    assert_result(virtio_reap(&bench->queues[0], &done), 1);
}

static void test_rules_of_ranges(struct bench *bench)
{
    struct fake_blk blk;

    fake_blk_begin(&blk, &bench->fake, 16);
    offer_ranges(bench, 8, 1, 0);
    bench->wanted.supported = VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES;
    bench_start(bench, 8);
    put_request(bench, FAKE_BLK_DISCARD, 0);
    put_segment(bench, 0, 0, 8, 0);
    put_segment(bench, 1, 8, 8, 0);
    send(bench, 16, 0); /* as it should be */
    send(bench, 32, 0);
    bench_expect_violation(bench, "blk-range-segments");
    send(bench, 15, 0);
    bench_expect_violation(bench, "blk-range-length");
    send(bench, 16, 16);
    bench_expect_violation(bench, "blk-range-length");
    put_segment(bench, 0, 0, 9, 0);
    send(bench, 16, 0);
    bench_expect_violation(bench, "blk-range-sectors");
    put_segment(bench, 0, 12, 8, 0);
    send(bench, 16, 0);
    bench_expect_violation(bench, "blk-range-beyond");
    put_segment(bench, 0, 0, 8, 1);
    send(bench, 16, 0);
    bench_expect_violation(bench, "blk-range-flags");
    put_request(bench, FAKE_BLK_WRITE_ZEROES, 0);
    send(bench, 16, 0); /* as it should be */
    put_segment(bench, 0, 0, 8, 2);
    send(bench, 16, 0);
    bench_expect_violation(bench, "blk-range-flags");
    put_segment(bench, 0, 0, 8, 0);
    put_request(bench, FAKE_BLK_WRITE_ZEROES, 3);
    send(bench, 16, 0);
    bench_expect_violation(bench, "blk-sector-unused");
    put_request(bench, FAKE_BLK_SECURE_ERASE, 0);
    send(bench, 16, 0);
    bench_expect_violation(bench, "blk-range-feature");
    bench->fake.features |= VIRTIO_BLK_F_RO;
    put_request(bench, FAKE_BLK_DISCARD, 0);
    send(bench, 16, 0);
    bench_expect_violation(bench, "blk-range-read-only");
    put_request(bench, FAKE_BLK_GET_LIFETIME, 0);
    send(bench, 0, 7);
    bench_expect_violation(bench, "blk-lifetime-feature");
    bench_expect_violation(bench, "blk-lifetime-length");
    assert_ok(virtio_config_write(&bench->device, FAKE_BLK_WRITEBACK, 1, 1));
    bench_expect_violation(bench, "blk-config-write");
    bench_stop(bench);
    fake_blk_end(&blk);
}

/* Lifetime --------------------------------------------------------------------------------------- */

static void check_lifetime(uint16_t info, uint16_t a, uint16_t b, int error)
{
    struct virtio_blk_lifetime lifetime = {77, 77, 77};
    bool good = error == VIRTIO_OK;

    blk_fake.lifetime[0] = info;
    blk_fake.lifetime[1] = a;
    blk_fake.lifetime[2] = b;
    assert_result(virtio_blk_get_lifetime(&blk_disk, &lifetime), error);
    assert_int_equal(lifetime.pre_eol_info, good ? info : 77);
    assert_int_equal(lifetime.device_lifetime_est_typ_a, good ? a : 77);
    assert_int_equal(lifetime.device_lifetime_est_typ_b, good ? b : 77);
}

static void test_lifetime(struct bench *bench)
{
    struct virtio_blk_lifetime lifetime;

    blk_bench_begin(bench, 64);
    bench->fake.features |= VIRTIO_BLK_F_LIFETIME;
    blk_bench_start(bench);
    check_lifetime(0, 0, 0, VIRTIO_OK);
    check_lifetime(VIRTIO_BLK_PRE_EOL_INFO_URGENT, 5, VIRTIO_BLK_LIFETIME_EXCEEDED, VIRTIO_OK);
    check_lifetime(4, 0, 0, VIRTIO_E_RESPONSE);
    check_lifetime(0, 12, 0, VIRTIO_E_RESPONSE);
    check_lifetime(0, 0, 12, VIRTIO_E_RESPONSE);
    blk_fake.lifetime_short_by = 1;
    check_lifetime(1, 2, 3, VIRTIO_E_RESPONSE);
    blk_fake.lifetime_short_by = 6;
    check_lifetime(1, 2, 3, VIRTIO_E_RESPONSE);
    blk_fake.lifetime_short_by = 0;
    check_lifetime(1, 2, 3, VIRTIO_OK);
    blk_fake.forced_status = 1;
    check_lifetime(1, 2, 3, VIRTIO_E_IO);
    blk_fake.forced_status = -1;
    blk_bench_end(bench);
    assert_result(virtio_blk_get_lifetime(&blk_disk, &lifetime), VIRTIO_E_STATE);
    blk_bench_begin(bench, 64);
    bench->fake.features &= ~VIRTIO_BLK_F_LIFETIME;
    blk_bench_start(bench);
    assert_result(virtio_blk_get_lifetime(&blk_disk, &lifetime), VIRTIO_E_NOT_SUPPORTED);
    assert_int_equal(blk_fake.requests, 0);
    blk_bench_end(bench);
}

/* Cache mode ------------------------------------------------------------------------------------- */

static void test_the_cache_mode_is_read(struct bench *bench)
{
    for (unsigned mode = 0; mode < 2; mode++) {
        blk_bench_begin(bench, 64);
        blk_bench_offer(bench, VIRTIO_BLK_F_CONFIG_WCE, FAKE_BLK_WRITEBACK, 1, mode);
        blk_bench_start(bench);
        assert_int_equal(blk_disk.writeback, mode);
        assert_ok(virtio_blk_flush(&blk_disk));
        assert_int_equal(blk_fake.flushes, mode);
        blk_bench_end(bench);
    }
}

/* Without FLUSH there is nothing to make a write stable with, whatever the field says. */
static void test_no_writeback_without_flush(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_offer(bench, VIRTIO_BLK_F_CONFIG_WCE, FAKE_BLK_WRITEBACK, 1, 1);
    bench->fake.features &= ~VIRTIO_BLK_F_FLUSH;
    blk_bench_start(bench);
    assert_false(blk_disk.writeback);
    assert_result(virtio_blk_set_writeback(&blk_disk, true), VIRTIO_E_NOT_SUPPORTED);
    assert_int_equal(blk_fake.mode_writes, 0);
    blk_bench_end(bench);
}

/* What was written before the switch must not stay volatile behind flushes that are not sent any more. */
static void test_switching_the_cache_mode(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_offer(bench, VIRTIO_BLK_F_CONFIG_WCE, FAKE_BLK_WRITEBACK, 1, 1);
    blk_bench_start(bench);
    assert_ok(virtio_blk_write(&blk_disk, 0, blk_buffer, SECTOR));
    assert_int_equal(blk_fake.unflushed, 1);
    assert_ok(virtio_blk_set_writeback(&blk_disk, false));
    assert_int_equal(bench->fake.config[FAKE_BLK_WRITEBACK], 0);
    assert_int_equal(blk_fake.unflushed, 0);
    assert_false(blk_disk.writeback);
    assert_ok(virtio_blk_flush(&blk_disk));
    assert_int_equal(blk_fake.flushes, 1);
    assert_ok(virtio_blk_set_writeback(&blk_disk, true));
    assert_int_equal(bench->fake.config[FAKE_BLK_WRITEBACK], 1);
    assert_true(blk_disk.writeback);
    assert_ok(virtio_blk_flush(&blk_disk));
    assert_int_equal(blk_fake.flushes, 2);
    blk_bench_end(bench);
    assert_result(virtio_blk_set_writeback(&blk_disk, false), VIRTIO_E_STATE);
}

static void test_a_device_that_keeps_its_cache_mode(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_offer(bench, VIRTIO_BLK_F_CONFIG_WCE, FAKE_BLK_WRITEBACK, 1, 1);
    blk_bench_start(bench);
    blk_fake.keeps_cache_mode = true;
    assert_result(virtio_blk_set_writeback(&blk_disk, false), VIRTIO_E_RESPONSE);
    assert_true(blk_disk.writeback);
    blk_fake.keeps_cache_mode = false;
    blk_fake.forced_status = 1; /* the flush fails */
    assert_result(virtio_blk_set_writeback(&blk_disk, false), VIRTIO_E_IO);
    assert_true(blk_disk.writeback);
    blk_bench_end(bench);
}

/* The caller may have switched it, and the device goes back to its own mode with the reset. */
static void test_the_cache_mode_after_a_recovery(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_offer(bench, VIRTIO_BLK_F_CONFIG_WCE, FAKE_BLK_WRITEBACK, 1, 1);
    blk_bench_start(bench);
    assert_ok(virtio_blk_set_writeback(&blk_disk, false));
    bench->fake.config[FAKE_BLK_WRITEBACK] = 1;
    assert_ok(virtio_blk_recover(&blk_disk));
    assert_true(blk_disk.writeback);
    assert_ok(virtio_blk_flush(&blk_disk));
    assert_int_equal(blk_fake.flushes, 2);
    bench->fake.config[FAKE_BLK_WRITEBACK] = 0;
    assert_ok(virtio_blk_recover(&blk_disk));
    assert_false(blk_disk.writeback);
    blk_bench_end(bench);
}

/* Resizes ---------------------------------------------------------------------------------------- */

static void resize(struct bench *bench, uint64_t sectors)
{
    fake_device_change_field(&bench->fake, FAKE_BLK_CAPACITY, 8, sectors);
}

static void test_a_resize_is_noticed(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    assert_result(virtio_blk_poll_resize(&blk_disk), 0);
    resize(bench, 32);
    assert_int_equal(blk_disk.capacity, 64);
    assert_result(virtio_blk_poll_resize(&blk_disk), 1);
    assert_result(virtio_blk_poll_resize(&blk_disk), 0);
    assert_int_equal(blk_disk.capacity, 32);
    assert_result(virtio_blk_read(&blk_disk, 32, blk_buffer, SECTOR), VIRTIO_E_OUT_OF_RANGE);
    resize(bench, UINT64_C(0x300000040));
    assert_result(virtio_blk_poll_resize(&blk_disk), 1);
    assert_int_equal(blk_disk.capacity, UINT64_C(0x300000040));
    assert_ok(virtio_blk_read(&blk_disk, 63, blk_buffer, SECTOR));
    blk_bench_end(bench);
    assert_result(virtio_blk_poll_resize(&blk_disk), VIRTIO_E_STATE);
}

/* It changes again and again, between the two halves. */
static void resize_always(void *context, const struct fake_event *event)
{
    struct bench *bench = context;

    if (event->kind == FAKE_REGISTER_READ && event->width == 4)
        resize(bench, ++blk_fake.capacity << 31);
}

static void test_a_capacity_that_never_holds_still(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    bench->host.observer = resize_always;
    bench->host.observer_context = bench;
    assert_result(virtio_blk_poll_resize(&blk_disk), VIRTIO_E_CONFIG);
    bench->host.observer = NULL;
    assert_int_equal(blk_disk.capacity, 64);
    blk_bench_end(bench);
}

/* All ones are no capacity. */
static void test_unplugged_is_not_resized(struct bench *bench)
{
    blk_bench_begin(bench, 64);
    blk_bench_start(bench);
    bench_unplug(bench, true);
    assert_result(virtio_blk_poll_resize(&blk_disk), VIRTIO_E_GONE);
    assert_int_equal(blk_disk.capacity, 64);
    blk_bench_end(bench);
}

static const struct bench_test tests[] = {
    TEST(test_limits_are_read, BENCH_ALL),
    TEST(test_each_kind_does_what_it_says, BENCH_HOSTS),
    TEST(test_ranges_are_packed, BENCH_ALL),
    TEST(test_one_segment_a_request, BENCH_ONE),
    TEST(test_long_ranges_are_cut, BENCH_ONE | BENCH_LEGACY),
    TEST(test_odd_alignments, BENCH_ONE),
    TEST(test_segments_share_the_limit, BENCH_ONE),
    TEST(test_no_limit_and_a_huge_range, BENCH_ONE),
    TEST(test_ranges_that_make_no_sense, BENCH_ALL),
    TEST(test_ranges_without_the_feature, BENCH_ALL),
    TEST(test_ranges_in_flight, BENCH_HOSTS | BENCH_OUT_OF_ORDER),
    TEST(test_ranges_that_fail, BENCH_HOSTS),
    TEST(test_rules_of_ranges, BENCH_ONE),
    TEST(test_lifetime, BENCH_HOSTS),
    TEST(test_the_cache_mode_is_read, BENCH_ALL),
    TEST(test_no_writeback_without_flush, BENCH_ONE),
    TEST(test_switching_the_cache_mode, BENCH_ALL),
    TEST(test_a_device_that_keeps_its_cache_mode, BENCH_ALL),
    TEST(test_the_cache_mode_after_a_recovery, BENCH_ALL),
    TEST(test_a_resize_is_noticed, BENCH_ALL),
    TEST(test_a_capacity_that_never_holds_still, BENCH_ONE | BENCH_MMIO_1),
    TEST(test_unplugged_is_not_resized, BENCH_ALL & ~BENCH_WINDOW),
};

BENCH_MAIN_RINGS(tests)
