/* SPDX-License-Identifier: MIT */
/*
 * A tiny IPv4 host on one network device, for tests alone: ARP, ICMP echo, UDP. It has one partner at a time,
 * keeps no cache, and trusts nobody: what is wrong in a packet fails the test.
 */
#ifndef TESTS_GUEST_NET_STACK_H
#define TESTS_GUEST_NET_STACK_H

#include "net_rig.h"

enum {
    STACK_PAYLOAD_MAX = 1472, /* of a UDP datagram in one frame */
    STACK_UDP = 42,           /* where its data begins in a frame */
    STACK_ECHO_PORT = 7,
};

struct net_stack {
    struct net_rig *rig;
    uint8_t address[4];
    uint8_t partner[4];
    uint8_t partner_mac[6];
    bool offloads_checksums; /* UDP checksums are left to the device */
    uint32_t unfinished;     /* frames that came with an unfinished checksum */
    uint32_t arp_served;
    uint32_t echo_served;
    uint32_t udp_served;
};

/* A datagram or message that came in. */
struct net_datagram {
    uint8_t protocol; /* 1: an ICMP echo reply, 17: UDP; 6: an ARP reply */
    uint8_t source[4];
    uint16_t source_port; /* or the sequence number of an echo reply */
    uint16_t target_port;
    uint32_t length;
    uint8_t data[STACK_PAYLOAD_MAX + 8];
};

/* Finds out the partner's MAC address. */
bool net_stack_resolve(struct net_stack *stack);

bool net_stack_send_udp(struct net_stack *stack, uint16_t source_port, uint16_t target_port,
                        const void *data, uint32_t length);
bool net_stack_send_echo(struct net_stack *stack, uint16_t sequence, const void *data,
                         uint32_t length);

/* Serves one frame: answers ARP requests, ICMP echo requests and UDP to port 7. True, when it is something for
 * the caller, which is in `datagram` then. */
bool net_stack_take(struct net_stack *stack, const struct virtio_net_frame *frame,
                    struct net_datagram *datagram);

/* Serves frames until there is something for the caller. False when none comes in time. */
bool net_stack_wait(struct net_stack *stack, struct net_datagram *datagram, uint32_t timeout_us);

/* The Internet checksum of some bytes, to which `sum` is added. */
uint16_t net_checksum(const uint8_t *bytes, uint32_t length, uint32_t sum);

#endif
