/* SPDX-License-Identifier: MIT */
/*
 * Block driver tests: several queues of one disk at once, and requests of several pieces of memory.
 */
#include "blk_rig.h"
#include "blk_tests.h"

#include <string.h>

enum {
    QUEUES_MORE = 7, /* as many as are used beside the first */
    READS = 24,      /* in flight on each queue at once, as far as it has room */
    ROUNDS = 6,
    LIST_FIRST = 12800, /* on the scratch disk: behind everything else that is written */
    LIST_SECTORS = 64,
};

static struct virtio_blk more[QUEUES_MORE];

/* The rig's disk anew, with options. */
static bool start_again(struct test *test, struct rig *rig,
                        const struct virtio_blk_options *options)
{
    return CHECK_RESULT(test, virtio_blk_stop(rig->disk), VIRTIO_OK) &&
           CHECK_RESULT(test, virtio_blk_start_with(rig->disk, rig->found, options), VIRTIO_OK);
}

/* --- Queues ------------------------------------------------------------------------------------- */

static struct virtio_blk *queue(struct rig *rig, unsigned number)
{
    return number == 0 ? rig->disk : &more[number - 1];
}

/* A request's cookie is where its data goes; the sector follows from it. */
static uint8_t *place(struct rig *rig, unsigned number, unsigned n)
{
    return rig->buffer + ((size_t)number * READS + n) * rig->unit * SECTOR;
}

static uint32_t sector_of(struct rig *rig, const uint8_t *place, unsigned round)
{
    uint32_t block = (uint32_t)((size_t)(place - rig->buffer) / (rig->unit * SECTOR));

    return (block * 7 + round * 131) % (rig->window / rig->unit) * rig->unit;
}

static unsigned fill(struct test *test, struct rig *rig, unsigned number, unsigned round)
{
    struct virtio_blk *blk = queue(rig, number);
    size_t bytes = (size_t)rig->unit * SECTOR;
    unsigned count = 0;

    for (; count < READS && count < blk->depth; count++) {
        uint8_t *bytes_to = place(rig, number, count);

        memset(bytes_to, 0xa5, bytes);
        if (!CHECK_RESULT(test,
                          counted(virtio_blk_submit_read(blk, sector_of(rig, bytes_to, round),
                                                         bytes_to, bytes, bytes_to)),
                          VIRTIO_OK)) {
            break;
        }
    }
    CHECK_RESULT(test, virtio_blk_kick(blk), VIRTIO_OK);
    return count;
}

static bool take(struct test *test, struct rig *rig, unsigned number, unsigned count,
                 unsigned round)
{
    struct virtio_blk *blk = queue(rig, number);
    size_t bytes = (size_t)rig->unit * SECTOR;
    struct virtio_blk_done done;

    for (unsigned i = 0; i < count; i++) {
        const uint8_t *data;

        if (!CHECK_EQUAL(test, virtio_blk_wait(blk, &done, rig->disk->device.timeout_us), 1) ||
            !CHECK_RESULT(test, done.error, VIRTIO_OK)) {
            return false;
        }
        data = done.cookie;
        if (!CHECK(test, data >= place(rig, number, 0) && data < place(rig, number + 1, 0)) ||
            !CHECK_BYTES(test, data, rig->expected + (size_t)sector_of(rig, data, round) * SECTOR,
                         bytes)) {
            return false;
        }
    }
    return CHECK_EQUAL(test, blk->in_flight, 0);
}

/* All queues are filled before the first is looked at, and emptied in another order. */
static void all_at_once(struct test *test, struct rig *rig, unsigned round)
{
    unsigned count[1 + QUEUES_MORE];

    for (unsigned i = 0; i < rig->disk->queue_count; i++) {
        count[i] = fill(test, rig, i, round);
    }
    for (unsigned i = rig->disk->queue_count; i-- != 0;) {
        REQUIRE(test, take(test, rig, (i + round) % rig->disk->queue_count,
                           count[(i + round) % rig->disk->queue_count], round));
    }
}

/* A reset of the disk takes back what is in flight on each queue. */
static void halt_all(struct test *test, struct rig *rig)
{
    struct virtio_blk_done done;

    for (unsigned i = 0; i < rig->disk->queue_count; i++) {
        unsigned count = fill(test, rig, i, 0);

        CHECK_EQUAL(test, queue(rig, i)->in_flight, count);
    }
    REQUIRE_RESULT(test, virtio_blk_halt(rig->disk), VIRTIO_OK);
    for (unsigned i = 0; i < rig->disk->queue_count; i++) {
        while (virtio_blk_drain(queue(rig, i), &done) == 1) {
            CHECK(test, done.error == VIRTIO_OK || done.error == VIRTIO_E_RESET);
        }
        CHECK_EQUAL(test, queue(rig, i)->in_flight, 0);
    }
}

static void queues_body(struct test *test, struct rig *rig)
{
    const struct virtio_blk_options options = {
        .queues = more, .queue_count = QUEUES_MORE, .keep = true};

    REQUIRE(test, rig_load(test, rig));
    REQUIRE(test, start_again(test, rig, &options));
    if (rig->disk->queue_count == 1) {
        test_skip(test, "the disk has one queue");
        return;
    }
    test_diagnostic("%u queues", (unsigned)rig->disk->queue_count);
    for (unsigned round = 0; round < ROUNDS; round++) {
        all_at_once(test, rig, round);
    }
    for (unsigned i = 0; i < rig->disk->queue_count; i++) {
        CHECK(test, queue(rig, i)->queue.kicks != 0);
        CHECK_RESULT(
            test,
            counted(virtio_blk_read(queue(rig, i), 0, rig->buffer, (size_t)rig->unit * SECTOR)),
            VIRTIO_OK);
    }
    if (!rig->is_remote) {
        halt_all(test, rig);
    }
}

void blk_several_queues(struct test *test)
{
    rig_run(test, RIG_READABLE, queues_body);
}

/* --- Lists -------------------------------------------------------------------------------------- */

/* Pieces of odd lengths, apart from each other, of `bytes` in all. */
static size_t make_pieces(struct virtio_blk_piece *pieces, size_t most, uint8_t *memory,
                          size_t bytes)
{
    size_t count = 0;

    for (; bytes != 0; count++) {
        size_t length = 37 + 601 * count;

        if (length > bytes || count + 1 == most) {
            length = bytes;
        }
        pieces[count] = (struct virtio_blk_piece){.memory = memory, .bytes = length};
        memory += length + 11;
        bytes -= length;
    }
    return count;
}

static bool pieces_match(struct test *test, const struct virtio_blk_piece *pieces, size_t count,
                         const uint8_t *expected)
{
    for (size_t i = 0; i < count; i++) {
        if (!CHECK_BYTES(test, pieces[i].memory, expected, pieces[i].bytes)) {
            return false;
        }
        expected += pieces[i].bytes;
    }
    return true;
}

enum {
    PIECES = 16
};

static size_t pieces_here(const struct rig *rig)
{
    return rig->disk->list_max < PIECES ? rig->disk->list_max : PIECES;
}

static void read_lists(struct test *test, struct rig *rig)
{
    struct virtio_blk_piece pieces[PIECES];
    uint32_t sectors = LIST_SECTORS / rig->unit * rig->unit;
    struct virtio_blk_done done;
    size_t count;

    REQUIRE(test, rig_load(test, rig));
    count = make_pieces(pieces, pieces_here(rig), rig->buffer, (size_t)sectors * SECTOR);
    memset(rig->buffer, 0xa5, (size_t)sectors * SECTOR * 2);
    REQUIRE_RESULT(test, counted(virtio_blk_read_list(rig->disk, 0, pieces, count)), VIRTIO_OK);
    REQUIRE(test, pieces_match(test, pieces, count, rig->expected));
    memset(rig->buffer, 0xa5, (size_t)sectors * SECTOR * 2);
    REQUIRE_RESULT(test,
                   counted(virtio_blk_submit_read_list(rig->disk, rig->unit, pieces, count, rig)),
                   VIRTIO_OK);
    REQUIRE_EQUAL(test, virtio_blk_wait(rig->disk, &done, rig->disk->device.timeout_us), 1);
    REQUIRE_RESULT(test, done.error, VIRTIO_OK);
    REQUIRE(test, pieces_match(test, pieces, count, rig->expected + (size_t)rig->unit * SECTOR));
    test_diagnostic("%u pieces, at most %lu segments", (unsigned)count,
                    (unsigned long)rig->disk->list_max);
}

static void lists_body(struct test *test, struct rig *rig)
{
    const struct virtio_blk_options options = {.list_max = PIECES, .keep = true};

    REQUIRE(test, start_again(test, rig, &options));
    CHECK(test, rig->disk->list_max >= 1 && rig->disk->list_max <= PIECES);
    read_lists(test, rig);
}

void blk_reads_lists(struct test *test)
{
    rig_run(test, RIG_READABLE, lists_body);
}

static void write_body(struct test *test, struct rig *rig)
{
    const struct virtio_blk_options options = {.list_max = PIECES};
    struct virtio_blk_piece pieces[PIECES];
    size_t bytes = (size_t)LIST_SECTORS * SECTOR;
    size_t count;

    REQUIRE(test, rig->disk->capacity >= LIST_FIRST + LIST_SECTORS);
    REQUIRE(test, start_again(test, rig, &options));
    for (size_t i = 0; i < bytes * 2; i++) {
        rig->buffer[i] = (uint8_t)(i * 31 + i / 256);
    }
    count = make_pieces(pieces, pieces_here(rig), rig->buffer, bytes);
    REQUIRE_RESULT(test, counted(virtio_blk_write_list(rig->disk, LIST_FIRST, pieces, count)),
                   VIRTIO_OK);
    REQUIRE_RESULT(test, counted(virtio_blk_read(rig->disk, LIST_FIRST, rig->expected, bytes)),
                   VIRTIO_OK);
    REQUIRE(test, pieces_match(test, pieces, count, rig->expected));
    memset(rig->buffer, 0, bytes); /* as the host had it */
    REQUIRE_RESULT(test, counted(virtio_blk_write(rig->disk, LIST_FIRST, rig->buffer, bytes)),
                   VIRTIO_OK);
}

void blk_writes_lists(struct test *test)
{
    rig_run_scratch(test, write_body);
}
