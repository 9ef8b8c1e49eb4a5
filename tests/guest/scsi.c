/* SPDX-License-Identifier: MIT */
/*
 * The SCSI driver against the machine's controllers: what is behind them, and data both ways, which the host
 * compares (scripts/runner/peer_scsi.py). Errors are in scsi_faults.c, events in scsi_events.c.
 */
#include "scsi_rig.h"
#include "suites.h"

#include "pattern.h"
#include "sha256.h"

#include <stdio.h>
#include <string.h>

enum {
    SEED = 0xc0ffee,
    DEPTH = 32, /* places for reads in flight */
    PLACE_BYTES = 4096,
    TOTAL = 1000, /* reads */
};

/* --- What is there ------------------------------------------------------------------------------ */

static void scan_one(struct test *test, size_t index)
{
    const struct virtio_device *found = test_find_device(test, VIRTIO_ID_SCSI, index);
    static struct virtio_scsi_scan scan;
    static char list[256];
    int length = 0;
    uint8_t target;
    uint16_t lun;
    int error;

    REQUIRE_RESULT(test, virtio_scsi_start(&scsi_rig, found, NULL), VIRTIO_OK);
    virtio_scsi_scan_begin(&scan, &scsi_rig);
    list[0] = '\0';
    while ((error = virtio_scsi_scan_next(&scan, &target, &lun)) == VIRTIO_OK &&
           length < (int)sizeof(list) - 16) {
        length += snprintf(list + length, sizeof(list) - (size_t)length, "%s%u:%u",
                           length != 0 ? "," : "", target, lun);
    }
    CHECK_RESULT(test, error, VIRTIO_E_NO_DEVICE);
    CHECK(test, !scan.truncated);
    CHECK(test, length != 0);
    test_ask_host(test, "scsi found units=%s", list);
    CHECK_RESULT(test, virtio_scsi_stop(&scsi_rig), VIRTIO_OK);
}

static void all_units_are_found(struct test *test)
{
    for (size_t i = 0; test_find_device(test, VIRTIO_ID_SCSI, i) != NULL; i++) {
        scan_one(test, i);
    }
}

static void check_pages(struct test *test)
{
    static uint8_t page[VIRTIO_SCSI_PAGE];
    struct virtio_scsi_designator designator;
    unsigned names = 0;
    size_t at = 0;
    size_t got;

    REQUIRE_RESULT(test, virtio_scsi_inquiry_page(&scsi_unit, 0x00, page, sizeof(page), &got),
                   VIRTIO_OK);
    CHECK(test, memchr(page + 4, 0x80, got - 4) != NULL && memchr(page + 4, 0x83, got - 4) != NULL);
    REQUIRE_RESULT(test, virtio_scsi_inquiry_page(&scsi_unit, 0x80, page, sizeof(page), &got),
                   VIRTIO_OK);
    CHECK_EQUAL(test, got, 4 + strlen(scsi_unit.serial));
    CHECK_BYTES(test, page + 4, scsi_unit.serial, strlen(scsi_unit.serial));
    REQUIRE_RESULT(test, virtio_scsi_inquiry_page(&scsi_unit, 0x83, page, sizeof(page), &got),
                   VIRTIO_OK);
    while (virtio_scsi_next_designator(page, got, &at, &designator)) {
        names++;
        CHECK(test, designator.length != 0);
    }
    CHECK(test, names != 0 && at == got);
    CHECK_RESULT(test, virtio_scsi_inquiry_page(&scsi_unit, 0xdd, page, sizeof(page), &got),
                 VIRTIO_E_UNSUPPORTED_REQUEST);
    scsi_check_sense(test, &scsi_unit.result, VIRTIO_SCSI_ILLEGAL_REQUEST, 0x24, 0);
    /* As much as was asked for, and not a byte more. */
    page[8] = 0xa5;
    REQUIRE_RESULT(test, virtio_scsi_inquiry(&scsi_unit, page, 8, &got), VIRTIO_OK);
    CHECK_EQUAL(test, got, 8);
    CHECK_EQUAL(test, page[8], 0xa5);
}

static void identity_body(struct test *test)
{
    struct virtio_scsi_sense sense;

    if (!scsi_rig_open(test, "data")) {
        return;
    }
    CHECK_EQUAL(test, scsi_unit.type, 0);
    CHECK_EQUAL(test, scsi_unit.version, 5);
    CHECK(test, strcmp(scsi_unit.vendor, "QEMU") == 0);
    CHECK(test, strcmp(scsi_unit.product, "QEMU HARDDISK") == 0);
    CHECK_EQUAL(test, scsi_unit.rotation, 7200);
    CHECK_EQUAL(test, scsi_unit.blocks, 8192);
    CHECK_EQUAL(test, scsi_unit.block_size, 512);
    CHECK(test, scsi_unit.ready && !scsi_unit.removable && scsi_unit.transfer_max >= 4096);
    check_pages(test);
    CHECK_RESULT(test, virtio_scsi_request_sense(&scsi_unit, &sense), VIRTIO_OK);
    CHECK_EQUAL(test, sense.key, VIRTIO_SCSI_NO_SENSE);
    CHECK_RESULT(test, virtio_scsi_test_unit_ready(&scsi_unit), VIRTIO_OK);
}

static void identity(struct test *test)
{
    scsi_rig_run(test, identity_body);
}

static void drives_body(struct test *test)
{
    uint32_t blocks;

    if (!scsi_rig_open(test, "cd")) {
        return;
    }
    CHECK_EQUAL(test, scsi_unit.type, 5);
    CHECK(test, scsi_unit.removable && scsi_unit.ready);
    CHECK_EQUAL(test, scsi_unit.block_size, 2048);
    CHECK_EQUAL(test, scsi_unit.blocks, 1024);
    blocks = SCSI_MEMORY / scsi_unit.block_size;
    for (uint32_t at = 0; at < scsi_unit.blocks; at += blocks) {
        REQUIRE_RESULT(test, virtio_scsi_read(&scsi_unit, at, scsi_memory.bytes, SCSI_MEMORY),
                       VIRTIO_OK);
        CHECK(test, pattern_matches(scsi_memory.bytes, SCSI_HOST_SEED, at * 4, SCSI_MEMORY / 512));
    }
    CHECK(test, virtio_scsi_write(&scsi_unit, 0, scsi_memory.bytes, 2048) != VIRTIO_OK);
    CHECK_EQUAL(test, scsi_unit.result.status, VIRTIO_SCSI_STATUS_CHECK_CONDITION);
    REQUIRE(test, scsi_rig_open(test, "tray"));
    CHECK(test, !scsi_unit.ready);
    scsi_check_sense(test, &scsi_unit.result, VIRTIO_SCSI_NOT_READY, 0x3a, 0);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 0, scsi_memory.bytes, 2048),
                 VIRTIO_E_NOT_SUPPORTED);
}

static void cd_drives(struct test *test)
{
    scsi_rig_run(test, drives_body);
}

/* --- Reading ------------------------------------------------------------------------------------ */

static void digest_body(struct test *test)
{
    struct sha256 hash;
    char text[SHA256_TEXT];
    uint64_t blocks;

    if (!scsi_rig_open(test, "data")) {
        return;
    }
    blocks = SCSI_MEMORY / scsi_unit.block_size;
    sha256_begin(&hash);
    for (uint64_t at = 0; at < scsi_unit.blocks; at += blocks) {
        REQUIRE_RESULT(test, virtio_scsi_read(&scsi_unit, at, scsi_memory.bytes, SCSI_MEMORY),
                       VIRTIO_OK);
        sha256_add(&hash, scsi_memory.bytes, SCSI_MEMORY);
    }
    sha256_end(&hash, text);
    test_ask_host(test, "scsi read disk=data sha256=%s bytes=%llu", text,
                  (unsigned long long)(scsi_unit.blocks * scsi_unit.block_size));
}

static void whole_disk_has_a_digest(struct test *test)
{
    scsi_rig_run(test, digest_body);
}

/* Also LUNs of more than eight bits, and the last target that there can be. */
static void places_body(struct test *test)
{
    static const char *const names[] = {"far", "last", "readonly"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!scsi_rig_open(test, names[i])) {
            return;
        }
        REQUIRE_RESULT(test, virtio_scsi_read(&scsi_unit, 0, scsi_memory.bytes, SCSI_MEMORY),
                       VIRTIO_OK);
        CHECK(test, pattern_matches(scsi_memory.bytes, SCSI_HOST_SEED, 0, SCSI_MEMORY / 512));
    }
}

static void far_units_are_read(struct test *test)
{
    scsi_rig_run(test, places_body);
}

static void sizes_body(struct test *test)
{
    uint8_t *bytes = scsi_memory.bytes;

    if (!scsi_rig_open(test, "data")) {
        return;
    }
    for (uint32_t count = 1; count < 1000; count = count * 2 + count / 3) {
        uint32_t odd = count * 37 % 4099;
        uint64_t block = count * 101 % 4000;

        memset(bytes, 0xa5, (size_t)count * SCSI_SECTOR + odd + 1);
        REQUIRE_RESULT(
            test, virtio_scsi_read(&scsi_unit, block, bytes + odd, (size_t)count * SCSI_SECTOR),
            VIRTIO_OK);
        CHECK(test, pattern_matches(bytes + odd, SCSI_HOST_SEED, block, count));
        CHECK_EQUAL(test, bytes[odd + count * SCSI_SECTOR], 0xa5);
        CHECK(test, odd == 0 || bytes[odd - 1] == 0xa5);
    }
    /* Up to the end, and not beyond. */
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, scsi_unit.blocks - 1, bytes, SCSI_SECTOR),
                 VIRTIO_OK);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, scsi_unit.blocks, bytes, SCSI_SECTOR),
                 VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, scsi_unit.blocks - 1, bytes, 1024),
                 VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, UINT64_MAX, bytes, 1024),
                 VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 0, bytes, 100), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 0, NULL, 512), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 0, bytes, 0), VIRTIO_E_ZERO_LENGTH);
}

static void reads_of_every_size(struct test *test)
{
    scsi_rig_run(test, sizes_body);
}

/* --- Writing ------------------------------------------------------------------------------------ */

/* Writes the pattern to blocks, and reads it back. */
static bool write_and_read(struct test *test, uint64_t seed, uint64_t block, uint32_t bytes)
{
    uint64_t sector = block * (scsi_unit.block_size / SCSI_SECTOR);
    uint32_t sectors = bytes / SCSI_SECTOR;

    pattern_fill(scsi_memory.bytes, seed, sector, sectors);
    if (!CHECK_RESULT(test, virtio_scsi_write(&scsi_unit, block, scsi_memory.bytes, bytes),
                      VIRTIO_OK)) {
        return false;
    }
    scsi_tell_written(test, scsi_unit.serial, seed, sector, sectors);
    memset(scsi_memory.bytes, 0, bytes);
    return CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, block, scsi_memory.bytes, bytes),
                        VIRTIO_OK) &&
           CHECK(test, pattern_matches(scsi_memory.bytes, seed, sector, sectors));
}

static void write_body(struct test *test)
{
    if (!scsi_rig_open(test, scsi_rig_scratch())) {
        return;
    }
    write_and_read(test, SEED, 0, SCSI_MEMORY);
    write_and_read(test, SEED + 1, 7, SCSI_SECTOR);
    write_and_read(test, SEED + 2, 100, 33 * SCSI_SECTOR);
    CHECK_RESULT(test, virtio_scsi_flush(&scsi_unit), VIRTIO_OK);
    CHECK_RESULT(test, virtio_scsi_flush_range(&scsi_unit, 100, 33), VIRTIO_OK);
    CHECK_RESULT(test, virtio_scsi_flush_range(&scsi_unit, scsi_unit.blocks, 1),
                 VIRTIO_E_OUT_OF_RANGE);
}

static void written_and_read_back(struct test *test)
{
    scsi_rig_run(test, write_body);
}

static void blocks_body(struct test *test)
{
    if (!scsi_rig_open(test, "blocks4k")) {
        return;
    }
    CHECK_EQUAL(test, scsi_unit.block_size, 4096);
    CHECK_EQUAL(test, scsi_unit.blocks, 1024);
    write_and_read(test, SEED, 3, 5 * 4096);
    write_and_read(test, SEED, scsi_unit.blocks - 256, SCSI_MEMORY);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 0, scsi_memory.bytes, 512), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_scsi_flush(&scsi_unit), VIRTIO_OK);
}

static void blocks_of_4096_bytes(struct test *test)
{
    scsi_rig_run(test, blocks_body);
}

static void huge_body(struct test *test)
{
    const uint64_t beyond = UINT64_C(5) << 30;

    if (!scsi_rig_open(test, "huge")) {
        return;
    }
    CHECK_EQUAL(test, scsi_unit.blocks, UINT64_C(6) << 30);
    write_and_read(test, SEED, beyond, 64 * SCSI_SECTOR);
    write_and_read(test, SEED, UINT32_MAX - 3, 8 * SCSI_SECTOR);
    write_and_read(test, SEED, scsi_unit.blocks - 8, 8 * SCSI_SECTOR);
    CHECK_RESULT(test, virtio_scsi_flush_range(&scsi_unit, beyond, 64), VIRTIO_OK);
}

static void beyond_two_tebibytes(struct test *test)
{
    scsi_rig_run(test, huge_body);
}

static void unmap_body(struct test *test)
{
    const uint64_t first = 8192; /* nothing else is written from here on */

    if (!scsi_rig_open(test, "scratch")) {
        return;
    }
    CHECK(test, scsi_unit.thin && scsi_unit.unmaps);
    CHECK_EQUAL(test, scsi_unit.unmap_max, 2048);
    REQUIRE(test, write_and_read(test, SEED + 7, first, SCSI_MEMORY));
    REQUIRE(test, write_and_read(test, SEED + 7, first + 2048, SCSI_MEMORY));
    REQUIRE(test, write_and_read(test, SEED + 7, first + 4096, SCSI_MEMORY));
    /* More than a command may have, which goes out as several. */
    REQUIRE_RESULT(test, virtio_scsi_unmap(&scsi_unit, first + 8, 4096 + 1024), VIRTIO_OK);
    test_ask_host(test, "scsi unmapped disk=scratch first=%llu sectors=%u",
                  (unsigned long long)(first + 8), 4096 + 1024);
    REQUIRE_RESULT(test, virtio_scsi_read(&scsi_unit, first, scsi_memory.bytes, 16 * SCSI_SECTOR),
                   VIRTIO_OK);
    CHECK(test, pattern_matches(scsi_memory.bytes, SEED + 7, first, 8));
    CHECK_RESULT(test, virtio_scsi_unmap(&scsi_unit, first, 0), VIRTIO_E_ZERO_LENGTH);
    CHECK_RESULT(test, virtio_scsi_unmap(&scsi_unit, scsi_unit.blocks, 1), VIRTIO_E_OUT_OF_RANGE);
}

static void unmapped(struct test *test)
{
    scsi_rig_run(test, unmap_body);
}

/* --- Many in flight ----------------------------------------------------------------------------- */

/* What is in flight: where each place of the memory is read from. */
struct flight {
    uint64_t where[DEPTH];
    bool in_use[DEPTH];
    unsigned submitted;
    unsigned done;
};

static uint8_t *place_at(uintptr_t place)
{
    return (uint8_t *)scsi_memory.bytes + place * PLACE_BYTES;
}

/* Submits reads of random blocks until all places or the queue are full. */
static bool fill_flight(struct test *test, struct flight *flight)
{
    for (unsigned place = 0; place < DEPTH && flight->submitted < TOTAL; place++) {
        uint64_t block = splitmix64(flight->submitted) % (scsi_unit.blocks - 8);
        int error;

        if (flight->in_use[place]) {
            continue;
        }
        error = virtio_scsi_submit_read(&scsi_unit, block, place_at(place), PLACE_BYTES,
                                        scsi_cookie(place));
        if (error == VIRTIO_E_FULL && flight->submitted != flight->done) {
            return true;
        }
        if (!CHECK_RESULT(test, error, VIRTIO_OK)) {
            return false;
        }
        flight->where[place] = block;
        flight->in_use[place] = true;
        flight->submitted++;
    }
    return true;
}

static bool check_landed(struct test *test, struct flight *flight,
                         const struct virtio_scsi_done *done)
{
    uintptr_t place = (uintptr_t)done->cookie;

    if (!CHECK(test, place < DEPTH && flight->in_use[place])) {
        return false;
    }
    flight->in_use[place] = false;
    flight->done++;
    return CHECK_RESULT(test, done->error, VIRTIO_OK) &&
           CHECK(test, pattern_matches(place_at(place), SCSI_HOST_SEED, flight->where[place],
                                       PLACE_BYTES / SCSI_SECTOR));
}

/* Random reads, as many in flight as go, each checked when it comes back. */
static void flight_on(struct test *test, uint16_t queue)
{
    static struct flight flight;

    memset(&flight, 0, sizeof(flight));
    scsi_unit.queue = queue;
    while (flight.done < TOTAL) {
        struct virtio_scsi_done done;

        REQUIRE(test, fill_flight(test, &flight));
        REQUIRE_RESULT(test, virtio_scsi_wait(&scsi_rig, queue, &done, SCSI_PATIENCE_US), 1);
        do {
            REQUIRE(test, check_landed(test, &flight, &done));
        } while (virtio_scsi_reap(&scsi_rig, queue, &done) > 0);
    }
    CHECK_EQUAL(test, virtio_scsi_in_flight(&scsi_rig, queue), 0);
}

static void flight_body(struct test *test)
{
    if (!scsi_rig_open(test, "data")) {
        return;
    }
    flight_on(test, 0);
}

static void many_in_flight(struct test *test)
{
    scsi_rig_run(test, flight_body);
}

static void queues_body(struct test *test)
{
    struct virtio_scsi_done done;

    if (scsi_rig.queue_count < 2) {
        test_skip(test, "the controller has one request queue");
        return;
    }
    if (!scsi_rig_open(test, "data")) {
        return;
    }
    for (uint16_t queue = 0; queue < scsi_rig.queue_count; queue++) {
        flight_on(test, queue);
    }
    /* What is on one queue does not come back from another. */
    for (uint16_t queue = 0; queue < 2; queue++) {
        scsi_unit.queue = queue;
        REQUIRE_RESULT(test,
                       virtio_scsi_submit_read(&scsi_unit, 8u * queue, place_at(queue), PLACE_BYTES,
                                               scsi_cookie(queue)),
                       VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_scsi_kick(&scsi_rig, queue), VIRTIO_OK);
    }
    for (uint16_t queue = 2; queue-- > 0;) {
        REQUIRE_RESULT(test, virtio_scsi_wait(&scsi_rig, queue, &done, SCSI_PATIENCE_US), 1);
        CHECK_EQUAL(test, (uintptr_t)done.cookie, queue);
    }
    CHECK(test, pattern_matches(scsi_memory.bytes, SCSI_HOST_SEED, 0, 16));
    CHECK_RESULT(test, virtio_scsi_kick(&scsi_rig, scsi_rig.queue_count), VIRTIO_E_INVALID);
}

static void several_queues(struct test *test)
{
    static const struct virtio_scsi_options options = {.queues = 4};

    scsi_rig_run_with(test, &options, queues_body);
}

static void mixed_body(struct test *test)
{
    uint8_t *bytes = scsi_memory.bytes;

    if (!scsi_rig_open(test, scsi_rig_scratch())) {
        return;
    }
    pattern_fill(bytes, SEED + 9, 3000, 24);
    for (uintptr_t i = 0; i < 3; i++) {
        REQUIRE_RESULT(test,
                       virtio_scsi_submit_write(&scsi_unit, 3000 + 8 * i, bytes + 4096 * i, 4096,
                                                scsi_cookie(i)),
                       VIRTIO_OK);
    }
    /* A blocking call keeps what it meets. */
    REQUIRE_RESULT(test, virtio_scsi_test_unit_ready(&scsi_unit), VIRTIO_OK);
    CHECK_EQUAL(test, virtio_scsi_in_flight(&scsi_rig, 0), 3);
    for (unsigned seen = 0; seen != 7;) {
        struct virtio_scsi_done done;

        REQUIRE_RESULT(test, virtio_scsi_wait(&scsi_rig, 0, &done, SCSI_PATIENCE_US), 1);
        REQUIRE_RESULT(test, done.error, VIRTIO_OK);
        REQUIRE(test, (uintptr_t)done.cookie < 3);
        seen |= 1u << (uintptr_t)done.cookie;
    }
    scsi_tell_written(test, scsi_unit.serial, SEED + 9, 3000, 24);
    REQUIRE_RESULT(test, virtio_scsi_submit_flush(&scsi_unit, scsi_cookie(9)), VIRTIO_OK);
    scsi_wait_one(test, 9, VIRTIO_OK);
    if (scsi_unit.transfer_max < scsi_unit.blocks * scsi_unit.block_size) {
        CHECK_RESULT(test,
                     virtio_scsi_submit_read(&scsi_unit, 0, bytes,
                                             (size_t)scsi_unit.transfer_max + SCSI_SECTOR, NULL),
                     VIRTIO_E_TOO_LONG);
    }
}

static void blocking_and_not(struct test *test)
{
    scsi_rig_run(test, mixed_body);
}

/* --- Two controllers, and again ----------------------------------------------------------------- */

static void two_body(struct test *test)
{
    const struct virtio_device *found = test_find_device(test, VIRTIO_ID_SCSI, 1);
    static struct virtio_scsi other;
    static struct virtio_scsi_unit single;
    const uint32_t bytes = 64 * SCSI_SECTOR;
    uint8_t *second = (uint8_t *)scsi_memory.bytes + bytes;

    if (found == NULL) {
        test_skip(test, "there is one controller");
        return;
    }
    if (!scsi_rig_open(test, "data")) {
        return;
    }
    REQUIRE_RESULT(test, virtio_scsi_start(&other, found, NULL), VIRTIO_OK);
    if (CHECK_RESULT(test, virtio_scsi_open(&single, &other, 1, 0), VIRTIO_OK)) {
        for (unsigned round = 0; round < 8; round++) {
            uint64_t block = (uint64_t)round * 64;

            pattern_fill(second, SEED + 20, block, 64);
            REQUIRE_RESULT(
                test, virtio_scsi_submit_read(&scsi_unit, block, scsi_memory.bytes, bytes, NULL),
                VIRTIO_OK);
            CHECK_RESULT(test, virtio_scsi_kick(&scsi_rig, 0), VIRTIO_OK);
            CHECK_RESULT(test, virtio_scsi_write(&single, block, second, bytes), VIRTIO_OK);
            scsi_wait_one(test, 0, VIRTIO_OK);
            CHECK(test, pattern_matches(scsi_memory.bytes, SCSI_HOST_SEED, block, 64));
        }
        scsi_tell_written(test, "single", SEED + 20, 0, 512);
    }
    CHECK_RESULT(test, virtio_scsi_stop(&other), VIRTIO_OK);
}

static void two_controllers(struct test *test)
{
    scsi_rig_run(test, two_body);
}

static void again_body(struct test *test)
{
    for (unsigned round = 0; round < 4; round++) {
        REQUIRE_RESULT(test, virtio_scsi_stop(&scsi_rig), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_scsi_stop(&scsi_rig), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_scsi_start(&scsi_rig, &scsi_rig.device, NULL), VIRTIO_OK);
        REQUIRE(test, scsi_rig_open(test, scsi_rig_scratch()));
        REQUIRE(test, write_and_read(test, SEED + 30 + round, 4000, 16 * SCSI_SECTOR));
    }
}

static void stopped_and_started_again(struct test *test)
{
    scsi_rig_run(test, again_body);
}

static const struct test_case cases[] = {
    {"all units of all controllers are found", all_units_are_found},
    {"what a disk says of itself", identity},
    {"CD drives, with a medium and without", cd_drives},
    {"a whole disk has a digest", whole_disk_has_a_digest},
    {"units of high numbers are read", far_units_are_read},
    {"reads of every size, to odd places", reads_of_every_size},
    {"written and read back", written_and_read_back},
    {"blocks of 4096 bytes", blocks_of_4096_bytes},
    {"beyond two tebibytes", beyond_two_tebibytes},
    {"unmapped", unmapped},
    {"many in flight", many_in_flight},
    {"several request queues", several_queues},
    {"blocking calls between others", blocking_and_not},
    {"two controllers at once", two_controllers},
    {"stopped and started again, four times", stopped_and_started_again},
    {"errors come with their sense data", scsi_errors_are_decoded},
    {"a disk that is read-only", scsi_read_only},
    {"targets and units that are not there", scsi_no_such_unit},
    {"more data than the buffer holds", scsi_overrun},
    {"unit attention after a reset", scsi_attention_after_reset},
    {"a unit is reset with commands in flight", scsi_unit_reset},
    {"a command is found and aborted", scsi_abort_task},
    {"the other management functions", scsi_other_functions},
    {"no answer: the controller is halted", scsi_timeout_halts},
    {"recovered after no answer, three times", scsi_recovers},
    {"halted and drained", scsi_halt_and_drain},
    {"a disk comes and goes", scsi_hotplug},
    {"more events than there are buffers for", scsi_missed_events},
    {"a disk is resized", scsi_resize},
};

const struct test_suite suite_scsi = DEVICE_SUITE("scsi", VIRTIO_ID_SCSI, cases);
