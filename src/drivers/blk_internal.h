/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the block driver share: the wire format of requests (spec 5.2.6), slots, and the few
 * functions of blk.c that the others send their requests with. Each kind of request beyond read, write
 * and flush is in a file of its own, so that a kernel which does not use it does not link it.
 */
#ifndef VIRTIO_DRIVERS_BLK_INTERNAL_H
#define VIRTIO_DRIVERS_BLK_INTERNAL_H

#include "driver.h"
#include <virtio/blk.h>

/* Request types and status values (spec 5.2.6). */
#define VIRTIO_BLK_T_IN     0u
#define VIRTIO_BLK_T_OUT    1u
#define VIRTIO_BLK_T_FLUSH  4u
#define VIRTIO_BLK_T_GET_ID 8u

#define VIRTIO_BLK_S_OK     0u
#define VIRTIO_BLK_S_IOERR  1u
#define VIRTIO_BLK_S_UNSUPP 2u
/* And with VIRTIO_BLK_F_ZONED those of zones. */
#define VIRTIO_BLK_S_ZONE_INVALID_CMD     3u
#define VIRTIO_BLK_S_ZONE_ACTIVE_RESOURCE 6u

/* What is taken whenever it is offered. */
#define VIRTIO_BLK_SUPPORTED                                                                       \
    (VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO | VIRTIO_BLK_F_BLK_SIZE |      \
     VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY | VIRTIO_BLK_F_CONFIG_WCE | VIRTIO_BLK_F_DISCARD | \
     VIRTIO_BLK_F_WRITE_ZEROES | VIRTIO_BLK_F_LIFETIME | VIRTIO_BLK_F_SECURE_ERASE)

/* The most data in one device request. Lengths are 32 bits wide, and devices keep them in signed ones. */
#define VIRTIO_BLK_PART_MAX (1u << 30)

#define VIRTIO_BLK_ID_BYTES (VIRTIO_BLK_ID_SIZE - 1)

/* What the device reads at the beginning of a request (struct virtio_blk_req, spec 5.2.6). */
struct virtio_blk_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

_Static_assert(sizeof(struct virtio_blk_header) == 16, "spec 5.2.6");

/* A range of sectors of a request that carries none of their data (struct
 * virtio_blk_discard_write_zeroes, spec 5.2.6). */
struct virtio_blk_segment {
    uint64_t sector;
    uint32_t num_sectors;
    uint32_t flags;
};

_Static_assert(sizeof(struct virtio_blk_segment) == 16, "spec 5.2.6");

/* As the device writes it (struct virtio_blk_lifetime, spec 5.2.6). */
struct virtio_blk_lifetime_data {
    uint16_t pre_eol_info;
    uint16_t device_lifetime_est_typ_a;
    uint16_t device_lifetime_est_typ_b;
};

_Static_assert(sizeof(struct virtio_blk_lifetime_data) == 6, "spec 5.2.6");

/* A slot's shared memory. A cache line of its own, so that what the device writes never shares one with
 * another request where DMA is not coherent. */
struct virtio_blk_unit {
    struct virtio_blk_header header; /* device reads */
    union {
        uint8_t id[VIRTIO_BLK_ID_BYTES];                             /* device writes */
        struct virtio_blk_lifetime_data lifetime;                    /* device writes */
        volatile uint64_t append_sector;                             /* device writes */
        struct virtio_blk_segment segments[VIRTIO_BLK_SEGMENTS_MAX]; /* device reads */
    } data; /* of requests whose data is not the caller's buffer */
    uint8_t unused[15];
    volatile uint8_t status; /* device writes */
};

_Static_assert(sizeof(struct virtio_blk_unit) == 64, "one cache line");

struct virtio_blk_slot {
    struct virtio_blk_slot *next; /* in the free or the ready list */
    struct virtio_blk_unit *unit;
    uint64_t unit_address;
    void *cookie;
    struct virtio_mapping mapping; /* the caller's buffer; size 0: nothing is mapped here */
    /* NULL, or what ends the request in place of unmapping the buffer; `error` is known by then. @return another
     * one, for a request without. */
    int (*unmap)(const struct virtio_blk *blk, struct virtio_blk_slot *slot);
    union {
        struct virtio_blk_piece *pieces; /* of a list, for that */
        uint64_t *append_sector;         /* of an append, for that: the caller's */
    };
    size_t piece_count;
    uint64_t address; /* device address of the part in flight, or of the next one */
    uint64_t sector;  /* its first sector */
    size_t left;      /* bytes that are not sent yet */
    uint32_t part;    /* bytes of the part in flight */
    uint32_t type;
    int error;         /* of a request that is finished */
    bool is_waited;    /* by a blocking call: nobody else asks for it */
    bool device_reads; /* its data; else the device writes it */
};

/* The device of a disk, or of one of its queues; NULL while it is not started. */
static inline struct virtio_device *virtio_blk_device(const struct virtio_blk *blk)
{
    return blk->queue.device;
}

static inline bool virtio_blk_is_live(const struct virtio_blk *blk)
{
    const struct virtio_device *device = virtio_blk_device(blk);

    return device != NULL && device->state == VIRTIO_DEVICE_READY;
}

/* All that is asked for is among the low 32 bits, and 32-bit CPUs need not look at the others. */
static inline bool virtio_blk_has(const struct virtio_device *device, uint64_t feature)
{
    return ((uint32_t)device->features & (uint32_t)feature) != 0;
}

/* A 64-bit remainder without the compiler's library. */
static inline uint32_t virtio_blk_remainder(uint64_t number, uint32_t divisor)
{
    uint64_t rest = 0;

    for (unsigned bit = 64; bit-- != 0;) {
        rest = rest << 1 | (number >> bit & 1);
        if (rest >= divisor)
            rest -= divisor;
    }
    return (uint32_t)rest;
}

/* Where struct virtio_blk_zoned_characteristics is in configuration space (spec 5.2.4). */
#define VIRTIO_BLK_CONFIG_ZONED 72u
#define VIRTIO_BLK_CONFIG_MODEL (VIRTIO_BLK_CONFIG_ZONED + 20)

/* How a disk is to be started. */
struct virtio_blk_plan {
    struct virtio_features wanted;
    struct virtio_blk_options options;
    /* NULL: no queues but the first, and nothing is kept. */
    int (*open_more)(struct virtio_blk *blk, const struct virtio_blk_options *options);
};

/* What all starts do. */
int virtio_blk_start_as(struct virtio_blk *blk, const struct virtio_device *found,
                        const struct virtio_blk_plan *plan);

/* Set up one of the device's queues with the slots of its requests. On error it is closed with the disk. */
int virtio_blk_open_queue(struct virtio_blk *blk, struct virtio_device *device, uint16_t index);

/* blk_kept.c: keep the requests of a queue prepared. */
int virtio_blk_open_kept(struct virtio_blk *blk);

/* blk_start.c: set up the queues beside the first, as far as the device has them. */
int virtio_blk_open_more(struct virtio_blk *blk, const struct virtio_blk_options *options);

/* blk_config.c: of a disk that offers zones which will not be taken: can it do without? Before FEATURES_OK.
 * @return VIRTIO_OK; VIRTIO_E_FEATURES when it is host-managed; VIRTIO_E_CONFIG. */
int virtio_blk_check_model(const struct virtio_device *device,
                           const struct virtio_features *wanted);

/* blk_config.c: read what the device says of itself, and replace what makes no sense. */
int virtio_blk_read_config(struct virtio_blk *blk);

/* After a reset: what may have changed of it, capacity and cache mode. */
int virtio_blk_read_config_again(struct virtio_blk *blk);

/* Check that a request can be made now and find it a slot; its data, if there is any, is that of the unit.
 * @return VIRTIO_OK, VIRTIO_E_STATE, VIRTIO_E_FULL. */
int virtio_blk_begin(struct virtio_blk *blk, uint32_t type, struct virtio_blk_slot **begun);

/* The same for a request that reads or writes sectors: the range and `buffer` (not NULL) are checked, and
 * nothing is mapped. @return also VIRTIO_E_ZERO_LENGTH, VIRTIO_E_INVALID, VIRTIO_E_OUT_OF_RANGE,
 * VIRTIO_E_READ_ONLY. */
int virtio_blk_begin_data(struct virtio_blk *blk, uint32_t type, uint64_t sector,
                          const void *buffer, size_t bytes, struct virtio_blk_slot **begun);

/* And its buffer is mapped. @return also VIRTIO_E_MAP. */
int virtio_blk_begin_buffer(struct virtio_blk *blk, uint32_t type, uint64_t sector, void *buffer,
                            size_t bytes, struct virtio_blk_slot **begun);

/* Cut data into segments of at most size_max. @return how many there are. */
unsigned virtio_blk_put_data(const struct virtio_blk *blk, uint64_t address, size_t left,
                             struct virtio_buffer *buffer);

/* Put header and status around the data, which begins at blk->buffers[1], and hand it to the queue. */
int virtio_blk_frame(struct virtio_blk *blk, struct virtio_blk_slot *slot, unsigned readable,
                     unsigned writable);

/* The first bytes of the unit's data are the request's. */
static inline void virtio_blk_use_unit_data(struct virtio_blk_slot *slot, size_t bytes)
{
    slot->address = slot->unit_address + offsetof(struct virtio_blk_unit, data);
    slot->left = bytes;
}

/* Send a request and wait for it; the slot is given back, but its unit may still be read. */
int virtio_blk_run(struct virtio_blk *blk, struct virtio_blk_slot *slot);

/* What virtio_blk_run and virtio_blk_send do once the request was handed to the queue, with `result`. */
int virtio_blk_run_sent(struct virtio_blk *blk, struct virtio_blk_slot *slot, int result);
int virtio_blk_keep_sent(struct virtio_blk *blk, struct virtio_blk_slot *slot, int result,
                         void *cookie);

/* Let go of a request that was begun and not sent. */
void virtio_blk_forget(struct virtio_blk *blk, struct virtio_blk_slot *slot);

/* Send a request that the caller will ask for. */
int virtio_blk_send(struct virtio_blk *blk, struct virtio_blk_slot *slot, void *cookie);

#endif
