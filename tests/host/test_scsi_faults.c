/* SPDX-License-Identifier: MIT */
/*
 * The SCSI driver when things go wrong: responses, statuses and sense data that mean trouble, lengths that can't be,
 * unit attention, no answer, devices that break, ask for a reset, are pulled out or will not be reset, hooks that fail,
 * and recovery from all that.
 */
#include "scsi_bench.h"

#include <string.h>

#define TIMEOUT_US 20000u
#define DEPTH      5u

static void start_impatient(struct bench *bench)
{
    scsi_bench_begin(bench);
    bench_attach(bench);
    bench->device.timeout_us = TIMEOUT_US;
    scsi_bench_start(bench);
}

/* Answers ----------------------------------------------------------------------------------------- */

static void test_each_response_has_its_error(struct bench *bench)
{
    struct virtio_scsi_result result;

    start_impatient(bench);
    for (int response = 1; response < 256; response++) {
        int error = response == 2 || response == 4    ? VIRTIO_E_RESET
                    : response == 3 || response == 12 ? VIRTIO_E_NO_DEVICE
                    : response < 10                   ? VIRTIO_E_IO
                                                      : VIRTIO_E_RESPONSE;

        scsi_fake.response = response;
        assert_result(scsi_bench_ready(&result), error);
        assert_int_equal(result.response, response);
        assert_int_equal(result.status, 0xff);
        assert_int_equal(result.sense_length, 0);
    }
    scsi_fake.response = -1;
    assert_ok(scsi_bench_ready(&result));
    scsi_bench_end(bench);
}

static void test_each_status_has_its_error(struct bench *bench)
{
    struct virtio_scsi_result result;

    start_impatient(bench);
    for (int status = 0; status < 256; status++) {
        int error =
            status == 0 || status == 4 ? VIRTIO_OK
            : status == 0x40           ? VIRTIO_E_RESET
            : status == 2 || status == 8 || status == 0x18 || status == 0x28 || status == 0x30
                ? VIRTIO_E_IO
                : VIRTIO_E_RESPONSE;

        scsi_fake.status = status;
        assert_result(scsi_bench_ready(&result), error);
        assert_int_equal(result.status, status);
    }
    scsi_bench_end(bench);
}

static void test_each_sense_key_has_its_error(struct bench *bench)
{
    struct virtio_scsi_result result;

    start_impatient(bench);
    for (unsigned key = 0; key < 16; key++) {
        int error = key < 2    ? VIRTIO_OK
                    : key == 5 ? VIRTIO_E_UNSUPPORTED_REQUEST
                    : key == 7 ? VIRTIO_E_READ_ONLY
                               : VIRTIO_E_IO;

        fake_scsi_set_sense(&scsi_fake, (uint8_t)key, 0x44, 0);
        scsi_fake.attentions = 1;
        assert_result(scsi_bench_ready(&result), error);
        assert_int_equal(result.sense_length, 18);
        assert_memory_equal(result.sense, scsi_fake.sense, 18);
    }
    fake_scsi_set_sense(&scsi_fake, 5, 0x21, 0);
    scsi_fake.attentions = 1;
    assert_result(scsi_bench_ready(&result), VIRTIO_E_OUT_OF_RANGE);
    fake_scsi_set_sense(&scsi_fake, 5, 0x25, 0);
    scsi_fake.attentions = 1;
    assert_result(scsi_bench_ready(&result), VIRTIO_E_NO_DEVICE);
    /* About an earlier command, or no sense data at all: nobody knows. */
    fake_scsi_set_sense(&scsi_fake, 0, 0, 0);
    scsi_fake.sense[0] = 0x71;
    scsi_fake.attentions = 1;
    assert_result(scsi_bench_ready(&result), VIRTIO_E_IO);
    scsi_fake.sense[0] = 0x7f;
    scsi_fake.attentions = 1;
    assert_result(scsi_bench_ready(&result), VIRTIO_E_IO);
    scsi_fake.sense_length = 0;
    scsi_fake.attentions = 1;
    assert_result(scsi_bench_ready(&result), VIRTIO_E_IO);
    scsi_bench_end(bench);
}

/* A device that does not write its response, or one for the command before. */
static void test_p92_response_is_preset(struct bench *bench)
{
    struct virtio_scsi_result result;
    struct virtio_scsi_command command = {.queue = 0};

    start_impatient(bench);
    for (unsigned round = 0; round < 2u * scsi_driver.depth; round++) {
        struct virtio_scsi_done done;

        assert_ok(scsi_bench_ready(&result));
        scsi_fake.drop_next = 1;
        assert_ok(virtio_scsi_submit(&scsi_driver, &command, bench_cookie(3)));
        assert_ok(virtio_scsi_kick(&scsi_driver, 0));
        fake_chain_complete(fake_queue_chain(&bench->fake.queues[2], 0), 108);
        assert_result(virtio_scsi_reap(&scsi_driver, 0, &done), 1);
        assert_result(done.error, VIRTIO_E_RESPONSE);
        assert_int_equal(done.result.response, 0xff);
    }
    scsi_bench_end(bench);
}

/* Lengths ----------------------------------------------------------------------------------------- */

static void test_lengths_that_cannot_be(struct bench *bench)
{
    struct virtio_scsi_result result;

    start_impatient(bench);
    scsi_fake.attentions = 3;
    fake_scsi_set_sense(&scsi_fake, 3, 0x11, 0);
    scsi_fake.sense_says = 97;
    assert_result(scsi_bench_ready(&result), VIRTIO_E_RESPONSE);
    assert_int_equal(result.sense_length, 0);
    scsi_fake.sense_says = INT32_MAX;
    assert_result(scsi_bench_ready(&result), VIRTIO_E_RESPONSE);
    scsi_fake.sense_says = 96;
    assert_result(scsi_bench_ready(&result), VIRTIO_E_IO);
    assert_int_equal(result.sense_length, 96);
    scsi_fake.sense_says = -1;
    scsi_fake.residual_says = 1;
    assert_result(scsi_bench_ready(&result), VIRTIO_E_RESPONSE);
    assert_int_equal(result.residual, 0);
    scsi_fake.residual_says = 1025;
    assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 1024), VIRTIO_E_RESPONSE);
    scsi_fake.residual_says = UINT32_MAX;
    assert_result(virtio_scsi_write(&scsi_disk, 0, scsi_buffer, 1024), VIRTIO_E_RESPONSE);
    scsi_fake.residual_says = 0;
    assert_ok(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 1024));
    scsi_bench_end(bench);
}

/* Fewer bytes than asked for are no read, and no write; for other commands they are just that. */
static void test_short_transfers(struct bench *bench)
{
    struct virtio_scsi_command command = {.cdb = {0x12, 0, 0, 0, 36}, .in_bytes = 36};
    struct virtio_scsi_result result;
    uint64_t tag;
    size_t got;

    start_impatient(bench);
    for (uint32_t limit = 0; limit < 1024; limit += 93) {
        scsi_fake.answer_limit = limit;
        assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 1024), VIRTIO_E_RESPONSE);
        assert_int_equal(scsi_disk.result.residual, 1024 - limit);
        assert_ok(virtio_scsi_submit_read(&scsi_disk, 0, scsi_buffer, 1024, bench_cookie(1)));
        assert_int_equal(scsi_bench_wait(VIRTIO_E_RESPONSE), 1);
    }
    command.in = scsi_buffer;
    scsi_fake.answer_limit = 20;
    scsi_fake.qualifier = 0x1234;
    tag = scsi_fake.tag;
    assert_ok(virtio_scsi_execute(&scsi_driver, &command, &result));
    assert_int_equal(result.residual, 16);
    assert_int_equal(result.status_qualifier, 0x1234);
    assert_int_equal(scsi_fake.tag, tag + 1);
    assert_ok(virtio_scsi_inquiry(&scsi_disk, scsi_buffer, 36, &got));
    assert_int_equal(got, 20);
    scsi_fake.answer_limit = UINT32_MAX;
    scsi_fake.residual_says = 512;
    assert_result(virtio_scsi_write(&scsi_disk, 0, scsi_buffer, 1024), VIRTIO_E_RESPONSE);
    scsi_bench_end(bench);
}

/* QEMU counts all of the chain, other devices nothing; less than what was written is a lie. */
static void test_used_lengths(struct bench *bench)
{
    start_impatient(bench);
    scsi_fake.written_says = -2;
    scsi_bench_read(1, 3);
    assert_ok(virtio_scsi_write(&scsi_disk, 0, scsi_buffer, 512));
    scsi_fake.written_says = 0;
    scsi_bench_read(1, 3);
    assert_ok(virtio_scsi_write(&scsi_disk, 0, scsi_buffer, 512));
    scsi_fake.written_says = 11;
    assert_result(virtio_scsi_test_unit_ready(&scsi_disk),
                  bench->legacy ? VIRTIO_OK : VIRTIO_E_RESPONSE);
    scsi_fake.written_says = 108 + 511;
    assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 512),
                  bench->legacy ? VIRTIO_OK : VIRTIO_E_RESPONSE);
    scsi_fake.written_says = 12;
    assert_ok(virtio_scsi_test_unit_ready(&scsi_disk));
    scsi_bench_end(bench);
}

/* Unit attention and busy units ------------------------------------------------------------------- */

static void test_unit_attention_is_met(struct bench *bench)
{
    struct virtio_scsi_result result;

    start_impatient(bench);
    fake_scsi_set_sense(&scsi_fake, 6, 0x29, 0);
    scsi_fake.attentions = VIRTIO_SCSI_RETRIES;
    scsi_bench_read(0, 4);
    assert_int_equal(scsi_disk.attentions, VIRTIO_SCSI_RETRIES);
    assert_int_equal(scsi_disk.attention.asc, 0x29);
    /* No more often than that. */
    scsi_fake.attentions = VIRTIO_SCSI_RETRIES + 1;
    scsi_fake.commands = 0;
    assert_result(virtio_scsi_test_unit_ready(&scsi_disk), VIRTIO_E_IO);
    assert_int_equal(scsi_fake.commands, VIRTIO_SCSI_RETRIES + 1);
    assert_int_equal(scsi_fake.attentions, 0);
    scsi_fake.attentions = 1000;
    assert_result(virtio_scsi_open(&scsi_disk, &scsi_driver, 0, 0), VIRTIO_E_IO);
    scsi_fake.attentions = 0;
    /* The transport repeats nothing. */
    scsi_fake.attentions = 1;
    assert_result(scsi_bench_ready(&result), VIRTIO_E_IO);
    assert_ok(virtio_scsi_open(&scsi_disk, &scsi_driver, 0, 0));
    /* Neither is another medium written to. */
    fake_scsi_set_sense(&scsi_fake, 6, 0x28, 0);
    scsi_fake.attentions = 1;
    assert_result(virtio_scsi_write(&scsi_disk, 0, scsi_buffer, 512), VIRTIO_E_IO);
    scsi_fake.attentions = 1;
    assert_result(virtio_scsi_unmap(&scsi_disk, 0, 1), VIRTIO_E_IO);
    scsi_fake.attentions = 1;
    assert_ok(virtio_scsi_read_capacity(&scsi_disk));
    scsi_fake.attentions = 1;
    assert_ok(virtio_scsi_flush(&scsi_disk));
    scsi_bench_end(bench);
}

static void test_busy_units_are_asked_again(struct bench *bench)
{
    uint64_t start;

    start_impatient(bench);
    start = bench->host.now_us;
    scsi_fake.busy = 4;
    scsi_fake.device_busy = 4;
    scsi_bench_read(0, 1);
    assert_in_range(bench->host.now_us - start, 255000, 300000);
    scsi_fake.busy = VIRTIO_SCSI_RETRIES + 1;
    scsi_fake.commands = 0;
    assert_result(virtio_scsi_test_unit_ready(&scsi_disk), VIRTIO_E_IO);
    assert_int_equal(scsi_fake.commands, VIRTIO_SCSI_RETRIES + 1);
    scsi_bench_end(bench);
}

static void test_a_drive_without_medium(struct bench *bench)
{
    start_impatient(bench);
    fake_scsi_set_sense(&scsi_fake, 2, 0x3a, 0);
    scsi_fake.attentions = 1;
    assert_ok(virtio_scsi_open(&scsi_disk, &scsi_driver, 2, 1));
    assert_false(scsi_disk.ready);
    assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 2048), VIRTIO_E_NOT_SUPPORTED);
    assert_ok(virtio_scsi_read_capacity(&scsi_disk)); /* now there is one */
    assert_ok(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 2048));
    fake_scsi_set_sense(&scsi_fake, 4, 0x44, 0);
    scsi_fake.attentions = 1;
    assert_result(virtio_scsi_open(&scsi_disk, &scsi_driver, 2, 1), VIRTIO_E_IO);
    scsi_bench_end(bench);
}

/* Flush is no success because something else is not supported. */
static void test_a_flush_that_is_refused(struct bench *bench)
{
    start_impatient(bench);
    fake_scsi_set_sense(&scsi_fake, 5, 0x24, 0);
    scsi_fake.attentions = 1;
    assert_result(virtio_scsi_flush(&scsi_disk), VIRTIO_E_UNSUPPORTED_REQUEST);
    scsi_bench_end(bench);
}

/* Hooks that fail --------------------------------------------------------------------------------- */

static void test_maps_that_fail(struct bench *bench)
{
    struct virtio_scsi_command command = {.cdb = {0xff}, .out_bytes = 16, .in_bytes = 16};

    scsi_bench_begin(bench);
    bench->fake.features |= VIRTIO_SCSI_F_INOUT;
    scsi_bench_start(bench);
    command.out = scsi_buffer;
    command.in = scsi_buffer + 4096;
    for (unsigned n = 1; n <= 2; n++) {
        fake_host_fail_at(&bench->host, n);
        assert_result(virtio_scsi_execute(&scsi_driver, &command, NULL), VIRTIO_E_MAP);
        assert_true(bench->host.failed);
    }
    fake_host_fail_at(&bench->host, 0);
    bench->host.unmap_error = VIRTIO_E_MAP;
    assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 512), VIRTIO_E_MAP);
    bench->host.unmap_error = 0;
    for (unsigned i = 0; i < 3u * scsi_driver.depth; i++) /* no slot was lost */
        assert_ok(virtio_scsi_execute(&scsi_driver, &command, NULL));
    scsi_bench_end(bench);
}

/* No answer --------------------------------------------------------------------------------------- */

static void check_halted(struct bench *bench)
{
    struct virtio_scsi_done done;
    struct virtio_scsi_event event;

    assert_int_equal(scsi_driver.device.state, VIRTIO_DEVICE_STOPPED);
    assert_int_equal(bench->fake.status, 0);
    assert_result(scsi_bench_ready(NULL), VIRTIO_E_STATE);
    assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 512), VIRTIO_E_STATE);
    assert_result(virtio_scsi_flush(&scsi_disk), VIRTIO_E_STATE);
    assert_result(virtio_scsi_unmap(&scsi_disk, 0, 1), VIRTIO_E_STATE);
    assert_result(virtio_scsi_open(&scsi_disk, &scsi_driver, 0, 0), VIRTIO_E_STATE);
    assert_result(virtio_scsi_kick(&scsi_driver, 0), VIRTIO_E_STATE);
    assert_result(virtio_scsi_reap(&scsi_driver, 0, &done), VIRTIO_E_STATE);
    assert_result(virtio_scsi_wait(&scsi_driver, 0, &done, 1000), VIRTIO_E_STATE);
    assert_result(virtio_scsi_poll_event(&scsi_driver, &event), VIRTIO_E_STATE);
    assert_result(virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_QUERY_TASK, 0, 0, 0),
                  VIRTIO_E_STATE);
    assert_ok(virtio_scsi_halt(&scsi_driver));
}

static void test_p69_a_timeout_halts(struct bench *bench)
{
    struct virtio_scsi_done done;
    uint64_t start;

    start_impatient(bench);
    for (unsigned round = 0; round < 3; round++) {
        scsi_fake.drop_next = 2;
        assert_ok(virtio_scsi_submit_read(&scsi_disk, 3, scsi_buffer + 4096, 512, bench_cookie(7)));
        assert_ok(virtio_scsi_kick(&scsi_driver, 0));
        start = bench->host.now_us;
        assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 512), VIRTIO_E_TIMEOUT);
        assert_in_range(bench->host.now_us - start, TIMEOUT_US, 2 * TIMEOUT_US);
        check_halted(bench);
        assert_result(virtio_scsi_drain(&scsi_driver, &done), 1);
        assert_int_equal((uintptr_t)done.cookie, 7);
        assert_result(done.error, VIRTIO_E_RESET);
        assert_result(virtio_scsi_drain(&scsi_driver, &done), 0);
        assert_ok(virtio_scsi_stop(&scsi_driver));
        assert_int_equal(fake_host_live(&bench->host), 0);
        scsi_bench_start(bench);
        scsi_bench_read(0, 5);
    }
    scsi_bench_end(bench);
}

/* A device that will not even be reset has the buffer for ever, and everything is kept. */
static void test_a_device_that_is_lost(struct bench *bench)
{
    struct virtio_scsi_done done;

    start_impatient(bench);
    scsi_fake.drop_next = 1;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_scsi_read(&scsi_disk, 0, scsi_buffer, 512), VIRTIO_E_BUSY);
    assert_int_equal(scsi_driver.device.state, VIRTIO_DEVICE_LOST);
    assert_result(virtio_scsi_drain(&scsi_driver, &done), VIRTIO_E_BUSY);
    assert_result(virtio_scsi_halt(&scsi_driver), VIRTIO_E_TIMEOUT);
    assert_result(virtio_scsi_stop(&scsi_driver), VIRTIO_E_TIMEOUT);
    assert_int_not_equal(fake_host_live(&bench->host), 0);
    bench->fake.reset_polls = 0;
    assert_ok(virtio_scsi_recover(&scsi_driver));
    scsi_bench_read(0, 2);
    scsi_bench_end(bench);
}

/* Control requests that are not answered keep their places, and nothing else is concerned. */
static void test_management_without_answer(struct bench *bench)
{
    unsigned in_flight = 0;
    int error;

    start_impatient(bench);
    scsi_fake.silent_control = true;
    while ((error = virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_ABORT_TASK, 0, 0, 1)) ==
           VIRTIO_E_TIMEOUT)
        in_flight++;
    assert_result(error, VIRTIO_E_FULL);
    assert_int_equal(in_flight, VIRTIO_SCSI_CONTROLS);
    scsi_bench_read(0, 1);
    scsi_fake.silent_control = false;
    while (fake_queue_chain(&bench->fake.queues[0], 0) != NULL)
        fake_chain_complete(fake_queue_chain(&bench->fake.queues[0], 0), 1);
    for (unsigned i = 0; i < 9; i++)
        assert_ok(virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_ABORT_TASK, 0, 0, 1));
    /* A recovery gives all places back. */
    scsi_fake.silent_control = true;
    for (unsigned i = 0; i < VIRTIO_SCSI_CONTROLS; i++)
        assert_result(virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_ABORT_TASK, 0, 0, 1),
                      VIRTIO_E_TIMEOUT);
    assert_ok(virtio_scsi_recover(&scsi_driver));
    scsi_fake.silent_control = false;
    for (unsigned i = 0; i < 9; i++)
        assert_ok(virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_ABORT_TASK, 0, 0, 1));
    scsi_fake.control_response = 0xff;
    assert_result(virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_ABORT_TASK, 0, 0, 1),
                  VIRTIO_E_RESPONSE);
    scsi_bench_end(bench);
}

/* Recovery ---------------------------------------------------------------------------------------- */

enum cause {
    ASKS_FOR_RESET,
    LIES,
    IS_SILENT,
    IS_GONE,
    IS_HALTED,
    CAUSES
};

static const int errors[CAUSES] = {VIRTIO_E_NEEDS_RESET, VIRTIO_E_BROKEN, VIRTIO_E_TIMEOUT,
                                   VIRTIO_E_GONE, VIRTIO_E_STATE};

/* DEPTH reads, of which the first is answered. */
static void submit_reads(struct bench *bench)
{
    (void)bench;
    scsi_fake.held = true;
    for (uintptr_t i = 0; i < DEPTH; i++)
        assert_ok(
            virtio_scsi_submit_read(&scsi_disk, i, scsi_buffer + 512 * i, 512, bench_cookie(i)));
    assert_ok(virtio_scsi_kick(&scsi_driver, 0));
    fake_scsi_finish(&scsi_fake, 0, 0);
}

static void bring_about(struct bench *bench, enum cause cause)
{
    struct fake_queue *queue = &bench->fake.queues[2];

    if (cause == ASKS_FOR_RESET)
        bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    if (cause == LIES)
        fake_queue_push_used(queue, queue->size, 0);
    if (cause == IS_GONE)
        bench_unplug(bench, true);
}

/* By a blocking call or by a wait. */
static void meet(enum cause cause, bool blocking)
{
    struct virtio_scsi_done done;

    if (cause == IS_HALTED) {
        assert_ok(virtio_scsi_halt(&scsi_driver));
    } else if (blocking) {
        assert_result(virtio_scsi_read(&scsi_disk, 9, scsi_buffer + 8192, 512), errors[cause]);
    } else {
        assert_result(virtio_scsi_wait(&scsi_driver, 0, &done, TIMEOUT_US), 1);
        assert_ok(done.error);
        assert_null(done.cookie);
        assert_result(virtio_scsi_wait(&scsi_driver, 0, &done, TIMEOUT_US), errors[cause]);
    }
}

static void check_came_back(bool first_too)
{
    struct virtio_scsi_done done;
    unsigned seen = first_too ? 0 : 1;

    while (virtio_scsi_reap(&scsi_driver, 0, &done) == 1) {
        unsigned bit = 1u << (uintptr_t)done.cookie;

        assert_int_equal(seen & bit, 0);
        seen |= bit;
        assert_result(done.error, done.cookie == NULL ? VIRTIO_OK : VIRTIO_E_RESET);
    }
    assert_int_equal(seen, (1u << DEPTH) - 1);
    assert_int_equal(virtio_scsi_in_flight(&scsi_driver, 0), 0);
}

static void test_recovered_from_everything(struct bench *bench)
{
    static const uint8_t lun[8] = {1};
    struct virtio_scsi_event event;

    start_impatient(bench);
    for (unsigned round = 0; round < 4 * CAUSES; round++) {
        enum cause cause = round % CAUSES;
        bool blocking = round / CAUSES % 2 != 0;

        if (cause == ASKS_FOR_RESET && bench->legacy)
            continue;
        submit_reads(bench);
        assert_true(fake_scsi_event(&scsi_fake, 1, lun, 1, 16));
        bring_about(bench, cause);
        meet(cause, blocking);
        if (cause == IS_GONE) {
            assert_result(virtio_scsi_recover(&scsi_driver), VIRTIO_E_GONE);
            assert_result(virtio_scsi_recover(&scsi_driver), VIRTIO_E_GONE);
            bench_unplug(bench, false);
        }
        assert_ok(virtio_scsi_recover(&scsi_driver));
        scsi_fake.held = false;
        check_came_back(cause == IS_HALTED || blocking);
        for (unsigned i = 0; i < 3u * scsi_driver.depth; i++)
            scsi_bench_read(i % 64, 1 + i % 30);
        assert_ok(virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_QUERY_TASK, 0, 0, 0));
        assert_result(virtio_scsi_poll_event(&scsi_driver, &event), 0);
        assert_true(fake_scsi_event(&scsi_fake, 1, lun, 2, 16));
        assert_result(virtio_scsi_poll_event(&scsi_driver, &event), 1);
    }
    scsi_bench_end(bench);
}

/* A wait says what happened and changes nothing; a blocking call after it says the same and resets. */
static void test_a_failure_that_is_known(struct bench *bench)
{
    struct virtio_scsi_done done;

    start_impatient(bench);
    for (enum cause cause = ASKS_FOR_RESET; cause <= IS_GONE; cause++) {
        if ((cause == ASKS_FOR_RESET && bench->legacy) || cause == IS_SILENT)
            continue;
        submit_reads(bench);
        bring_about(bench, cause);
        meet(cause, false);
        assert_int_equal(scsi_driver.device.state, VIRTIO_DEVICE_READY);
        assert_result(virtio_scsi_read(&scsi_disk, 9, scsi_buffer + 8192, 512), errors[cause]);
        assert_int_equal(scsi_driver.device.state, VIRTIO_DEVICE_STOPPED);
        assert_result(virtio_scsi_reap(&scsi_driver, 0, &done), VIRTIO_E_STATE);
        bench_unplug(bench, false);
        assert_ok(virtio_scsi_recover(&scsi_driver));
        scsi_fake.held = false;
        check_came_back(false);
        scsi_bench_read(0, 1);
    }
    scsi_bench_end(bench);
}

static void test_gone_for_good(struct bench *bench)
{
    struct virtio_scsi_done done;
    unsigned drained = 0;

    start_impatient(bench);
    submit_reads(bench);
    bench_unplug(bench, true);
    assert_result(virtio_scsi_recover(&scsi_driver), VIRTIO_E_GONE);
    assert_result(virtio_scsi_reap(&scsi_driver, 0, &done), VIRTIO_E_STATE);
    while (virtio_scsi_drain(&scsi_driver, &done) == 1)
        drained++;
    assert_int_equal(drained, DEPTH);
    scsi_bench_end(bench);
}

static void test_recovered_with_another_config(struct bench *bench)
{
    start_impatient(bench);
    fake_device_set_config(&bench->fake, FAKE_SCSI_MAX_TARGET, 2, 3);
    assert_ok(virtio_scsi_recover(&scsi_driver));
    assert_int_equal(scsi_driver.max_target, 3);
    fake_device_set_config(&bench->fake, FAKE_SCSI_NUM_QUEUES, 4, 0);
    assert_result(virtio_scsi_recover(&scsi_driver), VIRTIO_E_CONFIG);
    assert_int_equal(scsi_driver.device.state, VIRTIO_DEVICE_STOPPED);
    fake_device_set_config(&bench->fake, FAKE_SCSI_NUM_QUEUES, 4, 1);
    assert_ok(virtio_scsi_recover(&scsi_driver));
    scsi_bench_read(0, 1);
    scsi_bench_end(bench);
}

/* A scan that meets the end of the device says so. */
static void test_a_scan_that_is_cut_short(struct bench *bench)
{
    struct virtio_scsi_scan scan;
    uint8_t target;
    uint16_t lun;

    start_impatient(bench);
    virtio_scsi_scan_begin(&scan, &scsi_driver);
    scsi_fake.drop_next = 1;
    assert_result(virtio_scsi_scan_next(&scan, &target, &lun), VIRTIO_E_TIMEOUT);
    assert_ok(virtio_scsi_recover(&scsi_driver));
    virtio_scsi_scan_begin(&scan, &scsi_driver);
    assert_ok(virtio_scsi_scan_next(&scan, &target, &lun));
    scsi_fake.drop_next = 1;
    assert_result(virtio_scsi_scan_next(&scan, &target, &lun), VIRTIO_E_TIMEOUT);
    assert_ok(virtio_scsi_recover(&scsi_driver));
    scsi_fake.drop_next = 1;
    assert_result(virtio_scsi_open(&scsi_disk, &scsi_driver, 0, 0), VIRTIO_E_TIMEOUT);
    scsi_bench_end(bench);
}

static void test_events_of_a_broken_queue(struct bench *bench)
{
    static const uint8_t lun[8] = {1};
    struct virtio_scsi_event event;

    start_impatient(bench);
    fake_queue_push_used(&bench->fake.queues[1], 0x1234, 16);
    assert_result(virtio_scsi_poll_event(&scsi_driver, &event), VIRTIO_E_BROKEN);
    assert_result(virtio_scsi_wait_event(&scsi_driver, &event, 1000), VIRTIO_E_BROKEN);
    scsi_bench_read(0, 1);
    scsi_fake.silent_control = true;
    assert_result(virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_QUERY_TASK, 0, 0, 0),
                  VIRTIO_E_TIMEOUT);
    fake_queue_push_used(&bench->fake.queues[0], 0x1234, 1);
    assert_result(virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_QUERY_TASK, 0, 0, 0),
                  VIRTIO_E_BROKEN);
    scsi_fake.silent_control = false;
    assert_ok(virtio_scsi_recover(&scsi_driver));
    assert_true(fake_scsi_event(&scsi_fake, 1, lun, 2, 16));
    assert_result(virtio_scsi_poll_event(&scsi_driver, &event), 1);
    if (!bench->legacy) {
        bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
        assert_result(virtio_scsi_wait_event(&scsi_driver, &event, TIMEOUT_US),
                      VIRTIO_E_NEEDS_RESET);
    }
    scsi_bench_end(bench);
}

static const struct bench_test tests[] = {
    TEST(test_each_response_has_its_error, BENCH_ALL),
    TEST(test_each_status_has_its_error, BENCH_ALL),
    TEST(test_each_sense_key_has_its_error, BENCH_HOSTS),
    TEST(test_p92_response_is_preset, BENCH_ALL),
    TEST(test_lengths_that_cannot_be, BENCH_ALL),
    TEST(test_short_transfers, BENCH_ALL),
    TEST(test_used_lengths, BENCH_ALL),
    TEST(test_unit_attention_is_met, BENCH_ALL),
    TEST(test_busy_units_are_asked_again, BENCH_ONE),
    TEST(test_a_drive_without_medium, BENCH_ONE),
    TEST(test_a_flush_that_is_refused, BENCH_ONE),
    TEST(test_maps_that_fail, BENCH_ALL & ~BENCH_WINDOW),
    TEST(test_p69_a_timeout_halts, BENCH_HOSTS),
    TEST(test_a_device_that_is_lost, BENCH_ALL),
    TEST(test_management_without_answer, BENCH_ALL),
    TEST(test_recovered_from_everything, BENCH_HOSTS),
    TEST(test_a_failure_that_is_known, BENCH_ALL),
    TEST(test_gone_for_good, BENCH_ALL),
    TEST(test_recovered_with_another_config, BENCH_ONE),
    TEST(test_a_scan_that_is_cut_short, BENCH_ONE),
    TEST(test_events_of_a_broken_queue, BENCH_ALL),
};

BENCH_MAIN_RINGS(tests)
