/* SPDX-License-Identifier: MIT */
/*
 * The block driver: what the device says of itself in configuration space (spec 5.2.4). Reads it after
 * FEATURES_OK, field by field as far as their features were taken, and believes nothing that makes no sense.
 */
#include "blk_internal.h"

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
};

_Static_assert(offsetof(struct virtio_blk_config, size_max) == 8, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, seg_max) == 12, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, blk_size) == 20, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, physical_block_exp) == 24, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, alignment_offset) == 25, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, min_io_size) == 26, "spec 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, opt_io_size) == 28, "spec 5.2.4");

/* A field that exists only with its feature, and where it goes. */
struct config_field {
    uint32_t feature;
    uint8_t offset;
    uint8_t width;
    uint16_t destination;
};

#define CONFIG_FIELD(feature, name)                                                                \
    {                                                                                              \
        (uint32_t)(feature), offsetof(struct virtio_blk_config, name),                             \
            sizeof(((struct virtio_blk_config *)0)->name), offsetof(struct virtio_blk, name)       \
    }

static const struct config_field config_fields[] = {
    CONFIG_FIELD(VIRTIO_BLK_F_SIZE_MAX, size_max),
    CONFIG_FIELD(VIRTIO_BLK_F_SEG_MAX, seg_max),
    CONFIG_FIELD(VIRTIO_BLK_F_BLK_SIZE, blk_size),
    CONFIG_FIELD(VIRTIO_BLK_F_TOPOLOGY, physical_block_exp),
    CONFIG_FIELD(VIRTIO_BLK_F_TOPOLOGY, alignment_offset),
    CONFIG_FIELD(VIRTIO_BLK_F_TOPOLOGY, min_io_size),
    CONFIG_FIELD(VIRTIO_BLK_F_TOPOLOGY, opt_io_size),
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

int virtio_blk_read_capacity(struct virtio_blk *blk)
{
    return virtio_config_read(&blk->device, offsetof(struct virtio_blk_config, capacity),
                              sizeof(blk->capacity), &blk->capacity);
}

int virtio_blk_read_config(struct virtio_blk *blk)
{
    int error = virtio_blk_read_capacity(blk);

    if (error == VIRTIO_OK)
        error = read_fields(blk);
    tame_fields(blk);
    blk->read_only = virtio_blk_has(&blk->device, VIRTIO_BLK_F_RO);
    blk->writeback = virtio_blk_has(&blk->device, VIRTIO_BLK_F_FLUSH);
    return error;
}
