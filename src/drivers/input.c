/* SPDX-License-Identifier: MIT */
/*
 * The input device driver (spec 5.8); include/virtio/input.h is its manual.
 *
 * The specification knows no legacy interface of this device type, so everything is little-endian over
 * every transport.
 *
 * Must not: write to any field of the configuration but select and subsel.
 */
#include "buffer_queue.h"
#include <virtio/input.h>

#define EVENTQ  0u
#define STATUSQ 1u

/* Device configuration space (spec 5.8.4). */
#define CONFIG_SELECT 0u
#define CONFIG_SUBSEL 1u
#define CONFIG_SIZE   2u
#define CONFIG_DATA   8u

#define EVENT_SIZE 8u

/* Event types have numbers below this (one bit each of `types`). */
#define EVENT_TYPES 32u

#define IDS_SIZE   8u
#define RANGE_SIZE 20u

static bool is_live(const struct virtio_input *input)
{
    return input->device.state == VIRTIO_DEVICE_READY;
}

static uint16_t get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t get32(const uint8_t *bytes)
{
    return get16(bytes) | (uint32_t)get16(bytes + 2) << 16;
}

static void put16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

/* ---- Configuration ---- */

static int ask(struct virtio_input *input, uint8_t select, uint8_t subsel, uint8_t *bytes,
               uint32_t *size)
{
    uint64_t says = 0;
    int error = virtio_config_write(&input->device, CONFIG_SELECT, 1, select);

    memset(bytes, 0, VIRTIO_INPUT_CONFIG_MAX);
    *size = 0;
    if (error == VIRTIO_OK)
        error = virtio_config_write(&input->device, CONFIG_SUBSEL, 1, subsel);
    if (error == VIRTIO_OK)
        error = virtio_config_read(&input->device, CONFIG_SIZE, 1, &says);
    if (error != VIRTIO_OK || says == 0)
        return error;
    *size = says < VIRTIO_INPUT_CONFIG_MAX ? (uint32_t)says : VIRTIO_INPUT_CONFIG_MAX;
    return virtio_config_read_bytes(&input->device, CONFIG_DATA, bytes, *size);
}

int virtio_input_query(struct virtio_input *input, uint8_t select, uint8_t subsel, uint8_t *bytes,
                       uint32_t *size)
{
    int error = ask(input, select, subsel, bytes, size);

    /* All that is read of a device that was unplugged looks like an answer. */
    if (error == VIRTIO_OK && virtio_device_check(&input->device) == VIRTIO_E_GONE)
        error = VIRTIO_E_GONE;
    if (error != VIRTIO_OK) {
        memset(bytes, 0, VIRTIO_INPUT_CONFIG_MAX);
        *size = 0;
    }
    return error;
}

/* What there must be something of. */
static int query_some(struct virtio_input *input, uint8_t select, uint8_t subsel, uint8_t *bytes)
{
    uint32_t size;
    int error = virtio_input_query(input, select, subsel, bytes, &size);

    return error == VIRTIO_OK && size == 0 ? VIRTIO_E_NOT_SUPPORTED : error;
}

int virtio_input_get_bits(struct virtio_input *input, uint8_t type, uint8_t *codes)
{
    return query_some(input, VIRTIO_INPUT_CFG_EV_BITS, type, codes);
}

int virtio_input_get_properties(struct virtio_input *input, uint8_t *properties)
{
    return query_some(input, VIRTIO_INPUT_CFG_PROP_BITS, 0, properties);
}

int virtio_input_get_serial(struct virtio_input *input, char *serial)
{
    serial[VIRTIO_INPUT_CONFIG_MAX] = '\0';
    return query_some(input, VIRTIO_INPUT_CFG_ID_SERIAL, 0, (uint8_t *)serial);
}

int virtio_input_get_range(struct virtio_input *input, uint8_t axis,
                           struct virtio_input_range *range)
{
    uint8_t bytes[VIRTIO_INPUT_CONFIG_MAX];
    uint32_t size;
    int error = virtio_input_query(input, VIRTIO_INPUT_CFG_ABS_INFO, axis, bytes, &size);

    if (error != VIRTIO_OK)
        return error;
    if (size == 0)
        return VIRTIO_E_NOT_SUPPORTED;
    range->min = (int32_t)get32(bytes);
    range->max = (int32_t)get32(bytes + 4);
    range->fuzz = (int32_t)get32(bytes + 8);
    range->flat = (int32_t)get32(bytes + 12);
    range->res = (int32_t)get32(bytes + 16);
    return size >= RANGE_SIZE && range->min <= range->max ? VIRTIO_OK : VIRTIO_E_RESPONSE;
}

static int read_name(struct virtio_input *input)
{
    uint8_t bytes[VIRTIO_INPUT_CONFIG_MAX];
    uint32_t size;
    int error = virtio_input_query(input, VIRTIO_INPUT_CFG_ID_NAME, 0, bytes, &size);

    memcpy(input->name, bytes, size);
    input->name[size] = '\0';
    return error;
}

static int read_ids(struct virtio_input *input)
{
    uint8_t bytes[VIRTIO_INPUT_CONFIG_MAX];
    uint32_t size;
    int error = virtio_input_query(input, VIRTIO_INPUT_CFG_ID_DEVIDS, 0, bytes, &size);

    if (error != VIRTIO_OK || size < IDS_SIZE)
        return error;
    input->ids.bustype = get16(bytes);
    input->ids.vendor = get16(bytes + 2);
    input->ids.product = get16(bytes + 4);
    input->ids.version = get16(bytes + 6);
    return VIRTIO_OK;
}

static bool has_type(const struct virtio_input *input, unsigned type)
{
    return (input->types >> type & 1) != 0;
}

/* Which types there are says the device's, by a size that is not 0 for each. */
static int read_types(struct virtio_input *input)
{
    uint8_t codes[VIRTIO_INPUT_CONFIG_MAX];

    for (uint8_t type = 0; type < EVENT_TYPES; type++) {
        int error = virtio_input_get_bits(input, type, codes);

        if (error == VIRTIO_OK)
            input->types |= UINT32_C(1) << type;
        else if (error != VIRTIO_E_NOT_SUPPORTED)
            return error;
    }
    if (has_type(input, VIRTIO_INPUT_EV_ABS))
        input->role = VIRTIO_INPUT_TABLET;
    else if (has_type(input, VIRTIO_INPUT_EV_REL))
        input->role = VIRTIO_INPUT_MOUSE;
    else if (has_type(input, VIRTIO_INPUT_EV_KEY))
        input->role = VIRTIO_INPUT_KEYBOARD;
    return VIRTIO_OK;
}

/* ---- Start and stop ---- */

/* With all buffers for events handed over. */
static int go_live(struct virtio_input *input)
{
    int error = virtio_buffer_queue_fill(&input->events);

    input->unseen = 0;
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&input->device);
    if (error == VIRTIO_OK)
        error = virtio_kick(&input->events.queue);
    return error;
}

static int set_up(struct virtio_input *input)
{
    int error = read_name(input);

    if (error == VIRTIO_OK)
        error = read_ids(input);
    if (error == VIRTIO_OK)
        error = read_types(input);
    if (error == VIRTIO_OK)
        error = virtio_buffer_queue_start(&input->events, &input->device, EVENTQ,
                                          VIRTIO_INPUT_QUEUE_SIZE, EVENT_SIZE);
    if (error == VIRTIO_OK)
        error = virtio_buffer_queue_start(&input->status, &input->device, STATUSQ,
                                          VIRTIO_INPUT_STATUS_SIZE, EVENT_SIZE);
    /* QEMU says that it wrote what it has read. */
    virtio_queue_ignore_length(&input->status.queue);
    return error == VIRTIO_OK ? go_live(input) : error;
}

/* Free all that set_up acquired, as far as it came; the device has been reset. */
static int tear_down(struct virtio_input *input)
{
    virtio_buffer_queue_end(&input->events, &input->device);
    virtio_buffer_queue_end(&input->status, &input->device);
    return virtio_device_end(&input->device);
}

int virtio_input_start(struct virtio_input *input, const struct virtio_device *found)
{
    static const struct virtio_features wanted = {.supported = 0};
    int error;

    if (found->type != VIRTIO_ID_INPUT)
        return VIRTIO_E_INVALID;
    *input = (struct virtio_input){.device = *found};
    error = virtio_device_begin(&input->device, &wanted);
    if (error != VIRTIO_OK)
        return error;
    error = set_up(input);
    if (error == VIRTIO_OK)
        return VIRTIO_OK;
    if (virtio_device_fail(&input->device) != VIRTIO_E_TIMEOUT)
        (void)tear_down(input);
    return error;
}

int virtio_input_halt(struct virtio_input *input)
{
    return virtio_device_stop(&input->device) == VIRTIO_E_TIMEOUT ? VIRTIO_E_TIMEOUT : VIRTIO_OK;
}

int virtio_input_stop(struct virtio_input *input)
{
    int error = virtio_input_halt(input);

    return error == VIRTIO_OK ? tear_down(input) : error;
}

int virtio_input_recover(struct virtio_input *input)
{
    int error = virtio_device_renew(&input->device);

    if (error != VIRTIO_OK)
        return error;
    virtio_buffer_queue_renew(&input->events);
    virtio_buffer_queue_renew(&input->status);
    error = go_live(input);
    if (error != VIRTIO_OK)
        (void)virtio_input_halt(input);
    return error;
}

/* ---- Events ---- */

/* Show the device the buffers that were given back. */
static int show(struct virtio_input *input)
{
    input->unseen = 0;
    return virtio_kick(&input->events.queue);
}

/* Take one buffer's content and give the buffer back. @return 1, 0 or an error. */
static int take(struct virtio_input *input, uint8_t *bytes, uint32_t *written)
{
    struct virtio_buffer_queue *queue = &input->events;
    unsigned number;
    int result = virtio_buffer_queue_reap(queue, &number, written);

    if (result <= 0)
        return result;
    memcpy(bytes, virtio_buffer_at(queue, number), EVENT_SIZE);
    result = virtio_buffer_queue_submit(queue, number, EVENT_SIZE, VIRTQ_DESC_F_WRITE);
    if (result == VIRTIO_OK && ++input->unseen >= queue->depth / 2)
        result = show(input);
    return result == VIRTIO_OK ? 1 : result;
}

int virtio_input_poll(struct virtio_input *input, struct virtio_input_event *event)
{
    uint8_t bytes[EVENT_SIZE];
    uint32_t written;

    if (!is_live(input))
        return VIRTIO_E_STATE;
    /* What is no event is passed over; a device that sends nothing else is not waited for. */
    for (unsigned tries = 0; tries < VIRTIO_INPUT_QUEUE_SIZE; tries++) {
        int result = take(input, bytes, &written);

        if (result < 0)
            return result;
        if (result == 0)
            return input->unseen != 0 ? show(input) : 0;
        if (written >= EVENT_SIZE) {
            event->type = get16(bytes);
            event->code = get16(bytes + 2);
            event->value = (int32_t)get32(bytes + 4);
            return 1;
        }
        input->ignored++;
    }
    return show(input);
}

int virtio_input_wait(struct virtio_input *input, struct virtio_input_event *event,
                      uint32_t timeout_us)
{
    struct virtio_driver_wait wait;
    int result = virtio_input_poll(input, event);

    if (result == 0)
        virtio_driver_wait_begin(&wait, &input->device, timeout_us);
    while (result == 0) {
        result = virtio_driver_wait_turn(&wait, &input->device);
        if (result == VIRTIO_OK)
            result = virtio_input_poll(input, event);
    }
    return result;
}

int virtio_input_send(struct virtio_input *input, uint16_t type, uint16_t code, int32_t value)
{
    struct virtio_buffer_queue *queue = &input->status;
    uint8_t *bytes;
    unsigned reaped;
    uint32_t written;
    int number;
    int result;

    if (!is_live(input))
        return VIRTIO_E_STATE;
    while ((result = virtio_buffer_queue_reap(queue, &reaped, &written)) > 0)
        continue;
    if (result < 0)
        return result;
    number = virtio_buffer_queue_find(queue);
    if (number == VIRTIO_NO_BUFFER)
        return VIRTIO_E_FULL;
    bytes = virtio_buffer_at(queue, (unsigned)number);
    put16(bytes, type);
    put16(bytes + 2, code);
    put16(bytes + 4, (uint16_t)value);
    put16(bytes + 6, (uint16_t)((uint32_t)value >> 16));
    result = virtio_buffer_queue_submit(queue, (unsigned)number, EVENT_SIZE, 0);
    return result == VIRTIO_OK ? virtio_kick(&queue->queue) : result;
}
