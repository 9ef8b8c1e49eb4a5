/* SPDX-License-Identifier: MIT */
/* The same of a packed queue (spec 2.8.10). */
#include "predicates.h"
#include "../../../src/queue/packed.c"

/*@ requires 1 <= size <= 32768 && \valid(layout);
    assigns *layout;
    ensures alignment: layout->alignment == 64;
    ensures driver: layout->available % 64 == 0 && 16 * size <= layout->available < 16 * size + 64;
    ensures device: layout->used == layout->available + 64;
    ensures end: layout->size == layout->used + 64; */
void virtio_packed_layout(uint16_t size, struct virtio_split_layout *layout);
