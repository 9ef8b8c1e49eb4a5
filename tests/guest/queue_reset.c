/* SPDX-License-Identifier: MIT */
/*
 * Recovery of one queue (VIRTIO_F_RING_RESET): a real device's queue is reset with buffers in flight, handed
 * back and enabled again, while its other queue and the device go on. No driver stands between: the tests
 * have the device to themselves.
 */
#include "suites.h"

#include <string.h>
#include <virtio/queue.h>

enum {
    BUFFERS = 8,
    BUFFER_BYTES = 64,
    ROUNDS = 5,
};

static struct virtio_device device;
static struct virtio_queue queues[2];
static struct test_memory memory;

/* Starts a device of this type with some of its queues; skips when there is none that can do it. */
static bool start(struct test *test, uint32_t type, unsigned queue_count)
{
    static const struct virtio_features nothing = {.supported = 0};
    const struct virtio_device *found = test_find_device(test, type, 0);

    if (found == NULL) {
        test_skip(test, "there is no such device");
        return false;
    }
    device = *found;
    memset(queues, 0, sizeof(queues));
    test_watch(&device);
    if (!test_allocate(test, 2 * BUFFERS * BUFFER_BYTES, &memory) ||
        !CHECK_RESULT(test, virtio_device_begin(&device, &nothing), VIRTIO_OK)) {
        return false;
    }
    for (uint16_t index = 0; index < queue_count; index++) {
        if (!CHECK_RESULT(test, virtio_queue_start(&queues[index], &device, index, 64),
                          VIRTIO_OK)) {
            return false;
        }
    }
    return CHECK_RESULT(test, virtio_device_ready(&device), VIRTIO_OK);
}

static void stop(struct test *test)
{
    if (device.host == NULL) {
        return;
    }
    CHECK_RESULT(test, virtio_device_stop(&device), VIRTIO_OK);
    for (unsigned index = 0; index < 2; index++) {
        CHECK_RESULT(test, virtio_ring_uninit(&queues[index]), VIRTIO_OK);
    }
    CHECK_RESULT(test, virtio_device_end(&device), VIRTIO_OK);
    test_free(test, &memory);
    device.host = NULL;
}

static uint8_t *bytes_of(unsigned number)
{
    return (uint8_t *)memory.bytes + (size_t)number * BUFFER_BYTES;
}

/* Buffers for the device to write, with their memory for a cookie. */
static bool submit(struct test *test, struct virtio_queue *queue)
{
    for (unsigned number = 0; number < BUFFERS; number++) {
        struct virtio_buffer buffer = {memory.device_address + number * BUFFER_BYTES, BUFFER_BYTES};

        if (!CHECK_RESULT(test, virtio_submit_buffers(queue, &buffer, 0, 1, bytes_of(number)),
                          VIRTIO_OK)) {
            return false;
        }
    }
    return CHECK_RESULT(test, virtio_kick(queue), VIRTIO_OK);
}

/* Every buffer comes back once. @return how many had been written to. */
static unsigned take_back(struct test *test, struct virtio_queue *queue)
{
    struct virtio_done done;
    unsigned seen = 0;
    unsigned written = 0;
    int result;

    CHECK_RESULT(test, virtio_kick(queue), VIRTIO_E_RESET);
    while ((result = virtio_drain(queue, &done)) == 1) {
        unsigned number = (unsigned)((uint8_t *)done.cookie - bytes_of(0)) / BUFFER_BYTES;

        CHECK(test, number < BUFFERS && (seen & 1u << number) == 0);
        seen |= 1u << (number & 31);
        written += done.written != 0;
    }
    CHECK_RESULT(test, result, 0);
    CHECK_EQUAL(test, seen, (1u << BUFFERS) - 1);
    CHECK_EQUAL(test, virtio_queue_free(queue), queue->size);
    return written;
}

/* Resets queue 0, or says that it can't. QEMU 7.2 offers the reset of a queue over virtio-mmio, too, but has no
 * register for it: that must be noticed, nothing taken back, and the whole device be recovered then. */
static bool reset_queue(struct test *test)
{
    struct virtio_done done;
    int error;

    if (!virtio_has_feature(&device, VIRTIO_F_RING_RESET)) {
        CHECK_RESULT(test, virtio_queue_reset(&queues[0]), VIRTIO_E_NOT_SUPPORTED);
        test_skip(test, "VIRTIO_F_RING_RESET is not offered");
        return false;
    }
    error = virtio_queue_reset(&queues[0]);
    if (error == VIRTIO_E_BUSY && device.mmio.address != 0) {
        return CHECK_RESULT(test, virtio_drain(&queues[0], &done), VIRTIO_E_BUSY) &&
               CHECK_RESULT(test, virtio_device_recover(&device), VIRTIO_OK);
    }
    return CHECK_RESULT(test, error, VIRTIO_OK) &&
           CHECK_RESULT(test, virtio_device_check(&device), VIRTIO_OK) &&
           CHECK_EQUAL(test, device.state, VIRTIO_DEVICE_READY);
}

/* An entropy source: what it had not answered comes back, and it answers what comes after. */
static void entropy_body(struct test *test)
{
    struct virtio_done done;

    for (unsigned round = 0; round < ROUNDS; round++) {
        REQUIRE(test, submit(test, &queues[0]));
        TEST_OR_RETURN(reset_queue(test));
        (void)take_back(test, &queues[0]);
        memset(memory.bytes, 0, BUFFERS * BUFFER_BYTES);
        REQUIRE(test, submit(test, &queues[0]));
        for (unsigned i = 0; i < BUFFERS; i++) {
            REQUIRE_EQUAL(test, virtio_wait(&queues[0], &done, device.timeout_us), 1);
            CHECK(test, done.written >= 1 && done.written <= BUFFER_BYTES);
        }
        CHECK_RESULT(test, virtio_reap(&queues[0], &done), 0);
    }
}

static void entropy_queue(struct test *test)
{
    if (start(test, VIRTIO_ID_ENTROPY, 1)) {
        entropy_body(test);
    }
    stop(test);
}

/* An input device whose buffers for events nobody fills: all come back as they were. The other queue, for LEDs,
 * does not notice. */
static void input_body(struct test *test)
{
    static const uint8_t led[8] = {0x11, 0, 0, 0, 1, 0, 0, 0};
    struct virtio_buffer message = {memory.device_address + BUFFERS * BUFFER_BYTES, sizeof(led)};
    struct virtio_done done;

    memcpy(bytes_of(BUFFERS), led, sizeof(led));
    virtio_queue_ignore_length(&queues[1]); /* QEMU says that it wrote what it has read */
    for (unsigned round = 0; round < ROUNDS; round++) {
        REQUIRE(test, submit(test, &queues[0]));
        REQUIRE_RESULT(test, virtio_submit_buffers(&queues[1], &message, 1, 0, &queues), VIRTIO_OK);
        TEST_OR_RETURN(reset_queue(test));
        CHECK_EQUAL(test, take_back(test, &queues[0]), 0);
        if (virtio_queue_free(&queues[1]) == 0) { /* the device was recovered, with both queues */
            REQUIRE_EQUAL(test, virtio_drain(&queues[1], &done), 1);
            REQUIRE_EQUAL(test, virtio_drain(&queues[1], &done), 0);
            continue;
        }
        REQUIRE_RESULT(test, virtio_kick(&queues[1]), VIRTIO_OK);
        REQUIRE_EQUAL(test, virtio_wait(&queues[1], &done, device.timeout_us), 1);
        CHECK(test, done.cookie == &queues);
    }
    REQUIRE(test, submit(test, &queues[0]));
    CHECK_RESULT(test, virtio_reap(&queues[0], &done), 0);
    CHECK_EQUAL(test, virtio_queue_free(&queues[0]), queues[0].size - BUFFERS);
}

static void input_queue(struct test *test)
{
    if (start(test, VIRTIO_ID_INPUT, 2)) {
        input_body(test);
    }
    stop(test);
}

static const struct test_case cases[] = {
    {"an entropy source's queue is reset in the middle of work, five times", entropy_queue},
    {"one queue of an input device is reset, the other one works on", input_queue},
};

const struct test_suite suite_queue_reset = {
    .name = "queue-reset",
    .on_request = true,
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
