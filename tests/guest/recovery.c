/* SPDX-License-Identifier: MIT */
/*
 * Recovery of real devices: each is sent a chain that its model refuses, by the queue that its driver works
 * on. A modern device asks for a reset then, and says so; a legacy one has no word for it and just falls
 * silent. The driver recovers with its one call, hands back what was in flight, and goes on.
 *
 * QEMU complains of every refusal, so this suite runs only where it was asked for by name (suites=recovery),
 * and the row says how many complaints there must be (refusals=N).
 */
#include "9p_rig.h"
#include "blk_rig.h"
#include "net_rig.h"
#include "scsi_rig.h"
#include "suites.h"

#include <string.h>
#include <virtio/balloon.h>
#include <virtio/console.h>
#include <virtio/gpu.h>
#include <virtio/input.h>
#include <virtio/rng.h>

enum {
    SILENT_US = 200000, /* the bound of a wait for a device that will not answer */
    IN_FLIGHT = 3,      /* requests of the caller that are with the device when it fails */
    READ_BYTES = 4096,
    SCSI_FIRST_QUEUE = 2, /* of requests */
};

/* Two pages that are in no machine's memory: QEMU makes up one page at a time for such, not two. Not for
 * packed rings: there QEMU 7.2 does not get past such a request, broken as the device is, and hangs. */
static const struct virtio_buffer nowhere = {UINT64_C(0x70000000), 8192};

/* Sends a chain that will be refused, and checks that this shows as what it is. */
static void provoke(struct test *test, struct virtio_queue *queue,
                    const struct virtio_buffer *buffers, unsigned readable, unsigned writable)
{
    struct virtio_device *device = queue->device;
    uint32_t patience = device->timeout_us;
    struct virtio_chain chain;

    virtio_prepare(queue, &chain);
    for (unsigned at = 0; at < readable + writable; at++) {
        (void)virtio_append_desc(queue, buffers[at].device_address, buffers[at].length,
                                 at < readable ? 0 : VIRTQ_DESC_F_WRITE, &chain);
    }
    if (device->legacy) {
        device->timeout_us = SILENT_US;
        CHECK_RESULT(test, virtio_flush(queue, &chain, NULL), VIRTIO_E_TIMEOUT);
        device->timeout_us = patience;
        CHECK_RESULT(test, virtio_device_check(device), VIRTIO_OK);
        return;
    }
    CHECK_RESULT(test, virtio_flush(queue, &chain, NULL), VIRTIO_E_NEEDS_RESET);
    CHECK_RESULT(test, virtio_device_check(device), VIRTIO_E_NEEDS_RESET);
    CHECK_RESULT(test, virtio_kick(queue), VIRTIO_E_NEEDS_RESET);
}

/* The features are those from before, and so is the state. */
static void check_recovered(struct test *test, const struct virtio_device *device,
                            uint64_t features)
{
    CHECK_EQUAL(test, device->features, features);
    CHECK_EQUAL(test, device->state, VIRTIO_DEVICE_READY);
    CHECK_RESULT(test, virtio_device_check(device), VIRTIO_OK);
}

/* ---- Disk ---- */

/* A header of half its length; no place for the status; data that is nowhere. */
static void provoke_disk(struct test *test, struct rig *rig, unsigned which)
{
    const struct virtio_shared *shared = &rig->disk->shared;
    struct virtio_buffer buffers[3] = {
        {shared->device_address, which == 0 ? 8 : 16},
        nowhere,
        {shared->device_address + shared->size - 1, 1},
    };

    switch (which) {
    case 0:
        buffers[1] = buffers[2];
        provoke(test, &rig->disk->queue, buffers, 1, 1);
        return;
    case 1:
        provoke(test, &rig->disk->queue, buffers, 1, 0);
        return;
    default:
        provoke(test, &rig->disk->queue, buffers, 1, 2);
        return;
    }
}

static void submit_reads(struct test *test, struct rig *rig, unsigned count)
{
    for (uintptr_t number = 0; number < count; number++) {
        REQUIRE_RESULT(test,
                       counted(virtio_blk_submit_read(rig->disk, number * READ_BYTES / SECTOR,
                                                      rig->buffer + number * READ_BYTES, READ_BYTES,
                                                      (void *)number)), /* NOLINT: a cookie */
                       VIRTIO_OK);
    }
}

/* Each read comes back once, whole or not at all. */
static void take_reads(struct test *test, struct rig *rig, unsigned count)
{
    unsigned seen = 0;
    struct virtio_blk_done done;

    while (virtio_blk_reap(rig->disk, &done) == 1) {
        uintptr_t number = (uintptr_t)done.cookie;

        REQUIRE(test, number < count && (seen & 1u << number) == 0);
        seen |= 1u << number;
        CHECK(test, done.error == VIRTIO_OK || done.error == VIRTIO_E_RESET);
        if (done.error == VIRTIO_OK) {
            CHECK_BYTES(test, rig->buffer + number * READ_BYTES,
                        rig->expected + number * READ_BYTES, READ_BYTES);
        }
    }
    CHECK_EQUAL(test, seen, (1u << count) - 1);
    CHECK_EQUAL(test, rig->disk->in_flight, 0);
}

static void disk_body(struct test *test, struct rig *rig)
{
    uint64_t features = rig->disk->device.features;
    bool packed = virtio_has_feature(&rig->disk->device, VIRTIO_F_RING_PACKED);
    unsigned count = rig->disk->depth > IN_FLIGHT ? IN_FLIGHT : rig->disk->depth - 1u;

    REQUIRE(test, rig_load(test, rig));
    for (unsigned round = 0; round < (packed ? 2u : 3u); round++) {
        submit_reads(test, rig, count);
        provoke_disk(test, rig, round);
        REQUIRE_RESULT(test, virtio_blk_recover(rig->disk), VIRTIO_OK);
        check_recovered(test, &rig->disk->device, features);
        take_reads(test, rig, count);
        memset(rig->buffer, 0, (size_t)rig->window * SECTOR);
        REQUIRE_RESULT(
            test, counted(virtio_blk_read(rig->disk, 0, rig->buffer, (size_t)rig->window * SECTOR)),
            VIRTIO_OK);
        CHECK_BYTES(test, rig->buffer, rig->expected, (size_t)rig->window * SECTOR);
    }
}

static void disk(struct test *test)
{
    rig_run(test, RIG_READABLE, disk_body);
}

/* ---- Entropy ---- */

static struct virtio_rng rng;

static void rng_round(struct test *test, uint8_t *bytes)
{
    struct virtio_rng_done done;
    unsigned seen = 0;

    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        REQUIRE_RESULT(test, virtio_rng_submit(&rng, bytes + (size_t)i * 64, 64, bytes + i),
                       VIRTIO_OK);
    }
    provoke(test, &rng.queue, &nowhere, 0, 1);
    REQUIRE_RESULT(test, virtio_rng_recover(&rng), VIRTIO_OK);
    while (virtio_rng_reap(&rng, &done) == 1) {
        CHECK(test, done.error == VIRTIO_OK || done.error == VIRTIO_E_RESET);
        CHECK_EQUAL(test, seen & 1u << ((uint8_t *)done.cookie - bytes), 0);
        seen |= 1u << ((uint8_t *)done.cookie - bytes);
    }
    CHECK_EQUAL(test, seen, (1u << IN_FLIGHT) - 1);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_RESULT(test, virtio_rng_read(&rng, bytes, 512), VIRTIO_OK);
    }
}

/* Starts the first device of a type with a driver, or leaves the test. */
#define START_OR_RETURN(test, type, driver, ...)                                                   \
    const struct virtio_device *found = test_find_device(test, type, 0);                           \
                                                                                                   \
    if (found == NULL) {                                                                           \
        test_skip(test, "there is no such device");                                                \
        return;                                                                                    \
    }                                                                                              \
    test_watch(&(driver)->device);                                                                 \
    REQUIRE_RESULT(test, __VA_ARGS__, VIRTIO_OK)

static void entropy(struct test *test)
{
    struct test_memory memory;

    START_OR_RETURN(test, VIRTIO_ID_ENTROPY, &rng, virtio_rng_start(&rng, found));
    if (test_allocate(test, 4096, &memory)) {
        uint64_t features = rng.device.features;

        for (unsigned round = 0; round < 2; round++) {
            rng_round(test, memory.bytes);
            check_recovered(test, &rng.device, features);
        }
    }
    CHECK_RESULT(test, virtio_rng_stop(&rng), VIRTIO_OK);
    test_free(test, &memory);
}

/* ---- Network ---- */

/* A frame to send that the device would have to write to. */
static void net_body(struct test *test, struct net_rig *rig)
{
    struct virtio_buffer buffer = {rig->memory.device_address, 64};
    uint64_t features = rig->net.device.features;
    struct virtio_net_done done;

    for (unsigned round = 0; round < 2; round++) {
        unsigned back = 0;

        net_exchange(rig, 20, NET_FRAME_MIN, 400);
        memset(rig->frame, 0xff, 64);
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
            REQUIRE_RESULT(test, virtio_net_submit(&rig->net, 0, rig->frame, 64, NULL, rig),
                           VIRTIO_OK);
        }
        provoke(test, &rig->net.pairs[0].transmit, &buffer, 0, 1);
        REQUIRE_RESULT(test, virtio_net_recover(&rig->net), VIRTIO_OK);
        check_recovered(test, &rig->net.device, features);
        while (virtio_net_reap(&rig->net, 0, &done) == 1) {
            CHECK(test, done.cookie == rig);
            back++;
        }
        CHECK_EQUAL(test, back, IN_FLIGHT);
        net_exchange(rig, 50, NET_FRAME_MIN, 1514);
    }
}

static void network(struct test *test)
{
    net_with_peer(test, NULL, net_body);
}

/* ---- Console ---- */

static struct virtio_console console;

static void console_round(struct test *test)
{
    uint32_t port;
    size_t written;

    REQUIRE_RESULT(test, virtio_console_find(&console, NULL, &port), VIRTIO_OK);
    CHECK_RESULT(test, virtio_console_write(&console, port, "before\n", 7, &written), VIRTIO_OK);
    provoke(test, &console.ports[port].transmit.queue, &nowhere, 1, 0);
    REQUIRE_RESULT(test, virtio_console_recover(&console), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_console_find(&console, NULL, &port), VIRTIO_OK);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_RESULT(test, virtio_console_write(&console, port, "after\n", 6, &written), VIRTIO_OK);
        CHECK_RESULT(test, virtio_console_flush(&console, port), VIRTIO_OK);
    }
}

static void a_console(struct test *test)
{
    START_OR_RETURN(test, VIRTIO_ID_CONSOLE, &console, virtio_console_start(&console, found));
    for (unsigned round = 0; round < 2; round++) {
        uint64_t features = console.device.features;

        console_round(test);
        check_recovered(test, &console.device, features);
    }
    CHECK_RESULT(test, virtio_console_stop(&console), VIRTIO_OK);
}

/* ---- Input ---- */

static struct virtio_input input;

/* Status messages are what the device takes. */
static void input_round(struct test *test)
{
    struct virtio_input_event event;

    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        CHECK_RESULT(test, virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 0, 1), VIRTIO_OK);
    }
    provoke(test, &input.status.queue, &nowhere, 1, 0);
    REQUIRE_RESULT(test, virtio_input_recover(&input), VIRTIO_OK);
    CHECK_RESULT(test, virtio_input_poll(&input, &event), 0);
    for (unsigned i = 0; i < 50; i++) {
        unsigned tries = 0;
        int error;

        do {
            error = virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 0, i % 2 != 0);
        } while (error == VIRTIO_E_FULL && ++tries < 1000000);
        REQUIRE_RESULT(test, error, VIRTIO_OK);
    }
}

static void an_input_device(struct test *test)
{
    START_OR_RETURN(test, VIRTIO_ID_INPUT, &input, virtio_input_start(&input, found));
    for (unsigned round = 0; round < 2; round++) {
        uint64_t features = input.device.features;

        input_round(test);
        check_recovered(test, &input.device, features);
    }
    CHECK_RESULT(test, virtio_input_stop(&input), VIRTIO_OK);
}

/* ---- Balloon ---- */

static struct virtio_balloon balloon;

static void balloon_round(struct test *test, uint64_t page)
{
    REQUIRE_RESULT(test, virtio_balloon_inflate(&balloon, &page, 1), VIRTIO_OK);
    CHECK_EQUAL(test, balloon.actual, 1);
    provoke(test, &balloon.inflate.queue, &nowhere, 1, 0);
    REQUIRE_RESULT(test, virtio_balloon_recover(&balloon), VIRTIO_OK);
    CHECK_EQUAL(test, balloon.actual, 0);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_RESULT(test, virtio_balloon_inflate(&balloon, &page, 1), VIRTIO_OK);
        CHECK_RESULT(test, virtio_balloon_deflate(&balloon, &page, 1), VIRTIO_OK);
    }
}

static void a_balloon(struct test *test)
{
    struct test_memory memory;

    START_OR_RETURN(test, VIRTIO_ID_BALLOON, &balloon, virtio_balloon_start(&balloon, found, NULL));
    if (test_allocate(test, VIRTIO_BALLOON_PAGE_SIZE, &memory)) {
        uint64_t features = balloon.device.features;

        for (unsigned round = 0; round < 2; round++) {
            balloon_round(test, memory.device_address);
            check_recovered(test, &balloon.device, features);
        }
    }
    CHECK_RESULT(test, virtio_balloon_stop(&balloon), VIRTIO_OK);
    test_free(test, &memory);
}

/* ---- Shared folder ---- */

/* A message that is cut off, or one without room for an answer. */
static void provoke_share(struct test *test, bool cut_off)
{
    const struct virtio_buffer buffers[] = {
        {p9_share.shared.device_address, cut_off ? 3 : 11},
        {p9_share.shared.device_address + 1024, cut_off ? 64 : 3},
    };

    provoke(test, &p9_share.queue, buffers, 1, 1);
}

static void share_round(struct test *test, bool cut_off)
{
    uint64_t features = p9_share.device.features;
    struct virtio_9p_done done;
    struct virtio_9p_fid file;
    unsigned seen = 0;

    REQUIRE(test, p9_open(test, "big.bin", VIRTIO_9P_READ_ONLY, &file));
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        uint8_t *place = (uint8_t *)p9_memory.bytes + (size_t)i * READ_BYTES;

        REQUIRE_RESULT(test, virtio_9p_submit_read(&p9_share, &file, 0, place, READ_BYTES, place),
                       VIRTIO_OK);
    }
    provoke_share(test, cut_off);
    REQUIRE_RESULT(test, virtio_9p_recover(&p9_share), VIRTIO_OK);
    check_recovered(test, &p9_share.device, features);
    while (virtio_9p_reap(&p9_share, &done) == 1) {
        size_t which = (size_t)((uint8_t *)done.cookie - (uint8_t *)p9_memory.bytes) / READ_BYTES;

        CHECK(test, done.error == VIRTIO_OK || done.error == VIRTIO_E_RESET);
        CHECK_EQUAL(test, seen & 1u << which, 0);
        seen |= 1u << which;
    }
    CHECK_EQUAL(test, seen, (1u << IN_FLIGHT) - 1);
    CHECK_RESULT(test, virtio_9p_clunk(&p9_share, &file), VIRTIO_E_STALE);
    REQUIRE_RESULT(test, virtio_9p_attach(&p9_share, "root", "", &p9_root), VIRTIO_OK);
    REQUIRE(test, p9_holds(test, "hello.txt", "Hello from the host.\n", 21));
}

static void share_body(struct test *test)
{
    share_round(test, true);
    share_round(test, false);
}

static void a_share(struct test *test)
{
    if (test_find_device(test, VIRTIO_ID_9P, 0) == NULL) {
        test_skip(test, "there is no such device");
        return;
    }
    p9_with(test, "share", share_body);
}

/* ---- SCSI ---- */

static void take_scsi_reads(struct test *test)
{
    struct virtio_scsi_done done;
    unsigned seen = 0;

    while (virtio_scsi_reap(&scsi_rig, 0, &done) == 1) {
        unsigned bit = 1u << (uintptr_t)done.cookie;

        CHECK(test, done.error == VIRTIO_OK || done.error == VIRTIO_E_RESET);
        CHECK_EQUAL(test, seen & bit, 0);
        seen |= bit;
    }
    CHECK_EQUAL(test, seen, (1u << IN_FLIGHT) - 1);
}

/* A command that is cut off, or one without room for its response. */
static void scsi_round(struct test *test, bool cut_off)
{
    const struct virtio_buffer buffers[] = {
        {scsi_memory.device_address, cut_off ? 3 : 51},
        {scsi_memory.device_address + 1024, cut_off ? 108 : 3},
    };
    struct virtio_queue *queue = scsi_rig.device.queues;
    uint8_t *bytes = scsi_memory.bytes;
    uint64_t features = scsi_rig.device.features;

    while (queue != NULL && queue->index != SCSI_FIRST_QUEUE) {
        queue = queue->next_queue;
    }
    memset(bytes, 0, 1024);
    for (uintptr_t i = 0; i < IN_FLIGHT; i++) {
        REQUIRE_RESULT(test,
                       virtio_scsi_submit_read(&scsi_unit, 0, bytes + (i + 1) * READ_BYTES,
                                               READ_BYTES, scsi_cookie(i)),
                       VIRTIO_OK);
    }
    REQUIRE(test, queue != NULL);
    provoke(test, queue, buffers, 1, 1);
    REQUIRE_RESULT(test, virtio_scsi_recover(&scsi_rig), VIRTIO_OK);
    check_recovered(test, &scsi_rig.device, features);
    take_scsi_reads(test);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, i, bytes + 4096, READ_BYTES), VIRTIO_OK);
    }
    CHECK_RESULT(test,
                 virtio_scsi_manage(&scsi_rig, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
                                    scsi_unit.target, scsi_unit.lun, 0),
                 VIRTIO_OK);
}

static void scsi_body(struct test *test)
{
    if (scsi_rig_open(test, scsi_rig_scratch())) {
        scsi_round(test, true);
        scsi_round(test, false);
    }
}

static void a_scsi_controller(struct test *test)
{
    if (test_find_device(test, VIRTIO_ID_SCSI, 0) == NULL) {
        test_skip(test, "there is no such device");
        return;
    }
    scsi_rig_run(test, scsi_body);
}

/* ---- GPU ---- */

static struct virtio_gpu gpu;

enum {
    PICTURE = 32, /* pixels, both ways */
};

static bool show_picture(struct test *test, struct virtio_gpu_resource *picture,
                         const struct test_memory *memory)
{
    const struct virtio_buffer piece = {memory->device_address, PICTURE * PICTURE * 4};

    return CHECK_RESULT(
               test,
               virtio_gpu_create(&gpu, picture, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, PICTURE, PICTURE),
               VIRTIO_OK) &&
           CHECK_RESULT(test, virtio_gpu_attach(&gpu, picture, &piece, 1), VIRTIO_OK) &&
           CHECK_RESULT(test, virtio_gpu_set_scanout(&gpu, 0, picture, NULL), VIRTIO_OK) &&
           CHECK_RESULT(test, virtio_gpu_update(&gpu, picture, NULL), VIRTIO_OK);
}

/* Of what was there before the device knows nothing any more. */
static void gpu_round(struct test *test, const struct test_memory *memory, bool by_cursor)
{
    struct virtio_gpu_resource picture;
    struct virtio_gpu_done done;
    uint64_t features = gpu.device.features;
    unsigned back = 0;

    REQUIRE(test, show_picture(test, &picture, memory));
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        REQUIRE_RESULT(test, virtio_gpu_submit_flush(&gpu, &picture, NULL, memory->bytes),
                       VIRTIO_OK);
    }
    provoke(test, by_cursor ? &gpu.cursor.queue : &gpu.control.queue, &nowhere, 1, 0);
    REQUIRE_RESULT(test, virtio_gpu_recover(&gpu), VIRTIO_OK);
    check_recovered(test, &gpu.device, features);
    while (virtio_gpu_reap(&gpu, &done) == 1) {
        CHECK(test, done.error == VIRTIO_OK || done.error == VIRTIO_E_RESET);
        CHECK(test, done.cookie == memory->bytes);
        back++;
    }
    CHECK_EQUAL(test, back, IN_FLIGHT);
    CHECK_RESULT(test, virtio_gpu_update(&gpu, &picture, NULL), VIRTIO_E_STALE);
    REQUIRE(test, show_picture(test, &picture, memory));
    CHECK_RESULT(test, virtio_gpu_set_scanout(&gpu, 0, NULL, NULL), VIRTIO_OK);
    CHECK_RESULT(test, virtio_gpu_destroy(&gpu, &picture), VIRTIO_OK);
}

static void a_gpu(struct test *test)
{
    struct test_memory memory;

    START_OR_RETURN(test, VIRTIO_ID_GPU, &gpu, virtio_gpu_start(&gpu, found, NULL));
    if (test_allocate(test, PICTURE * PICTURE * 4, &memory)) {
        gpu_round(test, &memory, false);
        gpu_round(test, &memory, true);
    }
    CHECK_RESULT(test, virtio_gpu_stop(&gpu), VIRTIO_OK);
    test_free(test, &memory);
}

static const struct test_case cases[] = {
    {"a disk that refused requests of several kinds", disk},
    {"an entropy source that refused a request, twice", entropy},
    {"a network device that refused a frame, twice", network},
    {"a console that refused a buffer, twice", a_console},
    {"an input device that refused a message, twice", an_input_device},
    {"a balloon that refused page numbers, twice", a_balloon},
    {"a shared folder that refused messages of two kinds", a_share},
    {"a SCSI controller that refused commands of two kinds", a_scsi_controller},
    {"a GPU that refused requests on both queues", a_gpu},
};

const struct test_suite suite_recovery = {
    .name = "recovery",
    .on_request = true,
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
