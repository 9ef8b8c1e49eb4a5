/* SPDX-License-Identifier: MIT */
/*
 * The queue that the proofs of queues share: started, set to anything that the invariant allows, used, and the
 * invariant asserted (queue.h).
 */
#include "queue.h"

struct virtio_device device;
struct virtio_queue queue;
struct virtio_buffer buffers[4];

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

static struct virtio_queue started; /* as it was before its memory was parted */

static void part(void)
{
    started = queue;
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

void prove_unpart(void)
{
    queue.aside = started.aside;
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

    if (PROVE_LARGE)
        return prove_any();
    chain |= prove_maybe() ? VIRTIO_CHAIN_UNLIMITED : 0;
    return prove_maybe() ? chain : VIRTIO_CHAIN_KEPT | chain;
}

void *prove_cookie(void)
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
        queue.cookies[at] = prove_cookie();
        queue.aside[prove_below(2 * PROVE_SIZE)] =
            (struct virtio_aside){prove_cookie(), prove_any(), prove_any()};
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
    queue.event_idx = prove_below(2);
    queue.order_platform = prove_below(2);
    queue.error = -(int)prove_below(100);
    queue.ignores_length = prove_below(2);
    queue.recovered = prove_below(2);
    queue.drain_next = prove_below(PROVE_SIZE + 1);
    device.state = (enum virtio_device_state)prove_below(VIRTIO_DEVICE_LOST + 1);
}

/* The pointers are those of the beginning: as parted, or, of a ring that was laid out anew, as started. */
static void check_pointers(void)
{
    /*@ assert private: queue.in_flight == &in_flight[0] && queue.cookies == &cookies[0] &&
                        queue.next == &next[0] && queue.aside == &aside[0] &&
                        queue.staged == &staged[0]; */
    if (queue.packed) {
        /*@ assert slots: queue.slots == &slots[0] || queue.slots == started.slots; */
        /*@ assert last_slot: queue.slots_last == &slots[PROVE_SIZE - 1] ||
                              queue.slots_last == started.slots_last; */
        /*@ assert driver_event: queue.driver_event == &events[0] ||
                                 queue.driver_event == started.driver_event; */
        /*@ assert device_event: queue.device_event == &events[1] ||
                                 queue.device_event == started.device_event; */
        return;
    }
    /*@ assert descriptors: queue.descriptors == &descriptors[0] ||
                            queue.descriptors == started.descriptors; */
    /*@ assert available: queue.available == (struct virtq_avail *)(void *)&available[0] ||
                          queue.available == started.available; */
    /*@ assert used: queue.used == (struct virtq_used *)(void *)&used[0] ||
                     queue.used == started.used; */
    /*@ assert used_event: queue.used_event == &available[2 + PROVE_SIZE] ||
                           queue.used_event == started.used_event; */
    /*@ assert avail_event: queue.avail_event == (uint16_t *)(void *)&used[1 + 2 * PROVE_SIZE] ||
                            queue.avail_event == started.avail_event; */
}

static void check(void)
{
    uint32_t at = prove_below(PROVE_SIZE);

    /*@ assert link: queue.next[at] < PROVE_SIZE; */
    /*@ assert last: PROVE_LARGE || (queue.in_flight[at].chain & 0x7fff) < PROVE_SIZE; */
    /*@ assert count: PROVE_LARGE || ((queue.in_flight[at].chain >> 16) & 0x7fff) < PROVE_SIZE; */
    /*@ assert head: queue.free_head < PROVE_SIZE; */
    /*@ assert oldest: queue.oldest < PROVE_SIZE; */
    /*@ assert drained: queue.drain_next <= PROVE_SIZE; */
    check_pointers();
    /*@ assert places: !queue.packed || (queue.slots <= queue.slot <= queue.slots_last &&
                       queue.slots <= queue.used_slot <= queue.slots_last); */
    (void)at;
}

int main(void)
{
    /*@ widen_hints "global":"all", PROVE_SIZE; */
    if (!start())
        return 0;
    part();
    havoc();
    if (prove_use())
        check();
    return 0;
}
