/* SPDX-License-Identifier: MIT */
/*
 * Tests of the harness itself: whoever reads a failure of the library must be able to trust the memory,
 * the clock and the command line under it.
 */
#include "self_test.h"

#include "boot_info.h"
#include "pages.h"
#include "suites.h"

#include <string.h>

enum {
    RUNS = 24,
};

extern char kernel_image_start[], kernel_image_end[];

static uint64_t used_before_suites;

void self_test_begin(void)
{
    struct pages_statistics statistics;

    pages_get_statistics(&statistics);
    used_before_suites = statistics.used;
}

static uint64_t pages_used(void)
{
    struct pages_statistics statistics;

    pages_get_statistics(&statistics);
    return statistics.used;
}

static bool overlap(uintptr_t a, size_t a_length, uintptr_t b, size_t b_length)
{
    return a < b + b_length && b < a + a_length;
}

static void check_place(struct test *test, const void *run, size_t size)
{
    CHECK(test, (uintptr_t)run >= 0x100000);
    CHECK(test, !overlap((uintptr_t)run, size, (uintptr_t)kernel_image_start,
                         (size_t)(kernel_image_end - kernel_image_start)));
}

static void pages_are_aligned_and_apart(struct test *test)
{
    void *run[RUNS];
    uint64_t used = pages_used();

    for (size_t i = 0; i < RUNS; i++) {
        size_t alignment = (size_t)PAGE_SIZE << i % 5;

        run[i] = pages_allocate(i + 1, alignment, PAGES_ANYWHERE);
        REQUIRE(test, run[i] != NULL);
        CHECK_EQUAL(test, (uintptr_t)run[i] % alignment, 0);
        check_place(test, run[i], (i + 1) * PAGE_SIZE);
        memset(run[i], (int)i, (i + 1) * PAGE_SIZE);
    }
    for (size_t i = 0; i < RUNS; i++) {
        const unsigned char *bytes = run[i];

        for (size_t j = 0; j < (i + 1) * PAGE_SIZE; j++) {
            REQUIRE_EQUAL(test, bytes[j], i);
        }
    }
    for (size_t i = 0; i < RUNS; i++) {
        pages_free(run[i], i + 1);
    }
    CHECK_EQUAL(test, pages_used(), used);
}

static void pages_come_back(struct test *test)
{
    void *first = pages_allocate(3, PAGE_SIZE, PAGES_ANYWHERE);
    void *second = pages_allocate(3, PAGE_SIZE, PAGES_ANYWHERE);
    void *again;

    REQUIRE(test, first != NULL && second != NULL && first != second);
    pages_free(first, 3);
    again = pages_allocate(3, PAGE_SIZE, PAGES_ANYWHERE);
    CHECK(test, again == first);
    pages_free(again, 3);
    pages_free(second, 3);
}

static void pages_are_not_zero(struct test *test)
{
    unsigned char *page = pages_allocate(1, PAGE_SIZE, PAGES_ANYWHERE);

    REQUIRE(test, page != NULL);
    CHECK(test, page[0] != 0 && page[PAGE_SIZE - 1] != 0);
    pages_free(page, 1);
}

static void pages_run_out(struct test *test)
{
    struct pages_statistics statistics;

    pages_get_statistics(&statistics);
    CHECK(test, pages_allocate((size_t)statistics.total + 1, PAGE_SIZE, PAGES_ANYWHERE) == NULL);
    CHECK(test, pages_allocate(SIZE_MAX, PAGE_SIZE, PAGES_ANYWHERE) == NULL);
    CHECK(test, pages_allocate(0, PAGE_SIZE, PAGES_ANYWHERE) == NULL);
    CHECK(test, pages_allocate(1, 3, PAGES_ANYWHERE) == NULL);
    CHECK_EQUAL(test, pages_used(), statistics.used);
}

/* Where there is no such memory (or no way to reach it), asking for it gives other memory. */
static void pages_above_4_gib(struct test *test)
{
    struct pages_statistics statistics;
    volatile unsigned char *high = pages_allocate(2, PAGE_SIZE, PAGES_HIGH);
    void *low = pages_allocate(1, PAGE_SIZE, PAGES_BELOW_4_GIB);

    pages_get_statistics(&statistics);
    REQUIRE(test, high != NULL && low != NULL);
    CHECK_EQUAL(test, (uint64_t)(uintptr_t)high > UINT32_MAX, statistics.high != 0);
    CHECK(test, (uint64_t)(uintptr_t)low <= UINT32_MAX);
    high[0] = 1;
    high[2 * PAGE_SIZE - 1] = 2;
    CHECK_EQUAL(test, high[0] + high[2 * PAGE_SIZE - 1], 3);
    pages_free(low, 1);
    pages_free((void *)(uintptr_t)high, 2);
}

/* The wire formats, by hand: nothing of boot_info.c's own definitions is used. */
static void put(unsigned char *at, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        at[i] = (unsigned char)(value >> 8 * i);
    }
}

static void pvh_wins_over_multiboot_magic(struct test *test)
{
    static struct boot_info info;
    static _Alignas(8) unsigned char start[56];
    static _Alignas(8) unsigned char map[48];

    put(start, 0x336ec578, 4);
    put(start + 4, 1, 4);
    put(start + 24, (uintptr_t) "a b", 8);
    put(start + 32, 0x1234, 8);
    put(start + 40, (uintptr_t)map, 8);
    put(start + 48, 2, 4);
    put(map, 0x100000, 8);
    put(map + 8, 0x200000, 8);
    put(map + 16, 1, 4);
    put(map + 24, 0xf0000, 8);
    put(map + 32, 0x10000, 8);
    put(map + 40, 2, 4);
    CHECK(test, boot_info_parse(&info, 0x2badb002, (uint32_t)(uintptr_t)start));
    CHECK(test, strcmp(info.protocol, "PVH") == 0);
    CHECK(test, strcmp(info.command_line, "a b") == 0);
    CHECK_EQUAL(test, info.acpi_rsdp, 0x1234);
    REQUIRE_EQUAL(test, info.available.count, 1);
    CHECK_EQUAL(test, info.available.region[0].base, 0x100000);
    CHECK_EQUAL(test, info.available.region[0].length, 0x200000);
    REQUIRE_EQUAL(test, info.reserved.count, 1);
    CHECK_EQUAL(test, info.reserved.region[0].base, 0xf0000);
}

static void multiboot1_file_name_is_dropped(struct test *test)
{
    static struct boot_info info;
    static _Alignas(8) unsigned char multiboot[68];

    put(multiboot, 0x205, 4); /* basic memory, command line, loader's name */
    put(multiboot + 4, 640, 4);
    put(multiboot + 8, 1024, 4);
    put(multiboot + 16, (uintptr_t) "/a=b/kernel.elf suites=x", 4);
    put(multiboot + 64, (uintptr_t) "qemu", 4);
    CHECK(test, boot_info_parse(&info, 0x2badb002, (uint32_t)(uintptr_t)multiboot));
    CHECK(test, strcmp(info.command_line, "suites=x") == 0);
    REQUIRE_EQUAL(test, info.available.count, 2);
    CHECK_EQUAL(test, info.available.region[1].length, 0x100000);

    put(multiboot + 16, (uintptr_t) "suites=x", 4);
    put(multiboot + 64, (uintptr_t) "GRUB 2.06", 4);
    CHECK(test, boot_info_parse(&info, 0x2badb002, (uint32_t)(uintptr_t)multiboot));
    CHECK(test, strcmp(info.command_line, "suites=x") == 0);
}

static void multiboot2_modules_are_reserved(struct test *test)
{
    static struct boot_info info;
    static _Alignas(8) unsigned char multiboot[88];

    put(multiboot, sizeof(multiboot), 4);
    put(multiboot + 8, 1, 4); /* command line */
    put(multiboot + 12, 12, 4);
    memcpy(multiboot + 16, "x=y", 4);
    put(multiboot + 24, 3, 4); /* module */
    put(multiboot + 28, 17, 4);
    put(multiboot + 32, 0x200000, 4);
    put(multiboot + 36, 0x201234, 4);
    put(multiboot + 48, 6, 4); /* memory map with entries of 24 bytes */
    put(multiboot + 52, 40, 4);
    put(multiboot + 56, 24, 4);
    put(multiboot + 64, 0x100000, 8);
    put(multiboot + 72, 0x700000, 8);
    put(multiboot + 80, 1, 4);
    CHECK(test, boot_info_parse(&info, 0x36d76289, (uint32_t)(uintptr_t)multiboot));
    CHECK(test, strcmp(info.command_line, "x=y") == 0);
    REQUIRE_EQUAL(test, info.reserved.count, 1);
    CHECK_EQUAL(test, info.reserved.region[0].base, 0x200000);
    CHECK_EQUAL(test, info.reserved.region[0].length, 0x1234);
    REQUIRE_EQUAL(test, info.available.count, 1);
    CHECK_EQUAL(test, info.available.region[0].length, 0x700000);
}

static void all_memory_came_back(struct test *test)
{
    CHECK_EQUAL(test, pages_used(), used_before_suites);
}

static const struct test_case kernel_cases[] = {
    {"pages are aligned, contiguous and apart", pages_are_aligned_and_apart},
    {"freed pages come back", pages_come_back},
    {"fresh pages are not zero", pages_are_not_zero},
    {"impossible allocations fail and leave no trace", pages_run_out},
    {"memory above 4 GiB is used where there is some", pages_above_4_gib},
    {"the clock goes forward", self_test_clock},
    {"the command line is understood", self_test_command_line},
    {"words that are not understood are problems", self_test_wrong_words},
    {"PVH is recognised behind a multiboot magic number", pvh_wins_over_multiboot_magic},
    {"multiboot 1: the kernel's file name is dropped", multiboot1_file_name_is_dropped},
    {"multiboot 2: modules are reserved", multiboot2_modules_are_reserved},
};

static const struct test_case leak_cases[] = {
    {"all memory that the suites took came back", all_memory_came_back},
};

const struct test_suite suite_kernel = TEST_SUITE("kernel", kernel_cases);
const struct test_suite suite_leaks = TEST_SUITE("leaks", leak_cases);
