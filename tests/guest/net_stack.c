/* SPDX-License-Identifier: MIT */
/*
 * The tiny IPv4 host of the network tests.
 */
#include "net_stack.h"

#include <string.h>

enum {
    TYPE_ARP = 0x0806,
    TYPE_IPV4 = 0x0800,
    PROTOCOL_ICMP = 1,
    PROTOCOL_ARP = 6, /* not one of IP's: only within struct net_datagram */
    PROTOCOL_UDP = 17,
    IPV4 = 14,
    PAYLOAD = 34,
    ECHO_IDENTIFIER = 0x4c56,
};

static uint32_t add(const uint8_t *bytes, uint32_t length, uint32_t sum)
{
    uint32_t at;

    for (at = 0; at + 1 < length; at += 2) {
        sum += net_get16(bytes + at);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return at < length ? sum + (uint32_t)(bytes[at] << 8) : sum;
}

uint16_t net_checksum(const uint8_t *bytes, uint32_t length, uint32_t sum)
{
    sum = add(bytes, length, sum);
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

/* ---- Sending ---- */

static bool send(struct net_stack *stack, uint32_t length, const struct virtio_net_offload *offload)
{
    if (length < NET_FRAME_MIN) {
        memset(stack->rig->frame + length, 0, NET_FRAME_MIN - length);
        length = NET_FRAME_MIN;
    }
    return CHECK_RESULT(stack->rig->test,
                        virtio_net_send(&stack->rig->net, stack->rig->frame, length, offload),
                        VIRTIO_OK);
}

static void build_ethernet(struct net_stack *stack, const uint8_t *target, uint16_t type)
{
    memcpy(stack->rig->frame, target, 6);
    memcpy(stack->rig->frame + 6, stack->rig->net.mac, 6);
    net_put16(stack->rig->frame + 12, type);
}

static void build_ipv4(struct net_stack *stack, const uint8_t *mac, const uint8_t *target,
                       uint8_t protocol, uint32_t length)
{
    static const uint8_t start[12] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64};
    uint8_t *packet = stack->rig->frame + IPV4;

    build_ethernet(stack, mac, TYPE_IPV4);
    memcpy(packet, start, sizeof(start));
    net_put16(packet + 2, (uint16_t)(20 + length));
    packet[9] = protocol;
    memcpy(packet + 12, stack->address, 4);
    memcpy(packet + 16, target, 4);
    net_put16(packet + 10, net_checksum(packet, 20, 0));
}

static bool send_arp(struct net_stack *stack, uint16_t operation, const uint8_t *target_mac,
                     const uint8_t *target)
{
    static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t start[6] = {0, 1, 8, 0, 6, 4};
    uint8_t *packet = stack->rig->frame + IPV4;

    build_ethernet(stack, operation == 1 ? everybody : target_mac, TYPE_ARP);
    memcpy(packet, start, sizeof(start));
    net_put16(packet + 6, operation);
    memcpy(packet + 8, stack->rig->net.mac, 6);
    memcpy(packet + 14, stack->address, 4);
    memcpy(packet + 18, target_mac, 6);
    memcpy(packet + 24, target, 4);
    return send(stack, 42, NULL);
}

static bool send_icmp(struct net_stack *stack, const uint8_t *mac, uint8_t type,
                      const uint8_t *rest, uint32_t length)
{
    uint8_t *message = stack->rig->frame + PAYLOAD;

    build_ipv4(stack, mac, stack->partner, PROTOCOL_ICMP, 4 + length);
    memset(message, 0, 4);
    message[0] = type;
    memcpy(message + 4, rest, length);
    net_put16(message + 2, net_checksum(message, 4 + length, 0));
    return send(stack, PAYLOAD + 4 + length, NULL);
}

/* The sum of the pseudo header of a UDP datagram that is all in the frame. */
static uint32_t pseudo_sum(const uint8_t *packet, uint32_t length)
{
    return add(packet + 12, 8, PROTOCOL_UDP + length);
}

static bool send_udp(struct net_stack *stack, const uint8_t *mac, uint16_t source_port,
                     uint16_t target_port, const void *data, uint32_t length)
{
    struct virtio_net_offload offload = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = PAYLOAD, .csum_offset = 6};
    uint8_t *packet = stack->rig->frame + IPV4;
    uint8_t *header = stack->rig->frame + PAYLOAD;
    uint16_t sum;

    build_ipv4(stack, mac, stack->partner, PROTOCOL_UDP, 8 + length);
    net_put16(header, source_port);
    net_put16(header + 2, target_port);
    net_put16(header + 4, (uint16_t)(8 + length));
    net_put16(header + 6, 0);
    memcpy(header + 8, data, length);
    if (stack->offloads_checksums) {
        net_put16(header + 6, (uint16_t)~net_checksum(NULL, 0, pseudo_sum(packet, 8 + length)));
        return send(stack, STACK_UDP + length, &offload);
    }
    sum = net_checksum(header, 8 + length, pseudo_sum(packet, 8 + length));
    net_put16(header + 6, sum != 0 ? sum : 0xffff);
    return send(stack, STACK_UDP + length, NULL);
}

bool net_stack_send_udp(struct net_stack *stack, uint16_t source_port, uint16_t target_port,
                        const void *data, uint32_t length)
{
    return send_udp(stack, stack->partner_mac, source_port, target_port, data, length);
}

bool net_stack_send_echo(struct net_stack *stack, uint16_t sequence, const void *data,
                         uint32_t length)
{
    uint8_t rest[4 + STACK_PAYLOAD_MAX];

    net_put16(rest, ECHO_IDENTIFIER);
    net_put16(rest + 2, sequence);
    memcpy(rest + 4, data, length);
    return send_icmp(stack, stack->partner_mac, 8, rest, 4 + length);
}

/* ---- Receiving ---- */

static bool take_arp(struct net_stack *stack, const uint8_t *frame, struct net_datagram *datagram)
{
    const uint8_t *packet = frame + IPV4;
    uint16_t operation = net_get16(packet + 6);

    if (memcmp(packet + 24, stack->address, 4) != 0) {
        return false;
    }
    if (operation == 1) {
        stack->arp_served++;
        send_arp(stack, 2, packet + 8, packet + 14);
        return false;
    }
    memcpy(datagram->source, packet + 14, 4);
    memcpy(datagram->data, packet + 8, 6);
    datagram->protocol = PROTOCOL_ARP;
    datagram->length = 6;
    return operation == 2;
}

static bool take_icmp(struct net_stack *stack, const uint8_t *frame, const uint8_t *message,
                      uint32_t length, struct net_datagram *datagram)
{
    if (!CHECK(stack->rig->test, length >= 8 && net_checksum(message, length, 0) == 0)) {
        return false;
    }
    if (message[0] == 8) {
        stack->echo_served++;
        send_icmp(stack, frame + 6, 0, message + 4, length - 4);
        return false;
    }
    datagram->protocol = PROTOCOL_ICMP;
    datagram->source_port = net_get16(message + 6);
    datagram->length = length - 8;
    memcpy(datagram->data, message + 8, datagram->length);
    return message[0] == 0 && net_get16(message + 4) == ECHO_IDENTIFIER;
}

static bool take_udp(struct net_stack *stack, const uint8_t *frame, uint32_t length,
                     struct net_datagram *datagram)
{
    const uint8_t *header = frame + PAYLOAD;

    if (!CHECK(stack->rig->test, length >= 8 && net_get16(header + 4) == length) ||
        !CHECK(stack->rig->test,
               net_get16(header + 6) == 0 ||
                   net_checksum(header, length, pseudo_sum(frame + IPV4, length)) == 0)) {
        return false;
    }
    datagram->protocol = PROTOCOL_UDP;
    datagram->source_port = net_get16(header);
    datagram->target_port = net_get16(header + 2);
    datagram->length = length - 8;
    memcpy(datagram->data, header + 8, datagram->length);
    if (datagram->target_port != STACK_ECHO_PORT) {
        return true;
    }
    stack->udp_served++;
    send_udp(stack, frame + 6, STACK_ECHO_PORT, datagram->source_port, datagram->data,
             datagram->length);
    return false;
}

static bool take_ipv4(struct net_stack *stack, const uint8_t *frame, uint32_t length,
                      struct net_datagram *datagram)
{
    static const uint8_t everybody[4] = {255, 255, 255, 255};
    const uint8_t *packet = frame + IPV4;
    uint32_t total = net_get16(packet + 2);

    if (!CHECK(stack->rig->test, packet[0] == 0x45 && net_checksum(packet, 20, 0) == 0) ||
        !CHECK(stack->rig->test, total >= 20 && total <= length - IPV4)) {
        return false;
    }
    if (memcmp(packet + 16, stack->address, 4) != 0 && memcmp(packet + 16, everybody, 4) != 0) {
        return false;
    }
    memcpy(datagram->source, packet + 12, 4);
    if (packet[9] == PROTOCOL_ICMP) {
        return take_icmp(stack, frame, frame + PAYLOAD, total - 20, datagram);
    }
    return packet[9] == PROTOCOL_UDP && take_udp(stack, frame, total - 20, datagram);
}

bool net_stack_take(struct net_stack *stack, const struct virtio_net_frame *received,
                    struct net_datagram *datagram)
{
    static uint8_t frame[1518];
    struct virtio_net_offload offload = received->offload;
    uint32_t length = received->length;

    if (length > sizeof(frame) || length < NET_FRAME_MIN / 2 + 12) {
        return false;
    }
    virtio_net_copy(received, 0, frame, length);
    stack->unfinished += (offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
    CHECK_RESULT(stack->rig->test, virtio_net_finish_checksum(frame, length, &offload), VIRTIO_OK);
    memset(datagram, 0, offsetof(struct net_datagram, data));
    if (net_get16(frame + 12) == TYPE_ARP) {
        return take_arp(stack, frame, datagram);
    }
    return net_get16(frame + 12) == TYPE_IPV4 && take_ipv4(stack, frame, length, datagram);
}

bool net_stack_wait(struct net_stack *stack, struct net_datagram *datagram, uint32_t timeout_us)
{
    uint64_t deadline = test_now_us(stack->rig->test) + timeout_us;
    struct virtio_net *net = &stack->rig->net;

    while (test_now_us(stack->rig->test) < deadline) {
        struct virtio_net_frame frame;
        int result = virtio_net_wait_receive(net, 0, &frame, timeout_us);
        bool taken;

        if (result != 1) {
            return !CHECK_RESULT(stack->rig->test, result, VIRTIO_E_TIMEOUT) && false;
        }
        taken = net_stack_take(stack, &frame, datagram);
        CHECK_RESULT(stack->rig->test, virtio_net_release(net, &frame), VIRTIO_OK);
        if (taken) {
            return true;
        }
    }
    return false;
}

bool net_stack_resolve(struct net_stack *stack)
{
    static const uint8_t nobody[6] = {0};
    struct net_datagram datagram;

    if (!send_arp(stack, 1, nobody, stack->partner) ||
        !CHECK(stack->rig->test, net_stack_wait(stack, &datagram, NET_PATIENCE_US)) ||
        !CHECK_EQUAL(stack->rig->test, datagram.protocol, PROTOCOL_ARP) ||
        !CHECK_BYTES(stack->rig->test, datagram.source, stack->partner, 4)) {
        return false;
    }
    memcpy(stack->partner_mac, datagram.data, 6);
    return true;
}
