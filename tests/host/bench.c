/* SPDX-License-Identifier: MIT */
/*
 * The bench of the host unit tests.
 */
#include "bench.h"
#include "fake_watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define SHARED_SIZE 0x10000u
#define WRITABLE_AT 0x8000u

static const struct {
    unsigned bit;
    unsigned host_flags;
    const char *name;
} profiles[] = {
    {BENCH_PCI_LEGACY, FAKE_HOST_DEFAULT, "legacy PCI"},
    {BENCH_PCI_MODERN, FAKE_HOST_DEFAULT, "modern PCI"},
    {BENCH_MMIO_1, FAKE_HOST_DEFAULT, "mmio 1"},
    {BENCH_MMIO_2, FAKE_HOST_DEFAULT, "mmio 2"},
    {BENCH_IDENTITY, FAKE_HOST_IDENTITY, "modern PCI, identity-mapped"},
    {BENCH_SYNC, FAKE_HOST_SYNC, "mmio 2, not coherent"},
    {BENCH_WINDOW, FAKE_HOST_NATIVE, "PCI window"},
    {BENCH_WATCHED, FAKE_HOST_WATCH, "modern PCI, watched"},
};

#define PROFILES (sizeof(profiles) / sizeof(profiles[0]))

#define EVENT_AND_TABLES (VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

static const struct {
    unsigned bit;
    uint64_t features;
    const char *name; /* NULL: need not be said */
} rings[] = {
    {BENCH_SPLIT, 0, NULL},
    {BENCH_SPLIT_EVENT, EVENT_AND_TABLES, "split, event, tables"},
    {BENCH_SPLIT_IN_ORDER, VIRTIO_F_IN_ORDER | EVENT_AND_TABLES, "split, in order"},
    {BENCH_PACKED, VIRTIO_F_RING_PACKED, "packed"},
    {BENCH_PACKED_EVENT, VIRTIO_F_RING_PACKED | EVENT_AND_TABLES, "packed, event, tables"},
    {BENCH_PACKED_IN_ORDER, VIRTIO_F_RING_PACKED | VIRTIO_F_IN_ORDER | EVENT_AND_TABLES,
     "packed, in order"},
};

#define RINGS (sizeof(rings) / sizeof(rings[0]))

/* Attaching ------------------------------------------------------------------------------------- */

static void attach_pci(struct bench *bench)
{
    struct virtio_pci_address address = {.device = 3};
    struct fake_virtio_pci_options options = fake_virtio_pci_defaults;
    const struct virtio_pci_config *config = VIRTIO_PCI_CONFIG_IO;

    fake_pci_begin(&bench->pci, &bench->host);
    bench->has_pci = true;
    if (bench->profile == BENCH_WINDOW) {
        /* The host has no register hooks and no memory at this address: nothing but the window. */
        options.interfaces = FAKE_MODERN;
        options.memory_address = UINT64_C(0x800000000);
        config = VIRTIO_PCI_CONFIG_HOST;
    }
    fake_virtio_pci_attach_with(&bench->front, &bench->pci, &bench->fake, address, &options);
    fake_pci_settle(&bench->pci);
    assert_ok(virtio_pci_probe(&bench->host.host, config, address, &bench->device));
    if (bench->profile == BENCH_PCI_LEGACY)
        bench->device.force = VIRTIO_FORCE_LEGACY;
}

static void attach_mmio(struct bench *bench, uint32_t version)
{
    fake_mmio_attach(&bench->mmio, &bench->fake, BENCH_MMIO_ADDRESS, version);
    assert_ok(
        virtio_mmio_probe(&bench->host.host, BENCH_MMIO_ADDRESS, bench->mmio.size, &bench->device));
}

void bench_attach(struct bench *bench)
{
    if (bench->attached)
        return;
    bench->attached = true;
    switch (bench->profile) {
    case BENCH_MMIO_1:
        attach_mmio(bench, 1);
        break;
    case BENCH_MMIO_2:
    case BENCH_SYNC:
        attach_mmio(bench, 2);
        break;
    default:
        attach_pci(bench);
        break;
    }
}

/* Driving --------------------------------------------------------------------------------------- */

void bench_begin(struct bench *bench)
{
    bench_attach(bench);
    assert_ok(virtio_device_begin(&bench->device, &bench->wanted));
    assert_int_equal(bench->device.legacy, bench->legacy);
}

void bench_start(struct bench *bench, uint16_t size)
{
    if (bench->profile == BENCH_PCI_LEGACY)
        bench->fake.queues[0].maximum = size;
    bench_begin(bench);
    assert_ok(virtio_queue_start(&bench->queues[0], &bench->device, 0, size));
    assert_int_equal(bench->queues[0].size, size);
    assert_ok(virtio_allocate_shared(&bench->device, SHARED_SIZE, 64, &bench->shared));
    assert_ok(virtio_device_ready(&bench->device));
}

void bench_stop(struct bench *bench)
{
    int error = virtio_device_stop(&bench->device);

    if (error != VIRTIO_E_GONE)
        assert_ok(error);
    for (unsigned i = 0; i < sizeof(bench->queues) / sizeof(bench->queues[0]); i++)
        assert_ok(virtio_ring_uninit(&bench->queues[i]));
    virtio_free_shared(&bench->device, &bench->shared);
    assert_ok(virtio_device_end(&bench->device));
}

void bench_unplug(struct bench *bench, bool gone)
{
    bench->fake.gone = gone;
    bench->front.function.gone = gone;
}

void bench_expect_violation(struct bench *bench, const char *rule)
{
    if (fake_host_take_violation(&bench->host, rule) == 0)
        fail_msg("the rule \"%s\" was not found broken", rule);
}

void *bench_cookie(uintptr_t number)
{
    return (void *)number; /* NOLINT: a number in a pointer is what a cookie may be */
}

int bench_submit(struct bench *bench, uint32_t readable, uint32_t writable, void *cookie)
{
    struct virtio_queue *queue = &bench->queues[0];
    uint64_t base = bench->shared.device_address;
    struct virtio_chain chain;

    virtio_prepare(queue, &chain);
    if (readable != 0)
        (void)virtio_append_desc(queue, base, readable, 0, &chain);
    if (writable != 0)
        (void)virtio_append_desc(queue, base + WRITABLE_AT, writable, VIRTQ_DESC_F_WRITE, &chain);
    return virtio_submit(queue, &chain, cookie);
}

void bench_request(struct bench *bench, uint32_t readable, uint32_t writable, void *cookie)
{
    assert_ok(bench_submit(bench, readable, writable, cookie));
    assert_ok(virtio_kick(&bench->queues[0]));
}

uint32_t bench_reap(struct bench *bench, uintptr_t cookie)
{
    struct virtio_done done = {NULL, 0};

    assert_result(virtio_reap(&bench->queues[0], &done), 1);
    assert_int_equal((uintptr_t)done.cookie, cookie);
    return done.written;
}

/* Running --------------------------------------------------------------------------------------- */

/* A test that takes so much time of the CPU hangs, in a loop that calls no hook: fake_host.event_limit ends those that
 * do. Time of the CPU, so that it is the same on a busy machine; the slowest test takes two seconds. */
#define HANG_SECONDS 20

static void on_hang(int signal)
{
    static const char text[] = "# a hang: this test has run for 20 s\n";

    (void)signal;
    if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
        abort();
    _exit(1);
}

static void bound_time(time_t seconds)
{
    struct sigaction action = {.sa_handler = on_hang};
    struct itimerval timer = {.it_value.tv_sec = seconds};

    sigaction(SIGVTALRM, &action, NULL);
    setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

struct run {
    const struct bench_test *test;
    unsigned profile; /* index */
    unsigned ring;    /* index */
    struct bench *bench;
};

static void run_one(void **state)
{
    struct run *run = *state;
    struct bench *bench = calloc(1, sizeof(*bench));
    unsigned problems;

    if (!bench)
        abort();
    run->bench = bench;
    bench->profile = profiles[run->profile].bit;
    bench->legacy = (bench->profile & BENCH_LEGACY) != 0;
    fake_host_begin(&bench->host, profiles[run->profile].host_flags);
    fake_device_begin(&bench->fake, &bench->host, VIRTIO_ID_ENTROPY);
    bench->fake.is_big_endian = FAKE_CPU_IS_BIG && bench->legacy;
    bench->ring = rings[run->ring].bit;
    bench->fake.features |= rings[run->ring].features;
    bound_time(HANG_SECONDS);
    run->test->run(bench);
    bound_time(0);
    if (bench->has_pci)
        fake_pci_check_restored(&bench->pci);
    fake_device_end(&bench->fake);
    problems = fake_host_end(&bench->host);
    run->bench = NULL;
    free(bench);
    if (problems != 0)
        fail_msg("%u problems: leaks or broken rules, listed above", problems);
}

/* After a test that failed half-way: show what is known and release everything. */
static int clean_up(void **state)
{
    struct run *run = *state;

    if (run->bench) {
        fake_device_end(&run->bench->fake);
        (void)fake_host_end(&run->bench->host);
        free(run->bench);
        run->bench = NULL;
    }
    return 0;
}

static char *name_of(const struct bench_test *test, unsigned profile, unsigned ring)
{
    unsigned wheres = test->profiles & ~(unsigned)BENCH_RINGS;
    bool many = (wheres & (wheres - 1)) != 0;
    const char *where = many ? profiles[profile].name : "";
    const char *how = rings[ring].name ? rings[ring].name : "";
    char name[200];
    char *copy;

    if (!*where && !*how)
        snprintf(name, sizeof(name), "%s", test->name);
    else
        snprintf(name, sizeof(name), "%s [%s%s%s]", test->name, where, *where && *how ? ", " : "",
                 how);
    copy = strdup(name);
    if (!copy)
        abort();
    return copy;
}

/* A legacy device offers no feature from 32 on. */
static bool is_run_on(const struct bench_test *test, unsigned profile, unsigned ring,
                      unsigned default_rings)
{
    unsigned chosen = test->profiles & BENCH_RINGS ? test->profiles : default_rings;

    if (!(test->profiles & profiles[profile].bit) || !(chosen & rings[ring].bit))
        return false;
    return !(profiles[profile].bit & BENCH_LEGACY) || rings[ring].features <= UINT32_MAX;
}

int bench_main(const struct bench_test *tests, size_t count, unsigned default_rings)
{
    struct CMUnitTest *entries = calloc(count * PROFILES * RINGS, sizeof(*entries));
    struct run *runs = calloc(count * PROFILES * RINGS, sizeof(*runs));
    const char *filter = getenv("CMOCKA_TEST_FILTER");
    size_t used = 0;
    unsigned left_out = 0;
    int failed;

    if (!entries || !runs)
        abort();
    for (size_t i = 0; i < count * PROFILES * RINGS; i++) {
        const struct bench_test *test = &tests[i / RINGS / PROFILES];
        unsigned profile = (unsigned)(i / RINGS % PROFILES);
        unsigned ring = (unsigned)(i % RINGS);

        if (!is_run_on(test, profile, ring, default_rings))
            continue;
        if (profiles[profile].bit == BENCH_WATCHED && !fake_watch_is_possible()) {
            left_out++;
            continue;
        }
        runs[used] = (struct run){.test = test, .profile = profile, .ring = ring};
        entries[used] = (struct CMUnitTest){.name = name_of(test, profile, ring),
                                            .test_func = run_one,
                                            .teardown_func = clean_up,
                                            .initial_state = &runs[used]};
        used++;
    }
    if (left_out != 0)
        fprintf(stderr, "# %s: %u runs left out: this CPU can't watch memory\n",
                program_invocation_short_name, left_out);
    if (filter)
        cmocka_set_test_filter(filter);
    failed = used == 0 ? 1 : _cmocka_run_group_tests("host", entries, used, NULL, NULL);
    for (size_t i = 0; i < used; i++)
        free((void *)(uintptr_t)entries[i].name);
    free(entries);
    free(runs);
    return failed == 0 ? 0 : 1;
}
