/* SPDX-License-Identifier: MIT */
/*
 * The ring engine against a device's end that lies: ids, lengths and indices that make no sense, in every format.
 * ring_model.h is the device.
 */
#include "ring_model.h"

#include <string.h>

/* Lies ------------------------------------------------------------------------------------------- */

static void begin_lie(const struct ring_variant *variant, unsigned count)
{
    model_start(variant->features, 8, 0);
    for (unsigned i = 0; i < count; i++)
        model_submit_one();
    assert_ok(model_kick());
    model_take();
}

/* Two chains in flight, and a used entry that is a lie: found by whoever looks first. */
static void check_lie(const struct ring_variant *variant, bool of_first, uint32_t id,
                      uint32_t length)
{
    for (unsigned way = 0; way < MODEL_REAPS; way++) {
        begin_lie(variant, 2);
        model_use(of_first ? model.taken[0].id : id, length, 1, 1);
        model_expect_broken(way);
    }
}

static void test_p61_lies_are_found_in_every_variant(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++) {
        const struct ring_variant *variant = &ring_variants[i];

        check_lie(variant, false, 8, 0); /* no such id */
        check_lie(variant, false, 0xffff, 0);
        check_lie(variant, false, 2, 0); /* not in flight */
        check_lie(variant, true, 0, 9);  /* more than it could */
        check_lie(variant, true, 0, UINT32_MAX);
    }
}

/* Ids far beyond the ring, where there is no memory of the queue's: taken one by one, and in a batch. */
static void test_p61_ids_far_beyond_the_ring(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++)
        check_lie(&ring_variants[i], false, 0xfff0, 8);
}

static void test_p61_an_id_twice_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODEL_REAPS * RING_VARIANTS; i++) {
        struct virtio_done done[4];

        begin_lie(&ring_variants[i / MODEL_REAPS], 3);
        model_use(model.taken[0].id, 8, 1, 1);
        model_use(model.taken[0].id, 8, 1, 1);
        assert_result(model_reap(done), 1);
        model_expect_broken(i % MODEL_REAPS);
    }
}

static void test_p61_good_completions_before_a_lie_count(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct virtio_done done[4];

        model_start(packed ? PACKED : 0, 8, 0);
        for (unsigned i = 0; i < 3; i++)
            model_submit_one();
        assert_ok(model_kick());
        model_take();
        model_use(model.taken[0].id, 8, 1, 1);
        model_use(model.taken[1].id, 7, 1, 1);
        model_use(model.taken[2].id, 9, 1, 1);
        assert_result(virtio_reap_many(&model.queue, done, 4), 2);
        assert_int_equal(done[1].written, 7);
        model_expect_broken(packed);
    }
}

static void test_p61_used_index_beyond_what_was_shown(void **state)
{
    (void)state;
    for (unsigned way = 0; way < MODEL_REAPS; way++) {
        begin_lie(&ring_variants[0], 2);
        model_submit_one(); /* not shown */
        for (uint32_t i = 0; i < 3; i++)
            model_use(i, 8, 1, 1);
        model_expect_broken(way);
    }
}

/* A batch that goes over the ring's end comes in one call. */
static void test_a_batch_over_the_end_comes_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++) {
        model_start(ring_variants[i].features, 8, 0);
        for (unsigned round = 0; round < 50; round++) {
            struct virtio_done done[8];

            for (unsigned j = 0; j < 5; j++)
                model_submit_one();
            assert_ok(model_kick());
            assert_int_equal(model_take(), 5);
            while (model.count != 0)
                model_complete(0, 8);
            assert_result(virtio_reap_many(&model.queue, done, 8), 5);
        }
        model_stop();
    }
}

/* A packed ring shows a chain when it is submitted, and whole. What the device uses of it before the kick is
 * taken, and the kick notices that it has come late. */
static void test_a_packed_chain_is_used_before_the_kick(void **state)
{
    static const uint64_t features[] = {PACKED, PACKED | EVENT, PACKED | IN_ORDER};

    (void)state;
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        struct virtio_buffer buffers[3] = {{0x1000, 8}, {0x2000, 8}, {0x3000, 8}};

        model_start(features[i], 8, 0);
        for (unsigned round = 0; round < 40; round++) {
            struct virtio_done done;

            assert_ok(virtio_submit_buffers(&model.queue, buffers, 1, 2, model_cookie(round)));
            assert_int_equal(model_take(), 1);
            assert_int_equal(model.taken[0].slots, 3);
            model_complete(0, 11);
            assert_result(model_reap(&done), 1);
            assert_ptr_equal(done.cookie, model_cookie(round));
            assert_result(model_reap(&done), 0);
            assert_result(virtio_wait(&model.queue, &done, 1000), VIRTIO_E_STATE);
            if (round % 16 == 15) { /* three times around the ring */
                assert_ok(model_kick());
                assert_int_equal(model.notifications, round / 16 + 1);
            }
            assert_int_equal(virtio_queue_free(&model.queue), 8);
        }
        model_stop();
    }
}

static void test_in_order_batch_that_was_not_made_is_found(void **state)
{
    (void)state;
    /* The used index covers one chain, the entry names the third. */
    for (unsigned way = 0; way < MODEL_REAPS; way++) {
        begin_lie(&ring_variants[3], 3);
        model_use(model.taken[2].id, 8, 1, 1);
        model_expect_broken(way);
    }
}

/* A device that writes to its ring after the reset: once chains are taken back, the ring counts no more. */
static void test_p69_a_ring_that_changes_during_the_drain(void **state)
{
    (void)state;
    for (size_t v = 0; v < RING_VARIANTS; v++) {
        struct virtio_done done;
        unsigned seen = 0;

        model_start(ring_variants[v].features, 8, 0);
        for (unsigned i = 0; i < 4; i++) {
            struct virtio_buffer buffer = {0x1000, 8};

            assert_ok(virtio_submit_buffers(&model.queue, &buffer, 0, 1, model_cookie(i)));
        }
        assert_ok(model_kick());
        assert_int_equal(model_take(), 4);
        assert_ok(virtio_device_stop(&model.device));
        while (virtio_drain(&model.queue, &done) > 0) {
            unsigned cookie = 0;

            while (done.cookie != model_cookie(cookie))
                assert_true(++cookie < 4);
            assert_int_equal(seen & 1u << cookie, 0);
            assert_int_equal(done.written, 0);
            if (seen == 0)
                model_use(model.taken[2].id, 8, 3, 3);
            seen |= 1u << cookie;
        }
        assert_int_equal(seen, 0xf);
        model_stop();
    }
}

/* A descriptor that the device writes to is not read again. */
static void test_p62_descriptors_are_not_believed(void **state)
{
    (void)state;
    model_start(0, 8, 0);
    for (unsigned i = 0; i < 3000; i++) {
        struct virtio_buffer buffers[2] = {{0x1000, 8}, {0x2000, 8}};
        struct virtio_done done;

        assert_ok(virtio_submit_buffers(&model.queue, buffers, 1, 1, model_cookie(i)));
        assert_ok(model_kick());
        assert_int_equal(model_take(), 1);
        memset(model_at(model.ring.descriptors), 0xff, 8 * 16);
        model_complete(0, 3);
        assert_result(model_reap(&done), 1);
        assert_ptr_equal(done.cookie, model_cookie(i));
    }
    model_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p61_lies_are_found_in_every_variant),
        cmocka_unit_test(test_p61_ids_far_beyond_the_ring),
        cmocka_unit_test(test_p61_an_id_twice_is_found),
        cmocka_unit_test(test_p61_good_completions_before_a_lie_count),
        cmocka_unit_test(test_p61_used_index_beyond_what_was_shown),
        cmocka_unit_test(test_a_batch_over_the_end_comes_whole),
        cmocka_unit_test(test_a_packed_chain_is_used_before_the_kick),
        cmocka_unit_test(test_in_order_batch_that_was_not_made_is_found),
        cmocka_unit_test(test_p69_a_ring_that_changes_during_the_drain),
        cmocka_unit_test(test_p62_descriptors_are_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
