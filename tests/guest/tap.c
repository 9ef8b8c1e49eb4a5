/* SPDX-License-Identifier: MIT */
/*
 * TAP's lines. The one place that knows their form.
 */
#include "tap.h"

#include <stdio.h>

void tap_begin(struct tap *tap, size_t count)
{
    *tap = (struct tap){0};
    printf("TAP version 13\n1..%zu\n", count);
}

void tap_passed(struct tap *tap, const char *suite, const char *description)
{
    tap->result.passed++;
    printf("ok %u - %s: %s\n", ++tap->number, suite, description);
}

void tap_failed(struct tap *tap, const char *suite, const char *description)
{
    tap->result.failed++;
    printf("not ok %u - %s: %s\n", ++tap->number, suite, description);
}

void tap_skipped(struct tap *tap, const char *suite, const char *description, const char *reason)
{
    tap->result.skipped++;
    printf("ok %u - %s: %s # SKIP %s\n", ++tap->number, suite, description, reason);
}

void tap_end(const struct tap *tap)
{
    printf("%u passed, %u failed, %u skipped\n", tap->result.passed, tap->result.failed,
           tap->result.skipped);
}
