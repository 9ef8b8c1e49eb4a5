/* SPDX-License-Identifier: MIT */
/*
 * Proof of a queue, by induction: a queue is started, what changes afterwards is set to anything that the
 * invariant of docs/verification.md allows, one call is made, with a device that writes anything at any time to
 * the memory that it shares, and the invariant is asserted. So it holds after any calls in any order. One run
 * for each size (PROVE_SIZE), set of ring features (PROVE_FEATURES) and group of calls (PROVE_CALLS).
 */
#include "fake.h"
#include <virtio/inline.h>
#include "../../src/queue/queue_internal.h"

#define PROVE_REAP   1
#define PROVE_SUBMIT 2
#define PROVE_OTHERS 3

static struct virtio_device device;
static struct virtio_queue queue;
static struct virtio_done done[4];
static struct virtio_buffer buffers[4];

/* The parts of the queue's memory, each by itself: what lies behind the end of one is not another one. */
static struct virtio_in_flight in_flight[PROVE_SIZE];
static void *cookies[PROVE_SIZE];
static uint16_t next[PROVE_SIZE];
static struct virtio_aside aside[2 * PROVE_SIZE];
static struct virtio_buffer staged[PROVE_SIZE];
static struct virtq_desc descriptors[PROVE_SIZE];
static struct pvirtq_desc slots[PROVE_SIZE];
static uint16_t available[3 + PROVE_SIZE];
static uint32_t used[2 + 2 * PROVE_SIZE];
static struct pvirtq_event_suppress events[2];

static void part(void)
{
    queue.in_flight = in_flight;
    queue.cookies = cookies;
    queue.next = next;
    queue.aside = aside;
    queue.staged = staged;
    if (queue.packed) {
        queue.slots = slots;
        queue.slots_last = &slots[PROVE_SIZE - 1];
        queue.driver_event = &events[0];
        queue.device_event = &events[1];
        return;
    }
    queue.descriptors = descriptors;
    queue.available = (struct virtq_avail *)(void *)available;
    queue.used = (struct virtq_used *)(void *)used;
    queue.used_event = &available[2 + PROVE_SIZE];
    queue.avail_event = (const uint16_t *)(const void *)&used[1 + 2 * PROVE_SIZE];
}

static bool start(void)
{
    static const struct virtio_queue_options options = {.size_limit = PROVE_SIZE,
                                                        .table_length = 3};
    int error;

    prove_host_begin(false);
    device.host = &prove_host;
    device.ops = &prove_modern_ops;
    device.state = VIRTIO_DEVICE_BEGUN;
    device.features = PROVE_FEATURES;
    device.features_offered = PROVE_FEATURES;
    device.timeout_us = prove_any();
    prove_queue_size = PROVE_SIZE;
    error = virtio_queue_start_with(&queue, &device, 0, &options);
    prove_queue_size = 0;
    return error == VIRTIO_OK;
}

/* An entry of a chain that is in flight, or of none. */
static uint32_t any_chain(void)
{
    uint32_t chain = prove_below(PROVE_SIZE) << 16 | prove_below(PROVE_SIZE);

    chain |= prove_maybe() ? VIRTIO_CHAIN_UNLIMITED : 0;
    return prove_maybe() ? chain : VIRTIO_CHAIN_KEPT | chain;
}

/* A caller's, or that of a chain whose flush gave up. */
static void *any_cookie(void)
{
    return prove_maybe() ? (void *)&buffers : (void *)(uintptr_t)&virtio_nobody;
}

static void havoc_entries(void)
{
    while (prove_maybe()) {
        uint32_t at = prove_below(PROVE_SIZE);

        queue.next[at] = (uint16_t)prove_below(PROVE_SIZE);
        queue.in_flight[at].limit = prove_any();
        queue.in_flight[at].chain = any_chain();
        queue.cookies[at] = any_cookie();
        queue.aside[prove_below(2 * PROVE_SIZE)] =
            (struct virtio_aside){any_cookie(), prove_any(), prove_any()};
    }
}

/* The places are chosen by whoever wants them to be looked at one by one. */
static void havoc_packed(uint32_t place, uint32_t used_place)
{
    queue.slot = queue.slots + place;
    queue.used_slot = queue.slots + used_place;
    queue.available_lap = prove_any();
    queue.available_word = prove_any64();
    queue.used_lap = prove_any();
    queue.lap_index = prove_any();
}

static void havoc(void)
{
    havoc_entries();
    if (queue.packed)
        havoc_packed(prove_below(PROVE_SIZE), prove_below(PROVE_SIZE));
    queue.free_head = prove_below(PROVE_SIZE);
    queue.room = prove_any();
    queue.inside = prove_any();
    queue.available_index = prove_any();
    queue.published_index = prove_any();
    queue.used_index = prove_any();
    queue.used_seen = prove_any();
    queue.interrupts = prove_below(2);
    queue.oldest = prove_below(PROVE_SIZE);
    queue.batch_left = prove_any();
    queue.batch_written = prove_any();
    queue.aside_first = prove_any();
    queue.aside_count = prove_any();
    queue.abandoned = prove_any();
    queue.serial = prove_any();
    queue.detour |= prove_below(4);
    queue.kick_detour = prove_below(4);
    queue.generation = prove_any();
    queue.error = -(int)prove_below(100);
    queue.ignores_length = prove_below(2);
    queue.recovered = prove_below(2);
    queue.drain_next = prove_below(PROVE_SIZE + 1);
    device.state = (enum virtio_device_state)prove_below(VIRTIO_DEVICE_LOST + 1);
}

static void check(void)
{
    uint32_t at = prove_below(PROVE_SIZE);

    /*@ assert link: queue.next[at] < PROVE_SIZE; */
    /*@ assert last: (queue.in_flight[at].chain & 0x7fff) < PROVE_SIZE; */
    /*@ assert count: ((queue.in_flight[at].chain >> 16) & 0x7fff) < PROVE_SIZE; */
    /*@ assert head: queue.free_head < PROVE_SIZE; */
    /*@ assert oldest: queue.oldest < PROVE_SIZE; */
    /*@ assert drained: queue.drain_next <= PROVE_SIZE; */
    /*@ assert places: !queue.packed || (queue.slots <= queue.slot <= queue.slots_last &&
                       queue.slots <= queue.used_slot <= queue.slots_last); */
    (void)at;
}

#if PROVE_CALLS == PROVE_REAP

/* Batches end within `done`, and turn at the ring's end: each place in the ring is looked at by itself. */
static void reap_many(void)
{
    uint32_t first = prove_below(PROVE_SIZE);
    uint32_t most = prove_below(5);

    //@ split first;
    //@ split most;
    if (queue.packed)
        queue.used_slot = queue.slots + first;
    else
        queue.used_index = (prove_any() & ~queue.mask) + first;
    (void)virtio_reap_many(&queue, done, most);
}

static void use(void)
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
}

#elif PROVE_CALLS == PROVE_SUBMIT

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
    //@ split place;
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
    //@ split place;
    if (queue.packed)
        queue.slot = queue.slots + place;
    (void)virtio_submit(&queue, &chain, &device);
}

static void use(void)
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
}

#endif

int main(void)
{
    if (!start())
        return 0;
    part();
    havoc();
    use();
    check();
    return 0;
}
