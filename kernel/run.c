/* SPDX-License-Identifier: MIT */
/*
 * From the options to a plan, from the machine to an environment. Nothing here knows whether it is in a
 * kernel.
 */
#include "run.h"

#include "hotplug.h"
#include "suites.h"

#include <stdio.h>

struct test_result run_suites(const struct virtio_host *host, const struct options *options,
                              const struct discovery *discovery,
                              const struct virtio_device *console)
{
    const struct test_environment environment = {
        .host = host,
        .devices = discovery->devices,
        .device_count = discovery->count,
        .disk_read_only = options->disk_read_only,
        .host_helps = options->host_helps,
        .hotplug = hotplug_find(),
        .kernel_console = console,
        .timeout_seconds = options->timeout_seconds,
    };
    const struct test_plan plan = {
        .suites = kernel_suites,
        .selected = options->suites,
        .expected = options->expect,
        .problems = options->problems,
        .problem_count = options->problem_count,
    };

    self_test_begin();
    return test_run(&environment, &plan);
}

void run_print_time(const struct virtio_host *host)
{
    uint64_t time = host->now_us(host->ctx);

    printf("time: %lu.%03lu s\n", (unsigned long)(time / 1000000),
           (unsigned long)(time / 1000 % 1000));
}
