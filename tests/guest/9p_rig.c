/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the suite 9p have in common.
 */
#include "9p_rig.h"

#include "sha256.h"

#include <string.h>

struct virtio_9p p9_share;
struct virtio_9p_fid p9_root;
struct test_memory p9_memory;

bool p9_start(struct test *test, struct virtio_9p *share, size_t index, struct virtio_9p_fid *root)
{
    const struct virtio_device *found = test_find_device(test, VIRTIO_ID_9P, index);

    if (!CHECK_RESULT(test, virtio_9p_start(share, found), VIRTIO_OK)) {
        return false;
    }
    if (!CHECK_RESULT(test, virtio_9p_attach(share, "root", "", root), VIRTIO_OK)) {
        CHECK_RESULT(test, virtio_9p_stop(share), VIRTIO_OK);
        return false;
    }
    return true;
}

/* Starts the first share of the role. */
static bool start_role(struct test *test, const char *role)
{
    for (size_t index = 0; test_find_device(test, VIRTIO_ID_9P, index) != NULL; index++) {
        if (!p9_start(test, &p9_share, index, &p9_root)) {
            return false;
        }
        if (strncmp(p9_share.tag, role, strlen(role)) == 0) {
            return true;
        }
        if (!CHECK_RESULT(test, virtio_9p_stop(&p9_share), VIRTIO_OK)) {
            return false;
        }
    }
    test_skip(test, "there is no share for this");
    return false;
}

void p9_with(struct test *test, const char *role, void (*body)(struct test *test))
{
    test_watch(&p9_share.device);
    if (!test_allocate(test, P9_BUFFER, &p9_memory)) {
        return;
    }
    if (start_role(test, role)) {
        body(test);
        CHECK_RESULT(test, virtio_9p_stop(&p9_share), VIRTIO_OK);
    }
    test_free(test, &p9_memory);
}

bool p9_check_errno(struct test *test, int error, uint32_t number, const char *call)
{
    bool good = CHECK_RESULT(test, error, VIRTIO_E_ERRNO) &&
                CHECK_EQUAL(test, p9_share.error_number, number);

    if (!good) {
        test_diagnostic("of %s", call);
    }
    return good;
}

bool p9_open(struct test *test, const char *path, uint32_t flags, struct virtio_9p_fid *fid)
{
    if (!CHECK_RESULT(test, virtio_9p_walk(&p9_share, &p9_root, path, fid), VIRTIO_OK)) {
        return false;
    }
    return CHECK_RESULT(test, virtio_9p_open(&p9_share, fid, flags), VIRTIO_OK);
}

bool p9_out(struct test *test, struct virtio_9p_fid *fid)
{
    int error = virtio_9p_mkdir(&p9_share, &p9_root, "out", 0755);

    if (error != VIRTIO_OK) {
        CHECK_RESULT(test, error, VIRTIO_E_ERRNO);
        CHECK_EQUAL(test, p9_share.error_number, VIRTIO_9P_EEXIST);
    }
    return CHECK_RESULT(test, virtio_9p_walk(&p9_share, &p9_root, "out", fid), VIRTIO_OK);
}

void p9_say_written(const char *name, const void *bytes, size_t count)
{
    struct sha256 hash;
    char digest[SHA256_TEXT];

    sha256_begin(&hash);
    sha256_add(&hash, bytes, count);
    sha256_end(&hash, digest);
    test_diagnostic("host: 9p wrote tag=%s name=out/%s sha256=%s bytes=%lu", p9_share.tag, name,
                    digest, (unsigned long)count);
}

bool p9_write_file(struct test *test, const char *name, const void *bytes, size_t count)
{
    struct virtio_9p_fid out;
    struct virtio_9p_fid file;
    size_t done = 0;
    bool good;

    if (!p9_out(test, &out)) {
        return false;
    }
    good = CHECK_RESULT(test,
                        virtio_9p_create(&p9_share, &out, name,
                                         VIRTIO_9P_WRITE_ONLY | VIRTIO_9P_TRUNCATE, 0644, &file),
                        VIRTIO_OK);
    if (good && count != 0) {
        good = CHECK_RESULT(test, virtio_9p_write(&p9_share, &file, 0, bytes, count, &done),
                            VIRTIO_OK) &&
               CHECK_EQUAL(test, done, count);
    }
    if (file.share != NULL) {
        CHECK_RESULT(test, virtio_9p_clunk(&p9_share, &file), VIRTIO_OK);
    }
    CHECK_RESULT(test, virtio_9p_clunk(&p9_share, &out), VIRTIO_OK);
    if (good) {
        p9_say_written(name, bytes, count);
    }
    return good;
}

bool p9_holds(struct test *test, const char *path, const void *bytes, size_t count)
{
    uint8_t *read = (uint8_t *)p9_memory.bytes + P9_BUFFER / 2;
    struct virtio_9p_fid file;
    size_t done;
    bool good;

    if (!p9_open(test, path, VIRTIO_9P_READ_ONLY, &file)) {
        return false;
    }
    good = CHECK_RESULT(test, virtio_9p_read(&p9_share, &file, 0, read, count + 100, &done),
                        VIRTIO_OK) &&
           CHECK_EQUAL(test, done, count) && CHECK_BYTES(test, read, bytes, count);
    CHECK_RESULT(test, virtio_9p_clunk(&p9_share, &file), VIRTIO_OK);
    return good;
}
