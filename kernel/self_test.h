/* SPDX-License-Identifier: MIT */
/*
 * Tests of the harness that are the same in a kernel and in a process; the suite called kernel has them and those
 * of the place where it runs.
 */
#ifndef KERNEL_SELF_TEST_H
#define KERNEL_SELF_TEST_H

#include "tests/guest/suite.h"

void self_test_clock(struct test *test);
void self_test_command_line(struct test *test);
void self_test_wrong_words(struct test *test);

#endif
