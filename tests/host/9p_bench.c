/* SPDX-License-Identifier: MIT */
/*
 * The 9P driver on the bench.
 */
#include "9p_bench.h"

#include <string.h>

struct virtio_9p p9_share;
struct fake_9p p9_server;
struct virtio_9p_fid p9_root;
uint8_t p9_buffer[P9_BUFFER_SIZE];
uint8_t p9_contents[P9_FILE_SIZE];

void p9_begin(struct bench *bench)
{
    unsigned folder;

    memset(&p9_share, 0, sizeof(p9_share));
    for (size_t at = 0; at < P9_FILE_SIZE; at++)
        p9_contents[at] = (uint8_t)((at + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 56);
    fake_9p_begin(&p9_server, &bench->fake, "share");
    (void)fake_9p_add(&p9_server, 0, "file", p9_contents, P9_FILE_SIZE);
    folder = fake_9p_add(&p9_server, 0, "folder", NULL, 0);
    (void)fake_9p_add(&p9_server, folder, "inside", "within", 6);
    bench->fake.queues[0].maximum = 32;
}

void p9_start(struct bench *bench)
{
    bench_attach(bench);
    bench->device.timeout_us = P9_TIMEOUT_US;
    assert_ok(virtio_9p_start(&p9_share, &bench->device));
    assert_ok(virtio_9p_attach(&p9_share, "root", "", &p9_root));
}

void p9_begin_and_start(struct bench *bench)
{
    p9_begin(bench);
    p9_start(bench);
}

void p9_end(struct bench *bench)
{
    assert_ok(virtio_9p_stop(&p9_share));
    assert_int_equal(fake_host_live(&bench->host), 0);
    fake_9p_end(&p9_server);
}

void p9_open(const char *path, uint32_t flags, struct virtio_9p_fid *fid)
{
    assert_ok(virtio_9p_walk(&p9_share, &p9_root, path, fid));
    assert_ok(virtio_9p_open(&p9_share, fid, flags));
}

void p9_assert_contents(const uint8_t *bytes, size_t offset, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        if (bytes[at] != p9_contents[offset + at])
            fail_msg("byte %zu of the file is wrong", offset + at);
    }
}

void p9_check_usable(void)
{
    struct virtio_9p_fid file;
    size_t done;

    p9_open("file", VIRTIO_9P_READ_ONLY, &file);
    memset(p9_buffer, 0, sizeof(p9_buffer));
    assert_ok(virtio_9p_read(&p9_share, &file, 0, p9_buffer, sizeof(p9_buffer), &done));
    assert_int_equal(done, P9_FILE_SIZE);
    p9_assert_contents(p9_buffer, 0, P9_FILE_SIZE);
    assert_ok(virtio_9p_clunk(&p9_share, &file));
}
