/* SPDX-License-Identifier: MIT */
/*
 * Proofs of the block driver: data. Of a disk that has one queue, or of a queue beside the first.
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
    use_data(PROVE_MORE ? &more : disk);
}
