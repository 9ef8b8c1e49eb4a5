/* SPDX-License-Identifier: MIT */
/*
 * Tests of what only a vhost-user device of QEMU's does: unfinished checksums, frames larger than the MTU,
 * several pairs of queues.
 */
#include "net_stack.h"
#include "net_tests.h"

#include <string.h>

enum {
    MANY = 10000,
    ECHOES = 20,
    SOURCE_PORT = 30000,
    LARGE_FIRST = 2000,
    LARGE_LAST = 64000,
    LARGE_STEP = 3100,
};

static struct net_rig rig;

static bool start(struct test *test, const struct virtio_net_options *options)
{
    return net_rig_start(test, &rig, NET_VHOST, 0, options);
}

/* ---- Checksums ---- */

static void echo_unfinished(struct test *test, bool receives_unfinished)
{
    static struct net_datagram datagram;
    static struct net_stack stack;

    memset(&stack, 0, sizeof(stack));
    stack.rig = &rig;
    stack.offloads_checksums = true;
    memcpy(stack.address, (const uint8_t[]){10, 1, rig.number, 2}, 4);
    memcpy(stack.partner, (const uint8_t[]){10, 1, rig.number, 1}, 4);
    REQUIRE(test, net_stack_resolve(&stack));
    for (uint16_t number = 0; number < ECHOES; number++) {
        const uint8_t *data = net_pattern(0, number);
        uint32_t length = 1 + (uint32_t)number * 77;

        REQUIRE(test, net_stack_send_udp(&stack, (uint16_t)(SOURCE_PORT + number), STACK_ECHO_PORT,
                                         data, length));
        REQUIRE(test, net_stack_wait(&stack, &datagram, NET_PATIENCE_US));
        REQUIRE_EQUAL(test, datagram.length, length);
        CHECK_BYTES(test, datagram.data, data, length);
    }
    CHECK_EQUAL(test, stack.unfinished, receives_unfinished ? ECHOES : 0);
}

void net_test_checksums(struct test *test)
{
    const struct virtio_net_options options = {.receive_offloads = VIRTIO_NET_F_GUEST_CSUM};

    if (!start(test, NULL)) {
        return;
    }
    if (CHECK(test, virtio_has_feature(&rig.net.device, VIRTIO_NET_F_CSUM))) {
        echo_unfinished(test, false);
    }
    net_rig_stop(&rig);
    if (start(test, &options)) {
        if (CHECK(test, virtio_has_feature(&rig.net.device, VIRTIO_NET_F_GUEST_CSUM))) {
            echo_unfinished(test, true);
        }
        net_rig_stop(&rig);
    }
}

/* ---- Large frames ---- */

static void exchange_large(struct test *test, uint32_t sequence, uint32_t length)
{
    const struct virtio_net_offload offload = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
        .hdr_len = 54,
        .gso_size = 1448,
        .csum_start = 34,
        .csum_offset = 16,
    };
    struct net_message message = {NET_DATA, sequence, length, 0};
    struct virtio_net_frame frame;

    net_build(&rig, rig.frame, &message, NULL, 0);
    REQUIRE_RESULT(test, virtio_net_send(&rig.net, rig.frame, length, &offload), VIRTIO_OK);
    REQUIRE(test, net_await(&rig, NET_ANSWER, sequence, &frame, &message));
    CHECK_EQUAL(test, frame.length, length);
    CHECK_EQUAL(test, frame.offload.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
    CHECK_EQUAL(test, frame.offload.gso_size, 1448);
    CHECK_EQUAL(test, frame.offload.hdr_len, 54);
    CHECK(test, net_verify(&frame, &message));
    CHECK_RESULT(test, virtio_net_release(&rig.net, &frame), VIRTIO_OK);
}

static void exchange_all_large(struct test *test)
{
    uint32_t sequence = 0;
    struct net_report report;

    REQUIRE(test, virtio_has_feature(&rig.net.device, VIRTIO_NET_F_GUEST_TSO4) &&
                      virtio_has_feature(&rig.net.device, VIRTIO_NET_F_HOST_TSO4));
    for (uint32_t length = LARGE_FIRST; length <= LARGE_LAST; length += LARGE_STEP) {
        exchange_large(test, sequence++, length);
        REQUIRE(test, test->failures == 0);
    }
    REQUIRE(test, net_ask_report(&rig, &report));
    CHECK_EQUAL(test, report.verified, sequence);
    CHECK_EQUAL(test, report.bad, 0);
}

void net_test_large_frames(struct test *test)
{
    struct virtio_net_options options = {.receive_offloads =
                                             VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4};

    if (!start(test, &options)) {
        return;
    }
    exchange_all_large(test);
    net_rig_stop(&rig);
    /* Once more in buffers that hold each of them whole. */
    options.features_off = VIRTIO_NET_F_MRG_RXBUF;
    options.receive_buffers = 8;
    if (start(test, &options)) {
        CHECK(test, rig.net.buffer_size >= VIRTIO_NET_GSO_FRAME_MAX);
        exchange_all_large(test);
        net_rig_stop(&rig);
    }
}

void net_test_offload_exchange(struct test *test)
{
    if (start(test, NULL)) {
        net_exchange(&rig, MANY, NET_FRAME_MIN, 1514);
        net_rig_stop(&rig);
    }
}

/* ---- Pairs of queues ---- */

/* A frame on this pair; its answer comes on the same one. */
static void exchange_on(struct test *test, uint16_t pair, uint32_t sequence)
{
    struct net_message message = {NET_DATA, sequence, 700 + sequence, 0};
    struct virtio_net_frame frame;
    struct virtio_net_done done;

    net_build(&rig, rig.frame, &message, NULL, 0);
    REQUIRE_RESULT(test,
                   virtio_net_submit(&rig.net, pair, rig.frame, message.length, NULL, &message),
                   VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_net_wait(&rig.net, pair, &done, NET_PATIENCE_US), 1);
    CHECK(test, done.cookie == &message);
    REQUIRE_RESULT(test, virtio_net_wait_receive(&rig.net, pair, &frame, NET_PATIENCE_US), 1);
    CHECK(test, net_parse(&frame, &message) && message.kind == NET_ANSWER &&
                    message.sequence == sequence && net_verify(&frame, &message));
    CHECK_EQUAL(test, frame.pair, pair);
    CHECK_RESULT(test, virtio_net_release(&rig.net, &frame), VIRTIO_OK);
}

void net_test_pairs(struct test *test)
{
    const struct virtio_net_options options = {.pairs = 4};
    struct net_report report;

    if (!start(test, &options)) {
        return;
    }
    if (!virtio_has_feature(&rig.net.device, VIRTIO_NET_F_MQ)) {
        test_skip(test, "the device has one pair of queues");
    } else {
        CHECK_EQUAL(test, rig.net.pair_count, 2);
        for (uint32_t sequence = 0; sequence < 200 && test->failures == 0; sequence++) {
            exchange_on(test, sequence % 3 % 2, sequence);
        }
        CHECK_RESULT(test, virtio_net_set_pairs(&rig.net, 1), VIRTIO_OK);
        CHECK_RESULT(test, virtio_net_submit(&rig.net, 1, rig.frame, 60, NULL, NULL),
                     VIRTIO_E_INVALID);
        CHECK_RESULT(test, virtio_net_set_pairs(&rig.net, 2), VIRTIO_OK);
        exchange_on(test, 1, 200);
        CHECK(test, net_ask_report(&rig, &report));
        CHECK_EQUAL(test, report.bad, 0);
    }
    net_rig_stop(&rig);
}
