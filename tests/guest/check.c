/* SPDX-License-Identifier: MIT */
/*
 * What a test may call: checks, skips, memory, time. A failed check is printed at once and counted; only
 * so many a test are printed, so that a broken loop does not bury the rest.
 */
#include "suite.h"

#include "watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <virtio/error.h>

enum {
    FAILURES_PRINTED_MAX = 10,
    ALLOCATION_ALIGNMENT = 4096,
};

static void print_diagnostic(const char *format, va_list arguments)
{
    printf("# ");
    vprintf(format, arguments);
    printf("\n");
}

void test_diagnostic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_diagnostic(format, arguments);
    va_end(arguments);
}

bool test_ask_host(struct test *test, const char *format, ...)
{
    va_list arguments;

    if (!test->environment->host_helps) {
        test_skip(test, "nobody at the host reads along (host=yes)");
        return false;
    }
    printf("# host: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    return true;
}

/* Counts a failure and says what it was. */
static void fail(struct test *test, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void fail(struct test *test, const char *file, int line, const char *format, ...)
{
    va_list arguments;

    test->failures++;
    if (test->failures > FAILURES_PRINTED_MAX) {
        return;
    }
    printf("# %s:%d: ", file, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    if (test->failures == 1) {
        watch_dump();
    }
    if (test->failures == FAILURES_PRINTED_MAX) {
        test_diagnostic("further failures of this test are not shown");
    }
}

bool test_check(struct test *test, bool passed, const char *text, const char *file, int line)
{
    if (!passed) {
        fail(test, file, line, "not true: %s", text);
    }
    return passed;
}

bool test_check_equal(struct test *test, uint64_t actual, uint64_t expected,
                      const char *actual_text, const char *expected_text, const char *file,
                      int line)
{
    if (actual != expected) {
        fail(test, file, line, "%s is %lld (0x%llx), not %s, %lld (0x%llx)", actual_text,
             (long long)actual, (unsigned long long)actual, expected_text, (long long)expected,
             (unsigned long long)expected);
    }
    return actual == expected;
}

bool test_check_result(struct test *test, int actual, int expected, const char *text,
                       const char *file, int line)
{
    if (actual != expected) {
        fail(test, file, line, "%s gave %d (%s), not %d (%s)", text, actual,
             virtio_strerror(actual), expected, virtio_strerror(expected));
    }
    return actual == expected;
}

bool test_check_bytes(struct test *test, const void *actual, const void *expected, size_t length,
                      const char *text, const char *file, int line)
{
    const unsigned char *a = actual;
    const unsigned char *e = expected;

    for (size_t i = 0; i < length; i++) {
        if (a[i] != e[i]) {
            fail(test, file, line, "%s: byte %zu of %zu is 0x%02x, not 0x%02x", text, i, length,
                 a[i], e[i]);
            return false;
        }
    }
    return true;
}

void test_skip(struct test *test, const char *reason)
{
    test->skip_reason = reason;
}

const struct virtio_device *test_find_device(const struct test *test, uint32_t type, size_t index)
{
    const struct test_environment *environment = test->environment;

    for (size_t i = 0; i < environment->device_count; i++) {
        const struct virtio_device *device = &environment->devices[i];

        if (device->type == type && device != environment->kernel_console && index-- == 0) {
            return &environment->devices[i];
        }
    }
    return NULL;
}

bool test_allocate(struct test *test, size_t size, struct test_memory *memory)
{
    const struct virtio_host *host = test->environment->host;

    memory->size = size;
    memory->bytes = host->dma_allocate(host->ctx, size, ALLOCATION_ALIGNMENT, UINT64_MAX, 0,
                                       &memory->device_address);
    if (memory->bytes == NULL) {
        fail(test, __FILE__, __LINE__, "there are no %zu bytes of memory left", size);
    }
    return memory->bytes != NULL;
}

void test_free(const struct test *test, struct test_memory *memory)
{
    const struct virtio_host *host = test->environment->host;

    if (memory->bytes != NULL) {
        host->dma_free(host->ctx, memory->bytes, memory->size, memory->device_address);
        memory->bytes = NULL;
    }
}

uint64_t test_now_us(const struct test *test)
{
    const struct virtio_host *host = test->environment->host;

    return host->now_us(host->ctx);
}
