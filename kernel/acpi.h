/* SPDX-License-Identifier: MIT */
/*
 * The one thing this kernel wants from ACPI: where PCI configuration space is memory-mapped (the MCFG
 * table). Every structure's checksum is verified before it is used.
 */
#ifndef KERNEL_ACPI_H
#define KERNEL_ACPI_H

#include <stdbool.h>
#include <stdint.h>

struct acpi_ecam {
    uint64_t base; /* of bus 0, also when first_bus is not 0 */
    uint8_t first_bus;
    uint8_t last_bus;
};

/*
 * Looks for the root pointer where a PC's firmware leaves it: for boot protocols that do not tell. To be
 * called before paging_init(), which takes away the null page. 0: there is none.
 */
uint64_t acpi_scan_root(void);

/* The ECAM window of PCI segment 0, found from the root pointer at `rsdp`; false when there is none. */
bool acpi_find_ecam(uint64_t rsdp, struct acpi_ecam *ecam);

#endif
