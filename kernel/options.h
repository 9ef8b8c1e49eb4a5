/* SPDX-License-Identifier: MIT */
/*
 * The kernel's command line: words with spaces between them, most of the form name=value.
 *
 *   suites=blk,rng        run these test suites only
 *   expect=blk:2,rng:1    fail when fewer devices than that are found
 *   force=legacy|modern   drive transitional PCI devices this way, or not at all
 *   disk=ro               no test writes to a disk
 *   config=io|ecam        how PCI configuration space is reached (default: io where there is one)
 *   timeout=SECONDS       bound of the whole test run (default 60)
 *   host=yes              somebody reads the `# host:` lines and does what they ask for
 *   console=virtio        the kernel's output goes to the first virtio console, what was printed before, too
 *   echo=yes              with console=virtio: after the tests sends back what is typed, until Ctrl-D
 *   memory=high           devices are given memory above 4 GiB where there is some
 *   virtio_mmio.device=SIZE@ADDRESS:IRQ    where a virtio-mmio device is; QEMU writes these
 *   crash=ud|pf|stack|hang    crash or hang on purpose, to see the report: a test aid
 *
 * A word that is not understood fails the run: a misspelt option must not look like a pass.
 */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/device.h>

enum {
    OPTIONS_MMIO_MAX = 32,
    OPTIONS_PROBLEMS_MAX = 16,
};

enum options_config {
    CONFIG_DEFAULT,
    CONFIG_IO,
    CONFIG_ECAM,
};

struct options_mmio {
    uint64_t address;
    uint32_t size;
};

struct options {
    const char *suites; /* NULL: all */
    const char *expect; /* NULL: nothing was promised */
    enum virtio_force force;
    enum options_config config;
    bool disk_read_only;
    bool memory_high;
    bool host_helps;
    bool console_virtio;
    bool echo;
    uint32_t timeout_seconds;
    const char *crash; /* NULL: none */
    size_t mmio_count;
    struct options_mmio mmio[OPTIONS_MMIO_MAX];
    size_t problem_count;
    const char *problems[OPTIONS_PROBLEMS_MAX]; /* words that were not understood */
};

/*
 * Takes a command line apart. `line` is changed (words get their ends) and must stay; `options` points
 * into it.
 */
void options_parse(struct options *options, char *line);

/* Adds to the problems; `text` must stay. */
void options_add_problem(struct options *options, const char *text);

#endif
