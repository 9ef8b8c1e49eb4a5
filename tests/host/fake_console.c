/* SPDX-License-Identifier: MIT */
/*
 * A fake console device (spec 5.3).
 */
#include "fake_console.h"

#include <string.h>
#include <virtio/console.h>

#define CONTROL_RECEIVE  2u
#define CONTROL_TRANSMIT 3u

static const uint8_t config_widths[] = {2, 2, 4, 4, 0};

static unsigned receive_queue(unsigned port)
{
    return port == 0 ? 0 : 2 * port + 2;
}

bool fake_console_tell_raw(struct fake_console *console, const void *bytes, uint32_t size)
{
    struct fake_queue *queue = &console->device->queues[CONTROL_RECEIVE];
    struct fake_chain *chain;

    fake_queue_take_all(queue);
    chain = fake_queue_chain(queue, 0);
    if (!chain || size > chain->writable) {
        console->dropped++;
        return false;
    }
    fake_chain_write(chain, 0, bytes, size);
    fake_chain_complete(chain, size);
    return true;
}

bool fake_console_tell(struct fake_console *console, uint32_t id, uint16_t event, uint16_t value,
                       const void *extra, uint32_t size)
{
    uint8_t message[256];

    fake_put(console->device, message, 4, id);
    fake_put(console->device, message + 4, 2, event);
    fake_put(console->device, message + 6, 2, value);
    if (size != 0)
        memcpy(message + 8, extra, size);
    return fake_console_tell_raw(console, message, 8 + size);
}

/* As QEMU answers: one message leads to several. */
static void introduce(struct fake_console *console, const struct fake_console_message *message)
{
    char name[] = "port-0";

    if (message->event == FAKE_CONSOLE_DEVICE_READY) {
        for (uint32_t id = 0; id < FAKE_CONSOLE_PORTS; id++)
            (void)fake_console_tell(console, id, FAKE_CONSOLE_ADD, 1, NULL, 0);
    }
    if (message->event == FAKE_CONSOLE_PORT_READY && message->value == 1) {
        name[5] = (char)('0' + message->id);
        (void)fake_console_tell(console, message->id, FAKE_CONSOLE_NOMINATE, 1, NULL, 0);
        (void)fake_console_tell(console, message->id, FAKE_CONSOLE_NAME, 1, name, sizeof(name));
        (void)fake_console_tell(console, message->id, FAKE_CONSOLE_OPEN, 1, NULL, 0);
    }
}

static void take_message(struct fake_console *console, struct fake_chain *chain)
{
    struct fake_console_message *message =
        &console->messages[console->message_count++ % FAKE_CONSOLE_MESSAGES];
    uint8_t bytes[8] = {0};

    if (chain->readable != sizeof(bytes) || chain->count != 1)
        fake_rule(console->device, "console-control-size", "5.3.6.2", "%llu bytes",
                  (unsigned long long)chain->readable);
    fake_chain_read(chain, 0, bytes, sizeof(bytes));
    message->id = (uint32_t)fake_get(console->device, bytes, 4);
    message->event = (uint16_t)fake_get(console->device, bytes + 4, 2);
    message->value = (uint16_t)fake_get(console->device, bytes + 6, 2);
    if (message->event != FAKE_CONSOLE_DEVICE_READY && message->event != FAKE_CONSOLE_PORT_READY &&
        message->event != FAKE_CONSOLE_OPEN)
        fake_rule(console->device, "console-control-event", "5.3.6.2", "event %u",
                  (unsigned)message->event);
    if (!console->keeps_answers)
        fake_chain_complete(chain, 0);
    if (console->introduces_ports)
        introduce(console, message);
}

static void take_bytes(struct fake_console *console, struct fake_chain *chain)
{
    size_t size = (size_t)chain->readable;

    if (size > FAKE_CONSOLE_SENT - console->sent)
        size = FAKE_CONSOLE_SENT - console->sent;
    fake_chain_read(chain, 0, console->bytes + console->sent, size);
    console->sent += size;
    fake_chain_complete(chain, console->lie);
}

static bool is_receive(unsigned index)
{
    return index % 2 == 0;
}

static void request(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_console *console = device->behaviour_context;
    unsigned index = chain->queue->index;

    if (is_receive(index) ? chain->readable != 0 : chain->writable != 0)
        fake_rule(device, "console-direction", "5.3.6.1", "queue %u", index);
    if (index == CONTROL_TRANSMIT)
        take_message(console, chain);
    else if (!is_receive(index) && !console->silent)
        take_bytes(console, chain);
}

static const struct fake_behaviour behaviour = {.request = request};

void fake_console_begin(struct fake_console *console, struct fake_device *device, unsigned ports)
{
    memset(console, 0, sizeof(*console));
    console->device = device;
    device->type = VIRTIO_ID_CONSOLE;
    device->behaviour = &behaviour;
    device->behaviour_context = console;
    device->features |= VIRTIO_CONSOLE_F_EMERG_WRITE;
    device->config_size = 12;
    device->config_widths = config_widths;
    device->queue_count = 2;
    if (ports > 1) {
        device->features |= VIRTIO_CONSOLE_F_MULTIPORT;
        fake_device_set_config(device, 4, 4, ports);
        device->queue_count = FAKE_QUEUES;
    }
    for (unsigned i = 0; i < FAKE_QUEUES; i++)
        device->queues[i].maximum = 8;
}

size_t fake_console_give(struct fake_console *console, unsigned port, const void *bytes,
                         size_t size)
{
    struct fake_queue *queue = &console->device->queues[receive_queue(port)];
    size_t given = 0;
    struct fake_chain *chain;

    fake_queue_take_all(queue);
    while (given < size && (chain = fake_queue_chain(queue, 0)) != NULL) {
        size_t part = size - given < chain->writable ? size - given : (size_t)chain->writable;

        fake_chain_write(chain, 0, (const uint8_t *)bytes + given, part);
        fake_chain_complete(chain, (uint32_t)part);
        given += part;
    }
    return given;
}

bool fake_console_give_nothing(struct fake_console *console, unsigned port)
{
    struct fake_queue *queue = &console->device->queues[receive_queue(port)];
    struct fake_chain *chain;

    fake_queue_take_all(queue);
    chain = fake_queue_chain(queue, 0);
    if (chain)
        fake_chain_complete(chain, 0);
    return chain != NULL;
}

void fake_console_work(struct fake_console *console)
{
    struct fake_device *device = console->device;

    for (unsigned index = 1; index < device->queue_count; index += 2) {
        struct fake_chain *chain;

        while (index != CONTROL_TRANSMIT &&
               (chain = fake_queue_chain(&device->queues[index], 0)) != NULL)
            take_bytes(console, chain);
    }
}
