/* SPDX-License-Identifier: MIT */
/*
 * Harness: the console driver with its ports and control messages.
 */
#include "driver.h"

#define STEPS 64u
#define PORTS 3u

struct rig {
    struct hostile *hostile;
    struct virtio_device found;
    struct virtio_console console;
};

enum {
    CONTROL_RECEIVE = 2,
    CONTROL_TRANSMIT = 3
};

/* Control messages are built from the stream: port, event, value, and for a name its text. */
static uint32_t serve_control(struct hostile *hostile, unsigned queue,
                              const struct hostile_chain *chain)
{
    uint8_t message[8 + 80] = {0};
    uint32_t size = 8;
    uint8_t what = hostile_byte(hostile);

    message[0] = what & 3;
    message[4] = what >> 2 & 15;
    message[6] = what >> 6;
    if (what == 0xff) {
        message[1] = hostile_byte(hostile);
        size = hostile_byte(hostile) % 9u;
    } else if (message[4] == 7 || message[4] == 5) { /* a name, a size */
        size += hostile_byte(hostile) % 80u;
        for (uint32_t at = 8; at < size; at++)
            message[at] = hostile_byte(hostile);
    }
    return hostile_write_chain(hostile, queue, chain, 0, message, size);
}

static uint32_t serve(struct hostile *hostile, unsigned queue, const struct hostile_chain *chain)
{
    uint32_t length;

    if (queue == CONTROL_RECEIVE)
        return serve_control(hostile, queue, chain);
    if (queue % 2 != 0)
        return 0;
    length = hostile_byte(hostile);
    (void)hostile_write_chain(hostile, queue, chain, 0, NULL, length);
    return length;
}

/* A message or bytes come in. */
static void send_in(struct hostile *hostile, unsigned queue)
{
    hostile_fetch(hostile, queue);
    hostile_complete(hostile, queue, 0, 0);
}

HOSTILE_CALL(start, virtio_console_start(&rig->console, &rig->found))
HOSTILE_CALLS(virtio_console, &rig->console)

static void step(void *context, uint8_t what);

static const struct hostile_driver driver = {
    .start = start,
    .halt = halt,
    .recover = recover,
    .stop = stop,
    .step = step,
    .steps = STEPS,
    .start_waits = 4,
    .step_waits = 16,
};

static void step(void *context, uint8_t what)
{
    struct rig *rig = context;
    struct hostile *hostile = rig->hostile;
    struct virtio_console *console = &rig->console;
    uint32_t port = what >> 4 & 3;
    struct virtio_console_event event;
    static uint8_t bytes[3000];
    size_t size = (what & 0x80) != 0 ? sizeof(bytes) : 1u + port * 20u;
    size_t count = 0;

    switch (what & 15) {
    case 0:
    case 1:
        if (virtio_console_poll(console, &event) == 1)
            hostile_require(event.port < console->port_count && event.changes != 0);
        break;
    case 2:
        hostile_require(virtio_console_send(console, port, bytes, size) <= (int)size);
        break;
    case 3:
        hostile_require(virtio_console_receive(console, port, bytes, size) <= (int)size);
        break;
    case 4:
        (void)virtio_console_write(console, port, bytes, size, &count);
        hostile_require(count <= size);
        break;
    case 5:
        (void)virtio_console_read(console, port, bytes, size, &count);
        hostile_require(count <= size);
        break;
    case 6:
        (void)virtio_console_flush(console, port);
        break;
    case 7:
        (void)((what & 0x80) != 0 ? virtio_console_close(console, port)
                                  : virtio_console_open(console, port));
        break;
    case 8:
        (void)virtio_console_find(console, (what & 0x80) != 0 ? "a" : NULL, &port);
        break;
    case 9:
        (void)virtio_console_emergency_write(console, 'x');
        break;
    case 10:
        hostile_halt_or_recover(&driver, rig, what);
        break;
    case 11:
        hostile_start_again(&driver, rig);
        break;
    case 12:
    case 13:
        send_in(hostile, CONTROL_RECEIVE);
        break;
    case 14:
        send_in(hostile, (what >> 4 & 3) == 0 ? 0 : 2 + 2 * port);
        break;
    default:
        hostile_work(hostile, (what >> 4) % hostile->queue_count);
        break;
    }
    for (uint32_t at = 0; at < console->port_count && console->ports != NULL; at++)
        hostile_require(memchr(console->ports[at].name, 0, VIRTIO_CONSOLE_NAME_SIZE) != NULL);
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;
    uint8_t style;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_CONSOLE, 7, 2 * (PORTS + 1));
    for (unsigned at = 0; at < hostile->queue_count; at += 2)
        hostile->queues[at].lazy = true;
    style = hostile_byte(hostile);
    hostile->config[0] = 80;
    hostile->config[2] = 25;
    hostile->config[4] = PORTS;
    if (style != 0) { /* more than there are, or none */
        hostile->config[4] = style;
        hostile->lied = true;
    }
    hostile->serve = serve;
    hostile_drive(hostile, &rig.found, &driver, &rig);
}
