/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the 9P driver share: slots, and building and reading messages.
 *
 * A message is size[4] type[1] tag[2] and what its type says, all little-endian whatever the device is. Messages
 * are written straight into shared memory. Of an answer the driver keeps a private copy, taken once, and reads
 * that with a cursor which never goes beyond the size that was checked.
 */
#ifndef VIRTIO_DRIVERS_9P_INTERNAL_H
#define VIRTIO_DRIVERS_9P_INTERNAL_H

#include "driver.h"
#include <virtio/9p.h>

/* Requests; the answer's type is one more. */
enum virtio_9p_type {
    VIRTIO_9P_TLERROR = 6,
    VIRTIO_9P_TSTATFS = 8,
    VIRTIO_9P_TLOPEN = 12,
    VIRTIO_9P_TLCREATE = 14,
    VIRTIO_9P_TGETATTR = 24,
    VIRTIO_9P_TSETATTR = 26,
    VIRTIO_9P_TREADDIR = 40,
    VIRTIO_9P_TFSYNC = 50,
    VIRTIO_9P_TMKDIR = 72,
    VIRTIO_9P_TRENAMEAT = 74,
    VIRTIO_9P_TUNLINKAT = 76,
    VIRTIO_9P_TVERSION = 100,
    VIRTIO_9P_TATTACH = 104,
    VIRTIO_9P_TFLUSH = 108,
    VIRTIO_9P_TWALK = 110,
    VIRTIO_9P_TREAD = 116,
    VIRTIO_9P_TWRITE = 118,
    VIRTIO_9P_TCLUNK = 120,
};

/* Tag of the one request that has none, and fid where there is none. */
#define VIRTIO_9P_NOTAG 0xffffu
#define VIRTIO_9P_NOFID 0xffffffffu

/* Bytes of size, type and tag. */
#define VIRTIO_9P_HEAD 7u

/* Of what stands before the data: in Rread, Rreaddir, and all of Rwrite and Rlerror. */
#define VIRTIO_9P_REPLY_HEAD 11u

/* By what a message with data is larger than its data, as every client counts it. */
#define VIRTIO_9P_OVERHEAD 24u

/* Descriptors of a request at most: message, data, answer. */
#define VIRTIO_9P_BUFFERS_MAX 3u

/* Names in one Twalk. */
#define VIRTIO_9P_WALK_MAX 16u

#define VIRTIO_9P_REQUEST_BYTES 768u
#define VIRTIO_9P_REPLY_BYTES   256u

/* A slot's shared memory: cache lines of its own. */
struct virtio_9p_unit {
    uint8_t request[VIRTIO_9P_REQUEST_BYTES]; /* device reads */
    uint8_t reply[VIRTIO_9P_REPLY_BYTES];     /* device writes */
};

_Static_assert(sizeof(struct virtio_9p_unit) == 1024, "a power of two: units stay aligned");
_Static_assert(VIRTIO_9P_REQUEST_BYTES >= VIRTIO_9P_HEAD + 12 + 2 * (2 + VIRTIO_9P_NAME_MAX),
               "Trenameat and Tattach with the longest names");
_Static_assert(VIRTIO_9P_REQUEST_BYTES >= VIRTIO_9P_HEAD + 10 + 2 + VIRTIO_9P_NAME_MAX,
               "Twalk with one name of the longest");
_Static_assert(VIRTIO_9P_REPLY_BYTES >= VIRTIO_9P_HEAD + 2 + 13 * VIRTIO_9P_WALK_MAX,
               "Rwalk, the longest answer without data");

/* Who asks for a request's result. */
enum virtio_9p_owner {
    VIRTIO_9P_CALLER, /* it is handed back, with its cookie */
    VIRTIO_9P_WAITER, /* a blocking call */
    VIRTIO_9P_NOBODY  /* a Tflush */
};

struct virtio_9p_slot {
    struct virtio_9p_slot *next; /* in the free or the ready list */
    struct virtio_9p_unit *unit;
    uint64_t unit_address;
    void *cookie;
    struct virtio_mapping mapping; /* the caller's buffer; size 0: nothing is mapped */
    uint64_t address;              /* device address of the data in flight */
    uint64_t offset;               /* in the file, of the same */
    size_t left;                   /* bytes from there on */
    size_t bytes;                  /* done before */
    uint32_t part;                 /* bytes of data in the message in flight */
    uint32_t part_max;             /* bytes of data in one message of this request */
    uint32_t fid;
    uint32_t request_size; /* bytes of the message without its data */
    uint32_t writable;     /* bytes that the device may write */
    uint32_t reply_size;   /* checked; the answer is `reply` up to here, or its head */
    uint32_t error_number;
    int error; /* of a request that is finished */
    uint16_t tag;
    uint16_t generation;
    uint8_t type; /* of the request */
    enum virtio_9p_owner owner;
    bool is_sent; /* and not finished */
    bool is_cancelled;
    uint8_t reply[VIRTIO_9P_REPLY_BYTES]; /* private copy */
};

/* ---- Writing a message ---- */

struct virtio_9p_writer {
    uint8_t *at;
};

static inline void virtio_9p_put(struct virtio_9p_writer *to, unsigned width, uint64_t value)
{
    for (; width != 0; width--, value >>= 8)
        *to->at++ = (uint8_t)value;
}

static inline void virtio_9p_put_string(struct virtio_9p_writer *to, const char *bytes,
                                        uint32_t length)
{
    virtio_9p_put(to, 2, length);
    memcpy(to->at, bytes, length);
    to->at += length;
}

/* Begin the message of a slot; its size and tag are filled in when it is sent. */
static inline struct virtio_9p_writer virtio_9p_begin(struct virtio_9p_slot *slot)
{
    return (struct virtio_9p_writer){slot->unit->request + VIRTIO_9P_HEAD};
}

static inline void virtio_9p_end(struct virtio_9p_slot *slot, const struct virtio_9p_writer *writer)
{
    slot->request_size = (uint32_t)(writer->at - slot->unit->request);
}

/* ---- Reading a message ---- */

struct virtio_9p_reader {
    const uint8_t *at;
    uint32_t left;
    bool is_short; /* more was asked for than there is */
};

static inline uint64_t virtio_9p_get(struct virtio_9p_reader *from, unsigned width)
{
    uint64_t value = 0;

    if (from->left < width) {
        from->is_short = true;
        from->left = 0;
        return 0;
    }
    for (unsigned byte = 0; byte < width; byte++)
        value |= (uint64_t)from->at[byte] << (8 * byte);
    from->at += width;
    from->left -= width;
    return value;
}

/* All was there, and nothing is left over? */
static inline int virtio_9p_finished(const struct virtio_9p_reader *reader)
{
    return reader->is_short || reader->left != 0 ? VIRTIO_E_RESPONSE : VIRTIO_OK;
}

/* The answer to a request that succeeded, from behind its head. */
static inline struct virtio_9p_reader virtio_9p_answer(const struct virtio_9p_slot *slot)
{
    return (struct virtio_9p_reader){.at = slot->reply + VIRTIO_9P_HEAD,
                                     .left = slot->reply_size - VIRTIO_9P_HEAD};
}

/* ---- Of 9p_request.c ---- */

static inline bool virtio_9p_is_live(const struct virtio_9p *share)
{
    return share->device.state == VIRTIO_DEVICE_READY;
}

/* Slots of a share: one a request, and Tversion's, which is the last. */
static inline size_t virtio_9p_slot_count(const struct virtio_9p *share)
{
    return (size_t)share->depth + 1;
}

/* Give the slots their shared memory; all are free. */
void virtio_9p_init_slots(struct virtio_9p *share);

/* Make a slot one for a new request. */
void virtio_9p_clear_slot(struct virtio_9p_slot *slot, uint8_t type, uint16_t tag);

/* A slot for a request of this type; NULL: all are in use. */
struct virtio_9p_slot *virtio_9p_take_slot(struct virtio_9p *share, uint8_t type);

/* Give back a slot that nothing was sent with. */
void virtio_9p_give_back_slot(struct virtio_9p *share, struct virtio_9p_slot *slot);

/* Send a slot's request, wait for it, and give the slot back. Its answer stays readable until the next request.
 * @return as virtio_9p_walk. */
int virtio_9p_run(struct virtio_9p *share, struct virtio_9p_slot *slot);

/* Keep a finished request for the next virtio_9p_reap. */
void virtio_9p_keep(struct virtio_9p *share, struct virtio_9p_slot *slot);

/* The next request that a reset took back and somebody asks for. @return 1, 0, or the queue's error. */
int virtio_9p_take_back(struct virtio_9p *share, struct virtio_9p_slot **taken);

/* ---- Of 9p_files.c ---- */

/* Can this fid be used? @return VIRTIO_OK, VIRTIO_E_STATE, VIRTIO_E_STALE. */
int virtio_9p_check_fid(const struct virtio_9p *share, const struct virtio_9p_fid *fid);

/* A request about a fid under construction. */
struct virtio_9p_request {
    struct virtio_9p_slot *slot;
    struct virtio_9p_writer message;
};

/* Begin a request about a fid, which the message names first. @return VIRTIO_OK, VIRTIO_E_STATE, VIRTIO_E_STALE,
 * VIRTIO_E_FULL. */
int virtio_9p_request(struct virtio_9p *share, uint8_t type, const struct virtio_9p_fid *fid,
                      struct virtio_9p_request *request);

/* Send it and wait; its answer, when that is a good one. @return as virtio_9p_walk. */
int virtio_9p_ask(struct virtio_9p *share, struct virtio_9p_request *request,
                  struct virtio_9p_reader *answer);

/* The same for a request whose answer says nothing but that it was done. */
int virtio_9p_ask_plainly(struct virtio_9p *share, struct virtio_9p_request *request);

/* Bytes of a string up to its NUL, but at most VIRTIO_9P_NAME_MAX + 1. */
uint32_t virtio_9p_length(const char *string);

/* Is this one name, and not "." or ".."? */
bool virtio_9p_is_name(const char *name);

/* The file that a request was answered with; `fid` keeps its number. */
void virtio_9p_get_qid(struct virtio_9p_reader *from, struct virtio_9p_fid *fid);

/* Find a slot for reading, writing or listing an open file, and map the buffer. */
int virtio_9p_begin_data(struct virtio_9p *share, uint8_t type, const struct virtio_9p_fid *fid,
                         uint64_t offset, void *buffer, size_t bytes,
                         struct virtio_9p_slot **begun);

/* Find a slot for an fsync and write its message. */
int virtio_9p_begin_fsync(struct virtio_9p *share, const struct virtio_9p_fid *fid,
                          struct virtio_9p_slot **begun);

#endif
