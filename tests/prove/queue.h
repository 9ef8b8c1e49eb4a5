/* SPDX-License-Identifier: MIT */
/*
 * The queue that the proofs of queues share. Each is an induction: a queue is started, what changes afterwards is
 * set to anything that the invariant of docs/verification.md allows, one call is made, with a device that writes
 * anything at any time to the memory that it shares, and the invariant is asserted. So it holds after any calls in
 * any order. One run for each size (PROVE_SIZE), set of ring features (PROVE_FEATURES) and group of calls, which
 * is a file (queue_reap.c and so on).
 */
#ifndef PROVE_QUEUE_H
#define PROVE_QUEUE_H

#include "fake.h"
#include <virtio/inline.h>
#include "../../src/queue/queue_internal.h"

/** Eva knows ranges of numbers here, not each of them: what an entry says of its chain is anything, and what
 * rings_large.py adds to the library says what is read and written of it. */
#define PROVE_LARGE (PROVE_SIZE > 8)

extern struct virtio_device device;
extern struct virtio_queue queue;
extern struct virtio_buffer buffers[4];

/** Any caller's cookie, or that of a chain whose flush gave up. */
void *prove_cookie(void);

/** Give the queue its private memory back as it was allocated, for a call that frees it. */
void prove_unpart(void);

/** Make one call of the group. @return is the queue as it was parted? */
bool prove_use(void);

#endif
