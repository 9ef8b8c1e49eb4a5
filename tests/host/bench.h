/* SPDX-License-Identifier: MIT */
/*
 * The bench that host unit tests run on: a fake host, one fake device behind one of the transports, and
 * the library's device and queues for it. A test is a function of a bench; the bench checks for
 * leaks and broken rules after it.
 *
 *     static void test_p63_zero_length_buffer_is_refused(struct bench *bench)
 *     {
 *         bench_start(bench, 8);                       from found to ready, queue 0 of 8
 *         ... bench->queues[0], bench->fake ...
 *         bench_stop(bench);                           everything given back
 *     }
 *
 *     static const struct bench_test tests[] = {
 *         TEST(test_p63_zero_length_buffer_is_refused, BENCH_ALL),
 *     };
 *     BENCH_MAIN(tests)
 *
 * A test is run once for each profile that it names; the profile is part of its name in the TAP output. With
 * BENCH_MAIN_RINGS each is run on each of them with every kind of ring, as far as the transport has it: split
 * and packed, with and without event indices and tables, in order or not. A test that is about one kind only
 * says so (BENCH_SPLIT), and one that wants no matter which by BENCH_MAIN gets a plain split ring.
 * One test alone: `CMOCKA_TEST_FILTER='*p63*' build/host/gcc-64/test_queue` (see bench_main).
 */
#ifndef BENCH_H
#define BENCH_H

#include "fake_device.h"
#include "fake_host.h"
#include "fake_mmio.h"
#include "fake_pci.h"
#include "fake_queue.h"
#include "fake_virtio_pci.h"
#include "test.h"

#include <virtio/virtio.h>

/** On what a test is run; a set of bits. */
enum bench_profiles {
    BENCH_PCI_LEGACY = 1 << 0,
    BENCH_PCI_MODERN = 1 << 1,
    BENCH_MMIO_1 = 1 << 2,
    BENCH_MMIO_2 = 1 << 3,
    BENCH_IDENTITY = 1 << 4, /* modern PCI on a host with neither map nor sync */
    BENCH_SYNC = 1 << 5,     /* mmio 2 on a host with sync and without map */
    BENCH_WINDOW = 1 << 6,   /* modern PCI through the window in configuration space */
    BENCH_WATCHED = 1 << 7,  /* modern PCI, and each access to a ring is seen */

    BENCH_ONE = BENCH_PCI_MODERN, /* for what does not depend on it */
    BENCH_LEGACY = BENCH_PCI_LEGACY | BENCH_MMIO_1,
    BENCH_MODERN = BENCH_PCI_MODERN | BENCH_MMIO_2 | BENCH_WINDOW,
    BENCH_PCI = BENCH_PCI_LEGACY | BENCH_PCI_MODERN | BENCH_WINDOW,
    BENCH_MMIO = BENCH_MMIO_1 | BENCH_MMIO_2,
    BENCH_ALL = BENCH_LEGACY | BENCH_MODERN,
    BENCH_HOSTS = BENCH_ALL | BENCH_IDENTITY | BENCH_SYNC,

    /* On which rings; none: what the file's BENCH_MAIN says. */
    BENCH_SPLIT = 1 << 16,
    BENCH_SPLIT_EVENT = 1 << 17, /* with EVENT_IDX and INDIRECT_DESC */
    BENCH_SPLIT_IN_ORDER = 1 << 18,
    BENCH_PACKED = 1 << 19,
    BENCH_PACKED_EVENT = 1 << 20,
    BENCH_PACKED_IN_ORDER = 1 << 21,
    BENCH_SPLIT_RINGS = BENCH_SPLIT | BENCH_SPLIT_EVENT | BENCH_SPLIT_IN_ORDER,
    BENCH_OUT_OF_ORDER = BENCH_SPLIT | BENCH_SPLIT_EVENT | BENCH_PACKED | BENCH_PACKED_EVENT,
    BENCH_RINGS = BENCH_OUT_OF_ORDER | BENCH_SPLIT_IN_ORDER | BENCH_PACKED_IN_ORDER
};

#define BENCH_MMIO_ADDRESS UINT64_C(0x10001000)

struct bench {
    unsigned profile; /* one bit of enum bench_profiles */
    unsigned ring;    /* the same, of the rings */
    bool legacy;      /* it is one of BENCH_LEGACY */
    struct fake_host host;
    struct fake_device fake;
    struct fake_pci pci;
    struct fake_virtio_pci front; /* of PCI profiles */
    struct fake_mmio mmio;        /* of mmio profiles */
    bool attached;
    bool has_pci;

    struct virtio_device device;
    struct virtio_features wanted; /* for bench_begin; nothing by default */
    struct virtio_queue queues[4];
    void *spied;                 /* for a test's own use */
    struct virtio_shared shared; /* 64 KiB, between bench_start and bench_stop */
};

/** Put the fake device behind the profile's transport and find it with the library. Before that a test
 * may change bench->fake (type, features, queues, configuration space). */
void bench_attach(struct bench *bench);

/** bench_attach unless done, then virtio_device_begin, which must succeed. */
void bench_begin(struct bench *bench);

/** bench_begin, queue 0 with at most `size` entries, shared memory for buffers, DRIVER_OK. On legacy PCI the
 * device dictates `size`. */
void bench_start(struct bench *bench, uint16_t size);

/** Stop the device, tear the queues down, give back shared memory, end the device. */
void bench_stop(struct bench *bench);

/** Pull the device out, or put it back: all ones everywhere, configuration space included. */
void bench_unplug(struct bench *bench, bool gone);

/** Take a violation that the test provoked; it must be there. */
void bench_expect_violation(struct bench *bench, const char *rule);

/** Submit one chain on queue 0 without a kick: `readable` and `writable` bytes (either may be 0) at offset 0 and
 * 0x8000 of the shared memory. @return what virtio_submit returned. */
int bench_submit(struct bench *bench, uint32_t readable, uint32_t writable, void *cookie);

/** The same and a kick, and both must succeed. */
void bench_request(struct bench *bench, uint32_t readable, uint32_t writable, void *cookie);

/** A cookie that is a number. */
void *bench_cookie(uintptr_t number);

/** Reap one completion, which must be there, with this cookie; @return bytes written. */
uint32_t bench_reap(struct bench *bench, uintptr_t cookie);

struct bench_test {
    const char *name;
    void (*run)(struct bench *bench);
    unsigned profiles; /* and rings */
};

#define TEST(function, profiles)                                                                   \
    {                                                                                              \
#function, function, profiles                                                              \
    }

/** Run tests on their profiles, as TAP, those that name no ring on `rings`. The environment variable CMOCKA_TEST_FILTER, a pattern with * and ?,
 * chooses among them. @return the exit status. */
int bench_main(const struct bench_test *tests, size_t count, unsigned rings);

#define BENCH_MAIN_ON(tests, rings)                                                                \
    int main(void)                                                                                 \
    {                                                                                              \
        return bench_main(tests, sizeof(tests) / sizeof((tests)[0]), rings);                       \
    }

#define BENCH_MAIN(tests)       BENCH_MAIN_ON(tests, BENCH_SPLIT)
#define BENCH_MAIN_RINGS(tests) BENCH_MAIN_ON(tests, BENCH_RINGS)

#endif
