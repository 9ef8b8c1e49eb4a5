/* SPDX-License-Identifier: MIT */
/*
 * Proof of the console driver, by induction: it is started, with PROVE_PORTS ports, what changes afterwards is set
 * to anything that the invariant (check, below) allows, one call is made, and the invariant is asserted.
 */
#include <stdlib.h>
#include <virtio/console.h>
#include "../buffers.h"
#include "../queue_contract.h"

#define CONTROL_BUFFER_SIZE 256u
#define MESSAGE_SIZE        8u

static struct virtio_console console;
static uint8_t bytes[3];
static char name[4];

uint64_t prove_offer(void)
{
    return VIRTIO_F_VERSION_1 | PROVE_MULTIPORT * VIRTIO_CONSOLE_F_MULTIPORT |
           prove_below(2) * VIRTIO_CONSOLE_F_SIZE | prove_below(2) * VIRTIO_CONSOLE_F_EMERG_WRITE;
}

/* The host has memory for so many ports, and for no other number of them. */
static void *allocate_ports(void *ctx, size_t size)
{
    (void)ctx;
    return size == PROVE_PORTS * sizeof(struct virtio_console_port)
               ? malloc(PROVE_PORTS * sizeof(struct virtio_console_port))
               : NULL;
}

/* Each length by itself, and none that is too long for the memory. */
static void transfer(uint32_t port)
{
    uint32_t size = prove_below(sizeof(bytes) + 1);
    uint32_t offset = prove_below(VIRTIO_CONSOLE_BUFFER_SIZE + 1);
    size_t done;

    //@ split size;
    //@ split offset;
    console.ports[0].offset = offset;
    console.ports[0].left = prove_below(VIRTIO_CONSOLE_BUFFER_SIZE + 1 - offset);
    switch (prove_below(4)) {
    case 0:
        (void)virtio_console_send(&console, port, bytes, size);
        break;
    case 1:
        (void)virtio_console_write(&console, port, bytes, size, prove_maybe() ? &done : NULL);
        break;
    case 2:
        (void)virtio_console_receive(&console, port, bytes, size);
        break;
    default:
        (void)virtio_console_read(&console, port, bytes, size, &done);
    }
}

static void talk(uint32_t port)
{
    struct virtio_console_event event;

    switch (prove_below(8)) {
    case 0:
        (void)virtio_console_poll(&console, &event);
        break;
    case 1:
        (void)virtio_console_find(&console, prove_maybe() ? name : NULL, &port);
        break;
    case 2:
        (void)virtio_console_open(&console, port);
        break;
    case 3:
        (void)virtio_console_close(&console, port);
        break;
    case 4:
        (void)virtio_console_flush(&console, port);
        break;
    case 5:
        (void)virtio_console_emergency_write(&console, (char)prove_any());
        break;
    case 6:
        (void)virtio_console_halt(&console);
        break;
    default:
        (void)virtio_console_recover(&console);
    }
}

static void use(void)
{
    uint32_t port = prove_below(PROVE_PORTS + 1);

    //@ split port;
    if (port == PROVE_PORTS)
        port += prove_below(UINT32_MAX - PROVE_PORTS);
    if (PROVE_TRANSFERS)
        transfer(port);
    else
        talk(port);
}

static void any_port(struct virtio_console_port *port, uint16_t index)
{
    prove_buffers_any(&port->receive, index, VIRTIO_CONSOLE_BUFFER_SIZE);
    prove_buffers_any(&port->transmit, index + 1, 0);
    port->present = prove_below(2);
    port->console = prove_below(2);
    port->open = prove_below(2);
    port->host_open = prove_below(2);
    port->cols = (uint16_t)prove_any();
    port->rows = (uint16_t)prove_any();
    Frama_C_make_unknown(port->name, VIRTIO_CONSOLE_NAME_SIZE - 1);
    port->changes = prove_any();
    port->due = (uint8_t)prove_any();
    port->left_over = prove_any64();
    port->current = prove_below(PROVE_QUEUE_SIZE);
    port->offset = prove_below(VIRTIO_CONSOLE_BUFFER_SIZE + 1);
    port->left = prove_below(VIRTIO_CONSOLE_BUFFER_SIZE + 1);
}

static void havoc(void)
{
    for (unsigned at = 0; at < PROVE_PORTS; at++)
        any_port(&console.ports[at], (uint16_t)(at == 0 ? 0 : 2 * at + 2));
    prove_buffers_any(&console.control_receive, 2, CONTROL_BUFFER_SIZE);
    prove_buffers_any(&console.control_transmit, 3, 0);
    console.ignored = prove_any();
    console.ports_due = prove_any();
    console.refused = prove_any();
    console.next_port = prove_any();
    console.device.state = prove_started_state();
    Frama_C_make_unknown(name, sizeof(name) - 1);
}

static void check_port(const struct virtio_console_port *port)
{
    prove_buffers_check(&port->receive, PROVE_QUEUE_SIZE, VIRTIO_CONSOLE_BUFFER_SIZE);
    prove_buffers_check(&port->transmit, PROVE_QUEUE_SIZE, VIRTIO_CONSOLE_BUFFER_SIZE);
    /*@ assert a_string: port->name[VIRTIO_CONSOLE_NAME_SIZE - 1] == 0; */
    /*@ assert a_buffer: port->left == 0 || port->current < PROVE_QUEUE_SIZE; */
}

static void check(void)
{
    /*@ assert as_many: console.port_count == PROVE_PORTS; */
    for (unsigned at = 0; at < PROVE_PORTS; at++)
        check_port(&console.ports[at]);
    prove_buffers_check(&console.control_receive, PROVE_QUEUE_SIZE, CONTROL_BUFFER_SIZE);
    prove_buffers_check(&console.control_transmit, PROVE_QUEUE_SIZE, MESSAGE_SIZE);
}

int main(void)
{
    struct virtio_device found = {.type = 0};

    prove_host_begin(false);
    prove_host_vary();
    prove_host.allocate = allocate_ports;
    prove_find(&found, VIRTIO_ID_CONSOLE);
    if (virtio_console_start(&console, &found) != VIRTIO_OK)
        return 0;
    havoc();
    if (prove_maybe()) {
        (void)virtio_console_stop(&console);
        return 0;
    }
    use();
    check();
    return 0;
}
