/* SPDX-License-Identifier: MIT */
/*
 * The entropy driver against the machine's entropy devices. Randomness itself is not judged, only what a
 * broken driver would get wrong: bytes that were never written, or written twice, or beyond the end.
 */
#include "suites.h"

#include <string.h>
#include <virtio/rng.h>

enum {
    GUARD = 64,            /* bytes beyond a request that must stay as they are */
    LONGEST = 64 * 1024,   /* many answers of the device */
    POSITIONS = 64,        /* bytes of which each must be seen to change */
    DRAWS = 16,            /* a byte stays the same by chance once in 256^16 */
    IN_FLIGHT_BYTES = 256, /* of each of several requests at once */
};

static struct virtio_rng rng;
static struct test_memory buffer;

/* Runs a test's body with the first entropy device started and a buffer, and cleans up after it. */
static void with_rng(struct test *test, void (*body)(struct test *test, uint8_t *bytes))
{
    const struct virtio_device *found = test_find_device(test, VIRTIO_ID_ENTROPY, 0);

    if (found == NULL) {
        test_skip(test, "there is no entropy device");
        return;
    }
    if (!test_allocate(test, LONGEST + GUARD, &buffer)) {
        return;
    }
    test_watch(&rng.device);
    if (CHECK_RESULT(test, virtio_rng_start(&rng, found), VIRTIO_OK)) {
        body(test, buffer.bytes);
        CHECK_RESULT(test, virtio_rng_stop(&rng), VIRTIO_OK);
    }
    test_free(test, &buffer);
}

static bool all_are(const uint8_t *bytes, size_t count, uint8_t value)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

/* Longer draws are never all alike. */
static bool looks_random(const uint8_t *bytes, size_t count)
{
    return count < 16 || !all_are(bytes, count, bytes[0]);
}

static bool draw(struct test *test, uint8_t *bytes, size_t count)
{
    memset(bytes, 0, count);
    memset(bytes + count, 0xa5, GUARD);
    return CHECK_RESULT(test, virtio_rng_read(&rng, bytes, count), VIRTIO_OK) &&
           CHECK(test, looks_random(bytes, count)) &&
           CHECK(test, all_are(bytes + count, GUARD, 0xa5));
}

static void sizes_body(struct test *test, uint8_t *bytes)
{
    for (size_t count = 1; count <= 4096; count += count < 80 ? 1 : 251) {
        if (!draw(test, bytes, count)) {
            test_diagnostic("at %lu bytes", (unsigned long)count);
            return;
        }
    }
    draw(test, bytes, 4096);
}

static void draws_of_every_size(struct test *test)
{
    with_rng(test, sizes_body);
}

static void long_body(struct test *test, uint8_t *bytes)
{
    REQUIRE(test, draw(test, bytes, LONGEST));
    for (size_t at = 0; at < LONGEST; at += 1024) {
        REQUIRE(test, looks_random(bytes + at, 1024));
    }
    /* A driver that hands out one answer again and again repeats itself. */
    for (size_t at = 1024; at < LONGEST; at += 1024) {
        REQUIRE(test, memcmp(bytes, bytes + at, 1024) != 0);
    }
}

static void a_long_draw(struct test *test)
{
    with_rng(test, long_body);
}

static void differ_body(struct test *test, uint8_t *bytes)
{
    REQUIRE_RESULT(test, virtio_rng_read(&rng, bytes, 256), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_rng_read(&rng, bytes + 256, 256), VIRTIO_OK);
    CHECK(test, memcmp(bytes, bytes + 256, 256) != 0);
}

static void two_draws_differ(struct test *test)
{
    with_rng(test, differ_body);
}

static void every_byte_body(struct test *test, uint8_t *bytes)
{
    bool changed[POSITIONS] = {false};

    for (unsigned count = 0; count < DRAWS; count++) {
        memset(bytes, 0x5a, POSITIONS);
        REQUIRE_RESULT(test, virtio_rng_read(&rng, bytes, POSITIONS), VIRTIO_OK);
        for (unsigned at = 0; at < POSITIONS; at++) {
            changed[at] = changed[at] || bytes[at] != 0x5a;
        }
    }
    for (unsigned at = 0; at < POSITIONS; at++) {
        CHECK(test, changed[at]);
    }
}

static void every_byte_is_written(struct test *test)
{
    with_rng(test, every_byte_body);
}

static void refusals_body(struct test *test, uint8_t *bytes)
{
    struct virtio_rng_done done;

    CHECK_RESULT(test, virtio_rng_read(&rng, NULL, 1), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_rng_read(&rng, bytes, 0), VIRTIO_E_ZERO_LENGTH);
    CHECK_RESULT(test, virtio_rng_submit(&rng, NULL, 1, NULL), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_rng_submit(&rng, bytes, 0, NULL), VIRTIO_E_ZERO_LENGTH);
    CHECK_RESULT(test, virtio_rng_reap(&rng, &done), 0);
    CHECK_RESULT(test, virtio_rng_wait(&rng, &done, 1000), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_rng_drain(&rng, &done), VIRTIO_E_BUSY);
}

static void nonsense_is_refused(struct test *test)
{
    with_rng(test, refusals_body);
}

/* Submits until the driver says that it is full. */
static unsigned submit_all(struct test *test, uint8_t *bytes)
{
    unsigned count = 0;
    int error;

    memset(bytes, 0, LONGEST);
    do {
        uint8_t *own = bytes + count * IN_FLIGHT_BYTES;

        error = virtio_rng_submit(&rng, own, IN_FLIGHT_BYTES, own);
        count += error == VIRTIO_OK;
    } while (error == VIRTIO_OK && count < LONGEST / IN_FLIGHT_BYTES);
    CHECK_RESULT(test, error, VIRTIO_E_FULL);
    CHECK_EQUAL(test, count, rng.depth);
    CHECK_EQUAL(test, rng.in_flight, count);
    return count;
}

static void check_answer(struct test *test, const struct virtio_rng_done *done, uint8_t *seen,
                         const uint8_t *bytes)
{
    const uint8_t *own = done->cookie;

    REQUIRE_RESULT(test, done->error, VIRTIO_OK);
    REQUIRE(test, done->bytes >= 1 && done->bytes <= IN_FLIGHT_BYTES);
    CHECK(test, looks_random(own, done->bytes));
    seen[(size_t)(own - bytes) / IN_FLIGHT_BYTES]++;
}

static void in_flight_body(struct test *test, uint8_t *bytes)
{
    uint8_t seen[VIRTIO_RNG_QUEUE_SIZE] = {0};
    unsigned count = submit_all(test, bytes);
    struct virtio_rng_done done;

    REQUIRE_RESULT(test, virtio_rng_kick(&rng), VIRTIO_OK);
    for (unsigned i = 0; i < count; i++) {
        REQUIRE_EQUAL(test, virtio_rng_wait(&rng, &done, rng.device.timeout_us), 1);
        check_answer(test, &done, seen, bytes);
    }
    CHECK_RESULT(test, virtio_rng_reap(&rng, &done), 0);
    CHECK_EQUAL(test, rng.in_flight, 0);
    for (unsigned i = 0; i < count; i++) {
        CHECK_EQUAL(test, seen[i], 1);
    }
    CHECK(test, memcmp(bytes, bytes + IN_FLIGHT_BYTES, IN_FLIGHT_BYTES) != 0);
}

static void several_in_flight(struct test *test)
{
    with_rng(test, in_flight_body);
}

/* Requests that were shown to the device and are taken back: each cookie comes once. */
static void halt_body(struct test *test, uint8_t *bytes)
{
    uint8_t seen[VIRTIO_RNG_QUEUE_SIZE] = {0};
    unsigned count = submit_all(test, bytes);
    struct virtio_rng_done done;
    int result;

    REQUIRE_RESULT(test, virtio_rng_kick(&rng), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_rng_halt(&rng), VIRTIO_OK);
    while ((result = virtio_rng_drain(&rng, &done)) == 1) {
        CHECK(test, done.error == VIRTIO_OK || done.error == VIRTIO_E_RESET);
        seen[(size_t)((uint8_t *)done.cookie - bytes) / IN_FLIGHT_BYTES]++;
    }
    CHECK_RESULT(test, result, 0);
    for (unsigned i = 0; i < count; i++) {
        CHECK_EQUAL(test, seen[i], 1);
    }
    CHECK_EQUAL(test, rng.in_flight, 0);
    CHECK_RESULT(test, virtio_rng_read(&rng, bytes, 16), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_rng_submit(&rng, bytes, 16, NULL), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_rng_reap(&rng, &done), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_rng_stop(&rng), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_rng_start(&rng, &rng.device), VIRTIO_OK);
    draw(test, bytes, 512);
}

static void halted_in_flight_and_restarted(struct test *test)
{
    with_rng(test, halt_body);
}

static void stop_body(struct test *test, uint8_t *bytes)
{
    for (unsigned count = 0; count < 8; count++) {
        REQUIRE_RESULT(test, virtio_rng_submit(&rng, bytes, 64, NULL), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_rng_kick(&rng), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_rng_stop(&rng), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_rng_stop(&rng), VIRTIO_OK);
        CHECK_RESULT(test, virtio_rng_read(&rng, bytes, 1), VIRTIO_E_STATE);
        REQUIRE_RESULT(test, virtio_rng_start(&rng, &rng.device), VIRTIO_OK);
    }
    draw(test, bytes, 64);
}

static void stopped_and_started_again(struct test *test)
{
    with_rng(test, stop_body);
}

/* Every entropy device of the machine, all at once. */
static void every_device_answers(struct test *test)
{
    const struct virtio_device *found = test_find_device(test, VIRTIO_ID_ENTROPY, 0);
    static struct virtio_rng other;
    uint8_t bytes[2][32] = {{0}};

    if (found == NULL || test_find_device(test, VIRTIO_ID_ENTROPY, 1) == NULL) {
        test_skip(test, "there are not two entropy devices");
        return;
    }
    REQUIRE_RESULT(test, virtio_rng_start(&rng, found), VIRTIO_OK);
    for (size_t i = 1; (found = test_find_device(test, VIRTIO_ID_ENTROPY, i)) != NULL; i++) {
        if (!CHECK_RESULT(test, virtio_rng_start(&other, found), VIRTIO_OK)) {
            break;
        }
        CHECK_RESULT(test, virtio_rng_read(&other, bytes[0], sizeof(bytes[0])), VIRTIO_OK);
        CHECK_RESULT(test, virtio_rng_read(&rng, bytes[1], sizeof(bytes[1])), VIRTIO_OK);
        CHECK(test, memcmp(bytes[0], bytes[1], sizeof(bytes[0])) != 0);
        CHECK_RESULT(test, virtio_rng_stop(&other), VIRTIO_OK);
    }
    CHECK_RESULT(test, virtio_rng_stop(&rng), VIRTIO_OK);
}

static const struct test_case cases[] = {
    {"draws of 1 to 4096 bytes", draws_of_every_size},
    {"a draw of 64 KiB", a_long_draw},
    {"two draws differ", two_draws_differ},
    {"every byte is written", every_byte_is_written},
    {"nonsense is refused", nonsense_is_refused},
    {"as many requests in flight as fit, each answered once", several_in_flight},
    {"halted with requests in flight: every cookie back once, then restarted",
     halted_in_flight_and_restarted},
    {"stopped in the middle and started again, eight times", stopped_and_started_again},
    {"two devices side by side", every_device_answers},
};

const struct test_suite suite_rng = DEVICE_SUITE("rng", VIRTIO_ID_ENTROPY, cases);
