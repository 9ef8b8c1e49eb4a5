/* SPDX-License-Identifier: MIT */
/*
 * Harness: one queue of either format, over every transport, with all that can be done to it. Each cookie
 * comes back exactly once; while nobody lies, each with what the device wrote, and the free descriptors add up.
 */
#include "hostile.h"

#include <virtio/inline.h>

#define MEMORY_SIZE 4096u
#define BUFFERS     16u
#define PREPARED    4u
#define STEPS       64u

struct rig {
    struct hostile *hostile;
    struct virtio_device device;
    struct virtio_queue queue;
    struct virtio_buffer buffers[BUFFERS];
    struct virtio_prepared prepared[PREPARED];
    struct virtio_buffer prepared_buffers[PREPARED][BUFFERS];
    bool is_prepared[PREPARED];
    uint8_t *memory;
    uint64_t device_address;
    uint32_t writable[HOSTILE_COOKIES]; /* bytes that the device may write, by cookie */
    bool flushed; /* a flush gave up: its chain takes descriptors and has no cookie */
};

/* Make up buffers. @return how many bytes the device may write. */
static uint32_t make_buffers(struct rig *rig, struct virtio_buffer *buffers, unsigned readable,
                             unsigned writable)
{
    uint32_t bytes = 0;

    for (unsigned at = 0; at < readable + writable; at++) {
        uint32_t length = hostile_length(rig->hostile);

        /* What is not memory of the device's is the driver's lie. */
        if (length > MEMORY_SIZE)
            rig->hostile->lied = true;
        buffers[at] = (struct virtio_buffer){rig->device_address, length};
        if (at >= readable)
            bytes += length;
    }
    return bytes;
}

static void take_counts(struct hostile *hostile, unsigned *readable, unsigned *writable)
{
    uint8_t counts = hostile_byte(hostile);

    *readable = counts & 7;
    *writable = counts >> 3 & 7;
}

/* Account for a submit that was tried. */
static void *begin_cookie(struct rig *rig)
{
    return hostile_cookie(rig->hostile);
}

static void end_cookie(struct rig *rig, void *cookie, int error, uint32_t writable)
{
    hostile_require(error <= 0);
    if (error == VIRTIO_OK)
        rig->writable[hostile_cookie_number(cookie)] = writable;
    else
        hostile_cookie_back(rig->hostile, cookie);
}

static void come_back(struct rig *rig, const struct virtio_done *done, bool drained)
{
    uint32_t writable = rig->writable[hostile_cookie_number(done->cookie)];

    hostile_cookie_back(rig->hostile, done->cookie);
    hostile_require(done->written <= writable);
    if (!rig->hostile->lied && !rig->hostile->scribbled)
        hostile_require(done->written == writable || (drained && done->written == 0));
}

/* An error that an honest device gives no reason for. */
static void no_error(const struct rig *rig, int result)
{
    hostile_require(result >= 0 || rig->hostile->lied || rig->hostile->scribbled);
}

static void submit(struct rig *rig, unsigned how)
{
    struct virtio_queue *queue = &rig->queue;
    struct virtio_chain chain;
    void *cookie = begin_cookie(rig);
    unsigned readable, writable;
    uint32_t bytes;
    int error;

    if (cookie == NULL)
        return;
    take_counts(rig->hostile, &readable, &writable);
    bytes = make_buffers(rig, rig->buffers, readable, writable);
    if (how == 0) {
        error = virtio_submit_buffers(queue, rig->buffers, (uint16_t)readable, (uint16_t)writable,
                                      cookie);
    } else if (how == 1) {
        error = virtio_submit_inline(queue, rig->buffers, (uint16_t)readable, (uint16_t)writable,
                                     cookie);
    } else {
        virtio_prepare(queue, &chain);
        for (unsigned at = 0; at < readable + writable; at++)
            (void)virtio_append_desc(queue, rig->buffers[at].device_address,
                                     rig->buffers[at].length,
                                     at >= readable ? VIRTQ_DESC_F_WRITE : 0, &chain);
        error = virtio_submit(queue, &chain, cookie);
    }
    end_cookie(rig, cookie, error, bytes);
}

static void flush(struct rig *rig)
{
    struct virtio_chain chain;
    unsigned readable, writable;
    uint32_t written = 1;
    uint32_t bytes;
    int error;

    take_counts(rig->hostile, &readable, &writable);
    bytes = make_buffers(rig, rig->buffers, readable, writable);
    virtio_prepare(&rig->queue, &chain);
    for (unsigned at = 0; at < readable + writable; at++)
        (void)virtio_append_desc(&rig->queue, rig->buffers[at].device_address,
                                 rig->buffers[at].length, at >= readable ? VIRTQ_DESC_F_WRITE : 0,
                                 &chain);
    error = virtio_flush(&rig->queue, &chain, &written);
    hostile_require(error <= 0);
    hostile_require(error == VIRTIO_OK ? written <= bytes : written == 0);
    if (error == VIRTIO_OK && !rig->hostile->lied && !rig->hostile->scribbled)
        hostile_require(written == bytes);
    if (error != VIRTIO_OK)
        rig->flushed = true;
}

static void prepared(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    unsigned which = hostile_byte(hostile) % PREPARED;
    struct virtio_prepared *request = &rig->prepared[which];
    struct virtio_buffer *buffers = rig->prepared_buffers[which];
    unsigned readable, writable, at;
    uint32_t bytes = 0;
    void *cookie;

    if (what == 0 && !rig->is_prepared[which]) {
        take_counts(hostile, &readable, &writable);
        (void)make_buffers(rig, buffers, readable, writable);
        rig->is_prepared[which] =
            virtio_prepared_begin(&rig->queue, request, buffers, (uint16_t)readable,
                                  (uint16_t)writable) == VIRTIO_OK;
        return;
    }
    if (!rig->is_prepared[which])
        return;
    switch (what) {
    case 0:
    case 1:
        cookie = begin_cookie(rig);
        if (cookie == NULL)
            return;
        for (at = request->readable; at < (unsigned)request->readable + request->writable; at++)
            bytes += buffers[at].length;
        end_cookie(rig, cookie,
                   what == 0 ? virtio_submit_prepared(&rig->queue, request, cookie)
                             : virtio_submit_prepared_inline(&rig->queue, request, cookie),
                   bytes);
        break;
    case 2:
        at = hostile_byte(hostile);
        bytes = hostile_length(hostile);
        if (bytes > MEMORY_SIZE)
            hostile->lied = true;
        (void)virtio_prepared_point(&rig->queue, request, (uint16_t)at, rig->device_address, bytes);
        break;
    default:
        if (virtio_prepared_end(&rig->queue, request) == VIRTIO_OK)
            rig->is_prepared[which] = false;
        break;
    }
}

static void reap(struct rig *rig, uint32_t most)
{
    struct virtio_done done[16];
    int count;

    if (most == 0) {
        count = (hostile_byte(rig->hostile) & 1) != 0 ? virtio_reap_inline(&rig->queue, &done[0])
                                                      : virtio_reap(&rig->queue, &done[0]);
        hostile_require(count <= 1);
    } else {
        count = virtio_reap_many(&rig->queue, done, most);
        hostile_require(count <= (int)most);
    }
    if (rig->queue.error != VIRTIO_E_RESET)
        no_error(rig, count);
    for (int at = 0; at < count; at++)
        come_back(rig, &done[at], false);
}

static void wait(struct rig *rig)
{
    struct virtio_done done;
    int result = virtio_wait(&rig->queue, &done, rig->hostile->timeout_us);

    hostile_require(result <= 1 && result != 0);
    if (result == 1)
        come_back(rig, &done, false);
    else if (result != VIRTIO_E_TIMEOUT && result != VIRTIO_E_STATE && result != VIRTIO_E_RESET)
        no_error(rig, result);
}

/* @return whether everything was given back. */
static bool drain(struct rig *rig)
{
    struct virtio_done done;
    int result;

    while ((result = virtio_drain(&rig->queue, &done)) == 1)
        come_back(rig, &done, true);
    return result == 0;
}

static void recover(struct rig *rig, unsigned what)
{
    int error = what == 0 ? virtio_queue_reset(&rig->queue) : virtio_device_recover(&rig->device);

    if (error == VIRTIO_OK)
        hostile_require(hostile_byte(rig->hostile) & 1 || drain(rig));
    else if (error != VIRTIO_E_NOT_SUPPORTED)
        no_error(rig, error);
}

static void step(struct rig *rig)
{
    struct hostile *hostile = rig->hostile;
    uint8_t what = hostile_byte(hostile);

    hostile_explain("step %u.%u\n", what & 31, what >> 5);
    hostile_begin_call(hostile);
    switch (what & 31) {
    case 0:
    case 1:
    case 2:
        submit(rig, what & 31);
        break;
    case 3:
        flush(rig);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        prepared(rig, (what & 31) - 4u);
        break;
    case 8:
        reap(rig, 0);
        break;
    case 9:
        reap(rig, 1u + (what >> 5));
        break;
    case 10:
        reap(rig, 16);
        break;
    case 11:
        wait(rig);
        break;
    case 12:
        (void)virtio_enable_interrupts(&rig->queue, (enum virtio_when)(what >> 5));
        break;
    case 13:
        (void)virtio_disable_interrupts(&rig->queue);
        break;
    case 14:
        recover(rig, 0);
        break;
    case 15:
        recover(rig, 1);
        break;
    case 16:
        hostile_fetch(hostile, 0);
        hostile_complete(hostile, 0, what >> 5, 0);
        break;
    case 17:
        hostile_work(hostile, 0);
        break;
    case 18:
        virtio_dump(&rig->device);
        break;
    case 19:
        (void)virtio_device_check(&rig->device);
        break;
    case 20:
        hostile->deaf = !hostile->deaf;
        break;
    case 21:
        (void)drain(rig);
        break;
    case 22:
        (void)virtio_kick_inline(&rig->queue);
        break;
    default:
        (void)virtio_kick(&rig->queue);
        break;
    }
    hostile_end_call(hostile, 2);
}

/* With everything back and nobody lying, the free descriptors are those that no prepared request keeps. */
static void check_room(struct rig *rig)
{
    uint32_t kept = 0;

    if (rig->hostile->lied || rig->hostile->scribbled || rig->flushed ||
        rig->queue.error != VIRTIO_OK)
        return;
    hostile_tame(rig->hostile);
    hostile_begin_call(rig->hostile);
    (void)virtio_kick(&rig->queue);
    hostile_work(rig->hostile, 0);
    while (rig->hostile->cookies_out != 0) {
        unsigned before = rig->hostile->cookies_out;

        reap(rig, 16);
        hostile_require(rig->hostile->cookies_out < before);
    }
    for (unsigned which = 0; which < PREPARED; which++) {
        if (rig->is_prepared[which] && rig->prepared[which].generation == rig->queue.generation)
            kept += rig->prepared[which].kept;
    }
    hostile_require(virtio_queue_free(&rig->queue) == rig->queue.size - kept);
}

static int start(struct rig *rig)
{
    struct hostile *hostile = rig->hostile;
    const struct virtio_features wanted = {0};
    struct virtio_queue_options options;
    int error;

    options.size_limit = (uint16_t)hostile_length(hostile);
    options.table_length = (uint16_t)hostile_length(hostile);
    hostile_begin_call(hostile);
    error = virtio_device_begin(&rig->device, &wanted);
    hostile_end_call(hostile, 2);
    if (error != VIRTIO_OK)
        return error;
    hostile_begin_call(hostile);
    error = virtio_queue_start_with(&rig->queue, &rig->device, 0, &options);
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&rig->device);
    hostile_end_call(hostile, 0);
    return error;
}

static void stop(struct rig *rig)
{
    hostile_tame(rig->hostile);
    hostile_begin_call(rig->hostile);
    hostile_require(virtio_device_stop(&rig->device) == VIRTIO_OK);
    hostile_require(drain(rig));
    hostile_require(virtio_ring_uninit(&rig->queue) == VIRTIO_OK);
    hostile_require(virtio_device_end(&rig->device) == VIRTIO_OK);
    hostile_end_call(rig->hostile, 1);
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_ENTROPY, 0, 1);
    if (hostile_find(hostile, &rig.device) != VIRTIO_OK)
        return;
    rig.memory = hostile_buffer(MEMORY_SIZE, &rig.device_address);
    if (start(&rig) == VIRTIO_OK) {
        for (unsigned steps = 0; steps < STEPS && hostile_has_script(hostile); steps++)
            step(&rig);
        check_room(&rig);
    }
    stop(&rig);
    hostile_buffer_back(rig.memory, MEMORY_SIZE);
}
