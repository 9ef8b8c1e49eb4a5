/* SPDX-License-Identifier: MIT */
/*
 * Proof of the 9P driver, by induction: it is started, what changes afterwards is set to anything that the
 * invariant (check, below) allows, one call is made, and the invariant is asserted.
 */
#include "../../../src/drivers/9p_internal.h"
#include "../queue_contract.h"

/* Requests; and Tversion's. */
#define DEPTH (PROVE_QUEUE_SIZE / VIRTIO_9P_BUFFERS_MAX)
#define SLOTS (DEPTH + 1)

/* Where an entry of a listing may begin: so many first places, and as many towards the end. */
#define PLACES 12u

static struct virtio_9p share;
static uint8_t list[VIRTIO_9P_LIST_MIN];
static uint8_t data[16];
static struct virtio_9p_entry entry;

/* ---- The invariant ---- */

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
    slot->request_size = prove_any();
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

/* Lists lead to slots alone, whatever the order. */
static void check(void)
{
    check_slot(share.free_slots);
    check_slot(share.ready_slots);
    check_slot(share.slots[prove_below(SLOTS)].next);
    if (share.ready_tail != &share.ready_slots)
        check_slot((struct virtio_9p_slot *)(void *)share.ready_tail);
    /*@ assert a_tag: share.tag_length < VIRTIO_9P_TAG_SIZE; */
}

/* ---- Calls ---- */

static struct virtio_9p_fid any_fid(void)
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

static void ask(void)
{
    struct virtio_9p_fid fid = any_fid();
    struct virtio_9p_attributes attributes;
    struct virtio_9p_file_system file_system;
    size_t bytes;

    switch (prove_below(5)) {
    case 0:
        (void)virtio_9p_open(&share, &fid, prove_any());
        break;
    case 1:
        (void)virtio_9p_getattr(&share, &fid, &attributes);
        break;
    case 2:
        (void)virtio_9p_statfs(&share, &fid, &file_system);
        break;
    case 3:
        (void)virtio_9p_read(&share, &fid, prove_any64(), data, prove_any64(), &bytes);
        break;
    default:
        (void)virtio_9p_write(&share, &fid, prove_any64(), data, prove_any64(), &bytes);
    }
}

static void enlist(void)
{
    struct virtio_9p_fid fid = any_fid();
    uint32_t place = prove_below(2 * PLACES);
    uint32_t at = place < PLACES ? place : sizeof(list) - 48 + place;
    struct virtio_9p_listing listing;

    if (virtio_9p_list(&listing, &fid, list, sizeof(list)) != VIRTIO_OK)
        return;
    if (prove_maybe()) {
        //@ split at;
        listing.at = at;
        listing.bytes = at + 1 + prove_below(sizeof(list) - at);
    }
    listing.offset = prove_any64();
    listing.began = prove_any64();
    (void)virtio_9p_list_next(&share, &listing, &entry);
    /*@ assert in_the_list: listing.at <= sizeof(list) && listing.bytes <= sizeof(list); */
}

static void submit(void)
{
    struct virtio_9p_fid fid = any_fid();

    switch (prove_below(5)) {
    case 0:
        (void)virtio_9p_submit_read(&share, &fid, prove_any64(), data, prove_any64(), data);
        break;
    case 1:
        (void)virtio_9p_submit_write(&share, &fid, prove_any64(), data, prove_any64(), data);
        break;
    case 2:
        (void)virtio_9p_submit_fsync(&share, &fid, data);
        break;
    case 3:
        (void)virtio_9p_cancel(&share, data);
        break;
    default:
        (void)virtio_9p_kick(&share);
    }
}

static void end(void)
{
    struct virtio_9p_done done;

    switch (prove_below(5)) {
    case 0:
        (void)virtio_9p_reap(&share, &done);
        break;
    case 1:
        (void)virtio_9p_wait(&share, &done, prove_any());
        break;
    case 2:
        (void)virtio_9p_drain(&share, &done);
        break;
    case 3:
        (void)virtio_9p_halt(&share);
        break;
    default:
        (void)virtio_9p_recover(&share);
    }
}

/* The slot that is taken, by itself: so Eva knows whose answer it is. */
static void use(void)
{
    uint32_t slot = prove_below(SLOTS);

    //@ split slot;
    share.free_slots = slot < DEPTH ? &share.slots[slot] : NULL;
    switch (prove_below(4)) {
    case 0:
        ask();
        break;
    case 1:
        enlist();
        break;
    case 2:
        submit();
        break;
    default:
        end();
    }
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
    use();
    check();
    return 0;
}
