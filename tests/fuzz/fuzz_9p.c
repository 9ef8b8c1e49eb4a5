/* SPDX-License-Identifier: MIT */
/*
 * Harness: the 9P driver: a host that answers as 9P2000.L wants it, refuses, or says anything.
 */
#include "driver.h"

#define STEPS       32u
#define FIDS        4u
#define BUFFER_SIZE 1024u

enum {
    RLERROR = 7,
    TSTATFS = 8,
    TLOPEN = 12,
    TLCREATE = 14,
    TGETATTR = 24,
    TREADDIR = 40,
    TMKDIR = 72,
    TVERSION = 100,
    TATTACH = 104,
    TWALK = 110,
    TREAD = 116,
    TWRITE = 118,
    HEADER = 7,
    QID = 13
};

struct rig {
    struct hostile *hostile;
    struct virtio_device found;
    struct virtio_9p share;
    struct virtio_9p_fid fids[FIDS];
};

/* One for each cookie, and one for blocking calls. */
static uint8_t buffers[HOSTILE_COOKIES + 1][BUFFER_SIZE];

static void put(uint8_t *to, uint32_t value, unsigned bytes)
{
    for (unsigned at = 0; at < bytes; at++)
        to[at] = (uint8_t)(value >> 8 * at);
}

static uint32_t get32(const uint8_t *from)
{
    uint32_t value;

    memcpy(&value, from, 4);
    return value;
}

/* What a good host says. @return how many bytes. */
static uint32_t good_reply(const uint8_t *request, uint8_t *reply)
{
    uint32_t size = HEADER;
    uint32_t count;

    switch (request[4]) {
    case TVERSION:
        put(reply + size, 8192, 4);
        put(reply + size + 4, 8, 2);
        memcpy(reply + size + 6, "9P2000.L", 8);
        return size + 14;
    case TATTACH:
        reply[size] = 0x80;
        return size + QID;
    case TMKDIR:
        return size + QID;
    case TWALK:
        count = request[15] | (uint32_t)request[16] << 8;
        count = count < 16 ? count : 16;
        put(reply + size, count, 2);
        return size + 2 + count * QID;
    case TLOPEN:
    case TLCREATE:
        return size + QID + 4;
    case TGETATTR:
        return size + 153;
    case TSTATFS:
        return size + 60;
    case TREAD:
        count = get32(request + 19);
        count = count < 32 ? count : 32;
        put(reply + size, count, 4);
        return size + 4 + count;
    case TREADDIR: /* one entry, at the beginning */
        if (get32(request + 11) != 0)
            return size + 4;
        put(reply + size, QID + 8 + 1 + 2 + 1, 4);
        size += 4;
        put(reply + size + QID, 1, 4);
        put(reply + size + QID + 9, 1, 2);
        reply[size + QID + 11] = 'a';
        return size + QID + 12;
    case TWRITE:
        memcpy(reply + size, request + 19, 4);
        return size + 4;
    default:
        return size;
    }
}

static uint32_t serve(struct hostile *hostile, unsigned queue, const struct hostile_chain *chain)
{
    uint8_t request[64] = {0};
    uint8_t reply[300] = {0};
    uint8_t style = hostile_byte(hostile);
    uint32_t size;

    (void)hostile_read_chain(hostile, queue, chain, 0, request, sizeof(request));
    size = good_reply(request, reply);
    reply[4] = (uint8_t)(request[4] + 1);
    memcpy(reply + 5, request + 5, 2);
    if (style >= 0xf0) {
        reply[4] = RLERROR;
        put(reply + HEADER, hostile_byte(hostile), 4);
        size = HEADER + 4;
    }
    put(reply, size, 4);
    if (style >= 0xc0 && style < 0xf0) { /* something of it is wrong */
        for (unsigned at = 0; at < (style & 7u) + 1u; at++)
            reply[hostile_byte(hostile) % 64u] = hostile_byte(hostile);
        if ((style & 8) != 0)
            size = hostile_length(hostile);
        hostile->lied = true;
    }
    if (size > sizeof(reply))
        size = sizeof(reply);
    return hostile_write_chain(hostile, queue, chain, 0, reply, size);
}

static void make_config(struct hostile *hostile)
{
    hostile->config[0] = 4;
    memcpy(hostile->config + 2, "root", 4);
    if (hostile_byte(hostile) == 0xff) {
        hostile->config[0] = hostile_byte(hostile);
        hostile->lied = true;
    }
}

static void file(struct rig *rig, unsigned what)
{
    static const char *const paths[] = {
        "a", "", "a/b/c", "..", "a//./b", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18"};
    struct hostile *hostile = rig->hostile;
    uint8_t which = hostile_byte(hostile);
    struct virtio_9p_fid *one = &rig->fids[which % FIDS];
    struct virtio_9p_fid *other = &rig->fids[which / FIDS % FIDS];
    struct virtio_9p_attributes attributes;
    struct virtio_9p_changes changes = {.valid = VIRTIO_9P_SET_SIZE};
    struct virtio_9p_file_system file_system;

    switch (what & 15) {
    case 0:
        (void)virtio_9p_attach(&rig->share, "root", "", one);
        break;
    case 1:
        if (one != other)
            (void)virtio_9p_walk(&rig->share, one, paths[hostile_byte(hostile) % 6u], other);
        break;
    case 2:
        (void)virtio_9p_open(&rig->share, one, VIRTIO_9P_READ_WRITE);
        break;
    case 3:
        if (one != other)
            (void)virtio_9p_create(&rig->share, one, "new", VIRTIO_9P_READ_WRITE, 0644, other);
        break;
    case 4:
        if (hostile->cookies_out == 0)
            (void)virtio_9p_clunk(&rig->share, one);
        break;
    case 5:
        (void)virtio_9p_getattr(&rig->share, one, &attributes);
        break;
    case 6:
        (void)virtio_9p_setattr(&rig->share, one, &changes);
        break;
    case 7:
        (void)virtio_9p_statfs(&rig->share, one, &file_system);
        break;
    case 8:
        (void)virtio_9p_mkdir(&rig->share, one, "folder", 0755);
        break;
    case 9:
        (void)virtio_9p_rename(&rig->share, one, "a", other, "b");
        break;
    case 10:
        (void)virtio_9p_remove(&rig->share, one, "a", 0);
        break;
    default:
        (void)virtio_9p_fsync(&rig->share, one);
        break;
    }
}

static void list(struct rig *rig)
{
    struct virtio_9p_fid *one = &rig->fids[hostile_byte(rig->hostile) % FIDS];
    struct virtio_9p_listing listing;
    struct virtio_9p_entry entry;

    if (virtio_9p_list(&listing, one, buffers[HOSTILE_COOKIES], BUFFER_SIZE) != VIRTIO_OK)
        return;
    for (unsigned entries = 0; entries < 8; entries++) {
        if (virtio_9p_list_next(&rig->share, &listing, &entry) != 1)
            return;
        hostile_require(entry.name_length != 0 && entry.name_length <= VIRTIO_9P_NAME_MAX);
        hostile_require(strlen(entry.name) == entry.name_length);
        hostile_require(strchr(entry.name, '/') == NULL);
    }
}

static void transfer(struct rig *rig, bool writes)
{
    struct virtio_9p_fid *one = &rig->fids[hostile_byte(rig->hostile) % FIDS];
    size_t bytes = hostile_byte(rig->hostile) * 4u;
    uint8_t *buffer = buffers[HOSTILE_COOKIES];
    size_t done = 0;

    if (writes)
        (void)virtio_9p_write(&rig->share, one, 0, buffer, bytes, &done);
    else
        (void)virtio_9p_read(&rig->share, one, 0, buffer, bytes, &done);
    hostile_require(done <= bytes);
}

static void submit(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    struct virtio_9p_fid *one = &rig->fids[hostile_byte(hostile) % FIDS];
    size_t bytes = hostile_byte(hostile) * 4u;
    void *cookie = hostile_cookie(hostile);
    uint8_t *buffer;
    int error;

    if (cookie == NULL)
        return;
    buffer = buffers[hostile_cookie_number(cookie)];
    if (what == 0)
        error = virtio_9p_submit_read(&rig->share, one, 0, buffer, bytes, cookie);
    else if (what == 1)
        error = virtio_9p_submit_write(&rig->share, one, 0, buffer, bytes, cookie);
    else
        error = virtio_9p_submit_fsync(&rig->share, one, cookie);
    hostile_require(error <= 0);
    if (error != VIRTIO_OK)
        hostile_cookie_back(hostile, cookie);
    else if (hostile_byte(hostile) == 0xff)
        (void)virtio_9p_cancel(&rig->share, cookie);
}

static void take(struct rig *rig, bool waits)
{
    struct virtio_9p_done done;
    int result = waits ? virtio_9p_wait(&rig->share, &done, rig->hostile->timeout_us)
                       : virtio_9p_reap(&rig->share, &done);

    hostile_require(result <= 1 && !(waits && result == 0));
    if (result == 1) {
        hostile_require(done.bytes <= BUFFER_SIZE);
        hostile_cookie_back(rig->hostile, done.cookie);
    }
}

static void drain(void *context)
{
    struct rig *rig = context;
    struct virtio_9p_done done;

    while (virtio_9p_drain(&rig->share, &done) == 1)
        hostile_cookie_back(rig->hostile, done.cookie);
}

HOSTILE_CALL(start, virtio_9p_start(&rig->share, &rig->found))
HOSTILE_CALLS(virtio_9p, &rig->share)

static void step(void *context, uint8_t what);

static const struct hostile_driver driver = {
    .start = start,
    .halt = halt,
    .recover = recover,
    .stop = stop,
    .drain = drain,
    .step = step,
    .steps = STEPS,
    .start_waits = 8,
    .step_waits = 80,
};

static void step(void *context, uint8_t what)
{
    struct rig *rig = context;
    struct hostile *hostile = rig->hostile;

    switch (what & 15) {
    case 0:
    case 1:
    case 2:
        file(rig, what >> 4);
        break;
    case 3:
        list(rig);
        break;
    case 4:
    case 5:
        transfer(rig, (what & 15) == 5);
        break;
    case 6:
    case 7:
        submit(rig, what >> 4 & 3);
        break;
    case 8:
        (void)virtio_9p_kick(&rig->share);
        break;
    case 9:
    case 10:
        take(rig, (what & 15) == 10);
        break;
    case 11:
        hostile_halt_or_recover(&driver, rig, what);
        break;
    case 12:
        drain(rig);
        break;
    case 13:
        hostile_start_again(&driver, rig);
        break;
    default:
        hostile_work(hostile, 0);
        break;
    }
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_9P, 1, 1);
    make_config(hostile);
    hostile->serve = serve;
    hostile_drive(hostile, &rig.found, &driver, &rig);
}
