/* SPDX-License-Identifier: MIT */
/*
 * The kernel on a virtio console: its output, and an echo for whoever sits at it.
 */
#ifndef KERNEL_TERMINAL_H
#define KERNEL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <virtio/device.h>

/* Starts the first console device and moves the kernel's output to it. False when there is none. */
bool terminal_begin(const struct virtio_device *devices, size_t count);

/* The device in `devices` that is in use, or NULL. */
const struct virtio_device *terminal_device(void);

/* Sends back what is typed, until Ctrl-D. With `host_helps` it asks the runner to type. */
void terminal_echo(bool host_helps);

#endif
