/* SPDX-License-Identifier: MIT */
/*
 * The network driver on the bench: a fake device, the driver for it, its options, and the bytes of a frame.
 *
 *     net_bench_begin(bench, VIRTIO_NET_F_MAC);   offer, attach and start, which must succeed; or
 *     net_bench_offer(bench, features);           a device, not started
 *     ... change net_options, net_fake, bench->fake ...
 *     assert_ok(net_bench_start(bench));
 *     net_bench_stop();
 */
#ifndef NET_BENCH_H
#define NET_BENCH_H

#include "bench.h"
#include "fake_net.h"

extern struct fake_net net_fake;
extern struct virtio_net net_driver;
extern struct virtio_net_options net_options;
extern uint8_t net_bytes[FAKE_NET_FRAME];

/** A device that offers these, options with eight buffers each way, and a frame's bytes. */
void net_bench_offer(struct bench *bench, uint64_t features);
/** @return what virtio_net_start returned. */
int net_bench_start(struct bench *bench);
void net_bench_begin(struct bench *bench, uint64_t features);
void net_bench_stop(void);

/** A frame is there, and holds `length` bytes of net_bytes. */
void net_bench_expect_frame(struct virtio_net_frame *frame, uint32_t length);
void net_bench_expect_nothing(void);

#endif
