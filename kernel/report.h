/* SPDX-License-Identifier: MIT */
/*
 * The boot report: one block of lines for each device, for people.
 */
#ifndef KERNEL_REPORT_H
#define KERNEL_REPORT_H

#include <stddef.h>
#include <virtio/device.h>

/*
 * Starts each device with its driver (or, for a type without one, just far enough to ask it), prints what it
 * is, and stops it again. The devices given stay as they were found.
 */
void report_devices(const struct virtio_device *devices, size_t count);

#endif
