/* SPDX-License-Identifier: MIT */
/*
 * Proof of the entropy driver, by induction: it is started, what changes afterwards is set to anything that
 * the invariant (check, below) allows, one call is made, and the invariant is asserted.
 */
#include <virtio/rng.h>
#include "../queue_contract.h"

struct virtio_rng_slot {
    struct virtio_rng_slot *next;
    void *cookie;
    struct virtio_mapping mapping;
    int error;
    uint32_t bytes;
};

static struct virtio_rng rng;
static uint8_t buffer[4];

/* Each length and each rest of it by itself: so Eva knows how much of the buffer is left. */
static void read(void)
{
    uint32_t bytes = prove_below(sizeof(buffer) + 1);

    //@ split bytes;
    (void)virtio_rng_read(&rng, buffer, bytes);
}

static void use(void)
{
    struct virtio_rng_done done;

    switch (prove_below(8)) {
    case 0:
        read();
        break;
    case 1:
        (void)virtio_rng_submit(&rng, buffer, prove_any(), buffer);
        break;
    case 2:
        (void)virtio_rng_kick(&rng);
        break;
    case 3:
        (void)virtio_rng_reap(&rng, &done);
        break;
    case 4:
        (void)virtio_rng_wait(&rng, &done, prove_any());
        break;
    case 5:
        (void)virtio_rng_drain(&rng, &done);
        break;
    case 6:
        (void)virtio_rng_halt(&rng);
        break;
    default:
        (void)virtio_rng_recover(&rng);
    }
}

static struct virtio_rng_slot *any_slot(void)
{
    return &rng.slots[prove_below(PROVE_QUEUE_SIZE)];
}

static struct virtio_rng_slot *maybe_slot(void)
{
    return prove_maybe() ? any_slot() : NULL;
}

static void havoc(void)
{
    for (unsigned at = 0; at < PROVE_QUEUE_SIZE; at++)
        rng.slots[at] = (struct virtio_rng_slot){
            .next = maybe_slot(),
            .cookie = buffer,
            .mapping = {.memory = buffer, .size = prove_any64(), .device_address = prove_any64()},
            .error = -(int)prove_below(100),
            .bytes = prove_any(),
        };
    rng.free_slots = maybe_slot();
    rng.kept_slots = maybe_slot();
    rng.kept_tail = prove_maybe() ? &rng.kept_slots : &any_slot()->next;
    rng.in_flight = prove_any();
    rng.device.state = (enum virtio_device_state[]){VIRTIO_DEVICE_READY, VIRTIO_DEVICE_STOPPED, VIRTIO_DEVICE_LOST}[prove_below(3)];
    prove_in_flight(0, any_slot(), prove_any());
}

static void check_slot(const struct virtio_rng_slot *slot)
{
    if (slot == NULL)
        return;
    /*@ assert within: rng.slots <= slot <= rng.slots + (PROVE_QUEUE_SIZE - 1); */
    /*@ assert a_slot: ((char *)slot - (char *)rng.slots) % sizeof(*slot) == 0; */
}

/* Lists lead to slots alone, whatever the order. */
static void check(void)
{
    check_slot(rng.free_slots);
    check_slot(rng.kept_slots);
    check_slot(rng.slots[prove_below(PROVE_QUEUE_SIZE)].next);
    if (rng.kept_tail != &rng.kept_slots)
        check_slot((struct virtio_rng_slot *)(void *)rng.kept_tail);
}

int main(void)
{
    struct virtio_device found = {.type = 0};

    prove_host_begin(false);
    prove_host_vary();
    prove_find(&found, VIRTIO_ID_ENTROPY);
    if (virtio_rng_start(&rng, &found) != VIRTIO_OK)
        return 0;
    havoc();
    if (prove_maybe()) {
        (void)virtio_rng_stop(&rng);
        return 0;
    }
    use();
    check();
    return 0;
}
