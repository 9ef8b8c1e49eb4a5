/* SPDX-License-Identifier: MIT */
/*
 * The ring engine in every format, with every feature: traffic of all kinds, notifications, interrupts, tables.
 * ring_model.h is the device.
 */
#include "ring_model.h"

#include <string.h>
#include <virtio/inline.h>

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
    if (readable + writable > (int)model.queue.size)
        return false;
    for (unsigned i = 0; i < readable + writable; i++) {
        buffers[i].device_address = number + 1;
        buffers[i].length = 1 + next_random(random) % 5000;
        if (i >= readable)
            bytes += buffers[i].length;
    }
    if (next_random(random) % 2)
        error =
            virtio_submit_inline(&model.queue, buffers, readable, writable, model_cookie(number));
    else
        error =
            virtio_submit_buffers(&model.queue, buffers, readable, writable, model_cookie(number));
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
        const struct ring_chain *chain = &model.taken[n];
        uint32_t written = chain->writable != 0 ? next_random(random) % (chain->writable + 1) : 0;

        for (unsigned i = 0; i <= last; i++) {
            struct expected *e = &expected[model.taken[batch ? i : n].address - 1];

            assert_true(e->out);
            e->written = batch && i != last ? e->writable : written;
        }
        if (batch)
            model_complete_batch(n + 1, written);
        else
            model_complete(n, written);
    }
}

static unsigned reap_all(uint32_t *random)
{
    struct virtio_done done[7];
    unsigned all = 0;

    for (;;) {
        int taken =
            next_random(random) % 2 ? virtio_reap_many(&model.queue, done, 7) : model_reap(done);

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

static void run_traffic(const struct ring_variant *variant, uint32_t size, unsigned requests)
{
    uint32_t random = size * 7919u + 1;
    unsigned submitted = 0;
    unsigned reaped = 0;
    uint32_t number = 0;

    memset(expected, 0, sizeof(expected));
    model_start(variant->features, size, 12);
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
        if (!model_is_packed())
            assert_int_equal(model_take(), 0);
        else if (next_random(&random) % 2 == 0)
            model_take();
        assert_ok(model_kick());
        model_take();
        complete_random(&random);
        reaped += reap_all(&random);
        if (submitted == requests && model.count != 0)
            continue;
    }
    assert_int_equal(reaped, requests);
    assert_int_equal(virtio_queue_free(&model.queue), size);
    model_stop();
}

static void test_p52_traffic_of_all_kinds(void **state)
{
    static const uint32_t sizes[] = {1, 2, 4, 16, 256};

    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++) {
        for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++)
            run_traffic(&ring_variants[i], sizes[j], 3000);
    }
}

/* More requests than a 16-bit index can count, twice over. */
static void test_p52_wraps_in_every_variant(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++)
        run_traffic(&ring_variants[i], 8, 140000);
}

/* Around the ring twice, in every size that there is. */
static void test_p52_every_size(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 32; i++) {
        uint32_t size = 1u << i / 2;
        uint32_t burst = size < 300 ? size : 300;

        model_start(i % 2 ? PACKED : 0, size, 0);
        for (uint32_t requests = 0; requests < 2 * size + 3; requests += burst) {
            struct virtio_buffer buffer = {0x1000, 8};
            struct virtio_done done;

            for (uint32_t j = 0; j < burst; j++)
                assert_ok(virtio_submit_buffers(&model.queue, &buffer, 0, 1, model_cookie(j)));
            assert_ok(model_kick());
            assert_int_equal(model_take(), burst);
            while (model.count != 0)
                model_complete(model.count - 1, 8);
            for (uint32_t j = burst; j-- != 0;) {
                assert_result(model_reap(&done), 1);
                assert_ptr_equal(done.cookie, model_cookie(j));
            }
        }
        model_stop();
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

/* The device wants to hear of one place: a kick notifies exactly when it covers it. */
static void test_p58_kick_at_every_event(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        model_start((packed ? PACKED : 0) | EVENT, 8, 0);
        for (unsigned round = 0; round < 3000; round++) {
            uint32_t first =
                model_is_packed() ? model.queue.available_index % 16 : model.queue.available_index;
            uint32_t modulus = model_is_packed() ? 16 : 65536;
            uint32_t event = (first + round / 7) % 13 + first - 6;
            unsigned count = 1 + round % 5;
            unsigned before = model.notifications;
            bool wanted = (event - first) % modulus < count;

            event %= modulus;
            if (model_is_packed()) {
                model_put16(model_at(model.ring.device), event % 8 | (event < 8 ? 0x8000 : 0));
                model_put16(model_at(model.ring.device) + 2, 2);
            } else {
                model_put16(model_at(model.ring.device) + 4 + 8 * 8, event);
            }
            for (unsigned i = 0; i < count; i++)
                model_submit_one();
            assert_ok(model_kick());
            assert_int_equal(model.notifications - before, wanted);
            model_finish(count);
        }
        model_stop();
    }
}

static void test_p56_plain_flags_suppress(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        model_start(packed ? PACKED : 0, 8, 0);
        model_put16(model_at(model.ring.device) + (packed ? 2 : 0), 1);
        model_submit_one();
        assert_ok(model_kick());
        assert_int_equal(model.notifications, 0);
        model_put16(model_at(model.ring.device) + (packed ? 2 : 0), 0);
        model_submit_one();
        assert_ok(model_kick());
        assert_int_equal(model.notifications, 1);
        model_finish(2);
        model_stop();
    }
}

static void test_notification_data(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        model_start((packed ? PACKED : 0) | VIRTIO_F_NOTIFICATION_DATA, 4, 0);
        model.queue.doorbell.value = 0x123; /* as with NOTIF_CONFIG_DATA */
        for (uint32_t i = 1; i < 70000; i++) {
            uint32_t next = packed ? i % 4 | (i / 4 % 2 == 0 ? 0x8000 : 0) : i & 0xffff;

            model_submit_one();
            assert_ok(model_kick());
            assert_int_equal(model.value, next << 16 | 0x123);
            model_finish(1);
        }
        model_stop();
    }
}

/* Interrupts ------------------------------------------------------------------------------------- */

static void test_p58_interrupts_are_off_and_stay_off(void **state)
{
    (void)state;
    model_start(0, 8, 0);
    assert_int_equal(model_get16(model_at(model.ring.driver)), 1);
    model_stop();
    model_start(PACKED, 8, 0);
    assert_int_equal(model_get16(model_at(model.ring.driver) + 2), 1);
    model_stop();
    /* With event indices the flags are 0 and the event is where nothing completes. */
    model_start(EVENT, 8, 0);
    for (uint32_t i = 0; i < 70000; i++) {
        uint16_t event = model_get16(model_at(model.ring.driver) + 4 + 2 * 8);

        assert_int_equal(model_get16(model_at(model.ring.driver)), 0);
        assert_true((uint16_t)(event - model.used) >= 8);
        model_submit_one();
        assert_ok(model_kick());
        model_finish(1);
    }
    model_stop();
}

static uint32_t driver_event(void)
{
    if (model_is_packed())
        return model_get32(model_at(model.ring.driver)); /* flags in the upper half */
    return model_get16(model_at(model.ring.driver) + 4 + 2 * model.size);
}

static void test_p59_enabling_tells_what_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING_VARIANTS; i++) {
        struct virtio_done done;

        model_start(ring_variants[i].features, 16, 0);
        for (unsigned j = 0; j < 8; j++)
            model_submit_one();
        assert_ok(model_kick());
        model_take();
        assert_result(virtio_enable_interrupts(&model.queue, VIRTIO_WHEN_SOON), 0);
        model_complete(0, 8);
        assert_result(virtio_enable_interrupts(&model.queue, VIRTIO_WHEN_SOON), 1);
        assert_false(model.queue.interrupts);
        assert_result(virtio_enable_interrupts(&model.queue, VIRTIO_WHEN_EMPTY), 1);
        assert_result(model_reap(&done), 1);
        assert_result(virtio_enable_interrupts(&model.queue, VIRTIO_WHEN_LATER), 0);
        assert_true(model.queue.interrupts);
        assert_result(virtio_enable_interrupts(&model.queue, (enum virtio_when)3),
                      VIRTIO_E_INVALID);
        assert_ok(virtio_disable_interrupts(&model.queue));
        model_finish(7);
        model_stop();
    }
}

static void test_p58_event_is_where_it_was_asked_for(void **state)
{
    static const unsigned distance[] = {0, 6, 7}; /* of 8 in flight */

    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        model_start((packed ? PACKED : 0) | EVENT, 16, 0);
        for (unsigned round = 0; round < 20; round++) {
            uint32_t used = model.used;

            for (unsigned j = 0; j < 8; j++)
                model_submit_one();
            assert_ok(model_kick());
            for (unsigned when = 0; when < 3; when++) {
                uint32_t event = used + distance[when];

                assert_result(virtio_enable_interrupts(&model.queue, (enum virtio_when)when), 0);
                if (packed)
                    event = event % 16 | (model_wrap_at(event) ? 0x8000 : 0) | 2u << 16;
                else
                    event &= 0xffff;
                assert_int_equal(driver_event(), event);
            }
            model_finish(8);
        }
        model_stop();
    }
}

/* Tables ----------------------------------------------------------------------------------------- */

static void test_p66_tables_when_the_ring_is_short(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct virtio_buffer buffers[3] = {{0x1000, 16}, {0x2000, 512}, {0x3000, 1}};
        unsigned count = 0;
        unsigned tables = 0;

        model_start((packed ? PACKED : 0) | TABLES, 8, 3);
        while (virtio_submit_buffers(&model.queue, buffers, 1, 2, NULL) == VIRTIO_OK)
            count++;
        assert_true(count > 8 / 3);
        assert_int_equal(virtio_queue_free(&model.queue), 0);
        assert_ok(model_kick());
        assert_int_equal(model_take(), count);
        for (unsigned i = 0; i < count; i++) {
            tables += model.taken[i].table;
            assert_int_equal(model.taken[i].buffers, 3);
            assert_int_equal(model.taken[i].readable, 16);
            assert_int_equal(model.taken[i].writable, 513);
        }
        assert_true(tables != 0);
        while (model.count != 0)
            model_complete(model.count - 1, 513);
        for (unsigned i = 0; i < count; i++) {
            struct virtio_done done;

            assert_result(model_reap(&done), 1);
            assert_int_equal(done.written, 513);
        }
        assert_int_equal(virtio_queue_free(&model.queue), 8);
        model_stop();
    }
}

static void test_p66_no_table_without_the_feature(void **state)
{
    struct virtio_buffer buffers[9];

    (void)state;
    for (unsigned i = 0; i < 9; i++)
        buffers[i] = (struct virtio_buffer){0x1000, 8};
    model_start(0, 8, 8);
    assert_int_equal(model.queue.table_length, 0);
    assert_ok(virtio_submit_buffers(&model.queue, buffers, 0, 8, NULL));
    assert_result(virtio_submit_buffers(&model.queue, buffers, 0, 1, NULL), VIRTIO_E_FULL);
    model_stop();
    /* And none is longer than the queue, with it. */
    model_start(TABLES, 8, 100);
    assert_result(virtio_submit_buffers(&model.queue, buffers, 0, 9, NULL), VIRTIO_E_TOO_LONG);
    model_stop();
}

#if SIZE_MAX == UINT32_MAX
/* 2^32 bytes of tables, which are none where that is what an address wraps at. */
static void test_p66_tables_beyond_the_address_space(void **state)
{
    static const struct virtio_queue_options options = {.size_limit = 32768, .table_length = 8192};

    (void)state;
    ring_transport = (struct ring_transport){.features = TABLES, .size = 32768};
    assert_result(ring_transport_start(&model.device, &model.queue, &options), VIRTIO_E_NO_MEMORY);
    assert_int_equal(model.queue.state, VIRTIO_QUEUE_NONE);
}
#endif

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
        cmocka_unit_test(test_p66_tables_when_the_ring_is_short),
        cmocka_unit_test(test_p66_no_table_without_the_feature),
#if SIZE_MAX == UINT32_MAX
        cmocka_unit_test(test_p66_tables_beyond_the_address_space),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
