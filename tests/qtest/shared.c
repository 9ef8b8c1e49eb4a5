/* SPDX-License-Identifier: MIT */
/*
 * Next fit over units of 64 bytes. Behind each allocation there is at least one unit of distance; what was freed is
 * used again as late as possible.
 */
#include "shared.h"

#include "kernel/crash.h"

#include <errno.h>
#include <fcntl.h>
#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    UNIT = 64,
    UNTOUCHED = 0, /* of a unit: as the file was made */
    USED = 1,
    FREED = 2, /* filled with PATTERN */
    PATTERN = 0xdd,
    ALLOCATED = 0xa5, /* what new memory is filled with: nobody shall need zeros */
    POISON_GRANULE = 8,
    ALIGNMENT_MAX = 0x200000,
};

/* Of the parked guest (parked.S). */
#define MAILBOX          0x100000u
#define PARKED           0x6b726170u
#define FIRMWARE_SECONDS 30
#define FIRMWARE_LOOKS   (FIRMWARE_SECONDS * 1000)
#define ARENA_START      0x200000u
#define ABOVE_ARENA      0x100000u /* firmware keeps its tables at the top */

struct mailbox {
    uint32_t parked;
    uint32_t reserved;
    uint64_t rsdp;
};

static uint8_t *memory;
static size_t memory_size;

static uint8_t *arena;
static uint8_t *states; /* of each unit */
static size_t *sizes;   /* of the allocation that begins in a unit, or 0 */
static size_t unit_count;
static size_t next;
static uint64_t used;

static void prepare_arena(void)
{
    if (memory_size <= ARENA_START + ABOVE_ARENA) {
        crash("the machine has too little memory: %zu bytes", memory_size);
    }
    arena = memory + ARENA_START;
    unit_count = (memory_size - ARENA_START - ABOVE_ARENA) / UNIT;
    states = calloc(unit_count, sizeof(*states));
    sizes = calloc(unit_count, sizeof(*sizes));
    if (states == NULL || sizes == NULL) {
        crash("there is no memory for what is to be known of the guest's");
    }
    ASAN_POISON_MEMORY_REGION(arena, unit_count * UNIT);
}

/* Where both addresses of everything have the same alignment, up to ALIGNMENT_MAX. */
static void *map_file(int file, size_t size)
{
    uint8_t *reserved = mmap(NULL, size + ALIGNMENT_MAX, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (reserved == MAP_FAILED) {
        return MAP_FAILED;
    }
    reserved += ALIGNMENT_MAX - (uintptr_t)reserved % ALIGNMENT_MAX;
    return mmap(reserved, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
}

void shared_open(const char *path)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    struct stat status;

    if (file < 0 || fstat(file, &status) != 0) {
        crash("%s: %s", path, strerror(errno));
    }
    memory_size = (size_t)status.st_size;
    memory = map_file(file, memory_size);
    if (memory == MAP_FAILED) {
        crash("%s: %s", path, strerror(errno));
    }
    close(file);
    prepare_arena();
}

uint64_t shared_await_guest(void)
{
    const volatile struct mailbox *mailbox = shared_at(MAILBOX, sizeof(*mailbox));

    for (unsigned look = 0; look < FIRMWARE_LOOKS; look++) {
        if (mailbox->parked == PARKED) {
            return mailbox->rsdp;
        }
        usleep(1000);
    }
    crash("firmware did not start the guest within %d s", FIRMWARE_SECONDS);
}

size_t shared_size(void)
{
    return memory_size;
}

void *shared_at(uint64_t physical, size_t length)
{
    if (physical >= memory_size || length > memory_size - physical) {
        return NULL;
    }
    return memory + physical;
}

/* Counts the words of units that do not hold the pattern. They are poisoned, and read on purpose. */
__attribute__((no_sanitize("address"))) static size_t count_changed(const uint8_t *units,
                                                                    size_t length)
{
    const uint64_t *words = (const uint64_t *)(const void *)units;
    size_t changed = 0;

    for (size_t i = 0; i < length / sizeof(*words); i++) {
        changed += words[i] != PATTERN * (UINT64_MAX / 0xff);
    }
    return changed;
}

static void fill_freed(uint8_t *bytes, size_t length)
{
    ASAN_UNPOISON_MEMORY_REGION(bytes, length);
    memset(bytes, PATTERN, length);
    ASAN_POISON_MEMORY_REGION(bytes, length);
}

static uint64_t device_address_of(const uint8_t *bytes)
{
    return (uint64_t)(bytes - memory);
}

/* How far into its first unit an allocation begins, so that it is not aligned to more than it asked for. */
static size_t offset_in_unit(size_t alignment)
{
    return alignment >= POISON_GRANULE && alignment < UNIT ? alignment : 0;
}

/* Whether `count` units from `index` on are free. If not, `*index` is where to look next. */
static bool is_free(size_t *index, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (states[*index + i] == USED) {
            *index += i + 1;
            return false;
        }
    }
    return true;
}

/* Where a run of free units begins in [from, to), or `unit_count`. `exactly`: not aligned to more. */
static size_t find_run(size_t from, size_t to, size_t count, size_t alignment, bool exactly)
{
    size_t index = from;

    while (index + count <= to) {
        uint64_t address = device_address_of(arena + index * UNIT);
        uint64_t misaligned = address & (alignment - 1);

        if (alignment > UNIT && misaligned != 0) {
            index += (size_t)(alignment - misaligned) / UNIT;
        } else if (exactly && alignment >= UNIT && (address & alignment) == 0) {
            index += alignment / UNIT;
        } else if (is_free(&index, count)) {
            return index;
        }
    }
    return unit_count;
}

static size_t find(size_t count, size_t alignment)
{
    for (int pass = 0; pass <= 1; pass++) {
        bool exactly = pass == 0;
        size_t index = find_run(next, unit_count, count, alignment, exactly);

        if (index == unit_count) {
            index = find_run(0, unit_count, count, alignment, exactly);
        }
        if (index != unit_count) {
            return index;
        }
    }
    return unit_count;
}

static void take_unit(size_t index)
{
    uint8_t *unit = arena + index * UNIT;

    if (states[index] == FREED && count_changed(unit, UNIT) != 0) {
        crash("somebody wrote to memory at 0x%llx that was given back",
              (unsigned long long)device_address_of(unit));
    }
    states[index] = USED;
}

void *shared_allocate(size_t size, size_t alignment, uint64_t address_limit,
                      uint64_t *device_address)
{
    size_t offset = offset_in_unit(alignment);
    size_t count = (offset + size + UNIT - 1) / UNIT + 1; /* and a unit of distance */
    size_t index;
    uint8_t *bytes;

    if (size == 0 || size > memory_size || alignment == 0 || alignment > ALIGNMENT_MAX ||
        (alignment & (alignment - 1)) != 0) {
        crash("%zu bytes, aligned to %zu, were asked for", size, alignment);
    }
    index = find(count, alignment);
    if (index == unit_count) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        take_unit(index + i);
    }
    next = index + count;
    fill_freed(arena + index * UNIT, count * UNIT);
    bytes = arena + index * UNIT + offset;
    sizes[index] = size;
    used += size;
    ASAN_UNPOISON_MEMORY_REGION(bytes, size);
    memset(bytes, ALLOCATED, size);
    *device_address = device_address_of(bytes);
    if (*device_address + (size - 1) > address_limit) {
        shared_free(bytes, size, *device_address);
        return NULL;
    }
    return bytes;
}

void shared_free(void *freed, size_t size, uint64_t device_address)
{
    uint8_t *bytes = freed;
    size_t index = (size_t)(bytes - arena) / UNIT;
    uint8_t *first = arena + index * UNIT;
    size_t length;

    if (bytes < arena || index >= unit_count || states[index] != USED || sizes[index] != size ||
        device_address != device_address_of(bytes)) {
        crash("%zu bytes at %p, 0x%llx for the device, were freed and are not allocated", size,
              freed, (unsigned long long)device_address);
    }
    length = (size_t)(bytes - first) + size;
    length = (length + UNIT - 1) / UNIT * UNIT + UNIT;
    ASAN_UNPOISON_MEMORY_REGION(first, length);
    memset(bytes, PATTERN, size);
    ASAN_POISON_MEMORY_REGION(first, length);
    if (count_changed(first, length) != 0) {
        crash("somebody wrote beside the %zu bytes at 0x%llx", size,
              (unsigned long long)device_address);
    }
    memset(states + index, FREED, length / UNIT);
    sizes[index] = 0;
    used -= size;
}

uint64_t shared_used(void)
{
    return used;
}

size_t shared_check(void)
{
    size_t changed = 0;

    for (size_t index = 0; index < unit_count; index++) {
        changed += states[index] == FREED && count_changed(arena + index * UNIT, UNIT) != 0;
    }
    return changed;
}
