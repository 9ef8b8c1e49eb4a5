/* SPDX-License-Identifier: MIT */
/*
 * Commands over the control queue (spec 5.1.6.5). One at a time, waited for. The buffers of a command are
 * cut the way legacy devices demand (5.1.6.6): class and command, then the data (the two tables of a
 * MAC table apart), then the acknowledgement.
 */
#include "net_internal.h"

#define VIRTIO_NET_CTRL_RX              0u
#define VIRTIO_NET_CTRL_MAC             1u
#define VIRTIO_NET_CTRL_MAC_TABLE_SET   0u
#define VIRTIO_NET_CTRL_MAC_ADDR_SET    1u
#define VIRTIO_NET_CTRL_VLAN            2u
#define VIRTIO_NET_CTRL_VLAN_ADD        0u
#define VIRTIO_NET_CTRL_VLAN_DEL        1u
#define VIRTIO_NET_CTRL_ANNOUNCE        3u
#define VIRTIO_NET_CTRL_ANNOUNCE_ACK    0u
#define VIRTIO_NET_CTRL_MQ              4u
#define VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET 0u

#define VIRTIO_NET_OK  0u
#define VIRTIO_NET_ERR 1u

/* Not an acknowledgement: what the byte holds until the device writes it. */
#define ACK_UNWRITTEN 0xffu

#define VLAN_MAX 4095u

/* Class and command, two tables at most, the acknowledgement. */
#define QUEUE_SIZE 4u

/* A command in shared memory. The acknowledgement has a cache line of its own, for it alone is written by
 * the device. */
struct virtio_net_command {
    uint8_t class;
    uint8_t command;
    uint8_t unused[2];
    uint8_t data[444]; /* 8 and 64 addresses, in whole cache lines */
    volatile uint8_t ack;
    uint8_t unused_too[63];
};

_Static_assert(offsetof(struct virtio_net_command, ack) % 64 == 0, "a cache line of its own");
_Static_assert(offsetof(struct virtio_net_command, data) % 4 == 0, "32-bit numbers in it");
_Static_assert(sizeof(((struct virtio_net_command *)0)->data) >=
                   8 + VIRTIO_NET_MAC_TABLE_MAX * VIRTIO_NET_MAC_SIZE,
               "a full table");

int virtio_net_start_control(struct virtio_net *net, uint16_t index)
{
    int error = virtio_queue_start(&net->control, &net->device, index, QUEUE_SIZE);

    if (error == VIRTIO_OK && net->control.size < QUEUE_SIZE)
        error = VIRTIO_E_NOT_SUPPORTED;
    if (error == VIRTIO_OK)
        error = virtio_allocate_shared(&net->device, sizeof(struct virtio_net_command), 64,
                                       &net->command);
    return error;
}

/* Send what command->data holds, `first` and `second` bytes of it, and judge the answer. */
static int run(struct virtio_net *net, uint8_t class, uint8_t command_number, uint32_t first,
               uint32_t second)
{
    struct virtio_net_command *command = net->command.memory;
    uint64_t address = net->command.device_address;
    uint64_t data = address + offsetof(struct virtio_net_command, data);
    struct virtio_chain chain;
    int error;

    command->class = class;
    command->command = command_number;
    command->ack = ACK_UNWRITTEN;
    virtio_give_shared(&net->device, command, sizeof(*command), VIRTIO_SYNC_FOR_DEVICE);
    virtio_prepare(&net->control, &chain);
    (void)virtio_append_desc(&net->control, address, 2, 0, &chain);
    if (first != 0)
        (void)virtio_append_desc(&net->control, data, first, 0, &chain);
    if (second != 0)
        (void)virtio_append_desc(&net->control, data + first, second, 0, &chain);
    (void)virtio_append_desc(&net->control, address + offsetof(struct virtio_net_command, ack), 1,
                             VIRTQ_DESC_F_WRITE, &chain);
    error = virtio_flush(&net->control, &chain, NULL);
    if (virtio_error_leaves_in_flight(error) && virtio_net_halt(net) != VIRTIO_OK)
        return VIRTIO_E_BUSY;
    if (error != VIRTIO_OK)
        return error;
    virtio_give_shared(&net->device, command, sizeof(*command), VIRTIO_SYNC_FOR_CPU);
    switch (command->ack) {
    case VIRTIO_NET_OK:
        return VIRTIO_OK;
    case VIRTIO_NET_ERR:
        return VIRTIO_E_IO;
    default:
        return VIRTIO_E_RESPONSE;
    }
}

/* May a command of this feature be sent now? */
static int check(const struct virtio_net *net, uint64_t feature)
{
    if (!virtio_net_is_live(net))
        return VIRTIO_E_STATE;
    return virtio_has_feature(&net->device, feature) ? VIRTIO_OK : VIRTIO_E_NOT_SUPPORTED;
}

static uint8_t *data_of(const struct virtio_net *net)
{
    return ((struct virtio_net_command *)net->command.memory)->data;
}

static int run16(struct virtio_net *net, uint8_t class, uint8_t command, uint16_t value)
{
    value = virtio_order16(net->device.legacy, value);
    memcpy(data_of(net), &value, sizeof(value));
    return run(net, class, command, sizeof(value), 0);
}

/* ---- Addresses and filters ---- */

/* Before there were commands for it, drivers wrote the address to configuration space (5.1.4.2). */
static int write_mac(struct virtio_net *net, const uint8_t *mac)
{
    for (uint32_t at = 0; at < VIRTIO_NET_MAC_SIZE; at++) {
        int error = virtio_config_write(&net->device, at, 1, mac[at]);

        if (error != VIRTIO_OK)
            return error;
    }
    return VIRTIO_OK;
}

int virtio_net_set_mac(struct virtio_net *net, const uint8_t *mac)
{
    int error = check(net, VIRTIO_NET_F_CTRL_MAC_ADDR);

    if ((mac[0] & 1) != 0)
        return VIRTIO_E_INVALID;
    if (error == VIRTIO_E_NOT_SUPPORTED && net->device.legacy) {
        error = write_mac(net, mac);
    } else if (error == VIRTIO_OK) {
        memcpy(data_of(net), mac, VIRTIO_NET_MAC_SIZE);
        error = run(net, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, VIRTIO_NET_MAC_SIZE, 0);
    }
    if (error == VIRTIO_OK)
        memmove(net->mac, mac, VIRTIO_NET_MAC_SIZE);
    return error;
}

int virtio_net_set_receive_mode(struct virtio_net *net, enum virtio_net_receive_mode mode, bool on)
{
    int error;

    if ((unsigned)mode > VIRTIO_NET_CTRL_RX_NOBCAST)
        return VIRTIO_E_INVALID;
    error = check(net, mode <= VIRTIO_NET_CTRL_RX_ALLMULTI ? VIRTIO_NET_F_CTRL_RX
                                                           : VIRTIO_NET_F_CTRL_RX_EXTRA);
    if (error != VIRTIO_OK)
        return error;
    data_of(net)[0] = on;
    return run(net, VIRTIO_NET_CTRL_RX, (uint8_t)mode, 1, 0);
}

/* One table: how many addresses, then these. @return its bytes, or 0 for an address of the wrong kind. */
static uint32_t write_table(const struct virtio_net *net, uint32_t offset, const uint8_t *addresses,
                            uint16_t count, uint8_t group_bit)
{
    uint32_t number = virtio_order32(net->device.legacy, count);
    uint8_t *table = data_of(net) + offset;

    for (uint16_t at = 0; at < count; at++) {
        if ((addresses[(size_t)at * VIRTIO_NET_MAC_SIZE] & 1) != group_bit)
            return 0;
    }
    memcpy(table, &number, sizeof(number));
    if (count != 0)
        memcpy(table + sizeof(number), addresses, (size_t)count * VIRTIO_NET_MAC_SIZE);
    return (uint32_t)sizeof(number) + count * VIRTIO_NET_MAC_SIZE;
}

int virtio_net_set_mac_table(struct virtio_net *net, const uint8_t *unicast, uint16_t unicast_count,
                             const uint8_t *multicast, uint16_t multicast_count)
{
    int error = check(net, VIRTIO_NET_F_CTRL_RX);
    uint32_t first;
    uint32_t second;

    if (error != VIRTIO_OK)
        return error;
    if ((uint32_t)unicast_count + multicast_count > VIRTIO_NET_MAC_TABLE_MAX)
        return VIRTIO_E_TOO_LONG;
    if ((unicast == NULL && unicast_count != 0) || (multicast == NULL && multicast_count != 0))
        return VIRTIO_E_INVALID;
    first = write_table(net, 0, unicast, unicast_count, 0);
    second = first != 0 ? write_table(net, first, multicast, multicast_count, 1) : 0;
    if (second == 0)
        return VIRTIO_E_INVALID;
    return run(net, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, first, second);
}

static int set_vlan(struct virtio_net *net, uint8_t command, uint16_t id)
{
    int error = check(net, VIRTIO_NET_F_CTRL_VLAN);

    if (id > VLAN_MAX)
        return VIRTIO_E_INVALID;
    return error == VIRTIO_OK ? run16(net, VIRTIO_NET_CTRL_VLAN, command, id) : error;
}

int virtio_net_add_vlan(struct virtio_net *net, uint16_t id)
{
    return set_vlan(net, VIRTIO_NET_CTRL_VLAN_ADD, id);
}

int virtio_net_remove_vlan(struct virtio_net *net, uint16_t id)
{
    return set_vlan(net, VIRTIO_NET_CTRL_VLAN_DEL, id);
}

/* ---- Announcing, pairs of queues ---- */

int virtio_net_acknowledge_announce(struct virtio_net *net)
{
    int error = check(net, VIRTIO_NET_F_GUEST_ANNOUNCE);

    return error == VIRTIO_OK
               ? run(net, VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, 0, 0)
               : error;
}

int virtio_net_command_pairs(struct virtio_net *net, uint16_t pairs)
{
    int error = run16(net, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, pairs);

    if (error == VIRTIO_OK)
        net->pair_count = pairs;
    return error;
}

int virtio_net_set_pairs(struct virtio_net *net, uint16_t pairs)
{
    int error = check(net, VIRTIO_NET_F_MQ);

    if (error != VIRTIO_OK)
        return error;
    if (pairs == 0 || pairs > net->pairs_started)
        return VIRTIO_E_INVALID;
    for (uint16_t at = pairs; at < net->pairs_started; at++) {
        if (net->pairs[at].in_flight != 0)
            return VIRTIO_E_BUSY;
    }
    return virtio_net_command_pairs(net, pairs);
}
