/* SPDX-License-Identifier: MIT */
/*
 * The invariant of the 9P driver, and the induction: it is started, what changes afterwards is set to anything
 * that the invariant (check, below) allows, one call is made, and the invariant is asserted.
 */
#include "9p_state.h"

/* Requests; and Tversion's. */
#define DEPTH (PROVE_QUEUE_SIZE / VIRTIO_9P_BUFFERS_MAX)
#define SLOTS (DEPTH + 1)

struct virtio_9p share;
uint8_t list[VIRTIO_9P_LIST_MIN];
uint8_t data[16];

static struct virtio_9p_slot *any_slot(void)
{
    return &share.slots[prove_below(DEPTH)];
}

static struct virtio_9p_slot *maybe_slot(void)
{
    return prove_maybe() ? any_slot() : NULL;
}

static void havoc_slot(struct virtio_9p_slot *slot)
{
    slot->next = maybe_slot();
    slot->cookie = data;
    slot->mapping = (struct virtio_mapping){
        .memory = data, .size = prove_any64(), .device_address = prove_any64()};
    slot->address = prove_any64();
    slot->offset = prove_any64();
    slot->left = prove_any64();
    slot->bytes = prove_any64();
    slot->part = prove_any();
    slot->part_max = prove_any();
    slot->fid = prove_any();
    slot->request_size = prove_below(VIRTIO_9P_REQUEST_BYTES + 1);
    slot->writable = prove_any();
    slot->reply_size = prove_any();
    slot->error_number = prove_any();
    slot->error = -(int)prove_below(100);
    slot->tag = (uint16_t)prove_any();
    slot->generation = (uint16_t)prove_any();
    slot->type = (uint8_t)prove_any();
    slot->owner = (enum virtio_9p_owner)prove_below(3);
    slot->is_sent = prove_maybe();
    slot->is_cancelled = prove_maybe();
    Frama_C_make_unknown((char *)slot->reply, sizeof(slot->reply));
}

static void havoc(void)
{
    for (unsigned at = 0; at < SLOTS; at++)
        havoc_slot(&share.slots[at]);
    share.free_slots = maybe_slot();
    share.ready_slots = maybe_slot();
    share.ready_tail = prove_maybe() ? &share.ready_slots : &any_slot()->next;
    share.msize = prove_any();
    share.error_number = prove_any();
    share.in_flight = (uint16_t)prove_any();
    share.session = prove_any();
    Frama_C_make_unknown((char *)share.fids, sizeof(share.fids));
    Frama_C_make_unknown((char *)list, sizeof(list));
    share.device.state = prove_started_state();
    prove_in_flight(0, &share.slots[prove_below(SLOTS)], prove_any());
}

static void check_slot(const struct virtio_9p_slot *slot)
{
    if (slot == NULL)
        return;
    /*@ assert within: share.slots <= slot <= share.slots + (SLOTS - 1); */
    /*@ assert a_slot: ((char *)slot - (char *)share.slots) % sizeof(*slot) == 0; */
}

/* Lists lead to slots alone, whatever the order. Messages are no longer than their place. */
static void check(void)
{
    const struct virtio_9p_slot *slot = &share.slots[prove_below(SLOTS)];

    check_slot(share.free_slots);
    check_slot(share.ready_slots);
    check_slot(slot->next);
    /*@ assert in_its_place: slot->request_size <= VIRTIO_9P_REQUEST_BYTES; */
    if (share.ready_tail != &share.ready_slots)
        check_slot((struct virtio_9p_slot *)(void *)share.ready_tail);
    /*@ assert a_tag: share.tag_length < VIRTIO_9P_TAG_SIZE; */
}

struct virtio_9p_fid any_fid(void)
{
    return (struct virtio_9p_fid){
        .path = prove_any64(),
        .version = prove_any(),
        .iounit = prove_any(),
        .share = ((const struct virtio_9p *[]){NULL, &share})[prove_below(2)],
        .session = prove_any(),
        .number = (uint16_t)prove_below(VIRTIO_9P_FIDS_MAX),
        .kind = (uint8_t)prove_any(),
        .is_open = prove_maybe(),
    };
}

/* The slot that is taken, by itself: so Eva knows whose answer it is. */
static void choose_slot(void)
{
    uint32_t slot = prove_below(SLOTS);

    //@ split slot;
    share.free_slots = slot < DEPTH ? &share.slots[slot] : NULL;
}

int main(void)
{
    struct virtio_device found = {.type = 0};

    prove_host_begin(false);
    prove_host_vary();
    prove_find(&found, VIRTIO_ID_9P);
    if (virtio_9p_start(&share, &found) != VIRTIO_OK)
        return 0;
    havoc();
    if (prove_maybe()) {
        (void)virtio_9p_stop(&share);
        return 0;
    }
    choose_slot();
    use();
    check();
    return 0;
}
