/* SPDX-License-Identifier: MIT */
/*
 * The network driver: its start, headers, commands, several queues, the link, and a device that fails; and the rules of
 * the fake device, broken by hand.
 */
#include "net_bench.h"

#include <string.h>

#define ALL_FEATURES (UINT64_C(0xffffff) | UINT64_C(0xfffc) << 48)
#define CONTROL                                                                                    \
    (VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_RX_EXTRA |                    \
     VIRTIO_NET_F_CTRL_VLAN | VIRTIO_NET_F_GUEST_ANNOUNCE | VIRTIO_NET_F_CTRL_MAC_ADDR)

/* ---- Start ---- */

static void test_p83_p89_mac_address(struct bench *bench)
{
    static const uint8_t given[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    static const uint8_t own[6] = {2, 3, 4, 5, 6, 7};

    net_bench_begin(bench, VIRTIO_NET_F_MAC);
    assert_true(net_driver.mac_is_given);
    assert_memory_equal(net_driver.mac, given, 6);
    net_bench_stop();
    bench->fake.features &= ~VIRTIO_NET_F_MAC;
    assert_ok(virtio_net_start(&net_driver, &net_driver.device, NULL));
    assert_false(net_driver.mac_is_given);
    assert_int_equal(net_driver.mac[0] & 3, 2);
    assert_memory_not_equal(net_driver.mac, given, 6);
    net_bench_stop();
    net_options.mac = own;
    assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
    assert_memory_equal(net_driver.mac, own, 6);
    net_bench_stop();
    bench->fake.features |= VIRTIO_NET_F_MAC | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_MAC_ADDR;
    bench->fake.config[0] = 0x53; /* a group's address is nobody's */
    assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
    assert_false(net_driver.mac_is_given);
    assert_int_equal(net_fake.class, 1);
    assert_int_equal(net_fake.command, 1);
    assert_memory_equal(net_fake.data, own, 6);
    net_bench_stop();
    memset(bench->fake.config, 0, 6);
    net_fake.ack = 1; /* it refuses the address: no reason not to start */
    assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
    assert_memory_equal(net_driver.mac, own, 6);
    net_bench_stop();
}

static void test_p88_offloads_are_taken_when_asked_for(struct bench *bench)
{
    net_bench_begin(bench, ALL_FEATURES);
    assert_int_equal(net_driver.device.features & VIRTIO_NET_RECEIVE_OFFLOADS, 0);
    assert_int_equal(net_driver.device.features & (VIRTIO_NET_F_CTRL_VLAN | VIRTIO_NET_F_MQ), 0);
    assert_int_equal(net_driver.device.features & VIRTIO_NET_F_HASH_REPORT, 0);
    assert_true(virtio_has_feature(&net_driver.device, VIRTIO_NET_F_CSUM));
    assert_true(virtio_has_feature(&net_driver.device, VIRTIO_NET_F_HOST_TSO4));
    net_bench_stop();
    net_options.receive_offloads = VIRTIO_NET_RECEIVE_OFFLOADS;
    net_options.vlan_filter = true;
    net_options.features_off = VIRTIO_NET_F_MRG_RXBUF;
    assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
    assert_int_equal(net_driver.device.features & VIRTIO_NET_RECEIVE_OFFLOADS,
                     bench->legacy ? VIRTIO_NET_RECEIVE_OFFLOADS & UINT32_MAX
                                   : VIRTIO_NET_RECEIVE_OFFLOADS);
    assert_true(virtio_has_feature(&net_driver.device, VIRTIO_NET_F_CTRL_VLAN));
    assert_true(net_driver.buffer_size >= VIRTIO_NET_GSO_FRAME_MAX);
    net_bench_stop();
}

static void test_features_without_what_they_require(struct bench *bench)
{
    net_bench_offer(bench, VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_ECN | VIRTIO_NET_F_CTRL_RX |
                               VIRTIO_NET_F_CTRL_RX_EXTRA | VIRTIO_NET_F_CTRL_MAC_ADDR |
                               VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_ECN | VIRTIO_NET_F_MAC);
    net_options.receive_offloads = VIRTIO_NET_RECEIVE_OFFLOADS;
    assert_ok(net_bench_start(bench));
    assert_int_equal(net_driver.device.features & ALL_FEATURES, VIRTIO_NET_F_MAC);
    net_bench_stop();
}

/* Nor when it is the kernel that refuses what others require. */
static void test_refusing_what_others_require(struct bench *bench)
{
    net_bench_offer(bench, CONTROL | VIRTIO_NET_F_MQ | VIRTIO_NET_F_MAC);
    bench_attach(bench);
    bench->device.refuse = VIRTIO_NET_F_CTRL_VQ;
    net_options.pairs = 2;
    assert_ok(net_bench_start(bench));
    assert_int_equal(net_driver.device.features & ALL_FEATURES, VIRTIO_NET_F_MAC);
    assert_int_equal(bench->fake.resets, 1); /* one look was enough */
    net_bench_stop();
}

static void test_refused_features(struct bench *bench)
{
    net_bench_offer(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_CTRL_RX);
    bench->fake.refuses_features = true;
    assert_result(net_bench_start(bench), VIRTIO_E_FEATURES);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_wrong_options_and_types(struct bench *bench)
{
    static const uint8_t group[6] = {1};
    static const uint8_t none[6];
    static const struct virtio_net_options wrong[] = {
        {.pairs = VIRTIO_NET_PAIRS_MAX + 1},
        {.receive_buffers = VIRTIO_NET_BUFFERS_MAX + 1},
        {.transmit_buffers = VIRTIO_NET_BUFFERS_MAX + 1},
        {.mtu = 67},
        {.receive_buffer_size = 127},
        {.receive_buffer_size = VIRTIO_NET_GSO_FRAME_MAX + 1},
        {.receive_offloads = VIRTIO_NET_F_CSUM},
        {.mac = group},
        {.mac = none},
    };

    net_bench_offer(bench, VIRTIO_NET_F_MAC);
    bench_attach(bench);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_result(virtio_net_start(&net_driver, &bench->device, &wrong[i]), VIRTIO_E_INVALID);
    bench->device.type = VIRTIO_ID_BLOCK;
    assert_result(virtio_net_start(&net_driver, &bench->device, NULL), VIRTIO_E_INVALID);
    assert_ok(virtio_net_stop(&net_driver));
}

static void test_lying_configuration(struct bench *bench)
{
    net_bench_offer(bench, VIRTIO_NET_F_MTU | VIRTIO_NET_F_MQ | VIRTIO_NET_F_CTRL_VQ);
    net_options.pairs = 2;
    fake_device_set_config(&bench->fake, FAKE_NET_MTU, 2, 67);
    assert_result(net_bench_start(bench), VIRTIO_E_CONFIG);
    fake_device_set_config(&bench->fake, FAKE_NET_MTU, 2, 68);
    fake_device_set_config(&bench->fake, FAKE_NET_MAX_PAIRS, 2, 0);
    assert_result(net_bench_start(bench), VIRTIO_E_CONFIG);
    fake_device_set_config(&bench->fake, FAKE_NET_MAX_PAIRS, 2, 0x8000);
    assert_result(net_bench_start(bench), VIRTIO_E_CONFIG);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_tiny_queues_are_refused(struct bench *bench)
{
    net_bench_offer(bench, VIRTIO_NET_F_CTRL_VQ);
    bench->fake.queues[1].maximum = 1;
    assert_result(net_bench_start(bench), VIRTIO_E_NOT_SUPPORTED);
    bench->fake.queues[1].maximum = 256;
    bench->fake.queues[2].maximum = 2;
    assert_result(net_bench_start(bench), VIRTIO_E_NOT_SUPPORTED);
    bench->fake.queues[2].maximum = 0;
    assert_result(net_bench_start(bench), VIRTIO_E_NO_QUEUE);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_too_few_buffers_for_the_mtu(struct bench *bench)
{
    net_bench_offer(bench, VIRTIO_NET_F_MTU | VIRTIO_NET_F_MRG_RXBUF);
    fake_device_set_config(&bench->fake, FAKE_NET_MTU, 2, 9000);
    net_options.receive_buffer_size = 1000;
    assert_result(net_bench_start(bench), VIRTIO_E_NOT_SUPPORTED);
    net_options.receive_buffers = 16;
    assert_ok(net_bench_start(bench));
    net_bench_stop();
}

static void test_each_allocation_failing(struct bench *bench)
{
    net_bench_offer(bench, ALL_FEATURES);
    net_options.pairs = 2;
    bench_attach(bench);
    for (unsigned n = 1;; n++) {
        int error;

        fake_host_fail_at(&bench->host, n);
        error = virtio_net_start(&net_driver, &bench->device, &net_options);
        if (!bench->host.failed) {
            assert_ok(error);
            assert_true(n > 12);
            break;
        }
        if (error == VIRTIO_OK)
            net_bench_stop(); /* what failed was not needed: there was another way to the registers */
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
    net_bench_stop();
}

static void test_started_again(struct bench *bench)
{
    struct virtio_net_frame frame;

    net_bench_begin(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_MRG_RXBUF);
    for (unsigned i = 0; i < 3; i++) {
        net_bench_stop();
        net_bench_stop();
        assert_result(virtio_net_send(&net_driver, net_bytes, 60, NULL), VIRTIO_E_STATE);
        assert_result(virtio_net_receive(&net_driver, 0, &frame), VIRTIO_E_STATE);
        assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
        assert_ok(virtio_net_send(&net_driver, net_bytes, 60, NULL));
    }
    net_bench_stop();
}

/* ---- Headers ---- */

static void check_both_ways(struct bench *bench, uint32_t header_size)
{
    uint32_t step = bench->profile == BENCH_WATCHED ? 1500 : 50;
    struct virtio_net_frame frame;

    assert_int_equal(net_driver.header_size, header_size);
    assert_int_equal(fake_net_header_size(&net_fake), header_size);
    for (uint32_t length = 14; length <= 1514; length += step) {
        assert_ok(virtio_net_send(&net_driver, net_bytes, length, NULL));
        assert_int_equal(net_fake.length, length);
        assert_memory_equal(net_fake.frame, net_bytes, length);
        assert_int_equal(fake_net_give(&net_fake, 0, NULL, net_bytes, length), 1);
        net_bench_expect_frame(&frame, length);
        assert_int_equal(frame.part_length, length);
        assert_int_equal(((uintptr_t)frame.data + 14) % 4, 0);
        assert_ok(virtio_net_release(&net_driver, &frame));
        assert_result(virtio_net_release(&net_driver, &frame), VIRTIO_E_INVALID);
        net_bench_expect_nothing();
    }
    assert_int_equal(net_driver.pairs[0].dropped, 0);
    assert_int_equal(net_driver.pairs[0].held, 0);
    assert_int_equal(bench->legacy && header_size == 10, net_driver.header_size == 10);
}

static void test_p86_header_without_merging(struct bench *bench)
{
    net_bench_begin(bench, VIRTIO_NET_F_MAC);
    check_both_ways(bench, bench->legacy ? 10 : 12);
    net_bench_stop();
}

static void test_p86_header_with_merging(struct bench *bench)
{
    net_bench_begin(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_MRG_RXBUF);
    check_both_ways(bench, 12);
    net_bench_stop();
}

/* A legacy device that leaves the layout to the driver gets header and frame in one piece. */
static void test_p86_header_in_any_layout(struct bench *bench)
{
    net_bench_begin(bench, VIRTIO_NET_F_MAC | VIRTIO_F_ANY_LAYOUT);
    assert_int_equal(fake_queue_chain(&bench->fake.queues[0], 0)->count, 1);
    check_both_ways(bench, 10);
    net_bench_stop();
    bench->fake.features &= ~VIRTIO_F_ANY_LAYOUT;
    net_bench_begin(bench, VIRTIO_NET_F_MAC);
    assert_int_equal(fake_queue_chain(&bench->fake.queues[0], 0)->count, 2);
    net_bench_stop();
}

/* ---- Commands ---- */

static void expect_command(uint8_t class, uint8_t command, const void *data, uint32_t length)
{
    assert_int_equal(net_fake.class, class);
    assert_int_equal(net_fake.command, command);
    assert_int_equal(net_fake.data_length, length);
    if (length != 0)
        assert_memory_equal(net_fake.data, data, length);
}

/* A command whose data is a number. */
static void expect_number(const struct bench *bench, uint8_t class, uint8_t command, uint16_t value)
{
    uint8_t bytes[2];

    fake_put(&bench->fake, bytes, 2, value);
    expect_command(class, command, bytes, 2);
}

static void test_commands(struct bench *bench)
{
    uint8_t table[] = {0, 0, 0, 0, 2, 1, 1, 1, 1, 1, 2, 2, 2,
                       2, 2, 2, 0, 0, 0, 0, 3, 3, 3, 3, 3, 3};
    uint8_t many[VIRTIO_NET_MAC_TABLE_MAX * 6] = {0};

    fake_put(&bench->fake, table, 4, 2);
    fake_put(&bench->fake, table + 16, 4, 1);
    net_bench_offer(bench, CONTROL | VIRTIO_NET_F_MAC);
    net_options.vlan_filter = true;
    assert_ok(net_bench_start(bench));
    for (unsigned mode = 0; mode < 6; mode++) {
        assert_ok(
            virtio_net_set_receive_mode(&net_driver, (enum virtio_net_receive_mode)mode, mode & 1));
        expect_command(0, (uint8_t)mode, mode & 1 ? "\1" : "\0", 1);
    }
    assert_ok(virtio_net_set_mac_table(&net_driver, table + 4, 2, table + 20, 1));
    expect_command(1, 0, table, sizeof(table));
    assert_ok(virtio_net_set_mac_table(&net_driver, NULL, 0, NULL, 0));
    expect_command(1, 0, "\0\0\0\0\0\0\0", 8);
    assert_ok(virtio_net_set_mac_table(&net_driver, many, VIRTIO_NET_MAC_TABLE_MAX, NULL, 0));
    assert_int_equal(net_fake.data_length, 8 + sizeof(many));
    assert_ok(virtio_net_set_mac(&net_driver, table + 10));
    expect_command(1, 1, table + 10, 6);
    assert_memory_equal(net_driver.mac, table + 10, 6);
    assert_ok(virtio_net_add_vlan(&net_driver, 0xabc));
    expect_number(bench, 2, 0, 0xabc);
    assert_ok(virtio_net_remove_vlan(&net_driver, 4095));
    expect_number(bench, 2, 1, 0xfff);
    assert_ok(virtio_net_acknowledge_announce(&net_driver));
    expect_command(3, 0, NULL, 0);
    assert_int_equal(net_fake.commands, 13);
    net_bench_stop();
}

static void test_commands_that_are_refused(struct bench *bench)
{
    static const uint8_t group[6] = {1};
    static const uint8_t own[6] = {2};
    uint8_t mac[6];

    net_bench_offer(bench, CONTROL | VIRTIO_NET_F_MAC);
    net_options.vlan_filter = true;
    assert_ok(net_bench_start(bench));
    memcpy(mac, net_driver.mac, 6);
    assert_result(virtio_net_set_receive_mode(&net_driver, (enum virtio_net_receive_mode)6, true),
                  VIRTIO_E_INVALID);
    assert_result(virtio_net_set_mac(&net_driver, group), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_mac_table(&net_driver, group, 1, NULL, 0), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_mac_table(&net_driver, NULL, 0, own, 1), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_mac_table(&net_driver, NULL, 1, NULL, 0), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_mac_table(&net_driver, own, 64, group, 1), VIRTIO_E_TOO_LONG);
    assert_result(virtio_net_add_vlan(&net_driver, 4096), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_pairs(&net_driver, 1), VIRTIO_E_NOT_SUPPORTED);
    assert_int_equal(net_fake.commands, 0);
    net_fake.ack = 1;
    assert_result(virtio_net_set_mac(&net_driver, own), VIRTIO_E_IO);
    assert_memory_equal(net_driver.mac, mac, 6);
    net_fake.ack = 2;
    assert_result(virtio_net_add_vlan(&net_driver, 1), VIRTIO_E_RESPONSE);
    net_fake.ack = -1; /* nothing is written at all */
    assert_result(virtio_net_add_vlan(&net_driver, 1), VIRTIO_E_RESPONSE);
    net_fake.ack = 0;
    assert_ok(virtio_net_add_vlan(&net_driver, 1));
    net_fake.silent_control = true;
    assert_result(virtio_net_add_vlan(&net_driver, 1), VIRTIO_E_TIMEOUT);
    assert_result(virtio_net_add_vlan(&net_driver, 1), VIRTIO_E_STATE);
    net_bench_stop();
}

static void test_commands_without_their_feature(struct bench *bench)
{
    static const uint8_t own[6] = {2, 0, 0, 0, 0, 9};

    net_bench_begin(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_CTRL_VQ);
    for (unsigned mode = 0; mode < 6; mode++)
        assert_result(
            virtio_net_set_receive_mode(&net_driver, (enum virtio_net_receive_mode)mode, true),
            VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_net_set_mac_table(&net_driver, NULL, 0, NULL, 0), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_net_add_vlan(&net_driver, 1), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_net_remove_vlan(&net_driver, 1), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_net_acknowledge_announce(&net_driver), VIRTIO_E_NOT_SUPPORTED);
    if (bench->legacy) {
        assert_ok(virtio_net_set_mac(&net_driver, own));
        assert_memory_equal(bench->fake.config, own, 6);
    } else {
        assert_result(virtio_net_set_mac(&net_driver, own), VIRTIO_E_NOT_SUPPORTED);
    }
    assert_int_equal(net_fake.commands, 0);
    net_bench_stop();
}

/* ---- Several queues ---- */

static void test_several_pairs(struct bench *bench)
{
    struct virtio_net_frame frame;
    struct virtio_net_done done;

    net_bench_offer(bench, VIRTIO_NET_F_MQ | VIRTIO_NET_F_CTRL_VQ);
    net_options.pairs = 3;
    assert_ok(net_bench_start(bench));
    assert_int_equal(net_driver.pair_count, 3);
    assert_int_equal(net_driver.pairs_started, 3);
    expect_number(bench, 4, 0, 3);
    for (uint16_t pair = 0; pair < 3; pair++) {
        assert_ok(virtio_net_submit(&net_driver, pair, net_bytes, 60, NULL, net_bytes + pair));
        assert_ok(virtio_net_kick(&net_driver, pair));
        assert_int_equal(net_fake.sent_pair, pair);
        assert_int_equal(fake_net_give(&net_fake, pair, NULL, net_bytes, 60), 1);
        assert_result(virtio_net_receive(&net_driver, pair, &frame), 1);
        assert_int_equal(frame.pair, pair);
        assert_ok(virtio_net_release(&net_driver, &frame));
    }
    assert_result(virtio_net_submit(&net_driver, 3, net_bytes, 60, NULL, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_net_kick(&net_driver, 3), VIRTIO_E_INVALID);
    assert_result(virtio_net_reap(&net_driver, 3, &done), VIRTIO_E_INVALID);
    assert_result(virtio_net_receive(&net_driver, 3, &frame), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_pairs(&net_driver, 0), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_pairs(&net_driver, 4), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_pairs(&net_driver, 2), VIRTIO_E_BUSY);
    assert_result(virtio_net_reap(&net_driver, 2, &done), 1);
    assert_ptr_equal(done.cookie, net_bytes + 2);
    assert_ok(virtio_net_set_pairs(&net_driver, 2));
    assert_result(virtio_net_submit(&net_driver, 2, net_bytes, 60, NULL, NULL), VIRTIO_E_INVALID);
    assert_ok(virtio_net_set_pairs(&net_driver, 3));
    assert_ok(virtio_net_halt(&net_driver));
    assert_result(virtio_net_drain(&net_driver, &done), 1);
    assert_result(virtio_net_drain(&net_driver, &done), 1);
    assert_result(virtio_net_drain(&net_driver, &done), 0);
    net_bench_stop();
}

static void test_pairs_that_the_device_refuses(struct bench *bench)
{
    net_bench_offer(bench, VIRTIO_NET_F_MQ | VIRTIO_NET_F_CTRL_VQ);
    net_options.pairs = 64;
    net_fake.ack = 1;
    assert_ok(net_bench_start(bench));
    assert_int_equal(net_driver.pairs_started, FAKE_NET_PAIRS);
    assert_int_equal(net_driver.pair_count, 1);
    assert_ok(virtio_net_send(&net_driver, net_bytes, 60, NULL));
    net_bench_stop();
    net_fake.silent_control = true;
    assert_result(virtio_net_start(&net_driver, &net_driver.device, &net_options),
                  VIRTIO_E_TIMEOUT);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

/* ---- The link ---- */

static void test_link(struct bench *bench)
{
    struct virtio_net_link link;

    net_bench_begin(bench, VIRTIO_NET_F_STATUS | VIRTIO_NET_F_GUEST_ANNOUNCE |
                               VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_SPEED_DUPLEX);
    assert_ok(virtio_net_read_link(&net_driver, &link));
    assert_true(link.up && !link.announce);
    fake_device_change_field(&bench->fake, FAKE_NET_STATUS, 2, 2);
    assert_ok(virtio_net_read_link(&net_driver, &link));
    assert_true(!link.up && link.announce);
    if (!bench->legacy) {
        assert_int_equal(link.speed, 10000);
        assert_true(link.duplex_known && link.full_duplex);
        fake_device_change_config(&bench->fake, FAKE_NET_SPEED, "\0\0\0\x80\0", 5);
        assert_ok(virtio_net_read_link(&net_driver, &link));
        assert_int_equal(link.speed, VIRTIO_NET_SPEED_UNKNOWN);
        assert_true(link.duplex_known && !link.full_duplex);
        fake_device_change_config(&bench->fake, FAKE_NET_DUPLEX, "\2", 1);
        assert_ok(virtio_net_read_link(&net_driver, &link));
        assert_false(link.duplex_known);
    }
    net_bench_stop();
    assert_result(virtio_net_read_link(&net_driver, &link), VIRTIO_E_STATE);
}

static void test_p89_link_without_status(struct bench *bench)
{
    struct virtio_net_link link;

    net_bench_begin(bench, 0);
    fake_device_set_config(&bench->fake, FAKE_NET_STATUS, 2, 2);
    assert_ok(virtio_net_read_link(&net_driver, &link));
    assert_true(link.up && !link.announce && !link.duplex_known);
    assert_int_equal(link.speed, VIRTIO_NET_SPEED_UNKNOWN);
    net_bench_stop();
}

/* ---- When things go wrong ---- */

static void test_p70_send_that_is_never_done(struct bench *bench)
{
    struct virtio_net_frame frame;
    struct virtio_net_done done;

    net_bench_begin(bench, VIRTIO_NET_F_MAC);
    net_fake.silent = true;
    assert_int_equal(fake_net_give(&net_fake, 0, NULL, net_bytes, 60), 1);
    net_bench_expect_frame(&frame, 60);
    assert_ok(virtio_net_submit(&net_driver, 0, net_bytes, 60, NULL, &frame));
    assert_result(virtio_net_send(&net_driver, net_bytes, 60, NULL), VIRTIO_E_TIMEOUT);
    assert_int_equal(net_driver.device.state, VIRTIO_DEVICE_STOPPED);
    assert_memory_equal(frame.data, net_bytes, 60); /* still readable */
    assert_ok(virtio_net_release(&net_driver, &frame));
    assert_result(virtio_net_send(&net_driver, net_bytes, 60, NULL), VIRTIO_E_STATE);
    assert_result(virtio_net_drain(&net_driver, &done), 1);
    assert_result(done.error, VIRTIO_E_RESET);
    assert_ptr_equal(done.cookie, &frame);
    assert_result(virtio_net_drain(&net_driver, &done), 0);
    net_bench_stop();
    frame.buffer = NULL;
    assert_result(virtio_net_release(&net_driver, &frame), VIRTIO_E_INVALID);
}

static void test_device_that_wants_a_reset(struct bench *bench)
{
    struct virtio_net_frame frame;

    net_bench_begin(bench, VIRTIO_NET_F_MAC);
    bench->device.timeout_us = 50000;
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    assert_result(virtio_net_wait_receive(&net_driver, 0, &frame, 100000), VIRTIO_E_NEEDS_RESET);
    assert_result(virtio_net_receive(&net_driver, 0, &frame), VIRTIO_E_NEEDS_RESET);
    assert_ok(virtio_net_halt(&net_driver));
    net_bench_stop();
    assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
    assert_ok(virtio_net_send(&net_driver, net_bytes, 60, NULL));
    net_bench_stop();
}

static void test_device_that_is_gone(struct bench *bench)
{
    struct virtio_net_done done;

    net_bench_begin(bench, VIRTIO_NET_F_MAC);
    net_fake.silent = true;
    assert_ok(virtio_net_submit(&net_driver, 0, net_bytes, 60, NULL, net_bytes));
    assert_ok(virtio_net_kick(&net_driver, 0));
    bench->fake.gone = true;
    assert_result(virtio_net_send(&net_driver, net_bytes, 60, NULL), VIRTIO_E_GONE);
    assert_result(virtio_net_drain(&net_driver, &done), 1);
    assert_ptr_equal(done.cookie, net_bytes);
    net_bench_stop();
}

static void test_device_that_is_lost(struct bench *bench)
{
    struct virtio_net_done done;

    net_bench_begin(bench, VIRTIO_NET_F_MAC);
    net_fake.silent = true;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_net_send(&net_driver, net_bytes, 60, NULL), VIRTIO_E_BUSY);
    assert_result(virtio_net_drain(&net_driver, &done), VIRTIO_E_BUSY);
    assert_result(virtio_net_stop(&net_driver), VIRTIO_E_TIMEOUT);
    assert_non_null(net_driver.pairs);
    bench->fake.reset_polls = 0;
    net_bench_stop();
}

static void test_lying_rings(struct bench *bench)
{
    struct virtio_net_frame frame;
    struct virtio_net_done done;

    net_bench_begin(bench, VIRTIO_NET_F_MAC);
    fake_queue_push_used(&bench->fake.queues[0], 200, 60);
    assert_result(virtio_net_receive(&net_driver, 0, &frame), VIRTIO_E_BROKEN);
    assert_result(virtio_net_wait_receive(&net_driver, 0, &frame, 100), VIRTIO_E_BROKEN);
    fake_queue_push_used(&bench->fake.queues[1], 200, 60);
    assert_result(virtio_net_reap(&net_driver, 0, &done), VIRTIO_E_BROKEN);
    assert_result(virtio_net_send(&net_driver, net_bytes, 60, NULL), VIRTIO_E_BROKEN);
    net_bench_stop();
}

/* ---- The fake's own rules ---- */

static void break_header(struct bench *bench, unsigned offset, uint8_t value, const char *rule)
{
    struct virtio_chain chain;
    uint32_t size = bench->legacy ? 10 : 12;
    uint8_t *memory = bench->shared.memory;

    (void)rule;
    memset(memory, 0, 4096);
    memory[offset] = value;
    virtio_prepare(&bench->queues[1], &chain);
    assert_ok(virtio_append_desc(&bench->queues[1], bench->shared.device_address, size, 0, &chain));
    assert_ok(virtio_append_desc(&bench->queues[1], bench->shared.device_address + size,
                                 offset == 100 ? 1515 : 60, 0, &chain));
    assert_ok(virtio_submit(&bench->queues[1], &chain, NULL));
    assert_ok(virtio_kick(&bench->queues[1]));
}

static void start_by_hand(struct bench *bench, uint64_t features, uint16_t second)
{
    fake_net_begin(&net_fake, &bench->fake, features);
    bench->wanted.supported = features;
    bench_begin(bench);
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, 64));
    assert_ok(virtio_queue_start(&bench->queues[1], &bench->device, second, 64));
    assert_ok(virtio_allocate_shared(&bench->device, 0x10000, 64, &bench->shared));
    assert_ok(virtio_device_ready(&bench->device));
}

static void test_fake_checks_frames(struct bench *bench)
{
    start_by_hand(bench, 0, 1);
    break_header(bench, 10, 1, "num_buffers");
    bench_expect_violation(bench, "net-num-buffers");
    break_header(bench, 0, 1, "NEEDS_CSUM");
    bench_expect_violation(bench, "net-checksum");
    break_header(bench, 1, 1, "TCPV4");
    bench_expect_violation(bench, "net-gso");
    break_header(bench, 100, 0, "length");
    bench_expect_violation(bench, "net-frame-too-long");
    net_fake.pairs = 0;
    break_header(bench, 50, 0, "pair");
    bench_expect_violation(bench, "net-pair-not-enabled");
    assert_ok(bench_submit(bench, 0, 100, NULL));
    assert_ok(virtio_kick(&bench->queues[0]));
    bench_expect_violation(bench, "net-receive-buffer");
    bench_stop(bench);
}

static void test_fake_checks_frame_parts(struct bench *bench)
{
    struct virtio_chain chain;

    start_by_hand(bench, 0, 1);
    virtio_prepare(&bench->queues[1], &chain);
    assert_ok(virtio_append_desc(&bench->queues[1], bench->shared.device_address, 20, 0, &chain));
    assert_ok(virtio_submit(&bench->queues[1], &chain, NULL));
    assert_ok(virtio_kick(&bench->queues[1]));
    bench_expect_violation(bench, "net-frame");
    assert_ok(virtio_config_write(&bench->device, 8, 2, 1));
    bench_expect_violation(bench, "net-config-written");
    bench_stop(bench);
}

static void command(struct bench *bench, uint8_t class, uint8_t number, uint32_t data)
{
    struct virtio_chain chain;
    struct virtio_queue *queue = &bench->queues[1];
    uint64_t address = bench->shared.device_address;
    uint8_t *memory = bench->shared.memory;

    memset(memory, 0, 64);
    memory[0] = class;
    memory[1] = number;
    virtio_prepare(queue, &chain);
    assert_ok(virtio_append_desc(queue, address, 2, 0, &chain));
    if (data != 0)
        assert_ok(virtio_append_desc(queue, address + 2, data, 0, &chain));
    assert_ok(
        virtio_append_desc(queue, address + 64, class == 9 ? 2 : 1, VIRTQ_DESC_F_WRITE, &chain));
    assert_ok(virtio_flush(queue, &chain, NULL));
}

static void test_fake_checks_commands(struct bench *bench)
{
    start_by_hand(bench, VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_MQ, 2 * FAKE_NET_PAIRS);
    command(bench, 9, 0, 2);
    bench_expect_violation(bench, "net-command");
    command(bench, 4, 0, 2);
    bench_expect_violation(bench, "net-pairs");
    command(bench, 2, 0, 2);
    bench_expect_violation(bench, "net-command-not-negotiated");
    command(bench, 4, 0, 0);
    bench_expect_violation(bench, "net-command-parts");
    (void)fake_host_take_violation(&bench->host, "net-pairs");
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_p83_p89_mac_address, BENCH_ALL),
    TEST(test_p88_offloads_are_taken_when_asked_for, BENCH_ALL),
    TEST(test_features_without_what_they_require, BENCH_ALL),
    TEST(test_refusing_what_others_require, BENCH_ALL),
    TEST(test_refused_features, BENCH_MODERN),
    TEST(test_wrong_options_and_types, BENCH_ONE),
    TEST(test_lying_configuration, BENCH_ALL),
    TEST(test_tiny_queues_are_refused, BENCH_ALL),
    TEST(test_too_few_buffers_for_the_mtu, BENCH_ALL),
    TEST(test_each_allocation_failing, BENCH_ALL),
    TEST(test_started_again, BENCH_HOSTS),
    TEST(test_p86_header_without_merging, BENCH_HOSTS),
    TEST(test_p86_header_in_any_layout, BENCH_LEGACY),
    TEST(test_p86_header_with_merging, BENCH_HOSTS | BENCH_WATCHED),
    TEST(test_commands, BENCH_HOSTS),
    TEST(test_commands_that_are_refused, BENCH_ALL),
    TEST(test_commands_without_their_feature, BENCH_ALL),
    TEST(test_several_pairs, BENCH_ALL),
    TEST(test_pairs_that_the_device_refuses, BENCH_ALL),
    TEST(test_link, BENCH_ALL),
    TEST(test_p89_link_without_status, BENCH_ALL),
    TEST(test_p70_send_that_is_never_done, BENCH_HOSTS),
    TEST(test_device_that_wants_a_reset, BENCH_ALL),
    TEST(test_device_that_is_gone, BENCH_MMIO),
    TEST(test_device_that_is_lost, BENCH_ALL),
    TEST(test_lying_rings, BENCH_ALL | BENCH_SPLIT_RINGS),
    TEST(test_fake_checks_frames, BENCH_MODERN),
    TEST(test_fake_checks_frame_parts, BENCH_MODERN),
    TEST(test_fake_checks_commands, BENCH_MODERN),
};

BENCH_MAIN_RINGS(tests)
