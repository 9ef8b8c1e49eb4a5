/* SPDX-License-Identifier: MIT */
/*
 * The fake host: a struct virtio_host on the build machine that trusts nobody.
 *
 *     struct fake_host fake;
 *     fake_host_begin(&fake, FAKE_HOST_DEFAULT);
 *     ... attach fake devices, hand &fake.host to the library ...
 *     problems = fake_host_end(&fake);         leaks and broken rules, printed and counted
 *
 * What it does beyond giving memory:
 *   - every hook call and register access is an event with a sequence number (fake_host.events keeps
 *     the last ones, .counts counts all by kind, .observer is told of each as it happens);
 *   - memory is poisoned when given and when taken back; DMA memory that was freed is kept in
 *     quarantine until the end and must still hold its poison then;
 *   - device addresses differ from CPU addresses and are above 4 GiB (also with -m32), never used
 *     twice; a device reaches memory by fake_host_device_view only, which knows what is alive;
 *   - map copies into a bounce buffer and unmap copies back, so that a missing or a wrong one shows;
 *     a buffer that the CPU changed while it was mapped is reported;
 *   - where caches are not coherent (FAKE_HOST_SYNC) the device sees a copy of a buffer that was given
 *     to it, and the CPU sees what the device wrote when it was given back;
 *   - any failable hook can be told to fail (fake_host_fail_at);
 *   - time is simulated: it passes when a hook is called, and devices get their turn then;
 *   - attached targets claim register accesses; what nobody claims is reported;
 *   - memory that a device may still access must not be freed or unmapped: targets are asked;
 *   - when all devices that the library had opened are closed again, no DMA memory, mapping or time is asked
 *     for and none is given back: everything was, before (fake_life.c).
 *
 * A broken rule is a violation: it is recorded under a name with the section of the specification (or
 * of virtio/host.h) and the latest events, is printed with them at the end, and fails the test at fake_host_end, unless the test took it back with
 * fake_host_take_violation because it provoked it.
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/host.h>

/** How a host behaves; bits for fake_host_begin. */
enum fake_host_flags {
    FAKE_HOST_DEFAULT = 0,
    FAKE_HOST_IDENTITY = 1 << 0,      /* device address = CPU address, no map hooks */
    FAKE_HOST_SYNC = 1 << 1,          /* no map hooks but sync: the device sees copies of buffers */
    FAKE_HOST_NO_CLOCK = 1 << 2,      /* no now_us hook */
    FAKE_HOST_NO_STALL = 1 << 3,      /* no stall_us hook */
    FAKE_HOST_NATIVE = 1 << 4,        /* no register hooks: memory windows through mmio_map */
    FAKE_HOST_NO_RELAX = 1 << 5,      /* no relax hook */
    FAKE_HOST_LOW_ADDRESSES = 1 << 6, /* device addresses below 4 GiB */
    FAKE_HOST_WATCH = 1 << 7          /* accesses of the CPU to rings are seen (fake_watch.h) */
};

enum fake_event_kind {
    FAKE_REGISTER_READ,
    FAKE_REGISTER_WRITE,
    FAKE_CONFIG_READ, /* PCI configuration space, whichever way it was reached */
    FAKE_CONFIG_WRITE,
    FAKE_DMA_ALLOCATE,
    FAKE_DMA_FREE,
    FAKE_ALLOCATE,
    FAKE_FREE,
    FAKE_MAP,
    FAKE_UNMAP,
    FAKE_SYNC_FOR_DEVICE,
    FAKE_SYNC_FOR_CPU,
    FAKE_MMIO_MAP,
    FAKE_MMIO_UNMAP,
    FAKE_NOW,
    FAKE_STALL,
    FAKE_RELAX,
    FAKE_LOG,
    FAKE_RING_READ, /* by the CPU, of a ring that is watched: FAKE_HOST_WATCH */
    FAKE_RING_WRITE,
    FAKE_FENCE,      /* between what was published and what is read next, of the same */
    FAKE_RING_TAKEN, /* by the device: `address` is its queue, `value` the chain's head or id */
    FAKE_RING_USED,
    FAKE_EVENT_KINDS
};

struct fake_event {
    uint64_t sequence; /* counts all events of this host, from 1 */
    uint64_t time_us;
    enum fake_event_kind kind;
    enum virtio_space space; /* of register accesses */
    unsigned width;          /* of register accesses */
    uint64_t address;        /* register, device address of memory, or PCI address and offset */
    uint64_t value;          /* read or written; size of memory; microseconds of a stall */
};

struct fake_pci;
struct virtio_device;

/** What the library has done with a device. */
enum fake_life {
    FAKE_LIFE_UNKNOWN, /* nothing yet, or a test drives it by hand */
    FAKE_LIFE_OPEN,
    FAKE_LIFE_CLOSED
};

/** One register access on its way through the targets. */
struct fake_access {
    enum virtio_space space;
    uint64_t address;
    unsigned width;
    bool is_write;
    uint32_t value;
};

/** Something that is attached to the host: a bus, a device, a block of registers. */
struct fake_target {
    /** Carry out an access if the address is this target's. @return whether it was. */
    bool (*access)(struct fake_target *target, struct fake_access *access);
    /** Time has passed (may be NULL). */
    void (*tick)(struct fake_target *target);
    /** May a device still access this memory? The reason, or NULL (may be NULL). */
    const char *(*in_use)(struct fake_target *target, uint64_t device_address, uint64_t size);
    /** The library is about to open a device, or has closed it (fake_life.c; may be NULL). */
    void (*life)(struct fake_target *target, const struct virtio_device *device, bool is_open);
    /** Is a device open, was one closed, or neither (may be NULL)? */
    enum fake_life (*is_open)(const struct fake_target *target);
    struct fake_target *next;
};

/** A range of memory that devices may access: allocated, or mapped. Private. */
struct fake_block {
    struct fake_block *next;
    uint8_t *cpu;    /* the CPU's view */
    uint8_t *device; /* the device's view: the same, or a copy */
    size_t size;
    uint64_t device_address;
    unsigned flags; /* as given to the hook */
    bool is_mapping;
    bool is_synced;    /* known by a sync only */
    bool is_watchable; /* FAKE_HOST_WATCH: has two mappings */
    enum virtio_direction direction;
    uint32_t checksum; /* of a mapped buffer, when it was mapped */
};

/** A private allocation, or a range of registers that was mapped. Private. */
struct fake_piece {
    struct fake_piece *next;
    void *memory;
    size_t size;
};

/** Plain memory behind a physical address, for native register access. */
struct fake_window {
    struct fake_window *next;
    uint64_t address;
    size_t size;
    void *memory;
};

#define FAKE_HOST_TRACE 24u /* so many events are kept with a violation */

struct fake_violation_record {
    char rule[48];
    char section[32];
    char text[200];
    unsigned trace_count;
    struct fake_event trace[FAKE_HOST_TRACE]; /* what came before it, oldest first */
};

#define FAKE_HOST_EVENTS     4096u /* how many events are kept; a power of two */
#define FAKE_HOST_VIOLATIONS 32u
#define FAKE_EVENT_TEXT      120u

struct fake_host {
    struct virtio_host host; /* for the library; a test may clear optional hooks after begin */
    unsigned flags;

    /* Time. */
    uint64_t now_us;
    unsigned now_step_us;   /* how far a look at the clock advances it (1) */
    unsigned relax_step_us; /* how far a relax does (1) */
    bool clock_stuck;       /* the clock hook returns the same value for ever */
    bool is_started;        /* the latest of a device's life: a driver finished its start */
    bool may_allocate;      /* even then: a test's own allocations */
    uint64_t event_limit;   /* a test that causes more events is ended as a hang (4 million) */

    /* Failing hooks. */
    unsigned fail_at; /* the n-th failable call from now fails; 0: none */
    bool failed;      /* it has */
    size_t map_limit; /* map maps at most that many bytes; 0: no limit */
    int unmap_error;  /* what unmap returns */

    /** Called for each event after it was recorded; a test may change the world here. May be NULL. */
    void (*observer)(void *context, const struct fake_event *event);
    void *observer_context;

    /* What was recorded. */
    uint64_t sequence;
    uint64_t counts[FAKE_EVENT_KINDS];
    struct fake_event events[FAKE_HOST_EVENTS]; /* event s is at s % FAKE_HOST_EVENTS */
    struct fake_violation_record violations[FAKE_HOST_VIOLATIONS];
    unsigned violation_count; /* may exceed what is kept */
    char last_log[256];       /* latest line that the library logged */
    char *transcript;         /* all lines that the library logged, each with a newline; or NULL */
    size_t transcript_size;

    struct fake_pci *pci; /* the bus, if there is one (fake_pci.h) */

    /* Private. */
    struct fake_target *targets;
    struct fake_block *blocks;
    struct fake_block *quarantine;
    struct fake_piece *pieces;
    struct fake_piece *mmio_maps;
    struct fake_window *windows;
    uint64_t next_address;
    uint64_t next_low_address;
    bool in_tick;
    struct fake_host *next_host; /* of those that are alive */
};

/** Fill in everything. `flags` of enum fake_host_flags. */
void fake_host_begin(struct fake_host *fake, unsigned flags);

/** Check that everything was given back and no rule was broken, print what is wrong as TAP comments,
 * and release all memory. @return how many problems there were. */
unsigned fake_host_end(struct fake_host *fake);

void fake_host_attach(struct fake_host *fake, struct fake_target *target);
void fake_host_detach(struct fake_host *fake, struct fake_target *target);

/** Put plain memory at a physical address, for mmio_map and native register access. */
void fake_host_add_window(struct fake_host *fake, struct fake_window *window);

/** Let time pass; devices get their turn. */
void fake_host_advance(struct fake_host *fake, uint64_t microseconds);

/** Make the n-th failable hook call from now on fail (allocate, dma_allocate, map, mmio_map); 0: none.
 * fake_host.failed says whether it came to that. */
void fake_host_fail_at(struct fake_host *fake, unsigned n);

/** How many of allocations, DMA memory, mappings and register mappings are alive. */
unsigned fake_host_live(const struct fake_host *fake);

/** Record an event and tell the observer; for targets that see what the hooks do not. */
void fake_host_event(struct fake_host *fake, enum fake_event_kind kind, enum virtio_space space,
                     uint64_t address, unsigned width, uint64_t value);

/** The fake host that is behind these hooks, if it is one. */
struct fake_host *fake_host_of(const struct virtio_host *host);

/** An event by sequence number, or NULL when it is no longer kept. */
const struct fake_event *fake_host_event_at(const struct fake_host *fake, uint64_t sequence);

/** An event in words, without its time. */
void fake_event_print(const struct fake_event *event, char text[FAKE_EVENT_TEXT]);

/** Record that a rule was broken. `section` of the specification, or the name of a header. */
void fake_violation(struct fake_host *fake, const char *rule, const char *section,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Take back all violations of a rule that the test provoked. @return how many there were. */
unsigned fake_host_take_violation(struct fake_host *fake, const char *rule);

/**
 * Memory as a device sees it.
 *
 * @param need      what the device is going to do with it; checked against a mapping's direction.
 * @param platform  the device uses platform addresses (VIRTIO_F_ACCESS_PLATFORM was negotiated).
 * @return the memory, or NULL after a violation when the range is not wholly within one live block.
 */
uint8_t *fake_host_device_view(struct fake_host *fake, uint64_t device_address, uint64_t size,
                               enum virtio_direction need, bool platform);

/** Watch the memory that a device address is in (FAKE_HOST_WATCH), or watch it no longer. */
struct fake_watcher;
void fake_host_watch(struct fake_host *fake, uint64_t device_address,
                     const struct fake_watcher *watcher, void *context);
void fake_host_unwatch(struct fake_host *fake, uint64_t device_address);

/** The same without a violation. */
bool fake_host_is_live(const struct fake_host *fake, uint64_t device_address, uint64_t size);

#endif
