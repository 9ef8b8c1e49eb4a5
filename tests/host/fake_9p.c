/* SPDX-License-Identifier: MIT */
/*
 * A fake host folder, served by 9P2000.L.
 */
#include "fake_9p.h"

#include <stdlib.h>
#include <string.h>
#include <virtio/9p.h>

#define HEAD      7u
#define DATA_HEAD 11u
#define QID       13u
#define NOTAG     0xffffu
#define ROOM      64u /* behind an answer, for lies */

enum {
    TSTATFS = 8,
    TLOPEN = 12,
    TLCREATE = 14,
    TGETATTR = 24,
    TSETATTR = 26,
    TREADDIR = 40,
    TFSYNC = 50,
    TMKDIR = 72,
    TRENAMEAT = 74,
    TUNLINKAT = 76,
    TVERSION = 100,
    TATTACH = 104,
    TFLUSH = 108,
    TWALK = 110,
    TREAD = 116,
    TWRITE = 118,
    TCLUNK = 120,
};

/* A request being carried out: what is left of it, and its answer so far. */
struct work {
    struct fake_9p *server;
    struct fake_chain *chain;
    uint8_t type;
    uint16_t tag;
    const uint8_t *at;
    size_t left;
    bool is_short;
    uint8_t *reply;
    size_t size;
    size_t data; /* bytes of data behind a Twrite */
};

/* ---- Messages ---- */

static uint64_t get(struct work *work, unsigned width)
{
    uint64_t value = 0;

    if (work->left < width) {
        work->is_short = true;
        work->left = 0;
        return 0;
    }
    for (unsigned byte = 0; byte < width; byte++)
        value |= (uint64_t)work->at[byte] << (8 * byte);
    work->at += width;
    work->left -= width;
    return value;
}

static void get_string(struct work *work, char text[256])
{
    size_t length = (size_t)get(work, 2);

    text[0] = '\0';
    if (length > work->left || length > 255) {
        work->is_short = true;
        work->left = 0;
        return;
    }
    memcpy(text, work->at, length);
    text[length] = '\0';
    work->at += length;
    work->left -= length;
}

static void put(struct work *work, unsigned width, uint64_t value)
{
    for (; width != 0; width--, value >>= 8)
        work->reply[work->size++] = (uint8_t)value;
}

static void put_qid(struct work *work, unsigned node)
{
    put(work, 1, work->server->nodes[node].is_directory ? 0x80 : 0);
    put(work, 4, 1);
    put(work, 8, 1000 + node);
}

/* A name in a folder; in a walk ".." is one. */
static void get_name(struct work *work, char name[256], bool in_walk)
{
    get_string(work, name);
    if (work->is_short)
        return;
    if (name[0] == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 ||
        (!in_walk && strcmp(name, "..") == 0))
        fake_rule(work->server->device, "9p-name", "9P2000", "'%s'", name);
}

/* ---- The tree ---- */

static unsigned add_node(struct fake_9p *server, unsigned parent, const char *name,
                         bool is_directory)
{
    for (unsigned n = 1; n < FAKE_9P_NODES; n++) {
        struct fake_9p_node *node = &server->nodes[n];

        if (node->exists)
            continue;
        *node = (struct fake_9p_node){
            .exists = true, .is_directory = is_directory, .parent = parent, .mode = 0644};
        strncpy(node->name, name, sizeof(node->name) - 1);
        return n;
    }
    abort();
}

static void resize(struct fake_9p_node *node, size_t size)
{
    uint8_t *data = realloc(node->data, size + 1);

    if (!data)
        abort();
    if (size > node->size)
        memset(data + node->size, 0, size - node->size);
    node->data = data;
    node->size = size;
}

unsigned fake_9p_add(struct fake_9p *server, unsigned parent, const char *name, const void *data,
                     size_t size)
{
    unsigned n = add_node(server, parent, name, data == NULL);

    if (data) {
        resize(&server->nodes[n], size);
        memcpy(server->nodes[n].data, data, size);
    }
    return n;
}

unsigned fake_9p_find(const struct fake_9p *server, unsigned parent, const char *name)
{
    for (unsigned n = 1; n < FAKE_9P_NODES; n++) {
        const struct fake_9p_node *node = &server->nodes[n];

        if (node->exists && node->parent == parent && strcmp(node->name, name) == 0)
            return n;
    }
    return 0;
}

static void remove_node(struct fake_9p *server, unsigned n)
{
    free(server->nodes[n].data);
    memset(&server->nodes[n], 0, sizeof(server->nodes[n]));
}

static bool is_empty(const struct fake_9p *server, unsigned parent)
{
    for (unsigned n = 1; n < FAKE_9P_NODES; n++) {
        if (server->nodes[n].exists && server->nodes[n].parent == parent)
            return false;
    }
    return true;
}

/* ---- Fids ---- */

static struct fake_9p_fid *find_fid(struct fake_9p *server, uint32_t number)
{
    for (unsigned n = 0; n < FAKE_9P_FIDS; n++) {
        if (server->fids[n].used && server->fids[n].number == number)
            return &server->fids[n];
    }
    return NULL;
}

/* The fid that a message names; one that is not known is a violation. */
static struct fake_9p_fid *get_fid(struct work *work)
{
    uint32_t number = (uint32_t)get(work, 4);
    struct fake_9p_fid *fid = find_fid(work->server, number);

    if (!fid && !work->is_short)
        fake_rule(work->server->device, "9p-fid-unknown", "9P2000", "%u in a message of type %u",
                  number, work->type);
    return fid;
}

static void make_fid(struct work *work, uint32_t number, unsigned node)
{
    if (find_fid(work->server, number)) {
        fake_rule(work->server->device, "9p-fid-in-use", "9P2000", "%u", number);
        return;
    }
    for (unsigned n = 0; n < FAKE_9P_FIDS; n++) {
        if (!work->server->fids[n].used) {
            work->server->fids[n] =
                (struct fake_9p_fid){.used = true, .number = number, .node = node};
            return;
        }
    }
    abort();
}

unsigned fake_9p_open_fids(const struct fake_9p *server)
{
    unsigned count = 0;

    for (unsigned n = 0; n < FAKE_9P_FIDS; n++)
        count += server->fids[n].used;
    return count;
}

/* ---- Requests: each returns 0 or an error number ---- */

static uint32_t do_version(struct work *work)
{
    struct fake_9p *server = work->server;
    uint32_t msize = (uint32_t)get(work, 4);
    char version[256];

    get_string(work, version);
    server->msize = msize < server->msize_max ? msize : server->msize_max;
    memset(server->fids, 0, sizeof(server->fids));
    put(work, 4, server->msize);
    put(work, 2, strlen(server->version));
    memcpy(work->reply + work->size, server->version, strlen(server->version));
    work->size += strlen(server->version);
    return 0;
}

static uint32_t do_attach(struct work *work)
{
    uint32_t number = (uint32_t)get(work, 4);
    char text[256];

    (void)get(work, 4); /* afid */
    get_string(work, text);
    get_string(work, text);
    (void)get(work, 4); /* n_uname */
    make_fid(work, number, 0);
    put_qid(work, 0);
    return 0;
}

static unsigned step(const struct fake_9p *server, unsigned node, const char *name)
{
    if (strcmp(name, "..") == 0)
        return server->nodes[node].parent;
    return fake_9p_find(server, node, name);
}

static uint32_t do_walk(struct work *work)
{
    struct fake_9p *server = work->server;
    struct fake_9p_fid *fid = get_fid(work);
    uint32_t number = (uint32_t)get(work, 4);
    unsigned count = (unsigned)get(work, 2);
    unsigned walked = 0;
    unsigned node;

    if (!fid)
        return VIRTIO_9P_EBADF;
    if (count > 16)
        fake_rule(server->device, "9p-walk-count", "9P2000", "%u names", count);
    if (fid->open)
        fake_rule(server->device, "9p-walk-open", "9P2000", "fid %u", fid->number);
    if (count > server->largest_walk)
        server->largest_walk = count;
    node = fid->node;
    put(work, 2, 0);
    for (unsigned n = 0; n < count && !work->is_short; n++) {
        char name[256];
        unsigned next;

        get_name(work, name, true);
        next = step(server, node, name);
        if (walked != n || (next == 0 && strcmp(name, "..") != 0))
            continue;
        node = next;
        walked++;
        if (walked <= 16)
            put_qid(work, node);
    }
    if (walked == 0 && count != 0)
        return VIRTIO_9P_ENOENT;
    work->reply[HEAD] = (uint8_t)walked;
    if (walked == count && number == fid->number)
        fid->node = node;
    else if (walked == count)
        make_fid(work, number, node);
    return 0;
}

static uint32_t do_clunk(struct work *work)
{
    struct fake_9p_fid *fid = get_fid(work);

    if (fid)
        fid->used = false;
    return fid ? 0 : VIRTIO_9P_EBADF;
}

static uint32_t do_open(struct work *work)
{
    struct fake_9p_fid *fid = get_fid(work);
    uint32_t flags = (uint32_t)get(work, 4);

    if (!fid)
        return VIRTIO_9P_EBADF;
    work->server->last_flags = flags;
    if (flags & VIRTIO_9P_TRUNCATE)
        resize(&work->server->nodes[fid->node], 0);
    fid->open = true;
    put_qid(work, fid->node);
    put(work, 4, work->server->iounit);
    return 0;
}

static uint32_t do_create(struct work *work)
{
    struct fake_9p *server = work->server;
    struct fake_9p_fid *fid = get_fid(work);
    char name[256];
    unsigned node;

    get_name(work, name, false);
    server->last_flags = (uint32_t)get(work, 4);
    server->last_mode = (uint32_t)get(work, 4);
    (void)get(work, 4);
    if (!fid)
        return VIRTIO_9P_EBADF;
    node = fake_9p_find(server, fid->node, name);
    if (node && (server->last_flags & VIRTIO_9P_EXCLUSIVE))
        return VIRTIO_9P_EEXIST;
    if (!node)
        node = fake_9p_add(server, fid->node, name, "", 0);
    fid->node = node;
    fid->open = true;
    put_qid(work, node);
    put(work, 4, server->iounit);
    return 0;
}

/* Of a read, write or listing: fid, offset and count, and the room that must be there. */
static struct fake_9p_fid *get_data(struct work *work, uint64_t *offset, uint32_t *count)
{
    struct fake_9p *server = work->server;
    struct fake_9p_fid *fid = get_fid(work);
    uint64_t room;

    *offset = get(work, 8);
    *count = (uint32_t)get(work, 4);
    if (*count > server->msize - 24)
        fake_rule(server->device, "9p-count", "9P2000", "%u bytes with an msize of %u", *count,
                  server->msize);
    room = work->type == TWRITE ? DATA_HEAD : (uint64_t)DATA_HEAD + *count;
    if (work->chain->writable != room || (work->type == TWRITE && work->left != *count))
        fake_rule(server->device, "9p-data-room", "9P2000", "count %u, %llu bytes of room", *count,
                  (unsigned long long)work->chain->writable);
    if (fid && !fid->open)
        fake_rule(server->device, "9p-not-open", "9P2000", "fid %u", fid->number);
    return fid;
}

static uint32_t do_read(struct work *work)
{
    uint64_t offset;
    uint32_t count;
    struct fake_9p_fid *fid = get_data(work, &offset, &count);
    const struct fake_9p_node *node;

    if (!fid)
        return VIRTIO_9P_EBADF;
    node = &work->server->nodes[fid->node];
    if (node->is_directory)
        return VIRTIO_9P_EISDIR;
    if (count > work->server->count_max)
        count = work->server->count_max;
    if (offset >= node->size)
        count = 0;
    else if (count > node->size - offset)
        count = (uint32_t)(node->size - offset);
    put(work, 4, count);
    if (count != 0)
        memcpy(work->reply + work->size, node->data + offset, count);
    work->size += count;
    return 0;
}

static uint32_t do_write(struct work *work)
{
    uint64_t offset;
    uint32_t count;
    struct fake_9p_fid *fid = get_data(work, &offset, &count);
    struct fake_9p_node *node;
    const uint8_t *data = work->at;

    if (count > work->left)
        count = (uint32_t)work->left;
    work->left = 0;
    if (!fid)
        return VIRTIO_9P_EBADF;
    node = &work->server->nodes[fid->node];
    if (count > work->server->count_max)
        count = work->server->count_max;
    if (offset + count > node->size)
        resize(node, (size_t)offset + count);
    memcpy(node->data + offset, data, count);
    put(work, 4, count);
    return 0;
}

/* Entry number n of a folder: its node and name. */
static bool entry_at(const struct fake_9p *server, unsigned parent, uint64_t n, unsigned *node,
                     const char **name)
{
    if (n < 2) {
        *node = n == 0 ? parent : server->nodes[parent].parent;
        *name = n == 0 ? "." : "..";
        return true;
    }
    n -= 2;
    for (unsigned at = 1; at < FAKE_9P_NODES; at++) {
        if (!server->nodes[at].exists || server->nodes[at].parent != parent || n-- != 0)
            continue;
        *node = at;
        *name = server->nodes[at].name;
        return true;
    }
    return false;
}

static uint32_t do_readdir(struct work *work)
{
    uint64_t offset;
    uint32_t count;
    struct fake_9p_fid *fid = get_data(work, &offset, &count);
    size_t begin;
    unsigned node;
    const char *name;

    if (!fid)
        return VIRTIO_9P_EBADF;
    put(work, 4, 0);
    begin = work->size;
    while (entry_at(work->server, fid->node, offset, &node, &name) &&
           work->size - begin + QID + 11 + strlen(name) <= count) {
        put_qid(work, node);
        put(work, 8, ++offset);
        put(work, 1, work->server->nodes[node].is_directory ? 4 : 8);
        put(work, 2, strlen(name));
        memcpy(work->reply + work->size, name, strlen(name));
        work->size += strlen(name);
    }
    for (unsigned byte = 0; byte < 4; byte++)
        work->reply[HEAD + byte] = (uint8_t)((work->size - begin) >> (8 * byte));
    return 0;
}

static uint32_t do_fsync(struct work *work)
{
    struct fake_9p_fid *fid = get_fid(work);

    (void)get(work, 4);
    if (fid && !fid->open)
        fake_rule(work->server->device, "9p-not-open", "9P2000", "fid %u", fid->number);
    return fid ? 0 : VIRTIO_9P_EBADF;
}

static uint32_t do_getattr(struct work *work)
{
    struct fake_9p_fid *fid = get_fid(work);
    uint64_t mask = get(work, 8);
    const struct fake_9p_node *node;

    if (!fid)
        return VIRTIO_9P_EBADF;
    node = &work->server->nodes[fid->node];
    put(work, 8, mask);
    put_qid(work, fid->node);
    put(work, 4, node->mode);
    put(work, 4, 11); /* uid */
    put(work, 4, 12); /* gid */
    put(work, 8, 13); /* nlink */
    put(work, 8, 14); /* rdev */
    put(work, 8, node->size);
    put(work, 8, 16); /* blksize */
    put(work, 8, 17); /* blocks */
    for (unsigned n = 18; n < 28; n++)
        put(work, 8, n); /* four times, gen, data version */
    return 0;
}

static uint32_t do_setattr(struct work *work)
{
    struct fake_9p *server = work->server;
    struct fake_9p_fid *fid = get_fid(work);
    uint64_t size;

    server->last_valid = get(work, 4);
    server->last_mode = (uint32_t)get(work, 4);
    (void)get(work, 8); /* uid, gid */
    size = get(work, 8);
    for (unsigned n = 0; n < 4; n++)
        (void)get(work, 8);
    if (!fid)
        return VIRTIO_9P_EBADF;
    if (server->last_valid & VIRTIO_9P_SET_SIZE)
        resize(&server->nodes[fid->node], (size_t)size);
    if (server->last_valid & VIRTIO_9P_SET_MODE)
        server->nodes[fid->node].mode = server->last_mode;
    return 0;
}

static uint32_t do_statfs(struct work *work)
{
    struct fake_9p_fid *fid = get_fid(work);

    put(work, 4, 0x01021997);
    put(work, 4, 4096);
    for (unsigned n = 1; n <= 6; n++)
        put(work, 8, n);
    put(work, 4, 255);
    return fid ? 0 : VIRTIO_9P_EBADF;
}

static uint32_t do_mkdir(struct work *work)
{
    struct fake_9p_fid *fid = get_fid(work);
    char name[256];

    get_name(work, name, false);
    work->server->last_mode = (uint32_t)get(work, 4);
    (void)get(work, 4);
    if (!fid)
        return VIRTIO_9P_EBADF;
    if (fake_9p_find(work->server, fid->node, name))
        return VIRTIO_9P_EEXIST;
    put_qid(work, fake_9p_add(work->server, fid->node, name, NULL, 0));
    return 0;
}

static uint32_t do_rename(struct work *work)
{
    struct fake_9p *server = work->server;
    struct fake_9p_fid *from = get_fid(work);
    struct fake_9p_fid *to;
    char old_name[256];
    char new_name[256];
    unsigned node;
    unsigned replaced;

    get_name(work, old_name, false);
    to = get_fid(work);
    get_name(work, new_name, false);
    if (!from || !to)
        return VIRTIO_9P_EBADF;
    node = fake_9p_find(server, from->node, old_name);
    if (!node)
        return VIRTIO_9P_ENOENT;
    replaced = fake_9p_find(server, to->node, new_name);
    if (replaced != 0 && replaced != node)
        remove_node(server, replaced);
    server->nodes[node].parent = to->node;
    strcpy(server->nodes[node].name, new_name);
    return 0;
}

static uint32_t do_unlink(struct work *work)
{
    struct fake_9p *server = work->server;
    struct fake_9p_fid *fid = get_fid(work);
    bool directory;
    char name[256];
    unsigned node;

    get_name(work, name, false);
    directory = (get(work, 4) & VIRTIO_9P_REMOVE_DIRECTORY) != 0;
    if (!fid)
        return VIRTIO_9P_EBADF;
    node = fake_9p_find(server, fid->node, name);
    if (!node)
        return VIRTIO_9P_ENOENT;
    if (directory != server->nodes[node].is_directory)
        return directory ? VIRTIO_9P_ENOTDIR : VIRTIO_9P_EISDIR;
    if (directory && !is_empty(server, node))
        return VIRTIO_9P_ENOTEMPTY;
    remove_node(server, node);
    return 0;
}

/* ---- Carrying out ---- */

static uint16_t tag_of(struct fake_chain *chain)
{
    uint8_t head[HEAD];

    fake_chain_read(chain, 0, head, HEAD);
    return (uint16_t)(head[5] | head[6] << 8);
}

static void forget_held(struct fake_9p *server, unsigned n)
{
    server->held_count--;
    memmove(&server->held[n], &server->held[n + 1],
            (server->held_count - n) * sizeof(server->held[0]));
}

static uint32_t do_flush(struct work *work)
{
    struct fake_9p *server = work->server;
    uint16_t tag = (uint16_t)get(work, 2);

    for (unsigned n = 0; n < server->held_count; n++) {
        struct fake_chain *chain = server->held[n];

        if (tag_of(chain) != tag)
            continue;
        if (server->finishes_flushed) {
            fake_9p_answer(server, n);
        } else {
            forget_held(server, n);
            fake_chain_complete(chain, 0);
        }
        break;
    }
    return 0;
}

static const struct {
    uint8_t type;
    uint32_t (*run)(struct work *work);
} handlers[] = {
    {TVERSION, do_version}, {TATTACH, do_attach},  {TWALK, do_walk},       {TCLUNK, do_clunk},
    {TLOPEN, do_open},      {TLCREATE, do_create}, {TREAD, do_read},       {TWRITE, do_write},
    {TREADDIR, do_readdir}, {TFSYNC, do_fsync},    {TGETATTR, do_getattr}, {TSETATTR, do_setattr},
    {TSTATFS, do_statfs},   {TMKDIR, do_mkdir},    {TRENAMEAT, do_rename}, {TUNLINKAT, do_unlink},
    {TFLUSH, do_flush},
};

static uint32_t dispatch(struct work *work)
{
    struct fake_9p *server = work->server;

    server->last_tag = work->tag;
    if (work->type < 128)
        server->counts[work->type]++;
    if (server->msize == 0 && work->type != TVERSION)
        fake_rule(server->device, "9p-version-first", "9P2000", "type %u", work->type);
    if ((work->tag == NOTAG) != (work->type == TVERSION))
        fake_rule(server->device, "9p-tag", "9P2000", "tag %u of type %u", work->tag, work->type);
    if (server->refuse_type == work->type && server->counts[work->type] > server->refuse_after) {
        if (work->type == TCLUNK) /* which ends the fid all the same */
            (void)do_clunk(work);
        work->left = 0;
        return server->refuse_number;
    }
    for (size_t n = 0; n < sizeof(handlers) / sizeof(handlers[0]); n++) {
        uint32_t error;

        if (handlers[n].type != work->type)
            continue;
        error = handlers[n].run(work);
        if (work->is_short || work->left != 0)
            fake_rule(server->device, "9p-message-length", "9P2000", "type %u: %zu bytes %s",
                      work->type, work->left, work->is_short ? "missing" : "too many");
        return error;
    }
    work->left = 0;
    fake_rule(server->device, "9p-type", "9P2000.L", "%u", work->type);
    return VIRTIO_9P_EOPNOTSUPP;
}

static void send_reply(struct work *work, uint32_t error)
{
    struct fake_9p_reply reply = {.request = work->type, .bytes = work->reply};
    size_t size = work->size;

    if (error != 0) {
        work->size = HEAD;
        put(work, 4, error);
        size = work->size;
    }
    work->size = 0;
    put(work, 4, size);
    put(work, 1, error != 0 ? 7 : work->type + 1u);
    put(work, 2, work->tag);
    reply.size = (uint32_t)size;
    reply.used = (uint32_t)size;
    if (work->server->lie)
        work->server->lie(&reply);
    if (reply.size > work->chain->writable) {
        fake_rule(work->server->device, "9p-reply-room", "9P2000", "%u bytes into %llu", reply.size,
                  (unsigned long long)work->chain->writable);
        reply.size = (uint32_t)work->chain->writable;
        reply.used = reply.size;
    }
    if (reply.size != 0)
        fake_chain_write(work->chain, 0, reply.bytes, reply.size);
    fake_chain_complete(work->chain, reply.used);
}

static void carry_out(struct fake_9p *server, struct fake_chain *chain)
{
    size_t bytes = (size_t)chain->readable;
    uint8_t *message = malloc(bytes + 1);
    struct work work = {.server = server, .chain = chain, .at = message, .left = bytes};
    uint32_t size;

    work.reply = calloc(1, (size_t)chain->writable + 1024 + ROOM);
    work.size = HEAD;
    if (!message || !work.reply)
        abort();
    fake_chain_read(chain, 0, message, bytes);
    size = (uint32_t)get(&work, 4);
    work.type = (uint8_t)get(&work, 1);
    work.tag = (uint16_t)get(&work, 2);
    if (size != bytes)
        fake_rule(server->device, "9p-size", "9P2000", "%u of %zu bytes sent", size, bytes);
    send_reply(&work, dispatch(&work));
    free(work.reply);
    free(message);
}

void fake_9p_answer(struct fake_9p *server, unsigned n)
{
    struct fake_chain *chain;

    if (n >= server->held_count)
        abort(); /* the test's own mistake */
    chain = server->held[n];
    forget_held(server, n);
    carry_out(server, chain);
}

static void check_tag(struct fake_9p *server, struct fake_chain *chain)
{
    for (unsigned n = 0; n < server->held_count; n++) {
        if (tag_of(server->held[n]) == tag_of(chain))
            fake_rule(server->device, "9p-tag-in-use", "9P2000", "%u", tag_of(chain));
    }
}

static void request(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_9p *server = device->behaviour_context;
    uint8_t head[HEAD] = {0};

    server->requests++;
    if (chain->readable < HEAD || chain->writable < HEAD + 4) {
        fake_rule(device, "9p-frame", "9P2000", "%llu bytes, room for %llu",
                  (unsigned long long)chain->readable, (unsigned long long)chain->writable);
        fake_chain_complete(chain, 0);
        return;
    }
    check_tag(server, chain);
    fake_chain_read(chain, 0, head, HEAD);
    if (server->silent)
        return;
    if (server->holds && head[4] != TFLUSH && head[4] != TVERSION) {
        if (server->held_count == FAKE_9P_HELD)
            abort();
        server->held[server->held_count++] = chain;
        return;
    }
    carry_out(server, chain);
}

static void reset(struct fake_device *device)
{
    struct fake_9p *server = device->behaviour_context;

    server->held_count = 0;
    server->msize = 0;
    memset(server->fids, 0, sizeof(server->fids));
}

static const struct fake_behaviour behaviour = {.request = request, .reset = reset};

void fake_9p_begin(struct fake_9p *server, struct fake_device *device, const char *tag)
{
    size_t length = strlen(tag);

    memset(server, 0, sizeof(*server));
    server->device = device;
    server->version = "9P2000.L";
    server->msize_max = UINT32_MAX;
    server->count_max = UINT32_MAX;
    server->nodes[0] = (struct fake_9p_node){.exists = true, .is_directory = true};
    device->type = VIRTIO_ID_9P;
    device->features |= VIRTIO_9P_MOUNT_TAG;
    device->behaviour = &behaviour;
    device->behaviour_context = server;
    memset(device->config, 0, sizeof(device->config));
    fake_device_set_config(device, 0, 2, length);
    if (length + 2 > FAKE_CONFIG_SIZE)
        abort();
    memcpy(device->config + 2, tag, length);
    server->widths[0] = 2;
    memset(server->widths + 1, 1, length);
    device->config_widths = server->widths;
    device->config_size = (uint32_t)length + 2;
}

void fake_9p_end(struct fake_9p *server)
{
    for (unsigned n = 0; n < FAKE_9P_NODES; n++) {
        free(server->nodes[n].data);
        server->nodes[n].data = NULL;
    }
}
