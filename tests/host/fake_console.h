/* SPDX-License-Identifier: MIT */
/*
 * A fake console device (spec 5.3): a behaviour for a fake device. Takes what is sent, has said to it what
 * a test says, checks what the driver owes it; and lies when a test calls fake_console_tell with nonsense.
 */
#ifndef FAKE_CONSOLE_H
#define FAKE_CONSOLE_H

#include "fake_device.h"

#define FAKE_CONSOLE_PORTS    4u
#define FAKE_CONSOLE_MESSAGES 256u
#define FAKE_CONSOLE_SENT     65536u

enum {
    FAKE_CONSOLE_DEVICE_READY = 0,
    FAKE_CONSOLE_ADD = 1,
    FAKE_CONSOLE_REMOVE = 2,
    FAKE_CONSOLE_PORT_READY = 3,
    FAKE_CONSOLE_NOMINATE = 4,
    FAKE_CONSOLE_RESIZE = 5,
    FAKE_CONSOLE_OPEN = 6,
    FAKE_CONSOLE_NAME = 7
};

struct fake_console_message {
    uint32_t id;
    uint16_t event;
    uint16_t value;
};

struct fake_console {
    struct fake_device *device;
    bool silent;        /* what is sent stays in flight, until fake_console_work */
    bool keeps_answers; /* control messages of the driver stay in flight */
    unsigned lie;       /* used length of what was sent: nothing may be written there */
    bool
        introduces_ports; /* like QEMU: DEVICE_READY is answered by ADD of each port, and PORT_READY by
                              NOMINATE, NAME and OPEN */

    /* What the driver said, and sent on any port. */
    unsigned message_count;
    struct fake_console_message messages[FAKE_CONSOLE_MESSAGES];
    size_t sent;
    uint8_t bytes[FAKE_CONSOLE_SENT];
    unsigned dropped; /* messages to the driver that found no buffer */
};

/** A device of so many ports; without MULTIPORT if it is 1. */
void fake_console_begin(struct fake_console *console, struct fake_device *device, unsigned ports);

/** Send a control message, `extra` bytes behind its header. @return false when it found no buffer. */
bool fake_console_tell(struct fake_console *console, uint32_t id, uint16_t event, uint16_t value,
                       const void *extra, uint32_t size);

/** Send the first `size` bytes of whatever. */
bool fake_console_tell_raw(struct fake_console *console, const void *bytes, uint32_t size);

/** Give the driver bytes on a port. @return how many found room. */
size_t fake_console_give(struct fake_console *console, unsigned port, const void *bytes,
                         size_t size);

/** Use one receive buffer of a port without writing to it. */
bool fake_console_give_nothing(struct fake_console *console, unsigned port);

/** Complete what a silent device has kept. */
void fake_console_work(struct fake_console *console);

#endif
