/* SPDX-License-Identifier: MIT */
/* A chain that is built buffer by buffer: no longer than the ring, of any size, and its bytes add up. */
#include "predicates.h"
#include "../../../src/queue/chain.c"

/*@ predicate staged(struct virtio_queue *queue, struct virtio_chain *chain) =
        \valid(queue) && \valid(chain) && 1 <= queue->size <= 32768 &&
        \valid(queue->staged + (0 .. queue->size - 1)) &&
        \separated(queue + (..), chain + (..)) && \separated(queue + (..), queue->staged + (..)) &&
        \separated(chain + (..), queue->staged + (..));
*/

/*@ requires \valid_read(queue) && \valid_read(chain);
    assigns \nothing;
    ensures room: \result == VIRTIO_OK ==> chain->readable + chain->writable < queue->size;
    ensures bytes: \result == VIRTIO_OK ==> chain->bytes + length <= UINT32_MAX && length != 0;
    ensures order: \result == VIRTIO_OK && flags == 0 ==> chain->writable == 0; */
static int check_append(const struct virtio_queue *queue, uint32_t length, uint16_t flags,
                        const struct virtio_chain *chain);

/*@ requires staged(queue, chain);
    assigns chain->error, chain->bytes, chain->readable, chain->writable,
            queue->staged[0 .. queue->size - 1];
    ensures one: \result == VIRTIO_OK ==>
        chain->readable + chain->writable == \old(chain->readable) + \old(chain->writable) + 1;
    ensures fits: \result == VIRTIO_OK ==> chain->readable + chain->writable <= queue->size;
    ensures bytes: \result == VIRTIO_OK ==> chain->bytes == \old(chain->bytes) + length;
    ensures same: \result != VIRTIO_OK ==>
        chain->readable == \old(chain->readable) && chain->writable == \old(chain->writable) &&
        chain->bytes == \old(chain->bytes) && chain->error != VIRTIO_OK; */
int virtio_append_desc(struct virtio_queue *queue, uint64_t device_address, uint32_t length,
                       uint16_t flags, struct virtio_chain *chain);
