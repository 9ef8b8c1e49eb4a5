/* SPDX-License-Identifier: MIT */
/*
 * The SCSI driver on the bench: see scsi_bench.h.
 */
#include "scsi_bench.h"

#include <string.h>

struct virtio_scsi scsi_driver;
struct virtio_scsi_unit scsi_disk;
struct fake_scsi scsi_fake;
struct virtio_scsi_options scsi_options;
uint8_t scsi_buffer[SCSI_BUFFER_SIZE];

void scsi_bench_begin(struct bench *bench)
{
    memset(&scsi_driver, 0, sizeof(scsi_driver));
    memset(&scsi_disk, 0, sizeof(scsi_disk));
    memset(&scsi_options, 0, sizeof(scsi_options));
    memset(scsi_buffer, 0, sizeof(scsi_buffer));
    fake_scsi_begin(&scsi_fake, &bench->fake);
}

void scsi_bench_start(struct bench *bench)
{
    bench_attach(bench);
    assert_ok(virtio_scsi_start(&scsi_driver, &bench->device, &scsi_options));
    assert_ok(virtio_scsi_open(&scsi_disk, &scsi_driver, 0, 0));
}

void scsi_bench_end(struct bench *bench)
{
    assert_ok(virtio_scsi_stop(&scsi_driver));
    assert_int_equal(fake_host_live(&bench->host), 0);
}

void scsi_bench_read(uint64_t block, size_t blocks)
{
    size_t bytes = blocks * scsi_disk.block_size;

    memset(scsi_buffer, 0, bytes);
    assert_ok(virtio_scsi_read(&scsi_disk, block, scsi_buffer, bytes));
    assert_memory_equal(scsi_buffer, scsi_fake.data + block * scsi_disk.block_size, bytes);
}

int scsi_bench_ready(struct virtio_scsi_result *result)
{
    struct virtio_scsi_command command = {.queue = 0};

    return virtio_scsi_execute(&scsi_driver, &command, result);
}

uintptr_t scsi_bench_wait(int error)
{
    struct virtio_scsi_done done = {.error = 1};

    assert_result(virtio_scsi_wait(&scsi_driver, 0, &done, 1000000), 1);
    assert_result(done.error, error);
    return (uintptr_t)done.cookie;
}
