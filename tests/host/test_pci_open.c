/* SPDX-License-Identifier: MIT */
/*
 * Opening a PCI device: which interface is used, what is said about it, and what is left behind.
 */
#include "bench.h"
#include "transport/pci_internal.h"

#include <string.h>

static const struct virtio_pci_address here = {.device = 3};

static void attach(struct bench *bench, unsigned interfaces)
{
    fake_pci_begin(&bench->pci, &bench->host);
    bench->has_pci = true;
    fake_virtio_pci_attach(&bench->front, &bench->pci, &bench->fake, here, interfaces);
}

static int open_forced(struct bench *bench, enum virtio_force force)
{
    fake_pci_settle(&bench->pci);
    assert_ok(virtio_pci_probe(&bench->host.host, VIRTIO_PCI_CONFIG_IO, here, &bench->device));
    bench->device.force = force;
    return virtio_pci_open(&bench->device);
}

static void assert_opened(struct bench *bench, enum virtio_transport transport, const char *choice)
{
    const struct virtio_device *device = &bench->device;

    assert_int_equal(device->ops->transport, transport);
    assert_int_equal(device->legacy, transport == VIRTIO_TRANSPORT_PCI_LEGACY);
    assert_int_equal(device->ops->revision, device->legacy ? 0 : 0x0100);
    assert_string_equal(device->choice, choice);
    device->ops->close(&bench->device);
}

/* An opening that fails leaves nothing mapped, nothing changed, and no register of the device touched. */
static void assert_refused(struct bench *bench, enum virtio_force force, int error)
{
    assert_result(open_forced(bench, force), error);
    assert_null(bench->device.ops);
    assert_int_equal(bench->fake.resets, 0);
    fake_pci_check_restored(&bench->pci);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_a_transitional_device_goes_either_way(struct bench *bench)
{
    attach(bench, FAKE_TRANSITIONAL);
    assert_ok(open_forced(bench, VIRTIO_FORCE_NONE));
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_MODERN, "transitional device, modern by default");
    assert_ok(open_forced(bench, VIRTIO_FORCE_MODERN));
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_MODERN, "modern, forced");
    assert_ok(open_forced(bench, VIRTIO_FORCE_LEGACY));
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_LEGACY, "legacy, forced");
}

/* The library maps no event to a vector, so it doesn't matter how many there are. */
static void test_msix_tables_of_any_size(struct bench *bench)
{
    static const uint16_t sizes[] = {0, 1, 2, 3, 17, 33, 257, 2048};
    struct fake_virtio_pci_options options = fake_virtio_pci_defaults;

    bench->fake.behaviour = &fake_echo;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct fake_virtio_pci front;

        options.msix_vectors = sizes[i];
        fake_pci_begin(&bench->pci, &bench->host);
        bench->has_pci = true;
        fake_virtio_pci_attach_with(&front, &bench->pci, &bench->fake, here, &options);
        fake_pci_settle(&bench->pci);
        assert_ok(virtio_pci_probe(&bench->host.host, VIRTIO_PCI_CONFIG_IO, here, &bench->device));
        bench->attached = true;
        bench_start(bench, 8);
        bench_request(bench, 4, 4, bench_cookie(1));
        assert_int_equal(bench_reap(bench, 1), 4);
        bench_stop(bench);
        fake_pci_check_restored(&bench->pci);
        while (bench->host.targets)
            fake_host_detach(&bench->host, bench->host.targets);
    }
    bench->has_pci = false;
}

static void test_a_modern_device_goes_one_way(struct bench *bench)
{
    attach(bench, FAKE_MODERN);
    assert_ok(open_forced(bench, VIRTIO_FORCE_NONE));
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_MODERN, "modern only");
    assert_ok(open_forced(bench, VIRTIO_FORCE_MODERN));
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_MODERN, "modern, forced");
    assert_refused(bench, VIRTIO_FORCE_LEGACY, VIRTIO_E_NOT_SUPPORTED);
}

static void test_a_legacy_device_goes_one_way(struct bench *bench)
{
    attach(bench, FAKE_LEGACY);
    assert_ok(open_forced(bench, VIRTIO_FORCE_NONE));
    assert_true(bench->device.pci.isr.address == 0xc000 + 19);
    assert_int_equal(bench->device.pci.isr.length, 1);
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_LEGACY, "legacy only: no virtio capabilities");
    assert_ok(open_forced(bench, VIRTIO_FORCE_LEGACY));
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_LEGACY, "legacy, forced");
    assert_refused(bench, VIRTIO_FORCE_MODERN, VIRTIO_E_NOT_SUPPORTED);
}

/* A modern-only device may have an I/O BAR0, to make old drivers fail (4.1.4.10.1): it is no legacy
 * interface, even if the capabilities can't be used. */
static void test_p05_legacy_is_a_matter_of_the_device(struct bench *bench)
{
    attach(bench, FAKE_LEGACY);
    fake_pci_set(&bench->front.function, FAKE_PCI_DEVICE, 2, 0x1050);
    assert_refused(bench, VIRTIO_FORCE_NONE, VIRTIO_E_CAPABILITY);
    assert_refused(bench, VIRTIO_FORCE_LEGACY, VIRTIO_E_NOT_SUPPORTED);
    assert_refused(bench, VIRTIO_FORCE_MODERN, VIRTIO_E_NOT_SUPPORTED);
}

/* Transitional devices have revision 0 (4.1.2.3). */
static void test_p05_a_later_revision_has_no_legacy_interface(struct bench *bench)
{
    attach(bench, FAKE_TRANSITIONAL);
    fake_pci_set(&bench->front.function, FAKE_PCI_REVISION, 1, 1);
    assert_ok(open_forced(bench, VIRTIO_FORCE_NONE));
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_MODERN, "modern only");
    assert_refused(bench, VIRTIO_FORCE_LEGACY, VIRTIO_E_NOT_SUPPORTED);
}

static void test_malformed_capabilities_leave_the_legacy_interface(struct bench *bench)
{
    attach(bench, FAKE_TRANSITIONAL);
    for (unsigned i = 0; i < bench->front.region_count; i++)
        if (bench->front.regions[i].type == FAKE_NOTIFY)
            fake_pci_set(&bench->front.function, bench->front.regions[i].capability + 12u, 4, 1);
    assert_ok(open_forced(bench, VIRTIO_FORCE_NONE));
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_LEGACY,
                  "legacy: the virtio capabilities are malformed");
    assert_refused(bench, VIRTIO_FORCE_MODERN, VIRTIO_E_CAPABILITY);
}

static void test_p09_an_unassigned_modern_bar_leaves_the_legacy_interface(struct bench *bench)
{
    attach(bench, FAKE_TRANSITIONAL);
    fake_pci_set_bar(&bench->front.function, 4, VIRTIO_SPACE_MEMORY, true, 0x4000, 0);
    assert_ok(open_forced(bench, VIRTIO_FORCE_NONE));
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_LEGACY,
                  "legacy: a BAR of the modern interface has no address");
    assert_refused(bench, VIRTIO_FORCE_MODERN, VIRTIO_E_BAR_UNASSIGNED);
}

static void test_p09_an_unassigned_legacy_bar_is_told(struct bench *bench)
{
    attach(bench, FAKE_LEGACY);
    fake_pci_set_bar(&bench->front.function, 0, VIRTIO_SPACE_IO, false, 0x80, 0);
    assert_refused(bench, VIRTIO_FORCE_NONE, VIRTIO_E_BAR_UNASSIGNED);
    assert_refused(bench, VIRTIO_FORCE_LEGACY, VIRTIO_E_BAR_UNASSIGNED);
}

static void test_a_legacy_bar_must_hold_the_registers(struct bench *bench)
{
    attach(bench, FAKE_LEGACY);
    fake_pci_set_bar(&bench->front.function, 0, VIRTIO_SPACE_IO, false, 0x10, 0xc000);
    assert_refused(bench, VIRTIO_FORCE_NONE, VIRTIO_E_CAPABILITY);
}

static void test_a_legacy_bar_may_be_memory(struct bench *bench)
{
    attach(bench, FAKE_LEGACY);
    fake_pci_set_bar(&bench->front.function, 0, VIRTIO_SPACE_MEMORY, false, 0x80, 0xfeb00000);
    assert_ok(open_forced(bench, VIRTIO_FORCE_NONE));
    assert_int_equal(bench->device.pci.common.space, VIRTIO_SPACE_MEMORY);
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_LEGACY, "legacy only: no virtio capabilities");
}

/* Memory, I/O and bus mastering go on with one write of 16 bits, nothing goes off, and closing brings back
 * what was there. */
static void test_p20_the_command_register_is_set_and_put_back(struct bench *bench)
{
    struct fake_function *function = &bench->front.function;
    const struct fake_event *event;

    attach(bench, FAKE_TRANSITIONAL);
    fake_pci_set(function, FAKE_PCI_COMMAND, 2, 0x0540);
    fake_pci_set(function, FAKE_PCI_STATUS, 2, 0xf910);
    assert_ok(open_forced(bench, VIRTIO_FORCE_NONE));
    assert_int_equal(fake_pci_get(function, FAKE_PCI_COMMAND, 2), 0x0547);
    event = fake_host_event_at(&bench->host, bench->host.sequence);
    assert_int_equal(event->kind, FAKE_CONFIG_WRITE);
    assert_int_equal(event->width, 2);
    assert_int_equal(event->value, 0x0547);
    bench->device.ops->close(&bench->device);
    assert_int_equal(fake_pci_get(function, FAKE_PCI_COMMAND, 2), 0x0540);
}

/* All that opening does is in configuration space: the device's own registers wait for the reset. */
static void test_opening_touches_no_virtio_register(struct bench *bench)
{
    attach(bench, FAKE_TRANSITIONAL);
    assert_ok(open_forced(bench, VIRTIO_FORCE_NONE));
    for (uint64_t sequence = 1; sequence <= bench->host.sequence; sequence++) {
        const struct fake_event *event = fake_host_event_at(&bench->host, sequence);

        if (event->kind == FAKE_REGISTER_READ || event->kind == FAKE_REGISTER_WRITE)
            assert_true(event->address >= 0xcf8 && event->address <= 0xcff);
    }
    bench->device.ops->close(&bench->device);
}

/* The second opening finds what is there then, not what was there before. */
static void test_a_device_is_opened_afresh(struct bench *bench)
{
    attach(bench, FAKE_TRANSITIONAL);
    assert_ok(open_forced(bench, VIRTIO_FORCE_NONE));
    bench->device.ops->close(&bench->device);
    fake_pci_set(&bench->front.function, FAKE_PCI_CAPABILITIES, 1, bench->front.msix);
    fake_pci_set(&bench->front.function, bench->front.msix + 1u, 1, 0);
    fake_pci_set_bar(&bench->front.function, 0, VIRTIO_SPACE_IO, false, 0x40, 0xd000);
    fake_pci_settle(&bench->pci);
    assert_ok(virtio_pci_open(&bench->device));
    assert_int_equal(bench->device.pci.window_capability, 0);
    assert_int_equal(bench->device.pci.notify.space, VIRTIO_SPACE_NONE);
    assert_true(bench->device.pci.common.address == 0xd000);
    assert_opened(bench, VIRTIO_TRANSPORT_PCI_LEGACY, "legacy only: no virtio capabilities");
}

/* Each mapping failing in turn: the other interface or an error, and nothing left over. */
static void test_p51_a_mapping_that_fails_leaves_nothing(struct bench *bench)
{
    static uint8_t memory[0x4000];
    struct fake_window window = {.address = 0xfe000000, .size = sizeof(memory), .memory = memory};
    struct fake_virtio_pci_options options = fake_virtio_pci_defaults;

    fake_host_add_window(&bench->host, &window);
    options.interfaces = FAKE_MODERN;
    options.no_window = true;
    fake_pci_begin(&bench->pci, &bench->host);
    bench->has_pci = true;
    fake_virtio_pci_attach_with(&bench->front, &bench->pci, &bench->fake, here, &options);
    fake_pci_settle(&bench->pci);
    assert_ok(virtio_pci_probe(&bench->host.host, VIRTIO_PCI_CONFIG_HOST, here, &bench->device));
    for (unsigned n = 1; n <= 4; n++) {
        int error;

        fake_host_fail_at(&bench->host, n);
        error = virtio_pci_open(&bench->device);
        assert_true(error == VIRTIO_OK || error == VIRTIO_E_BAR_UNREACHABLE);
        if (error == VIRTIO_OK)
            bench->device.ops->close(&bench->device);
        fake_host_fail_at(&bench->host, 0);
        bench->device.ops = NULL;
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
}

static const struct bench_test tests[] = {
    TEST(test_a_transitional_device_goes_either_way, BENCH_ONE),
    TEST(test_msix_tables_of_any_size, BENCH_ONE),
    TEST(test_a_modern_device_goes_one_way, BENCH_ONE),
    TEST(test_a_legacy_device_goes_one_way, BENCH_ONE),
    TEST(test_p05_legacy_is_a_matter_of_the_device, BENCH_ONE),
    TEST(test_p05_a_later_revision_has_no_legacy_interface, BENCH_ONE),
    TEST(test_malformed_capabilities_leave_the_legacy_interface, BENCH_ONE),
    TEST(test_p09_an_unassigned_modern_bar_leaves_the_legacy_interface, BENCH_ONE),
    TEST(test_p09_an_unassigned_legacy_bar_is_told, BENCH_ONE),
    TEST(test_a_legacy_bar_must_hold_the_registers, BENCH_ONE),
    TEST(test_a_legacy_bar_may_be_memory, BENCH_ONE),
    TEST(test_p20_the_command_register_is_set_and_put_back, BENCH_ONE),
    TEST(test_opening_touches_no_virtio_register, BENCH_ONE),
    TEST(test_a_device_is_opened_afresh, BENCH_ONE),
    TEST(test_p51_a_mapping_that_fails_leaves_nothing, BENCH_WINDOW),
};

BENCH_MAIN(tests)
