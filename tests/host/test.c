/* SPDX-License-Identifier: MIT */
/*
 * Assertions of the host unit tests.
 */
#include "test.h"

#include <virtio/error.h>

/* Of an allocation that is misused one frame is shown, and freed memory is kept for a while only: with the
 * defaults the tests spend a third of their time on that. ASAN_OPTIONS overrules it. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "malloc_context_size=1:quarantine_size_mb=16";
}

void test_assert_result(int actual, int expected, const char *what, const char *file, int line)
{
    if (actual == expected)
        return;
    print_error("%s returned %d (%s), expected %d (%s)\n", what, actual, virtio_strerror(actual),
                expected, virtio_strerror(expected));
    _fail(file, line);
}
