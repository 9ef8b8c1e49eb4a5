/* SPDX-License-Identifier: MIT */
/*
 * What the SCSI tests share: a controller that is started, the units behind it by their serial numbers, and
 * memory. The disks, and what is on them, are made by scripts/runner/peer_scsi.py.
 */
#ifndef TESTS_GUEST_SCSI_RIG_H
#define TESTS_GUEST_SCSI_RIG_H

#include "suite.h"

#include <virtio/scsi.h>

enum {
    SCSI_SECTOR = 512,
    SCSI_MEMORY = 1024 * 1024,
    SCSI_HOST_SEED = 0x5c51, /* of what the host has put on the disks */
    SCSI_PATIENCE_US = 10000000,
};

/* The controller of the test that runs, its memory, and the unit that scsi_rig_open found. */
extern struct virtio_scsi scsi_rig;
extern struct virtio_scsi_unit scsi_unit;
extern struct test_memory scsi_memory;

/* Starts the first controller, runs the body, and stops it. */
void scsi_rig_run(struct test *test, void (*body)(struct test *test));
void scsi_rig_run_with(struct test *test, const struct virtio_scsi_options *options,
                       void (*body)(struct test *test));

/* Finds and opens the unit with this serial number in scsi_unit. Skips the test, and returns false, when there
 * is none. */
bool scsi_rig_open(struct test *test, const char *serial);

/* The serial number of a unit that every controller of the runner has, for tests that need any disk to write to. */
const char *scsi_rig_scratch(void);

/* A command of which the CDB alone is still missing. */
struct virtio_scsi_command scsi_rig_command(const struct virtio_scsi_unit *unit);

/* Checks that a result is a CHECK CONDITION with this sense, and says so. */
bool scsi_check_sense(struct test *test, const struct virtio_scsi_result *result, uint8_t key,
                      uint8_t asc, uint8_t ascq);

/* Waits for one command and checks that it is this one with this error. */
bool scsi_wait_one(struct test *test, uintptr_t cookie, int error);

/* A number as a cookie. */
void *scsi_cookie(uintptr_t number);

/* Says to the host that sectors (of 512 bytes) of a disk hold the pattern now. */
void scsi_tell_written(struct test *test, const char *serial, uint64_t seed, uint64_t first,
                       uint64_t sectors);

/* The tests of scsi_faults.c and scsi_events.c. */
void scsi_errors_are_decoded(struct test *test);
void scsi_read_only(struct test *test);
void scsi_no_such_unit(struct test *test);
void scsi_overrun(struct test *test);
void scsi_attention_after_reset(struct test *test);
void scsi_unit_reset(struct test *test);
void scsi_abort_task(struct test *test);
void scsi_other_functions(struct test *test);
void scsi_timeout_halts(struct test *test);
void scsi_recovers(struct test *test);
void scsi_halt_and_drain(struct test *test);
void scsi_hotplug(struct test *test);
void scsi_missed_events(struct test *test);
void scsi_resize(struct test *test);

#endif
