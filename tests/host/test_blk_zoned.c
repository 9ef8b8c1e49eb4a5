/* SPDX-License-Identifier: MIT */
/*
 * Zoned disks, on the fake device alone: no QEMU here has them.
 */
#include "blk_bench.h"

#include <string.h>

#define ZONE     32u /* sectors */
#define CAPACITY 24u /* of them can be written */
#define ZONES    20u

static struct virtio_blk_zoned zoned;
static struct virtio_blk_zone zones[ZONES + 4];

static void begin(struct bench *bench)
{
    memset(&zoned, 0, sizeof(zoned));
    blk_bench_begin(bench, ZONES * ZONE - 8); /* the last zone is smaller */
    fake_blk_zone(&blk_fake, ZONE, CAPACITY);
    bench->host.may_allocate = true; /* the last thing that a start does, behind that of the disk */
}

static void start(struct bench *bench)
{
    begin(bench);
    bench_attach(bench);
    assert_ok(virtio_blk_zoned_start(&zoned, &bench->device, NULL));
    bench->host.may_allocate = false;
}

static void end(void)
{
    assert_ok(virtio_blk_zoned_stop(&zoned));
    fake_blk_end(&blk_fake);
}

static uint8_t state_of(unsigned zone)
{
    size_t found;

    assert_ok(virtio_blk_report_zones(&zoned, (uint64_t)zone * ZONE, zones, 1, &found));
    assert_int_equal(found, 1);
    return zones[0].state;
}

static void test_characteristics_are_read(struct bench *bench)
{
    begin(bench);
    bench->fake.features |=
        VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_SECURE_ERASE | VIRTIO_BLK_F_WRITE_ZEROES;
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_OPEN_ZONES, 4, 5);
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_ACTIVE_ZONES, 4, 6);
    bench_attach(bench);
    assert_ok(virtio_blk_zoned_start(&zoned, &bench->device, NULL));
    assert_int_equal(zoned.model, VIRTIO_BLK_Z_HM);
    assert_int_equal(zoned.zone_sectors, ZONE);
    assert_int_equal(zoned.max_open_zones, 5);
    assert_int_equal(zoned.max_active_zones, 6);
    assert_int_equal(zoned.max_append_sectors, 16);
    assert_int_equal(zoned.write_granularity, 512);
    assert_int_equal(
        bench->fake.driver_features & (VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_SECURE_ERASE), 0);
    assert_true((bench->fake.driver_features & VIRTIO_BLK_F_WRITE_ZEROES) != 0);
    end();
}

static void check_start(struct bench *bench, uint32_t offset, unsigned width, uint64_t value,
                        int error)
{
    begin(bench);
    blk_bench_offer(bench, 0, offset, width, value);
    bench_attach(bench);
    assert_result(virtio_blk_zoned_start(&zoned, &bench->device, NULL), error);
    assert_int_equal(fake_host_live(&bench->host), 0);
    end();
}

static void test_characteristics_that_make_no_sense(struct bench *bench)
{
    check_start(bench, FAKE_BLK_MODEL, 1, 3, VIRTIO_E_CONFIG);
    check_start(bench, FAKE_BLK_ZONE_SECTORS, 4, 0, VIRTIO_E_CONFIG);
    check_start(bench, FAKE_BLK_WRITE_GRANULARITY, 4, 0, VIRTIO_E_CONFIG);
    check_start(bench, FAKE_BLK_WRITE_GRANULARITY, 4, 513, VIRTIO_E_CONFIG);
    check_start(bench, FAKE_BLK_WRITE_GRANULARITY, 4, 0x80000000, VIRTIO_E_NOT_SUPPORTED);
}

static void test_disks_without_zones(struct bench *bench)
{
    size_t found;

    begin(bench);
    bench->fake.features &= ~VIRTIO_BLK_F_ZONED;
    bench_attach(bench);
    assert_result(virtio_blk_zoned_start(&zoned, &bench->device, NULL), VIRTIO_E_NOT_SUPPORTED);
    bench->fake.features |= VIRTIO_BLK_F_ZONED;
    bench->fake.config[FAKE_BLK_MODEL] = VIRTIO_BLK_Z_NONE;
    blk_fake.zone_count = 0;
    assert_ok(virtio_blk_zoned_start(&zoned, &bench->device, NULL));
    assert_int_equal(zoned.zone_sectors, 0);
    assert_ok(virtio_blk_write(&zoned.disk, 5, blk_buffer, SECTOR));
    assert_result(virtio_blk_report_zones(&zoned, 0, zones, 1, &found), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_blk_zone_open(&zoned, 0), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_blk_zone_reset_all(&zoned), VIRTIO_E_NOT_SUPPORTED);
    end();
}

static void check_plain_start(struct bench *bench, uint64_t model, int error)
{
    const uint64_t failures = bench->fake.failures;

    bench->fake.config[FAKE_BLK_MODEL] = (uint8_t)model;
    bench->fake.driver_features = 0;
    assert_result(virtio_blk_start(&blk_disk, &bench->device), error);
    if (error == VIRTIO_OK) {
        assert_int_equal(bench->fake.driver_features & VIRTIO_BLK_F_ZONED, 0);
        assert_ok(virtio_blk_write(&blk_disk, 5, blk_buffer, SECTOR));
        assert_ok(virtio_blk_stop(&blk_disk));
        return;
    }
    /* Neither features nor FEATURES_OK were written: FAILED was, and then a reset. */
    assert_int_equal(bench->fake.driver_features, 0);
    assert_int_equal(bench->fake.failures, failures + 1);
    assert_int_equal(bench->fake.status_log[0], 0);
    assert_int_equal(bench->fake.status_log[1], 0x83);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

/* A driver of ordinary disks must not take a host-managed one, even if the device lets it. */
static void test_p33_ordinary_disks_only(struct bench *bench)
{
    const struct virtio_blk_options options = {.list_max = 4};

    begin(bench);
    blk_fake.zone_count = 0; /* no zones to get in the way of what follows */
    bench_attach(bench);
    check_plain_start(bench, VIRTIO_BLK_Z_HM, VIRTIO_E_FEATURES);
    assert_result(virtio_blk_start_with(&blk_disk, &bench->device, &options), VIRTIO_E_FEATURES);
    check_plain_start(bench, VIRTIO_BLK_Z_HA, VIRTIO_OK);
    check_plain_start(bench, VIRTIO_BLK_Z_NONE, VIRTIO_OK);
    bench->fake.features &= ~VIRTIO_BLK_F_ZONED; /* then the field means nothing */
    check_plain_start(bench, VIRTIO_BLK_Z_HM, VIRTIO_OK);
    fake_blk_end(&blk_fake);
}

/* A legacy device can't negotiate zones properly, even if it offers them. */
static void test_no_zones_on_legacy(struct bench *bench)
{
    begin(bench);
    bench_attach(bench);
    assert_result(virtio_blk_zoned_start(&zoned, &bench->device, NULL), VIRTIO_E_NOT_SUPPORTED);
    assert_int_equal(fake_host_live(&bench->host), 0);
    end();
}

static void test_each_allocation_fails_in_turn(struct bench *bench)
{
    unsigned failures = 0;
    int error;

    begin(bench);
    bench_attach(bench);
    do {
        fake_host_fail_at(&bench->host, failures + 1);
        error = virtio_blk_zoned_start(&zoned, &bench->device, NULL);
        if (bench->host.failed) {
            failures++;
            if (error == VIRTIO_OK)
                assert_ok(virtio_blk_zoned_stop(&zoned));
            assert_int_equal(fake_host_live(&bench->host), 0);
        }
    } while (bench->host.failed && failures < 100);
    fake_host_fail_at(&bench->host, 0);
    assert_ok(error);
    assert_true(failures >= 5);
    end();
}

static void test_all_zones_are_reported(struct bench *bench)
{
    size_t found;

    start(bench);
    assert_ok(virtio_blk_report_zones(&zoned, 0, zones, ZONES + 4, &found));
    assert_int_equal(found, ZONES);
    assert_int_equal(blk_fake.requests, 2); /* 15 at once */
    for (unsigned i = 0; i < ZONES; i++) {
        assert_int_equal(zones[i].start, i * ZONE);
        assert_int_equal(zones[i].capacity, CAPACITY);
        assert_int_equal(zones[i].type, i == 0 ? VIRTIO_BLK_ZT_CONV : VIRTIO_BLK_ZT_SWR);
        assert_int_equal(zones[i].write_pointer, i == 0 ? VIRTIO_BLK_NO_WRITE_POINTER : i * ZONE);
    }
    assert_ok(virtio_blk_report_zones(&zoned, 3 * ZONE + 7, zones, 2, &found));
    assert_int_equal(found, 2);
    assert_int_equal(zones[0].start, 3 * ZONE);
    assert_result(virtio_blk_report_zones(&zoned, ZONES * ZONE, zones, 2, &found),
                  VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_blk_report_zones(&zoned, 0, NULL, 2, &found), VIRTIO_E_INVALID);
    assert_result(virtio_blk_report_zones(&zoned, 0, zones, 0, &found), VIRTIO_E_INVALID);
    end();
    assert_result(virtio_blk_report_zones(&zoned, 0, zones, 2, &found), VIRTIO_E_STATE);
}

static void check_report(int error, size_t expected)
{
    size_t found = 77;

    assert_result(virtio_blk_report_zones(&zoned, ZONE, zones, 4, &found), error);
    assert_int_equal(found, expected);
}

/* Whatever makes no sense in a report ends it there. */
static void test_reports_that_lie(struct bench *bench)
{
    const struct fake_blk_zone good = {VIRTIO_BLK_ZT_SWR, VIRTIO_BLK_ZS_EMPTY, 2 * ZONE, 2 * ZONE,
                                       CAPACITY};
    struct fake_blk_zone *zone = &blk_fake.zones[2];

    start(bench);
    blk_fake.report_more = 16;
    check_report(VIRTIO_E_RESPONSE, 0);
    blk_fake.report_more = UINT64_MAX - 14; /* 15 and that are 0 */
    check_report(VIRTIO_E_RESPONSE, 0);
    blk_fake.report_more = 0;
    blk_fake.report_nothing = true;
    check_report(VIRTIO_E_RESPONSE, 0);
    blk_fake.report_nothing = false;
    zone->start++;
    check_report(VIRTIO_E_RESPONSE, 1);
    *zone = good;
    zone->capacity = ZONE + 1;
    check_report(VIRTIO_E_RESPONSE, 1);
    *zone = good;
    zone->pointer = zone->start - 1;
    check_report(VIRTIO_E_RESPONSE, 1);
    zone->pointer = zone->start + CAPACITY + 1;
    check_report(VIRTIO_E_RESPONSE, 1);
    *zone = good;
    for (unsigned type = 0; type < 256; type += type < 4 ? 1 : 63) {
        zone->type = (uint8_t)type;
        check_report(type == 2 || type == 3 ? VIRTIO_OK : VIRTIO_E_RESPONSE,
                     type == 2 || type == 3 ? 4 : 1);
    }
    *zone = good;
    zone->state = VIRTIO_BLK_ZS_NOT_WP;
    check_report(VIRTIO_E_RESPONSE, 1);
    zone->state = 5;
    check_report(VIRTIO_E_RESPONSE, 1);
    zone->state = VIRTIO_BLK_ZS_OFFLINE;
    zone->pointer = 0;
    check_report(VIRTIO_OK, 4);
    assert_int_equal(zones[1].write_pointer, VIRTIO_BLK_NO_WRITE_POINTER);
    end();
}

static void test_the_states_of_a_zone(struct bench *bench)
{
    const uint64_t zone = 2 * ZONE;

    start(bench);
    assert_ok(virtio_blk_zone_open(&zoned, zone));
    assert_int_equal(state_of(2), VIRTIO_BLK_ZS_EOPEN);
    assert_ok(virtio_blk_zone_close(&zoned, zone));
    assert_int_equal(state_of(2), VIRTIO_BLK_ZS_EMPTY);
    assert_ok(virtio_blk_write(&zoned.disk, zone, blk_buffer, SECTOR));
    assert_int_equal(state_of(2), VIRTIO_BLK_ZS_IOPEN);
    assert_int_equal(zones[0].write_pointer, zone + 1);
    assert_ok(virtio_blk_zone_close(&zoned, zone));
    assert_int_equal(state_of(2), VIRTIO_BLK_ZS_CLOSED);
    assert_ok(virtio_blk_zone_finish(&zoned, zone));
    assert_int_equal(state_of(2), VIRTIO_BLK_ZS_FULL);
    assert_ok(virtio_blk_zone_reset(&zoned, zone));
    assert_int_equal(state_of(2), VIRTIO_BLK_ZS_EMPTY);
    assert_ok(virtio_blk_write(&zoned.disk, zone, blk_buffer, CAPACITY * SECTOR));
    assert_int_equal(state_of(2), VIRTIO_BLK_ZS_FULL);
    assert_ok(virtio_blk_zone_finish(&zoned, 3 * ZONE));
    assert_ok(virtio_blk_zone_reset_all(&zoned));
    assert_int_equal(state_of(2), VIRTIO_BLK_ZS_EMPTY);
    assert_int_equal(state_of(3), VIRTIO_BLK_ZS_EMPTY);
    end();
}

/* Each of the device's four objections has its own error, from writes, too. */
static void test_errors_are_told_apart(struct bench *bench)
{
    begin(bench);
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_OPEN_ZONES, 4, 1);
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_ACTIVE_ZONES, 4, 2);
    bench_attach(bench);
    assert_ok(virtio_blk_zoned_start(&zoned, &bench->device, NULL));
    assert_result(virtio_blk_zone_open(&zoned, 0), VIRTIO_E_ZONE_INVALID_COMMAND);
    assert_result(virtio_blk_zone_close(&zoned, ZONE), VIRTIO_E_ZONE_INVALID_COMMAND);
    assert_result(virtio_blk_write(&zoned.disk, ZONE + 1, blk_buffer, SECTOR),
                  VIRTIO_E_ZONE_UNALIGNED_WRITE);
    assert_result(virtio_blk_write(&zoned.disk, ZONE, blk_buffer, (CAPACITY + 1) * SECTOR),
                  VIRTIO_E_ZONE_INVALID_COMMAND);
    assert_ok(virtio_blk_write(&zoned.disk, ZONE, blk_buffer, SECTOR));
    assert_result(virtio_blk_write(&zoned.disk, 2 * ZONE, blk_buffer, SECTOR),
                  VIRTIO_E_ZONE_OPEN_RESOURCE);
    assert_ok(virtio_blk_zone_close(&zoned, ZONE));
    assert_ok(virtio_blk_zone_open(&zoned, 2 * ZONE));
    assert_result(virtio_blk_zone_open(&zoned, 3 * ZONE), VIRTIO_E_ZONE_ACTIVE_RESOURCE);
    blk_fake.forced_status = 7;
    assert_result(virtio_blk_zone_reset(&zoned, ZONE), VIRTIO_E_RESPONSE);
    blk_fake.forced_status = 1;
    assert_result(virtio_blk_zone_reset(&zoned, ZONE), VIRTIO_E_IO);
    blk_fake.forced_status = 2;
    assert_result(virtio_blk_zone_reset(&zoned, ZONE), VIRTIO_E_UNSUPPORTED_REQUEST);
    blk_fake.forced_status = -1;
    end();
}

static void test_zones_that_make_no_sense(struct bench *bench)
{
    uint64_t requests;
    uint64_t sector = 77;

    start(bench);
    requests = blk_fake.requests;
    assert_result(virtio_blk_zone_open(&zoned, ZONE + 1), VIRTIO_E_INVALID);
    assert_result(virtio_blk_zone_reset(&zoned, UINT64_C(1) << 40), VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_blk_append(&zoned, ZONE + 1, blk_buffer, SECTOR, &sector),
                  VIRTIO_E_INVALID);
    assert_result(virtio_blk_append(&zoned, ZONE, blk_buffer, 100, &sector), VIRTIO_E_INVALID);
    assert_result(virtio_blk_append(&zoned, ZONE, NULL, SECTOR, &sector), VIRTIO_E_INVALID);
    assert_result(virtio_blk_append(&zoned, ZONE, blk_buffer, 0, &sector), VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_blk_append(&zoned, ZONE, blk_buffer, 17 * SECTOR, &sector),
                  VIRTIO_E_TOO_LONG);
    assert_int_equal(sector, 77);
    assert_int_equal(blk_fake.requests, requests);
    end();
    assert_result(virtio_blk_zone_open(&zoned, ZONE), VIRTIO_E_STATE);
}

static void test_append(struct bench *bench)
{
    uint64_t sector;

    start(bench);
    for (size_t i = 0; i < 4 * SECTOR; i++)
        blk_buffer[i] = (uint8_t)(i * 13);
    assert_ok(virtio_blk_append(&zoned, ZONE, blk_buffer, 3 * SECTOR, &sector));
    assert_int_equal(sector, ZONE);
    assert_ok(virtio_blk_append(&zoned, ZONE, blk_buffer + SECTOR, 2 * SECTOR, &sector));
    assert_int_equal(sector, ZONE + 3);
    assert_memory_equal(blk_fake.disk + (size_t)ZONE * SECTOR, blk_buffer, 3 * SECTOR);
    assert_memory_equal(blk_fake.disk + (size_t)(ZONE + 3) * SECTOR, blk_buffer + SECTOR,
                        2 * SECTOR);
    assert_result(virtio_blk_append(&zoned, 0, blk_buffer, SECTOR, &sector),
                  VIRTIO_E_ZONE_INVALID_COMMAND);
    blk_fake.append_leaves_sector = true;
    assert_result(virtio_blk_append(&zoned, ZONE, blk_buffer, SECTOR, &sector), VIRTIO_E_RESPONSE);
    blk_fake.append_leaves_sector = false;
    blk_fake.append_lie = ZONE;
    assert_result(virtio_blk_append(&zoned, ZONE, blk_buffer, SECTOR, &sector), VIRTIO_E_RESPONSE);
    blk_fake.append_lie = (uint64_t)0 - ZONE;
    assert_result(virtio_blk_append(&zoned, ZONE, blk_buffer, SECTOR, &sector), VIRTIO_E_RESPONSE);
    assert_int_equal(sector, ZONE + 3);
    end();
    begin(bench);
    blk_bench_offer(bench, 0, FAKE_BLK_MAX_APPEND_SECTORS, 4, 0);
    bench_attach(bench);
    assert_ok(virtio_blk_zoned_start(&zoned, &bench->device, NULL));
    assert_result(virtio_blk_append(&zoned, ZONE, blk_buffer, SECTOR, &sector),
                  VIRTIO_E_NOT_SUPPORTED);
    end();
}

static void take_append(uintptr_t cookie, int error)
{
    struct virtio_blk_done done = {NULL, 1};

    assert_result(virtio_blk_wait(&zoned.disk, &done, 1000000), 1);
    assert_int_equal((uintptr_t)done.cookie, cookie);
    assert_result(done.error, error);
}

static void test_appends_in_flight(struct bench *bench)
{
    uint64_t sectors[4] = {1, 2, 3, 4};
    struct virtio_blk_done done;

    start(bench);
    for (size_t i = 0; i < 4 * SECTOR; i++)
        blk_buffer[i] = (uint8_t)(i * 13);
    for (uintptr_t i = 0; i < 3; i++)
        assert_ok(virtio_blk_submit_append(&zoned, ZONE, blk_buffer + i * SECTOR, SECTOR,
                                           &sectors[i], bench_cookie(i)));
    assert_int_equal(zoned.disk.in_flight, 3);
    assert_int_equal(sectors[0], 1); /* not yet */
    for (uintptr_t i = 0; i < 3; i++)
        take_append(i, VIRTIO_OK);
    for (uintptr_t i = 0; i < 3; i++)
        assert_int_equal(sectors[i], ZONE + i);
    assert_memory_equal(blk_fake.disk + (size_t)ZONE * SECTOR, blk_buffer, 3 * SECTOR);
    assert_int_equal(zoned.disk.in_flight, 0);
    /* Refused, failed, and a lie: the place stays as it was. */
    assert_result(virtio_blk_submit_append(&zoned, ZONE + 1, blk_buffer, SECTOR, &sectors[3], NULL),
                  VIRTIO_E_INVALID);
    assert_result(
        virtio_blk_submit_append(&zoned, ZONE, blk_buffer, 17 * SECTOR, &sectors[3], NULL),
        VIRTIO_E_TOO_LONG);
    fake_host_fail_at(&bench->host, 1);
    if (virtio_blk_submit_append(&zoned, ZONE, blk_buffer, SECTOR, &sectors[2], bench_cookie(6)) ==
        VIRTIO_OK)
        take_append(6, VIRTIO_OK); /* a host that maps nothing */
    fake_host_fail_at(&bench->host, 0);
    assert_ok(
        virtio_blk_submit_append(&zoned, 0, blk_buffer, SECTOR, &sectors[3], bench_cookie(4)));
    take_append(4, VIRTIO_E_ZONE_INVALID_COMMAND);
    blk_fake.append_lie = ZONE;
    assert_ok(
        virtio_blk_submit_append(&zoned, ZONE, blk_buffer, SECTOR, &sectors[3], bench_cookie(5)));
    take_append(5, VIRTIO_E_RESPONSE);
    blk_fake.append_lie = 0;
    /* Beside it, others are found at their own places by a blocking call. */
    blk_fake.drop_next = 1;
    assert_ok(
        virtio_blk_submit_append(&zoned, ZONE, blk_buffer, SECTOR, &sectors[3], bench_cookie(7)));
    assert_ok(virtio_blk_append(&zoned, 2 * ZONE, blk_buffer, SECTOR, &sectors[0]));
    assert_int_equal(sectors[0], 2 * ZONE);
    assert_ok(virtio_blk_halt(&zoned.disk));
    assert_result(virtio_blk_drain(&zoned.disk, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 7);
    assert_result(done.error, VIRTIO_E_RESET);
    assert_int_equal(sectors[3], 4);
    end();
    assert_result(virtio_blk_submit_append(&zoned, ZONE, blk_buffer, SECTOR, &sectors[3], NULL),
                  VIRTIO_E_STATE);
}

/* The place that a blocking call was to fill in is its caller's again when it has returned, even if the disk is
 * lost and finishes the append later. */
static void test_p69_an_append_that_was_given_up(struct bench *bench)
{
    uint64_t sector = 1;
    struct virtio_blk_done done;

    begin(bench);
    bench_attach(bench);
    bench->device.timeout_us = 2000;
    assert_ok(virtio_blk_zoned_start(&zoned, &bench->device, NULL));
    bench->host.may_allocate = false;
    blk_fake.order = FAKE_BLK_HELD;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_blk_append(&zoned, ZONE, blk_buffer, SECTOR, &sector), VIRTIO_E_BUSY);
    fake_blk_finish(&blk_fake, 0);
    bench->fake.reset_polls = 3;
    assert_ok(virtio_blk_halt(&zoned.disk));
    assert_result(virtio_blk_drain(&zoned.disk, &done), 0);
    assert_int_equal(sector, 1);
    bench->fake.reset_polls = 0;
    end();
}

/* A write in several parts is cut between units. */
static void test_parts_are_whole_units(struct bench *bench)
{
    begin(bench);
    blk_bench_offer(bench, VIRTIO_BLK_F_SIZE_MAX, FAKE_BLK_SIZE_MAX, 4, 3 * SECTOR);
    blk_bench_offer(bench, 0, FAKE_BLK_WRITE_GRANULARITY, 4, 2 * SECTOR);
    bench_attach(bench);
    assert_ok(virtio_blk_zoned_start(&zoned, &bench->device, NULL));
    assert_ok(virtio_blk_write(&zoned.disk, ZONE, blk_buffer, 8 * SECTOR));
    assert_int_equal(blk_fake.requests, 4);
    assert_int_equal(state_of(1), VIRTIO_BLK_ZS_IOPEN);
    end();
    bench->fake.features &= ~VIRTIO_BLK_F_SIZE_MAX;
}

static void test_a_report_without_an_answer(struct bench *bench)
{
    size_t found;

    start(bench);
    zoned.disk.device.timeout_us = 20000;
    blk_fake.drop_next = 1;
    assert_result(virtio_blk_report_zones(&zoned, 0, zones, 2, &found), VIRTIO_E_TIMEOUT);
    assert_result(virtio_blk_report_zones(&zoned, 0, zones, 2, &found), VIRTIO_E_STATE);
    assert_ok(virtio_blk_recover(&zoned.disk));
    assert_ok(virtio_blk_report_zones(&zoned, 0, zones, 2, &found));
    assert_int_equal(found, 2);
    end();
}

/* The fake's rules, broken by hand. */
static void send(struct bench *bench, uint32_t type, uint64_t sector, uint32_t readable,
                 uint32_t writable)
{
    const uint64_t base = bench->shared.device_address;
    uint8_t *bytes = bench->shared.memory;
    struct virtio_buffer buffers[4] = {{base, 16}};
    uint16_t count = 1;
    struct virtio_done done;

    memset(bytes, 0, 16);
    fake_put(&bench->fake, bytes, 4, type);
    fake_put(&bench->fake, bytes + 8, 8, sector);
    if (readable != 0)
        buffers[count++] = (struct virtio_buffer){base + 512, readable};
    if (writable != 0)
        buffers[count++] = (struct virtio_buffer){base + 4096, writable};
    buffers[count] = (struct virtio_buffer){base + 128, 1};
    assert_ok(virtio_submit_buffers(&bench->queues[0], buffers, (uint16_t)(1 + (readable != 0)),
                                    (uint16_t)(1 + (writable != 0)), NULL));
    assert_ok(virtio_kick(&bench->queues[0]));
    assert_result(virtio_reap(&bench->queues[0], &done), 1);
}

static void test_rules_of_zones(struct bench *bench)
{
    struct fake_blk blk;

    fake_blk_begin(&blk, &bench->fake, 4 * ZONE);
    fake_blk_zone(&blk, ZONE, ZONE);
    bench->wanted.supported = VIRTIO_BLK_F_ZONED;
    bench_start(bench, 8);
    send(bench, FAKE_BLK_ZONE_OPEN, ZONE, 0, 0); /* as it should be */
    send(bench, FAKE_BLK_ZONE_OPEN, ZONE + 1, 0, 0);
    bench_expect_violation(bench, "blk-zone-sector");
    send(bench, FAKE_BLK_ZONE_RESET_ALL, ZONE, 0, 0);
    bench_expect_violation(bench, "blk-zone-sector");
    send(bench, FAKE_BLK_ZONE_OPEN, ZONE, 0, 8);
    bench_expect_violation(bench, "blk-zone-data");
    send(bench, FAKE_BLK_ZONE_REPORT, 4 * ZONE, 0, 512);
    bench_expect_violation(bench, "blk-zone-report");
    send(bench, FAKE_BLK_ZONE_APPEND, ZONE, 512, 8); /* as it should be */
    send(bench, FAKE_BLK_ZONE_APPEND, ZONE, 100, 8);
    bench_expect_violation(bench, "blk-append");
    send(bench, FAKE_BLK_ZONE_APPEND, ZONE, 512, 0);
    bench_expect_violation(bench, "blk-append");
    blk.zone_count = 0;
    send(bench, FAKE_BLK_ZONE_OPEN, ZONE, 0, 0);
    bench_expect_violation(bench, "blk-zone-feature");
    bench_stop(bench);
    fake_blk_end(&blk);
}

static const struct bench_test tests[] = {
    TEST(test_characteristics_are_read, BENCH_MODERN),
    TEST(test_characteristics_that_make_no_sense, BENCH_ONE),
    TEST(test_disks_without_zones, BENCH_MODERN),
    TEST(test_p33_ordinary_disks_only, BENCH_ALL & ~BENCH_WINDOW),
    TEST(test_no_zones_on_legacy, BENCH_LEGACY),
    TEST(test_each_allocation_fails_in_turn, BENCH_MODERN),
    TEST(test_all_zones_are_reported, BENCH_MODERN | BENCH_IDENTITY | BENCH_SYNC),
    TEST(test_reports_that_lie, BENCH_ONE),
    TEST(test_the_states_of_a_zone, BENCH_MODERN | BENCH_IDENTITY | BENCH_SYNC),
    TEST(test_errors_are_told_apart, BENCH_MODERN),
    TEST(test_zones_that_make_no_sense, BENCH_ONE),
    TEST(test_append, BENCH_MODERN | BENCH_IDENTITY | BENCH_SYNC),
    TEST(test_p69_an_append_that_was_given_up, BENCH_MODERN | BENCH_IDENTITY | BENCH_SYNC),
    TEST(test_appends_in_flight, (BENCH_MODERN | BENCH_IDENTITY | BENCH_SYNC) | BENCH_OUT_OF_ORDER),
    TEST(test_parts_are_whole_units, BENCH_ONE),
    TEST(test_a_report_without_an_answer, BENCH_MODERN),
    TEST(test_rules_of_zones, BENCH_ONE),
};

BENCH_MAIN_RINGS(tests)
