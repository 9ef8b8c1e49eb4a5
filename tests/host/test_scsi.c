/* SPDX-License-Identifier: MIT */
/*
 * The SCSI driver with a controller that behaves: start and stop, scanning, units, data, queues.
 */
#include "scsi_bench.h"

#include <string.h>

/* Start and stop ---------------------------------------------------------------------------------- */

static void test_started_and_stopped(struct bench *bench)
{
    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    assert_int_equal(scsi_driver.num_queues, FAKE_SCSI_QUEUES);
    assert_int_equal(scsi_driver.queue_count, 1);
    assert_int_equal(scsi_driver.depth, 32);
    assert_int_equal(scsi_driver.max_target, 255);
    assert_int_equal(scsi_driver.max_lun, 16383);
    assert_int_equal(scsi_driver.device.features & 15,
                     VIRTIO_SCSI_F_HOTPLUG | VIRTIO_SCSI_F_CHANGE);
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(virtio_scsi_stop(&scsi_driver));
        assert_ok(virtio_scsi_stop(&scsi_driver));
        assert_int_equal(fake_host_live(&bench->host), 0);
        assert_result(scsi_bench_ready(NULL), VIRTIO_E_STATE);
        assert_result(virtio_scsi_recover(&scsi_driver), VIRTIO_E_STATE);
        assert_result(virtio_scsi_drain(&scsi_driver, &(struct virtio_scsi_done){.error = 0}), 0);
        assert_ok(virtio_scsi_start(&scsi_driver, &scsi_driver.device, NULL));
        scsi_bench_read(0, 3);
    }
    scsi_bench_end(bench);
}

static void test_features_are_chosen(struct bench *bench)
{
    scsi_bench_begin(bench);
    bench->fake.features |= 0xff;
    scsi_bench_start(bench);
    assert_int_equal(scsi_driver.device.features & 0xff,
                     VIRTIO_SCSI_F_INOUT | VIRTIO_SCSI_F_HOTPLUG | VIRTIO_SCSI_F_CHANGE);
    scsi_bench_end(bench);
}

static void start_fails(struct bench *bench, int error)
{
    assert_result(virtio_scsi_start(&scsi_driver, &bench->device, &scsi_options), error);
    assert_int_equal(fake_host_live(&bench->host), 0);
    assert_int_equal(scsi_driver.device.state, VIRTIO_DEVICE_FOUND);
}

static void test_impossible_devices_are_refused(struct bench *bench)
{
    struct virtio_device other;

    scsi_bench_begin(bench);
    bench_attach(bench);
    other = bench->device;
    other.type = VIRTIO_ID_BLOCK;
    assert_result(virtio_scsi_start(&scsi_driver, &other, NULL), VIRTIO_E_INVALID);
    scsi_options.queues = VIRTIO_SCSI_QUEUES_MAX + 1;
    assert_result(virtio_scsi_start(&scsi_driver, &bench->device, &scsi_options), VIRTIO_E_INVALID);
    scsi_options.queues = 0;
    fake_device_set_config(&bench->fake, FAKE_SCSI_NUM_QUEUES, 4, 0);
    start_fails(bench, VIRTIO_E_CONFIG);
    fake_device_set_config(&bench->fake, FAKE_SCSI_NUM_QUEUES, 4, 1);
    bench->fake.queues[2].maximum = 2;
    start_fails(bench, VIRTIO_E_NOT_SUPPORTED);
    bench->fake.queues[2].maximum = 0;
    start_fails(bench, VIRTIO_E_NO_QUEUE);
    bench->fake.queues[2].maximum = 4;
    bench->fake.queues[1].maximum = 0;
    start_fails(bench, VIRTIO_E_NO_QUEUE);
    bench->fake.queues[1].maximum = 4;
    bench->fake.queues[0].maximum = 0;
    start_fails(bench, VIRTIO_E_NO_QUEUE);
    bench->fake.queues[0].maximum = 2;
    scsi_bench_start(bench);
    scsi_bench_read(1, 5);
    scsi_bench_end(bench);
}

/* The space ends within the structure, wherever that is: the library knows from the transport. */
static void test_config_ends_too_early(struct bench *bench)
{
    scsi_bench_begin(bench);
    bench_attach(bench);
    for (uint32_t size = 4; size < 36; size += 4) {
        assert_ok(
            virtio_mmio_probe(&bench->host.host, BENCH_MMIO_ADDRESS, 0x100 + size, &bench->device));
        start_fails(bench, VIRTIO_E_CONFIG);
    }
    assert_ok(virtio_mmio_probe(&bench->host.host, BENCH_MMIO_ADDRESS, 0x100 + 36, &bench->device));
    scsi_bench_start(bench);
    scsi_bench_end(bench);
}

/* P98: a device may come with other sizes; what was laid out for is written, or the device is refused. */
static void test_p98_sizes_are_settled(struct bench *bench)
{
    scsi_bench_begin(bench);
    fake_device_set_config(&bench->fake, FAKE_SCSI_SENSE_SIZE, 4, 18);
    fake_device_set_config(&bench->fake, FAKE_SCSI_CDB_SIZE, 4, 16);
    scsi_bench_start(bench);
    assert_int_equal(fake_get(&bench->fake, bench->fake.config + FAKE_SCSI_SENSE_SIZE, 4), 96);
    assert_int_equal(fake_get(&bench->fake, bench->fake.config + FAKE_SCSI_CDB_SIZE, 4), 32);
    scsi_bench_read(0, 1);
    assert_ok(virtio_scsi_stop(&scsi_driver));
    fake_device_set_config(&bench->fake, FAKE_SCSI_CDB_SIZE, 4, 16);
    scsi_fake.keeps_sizes = true;
    start_fails(bench, VIRTIO_E_CONFIG);
    fake_device_set_config(&bench->fake, FAKE_SCSI_CDB_SIZE, 4, 32);
    fake_device_set_config(&bench->fake, FAKE_SCSI_SENSE_SIZE, 4, 97);
    start_fails(bench, VIRTIO_E_CONFIG);
}

static void test_each_allocation_failing(struct bench *bench)
{
    scsi_bench_begin(bench);
    scsi_options.queues = 2;
    bench_attach(bench);
    for (unsigned n = 1;; n++) {
        int error;

        fake_host_fail_at(&bench->host, n);
        error = virtio_scsi_start(&scsi_driver, &bench->device, &scsi_options);
        if (!bench->host.failed) {
            assert_ok(error);
            assert_true(n > 10);
            break;
        }
        if (error == VIRTIO_OK)
            assert_ok(virtio_scsi_stop(&scsi_driver)); /* there was another way to the registers */
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
    fake_host_fail_at(&bench->host, 0);
    assert_ok(virtio_scsi_open(&scsi_disk, &scsi_driver, 0, 0));
    scsi_bench_end(bench);
}

static void check_queues(struct bench *bench, uint16_t wanted, uint32_t per_lun, uint16_t count,
                         uint16_t depth)
{
    scsi_options.queues = wanted;
    fake_device_set_config(&bench->fake, FAKE_SCSI_CMD_PER_LUN, 4, per_lun);
    scsi_bench_start(bench);
    assert_int_equal(scsi_driver.queue_count, count);
    assert_int_equal(scsi_driver.depth, depth);
    scsi_disk.queue = (uint16_t)(count - 1);
    scsi_bench_read(2, 2);
    scsi_bench_end(bench);
}

/* No more commands for one unit than the device says, on all queues together. */
static void test_queues_and_depth(struct bench *bench)
{
    scsi_bench_begin(bench);
    check_queues(bench, 0, 128, 1, 64);
    check_queues(bench, 1, 0, 1, 1);
    check_queues(bench, 4, 128, 4, 32);
    check_queues(bench, 16, 7, 4, 1);
    check_queues(bench, 4, 3, 3, 1);
    check_queues(bench, 2, UINT32_MAX, 2, 64);
}

/* Scanning ---------------------------------------------------------------------------------------- */

static void test_units_are_found(struct bench *bench)
{
    static const struct {
        uint8_t target;
        uint16_t lun;
    } expected[] = {{0, 0}, {0, 300}, {2, 1}, {255, 0}};
    struct virtio_scsi_scan scan;
    uint8_t target;
    uint16_t lun;

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    for (unsigned round = 0; round < 2; round++) {
        virtio_scsi_scan_begin(&scan, &scsi_driver);
        for (unsigned i = 0; i < 4; i++) {
            assert_ok(virtio_scsi_scan_next(&scan, &target, &lun));
            assert_int_equal(target, expected[i].target);
            assert_int_equal(lun, expected[i].lun);
        }
        assert_result(virtio_scsi_scan_next(&scan, &target, &lun), VIRTIO_E_NO_DEVICE);
        assert_result(virtio_scsi_scan_next(&scan, &target, &lun), VIRTIO_E_NO_DEVICE);
        assert_false(scan.truncated);
    }
    assert_ok(virtio_scsi_halt(&scsi_driver));
    assert_result(virtio_scsi_scan_next(&scan, &target, &lun), VIRTIO_E_STATE);
    virtio_scsi_scan_begin(&scan, &scsi_driver);
    assert_result(virtio_scsi_scan_next(&scan, &target, &lun), VIRTIO_E_STATE);
    scsi_bench_end(bench);
}

static void test_scan_is_bounded(struct bench *bench)
{
    struct virtio_scsi_scan scan;
    uint8_t target;
    uint16_t lun;

    scsi_bench_begin(bench);
    fake_device_set_config(&bench->fake, FAKE_SCSI_MAX_TARGET, 2, 1);
    fake_device_set_config(&bench->fake, FAKE_SCSI_MAX_LUN, 4, 299);
    scsi_bench_start(bench);
    scsi_fake.unknown[0] = 0xa0; /* no REPORT LUNS: then there is LUN 0 */
    virtio_scsi_scan_begin(&scan, &scsi_driver);
    assert_ok(virtio_scsi_scan_next(&scan, &target, &lun));
    assert_int_equal(lun, 0);
    assert_result(virtio_scsi_scan_next(&scan, &target, &lun), VIRTIO_E_NO_DEVICE);
    scsi_fake.unknown[0] = 0;
    virtio_scsi_scan_begin(&scan, &scsi_driver);
    assert_ok(virtio_scsi_scan_next(&scan, &target, &lun));
    assert_result(virtio_scsi_scan_next(&scan, &target, &lun), VIRTIO_E_NO_DEVICE);
    assert_int_equal(scsi_fake.by_opcode[0xa0], 4);
    scsi_bench_end(bench);
}

/* A list in which all kinds of entries stand, and which says that it is longer than it is. */
static void test_lists_of_units_are_checked(struct bench *bench)
{
    static const uint8_t entries[5][8] = {
        {0, 7}, {0x41, 0x2c}, {0, 5, 0, 1}, {0xc1, 1}, {0x01, 0x04}};
    uint16_t luns[4] = {99, 99, 99, 99};
    uint32_t count;
    bool truncated;

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    scsi_fake.answer_to = 0xa0;
    memcpy(scsi_fake.answer + 8, entries, sizeof(entries));
    scsi_fake.answer[3] = sizeof(entries);
    scsi_fake.answer_length = 8 + sizeof(entries);
    assert_ok(virtio_scsi_report_luns(&scsi_driver, 0, 0, luns, 4, &count, &truncated));
    assert_int_equal(count, 2);
    assert_int_equal(luns[0], 7);
    assert_int_equal(luns[1], 300);
    assert_int_equal(luns[2], 99);
    assert_false(truncated);
    assert_ok(virtio_scsi_report_luns(&scsi_driver, 0, 0, luns, 1, &count, &truncated));
    assert_int_equal(count, 1);
    assert_true(truncated);
    memset(scsi_fake.answer, 0xff, 4);
    assert_ok(virtio_scsi_report_luns(&scsi_driver, 0, 0, luns, 4, &count, &truncated));
    assert_int_equal(count, 2);
    assert_true(truncated);
    memset(scsi_fake.answer, 0, 4); /* or shorter than it is */
    assert_ok(virtio_scsi_report_luns(&scsi_driver, 0, 0, luns, 4, &count, &truncated));
    assert_int_equal(count, 0);
    assert_false(truncated);
    scsi_fake.answer_length = 7;
    assert_result(virtio_scsi_report_luns(&scsi_driver, 0, 0, luns, 4, &count, &truncated),
                  VIRTIO_E_RESPONSE);
    assert_int_equal(count, 0);
    scsi_fake.answer_to = 0;
    assert_result(virtio_scsi_report_luns(&scsi_driver, 9, 0, luns, 4, &count, &truncated),
                  VIRTIO_E_INVALID);
    assert_result(virtio_scsi_report_luns(&scsi_driver, 0, 7, luns, 4, &count, &truncated),
                  VIRTIO_E_NO_DEVICE);
    scsi_bench_end(bench);
}

static void test_long_lists_are_cut(struct bench *bench)
{
    static struct virtio_scsi_scan scan;
    uint8_t target;
    uint16_t lun;
    unsigned found = 0;

    scsi_bench_begin(bench);
    fake_device_set_config(&bench->fake, FAKE_SCSI_MAX_TARGET, 2, 0);
    scsi_bench_start(bench);
    scsi_fake.answer_to = 0xa0;
    scsi_fake.answer_length = FAKE_SCSI_ANSWER;
    scsi_fake.answer[2] = 0x20; /* 1024 of them */
    for (unsigned i = 0; i < 511; i++)
        scsi_fake.answer[8 + 8 * i] = 0x40; /* all of them LUN 0 */
    virtio_scsi_scan_begin(&scan, &scsi_driver);
    while (virtio_scsi_scan_next(&scan, &target, &lun) == VIRTIO_OK)
        found++;
    assert_int_equal(found, VIRTIO_SCSI_SCAN_UNITS);
    assert_true(scan.truncated);
    scsi_bench_end(bench);
}

/* Units ------------------------------------------------------------------------------------------- */

static void test_what_a_unit_says(struct bench *bench)
{
    struct virtio_scsi_designator name;
    uint8_t page[64];
    size_t at = 0;
    size_t got;

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    assert_string_equal(scsi_disk.vendor, "FAKE");
    assert_string_equal(scsi_disk.product, "disk of memory");
    assert_string_equal(scsi_disk.revision, "1.0");
    assert_string_equal(scsi_disk.serial, "fake  1");
    assert_true(scsi_disk.ready && scsi_disk.thin && scsi_disk.unmaps && !scsi_disk.removable);
    assert_int_equal(scsi_disk.blocks, 128);
    assert_int_equal(scsi_disk.block_size, 512);
    assert_int_equal(scsi_disk.physical_exponent, 3);
    assert_int_equal(scsi_disk.rotation, 1);
    assert_int_equal(scsi_disk.unmap_max, 10);
    assert_int_equal(scsi_disk.unmap_granularity, 2);
    assert_int_equal(scsi_disk.transfer_max, 40 * 512);
    assert_ok(virtio_scsi_inquiry_page(&scsi_disk, 0x83, page, sizeof(page), &got));
    assert_int_equal(got, 16);
    assert_true(virtio_scsi_next_designator(page, got, &at, &name));
    assert_int_equal(name.length, 8);
    assert_int_equal(name.code_set, 2);
    assert_int_equal(name.type, 1);
    assert_memory_equal(name.bytes, "a vendor", 8);
    assert_false(virtio_scsi_next_designator(page, got, &at, &name));
    for (size_t length = 0; length < got; length++) {
        at = 0;
        assert_false(virtio_scsi_next_designator(page, length, &at, &name));
    }
    assert_ok(virtio_scsi_open(&scsi_disk, &scsi_driver, 0, 300));
    assert_int_equal(scsi_disk.transfer_max, 64 * 512); /* max_sectors */
    assert_ok(virtio_scsi_open(&scsi_disk, &scsi_driver, 2, 1));
    assert_true(scsi_disk.removable && !scsi_disk.thin && !scsi_disk.unmaps);
    assert_int_equal(scsi_disk.block_size, 2048);
    assert_result(virtio_scsi_unmap(&scsi_disk, 0, 1), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_scsi_open(&scsi_disk, &scsi_driver, 2, 2), VIRTIO_E_NO_DEVICE);
    assert_result(virtio_scsi_open(&scsi_disk, &scsi_driver, 3, 0), VIRTIO_E_NO_DEVICE);
    assert_int_equal(scsi_disk.result.response, VIRTIO_SCSI_S_BAD_TARGET);
    scsi_bench_end(bench);
}

/* One that has neither vital product data nor long commands. */
static void test_an_old_unit(struct bench *bench)
{
    scsi_bench_begin(bench);
    scsi_fake.unknown[0] = 0x9e;
    scsi_fake.unknown[1] = 0x35;
    bench_attach(bench);
    assert_ok(virtio_scsi_start(&scsi_driver, &bench->device, NULL));
    scsi_fake.answer_to = 0x12;
    scsi_fake.answer[4] = 31;
    scsi_fake.answer_length = 36;
    memcpy(scsi_fake.answer + 8, "OLD\001", 4);
    assert_ok(virtio_scsi_open(&scsi_disk, &scsi_driver, 0, 0));
    assert_string_equal(scsi_disk.vendor, "OLD");
    assert_string_equal(scsi_disk.serial, "");
    assert_true(scsi_disk.ready && !scsi_disk.unmaps);
    assert_int_equal(scsi_disk.blocks, 128);
    assert_int_equal(scsi_disk.transfer_max, 64 * 512);
    scsi_bench_read(0, 128);
    assert_ok(virtio_scsi_flush(&scsi_disk)); /* what it does not know it does not need */
    scsi_bench_end(bench);
}

static void open_with(const void *answer, uint8_t opcode, uint32_t length, int error)
{
    scsi_fake.answer_to = opcode;
    scsi_fake.answer_length = length;
    memset(scsi_fake.answer, 0, sizeof(scsi_fake.answer));
    memcpy(scsi_fake.answer, answer, length);
    assert_result(virtio_scsi_open(&scsi_disk, &scsi_driver, 0, 0), error);
    assert_int_equal(scsi_disk.ready, error == VIRTIO_OK);
}

static void test_capacities_are_checked(struct bench *bench)
{
    uint8_t answer[32] = {0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 2, 0};

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    open_with(answer, 0x9e, 32, VIRTIO_OK);
    assert_int_equal(scsi_disk.blocks, 10);
    open_with(answer, 0x9e, 12, VIRTIO_OK);
    open_with(answer, 0x9e, 11, VIRTIO_E_RESPONSE);
    open_with(answer, 0x9e, 0, VIRTIO_E_RESPONSE);
    memset(answer, 0xff, 8); /* one block more than can be counted */
    open_with(answer, 0x9e, 32, VIRTIO_E_RESPONSE);
    answer[7] = 0xfe; /* or more bytes */
    open_with(answer, 0x9e, 32, VIRTIO_E_RESPONSE);
    memset(answer, 0, 8);
    open_with(answer, 0x9e, 32, VIRTIO_OK);
    assert_int_equal(scsi_disk.blocks, 1);
    for (uint32_t size = 0; size < 70000; size += 32) {
        bool good = size >= 256 && size <= 65536 && (size & (size - 1)) == 0;

        answer[9] = (uint8_t)(size >> 16);
        answer[10] = (uint8_t)(size >> 8);
        answer[11] = (uint8_t)size;
        open_with(answer, 0x9e, 32, good ? VIRTIO_OK : VIRTIO_E_RESPONSE);
        if (good)
            assert_true(scsi_disk.transfer_max % size == 0 && scsi_disk.transfer_max >= size);
        if (size >= 4096)
            size += 4064;
    }
    scsi_bench_end(bench);
}

static void test_capacity_of_ten_bytes(struct bench *bench)
{
    static const uint8_t full[8] = {0xff, 0xff, 0xff, 0xff, 0, 0, 2, 0};

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    assert_ok(virtio_scsi_open(&scsi_disk, &scsi_driver, 2, 1));
    scsi_fake.answer_to = 0x25;
    scsi_fake.answer_length = 8;
    memcpy(scsi_fake.answer, full, 8);
    assert_ok(virtio_scsi_read_capacity(&scsi_disk)); /* it says: ask for the long one */
    assert_int_equal(scsi_disk.blocks, 32);
    assert_int_equal(scsi_disk.block_size, 2048);
    scsi_fake.unknown[0] = 0x9e;
    assert_result(virtio_scsi_read_capacity(&scsi_disk), VIRTIO_E_UNSUPPORTED_REQUEST);
    assert_false(scsi_disk.ready);
    scsi_fake.answer_length = 7;
    assert_result(virtio_scsi_read_capacity(&scsi_disk), VIRTIO_E_RESPONSE);
    assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 2048), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_scsi_flush(&scsi_disk), VIRTIO_E_NOT_SUPPORTED);
    scsi_bench_end(bench);
}

static void test_inquiry_lengths_are_checked(struct bench *bench)
{
    uint8_t bytes[64];
    size_t got;

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    assert_ok(virtio_scsi_inquiry(&scsi_disk, bytes, 10, &got));
    assert_int_equal(got, 10);
    assert_ok(virtio_scsi_inquiry(&scsi_disk, bytes, sizeof(bytes), &got));
    assert_int_equal(got, 36);
    assert_int_equal(bytes[36], 0);
    assert_result(virtio_scsi_inquiry(&scsi_disk, bytes, 0, &got), VIRTIO_E_INVALID);
    assert_result(virtio_scsi_inquiry(&scsi_disk, NULL, 9, &got), VIRTIO_E_INVALID);
    assert_result(virtio_scsi_inquiry(&scsi_disk, bytes, VIRTIO_SCSI_PAGE + 1, &got),
                  VIRTIO_E_INVALID);
    assert_result(virtio_scsi_inquiry_page(&scsi_disk, 0x99, bytes, 64, &got),
                  VIRTIO_E_UNSUPPORTED_REQUEST);
    assert_int_equal(got, 0);
    scsi_fake.answer_to = 0x12;
    scsi_fake.answer_length = 64;
    scsi_fake.answer[1] = 0x80;
    scsi_fake.answer[3] = 200; /* more than came */
    assert_ok(virtio_scsi_inquiry_page(&scsi_disk, 0x80, bytes, 64, &got));
    assert_int_equal(got, 64);
    scsi_fake.answer[3] = 3;
    assert_ok(virtio_scsi_inquiry_page(&scsi_disk, 0x80, bytes, 64, &got));
    assert_int_equal(got, 7);
    assert_result(virtio_scsi_inquiry_page(&scsi_disk, 0x83, bytes, 64, &got), VIRTIO_E_RESPONSE);
    assert_int_equal(got, 0);
    scsi_fake.answer_length = 3;
    assert_result(virtio_scsi_inquiry_page(&scsi_disk, 0x80, bytes, 64, &got), VIRTIO_E_RESPONSE);
    scsi_fake.answer_length = 4;
    assert_result(virtio_scsi_open(&scsi_disk, &scsi_driver, 0, 0), VIRTIO_E_RESPONSE);
    scsi_bench_end(bench);
}

/* Data -------------------------------------------------------------------------------------------- */

static void test_data_both_ways(struct bench *bench)
{
    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    for (size_t count = 1; count <= 128; count += count) {
        scsi_bench_read(128 - count, count);
        memset(scsi_buffer, (int)count, count * 512);
        assert_ok(virtio_scsi_write(&scsi_disk, 0, scsi_buffer, count * 512));
        assert_memory_equal(scsi_fake.data, scsi_buffer, count * 512);
    }
    assert_ok(virtio_scsi_flush(&scsi_disk));
    assert_ok(virtio_scsi_flush_range(&scsi_disk, 3, 4));
    assert_int_equal(scsi_fake.cdb[5], 3);
    assert_int_equal(scsi_fake.cdb[8], 4);
    assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 0), VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 513), VIRTIO_E_INVALID);
    assert_result(virtio_scsi_write(&scsi_disk, 0, NULL, 512), VIRTIO_E_INVALID);
    assert_result(virtio_scsi_read(&scsi_disk, 128, scsi_buffer, 512), VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_scsi_read(&scsi_disk, UINT64_MAX, scsi_buffer, 512),
                  VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_scsi_flush_range(&scsi_disk, 128, 1), VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_scsi_submit_read(&scsi_disk, 0, scsi_buffer, 41 * 512, NULL),
                  VIRTIO_E_TOO_LONG);
    scsi_bench_end(bench);
}

/* What is longer than a command may be goes out as several; blocks far out take commands of 16 bytes. */
static void test_parts_and_long_commands(struct bench *bench)
{
    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    scsi_bench_read(0, 128);
    assert_int_equal(scsi_fake.by_opcode[0x28], 4);
    scsi_fake.units[0].blocks = UINT64_C(1) << 40;
    assert_ok(virtio_scsi_read_capacity(&scsi_disk));
    memset(scsi_buffer, 0, 1024);
    assert_ok(virtio_scsi_read(&scsi_disk, UINT64_C(1) << 33, scsi_buffer, 1024));
    assert_memory_equal(scsi_buffer, scsi_fake.data, 1024);
    assert_int_equal(scsi_fake.by_opcode[0x88], 1);
    assert_ok(virtio_scsi_write(&scsi_disk, UINT64_C(1) << 32, scsi_buffer, 512));
    assert_int_equal(scsi_fake.by_opcode[0x8a], 1);
    assert_ok(virtio_scsi_flush_range(&scsi_disk, UINT64_C(1) << 39, 1));
    assert_ok(virtio_scsi_flush_range(&scsi_disk, 0, 65536));
    assert_int_equal(scsi_fake.by_opcode[0x91], 2);
    assert_ok(virtio_scsi_read(&scsi_disk, UINT32_MAX - 127, scsi_buffer, 512));
    assert_int_equal(scsi_fake.by_opcode[0x88], 1);
    scsi_bench_end(bench);
}

static void test_unmap(struct bench *bench)
{
    static const uint8_t zeros[25 * 512];

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    assert_ok(virtio_scsi_unmap(&scsi_disk, 4, 25));
    assert_int_equal(scsi_fake.by_opcode[0x42], 3);
    assert_memory_equal(scsi_fake.data + 4 * 512, zeros, sizeof(zeros));
    assert_int_not_equal(scsi_fake.data[29 * 512 + 1], 0);
    assert_result(virtio_scsi_unmap(&scsi_disk, 4, 0), VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_scsi_unmap(&scsi_disk, 120, 9), VIRTIO_E_OUT_OF_RANGE);
    scsi_bench_end(bench);
}

static void test_data_both_ways_at_once(struct bench *bench)
{
    struct virtio_scsi_command command = {.cdb = {0xff}};
    struct virtio_scsi_result result;

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    command.out = "to and fro";
    command.out_bytes = 10;
    command.in = scsi_buffer;
    command.in_bytes = 12;
    assert_result(virtio_scsi_execute(&scsi_driver, &command, &result), VIRTIO_E_NOT_SUPPORTED);
    assert_int_equal(result.response, 0xff);
    assert_ok(virtio_scsi_stop(&scsi_driver));
    bench->fake.features |= VIRTIO_SCSI_F_INOUT;
    scsi_bench_start(bench);
    assert_ok(virtio_scsi_execute(&scsi_driver, &command, &result));
    assert_memory_equal(scsi_buffer, "to and fro", 10);
    assert_int_equal(result.residual, 2);
    scsi_bench_end(bench);
}

static void test_refusals_of_the_transport(struct bench *bench)
{
    struct virtio_scsi_command command = {.lun = VIRTIO_SCSI_LUN_MAX + 1};

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    assert_result(virtio_scsi_execute(&scsi_driver, &command, NULL), VIRTIO_E_INVALID);
    command.lun = 0;
    command.queue = 1;
    assert_result(virtio_scsi_submit(&scsi_driver, &command, NULL), VIRTIO_E_INVALID);
    command.queue = 0;
    command.in_bytes = 5;
    assert_result(virtio_scsi_submit(&scsi_driver, &command, NULL), VIRTIO_E_INVALID);
    command.in = scsi_buffer;
    command.in_bytes = (size_t)VIRTIO_SCSI_DATA_MAX + 1;
    assert_result(virtio_scsi_submit(&scsi_driver, &command, NULL), VIRTIO_E_TOO_LONG);
    command.in_bytes = 0;
    command.out_bytes = 1;
    assert_result(virtio_scsi_submit(&scsi_driver, &command, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_scsi_kick(&scsi_driver, 1), VIRTIO_E_INVALID);
    assert_int_equal(virtio_scsi_in_flight(&scsi_driver, 1), 0);
    assert_result(virtio_scsi_wait(&scsi_driver, 0, &(struct virtio_scsi_done){.error = 0}, 0),
                  VIRTIO_E_INVALID);
    assert_result(virtio_scsi_wait(&scsi_driver, 0, &(struct virtio_scsi_done){.error = 0}, 1000),
                  VIRTIO_E_STATE);
    assert_result(virtio_scsi_drain(&scsi_driver, &(struct virtio_scsi_done){.error = 0}),
                  VIRTIO_E_BUSY);
    scsi_bench_end(bench);
}

/* In flight --------------------------------------------------------------------------------------- */

static void test_many_in_flight(struct bench *bench)
{
    struct virtio_scsi_done done;
    unsigned submitted = 0;
    uint64_t seen = 0;
    int error;

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    for (unsigned round = 0; round < 5; round++) {
        scsi_fake.held = true;
        submitted = 0;
        seen = 0;
        while (
            (error = virtio_scsi_submit_read(&scsi_disk, submitted, scsi_buffer + 512 * submitted,
                                             512, bench_cookie(submitted))) == VIRTIO_OK)
            submitted++;
        assert_result(error, VIRTIO_E_FULL);
        assert_true(submitted >= 16 && submitted <= scsi_driver.depth);
        assert_int_equal(virtio_scsi_in_flight(&scsi_driver, 0), submitted);
        assert_ok(virtio_scsi_kick(&scsi_driver, 0));
        assert_result(virtio_scsi_reap(&scsi_driver, 0, &done), 0);
        for (unsigned left = submitted; left != 0; left--) {
            fake_scsi_finish(&scsi_fake, 0, left / 2); /* the middle one */
            while (virtio_scsi_reap(&scsi_driver, 0, &done) == 1) {
                assert_ok(done.error);
                assert_int_equal(seen >> (uintptr_t)done.cookie & 1, 0);
                seen |= UINT64_C(1) << (uintptr_t)done.cookie;
            }
        }
        assert_int_equal(virtio_scsi_in_flight(&scsi_driver, 0), 0);
        assert_int_equal(seen, (UINT64_C(1) << submitted) - 1);
        assert_memory_equal(scsi_buffer, scsi_fake.data, 512 * submitted);
        scsi_fake.held = false;
    }
    scsi_bench_end(bench);
}

/* A blocking call keeps what else completes, in order. */
static void test_blocking_calls_between_others(struct bench *bench)
{
    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    for (uintptr_t i = 0; i < 5; i++)
        assert_ok(virtio_scsi_submit_write(&scsi_disk, i, scsi_buffer, 512, bench_cookie(i)));
    scsi_bench_read(60, 1);
    assert_ok(virtio_scsi_submit_flush(&scsi_disk, bench_cookie(5)));
    assert_ok(virtio_scsi_test_unit_ready(&scsi_disk));
    assert_int_equal(virtio_scsi_in_flight(&scsi_driver, 0), 6);
    for (uintptr_t i = 0; i < 6; i++)
        assert_int_equal(scsi_bench_wait(VIRTIO_OK), i);
    scsi_bench_end(bench);
}

static void test_queues_are_apart(struct bench *bench)
{
    struct virtio_scsi_done done;

    scsi_bench_begin(bench);
    scsi_options.queues = 3;
    scsi_bench_start(bench);
    for (uint16_t queue = 0; queue < 3; queue++) {
        scsi_disk.queue = queue;
        scsi_bench_read(queue, 5);
        assert_ok(virtio_scsi_submit_read(&scsi_disk, queue, scsi_buffer + 8192 + 4096 * queue, 512,
                                          bench_cookie(queue)));
        assert_ok(virtio_scsi_kick(&scsi_driver, queue));
    }
    for (uint16_t queue = 3; queue-- > 0;) {
        assert_result(virtio_scsi_reap(&scsi_driver, queue, &done), 1);
        assert_int_equal((uintptr_t)done.cookie, queue);
        assert_result(virtio_scsi_reap(&scsi_driver, queue, &done), 0);
    }
    scsi_disk.queue = 3;
    assert_result(virtio_scsi_test_unit_ready(&scsi_disk), VIRTIO_E_INVALID);
    assert_result(virtio_scsi_unmap(&scsi_disk, 0, 1), VIRTIO_E_INVALID);
    scsi_bench_end(bench);
}

static const struct bench_test tests[] = {
    TEST(test_started_and_stopped, BENCH_HOSTS),
    TEST(test_features_are_chosen, BENCH_ALL),
    TEST(test_impossible_devices_are_refused, BENCH_ONE),
    TEST(test_config_ends_too_early, BENCH_MMIO),
    TEST(test_p98_sizes_are_settled, BENCH_ALL),
    TEST(test_each_allocation_failing, BENCH_ALL),
    TEST(test_queues_and_depth, BENCH_ONE),
    TEST(test_units_are_found, BENCH_ALL),
    TEST(test_scan_is_bounded, BENCH_ONE),
    TEST(test_lists_of_units_are_checked, BENCH_HOSTS),
    TEST(test_long_lists_are_cut, BENCH_ONE),
    TEST(test_what_a_unit_says, BENCH_HOSTS),
    TEST(test_an_old_unit, BENCH_ONE),
    TEST(test_capacities_are_checked, BENCH_ONE),
    TEST(test_capacity_of_ten_bytes, BENCH_ONE),
    TEST(test_inquiry_lengths_are_checked, BENCH_ONE),
    TEST(test_data_both_ways, BENCH_HOSTS),
    TEST(test_parts_and_long_commands, BENCH_HOSTS),
    TEST(test_unmap, BENCH_HOSTS),
    TEST(test_data_both_ways_at_once, BENCH_HOSTS),
    TEST(test_refusals_of_the_transport, BENCH_ONE),
    TEST(test_many_in_flight, BENCH_ALL),
    TEST(test_blocking_calls_between_others, BENCH_HOSTS),
    TEST(test_queues_are_apart, BENCH_ALL),
};

BENCH_MAIN_RINGS(tests)
