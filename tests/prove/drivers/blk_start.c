/* SPDX-License-Identifier: MIT */
/*
 * Proof of the block driver: a start with options on a device with any configuration, and a stop.
 */
#include "../queue_contract.h"
#include <virtio/blk.h>

static struct virtio_blk disk;
static struct virtio_blk more;

static int start(const struct virtio_device *found)
{
    struct virtio_blk_options options = {
        .queues = &more,
        .queue_count = PROVE_MORE,
        .list_max = PROVE_LIST,
        .keep = PROVE_KEEP,
    };

    return virtio_blk_start_with(&disk, found, &options);
}

int main(void)
{
    struct virtio_device found = {.type = 0};

    prove_host_begin(false);
    prove_host_vary();
    prove_find(&found, VIRTIO_ID_BLOCK);
    if (start(&found) == VIRTIO_OK)
        (void)virtio_blk_stop(&disk);
    return 0;
}
