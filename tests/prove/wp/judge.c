/* SPDX-License-Identifier: MIT */
/* An odd id or length is judged, or closes the queue, for rings of any size. */
#include "predicates.h"
#include "../../../src/queue/queue.c"
#include "judge.h"

/*@ requires \valid_read(entry);
    assigns \nothing;
    ensures \result ==> entry->limit != 0 || entry->chain != 0; */
static inline bool virtio_is_in_flight(const struct virtio_in_flight *entry);
