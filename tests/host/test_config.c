/* SPDX-License-Identifier: MIT */
/*
 * Device configuration space: widths, bounds, and fields that change while they are read.
 */
#include "bench.h"

#include <string.h>

/* 0x00: 64 bits; 0x08: 32; 0x0c: 16; 0x0e, 0x0f: 8; 0x10: 6 bytes; 0x16: 16. The fake device insists. */
static const uint8_t widths[] = {8, 4, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0};

static void set_up(struct bench *bench)
{
    for (unsigned i = 0; i < 24; i++)
        bench->fake.config[i] = (uint8_t)(0x11 * (i % 15 + 1));
    fake_device_set_config(&bench->fake, 0, 8, UINT64_C(0x8877665544332211));
    fake_device_set_config(&bench->fake, 8, 4, 0xccbbaa99);
    fake_device_set_config(&bench->fake, 0x0c, 2, 0xeedd);
    bench->fake.config_size = 24;
    bench->fake.config_widths = widths;
}

static void test_p23_each_width_is_read_as_such(struct bench *bench)
{
    uint64_t value = 0;

    set_up(bench);
    bench_begin(bench);
    assert_ok(virtio_config_read(&bench->device, 0, 8, &value));
    assert_int_equal(value, UINT64_C(0x8877665544332211));
    assert_ok(virtio_config_read(&bench->device, 8, 4, &value));
    assert_int_equal(value, 0xccbbaa99);
    assert_ok(virtio_config_read(&bench->device, 0x0c, 2, &value));
    assert_int_equal(value, 0xeedd);
    assert_ok(virtio_config_read(&bench->device, 0x0e, 1, &value));
    assert_int_equal(value, 0xff);
    bench_stop(bench);
}

static void test_config_write_of_each_width(struct bench *bench)
{
    const uint8_t *config = bench->fake.config;

    set_up(bench);
    bench_begin(bench);
    assert_ok(virtio_config_write(&bench->device, 0, 8, UINT64_C(0x0123456789abcdef)));
    assert_ok(virtio_config_write(&bench->device, 8, 4, 0x01020304));
    assert_ok(virtio_config_write(&bench->device, 0x0c, 2, 0xaabb));
    assert_ok(virtio_config_write(&bench->device, 0x0e, 1, 0x77));
    assert_int_equal(fake_get(&bench->fake, config, 8), UINT64_C(0x0123456789abcdef));
    assert_int_equal(fake_get(&bench->fake, config + 8, 4), 0x01020304);
    assert_int_equal(fake_get(&bench->fake, config + 0x0c, 2), 0xaabb);
    assert_int_equal(config[0x0e], 0x77);
    assert_int_equal(config[0x0f], 0x11);
    bench_stop(bench);
}

static void test_config_arguments(struct bench *bench)
{
    static const struct {
        uint32_t offset;
        unsigned width;
    } wrong[] = {{0, 0}, {0, 3}, {0, 5}, {0, 16}, {1, 2}, {2, 4}, {2, 8}, {0xffffffff, 2}};
    uint64_t value = 77;
    uint8_t bytes[8];

    set_up(bench);
    bench_begin(bench);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_result(virtio_config_read(&bench->device, wrong[i].offset, wrong[i].width, &value),
                      VIRTIO_E_INVALID);
        assert_result(virtio_config_write(&bench->device, wrong[i].offset, wrong[i].width, 1),
                      VIRTIO_E_INVALID);
    }
    assert_result(virtio_config_read_bytes(&bench->device, 0, bytes, 0), VIRTIO_E_INVALID);
    assert_result(virtio_config_read_bytes(&bench->device, 0, bytes, 257), VIRTIO_E_INVALID);
    assert_int_equal(value, 77);
    assert_int_equal(bench->fake.config_reads, 0);
    bench_stop(bench);
}

/* Make the space end after 24 bytes for the library, too. */
static void shrink(struct bench *bench)
{
    bench_attach(bench);
    if (bench->profile == BENCH_PCI_LEGACY)
        fake_pci_set_bar(&bench->front.function, 0, VIRTIO_SPACE_IO, false, 0x20, 0xc000);
    if (bench->profile & (BENCH_PCI_MODERN | BENCH_WINDOW))
        fake_pci_set(&bench->front.function, bench->front.regions[2].capability + 12u, 4, 24);
    if (bench->has_pci)
        fake_pci_settle(&bench->pci);
    if (bench->profile & BENCH_MMIO)
        assert_ok(
            virtio_mmio_probe(&bench->host.host, BENCH_MMIO_ADDRESS, 0x100 + 24, &bench->device));
}

static void test_config_beyond_the_end(struct bench *bench)
{
    uint32_t size = bench->profile == BENCH_PCI_LEGACY ? 0x20 - 20 : 24;
    uint64_t value = 77;
    uint8_t bytes[32];

    set_up(bench);
    bench->fake.config_widths = NULL;
    shrink(bench);
    bench_begin(bench);
    assert_ok(virtio_config_read(&bench->device, size - 4, 4, &value));
    value = 77;
    assert_result(virtio_config_read(&bench->device, size, 1, &value), VIRTIO_E_CONFIG);
    assert_result(virtio_config_read(&bench->device, size, 4, &value), VIRTIO_E_CONFIG);
    assert_result(virtio_config_read(&bench->device, size - 4, 8, &value), VIRTIO_E_CONFIG);
    assert_result(virtio_config_read(&bench->device, 0xfffffffc, 4, &value), VIRTIO_E_CONFIG);
    assert_result(virtio_config_read(&bench->device, 0xfffffffc, 8, &value), VIRTIO_E_CONFIG);
    assert_result(virtio_config_write(&bench->device, size, 1, 1), VIRTIO_E_CONFIG);
    assert_ok(virtio_config_read_bytes(&bench->device, 0, bytes, size));
    assert_result(virtio_config_read_bytes(&bench->device, 1, bytes, size), VIRTIO_E_CONFIG);
    assert_result(virtio_config_read_bytes(&bench->device, 0, bytes, size + 1), VIRTIO_E_CONFIG);
    assert_result(virtio_config_read_bytes(&bench->device, 0xffffffff, bytes, 2), VIRTIO_E_CONFIG);
    assert_int_equal(value, 77);
    bench_stop(bench);
}

/* P84: not before the features are settled, nor after the device was stopped. */
static void test_p84_config_only_when_begun(struct bench *bench)
{
    uint64_t value = 77;
    uint8_t bytes[4];

    set_up(bench);
    bench_attach(bench);
    for (unsigned round = 0; round < 2; round++) {
        assert_result(virtio_config_read(&bench->device, 8, 4, &value), VIRTIO_E_STATE);
        assert_result(virtio_config_read_bytes(&bench->device, 8, bytes, 4), VIRTIO_E_STATE);
        assert_result(virtio_config_write(&bench->device, 8, 4, 1), VIRTIO_E_STATE);
        bench_begin(bench);
        assert_ok(virtio_config_read(&bench->device, 8, 4, &value));
        assert_ok(virtio_device_stop(&bench->device));
        assert_result(virtio_config_read(&bench->device, 8, 4, &value), VIRTIO_E_STATE);
        bench_stop(bench);
    }
}

/* Fields that change ------------------------------------------------------------------------------ */

struct changes {
    struct bench *bench;
    unsigned left;  /* how often it will change yet */
    unsigned pause; /* accesses to configuration space between two changes */
    unsigned seen;
    uint64_t next;
};

/* After an access to configuration space the field at 0 changes: both halves, always together. */
static void change(void *context, const struct fake_event *event)
{
    struct changes *changes = context;
    struct bench *bench = changes->bench;
    uint8_t bytes[8];

    if ((event->kind != FAKE_REGISTER_READ && event->kind != FAKE_CONFIG_READ) ||
        changes->left == 0 || bench->fake.config_reads == changes->seen)
        return;
    changes->seen = (unsigned)bench->fake.config_reads;
    if (changes->seen % changes->pause != 0)
        return;
    changes->left--;
    changes->next += UINT64_C(0x100000001);
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(changes->next >> (8 * i));
    fake_device_change_config(&bench->fake, 0, bytes, 8);
}

static int read_changing(struct bench *bench, unsigned count, unsigned pause, uint64_t *value)
{
    struct changes changes = {.bench = bench, .left = count, .pause = pause};
    int error;

    bench->fake.config_reads = 0;
    memset(bench->fake.config, 0, 8);
    bench->host.observer = change;
    bench->host.observer_context = &changes;
    error = virtio_config_read(&bench->device, 0, 8, value);
    bench->host.observer = NULL;
    return error;
}

static void test_p82_field_that_changes_is_read_again(struct bench *bench)
{
    set_up(bench);
    bench_begin(bench);
    for (unsigned count = 0; count <= 10; count++) {
        for (unsigned pause = 1; pause <= 3; pause++) {
            uint64_t value = 0;

            assert_ok(read_changing(bench, count, pause, &value));
            assert_int_equal(value >> 32, value & UINT32_MAX); /* never one half of each */
        }
    }
    bench_stop(bench);
}

static void test_p82_field_that_never_holds_still(struct bench *bench)
{
    uint64_t value = 77;

    set_up(bench);
    bench_begin(bench);
    assert_result(read_changing(bench, 1000000, 1, &value), VIRTIO_E_CONFIG);
    assert_int_equal(value, 77);
    assert_true(bench->fake.config_reads < 1000); /* bounded */
    bench_stop(bench);
}

/* The generation counts in eight bits on PCI: it may wrap. */
static void test_p82_generation_wraps(struct bench *bench)
{
    uint64_t value = 0;

    set_up(bench);
    bench_begin(bench);
    bench->fake.generation = 0xff;
    assert_ok(read_changing(bench, 3, 1, &value));
    assert_int_equal(value >> 32, value & UINT32_MAX);
    bench_stop(bench);
}

static void change_byte(void *context, const struct fake_event *event)
{
    struct changes *changes = context;
    struct bench *bench = changes->bench;
    uint8_t bytes[6];

    if ((event->kind != FAKE_REGISTER_READ && event->kind != FAKE_CONFIG_READ) ||
        changes->left == 0 || bench->fake.config_reads % 4 != 3 ||
        bench->fake.config_reads == changes->seen)
        return;
    changes->seen = (unsigned)bench->fake.config_reads;
    changes->left--;
    memset(bytes, (int)++changes->next, sizeof(bytes));
    fake_device_change_config(&bench->fake, 0x10, bytes, sizeof(bytes));
}

static void test_p83_bytes_are_of_one_generation(struct bench *bench)
{
    uint8_t bytes[6];

    set_up(bench);
    bench_begin(bench);
    for (unsigned count = 0; count < 6; count++) {
        struct changes changes = {.bench = bench, .left = count};

        memset(bench->fake.config + 0x10, 0, 6);
        bench->fake.config_reads = 0;
        bench->host.observer = change_byte;
        bench->host.observer_context = &changes;
        assert_ok(virtio_config_read_bytes(&bench->device, 0x10, bytes, 6));
        bench->host.observer = NULL;
        for (unsigned i = 1; i < 6; i++)
            assert_int_equal(bytes[i], bytes[0]);
    }
    bench_stop(bench);
}

static void test_p82_bytes_that_never_hold_still(struct bench *bench)
{
    struct changes changes = {.bench = bench, .left = 1000000};
    uint8_t bytes[6];

    set_up(bench);
    bench_begin(bench);
    bench->host.observer = change_byte;
    bench->host.observer_context = &changes;
    assert_result(virtio_config_read_bytes(&bench->device, 0x10, bytes, 6), VIRTIO_E_CONFIG);
    bench->host.observer = NULL;
    assert_true(bench->fake.config_reads < 2000);
    bench_stop(bench);
}

/* P83: each byte from its own offset. */
static void test_p83_bytes_come_from_their_offsets(struct bench *bench)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    uint8_t bytes[6] = {0};

    set_up(bench);
    memcpy(bench->fake.config + 0x10, mac, 6);
    bench_begin(bench);
    assert_ok(virtio_config_read_bytes(&bench->device, 0x10, bytes, 6));
    assert_memory_equal(bytes, mac, 6);
    bench_stop(bench);
}

static void test_longest_array(struct bench *bench)
{
    uint8_t bytes[256];

    for (unsigned i = 0; i < FAKE_CONFIG_SIZE; i++)
        bench->fake.config[i] = (uint8_t)(i ^ 0x5a);
    bench->fake.config_size = FAKE_CONFIG_SIZE;
    bench_begin(bench);
    assert_ok(virtio_config_read_bytes(&bench->device, 0, bytes, 256));
    assert_memory_equal(bytes, bench->fake.config, 256);
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_p23_each_width_is_read_as_such, BENCH_ALL),
    TEST(test_config_write_of_each_width, BENCH_ALL),
    TEST(test_config_arguments, BENCH_ALL),
    TEST(test_config_beyond_the_end, BENCH_ALL),
    TEST(test_p84_config_only_when_begun, BENCH_ALL),
    TEST(test_p82_field_that_changes_is_read_again, BENCH_ALL),
    TEST(test_p82_field_that_never_holds_still, BENCH_ALL),
    TEST(test_p82_generation_wraps, BENCH_MODERN),
    TEST(test_p83_bytes_are_of_one_generation, BENCH_ALL),
    TEST(test_p82_bytes_that_never_hold_still, BENCH_ALL),
    TEST(test_p83_bytes_come_from_their_offsets, BENCH_ALL),
    TEST(test_longest_array, BENCH_MODERN | BENCH_MMIO_1),
};

BENCH_MAIN(tests)
