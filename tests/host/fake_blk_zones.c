/* SPDX-License-Identifier: MIT */
/*
 * A fake disk's zones (spec 5.2.6): their states, what may be written where, and the requests about them. See
 * fake_blk.h. Zone 0 is conventional, the others must be written in order.
 */
#include "fake_blk.h"

#include <virtio/blk_zoned.h>

#define INVALID   3u
#define UNALIGNED 4u
#define OPEN      5u
#define ACTIVE    6u

static uint32_t field(const struct fake_blk *blk, uint32_t offset)
{
    return (uint32_t)fake_get(blk->device, blk->device->config + offset, 4);
}

static bool is_open(const struct fake_blk_zone *zone)
{
    return zone->state == VIRTIO_BLK_ZS_IOPEN || zone->state == VIRTIO_BLK_ZS_EOPEN;
}

static unsigned count_zones(const struct fake_blk *blk, bool open_only)
{
    unsigned count = 0;

    for (unsigned i = 0; i < blk->zone_count; i++)
        count +=
            is_open(&blk->zones[i]) || (!open_only && blk->zones[i].state == VIRTIO_BLK_ZS_CLOSED);
    return count;
}

/* May a zone be opened? @return 0 or the status that says why not. */
static uint8_t open_zone(struct fake_blk *blk, struct fake_blk_zone *zone, uint8_t state)
{
    uint32_t most_open = field(blk, FAKE_BLK_MAX_OPEN_ZONES);
    uint32_t most_active = field(blk, FAKE_BLK_MAX_ACTIVE_ZONES);

    if (!is_open(zone)) {
        if (zone->state == VIRTIO_BLK_ZS_EMPTY && most_active != 0 &&
            count_zones(blk, false) >= most_active)
            return ACTIVE;
        if (most_open != 0 && count_zones(blk, true) >= most_open)
            return OPEN;
    }
    zone->state = state;
    return 0;
}

uint8_t fake_blk_zone_write(struct fake_blk *blk, uint64_t sector, uint64_t sectors)
{
    uint32_t zone_sectors = field(blk, FAKE_BLK_ZONE_SECTORS);
    struct fake_blk_zone *zone;
    uint8_t status = 0;

    if (blk->zone_count == 0)
        return 0;
    zone = &blk->zones[sector / zone_sectors];
    if (zone->type == VIRTIO_BLK_ZT_CONV)
        return 0;
    if (zone->state >= VIRTIO_BLK_ZS_RDONLY)
        return INVALID;
    if (sector != zone->pointer || sectors * 512 % field(blk, FAKE_BLK_WRITE_GRANULARITY) != 0)
        return UNALIGNED;
    if (sector + sectors > zone->start + zone->capacity)
        return INVALID;
    if (zone->state != VIRTIO_BLK_ZS_EOPEN)
        status = open_zone(blk, zone, VIRTIO_BLK_ZS_IOPEN);
    if (status != 0)
        return status;
    zone->pointer += sectors;
    if (zone->pointer == zone->start + zone->capacity)
        zone->state = VIRTIO_BLK_ZS_FULL;
    return 0;
}

static uint8_t manage(struct fake_blk *blk, uint32_t type, struct fake_blk_zone *zone)
{
    if (zone->type == VIRTIO_BLK_ZT_CONV || zone->state == VIRTIO_BLK_ZS_OFFLINE ||
        zone->state == VIRTIO_BLK_ZS_RDONLY)
        return INVALID;
    switch (type) {
    case FAKE_BLK_ZONE_OPEN:
        return zone->state == VIRTIO_BLK_ZS_FULL ? INVALID
                                                 : open_zone(blk, zone, VIRTIO_BLK_ZS_EOPEN);
    case FAKE_BLK_ZONE_CLOSE:
        if (!is_open(zone))
            return zone->state == VIRTIO_BLK_ZS_CLOSED ? 0 : INVALID;
        zone->state = zone->pointer == zone->start ? VIRTIO_BLK_ZS_EMPTY : VIRTIO_BLK_ZS_CLOSED;
        return 0;
    case FAKE_BLK_ZONE_FINISH:
        zone->state = VIRTIO_BLK_ZS_FULL;
        return 0;
    default:
        zone->state = VIRTIO_BLK_ZS_EMPTY;
        zone->pointer = zone->start;
        return 0;
    }
}

static uint8_t execute_manage(struct fake_blk *blk, const struct fake_chain *chain,
                              const struct fake_blk_request *request)
{
    uint32_t zone_sectors = field(blk, FAKE_BLK_ZONE_SECTORS);

    if (request->bytes != 0 || chain->writable != 1)
        fake_rule(blk->device, "blk-zone-data", "5.2.6", "%llu bytes",
                  (unsigned long long)request->bytes);
    if (request->type == FAKE_BLK_ZONE_RESET_ALL) {
        if (request->sector != 0)
            fake_rule(blk->device, "blk-zone-sector", "5.2.6.1", "reset all of %llu",
                      (unsigned long long)request->sector);
        for (unsigned i = 0; i < blk->zone_count; i++)
            (void)manage(blk, FAKE_BLK_ZONE_RESET, &blk->zones[i]);
        return 0;
    }
    if (request->sector >= blk->capacity || request->sector % zone_sectors != 0) {
        fake_rule(blk->device, "blk-zone-sector", "5.2.6.1", "%llu",
                  (unsigned long long)request->sector);
        return INVALID;
    }
    return manage(blk, request->type, &blk->zones[request->sector / zone_sectors]);
}

static uint8_t execute_report(struct fake_blk *blk, struct fake_chain *chain,
                              const struct fake_blk_request *request)
{
    uint64_t first = request->sector / field(blk, FAKE_BLK_ZONE_SECTORS);
    uint64_t room = (chain->writable - 1) / 64 - 1;
    uint64_t count = 0;
    uint8_t head[64] = {0};

    if (request->sector >= blk->capacity)
        fake_rule(blk->device, "blk-zone-report", "5.2.6.1", "sector %llu",
                  (unsigned long long)request->sector);
    for (; count < room && first + count < blk->zone_count; count++) {
        const struct fake_blk_zone *zone = &blk->zones[first + count];
        const uint64_t numbers[3] = {zone->capacity, zone->start, zone->pointer};
        uint8_t bytes[64] = {0};

        for (unsigned i = 0; i < 3; i++)
            fake_put(blk->device, bytes + 8 * (size_t)i, 8, numbers[i]);
        bytes[24] = zone->type;
        bytes[25] = zone->state;
        fake_chain_write(chain, 64 + 64 * count, bytes, sizeof(bytes));
    }
    count += blk->report_more;
    fake_put(blk->device, head, 8, count);
    fake_chain_write(chain, 0, head, blk->report_nothing ? 0 : sizeof(head));
    return 0;
}

static uint8_t execute_append(struct fake_blk *blk, struct fake_chain *chain,
                              const struct fake_blk_request *request)
{
    uint32_t zone_sectors = field(blk, FAKE_BLK_ZONE_SECTORS);
    uint64_t bytes = chain->readable - 16;
    struct fake_blk_zone *zone;
    uint8_t sector[8];
    uint64_t place;
    uint8_t status;

    if (chain->writable != 9 || request->sector % zone_sectors != 0 ||
        request->sector >= blk->capacity || bytes == 0 ||
        bytes % field(blk, FAKE_BLK_WRITE_GRANULARITY) != 0 ||
        bytes / 512 > field(blk, FAKE_BLK_MAX_APPEND_SECTORS)) {
        fake_rule(blk->device, "blk-append", "5.2.6.1", "%llu bytes to %llu",
                  (unsigned long long)bytes, (unsigned long long)request->sector);
        return INVALID;
    }
    zone = &blk->zones[request->sector / zone_sectors];
    if (zone->type != VIRTIO_BLK_ZT_SWR)
        return INVALID;
    place = zone->pointer;
    status = fake_blk_zone_write(blk, place, bytes / 512);
    if (status != 0)
        return status;
    fake_chain_read(chain, 16, blk->disk + place * 512, (size_t)bytes);
    place += blk->append_lie;
    fake_put(blk->device, sector, sizeof(sector), place);
    if (!blk->append_leaves_sector)
        fake_chain_write(chain, 0, sector, sizeof(sector));
    return 0;
}

bool fake_blk_execute_zones(struct fake_blk *blk, struct fake_chain *chain,
                            const struct fake_blk_request *request, uint8_t *status)
{
    if (request->type < FAKE_BLK_ZONE_APPEND || request->type > FAKE_BLK_ZONE_RESET_ALL)
        return false;
    if ((blk->device->driver_features & VIRTIO_BLK_F_ZONED) == 0 || blk->zone_count == 0) {
        fake_rule(blk->device, "blk-zone-feature", "5.2.6", "type %u", (unsigned)request->type);
        *status = 2;
    } else if (request->type == FAKE_BLK_ZONE_APPEND) {
        *status = execute_append(blk, chain, request);
    } else if (request->type == FAKE_BLK_ZONE_REPORT) {
        *status = execute_report(blk, chain, request);
    } else {
        *status = execute_manage(blk, chain, request);
    }
    return true;
}

void fake_blk_zone(struct fake_blk *blk, uint32_t zone_sectors, uint64_t capacity)
{
    struct fake_device *device = blk->device;

    device->features |= VIRTIO_BLK_F_ZONED;
    fake_device_set_config(device, FAKE_BLK_ZONE_SECTORS, 4, zone_sectors);
    fake_device_set_config(device, FAKE_BLK_MAX_APPEND_SECTORS, 4, 16);
    fake_device_set_config(device, FAKE_BLK_WRITE_GRANULARITY, 4, 512);
    fake_device_set_config(device, FAKE_BLK_MODEL, 1, VIRTIO_BLK_Z_HM);
    blk->zone_count = (unsigned)((blk->capacity + zone_sectors - 1) / zone_sectors);
    for (unsigned i = 0; i < blk->zone_count; i++) {
        uint64_t start = (uint64_t)i * zone_sectors;

        blk->zones[i] = (struct fake_blk_zone){
            .type = (uint8_t)(i == 0 ? VIRTIO_BLK_ZT_CONV : VIRTIO_BLK_ZT_SWR),
            .state = (uint8_t)(i == 0 ? VIRTIO_BLK_ZS_NOT_WP : VIRTIO_BLK_ZS_EMPTY),
            .start = start,
            .pointer = start,
            .capacity = capacity,
        };
    }
}
