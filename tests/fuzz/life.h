/* SPDX-License-Identifier: MIT */
/*
 * The life of one device, as the script wants it, for the harnesses of the transports: begun, queues set up,
 * ready, configuration read and written, notified, recovered, stopped, begun again, ended.
 */
#ifndef FUZZ_LIFE_H
#define FUZZ_LIFE_H

#include "hostile.h"

/** Live it, and leave the device ended with everything given back. */
void hostile_live_through(struct hostile *hostile, struct virtio_device *device);

#endif
