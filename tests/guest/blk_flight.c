/* SPDX-License-Identifier: MIT */
/*
 * Block driver tests: many requests at once, in and out of order, taken back, and beyond the point where
 * 16-bit indices wrap.
 */
#include "blk_rig.h"
#include "blk_tests.h"

#include <string.h>

enum {
    POISON = 0xa5,
    PLACE = 24 * 1024,      /* bytes of the buffer for each request in flight */
    READS_A_DEPTH = 400,    /* requests at each queue depth */
    READS_AFTERWARDS = 16,  /* to see that a restarted disk works */
    READS_FOR_WRAP = 72000, /* more than 65536: every index of the ring and of the test wraps */
    WRAP_AREA = 512,        /* sectors: from where they are read */
    HALTS = 8,
};

/* A request in flight; its address is the cookie. */
struct flight {
    uint8_t *place;
    uint32_t sector;
    uint32_t sectors;
    unsigned returned; /* how often its cookie came back */
};

static struct flight flights[VIRTIO_BLK_DEPTH_MAX];

static void assign_places(struct rig *rig)
{
    for (unsigned i = 0; i < VIRTIO_BLK_DEPTH_MAX; i++) {
        flights[i] = (struct flight){.place = rig->buffer + (size_t)i * PLACE};
    }
}

static int submit(struct rig *rig, struct flight *flight)
{
    flight->place[0] = POISON;
    flight->place[flight->sectors * SECTOR - 1] = POISON;
    return counted(virtio_blk_submit_read(rig->disk, flight->sector, flight->place,
                                          (size_t)flight->sectors * SECTOR, flight));
}

/* A read of random blocks in the window. */
static int submit_random(struct rig *rig, struct flight *flight, uint64_t *random)
{
    uint32_t most = PLACE / SECTOR / rig->unit;
    uint32_t blocks = rig->window / rig->unit;

    if (most > blocks) {
        most = blocks;
    }
    flight->sectors = (rig_random(random, most) + 1) * rig->unit;
    flight->sector = rig_random(random, blocks - flight->sectors / rig->unit + 1) * rig->unit;
    return submit(rig, flight);
}

static bool wait_for_one(struct test *test, struct rig *rig, struct flight **flight)
{
    struct virtio_blk_done done;

    if (!CHECK_EQUAL(test, virtio_blk_wait(rig->disk, &done, rig->disk->device.timeout_us), 1) ||
        !CHECK_RESULT(test, done.error, VIRTIO_OK)) {
        return false;
    }
    *flight = done.cookie;
    return true;
}

static bool matches(struct test *test, struct rig *rig, const struct flight *flight)
{
    return CHECK_BYTES(test, flight->place, rig->expected + (size_t)flight->sector * SECTOR,
                       (size_t)flight->sectors * SECTOR);
}

/* Keeps `depth` requests in flight, each replaced as it comes back, until about `count` were made. */
static bool reads_at_depth(struct test *test, struct rig *rig, unsigned depth, unsigned count)
{
    uint64_t random = depth;
    unsigned submitted = 0;
    struct flight *flight;

    for (; submitted < depth; submitted++) {
        if (!CHECK_RESULT(test, submit_random(rig, &flights[submitted], &random), VIRTIO_OK)) {
            return false;
        }
    }
    for (unsigned returned = 0; returned < submitted; returned++) {
        if (!wait_for_one(test, rig, &flight) || !matches(test, rig, flight)) {
            return false;
        }
        if (submitted < count) {
            if (!CHECK_RESULT(test, submit_random(rig, flight, &random), VIRTIO_OK)) {
                return false;
            }
            submitted++;
        }
    }
    return CHECK_EQUAL(test, rig->disk->in_flight, 0);
}

static void depths_body(struct test *test, struct rig *rig)
{
    static const unsigned depths[] = {1, 2, 8, 32, VIRTIO_BLK_DEPTH_MAX};

    REQUIRE(test, rig_load(test, rig));
    assign_places(rig);
    for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
        unsigned depth = depths[i] < rig->disk->depth ? depths[i] : rig->disk->depth;

        if (!reads_at_depth(test, rig, depth, READS_A_DEPTH)) {
            test_diagnostic("at depth %u", depth);
            return;
        }
    }
}

void blk_reads_at_every_depth(struct test *test)
{
    rig_run(test, RIG_READABLE, depths_body);
}

/* --- Back-pressure ------------------------------------------------------------------------------ */

/* One block each from different places, until the driver says that it is full. */
static unsigned fill_queue(struct test *test, struct rig *rig)
{
    unsigned count = 0;
    int error = VIRTIO_OK;

    assign_places(rig);
    for (; error == VIRTIO_OK && count < VIRTIO_BLK_DEPTH_MAX; count += error == VIRTIO_OK) {
        flights[count].sector = (count * 13 % (rig->window / rig->unit)) * rig->unit;
        flights[count].sectors = rig->unit;
        error = submit(rig, &flights[count]);
    }
    CHECK(test, error == VIRTIO_OK || error == VIRTIO_E_FULL);
    CHECK_EQUAL(test, count, rig->disk->depth);
    CHECK_EQUAL(test, rig->disk->in_flight, count);
    return count;
}

static void check_each_returned_once(struct test *test, unsigned count)
{
    for (unsigned i = 0; i < VIRTIO_BLK_DEPTH_MAX; i++) {
        if (!CHECK_EQUAL(test, flights[i].returned, i < count ? 1 : 0)) {
            return;
        }
    }
}

static void full_body(struct test *test, struct rig *rig)
{
    struct virtio_blk_done done;
    struct flight *flight;
    unsigned count;

    REQUIRE(test, rig_load(test, rig));
    count = fill_queue(test, rig);
    CHECK_RESULT(test, virtio_blk_submit_read(rig->disk, 0, rig->expected, SECTOR, NULL),
                 VIRTIO_E_FULL);
    CHECK_RESULT(test, virtio_blk_submit_flush(rig->disk, NULL), VIRTIO_E_FULL);
    CHECK_RESULT(test, virtio_blk_read(rig->disk, 0, rig->expected, SECTOR), VIRTIO_E_FULL);
    REQUIRE_RESULT(test, virtio_blk_kick(rig->disk), VIRTIO_OK);
    for (unsigned i = 0; i < count; i++) {
        REQUIRE(test, wait_for_one(test, rig, &flight));
        REQUIRE(test, matches(test, rig, flight));
        flight->returned++;
    }
    check_each_returned_once(test, count);
    CHECK_RESULT(test, virtio_blk_reap(rig->disk, &done), 0);
    CHECK_EQUAL(test, rig->disk->in_flight, 0);
}

void blk_full_means_nothing_lost(struct test *test)
{
    rig_run(test, RIG_READABLE, full_body);
}

/* --- Blocking calls among others ---------------------------------------------------------------- */

/* With a few requests in flight, one blocking call after the other: those of the flight wait. */
static void mixed_body(struct test *test, struct rig *rig)
{
    unsigned count = rig->disk->depth - 1u < 8 ? rig->disk->depth - 1u : 8;
    uint8_t *own = rig->buffer + (size_t)64 * PLACE;
    uint64_t random = 1;
    struct flight *flight;

    if (count == 0) {
        test_skip(test, "the queue has room for one request only");
        return;
    }
    REQUIRE(test, rig_load(test, rig));
    assign_places(rig);
    for (unsigned round = 0; round < 16; round++) {
        uint32_t sector = rig_random(&random, rig->window / rig->unit) * rig->unit;

        for (unsigned i = 0; i < count; i++) {
            REQUIRE_RESULT(test, submit_random(rig, &flights[i], &random), VIRTIO_OK);
        }
        REQUIRE_RESULT(test,
                       counted(virtio_blk_read(rig->disk, sector, own, (size_t)rig->unit * SECTOR)),
                       VIRTIO_OK);
        REQUIRE(test, CHECK_BYTES(test, own, rig->expected + (size_t)sector * SECTOR,
                                  (size_t)rig->unit * SECTOR));
        CHECK_EQUAL(test, rig->disk->in_flight, count);
        for (unsigned i = 0; i < count; i++) {
            REQUIRE(test, wait_for_one(test, rig, &flight));
            REQUIRE(test, matches(test, rig, flight));
        }
    }
}

void blk_blocking_among_others(struct test *test)
{
    rig_run(test, RIG_READABLE, mixed_body);
}

/* --- Requests in parts -------------------------------------------------------------------------- */

/*
 * QEMU's disks have no size_max and take a GiB at once, so the driver's limits are lowered by hand: each
 * block becomes a device request of its own, in two segments, for which it needs more buffers.
 */
static void lower_limits(struct rig *rig)
{
    static struct virtio_buffer buffers[4];

    rig->disk->buffers = buffers;
    rig->disk->part_max = rig->unit * SECTOR;
    rig->disk->size_max = rig->unit * SECTOR / 4 * 3;
}

/* As many as the ring has room for; all slots where a legacy device dictates a very large ring. */
static unsigned fill_queue_with_parts(struct test *test, struct rig *rig, uint64_t *random)
{
    unsigned count = 0;
    int error = VIRTIO_OK;

    assign_places(rig);
    for (; error == VIRTIO_OK && count < VIRTIO_BLK_DEPTH_MAX; count += error == VIRTIO_OK) {
        error = submit_random(rig, &flights[count], random);
    }
    CHECK_RESULT(test, error, count < VIRTIO_BLK_DEPTH_MAX ? VIRTIO_E_FULL : VIRTIO_OK);
    CHECK_EQUAL(test, rig->disk->in_flight, count);
    CHECK(test, count != 0);
    return count;
}

static void parts_in_flight(struct test *test, struct rig *rig, uint64_t *random)
{
    unsigned count = fill_queue_with_parts(test, rig, random);
    struct flight *flight;

    for (unsigned i = 0; i < count; i++) {
        REQUIRE(test, wait_for_one(test, rig, &flight));
        REQUIRE(test, matches(test, rig, flight));
        flight->returned++;
    }
    check_each_returned_once(test, count);
    CHECK_EQUAL(test, rig->disk->in_flight, 0);
}

/* A reset takes requests of which parts are done, in flight and not sent yet. */
static void parts_halted(struct test *test, struct rig *rig, uint64_t *random)
{
    unsigned count = fill_queue_with_parts(test, rig, random);
    struct virtio_blk_done done;

    REQUIRE_RESULT(test, virtio_blk_kick(rig->disk), VIRTIO_OK);
    REQUIRE_EQUAL(test, virtio_blk_wait(rig->disk, &done, rig->disk->device.timeout_us), 1);
    ((struct flight *)done.cookie)->returned++;
    REQUIRE_RESULT(test, virtio_blk_halt(rig->disk), VIRTIO_OK);
    while (virtio_blk_drain(rig->disk, &done) == 1) {
        struct flight *flight = done.cookie;

        flight->returned++;
        CHECK(test, done.error == VIRTIO_E_RESET ||
                        (done.error == VIRTIO_OK && matches(test, rig, flight)));
    }
    check_each_returned_once(test, count);
}

static void parts_body(struct test *test, struct rig *rig)
{
    size_t bytes = (size_t)(rig->window / rig->unit < 300 ? rig->window : 300 * rig->unit) * SECTOR;
    uint64_t random = 11;

    REQUIRE(test, rig_load(test, rig));
    lower_limits(rig);
    memset(rig->buffer, POISON, bytes);
    REQUIRE_RESULT(test, counted(virtio_blk_read(rig->disk, 0, rig->buffer, bytes)), VIRTIO_OK);
    REQUIRE(test, CHECK_BYTES(test, rig->buffer, rig->expected, bytes));
    for (unsigned round = 0; round < 3; round++) {
        parts_in_flight(test, rig, &random);
    }
    if (!rig->is_remote) {
        parts_halted(test, rig, &random);
    }
}

void blk_requests_in_parts(struct test *test)
{
    rig_run(test, RIG_READABLE, parts_body);
}

/* --- Wrapping indices --------------------------------------------------------------------------- */

/* The first and last bytes of a block tell whether it was read, and from where. */
static bool ends_match(const struct rig *rig, const struct flight *flight)
{
    const uint8_t *expected = rig->expected + (size_t)flight->sector * SECTOR;
    size_t bytes = (size_t)flight->sectors * SECTOR;

    return memcmp(flight->place, expected, 16) == 0 &&
           memcmp(flight->place + bytes - 16, expected + bytes - 16, 16) == 0;
}

static bool batch(struct test *test, struct rig *rig, uint64_t *random)
{
    unsigned depth = rig->disk->depth;
    uint32_t area = rig->window < WRAP_AREA ? rig->window : WRAP_AREA;
    struct flight *flight;

    for (unsigned i = 0; i < depth; i++) {
        flights[i].sector = rig_random(random, area / rig->unit) * rig->unit;
        flights[i].sectors = rig->unit;
        if (!CHECK_RESULT(test, submit(rig, &flights[i]), VIRTIO_OK)) {
            return false;
        }
    }
    for (unsigned i = 0; i < depth; i++) {
        if (!wait_for_one(test, rig, &flight) || !CHECK(test, ends_match(rig, flight))) {
            return false;
        }
    }
    return true;
}

static void wrap_body(struct test *test, struct rig *rig)
{
    uint64_t start = test_now_us(test);
    uint64_t random = 7;
    unsigned done = 0;

    REQUIRE(test, rig_load(test, rig));
    assign_places(rig);
    for (; done < READS_FOR_WRAP; done += rig->disk->depth) {
        REQUIRE(test, batch(test, rig, &random));
    }
    test_diagnostic("%u reads at depth %u in %lu ms", done, (unsigned)rig->disk->depth,
                    (unsigned long)((test_now_us(test) - start) / 1000));
}

void blk_indices_wrap(struct test *test)
{
    rig_run(test, RIG_READABLE, wrap_body);
}

/* --- Taken back --------------------------------------------------------------------------------- */

/* Halts a disk with a full queue, before or after the device has seen it. */
static void halt_once(struct test *test, struct rig *rig, unsigned round)
{
    unsigned count = fill_queue(test, rig);
    struct virtio_blk_done done;
    int result;

    if (round % 4 != 0 && !rig->is_remote) {
        REQUIRE_RESULT(test, virtio_blk_kick(rig->disk), VIRTIO_OK);
    }
    if (round % 4 == 2 && !rig->is_remote) {
        REQUIRE_EQUAL(test, virtio_blk_wait(rig->disk, &done, rig->disk->device.timeout_us), 1);
        ((struct flight *)done.cookie)->returned++;
    }
    REQUIRE_RESULT(test, virtio_blk_halt(rig->disk), VIRTIO_OK);
    while ((result = virtio_blk_drain(rig->disk, &done)) == 1) {
        struct flight *flight = done.cookie;

        flight->returned++;
        CHECK(test, done.error == VIRTIO_E_RESET ||
                        (done.error == VIRTIO_OK && matches(test, rig, flight)));
    }
    CHECK_RESULT(test, result, 0);
    CHECK_EQUAL(test, rig->disk->in_flight, 0);
    check_each_returned_once(test, count);
}

static void check_halted(struct test *test, struct rig *rig)
{
    char id[VIRTIO_BLK_ID_SIZE];
    struct virtio_blk_done done;

    CHECK_RESULT(test, virtio_blk_read(rig->disk, 0, rig->buffer, SECTOR), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_blk_submit_read(rig->disk, 0, rig->buffer, SECTOR, NULL),
                 VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_blk_flush(rig->disk), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_blk_get_id(rig->disk, id), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_blk_kick(rig->disk), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_blk_reap(rig->disk, &done), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_blk_wait(rig->disk, &done, 1000), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_blk_halt(rig->disk), VIRTIO_OK);
}

/* After the reset the device writes no more: what is in the buffers now stays. */
static void check_silent(struct test *test, struct rig *rig)
{
    uint64_t start = test_now_us(test);

    for (unsigned i = 0; i < rig->disk->depth; i++) {
        memset(flights[i].place, POISON, SECTOR);
    }
    while (test_now_us(test) - start < 2000) {
    }
    for (unsigned i = 0; i < rig->disk->depth; i++) {
        for (unsigned at = 0; at < SECTOR; at++) {
            REQUIRE_EQUAL(test, flights[i].place[at], POISON);
        }
    }
}

static void halt_body(struct test *test, struct rig *rig)
{
    REQUIRE(test, rig_load(test, rig));
    for (unsigned round = 0; round < HALTS; round++) {
        halt_once(test, rig, round);
        check_silent(test, rig);
        check_halted(test, rig);
        REQUIRE_RESULT(test, virtio_blk_stop(rig->disk), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_blk_start(rig->disk, rig->found), VIRTIO_OK);
        REQUIRE(test, reads_at_depth(test, rig, 1, READS_AFTERWARDS));
    }
}

void blk_halted_in_flight(struct test *test)
{
    rig_run(test, RIG_READABLE, halt_body);
}

static void stop_body(struct test *test, struct rig *rig)
{
    REQUIRE(test, rig_load(test, rig));
    for (unsigned round = 0; round < HALTS; round++) {
        fill_queue(test, rig);
        if (round % 2 != 0 && !rig->is_remote) {
            REQUIRE_RESULT(test, virtio_blk_kick(rig->disk), VIRTIO_OK);
        }
        REQUIRE_RESULT(test, virtio_blk_stop(rig->disk), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_blk_stop(rig->disk), VIRTIO_OK);
        CHECK_RESULT(test, virtio_blk_read(rig->disk, 0, rig->buffer, SECTOR), VIRTIO_E_STATE);
        REQUIRE_RESULT(test, virtio_blk_start(rig->disk, &rig->disk->device), VIRTIO_OK);
        assign_places(rig);
        REQUIRE(test, reads_at_depth(test, rig, rig->disk->depth < 4 ? rig->disk->depth : 4,
                                     READS_AFTERWARDS));
    }
}

void blk_stopped_and_started(struct test *test)
{
    rig_run(test, RIG_READABLE, stop_body);
}

/* --- Two disks ---------------------------------------------------------------------------------- */

static const struct virtio_device *another_disk(struct test *test, const struct virtio_device *than)
{
    const struct virtio_device *other = rig_find(test, "scratch");

    if (other == NULL || other == than) {
        other = rig_find(test, "readonly");
    }
    for (size_t i = 0; other == NULL || other == than; i++) {
        const char *id = rig_id(test, i);

        other = test_find_device(test, VIRTIO_ID_BLOCK, i);
        if (other == NULL) {
            return NULL;
        }
        if (id != NULL && (strncmp(id, "stuck", 5) == 0 || strncmp(id, "faulty", 6) == 0)) {
            other = NULL;
        }
    }
    return other;
}

/* Alternating submits, then alternating waits; each disk must give its own data. The other disk's first
 * blocks are read twice: once alone, as what is expected. */
static void interleave(struct test *test, struct rig *rig, struct virtio_blk *other)
{
    uint32_t unit = other->blk_size / SECTOR > rig->unit ? other->blk_size / SECTOR : rig->unit;
    size_t bytes = (size_t)unit * SECTOR;
    uint8_t *alone = rig->buffer + (size_t)100 * PLACE;
    struct virtio_blk_done done;

    for (unsigned round = 0; round < 100; round++) {
        uint64_t sector = (uint64_t)round % (other->capacity / unit) * unit;
        uint8_t *place[2] = {rig->buffer, rig->buffer + PLACE};

        if (bytes > PLACE || sector + unit > rig->window) {
            break;
        }
        REQUIRE_RESULT(test, counted(virtio_blk_read(other, sector, alone, bytes)), VIRTIO_OK);
        memset(rig->buffer, POISON, 2 * PLACE);
        REQUIRE_RESULT(
            test, counted(virtio_blk_submit_read(rig->disk, sector, place[0], bytes, place[0])),
            VIRTIO_OK);
        REQUIRE_RESULT(test,
                       counted(virtio_blk_submit_read(other, sector, place[1], bytes, place[1])),
                       VIRTIO_OK);
        REQUIRE_EQUAL(test, virtio_blk_wait(other, &done, other->device.timeout_us), 1);
        CHECK(test, done.cookie == place[1] && done.error == VIRTIO_OK);
        REQUIRE_EQUAL(test, virtio_blk_wait(rig->disk, &done, rig->disk->device.timeout_us), 1);
        CHECK(test, done.cookie == place[0] && done.error == VIRTIO_OK);
        REQUIRE(test, CHECK_BYTES(test, place[0], rig->expected + sector * SECTOR, bytes));
        REQUIRE(test, CHECK_BYTES(test, place[1], alone, bytes));
    }
}

static void two_disks_body(struct test *test, struct rig *rig)
{
    static struct virtio_blk other;
    const struct virtio_device *found = another_disk(test, rig->found);

    if (found == NULL) {
        test_skip(test, "there are not two disks");
        return;
    }
    REQUIRE(test, rig_load(test, rig));
    REQUIRE_RESULT(test, virtio_blk_start(&other, found), VIRTIO_OK);
    interleave(test, rig, &other);
    CHECK_RESULT(test, virtio_blk_stop(&other), VIRTIO_OK);
}

void blk_two_disks_at_once(struct test *test)
{
    rig_run(test, RIG_READABLE, two_disks_body);
}
