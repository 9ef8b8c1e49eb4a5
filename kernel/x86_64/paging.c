/* SPDX-License-Identifier: MIT */
/*
 * Paging on x86_64. The entry code has mapped the first 4 GiB one to one with 2 MiB pages; this splits
 * the lowest 4 MiB into small pages so that single ones can be taken away, and maps memory and BARs above
 * 4 GiB when they are asked for, with 2 MiB pages or, where the processor has them and they fit, 1 GiB
 * pages. Tables come from the page allocator and stay.
 */
#include "../paging.h"

#include "../pages.h"

#include <cpuid.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define PAGE_PRESENT    0x001u
#define PAGE_WRITABLE   0x002u
#define PAGE_UNCACHED   0x010u
#define PAGE_LARGE      0x080u
#define PAGE_ADDRESS    0x000ffffffffff000u
#define ENTRIES         512u
#define MIB_2           0x200000u
#define GIB_1           0x40000000u
#define MAPPED_BY_ENTRY 0x100000000u
#define ADDRESS_LIMIT   (UINT64_C(1) << 47) /* the lower half of the 48-bit address space */
#define SMALL_TABLES    2u                  /* 4 MiB: where the kernel is */
#define CPUID_GIB_PAGES 0x04000000u         /* leaf 0x80000001, edx */

extern char kernel_image_start[], kernel_rodata_end[], boot_stack_guard[];
extern uint64_t boot_pml4[ENTRIES];
extern uint64_t boot_directories[4][ENTRIES];

static _Alignas(PAGE_SIZE) uint64_t small_tables[SMALL_TABLES][ENTRIES];

static uint64_t small_page(uint64_t address)
{
    if (address == 0 || address == (uintptr_t)boot_stack_guard) {
        return 0;
    }
    if (address >= (uintptr_t)kernel_image_start && address < (uintptr_t)kernel_rodata_end) {
        return address | PAGE_PRESENT;
    }
    return address | PAGE_PRESENT | PAGE_WRITABLE;
}

static void flush(void)
{
    uint64_t root;

    __asm__ volatile("movq %%cr3, %0\n\tmovq %0, %%cr3" : "=r"(root) : : "memory");
}

void paging_init(void)
{
    for (uint64_t table = 0; table < SMALL_TABLES; table++) {
        for (uint64_t i = 0; i < ENTRIES; i++) {
            small_tables[table][i] = small_page((table * ENTRIES + i) * PAGE_SIZE);
        }
        boot_directories[0][table] = (uintptr_t)small_tables[table] | PAGE_PRESENT | PAGE_WRITABLE;
    }
    flush();
}

static bool has_gib_pages(void)
{
    unsigned eax;
    unsigned ebx;
    unsigned ecx;
    unsigned edx;

    return __get_cpuid(0x80000001u, &eax, &ebx, &ecx, &edx) != 0 && (edx & CPUID_GIB_PAGES) != 0;
}

/* The table that `entry` points to; a fresh one if it points to nothing; null if there is no page left. */
static uint64_t *next_table(uint64_t *entry)
{
    if ((*entry & PAGE_PRESENT) == 0) {
        void *table = pages_allocate(1, PAGE_SIZE, PAGES_BELOW_4_GIB);

        if (table == NULL) {
            return NULL;
        }
        memset(table, 0, PAGE_SIZE);
        *entry = (uintptr_t)table | PAGE_PRESENT | PAGE_WRITABLE;
    }
    return (uint64_t *)(uintptr_t)(*entry & PAGE_ADDRESS);
}

/* Maps one page at `address`, of 1 GiB if that fits before `end`; returns its size, 0 on failure. */
static uint64_t map_one(uint64_t address, uint64_t end, uint64_t flags)
{
    uint64_t *pdpt = next_table(&boot_pml4[address >> 39 & (ENTRIES - 1)]);
    uint64_t *pdpt_entry;
    uint64_t *directory;
    uint64_t *entry;

    if (pdpt == NULL) {
        return 0;
    }
    pdpt_entry = &pdpt[address >> 30 & (ENTRIES - 1)];
    if ((*pdpt_entry & PAGE_LARGE) != 0) {
        return GIB_1 - address % GIB_1; /* mapped before */
    }
    if (*pdpt_entry == 0 && address % GIB_1 == 0 && end - address >= GIB_1 && has_gib_pages()) {
        *pdpt_entry = address | flags;
        return GIB_1;
    }
    directory = next_table(pdpt_entry);
    if (directory == NULL) {
        return 0;
    }
    entry = &directory[address >> 21 & (ENTRIES - 1)];
    if ((*entry & PAGE_PRESENT) == 0) {
        *entry = address | flags;
    }
    return MIB_2;
}

void *paging_map(uint64_t physical, uint64_t length, enum mapping mapping)
{
    uint64_t flags = PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE;
    uint64_t address = physical & ~(uint64_t)(MIB_2 - 1);
    uint64_t end = physical + length;

    if (end < physical || end > ADDRESS_LIMIT) {
        return NULL;
    }
    if (mapping == MAPPING_DEVICE) {
        flags |= PAGE_UNCACHED;
    }
    if (address < MAPPED_BY_ENTRY) {
        address = MAPPED_BY_ENTRY;
    }
    while (address < end) {
        uint64_t mapped = map_one(address, end, flags);

        if (mapped == 0) {
            return NULL;
        }
        address += mapped;
    }
    return (void *)(uintptr_t)physical;
}
