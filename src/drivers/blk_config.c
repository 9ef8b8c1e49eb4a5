/* SPDX-License-Identifier: MIT */
/*
 * The block driver: what the device says of itself in configuration space (spec 5.2.4). Reads it after
 * FEATURES_OK, field by field as far as their features were taken, and believes nothing that makes no sense.
 */
#include "blk_internal.h"
#include <virtio/blk_zoned.h>

#define NO_LIMIT UINT32_MAX

/* Device configuration space (spec 5.2.4), as far as it is used. */
struct virtio_blk_config {
    uint64_t capacity;
    uint32_t size_max;
    uint32_t seg_max;
    uint16_t cylinders;
    uint8_t heads;
    uint8_t sectors;
    uint32_t blk_size;
    uint8_t physical_block_exp;
    uint8_t alignment_offset;
    uint16_t min_io_size;
    uint32_t opt_io_size;
    uint8_t writeback;
    uint8_t unused0;
    uint16_t num_queues;
    uint32_t max_discard_sectors;
    uint32_t max_discard_seg;
    uint32_t discard_sector_alignment;
    uint32_t max_write_zeroes_sectors;
    uint32_t max_write_zeroes_seg;
    uint8_t write_zeroes_may_unmap;
    uint8_t unused1[3];
    uint32_t max_secure_erase_sectors;
    uint32_t max_secure_erase_seg;
    uint32_t secure_erase_sector_alignment;
};

_Static_assert(offsetof(struct virtio_blk_config, size_max) == 8, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, seg_max) == 12, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, blk_size) == 20, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, physical_block_exp) == 24, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, alignment_offset) == 25, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, min_io_size) == 26, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, opt_io_size) == 28, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, writeback) == 32, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, num_queues) == 34, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, max_discard_sectors) == 36, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, max_write_zeroes_sectors) == 48, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, write_zeroes_may_unmap) == 56, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, max_secure_erase_sectors) == 60, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, secure_erase_sector_alignment) == 68,
               "spec 5.2.4");

/* A field that exists only with its feature, and where it goes. */
struct config_field {
    uint32_t feature;
    uint8_t offset;
    uint8_t width;
    uint16_t destination;
};

#define CONFIG_FIELD_AT(feature, name, member)                                                     \
    {                                                                                              \
        (uint32_t)(feature), offsetof(struct virtio_blk_config, name),                             \
            sizeof(((struct virtio_blk_config *)0)->name), offsetof(struct virtio_blk, member)     \
    }

#define CONFIG_FIELD(feature, name) CONFIG_FIELD_AT(feature, name, name)

static const struct config_field config_fields[] = {
    CONFIG_FIELD(VIRTIO_BLK_F_SIZE_MAX, size_max),
    CONFIG_FIELD(VIRTIO_BLK_F_SEG_MAX, seg_max),
    CONFIG_FIELD(VIRTIO_BLK_F_BLK_SIZE, blk_size),
    CONFIG_FIELD(VIRTIO_BLK_F_TOPOLOGY, physical_block_exp),
    CONFIG_FIELD(VIRTIO_BLK_F_TOPOLOGY, alignment_offset),
    CONFIG_FIELD(VIRTIO_BLK_F_TOPOLOGY, min_io_size),
    CONFIG_FIELD(VIRTIO_BLK_F_TOPOLOGY, opt_io_size),
    CONFIG_FIELD_AT(VIRTIO_BLK_F_CONFIG_WCE, writeback, cache_mode),
    CONFIG_FIELD(VIRTIO_BLK_F_MQ, num_queues),
    CONFIG_FIELD_AT(VIRTIO_BLK_F_DISCARD, max_discard_sectors, discard.sectors),
    CONFIG_FIELD_AT(VIRTIO_BLK_F_DISCARD, max_discard_seg, discard.segments),
    CONFIG_FIELD_AT(VIRTIO_BLK_F_DISCARD, discard_sector_alignment, discard.alignment),
    CONFIG_FIELD_AT(VIRTIO_BLK_F_WRITE_ZEROES, max_write_zeroes_sectors, write_zeroes.sectors),
    CONFIG_FIELD_AT(VIRTIO_BLK_F_WRITE_ZEROES, max_write_zeroes_seg, write_zeroes.segments),
    CONFIG_FIELD(VIRTIO_BLK_F_WRITE_ZEROES, write_zeroes_may_unmap),
    CONFIG_FIELD_AT(VIRTIO_BLK_F_SECURE_ERASE, max_secure_erase_sectors, secure_erase.sectors),
    CONFIG_FIELD_AT(VIRTIO_BLK_F_SECURE_ERASE, max_secure_erase_seg, secure_erase.segments),
    CONFIG_FIELD_AT(VIRTIO_BLK_F_SECURE_ERASE, secure_erase_sector_alignment,
                    secure_erase.alignment),
};

/* The fields whose feature was taken; the others stay 0. */
static int read_fields(struct virtio_blk *blk)
{
    const struct config_field *end =
        config_fields + sizeof(config_fields) / sizeof(config_fields[0]);

    for (const struct config_field *from = config_fields; from < end; from++) {
        uint64_t value;
        int error;

        if (!virtio_blk_has(&blk->device, from->feature))
            continue;
        error = virtio_config_read(&blk->device, from->offset, from->width, &value);
        if (error != VIRTIO_OK)
            return error;
        *(uint32_t *)(void *)((uint8_t *)blk + from->destination) = (uint32_t)value;
    }
    return VIRTIO_OK;
}

/* Replace what is missing or makes no sense. The block sizes address nothing here, but callers will shift
 * and divide by them. */
static void tame_fields(struct virtio_blk *blk)
{
    if (blk->size_max == 0)
        blk->size_max = NO_LIMIT;
    if (blk->seg_max == 0)
        blk->seg_max = 1;
    if (blk->blk_size < VIRTIO_BLK_SECTOR_SIZE || (blk->blk_size & (blk->blk_size - 1)) != 0)
        blk->blk_size = VIRTIO_BLK_SECTOR_SIZE;
    if (blk->physical_block_exp > 31 || blk->blk_size > UINT32_MAX >> blk->physical_block_exp)
        blk->physical_block_exp = 0;
}

static int read_capacity(const struct virtio_device *device, uint64_t *capacity)
{
    return virtio_config_read(device, offsetof(struct virtio_blk_config, capacity),
                              sizeof(*capacity), capacity);
}

/* Without FLUSH nothing could make a write stable, whatever the field says. */
static void set_writeback(struct virtio_blk *blk)
{
    blk->writeback =
        virtio_blk_has(&blk->device, VIRTIO_BLK_F_FLUSH) &&
        (blk->cache_mode != 0 || !virtio_blk_has(&blk->device, VIRTIO_BLK_F_CONFIG_WCE));
}

/* The device has to refuse FEATURES_OK itself, but a disk that is written out of order is ruined. */
int virtio_blk_check_model(const struct virtio_device *device, const struct virtio_features *wanted)
{
    uint64_t model;
    int error;

    if (((uint32_t)(device->features_offered & ~wanted->supported) & VIRTIO_BLK_F_ZONED) == 0)
        return VIRTIO_OK;
    error = virtio_config_read(device, VIRTIO_BLK_CONFIG_MODEL, 1, &model);
    return error == VIRTIO_OK && model == VIRTIO_BLK_Z_HM ? VIRTIO_E_FEATURES : error;
}

int virtio_blk_read_config(struct virtio_blk *blk)
{
    int error = read_capacity(&blk->device, &blk->capacity);

    if (error == VIRTIO_OK)
        error = read_fields(blk);
    tame_fields(blk);
    blk->read_only = virtio_blk_has(&blk->device, VIRTIO_BLK_F_RO);
    set_writeback(blk);
    return error;
}

int virtio_blk_read_config_again(struct virtio_blk *blk)
{
    uint64_t mode = 0;
    int error = read_capacity(&blk->device, &blk->capacity);

    if (error == VIRTIO_OK && virtio_blk_has(&blk->device, VIRTIO_BLK_F_CONFIG_WCE))
        error = virtio_config_read(&blk->device, offsetof(struct virtio_blk_config, writeback), 1,
                                   &mode);
    blk->cache_mode = (uint32_t)mode;
    set_writeback(blk);
    return error;
}

int virtio_blk_poll_resize(struct virtio_blk *blk)
{
    uint64_t capacity;
    int error;

    if (!virtio_blk_is_live(blk))
        return VIRTIO_E_STATE;
    error = read_capacity(virtio_blk_device(blk), &capacity);
    if (error != VIRTIO_OK)
        return error;
    if (capacity == blk->capacity)
        return 0;
    error = virtio_device_check(virtio_blk_device(blk));
    if (error != VIRTIO_OK)
        return error;
    blk->capacity = capacity;
    return 1;
}

/* What was written before stays volatile when the device begins to write through (spec 5.2.6.1), and a
 * flush that asks `writeback` first would not be sent any more. Hence one in between. */
int virtio_blk_set_writeback(struct virtio_blk *blk, bool writeback)
{
    const struct virtio_device *device = virtio_blk_device(blk);
    const uint32_t offset = offsetof(struct virtio_blk_config, writeback);
    uint64_t shown = 0;
    int error;

    if (!virtio_blk_is_live(blk))
        return VIRTIO_E_STATE;
    if (!virtio_blk_has(device, VIRTIO_BLK_F_CONFIG_WCE) ||
        !virtio_blk_has(device, VIRTIO_BLK_F_FLUSH))
        return VIRTIO_E_NOT_SUPPORTED;
    error = virtio_config_write(device, offset, 1, writeback);
    if (error == VIRTIO_OK)
        error = virtio_config_read(device, offset, 1, &shown);
    if (error == VIRTIO_OK && (shown != 0) != writeback)
        error = VIRTIO_E_RESPONSE;
    if (error == VIRTIO_OK && blk->writeback)
        error = virtio_blk_flush(blk);
    if (error == VIRTIO_OK)
        blk->writeback = writeback;
    return error;
}
