/* SPDX-License-Identifier: MIT */
/* Where the parts of a split queue are: of any size, without an overflow, each behind the one before (spec 2.7.2). */
#include "predicates.h"
#include "../../../src/queue/split.c"

/*@ requires unit == 64 || unit == 4096;
    requires value <= 1048576;
    assigns \nothing;
    ensures multiple: unit == 64 ? \result % 64 == 0 : \result % 4096 == 0;
    ensures least: value <= \result < value + unit; */
static size_t round_up(size_t value, size_t unit);

/*@ requires 1 <= size <= 32768 && \valid(layout);
    assigns *layout;
    ensures alignment: layout->alignment == (legacy ? 4096 : 64);
    ensures available: layout->available == 16 * size;
    ensures used: layout->available + 6 + 2 * size <= layout->used <
                  layout->available + 6 + 2 * size + layout->alignment;
    ensures end: layout->used + 6 + 8 * size <= layout->size < layout->used + 6 + 8 * size + layout->alignment;
    ensures units: legacy ? layout->used % 4096 == 0 && layout->size % 4096 == 0
                          : layout->used % 64 == 0 && layout->size % 64 == 0; */
void virtio_split_layout(uint16_t size, bool legacy, struct virtio_split_layout *layout);
