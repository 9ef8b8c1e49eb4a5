/* SPDX-License-Identifier: MIT */
/*
 * A fake input device (spec 5.8): configuration by selection, events, status messages.
 *
 * Checked: nothing of configuration space is written but select and subsel, one byte each; event buffers hold an
 * event and are writable; status messages hold one.
 */
#ifndef FAKE_INPUT_H
#define FAKE_INPUT_H

#include "fake_device.h"

struct fake_input {
    struct fake_device *device;
    uint32_t types;      /* event types with codes */
    unsigned says_size;  /* of the name; 0: as it is */
    uint8_t range_size;  /* of each axis; 0: no axes */
    const char *serial;  /* NULL: none; up to 128 bytes */
    bool has_properties; /* two: a pointer, and direct */
    bool keeps_status;   /* status messages stay in flight */
    unsigned status_lie; /* their used length */
    unsigned status_count;
    uint8_t status[8]; /* the latest */
};

/** What it says of an axis. */
extern const uint8_t fake_input_range[20];

/** Make a device an input device; queues of `size`. */
void fake_input_begin(struct fake_input *input, struct fake_device *device, uint32_t types,
                      uint16_t size);

/** Send an event, `written` bytes of it. @return false when there is no buffer. */
bool fake_input_give(struct fake_input *input, uint16_t type, uint16_t code, uint32_t value,
                     uint32_t written);

#endif
