/* SPDX-License-Identifier: MIT */
/*
 * The block driver: reads and writes of several pieces of memory in one device request (spec 5.2.6). The
 * pieces keep their own mappings, so that nothing has to be allocated for them.
 */
#include "blk_internal.h"

/* What unmapping the pieces of a request came to: the first error. */
static int unmap_pieces(const struct virtio_blk *blk, struct virtio_blk_slot *slot)
{
    int error = VIRTIO_OK;

    for (size_t i = 0; i < slot->piece_count; i++) {
        int unmapped = virtio_unmap_buffer(virtio_blk_device(blk), &slot->pieces[i].mapping);

        if (error == VIRTIO_OK)
            error = unmapped;
    }
    return error;
}

/* How many segments a piece becomes; more than list_max can't be told apart. */
static size_t count_segments(const struct virtio_blk *blk, size_t bytes)
{
    size_t count = 0;

    for (; bytes != 0 && count <= blk->list_max; count++)
        bytes -= bytes < blk->size_max ? bytes : blk->size_max;
    return count;
}

/* Is it a list that fits into one request? @return its bytes. */
static int measure(const struct virtio_blk *blk, const struct virtio_blk_piece *pieces,
                   size_t count, size_t *total)
{
    size_t segments = 0;

    *total = 0;
    if (pieces == NULL || count == 0)
        return VIRTIO_E_INVALID;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].memory == NULL)
            return VIRTIO_E_INVALID;
        if (pieces[i].bytes == 0)
            return VIRTIO_E_ZERO_LENGTH;
        segments += count_segments(blk, pieces[i].bytes);
        if (segments > blk->list_max || pieces[i].bytes > VIRTIO_BLK_PART_MAX - *total)
            return VIRTIO_E_TOO_LONG;
        *total += pieces[i].bytes;
    }
    return VIRTIO_OK;
}

/* Map all pieces, and put them in line. @return how many segments, or why not. */
static int map_pieces(struct virtio_blk *blk, struct virtio_blk_slot *slot,
                      struct virtio_blk_piece *pieces, size_t count)
{
    unsigned segments = 0;

    slot->pieces = pieces;
    slot->unmap = unmap_pieces;
    for (slot->piece_count = 0; slot->piece_count < count; slot->piece_count++) {
        struct virtio_blk_piece *piece = &pieces[slot->piece_count];
        int error = virtio_map_all_bytes_in_shared_buffer(
            virtio_blk_device(blk), piece->memory, piece->bytes,
            slot->device_reads ? VIRTIO_DEVICE_READS : VIRTIO_DEVICE_WRITES, &piece->mapping);

        if (error != VIRTIO_OK)
            return error;
        segments += virtio_blk_put_data(blk, piece->mapping.device_address, piece->bytes,
                                        blk->buffers + 1 + segments);
    }
    return (int)segments;
}

/* Hand a list to the queue: what virtio_blk_run_sent and virtio_blk_keep_sent need, or VIRTIO_OK and a result
 * of its own. */
static int send_list(struct virtio_blk *blk, uint32_t type, uint64_t sector,
                     struct virtio_blk_piece *pieces, size_t count, struct virtio_blk_slot **sent)
{
    struct virtio_blk_slot *slot;
    size_t bytes;
    int result = virtio_blk_is_live(blk) ? measure(blk, pieces, count, &bytes) : VIRTIO_E_STATE;

    *sent = NULL;
    if (result == VIRTIO_OK)
        result = virtio_blk_begin_data(blk, type, sector, pieces, bytes, &slot);
    if (result != VIRTIO_OK)
        return result;
    *sent = slot;
    slot->part = (uint32_t)bytes;
    slot->left = 0;
    result = map_pieces(blk, slot, pieces, count);
    if (result < 0)
        return result;
    return slot->device_reads ? virtio_blk_frame(blk, slot, (unsigned)result, 0)
                              : virtio_blk_frame(blk, slot, 0, (unsigned)result);
}

static int run_list(struct virtio_blk *blk, uint32_t type, uint64_t sector,
                    struct virtio_blk_piece *pieces, size_t count)
{
    struct virtio_blk_slot *slot;
    int result = send_list(blk, type, sector, pieces, count, &slot);

    return slot != NULL ? virtio_blk_run_sent(blk, slot, result) : result;
}

static int submit_list(struct virtio_blk *blk, uint32_t type, uint64_t sector,
                       struct virtio_blk_piece *pieces, size_t count, void *cookie)
{
    struct virtio_blk_slot *slot;
    int result = send_list(blk, type, sector, pieces, count, &slot);

    return slot != NULL ? virtio_blk_keep_sent(blk, slot, result, cookie) : result;
}

int virtio_blk_read_list(struct virtio_blk *blk, uint64_t sector, struct virtio_blk_piece *pieces,
                         size_t count)
{
    return run_list(blk, VIRTIO_BLK_T_IN, sector, pieces, count);
}

int virtio_blk_write_list(struct virtio_blk *blk, uint64_t sector, struct virtio_blk_piece *pieces,
                          size_t count)
{
    return run_list(blk, VIRTIO_BLK_T_OUT, sector, pieces, count);
}

int virtio_blk_submit_read_list(struct virtio_blk *blk, uint64_t sector,
                                struct virtio_blk_piece *pieces, size_t count, void *cookie)
{
    return submit_list(blk, VIRTIO_BLK_T_IN, sector, pieces, count, cookie);
}

int virtio_blk_submit_write_list(struct virtio_blk *blk, uint64_t sector,
                                 struct virtio_blk_piece *pieces, size_t count, void *cookie)
{
    return submit_list(blk, VIRTIO_BLK_T_OUT, sector, pieces, count, cookie);
}
