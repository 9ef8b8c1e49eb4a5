/* SPDX-License-Identifier: MIT */
/*
 * The SCSI driver and what goes wrong: sense data, units that are not there, unit attention, task management,
 * commands that are not answered.
 */
#include "scsi_rig.h"

#include "pattern.h"

#include <string.h>

enum {
    READ_10 = 0x28,
    MEDIUM_ERROR_AT = 2048, /* the sectors that fail on the disk called faulty */
    OTHER_ERROR_AT = 4096,
    SHORT_US = 300000,
};

static const uint8_t READY[6]; /* TEST UNIT READY */

static void errors_body(struct test *test)
{
    struct virtio_scsi_done done;

    if (!scsi_rig_open(test, "faulty")) {
        return;
    }
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, MEDIUM_ERROR_AT, scsi_memory.bytes, 512),
                 VIRTIO_E_IO);
    scsi_check_sense(test, &scsi_unit.result, VIRTIO_SCSI_MEDIUM_ERROR, 0x11, 0x00);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, OTHER_ERROR_AT, scsi_memory.bytes, 512),
                 VIRTIO_E_IO);
    scsi_check_sense(test, &scsi_unit.result, VIRTIO_SCSI_ABORTED_COMMAND, 0x00, 0x06);
    /* The command is alone with it. */
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, MEDIUM_ERROR_AT + 1, scsi_memory.bytes, 512),
                 VIRTIO_OK);
    REQUIRE_RESULT(test,
                   virtio_scsi_submit_read(&scsi_unit, MEDIUM_ERROR_AT, scsi_memory.bytes, 512,
                                           scsi_cookie(5)),
                   VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_scsi_wait(&scsi_rig, 0, &done, SCSI_PATIENCE_US), 1);
    CHECK_RESULT(test, done.error, VIRTIO_E_IO);
    CHECK_EQUAL(test, (uintptr_t)done.cookie, 5);
    scsi_check_sense(test, &done.result, VIRTIO_SCSI_MEDIUM_ERROR, 0x11, 0x00);
    CHECK(test, virtio_scsi_write(&scsi_unit, MEDIUM_ERROR_AT, scsi_memory.bytes, 0) ==
                    VIRTIO_E_ZERO_LENGTH);
}

void scsi_errors_are_decoded(struct test *test)
{
    scsi_rig_run(test, errors_body);
}

static void read_only_body(struct test *test)
{
    if (!scsi_rig_open(test, "readonly")) {
        return;
    }
    CHECK_RESULT(test, virtio_scsi_write(&scsi_unit, 0, scsi_memory.bytes, 512),
                 VIRTIO_E_READ_ONLY);
    scsi_check_sense(test, &scsi_unit.result, VIRTIO_SCSI_DATA_PROTECT, 0x27, 0x00);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 0, scsi_memory.bytes, 512), VIRTIO_OK);
}

void scsi_read_only(struct test *test)
{
    scsi_rig_run(test, read_only_body);
}

static void nowhere_body(struct test *test)
{
    struct virtio_scsi_command command = {.target = 77};
    struct virtio_scsi_result result;

    CHECK_RESULT(test, virtio_scsi_open(&scsi_unit, &scsi_rig, 77, 0), VIRTIO_E_NO_DEVICE);
    CHECK_RESULT(test, virtio_scsi_execute(&scsi_rig, &command, &result), VIRTIO_E_NO_DEVICE);
    CHECK_EQUAL(test, result.response, VIRTIO_SCSI_S_BAD_TARGET);
    if (!scsi_rig_open(test, scsi_rig_scratch())) {
        return;
    }
    /* A unit that is not there, of a target that is. */
    CHECK_RESULT(test, virtio_scsi_open(&scsi_unit, &scsi_rig, scsi_unit.target, 99),
                 VIRTIO_E_NO_DEVICE);
    command.target = scsi_unit.target;
    command.lun = 99;
    CHECK_RESULT(test, virtio_scsi_execute(&scsi_rig, &command, &result), VIRTIO_E_NO_DEVICE);
    scsi_check_sense(test, &result, VIRTIO_SCSI_ILLEGAL_REQUEST, 0x25, 0x00);
    command.lun = VIRTIO_SCSI_LUN_MAX + 1;
    CHECK_RESULT(test, virtio_scsi_execute(&scsi_rig, &command, &result), VIRTIO_E_INVALID);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, 77, 0, 0),
                 VIRTIO_E_NO_DEVICE);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
                                    scsi_unit.target, 99, 0),
                 VIRTIO_E_NO_DEVICE);
}

void scsi_no_such_unit(struct test *test)
{
    scsi_rig_run(test, nowhere_body);
}

static void overrun_body(struct test *test)
{
    struct virtio_scsi_result result;
    struct virtio_scsi_command command;

    if (!scsi_rig_open(test, scsi_rig_scratch())) {
        return;
    }
    command = scsi_rig_command(&scsi_unit);
    command.cdb[0] = READ_10;
    command.cdb[8] = 2; /* blocks */
    command.in = scsi_memory.bytes;
    command.in_bytes = 512;
    CHECK_RESULT(test, virtio_scsi_execute(&scsi_rig, &command, &result), VIRTIO_E_IO);
    CHECK_EQUAL(test, result.response, VIRTIO_SCSI_S_OVERRUN);
    /* Nothing is known of a command like this. */
    memset(command.cdb, 0, sizeof(command.cdb));
    command.cdb[0] = 0xc5;
    command.in_bytes = 0;
    CHECK_RESULT(test, virtio_scsi_execute(&scsi_rig, &command, &result),
                 VIRTIO_E_UNSUPPORTED_REQUEST);
    scsi_check_sense(test, &result, VIRTIO_SCSI_ILLEGAL_REQUEST, 0x20, 0x00);
    /* Data both ways takes a feature that this device does not have. */
    command.in_bytes = 512;
    command.out = scsi_memory.bytes;
    command.out_bytes = 512;
    if (!virtio_has_feature(&scsi_rig.device, VIRTIO_SCSI_F_INOUT)) {
        CHECK_RESULT(test, virtio_scsi_execute(&scsi_rig, &command, &result),
                     VIRTIO_E_NOT_SUPPORTED);
    }
}

void scsi_overrun(struct test *test)
{
    scsi_rig_run(test, overrun_body);
}

/* --- Unit attention and management --------------------------------------------------------------- */

static void attention_body(struct test *test)
{
    struct virtio_scsi_result result;
    struct virtio_scsi_command command;

    if (!scsi_rig_open(test, scsi_rig_scratch())) {
        return;
    }
    /* The start was a reset: the command layer has met what that left behind. */
    CHECK(test, scsi_unit.attentions != 0);
    CHECK_EQUAL(test, scsi_unit.attention.asc, 0x29);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
                                    scsi_unit.target, scsi_unit.lun, 0),
                 VIRTIO_OK);
    command = scsi_rig_command(&scsi_unit);
    memcpy(command.cdb, READY, sizeof(READY));
    CHECK_RESULT(test, virtio_scsi_execute(&scsi_rig, &command, &result), VIRTIO_E_IO);
    scsi_check_sense(test, &result, VIRTIO_SCSI_UNIT_ATTENTION, 0x29, 0x00);
    CHECK_RESULT(test, virtio_scsi_execute(&scsi_rig, &command, &result), VIRTIO_OK);
    /* A read goes through it. */
    scsi_unit.attentions = 0;
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
                                    scsi_unit.target, scsi_unit.lun, 0),
                 VIRTIO_OK);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 0, scsi_memory.bytes, 512), VIRTIO_OK);
    CHECK_EQUAL(test, scsi_unit.attentions, 1);
}

void scsi_attention_after_reset(struct test *test)
{
    scsi_rig_run(test, attention_body);
}

/* Submits reads of one block; the first of them may be answered. Their tags are at `tags`. */
static bool submit_reads(struct test *test, unsigned count, uint64_t *tags)
{
    for (unsigned i = 0; i < count; i++) {
        struct virtio_scsi_command command = scsi_rig_command(&scsi_unit);

        command.cdb[0] = READ_10;
        command.cdb[5] = (uint8_t)(8 * i);
        command.cdb[8] = 1;
        command.in = (uint8_t *)scsi_memory.bytes + (size_t)i * 512;
        command.in_bytes = 512;
        if (!CHECK_RESULT(test, virtio_scsi_submit(&scsi_rig, &command, scsi_cookie(i)),
                          VIRTIO_OK)) {
            return false;
        }
        tags[i] = command.tag;
    }
    return CHECK_RESULT(test, virtio_scsi_kick(&scsi_rig, 0), VIRTIO_OK);
}

/* Takes what is answered soon. @return how many those were. */
static unsigned take_answered(struct test *test, uint32_t patience_us)
{
    struct virtio_scsi_done done;
    unsigned count = 0;

    while (virtio_scsi_wait(&scsi_rig, 0, &done, patience_us) == 1) {
        CHECK_RESULT(test, done.error, VIRTIO_OK);
        count++;
    }
    return count;
}

static void unit_reset_body(struct test *test)
{
    struct virtio_scsi_done done;
    uint64_t tags[4];
    unsigned answered;
    unsigned reset = 0;

    if (!scsi_rig_open(test, "stuck") || !submit_reads(test, 4, tags)) {
        return;
    }
    answered = take_answered(test, SHORT_US);
    CHECK(test, answered < 3);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
                                    scsi_unit.target, scsi_unit.lun, 0),
                 VIRTIO_OK);
    /* They were all completed before the function was. */
    while (virtio_scsi_reap(&scsi_rig, 0, &done) == 1) {
        if (done.error == VIRTIO_E_RESET) {
            CHECK_EQUAL(test, done.result.response, VIRTIO_SCSI_S_RESET);
            reset++;
        }
        answered++;
    }
    CHECK_EQUAL(test, answered, 4);
    CHECK(test, reset != 0);
    CHECK_RESULT(test, virtio_scsi_test_unit_ready(&scsi_unit), VIRTIO_OK);
    CHECK_EQUAL(test, scsi_unit.attention.asc, 0x29);
}

void scsi_unit_reset(struct test *test)
{
    scsi_rig_run(test, unit_reset_body);
}

static void abort_body(struct test *test)
{
    struct virtio_scsi_done done;
    unsigned aborted = 0;
    uint64_t tags[4];

    /* Four requests a second: the later ones wait, but not for long. */
    if (!scsi_rig_open(test, "slow") || !submit_reads(test, 4, tags)) {
        return;
    }
    CHECK(test, tags[0] != tags[1] && tags[1] != tags[2] && tags[2] != tags[3]);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_QUERY_TASK, scsi_unit.target,
                                    scsi_unit.lun, tags[3]),
                 1);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_QUERY_TASK_SET, scsi_unit.target,
                                    scsi_unit.lun, 0),
                 1);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_ABORT_TASK, scsi_unit.target,
                                    scsi_unit.lun, tags[3]),
                 VIRTIO_OK);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_QUERY_TASK, scsi_unit.target,
                                    scsi_unit.lun, tags[3]),
                 VIRTIO_OK);
    for (unsigned i = 0; i < 4; i++) {
        REQUIRE_RESULT(test, virtio_scsi_wait(&scsi_rig, 0, &done, SCSI_PATIENCE_US), 1);
        if ((uintptr_t)done.cookie == 3) {
            CHECK_RESULT(test, done.error, VIRTIO_E_RESET);
            CHECK_EQUAL(test, done.result.response, VIRTIO_SCSI_S_ABORTED);
            aborted++;
        } else {
            CHECK_RESULT(test, done.error, VIRTIO_OK);
        }
    }
    CHECK_EQUAL(test, aborted, 1);
}

void scsi_abort_task(struct test *test)
{
    scsi_rig_run(test, abort_body);
}

static void functions_body(struct test *test)
{
    uint32_t actual = 77;

    if (!scsi_rig_open(test, scsi_rig_scratch())) {
        return;
    }
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_QUERY_TASK, scsi_unit.target,
                                    scsi_unit.lun, 12345),
                 VIRTIO_OK);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_ABORT_TASK_SET, scsi_unit.target,
                                    scsi_unit.lun, 0),
                 VIRTIO_OK);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_CLEAR_TASK_SET, scsi_unit.target,
                                    scsi_unit.lun, 0),
                 VIRTIO_OK);
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_CLEAR_ACA, scsi_unit.target,
                                    scsi_unit.lun, 0),
                 VIRTIO_E_UNSUPPORTED_REQUEST);
    CHECK_RESULT(
        test,
        virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET, scsi_unit.target, 0, 0),
        VIRTIO_OK);
    CHECK_RESULT(test, virtio_scsi_test_unit_ready(&scsi_unit), VIRTIO_OK);
    CHECK_RESULT(test, virtio_scsi_manage(&scsi_rig, (enum virtio_scsi_tmf)8, 0, 0, 0),
                 VIRTIO_E_INVALID);
    CHECK_RESULT(test,
                 virtio_scsi_query_notifications(&scsi_rig, scsi_unit.target, scsi_unit.lun,
                                                 VIRTIO_SCSI_EVT_ASYNC_MEDIA_CHANGE, &actual),
                 VIRTIO_OK);
    CHECK_EQUAL(test, actual & ~VIRTIO_SCSI_EVT_ASYNC_MEDIA_CHANGE, 0);
    CHECK_RESULT(test,
                 virtio_scsi_subscribe_notifications(&scsi_rig, scsi_unit.target, scsi_unit.lun,
                                                     VIRTIO_SCSI_EVT_ASYNC_MEDIA_CHANGE, &actual),
                 VIRTIO_OK);
    CHECK_RESULT(test,
                 virtio_scsi_query_notifications(&scsi_rig, 77, 0,
                                                 VIRTIO_SCSI_EVT_ASYNC_MEDIA_CHANGE, &actual),
                 VIRTIO_OK);
}

void scsi_other_functions(struct test *test)
{
    scsi_rig_run(test, functions_body);
}

/* --- No answer ---------------------------------------------------------------------------------- */

static void timeout_body(struct test *test)
{
    struct virtio_scsi_done done;
    uint64_t tags[3];
    unsigned drained = 0;
    unsigned answered;

    if (!scsi_rig_open(test, "stuck") || !submit_reads(test, 3, tags)) {
        return;
    }
    answered = take_answered(test, SHORT_US);
    scsi_rig.device.timeout_us = SHORT_US;
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 100, (uint8_t *)scsi_memory.bytes + 4096, 512),
                 VIRTIO_E_TIMEOUT);
    CHECK_EQUAL(test, scsi_rig.device.state, VIRTIO_DEVICE_STOPPED);
    CHECK_RESULT(test, virtio_scsi_test_unit_ready(&scsi_unit), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_QUERY_TASK, 0, 0, 0),
                 VIRTIO_E_STATE);
    while (virtio_scsi_drain(&scsi_rig, &done) == 1) {
        drained++;
    }
    CHECK_EQUAL(test, drained + answered, 3);
    scsi_rig.device.timeout_us = VIRTIO_TIMEOUT_DEFAULT_US;
    REQUIRE_RESULT(test, virtio_scsi_stop(&scsi_rig), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_scsi_start(&scsi_rig, &scsi_rig.device, NULL), VIRTIO_OK);
    REQUIRE(test, scsi_rig_open(test, "data"));
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 0, scsi_memory.bytes, 4096), VIRTIO_OK);
    CHECK(test, pattern_matches(scsi_memory.bytes, SCSI_HOST_SEED, 0, 8));
}

static void recover_body(struct test *test)
{
    struct virtio_scsi_done done;
    uint64_t tags[3];
    unsigned returned;

    if (!scsi_rig_open(test, "stuck") || !submit_reads(test, 3, tags)) {
        return;
    }
    returned = take_answered(test, SHORT_US);
    scsi_rig.device.timeout_us = SHORT_US;
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 100, (uint8_t *)scsi_memory.bytes + 4096, 512),
                 VIRTIO_E_TIMEOUT);
    scsi_rig.device.timeout_us = VIRTIO_TIMEOUT_DEFAULT_US;
    for (unsigned round = 0; round < 3; round++) {
        REQUIRE_RESULT(test, virtio_scsi_recover(&scsi_rig), VIRTIO_OK);
        while (virtio_scsi_reap(&scsi_rig, 0, &done) == 1) {
            CHECK(test, done.error == VIRTIO_E_RESET || done.error == VIRTIO_OK);
            returned++;
        }
        CHECK_EQUAL(test, returned, 3);
        REQUIRE(test, scsi_rig_open(test, "data"));
        CHECK_EQUAL(test, scsi_unit.attention.asc, 0x29);
        CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 0, scsi_memory.bytes, 4096), VIRTIO_OK);
        CHECK(test, pattern_matches(scsi_memory.bytes, SCSI_HOST_SEED, 0, 8));
        CHECK_RESULT(test,
                     virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_QUERY_TASK_SET,
                                        scsi_unit.target, scsi_unit.lun, 0),
                     VIRTIO_OK);
    }
    /* The events go on, too. */
    if (virtio_has_feature(&scsi_rig.device, VIRTIO_SCSI_F_HOTPLUG) &&
        test_ask_host(test, "scsi add")) {
        struct virtio_scsi_event event;

        CHECK_RESULT(test, virtio_scsi_wait_event(&scsi_rig, &event, SCSI_PATIENCE_US), 1);
        test_ask_host(test, "scsi remove");
        CHECK_RESULT(test, virtio_scsi_wait_event(&scsi_rig, &event, SCSI_PATIENCE_US), 1);
    }
}

void scsi_recovers(struct test *test)
{
    scsi_rig_run(test, recover_body);
}

void scsi_timeout_halts(struct test *test)
{
    scsi_rig_run(test, timeout_body);
}

static void drain_body(struct test *test)
{
    struct virtio_scsi_done done;
    uint64_t tags[8];
    unsigned seen = 0;

    if (!scsi_rig_open(test, scsi_rig_scratch()) || !submit_reads(test, 8, tags)) {
        return;
    }
    CHECK_RESULT(test, virtio_scsi_drain(&scsi_rig, &done), VIRTIO_E_BUSY);
    CHECK_RESULT(test, virtio_scsi_halt(&scsi_rig), VIRTIO_OK);
    while (virtio_scsi_drain(&scsi_rig, &done) == 1) {
        CHECK(test, done.error == VIRTIO_OK || done.error == VIRTIO_E_RESET);
        CHECK_EQUAL(test, seen & 1u << (uintptr_t)done.cookie, 0);
        seen |= 1u << (uintptr_t)done.cookie;
    }
    CHECK_EQUAL(test, seen, 0xff);
    CHECK_EQUAL(test, virtio_scsi_in_flight(&scsi_rig, 0), 0);
    CHECK_RESULT(test, virtio_scsi_halt(&scsi_rig), VIRTIO_OK);
}

void scsi_halt_and_drain(struct test *test)
{
    scsi_rig_run(test, drain_body);
}
