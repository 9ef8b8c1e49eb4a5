/* SPDX-License-Identifier: MIT */
/*
 * The block driver on the bench: see blk_bench.h.
 */
#include "blk_bench.h"

#include <string.h>

struct virtio_blk blk_disk;
struct fake_blk blk_fake;
uint8_t blk_buffer[BLK_BUFFER_SIZE];

void blk_bench_begin(struct bench *bench, uint64_t sectors)
{
    memset(&blk_disk, 0, sizeof(blk_disk));
    memset(blk_buffer, 0, sizeof(blk_buffer));
    fake_blk_begin(&blk_fake, &bench->fake, sectors);
    bench->fake.features |= VIRTIO_BLK_F_FLUSH;
}

void blk_bench_start(struct bench *bench)
{
    bench_attach(bench);
    assert_ok(virtio_blk_start(&blk_disk, &bench->device));
}

void blk_bench_end(struct bench *bench)
{
    (void)bench;
    assert_ok(virtio_blk_stop(&blk_disk));
    fake_blk_end(&blk_fake);
}

void blk_bench_offer(struct bench *bench, uint64_t feature, uint32_t offset, unsigned width,
                     uint64_t value)
{
    bench->fake.features |= feature;
    fake_device_set_config(&bench->fake, offset, width, value);
}

uint8_t blk_bench_byte(uint64_t offset)
{
    return (uint8_t)((offset + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

void blk_bench_fill_disk(void)
{
    for (uint64_t at = 0; at < blk_fake.capacity * SECTOR; at++)
        blk_fake.disk[at] = blk_bench_byte(at);
}

void blk_bench_assert_data(const uint8_t *buffer, uint64_t sector, size_t bytes)
{
    for (size_t at = 0; at < bytes; at++) {
        if (buffer[at] != blk_bench_byte(sector * SECTOR + at))
            fail_msg("byte %zu from sector %llu is wrong", at, (unsigned long long)sector);
    }
}

void blk_bench_read(uint64_t sector, size_t sectors)
{
    memset(blk_buffer, 0, sectors * SECTOR);
    assert_ok(virtio_blk_read(&blk_disk, sector, blk_buffer, sectors * SECTOR));
    blk_bench_assert_data(blk_buffer, sector, sectors * SECTOR);
}

uintptr_t blk_bench_wait(int error)
{
    struct virtio_blk_done done = {NULL, 1};

    assert_result(virtio_blk_wait(&blk_disk, &done, 1000000), 1);
    assert_result(done.error, error);
    return (uintptr_t)done.cookie;
}
