/* SPDX-License-Identifier: MIT */
/*
 * Block driver tests: disks that refuse, fail, or never answer.
 */
#include "blk_rig.h"
#include "blk_tests.h"

#include <string.h>

enum {
    POISON = 0xa5,
    BAD_SECTOR = 2048,  /* of the faulty disk, and the only one */
    STUCK_US = 150000,  /* the bound for a disk that never answers */
    RESET_US = 2000000, /* a generous bound for its reset */
    STUCK_READS = 3,    /* requests in flight on it */
    SILENCE_US = 20000, /* how long a buffer is watched that was given back */
};

/* --- Read-only ---------------------------------------------------------------------------------- */

static void readonly_body(struct test *test, struct rig *rig)
{
    size_t bytes = (size_t)rig->window * SECTOR;

    CHECK(test, rig->disk->read_only);
    REQUIRE(test, rig_load(test, rig));
    memset(rig->buffer, POISON, SECTOR);
    CHECK_RESULT(test, virtio_blk_write(rig->disk, 0, rig->buffer, SECTOR), VIRTIO_E_READ_ONLY);
    CHECK_RESULT(test, virtio_blk_submit_write(rig->disk, 0, rig->buffer, SECTOR, NULL),
                 VIRTIO_E_READ_ONLY);
    CHECK_EQUAL(test, rig->disk->in_flight, 0);
    CHECK_RESULT(test, counted(virtio_blk_flush(rig->disk)), VIRTIO_OK);
    REQUIRE_RESULT(test, counted(virtio_blk_read(rig->disk, 0, rig->buffer, bytes)), VIRTIO_OK);
    CHECK_BYTES(test, rig->buffer, rig->expected, bytes);
}

void blk_readonly_disk(struct test *test)
{
    rig_run(test, "readonly", readonly_body);
}

/* --- An I/O error ------------------------------------------------------------------------------- */

/* The faulty disk holds zeros. */
static void check_zeros(struct test *test, struct rig *rig, uint64_t sector, size_t sectors)
{
    memset(rig->buffer, POISON, sectors * SECTOR);
    memset(rig->expected, 0, sectors * SECTOR);
    REQUIRE_RESULT(test, counted(virtio_blk_read(rig->disk, sector, rig->buffer, sectors * SECTOR)),
                   VIRTIO_OK);
    CHECK_BYTES(test, rig->buffer, rig->expected, sectors * SECTOR);
}

static void check_bad(struct test *test, struct rig *rig, uint64_t sector, size_t sectors)
{
    CHECK_RESULT(test, counted(virtio_blk_read(rig->disk, sector, rig->buffer, sectors * SECTOR)),
                 VIRTIO_E_IO);
}

/* One bad request among good ones: the others do not suffer. They are apart from each other, for QEMU makes
 * one of neighbours, and one error for all of them. */
static void check_bad_in_flight(struct test *test, struct rig *rig)
{
    static const uint64_t sectors[] = {0, BAD_SECTOR - 64, BAD_SECTOR, BAD_SECTOR + 64};
    unsigned count = rig->disk->depth < 4 ? rig->disk->depth : 4;
    struct virtio_blk_done done;

    for (unsigned i = 4 - count; i < 4; i++) {
        REQUIRE_RESULT(
            test,
            counted(virtio_blk_submit_read(rig->disk, sectors[i], rig->buffer + i * 8 * SECTOR,
                                           8 * SECTOR, (void *)(uintptr_t)&sectors[i])),
            VIRTIO_OK);
    }
    for (unsigned i = 0; i < count; i++) {
        const uint64_t *sector;

        REQUIRE_EQUAL(test, virtio_blk_wait(rig->disk, &done, rig->disk->device.timeout_us), 1);
        sector = done.cookie;
        CHECK_RESULT(test, done.error, *sector == BAD_SECTOR ? VIRTIO_E_IO : VIRTIO_OK);
    }
    CHECK_EQUAL(test, rig->disk->in_flight, 0);
}

static void faulty_body(struct test *test, struct rig *rig)
{
    REQUIRE(test, rig->disk->capacity >= BAD_SECTOR + 128 && rig->unit <= 8);
    check_zeros(test, rig, 0, 16);
    check_zeros(test, rig, BAD_SECTOR - 8, 8);
    for (unsigned round = 0; round < 3; round++) {
        check_bad(test, rig, BAD_SECTOR, 8);
        check_bad(test, rig, BAD_SECTOR - 8, 16);
        check_bad(test, rig, 0, RIG_WINDOW);
        check_zeros(test, rig, BAD_SECTOR + 8, 8);
        check_zeros(test, rig, BAD_SECTOR - 8, 8);
    }
    if (rig->unit == 1) {
        check_zeros(test, rig, BAD_SECTOR - 1, 1);
        check_bad(test, rig, BAD_SECTOR, 1);
        check_zeros(test, rig, BAD_SECTOR + 1, 1);
    }
    check_bad_in_flight(test, rig);
    check_zeros(test, rig, BAD_SECTOR + 8, 64);
}

void blk_faulty_disk(struct test *test)
{
    rig_run(test, "faulty", faulty_body);
}

/* --- No answer ---------------------------------------------------------------------------------- */

/* Starts the disk again with a bound that is short enough for a test. */
static bool start_impatient(struct test *test, struct rig *rig)
{
    struct virtio_device found = *rig->found;

    found.timeout_us = STUCK_US;
    return CHECK_RESULT(test, virtio_blk_stop(rig->disk), VIRTIO_OK) &&
           CHECK_RESULT(test, virtio_blk_start(rig->disk, &found), VIRTIO_OK);
}

/* The buffer was given back: nobody writes to it any more. */
static void check_silent(struct test *test, uint8_t *buffer, size_t bytes)
{
    uint64_t start = test_now_us(test);

    memset(buffer, POISON, bytes);
    while (test_now_us(test) - start < SILENCE_US) {
    }
    for (size_t i = 0; i < bytes; i++) {
        REQUIRE_EQUAL(test, buffer[i], POISON);
    }
}

/* Reads until one times out: the throttle lets the very first through, to fill its bucket. */
static bool read_until_timeout(struct test *test, struct rig *rig, uint64_t *took)
{
    int error = VIRTIO_OK;

    for (unsigned tries = 0; tries < 3 && error == VIRTIO_OK; tries++) {
        *took = test_now_us(test);
        error = counted(virtio_blk_read(rig->disk, 0, rig->buffer, 4096));
        *took = test_now_us(test) - *took;
    }
    return CHECK_RESULT(test, error, VIRTIO_E_TIMEOUT);
}

/* As far as a disk that never answers can be used: what it says of itself. */
static void check_starts_again(struct test *test, struct rig *rig)
{
    char id[VIRTIO_BLK_ID_SIZE];
    uint64_t capacity = rig->disk->capacity;

    REQUIRE_RESULT(test, virtio_blk_stop(rig->disk), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_blk_start(rig->disk, rig->found), VIRTIO_OK);
    CHECK_EQUAL(test, rig->disk->capacity, capacity);
    CHECK_RESULT(test, counted(virtio_blk_get_id(rig->disk, id)), VIRTIO_OK);
    CHECK(test, strncmp(id, "stuck", 5) == 0);
}

static void stuck_body(struct test *test, struct rig *rig)
{
    struct virtio_blk_done done;
    uint64_t took;

    REQUIRE(test, start_impatient(test, rig));
    REQUIRE(test, read_until_timeout(test, rig, &took));
    CHECK(test, took >= STUCK_US);
    CHECK(test, took < STUCK_US + RESET_US);
    test_diagnostic("timed out after %lu ms, with the reset", (unsigned long)(took / 1000));
    check_silent(test, rig->buffer, 4096);
    CHECK_RESULT(test, virtio_blk_read(rig->disk, 0, rig->buffer, 4096), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_blk_flush(rig->disk), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_blk_drain(rig->disk, &done), 0);
    check_starts_again(test, rig);
}

void blk_stuck_disk(struct test *test)
{
    rig_run(test, "stuck", stuck_body);
}

/* Waits give up and change nothing; the halt gives everything back, each cookie once. */
static void stuck_in_flight_body(struct test *test, struct rig *rig)
{
    unsigned returned[STUCK_READS] = {0};
    struct virtio_blk_done done;
    uint64_t took;
    int result;

    REQUIRE(test, rig->disk->depth >= STUCK_READS);
    REQUIRE(test, start_impatient(test, rig));
    REQUIRE(test, read_until_timeout(test, rig, &took));
    REQUIRE(test, start_impatient(test, rig));
    for (unsigned i = 0; i < STUCK_READS; i++) {
        REQUIRE_RESULT(test,
                       counted(virtio_blk_submit_read(rig->disk, 8 * i, rig->buffer + 4096 * i,
                                                      4096, &returned[i])),
                       VIRTIO_OK);
    }
    for (unsigned i = 0; i < 2; i++) {
        result = virtio_blk_wait(rig->disk, &done, 20000);
        if (result == 1) {
            (*(unsigned *)done.cookie)++;
        }
    }
    CHECK_RESULT(test, result, VIRTIO_E_TIMEOUT);
    CHECK_RESULT(test, virtio_blk_drain(rig->disk, &done), VIRTIO_E_BUSY);
    REQUIRE_RESULT(test, virtio_blk_halt(rig->disk), VIRTIO_OK);
    while ((result = virtio_blk_drain(rig->disk, &done)) == 1) {
        CHECK(test, done.error == VIRTIO_OK || done.error == VIRTIO_E_RESET);
        (*(unsigned *)done.cookie)++;
    }
    CHECK_RESULT(test, result, 0);
    for (unsigned i = 0; i < STUCK_READS; i++) {
        CHECK_EQUAL(test, returned[i], 1);
    }
    check_silent(test, rig->buffer, 4096 * STUCK_READS);
    check_starts_again(test, rig);
}

void blk_stuck_disk_in_flight(struct test *test)
{
    rig_run(test, "stuck", stuck_in_flight_body);
}
