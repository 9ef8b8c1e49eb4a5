/* SPDX-License-Identifier: MIT */
/*
 * Tests of what is said to the device beside frames: filters, addresses, the link, announcements, pairs of
 * queues. Whether a filter works is seen on frames that the peer sends.
 */
#include "net_rig.h"
#include "net_tests.h"

#include <stdio.h>
#include <string.h>

enum {
    ETHERTYPE_MARK = 0x88b6,
    ETHERTYPE_VLAN = 0x8100,
    NO_VLAN = -1,
};

static const uint8_t stranger[6] = {0x52, 0x54, 0x00, 0x99, 0x99, 0x99};
static const uint8_t group[6] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01};
static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Has the peer send a frame to this address, with a number in it by which it is known again. */
static bool send_mark(struct net_rig *rig, const uint8_t *target, int vlan, uint32_t number)
{
    uint8_t frame[64] = {0};
    uint8_t *type = frame + 12;

    memcpy(frame, target, 6);
    memcpy(frame + 6, (const uint8_t[]){0x52, 0x55, 0, 0, 0, 1}, 6);
    if (vlan != NO_VLAN) {
        net_put16(type, ETHERTYPE_VLAN);
        net_put16(type + 2, (uint16_t)vlan);
        type += 4;
    }
    net_put16(type, ETHERTYPE_MARK);
    net_put32(type + 2, number);
    return net_send_message(rig, NET_RAW, 0, sizeof(frame), frame, sizeof(frame));
}

/* The number in a frame of send_mark, or 0. */
static uint32_t read_mark(const struct virtio_net_frame *frame)
{
    uint8_t bytes[24];
    const uint8_t *type = bytes + 12;

    if (virtio_net_copy(frame, 0, bytes, sizeof(bytes)) != VIRTIO_OK) {
        return 0;
    }
    if (net_get16(type) == ETHERTYPE_VLAN) {
        type += 4;
    }
    return net_get16(type) == ETHERTYPE_MARK ? net_get32(type + 2) : 0;
}

/* Does a frame to this address come in? `known` is an address for which one does: when that frame is there,
 * the other one would have been there before it. */
static bool arrives(struct net_rig *rig, const uint8_t *target, int vlan, const uint8_t *known)
{
    static uint32_t marks = 1;
    uint32_t number = marks++;
    uint32_t last = marks++;
    struct virtio_net_frame frame;
    bool arrived = false;
    uint32_t mark = 0;

    if (!send_mark(rig, target, vlan, number) || !send_mark(rig, known, NO_VLAN, last)) {
        return false;
    }
    while (mark != last) {
        if (!CHECK_RESULT(rig->test, virtio_net_wait_receive(&rig->net, 0, &frame, NET_PATIENCE_US),
                          1)) {
            return false;
        }
        mark = read_mark(&frame);
        arrived = arrived || mark == number;
        CHECK_RESULT(rig->test, virtio_net_release(&rig->net, &frame), VIRTIO_OK);
    }
    return arrived;
}

static bool set_mode(struct net_rig *rig, enum virtio_net_receive_mode mode, bool on)
{
    return CHECK_RESULT(rig->test, virtio_net_set_receive_mode(&rig->net, mode, on), VIRTIO_OK);
}

static bool has(const struct net_rig *rig, uint64_t feature)
{
    return virtio_has_feature(&rig->net.device, feature);
}

/* ---- Filters ---- */

static void modes_body(struct test *test, struct net_rig *rig)
{
    const uint8_t *own = rig->net.mac;

    if (!has(rig, VIRTIO_NET_F_CTRL_RX)) {
        CHECK_RESULT(test, virtio_net_set_receive_mode(&rig->net, VIRTIO_NET_CTRL_RX_PROMISC, true),
                     VIRTIO_E_NOT_SUPPORTED);
        test_skip(test, "the device has no receive modes");
        return;
    }
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_PROMISC, false));
    CHECK(test, arrives(rig, own, NO_VLAN, own));
    CHECK(test, arrives(rig, everybody, NO_VLAN, own));
    CHECK(test, !arrives(rig, stranger, NO_VLAN, own));
    CHECK(test, !arrives(rig, group, NO_VLAN, own));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_ALLMULTI, true));
    CHECK(test, arrives(rig, group, NO_VLAN, own));
    CHECK(test, !arrives(rig, stranger, NO_VLAN, own));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_ALLMULTI, false));
    CHECK(test, !arrives(rig, group, NO_VLAN, own));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_PROMISC, true));
    CHECK(test, arrives(rig, stranger, NO_VLAN, own));
    CHECK(test, arrives(rig, group, NO_VLAN, own));
}

void net_test_receive_modes(struct test *test)
{
    net_with_peer(test, NULL, modes_body);
}

static void extra_body(struct test *test, struct net_rig *rig)
{
    const uint8_t *own = rig->net.mac;

    if (!has(rig, VIRTIO_NET_F_CTRL_RX_EXTRA)) {
        test_skip(test, "the device has no extra receive modes");
        return;
    }
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_PROMISC, false));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_ALLUNI, true));
    CHECK(test, arrives(rig, stranger, NO_VLAN, own));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_ALLUNI, false));
    CHECK(test, !arrives(rig, stranger, NO_VLAN, own));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_ALLMULTI, true));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_NOMULTI, true));
    CHECK(test, !arrives(rig, group, NO_VLAN, own));
    CHECK(test, arrives(rig, everybody, NO_VLAN, own));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_NOMULTI, false));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_NOBCAST, true));
    CHECK(test, !arrives(rig, everybody, NO_VLAN, own));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_NOBCAST, false));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_NOUNI, true));
    CHECK(test, !arrives(rig, own, NO_VLAN, everybody));
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_NOUNI, false));
    CHECK(test, arrives(rig, own, NO_VLAN, everybody));
    CHECK_RESULT(test,
                 virtio_net_set_receive_mode(&rig->net, (enum virtio_net_receive_mode)6, true),
                 VIRTIO_E_INVALID);
}

void net_test_extra_receive_modes(struct test *test)
{
    net_with_peer(test, NULL, extra_body);
}

static void table_body(struct test *test, struct net_rig *rig)
{
    static uint8_t many[VIRTIO_NET_MAC_TABLE_MAX + 1][6];
    const uint8_t *own = rig->net.mac;

    if (!has(rig, VIRTIO_NET_F_CTRL_RX)) {
        test_skip(test, "the device has no MAC table");
        return;
    }
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_PROMISC, false));
    REQUIRE_RESULT(test, virtio_net_set_mac_table(&rig->net, stranger, 1, group, 1), VIRTIO_OK);
    CHECK(test, arrives(rig, stranger, NO_VLAN, own));
    CHECK(test, arrives(rig, group, NO_VLAN, own));
    REQUIRE_RESULT(test, virtio_net_set_mac_table(&rig->net, NULL, 0, group, 1), VIRTIO_OK);
    CHECK(test, !arrives(rig, stranger, NO_VLAN, own));
    CHECK(test, arrives(rig, group, NO_VLAN, own));
    for (unsigned at = 0; at < VIRTIO_NET_MAC_TABLE_MAX; at++) {
        memcpy(many[at], stranger, 6);
        many[at][5] = (uint8_t)at;
    }
    REQUIRE_RESULT(test,
                   virtio_net_set_mac_table(&rig->net, many[0], VIRTIO_NET_MAC_TABLE_MAX, NULL, 0),
                   VIRTIO_OK);
    CHECK(test, arrives(rig, many[VIRTIO_NET_MAC_TABLE_MAX - 1], NO_VLAN, own));
    CHECK(test, !arrives(rig, stranger, NO_VLAN, own));
    REQUIRE_RESULT(test, virtio_net_set_mac_table(&rig->net, NULL, 0, NULL, 0), VIRTIO_OK);
    CHECK(test, !arrives(rig, many[0], NO_VLAN, own));
    CHECK_RESULT(test,
                 virtio_net_set_mac_table(&rig->net, many[0], VIRTIO_NET_MAC_TABLE_MAX, group, 1),
                 VIRTIO_E_TOO_LONG);
    CHECK_RESULT(test, virtio_net_set_mac_table(&rig->net, group, 1, NULL, 0), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_net_set_mac_table(&rig->net, NULL, 0, stranger, 1), VIRTIO_E_INVALID);
}

void net_test_mac_table(struct test *test)
{
    net_with_peer(test, NULL, table_body);
}

static void vlan_body(struct test *test, struct net_rig *rig)
{
    const uint8_t *own = rig->net.mac;

    if (!has(rig, VIRTIO_NET_F_CTRL_VLAN)) {
        CHECK_RESULT(test, virtio_net_add_vlan(&rig->net, 5), VIRTIO_E_NOT_SUPPORTED);
        test_skip(test, "the device has no VLAN filter");
        return;
    }
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_PROMISC, false));
    CHECK(test, !arrives(rig, own, 5, own));
    REQUIRE_RESULT(test, virtio_net_add_vlan(&rig->net, 5), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_net_add_vlan(&rig->net, 4095), VIRTIO_OK);
    CHECK(test, arrives(rig, own, 5, own));
    CHECK(test, arrives(rig, own, 4095, own));
    CHECK(test, !arrives(rig, own, 6, own));
    REQUIRE_RESULT(test, virtio_net_remove_vlan(&rig->net, 5), VIRTIO_OK);
    CHECK(test, !arrives(rig, own, 5, own));
    CHECK_RESULT(test, virtio_net_add_vlan(&rig->net, 4096), VIRTIO_E_INVALID);
}

void net_test_vlan_filter(struct test *test)
{
    const struct virtio_net_options options = {.vlan_filter = true};

    net_with_peer(test, &options, vlan_body);
}

/* Without the filter tagged frames come in: taking the feature would have shut them out. */
static void no_filter_body(struct test *test, struct net_rig *rig)
{
    if (has(rig, VIRTIO_NET_F_CTRL_RX)) {
        REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_PROMISC, false));
    }
    CHECK(test, arrives(rig, rig->net.mac, 5, rig->net.mac));
}

void net_test_vlans_without_filter(struct test *test)
{
    net_with_peer(test, NULL, no_filter_body);
}

/* ---- The address ---- */

/* Moves to another address and back, and looks whose frames come in. */
static void change_mac(struct test *test, struct net_rig *rig)
{
    uint8_t given[6];

    memcpy(given, rig->net.mac, 6);
    REQUIRE_RESULT(test, virtio_net_set_mac(&rig->net, stranger), VIRTIO_OK);
    CHECK_BYTES(test, rig->net.mac, stranger, 6);
    if (has(rig, VIRTIO_NET_F_CTRL_RX)) {
        REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_PROMISC, false));
        CHECK(test, arrives(rig, stranger, NO_VLAN, everybody));
        CHECK(test, !arrives(rig, given, NO_VLAN, everybody));
    }
    REQUIRE_RESULT(test, virtio_net_set_mac(&rig->net, given), VIRTIO_OK);
    CHECK(test, arrives(rig, given, NO_VLAN, everybody));
    CHECK_RESULT(test, virtio_net_set_mac(&rig->net, group), VIRTIO_E_INVALID);
}

static void mac_body(struct test *test, struct net_rig *rig)
{
    if (!has(rig, VIRTIO_NET_F_CTRL_MAC_ADDR)) {
        test_skip(test, "the device has no command for its address");
        return;
    }
    change_mac(test, rig);
}

void net_test_set_mac(struct test *test)
{
    net_with_peer(test, NULL, mac_body);
}

static void write_mac_body(struct test *test, struct net_rig *rig)
{
    if (!rig->net.device.legacy) {
        CHECK_RESULT(test, virtio_net_set_mac(&rig->net, stranger), VIRTIO_E_NOT_SUPPORTED);
        return;
    }
    change_mac(test, rig);
}

void net_test_write_mac(struct test *test)
{
    const struct virtio_net_options options = {.features_off = VIRTIO_NET_F_CTRL_MAC_ADDR};

    net_with_peer(test, &options, write_mac_body);
}

/* ---- The link ---- */

/* Waits until the link is up or down, or wants to be announced. */
static bool wait_link(struct net_rig *rig, bool up, bool announce)
{
    uint64_t deadline = test_now_us(rig->test) + NET_PATIENCE_US;
    struct virtio_net_link link;

    do {
        if (!CHECK_RESULT(rig->test, virtio_net_read_link(&rig->net, &link), VIRTIO_OK)) {
            return false;
        }
        if (link.up == up && link.announce == announce) {
            return true;
        }
    } while (test_now_us(rig->test) < deadline);
    return CHECK_EQUAL(rig->test, link.up, up) && CHECK_EQUAL(rig->test, link.announce, announce);
}

static bool set_link(struct net_rig *rig, bool up)
{
    return test_ask_host(rig->test, "net link %s device=%u", up ? "up" : "down",
                         (unsigned)rig->number) &&
           wait_link(rig, up, false);
}

static void link_body(struct test *test, struct net_rig *rig)
{
    if (!has(rig, VIRTIO_NET_F_STATUS)) {
        test_skip(test, "the device does not know the state of its link");
        return;
    }
    if (!set_link(rig, false)) {
        return;
    }
    memset(rig->frame, 0, 64);
    /* QEMU 7.2 drops it, and with a packed ring forgets to ask for notifications again: virtio/net.h. */
    if (!has(rig, VIRTIO_F_RING_PACKED)) {
        CHECK_RESULT(test, virtio_net_send(&rig->net, rig->frame, 64, NULL), VIRTIO_OK);
    }
    REQUIRE(test, set_link(rig, true));
    net_exchange(rig, 100, NET_FRAME_MIN, 1514);
}

void net_test_link(struct test *test)
{
    net_with_peer(test, NULL, link_body);
}

static void announce_body(struct test *test, struct net_rig *rig)
{
    static const char commands[] =
        "[{\"execute\": \"announce-self\", \"arguments\":"
        " {\"initial\": 50, \"max\": 50, \"rounds\": 1, \"step\": 0, \"interfaces\": [\"$ID\"]}}]";

    if (!has(rig, VIRTIO_NET_F_GUEST_ANNOUNCE)) {
        CHECK_RESULT(test, virtio_net_acknowledge_announce(&rig->net), VIRTIO_E_NOT_SUPPORTED);
        test_skip(test, "the device asks for no announcement");
        return;
    }
    REQUIRE(test, net_monitor(rig, commands, NULL, 0));
    REQUIRE(test, wait_link(rig, true, true));
    REQUIRE_RESULT(test, virtio_net_acknowledge_announce(&rig->net), VIRTIO_OK);
    REQUIRE(test, wait_link(rig, true, false));
}

void net_test_announce(struct test *test)
{
    net_with_peer(test, NULL, announce_body);
}

/* What QEMU itself knows of the filters. */
static void query_body(struct test *test, struct net_rig *rig)
{
    static char answer[2048];
    char address[40];

    if (!has(rig, VIRTIO_NET_F_CTRL_RX) || !has(rig, VIRTIO_NET_F_CTRL_VLAN)) {
        test_skip(test, "the device has no filters");
        return;
    }
    REQUIRE(test, set_mode(rig, VIRTIO_NET_CTRL_RX_PROMISC, false));
    REQUIRE_RESULT(test, virtio_net_set_mac_table(&rig->net, stranger, 1, group, 1), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_net_add_vlan(&rig->net, 7), VIRTIO_OK);
    REQUIRE(test, net_monitor(rig,
                              "[{\"execute\": \"query-rx-filter\", \"arguments\": {\"name\":"
                              " \"$ID\"}}]",
                              answer, sizeof(answer)));
    snprintf(address, sizeof(address), "\"main-mac\": \"52:54:00:%02x:01:%02x\"", rig->mac_given[3],
             rig->number);
    CHECK(test, strstr(answer, address) != NULL);
    CHECK(test, strstr(answer, "\"promiscuous\": false") != NULL);
    CHECK(test, strstr(answer, "\"unicast-table\": [\"52:54:00:99:99:99\"]") != NULL);
    CHECK(test, strstr(answer, "\"vlan-table\": [7]") != NULL);
    CHECK(test, strstr(answer, "\"multicast-table\": [\"01:00:5e:00:00:01\"]") != NULL);
    if (test->failures != 0) {
        test_diagnostic("QEMU says %s", answer);
    }
}

void net_test_query_filters(struct test *test)
{
    const struct virtio_net_options options = {.vlan_filter = true};

    net_with_peer(test, &options, query_body);
}
