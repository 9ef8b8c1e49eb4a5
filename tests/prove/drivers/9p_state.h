/* SPDX-License-Identifier: MIT */
/*
 * What the proofs of the 9P driver share: all but the calls.
 */
#ifndef PROVE_9P_STATE_H
#define PROVE_9P_STATE_H

#include "../../../src/drivers/9p_internal.h"
#include "../queue_contract.h"

extern struct virtio_9p share;
extern uint8_t list[VIRTIO_9P_LIST_MIN]; /* where a listing goes */
extern uint8_t data[16];

/** A fid of any content, but that its number is one that the driver gives. */
struct virtio_9p_fid any_fid(void);

/** Of the proof: one call, of any of those that it is about. */
void use(void);

#endif
