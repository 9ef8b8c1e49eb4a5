/* SPDX-License-Identifier: MIT */
/*
 * The block driver: small questions to the device, whose answers fit into a request's unit (spec 5.2.6).
 */
#include "blk_internal.h"

#define VIRTIO_BLK_T_GET_LIFETIME 10u

/* The largest values that are not reserved (spec 5.2.6). */
#define PRE_EOL_INFO_LARGEST VIRTIO_BLK_PRE_EOL_INFO_URGENT
#define ESTIMATE_LARGEST     VIRTIO_BLK_LIFETIME_EXCEEDED

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

/* What the device leaves out stays a reserved value. */
int virtio_blk_get_lifetime(struct virtio_blk *blk, struct virtio_blk_lifetime *lifetime)
{
    struct virtio_blk_lifetime_data data;
    struct virtio_blk_slot *slot;
    bool legacy;
    int error;

    if (!virtio_blk_is_live(blk))
        return VIRTIO_E_STATE;
    if (!virtio_blk_has(virtio_blk_device(blk), VIRTIO_BLK_F_LIFETIME))
        return VIRTIO_E_NOT_SUPPORTED;
    legacy = virtio_blk_device(blk)->legacy;
    error = virtio_blk_begin(blk, VIRTIO_BLK_T_GET_LIFETIME, &slot);
    if (error != VIRTIO_OK)
        return error;
    memset(&slot->unit->data.lifetime, 0xff, sizeof(data));
    virtio_blk_use_unit_data(slot, sizeof(data));
    error = virtio_blk_run(blk, slot);
    if (error != VIRTIO_OK)
        return error;
    memcpy(&data, &slot->unit->data.lifetime, sizeof(data));
    data.pre_eol_info = virtio_order16(legacy, data.pre_eol_info);
    data.device_lifetime_est_typ_a = virtio_order16(legacy, data.device_lifetime_est_typ_a);
    data.device_lifetime_est_typ_b = virtio_order16(legacy, data.device_lifetime_est_typ_b);
    if (data.pre_eol_info > PRE_EOL_INFO_LARGEST ||
        data.device_lifetime_est_typ_a > ESTIMATE_LARGEST ||
        data.device_lifetime_est_typ_b > ESTIMATE_LARGEST)
        return VIRTIO_E_RESPONSE;
    lifetime->pre_eol_info = data.pre_eol_info;
    lifetime->device_lifetime_est_typ_a = data.device_lifetime_est_typ_a;
    lifetime->device_lifetime_est_typ_b = data.device_lifetime_est_typ_b;
    return VIRTIO_OK;
}
