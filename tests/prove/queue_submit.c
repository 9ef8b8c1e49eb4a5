/* SPDX-License-Identifier: MIT */
/*
 * Proof of requests of up to four buffers, of kicks, and of interrupts (queue.h).
 */
#include "queue.h"

/* Requests of 0 to 4 buffers. */
static void use_buffers(bool is_inline)
{
    uint32_t place = prove_below(PROVE_SIZE);
    uint32_t readable = prove_below(3);
    uint32_t writable = prove_below(3);

    for (unsigned i = 0; i < 4; i++) {
        buffers[i].device_address = prove_any64();
        buffers[i].length = prove_any();
    }
#if !PROVE_LARGE
    //@ split place;
#endif
    //@ split readable;
    //@ split writable;
    if (queue.packed)
        queue.slot = queue.slots + place;
    if (is_inline && (queue.packed || readable + writable <= PROVE_SIZE))
        (void)virtio_submit_inline(&queue, buffers, (uint16_t)readable, (uint16_t)writable,
                                   &device);
    else
        (void)virtio_submit_buffers(&queue, buffers, (uint16_t)readable, (uint16_t)writable,
                                    &device);
}

/* A chain that holds some buffers already. */
static void use_chain(void)
{
    struct virtio_chain chain;
    uint32_t place = prove_below(PROVE_SIZE);
    uint32_t readable = prove_below(3);
    uint32_t writable = prove_below(3);

    virtio_prepare(&queue, &chain);
    //@ split readable;
    //@ split writable;
    for (uint32_t i = 0; i < readable; i++) {
        //@ split chain.readable;
        (void)virtio_append_desc(&queue, prove_any64(), prove_any(), 0, &chain);
    }
    for (uint32_t i = 0; i < writable; i++) {
        //@ split chain.readable;
        //@ split chain.writable;
        (void)virtio_append_desc(&queue, prove_any64(), prove_any(), (uint16_t)prove_any(), &chain);
    }
    //@ split chain.readable;
    //@ split chain.writable;
#if !PROVE_LARGE
    //@ split place;
#endif
    if (queue.packed)
        queue.slot = queue.slots + place;
    (void)virtio_submit(&queue, &chain, &device);
}

bool prove_use(void)
{
    switch (prove_below(7)) {
    case 0:
        use_buffers(false);
        break;
    case 1:
        use_buffers(true);
        break;
    case 2:
        use_chain();
        break;
    case 3:
        (void)virtio_kick(&queue);
        break;
    case 4:
        (void)virtio_kick_inline(&queue);
        break;
    case 5:
        (void)virtio_enable_interrupts(&queue, (enum virtio_when)prove_below(3));
        break;
    default:
        (void)virtio_disable_interrupts(&queue);
    }
    return true;
}
