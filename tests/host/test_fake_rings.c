/* SPDX-License-Identifier: MIT */
/*
 * The strict device's rings: tables, packed rings, event indices, completion in order, notification data, the
 * reset of a queue. As in test_fake_device.c each rule is broken by hand and must be found.
 */
#include "by_hand.h"

#include <string.h>

#define NEXT     1u
#define WRITE    2u
#define INDIRECT 4u
#define TABLE    16u /* descriptors from here on are in the table at TABLE_AT */

static struct fake_queue *device_queue(struct bench *bench)
{
    return &bench->fake.queues[0];
}

static void start(struct bench *bench, struct ring *ring, uint64_t features)
{
    bench->fake.behaviour = &fake_echo;
    go_live_with(bench, ring, features);
}

/* Tables ------------------------------------------------------------------------------------------ */

static void test_split_table_rules(struct bench *bench)
{
    struct ring ring;
    uint64_t table;
    uint64_t buffer;

    start(bench, &ring, VIRTIO_F_INDIRECT_DESC);
    table = ring.address + TABLE_AT;
    buffer = ring.address + BUFFER_AT;
    describe(&ring, TABLE, buffer, 8, NEXT, 1);
    describe(&ring, TABLE + 1, buffer + 8, 8, WRITE, 0);
    describe(&ring, 0, table, 32, INDIRECT, 0);
    offer(bench, &ring, 0); /* as it should be */
    assert_int_equal(device_queue(bench)->completed, 1);
    describe(&ring, 0, table, 32, INDIRECT | NEXT, 1);
    describe(&ring, 1, buffer, 8, WRITE, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "indirect-with-next");
    describe(&ring, 0, table, 31, INDIRECT, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "indirect-length");
    describe(&ring, 0, table, 0, INDIRECT, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "indirect-length");
    describe(&ring, 0, table, 16 * 9, INDIRECT, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "chain-longer-than-queue");
    describe(&ring, 0, table, 32, INDIRECT, 0);
    describe(&ring, TABLE + 1, buffer, 8, INDIRECT, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "indirect-nested");
    describe(&ring, TABLE + 1, buffer, 8, 8, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "indirect-flags");
    describe(&ring, TABLE + 1, buffer, 8, NEXT, 2); /* out of the table */
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "indirect-link");
    describe(&ring, TABLE + 1, buffer, 8, NEXT, 0); /* a loop */
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "indirect-link");
    ring_free(bench, &ring);
}

/* A chain of descriptors that ends with a table is allowed (2.7.5.3.2), but not longer than the queue. */
static void test_split_chain_and_table_together(struct bench *bench)
{
    struct ring ring;

    start(bench, &ring, VIRTIO_F_INDIRECT_DESC);
    for (uint16_t i = 0; i < 8; i++)
        describe(&ring, TABLE + i, ring.address + BUFFER_AT, 8, i < 7 ? NEXT : 0,
                 (uint16_t)(i + 1));
    describe(&ring, 1, ring.address + TABLE_AT, 8 * 16, INDIRECT, 0);
    describe(&ring, 0, ring.address + BUFFER_AT, 8, NEXT, 1);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "chain-longer-than-queue");
    describe(&ring, TABLE + 6, ring.address + BUFFER_AT, 8, 0, 0);
    offer(bench, &ring, 0);
    assert_int_equal(device_queue(bench)->completed, 2);
    ring_free(bench, &ring);
}

static void test_table_in_flight_must_not_change(struct bench *bench)
{
    struct ring ring;

    go_live_with(bench, &ring, VIRTIO_F_INDIRECT_DESC);
    describe(&ring, TABLE, ring.address + BUFFER_AT, 8, WRITE, 0);
    describe(&ring, 0, ring.address + TABLE_AT, 16, INDIRECT, 0);
    offer(bench, &ring, 0);
    assert_int_equal(fake_queue_take_all(device_queue(bench)), 1);
    describe(&ring, TABLE, ring.address + BUFFER_AT, 9, WRITE, 0);
    fake_chain_complete(device_queue(bench)->chains, 0);
    bench_expect_violation(bench, "indirect-changed");
    ring_free(bench, &ring);
}

/* A table and what it points to are the device's, from when it was shown until it is given back. */
static void test_memory_of_a_table_must_stay(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    uint8_t buffer[64] = {0};
    struct virtio_mapping mapping;
    struct ring ring;

    go_live_with(bench, &ring, VIRTIO_F_INDIRECT_DESC);
    for (unsigned taken = 0; taken < 2; taken++) {
        assert_ok(host->map(host->ctx, buffer, 64, VIRTIO_DEVICE_READS, 0, &mapping));
        describe(&ring, TABLE, mapping.device_address, 64, 0, 0);
        describe(&ring, 0, ring.address + TABLE_AT, 16, INDIRECT, 0);
        offer(bench, &ring, 0);
        if (taken)
            fake_queue_take_all(device_queue(bench));
        assert_ok(host->unmap(host->ctx, &mapping));
        bench_expect_violation(bench, "unmapped-while-device-owns-it");
        if (!taken) {
            fake_queue_take_all(device_queue(bench));
            bench_expect_violation(bench, "dma-address");
        }
        fake_chain_complete(device_queue(bench)->chains, 0);
    }
    ring_free(bench, &ring);
}

/* In order ---------------------------------------------------------------------------------------- */

static void test_in_order_rules(struct bench *bench)
{
    struct ring ring;

    start(bench, &ring, VIRTIO_F_IN_ORDER | VIRTIO_F_INDIRECT_DESC);
    describe(&ring, 0, ring.address + BUFFER_AT, 8, WRITE, 0);
    offer(bench, &ring, 0); /* as it should be */
    describe(&ring, 3, ring.address + BUFFER_AT, 8, WRITE, 0);
    offer(bench, &ring, 3);
    bench_expect_violation(bench, "in-order-descriptors");
    describe(&ring, 4, ring.address + BUFFER_AT, 8, NEXT, 6);
    describe(&ring, 6, ring.address + BUFFER_AT, 8, WRITE, 0);
    offer(bench, &ring, 4);
    bench_expect_violation(bench, "in-order-descriptors");
    describe(&ring, TABLE, ring.address + BUFFER_AT, 8, NEXT, 2);
    describe(&ring, TABLE + 2, ring.address + BUFFER_AT, 8, WRITE, 0);
    describe(&ring, 7, ring.address + TABLE_AT, 48, INDIRECT, 0);
    offer(bench, &ring, 7);
    bench_expect_violation(bench, "indirect-not-sequential");
    ring_free(bench, &ring);
}

static uint16_t used_index(const struct ring *ring)
{
    return (uint16_t)(ring->memory[USED_AT + 2] | ring->memory[USED_AT + 3] << 8);
}

/* What is completed early is given back late, and then in one entry as far as it was written in full. */
static void test_in_order_device_gives_back_in_order(struct bench *bench)
{
    struct fake_queue *queue = device_queue(bench);
    struct ring ring;

    go_live_with(bench, &ring, VIRTIO_F_IN_ORDER);
    for (uint16_t i = 0; i < 5; i++) {
        describe(&ring, i, ring.address + BUFFER_AT, 8, WRITE, 0);
        offer(bench, &ring, i);
    }
    assert_int_equal(fake_queue_take_all(queue), 5);
    fake_queue_hold_batch(queue, true);
    fake_chain_complete(fake_queue_chain(queue, 3), 8);
    fake_chain_complete(fake_queue_chain(queue, 1), 7);
    fake_chain_complete(fake_queue_chain(queue, 1), 8);
    assert_int_equal(used_index(&ring), 0);
    fake_chain_complete(fake_queue_chain(queue, 0), 8);
    assert_int_equal(used_index(&ring), 0);
    fake_queue_hold_batch(queue, false);
    assert_int_equal(used_index(&ring), 4);
    assert_int_equal(ring.memory[USED_AT + 4], 1); /* 0 and 1, of which 1 was not written in full */
    assert_int_equal(ring.memory[USED_AT + 8], 7);
    assert_int_equal(ring.memory[USED_AT + 4 + 2 * 8], 3); /* 2 and 3 */
    fake_chain_complete(fake_queue_chain(queue, 0), 8);
    assert_int_equal(used_index(&ring), 5);
    ring_free(bench, &ring);
}

/* Packed ------------------------------------------------------------------------------------------ */

static void test_good_packed_chain_breaks_no_rule(struct bench *bench)
{
    struct ring ring;

    start(bench, &ring, VIRTIO_F_RING_PACKED | VIRTIO_F_INDIRECT_DESC);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t at = ring.index % RING_SIZE;
        bool wrap = ring.index / RING_SIZE % 2 == 0;

        describe_packed(&ring, ring.address + BUFFER_AT, 16, 0, NEXT);
        describe_packed(&ring, ring.address + BUFFER_AT + 64, 16, 0, NEXT | WRITE);
        describe_packed(&ring, ring.address + BUFFER_AT + 64, 1, 77, WRITE);
        ring_bell(bench);
        assert_int_equal(device_queue(bench)->completed, 2 * i + 1);
        assert_int_equal(ring.memory[16 * at + 8], 17);
        assert_int_equal(ring.memory[16 * at + 12], 77);
        assert_int_equal(ring.memory[16 * at + 14], wrap ? 0x82 : 0x02);
        assert_int_equal(ring.memory[16 * at + 15], wrap ? 0x80 : 0x00);
        memset(ring.memory + TABLE_AT, 0, 32);
        describe(&ring, TABLE, ring.address + BUFFER_AT, 16, 0, 0);
        memcpy(ring.memory + TABLE_AT + 16, ring.memory + TABLE_AT, 16);
        ring.memory[TABLE_AT + 16 + 14] = WRITE;
        describe_packed(&ring, ring.address + TABLE_AT, 32, 5, INDIRECT);
        ring_bell(bench);
        assert_int_equal(device_queue(bench)->completed, 2 * i + 2);
    }
    ring_free(bench, &ring);
}

static void test_packed_descriptor_rules(struct bench *bench)
{
    struct ring ring;
    uint64_t buffer;

    start(bench, &ring, VIRTIO_F_RING_PACKED);
    buffer = ring.address + BUFFER_AT;
    describe_packed(&ring, buffer, 0, 0, 0);
    ring_bell(bench);
    bench_expect_violation(bench, "zero-length");
    describe_packed(&ring, buffer, 8, 0, INDIRECT); /* not negotiated */
    ring_bell(bench);
    bench_expect_violation(bench, "descriptor-flags");
    describe_packed(&ring, buffer, 8, 0, 8);
    ring_bell(bench);
    bench_expect_violation(bench, "descriptor-flags");
    describe_packed(&ring, buffer, 8, 0, NEXT | WRITE);
    describe_packed(&ring, buffer, 8, 0, 0);
    ring_bell(bench);
    bench_expect_violation(bench, "readable-after-writable");
    describe_packed(&ring, buffer, 8, 0, NEXT); /* and the next one is not there */
    ring_bell(bench);
    bench_expect_violation(bench, "chain-shown-in-part");
    ring_free(bench, &ring);
}

static void test_packed_table_rules(struct bench *bench)
{
    struct ring ring;
    uint64_t table;

    start(bench, &ring, VIRTIO_F_RING_PACKED | VIRTIO_F_INDIRECT_DESC);
    table = ring.address + TABLE_AT;
    describe(&ring, TABLE, ring.address + BUFFER_AT, 8, 0, 0);
    describe_packed(&ring, table, 16, 0, INDIRECT | WRITE);
    ring_bell(bench);
    bench_expect_violation(bench, "descriptor-flags");
    describe_packed(&ring, table, 16, 0, INDIRECT | NEXT);
    describe_packed(&ring, ring.address + BUFFER_AT, 8, 0, 0);
    ring_bell(bench);
    bench_expect_violation(bench, "indirect-with-next");
    describe_packed(&ring, ring.address + BUFFER_AT, 8, 0, NEXT);
    describe_packed(&ring, table, 16, 0, INDIRECT);
    ring_bell(bench);
    bench_expect_violation(bench, "indirect-with-next");
    describe_packed(&ring, table, 24, 0, INDIRECT);
    ring_bell(bench);
    bench_expect_violation(bench, "indirect-length");
    ring.memory[TABLE_AT + 14] = INDIRECT;
    describe_packed(&ring, table, 16, 0, INDIRECT);
    ring_bell(bench);
    bench_expect_violation(bench, "indirect-nested");
    ring.memory[TABLE_AT + 14] = NEXT;
    describe_packed(&ring, table, 16, 0, INDIRECT);
    ring_bell(bench);
    bench_expect_violation(bench, "indirect-flags");
    ring_free(bench, &ring);
}

static void test_packed_ids_must_differ(struct bench *bench)
{
    struct fake_queue *queue = device_queue(bench);
    struct ring ring;

    go_live_with(bench, &ring, VIRTIO_F_RING_PACKED);
    describe_packed(&ring, ring.address + BUFFER_AT, 8, 3, WRITE);
    describe_packed(&ring, ring.address + BUFFER_AT, 8, 4, WRITE);
    assert_int_equal(fake_queue_take_all(queue), 2);
    fake_chain_complete(fake_queue_chain(queue, 1),
                        0); /* written over the first one's descriptor */
    describe_packed(&ring, ring.address + BUFFER_AT, 8, 4, WRITE);
    assert_int_equal(fake_queue_take_all(queue), 1);
    describe_packed(&ring, ring.address + BUFFER_AT, 8, 3, WRITE);
    assert_int_equal(fake_queue_take_all(queue), 1);
    bench_expect_violation(bench, "buffer-id-in-use");
    ring_free(bench, &ring);
}

static void test_packed_ring_must_not_overrun(struct bench *bench)
{
    struct ring ring;

    go_live_with(bench, &ring, VIRTIO_F_RING_PACKED);
    for (uint16_t i = 0; i < RING_SIZE + 1; i++) {
        describe_packed(&ring, ring.address + BUFFER_AT, 8, i, WRITE);
        ring_bell(bench);
        assert_int_equal(fake_queue_take_all(device_queue(bench)), i < RING_SIZE);
    }
    bench_expect_violation(bench, "ring-overrun");
    ring_free(bench, &ring);
}

/* Marked as used, by the driver. */
static void test_packed_marks_must_fit_the_wrap_counter(struct bench *bench)
{
    struct ring ring;

    start(bench, &ring, VIRTIO_F_RING_PACKED);
    describe_packed(&ring, ring.address + BUFFER_AT, 8, 0, 0x8000);
    ring_bell(bench);
    bench_expect_violation(bench, "descriptor-marks");
    ring_free(bench, &ring);
}

static void test_packed_descriptors_in_flight_must_not_change(struct bench *bench)
{
    struct fake_queue *queue = device_queue(bench);
    struct ring ring;

    go_live_with(bench, &ring, VIRTIO_F_RING_PACKED);
    describe_packed(&ring, ring.address + BUFFER_AT, 8, 0, WRITE);
    describe_packed(&ring, ring.address + BUFFER_AT, 8, 1, WRITE);
    assert_int_equal(fake_queue_take_all(queue), 2);
    ring.memory[16 + 8] = 9;
    fake_chain_complete(fake_queue_chain(queue, 1), 0);
    bench_expect_violation(bench, "descriptor-changed");
    fake_chain_complete(fake_queue_chain(queue, 0), 0); /* the device itself wrote over it */
    ring_free(bench, &ring);
}

/* The driver asks for an interrupt, and shows a buffer. */
static void wish(struct bench *bench, struct ring *ring, uint16_t place, uint16_t flags)
{
    fake_put_number(ring->memory + AVAILABLE_AT, 2, false, place);
    fake_put_number(ring->memory + AVAILABLE_AT + 2, 2, false, flags);
    describe_packed(ring, ring->address + BUFFER_AT, 8, 0, WRITE);
    ring_bell(bench);
}

static void test_packed_event_rules(struct bench *bench)
{
    struct ring ring;

    start(bench, &ring, VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX);
    wish(bench, &ring, 0x8000 | 1, 2); /* as it should be */
    wish(bench, &ring, 0, 3);
    bench_expect_violation(bench, "event-flags");
    wish(bench, &ring, 0, 4);
    bench_expect_violation(bench, "event-flags");
    wish(bench, &ring, RING_SIZE, 2);
    bench_expect_violation(bench, "event-offset");
    wish(bench, &ring, 0x8000 | RING_SIZE, 2);
    bench_expect_violation(bench, "event-offset");
    ring.memory[USED_AT + 2] = 1;
    wish(bench, &ring, 0, 0);
    bench_expect_violation(bench, "driver-wrote-device-event");
    ring_free(bench, &ring);
}

static void test_packed_events_need_their_feature(struct bench *bench)
{
    struct ring ring;

    start(bench, &ring, VIRTIO_F_RING_PACKED);
    ring.memory[AVAILABLE_AT + 2] = 2;
    describe_packed(&ring, ring.address + BUFFER_AT, 8, 0, WRITE);
    ring_bell(bench);
    bench_expect_violation(bench, "event-flags");
    ring_free(bench, &ring);
}

static void test_packed_ring_must_be_zeroed(struct bench *bench)
{
    struct ring ring;

    bench->fake.features |= VIRTIO_F_RING_PACKED;
    bench_attach(bench);
    for (unsigned i = 0; i < 2; i++) {
        negotiate_with(bench, VIRTIO_F_RING_PACKED);
        ring_allocate(bench, &ring);
        ring.memory[i == 0 ? 127 : USED_AT + 2] = 1;
        poke(bench, 0x30, 0);
        poke(bench, 0x38, RING_SIZE);
        ring_addresses(bench, &ring);
        poke(bench, 0x44, 1);
        bench_expect_violation(bench, "ring-not-zeroed");
        ring_free(bench, &ring);
    }
}

/* Notifications ----------------------------------------------------------------------------------- */

/* With an event index a notification is for the entry that the device waits for, and for no other. */
static void test_event_index_rules(struct bench *bench)
{
    for (unsigned packed = 0; packed < 2; packed++) {
        struct fake_queue *queue = device_queue(bench);
        struct ring ring;

        go_live_with(bench, &ring, (packed ? VIRTIO_F_RING_PACKED : 0) | VIRTIO_F_EVENT_IDX);
        for (uint16_t i = 0; i < 3; i++) {
            if (packed) {
                describe_packed(&ring, ring.address + BUFFER_AT, 8, i, WRITE);
                ring_bell(bench);
            } else {
                describe(&ring, i, ring.address + BUFFER_AT, 8, WRITE, 0);
                offer(bench, &ring, i);
            }
            if (i == 0)
                assert_int_equal(fake_queue_take_all(queue), 1);
        }
        bench_expect_violation(bench, "notified-though-suppressed"); /* the third */
        assert_int_equal(fake_queue_take_all(queue), 2);
        ring_bell(bench); /* with nothing new */
        bench_expect_violation(bench, "notified-though-suppressed");
        assert_int_equal(fake_queue_take_all(queue), 0);
        ring_free(bench, &ring);
        bench->fake.features = VIRTIO_F_VERSION_1;
    }
}

/* While its work is due, the device wants to hear of nothing more. */
static void test_busy_device_wants_no_notification(struct bench *bench)
{
    struct ring ring;

    bench->fake.latency_us = 10;
    start(bench, &ring, 0);
    describe(&ring, 0, ring.address + BUFFER_AT, 8, WRITE, 0);
    describe(&ring, 1, ring.address + BUFFER_AT, 8, WRITE, 0);
    offer(bench, &ring, 0);
    assert_int_equal(ring.memory[USED_AT], 1);
    offer(bench, &ring, 1);
    bench_expect_violation(bench, "notified-though-suppressed");
    fake_host_advance(&bench->host, 20);
    assert_int_equal(ring.memory[USED_AT], 0);
    assert_int_equal(device_queue(bench)->completed, 2);
    ring_free(bench, &ring);
}

static void test_notification_data_rules(struct bench *bench)
{
    for (unsigned packed = 0; packed < 2; packed++) {
        struct ring ring;

        start(bench, &ring, (packed ? VIRTIO_F_RING_PACKED : 0) | VIRTIO_F_NOTIFICATION_DATA);
        poke(bench, 0x50, packed ? 0x80000000 : 0); /* the next entry is the first */
        poke(bench, 0x50, 0x20000);
        bench_expect_violation(bench, "notification-data");
        poke(bench, 0x50, 0x80000001);
        bench_expect_violation(bench, "notify-unknown-queue");
        ring_free(bench, &ring);
        bench->fake.features = VIRTIO_F_VERSION_1;
    }
}

/* Queue reset ------------------------------------------------------------------------------------- */

static void test_queue_reset_rules(struct bench *bench)
{
    struct ring ring;

    bench->fake.queues[0].reset_polls = 1;
    start(bench, &ring, VIRTIO_F_RING_RESET);
    poke(bench, 0xc0, 2);
    bench_expect_violation(bench, "queue-reset-value");
    poke(bench, 0x38, RING_SIZE);
    bench_expect_violation(bench, "queue-reset-not-waited-for");
    assert_int_equal(peek(bench, 0xc0), 1);
    assert_int_equal(peek(bench, 0xc0), 0);
    poke(bench, 0x38, RING_SIZE);
    poke(bench, 0xc0, 1);
    bench_expect_violation(bench, "queue-reset-disabled");
    while (peek(bench, 0xc0) != 0)
        ;
    poke(bench, 0x38, RING_SIZE);
    ring_addresses(bench, &ring);
    poke(bench, 0x44, 1); /* after DRIVER_OK, for it was reset */
    describe(&ring, 0, ring.address + BUFFER_AT, 8, WRITE, 0);
    offer(bench, &ring, 0);
    assert_int_equal(device_queue(bench)->completed, 1);
    ring_free(bench, &ring);
    negotiate(bench);
    poke(bench, 0x30, 0);
    poke(bench, 0xc0, 1);
    bench_expect_violation(bench, "register-undefined"); /* not negotiated */
}

static const struct bench_test tests[] = {
    TEST(test_split_table_rules, BENCH_MMIO_2),
    TEST(test_split_chain_and_table_together, BENCH_MMIO_2),
    TEST(test_table_in_flight_must_not_change, BENCH_MMIO_2),
    TEST(test_memory_of_a_table_must_stay, BENCH_MMIO_2),
    TEST(test_in_order_rules, BENCH_MMIO_2),
    TEST(test_in_order_device_gives_back_in_order, BENCH_MMIO_2),
    TEST(test_good_packed_chain_breaks_no_rule, BENCH_MMIO_2),
    TEST(test_packed_descriptor_rules, BENCH_MMIO_2),
    TEST(test_packed_table_rules, BENCH_MMIO_2),
    TEST(test_packed_ids_must_differ, BENCH_MMIO_2),
    TEST(test_packed_ring_must_not_overrun, BENCH_MMIO_2),
    TEST(test_packed_marks_must_fit_the_wrap_counter, BENCH_MMIO_2),
    TEST(test_packed_descriptors_in_flight_must_not_change, BENCH_MMIO_2),
    TEST(test_packed_event_rules, BENCH_MMIO_2),
    TEST(test_packed_events_need_their_feature, BENCH_MMIO_2),
    TEST(test_packed_ring_must_be_zeroed, BENCH_MMIO_2),
    TEST(test_event_index_rules, BENCH_MMIO_2),
    TEST(test_busy_device_wants_no_notification, BENCH_MMIO_2),
    TEST(test_notification_data_rules, BENCH_MMIO_2),
    TEST(test_queue_reset_rules, BENCH_MMIO_2),
};

BENCH_MAIN(tests)
