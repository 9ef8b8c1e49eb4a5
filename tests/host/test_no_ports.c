/* SPDX-License-Identifier: MIT */
/*
 * A CPU that has no I/O ports, on a host without register hooks: the two files that know about ports are
 * compiled here once more, for such a CPU.
 */
#define VIRTIO_NATIVE_PORTS    0
#define virtio_register_read   portless_register_read
#define virtio_register_write  portless_register_write
#define virtio_region_read     portless_region_read
#define virtio_region_write    portless_region_write
#define virtio_region_slice    portless_region_slice
#define virtio_doorbell_make   portless_doorbell_make
#define virtio_host_mmio_map   portless_host_mmio_map
#define virtio_host_mmio_unmap portless_host_mmio_unmap
#define virtio_pci_bars_find   portless_pci_bars_find
#define virtio_pci_bar_reach   portless_pci_bar_reach
#define virtio_pci_enable      portless_pci_enable
#define virtio_pci_close       portless_pci_close

#include "../../src/transport/region.c"
#include "../../src/transport/pci_bar.c"

#include "bench.h"

static void test_p12_reads_give_all_ones_and_writes_are_dropped(struct bench *bench)
{
    const struct virtio_region ports = {.space = VIRTIO_SPACE_IO, .length = 8, .address = 0xcf8};

    assert_int_equal(virtio_register_read(&bench->host.host, &ports, 0, 1), 0xff);
    assert_int_equal(virtio_register_read(&bench->host.host, &ports, 4, 2), 0xffff);
    assert_int_equal(virtio_register_read(&bench->host.host, &ports, 4, 4), 0xffffffff);
    virtio_register_write(&bench->host.host, &ports, 0, 4, 0x80000000);
}

static void test_p12_an_io_bar_is_out_of_reach(struct bench *bench)
{
    const struct virtio_pci_address here = {.device = 3};
    struct fake_function *function = &bench->front.function;
    struct virtio_region region;

    fake_pci_begin(&bench->pci, &bench->host);
    bench->has_pci = true;
    fake_pci_add(&bench->pci, function, here);
    fake_pci_set(function, FAKE_PCI_VENDOR, 4, 0x10001af4);
    fake_pci_set(function, FAKE_PCI_SUBSYSTEM, 2, 1);
    fake_pci_set_bar(function, 0, VIRTIO_SPACE_IO, false, 0x20, 0xc000);
    fake_pci_settle(&bench->pci);
    assert_ok(virtio_pci_probe(&bench->host.host, VIRTIO_PCI_CONFIG_HOST, here, &bench->device));
    assert_ok(virtio_pci_bars_find(&bench->device));
    assert_result(virtio_pci_bar_reach(&bench->device, 0, 0, 0x20, &region),
                  VIRTIO_E_BAR_UNREACHABLE);
    virtio_pci_close(&bench->device);
}

static const struct bench_test tests[] = {
    TEST(test_p12_reads_give_all_ones_and_writes_are_dropped, BENCH_WINDOW),
    TEST(test_p12_an_io_bar_is_out_of_reach, BENCH_WINDOW),
};

BENCH_MAIN(tests)
