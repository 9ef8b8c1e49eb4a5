/* SPDX-License-Identifier: MIT */
/*
 * The fake host itself: what it reports of hooks that are used wrongly, and that it moves data only as a
 * real host would. As in test_fake_device.c each rule is broken by hand and must be found.
 */
#include "bench.h"

#include "fake_memory.h"

#include <stdlib.h>
#include <string.h>

/* The end of a test of its own, in a host of its own. @return problems found. */
static unsigned end_of(struct fake_host *fake)
{
    unsigned problems = fake_host_end(fake);

    free(fake);
    return problems;
}

static struct fake_host *new_host(unsigned flags)
{
    struct fake_host *fake = calloc(1, sizeof(*fake));

    if (!fake)
        abort();
    fake_host_begin(fake, flags);
    return fake;
}

static void test_memory_rules(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    uint64_t address;
    void *memory;

    host->free(host->ctx, host->allocate(host->ctx, 0), 0);
    bench_expect_violation(bench, "allocate-size");
    memory = host->allocate(host->ctx, 100);
    host->free(host->ctx, memory, 99);
    bench_expect_violation(bench, "free-pairing");
    host->free(host->ctx, memory, 100);
    memory = host->dma_allocate(host->ctx, 100, 3, UINT64_MAX, 0, &address);
    bench_expect_violation(bench, "dma-allocate-arguments");
    if (memory)
        host->dma_free(host->ctx, memory, 100, address);
    memory = host->dma_allocate(host->ctx, 100, 64, UINT64_MAX, 0, &address);
    host->dma_free(host->ctx, memory, 100, address + 1);
    bench_expect_violation(bench, "dma-free-pairing");
    host->dma_free(host->ctx, host, 100, address);
    bench_expect_violation(bench, "dma-free-pairing");
}

static void test_leaks_are_found(struct bench *bench)
{
    static uint8_t registers[64];
    struct fake_window window = {.address = 0x5000, .size = 64, .memory = registers};
    uint8_t buffer[16] = {0};
    struct virtio_mapping mapping;
    struct fake_host *fake;
    uint64_t address;

    (void)bench;
    fake = new_host(FAKE_HOST_DEFAULT);
    fake->host.allocate(fake, 100);
    assert_int_equal(end_of(fake), 1);
    fake = new_host(FAKE_HOST_DEFAULT);
    fake->host.dma_allocate(fake, 100, 16, UINT64_MAX, 0, &address);
    assert_int_equal(fake_host_live(fake), 1);
    assert_int_equal(end_of(fake), 1);
    fake = new_host(FAKE_HOST_DEFAULT);
    assert_ok(fake->host.map(fake, buffer, 16, VIRTIO_DEVICE_READS, 0, &mapping));
    assert_int_equal(end_of(fake), 1);
    fake = new_host(FAKE_HOST_DEFAULT);
    fake_host_add_window(fake, &window);
    assert_ptr_equal(fake->host.mmio_map(fake, 0x5010, 16), registers + 0x10);
    assert_int_equal(end_of(fake), 1);
    fake = new_host(FAKE_HOST_DEFAULT);
    fake_violation(fake, "some-rule", "1", "text");
    assert_int_equal(end_of(fake), 1);
    assert_int_equal(end_of(new_host(FAKE_HOST_DEFAULT)), 0);
}

/* Device memory that was freed can't be reached any more, and writing to it is seen without a sanitizer. */
static void test_freed_memory_is_quarantined(struct bench *bench)
{
    struct fake_host *fake = new_host(FAKE_HOST_DEFAULT);
    uint64_t address;
    uint8_t *memory = fake->host.dma_allocate(fake, 100, 16, UINT64_MAX, 0, &address);
    uint64_t other;
    void *second;

    (void)bench;
    assert_non_null(fake_host_device_view(fake, address, 100, VIRTIO_DEVICE_WRITES, false));
    fake->host.dma_free(fake, memory, 100, address);
    assert_null(fake_host_device_view(fake, address, 1, VIRTIO_DEVICE_WRITES, false));
    assert_non_null(strstr(fake->violations[0].text, "freed"));
    assert_int_equal(fake_host_take_violation(fake, "dma-address"), 1);
    second = fake->host.dma_allocate(fake, 100, 16, UINT64_MAX, 0, &other);
    assert_true(other != address); /* never again */
    fake->host.dma_free(fake, second, 100, other);
    fake_memory_scribble_freed(fake);
    assert_int_equal(end_of(fake), 1);
}

static void test_map_rules(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    uint8_t buffer[64] = {0};
    struct virtio_mapping mapping;
    struct virtio_mapping changed;

    assert_ok(host->map(host->ctx, buffer, 64, (enum virtio_direction)7, 0, &mapping));
    bench_expect_violation(bench, "map-arguments");
    assert_ok(host->unmap(host->ctx, &mapping));
    assert_result(host->unmap(host->ctx, &mapping), VIRTIO_E_INVALID);
    bench_expect_violation(bench, "unmap-pairing");
    assert_ok(host->map(host->ctx, buffer, 64, VIRTIO_DEVICE_READS, 0, &mapping));
    changed = mapping;
    changed.direction = VIRTIO_DEVICE_WRITES;
    assert_ok(host->unmap(host->ctx, &changed));
    bench_expect_violation(bench, "unmap-changed");
    assert_ok(host->map(host->ctx, buffer, 64, VIRTIO_DEVICE_READS, 0, &mapping));
    buffer[5] = 1;
    assert_ok(host->unmap(host->ctx, &mapping));
    bench_expect_violation(bench, "changed-while-mapped");
}

/* Data moves at map and unmap only, in the mapping's direction only. */
static void test_map_copies(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    uint8_t buffer[4] = {1, 2, 3, 4};
    struct virtio_mapping mapping;
    uint8_t *device;

    assert_ok(host->map(host->ctx, buffer, 4, VIRTIO_DEVICE_READS, 0, &mapping));
    device =
        fake_host_device_view(&bench->host, mapping.device_address, 4, VIRTIO_DEVICE_READS, false);
    assert_ptr_not_equal(device, buffer);
    assert_memory_equal(device, buffer, 4);
    device[0] = 99; /* a device that writes to what it may only read: the buffer stays */
    assert_ok(host->unmap(host->ctx, &mapping));
    assert_int_equal(buffer[0], 1);
    assert_ok(host->map(host->ctx, buffer, 4, VIRTIO_DEVICE_WRITES, 0, &mapping));
    device =
        fake_host_device_view(&bench->host, mapping.device_address, 4, VIRTIO_DEVICE_WRITES, false);
    assert_memory_not_equal(device, buffer, 4);
    memset(device, 7, 4);
    assert_int_equal(buffer[0], 1);
    assert_ok(host->unmap(host->ctx, &mapping));
    assert_int_equal(buffer[3], 7);
}

static void test_sync_moves_what_is_given(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    uint8_t buffer[4] = {1, 2, 3, 4};
    uint8_t *device;

    assert_null(
        fake_host_device_view(&bench->host, (uintptr_t)buffer, 4, VIRTIO_DEVICE_READS, false));
    bench_expect_violation(bench, "dma-address"); /* never given to it */
    host->sync(host->ctx, buffer, 4, VIRTIO_SYNC_FOR_CPU);
    bench_expect_violation(bench, "sync-range");
    host->sync(host->ctx, buffer, 4, VIRTIO_SYNC_FOR_DEVICE);
    device = fake_host_device_view(&bench->host, (uintptr_t)buffer, 4, VIRTIO_DEVICE_READS, false);
    buffer[0] = 9;
    assert_int_equal(device[0], 1);
    device[1] = 8;
    assert_int_equal(buffer[1], 2);
    host->sync(host->ctx, buffer, 4, VIRTIO_SYNC_FOR_CPU);
    assert_int_equal(buffer[0], 1); /* what the CPU wrote since was lost, as in a cache */
    assert_int_equal(buffer[1], 8);
}

static void test_register_rules(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;

    assert_int_equal(host->register_read(host->ctx, VIRTIO_SPACE_MEMORY, 0x1000, 2), 0xffff);
    bench_expect_violation(bench, "access-to-nowhere");
    (void)host->register_read(host->ctx, VIRTIO_SPACE_MEMORY, 0x1001, 2);
    bench_expect_violation(bench, "register-access");
    (void)host->register_read(host->ctx, VIRTIO_SPACE_MEMORY, 0x1000, 8);
    bench_expect_violation(bench, "register-access");
    (void)host->register_read(host->ctx, VIRTIO_SPACE_PCI_WINDOW, 0x1000, 4);
    bench_expect_violation(bench, "register-access");
    (void)host->register_read(host->ctx, VIRTIO_SPACE_IO, 0x10000, 1);
    bench_expect_violation(bench, "register-access");
    host->register_write(host->ctx, VIRTIO_SPACE_IO, 0x100, 1, 0x100);
    bench_expect_violation(bench, "register-value");
    host->stall_us(host->ctx, 0);
    bench_expect_violation(bench, "stall-range");
    host->stall_us(host->ctx, 1001);
    bench_expect_violation(bench, "stall-range");
    host->log(host->ctx, VIRTIO_LOG_INFO, "two\nlines");
    bench_expect_violation(bench, "log-newline");
    assert_null(host->mmio_map(host->ctx, 0x1000, 0));
    bench_expect_violation(bench, "mmio-map-size");
    host->mmio_unmap(host->ctx, bench, 16);
    bench_expect_violation(bench, "mmio-unmap-pairing");
}

static void test_failing_on_demand(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    void *first;

    fake_host_fail_at(&bench->host, 2);
    first = host->allocate(host->ctx, 10);
    assert_non_null(first);
    assert_false(bench->host.failed);
    assert_null(host->allocate(host->ctx, 10));
    assert_true(bench->host.failed);
    host->free(host->ctx, first, 10);
    first = host->allocate(host->ctx, 10);
    assert_non_null(first);
    host->free(host->ctx, first, 10);
}

static void test_events_have_numbers(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    const struct fake_event *event;

    host->stall_us(host->ctx, 5);
    (void)host->now_us(host->ctx);
    event = fake_host_event_at(&bench->host, 1);
    assert_non_null(event);
    assert_int_equal(event->kind, FAKE_STALL);
    assert_int_equal(event->value, 5);
    event = fake_host_event_at(&bench->host, 2);
    assert_int_equal(event->kind, FAKE_NOW);
    assert_null(fake_host_event_at(&bench->host, 3));
    for (unsigned i = 0; i < FAKE_HOST_EVENTS; i++)
        (void)host->now_us(host->ctx);
    assert_null(fake_host_event_at(&bench->host, 1)); /* not kept for ever */
    assert_int_equal(bench->host.counts[FAKE_NOW], FAKE_HOST_EVENTS + 1);
}

static const struct bench_test tests[] = {
    TEST(test_memory_rules, BENCH_ONE),
    TEST(test_leaks_are_found, BENCH_ONE),
    TEST(test_freed_memory_is_quarantined, BENCH_ONE),
    TEST(test_map_rules, BENCH_ONE),
    TEST(test_map_copies, BENCH_ONE),
    TEST(test_sync_moves_what_is_given, BENCH_SYNC),
    TEST(test_register_rules, BENCH_ONE),
    TEST(test_failing_on_demand, BENCH_ONE),
    TEST(test_events_have_numbers, BENCH_ONE),
};

BENCH_MAIN(tests)
