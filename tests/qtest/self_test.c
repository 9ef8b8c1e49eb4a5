/* SPDX-License-Identifier: MIT */
/*
 * Tests of this harness: that QEMU sees the memory that this process does, that the sanitizer knows what is whose, and
 * at the end, that all came back.
 */
#include "kernel/self_test.h"

#include "host.h"
#include "shared.h"
#include "socket.h"

#include "kernel/suites.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

enum {
    SIZE = 100,
    ALIGNMENT_MAX = 65536,
};

static uint64_t shared_before;
static struct host_use before;

void self_test_begin(void)
{
    shared_before = shared_used();
    before = host_get_use();
}

static void memory_is_shared(struct test *test)
{
    struct test_memory memory;
    volatile uint32_t *word;

    if (!test_allocate(test, SIZE, &memory)) {
        return;
    }
    word = memory.bytes;
    *word = 0x12345678;
    CHECK_EQUAL(test, socket_memory_read(memory.device_address, 4), 0x12345678);
    CHECK_EQUAL(test, socket_memory_read(memory.device_address + 1, 2), 0x3456);
    socket_memory_write(memory.device_address, 1, 0xab);
    CHECK_EQUAL(test, *word, 0x123456ab);
    test_free(test, &memory);
}

static void allocations_are_aligned(struct test *test)
{
    const struct virtio_host *host = test->environment->host;

    for (size_t alignment = 1; alignment <= ALIGNMENT_MAX; alignment *= 2) {
        uint64_t address = 0;
        void *bytes = host->dma_allocate(host->ctx, SIZE, alignment, UINT64_MAX, 0, &address);

        REQUIRE(test, bytes != NULL);
        CHECK_EQUAL(test, address % alignment, 0);
        CHECK_EQUAL(test, (uintptr_t)bytes % alignment, 0);
        CHECK(test, alignment < 8 || address % (2 * alignment) != 0);
        host->dma_free(host->ctx, bytes, SIZE, address);
        CHECK(test,
              host->dma_allocate(host->ctx, SIZE, alignment, address - 1, 0, &address) == NULL);
    }
}

static void the_sanitizer_knows_what_is_whose(struct test *test)
{
#if QTEST_SANITIZED
    struct test_memory memory;
    uint8_t *bytes;

    if (!test_allocate(test, SIZE, &memory)) {
        return;
    }
    bytes = memory.bytes;
    CHECK(test, __asan_region_is_poisoned(bytes, SIZE) == NULL);
    CHECK(test, __asan_address_is_poisoned(bytes - 1) != 0);
    CHECK(test, __asan_address_is_poisoned(bytes + SIZE) != 0);
    test_free(test, &memory);
    CHECK(test, __asan_address_is_poisoned(bytes) != 0);
    CHECK(test, __asan_address_is_poisoned(bytes + SIZE - 1) != 0);
#else
    test_skip(test, "this program was built without the address sanitizer");
#endif
}

static void all_memory_came_back(struct test *test)
{
    struct host_use now = host_get_use();

    CHECK_EQUAL(test, shared_used(), shared_before);
    CHECK_EQUAL(test, now.allocations, before.allocations);
    CHECK_EQUAL(test, now.mappings, before.mappings);
}

static void nobody_wrote_to_free_memory(struct test *test)
{
    CHECK_EQUAL(test, shared_check(), 0);
}

static const struct test_case kernel_cases[] = {
    {"the machine's memory is this process's", memory_is_shared},
    {"shared memory is aligned to what was asked for, and no more", allocations_are_aligned},
    {"the sanitizer knows what is whose", the_sanitizer_knows_what_is_whose},
    {"the clock goes forward", self_test_clock},
    {"the command line is understood", self_test_command_line},
    {"words that are not understood are problems", self_test_wrong_words},
};

static const struct test_case leak_cases[] = {
    {"all memory that the suites took came back", all_memory_came_back},
    {"no device wrote to memory that was not its own", nobody_wrote_to_free_memory},
};

const struct test_suite suite_kernel = TEST_SUITE("kernel", kernel_cases);
const struct test_suite suite_leaks = TEST_SUITE("leaks", leak_cases);
