/* SPDX-License-Identifier: MIT */
/*
 * What the files of the SCSI driver share: request queues, and how a command goes through them.
 */
#ifndef VIRTIO_DRIVERS_SCSI_INTERNAL_H
#define VIRTIO_DRIVERS_SCSI_INTERNAL_H

#include "driver.h"
#include <virtio/scsi.h>

/* Queues of the device (spec 5.6.2). */
#define VIRTIO_SCSI_CONTROL_QUEUE 0u
#define VIRTIO_SCSI_EVENT_QUEUE   1u
#define VIRTIO_SCSI_REQUEST_QUEUE 2u /* the first one */

/* How a command is sent; a set of bits. */
#define VIRTIO_SCSI_ON_PAGE 1u /* its data is in the queue's page, which the device knows */
#define VIRTIO_SCSI_EXACT   2u /* fewer bytes than asked for are no success */

/* Bytes of a LUN field. */
#define VIRTIO_SCSI_LUN_SIZE 8u

/* A request queue. */
struct virtio_scsi_queue {
    struct virtio_queue queue;
    struct virtio_scsi_slot *slots;       /* `depth` of them */
    struct virtio_scsi_slot *free_slots;  /* chained */
    struct virtio_scsi_slot *ready_slots; /* chained: finished, not yet handed back */
    struct virtio_scsi_slot **ready_tail; /* where the next one is chained to */
    struct virtio_shared shared;          /* a frame for each slot, and the page */
    uint8_t *page; /* VIRTIO_SCSI_PAGE bytes, of the blocking call that goes on */
    uint64_t page_address;
    uint64_t next_tag;
    uint16_t in_flight; /* submitted and not yet handed back */
};

static inline bool virtio_scsi_is_live(const struct virtio_scsi *scsi)
{
    return scsi->device.state == VIRTIO_DEVICE_READY;
}

/** Write the address of a logical unit (spec 5.6.6.1). */
void virtio_scsi_put_lun(uint8_t *bytes, uint8_t target, uint16_t lun);

/** Read a single level LUN. @return false for a form that can't be addressed here. */
bool virtio_scsi_get_lun(const uint8_t *bytes, uint16_t *lun);

/** virtio_scsi_execute with flags. */
int virtio_scsi_run(struct virtio_scsi *scsi, struct virtio_scsi_command *command, unsigned flags,
                    struct virtio_scsi_result *result);

/** virtio_scsi_submit with flags. */
int virtio_scsi_send(struct virtio_scsi *scsi, struct virtio_scsi_command *command, unsigned flags,
                     void *cookie);

/** What a result means, as virtio_scsi_execute says it. */
int virtio_scsi_judge(const struct virtio_scsi_result *result);

/** Set up the control and the event queue; undone by virtio_scsi_control_end. */
int virtio_scsi_control_start(struct virtio_scsi *scsi);

/** Give the device its event buffers; it is ready. */
int virtio_scsi_control_ready(struct virtio_scsi *scsi);

/** The device has been renewed: nothing is in flight on the two queues. */
void virtio_scsi_control_renew(struct virtio_scsi *scsi);

void virtio_scsi_control_end(struct virtio_scsi *scsi);

/** Big-endian numbers, as they stand in CDBs and answers. */
static inline uint32_t virtio_scsi_get_number(const uint8_t *bytes, unsigned width)
{
    uint32_t value = 0;

    while (width-- != 0)
        value = value << 8 | *bytes++;
    return value;
}

static inline uint64_t virtio_scsi_get_long(const uint8_t *bytes)
{
    return (uint64_t)virtio_scsi_get_number(bytes, 4) << 32 | virtio_scsi_get_number(bytes + 4, 4);
}

static inline void virtio_scsi_put_number(uint8_t *bytes, unsigned width, uint64_t value)
{
    while (width-- != 0) {
        bytes[width] = (uint8_t)value;
        value >>= 8;
    }
}

#endif
