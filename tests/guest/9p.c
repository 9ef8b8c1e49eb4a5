/* SPDX-License-Identifier: MIT */
/*
 * The 9P driver against folders of the host: contents, many requests at once, two shares. Folders and names are in
 * 9p_folders.c. What the host finds afterwards is checked by the runner (scripts/runner/peer_9p.py).
 */
#include "9p_rig.h"
#include "9p_tests.h"
#include "pattern.h"
#include "sha256.h"
#include "suites.h"

#include <string.h>

static const char hello[] = "Hello from the host.\n";

enum {
    HELLO_BYTES = sizeof(hello) - 1,
    CHUNK = 64 * 1024,
    WRITE_SEED = 0x5eed9,
    WRITE_SECTORS = 6000,
    WRITE_BYTES = WRITE_SECTORS * 512 - 77, /* an odd number, several messages */
    WAIT_US = 5000000,
    GUARD = 64,
};

/* ---- The share ---- */

static void says_body(struct test *test)
{
    struct virtio_9p_file_system system;
    struct virtio_9p_attributes attributes;

    CHECK(test, p9_share.tag[0] != '\0');
    CHECK_EQUAL(test, p9_share.tag_length, strlen(p9_share.tag));
    CHECK(test, p9_share.msize >= VIRTIO_9P_MSIZE_MIN && p9_share.msize <= VIRTIO_9P_MSIZE);
    CHECK(test, p9_share.depth > 0);
    CHECK_EQUAL(test, p9_root.kind, VIRTIO_9P_KIND_DIRECTORY);
    test_diagnostic("tag %s, messages of %lu bytes, %u at once", p9_share.tag,
                    (unsigned long)p9_share.msize, p9_share.depth);
    REQUIRE_RESULT(test, virtio_9p_getattr(&p9_share, &p9_root, &attributes), VIRTIO_OK);
    CHECK_EQUAL(test, attributes.valid, VIRTIO_9P_ATTRIBUTE_BASIC);
    CHECK_EQUAL(test, attributes.mode & 0170000, 0040000);
    REQUIRE_RESULT(test, virtio_9p_statfs(&p9_share, &p9_root, &system), VIRTIO_OK);
    CHECK(test, system.namelen == VIRTIO_9P_NAME_MAX);
    CHECK(test, system.bsize >= 512 && system.blocks >= system.bfree);
}

static void says_what_it_is(struct test *test)
{
    p9_with(test, "", says_body);
}

static void restart_body(struct test *test)
{
    struct virtio_9p_fid before = p9_root;
    struct virtio_9p_fid file;
    size_t done;

    for (unsigned round = 0; round < 4; round++) {
        REQUIRE(test, p9_open(test, "big.bin", VIRTIO_9P_READ_ONLY, &file));
        for (unsigned n = 0; n < 4; n++) {
            REQUIRE_RESULT(test,
                           virtio_9p_submit_read(&p9_share, &file, n * CHUNK,
                                                 (uint8_t *)p9_memory.bytes + n * CHUNK, CHUNK,
                                                 NULL),
                           VIRTIO_OK);
        }
        REQUIRE_RESULT(test, virtio_9p_kick(&p9_share), VIRTIO_OK);
        if (round % 2 == 0) {
            REQUIRE_RESULT(test, virtio_9p_stop(&p9_share), VIRTIO_OK);
            CHECK_RESULT(test, virtio_9p_clunk(&p9_share, &file), VIRTIO_E_STATE);
            REQUIRE_RESULT(test, virtio_9p_start(&p9_share, &p9_share.device), VIRTIO_OK);
        } else {
            REQUIRE_RESULT(test, virtio_9p_recover(&p9_share), VIRTIO_OK);
            for (unsigned n = 0; n < 4; n++) {
                struct virtio_9p_done back;

                REQUIRE_RESULT(test, virtio_9p_reap(&p9_share, &back), 1);
                CHECK(test, back.error == VIRTIO_OK || back.error == VIRTIO_E_RESET);
            }
        }
        CHECK_EQUAL(test, p9_share.in_flight, 0);
        CHECK_RESULT(test, virtio_9p_read(&p9_share, &file, 0, p9_memory.bytes, 1, &done),
                     VIRTIO_E_STALE);
        CHECK_RESULT(test, virtio_9p_walk(&p9_share, &before, "", &file), VIRTIO_E_STALE);
        REQUIRE_RESULT(test, virtio_9p_attach(&p9_share, "root", "", &p9_root), VIRTIO_OK);
        REQUIRE(test, p9_holds(test, "hello.txt", hello, HELLO_BYTES));
    }
}

static void stopped_and_recovered(struct test *test)
{
    p9_with(test, "share", restart_body);
}

/* ---- Reading ---- */

static void small_body(struct test *test)
{
    uint8_t *bytes = p9_memory.bytes;
    struct virtio_9p_fid file;
    size_t done;

    REQUIRE(test, p9_open(test, "hello.txt", VIRTIO_9P_READ_ONLY, &file));
    for (size_t offset = 0; offset < HELLO_BYTES + 2; offset++) {
        for (size_t count = 1; count < HELLO_BYTES + 3; count++) {
            size_t there = offset < HELLO_BYTES ? HELLO_BYTES - offset : 0;

            memset(bytes, 0xa5, GUARD);
            REQUIRE_RESULT(test, virtio_9p_read(&p9_share, &file, offset, bytes, count, &done),
                           VIRTIO_OK);
            REQUIRE_EQUAL(test, done, count < there ? count : there);
            REQUIRE(test, memcmp(bytes, hello + offset, done) == 0);
            REQUIRE_EQUAL(test, bytes[count], 0xa5);
        }
    }
    REQUIRE_RESULT(test, virtio_9p_clunk(&p9_share, &file), VIRTIO_OK);
    REQUIRE(test, p9_holds(test, "empty", "", 0));
}

static void a_small_file_in_all_ways(struct test *test)
{
    p9_with(test, "share", small_body);
}

/* big.bin is in the buffer: is it what it must be, and what digest has it? */
static void check_big(struct test *test)
{
    const uint8_t *bytes = p9_memory.bytes;
    struct sha256 hash;
    char digest[SHA256_TEXT];

    CHECK(test, pattern_matches(bytes, P9_BIG_SEED, 0, P9_BIG_SECTORS));
    sha256_begin(&hash);
    sha256_add(&hash, bytes, P9_BIG_BYTES);
    sha256_end(&hash, digest);
    test_diagnostic("host: 9p read tag=%s name=big.bin sha256=%s bytes=%lu", p9_share.tag, digest,
                    (unsigned long)P9_BIG_BYTES);
}

static void big_body(struct test *test)
{
    struct virtio_9p_attributes attributes;
    struct virtio_9p_fid file;
    size_t done;

    REQUIRE(test, p9_open(test, "big.bin", VIRTIO_9P_READ_ONLY, &file));
    REQUIRE_RESULT(test, virtio_9p_getattr(&p9_share, &file, &attributes), VIRTIO_OK);
    REQUIRE_EQUAL(test, attributes.size, P9_BIG_BYTES);
    REQUIRE_RESULT(test, virtio_9p_read(&p9_share, &file, 0, p9_memory.bytes, P9_BUFFER, &done),
                   VIRTIO_OK);
    REQUIRE_EQUAL(test, done, P9_BIG_BYTES);
    check_big(test);
}

static void three_megabytes_in_one_call(struct test *test)
{
    p9_with(test, "share", big_body);
}

/* Hands in chunks as long as there is room. @return the offset behind the last one. */
static size_t submit_reads(struct test *test, const struct virtio_9p_fid *file, size_t at)
{
    while (at < P9_BIG_BYTES) {
        size_t count = P9_BIG_BYTES - at < CHUNK ? P9_BIG_BYTES - at : CHUNK;
        uint8_t *place = (uint8_t *)p9_memory.bytes + at;
        int error = virtio_9p_submit_read(&p9_share, file, at, place, count, place);

        if (error == VIRTIO_E_FULL) {
            break;
        }
        if (!CHECK_RESULT(test, error, VIRTIO_OK)) {
            break;
        }
        at += count;
    }
    return at;
}

static void flight_body(struct test *test)
{
    struct virtio_9p_fid file;
    size_t got = 0;
    size_t at = 0;

    REQUIRE(test, p9_open(test, "big.bin", VIRTIO_9P_READ_ONLY, &file));
    memset(p9_memory.bytes, 0, P9_BUFFER);
    while (got < P9_BIG_BYTES) {
        struct virtio_9p_done done;

        at = submit_reads(test, &file, at);
        CHECK(test, p9_share.in_flight == p9_share.depth || at == P9_BIG_BYTES);
        REQUIRE_RESULT(test, virtio_9p_wait(&p9_share, &done, WAIT_US), 1);
        REQUIRE_RESULT(test, done.error, VIRTIO_OK);
        REQUIRE(test, done.bytes > 0);
        got += done.bytes;
    }
    CHECK_EQUAL(test, got, P9_BIG_BYTES);
    CHECK_EQUAL(test, p9_share.in_flight, 0);
    check_big(test);
}

static void as_many_in_flight_as_fit(struct test *test)
{
    p9_with(test, "share", flight_body);
}

static void cancel_body(struct test *test)
{
    struct virtio_9p_fid file;
    unsigned cancelled = 0;

    REQUIRE(test, p9_open(test, "big.bin", VIRTIO_9P_READ_ONLY, &file));
    for (uintptr_t n = 0; n < 8; n++) {
        uint8_t *place = (uint8_t *)p9_memory.bytes + n * CHUNK;

        REQUIRE_RESULT(test,
                       virtio_9p_submit_read(&p9_share, &file, n * CHUNK, place, CHUNK, place),
                       VIRTIO_OK);
    }
    for (unsigned n = 1; n < 8; n += 2) {
        CHECK_RESULT(test,
                     virtio_9p_cancel(&p9_share, (uint8_t *)p9_memory.bytes + (size_t)n * CHUNK),
                     VIRTIO_OK);
    }
    for (unsigned n = 0; n < 8; n++) {
        struct virtio_9p_done done;
        size_t sector;

        REQUIRE_RESULT(test, virtio_9p_wait(&p9_share, &done, WAIT_US), 1);
        sector = (size_t)((uint8_t *)done.cookie - (uint8_t *)p9_memory.bytes) / 512;
        if (done.error == VIRTIO_E_ERRNO) {
            CHECK_EQUAL(test, done.error_number, VIRTIO_9P_EINTR);
            CHECK_EQUAL(test, sector / (CHUNK / 512) % 2, 1);
            cancelled++;
        } else {
            REQUIRE_RESULT(test, done.error, VIRTIO_OK);
            CHECK(test, pattern_matches(done.cookie, P9_BIG_SEED, sector, CHUNK / 512));
        }
    }
    test_diagnostic("%u of 4 came back cancelled", cancelled);
    CHECK_EQUAL(test, p9_share.in_flight, 0);
    REQUIRE(test, p9_holds(test, "hello.txt", hello, HELLO_BYTES));
}

static void cancelled_in_flight(struct test *test)
{
    p9_with(test, "share", cancel_body);
}

/* ---- Writing ---- */

static void write_body(struct test *test)
{
    uint8_t *bytes = p9_memory.bytes;
    struct virtio_9p_fid file;
    size_t done;

    pattern_fill(bytes, WRITE_SEED, 0, WRITE_SECTORS);
    REQUIRE(test, p9_write_file(test, "written.bin", bytes, WRITE_BYTES));
    memset(bytes, 0, P9_BUFFER);
    REQUIRE(test, p9_open(test, "out/written.bin", VIRTIO_9P_READ_ONLY, &file));
    REQUIRE_RESULT(test, virtio_9p_read(&p9_share, &file, 0, bytes, P9_BUFFER, &done), VIRTIO_OK);
    REQUIRE_EQUAL(test, done, WRITE_BYTES);
    CHECK(test, pattern_matches(bytes, WRITE_SEED, 0, WRITE_SECTORS - 1));
}

static void three_megabytes_written(struct test *test)
{
    p9_with(test, "share", write_body);
}

/* Pieces of one file, the last ones first, many at once; then an fsync behind them. */
static void pieces_body(struct test *test)
{
    enum {
        PIECES = 16,
        BYTES = 4096 + 13
    };
    uint8_t *bytes = p9_memory.bytes;
    struct virtio_9p_done done;
    struct virtio_9p_fid out;
    struct virtio_9p_fid file;

    pattern_fill(bytes, WRITE_SEED + 1, 0, PIECES * BYTES / 512 + 1);
    REQUIRE(test, p9_out(test, &out));
    REQUIRE_RESULT(
        test, virtio_9p_create(&p9_share, &out, "pieces.bin", VIRTIO_9P_READ_WRITE, 0600, &file),
        VIRTIO_OK);
    for (unsigned n = PIECES; n-- > 0;) {
        REQUIRE_RESULT(test,
                       virtio_9p_submit_write(&p9_share, &file, (uint64_t)n * BYTES,
                                              bytes + (size_t)n * BYTES, BYTES, NULL),
                       VIRTIO_OK);
    }
    for (unsigned n = 0; n < PIECES; n++) {
        REQUIRE_RESULT(test, virtio_9p_wait(&p9_share, &done, WAIT_US), 1);
        REQUIRE_RESULT(test, done.error, VIRTIO_OK);
        REQUIRE_EQUAL(test, done.bytes, BYTES);
    }
    REQUIRE_RESULT(test, virtio_9p_submit_fsync(&p9_share, &file, &file), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_9p_wait(&p9_share, &done, WAIT_US), 1);
    CHECK_RESULT(test, done.error, VIRTIO_OK);
    CHECK(test, done.cookie == &file);
    REQUIRE_RESULT(test, virtio_9p_fsync(&p9_share, &file), VIRTIO_OK);
    p9_say_written("pieces.bin", bytes, (size_t)PIECES * BYTES);
    REQUIRE(test, p9_holds(test, "out/pieces.bin", bytes, (size_t)PIECES * BYTES));
}

static void pieces_written_at_once(struct test *test)
{
    p9_with(test, "share", pieces_body);
}

static bool set_size(struct test *test, const struct virtio_9p_fid *file, uint64_t size)
{
    const struct virtio_9p_changes changes = {.valid = VIRTIO_9P_SET_SIZE, .size = size};
    struct virtio_9p_attributes attributes;

    return CHECK_RESULT(test, virtio_9p_setattr(&p9_share, file, &changes), VIRTIO_OK) &&
           CHECK_RESULT(test, virtio_9p_getattr(&p9_share, file, &attributes), VIRTIO_OK) &&
           CHECK_EQUAL(test, attributes.size, size);
}

static void size_body(struct test *test)
{
    static const char content[] = "abcde\0\0\0\0\0\0\0\0\0\0+";
    static const struct virtio_9p_changes private = {.valid = VIRTIO_9P_SET_MODE, .mode = 0600};
    struct virtio_9p_attributes attributes;
    struct virtio_9p_fid file;
    size_t done;

    REQUIRE(test, p9_write_file(test, "size.txt", "abcdefghij", 10));
    REQUIRE(test, p9_open(test, "out/size.txt", VIRTIO_9P_READ_WRITE | VIRTIO_9P_APPEND, &file));
    REQUIRE(test, set_size(test, &file, 5));
    REQUIRE(test, set_size(test, &file, 15));
    REQUIRE_RESULT(test, virtio_9p_write(&p9_share, &file, 0, "+", 1, &done), VIRTIO_OK);
    REQUIRE(test, p9_holds(test, "out/size.txt", content, 16));
    REQUIRE_RESULT(test, virtio_9p_setattr(&p9_share, &file, &private), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_9p_getattr(&p9_share, &file, &attributes), VIRTIO_OK);
    CHECK_EQUAL(test, attributes.mode, 0100600);
    p9_say_written("size.txt", content, 16);
    REQUIRE_RESULT(test, virtio_9p_clunk(&p9_share, &file), VIRTIO_OK);
    REQUIRE(test, p9_write_file(test, "emptied.txt", "something", 9));
    REQUIRE(test,
            p9_open(test, "out/emptied.txt", VIRTIO_9P_WRITE_ONLY | VIRTIO_9P_TRUNCATE, &file));
    REQUIRE_RESULT(test, virtio_9p_clunk(&p9_share, &file), VIRTIO_OK);
    REQUIRE(test, p9_holds(test, "out/emptied.txt", "", 0));
    p9_say_written("emptied.txt", "", 0);
}

static void cut_off_and_filled_up(struct test *test)
{
    p9_with(test, "share", size_body);
}

/* ---- Other shares ---- */

static void readonly_body(struct test *test)
{
    struct virtio_9p_fid fid;

    REQUIRE(test, p9_holds(test, "hello.txt", hello, HELLO_BYTES));
    CHECK_ERRNO(test,
                virtio_9p_create(&p9_share, &p9_root, "new", VIRTIO_9P_WRITE_ONLY, 0644, &fid),
                VIRTIO_9P_EROFS);
    CHECK_ERRNO(test, virtio_9p_mkdir(&p9_share, &p9_root, "new", 0755), VIRTIO_9P_EROFS);
    CHECK_ERRNO(test, virtio_9p_remove(&p9_share, &p9_root, "hello.txt", 0), VIRTIO_9P_EROFS);
    CHECK_ERRNO(test, virtio_9p_rename(&p9_share, &p9_root, "hello.txt", &p9_root, "x"),
                VIRTIO_9P_EROFS);
    REQUIRE_RESULT(test, virtio_9p_walk(&p9_share, &p9_root, "hello.txt", &fid), VIRTIO_OK);
    CHECK_ERRNO(test, virtio_9p_open(&p9_share, &fid, VIRTIO_9P_READ_WRITE), VIRTIO_9P_EROFS);
    CHECK_RESULT(test, virtio_9p_open(&p9_share, &fid, VIRTIO_9P_READ_ONLY), VIRTIO_OK);
    big_body(test);
}

static void a_readonly_share(struct test *test)
{
    p9_with(test, "readonly", readonly_body);
}

static struct virtio_9p second;

/* A file from one to the other, piece by piece, with both at work at the same time. */
static void copy_body(struct test *test)
{
    uint8_t *bytes = p9_memory.bytes;
    struct virtio_9p_fid root;
    struct virtio_9p_fid fid;
    struct virtio_9p_fid ours;
    size_t done;

    REQUIRE(test, p9_start(test, &second, 1, &root));
    CHECK(test, strcmp(second.tag, p9_share.tag) != 0);
    /* A fid is one share's. */
    CHECK_RESULT(test, virtio_9p_walk(&second, &p9_root, "", &fid), VIRTIO_E_STALE);
    if (CHECK_RESULT(test, virtio_9p_walk(&second, &root, "big.bin", &fid), VIRTIO_OK) &&
        CHECK_RESULT(test, virtio_9p_open(&second, &fid, VIRTIO_9P_READ_ONLY), VIRTIO_OK) &&
        p9_open(test, "big.bin", VIRTIO_9P_READ_ONLY, &ours)) {
        struct virtio_9p_done reaped;

        CHECK_RESULT(test, virtio_9p_submit_read(&p9_share, &ours, 0, bytes, CHUNK, NULL),
                     VIRTIO_OK);
        CHECK_RESULT(test, virtio_9p_kick(&p9_share), VIRTIO_OK);
        CHECK_RESULT(test, virtio_9p_read(&second, &fid, CHUNK, bytes + CHUNK, CHUNK, &done),
                     VIRTIO_OK);
        CHECK_RESULT(test, virtio_9p_wait(&p9_share, &reaped, WAIT_US), 1);
        CHECK(test, pattern_matches(bytes, P9_BIG_SEED, 0, 2 * CHUNK / 512));
        CHECK(test, p9_write_file(test, "copied.bin", bytes, (size_t)2 * CHUNK));
    }
    CHECK_RESULT(test, virtio_9p_stop(&second), VIRTIO_OK);
}

static void two_shares_at_once(struct test *test)
{
    if (test_find_device(test, VIRTIO_ID_9P, 1) == NULL) {
        test_skip(test, "there is only one share");
        return;
    }
    p9_with(test, "share-0", copy_body);
}

static const struct test_case cases[] = {
    {"every share says what it is", says_what_it_is},
    {"a small file read from and to every place in it", a_small_file_in_all_ways},
    {"three megabytes read by one call", three_megabytes_in_one_call},
    {"three megabytes read with as many in flight as fit", as_many_in_flight_as_fit},
    {"requests are cancelled in flight", cancelled_in_flight},
    {"three megabytes written and read back", three_megabytes_written},
    {"pieces of a file written at once", pieces_written_at_once},
    {"a file is cut off, filled up, appended to and emptied", cut_off_and_filled_up},
    {"names in UTF-8, long ones, with a space", p9_names_of_every_kind},
    {"folders 40 deep, down and up", p9_deep_folders},
    {"300 entries listed, each once", p9_many_entries},
    {"made, renamed, moved and removed", p9_made_renamed_removed},
    {"errors are told apart", p9_errors_are_told},
    {"a read-only share is read and never written", a_readonly_share},
    {"two shares at once", two_shares_at_once},
    {"stopped and recovered in the middle, twice each", stopped_and_recovered},
};

const struct test_suite suite_9p = DEVICE_SUITE("9p", VIRTIO_ID_9P, cases);
