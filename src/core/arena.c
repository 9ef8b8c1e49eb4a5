/* SPDX-License-Identifier: MIT */
/*
 * First-fit memory out of one block. Free pieces carry their own list nodes, kept by address so that
 * neighbours coalesce; pieces in use carry nothing, because every release names its size.
 */
#include <virtio/arena.h>
#include <virtio/host.h>

/* Every piece begins and ends on this; also what host.allocate promises. */
#define UNIT 16u

struct virtio_arena_piece {
    struct virtio_arena_piece *next;
    size_t size;
};

_Static_assert(sizeof(struct virtio_arena_piece) <= UNIT, "a free piece's node must fit a unit");

static uintptr_t round_up(uintptr_t value, size_t unit)
{
    return (value + unit - 1) & ~(uintptr_t)(unit - 1);
}

static uintptr_t end_of(const struct virtio_arena_piece *piece)
{
    return (uintptr_t)piece + piece->size;
}

void virtio_arena_init(struct virtio_arena *arena, void *memory, size_t size)
{
    uintptr_t begin = round_up((uintptr_t)memory, UNIT);
    uintptr_t end = ((uintptr_t)memory + size) & ~(uintptr_t)(UNIT - 1);

    arena->free_pieces = NULL;
    arena->size = end > begin ? end - begin : 0;
    arena->available = arena->size;
    if (arena->size == 0)
        return;
    arena->free_pieces = (struct virtio_arena_piece *)begin;
    arena->free_pieces->next = NULL;
    arena->free_pieces->size = arena->size;
}

/* Cut [begin, begin + size) out of a free piece; what is left before and behind stays free. */
static void carve(struct virtio_arena_piece **link, uintptr_t begin, size_t size)
{
    struct virtio_arena_piece *piece = *link;
    struct virtio_arena_piece *rest = piece->next;
    uintptr_t end = end_of(piece);

    if (end > begin + size) {
        struct virtio_arena_piece *behind = (struct virtio_arena_piece *)(begin + size);

        behind->size = end - (begin + size);
        behind->next = rest;
        rest = behind;
    }
    if (begin > (uintptr_t)piece) {
        piece->size = begin - (uintptr_t)piece;
        piece->next = rest;
    } else {
        *link = rest;
    }
}

void *virtio_arena_allocate(struct virtio_arena *arena, size_t size, size_t alignment)
{
    if (size == 0 || size > arena->size || alignment > arena->size)
        return NULL;
    if (alignment < UNIT)
        alignment = UNIT;
    size = round_up(size, UNIT);
    for (struct virtio_arena_piece **link = &arena->free_pieces; *link != NULL;
         link = &(*link)->next) {
        uintptr_t begin = round_up((uintptr_t)*link, alignment);

        if (begin < (uintptr_t)*link || begin > end_of(*link) || end_of(*link) - begin < size)
            continue;
        carve(link, begin, size);
        arena->available -= size;
        return (void *)begin;
    }
    return NULL;
}

void virtio_arena_free(struct virtio_arena *arena, void *memory, size_t size)
{
    struct virtio_arena_piece *piece = memory;
    struct virtio_arena_piece *before = NULL;
    struct virtio_arena_piece *behind = arena->free_pieces;

    if (memory == NULL)
        return;
    piece->size = round_up(size, UNIT);
    arena->available += piece->size;
    while (behind != NULL && behind < piece) {
        before = behind;
        behind = behind->next;
    }
    piece->next = behind;
    if (behind != NULL && end_of(piece) == (uintptr_t)behind) {
        piece->size += behind->size;
        piece->next = behind->next;
    }
    if (before == NULL) {
        arena->free_pieces = piece;
    } else if (end_of(before) == (uintptr_t)piece) {
        before->size += piece->size;
        before->next = piece->next;
    } else {
        before->next = piece;
    }
}
