# SPDX-License-Identifier: MIT
"""How the library reads in the proofs of rings that Eva knows ranges of numbers in, not each (docs/verification.md).

What an entry says of its chain is anything there, as far as Eva knows. So what is read of it is masked with SIZE - 1,
which by the invariant changes nothing, and what is written to it is asserted where it is written.
"""

from kinds import Reading

INTERNAL, INLINE = "src/queue/queue_internal.h", "include/virtio/inline.h"
SPLIT, PACKED = "src/queue/split.c", "src/queue/packed.c"

ANY_COUNT = "    //@ assert count: 0 < count <= PROVE_SIZE;\n"
ANY_LAST = "    //@ assert last: (head ^ last) < PROVE_SIZE;\n"


def before(name, path, there, what):
    """Annotations before a line."""
    return Reading(name, path, there, what + there)


READ = (
    Reading("the last descriptor of a chain, inline", INLINE, "(chain & 0x7fff) ^ id", "(chain & queue->mask) ^ id"),
    Reading("how many a chain has, inline", INLINE, ".chain >> 16 & 0x7fff;", ".chain >> 16 & queue->mask;"),
)
WRITTEN = (
    before("a chain", INTERNAL, "    return (count - 1) << 16 | (head ^ last);\n", ANY_LAST + ANY_COUNT),
    before("a chain, inline", INLINE,
           "    if (count != 1)\n        entry->chain = (count - 1) << 16 | (head ^ last);\n", ANY_LAST + ANY_COUNT),
    before("a chain of a packed ring, inline", INLINE,
           "    if (count != 1)\n        entry->chain = (count - 1) << 16;\n", ANY_COUNT),
)

# Where in the ring a call begins matters near the ring's end.
PLACES = (
    Reading("the last four places by themselves", SPLIT,
            "    const uint32_t first = queue->used_index & mask;\n",
            "    const uint32_t first = queue->used_index & mask;\n"
            + "".join(f"    //@ split first == mask - {place};\n" for place in range(4))),
    before("each completion by itself", SPLIT, "    if (VIRTIO_LIKELY(stop > end))\n",
           "    //@ split wanted;\n    //@ dynamic_split at - done;\n"),
    before("the last place by itself", PACKED, "        if (slot++ == queue->slots_last) {",
           "        //@ split slot == queue->slots_last;\n"),
)

# A turn of a packed ring's batch ends at `stop`. How far that is, `left`, is counted as well, for a completion takes
# one descriptor at least: left is no more than there are places in `done`.
TURNS = (
    Reading("each completion of a packed ring by itself", PACKED,
            "    virtio_queue_close(queue);\n    do {\n",
            "    virtio_queue_close(queue);\n    //@ dynamic_split at - done;\n    do {\n"),
    Reading("what is left of a turn", PACKED, "            stop = queue->slots_last + 1;\n",
            "            stop = queue->slots_last + 1;\n"
            "        int64_t left = end - at;\n        int64_t turn = stop - slot;\n"
            "        if (turn < left)\n            left = turn;\n"),
    Reading("one descriptor less", PACKED, "            slot++;\n            in_flight",
            "            slot++;\n            left--;\n            in_flight"),
    Reading("and those of the chain", PACKED, "                slot += both >> 16;\n",
            "                slot += both >> 16 & mask;\n"
            "                left -= (int64_t)(both >> 16 & mask);\n"),
    Reading("until there is nothing left", PACKED, "while (slot < stop);", "while (slot < stop && left > 0);"),
)

READINGS = READ + WRITTEN + PLACES + TURNS
