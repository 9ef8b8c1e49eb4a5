/* SPDX-License-Identifier: MIT */
/*
 * The block driver: small questions to the device, whose answers fit into a request's unit (spec 5.2.6).
 */
#include "blk_internal.h"

int virtio_blk_get_id(struct virtio_blk *blk, char *id)
{
    struct virtio_blk_slot *slot;
    int error = virtio_blk_begin(blk, VIRTIO_BLK_T_GET_ID, &slot);

    id[0] = '\0';
    if (error != VIRTIO_OK)
        return error;
    /* Whatever the device leaves out reads as NUL. */
    memset(slot->unit->data.id, 0, VIRTIO_BLK_ID_BYTES);
    virtio_blk_use_unit_data(slot, VIRTIO_BLK_ID_BYTES);
    error = virtio_blk_run(blk, slot);
    if (error != VIRTIO_OK)
        return error;
    memcpy(id, slot->unit->data.id, VIRTIO_BLK_ID_BYTES);
    id[VIRTIO_BLK_ID_BYTES] = '\0';
    return VIRTIO_OK;
}
