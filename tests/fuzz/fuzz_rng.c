/* SPDX-License-Identifier: MIT */
/*
 * Harness: the entropy device driver. Each cookie comes back once; a failed read leaves zeros; no more bytes
 * are called random than were asked for.
 */
#include "hostile.h"

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

static void drain(struct rig *rig)
{
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

static void step(struct rig *rig)
{
    struct hostile *hostile = rig->hostile;
    uint8_t what = hostile_byte(hostile);

    hostile_explain("step %u.%u\n", what & 15, what >> 4);
    hostile_begin_call(hostile);
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
        if ((what & 0x10) != 0)
            (void)virtio_rng_recover(&rig->rng);
        else
            (void)virtio_rng_halt(&rig->rng);
        break;
    case 9:
        drain(rig);
        break;
    case 10:
        if (virtio_rng_halt(&rig->rng) == VIRTIO_OK) {
            drain(rig);
            if (virtio_rng_stop(&rig->rng) == VIRTIO_OK)
                (void)virtio_rng_start(&rig->rng, &rig->found);
        }
        break;
    case 11:
        hostile_fetch(hostile, 0);
        hostile_complete(hostile, 0, what >> 4, 0);
        break;
    default:
        hostile_work(hostile, 0);
        break;
    }
    hostile_end_call(hostile, 600); /* eight empty answers for each byte that comes */
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_ENTROPY, 0, 1);
    hostile->serve = serve;
    if (hostile_find(hostile, &rig.found) != VIRTIO_OK)
        return;
    hostile_begin_call(hostile);
    (void)virtio_rng_start(&rig.rng, &rig.found);
    hostile_end_call(hostile, 4);
    for (unsigned steps = 0; steps < STEPS && hostile_has_script(hostile); steps++)
        step(&rig);
    hostile_tame(hostile);
    hostile_begin_call(hostile);
    hostile_require(virtio_rng_halt(&rig.rng) == VIRTIO_OK);
    drain(&rig);
    hostile_require(virtio_rng_stop(&rig.rng) == VIRTIO_OK);
    hostile_end_call(hostile, 2);
}
