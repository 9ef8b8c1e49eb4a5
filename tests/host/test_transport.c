/* SPDX-License-Identifier: MIT */
/*
 * The operations of the transports on registers: features, queues, doorbells, configuration space. Widths,
 * directions and the order of queue set-up the fake devices check in each of these tests.
 */
#include "bench.h"
#include "transport/pci_internal.h"

#include <string.h>

#define HIGH_FEATURE (UINT64_C(1) << 40)

/* Writes to registers since `after`, by address from `base`; latest last. */
static unsigned register_writes(const struct bench *bench, uint64_t after, uint64_t base,
                                struct fake_event *writes, unsigned limit)
{
    unsigned count = 0;
    uint64_t sequence;

    for (sequence = after + 1; sequence <= bench->host.sequence; sequence++) {
        const struct fake_event *event = fake_host_event_at(&bench->host, sequence);

        if (event->kind != FAKE_REGISTER_WRITE || event->address < base ||
            event->address - base >= 0x4000)
            continue;
        assert_true(count < limit);
        writes[count] = *event;
        writes[count++].address -= base;
    }
    return count;
}

static void test_p30_all_feature_bits_are_read_and_written(struct bench *bench)
{
    const uint64_t offered = HIGH_FEATURE | VIRTIO_F_VERSION_1 | UINT64_C(0x80000001);

    bench->fake.features = offered;
    bench->wanted.supported = 1;
    bench_begin(bench);
    assert_true(bench->device.features_offered == (bench->legacy ? 0x80000001 : offered));
    assert_true((bench->fake.driver_features & 0xff) == 1);
    assert_true(((bench->fake.driver_features & VIRTIO_F_VERSION_1) != 0) == !bench->legacy);
    bench_stop(bench);
}

/* Version 1 has 32 bits: the upper half is not selected, neither to read nor to write. */
static void test_p30_legacy_mmio_has_one_half(struct bench *bench)
{
    struct fake_event writes[32];
    unsigned count;

    bench_begin(bench);
    count = register_writes(bench, 0, BENCH_MMIO_ADDRESS, writes, 32);
    assert_true(count > 4);
    for (unsigned i = 0; i < count; i++)
        if (writes[i].address == 0x14 || writes[i].address == 0x24)
            assert_int_equal(writes[i].value, 0);
    bench_stop(bench);
}

/* The halves are not mixed up: a pattern that has each byte different. */
static void test_p30_the_halves_stay_apart(struct bench *bench)
{
    const uint64_t pattern = UINT64_C(0x8877665544332211);

    bench->fake.is_lenient = true;
    bench->fake.features = pattern;
    bench_attach(bench);
    assert_ok((bench->profile & BENCH_MMIO) != 0 ? virtio_mmio_open(&bench->device)
                                                 : virtio_pci_open(&bench->device));
    bench->device.ops->set_device_status(&bench->device, 3);
    assert_true(bench->device.ops->get_device_features(&bench->device) ==
                (bench->legacy ? pattern & UINT32_MAX : pattern));
    bench->device.ops->set_guest_features(&bench->device, ~pattern);
    assert_true((uint32_t)bench->fake.driver_features == (uint32_t)~pattern);
    if (!bench->legacy)
        assert_true(bench->fake.driver_features == ~pattern);
    bench->device.ops->close(&bench->device);
}

static void test_p38_legacy_pci_alone_dictates_the_size(struct bench *bench)
{
    uint32_t size = 0;

    bench->fake.queues[0].maximum = 64;
    bench_begin(bench);
    assert_int_equal(bench->device.ops->dictates_queue_size, bench->profile == BENCH_PCI_LEGACY);
    bench->device.ops->set_queue_select(&bench->device, 0);
    assert_ok(bench->device.ops->get_queue_num_max(&bench->device, &size));
    assert_int_equal(size, 64);
    bench_stop(bench);
}

static void test_p41_a_queue_that_does_not_exist_has_size_0(struct bench *bench)
{
    uint32_t size = 1;

    bench_begin(bench);
    bench->device.ops->set_queue_select(&bench->device, 3);
    assert_ok(bench->device.ops->get_queue_num_max(&bench->device, &size));
    assert_int_equal(size, 0);
    bench_stop(bench);
}

static void test_p43_p44_addresses_reach_the_device_whole(struct bench *bench)
{
    const struct virtio_queue *queue = &bench->queues[0];
    const struct fake_queue *fake = &bench->fake.queues[0];
    uint64_t base;

    bench_start(bench, 16);
    base = queue->shared.device_address;
    assert_true(base > UINT32_MAX);
    assert_true(fake->address[FAKE_DESCRIPTORS] == base + queue->offsets.descriptors);
    assert_true(fake->address[FAKE_DRIVER] == base + queue->offsets.driver);
    assert_true(fake->address[FAKE_DEVICE] == base + queue->offsets.device);
    bench_stop(bench);
}

static void select_first(struct bench *bench)
{
    bench->device.ops->set_queue_select(&bench->device, 0);
    if (!bench->device.ops->dictates_queue_size)
        bench->device.ops->set_queue_num(&bench->device, 4);
    bench->device.ops->set_queue_align(&bench->device, 4096);
}

static int set_address(struct bench *bench, uint64_t address)
{
    const struct virtio_queue_addresses addresses = {.descriptors = address};

    return bench->device.ops->set_queue_address(&bench->device, &addresses);
}

/* A page number has 32 bits; what does not fit is refused before anything is written. */
static void test_p43_p44_legacy_addresses_are_checked(struct bench *bench)
{
    const uint64_t registers = bench->profile == BENCH_MMIO_1 ? BENCH_MMIO_ADDRESS : 0xc000;
    struct fake_event writes[1];
    uint64_t before;

    bench->fake.queues[0].maximum = 4;
    bench_begin(bench);
    select_first(bench);
    before = bench->host.sequence;
    assert_result(set_address(bench, UINT64_C(1) << 44), VIRTIO_E_INVALID);
    assert_result(set_address(bench, UINT64_C(0xf00000001000)), VIRTIO_E_INVALID);
    assert_result(set_address(bench, 0x100000800), VIRTIO_E_INVALID);
    assert_result(set_address(bench, 0), VIRTIO_E_INVALID);
    assert_int_equal(register_writes(bench, before, registers, writes, 1), 0);
    bench_stop(bench);
}

static void test_p43_the_highest_legacy_page_is_written_whole(struct bench *bench)
{
    bench->fake.is_lenient = true;
    bench->fake.refuses_enable = true; /* there is no memory there */
    bench->fake.queues[0].maximum = 4;
    bench_begin(bench);
    select_first(bench);
    assert_result(set_address(bench, (UINT64_C(1) << 44) - 4096), VIRTIO_E_STATE);
    assert_true(bench->fake.queues[0].address[FAKE_DESCRIPTORS] == (UINT64_C(1) << 44) - 4096);
    bench_stop(bench);
}

static void test_p46_an_active_queue_is_busy(struct bench *bench)
{
    uint32_t size = 77;

    bench_begin(bench);
    bench->fake.keeps_queue_enabled = true;
    bench->device.ops->set_queue_select(&bench->device, 0);
    assert_result(bench->device.ops->get_queue_num_max(&bench->device, &size), VIRTIO_E_BUSY);
    assert_int_equal(size, 77);
    assert_result(virtio_ring_init(&bench->queues[0], &bench->device, 0, 8), VIRTIO_E_BUSY);
    bench->fake.keeps_queue_enabled = false;
    bench_stop(bench);
}

static void test_a_queue_that_is_not_taken_is_told(struct bench *bench)
{
    bench->fake.queues[0].maximum = 8;
    bench->fake.refuses_enable = true;
    bench_begin(bench);
    assert_ok(virtio_ring_init(&bench->queues[0], &bench->device, 0, 8));
    assert_result(virtio_ring_map(&bench->queues[0], NULL), VIRTIO_E_STATE);
    bench_stop(bench);
}

/* Size, vector, addresses and then 1 to queue_enable: nothing after it, and never 0. */
static void test_p47_enabling_comes_last(struct bench *bench)
{
    struct fake_event writes[16];
    unsigned count, enables = 0;
    uint64_t before;

    bench_begin(bench);
    assert_ok(virtio_ring_init(&bench->queues[0], &bench->device, 0, 8));
    bench->fake.queues[0].vector = 1; /* of a device that forgets to unmap it when it is reset */
    before = bench->host.sequence;
    assert_ok(virtio_ring_map(&bench->queues[0], NULL));
    count = register_writes(bench, before, 0xfe000000, writes, 16);
    for (unsigned i = 0; i < count; i++) {
        if (writes[i].address == 28) {
            enables++;
            assert_int_equal(writes[i].value, 1);
            assert_int_equal(writes[i].width, 2);
        } else if (writes[i].address != 22) {
            assert_int_equal(enables, 0);
        }
    }
    assert_int_equal(enables, 1);
    assert_int_equal(bench->fake.queues[0].vector, 0xffff);
    bench_stop(bench);
}

static void test_p47_queue_ready_is_written_1_and_last(struct bench *bench)
{
    struct fake_event writes[16];
    unsigned count;
    uint64_t before;

    bench_begin(bench);
    assert_ok(virtio_ring_init(&bench->queues[0], &bench->device, 0, 8));
    before = bench->host.sequence;
    assert_ok(virtio_ring_map(&bench->queues[0], NULL));
    count = register_writes(bench, before, BENCH_MMIO_ADDRESS, writes, 16);
    assert_true(count > 7);
    assert_int_equal(writes[count - 1].address, 0x44);
    assert_int_equal(writes[count - 1].value, 1);
    bench_stop(bench);
}

/* A kick is one access: the notification, with its own width and value. */
static void test_p22_a_notification_is_one_access(struct bench *bench)
{
    static const struct {
        unsigned profile;
        uint64_t address;
        unsigned width;
    } expected[] = {
        {BENCH_PCI_LEGACY, 0xc010, 2},
        {BENCH_PCI_MODERN, 0xfe003000, 2},
        {BENCH_MMIO_1, BENCH_MMIO_ADDRESS + 0x50, 4},
        {BENCH_MMIO_2, BENCH_MMIO_ADDRESS + 0x50, 4},
    };
    struct fake_event event = {0};
    uint64_t before, sequence;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    assert_ok(bench_submit(bench, 16, 16, NULL));
    before = bench->host.counts[FAKE_REGISTER_READ] + bench->host.counts[FAKE_REGISTER_WRITE];
    sequence = bench->host.sequence;
    assert_ok(virtio_kick(&bench->queues[0]));
    assert_int_equal(bench->host.counts[FAKE_REGISTER_READ] +
                         bench->host.counts[FAKE_REGISTER_WRITE],
                     before + 1);
    while (event.kind != FAKE_REGISTER_WRITE)
        event = *fake_host_event_at(&bench->host, ++sequence);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        if (expected[i].profile != bench->profile)
            continue;
        assert_true(event.address == expected[i].address);
        assert_int_equal(event.width, expected[i].width);
        assert_int_equal(event.value, 0);
    }
    bench_reap(bench, 0);
    bench_stop(bench);
}

static void test_the_slow_path_notifies_too(struct bench *bench)
{
    bench_start(bench, 8);
    bench->device.ops->set_queue_notify(&bench->device, 0);
    assert_int_equal(bench->fake.queues[0].notifications, 1);
    bench_stop(bench);
}

/* queue_notify_off times the multiplier, with 64 bits, and within the structure. */
static void check_doorbell(struct bench *bench, uint16_t notify_off, uint32_t multiplier,
                           int result, uint64_t address)
{
    struct virtio_doorbell doorbell;

    bench->fake.queues[0].notify_off = notify_off;
    bench->device.pci.notify_off_multiplier = multiplier;
    assert_result(bench->device.ops->get_queue_doorbell(&bench->device, 0, &doorbell), result);
    if (result == VIRTIO_OK) {
        assert_true(doorbell.region.address == 0xfe003000 + address);
        assert_int_equal(doorbell.region.length, 2);
        assert_int_equal(doorbell.width, 2);
    }
}

static void test_p22_doorbells_are_where_the_device_says(struct bench *bench)
{
    bench_begin(bench);
    bench->device.pci.notify.length = 0x1000;
    check_doorbell(bench, 0, 4, VIRTIO_OK, 0);
    check_doorbell(bench, 5, 4, VIRTIO_OK, 20);
    check_doorbell(bench, 5, 0, VIRTIO_OK, 0);
    check_doorbell(bench, 0x7ff, 2, VIRTIO_OK, 0xffe);
    check_doorbell(bench, 0x800, 2, VIRTIO_E_CAPABILITY, 0);
    check_doorbell(bench, 1, 0xfff, VIRTIO_E_CAPABILITY, 0);
    check_doorbell(bench, 1, 1, VIRTIO_E_CAPABILITY, 0);
    check_doorbell(bench, 0x8000, 0x20000, VIRTIO_E_CAPABILITY, 0);
    check_doorbell(bench, 0xffff, 0xffffffff, VIRTIO_E_CAPABILITY, 0);
    bench_stop(bench);
}

/* With VIRTIO_F_NOTIFICATION_DATA a notification has 32 bits (4.1.5.2.1). */
static void test_p22_notification_data_takes_four_bytes(struct bench *bench)
{
    struct virtio_doorbell doorbell;

    bench_begin(bench);
    bench->device.features |= VIRTIO_F_NOTIFICATION_DATA;
    assert_ok(bench->device.ops->get_queue_doorbell(&bench->device, 0, &doorbell));
    assert_int_equal(doorbell.width, 4);
    assert_int_equal(doorbell.region.length, 4);
    bench->device.pci.notify.length = 3;
    assert_result(bench->device.ops->get_queue_doorbell(&bench->device, 0, &doorbell),
                  VIRTIO_E_CAPABILITY);
    bench_stop(bench);
}

static void test_p22_a_doorbell_out_of_bounds_stops_the_queue(struct bench *bench)
{
    bench->fake.queues[0].notify_off = 0x8000;
    bench_begin(bench);
    assert_ok(virtio_ring_init(&bench->queues[0], &bench->device, 0, 8));
    assert_result(virtio_ring_map(&bench->queues[0], NULL), VIRTIO_E_CAPABILITY);
    bench_stop(bench);
}

static uint64_t config64(struct bench *bench)
{
    uint64_t value = 0;

    assert_ok(virtio_config_read(&bench->device, 0, 8, &value));
    return value;
}

/* Whoever handles interrupts switches MSI-X on and off: the fields move and come back. */
static void test_p81_legacy_configuration_moves_with_msix(struct bench *bench)
{
    const uint64_t capacity = UINT64_C(0x0123456789abcdef);

    bench->fake.config_size = 8;
    fake_device_set_config(&bench->fake, 0, 8, capacity);
    bench_begin(bench);
    assert_int_equal(bench->device.ops->get_config_size(&bench->device), 0x80 - 20);
    assert_true(config64(bench) == capacity);
    fake_virtio_pci_enable_msix(&bench->front, true);
    assert_int_equal(bench->device.ops->get_config_size(&bench->device), 0x80 - 24);
    assert_true(config64(bench) == capacity);
    bench->device.ops->write_device(&bench->device, 4, 1, 0x99);
    assert_int_equal(bench->fake.config[4], 0x99);
    fake_virtio_pci_enable_msix(&bench->front, false);
    assert_true(config64(bench) == fake_get(&bench->fake, bench->fake.config, 8));
    bench_stop(bench);
}

/* The vector fields exist only while MSI-X is enabled. */
static void test_p81_a_legacy_queue_has_no_vector(struct bench *bench)
{
    bench->fake.queues[0].maximum = 8;
    bench_attach(bench);
    fake_virtio_pci_enable_msix(&bench->front, true);
    bench_begin(bench);
    bench->fake.queues[0].vector = 1;
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, 8));
    assert_int_equal(bench->fake.queues[0].vector, 0xffff);
    bench_stop(bench);
}

static void test_p23_configuration_is_accessed_as_it_is_asked_for(struct bench *bench)
{
    static const uint8_t widths[] = {8, 4, 2, 1, 1, 0};

    bench->fake.config_size = 16;
    bench->fake.config_widths = widths;
    fake_device_set_config(&bench->fake, 0, 8, UINT64_C(0x8877665544332211));
    fake_device_set_config(&bench->fake, 8, 4, 0xbbaa0099);
    fake_device_set_config(&bench->fake, 12, 2, 0xddcc);
    fake_device_set_config(&bench->fake, 14, 1, 0xee);
    fake_device_set_config(&bench->fake, 15, 1, 0xff);
    bench_begin(bench);
    assert_true(config64(bench) == UINT64_C(0x8877665544332211));
    assert_int_equal(bench->device.ops->read_device(&bench->device, 8, 4), 0xbbaa0099);
    assert_int_equal(bench->device.ops->read_device(&bench->device, 12, 2), 0xddcc);
    assert_int_equal(bench->device.ops->read_device(&bench->device, 15, 1), 0xff);
    bench->device.ops->write_device(&bench->device, 8, 4, 0x04030201);
    bench->device.ops->write_device(&bench->device, 12, 2, 0x0605);
    bench->device.ops->write_device(&bench->device, 14, 1, 0x07);
    assert_int_equal(fake_get(&bench->fake, &bench->fake.config[8], 4), 0x04030201);
    assert_int_equal(fake_get(&bench->fake, &bench->fake.config[12], 2), 0x0605);
    assert_memory_equal(&bench->fake.config[14], "\7\xff", 2);
    bench_stop(bench);
}

static void test_p82_the_generation_shows_where_there_is_one(struct bench *bench)
{
    const uint8_t byte = 1;
    uint32_t before;

    bench->fake.config_size = 8;
    bench_begin(bench);
    before = bench->device.ops->get_config_generation(&bench->device);
    fake_device_change_config(&bench->fake, 0, &byte, 1);
    assert_int_equal(bench->device.ops->get_config_generation(&bench->device) != before,
                     !bench->legacy);
    bench_stop(bench);
}

/* cap.offset is a multiple of cap.length at any time, also between the two writes (4.1.4.9.2). */
static void assert_window_is_aligned(struct bench *bench)
{
    const unsigned capability = bench->front.window;
    uint64_t length = 0;
    unsigned checked = 0;

    for (uint64_t sequence = 1; sequence <= bench->host.sequence; sequence++) {
        const struct fake_event *event = fake_host_event_at(&bench->host, sequence);

        if (event->kind != FAKE_CONFIG_WRITE)
            continue;
        if ((event->address & 0xfff) == capability + 12u)
            length = event->value;
        if ((event->address & 0xfff) == capability + 8u) {
            assert_true(length != 0 && event->value % length == 0);
            checked++;
        }
    }
    assert_true(checked > 20);
}

/* The window: four configuration accesses a register. */
static void test_p10_the_window_does_it_all(struct bench *bench)
{
    uint64_t accesses;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    assert_int_equal(bench->host.counts[FAKE_REGISTER_READ], 0);
    assert_int_equal(bench->host.counts[FAKE_REGISTER_WRITE], 0);
    assert_ok(bench_submit(bench, 16, 16, NULL));
    accesses = bench->host.counts[FAKE_CONFIG_WRITE] + bench->host.counts[FAKE_CONFIG_READ];
    assert_ok(virtio_kick(&bench->queues[0]));
    assert_int_equal(bench->host.counts[FAKE_CONFIG_WRITE] + bench->host.counts[FAKE_CONFIG_READ],
                     accesses + 4);
    assert_window_is_aligned(bench);
    bench_reap(bench, 0);
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_p30_all_feature_bits_are_read_and_written, BENCH_ALL),
    TEST(test_p30_legacy_mmio_has_one_half, BENCH_MMIO_1),
    TEST(test_p30_the_halves_stay_apart, BENCH_ALL),
    TEST(test_p38_legacy_pci_alone_dictates_the_size, BENCH_ALL),
    TEST(test_p41_a_queue_that_does_not_exist_has_size_0, BENCH_ALL),
    TEST(test_p43_p44_addresses_reach_the_device_whole, BENCH_ALL),
    TEST(test_p43_p44_legacy_addresses_are_checked, BENCH_LEGACY),
    TEST(test_p43_the_highest_legacy_page_is_written_whole, BENCH_LEGACY),
    TEST(test_p46_an_active_queue_is_busy, BENCH_ALL),
    TEST(test_a_queue_that_is_not_taken_is_told, BENCH_ALL),
    TEST(test_p47_enabling_comes_last, BENCH_PCI_MODERN),
    TEST(test_p47_queue_ready_is_written_1_and_last, BENCH_MMIO_2),
    TEST(test_p22_a_notification_is_one_access, BENCH_LEGACY | BENCH_PCI_MODERN | BENCH_MMIO_2),
    TEST(test_the_slow_path_notifies_too, BENCH_ALL),
    TEST(test_p22_doorbells_are_where_the_device_says, BENCH_PCI_MODERN),
    TEST(test_p22_notification_data_takes_four_bytes, BENCH_PCI_MODERN),
    TEST(test_p22_a_doorbell_out_of_bounds_stops_the_queue, BENCH_PCI_MODERN),
    TEST(test_p81_legacy_configuration_moves_with_msix, BENCH_PCI_LEGACY),
    TEST(test_p81_a_legacy_queue_has_no_vector, BENCH_PCI_LEGACY),
    TEST(test_p23_configuration_is_accessed_as_it_is_asked_for, BENCH_ALL),
    TEST(test_p82_the_generation_shows_where_there_is_one, BENCH_ALL),
    TEST(test_p10_the_window_does_it_all, BENCH_WINDOW),
};

BENCH_MAIN(tests)
