/* SPDX-License-Identifier: MIT */
/*
 * Proof of the block driver: lists.
 */
#include "blk.h"

/* A piece of so many segments, or of none; 3 are more than list_max. */
static struct virtio_blk_piece piece_of(unsigned count)
{
    size_t bytes = count != 0 ? (count - 1) * disk->size_max + 1 + prove_below(disk->size_max) : 0;

    return (struct virtio_blk_piece){.memory = prove_maybe() ? buffer : NULL, .bytes = bytes};
}

static void use_list(void)
{
    unsigned first = prove_below(4);
    unsigned second = prove_below(3);
    size_t count = second != 0 ? 2 : 1;

    //@ split first;
    //@ split second;
    pieces[0] = piece_of(first);
    pieces[1] = piece_of(second);
    switch (prove_below(4)) {
    case 0:
        (void)virtio_blk_read_list(disk, prove_any64(), pieces, count);
        break;
    case 1:
        (void)virtio_blk_write_list(disk, prove_any64(), pieces, count);
        break;
    case 2:
        (void)virtio_blk_submit_read_list(disk, prove_any64(), pieces, count, buffer);
        break;
    default:
        (void)virtio_blk_submit_write_list(disk, prove_any64(), pieces, count, buffer);
    }
}

void use(void)
{
    if (prove_maybe())
        use_list();
    else
        use_data(disk);
}
