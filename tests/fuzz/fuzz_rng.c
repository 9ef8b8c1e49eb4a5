/* SPDX-License-Identifier: MIT */
/*
 * Harness: the entropy device driver. Each cookie comes back once; a failed read leaves zeros; no more bytes
 * are called random than were asked for.
 */
#include "driver.h"

#define STEPS       48u
#define BUFFER_SIZE 256u

struct rig {
    struct hostile *hostile;
    struct virtio_device found;
    struct virtio_rng rng;
    uint32_t asked[HOSTILE_COOKIES];
};

/* One for each cookie, and one for blocking calls. */
static uint8_t buffers[HOSTILE_COOKIES + 1][BUFFER_SIZE];

/* As many bytes as it likes, often all, seldom none. */
static uint32_t serve(struct hostile *hostile, unsigned queue, const struct hostile_chain *chain)
{
    uint32_t size = hostile_writable(hostile, queue, chain);
    uint8_t answer = hostile_byte(hostile);

    if (answer >= 0xc0) {
        size = size != 0 ? (answer & 0x3fu) % (size + 1) : 0;
        if (size == 0)
            hostile->lied = true;
    }
    return hostile_write_chain(hostile, queue, chain, 0, NULL, size);
}

static void submit(struct rig *rig)
{
    void *cookie = hostile_cookie(rig->hostile);
    uint32_t bytes = hostile_byte(rig->hostile);
    unsigned number;
    int error;

    if (cookie == NULL)
        return;
    number = hostile_cookie_number(cookie);
    rig->asked[number] = bytes;
    error = virtio_rng_submit(&rig->rng, buffers[number], bytes, cookie);
    hostile_require(error <= 0);
    if (error != VIRTIO_OK)
        hostile_cookie_back(rig->hostile, cookie);
}

static void come_back(struct rig *rig, const struct virtio_rng_done *done)
{
    hostile_cookie_back(rig->hostile, done->cookie);
    hostile_require(done->bytes <= rig->asked[hostile_cookie_number(done->cookie)]);
    hostile_require(done->error == VIRTIO_OK ? done->bytes != 0 : done->bytes == 0);
}

static void drain(void *context)
{
    struct rig *rig = context;
    struct virtio_rng_done done;

    while (virtio_rng_drain(&rig->rng, &done) == 1)
        come_back(rig, &done);
}

static void take(struct rig *rig, bool waits)
{
    struct virtio_rng_done done;
    int result = waits ? virtio_rng_wait(&rig->rng, &done, rig->hostile->timeout_us)
                       : virtio_rng_reap(&rig->rng, &done);

    hostile_require(result <= 1 && !(waits && result == 0));
    if (result == 1)
        come_back(rig, &done);
}

static void read(struct rig *rig)
{
    uint8_t *buffer = buffers[HOSTILE_COOKIES];
    size_t bytes = hostile_byte(rig->hostile) % 64u;
    int error;

    memset(buffer, 0x77, BUFFER_SIZE);
    error = virtio_rng_read(&rig->rng, buffer, bytes);
    hostile_require(error <= 0 && buffer[bytes] == 0x77);
    for (size_t at = 0; error != VIRTIO_OK && at < bytes; at++)
        hostile_require(buffer[at] == 0);
}

HOSTILE_CALL(start, virtio_rng_start(&rig->rng, &rig->found))
HOSTILE_CALLS(virtio_rng, &rig->rng)

static void step(void *context, uint8_t what);

/* eight empty answers for each byte that comes */
static const struct hostile_driver driver = {
    .start = start,
    .halt = halt,
    .recover = recover,
    .stop = stop,
    .drain = drain,
    .step = step,
    .steps = STEPS,
    .start_waits = 4,
    .step_waits = 600,
};

static void step(void *context, uint8_t what)
{
    struct rig *rig = context;
    struct hostile *hostile = rig->hostile;

    switch (what & 15) {
    case 0:
    case 1:
        read(rig);
        break;
    case 2:
    case 3:
        submit(rig);
        break;
    case 4:
        (void)virtio_rng_kick(&rig->rng);
        break;
    case 5:
    case 6:
        take(rig, false);
        break;
    case 7:
        take(rig, true);
        break;
    case 8:
        hostile_halt_or_recover(&driver, rig, what);
        break;
    case 9:
        drain(rig);
        break;
    case 10:
        hostile_start_again(&driver, rig);
        break;
    case 11:
        hostile_fetch(hostile, 0);
        hostile_complete(hostile, 0, what >> 4, 0);
        break;
    default:
        hostile_work(hostile, 0);
        break;
    }
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_ENTROPY, 0, 1);
    hostile->serve = serve;
    hostile_drive(hostile, &rig.found, &driver, &rig);
}
