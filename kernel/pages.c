/* SPDX-License-Identifier: MIT */
/*
 * First fit over one bitmap a region, a bit a page, set while the page is in use. The bitmap lies at the
 * region's own beginning, so a region needs no memory but itself. First fit keeps the high end
 * unfragmented for the long runs; a hint skips the part that is known to be full.
 */
#include "pages.h"

#include "crash.h"

#include <string.h>

#define FIRST_MIB     0x100000u
#define FOUR_GIB      0x100000000u
#define ALLOCATED     0xa5 /* what fresh pages are filled with */
#define FREED         0xdd /* what freed pages are filled with */
#define REGIONS_MAX   BOOT_REGIONS_MAX
#define BITS_PER_WORD 32u

struct page_region {
    uintptr_t first; /* page number: address / PAGE_SIZE */
    size_t count;
    size_t hint; /* no free page below this index */
    uint32_t *in_use;
};

extern char kernel_image_start[], kernel_image_end[];

static struct page_region page_regions[REGIONS_MAX];
static size_t region_count;
static struct pages_statistics totals;

static bool is_in_use(const struct page_region *region, size_t index)
{
    return (region->in_use[index / BITS_PER_WORD] >> index % BITS_PER_WORD & 1u) != 0;
}

static void set_in_use(struct page_region *region, size_t index, size_t count, bool in_use)
{
    for (size_t i = index; i < index + count; i++) {
        uint32_t bit = 1u << i % BITS_PER_WORD;

        if (in_use) {
            region->in_use[i / BITS_PER_WORD] |= bit;
        } else {
            region->in_use[i / BITS_PER_WORD] &= ~bit;
        }
    }
}

static void region_add(uint64_t base, uint64_t end)
{
    struct page_region *region = &page_regions[region_count];
    uint64_t count = (end - base) / PAGE_SIZE;
    uint64_t bitmap_pages = (count / 8 + PAGE_SIZE) / PAGE_SIZE;

    if (count <= bitmap_pages || region_count == REGIONS_MAX) {
        return;
    }
    if (base >= FOUR_GIB && paging_map(base, end - base, MAPPING_MEMORY) == NULL) {
        totals.unreachable += count;
        return;
    }
    region->in_use = (void *)(uintptr_t)base;
    memset(region->in_use, 0, (size_t)bitmap_pages * PAGE_SIZE);
    region->first = (uintptr_t)(base / PAGE_SIZE + bitmap_pages);
    region->count = (size_t)(count - bitmap_pages);
    region->hint = 0;
    region_count++;
    totals.total += region->count;
    if (base >= FOUR_GIB) {
        totals.high += region->count;
    }
}

/*
 * Adds the pages of [base, end) that no entry of `excluded` from `next` on touches. Each entry splits what
 * is left in two; the recursion is as deep as the list is long.
 */
static void add_less(uint64_t base, uint64_t end, const struct boot_regions *excluded, size_t next)
{
    while (base < end && next < excluded->count) {
        uint64_t hole = excluded->region[next].base & ~(uint64_t)(PAGE_SIZE - 1);
        uint64_t hole_end = excluded->region[next].base + excluded->region[next].length;

        next++;
        hole_end = (hole_end + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
        if (hole >= end || hole_end <= base) {
            continue;
        }
        if (hole > base) {
            add_less(base, hole, excluded, next);
        }
        base = hole_end;
    }
    if (base < end) {
        region_add(base, end);
    }
}

static void add_available(const struct boot_region *available, const struct boot_regions *excluded)
{
    uint64_t base = (available->base + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    uint64_t end = (available->base + available->length) & ~(uint64_t)(PAGE_SIZE - 1);

    if (end < available->base) {
        return;
    }
    /* Never one region across 4 GiB: callers ask for one side or the other. */
    if (base < FOUR_GIB && end > FOUR_GIB) {
        add_less(base, FOUR_GIB, excluded, 0);
        base = FOUR_GIB;
    }
    add_less(base, end, excluded, 0);
}

void pages_init(const struct boot_info *info)
{
    static struct boot_regions excluded;

    /* Two more than the loader may have reserved: what is lost then are the last two, and with them all. */
    excluded = info->reserved;
    if (excluded.count > BOOT_REGIONS_MAX - 2) {
        crash("the memory map has more than %d reserved regions", BOOT_REGIONS_MAX - 2);
    }
    excluded.region[excluded.count++] = (struct boot_region){0, FIRST_MIB};
    excluded.region[excluded.count++] = (struct boot_region){
        (uintptr_t)kernel_image_start, (uintptr_t)(kernel_image_end - kernel_image_start)};

    /* Low memory first: mapping the rest may need pages of it. */
    for (int high = 0; high <= 1; high++) {
        for (size_t i = 0; i < info->available.count; i++) {
            if ((info->available.region[i].base >= FOUR_GIB) == (high != 0)) {
                add_available(&info->available.region[i], &excluded);
            }
        }
    }
}

/* Where the next run of `count` free pages begins at or after `index`, or region->count. */
static size_t find_run(const struct page_region *region, size_t count, size_t alignment_pages)
{
    size_t index = region->hint;

    while (index < region->count) {
        size_t misaligned = (region->first + index) & (alignment_pages - 1);
        size_t length = 0;

        if (misaligned != 0) {
            index += alignment_pages - misaligned;
        }
        if (index >= region->count || region->count - index < count) {
            break;
        }
        while (length < count && !is_in_use(region, index + length)) {
            length++;
        }
        if (length == count) {
            return index;
        }
        index += length + 1;
    }
    return region->count;
}

static void *region_allocate(struct page_region *region, size_t count, size_t alignment_pages)
{
    size_t index = find_run(region, count, alignment_pages);
    void *address;

    if (index == region->count) {
        return NULL;
    }
    set_in_use(region, index, count, true);
    if (index == region->hint) {
        region->hint = index + count;
    }
    totals.used += count;
    address = (void *)((region->first + index) * PAGE_SIZE);
    memset(address, ALLOCATED, count * PAGE_SIZE);
    return address;
}

static bool is_high(const struct page_region *region)
{
    return region->first >= FOUR_GIB / PAGE_SIZE;
}

void *pages_allocate(size_t count, size_t alignment, enum pages_place place)
{
    size_t alignment_pages = alignment <= PAGE_SIZE ? 1 : alignment / PAGE_SIZE;
    bool high_first = place == PAGES_HIGH;

    if (count == 0 || (alignment & (alignment - 1)) != 0) {
        return NULL;
    }
    for (int pass = 0; pass <= 1; pass++) {
        bool high = high_first != (pass != 0);

        if (high && place == PAGES_BELOW_4_GIB) {
            continue;
        }
        for (size_t i = 0; i < region_count; i++) {
            void *address = NULL;

            if (is_high(&page_regions[i]) == high) {
                address = region_allocate(&page_regions[i], count, alignment_pages);
            }
            if (address != NULL) {
                return address;
            }
        }
    }
    return NULL;
}

void pages_free(void *address, size_t count)
{
    uintptr_t page = (uintptr_t)address / PAGE_SIZE;

    for (size_t i = 0; i < region_count; i++) {
        struct page_region *region = &page_regions[i];
        size_t index = page - region->first;

        if (page < region->first || index >= region->count) {
            continue;
        }
        if ((uintptr_t)address % PAGE_SIZE != 0 || count > region->count - index) {
            break;
        }
        for (size_t j = index; j < index + count; j++) {
            if (!is_in_use(region, j)) {
                crash("pages_free: %p is not in use", (void *)((region->first + j) * PAGE_SIZE));
            }
        }
        memset(address, FREED, count * PAGE_SIZE);
        set_in_use(region, index, count, false);
        if (index < region->hint) {
            region->hint = index;
        }
        totals.used -= count;
        return;
    }
    crash("pages_free: %p (%zu pages) was never allocated", address, count);
}

void pages_get_statistics(struct pages_statistics *statistics)
{
    *statistics = totals;
    statistics->regions = region_count;
}
