/* SPDX-License-Identifier: MIT */
/*
 * The fake folder: each of its rules is broken by hand and must be found.
 */
#include "9p_bench.h"

#include <string.h>

static struct fake_9p server;
static uint8_t message[300];
static size_t length;

static void put(unsigned width, uint64_t value)
{
    for (; width != 0; width--, value >>= 8)
        message[length++] = (uint8_t)value;
}

static void put_name(const char *name)
{
    put(2, strlen(name));
    memcpy(message + length, name, strlen(name));
    length += strlen(name);
}

static void head(uint8_t type, uint16_t tag)
{
    length = 0;
    put(4, 0);
    put(1, type);
    put(2, tag);
}

/* Send the message with room for an answer, without waiting for one. */
static void post(struct bench *bench, uint32_t room)
{
    size_t size = length;

    length = 0;
    put(4, size);
    memcpy(bench->shared.memory, message, size);
    bench_request(bench, (uint32_t)size, room, NULL);
}

static void send(struct bench *bench, uint32_t room)
{
    post(bench, room);
    (void)bench_reap(bench, 0);
}

static void send_version(struct bench *bench, uint16_t tag)
{
    head(100, tag);
    put(4, 8192);
    put_name("9P2000.L");
    send(bench, 256);
}

static void send_attach(struct bench *bench, uint32_t fid)
{
    head(104, 1);
    put(4, fid);
    put(4, 0xffffffff);
    put_name("");
    put_name("");
    put(4, 0);
    send(bench, 256);
}

static void send_walk(struct bench *bench, uint32_t fid, uint32_t new_fid, unsigned count,
                      const char *name)
{
    head(110, 1);
    put(4, fid);
    put(4, new_fid);
    put(2, count);
    for (unsigned n = 0; n < count; n++)
        put_name(name);
    send(bench, 256);
}

static void send_open(struct bench *bench, uint32_t fid)
{
    head(12, 1);
    put(4, fid);
    put(4, 0);
    send(bench, 256);
}

static void send_data(struct bench *bench, uint8_t type, uint32_t fid, uint32_t count,
                      uint32_t room)
{
    head(type, 1);
    put(4, fid);
    put(8, 0);
    put(4, count);
    send(bench, room);
}

static void enter(struct bench *bench)
{
    fake_9p_begin(&server, &bench->fake, "tag");
    (void)fake_9p_add(&server, 0, "file", "contents", 8);
    bench->wanted.supported = VIRTIO_9P_MOUNT_TAG;
    bench_start(bench, 8);
    send_version(bench, 0xffff);
    send_attach(bench, 0);
    send_walk(bench, 0, 1, 1, "file"); /* as it should be */
}

static void leave(struct bench *bench)
{
    bench_stop(bench);
    fake_9p_end(&server);
}

static void test_rules_of_messages(struct bench *bench)
{
    fake_9p_begin(&server, &bench->fake, "tag");
    bench->wanted.supported = VIRTIO_9P_MOUNT_TAG;
    bench_start(bench, 8);
    send_attach(bench, 0);
    bench_expect_violation(bench, "9p-version-first");
    send_version(bench, 5);
    bench_expect_violation(bench, "9p-tag");
    head(120, 1);
    length = 5;
    send(bench, 256);
    bench_expect_violation(bench, "9p-frame");
    send_attach(bench, 3);
    head(120, 1);
    put(4, 3);
    memcpy(bench->shared.memory, message, length); /* whose size is 0 */
    bench_request(bench, (uint32_t)length, 256, NULL);
    (void)bench_reap(bench, 0);
    bench_expect_violation(bench, "9p-size");
    head(99, 1);
    send(bench, 256);
    bench_expect_violation(bench, "9p-type");
    send_attach(bench, 3);
    head(120, 1);
    put(4, 3);
    put(1, 0);
    send(bench, 256);
    bench_expect_violation(bench, "9p-message-length");
    send_attach(bench, 3);
    head(24, 1);
    put(4, 3);
    put(8, 0);
    send(bench, 100);
    bench_expect_violation(bench, "9p-reply-room");
    leave(bench);
}

static void test_rules_of_fids(struct bench *bench)
{
    enter(bench);
    send_walk(bench, 0, 1, 1, "file");
    bench_expect_violation(bench, "9p-fid-in-use");
    send_open(bench, 9);
    bench_expect_violation(bench, "9p-fid-unknown");
    send_walk(bench, 0, 2, 1, "fi/le");
    bench_expect_violation(bench, "9p-name");
    send_walk(bench, 0, 2, 17, "..");
    bench_expect_violation(bench, "9p-walk-count");
    send_data(bench, 116, 1, 8, 19);
    bench_expect_violation(bench, "9p-not-open");
    send_open(bench, 1);
    send_data(bench, 116, 1, 8, 19); /* as it should be */
    send_walk(bench, 1, 3, 0, "");
    bench_expect_violation(bench, "9p-walk-open");
    leave(bench);
}

static void test_rules_of_data(struct bench *bench)
{
    enter(bench);
    send_open(bench, 1);
    send_data(bench, 116, 1, 8, 20);
    bench_expect_violation(bench, "9p-data-room");
    send_data(bench, 118, 1, 8, 11);
    bench_expect_violation(bench, "9p-data-room");
    send_data(bench, 116, 1, 8192 - 23, 8192 - 12);
    bench_expect_violation(bench, "9p-count");
    leave(bench);
}

static void test_rules_of_tags(struct bench *bench)
{
    enter(bench);
    server.holds = true;
    for (unsigned n = 0; n < 2; n++) {
        head(120, 7);
        put(4, 1);
        post(bench, 256);
    }
    bench_expect_violation(bench, "9p-tag-in-use");
    leave(bench);
}

static const struct bench_test tests[] = {
    TEST(test_rules_of_messages, BENCH_ONE),
    TEST(test_rules_of_fids, BENCH_ONE),
    TEST(test_rules_of_data, BENCH_ONE),
    TEST(test_rules_of_tags, BENCH_ONE),
};

BENCH_MAIN(tests)
