/* SPDX-License-Identifier: MIT */
/*
 * An arena: the memory hooks of struct virtio_host out of one block that the caller provides, for
 * kernels that have no allocator yet. First fit with coalescing; allocation and release take time
 * proportional to the number of free pieces, which is small because drivers allocate at start only.
 *
 *     static _Alignas(4096) unsigned char pool[64 * 1024];
 *     struct virtio_arena arena;
 *     struct virtio_host host;
 *
 *     virtio_arena_init(&arena, pool, sizeof(pool));
 *     virtio_host_identity(&host, &arena, my_clock_microseconds);
 *
 * The block must be contiguous in physical memory and identity-mapped (device address = CPU address).
 * How much is needed: docs/embedding.md; 64 KiB does for a block device with a queue of 256.
 * An arena is one context's at a time; it has no lock.
 */
#ifndef VIRTIO_ARENA_H
#define VIRTIO_ARENA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct virtio_arena_piece;

struct virtio_arena {
    struct virtio_arena_piece *free_pieces; /* by address */
    size_t size;                            /* bytes in all */
    size_t available;                       /* bytes free now */
};

/**
 * Make an arena of a block of memory.
 *
 * @param arena   out: the arena.
 * @param memory  the block; the arena's until it is given up. Not NULL.
 * @param size    bytes.
 *
 * Context: any.
 */
void virtio_arena_init(struct virtio_arena *arena, void *memory, size_t size);

/**
 * Allocate from the arena.
 *
 * @param size       bytes, at least 1; rounded up to 16.
 * @param alignment  a power of two.
 * @return the memory, its content undefined, or NULL when no piece is large enough.
 *
 * Context: the arena's.
 */
void *virtio_arena_allocate(struct virtio_arena *arena, size_t size, size_t alignment);

/**
 * Give memory back.
 *
 * @param memory  what virtio_arena_allocate returned; NULL is allowed and does nothing.
 * @param size    the size it was asked for.
 *
 * Context: the arena's.
 */
void virtio_arena_free(struct virtio_arena *arena, void *memory, size_t size);

#ifdef __cplusplus
}
#endif

#endif
