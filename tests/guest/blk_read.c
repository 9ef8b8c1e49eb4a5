/* SPDX-License-Identifier: MIT */
/*
 * Block driver tests: what is on a disk, read one request at a time.
 */
#include "blk_rig.h"
#include "blk_tests.h"
#include "sha256.h"

#include <string.h>

enum {
    POISON = 0xa5,
    GUARD = 64,
    DIGEST_PIECE = 256, /* sectors */
};

/* --- What a disk says of itself ----------------------------------------------------------------- */

static bool is_printable(const char *id)
{
    for (; *id != '\0'; id++) {
        if (*id < ' ' || *id > '~') {
            return false;
        }
    }
    return true;
}

static void check_config(struct test *test, const struct virtio_blk *disk)
{
    const struct virtio_device *device = &disk->device;

    CHECK(test, disk->capacity != 0);
    CHECK(test, disk->blk_size >= SECTOR && (disk->blk_size & (disk->blk_size - 1)) == 0);
    CHECK(test, disk->size_max != 0 && disk->seg_max != 0);
    CHECK(test, disk->depth >= 1 && disk->depth <= VIRTIO_BLK_DEPTH_MAX);
    CHECK_EQUAL(test, device->features & ~device->features_offered, 0);
    CHECK_EQUAL(test, disk->read_only, (device->features_offered & VIRTIO_BLK_F_RO) != 0);
    CHECK(test, !disk->writeback || (device->features_offered & VIRTIO_BLK_F_FLUSH) != 0);
    CHECK_EQUAL(test, device->features & VIRTIO_BLK_F_GEOMETRY, 0);
    CHECK_EQUAL(test, disk->discard.sectors != 0,
                (device->features_offered & VIRTIO_BLK_F_DISCARD) != 0);
    CHECK_EQUAL(test, disk->write_zeroes.sectors != 0,
                (device->features_offered & VIRTIO_BLK_F_WRITE_ZEROES) != 0);
}

static void check_id(struct test *test, struct virtio_blk *disk)
{
    char id[2][VIRTIO_BLK_ID_SIZE + 1];

    for (unsigned i = 0; i < 2; i++) {
        memset(id[i], POISON, sizeof(id[i]));
        REQUIRE_RESULT(test, counted(virtio_blk_get_id(disk, id[i])), VIRTIO_OK);
        REQUIRE(test, memchr(id[i], '\0', VIRTIO_BLK_ID_SIZE) != NULL);
        CHECK_EQUAL(test, (uint8_t)id[i][VIRTIO_BLK_ID_SIZE], POISON);
        CHECK(test, is_printable(id[i]));
        CHECK_EQUAL(test, id[i][VIRTIO_BLK_ID_SIZE - 1], 0);
    }
    CHECK(test, strcmp(id[0], id[1]) == 0);
    test_diagnostic("disk '%s': %llu sectors, blocks of %lu, depth %u%s%s", id[0],
                    (unsigned long long)disk->capacity, (unsigned long)disk->blk_size,
                    (unsigned)disk->depth, disk->read_only ? ", read-only" : "",
                    disk->writeback ? ", writeback" : "");
}

void blk_every_disk_says_what_it_is(struct test *test)
{
    static struct virtio_blk disk;
    const struct virtio_device *found = test_find_device(test, VIRTIO_ID_BLOCK, 0);

    if (found == NULL) {
        test_skip(test, "there is no block device");
        return;
    }
    for (size_t i = 0; found != NULL; i++) {
        REQUIRE_RESULT(test, virtio_blk_start(&disk, found), VIRTIO_OK);
        check_config(test, &disk);
        check_id(test, &disk);
        REQUIRE_RESULT(test, virtio_blk_stop(&disk), VIRTIO_OK);
        found = test_find_device(test, VIRTIO_ID_BLOCK, i + 1);
    }
}

/* --- The digest --------------------------------------------------------------------------------- */

static bool digest(struct test *test, struct rig *rig, char text[SHA256_TEXT])
{
    uint64_t capacity = rig->disk->capacity;
    struct sha256 hash;
    size_t bytes;

    sha256_begin(&hash);
    for (uint64_t sector = 0; sector < capacity; sector += bytes / SECTOR) {
        uint64_t left = capacity - sector;

        bytes = (size_t)(left < DIGEST_PIECE ? left : DIGEST_PIECE) * SECTOR;
        if (!CHECK_RESULT(test, counted(virtio_blk_read(rig->disk, sector, rig->buffer, bytes)),
                          VIRTIO_OK)) {
            return false;
        }
        sha256_add(&hash, rig->buffer, bytes);
    }
    sha256_end(&hash, text);
    return true;
}

static void digest_body(struct test *test, struct rig *rig)
{
    char text[SHA256_TEXT];

    if (digest(test, rig, text)) {
        test_diagnostic("blk docs sha256=%s bytes=%llu", text,
                        (unsigned long long)rig->disk->capacity * SECTOR);
    }
}

void blk_whole_disk_digest(struct test *test)
{
    rig_run(test, "docs", digest_body);
}

/* --- Sizes and places --------------------------------------------------------------------------- */

/* One read into the buffer `skew` bytes off its alignment; the bytes around it must stay as they are. */
static bool read_matches(struct test *test, struct rig *rig, uint32_t sector, uint32_t sectors,
                         uint32_t skew)
{
    size_t bytes = (size_t)sectors * SECTOR;
    uint8_t *to = rig->buffer + GUARD + skew;
    bool good;

    memset(to - GUARD, POISON, bytes + 2 * GUARD);
    good = CHECK_RESULT(test, counted(virtio_blk_read(rig->disk, sector, to, bytes)), VIRTIO_OK) &&
           CHECK_BYTES(test, to, rig->expected + (size_t)sector * SECTOR, bytes);
    for (size_t i = 0; good && i < GUARD; i++) {
        good = CHECK_EQUAL(test, to[bytes + i], POISON) &&
               CHECK_EQUAL(test, *(to - GUARD + i), POISON);
    }
    if (!good) {
        test_diagnostic("reading %lu sectors at %lu to an address %lu off", (unsigned long)sectors,
                        (unsigned long)sector, (unsigned long)skew);
    }
    return good;
}

/* Reads of one size from the beginning, from an odd place and up to the end of the window. */
static bool size_matches(struct test *test, struct rig *rig, uint32_t sectors)
{
    static const uint32_t skews[] = {0, 1, 2, 511, 4095};
    uint64_t random = sectors;
    uint32_t last = rig->window - sectors;

    for (size_t i = 0; i < sizeof(skews) / sizeof(skews[0]); i++) {
        uint32_t odd = rig_random(&random, last / rig->unit + 1) * rig->unit;

        if (!read_matches(test, rig, odd, sectors, skews[i])) {
            return false;
        }
    }
    return read_matches(test, rig, 0, sectors, 3) && read_matches(test, rig, last, sectors, 0);
}

static void sizes_body(struct test *test, struct rig *rig)
{
    static const uint32_t blocks[] = {1, 2, 3, 7, 8, 63, 64, 255, 256, 1024, 2047};

    REQUIRE(test, rig_load(test, rig));
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        if (blocks[i] <= rig->window / rig->unit &&
            !size_matches(test, rig, blocks[i] * rig->unit)) {
            return;
        }
    }
    size_matches(test, rig, rig->window);
}

void blk_reads_of_every_size(struct test *test)
{
    rig_run(test, RIG_READABLE, sizes_body);
}

/* --- Refusals ----------------------------------------------------------------------------------- */

static void check_read(struct test *test, struct rig *rig, uint64_t sector, size_t bytes,
                       int expected)
{
    CHECK_RESULT(test, counted(virtio_blk_read(rig->disk, sector, rig->buffer, bytes)), expected);
    CHECK_RESULT(test, virtio_blk_submit_read(rig->disk, sector, rig->buffer, bytes, NULL),
                 expected);
}

static void refusals_body(struct test *test, struct rig *rig)
{
    struct virtio_blk *disk = rig->disk;
    size_t block = (size_t)rig->unit * SECTOR;
    struct virtio_blk_done done;

    memset(rig->buffer, POISON, 2 * block);
    check_read(test, rig, 0, 0, VIRTIO_E_ZERO_LENGTH);
    check_read(test, rig, 0, 1, VIRTIO_E_INVALID);
    check_read(test, rig, 0, SECTOR - 1, VIRTIO_E_INVALID);
    check_read(test, rig, 0, SECTOR + 1, VIRTIO_E_INVALID);
    check_read(test, rig, disk->capacity, SECTOR, VIRTIO_E_OUT_OF_RANGE);
    check_read(test, rig, disk->capacity - 1, 2 * SECTOR, VIRTIO_E_OUT_OF_RANGE);
    check_read(test, rig, UINT64_MAX, SECTOR, VIRTIO_E_OUT_OF_RANGE);
    check_read(test, rig, UINT64_MAX - 1, 4 * SECTOR, VIRTIO_E_OUT_OF_RANGE);
    check_read(test, rig, (UINT64_MAX >> 9) + 1, SECTOR, VIRTIO_E_OUT_OF_RANGE);
    check_read(test, rig, 0, SIZE_MAX - SIZE_MAX % SECTOR, VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_blk_read(disk, 0, NULL, SECTOR), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_blk_write(disk, disk->capacity, rig->buffer, SECTOR),
                 VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_blk_wait(disk, &done, 1000), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_blk_reap(disk, &done), 0);
    CHECK_RESULT(test, virtio_blk_drain(disk, &done), VIRTIO_E_BUSY);
    CHECK_EQUAL(test, rig->buffer[0], POISON);
    CHECK_RESULT(test,
                 counted(virtio_blk_read(disk, disk->capacity - rig->unit, rig->buffer, block)),
                 VIRTIO_OK);
}

void blk_requests_that_make_no_sense(struct test *test)
{
    rig_run(test, RIG_READABLE, refusals_body);
}
