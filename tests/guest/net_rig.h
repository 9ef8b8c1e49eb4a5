/* SPDX-License-Identifier: MIT */
/*
 * What the network tests stand on: a started device, a buffer to send from, and the test protocol that the
 * host's peer speaks (scripts/runner/net_peer.py describes it). A device whose MAC address is
 * 52:54:00:XX:01:NN has such a peer at 10.1.NN.1, one with :02: has QEMU's user network, one with :03: has a peer
 * that is the device itself (vhost-user). XX is 1 where a frame takes so long that tests make do with fewer.
 */
#ifndef TESTS_GUEST_NET_RIG_H
#define TESTS_GUEST_NET_RIG_H

#include "suite.h"

#include <virtio/net.h>

enum {
    NET_PEER = 1, /* fifth byte of the MAC address */
    NET_USER = 2,
    NET_VHOST = 3, /* a peer again, at the rings */

    NET_BODY = 30, /* Ethernet header and the protocol's own */
    NET_FRAME_MIN = 60,
    NET_LONGEST = 65600,
    NET_PATIENCE_US = 5000000,

    /* Kinds of frames of the test protocol. */
    NET_DATA = 1,
    NET_ANSWER = 2,
    NET_COUNT = 3,
    NET_FLOOD = 4,
    NET_FLOODED = 5,
    NET_REPORT = 6,
    NET_REPORTED = 7,
    NET_PROBE = 8,
    NET_PROBED = 9,
    NET_MONITOR = 10,
    NET_MONITORED = 11,
    NET_RAW = 12,
};

struct net_rig {
    struct test *test;
    struct virtio_net net;
    struct test_memory memory; /* NET_LONGEST bytes to send from */
    uint8_t *frame;            /* the same */
    uint8_t mac_given[6];      /* the address that the device had before the test */
    uint8_t number;            /* NN of it */
    uint32_t reports;          /* asked for so far */
};

/* The header of a frame of the test protocol, in CPU order. */
struct net_message {
    uint16_t kind;
    uint32_t sequence;
    uint32_t length;
    uint32_t argument;
};

/* What the peer counted since the last time it was asked. */
struct net_report {
    uint32_t verified;
    uint32_t bad;
    uint32_t out_of_order;
    uint32_t unsent;
    uint64_t verified_bytes;
};

/* The number `index` (from 0) of the network devices of this kind, and its MAC address, or NULL. */
const struct virtio_device *net_find(const struct test *test, uint8_t kind, size_t index,
                                     const uint8_t **mac);

/* Starts number `index` of a kind of device, and with a peer empties the wire. False, with the test skipped or
 * failed, when that cannot be done. To be followed by net_rig_stop. */
bool net_rig_start(struct test *test, struct net_rig *rig, uint8_t kind, size_t index,
                   const struct virtio_net_options *options);
void net_rig_stop(struct net_rig *rig);

static inline bool net_is_slow(const struct net_rig *rig)
{
    return rig->mac_given[3] != 0;
}

/* Runs a test's body with the first device that has a peer. */
void net_with_peer(struct test *test, const struct virtio_net_options *options,
                   void (*body)(struct test *test, struct net_rig *rig));

/* The bytes of the pattern that a frame carries behind its header. */
const uint8_t *net_pattern(uint16_t kind, uint32_t sequence);

/* Writes a frame of the test protocol; `content` NULL: filled up with the pattern to `length` bytes. */
void net_build(const struct net_rig *rig, uint8_t *frame, const struct net_message *message,
               const void *content, uint32_t content_length);

/* Builds and sends one, and waits until it is sent. */
bool net_send_message(struct net_rig *rig, uint16_t kind, uint32_t sequence, uint32_t argument,
                      const void *content, uint32_t content_length);

/* Is it a frame of the test protocol? Then its header is in `message`. */
bool net_parse(const struct virtio_net_frame *frame, struct net_message *message);

/* Whether a frame holds the pattern that is due, all of it. */
bool net_verify(const struct virtio_net_frame *frame, const struct net_message *message);

/* Waits for a message of this kind and sequence number; other frames are let go. False, with the test
 * failed, when it does not come. The frame is to be released. */
bool net_await(struct net_rig *rig, uint16_t kind, uint32_t sequence,
               struct virtio_net_frame *frame, struct net_message *message);

/* Asks the peer what it counted. Everything that it sent before has been received (and let go) then. */
bool net_ask_report(struct net_rig *rig, struct net_report *report);

/* Has the peer execute QEMU monitor commands (a JSON list); the last one's answer goes into `answer`, which may
 * be NULL. */
bool net_monitor(struct net_rig *rig, const char *commands, char *answer, size_t size);

/* Sends DATA frames of each length from `first` to `last` round and round, `count` of them, and checks that
 * the peer answers each in order with what is due. */
void net_exchange(struct net_rig *rig, uint32_t count, uint32_t first, uint32_t last);

uint16_t net_get16(const uint8_t *bytes);
uint32_t net_get32(const uint8_t *bytes);
void net_put16(uint8_t *bytes, uint16_t value);
void net_put32(uint8_t *bytes, uint32_t value);

#endif
