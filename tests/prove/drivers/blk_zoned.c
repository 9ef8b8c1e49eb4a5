/* SPDX-License-Identifier: MIT */
/*
 * Proof of the block driver: zoned disks.
 */
#include "blk.h"

/* Where to write an append's sector. */
static uint64_t sector;

int begin_request(void)
{
    if (zoned.model == VIRTIO_BLK_Z_NONE)
        return 0;
    return virtio_blk_submit_append(&zoned, 0, buffer, prove_any64(), &sector, buffer) == VIRTIO_OK
               ? 1
               : VIRTIO_E_IO;
}

/* And disks that the first append was none for. */
void havoc_end(struct virtio_blk_slot *slot)
{
    slot->append_sector = prove_maybe() ? &sector : NULL;
    disk->read_only = prove_maybe();
    if (zoned.model != VIRTIO_BLK_Z_NONE)
        zoned.max_append_sectors = prove_any();
}

static void use_zones(void)
{
    struct virtio_blk_zone zones[3];
    size_t count;

    switch (prove_below(8)) {
    case 0:
        (void)virtio_blk_report_zones(&zoned, prove_any64(), zones, prove_below(4), &count);
        break;
    case 1:
        (void)virtio_blk_zone_open(&zoned, prove_any64());
        break;
    case 2:
        (void)virtio_blk_zone_close(&zoned, prove_any64());
        break;
    case 3:
        (void)virtio_blk_zone_finish(&zoned, prove_any64());
        break;
    case 4:
        (void)virtio_blk_zone_reset(&zoned, prove_any64());
        break;
    case 5:
        (void)virtio_blk_zone_reset_all(&zoned);
        break;
    case 6:
        (void)virtio_blk_append(&zoned, prove_any64(), buffer, prove_any64(), &sector);
        break;
    default:
        (void)virtio_blk_submit_append(&zoned, prove_any64(), buffer, prove_any64(), &sector,
                                       buffer);
    }
}

void use(void)
{
    if (prove_maybe())
        use_zones();
    else
        use_data(disk);
}
