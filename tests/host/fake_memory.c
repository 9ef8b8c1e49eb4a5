/* SPDX-License-Identifier: MIT */
/*
 * The fake host's memory: private pieces, DMA memory, mappings and register windows. Everything that
 * was given is on a list until it is taken back; DMA memory then waits in quarantine until the end.
 */
#include "fake_memory.h"

#include "fake_watch.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <virtio/error.h>

#define POISON_NEW   0xa5
#define POISON_FREED 0xdb
#define POISON_DMA   0x5a

#define HIGH_BASE      UINT64_C(0x140000000)
#define LOW_BASE       UINT64_C(0x01000000)
#define PLATFORM_SHIFT UINT64_C(0x2000000000) /* platform addresses are elsewhere */

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define FORBID(memory, size) ASAN_POISON_MEMORY_REGION(memory, size)
#define ALLOW(memory, size)  ASAN_UNPOISON_MEMORY_REGION(memory, size)
#else
#define FORBID(memory, size) ((void)(memory), (void)(size))
#define ALLOW(memory, size)  ((void)(memory), (void)(size))
#endif

static void *must_allocate(size_t size, size_t alignment)
{
    void *memory = NULL;

    if (posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) != 0)
        abort();
    return memory;
}

static uint32_t checksum(const uint8_t *bytes, size_t size)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    size_t at = 0;

    for (uint64_t word; at + sizeof(word) <= size; at += sizeof(word)) {
        memcpy(&word, bytes + at, sizeof(word));
        sum = (sum ^ word) * UINT64_C(0x100000001b3);
        sum ^= sum >> 29; /* so that the upper bytes of a word count in all of the next */
    }
    for (; at < size; at++)
        sum = (sum ^ bytes[at]) * UINT64_C(0x100000001b3);
    return (uint32_t)(sum ^ sum >> 32);
}

static bool told_to_fail(struct fake_host *fake)
{
    if (fake->fail_at == 0 || --fake->fail_at != 0)
        return false;
    fake->failed = true;
    return true;
}

void fake_host_fail_at(struct fake_host *fake, unsigned n)
{
    fake->fail_at = n;
    fake->failed = false;
}

/* Private pieces and register mappings ---------------------------------------------------------- */

static void *piece_new(struct fake_piece **list, void *memory, size_t size)
{
    struct fake_piece *piece = must_allocate(sizeof(*piece), 1);

    *piece = (struct fake_piece){.next = *list, .memory = memory, .size = size};
    *list = piece;
    return memory;
}

static bool piece_take(struct fake_piece **list, const void *memory, size_t size)
{
    for (struct fake_piece **link = list; *link; link = &(*link)->next) {
        struct fake_piece *piece = *link;

        if (piece->memory == memory && piece->size == size) {
            *link = piece->next;
            free(piece);
            return true;
        }
    }
    return false;
}

static void *hook_allocate(void *ctx, size_t size)
{
    struct fake_host *fake = ctx;
    void *memory;

    fake_host_event(fake, FAKE_ALLOCATE, VIRTIO_SPACE_NONE, 0, 0, size);
    if (size == 0)
        fake_violation(fake, "allocate-size", "host.h", "allocate of 0 bytes");
    if (told_to_fail(fake))
        return NULL;
    memory = must_allocate(size, 16);
    memset(memory, POISON_NEW, size);
    return piece_new(&fake->pieces, memory, size);
}

static void hook_free(void *ctx, void *memory, size_t size)
{
    struct fake_host *fake = ctx;

    fake_host_event(fake, FAKE_FREE, VIRTIO_SPACE_NONE, 0, 0, size);
    if (!piece_take(&fake->pieces, memory, size)) {
        fake_violation(fake, "free-pairing", "host.h", "free of %zu bytes that were not allocated",
                       size);
        return;
    }
    memset(memory, POISON_FREED, size);
    free(memory);
}

void fake_host_add_window(struct fake_host *fake, struct fake_window *window)
{
    window->next = fake->windows;
    fake->windows = window;
}

/* With register hooks a range needs a place, not content; without them it is a window's memory. */
static void *hook_mmio_map(void *ctx, uint64_t address, size_t size)
{
    struct fake_host *fake = ctx;

    fake_host_event(fake, FAKE_MMIO_MAP, VIRTIO_SPACE_MEMORY, address, 0, size);
    if (size == 0)
        fake_violation(fake, "mmio-map-size", "host.h", "mmio_map of 0 bytes");
    if (told_to_fail(fake))
        return NULL;
    for (struct fake_window *window = fake->windows; window; window = window->next)
        if (address >= window->address && size <= window->size &&
            address - window->address <= window->size - size)
            return piece_new(&fake->mmio_maps,
                             (uint8_t *)window->memory + (address - window->address), size);
    return NULL;
}

static void hook_mmio_unmap(void *ctx, void *memory, size_t size)
{
    struct fake_host *fake = ctx;

    fake_host_event(fake, FAKE_MMIO_UNMAP, VIRTIO_SPACE_MEMORY, 0, 0, size);
    if (!piece_take(&fake->mmio_maps, memory, size))
        fake_violation(fake, "mmio-unmap-pairing", "host.h",
                       "mmio_unmap of %zu bytes that were not mapped", size);
}

/* Blocks ---------------------------------------------------------------------------------------- */

static struct fake_block *block_new(struct fake_host *fake, uint8_t *cpu, size_t size,
                                    uint64_t device_address, unsigned flags)
{
    struct fake_block *block = must_allocate(sizeof(*block), 1);

    *block = (struct fake_block){.next = fake->blocks,
                                 .cpu = cpu,
                                 .device = cpu,
                                 .size = size,
                                 .device_address = device_address,
                                 .flags = flags};
    fake->blocks = block;
    return block;
}

static struct fake_block *block_unlink(struct fake_host *fake, struct fake_block *block)
{
    for (struct fake_block **link = &fake->blocks; *link; link = &(*link)->next) {
        if (*link == block) {
            *link = block->next;
            break;
        }
    }
    return block;
}

static void block_delete(struct fake_block *block)
{
    if (block->is_watchable) {
        fake_watch_free(block->cpu, block->device, block->size);
        free(block);
        return;
    }
    if (block->device != block->cpu)
        free(block->device);
    if (!block->is_mapping && !block->is_synced)
        free(block->cpu);
    free(block);
}

static struct fake_block *find_by_device(const struct fake_host *fake, uint64_t address,
                                         uint64_t size)
{
    for (struct fake_block *block = fake->blocks; block; block = block->next)
        if (address >= block->device_address && size <= block->size &&
            address - block->device_address <= block->size - size)
            return block;
    return NULL;
}

/* A device address that was never given before; `offset` is kept within a page, as hardware would. */
static uint64_t new_address(struct fake_host *fake, size_t size, size_t alignment, uint64_t limit,
                            unsigned flags, size_t offset)
{
    uint64_t unit = alignment < 64 ? 64 : alignment;
    bool low = (fake->flags & FAKE_HOST_LOW_ADDRESSES) != 0;
    uint64_t *next = low ? &fake->next_low_address : &fake->next_address;
    uint64_t shift = (flags & VIRTIO_DMA_ACCESS_PLATFORM) && !low ? PLATFORM_SHIFT : 0;
    uint64_t address = ((*next + unit - 1) & ~(unit - 1)) + offset;

    if (!low && address + shift + size - 1 > limit) {
        next = &fake->next_low_address;
        shift = 0;
        address = ((*next + unit - 1) & ~(unit - 1)) + offset;
    }
    if (address + shift + size - 1 > limit)
        return 0;
    *next = address + size + 64;
    return address + shift;
}

static void report_use(struct fake_host *fake, const struct fake_block *block, const char *rule)
{
    for (struct fake_target *target = fake->targets; target; target = target->next) {
        const char *reason =
            target->in_use ? target->in_use(target, block->device_address, block->size) : NULL;

        if (reason)
            fake_violation(fake, rule, "2.4, 3.3", "%zu bytes at 0x%llx: %s", block->size,
                           (unsigned long long)block->device_address, reason);
    }
}

/* Where accesses are watched, those to memory that was freed are, too; elsewhere the sanitizer ends the program. */
static void freed_before(void *context, uint64_t device_address, bool is_write)
{
    fake_violation(context, "ring-after-teardown", "3.3", "%s of 0x%llx, which was freed",
                   is_write ? "a write" : "a read", (unsigned long long)device_address);
}

static bool freed_after(void *context, uint64_t device_address, bool is_write)
{
    (void)context, (void)device_address, (void)is_write;
    return false;
}

static const struct fake_watcher freed_watcher = {.before = freed_before, .after = freed_after};

static void quarantine(struct fake_host *fake, struct fake_block *block)
{
    if (block->is_watchable)
        fake_watch_end(block->cpu);
    memset(block->cpu, POISON_FREED, block->size);
    if (block->is_watchable)
        fake_watch_begin(fake, block->cpu, block->size, block->device_address, &freed_watcher,
                         fake);
    else
        FORBID(block->cpu, block->size);
    block->next = fake->quarantine;
    fake->quarantine = block;
}

static void *hook_dma_allocate(void *ctx, size_t size, size_t alignment, uint64_t address_limit,
                               unsigned flags, uint64_t *device_address)
{
    struct fake_host *fake = ctx;
    bool watch = (fake->flags & FAKE_HOST_WATCH) != 0;
    uint8_t *device = NULL;
    struct fake_block *block;
    uint64_t address;
    uint8_t *cpu;

    if (size == 0 || alignment == 0 || (alignment & (alignment - 1)) != 0)
        fake_violation(fake, "dma-allocate-arguments", "host.h", "%zu bytes, alignment %zu", size,
                       alignment);
    fake_host_event(fake, FAKE_DMA_ALLOCATE, VIRTIO_SPACE_NONE, 0, 0, size);
    if (told_to_fail(fake))
        return NULL;
    cpu = watch ? fake_watch_allocate(size, &device) : must_allocate(size, alignment);
    address = (fake->flags & FAKE_HOST_IDENTITY)
                  ? (uintptr_t)cpu
                  : new_address(fake, size, alignment, address_limit, flags, 0);
    memset(cpu, POISON_DMA, size);
    block = block_new(fake, cpu, size, address, flags);
    block->is_watchable = watch;
    block->device = watch ? device : cpu;
    if (address == 0 || address + size - 1 > address_limit) {
        block_delete(block_unlink(fake, block));
        return NULL;
    }
    *device_address = address;
    return cpu;
}

static void hook_dma_free(void *ctx, void *memory, size_t size, uint64_t device_address)
{
    struct fake_host *fake = ctx;

    fake_host_event(fake, FAKE_DMA_FREE, VIRTIO_SPACE_NONE, device_address, 0, size);
    for (struct fake_block *block = fake->blocks; block; block = block->next) {
        if (block->is_mapping || block->is_synced || block->cpu != memory)
            continue;
        if (block->size != size || block->device_address != device_address)
            fake_violation(fake, "dma-free-pairing", "host.h",
                           "%zu bytes at 0x%llx were allocated as %zu at 0x%llx", size,
                           (unsigned long long)device_address, block->size,
                           (unsigned long long)block->device_address);
        report_use(fake, block, "freed-while-device-owns-it");
        quarantine(fake, block_unlink(fake, block));
        return;
    }
    fake_violation(fake, "dma-free-pairing", "host.h", "%zu bytes that were not allocated", size);
}

/* Mappings -------------------------------------------------------------------------------------- */

static int hook_map(void *ctx, void *memory, size_t size, enum virtio_direction direction,
                    unsigned flags, struct virtio_mapping *mapping)
{
    struct fake_host *fake = ctx;
    size_t part = fake->map_limit && size > fake->map_limit ? fake->map_limit : size;
    size_t offset = (uintptr_t)memory & 63;
    struct fake_block *block;

    fake_host_event(fake, FAKE_MAP, VIRTIO_SPACE_NONE, 0, 0, size);
    if (!memory || size == 0 || direction < VIRTIO_DEVICE_READS ||
        direction > VIRTIO_DEVICE_READS_AND_WRITES)
        fake_violation(fake, "map-arguments", "host.h", "%zu bytes, direction %d", size,
                       (int)direction);
    if (told_to_fail(fake))
        return VIRTIO_E_NO_MEMORY;
    block = block_new(fake, memory, part, new_address(fake, part, 64, UINT64_MAX, flags, offset),
                      flags);
    block->is_mapping = true;
    block->direction = direction;
    block->device = must_allocate(part, 16);
    if (direction & VIRTIO_DEVICE_READS)
        memcpy(block->device, memory, part);
    else
        memset(block->device, POISON_DMA, part);
    block->checksum = checksum(memory, part);
    *mapping = (struct virtio_mapping){.memory = memory,
                                       .size = part,
                                       .device_address = block->device_address,
                                       .direction = direction,
                                       .token = block};
    return VIRTIO_OK;
}

static int hook_unmap(void *ctx, const struct virtio_mapping *mapping)
{
    struct fake_host *fake = ctx;
    struct fake_block *block = fake->blocks;

    fake_host_event(fake, FAKE_UNMAP, VIRTIO_SPACE_NONE, mapping->device_address, 0, mapping->size);
    while (block && (!block->is_mapping || block != mapping->token))
        block = block->next;
    if (!block) {
        fake_violation(fake, "unmap-pairing", "host.h", "%zu bytes at 0x%llx are not mapped",
                       mapping->size, (unsigned long long)mapping->device_address);
        return VIRTIO_E_INVALID;
    }
    if (mapping->memory != block->cpu || mapping->size != block->size ||
        mapping->device_address != block->device_address || mapping->direction != block->direction)
        fake_violation(fake, "unmap-changed", "host.h", "the mapping came back changed");
    report_use(fake, block, "unmapped-while-device-owns-it");
    if (checksum(block->cpu, block->size) != block->checksum)
        fake_violation(fake, "changed-while-mapped", "host.h",
                       "the CPU wrote to %zu bytes that were mapped", block->size);
    if (block->direction & VIRTIO_DEVICE_WRITES)
        memcpy(block->cpu, block->device, block->size);
    block_unlink(fake, block);
    memset(block->device, POISON_FREED, block->size);
    free(block->device);
    free(block);
    return fake->unmap_error;
}

/* Caches ---------------------------------------------------------------------------------------- */

/* Without a map hook a buffer's device address is its CPU address, and a sync is all that the host hears
 * of it. The device sees a copy of what was given to it, so that a missing sync shows. */
static struct fake_block *synced_block(struct fake_host *fake, uint8_t *memory, size_t size)
{
    struct fake_block *next;
    struct fake_block *block;

    for (block = fake->blocks; block; block = next) {
        next = block->next;
        if (!block->is_synced || block->cpu >= memory + size || memory >= block->cpu + block->size)
            continue;
        if (block->cpu == memory && block->size == size)
            return block;
        block_delete(block_unlink(fake, block));
    }
    block = block_new(fake, memory, size, (uintptr_t)memory, 0);
    block->is_synced = true;
    block->device = must_allocate(size, 16);
    return block;
}

/* What dma_allocate gave is coherent; syncing it is allowed and does nothing. */
static bool is_dma_memory(const struct fake_host *fake, const uint8_t *memory, size_t size)
{
    for (const struct fake_block *block = fake->blocks; block; block = block->next) {
        if (!block->is_mapping && !block->is_synced && memory >= block->cpu &&
            memory + size <= block->cpu + block->size)
            return true;
    }
    return false;
}

static void hook_sync(void *ctx, void *memory, size_t size, enum virtio_sync give_to)
{
    struct fake_host *fake = ctx;
    const struct fake_block *block;

    fake_host_event(fake,
                    give_to == VIRTIO_SYNC_FOR_DEVICE ? FAKE_SYNC_FOR_DEVICE : FAKE_SYNC_FOR_CPU,
                    VIRTIO_SPACE_NONE, 0, 0, size);
    if (is_dma_memory(fake, memory, size))
        return;
    if (give_to == VIRTIO_SYNC_FOR_DEVICE) {
        memcpy(synced_block(fake, memory, size)->device, memory, size);
        return;
    }
    block = find_by_device(fake, (uintptr_t)memory, size);
    if (!block || !block->is_synced) {
        fake_violation(fake, "sync-range", "host.h",
                       "%zu bytes for the CPU that were never given to a device", size);
        return;
    }
    memcpy(memory, block->device + ((uint8_t *)memory - block->cpu), size);
}

/* The device's side ----------------------------------------------------------------------------- */

bool fake_host_is_live(const struct fake_host *fake, uint64_t device_address, uint64_t size)
{
    return find_by_device(fake, device_address, size) != NULL;
}

static const char *what_was_there(const struct fake_host *fake, uint64_t address)
{
    for (const struct fake_block *block = fake->quarantine; block; block = block->next)
        if (address >= block->device_address && address - block->device_address < block->size)
            return "memory that was freed";
    if (find_by_device(fake, address, 1))
        return "beyond the end of the memory there";
    return "no memory that was shared";
}

uint8_t *fake_host_device_view(struct fake_host *fake, uint64_t device_address, uint64_t size,
                               enum virtio_direction need, bool platform)
{
    struct fake_block *block = find_by_device(fake, device_address, size);

    if (!block && (fake->flags & FAKE_HOST_IDENTITY) && device_address >= 0x10000 &&
        device_address + size - 1 <= UINTPTR_MAX)
        return (uint8_t *)(uintptr_t)device_address; /* a caller's buffer */
    if (!block) {
        fake_violation(fake, "dma-address", "2.7.5", "%llu bytes at 0x%llx: %s",
                       (unsigned long long)size, (unsigned long long)device_address,
                       what_was_there(fake, device_address));
        return NULL;
    }
    if (block->is_mapping && (block->direction & need) != need) {
        fake_violation(fake, "map-direction", "host.h",
                       "mapped for %s, the descriptor says otherwise",
                       block->direction == VIRTIO_DEVICE_READS ? "reading" : "writing");
        return NULL;
    }
    if (!block->is_synced && ((block->flags & VIRTIO_DMA_ACCESS_PLATFORM) != 0) != platform)
        fake_violation(fake, "dma-address-space", "6.1",
                       "0x%llx is %s address, VIRTIO_F_ACCESS_PLATFORM says otherwise",
                       (unsigned long long)device_address, platform ? "a physical" : "a platform");
    return block->device + (device_address - block->device_address);
}

void fake_host_watch(struct fake_host *fake, uint64_t device_address,
                     const struct fake_watcher *watcher, void *context)
{
    struct fake_block *block = find_by_device(fake, device_address, 1);

    if (block && block->is_watchable)
        fake_watch_begin(fake, block->cpu, block->size, block->device_address, watcher, context);
}

void fake_host_unwatch(struct fake_host *fake, uint64_t device_address)
{
    struct fake_block *block = find_by_device(fake, device_address, 1);

    if (block && block->is_watchable)
        fake_watch_end(block->cpu);
}

/* Life ------------------------------------------------------------------------------------------ */

void fake_memory_begin(struct fake_host *fake)
{
    fake->next_address = HIGH_BASE;
    fake->next_low_address = LOW_BASE;
    fake->host.dma_allocate = hook_dma_allocate;
    fake->host.dma_free = hook_dma_free;
    fake->host.allocate = hook_allocate;
    fake->host.free = hook_free;
    fake->host.mmio_map = hook_mmio_map;
    fake->host.mmio_unmap = hook_mmio_unmap;
    if (fake->flags & FAKE_HOST_SYNC)
        fake->host.sync = hook_sync;
    if (!(fake->flags & (FAKE_HOST_IDENTITY | FAKE_HOST_SYNC))) {
        fake->host.map = hook_map;
        fake->host.unmap = hook_unmap;
    }
}

unsigned fake_host_live(const struct fake_host *fake)
{
    unsigned count = 0;

    for (const struct fake_block *block = fake->blocks; block; block = block->next)
        count += block->is_synced ? 0 : 1;
    for (const struct fake_piece *piece = fake->pieces; piece; piece = piece->next)
        count++;
    for (const struct fake_piece *piece = fake->mmio_maps; piece; piece = piece->next)
        count++;
    return count;
}

static unsigned end_blocks(struct fake_host *fake)
{
    unsigned problems = 0;

    while (fake->blocks) {
        struct fake_block *block = fake->blocks;

        if (!block->is_synced) {
            print_message("# leak: %s of %zu bytes at 0x%llx\n",
                          block->is_mapping ? "a mapping" : "DMA memory", block->size,
                          (unsigned long long)block->device_address);
            problems++;
        }
        fake->blocks = block->next;
        block_delete(block);
    }
    return problems;
}

static unsigned end_quarantine(struct fake_host *fake)
{
    unsigned problems = 0;

    while (fake->quarantine) {
        struct fake_block *block = fake->quarantine;
        bool touched = false;

        if (block->is_watchable)
            fake_watch_end(block->cpu);
        ALLOW(block->cpu, block->size);
        for (size_t i = 0; i < block->size; i++)
            touched |= block->cpu[i] != POISON_FREED;
        if (touched) {
            print_message("# DMA memory of %zu bytes was written after it was freed\n",
                          block->size);
            problems++;
        }
        fake->quarantine = block->next;
        block_delete(block);
    }
    return problems;
}

void fake_memory_scribble_freed(struct fake_host *fake)
{
    const struct fake_block *block = fake->quarantine;

    ALLOW(block->cpu, block->size);
    block->cpu[0] = 1;
    FORBID(block->cpu, block->size);
}

static unsigned end_pieces(struct fake_piece **list, const char *what, bool owned)
{
    unsigned problems = 0;

    while (*list) {
        struct fake_piece *piece = *list;

        print_message("# leak: %s of %zu bytes\n", what, piece->size);
        problems++;
        *list = piece->next;
        if (owned)
            free(piece->memory);
        free(piece);
    }
    return problems;
}

unsigned fake_memory_end(struct fake_host *fake)
{
    unsigned problems = end_blocks(fake);

    problems += end_quarantine(fake);
    problems += end_pieces(&fake->pieces, "private memory", true);
    problems += end_pieces(&fake->mmio_maps, "a mapping of registers", false);
    return problems;
}
