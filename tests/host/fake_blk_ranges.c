/* SPDX-License-Identifier: MIT */
/*
 * A fake disk's requests beside reading, writing and flushing: ranges (discard, write zeroes, secure erase)
 * and lifetime (spec 5.2.6). See fake_blk.h.
 */
#include "fake_blk.h"

#include <string.h>
#include <virtio/blk.h>

#define SEGMENT 16u /* bytes of struct virtio_blk_discard_write_zeroes */

/* A kind of request, and where its limits are in configuration space. */
static const struct kind {
    uint32_t type;
    uint64_t feature;
    uint32_t sectors;
    uint32_t segments;
    uint8_t fill; /* what the sectors hold afterwards; a discard leaves anything */
} kinds[] = {
    {FAKE_BLK_DISCARD, VIRTIO_BLK_F_DISCARD, FAKE_BLK_MAX_DISCARD_SECTORS, FAKE_BLK_MAX_DISCARD_SEG,
     FAKE_BLK_DISCARDED},
    {FAKE_BLK_WRITE_ZEROES, VIRTIO_BLK_F_WRITE_ZEROES, FAKE_BLK_MAX_WRITE_ZEROES_SECTORS,
     FAKE_BLK_MAX_WRITE_ZEROES_SEG, 0},
    {FAKE_BLK_SECURE_ERASE, VIRTIO_BLK_F_SECURE_ERASE, FAKE_BLK_MAX_SECURE_ERASE_SECTORS,
     FAKE_BLK_MAX_SECURE_ERASE_SEG, FAKE_BLK_ERASED},
};

static const struct kind *find_kind(uint32_t type)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].type == type)
            return &kinds[i];
    }
    return NULL;
}

/* @return whether it may be executed. */
static bool check_segment(struct fake_blk *blk, const struct kind *kind,
                          const struct fake_blk_range *range)
{
    uint64_t most = fake_get(blk->device, blk->device->config + kind->sectors, 4);
    uint32_t known = kind->type == FAKE_BLK_WRITE_ZEROES ? 1 : 0;

    if ((range->flags & ~known) != 0)
        fake_rule(blk->device, "blk-range-flags", "5.2.6.1", "0x%x", (unsigned)range->flags);
    if (range->sectors == 0 || (most != 0 && range->sectors > most))
        fake_rule(blk->device, "blk-range-sectors", "5.2.4", "%u of at most %llu",
                  (unsigned)range->sectors, (unsigned long long)most);
    if (range->sector > blk->capacity || range->sectors > blk->capacity - range->sector) {
        fake_rule(blk->device, "blk-range-beyond", "5.2.6", "%u sectors at %llu",
                  (unsigned)range->sectors, (unsigned long long)range->sector);
        return false;
    }
    return true;
}

static bool check_frame(struct fake_blk *blk, const struct kind *kind,
                        const struct fake_chain *chain, const struct fake_blk_request *request)
{
    uint64_t most = fake_get(blk->device, blk->device->config + kind->segments, 4);

    if ((blk->device->driver_features & kind->feature) == 0)
        fake_rule(blk->device, "blk-range-feature", "5.2.6", "type %u", (unsigned)kind->type);
    if (blk->device->features & VIRTIO_BLK_F_RO)
        fake_rule(blk->device, "blk-range-read-only", "5.2.6", "type %u", (unsigned)kind->type);
    if (request->sector != 0)
        fake_rule(blk->device, "blk-sector-unused", "5.2.6", "%llu",
                  (unsigned long long)request->sector);
    if (request->bytes == 0 || request->bytes % SEGMENT != 0 || chain->writable != 1) {
        fake_rule(blk->device, "blk-range-length", "5.2.6.1", "%llu bytes",
                  (unsigned long long)request->bytes);
        return false;
    }
    if (request->bytes / SEGMENT > (most ? most : 1))
        fake_rule(blk->device, "blk-range-segments", "5.2.6.1", "%llu of at most %llu",
                  (unsigned long long)request->bytes / SEGMENT, (unsigned long long)most);
    return true;
}

static uint8_t execute_ranges(struct fake_blk *blk, const struct kind *kind,
                              struct fake_chain *chain, const struct fake_blk_request *request)
{
    if (!check_frame(blk, kind, chain, request))
        return 1;
    for (uint64_t at = 0; at < request->bytes; at += SEGMENT) {
        struct fake_blk_range *range = &blk->ranges[blk->range_count % FAKE_BLK_RANGES];
        uint8_t bytes[SEGMENT];

        fake_chain_read(chain, 16 + at, bytes, sizeof(bytes));
        *range = (struct fake_blk_range){
            .type = kind->type,
            .sector = fake_get(blk->device, bytes, 8),
            .sectors = (uint32_t)fake_get(blk->device, bytes + 8, 4),
            .flags = (uint32_t)fake_get(blk->device, bytes + 12, 4),
        };
        blk->range_count++;
        if (!check_segment(blk, kind, range))
            return 1;
        memset(blk->disk + range->sector * 512, kind->fill, (size_t)range->sectors * 512);
    }
    return 0;
}

static uint8_t execute_lifetime(struct fake_blk *blk, struct fake_chain *chain,
                                const struct fake_blk_request *request)
{
    uint8_t bytes[sizeof(blk->lifetime)];

    if ((blk->device->driver_features & VIRTIO_BLK_F_LIFETIME) == 0)
        fake_rule(blk->device, "blk-lifetime-feature", "5.2.6", "a request for it");
    if (request->bytes != sizeof(blk->lifetime) || chain->writable != sizeof(blk->lifetime) + 1) {
        fake_rule(blk->device, "blk-lifetime-length", "5.2.6", "%llu bytes",
                  (unsigned long long)request->bytes);
        return 1;
    }
    for (unsigned i = 0; i < 3; i++)
        fake_put(blk->device, bytes + 2 * (size_t)i, 2, blk->lifetime[i]);
    fake_chain_write(chain, 0, bytes, sizeof(bytes) - blk->lifetime_short_by);
    return 0;
}

bool fake_blk_execute_more(struct fake_blk *blk, struct fake_chain *chain,
                           const struct fake_blk_request *request, uint8_t *status)
{
    const struct kind *kind = find_kind(request->type);

    if (kind != NULL)
        *status = execute_ranges(blk, kind, chain, request);
    else if (request->type == FAKE_BLK_GET_LIFETIME)
        *status = execute_lifetime(blk, chain, request);
    else
        return false;
    return true;
}
