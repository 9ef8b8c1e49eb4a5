/* SPDX-License-Identifier: MIT */
/*
 * Each driver, and a device of its type that offers all 64 features: what is taken are those that the library
 * implements (the rule feature-not-implemented holds all drivers to it), and something is.
 */
#include "bench.h"

#include "fake_9p.h"
#include "fake_balloon.h"
#include "fake_blk.h"
#include "fake_console.h"
#include "fake_gpu.h"
#include "fake_input.h"
#include "fake_net.h"
#include "fake_rng.h"
#include "fake_scsi.h"

#include <stdlib.h>
#include <string.h>

/* Configuration space that has every field, and everything in reach. */
static void offer_all(struct bench *bench)
{
    bench->fake.features = UINT64_MAX;
    bench->fake.config_size = FAKE_CONFIG_SIZE;
    bench->fake.config_widths = NULL;
    bench->fake.queue_count = FAKE_QUEUES;
    for (unsigned i = 0; i < FAKE_QUEUES; i++)
        bench->fake.queues[i].maximum = 16;
    bench_attach(bench);
    bench->device.timeout_us = 2000;
}

/* Whether the driver can start on such a device at all is for its own tests to say. */
static void check_taken(struct bench *bench)
{
    uint64_t implemented = fake_features_implemented(bench->fake.type);
    uint64_t taken = bench->fake.features_taken;

    assert_int_equal(taken & ~implemented, 0);
    assert_true((taken & VIRTIO_F_INDIRECT_DESC) != 0);
    assert_int_equal(bench->host.violation_count, 0);
}

#define OFFER(name, fake_type, driver_type, begin, start, stop, end)                               \
    static void test_##name##_takes_what_it_implements(struct bench *bench)                        \
    {                                                                                              \
        fake_type *fake = calloc(1, sizeof(*fake));                                                \
        driver_type *driver = calloc(1, sizeof(*driver));                                          \
                                                                                                   \
        assert_non_null(fake);                                                                     \
        assert_non_null(driver);                                                                   \
        begin;                                                                                     \
        offer_all(bench);                                                                          \
        (void)(start);                                                                             \
        check_taken(bench);                                                                        \
        assert_ok(stop);                                                                           \
        end;                                                                                       \
        free(driver);                                                                              \
        free(fake);                                                                                \
    }

OFFER(rng, struct fake_rng, struct virtio_rng, fake_rng_begin(fake, &bench->fake),
      virtio_rng_start(driver, &bench->device), virtio_rng_stop(driver), (void)0)
OFFER(blk, struct fake_blk, struct virtio_blk, fake_blk_begin(fake, &bench->fake, 64),
      virtio_blk_start(driver, &bench->device), virtio_blk_stop(driver), fake_blk_end(fake))
OFFER(console, struct fake_console, struct virtio_console,
      fake_console_begin(fake, &bench->fake, 2), virtio_console_start(driver, &bench->device),
      virtio_console_stop(driver), (void)0)
OFFER(input, struct fake_input, struct virtio_input, fake_input_begin(fake, &bench->fake, 2, 16),
      virtio_input_start(driver, &bench->device), virtio_input_stop(driver), (void)0)
OFFER(net, struct fake_net, struct virtio_net, fake_net_begin(fake, &bench->fake, 0),
      virtio_net_start(driver, &bench->device, NULL), virtio_net_stop(driver), (void)0)
OFFER(gpu, struct fake_gpu, struct virtio_gpu, fake_gpu_begin(fake, &bench->fake, 1),
      virtio_gpu_start(driver, &bench->device, NULL), virtio_gpu_stop(driver), (void)0)
OFFER(scsi, struct fake_scsi, struct virtio_scsi, fake_scsi_begin(fake, &bench->fake),
      virtio_scsi_start(driver, &bench->device, NULL), virtio_scsi_stop(driver), (void)0)
OFFER(9p, struct fake_9p, struct virtio_9p, fake_9p_begin(fake, &bench->fake, "share"),
      virtio_9p_start(driver, &bench->device), virtio_9p_stop(driver), fake_9p_end(fake))

OFFER(balloon, struct fake_balloon, struct virtio_balloon,
      fake_balloon_begin(fake, &bench->fake, 0), virtio_balloon_start(driver, &bench->device, NULL),
      virtio_balloon_stop(driver), (void)0)

static const struct bench_test tests[] = {
    TEST(test_rng_takes_what_it_implements, BENCH_ALL),
    TEST(test_blk_takes_what_it_implements, BENCH_ALL),
    TEST(test_console_takes_what_it_implements, BENCH_ALL),
    TEST(test_input_takes_what_it_implements, BENCH_ALL),
    TEST(test_net_takes_what_it_implements, BENCH_ALL),
    TEST(test_gpu_takes_what_it_implements, BENCH_ALL),
    TEST(test_scsi_takes_what_it_implements, BENCH_ALL),
    TEST(test_9p_takes_what_it_implements, BENCH_ALL),
    TEST(test_balloon_takes_what_it_implements, BENCH_ALL),
};

BENCH_MAIN(tests)
