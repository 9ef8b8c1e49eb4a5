/* SPDX-License-Identifier: MIT */
/*
 * Requests that stay prepared (virtio_blk_options.keep): the descriptors of a slot's header, data and status
 * stay in the ring from one request to the next, and only where the data is changes. What a slot keeps is
 * given up when it carries a request of another shape, and when the ring is too full for one that is longer.
 * A kernel that does not start a disk with options does not link this.
 *
 * Must not: give up what is kept of a slot that is in flight.
 */
#include "blk_internal.h"

/* Header, data, status. */
#define KEPT_BUFFERS 3u

struct virtio_blk_kept {
    struct virtio_prepared prepared;
    struct virtio_buffer buffers[KEPT_BUFFERS];
    uint16_t readable; /* buffers that the device reads; 0: nothing is kept */
};

static struct virtio_blk_kept *kept_of(const struct virtio_blk *blk,
                                       const struct virtio_blk_slot *slot)
{
    return &blk->kept[slot - blk->slots];
}

/* Fails when the queue is closed, and then it is kept: the queue knows it still. */
static int let_go(struct virtio_blk *blk, const struct virtio_blk_slot *slot)
{
    struct virtio_blk_kept *kept = kept_of(blk, slot);
    int error = VIRTIO_OK;

    if (kept->readable != 0)
        error = virtio_prepared_end(&blk->queue, &kept->prepared);
    if (error == VIRTIO_OK)
        kept->readable = 0;
    return error;
}

static int submit_afresh(struct virtio_blk *blk, struct virtio_blk_slot *slot, unsigned readable,
                         unsigned writable)
{
    int error = let_go(blk, slot);

    if (error == VIRTIO_OK)
        error = virtio_submit_buffers(&blk->queue, blk->buffers, (uint16_t)readable,
                                      (uint16_t)writable, slot);
    if (error != VIRTIO_E_FULL)
        return error;
    for (const struct virtio_blk_slot *idle = blk->free_slots; idle != NULL; idle = idle->next)
        (void)let_go(blk, idle);
    return virtio_submit_buffers(&blk->queue, blk->buffers, (uint16_t)readable, (uint16_t)writable,
                                 slot);
}

/* The slot's buffers are to be prepared for this direction. */
static int keep(struct virtio_blk *blk, struct virtio_blk_slot *slot, unsigned readable)
{
    struct virtio_blk_kept *kept = kept_of(blk, slot);
    int error = let_go(blk, slot);

    if (error != VIRTIO_OK)
        return error;
    memcpy(kept->buffers, blk->buffers, sizeof(kept->buffers));
    error = virtio_prepared_begin(&blk->queue, &kept->prepared, kept->buffers, (uint16_t)readable,
                                  (uint16_t)(KEPT_BUFFERS - readable));
    if (error == VIRTIO_OK)
        kept->readable = (uint16_t)readable;
    return error;
}

static int submit(struct virtio_blk *blk, struct virtio_blk_slot *slot, unsigned readable,
                  unsigned writable)
{
    struct virtio_blk_kept *kept = kept_of(blk, slot);
    const struct virtio_buffer *data = &blk->buffers[1];
    int error;

    if (readable + writable != KEPT_BUFFERS)
        return submit_afresh(blk, slot, readable, writable);
    if (kept->readable == readable)
        error = virtio_prepared_point(&blk->queue, &kept->prepared, 1, data->device_address,
                                      data->length);
    else
        error = keep(blk, slot, readable);
    return error == VIRTIO_OK ? virtio_submit_prepared(&blk->queue, &kept->prepared, slot) : error;
}

int virtio_blk_open_kept(struct virtio_blk *blk)
{
    const struct virtio_device *device = virtio_blk_device(blk);

    /* Descriptors of a packed ring move on: there is nothing to keep. */
    if (virtio_has_feature(device, VIRTIO_F_RING_PACKED))
        return VIRTIO_OK;
    blk->kept_size = blk->depth * sizeof(*blk->kept);
    blk->kept = device->host->allocate(device->host->ctx, blk->kept_size);
    if (blk->kept == NULL)
        return VIRTIO_E_NO_MEMORY;
    memset(blk->kept, 0, blk->kept_size);
    blk->submit = submit;
    return VIRTIO_OK;
}
