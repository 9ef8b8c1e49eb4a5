/* SPDX-License-Identifier: MIT */
/*
 * The network driver: features, frames both ways, offloads, commands, several queues, and a device that lies.
 */
#include "bench.h"
#include "fake_net.h"

#include <string.h>

#define ALL_FEATURES (UINT64_C(0xffffff) | UINT64_C(0xfffc) << 48)
#define CONTROL                                                                                    \
    (VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_RX_EXTRA |                    \
     VIRTIO_NET_F_CTRL_VLAN | VIRTIO_NET_F_GUEST_ANNOUNCE | VIRTIO_NET_F_CTRL_MAC_ADDR)

static struct fake_net fake;
static struct virtio_net net;
static struct virtio_net_options options;
static uint8_t bytes[FAKE_NET_FRAME];

static void offer(struct bench *bench, uint64_t features)
{
    fake_net_begin(&fake, &bench->fake, features);
    memset(&options, 0, sizeof(options));
    options.receive_buffers = 8;
    options.transmit_buffers = 8;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    bytes[12] = 0x08;
    bytes[13] = 0x00;
}

static int start(struct bench *bench)
{
    bench_attach(bench);
    bench->device.timeout_us = 2000;
    return virtio_net_start(&net, &bench->device, &options);
}

static void begin(struct bench *bench, uint64_t features)
{
    offer(bench, features);
    assert_ok(start(bench));
}

static void stop(void)
{
    assert_ok(virtio_net_stop(&net));
    assert_null(net.pairs);
}

/* A frame is there, and holds `length` bytes of what was given. */
static void expect_frame(struct virtio_net_frame *frame, uint32_t length)
{
    static uint8_t copy[FAKE_NET_FRAME];

    assert_result(virtio_net_receive(&net, 0, frame), 1);
    assert_int_equal(frame->length, length);
    assert_ok(virtio_net_copy(frame, 0, copy, length));
    assert_memory_equal(copy, bytes, length);
}

static void expect_nothing(void)
{
    struct virtio_net_frame frame;

    assert_result(virtio_net_receive(&net, 0, &frame), 0);
}

/* A frame with this header is dropped, and its buffer goes back. */
static void expect_drop(const struct fake_net_header *header, uint32_t length)
{
    uint64_t dropped = net.pairs[0].dropped;

    assert_true(fake_net_give(&fake, 0, header, bytes, length) > 0);
    expect_nothing();
    assert_int_equal(net.pairs[0].dropped, dropped + 1);
    assert_int_equal(fake_net_buffers(&fake, 0), net.pairs[0].buffer_count);
}

/* ---- Start ---- */

static void test_p83_p89_mac_address(struct bench *bench)
{
    static const uint8_t given[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    static const uint8_t own[6] = {2, 3, 4, 5, 6, 7};

    begin(bench, VIRTIO_NET_F_MAC);
    assert_true(net.mac_is_given);
    assert_memory_equal(net.mac, given, 6);
    stop();
    bench->fake.features &= ~VIRTIO_NET_F_MAC;
    assert_ok(virtio_net_start(&net, &net.device, NULL));
    assert_false(net.mac_is_given);
    assert_int_equal(net.mac[0] & 3, 2);
    assert_memory_not_equal(net.mac, given, 6);
    stop();
    options.mac = own;
    assert_ok(virtio_net_start(&net, &net.device, &options));
    assert_memory_equal(net.mac, own, 6);
    stop();
    bench->fake.features |= VIRTIO_NET_F_MAC | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_MAC_ADDR;
    bench->fake.config[0] = 0x53; /* a group's address is nobody's */
    assert_ok(virtio_net_start(&net, &net.device, &options));
    assert_false(net.mac_is_given);
    assert_int_equal(fake.class, 1);
    assert_int_equal(fake.command, 1);
    assert_memory_equal(fake.data, own, 6);
    stop();
    memset(bench->fake.config, 0, 6);
    fake.ack = 1; /* it refuses the address: no reason not to start */
    assert_ok(virtio_net_start(&net, &net.device, &options));
    assert_memory_equal(net.mac, own, 6);
    stop();
}

static void test_p88_offloads_are_taken_when_asked_for(struct bench *bench)
{
    begin(bench, ALL_FEATURES);
    assert_int_equal(net.device.features & VIRTIO_NET_RECEIVE_OFFLOADS, 0);
    assert_int_equal(net.device.features & (VIRTIO_NET_F_CTRL_VLAN | VIRTIO_NET_F_MQ), 0);
    assert_int_equal(net.device.features & VIRTIO_NET_F_HASH_REPORT, 0);
    assert_true(virtio_has_feature(&net.device, VIRTIO_NET_F_CSUM));
    assert_true(virtio_has_feature(&net.device, VIRTIO_NET_F_HOST_TSO4));
    stop();
    options.receive_offloads = VIRTIO_NET_RECEIVE_OFFLOADS;
    options.vlan_filter = true;
    options.features_off = VIRTIO_NET_F_MRG_RXBUF;
    assert_ok(virtio_net_start(&net, &net.device, &options));
    assert_int_equal(net.device.features & VIRTIO_NET_RECEIVE_OFFLOADS,
                     bench->legacy ? VIRTIO_NET_RECEIVE_OFFLOADS & UINT32_MAX
                                   : VIRTIO_NET_RECEIVE_OFFLOADS);
    assert_true(virtio_has_feature(&net.device, VIRTIO_NET_F_CTRL_VLAN));
    assert_true(net.buffer_size >= VIRTIO_NET_GSO_FRAME_MAX);
    stop();
}

static void test_features_without_what_they_require(struct bench *bench)
{
    offer(bench, VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_ECN | VIRTIO_NET_F_CTRL_RX |
                     VIRTIO_NET_F_CTRL_RX_EXTRA | VIRTIO_NET_F_CTRL_MAC_ADDR |
                     VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_ECN | VIRTIO_NET_F_MAC);
    options.receive_offloads = VIRTIO_NET_RECEIVE_OFFLOADS;
    assert_ok(start(bench));
    assert_int_equal(net.device.features & ALL_FEATURES, VIRTIO_NET_F_MAC);
    stop();
}

/* Nor when it is the kernel that refuses what others require. */
static void test_refusing_what_others_require(struct bench *bench)
{
    offer(bench, CONTROL | VIRTIO_NET_F_MQ | VIRTIO_NET_F_MAC);
    bench_attach(bench);
    bench->device.refuse = VIRTIO_NET_F_CTRL_VQ;
    options.pairs = 2;
    assert_ok(start(bench));
    assert_int_equal(net.device.features & ALL_FEATURES, VIRTIO_NET_F_MAC);
    assert_int_equal(bench->fake.resets, 1); /* one look was enough */
    stop();
}

static void test_refused_features(struct bench *bench)
{
    offer(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_CTRL_RX);
    bench->fake.refuses_features = true;
    assert_result(start(bench), VIRTIO_E_FEATURES);
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

    offer(bench, VIRTIO_NET_F_MAC);
    bench_attach(bench);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_result(virtio_net_start(&net, &bench->device, &wrong[i]), VIRTIO_E_INVALID);
    bench->device.type = VIRTIO_ID_BLOCK;
    assert_result(virtio_net_start(&net, &bench->device, NULL), VIRTIO_E_INVALID);
    assert_ok(virtio_net_stop(&net));
}

static void test_lying_configuration(struct bench *bench)
{
    offer(bench, VIRTIO_NET_F_MTU | VIRTIO_NET_F_MQ | VIRTIO_NET_F_CTRL_VQ);
    options.pairs = 2;
    fake_device_set_config(&bench->fake, FAKE_NET_MTU, 2, 67);
    assert_result(start(bench), VIRTIO_E_CONFIG);
    fake_device_set_config(&bench->fake, FAKE_NET_MTU, 2, 68);
    fake_device_set_config(&bench->fake, FAKE_NET_MAX_PAIRS, 2, 0);
    assert_result(start(bench), VIRTIO_E_CONFIG);
    fake_device_set_config(&bench->fake, FAKE_NET_MAX_PAIRS, 2, 0x8000);
    assert_result(start(bench), VIRTIO_E_CONFIG);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_tiny_queues_are_refused(struct bench *bench)
{
    offer(bench, VIRTIO_NET_F_CTRL_VQ);
    bench->fake.queues[1].maximum = 1;
    assert_result(start(bench), VIRTIO_E_NOT_SUPPORTED);
    bench->fake.queues[1].maximum = 256;
    bench->fake.queues[2].maximum = 2;
    assert_result(start(bench), VIRTIO_E_NOT_SUPPORTED);
    bench->fake.queues[2].maximum = 0;
    assert_result(start(bench), VIRTIO_E_NO_QUEUE);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_too_few_buffers_for_the_mtu(struct bench *bench)
{
    offer(bench, VIRTIO_NET_F_MTU | VIRTIO_NET_F_MRG_RXBUF);
    fake_device_set_config(&bench->fake, FAKE_NET_MTU, 2, 9000);
    options.receive_buffer_size = 1000;
    assert_result(start(bench), VIRTIO_E_NOT_SUPPORTED);
    options.receive_buffers = 16;
    assert_ok(start(bench));
    stop();
}

static void test_each_allocation_failing(struct bench *bench)
{
    offer(bench, ALL_FEATURES);
    options.pairs = 2;
    bench_attach(bench);
    for (unsigned n = 1;; n++) {
        int error;

        fake_host_fail_at(&bench->host, n);
        error = virtio_net_start(&net, &bench->device, &options);
        if (!bench->host.failed) {
            assert_ok(error);
            assert_true(n > 12);
            break;
        }
        if (error == VIRTIO_OK)
            stop(); /* what failed was not needed: there was another way to the registers */
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
    stop();
}

static void test_started_again(struct bench *bench)
{
    struct virtio_net_frame frame;

    begin(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_MRG_RXBUF);
    for (unsigned i = 0; i < 3; i++) {
        stop();
        stop();
        assert_result(virtio_net_send(&net, bytes, 60, NULL), VIRTIO_E_STATE);
        assert_result(virtio_net_receive(&net, 0, &frame), VIRTIO_E_STATE);
        assert_ok(virtio_net_start(&net, &net.device, &options));
        assert_ok(virtio_net_send(&net, bytes, 60, NULL));
    }
    stop();
}

/* ---- Headers ---- */

static void check_both_ways(struct bench *bench, uint32_t header_size)
{
    uint32_t step = bench->profile == BENCH_WATCHED ? 500 : 50;
    struct virtio_net_frame frame;

    assert_int_equal(net.header_size, header_size);
    assert_int_equal(fake_net_header_size(&fake), header_size);
    for (uint32_t length = 14; length <= 1514; length += step) {
        assert_ok(virtio_net_send(&net, bytes, length, NULL));
        assert_int_equal(fake.length, length);
        assert_memory_equal(fake.frame, bytes, length);
        assert_int_equal(fake_net_give(&fake, 0, NULL, bytes, length), 1);
        expect_frame(&frame, length);
        assert_int_equal(frame.part_length, length);
        assert_int_equal(((uintptr_t)frame.data + 14) % 4, 0);
        assert_ok(virtio_net_release(&net, &frame));
        assert_result(virtio_net_release(&net, &frame), VIRTIO_E_INVALID);
        expect_nothing();
    }
    assert_int_equal(net.pairs[0].dropped, 0);
    assert_int_equal(net.pairs[0].held, 0);
    assert_int_equal(bench->legacy && header_size == 10, net.header_size == 10);
}

static void test_p86_header_without_merging(struct bench *bench)
{
    begin(bench, VIRTIO_NET_F_MAC);
    check_both_ways(bench, bench->legacy ? 10 : 12);
    stop();
}

static void test_p86_header_with_merging(struct bench *bench)
{
    begin(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_MRG_RXBUF);
    check_both_ways(bench, 12);
    stop();
}

/* A legacy device that leaves the layout to the driver gets header and frame in one piece. */
static void test_p86_header_in_any_layout(struct bench *bench)
{
    begin(bench, VIRTIO_NET_F_MAC | VIRTIO_F_ANY_LAYOUT);
    assert_int_equal(fake_queue_chain(&bench->fake.queues[0], 0)->count, 1);
    check_both_ways(bench, 10);
    stop();
    bench->fake.features &= ~VIRTIO_F_ANY_LAYOUT;
    begin(bench, VIRTIO_NET_F_MAC);
    assert_int_equal(fake_queue_chain(&bench->fake.queues[0], 0)->count, 2);
    stop();
}

/* ---- Received frames ---- */

static void test_p87_used_length(struct bench *bench)
{
    struct virtio_net_frame frame;
    uint32_t size;

    begin(bench, VIRTIO_NET_F_MRG_RXBUF);
    size = fake_net_header_size(&fake);
    memset(bytes, 0, 12);
    bytes[10] = 1; /* num_buffers */
    for (uint32_t written = 0; written < size + 14; written++) {
        assert_true(fake_net_use_buffer(&fake, 0, bytes, written, written));
        expect_nothing();
        assert_int_equal(net.pairs[0].dropped, written + 1);
    }
    assert_true(fake_net_use_buffer(&fake, 0, bytes, size + 14, size + 14));
    assert_result(virtio_net_receive(&net, 0, &frame), 1);
    assert_int_equal(frame.length, 14);
    assert_memory_equal(frame.data, bytes + size, 14);
    assert_ok(virtio_net_release(&net, &frame));
    assert_int_equal(fake_net_buffers(&fake, 0), 8);
    stop();
}

static void test_nonsense_only_does_not_hold_the_caller(struct bench *bench)
{
    struct virtio_net_frame frame;

    begin(bench, 0);
    assert_result(virtio_net_wait_receive(&net, 0, &frame, 0), VIRTIO_E_INVALID);
    assert_result(virtio_net_wait_receive(&net, 0, &frame, 500), VIRTIO_E_TIMEOUT);
    while (fake_net_use_buffer(&fake, 0, bytes, 3, 3))
        continue;
    assert_result(virtio_net_wait_receive(&net, 0, &frame, 500), VIRTIO_E_TIMEOUT);
    assert_int_equal(net.pairs[0].dropped, 8);
    stop();
}

static void test_merged_frames(struct bench *bench)
{
    struct virtio_net_part part = {NULL, 0, NULL};
    struct virtio_net_frame frame;
    uint8_t two[2];
    unsigned parts = 0;

    offer(bench, VIRTIO_NET_F_MRG_RXBUF);
    options.receive_buffer_size = 300;
    assert_ok(start(bench));
    for (uint32_t length = 14; length <= 1514; length += 100) {
        assert_int_equal(fake_net_give(&fake, 0, NULL, bytes, length), (length + 12 + 311) / 312);
        expect_frame(&frame, length);
        assert_ok(virtio_net_release(&net, &frame));
    }
    assert_int_equal(fake_net_give(&fake, 0, NULL, bytes, 1000), 4);
    expect_frame(&frame, 1000);
    assert_int_equal(frame.part_length, 300);
    assert_int_equal(net.pairs[0].held, 4);
    while (virtio_net_next_part(&frame, &part))
        parts++;
    assert_int_equal(parts, 4);
    assert_ok(virtio_net_copy(&frame, 299, two, 2)); /* across the parts */
    assert_memory_equal(two, bytes + 299, 2);
    assert_result(virtio_net_copy(&frame, 999, two, 2), VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_net_copy(&frame, 1001, two, 0), VIRTIO_E_OUT_OF_RANGE);
    assert_ok(virtio_net_release(&net, &frame));
    assert_int_equal(net.pairs[0].held, 0);
    expect_drop(NULL, 1600); /* longer than the MTU allows, in parts */
    stop();
}

static void test_parts_that_come_late(struct bench *bench)
{
    struct virtio_net_frame frame;
    uint8_t head[312] = {[10] = 2};

    offer(bench, VIRTIO_NET_F_MRG_RXBUF);
    options.receive_buffer_size = 300;
    assert_ok(start(bench));
    memcpy(head + 12, bytes, 300);
    assert_true(fake_net_use_buffer(&fake, 0, head, 312, 312));
    expect_nothing();
    expect_nothing();
    assert_true(fake_net_use_buffer(&fake, 0, bytes + 300, 100, 100));
    expect_frame(&frame, 400);
    assert_ok(virtio_net_release(&net, &frame));
    stop();
}

static void test_wrong_number_of_buffers(struct bench *bench)
{
    static const uint16_t wrong[] = {0, 9, 0xffff};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t head[74] = {0};
        struct virtio_net_frame frame;

        if (i == 0)
            begin(bench, VIRTIO_NET_F_MRG_RXBUF);
        else
            assert_ok(virtio_net_start(&net, &net.device, &options));
        head[10] = (uint8_t)wrong[i];
        head[11] = (uint8_t)(wrong[i] >> 8);
        assert_true(fake_net_use_buffer(&fake, 0, head, sizeof(head), sizeof(head)));
        assert_result(virtio_net_receive(&net, 0, &frame), VIRTIO_E_RESPONSE);
        assert_int_equal(fake_net_give(&fake, 0, NULL, bytes, 60), 1);
        assert_result(virtio_net_receive(&net, 0, &frame), VIRTIO_E_RESPONSE);
        assert_ok(virtio_net_send(&net, bytes, 60, NULL)); /* the other direction works on */
        stop();
    }
}

static void test_number_of_buffers_without_merging(struct bench *bench)
{
    const struct fake_net_header header = {.num_buffers = 7};
    struct virtio_net_frame frame;

    begin(bench, VIRTIO_NET_F_MAC); /* it must be 1, and is not looked at */
    assert_int_equal(fake_net_give(&fake, 0, &header, bytes, 60), 1);
    expect_frame(&frame, 60);
    assert_ok(virtio_net_release(&net, &frame));
    stop();
}

static void test_p88_checksums_nobody_asked_for(struct bench *bench)
{
    const struct fake_net_header unfinished = {.flags = 1, .csum_start = 34, .csum_offset = 6};
    const struct fake_net_header segmented = {.gso_type = 1, .gso_size = 500};
    const struct fake_net_header valid = {.flags = 0xfe, .csum_start = 34};
    struct virtio_net_frame frame;

    begin(bench, ALL_FEATURES);
    expect_drop(&unfinished, 100);
    expect_drop(&segmented, 100);
    assert_int_equal(fake_net_give(&fake, 0, &valid, bytes, 100), 1);
    expect_frame(&frame, 100);
    assert_int_equal(frame.offload.flags, 0);
    assert_int_equal(frame.offload.csum_start, 0);
    assert_ok(virtio_net_release(&net, &frame));
    expect_drop(NULL, 1519);
    stop();
}

static void test_p88_checksums_are_surfaced(struct bench *bench)
{
    struct fake_net_header header = {.flags = 0xfd, .csum_start = 34, .csum_offset = 6};
    struct virtio_net_frame frame;

    offer(bench, VIRTIO_NET_F_GUEST_CSUM);
    options.receive_offloads = VIRTIO_NET_F_GUEST_CSUM;
    assert_ok(start(bench));
    assert_int_equal(fake_net_give(&fake, 0, &header, bytes, 42), 1);
    expect_frame(&frame, 42);
    assert_int_equal(frame.offload.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(frame.offload.csum_start, 34);
    assert_int_equal(frame.offload.csum_offset, 6);
    assert_ok(virtio_net_release(&net, &frame));
    expect_drop(&header, 41); /* the checksum is behind the end */
    header.csum_start = 0xffff;
    header.csum_offset = 0xffff;
    expect_drop(&header, 1514);
    header.flags = 2;
    assert_int_equal(fake_net_give(&fake, 0, &header, bytes, 60), 1);
    expect_frame(&frame, 60);
    assert_int_equal(frame.offload.flags, VIRTIO_NET_HDR_F_DATA_VALID);
    assert_int_equal(frame.offload.csum_start, 0);
    assert_ok(virtio_net_release(&net, &frame));
    header.flags = 0;
    header.gso_type = 1;
    expect_drop(&header, 60); /* segments were not agreed on */
    stop();
}

/* hdr_len is a hint: whatever it says, the frame is the same, and is all there. */
static void test_hdr_len_is_not_relied_on(struct bench *bench)
{
    static const uint16_t lengths[] = {0, 1, 54, 0x7fff, 0xffff};
    struct fake_net_header header = {
        .flags = 1, .csum_start = 34, .csum_offset = 16, .gso_type = 1, .gso_size = 1448};
    struct virtio_net_frame frame;

    offer(bench, VIRTIO_NET_F_MRG_RXBUF | (VIRTIO_NET_RECEIVE_OFFLOADS & UINT32_MAX));
    options.receive_offloads = VIRTIO_NET_RECEIVE_OFFLOADS;
    options.receive_buffers = 32;
    assert_ok(start(bench));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        header.hdr_len = lengths[i];
        assert_true(fake_net_give(&fake, 0, &header, bytes, 3000) > 0);
        expect_frame(&frame, 3000);
        assert_int_equal(frame.offload.gso_size, 1448);
        assert_int_equal(frame.offload.csum_start, 34);
        assert_ok(virtio_net_release(&net, &frame));
    }
    assert_int_equal(net.pairs[0].dropped, 0);
    stop();
}

/* Legacy devices leave anything in the used lengths of the queues from which they only read. */
static void test_legacy_used_lengths_are_ignored(struct bench *bench)
{
    static const unsigned lies[] = {0, 1, 60, 1514, 0x10000, UINT32_MAX - 1};

    begin(bench, VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        fake.lie = lies[i];
        for (unsigned n = 0; n < 20; n++)
            assert_ok(virtio_net_send(&net, bytes, 60, NULL));
        assert_ok(virtio_net_set_receive_mode(&net, (enum virtio_net_receive_mode)0, true));
    }
    assert_int_equal(fake.sent, 20 * sizeof(lies) / sizeof(lies[0]));
    stop();
}

static void test_large_frames(struct bench *bench)
{
    struct fake_net_header header = {
        .flags = 1, .csum_start = 34, .csum_offset = 16, .gso_size = 1448, .hdr_len = 66};
    static const uint8_t good[] = {1, 4, 0x81, 0x84, 3};
    static const uint8_t bad[] = {2, 5, 0x80, 0x83, 0x21, 0x41};
    struct virtio_net_frame frame;

    offer(bench, VIRTIO_NET_F_MRG_RXBUF | (VIRTIO_NET_RECEIVE_OFFLOADS & UINT32_MAX));
    options.receive_offloads = VIRTIO_NET_RECEIVE_OFFLOADS;
    options.receive_buffers = 32;
    assert_ok(start(bench));
    assert_int_equal(net.buffer_size, VIRTIO_NET_BUFFER_MAX);
    for (size_t i = 0; i < sizeof(good); i++) {
        header.gso_type = good[i];
        assert_true(fake_net_give(&fake, 0, &header, bytes, VIRTIO_NET_GSO_FRAME_MAX) > 1);
        expect_frame(&frame, VIRTIO_NET_GSO_FRAME_MAX);
        assert_int_equal(frame.offload.gso_type, good[i]);
        assert_int_equal(frame.offload.gso_size, 1448);
        assert_int_equal(frame.offload.hdr_len, 66);
        assert_ok(virtio_net_release(&net, &frame));
    }
    for (size_t i = 0; i < sizeof(bad); i++) {
        header.gso_type = bad[i];
        expect_drop(&header, 3000);
    }
    header.gso_type = 1;
    expect_drop(&header, VIRTIO_NET_GSO_FRAME_MAX + 1);
    header.gso_size = 0;
    expect_drop(&header, 3000);
    header.gso_size = 1;
    header.flags = 0;
    expect_drop(&header, 3000);
    expect_drop(NULL, 3000); /* an ordinary frame is still not that long */
    stop();
}

/* Refilled in batches, and at once when the device has next to nothing left. */
static void test_p67_refill(struct bench *bench)
{
    struct virtio_net_frame held[8];
    uint64_t before;

    offer(bench, VIRTIO_NET_F_MAC);
    options.receive_buffers = 64;
    assert_ok(start(bench));
    before = bench->fake.queues[0].notifications;
    for (unsigned i = 0; i < 640; i++) {
        assert_int_equal(fake_net_give(&fake, 0, NULL, bytes, 60), 1);
        expect_frame(&held[0], 60);
        assert_ok(virtio_net_release(&net, &held[0]));
        assert_true(fake_net_buffers(&fake, 0) >= 48);
    }
    assert_true(bench->fake.queues[0].notifications - before <= 80);
    expect_nothing();
    assert_int_equal(fake_net_buffers(&fake, 0), 64);
    stop();
    options.receive_buffers = 8;
    assert_ok(virtio_net_start(&net, &net.device, &options));
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(fake_net_give(&fake, 0, NULL, bytes, 60), 1);
        assert_result(virtio_net_receive(&net, 0, &held[i]), 1);
    }
    assert_int_equal(fake_net_give(&fake, 0, NULL, bytes, 60), 0);
    assert_result(virtio_net_wait_receive(&net, 0, &held[0], 100), VIRTIO_E_FULL);
    for (unsigned i = 0; i < 8; i++) {
        assert_ok(virtio_net_release(&net, &held[i]));
        assert_int_equal(fake_net_buffers(&fake, 0), i + 1);
    }
    stop();
}

/* ---- Frames that are sent ---- */

static void test_lengths_that_may_be_sent(struct bench *bench)
{
    begin(bench, VIRTIO_NET_F_MTU);
    assert_result(virtio_net_send(&net, bytes, 0, NULL), VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_net_send(&net, bytes, 13, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_net_send(&net, NULL, 60, NULL), VIRTIO_E_INVALID);
    assert_ok(virtio_net_send(&net, bytes, 14, NULL));
    assert_ok(virtio_net_send(&net, bytes, 1514, NULL));
    assert_result(virtio_net_send(&net, bytes, 1515, NULL), VIRTIO_E_TOO_LONG);
    bytes[12] = 0x81;
    assert_ok(virtio_net_send(&net, bytes, 1518, NULL));
    assert_result(virtio_net_send(&net, bytes, 1519, NULL), VIRTIO_E_TOO_LONG);
    bytes[12] = 0x88;
    bytes[13] = 0xa8;
    assert_result(virtio_net_send(&net, bytes, 1519, NULL), VIRTIO_E_TOO_LONG);
    stop();
    options.mtu = 1000;
    assert_ok(virtio_net_start(&net, &net.device, &options));
    assert_int_equal(net.mtu, 1000);
    bytes[12] = 0;
    assert_result(virtio_net_send(&net, bytes, 1015, NULL), VIRTIO_E_TOO_LONG);
    stop();
    options.mtu = 9000;
    assert_ok(virtio_net_start(&net, &net.device, &options));
    assert_int_equal(net.mtu, 1500); /* the device knows better */
    stop();
}

static void test_offloads_that_may_be_sent(struct bench *bench)
{
    struct virtio_net_offload offload = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM |
                                                  VIRTIO_NET_HDR_F_DATA_VALID,
                                         .csum_start = 34,
                                         .csum_offset = 16};

    begin(bench, VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_UFO);
    assert_ok(virtio_net_send(&net, bytes, 100, &offload));
    assert_int_equal(fake.header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(fake.header.csum_start, 34);
    assert_int_equal(fake.header.csum_offset, 16);
    assert_result(virtio_net_send(&net, bytes, 51, &offload), VIRTIO_E_INVALID);
    offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    assert_result(virtio_net_send(&net, bytes, 60000, &offload), VIRTIO_E_INVALID);
    offload.gso_size = 1448;
    offload.hdr_len = 54;
    assert_ok(virtio_net_send(&net, bytes, VIRTIO_NET_GSO_FRAME_MAX, &offload));
    assert_int_equal(fake.header.gso_type, 1);
    assert_int_equal(fake.header.gso_size, 1448);
    assert_int_equal(fake.header.hdr_len, 54);
    assert_int_equal(fake.length, VIRTIO_NET_GSO_FRAME_MAX);
    assert_memory_equal(fake.frame, bytes, VIRTIO_NET_GSO_FRAME_MAX);
    assert_result(virtio_net_send(&net, bytes, VIRTIO_NET_GSO_FRAME_MAX + 1, &offload),
                  VIRTIO_E_TOO_LONG);
    offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN;
    assert_result(virtio_net_send(&net, bytes, 3000, &offload), VIRTIO_E_NOT_SUPPORTED);
    offload.gso_type = VIRTIO_NET_HDR_GSO_UDP | VIRTIO_NET_HDR_GSO_ECN;
    assert_result(virtio_net_send(&net, bytes, 3000, &offload), VIRTIO_E_INVALID);
    offload.gso_type = VIRTIO_NET_HDR_GSO_UDP;
    assert_ok(virtio_net_send(&net, bytes, 3000, &offload));
    offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
    assert_result(virtio_net_send(&net, bytes, 3000, &offload), VIRTIO_E_NOT_SUPPORTED);
    offload.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
    assert_result(virtio_net_send(&net, bytes, 3000, &offload), VIRTIO_E_NOT_SUPPORTED);
    offload.gso_type = 2;
    assert_result(virtio_net_send(&net, bytes, 3000, &offload), VIRTIO_E_INVALID);
    offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    offload.flags = 0;
    assert_result(virtio_net_send(&net, bytes, 3000, &offload), VIRTIO_E_INVALID);
    stop();
    options.features_off = VIRTIO_NET_F_CSUM;
    assert_ok(virtio_net_start(&net, &net.device, &options));
    offload = (struct virtio_net_offload){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM};
    assert_result(virtio_net_send(&net, bytes, 100, &offload), VIRTIO_E_NOT_SUPPORTED);
    offload.flags = VIRTIO_NET_HDR_F_DATA_VALID; /* received so, and forwarded */
    assert_ok(virtio_net_send(&net, bytes, 100, &offload));
    assert_int_equal(fake.header.flags, 0);
    stop();
}

static void test_transmit_queue_is_used_whole(struct bench *bench)
{
    struct virtio_net_done done;
    unsigned count = 0;

    offer(bench, VIRTIO_NET_F_MAC);
    options.transmit_buffers = 0;
    assert_ok(start(bench));
    fake.silent = true;
    while (virtio_net_submit(&net, 0, bytes, 60, NULL, bytes + count) == VIRTIO_OK)
        count++;
    assert_true(count >= net.pairs[0].transmit.size / 2u);
    assert_result(virtio_net_submit(&net, 0, bytes, 60, NULL, NULL), VIRTIO_E_FULL);
    assert_result(virtio_net_send(&net, bytes, 60, NULL), VIRTIO_E_FULL);
    assert_int_equal(net.pairs[0].in_flight, count);
    assert_int_equal(fake.sent, 0);
    assert_ok(virtio_net_kick(&net, 0));
    assert_int_equal(bench->fake.queues[1].notifications, 1);
    assert_int_equal(fake.sent, count);
    assert_result(virtio_net_reap(&net, 0, &done), 0);
    assert_result(virtio_net_wait(&net, 0, &done, 100), VIRTIO_E_TIMEOUT);
    fake_net_work(&fake);
    for (unsigned i = 0; i < count; i++) {
        assert_result(virtio_net_reap(&net, 0, &done), 1);
        assert_ok(done.error);
        assert_ptr_equal(done.cookie, bytes + i);
    }
    assert_result(virtio_net_reap(&net, 0, &done), 0);
    assert_result(virtio_net_wait(&net, 0, &done, 100), VIRTIO_E_STATE);
    stop();
}

static void test_buffers_that_cannot_be_mapped(struct bench *bench)
{
    begin(bench, VIRTIO_NET_F_MAC);
    bench->host.map_limit = 50;
    assert_result(virtio_net_send(&net, bytes, 60, NULL), VIRTIO_E_MAP);
    assert_result(virtio_net_submit(&net, 0, bytes, 60, NULL, NULL), VIRTIO_E_MAP);
    bench->host.map_limit = 0;
    for (unsigned i = 0; i < 20; i++) /* no slot was lost */
        assert_ok(virtio_net_send(&net, bytes, 60, NULL));
    stop();
}

/* A host that maps a part only, and then no other frame: stopping must not unmap it a second time. */
static void test_stop_after_a_frame_that_could_not_be_mapped(struct bench *bench)
{
    begin(bench, VIRTIO_NET_F_MAC);
    bench->host.map_limit = 50;
    assert_result(virtio_net_submit(&net, 0, bytes, 60, NULL, NULL), VIRTIO_E_MAP);
    stop();
}

/* What was never started is refused by every call; it has no host, even. */
static void test_calls_before_the_start(struct bench *bench)
{
    static struct virtio_net idle;
    struct virtio_net_frame frame;
    struct virtio_net_done done;

    (void)bench;
    assert_result(virtio_net_wait_receive(&idle, 0, &frame, 1000), VIRTIO_E_STATE);
    assert_result(virtio_net_receive(&idle, 0, &frame), VIRTIO_E_STATE);
    assert_result(virtio_net_wait(&idle, 0, &done, 1000), VIRTIO_E_STATE);
    assert_result(virtio_net_reap(&idle, 0, &done), VIRTIO_E_STATE);
    assert_result(virtio_net_send(&idle, bytes, 60, NULL), VIRTIO_E_STATE);
    assert_result(virtio_net_submit(&idle, 0, bytes, 60, NULL, NULL), VIRTIO_E_STATE);
}

static void test_checksum_in_software(struct bench *bench)
{
    uint8_t frame[64] = {0};
    struct virtio_net_offload offload = {.flags = 3, .csum_start = 20, .csum_offset = 2};

    (void)bench;
    frame[20] = 0x01;
    frame[21] = 0x02;
    frame[24] = 0xff;
    assert_ok(virtio_net_finish_checksum(frame, 25, &offload)); /* 0102 + ff00 = 1 0002 -> 0003 */
    assert_int_equal(frame[22], 0xff);
    assert_int_equal(frame[23], 0xfc);
    assert_int_equal(offload.flags, VIRTIO_NET_HDR_F_DATA_VALID);
    assert_ok(virtio_net_finish_checksum(frame, 25, &offload));
    assert_int_equal(frame[23], 0xfc); /* nothing left to do */
    memset(frame, 0, sizeof(frame));
    frame[24] = 0xff;
    frame[25] = 0xff;
    offload.flags = 1;
    assert_ok(virtio_net_finish_checksum(frame, 26, &offload));
    assert_int_equal(frame[22], 0xff); /* never 0 */
    assert_int_equal(frame[23], 0xff);
    offload.flags = 1;
    assert_result(virtio_net_finish_checksum(frame, 23, &offload), VIRTIO_E_INVALID);
    offload.gso_type = 1;
    assert_result(virtio_net_finish_checksum(frame, 64, &offload), VIRTIO_E_INVALID);
}

/* ---- Commands ---- */

static void expect_command(uint8_t class, uint8_t command, const void *data, uint32_t length)
{
    assert_int_equal(fake.class, class);
    assert_int_equal(fake.command, command);
    assert_int_equal(fake.data_length, length);
    if (length != 0)
        assert_memory_equal(fake.data, data, length);
}

static void test_commands(struct bench *bench)
{
    static const uint8_t table[] = {2, 0, 0, 0, 2, 1, 1, 1, 1, 1, 2, 2, 2,
                                    2, 2, 2, 1, 0, 0, 0, 3, 3, 3, 3, 3, 3};
    uint8_t many[VIRTIO_NET_MAC_TABLE_MAX * 6] = {0};

    offer(bench, CONTROL | VIRTIO_NET_F_MAC);
    options.vlan_filter = true;
    assert_ok(start(bench));
    for (unsigned mode = 0; mode < 6; mode++) {
        assert_ok(virtio_net_set_receive_mode(&net, (enum virtio_net_receive_mode)mode, mode & 1));
        expect_command(0, (uint8_t)mode, mode & 1 ? "\1" : "\0", 1);
    }
    assert_ok(virtio_net_set_mac_table(&net, table + 4, 2, table + 20, 1));
    expect_command(1, 0, table, sizeof(table));
    assert_ok(virtio_net_set_mac_table(&net, NULL, 0, NULL, 0));
    expect_command(1, 0, "\0\0\0\0\0\0\0", 8);
    assert_ok(virtio_net_set_mac_table(&net, many, VIRTIO_NET_MAC_TABLE_MAX, NULL, 0));
    assert_int_equal(fake.data_length, 8 + sizeof(many));
    assert_ok(virtio_net_set_mac(&net, table + 10));
    expect_command(1, 1, table + 10, 6);
    assert_memory_equal(net.mac, table + 10, 6);
    assert_ok(virtio_net_add_vlan(&net, 0xabc));
    expect_command(2, 0, "\xbc\x0a", 2);
    assert_ok(virtio_net_remove_vlan(&net, 4095));
    expect_command(2, 1, "\xff\x0f", 2);
    assert_ok(virtio_net_acknowledge_announce(&net));
    expect_command(3, 0, NULL, 0);
    assert_int_equal(fake.commands, 13);
    stop();
}

static void test_commands_that_are_refused(struct bench *bench)
{
    static const uint8_t group[6] = {1};
    static const uint8_t own[6] = {2};
    uint8_t mac[6];

    offer(bench, CONTROL | VIRTIO_NET_F_MAC);
    options.vlan_filter = true;
    assert_ok(start(bench));
    memcpy(mac, net.mac, 6);
    assert_result(virtio_net_set_receive_mode(&net, (enum virtio_net_receive_mode)6, true),
                  VIRTIO_E_INVALID);
    assert_result(virtio_net_set_mac(&net, group), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_mac_table(&net, group, 1, NULL, 0), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_mac_table(&net, NULL, 0, own, 1), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_mac_table(&net, NULL, 1, NULL, 0), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_mac_table(&net, own, 64, group, 1), VIRTIO_E_TOO_LONG);
    assert_result(virtio_net_add_vlan(&net, 4096), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_pairs(&net, 1), VIRTIO_E_NOT_SUPPORTED);
    assert_int_equal(fake.commands, 0);
    fake.ack = 1;
    assert_result(virtio_net_set_mac(&net, own), VIRTIO_E_IO);
    assert_memory_equal(net.mac, mac, 6);
    fake.ack = 2;
    assert_result(virtio_net_add_vlan(&net, 1), VIRTIO_E_RESPONSE);
    fake.ack = -1; /* nothing is written at all */
    assert_result(virtio_net_add_vlan(&net, 1), VIRTIO_E_RESPONSE);
    fake.ack = 0;
    assert_ok(virtio_net_add_vlan(&net, 1));
    fake.silent_control = true;
    assert_result(virtio_net_add_vlan(&net, 1), VIRTIO_E_TIMEOUT);
    assert_result(virtio_net_add_vlan(&net, 1), VIRTIO_E_STATE);
    stop();
}

static void test_commands_without_their_feature(struct bench *bench)
{
    static const uint8_t own[6] = {2, 0, 0, 0, 0, 9};

    begin(bench, VIRTIO_NET_F_MAC | VIRTIO_NET_F_CTRL_VQ);
    for (unsigned mode = 0; mode < 6; mode++)
        assert_result(virtio_net_set_receive_mode(&net, (enum virtio_net_receive_mode)mode, true),
                      VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_net_set_mac_table(&net, NULL, 0, NULL, 0), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_net_add_vlan(&net, 1), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_net_remove_vlan(&net, 1), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_net_acknowledge_announce(&net), VIRTIO_E_NOT_SUPPORTED);
    if (bench->legacy) {
        assert_ok(virtio_net_set_mac(&net, own));
        assert_memory_equal(bench->fake.config, own, 6);
    } else {
        assert_result(virtio_net_set_mac(&net, own), VIRTIO_E_NOT_SUPPORTED);
    }
    assert_int_equal(fake.commands, 0);
    stop();
}

/* ---- Several queues ---- */

static void test_several_pairs(struct bench *bench)
{
    struct virtio_net_frame frame;
    struct virtio_net_done done;

    offer(bench, VIRTIO_NET_F_MQ | VIRTIO_NET_F_CTRL_VQ);
    options.pairs = 3;
    assert_ok(start(bench));
    assert_int_equal(net.pair_count, 3);
    assert_int_equal(net.pairs_started, 3);
    expect_command(4, 0, "\3", 2);
    for (uint16_t pair = 0; pair < 3; pair++) {
        assert_ok(virtio_net_submit(&net, pair, bytes, 60, NULL, bytes + pair));
        assert_ok(virtio_net_kick(&net, pair));
        assert_int_equal(fake.sent_pair, pair);
        assert_int_equal(fake_net_give(&fake, pair, NULL, bytes, 60), 1);
        assert_result(virtio_net_receive(&net, pair, &frame), 1);
        assert_int_equal(frame.pair, pair);
        assert_ok(virtio_net_release(&net, &frame));
    }
    assert_result(virtio_net_submit(&net, 3, bytes, 60, NULL, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_net_kick(&net, 3), VIRTIO_E_INVALID);
    assert_result(virtio_net_reap(&net, 3, &done), VIRTIO_E_INVALID);
    assert_result(virtio_net_receive(&net, 3, &frame), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_pairs(&net, 0), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_pairs(&net, 4), VIRTIO_E_INVALID);
    assert_result(virtio_net_set_pairs(&net, 2), VIRTIO_E_BUSY);
    assert_result(virtio_net_reap(&net, 2, &done), 1);
    assert_ptr_equal(done.cookie, bytes + 2);
    assert_ok(virtio_net_set_pairs(&net, 2));
    assert_result(virtio_net_submit(&net, 2, bytes, 60, NULL, NULL), VIRTIO_E_INVALID);
    assert_ok(virtio_net_set_pairs(&net, 3));
    assert_ok(virtio_net_halt(&net));
    assert_result(virtio_net_drain(&net, &done), 1);
    assert_result(virtio_net_drain(&net, &done), 1);
    assert_result(virtio_net_drain(&net, &done), 0);
    stop();
}

static void test_pairs_that_the_device_refuses(struct bench *bench)
{
    offer(bench, VIRTIO_NET_F_MQ | VIRTIO_NET_F_CTRL_VQ);
    options.pairs = 64;
    fake.ack = 1;
    assert_ok(start(bench));
    assert_int_equal(net.pairs_started, FAKE_NET_PAIRS);
    assert_int_equal(net.pair_count, 1);
    assert_ok(virtio_net_send(&net, bytes, 60, NULL));
    stop();
    fake.silent_control = true;
    assert_result(virtio_net_start(&net, &net.device, &options), VIRTIO_E_TIMEOUT);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

/* ---- The link ---- */

static void test_link(struct bench *bench)
{
    struct virtio_net_link link;

    begin(bench, VIRTIO_NET_F_STATUS | VIRTIO_NET_F_GUEST_ANNOUNCE | VIRTIO_NET_F_CTRL_VQ |
                     VIRTIO_NET_F_SPEED_DUPLEX);
    assert_ok(virtio_net_read_link(&net, &link));
    assert_true(link.up && !link.announce);
    fake_device_change_config(&bench->fake, FAKE_NET_STATUS, "\2", 1);
    assert_ok(virtio_net_read_link(&net, &link));
    assert_true(!link.up && link.announce);
    if (!bench->legacy) {
        assert_int_equal(link.speed, 10000);
        assert_true(link.duplex_known && link.full_duplex);
        fake_device_change_config(&bench->fake, FAKE_NET_SPEED, "\0\0\0\x80\0", 5);
        assert_ok(virtio_net_read_link(&net, &link));
        assert_int_equal(link.speed, VIRTIO_NET_SPEED_UNKNOWN);
        assert_true(link.duplex_known && !link.full_duplex);
        fake_device_change_config(&bench->fake, FAKE_NET_DUPLEX, "\2", 1);
        assert_ok(virtio_net_read_link(&net, &link));
        assert_false(link.duplex_known);
    }
    stop();
    assert_result(virtio_net_read_link(&net, &link), VIRTIO_E_STATE);
}

static void test_p89_link_without_status(struct bench *bench)
{
    struct virtio_net_link link;

    begin(bench, 0);
    fake_device_set_config(&bench->fake, FAKE_NET_STATUS, 2, 2);
    assert_ok(virtio_net_read_link(&net, &link));
    assert_true(link.up && !link.announce && !link.duplex_known);
    assert_int_equal(link.speed, VIRTIO_NET_SPEED_UNKNOWN);
    stop();
}

/* ---- When things go wrong ---- */

static void test_p70_send_that_is_never_done(struct bench *bench)
{
    struct virtio_net_frame frame;
    struct virtio_net_done done;

    begin(bench, VIRTIO_NET_F_MAC);
    fake.silent = true;
    assert_int_equal(fake_net_give(&fake, 0, NULL, bytes, 60), 1);
    expect_frame(&frame, 60);
    assert_ok(virtio_net_submit(&net, 0, bytes, 60, NULL, &frame));
    assert_result(virtio_net_send(&net, bytes, 60, NULL), VIRTIO_E_TIMEOUT);
    assert_int_equal(net.device.state, VIRTIO_DEVICE_STOPPED);
    assert_memory_equal(frame.data, bytes, 60); /* still readable */
    assert_ok(virtio_net_release(&net, &frame));
    assert_result(virtio_net_send(&net, bytes, 60, NULL), VIRTIO_E_STATE);
    assert_result(virtio_net_drain(&net, &done), 1);
    assert_result(done.error, VIRTIO_E_RESET);
    assert_ptr_equal(done.cookie, &frame);
    assert_result(virtio_net_drain(&net, &done), 0);
    stop();
    frame.buffer = NULL;
    assert_result(virtio_net_release(&net, &frame), VIRTIO_E_INVALID);
}

static void test_device_that_wants_a_reset(struct bench *bench)
{
    struct virtio_net_frame frame;

    begin(bench, VIRTIO_NET_F_MAC);
    bench->device.timeout_us = 50000;
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    assert_result(virtio_net_wait_receive(&net, 0, &frame, 100000), VIRTIO_E_NEEDS_RESET);
    assert_result(virtio_net_receive(&net, 0, &frame), VIRTIO_E_NEEDS_RESET);
    assert_ok(virtio_net_halt(&net));
    stop();
    assert_ok(virtio_net_start(&net, &net.device, &options));
    assert_ok(virtio_net_send(&net, bytes, 60, NULL));
    stop();
}

static void test_device_that_is_gone(struct bench *bench)
{
    struct virtio_net_done done;

    begin(bench, VIRTIO_NET_F_MAC);
    fake.silent = true;
    assert_ok(virtio_net_submit(&net, 0, bytes, 60, NULL, bytes));
    assert_ok(virtio_net_kick(&net, 0));
    bench->fake.gone = true;
    assert_result(virtio_net_send(&net, bytes, 60, NULL), VIRTIO_E_GONE);
    assert_result(virtio_net_drain(&net, &done), 1);
    assert_ptr_equal(done.cookie, bytes);
    stop();
}

static void test_device_that_is_lost(struct bench *bench)
{
    struct virtio_net_done done;

    begin(bench, VIRTIO_NET_F_MAC);
    fake.silent = true;
    bench->fake.reset_polls = FAKE_FOR_EVER;
    assert_result(virtio_net_send(&net, bytes, 60, NULL), VIRTIO_E_BUSY);
    assert_result(virtio_net_drain(&net, &done), VIRTIO_E_BUSY);
    assert_result(virtio_net_stop(&net), VIRTIO_E_TIMEOUT);
    assert_non_null(net.pairs);
    bench->fake.reset_polls = 0;
    stop();
}

static void test_lying_rings(struct bench *bench)
{
    struct virtio_net_frame frame;
    struct virtio_net_done done;

    begin(bench, VIRTIO_NET_F_MAC);
    fake_queue_push_used(&bench->fake.queues[0], 200, 60);
    assert_result(virtio_net_receive(&net, 0, &frame), VIRTIO_E_BROKEN);
    assert_result(virtio_net_wait_receive(&net, 0, &frame, 100), VIRTIO_E_BROKEN);
    fake_queue_push_used(&bench->fake.queues[1], 200, 60);
    assert_result(virtio_net_reap(&net, 0, &done), VIRTIO_E_BROKEN);
    assert_result(virtio_net_send(&net, bytes, 60, NULL), VIRTIO_E_BROKEN);
    stop();
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
    fake_net_begin(&fake, &bench->fake, features);
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
    fake.pairs = 0;
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
    TEST(test_p87_used_length, BENCH_ALL),
    TEST(test_nonsense_only_does_not_hold_the_caller, BENCH_ALL),
    TEST(test_merged_frames, BENCH_HOSTS),
    TEST(test_parts_that_come_late, BENCH_ALL),
    TEST(test_wrong_number_of_buffers, BENCH_ALL),
    TEST(test_number_of_buffers_without_merging, BENCH_ALL),
    TEST(test_p88_checksums_nobody_asked_for, BENCH_ALL),
    TEST(test_p88_checksums_are_surfaced, BENCH_ALL),
    TEST(test_hdr_len_is_not_relied_on, BENCH_ALL),
    TEST(test_legacy_used_lengths_are_ignored, BENCH_LEGACY),
    TEST(test_large_frames, BENCH_ALL),
    TEST(test_p67_refill, BENCH_ALL),
    TEST(test_lengths_that_may_be_sent, BENCH_ALL),
    TEST(test_offloads_that_may_be_sent, BENCH_ALL),
    TEST(test_transmit_queue_is_used_whole, BENCH_ALL),
    TEST(test_buffers_that_cannot_be_mapped, BENCH_ALL),
    TEST(test_stop_after_a_frame_that_could_not_be_mapped, BENCH_ALL),
    TEST(test_calls_before_the_start, BENCH_ONE),
    TEST(test_checksum_in_software, BENCH_ONE),
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
