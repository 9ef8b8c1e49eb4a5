/* SPDX-License-Identifier: MIT */
/*
 * Promises about the machine: `expect=blk:2,rng:1`. Each becomes a test that fails when a device that was
 * promised is not there.
 */
#ifndef TESTS_GUEST_EXPECT_H
#define TESTS_GUEST_EXPECT_H

#include "tap.h"

/* How many tests `expected` makes; 0 for NULL. */
size_t expect_count(const char *expected);

void expect_run(struct tap *tap, const struct test_environment *environment, const char *expected);

#endif
