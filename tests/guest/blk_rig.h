/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the block driver stand on: disks by their role, buffers, what a disk holds, and a
 * count of all requests.
 *
 * Disks are told apart by their id (QEMU: the serial): `docs` holds a file system and is only read,
 * `scratch` is the only one that is written to, `readonly`, `faulty`, `stuck` and `growing` (the host
 * resizes it) are what they are called.
 * A disk in another process has no id of its own: docs is recognised by its file system's label then,
 * scratch by a mark near its end.
 */
#ifndef TESTS_GUEST_BLK_RIG_H
#define TESTS_GUEST_BLK_RIG_H

#include "suite.h"

#include <virtio/blk.h>

enum {
    SECTOR = VIRTIO_BLK_SECTOR_SIZE,
    RIG_WINDOW = 6144, /* sectors, 3 MiB: the part of a disk that tests look at closely */
    RIG_MARGIN = 8192, /* bytes that a buffer is longer, for odd alignments and guards */
};

/* A started disk and two buffers. */
struct rig {
    struct virtio_blk *disk;
    const struct virtio_device *found;
    bool is_remote;    /* it is in QEMU's storage daemon, which goes on after a reset */
    uint32_t unit;     /* sectors in a logical block: the device reads and writes whole blocks */
    uint32_t window;   /* sectors, a multiple of `unit`, at most RIG_WINDOW */
    uint8_t *buffer;   /* RIG_WINDOW sectors and RIG_MARGIN bytes */
    uint8_t *expected; /* RIG_WINDOW sectors: what the disk holds, once rig_load was called */
};

/* All requests that were accepted, of all tests. */
extern uint64_t rig_requests;

/* Counts a request that was accepted: counted(virtio_blk_read(...)). */
static inline int counted(int result)
{
    rig_requests += result == VIRTIO_OK;
    return result;
}

/* A disk that may be read from end to end. */
extern const char RIG_READABLE[];

/* The device of this role, or NULL; RIG_READABLE is docs, or else any without a fault. */
const struct virtio_device *rig_find(struct test *test, const char *role);

/* The id of the block device number `index`, as the device says it; NULL when it does not. */
const char *rig_id(struct test *test, size_t index);

/* Starts the disk of this role, runs the body, stops the disk. Skips when there is none. */
void rig_run(struct test *test, const char *role, void (*body)(struct test *test, struct rig *rig));

/* As rig_run with `scratch`; skips when nothing may be written. */
void rig_run_scratch(struct test *test, void (*body)(struct test *test, struct rig *rig));

/* Fills in `expected` by plain reads, one after the other. */
bool rig_load(struct test *test, struct rig *rig);

/* A pseudo-random number below `bound`, the same in each run; `state` is anything at first. */
uint32_t rig_random(uint64_t *state, uint32_t bound);

#endif
