/* SPDX-License-Identifier: MIT */
/*
 * The block driver with requests that stay prepared (virtio_blk_options.keep): the same answers as without,
 * whatever the mix, the same descriptors from one request to the next, and none lost.
 */
#include "blk_bench.h"

#include <string.h>

#define SECTORS 256u
#define PIECES  6u

static const struct virtio_blk_options options = {.list_max = PIECES, .keep = true};

static void start(struct bench *bench, uint16_t size)
{
    blk_bench_begin(bench, SECTORS);
    blk_bench_offer(bench, VIRTIO_BLK_F_SEG_MAX, FAKE_BLK_SEG_MAX, 4, PIECES);
    bench->fake.queues[0].maximum = size;
    bench_attach(bench);
    assert_ok(virtio_blk_start_with(&blk_disk, &bench->device, &options));
    blk_bench_fill_disk();
}

static uint32_t random_below(uint32_t bound)
{
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % bound;
}

/* A list of single sectors that are apart from each other in memory. */
static size_t make_list(struct virtio_blk_piece *pieces, size_t count)
{
    memset(pieces, 0, PIECES * sizeof(*pieces));
    for (size_t i = 0; i < count; i++)
        pieces[i] =
            (struct virtio_blk_piece){.memory = blk_buffer + 2 * i * SECTOR, .bytes = SECTOR};
    return count;
}

static void do_one(unsigned what)
{
    struct virtio_blk_piece pieces[PIECES];
    uint32_t sectors = 1 + random_below(8);
    uint32_t sector = random_below(SECTORS - 8);
    char id[VIRTIO_BLK_ID_SIZE];

    switch (what) {
    case 0:
        blk_bench_read(sector, sectors);
        assert_ok(virtio_blk_write(&blk_disk, sector, blk_buffer, sectors * SECTOR));
        return;
    case 1:
        assert_ok(virtio_blk_flush(&blk_disk));
        return;
    case 2:
        assert_ok(virtio_blk_get_id(&blk_disk, id));
        assert_string_equal(id, "fake disk");
        return;
    case 3:
        make_list(pieces, 4);
        assert_ok(virtio_blk_read_list(&blk_disk, sector, pieces, 4));
        for (unsigned i = 0; i < 4; i++)
            blk_bench_assert_data(pieces[i].memory, sector + i, SECTOR);
        return;
    default:
        blk_bench_read(sector, sectors);
        return;
    }
}

static void test_a_mix_of_everything(struct bench *bench)
{
    start(bench, 16);
    for (unsigned i = 0; i < 600; i++)
        do_one(random_below(8));
    assert_int_equal(blk_disk.depth, 5);
    blk_bench_end(bench);
}

/* As many as there can be, in both directions, again and again. */
static void test_many_in_flight(struct bench *bench)
{
    struct virtio_blk_done done;

    start(bench, 16);
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < blk_disk.depth; i++) {
            uint8_t *own = blk_buffer + (size_t)i * SECTOR;
            uint32_t sector = i * 8 + round % 8;

            for (unsigned at = 0; at < SECTOR; at++)
                own[at] = blk_bench_byte((uint64_t)sector * SECTOR + at);
            assert_ok((i + round / 3) % 2 == 0
                          ? virtio_blk_submit_read(&blk_disk, sector, own, SECTOR, own)
                          : virtio_blk_submit_write(&blk_disk, sector, own, SECTOR, own));
        }
        assert_result(virtio_blk_submit_read(&blk_disk, 0, blk_buffer + 40 * SECTOR, SECTOR, NULL),
                      VIRTIO_E_FULL);
        assert_ok(virtio_blk_kick(&blk_disk));
        for (unsigned i = 0; i < blk_disk.depth; i++) {
            assert_result(virtio_blk_reap(&blk_disk, &done), 1);
            assert_ok(done.error);
        }
        for (unsigned i = 0; i < blk_disk.depth; i++)
            blk_bench_assert_data(blk_buffer + (size_t)i * SECTOR, i * 8 + round % 8, SECTOR);
    }
    blk_bench_end(bench);
}

/* What idle slots keep makes room for a list that needs it. */
static void test_a_list_finds_room(struct bench *bench)
{
    struct virtio_blk_piece pieces[PIECES];
    struct virtio_blk_done done;

    start(bench, 8);
    assert_int_equal(blk_disk.depth, 2);
    for (unsigned round = 0; round < 20; round++) {
        for (uintptr_t i = 0; i < 2; i++)
            assert_ok(virtio_blk_submit_read(&blk_disk, i, blk_buffer + i * SECTOR, SECTOR, NULL));
        assert_ok(virtio_blk_kick(&blk_disk));
        assert_result(virtio_blk_reap(&blk_disk, &done), 1);
        assert_result(virtio_blk_reap(&blk_disk, &done), 1);
        make_list(pieces, PIECES); /* with header and status the whole ring */
        assert_ok(virtio_blk_read_list(&blk_disk, 3, pieces, PIECES));
        for (unsigned i = 0; i < PIECES; i++)
            blk_bench_assert_data(pieces[i].memory, 3 + i, SECTOR);
    }
    blk_bench_end(bench);
}

/* The descriptors stay: one request after the other has the same head, and only the data's moves. */
static void test_descriptors_stay(struct bench *bench)
{
    struct virtio_blk_done done;
    struct fake_chain *chain;
    uint64_t header = 0;
    uint16_t head = 0;

    start(bench, 16);
    blk_fake.order = FAKE_BLK_HELD;
    for (unsigned i = 0; i < 20; i++) {
        assert_ok(virtio_blk_submit_read(&blk_disk, i, blk_buffer + i * SECTOR, SECTOR, NULL));
        assert_ok(virtio_blk_kick(&blk_disk));
        chain = blk_fake.held[0];
        if (i == 0) {
            head = chain->head;
            header = chain->descriptors[0].address;
        }
        assert_int_equal(chain->head, head);
        assert_int_equal(chain->descriptors[0].address, header);
        /* Two are free beside those of the one request: it keeps three. */
        assert_int_equal(virtio_queue_free(&blk_disk.queue), blk_disk.queue.size - 3);
        fake_blk_finish(&blk_fake, 0);
        assert_result(virtio_blk_reap(&blk_disk, &done), 1);
        assert_int_equal(virtio_queue_free(&blk_disk.queue), blk_disk.queue.size - 3);
    }
    blk_fake.order = FAKE_BLK_AT_ONCE;
    assert_ok(virtio_blk_flush(&blk_disk)); /* another shape */
    assert_int_equal(virtio_queue_free(&blk_disk.queue), blk_disk.queue.size);
    blk_bench_end(bench);
}

static void test_recovery(struct bench *bench)
{
    struct virtio_blk_done done;

    start(bench, 16);
    for (unsigned round = 0; round < 5; round++) {
        blk_bench_read(0, 8);
        blk_fake.order = FAKE_BLK_HELD;
        for (uintptr_t i = 0; i < blk_disk.depth; i++)
            assert_ok(virtio_blk_submit_read(&blk_disk, i, blk_buffer + i * SECTOR, SECTOR, NULL));
        assert_ok(virtio_blk_kick(&blk_disk));
        assert_ok(virtio_blk_recover(&blk_disk));
        blk_fake.order = FAKE_BLK_AT_ONCE;
        for (unsigned i = 0; i < blk_disk.depth; i++) {
            assert_result(virtio_blk_reap(&blk_disk, &done), 1);
            assert_result(done.error, VIRTIO_E_RESET);
        }
        assert_result(virtio_blk_reap(&blk_disk, &done), 0);
        for (unsigned i = 0; i < 50; i++)
            do_one(random_below(6));
    }
    blk_bench_end(bench);
}

/* What a broken queue does not let go of is still kept: a recovery finds each request once. */
static void test_a_broken_queue_lets_nothing_go(struct bench *bench)
{
    struct virtio_blk_done done;

    start(bench, 16);
    for (unsigned round = 0; round < 4; round++) {
        blk_bench_read(0, 8);
        fake_queue_push_used(&bench->fake.queues[0], 99, 0);
        assert_result(virtio_blk_reap(&blk_disk, &done), VIRTIO_E_BROKEN);
        /* Of another direction, and of another shape. */
        assert_result(virtio_blk_submit_write(&blk_disk, 0, blk_buffer, SECTOR, NULL),
                      VIRTIO_E_BROKEN);
        assert_result(virtio_blk_submit_flush(&blk_disk, NULL), VIRTIO_E_BROKEN);
        assert_ok(virtio_blk_recover(&blk_disk));
        for (unsigned i = 0; i < 50; i++)
            do_one(random_below(6));
    }
    blk_bench_end(bench);
}

/* Each allocation fails in turn: everything is given back. */
static void test_start_without_memory(struct bench *bench)
{
    int error = VIRTIO_E_NO_MEMORY;

    blk_bench_begin(bench, SECTORS);
    bench_attach(bench);
    for (unsigned n = 1; error != VIRTIO_OK; n++) {
        fake_host_fail_at(&bench->host, n);
        error = virtio_blk_start_with(&blk_disk, &bench->device, &options);
        if (!bench->host.failed)
            break;
        assert_int_not_equal(error, VIRTIO_OK);
        assert_int_equal(blk_disk.device.state, VIRTIO_DEVICE_FOUND);
    }
    fake_host_fail_at(&bench->host, 0);
    assert_ok(error);
    memset(blk_buffer, 0, SECTOR);
    assert_ok(virtio_blk_read(&blk_disk, 0, blk_buffer, SECTOR));
    blk_bench_end(bench);
}

static const struct bench_test tests[] = {
    TEST(test_a_mix_of_everything, BENCH_ALL),
    TEST(test_many_in_flight, BENCH_ALL),
    TEST(test_a_list_finds_room, BENCH_PCI_MODERN | BENCH_MMIO),
    TEST(test_descriptors_stay, BENCH_ALL | BENCH_SPLIT),
    TEST(test_recovery, BENCH_ALL | BENCH_OUT_OF_ORDER),
    TEST(test_a_broken_queue_lets_nothing_go, BENCH_ALL | BENCH_SPLIT),
    TEST(test_start_without_memory,
         BENCH_PCI_LEGACY | BENCH_PCI_MODERN | BENCH_MMIO | BENCH_SPLIT | BENCH_PACKED),
};

BENCH_MAIN_RINGS(tests)
