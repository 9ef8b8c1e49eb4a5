/* SPDX-License-Identifier: MIT */
/*
 * Two threads on one ring: the driver's, which calls the library, and the device's, which works through the
 * ring by the specification's rules and sleeps when it has nothing to do, until it is notified. Detects
 *   - a lost notification: the device sleeps although there is work, and nobody wakes it
 *   - a torn or reordered entry: a chain whose buffers are not those of one request
 *   - a lost or duplicated cookie
 *   - data that is not there when its completion is: the device writes the cookie's number into the buffer
 * Prints nanoseconds per request, for people.
 *
 * Usage: ring split|packed|split-in-order|packed-in-order on|off SECONDS MANNER
 *
 *     polling   the device never sleeps
 *     sleeping  it sleeps whenever it has nothing to do
 *     racing    as that, but each thread has a CPU of its own, there is one request at a time, and the device
 *               dawdles for a random time before it asks to be woken and looks once more, the driver before it
 *               kicks: the two meet where the driver publishes and reads the wish. This is what finds out that
 *               the driver's fence is missing, with and without event indices.
 */
#include "ring_transport.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <virtio/inline.h>
#include <virtio/virtio.h>

#define QUEUE_SIZE  64u
#define OUTSTANDING 32u
#define SLOTS       64u /* requests that the driver has, in flight or not */
#define STUCK_NS    UINT64_C(10000000000)

static bool packed;
static bool event_idx;
static bool in_order;
static bool sleepy;
static bool racing;

static struct virtio_device device;
static struct virtio_queue queue;
static atomic_uint doorbell;
static atomic_bool over;
static unsigned long notifications;

/* A request: what the device reads, and what it writes. */
struct request {
    uint64_t number;
    uint64_t answer;
    bool out;
};

static struct request requests[SLOTS];

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Let up to about half a microsecond pass without a system call. */
static inline void dawdle(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    for (uint32_t left = *random >> 24; left != 0; left--)
        __asm__ volatile("" ::: "memory");
}

/* Give up the CPU: not at once where each thread has its own. */
static inline void wait_a_little(unsigned *turns)
{
    if (!racing || ++*turns % 4096 == 0)
        sched_yield();
}

static void fail(const char *what, uint64_t value)
{
    fprintf(stderr, "stress: %s (%llu)\n", what, (unsigned long long)value);
    _Exit(1);
}

/* The device --------------------------------------------------------------------------------------- */

static void serve(const uint64_t *from, uint64_t *to, uint32_t from_length, uint32_t to_length)
{
    if (from_length != 8 || to_length != 8)
        fail("a chain with the wrong lengths", from_length);
    if ((const uint8_t *)to - (const uint8_t *)from != offsetof(struct request, answer))
        fail("a chain of two requests", (uintptr_t)from);
    *to = ~*from;
}

static uint16_t load16(const uint16_t *from, int order)
{
    return order ? __atomic_load_n(from, __ATOMIC_ACQUIRE)
                 : __atomic_load_n(from, __ATOMIC_RELAXED);
}

/* Sleep until the doorbell rings: `seen` is what it was before the last look into the ring. */
static void sleep_device(unsigned seen)
{
    uint64_t since = now_ns();
    unsigned turns = 0;

    while (atomic_load(&doorbell) == seen && !atomic_load(&over)) {
        wait_a_little(&turns);
        if (turns % 4096 == 0 && now_ns() - since > STUCK_NS)
            fail("nobody wakes the device", 0);
    }
}

static uint16_t *split_avail_event(void)
{
    struct virtq_used *used = (struct virtq_used *)(uintptr_t)ring_transport.addresses.device;

    return (uint16_t *)(void *)&used->ring[QUEUE_SIZE];
}

/* Ask for notifications or for none. */
static void split_wish(bool wanted, uint16_t next)
{
    struct virtq_used *used = (struct virtq_used *)(uintptr_t)ring_transport.addresses.device;

    if (event_idx)
        __atomic_store_n(split_avail_event(), wanted ? next : (uint16_t)(next - 1),
                         __ATOMIC_RELAXED);
    else
        __atomic_store_n(&used->flags, wanted ? 0 : 1, __ATOMIC_RELAXED);
}

static void run_split(void)
{
    struct virtq_desc *table = (struct virtq_desc *)(uintptr_t)ring_transport.addresses.descriptors;
    struct virtq_avail *available =
        (struct virtq_avail *)(uintptr_t)ring_transport.addresses.driver;
    struct virtq_used *used = (struct virtq_used *)(uintptr_t)ring_transport.addresses.device;
    uint32_t random = 1;
    uint16_t next = 0;
    uint16_t used_index = 0;

    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        unsigned seen = atomic_load(&doorbell);
        uint16_t index = load16(&available->idx, 1);
        uint16_t batch = 0;

        if (index == next && sleepy) {
            if (racing)
                dawdle(&random);
            split_wish(true, next);
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            if (load16(&available->idx, 1) == next)
                sleep_device(seen);
            split_wish(false, next);
            continue;
        }
        if (index == next) {
            sched_yield();
            continue;
        }
        for (; next != index; next++) {
            uint16_t head = load16(&available->ring[next % QUEUE_SIZE], 0);
            struct virtq_desc *first = &table[head % QUEUE_SIZE];
            struct virtq_desc *second = &table[first->next % QUEUE_SIZE];

            if (head >= QUEUE_SIZE || first->flags != 1 || second->flags != 2)
                fail("a torn chain", head);
            serve((const uint64_t *)(uintptr_t)first->addr, (uint64_t *)(uintptr_t)second->addr,
                  first->len, second->len);
            if (!in_order || (uint16_t)(next + 1) == index || batch == 7) {
                /* In order: one entry for a batch, where its first would be. */
                __atomic_store_n(&used->ring[used_index % QUEUE_SIZE].id, head, __ATOMIC_RELAXED);
                __atomic_store_n(&used->ring[used_index % QUEUE_SIZE].len, 8, __ATOMIC_RELAXED);
                used_index = (uint16_t)(used_index + batch + 1);
                __atomic_store_n(&used->idx, used_index, __ATOMIC_RELEASE);
                batch = 0;
            } else {
                batch++;
            }
        }
    }
}

static bool is_available(const struct pvirtq_desc *slots, uint32_t position)
{
    uint16_t both = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;

    return (load16(&slots[position % QUEUE_SIZE].flags, 1) & both) ==
           ring_transport_marks(QUEUE_SIZE, position, false);
}

static void packed_wish(bool wanted, uint32_t next)
{
    struct pvirtq_event_suppress *event =
        (struct pvirtq_event_suppress *)(uintptr_t)ring_transport.addresses.device;

    if (!wanted) {
        __atomic_store_n(&event->flags, RING_EVENT_FLAGS_DISABLE, __ATOMIC_RELAXED);
    } else if (event_idx) {
        __atomic_store_n(&event->desc, ring_transport_event(QUEUE_SIZE, next), __ATOMIC_RELAXED);
        __atomic_store_n(&event->flags, RING_EVENT_FLAGS_DESC, __ATOMIC_RELEASE);
    } else {
        __atomic_store_n(&event->flags, RING_EVENT_FLAGS_ENABLE, __ATOMIC_RELAXED);
    }
}

static void run_packed(void)
{
    struct pvirtq_desc *slots =
        (struct pvirtq_desc *)(uintptr_t)ring_transport.addresses.descriptors;
    uint32_t random = 1;
    uint32_t next = 0;
    uint32_t used = 0;
    uint32_t batch = 0;

    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        unsigned seen = atomic_load(&doorbell);
        struct pvirtq_desc *first = &slots[next % QUEUE_SIZE];
        struct pvirtq_desc *second = &slots[(next + 1) % QUEUE_SIZE];
        uint16_t id;

        if (!is_available(slots, next)) {
            if (sleepy) {
                if (racing)
                    dawdle(&random);
                packed_wish(true, next);
                __atomic_thread_fence(__ATOMIC_SEQ_CST);
                if (!is_available(slots, next))
                    sleep_device(seen);
                packed_wish(false, next);
            } else {
                sched_yield();
            }
            continue;
        }
        if (!is_available(slots, next + 1) || !(first->flags & 1) || (first->flags & 2) ||
            (second->flags & 1) || !(second->flags & 2))
            fail("a torn chain", next);
        id = second->id;
        serve((const uint64_t *)(uintptr_t)first->addr, (uint64_t *)(uintptr_t)second->addr,
              first->len, second->len);
        next += 2;
        batch++;
        if (!in_order || batch == 8 || !is_available(slots, next)) {
            struct pvirtq_desc *slot = &slots[used % QUEUE_SIZE];

            slot->id = id;
            slot->len = 8;
            __atomic_store_n(
                &slot->flags,
                (uint16_t)(ring_transport_marks(QUEUE_SIZE, used, true) | VIRTQ_DESC_F_WRITE),
                __ATOMIC_RELEASE);
            used = next;
            batch = 0;
        }
    }
}

static void *run_device(void *unused)
{
    (void)unused;
    if (packed)
        run_packed();
    else
        run_split();
    return NULL;
}

/* Set-up ------------------------------------------------------------------------------------------- */

static void ring_doorbell(const struct virtio_doorbell *unused, uint32_t value)
{
    (void)unused, (void)value;
    notifications++;
    atomic_fetch_add(&doorbell, 1);
}

static uint64_t now_us(void)
{
    return now_ns() / 1000;
}

static int set_up(void)
{
    const struct virtio_queue_options options = {.size_limit = QUEUE_SIZE};

    ring_transport.features = (packed ? VIRTIO_F_RING_PACKED : 0) |
                              (event_idx ? VIRTIO_F_EVENT_IDX : 0) |
                              (in_order ? VIRTIO_F_IN_ORDER : 0);
    ring_transport.size = QUEUE_SIZE;
    ring_transport.ring = ring_doorbell;
    ring_transport.now_us = now_us;
    return ring_transport_start(&device, &queue, &options);
}

/* The driver --------------------------------------------------------------------------------------- */

static unsigned submit_some(uint64_t *number, unsigned outstanding, unsigned most)
{
    unsigned count = 0;

    for (unsigned i = 0; i < SLOTS && outstanding + count < OUTSTANDING && count < most; i++) {
        struct request *request = &requests[i];
        struct virtio_buffer buffers[2] = {{(uintptr_t)&request->number, 8},
                                           {(uintptr_t)&request->answer, 8}};
        int error;

        if (request->out)
            continue;
        request->number = ++*number;
        request->answer = 0;
        error = virtio_submit_inline(&queue, buffers, 1, 1, request);
        if (error == VIRTIO_E_FULL)
            break;
        if (error != VIRTIO_OK)
            fail("submit", (uint64_t)-error);
        request->out = true;
        count++;
    }
    return count;
}

static unsigned reap_some(void)
{
    struct virtio_done done[OUTSTANDING];
    int taken = virtio_reap_many(&queue, done, OUTSTANDING);

    if (taken < 0)
        fail("reap", (uint64_t)-taken);
    for (int i = 0; i < taken; i++) {
        struct request *request = done[i].cookie;

        if (request < requests || request >= requests + SLOTS || !request->out)
            fail("a cookie that is not out", (uintptr_t)request);
        if (request->answer != ~request->number || done[i].written != 8)
            fail("a completion without its data", request->number);
        request->out = false;
    }
    return (unsigned)taken;
}

/* Have the device's wish in this CPU's cache, so that reading it need not wait and can overtake a store. */
static void warm_up(void)
{
    const volatile uint16_t *wish =
        (const volatile uint16_t *)(uintptr_t)ring_transport.addresses.device;

    (void)wish[0];
    (void)wish[1];
    if (!packed && event_idx)
        (void)*(const volatile uint16_t *)split_avail_event();
}

/* @return how many requests were completed. */
static uint64_t drive(uint64_t until)
{
    uint64_t number = 0;
    uint64_t reaped = 0;
    uint64_t stalled_since = 0;
    uint32_t random = 2;
    unsigned outstanding = 0;
    unsigned idle = 0;

    for (;;) {
        unsigned taken;

        if (racing && outstanding == 0)
            dawdle(&random);
        if (!racing || outstanding == 0)
            outstanding += submit_some(&number, outstanding,
                                       racing ? 1 : 1 + (unsigned)(number * 2654435761u >> 16) % 8);
        if (racing)
            warm_up();
        if (virtio_kick(&queue) != VIRTIO_OK)
            fail("kick", 0);
        taken = reap_some();
        outstanding -= taken;
        reaped += taken;
        if (taken != 0) {
            idle = 0;
            stalled_since = 0;
            if (reaped % 4096 < taken && now_ns() > until)
                return reaped;
            continue;
        }
        if (++idle % (racing ? 4096 : 64) != 0)
            continue;
        sched_yield();
        if (idle % 65536 == 0) {
            uint64_t now = now_ns();

            if (stalled_since == 0)
                stalled_since = now;
            if (now - stalled_since > STUCK_NS)
                fail("nothing completes", outstanding);
        }
    }
}

/* Two threads race only when they run at the same time. */
static void have_own_cpu(pthread_t thread, unsigned nth)
{
    cpu_set_t all;
    cpu_set_t one;

    CPU_ZERO(&all);
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof(all), &all) != 0)
        return;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &all) && nth-- == 0) {
            CPU_SET(cpu, &one);
            (void)pthread_setaffinity_np(thread, sizeof(one), &one);
            return;
        }
    }
}

int main(int argc, char **argv)
{
    pthread_t thread;
    uint64_t start;
    uint64_t reaped;
    double seconds;

    if (argc != 5) {
        fprintf(stderr, "usage: ring split|packed|split-in-order|packed-in-order on|off SECONDS "
                        "polling|sleeping|racing\n");
        return 2;
    }
    packed = strncmp(argv[1], "packed", 6) == 0;
    in_order = strstr(argv[1], "in-order") != NULL;
    event_idx = strcmp(argv[2], "on") == 0;
    seconds = atof(argv[3]);
    racing = strcmp(argv[4], "racing") == 0;
    sleepy = racing || strcmp(argv[4], "sleeping") == 0;
    if (set_up() != VIRTIO_OK)
        fail("set-up", 0);
    if (pthread_create(&thread, NULL, run_device, NULL) != 0)
        fail("thread", 0);
    if (racing) {
        have_own_cpu(thread, 1);
        have_own_cpu(pthread_self(), 0);
    }
    start = now_ns();
    reaped = drive(start + (uint64_t)(seconds * 1e9));
    start = now_ns() - start;
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    if (reaped == 0)
        fail("no request completed", 0);
    printf("%-16s event_idx %-3s %-8s %12llu requests %8.1f ns each %8.4f notifications each\n",
           argv[1], argv[2], argv[4], (unsigned long long)reaped, (double)start / (double)reaped,
           (double)notifications / (double)reaped);
    return 0;
}
