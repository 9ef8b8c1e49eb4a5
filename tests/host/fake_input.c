/* SPDX-License-Identifier: MIT */
/*
 * The fake input device.
 */
#include "fake_input.h"

#include <string.h>
#include <virtio/device.h>
#include <virtio/input.h>

#define CONFIG_SIZE 136u
#define EVENT_SIZE  8u

const uint8_t fake_input_range[20] = {0xf6, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 1, 0,
                                      0,    0,    2,    0,    0,    0,    3, 0, 0, 0};

static void input_config_written(struct fake_device *device, uint32_t offset, unsigned width)
{
    static const char name[] = "fake input";
    static const uint8_t ids[] = {6, 0, 0x34, 0x12, 0x78, 0x56, 2, 0};
    const struct fake_input *input = device->behaviour_context;
    uint8_t *config = device->config;

    if (offset > 1 || width != 1)
        fake_rule(device, "input-config-write", "5.8.5.1", "%u bytes at %u", width,
                  (unsigned)offset);
    memset(config + 2, 0, FAKE_CONFIG_SIZE - 2);
    device->generation++;
    switch (config[0]) {
    case VIRTIO_INPUT_CFG_ID_NAME:
        memcpy(config + 8, name, sizeof(name) - 1);
        config[2] = input->says_size != 0 ? (uint8_t)input->says_size : sizeof(name) - 1;
        break;
    case VIRTIO_INPUT_CFG_ID_SERIAL:
        if (input->serial != NULL) {
            config[2] = (uint8_t)strlen(input->serial);
            memcpy(config + 8, input->serial, config[2]);
        }
        break;
    case VIRTIO_INPUT_CFG_PROP_BITS:
        config[8] = 3;
        config[2] = input->has_properties;
        break;
    case VIRTIO_INPUT_CFG_ID_DEVIDS:
        memcpy(config + 8, ids, sizeof(ids));
        config[2] = sizeof(ids);
        break;
    case VIRTIO_INPUT_CFG_EV_BITS:
        config[8] = (uint8_t)(1u << config[1] % 8);
        config[2] = config[1] < 32 && (input->types >> config[1] & 1) != 0;
        break;
    case VIRTIO_INPUT_CFG_ABS_INFO:
        memcpy(config + 8, fake_input_range, sizeof(fake_input_range));
        config[2] = input->range_size;
        break;
    default:
        break;
    }
}

static void input_request(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_input *input = device->behaviour_context;

    if (chain->queue->index == 0) {
        if (chain->readable != 0 || chain->writable < EVENT_SIZE)
            fake_rule(device, "input-event-buffer", "5.8.6.1", "%llu bytes",
                      (unsigned long long)chain->writable);
        return;
    }
    if (chain->readable < EVENT_SIZE)
        fake_rule(device, "input-status-buffer", "5.8.6.1", "%llu bytes",
                  (unsigned long long)chain->readable);
    else
        fake_chain_read(chain, 0, input->status, EVENT_SIZE);
    input->status_count++;
    if (!input->keeps_status)
        fake_chain_complete(chain, input->status_lie);
}

static const struct fake_behaviour behaviour = {.request = input_request,
                                                .config_written = input_config_written};

void fake_input_begin(struct fake_input *input, struct fake_device *device, uint32_t types,
                      uint16_t size)
{
    memset(input, 0, sizeof(*input));
    input->device = device;
    input->types = types;
    device->type = VIRTIO_ID_INPUT;
    device->behaviour = &behaviour;
    device->behaviour_context = input;
    device->config_size = CONFIG_SIZE;
    device->queue_count = 2;
    device->queues[0].maximum = size;
    device->queues[1].maximum = size;
}

bool fake_input_give(struct fake_input *input, uint16_t type, uint16_t code, uint32_t value,
                     uint32_t written)
{
    uint8_t bytes[EVENT_SIZE] = {(uint8_t)type, (uint8_t)(type >> 8), (uint8_t)code,
                                 (uint8_t)(code >> 8)};
    struct fake_chain *chain;

    for (unsigned i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)(value >> 8 * i);
    fake_queue_take_all(&input->device->queues[0]);
    chain = fake_queue_chain(&input->device->queues[0], 0);
    if (!chain)
        return false;
    fake_chain_write(chain, 0, bytes, written < EVENT_SIZE ? written : EVENT_SIZE);
    fake_chain_complete(chain, written);
    return true;
}
