/* SPDX-License-Identifier: MIT */
/*
 * Write records behind each other on a zoned disk, all at once: the disk says where each of them is. Compiled with the
 * tests; copy it into a kernel that has a struct virtio_host and has found a device.
 */
#include <virtio/blk_zoned.h>
#include <virtio/virtio.h>

#define ZONES_MAX 64u

/* A record of a whole number of the disk's units. */
struct zoned_record {
    const void *bytes;
    size_t size;
    uint64_t sector; /* out: where it is */
};

int zoned_log(const struct virtio_device *found, struct zoned_record *records, unsigned count);

static struct virtio_blk_zoned zoned;

/* The first zone that is written in order and has room for so many sectors. */
static int find_zone(uint64_t sectors, uint64_t *zone)
{
    static struct virtio_blk_zone zones[ZONES_MAX];
    size_t there;
    int error = virtio_blk_report_zones(&zoned, 0, zones, ZONES_MAX, &there);

    if (error != VIRTIO_OK)
        return error;
    for (size_t i = 0; i < there; i++) {
        if (zones[i].type == VIRTIO_BLK_ZT_SWR &&
            zones[i].write_pointer != VIRTIO_BLK_NO_WRITE_POINTER &&
            zones[i].start + zones[i].capacity - zones[i].write_pointer >= sectors) {
            *zone = zones[i].start;
            return VIRTIO_OK;
        }
    }
    return VIRTIO_E_FULL;
}

/* Submits all, takes all back, and tells of the first failure. */
static int append_all(uint64_t zone, struct zoned_record *records, unsigned count)
{
    struct virtio_blk_done done;
    int error = VIRTIO_OK;

    for (unsigned i = 0; i < count && error == VIRTIO_OK; i++)
        error = virtio_blk_submit_append(&zoned, zone, records[i].bytes, records[i].size,
                                         &records[i].sector, &records[i]);
    while (zoned.disk.in_flight != 0) {
        int result = virtio_blk_wait(&zoned.disk, &done, zoned.disk.device.timeout_us);

        if (result < 0)
            return result;
        if (error == VIRTIO_OK)
            error = done.error;
    }
    return error;
}

int zoned_log(const struct virtio_device *found, struct zoned_record *records, unsigned count)
{
    uint64_t sectors = 0;
    uint64_t zone;
    int error = virtio_blk_zoned_start(&zoned, found, NULL);

    if (error != VIRTIO_OK)
        return error;
    for (unsigned i = 0; i < count; i++)
        sectors += records[i].size / VIRTIO_BLK_SECTOR_SIZE;
    error = find_zone(sectors, &zone);
    if (error == VIRTIO_OK)
        error = append_all(zone, records, count);
    (void)virtio_blk_zoned_stop(&zoned);
    return error;
}
