/* SPDX-License-Identifier: MIT */
/*
 * The tests of tests/guest in a process on the build machine: the library's own sources under the sanitizers, driving
 * the devices of a real QEMU. Takes the qtest socket that QEMU listens on, the file that is the guest's memory, and
 * the words of the kernel's command line; says on its standard output what the kernel says on its serial port, and
 * ends with the status that QEMU would have.
 */
#include "host.h"
#include "machine.h"
#include "shared.h"
#include "socket.h"

#include "kernel/clock.h"
#include "kernel/crash.h"
#include "kernel/discovery.h"
#include "kernel/host.h"
#include "kernel/machine.h"
#include "kernel/options.h"
#include "kernel/report.h"
#include "kernel/run.h"

#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <string.h>
#include <virtio/version.h>

enum {
    LINE_MAX_BYTES = 2048,
};

#ifdef __x86_64__
#define ARCHITECTURE "x86_64"
#else
#define ARCHITECTURE "i386"
#endif

static struct options options;
static struct discovery discovery;

/* What a sanitizer reports is a crash, by its exit status too. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "exitcode=37:detect_stack_use_after_return=1:strict_string_checks=1";
}

const char *__ubsan_default_options(void)
{
    return "exitcode=37:print_stacktrace=1";
}

static void join_words(char *line, char **words)
{
    size_t length = 0;

    line[0] = '\0';
    for (; *words != NULL; words++) {
        int added = snprintf(line + length, LINE_MAX_BYTES - length, "%s%s", length == 0 ? "" : " ",
                             *words);

        length += (size_t)added;
        if (length >= LINE_MAX_BYTES) {
            crash("the command line is too long");
        }
    }
}

/* Whichever suites were chosen: what they took must have come back. */
static void always_look_for_leaks(void)
{
    static char suites[LINE_MAX_BYTES];

    if (options.suites != NULL && strstr(options.suites, "leaks") == NULL) {
        snprintf(suites, sizeof(suites), "%s,leaks", options.suites);
        options.suites = suites;
    }
}

static void refuse_what_a_process_cannot(void)
{
    if (options.console_virtio || options.echo) {
        options_add_problem(&options, "console=virtio: this program has its standard output");
    }
    if (options.memory_high) {
        options_add_problem(&options, "memory=high: there is none above 4 GiB");
    }
    if (options.crash != NULL) {
        options_add_problem(&options, "crash: a kernel crashes, this is none");
    }
}

int main(int count, char **words)
{
    static char line[LINE_MAX_BYTES];
    const struct virtio_host *host;
    struct test_result result;
    uint64_t rsdp;

    if (count < 3) {
        fprintf(stderr, "usage: %s SOCKET MEMORY [WORD...]\n", words[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* somebody reads along and answers */
    clock_init();
#if QTEST_SANITIZED
    __sanitizer_set_death_callback(machine_last_words);
#endif
    socket_open(words[1]);
    shared_open(words[2]);
    rsdp = shared_await_guest();
    join_words(line, words + 3);
    printf("libvirtio %s tests, %s, over qtest, %zu MiB of memory\n", LIBVIRTIO_VERSION_STRING,
           ARCHITECTURE, shared_size() >> 20);
    printf("command line: %s\n", line);
    options_parse(&options, line);
    always_look_for_leaks();
    refuse_what_a_process_cannot();
    host = host_init(false);
    discovery_run(&discovery, host, &options, rsdp);
    report_devices(discovery.devices, discovery.count);
    result = run_suites(host, &options, &discovery, NULL);
    run_print_time(host);
    machine_exit(result.failed == 0 ? MACHINE_PASSED : MACHINE_FAILED);
}
