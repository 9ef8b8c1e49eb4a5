/* SPDX-License-Identifier: MIT */
/*
 * A fake SCSI controller (spec 5.6): a behaviour for a fake device. Has a few units that share one medium, checks what
 * the driver owes it, and answers falsely when a test says so.
 */
#ifndef FAKE_SCSI_H
#define FAKE_SCSI_H

#include "fake_device.h"

#define FAKE_SCSI_UNITS  4u
#define FAKE_SCSI_BYTES  65536u
#define FAKE_SCSI_QUEUES 4u /* request queues */
#define FAKE_SCSI_ANSWER 4096u

/* Offsets in configuration space. */
#define FAKE_SCSI_NUM_QUEUES  0
#define FAKE_SCSI_SEG_MAX     4
#define FAKE_SCSI_MAX_SECTORS 8
#define FAKE_SCSI_CMD_PER_LUN 12
#define FAKE_SCSI_EVENT_SIZE  16
#define FAKE_SCSI_SENSE_SIZE  20
#define FAKE_SCSI_CDB_SIZE    24
#define FAKE_SCSI_MAX_TARGET  30
#define FAKE_SCSI_MAX_LUN     32

struct fake_scsi_unit {
    uint8_t target;
    uint16_t lun;
    uint8_t type;
    uint64_t blocks;
    uint32_t block_size;
};

struct fake_scsi {
    struct fake_device *device;
    struct fake_scsi_unit units[FAKE_SCSI_UNITS];
    uint8_t data[FAKE_SCSI_BYTES];

    /* What may be wrong. */
    bool held;            /* commands stay in flight */
    unsigned drop_next;   /* so do that many of the next ones */
    bool silent_control;  /* control requests stay in flight */
    bool keeps_sizes;     /* the CDB and sense size cannot be written */
    int response;         /* of every command; -1: what is right */
    int status;           /* the same */
    uint16_t qualifier;   /* of every status */
    unsigned attentions;  /* so many commands meet the sense data below, as CHECK CONDITION */
    unsigned busy;        /* so many find the unit busy */
    unsigned device_busy; /* so many find the device busy */
    uint8_t sense[252];   /* CHECK CONDITION comes with this */
    uint32_t sense_length;
    int sense_says;        /* length that is said; -1: what is right */
    int64_t residual_says; /* -1: what is right */
    int64_t written_says; /* used length; -1: what is right; -2: all of the chain, as QEMU has it */
    int control_response;
    uint32_t notifications; /* that there are */
    uint8_t answer_to;      /* a command that gets `answer`; 0: none */
    uint8_t answer[FAKE_SCSI_ANSWER];
    uint32_t answer_length;
    uint32_t answer_limit; /* bytes of data that any command moves at most */
    uint8_t unknown[4];    /* commands that the units do not know; 0: none */

    /* What the driver did. */
    unsigned commands;
    unsigned by_opcode[256];
    uint8_t cdb[32]; /* of the latest one */
    uint64_t tag;
    uint8_t out[64]; /* and the beginning of its data */
    unsigned controls;
    uint32_t type; /* of the latest control request */
    uint32_t subtype;
    uint8_t lun[8];
    uint64_t id;
    uint32_t requested;
};

/** Units 0:0, 0:300 and 255:0, disks, and 2:1, a CD. */
void fake_scsi_begin(struct fake_scsi *scsi, struct fake_device *device);

/** Answer the n-th of the commands that are held on a request queue. */
void fake_scsi_finish(struct fake_scsi *scsi, unsigned queue, unsigned n);

/** Let sense data be fixed format of this content. */
void fake_scsi_set_sense(struct fake_scsi *scsi, uint8_t key, uint8_t asc, uint8_t ascq);

/** Send an event; `written` is what the device says. @return false when there is no buffer. */
bool fake_scsi_event(struct fake_scsi *scsi, uint32_t event, const uint8_t lun[8], uint32_t reason,
                     uint32_t written);

#endif
