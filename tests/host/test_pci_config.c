/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration access: ports, ECAM and hooks reach the same registers, with the right cycles, and nothing
 * that is out of range.
 */
#include "bench.h"
#include "transport/pci_internal.h"

#include <string.h>

static const struct virtio_pci_address here = {.bus = 1, .device = 2, .function = 3};

static struct fake_function *add_function(struct bench *bench)
{
    struct fake_function *function = &bench->front.function;

    fake_pci_begin(&bench->pci, &bench->host);
    bench->has_pci = true;
    fake_pci_add(&bench->pci, function, here);
    fake_pci_set(function, FAKE_PCI_VENDOR, 4, 0x10411af4);
    fake_pci_set(function, FAKE_PCI_SUBSYSTEM, 2, 0xabcd);
    memset(&function->writable[0x80], 0xff, 4);
    return function;
}

/* A device of which only that is known which configuration access needs. */
static struct virtio_device device_at(struct bench *bench, const struct virtio_pci_config *config,
                                      struct virtio_pci_address address)
{
    return (struct virtio_device){
        .host = &bench->host.host,
        .pci = {.config = config, .address = address},
    };
}

static uint32_t read_by(struct bench *bench, const struct virtio_pci_config *config,
                        struct virtio_pci_address address, uint16_t offset, unsigned width)
{
    const struct virtio_device device = device_at(bench, config, address);

    return config->read(&device, offset, width);
}

static void write_by(struct bench *bench, const struct virtio_pci_config *config,
                     struct virtio_pci_address address, uint16_t offset, unsigned width,
                     uint32_t value)
{
    const struct virtio_device device = device_at(bench, config, address);

    config->write(&device, offset, width, value);
}

/* Every width at every offset of a dword, read and written, by one way. */
static void check_widths(struct bench *bench, struct fake_function *function,
                         const struct virtio_pci_config *config)
{
    assert_int_equal(read_by(bench, config, here, FAKE_PCI_VENDOR, 4), 0x10411af4);
    assert_int_equal(read_by(bench, config, here, FAKE_PCI_DEVICE, 2), 0x1041);
    assert_int_equal(read_by(bench, config, here, FAKE_PCI_SUBSYSTEM + 1, 1), 0xab);
    write_by(bench, config, here, 0x80, 4, 0x44332211);
    write_by(bench, config, here, 0x81, 1, 0xaa);
    write_by(bench, config, here, 0x82, 2, 0xccbb);
    assert_int_equal(fake_pci_get(function, 0x80, 4), 0xccbbaa11);
    write_by(bench, config, here, 0x80, 4, 0);
}

static void test_every_way_reaches_the_same_registers(struct bench *bench)
{
    struct fake_function *function = add_function(bench);
    struct virtio_pci_config ecam;

    check_widths(bench, function, VIRTIO_PCI_CONFIG_IO);
    check_widths(bench, function, VIRTIO_PCI_CONFIG_HOST);
    assert_ok(virtio_pci_config_ecam(&ecam, &bench->host.host, bench->pci.ecam_base, 0, 255));
    check_widths(bench, function, &ecam);
    virtio_pci_config_ecam_end(&ecam, &bench->host.host);
}

static void test_ports_are_written_with_the_spec_values(struct bench *bench)
{
    const struct fake_event *event;
    uint64_t before;

    (void)add_function(bench);
    before = bench->host.sequence;
    (void)read_by(bench, VIRTIO_PCI_CONFIG_IO, here, FAKE_PCI_SUBSYSTEM, 2);
    event = fake_host_event_at(&bench->host, before + 1);
    assert_int_equal(event->kind, FAKE_REGISTER_WRITE);
    assert_int_equal(event->space, VIRTIO_SPACE_IO);
    assert_int_equal(event->address, 0xcf8);
    assert_int_equal(event->width, 4);
    assert_int_equal(event->value, 0x8001132c);
    event = fake_host_event_at(&bench->host, before + 3);
    assert_int_equal(event->kind, FAKE_REGISTER_READ);
    assert_int_equal(event->address, 0xcfe);
    assert_int_equal(event->width, 2);
    assert_int_equal(bench->host.sequence, before + 3);
}

/* Out of range: all ones, and no cycle on any bus. */
static void check_out_of_reach(struct bench *bench, const struct virtio_pci_config *config,
                               struct virtio_pci_address address, uint16_t offset)
{
    uint64_t before = bench->host.sequence;

    assert_int_equal(read_by(bench, config, address, offset, 1), 0xff);
    assert_int_equal(read_by(bench, config, address, offset, 2), 0xffff);
    assert_int_equal(read_by(bench, config, address, offset, 4), 0xffffffff);
    write_by(bench, config, address, offset, 4, 0);
    assert_int_equal(bench->host.sequence, before);
}

static void test_ports_reach_no_further_than_they_can(struct bench *bench)
{
    struct virtio_pci_address address = here;

    (void)add_function(bench);
    address.device = 32;
    check_out_of_reach(bench, VIRTIO_PCI_CONFIG_IO, address, 0);
    address = here;
    address.function = 8;
    check_out_of_reach(bench, VIRTIO_PCI_CONFIG_IO, address, 0);
    address = here;
    address.segment = 1;
    check_out_of_reach(bench, VIRTIO_PCI_CONFIG_IO, address, 0);
    check_out_of_reach(bench, VIRTIO_PCI_CONFIG_IO, here, 0x100);
    check_out_of_reach(bench, VIRTIO_PCI_CONFIG_IO, here, 0xfffc);
}

static void test_ecam_reaches_its_buses_and_4096_bytes(struct bench *bench)
{
    struct virtio_pci_config ecam;
    struct virtio_pci_address address = here;
    const struct fake_event *event;

    (void)add_function(bench);
    bench->pci.ecam_first_bus = 1;
    bench->pci.ecam_last_bus = 2;
    assert_ok(virtio_pci_config_ecam(&ecam, &bench->host.host, bench->pci.ecam_base, 1, 2));
    assert_int_equal(ecam.first_bus, 1);
    assert_int_equal(ecam.last_bus, 2);
    assert_int_equal(read_by(bench, &ecam, here, 0, 2), 0x1af4);
    assert_int_equal(read_by(bench, &ecam, here, 0xffc, 4), 0);
    event = fake_host_event_at(&bench->host, bench->host.sequence);
    assert_int_equal(event->address, bench->pci.ecam_base + 0x100000 + 0x10000 + 0x3000 + 0xffc);
    check_out_of_reach(bench, &ecam, here, 0x1000);
    address.bus = 0;
    check_out_of_reach(bench, &ecam, address, 0);
    address.bus = 3;
    check_out_of_reach(bench, &ecam, address, 0);
    address = here;
    address.device = 32;
    check_out_of_reach(bench, &ecam, address, 0);
    address = here;
    address.function = 8;
    check_out_of_reach(bench, &ecam, address, 0);
    virtio_pci_config_ecam_end(&ecam, &bench->host.host);
    check_out_of_reach(bench, &ecam, here, 0);
}

static void test_ecam_arguments_are_checked(struct bench *bench)
{
    const struct virtio_host *host = &bench->host.host;
    struct virtio_pci_config ecam;

    assert_result(virtio_pci_config_ecam(&ecam, host, 0xb0001000, 0, 255), VIRTIO_E_INVALID);
    assert_result(virtio_pci_config_ecam(&ecam, host, 0xb0000000, 2, 1), VIRTIO_E_INVALID);
    assert_result(virtio_pci_config_ecam(&ecam, host, UINT64_C(0xfffffffff0100000), 0, 255),
                  VIRTIO_E_INVALID);
    assert_ok(virtio_pci_config_ecam(&ecam, host, UINT64_C(0xfffffffff0100000), 0, 254));
}

/* Without register hooks the window is mapped: as much as its buses need, or an error. */
static void test_ecam_is_mapped_for_native_access(struct bench *bench)
{
    static uint8_t memory[2 << 20];
    struct fake_window window = {.address = 0xb0300000, .size = sizeof(memory), .memory = memory};
    const struct virtio_host *host = &bench->host.host;
    struct virtio_pci_address address = {.bus = 4, .device = 1};
    struct virtio_pci_config ecam;

    fake_host_add_window(&bench->host, &window);
    memcpy(&memory[0x100000 + 0x8000], "\xf4\x1a\x41\x10", 4);
    assert_ok(virtio_pci_config_ecam(&ecam, host, 0xb0000000, 3, 4));
    assert_int_equal(bench->host.counts[FAKE_MMIO_MAP], 1);
    assert_int_equal(read_by(bench, &ecam, address, 0, 4), 0x10411af4);
    write_by(bench, &ecam, address, 0xffe, 2, 0x1234);
    assert_int_equal(memory[0x100000 + 0x8fff], 0x12);
    virtio_pci_config_ecam_end(&ecam, host);
    assert_int_equal(bench->host.counts[FAKE_MMIO_UNMAP], 1);

    assert_result(virtio_pci_config_ecam(&ecam, host, 0xb0000000, 3, 5), VIRTIO_E_MAP);
    check_out_of_reach(bench, &ecam, here, 0);
}

static uint32_t too_wide(void *ctx, struct virtio_pci_address address, uint16_t offset,
                         unsigned width)
{
    (void)ctx;
    (void)address;
    (void)offset;
    (void)width;
    return 0xdeadbeef;
}

static void test_hooks_are_optional_and_not_believed(struct bench *bench)
{
    bench->host.host.pci_config_read = NULL;
    bench->host.host.pci_config_write = NULL;
    check_out_of_reach(bench, VIRTIO_PCI_CONFIG_HOST, here, 0);
    bench->host.host.pci_config_read = too_wide;
    assert_int_equal(read_by(bench, VIRTIO_PCI_CONFIG_HOST, here, 0, 1), 0xef);
    assert_int_equal(read_by(bench, VIRTIO_PCI_CONFIG_HOST, here, 0, 2), 0xbeef);
}

static const struct bench_test tests[] = {
    TEST(test_every_way_reaches_the_same_registers, BENCH_ONE),
    TEST(test_ports_are_written_with_the_spec_values, BENCH_ONE),
    TEST(test_ports_reach_no_further_than_they_can, BENCH_ONE),
    TEST(test_ecam_reaches_its_buses_and_4096_bytes, BENCH_ONE),
    TEST(test_ecam_arguments_are_checked, BENCH_ONE),
    TEST(test_ecam_is_mapped_for_native_access, BENCH_WINDOW),
    TEST(test_hooks_are_optional_and_not_believed, BENCH_ONE),
};

BENCH_MAIN(tests)
