/* SPDX-License-Identifier: MIT */
/*
 * Assertions of the host unit tests.
 */
#include "test.h"

#include <virtio/error.h>

void test_assert_result(int actual, int expected, const char *what, const char *file, int line)
{
    if (actual == expected)
        return;
    print_error("%s returned %d (%s), expected %d (%s)\n", what, actual, virtio_strerror(actual),
                expected, virtio_strerror(expected));
    _fail(file, line);
}
