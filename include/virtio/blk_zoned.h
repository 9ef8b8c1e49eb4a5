/* SPDX-License-Identifier: MIT */
/*
 * Zoned disks (spec 5.2.3, 5.2.6): disks that are written zone by zone, each from its beginning on.
 *
 *     static struct virtio_blk_zoned zoned;
 *
 *     error = virtio_blk_zoned_start(&zoned, &found, NULL);     found by virtio_pci_scan_next, say
 *     error = virtio_blk_report_zones(&zoned, 0, zones, 16, &count);
 *     error = virtio_blk_append(&zoned, zones[3].start, buffer, 4096, &sector);    sector: where it is
 *     error = virtio_blk_read(&zoned.disk, sector, buffer, 4096);
 *     error = virtio_blk_zone_reset(&zoned, zones[3].start);    it may be written anew
 *     error = virtio_blk_zoned_stop(&zoned);
 *
 * `disk` is a disk like any other (virtio/blk.h), and all of its calls may be used on it but
 * virtio_blk_start and virtio_blk_stop. A kernel that does not include this header links nothing of it,
 * and virtio_blk_start takes no zones: a host-managed disk refuses to start there.
 *
 * Writing. Into a zone that must be written in order (VIRTIO_BLK_ZT_SWR) virtio_blk_write writes at the zone's
 * write pointer and nowhere else, whole units of write_granularity, and not beyond the zone's capacity:
 * that is the caller's to see to, and the device answers anything else with VIRTIO_E_ZONE_UNALIGNED_WRITE or
 * VIRTIO_E_ZONE_INVALID_COMMAND. virtio_blk_append needs no write pointer.
 *
 * The calls below wait, but for virtio_blk_submit_append, which is to virtio_blk_append what
 * virtio_blk_submit_write is to virtio_blk_write. Errors of their own tell apart what the device has
 * against a request; virtio_blk_write and its like have them, too, on such a disk:
 *
 *     VIRTIO_E_ZONE_INVALID_COMMAND   not for a zone of this type or in this state, or beyond its capacity
 *     VIRTIO_E_ZONE_UNALIGNED_WRITE   not at the write pointer, or not whole units
 *     VIRTIO_E_ZONE_OPEN_RESOURCE     too many zones would be open (max_open_zones)
 *     VIRTIO_E_ZONE_ACTIVE_RESOURCE   too many would be open or closed (max_active_zones)
 *
 * Features: as virtio/blk.h, and
 *
 *     bit                          taken  why
 *     13  VIRTIO_BLK_F_DISCARD     no     not together with zones that must be written in order
 *     16  VIRTIO_BLK_F_SECURE_ERASE no    virtio_blk_zone_reset does the same here
 *     17  VIRTIO_BLK_F_ZONED       yes    required: other disks are virtio_blk_start's (fake)
 *
 * QEMU has had zoned disks since 8.1 and only over zoned storage of the host: all of this is tested on the
 * fake device alone.
 *
 * A disk is one context's at a time. No call may be made from a host hook.
 */
#ifndef VIRTIO_BLK_ZONED_H
#define VIRTIO_BLK_ZONED_H

#include <virtio/blk.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Models of zoned disks (spec 5.2.4). */
#define VIRTIO_BLK_Z_NONE 0u /* zones are the disk's own business: an ordinary disk */
#define VIRTIO_BLK_Z_HM   1u /* host-managed: sequential zones must be written in order */
#define VIRTIO_BLK_Z_HA   2u /* host-aware: they should be */

/** Types of zones (spec 5.2.6). */
#define VIRTIO_BLK_ZT_CONV 1u /* conventional: anything anywhere */
#define VIRTIO_BLK_ZT_SWR  2u /* sequential writes required */
#define VIRTIO_BLK_ZT_SWP  3u /* sequential writes preferred */

/** States of zones (spec 5.2.6). */
#define VIRTIO_BLK_ZS_NOT_WP  0u /* conventional */
#define VIRTIO_BLK_ZS_EMPTY   1u
#define VIRTIO_BLK_ZS_IOPEN   2u /* open because it was written to */
#define VIRTIO_BLK_ZS_EOPEN   3u /* open by virtio_blk_zone_open */
#define VIRTIO_BLK_ZS_CLOSED  4u
#define VIRTIO_BLK_ZS_RDONLY  13u
#define VIRTIO_BLK_ZS_FULL    14u
#define VIRTIO_BLK_ZS_OFFLINE 15u

/** The value of virtio_blk_zone.write_pointer where there is none. */
#define VIRTIO_BLK_NO_WRITE_POINTER UINT64_MAX

/** A zone, as the device reported it and checked. Sectors of 512 bytes. */
struct virtio_blk_zone {
    uint64_t start;    /* first sector */
    uint64_t capacity; /* sectors that can be written, at most zone_sectors */
    uint64_t
        write_pointer; /* the sector to be written next; VIRTIO_BLK_NO_WRITE_POINTER: none, as in
                               conventional, read-only, full and offline zones */
    uint8_t type;      /* VIRTIO_BLK_ZT_... */
    uint8_t state;     /* VIRTIO_BLK_ZS_... */
};

/** A zoned disk; the caller's memory, zeroed before its first use, at one place from start to stop. */
struct virtio_blk_zoned {
    struct virtio_blk disk;      /* for reading, writing and the rest */
    uint32_t model;              /* read: VIRTIO_BLK_Z_...; NONE: the other fields are 0 */
    uint32_t zone_sectors;       /* read: of each zone; the last may be smaller */
    uint32_t max_open_zones;     /* read; 0: no limit */
    uint32_t max_active_zones;   /* read; 0: no limit */
    uint32_t max_append_sectors; /* read: of one append; 0: the device has none */
    uint32_t write_granularity;  /* read: bytes, a multiple of 512 */
    struct virtio_shared report; /* private */
};

/**
 * Start a zoned disk.
 *
 * @param options  as virtio_blk_start_with; NULL: the defaults.
 * @return as virtio_blk_start; VIRTIO_E_NOT_SUPPORTED for a disk without VIRTIO_BLK_F_ZONED, or driven as
 *         legacy; VIRTIO_E_CONFIG for a model that does not exist, zones of no sectors, or a granularity
 *         that is no multiple of 512. On error everything was undone.
 *
 * Context: the disk's, not an interrupt handler. Allocates up to 1 KiB of shared memory more.
 */
int virtio_blk_zoned_start(struct virtio_blk_zoned *zoned, const struct virtio_device *found,
                           const struct virtio_blk_options *options);

/** Stop it and give everything back; as virtio_blk_stop. */
int virtio_blk_zoned_stop(struct virtio_blk_zoned *zoned);

/**
 * Ask for zones, one after the other.
 *
 * @param sector  any sector of the first zone that is asked for.
 * @param zones   out: `count` at most.
 * @param found   out: how many, up to the disk's last one; on error what was found before it.
 * @return VIRTIO_OK; as virtio_blk_read; VIRTIO_E_NOT_SUPPORTED where model is NONE; VIRTIO_E_INVALID (no
 *         zones asked for); VIRTIO_E_RESPONSE also for a report that does not fit the disk.
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_report_zones(struct virtio_blk_zoned *zoned, uint64_t sector,
                            struct virtio_blk_zone *zones, size_t count, size_t *found);

/**
 * Open a zone, so that it stays open until it is closed, finished, reset or full.
 *
 * @param sector  its first one.
 * @return VIRTIO_OK; as virtio_blk_flush; VIRTIO_E_NOT_SUPPORTED where model is NONE; VIRTIO_E_INVALID for
 *         another sector than a zone's first; VIRTIO_E_OUT_OF_RANGE; VIRTIO_E_READ_ONLY; the errors of zones
 *         (see the top).
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_zone_open(struct virtio_blk_zoned *zoned, uint64_t sector);

/** Close an open zone; as virtio_blk_zone_open. */
int virtio_blk_zone_close(struct virtio_blk_zoned *zoned, uint64_t sector);

/** Make a zone full, wherever its write pointer is; as virtio_blk_zone_open. */
int virtio_blk_zone_finish(struct virtio_blk_zoned *zoned, uint64_t sector);

/** Make a zone empty, so that it can be written anew: its content is lost; as virtio_blk_zone_open. */
int virtio_blk_zone_reset(struct virtio_blk_zoned *zoned, uint64_t sector);

/** Make all sequential zones empty: the disk's content is lost; as virtio_blk_zone_open. */
int virtio_blk_zone_reset_all(struct virtio_blk_zoned *zoned);

/**
 * Write behind what is in a zone, and wait for it.
 *
 * @param zone    the zone's first sector.
 * @param buffer  the data; only read.
 * @param bytes   a multiple of write_granularity, not 0, max_append_sectors at most.
 * @param sector  out: where the data is; unchanged on error.
 * @return as virtio_blk_write and virtio_blk_zone_open; VIRTIO_E_NOT_SUPPORTED also where the device has no
 *         append; VIRTIO_E_TOO_LONG; VIRTIO_E_RESPONSE also for a sector outside of the zone.
 *
 * Context: the disk's; may be long. Spec 5.2.6.
 */
int virtio_blk_append(struct virtio_blk_zoned *zoned, uint64_t zone, const void *buffer,
                      size_t bytes, uint64_t *sector);

/**
 * Hand in an append; as virtio_blk_submit_write. Several appends to one zone may be in flight: the
 * device puts them one behind the other, in an order of its own.
 *
 * @param sector  out: where the data is, when the request is handed back without an error; unchanged with one. The
 *                library's until then.
 * @param cookie  comes back with the completion, from virtio_blk_reap, virtio_blk_wait or virtio_blk_drain of `disk`.
 * @return as virtio_blk_submit_write and the refusals of virtio_blk_append.
 *
 * Context: the disk's. No register access. Spec 5.2.6.
 */
int virtio_blk_submit_append(struct virtio_blk_zoned *zoned, uint64_t zone, const void *buffer,
                             size_t bytes, uint64_t *sector, void *cookie);

#ifdef __cplusplus
}
#endif

#endif
