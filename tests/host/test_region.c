/* SPDX-License-Identifier: MIT */
/*
 * Regions and doorbells: bounds, widths, and that a native doorbell is one store of its width.
 */
#include "bench.h"
#include "transport/pci_internal.h"

#include <string.h>

static void test_p16_slices_stay_inside(struct bench *bench)
{
    const struct virtio_region region = {
        .space = VIRTIO_SPACE_MEMORY, .length = 0x100, .address = UINT64_C(0x180000000)};
    struct virtio_region slice;

    (void)bench;
    assert_ok(virtio_region_slice(&region, 0, 0x100, &slice));
    assert_ok(virtio_region_slice(&region, 0xfe, 2, &slice));
    assert_true(slice.address == UINT64_C(0x1800000fe));
    assert_int_equal(slice.length, 2);
    assert_null(slice.pointer);
    assert_ok(virtio_region_slice(&region, 0x100, 0, &slice));
    assert_result(virtio_region_slice(&region, 0xff, 2, &slice), VIRTIO_E_CAPABILITY);
    assert_result(virtio_region_slice(&region, 0x101, 0, &slice), VIRTIO_E_CAPABILITY);
    assert_result(virtio_region_slice(&region, UINT64_MAX, 2, &slice), VIRTIO_E_CAPABILITY);
    assert_result(virtio_region_slice(&region, UINT64_C(0x100000000), 2, &slice),
                  VIRTIO_E_CAPABILITY);
    assert_result(virtio_region_slice(&region, 2, UINT32_MAX, &slice), VIRTIO_E_CAPABILITY);
}

/* Memory that the region is in, with a guard on each side. */
struct memory {
    _Alignas(8) uint8_t bytes[24];
    struct virtio_region region; /* the eight bytes in the middle */
};

static void memory_begin(struct memory *memory)
{
    memset(memory->bytes, 0xa5, sizeof(memory->bytes));
    memory->region = (struct virtio_region){
        .space = VIRTIO_SPACE_MEMORY, .length = 8, .address = 0x1000, .pointer = memory->bytes + 8};
}

/* The middle is this, and the guards are what they were. */
static void assert_memory(const struct memory *memory, const char *expected)
{
    static const uint8_t guard[8] = {0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5};

    assert_memory_equal(memory->bytes, guard, 8);
    assert_memory_equal(memory->bytes + 8, expected, 8);
    assert_memory_equal(memory->bytes + 16, guard, 8);
}

static void test_p23_native_access_has_its_width_and_order(struct bench *bench)
{
    struct memory memory;

    bench->device.host = &bench->host.host;
    memory_begin(&memory);
    virtio_region_write(&bench->device, &memory.region, 0, 4, 0x04030201);
    virtio_region_write(&bench->device, &memory.region, 4, 2, 0x0605);
    virtio_region_write(&bench->device, &memory.region, 7, 1, 0x07);
    assert_memory(&memory, "\1\2\3\4\5\6\xa5\7");
    assert_int_equal(virtio_region_read(&bench->device, &memory.region, 0, 4), 0x04030201);
    assert_int_equal(virtio_region_read(&bench->device, &memory.region, 2, 2), 0x0403);
    assert_int_equal(virtio_region_read(&bench->device, &memory.region, 7, 1), 0x07);
}

static void test_p22_a_native_doorbell_is_one_store(struct bench *bench)
{
    struct virtio_doorbell doorbell;
    struct memory memory;

    bench->device.host = &bench->host.host;
    memory_begin(&memory);
    assert_ok(virtio_doorbell_make(&bench->device, &memory.region, 6, 2, &doorbell));
    doorbell.ring(&doorbell, 0x1234);
    assert_memory(&memory, "\xa5\xa5\xa5\xa5\xa5\xa5\x34\x12");
    memory_begin(&memory);
    assert_ok(virtio_doorbell_make(&bench->device, &memory.region, 4, 4, &doorbell));
    doorbell.ring(&doorbell, 0x12345678);
    assert_memory(&memory, "\xa5\xa5\xa5\xa5\x78\x56\x34\x12");
}

static void test_p22_doorbells_are_aligned_and_inside(struct bench *bench)
{
    struct virtio_doorbell doorbell;
    struct memory memory;

    bench->device.host = &bench->host.host;
    memory_begin(&memory);
    assert_result(virtio_doorbell_make(&bench->device, &memory.region, 7, 2, &doorbell),
                  VIRTIO_E_CAPABILITY);
    assert_result(virtio_doorbell_make(&bench->device, &memory.region, 8, 2, &doorbell),
                  VIRTIO_E_CAPABILITY);
    assert_result(virtio_doorbell_make(&bench->device, &memory.region, 1, 2, &doorbell),
                  VIRTIO_E_CAPABILITY);
    assert_result(virtio_doorbell_make(&bench->device, &memory.region, 2, 4, &doorbell),
                  VIRTIO_E_CAPABILITY);
    assert_result(
        virtio_doorbell_make(&bench->device, &memory.region, UINT64_MAX - 1, 2, &doorbell),
        VIRTIO_E_CAPABILITY);
    assert_memory(&memory, "\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5");
}

/* What the hooks were asked for. */
struct asked {
    enum virtio_space space;
    uint64_t address;
    unsigned width;
    uint32_t value;
    unsigned count;
};

static void ask(void *ctx, enum virtio_space space, uint64_t address, unsigned width,
                uint32_t value)
{
    struct asked *asked = ctx;

    *asked = (struct asked){space, address, width, value, asked->count + 1};
}

static uint32_t answer(void *ctx, enum virtio_space space, uint64_t address, unsigned width)
{
    ask(ctx, space, address, width, 0);
    return 0x5a;
}

static void test_hooks_are_used_for_every_access(struct bench *bench)
{
    struct asked asked = {.count = 0};
    const struct virtio_host host = {.ctx = &asked, .register_read = answer, .register_write = ask};
    const struct virtio_region memory = {
        .space = VIRTIO_SPACE_MEMORY, .length = 16, .address = UINT64_C(0xf00000000)};
    const struct virtio_region ports = {.space = VIRTIO_SPACE_IO, .length = 16, .address = 0xc000};
    struct virtio_doorbell doorbell;

    bench->device.host = &host;
    assert_int_equal(virtio_region_read(&bench->device, &memory, 9, 1), 0x5a);
    assert_int_equal(asked.space, VIRTIO_SPACE_MEMORY);
    assert_true(asked.address == UINT64_C(0xf00000009));
    assert_int_equal(asked.width, 1);
    virtio_region_write(&bench->device, &ports, 4, 4, 7);
    assert_int_equal(asked.space, VIRTIO_SPACE_IO);
    assert_true(asked.address == 0xc004);
    assert_int_equal(asked.value, 7);
    assert_ok(virtio_doorbell_make(&bench->device, &ports, 10, 2, &doorbell));
    doorbell.ring(&doorbell, 3);
    assert_true(asked.address == 0xc00a);
    assert_int_equal(asked.width, 2);
    assert_int_equal(asked.value, 3);
    assert_int_equal(asked.count, 3);
}

static const struct bench_test tests[] = {
    TEST(test_p16_slices_stay_inside, BENCH_ONE),
    TEST(test_p23_native_access_has_its_width_and_order, BENCH_WINDOW),
    TEST(test_p22_a_native_doorbell_is_one_store, BENCH_WINDOW),
    TEST(test_p22_doorbells_are_aligned_and_inside, BENCH_WINDOW),
    TEST(test_hooks_are_used_for_every_access, BENCH_ONE),
};

BENCH_MAIN(tests)
