/* SPDX-License-Identifier: MIT */
/* The packed ring, of any size: places stay within it, and a lap ends where the ring does. */
#include "predicates.h"
#include "../../../src/queue/packed.c"

/* Where the next descriptor goes. */
/*@ requires packed(queue);
    requires \exists integer place; 0 <= place <= queue->mask && queue->slot == queue->slots + place;
    assigns \nothing;
    ensures index: \forall integer place; 0 <= place <= queue->mask && queue->slot == queue->slots + place ==>
        \result == (uint32_t)(queue->lap_index + place); */
VIRTIO_INLINE uint32_t virtio_inline_packed_index(const struct virtio_queue *queue);

/* Of the two that are ensured the one or the other applies: so the place stays within the ring. */
/*@ requires packed(queue) && 1 <= count <= queue->mask + 1;
    requires \exists integer place; 0 <= place <= queue->mask && queue->used_slot == queue->slots + place;
    assigns queue->used_index, queue->used_slot, queue->used_lap;
    ensures packed: packed(queue);
    ensures same_lap: \forall integer place;
        0 <= place && place + count <= queue->mask && \old(queue->used_slot) == queue->slots + place ==>
        queue->used_slot == queue->slots + (place + count) && queue->used_lap == \old(queue->used_lap);
    ensures next_lap: \forall integer place;
        place <= queue->mask < place + count && \old(queue->used_slot) == queue->slots + place ==>
        queue->used_slot == queue->slots + (place + count - queue->mask - 1) &&
        queue->used_lap == (\old(queue->used_lap) ^ 0x80800000); */
void virtio_packed_advance(struct virtio_queue *queue, uint32_t count);
