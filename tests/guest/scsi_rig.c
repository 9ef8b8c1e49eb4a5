/* SPDX-License-Identifier: MIT */
/*
 * The rig of the SCSI tests: see scsi_rig.h.
 */
#include "scsi_rig.h"

#include <stdio.h>
#include <string.h>

struct virtio_scsi scsi_rig;
struct virtio_scsi_unit scsi_unit;
struct test_memory scsi_memory;

enum {
    UNITS_MAX = 32,
};

static struct virtio_scsi_scan scan;

static struct {
    const struct test_environment *environment; /* it is known of these */
    unsigned count;
    struct {
        uint8_t target;
        uint16_t lun;
        char serial[sizeof(scsi_unit.serial)];
    } units[UNITS_MAX];
} known;

/* Where the units of the first controller are; those that stay do not move during a run. */
static void learn(struct test *test)
{
    uint8_t target;
    uint16_t lun;

    known.environment = test->environment;
    known.count = 0;
    virtio_scsi_scan_begin(&scan, &scsi_rig);
    while (known.count < UNITS_MAX && virtio_scsi_scan_next(&scan, &target, &lun) == VIRTIO_OK) {
        if (virtio_scsi_open(&scsi_unit, &scsi_rig, target, lun) == VIRTIO_OK) {
            known.units[known.count].target = target;
            known.units[known.count].lun = lun;
            memcpy(known.units[known.count].serial, scsi_unit.serial, sizeof(scsi_unit.serial));
            known.count++;
        }
    }
}

void scsi_rig_run_with(struct test *test, const struct virtio_scsi_options *options,
                       void (*body)(struct test *test))
{
    const struct virtio_device *found = test_find_device(test, VIRTIO_ID_SCSI, 0);

    if (found == NULL || !test_allocate(test, SCSI_MEMORY, &scsi_memory)) {
        return;
    }
    if (known.environment != test->environment &&
        CHECK_RESULT(test, virtio_scsi_start(&scsi_rig, found, NULL), VIRTIO_OK)) {
        learn(test);
        CHECK_RESULT(test, virtio_scsi_stop(&scsi_rig), VIRTIO_OK);
    }
    if (CHECK_RESULT(test, virtio_scsi_start(&scsi_rig, found, options), VIRTIO_OK)) {
        test_watch(&scsi_rig.device);
        body(test);
        CHECK_RESULT(test, virtio_scsi_stop(&scsi_rig), VIRTIO_OK);
    }
    test_free(test, &scsi_memory);
}

void scsi_rig_run(struct test *test, void (*body)(struct test *test))
{
    scsi_rig_run_with(test, NULL, body);
}

static int find(const char *serial)
{
    for (int i = 0; i < (int)known.count; i++) {
        if (strcmp(known.units[i].serial, serial) == 0) {
            return i;
        }
    }
    return -1;
}

bool scsi_rig_open(struct test *test, const char *serial)
{
    int place = find(serial);

    if (place < 0) {
        test_skip(test, "the controller has no such disk");
        return false;
    }
    return CHECK_RESULT(test,
                        virtio_scsi_open(&scsi_unit, &scsi_rig, known.units[place].target,
                                         known.units[place].lun),
                        VIRTIO_OK) &&
           CHECK(test, strcmp(scsi_unit.serial, serial) == 0);
}

const char *scsi_rig_scratch(void)
{
    return find("scratch") >= 0 ? "scratch" : "single";
}

struct virtio_scsi_command scsi_rig_command(const struct virtio_scsi_unit *unit)
{
    struct virtio_scsi_command command = {
        .queue = unit->queue, .lun = unit->lun, .target = unit->target};

    return command;
}

bool scsi_check_sense(struct test *test, const struct virtio_scsi_result *result, uint8_t key,
                      uint8_t asc, uint8_t ascq)
{
    struct virtio_scsi_sense sense;

    if (!CHECK_EQUAL(test, result->response, VIRTIO_SCSI_S_OK) ||
        !CHECK_EQUAL(test, result->status, VIRTIO_SCSI_STATUS_CHECK_CONDITION) ||
        !CHECK_RESULT(test, virtio_scsi_decode_sense(result->sense, result->sense_length, &sense),
                      VIRTIO_OK)) {
        return false;
    }
    test_diagnostic("%s: %s (%02x/%02x)", virtio_scsi_key_name(sense.key),
                    virtio_scsi_asc_name(sense.asc, sense.ascq), sense.asc, sense.ascq);
    return CHECK_EQUAL(test, sense.key, key) && CHECK_EQUAL(test, sense.asc, asc) &&
           CHECK_EQUAL(test, sense.ascq, ascq);
}

bool scsi_wait_one(struct test *test, uintptr_t cookie, int error)
{
    struct virtio_scsi_done done;

    return CHECK_RESULT(test, virtio_scsi_wait(&scsi_rig, scsi_unit.queue, &done, SCSI_PATIENCE_US),
                        1) &&
           CHECK_EQUAL(test, (uintptr_t)done.cookie, cookie) &&
           CHECK_RESULT(test, done.error, error);
}

void *scsi_cookie(uintptr_t number)
{
    return (void *)number; /* NOLINT: a number in a pointer is what a cookie may be */
}

void scsi_tell_written(struct test *test, const char *serial, uint64_t seed, uint64_t first,
                       uint64_t sectors)
{
    test_ask_host(test, "scsi wrote disk=%s seed=0x%llx first=%llu sectors=%llu", serial,
                  (unsigned long long)seed, (unsigned long long)first, (unsigned long long)sectors);
}
