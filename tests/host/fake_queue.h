/* SPDX-License-Identifier: MIT */
/*
 * A virtqueue from the device's end: takes chains, checks them, completes them; and lies when told to.
 * What the ring looks like in memory is behind struct fake_ring_ops: fake_split.c and fake_packed.c, as was
 * negotiated; what both have in common is in fake_ring.c.
 *
 * Checked whenever a chain is taken (the sources say which rule is whose section): the ring, tables and
 * all buffers are live DMA memory, readable comes before writable, no loop, no zero length, nothing
 * in two chains at once, no more is available than there is room, tables are not nested and not in
 * chains, the driver leaves what is the device's alone, nothing is taken before DRIVER_OK. When a
 * chain is completed its descriptors and its table must still be what they were.
 *
 * With VIRTIO_F_EVENT_IDX the device asks for the next entry that it has not seen. While its work is due
 * (latency_us) it asks for no notification, and a driver that notifies all the same breaks a rule. With
 * VIRTIO_F_IN_ORDER completions are held back until all earlier ones are there, and what was completed
 * in one go may come with one used entry.
 */
#ifndef FAKE_QUEUE_H
#define FAKE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_device;
struct fake_queue;

/** The three parts of a queue: indices of fake_queue.address. */
enum fake_part {
    FAKE_DESCRIPTORS = 0,
    FAKE_DRIVER = 1,
    FAKE_DEVICE = 2
};

/** A descriptor as the device read it. */
struct fake_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t index; /* in the table */
    bool writable;
};

/** A descriptor of the ring, as it was when it was taken. */
struct fake_slot {
    uint16_t index;
    uint8_t bytes[16];
};

/** A chain that the device has taken and not completed. */
struct fake_chain {
    struct fake_chain *next; /* taken later */
    struct fake_queue *queue;
    uint64_t order;    /* which chain of this queue it is, from 0 */
    uint16_t head;     /* of a packed ring: the buffer id */
    uint64_t readable; /* bytes */
    uint64_t writable; /* bytes */
    unsigned count;    /* elements, those of a table too */
    struct fake_descriptor *descriptors;

    /* Private. */
    bool is_held;                 /* VIRTIO_F_IN_ORDER: given back after all earlier ones */
    bool is_done;                 /* it was completed meanwhile */
    struct fake_chain *next_held; /* taken later */
    uint32_t written;
    unsigned slot_count; /* descriptors of the ring */
    struct fake_slot *slots;
    uint64_t table_address;
    uint32_t table_size;
    uint8_t *table; /* as it was; NULL: none */
};

/** How a ring lies in memory. */
struct fake_ring_ops {
    /** The queue was enabled: look at the ring's memory and begin. */
    void (*begin)(struct fake_queue *queue);
    /** Take the next available chain; NULL when there is none or it broke a rule. */
    struct fake_chain *(*take)(struct fake_queue *queue);
    /** Its descriptors are still what they were, or that is a violation. */
    void (*check_untouched)(struct fake_chain *chain);
    /** Write one used entry and go on by so many chains, which have so many descriptors of the ring. */
    void (*use)(struct fake_queue *queue, uint32_t id, uint32_t written, unsigned chains,
                unsigned slots);
    /** How far the driver made entries available, a free-running number; next_available: nothing new. */
    uint32_t (*position)(struct fake_queue *queue);
    /** Tell the driver what notifications are wanted: fake_queue.suppressed and .event say it. */
    void (*wish)(struct fake_queue *queue);
    /** Does the driver want to hear that the device went on from `old` to next_used? */
    bool (*wants_interrupt)(struct fake_queue *queue, uint32_t old);
    /** Check what the driver asks for. */
    void (*check_wish)(struct fake_queue *queue);
    /** The driver is about to access its ring, and has done so (FAKE_HOST_WATCH); offset in the part. */
    void (*before_access)(struct fake_queue *queue, enum fake_part part, size_t offset,
                          bool is_write);
    void (*after_access)(struct fake_queue *queue, enum fake_part part, size_t offset,
                         bool is_write);
    /** Bytes of a part. */
    size_t (*part_size)(const struct fake_queue *queue, enum fake_part part);
    /** Is this memory in a buffer that the driver exposed and the device has not taken yet? */
    bool (*is_exposed)(struct fake_queue *queue, uint64_t address, uint64_t size);
};

extern const struct fake_ring_ops fake_split_ops;
extern const struct fake_ring_ops fake_packed_ops;

struct fake_queue {
    struct fake_device *device;
    const struct fake_ring_ops *ops;
    uint16_t index;
    uint16_t maximum; /* 0: there is no such queue; on legacy PCI it is the size */

    /* As the driver set it up. */
    uint16_t size;
    uint64_t address[3];
    bool enabled;
    uint16_t vector;
    uint16_t notify_off;        /* modern PCI; the index by default */
    uint16_t notif_config_data; /* VIRTIO_F_NOTIF_CONFIG_DATA; 0x100 and the index by default */
    uint32_t reset_polls; /* VIRTIO_F_RING_RESET: reads until a reset is done; FAKE_FOR_EVER */

    /* What happened. */
    uint64_t notifications;
    uint64_t idle_notifications; /* with nothing new */
    uint64_t taken;
    uint64_t completed;
    uint64_t interrupts;       /* completions of which the driver wanted to hear */
    uint64_t resets;           /* of this queue alone */
    struct fake_chain *chains; /* taken and not completed, oldest first */

    /* Private. */
    bool size_written;
    bool align_written;
    uint8_t halves_written; /* of the six 32-bit halves of the addresses */
    bool suppressed;
    bool work_due;
    uint64_t work_at;
    bool is_busy;   /* suppressed because work is due */
    bool was_reset; /* this queue alone, and not enabled since */
    bool is_resetting;
    uint32_t reset_polls_left;
    bool holds_batch;        /* VIRTIO_F_IN_ORDER: more completions are to come in one go */
    struct fake_chain *held; /* the same: taken and not given back, oldest first */
    uint32_t next_available; /* free-running; of a split ring the lower 16 bits count */
    uint32_t next_used;
    bool has_asked;       /* `event` is in the ring */
    uint32_t event;       /* what the device wants to be notified of, with VIRTIO_F_EVENT_IDX */
    uint32_t seen;        /* how far the driver was when it last notified */
    uint16_t next_slot;   /* of a split ring with VIRTIO_F_IN_ORDER */
    const char *unfenced; /* FAKE_HOST_WATCH: what was stored, and no fence since; or NULL */
    bool asks_interrupt;  /* the same: it was the wish for one */
    uint32_t shown;       /* the same: position when it was last looked at */
    struct fake_chain **owners; /* one a descriptor of the ring */
    uint8_t *used_shadow;       /* the device's part as the device left it */
};

void fake_queue_begin(struct fake_queue *queue, struct fake_device *device, uint16_t index);
/** Back to what it was before the driver came. */
void fake_queue_reset(struct fake_queue *queue);
/** The driver enabled it. */
void fake_queue_enable(struct fake_queue *queue);
/** Set one 32-bit half of an address; half 0 is the lower one. */
void fake_queue_set_address(struct fake_queue *queue, enum fake_part part, unsigned half,
                            uint32_t value);
void fake_queue_set_size(struct fake_queue *queue, uint32_t size);
/** The driver wrote the page number of a legacy queue: lay it out and enable it; 0 disables it. */
void fake_queue_set_page(struct fake_queue *queue, uint32_t page, uint32_t page_size,
                         uint32_t alignment);
/** The driver reset this queue alone (VIRTIO_F_RING_RESET), and asks whether that is done. */
void fake_queue_begin_reset(struct fake_queue *queue);
bool fake_queue_poll_reset(struct fake_queue *queue);
/** A notification came: was there a reason for it? */
void fake_queue_notified(struct fake_queue *queue);
/** What a notification says of the next entry, with VIRTIO_F_NOTIFICATION_DATA (2.9). */
uint16_t fake_queue_next(struct fake_queue *queue);
/** The device will look later, and wants no notifications until then; or it looks now. */
void fake_queue_set_busy(struct fake_queue *queue, bool is_busy);
/** VIRTIO_F_IN_ORDER: completions from here to there are told of together where that is allowed. */
void fake_queue_hold_batch(struct fake_queue *queue, bool hold);
/** The reason why the device may still access this memory, or NULL. */
const char *fake_queue_in_use(struct fake_queue *queue, uint64_t address, uint64_t size);

/* The device's work ------------------------------------------------------------------------------- */

/** Take the next chain; NULL when there is none. */
struct fake_chain *fake_queue_take(struct fake_queue *queue);
/** Take all that there are; they are in fake_queue.chains. @return how many were new. */
unsigned fake_queue_take_all(struct fake_queue *queue);
/** The n-th of the chains taken, from 0; NULL when there are fewer. */
struct fake_chain *fake_queue_chain(struct fake_queue *queue, unsigned n);

/** Read from the readable part; offset and size within it. */
void fake_chain_read(struct fake_chain *chain, uint64_t offset, void *bytes, size_t size);
/** Write to the writable part. */
void fake_chain_write(struct fake_chain *chain, uint64_t offset, const void *bytes, size_t size);
/** Fill all of the writable part. */
void fake_chain_fill(struct fake_chain *chain, uint8_t byte);
/** Complete it; the chain is gone afterwards. `written` may be a lie. */
void fake_chain_complete(struct fake_chain *chain, uint32_t written);

/* Lies -------------------------------------------------------------------------------------------- */

/** Add an element to the used ring, whatever it says, and move the index. In a packed ring: write a used
 * descriptor, and go on by as many as the chain with this id has, or one. */
void fake_queue_push_used(struct fake_queue *queue, uint32_t id, uint32_t length);
/** Write the used index, whatever it says; elements stay as they are. A split ring's, as the next. */
void fake_queue_set_used_index(struct fake_queue *queue, uint16_t index);
/** Write an element without moving the index. */
void fake_queue_set_used_element(struct fake_queue *queue, uint16_t index, uint32_t id,
                                 uint32_t length);
/** Overwrite the descriptor table, which a device must not do. */
void fake_queue_scribble(struct fake_queue *queue, uint8_t byte);
/** Tell the driver that no notification is needed, or that it is again. */
void fake_queue_suppress(struct fake_queue *queue, bool suppress);

/** Go on as if `index` requests had been made and completed: both indices, here and in memory. The
 * test does the same to the library's private indices. For an enabled queue that was not used yet; in a
 * packed ring, a multiple of twice its size. */
void fake_queue_start_at(struct fake_queue *queue, uint16_t index);

/** The driver's available index, as memory has it now; of a packed ring, descriptors made available. */
uint16_t fake_queue_available_index(struct fake_queue *queue);
/** The flags of the available ring; a split ring's. */
uint16_t fake_queue_available_flags(struct fake_queue *queue);

#endif
