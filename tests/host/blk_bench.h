/* SPDX-License-Identifier: MIT */
/*
 * The block driver on the bench: a fake disk, the driver for it, and a buffer.
 *
 *     blk_bench_begin(bench, 2048);       a disk of that many sectors, with FLUSH; not started
 *     ... change blk_fake, bench->fake ...
 *     blk_bench_start(bench);             virtio_blk_start must succeed
 *     ... blk_disk, blk_buffer ...
 *     blk_bench_end(bench);               stops the disk and forgets the fake
 */
#ifndef BLK_BENCH_H
#define BLK_BENCH_H

#include "bench.h"
#include "fake_blk.h"

#define SECTOR VIRTIO_BLK_SECTOR_SIZE

#define BLK_BUFFER_SIZE (64u * 1024)

extern struct virtio_blk blk_disk;
extern struct fake_blk blk_fake;
extern uint8_t blk_buffer[BLK_BUFFER_SIZE];

void blk_bench_begin(struct bench *bench, uint64_t sectors);
void blk_bench_start(struct bench *bench);
void blk_bench_end(struct bench *bench);

/** Offer a feature, and put its field into configuration space. */
void blk_bench_offer(struct bench *bench, uint64_t feature, uint32_t offset, unsigned width,
                     uint64_t value);

/** The byte that blk_bench_fill_disk puts at an offset of the disk. */
uint8_t blk_bench_byte(uint64_t offset);
void blk_bench_fill_disk(void);

/** Assert that a buffer is what blk_bench_fill_disk put on the disk from a sector on. */
void blk_bench_assert_data(const uint8_t *buffer, uint64_t sector, size_t bytes);

/** Read `sectors` at `sector` into blk_buffer, which must succeed and give the disk's data. */
void blk_bench_read(uint64_t sector, size_t sectors);

/** Wait for one request, which must end with `error`; @return its cookie as a number. */
uintptr_t blk_bench_wait(int error);

#endif
