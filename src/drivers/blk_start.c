/* SPDX-License-Identifier: MIT */
/*
 * The block driver: starting it with options, and queues beside the first (spec 5.2.2). Each of those is a struct
 * virtio_blk without a device of its own.
 */
#include "blk_internal.h"

/* What the device says of itself all queues know: it stands at the beginning of struct virtio_blk. */
int virtio_blk_open_more(struct virtio_blk *blk, const struct virtio_blk_options *options)
{
    int error = options->keep ? virtio_blk_open_kept(blk) : VIRTIO_OK;

    while (error == VIRTIO_OK && blk->queue_count <= options->queue_count &&
           blk->queue_count < blk->num_queues) {
        struct virtio_blk *more = &blk->queues[blk->queue_count - 1];

        memset(more, 0, sizeof(*more));
        memcpy(more, blk, offsetof(struct virtio_blk, depth));
        error = virtio_blk_open_queue(more, &blk->device, blk->queue_count++);
        if (error == VIRTIO_OK && options->keep)
            error = virtio_blk_open_kept(more);
    }
    return error;
}

int virtio_blk_start_with(struct virtio_blk *blk, const struct virtio_device *found,
                          const struct virtio_blk_options *options)
{
    const struct virtio_blk_plan plan = {
        .wanted.supported =
            VIRTIO_BLK_SUPPORTED | (options->queue_count != 0 ? VIRTIO_BLK_F_MQ : 0),
        .options = *options,
        .open_more = virtio_blk_open_more,
    };

    if (options->queue_count != 0 && options->queues == NULL)
        return VIRTIO_E_INVALID;
    return virtio_blk_start_as(blk, found, &plan);
}
