/* SPDX-License-Identifier: MIT */
/*
 * Buffer queues (src/drivers/buffer_queue.h) in proofs of the drivers that are made of them: their part of a
 * driver's invariant.
 */
#ifndef PROVE_BUFFERS_H
#define PROVE_BUFFERS_H

#include <virtio/buffer_queue.h>

/** Set what changes after a start to anything: any of the buffers are in flight and may come back, of queue `index`,
 * with up to `room` bytes written. One that was not started is left alone. */
void prove_buffers_any(struct virtio_buffer_queue *buffers, uint16_t index, uint32_t room);

/** Assert that the rest is as it was: `depth` buffers of `size` bytes each, or none. */
void prove_buffers_check(const struct virtio_buffer_queue *buffers, uint16_t depth, uint32_t size);

#endif
