/* SPDX-License-Identifier: MIT */
/*
 * The console device driver (spec 5.3); include/virtio/console.h is its manual.
 *
 * A port is two buffer queues and a few bits. What the device says about ports is taken in first, all of
 * it, its buffers given back, and only then is it answered, one message at a time: an answer makes the
 * device say more, and a device that finds no buffer for a message drops it. So what has to be answered
 * is a bit of the port (`due`), never a queue of messages.
 *
 * Must not: let the device choose memory by a port's number, or show it memory of a caller's.
 */
#include "buffer_queue.h"
#include <virtio/console.h>

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

struct virtio_console_config {
    uint16_t cols;
    uint16_t rows;
    uint32_t max_nr_ports;
    uint32_t emerg_wr;
};

_Static_assert(offsetof(struct virtio_console_config, max_nr_ports) == 4, "spec 5.3.4");
_Static_assert(offsetof(struct virtio_console_config, emerg_wr) == 8, "spec 5.3.4");

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

static bool is_live(const struct virtio_console *console)
{
    return console->device.state == VIRTIO_DEVICE_READY;
}

static bool is_multiport(const struct virtio_console *console)
{
    return virtio_has_feature(&console->device, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* ---- Start and stop ---- */

/* Should the two fields be of different times, the next look finds that they changed. */
static int read_size(struct virtio_console *console)
{
    struct virtio_console_port *port = &console->ports[0];
    uint64_t cols;
    uint64_t rows;
    int error = virtio_config_read(&console->device, 0, 2, &cols);

    if (error == VIRTIO_OK)
        error = virtio_config_read(&console->device, offsetof(struct virtio_console_config, rows),
                                   2, &rows);
    if (error == VIRTIO_OK && (cols != port->cols || rows != port->rows)) {
        port->cols = (uint16_t)cols;
        port->rows = (uint16_t)rows;
        port->changes |= VIRTIO_CONSOLE_RESIZED;
    }
    return error;
}

static int count_ports(struct virtio_console *console)
{
    uint64_t ports = 1;
    int error = VIRTIO_OK;

    if (is_multiport(console))
        error = virtio_config_read(&console->device,
                                   offsetof(struct virtio_console_config, max_nr_ports), 4, &ports);
    if (error != VIRTIO_OK)
        return error;
    console->max_nr_ports = (uint32_t)ports;
    console->port_count =
        ports < VIRTIO_CONSOLE_PORTS_MAX ? (uint32_t)ports : VIRTIO_CONSOLE_PORTS_MAX;
    return ports != 0 ? VIRTIO_OK : VIRTIO_E_CONFIG;
}

static int set_up_ports(struct virtio_console *console)
{
    const struct virtio_host *host = console->device.host;
    size_t size = console->port_count * sizeof(*console->ports);

    console->ports = host->allocate(host->ctx, size);
    if (console->ports == NULL)
        return VIRTIO_E_NO_MEMORY;
    memset(console->ports, 0, size);
    for (uint32_t number = 0; number < console->port_count; number++) {
        struct virtio_console_port *port = &console->ports[number];
        uint16_t index = (uint16_t)(number == 0 ? 0 : 2 * number + 2);
        int error = virtio_buffer_queue_start(&port->receive, &console->device, index,
                                              VIRTIO_CONSOLE_BUFFERS, VIRTIO_CONSOLE_BUFFER_SIZE);

        if (error == VIRTIO_OK)
            error =
                virtio_buffer_queue_start(&port->transmit, &console->device, (uint16_t)(index + 1),
                                          VIRTIO_CONSOLE_BUFFERS, VIRTIO_CONSOLE_BUFFER_SIZE);
        if (error == VIRTIO_OK)
            error = virtio_buffer_queue_fill(&port->receive);
        if (error != VIRTIO_OK)
            return error;
    }
    return VIRTIO_OK;
}

static int set_up_control(struct virtio_console *console)
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

static int set_up(struct virtio_console *console)
{
    int error = count_ports(console);

    if (error == VIRTIO_OK)
        error = set_up_ports(console);
    if (error == VIRTIO_OK && is_multiport(console))
        error = set_up_control(console);
    if (error == VIRTIO_OK && virtio_has_feature(&console->device, VIRTIO_CONSOLE_F_SIZE))
        error = read_size(console);
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&console->device);
    return error;
}

/* Free all that set_up acquired, as far as it came; the device has been reset. */
static int tear_down(struct virtio_console *console)
{
    const struct virtio_host *host = console->device.host;

    for (uint32_t number = 0; console->ports != NULL && number < console->port_count; number++) {
        virtio_buffer_queue_end(&console->ports[number].receive, &console->device);
        virtio_buffer_queue_end(&console->ports[number].transmit, &console->device);
    }
    virtio_buffer_queue_end(&console->control_receive, &console->device);
    virtio_buffer_queue_end(&console->control_transmit, &console->device);
    if (console->ports != NULL)
        host->free(host->ctx, console->ports, console->port_count * sizeof(*console->ports));
    console->ports = NULL;
    console->port_count = 0;
    return virtio_device_end(&console->device);
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

/* The device is live: one port that is simply there, or all that it is going to tell of. */
static int introduce(struct virtio_console *console)
{
    struct virtio_console_port *port = &console->ports[0];
    int error;

    console->refused = NONE_REFUSED;
    if (!is_multiport(console)) {
        port->present = true;
        port->console = true;
        port->open = true;
        port->host_open = true;
        port->changes |= VIRTIO_CONSOLE_ADDED | VIRTIO_CONSOLE_NOMINATED | VIRTIO_CONSOLE_OPENED;
        return virtio_kick(&port->receive.queue);
    }
    error = virtio_kick(&console->control_receive.queue);
    return error == VIRTIO_OK ? say(console, 0, DEVICE_READY, 1) : error;
}

int virtio_console_start(struct virtio_console *console, const struct virtio_device *found)
{
    static const struct virtio_features wanted = {
        .supported =
            VIRTIO_CONSOLE_F_SIZE | VIRTIO_CONSOLE_F_MULTIPORT | VIRTIO_CONSOLE_F_EMERG_WRITE,
    };
    int error;

    if (found->type != VIRTIO_ID_CONSOLE)
        return VIRTIO_E_INVALID;
    *console = (struct virtio_console){.device = *found};
    error = virtio_device_begin(&console->device, &wanted);
    if (error != VIRTIO_OK)
        return error;
    error = set_up(console);
    if (error == VIRTIO_OK)
        error = introduce(console);
    if (error == VIRTIO_OK)
        return VIRTIO_OK;
    if (virtio_device_fail(&console->device) != VIRTIO_E_TIMEOUT)
        (void)tear_down(console);
    return error;
}

/* The port is gone: nothing that was known of it counts. */
static void forget_port(struct virtio_console_port *port)
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

int virtio_console_halt(struct virtio_console *console)
{
    return virtio_device_stop(&console->device) == VIRTIO_E_TIMEOUT ? VIRTIO_E_TIMEOUT : VIRTIO_OK;
}

int virtio_console_stop(struct virtio_console *console)
{
    int error = virtio_console_halt(console);

    return error == VIRTIO_OK ? tear_down(console) : error;
}

/* The port as it is before the device has said anything of it; what was on its way is lost. */
static int renew_port(struct virtio_console_port *port)
{
    virtio_buffer_queue_renew(&port->receive);
    virtio_buffer_queue_renew(&port->transmit);
    forget_port(port);
    return virtio_buffer_queue_fill(&port->receive);
}

/* Queues and ports as they are at a start. */
static int renew_ports(struct virtio_console *console)
{
    int error = VIRTIO_OK;

    virtio_buffer_queue_renew(&console->control_receive);
    virtio_buffer_queue_renew(&console->control_transmit);
    console->ports_due = 0;
    for (uint32_t number = 0; number < console->port_count && error == VIRTIO_OK; number++)
        error = renew_port(&console->ports[number]);
    if (error == VIRTIO_OK && is_multiport(console))
        error = virtio_buffer_queue_fill(&console->control_receive);
    return error;
}

int virtio_console_recover(struct virtio_console *console)
{
    int error = virtio_device_renew(&console->device);

    if (error != VIRTIO_OK)
        return error;
    error = renew_ports(console);
    if (error == VIRTIO_OK && virtio_has_feature(&console->device, VIRTIO_CONSOLE_F_SIZE))
        error = read_size(console);
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&console->device);
    if (error == VIRTIO_OK)
        error = introduce(console);
    if (error != VIRTIO_OK)
        (void)virtio_console_halt(console);
    return error;
}

/* ---- What the device says of its ports ---- */

static void add_due(struct virtio_console *console, struct virtio_console_port *port, uint8_t due)
{
    console->ports_due += port->due == 0;
    port->due |= due;
}

static void clear_due(struct virtio_console *console, struct virtio_console_port *port,
                      unsigned due)
{
    if (port->due == 0)
        return;
    port->due = (uint8_t)(port->due & ~due);
    console->ports_due -= port->due == 0;
}

static void add_port(struct virtio_console *console, struct virtio_console_port *port)
{
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
    forget_port(port);
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

/* Take in all messages, then answer one, and so on until the device is quiet. */
static int attend(struct virtio_console *console)
{
    bool given_back = false;

    if (!is_live(console))
        return VIRTIO_E_STATE;
    for (unsigned taken = 0; is_multiport(console) && taken < MESSAGES_MAX; taken++) {
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

int virtio_console_poll(struct virtio_console *console, struct virtio_console_event *event)
{
    int error = attend(console);

    if (error == VIRTIO_OK && virtio_has_feature(&console->device, VIRTIO_CONSOLE_F_SIZE))
        error = read_size(console);
    if (error != VIRTIO_OK)
        return error;
    for (uint32_t count = 0; count < console->port_count; count++) {
        uint32_t number = (console->next_port + count) % console->port_count;
        struct virtio_console_port *port = &console->ports[number];

        if (port->changes != 0) {
            event->port = number;
            event->changes = port->changes;
            port->changes = 0;
            console->next_port = number + 1;
            return 1;
        }
    }
    return 0;
}

/* ---- Ports ---- */

/* Attend to the device, then see whether the port is there. */
static int check_port(struct virtio_console *console, uint32_t number)
{
    int error = attend(console);

    if (error != VIRTIO_OK)
        return error;
    if (number >= console->port_count)
        return VIRTIO_E_INVALID;
    return console->ports[number].present ? VIRTIO_OK : VIRTIO_E_NO_DEVICE;
}

static int set_open(struct virtio_console *console, uint32_t number, bool open)
{
    int error = check_port(console, number);
    struct virtio_console_port *port;

    if (error != VIRTIO_OK)
        return error;
    port = &console->ports[number];
    if (port->open == open)
        return VIRTIO_OK;
    if (!is_multiport(console))
        return VIRTIO_E_NOT_SUPPORTED;
    port->open = open;
    add_due(console, port, DUE_OPEN);
    return attend(console);
}

int virtio_console_open(struct virtio_console *console, uint32_t port)
{
    return set_open(console, port, true);
}

int virtio_console_close(struct virtio_console *console, uint32_t port)
{
    return set_open(console, port, false);
}

static bool same_text(const char *one, const char *other)
{
    while (*one != '\0' && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}

static bool is_wanted(const struct virtio_console_port *port, const char *name)
{
    if (!port->present)
        return false;
    if (name == NULL)
        return port->console;
    return (port->host_open || port->console) && same_text(port->name, name);
}

int virtio_console_find(struct virtio_console *console, const char *name, uint32_t *port)
{
    struct virtio_driver_wait wait;
    int error = attend(console);

    if (error == VIRTIO_OK)
        virtio_driver_wait_begin(&wait, &console->device, console->device.timeout_us);
    while (error == VIRTIO_OK) {
        for (uint32_t at = 0; at < console->port_count; at++) {
            if (is_wanted(&console->ports[at], name)) {
                *port = at;
                return VIRTIO_OK;
            }
        }
        if (!is_multiport(console))
            return VIRTIO_E_NO_DEVICE;
        error = virtio_driver_wait_turn(&wait, &console->device);
        if (error == VIRTIO_OK)
            error = attend(console);
    }
    return error;
}

/* ---- Sending ---- */

/* Fill free buffers. @return how many bytes were taken, or an error if none were. */
static int put(struct virtio_buffer_queue *queue, const uint8_t *bytes, size_t size)
{
    int taken = 0;

    while (size != 0) {
        uint32_t part = size < queue->size ? (uint32_t)size : queue->size;
        int number = virtio_buffer_queue_find(queue);
        int error;

        if (number == VIRTIO_NO_BUFFER)
            return taken;
        memcpy(virtio_buffer_at(queue, (unsigned)number), bytes, part);
        error = virtio_buffer_queue_submit(queue, (unsigned)number, part, 0);
        if (error != VIRTIO_OK)
            return taken != 0 ? taken : error;
        taken += (int)part;
        bytes += part;
        size -= part;
    }
    return taken;
}

/* Take back what the device has sent. */
static int take_back(struct virtio_buffer_queue *queue)
{
    unsigned number;
    uint32_t written;
    int result;

    while ((result = virtio_buffer_queue_reap(queue, &number, &written)) > 0)
        continue;
    return result;
}

static int check_bytes(const void *bytes, size_t size)
{
    if (bytes == NULL)
        return VIRTIO_E_INVALID;
    return size != 0 ? VIRTIO_OK : VIRTIO_E_ZERO_LENGTH;
}

int virtio_console_send(struct virtio_console *console, uint32_t port, const void *bytes,
                        size_t size)
{
    int result = check_bytes(bytes, size);
    struct virtio_console_port *own;
    int error;

    if (result == VIRTIO_OK)
        result = check_port(console, port);
    if (result != VIRTIO_OK)
        return result;
    own = &console->ports[port];
    if (!own->open || (!own->host_open && !own->console))
        return VIRTIO_E_STATE;
    result = take_back(&own->transmit);
    if (result == VIRTIO_OK)
        result = put(&own->transmit, bytes, size);
    if (result <= 0)
        return result;
    error = virtio_kick(&own->transmit.queue);
    return error == VIRTIO_OK ? result : error;
}

int virtio_console_write(struct virtio_console *console, uint32_t port, const void *bytes,
                         size_t size, size_t *written)
{
    struct virtio_driver_wait wait;
    const uint8_t *from = bytes;
    size_t done = 0;
    bool waiting = false;
    int result;

    do {
        result = virtio_console_send(console, port, from + done, size - done);
        if (result > 0) {
            done += (size_t)result;
            waiting = false;
        } else if (result == 0) {
            if (!waiting)
                virtio_driver_wait_begin(&wait, &console->device, console->device.timeout_us);
            waiting = true;
            result = virtio_driver_wait_turn(&wait, &console->device);
        }
    } while (result >= 0 && done < size);
    if (written != NULL)
        *written = done;
    return result < 0 ? result : VIRTIO_OK;
}

int virtio_console_flush(struct virtio_console *console, uint32_t port)
{
    struct virtio_driver_wait wait;
    int error = check_port(console, port);
    uint16_t left = 0;

    while (error == VIRTIO_OK) {
        struct virtio_buffer_queue *queue = &console->ports[port].transmit;

        error = take_back(queue);
        if (error != VIRTIO_OK || queue->in_flight == 0)
            return error;
        if (queue->in_flight != left) {
            left = queue->in_flight;
            virtio_driver_wait_begin(&wait, &console->device, console->device.timeout_us);
        }
        error = virtio_driver_wait_turn(&wait, &console->device);
        if (error == VIRTIO_OK)
            error = check_port(console, port);
    }
    return error;
}

/* ---- Receiving ---- */

/* Find the next buffer with something in it. @return 1, 0 when nothing came, or an error. */
static int next_received(struct virtio_console_port *port)
{
    struct virtio_buffer_queue *queue = &port->receive;

    /* A device may use buffers without writing to them; each is taken once a call. */
    for (unsigned tries = 0; port->left == 0 && tries < queue->depth; tries++) {
        int result = virtio_buffer_queue_reap(queue, &port->current, &port->left);

        if (result <= 0)
            return result;
        port->offset = 0;
        if (port->left == 0) {
            result =
                virtio_buffer_queue_submit(queue, port->current, queue->size, VIRTQ_DESC_F_WRITE);
            if (result != VIRTIO_OK)
                return result;
        }
    }
    return port->left != 0;
}

/* Copy what there is; buffers that were emptied go back to the device. @return bytes, or an error. */
static int get(struct virtio_console_port *port, uint8_t *bytes, size_t size)
{
    struct virtio_buffer_queue *queue = &port->receive;
    int taken = 0;
    int result = 1;

    while (size != 0 && (result = next_received(port)) > 0) {
        uint32_t part = size < port->left ? (uint32_t)size : port->left;

        memcpy(bytes, virtio_buffer_at(queue, port->current) + port->offset, part);
        port->offset += part;
        port->left -= part;
        bytes += part;
        size -= part;
        taken += (int)part;
        if (port->left == 0) {
            result =
                virtio_buffer_queue_submit(queue, port->current, queue->size, VIRTQ_DESC_F_WRITE);
            if (result != VIRTIO_OK)
                break;
        }
    }
    return result < 0 && taken == 0 ? result : taken;
}

int virtio_console_receive(struct virtio_console *console, uint32_t port, void *bytes, size_t size)
{
    int result = check_bytes(bytes, size);
    struct virtio_console_port *own;
    int error;

    if (result == VIRTIO_OK)
        result = check_port(console, port);
    if (result != VIRTIO_OK)
        return result;
    own = &console->ports[port];
    if (!own->open)
        return VIRTIO_E_STATE;
    result = get(own, bytes, size < INT32_MAX ? size : INT32_MAX);
    error = virtio_kick(&own->receive.queue);
    if (result == 0 && error == VIRTIO_OK && !own->host_open && !own->console)
        return VIRTIO_E_STATE;
    return error == VIRTIO_OK || result > 0 ? result : error;
}

int virtio_console_read(struct virtio_console *console, uint32_t port, void *bytes, size_t size,
                        size_t *got)
{
    struct virtio_driver_wait wait;
    int result = virtio_console_receive(console, port, bytes, size);

    *got = 0;
    if (result == 0)
        virtio_driver_wait_begin(&wait, &console->device, console->device.timeout_us);
    while (result == 0) {
        result = virtio_driver_wait_turn(&wait, &console->device);
        if (result == VIRTIO_OK)
            result = virtio_console_receive(console, port, bytes, size);
    }
    if (result < 0)
        return result;
    *got = (size_t)result;
    return VIRTIO_OK;
}

/* ---- Emergency ---- */

int virtio_console_emergency_write(struct virtio_console *console, char character)
{
    if (!is_live(console))
        return VIRTIO_E_STATE;
    if (!virtio_has_feature(&console->device, VIRTIO_CONSOLE_F_EMERG_WRITE))
        return VIRTIO_E_NOT_SUPPORTED;
    return virtio_config_write(&console->device, offsetof(struct virtio_console_config, emerg_wr),
                               4, (unsigned char)character);
}
