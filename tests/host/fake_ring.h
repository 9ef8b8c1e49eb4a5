/* SPDX-License-Identifier: MIT */
/*
 * What the two ring formats of the fake device have in common, between fake_queue.c, fake_split.c and
 * fake_packed.c only: numbers in memory, the parts of a ring, chains that are being taken and the rules
 * for their elements, which do not depend on the format.
 */
#ifndef FAKE_RING_H
#define FAKE_RING_H

#include "fake_device.h"

#define F_NEXT     1u
#define F_WRITE    2u
#define F_INDIRECT 4u

#define DESCRIPTOR_SIZE 16u

/* In the byte order of the queue's device. */
static inline uint16_t get16(const struct fake_queue *queue, const uint8_t *bytes)
{
    return (uint16_t)fake_get(queue->device, bytes, 2);
}

static inline uint32_t get32(const struct fake_queue *queue, const uint8_t *bytes)
{
    return (uint32_t)fake_get(queue->device, bytes, 4);
}

static inline uint64_t get64(const struct fake_queue *queue, const uint8_t *bytes)
{
    return fake_get(queue->device, bytes, 8);
}

static inline void put16(const struct fake_queue *queue, uint8_t *bytes, uint32_t value)
{
    fake_put(queue->device, bytes, 2, value);
}

static inline void put32(const struct fake_queue *queue, uint8_t *bytes, uint32_t value)
{
    fake_put(queue->device, bytes, 4, value);
}

/** Did the driver take this feature? */
bool fake_ring_has(const struct fake_queue *queue, uint64_t feature);

/** A part of the ring as the device sees it; NULL after a violation. */
uint8_t *fake_ring_part(struct fake_queue *queue, enum fake_part part);

/** Are these bytes of a ring that was just enabled zero? If not, that is a violation. */
void fake_ring_check_zero(struct fake_queue *queue, const uint8_t *bytes, size_t size,
                          const char *section, const char *what);

/** Write to the device's part, and remember that it was the device who did. */
void fake_ring_write(struct fake_queue *queue, size_t offset, const uint8_t *bytes, size_t size);

/** Is the device's part as the device left it? */
bool fake_ring_is_untouched(struct fake_queue *queue);

/** See each access of the driver to the ring from here on, where the host can; and no longer. */
void fake_ring_watch(struct fake_queue *queue);
void fake_ring_unwatch(struct fake_queue *queue);

/** The driver wrote to a descriptor of the ring: is it in a chain that the device has taken? */
void fake_ring_check_write(struct fake_queue *queue, size_t offset);

/** The driver reads what it alone writes, so that it believes memory that a device could have changed. */
void fake_ring_check_read_back(struct fake_queue *queue, enum fake_part part, size_t offset);

/** The driver reads what the device wants: what it published before must be visible by now. */
void fake_ring_check_fence(struct fake_queue *queue, const char *section);

/** Is any byte of the range in this descriptor's element, or in those of the table that it is? */
bool fake_ring_covers(struct fake_queue *queue, const uint8_t *bytes, bool is_table,
                      uint64_t address, uint64_t size);

/** A chain with nothing in it, and back: its descriptors are the driver's again. */
struct fake_chain *fake_chain_new(struct fake_queue *queue);
void fake_chain_discard(struct fake_chain *chain);

/** Add a descriptor of the ring, 16 bytes. @return false when it is in a chain already. */
bool fake_chain_add_slot(struct fake_chain *chain, uint16_t index, const uint8_t *bytes);

/** Add an element with the flags F_NEXT and F_WRITE (as the format has them), checked on its own. */
void fake_chain_add_element(struct fake_chain *chain, const uint8_t *bytes, uint16_t flags,
                            uint16_t index);

/** Add the elements of the table that an F_INDIRECT descriptor points to. @return false when there is
 * no making sense of it. */
bool fake_chain_add_table(struct fake_chain *chain, const uint8_t *bytes, bool is_packed);

/** The table is still what it was. */
void fake_chain_check_table(struct fake_chain *chain);

#endif
