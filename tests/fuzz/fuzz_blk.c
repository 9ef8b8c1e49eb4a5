/* SPDX-License-Identifier: MIT */
/*
 * Harness: the block device driver. Each cookie comes back once, each blocking call ends, and what is mapped is
 * unmapped.
 */
#include "hostile.h"

#define STEPS       48u
#define BUFFER_SIZE 4096u

struct rig {
    struct hostile *hostile;
    struct virtio_device found;
    struct virtio_blk blk;
    bool was_latched; /* before this step */
};

/* One for each cookie, and one for blocking calls. */
static uint8_t buffers[HOSTILE_COOKIES + 1][BUFFER_SIZE];

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

static void submit(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    void *cookie = hostile_cookie(hostile);
    uint64_t sector = take_sector(hostile);
    size_t bytes = take_bytes(hostile);
    uint8_t *buffer;
    int error;

    if (cookie == NULL)
        return;
    buffer = buffers[hostile_cookie_number(cookie)];
    if (what == 0)
        error = virtio_blk_submit_read(&rig->blk, sector, buffer, bytes, cookie);
    else if (what == 1)
        error = virtio_blk_submit_write(&rig->blk, sector, buffer, bytes, cookie);
    else
        error = virtio_blk_submit_flush(&rig->blk, cookie);
    hostile_require(error <= 0);
    if (error != VIRTIO_OK)
        hostile_cookie_back(hostile, cookie);
}

static void drain(struct rig *rig)
{
    struct virtio_blk_done done;

    while (virtio_blk_drain(&rig->blk, &done) == 1)
        hostile_cookie_back(rig->hostile, done.cookie);
}

static void take(struct rig *rig, bool waits)
{
    struct virtio_blk_done done;
    int result = waits ? virtio_blk_wait(&rig->blk, &done, rig->hostile->timeout_us)
                       : virtio_blk_reap(&rig->blk, &done);

    hostile_require(result <= 1 && !(waits && result == 0));
    if (result == 1)
        hostile_cookie_back(rig->hostile, done.cookie);
}

static void step(struct rig *rig)
{
    struct hostile *hostile = rig->hostile;
    uint8_t what = hostile_byte(hostile);
    uint8_t *buffer = buffers[HOSTILE_COOKIES];
    char id[VIRTIO_BLK_ID_SIZE];
    uint64_t sector;

    hostile_explain("step %u.%u\n", what & 15, what >> 4);
    rig->was_latched = rig->blk.queue.error != VIRTIO_OK;
    hostile_begin_call(hostile);
    switch (what & 15) {
    case 0:
        sector = take_sector(hostile);
        check_blocking(rig, virtio_blk_read(&rig->blk, sector, buffer, take_bytes(hostile)));
        break;
    case 1:
        sector = take_sector(hostile);
        check_blocking(rig, virtio_blk_write(&rig->blk, sector, buffer, take_bytes(hostile)));
        break;
    case 2:
        check_blocking(rig, virtio_blk_flush(&rig->blk));
        break;
    case 3:
        check_blocking(rig, virtio_blk_get_id(&rig->blk, id));
        hostile_require(memchr(id, 0, sizeof(id)) != NULL);
        break;
    case 4:
    case 5:
    case 6:
        submit(rig, (what & 15u) - 4u);
        break;
    case 7:
        (void)virtio_blk_kick(&rig->blk);
        break;
    case 8:
        take(rig, false);
        break;
    case 9:
        take(rig, true);
        break;
    case 10:
        if ((what & 0x10) != 0)
            (void)virtio_blk_recover(&rig->blk);
        else
            (void)virtio_blk_halt(&rig->blk);
        break;
    case 11:
        drain(rig);
        break;
    case 12:
        if (virtio_blk_halt(&rig->blk) == VIRTIO_OK) {
            drain(rig);
            if (virtio_blk_stop(&rig->blk) == VIRTIO_OK)
                (void)virtio_blk_start(&rig->blk, &rig->found);
        }
        break;
    case 13:
        hostile_fetch(hostile, 0);
        hostile_complete(hostile, 0, what >> 4, 0);
        break;
    default:
        hostile_work(hostile, 0);
        break;
    }
    hostile_end_call(hostile, 16);
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_BLOCK, UINT64_C(0x3ffff), 4);
    make_config(hostile);
    hostile->serve = serve;
    if (hostile_find(hostile, &rig.found) != VIRTIO_OK)
        return;
    hostile_begin_call(hostile);
    (void)virtio_blk_start(&rig.blk, &rig.found);
    hostile_end_call(hostile, 4);
    for (unsigned steps = 0; steps < STEPS && hostile_has_script(hostile); steps++)
        step(&rig);
    hostile_tame(hostile);
    hostile_begin_call(hostile);
    hostile_require(virtio_blk_halt(&rig.blk) == VIRTIO_OK);
    drain(&rig);
    hostile_require(virtio_blk_stop(&rig.blk) == VIRTIO_OK);
    hostile_end_call(hostile, 2);
}
