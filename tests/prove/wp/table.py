# SPDX-License-Identifier: MIT
"""The proofs with WP, and the known bugs that each must notice (docs/verification.md)."""

import collections

# functions: what is proved, of the harness (a file here). readings: what is read in another way.
Proof = collections.namedtuple("Proof", "name harness functions readings options short",
                               defaults=((), (), False))

# Put `instead` in the place of what is `there`, once in the file. Of a known bug: a goal of that function is not
# proved then.
Reading = collections.namedtuple("Reading", "name path there instead")
Seed = collections.namedtuple("Seed", "name path there instead proof function")

INLINE = "include/virtio/inline.h"
UNROLL = "#pragma GCC unroll 8\n"


def annotated(name, path, there, annotation):
    """A loop with its invariant, which must come right before it, in the place of a hint to the compiler."""
    loop = there[len(UNROLL):] if there.startswith(UNROLL) else there
    return Reading(name, path, there, f"    /*@ {annotation} */\n{loop}")


# WP knows nothing of arrays without a size: they are as long as the longest ring, and a contract says how much of it
# is there.
RINGS = (
    Reading("an available ring of any size", "include/virtio/ring.h",
            "    uint16_t ring[];\n", "    uint16_t ring[32769];\n"),
    Reading("a used ring of any size", "include/virtio/ring.h",
            "    struct virtq_used_elem ring[];\n", "    struct virtq_used_elem ring[32769];\n"),
)

SPLIT_LOOPS = (
    annotated("loop of virtio_inline_limit", INLINE,
              UNROLL + "    for (uint32_t i = 0; i < writable; i++)\n        limit +=",
              "loop invariant 0 <= i <= writable; loop assigns i, limit; loop variant writable - i;"),
    annotated("loop of virtio_inline_split", INLINE,
              UNROLL + "    for (uint32_t i = 0; i < count; i++) {\n        struct virtq_desc *",
              """loop invariant bounds: 0 <= i <= count && at <= queue->mask && last <= queue->mask;
        loop invariant split: split(queue);
        loop invariant next: next_within(queue);
        loop invariant chains: chains(queue);
        loop assigns i, at, last, queue->descriptors[0 .. queue->mask];
        loop variant count - i;"""),
    annotated("loop of virtio_split_write", "src/queue/split.c", "    for (uint32_t i = 0;; i++) {\n",
              """loop invariant bounds: 0 <= i < request->count && at <= queue->mask;
        loop invariant split: split(queue);
        loop invariant links: links(queue);
        loop assigns i, at, queue->descriptors[0 .. queue->mask];
        loop variant request->count - i;"""),
)

# What the others call.
HELPERS = ("virtio_order_after_load", "virtio_order_before_store", "virtio_order16", "virtio_order32", "virtio_order64",
           "order16", "order32", "virtio_inline_order16", "virtio_inline_order32", "virtio_compiler_barrier",
           "virtio_inline_close", "virtio_inline_open")

PROOFS = (
    Proof("judge", "judge.c", ("virtio_is_in_flight", "virtio_queue_judge")),
    Proof("chain", "chain.c", ("check_append", "virtio_append_desc")),
    Proof("aside", "aside.c", ("aside_at", "virtio_queue_put_aside", "virtio_queue_take_aside")),
    Proof("arithmetic", "arithmetic.c", ("virtio_event_is_due", "virtio_event_distance", "virtio_chain_of", "chain_of",
                                         "virtio_chain_count"), (), (), True),
    Proof("layout", "layout.c", ("round_up", "virtio_split_layout"), (), ("-warn-unsigned-overflow",), True),
    Proof("packed-layout", "packed_layout.c", ("virtio_packed_layout",), (), ("-warn-unsigned-overflow",), True),
    Proof("packed", "packed.c", ("virtio_inline_packed_index", "virtio_packed_advance")),
    Proof("split", "split.c", HELPERS + (
          "virtio_inline_limit", "virtio_inline_enqueue", "virtio_split_enqueue", "virtio_inline_split",
           "virtio_split_write", "virtio_inline_release", "virtio_inline_take_split", "virtio_inline_reap_split",
           "see_used", "nothing_used", "virtio_split_look", "reap_odd", "virtio_split_reap"),
          RINGS + SPLIT_LOOPS),
)

SEEDS = (
    Seed("a count that is one too many", "src/queue/queue_internal.h",
         "return (count - 1) << 16 | (head ^ last);", "return count << 16 | (head ^ last);",
         "arithmetic", "virtio_chain_of"),
    Seed("an event index that comes one too late", INLINE,
         "return (uint16_t)(now - event - 1) <", "return (uint16_t)(now - event) <",
         "arithmetic", "virtio_event_is_due"),
    Seed("an event behind all that is outstanding", "src/queue/queue_internal.h",
         "outstanding * 3 / 4 : outstanding - 1", "outstanding * 3 / 4 : outstanding",
         "arithmetic", "virtio_event_distance"),
    Seed("a used ring that begins within the available ring", "src/queue/split.c",
         "sizeof(struct virtq_avail) + 2 * (size_t)size + 2;", "sizeof(struct virtq_avail) + (size_t)size + 2;",
         "layout", "virtio_split_layout"),
    Seed("a size that is rounded up too far", "src/queue/split.c",
         "(value + unit - 1) &", "(value + unit) &", "layout", "round_up"),
    Seed("event suppression within the last descriptor", "src/queue/packed.c",
         "(layout->available + VIRTIO_CACHE_LINE - 1) &", "(layout->available + 0) &",
         "packed-layout", "virtio_packed_layout"),
    Seed("a lap that ends one descriptor too early", "src/queue/packed.c",
         "if (queue->used_slot > queue->slots_last) {", "if (queue->used_slot >= queue->slots_last) {",
         "packed", "virtio_packed_advance"),
    Seed("an index that forgets the laps", INLINE,
         "return queue->lap_index + (uint32_t)(queue->slot - queue->slots);",
         "return (uint32_t)(queue->slot - queue->slots);", "packed", "virtio_inline_packed_index"),
    Seed("an id that is not checked", "src/queue/queue.c",
         "*entry = id <= queue->mask ? &queue->in_flight[id] : NULL;", "*entry = &queue->in_flight[id];",
         "judge", "virtio_queue_judge"),
    Seed("a chain that is longer than the ring", "src/queue/chain.c",
         "|| count >= queue->size)", "|| count > queue->size)", "chain", "check_append"),
    Seed("bytes that wrap", "src/queue/chain.c",
         "length > UINT32_MAX - chain->bytes ||", "chain->bytes > UINT32_MAX - 1 ||",
         "chain", "check_append"),
    Seed("a place that is masked with the wrong size", "src/queue/detour.c",
         "number & (2 * queue->mask + 1)", "number & (2 * queue->mask + 2)", "aside", "aside_at"),
    Seed("an available index that is not masked", INLINE,
         "ring[queue->available_index & queue->mask] =", "ring[queue->available_index] =",
         "split", "virtio_inline_enqueue"),
    Seed("a used id that is not checked, inline", INLINE,
         "if (VIRTIO_INLINE_UNLIKELY(id > queue->mask || length", "if (VIRTIO_INLINE_UNLIKELY(id > 0xffff || length",
         "split", "virtio_inline_reap_split"),
    Seed("a used index beyond what is outstanding", "src/queue/split.c",
         "left - 1 < queue->published_index - used_index", "left - 1 <= queue->published_index - used_index",
         "split", "see_used"),
    Seed("a flag taken for a part of the last descriptor", INLINE,
         "queue->next[(chain & 0x7fff) ^ id] =", "queue->next[(chain & 0xffff) ^ id] =",
         "split", "virtio_inline_release"),
    Seed("a link that is followed one too far", "src/queue/split.c",
         "        at = queue->next[at];\n", "        at = queue->next[at] + 1u;\n",
         "split", "virtio_split_write"),
)

# Contracts that are not proved: what is wrong with a queue is said in the log, which is a hook.
ASSUMED = ("virtio_queue_broken",)
