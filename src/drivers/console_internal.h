/* SPDX-License-Identifier: MIT */
/*
 * What the two parts of the console driver share: console.c, ports and their bytes, and console_control.c,
 * what is said about ports.
 */
#ifndef VIRTIO_DRIVERS_CONSOLE_INTERNAL_H
#define VIRTIO_DRIVERS_CONSOLE_INTERNAL_H

#include "buffer_queue.h"
#include <virtio/console.h>

static inline bool virtio_console_is_live(const struct virtio_console *console)
{
    return console->device.state == VIRTIO_DEVICE_READY;
}

static inline bool virtio_console_is_multiport(const struct virtio_console *console)
{
    return virtio_has_feature(&console->device, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* Set up the control queues, with room for what the device has to say. */
int virtio_console_start_control(struct virtio_console *console);

/* The device is live: show it the buffers, and say that it may tell of its ports. */
int virtio_console_greet(struct virtio_console *console);

/* Take in all messages, then answer one, and so on until the device is quiet. Without control queues there is
 * nothing to do. @return VIRTIO_OK, VIRTIO_E_STATE, the errors of virtio_reap and virtio_kick. */
int virtio_console_attend(struct virtio_console *console);

/* The device is to be told whether the port is open. */
void virtio_console_owe_open(struct virtio_console *console, struct virtio_console_port *port);

/* The port is gone: nothing that was known of it counts. */
void virtio_console_forget_port(struct virtio_console_port *port);

#endif
