/* SPDX-License-Identifier: MIT */
/*
 * The console device driver (spec 5.3); include/virtio/console.h is its manual.
 *
 * A port is two buffer queues and a few bits, which console_control.c keeps as the device says.
 *
 * Must not: let the device choose memory by a port's number, or show it memory of a caller's.
 */
#include "console_internal.h"

struct virtio_console_config {
    uint16_t cols;
    uint16_t rows;
    uint32_t max_nr_ports;
    uint32_t emerg_wr;
};

_Static_assert(offsetof(struct virtio_console_config, max_nr_ports) == 4, "spec 5.3.4");
_Static_assert(offsetof(struct virtio_console_config, emerg_wr) == 8, "spec 5.3.4");

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

    if (virtio_console_is_multiport(console))
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

static int set_up(struct virtio_console *console)
{
    int error = count_ports(console);

    if (error == VIRTIO_OK)
        error = set_up_ports(console);
    if (error == VIRTIO_OK && virtio_console_is_multiport(console))
        error = virtio_console_start_control(console);
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

/* The device is live: one port that is simply there, or all that it is going to tell of. */
static int introduce(struct virtio_console *console)
{
    struct virtio_console_port *port = &console->ports[0];

    if (!virtio_console_is_multiport(console)) {
        port->present = true;
        port->console = true;
        port->open = true;
        port->host_open = true;
        port->changes |= VIRTIO_CONSOLE_ADDED | VIRTIO_CONSOLE_NOMINATED | VIRTIO_CONSOLE_OPENED;
        return virtio_kick(&port->receive.queue);
    }
    return virtio_console_greet(console);
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
    virtio_console_forget_port(port);
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
    if (error == VIRTIO_OK && virtio_console_is_multiport(console))
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

int virtio_console_poll(struct virtio_console *console, struct virtio_console_event *event)
{
    int error = virtio_console_attend(console);

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
    int error = virtio_console_attend(console);

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
    if (!virtio_console_is_multiport(console))
        return VIRTIO_E_NOT_SUPPORTED;
    port->open = open;
    virtio_console_owe_open(console, port);
    return virtio_console_attend(console);
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
    int error = virtio_console_attend(console);

    if (error == VIRTIO_OK)
        virtio_driver_wait_begin(&wait, &console->device, console->device.timeout_us);
    while (error == VIRTIO_OK) {
        for (uint32_t at = 0; at < console->port_count; at++) {
            if (is_wanted(&console->ports[at], name)) {
                *port = at;
                return VIRTIO_OK;
            }
        }
        if (!virtio_console_is_multiport(console))
            return VIRTIO_E_NO_DEVICE;
        error = virtio_driver_wait_turn(&wait, &console->device);
        if (error == VIRTIO_OK)
            error = virtio_console_attend(console);
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
static int take_back(struct virtio_console_port *port)
{
    struct virtio_buffer_queue *queue = &port->transmit;
    unsigned number;
    uint32_t written;
    int result;

    while ((result = virtio_buffer_queue_reap(queue, &number, &written)) > 0)
        continue;
    port->left_over &= ~queue->free;
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
    result = take_back(own);
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
    uint64_t left = 0;

    while (error == VIRTIO_OK) {
        struct virtio_console_port *own = &console->ports[port];
        uint64_t unsent;

        error = take_back(own);
        unsent = virtio_buffer_queue_in_flight(&own->transmit) & ~own->left_over;
        if (error != VIRTIO_OK || unsent == 0)
            return error;
        if (unsent != left) {
            left = unsent;
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
    if (!virtio_console_is_live(console))
        return VIRTIO_E_STATE;
    if (!virtio_has_feature(&console->device, VIRTIO_CONSOLE_F_EMERG_WRITE))
        return VIRTIO_E_NOT_SUPPORTED;
    return virtio_config_write(&console->device, offsetof(struct virtio_console_config, emerg_wr),
                               4, (unsigned char)character);
}
