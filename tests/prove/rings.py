# SPDX-License-Identifier: MIT
"""The proofs of virtqueues, and the known bugs that each must notice (docs/verification.md, Queues)."""

import re

from kinds import Proof, Reading, Seed
import rings_large

# A queue that is started without a failure (which "device" and the tests are for), and what tells results apart.
OPTIONS = ("-eva-slevel", "20", "-eva-slevel-function",
           "virtio_line_text:200,number:60,virtio_packed_reap_many:200",
           "-eva-min-loop-unroll", "6", "-eva-auto-loop-unroll", "8", "-eva-ilevel", "600",
           "-eva-plevel", "2000", "-eva-no-alloc-returns-null",
           "-eva-warn-undefined-pointer-comparison", "none", "-eva-split-return", "auto",
           "-eva-split-return-function",
           "virtio_split_look:1,virtio_packed_look:1,virtio_queue_judge:1,reap_odd:1,reap_odd_0:1,"
           "virtio_packed_reap:1,virtio_split_reap:1,virtio_queue_take:1,virtio_append_desc:0,"
           "virtio_inline_reap_split_9:1,virtio_inline_reap_packed_6:1,virtio_in_order_reap:1",
           "-eva-domains", "equality")

SIZES = (1, 2, 4, 8)

# Of these Eva knows ranges of numbers, not each (rings_large.py).
LARGE_SIZES = tuple(1 << power for power in range(4, 16))
LARGE_OPTIONS = tuple({"600": "16", "2000": "64"}.get(option, option) for option in OPTIONS)

# Of all queues: VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX, VIRTIO_F_VERSION_1, VIRTIO_F_RING_RESET.
FEATURES = 1 << 28 | 1 << 29 | 1 << 32 | 1 << 40
# VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER.
KINDS = {"split": 0, "packed": 1 << 34, "split-in-order": 1 << 35, "packed-in-order": 1 << 34 | 1 << 35}

# Two members read as one, and a mask that is wider than the invariant says ("last", in queue.c) that it need be.
READINGS = (
    Reading("both members of an entry, one by one", "src/queue/queue_internal.h",
            "    uint64_t both = *(const virtio_in_flight_word *)(const void *)entry;\n",
            "    uint32_t chain = entry->chain;\n"
            "    uint64_t both = entry->limit;\n\n"
            "    if (chain >= VIRTIO_CHAIN_KEPT)\n"
            "        return (int64_t)(both | (uint64_t)chain << 32);\n"
            "    both |= (uint64_t)chain << 32;\n"),
    Reading("the last descriptor of a chain, within the ring", "src/queue/split.c",
            "(size_t)both & 0x7fff", "(size_t)both & mask"),
    Reading("each place in the ring by itself", "src/queue/packed.c",
            "        struct pvirtq_desc *stop = slot + (end - at);\n",
            "        //@ split slot - queue->slots;\n        //@ split end - at;\n"
            "        struct pvirtq_desc *stop = slot + (end - at);\n"),
)

# A batch that is longer than the ring ends since an entry that was taken is in flight no more: each entry by itself.
LONG_BATCH = Reading("each used id by itself", "src/queue/split.c",
                     "            both = virtio_in_flight_both(",
                     "            //@ split id;\n            both = virtio_in_flight_both(")

# What was decided in a call is told apart after it.
PREPARED = (
    Reading("what is kept, and nothing", "src/queue/prepared.c",
            "    if (prepared->kept == 0)\n        return VIRTIO_OK;\n",
            "    //@ split prepared->kept == 0;\n"
            "    if (prepared->kept == 0)\n        return VIRTIO_OK;\n"),
    Reading("what was ended, and what was not", "src/queue/prepared.c",
            "    *prepared = (struct virtio_prepared){0};\n",
            "    *prepared = (struct virtio_prepared){0};\n    //@ split prepared->kept == 0;\n"),
)
RECOVER = (
    Reading("a ring that was laid out anew, and one that was not", "src/queue/queue.c",
            "    queue->inside = queue->size + 1u;\n",
            "    queue->inside = queue->size + 1u;\n    //@ split queue->packed;\n"),
)
APART = {"prepared": PREPARED, "recover": RECOVER}


def queue(kind, calls, size, short=False):
    """A proof of a group of calls (queue_CALLS.c) for a queue of a kind and a size."""
    options, readings = OPTIONS, READINGS
    if size in LARGE_SIZES:
        options, readings = LARGE_OPTIONS, (*READINGS[:2], *rings_large.READINGS)
    if size == 2:
        readings += (LONG_BATCH,)
    if calls in APART:
        options += ("-eva-interprocedural-splits",)
        readings += APART[calls]
    return Proof(f"{kind}-{calls}-{size}", "queue.c",
                 (f"PROVE_SIZE={size}", f"PROVE_FEATURES={FEATURES | KINDS[kind]:#x}"),
                 ("tests/prove/fake.c", f"tests/prove/queue_{calls}.c"), options, short, readings,
                 reach=f"{kind}-{calls}-large" if size in LARGE_SIZES else "")


PROOFS = (
    *(queue("split", "reap", size, size == 4) for size in SIZES),
    *(queue("split", "submit", size) for size in SIZES),
    *(queue("packed", "reap", size) for size in SIZES),
    *(queue("packed", "submit", size) for size in SIZES),
    *(queue(kind, calls, 4) for kind in KINDS for calls in ("prepared", "wait", "recover")),
    queue("split-in-order", "reap", 4),
    queue("packed-in-order", "reap", 4),
    *(queue(kind, calls, size) for kind in ("split", "packed") for calls in ("reap", "submit")
      for size in LARGE_SIZES),
)


def of_all_sizes(name):
    """The proofs of that name; a pattern."""
    return tuple(proof.name for proof in PROOFS if re.fullmatch(name + r"-\d+", proof.name))


SEEDS = (
    Seed("a used id that is not checked, in a batch", "src/queue/split.c",
         "if (VIRTIO_UNLIKELY(id > mask))", "if (VIRTIO_UNLIKELY(id > mask + 1))", of_all_sizes("split-reap")),
    Seed("a used id that is not checked, one by one", "src/queue/split.c",
         "if (*id <= queue->mask && *length", "if (*id <= 0xffff && *length", ("split-reap-4",)),
    Seed("a used id that is not checked, inline", "include/virtio/inline.h",
         "if (VIRTIO_INLINE_UNLIKELY(id > queue->mask || length", "if (VIRTIO_INLINE_UNLIKELY(id > 0xffff || length",
         ("split-reap-4",)),
    Seed("a completion more than there is a place for", "src/queue/split.c",
         "left < most ? left : most", "left < most ? left : most + 1", ("split-reap-4",)),
    Seed("an available index that is not masked", "src/queue/split.c",
         "ring[queue->available_index & queue->mask] =", "ring[queue->available_index] =",
         of_all_sizes("split-submit")),
    Seed("a table that is longer than there is a place for", "src/queue/submit.c",
         "count > 1 && count <= queue->table_length &&", "count > 1 &&", ("split-submit-4",)),
    Seed("a used id that is not checked, in a batch of a packed ring", "src/queue/packed.c",
         "if (VIRTIO_UNLIKELY(id > mask))", "if (VIRTIO_UNLIKELY(id > mask + 1))",
         of_all_sizes("packed-reap")),
    Seed("a used id that is not checked, one by one of a packed ring", "src/queue/packed.c",
         "if (*id <= queue->mask && *length", "if (*id <= 0xffff && *length", ("packed-reap-4",)),
    Seed("a packed ring that ends one descriptor too late", "src/queue/packed.c",
         "if (slot++ == queue->slots_last) {", "if (slot++ == queue->slots_last + 1) {",
         of_all_sizes("packed-submit")),
    Seed("a place after the last one", "src/queue/in_order.c",
         "return (head + step) & queue->mask;", "return head + step;", of_all_sizes(".*-in-order-reap")),
    Seed("a buffer that the request does not have", "src/queue/prepared.c",
         "if (which >= prepared->readable + prepared->writable)",
         "if (which > prepared->readable + prepared->writable)", of_all_sizes("(split|packed-in-order)-prepared")),
    Seed("a way that is not barred", "src/queue/prepared.c",
         "{.limit = UINT32_MAX};", "{.limit = 0};", of_all_sizes("split-in-order-prepared")),
    Seed("a prepared request at the end of a packed ring", "include/virtio/inline.h",
         "LIKELY(slot < queue->slots_last)", "LIKELY(slot <= queue->slots_last)", of_all_sizes("packed-prepared")),
    Seed("a chain that was given up is looked for where the next one goes", "src/queue/wait.c",
         "abandon(queue, head);", "abandon(queue, queue->published_index);", of_all_sizes("(split|packed)-wait")),
    Seed("more put aside than there is a place for", "src/queue/detour.c",
         "number & (2 * queue->mask + 1)", "number & (4 * queue->mask + 3)", of_all_sizes(".*-in-order-wait")),
    Seed("one entry more than there is", "src/queue/queue.c",
         "0, queue->size * sizeof(*queue->in_flight)", "0, (queue->size + 1u) * sizeof(*queue->in_flight)",
         of_all_sizes("(split|packed)-recover")),
    Seed("an entry behind the last one is drained", "src/queue/drain.c",
         "while (queue->drain_next < queue->size)", "while (queue->drain_next <= queue->size)",
         of_all_sizes(".*-in-order-recover")),
)
