/* SPDX-License-Identifier: MIT */
/*
 * Proof of the block driver: ranges, and small questions.
 */
#include "blk.h"

static void use_ranges(void)
{
    struct virtio_blk_range ranges[2];
    size_t count = prove_below(3);

    //@ split count;
    for (unsigned i = 0; i < 2; i++)
        ranges[i] = (struct virtio_blk_range){prove_any64(), prove_any64()};
    switch (prove_below(6)) {
    case 0:
        (void)virtio_blk_discard(disk, ranges, count);
        break;
    case 1:
        (void)virtio_blk_write_zeroes(disk, ranges, count, prove_maybe());
        break;
    case 2:
        (void)virtio_blk_secure_erase(disk, ranges, count);
        break;
    case 3:
        (void)virtio_blk_submit_discard(disk, ranges, count, buffer);
        break;
    case 4:
        (void)virtio_blk_submit_write_zeroes(disk, ranges, count, prove_maybe(), buffer);
        break;
    default:
        (void)virtio_blk_submit_secure_erase(disk, ranges, count, buffer);
    }
}

void use(void)
{
    struct virtio_blk_lifetime lifetime;
    char id[VIRTIO_BLK_ID_SIZE];

    switch (prove_below(3)) {
    case 0:
        use_ranges();
        break;
    case 1:
        (void)virtio_blk_get_id(disk, id);
        break;
    default:
        (void)virtio_blk_get_lifetime(disk, &lifetime);
    }
}
