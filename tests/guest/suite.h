/* SPDX-License-Identifier: MIT */
/*
 * The test harness: what a test may use, how it reports, how suites are put together.
 *
 * A suite is a table of tests in a file of its own; a test is a function that takes a struct test, makes
 * checks, and returns. It uses the library, the C library's string functions and what is declared here,
 * and nothing of the kernel: the same tests also run in a process on the build machine.
 *
 *     static void reads_the_first_sector(struct test *test)
 *     {
 *         const struct virtio_device *found = test_find_device(test, VIRTIO_ID_BLOCK, 0);
 *
 *         REQUIRE_RESULT(test, virtio_blk_start(&disk, found), VIRTIO_OK);
 *         CHECK_EQUAL(test, disk.capacity, 32768);
 *         ...
 *     }
 *
 *     static const struct test_case cases[] = {
 *         {"reads the first sector", reads_the_first_sector},
 *     };
 *     const struct test_suite suite_blk = DEVICE_SUITE("blk", VIRTIO_ID_BLOCK, cases);
 *
 * A failed check is written down with its place and values and fails the test; a failed REQUIRE also
 * leaves the function. Nothing stops the run but a crash.
 */
#ifndef TESTS_GUEST_SUITE_H
#define TESTS_GUEST_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/device.h>
#include <virtio/host.h>

/* How a machine lets go of a PCI device that the host wants back. */
struct test_hotplug {
    bool (*requested)(const struct virtio_pci_address *address); /* has the host asked for it? */
    void (*eject)(const struct virtio_pci_address *address);     /* it is gone when this returns */
};

/* What a test finds around itself. The same for all tests of a run; none may change it. */
struct test_environment {
    const struct virtio_host *host;
    const struct virtio_device *devices; /* as discovery found them; drivers take copies */
    size_t device_count;
    bool disk_read_only;                        /* disk=ro: no test may write to any disk */
    const struct virtio_device *kernel_console; /* of `devices`: in use by the kernel; NULL: none */
    const struct test_hotplug *hotplug;         /* NULL: devices stay where they are */
    bool host_helps;                            /* host=yes: `# host:` lines are answered */
    uint32_t timeout_seconds;                   /* bound of the whole run */
};

struct test_suite;

/* One test while it runs. */
struct test {
    const struct test_environment *environment;
    const struct test_suite *suite;
    const char *description;
    unsigned failures;
    const char *skip_reason; /* NULL: not skipped */
};

struct test_case {
    const char *description;
    void (*run)(struct test *test);
};

struct test_suite {
    const char *name;
    uint32_t device_type; /* without a device of this type the suite is one skip; 0: needs none */
    bool on_request;      /* it is run only when it is named */
    const struct test_case *cases;
    size_t count;
};

#define TEST_SUITE(suite_name, suite_cases) DEVICE_SUITE(suite_name, 0, suite_cases)

#define DEVICE_SUITE(suite_name, type, suite_cases)                                                \
    {                                                                                              \
        .name = (suite_name), .device_type = (type), .cases = (suite_cases),                       \
        .count = sizeof(suite_cases) / sizeof((suite_cases)[0])                                    \
    }

/* --- For tests ---------------------------------------------------------------------------------- */

/* The number `index` (from 0) of the devices of this type, or NULL. */
const struct virtio_device *test_find_device(const struct test *test, uint32_t type, size_t index);

/* Memory that a device may be given. */
struct test_memory {
    void *bytes; /* NULL: none */
    size_t size;
    uint64_t device_address;
};

/* Allocates it, aligned to 4096 bytes, with no particular content; fails the test and returns false when
 * there is none. */
bool test_allocate(struct test *test, size_t size, struct test_memory *memory);

/* Gives it back; a device that still knows it must have been stopped. */
void test_free(const struct test *test, struct test_memory *memory);

/* Microseconds since some fixed point. */
uint64_t test_now_us(const struct test *test);

/* Says that this test cannot be run here, and why. Return from the test after it. */
void test_skip(struct test *test, const char *reason);

/* Asks for the library's dump of this device when a check of this test fails, or the run crashes or hangs.
 * The device must stay at its place until the test has ended. */
void test_watch(const struct virtio_device *device);

/* Asks the host for something: the line `# host: ` and the text (scripts/runner/peers.py). False, and the
 * test is skipped, when nobody reads such lines. */
bool test_ask_host(struct test *test, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A line for people and for the host: `# ` and the text. */
void test_diagnostic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(test, condition) test_check((test), (condition), #condition, __FILE__, __LINE__)

/* What should not have been reached; `text` says what would have been true instead. */
#define FAIL(test, text) test_check((test), false, (text), __FILE__, __LINE__)

/* Of any integer types; compared as 64-bit numbers. */
#define CHECK_EQUAL(test, actual, expected)                                                        \
    test_check_equal((test), (uint64_t)(actual), (uint64_t)(expected), #actual, #expected,         \
                     __FILE__, __LINE__)

/* Of values of enum virtio_error: a failure names both. */
#define CHECK_RESULT(test, actual, expected)                                                       \
    test_check_result((test), (actual), (expected), #actual, __FILE__, __LINE__)

/* Of memory: a failure shows the first byte that differs. */
#define CHECK_BYTES(test, actual, expected, length)                                                \
    test_check_bytes((test), (actual), (expected), (length), #actual, __FILE__, __LINE__)

#define TEST_OR_RETURN(check)                                                                      \
    do {                                                                                           \
        if (!(check)) {                                                                            \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define REQUIRE(test, condition)               TEST_OR_RETURN(CHECK(test, condition))
#define REQUIRE_EQUAL(test, actual, expected)  TEST_OR_RETURN(CHECK_EQUAL(test, actual, expected))
#define REQUIRE_RESULT(test, actual, expected) TEST_OR_RETURN(CHECK_RESULT(test, actual, expected))

bool test_check(struct test *test, bool passed, const char *text, const char *file, int line);
bool test_check_equal(struct test *test, uint64_t actual, uint64_t expected,
                      const char *actual_text, const char *expected_text, const char *file,
                      int line);
bool test_check_result(struct test *test, int actual, int expected, const char *text,
                       const char *file, int line);
bool test_check_bytes(struct test *test, const void *actual, const void *expected, size_t length,
                      const char *text, const char *file, int line);

/* --- For who runs them -------------------------------------------------------------------------- */

/* What to run. */
struct test_plan {
    const struct test_suite *const *suites; /* ends with NULL */
    const char *selected;                   /* `blk,rng`; NULL: all */
    const char *expected;                   /* `blk:2,rng:1`; NULL: nothing was promised */
    const char *const *problems;            /* each becomes a failed test of this text */
    size_t problem_count;
};

struct test_result {
    unsigned passed;
    unsigned failed;
    unsigned skipped;
};

/* Prints the plan, runs it, prints a line a test and the summary. Output goes to stdout. */
struct test_result test_run(const struct test_environment *environment,
                            const struct test_plan *plan);

#endif
