/* SPDX-License-Identifier: MIT */
/* Arithmetic of indices and of the entries of what is in flight, for all values. */
#include "predicates.h"
#include "../../../src/queue/queue_internal.h"

/* The device wants to hear of an index that is among those from `old` to `now`, which wrap (spec 2.7.10.1). */
/*@ assigns \nothing;
    ensures among: \result <==> (old <= now ? old <= event < now : old <= event || event < now); */
static inline bool virtio_event_is_due(uint16_t event, uint16_t old, uint16_t now);

/* The event lies among what is outstanding: it comes. */
/*@ requires outstanding <= 65535;
    assigns \nothing;
    ensures reached: \result < outstanding || (\result == 0 && outstanding == 0);
    ensures soon: when == VIRTIO_WHEN_SOON ==> \result == 0;
    ensures empty: when == VIRTIO_WHEN_EMPTY && outstanding != 0 ==> \result == outstanding - 1; */
static inline uint32_t virtio_event_distance(uint32_t outstanding, int when);

/* What is put together is what is taken apart again, and says neither KEPT nor UNLIMITED. */
/*@ requires head <= mask && last <= mask && is_size(mask + 1) && 1 <= count <= mask + 1;
    assigns \nothing;
    ensures last: (\result & 0x7fff) == (head ^ last);
    ensures within: (\result & 0x7fff) <= mask;
    ensures count: (\result >> 16 & 0x7fff) + 1 == count;
    ensures not_kept: \result < VIRTIO_CHAIN_KEPT; */
static uint32_t chain_of(uint32_t mask, uint32_t head, uint32_t last, uint32_t count)
{
    return virtio_chain_of(head, last, count);
}

/*@ requires head <= 0x7fff && last <= 0x7fff && (head ^ last) <= 0x7fff && 1 <= count <= 32768;
    assigns \nothing;
    ensures last: (\result & 0x7fff) == (head ^ last);
    ensures count: (\result >> 16 & 0x7fff) + 1 == count;
    ensures not_kept: \result < 0x80000000; */
static inline uint32_t virtio_chain_of(uint32_t head, uint32_t last, uint32_t count);

/*@ assigns \nothing;
    ensures count: \result == (chain >> 16 & 0x7fff) + 1;
    ensures few: 1 <= \result <= 32768; */
static inline uint32_t virtio_chain_count(uint32_t chain);
