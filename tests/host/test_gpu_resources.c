/* SPDX-License-Identifier: MIT */
/*
 * The GPU driver: resources and their memory, frames in flight, pointers.
 */
#include "gpu_bench.h"

#include <string.h>

/* ---- Resources ---- */

static void test_a_picture(struct bench *bench)
{
    const struct fake_gpu_resource *theirs;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    theirs = fake_gpu_resource(&gpu_fake, gpu_picture.id);
    assert_int_equal(theirs->format, GPU_FORMAT);
    assert_int_equal(theirs->width, GPU_WIDTH);
    assert_int_equal(theirs->height, GPU_HEIGHT);
    assert_int_equal(gpu_fake.scanouts[0].resource, gpu_picture.id);
    assert_int_equal(gpu_fake.scanouts[0].rect.height, GPU_HEIGHT);
    assert_ok(virtio_gpu_transfer(&gpu_driver, &gpu_picture, NULL));
    gpu_bench_expect_pixels();
    assert_int_equal(gpu_fake.scanouts[0].flushes, 0);
    assert_ok(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL));
    assert_int_equal(gpu_fake.scanouts[0].flushes, 1);
    ((uint32_t *)gpu_memory.memory)[7] = 0xffffff;
    assert_ok(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL));
    gpu_bench_expect_pixels();
    assert_int_equal(gpu_fake.scanouts[0].flushes, 2);
    assert_result(virtio_gpu_destroy(&gpu_driver, &gpu_picture), VIRTIO_E_BUSY);
    assert_ok(virtio_gpu_set_scanout(&gpu_driver, 0, NULL, NULL));
    assert_int_equal(gpu_fake.scanouts[0].resource, 0);
    assert_ok(virtio_gpu_detach(&gpu_driver, &gpu_picture));
    assert_int_equal(theirs->pieces, 0);
    assert_ok(gpu_bench_attach());
    assert_ok(virtio_gpu_destroy(&gpu_driver, &gpu_picture));
    assert_int_equal(gpu_picture.id, 0);
    assert_int_equal(theirs->id, 0);
    gpu_bench_stop();
}

static void test_parts_of_a_picture(struct bench *bench)
{
    gpu_bench_start_two(bench);
    gpu_bench_show();
    for (uint32_t y = 0; y < GPU_HEIGHT; y += 7) {
        for (uint32_t x = 0; x < GPU_WIDTH; x += 11) {
            const struct virtio_gpu_rect rect = {x, y, GPU_WIDTH - x < 11 ? GPU_WIDTH - x : 11,
                                                 GPU_HEIGHT - y < 7 ? GPU_HEIGHT - y : 7};

            assert_ok(virtio_gpu_update(&gpu_driver, &gpu_picture, &rect));
        }
    }
    gpu_bench_expect_pixels();
    assert_ok(
        virtio_gpu_set_scanout(&gpu_driver, 1, &gpu_picture,
                               &(struct virtio_gpu_rect){3, 4, GPU_WIDTH - 3, GPU_HEIGHT - 4}));
    assert_int_equal(gpu_fake.scanouts[1].rect.x, 3);
    assert_int_equal(gpu_fake.scanouts[1].rect.y, 4);
    gpu_bench_stop();
}

static void test_p99_scattered_memory(struct bench *bench)
{
    struct virtio_buffer pieces[3];

    gpu_bench_start_two(bench);
    gpu_bench_allocate();
    /* The pages in another order, and the pixels with them. */
    for (unsigned n = 0; n < 3; n++) {
        pieces[n].device_address = gpu_memory.device_address + (n + 1) % 3 * 4096;
        pieces[n].length = 4096;
    }
    pieces[1].device_address = gpu_memory.device_address;
    pieces[0].device_address = gpu_memory.device_address + 4096;
    pieces[2].device_address = gpu_memory.device_address + 8192;
    pieces[2].length = GPU_BYTES - 8192;
    assert_ok(virtio_gpu_create(&gpu_driver, &gpu_picture, GPU_FORMAT, GPU_WIDTH, GPU_HEIGHT));
    assert_ok(virtio_gpu_attach(&gpu_driver, &gpu_picture, pieces, 3));
    assert_ok(virtio_gpu_transfer(&gpu_driver, &gpu_picture, NULL));
    assert_memory_equal(fake_gpu_resource(&gpu_fake, gpu_picture.id)->pixels,
                        (uint8_t *)gpu_memory.memory + 4096, 4096);
    assert_memory_equal((uint8_t *)fake_gpu_resource(&gpu_fake, gpu_picture.id)->pixels + 4096,
                        gpu_memory.memory, 4096);
    assert_memory_equal((uint8_t *)fake_gpu_resource(&gpu_fake, gpu_picture.id)->pixels + 8192,
                        (uint8_t *)gpu_memory.memory + 8192, GPU_BYTES - 8192);
    gpu_bench_stop();
}

static int attach_piece(uint64_t offset, uint32_t length)
{
    const struct virtio_buffer piece = {gpu_memory.device_address + offset, length};

    return virtio_gpu_attach(&gpu_driver, &gpu_picture, &piece, 1);
}

static void test_memory_that_will_not_do(struct bench *bench)
{
    struct virtio_buffer pieces[257];

    gpu_bench_start_two(bench);
    gpu_bench_allocate();
    assert_ok(virtio_gpu_create(&gpu_driver, &gpu_picture, GPU_FORMAT, GPU_WIDTH, GPU_HEIGHT));
    assert_result(virtio_gpu_attach(&gpu_driver, &gpu_picture, NULL, 1), VIRTIO_E_INVALID);
    assert_result(virtio_gpu_attach(&gpu_driver, &gpu_picture, pieces, 0), VIRTIO_E_INVALID);
    assert_result(attach_piece(0, 0), VIRTIO_E_ZERO_LENGTH);
    assert_result(attach_piece(1, GPU_BYTES), VIRTIO_E_INVALID);
    assert_result(attach_piece(0, GPU_BYTES - 1), VIRTIO_E_OUT_OF_RANGE);
    for (unsigned n = 0; n < 257; n++)
        pieces[n] = (struct virtio_buffer){gpu_memory.device_address, 4096};
    assert_result(virtio_gpu_attach(&gpu_driver, &gpu_picture, pieces, 257), VIRTIO_E_TOO_LONG);
    pieces[0].length = 4095;
    assert_result(virtio_gpu_attach(&gpu_driver, &gpu_picture, pieces, 3), VIRTIO_E_INVALID);
    assert_false(gpu_picture.attached);
    assert_result(virtio_gpu_transfer(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_gpu_detach(&gpu_driver, &gpu_picture), VIRTIO_E_INVALID);
    assert_ok(gpu_bench_attach());
    assert_result(gpu_bench_attach(), VIRTIO_E_BUSY);
    gpu_bench_stop();
}

/* As many pieces as the options allow, and one more. */
static void test_many_pieces(struct bench *bench)
{
    const struct virtio_gpu_options options = {.pieces_max = FAKE_GPU_PIECES};
    struct virtio_buffer pieces[FAKE_GPU_PIECES + 1];

    gpu_bench_begin(bench, 1);
    bench_attach(bench);
    assert_ok(virtio_gpu_start(&gpu_driver, &bench->device, &options));
    gpu_bench_allocate();
    for (unsigned n = 0; n < FAKE_GPU_PIECES + 1; n++)
        pieces[n] = (struct virtio_buffer){gpu_memory.device_address, 4096};
    assert_ok(virtio_gpu_create(&gpu_driver, &gpu_picture, GPU_FORMAT, GPU_WIDTH, GPU_HEIGHT));
    assert_result(virtio_gpu_attach(&gpu_driver, &gpu_picture, pieces, FAKE_GPU_PIECES + 1),
                  VIRTIO_E_TOO_LONG);
    assert_ok(virtio_gpu_attach(&gpu_driver, &gpu_picture, pieces, FAKE_GPU_PIECES));
    assert_int_equal(fake_gpu_resource(&gpu_fake, gpu_picture.id)->pieces, FAKE_GPU_PIECES);
    gpu_bench_stop();
}

static int create(enum virtio_gpu_format format, uint32_t width, uint32_t height)
{
    return virtio_gpu_create(&gpu_driver, &gpu_picture, format, width, height);
}

static void test_resources_that_will_not_do(struct bench *bench)
{
    static const struct virtio_gpu_rect beyond[] = {
        {0, 0, GPU_WIDTH + 1, 1}, {0, 0, 1, GPU_HEIGHT + 1}, {GPU_WIDTH, 0, 1, 1},
        {0, GPU_HEIGHT, 1, 1},    {1, 0, UINT32_MAX, 1},     {UINT32_MAX, 0, 2, 1},
        {0, UINT32_MAX, 1, 2}};
    static const struct virtio_gpu_rect empty[] = {{0, 0, 0, 1}, {0, 0, 1, 0}};

    gpu_bench_start_two(bench);
    assert_result(create((enum virtio_gpu_format)0, 1, 1), VIRTIO_E_INVALID);
    assert_result(create((enum virtio_gpu_format)135, 1, 1), VIRTIO_E_INVALID);
    assert_result(create(GPU_FORMAT, 0, 1), VIRTIO_E_OUT_OF_RANGE);
    assert_result(create(GPU_FORMAT, 1, 16385), VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_gpu_flush(&gpu_driver, NULL, NULL), VIRTIO_E_INVALID);
    gpu_bench_show();
    for (unsigned i = 0; i < 7; i++) {
        assert_result(virtio_gpu_transfer(&gpu_driver, &gpu_picture, &beyond[i]),
                      VIRTIO_E_OUT_OF_RANGE);
        assert_result(virtio_gpu_flush(&gpu_driver, &gpu_picture, &beyond[i]),
                      VIRTIO_E_OUT_OF_RANGE);
        assert_result(virtio_gpu_set_scanout(&gpu_driver, 0, &gpu_picture, &beyond[i]),
                      VIRTIO_E_OUT_OF_RANGE);
        assert_result(virtio_gpu_update(&gpu_driver, &gpu_picture, &beyond[i]),
                      VIRTIO_E_OUT_OF_RANGE);
    }
    for (unsigned i = 0; i < 2; i++)
        assert_result(virtio_gpu_submit_transfer(&gpu_driver, &gpu_picture, &empty[i], NULL),
                      VIRTIO_E_INVALID);
    assert_result(virtio_gpu_set_scanout(&gpu_driver, 2, &gpu_picture, NULL),
                  VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_gpu_submit_scanout(&gpu_driver, 2, NULL, NULL, NULL),
                  VIRTIO_E_OUT_OF_RANGE);
    gpu_picture.id += 100;
    assert_result(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_STALE);
    gpu_bench_stop();
    assert_result(create(GPU_FORMAT, 1, 1), VIRTIO_E_STATE);
    assert_result(virtio_gpu_destroy(&gpu_driver, &gpu_picture), VIRTIO_E_STATE);
    assert_result(virtio_gpu_attach(&gpu_driver, &gpu_picture, NULL, 0), VIRTIO_E_STATE);
    assert_result(virtio_gpu_set_scanout(&gpu_driver, 0, NULL, NULL), VIRTIO_E_STATE);
    assert_result(virtio_gpu_kick(&gpu_driver), VIRTIO_E_STATE);
}

/* Ids are never 0, not even after 2^32 of them. */
static void test_ids_wrap(struct bench *bench)
{
    struct virtio_gpu_resource second;

    gpu_bench_start_two(bench);
    gpu_driver.first_id = UINT32_MAX;
    gpu_driver.next_id = UINT32_MAX;
    assert_ok(create(GPU_FORMAT, 1, 1));
    assert_int_equal(gpu_picture.id, UINT32_MAX);
    assert_ok(virtio_gpu_create(&gpu_driver, &second, GPU_FORMAT, 1, 1));
    assert_int_equal(second.id, 1);
    assert_ok(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL));
    assert_ok(virtio_gpu_flush(&gpu_driver, &second, NULL));
    gpu_bench_stop();
}

static void test_nothing_is_allocated_after_the_start(struct bench *bench)
{
    uint64_t allocations;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    allocations = bench->host.counts[FAKE_ALLOCATE] + bench->host.counts[FAKE_DMA_ALLOCATE] +
                  bench->host.counts[FAKE_MAP];
    for (unsigned n = 0; n < 50; n++) {
        assert_ok(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL));
        assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, n, n));
        gpu_bench_expect_size(800, 600);
    }
    assert_int_equal(allocations, bench->host.counts[FAKE_ALLOCATE] +
                                      bench->host.counts[FAKE_DMA_ALLOCATE] +
                                      bench->host.counts[FAKE_MAP]);
    gpu_bench_stop();
}

/* ---- Many in flight ---- */

static void test_many_in_flight(struct bench *bench)
{
    struct virtio_gpu_done done;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    gpu_fake.silent = true;
    for (unsigned round = 0; round < 20; round++) {
        for (uintptr_t n = 0; n < gpu_driver.depth; n++) {
            if (n % 3 == 0)
                assert_ok(
                    virtio_gpu_submit_transfer(&gpu_driver, &gpu_picture, NULL, bench_cookie(n)));
            if (n % 3 == 1)
                assert_ok(
                    virtio_gpu_submit_scanout(&gpu_driver, 1, &gpu_picture, NULL, bench_cookie(n)));
            if (n % 3 == 2)
                assert_ok(
                    virtio_gpu_submit_flush(&gpu_driver, &gpu_picture, NULL, bench_cookie(n)));
        }
        assert_int_equal(gpu_driver.in_flight, gpu_driver.depth);
        assert_result(virtio_gpu_submit_flush(&gpu_driver, &gpu_picture, NULL, NULL),
                      VIRTIO_E_FULL);
        assert_result(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_FULL);
        assert_ok(virtio_gpu_kick(&gpu_driver));
        assert_int_equal(virtio_gpu_reap(&gpu_driver, &done), 0);
        fake_gpu_finish(&gpu_fake);
        gpu_bench_take_all(gpu_driver.depth, VIRTIO_OK);
    }
    gpu_bench_expect_pixels();
    assert_int_equal(gpu_fake.scanouts[1].resource, gpu_picture.id);
    assert_result(virtio_gpu_wait(&gpu_driver, &done, 100), VIRTIO_E_STATE);
    assert_result(virtio_gpu_wait(&gpu_driver, &done, 0), VIRTIO_E_INVALID);
    gpu_bench_stop();
    assert_result(virtio_gpu_wait(&gpu_driver, &done, 100), VIRTIO_E_STATE);
    assert_result(virtio_gpu_reap(&gpu_driver, &done), VIRTIO_E_STATE);
    assert_int_equal(virtio_gpu_drain(&gpu_driver, &done), 0);
}

static void test_waiting(struct bench *bench)
{
    struct virtio_gpu_done done;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    bench->fake.latency_us = 100;
    assert_ok(virtio_gpu_submit_flush(&gpu_driver, &gpu_picture, NULL, bench_cookie(0)));
    assert_ok(virtio_gpu_submit_flush(&gpu_driver, &gpu_picture, NULL, bench_cookie(1)));
    assert_result(virtio_gpu_wait(&gpu_driver, &done, 10), VIRTIO_E_TIMEOUT);
    assert_int_equal(gpu_driver.device.state, VIRTIO_DEVICE_READY);
    assert_int_equal(virtio_gpu_wait(&gpu_driver, &done, 1000), 1);
    assert_int_equal(virtio_gpu_wait(&gpu_driver, &done, 1000), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    /* What completes while a blocking call waits is kept. */
    assert_ok(virtio_gpu_submit_flush(&gpu_driver, &gpu_picture, NULL, bench_cookie(0)));
    assert_ok(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL));
    assert_int_equal(gpu_driver.in_flight, 1);
    assert_result(virtio_gpu_detach(&gpu_driver, &gpu_picture), VIRTIO_E_BUSY);
    assert_ok(virtio_gpu_set_scanout(&gpu_driver, 0, NULL, NULL));
    assert_result(virtio_gpu_destroy(&gpu_driver, &gpu_picture), VIRTIO_E_BUSY);
    assert_int_equal(virtio_gpu_wait(&gpu_driver, &done, 1), 1);
    assert_ok(virtio_gpu_destroy(&gpu_driver, &gpu_picture));
    gpu_bench_stop();
}

/* ---- Pointers ---- */

static void test_pointer(struct bench *bench)
{
    struct virtio_gpu_resource pointer;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    gpu_bench_make_pointer(&pointer);
    for (unsigned answers = 0; answers < 2; answers++) {
        gpu_fake.answers_cursors = answers != 0;
        assert_ok(virtio_gpu_set_cursor(&gpu_driver, 1, &pointer, 5, 63, 100, 200));
        assert_int_equal(gpu_fake.pointers[1].resource, pointer.id);
        assert_int_equal(gpu_fake.pointers[1].hot_x, 5);
        assert_int_equal(gpu_fake.pointers[1].hot_y, 63);
        assert_int_equal(gpu_fake.pointers[1].x, 100);
        assert_int_equal(gpu_fake.pointers[1].y, 200);
        for (uint32_t n = 0; n < 100; n++)
            assert_ok(virtio_gpu_move_cursor(&gpu_driver, 1, n, 2 * n));
        assert_int_equal(gpu_fake.pointers[1].y, 198);
        assert_int_equal(gpu_fake.pointers[1].resource, pointer.id);
        assert_int_equal(gpu_fake.pointers[1].named,
                         pointer.id); /* QEMU hides the pointer otherwise */
        assert_result(virtio_gpu_destroy(&gpu_driver, &pointer), VIRTIO_E_BUSY);
    }
    assert_int_equal(gpu_driver.cursor_failures, 0);
    assert_ok(virtio_gpu_set_cursor(&gpu_driver, 1, NULL, 0, 0, 0, 0));
    assert_int_equal(gpu_fake.pointers[1].resource, 0);
    assert_ok(virtio_gpu_destroy(&gpu_driver, &pointer));
    gpu_bench_stop();
    assert_result(virtio_gpu_move_cursor(&gpu_driver, 0, 1, 1), VIRTIO_E_STATE);
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, NULL, 0, 0, 0, 0), VIRTIO_E_STATE);
}

static void test_p99_pointers_that_will_not_do(struct bench *bench)
{
    struct virtio_gpu_resource pointer;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    gpu_bench_make_pointer(&pointer);
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, &gpu_picture, 0, 0, 0, 0),
                  VIRTIO_E_INVALID);
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, &pointer, 64, 0, 0, 0),
                  VIRTIO_E_OUT_OF_RANGE);
    pointer.height = 63;
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, &pointer, 0, 0, 0, 0), VIRTIO_E_INVALID);
    pointer.height = 64;
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, &pointer, 0, 64, 0, 0),
                  VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 2, &pointer, 0, 0, 0, 0),
                  VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_gpu_move_cursor(&gpu_driver, 2, 0, 0), VIRTIO_E_OUT_OF_RANGE);
    pointer.id = 0;
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, &pointer, 0, 0, 0, 0), VIRTIO_E_INVALID);
    gpu_bench_stop();
}

static void test_pointer_that_is_refused(struct bench *bench)
{
    struct virtio_gpu_resource pointer;

    gpu_bench_start_two(bench);
    gpu_bench_make_pointer(&pointer);
    gpu_fake.answers_cursors = true;
    gpu_fake.type = VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, &pointer, 0, 0, 0, 0), VIRTIO_E_IO);
    assert_int_equal(gpu_driver.refusal, VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
    assert_int_equal(gpu_driver.pointers[0], 0);
    assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, 1, 1));
    assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, 1, 1));
    assert_int_equal(gpu_driver.cursor_failures, 1); /* of the second not known yet */
    gpu_bench_mend();
    gpu_fake.answers_cursors = true;
    gpu_fake.length = 12;
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, &pointer, 0, 0, 0, 0), VIRTIO_E_RESPONSE);
    assert_int_equal(gpu_driver.cursor_failures, 2);
    gpu_bench_mend();
    gpu_bench_stop();
}

static void test_more_movements_than_fit(struct bench *bench)
{
    struct virtio_gpu_resource pointer;

    gpu_bench_start_two(bench);
    gpu_bench_make_pointer(&pointer);
    gpu_fake.silent = true;
    for (uint32_t n = 0; n < VIRTIO_GPU_CURSOR_DEPTH; n++)
        assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, n, n));
    assert_result(virtio_gpu_move_cursor(&gpu_driver, 0, 9, 9), VIRTIO_E_FULL);
    fake_gpu_finish(&gpu_fake);
    assert_int_equal(gpu_fake.pointers[0].x, VIRTIO_GPU_CURSOR_DEPTH - 1);
    assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, 9, 9));
    gpu_bench_mend();
    /* The pointer itself waits for room. */
    bench->fake.latency_us = 50;
    for (uint32_t n = 1; n < VIRTIO_GPU_CURSOR_DEPTH; n++)
        assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, n, n));
    fake_gpu_finish(&gpu_fake);
    assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, 1, 1));
    assert_ok(virtio_gpu_set_cursor(&gpu_driver, 0, &pointer, 1, 2, 3, 4));
    assert_int_equal(gpu_fake.pointers[0].x, 3);
    for (uint32_t n = 0; n < VIRTIO_GPU_CURSOR_DEPTH; n++)
        assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, n, n));
    assert_ok(virtio_gpu_set_cursor(&gpu_driver, 0, NULL, 1, 2, 30, 4));
    assert_int_equal(gpu_fake.pointers[0].x, 30);
    gpu_bench_stop();
}

static void test_no_room_for_a_pointer(struct bench *bench)
{
    gpu_bench_start_two(bench);
    gpu_fake.silent = true;
    for (uint32_t n = 0; n < VIRTIO_GPU_CURSOR_DEPTH; n++)
        assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, n, n));
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, NULL, 0, 0, 0, 0), VIRTIO_E_TIMEOUT);
    assert_result(virtio_gpu_move_cursor(&gpu_driver, 0, 0, 0), VIRTIO_E_STATE);
    gpu_bench_stop();
}

static void test_lies_about_pointers(struct bench *bench)
{
    gpu_bench_start_two(bench);
    gpu_fake.silent = true;
    assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, 0, 0));
    fake_queue_push_used(&bench->fake.queues[1], 1000, 0);
    assert_result(virtio_gpu_move_cursor(&gpu_driver, 0, 0, 0), VIRTIO_E_BROKEN);
    gpu_bench_mend();
    assert_ok(create(GPU_FORMAT, 1, 1)); /* the other queue is as good as ever */
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, NULL, 0, 0, 0, 0), VIRTIO_E_BROKEN);
    assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, NULL, 0, 0, 0, 0), VIRTIO_E_STATE);
    gpu_bench_stop();
}

static const struct bench_test tests[] = {
    TEST(test_a_picture, BENCH_HOSTS),
    TEST(test_parts_of_a_picture, BENCH_HOSTS),
    TEST(test_p99_scattered_memory, BENCH_HOSTS),
    TEST(test_memory_that_will_not_do, BENCH_ONE),
    TEST(test_many_pieces, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_resources_that_will_not_do, BENCH_ONE),
    TEST(test_ids_wrap, BENCH_ONE),
    TEST(test_nothing_is_allocated_after_the_start, BENCH_HOSTS),
    TEST(test_many_in_flight, BENCH_HOSTS),
    TEST(test_waiting, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_pointer, BENCH_HOSTS),
    TEST(test_p99_pointers_that_will_not_do, BENCH_ONE),
    TEST(test_pointer_that_is_refused, BENCH_ONE),
    TEST(test_more_movements_than_fit, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_no_room_for_a_pointer, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_lies_about_pointers, BENCH_ONE),
};

BENCH_MAIN_RINGS(tests)
