/* SPDX-License-Identifier: MIT */
/*
 * A fake disk (spec 5.2).
 */
#include "fake_blk.h"

#include <stdlib.h>
#include <string.h>
#include <virtio/blk.h>

#define SECTOR 512u

/* struct virtio_blk_config: the width of each field (spec 5.2.4). */
static const uint8_t config_widths[] = {8, 4, 4, 2, 1, 1, 4, 1, 1, 2, 4, 1, 1, 2, 4, 4, 4, 4,
                                        4, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 4, 4, 1, 1, 1, 1, 0};

static bool negotiated(const struct fake_blk *blk, uint64_t feature)
{
    return (blk->device->driver_features & feature) != 0;
}

/* The data is what stands between the first 16 readable and the last writable byte. */
static void describe(struct fake_blk *blk, struct fake_chain *chain,
                     struct fake_blk_request *request)
{
    struct fake_device *device = blk->device;
    uint8_t header[16] = {0};

    if (chain->readable < 16 || chain->writable < 1) {
        fake_rule(device, "blk-frame", "5.2.6", "%llu bytes readable, %llu writable",
                  (unsigned long long)chain->readable, (unsigned long long)chain->writable);
        return;
    }
    fake_chain_read(chain, 0, header, sizeof(header));
    request->type = (uint32_t)fake_get(blk->device, header, 4);
    request->sector = fake_get(blk->device, header + 8, 8);
    request->bytes = chain->readable - 16 + chain->writable - 1;
    request->segments = chain->count - 2;
    request->queue = chain->queue->index;
    if (fake_get(blk->device, header + 4, 4) != 0)
        fake_rule(device, "blk-reserved", "5.2.6", "0x%x",
                  (unsigned)fake_get(blk->device, header + 4, 4));
    if (chain->descriptors[0].length != 16 || chain->descriptors[chain->count - 1].length != 1)
        fake_rule(device, "blk-frame", "5.2.6.3", "header %u bytes, status %u",
                  (unsigned)chain->descriptors[0].length,
                  (unsigned)chain->descriptors[chain->count - 1].length);
}

static void check_segments(struct fake_blk *blk, const struct fake_chain *chain,
                           const struct fake_blk_request *request)
{
    uint32_t seg_max =
        negotiated(blk, VIRTIO_BLK_F_SEG_MAX)
            ? (uint32_t)fake_get(blk->device, blk->device->config + FAKE_BLK_SEG_MAX, 4)
            : 1;
    uint32_t size_max =
        negotiated(blk, VIRTIO_BLK_F_SIZE_MAX)
            ? (uint32_t)fake_get(blk->device, blk->device->config + FAKE_BLK_SIZE_MAX, 4)
            : UINT32_MAX;

    if (request->segments > (seg_max ? seg_max : 1))
        fake_rule(blk->device, "blk-seg-max", "5.2.4", "%u segments of at most %u",
                  request->segments, (unsigned)seg_max);
    for (unsigned i = 1; i + 1 < chain->count; i++) {
        if (size_max != 0 && chain->descriptors[i].length > size_max)
            fake_rule(blk->device, "blk-size-max", "5.2.4", "%u bytes of at most %u",
                      (unsigned)chain->descriptors[i].length, (unsigned)size_max);
    }
}

/* @return whether the request may be executed. */
static bool check_data(struct fake_blk *blk, const struct fake_blk_request *request)
{
    uint64_t sectors = request->bytes / SECTOR;

    if (request->bytes == 0 || request->bytes % SECTOR != 0) {
        fake_rule(blk->device, "blk-data-length", "5.2.6.1", "%llu bytes",
                  (unsigned long long)request->bytes);
        return false;
    }
    if (sectors > blk->capacity || request->sector > blk->capacity - sectors) {
        fake_rule(blk->device, "blk-beyond-capacity", "5.2.6.1", "%llu sectors at %llu",
                  (unsigned long long)sectors, (unsigned long long)request->sector);
        return false;
    }
    return true;
}

static bool touches_bad_sector(const struct fake_blk *blk, const struct fake_blk_request *request)
{
    return blk->bad_sector >= request->sector &&
           blk->bad_sector - request->sector < request->bytes / SECTOR;
}

static uint8_t execute_data(struct fake_blk *blk, struct fake_chain *chain,
                            const struct fake_blk_request *request)
{
    uint8_t *place = blk->disk + request->sector * SECTOR;
    size_t bytes = (size_t)request->bytes;
    uint8_t status;

    check_segments(blk, chain, request);
    if (!check_data(blk, request) || touches_bad_sector(blk, request))
        return 1;
    if (request->type == FAKE_BLK_IN) {
        blk->reads++;
        if (chain->writable - 1 != bytes)
            return 1;
        fake_chain_write(chain, 0, place, bytes);
        return 0;
    }
    if (blk->device->features & VIRTIO_BLK_F_RO) {
        fake_rule(blk->device, "blk-write-read-only", "5.2.6.2", "sector %llu",
                  (unsigned long long)request->sector);
        return 1;
    }
    blk->writes++;
    blk->unflushed++;
    if (chain->readable - 16 != bytes)
        return 1;
    status = fake_blk_zone_write(blk, request->sector, bytes / SECTOR);
    if (status != 0)
        return status;
    fake_chain_read(chain, 16, place, bytes);
    return 0;
}

static uint8_t execute_flush(struct fake_blk *blk, const struct fake_blk_request *request)
{
    if (!negotiated(blk, VIRTIO_BLK_F_FLUSH))
        fake_rule(blk->device, "blk-flush-not-negotiated", "5.2.6", "a flush");
    if (request->sector != 0 || request->bytes != 0)
        fake_rule(blk->device, "blk-flush-arguments", "5.2.6.1", "sector %llu, %llu bytes",
                  (unsigned long long)request->sector, (unsigned long long)request->bytes);
    blk->flushes++;
    blk->unflushed = 0;
    return 0;
}

static uint8_t execute(struct fake_blk *blk, struct fake_chain *chain,
                       const struct fake_blk_request *request)
{
    uint8_t status;

    switch (request->type) {
    case FAKE_BLK_IN:
    case FAKE_BLK_OUT:
        return execute_data(blk, chain, request);
    case FAKE_BLK_FLUSH:
        return execute_flush(blk, request);
    case FAKE_BLK_GET_ID:
        if (chain->writable != sizeof(blk->id) + 1) {
            fake_rule(blk->device, "blk-id-length", "5.2.6.1", "%llu bytes",
                      (unsigned long long)request->bytes);
            return 1;
        }
        fake_chain_write(chain, 0, blk->id, sizeof(blk->id));
        return 0;
    default:
        if (fake_blk_execute_more(blk, chain, request, &status) ||
            fake_blk_execute_zones(blk, chain, request, &status))
            return status;
        fake_rule(blk->device, "blk-type", "5.2.6", "%u", (unsigned)request->type);
        return 2;
    }
}

static void finish(struct fake_blk *blk, struct fake_chain *chain)
{
    struct fake_blk_request request = {0};
    uint8_t status;
    uint64_t written = chain->writable;

    describe(blk, chain, &request);
    status = blk->forced_status >= 0 ? (uint8_t)blk->forced_status : execute(blk, chain, &request);
    if (!blk->leaves_status && chain->writable != 0)
        fake_chain_write(chain, chain->writable - 1, &status, 1);
    if (request.type == FAKE_BLK_IN)
        written -= blk->short_by < written ? blk->short_by : written;
    fake_chain_complete(chain, blk->reports_no_length ? 0 : (uint32_t)written);
}

void fake_blk_finish(struct fake_blk *blk, unsigned n)
{
    struct fake_chain *chain;

    if (n >= blk->held_count)
        abort(); /* the test's own mistake */
    chain = blk->held[n];
    blk->held_count--;
    memmove(&blk->held[n], &blk->held[n + 1], (blk->held_count - n) * sizeof(blk->held[0]));
    finish(blk, chain);
}

static void blk_request(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_blk *blk = device->behaviour_context;

    describe(blk, chain, &blk->log[blk->requests % FAKE_BLK_LOG]);
    blk->requests++;
    if (blk->drop_next != 0) {
        blk->drop_next--;
        return;
    }
    if (blk->order == FAKE_BLK_AT_ONCE) {
        finish(blk, chain);
        return;
    }
    if (blk->held_count == sizeof(blk->held) / sizeof(blk->held[0]))
        abort();
    blk->held[blk->held_count++] = chain;
}

static void blk_tick(struct fake_device *device)
{
    struct fake_blk *blk = device->behaviour_context;

    while (blk->order == FAKE_BLK_REVERSED && blk->held_count != 0)
        fake_blk_finish(blk, blk->held_count - 1);
}

static void blk_reset(struct fake_device *device)
{
    ((struct fake_blk *)device->behaviour_context)->held_count = 0;
}

static void blk_config_written(struct fake_device *device, uint32_t offset, unsigned width)
{
    struct fake_blk *blk = device->behaviour_context;

    if (offset != FAKE_BLK_WRITEBACK || width != 1 || device->config[offset] > 1 ||
        !negotiated(blk, VIRTIO_BLK_F_CONFIG_WCE))
        fake_rule(device, "blk-config-write", "5.2.5", "%u bytes at offset %u", width,
                  (unsigned)offset);
    blk->mode_writes++;
    if (blk->keeps_cache_mode)
        device->config[offset] ^= 1;
}

static const struct fake_behaviour behaviour = {
    .request = blk_request,
    .config_written = blk_config_written,
    .tick = blk_tick,
    .reset = blk_reset,
};

const struct fake_blk_request *fake_blk_latest(const struct fake_blk *blk, unsigned n)
{
    return &blk->log[(blk->requests - 1 - n) % FAKE_BLK_LOG];
}

void fake_blk_begin(struct fake_blk *blk, struct fake_device *device, uint64_t sectors)
{
    memset(blk, 0, sizeof(*blk));
    blk->device = device;
    blk->capacity = sectors;
    blk->disk = calloc((size_t)sectors + 1, SECTOR);
    if (!blk->disk)
        abort();
    memcpy(blk->id, "fake disk", 9);
    blk->bad_sector = UINT64_MAX;
    blk->forced_status = -1;
    device->type = VIRTIO_ID_BLOCK;
    device->config_early = FAKE_BLK_MODEL;
    device->behaviour = &behaviour;
    device->behaviour_context = blk;
    device->config_widths = config_widths;
    memset(device->config, 0, sizeof(device->config));
    fake_device_set_config(device, FAKE_BLK_CAPACITY, 8, sectors);
    device->config_size = FAKE_BLK_CONFIG_SIZE;
}

void fake_blk_end(struct fake_blk *blk)
{
    free(blk->disk);
    blk->disk = NULL;
}
