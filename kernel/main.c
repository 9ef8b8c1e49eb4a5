/* SPDX-License-Identifier: MIT */
/*
 * The kernel's one thread, from the boot loader to the exit: bring up the harness, say what was found,
 * run the tests.
 */
#include "boot_info.h"
#include "clock.h"
#include "console.h"
#include "crash.h"
#include "machine.h"
#include "pages.h"
#include "paging.h"

#include <stdio.h>
#include <virtio/version.h>

#ifdef __x86_64__
#define ARCHITECTURE "x86_64"
#else
#define ARCHITECTURE "i386"
#endif

noreturn void kernel_main(uint32_t magic, uint32_t address);

static struct boot_info boot_info;

static void print_banner(void)
{
    struct pages_statistics pages;

    pages_get_statistics(&pages);
    printf("libvirtio %s kernel, %s, booted by %s, %llu MiB of memory in %zu regions\n",
           LIBVIRTIO_VERSION_STRING, ARCHITECTURE, boot_info.protocol,
           (unsigned long long)(pages.total * PAGE_SIZE >> 20), pages.regions);
    printf("command line: %s\n", boot_info.command_line);
}

noreturn void kernel_main(uint32_t magic, uint32_t address)
{
    bool known;

    console_init();
    traps_init();
    known = boot_info_parse(&boot_info, magic, address);
    paging_init();
    if (!known) {
        crash("entered by %s (eax %#lx, ebx %#lx)", boot_info.protocol, (unsigned long)magic,
              (unsigned long)address);
    }
    pages_init(&boot_info);
    clock_init();
    print_banner();
    printf("clock: %llu kHz, by %s\n", (unsigned long long)clock_frequency() / 1000,
           clock_source());
    machine_exit(MACHINE_PASSED);
}
