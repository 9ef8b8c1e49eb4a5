/* SPDX-License-Identifier: MIT */
/*
 * The suites that run against devices, wherever the tests are linked.
 */
#ifndef TESTS_GUEST_SUITES_H
#define TESTS_GUEST_SUITES_H

#include "suite.h"

extern const struct test_suite suite_9p;
extern const struct test_suite suite_balloon;
extern const struct test_suite suite_blk;
extern const struct test_suite suite_console;
extern const struct test_suite suite_gpu;
extern const struct test_suite suite_input;
extern const struct test_suite suite_net;
extern const struct test_suite suite_queue_reset;
extern const struct test_suite suite_recovery;
extern const struct test_suite suite_rng;
extern const struct test_suite suite_scsi;
extern const struct test_suite suite_unplug;

#endif
