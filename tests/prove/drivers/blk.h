/* SPDX-License-Identifier: MIT */
/*
 * What the proofs of the block driver share. Each is an induction (blk_disk.c): a disk is started, what changes
 * afterwards is set to anything that the invariant allows, one call is made, and the invariant is asserted. The
 * proofs differ in their calls.
 */
#ifndef PROVE_DRIVERS_BLK_H
#define PROVE_DRIVERS_BLK_H

#include "../../../src/drivers/blk_internal.h"
#include "../queue_contract.h"
#include <virtio/blk_zoned.h>

/** The slots of a queue of 8 descriptors. */
#define SLOTS 2u

/** As blk_kept.c has it. */
struct virtio_blk_kept {
    struct virtio_prepared prepared;
    struct virtio_buffer buffers[3];
    uint16_t readable;
};

/** The disk, the layer for zones above it, and the queue beside the disk's own. */
extern struct virtio_blk_zoned zoned;
extern struct virtio_blk *const disk;
extern struct virtio_blk more;

/** A caller's memory, and its cookie. */
extern uint8_t buffer[4];

/** blk_list_in_flight.c: what lists refer to. */
extern struct virtio_blk_piece pieces[2];

/** blk_data.c: reads, writes, flushes, and what belongs to all requests. */
void use_data(struct virtio_blk *blk);

/* ---- Each proof's own ---- */

/** Hand in, as the first one, a request that ends in a way of its own (`unmap` of its slot). @return 1; 0 if there is no
 * such request; or an error. */
int begin_request(void);

/** What the end of such a request finds: anything that may be there. */
void havoc_end(struct virtio_blk_slot *slot);

/** One call. */
void use(void);

#endif
