/* SPDX-License-Identifier: MIT */
/*
 * The driver by hand of the fake device's tests.
 */
#include "by_hand.h"

#include <string.h>

#define MMIO BENCH_MMIO_ADDRESS

uint32_t peek(struct bench *bench, uint32_t offset)
{
    struct virtio_host *host = &bench->host.host;

    return host->register_read(host->ctx, VIRTIO_SPACE_MEMORY, MMIO + offset, 4);
}

void poke(struct bench *bench, uint32_t offset, uint32_t value)
{
    struct virtio_host *host = &bench->host.host;

    host->register_write(host->ctx, VIRTIO_SPACE_MEMORY, MMIO + offset, 4, value);
}

void poke_status(struct bench *bench, uint32_t value)
{
    poke(bench, 0x70, value);
    if (value == 0)
        (void)peek(bench, 0x70);
}

void negotiate_with(struct bench *bench, uint64_t features)
{
    features |= VIRTIO_F_VERSION_1;
    poke_status(bench, 0);
    poke_status(bench, 1);
    poke_status(bench, 3);
    for (uint32_t half = 0; half < 2; half++) {
        poke(bench, 0x14, half);
        (void)peek(bench, 0x10);
        poke(bench, 0x24, half);
        poke(bench, 0x20, (uint32_t)(features >> 32 * half));
    }
    poke_status(bench, 0x0b);
}

void negotiate(struct bench *bench)
{
    negotiate_with(bench, 0);
}

void ring_allocate(struct bench *bench, struct ring *ring)
{
    struct virtio_host *host = &bench->host.host;

    ring->memory = host->dma_allocate(host->ctx, 4096, 4096, UINT64_MAX, 0, &ring->address);
    ring->index = 0;
    memset(ring->memory, 0, 4096);
}

void ring_free(struct bench *bench, struct ring *ring)
{
    struct virtio_host *host = &bench->host.host;

    poke_status(bench, 0);
    host->dma_free(host->ctx, ring->memory, 4096, ring->address);
}

void ring_addresses(struct bench *bench, const struct ring *ring)
{
    static const uint32_t parts[3] = {0, AVAILABLE_AT, USED_AT};

    for (unsigned i = 0; i < 3; i++) {
        poke(bench, 0x80 + 0x10 * i, (uint32_t)(ring->address + parts[i]));
        poke(bench, 0x84 + 0x10 * i, (uint32_t)((ring->address + parts[i]) >> 32));
    }
}

void ring_set_up(struct bench *bench, struct ring *ring)
{
    ring_allocate(bench, ring);
    poke(bench, 0x30, 0);
    poke(bench, 0x38, RING_SIZE);
    ring_addresses(bench, ring);
    poke(bench, 0x44, 1);
}

void go_live_with(struct bench *bench, struct ring *ring, uint64_t features)
{
    bench->fake.features |= features;
    bench_attach(bench);
    negotiate_with(bench, features);
    ring_set_up(bench, ring);
    poke_status(bench, 0x0f);
}

void go_live(struct bench *bench, struct ring *ring)
{
    go_live_with(bench, ring, 0);
}

void describe(struct ring *ring, unsigned index, uint64_t address, uint32_t length, uint16_t flags,
              uint16_t next)
{
    uint8_t *bytes = ring->memory + (index < 16 ? 16u * index : TABLE_AT + 16u * (index - 16u));

    fake_put_number(bytes, 8, false, address);
    fake_put_number(bytes + 8, 4, false, length);
    fake_put_number(bytes + 12, 2, false, flags);
    fake_put_number(bytes + 14, 2, false, next);
}

void offer(struct bench *bench, struct ring *ring, uint16_t head)
{
    uint16_t index = (uint16_t)++ring->index;
    uint8_t *available = ring->memory + AVAILABLE_AT;

    fake_put_number(available + 4 + 2 * (size_t)((index - 1u) % RING_SIZE), 2, false, head);
    fake_put_number(available + 2, 2, false, index);
    ring_bell(bench);
}

void ring_bell(struct bench *bench)
{
    poke(bench, 0x50, 0);
}

void describe_packed(struct ring *ring, uint64_t address, uint32_t length, uint16_t id,
                     uint16_t flags)
{
    uint8_t *bytes = ring->memory + 16u * (ring->index % RING_SIZE);

    flags |= ring->index / RING_SIZE % 2 == 0 ? 0x0080 : 0x8000;
    fake_put_number(bytes, 8, false, address);
    fake_put_number(bytes + 8, 4, false, length);
    fake_put_number(bytes + 12, 2, false, id);
    fake_put_number(bytes + 14, 2, false, flags);
    ring->index++;
}
