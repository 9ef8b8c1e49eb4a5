/* SPDX-License-Identifier: MIT */
/*
 * The capability list: what of it is taken, and that a malformed one does no harm (spec 4.1.4).
 */
#include "bench.h"
#include "transport/pci_internal.h"

#include <string.h>

#define MODERN_MEMORY UINT64_C(0xfe000000)

enum {
    COMMON = 1,
    NOTIFY = 2,
    ISR = 3,
    DEVICE_CONFIG = 4,
    WINDOW = 5
};

static const struct virtio_pci_address here = {.device = 3};

/* A modern-only function with a BAR4 of 16 KiB and BAR2 of ports, and no capability yet. */
static struct fake_virtio_pci *begin(struct bench *bench)
{
    struct fake_virtio_pci *front = &bench->front;

    fake_pci_begin(&bench->pci, &bench->host);
    bench->has_pci = true;
    fake_virtio_pci_attach(front, &bench->pci, &bench->fake, here, 0);
    fake_pci_set(&front->function, FAKE_PCI_DEVICE, 2, 0x1044);
    fake_pci_set(&front->function, FAKE_PCI_REVISION, 1, 1);
    memset(&front->function.config[FAKE_PCI_CAPABILITIES], 0, 256 - FAKE_PCI_CAPABILITIES);
    front->function.next_capability = 0x40;
    fake_pci_set_bar(&front->function, 2, VIRTIO_SPACE_IO, false, 0x100, 0xc100);
    fake_pci_set_bar(&front->function, 4, VIRTIO_SPACE_MEMORY, true, 0x4000, MODERN_MEMORY);
    return front;
}

static uint8_t add(struct fake_virtio_pci *front, unsigned type, uint8_t bar, uint32_t offset,
                   uint32_t length)
{
    return fake_virtio_pci_add_capability(front, type, bar, offset, length, 4,
                                          type == NOTIFY || type == WINDOW ? 20 : 16);
}

/* The four structures where they belong, each with offset and length of its own. */
static void add_good(struct fake_virtio_pci *front)
{
    add(front, COMMON, 4, 0x100, 0x60);
    add(front, ISR, 4, 0x1001, 1);
    add(front, DEVICE_CONFIG, 4, 0x2000, 0x24);
    add(front, NOTIFY, 4, 0x3000, 0x80);
}

static int open_device(struct bench *bench)
{
    fake_pci_settle(&bench->pci);
    assert_ok(virtio_pci_probe(&bench->host.host, VIRTIO_PCI_CONFIG_HOST, here, &bench->device));
    return virtio_pci_open(&bench->device);
}

static void assert_region(const struct virtio_region *region, enum virtio_space space,
                          uint64_t address, uint32_t length)
{
    assert_int_equal(region->space, space);
    assert_true(region->address == address);
    assert_int_equal(region->length, length);
}

static void assert_good(const struct bench *bench)
{
    const struct virtio_pci_function *function = &bench->device.pci;

    assert_region(&function->common, VIRTIO_SPACE_MEMORY, MODERN_MEMORY + 0x100, 0x60);
    assert_region(&function->isr, VIRTIO_SPACE_MEMORY, MODERN_MEMORY + 0x1001, 1);
    assert_region(&function->device_config, VIRTIO_SPACE_MEMORY, MODERN_MEMORY + 0x2000, 0x24);
    assert_region(&function->notify, VIRTIO_SPACE_MEMORY, MODERN_MEMORY + 0x3000, 0x80);
    assert_int_equal(function->notify_off_multiplier, 4);
    assert_int_equal(bench->device.ops->get_config_size(&bench->device), 0x24);
}

/* Opens, all structures are the good ones, and closes: for lists with something bad in front. */
static void check_good(struct bench *bench)
{
    assert_ok(open_device(bench));
    assert_good(bench);
    bench->device.ops->close(&bench->device);
}

static void test_p17_each_field_comes_from_its_own_capability(struct bench *bench)
{
    add_good(begin(bench));
    check_good(bench);
}

static void test_p21_p22_longer_structures_and_capabilities_are_accepted(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    fake_virtio_pci_add_capability(front, COMMON, 4, 0, 0x1000, 0, 18);
    fake_virtio_pci_add_capability(front, ISR, 4, 0x1000, 0x1000, 0, 20);
    fake_virtio_pci_add_capability(front, NOTIFY, 4, 0x2000, 0x2000, 4, 24);
    assert_ok(open_device(bench));
    assert_region(&bench->device.pci.isr, VIRTIO_SPACE_MEMORY, MODERN_MEMORY + 0x1000, 0x1000);
    bench->device.ops->close(&bench->device);
}

/* The device's order of preference counts: the first one that can be used. */
static void test_p13_the_first_usable_one_is_taken(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add_good(front);
    add(front, COMMON, 4, 0x200, 0x60);
    add(front, ISR, 4, 0x1002, 1);
    add(front, NOTIFY, 2, 0, 4);
    check_good(bench);
}

static void test_p13_reserved_bars_and_types_are_ignored(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add(front, COMMON, 6, 0, 0x60);
    add(front, COMMON, 7, 0, 0x60);
    add(front, NOTIFY, 0xff, 0, 0x60);
    add(front, 0, 4, 0, 0x60);
    add(front, 0x42, 4, 0, 0x60);
    add(front, 0xff, 4, 0, 0x60);
    add_good(front);
    check_good(bench);
}

static void test_p13_structures_in_bars_that_do_not_exist_are_passed(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add(front, COMMON, 0, 0, 0x60); /* not implemented */
    add(front, NOTIFY, 5, 0, 0x60); /* the upper half of BAR4 */
    add_good(front);
    check_good(bench);
}

static void test_p12_p13_ports_are_used_where_there_are_ports(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    fake_virtio_pci_add_capability(front, NOTIFY, 2, 0x10, 2, 0, 20);
    add_good(front);
    assert_ok(open_device(bench));
    assert_region(&bench->device.pci.notify, VIRTIO_SPACE_IO, 0xc110, 2);
    assert_int_equal(bench->device.pci.notify_off_multiplier, 0);
    bench->device.ops->close(&bench->device);
}

/* A host with no register hooks: ports beyond 0xffff are out of reach for it, memory must be mapped. */
static void test_p12_p13_ports_out_of_reach_are_passed(struct bench *bench)
{
    static uint8_t memory[0x4000];
    struct fake_window window = {
        .address = MODERN_MEMORY, .size = sizeof(memory), .memory = memory};
    struct fake_virtio_pci *front = begin(bench);

    fake_host_add_window(&bench->host, &window);
    fake_pci_set_bar(&front->function, 2, VIRTIO_SPACE_IO, false, 0x100, 0x1c100);
    fake_virtio_pci_add_capability(front, NOTIFY, 2, 0x10, 2, 0, 20);
    add_good(front);
    add(front, WINDOW, 0, 0, 0);
    assert_ok(open_device(bench));
    assert_good(bench);
    assert_int_equal(bench->host.counts[FAKE_MMIO_MAP], 1); /* P19 */
    bench->device.ops->close(&bench->device);
}

static void test_p10_the_window_is_the_last_resort(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add_good(front);
    add(front, WINDOW, 0, 0, 0);
    assert_ok(open_device(bench));
    assert_region(&bench->device.pci.common, VIRTIO_SPACE_PCI_WINDOW, 0x100, 0x60);
    assert_region(&bench->device.pci.notify, VIRTIO_SPACE_PCI_WINDOW, 0x3000, 0x80);
    assert_int_equal(bench->device.pci.notify.bar, 4);
    assert_non_null(strstr(bench->device.choice, "window"));
    bench->device.ops->close(&bench->device);
}

static void test_p10_without_a_window_the_reason_is_told(struct bench *bench)
{
    add_good(begin(bench));
    assert_result(open_device(bench), VIRTIO_E_BAR_UNREACHABLE);
    assert_null(bench->device.ops);
}

/* Legacy registers do as well, then. */
static void test_p10_an_unreachable_modern_interface_falls_back_to_legacy(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    fake_pci_set(&front->function, FAKE_PCI_DEVICE, 2, 0x1005);
    fake_pci_set(&front->function, FAKE_PCI_REVISION, 1, 0);
    fake_pci_set_bar(&front->function, 0, VIRTIO_SPACE_IO, false, 0x20, 0xc000);
    add_good(front);
    if (!VIRTIO_NATIVE_PORTS) { /* then those are out of reach, too */
        assert_result(open_device(bench), VIRTIO_E_BAR_UNREACHABLE);
        return;
    }
    assert_ok(open_device(bench));
    assert_int_equal(bench->device.ops->transport, VIRTIO_TRANSPORT_PCI_LEGACY);
    assert_non_null(strstr(bench->device.choice, "out of reach"));
    bench->device.ops->close(&bench->device);
}

static void test_p09_an_unassigned_bar_is_told(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    fake_pci_set_bar(&front->function, 4, VIRTIO_SPACE_MEMORY, true, 0x4000, 0);
    add_good(front);
    add(front, WINDOW, 0, 0, 0);
    assert_result(open_device(bench), VIRTIO_E_BAR_UNASSIGNED);
    assert_null(bench->device.ops);
}

static void test_p14_only_vendor_specific_capabilities_count(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    front->function.config[add(front, COMMON, 4, 0x200, 0x60)] = 0x0a;
    front->function.config[add(front, NOTIFY, 4, 0x200, 0x60)] = 0x08;
    add_good(front);
    check_good(bench);
}

static unsigned header_reads(const struct bench *bench, uint64_t after)
{
    unsigned count = 0;
    uint64_t sequence;

    for (sequence = after + 1; sequence <= bench->host.sequence; sequence++) {
        const struct fake_event *event = fake_host_event_at(&bench->host, sequence);

        if (event->kind == FAKE_CONFIG_READ && (event->address & 0xfff) >= 0x40)
            count++;
    }
    return count;
}

static void test_p15_a_list_that_loops_ends(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);
    uint8_t first = fake_pci_add_capability(&front->function, 0x01, "\0\0", 2);
    uint64_t before;

    fake_pci_set(&front->function, first + 1u, 1, first);
    before = bench->host.sequence;
    assert_result(open_device(bench), VIRTIO_E_CAPABILITY);
    assert_int_equal(header_reads(bench, before), 48);
}

static void test_p15_all_48_capabilities_are_seen(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    /* 32 of 4 bytes and then the four. */
    for (unsigned i = 0; i < 27; i++)
        fake_pci_add_capability(&front->function, 0x01, "\0\0", 2);
    add_good(front);
    check_good(bench);
}

static void test_p15_links_are_masked_and_stay_above_the_header(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);
    uint8_t last;

    add_good(front);
    /* A link into the header is the end, though the interrupt line reads like MSI-X there. */
    last = fake_pci_add_capability(&front->function, 0x01, "\0\0", 2);
    fake_pci_set(&front->function, last + 1u, 1, 0x3c);
    fake_pci_set(&front->function, 0x3c, 4, 0x11);
    /* The lowest two bits of a link are reserved, and not part of it. */
    front->function.config[FAKE_PCI_CAPABILITIES] |= 3;
    front->function.config[0x41] |= 2;
    check_good(bench);
    assert_int_equal(bench->device.pci.msix_capability, 0);
}

static void test_p15_no_list_is_no_list(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add_good(front);
    front->function.config[FAKE_PCI_STATUS] &= 0xef;
    assert_result(open_device(bench), VIRTIO_E_CAPABILITY);
    bench->device.force = VIRTIO_FORCE_MODERN;
    assert_result(virtio_pci_open(&bench->device), VIRTIO_E_NOT_SUPPORTED);
}

static void test_p15_short_capabilities_are_passed(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    fake_virtio_pci_add_capability(front, COMMON, 4, 0x200, 0x60, 0, 15);
    fake_virtio_pci_add_capability(front, NOTIFY, 4, 0x200, 0x60, 0, 19);
    fake_virtio_pci_add_capability(front, WINDOW, 0, 0, 0, 0, 19);
    fake_virtio_pci_add_capability(front, ISR, 4, 0x200, 0x60, 0, 0);
    add_good(front);
    assert_ok(open_device(bench));
    assert_good(bench);
    assert_int_equal(bench->device.pci.window_capability, 0);
    bench->device.ops->close(&bench->device);
}

/* The last bytes of configuration space: a header fits there, the rest does not. */
static void test_p15_a_capability_that_runs_off_configuration_space_is_passed(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add_good(front);
    front->function.next_capability = 0xf4;
    fake_pci_add_capability(&front->function, 0x09, "\x14\x05\0\0\0\0\0\0\0\0", 10);
    check_good(bench);
    assert_int_equal(bench->device.pci.window_capability, 0);
}

static void test_p16_structures_outside_their_bar_are_passed(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add(front, COMMON, 4, 0x4000, 0x60);
    add(front, COMMON, 4, 0x3fc8, 0x60);
    add(front, NOTIFY, 4, 0xfffffffc, 0x10);
    add(front, NOTIFY, 4, 0x10, 0xffffffff);
    add_good(front);
    check_good(bench);
}

static void test_p16_structures_that_are_too_small_or_misaligned_are_passed(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add(front, COMMON, 4, 0x200, 55);
    add(front, NOTIFY, 4, 0x200, 1);
    add(front, ISR, 4, 0x200, 0);
    add(front, DEVICE_CONFIG, 4, 0x200, 0);
    add(front, COMMON, 4, 0x202, 0x60);
    add(front, NOTIFY, 4, 0x201, 0x60);
    add(front, DEVICE_CONFIG, 4, 0x202, 0x60);
    add_good(front);
    check_good(bench);
}

static void test_p16_nothing_but_malformed_structures_is_told(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add(front, COMMON, 4, 0x200, 55);
    add(front, NOTIFY, 4, 0x200, 4);
    assert_result(open_device(bench), VIRTIO_E_CAPABILITY);
    bench->device.force = VIRTIO_FORCE_MODERN;
    assert_result(virtio_pci_open(&bench->device), VIRTIO_E_CAPABILITY);
    bench->device.force = VIRTIO_FORCE_LEGACY;
    assert_result(virtio_pci_open(&bench->device), VIRTIO_E_NOT_SUPPORTED);
}

static void test_p16_a_structure_that_is_missing_is_told(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add(front, COMMON, 4, 0x200, 56);
    add(front, ISR, 4, 0x200, 4);
    assert_result(open_device(bench), VIRTIO_E_CAPABILITY);
}

/* Each field of a structure that is taken is read once: what was checked is what is used. */
static void test_p16_capabilities_are_copied_once(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);
    unsigned reads[256] = {0};
    uint64_t sequence;

    add_good(front);
    check_good(bench);
    for (sequence = 1; sequence <= bench->host.sequence; sequence++) {
        const struct fake_event *event = fake_host_event_at(&bench->host, sequence);

        if (event->kind == FAKE_CONFIG_READ && (event->address & 0xfff) >= 0x40)
            assert_int_equal(++reads[event->address & 0xff], 1);
    }
    assert_int_equal(reads[0x48], 1);
}

static void test_p18_a_device_without_configuration_space_is_driven(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add(front, COMMON, 4, 0x200, 56);
    add(front, NOTIFY, 4, 0x300, 4);
    assert_ok(open_device(bench));
    assert_int_equal(bench->device.ops->get_config_size(&bench->device), 0);
    bench->device.ops->close(&bench->device);
    add(front, DEVICE_CONFIG, 4, 0x2000, 0); /* as good as none */
    assert_ok(open_device(bench));
    assert_int_equal(bench->device.ops->get_config_size(&bench->device), 0);
    bench->device.ops->close(&bench->device);
}

/* The ISR status is one byte wherever it is, and any register of it is read with one byte. */
static void test_p21_the_isr_status_may_be_one_byte_anywhere(struct bench *bench)
{
    struct fake_virtio_pci *front = begin(bench);

    add(front, ISR, 4, 0x3fff, 1);
    add(front, COMMON, 4, 0x200, 56);
    add(front, NOTIFY, 4, 0x300, 4);
    assert_ok(open_device(bench));
    assert_region(&bench->device.pci.isr, VIRTIO_SPACE_MEMORY, MODERN_MEMORY + 0x3fff, 1);
    bench->device.ops->close(&bench->device);
}

static const struct bench_test tests[] = {
    TEST(test_p17_each_field_comes_from_its_own_capability, BENCH_ONE),
    TEST(test_p21_p22_longer_structures_and_capabilities_are_accepted, BENCH_ONE),
    TEST(test_p13_the_first_usable_one_is_taken, BENCH_ONE),
    TEST(test_p13_reserved_bars_and_types_are_ignored, BENCH_ONE),
    TEST(test_p13_structures_in_bars_that_do_not_exist_are_passed, BENCH_ONE),
    TEST(test_p12_p13_ports_are_used_where_there_are_ports, BENCH_ONE),
    TEST(test_p12_p13_ports_out_of_reach_are_passed, BENCH_WINDOW),
    TEST(test_p10_the_window_is_the_last_resort, BENCH_WINDOW),
    TEST(test_p10_without_a_window_the_reason_is_told, BENCH_WINDOW),
    TEST(test_p10_an_unreachable_modern_interface_falls_back_to_legacy, BENCH_WINDOW),
    TEST(test_p09_an_unassigned_bar_is_told, BENCH_ONE),
    TEST(test_p14_only_vendor_specific_capabilities_count, BENCH_ONE),
    TEST(test_p15_a_list_that_loops_ends, BENCH_ONE),
    TEST(test_p15_all_48_capabilities_are_seen, BENCH_ONE),
    TEST(test_p15_links_are_masked_and_stay_above_the_header, BENCH_ONE),
    TEST(test_p15_no_list_is_no_list, BENCH_ONE),
    TEST(test_p15_short_capabilities_are_passed, BENCH_ONE),
    TEST(test_p15_a_capability_that_runs_off_configuration_space_is_passed, BENCH_ONE),
    TEST(test_p16_structures_outside_their_bar_are_passed, BENCH_ONE),
    TEST(test_p16_structures_that_are_too_small_or_misaligned_are_passed, BENCH_ONE),
    TEST(test_p16_nothing_but_malformed_structures_is_told, BENCH_ONE),
    TEST(test_p16_a_structure_that_is_missing_is_told, BENCH_ONE),
    TEST(test_p16_capabilities_are_copied_once, BENCH_ONE),
    TEST(test_p18_a_device_without_configuration_space_is_driven, BENCH_ONE),
    TEST(test_p21_the_isr_status_may_be_one_byte_anywhere, BENCH_ONE),
};

BENCH_MAIN(tests)
