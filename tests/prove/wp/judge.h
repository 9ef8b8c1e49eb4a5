/* SPDX-License-Identifier: MIT */
/* What the rings rely on when a device said something odd. */
#ifndef PROVE_WP_JUDGE_H
#define PROVE_WP_JUDGE_H

#include "../../../src/queue/queue_internal.h"

/*@ requires \valid(queue);
    assigns queue->error, queue->room;
    ensures closed: queue->room == 0 && \result < 0; */
int virtio_queue_broken(struct virtio_queue *queue, const char *what, uint32_t value);

/*@ requires memory(queue) && \valid(length) && \separated(length + (..), queue + (..));
    requires \separated(length + (..), queue->in_flight + (..));
    assigns queue->error, queue->room, *length;
    ensures closed: \result == 1 || (\result < 0 && queue->room == 0);
    ensures within: \result == 1 ==> id <= queue->mask; */
int virtio_queue_judge(struct virtio_queue *queue, uint32_t id, uint32_t *length, bool ignore);

#endif
