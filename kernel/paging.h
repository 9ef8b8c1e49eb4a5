/* SPDX-License-Identifier: MIT */
/*
 * Memory as the processor sees it. Virtual and physical addresses are the same wherever something is
 * mapped: that is what makes this kernel's DMA trivial, and the library must not depend on it.
 */
#ifndef KERNEL_PAGING_H
#define KERNEL_PAGING_H

#include <stdint.h>

enum {
    PAGE_SIZE = 4096,
};

enum mapping {
    MAPPING_MEMORY,
    MAPPING_DEVICE, /* not cached */
};

/*
 * Takes away the null page and the page under the stack, and makes code and constants read-only. To be
 * called after everything that the loader and the firmware left in the null page has been read.
 */
void paging_init(void);

/*
 * Makes [physical, physical + length) accessible and returns its address, or a null pointer where this
 * architecture cannot reach it. What is mapped stays mapped.
 */
void *paging_map(uint64_t physical, uint64_t length, enum mapping mapping);

#endif
