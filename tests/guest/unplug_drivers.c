/* SPDX-License-Identifier: MIT */
/*
 * The drivers as the suite unplug sees them: see unplug.h.
 */
#include "unplug.h"

#include <string.h>
#include <virtio/9p.h>
#include <virtio/balloon.h>
#include <virtio/blk.h>
#include <virtio/console.h>
#include <virtio/input.h>
#include <virtio/net.h>
#include <virtio/rng.h>
#include <virtio/scsi.h>

enum {
    PATIENCE_US = 5000000,
    CHILD_TRIES = 2000000, /* what sits behind a device comes a moment after it */
    FRAME = 64,
};

uint8_t *unplug_memory;
uint64_t unplug_address;

/* The same few lines for every driver with requests: its completions have the same two members. */
#define COMPLETION(prefix, driver, verb, ...)                                                      \
    static int prefix##_##verb(struct unplug_done *done)                                           \
    {                                                                                              \
        struct virtio_##driver##_done own;                                                         \
        int result = virtio_##driver##_##verb(__VA_ARGS__);                                        \
                                                                                                   \
        if (result == 1) {                                                                         \
            *done = (struct unplug_done){own.cookie, own.error};                                   \
        }                                                                                          \
        return result;                                                                             \
    }

#define LIFE(prefix, driver, object)                                                               \
    static int prefix##_recover(void)                                                              \
    {                                                                                              \
        return virtio_##driver##_recover(&(object));                                               \
    }                                                                                              \
    static int prefix##_halt(void)                                                                 \
    {                                                                                              \
        return virtio_##driver##_halt(&(object));                                                  \
    }                                                                                              \
    static int prefix##_stop(void)                                                                 \
    {                                                                                              \
        return virtio_##driver##_stop(&(object));                                                  \
    }

/* ---- Disk ---- */

static struct virtio_blk disk;

static int blk_start(const struct virtio_device *found)
{
    return virtio_blk_start(&disk, found);
}

static int blk_use(void)
{
    return virtio_blk_read(&disk, 0, unplug_memory, VIRTIO_BLK_SECTOR_SIZE);
}

static int blk_submit(struct unplug_request *request)
{
    return virtio_blk_submit_read(&disk, 8, request->buffer, UNPLUG_BYTES, request);
}

static int blk_kick(void)
{
    return virtio_blk_kick(&disk);
}

COMPLETION(blk, blk, reap, &disk, &own)
COMPLETION(blk, blk, wait, &disk, &own, PATIENCE_US)
COMPLETION(blk, blk, drain, &disk, &own)
LIFE(blk, blk, disk)

const struct unplug_driver unplug_blk = {
    .type = VIRTIO_ID_BLOCK,
    .device = &disk.device,
    .start = blk_start,
    .use = blk_use,
    .submit = blk_submit,
    .kick = blk_kick,
    .reap = blk_reap,
    .wait = blk_wait,
    .drain = blk_drain,
    .recover = blk_recover,
    .halt = blk_halt,
    .stop = blk_stop,
    .use_halts = true,
};

/* ---- Entropy ---- */

static struct virtio_rng rng;

static int rng_start(const struct virtio_device *found)
{
    return virtio_rng_start(&rng, found);
}

static int rng_use(void)
{
    return virtio_rng_read(&rng, unplug_memory, 64);
}

static int rng_submit(struct unplug_request *request)
{
    return virtio_rng_submit(&rng, request->buffer, UNPLUG_BYTES, request);
}

static int rng_kick(void)
{
    return virtio_rng_kick(&rng);
}

COMPLETION(rng, rng, reap, &rng, &own)
COMPLETION(rng, rng, wait, &rng, &own, PATIENCE_US)
COMPLETION(rng, rng, drain, &rng, &own)
LIFE(rng, rng, rng)

const struct unplug_driver unplug_rng = {
    .type = VIRTIO_ID_ENTROPY,
    .device = &rng.device,
    .start = rng_start,
    .use = rng_use,
    .submit = rng_submit,
    .kick = rng_kick,
    .reap = rng_reap,
    .wait = rng_wait,
    .drain = rng_drain,
    .recover = rng_recover,
    .halt = rng_halt,
    .stop = rng_stop,
    .idle_when_ejected = true,
    .use_halts = true,
};

/* ---- Network ---- */

static struct virtio_net net;

static int net_start(const struct virtio_device *found)
{
    return virtio_net_start(&net, found, NULL);
}

static int net_use(void)
{
    memset(unplug_memory, 0xff, FRAME);
    return virtio_net_send(&net, unplug_memory, FRAME, NULL);
}

static int net_await(void)
{
    struct virtio_net_frame frame;

    return virtio_net_wait_receive(&net, 0, &frame, PATIENCE_US);
}

static int net_submit(struct unplug_request *request)
{
    memset(request->buffer, 0xff, FRAME);
    return virtio_net_submit(&net, 0, request->buffer, FRAME, NULL, request);
}

static int net_kick(void)
{
    return virtio_net_kick(&net, 0);
}

COMPLETION(net, net, reap, &net, 0, &own)
COMPLETION(net, net, wait, &net, 0, &own, PATIENCE_US)
COMPLETION(net, net, drain, &net, &own)
LIFE(net, net, net)

const struct unplug_driver unplug_net = {
    .type = VIRTIO_ID_NETWORK,
    .device = &net.device,
    .start = net_start,
    .use = net_use,
    .await = net_await,
    .submit = net_submit,
    .kick = net_kick,
    .reap = net_reap,
    .wait = net_wait,
    .drain = net_drain,
    .recover = net_recover,
    .halt = net_halt,
    .stop = net_stop,
    .idle_when_ejected = true,
    .use_halts = true,
};

/* ---- Console ---- */

static struct virtio_console console;

static int console_start(const struct virtio_device *found)
{
    return virtio_console_start(&console, found);
}

/* Until the device has taken it. */
static int console_use(void)
{
    int error = virtio_console_write(&console, 0, "Who is there?\n", 14, NULL);

    return error == VIRTIO_OK ? virtio_console_flush(&console, 0) : error;
}

static int console_work(void)
{
    int count = virtio_console_send(&console, 0, "Somebody.\n", 10);

    return count < 0 ? count : VIRTIO_OK;
}

static int console_await(void)
{
    size_t got;
    int error;

    do { /* the echo of what was sent before */
        error = virtio_console_read(&console, 0, unplug_memory, UNPLUG_BYTES, &got);
    } while (error == VIRTIO_OK);
    return error;
}

LIFE(console, console, console)

const struct unplug_driver unplug_console = {
    .type = VIRTIO_ID_CONSOLE,
    .device = &console.device,
    .start = console_start,
    .use = console_use,
    .work = console_work,
    .await = console_await,
    .recover = console_recover,
    .halt = console_halt,
    .stop = console_stop,
};

/* ---- Input ---- */

static struct virtio_input input;

static int input_start(const struct virtio_device *found)
{
    return virtio_input_start(&input, found);
}

static int input_use(void)
{
    uint8_t codes[VIRTIO_INPUT_CONFIG_MAX];

    return virtio_input_get_bits(&input, VIRTIO_INPUT_EV_KEY, codes);
}

/* That the device is slow with its LEDs is not wrong. */
static int input_work(void)
{
    int error = virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 0, 1);

    return error == VIRTIO_E_FULL ? VIRTIO_OK : error;
}

static int input_await(void)
{
    struct virtio_input_event event;

    return virtio_input_wait(&input, &event, PATIENCE_US);
}

LIFE(input, input, input)

const struct unplug_driver unplug_input = {
    .type = VIRTIO_ID_INPUT,
    .device = &input.device,
    .start = input_start,
    .use = input_use,
    .work = input_work,
    .await = input_await,
    .recover = input_recover,
    .halt = input_halt,
    .stop = input_stop,
};

/* ---- Balloon ---- */

static struct virtio_balloon balloon;

static int balloon_start(const struct virtio_device *found)
{
    return virtio_balloon_start(&balloon, found, NULL);
}

/* One page in and out: out alone does not say whether it was the first to fail. */
static int balloon_use(void)
{
    uint64_t page = unplug_address;
    int error = virtio_balloon_inflate(&balloon, &page, 1);

    return error == VIRTIO_OK ? virtio_balloon_deflate(&balloon, &page, 1) : error;
}

LIFE(balloon, balloon, balloon)

const struct unplug_driver unplug_balloon = {
    .type = VIRTIO_ID_BALLOON,
    .device = &balloon.device,
    .start = balloon_start,
    .use = balloon_use,
    .recover = balloon_recover,
    .halt = balloon_halt,
    .stop = balloon_stop,
    .use_halts = true,
};

/* ---- SCSI ---- */

static struct virtio_scsi scsi;
static struct virtio_scsi_unit unit;

/* With its one disk (scripts/runner/peer_scsi.py). */
static int scsi_start(const struct virtio_device *found)
{
    int error = virtio_scsi_start(&scsi, found, NULL);

    for (unsigned tries = 0; error == VIRTIO_OK && tries < CHILD_TRIES; tries++) {
        int opened = virtio_scsi_open(&unit, &scsi, 1, 0);

        if (opened != VIRTIO_E_NO_DEVICE) {
            return opened;
        }
    }
    return error;
}

static int scsi_use(void)
{
    return virtio_scsi_read(&unit, 0, unplug_memory, 512);
}

static int scsi_await(void)
{
    struct virtio_scsi_event event;

    return virtio_scsi_wait_event(&scsi, &event, PATIENCE_US);
}

static int scsi_submit(struct unplug_request *request)
{
    return virtio_scsi_submit_read(&unit, 8, request->buffer, UNPLUG_BYTES, request);
}

static int scsi_kick(void)
{
    return virtio_scsi_kick(&scsi, 0);
}

COMPLETION(scsi, scsi, reap, &scsi, 0, &own)
COMPLETION(scsi, scsi, wait, &scsi, 0, &own, PATIENCE_US)
COMPLETION(scsi, scsi, drain, &scsi, &own)
LIFE(scsi, scsi, scsi)

const struct unplug_driver unplug_scsi = {
    .type = VIRTIO_ID_SCSI,
    .device = &scsi.device,
    .start = scsi_start,
    .use = scsi_use,
    .await = scsi_await,
    .submit = scsi_submit,
    .kick = scsi_kick,
    .reap = scsi_reap,
    .wait = scsi_wait,
    .drain = scsi_drain,
    .recover = scsi_recover,
    .halt = scsi_halt,
    .stop = scsi_stop,
    .leaving = {VIRTIO_E_NO_DEVICE, VIRTIO_E_RESET},
    .use_halts = true,
};

/* ---- Shared folder ---- */

static struct virtio_9p share;
static struct virtio_9p_fid root;
static struct virtio_9p_fid file;

/* With a file open (scripts/runner/peer_9p.py). */
static int p9_start(const struct virtio_device *found)
{
    int error = virtio_9p_start(&share, found);

    if (error == VIRTIO_OK) {
        error = virtio_9p_attach(&share, "root", "", &root);
    }
    if (error == VIRTIO_OK) {
        error = virtio_9p_walk(&share, &root, "big.bin", &file);
    }
    return error == VIRTIO_OK ? virtio_9p_open(&share, &file, VIRTIO_9P_READ_ONLY) : error;
}

static int p9_use(void)
{
    struct virtio_9p_attributes attributes;

    return virtio_9p_getattr(&share, &root, &attributes);
}

static int p9_submit(struct unplug_request *request)
{
    return virtio_9p_submit_read(&share, &file, 0, request->buffer, UNPLUG_BYTES, request);
}

static int p9_kick(void)
{
    return virtio_9p_kick(&share);
}

COMPLETION(p9, 9p, reap, &share, &own)
COMPLETION(p9, 9p, wait, &share, &own, PATIENCE_US)
COMPLETION(p9, 9p, drain, &share, &own)
LIFE(p9, 9p, share)

const struct unplug_driver unplug_p9 = {
    .type = VIRTIO_ID_9P,
    .device = &share.device,
    .start = p9_start,
    .use = p9_use,
    .submit = p9_submit,
    .kick = p9_kick,
    .reap = p9_reap,
    .wait = p9_wait,
    .drain = p9_drain,
    .recover = p9_recover,
    .halt = p9_halt,
    .stop = p9_stop,
    .idle_when_ejected = true,
    .use_halts = true,
};
