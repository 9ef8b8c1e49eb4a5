/* SPDX-License-Identifier: MIT */
/*
 * Paging on i386: all 4 GiB one to one with 4 MiB pages, the first 4 MiB with small ones so that single
 * pages can be taken away. Only for the sake of finding bugs: a processor without large pages runs with
 * paging off, and nothing else changes. Memory above 4 GiB cannot be reached.
 */
#include "../paging.h"

#include <cpuid.h>
#include <stddef.h>

#define PAGE_PRESENT  0x001u
#define PAGE_WRITABLE 0x002u
#define PAGE_LARGE    0x080u
#define LARGE_SIZE    0x400000u
#define ENTRIES       1024u

#define CR0_PAGING                0x80000000u
#define CR0_WRITE_PROTECT         0x00010000u
#define CR4_PAGE_SIZE_EXTENSIONS  0x10u
#define CPUID_PAGE_SIZE_EXTENSION 0x08u /* leaf 1, edx */

extern char kernel_image_start[], kernel_rodata_end[], boot_stack_guard[];

extern uint32_t paging_directory[ENTRIES]; /* traps.c: the double fault task brings its own */

_Alignas(PAGE_SIZE) uint32_t paging_directory[ENTRIES];
static _Alignas(PAGE_SIZE) uint32_t first_table[ENTRIES];

static uint32_t small_page(uint32_t address)
{
    if (address == 0 || address == (uint32_t)(uintptr_t)boot_stack_guard) {
        return 0;
    }
    if (address >= (uintptr_t)kernel_image_start && address < (uintptr_t)kernel_rodata_end) {
        return address | PAGE_PRESENT;
    }
    return address | PAGE_PRESENT | PAGE_WRITABLE;
}

void paging_init(void)
{
    unsigned eax;
    unsigned ebx;
    unsigned ecx;
    unsigned edx;

    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (edx & CPUID_PAGE_SIZE_EXTENSION) == 0) {
        return;
    }
    for (uint32_t i = 0; i < ENTRIES; i++) {
        first_table[i] = small_page(i * PAGE_SIZE);
        paging_directory[i] = i * LARGE_SIZE | PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE;
    }
    paging_directory[0] = (uint32_t)(uintptr_t)first_table | PAGE_PRESENT | PAGE_WRITABLE;

    __asm__ volatile("movl %%cr4, %%eax\n\t"
                     "orl %1, %%eax\n\t"
                     "movl %%eax, %%cr4\n\t"
                     "movl %0, %%cr3\n\t"
                     "movl %%cr0, %%eax\n\t"
                     "orl %2, %%eax\n\t"
                     "movl %%eax, %%cr0"
                     :
                     : "r"(paging_directory), "i"(CR4_PAGE_SIZE_EXTENSIONS),
                       "i"(CR0_PAGING | CR0_WRITE_PROTECT)
                     : "eax", "memory", "cc");
}

void *paging_map(uint64_t physical, uint64_t length, enum mapping mapping)
{
    (void)mapping; /* the firmware's MTRRs make device memory uncached */
    if (physical > UINT32_MAX || length > (uint64_t)UINT32_MAX + 1 - physical) {
        return NULL;
    }
    return (void *)(uintptr_t)physical;
}
