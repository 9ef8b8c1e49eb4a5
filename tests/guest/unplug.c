/* SPDX-License-Identifier: MIT */
/*
 * Devices that the host takes out of the machine (QMP: device_del) while they work. From one access to the next
 * all their registers read all ones. Every driver is to say so at once, with the error that its manual names, to
 * hand back what was in flight, each cookie once, and to give its memory back; the other devices do not notice.
 * Then the device comes back, is found by a scan, and works.
 *
 * It needs a machine whose way to let go of devices is known (machine `pc`; virtio-mmio has none in QEMU), and a host
 * that helps; the runner gives it one where the suite is asked for by name. The last entropy source is the
 * device that stays.
 */
#include "suites.h"
#include "unplug.h"

#include <string.h>
#include <virtio/rng.h>

enum {
    HOST_US = 5000000, /* for the host to ask, and to put a device back */
    PROMPT_US =
        1000000, /* a device that is gone is noticed in this time: no timeout was waited for */
    FIRST_BAR = 0x10,
    BARS = 6,
    NOBODY = 0xffff,
};

static struct virtio_rng witness;
static struct unplug_request requests[UNPLUG_REQUESTS];

/* A device that is to leave, and what it needs to be put back. */
struct victim {
    struct test *test;
    const struct unplug_driver *driver;
    struct virtio_device found;
    uint32_t bars
        [BARS]; /* the firmware's choice; nobody else gives addresses to a device that comes back */
};

/* ---- The requests of the caller ---- */

/* Submits as many as fit; true when there was room for one. */
static bool submit_all(struct victim *victim)
{
    bool any = false;

    for (unsigned i = 0; i < UNPLUG_REQUESTS; i++) {
        int error;

        if (requests[i].in_flight) {
            continue;
        }
        error = victim->driver->submit(&requests[i]);
        if (error == VIRTIO_E_FULL) {
            break;
        }
        if (!CHECK_RESULT(victim->test, error, VIRTIO_OK)) {
            break;
        }
        requests[i].in_flight = any = true;
    }
    return any;
}

static void take_back(struct victim *victim, const struct unplug_done *done, bool may_be_reset)
{
    struct unplug_request *request = done->cookie;

    if (CHECK(victim->test, request >= requests && request < requests + UNPLUG_REQUESTS) &&
        CHECK(victim->test, request->in_flight)) {
        request->in_flight = false;
    }
    if (done->error != VIRTIO_OK && done->error != victim->driver->leaving[0] &&
        done->error != victim->driver->leaving[1]) {
        CHECK_RESULT(victim->test, done->error, may_be_reset ? VIRTIO_E_RESET : VIRTIO_OK);
    }
}

static unsigned in_flight(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < UNPLUG_REQUESTS; i++) {
        count += requests[i].in_flight;
    }
    return count;
}

/* Keeps the device busy without waiting for it. */
static void keep_busy(struct victim *victim)
{
    const struct unplug_driver *driver = victim->driver;
    struct unplug_done done;
    int result;

    if (driver->work != NULL) {
        CHECK_RESULT(victim->test, driver->work(), VIRTIO_OK);
    }
    if (driver->submit == NULL) {
        return;
    }
    while ((result = driver->reap(&done)) == 1) {
        take_back(victim, &done, false);
    }
    CHECK_RESULT(victim->test, result, 0);
    if (submit_all(victim)) {
        CHECK_RESULT(victim->test, driver->kick(), VIRTIO_OK);
    }
}

/* Waits for all that is in flight. */
static bool finish(struct victim *victim)
{
    struct unplug_done done;

    while (in_flight() != 0 && victim->driver->wait(&done) == 1) {
        take_back(victim, &done, false);
    }
    return in_flight() == 0;
}

/* ---- The machine ---- */

static uint32_t read_config(const struct victim *victim, unsigned offset, unsigned width)
{
    return victim->found.pci.config->read(&victim->found, offset, width);
}

static bool is_there(const struct victim *victim)
{
    return read_config(victim, 0, 2) != NOBODY;
}

/* Asks the host to take the device, and lets go of it with its hands full. */
static bool unplug(struct victim *victim)
{
    struct test *test = victim->test;
    const struct test_hotplug *hotplug = test->environment->hotplug;
    const struct virtio_pci_address *address = &victim->found.pci.address;
    uint64_t deadline = test_now_us(test) + HOST_US;

    for (unsigned i = 0; i < BARS; i++) {
        victim->bars[i] = read_config(victim, FIRST_BAR + 4 * i, 4);
    }
    keep_busy(victim);
    test_ask_host(test, "unplug remove slot=%u", (unsigned)address->device);
    while (!hotplug->requested(address)) {
        keep_busy(victim);
        if (!CHECK(test, test_now_us(test) < deadline) || test->failures != 0) {
            return false;
        }
    }
    if (!victim->driver->idle_when_ejected) {
        keep_busy(victim);
    } else if (!CHECK(test, finish(victim))) {
        return false;
    }
    hotplug->eject(address);
    return CHECK(test, !is_there(victim));
}

/* Has the host put it back, and gives it the addresses that it had. */
static bool plug(struct victim *victim)
{
    struct test *test = victim->test;
    uint64_t deadline = test_now_us(test) + HOST_US;

    test_ask_host(test, "unplug add slot=%u", (unsigned)victim->found.pci.address.device);
    while (!is_there(victim)) {
        if (!CHECK(test, test_now_us(test) < deadline)) {
            return false;
        }
    }
    for (unsigned i = 0; i < BARS; i++) {
        victim->found.pci.config->write(&victim->found, FIRST_BAR + 4 * i, 4, victim->bars[i]);
    }
    return true;
}

/* Finds the device by a scan of the whole machine. */
static bool scan(const struct victim *victim, struct virtio_device *found)
{
    const struct virtio_pci_address *due = &victim->found.pci.address;
    struct virtio_pci_scan scan;

    virtio_pci_scan_begin(&scan, victim->test->environment->host, victim->found.pci.config);
    while (virtio_pci_scan_next(&scan, found) == VIRTIO_OK) {
        if (found->pci.address.bus == due->bus && found->pci.address.device == due->device &&
            found->type == victim->driver->type) {
            found->force = victim->found.force;
            return true;
        }
    }
    return false;
}

static void others_work(struct test *test)
{
    uint8_t bytes[64];

    CHECK_RESULT(test, virtio_rng_read(&witness, bytes, sizeof(bytes)), VIRTIO_OK);
}

/* ---- A device that is gone ---- */

/* The caller asks for nothing new: what was done comes back, then the error, and nothing else changes. */
static void wait_gone(struct victim *victim)
{
    const struct unplug_driver *driver = victim->driver;
    struct test *test = victim->test;
    struct unplug_done done;
    int result;

    submit_all(victim);
    (void)driver->kick(); /* it may not know yet */
    while ((result = driver->wait(&done)) == 1) {
        take_back(victim, &done, false);
    }
    CHECK_RESULT(test, result, in_flight() == 0 ? VIRTIO_E_STATE : VIRTIO_E_GONE);
    CHECK_RESULT(test, driver->drain(&done), VIRTIO_E_BUSY);
}

static void drain_all(struct victim *victim)
{
    struct unplug_done done;
    int result;

    while ((result = victim->driver->drain(&done)) == 1) {
        take_back(victim, &done, true);
    }
    CHECK_RESULT(victim->test, result, 0);
    CHECK_EQUAL(victim->test, in_flight(), 0);
}

static void calls_say_gone(struct victim *victim)
{
    const struct unplug_driver *driver = victim->driver;
    struct test *test = victim->test;

    CHECK_RESULT(test, virtio_device_check(driver->device), VIRTIO_E_GONE);
    if (driver->await != NULL) {
        CHECK_RESULT(test, driver->await(), VIRTIO_E_GONE);
    }
    if (driver->submit != NULL) {
        wait_gone(victim);
    }
    CHECK_RESULT(test, driver->use(), VIRTIO_E_GONE);
    /* Of a queue that knew already the call gave the device nothing, and halted nothing. */
    if (!driver->use_halts || driver->device->state == VIRTIO_DEVICE_READY) {
        CHECK_RESULT(test, driver->use(), VIRTIO_E_GONE);
    } else {
        CHECK_RESULT(test, driver->use(), VIRTIO_E_STATE);
    }
}

static void check_gone(struct victim *victim)
{
    const struct unplug_driver *driver = victim->driver;
    struct test *test = victim->test;
    struct virtio_device found;
    uint64_t start = test_now_us(test);

    calls_say_gone(victim);
    CHECK(test, driver->halt() != VIRTIO_E_TIMEOUT);
    CHECK_EQUAL(test, driver->device->state, VIRTIO_DEVICE_STOPPED);
    CHECK_RESULT(test, driver->use(), VIRTIO_E_STATE);
    CHECK_RESULT(test, driver->recover(), VIRTIO_E_GONE);
    if (driver->drain != NULL) {
        drain_all(victim);
    }
    CHECK_RESULT(test, driver->recover(), VIRTIO_E_GONE);
    CHECK_RESULT(test, driver->stop(), VIRTIO_OK);
    CHECK(test, !scan(victim, &found));
    CHECK(test, driver->start(&victim->found) != VIRTIO_OK);
    CHECK(test, test_now_us(test) - start < PROMPT_US);
}

/* ---- The tests ---- */

static void use_again(struct victim *victim)
{
    const struct unplug_driver *driver = victim->driver;
    struct test *test = victim->test;
    struct virtio_device found;

    REQUIRE(test, plug(victim));
    REQUIRE(test, scan(victim, &found));
    if (CHECK_RESULT(test, driver->start(&found), VIRTIO_OK)) {
        CHECK_RESULT(test, driver->use(), VIRTIO_OK);
        keep_busy(victim);
    }
    CHECK_RESULT(test, driver->halt(), VIRTIO_OK);
    if (driver->drain != NULL) {
        drain_all(victim);
    }
    CHECK_RESULT(test, driver->stop(), VIRTIO_OK);
}

static void take_away(struct victim *victim)
{
    struct test *test = victim->test;
    const struct unplug_driver *driver = victim->driver;

    if (!CHECK_RESULT(test, driver->start(&victim->found), VIRTIO_OK) ||
        !CHECK_RESULT(test, driver->use(), VIRTIO_OK) || !unplug(victim)) {
        (void)driver->stop();
        return;
    }
    others_work(test);
    check_gone(victim);
    others_work(test);
    use_again(victim);
    others_work(test);
}

static void with_memory(struct victim *victim)
{
    struct test_memory memory;

    if (!test_allocate(victim->test, (UNPLUG_REQUESTS + 1) * UNPLUG_BYTES, &memory)) {
        return;
    }
    unplug_memory = memory.bytes;
    unplug_address = memory.device_address;
    memset(requests, 0, sizeof(requests));
    for (unsigned i = 0; i < UNPLUG_REQUESTS; i++) {
        requests[i].buffer = unplug_memory + (i + 1) * UNPLUG_BYTES;
    }
    take_away(victim);
    test_free(victim->test, &memory);
}

static const struct virtio_device *last_rng(const struct test *test)
{
    const struct virtio_device *found = NULL;
    const struct virtio_device *next;

    for (size_t i = 0; (next = test_find_device(test, VIRTIO_ID_ENTROPY, i)) != NULL; i++) {
        found = next;
    }
    return found;
}

static void run(struct test *test, const struct unplug_driver *driver, size_t index)
{
    const struct virtio_device *found = test_find_device(test, driver->type, index);
    const struct virtio_device *stays = last_rng(test);
    struct victim victim = {.test = test, .driver = driver};

    if (test->environment->hotplug == NULL || !test->environment->host_helps) {
        test_skip(test, "nobody takes devices out of this machine");
        return;
    }
    if (found == NULL || found == stays || stays == NULL) {
        test_skip(test, "there is no such device, or none that could stay");
        return;
    }
    victim.found = *found;
    test_watch(driver->device);
    REQUIRE_RESULT(test, virtio_rng_start(&witness, stays), VIRTIO_OK);
    with_memory(&victim);
    CHECK_RESULT(test, virtio_rng_stop(&witness), VIRTIO_OK);
}

#define UNPLUG_TEST(name, index)                                                                   \
    static void name##_##index(struct test *test)                                                  \
    {                                                                                              \
        run(test, &unplug_##name, index);                                                          \
    }

UNPLUG_TEST(blk, 0)
UNPLUG_TEST(blk, 1)
UNPLUG_TEST(rng, 0)
UNPLUG_TEST(net, 0)
UNPLUG_TEST(console, 0)
UNPLUG_TEST(input, 0)
UNPLUG_TEST(balloon, 0)
UNPLUG_TEST(scsi, 0)
UNPLUG_TEST(p9, 0)

static const struct test_case cases[] = {
    {"a disk that reads", blk_0},
    {"a second disk", blk_1},
    {"an entropy source that is asked", rng_0},
    {"a network device that sends", net_0},
    {"a console that is written to", console_0},
    {"a keyboard whose LEDs change", input_0},
    {"a balloon", balloon_0},
    {"a SCSI controller whose disk reads", scsi_0},
    {"a shared folder with an open file that is read", p9_0},
};

const struct test_suite suite_unplug = {
    .name = "unplug",
    .on_request = true,
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
