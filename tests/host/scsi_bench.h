/* SPDX-License-Identifier: MIT */
/*
 * The SCSI driver on the bench: a fake controller, the driver for it, a unit and a buffer.
 *
 *     scsi_bench_begin(bench);            a controller, not started
 *     ... change scsi_fake, bench->fake ...
 *     scsi_bench_start(bench);            virtio_scsi_start must succeed, and 0:0 is opened as scsi_disk
 *     scsi_bench_end(bench);              stops it
 */
#ifndef SCSI_BENCH_H
#define SCSI_BENCH_H

#include "bench.h"
#include "fake_scsi.h"

#define SCSI_BUFFER_SIZE (64u * 1024)

extern struct virtio_scsi scsi_driver;
extern struct virtio_scsi_unit scsi_disk;
extern struct fake_scsi scsi_fake;
extern struct virtio_scsi_options scsi_options;
extern uint8_t scsi_buffer[SCSI_BUFFER_SIZE];

void scsi_bench_begin(struct bench *bench);
void scsi_bench_start(struct bench *bench);
void scsi_bench_end(struct bench *bench);

/** Read blocks of scsi_disk, which must succeed and give the medium's data. */
void scsi_bench_read(uint64_t block, size_t blocks);

/** Send a TEST UNIT READY to 0:0 through the transport; what came is in *result. */
int scsi_bench_ready(struct virtio_scsi_result *result);

/** Wait for one command on queue 0, which must end with `error`; @return its cookie as a number. */
uintptr_t scsi_bench_wait(int error);

#endif
