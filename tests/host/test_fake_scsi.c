/* SPDX-License-Identifier: MIT */
/*
 * The fake SCSI controller: each of its rules is broken by hand and must be found.
 */
#include "scsi_bench.h"

#include <string.h>

#define REQUEST_AT  0u
#define DATA_AT     1024u
#define RESPONSE_AT 2048u
#define ANSWER_AT   4096u

/* The driver's place: queue `index` as queues[0], with memory. */
static void enter(struct bench *bench, uint16_t index)
{
    static const uint8_t request[19] = {1, 0, 0x40};

    fake_scsi_begin(&scsi_fake, &bench->fake);
    bench_begin(bench);
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, index, 16));
    assert_ok(virtio_allocate_shared(&bench->device, 8192, 64, &bench->shared));
    assert_ok(virtio_device_ready(&bench->device));
    memcpy(bench->shared.memory, request, sizeof(request));
}

static void send(struct bench *bench, uint32_t readable, uint32_t out, uint32_t writable,
                 uint32_t in)
{
    const uint64_t base = bench->shared.device_address;
    struct virtio_queue *queue = &bench->queues[0];
    struct virtio_chain chain;
    struct virtio_done done;

    virtio_prepare(queue, &chain);
    if (readable != 0)
        assert_ok(virtio_append_desc(queue, base + REQUEST_AT, readable, 0, &chain));
    if (out != 0)
        assert_ok(virtio_append_desc(queue, base + DATA_AT, out, 0, &chain));
    if (writable != 0)
        assert_ok(
            virtio_append_desc(queue, base + RESPONSE_AT, writable, VIRTQ_DESC_F_WRITE, &chain));
    if (in != 0)
        assert_ok(virtio_append_desc(queue, base + ANSWER_AT, in, VIRTQ_DESC_F_WRITE, &chain));
    assert_ok(virtio_submit(queue, &chain, NULL));
    assert_ok(virtio_kick(queue));
    (void)virtio_reap(queue, &done);
}

static void test_rules_of_commands(struct bench *bench)
{
    uint8_t *bytes;

    enter(bench, 2);
    bytes = bench->shared.memory;
    send(bench, 51, 0, 108, 0); /* as it should be */
    assert_int_equal(bytes[RESPONSE_AT + 11], 0);
    send(bench, 50, 0, 108, 0);
    bench_expect_violation(bench, "scsi-frame");
    send(bench, 51, 0, 100, 8);
    bench_expect_violation(bench, "scsi-frame");
    send(bench, 51, 16, 108, 16);
    bench_expect_violation(bench, "scsi-both-ways");
    bytes[16] = 1;
    send(bench, 51, 0, 108, 0);
    bench_expect_violation(bench, "scsi-task-fields");
    bytes[16] = 0;
    bytes[2] = 0;
    send(bench, 51, 0, 108, 0);
    bench_expect_violation(bench, "scsi-lun");
    bytes[2] = 0x40;
    scsi_fake.held = true;
    send(bench, 51, 0, 108, 0);
    send(bench, 51, 0, 108, 0);
    bench_expect_violation(bench, "scsi-tag");
    bench_stop(bench);
}

static void test_rules_of_control_requests(struct bench *bench)
{
    uint8_t *bytes;

    enter(bench, 0);
    bytes = bench->shared.memory;
    memset(bytes, 0, 24);
    bytes[8] = 1;
    bytes[10] = 0x40;
    send(bench, 24, 0, 1, 0); /* as it should be */
    send(bench, 24, 0, 2, 0);
    bench_expect_violation(bench, "scsi-control");
    bytes[0] = 1;
    send(bench, 24, 0, 1, 0);
    bench_expect_violation(bench, "scsi-control-type");
    bench_stop(bench);
}

static void test_rules_of_events_and_config(struct bench *bench)
{
    enter(bench, 1);
    send(bench, 0, 0, 16, 0); /* as it should be */
    send(bench, 0, 0, 15, 0);
    bench_expect_violation(bench, "scsi-event-buffer");
    send(bench, 8, 0, 16, 0);
    bench_expect_violation(bench, "scsi-event-buffer");
    assert_ok(virtio_config_write(&bench->device, FAKE_SCSI_CDB_SIZE, 4, 16));
    assert_ok(virtio_config_write(&bench->device, FAKE_SCSI_MAX_LUN, 4, 16));
    bench_expect_violation(bench, "scsi-config-written");
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_rules_of_commands, BENCH_ONE),
    TEST(test_rules_of_control_requests, BENCH_ONE),
    TEST(test_rules_of_events_and_config, BENCH_ONE),
};

BENCH_MAIN(tests)
