/* SPDX-License-Identifier: MIT */
/*
 * Tests with the tiny IPv4 host: ARP, ICMP echo and UDP echo, the peer being the server and being the client.
 */
#include "net_stack.h"
#include "net_tests.h"

#include <string.h>

enum {
    ECHOES = 40,
    PROBES = 40,
    SOURCE_PORT = 30000,
};

static void begin_stack(struct net_stack *stack, struct net_rig *rig)
{
    memset(stack, 0, sizeof(*stack));
    stack->rig = rig;
    memcpy(stack->address, (const uint8_t[]){10, 1, rig->number, 2}, 4);
    memcpy(stack->partner, (const uint8_t[]){10, 1, rig->number, 1}, 4);
}

/* One answer, which must be this. */
static bool expect(struct net_stack *stack, uint8_t protocol, uint16_t port, const uint8_t *data,
                   uint32_t length)
{
    static struct net_datagram datagram;
    struct test *test = stack->rig->test;

    return CHECK(test, net_stack_wait(stack, &datagram, NET_PATIENCE_US)) &&
           CHECK_EQUAL(test, datagram.protocol, protocol) &&
           CHECK_EQUAL(test, datagram.source_port, port) &&
           CHECK_EQUAL(test, datagram.length, length) &&
           CHECK_BYTES(test, datagram.data, data, length);
}

static void answers_body(struct test *test, struct net_rig *rig)
{
    static struct net_stack stack;

    begin_stack(&stack, rig);
    REQUIRE(test, net_stack_resolve(&stack));
    for (uint16_t number = 0; number < ECHOES; number++) {
        const uint8_t *data = net_pattern(0, number);
        uint32_t length = (uint32_t)number * (STACK_PAYLOAD_MAX / (ECHOES - 1));

        REQUIRE(test, net_stack_send_echo(&stack, number, data, length));
        REQUIRE(test, expect(&stack, 1, number, data, length));
        REQUIRE(test, net_stack_send_udp(&stack, SOURCE_PORT, STACK_ECHO_PORT, data, length));
        REQUIRE(test, expect(&stack, 17, STACK_ECHO_PORT, data, length));
    }
}

void net_test_peer_answers(struct test *test)
{
    net_with_peer(test, NULL, answers_body);
}

/* The peer resolves, pings and sends datagrams; everything else it does in between comes before PROBED. */
static void is_answered_body(struct test *test, struct net_rig *rig)
{
    static struct net_datagram datagram;
    static struct net_stack stack;
    struct virtio_net_frame frame;
    struct net_message message = {0};
    bool over = false;

    begin_stack(&stack, rig);
    REQUIRE(test, net_send_message(rig, NET_PROBE, 1, PROBES, NULL, 0));
    while (!over) {
        REQUIRE_RESULT(test, virtio_net_wait_receive(&rig->net, 0, &frame, NET_PATIENCE_US), 1);
        if (net_parse(&frame, &message)) {
            over = message.kind == NET_PROBED;
        } else {
            CHECK(test, !net_stack_take(&stack, &frame, &datagram));
        }
        REQUIRE_RESULT(test, virtio_net_release(&rig->net, &frame), VIRTIO_OK);
    }
    CHECK_EQUAL(test, message.argument, 2 * PROBES + 1);
    CHECK_EQUAL(test, stack.arp_served, 1);
    CHECK_EQUAL(test, stack.echo_served, PROBES);
    CHECK_EQUAL(test, stack.udp_served, PROBES);
}

void net_test_peer_is_answered(struct test *test)
{
    net_with_peer(test, NULL, is_answered_body);
}
