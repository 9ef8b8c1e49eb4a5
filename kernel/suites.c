/* SPDX-License-Identifier: MIT */
/*
 * The list of suites. The harness's own come first, because the others stand on it, and the leak check
 * last, because it is about all of them.
 */
#include "suites.h"

#include "tests/guest/suites.h"

/* One a line, so that suites can be added side by side. */
/* clang-format off */
const struct test_suite *const kernel_suites[] = {
    &suite_kernel,
    &suite_rng,
    &suite_net,
    &suite_console,
    &suite_input,
    &suite_gpu,
    &suite_balloon,
    &suite_9p,
    &suite_blk,
    &suite_queue_reset,
    &suite_recovery,
    &suite_scsi,
    &suite_unplug,
    &suite_leaks,
    NULL,
};
/* clang-format on */
