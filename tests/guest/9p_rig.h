/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the suite 9p have in common: a share that is started and entered, and what is in its folder
 * (scripts/runner/peer_9p.py puts it there).
 */
#ifndef TESTS_GUEST_9P_RIG_H
#define TESTS_GUEST_9P_RIG_H

#include "suite.h"

#include <virtio/9p.h>

#define P9_UTF8_NAME                                                                               \
    "gr\xc3\xbc\xc3\x9f"                                                                           \
    "e-\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e-\xf0\x9f\x99\x82.txt"

enum {
    P9_BIG_SEED = 0x9, /* of big.bin: so many sectors of the pattern, and a tail */
    P9_BIG_SECTORS = 6144,
    P9_BIG_TAIL = 50,
    P9_BIG_BYTES = P9_BIG_SECTORS * 512 + P9_BIG_TAIL,
    P9_DEEP = 40,  /* deep/level-0/level-1/.../bottom.txt */
    P9_MANY = 300, /* many/entry-000 and so on, with hyphens behind it */
    P9_BUFFER = 4 * 1024 * 1024,
    P9_PATH = 1024,
};

extern struct virtio_9p p9_share;
extern struct virtio_9p_fid p9_root;
extern struct test_memory p9_memory; /* P9_BUFFER bytes */

/* Runs a test's body with the first share started and entered whose tag begins so, and cleans up after it; "" is
 * any share. Skips the test when there is none. */
void p9_with(struct test *test, const char *role, void (*body)(struct test *test));

/* Starts the share number `index` and enters it. */
bool p9_start(struct test *test, struct virtio_9p *share, size_t index, struct virtio_9p_fid *root);

/* Walks from the root and opens. */
bool p9_open(struct test *test, const char *path, uint32_t flags, struct virtio_9p_fid *fid);

/* The folder "out", made when it is not there. */
bool p9_out(struct test *test, struct virtio_9p_fid *fid);

/* Makes a file in "out" with this content, and says so to the host. */
bool p9_write_file(struct test *test, const char *name, const void *bytes, size_t count);

/* Whether the file has just this content. */
bool p9_holds(struct test *test, const char *path, const void *bytes, size_t count);

/* Says to the host what a file in "out" must be after the run. */
void p9_say_written(const char *name, const void *bytes, size_t count);

/* A call on p9_share failed because the host said so, for this reason. */
#define CHECK_ERRNO(test, call, number) p9_check_errno((test), (call), (number), #call)

bool p9_check_errno(struct test *test, int error, uint32_t number, const char *call);

#endif
