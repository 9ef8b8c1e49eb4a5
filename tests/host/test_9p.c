/* SPDX-License-Identifier: MIT */
/*
 * The 9P driver: what it can do, against a fake folder. What may go wrong is in test_9p_faults.c.
 */
#include "9p_bench.h"

#include <stdio.h>
#include <string.h>

/* ---- The share ---- */

static void test_tag_and_messages(struct bench *bench)
{
    p9_begin_and_start(bench);
    assert_string_equal(p9_share.tag, "share");
    assert_int_equal(p9_share.tag_length, 5);
    assert_int_equal(p9_share.msize, VIRTIO_9P_MSIZE);
    assert_int_equal(p9_share.depth, 10);
    assert_int_equal(p9_root.kind, VIRTIO_9P_KIND_DIRECTORY);
    assert_true(virtio_has_feature(&p9_share.device, VIRTIO_9P_MOUNT_TAG));
    p9_check_usable();
    p9_end(bench);
}

static void test_the_longest_tag(struct bench *bench)
{
    char tag[FAKE_CONFIG_SIZE - 1];

    memset(tag, 'x', sizeof(tag) - 1);
    tag[sizeof(tag) - 1] = '\0';
    p9_begin(bench);
    fake_9p_end(&p9_server);
    fake_9p_begin(&p9_server, &bench->fake, tag);
    p9_start(bench);
    assert_string_equal(p9_share.tag, tag);
    p9_end(bench);
}

static void test_stopped_and_started_again(struct bench *bench)
{
    struct virtio_9p_fid before;

    p9_begin_and_start(bench);
    before = p9_root;
    for (unsigned round = 0; round < 3; round++) {
        assert_ok(virtio_9p_stop(&p9_share));
        assert_ok(virtio_9p_stop(&p9_share));
        assert_int_equal(fake_host_live(&bench->host), 0);
        assert_result(virtio_9p_clunk(&p9_share, &before), VIRTIO_E_STATE);
        assert_ok(virtio_9p_start(&p9_share, &p9_share.device));
        /* Its number is known again, but not as this. */
        assert_ok(virtio_9p_attach(&p9_share, "", "", &p9_root));
        assert_result(virtio_9p_clunk(&p9_share, &before), VIRTIO_E_STALE);
        p9_check_usable();
    }
    p9_end(bench);
}

static void test_a_small_msize(struct bench *bench)
{
    p9_begin(bench);
    p9_server.msize_max = VIRTIO_9P_MSIZE_MIN;
    p9_server.iounit = 2 * VIRTIO_9P_MSIZE_MIN; /* more than a message takes */
    p9_start(bench);
    assert_int_equal(p9_share.msize, VIRTIO_9P_MSIZE_MIN);
    p9_check_usable();
    assert_int_equal(p9_server.counts[116], 4); /* three to its end, one to see it */
    p9_end(bench);
}

/* ---- Fids ---- */

static void test_walks(struct bench *bench)
{
    struct virtio_9p_fid fid;
    struct virtio_9p_fid up;

    p9_begin_and_start(bench);
    assert_ok(virtio_9p_walk(&p9_share, &p9_root, "folder/inside", &fid));
    assert_int_equal(fid.kind, VIRTIO_9P_KIND_FILE);
    assert_int_not_equal(fid.path, p9_root.path);
    assert_ok(virtio_9p_clunk(&p9_share, &fid));
    assert_ok(virtio_9p_walk(&p9_share, &p9_root, "//./folder//./inside/.", &fid));
    assert_int_equal(fid.kind, VIRTIO_9P_KIND_FILE);
    assert_ok(virtio_9p_clunk(&p9_share, &fid));
    assert_ok(virtio_9p_walk(&p9_share, &p9_root, "folder", &fid));
    assert_ok(virtio_9p_walk(&p9_share, &fid, "../../../folder/..", &up));
    assert_int_equal(up.path, p9_root.path);
    assert_ok(virtio_9p_clunk(&p9_share, &up));
    assert_ok(virtio_9p_walk(&p9_share, &fid, "/", &up));
    assert_int_equal(up.path, fid.path);
    assert_int_equal(up.kind, VIRTIO_9P_KIND_DIRECTORY);
    assert_result(virtio_9p_walk(&p9_share, &p9_root, "folder/nothing", &up), VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.error_number, VIRTIO_9P_ENOENT);
    assert_result(virtio_9p_clunk(&p9_share, &up), VIRTIO_E_STALE);
    assert_result(virtio_9p_walk(&p9_share, &p9_root, "nothing", &up), VIRTIO_E_ERRNO);
    assert_int_equal(fake_9p_open_fids(&p9_server), 3);
    p9_end(bench);
}

#define DEEP 40u

/* A path of many names, and one of long names, are walked in several messages. */
static void test_long_walks(struct bench *bench)
{
    char path[DEEP * 3 + 8];
    char names[5 * 256 + 1];
    struct virtio_9p_fid fid;
    unsigned node = 0;

    p9_begin(bench);
    path[0] = '\0';
    for (unsigned n = 0; n < DEEP; n++) {
        node = fake_9p_add(&p9_server, node, "d", NULL, 0);
        strcat(path, "d/");
    }
    (void)fake_9p_add(&p9_server, node, "end", "x", 1);
    strcat(path, "end");
    memset(names, 'n', sizeof(names));
    node = 0;
    for (unsigned n = 0; n < 5; n++) {
        names[n * 256 + 255] = '\0';
        node = fake_9p_add(&p9_server, node, names + n * 256, NULL, 0);
        names[n * 256 + 255] = '/';
    }
    names[sizeof(names) - 1] = '\0';
    p9_start(bench);
    assert_ok(virtio_9p_walk(&p9_share, &p9_root, path, &fid));
    assert_int_equal(fid.kind, VIRTIO_9P_KIND_FILE);
    assert_int_equal(p9_server.largest_walk, 16);
    assert_int_equal(p9_server.counts[110], 3);
    assert_ok(virtio_9p_clunk(&p9_share, &fid));
    assert_ok(virtio_9p_walk(&p9_share, &p9_root, names, &fid));
    assert_int_equal(p9_server.counts[110], 3 + 3);
    assert_ok(virtio_9p_clunk(&p9_share, &fid));
    /* What the first message made is given back when a later one fails. */
    strcpy(path + (size_t)2 * DEEP, "no");
    assert_result(virtio_9p_walk(&p9_share, &p9_root, path, &fid), VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.error_number, VIRTIO_9P_ENOENT);
    strcpy(path + (size_t)2 * 34, "nothing/further/d/d");
    assert_result(virtio_9p_walk(&p9_share, &p9_root, path, &fid), VIRTIO_E_ERRNO);
    assert_int_equal(fake_9p_open_fids(&p9_server), 1);
    /* The reason is the walk's, whatever comes of giving it back. */
    p9_server.refuse_type = 120;
    p9_server.refuse_number = VIRTIO_9P_EIO;
    assert_result(virtio_9p_walk(&p9_share, &p9_root, path, &fid), VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.error_number, VIRTIO_9P_ENOENT);
    p9_server.refuse_type = 14;
    p9_server.refuse_number = VIRTIO_9P_ENOSPC;
    assert_result(virtio_9p_create(&p9_share, &p9_root, "new", 0, 0, &fid), VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.error_number, VIRTIO_9P_ENOSPC);
    p9_end(bench);
}

static void test_all_the_fids_there_are(struct bench *bench)
{
    static struct virtio_9p_fid fids[VIRTIO_9P_FIDS_MAX];
    struct virtio_9p_fid more;

    p9_begin_and_start(bench);
    for (unsigned n = 1; n < VIRTIO_9P_FIDS_MAX; n++)
        assert_ok(virtio_9p_walk(&p9_share, &p9_root, "", &fids[n]));
    assert_result(virtio_9p_walk(&p9_share, &p9_root, "", &more), VIRTIO_E_FULL);
    assert_result(virtio_9p_attach(&p9_share, "", "", &more), VIRTIO_E_FULL);
    assert_result(virtio_9p_create(&p9_share, &p9_root, "new", 2, 0600, &more), VIRTIO_E_FULL);
    assert_ok(virtio_9p_clunk(&p9_share, &fids[77]));
    assert_ok(virtio_9p_walk(&p9_share, &p9_root, "file", &more));
    for (unsigned n = 1; n < VIRTIO_9P_FIDS_MAX; n++) {
        if (n != 77)
            assert_ok(virtio_9p_clunk(&p9_share, &fids[n]));
    }
    assert_int_equal(fake_9p_open_fids(&p9_server), 2);
    p9_end(bench);
}

/* ---- Contents ---- */

static void test_reads(struct bench *bench)
{
    static const size_t offsets[] = {0, 1, 4095, 8999, 9000, 12345};
    static const size_t counts[] = {1, 2, 100, 4096, 9000};
    struct virtio_9p_fid file;
    size_t done;

    p9_begin_and_start(bench);
    p9_open("file", VIRTIO_9P_READ_ONLY, &file);
    for (size_t o = 0; o < sizeof(offsets) / sizeof(offsets[0]); o++) {
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
            size_t there = offsets[o] < P9_FILE_SIZE ? P9_FILE_SIZE - offsets[o] : 0;

            memset(p9_buffer, 0xa5, sizeof(p9_buffer));
            assert_ok(
                virtio_9p_read(&p9_share, &file, offsets[o], p9_buffer + 8, counts[c], &done));
            assert_int_equal(done, counts[c] < there ? counts[c] : there);
            p9_assert_contents(p9_buffer + 8, offsets[o], done);
            assert_int_equal(p9_buffer[7], 0xa5);
            assert_int_equal(p9_buffer[8 + counts[c]], 0xa5);
        }
    }
    p9_end(bench);
}

/* iounit and a host that moves less than it was asked for. */
static void test_parts(struct bench *bench)
{
    struct virtio_9p_fid file;
    size_t done;

    p9_begin(bench);
    p9_server.iounit = 2000;
    p9_server.count_max = 700;
    p9_start(bench);
    p9_check_usable();
    assert_int_equal(p9_server.counts[116], 14); /* 13 and the end */
    assert_ok(virtio_9p_create(&p9_share, &p9_root, "copy", VIRTIO_9P_READ_WRITE, 0644, &file));
    assert_ok(virtio_9p_write(&p9_share, &file, 0, p9_contents, P9_FILE_SIZE, &done));
    assert_int_equal(done, P9_FILE_SIZE);
    assert_int_equal(p9_server.counts[118], 13);
    memset(p9_buffer, 0, sizeof(p9_buffer));
    assert_ok(virtio_9p_read(&p9_share, &file, 0, p9_buffer, P9_FILE_SIZE, &done));
    assert_int_equal(done, P9_FILE_SIZE);
    p9_assert_contents(p9_buffer, 0, P9_FILE_SIZE);
    p9_end(bench);
}

static void test_writes(struct bench *bench)
{
    struct virtio_9p_fid file;
    unsigned node;
    size_t done;

    p9_begin_and_start(bench);
    assert_ok(virtio_9p_create(&p9_share, &p9_root, "new", VIRTIO_9P_READ_WRITE, 0640, &file));
    assert_int_equal(p9_server.last_mode, 0640);
    assert_int_equal(p9_server.last_flags, VIRTIO_9P_READ_WRITE);
    assert_true(file.is_open);
    assert_int_equal(file.kind, VIRTIO_9P_KIND_FILE);
    node = fake_9p_find(&p9_server, 0, "new");
    assert_int_not_equal(node, 0);
    assert_ok(virtio_9p_write(&p9_share, &file, 10, "hello", 5, &done));
    assert_int_equal(done, 5);
    assert_int_equal(p9_server.nodes[node].size, 15);
    assert_memory_equal(p9_server.nodes[node].data, "\0\0\0\0\0\0\0\0\0\0hello", 15);
    assert_ok(virtio_9p_fsync(&p9_share, &file));
    assert_int_equal(p9_server.counts[50], 1);
    assert_ok(virtio_9p_clunk(&p9_share, &file));
    p9_open("new", VIRTIO_9P_WRITE_ONLY | VIRTIO_9P_TRUNCATE, &file);
    assert_int_equal(p9_server.nodes[node].size, 0);
    assert_ok(virtio_9p_clunk(&p9_share, &file));
    assert_result(virtio_9p_create(&p9_share, &p9_root, "new", VIRTIO_9P_EXCLUSIVE, 0640, &file),
                  VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.error_number, VIRTIO_9P_EEXIST);
    assert_int_equal(fake_9p_open_fids(&p9_server), 1);
    assert_result(virtio_9p_clunk(&p9_share, &file), VIRTIO_E_STALE);
    p9_end(bench);
}

/* ---- Attributes ---- */

static void test_attributes(struct bench *bench)
{
    struct virtio_9p_attributes attributes;
    struct virtio_9p_file_system system;
    struct virtio_9p_changes changes = {
        .valid = VIRTIO_9P_SET_SIZE | VIRTIO_9P_SET_MODE | VIRTIO_9P_SET_MTIME_NOW,
        .size = 12,
        .mode = 0600,
    };
    struct virtio_9p_fid file;

    p9_begin_and_start(bench);
    assert_ok(virtio_9p_walk(&p9_share, &p9_root, "file", &file));
    assert_ok(virtio_9p_getattr(&p9_share, &file, &attributes));
    assert_int_equal(attributes.valid, VIRTIO_9P_ATTRIBUTE_BASIC);
    assert_int_equal(attributes.mode, 0644);
    assert_int_equal(attributes.uid, 11);
    assert_int_equal(attributes.gid, 12);
    assert_int_equal(attributes.nlink, 13);
    assert_int_equal(attributes.rdev, 14);
    assert_int_equal(attributes.size, P9_FILE_SIZE);
    assert_int_equal(attributes.blksize, 16);
    assert_int_equal(attributes.blocks, 17);
    assert_int_equal(attributes.atime_sec, 18);
    assert_int_equal(attributes.atime_nsec, 19);
    assert_int_equal(attributes.mtime_sec, 20);
    assert_int_equal(attributes.mtime_nsec, 21);
    assert_int_equal(attributes.ctime_sec, 22);
    assert_int_equal(attributes.ctime_nsec, 23);
    assert_ok(virtio_9p_setattr(&p9_share, &file, &changes));
    assert_int_equal(p9_server.last_valid, changes.valid);
    assert_ok(virtio_9p_getattr(&p9_share, &file, &attributes));
    assert_int_equal(attributes.size, 12);
    assert_int_equal(attributes.mode, 0600);
    assert_ok(virtio_9p_statfs(&p9_share, &file, &system));
    assert_int_equal(system.type, 0x01021997);
    assert_int_equal(system.bsize, 4096);
    assert_int_equal(system.blocks, 1);
    assert_int_equal(system.bfree, 2);
    assert_int_equal(system.bavail, 3);
    assert_int_equal(system.files, 4);
    assert_int_equal(system.ffree, 5);
    assert_int_equal(system.fsid, 6);
    assert_int_equal(system.namelen, 255);
    p9_end(bench);
}

/* ---- Folders ---- */

static void test_folders(struct bench *bench)
{
    struct virtio_9p_fid folder;
    char name[VIRTIO_9P_NAME_MAX + 2];

    p9_begin_and_start(bench);
    memset(name, 'n', sizeof(name));
    name[VIRTIO_9P_NAME_MAX] = '\0';
    assert_ok(virtio_9p_mkdir(&p9_share, &p9_root, name, 0755));
    assert_int_equal(p9_server.last_mode, 0755);
    assert_result(virtio_9p_mkdir(&p9_share, &p9_root, "folder", 0755), VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.error_number, VIRTIO_9P_EEXIST);
    assert_ok(virtio_9p_walk(&p9_share, &p9_root, "folder", &folder));
    assert_ok(virtio_9p_rename(&p9_share, &p9_root, name, &folder, "moved"));
    assert_int_equal(fake_9p_find(&p9_server, 0, name), 0);
    assert_result(virtio_9p_remove(&p9_share, &p9_root, "folder", 0), VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.error_number, VIRTIO_9P_EISDIR);
    assert_result(virtio_9p_remove(&p9_share, &p9_root, "folder", VIRTIO_9P_REMOVE_DIRECTORY),
                  VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.error_number, VIRTIO_9P_ENOTEMPTY);
    assert_ok(virtio_9p_remove(&p9_share, &folder, "moved", VIRTIO_9P_REMOVE_DIRECTORY));
    assert_ok(virtio_9p_remove(&p9_share, &folder, "inside", 0));
    assert_result(virtio_9p_remove(&p9_share, &folder, "inside", 0), VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.error_number, VIRTIO_9P_ENOENT);
    /* The longest message of all. */
    assert_ok(virtio_9p_mkdir(&p9_share, &p9_root, name, 0755));
    assert_ok(virtio_9p_rename(&p9_share, &p9_root, name, &folder, name));
    name[VIRTIO_9P_NAME_MAX] = 'n';
    name[VIRTIO_9P_NAME_MAX + 1] = '\0';
    assert_result(virtio_9p_mkdir(&p9_share, &p9_root, name, 0755), VIRTIO_E_INVALID);
    p9_end(bench);
}

#define MANY 150u

static void test_listing(struct bench *bench)
{
    struct virtio_9p_listing listing;
    struct virtio_9p_entry entry;
    struct virtio_9p_fid fid;
    bool seen[MANY] = {false};
    unsigned dots = 0;
    unsigned count = 0;
    unsigned node;
    int result;

    p9_begin(bench);
    node = fake_9p_add(&p9_server, 0, "many", NULL, 0);
    for (unsigned n = 0; n < MANY; n++) {
        char name[16];

        snprintf(name, sizeof(name), "entry %u", n);
        (void)fake_9p_add(&p9_server, node, name, n % 2 ? "" : NULL, 0);
    }
    p9_start(bench);
    p9_open("many", VIRTIO_9P_READ_ONLY | VIRTIO_9P_DIRECTORY, &fid);
    assert_ok(virtio_9p_list(&listing, &fid, p9_buffer, VIRTIO_9P_LIST_MIN));
    while ((result = virtio_9p_list_next(&p9_share, &listing, &entry)) > 0) {
        unsigned n;

        assert_int_equal(entry.name_length, strlen(entry.name));
        if (entry.name[0] == '.') {
            dots++;
            continue;
        }
        assert_int_equal(sscanf(entry.name, "entry %u", &n), 1);
        assert_true(n < MANY && !seen[n]);
        seen[n] = true;
        assert_int_equal(entry.kind, n % 2 ? VIRTIO_9P_KIND_FILE : VIRTIO_9P_KIND_DIRECTORY);
        assert_int_equal(entry.type, n % 2 ? 8 : 4);
        count++;
    }
    assert_ok(result);
    assert_int_equal(dots, 2);
    assert_int_equal(count, MANY);
    assert_true(p9_server.counts[40] > 10);
    /* Its end stays its end, and the driver may be asked again. */
    assert_result(virtio_9p_list_next(&p9_share, &listing, &entry), 0);
    assert_result(virtio_9p_list(&listing, &fid, NULL, 4096), VIRTIO_E_INVALID);
    assert_result(virtio_9p_list(&listing, &fid, p9_buffer, 511), VIRTIO_E_INVALID);
    p9_end(bench);
}

/* ---- Many in flight ---- */

static void submit_all(const struct virtio_9p_fid *file, unsigned count)
{
    memset(p9_buffer, 0, sizeof(p9_buffer));
    for (unsigned n = 0; n < count; n++)
        assert_ok(virtio_9p_submit_read(&p9_share, file, (uint64_t)n * 100, p9_buffer + n * 100,
                                        100, bench_cookie(n)));
}

static void test_as_many_in_flight_as_fit(struct bench *bench)
{
    struct virtio_9p_done done;
    struct virtio_9p_fid file;

    p9_begin_and_start(bench);
    p9_open("file", VIRTIO_9P_READ_ONLY, &file);
    p9_server.holds = true;
    for (unsigned round = 0; round < 3; round++) {
        submit_all(&file, p9_share.depth);
        assert_int_equal(p9_share.in_flight, p9_share.depth);
        assert_result(virtio_9p_submit_read(&p9_share, &file, 0, p9_buffer, 1, NULL),
                      VIRTIO_E_FULL);
        assert_result(virtio_9p_walk(&p9_share, &p9_root, "file", &(struct virtio_9p_fid){0}),
                      VIRTIO_E_FULL);
        assert_result(virtio_9p_clunk(&p9_share, &file), VIRTIO_E_FULL);
        assert_ok(virtio_9p_kick(&p9_share));
        assert_int_equal(p9_server.held_count, p9_share.depth);
        /* Answered the last first: tags tell whose answer it is. */
        for (unsigned n = p9_share.depth; n-- > 0;) {
            fake_9p_answer(&p9_server, n);
            assert_result(virtio_9p_reap(&p9_share, &done), 1);
            assert_int_equal((uintptr_t)done.cookie, n);
            assert_ok(done.error);
            assert_int_equal(done.bytes, 100);
            p9_assert_contents(p9_buffer + n * 100, (size_t)n * 100, 100);
        }
        assert_result(virtio_9p_reap(&p9_share, &done), 0);
        assert_int_equal(p9_share.in_flight, 0);
    }
    p9_end(bench);
}

static void test_a_call_among_others(struct bench *bench)
{
    struct virtio_9p_done done;
    struct virtio_9p_fid file;

    p9_begin_and_start(bench);
    p9_open("file", VIRTIO_9P_READ_ONLY, &file);
    submit_all(&file, 3);
    assert_ok(virtio_9p_submit_fsync(&p9_share, &file, bench_cookie(3)));
    p9_check_usable();
    for (unsigned n = 0; n < 4; n++) {
        assert_result(virtio_9p_wait(&p9_share, &done, 1000), 1);
        assert_int_equal((uintptr_t)done.cookie, n);
        assert_ok(done.error);
        assert_int_equal(done.bytes, n < 3 ? 100 : 0);
    }
    assert_result(virtio_9p_wait(&p9_share, &done, 1000), VIRTIO_E_STATE);
    assert_result(virtio_9p_wait(&p9_share, &done, 0), VIRTIO_E_INVALID);
    p9_end(bench);
}

/* A long read and a long write in flight: their parts are sent when others are reaped. */
static void test_long_requests_in_flight(struct bench *bench)
{
    struct virtio_9p_done done;
    struct virtio_9p_fid file;
    struct virtio_9p_fid copy;
    unsigned both = 0;

    p9_begin(bench);
    p9_server.msize_max = VIRTIO_9P_MSIZE_MIN;
    p9_start(bench);
    p9_open("file", VIRTIO_9P_READ_ONLY, &file);
    assert_ok(virtio_9p_create(&p9_share, &p9_root, "copy", VIRTIO_9P_WRITE_ONLY, 0644, &copy));
    memset(p9_buffer, 0, sizeof(p9_buffer));
    assert_ok(virtio_9p_submit_read(&p9_share, &file, 0, p9_buffer, P9_FILE_SIZE, bench_cookie(1)));
    assert_ok(
        virtio_9p_submit_write(&p9_share, &copy, 0, p9_contents, P9_FILE_SIZE, bench_cookie(2)));
    while (both != 3) {
        assert_result(virtio_9p_wait(&p9_share, &done, 1000), 1);
        assert_ok(done.error);
        assert_int_equal(done.bytes, P9_FILE_SIZE);
        both |= (unsigned)(uintptr_t)done.cookie;
    }
    p9_assert_contents(p9_buffer, 0, P9_FILE_SIZE);
    p9_assert_contents(p9_server.nodes[fake_9p_find(&p9_server, 0, "copy")].data, 0, P9_FILE_SIZE);
    p9_end(bench);
}

/* ---- Cancelling ---- */

static void cancel_round(const struct virtio_9p_fid *file)
{
    struct virtio_9p_done done;

    p9_server.holds = true;
    p9_server.finishes_flushed = false;
    submit_all(file, 3);
    assert_ok(virtio_9p_kick(&p9_share));
    assert_result(virtio_9p_cancel(&p9_share, bench_cookie(99)), VIRTIO_E_INVALID);
    assert_ok(virtio_9p_cancel(&p9_share, bench_cookie(1)));
    assert_result(virtio_9p_cancel(&p9_share, bench_cookie(1)), VIRTIO_E_INVALID);
    assert_result(virtio_9p_reap(&p9_share, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 1);
    assert_result(done.error, VIRTIO_E_ERRNO);
    assert_int_equal(done.error_number, VIRTIO_9P_EINTR);
    assert_int_equal(done.bytes, 0);
    /* One that is carried out all the same comes back with what it did. */
    p9_server.finishes_flushed = true;
    assert_ok(virtio_9p_cancel(&p9_share, bench_cookie(2)));
    assert_result(virtio_9p_reap(&p9_share, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 2);
    assert_ok(done.error);
    assert_int_equal(done.bytes, 100);
    fake_9p_answer(&p9_server, 0);
    assert_result(virtio_9p_reap(&p9_share, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 0);
    assert_result(virtio_9p_reap(&p9_share, &done), 0);
    assert_result(virtio_9p_cancel(&p9_share, bench_cookie(0)), VIRTIO_E_INVALID);
    p9_server.holds = false;
}

/* More than once, so that slots are used again and answers of before lie in them. */
static void test_cancelled(struct bench *bench)
{
    struct virtio_9p_fid file;

    p9_begin_and_start(bench);
    p9_open("file", VIRTIO_9P_READ_ONLY, &file);
    for (unsigned round = 0; round < 5; round++) {
        cancel_round(&file);
        p9_check_usable();
    }
    p9_end(bench);
}

/* A tag is not used again soon, and never is the one that means none; through one slot it shows. */
static void test_tags(struct bench *bench)
{
    static uint8_t seen[0x10000];
    struct virtio_9p_attributes attributes;

    memset(seen, 0, sizeof(seen));
    p9_begin(bench);
    bench->fake.queues[0].maximum = 4;
    p9_start(bench);
    for (unsigned n = 0; n < 5000; n++) {
        assert_ok(virtio_9p_getattr(&p9_share, &p9_root, &attributes));
        assert_int_equal(seen[p9_server.last_tag], n / 2047);
        seen[p9_server.last_tag]++;
    }
    assert_int_equal(seen[0xffff], 0);
    p9_end(bench);
}

/* What is cancelled between two parts ends there. */
static void test_cancelled_between_parts(struct bench *bench)
{
    struct virtio_9p_done done;
    struct virtio_9p_fid file;

    p9_begin(bench);
    p9_server.msize_max = VIRTIO_9P_MSIZE_MIN;
    p9_start(bench);
    p9_open("file", VIRTIO_9P_READ_ONLY, &file);
    p9_server.holds = true;
    p9_server.finishes_flushed = true;
    assert_ok(virtio_9p_submit_read(&p9_share, &file, 0, p9_buffer, P9_FILE_SIZE, bench_cookie(5)));
    assert_ok(virtio_9p_kick(&p9_share));
    assert_ok(virtio_9p_cancel(&p9_share, bench_cookie(5)));
    assert_result(virtio_9p_reap(&p9_share, &done), 1);
    assert_int_equal((uintptr_t)done.cookie, 5);
    assert_result(done.error, VIRTIO_E_ERRNO);
    assert_int_equal(done.error_number, VIRTIO_9P_EINTR);
    assert_int_equal(done.bytes, VIRTIO_9P_MSIZE_MIN - 24);
    assert_int_equal(p9_server.counts[116], 1);
    p9_end(bench);
}

static void test_no_slot_to_cancel_with(struct bench *bench)
{
    struct virtio_9p_fid file;

    p9_begin_and_start(bench);
    p9_open("file", VIRTIO_9P_READ_ONLY, &file);
    p9_server.holds = true;
    submit_all(&file, p9_share.depth);
    assert_ok(virtio_9p_kick(&p9_share));
    assert_result(virtio_9p_cancel(&p9_share, bench_cookie(0)), VIRTIO_E_FULL);
    p9_end(bench);
}

static const struct bench_test tests[] = {
    TEST(test_tag_and_messages, BENCH_HOSTS),
    TEST(test_the_longest_tag, BENCH_MODERN | BENCH_MMIO_1),
    TEST(test_stopped_and_started_again, BENCH_ALL),
    TEST(test_a_small_msize, BENCH_HOSTS),
    TEST(test_walks, BENCH_ALL),
    TEST(test_long_walks, BENCH_ALL),
    TEST(test_all_the_fids_there_are, BENCH_ONE),
    TEST(test_reads, BENCH_HOSTS),
    TEST(test_parts, BENCH_HOSTS),
    TEST(test_writes, BENCH_HOSTS),
    TEST(test_attributes, BENCH_ALL),
    TEST(test_folders, BENCH_ALL),
    TEST(test_listing, BENCH_HOSTS),
    TEST(test_as_many_in_flight_as_fit, BENCH_HOSTS | BENCH_OUT_OF_ORDER),
    TEST(test_a_call_among_others, BENCH_HOSTS),
    TEST(test_long_requests_in_flight, BENCH_HOSTS),
    TEST(test_cancelled, BENCH_ALL | BENCH_OUT_OF_ORDER),
    TEST(test_tags, BENCH_ONE | BENCH_SPLIT),
    TEST(test_cancelled_between_parts, BENCH_ALL),
    TEST(test_no_slot_to_cancel_with, BENCH_ONE),
};

BENCH_MAIN_RINGS(tests)
