/* SPDX-License-Identifier: MIT */
/*
 * Proofs of the block driver: data, of a disk that has one queue, and of each queue of one that has two.
 */
#include "blk.h"

int begin_request(void)
{
    return 0;
}

void havoc_end(struct virtio_blk_slot *slot)
{
    (void)slot;
}

void use(void)
{
    if (PROVE_MORE && prove_maybe())
        use_data(&more);
    else
        use_data(disk);
}
