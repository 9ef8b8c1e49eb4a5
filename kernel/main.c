/* SPDX-License-Identifier: MIT */
/*
 * The kernel's one thread, from the boot loader to the exit: bring up the harness, say what was found,
 * run the tests.
 */
#include "acpi.h"
#include "boot_info.h"
#include "clock.h"
#include "console.h"
#include "crash.h"
#include "discovery.h"
#include "host.h"
#include "machine.h"
#include "options.h"
#include "pages.h"
#include "paging.h"
#include "report.h"
#include "run.h"
#include "terminal.h"
#include "tests/guest/watch.h"

#include <stdio.h>
#include <virtio/version.h>

#ifdef __x86_64__
#define ARCHITECTURE "x86_64"
#else
#define ARCHITECTURE "i386"
#endif

noreturn void kernel_main(uint32_t magic, uint32_t address);

static struct boot_info boot_info;
static struct options options;
static struct discovery discovery;

static void print_banner(void)
{
    struct pages_statistics pages;
    uint64_t bytes = 0;

    for (size_t i = 0; i < boot_info.available.count; i++) {
        bytes += boot_info.available.region[i].length;
    }
    pages_get_statistics(&pages);
    printf("libvirtio %s kernel, %s, booted by %s, %llu MiB of memory in %zu regions\n",
           LIBVIRTIO_VERSION_STRING, ARCHITECTURE, boot_info.protocol,
           (unsigned long long)(bytes >> 20), boot_info.available.count);
    printf("command line: %s\n", boot_info.command_line);
    printf("clock: %llu kHz, by %s\n", (unsigned long long)clock_frequency() / 1000,
           clock_source());
    if (pages.unreachable != 0) {
        printf("memory above 4 GiB, out of reach of this kernel: %llu MiB\n",
               (unsigned long long)(pages.unreachable * PAGE_SIZE >> 20));
    }
}

/* Everything that needs no device. */
static void bring_up(uint32_t magic, uint32_t address)
{
    bool known;

    console_init();
    traps_init();
    known = boot_info_parse(&boot_info, magic, address);
    if (boot_info.acpi_rsdp == 0) {
        boot_info.acpi_rsdp = acpi_scan_root();
    }
    paging_init();
    if (!known) {
        crash("entered by %s (eax %#lx, ebx %#lx)", boot_info.protocol, (unsigned long)magic,
              (unsigned long)address);
    }
    machine_allow_nmi();
    pages_init(&boot_info);
    clock_init();
    print_banner();
    options_parse(&options, boot_info.command_line);
    if (boot_info.incomplete) {
        options_add_problem(&options, "the command line or the memory map is too long");
    }
    if (options.crash != NULL) {
        crash_on_purpose(options.crash);
    }
}

noreturn void kernel_main(uint32_t magic, uint32_t address)
{
    const struct virtio_host *host;
    struct test_result result;

    bring_up(magic, address);
    host = host_init(options.memory_high);
    crash_set_report(watch_dump);
    discovery_run(&discovery, host, &options, boot_info.acpi_rsdp);
    report_devices(discovery.devices, discovery.count);
    if (options.console_virtio && !terminal_begin(discovery.devices, discovery.count)) {
        options_add_problem(&options, "console=virtio: there is no virtio console");
    }
    result = run_suites(host, &options, &discovery, terminal_device());
    if (options.echo) {
        terminal_echo(options.host_helps);
    }
    run_print_time(host);
    console_flush();
    machine_exit(result.failed == 0 ? MACHINE_PASSED : MACHINE_FAILED);
}
