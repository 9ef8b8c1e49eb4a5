/* SPDX-License-Identifier: MIT */
/*
 * A fake host folder: a behaviour for a fake device that serves a small tree by 9P2000.L, checks each message,
 * and lies when told to.
 *
 *     fake_9p_begin(&server, &device, "tag");   sets type, feature, configuration space, behaviour
 *     fake_9p_add(&server, 0, "file", contents, bytes);
 *     ...
 *     fake_9p_end(&server);
 *
 * Checked: the chain is message, data and room for the answer as each type needs them; the size field is what was
 * sent; no message before Tversion; a tag is one request's at a time; no message is cut off or has bytes left
 * over; fids are known, or new where one is made, and open where data is moved; no more data than msize allows;
 * names are names, and no more than 16 in a walk.
 */
#ifndef FAKE_9P_H
#define FAKE_9P_H

#include "fake_device.h"

#define FAKE_9P_NODES 400u
#define FAKE_9P_FIDS  300u
#define FAKE_9P_HELD  64u

/** A file or folder. Node 0 is the top. */
struct fake_9p_node {
    bool exists;
    bool is_directory;
    unsigned parent;
    char name[256];
    uint8_t *data;
    size_t size;
    uint32_t mode;
};

struct fake_9p_fid {
    bool used;
    bool open;
    uint32_t number;
    unsigned node;
};

/** An answer, before it is sent; a lie changes it. */
struct fake_9p_reply {
    uint8_t request; /* type that it is to */
    uint8_t *bytes;  /* with room for 64 more */
    uint32_t size;   /* of what is written to the chain */
    uint32_t used;   /* what the ring says of it */
};

struct fake_9p {
    struct fake_device *device;
    struct fake_9p_node nodes[FAKE_9P_NODES];
    struct fake_9p_fid fids[FAKE_9P_FIDS];
    const char *version; /* "9P2000.L" */
    uint32_t msize_max;  /* what it agrees to */
    uint32_t msize;      /* agreed; 0: no Tversion yet */
    uint32_t iounit;

    /* What may go wrong. */
    uint32_t count_max;     /* bytes that a read or write moves at most */
    unsigned refuse_type;   /* requests of this type are refused ... */
    uint32_t refuse_number; /* ... with this error number */
    unsigned refuse_after;  /* ... from the n-th on */
    bool silent;            /* no request is answered */
    bool holds;             /* requests are answered when the test says so: fake_9p_answer */
    bool finishes_flushed;  /* what is flushed is carried out all the same */
    void (*lie)(struct fake_9p_reply *reply);

    /* What happened. */
    uint64_t requests;
    unsigned counts[128]; /* by type */
    uint16_t last_tag;
    uint32_t last_flags;
    uint32_t last_mode;
    uint64_t last_valid;
    unsigned largest_walk;
    uint8_t widths[FAKE_CONFIG_SIZE + 1]; /* of configuration fields */
    struct fake_chain *held[FAKE_9P_HELD];
    unsigned held_count;
};

void fake_9p_begin(struct fake_9p *server, struct fake_device *device, const char *tag);
void fake_9p_end(struct fake_9p *server);

/** Add a file, or a folder when `data` is NULL. @return its node. */
unsigned fake_9p_add(struct fake_9p *server, unsigned parent, const char *name, const void *data,
                     size_t size);

/** The node of this name, or 0. */
unsigned fake_9p_find(const struct fake_9p *server, unsigned parent, const char *name);

/** How many fids the driver holds. */
unsigned fake_9p_open_fids(const struct fake_9p *server);

/** Answer the n-th of the requests held. */
void fake_9p_answer(struct fake_9p *server, unsigned n);

#endif
