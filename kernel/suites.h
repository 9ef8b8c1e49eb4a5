/* SPDX-License-Identifier: MIT */
/*
 * The test suites that this kernel runs, in order.
 */
#ifndef KERNEL_SUITES_H
#define KERNEL_SUITES_H

#include "tests/guest/suite.h"

/* Ends with NULL. */
extern const struct test_suite *const kernel_suites[];

/* Of the kernel itself (self_test.c). */
extern const struct test_suite suite_kernel;
extern const struct test_suite suite_leaks;

/* Remembers how much memory is in use, for suite_leaks. To be called before the suites run. */
void self_test_begin(void);

#endif
