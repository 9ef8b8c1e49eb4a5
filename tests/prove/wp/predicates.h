/* SPDX-License-Identifier: MIT */
/*
 * What the contracts say of a queue. The parts of its memory (links, entries, descriptors, ...) are objects of their
 * own here, so that what lies behind the end of one is not another one; an infinite range means an object.
 */
#ifndef PROVE_WP_PREDICATES_H
#define PROVE_WP_PREDICATES_H

#include <virtio/barrier.h>
#include <virtio/ring.h>
#include "arith.h"

/*@ predicate memory(struct virtio_queue *queue) =
        \valid(queue) && \valid_read(queue->device) && is_size(queue->mask + 1) &&
        \valid(queue->in_flight + (0 .. queue->mask)) && \valid(queue->cookies + (0 .. queue->mask)) &&
        \valid(queue->next + (0 .. queue->mask)) &&
        \separated(queue + (..), queue->in_flight + (..)) && \separated(queue + (..), queue->cookies + (..)) &&
        \separated(queue + (..), queue->next + (..));

    // And of the ring itself, if it is a split one.
    predicate split(struct virtio_queue *queue) =
        memory(queue) &&
        \valid(queue->descriptors + (0 .. queue->mask)) &&
        \valid(&queue->available->idx) && \valid(&queue->available->ring[0 .. queue->mask]) &&
        \valid_read(&queue->used->idx) && \valid_read(&queue->used->ring[0 .. queue->mask]) &&
        \separated(queue + (..), queue->descriptors + (..)) &&
        \separated(queue + (..), queue->available + (..)) &&
        \separated(queue->in_flight + (..), queue->descriptors + (..)) &&
        \separated(queue->next + (..), queue->descriptors + (..)) &&
        \separated(queue->next + (..), queue->available + (..));

    // And if it is a packed one.
    predicate packed(struct virtio_queue *queue) =
        \valid(queue) && queue->size == queue->mask + 1 && is_size(queue->mask + 1) &&
        queue->slots_last == queue->slots + queue->mask &&
        \valid(queue->slots + (0 .. queue->mask)) && \separated(queue + (..), queue->slots + (..));

    predicate next_within(struct virtio_queue *queue) =
        \forall integer k; 0 <= k <= queue->mask ==> queue->next[k] <= queue->mask;

    // The free list, and each link.
    predicate links(struct virtio_queue *queue) = queue->free_head <= queue->mask && next_within(queue);

    // From the first to the last descriptor of each chain that is in flight, or was.
    predicate chains(struct virtio_queue *queue) =
        \forall integer k; 0 <= k <= queue->mask ==> (queue->in_flight[k].chain & 0x7fff) <= queue->mask;
*/

#endif
