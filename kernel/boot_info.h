/* SPDX-License-Identifier: MIT */
/*
 * What the boot protocol told us, in one neutral form: nothing past boot_info_parse() knows which
 * protocol it was. Everything is copied, because the loader's structures lie in memory that the page
 * allocator will hand out.
 */
#ifndef KERNEL_BOOT_INFO_H
#define KERNEL_BOOT_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BOOT_REGIONS_MAX = 128,
    BOOT_COMMAND_LINE_MAX = 2048,
    BOOT_RSDP_MAX = 36,
};

struct boot_region {
    uint64_t base;
    uint64_t length;
};

/* Regions in the order in which the loader gave them; they may overlap each other. */
struct boot_regions {
    size_t count;
    struct boot_region region[BOOT_REGIONS_MAX];
};

struct boot_info {
    const char *protocol;
    char command_line[BOOT_COMMAND_LINE_MAX];
    struct boot_regions available; /* usable as memory, less what is in the following */
    struct boot_regions reserved;  /* not to be touched: firmware's, and the loader's modules */
    bool incomplete;    /* something did not fit and was left out (never a reserved region) */
    uint64_t acpi_rsdp; /* address of the ACPI root pointer, 0 if the loader gave none */
    uint8_t rsdp_copy[BOOT_RSDP_MAX];
};

/*
 * Fills in `info` from the two registers that every protocol leaves for the kernel. Returns false when
 * they belong to no protocol that is known; `info` then says so in its `protocol` and is else empty.
 */
bool boot_info_parse(struct boot_info *info, uint32_t magic, uint32_t address);

#endif
