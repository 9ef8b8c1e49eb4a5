/* SPDX-License-Identifier: MIT */
/*
 * A fake disk (spec 5.2): a behaviour for a fake device. Executes requests on memory and checks them.
 *
 *     fake_blk_begin(&blk, &device, 2048);     sectors; sets type, configuration space, behaviour
 *     device.features |= VIRTIO_BLK_F_FLUSH;
 *     ...
 *     fake_blk_end(&blk);
 *
 * Checked, whatever the driver negotiated: the header is 16 bytes and reserved is 0, the status byte is
 * one byte and last, data is whole sectors within the disk, no more than seg_max segments (one when
 * the feature was not taken) of size_max bytes, no writing to a read-only disk, a flush only when
 * negotiated, with sector 0 and no data, an id of 20 bytes; ranges and lifetime when negotiated, with no more
 * segments, sectors and flags than the device takes.
 *
 * What may go wrong is a member that a test sets.
 */
#ifndef FAKE_BLK_H
#define FAKE_BLK_H

#include "fake_device.h"

#define FAKE_BLK_IN             0u
#define FAKE_BLK_OUT            1u
#define FAKE_BLK_FLUSH          4u
#define FAKE_BLK_GET_ID         8u
#define FAKE_BLK_GET_LIFETIME   10u
#define FAKE_BLK_DISCARD        11u
#define FAKE_BLK_WRITE_ZEROES   13u
#define FAKE_BLK_SECURE_ERASE   14u
#define FAKE_BLK_ZONE_APPEND    15u
#define FAKE_BLK_ZONE_REPORT    16u
#define FAKE_BLK_ZONE_OPEN      18u
#define FAKE_BLK_ZONE_CLOSE     20u
#define FAKE_BLK_ZONE_FINISH    22u
#define FAKE_BLK_ZONE_RESET     24u
#define FAKE_BLK_ZONE_RESET_ALL 26u

/** What sectors hold that were discarded or erased. */
#define FAKE_BLK_DISCARDED 0xddu
#define FAKE_BLK_ERASED    0xe5u

/** When a request is completed. */
enum fake_blk_order {
    FAKE_BLK_AT_ONCE,  /* in order, while the driver notifies */
    FAKE_BLK_REVERSED, /* all that are there, the last first, when time has passed */
    FAKE_BLK_HELD      /* when the test says so: fake_blk_finish */
};

struct fake_blk_request {
    uint32_t type;
    uint64_t sector;
    uint64_t bytes;    /* of data */
    unsigned segments; /* descriptors of data */
    uint16_t queue;
};

/** A range that was discarded, zeroed or erased. */
struct fake_blk_range {
    uint32_t type;
    uint32_t flags;
    uint64_t sector;
    uint32_t sectors;
};

/** A zone (fake_blk_zone). */
struct fake_blk_zone {
    uint8_t type;
    uint8_t state;
    uint64_t start;
    uint64_t pointer;
    uint64_t capacity;
};

#define FAKE_BLK_ZONES 64u

#define FAKE_BLK_LOG    64u
#define FAKE_BLK_RANGES 64u

struct fake_blk {
    struct fake_device *device;
    uint8_t *disk;
    uint64_t capacity; /* sectors of 512 bytes */
    char id[20];       /* "fake disk", no NUL needed */
    uint16_t lifetime[3];
    enum fake_blk_order order;

    /* What may go wrong. */
    uint64_t bad_sector;        /* requests that touch it fail with status 1; UINT64_MAX: none */
    int forced_status;          /* this status for every request, nothing is done; -1: none */
    bool leaves_status;         /* the status byte is not written */
    bool reports_no_length;     /* the used length is 0 */
    uint32_t short_by;          /* the used length of reads is this many bytes too small */
    unsigned drop_next;         /* this many requests are never completed */
    uint32_t lifetime_short_by; /* bytes of the lifetime that are not written */
    bool keeps_cache_mode;      /* writing `writeback` changes nothing */

    struct fake_blk_zone zones[FAKE_BLK_ZONES];
    unsigned zone_count;       /* 0: no zones */
    uint64_t report_more;      /* so many more zones are reported than there are */
    bool report_nothing;       /* not even the number of zones is written */
    uint64_t append_lie;       /* added to the sector that an append returns */
    bool append_leaves_sector; /* it is not written */

    /* What happened. */
    uint64_t requests;
    uint64_t reads;
    uint64_t writes;
    uint64_t flushes;
    uint64_t mode_writes;                      /* of `writeback` */
    uint64_t unflushed;                        /* writes since the last flush */
    struct fake_blk_request log[FAKE_BLK_LOG]; /* request n is at n % FAKE_BLK_LOG */

    struct fake_blk_range ranges[FAKE_BLK_RANGES]; /* range n is at n % FAKE_BLK_RANGES */
    uint64_t range_count;

    struct fake_chain *held[256]; /* in the order of arrival */
    unsigned held_count;
};

void fake_blk_begin(struct fake_blk *blk, struct fake_device *device, uint64_t sectors);
void fake_blk_end(struct fake_blk *blk);

/** Execute and complete the n-th of the requests that are held, from 0. */
void fake_blk_finish(struct fake_blk *blk, unsigned n);

/** The latest request; n counts back from it. */
const struct fake_blk_request *fake_blk_latest(const struct fake_blk *blk, unsigned n);

/** Offsets in configuration space (spec 5.2.4). */
enum {
    FAKE_BLK_CAPACITY = 0,
    FAKE_BLK_SIZE_MAX = 8,
    FAKE_BLK_SEG_MAX = 12,
    FAKE_BLK_BLK_SIZE = 20,
    FAKE_BLK_PHYSICAL_BLOCK_EXP = 24,
    FAKE_BLK_ALIGNMENT_OFFSET = 25,
    FAKE_BLK_MIN_IO_SIZE = 26,
    FAKE_BLK_OPT_IO_SIZE = 28,
    FAKE_BLK_WRITEBACK = 32,
    FAKE_BLK_NUM_QUEUES = 34,
    FAKE_BLK_MAX_DISCARD_SECTORS = 36,
    FAKE_BLK_MAX_DISCARD_SEG = 40,
    FAKE_BLK_DISCARD_SECTOR_ALIGNMENT = 44,
    FAKE_BLK_MAX_WRITE_ZEROES_SECTORS = 48,
    FAKE_BLK_MAX_WRITE_ZEROES_SEG = 52,
    FAKE_BLK_WRITE_ZEROES_MAY_UNMAP = 56,
    FAKE_BLK_MAX_SECURE_ERASE_SECTORS = 60,
    FAKE_BLK_MAX_SECURE_ERASE_SEG = 64,
    FAKE_BLK_SECURE_ERASE_SECTOR_ALIGNMENT = 68,
    FAKE_BLK_ZONE_SECTORS = 72,
    FAKE_BLK_MAX_OPEN_ZONES = 76,
    FAKE_BLK_MAX_ACTIVE_ZONES = 80,
    FAKE_BLK_MAX_APPEND_SECTORS = 84,
    FAKE_BLK_WRITE_GRANULARITY = 88,
    FAKE_BLK_MODEL = 92,
    FAKE_BLK_CONFIG_SIZE = 96
};

/** Private, fake_blk_ranges.c: execute a request of one of its kinds. @return whether it is one. */
bool fake_blk_execute_more(struct fake_blk *blk, struct fake_chain *chain,
                           const struct fake_blk_request *request, uint8_t *status);

/** Make it a host-managed zoned disk: zone 0 conventional, the others empty, each of `capacity` sectors. */
void fake_blk_zone(struct fake_blk *blk, uint32_t zone_sectors, uint64_t capacity);

/** Private, fake_blk_zones.c: the same for requests about zones; may these sectors be written now? @return the
 * status, 0: they may, and the write pointer has moved. */
bool fake_blk_execute_zones(struct fake_blk *blk, struct fake_chain *chain,
                            const struct fake_blk_request *request, uint8_t *status);
uint8_t fake_blk_zone_write(struct fake_blk *blk, uint64_t sector, uint64_t sectors);

#endif
