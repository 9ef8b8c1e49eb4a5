/* SPDX-License-Identifier: MIT */
/*
 * The ring engine: every ring format and feature, driven against a device's end that is written from the
 * specification's offsets (2.7, 2.8) and checks what it finds: availability, flags, chains, tables, the order
 * of completion, wishes for notifications. The device is in the same thread and acts when a test says so.
 */
#include "ring_transport.h"
#include "test.h"

#include <queue/queue_internal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <virtio/inline.h>
#include <virtio/virtio.h>

#define MOST 512u /* chains that the device has taken */

/* What was negotiated beside VERSION_1. */
struct variant {
    const char *name;
    uint64_t features;
};

#define PACKED   VIRTIO_F_RING_PACKED
#define EVENT    VIRTIO_F_EVENT_IDX
#define TABLES   VIRTIO_F_INDIRECT_DESC
#define IN_ORDER VIRTIO_F_IN_ORDER

static const struct variant variants[] = {
    {"split", 0},
    {"split, event", EVENT},
    {"split, tables", TABLES},
    {"split, in order", IN_ORDER},
    {"split, all", EVENT | TABLES | IN_ORDER},
    {"packed", PACKED},
    {"packed, event", PACKED | EVENT},
    {"packed, tables", PACKED | TABLES},
    {"packed, in order", PACKED | IN_ORDER},
    {"packed, all", PACKED | EVENT | TABLES | IN_ORDER},
};

struct chain {
    uint32_t id;       /* head, or buffer id */
    uint32_t slots;    /* descriptors of the ring */
    uint32_t buffers;  /* in all */
    uint32_t readable; /* bytes */
    uint32_t writable;
    uint64_t address; /* of the first buffer */
    bool table;
};

/* The device's end. */
struct model {
    uint64_t features;
    struct virtio_queue_addresses ring;
    uint32_t size;
    uint32_t available; /* split: index; packed: position; free-running */
    uint32_t used;
    struct chain taken[MOST];
    unsigned count;
    unsigned notifications;
    uint32_t value; /* of the latest notification */
};

static struct model model;
static struct virtio_device device;
static struct virtio_queue queue;

/* By the function and inline, in turn. */
static unsigned turn;

static int kick(void)
{
    return turn++ % 2 ? virtio_kick_inline(&queue) : virtio_kick(&queue);
}

static int reap(struct virtio_done *done)
{
    return turn++ % 2 ? virtio_reap_inline(&queue, done) : virtio_reap(&queue, done);
}

/* The device's end of memory --------------------------------------------------------------------- */

static uint8_t *at(uint64_t address)
{
    return (uint8_t *)(uintptr_t)address;
}

static uint16_t get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t get32(const uint8_t *bytes)
{
    return get16(bytes) | (uint32_t)get16(bytes + 2) << 16;
}

static uint64_t get64(const uint8_t *bytes)
{
    return get32(bytes) | (uint64_t)get32(bytes + 4) << 32;
}

static void put16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *bytes, uint32_t value)
{
    put16(bytes, value);
    put16(bytes + 2, value >> 16);
}

static bool is_packed(void)
{
    return (model.features & PACKED) != 0;
}

static bool wrap_at(uint32_t position)
{
    return (position / model.size) % 2 == 0;
}

static void add_buffer(struct chain *chain, const uint8_t *descriptor, uint32_t flags)
{
    uint32_t length = get32(descriptor + 8);

    assert_int_not_equal(length, 0);
    if (chain->buffers++ == 0)
        chain->address = get64(descriptor);
    if (flags & 2) {
        chain->writable += length;
    } else {
        assert_int_equal(chain->writable, 0); /* readable before writable */
        chain->readable += length;
    }
}

static void read_table(struct chain *chain, const uint8_t *descriptor, uint32_t flags)
{
    uint32_t bytes = get32(descriptor + 8);
    const uint8_t *table = at(get64(descriptor));
    uint32_t count = bytes / 16;

    assert_true((model.features & TABLES) != 0);
    assert_int_equal(flags & 1, 0); /* no NEXT with INDIRECT */
    assert_int_equal(bytes % 16, 0);
    assert_true(count != 0 && count <= model.size);
    chain->table = true;
    for (uint32_t i = 0; i < count; i++, table += 16) {
        uint32_t entry_flags = is_packed() ? get16(table + 14) : get16(table + 12);

        assert_int_equal(entry_flags & 4, 0); /* never nested */
        if (is_packed()) {
            assert_int_equal(entry_flags & ~2u, 0);
        } else {
            assert_int_equal(entry_flags & 1, i + 1 != count);
            if (entry_flags & 1)
                assert_int_equal(get16(table + 14), i + 1);
        }
        add_buffer(chain, table, entry_flags);
    }
}

static bool take_split(struct chain *chain)
{
    const uint8_t *available = at(model.ring.driver);
    uint32_t index = get16(available + 2);
    uint32_t next;

    assert_true((uint16_t)(index - model.available) <= model.size);
    if (index == (model.available & 0xffff))
        return false;
    next = get16(available + 4 + 2 * (model.available % model.size));
    chain->id = next;
    for (;;) {
        const uint8_t *descriptor = at(model.ring.descriptors) + 16 * next;
        uint32_t flags = get16(descriptor + 12);

        assert_true(next < model.size);
        assert_true(++chain->slots <= model.size);
        if (flags & 4)
            read_table(chain, descriptor, flags);
        else
            add_buffer(chain, descriptor, flags);
        if (!(flags & 1))
            break;
        if (model.features & IN_ORDER)
            assert_int_equal(get16(descriptor + 14), (next + 1) % model.size);
        next = get16(descriptor + 14);
    }
    model.available++;
    return true;
}

static bool take_packed(struct chain *chain)
{
    uint32_t flags;

    do {
        const uint8_t *descriptor =
            at(model.ring.descriptors) + 16 * (model.available % model.size);
        bool wrap = wrap_at(model.available);

        flags = get16(descriptor + 14);
        if (((flags & 0x80) != 0) != wrap || ((flags & 0x8000) != 0) == wrap) {
            assert_int_equal(chain->slots, 0); /* no chain is shown in part */
            return false;
        }
        chain->id = get16(descriptor + 12);
        assert_true(chain->id < model.size);
        assert_true(++chain->slots <= model.size);
        if (flags & 4)
            read_table(chain, descriptor, flags);
        else
            add_buffer(chain, descriptor, flags);
        model.available++;
    } while (flags & 1);
    return true;
}

/* @return how many chains were new. */
static unsigned device_take(void)
{
    unsigned count = 0;

    for (;;) {
        struct chain chain = {0};

        if (!(is_packed() ? take_packed(&chain) : take_split(&chain)))
            return count;
        assert_true(model.count < MOST);
        for (unsigned i = 0; i < model.count; i++)
            assert_int_not_equal(model.taken[i].id, chain.id);
        model.taken[model.count++] = chain;
        count++;
    }
}

/* Write one used entry with `id` and `length`, and go on by `chains` chains of `slots` descriptors. */
static void device_use(uint32_t id, uint32_t length, uint32_t chains, uint32_t slots)
{
    if (is_packed()) {
        uint8_t *descriptor = at(model.ring.descriptors) + 16 * (model.used % model.size);

        put32(descriptor + 8, length);
        put16(descriptor + 12, id);
        put16(descriptor + 14, wrap_at(model.used) ? 0x8082 : 0x0002);
        model.used += slots;
    } else {
        uint8_t *used = at(model.ring.device);

        put32(used + 4 + 8 * (model.used % model.size), id);
        put32(used + 8 + 8 * (model.used % model.size), length);
        model.used += chains;
        put16(used + 2, model.used);
    }
}

/* Complete the n-th chain taken. */
static void device_complete(unsigned n, uint32_t written)
{
    device_use(model.taken[n].id, written, 1, model.taken[n].slots);
    memmove(&model.taken[n], &model.taken[n + 1], (model.count - n - 1) * sizeof(model.taken[0]));
    model.count--;
}

/* Complete the first `count` chains with the entry of the last of them. */
static void device_complete_batch(unsigned count, uint32_t written)
{
    uint32_t slots = 0;

    for (unsigned i = 0; i < count; i++)
        slots += model.taken[i].slots;
    device_use(model.taken[count - 1].id, written, count, slots);
    memmove(&model.taken[0], &model.taken[count], (model.count - count) * sizeof(model.taken[0]));
    model.count -= count;
}

/* Set-up ----------------------------------------------------------------------------------------- */

static void ring_doorbell(const struct virtio_doorbell *doorbell, uint32_t value)
{
    (void)doorbell;
    model.notifications++;
    model.value = value;
}

static void start(uint64_t features, uint32_t size, uint16_t table_length)
{
    struct virtio_queue_options options = {.size_limit = (uint16_t)size,
                                           .table_length = table_length};

    model = (struct model){.features = features, .size = size};
    ring_transport =
        (struct ring_transport){.features = features, .size = size, .ring = ring_doorbell};
    assert_ok(ring_transport_start(&device, &queue, &options));
    model.ring = ring_transport.addresses;
}

static void stop(void)
{
    assert_ok(virtio_device_stop(&device));
    assert_ok(virtio_ring_uninit(&queue));
}

/* Traffic ---------------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

struct expected {
    bool out;
    bool is_last_of_batch;
    uint32_t written;
    uint32_t writable;
};

#define COOKIES 1024u

static struct expected expected[COOKIES];

static void *cookie_of(uint32_t number)
{
    return (void *)(uintptr_t)(number + 1);
}

/* A request of random shape, by a random one of the ways to submit. The first buffer's address is the cookie. */
static bool submit_random(uint32_t *random, uint32_t number)
{
    struct virtio_buffer buffers[12];
    uint16_t readable = (uint16_t)(next_random(random) % 4);
    uint16_t writable = (uint16_t)(next_random(random) % 4);
    uint32_t bytes = 0;
    int error;

    if (next_random(random) % 16 == 0)
        writable = 9; /* long enough for a table */
    if (readable + writable == 0)
        writable = 1;
    if (readable + writable > (int)queue.size)
        return false;
    for (unsigned i = 0; i < readable + writable; i++) {
        buffers[i].device_address = number + 1;
        buffers[i].length = 1 + next_random(random) % 5000;
        if (i >= readable)
            bytes += buffers[i].length;
    }
    if (next_random(random) % 2)
        error = virtio_submit_inline(&queue, buffers, readable, writable, cookie_of(number));
    else
        error = virtio_submit_buffers(&queue, buffers, readable, writable, cookie_of(number));
    if (error == VIRTIO_E_FULL)
        return false;
    assert_ok(error);
    assert_false(expected[number].out);
    expected[number] = (struct expected){.out = true, .writable = bytes};
    return true;
}

static void complete_random(uint32_t *random)
{
    while (model.count != 0 && next_random(random) % 4 != 0) {
        unsigned n = next_random(random) % model.count;
        bool batch = (model.features & IN_ORDER) != 0;
        unsigned last = batch ? n : 0;
        const struct chain *chain = &model.taken[n];
        uint32_t written = chain->writable != 0 ? next_random(random) % (chain->writable + 1) : 0;

        for (unsigned i = 0; i <= last; i++) {
            struct expected *e = &expected[model.taken[batch ? i : n].address - 1];

            assert_true(e->out);
            e->written = batch && i != last ? e->writable : written;
        }
        if (batch)
            device_complete_batch(n + 1, written);
        else
            device_complete(n, written);
    }
}

static unsigned reap_all(uint32_t *random)
{
    struct virtio_done done[7];
    unsigned all = 0;

    for (;;) {
        int taken = next_random(random) % 2 ? virtio_reap_many(&queue, done, 7) : reap(done);

        assert_true(taken >= 0);
        if (taken == 0)
            return all;
        for (int i = 0; i < taken; i++) {
            struct expected *e = &expected[(uintptr_t)done[i].cookie - 1];

            assert_true(e->out); /* exactly once */
            assert_int_equal(done[i].written, e->written);
            e->out = false;
            all++;
        }
    }
}

static void run_traffic(const struct variant *variant, uint32_t size, unsigned requests)
{
    uint32_t random = size * 7919u + 1;
    unsigned submitted = 0;
    unsigned reaped = 0;
    uint32_t number = 0;

    memset(expected, 0, sizeof(expected));
    start(variant->features, size, 12);
    while (reaped < requests) {
        unsigned burst = next_random(&random) % 9;

        while (burst-- != 0 && submitted < requests) {
            while (expected[number % COOKIES].out)
                number++;
            if (!submit_random(&random, number % COOKIES))
                break;
            number++;
            submitted++;
        }
        /* A split ring shows nothing before the kick; a packed one may be looked at before. */
        if (!is_packed())
            assert_int_equal(device_take(), 0);
        else if (next_random(&random) % 2 == 0)
            device_take();
        assert_ok(kick());
        device_take();
        complete_random(&random);
        reaped += reap_all(&random);
        if (submitted == requests && model.count != 0)
            continue;
    }
    assert_int_equal(reaped, requests);
    assert_int_equal(virtio_queue_free(&queue), size);
    stop();
}

static void test_p52_traffic_of_all_kinds(void **state)
{
    static const uint32_t sizes[] = {1, 2, 4, 16, 256};

    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++)
            run_traffic(&variants[i], sizes[j], 3000);
    }
}

/* More requests than a 16-bit index can count, twice over. */
static void test_p52_wraps_in_every_variant(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
        run_traffic(&variants[i], 8, 140000);
}

/* Around the ring twice, in every size that there is. */
static void test_p52_every_size(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 32; i++) {
        uint32_t size = 1u << i / 2;
        uint32_t burst = size < 300 ? size : 300;

        start(i % 2 ? PACKED : 0, size, 0);
        for (uint32_t requests = 0; requests < 2 * size + 3; requests += burst) {
            struct virtio_buffer buffer = {0x1000, 8};
            struct virtio_done done;

            for (uint32_t j = 0; j < burst; j++)
                assert_ok(virtio_submit_buffers(&queue, &buffer, 0, 1, cookie_of(j)));
            assert_ok(kick());
            assert_int_equal(device_take(), burst);
            while (model.count != 0)
                device_complete(model.count - 1, 8);
            for (uint32_t j = burst; j-- != 0;) {
                assert_result(reap(&done), 1);
                assert_ptr_equal(done.cookie, cookie_of(j));
            }
        }
        stop();
    }
}

/* Notifications ---------------------------------------------------------------------------------- */

/* Every event, against every window of up to 40 entries at every place, and against long ones. */
static void test_p58_need_event_exhaustively(void **state)
{
    static const uint16_t lengths[] = {0, 1, 2, 3, 31, 32, 255, 256, 32767, 32768};

    (void)state;
    for (uint32_t old = 0; old < 65536; old += 257) {
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            uint16_t now = (uint16_t)(old + lengths[i]);

            for (uint32_t event = 0; event < 65536; event++) {
                bool within = (uint16_t)(event - old) < lengths[i];

                if (virtio_event_is_due((uint16_t)event, (uint16_t)old, now) != within)
                    fail_msg("event %u, from %u to %u", event, old, now);
            }
        }
    }
}

static void submit_one(void)
{
    struct virtio_buffer buffer = {0x1000, 8};

    assert_ok(virtio_submit_buffers(&queue, &buffer, 0, 1, NULL));
}

static void finish(unsigned count)
{
    struct virtio_done done;

    device_take();
    while (model.count != 0)
        device_complete(0, 8);
    for (unsigned i = 0; i < count; i++)
        assert_result(reap(&done), 1);
    assert_result(reap(&done), 0);
}

/* The device wants to hear of one place: a kick notifies exactly when it covers it. */
static void test_p58_kick_at_every_event(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        start((packed ? PACKED : 0) | EVENT, 8, 0);
        for (unsigned round = 0; round < 3000; round++) {
            uint32_t first = is_packed() ? queue.available_index % 16 : queue.available_index;
            uint32_t modulus = is_packed() ? 16 : 65536;
            uint32_t event = (first + round / 7) % 13 + first - 6;
            unsigned count = 1 + round % 5;
            unsigned before = model.notifications;
            bool wanted = (event - first) % modulus < count;

            event %= modulus;
            if (is_packed()) {
                put16(at(model.ring.device), event % 8 | (event < 8 ? 0x8000 : 0));
                put16(at(model.ring.device) + 2, 2);
            } else {
                put16(at(model.ring.device) + 4 + 8 * 8, event);
            }
            for (unsigned i = 0; i < count; i++)
                submit_one();
            assert_ok(kick());
            assert_int_equal(model.notifications - before, wanted);
            finish(count);
        }
        stop();
    }
}

static void test_p56_plain_flags_suppress(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        start(packed ? PACKED : 0, 8, 0);
        put16(at(model.ring.device) + (packed ? 2 : 0), 1);
        submit_one();
        assert_ok(kick());
        assert_int_equal(model.notifications, 0);
        put16(at(model.ring.device) + (packed ? 2 : 0), 0);
        submit_one();
        assert_ok(kick());
        assert_int_equal(model.notifications, 1);
        finish(2);
        stop();
    }
}

static void test_notification_data(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        start((packed ? PACKED : 0) | VIRTIO_F_NOTIFICATION_DATA, 4, 0);
        queue.doorbell.value = 0x123; /* as with NOTIF_CONFIG_DATA */
        for (uint32_t i = 1; i < 70000; i++) {
            uint32_t next = packed ? i % 4 | (i / 4 % 2 == 0 ? 0x8000 : 0) : i & 0xffff;

            submit_one();
            assert_ok(kick());
            assert_int_equal(model.value, next << 16 | 0x123);
            finish(1);
        }
        stop();
    }
}

/* Interrupts ------------------------------------------------------------------------------------- */

static void test_p58_interrupts_are_off_and_stay_off(void **state)
{
    (void)state;
    start(0, 8, 0);
    assert_int_equal(get16(at(model.ring.driver)), 1);
    stop();
    start(PACKED, 8, 0);
    assert_int_equal(get16(at(model.ring.driver) + 2), 1);
    stop();
    /* With event indices the flags are 0 and the event is where nothing completes. */
    start(EVENT, 8, 0);
    for (uint32_t i = 0; i < 70000; i++) {
        uint16_t event = get16(at(model.ring.driver) + 4 + 2 * 8);

        assert_int_equal(get16(at(model.ring.driver)), 0);
        assert_true((uint16_t)(event - model.used) >= 8);
        submit_one();
        assert_ok(kick());
        finish(1);
    }
    stop();
}

static uint32_t driver_event(void)
{
    if (is_packed())
        return get32(at(model.ring.driver)); /* flags in the upper half */
    return get16(at(model.ring.driver) + 4 + 2 * model.size);
}

static void test_p59_enabling_tells_what_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        struct virtio_done done;

        start(variants[i].features, 16, 0);
        for (unsigned j = 0; j < 8; j++)
            submit_one();
        assert_ok(kick());
        device_take();
        assert_result(virtio_enable_interrupts(&queue, VIRTIO_WHEN_SOON), 0);
        device_complete(0, 8);
        assert_result(virtio_enable_interrupts(&queue, VIRTIO_WHEN_SOON), 1);
        assert_false(queue.interrupts);
        assert_result(virtio_enable_interrupts(&queue, VIRTIO_WHEN_EMPTY), 1);
        assert_result(reap(&done), 1);
        assert_result(virtio_enable_interrupts(&queue, VIRTIO_WHEN_LATER), 0);
        assert_true(queue.interrupts);
        assert_result(virtio_enable_interrupts(&queue, (enum virtio_when)3), VIRTIO_E_INVALID);
        assert_ok(virtio_disable_interrupts(&queue));
        finish(7);
        stop();
    }
}

static void test_p58_event_is_where_it_was_asked_for(void **state)
{
    static const unsigned distance[] = {0, 6, 7}; /* of 8 in flight */

    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        start((packed ? PACKED : 0) | EVENT, 16, 0);
        for (unsigned round = 0; round < 20; round++) {
            uint32_t used = model.used;

            for (unsigned j = 0; j < 8; j++)
                submit_one();
            assert_ok(kick());
            for (unsigned when = 0; when < 3; when++) {
                uint32_t event = used + distance[when];

                assert_result(virtio_enable_interrupts(&queue, (enum virtio_when)when), 0);
                if (packed)
                    event = event % 16 | (wrap_at(event) ? 0x8000 : 0) | 2u << 16;
                else
                    event &= 0xffff;
                assert_int_equal(driver_event(), event);
            }
            finish(8);
        }
        stop();
    }
}

/* Lies ------------------------------------------------------------------------------------------- */

static void expect_broken(void)
{
    struct virtio_done done[4];

    assert_result(virtio_reap_many(&queue, done, 4), VIRTIO_E_BROKEN);
    assert_result(reap(done), VIRTIO_E_BROKEN);
    assert_result(kick(), VIRTIO_E_BROKEN);
    stop();
}

static void begin_lie(const struct variant *variant, unsigned count)
{
    start(variant->features, 8, 0);
    for (unsigned i = 0; i < count; i++)
        submit_one();
    assert_ok(kick());
    device_take();
}

static void test_p61_lies_are_found_in_every_variant(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        const struct variant *variant = &variants[i];

        begin_lie(variant, 2);
        device_use(8, 0, 1, 1); /* no such id */
        expect_broken();
        begin_lie(variant, 2);
        device_use(0xffff, 0, 1, 1);
        expect_broken();
        begin_lie(variant, 2);
        device_use(2, 0, 1, 1); /* not in flight */
        expect_broken();
        begin_lie(variant, 2);
        device_use(model.taken[0].id, 9, 1, 1); /* more than it could */
        expect_broken();
        begin_lie(variant, 2);
        device_use(model.taken[0].id, UINT32_MAX, 1, 1);
        expect_broken();
    }
}

/* Ids far beyond the ring, where there is no memory of the queue's: taken one by one, and in a batch. */
static void test_p61_ids_far_beyond_the_ring(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(variants) / sizeof(variants[0]); i++) {
        struct virtio_done done[4];

        begin_lie(&variants[i / 2], 3);
        device_use(0xfff0, 8, 1, 1);
        assert_result(i % 2 == 0 ? reap(done) : virtio_reap_many(&queue, done, 4), VIRTIO_E_BROKEN);
        stop();
    }
}

static void test_p61_an_id_twice_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        struct virtio_done done[4];

        begin_lie(&variants[i], 3);
        device_use(model.taken[0].id, 8, 1, 1);
        device_use(model.taken[0].id, 8, 1, 1);
        assert_result(reap(done), 1);
        expect_broken();
    }
}

static void test_p61_good_completions_before_a_lie_count(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct virtio_done done[4];

        start(packed ? PACKED : 0, 8, 0);
        for (unsigned i = 0; i < 3; i++)
            submit_one();
        assert_ok(kick());
        device_take();
        device_use(model.taken[0].id, 8, 1, 1);
        device_use(model.taken[1].id, 7, 1, 1);
        device_use(model.taken[2].id, 9, 1, 1);
        assert_result(virtio_reap_many(&queue, done, 4), 2);
        assert_int_equal(done[1].written, 7);
        expect_broken();
    }
}

static void test_p61_used_index_beyond_what_was_shown(void **state)
{
    (void)state;
    begin_lie(&variants[0], 2);
    submit_one(); /* not shown */
    for (uint32_t i = 0; i < 3; i++)
        device_use(i, 8, 1, 1);
    expect_broken();
}

/* A batch that goes over the ring's end comes in one call. */
static void test_a_batch_over_the_end_comes_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        start(variants[i].features, 8, 0);
        for (unsigned round = 0; round < 50; round++) {
            struct virtio_done done[8];

            for (unsigned j = 0; j < 5; j++)
                submit_one();
            assert_ok(kick());
            assert_int_equal(device_take(), 5);
            while (model.count != 0)
                device_complete(0, 8);
            assert_result(virtio_reap_many(&queue, done, 8), 5);
        }
        stop();
    }
}

/* A packed ring shows a chain when it is submitted, and whole. What the device uses of it before the kick is
 * taken, and the kick notices that it has come late. */
static void test_a_packed_chain_is_used_before_the_kick(void **state)
{
    static const uint64_t features[] = {PACKED, PACKED | EVENT, PACKED | IN_ORDER};

    (void)state;
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        struct virtio_buffer buffers[3] = {{0x1000, 8}, {0x2000, 8}, {0x3000, 8}};

        start(features[i], 8, 0);
        for (unsigned round = 0; round < 40; round++) {
            struct virtio_done done;

            assert_ok(virtio_submit_buffers(&queue, buffers, 1, 2, cookie_of(round)));
            assert_int_equal(device_take(), 1);
            assert_int_equal(model.taken[0].slots, 3);
            device_complete(0, 11);
            assert_result(reap(&done), 1);
            assert_ptr_equal(done.cookie, cookie_of(round));
            assert_result(reap(&done), 0);
            assert_result(virtio_wait(&queue, &done, 1000), VIRTIO_E_STATE);
            if (round % 16 == 15) { /* three times around the ring */
                assert_ok(kick());
                assert_int_equal(model.notifications, round / 16 + 1);
            }
            assert_int_equal(virtio_queue_free(&queue), 8);
        }
        stop();
    }
}

static void test_in_order_batch_that_was_not_made_is_found(void **state)
{
    (void)state;
    /* The used index covers one chain, the entry names the third. */
    begin_lie(&variants[3], 3);
    device_use(model.taken[2].id, 8, 1, 1);
    expect_broken();
}

/* A device that writes to its ring after the reset: once chains are taken back, the ring counts no more. */
static void test_p69_a_ring_that_changes_during_the_drain(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof(variants) / sizeof(variants[0]); v++) {
        struct virtio_done done;
        unsigned seen = 0;

        start(variants[v].features, 8, 0);
        for (unsigned i = 0; i < 4; i++) {
            struct virtio_buffer buffer = {0x1000, 8};

            assert_ok(virtio_submit_buffers(&queue, &buffer, 0, 1, cookie_of(i)));
        }
        assert_ok(kick());
        assert_int_equal(device_take(), 4);
        assert_ok(virtio_device_stop(&device));
        while (virtio_drain(&queue, &done) > 0) {
            unsigned cookie = 0;

            while (done.cookie != cookie_of(cookie))
                assert_true(++cookie < 4);
            assert_int_equal(seen & 1u << cookie, 0);
            assert_int_equal(done.written, 0);
            if (seen == 0)
                device_use(model.taken[2].id, 8, 3, 3);
            seen |= 1u << cookie;
        }
        assert_int_equal(seen, 0xf);
        stop();
    }
}

/* A descriptor that the device writes to is not read again. */
static void test_p62_descriptors_are_not_believed(void **state)
{
    (void)state;
    start(0, 8, 0);
    for (unsigned i = 0; i < 3000; i++) {
        struct virtio_buffer buffers[2] = {{0x1000, 8}, {0x2000, 8}};
        struct virtio_done done;

        assert_ok(virtio_submit_buffers(&queue, buffers, 1, 1, cookie_of(i)));
        assert_ok(kick());
        assert_int_equal(device_take(), 1);
        memset(at(model.ring.descriptors), 0xff, 8 * 16);
        device_complete(0, 3);
        assert_result(reap(&done), 1);
        assert_ptr_equal(done.cookie, cookie_of(i));
    }
    stop();
}

/* Tables ----------------------------------------------------------------------------------------- */

static void test_p66_tables_when_the_ring_is_short(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct virtio_buffer buffers[3] = {{0x1000, 16}, {0x2000, 512}, {0x3000, 1}};
        unsigned count = 0;
        unsigned tables = 0;

        start((packed ? PACKED : 0) | TABLES, 8, 3);
        while (virtio_submit_buffers(&queue, buffers, 1, 2, NULL) == VIRTIO_OK)
            count++;
        assert_true(count > 8 / 3);
        assert_int_equal(virtio_queue_free(&queue), 0);
        assert_ok(kick());
        assert_int_equal(device_take(), count);
        for (unsigned i = 0; i < count; i++) {
            tables += model.taken[i].table;
            assert_int_equal(model.taken[i].buffers, 3);
            assert_int_equal(model.taken[i].readable, 16);
            assert_int_equal(model.taken[i].writable, 513);
        }
        assert_true(tables != 0);
        while (model.count != 0)
            device_complete(model.count - 1, 513);
        for (unsigned i = 0; i < count; i++) {
            struct virtio_done done;

            assert_result(reap(&done), 1);
            assert_int_equal(done.written, 513);
        }
        assert_int_equal(virtio_queue_free(&queue), 8);
        stop();
    }
}

static void test_p66_no_table_without_the_feature(void **state)
{
    struct virtio_buffer buffers[9];

    (void)state;
    for (unsigned i = 0; i < 9; i++)
        buffers[i] = (struct virtio_buffer){0x1000, 8};
    start(0, 8, 8);
    assert_int_equal(queue.table_length, 0);
    assert_ok(virtio_submit_buffers(&queue, buffers, 0, 8, NULL));
    assert_result(virtio_submit_buffers(&queue, buffers, 0, 1, NULL), VIRTIO_E_FULL);
    stop();
    /* And none is longer than the queue, with it. */
    start(TABLES, 8, 100);
    assert_result(virtio_submit_buffers(&queue, buffers, 0, 9, NULL), VIRTIO_E_TOO_LONG);
    stop();
}

/* Prepared requests ------------------------------------------------------------------------------ */

static void prepared_round(struct virtio_prepared *prepared, uint32_t written, uint64_t address,
                           bool with_inline)
{
    struct virtio_done done;

    if (with_inline)
        assert_ok(virtio_submit_prepared_inline(&queue, prepared, prepared));
    else
        assert_ok(virtio_submit_prepared(&queue, prepared, prepared));
    if (prepared->kept != 0) {
        assert_result(virtio_submit_prepared(&queue, prepared, prepared), VIRTIO_E_BUSY);
        assert_result(virtio_submit_prepared_inline(&queue, prepared, prepared), VIRTIO_E_BUSY);
        assert_result(virtio_prepared_point(&queue, prepared, 0, 1, 1), VIRTIO_E_BUSY);
        assert_result(virtio_prepared_end(&queue, prepared), VIRTIO_E_BUSY);
    }
    assert_ok(kick());
    assert_int_equal(device_take(), 1);
    assert_int_equal(model.taken[0].address, address);
    assert_int_equal(model.taken[0].writable, written);
    device_complete(0, written);
    assert_result(reap(&done), 1);
    assert_ptr_equal(done.cookie, prepared);
    assert_int_equal(done.written, written);
}

static void test_prepared_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        struct virtio_buffer three[3] = {{0x1000, 16}, {0x2000, 512}, {0x3000, 1}};
        struct virtio_buffer one[1] = {{0x4000, 77}};
        struct virtio_prepared first;
        struct virtio_prepared second;

        start(variants[i].features, 16, 3);
        assert_ok(virtio_prepared_begin(&queue, &first, three, 1, 2));
        assert_ok(virtio_prepared_begin(&queue, &second, one, 0, 1));
        for (unsigned round = 0; round < 100; round++) {
            prepared_round(&first, 513, 0x1000, round % 2);
            prepared_round(&second, 77, 0x4000, round % 3 == 0);
            submit_one();
            assert_ok(kick());
            finish(1);
        }
        /* Point it elsewhere. */
        assert_ok(virtio_prepared_point(&queue, &first, 1, 0x9000, 1024));
        assert_ok(virtio_prepared_point(&queue, &first, 0, 0xa000, 16));
        assert_result(virtio_prepared_point(&queue, &first, 3, 0x9000, 1), VIRTIO_E_INVALID);
        assert_result(virtio_prepared_point(&queue, &first, 1, 0x9000, 0), VIRTIO_E_ZERO_LENGTH);
        assert_ok(virtio_prepared_point(&queue, &second, 0, 0xb000, 5));
        prepared_round(&first, 1025, 0xa000, true);
        prepared_round(&second, 5, 0xb000, true);
        prepared_round(&first, 1025, 0xa000, false);
        prepared_round(&second, 5, 0xb000, false);
        assert_ok(virtio_prepared_end(&queue, &first));
        assert_ok(virtio_prepared_end(&queue, &second));
        assert_int_equal(virtio_queue_free(&queue), 16);
        stop();
    }
}

static void test_prepared_lies_are_found(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct virtio_buffer one[1] = {{0x4000, 77}};
        struct virtio_prepared prepared;

        start(packed ? PACKED : 0, 16, 3);
        assert_ok(virtio_prepared_begin(&queue, &prepared, one, 0, 1));
        submit_one();
        assert_ok(kick());
        device_use(prepared.head, 0, 1, 1); /* idle */
        expect_broken();
    }
}

/* Recovery --------------------------------------------------------------------------------------- */

/* Six chains: two completed and reaped, one completed, two in flight, one not kicked. */
static void leave_a_mess(void)
{
    struct virtio_buffer buffer = {0x1000, 8};
    struct virtio_done done;

    for (uint32_t i = 0; i < 5; i++)
        assert_ok(virtio_submit_buffers(&queue, &buffer, 0, 1, cookie_of(i)));
    assert_ok(kick());
    assert_int_equal(device_take(), 5);
    for (unsigned i = 0; i < 3; i++)
        device_complete(0, 5);
    for (uint32_t i = 0; i < 2; i++) {
        assert_result(reap(&done), 1);
        assert_ptr_equal(done.cookie, cookie_of(i));
    }
    assert_ok(virtio_submit_buffers(&queue, &buffer, 0, 1, cookie_of(5)));
}

/* Each cookie of `first` to 5 once; then the queue works. */
static void expect_recovered(uint32_t first, bool completions_count)
{
    struct virtio_buffer buffer = {0x1000, 8};
    struct virtio_done done;
    unsigned seen = 0;

    assert_result(virtio_submit_buffers(&queue, &buffer, 0, 1, NULL), VIRTIO_E_RESET);
    assert_result(reap(&done), VIRTIO_E_RESET);
    model.available = 0;
    model.used = 0;
    model.count = 0;
    for (uint32_t i = first; i < 6; i++) {
        uint32_t number;

        assert_result(virtio_drain(&queue, &done), 1);
        number = (uint32_t)(uintptr_t)done.cookie - 1;
        assert_true(number >= first && number < 6 && (seen & 1u << number) == 0);
        seen |= 1u << number;
        assert_int_equal(done.written, completions_count && number == 2 ? 5 : 0);
    }
    assert_result(virtio_drain(&queue, &done), 0);
    assert_int_equal(virtio_queue_free(&queue), queue.size);
    for (unsigned i = 0; i < 100; i++) {
        submit_one();
        assert_ok(kick());
        finish(1);
    }
}

static void test_recovery_hands_every_cookie_back_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        start(variants[i].features, 8, 0);
        for (unsigned round = 0; round < 5; round++) {
            leave_a_mess();
            assert_ok(virtio_device_recover(&device));
            assert_int_equal(device.state, VIRTIO_DEVICE_READY);
            expect_recovered(2, true);
        }
        stop();
    }
}

static void test_recovery_of_a_broken_queue(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        struct virtio_done done;

        start(variants[i].features, 8, 0);
        leave_a_mess();
        assert_result(reap(&done), 1);
        device_use(7, 0, 1, 1);
        assert_result(reap(&done), VIRTIO_E_BROKEN);
        assert_ok(virtio_device_recover(&device));
        expect_recovered(3, false);
        stop();
    }
}

static void test_recovery_of_one_queue(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        start(variants[i].features | VIRTIO_F_RING_RESET, 8, 0);
        leave_a_mess();
        ring_transport.reset_polls = 3;
        assert_ok(virtio_queue_reset(&queue));
        assert_int_equal(ring_transport.queue_resets, 1);
        assert_int_equal(device.state, VIRTIO_DEVICE_READY);
        expect_recovered(2, true);
        stop();
    }
}

static void test_queue_reset_is_bounded_and_needs_the_feature(void **state)
{
    struct virtio_done done;

    (void)state;
    start(0, 8, 0);
    assert_result(virtio_queue_reset(&queue), VIRTIO_E_NOT_SUPPORTED);
    stop();
    start(VIRTIO_F_RING_RESET, 8, 0);
    leave_a_mess();
    ring_transport.reset_polls = UINT32_MAX;
    assert_result(virtio_queue_reset(&queue), VIRTIO_E_TIMEOUT);
    assert_result(reap(&done), VIRTIO_E_TIMEOUT);
    assert_result(virtio_drain(&queue, &done), VIRTIO_E_BUSY);
    stop();
}

static void test_recovery_with_other_features_fails(void **state)
{
    struct virtio_done done;

    (void)state;
    start(EVENT, 8, 0);
    leave_a_mess();
    ring_transport.features = 0;
    assert_result(virtio_device_recover(&device), VIRTIO_E_FEATURES);
    assert_int_equal(device.state, VIRTIO_DEVICE_STOPPED);
    for (unsigned i = 2; i < 6; i++)
        assert_result(virtio_drain(&queue, &done), 1);
    assert_result(virtio_drain(&queue, &done), 0);
    stop();
}

static void test_prepared_requests_survive_a_recovery(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        struct virtio_buffer three[3] = {{0x1000, 16}, {0x2000, 512}, {0x3000, 1}};
        struct virtio_prepared prepared;
        struct virtio_done done;

        start(variants[i].features, 16, 3);
        assert_ok(virtio_prepared_begin(&queue, &prepared, three, 1, 2));
        prepared_round(&prepared, 513, 0x1000, true);
        assert_ok(virtio_submit_prepared(&queue, &prepared, cookie_of(1)));
        assert_ok(kick());
        assert_ok(virtio_device_recover(&device));
        assert_result(virtio_drain(&queue, &done), 1);
        assert_ptr_equal(done.cookie, cookie_of(1));
        assert_result(virtio_drain(&queue, &done), 0);
        model.available = 0;
        model.used = 0;
        model.count = 0;
        prepared_round(&prepared, 513, 0x1000, true);
        prepared_round(&prepared, 513, 0x1000, false);
        assert_ok(virtio_prepared_end(&queue, &prepared));
        assert_int_equal(virtio_queue_free(&queue), 16);
        stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p52_traffic_of_all_kinds),
        cmocka_unit_test(test_p52_wraps_in_every_variant),
        cmocka_unit_test(test_p52_every_size),
        cmocka_unit_test(test_p58_need_event_exhaustively),
        cmocka_unit_test(test_p58_kick_at_every_event),
        cmocka_unit_test(test_p56_plain_flags_suppress),
        cmocka_unit_test(test_notification_data),
        cmocka_unit_test(test_p58_interrupts_are_off_and_stay_off),
        cmocka_unit_test(test_p59_enabling_tells_what_is_there),
        cmocka_unit_test(test_p58_event_is_where_it_was_asked_for),
        cmocka_unit_test(test_p61_lies_are_found_in_every_variant),
        cmocka_unit_test(test_p61_ids_far_beyond_the_ring),
        cmocka_unit_test(test_p61_an_id_twice_is_found),
        cmocka_unit_test(test_p61_good_completions_before_a_lie_count),
        cmocka_unit_test(test_p61_used_index_beyond_what_was_shown),
        cmocka_unit_test(test_a_batch_over_the_end_comes_whole),
        cmocka_unit_test(test_a_packed_chain_is_used_before_the_kick),
        cmocka_unit_test(test_in_order_batch_that_was_not_made_is_found),
        cmocka_unit_test(test_p69_a_ring_that_changes_during_the_drain),
        cmocka_unit_test(test_p62_descriptors_are_not_believed),
        cmocka_unit_test(test_p66_tables_when_the_ring_is_short),
        cmocka_unit_test(test_p66_no_table_without_the_feature),
        cmocka_unit_test(test_prepared_requests),
        cmocka_unit_test(test_prepared_lies_are_found),
        cmocka_unit_test(test_recovery_hands_every_cookie_back_once),
        cmocka_unit_test(test_recovery_of_a_broken_queue),
        cmocka_unit_test(test_recovery_of_one_queue),
        cmocka_unit_test(test_queue_reset_is_bounded_and_needs_the_feature),
        cmocka_unit_test(test_recovery_with_other_features_fails),
        cmocka_unit_test(test_prepared_requests_survive_a_recovery),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
