/* SPDX-License-Identifier: MIT */
/*
 * The 9P driver on the bench: a share, the fake folder behind it, and what the tests of it have in common.
 */
#ifndef P9_BENCH_H
#define P9_BENCH_H

#include "bench.h"
#include "fake_9p.h"

#define P9_TIMEOUT_US  20000u
#define P9_BUFFER_SIZE 20000u
#define P9_FILE_SIZE   9000u

extern struct virtio_9p p9_share;
extern struct fake_9p p9_server;
extern struct virtio_9p_fid p9_root;
extern uint8_t p9_buffer[P9_BUFFER_SIZE];
extern uint8_t p9_contents[P9_FILE_SIZE]; /* of "file" */

/** A folder with "file" and "folder", which has "inside" in it. */
void p9_begin(struct bench *bench);

/** Start the share and enter it. */
void p9_start(struct bench *bench);

void p9_begin_and_start(struct bench *bench);

/** Stop, and check that nothing is left. */
void p9_end(struct bench *bench);

/** Walk to a path and open it. */
void p9_open(const char *path, uint32_t flags, struct virtio_9p_fid *fid);

/** The bytes at an offset of "file" are in the buffer. */
void p9_assert_contents(const uint8_t *bytes, size_t offset, size_t count);

/** Reading "file" works. */
void p9_check_usable(void);

#endif
