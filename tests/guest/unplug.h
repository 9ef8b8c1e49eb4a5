/* SPDX-License-Identifier: MIT */
/*
 * What the suite unplug knows of a driver: the same few calls for all of them, on one device at a time, and who of
 * the caller's is in flight. The procedure is unplug.c's, the drivers are unplug_drivers.c's.
 */
#ifndef TESTS_GUEST_UNPLUG_H
#define TESTS_GUEST_UNPLUG_H

#include "suite.h"

enum {
    UNPLUG_REQUESTS = 8, /* in flight at once */
    UNPLUG_BYTES = 4096, /* of each */
};

/* A request of the caller; its address is the cookie. */
struct unplug_request {
    uint8_t *buffer; /* UNPLUG_BYTES */
    bool in_flight;
};

/* A completion, whatever the driver. */
struct unplug_done {
    void *cookie;
    int error;
};

/* A driver at work on its one device. What it does not have is NULL; what a call returns is what the driver's own call
 * returned. */
struct unplug_driver {
    uint32_t type;
    struct virtio_device *device;
    int (*start)(const struct virtio_device *found); /* until it is of use */
    int (*use)(void);                                /* waits: one whole piece of work */
    int (*work)(void);  /* does not wait: leaves the device something to do */
    int (*await)(void); /* waits for what the device alone can give, without asking */
    int (*submit)(struct unplug_request *request);
    int (*kick)(void);
    int (*reap)(struct unplug_done *done);
    int (*wait)(struct unplug_done *done);
    int (*drain)(struct unplug_done *done);
    int (*recover)(void);
    int (*halt)(void);
    int (*stop)(void);
    int leaving[2];         /* how the device itself may end a request while it leaves */
    bool idle_when_ejected; /* QEMU 7.2 crashes if it still has requests of this device */
    bool use_halts;         /* a failing `use` resets the device, as the driver's manual says */
};

/* What `use` and others may write to and read from. */
extern uint8_t *unplug_memory;
extern uint64_t unplug_address; /* where a device finds it */

extern const struct unplug_driver unplug_blk;
extern const struct unplug_driver unplug_rng;
extern const struct unplug_driver unplug_net;
extern const struct unplug_driver unplug_console;
extern const struct unplug_driver unplug_input;
extern const struct unplug_driver unplug_balloon;
extern const struct unplug_driver unplug_scsi;
extern const struct unplug_driver unplug_p9;

#endif
