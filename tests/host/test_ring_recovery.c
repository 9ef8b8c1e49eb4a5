/* SPDX-License-Identifier: MIT */
/*
 * The ring engine: requests that stay prepared, and recovery of a device or of one queue. ring_model.h is the device.
 */
#include "ring_model.h"

#include <virtio/inline.h>

/* Prepared requests ------------------------------------------------------------------------------ */

static void prepared_round(struct virtio_prepared *prepared, uint32_t written, uint64_t address,
                           bool with_inline)
{
    struct virtio_done done;

    if (with_inline)
        assert_ok(virtio_submit_prepared_inline(&model.queue, prepared, prepared));
    else
        assert_ok(virtio_submit_prepared(&model.queue, prepared, prepared));
    if (prepared->kept != 0) {
        assert_result(virtio_submit_prepared(&model.queue, prepared, prepared), VIRTIO_E_BUSY);
        assert_result(virtio_submit_prepared_inline(&model.queue, prepared, prepared),
                      VIRTIO_E_BUSY);
        assert_result(virtio_prepared_point(&model.queue, prepared, 0, 1, 1), VIRTIO_E_BUSY);
        assert_result(virtio_prepared_end(&model.queue, prepared), VIRTIO_E_BUSY);
    }
    assert_ok(model_kick());
    assert_int_equal(model_take(), 1);
    assert_int_equal(model.taken[0].address, address);
    assert_int_equal(model.taken[0].writable, written);
    model_complete(0, written);
    assert_result(model_reap(&done), 1);
    assert_ptr_equal(done.cookie, prepared);
    assert_int_equal(done.written, written);
}

static void test_prepared_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++) {
        struct virtio_buffer three[3] = {{0x1000, 16}, {0x2000, 512}, {0x3000, 1}};
        struct virtio_buffer one[1] = {{0x4000, 77}};
        struct virtio_prepared first;
        struct virtio_prepared second;

        model_start(ring_variants[i].features, 16, 3);
        assert_ok(virtio_prepared_begin(&model.queue, &first, three, 1, 2));
        assert_ok(virtio_prepared_begin(&model.queue, &second, one, 0, 1));
        for (unsigned round = 0; round < 100; round++) {
            prepared_round(&first, 513, 0x1000, round % 2);
            prepared_round(&second, 77, 0x4000, round % 3 == 0);
            model_submit_one();
            assert_ok(model_kick());
            model_finish(1);
        }
        /* Point it elsewhere. */
        assert_ok(virtio_prepared_point(&model.queue, &first, 1, 0x9000, 1024));
        assert_ok(virtio_prepared_point(&model.queue, &first, 0, 0xa000, 16));
        assert_result(virtio_prepared_point(&model.queue, &first, 3, 0x9000, 1), VIRTIO_E_INVALID);
        assert_result(virtio_prepared_point(&model.queue, &first, 1, 0x9000, 0),
                      VIRTIO_E_ZERO_LENGTH);
        assert_ok(virtio_prepared_point(&model.queue, &second, 0, 0xb000, 5));
        prepared_round(&first, 1025, 0xa000, true);
        prepared_round(&second, 5, 0xb000, true);
        prepared_round(&first, 1025, 0xa000, false);
        prepared_round(&second, 5, 0xb000, false);
        assert_ok(virtio_prepared_end(&model.queue, &first));
        assert_ok(virtio_prepared_end(&model.queue, &second));
        assert_int_equal(virtio_queue_free(&model.queue), 16);
        model_stop();
    }
}

static void test_prepared_lies_are_found(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * MODEL_REAPS; i++) {
        struct virtio_buffer one[1] = {{0x4000, 77}};
        struct virtio_prepared prepared;

        model_start(i % 2 ? PACKED : 0, 16, 3);
        assert_ok(virtio_prepared_begin(&model.queue, &prepared, one, 0, 1));
        model_submit_one();
        assert_ok(model_kick());
        model_use(prepared.head, 0, 1, 1); /* idle */
        model_expect_broken(i / 2);
    }
}

/* Recovery --------------------------------------------------------------------------------------- */

/* Six chains: two completed and reaped, one completed, two in flight, one not kicked. */
static void leave_a_mess(void)
{
    struct virtio_buffer buffer = {0x1000, 8};
    struct virtio_done done;

    for (uint32_t i = 0; i < 5; i++)
        assert_ok(virtio_submit_buffers(&model.queue, &buffer, 0, 1, model_cookie(i)));
    assert_ok(model_kick());
    assert_int_equal(model_take(), 5);
    for (unsigned i = 0; i < 3; i++)
        model_complete(0, 5);
    for (uint32_t i = 0; i < 2; i++) {
        assert_result(model_reap(&done), 1);
        assert_ptr_equal(done.cookie, model_cookie(i));
    }
    assert_ok(virtio_submit_buffers(&model.queue, &buffer, 0, 1, model_cookie(5)));
}

/* Each cookie of `first` to 5 once; then the queue works. */
static void expect_recovered(uint32_t first, bool completions_count)
{
    struct virtio_buffer buffer = {0x1000, 8};
    struct virtio_done done;
    unsigned seen = 0;

    assert_result(virtio_submit_buffers(&model.queue, &buffer, 0, 1, NULL), VIRTIO_E_RESET);
    assert_result(model_reap(&done), VIRTIO_E_RESET);
    model.available = 0;
    model.used = 0;
    model.count = 0;
    for (uint32_t i = first; i < 6; i++) {
        uint32_t number;

        assert_result(virtio_drain(&model.queue, &done), 1);
        number = (uint32_t)(uintptr_t)done.cookie - 1;
        assert_true(number >= first && number < 6 && (seen & 1u << number) == 0);
        seen |= 1u << number;
        assert_int_equal(done.written, completions_count && number == 2 ? 5 : 0);
    }
    assert_result(virtio_drain(&model.queue, &done), 0);
    assert_int_equal(virtio_queue_free(&model.queue), model.queue.size);
    for (unsigned i = 0; i < 100; i++) {
        model_submit_one();
        assert_ok(model_kick());
        model_finish(1);
    }
}

static void test_recovery_hands_every_cookie_back_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++) {
        model_start(ring_variants[i].features, 8, 0);
        for (unsigned round = 0; round < 5; round++) {
            leave_a_mess();
            assert_ok(virtio_device_recover(&model.device));
            assert_int_equal(model.device.state, VIRTIO_DEVICE_READY);
            expect_recovered(2, true);
        }
        model_stop();
    }
}

static void test_recovery_of_a_broken_queue(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++) {
        struct virtio_done done;

        model_start(ring_variants[i].features, 8, 0);
        leave_a_mess();
        assert_result(model_reap(&done), 1);
        model_use(7, 0, 1, 1);
        assert_result(model_reap(&done), VIRTIO_E_BROKEN);
        assert_ok(virtio_device_recover(&model.device));
        expect_recovered(3, false);
        model_stop();
    }
}

static void test_recovery_of_one_queue(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++) {
        model_start(ring_variants[i].features | VIRTIO_F_RING_RESET, 8, 0);
        leave_a_mess();
        ring_transport.reset_polls = 3;
        assert_ok(virtio_queue_reset(&model.queue));
        assert_int_equal(ring_transport.queue_resets, 1);
        assert_int_equal(model.device.state, VIRTIO_DEVICE_READY);
        expect_recovered(2, true);
        model_stop();
    }
}

static void test_queue_reset_is_bounded_and_needs_the_feature(void **state)
{
    struct virtio_done done;

    (void)state;
    model_start(0, 8, 0);
    assert_result(virtio_queue_reset(&model.queue), VIRTIO_E_NOT_SUPPORTED);
    model_stop();
    model_start(VIRTIO_F_RING_RESET, 8, 0);
    leave_a_mess();
    ring_transport.reset_polls = UINT32_MAX;
    assert_result(virtio_queue_reset(&model.queue), VIRTIO_E_TIMEOUT);
    assert_result(model_reap(&done), VIRTIO_E_TIMEOUT);
    assert_result(virtio_drain(&model.queue, &done), VIRTIO_E_BUSY);
    model_stop();
}

static void test_recovery_with_other_features_fails(void **state)
{
    struct virtio_done done;

    (void)state;
    model_start(EVENT, 8, 0);
    leave_a_mess();
    ring_transport.features = 0;
    assert_result(virtio_device_recover(&model.device), VIRTIO_E_FEATURES);
    assert_int_equal(model.device.state, VIRTIO_DEVICE_STOPPED);
    for (unsigned i = 2; i < 6; i++)
        assert_result(virtio_drain(&model.queue, &done), 1);
    assert_result(virtio_drain(&model.queue, &done), 0);
    model_stop();
}

static void test_prepared_requests_survive_a_recovery(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++) {
        struct virtio_buffer three[3] = {{0x1000, 16}, {0x2000, 512}, {0x3000, 1}};
        struct virtio_prepared prepared;
        struct virtio_done done;

        model_start(ring_variants[i].features, 16, 3);
        assert_ok(virtio_prepared_begin(&model.queue, &prepared, three, 1, 2));
        prepared_round(&prepared, 513, 0x1000, true);
        assert_ok(virtio_submit_prepared(&model.queue, &prepared, model_cookie(1)));
        assert_ok(model_kick());
        assert_ok(virtio_device_recover(&model.device));
        assert_result(virtio_drain(&model.queue, &done), 1);
        assert_ptr_equal(done.cookie, model_cookie(1));
        assert_result(virtio_drain(&model.queue, &done), 0);
        model.available = 0;
        model.used = 0;
        model.count = 0;
        prepared_round(&prepared, 513, 0x1000, true);
        prepared_round(&prepared, 513, 0x1000, false);
        assert_ok(virtio_prepared_end(&model.queue, &prepared));
        assert_int_equal(virtio_queue_free(&model.queue), 16);
        model_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prepared_requests),
        cmocka_unit_test(test_prepared_lies_are_found),
        cmocka_unit_test(test_recovery_hands_every_cookie_back_once),
        cmocka_unit_test(test_recovery_of_a_broken_queue),
        cmocka_unit_test(test_recovery_of_one_queue),
        cmocka_unit_test(test_queue_reset_is_bounded_and_needs_the_feature),
        cmocka_unit_test(test_recovery_with_other_features_fails),
        cmocka_unit_test(test_prepared_requests_survive_a_recovery),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
