/* SPDX-License-Identifier: MIT */
/*
 * A fake network device (spec 5.1).
 */
#include "fake_net.h"

#include <string.h>
#include <virtio/net.h>

static const uint8_t config_widths[] = {1, 1, 1, 1, 1, 1, 2, 2, 2, 4, 1, 1, 2, 4, 4, 0};

static uint32_t number(const struct fake_net *net, const uint8_t *bytes, unsigned width)
{
    return (uint32_t)fake_get(net->device, bytes, width);
}

static bool negotiated(const struct fake_net *net, uint64_t feature)
{
    return (net->device->driver_features & feature) != 0;
}

static unsigned control_index(const struct fake_net *net)
{
    return negotiated(net, VIRTIO_NET_F_MQ)
               ? 2 * number(net, net->device->config + FAKE_NET_MAX_PAIRS, 2)
               : 2;
}

uint32_t fake_net_header_size(const struct fake_net *net)
{
    return net->device->legacy && !negotiated(net, VIRTIO_NET_F_MRG_RXBUF) ? 10 : 12;
}

/* Legacy devices have fixed ideas of where descriptors end, but for those that say otherwise (5.1.6.6). */
static bool is_framed(const struct fake_net *net)
{
    return net->device->legacy && !negotiated(net, VIRTIO_F_ANY_LAYOUT);
}

/* Frames that are sent ---------------------------------------------------------------------------- */

static uint64_t gso_feature(uint8_t type)
{
    switch (type) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        return VIRTIO_NET_F_HOST_TSO4;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        return VIRTIO_NET_F_HOST_TSO6;
    case VIRTIO_NET_HDR_GSO_UDP:
        return VIRTIO_NET_F_HOST_UFO;
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        return VIRTIO_NET_F_HOST_USO;
    default:
        return 0;
    }
}

static void check_header(struct fake_net *net)
{
    const struct fake_net_header *header = &net->header;
    uint8_t type = (uint8_t)(header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN);
    bool unfinished = (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
    bool ecn = type != header->gso_type;

    if (header->num_buffers != 0)
        fake_rule(net->device, "net-num-buffers", "5.1.6.2.1", "%u", header->num_buffers);
    if ((header->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 ||
        (unfinished && (!negotiated(net, VIRTIO_NET_F_CSUM) ||
                        header->csum_start + header->csum_offset + 2u > net->length)))
        fake_rule(net->device, "net-checksum", "5.1.6.2.1", "flags 0x%02x, at %u + %u of %u",
                  header->flags, header->csum_start, header->csum_offset, (unsigned)net->length);
    if (header->gso_type != 0 &&
        (!unfinished || header->gso_size == 0 || !negotiated(net, gso_feature(type)) ||
         (ecn && !negotiated(net, VIRTIO_NET_F_HOST_ECN))))
        fake_rule(net->device, "net-gso", "5.1.6.2.1", "type 0x%02x, size %u", header->gso_type,
                  header->gso_size);
}

static void check_length(struct fake_net *net)
{
    uint32_t mtu = negotiated(net, VIRTIO_NET_F_MTU)
                       ? number(net, net->device->config + FAKE_NET_MTU, 2)
                       : VIRTIO_NET_MTU_DEFAULT;
    bool tagged = net->length > 14 && net->frame[12] == 0x81 && net->frame[13] == 0;

    if (net->header.gso_type == 0 && net->length > mtu + (tagged ? 18 : 14))
        fake_rule(net->device, "net-frame-too-long", "5.1.4.2", "%u bytes, the MTU is %u",
                  (unsigned)net->length, (unsigned)mtu);
}

static void take_frame(struct fake_net *net, struct fake_chain *chain)
{
    uint32_t size = fake_net_header_size(net);
    uint8_t header[12] = {0};

    if (chain->writable != 0 || chain->readable < size + 14 || chain->readable > FAKE_NET_FRAME ||
        (is_framed(net) && chain->descriptors[0].length != size)) {
        fake_rule(net->device, "net-frame", "5.1.6.2, 5.1.6.6", "%llu bytes, %u of them first",
                  (unsigned long long)chain->readable, (unsigned)chain->descriptors[0].length);
        return;
    }
    fake_chain_read(chain, 0, header, size);
    net->header = (struct fake_net_header){
        .flags = header[0],
        .gso_type = header[1],
        .hdr_len = (uint16_t)number(net, header + 2, 2),
        .gso_size = (uint16_t)number(net, header + 4, 2),
        .csum_start = (uint16_t)number(net, header + 6, 2),
        .csum_offset = (uint16_t)number(net, header + 8, 2),
        .num_buffers = (uint16_t)number(net, header + 10, 2),
    };
    net->length = (uint32_t)(chain->readable - size);
    fake_chain_read(chain, size, net->frame, net->length);
    net->sent_pair = chain->queue->index / 2u;
    net->sent++;
    if (net->sent_pair >= net->pairs)
        fake_rule(net->device, "net-pair-not-enabled", "5.1.6.5.6.1", "pair %u of %u",
                  net->sent_pair, net->pairs);
    check_header(net);
    check_length(net);
}

/* Receive buffers --------------------------------------------------------------------------------- */

static void check_buffer(struct fake_net *net, const struct fake_chain *chain)
{
    const uint64_t large = VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 |
                           VIRTIO_NET_F_GUEST_UFO | VIRTIO_NET_F_GUEST_USO4 |
                           VIRTIO_NET_F_GUEST_USO6;
    uint32_t least = fake_net_header_size(net);

    if (!negotiated(net, VIRTIO_NET_F_MRG_RXBUF))
        least += negotiated(net, large) ? VIRTIO_NET_GSO_FRAME_MAX : 1514;
    if (chain->readable != 0 || chain->writable < least ||
        (is_framed(net) && chain->descriptors[0].length != fake_net_header_size(net)))
        fake_rule(net->device, "net-receive-buffer", "5.1.6.3.1, 5.1.6.6",
                  "%llu bytes, %u of them first", (unsigned long long)chain->writable,
                  (unsigned)chain->descriptors[0].length);
}

/* The oldest receive buffer, or NULL. */
static struct fake_chain *next_buffer(struct fake_net *net, unsigned pair)
{
    return fake_queue_chain(&net->device->queues[2 * pair], 0);
}

bool fake_net_use_buffer(struct fake_net *net, unsigned pair, const void *bytes, uint32_t size,
                         uint32_t written)
{
    struct fake_chain *chain = next_buffer(net, pair);

    if (!chain)
        return false;
    fake_chain_write(chain, 0, bytes, size);
    fake_chain_complete(chain, written);
    return true;
}

unsigned fake_net_give(struct fake_net *net, unsigned pair, const struct fake_net_header *header,
                       const void *frame, uint32_t length)
{
    static uint8_t bytes[FAKE_NET_FRAME + 12];
    static const struct fake_net_header nothing;
    uint32_t size = fake_net_header_size(net);
    uint32_t left = size + length;
    const uint8_t *next = bytes;
    unsigned count = 0;
    struct fake_chain *chain = next_buffer(net, pair);
    uint16_t fields[5];

    if (!chain)
        return 0;
    if (!header)
        header = &nothing;
    fields[0] = header->hdr_len;
    fields[1] = header->gso_size;
    fields[2] = header->csum_start;
    fields[3] = header->csum_offset;
    fields[4] = header->num_buffers;
    if (fields[4] == 0)
        fields[4] = (uint16_t)((left + chain->writable - 1) / chain->writable);
    bytes[0] = header->flags;
    bytes[1] = header->gso_type;
    for (unsigned i = 0; i < 5; i++)
        fake_put(net->device, bytes + 2 + 2 * (size_t)i, 2, fields[i]);
    memcpy(bytes + size, frame, length);
    while (left != 0) {
        uint32_t part;

        chain = next_buffer(net, pair);
        if (!chain)
            return 0;
        part = left < chain->writable ? left : (uint32_t)chain->writable;
        (void)fake_net_use_buffer(net, pair, next, part, part);
        next += part;
        left -= part;
        count++;
    }
    return count;
}

unsigned fake_net_buffers(struct fake_net *net, unsigned pair)
{
    unsigned count = 0;

    while (fake_queue_chain(&net->device->queues[2 * pair], count))
        count++;
    return count;
}

/* Commands ---------------------------------------------------------------------------------------- */

/* The features of which one must have been negotiated for a command. */
static uint64_t command_features(uint8_t class, uint8_t command)
{
    switch (class) {
    case 0:
        return command < 2 ? VIRTIO_NET_F_CTRL_RX : VIRTIO_NET_F_CTRL_RX_EXTRA;
    case 1:
        return command == 0 ? VIRTIO_NET_F_CTRL_RX : VIRTIO_NET_F_CTRL_MAC_ADDR;
    case 2:
        return VIRTIO_NET_F_CTRL_VLAN;
    case 3:
        return VIRTIO_NET_F_GUEST_ANNOUNCE;
    case 4:
        return VIRTIO_NET_F_MQ;
    default:
        return 0;
    }
}

/* How many buffers a legacy device wants a command in (5.1.6.6). */
static unsigned command_parts(uint8_t class, uint8_t command)
{
    return class == 3 ? 2 : class == 1 && command == 0 ? 4 : 3;
}

static void execute(struct fake_net *net)
{
    uint32_t pairs = number(net, net->data, 2);

    if (!negotiated(net, command_features(net->class, net->command)))
        fake_rule(net->device, "net-command-not-negotiated", "5.1.6.5", "class %u, command %u",
                  net->class, net->command);
    if (net->class != 4 || net->ack != 0)
        return;
    if (pairs == 0 || pairs > number(net, net->device->config + FAKE_NET_MAX_PAIRS, 2))
        fake_rule(net->device, "net-pairs", "5.1.6.5.6.1", "%u", (unsigned)pairs);
    net->pairs = (uint16_t)pairs;
}

static void take_command(struct fake_net *net, struct fake_chain *chain)
{
    uint8_t head[2];

    if (chain->readable < 2 || chain->readable > sizeof(net->data) + 2 || chain->writable != 1 ||
        chain->descriptors[0].length != 2) {
        fake_rule(net->device, "net-command", "5.1.6.5, 5.1.6.6", "%llu bytes, %llu writable",
                  (unsigned long long)chain->readable, (unsigned long long)chain->writable);
        fake_chain_complete(chain, 0);
        return;
    }
    fake_chain_read(chain, 0, head, 2);
    net->class = head[0];
    net->command = head[1];
    net->data_length = (uint32_t)chain->readable - 2;
    fake_chain_read(chain, 2, net->data, net->data_length);
    net->commands++;
    if (chain->count != command_parts(net->class, net->command))
        fake_rule(net->device, "net-command-parts", "5.1.6.6", "%u", chain->count);
    execute(net);
    if (net->silent_control)
        return;
    if (net->ack >= 0) {
        uint8_t ack = (uint8_t)net->ack;

        fake_chain_write(chain, 0, &ack, 1);
    }
    fake_chain_complete(chain, 1 + net->lie);
}

/* The device -------------------------------------------------------------------------------------- */

static void net_request(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_net *net = device->behaviour_context;

    if (chain->queue->index == control_index(net) && negotiated(net, VIRTIO_NET_F_CTRL_VQ)) {
        take_command(net, chain);
    } else if (chain->queue->index % 2 == 0) {
        check_buffer(net, chain);
    } else {
        take_frame(net, chain);
        if (!net->silent)
            fake_chain_complete(chain, net->lie);
    }
}

static void net_config_written(struct fake_device *device, uint32_t offset, unsigned width)
{
    if (!device->legacy || offset + width > 6)
        fake_rule(device, "net-config-written", "5.1.4.2", "%u bytes at %u", width,
                  (unsigned)offset);
}

static void net_reset(struct fake_device *device)
{
    ((struct fake_net *)device->behaviour_context)->pairs = 1;
}

static const struct fake_behaviour behaviour = {
    .request = net_request, .config_written = net_config_written, .reset = net_reset};

void fake_net_work(struct fake_net *net)
{
    for (unsigned pair = 0; pair < FAKE_NET_PAIRS; pair++) {
        struct fake_chain *chain;

        while ((chain = fake_queue_chain(&net->device->queues[2 * pair + 1], 0)) != NULL)
            fake_chain_complete(chain, 0);
    }
}

void fake_net_begin(struct fake_net *net, struct fake_device *device, uint64_t features)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

    memset(net, 0, sizeof(*net));
    net->device = device;
    net->pairs = 1;
    device->type = VIRTIO_ID_NETWORK;
    device->behaviour = &behaviour;
    device->behaviour_context = net;
    device->config_widths = config_widths;
    memset(device->config, 0, sizeof(device->config));
    memcpy(device->config, mac, sizeof(mac));
    fake_device_set_config(device, FAKE_NET_STATUS, 2, 1);
    fake_device_set_config(device, FAKE_NET_MAX_PAIRS, 2, FAKE_NET_PAIRS);
    fake_device_set_config(device, FAKE_NET_MTU, 2, 1500);
    fake_device_set_config(device, FAKE_NET_SPEED, 4, 10000);
    fake_device_set_config(device, FAKE_NET_DUPLEX, 1, 1);
    device->config_size = 28;
    device->features |= features;
    device->queue_count = 2 * FAKE_NET_PAIRS + 1;
    for (unsigned i = 0; i < device->queue_count; i++)
        device->queues[i].maximum = 256;
}
