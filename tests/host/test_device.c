/* SPDX-License-Identifier: MIT */
/*
 * The device core: reset, status, features, life cycle, queue set-up refused, every allocation failing.
 */
#include "bench.h"

#include <string.h>

/* Device-type bits. */
#define TYPE_BITS UINT64_C(0xfffc000000ffffff)

/* Status ----------------------------------------------------------------------------------------- */

static void expect_status(struct bench *bench, const uint8_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(bench->fake.status_log[i], values[count - 1 - i]);
}

static void test_p26_status_sequence(struct bench *bench)
{
    static const uint8_t modern[] = {0, 1, 3, 0x0b, 0x0f, 0};
    static const uint8_t legacy[] = {0, 1, 3, 7, 0};

    for (unsigned round = 0; round < 3; round++) {
        bench_start(bench, 8);
        bench_stop(bench);
        if (bench->legacy)
            expect_status(bench, legacy, sizeof(legacy));
        else
            expect_status(bench, modern, sizeof(modern));
    }
}

/* P24: the firmware used the device and left it live. */
static void test_p24_device_left_live_is_reset_first(struct bench *bench)
{
    bench_attach(bench);
    bench->fake.status = 0x0f;
    bench->fake.legacy = bench->legacy;
    bench->fake.queues[0].size = 8;
    bench->fake.queues[0].enabled = true;
    bench_start(bench, 8);
    assert_int_equal(bench->fake.resets, 1);
    bench_stop(bench);
}

static void test_p25_reset_is_waited_for(struct bench *bench)
{
    static const uint32_t polls[] = {1, 2, 50};

    for (unsigned i = 0; i < 3; i++) {
        bench->fake.reset_polls = polls[i];
        bench->fake.reset_shows = i == 1 ? 0x80 : 0;
        bench_start(bench, 8);
        bench_stop(bench);
    }
}

static void test_p25_reset_that_never_ends(struct bench *bench)
{
    uint64_t start;

    bench_attach(bench);
    bench->fake.reset_polls = FAKE_FOR_EVER;
    bench->device.timeout_us = 3000;
    start = bench->host.now_us;
    assert_result(virtio_device_begin(&bench->device, &bench->wanted), VIRTIO_E_TIMEOUT);
    assert_in_range(bench->host.now_us - start, 3000, 5000);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_FOUND);
    assert_null(bench->device.ops);
    bench->fake.reset_polls = 0; /* it has come to its senses */
    bench_start(bench, 8);
    bench_stop(bench);
}

static void test_unplugged_before_begin(struct bench *bench)
{
    bench_attach(bench);
    bench_unplug(bench, true);
    assert_result(virtio_device_begin(&bench->device, &bench->wanted), VIRTIO_E_GONE);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_FOUND);
    bench_unplug(bench, false);
    bench_start(bench, 8);
    bench_stop(bench);
}

static void test_unplugged_after_begin(struct bench *bench)
{
    bench_begin(bench);
    bench_unplug(bench, true);
    assert_result(virtio_device_ready(&bench->device), VIRTIO_E_GONE);
    assert_result(virtio_device_check(&bench->device), VIRTIO_E_GONE);
    assert_result(virtio_device_stop(&bench->device), VIRTIO_E_GONE);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_STOPPED);
    assert_ok(virtio_device_end(&bench->device));
}

static void test_needs_reset_before_ready(struct bench *bench)
{
    bench_begin(bench);
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    assert_result(virtio_device_ready(&bench->device), VIRTIO_E_NEEDS_RESET);
    assert_result(virtio_device_check(&bench->device), VIRTIO_E_NEEDS_RESET);
    assert_int_equal(bench->fake.readies, 0);
    bench_stop(bench);
}

static void test_check_says_how_it_is(struct bench *bench)
{
    bench_attach(bench);
    assert_result(virtio_device_check(&bench->device), VIRTIO_E_STATE);
    bench_begin(bench);
    assert_ok(virtio_device_check(&bench->device));
    bench_stop(bench);
    bench_start(bench, 8);
    assert_ok(virtio_device_check(&bench->device));
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    assert_result(virtio_device_check(&bench->device), VIRTIO_E_NEEDS_RESET);
    bench->fake.status = 0;
    assert_result(virtio_device_check(&bench->device), VIRTIO_E_STATE);
    bench_stop(bench);
    assert_result(virtio_device_check(&bench->device), VIRTIO_E_STATE);
}

/* P36: giving up says so to the device, without taking a bit back, and resets it. */
static void test_p36_fail_sets_failed_then_resets(struct bench *bench)
{
    bench_begin(bench);
    assert_ok(virtio_device_fail(&bench->device));
    assert_int_equal(bench->fake.status_log[0], 0);
    assert_int_equal(bench->fake.status_log[1], bench->legacy ? 0x83 : 0x8b);
    assert_int_equal(bench->fake.failures, 1);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_FOUND);
    assert_ok(virtio_device_fail(&bench->device)); /* nothing to give up any more */
    assert_int_equal(bench->fake.failures, 1);
}

/* Nobody is there to be told. */
static void test_fail_of_an_unplugged_device(struct bench *bench)
{
    bench_begin(bench);
    bench_unplug(bench, true);
    assert_ok(virtio_device_fail(&bench->device));
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_FOUND);
    assert_int_equal(bench->fake.failures, 0);
}

static void test_begin_of_a_device_that_was_never_found(struct bench *bench)
{
    struct virtio_device nothing = {.host = &bench->host.host, .timeout_us = 1000};

    assert_result(virtio_device_begin(&nothing, &bench->wanted), VIRTIO_E_NO_DEVICE);
}

/* Life cycle ------------------------------------------------------------------------------------- */

static void test_calls_out_of_turn(struct bench *bench)
{
    struct virtio_features none = {0, 0};

    bench_attach(bench);
    assert_result(virtio_device_ready(&bench->device), VIRTIO_E_STATE);
    assert_ok(virtio_device_stop(&bench->device));
    assert_ok(virtio_device_end(&bench->device));
    assert_int_equal(bench->fake.resets, 0);
    bench_begin(bench);
    assert_result(virtio_device_begin(&bench->device, &none), VIRTIO_E_STATE);
    assert_ok(virtio_device_ready(&bench->device));
    assert_result(virtio_device_ready(&bench->device), VIRTIO_E_STATE);
    assert_result(virtio_device_begin(&bench->device, &none), VIRTIO_E_STATE);
    assert_ok(virtio_device_stop(&bench->device));
    assert_ok(virtio_device_stop(&bench->device));
    assert_int_equal(bench->fake.resets, 2);
    assert_result(virtio_device_ready(&bench->device), VIRTIO_E_STATE);
    assert_ok(virtio_device_end(&bench->device));
    assert_ok(virtio_device_end(&bench->device));
}

static void test_begin_again_after_stop(struct bench *bench)
{
    struct virtio_features none = {0, 0};

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    assert_ok(virtio_device_stop(&bench->device));
    assert_result(virtio_ring_map(&bench->queues[0], NULL), VIRTIO_E_STATE);
    assert_result(virtio_device_begin(&bench->device, &none), VIRTIO_E_STATE); /* a queue is left */
    assert_ok(virtio_ring_uninit(&bench->queues[0]));
    assert_ok(virtio_device_begin(&bench->device, &none)); /* without an end: it is still open */
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, 8));
    assert_ok(virtio_device_ready(&bench->device));
    bench_request(bench, 4, 4, bench_cookie(1));
    bench_reap(bench, 1);
    bench_stop(bench);
}

static void test_end_with_queues_left(struct bench *bench)
{
    bench_start(bench, 8);
    assert_result(virtio_device_end(&bench->device), VIRTIO_E_BUSY);
    assert_int_equal(bench->fake.status, 0); /* but it was stopped */
    bench_stop(bench);
}

static void test_a_found_device_may_be_copied(struct bench *bench)
{
    struct virtio_device copy;

    bench_attach(bench);
    copy = bench->device;
    memset(&bench->device, 0xff, sizeof(bench->device));
    assert_ok(virtio_device_begin(&copy, &bench->wanted));
    assert_ok(virtio_device_end(&copy));
}

/* What the host must have; begin refuses before it touches anything. */
static void test_begin_needs_a_complete_host(struct bench *bench)
{
    struct virtio_host *host = &bench->host.host;
    const struct virtio_host all = *host;

    bench_attach(bench);
#define MISSING(hook)                                                                              \
    do {                                                                                           \
        const struct virtio_host complete = *host;                                                 \
        host->hook = NULL;                                                                         \
        assert_result(virtio_device_begin(&bench->device, &bench->wanted), VIRTIO_E_INVALID);      \
        *host = complete;                                                                          \
    } while (0)
    MISSING(dma_allocate);
    MISSING(dma_free);
    MISSING(allocate);
    MISSING(free);
    MISSING(map);
    MISSING(unmap);
    MISSING(register_read);
    MISSING(register_write);
    MISSING(pci_config_read);
    MISSING(pci_config_write);
#undef MISSING
    host->now_us = NULL;
    host->stall_us = NULL;
    assert_result(virtio_device_begin(&bench->device, &bench->wanted), VIRTIO_E_INVALID);
    host->now_us = all.now_us;
    assert_ok(virtio_host_check(host));
    host->now_us = NULL;
    host->stall_us = all.stall_us;
    assert_ok(virtio_host_check(host));
    host->relax = NULL;
    host->log = NULL;
    host->mmio_map = NULL;
    host->mmio_unmap = NULL;
    assert_ok(virtio_host_check(host));
    assert_result(virtio_host_check(NULL), VIRTIO_E_INVALID);
    assert_int_equal(bench->fake.resets, 0);
}

/* Features --------------------------------------------------------------------------------------- */

static void test_p33_features_taken_are_offered_and_wanted(struct bench *bench)
{
    static const uint64_t sets[] = {0,        1, 0x20, 0x00c00005, UINT64_C(0x8004000000000000),
                                    TYPE_BITS};

    for (unsigned offered = 0; offered < 6; offered++) {
        for (unsigned supported = 0; supported < 6; supported++) {
            uint64_t taken = sets[offered] & sets[supported];

            bench->fake.features = sets[offered] | (bench->legacy ? 0 : VIRTIO_F_VERSION_1);
            bench->wanted.supported = sets[supported];
            bench_begin(bench);
            if (bench->legacy)
                taken &= UINT32_MAX;
            else
                taken |= VIRTIO_F_VERSION_1;
            assert_int_equal(bench->device.features, taken);
            assert_int_equal(bench->fake.driver_features, taken);
            bench_stop(bench);
        }
    }
}

/* A device that offers everything, known or not, gets what is implemented. */
static void test_p33_device_offers_all_64_bits(struct bench *bench)
{
    bench->fake.features = UINT64_MAX;
    bench->wanted.supported = 0x21;
    bench_begin(bench);
    assert_int_equal(bench->device.features_offered, bench->legacy ? UINT32_MAX : UINT64_MAX);
    if (bench->legacy) /* ANY_LAYOUT, INDIRECT_DESC and EVENT_IDX */
        assert_int_equal(bench->device.features, 0x21 | 7u << 27);
    else /* NOTIF_CONFIG_DATA has no register on mmio */
        assert_int_equal(bench->device.features,
                         (0x21 | UINT64_C(0x1df30000000)) &
                             ~(bench->profile == BENCH_MMIO_2 ? UINT64_C(1) << 39 : 0));
    assert_int_equal(bench->fake.driver_features, bench->device.features);
    assert_true(virtio_has_feature(&bench->device, 0x20));
    assert_false(virtio_has_feature(&bench->device, 0x40));
    bench_stop(bench);
}

static void test_p30_upper_features_arrive(struct bench *bench)
{
    bench->fake.features = VIRTIO_F_VERSION_1 | UINT64_C(1) << 63 | UINT64_C(1) << 50 | 1;
    bench->wanted.supported = UINT64_C(1) << 63 | UINT64_C(1) << 50 | 1;
    bench_begin(bench);
    assert_int_equal(bench->fake.driver_features, bench->fake.features);
    bench_stop(bench);
}

static void test_required_feature_is_not_offered(struct bench *bench)
{
    bench->wanted = (struct virtio_features){.supported = 0x30, .required = 0x20};
    bench->fake.features |= 0x10;
    bench_attach(bench);
    assert_result(virtio_device_begin(&bench->device, &bench->wanted), VIRTIO_E_NOT_SUPPORTED);
    assert_int_equal(bench->fake.failures, 1);
    assert_int_equal(bench->fake.status, 0);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_FOUND);
    bench->fake.features |= 0x20;
    bench_begin(bench);
    bench_stop(bench);
}

/* Between the offer and its acceptance a driver may read configuration space, not write it, and give up. */
static void test_begun_by_halves(struct bench *bench)
{
    static const struct virtio_features none;
    const struct virtio_features foreign = {.supported = VIRTIO_F_RING_PACKED};
    uint64_t value = 0;

    bench->fake.config_size = 8;
    bench->fake.config[4] = 7;
    bench->fake.config_early = 4;
    bench->fake.features |= 0x10;
    bench_attach(bench);
    assert_result(virtio_device_accept(&bench->device, &none), VIRTIO_E_STATE);
    assert_ok(virtio_device_offer(&bench->device));
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_OFFERED);
    assert_int_equal(bench->fake.status_log[0], VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
    assert_true((bench->device.features_offered & 0x10) != 0);
    assert_result(virtio_device_offer(&bench->device), VIRTIO_E_STATE);
    assert_result(virtio_device_ready(&bench->device), VIRTIO_E_STATE);
    assert_result(virtio_queue_start(&bench->queues[0], &bench->device, 0, 8), VIRTIO_E_STATE);
    assert_ok(virtio_device_check(&bench->device));
    assert_ok(virtio_config_read(&bench->device, 4, 1, &value));
    assert_int_equal(value, 7);
    assert_result(virtio_config_write(&bench->device, 4, 1, 9), VIRTIO_E_STATE);
    assert_int_equal(bench->fake.config[4], 7);
    assert_result(virtio_device_accept(&bench->device, &foreign), VIRTIO_E_INVALID);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_OFFERED);
    assert_ok(virtio_device_accept(&bench->device, &none));
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_BEGUN);
    bench_stop(bench);
}

static void test_giving_up_an_offer(struct bench *bench)
{
    bench_attach(bench);
    assert_ok(virtio_device_offer(&bench->device));
    assert_ok(virtio_device_fail(&bench->device));
    assert_int_equal(bench->fake.failures, 1);
    assert_int_equal(bench->fake.status, 0);
    assert_int_equal(bench->fake.driver_features, 0);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_FOUND);
    assert_ok(virtio_device_offer(&bench->device));
    assert_ok(virtio_device_end(&bench->device)); /* without a word */
    assert_int_equal(bench->fake.failures, 1);
    bench_unplug(bench, true);
    assert_result(virtio_device_offer(&bench->device), VIRTIO_E_GONE);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_FOUND);
}

static uint8_t status_is_zero(const struct virtio_device *device)
{
    (void)device;
    return 0;
}

/* The core has it from the transport alone whether a device is there: it looks nowhere itself. */
static void test_only_the_transport_says_who_is_gone(struct bench *bench)
{
    const struct virtio_transport_ops *ops;
    struct virtio_transport_ops other;

    bench_begin(bench);
    ops = bench->device.ops;
    other = *ops;
    other.get_device_status = status_is_zero;
    bench_unplug(bench, true);
    assert_result(virtio_device_check(&bench->device), VIRTIO_E_GONE);
    bench->device.ops = &other;
    assert_ok(virtio_device_check(&bench->device));
    bench->device.ops = ops;
    bench_unplug(bench, false);
    bench_stop(bench);
}

/* Memory that nobody answers for reads zeros on some machines: so does a status after a reset. */
static void test_gone_where_memory_reads_zeros(struct bench *bench)
{
    bench_begin(bench);
    bench->front.function.gone_reads_zero = true;
    bench_unplug(bench, true);
    assert_int_equal(bench->device.ops->get_device_status(&bench->device), 0xff);
    assert_result(virtio_device_check(&bench->device), VIRTIO_E_GONE);
    assert_result(virtio_device_stop(&bench->device), VIRTIO_E_GONE);
    assert_ok(virtio_device_end(&bench->device));
}

static void test_any_layout_is_accepted_on_legacy(struct bench *bench)
{
    bench->fake.features |= VIRTIO_F_ANY_LAYOUT;
    bench_begin(bench);
    assert_int_equal(virtio_has_feature(&bench->device, VIRTIO_F_ANY_LAYOUT), bench->legacy);
    bench_stop(bench);
    bench->device.refuse = VIRTIO_F_ANY_LAYOUT;
    bench_begin(bench);
    assert_false(virtio_has_feature(&bench->device, VIRTIO_F_ANY_LAYOUT));
    bench_stop(bench);
}

static void test_wanted_features_must_make_sense(struct bench *bench)
{
    struct virtio_features wanted = {.supported = 0x10, .required = 0x30};

    bench_attach(bench);
    assert_result(virtio_device_begin(&bench->device, &wanted), VIRTIO_E_INVALID);
    assert_result(virtio_device_begin(&bench->device, NULL), VIRTIO_E_INVALID);
    for (unsigned bit = 0; bit < 64; bit++) {
        wanted = (struct virtio_features){.supported = UINT64_C(1) << bit};
        if (wanted.supported & TYPE_BITS)
            continue;
        assert_result(virtio_device_begin(&bench->device, &wanted), VIRTIO_E_INVALID);
    }
    assert_int_equal(bench->fake.resets, 0);
}

static void test_p31_version_1_must_be_offered(struct bench *bench)
{
    bench_attach(bench);
    bench->fake.features = 0x10 | VIRTIO_F_INDIRECT_DESC; /* something to take, all the same */
    assert_result(virtio_device_begin(&bench->device, &bench->wanted), VIRTIO_E_NO_VERSION_1);
    assert_int_equal(bench->fake.failures, 1);
    assert_int_equal(bench->fake.status_log[0], 0);
    assert_int_equal(bench->fake.status_log[1], 0x83);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_FOUND);
}

static void test_p28_device_refuses_the_features(struct bench *bench)
{
    bench_attach(bench);
    bench->fake.refuses_features = true;
    assert_result(virtio_device_begin(&bench->device, &bench->wanted), VIRTIO_E_FEATURES);
    assert_int_equal(bench->fake.failures, 1);
    assert_int_equal(bench->fake.status_log[0], 0);
    assert_int_equal(bench->fake.status_log[1], 0x83);
    assert_int_equal(bench->device.state, VIRTIO_DEVICE_FOUND);
    bench->fake.refuses_features = false;
    bench_begin(bench);
    bench_stop(bench);
}

/* P32: the platform's addresses are elsewhere on this host, and the fake device insists on the right kind. */
static void test_p32_access_platform_uses_platform_addresses(struct bench *bench)
{
    uint64_t physical;
    uint8_t buffer[64] = {0};
    struct virtio_mapping mapping;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    physical = bench->shared.device_address;
    bench_request(bench, 4, 4, bench_cookie(1));
    bench_stop(bench);
    bench->fake.features |= VIRTIO_F_ACCESS_PLATFORM;
    bench_start(bench, 8);
    assert_true(virtio_has_feature(&bench->device, VIRTIO_F_ACCESS_PLATFORM));
    assert_true(bench->shared.device_address > physical + UINT64_C(0x1000000000));
    bench_request(bench, 4, 4, bench_cookie(1));
    bench_reap(bench, 1);
    assert_ok(virtio_map_all_bytes_in_shared_buffer(&bench->device, buffer, sizeof(buffer),
                                                    VIRTIO_DEVICE_READS, &mapping));
    assert_true(mapping.device_address > physical + UINT64_C(0x1000000000));
    assert_ok(virtio_unmap_buffer(&bench->device, &mapping));
    bench_stop(bench);
}

/* Below 1.0 there is nothing to negotiate this way. */
static void test_write_features_on_legacy(struct bench *bench)
{
    uint8_t status = 3;

    bench_attach(bench);
    assert_result(virtio_write_features(&bench->device, 0, &status), VIRTIO_E_NOT_SUPPORTED);
    bench_begin(bench);
    assert_result(virtio_write_features(&bench->device, 0, &status), VIRTIO_E_NOT_SUPPORTED);
    assert_int_equal(status, 3);
    bench_stop(bench);
}

static void test_write_features_on_modern(struct bench *bench)
{
    uint8_t status = 3;

    bench->fake.features |= 0x10;
    bench_begin(bench);
    assert_result(virtio_write_features(&bench->device, VIRTIO_F_VERSION_1 | 0x20, &status),
                  VIRTIO_E_INVALID);
    assert_int_equal(status, 3);
    /* Done again on a device that is at that point again. */
    bench->fake.status = 3;
    assert_ok(virtio_write_features(&bench->device, VIRTIO_F_VERSION_1 | 0x10, &status));
    assert_int_equal(status, 0x0b);
    assert_int_equal(bench->fake.driver_features, VIRTIO_F_VERSION_1 | 0x10);
    bench->fake.status = 3;
    bench->fake.refuses_features = true;
    status = 3;
    assert_result(virtio_write_features(&bench->device, VIRTIO_F_VERSION_1, &status),
                  VIRTIO_E_FEATURES);
    assert_int_equal(status, 3); /* as the device has it, on error, too */
    bench->fake.gone = true;
    assert_result(virtio_write_features(&bench->device, VIRTIO_F_VERSION_1, &status),
                  VIRTIO_E_GONE);
    bench->fake.gone = false;
    bench_stop(bench);
}

/* Queue set-up ----------------------------------------------------------------------------------- */

static void test_p41_queue_of_size_0_does_not_exist(struct bench *bench)
{
    bench->fake.queues[0].maximum = 0;
    bench_begin(bench);
    assert_result(virtio_ring_init(&bench->queues[0], &bench->device, 0, 8), VIRTIO_E_NO_QUEUE);
    assert_result(virtio_ring_init(&bench->queues[0], &bench->device, 3, 8), VIRTIO_E_NO_QUEUE);
    assert_result(virtio_ring_init(&bench->queues[0], &bench->device, 0xffff, 8),
                  VIRTIO_E_NO_QUEUE);
    assert_null(bench->device.queues);
    bench_stop(bench);
}

static void test_p38_legacy_size_is_dictated(struct bench *bench)
{
    bench->fake.queues[0].maximum = 1024;
    bench_begin(bench);
    assert_ok(virtio_ring_init(&bench->queues[0], &bench->device, 0, 8));
    assert_int_equal(bench->queues[0].size, 1024);
    bench_stop(bench);
}

static void test_p38_legacy_size_must_be_a_power_of_two(struct bench *bench)
{
    static const uint16_t sizes[] = {3, 100, 0xffff, 0x8001};

    for (unsigned i = 0; i < 4; i++) {
        bench->fake.queues[0].maximum = sizes[i];
        bench_begin(bench);
        assert_result(virtio_ring_init(&bench->queues[0], &bench->device, 0, 8),
                      VIRTIO_E_QUEUE_SIZE);
        bench_stop(bench);
    }
}

/* P39: never more than the device can, never more than asked for, always a power of two. */
static void test_p39_size_is_clamped(struct bench *bench)
{
    static const struct {
        uint16_t maximum, limit, size;
    } rows[] = {{256, 8, 8},           {256, 32768, 256},      {8, 256, 8},   {100, 256, 64},
                {256, 100, 64},        {1, 32768, 1},          {32768, 1, 1}, {32768, 32768, 32768},
                {32767, 32768, 16384}, {0xffff, 32768, 32768}, {3, 2, 2}};

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bench->fake.queues[0].maximum = rows[i].maximum;
        bench_begin(bench);
        assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, rows[i].limit));
        assert_int_equal(bench->queues[0].size, rows[i].size);
        assert_int_equal(bench->fake.queues[0].size, rows[i].size);
        bench_stop(bench);
    }
}

static void test_ring_init_refusals(struct bench *bench)
{
    struct virtio_queue *queues = bench->queues;

    bench_attach(bench);
    assert_result(virtio_ring_init(&queues[0], &bench->device, 0, 8), VIRTIO_E_STATE);
    bench_begin(bench);
    assert_result(virtio_ring_init(&queues[0], &bench->device, 0, 0), VIRTIO_E_INVALID);
    assert_result(virtio_ring_init(&queues[0], &bench->device, 0, 32769), VIRTIO_E_INVALID);
    assert_ok(virtio_ring_init(&queues[0], &bench->device, 0, 256));
    assert_ok(virtio_device_stop(&bench->device));
    assert_result(virtio_ring_map(&queues[0], NULL), VIRTIO_E_STATE);
    bench_stop(bench);
    bench_begin(bench);
    assert_ok(virtio_ring_init(&queues[0], &bench->device, 0, 256));
    assert_result(virtio_ring_init(&queues[0], &bench->device, 0, 256), VIRTIO_E_BUSY);
    assert_result(virtio_ring_init(&queues[1], &bench->device, 0, 256), VIRTIO_E_BUSY);
    assert_ok(virtio_ring_map(&queues[0], NULL));
    assert_result(virtio_ring_map(&queues[0], NULL), VIRTIO_E_STATE);
    assert_ok(virtio_device_ready(&bench->device));
    assert_result(virtio_ring_init(&queues[1], &bench->device, 1, 256), VIRTIO_E_STATE);
    bench_stop(bench);
}

/* P46: a queue that is active before it was set up means that the reset did not happen. */
static void test_p46_queue_is_active_already(struct bench *bench)
{
    bench->fake.keeps_queue_enabled = true;
    bench_begin(bench);
    assert_result(virtio_ring_init(&bench->queues[0], &bench->device, 0, 256), VIRTIO_E_BUSY);
    bench->fake.keeps_queue_enabled = false;
    assert_ok(virtio_ring_init(&bench->queues[0], &bench->device, 0, 256));
    bench_stop(bench);
}

static void test_device_does_not_take_the_queue(struct bench *bench)
{
    bench->fake.refuses_enable = true;
    bench_begin(bench);
    assert_result(virtio_queue_start(&bench->queues[0], &bench->device, 0, 256), VIRTIO_E_STATE);
    bench_stop(bench);
}

static void test_queues_go_in_any_order(struct bench *bench)
{
    bench->fake.queue_count = 2;
    bench->fake.queues[1].maximum = 16;
    for (unsigned first = 0; first < 2; first++) {
        bench_begin(bench);
        assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, 256));
        assert_ok(virtio_queue_start(&bench->queues[1], &bench->device, 1, 16));
        assert_ok(virtio_device_stop(&bench->device));
        assert_ok(virtio_ring_uninit(&bench->queues[first]));
        assert_result(virtio_device_end(&bench->device), VIRTIO_E_BUSY);
        assert_ok(virtio_ring_uninit(&bench->queues[1 - first]));
        assert_null(bench->device.queues);
        bench_stop(bench);
    }
}

/* P51: all that a start acquires fails in turn; each time everything was given back. */
static void test_p51_each_allocation_fails_in_turn(struct bench *bench)
{
    unsigned n;

    bench_attach(bench);
    if (bench->profile == BENCH_PCI_LEGACY)
        bench->fake.queues[0].maximum = 64;
    for (n = 1; n < 20; n++) {
        int error;

        fake_host_fail_at(&bench->host, n);
        error = virtio_device_begin(&bench->device, &bench->wanted);
        if (error == VIRTIO_OK)
            error = virtio_queue_start(&bench->queues[0], &bench->device, 0, 64);
        if (error == VIRTIO_OK)
            error = virtio_allocate_shared(&bench->device, 100, 64, &bench->shared);
        if (!bench->host.failed)
            break;
        assert_result(error, VIRTIO_E_NO_MEMORY);
        assert_null(bench->shared.memory);
        bench_stop(bench);
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
    fake_host_fail_at(&bench->host, 0);
    assert_int_equal(n, 4); /* private memory, ring, shared memory: three that failed */
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_p26_status_sequence, BENCH_ALL),
    TEST(test_p24_device_left_live_is_reset_first, BENCH_ALL),
    TEST(test_p25_reset_is_waited_for, BENCH_ALL),
    TEST(test_p25_reset_that_never_ends, BENCH_ALL),
    TEST(test_unplugged_before_begin, BENCH_ALL),
    TEST(test_unplugged_after_begin, BENCH_ALL),
    TEST(test_needs_reset_before_ready, BENCH_ALL),
    TEST(test_check_says_how_it_is, BENCH_ALL),
    TEST(test_p36_fail_sets_failed_then_resets, BENCH_ALL),
    TEST(test_fail_of_an_unplugged_device, BENCH_ALL),
    TEST(test_begin_of_a_device_that_was_never_found, BENCH_ONE),
    TEST(test_calls_out_of_turn, BENCH_ALL),
    TEST(test_begin_again_after_stop, BENCH_ALL),
    TEST(test_end_with_queues_left, BENCH_ALL),
    TEST(test_a_found_device_may_be_copied, BENCH_ALL),
    TEST(test_begin_needs_a_complete_host, BENCH_ONE),
    TEST(test_p33_features_taken_are_offered_and_wanted, BENCH_ALL),
    TEST(test_p33_device_offers_all_64_bits, BENCH_ALL),
    TEST(test_p30_upper_features_arrive, BENCH_MODERN),
    TEST(test_required_feature_is_not_offered, BENCH_ALL),
    TEST(test_begun_by_halves, BENCH_ALL),
    TEST(test_giving_up_an_offer, BENCH_ALL & ~BENCH_WINDOW),
    TEST(test_only_the_transport_says_who_is_gone, BENCH_PCI & ~BENCH_WINDOW),
    TEST(test_gone_where_memory_reads_zeros, BENCH_PCI & ~BENCH_WINDOW),
    TEST(test_any_layout_is_accepted_on_legacy, BENCH_ALL),
    TEST(test_wanted_features_must_make_sense, BENCH_ONE),
    TEST(test_p31_version_1_must_be_offered, BENCH_MODERN),
    TEST(test_p28_device_refuses_the_features, BENCH_MODERN),
    TEST(test_p32_access_platform_uses_platform_addresses, BENCH_MODERN),
    TEST(test_write_features_on_legacy, BENCH_LEGACY),
    TEST(test_write_features_on_modern, BENCH_MODERN),
    TEST(test_p41_queue_of_size_0_does_not_exist, BENCH_ALL),
    TEST(test_p38_legacy_size_is_dictated, BENCH_PCI_LEGACY),
    TEST(test_p38_legacy_size_must_be_a_power_of_two, BENCH_PCI_LEGACY),
    TEST(test_p39_size_is_clamped, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_ring_init_refusals, BENCH_ALL),
    TEST(test_p46_queue_is_active_already, BENCH_ALL),
    TEST(test_device_does_not_take_the_queue, BENCH_ALL),
    TEST(test_queues_go_in_any_order, BENCH_ALL),
    TEST(test_p51_each_allocation_fails_in_turn, BENCH_ALL & ~BENCH_WINDOW),
};

BENCH_MAIN_RINGS(tests)
