/* SPDX-License-Identifier: MIT */
/*
 * For the proofs of the block driver: the calls that every disk has.
 */
#include "blk.h"

void use_data(struct virtio_blk *blk)
{
    struct virtio_blk_done done;

    switch (prove_below(14)) {
    case 0:
        (void)virtio_blk_read(blk, prove_any64(), buffer, prove_any64());
        break;
    case 1:
        (void)virtio_blk_write(blk, prove_any64(), buffer, prove_any64());
        break;
    case 2:
        (void)virtio_blk_submit_read(blk, prove_any64(), buffer, prove_any64(), buffer);
        break;
    case 3:
        (void)virtio_blk_submit_write(blk, prove_any64(), buffer, prove_any64(), buffer);
        break;
    case 4:
        (void)virtio_blk_flush(blk);
        break;
    case 5:
        (void)virtio_blk_submit_flush(blk, buffer);
        break;
    case 6:
        (void)virtio_blk_kick(blk);
        break;
    case 7:
        (void)virtio_blk_reap(blk, &done);
        break;
    case 8:
        (void)virtio_blk_wait(blk, &done, prove_any());
        break;
    case 9:
        (void)virtio_blk_drain(blk, &done);
        break;
    case 10:
        (void)virtio_blk_halt(blk);
        break;
    case 11:
        (void)virtio_blk_recover(disk);
        break;
    case 12:
        (void)virtio_blk_poll_resize(blk);
        break;
    default:
        (void)virtio_blk_set_writeback(blk, prove_maybe());
    }
}
