/* SPDX-License-Identifier: MIT */
/*
 * What the library has of the host (kernel/host.h) now: for the check that all came back.
 */
#ifndef TESTS_QTEST_HOST_H
#define TESTS_QTEST_HOST_H

#include <stddef.h>

struct host_use {
    size_t allocations; /* of private memory */
    size_t mappings;
};

struct host_use host_get_use(void);

#endif
