/* SPDX-License-Identifier: MIT */
/*
 * What is the same wherever the tests are linked, once there is a host and the devices were found: the
 * suites, as the command line asks for them, and the time it took.
 */
#ifndef KERNEL_RUN_H
#define KERNEL_RUN_H

#include "discovery.h"
#include "options.h"

#include "tests/guest/suite.h"

/* Runs the suites. `console` is the one of the devices that the kernel itself uses, or NULL. */
struct test_result run_suites(const struct virtio_host *host, const struct options *options,
                              const struct discovery *discovery,
                              const struct virtio_device *console);

/* Prints how long it took since the host's clock was zero: the last line of a run. */
void run_print_time(const struct virtio_host *host);

#endif
