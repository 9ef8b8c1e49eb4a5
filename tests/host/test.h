/* SPDX-License-Identifier: MIT */
/*
 * What every host unit test includes: cmocka, and assertions that print error codes by name.
 */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/** Assert that a call of the library returned a certain error code or count. */
#define assert_result(actual, expected)                                                            \
    test_assert_result((actual), (expected), #actual, __FILE__, __LINE__)

#define assert_ok(actual) assert_result((actual), 0)

/* cmocka compares byte by byte, which takes long under the sanitizers: only to show what differs. */
#undef assert_memory_equal
#define assert_memory_equal(one, other, size)                                                      \
    (memcmp(one, other, size) == 0 ? (void)0                                                       \
                                   : _assert_memory_equal(one, other, size, __FILE__, __LINE__))

void test_assert_result(int actual, int expected, const char *what, const char *file, int line);

#endif
