/* SPDX-License-Identifier: MIT */
/*
 * The block driver: zoned disks (spec 5.2.4, 5.2.6); include/virtio/blk_zoned.h is its manual. A layer above a
 * disk: it starts one with VIRTIO_BLK_F_ZONED, and sends requests about zones through it.
 *
 * Must not: believe a report. It is filled with what no device may say before the device gets it, copied
 * zone by zone, and checked against where the zones must be.
 */
#include "blk_internal.h"
#include <virtio/blk_zoned.h>

#define VIRTIO_BLK_T_ZONE_APPEND    15u
#define VIRTIO_BLK_T_ZONE_REPORT    16u
#define VIRTIO_BLK_T_ZONE_OPEN      18u
#define VIRTIO_BLK_T_ZONE_CLOSE     20u
#define VIRTIO_BLK_T_ZONE_FINISH    22u
#define VIRTIO_BLK_T_ZONE_RESET     24u
#define VIRTIO_BLK_T_ZONE_RESET_ALL 26u

/* struct virtio_blk_zone_descriptor (spec 5.2.6). */
struct zone_descriptor {
    uint64_t z_cap;
    uint64_t z_start;
    uint64_t z_wp;
    uint8_t z_type;
    uint8_t z_state;
    uint8_t reserved[38];
};

_Static_assert(sizeof(struct zone_descriptor) == 64, "spec 5.2.6");

/* struct virtio_blk_zone_report (spec 5.2.6); its head is as long as a descriptor. */
struct zone_report {
    uint64_t nr_zones;
    uint8_t reserved[56];
    struct zone_descriptor zones[];
};

_Static_assert(offsetof(struct zone_report, zones) == 64, "spec 5.2.6");

#define REPORT_BYTES 1024u

/* ---- Start and stop ---- */

static int read_characteristics(struct virtio_blk_zoned *zoned)
{
    uint32_t *const fields[] = {&zoned->zone_sectors, &zoned->max_open_zones,
                                &zoned->max_active_zones, &zoned->max_append_sectors,
                                &zoned->write_granularity};
    const struct virtio_device *device = &zoned->disk.device;
    uint64_t value;
    int error = virtio_config_read(device, VIRTIO_BLK_CONFIG_MODEL, 1, &value);

    if (error != VIRTIO_OK)
        return error;
    zoned->model = (uint32_t)value;
    if (zoned->model == VIRTIO_BLK_Z_NONE)
        return VIRTIO_OK;
    for (uint32_t i = 0; i < 5; i++) {
        error = virtio_config_read(device, VIRTIO_BLK_CONFIG_ZONED + 4 * i, 4, &value);
        if (error != VIRTIO_OK)
            return error;
        *fields[i] = (uint32_t)value;
    }
    return zoned->model > VIRTIO_BLK_Z_HA || zoned->zone_sectors == 0 ||
                   zoned->write_granularity == 0 ||
                   zoned->write_granularity % VIRTIO_BLK_SECTOR_SIZE != 0
               ? VIRTIO_E_CONFIG
               : VIRTIO_OK;
}

/* A write in parts must be cut between units. @return whether a unit fits in a part. */
static bool cut_parts(struct virtio_blk *blk, uint32_t unit)
{
    blk->part_max -= blk->part_max % unit;
    return blk->part_max != 0;
}

static int set_up(struct virtio_blk_zoned *zoned)
{
    struct virtio_blk *disk = &zoned->disk;
    uint32_t bytes = disk->part_max < REPORT_BYTES ? disk->part_max : REPORT_BYTES;
    int error = read_characteristics(zoned);

    if (error != VIRTIO_OK || zoned->model == VIRTIO_BLK_Z_NONE)
        return error;
    for (unsigned i = 1; i < disk->queue_count; i++)
        (void)cut_parts(&disk->queues[i - 1], zoned->write_granularity);
    if (!cut_parts(disk, zoned->write_granularity))
        return VIRTIO_E_NOT_SUPPORTED;
    return virtio_allocate_shared(&disk->device, bytes, sizeof(struct zone_descriptor),
                                  &zoned->report);
}

int virtio_blk_zoned_start(struct virtio_blk_zoned *zoned, const struct virtio_device *found,
                           const struct virtio_blk_options *options)
{
    struct virtio_blk_plan plan = {
        .wanted.supported =
            VIRTIO_BLK_F_ZONED |
            (VIRTIO_BLK_SUPPORTED & ~(VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_SECURE_ERASE)),
        .wanted.required = VIRTIO_BLK_F_ZONED,
        .open_more = virtio_blk_open_more,
    };
    int error;

    if (options != NULL)
        plan.options = *options;
    if (plan.options.queue_count != 0)
        plan.wanted.supported |= VIRTIO_BLK_F_MQ;
    if (plan.options.queue_count != 0 && plan.options.queues == NULL)
        return VIRTIO_E_INVALID;
    error = virtio_blk_start_as(&zoned->disk, found, &plan);
    if (error != VIRTIO_OK)
        return error;
    memset(&zoned->model, 0, sizeof(*zoned) - offsetof(struct virtio_blk_zoned, model));
    error = zoned->disk.device.legacy ? VIRTIO_E_NOT_SUPPORTED : set_up(zoned);
    if (error != VIRTIO_OK)
        (void)virtio_blk_zoned_stop(zoned);
    return error;
}

int virtio_blk_zoned_stop(struct virtio_blk_zoned *zoned)
{
    int error = virtio_blk_halt(&zoned->disk);

    if (error != VIRTIO_OK)
        return error;
    if (virtio_blk_device(&zoned->disk) != NULL)
        virtio_free_shared(&zoned->disk.device, &zoned->report);
    return virtio_blk_stop(&zoned->disk);
}

/* ---- Checks ---- */

static int check_zoned(const struct virtio_blk_zoned *zoned)
{
    if (!virtio_blk_is_live(&zoned->disk))
        return VIRTIO_E_STATE;
    return zoned->model != VIRTIO_BLK_Z_NONE ? VIRTIO_OK : VIRTIO_E_NOT_SUPPORTED;
}

static int check_zone(const struct virtio_blk_zoned *zoned, uint64_t sector)
{
    int error = check_zoned(zoned);

    if (error != VIRTIO_OK)
        return error;
    if (zoned->disk.read_only)
        return VIRTIO_E_READ_ONLY;
    if (sector >= zoned->disk.capacity)
        return VIRTIO_E_OUT_OF_RANGE;
    return virtio_blk_remainder(sector, zoned->zone_sectors) == 0 ? VIRTIO_OK : VIRTIO_E_INVALID;
}

/* ---- Report ---- */

static bool has_write_pointer(uint8_t state)
{
    return state >= VIRTIO_BLK_ZS_EMPTY && state <= VIRTIO_BLK_ZS_CLOSED;
}

static bool is_state(uint8_t type, uint8_t state)
{
    if (type == VIRTIO_BLK_ZT_CONV && state == VIRTIO_BLK_ZS_NOT_WP)
        return true;
    if (state == VIRTIO_BLK_ZS_RDONLY || state == VIRTIO_BLK_ZS_OFFLINE)
        return type >= VIRTIO_BLK_ZT_CONV && type <= VIRTIO_BLK_ZT_SWP;
    return (type == VIRTIO_BLK_ZT_SWR || type == VIRTIO_BLK_ZT_SWP) &&
           (has_write_pointer(state) || state == VIRTIO_BLK_ZS_FULL);
}

/* Take over a reported zone that begins at `start`. */
static int take_zone(const struct virtio_blk_zoned *zoned, const struct zone_descriptor *reported,
                     uint64_t start, struct virtio_blk_zone *zone)
{
    struct zone_descriptor copy;
    uint64_t pointer;

    memcpy(&copy, reported, sizeof(copy));
    zone->start = start;
    zone->capacity = virtio_order64(false, copy.z_cap);
    zone->write_pointer = VIRTIO_BLK_NO_WRITE_POINTER;
    zone->type = copy.z_type;
    zone->state = copy.z_state;
    if (virtio_order64(false, copy.z_start) != start || zone->capacity > zoned->zone_sectors ||
        !is_state(zone->type, zone->state))
        return VIRTIO_E_RESPONSE;
    if (!has_write_pointer(zone->state))
        return VIRTIO_OK;
    pointer = virtio_order64(false, copy.z_wp);
    if (pointer < start || pointer - start > zone->capacity)
        return VIRTIO_E_RESPONSE;
    zone->write_pointer = pointer;
    return VIRTIO_OK;
}

/* One request for zones from `sector` on, into the report. @return how many there are, or an error. */
static int run_report(struct virtio_blk_zoned *zoned, uint64_t sector)
{
    struct zone_report *report = zoned->report.memory;
    const struct virtio_device *device = &zoned->disk.device;
    size_t room = zoned->report.size / sizeof(report->zones[0]) - 1;
    struct virtio_blk_slot *slot;
    uint64_t count;
    int error = virtio_blk_begin(&zoned->disk, VIRTIO_BLK_T_ZONE_REPORT, &slot);

    if (error != VIRTIO_OK)
        return error;
    memset(report, 0xff, zoned->report.size);
    virtio_give_shared(device, report, zoned->report.size, VIRTIO_SYNC_FOR_DEVICE);
    slot->sector = sector;
    slot->address = zoned->report.device_address;
    slot->left = zoned->report.size;
    error = virtio_blk_run(&zoned->disk, slot);
    if (error != VIRTIO_OK)
        return error;
    virtio_give_shared(device, report, zoned->report.size, VIRTIO_SYNC_FOR_CPU);
    count = virtio_order64(false, *(volatile uint64_t *)&report->nr_zones);
    return count != 0 && count <= room ? (int)count : VIRTIO_E_RESPONSE;
}

/* Each request makes progress by a zone at least, so `count` of them are the most. */
int virtio_blk_report_zones(struct virtio_blk_zoned *zoned, uint64_t sector,
                            struct virtio_blk_zone *zones, size_t count, size_t *found)
{
    int error = check_zoned(zoned);

    *found = 0;
    if (error != VIRTIO_OK)
        return error;
    if (zones == NULL || count == 0)
        return VIRTIO_E_INVALID;
    if (sector >= zoned->disk.capacity)
        return VIRTIO_E_OUT_OF_RANGE;
    sector -= virtio_blk_remainder(sector, zoned->zone_sectors);
    while (*found < count && sector < zoned->disk.capacity) {
        const struct zone_report *report = zoned->report.memory;
        int reported = run_report(zoned, sector);

        if (reported < 0)
            return reported;
        for (int i = 0; i < reported && *found < count && sector < zoned->disk.capacity; i++) {
            error = take_zone(zoned, &report->zones[i], sector, &zones[*found]);
            if (error != VIRTIO_OK)
                return error;
            (*found)++;
            sector += zoned->zone_sectors;
        }
    }
    return VIRTIO_OK;
}

/* ---- Zone management ---- */

static int manage(struct virtio_blk_zoned *zoned, uint32_t type, uint64_t sector)
{
    int error = check_zone(zoned, sector);
    struct virtio_blk_slot *slot;

    if (error == VIRTIO_OK)
        error = virtio_blk_begin(&zoned->disk, type, &slot);
    if (error != VIRTIO_OK)
        return error;
    slot->sector = sector;
    return virtio_blk_run(&zoned->disk, slot);
}

int virtio_blk_zone_open(struct virtio_blk_zoned *zoned, uint64_t sector)
{
    return manage(zoned, VIRTIO_BLK_T_ZONE_OPEN, sector);
}

int virtio_blk_zone_close(struct virtio_blk_zoned *zoned, uint64_t sector)
{
    return manage(zoned, VIRTIO_BLK_T_ZONE_CLOSE, sector);
}

int virtio_blk_zone_finish(struct virtio_blk_zoned *zoned, uint64_t sector)
{
    return manage(zoned, VIRTIO_BLK_T_ZONE_FINISH, sector);
}

int virtio_blk_zone_reset(struct virtio_blk_zoned *zoned, uint64_t sector)
{
    return manage(zoned, VIRTIO_BLK_T_ZONE_RESET, sector);
}

int virtio_blk_zone_reset_all(struct virtio_blk_zoned *zoned)
{
    return manage(zoned, VIRTIO_BLK_T_ZONE_RESET_ALL, 0);
}

/* ---- Append ---- */

static int check_append(const struct virtio_blk_zoned *zoned, uint64_t zone, size_t bytes)
{
    int error = check_zone(zoned, zone);

    if (error != VIRTIO_OK)
        return error;
    if (zoned->max_append_sectors == 0)
        return VIRTIO_E_NOT_SUPPORTED;
    if (bytes % zoned->write_granularity != 0)
        return VIRTIO_E_INVALID;
    return bytes / VIRTIO_BLK_SECTOR_SIZE <= zoned->max_append_sectors &&
                   bytes <= zoned->disk.part_max
               ? VIRTIO_OK
               : VIRTIO_E_TOO_LONG;
}

/* An append is done: where did it go? What its buffer's unmapping says is nothing to a request that was read. */
static int finish_append(const struct virtio_blk *blk, struct virtio_blk_slot *slot)
{
    const struct virtio_blk_zoned *zoned = (const struct virtio_blk_zoned *)(const void *)blk;
    uint64_t sectors = slot->part / VIRTIO_BLK_SECTOR_SIZE;
    uint64_t zone = slot->sector - sectors; /* it was moved on when that was judged */
    uint64_t written;

    (void)virtio_unmap_buffer(&blk->device, &slot->mapping);
    if (slot->error != VIRTIO_OK)
        return VIRTIO_OK;
    written = virtio_order64(false, slot->unit->data.append_sector);
    if (written < zone || written - zone >= zoned->zone_sectors ||
        sectors > zoned->zone_sectors - (written - zone))
        return VIRTIO_E_RESPONSE;
    if (slot->append_sector != NULL)
        *slot->append_sector = written;
    return VIRTIO_OK;
}

/* Check an append, find it a slot, and hand it to the queue. @return the checks' error; else *sent is the
 * queue's. */
static int send_append(struct virtio_blk_zoned *zoned, uint64_t zone, const void *buffer,
                       size_t bytes, uint64_t *sector, struct virtio_blk_slot **begun, int *sent)
{
    struct virtio_blk *disk = &zoned->disk;
    int error = check_append(zoned, zone, bytes);
    struct virtio_blk_slot *slot;
    unsigned count;

    if (error == VIRTIO_OK)
        error = virtio_blk_begin_buffer(disk, VIRTIO_BLK_T_ZONE_APPEND, zone,
                                        (void *)(uintptr_t)buffer, bytes, begun);
    if (error != VIRTIO_OK)
        return error;
    slot = *begun;
    slot->unit->data.append_sector = UINT64_MAX;
    slot->part = (uint32_t)bytes;
    slot->left = 0;
    slot->append_sector = sector;
    slot->unmap = finish_append;
    slot->device_reads = false; /* the data; what counts at the end is what it writes */
    count = virtio_blk_put_data(disk, slot->address, bytes, disk->buffers + 1);
    disk->buffers[1 + count] = (struct virtio_buffer){
        slot->unit_address + offsetof(struct virtio_blk_unit, data), sizeof(*sector)};
    *sent = virtio_blk_frame(disk, slot, count, 1);
    return VIRTIO_OK;
}

int virtio_blk_append(struct virtio_blk_zoned *zoned, uint64_t zone, const void *buffer,
                      size_t bytes, uint64_t *sector)
{
    struct virtio_blk_slot *slot;
    int sent;
    int error = send_append(zoned, zone, buffer, bytes, sector, &slot, &sent);

    if (error != VIRTIO_OK)
        return error;
    error = virtio_blk_run_sent(&zoned->disk, slot, sent);
    if (error == VIRTIO_E_BUSY)
        slot->append_sector = NULL; /* in flight still, and `sector` is the caller's again */
    return error;
}

int virtio_blk_submit_append(struct virtio_blk_zoned *zoned, uint64_t zone, const void *buffer,
                             size_t bytes, uint64_t *sector, void *cookie)
{
    struct virtio_blk_slot *slot;
    int sent;
    int error = send_append(zoned, zone, buffer, bytes, sector, &slot, &sent);

    return error == VIRTIO_OK ? virtio_blk_keep_sent(&zoned->disk, slot, sent, cookie) : error;
}
