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

static struct virtio_queue_addresses ring;
static uint16_t device_index;

static void serve_split(void)
{
    struct virtq_desc *descriptors = (struct virtq_desc *)(uintptr_t)ring.descriptors;
    struct virtq_avail *available = (struct virtq_avail *)(uintptr_t)ring.driver;
    struct virtq_used *used = (struct virtq_used *)(uintptr_t)ring.device;

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

static uint16_t packed_flags(uint32_t position, bool is_used)
{
    bool wrap = (position / QUEUE_SIZE) % 2 == 0;
    uint32_t flags = wrap ? VIRTQ_DESC_F_AVAIL : 0;

    if (wrap == is_used)
        flags |= VIRTQ_DESC_F_USED;
    return (uint16_t)flags;
}

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
    struct pvirtq_desc *slots = (struct pvirtq_desc *)(uintptr_t)ring.descriptors;
    struct pvirtq_event_suppress *event = (struct pvirtq_event_suppress *)(uintptr_t)ring.device;

    while ((slots[device_position % QUEUE_SIZE].flags & both) ==
           packed_flags(device_position, false)) {
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
        slots[first % QUEUE_SIZE].flags = packed_flags(first, true) | VIRTQ_DESC_F_WRITE;
    }
    event->flags = RING_EVENT_FLAGS_ENABLE;
    if (setting.event_idx) {
        event->desc = (uint16_t)(device_position % QUEUE_SIZE |
                                 ((device_position / QUEUE_SIZE) % 2 == 0 ? 0x8000u : 0));
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

/* --- The transport: as little as the library needs to set a queue up ------------------------------------- */

static uint8_t device_status;

static uint8_t get_status(const struct virtio_device *unused)
{
    (void)unused;
    return device_status;
}

static void set_status(const struct virtio_device *unused, uint8_t value)
{
    (void)unused;
    device_status = value;
}

static uint64_t get_features(const struct virtio_device *unused)
{
    (void)unused;
    return VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC |
           (setting.packed ? VIRTIO_F_RING_PACKED : 0) |
           (setting.event_idx ? VIRTIO_F_EVENT_IDX : 0);
}

static void set_features(const struct virtio_device *unused, uint64_t value)
{
    (void)unused;
    (void)value;
}

static void set_number(const struct virtio_device *unused, uint16_t value)
{
    (void)unused;
    (void)value;
}

static void set_unit(const struct virtio_device *unused, uint32_t value)
{
    (void)unused;
    (void)value;
}

static int get_queue_maximum(const struct virtio_device *unused, uint32_t *size)
{
    (void)unused;
    *size = QUEUE_SIZE;
    return VIRTIO_OK;
}

static int set_address(const struct virtio_device *unused,
                       const struct virtio_queue_addresses *value)
{
    (void)unused;
    ring = *value;
    return VIRTIO_OK;
}

static int get_doorbell(const struct virtio_device *unused, uint16_t index,
                        struct virtio_doorbell *doorbell)
{
    (void)unused;
    (void)index;
    doorbell->ring = device_serve;
    return VIRTIO_OK;
}

static int allocate_shared(const struct virtio_device *unused, size_t size, size_t alignment,
                           struct virtio_shared *shared)
{
    (void)unused;
    shared->memory = aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
    if (shared->memory == NULL)
        return VIRTIO_E_NO_MEMORY;
    memset(shared->memory, 0, size);
    shared->size = size;
    shared->device_address = (uintptr_t)shared->memory;
    return VIRTIO_OK;
}

static const struct virtio_transport_ops transport = {
    .name = "benchmark",
    .revision = 0x0100,
    .get_device_features = get_features,
    .set_guest_features = set_features,
    .get_device_status = get_status,
    .set_device_status = set_status,
    .set_queue_select = set_number,
    .set_queue_num = set_number,
    .set_queue_align = set_unit,
    .get_queue_num_max = get_queue_maximum,
    .set_queue_address = set_address,
    .get_queue_doorbell = get_doorbell,
    .allocate_shared = allocate_shared,
};

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

static void *host_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return calloc(1, size);
}

static void host_free(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    (void)size;
    free(memory);
}

static void *host_dma_allocate(void *ctx, size_t size, size_t alignment, uint64_t limit,
                               unsigned flags, uint64_t *address)
{
    (void)ctx, (void)size, (void)alignment, (void)limit, (void)flags, (void)address;
    return NULL;
}

static void host_dma_free(void *ctx, void *memory, size_t size, uint64_t address)
{
    (void)ctx, (void)memory, (void)size, (void)address;
}

static uint64_t host_now(void *ctx)
{
    static uint64_t now;

    (void)ctx;
    return now++;
}

static const struct virtio_host host = {
    .allocate = host_allocate,
    .free = host_free,
    .dma_allocate = host_dma_allocate,
    .dma_free = host_dma_free,
    .now_us = host_now,
};

int main(int argc, char **argv)
{
    static const struct virtio_features none;
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
    device.host = &host;
    device.ops = &transport;
    device.timeout_us = 1000;
    error = virtio_device_begin(&device, &none);
    if (error == VIRTIO_OK)
        error = virtio_queue_start_with(&queue, &device, 0, &options);
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&device);
    if (error != VIRTIO_OK)
        fail("set-up", error);
    prepare_requests();
    keep_requests();
    run(rounds);
    printf("%lu requests, %lu notifications\n", rounds * setting.batch, notifications);
    return 0;
}
