/* SPDX-License-Identifier: MIT */
/*
 * Proof of the 9P driver, but for the calls that take names or end fids (9p_names.c): what is done with files
 * that are there, listings, asynchronous calls, and what ends them.
 */
#include "9p_state.h"

/* Where an entry of a listing may begin: so many first places, and as many towards the end. */
#define PLACES 12u

static struct virtio_9p_entry entry;

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

void use(void)
{
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
