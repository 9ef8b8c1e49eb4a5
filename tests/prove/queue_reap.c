/* SPDX-License-Identifier: MIT */
/*
 * Proof of completions: one by one, inline, in batches, by detours, in a drain (queue.h).
 */
#include "queue.h"

static struct virtio_done done[4];

/* Batches end within `done`, and turn at the ring's end: each place in the ring is looked at by itself. */
static void reap_many(void)
{
    uint32_t first = prove_below(PROVE_SIZE);
    uint32_t most = prove_below(5);

#if !PROVE_LARGE
    //@ split first;
#endif
    //@ split most;
    if (queue.packed)
        queue.used_slot = queue.slots + first;
    else
        queue.used_index = (prove_any() & ~queue.mask) + first;
    (void)virtio_reap_many(&queue, done, most);
}

bool prove_use(void)
{
    switch (prove_below(4)) {
    case 0:
        (void)virtio_reap(&queue, done);
        break;
    case 1:
        (void)virtio_reap_inline(&queue, done);
        break;
    case 2:
        reap_many();
        break;
    default:
        (void)virtio_drain(&queue, done);
    }
    return true;
}
