/* SPDX-License-Identifier: MIT */
/*
 * The strict device itself: each rule that the fakes check is broken here by hand, without the library, and
 * must be found. tests/host/check-rules sees to it that no rule is left out.
 */
#include "by_hand.h"
#include "fake_rng.h"

#include <string.h>

/* Status and features ----------------------------------------------------------------------------- */

static void test_status_rules(struct bench *bench)
{
    bench_attach(bench);
    poke(bench, 0x70, 1);
    bench_expect_violation(bench, "reset-first");
    poke(bench, 0x70, 0);
    poke(bench, 0x14, 0);
    bench_expect_violation(bench, "reset-not-waited-for");
    (void)peek(bench, 0x70);
    poke(bench, 0x70, 2);
    bench_expect_violation(bench, "status-sequence");
    poke_status(bench, 0);
    poke(bench, 0x70, 1);
    poke(bench, 0x70, 2);
    bench_expect_violation(bench, "status-bit-cleared");
    poke(bench, 0x70, 7);
    bench_expect_violation(bench, "status-sequence"); /* DRIVER_OK without FEATURES_OK */
    poke_status(bench, 0);
    poke_status(bench, 1);
    poke(bench, 0x70, 9);
    bench_expect_violation(bench, "status-sequence"); /* FEATURES_OK without DRIVER */
    (void)fake_host_take_violation(&bench->host, "features-half-missing");
    (void)fake_host_take_violation(&bench->host, "version-1-not-accepted");
    poke_status(bench, 0);
    poke_status(bench, 1);
    poke(bench, 0x70, 0x11);
    bench_expect_violation(bench, "status-reserved-bits");
    poke(bench, 0x70, 0x41);
    bench_expect_violation(bench, "status-device-bit");
    poke(bench, 0x70, 0xc1);
    poke(bench, 0x70, 0xc3);
    bench_expect_violation(bench, "continued-after-failed");
}

static void test_feature_rules(struct bench *bench)
{
    bench_attach(bench);
    poke_status(bench, 0);
    poke_status(bench, 1);
    poke(bench, 0x14, 0);
    (void)peek(bench, 0x10);
    bench_expect_violation(bench, "features-before-driver");
    poke_status(bench, 0);
    poke_status(bench, 1);
    poke_status(bench, 3);
    (void)peek(bench, 0x10);
    bench_expect_violation(bench, "features-not-selected");
    poke(bench, 0x20, 0);
    bench_expect_violation(bench, "features-not-selected");
    poke(bench, 0x24, 1);
    poke(bench, 0x20, 2);
    bench_expect_violation(bench, "feature-not-offered");
    poke_status(bench, 0);
    poke_status(bench, 1);
    poke_status(bench, 3);
    poke(bench, 0x24, 0);
    poke(bench, 0x20, 0);
    poke_status(bench, 0x0b);
    bench_expect_violation(bench, "features-half-missing");
    bench_expect_violation(bench, "version-1-not-accepted");
    poke(bench, 0x20, 0);
    bench_expect_violation(bench, "features-at-wrong-time");
}

/* Offered by the device, and nothing that its driver knows. */
static void test_features_that_no_driver_implements(struct bench *bench)
{
    struct fake_rng rng;

    fake_rng_begin(&rng, &bench->fake);
    bench->fake.features |= 1u << 5 | VIRTIO_F_SR_IOV;
    bench_attach(bench);
    negotiate(bench);
    assert_int_equal(bench->host.violation_count, 0);
    negotiate_with(bench, 1u << 5);
    bench_expect_violation(bench, "feature-not-implemented");
    negotiate_with(bench, VIRTIO_F_SR_IOV);
    bench_expect_violation(bench, "feature-not-implemented");
}

static void test_config_rules(struct bench *bench)
{
    static const uint8_t widths[] = {8, 2, 2, 0};
    struct virtio_host *host = &bench->host.host;

    bench->fake.config_size = 12;
    bench->fake.config_widths = widths;
    bench_attach(bench);
    poke_status(bench, 0);
    (void)peek(bench, 0x100);
    bench_expect_violation(bench, "config-before-features");
    bench->fake.config_early = 8; /* which alone may be read, and only from DRIVER on */
    (void)host->register_read(host->ctx, VIRTIO_SPACE_MEMORY, BENCH_MMIO_ADDRESS + 0x108, 1);
    bench_expect_violation(bench, "config-before-features");
    negotiate(bench);
    (void)peek(bench, 0x10c);
    bench_expect_violation(bench, "config-beyond-end");
    (void)host->register_read(host->ctx, VIRTIO_SPACE_MEMORY, BENCH_MMIO_ADDRESS + 0x100, 2);
    bench_expect_violation(bench, "config-width");
    (void)peek(bench, 0x108);
    bench_expect_violation(bench, "config-width");
}

/* Queues ------------------------------------------------------------------------------------------ */

static void test_queue_rules(struct bench *bench)
{
    struct ring ring;

    bench_attach(bench);
    poke_status(bench, 0);
    poke_status(bench, 1);
    poke(bench, 0x30, 0);
    bench_expect_violation(bench, "queue-before-features");
    negotiate(bench);
    (void)peek(bench, 0x34);
    bench_expect_violation(bench, "queue-not-selected");
    poke(bench, 0x30, 0x10000);
    bench_expect_violation(bench, "queue-select-range");
    poke(bench, 0x30, 2);
    poke(bench, 0x38, 8);
    bench_expect_violation(bench, "queue-absent");
    poke(bench, 0x30, 0);
    poke(bench, 0x38, 512);
    bench_expect_violation(bench, "queue-size-range");
    poke(bench, 0x38, 100);
    bench_expect_violation(bench, "queue-size-power-of-two");
    negotiate(bench);
    ring_allocate(bench, &ring);
    poke(bench, 0x30, 0);
    bench->fake.queues[0].size = RING_SIZE; /* the device's own default */
    poke(bench, 0x44, 1);
    bench_expect_violation(bench, "queue-size-not-written");
    bench_expect_violation(bench, "queue-enabled-early");
    (void)fake_host_take_violation(&bench->host, "dma-address");
    poke(bench, 0x38, 8);
    bench_expect_violation(bench, "queue-changed-while-enabled");
    poke(bench, 0x44, 0);
    poke(bench, 0x38, 8);
    bench_expect_violation(bench, "queue-ready-unverified");
    (void)peek(bench, 0x44);
    poke(bench, 0x44, 2);
    bench_expect_violation(bench, "queue-ready-value");
    (void)peek(bench, 0x44);
    poke(bench, 0x38, 8);
    ring.address += 8;
    ring_addresses(bench, &ring);
    poke(bench, 0x44, 1);
    bench_expect_violation(bench, "queue-alignment");
    ring.address -= 8;
    poke_status(bench, 0x0f);
    poke(bench, 0x30, 0);
    poke(bench, 0x38, 8);
    bench_expect_violation(bench, "queue-setup-after-driver-ok");
    bench_expect_violation(bench, "queue-changed-while-enabled");
    ring_free(bench, &ring);
}

static void test_ring_must_be_zeroed(struct bench *bench)
{
    static const unsigned places[] = {0,       127,        AVAILABLE_AT + 2, AVAILABLE_AT + 5,
                                      USED_AT, USED_AT + 4};

    bench_attach(bench);
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct ring ring;

        negotiate(bench);
        ring_allocate(bench, &ring);
        ring.memory[places[i]] = 1;
        poke(bench, 0x30, 0);
        poke(bench, 0x38, RING_SIZE);
        ring_addresses(bench, &ring);
        poke(bench, 0x44, 1);
        bench_expect_violation(bench, "ring-not-zeroed");
        ring_free(bench, &ring);
    }
}

static void test_notification_rules(struct bench *bench)
{
    struct ring ring;

    bench_attach(bench);
    negotiate(bench);
    ring_set_up(bench, &ring);
    poke(bench, 0x50, 0);
    bench_expect_violation(bench, "notified-before-driver-ok");
    poke_status(bench, 0x0f);
    poke(bench, 0x50, 1);
    bench_expect_violation(bench, "notify-unknown-queue");
    fake_queue_suppress(&bench->fake.queues[0], true);
    poke(bench, 0x50, 0);
    bench_expect_violation(bench, "notified-though-suppressed");
    ring_free(bench, &ring);
}

/* Chains ------------------------------------------------------------------------------------------ */

static void start_echo(struct bench *bench, struct ring *ring)
{
    bench->fake.behaviour = &fake_echo;
    go_live(bench, ring);
}

static void test_good_chain_breaks_no_rule(struct bench *bench)
{
    struct ring ring;

    start_echo(bench, &ring);
    describe(&ring, 3, ring.address + BUFFER_AT, 16, 1, 5);
    describe(&ring, 5, ring.address + BUFFER_AT + 64, 16, 2, 0);
    offer(bench, &ring, 3);
    assert_int_equal(bench->fake.queues[0].completed, 1);
    assert_int_equal(ring.memory[USED_AT + 2], 1);
    assert_int_equal(ring.memory[USED_AT + 4], 3);
    assert_int_equal(ring.memory[USED_AT + 8], 16);
    ring_free(bench, &ring);
}

static void test_descriptor_rules(struct bench *bench)
{
    struct ring ring;
    uint64_t buffer;

    start_echo(bench, &ring);
    buffer = ring.address + BUFFER_AT;
    describe(&ring, 0, buffer, 0, 0, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "zero-length");
    describe(&ring, 0, buffer, 8, 4, 0); /* INDIRECT was not negotiated */
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "descriptor-flags");
    describe(&ring, 0, buffer, 8, 3, 1);
    describe(&ring, 1, buffer, 8, 0, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "readable-after-writable");
    describe(&ring, 0, buffer, 8, 1, 8);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "descriptor-index");
    offer(bench, &ring, 9);
    bench_expect_violation(bench, "descriptor-index");
    describe(&ring, 0, buffer, 8, 1, 1); /* a loop */
    describe(&ring, 1, buffer, 8, 1, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "descriptor-in-use");
    describe(&ring, 0, 0x1234, 8, 0, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "dma-address");
    describe(&ring, 0, ring.address + 4090, 8, 0, 0); /* beyond the end of its memory */
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "dma-address");
    ring_free(bench, &ring);
}

static void test_chain_of_more_than_4_gib(struct bench *bench)
{
    struct ring ring;

    go_live(bench, &ring);
    describe(&ring, 0, ring.address + BUFFER_AT, UINT32_MAX, 1, 1);
    describe(&ring, 1, ring.address + BUFFER_AT, 2, 0, 0);
    offer(bench, &ring, 0);
    fake_queue_take_all(&bench->fake.queues[0]);
    bench_expect_violation(bench, "chain-too-long");
    (void)fake_host_take_violation(&bench->host, "dma-address");
    ring_free(bench, &ring);
}

static void test_available_ring_rules(struct bench *bench)
{
    struct ring ring;

    start_echo(bench, &ring);
    describe(&ring, 0, ring.address + BUFFER_AT, 8, 0, 0);
    ring.memory[AVAILABLE_AT] = 2;
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "available-flags");
    ring.memory[AVAILABLE_AT] = 0;
    ring.index = 100; /* a jump */
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "available-index");
    ring_free(bench, &ring);
}

static void test_driver_must_leave_the_used_ring_alone(struct bench *bench)
{
    struct ring ring;

    start_echo(bench, &ring);
    describe(&ring, 0, ring.address + BUFFER_AT, 8, 0, 0);
    offer(bench, &ring, 0);
    ring.memory[USED_AT + 9] = 1;
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "driver-wrote-used-ring");
    ring_free(bench, &ring);
}

static void test_descriptors_in_flight_must_not_change(struct bench *bench)
{
    struct ring ring;

    go_live(bench, &ring);
    for (unsigned i = 0; i < 4; i++) {
        describe(&ring, 0, ring.address + BUFFER_AT, 8, 1, 1);
        describe(&ring, 1, ring.address + BUFFER_AT, 8, 2, 0);
        offer(bench, &ring, 0);
        assert_int_equal(fake_queue_take_all(&bench->fake.queues[0]), 1);
        if (i == 0)
            describe(&ring, 0, ring.address + BUFFER_AT, 9, 1, 1);
        if (i == 1)
            describe(&ring, 1, ring.address + BUFFER_AT + 1, 8, 2, 0);
        if (i == 2)
            describe(&ring, 0, ring.address + BUFFER_AT, 8, 1, 2);
        fake_chain_complete(bench->fake.queues[0].chains, 0);
        if (i < 3)
            bench_expect_violation(bench, "descriptor-changed");
    }
    ring_free(bench, &ring);
}

/* Nothing that the device may still use is given back: the ring, what it works on, what it was shown. */
static void test_memory_of_a_live_device_must_stay(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    uint8_t buffer[64] = {0};
    struct virtio_mapping mapping;
    struct ring ring;

    go_live(bench, &ring);
    for (unsigned taken = 0; taken < 2; taken++) {
        assert_ok(host->map(host->ctx, buffer, 64, VIRTIO_DEVICE_READS, 0, &mapping));
        describe(&ring, 0, mapping.device_address, 64, 0, 0);
        offer(bench, &ring, 0);
        if (taken)
            fake_queue_take_all(&bench->fake.queues[0]);
        assert_ok(host->unmap(host->ctx, &mapping));
        bench_expect_violation(bench, "unmapped-while-device-owns-it");
        if (taken) {
            fake_chain_complete(bench->fake.queues[0].chains, 0);
        } else {
            fake_queue_take_all(&bench->fake.queues[0]);
            bench_expect_violation(bench, "dma-address");
            fake_chain_complete(bench->fake.queues[0].chains, 0);
        }
    }
    host->dma_free(host->ctx, ring.memory, 4096, ring.address);
    bench_expect_violation(bench, "freed-while-device-owns-it");
}

/* A reset that was begun has not happened before the status reads 0. */
static void test_memory_must_stay_until_a_reset_was_seen(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    uint8_t buffer[64] = {0};
    struct virtio_mapping mapping;

    for (unsigned round = 0; round < 2; round++) {
        struct ring ring;

        go_live(bench, &ring);
        assert_ok(host->map(host->ctx, buffer, 64, VIRTIO_DEVICE_READS, 0, &mapping));
        describe(&ring, 0, mapping.device_address, 64, 0, 0);
        offer(bench, &ring, 0);
        poke(bench, 0x70, 0);
        if (round == 1)
            (void)peek(bench, 0x70);
        assert_ok(host->unmap(host->ctx, &mapping));
        if (round == 0)
            bench_expect_violation(bench, "unmapped-while-device-owns-it");
        assert_int_equal(bench->host.violation_count, 0);
        ring_free(bench, &ring);
    }
}

/* Mapped in the wrong direction, or as the wrong kind of address. */
static void test_mapping_must_suit_the_descriptor(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    uint8_t buffer[64] = {0};
    struct virtio_mapping mapping;
    struct ring ring;

    start_echo(bench, &ring);
    assert_ok(host->map(host->ctx, buffer, 64, VIRTIO_DEVICE_READS, 0, &mapping));
    describe(&ring, 0, mapping.device_address, 64, 2, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "map-direction");
    assert_ok(host->unmap(host->ctx, &mapping));
    assert_ok(host->map(host->ctx, buffer, 64, VIRTIO_DEVICE_READS, VIRTIO_DMA_ACCESS_PLATFORM,
                        &mapping));
    describe(&ring, 0, mapping.device_address, 64, 0, 0);
    offer(bench, &ring, 0);
    bench_expect_violation(bench, "dma-address-space");
    assert_ok(host->unmap(host->ctx, &mapping));
    ring_free(bench, &ring);
}

/* mmio registers ---------------------------------------------------------------------------------- */

static void test_mmio_register_rules(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;

    bench_attach(bench);
    (void)host->register_read(host->ctx, VIRTIO_SPACE_MEMORY, BENCH_MMIO_ADDRESS + 0x70, 1);
    bench_expect_violation(bench, "register-width");
    poke(bench, 0x34, 1);
    bench_expect_violation(bench, "register-direction");
    poke_status(bench, 0);
    (void)peek(bench, 0x30);
    bench_expect_violation(bench, "register-direction");
    (void)peek(bench, 0x68);
    bench_expect_violation(bench, "register-undefined");
    (void)peek(bench, 0x40); /* QueuePFN is version 1's */
    bench_expect_violation(bench, "register-undefined");
    poke(bench, 0x64, 4);
    bench_expect_violation(bench, "interrupt-ack-value");
}

static void test_mmio_identify_first(struct bench *bench)
{
    fake_mmio_attach(&bench->mmio, &bench->fake, BENCH_MMIO_ADDRESS, 2);
    (void)peek(bench, 0x04);
    bench_expect_violation(bench, "identify-first");
    (void)peek(bench, 0x70);
    bench_expect_violation(bench, "identify-first");
    (void)peek(bench, 0x100);
    bench_expect_violation(bench, "identify-first");
    (void)fake_host_take_violation(&bench->host, "config-before-features");
    (void)fake_host_take_violation(&bench->host, "config-beyond-end");
    (void)peek(bench, 0x00);
    (void)peek(bench, 0x04);
    bench->mmio.device_id = 0;
    assert_int_equal(peek(bench, 0x08), 0);
    (void)peek(bench, 0x0c);
    bench_expect_violation(bench, "empty-slot-accessed");
}

static void test_mmio_1_rules(struct bench *bench)
{
    struct ring ring;

    bench_attach(bench);
    poke_status(bench, 0);
    poke_status(bench, 1);
    poke_status(bench, 3);
    poke(bench, 0x24, 0);
    poke(bench, 0x20, 0);
    poke(bench, 0x28, 4095);
    bench_expect_violation(bench, "page-size-value");
    poke(bench, 0x28, 4096);
    ring_allocate(bench, &ring);
    poke(bench, 0x30, 0);
    poke(bench, 0x40, (uint32_t)(ring.address >> 12));
    bench_expect_violation(bench, "queue-enabled-early");
    poke(bench, 0x38, RING_SIZE);
    poke(bench, 0x3c, 100);
    bench_expect_violation(bench, "queue-align-value");
    poke(bench, 0x3c, 1024);
    poke(bench, 0x40, (uint32_t)(ring.address >> 12));
    (void)peek(bench, 0x34);
    bench_expect_violation(bench, "queue-max-while-active");
    poke(bench, 0x70, 0x0b);
    bench_expect_violation(bench, "features-ok-on-legacy");
    ring_free(bench, &ring);
}

/* PCI registers ----------------------------------------------------------------------------------- */

static uint32_t pci_read(struct bench *bench, enum virtio_space space, uint64_t address,
                         unsigned width)
{
    struct virtio_host *host = &bench->host.host;

    return host->register_read(host->ctx, space, address, width);
}

static void pci_write(struct bench *bench, enum virtio_space space, uint64_t address,
                      unsigned width, uint32_t value)
{
    struct virtio_host *host = &bench->host.host;

    host->register_write(host->ctx, space, address, width, value);
}

#define MODERN(offset) VIRTIO_SPACE_MEMORY, 0xfe000000u + (offset)
#define LEGACY(offset) VIRTIO_SPACE_IO, 0xc000u + (offset)

static void test_modern_pci_register_rules(struct bench *bench)
{
    bench_attach(bench);
    pci_write(bench, MODERN(20), 1, 0);
    (void)pci_read(bench, MODERN(20), 1);
    (void)pci_read(bench, MODERN(20), 4); /* status with its neighbours */
    bench_expect_violation(bench, "register-width");
    (void)pci_read(bench, MODERN(21), 1);
    (void)pci_read(bench, MODERN(22), 1); /* half of queue_select */
    bench_expect_violation(bench, "register-width");
    pci_write(bench, MODERN(18), 2, 1);
    bench_expect_violation(bench, "register-direction");
    (void)pci_read(bench, MODERN(0x80), 4);
    bench_expect_violation(bench, "register-undefined");
    (void)pci_read(bench, MODERN(0x3ff0), 4);
    bench_expect_violation(bench, "outside-structures");
    pci_write(bench, MODERN(0x3000), 4, 0);
    bench_expect_violation(bench, "notify-width");
    pci_write(bench, MODERN(0x3004), 2, 0);
    bench_expect_violation(bench, "notify-address");
    (void)fake_host_take_violation(&bench->host, "notified-before-driver-ok");
    (void)fake_host_take_violation(&bench->host, "notify-unknown-queue");
    pci_write(bench, MODERN(20), 1, 1);
    pci_write(bench, MODERN(20), 1, 3);
    pci_write(bench, MODERN(20), 1, 0x0b);
    bench_expect_violation(bench, "features-half-missing");
    bench_expect_violation(bench, "version-1-not-accepted");
    pci_write(bench, MODERN(22), 2, 0);
    pci_write(bench, MODERN(28), 2, 0);
    bench_expect_violation(bench, "queue-enable-value");
    pci_write(bench, MODERN(22), 2, 3);
    pci_write(bench, MODERN(28), 2, 1);
    bench_expect_violation(bench, "queue-absent");
    (void)pci_read(bench, LEGACY(14), 2);
    bench_expect_violation(bench, "mixed-interfaces");
}

static void test_legacy_pci_register_rules(struct bench *bench)
{
    bench_attach(bench);
    pci_write(bench, LEGACY(18), 1, 0);
    (void)pci_read(bench, LEGACY(18), 1);
    (void)pci_read(bench, LEGACY(12), 4); /* size and select at once */
    bench_expect_violation(bench, "register-width");
    pci_write(bench, LEGACY(12), 2, 8);
    bench_expect_violation(bench, "register-direction");
    (void)fake_host_take_violation(&bench->host, "queue-not-selected");
    (void)fake_host_take_violation(&bench->host, "queue-enabled-early");
    (void)fake_host_take_violation(&bench->host, "dma-address");
    pci_write(bench, LEGACY(18), 1, 0);
    (void)pci_read(bench, LEGACY(18), 1);
    pci_write(bench, LEGACY(14), 2, 7);
    bench_expect_violation(bench, "queue-before-features");
    pci_write(bench, LEGACY(8), 4, 1);
    bench_expect_violation(bench, "queue-absent");
}

/* A device that is told to work while it may not access memory. */
static void test_bus_mastering_is_needed(struct bench *bench)
{
    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    fake_pci_set(&bench->front.function, FAKE_PCI_COMMAND, 2, 3);
    bench_request(bench, 4, 4, bench_cookie(1));
    bench_expect_violation(bench, "no-bus-master");
    bench_stop(bench);
}

static void test_window_rules(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    struct virtio_pci_address address = {.device = 3};
    uint16_t window;

    bench_attach(bench);
    window = bench->front.window;
    host->pci_config_write(host->ctx, address, (uint16_t)(window + 4), 1, 4);
    host->pci_config_write(host->ctx, address, (uint16_t)(window + 8), 4, 20);
    host->pci_config_write(host->ctx, address, (uint16_t)(window + 12), 4, 1);
    assert_int_equal(host->pci_config_read(host->ctx, address, (uint16_t)(window + 16), 1), 0);
    (void)host->pci_config_read(host->ctx, address, (uint16_t)(window + 16), 4);
    bench_expect_violation(bench, "window-alignment");
    host->pci_config_write(host->ctx, address, (uint16_t)(window + 8), 4, 0x3ffc);
    host->pci_config_write(host->ctx, address, (uint16_t)(window + 12), 4, 4);
    (void)host->pci_config_read(host->ctx, address, (uint16_t)(window + 16), 4);
    bench_expect_violation(bench, "window-range");
    host->pci_config_write(host->ctx, address, (uint16_t)(window + 4), 1, 9);
    (void)host->pci_config_read(host->ctx, address, (uint16_t)(window + 16), 4);
    bench_expect_violation(bench, "window-range");
}

static void test_pci_configuration_rules(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    struct virtio_pci_address address = {.device = 3};

    bench_attach(bench);
    (void)host->pci_config_read(host->ctx, address, 2, 4);
    bench_expect_violation(bench, "config-access");
    host->pci_config_write(host->ctx, address, FAKE_PCI_COMMAND, 4, 3);
    bench_expect_violation(bench, "pci-status-written");
    host->pci_config_write(host->ctx, address, FAKE_PCI_BAR0, 2, 0);
    bench_expect_violation(bench, "pci-bar-width");
    host->pci_config_write(host->ctx, address, FAKE_PCI_BAR0 + 16, 4, UINT32_MAX);
    bench_expect_violation(bench, "pci-sized-while-decoding");
    host->pci_config_write(host->ctx, address, (uint16_t)(bench->front.regions[0].capability + 8),
                           4, 0);
    bench_expect_violation(bench, "pci-read-only");
    host->pci_config_write(host->ctx, address, FAKE_PCI_COMMAND, 2, 7);
    fake_pci_check_restored(&bench->pci);
    bench_expect_violation(bench, "pci-command-not-restored");
    bench_expect_violation(bench, "pci-bars-not-restored");
    memcpy(bench->front.function.config, bench->front.function.settled, 256);
    pci_write(bench, VIRTIO_SPACE_IO, 0xcf8, 2, 0);
    bench_expect_violation(bench, "cf8-width");
    pci_write(bench, VIRTIO_SPACE_IO, 0xcf8, 4, 0x80000003);
    bench_expect_violation(bench, "cf8-value");
    pci_write(bench, VIRTIO_SPACE_IO, 0xcf8, 4, 0);
    (void)pci_read(bench, VIRTIO_SPACE_IO, 0xcfc, 4);
    bench_expect_violation(bench, "cf8-value");
}

/* Teardown --------------------------------------------------------------------------------------- */

static void touch_status(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    uint16_t window = bench->front.window;
    struct virtio_pci_address address = {.device = 3};

    switch (bench->profile) {
    case BENCH_PCI_LEGACY:
        (void)pci_read(bench, LEGACY(18), 1);
        break;
    case BENCH_PCI_MODERN:
        (void)pci_read(bench, MODERN(20), 1);
        break;
    case BENCH_WINDOW:
        host->pci_config_write(host->ctx, address, (uint16_t)(window + 4), 1, 4);
        host->pci_config_write(host->ctx, address, (uint16_t)(window + 8), 4, 20);
        host->pci_config_write(host->ctx, address, (uint16_t)(window + 12), 4, 1);
        (void)host->pci_config_read(host->ctx, address, (uint16_t)(window + 16), 1);
        break;
    default:
        (void)peek(bench, 0x70);
        break;
    }
}

static unsigned violations(const struct bench *bench)
{
    return bench->host.violation_count;
}

/* Once the library has closed a device nobody accesses its registers, on any transport, until it is opened again;
 * looking what is there is no access to the device. */
static void test_registers_are_left_alone_after_teardown(struct bench *bench)
{
    struct virtio_device found;

    for (unsigned round = 0; round < 2; round++) {
        bench_start(bench, 8);
        touch_status(bench);
        assert_int_equal(violations(bench), 0);
        bench_stop(bench);
        if (bench->profile & BENCH_MMIO)
            assert_ok(
                virtio_mmio_probe(&bench->host.host, BENCH_MMIO_ADDRESS, bench->mmio.size, &found));
        assert_int_equal(violations(bench), 0);
        touch_status(bench);
        bench_expect_violation(bench, "access-after-teardown");
        assert_int_equal(violations(bench), 0);
    }
    /* A device that failed is closed as well. */
    bench_begin(bench);
    assert_ok(virtio_device_fail(&bench->device));
    touch_status(bench);
    bench_expect_violation(bench, "access-after-teardown");
    /* And one that could not be opened. */
    bench->wanted.required = bench->wanted.supported = 1;
    assert_result(virtio_device_begin(&bench->device, &bench->wanted), VIRTIO_E_NOT_SUPPORTED);
    touch_status(bench);
    bench_expect_violation(bench, "access-after-teardown");
}

/* A driver has all it needs when its start is over. */
static void test_nothing_is_allocated_after_start(struct bench *bench)
{
    const struct virtio_host *host = &bench->host.host;
    struct virtio_shared shared;
    void *memory;

    bench_start(bench, 8); /* which allocates, before */
    memory = host->allocate(host->ctx, 16);
    bench_expect_violation(bench, "allocation-after-start");
    host->free(host->ctx, memory, 16);
    assert_ok(virtio_allocate_shared(&bench->device, 64, 64, &shared));
    bench_expect_violation(bench, "allocation-after-start");
    virtio_free_shared(&bench->device, &shared);
    bench_stop(bench);
    bench_start(bench, 8);
    bench_stop(bench);
}

/* Each hook that works for a device; what it gave must have been given back before. */
static void test_hooks_are_left_alone_after_teardown(struct bench *bench)
{
    const struct virtio_host *host = &bench->host.host;
    uint8_t buffer[64] = {0};
    struct virtio_mapping mapping;
    uint64_t address;
    void *memory;

    bench_start(bench, 8);
    bench->host.may_allocate = true;
    memory = host->dma_allocate(host->ctx, 64, 64, UINT64_MAX, 0, &address);
    if (host->map)
        assert_ok(host->map(host->ctx, buffer, 64, VIRTIO_DEVICE_READS, 0, &mapping));
    if (host->sync)
        host->sync(host->ctx, buffer, 64, VIRTIO_SYNC_FOR_DEVICE);
    assert_int_equal(violations(bench), 0);
    bench_stop(bench);
    assert_int_equal(violations(bench), 0);
    host->dma_free(host->ctx, memory, 64, address);
    bench_expect_violation(bench, "hook-after-teardown");
    if (host->map) {
        assert_ok(host->unmap(host->ctx, &mapping));
        bench_expect_violation(bench, "hook-after-teardown");
    }
    if (host->sync) {
        host->sync(host->ctx, buffer, 64, VIRTIO_SYNC_FOR_CPU);
        bench_expect_violation(bench, "hook-after-teardown");
    }
    (void)host->now_us(host->ctx);
    bench_expect_violation(bench, "hook-after-teardown");
    host->stall_us(host->ctx, 1);
    bench_expect_violation(bench, "hook-after-teardown");
    host->relax(host->ctx);
    bench_expect_violation(bench, "hook-after-teardown");
}

static const struct bench_test tests[] = {
    TEST(test_status_rules, BENCH_MMIO_2),
    TEST(test_feature_rules, BENCH_MMIO_2),
    TEST(test_features_that_no_driver_implements, BENCH_MMIO_2),
    TEST(test_config_rules, BENCH_MMIO_2),
    TEST(test_queue_rules, BENCH_MMIO_2),
    TEST(test_ring_must_be_zeroed, BENCH_MMIO_2),
    TEST(test_notification_rules, BENCH_MMIO_2),
    TEST(test_good_chain_breaks_no_rule, BENCH_MMIO_2),
    TEST(test_descriptor_rules, BENCH_MMIO_2),
    TEST(test_chain_of_more_than_4_gib, BENCH_MMIO_2),
    TEST(test_available_ring_rules, BENCH_MMIO_2),
    TEST(test_driver_must_leave_the_used_ring_alone, BENCH_MMIO_2),
    TEST(test_descriptors_in_flight_must_not_change, BENCH_MMIO_2),
    TEST(test_memory_of_a_live_device_must_stay, BENCH_MMIO_2),
    TEST(test_memory_must_stay_until_a_reset_was_seen, BENCH_MMIO_2),
    TEST(test_mapping_must_suit_the_descriptor, BENCH_MMIO_2),
    TEST(test_mmio_register_rules, BENCH_MMIO_2),
    TEST(test_mmio_identify_first, BENCH_MMIO_2),
    TEST(test_mmio_1_rules, BENCH_MMIO_1),
    TEST(test_modern_pci_register_rules, BENCH_PCI_MODERN),
    TEST(test_legacy_pci_register_rules, BENCH_PCI_LEGACY),
    TEST(test_bus_mastering_is_needed, BENCH_PCI_MODERN | BENCH_PCI_LEGACY),
    TEST(test_window_rules, BENCH_PCI_MODERN),
    TEST(test_pci_configuration_rules, BENCH_PCI_MODERN),
    TEST(test_registers_are_left_alone_after_teardown, BENCH_ALL),
    TEST(test_nothing_is_allocated_after_start, BENCH_ALL),
    TEST(test_hooks_are_left_alone_after_teardown, BENCH_HOSTS),
};

BENCH_MAIN(tests)
