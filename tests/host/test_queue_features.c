/* SPDX-License-Identifier: MIT */
/*
 * What a queue has by a feature of its own, on every kind of ring and every transport that has it: its reset, what a
 * notification says, lengths that mean nothing.
 */
#include "bench.h"

#include <string.h>

static struct fake_queue *fake_queue(struct bench *bench)
{
    return &bench->fake.queues[0];
}

static void run_some(struct bench *bench, unsigned count)
{
    for (uintptr_t i = 1; i <= count; i++) {
        bench_request(bench, 4, 4, bench_cookie(i));
        assert_int_equal(bench_reap(bench, i), 4);
    }
}

/* Queue reset (2.6.1) ----------------------------------------------------------------------------- */

/* Three requests in flight; the queue forgets them, each cookie comes back, and then it works. */
static void test_reset_of_a_queue(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    unsigned seen = 0;
    struct virtio_done done;

    bench->fake.features |= VIRTIO_F_RING_RESET;
    fake_queue(bench)->reset_polls = 3;
    bench_start(bench, 8);
    for (unsigned round = 0; round < 3; round++) {
        bench->fake.behaviour = NULL;
        for (uintptr_t i = 0; i < 3; i++)
            bench_request(bench, 4, 4, bench_cookie(i));
        assert_int_equal(fake_queue_take_all(fake_queue(bench)), 3);
        assert_ok(virtio_queue_reset(queue));
        assert_int_equal(fake_queue(bench)->resets, round + 1);
        assert_true(fake_queue(bench)->enabled);
        assert_int_equal(bench->fake.resets, 1);
        seen = 0;
        for (unsigned i = 0; i < 3; i++) {
            assert_result(virtio_drain(queue, &done), 1);
            seen |= 1u << (uintptr_t)done.cookie;
        }
        assert_int_equal(seen, 7);
        assert_result(virtio_drain(queue, &done), 0);
        bench->fake.behaviour = &fake_echo;
        run_some(bench, 20);
    }
    bench_stop(bench);
}

static void test_reset_of_a_queue_that_never_ends(struct bench *bench)
{
    bench->fake.features |= VIRTIO_F_RING_RESET;
    fake_queue(bench)->reset_polls = FAKE_FOR_EVER;
    bench_start(bench, 8);
    assert_result(virtio_queue_reset(&bench->queues[0]), VIRTIO_E_TIMEOUT);
    bench_stop(bench);
}

/* A common structure that ends before the field which the feature adds. */
static void test_structure_without_its_field(struct bench *bench)
{
    static const uint64_t features[] = {VIRTIO_F_RING_RESET, VIRTIO_F_NOTIF_CONFIG_DATA};

    bench_attach(bench);
    bench->front.regions[0].length = 59;
    fake_pci_set(&bench->front.function, bench->front.regions[0].capability + 12u, 4, 59);
    for (unsigned i = 0; i < 2; i++) {
        bench->fake.features = VIRTIO_F_VERSION_1 | features[i];
        bench_begin(bench);
        assert_result(virtio_queue_start(&bench->queues[0], &bench->device, 0, 8),
                      VIRTIO_E_CAPABILITY);
        assert_ok(virtio_device_stop(&bench->device));
        assert_ok(virtio_ring_uninit(&bench->queues[0]));
        assert_ok(virtio_device_end(&bench->device));
    }
}

/* Notifications (2.9) ----------------------------------------------------------------------------- */

/* The fake device checks what they say; mmio has no register that could give the configuration data. */
static void run_notifications(struct bench *bench, uint64_t features)
{
    bench->fake.features |= features;
    bench->fake.behaviour = &fake_echo;
    fake_queue(bench)->notify_off = 5;
    bench_start(bench, 8);
    run_some(bench, 70);
    assert_int_equal(fake_queue(bench)->notifications, 70);
    bench_stop(bench);
}

static void test_notification_data(struct bench *bench)
{
    run_notifications(bench, VIRTIO_F_NOTIFICATION_DATA);
}

static void test_notification_config_data(struct bench *bench)
{
    run_notifications(bench, VIRTIO_F_NOTIF_CONFIG_DATA);
}

static void test_both_notification_data(struct bench *bench)
{
    run_notifications(bench, VIRTIO_F_NOTIFICATION_DATA | VIRTIO_F_NOTIF_CONFIG_DATA);
}

/* Suppression ------------------------------------------------------------------------------------- */

/* A device that is slow to look asks for one notification for all that comes meanwhile. */
static void test_busy_device_is_notified_once(struct bench *bench)
{
    struct virtio_done done;

    bench->fake.behaviour = &fake_echo;
    bench->fake.latency_us = 1000;
    bench_start(bench, 16);
    for (unsigned round = 1; round <= 30; round++) {
        for (uintptr_t i = 0; i < 5; i++)
            bench_request(bench, 4, 4, bench_cookie(i));
        assert_int_equal(fake_queue(bench)->notifications, round);
        fake_host_advance(&bench->host, 2000);
        for (unsigned i = 0; i < 5; i++)
            assert_result(virtio_reap(&bench->queues[0], &done), 1);
    }
    bench_stop(bench);
}

/* Interrupts come when they were asked for, and only then. */
static void test_interrupts_as_asked_for(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    uint64_t before;
    struct virtio_done done;

    bench_start(bench, 16);
    for (unsigned round = 0; round < 40; round++) {
        for (uintptr_t i = 0; i < 4; i++)
            bench_request(bench, 0, 4, bench_cookie(i));
        assert_int_equal(fake_queue_take_all(fake_queue(bench)), 4);
        before = fake_queue(bench)->interrupts;
        if (round % 4 != 3)
            assert_result(virtio_enable_interrupts(queue, (enum virtio_when)(round % 4)), 0);
        for (unsigned i = 0; i < 4; i++)
            fake_chain_complete(fake_queue(bench)->chains, 4);
        if (round % 4 == 3)
            assert_int_equal(fake_queue(bench)->interrupts, before);
        else if (bench->fake.driver_features & VIRTIO_F_EVENT_IDX)
            assert_int_equal(fake_queue(bench)->interrupts, before + 1);
        else
            assert_int_equal(fake_queue(bench)->interrupts, before + 4);
        assert_ok(virtio_disable_interrupts(queue));
        for (unsigned i = 0; i < 4; i++)
            assert_result(virtio_reap(queue, &done), 1);
    }
    bench_stop(bench);
}

/* Lengths ----------------------------------------------------------------------------------------- */

/* A used descriptor that says nothing was written has a length that says nothing (2.8.4). */
static void test_length_of_nothing_written(struct bench *bench)
{
    bench->fake.leaves_lengths = true;
    bench_start(bench, 8);
    for (uintptr_t i = 1; i < 40; i++) {
        bench_request(bench, i % 2 ? 4 : 0, i % 2 ? 0 : 4, bench_cookie(i));
        assert_int_equal(fake_queue_take_all(fake_queue(bench)), 1);
        fake_chain_complete(fake_queue(bench)->chains, 0);
        assert_int_equal(bench_reap(bench, i), 0);
    }
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_reset_of_a_queue, BENCH_MODERN),
    TEST(test_reset_of_a_queue_that_never_ends, BENCH_MODERN | BENCH_SPLIT),
    TEST(test_structure_without_its_field, BENCH_PCI_MODERN | BENCH_SPLIT),
    TEST(test_notification_data, BENCH_MODERN),
    TEST(test_notification_config_data, BENCH_PCI_MODERN | BENCH_WINDOW),
    TEST(test_both_notification_data, BENCH_PCI_MODERN | BENCH_WINDOW),
    TEST(test_busy_device_is_notified_once, BENCH_ALL),
    TEST(test_interrupts_as_asked_for, BENCH_ALL),
    TEST(test_length_of_nothing_written, BENCH_MODERN),
};

BENCH_MAIN_RINGS(tests)
