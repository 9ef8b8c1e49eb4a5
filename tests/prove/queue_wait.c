/* SPDX-License-Identifier: MIT */
/*
 * Proof of waiting: for any completion, and in a flush for that of one chain, while the device may complete others,
 * lie, or ask for a reset (queue.h).
 */
#include "queue.h"

static struct virtio_done done;

/* A chain of up to four buffers. */
static void flush(void)
{
    struct virtio_chain chain;
    uint32_t written;
    uint32_t place = prove_below(PROVE_SIZE);
    uint32_t readable = prove_below(3);
    uint32_t writable = prove_below(3);

    //@ split place;
    //@ split readable;
    //@ split writable;
    for (unsigned i = 0; i < 4 && i < PROVE_SIZE; i++) {
        queue.staged[i].device_address = prove_any64();
        queue.staged[i].length = prove_any();
    }
    virtio_prepare(&queue, &chain);
    chain.readable = (uint16_t)readable;
    chain.writable = (uint16_t)writable;
    if (queue.packed)
        queue.slot = queue.slots + place;
    (void)virtio_flush(&queue, &chain, prove_maybe() ? &written : NULL);
}

bool prove_use(void)
{
    if (prove_maybe())
        (void)virtio_wait(&queue, &done, prove_any());
    else
        flush();
    return true;
}
