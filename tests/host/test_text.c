/* SPDX-License-Identifier: MIT */
/*
 * Text for people: error codes, names, log lines and the dump.
 */
#include "bench.h"

#include <core/log.h>

#include <stdio.h>
#include <string.h>

static void test_every_error_has_its_name(struct bench *bench)
{
#define ERROR(code)                                                                                \
    {                                                                                              \
        code, #code ":"                                                                            \
    }
    static const struct {
        int code;
        const char *name;
    } errors[] = {
        ERROR(VIRTIO_OK),
        ERROR(VIRTIO_E_INVALID),
        ERROR(VIRTIO_E_ORDER),
        ERROR(VIRTIO_E_ZERO_LENGTH),
        ERROR(VIRTIO_E_TOO_LONG),
        ERROR(VIRTIO_E_FULL),
        ERROR(VIRTIO_E_STALE),
        ERROR(VIRTIO_E_REENTRY),
        ERROR(VIRTIO_E_STATE),
        ERROR(VIRTIO_E_BUSY),
        ERROR(VIRTIO_E_READ_ONLY),
        ERROR(VIRTIO_E_OUT_OF_RANGE),
        ERROR(VIRTIO_E_NO_DEVICE),
        ERROR(VIRTIO_E_NO_MEMORY),
        ERROR(VIRTIO_E_MAP),
        ERROR(VIRTIO_E_NOT_SUPPORTED),
        ERROR(VIRTIO_E_FEATURES),
        ERROR(VIRTIO_E_NO_VERSION_1),
        ERROR(VIRTIO_E_NO_QUEUE),
        ERROR(VIRTIO_E_QUEUE_SIZE),
        ERROR(VIRTIO_E_CONFIG),
        ERROR(VIRTIO_E_CAPABILITY),
        ERROR(VIRTIO_E_BAR_UNASSIGNED),
        ERROR(VIRTIO_E_BAR_UNREACHABLE),
        ERROR(VIRTIO_E_TIMEOUT),
        ERROR(VIRTIO_E_BROKEN),
        ERROR(VIRTIO_E_NEEDS_RESET),
        ERROR(VIRTIO_E_GONE),
        ERROR(VIRTIO_E_IO),
        ERROR(VIRTIO_E_UNSUPPORTED_REQUEST),
        ERROR(VIRTIO_E_RESPONSE),
        ERROR(VIRTIO_E_RESET),
        ERROR(VIRTIO_E_ERRNO),
        ERROR(VIRTIO_E_ZONE_INVALID_COMMAND),
        ERROR(VIRTIO_E_ZONE_UNALIGNED_WRITE),
        ERROR(VIRTIO_E_ZONE_OPEN_RESOURCE),
        ERROR(VIRTIO_E_ZONE_ACTIVE_RESOURCE),
    };
#undef ERROR
    unsigned named = 0;

    (void)bench;
    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        const char *text = virtio_strerror(errors[i].code);

        assert_int_equal(strncmp(text, errors[i].name, strlen(errors[i].name)), 0);
        assert_true(strlen(text) > strlen(errors[i].name) + 3);
    }
    /* No other number has a name: the table above is complete. */
    for (int code = -1; code > -1000; code--)
        named += strcmp(virtio_strerror(code), "unknown error") != 0;
    assert_int_equal(named, sizeof(errors) / sizeof(errors[0]) - 1);
    assert_string_equal(virtio_strerror(7), virtio_strerror(0));
    assert_string_equal(virtio_strerror(INT32_MIN), "unknown error");
    assert_string_equal(virtio_strerror(INT32_MAX), virtio_strerror(0));
}

static void test_names_of_devices(struct bench *bench)
{
    (void)bench;
    assert_string_equal(virtio_device_name(VIRTIO_ID_NETWORK), "network device");
    assert_string_equal(virtio_device_name(VIRTIO_ID_BLOCK), "block device");
    assert_string_equal(virtio_device_name(VIRTIO_ID_ENTROPY), "entropy source");
    assert_string_equal(virtio_device_name(0), "unknown device");
    assert_string_equal(virtio_device_name(14), "unknown device");
    assert_string_equal(virtio_device_name(9999), "unknown device");
    assert_string_equal(virtio_device_name(UINT32_MAX), "unknown device");
}

static void test_names_of_features(struct bench *bench)
{
    (void)bench;
    assert_string_equal(virtio_feature_name(VIRTIO_ID_BLOCK, 5), "VIRTIO_BLK_F_RO");
    assert_string_equal(virtio_feature_name(VIRTIO_ID_NETWORK, 5), "VIRTIO_NET_F_MAC");
    assert_string_equal(virtio_feature_name(VIRTIO_ID_NETWORK, 63), "VIRTIO_NET_F_SPEED_DUPLEX");
    assert_null(virtio_feature_name(VIRTIO_ID_ENTROPY, 5));
    assert_null(virtio_feature_name(9999, 5));
    assert_null(virtio_feature_name(VIRTIO_ID_BLOCK, 64));
    assert_null(virtio_feature_name(VIRTIO_ID_BLOCK, UINT32_MAX));
    for (uint32_t type = 0; type < 60; type++) {
        assert_string_equal(virtio_feature_name(type, 32), "VIRTIO_F_VERSION_1");
        for (unsigned bit = 0; bit < 70; bit++) {
            const char *name = virtio_feature_name(type, bit);

            assert_true(name == NULL || strncmp(name, "VIRTIO_", 7) == 0 ||
                        strcmp(name, "UNUSED") == 0);
        }
    }
}

/* The bits' numbers in names.c agree with the masks in the headers. */
static void test_names_agree_with_masks(struct bench *bench)
{
#define FEATURE(type, mask)                                                                        \
    {                                                                                              \
        type, mask, #mask                                                                          \
    }
    static const struct {
        uint32_t type;
        uint64_t mask;
        const char *name;
    } features[] = {
        FEATURE(0, VIRTIO_F_NOTIFY_ON_EMPTY),
        FEATURE(0, VIRTIO_F_ANY_LAYOUT),
        FEATURE(0, VIRTIO_F_INDIRECT_DESC),
        FEATURE(0, VIRTIO_F_EVENT_IDX),
        FEATURE(0, VIRTIO_F_VERSION_1),
        FEATURE(0, VIRTIO_F_ACCESS_PLATFORM),
        FEATURE(0, VIRTIO_F_RING_PACKED),
        FEATURE(0, VIRTIO_F_IN_ORDER),
        FEATURE(0, VIRTIO_F_ORDER_PLATFORM),
        FEATURE(0, VIRTIO_F_SR_IOV),
        FEATURE(0, VIRTIO_F_NOTIFICATION_DATA),
        FEATURE(0, VIRTIO_F_NOTIF_CONFIG_DATA),
        FEATURE(0, VIRTIO_F_RING_RESET),
        FEATURE(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_SIZE_MAX),
        FEATURE(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_SEG_MAX),
        FEATURE(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_RO),
        FEATURE(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_BLK_SIZE),
        FEATURE(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_FLUSH),
        FEATURE(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_TOPOLOGY),
    };
#undef FEATURE

    (void)bench;
    for (unsigned i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        unsigned bit = (unsigned)__builtin_ctzll(features[i].mask);

        assert_string_equal(virtio_feature_name(features[i].type, bit), features[i].name);
    }
}

/* Lines ------------------------------------------------------------------------------------------ */

static void test_lines_of_log(struct bench *bench)
{
    struct virtio_line line;

    virtio_line_begin(&line, &bench->host.host);
    virtio_line_text(&line, "a ");
    virtio_line_number(&line, 0);
    virtio_line_text(&line, " ");
    virtio_line_number(&line, UINT32_MAX);
    virtio_line_text(&line, " ");
    virtio_line_hex(&line, 0);
    virtio_line_text(&line, " ");
    virtio_line_hex(&line, UINT64_C(0xfedcba9876543210));
    virtio_line_end(&line, VIRTIO_LOG_WARNING);
    assert_string_equal(bench->host.last_log, "a 0 4294967295 0x0 0xfedcba9876543210");
    virtio_line_text(&line, "next");
    virtio_line_end(&line, VIRTIO_LOG_INFO);
    assert_string_equal(bench->host.last_log, "next");
    virtio_line_end(&line, VIRTIO_LOG_INFO);
    assert_string_equal(bench->host.last_log, "");
}

static void test_line_that_is_too_long_is_cut(struct bench *bench)
{
    struct virtio_line line;

    virtio_line_begin(&line, &bench->host.host);
    for (unsigned i = 0; i < 100; i++) {
        virtio_line_text(&line, "0123456789");
        virtio_line_hex(&line, UINT64_MAX);
    }
    virtio_line_end(&line, VIRTIO_LOG_ERROR);
    assert_int_equal(strlen(bench->host.last_log), sizeof(line.text) - 1);
}

static void test_without_a_log_hook_nothing_happens(struct bench *bench)
{
    bench->host.host.log = NULL;
    bench_start(bench, 8);
    virtio_dump(&bench->device);
    fake_queue_push_used(&bench->fake.queues[0], 0, 0);
    assert_result(virtio_reap(&bench->queues[0], &(struct virtio_done){NULL, 0}), VIRTIO_E_BROKEN);
    assert_int_equal(bench->host.counts[FAKE_LOG], 0);
    bench_stop(bench);
}

/* The dump --------------------------------------------------------------------------------------- */

static void assert_says(struct bench *bench, const char *text)
{
    if (!bench->host.transcript || !strstr(bench->host.transcript, text))
        fail_msg("\"%s\" is not in the log:\n%s", text,
                 bench->host.transcript ? bench->host.transcript : "");
}

static void test_dump_explains_a_hang(struct bench *bench)
{
    char number[32];

    bench_start(bench, 8);
    for (uintptr_t i = 0; i < 3; i++)
        bench_request(bench, 4, 4, bench_cookie(i));
    assert_ok(bench_submit(bench, 4, 0, bench_cookie(3)));
    fake_queue_take_all(&bench->fake.queues[0]);
    fake_chain_complete(bench->fake.queues[0].chains, 0);
    virtio_dump(&bench->device);
    assert_says(bench, bench->device.ops->name);
    assert_says(bench, " ACKNOWLEDGE DRIVER");
    assert_says(bench, " DRIVER_OK");
    assert_says(bench, "features offered 0x");
    assert_says(bench, "queue 0: size 8, split");
    snprintf(number, sizeof(number), "descriptors 0x%llx",
             (unsigned long long)bench->fake.queues[0].address[FAKE_DESCRIPTORS]);
    assert_says(bench, number);
    assert_says(bench, "available index 4, shown to the device 3, used index 1, taken 0");
    assert_says(bench, "free descriptors 1");
    assert_says(bench, "notifications 3");
    bench_stop(bench);
}

static void test_dump_changes_nothing(struct bench *bench)
{
    uint64_t writes;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    bench_request(bench, 4, 4, bench_cookie(1));
    writes = bench->host.counts[FAKE_REGISTER_WRITE];
    virtio_dump(&bench->device);
    assert_int_equal(bench->host.counts[FAKE_REGISTER_WRITE], writes);
    bench_reap(bench, 1);
    bench_stop(bench);
}

static void test_dump_of_what_is_not_there(struct bench *bench)
{
    struct virtio_device nothing = {0};

    virtio_dump(&nothing);
    assert_int_equal(bench->host.counts[FAKE_LOG], 0);
    bench_attach(bench);
    virtio_dump(&bench->device);
    assert_says(bench, "not opened");
    bench_start(bench, 8);
    bench_unplug(bench, true);
    virtio_dump(&bench->device);
    assert_says(bench, "unplugged");
    bench_unplug(bench, false);
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    virtio_dump(&bench->device);
    assert_says(bench, "DEVICE_NEEDS_RESET");
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_every_error_has_its_name, BENCH_ONE),
    TEST(test_names_of_devices, BENCH_ONE),
    TEST(test_names_of_features, BENCH_ONE),
    TEST(test_names_agree_with_masks, BENCH_ONE),
    TEST(test_lines_of_log, BENCH_ONE),
    TEST(test_line_that_is_too_long_is_cut, BENCH_ONE),
    TEST(test_without_a_log_hook_nothing_happens, BENCH_ONE),
    TEST(test_dump_explains_a_hang, BENCH_ALL),
    TEST(test_dump_changes_nothing, BENCH_ALL & ~BENCH_WINDOW),
    TEST(test_dump_of_what_is_not_there, BENCH_ALL),
};

BENCH_MAIN(tests)
