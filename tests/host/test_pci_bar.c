/* SPDX-License-Identifier: MIT */
/*
 * Base address registers: decoding, sizing, reaching and the command register (PCI 6.2.5). That BARs are sized
 * with decoding off, and that they and the command register are put back, the fake bus checks in each
 * of these tests.
 */
#include "bench.h"
#include "transport/pci_internal.h"

#include <string.h>

static const struct virtio_pci_address here = {.device = 3};

static struct fake_function *begin(struct bench *bench)
{
    struct fake_function *function = &bench->front.function;

    fake_pci_begin(&bench->pci, &bench->host);
    bench->has_pci = true;
    fake_pci_add(&bench->pci, function, here);
    fake_pci_set(function, FAKE_PCI_VENDOR, 4, 0x10411af4);
    fake_pci_set(function, FAKE_PCI_COMMAND, 2, 0x0547); /* with parity, SERR, no INTx */
    fake_pci_set(function, FAKE_PCI_STATUS, 2, 0xffff & ~0x10u);
    return function;
}

static void find(struct bench *bench)
{
    fake_pci_settle(&bench->pci);
    assert_ok(virtio_pci_probe(&bench->host.host, VIRTIO_PCI_CONFIG_HOST, here, &bench->device));
    assert_ok(virtio_pci_bars_find(&bench->device));
}

static void assert_bar(const struct bench *bench, unsigned index, enum virtio_space space,
                       uint64_t address, uint64_t size)
{
    const struct virtio_pci_bar *bar = &bench->device.pci.bars[index];

    assert_int_equal(bar->space, space);
    if (space == VIRTIO_SPACE_NONE)
        return;
    assert_true(bar->address == address);
    assert_true(bar->size == size);
}

static void test_p06_p07_each_bar_is_decoded(struct bench *bench)
{
    struct fake_function *function;

    function = begin(bench);
    fake_pci_set_bar(function, 0, VIRTIO_SPACE_IO, false, 0x20, 0xc040);
    fake_pci_set_bar(function, 1, VIRTIO_SPACE_MEMORY, false, 0x1000, 0xfebd1000);
    /* The upper half looks like an I/O BAR, and the size is beyond 32 bits. */
    fake_pci_set_bar(function, 2, VIRTIO_SPACE_MEMORY, true, UINT64_C(1) << 32,
                     UINT64_C(0x300000000));
    fake_pci_set_bar(function, 4, VIRTIO_SPACE_MEMORY, true, 0x4000, UINT64_C(0x8000004000));
    find(bench);
    assert_bar(bench, 0, VIRTIO_SPACE_IO, 0xc040, 0x20);
    assert_bar(bench, 1, VIRTIO_SPACE_MEMORY, 0xfebd1000, 0x1000);
    assert_bar(bench, 2, VIRTIO_SPACE_MEMORY, UINT64_C(0x300000000), UINT64_C(1) << 32);
    assert_bar(bench, 3, VIRTIO_SPACE_NONE, 0, 0);
    assert_bar(bench, 4, VIRTIO_SPACE_MEMORY, UINT64_C(0x8000004000), 0x4000);
    assert_bar(bench, 5, VIRTIO_SPACE_NONE, 0, 0);
    assert_true(bench->device.pci.bars[2].is_64bit);
    assert_false(bench->device.pci.bars[1].is_64bit);
}

static void test_p07_sizes_from_the_smallest_to_the_largest(struct bench *bench)
{
    static const struct {
        enum virtio_space space;
        bool is_64bit;
        uint64_t size;
        uint64_t address;
    } cases[] = {
        {VIRTIO_SPACE_IO, false, 4, 0x1004},
        {VIRTIO_SPACE_IO, false, 0x100, 0x1100},
        {VIRTIO_SPACE_MEMORY, false, 16, 0xfebd0010},
        {VIRTIO_SPACE_MEMORY, false, 0x40000000, 0x40000000},
        {VIRTIO_SPACE_MEMORY, true, 16, 0xfebd0010}, /* 64 bits, below 4 GiB */
        {VIRTIO_SPACE_MEMORY, true, UINT64_C(1) << 31, UINT64_C(0x180000000)},
        {VIRTIO_SPACE_MEMORY, true, UINT64_C(1) << 40, UINT64_C(1) << 41},
        {VIRTIO_SPACE_MEMORY, true, UINT64_C(1) << 62, UINT64_C(1) << 62},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fake_function *function;

        function = begin(bench);
        fake_pci_set_bar(function, 2, cases[i].space, cases[i].is_64bit, cases[i].size,
                         cases[i].address);
        find(bench);
        assert_bar(bench, 2, cases[i].space, cases[i].address, cases[i].size);
        assert_bar(bench, 3, VIRTIO_SPACE_NONE, 0, 0);
        fake_pci_check_restored(&bench->pci);
        fake_host_detach(&bench->host, &bench->pci.target);
    }
    bench->has_pci = false;
}

/* Many bridges decode 16 bits of I/O addresses only: the upper half of the BAR is hard-wired to zero. */
static void test_p07_an_io_bar_of_16_bits_is_sized(struct bench *bench)
{
    struct fake_function *function;

    function = begin(bench);
    fake_pci_set_bar(function, 0, VIRTIO_SPACE_IO, false, 0x40, 0xc000);
    function->writable[FAKE_PCI_BAR0 + 2] = 0;
    function->writable[FAKE_PCI_BAR0 + 3] = 0;
    find(bench);
    assert_bar(bench, 0, VIRTIO_SPACE_IO, 0xc000, 0x40);
}

/* The last register can't be the lower half of anything. */
static void test_p07_a_64_bit_bar_without_an_upper_half_is_none(struct bench *bench)
{
    struct fake_function *function;

    function = begin(bench);
    fake_pci_set_bar(function, 5, VIRTIO_SPACE_MEMORY, false, 0x1000, 0xfebd1000);
    function->config[FAKE_PCI_BAR0 + 20] |= 4;
    find(bench);
    assert_bar(bench, 5, VIRTIO_SPACE_NONE, 0, 0);
}

/* The command register: decoding off while sizing, one 16-bit write each time, no other bit touched, and
 * the status register, in the same 32 bits, never written. */
static void test_p08_decoding_is_off_while_sizing(struct bench *bench)
{
    struct fake_function *function;
    uint64_t sequence, commands[4] = {0};
    unsigned count = 0;

    function = begin(bench);
    fake_pci_set_bar(function, 0, VIRTIO_SPACE_IO, false, 0x20, 0xc040);
    find(bench);
    for (sequence = 1; sequence <= bench->host.sequence; sequence++) {
        const struct fake_event *event = fake_host_event_at(&bench->host, sequence);

        if (event->kind != FAKE_CONFIG_WRITE || (event->address & 0xfff) != FAKE_PCI_COMMAND)
            continue;
        assert_int_equal(event->width, 2);
        assert_true(count < 4);
        commands[count++] = event->value;
    }
    assert_int_equal(count, 2);
    assert_int_equal(commands[0], 0x0544);
    assert_int_equal(commands[1], 0x0547);
    assert_int_equal(bench->device.pci.saved_command, 0x0547);
}

static void test_a_device_that_is_gone_is_not_written_to(struct bench *bench)
{
    struct fake_function *function;

    function = begin(bench);
    assert_ok(virtio_pci_probe(&bench->host.host, VIRTIO_PCI_CONFIG_HOST, here, &bench->device));
    function->gone = true;
    assert_result(virtio_pci_open(&bench->device), VIRTIO_E_GONE);
    assert_int_equal(bench->pci.writes, 0);
    assert_null(bench->device.ops);
}

static int reach(struct bench *bench, unsigned index, uint32_t offset, uint32_t length,
                 struct virtio_region *region)
{
    return virtio_pci_bar_reach(&bench->device, index, offset, length, region);
}

static void test_p09_a_bar_without_an_address_is_told(struct bench *bench)
{
    struct virtio_region region;
    struct fake_function *function;

    function = begin(bench);
    fake_pci_set_bar(function, 0, VIRTIO_SPACE_IO, false, 0x20, 0xc040);
    fake_pci_set_bar(function, 1, VIRTIO_SPACE_MEMORY, false, 0x1000, 0);
    fake_pci_set_bar(function, 4, VIRTIO_SPACE_MEMORY, true, 0x4000, UINT64_C(0x180000000));
    find(bench);
    assert_result(reach(bench, 1, 0, 4, &region), VIRTIO_E_BAR_UNASSIGNED);
    /* Memory decoding can't be switched on for BAR4 without BAR1 answering at address 0. */
    assert_result(reach(bench, 4, 0, 4, &region), VIRTIO_E_BAR_UNASSIGNED);
    assert_ok(reach(bench, 0, 0, 4, &region));
    fake_pci_set(function, FAKE_PCI_COMMAND, 2, 0);
    bench->device.pci.saved_command = 0;
    virtio_pci_enable(&bench->device);
    assert_int_equal(fake_pci_get(function, FAKE_PCI_COMMAND, 2), 5);
    fake_pci_set(function, FAKE_PCI_COMMAND, 2, 0x0547);
}

/* What is left when somebody sized a BAR and did not write it back. */
static void test_p09_all_ones_are_no_address(struct bench *bench)
{
    struct virtio_region region;
    struct fake_function *function;

    function = begin(bench);
    fake_pci_set_bar(function, 0, VIRTIO_SPACE_IO, false, 0x20, 0xffffffe0);
    fake_pci_set_bar(function, 4, VIRTIO_SPACE_MEMORY, true, 0x4000, ~UINT64_C(0x3fff));
    find(bench);
    assert_bar(bench, 0, VIRTIO_SPACE_IO, 0, 0x20);
    assert_bar(bench, 4, VIRTIO_SPACE_MEMORY, 0, 0x4000);
    assert_result(reach(bench, 0, 0, 4, &region), VIRTIO_E_BAR_UNASSIGNED);
    assert_result(reach(bench, 4, 0, 4, &region), VIRTIO_E_BAR_UNASSIGNED);
}

static void test_p16_a_range_must_be_within_the_bar(struct bench *bench)
{
    struct virtio_region region;
    struct fake_function *function;

    function = begin(bench);
    fake_pci_set_bar(function, 4, VIRTIO_SPACE_MEMORY, true, 0x4000, UINT64_C(0x180000000));
    find(bench);
    assert_ok(reach(bench, 4, 0, 0x4000, &region));
    assert_ok(reach(bench, 4, 0x3ffe, 2, &region));
    assert_int_equal(region.length, 2);
    assert_true(region.address == UINT64_C(0x180003ffe));
    assert_ok(reach(bench, 4, 0x4000, 0, &region));
    assert_result(reach(bench, 4, 0x4000, 1, &region), VIRTIO_E_CAPABILITY);
    assert_result(reach(bench, 4, 1, 0x4000, &region), VIRTIO_E_CAPABILITY);
    assert_result(reach(bench, 4, 0x4001, 0, &region), VIRTIO_E_CAPABILITY);
    assert_result(reach(bench, 4, 0xfffffffe, 4, &region), VIRTIO_E_CAPABILITY);
    assert_result(reach(bench, 4, 4, 0xffffffff, &region), VIRTIO_E_CAPABILITY);
    assert_result(reach(bench, 5, 0, 4, &region), VIRTIO_E_CAPABILITY);
    assert_result(reach(bench, 0, 0, 4, &region), VIRTIO_E_CAPABILITY);
}

/* Natively: one mapping of the whole BAR however often it is reached, none at all when that fails. */
static void test_p19_a_bar_is_mapped_once(struct bench *bench)
{
    static uint8_t memory[0x4000];
    struct fake_window window = {
        .address = UINT64_C(0x180000000), .size = sizeof(memory), .memory = memory};
    struct virtio_region one, other;
    struct fake_function *function;

    function = begin(bench);
    fake_host_add_window(&bench->host, &window);
    fake_pci_set_bar(function, 2, VIRTIO_SPACE_MEMORY, true, 0x1000, UINT64_C(0x180010000));
    fake_pci_set_bar(function, 4, VIRTIO_SPACE_MEMORY, true, 0x4000, UINT64_C(0x180000000));
    find(bench);
    assert_ok(reach(bench, 4, 0x1000, 0x100, &one));
    assert_ok(reach(bench, 4, 0x3000, 0x100, &other));
    assert_int_equal(bench->host.counts[FAKE_MMIO_MAP], 1);
    assert_ptr_equal(other.pointer, one.pointer + 0x2000);
    assert_result(reach(bench, 2, 0, 4, &one), VIRTIO_E_BAR_UNREACHABLE);
    assert_int_equal(one.space, VIRTIO_SPACE_PCI_WINDOW);
    virtio_pci_close(&bench->device);
    assert_int_equal(bench->host.counts[FAKE_MMIO_UNMAP], 1);
    virtio_pci_close(&bench->device);
    assert_int_equal(bench->host.counts[FAKE_MMIO_UNMAP], 1);
}

/* An address or size that does not fit a pointer is not cut to fit (32 bits), and a port not to 16 bits. */
static void test_p10_p44_what_the_cpu_cannot_reach_is_told(struct bench *bench)
{
    struct virtio_region region;
    struct fake_function *function;

    function = begin(bench);
    bench->host.host.mmio_map = NULL;
    bench->host.host.mmio_unmap = NULL;
    fake_pci_set_bar(function, 0, VIRTIO_SPACE_IO, false, 0x20, 0x1c040);
    fake_pci_set_bar(function, 2, VIRTIO_SPACE_MEMORY, true, 0x4000, UINT64_C(0x180000000));
    fake_pci_set_bar(function, 4, VIRTIO_SPACE_MEMORY, true, UINT64_C(1) << 33,
                     UINT64_C(0x200000000));
    find(bench);
    assert_result(reach(bench, 0, 0, 4, &region), VIRTIO_E_BAR_UNREACHABLE);
    assert_result(reach(bench, 2, 0, 4, &region),
                  sizeof(void *) == 4 ? VIRTIO_E_BAR_UNREACHABLE : VIRTIO_OK);
    assert_result(reach(bench, 4, 0, 4, &region),
                  sizeof(void *) == 4 ? VIRTIO_E_BAR_UNREACHABLE : VIRTIO_OK);
    virtio_pci_close(&bench->device);
}

static void test_p44_mapping_never_cuts_an_address(struct bench *bench)
{
    const struct virtio_host *host = &bench->host.host;

    bench->host.host.mmio_map = NULL;
    bench->host.host.mmio_unmap = NULL;
    assert_true(virtio_host_mmio_map(host, 0x1000, 0x1000) == (void *)(uintptr_t)0x1000);
    assert_non_null(virtio_host_mmio_map(host, UINTPTR_MAX, 1));
    assert_null(virtio_host_mmio_map(host, UINTPTR_MAX, 2));
    if (sizeof(void *) == 4) {
        assert_null(virtio_host_mmio_map(host, UINT64_C(0x100000000), 4));
        assert_null(virtio_host_mmio_map(host, UINT64_C(0x100001000), 0x1000));
        assert_null(virtio_host_mmio_map(host, 0xfffff000, 0x2000));
    }
}

static const struct bench_test tests[] = {
    TEST(test_p06_p07_each_bar_is_decoded, BENCH_ONE),
    TEST(test_p07_sizes_from_the_smallest_to_the_largest, BENCH_ONE),
    TEST(test_p07_an_io_bar_of_16_bits_is_sized, BENCH_ONE),
    TEST(test_p07_a_64_bit_bar_without_an_upper_half_is_none, BENCH_ONE),
    TEST(test_p08_decoding_is_off_while_sizing, BENCH_ONE),
    TEST(test_a_device_that_is_gone_is_not_written_to, BENCH_ONE),
    TEST(test_p09_a_bar_without_an_address_is_told, BENCH_ONE),
    TEST(test_p09_all_ones_are_no_address, BENCH_ONE),
    TEST(test_p16_a_range_must_be_within_the_bar, BENCH_ONE),
    TEST(test_p19_a_bar_is_mapped_once, BENCH_WINDOW),
    TEST(test_p10_p44_what_the_cpu_cannot_reach_is_told, BENCH_WINDOW),
    TEST(test_p44_mapping_never_cuts_an_address, BENCH_WINDOW),
};

BENCH_MAIN(tests)
