/* SPDX-License-Identifier: MIT */
/*
 * The 9P driver: names, folders, and what the host says no to.
 */
#include "9p_rig.h"
#include "9p_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Names ---- */

static void long_name(char *name)
{
    memset(name, 'n', VIRTIO_9P_NAME_MAX - 4);
    strcpy(name + VIRTIO_9P_NAME_MAX - 4, ".txt");
}

static void names_body(struct test *test)
{
    char longest[VIRTIO_9P_NAME_MAX + 2];
    char path[P9_PATH];
    const char *names[] = {P9_UTF8_NAME, longest, "two words"};
    struct virtio_9p_fid fid;

    long_name(longest);
    for (unsigned n = 0; n < 3; n++) {
        snprintf(path, sizeof(path), "names/%s", names[n]);
        REQUIRE(test, p9_holds(test, path, names[n], strlen(names[n])));
        snprintf(path, sizeof(path), "//names/./%s/.", names[n]);
        REQUIRE(test, p9_holds(test, path, names[n], strlen(names[n])));
    }
    /* Blanks end a word on the way to the host: this one is only looked at here. */
    REQUIRE(test, p9_write_file(test, P9_UTF8_NAME, "UTF-8", 5));
    REQUIRE(test, p9_write_file(test, longest, "long", 4));
    strcat(longest, "x");
    CHECK_RESULT(test, virtio_9p_walk(&p9_share, &p9_root, longest, &fid), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_9p_mkdir(&p9_share, &p9_root, longest, 0755), VIRTIO_E_INVALID);
}

void p9_names_of_every_kind(struct test *test)
{
    p9_with(test, "share", names_body);
}

static void deep_path(char *path, unsigned levels)
{
    path += sprintf(path, "deep");
    for (unsigned level = 0; level < levels; level++) {
        path += sprintf(path, "/level-%u", level);
    }
}

static void deep_body(struct test *test)
{
    char path[P9_PATH];
    struct virtio_9p_fid bottom;
    struct virtio_9p_fid top;

    deep_path(path, P9_DEEP);
    REQUIRE_RESULT(test, virtio_9p_walk(&p9_share, &p9_root, path, &bottom), VIRTIO_OK);
    CHECK_EQUAL(test, bottom.kind, VIRTIO_9P_KIND_DIRECTORY);
    strcat(path, "/bottom.txt");
    REQUIRE(test, p9_holds(test, path, "Here is the bottom.\n", 20));
    for (unsigned level = 0; level < P9_DEEP + 5; level++) {
        strcpy(path + (size_t)3 * level, "../");
    }
    REQUIRE_RESULT(test, virtio_9p_walk(&p9_share, &bottom, path, &top), VIRTIO_OK);
    CHECK_EQUAL(test, top.path, p9_root.path);
    REQUIRE_RESULT(test, virtio_9p_clunk(&p9_share, &top), VIRTIO_OK);
    deep_path(path, P9_DEEP);
    strcat(path, "/nothing");
    CHECK_ERRNO(test, virtio_9p_walk(&p9_share, &p9_root, path, &top), VIRTIO_9P_ENOENT);
    deep_path(path, P9_DEEP - 20);
    strcat(path, "/nothing/further");
    CHECK_ERRNO(test, virtio_9p_walk(&p9_share, &p9_root, path, &top), VIRTIO_9P_ENOENT);
}

void p9_deep_folders(struct test *test)
{
    p9_with(test, "share", deep_body);
}

/* ---- Listing ---- */

static bool note_entry(struct test *test, const struct virtio_9p_entry *entry, bool *seen)
{
    unsigned long number;
    char *end;

    if (!CHECK(test, strncmp(entry->name, "entry-", 6) == 0) ||
        !CHECK_EQUAL(test, strlen(entry->name), entry->name_length)) {
        return false;
    }
    number = strtoul(entry->name + 6, &end, 10);
    if (!CHECK(test, number < P9_MANY && !seen[number])) {
        return false;
    }
    seen[number] = true;
    return CHECK_EQUAL(test, strlen(end), number % 50) &&
           CHECK_EQUAL(test, entry->kind, VIRTIO_9P_KIND_FILE);
}

static void list_many(struct test *test, size_t size)
{
    static struct virtio_9p_entry entry;
    bool seen[P9_MANY] = {false};
    struct virtio_9p_listing listing;
    struct virtio_9p_fid many;
    unsigned entries = 0;
    unsigned dots = 0;
    int result;

    REQUIRE(test, p9_open(test, "many", VIRTIO_9P_READ_ONLY | VIRTIO_9P_DIRECTORY, &many));
    REQUIRE_RESULT(test, virtio_9p_list(&listing, &many, p9_memory.bytes, size), VIRTIO_OK);
    while ((result = virtio_9p_list_next(&p9_share, &listing, &entry)) > 0) {
        if (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0) {
            CHECK_EQUAL(test, entry.kind, VIRTIO_9P_KIND_DIRECTORY);
            dots++;
            continue;
        }
        REQUIRE(test, note_entry(test, &entry, seen));
        entries++;
    }
    CHECK_RESULT(test, result, VIRTIO_OK);
    CHECK_EQUAL(test, entries, P9_MANY);
    CHECK_EQUAL(test, dots, 2);
    CHECK_RESULT(test, virtio_9p_clunk(&p9_share, &many), VIRTIO_OK);
}

static void many_body(struct test *test)
{
    list_many(test, VIRTIO_9P_LIST_MIN);
    list_many(test, 4096);
    list_many(test, (size_t)64 * 1024);
}

void p9_many_entries(struct test *test)
{
    p9_with(test, "share", many_body);
}

/* ---- Changing ---- */

static void say(const char *verb, const char *name)
{
    test_diagnostic("host: 9p %s tag=%s name=%s", verb, p9_share.tag, name);
}

static void change_body(struct test *test)
{
    struct virtio_9p_fid out;
    struct virtio_9p_fid one;
    struct virtio_9p_fid two;

    REQUIRE(test, p9_out(test, &out));
    REQUIRE_RESULT(test, virtio_9p_mkdir(&p9_share, &out, "one", 0755), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_9p_mkdir(&p9_share, &out, "two", 0700), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_9p_walk(&p9_share, &out, "one", &one), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_9p_walk(&p9_share, &p9_root, "out/two", &two), VIRTIO_OK);
    REQUIRE(test, p9_write_file(test, "wanders.txt", "the same", 8));
    REQUIRE_RESULT(test, virtio_9p_rename(&p9_share, &out, "wanders.txt", &one, "inside.txt"),
                   VIRTIO_OK);
    REQUIRE(test, p9_holds(test, "out/one/inside.txt", "the same", 8));
    REQUIRE_RESULT(test, virtio_9p_rename(&p9_share, &one, "inside.txt", &two, "inside.txt"),
                   VIRTIO_OK);
    REQUIRE(test, p9_write_file(test, "replaces.txt", "another", 7));
    REQUIRE_RESULT(test, virtio_9p_rename(&p9_share, &out, "replaces.txt", &two, "inside.txt"),
                   VIRTIO_OK);
    REQUIRE(test, p9_holds(test, "out/two/inside.txt", "another", 7));
    say("gone", "out/wanders.txt");
    say("gone", "out/replaces.txt");
    p9_say_written("two/inside.txt", "another", 7);
    REQUIRE_RESULT(test, virtio_9p_remove(&p9_share, &out, "one", VIRTIO_9P_REMOVE_DIRECTORY),
                   VIRTIO_OK);
    say("gone", "out/one");
    REQUIRE_RESULT(test, virtio_9p_rename(&p9_share, &out, "two", &out, "three"), VIRTIO_OK);
    say("gone", "out/two");
    say("gone", "out/two/inside.txt");
    say("made", "out/three");
    p9_say_written("three/inside.txt", "another", 7);
    REQUIRE(test, p9_write_file(test, "removed.txt", "x", 1));
    REQUIRE_RESULT(test, virtio_9p_remove(&p9_share, &out, "removed.txt", 0), VIRTIO_OK);
    say("gone", "out/removed.txt");
}

void p9_made_renamed_removed(struct test *test)
{
    p9_with(test, "share", change_body);
}

/* ---- Errors ---- */

static void errors_body(struct test *test)
{
    struct virtio_9p_fid fid;
    struct virtio_9p_fid out;
    size_t done;

    REQUIRE(test, p9_out(test, &out));
    CHECK_ERRNO(test, virtio_9p_walk(&p9_share, &p9_root, "nothing", &fid), VIRTIO_9P_ENOENT);
    CHECK_ERRNO(test, virtio_9p_remove(&p9_share, &out, "nothing", 0), VIRTIO_9P_ENOENT);
    CHECK_ERRNO(test, virtio_9p_rename(&p9_share, &out, "nothing", &out, "x"), VIRTIO_9P_ENOENT);
    CHECK_ERRNO(test, virtio_9p_mkdir(&p9_share, &p9_root, "full", 0755), VIRTIO_9P_EEXIST);
    CHECK_ERRNO(test,
                virtio_9p_create(&p9_share, &p9_root, "hello.txt",
                                 VIRTIO_9P_READ_WRITE | VIRTIO_9P_EXCLUSIVE, 0644, &fid),
                VIRTIO_9P_EEXIST);
    CHECK_ERRNO(test, virtio_9p_remove(&p9_share, &p9_root, "full", VIRTIO_9P_REMOVE_DIRECTORY),
                VIRTIO_9P_ENOTEMPTY);
    CHECK_ERRNO(test, virtio_9p_remove(&p9_share, &p9_root, "full", 0), VIRTIO_9P_EISDIR);
    CHECK_ERRNO(test, virtio_9p_remove(&p9_share, &p9_root, "empty", VIRTIO_9P_REMOVE_DIRECTORY),
                VIRTIO_9P_ENOTDIR);
    REQUIRE_RESULT(test, virtio_9p_walk(&p9_share, &p9_root, "empty", &fid), VIRTIO_OK);
    CHECK_ERRNO(test, virtio_9p_open(&p9_share, &fid, VIRTIO_9P_DIRECTORY), VIRTIO_9P_ENOTDIR);
    REQUIRE_RESULT(test, virtio_9p_clunk(&p9_share, &fid), VIRTIO_OK);
    REQUIRE(test, p9_open(test, "hello.txt", VIRTIO_9P_READ_ONLY, &fid));
    CHECK_ERRNO(test, virtio_9p_write(&p9_share, &fid, 0, "x", 1, &done), VIRTIO_9P_EBADF);
    CHECK_EQUAL(test, done, 0);
    REQUIRE(test, p9_holds(test, "hello.txt", "Hello from the host.\n", 21));
}

void p9_errors_are_told(struct test *test)
{
    p9_with(test, "share", errors_body);
}
