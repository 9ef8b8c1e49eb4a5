/* SPDX-License-Identifier: MIT */
/*
 * Proof of the calls of the 9P driver that take names, make fids or end them.
 */
#include "9p_state.h"

/* Of a name, with its NUL: longer than any name, and two of them longer than a message. */
#define NAME_SIZE 400u

/* Short paths are all those of so many characters at most, each a separator, a point or another. */
#define SHORT_MAX    3u
#define SHORT_PATHS  (1u + 3u + 9u + 27u)
#define OTHER_PATHS  3u
#define PATH_SIZE    (3 * (VIRTIO_9P_NAME_MAX + 1))

static char name[NAME_SIZE];
static char other_name[NAME_SIZE];
static char path[PATH_SIZE];

/* ---- Names ---- */

/* Any string. */
static void choose(char string[static NAME_SIZE])
{
    Frama_C_make_unknown(string, NAME_SIZE - 1);
    string[NAME_SIZE - 1] = '\0';
}

/* Any character that is in a name, and no point. */
static char any_character(void)
{
    return (char)Frama_C_interval('/' + 1, 0x7f);
}

/* The short path of this number. */
static void choose_short(uint32_t number)
{
    uint32_t length = 0;

    for (uint32_t paths = 1; number >= paths; paths *= 3, length++)
        number -= paths;
    //@ loop unroll 4;
    for (uint32_t at = 0; at < length; at++, number /= 3)
        path[at] = number % 3 == 0 ? '/' : number % 3 == 1 ? '.' : any_character();
    path[length] = '\0';
}

/* So many names of that length, which may be too long for a name, or too many for a message. */
static void choose_names(uint32_t count, uint32_t length)
{
    for (uint32_t at = 0; at < count * (length + 1); at++)
        path[at] = (at + 1) % (length + 1) == 0 ? '/' : any_character();
    path[count * (length + 1) - 1] = '\0';
}

static void choose_path(uint32_t number)
{
    static const struct {
        uint32_t count, length;
    } others[OTHER_PATHS] = {{3, VIRTIO_9P_NAME_MAX}, {17, 1}, {1, VIRTIO_9P_NAME_MAX + 1}};

    if (number < SHORT_PATHS)
        choose_short(number);
    else
        choose_names(others[number - SHORT_PATHS].count, others[number - SHORT_PATHS].length);
}

/* ---- Calls ---- */

static void check_fid(const struct virtio_9p_fid *fid)
{
    /*@ assert a_number: fid->share == \null || fid->number < VIRTIO_9P_FIDS_MAX; */
    (void)fid;
}

/* Each path by itself. The fid that is made has any content before. */
static void walk(void)
{
    struct virtio_9p_fid from = any_fid();
    struct virtio_9p_fid made = any_fid();
    uint32_t number = prove_below(SHORT_PATHS + OTHER_PATHS);

    //@ split number;
    choose_path(number);
    (void)virtio_9p_walk(&share, &from, path, &made);
    //@ merge number;
    check_fid(&made);
}

static void make(void)
{
    struct virtio_9p_fid from = any_fid();
    struct virtio_9p_fid made = any_fid();

    switch (prove_below(3)) {
    case 0:
        (void)virtio_9p_attach(&share, name, other_name, &made);
        break;
    case 1:
        (void)virtio_9p_create(&share, &from, name, prove_any(), prove_any(), &made);
        break;
    default:
        (void)virtio_9p_walk(&share, &from, "", &from);
    }
    check_fid(&from);
    check_fid(&made);
}

static void change(void)
{
    struct virtio_9p_fid fid = any_fid();
    struct virtio_9p_fid other = any_fid();

    switch (prove_below(3)) {
    case 0:
        (void)virtio_9p_mkdir(&share, &fid, name, prove_any());
        break;
    case 1:
        (void)virtio_9p_rename(&share, &fid, name, &other, other_name);
        break;
    default:
        (void)virtio_9p_remove(&share, &fid, name, prove_any());
    }
}

static void end(void)
{
    struct virtio_9p_fid fid = any_fid();
    struct virtio_9p_changes changes = {
        .valid = prove_any(),
        .mode = prove_any(),
        .uid = prove_any(),
        .gid = prove_any(),
        .size = prove_any64(),
        .atime_sec = prove_any64(),
        .atime_nsec = prove_any64(),
        .mtime_sec = prove_any64(),
        .mtime_nsec = prove_any64(),
    };

    switch (prove_below(3)) {
    case 0:
        (void)virtio_9p_clunk(&share, &fid);
        break;
    case 1:
        (void)virtio_9p_setattr(&share, &fid, &changes);
        break;
    default:
        (void)virtio_9p_fsync(&share, &fid);
    }
    check_fid(&fid);
}

void use(void)
{
    choose(name);
    choose(other_name);
    switch (prove_below(4)) {
    case 0:
        walk();
        break;
    case 1:
        make();
        break;
    case 2:
        change();
        break;
    default:
        end();
    }
}
