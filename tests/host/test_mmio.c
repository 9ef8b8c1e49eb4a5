/* SPDX-License-Identifier: MIT */
/*
 * virtio-mmio: the look at a register block and the opening of it (spec 4.2).
 */
#include "bench.h"
#include "transport/transport_internal.h"

#include <string.h>

static int probe(struct bench *bench)
{
    return virtio_mmio_probe(&bench->host.host, BENCH_MMIO_ADDRESS, bench->mmio.size,
                             &bench->device);
}

static uint64_t accesses(const struct bench *bench)
{
    return bench->host.counts[FAKE_REGISTER_READ] + bench->host.counts[FAKE_REGISTER_WRITE];
}

static void attach(struct bench *bench, uint32_t version)
{
    fake_mmio_attach(&bench->mmio, &bench->fake, BENCH_MMIO_ADDRESS, version);
}

static void test_p01_an_empty_slot_is_no_device_and_no_error(struct bench *bench)
{
    attach(bench, bench->profile == BENCH_MMIO_1 ? 1 : 2);
    bench->mmio.device_id = 0;
    assert_result(probe(bench), VIRTIO_E_NO_DEVICE);
    assert_int_equal(accesses(bench), 3);
    assert_int_equal(bench->host.counts[FAKE_REGISTER_WRITE], 0);
}

static void test_p01_a_device_is_found_without_a_write(struct bench *bench)
{
    uint32_t version = bench->profile == BENCH_MMIO_1 ? 1 : 2;

    bench->fake.vendor = 0x554d4551;
    attach(bench, version);
    assert_ok(probe(bench));
    assert_int_equal(bench->host.counts[FAKE_REGISTER_WRITE], 0);
    assert_int_equal(bench->device.type, VIRTIO_ID_ENTROPY);
    assert_int_equal(bench->device.vendor, 0x554d4551);
    assert_int_equal(bench->device.mmio.version, version);
    assert_true(bench->device.mmio.address == BENCH_MMIO_ADDRESS);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_FOUND);
    assert_null(bench->device.ops);
}

static void test_p03_where_there_are_no_registers_there_is_no_device(struct bench *bench)
{
    static const uint32_t magics[] = {0, 0xffffffff, 0x76697274, 0x74726977};

    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        attach(bench, 2);
        bench->mmio.magic = magics[i];
        assert_result(probe(bench), VIRTIO_E_NO_DEVICE);
        fake_host_detach(&bench->host, &bench->mmio.target);
    }
    assert_int_equal(accesses(bench), 4);
}

static void test_other_versions_are_told(struct bench *bench)
{
    static uint8_t memory[0x200];
    static const uint32_t versions[] = {0, 3, 0x102, 0xffffffff};
    struct fake_window window = {
        .address = BENCH_MMIO_ADDRESS, .size = sizeof(memory), .memory = memory};

    fake_host_add_window(&bench->host, &window);
    memcpy(memory, "virt", 4);
    fake_put_number(memory + 8, 4, false, VIRTIO_ID_BLOCK);
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        fake_put_number(memory + 4, 4, false, versions[i]);
        assert_result(
            virtio_mmio_probe(&bench->host.host, BENCH_MMIO_ADDRESS, 0x200, &bench->device),
            VIRTIO_E_NOT_SUPPORTED);
    }
}

static void test_arguments_are_checked(struct bench *bench)
{
    const struct virtio_host *host = &bench->host.host;
    struct virtio_device *device = &bench->device;

    assert_result(virtio_mmio_probe(host, 0, 0x200, device), VIRTIO_E_INVALID);
    assert_result(virtio_mmio_probe(host, 0x10001002, 0x200, device), VIRTIO_E_INVALID);
    assert_result(virtio_mmio_probe(host, 0x10001000, 0xff, device), VIRTIO_E_INVALID);
    assert_result(virtio_mmio_probe(host, UINT64_MAX - 0xff, 0x200, device), VIRTIO_E_INVALID);
    assert_int_equal(accesses(bench), 0);
}

static void test_configuration_is_what_is_beyond_0x100(struct bench *bench)
{
    bench->fake.config_size = 0x10;
    attach(bench, bench->profile == BENCH_MMIO_1 ? 1 : 2);
    bench->mmio.size = 0x110;
    assert_ok(probe(bench));
    assert_ok(virtio_mmio_open(&bench->device));
    assert_int_equal(bench->device.ops->get_config_size(&bench->device), 0x10);
    bench->device.ops->close(&bench->device);
    bench->mmio.size = 0x100;
    assert_ok(probe(bench));
    assert_ok(virtio_mmio_open(&bench->device));
    assert_int_equal(bench->device.ops->get_config_size(&bench->device), 0);
    bench->device.ops->close(&bench->device);
}

static void test_the_version_decides_unless_forbidden(struct bench *bench)
{
    bool legacy = bench->profile == BENCH_MMIO_1;
    enum virtio_force same = legacy ? VIRTIO_FORCE_LEGACY : VIRTIO_FORCE_MODERN;
    enum virtio_force other = legacy ? VIRTIO_FORCE_MODERN : VIRTIO_FORCE_LEGACY;

    attach(bench, legacy ? 1 : 2);
    assert_ok(probe(bench));
    for (unsigned i = 0; i < 2; i++) {
        bench->device.force = i == 0 ? VIRTIO_FORCE_NONE : same;
        assert_ok(virtio_mmio_open(&bench->device));
        assert_int_equal(bench->device.legacy, legacy);
        assert_int_equal(bench->device.ops->transport,
                         legacy ? VIRTIO_TRANSPORT_MMIO_LEGACY : VIRTIO_TRANSPORT_MMIO_MODERN);
        assert_int_equal(bench->device.ops->revision, legacy ? 0 : 0x0100);
        assert_non_null(strstr(bench->device.choice, legacy ? "version 1" : "version 2"));
        bench->device.ops->close(&bench->device);
        bench->device.ops = NULL;
    }
    bench->device.force = other;
    assert_result(virtio_mmio_open(&bench->device), VIRTIO_E_NOT_SUPPORTED);
    assert_null(bench->device.ops);
    assert_int_equal(bench->host.counts[FAKE_REGISTER_WRITE], 0);
}

static void test_another_device_in_the_slot_is_not_driven(struct bench *bench)
{
    attach(bench, 2);
    assert_ok(probe(bench));
    bench->mmio.device_id = VIRTIO_ID_BLOCK;
    assert_result(virtio_mmio_open(&bench->device), VIRTIO_E_GONE);
    assert_int_equal(bench->device.type, VIRTIO_ID_ENTROPY);
    bench->mmio.device_id = 0;
    assert_result(virtio_mmio_open(&bench->device), VIRTIO_E_GONE);
    bench->fake.gone = true;
    assert_result(virtio_mmio_open(&bench->device), VIRTIO_E_GONE);
    assert_int_equal(bench->host.counts[FAKE_REGISTER_WRITE], 0);
}

/* Without register hooks: mapped for the look, unmapped after it, and an error when that is impossible. */
static void test_the_block_is_mapped_for_native_access(struct bench *bench)
{
    static uint8_t memory[0x200];
    struct fake_window window = {
        .address = BENCH_MMIO_ADDRESS, .size = sizeof(memory), .memory = memory};
    const struct virtio_host *host = &bench->host.host;

    memcpy(memory, "virt", 4);
    fake_put_number(memory + 4, 4, false, 2);
    fake_put_number(memory + 8, 4, false, VIRTIO_ID_BLOCK);
    fake_host_add_window(&bench->host, &window);
    assert_ok(virtio_mmio_probe(host, BENCH_MMIO_ADDRESS, 0x200, &bench->device));
    assert_int_equal(bench->device.type, VIRTIO_ID_BLOCK);
    assert_int_equal(bench->host.counts[FAKE_MMIO_MAP], 1);
    assert_int_equal(bench->host.counts[FAKE_MMIO_UNMAP], 1);
    fake_put_number(memory + 8, 4, false, 0);
    assert_result(virtio_mmio_probe(host, BENCH_MMIO_ADDRESS, 0x200, &bench->device),
                  VIRTIO_E_NO_DEVICE);
    assert_int_equal(bench->host.counts[FAKE_MMIO_UNMAP], 2);
    assert_result(virtio_mmio_probe(host, BENCH_MMIO_ADDRESS, 0x204, &bench->device), VIRTIO_E_MAP);
    assert_int_equal(bench->host.counts[FAKE_MMIO_UNMAP], 2);
}

static const struct bench_test tests[] = {
    TEST(test_p01_an_empty_slot_is_no_device_and_no_error, BENCH_MMIO),
    TEST(test_p01_a_device_is_found_without_a_write, BENCH_MMIO),
    TEST(test_p03_where_there_are_no_registers_there_is_no_device, BENCH_MMIO_2),
    TEST(test_other_versions_are_told, BENCH_WINDOW),
    TEST(test_arguments_are_checked, BENCH_MMIO_2),
    TEST(test_configuration_is_what_is_beyond_0x100, BENCH_MMIO),
    TEST(test_the_version_decides_unless_forbidden, BENCH_MMIO),
    TEST(test_another_device_in_the_slot_is_not_driven, BENCH_MMIO_2),
    TEST(test_the_block_is_mapped_for_native_access, BENCH_WINDOW),
};

BENCH_MAIN(tests)
