/* SPDX-License-Identifier: MIT */
/*
 * The block driver: requests that name ranges of sectors and carry no data: discard, write zeroes, secure
 * erase (spec 5.2.6). A device request takes some segments (struct virtio_blk_discard_write_zeroes), each
 * of a limited length; a blocking call makes as many requests as it takes.
 *
 * Must not: send a segment that is longer than the device takes, more of them than it takes, or one of
 * no sectors.
 */
#include "blk_internal.h"

#define VIRTIO_BLK_T_DISCARD      11u
#define VIRTIO_BLK_T_WRITE_ZEROES 13u
#define VIRTIO_BLK_T_SECURE_ERASE 14u

#define FLAG_UNMAP 1u

/* A kind of request with what limits it. */
struct kind {
    uint32_t type;
    uint32_t flags;
    uint64_t feature;
    const struct virtio_blk_range_limits *limits;
};

/* Where a walk along the caller's ranges stands. */
struct walk {
    const struct virtio_blk_range *range; /* the one that is not done */
    size_t left;                          /* ranges, with this one */
    uint64_t done;                        /* sectors of it */
};

static int check_range(const struct virtio_blk *blk, const struct virtio_blk_range *range)
{
    uint64_t end;

    if (range->sectors == 0)
        return VIRTIO_E_ZERO_LENGTH;
    if (__builtin_add_overflow(range->sector, range->sectors, &end) || end > blk->capacity)
        return VIRTIO_E_OUT_OF_RANGE;
    return VIRTIO_OK;
}

/* All is checked before anything is sent. */
static int check(const struct virtio_blk *blk, const struct kind *kind,
                 const struct virtio_blk_range *ranges, size_t count)
{
    int error = VIRTIO_OK;

    if (!virtio_blk_is_live(blk))
        return VIRTIO_E_STATE;
    if (!virtio_blk_has(virtio_blk_device(blk), kind->feature))
        return VIRTIO_E_NOT_SUPPORTED;
    if (blk->read_only)
        return VIRTIO_E_READ_ONLY;
    if (ranges == NULL || count == 0)
        return VIRTIO_E_INVALID;
    for (size_t i = 0; i < count && error == VIRTIO_OK; i++)
        error = check_range(blk, &ranges[i]);
    return error;
}

/* How many of these sectors go out as one segment. A cut in the middle is made where the device's alignment
 * wants it, as far as there is such a place. */
static uint32_t cut(const struct virtio_blk_range_limits *limits, uint64_t sector, uint64_t sectors,
                    uint32_t most)
{
    uint64_t end = sector + most;

    if (sectors <= most)
        return (uint32_t)sectors;
    if (limits->alignment != 0)
        end -= virtio_blk_remainder(end, limits->alignment);
    return end > sector ? (uint32_t)(end - sector) : most;
}

/* The segments of the next device request, as many as fit. @return how many. */
static unsigned fill(struct virtio_blk *blk, const struct kind *kind, struct walk *walk,
                     struct virtio_blk_segment *segments)
{
    const struct virtio_blk_range_limits *limits = kind->limits;
    uint32_t most = limits->sectors != 0 ? limits->sectors : UINT32_MAX; /* together */
    uint32_t room = limits->segments != 0 ? limits->segments : 1;
    bool legacy = virtio_blk_device(blk)->legacy;
    unsigned count = 0;

    if (room > VIRTIO_BLK_SEGMENTS_MAX)
        room = VIRTIO_BLK_SEGMENTS_MAX;
    while (walk->left != 0 && most != 0 && count < room) {
        uint64_t sector = walk->range->sector + walk->done;
        uint32_t length = cut(limits, sector, walk->range->sectors - walk->done, most);

        segments[count++] = (struct virtio_blk_segment){
            virtio_order64(legacy, sector),
            virtio_order32(legacy, length),
            virtio_order32(legacy, kind->flags),
        };
        most -= length;
        walk->done += length;
        if (walk->done == walk->range->sectors) {
            walk->range++;
            walk->left--;
            walk->done = 0;
        }
    }
    return count;
}

/* Make the next device request of the walk. */
static int begin(struct virtio_blk *blk, const struct kind *kind, struct walk *walk,
                 struct virtio_blk_slot **begun)
{
    int error = virtio_blk_begin(blk, kind->type, begun);
    unsigned count;

    if (error != VIRTIO_OK)
        return error;
    count = fill(blk, kind, walk, (*begun)->unit->data.segments);
    virtio_blk_use_unit_data(*begun, count * sizeof(struct virtio_blk_segment));
    (*begun)->device_reads = true; /* odd types say so themselves, but for secure erase */
    return VIRTIO_OK;
}

static int run_ranges(struct virtio_blk *blk, const struct kind *kind,
                      const struct virtio_blk_range *ranges, size_t count)
{
    struct walk walk = {ranges, count, 0};
    int error = check(blk, kind, ranges, count);

    while (error == VIRTIO_OK && walk.left != 0) {
        struct virtio_blk_slot *slot;

        error = begin(blk, kind, &walk, &slot);
        if (error == VIRTIO_OK)
            error = virtio_blk_run(blk, slot);
    }
    return error;
}

static int send_ranges(struct virtio_blk *blk, const struct kind *kind,
                       const struct virtio_blk_range *ranges, size_t count, void *cookie)
{
    struct walk walk = {ranges, count, 0};
    struct virtio_blk_slot *slot;
    int error = check(blk, kind, ranges, count);

    if (error == VIRTIO_OK)
        error = begin(blk, kind, &walk, &slot);
    if (error != VIRTIO_OK)
        return error;
    if (walk.left == 0)
        return virtio_blk_send(blk, slot, cookie);
    virtio_blk_forget(blk, slot);
    return VIRTIO_E_TOO_LONG;
}

static struct kind discard_of(const struct virtio_blk *blk)
{
    return (struct kind){VIRTIO_BLK_T_DISCARD, 0, VIRTIO_BLK_F_DISCARD, &blk->discard};
}

static struct kind write_zeroes_of(const struct virtio_blk *blk, bool unmap)
{
    return (struct kind){VIRTIO_BLK_T_WRITE_ZEROES, unmap ? FLAG_UNMAP : 0,
                         VIRTIO_BLK_F_WRITE_ZEROES, &blk->write_zeroes};
}

static struct kind secure_erase_of(const struct virtio_blk *blk)
{
    return (struct kind){VIRTIO_BLK_T_SECURE_ERASE, 0, VIRTIO_BLK_F_SECURE_ERASE,
                         &blk->secure_erase};
}

int virtio_blk_discard(struct virtio_blk *blk, const struct virtio_blk_range *ranges, size_t count)
{
    const struct kind kind = discard_of(blk);

    return run_ranges(blk, &kind, ranges, count);
}

int virtio_blk_write_zeroes(struct virtio_blk *blk, const struct virtio_blk_range *ranges,
                            size_t count, bool unmap)
{
    const struct kind kind = write_zeroes_of(blk, unmap);

    return run_ranges(blk, &kind, ranges, count);
}

int virtio_blk_secure_erase(struct virtio_blk *blk, const struct virtio_blk_range *ranges,
                            size_t count)
{
    const struct kind kind = secure_erase_of(blk);

    return run_ranges(blk, &kind, ranges, count);
}

int virtio_blk_submit_discard(struct virtio_blk *blk, const struct virtio_blk_range *ranges,
                              size_t count, void *cookie)
{
    const struct kind kind = discard_of(blk);

    return send_ranges(blk, &kind, ranges, count, cookie);
}

int virtio_blk_submit_write_zeroes(struct virtio_blk *blk, const struct virtio_blk_range *ranges,
                                   size_t count, bool unmap, void *cookie)
{
    const struct kind kind = write_zeroes_of(blk, unmap);

    return send_ranges(blk, &kind, ranges, count, cookie);
}

int virtio_blk_submit_secure_erase(struct virtio_blk *blk, const struct virtio_blk_range *ranges,
                                   size_t count, void *cookie)
{
    const struct kind kind = secure_erase_of(blk);

    return send_ranges(blk, &kind, ranges, count, cookie);
}
