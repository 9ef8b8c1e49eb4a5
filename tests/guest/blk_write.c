/* SPDX-License-Identifier: MIT */
/*
 * Block driver tests: writing, to the scratch disk only. Everything is written inside of one area; what
 * lies around it must stay as it was, and the area's last content is the pattern of SEED, which the host
 * looks for after the run.
 */
#include "blk_rig.h"
#include "blk_tests.h"
#include "pattern.h"

#include <string.h>

#define SEED       UINT64_C(0x5363726174636821)
#define OTHER_SEED UINT64_C(0x0123456789abcdef)

enum {
    AREA_FIRST = 24,    /* a multiple of 8: whole blocks where blocks have 4096 bytes */
    AREA_SECTORS = 9000 /* likewise */
};

/* The area's length on this disk; 0 when the disk is too small. */
static uint32_t area_sectors(const struct rig *rig)
{
    uint64_t room = rig->disk->capacity;

    if (rig->unit > 8 || room < 4 * AREA_FIRST) {
        return 0;
    }
    room -= 2 * AREA_FIRST;
    room -= room % 8;
    return room < AREA_SECTORS ? (uint32_t)room : AREA_SECTORS;
}

/* --- Sizes -------------------------------------------------------------------------------------- */

static bool write_reads_back(struct test *test, struct rig *rig, uint32_t sector, uint32_t sectors,
                             uint32_t skew)
{
    uint8_t *bytes = rig->buffer + skew;
    size_t count = (size_t)sectors * SECTOR;
    bool good;

    pattern_fill(bytes, OTHER_SEED + sectors, sector, sectors);
    good =
        CHECK_RESULT(test, counted(virtio_blk_write(rig->disk, sector, bytes, count)), VIRTIO_OK) &&
        /* A write only reads its buffer. */
        CHECK(test, pattern_matches(bytes, OTHER_SEED + sectors, sector, sectors));
    memset(bytes, 0xa5, count);
    good =
        good &&
        CHECK_RESULT(test, counted(virtio_blk_read(rig->disk, sector, bytes, count)), VIRTIO_OK) &&
        CHECK(test, pattern_matches(bytes, OTHER_SEED + sectors, sector, sectors));
    if (!good) {
        test_diagnostic("writing %lu sectors at %lu from an address %lu off",
                        (unsigned long)sectors, (unsigned long)sector, (unsigned long)skew);
    }
    return good;
}

/* One large write, a small one inside of it, and both are there. */
static void check_neighbours(struct test *test, struct rig *rig)
{
    uint32_t unit = rig->unit;
    uint32_t first = AREA_FIRST + 8 * unit;
    size_t block = (size_t)unit * SECTOR;

    pattern_fill(rig->buffer, OTHER_SEED, first, 3 * unit);
    REQUIRE_RESULT(test, counted(virtio_blk_write(rig->disk, first, rig->buffer, 3 * block)),
                   VIRTIO_OK);
    pattern_fill(rig->buffer, SEED, first + unit, unit);
    REQUIRE_RESULT(test, counted(virtio_blk_write(rig->disk, first + unit, rig->buffer, block)),
                   VIRTIO_OK);
    memset(rig->buffer, 0xa5, 3 * block);
    REQUIRE_RESULT(test, counted(virtio_blk_read(rig->disk, first, rig->buffer, 3 * block)),
                   VIRTIO_OK);
    CHECK(test, pattern_matches(rig->buffer, OTHER_SEED, first, unit));
    CHECK(test, pattern_matches(rig->buffer + block, SEED, first + unit, unit));
    CHECK(test, pattern_matches(rig->buffer + 2 * block, OTHER_SEED, first + 2 * unit, unit));
}

static void sizes_body(struct test *test, struct rig *rig)
{
    static const uint32_t blocks[] = {1, 2, 3, 7, 8, 63, 64, 255, 256, 700};
    uint32_t area = area_sectors(rig);
    uint64_t random = 3;

    REQUIRE(test, area != 0);
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        uint32_t sectors = blocks[i] * rig->unit;
        uint32_t places = (area - sectors) / rig->unit + 1;

        if (sectors > area || sectors > RIG_WINDOW) {
            break;
        }
        for (uint32_t skew = 0; skew < 4; skew++) {
            uint32_t sector = AREA_FIRST + rig_random(&random, places) * rig->unit;

            if (!write_reads_back(test, rig, sector, sectors, skew * 5)) {
                return;
            }
        }
    }
    if (area >= RIG_WINDOW) {
        write_reads_back(test, rig, AREA_FIRST, RIG_WINDOW, 1);
    }
    check_neighbours(test, rig);
}

void blk_writes_of_every_size(struct test *test)
{
    rig_run_scratch(test, sizes_body);
}

/* --- Flush -------------------------------------------------------------------------------------- */

static void flush_body(struct test *test, struct rig *rig)
{
    struct virtio_blk_done done;
    uint64_t kicks = rig->disk->queue.kicks;

    REQUIRE_RESULT(test, counted(virtio_blk_flush(rig->disk)), VIRTIO_OK);
    REQUIRE_RESULT(test, counted(virtio_blk_submit_flush(rig->disk, rig)), VIRTIO_OK);
    REQUIRE_EQUAL(test, virtio_blk_wait(rig->disk, &done, rig->disk->device.timeout_us), 1);
    CHECK(test, done.cookie == rig);
    /* A device that writes through is not asked. Another may be looking already when the second comes. */
    CHECK_EQUAL(test, rig->disk->queue.kicks != kicks, rig->disk->writeback);
    CHECK_RESULT(test, done.error, VIRTIO_OK);
    CHECK_RESULT(test, virtio_blk_reap(rig->disk, &done), 0);
    CHECK_EQUAL(test, rig->disk->in_flight, 0);
}

void blk_flushes(struct test *test)
{
    rig_run_scratch(test, flush_body);
}

/* --- The pattern -------------------------------------------------------------------------------- */

/* A piece of the area on its way to the disk, or back. */
struct piece {
    uint8_t *bytes;
    uint32_t sector;
    uint32_t sectors;
};

enum {
    PIECES = 32,
    PIECE_SECTORS = 128 /* the most, and what a piece has room for */
};

struct sweep {
    struct piece pieces[PIECES];
    unsigned depth;
    uint32_t next;
    uint32_t end;
    uint64_t random;
    bool writing;
};

static int submit_piece(struct rig *rig, struct sweep *sweep, struct piece *piece)
{
    uint32_t left = sweep->end - sweep->next;
    size_t bytes;

    piece->sector = sweep->next;
    piece->sectors = (rig_random(&sweep->random, PIECE_SECTORS / rig->unit) + 1) * rig->unit;
    if (piece->sectors > left) {
        piece->sectors = left;
    }
    sweep->next += piece->sectors;
    bytes = (size_t)piece->sectors * SECTOR;
    if (sweep->writing) {
        pattern_fill(piece->bytes, SEED, piece->sector, piece->sectors);
        return counted(
            virtio_blk_submit_write(rig->disk, piece->sector, piece->bytes, bytes, piece));
    }
    memset(piece->bytes, 0xa5, bytes);
    return counted(virtio_blk_submit_read(rig->disk, piece->sector, piece->bytes, bytes, piece));
}

static bool take_piece(struct test *test, struct rig *rig, struct sweep *sweep)
{
    struct virtio_blk_done done;
    struct piece *piece;

    if (!CHECK_EQUAL(test, virtio_blk_wait(rig->disk, &done, rig->disk->device.timeout_us), 1) ||
        !CHECK_RESULT(test, done.error, VIRTIO_OK)) {
        return false;
    }
    piece = done.cookie;
    if (!sweep->writing &&
        !CHECK(test, pattern_matches(piece->bytes, SEED, piece->sector, piece->sectors))) {
        test_diagnostic("%lu sectors at %lu", (unsigned long)piece->sectors,
                        (unsigned long)piece->sector);
        return false;
    }
    return sweep->next == sweep->end ||
           CHECK_RESULT(test, submit_piece(rig, sweep, piece), VIRTIO_OK);
}

/* The whole area once, in pieces of random size, several at once. */
static bool sweep_area(struct test *test, struct rig *rig, bool writing, unsigned depth,
                       uint64_t random)
{
    static struct sweep sweep;

    sweep.depth = depth < rig->disk->depth ? depth : rig->disk->depth;
    sweep.next = AREA_FIRST;
    sweep.end = AREA_FIRST + area_sectors(rig);
    sweep.random = random;
    sweep.writing = writing;
    for (unsigned i = 0; i < sweep.depth && sweep.next != sweep.end; i++) {
        sweep.pieces[i].bytes = rig->buffer + (size_t)i * PIECE_SECTORS * SECTOR;
        if (!CHECK_RESULT(test, submit_piece(rig, &sweep, &sweep.pieces[i]), VIRTIO_OK)) {
            return false;
        }
    }
    while (rig->disk->in_flight != 0) {
        if (!take_piece(test, rig, &sweep)) {
            return false;
        }
    }
    return true;
}

/* The sectors before and behind the area have never been written. */
static void check_around(struct test *test, struct rig *rig)
{
    uint64_t places[2] = {0, AREA_FIRST + area_sectors(rig)};
    size_t bytes = AREA_FIRST * SECTOR;

    memset(rig->expected, 0, bytes);
    for (unsigned i = 0; i < 2; i++) {
        memset(rig->buffer, 0xa5, bytes);
        REQUIRE_RESULT(test, counted(virtio_blk_read(rig->disk, places[i], rig->buffer, bytes)),
                       VIRTIO_OK);
        CHECK_BYTES(test, rig->buffer, rig->expected, bytes);
    }
}

static void pattern_body(struct test *test, struct rig *rig)
{
    REQUIRE(test, area_sectors(rig) != 0);
    REQUIRE(test, sweep_area(test, rig, true, PIECES, 1));
    REQUIRE_RESULT(test, counted(virtio_blk_flush(rig->disk)), VIRTIO_OK);
    REQUIRE(test, sweep_area(test, rig, false, 1, 2));
    REQUIRE(test, sweep_area(test, rig, false, 8, 3));
    check_around(test, rig);
    if (test->failures == 0) {
        test_diagnostic("blk scratch seed=0x%llx first=%d sectors=%lu", (unsigned long long)SEED,
                        AREA_FIRST, (unsigned long)area_sectors(rig));
    }
}

void blk_pattern_on_scratch(struct test *test)
{
    rig_run_scratch(test, pattern_body);
}
