/* SPDX-License-Identifier: MIT */
/*
 * The network driver: frames both ways, with their checksums, segments and lies.
 */
#include "net_bench.h"

#include <string.h>

#define ALL_FEATURES (UINT64_C(0xffffff) | UINT64_C(0xfffc) << 48)

/* ---- Received frames ---- */

/* A frame with this header is dropped, and its buffer goes back. */
static void expect_drop(const struct fake_net_header *header, uint32_t length)
{
    uint64_t dropped = net_driver.pairs[0].dropped;

    assert_true(fake_net_give(&net_fake, 0, header, net_bytes, length) > 0);
    net_bench_expect_nothing();
    assert_int_equal(net_driver.pairs[0].dropped, dropped + 1);
    assert_int_equal(fake_net_buffers(&net_fake, 0), net_driver.pairs[0].buffer_count);
}

static void test_p87_used_length(struct bench *bench)
{
    struct virtio_net_frame frame;
    uint32_t size;

    net_bench_begin(bench, VIRTIO_NET_F_MRG_RXBUF);
    size = fake_net_header_size(&net_fake);
    memset(net_bytes, 0, 12);
    fake_put(&bench->fake, net_bytes + 10, 2, 1); /* num_buffers */
    for (uint32_t written = 0; written < size + 14; written++) {
        assert_true(fake_net_use_buffer(&net_fake, 0, net_bytes, written, written));
        net_bench_expect_nothing();
        assert_int_equal(net_driver.pairs[0].dropped, written + 1);
    }
    assert_true(fake_net_use_buffer(&net_fake, 0, net_bytes, size + 14, size + 14));
    assert_result(virtio_net_receive(&net_driver, 0, &frame), 1);
    assert_int_equal(frame.length, 14);
    assert_memory_equal(frame.data, net_bytes + size, 14);
    assert_ok(virtio_net_release(&net_driver, &frame));
    assert_int_equal(fake_net_buffers(&net_fake, 0), 8);
    net_bench_stop();
}

static void test_nonsense_only_does_not_hold_the_caller(struct bench *bench)
{
    struct virtio_net_frame frame;

    net_bench_begin(bench, 0);
    assert_result(virtio_net_wait_receive(&net_driver, 0, &frame, 0), VIRTIO_E_INVALID);
    assert_result(virtio_net_wait_receive(&net_driver, 0, &frame, 500), VIRTIO_E_TIMEOUT);
    while (fake_net_use_buffer(&net_fake, 0, net_bytes, 3, 3))
        continue;
    assert_result(virtio_net_wait_receive(&net_driver, 0, &frame, 500), VIRTIO_E_TIMEOUT);
    assert_int_equal(net_driver.pairs[0].dropped, 8);
    net_bench_stop();
}

static void test_merged_frames(struct bench *bench)
{
    struct virtio_net_part part = {NULL, 0, NULL};
    struct virtio_net_frame frame;
    uint8_t two[2];
    unsigned parts = 0;

    net_bench_offer(bench, VIRTIO_NET_F_MRG_RXBUF);
    net_options.receive_buffer_size = 300;
    assert_ok(net_bench_start(bench));
    for (uint32_t length = 14; length <= 1514; length += 100) {
        assert_int_equal(fake_net_give(&net_fake, 0, NULL, net_bytes, length),
                         (length + 12 + 311) / 312);
        net_bench_expect_frame(&frame, length);
        assert_ok(virtio_net_release(&net_driver, &frame));
    }
    assert_int_equal(fake_net_give(&net_fake, 0, NULL, net_bytes, 1000), 4);
    net_bench_expect_frame(&frame, 1000);
    assert_int_equal(frame.part_length, 300);
    assert_int_equal(net_driver.pairs[0].held, 4);
    while (virtio_net_next_part(&frame, &part))
        parts++;
    assert_int_equal(parts, 4);
    assert_ok(virtio_net_copy(&frame, 299, two, 2)); /* across the parts */
    assert_memory_equal(two, net_bytes + 299, 2);
    assert_result(virtio_net_copy(&frame, 999, two, 2), VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_net_copy(&frame, 1001, two, 0), VIRTIO_E_OUT_OF_RANGE);
    assert_ok(virtio_net_release(&net_driver, &frame));
    assert_int_equal(net_driver.pairs[0].held, 0);
    expect_drop(NULL, 1600); /* longer than the MTU allows, in parts */
    net_bench_stop();
}

static void test_parts_that_come_late(struct bench *bench)
{
    struct virtio_net_frame frame;
    uint8_t head[312] = {0};

    fake_put(&bench->fake, head + 10, 2, 2);
    net_bench_offer(bench, VIRTIO_NET_F_MRG_RXBUF);
    net_options.receive_buffer_size = 300;
    assert_ok(net_bench_start(bench));
    memcpy(head + 12, net_bytes, 300);
    assert_true(fake_net_use_buffer(&net_fake, 0, head, 312, 312));
    net_bench_expect_nothing();
    net_bench_expect_nothing();
    assert_true(fake_net_use_buffer(&net_fake, 0, net_bytes + 300, 100, 100));
    net_bench_expect_frame(&frame, 400);
    assert_ok(virtio_net_release(&net_driver, &frame));
    net_bench_stop();
}

static void test_wrong_number_of_buffers(struct bench *bench)
{
    static const uint16_t wrong[] = {0, 9, 0xffff};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t head[74] = {0};
        struct virtio_net_frame frame;

        if (i == 0)
            net_bench_begin(bench, VIRTIO_NET_F_MRG_RXBUF);
        else
            assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
        fake_put(&bench->fake, head + 10, 2, wrong[i]);
        assert_true(fake_net_use_buffer(&net_fake, 0, head, sizeof(head), sizeof(head)));
        assert_result(virtio_net_receive(&net_driver, 0, &frame), VIRTIO_E_RESPONSE);
        assert_int_equal(fake_net_give(&net_fake, 0, NULL, net_bytes, 60), 1);
        assert_result(virtio_net_receive(&net_driver, 0, &frame), VIRTIO_E_RESPONSE);
        assert_ok(
            virtio_net_send(&net_driver, net_bytes, 60, NULL)); /* the other direction works on */
        net_bench_stop();
    }
}

static void test_number_of_buffers_without_merging(struct bench *bench)
{
    const struct fake_net_header header = {.num_buffers = 7};
    struct virtio_net_frame frame;

    net_bench_begin(bench, VIRTIO_NET_F_MAC); /* it must be 1, and is not looked at */
    assert_int_equal(fake_net_give(&net_fake, 0, &header, net_bytes, 60), 1);
    net_bench_expect_frame(&frame, 60);
    assert_ok(virtio_net_release(&net_driver, &frame));
    net_bench_stop();
}

static void test_p88_checksums_nobody_asked_for(struct bench *bench)
{
    const struct fake_net_header unfinished = {.flags = 1, .csum_start = 34, .csum_offset = 6};
    const struct fake_net_header segmented = {.gso_type = 1, .gso_size = 500};
    const struct fake_net_header valid = {.flags = 0xfe, .csum_start = 34};
    struct virtio_net_frame frame;

    net_bench_begin(bench, ALL_FEATURES);
    expect_drop(&unfinished, 100);
    expect_drop(&segmented, 100);
    assert_int_equal(fake_net_give(&net_fake, 0, &valid, net_bytes, 100), 1);
    net_bench_expect_frame(&frame, 100);
    assert_int_equal(frame.offload.flags, 0);
    assert_int_equal(frame.offload.csum_start, 0);
    assert_ok(virtio_net_release(&net_driver, &frame));
    expect_drop(NULL, 1519);
    net_bench_stop();
}

static void test_p88_checksums_are_surfaced(struct bench *bench)
{
    struct fake_net_header header = {.flags = 0xfd, .csum_start = 34, .csum_offset = 6};
    struct virtio_net_frame frame;

    net_bench_offer(bench, VIRTIO_NET_F_GUEST_CSUM);
    net_options.receive_offloads = VIRTIO_NET_F_GUEST_CSUM;
    assert_ok(net_bench_start(bench));
    assert_int_equal(fake_net_give(&net_fake, 0, &header, net_bytes, 42), 1);
    net_bench_expect_frame(&frame, 42);
    assert_int_equal(frame.offload.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(frame.offload.csum_start, 34);
    assert_int_equal(frame.offload.csum_offset, 6);
    assert_ok(virtio_net_release(&net_driver, &frame));
    expect_drop(&header, 41); /* the checksum is behind the end */
    header.csum_start = 0xffff;
    header.csum_offset = 0xffff;
    expect_drop(&header, 1514);
    header.flags = 2;
    assert_int_equal(fake_net_give(&net_fake, 0, &header, net_bytes, 60), 1);
    net_bench_expect_frame(&frame, 60);
    assert_int_equal(frame.offload.flags, VIRTIO_NET_HDR_F_DATA_VALID);
    assert_int_equal(frame.offload.csum_start, 0);
    assert_ok(virtio_net_release(&net_driver, &frame));
    header.flags = 0;
    header.gso_type = 1;
    expect_drop(&header, 60); /* segments were not agreed on */
    net_bench_stop();
}

/* hdr_len is a hint: whatever it says, the frame is the same, and is all there. */
static void test_hdr_len_is_not_relied_on(struct bench *bench)
{
    static const uint16_t lengths[] = {0, 1, 54, 0x7fff, 0xffff};
    struct fake_net_header header = {
        .flags = 1, .csum_start = 34, .csum_offset = 16, .gso_type = 1, .gso_size = 1448};
    struct virtio_net_frame frame;

    net_bench_offer(bench, VIRTIO_NET_F_MRG_RXBUF | (VIRTIO_NET_RECEIVE_OFFLOADS & UINT32_MAX));
    net_options.receive_offloads = VIRTIO_NET_RECEIVE_OFFLOADS;
    net_options.receive_buffers = 32;
    assert_ok(net_bench_start(bench));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        header.hdr_len = lengths[i];
        assert_true(fake_net_give(&net_fake, 0, &header, net_bytes, 3000) > 0);
        net_bench_expect_frame(&frame, 3000);
        assert_int_equal(frame.offload.gso_size, 1448);
        assert_int_equal(frame.offload.csum_start, 34);
        assert_ok(virtio_net_release(&net_driver, &frame));
    }
    assert_int_equal(net_driver.pairs[0].dropped, 0);
    net_bench_stop();
}

/* Legacy devices leave anything in the used lengths of the queues from which they only read. */
static void test_legacy_used_lengths_are_ignored(struct bench *bench)
{
    static const unsigned lies[] = {0, 1, 60, 1514, 0x10000, UINT32_MAX - 1};

    net_bench_begin(bench, VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        net_fake.lie = lies[i];
        for (unsigned n = 0; n < 20; n++)
            assert_ok(virtio_net_send(&net_driver, net_bytes, 60, NULL));
        assert_ok(virtio_net_set_receive_mode(&net_driver, (enum virtio_net_receive_mode)0, true));
    }
    assert_int_equal(net_fake.sent, 20 * sizeof(lies) / sizeof(lies[0]));
    net_bench_stop();
}

static void test_large_frames(struct bench *bench)
{
    struct fake_net_header header = {
        .flags = 1, .csum_start = 34, .csum_offset = 16, .gso_size = 1448, .hdr_len = 66};
    static const uint8_t good[] = {1, 4, 0x81, 0x84, 3};
    static const uint8_t bad[] = {2, 5, 0x80, 0x83, 0x21, 0x41};
    struct virtio_net_frame frame;

    net_bench_offer(bench, VIRTIO_NET_F_MRG_RXBUF | (VIRTIO_NET_RECEIVE_OFFLOADS & UINT32_MAX));
    net_options.receive_offloads = VIRTIO_NET_RECEIVE_OFFLOADS;
    net_options.receive_buffers = 32;
    assert_ok(net_bench_start(bench));
    assert_int_equal(net_driver.buffer_size, VIRTIO_NET_BUFFER_MAX);
    for (size_t i = 0; i < sizeof(good); i++) {
        header.gso_type = good[i];
        assert_true(fake_net_give(&net_fake, 0, &header, net_bytes, VIRTIO_NET_GSO_FRAME_MAX) > 1);
        net_bench_expect_frame(&frame, VIRTIO_NET_GSO_FRAME_MAX);
        assert_int_equal(frame.offload.gso_type, good[i]);
        assert_int_equal(frame.offload.gso_size, 1448);
        assert_int_equal(frame.offload.hdr_len, 66);
        assert_ok(virtio_net_release(&net_driver, &frame));
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
    net_bench_stop();
}

/* Refilled in batches, and at once when the device has next to nothing left. */
static void test_p67_refill(struct bench *bench)
{
    struct virtio_net_frame held[8];
    uint64_t before;

    net_bench_offer(bench, VIRTIO_NET_F_MAC);
    net_options.receive_buffers = 64;
    assert_ok(net_bench_start(bench));
    before = bench->fake.queues[0].notifications;
    for (unsigned i = 0; i < 640; i++) {
        assert_int_equal(fake_net_give(&net_fake, 0, NULL, net_bytes, 60), 1);
        net_bench_expect_frame(&held[0], 60);
        assert_ok(virtio_net_release(&net_driver, &held[0]));
        assert_true(fake_net_buffers(&net_fake, 0) >= 48);
    }
    assert_true(bench->fake.queues[0].notifications - before <= 80);
    net_bench_expect_nothing();
    assert_int_equal(fake_net_buffers(&net_fake, 0), 64);
    net_bench_stop();
    net_options.receive_buffers = 8;
    assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(fake_net_give(&net_fake, 0, NULL, net_bytes, 60), 1);
        assert_result(virtio_net_receive(&net_driver, 0, &held[i]), 1);
    }
    assert_int_equal(fake_net_give(&net_fake, 0, NULL, net_bytes, 60), 0);
    assert_result(virtio_net_wait_receive(&net_driver, 0, &held[0], 100), VIRTIO_E_FULL);
    for (unsigned i = 0; i < 8; i++) {
        assert_ok(virtio_net_release(&net_driver, &held[i]));
        assert_int_equal(fake_net_buffers(&net_fake, 0), i + 1);
    }
    net_bench_stop();
}

/* ---- Frames that are sent ---- */

static void test_lengths_that_may_be_sent(struct bench *bench)
{
    net_bench_begin(bench, VIRTIO_NET_F_MTU);
    assert_result(virtio_net_send(&net_driver, net_bytes, 0, NULL), VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_net_send(&net_driver, net_bytes, 13, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_net_send(&net_driver, NULL, 60, NULL), VIRTIO_E_INVALID);
    assert_ok(virtio_net_send(&net_driver, net_bytes, 14, NULL));
    assert_ok(virtio_net_send(&net_driver, net_bytes, 1514, NULL));
    assert_result(virtio_net_send(&net_driver, net_bytes, 1515, NULL), VIRTIO_E_TOO_LONG);
    net_bytes[12] = 0x81;
    assert_ok(virtio_net_send(&net_driver, net_bytes, 1518, NULL));
    assert_result(virtio_net_send(&net_driver, net_bytes, 1519, NULL), VIRTIO_E_TOO_LONG);
    net_bytes[12] = 0x88;
    net_bytes[13] = 0xa8;
    assert_result(virtio_net_send(&net_driver, net_bytes, 1519, NULL), VIRTIO_E_TOO_LONG);
    net_bench_stop();
    net_options.mtu = 1000;
    assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
    assert_int_equal(net_driver.mtu, 1000);
    net_bytes[12] = 0;
    assert_result(virtio_net_send(&net_driver, net_bytes, 1015, NULL), VIRTIO_E_TOO_LONG);
    net_bench_stop();
    net_options.mtu = 9000;
    assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
    assert_int_equal(net_driver.mtu, 1500); /* the device knows better */
    net_bench_stop();
}

static void test_offloads_that_may_be_sent(struct bench *bench)
{
    struct virtio_net_offload offload = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM |
                                                  VIRTIO_NET_HDR_F_DATA_VALID,
                                         .csum_start = 34,
                                         .csum_offset = 16};

    net_bench_begin(bench, VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_UFO);
    assert_ok(virtio_net_send(&net_driver, net_bytes, 100, &offload));
    assert_int_equal(net_fake.header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(net_fake.header.csum_start, 34);
    assert_int_equal(net_fake.header.csum_offset, 16);
    assert_result(virtio_net_send(&net_driver, net_bytes, 51, &offload), VIRTIO_E_INVALID);
    offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    assert_result(virtio_net_send(&net_driver, net_bytes, 60000, &offload), VIRTIO_E_INVALID);
    offload.gso_size = 1448;
    offload.hdr_len = 54;
    assert_ok(virtio_net_send(&net_driver, net_bytes, VIRTIO_NET_GSO_FRAME_MAX, &offload));
    assert_int_equal(net_fake.header.gso_type, 1);
    assert_int_equal(net_fake.header.gso_size, 1448);
    assert_int_equal(net_fake.header.hdr_len, 54);
    assert_int_equal(net_fake.length, VIRTIO_NET_GSO_FRAME_MAX);
    assert_memory_equal(net_fake.frame, net_bytes, VIRTIO_NET_GSO_FRAME_MAX);
    assert_result(virtio_net_send(&net_driver, net_bytes, VIRTIO_NET_GSO_FRAME_MAX + 1, &offload),
                  VIRTIO_E_TOO_LONG);
    offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN;
    assert_result(virtio_net_send(&net_driver, net_bytes, 3000, &offload), VIRTIO_E_NOT_SUPPORTED);
    offload.gso_type = VIRTIO_NET_HDR_GSO_UDP | VIRTIO_NET_HDR_GSO_ECN;
    assert_result(virtio_net_send(&net_driver, net_bytes, 3000, &offload), VIRTIO_E_INVALID);
    offload.gso_type = VIRTIO_NET_HDR_GSO_UDP;
    assert_ok(virtio_net_send(&net_driver, net_bytes, 3000, &offload));
    offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
    assert_result(virtio_net_send(&net_driver, net_bytes, 3000, &offload), VIRTIO_E_NOT_SUPPORTED);
    offload.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
    assert_result(virtio_net_send(&net_driver, net_bytes, 3000, &offload), VIRTIO_E_NOT_SUPPORTED);
    offload.gso_type = 2;
    assert_result(virtio_net_send(&net_driver, net_bytes, 3000, &offload), VIRTIO_E_INVALID);
    offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    offload.flags = 0;
    assert_result(virtio_net_send(&net_driver, net_bytes, 3000, &offload), VIRTIO_E_INVALID);
    net_bench_stop();
    net_options.features_off = VIRTIO_NET_F_CSUM;
    assert_ok(virtio_net_start(&net_driver, &net_driver.device, &net_options));
    offload = (struct virtio_net_offload){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM};
    assert_result(virtio_net_send(&net_driver, net_bytes, 100, &offload), VIRTIO_E_NOT_SUPPORTED);
    offload.flags = VIRTIO_NET_HDR_F_DATA_VALID; /* received so, and forwarded */
    assert_ok(virtio_net_send(&net_driver, net_bytes, 100, &offload));
    assert_int_equal(net_fake.header.flags, 0);
    net_bench_stop();
}

static void test_transmit_queue_is_used_whole(struct bench *bench)
{
    struct virtio_net_done done;
    unsigned count = 0;

    net_bench_offer(bench, VIRTIO_NET_F_MAC);
    net_options.transmit_buffers = 0;
    assert_ok(net_bench_start(bench));
    net_fake.silent = true;
    while (virtio_net_submit(&net_driver, 0, net_bytes, 60, NULL, net_bytes + count) == VIRTIO_OK)
        count++;
    assert_true(count >= net_driver.pairs[0].transmit.size / 2u);
    assert_result(virtio_net_submit(&net_driver, 0, net_bytes, 60, NULL, NULL), VIRTIO_E_FULL);
    assert_result(virtio_net_send(&net_driver, net_bytes, 60, NULL), VIRTIO_E_FULL);
    assert_int_equal(net_driver.pairs[0].in_flight, count);
    assert_int_equal(net_fake.sent, 0);
    assert_ok(virtio_net_kick(&net_driver, 0));
    assert_int_equal(bench->fake.queues[1].notifications, 1);
    assert_int_equal(net_fake.sent, count);
    assert_result(virtio_net_reap(&net_driver, 0, &done), 0);
    assert_result(virtio_net_wait(&net_driver, 0, &done, 100), VIRTIO_E_TIMEOUT);
    fake_net_work(&net_fake);
    for (unsigned i = 0; i < count; i++) {
        assert_result(virtio_net_reap(&net_driver, 0, &done), 1);
        assert_ok(done.error);
        assert_ptr_equal(done.cookie, net_bytes + i);
    }
    assert_result(virtio_net_reap(&net_driver, 0, &done), 0);
    assert_result(virtio_net_wait(&net_driver, 0, &done, 100), VIRTIO_E_STATE);
    net_bench_stop();
}

static void test_buffers_that_cannot_be_mapped(struct bench *bench)
{
    net_bench_begin(bench, VIRTIO_NET_F_MAC);
    bench->host.map_limit = 50;
    assert_result(virtio_net_send(&net_driver, net_bytes, 60, NULL), VIRTIO_E_MAP);
    assert_result(virtio_net_submit(&net_driver, 0, net_bytes, 60, NULL, NULL), VIRTIO_E_MAP);
    bench->host.map_limit = 0;
    for (unsigned i = 0; i < 20; i++) /* no slot was lost */
        assert_ok(virtio_net_send(&net_driver, net_bytes, 60, NULL));
    net_bench_stop();
}

/* A host that maps a part only, and then no other frame: stopping must not unmap it a second time. */
static void test_stop_after_a_frame_that_could_not_be_mapped(struct bench *bench)
{
    net_bench_begin(bench, VIRTIO_NET_F_MAC);
    bench->host.map_limit = 50;
    assert_result(virtio_net_submit(&net_driver, 0, net_bytes, 60, NULL, NULL), VIRTIO_E_MAP);
    net_bench_stop();
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
    assert_result(virtio_net_send(&idle, net_bytes, 60, NULL), VIRTIO_E_STATE);
    assert_result(virtio_net_submit(&idle, 0, net_bytes, 60, NULL, NULL), VIRTIO_E_STATE);
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

static const struct bench_test tests[] = {
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
};

BENCH_MAIN_RINGS(tests)
