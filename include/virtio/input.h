/* SPDX-License-Identifier: MIT */
/*
 * The input device driver (spec 5.8): keyboards, mice, tablets.
 *
 *     static struct virtio_input keyboard;
 *
 *     error = virtio_input_start(&keyboard, &found);
 *     while (virtio_input_poll(&keyboard, &event) > 0)                 all there are, now and then
 *         handle(event.type, event.code, event.value);
 *     error = virtio_input_wait(&keyboard, &event, 1000000);           or wait for one, a second at most
 *     error = virtio_input_send(&keyboard, VIRTIO_INPUT_EV_LED, VIRTIO_INPUT_LED_CAPSL, 1);
 *     error = virtio_input_stop(&keyboard);
 *
 * Events are those of Linux' evdev interface: what the numbers of `type` and `code` mean is in Linux'
 * input-event-codes.h; the few that a kernel needs to begin with have names here. An event of type
 * VIRTIO_INPUT_EV_SYN ends a group that belongs together, such as the two axes of one movement. Types
 * and codes that a kernel does not know are to be ignored: the library hands on everything.
 *
 * What kind of device it is, its name, ids, and which events it can send stand in its configuration. The
 * start call reads what everybody needs (`role`, `name`, `ids`, `types`); virtio_input_get_serial,
 * virtio_input_get_properties, virtio_input_get_bits, virtio_input_get_range and virtio_input_query read
 * the rest when asked to. No device of QEMU 7.2 has properties but those of its host: they are tested on
 * the fake device alone.
 *
 * Loss. VIRTIO_INPUT_QUEUE_SIZE events (or what the device's queue holds) may wait; a device drops further
 * ones, whole groups of them. Poll often enough.
 *
 * Memory. Events and status messages are in DMA memory of the library, 8 bytes each. Nothing is allocated
 * after virtio_input_start.
 *
 * Features: the device type has none. QEMU has the device as modern PCI and as virtio-mmio 1 and 2 alone.
 *
 * When things go wrong. What is too short for an event is ignored and counted (`ignored`). A length in
 * the configuration beyond 128 bytes counts as 128. When the device lies about a ring, asks for a reset or is
 * gone, every call that needs it says so (VIRTIO_E_BROKEN, VIRTIO_E_NEEDS_RESET, VIRTIO_E_GONE) until
 * virtio_input_recover (or virtio_input_stop and virtio_input_start). VIRTIO_E_TIMEOUT of virtio_input_wait is
 * no failure: nobody touched the device.
 *
 * Seen on QEMU 7.2: a device that asks for a reset; one that is unplugged while it works (device_del, over PCI)
 * and plugged in again. Seen on the fake device alone: lies about a ring; a reset that is never done.
 *
 * A device is one context's at a time. No call may be made from a host hook.
 */
#ifndef VIRTIO_INPUT_H
#define VIRTIO_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/buffer_queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The largest queue of events that the driver asks for, and how many status messages may be on their way. */
#define VIRTIO_INPUT_QUEUE_SIZE  64u
#define VIRTIO_INPUT_STATUS_SIZE 8u

/** The most bytes that one piece of configuration has. */
#define VIRTIO_INPUT_CONFIG_MAX 128u

/** What can be asked of the configuration (spec 5.8.4). */
enum virtio_input_config_select {
    VIRTIO_INPUT_CFG_UNSET = 0x00,
    VIRTIO_INPUT_CFG_ID_NAME = 0x01,
    VIRTIO_INPUT_CFG_ID_SERIAL = 0x02,
    VIRTIO_INPUT_CFG_ID_DEVIDS = 0x03,
    VIRTIO_INPUT_CFG_PROP_BITS = 0x10,
    VIRTIO_INPUT_CFG_EV_BITS = 0x11,
    VIRTIO_INPUT_CFG_ABS_INFO = 0x12
};

/** Event types and some codes, with the numbers of the evdev interface. */
#define VIRTIO_INPUT_EV_SYN    0x00u
#define VIRTIO_INPUT_EV_KEY    0x01u /* value: 1 pressed, 0 released, 2 repeated */
#define VIRTIO_INPUT_EV_REL    0x02u /* value: by how much */
#define VIRTIO_INPUT_EV_ABS    0x03u /* value: where, within the axis' range */
#define VIRTIO_INPUT_EV_LED    0x11u /* for virtio_input_send; value: 1 on, 0 off */
#define VIRTIO_INPUT_LED_NUML  0x00u
#define VIRTIO_INPUT_LED_CAPSL 0x01u
#define VIRTIO_INPUT_LED_SCRLL 0x02u
#define VIRTIO_INPUT_AXIS_X    0x00u /* of both relative and absolute axes */
#define VIRTIO_INPUT_AXIS_Y    0x01u

/** Some properties, with the numbers of the evdev interface. */
#define VIRTIO_INPUT_PROP_POINTER 0x00u /* what it says moves a pointer */
#define VIRTIO_INPUT_PROP_DIRECT  0x01u /* it is pointed at what is meant, as on a touch screen */

/** What a device is good for. Mice and tablets have keys, too (their buttons), and tablets a wheel, which is
 * relative; so the axes decide. */
enum virtio_input_role {
    VIRTIO_INPUT_OTHER = 0,
    VIRTIO_INPUT_KEYBOARD = 1, /* keys, no axes */
    VIRTIO_INPUT_MOUSE = 2,    /* relative axes and no absolute ones */
    VIRTIO_INPUT_TABLET = 3    /* absolute axes */
};

/** An event. */
struct virtio_input_event {
    uint16_t type;
    uint16_t code;
    int32_t value;
};

/** Which device it is (spec 5.8.4, struct virtio_input_devids). */
struct virtio_input_ids {
    uint16_t bustype;
    uint16_t vendor;
    uint16_t product;
    uint16_t version;
};

/** The range of an absolute axis (spec 5.8.4, struct virtio_input_absinfo). */
struct virtio_input_range {
    int32_t min;
    int32_t max;
    int32_t fuzz; /* values that differ by less are noise */
    int32_t flat; /* values this near to the middle are the middle */
    int32_t res;  /* units a millimetre; 0: not said */
};

/** An input device; the caller's memory, zeroed before its first use, at one place from start to stop. What
 * is marked so may be read, the rest is private. */
struct virtio_input {
    struct virtio_device device; /* read: state, timeout_us; for virtio_dump */
    enum virtio_input_role role; /* read */
    uint32_t types;              /* read: set of the event types that the device sends or takes */
    struct virtio_input_ids ids; /* read: zeros when the device has none */
    char name[VIRTIO_INPUT_CONFIG_MAX + 1]; /* read: UTF-8; may be empty */
    uint32_t ignored;                       /* read: what came and was no event */

    struct virtio_buffer_queue events;
    struct virtio_buffer_queue status;
    uint16_t unseen; /* buffers that were given back and not shown to the device yet */
};

/**
 * Start an input device.
 *
 * @param input  out: any content, but not a device that is in use.
 * @param found  a device of type VIRTIO_ID_INPUT as it was found, or &input->device of one that was
 *               stopped; copied. `timeout_us` may be set before.
 * @return VIRTIO_OK; the errors of virtio_device_begin, virtio_queue_start and virtio_device_ready;
 *         VIRTIO_E_INVALID for a device of another type; VIRTIO_E_CONFIG; VIRTIO_E_NO_MEMORY. On error
 *         everything was undone.
 *
 * Context: the device's, not an interrupt handler. Spec 5.8.5.
 */
int virtio_input_start(struct virtio_input *input, const struct virtio_device *found);

/**
 * Stop the device and give back everything; events that were not taken are lost. Stopping a stopped device
 * does nothing.
 *
 * @return VIRTIO_OK; VIRTIO_E_TIMEOUT when the device would not be reset: its memory is kept.
 *
 * Context: the device's.
 */
int virtio_input_stop(struct virtio_input *input);

/**
 * Reset the device now and nothing else: afterwards it touches no memory. All calls but virtio_input_stop
 * give VIRTIO_E_STATE from then on.
 *
 * @return VIRTIO_OK or VIRTIO_E_TIMEOUT as virtio_device_stop.
 *
 * Context: the device's.
 */
int virtio_input_halt(struct virtio_input *input);

/**
 * Bring a device back that asked for a reset, broke a ring's rules or was gone, or that was halted: reset it
 * and go on as after a start, without allocating anything. Events that were not taken are lost (a key that was
 * held down may have been let go meanwhile), and so are status messages on their way.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE when the device is not started; the errors of virtio_device_recover: it
 *         is halted (VIRTIO_E_TIMEOUT: lost). May be called again, for a device that was gone when it is back.
 *
 * Context: the device's. Spec 2.1.2, 2.4.
 */
int virtio_input_recover(struct virtio_input *input);

/**
 * Take the next event, if there is one.
 *
 * @param event  out: when 1 is returned.
 * @return 1: an event; 0: none is there; VIRTIO_E_STATE; the queue's error.
 *
 * Context: the device's. Does not wait. Call it until it returns 0: only then all buffers are the device's
 * again. Spec 5.8.6.
 */
int virtio_input_poll(struct virtio_input *input, struct virtio_input_event *event);

/**
 * Wait for an event.
 *
 * @param event       out: when 1 is returned.
 * @param timeout_us  microseconds, at least 1.
 * @return 1; VIRTIO_E_TIMEOUT: nothing happened; VIRTIO_E_NEEDS_RESET; VIRTIO_E_GONE; the errors of
 *         virtio_input_poll.
 *
 * Context: the device's; may be long.
 */
int virtio_input_wait(struct virtio_input *input, struct virtio_input_event *event,
                      uint32_t timeout_us);

/**
 * Send a status event, such as the state of a keyboard's LED.
 *
 * @return VIRTIO_OK: the device has it or will have it; VIRTIO_E_FULL: too many are on their way;
 *         VIRTIO_E_STATE; the queue's error.
 *
 * Context: the device's. Does not wait. Spec 5.8.6.
 */
int virtio_input_send(struct virtio_input *input, uint16_t type, uint16_t code, int32_t value);

/**
 * Ask the configuration.
 *
 * @param select  enum virtio_input_config_select.
 * @param subsel  what of it: an event type, an axis, or 0.
 * @param bytes   out: VIRTIO_INPUT_CONFIG_MAX bytes; those beyond *size are zero.
 * @param size    out: how many the device has to say, at most VIRTIO_INPUT_CONFIG_MAX; 0: nothing, or the
 *                device does not know the question.
 * @return VIRTIO_OK, VIRTIO_E_STATE, VIRTIO_E_CONFIG, VIRTIO_E_GONE.
 *
 * Context: the device's. Some register accesses and one a byte. Spec 5.8.4.
 */
int virtio_input_query(struct virtio_input *input, uint8_t select, uint8_t subsel, uint8_t *bytes,
                       uint32_t *size);

/**
 * The device's serial number, by which two of a kind can be told apart.
 *
 * @param serial  out: VIRTIO_INPUT_CONFIG_MAX + 1 (129) bytes: up to 128 as the device sent them, ended by NUL; the
 *                empty string on error.
 * @return VIRTIO_OK; VIRTIO_E_NOT_SUPPORTED when it has none; VIRTIO_E_STATE; VIRTIO_E_CONFIG; VIRTIO_E_GONE.
 *
 * Context: as virtio_input_query.
 */
int virtio_input_get_serial(struct virtio_input *input, char *serial);

/**
 * Which properties the device has.
 *
 * @param properties  out: a bit a property (VIRTIO_INPUT_PROP_POINTER and so on), bit 0 of byte 0 first;
 *                    VIRTIO_INPUT_CONFIG_MAX bytes, all zero on error.
 * @return as virtio_input_get_serial.
 *
 * Context: as virtio_input_query.
 */
int virtio_input_get_properties(struct virtio_input *input, uint8_t *properties);

/**
 * Which codes of an event type the device has.
 *
 * @param type   event type.
 * @param codes  out: a bit a code, bit 0 of byte 0 first; VIRTIO_INPUT_CONFIG_MAX bytes.
 * @return VIRTIO_OK; VIRTIO_E_NOT_SUPPORTED when it has none; VIRTIO_E_STATE; VIRTIO_E_CONFIG;
 *         VIRTIO_E_GONE.
 *
 * Context: as virtio_input_query.
 */
int virtio_input_get_bits(struct virtio_input *input, uint8_t type, uint8_t *codes);

/**
 * The range of an absolute axis.
 *
 * @param axis   code of the axis.
 * @param range  out.
 * @return VIRTIO_OK; VIRTIO_E_NOT_SUPPORTED when there is no such axis; VIRTIO_E_RESPONSE when the device
 *         says too little, or that the largest value is less than the smallest; VIRTIO_E_STATE;
 *         VIRTIO_E_CONFIG; VIRTIO_E_GONE.
 *
 * Context: as virtio_input_query.
 */
int virtio_input_get_range(struct virtio_input *input, uint8_t axis,
                           struct virtio_input_range *range);

#ifdef __cplusplus
}
#endif

#endif
