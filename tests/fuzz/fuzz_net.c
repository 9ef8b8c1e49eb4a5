/* SPDX-License-Identifier: MIT */
/*
 * Harness: the network device driver, both directions and its commands. Each cookie comes back once; what is lent
 * is readable, in parts that add up to its length, until it is released.
 */
#include "driver.h"

#define STEPS      48u
#define PAIRS      3u
#define FRAME_SIZE 2048u
#define LENT       4u

struct rig {
    struct hostile *hostile;
    struct virtio_device found;
    struct virtio_net_options options;
    struct virtio_net net;
    struct virtio_net_frame lent[LENT];
    bool is_lent[LENT];
};

static uint8_t frames[HOSTILE_COOKIES + 1][FRAME_SIZE];

/* The control queue comes last and wants an answer; frames are the stream's. */
static uint32_t serve(struct hostile *hostile, unsigned queue, const struct hostile_chain *chain)
{
    uint32_t size = hostile_writable(hostile, queue, chain);
    uint8_t answer = hostile_byte(hostile);
    uint32_t length;

    if (queue + 1 == hostile->queue_count) {
        answer = answer >= 0xf0 ? answer & 3 : 0;
        return hostile_write_chain(hostile, queue, chain, 0, &answer, 1);
    }
    if (queue % 2 != 0 || size == 0)
        return 0;
    length = hostile_serve_stream(hostile, queue, chain, 0, 24);
    return answer < 0xf0 && 60u + answer < length ? 60u + answer : length;
}

static void make(struct rig *rig)
{
    struct hostile *hostile = rig->hostile;
    uint8_t style = hostile_byte(hostile);
    uint16_t pairs = PAIRS, mtu = 1500;

    for (unsigned at = 0; at < 2 * PAIRS; at += 2)
        hostile->queues[at].lazy = true;
    memcpy(hostile->config, "\x52\x54\x00\x12\x34\x56\x01", 7);
    memcpy(hostile->config + 8, &pairs, 2);
    memcpy(hostile->config + 10, &mtu, 2);
    rig->options.pairs = style & 3;
    rig->options.receive_buffers = 4;
    rig->options.vlan_filter = (style & 4) != 0;
    rig->options.receive_offloads = (style & 8) != 0 ? VIRTIO_NET_RECEIVE_OFFLOADS : 0;
    if ((style & 0x10) != 0)
        rig->options.receive_buffer_size = 128u + hostile_byte(hostile);
    if ((style & 0x20) != 0)
        rig->options.mtu = (uint16_t)hostile_number(hostile, 2);
    if ((style & 0x40) != 0)
        rig->options.transmit_buffers = hostile_byte(hostile);
    if ((style & 0x80) != 0) {
        hostile->config[hostile_byte(hostile) % 32u] = hostile_byte(hostile);
        hostile->lied = true;
    }
}

static const struct virtio_net_offload *take_offload(struct hostile *hostile,
                                                     struct virtio_net_offload *offload)
{
    uint8_t flags = hostile_byte(hostile);

    if ((flags & 0x80) == 0)
        return NULL;
    offload->flags = flags & 3;
    offload->gso_type = hostile_byte(hostile);
    offload->hdr_len = hostile_byte(hostile);
    offload->gso_size = hostile_byte(hostile);
    offload->csum_start = (uint16_t)hostile_length(hostile);
    offload->csum_offset = (uint16_t)hostile_length(hostile);
    return offload;
}

static size_t take_length(struct hostile *hostile)
{
    return (hostile_byte(hostile) * 8u + hostile_byte(hostile)) % (FRAME_SIZE + 1);
}

static void submit(struct rig *rig, uint16_t pair)
{
    struct hostile *hostile = rig->hostile;
    void *cookie = hostile_cookie(hostile);
    struct virtio_net_offload offload;
    size_t length = take_length(hostile);
    int error;

    if (cookie == NULL)
        return;
    error = virtio_net_submit(&rig->net, pair, frames[hostile_cookie_number(cookie)], length,
                              take_offload(hostile, &offload), cookie);
    hostile_require(error <= 0);
    if (error != VIRTIO_OK)
        hostile_cookie_back(hostile, cookie);
}

static void send(struct rig *rig)
{
    struct virtio_net_offload offload;
    size_t length = take_length(rig->hostile);

    hostile_require(virtio_net_send(&rig->net, frames[HOSTILE_COOKIES], length,
                                    take_offload(rig->hostile, &offload)) <= 0);
}

static void take(struct rig *rig, uint16_t pair, bool waits)
{
    struct virtio_net_done done;
    int result = waits ? virtio_net_wait(&rig->net, pair, &done, rig->hostile->timeout_us)
                       : virtio_net_reap(&rig->net, pair, &done);

    hostile_require(result <= 1 && !(waits && result == 0));
    if (result == 1)
        hostile_cookie_back(rig->hostile, done.cookie);
}

static void drain(void *context)
{
    struct rig *rig = context;
    struct virtio_net_done done;

    while (virtio_net_drain(&rig->net, &done) == 1)
        hostile_cookie_back(rig->hostile, done.cookie);
}

/* A lent frame: every byte can be read, and the parts make up the whole. */
static void look_at(struct rig *rig, struct virtio_net_frame *frame)
{
    static uint8_t copy[1u << 17];
    struct virtio_net_offload offload = frame->offload;
    struct virtio_net_part part = {0};
    uint32_t length = 0;

    hostile_require(frame->length >= VIRTIO_NET_ETHERNET_HEADER && frame->length <= sizeof(copy));
    hostile_require(frame->part_length != 0 && frame->part_length <= frame->length);
    while (virtio_net_next_part(frame, &part)) {
        hostile_require(!hostile_is_poisoned(part.data, part.length));
        length += part.length;
    }
    hostile_require(length == frame->length);
    hostile_require(virtio_net_copy(frame, 0, copy, frame->length) == VIRTIO_OK);
    hostile_require(virtio_net_copy(frame, 1, copy, frame->length) == VIRTIO_E_OUT_OF_RANGE);
    if ((offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
        hostile_require(offload.csum_start + offload.csum_offset + 2u <= frame->length);
    if (frame->part_length == frame->length)
        (void)virtio_net_finish_checksum(frame->data, frame->length, &offload);
    (void)rig;
}

static void receive(struct rig *rig, uint16_t pair, bool waits)
{
    struct virtio_net_frame frame;
    unsigned at = 0;
    int result = waits ? virtio_net_wait_receive(&rig->net, pair, &frame, rig->hostile->timeout_us)
                       : virtio_net_receive(&rig->net, pair, &frame);

    hostile_require(result <= 1 && !(waits && result == 0));
    if (result != 1)
        return;
    look_at(rig, &frame);
    while (at < LENT && rig->is_lent[at])
        at++;
    if (at == LENT) {
        hostile_require(virtio_net_release(&rig->net, &frame) <= 0);
        return;
    }
    rig->lent[at] = frame;
    rig->is_lent[at] = true;
}

static void release(struct rig *rig, unsigned which)
{
    if (!rig->is_lent[which])
        return;
    rig->is_lent[which] = false;
    (void)virtio_net_release(&rig->net, &rig->lent[which]);
    /* A frame can be given back once. */
    hostile_require(virtio_net_release(&rig->net, &rig->lent[which]) != VIRTIO_OK);
}

static void command(struct rig *rig, unsigned which)
{
    struct hostile *hostile = rig->hostile;
    struct virtio_net *net = &rig->net;
    uint8_t addresses[16 * 6];
    struct virtio_net_link link;
    uint8_t value = hostile_byte(hostile);

    memset(addresses, value & 2, sizeof(addresses));
    switch (which & 7) {
    case 0:
        hostile_require(virtio_net_set_mac(net, addresses) <= 0);
        break;
    case 1:
        hostile_require(virtio_net_set_receive_mode(net, (enum virtio_net_receive_mode)(value % 7u),
                                                    true) <= 0);
        break;
    case 2:
        (void)virtio_net_set_mac_table(net, addresses, value % 17u, NULL, 0);
        break;
    case 3:
        (void)virtio_net_add_vlan(net, value);
        break;
    case 4:
        (void)virtio_net_remove_vlan(net, value);
        break;
    case 5:
        (void)virtio_net_acknowledge_announce(net);
        break;
    case 6:
        (void)virtio_net_set_pairs(net, value % 5u);
        break;
    default:
        (void)virtio_net_read_link(net, &link);
        break;
    }
}

static void forget_lent(struct rig *rig)
{
    memset(rig->is_lent, 0, sizeof(rig->is_lent));
}

static int start(void *context)
{
    struct rig *rig = context;

    forget_lent(rig);
    return virtio_net_start(&rig->net, &rig->found, &rig->options);
}

static void leave(void *context)
{
    struct rig *rig = context;

    for (unsigned number = 0; number < LENT; number++) {
        if (rig->is_lent[number])
            (void)virtio_net_release(&rig->net, &rig->lent[number]);
    }
}

HOSTILE_CALLS(virtio_net, &rig->net)

static void step(void *context, uint8_t what);

static const struct hostile_driver driver = {
    .start = start,
    .halt = halt,
    .recover = recover,
    .stop = stop,
    .drain = drain,
    .leave = leave,
    .step = step,
    .steps = STEPS,
    .start_waits = 8,
    .step_waits = 8,
};

static void step(void *context, uint8_t what)
{
    struct rig *rig = context;
    struct hostile *hostile = rig->hostile;
    uint16_t pair = what >> 4 & 3;

    switch (what & 15) {
    case 0:
        send(rig);
        break;
    case 1:
        submit(rig, pair);
        break;
    case 2:
        (void)virtio_net_kick(&rig->net, pair);
        break;
    case 3:
    case 4:
        take(rig, pair, (what & 15) == 4);
        break;
    case 5:
    case 6:
        receive(rig, pair, (what & 15) == 6);
        break;
    case 7:
        release(rig, pair);
        break;
    case 8:
        command(rig, what >> 4);
        break;
    case 9:
        hostile_halt_or_recover(&driver, rig, what);
        break;
    case 10:
        drain(rig);
        break;
    case 11:
        hostile_start_again(&driver, rig);
        break;
    case 12: /* a frame comes in */
    case 13:
        hostile_fetch(hostile, 2u * (pair % PAIRS));
        hostile_complete(hostile, 2u * (pair % PAIRS), 0, 0);
        break;
    default:
        hostile_work(hostile, (what >> 4) % hostile->queue_count);
        break;
    }
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_NETWORK, UINT64_C(0xfffc000000ffffff), 2 * PAIRS + 1);
    hostile->serve = serve;
    make(&rig);
    hostile_drive(hostile, &rig.found, &driver, &rig);
}
