/* SPDX-License-Identifier: MIT */
/*
 * Block driver tests: ranges of the scratch disk that are discarded and zeroed, its cache mode, and a disk
 * that the host resizes. Ranges lie behind the area of blk_write.c, and hold zeros again in the end; what was
 * discarded the host looks at after the run.
 */
#include "blk_rig.h"
#include "blk_tests.h"
#include "pattern.h"

#include <string.h>

#define SEED UINT64_C(0x52616e6765732121)

enum {
    FIRST = 10240, /* behind the area that holds the pattern */
    SECTORS = 2048,
    PIECE = 256, /* a multiple of every block size here, and of the host's pages */
    RESIZE_US = 5000000
};

static bool fill(struct test *test, struct rig *rig)
{
    pattern_fill(rig->buffer, SEED, FIRST, SECTORS);
    return CHECK_RESULT(
               test,
               counted(virtio_blk_write(rig->disk, FIRST, rig->buffer, (size_t)SECTORS * SECTOR)),
               VIRTIO_OK) &&
           CHECK_RESULT(test, counted(virtio_blk_flush(rig->disk)), VIRTIO_OK);
}

static bool holds(struct test *test, struct rig *rig, uint32_t sector, uint32_t sectors, bool zeros)
{
    size_t bytes = (size_t)sectors * SECTOR;

    memset(rig->buffer, 0xa5, bytes);
    if (!CHECK_RESULT(test, counted(virtio_blk_read(rig->disk, sector, rig->buffer, bytes)),
                      VIRTIO_OK)) {
        return false;
    }
    memset(rig->expected, 0, bytes);
    return zeros ? CHECK_BYTES(test, rig->buffer, rig->expected, bytes)
                 : CHECK(test, pattern_matches(rig->buffer, SEED, sector, sectors));
}

static bool can(struct test *test, struct rig *rig, uint64_t feature, const char *reason)
{
    if (!virtio_has_feature(&rig->disk->device, feature)) {
        test_skip(test, reason);
        return false;
    }
    return CHECK(test, rig->disk->capacity >= FIRST + SECTORS + 8);
}

/* The rest of the ranges' place becomes zeros the plain way: this is no test of how. */
static void clear(struct test *test, struct rig *rig, uint32_t sector, uint32_t sectors)
{
    memset(rig->buffer, 0, (size_t)sectors * SECTOR);
    CHECK_RESULT(
        test, counted(virtio_blk_write(rig->disk, sector, rig->buffer, (size_t)sectors * SECTOR)),
        VIRTIO_OK);
}

/* --- Discard ------------------------------------------------------------------------------------ */

static void discard_by_hand(struct test *test, struct rig *rig, uint32_t sector)
{
    const struct virtio_blk_range range = {sector, rig->unit};
    struct virtio_blk_done done;

    REQUIRE_RESULT(test, counted(virtio_blk_submit_discard(rig->disk, &range, 1, rig)), VIRTIO_OK);
    REQUIRE_EQUAL(test, virtio_blk_wait(rig->disk, &done, rig->disk->device.timeout_us), 1);
    CHECK(test, done.cookie == rig);
    CHECK_RESULT(test, done.error, VIRTIO_OK);
}

static void check_refusals(struct test *test, struct rig *rig)
{
    const struct virtio_blk_range beyond = {rig->disk->capacity - 1, 2};
    const struct virtio_blk_range empty = {FIRST, 0};

    CHECK_RESULT(test, virtio_blk_discard(rig->disk, &beyond, 1), VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_blk_discard(rig->disk, &empty, 1), VIRTIO_E_ZERO_LENGTH);
    CHECK_RESULT(test, virtio_blk_discard(rig->disk, NULL, 1), VIRTIO_E_INVALID);
}

/* What a discarded sector reads as is not defined, so only its neighbours are looked at; the host sees whether
 * the image file has holes there. */
static void discard_body(struct test *test, struct rig *rig)
{
    const struct virtio_blk_range ranges[] = {
        {FIRST, PIECE}, {FIRST + 2 * PIECE, PIECE}, {FIRST + 4 * PIECE, 2 * PIECE}};

    if (!can(test, rig, VIRTIO_BLK_F_DISCARD, "the disk cannot discard")) {
        return;
    }
    check_refusals(test, rig);
    REQUIRE(test, fill(test, rig));
    REQUIRE_RESULT(test, counted(virtio_blk_discard(rig->disk, ranges, 3)), VIRTIO_OK);
    REQUIRE(test, holds(test, rig, FIRST + PIECE, PIECE, false));
    REQUIRE(test, holds(test, rig, FIRST + 3 * PIECE, PIECE, false));
    REQUIRE(test, holds(test, rig, FIRST + 6 * PIECE, 2 * PIECE, false));
    discard_by_hand(test, rig, FIRST + PIECE);
    REQUIRE(test, holds(test, rig, FIRST + PIECE + rig->unit, PIECE - rig->unit, false));
    clear(test, rig, FIRST + PIECE, PIECE);
    clear(test, rig, FIRST + 3 * PIECE, PIECE);
    clear(test, rig, FIRST + 6 * PIECE, 2 * PIECE);
    REQUIRE_RESULT(test, counted(virtio_blk_flush(rig->disk)), VIRTIO_OK);
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        test_diagnostic("blk discarded first=%lu sectors=%lu", (unsigned long)ranges[i].sector,
                        (unsigned long)ranges[i].sectors);
    }
}

void blk_discards(struct test *test)
{
    rig_run_scratch(test, discard_body);
}

/* --- Write zeroes ------------------------------------------------------------------------------- */

static void zeroes_body(struct test *test, struct rig *rig)
{
    const uint32_t first = FIRST + SECTORS;
    const struct virtio_blk_range ranges[] = {{FIRST, PIECE}, {FIRST + 2 * PIECE, PIECE}};
    const struct virtio_blk_range all = {FIRST, SECTORS};

    if (!can(test, rig, VIRTIO_BLK_F_WRITE_ZEROES, "the disk cannot write zeroes by itself")) {
        return;
    }
    for (unsigned unmap = 0; unmap < 2; unmap++) {
        REQUIRE(test, fill(test, rig));
        REQUIRE_RESULT(test, counted(virtio_blk_write_zeroes(rig->disk, ranges, 2, unmap != 0)),
                       VIRTIO_OK);
        REQUIRE(test, holds(test, rig, FIRST, PIECE, true));
        REQUIRE(test, holds(test, rig, FIRST + PIECE, PIECE, false));
        REQUIRE(test, holds(test, rig, FIRST + 2 * PIECE, PIECE, true));
        REQUIRE(test, holds(test, rig, FIRST + 3 * PIECE, first - FIRST - 3 * PIECE, false));
    }
    REQUIRE_RESULT(test, counted(virtio_blk_write_zeroes(rig->disk, &all, 1, true)), VIRTIO_OK);
    REQUIRE(test, holds(test, rig, FIRST, SECTORS, true));
    test_diagnostic("the disk takes %lu sectors and %lu ranges at once, and %s unmap",
                    (unsigned long)rig->disk->write_zeroes.sectors,
                    (unsigned long)rig->disk->write_zeroes.segments,
                    rig->disk->write_zeroes_may_unmap != 0 ? "may" : "does not");
}

void blk_writes_zeroes(struct test *test)
{
    rig_run_scratch(test, zeroes_body);
}

/* --- Cache mode --------------------------------------------------------------------------------- */

/* How many requests a flush takes: none where the device writes through. */
static uint64_t flush_cost(struct test *test, struct rig *rig)
{
    uint64_t kicks = rig->disk->queue.kicks;

    CHECK_RESULT(test, counted(virtio_blk_flush(rig->disk)), VIRTIO_OK);
    return rig->disk->queue.kicks - kicks;
}

static void cache_body(struct test *test, struct rig *rig)
{
    bool at_start = rig->disk->writeback;

    if (!virtio_has_feature(&rig->disk->device, VIRTIO_BLK_F_CONFIG_WCE)) {
        CHECK_RESULT(test, virtio_blk_set_writeback(rig->disk, true), VIRTIO_E_NOT_SUPPORTED);
        test_skip(test, "the disk's cache mode is fixed");
        return;
    }
    CHECK_EQUAL(test, flush_cost(test, rig), at_start ? 1 : 0);
    for (unsigned round = 0; round < 4; round++) {
        bool writeback = round % 2 != 0;

        REQUIRE_RESULT(test, virtio_blk_set_writeback(rig->disk, writeback), VIRTIO_OK);
        CHECK(test, rig->disk->writeback == writeback);
        clear(test, rig, FIRST + PIECE, rig->unit); /* not where the host looks for holes */
        CHECK_EQUAL(test, flush_cost(test, rig), writeback ? 1 : 0);
    }
    REQUIRE_RESULT(test, virtio_blk_set_writeback(rig->disk, !at_start), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_blk_stop(rig->disk), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_blk_start(rig->disk, rig->found), VIRTIO_OK);
    if (!rig->is_remote) {
        CHECK(test,
              rig->disk->writeback == at_start); /* QEMU restores it, the spec leaves it open */
    }
    REQUIRE_RESULT(test, virtio_blk_set_writeback(rig->disk, at_start), VIRTIO_OK);
}

void blk_cache_mode(struct test *test)
{
    rig_run_scratch(test, cache_body);
}

/* --- Resizes ------------------------------------------------------------------------------------ */

static bool resize(struct test *test, struct rig *rig, uint64_t sectors)
{
    uint64_t start = test_now_us(test);
    int result = 0;

    if (!test_ask_host(test, "blk resize growing bytes=%llu",
                       (unsigned long long)sectors * SECTOR)) {
        return false;
    }
    while (result == 0 && test_now_us(test) - start < RESIZE_US) {
        result = virtio_blk_poll_resize(rig->disk);
    }
    return CHECK_EQUAL(test, result, 1) && CHECK_EQUAL(test, rig->disk->capacity, sectors) &&
           CHECK_RESULT(test, virtio_blk_poll_resize(rig->disk), 0);
}

/* The last block is there, and what is behind it is not. */
static void check_end(struct test *test, struct rig *rig, uint64_t sectors)
{
    size_t block = (size_t)rig->unit * SECTOR;

    CHECK_RESULT(test, counted(virtio_blk_read(rig->disk, sectors - rig->unit, rig->buffer, block)),
                 VIRTIO_OK);
    CHECK_RESULT(test, virtio_blk_read(rig->disk, sectors, rig->buffer, block),
                 VIRTIO_E_OUT_OF_RANGE);
}

static void resize_body(struct test *test, struct rig *rig)
{
    uint64_t sectors = rig->disk->capacity;
    static const unsigned eighths[] = {16, 4, 12};

    CHECK_RESULT(test, virtio_blk_poll_resize(rig->disk), 0);
    check_end(test, rig, sectors);
    for (size_t i = 0; i < sizeof(eighths) / sizeof(eighths[0]); i++) {
        uint64_t next = sectors / 8 * eighths[i];

        if (!resize(test, rig, next)) {
            return;
        }
        check_end(test, rig, next);
    }
    test_diagnostic("blk resized bytes=%llu", (unsigned long long)rig->disk->capacity * SECTOR);
}

void blk_resizes(struct test *test)
{
    rig_run(test, "growing", resize_body);
}
