/* SPDX-License-Identifier: MIT */
/*
 * A ring's device end, for tests of the ring engine: written from the specification's offsets (2.7, 2.8), it checks
 * what it finds: availability, flags, chains, tables, the order of completion. It is in the same thread and acts
 * when a test says so:
 *
 *     model_start(PACKED | EVENT, 8, 0);
 *     ... submit ...
 *     assert_ok(model_kick());
 *     model_take();              the chains that are available now
 *     model_complete(0, 8);      gives the first of them back, with 8 bytes written
 *     ... reap ...
 *     model_stop();
 */
#ifndef RING_MODEL_H
#define RING_MODEL_H

#include "ring_transport.h"
#include "test.h"

#define RING_MODEL_MOST 512u /* chains that the device has taken */

#define PACKED   VIRTIO_F_RING_PACKED
#define EVENT    VIRTIO_F_EVENT_IDX
#define TABLES   VIRTIO_F_INDIRECT_DESC
#define IN_ORDER VIRTIO_F_IN_ORDER

/** What was negotiated beside VERSION_1. */
struct ring_variant {
    const char *name;
    uint64_t features;
};

#define RING_VARIANTS 10u
extern const struct ring_variant ring_variants[RING_VARIANTS];

struct ring_chain {
    uint32_t id;       /* head, or buffer id */
    uint32_t slots;    /* descriptors of the ring */
    uint32_t buffers;  /* in all */
    uint32_t readable; /* bytes */
    uint32_t writable;
    uint64_t address; /* of the first buffer */
    bool table;
};

struct ring_model {
    struct virtio_device device;
    struct virtio_queue queue;
    uint64_t features;
    struct virtio_queue_addresses ring;
    uint32_t size;
    uint32_t available; /* split: index; packed: position; free-running */
    uint32_t used;
    struct ring_chain taken[RING_MODEL_MOST];
    unsigned count;
    unsigned notifications;
    uint32_t value; /* of the latest notification */
};

/** The one there is. */
extern struct ring_model model;

/** Begin a device with one queue, which works. @param features beside VERSION_1. */
void model_start(uint64_t features, uint32_t size, uint16_t table_length);
void model_stop(void);

/* The device's doings. --------------------------------------------------------------------------- */

bool model_is_packed(void);

/** The wrap counter at a free-running position. */
bool model_wrap_at(uint32_t position);

/** Take all that is available. @return how many chains were new. */
unsigned model_take(void);

/** Write one used entry with `id` and `length`, and go on by `chains` chains of `slots` descriptors. */
void model_use(uint32_t id, uint32_t length, uint32_t chains, uint32_t slots);

/** Complete the n-th chain taken. */
void model_complete(unsigned n, uint32_t written);

/** Complete the first `count` chains with the entry of the last of them. */
void model_complete_batch(unsigned count, uint32_t written);

/** The memory at a device address, and numbers there. */
uint8_t *model_at(uint64_t address);
uint16_t model_get16(const uint8_t *bytes);
uint32_t model_get32(const uint8_t *bytes);
void model_put16(uint8_t *bytes, uint32_t value);

/* The driver's. ---------------------------------------------------------------------------------- */

/** virtio_kick and virtio_reap, as functions and inline in turn. */
int model_kick(void);
int model_reap(struct virtio_done *done);

/** A cookie that is not NULL. */
void *model_cookie(uint32_t number);

/** Submit a buffer of 8 bytes, and see `count` of them through. */
void model_submit_one(void);
void model_finish(unsigned count);

/** Ways to take a completion: the function, inline, several at once. */
#define MODEL_REAPS 3u

/** Whoever looks first, in one of these ways, finds the ring broken, and so does everybody after; stop it. */
void model_expect_broken(size_t way);

#endif
