/* SPDX-License-Identifier: MIT */
/*
 * The GPU driver and a device that refuses, lies or fails.
 */
#include "gpu_bench.h"

#include <string.h>

/* ---- Refusals and lies ---- */

static void test_each_refusal_is_told(struct bench *bench)
{
    struct virtio_gpu_done done;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    for (uint32_t type = VIRTIO_GPU_RESP_ERR_UNSPEC; type <= VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
         type++) {
        int error = type == VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY ? VIRTIO_E_NO_MEMORY : VIRTIO_E_IO;

        gpu_fake.type = type;
        assert_result(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL), error);
        assert_int_equal(gpu_driver.refusal, type);
        assert_result(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL), error);
        assert_int_equal(gpu_driver.refusal, type);
        assert_ok(virtio_gpu_submit_flush(&gpu_driver, &gpu_picture, NULL, NULL));
        assert_int_equal(virtio_gpu_wait(&gpu_driver, &done, 100), 1);
        assert_result(done.error, error);
        assert_int_equal(done.refusal, type);
        assert_result(virtio_gpu_set_scanout(&gpu_driver, 1, &gpu_picture, NULL), error);
        gpu_bench_mend();
        assert_ok(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL));
        assert_int_equal(gpu_driver.refusal, VIRTIO_GPU_REFUSED_NOT);
    }
    assert_int_equal(gpu_driver.shown[1], 0);
    gpu_bench_stop();
}

/* What is refused changes nothing in what the driver knows. */
static void test_refused_changes(struct bench *bench)
{
    struct virtio_gpu_resource other;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    gpu_fake.type = VIRTIO_GPU_RESP_ERR_UNSPEC;
    assert_result(virtio_gpu_create(&gpu_driver, &other, GPU_FORMAT, 1, 1), VIRTIO_E_IO);
    assert_int_equal(other.id, 0);
    assert_result(virtio_gpu_detach(&gpu_driver, &gpu_picture), VIRTIO_E_IO);
    assert_true(gpu_picture.attached);
    assert_result(virtio_gpu_set_scanout(&gpu_driver, 0, NULL, NULL), VIRTIO_E_IO);
    assert_result(virtio_gpu_destroy(&gpu_driver, &gpu_picture), VIRTIO_E_BUSY);
    gpu_bench_mend();
    assert_result(virtio_gpu_create(&gpu_driver, &other, GPU_FORMAT, FAKE_GPU_PIXELS + 1, 1),
                  VIRTIO_E_NO_MEMORY);
    fake_gpu_resource(&gpu_fake, gpu_picture.id)->pieces = 0; /* so that it was really detached */
    gpu_fake.type = VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    gpu_picture.attached = false;
    assert_result(gpu_bench_attach(), VIRTIO_E_IO);
    assert_false(gpu_picture.attached);
    gpu_bench_mend();
    gpu_bench_stop();
}

static void expect_response_error(void)
{
    assert_result(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_RESPONSE);
    gpu_bench_mend();
    assert_ok(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL));
}

static void test_lying_answers(struct bench *bench)
{
    static const uint32_t types[] = {1, 0x1101, 0x11ff, 0x1206, 0x0104, UINT32_MAX};
    static const uint32_t lengths[] = {0, 1, 23};
    struct virtio_gpu_display display;
    uint8_t edid[VIRTIO_GPU_EDID_MAX];
    uint32_t size;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    for (unsigned i = 0; i < 6; i++) {
        gpu_fake.type = types[i];
        expect_response_error();
    }
    for (unsigned i = 0; i < 3; i++) {
        gpu_fake.length = lengths[i];
        expect_response_error();
    }
    gpu_fake.fence_wrong = 1;
    expect_response_error();
    gpu_fake.fence_wrong = UINT64_C(1) << 32;
    expect_response_error();
    gpu_fake.fence_missing = true;
    expect_response_error();
    gpu_fake.length = 407;
    assert_result(virtio_gpu_get_display(&gpu_driver, 0, &display), VIRTIO_E_RESPONSE);
    gpu_bench_mend();
    gpu_fake.type = 0x1100;
    assert_result(virtio_gpu_get_display(&gpu_driver, 0, &display), VIRTIO_E_RESPONSE);
    assert_result(virtio_gpu_get_edid(&gpu_driver, 0, edid, &size), VIRTIO_E_RESPONSE);
    gpu_bench_mend();
    gpu_fake.length = 31;
    assert_result(virtio_gpu_get_edid(&gpu_driver, 0, edid, &size), VIRTIO_E_RESPONSE);
    gpu_bench_mend();
    gpu_bench_stop();
}

/* Two at once, each with an answer of its own. */
static void test_update_of_which_one_half_fails(struct bench *bench)
{
    gpu_bench_start_two(bench);
    gpu_bench_show();
    for (uint32_t command = 0x104; command <= 0x105; command++) {
        gpu_fake.only = command;
        gpu_fake.type = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
        assert_result(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_IO);
        assert_int_equal(gpu_driver.refusal, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
        gpu_fake.type = 0x1101;
        assert_result(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_RESPONSE);
    }
    gpu_bench_mend();
    assert_ok(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL));
    assert_int_equal(gpu_driver.in_flight, 0);
    gpu_bench_stop();
}

static void test_more_written_than_there_is_room(struct bench *bench)
{
    gpu_bench_start_two(bench);
    gpu_bench_show();
    gpu_fake.length = 25;
    assert_result(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_BROKEN);
    assert_result(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_STATE);
    gpu_bench_mend();
    gpu_bench_stop();
}

/* ---- A device that fails ---- */

/* What goes wrong. */
enum cause {
    ASKS_FOR_RESET,
    LIES,
    IS_SILENT,
    IS_GONE,
    CAUSES
};

static const int errors[CAUSES] = {VIRTIO_E_NEEDS_RESET, VIRTIO_E_BROKEN, VIRTIO_E_TIMEOUT,
                                   VIRTIO_E_GONE};

static void bring_about(struct bench *bench, enum cause cause)
{
    gpu_fake.silent = true;
    if (cause == ASKS_FOR_RESET)
        bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    if (cause == LIES)
        fake_queue_push_used(&bench->fake.queues[0], 1000, 0);
    if (cause == IS_GONE)
        bench_unplug(bench, true);
}

static void submit_some(unsigned count)
{
    for (uintptr_t n = 0; n < count; n++)
        assert_ok(virtio_gpu_submit_flush(&gpu_driver, &gpu_picture, NULL, bench_cookie(n)));
    assert_ok(virtio_gpu_kick(&gpu_driver));
}

/* A blocking call meets it, with others in flight: the device is halted, and all cookies come back. */
static void test_failures(struct bench *bench)
{
    for (enum cause cause = ASKS_FOR_RESET; cause < CAUSES; cause++) {
        struct virtio_gpu_done done;
        uintptr_t n = 0;

        if (cause == ASKS_FOR_RESET && bench->legacy)
            continue;
        gpu_bench_start_two(bench);
        gpu_bench_show();
        gpu_fake.silent = true;
        submit_some(3);
        bring_about(bench, cause);
        assert_result(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL), errors[cause]);
        assert_int_equal(gpu_driver.device.state, VIRTIO_DEVICE_STOPPED);
        assert_result(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_STATE);
        assert_result(virtio_gpu_reap(&gpu_driver, &done), VIRTIO_E_STATE);
        while (virtio_gpu_drain(&gpu_driver, &done) > 0) {
            assert_int_equal((uintptr_t)done.cookie, n++);
            assert_result(done.error, VIRTIO_E_RESET);
        }
        assert_int_equal(n, 3);
        assert_int_equal(gpu_driver.in_flight, 0);
        gpu_bench_mend();
        bench_unplug(bench, false);
        assert_ok(virtio_gpu_recover(&gpu_driver)); /* one that was gone was not reset */
        gpu_bench_stop();
    }
}

/* A wait says what happened and changes nothing; blocking calls after it say the same, and the first resets. */
static void test_a_failure_that_is_known(struct bench *bench)
{
    for (enum cause cause = ASKS_FOR_RESET; cause < CAUSES; cause++) {
        struct virtio_gpu_display display;
        struct virtio_gpu_done done;

        for (unsigned call = 0; call < 3; call++) {
            if ((cause == ASKS_FOR_RESET && bench->legacy) || cause == IS_SILENT)
                continue;
            gpu_bench_start_two(bench);
            gpu_bench_show();
            gpu_fake.silent = true;
            submit_some(1);
            bring_about(bench, cause);
            assert_result(virtio_gpu_wait(&gpu_driver, &done, GPU_TIMEOUT_US), errors[cause]);
            assert_int_equal(gpu_driver.device.state, VIRTIO_DEVICE_READY);
            assert_result(call == 0   ? virtio_gpu_update(&gpu_driver, &gpu_picture, NULL)
                          : call == 1 ? virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL)
                                      : virtio_gpu_get_display(&gpu_driver, 0, &display),
                          errors[cause]);
            assert_int_equal(gpu_driver.device.state, VIRTIO_DEVICE_STOPPED);
            assert_result(virtio_gpu_drain(&gpu_driver, &done), 1);
            assert_result(done.error, VIRTIO_E_RESET);
            gpu_bench_mend();
            bench_unplug(bench, false);
            assert_ok(virtio_gpu_recover(&gpu_driver));
            gpu_bench_stop();
        }
    }
}

static void test_somebody_else_resets(struct bench *bench)
{
    struct virtio_gpu_done done;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    gpu_fake.silent = true;
    submit_some(1);
    fake_device_write_status(&bench->fake, bench->legacy, 0);
    assert_result(virtio_gpu_wait(&gpu_driver, &done, GPU_TIMEOUT_US), VIRTIO_E_STATE);
    gpu_bench_mend();
    gpu_bench_stop();
}

static void test_a_lost_device(struct bench *bench)
{
    struct virtio_gpu_done done;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    gpu_fake.silent = true;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    bench->fake.reset_shows = 0xf;
    assert_result(virtio_gpu_flush(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_BUSY);
    assert_int_equal(gpu_driver.device.state, VIRTIO_DEVICE_LOST);
    assert_result(virtio_gpu_drain(&gpu_driver, &done), VIRTIO_E_BUSY);
    assert_result(virtio_gpu_stop(&gpu_driver), VIRTIO_E_TIMEOUT);
    assert_result(virtio_gpu_recover(&gpu_driver), VIRTIO_E_TIMEOUT);
    bench->fake.reset_polls = 0;
    gpu_bench_mend();
    assert_ok(virtio_gpu_recover(&gpu_driver));
    gpu_bench_show();
    gpu_bench_stop();
}

/* Requests of the caller's own in flight, one of them completed; recovered; all come back, and it goes on. */
static void test_recovery(struct bench *bench)
{
    struct virtio_gpu_resource old;
    struct virtio_gpu_done done;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    for (unsigned round = 0; round < 3 * CAUSES; round++) {
        enum cause cause = (enum cause)(round % CAUSES);
        unsigned came = 0;

        if (cause == ASKS_FOR_RESET && bench->legacy)
            continue;
        gpu_fake.silent = true;
        submit_some(4);
        fake_chain_complete(fake_queue_chain(&bench->fake.queues[0], 0), 0);
        assert_ok(virtio_gpu_move_cursor(&gpu_driver, 0, 1, 2));
        bring_about(bench, cause);
        assert_int_equal(virtio_gpu_reap(&gpu_driver, &done), 1);
        assert_result(done.error, VIRTIO_E_RESPONSE);
        assert_result(virtio_gpu_wait(&gpu_driver, &done, GPU_TIMEOUT_US), errors[cause]);
        if (cause == IS_GONE) {
            assert_result(virtio_gpu_recover(&gpu_driver), VIRTIO_E_GONE);
            bench_unplug(bench, false);
        }
        assert_ok(virtio_gpu_recover(&gpu_driver));
        gpu_bench_mend();
        while (virtio_gpu_reap(&gpu_driver, &done) > 0) {
            assert_result(done.error, VIRTIO_E_RESET);
            came |= 1u << (uintptr_t)done.cookie;
        }
        assert_int_equal(came, 0xe);
        assert_int_equal(gpu_driver.in_flight, 0);
        old = gpu_picture;
        assert_result(virtio_gpu_flush(&gpu_driver, &old, NULL), VIRTIO_E_STALE);
        assert_result(virtio_gpu_set_scanout(&gpu_driver, 0, &old, NULL), VIRTIO_E_STALE);
        assert_result(virtio_gpu_set_cursor(&gpu_driver, 0, &old, 0, 0, 0, 0), VIRTIO_E_STALE);
        gpu_bench_show();
        assert_ok(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL));
        gpu_bench_expect_pixels();
        assert_int_equal(gpu_driver.cursor_failures, round - (bench->legacy ? round / CAUSES : 0) +
                                                         1 - (bench->legacy ? 1 : 0));
    }
    gpu_bench_stop();
}

/* What blocking calls gave up on does not use up the room, nor does a pointer outlive the device's. */
static void test_recovery_of_blocking_calls(struct bench *bench)
{
    struct virtio_gpu_resource pointer;

    gpu_bench_start_two(bench);
    for (unsigned round = 0; round < 2u * VIRTIO_GPU_DEPTH_MAX; round++) {
        gpu_bench_show();
        gpu_fake.silent = true;
        assert_result(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL), VIRTIO_E_TIMEOUT);
        gpu_bench_mend();
        assert_ok(virtio_gpu_recover(&gpu_driver));
        gpu_bench_make_pointer(&pointer);
        assert_ok(virtio_gpu_set_cursor(&gpu_driver, 1, &pointer, 1, 2, 3, 4));
        gpu_fake.silent = true;
        assert_result(virtio_gpu_set_cursor(&gpu_driver, 1, &pointer, 1, 2, 3, 4),
                      VIRTIO_E_TIMEOUT);
        gpu_bench_mend();
        assert_ok(virtio_gpu_recover(&gpu_driver));
        assert_ok(virtio_gpu_move_cursor(&gpu_driver, 1, 5, 6));
        assert_int_equal(gpu_fake.pointers[1].named, 0);
    }
    gpu_bench_show();
    submit_some(gpu_driver.depth);
    gpu_bench_take_all(gpu_driver.depth, VIRTIO_OK);
    gpu_bench_stop();
}

static void test_recovery_finds_another_device(struct bench *bench)
{
    gpu_bench_start_two(bench);
    gpu_bench_show();
    fake_put_number(bench->fake.config + 8, 4, false, 17);
    assert_result(virtio_gpu_recover(&gpu_driver), VIRTIO_E_CONFIG);
    assert_int_equal(gpu_driver.device.state, VIRTIO_DEVICE_STOPPED);
    assert_int_equal(gpu_driver.num_scanouts, 2); /* as it was: 17 there cannot be */
    fake_put_number(bench->fake.config + 8, 4, false, 1);
    assert_ok(virtio_gpu_recover(&gpu_driver));
    assert_int_equal(gpu_driver.num_scanouts, 1);
    gpu_bench_show();
    gpu_bench_stop();
}

static void test_stopped_and_started(struct bench *bench)
{
    struct virtio_gpu_done done;

    gpu_bench_start_two(bench);
    gpu_bench_show();
    gpu_fake.silent = true;
    submit_some(3);
    assert_result(virtio_gpu_drain(&gpu_driver, &done), VIRTIO_E_BUSY);
    gpu_bench_mend();
    gpu_bench_stop(); /* with requests in flight */
    assert_ok(virtio_gpu_start(&gpu_driver, &gpu_driver.device, NULL));
    gpu_bench_show();
    assert_ok(virtio_gpu_update(&gpu_driver, &gpu_picture, NULL));
    gpu_bench_expect_pixels();
    gpu_bench_stop();
}

static const struct bench_test tests[] = {
    TEST(test_each_refusal_is_told, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_refused_changes, BENCH_ONE),
    TEST(test_lying_answers, BENCH_HOSTS),
    TEST(test_update_of_which_one_half_fails, BENCH_ONE),
    TEST(test_more_written_than_there_is_room, BENCH_MODERN),
    TEST(test_failures, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_a_failure_that_is_known, BENCH_ALL),
    TEST(test_somebody_else_resets, BENCH_ONE),
    TEST(test_a_lost_device, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_recovery, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_recovery_of_blocking_calls, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_recovery_finds_another_device, BENCH_ONE),
    TEST(test_stopped_and_started, BENCH_HOSTS),
};

BENCH_MAIN_RINGS(tests)
