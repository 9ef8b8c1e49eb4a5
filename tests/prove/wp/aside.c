/* SPDX-License-Identifier: MIT */
/* Completions that are put aside, whatever the counters say: within their place, which is twice the ring's size. */
#include "predicates.h"
#include "../../../src/queue/detour.c"

/*@ predicate aside(struct virtio_queue *queue) =
        \valid(queue) && is_size(queue->mask + 1) &&
        \valid(queue->aside + (0 .. 2 * queue->mask + 1)) &&
        \separated(queue + (..), queue->aside + (..));
*/

/*@ requires aside(queue);
    assigns \result \from queue->aside, queue->mask, number;
    ensures at: \result == queue->aside + (number & (2 * queue->mask + 1));
    ensures within: (number & (2 * queue->mask + 1)) <= 2 * queue->mask + 1; */
static struct virtio_aside *aside_at(struct virtio_queue *queue, uint32_t number);

/*@ requires aside(queue);
    assigns queue->aside[0 .. 2 * queue->mask + 1], queue->aside_count, queue->detour;
    ensures aside: aside(queue);
    ensures count: queue->aside_count == (uint32_t)(\old(queue->aside_count) + 1); */
void virtio_queue_put_aside(struct virtio_queue *queue, void *cookie, uint32_t written,
                            uint32_t room);

/*@ requires aside(queue) && \valid(done) && \separated(done + (..), queue + (..)) &&
             \separated(done + (..), queue->aside + (..));
    assigns *done, queue->room, queue->aside_first, queue->aside_count, queue->detour;
    ensures aside: aside(queue);
    ensures count: queue->aside_count == (uint32_t)(\old(queue->aside_count) - 1); */
void virtio_queue_take_aside(struct virtio_queue *queue, struct virtio_done *done);
