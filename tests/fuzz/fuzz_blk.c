/* SPDX-License-Identifier: MIT */
/*
 * Harness: the block device driver. Each cookie comes back once, each blocking call ends, and what is mapped is
 * unmapped.
 */
#include "driver.h"

#define STEPS        48u
#define BUFFER_SIZE  4096u
#define FURTHER      2u  /* queues */
#define PIECES       3u  /* of a list */
#define REQUESTS_MAX 64u /* of one range, about */

struct rig {
    struct hostile *hostile;
    struct virtio_device found;
    struct virtio_blk_options options;
    struct virtio_blk blk;
    struct virtio_blk further[FURTHER];
    struct virtio_blk *at; /* the queue of this step: the disk's own or a further one */
    bool was_latched;      /* before this step */
    bool list_is_lost;     /* that of blocking calls is the device's for good */
};

/* One for each cookie, and one for blocking calls. */
static uint8_t buffers[HOSTILE_COOKIES + 1][BUFFER_SIZE];
static struct virtio_blk_piece lists[HOSTILE_COOKIES + 1][PIECES];

static uint32_t serve(struct hostile *hostile, unsigned queue, const struct hostile_chain *chain)
{
    uint32_t size = hostile_writable(hostile, queue, chain);
    uint8_t status = hostile_byte(hostile);
    uint32_t cut = 0;

    /* Mostly all is well. */
    if (status >= 0xf8)
        cut = hostile_length(hostile);
    status = status < 0xe0 ? 0 : status & 7;
    if (size == 0)
        return 0;
    (void)hostile_write_chain(hostile, queue, chain, size - 1, &status, 1);
    if (cut != 0)
        hostile->lied = true;
    return cut < size ? size - cut : 0;
}

static void make_config(struct hostile *hostile)
{
    static const uint32_t segments = 126, block_size = 512;
    uint64_t capacity = 1u << 20;
    uint8_t patches = hostile_byte(hostile) & 15;

    memcpy(hostile->config, &capacity, 8);
    memset(hostile->config + 8, 0xff, 4);
    memcpy(hostile->config + 12, &segments, 4);
    memcpy(hostile->config + 20, &block_size, 4);
    hostile->config[34] = 1 + FURTHER;         /* num_queues */
    for (unsigned at = 36; at < 72; at += 4) { /* limits of ranges */
        hostile->config[at] = 8;
        hostile->config[at + 1] = (at - 36) % 8 == 0;
    }
    while (patches-- != 0) {
        uint8_t offset = hostile_byte(hostile);

        hostile->config[offset % 96] = hostile_byte(hostile);
        hostile->lied = true;
    }
}

static uint64_t take_sector(struct hostile *hostile)
{
    uint32_t sector = hostile_length(hostile);

    return (sector & 0x80000000u) != 0 ? (uint64_t)sector << 32 | hostile_byte(hostile) : sector;
}

static size_t take_bytes(struct hostile *hostile)
{
    uint8_t bytes = hostile_byte(hostile);

    return (bytes & 0xf0) == 0xf0 ? bytes : (bytes % (BUFFER_SIZE / 512) + 1u) * 512u;
}

/* A failure of the device's halts the disk, unless an earlier call had met it and left it to the caller. */
static void check_blocking(const struct rig *rig, int error)
{
    hostile_require(error <= 0);
    if (error <= VIRTIO_E_TIMEOUT && error != VIRTIO_E_IO &&
        error != VIRTIO_E_UNSUPPORTED_REQUEST && error != VIRTIO_E_RESPONSE && !rig->was_latched)
        hostile_require(rig->blk.device.state != VIRTIO_DEVICE_READY);
}

/* Pieces of a buffer. @return how many. */
static size_t take_list(struct hostile *hostile, unsigned which)
{
    size_t count = hostile_byte(hostile) % (PIECES + 1u);
    uint8_t *memory = buffers[which];

    for (size_t at = 0; at < count; at++) {
        size_t bytes = hostile_byte(hostile) * 4u;

        lists[which][at] = (struct virtio_blk_piece){.memory = memory, .bytes = bytes};
        memory += bytes;
    }
    return count;
}

/* A caller who looks at the limits: a range makes REQUESTS_MAX requests or so, not a thousand million. */
static size_t take_ranges(struct hostile *hostile, const struct virtio_blk_range_limits *limits,
                          struct virtio_blk_range *ranges)
{
    size_t count = hostile_byte(hostile) & 3;

    for (size_t at = 0; at < count; at++) {
        ranges[at] = (struct virtio_blk_range){take_sector(hostile), hostile_length(hostile)};
        if (limits->sectors != 0 && ranges[at].sectors / limits->sectors > REQUESTS_MAX)
            ranges[at].sectors %= (uint64_t)limits->sectors * REQUESTS_MAX;
    }
    return count;
}

static void submit(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    struct virtio_blk_range ranges[3];
    void *cookie = hostile_cookie(hostile);
    uint64_t sector = take_sector(hostile);
    unsigned number;
    size_t bytes;
    int error;

    if (cookie == NULL)
        return;
    number = hostile_cookie_number(cookie);
    switch (what & 7) {
    case 0:
    case 1:
        error =
            virtio_blk_submit_read(rig->at, sector, buffers[number], take_bytes(hostile), cookie);
        break;
    case 2:
        error =
            virtio_blk_submit_write(rig->at, sector, buffers[number], take_bytes(hostile), cookie);
        break;
    case 3:
        error = virtio_blk_submit_flush(rig->at, cookie);
        break;
    case 4:
        bytes = take_list(hostile, number);
        error = virtio_blk_submit_read_list(rig->at, sector, lists[number], bytes, cookie);
        break;
    case 5:
        bytes = take_list(hostile, number);
        error = virtio_blk_submit_write_list(rig->at, sector, lists[number], bytes, cookie);
        break;
    case 6:
        bytes = take_ranges(hostile, &rig->at->discard, ranges);
        error = virtio_blk_submit_discard(rig->at, ranges, bytes, cookie);
        break;
    default:
        bytes = take_ranges(hostile, &rig->at->write_zeroes, ranges);
        error = virtio_blk_submit_write_zeroes(rig->at, ranges, bytes, true, cookie);
        break;
    }
    hostile_require(error <= 0);
    if (error != VIRTIO_OK)
        hostile_cookie_back(hostile, cookie);
}

/* A list, and wait for it. */
static void run_list(struct rig *rig, bool read)
{
    struct virtio_blk_piece *list = lists[HOSTILE_COOKIES];
    uint64_t sector = take_sector(rig->hostile);
    size_t count;
    int error;

    if (rig->list_is_lost)
        return;
    count = take_list(rig->hostile, HOSTILE_COOKIES);
    error = read ? virtio_blk_read_list(rig->at, sector, list, count)
                 : virtio_blk_write_list(rig->at, sector, list, count);
    check_blocking(rig, error);
    rig->list_is_lost = error == VIRTIO_E_BUSY;
}

static void command(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    struct virtio_blk_lifetime lifetime;
    struct virtio_blk_range ranges[3];
    size_t count;

    switch (what & 7) {
    case 0:
        count = take_ranges(hostile, &rig->at->discard, ranges);
        check_blocking(rig, virtio_blk_discard(rig->at, ranges, count));
        break;
    case 1:
        count = take_ranges(hostile, &rig->at->write_zeroes, ranges);
        check_blocking(rig, virtio_blk_write_zeroes(rig->at, ranges, count, false));
        break;
    case 2:
        count = take_ranges(hostile, &rig->at->secure_erase, ranges);
        check_blocking(rig, virtio_blk_secure_erase(rig->at, ranges, count));
        break;
    case 3:
        (void)virtio_blk_get_lifetime(rig->at, &lifetime);
        break;
    case 4:
        (void)virtio_blk_set_writeback(&rig->blk, (what & 8) != 0);
        break;
    case 5:
        hostile->config[2] ^= 1;
        hostile_require(virtio_blk_poll_resize(&rig->blk) <= 1);
        break;
    default:
        run_list(rig, (what & 1) != 0);
        break;
    }
}

static void drain(void *context)
{
    struct rig *rig = context;
    struct virtio_blk_done done;

    while (virtio_blk_drain(&rig->blk, &done) == 1)
        hostile_cookie_back(rig->hostile, done.cookie);
    for (unsigned which = 0; which < FURTHER; which++) {
        while (which + 1 < rig->blk.queue_count &&
               virtio_blk_drain(&rig->further[which], &done) == 1)
            hostile_cookie_back(rig->hostile, done.cookie);
    }
}

static void take(struct rig *rig, bool waits)
{
    struct virtio_blk_done done;
    int result = waits ? virtio_blk_wait(rig->at, &done, rig->hostile->timeout_us)
                       : virtio_blk_reap(rig->at, &done);

    hostile_require(result <= 1 && !(waits && result == 0));
    if (result == 1)
        hostile_cookie_back(rig->hostile, done.cookie);
}

/* Most steps are the disk's own queue's. */
static struct virtio_blk *choose_queue(struct rig *rig, uint8_t what)
{
    unsigned which = what >> 6;

    return which == 0 || which > FURTHER || which >= rig->blk.queue_count
               ? &rig->blk
               : &rig->further[which - 1];
}

HOSTILE_CALL(start, virtio_blk_start_with(&rig->blk, &rig->found, &rig->options))
HOSTILE_CALLS(virtio_blk, &rig->blk)

static void step(void *context, uint8_t what);

static const struct hostile_driver driver = {
    .start = start,
    .halt = halt,
    .recover = recover,
    .stop = stop,
    .drain = drain,
    .step = step,
    .steps = STEPS,
    .start_waits = 4,
    .step_waits = 120,
};

static void step(void *context, uint8_t what)
{
    struct rig *rig = context;
    struct hostile *hostile = rig->hostile;
    uint8_t *buffer = buffers[HOSTILE_COOKIES];
    char id[VIRTIO_BLK_ID_SIZE];
    uint64_t sector;

    rig->at = choose_queue(rig, what);
    rig->was_latched = rig->at->queue.error != VIRTIO_OK;
    switch (what & 15) {
    case 0:
        sector = take_sector(hostile);
        check_blocking(rig, virtio_blk_read(rig->at, sector, buffer, take_bytes(hostile)));
        break;
    case 1:
        sector = take_sector(hostile);
        check_blocking(rig, virtio_blk_write(rig->at, sector, buffer, take_bytes(hostile)));
        break;
    case 2:
        check_blocking(rig, virtio_blk_flush(rig->at));
        break;
    case 3:
        check_blocking(rig, virtio_blk_get_id(rig->at, id));
        hostile_require(memchr(id, 0, sizeof(id)) != NULL);
        break;
    case 4:
    case 5:
        submit(rig, hostile_byte(hostile));
        break;
    case 6:
        command(rig, hostile_byte(hostile));
        break;
    case 7:
        (void)virtio_blk_kick(rig->at);
        break;
    case 8:
    case 9:
        take(rig, (what & 15) == 9);
        break;
    case 10:
        hostile_halt_or_recover(&driver, rig, what);
        break;
    case 11:
        drain(rig);
        break;
    case 12:
        hostile_start_again(&driver, rig);
        break;
    case 13:
        hostile_fetch(hostile, what >> 6);
        hostile_complete(hostile, what >> 6, what >> 4 & 3, 0);
        break;
    default:
        hostile_work(hostile, what >> 6);
        break;
    }
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;
    uint8_t style;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_BLOCK, UINT64_C(0x3ffff), 4);
    make_config(hostile);
    style = hostile_byte(hostile);
    rig.options = (struct virtio_blk_options){.queues = rig.further,
                                              .queue_count = style % (FURTHER + 1u),
                                              .list_max = 4,
                                              .keep = (style & 0x80) != 0};
    hostile->serve = serve;
    hostile_drive(hostile, &rig.found, &driver, &rig);
}
