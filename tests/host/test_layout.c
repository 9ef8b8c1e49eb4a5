/* SPDX-License-Identifier: MIT */
/*
 * Where the parts of a queue are: against the numbers of the specification (2.7, 2.7.2), for every size
 * that it allows, in memory and as the device is told.
 */
#include "bench.h"

#include <queue/split.h>

/* The formulas of 2.7.2, with Queue Align 4096, as the specification writes them. */
static uint64_t align(uint64_t x)
{
    return (x + 4095) & ~UINT64_C(4095);
}

static uint64_t legacy_size(uint64_t size)
{
    return align(16 * size + 2 * (3 + size)) + align(2 * 3 + 8 * size);
}

/* Some of them worked out by hand, so that the formulas above are checked, too. */
static void test_p43_legacy_numbers_by_hand(struct bench *bench)
{
    static const struct {
        uint16_t size;
        size_t available, used, total;
    } rows[] = {
        {1, 16, 4096, 8192},      {2, 32, 4096, 8192},         {128, 2048, 4096, 8192},
        {256, 4096, 8192, 12288}, {1024, 16384, 20480, 32768}, {32768, 524288, 593920, 860160},
    };
    struct virtio_split_layout layout;

    (void)bench;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        virtio_split_layout(rows[i].size, true, &layout);
        assert_int_equal(layout.available, rows[i].available);
        assert_int_equal(layout.used, rows[i].used);
        assert_int_equal(layout.size, rows[i].total);
        assert_int_equal(layout.alignment, 4096);
    }
}

static void test_p43_legacy_layout_of_every_size(struct bench *bench)
{
    (void)bench;
    for (uint32_t size = 1; size <= 32768; size *= 2) {
        struct virtio_split_layout layout;

        virtio_split_layout((uint16_t)size, true, &layout);
        assert_int_equal(layout.available, 16 * size);
        assert_int_equal(layout.used, align(16 * size + 2 * (3 + size)));
        assert_int_equal(layout.size, legacy_size(size));
        assert_int_equal(layout.alignment, 4096);
    }
}

static void test_modern_layout_of_every_size(struct bench *bench)
{
    (void)bench;
    for (uint32_t size = 1; size <= 32768; size *= 2) {
        struct virtio_split_layout layout;

        virtio_split_layout((uint16_t)size, false, &layout);
        /* The table of 2.7: descriptors 16 * size, aligned to 16; available ring 6 + 2 * size,
         * aligned to 2; used ring 6 + 8 * size, aligned to 4. */
        assert_true(layout.alignment >= 16 && layout.alignment % 16 == 0);
        assert_true(layout.available >= 16 * size);
        assert_int_equal(layout.available % 2, 0);
        assert_true(layout.used >= layout.available + 6 + 2 * size);
        assert_int_equal(layout.used % 4, 0);
        assert_true(layout.size >= layout.used + 6 + 8 * size);
        assert_true(layout.size <= 16 * size + 6 + 2 * size + 6 + 8 * size + 2 * layout.alignment);
    }
}

static uint64_t largest_dma_allocation(const struct bench *bench)
{
    uint64_t largest = 0;

    for (uint64_t sequence = 1; sequence <= bench->host.sequence; sequence++) {
        const struct fake_event *event = fake_host_event_at(&bench->host, sequence);

        if (event && event->kind == FAKE_DMA_ALLOCATE && event->value > largest)
            largest = event->value;
    }
    return largest;
}

/* The device is told of each size just that; the fake device checks alignment, zeroes and ownership. */
static void test_device_is_told_the_layout(struct bench *bench)
{
    bench->fake.queues[0].maximum = 32768;
    for (uint32_t size = 1; size <= 32768; size *= 2) {
        const struct fake_queue *queue = &bench->fake.queues[0];
        uint64_t base_shift = 0;
        uint64_t start;

        if (bench->profile == BENCH_PCI_LEGACY)
            bench->fake.queues[0].maximum = (uint16_t)size;
        bench_begin(bench);
        assert_ok(virtio_ring_init(&bench->queues[0], &bench->device, 0, (uint16_t)size));
        assert_ok(virtio_ring_map(&bench->queues[0], &base_shift));
        start = bench->queues[0].shared.device_address;
        assert_true(queue->enabled);
        assert_int_equal(queue->size, size);
        assert_int_equal(queue->address[FAKE_DESCRIPTORS], start);
        assert_int_equal(base_shift, start - (uintptr_t)bench->queues[0].shared.memory);
        assert_true(queue->address[FAKE_DRIVER] >= start + 16 * size);
        assert_true(queue->address[FAKE_DEVICE] >= queue->address[FAKE_DRIVER] + 6 + 2 * size);
        assert_true(start + bench->queues[0].shared.size >=
                    queue->address[FAKE_DEVICE] + 6 + 8 * size);
        if (bench->legacy) {
            assert_int_equal(start % 4096, 0);
            assert_int_equal(bench->queues[0].shared.size, legacy_size(size));
        }
        bench_stop(bench);
    }
    if (bench->legacy)
        assert_int_equal(largest_dma_allocation(bench), 860160);
}

/* P44: device addresses are above 4 GiB here, on 32-bit hosts, too, and arrive whole. */
static void test_p44_addresses_above_4_gib_arrive_whole(struct bench *bench)
{
    bench_start(bench, 16);
    assert_true(bench->fake.queues[0].address[FAKE_DESCRIPTORS] > UINT32_MAX);
    assert_int_equal(bench->fake.queues[0].address[FAKE_DESCRIPTORS],
                     bench->queues[0].shared.device_address);
    bench_stop(bench);
}

/* The available ring starts with interrupts off and everything else zero (2.7.7); the fake device
 * checks the zeroes, the poison of the fake host sees to it that they had to be written. */
static void test_p45_ring_is_zeroed_and_interrupts_are_off(struct bench *bench)
{
    bench_start(bench, 16);
    assert_int_equal(fake_queue_available_flags(&bench->fake.queues[0]), 1);
    assert_int_equal(fake_queue_available_index(&bench->fake.queues[0]), 0);
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_p43_legacy_numbers_by_hand, BENCH_ONE),
    TEST(test_p43_legacy_layout_of_every_size, BENCH_ONE),
    TEST(test_modern_layout_of_every_size, BENCH_ONE),
    TEST(test_device_is_told_the_layout, BENCH_ALL),
    TEST(test_p44_addresses_above_4_gib_arrive_whole, BENCH_ALL),
    TEST(test_p45_ring_is_zeroed_and_interrupts_are_off, BENCH_ALL),
};

BENCH_MAIN(tests)
