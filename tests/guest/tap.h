/* SPDX-License-Identifier: MIT */
/*
 * The Test Anything Protocol, version 13: the plan first, then a line a test. Counts as it prints.
 */
#ifndef TESTS_GUEST_TAP_H
#define TESTS_GUEST_TAP_H

#include "suite.h"

struct tap {
    unsigned number; /* of the test printed last */
    struct test_result result;
};

void tap_begin(struct tap *tap, size_t count);
void tap_passed(struct tap *tap, const char *suite, const char *description);
void tap_failed(struct tap *tap, const char *suite, const char *description);
void tap_skipped(struct tap *tap, const char *suite, const char *description, const char *reason);
void tap_end(const struct tap *tap);

#endif
