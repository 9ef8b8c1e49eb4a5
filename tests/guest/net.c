/* SPDX-License-Identifier: MIT */
/*
 * The network driver against the machine's network devices: what is done with any of them. The rest of the
 * suite is in net_*.c.
 */
#include "suites.h"

#include "net_rig.h"
#include "net_tests.h"

#include <string.h>

enum {
    MANY = 10000,
    FLOOD = 1000,
    FLOOD_BUFFERS = 32,
    PAUSE_US = 100000,
};

/* ---- What the device says of itself ---- */

static void config_body(struct test *test, struct net_rig *rig)
{
    struct virtio_net_link link;
    const uint8_t *mac = rig->net.mac;

    CHECK(test, rig->net.mac_is_given);
    CHECK(test,
          mac[0] == 0x52 && mac[1] == 0x54 && mac[2] == 0 && mac[3] <= 1 && mac[4] == NET_PEER);
    CHECK(test, rig->net.mtu >= 1500);
    CHECK_EQUAL(test, rig->net.header_size,
                rig->net.device.legacy &&
                        !virtio_has_feature(&rig->net.device, VIRTIO_NET_F_MRG_RXBUF)
                    ? 10
                    : 12);
    REQUIRE_RESULT(test, virtio_net_read_link(&rig->net, &link), VIRTIO_OK);
    CHECK(test, link.up);
    CHECK(test, !link.announce);
}

static void device_is_described(struct test *test)
{
    net_with_peer(test, NULL, config_body);
}

/* ---- Many frames ---- */

static void every_size_body(struct test *test, struct net_rig *rig)
{
    uint32_t longest = rig->net.mtu + 14u;

    (void)test;
    net_exchange(rig, net_is_slow(rig) ? longest - NET_FRAME_MIN + 1 : MANY, NET_FRAME_MIN,
                 longest);
}

static void every_size_both_ways(struct test *test)
{
    net_with_peer(test, NULL, every_size_body);
}

static void few_buffers_body(struct test *test, struct net_rig *rig)
{
    CHECK(test, rig->net.pairs[0].slot_count == 1);
    net_exchange(rig, 500, NET_FRAME_MIN, 559);
}

static void few_buffers(struct test *test)
{
    const struct virtio_net_options options = {
        .receive_buffers = 2, .transmit_buffers = 1, .receive_buffer_size = 9018};

    net_with_peer(test, &options, few_buffers_body);
}

static void small_buffers_body(struct test *test, struct net_rig *rig)
{
    if (!virtio_has_feature(&rig->net.device, VIRTIO_NET_F_MRG_RXBUF)) {
        test_skip(test, "the device does not merge receive buffers");
        return;
    }
    CHECK_EQUAL(test, rig->net.buffer_size, 200);
    net_exchange(rig, net_is_slow(rig) ? 200 : 2000, NET_FRAME_MIN, rig->net.mtu + 14u);
}

static void frames_in_parts(struct test *test)
{
    const struct virtio_net_options options = {.receive_buffer_size = 200, .receive_buffers = 256};

    net_with_peer(test, &options, small_buffers_body);
}

static void not_merged_body(struct test *test, struct net_rig *rig)
{
    CHECK(test, !virtio_has_feature(&rig->net.device, VIRTIO_NET_F_MRG_RXBUF));
    net_exchange(rig, net_is_slow(rig) ? 200 : 1500, NET_FRAME_MIN, rig->net.mtu + 14u);
}

static void without_merging(struct test *test)
{
    const struct virtio_net_options options = {.features_off = VIRTIO_NET_F_MRG_RXBUF};

    net_with_peer(test, &options, not_merged_body);
}

static void minimal_body(struct test *test, struct net_rig *rig)
{
    CHECK_EQUAL(test, rig->net.device.features & UINT64_C(0xffffff), 0);
    CHECK(test, !rig->net.mac_is_given);
    CHECK_EQUAL(test, rig->net.mac[0] & 3, 2);
    net_exchange(rig, 300, NET_FRAME_MIN, 1514);
}

static void without_any_feature(struct test *test)
{
    const struct virtio_net_options options = {.features_off = UINT64_MAX};

    net_with_peer(test, &options, minimal_body);
}

/* ---- A flood ---- */

static void wait_for(struct test *test, uint32_t microseconds)
{
    uint64_t end = test_now_us(test) + microseconds;

    while (test_now_us(test) < end) {
        continue;
    }
}

/* Takes `count` frames of the flood, from number `first` on. */
static bool take_flood(struct test *test, struct net_rig *rig, uint32_t first, uint32_t count)
{
    for (uint32_t due = first; due < first + count; due++) {
        struct virtio_net_frame frame;
        struct net_message message;

        if (!net_await(rig, NET_FLOODED, due, &frame, &message) ||
            !CHECK(test, net_verify(&frame, &message)) ||
            !CHECK_RESULT(test, virtio_net_release(&rig->net, &frame), VIRTIO_OK)) {
            test_diagnostic("at frame %lu of the flood", (unsigned long)due);
            return false;
        }
    }
    return true;
}

static void flood_body(struct test *test, struct net_rig *rig)
{
    struct net_report report;

    REQUIRE(test, net_send_message(rig, NET_FLOOD, 1514, FLOOD, NULL, 0));
    wait_for(test, PAUSE_US);
    REQUIRE(test, take_flood(test, rig, 0, FLOOD / 2));
    wait_for(test, PAUSE_US);
    REQUIRE(test, take_flood(test, rig, FLOOD / 2, FLOOD / 2));
    REQUIRE(test, net_ask_report(rig, &report));
    CHECK_EQUAL(test, report.unsent, 0);
    CHECK_EQUAL(test, rig->net.pairs[0].dropped, 0);
    net_exchange(rig, 100, NET_FRAME_MIN, 1514);
}

static void flood_overruns_and_recovers(struct test *test)
{
    const struct virtio_net_options options = {.receive_buffers = FLOOD_BUFFERS,
                                               .receive_buffer_size = 9018};

    net_with_peer(test, &options, flood_body);
}

/* The caller keeps every buffer; each that it gives back lets one more frame in. */
static void hold_body(struct test *test, struct net_rig *rig)
{
    static struct virtio_net_frame held[FLOOD_BUFFERS];
    uint16_t count = rig->net.pairs[0].buffer_count;
    struct virtio_net_frame frame;

    REQUIRE(test, count <= FLOOD_BUFFERS);
    REQUIRE(test, net_send_message(rig, NET_FLOOD, 100, 4u * count, NULL, 0));
    for (uint16_t at = 0; at < count; at++) {
        REQUIRE_RESULT(test, virtio_net_wait_receive(&rig->net, 0, &held[at], NET_PATIENCE_US), 1);
    }
    CHECK_EQUAL(test, rig->net.pairs[0].held, count);
    CHECK_RESULT(test, virtio_net_receive(&rig->net, 0, &frame), 0);
    CHECK_RESULT(test, virtio_net_wait_receive(&rig->net, 0, &frame, 1000), VIRTIO_E_FULL);
    for (uint16_t due = 0; due < 4 * count; due++) {
        struct virtio_net_frame *oldest = &held[due % count];
        struct net_message message;

        REQUIRE(test, net_parse(oldest, &message) && message.kind == NET_FLOODED);
        REQUIRE_EQUAL(test, message.sequence, due);
        REQUIRE(test, net_verify(oldest, &message));
        REQUIRE_RESULT(test, virtio_net_release(&rig->net, oldest), VIRTIO_OK);
        CHECK_RESULT(test, virtio_net_release(&rig->net, oldest), VIRTIO_E_INVALID);
        if (due < 3 * count) {
            REQUIRE_RESULT(test, virtio_net_wait_receive(&rig->net, 0, oldest, NET_PATIENCE_US), 1);
        }
    }
    CHECK_EQUAL(test, rig->net.pairs[0].held, 0);
    net_exchange(rig, 100, NET_FRAME_MIN, 1514);
}

static void holding_every_buffer(struct test *test)
{
    const struct virtio_net_options options = {.receive_buffers = 8, .receive_buffer_size = 9018};

    net_with_peer(test, &options, hold_body);
}

/* ---- The transmit queue ---- */

/* Frames that are only counted, until the driver says that it is full. */
static uint32_t fill_transmit(struct test *test, struct net_rig *rig)
{
    struct net_message message = {NET_COUNT, 0, 256, 0};
    int error = VIRTIO_OK;

    while (message.sequence < NET_LONGEST / 256 && error == VIRTIO_OK) {
        uint8_t *frame = rig->frame + message.sequence * 256;

        net_build(rig, frame, &message, NULL, 0);
        error = virtio_net_submit(&rig->net, 0, frame, message.length, NULL, frame);
        message.sequence += error == VIRTIO_OK;
    }
    CHECK_RESULT(test, error, VIRTIO_E_FULL);
    CHECK_EQUAL(test, rig->net.pairs[0].in_flight, message.sequence);
    return message.sequence;
}

static void full_body(struct test *test, struct net_rig *rig)
{
    uint32_t count = fill_transmit(test, rig);
    struct virtio_net_done done;
    struct net_report report;

    CHECK(test, count >= rig->net.pairs[0].transmit.size / 2u);
    CHECK_RESULT(test, virtio_net_reap(&rig->net, 0, &done), 0);
    REQUIRE_RESULT(test, virtio_net_kick(&rig->net, 0), VIRTIO_OK);
    for (uint32_t at = 0; at < count; at++) {
        REQUIRE_RESULT(test, virtio_net_wait(&rig->net, 0, &done, NET_PATIENCE_US), 1);
        CHECK_RESULT(test, done.error, VIRTIO_OK);
        CHECK(test, done.cookie == rig->frame + at * 256);
    }
    CHECK_EQUAL(test, rig->net.pairs[0].in_flight, 0);
    CHECK_RESULT(test, virtio_net_wait(&rig->net, 0, &done, 1000), VIRTIO_E_STATE);
    REQUIRE(test, net_ask_report(rig, &report));
    CHECK_EQUAL(test, report.verified, count);
    CHECK_EQUAL(test, report.out_of_order, 0);
}

static void transmit_queue_fills_up(struct test *test)
{
    net_with_peer(test, NULL, full_body);
}

static void halt_body(struct test *test, struct net_rig *rig)
{
    uint32_t count = fill_transmit(test, rig);
    uint32_t drained = 0;
    struct virtio_net_frame frame;
    struct virtio_net_done done;

    CHECK_RESULT(test, virtio_net_drain(&rig->net, &done), VIRTIO_E_BUSY);
    REQUIRE_RESULT(test, virtio_net_halt(&rig->net), VIRTIO_OK);
    while (virtio_net_drain(&rig->net, &done) == 1) {
        CHECK_RESULT(test, done.error, VIRTIO_E_RESET);
        drained++;
    }
    CHECK_EQUAL(test, drained, count);
    CHECK_RESULT(test, virtio_net_send(&rig->net, rig->frame, 60, NULL), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_net_receive(&rig->net, 0, &frame), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_net_wait_receive(&rig->net, 0, &frame, 1), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_net_stop(&rig->net), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_net_start(&rig->net, &rig->net.device, NULL), VIRTIO_OK);
    net_exchange(rig, 100, NET_FRAME_MIN, 1514);
}

static void halted_in_flight_and_restarted(struct test *test)
{
    net_with_peer(test, NULL, halt_body);
}

/* Two devices side by side: what one does must not show at the other. */
static void two_at_once(struct test *test)
{
    static struct net_rig first;
    static struct net_rig second;
    struct net_report report;
    const uint8_t *mac;

    if (net_find(test, NET_PEER, 1, &mac) == NULL) {
        test_skip(test, "there is no second network device with a peer");
        return;
    }
    if (!net_rig_start(test, &first, NET_PEER, 0, NULL)) {
        return;
    }
    if (net_rig_start(test, &second, NET_PEER, 1, NULL)) {
        CHECK(test, memcmp(first.net.mac, second.net.mac, 6) != 0);
        if (net_send_message(&first, NET_FLOOD, 600, 200, NULL, 0) &&
            net_send_message(&second, NET_FLOOD, 900, 200, NULL, 0)) {
            take_flood(test, &second, 0, 200);
            take_flood(test, &first, 0, 200);
        }
        net_exchange(&first, 300, NET_FRAME_MIN, 1514);
        net_exchange(&second, 300, NET_FRAME_MIN, 1514);
        CHECK(test, net_ask_report(&first, &report) && net_ask_report(&second, &report));
        net_rig_stop(&second);
        net_exchange(&first, 300, NET_FRAME_MIN, 1514);
    }
    net_rig_stop(&first);
}

static void refusals_body(struct test *test, struct net_rig *rig)
{
    struct virtio_net_offload offload = {.flags = 0};
    struct virtio_net *net = &rig->net;
    struct virtio_net_frame frame = {.data = NULL};
    struct virtio_net_done done;
    size_t longest = net->mtu + 14u;

    memset(rig->frame, 0, longest + 5);
    CHECK_RESULT(test, virtio_net_send(net, NULL, 60, NULL), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_net_send(net, rig->frame, 0, NULL), VIRTIO_E_ZERO_LENGTH);
    CHECK_RESULT(test, virtio_net_send(net, rig->frame, 13, NULL), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_net_send(net, rig->frame, longest + 1, NULL), VIRTIO_E_TOO_LONG);
    CHECK_RESULT(test, virtio_net_submit(net, net->pair_count, rig->frame, 60, NULL, NULL),
                 VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_net_reap(net, net->pairs_started, &done), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_net_receive(net, net->pairs_started, &frame), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_net_release(net, &frame), VIRTIO_E_INVALID);
    offload.gso_type = 2;
    CHECK_RESULT(test, virtio_net_send(net, rig->frame, 60, &offload), VIRTIO_E_INVALID);
    offload = (struct virtio_net_offload){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 58, .csum_offset = 1};
    CHECK_RESULT(test, virtio_net_send(net, rig->frame, 60, &offload), VIRTIO_E_INVALID);
    if (!virtio_has_feature(&net->device, VIRTIO_NET_F_CSUM)) {
        offload.csum_offset = 0;
        CHECK_RESULT(test, virtio_net_send(net, rig->frame, 60, &offload), VIRTIO_E_NOT_SUPPORTED);
    }
    CHECK_EQUAL(test, net->pairs[0].in_flight, 0);
    net_exchange(rig, 10, NET_FRAME_MIN, 1514);
}

static void nonsense_is_refused(struct test *test)
{
    net_with_peer(test, NULL, refusals_body);
}

static const struct test_case cases[] = {
    {"the device is described", device_is_described},
    {"ARP, ping and UDP echo: the peer answers", net_test_peer_answers},
    {"ARP, ping and UDP echo: the peer is answered", net_test_peer_is_answered},
    {"10,000 frames of every size both ways", every_size_both_ways},
    {"a flood overruns the receive ring, which recovers", flood_overruns_and_recovers},
    {"every receive buffer is held, then given back one by one", holding_every_buffer},
    {"frames in parts of 200 bytes", frames_in_parts},
    {"receive buffers that are not merged", without_merging},
    {"a device without any feature", without_any_feature},
    {"two receive buffers and one frame in flight", few_buffers},
    {"the transmit queue fills up and empties", transmit_queue_fills_up},
    {"a device halted in flight is restarted", halted_in_flight_and_restarted},
    {"two devices at once", two_at_once},
    {"nonsense is refused", nonsense_is_refused},
    {"receive modes", net_test_receive_modes},
    {"extra receive modes", net_test_extra_receive_modes},
    {"the MAC table", net_test_mac_table},
    {"QEMU knows of the filters", net_test_query_filters},
    {"the VLAN filter", net_test_vlan_filter},
    {"tagged frames come in without a filter", net_test_vlans_without_filter},
    {"the address is changed by command", net_test_set_mac},
    {"the address is changed the legacy way", net_test_write_mac},
    {"the link goes down and up", net_test_link},
    {"an announcement is asked for and acknowledged", net_test_announce},
    {"checksums are left unfinished both ways", net_test_checksums},
    {"frames larger than the MTU both ways", net_test_large_frames},
    {"10,000 frames by vhost-user", net_test_offload_exchange},
    {"two pairs of queues", net_test_pairs},
    {"DHCP, ping and TFTP on QEMU's network", net_test_user_network},
};

const struct test_suite suite_net = DEVICE_SUITE("net", VIRTIO_ID_NETWORK, cases);
