/* SPDX-License-Identifier: MIT */
/*
 * The SCSI driver with a controller that behaves: task management, events, sense data.
 */
#include "scsi_bench.h"

#include <string.h>

/* Management and events --------------------------------------------------------------------------- */

static void test_management_functions(struct bench *bench)
{
    static const struct {
        int response;
        int result;
    } answers[] = {{0, VIRTIO_OK},
                   {1, VIRTIO_E_RESPONSE},
                   {2, VIRTIO_E_RESPONSE},
                   {3, VIRTIO_E_NO_DEVICE},
                   {4, VIRTIO_E_RESPONSE},
                   {5, VIRTIO_E_IO},
                   {6, VIRTIO_E_IO},
                   {7, VIRTIO_E_IO},
                   {8, VIRTIO_E_IO},
                   {9, VIRTIO_E_IO},
                   {10, 1},
                   {11, VIRTIO_E_UNSUPPORTED_REQUEST},
                   {12, VIRTIO_E_NO_DEVICE},
                   {13, VIRTIO_E_RESPONSE},
                   {255, VIRTIO_E_RESPONSE}};
    static const uint8_t lun[8] = {1, 7, 0x41, 0x2c};

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    for (unsigned function = 0; function < 8; function++) {
        assert_ok(virtio_scsi_manage(&scsi_driver, (enum virtio_scsi_tmf)function, 7, 300,
                                     UINT64_C(0x123456789abcdef)));
        assert_int_equal(scsi_fake.type, 0);
        assert_int_equal(scsi_fake.subtype, function);
        assert_memory_equal(scsi_fake.lun, lun, 8);
        assert_int_equal(scsi_fake.id, UINT64_C(0x123456789abcdef));
    }
    for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        uint32_t actual = 1;

        scsi_fake.control_response = answers[i].response;
        assert_result(virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_QUERY_TASK, 0, 0, 0),
                      answers[i].result);
        assert_result(virtio_scsi_query_notifications(&scsi_driver, 0, 0, 0, &actual),
                      answers[i].result == 1 ? VIRTIO_E_RESPONSE : answers[i].result);
        assert_int_equal(actual, 0);
    }
    assert_result(virtio_scsi_manage(&scsi_driver, (enum virtio_scsi_tmf)8, 0, 0, 0),
                  VIRTIO_E_INVALID);
    assert_result(virtio_scsi_manage(&scsi_driver, VIRTIO_SCSI_T_TMF_QUERY_TASK, 0,
                                     VIRTIO_SCSI_LUN_MAX + 1, 0),
                  VIRTIO_E_INVALID);
    scsi_bench_end(bench);
}

static void test_notifications(struct bench *bench)
{
    uint32_t actual;

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    scsi_fake.notifications = 0xf0f0;
    assert_ok(virtio_scsi_query_notifications(&scsi_driver, 2, 1, 0x1f, &actual));
    assert_int_equal(actual, 0x10); /* no more than was asked for */
    assert_int_equal(scsi_fake.type, 1);
    assert_int_equal(scsi_fake.requested, 0x1f);
    assert_ok(virtio_scsi_subscribe_notifications(&scsi_driver, 2, 1, 0x70, &actual));
    assert_int_equal(actual, 0x70);
    assert_int_equal(scsi_fake.type, 2);
    assert_result(virtio_scsi_query_notifications(&scsi_driver, 0, 0x4000, 1, &actual),
                  VIRTIO_E_INVALID);
    scsi_bench_end(bench);
}

/* Send an event and see what becomes of it. */
static void check_event(struct bench *bench, uint32_t event, const uint8_t lun[8], uint32_t reason,
                        int result)
{
    struct virtio_scsi_event seen;
    uint32_t ignored = scsi_driver.ignored;

    (void)bench;
    assert_true(fake_scsi_event(&scsi_fake, event, lun, reason, 16));
    assert_result(virtio_scsi_poll_event(&scsi_driver, &seen), result);
    assert_int_equal(scsi_driver.ignored, ignored + (result == 1 ? 0 : 1));
    if (result != 1)
        return;
    assert_int_equal(seen.event, event & 0x7fffffff);
    assert_int_equal(seen.missed, event >> 31);
    assert_int_equal(seen.reason, reason);
    if (seen.event != 0) {
        assert_int_equal(seen.target, lun[1]);
        assert_int_equal(seen.lun, (lun[2] & 0x3f) << 8 | lun[3]);
    }
}

static void test_events(struct bench *bench)
{
    static const uint8_t plain[8] = {1, 7, 0, 5};
    static const uint8_t flat[8] = {1, 255, 0x41, 0x2c};
    static const uint8_t strange[8] = {1, 7, 0xc1, 1};
    static const uint8_t other[8] = {2, 7, 0, 5};
    static const uint8_t nothing[8] = {0};

    scsi_bench_begin(bench);
    fake_device_set_config(&bench->fake, FAKE_SCSI_EVENT_SIZE, 4, 100);
    scsi_bench_start(bench);
    for (unsigned round = 0; round < 20; round++) {
        check_event(bench, 1, plain, round % 3, 1);
        check_event(bench, 3, flat, 0x092a, 1);
        check_event(bench, 2, plain, 16, 1);
        check_event(bench, 0x80000000, nothing, 0, 1);
        check_event(bench, 0x80000001, flat, 2, 1);
        check_event(bench, 0, nothing, 0, 0);
        check_event(bench, 4, plain, 0, 0);
        check_event(bench, 1, plain, 3, 0);
        check_event(bench, 1, strange, 1, 0);
        check_event(bench, 3, other, 1, 0);
        check_event(bench, UINT32_MAX, plain, 0, 0);
    }
    scsi_bench_end(bench);
}

static void test_events_that_are_too_short(struct bench *bench)
{
    static const uint8_t lun[8] = {1};
    struct virtio_scsi_event event;
    unsigned sent = 0;

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    for (uint32_t written = 0; written < 16; written++) {
        assert_true(fake_scsi_event(&scsi_fake, 1, lun, 1, written));
        assert_result(virtio_scsi_poll_event(&scsi_driver, &event), bench->legacy ? 1 : 0);
    }
    assert_int_equal(scsi_driver.ignored, bench->legacy ? 0 : 16);
    /* As many as there are buffers, and then the next ones. */
    while (fake_scsi_event(&scsi_fake, 1, lun, 2, 16))
        sent++;
    assert_int_equal(sent, VIRTIO_SCSI_EVENTS);
    for (unsigned i = 0; i < sent; i++)
        assert_result(virtio_scsi_poll_event(&scsi_driver, &event), 1);
    assert_result(virtio_scsi_poll_event(&scsi_driver, &event), 0);
    assert_result(virtio_scsi_wait_event(&scsi_driver, &event, 1000), VIRTIO_E_TIMEOUT);
    assert_result(virtio_scsi_wait_event(&scsi_driver, &event, 0), VIRTIO_E_INVALID);
    assert_true(fake_scsi_event(&scsi_fake, 1, lun, 2, 16));
    assert_result(virtio_scsi_wait_event(&scsi_driver, &event, 1000), 1);
    /* Nothing but nonsense does not hold anybody up. */
    while (fake_scsi_event(&scsi_fake, 99, lun, 2, 16))
        continue;
    assert_result(virtio_scsi_poll_event(&scsi_driver, &event), 0);
    scsi_bench_end(bench);
}

/* Sense data -------------------------------------------------------------------------------------- */

static void check_sense(const uint8_t *bytes, uint32_t length, uint8_t key, uint8_t asc,
                        uint8_t ascq, bool deferred, uint64_t information)
{
    struct virtio_scsi_sense sense;

    assert_ok(virtio_scsi_decode_sense(bytes, length, &sense));
    assert_int_equal(sense.key, key);
    assert_int_equal(sense.asc, asc);
    assert_int_equal(sense.ascq, ascq);
    assert_int_equal(sense.deferred, deferred);
    assert_int_equal(sense.has_information, information != 0);
    assert_int_equal(sense.information, information);
}

static void test_sense_data(struct bench *bench)
{
    uint8_t fixed[18] = {0xf0, 0, 0x23, 0, 0, 0x12, 0x34, 10, 0, 0, 0, 0, 0x11, 0x04};
    uint8_t descriptors[24] = {0x72, 0x36, 0x2a, 0x09, 0, 0, 0, 16, 2, 2, 0, 0,
                               0,    10,   0x80, 0,    0, 0, 0, 1,  0, 0, 0, 7};
    struct virtio_scsi_sense sense;

    (void)bench;
    check_sense(fixed, 18, 3, 0x11, 0x04, false, 0x1234);
    fixed[0] = 0x71;
    check_sense(fixed, 18, 3, 0x11, 0x04, true, 0);
    check_sense(fixed, 13, 3, 0x11, 0, true, 0);
    check_sense(fixed, 8, 3, 0, 0, true, 0);
    check_sense(fixed, 2, 0, 0, 0, true, 0);
    fixed[7] = 4; /* it ends before the codes */
    check_sense(fixed, 18, 3, 0, 0, true, 0);
    fixed[0] = 0xf0;
    check_sense(fixed, 6, 3, 0, 0, false, 0);
    descriptors[12] = 0;
    check_sense(descriptors, 24, 6, 0x2a, 0x09, false, UINT64_C(0x100000007));
    descriptors[0] = 0x73;
    check_sense(descriptors, 23, 6, 0x2a, 0x09, true, 0); /* cut: no longer whole */
    check_sense(descriptors, 4, 6, 0x2a, 0x09, true, 0);
    descriptors[7] = 255;
    descriptors[9] = 255; /* beyond the end */
    check_sense(descriptors, 24, 6, 0x2a, 0x09, true, 0);
    for (unsigned code = 0; code < 256; code++) {
        bool known = (code & 0x7f) >= 0x70 && (code & 0x7f) <= 0x73;

        fixed[0] = (uint8_t)code;
        assert_result(virtio_scsi_decode_sense(fixed, 18, &sense),
                      known ? VIRTIO_OK : VIRTIO_E_RESPONSE);
    }
    assert_result(virtio_scsi_decode_sense(fixed, 1, &sense), VIRTIO_E_RESPONSE);
    assert_result(virtio_scsi_decode_sense(NULL, 0, &sense), VIRTIO_E_RESPONSE);
}

static void test_names(struct bench *bench)
{
    (void)bench;
    for (unsigned i = 0; i < 256; i++) {
        assert_non_null(virtio_scsi_response_name((uint8_t)i));
        assert_non_null(virtio_scsi_status_name((uint8_t)i));
        assert_non_null(virtio_scsi_key_name((uint8_t)i));
        for (unsigned j = 0; j < 256; j++)
            assert_non_null(virtio_scsi_asc_name((uint8_t)i, (uint8_t)j));
    }
    assert_string_equal(virtio_scsi_response_name(12), "incorrect LUN");
    assert_string_equal(virtio_scsi_response_name(13), "unknown response");
    assert_string_equal(virtio_scsi_status_name(0x28), "task set full");
    assert_string_equal(virtio_scsi_status_name(1), "unknown status");
    assert_string_equal(virtio_scsi_key_name(3), "medium error");
    assert_string_equal(virtio_scsi_key_name(16), "unknown sense key");
    assert_string_equal(virtio_scsi_asc_name(0x11, 0x04), "unrecovered read error");
    assert_string_equal(virtio_scsi_asc_name(0x2a, 0x09), "capacity data has changed");
    assert_string_equal(virtio_scsi_asc_name(0x2a, 0x02), "parameters changed");
    assert_string_equal(virtio_scsi_asc_name(0x77, 0), "unknown additional sense code");
    assert_string_equal(virtio_scsi_asc_name(0x81, 0), "vendor specific");
}

static void test_request_sense(struct bench *bench)
{
    struct virtio_scsi_sense sense;

    scsi_bench_begin(bench);
    scsi_bench_start(bench);
    fake_scsi_set_sense(&scsi_fake, 1, 0x5d, 0);
    assert_ok(virtio_scsi_request_sense(&scsi_disk, &sense));
    assert_int_equal(sense.key, 1);
    assert_int_equal(sense.asc, 0x5d);
    scsi_fake.sense_length = 0;
    assert_result(virtio_scsi_request_sense(&scsi_disk, &sense), VIRTIO_E_RESPONSE);
    scsi_bench_end(bench);
}

static const struct bench_test tests[] = {
    TEST(test_management_functions, BENCH_HOSTS),
    TEST(test_notifications, BENCH_HOSTS),
    TEST(test_events, BENCH_HOSTS),
    TEST(test_events_that_are_too_short, BENCH_ALL),
    TEST(test_sense_data, BENCH_ONE),
    TEST(test_names, BENCH_ONE),
    TEST(test_request_sense, BENCH_HOSTS),
};

BENCH_MAIN_RINGS(tests)
