/* SPDX-License-Identifier: MIT */
/*
 * What a request costs on the ring: instructions, from submit to reap, counted by callgrind.
 *
 * One driver, one device in the same thread: the device serves the queue inside the notification. The
 * functions driver_batch and device_serve switch the counting (--toggle-collect), so that the loop of
 * the driver counts and the device does not. Every request is checked. The library is called as a
 * user's object would call it: separately compiled, without link-time optimisation.
 *
 * Usage: ring LAYOUT EVENT_IDX SHAPE BATCH BUILD ROUNDS; prints requests and notifications.
 */
#include "ring_transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <virtio/device.h>
#include <virtio/inline.h>
#include <virtio/queue.h>

#define QUEUE_SIZE 256u
#define BATCH_MOST 32u

struct setting {
    bool packed;
    bool event_idx;
    unsigned descriptors; /* a request */
    unsigned batch;
    bool prepared;
};

static struct setting setting;
static struct virtio_device device;
static struct virtio_queue queue;
static unsigned char data[BATCH_MOST][4096];
static unsigned char header[BATCH_MOST][16];
static unsigned char status[BATCH_MOST];
static unsigned long notifications;

/* --- The device ----------------------------------------------------------------------------------------- */

static uint16_t device_index;

static void serve_split(void)
{
    struct virtq_desc *descriptors =
        (struct virtq_desc *)(uintptr_t)ring_transport.addresses.descriptors;
    struct virtq_avail *available =
        (struct virtq_avail *)(uintptr_t)ring_transport.addresses.driver;
    struct virtq_used *used = (struct virtq_used *)(uintptr_t)ring_transport.addresses.device;

    while (device_index != available->idx) {
        uint16_t head = available->ring[device_index % QUEUE_SIZE];
        struct virtq_used_elem *element = &used->ring[device_index % QUEUE_SIZE];
        struct virtq_desc *at = &descriptors[head];
        uint32_t written = 0;

        for (;; at = &descriptors[at->next]) {
            if (at->flags & VIRTQ_DESC_F_WRITE)
                written += at->len;
            if (!(at->flags & VIRTQ_DESC_F_NEXT))
                break;
        }
        element->id = head;
        element->len = written;
        device_index++;
    }
    used->idx = device_index;
    if (setting.event_idx) {
        uint16_t *avail_event = (uint16_t *)(void *)&used->ring[QUEUE_SIZE];

        *avail_event = device_index;
    }
}

static uint32_t device_position; /* free-running */

static uint32_t written_to_table(const struct pvirtq_desc *table, uint32_t count)
{
    uint32_t written = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (table[i].flags & VIRTQ_DESC_F_WRITE)
            written += table[i].len;
    }
    return written;
}

static void serve_packed(void)
{
    const uint16_t both = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;
    struct pvirtq_desc *slots =
        (struct pvirtq_desc *)(uintptr_t)ring_transport.addresses.descriptors;
    struct pvirtq_event_suppress *event =
        (struct pvirtq_event_suppress *)(uintptr_t)ring_transport.addresses.device;

    while ((slots[device_position % QUEUE_SIZE].flags & both) ==
           ring_transport_marks(QUEUE_SIZE, device_position, false)) {
        uint32_t first = device_position;
        uint32_t written = 0;
        struct pvirtq_desc *at;

        do {
            at = &slots[device_position++ % QUEUE_SIZE];
            if (at->flags & VIRTQ_DESC_F_INDIRECT)
                written +=
                    written_to_table((const struct pvirtq_desc *)(uintptr_t)at->addr, at->len / 16);
            else if (at->flags & VIRTQ_DESC_F_WRITE)
                written += at->len;
        } while (at->flags & VIRTQ_DESC_F_NEXT);
        slots[first % QUEUE_SIZE].id = at->id;
        slots[first % QUEUE_SIZE].len = written;
        slots[first % QUEUE_SIZE].flags =
            ring_transport_marks(QUEUE_SIZE, first, true) | VIRTQ_DESC_F_WRITE;
    }
    event->flags = RING_EVENT_FLAGS_ENABLE;
    if (setting.event_idx) {
        event->desc = ring_transport_event(QUEUE_SIZE, device_position);
        event->flags = RING_EVENT_FLAGS_DESC;
    }
}

__attribute__((noinline)) void device_serve(const struct virtio_doorbell *doorbell, uint32_t value);

void device_serve(const struct virtio_doorbell *doorbell, uint32_t value)
{
    (void)doorbell;
    (void)value;
    notifications++;
    if (setting.packed)
        serve_packed();
    else
        serve_split();
}

/* --- The driver ------------------------------------------------------------------------------------------ */

__attribute__((noinline, noreturn, cold)) static void fail(const char *what, int error)
{
    fprintf(stderr, "ring: %s: %s\n", what, virtio_strerror(error));
    exit(1);
}

/* A request as a driver would keep it: its buffers in an array, header and status always the same ones. */
struct request {
    struct virtio_buffer buffers[3];
    void *data; /* serves as the cookie too */
    struct virtio_prepared prepared;
};

static struct request requests[BATCH_MOST];

static void prepare_requests(void)
{
    for (unsigned i = 0; i < BATCH_MOST; i++) {
        struct virtio_buffer *buffer = requests[i].buffers;

        requests[i].data = data[i];
        if (setting.descriptors == 3)
            *buffer++ = (struct virtio_buffer){(uintptr_t)header[i], sizeof(header[i])};
        *buffer++ = (struct virtio_buffer){(uintptr_t)data[i], 4096};
        *buffer = (struct virtio_buffer){(uintptr_t)&status[i], 1};
    }
}

static void keep_requests(void)
{
    for (unsigned i = 0; setting.prepared && i < BATCH_MOST; i++) {
        int error = virtio_prepared_begin(&queue, &requests[i].prepared, requests[i].buffers,
                                          setting.descriptors == 3,
                                          (uint16_t)(setting.descriptors == 3 ? 2 : 1));

        if (error != VIRTIO_OK)
            fail("prepare", error);
    }
}

static inline void check_done(const struct virtio_done *done, const unsigned char *wanted)
{
    if (done->cookie != wanted || done->written < 4096)
        fail("completion", 0);
}

/*
 * The loops that count. In batches: submit all, kick once, take everything back. One at a time: submit, kick,
 * take it back.
 */

__attribute__((noinline)) void driver_1_batch(unsigned long rounds, unsigned count);
__attribute__((noinline)) void driver_3_batch(unsigned long rounds, unsigned count);
__attribute__((noinline)) void driver_1_single(unsigned long rounds);
__attribute__((noinline)) void driver_3_single(unsigned long rounds);
__attribute__((noinline)) void driver_prepared_batch(unsigned long rounds, unsigned count);
__attribute__((noinline)) void driver_prepared_single(unsigned long rounds);

__attribute__((always_inline)) static inline void submit_1(struct request *request)
{
    int error;

    request->buffers[0].device_address = (uintptr_t)request->data;
    error = virtio_submit_inline(&queue, request->buffers, 0, 1, request->data);
    if (error != VIRTIO_OK)
        fail("submit", error);
}

__attribute__((always_inline)) static inline void submit_3(struct request *request)
{
    int error;

    request->buffers[1].device_address = (uintptr_t)request->data;
    error = virtio_submit_inline(&queue, request->buffers, 1, 2, request->data);
    if (error != VIRTIO_OK)
        fail("submit", error);
}

__attribute__((always_inline)) static inline void submit_prepared(struct request *request)
{
    int error = virtio_submit_prepared_inline(&queue, &request->prepared, request->data);

    if (error != VIRTIO_OK)
        fail("submit prepared", error);
}

static inline void kick_and_reap_batch(unsigned count)
{
    struct virtio_done done[BATCH_MOST];
    const unsigned char *wanted = data[0];
    int taken;

    virtio_kick_inline(&queue);
    taken = virtio_reap_many(&queue, done, BATCH_MOST);
    if (taken != (int)count)
        fail("reap", taken);
    for (const struct virtio_done *at = done; at != done + taken; at++, wanted += sizeof(data[0]))
        check_done(at, wanted);
}

static inline void kick_and_reap_single(void)
{
    struct virtio_done done;
    int taken;

    virtio_kick_inline(&queue);
    taken = virtio_reap_inline(&queue, &done);
    if (taken != 1)
        fail("reap", taken);
    check_done(&done, data[0]);
}

void driver_1_batch(unsigned long rounds, unsigned count)
{
    for (; rounds != 0; rounds--) {
        for (struct request *at = requests; at != requests + count; at++)
            submit_1(at);
        kick_and_reap_batch(count);
    }
}

void driver_3_batch(unsigned long rounds, unsigned count)
{
    for (; rounds != 0; rounds--) {
        for (struct request *at = requests; at != requests + count; at++)
            submit_3(at);
        kick_and_reap_batch(count);
    }
}

void driver_1_single(unsigned long rounds)
{
    for (; rounds != 0; rounds--) {
        submit_1(requests);
        kick_and_reap_single();
    }
}

void driver_3_single(unsigned long rounds)
{
    for (; rounds != 0; rounds--) {
        submit_3(requests);
        kick_and_reap_single();
    }
}

void driver_prepared_batch(unsigned long rounds, unsigned count)
{
    for (; rounds != 0; rounds--) {
        for (struct request *at = requests; at != requests + count; at++)
            submit_prepared(at);
        kick_and_reap_batch(count);
    }
}

void driver_prepared_single(unsigned long rounds)
{
    for (; rounds != 0; rounds--) {
        submit_prepared(requests);
        kick_and_reap_single();
    }
}

static void run(unsigned long rounds)
{
    if (setting.prepared && setting.batch == 1)
        driver_prepared_single(rounds);
    else if (setting.prepared)
        driver_prepared_batch(rounds, setting.batch);
    else if (setting.batch == 1 && setting.descriptors == 1)
        driver_1_single(rounds);
    else if (setting.batch == 1)
        driver_3_single(rounds);
    else if (setting.descriptors == 1)
        driver_1_batch(rounds, setting.batch);
    else
        driver_3_batch(rounds, setting.batch);
}

int main(int argc, char **argv)
{
    static const struct virtio_queue_options options = {.size_limit = QUEUE_SIZE,
                                                        .table_length = 3};
    unsigned long rounds;
    int error;

    if (argc != 7) {
        fprintf(stderr, "usage: ring split|packed on|off 1|3 BATCH afresh|prepared ROUNDS\n");
        return 2;
    }
    setting.packed = strcmp(argv[1], "packed") == 0;
    setting.event_idx = strcmp(argv[2], "on") == 0;
    setting.descriptors = (unsigned)atoi(argv[3]);
    setting.batch = (unsigned)atoi(argv[4]);
    setting.prepared = strcmp(argv[5], "prepared") == 0;
    rounds = strtoul(argv[6], NULL, 10);
    ring_transport.features = VIRTIO_F_INDIRECT_DESC | (setting.packed ? VIRTIO_F_RING_PACKED : 0) |
                              (setting.event_idx ? VIRTIO_F_EVENT_IDX : 0);
    ring_transport.size = QUEUE_SIZE;
    ring_transport.ring = device_serve;
    error = ring_transport_start(&device, &queue, &options);
    if (error != VIRTIO_OK)
        fail("set-up", error);
    prepare_requests();
    keep_requests();
    run(rounds);
    printf("%lu requests, %lu notifications\n", rounds * setting.batch, notifications);
    return 0;
}
