/* SPDX-License-Identifier: MIT */
/*
 * Examples that do more than one thing, as they stand, on the fake disk.
 */
#include "../../examples/disk_prepare.c"
#include "../../examples/zoned_log.c"
#include "blk_bench.h"

#include <string.h>

#define RANGES (VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES)

/* With the features and without them, with room for lists and without. */
static void test_a_disk_is_prepared(struct bench *bench)
{
    static const uint8_t zeros[512];
    uint8_t header[512];
    uint8_t table[1024];

    memset(header, 0xaa, sizeof(header));
    memset(table, 0xbb, sizeof(table));
    for (unsigned round = 0; round < 3; round++) {
        blk_bench_begin(bench, 1000);
        blk_bench_fill_disk();
        if (round == 0) {
            bench->fake.features |= RANGES;
            blk_bench_offer(bench, 0, FAKE_BLK_MAX_DISCARD_SECTORS, 4, 1000);
            blk_bench_offer(bench, 0, FAKE_BLK_MAX_WRITE_ZEROES_SECTORS, 4, 1000);
        } else {
            bench->fake.features &= ~RANGES;
        }
        blk_bench_offer(bench, VIRTIO_BLK_F_SEG_MAX, FAKE_BLK_SEG_MAX, 4, round == 2 ? 1 : 4);
        bench_attach(bench);
        assert_ok(disk_prepare(&bench->device, 100, 800, header, table, sizeof(table)));
        assert_memory_equal(blk_fake.disk + (size_t)100 * SECTOR, header, SECTOR);
        assert_memory_equal(blk_fake.disk + (size_t)101 * SECTOR, table, 2 * SECTOR);
        for (unsigned sector = 103; sector < 164; sector++)
            assert_memory_equal(blk_fake.disk + (size_t)sector * SECTOR, zeros, SECTOR);
        blk_bench_assert_data(blk_fake.disk, 0, (size_t)100 * SECTOR);
        blk_bench_assert_data(blk_fake.disk + (size_t)900 * SECTOR, 900, (size_t)100 * SECTOR);
        assert_result(disk_prepare(&bench->device, 500, 800, header, table, sizeof(table)),
                      round == 0 ? VIRTIO_E_OUT_OF_RANGE : VIRTIO_OK);
        fake_blk_end(&blk_fake);
    }
}

static void test_records_on_a_zoned_disk(struct bench *bench)
{
    uint8_t bytes[3][1024];
    struct zoned_record records[3];

    blk_bench_begin(bench, 320);
    fake_blk_zone(&blk_fake, 32, 8);
    bench->host.may_allocate = true; /* as test_blk_zoned.c does */
    bench_attach(bench);
    for (unsigned i = 0; i < 3; i++) {
        memset(bytes[i], (int)(i + 1), sizeof(bytes[i]));
        records[i] = (struct zoned_record){bytes[i], sizeof(bytes[i]), 0};
    }
    for (unsigned round = 0; round < 2; round++) { /* the zone has no room for them twice */
        assert_ok(zoned_log(&bench->device, records, 3));
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(records[i].sector, (round + 1) * 32 + 2 * i);
            assert_memory_equal(blk_fake.disk + records[i].sector * SECTOR, bytes[i],
                                sizeof(bytes[i]));
        }
    }
    records[1].size = 17 * SECTOR;
    assert_result(zoned_log(&bench->device, records, 3), VIRTIO_E_FULL);
    fake_blk_end(&blk_fake);
}

static const struct bench_test tests[] = {
    TEST(test_a_disk_is_prepared, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_records_on_a_zoned_disk, (BENCH_MODERN | BENCH_IDENTITY) | BENCH_OUT_OF_ORDER),
};

BENCH_MAIN(tests)
