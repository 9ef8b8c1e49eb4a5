/* SPDX-License-Identifier: MIT */
/*
 * A fake network device (spec 5.1): a behaviour for a fake device. Takes frames and commands and checks what
 * the driver owes it; gives frames when a test says so, also such as no device may give.
 */
#ifndef FAKE_NET_H
#define FAKE_NET_H

#include "fake_device.h"

#define FAKE_NET_PAIRS     5u
#define FAKE_NET_FRAME     70000u
#define FAKE_NET_MAC       0
#define FAKE_NET_STATUS    6
#define FAKE_NET_MAX_PAIRS 8
#define FAKE_NET_MTU       10
#define FAKE_NET_SPEED     12
#define FAKE_NET_DUPLEX    16

/** struct virtio_net_hdr, in CPU order. */
struct fake_net_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers; /* of a frame given: 0: as many as it takes */
};

struct fake_net {
    struct fake_device *device;
    bool silent;         /* frames sent stay in flight */
    bool silent_control; /* commands stay in flight */
    unsigned lie;        /* used length of frames sent, and added to that of commands */
    int ack;             /* what commands are answered with; -1: nothing is written */

    /* What the driver did. */
    unsigned sent; /* frames */
    unsigned sent_pair;
    struct fake_net_header header; /* of the latest one */
    uint32_t length;
    uint8_t frame[FAKE_NET_FRAME];
    unsigned commands;
    uint8_t class; /* of the latest one */
    uint8_t command;
    uint32_t data_length;
    uint8_t data[512];
    uint16_t pairs; /* in use */
};

/** A device with FAKE_NET_PAIRS pairs of queues, a MAC address and a control queue, if VIRTIO_NET_F_MQ and so on
 * are offered; to the features offered `features` is added. */
void fake_net_begin(struct fake_net *net, struct fake_device *device, uint64_t features);

/** Bytes of the header, as negotiated. */
uint32_t fake_net_header_size(const struct fake_net *net);

/** Give the driver a frame, in as many buffers as it takes. `header` NULL: all zero. @return the number of
 * buffers used, 0 when there were too few. */
unsigned fake_net_give(struct fake_net *net, unsigned pair, const struct fake_net_header *header,
                       const void *frame, uint32_t length);

/** Use one receive buffer: write these bytes to it and say `written`. */
bool fake_net_use_buffer(struct fake_net *net, unsigned pair, const void *bytes, uint32_t size,
                         uint32_t written);

/** How many receive buffers of a pair the device knows. */
unsigned fake_net_buffers(struct fake_net *net, unsigned pair);

/** Complete the frames that a silent device has kept. */
void fake_net_work(struct fake_net *net);

#endif
