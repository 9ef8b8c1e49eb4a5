/* SPDX-License-Identifier: MIT */
/*
 * Proof of prepared requests (queue.h). A request is one more thing that an invariant is for: it is set to
 * anything that was prepared some time ago, in this ring or in one that was laid out anew since.
 */
#include "queue.h"

static struct virtio_prepared prepared;
static struct virtio_prepared other;
static struct virtio_in_flight *barred; /* what `straight` points to where it must not be taken */

/* Up to four buffers, as the caller has them. @return is it a request for this queue? */
static bool any_buffers(void)
{
    uint32_t count;

    for (unsigned i = 0; i < 4; i++) {
        buffers[i].device_address = prove_any64();
        buffers[i].length = prove_any();
    }
    prepared.buffers = buffers;
    prepared.readable = (uint16_t)prove_below(3);
    prepared.writable = (uint16_t)prove_below(3);
    //@ split prepared.readable;
    //@ split prepared.writable;
    count = (uint32_t)prepared.readable + prepared.writable;
    return count != 0 && count <= PROVE_SIZE;
}

/* Anything but `straight`, which must not be taken. */
static void any_kept(void)
{
    uint32_t count = (uint32_t)prepared.readable + prepared.writable;

    prepared.limit = prove_any();
    prepared.head = prove_below(PROVE_SIZE);
    prepared.generation = prove_any();
    prepared.kept = (uint16_t)(prove_maybe() ? prove_below(2) : count);
    prepared.flags = prove_maybe() ? VIRTQ_DESC_F_WRITE : 0;
    if (count <= queue.table_length && prove_maybe())
        prepared.flags = VIRTQ_DESC_F_INDIRECT;
    prepared.entry.device_address = prove_any64();
    prepared.entry.length = prove_any();
    prepared.word = prove_any64();
    prepared.cookie = NULL;
    prepared.link = &queue.prepared;
    prepared.next = NULL;
    queue.prepared = &prepared;
    virtio_prepared_lost(&queue);
    barred = prepared.straight;
}

static void any_straight(void)
{
    prepared.straight = &queue.in_flight[prove_below(PROVE_SIZE)];
    prepared.cookie = &queue.cookies[prove_below(PROVE_SIZE)];
}

static void check_kept(void)
{
    /*@ assert kept_head: prepared.head < PROVE_SIZE; */
    /*@ assert kept_count: prepared.kept <= PROVE_SIZE; */
    /*@ assert table: prepared.flags != VIRTQ_DESC_F_INDIRECT ||
                      prepared.readable + prepared.writable <= queue.table_length; */
    /*@ assert straight: prepared.straight == barred ||
                         (\valid(prepared.straight) && \valid(prepared.cookie)); */
    /*@ assert linked: \valid(prepared.link); */
}

static void begin(void)
{
    (void)any_buffers();
    any_kept(); /* to know what bars the way */
    queue.prepared = prove_maybe() ? &other : NULL;
    other.link = &queue.prepared;
    if (virtio_prepared_begin(&queue, &prepared, buffers, prepared.readable, prepared.writable) ==
        VIRTIO_OK)
        check_kept();
}

static void submit(bool is_inline)
{
    uint32_t place = prove_below(PROVE_SIZE);
    uint32_t is_straight = prove_below(2);

    if (!any_buffers())
        return;
    any_kept();
    //@ split is_straight;
    if (is_straight)
        any_straight();
    //@ split place;
    if (queue.packed)
        queue.slot = queue.slots + place;
    if (is_inline)
        (void)virtio_submit_prepared_inline(&queue, &prepared, &device);
    else
        (void)virtio_submit_prepared(&queue, &prepared, &device);
    check_kept();
}

static void point(void)
{
    if (!any_buffers())
        return;
    any_kept();
    //@ split prepared.flags;
    (void)virtio_prepared_point(&queue, &prepared, (uint16_t)prove_any(), prove_any64(),
                                prove_any());
    check_kept();
}

/* Another request of this queue may be before or behind it in the list. */
static void end(void)
{
    uint32_t others = prove_below(3);

    if (!any_buffers())
        return;
    any_kept();
    //@ split others;
    if (others == 1) {
        prepared.next = &other;
        other.link = &prepared.next;
    } else if (others == 2) {
        queue.prepared = &other;
        other.link = &queue.prepared;
        other.next = &prepared;
        prepared.link = &other.next;
    }
    if (virtio_prepared_end(&queue, &prepared) == VIRTIO_OK) {
        /*@ assert unlinked: queue.prepared == \null ||
                             (queue.prepared == &other && other.next == \null &&
                              other.link == &queue.prepared); */
    }
}

bool prove_use(void)
{
    switch (prove_below(5)) {
    case 0:
        begin();
        break;
    case 1:
        submit(false);
        break;
    case 2:
        submit(true);
        break;
    case 3:
        point();
        break;
    default:
        end();
    }
    return true;
}
