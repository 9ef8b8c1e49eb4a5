/* SPDX-License-Identifier: MIT */
/*
 * Prepare a part of a disk for a file system: its first sectors read as zeros afterwards, the storage of the others
 * is given back, and a header and a table are written out of two pieces of memory with one request. Compiled with
 * the tests; copy it into a kernel that has a struct virtio_host and has found a device.
 */
#include <virtio/virtio.h>

#define CLEARED UINT64_C(64) /* sectors of 512 bytes */

int disk_prepare(const struct virtio_device *found, uint64_t first, uint64_t sectors, void *header,
                 void *table, size_t table_bytes);

static struct virtio_blk disk;

/* A disk that can't zero by itself is written to. */
static int clear(uint64_t first)
{
    static const uint8_t zeros[CLEARED * VIRTIO_BLK_SECTOR_SIZE];
    const struct virtio_blk_range range = {.sector = first, .sectors = CLEARED};
    int error = virtio_blk_write_zeroes(&disk, &range, 1, false);

    return error == VIRTIO_E_NOT_SUPPORTED ? virtio_blk_write(&disk, first, zeros, sizeof(zeros))
                                           : error;
}

/* One that can't discard keeps its storage, which is no failure. */
static int discard(uint64_t first, uint64_t sectors)
{
    const struct virtio_blk_range range = {.sector = first, .sectors = sectors};
    int error = virtio_blk_discard(&disk, &range, 1);

    return error == VIRTIO_E_NOT_SUPPORTED ? VIRTIO_OK : error;
}

/* A device may take fewer segments than were asked for; then one piece goes after the other. */
static int write_both(uint64_t first, struct virtio_blk_piece *pieces)
{
    int error = virtio_blk_write_list(&disk, first, pieces, 2);

    if (error != VIRTIO_E_TOO_LONG)
        return error;
    error = virtio_blk_write(&disk, first, pieces[0].memory, pieces[0].bytes);
    return error == VIRTIO_OK
               ? virtio_blk_write(&disk, first + pieces[0].bytes / VIRTIO_BLK_SECTOR_SIZE,
                                  pieces[1].memory, pieces[1].bytes)
               : error;
}

int disk_prepare(const struct virtio_device *found, uint64_t first, uint64_t sectors, void *header,
                 void *table, size_t table_bytes)
{
    const struct virtio_blk_options options = {.list_max = 2};
    struct virtio_blk_piece pieces[2] = {
        {.memory = header, .bytes = VIRTIO_BLK_SECTOR_SIZE},
        {.memory = table, .bytes = table_bytes},
    };
    int error = virtio_blk_start_with(&disk, found, &options);

    if (error != VIRTIO_OK)
        return error;
    error = sectors > CLEARED ? clear(first) : VIRTIO_E_OUT_OF_RANGE;
    if (error == VIRTIO_OK)
        error = discard(first + CLEARED, sectors - CLEARED);
    if (error == VIRTIO_OK)
        error = write_both(first, pieces);
    if (error == VIRTIO_OK)
        error = virtio_blk_flush(&disk);
    (void)virtio_blk_stop(&disk);
    return error;
}
