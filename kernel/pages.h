/* SPDX-License-Identifier: MIT */
/*
 * The page allocator: physically contiguous, aligned runs of 4096-byte pages out of the memory that the
 * boot protocol gave us, less the first MiB, the kernel, and whatever the loader reserved.
 *
 * Pages come filled with a pattern that is not zero: who needs zeroes must write them.
 */
#ifndef KERNEL_PAGES_H
#define KERNEL_PAGES_H

#include "boot_info.h"
#include "paging.h"

#include <stddef.h>
#include <stdint.h>

enum pages_place {
    PAGES_ANYWHERE,    /* below 4 GiB if possible */
    PAGES_BELOW_4_GIB, /* for devices with 32-bit addresses */
    PAGES_HIGH,        /* above 4 GiB if possible: for tests of 64-bit addresses */
};

struct pages_statistics {
    uint64_t total;       /* pages that the allocator was given */
    uint64_t used;        /* pages handed out now */
    uint64_t high;        /* of `total`, those above 4 GiB */
    uint64_t unreachable; /* pages of memory that this architecture cannot reach */
    size_t regions;
};

/* Takes over the memory. Maps what lies above the first 4 GiB. */
void pages_init(const struct boot_info *info);

/*
 * `count` pages in one run, aligned to `alignment` bytes (a power of two; less than a page counts as a
 * page). A null pointer when there is no such run, or when `count` is 0.
 */
void *pages_allocate(size_t count, size_t alignment, enum pages_place place);

/* Gives back what one pages_allocate() of `count` pages returned. Pages that are not in use: a crash. */
void pages_free(void *address, size_t count);

void pages_get_statistics(struct pages_statistics *statistics);

#endif
