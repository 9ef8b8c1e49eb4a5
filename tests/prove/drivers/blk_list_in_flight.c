/* SPDX-License-Identifier: MIT */
/*
 * For the proofs of the block driver: requests in flight may be lists.
 */
#include "blk.h"

struct virtio_blk_piece pieces[2];

int begin_request(void)
{
    pieces[0] = (struct virtio_blk_piece){.memory = buffer, .bytes = VIRTIO_BLK_SECTOR_SIZE};
    return virtio_blk_submit_read_list(disk, 0, pieces, 1, buffer) == VIRTIO_OK ? 1 : VIRTIO_E_IO;
}

void havoc_end(struct virtio_blk_slot *slot)
{
    for (unsigned i = 0; i < 2; i++)
        pieces[i].mapping = (struct virtio_mapping){
            .memory = buffer, .size = prove_any64(), .device_address = prove_any64()};
    slot->pieces = pieces;
    slot->piece_count = prove_below(3);
}
