/* SPDX-License-Identifier: MIT */
/*
 * Implementation of the ring's device end.
 */
#include "ring_model.h"

#include <string.h>
#include <virtio/inline.h>

const struct ring_variant ring_variants[RING_VARIANTS] = {
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

struct ring_model model;

/* By the function and inline, in turn. */
static unsigned turn;

/* The device's end of memory --------------------------------------------------------------------- */

uint8_t *model_at(uint64_t address)
{
    return (uint8_t *)(uintptr_t)address;
}

uint16_t model_get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

uint32_t model_get32(const uint8_t *bytes)
{
    return model_get16(bytes) | (uint32_t)model_get16(bytes + 2) << 16;
}

static uint64_t get64(const uint8_t *bytes)
{
    return model_get32(bytes) | (uint64_t)model_get32(bytes + 4) << 32;
}

void model_put16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *bytes, uint32_t value)
{
    model_put16(bytes, value);
    model_put16(bytes + 2, value >> 16);
}

bool model_is_packed(void)
{
    return (model.features & PACKED) != 0;
}

bool model_wrap_at(uint32_t position)
{
    return (position / model.size) % 2 == 0;
}

static void add_buffer(struct ring_chain *chain, const uint8_t *descriptor, uint32_t flags)
{
    uint32_t length = model_get32(descriptor + 8);

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

static void read_table(struct ring_chain *chain, const uint8_t *descriptor, uint32_t flags)
{
    uint32_t bytes = model_get32(descriptor + 8);
    const uint8_t *table = model_at(get64(descriptor));
    uint32_t count = bytes / 16;

    assert_true((model.features & TABLES) != 0);
    assert_int_equal(flags & 1, 0); /* no NEXT with INDIRECT */
    assert_int_equal(bytes % 16, 0);
    assert_true(count != 0 && count <= model.size);
    chain->table = true;
    for (uint32_t i = 0; i < count; i++, table += 16) {
        uint32_t entry_flags =
            model_is_packed() ? model_get16(table + 14) : model_get16(table + 12);

        assert_int_equal(entry_flags & 4, 0); /* never nested */
        if (model_is_packed()) {
            assert_int_equal(entry_flags & ~2u, 0);
        } else {
            assert_int_equal(entry_flags & 1, i + 1 != count);
            if (entry_flags & 1)
                assert_int_equal(model_get16(table + 14), i + 1);
        }
        add_buffer(chain, table, entry_flags);
    }
}

static bool take_split(struct ring_chain *chain)
{
    const uint8_t *available = model_at(model.ring.driver);
    uint32_t index = model_get16(available + 2);
    uint32_t next;

    assert_true((uint16_t)(index - model.available) <= model.size);
    if (index == (model.available & 0xffff))
        return false;
    next = model_get16(available + 4 + 2 * (model.available % model.size));
    chain->id = next;
    for (;;) {
        const uint8_t *descriptor = model_at(model.ring.descriptors) + 16 * next;
        uint32_t flags = model_get16(descriptor + 12);

        assert_true(next < model.size);
        assert_true(++chain->slots <= model.size);
        if (flags & 4)
            read_table(chain, descriptor, flags);
        else
            add_buffer(chain, descriptor, flags);
        if (!(flags & 1))
            break;
        if (model.features & IN_ORDER)
            assert_int_equal(model_get16(descriptor + 14), (next + 1) % model.size);
        next = model_get16(descriptor + 14);
    }
    model.available++;
    return true;
}

static bool take_packed(struct ring_chain *chain)
{
    uint32_t flags;

    do {
        const uint8_t *descriptor =
            model_at(model.ring.descriptors) + 16 * (model.available % model.size);
        bool wrap = model_wrap_at(model.available);

        flags = model_get16(descriptor + 14);
        if (((flags & 0x80) != 0) != wrap || ((flags & 0x8000) != 0) == wrap) {
            assert_int_equal(chain->slots, 0); /* no chain is shown in part */
            return false;
        }
        chain->id = model_get16(descriptor + 12);
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

unsigned model_take(void)
{
    unsigned count = 0;

    for (;;) {
        struct ring_chain chain = {0};

        if (!(model_is_packed() ? take_packed(&chain) : take_split(&chain)))
            return count;
        assert_true(model.count < RING_MODEL_MOST);
        for (unsigned i = 0; i < model.count; i++)
            assert_int_not_equal(model.taken[i].id, chain.id);
        model.taken[model.count++] = chain;
        count++;
    }
}

void model_use(uint32_t id, uint32_t length, uint32_t chains, uint32_t slots)
{
    if (model_is_packed()) {
        uint8_t *descriptor = model_at(model.ring.descriptors) + 16 * (model.used % model.size);

        put32(descriptor + 8, length);
        model_put16(descriptor + 12, id);
        model_put16(descriptor + 14, model_wrap_at(model.used) ? 0x8082 : 0x0002);
        model.used += slots;
    } else {
        uint8_t *used = model_at(model.ring.device);

        put32(used + 4 + 8 * (model.used % model.size), id);
        put32(used + 8 + 8 * (model.used % model.size), length);
        model.used += chains;
        model_put16(used + 2, model.used);
    }
}

void model_complete(unsigned n, uint32_t written)
{
    model_use(model.taken[n].id, written, 1, model.taken[n].slots);
    memmove(&model.taken[n], &model.taken[n + 1], (model.count - n - 1) * sizeof(model.taken[0]));
    model.count--;
}

void model_complete_batch(unsigned count, uint32_t written)
{
    uint32_t slots = 0;

    for (unsigned i = 0; i < count; i++)
        slots += model.taken[i].slots;
    model_use(model.taken[count - 1].id, written, count, slots);
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

void model_start(uint64_t features, uint32_t size, uint16_t table_length)
{
    struct virtio_queue_options options = {.size_limit = (uint16_t)size,
                                           .table_length = table_length};

    model = (struct ring_model){.features = features, .size = size};
    ring_transport =
        (struct ring_transport){.features = features, .size = size, .ring = ring_doorbell};
    assert_ok(ring_transport_start(&model.device, &model.queue, &options));
    model.ring = ring_transport.addresses;
}

void model_stop(void)
{
    assert_ok(virtio_device_stop(&model.device));
    assert_ok(virtio_ring_uninit(&model.queue));
}

/* What tests have in common --------------------------------------------------------------------- */

int model_kick(void)
{
    return turn++ % 2 ? virtio_kick_inline(&model.queue) : virtio_kick(&model.queue);
}

int model_reap(struct virtio_done *done)
{
    return turn++ % 2 ? virtio_reap_inline(&model.queue, done) : virtio_reap(&model.queue, done);
}

void *model_cookie(uint32_t number)
{
    return (void *)(uintptr_t)(number + 1);
}

void model_submit_one(void)
{
    struct virtio_buffer buffer = {0x1000, 8};

    assert_ok(virtio_submit_buffers(&model.queue, &buffer, 0, 1, NULL));
}

void model_finish(unsigned count)
{
    struct virtio_done done;

    model_take();
    while (model.count != 0)
        model_complete(0, 8);
    for (unsigned i = 0; i < count; i++)
        assert_result(model_reap(&done), 1);
    assert_result(model_reap(&done), 0);
}

void model_expect_broken(size_t way)
{
    struct virtio_done done[4];

    if (way == 0)
        assert_result(virtio_reap(&model.queue, done), VIRTIO_E_BROKEN);
    else if (way == 1)
        assert_result(virtio_reap_inline(&model.queue, done), VIRTIO_E_BROKEN);
    assert_result(virtio_reap_many(&model.queue, done, 4), VIRTIO_E_BROKEN);
    assert_result(model_reap(done), VIRTIO_E_BROKEN);
    assert_result(model_kick(), VIRTIO_E_BROKEN);
    model_stop();
}
