/* SPDX-License-Identifier: MIT */
/*
 * The hostile device's memory: what the host hands out. Two blocks, one that the device can reach and one that
 * it can't; in both everything that is not handed out is poisoned, so that the address sanitizer sees every
 * access to memory that was given back, and beyond what was asked for. Nothing is used twice in one run.
 * Buffers are mapped by copying them to where the device is, so that a missing map or unmap shows.
 */
#include "hostile.h"

#include <sanitizer/asan_interface.h>

#define SHARED_SIZE  HOSTILE_SHARED_SIZE
#define PRIVATE_SIZE (UINT32_C(1) << 20)
#define RED_ZONE     64u
#define LIVE_MAX     512u

/* Device addresses: above 2^32 where the driver may use them, below 2^44 for legacy devices. */
#define BASE_HIGH UINT64_C(0x4000000000000000)
#define BASE_LOW  UINT64_C(0x00100000)

enum kind {
    FREE = 0,
    SHARED,
    PRIVATE,
    MAPPING
};

/* Something that was handed out. */
struct piece {
    enum kind kind;
    uint8_t *memory;
    size_t size;
    uint64_t device_address;
    uint8_t *original; /* of a mapping */
    enum virtio_direction direction;
};

#define shared hostile_shared
_Alignas(4096) uint8_t hostile_shared[HOSTILE_SHARED_SIZE];
static _Alignas(64) uint8_t private[PRIVATE_SIZE];
static size_t shared_used;
static size_t private_used;
static struct piece pieces[LIVE_MAX];
static unsigned piece_count; /* the last one is in use */
static unsigned live;

void hostile_memory_reset(struct hostile *hostile)
{
    (void)hostile;
    ASAN_POISON_MEMORY_REGION(shared, shared_used != 0 ? shared_used : SHARED_SIZE);
    ASAN_POISON_MEMORY_REGION(private, private_used != 0 ? private_used : PRIVATE_SIZE);
    shared_used = RED_ZONE;
    private_used = RED_ZONE;
    memset(pieces, 0, piece_count * sizeof(pieces[0]));
    piece_count = 0;
    live = 0;
}

static struct piece *new_piece(enum kind kind)
{
    unsigned at = 0;

    while (at < piece_count && pieces[at].kind != FREE)
        at++;
    if (at == LIVE_MAX)
        return NULL;
    if (at == piece_count)
        piece_count++;
    pieces[at] = (struct piece){.kind = kind};
    return &pieces[at];
}

/* Hand out memory with garbage in it. */
static uint8_t *carve(uint8_t *block, size_t block_size, size_t *used, size_t size,
                      size_t alignment)
{
    size_t begin = (*used + alignment - 1) & ~(alignment - 1);

    if (size > block_size || begin > block_size - RED_ZONE || size > block_size - RED_ZONE - begin)
        return NULL;
    *used = begin + size + RED_ZONE;
    ASAN_UNPOISON_MEMORY_REGION(block + begin, size);
    memset(block + begin, 0xa5, size);
    return block + begin;
}

static bool fails(unsigned *failing)
{
    if (*failing == 0)
        return false;
    (*failing)--;
    return true;
}

static void *allocate_piece(enum kind kind, size_t size, size_t alignment, uint64_t base,
                            uint64_t *device_address)
{
    struct piece *piece = new_piece(kind);

    if (piece == NULL)
        return NULL;
    if (kind == PRIVATE)
        piece->memory = carve(private, PRIVATE_SIZE, &private_used, size, alignment);
    else
        piece->memory = carve(shared, SHARED_SIZE, &shared_used, size, alignment);
    if (piece->memory == NULL) {
        piece->kind = FREE;
        return NULL;
    }
    piece->size = size;
    if (kind != PRIVATE)
        piece->device_address = base + (uint64_t)(piece->memory - shared);
    if (device_address != NULL)
        *device_address = piece->device_address;
    live++;
    return piece->memory;
}

/* What is given back must have been handed out, and all of it. */
static struct piece *find_piece(enum kind kind, const void *memory, size_t size)
{
    for (unsigned at = 0; at < piece_count; at++) {
        if (pieces[at].kind == kind && pieces[at].memory == memory) {
            hostile_require(pieces[at].size == size);
            return &pieces[at];
        }
    }
    return NULL;
}

static void free_piece(struct piece *piece)
{
    ASAN_POISON_MEMORY_REGION(piece->memory, piece->size);
    piece->kind = FREE;
    live--;
}

static void *dma_allocate(void *ctx, size_t size, size_t alignment, uint64_t address_limit,
                          unsigned flags, uint64_t *device_address)
{
    struct hostile *hostile = ctx;
    uint64_t base = address_limit == UINT64_MAX ? BASE_HIGH : BASE_LOW;

    hostile_event(hostile);
    hostile_require(size != 0 && alignment != 0 && (alignment & (alignment - 1)) == 0);
    hostile_require(flags == 0 || (hostile->taken & VIRTIO_F_ACCESS_PLATFORM) != 0 ||
                    hostile->lied);
    if (fails(&hostile->failing_allocations) || alignment > 4096)
        return NULL;
    return allocate_piece(SHARED, size, alignment, base, device_address);
}

static void dma_free(void *ctx, void *memory, size_t size, uint64_t device_address)
{
    struct piece *piece = find_piece(SHARED, memory, size);

    hostile_event(ctx);
    hostile_require(piece != NULL && piece->device_address == device_address);
    free_piece(piece);
}

static void *allocate(void *ctx, size_t size)
{
    struct hostile *hostile = ctx;

    hostile_event(hostile);
    hostile_require(size != 0);
    return fails(&hostile->failing_allocations) ? NULL : allocate_piece(PRIVATE, size, 16, 0, NULL);
}

static void free_private(void *ctx, void *memory, size_t size)
{
    struct piece *piece = find_piece(PRIVATE, memory, size);

    hostile_event(ctx);
    hostile_require(piece != NULL);
    free_piece(piece);
}

static int map(void *ctx, void *memory, size_t size, enum virtio_direction direction,
               unsigned flags, struct virtio_mapping *mapping)
{
    struct hostile *hostile = ctx;
    struct piece *piece;
    uint8_t *copy;
    bool whole = true;

    (void)flags;
    hostile_event(hostile);
    hostile_require(memory != NULL && size != 0);
    hostile_require(!__asan_region_is_poisoned(memory, size));
    if (hostile->failing_mappings != 0) {
        hostile->failing_mappings--;
        whole = false;
        if (!hostile->partial_mapping || size == 1)
            return VIRTIO_E_MAP;
    }
    if (!whole)
        size /= 2;
    copy = allocate_piece(MAPPING, size, 1, BASE_LOW, NULL);
    if (copy == NULL)
        return VIRTIO_E_MAP;
    piece = find_piece(MAPPING, copy, size);
    piece->original = memory;
    piece->direction = direction;
    if (direction != VIRTIO_DEVICE_WRITES)
        memcpy(copy, memory, size);
    *mapping = (struct virtio_mapping){memory, size, piece->device_address, direction, piece};
    return VIRTIO_OK;
}

static int unmap(void *ctx, const struct virtio_mapping *mapping)
{
    struct hostile *hostile = ctx;
    struct piece *piece = mapping->token;

    hostile_event(hostile);
    hostile_require(piece >= pieces && piece < pieces + piece_count && piece->kind == MAPPING);
    hostile_require(piece->original == mapping->memory && piece->size == mapping->size &&
                    piece->device_address == mapping->device_address &&
                    piece->direction == mapping->direction);
    if (piece->direction != VIRTIO_DEVICE_READS)
        memcpy(piece->original, piece->memory, piece->size);
    free_piece(piece);
    return VIRTIO_OK;
}

static void sync_memory(void *ctx, void *memory, size_t size, enum virtio_sync give_to)
{
    hostile_event(ctx);
    hostile_require(give_to == VIRTIO_SYNC_FOR_DEVICE || give_to == VIRTIO_SYNC_FOR_CPU);
    hostile_require(!__asan_region_is_poisoned(memory, size));
}

void hostile_memory_hooks(struct virtio_host *host)
{
    host->dma_allocate = dma_allocate;
    host->dma_free = dma_free;
    host->allocate = allocate;
    host->free = free_private;
    host->map = map;
    host->unmap = unmap;
    host->sync = sync_memory;
}

unsigned hostile_live(void)
{
    return live;
}

uint8_t *hostile_find_memory(uint64_t device_address, size_t size)
{
    uint64_t offset = device_address - (device_address >= BASE_HIGH ? BASE_HIGH : BASE_LOW);

    if (offset >= SHARED_SIZE || size > SHARED_SIZE - offset || size == 0 ||
        __asan_region_is_poisoned(shared + offset, size))
        return NULL;
    return shared + offset;
}

uint8_t *hostile_shared_byte(uint32_t which, uint32_t offset, size_t size)
{
    const struct piece *piece;

    for (unsigned at = 0; at < piece_count; at++) {
        piece = &pieces[(which + at) % piece_count];
        if ((piece->kind == SHARED || piece->kind == MAPPING) && piece->size >= size)
            return piece->memory + offset % (piece->size - size + 1);
    }
    return NULL;
}

uint8_t *hostile_buffer(size_t size, uint64_t *device_address)
{
    uint8_t *buffer = allocate_piece(SHARED, size, 1, BASE_HIGH, device_address);

    hostile_require(buffer != NULL);
    memset(buffer, 0, size);
    return buffer;
}

void hostile_buffer_back(uint8_t *buffer, size_t size)
{
    struct piece *piece = find_piece(SHARED, buffer, size);

    hostile_require(piece != NULL);
    free_piece(piece);
}

bool hostile_is_poisoned(void *memory, size_t size)
{
    return __asan_region_is_poisoned(memory, size) != NULL;
}
