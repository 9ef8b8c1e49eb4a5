/* SPDX-License-Identifier: MIT */
/*
 * Queues by their contract, for proofs of drivers: include/virtio/queue.h says what a call may answer and
 * what a completion is (a cookie that was submitted, and at most as many bytes as the chain's device-written
 * buffers have), and that is all that a driver may rely on. The proofs of queues are about the other side: that
 * nothing that a device does leads anywhere else.
 *
 * The contract here promises less, which proves more: a cookie may come back several times, and with as much
 * written as the largest chain of its queue had room for; and completions come when nothing is in flight.
 */
#ifndef PROVE_QUEUE_CONTRACT_H
#define PROVE_QUEUE_CONTRACT_H

#include <virtio/queue.h>
#include "fake.h"

/** The size of all queues, a power of two; no larger than any driver's limit. */
#ifndef PROVE_QUEUE_SIZE
#define PROVE_QUEUE_SIZE 4u
#endif

/** Queues are told apart up to this index; those from there on are one. */
#ifndef PROVE_QUEUES
#define PROVE_QUEUES 4u
#endif

/** Queues up to this index are in the device's list of queues. Eva is not sure that one which was taken out of it is in
 * it no more: not those in memory that is freed afterwards. */
#ifndef PROVE_LISTED
#define PROVE_LISTED PROVE_QUEUES
#endif

/** What the device gave back or may yet give back of queue `index`: from now on that is `cookie`, with at most `room`
 * bytes written. For inductions, which begin with any chains in flight. */
void prove_in_flight(uint16_t index, void *cookie, uint32_t room);

/** A device that was found: of a modern or a legacy transport, with any answers to all that a driver asks. */
void prove_find(struct virtio_device *found, uint32_t type);

/** What state a driver's device can be in after its start succeeded. */
enum virtio_device_state prove_started_state(void);

#endif
