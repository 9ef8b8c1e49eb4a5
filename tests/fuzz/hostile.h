/* SPDX-License-Identifier: MIT */
/*
 * The hostile device: a virtio device and the host around it that are driven by a stream of bytes. Without
 * further bytes both are honest and quick; the stream makes them lie, at any moment that the library looks.
 *
 * The stream is read from both ends. From the front a harness takes what its driver does (the script); from
 * the back come the lies: pairs of how many events are to pass and what happens then. So a byte more in one
 * of them moves nothing in the other. An event is every call of a host hook, every register access and,
 * by instrumentation of the library's own loads (trace.c), every single read of memory that it shares
 * with the device: what the device changes in between, the library meets as it would on a real machine.
 *
 * What is checked (hostile_require): every call ends within its bound by the fake clock and within a number
 * of events; memory that was given back is not touched (it is poisoned); a driver that is told no lie gives
 * its device only memory that is the device's, with register accesses of natural width and alignment; in
 * the end all memory, mappings and cookies are back.
 *
 * A harness defines `hostile_harness` and is one program. Nothing here allocates.
 */
#ifndef FUZZ_HOSTILE_H
#define FUZZ_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <virtio/ring.h>
#include <virtio/virtio.h>

#define HOSTILE_QUEUES   72u /* console: two for each of 32 ports, and more */
#define HOSTILE_PENDING  64u
#define HOSTILE_SEGMENTS 24u /* of a chain whose bytes the device's end looks at */
#define HOSTILE_CONFIG   256u
#define HOSTILE_COOKIES  256u

/** A run of bytes of a chain, where the device's end finds it. */
struct hostile_segment {
    uint8_t *bytes;
    uint32_t length;
};

/** A chain that the device's end has taken from a ring. */
struct hostile_chain {
    uint16_t id;
    uint16_t descriptors; /* of the ring that it takes */
    uint8_t slot;         /* where its segments are */
    uint8_t readable;     /* segments, in front */
    uint8_t writable;     /* and behind them */
    uint8_t segments;     /* of both */
};

/** The device's end of a queue. */
struct hostile_queue {
    uint16_t size_max;
    uint16_t size;
    bool enabled;
    bool resetting;
    uint64_t descriptors;
    uint64_t driver;
    uint64_t device;
    uint32_t next; /* split: of the available ring; packed: position */
    uint32_t used; /* the same for what is given back */
    bool broken;   /* the ring makes no sense to the device's end */
    bool lazy;     /* works when the script says so, not when it is notified; set by the harness */
    uint16_t last_id;
    uint32_t last_length;
    uint64_t slots;         /* set of those that chains have */
    unsigned pending_count; /* chains taken and not given back, oldest first */
    struct hostile_chain pending[HOSTILE_PENDING];
};

/** How the driver reaches the device. */
enum hostile_transport {
    HOSTILE_MMIO_MODERN = 0,
    HOSTILE_MMIO_LEGACY = 1,
    HOSTILE_PCI_MODERN = 2,
    HOSTILE_PCI_LEGACY = 3,
    HOSTILE_PCI_WINDOW = 4, /* modern, no BAR can be mapped */
    HOSTILE_PCI_NATIVE = 5, /* modern, by loads and stores */
    HOSTILE_TRANSPORTS = 6
};

struct hostile {
    /* The stream. */
    const uint8_t *at;
    const uint8_t *end;

    /* Events and lies. */
    uint32_t events;    /* in this call */
    uint32_t countdown; /* to the next lie */
    bool attention;     /* at the next event something is to be settled */
    bool lied;          /* the device was not honest, at least once */
    bool scribbled;     /* shared memory was written that was not the device's to write now */
    bool tame;          /* no more lies */

    /* Time. */
    uint64_t now;
    uint32_t step; /* that each look at the clock takes */
    uint32_t timeout_us;
    uint64_t call_began;
    uint64_t jumped; /* by lies, or allowed beside waits, in this call */

    /* Failing hooks. */
    unsigned failing_allocations;
    unsigned failing_mappings;
    bool partial_mapping;

    unsigned mapped_registers; /* mmio_map without mmio_unmap */

    /* The device. */
    struct virtio_host host;
    enum hostile_transport transport;
    uint32_t type;
    uint64_t wanted; /* features, if the transport has all */
    uint64_t offered;
    uint64_t taken;
    uint8_t status;
    unsigned reset_reads; /* that the status still reads as it was after a reset */
    bool deaf;            /* does not work on its own when notified */
    bool gone;
    bool restless; /* the configuration generation never stands still */
    bool overrides_next;
    uint32_t next_value;
    bool overrides_register;
    uint64_t register_address;
    uint32_t register_value;
    uint32_t generation;
    uint32_t feature_select[2]; /* device's, driver's */
    uint32_t queue_select;
    uint32_t page_size;
    uint32_t queue_count;
    uint8_t config[HOSTILE_CONFIG];
    /** What it does with a chain: writes an answer. @return how many bytes it wrote. NULL: stream bytes. */
    uint32_t (*serve)(struct hostile *hostile, unsigned queue, const struct hostile_chain *chain);
    /** Configuration space was written. NULL: nothing follows. */
    void (*config_written)(struct hostile *hostile, uint32_t offset);

    /* Changes of what the library is about to load from shared memory: 0 none, 1 for this look alone (it is
     * taken back at the next event), 2 for good, 3 from the next look on. */
    unsigned flips;
    bool flip_is_set;
    uint64_t flip_value;
    void *flipped;
    unsigned flipped_width;
    uint64_t flipped_value;

    /* Register accesses by loads and stores: a store is settled at the event after it. */
    void *stored;
    unsigned stored_width;

    /* PCI. */
    uint8_t pci[256];
    uint32_t bar_mask[6];
    bool patched; /* configuration space is not what an honest device has */
    uint32_t pci_select;
    /* What is on buses from `elsewhere_from` on: a bridge or a device, and how much further a bridge leads. */
    uint8_t elsewhere;
    uint8_t elsewhere_from;
    uint8_t elsewhere_header;
    uint32_t elsewhere_id;

    uint8_t cookies[HOSTILE_COOKIES];
    unsigned cookies_out;

    /* What a harness keeps, for its `serve`. */
    void *own;

    struct hostile_queue queues[HOSTILE_QUEUES]; /* the last member: reset one by one */
};

/** The harness: what its driver does with the device. */
extern void hostile_harness(struct hostile *hostile);

/** Why a run is a finding; does not return. */
_Noreturn void hostile_fail(const char *what, const char *file, int line);

#define hostile_require(condition)                                                                 \
    do {                                                                                           \
        if (!(condition))                                                                          \
            hostile_fail(#condition, __FILE__, __LINE__);                                          \
    } while (0)

/** HOSTILE_EXPLAIN=1 in the environment: what happens in a run is printed, for people. */
extern bool hostile_explains;

#define hostile_explain(...)                                                                       \
    do {                                                                                           \
        if (hostile_explains)                                                                      \
            (void)fprintf(stderr, __VA_ARGS__);                                                    \
    } while (0)

/* The stream: 0 where it has ended. */

static inline bool hostile_has_script(const struct hostile *hostile)
{
    return hostile->at < hostile->end;
}

static inline uint8_t hostile_byte(struct hostile *hostile)
{
    return hostile->at < hostile->end ? *hostile->at++ : 0;
}

static inline uint32_t hostile_number(struct hostile *hostile, unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)hostile_byte(hostile) << 8 * i;
    return value;
}

/** A length that is often small, and sometimes anything. */
static inline uint32_t hostile_length(struct hostile *hostile)
{
    uint8_t first = hostile_byte(hostile);

    return first < 0xf0 ? first : hostile_number(hostile, 1 + (first & 3));
}

/* More events than any call needs that ends: a bus scan with a bridge to every bus is the longest. */
#define HOSTILE_EVENTS_MAX 4000000u

void hostile_attend(struct hostile *hostile);

static inline void hostile_next_lie_is_far(struct hostile *hostile)
{
    hostile->countdown = UINT32_MAX;
}

/** Something may happen now. */
static inline void hostile_event(struct hostile *hostile)
{
    hostile->countdown--;
    if (__builtin_expect((hostile->countdown == 0) | hostile->attention |
                             (++hostile->events > HOSTILE_EVENTS_MAX),
                         0))
        hostile_attend(hostile);
}

/** Begin a call of the library: its events and its time are counted from here. */
void hostile_begin_call(struct hostile *hostile);
/** End it. @param waits  how many waits with the device's bound it may contain. */
void hostile_end_call(struct hostile *hostile, unsigned waits);

/** Make the device: `features` of its type, `queue_count` queues; takes the first bytes of the script. */
void hostile_make(struct hostile *hostile, uint32_t type, uint64_t features, unsigned queue_count);

/** Make it reachable by another transport than the script said; before hostile_find. */
void hostile_transport(struct hostile *hostile, enum hostile_transport transport);

/** Look for it, as a kernel would. @return as virtio_pci_scan_next. */
int hostile_find(struct hostile *hostile, struct virtio_device *found);

/** From here on it is honest, and works at once; for the end of a harness. */
void hostile_tame(struct hostile *hostile);

/** A cookie that is out, or NULL when all are. */
void *hostile_cookie(struct hostile *hostile);
unsigned hostile_cookie_number(const void *cookie);
/** It came back, or was refused. */
void hostile_cookie_back(struct hostile *hostile, void *cookie);

/* memory.c */

void hostile_memory_reset(struct hostile *hostile);
void hostile_memory_hooks(struct virtio_host *host);
/** How many allocations and mappings were not given back. */
unsigned hostile_live(void);
/** Where shared memory is that is the device's now; NULL where there is none. */
uint8_t *hostile_find_memory(uint64_t device_address, size_t size);
/** Is some of this nobody's? */
bool hostile_is_poisoned(void *memory, size_t size);
/** The block that the device can reach. */
#define HOSTILE_SHARED_SIZE (UINT32_C(1) << 20)
extern uint8_t hostile_shared[HOSTILE_SHARED_SIZE];

static inline bool hostile_is_shared(const void *address)
{
    return (uintptr_t)address - (uintptr_t)hostile_shared < HOSTILE_SHARED_SIZE;
}

/** Some `size` bytes of what is the device's now; NULL when there is no such piece. */
uint8_t *hostile_shared_byte(uint32_t which, uint32_t offset, size_t size);
/** Memory of a harness for the device: zeroed, and given back by the harness. */
uint8_t *hostile_buffer(size_t size, uint64_t *device_address);
void hostile_buffer_back(uint8_t *buffer, size_t size);

/* registers.c */

/** Forget all about a queue but what the harness set. */
void hostile_queue_reset(struct hostile_queue *queue);

uint32_t hostile_register_read(struct hostile *hostile, enum virtio_space space, uint64_t address,
                               unsigned width);
void hostile_register_write(struct hostile *hostile, enum virtio_space space, uint64_t address,
                            unsigned width, uint32_t value);
void hostile_device_reset(struct hostile *hostile);
/** What a read gives, after lies. */
uint32_t hostile_answer(struct hostile *hostile, uint64_t address, unsigned width, uint32_t honest);

#define HOSTILE_MMIO_BASE UINT64_C(0x10000000)
#define HOSTILE_MMIO_SIZE 0x200u
#define HOSTILE_BAR4      UINT64_C(0x20000000)
#define HOSTILE_BAR4_SIZE 0x4000u
#define HOSTILE_BAR0      0xc000u
#define HOSTILE_BAR0_SIZE 0x80u
#define HOSTILE_ECAM      UINT64_C(0xb0000000)

/* pci.c */

void hostile_pci_make(struct hostile *hostile);
uint32_t hostile_pci_read(struct hostile *hostile, struct virtio_pci_address address,
                          unsigned offset, unsigned width);
void hostile_pci_write(struct hostile *hostile, struct virtio_pci_address address, unsigned offset,
                       unsigned width, uint32_t value);
void *hostile_mmio_map(void *ctx, uint64_t physical_address, size_t size);
void hostile_mmio_unmap(void *ctx, void *memory, size_t size);
/** The library is about to load from, or store to, this address: perhaps a register that was mapped. A store
 * is seen at the event that follows it. */
void hostile_native_load(struct hostile *hostile, void *address, unsigned width);
void hostile_native_store(struct hostile *hostile, void *address, unsigned width);
void hostile_native_settle(struct hostile *hostile);

/* ring.c */

/** Take what the driver has made available. */
void hostile_fetch(struct hostile *hostile, unsigned queue);
/** Give back chain `which` of those pending. @param lie  added to the written length. */
void hostile_complete(struct hostile *hostile, unsigned queue, unsigned which, uint32_t lie);
/** Take everything and give it back, in order. */
void hostile_work(struct hostile *hostile, unsigned queue);
/** Lie about the ring itself. */
void hostile_ring_lie(struct hostile *hostile, unsigned queue, unsigned kind, uint32_t value);
uint32_t hostile_read_chain(struct hostile *hostile, unsigned queue,
                            const struct hostile_chain *chain, uint32_t offset, void *to,
                            uint32_t size);
/** @return how many bytes fitted. */
uint32_t hostile_write_chain(struct hostile *hostile, unsigned queue,
                             const struct hostile_chain *chain, uint32_t offset, const void *from,
                             uint32_t size);
uint32_t hostile_writable(const struct hostile *hostile, unsigned queue,
                          const struct hostile_chain *chain);
/** Write bytes of the stream, at most `most`, then zeros. */
uint32_t hostile_serve_stream(struct hostile *hostile, unsigned queue,
                              const struct hostile_chain *chain, uint32_t offset, uint32_t most);

/* lies.c */

void hostile_lie(struct hostile *hostile);
void hostile_next_lie(struct hostile *hostile);
/** The library is about to load from memory shared with the device. */
void hostile_look(struct hostile *hostile, void *address, unsigned width);

extern struct hostile hostile_only;

#endif
