/* SPDX-License-Identifier: MIT */
/*
 * The life of one driver, as the script wants it, for the harnesses of the drivers: started, driven step by
 * step, halted, recovered, started again; and in the end, on a device that lies no more, stopped with everything
 * given back. A harness adds what a step does.
 */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include "hostile.h"

/** A driver, and the bounds of its calls. Functions get the harness's rig. */
struct hostile_driver {
    int (*start)(void *rig);
    int (*halt)(void *rig);
    int (*recover)(void *rig);
    int (*stop)(void *rig);
    void (*drain)(
        void *rig); /* take all cookies back from a driver that is halted; NULL: it has none */
    void (*leave)(void *rig); /* before it is stopped for good; NULL: nothing */
    void (*step)(void *rig, uint8_t what);
    unsigned steps;
    unsigned start_waits; /* at most so many waits in a start */
    unsigned step_waits;  /* and in a step */
};

/** A function of a driver: what it does to `rig`. */
#define HOSTILE_CALL(name, call)                                                                   \
    static int name(void *context)                                                                 \
    {                                                                                              \
        struct rig *rig = context;                                                                 \
                                                                                                   \
        return call;                                                                               \
    }

/** Those that need nothing but the driver: its functions' common name, and its place in `rig`. */
#define HOSTILE_CALLS(name, place)                                                                 \
    HOSTILE_CALL(halt, name##_halt(place))                                                         \
    HOSTILE_CALL(recover, name##_recover(place))                                                   \
    HOSTILE_CALL(stop, name##_stop(place))

/** Find the hostile device and live through it all. */
void hostile_drive(struct hostile *hostile, struct virtio_device *found,
                   const struct hostile_driver *driver, void *rig);

/** Steps that all drivers have. */
void hostile_halt_or_recover(const struct hostile_driver *driver, void *rig, uint8_t what);
void hostile_start_again(const struct hostile_driver *driver, void *rig);

#endif
