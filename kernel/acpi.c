/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables, from the root pointer to MCFG (ACPI 6.5, 5.2.5 to 5.2.8; PCI Firmware 3.0, 4.1.2).
 */
#include "acpi.h"

#include "paging.h"

#include <stddef.h>
#include <string.h>

#define EBDA_SEGMENT_POINTER 0x40eu
#define EBDA_SEARCHED        1024u
#define BIOS_START           0xe0000u
#define BIOS_END             0x100000u
#define RSDP_ALIGNMENT       16u
#define RSDP_LENGTH_1        20u /* of revision 0 */
#define TABLE_LENGTH_MAX     0x100000u

struct __attribute__((packed)) rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length; /* from here on: revision 2 */
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
};

struct __attribute__((packed)) table {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem[6];
    char oem_table[8];
    uint32_t oem_revision;
    uint32_t creator;
    uint32_t creator_revision;
};

struct __attribute__((packed)) mcfg_entry {
    uint64_t base;
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
    uint32_t reserved;
};

enum {
    MCFG_ENTRIES = sizeof(struct table) + 8,
};

_Static_assert(sizeof(struct rsdp) == 36, "ACPI root pointer");
_Static_assert(sizeof(struct table) == 36, "ACPI table header");
_Static_assert(sizeof(struct mcfg_entry) == 16, "MCFG entry");

static bool sums_to_zero(const void *bytes, size_t length)
{
    const uint8_t *byte = bytes;
    uint8_t sum = 0;

    while (length-- != 0) {
        sum = (uint8_t)(sum + *byte++);
    }
    return sum == 0;
}

static bool is_rsdp(const struct rsdp *rsdp)
{
    return memcmp(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature)) == 0 &&
           sums_to_zero(rsdp, RSDP_LENGTH_1);
}

static uint64_t scan(uintptr_t start, uintptr_t end)
{
    for (; start + sizeof(struct rsdp) <= end; start += RSDP_ALIGNMENT) {
        if (is_rsdp((const void *)start)) {
            return start;
        }
    }
    return 0;
}

uint64_t acpi_scan_root(void)
{
    volatile uintptr_t pointer =
        EBDA_SEGMENT_POINTER; /* not a constant: compilers distrust those */
    uintptr_t ebda = (uintptr_t) * (const uint16_t *)pointer << 4;
    uint64_t found = 0;

    if (ebda >= 0x400 && ebda < BIOS_START) {
        found = scan(ebda, ebda + EBDA_SEARCHED);
    }
    return found != 0 ? found : scan(BIOS_START, BIOS_END);
}

/* The table at `address`, mapped and verified, or NULL. */
static const struct table *get_table(uint64_t address)
{
    const struct table *table = paging_map(address, sizeof(*table), MAPPING_MEMORY);

    if (address == 0 || table == NULL || table->length < sizeof(*table) ||
        table->length > TABLE_LENGTH_MAX ||
        paging_map(address, table->length, MAPPING_MEMORY) == NULL ||
        !sums_to_zero(table, table->length)) {
        return NULL;
    }
    return table;
}

/* Looks through an RSDT (entries of 4 bytes) or XSDT (of 8). */
static const struct table *find_table(const struct table *root, size_t entry_size,
                                      const char *signature)
{
    const char *entry = (const char *)(root + 1);
    const char *end = (const char *)root + root->length;

    for (; (size_t)(end - entry) >= entry_size; entry += entry_size) {
        const struct table *table;
        uint64_t address = 0;

        memcpy(&address, entry, entry_size);
        table = get_table(address);
        if (table != NULL && memcmp(table->signature, signature, 4) == 0) {
            return table;
        }
    }
    return NULL;
}

static const struct table *find_mcfg(const struct rsdp *rsdp)
{
    const struct table *root = NULL;

    if (rsdp->revision >= 2 && rsdp->length >= sizeof(*rsdp) && sums_to_zero(rsdp, sizeof(*rsdp))) {
        root = get_table(rsdp->xsdt);
        if (root != NULL) {
            return find_table(root, 8, "MCFG");
        }
    }
    root = get_table(rsdp->rsdt);
    return root != NULL ? find_table(root, 4, "MCFG") : NULL;
}

bool acpi_find_ecam(uint64_t address, struct acpi_ecam *ecam)
{
    const struct rsdp *rsdp = paging_map(address, sizeof(*rsdp), MAPPING_MEMORY);
    const struct table *mcfg;

    if (address == 0 || rsdp == NULL || !is_rsdp(rsdp)) {
        return false;
    }
    mcfg = find_mcfg(rsdp);
    if (mcfg == NULL) {
        return false;
    }
    for (size_t offset = MCFG_ENTRIES; offset + sizeof(struct mcfg_entry) <= mcfg->length;
         offset += sizeof(struct mcfg_entry)) {
        struct mcfg_entry entry;

        memcpy(&entry, (const char *)mcfg + offset, sizeof(entry));
        if (entry.segment == 0 && entry.base != 0 && entry.first_bus <= entry.last_bus) {
            *ecam = (struct acpi_ecam){entry.base, entry.first_bus, entry.last_bus};
            return true;
        }
    }
    return false;
}
