/* SPDX-License-Identifier: MIT */
/*
 * The console driver: what the device and the driver tell each other of ports, on the control queues of
 * VIRTIO_CONSOLE_F_MULTIPORT (spec 5.3.6.2).
 *
 * What the device says is taken in first, all of it, its buffers given back, and only then is it answered,
 * one message at a time: an answer makes the device say more, and a device that finds no buffer for a message
 * drops it. So what has to be answered is a bit of the port (`due`), never a queue of messages.
 *
 * Must not: let the device choose memory by a port's number, or take messages without an end.
 */
#include "console_internal.h"

/* Control events (spec 5.3.6.2). */
#define DEVICE_READY  0u
#define DEVICE_ADD    1u
#define DEVICE_REMOVE 2u
#define PORT_READY    3u
#define CONSOLE_PORT  4u
#define RESIZE        5u
#define PORT_OPEN     6u
#define PORT_NAME     7u

/* Queue numbers (spec 5.3.2): the control queues stand between those of port 0 and port 1. */
#define CONTROL_RECEIVEQ  2u
#define CONTROL_TRANSMITQ 3u

/* Every port may have something to say at the same time, and then a little. */
#define CONTROL_BUFFERS     64u
#define CONTROL_BUFFER_SIZE 256u
#define ANSWER_BUFFERS      8u

/* How many control messages one call takes: what a device says without end is not waited for. */
#define MESSAGES_MAX 512u

/* Bits of virtio_console_port.due. */
#define DUE_READY 1u
#define DUE_OPEN  2u

#define NONE_REFUSED UINT32_MAX

struct virtio_console_control {
    uint32_t id;
    uint16_t event;
    uint16_t value;
};

_Static_assert(sizeof(struct virtio_console_control) == 8, "spec 5.3.6.2");

struct virtio_console_resize {
    uint16_t cols;
    uint16_t rows;
};

_Static_assert(sizeof(struct virtio_console_resize) == 4, "spec 5.3.6.2");

/* ---- Messages to the device ---- */

int virtio_console_start_control(struct virtio_console *console)
{
    int error = virtio_buffer_queue_start(&console->control_receive, &console->device,
                                          CONTROL_RECEIVEQ, CONTROL_BUFFERS, CONTROL_BUFFER_SIZE);

    if (error == VIRTIO_OK)
        error = virtio_buffer_queue_start(&console->control_transmit, &console->device,
                                          CONTROL_TRANSMITQ, ANSWER_BUFFERS,
                                          sizeof(struct virtio_console_control));
    if (error == VIRTIO_OK)
        error = virtio_buffer_queue_fill(&console->control_receive);
    return error;
}

/* Put a message into a buffer; there is one. */
static int say(struct virtio_console *console, uint32_t id, uint32_t event, uint32_t value)
{
    struct virtio_buffer_queue *queue = &console->control_transmit;
    bool legacy = console->device.legacy;
    struct virtio_console_control message = {
        .id = virtio_order32(legacy, id),
        .event = virtio_order16(legacy, (uint16_t)event),
        .value = virtio_order16(legacy, (uint16_t)value),
    };
    int number = virtio_buffer_queue_find(queue);
    int error;

    memcpy(virtio_buffer_at(queue, (unsigned)number), &message, sizeof(message));
    error = virtio_buffer_queue_submit(queue, (unsigned)number, sizeof(message), 0);
    return error == VIRTIO_OK ? virtio_kick(&queue->queue) : error;
}

int virtio_console_greet(struct virtio_console *console)
{
    int error;

    console->refused = NONE_REFUSED;
    error = virtio_kick(&console->control_receive.queue);
    return error == VIRTIO_OK ? say(console, 0, DEVICE_READY, 1) : error;
}

void virtio_console_forget_port(struct virtio_console_port *port)
{
    if (port->present)
        port->changes |= VIRTIO_CONSOLE_REMOVED;
    port->present = false;
    port->console = false;
    port->open = false;
    port->host_open = false;
    port->name[0] = '\0';
    port->cols = 0;
    port->rows = 0;
    port->due = 0;
    port->left = 0;
}

/* ---- What the device says of its ports ---- */

static void add_due(struct virtio_console *console, struct virtio_console_port *port, uint8_t due)
{
    console->ports_due += port->due == 0;
    port->due |= due;
}

void virtio_console_owe_open(struct virtio_console *console, struct virtio_console_port *port)
{
    add_due(console, port, DUE_OPEN);
}

static void clear_due(struct virtio_console *console, struct virtio_console_port *port,
                      unsigned due)
{
    if (port->due == 0)
        return;
    port->due = (uint8_t)(port->due & ~due);
    console->ports_due -= port->due == 0;
}

/* What the port before it has not taken it may never take: QEMU forgets the buffer that it was at. */
static void add_port(struct virtio_console *console, struct virtio_console_port *port)
{
    port->left_over = virtio_buffer_queue_in_flight(&port->transmit);
    port->present = true;
    port->changes |= VIRTIO_CONSOLE_ADDED;
    add_due(console, port, DUE_READY);
}

/* The port's queues stay: the device may add it again. What it sent before is for nobody now. */
static int remove_port(struct virtio_console *console, struct virtio_console_port *port)
{
    unsigned number;
    uint32_t written;
    int result = VIRTIO_OK;

    clear_due(console, port, DUE_READY | DUE_OPEN);
    virtio_console_forget_port(port);
    while (result == VIRTIO_OK &&
           (result = virtio_buffer_queue_reap(&port->receive, &number, &written)) > 0)
        result = VIRTIO_OK;
    return result < 0 ? result : virtio_buffer_queue_fill(&port->receive);
}

static void set_host_open(struct virtio_console_port *port, bool open)
{
    if (port->host_open == open)
        return;
    port->host_open = open;
    port->changes |= open ? VIRTIO_CONSOLE_OPENED : VIRTIO_CONSOLE_CLOSED;
}

/* A name may end in a NUL that it should not have, and may be longer than there is room for. */
static void set_name(struct virtio_console_port *port, const uint8_t *text, uint32_t length)
{
    uint32_t end = 0;

    while (end < length && text[end] != '\0')
        end++;
    if (end >= VIRTIO_CONSOLE_NAME_SIZE) {
        end = VIRTIO_CONSOLE_NAME_SIZE - 1;
        while (end > 0 && (text[end] & 0xc0) == 0x80) /* the middle of a character */
            end--;
    }
    memcpy(port->name, text, end);
    port->name[end] = '\0';
    port->changes |= VIRTIO_CONSOLE_NAMED;
}

static void set_size(struct virtio_console *console, struct virtio_console_port *port,
                     const uint8_t *bytes)
{
    struct virtio_console_resize size;

    memcpy(&size, bytes, sizeof(size));
    port->cols = virtio_order16(console->device.legacy, size.cols);
    port->rows = virtio_order16(console->device.legacy, size.rows);
    port->changes |= VIRTIO_CONSOLE_RESIZED;
}

/* A message about a port that is there. @return 1 when it made sense, 0 when not, or an error. */
static int take_port_message(struct virtio_console *console, struct virtio_console_port *port,
                             const struct virtio_console_control *message, const uint8_t *rest,
                             uint32_t length)
{
    int error;

    switch (message->event) {
    case DEVICE_REMOVE:
        error = remove_port(console, port);
        return error == VIRTIO_OK ? 1 : error;
    case CONSOLE_PORT:
        port->console = true;
        port->open = true;
        port->changes |= VIRTIO_CONSOLE_NOMINATED;
        add_due(console, port, DUE_OPEN);
        return 1;
    case RESIZE:
        if (length < sizeof(struct virtio_console_resize))
            return 0;
        set_size(console, port, rest);
        return 1;
    case PORT_OPEN:
        set_host_open(port, message->value != 0);
        return 1;
    case PORT_NAME:
        set_name(port, rest, length);
        return 1;
    default:
        return 0;
    }
}

/* One message, in a private copy. @return as take_port_message. */
static int take_message(struct virtio_console *console, const uint8_t *bytes, uint32_t length)
{
    struct virtio_console_control message;
    bool legacy = console->device.legacy;
    struct virtio_console_port *port;

    if (length < sizeof(message))
        return 0;
    memcpy(&message, bytes, sizeof(message));
    message.id = virtio_order32(legacy, message.id);
    message.event = virtio_order16(legacy, message.event);
    message.value = virtio_order16(legacy, message.value);
    if (message.id >= console->max_nr_ports)
        return 0;
    if (message.id >= console->port_count) {
        if (message.event == DEVICE_ADD)
            console->refused = message.id;
        return message.event == DEVICE_ADD;
    }
    port = &console->ports[message.id];
    if (port->present == (message.event == DEVICE_ADD))
        return 0;
    if (!port->present) {
        add_port(console, port);
        return 1;
    }
    return take_port_message(console, port, &message, bytes + sizeof(message),
                             length - (uint32_t)sizeof(message));
}

/* Take the next message, and give its buffer back. @return as virtio_reap. */
static int listen(struct virtio_console *console)
{
    struct virtio_buffer_queue *queue = &console->control_receive;
    uint8_t copy[CONTROL_BUFFER_SIZE];
    unsigned number;
    uint32_t written;
    int result = virtio_buffer_queue_reap(queue, &number, &written);
    int error;

    if (result <= 0)
        return result;
    memcpy(copy, virtio_buffer_at(queue, number), written);
    result = take_message(console, copy, written);
    if (result < 0)
        return result;
    console->ignored += result == 0;
    error = virtio_buffer_queue_submit(queue, number, queue->size, VIRTQ_DESC_F_WRITE);
    return error == VIRTIO_OK ? 1 : error;
}

/* ---- What it is answered ---- */

static int answer_port(struct virtio_console *console, uint32_t number)
{
    struct virtio_console_port *port = &console->ports[number];

    if ((port->due & DUE_READY) != 0) {
        int error = virtio_kick(&port->receive.queue);

        clear_due(console, port, DUE_READY);
        return error == VIRTIO_OK ? say(console, number, PORT_READY, 1) : error;
    }
    clear_due(console, port, DUE_OPEN);
    return say(console, number, PORT_OPEN, port->open);
}

/* Send one message that is due, if there is one and room for it. @return 1, 0 or an error. */
static int answer(struct virtio_console *console)
{
    unsigned number;
    uint32_t written;
    int result;

    if (console->ports_due == 0 && console->refused == NONE_REFUSED)
        return 0;
    while ((result = virtio_buffer_queue_reap(&console->control_transmit, &number, &written)) > 0)
        continue;
    if (result < 0 || virtio_buffer_queue_find(&console->control_transmit) == VIRTIO_NO_BUFFER)
        return result;
    if (console->refused != NONE_REFUSED) {
        uint32_t refused = console->refused;

        console->refused = NONE_REFUSED;
        result = say(console, refused, PORT_READY, 0);
        return result == VIRTIO_OK ? 1 : result;
    }
    for (uint32_t at = 0; at < console->port_count; at++) {
        if (console->ports[at].due != 0) {
            result = answer_port(console, at);
            return result == VIRTIO_OK ? 1 : result;
        }
    }
    return 0;
}

int virtio_console_attend(struct virtio_console *console)
{
    bool given_back = false;

    if (!virtio_console_is_live(console))
        return VIRTIO_E_STATE;
    for (unsigned taken = 0; virtio_console_is_multiport(console) && taken < MESSAGES_MAX;
         taken++) {
        int result = listen(console);

        if (result > 0) {
            given_back = true;
            continue;
        }
        if (result == 0 && given_back) {
            given_back = false;
            result = virtio_kick(&console->control_receive.queue);
        }
        if (result == VIRTIO_OK)
            result = answer(console);
        if (result <= 0)
            return result;
    }
    return given_back ? virtio_kick(&console->control_receive.queue) : VIRTIO_OK;
}
