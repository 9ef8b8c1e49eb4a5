/* SPDX-License-Identifier: MIT */
/*
 * A virtqueue from the device's end: takes chains, checks them, completes them; and lies when told to.
 * What the ring looks like in memory is behind struct fake_ring_ops: fake_split.c.
 *
 * Checked whenever a chain is taken (fake_split.c says which rule is whose section): the ring and
 * all buffers are live DMA memory, readable comes before writable, no loop, no zero length, nothing
 * in two chains at once, the available index advances by no more than there is room, the driver
 * leaves the used ring alone, nothing is taken before DRIVER_OK. When a chain is completed its
 * descriptors must still be what they were.
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

/** A chain that the device has taken and not completed. */
struct fake_chain {
    struct fake_chain *next; /* taken later */
    struct fake_queue *queue;
    uint64_t order; /* which chain of this queue it is, from 0 */
    uint16_t head;
    uint64_t readable; /* bytes */
    uint64_t writable; /* bytes */
    unsigned count;
    struct fake_descriptor *descriptors;
};

/** How a ring lies in memory. */
struct fake_ring_ops {
    /** The queue was enabled: look at the ring's memory and begin. */
    void (*begin)(struct fake_queue *queue);
    /** Take the next available chain; NULL when there is none or it broke a rule. */
    struct fake_chain *(*take)(struct fake_queue *queue);
    /** Use a chain: write the element and move the index. */
    void (*complete)(struct fake_queue *queue, struct fake_chain *chain, uint32_t written);
    /** Bytes of a part. */
    size_t (*part_size)(const struct fake_queue *queue, enum fake_part part);
    /** Is this memory in a buffer that the driver exposed and the device has not taken yet? */
    bool (*is_exposed)(struct fake_queue *queue, uint64_t address, uint64_t size);
};

extern const struct fake_ring_ops fake_split_ops;

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
    uint16_t notify_off; /* modern PCI; the index by default */

    /* What happened. */
    uint64_t notifications;
    uint64_t idle_notifications; /* with nothing new */
    uint64_t taken;
    uint64_t completed;
    struct fake_chain *chains; /* taken and not completed, oldest first */

    /* Private. */
    bool size_written;
    bool align_written;
    uint8_t halves_written; /* of the six 32-bit halves of the addresses */
    bool suppressed;
    bool work_due;
    uint64_t work_at;
    uint16_t next_available;
    uint16_t next_used;
    uint8_t *is_taken;    /* one byte a descriptor */
    uint8_t *used_shadow; /* the device's part as the device left it */
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

/** Add an element to the used ring, whatever it says, and move the index. */
void fake_queue_push_used(struct fake_queue *queue, uint32_t id, uint32_t length);
/** Write the used index, whatever it says; elements stay as they are. */
void fake_queue_set_used_index(struct fake_queue *queue, uint16_t index);
/** Write an element without moving the index. */
void fake_queue_set_used_element(struct fake_queue *queue, uint16_t index, uint32_t id,
                                 uint32_t length);
/** Overwrite the descriptor table, which a device must not do. */
void fake_queue_scribble(struct fake_queue *queue, uint8_t byte);
/** Tell the driver that no notification is needed (VIRTQ_USED_F_NO_NOTIFY), or that it is again. */
void fake_queue_suppress(struct fake_queue *queue, bool suppress);

/** Go on as if `index` requests had been made and completed: both indices, here and in memory. The
 * test does the same to the library's private indices. For an enabled queue that was not used yet. */
void fake_queue_start_at(struct fake_queue *queue, uint16_t index);

/** The driver's available index and flags, as memory has them now. */
uint16_t fake_queue_available_index(struct fake_queue *queue);
uint16_t fake_queue_available_flags(struct fake_queue *queue);

#endif
