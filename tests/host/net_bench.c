/* SPDX-License-Identifier: MIT */
/*
 * The network driver on the bench.
 */
#include "net_bench.h"

#include <string.h>

struct fake_net net_fake;
struct virtio_net net_driver;
struct virtio_net_options net_options;
uint8_t net_bytes[FAKE_NET_FRAME];

void net_bench_offer(struct bench *bench, uint64_t features)
{
    fake_net_begin(&net_fake, &bench->fake, features);
    memset(&net_options, 0, sizeof(net_options));
    net_options.receive_buffers = 8;
    net_options.transmit_buffers = 8;
    for (size_t i = 0; i < sizeof(net_bytes); i++)
        net_bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    net_bytes[12] = 0x08;
    net_bytes[13] = 0x00;
}

int net_bench_start(struct bench *bench)
{
    bench_attach(bench);
    bench->device.timeout_us = 2000;
    return virtio_net_start(&net_driver, &bench->device, &net_options);
}

void net_bench_begin(struct bench *bench, uint64_t features)
{
    net_bench_offer(bench, features);
    assert_ok(net_bench_start(bench));
}

void net_bench_stop(void)
{
    assert_ok(virtio_net_stop(&net_driver));
    assert_null(net_driver.pairs);
}

void net_bench_expect_frame(struct virtio_net_frame *frame, uint32_t length)
{
    static uint8_t copy[FAKE_NET_FRAME];

    assert_result(virtio_net_receive(&net_driver, 0, frame), 1);
    assert_int_equal(frame->length, length);
    assert_ok(virtio_net_copy(frame, 0, copy, length));
    assert_memory_equal(copy, net_bytes, length);
}

void net_bench_expect_nothing(void)
{
    struct virtio_net_frame frame;

    assert_result(virtio_net_receive(&net_driver, 0, &frame), 0);
}
