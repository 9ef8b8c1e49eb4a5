/* SPDX-License-Identifier: MIT */
/*
 * A driver by hand, for tests of the fake device: it does without the library, one register and one descriptor at
 * a time, right or wrong as the test wants. The device is behind virtio-mmio version 2 (BENCH_MMIO_2).
 */
#ifndef BY_HAND_H
#define BY_HAND_H

#include "bench.h"

/** Registers, by their offset. */
uint32_t peek(struct bench *bench, uint32_t offset);
void poke(struct bench *bench, uint32_t offset, uint32_t value);
/** Write the status; after a 0 it is read, too. */
void poke_status(struct bench *bench, uint32_t value);

/** From a reset to FEATURES_OK, with these features and VERSION_1. */
void negotiate_with(struct bench *bench, uint64_t features);
void negotiate(struct bench *bench);

/* A ring of 8 in DMA memory: descriptors, the driver's part, the device's part, buffers. */
struct ring {
    uint8_t *memory;
    uint64_t address;
    uint32_t index; /* next available; of a packed ring the position */
};

#define RING_SIZE    8u
#define AVAILABLE_AT 128u
#define USED_AT      192u
#define TABLE_AT     384u
#define BUFFER_AT    512u

void ring_allocate(struct bench *bench, struct ring *ring);
/** Reset the device and give the ring back. */
void ring_free(struct bench *bench, struct ring *ring);
/** Tell the device its addresses; make it known altogether. */
void ring_addresses(struct bench *bench, const struct ring *ring);
void ring_set_up(struct bench *bench, struct ring *ring);

/** From the beginning to DRIVER_OK, with features. */
void go_live_with(struct bench *bench, struct ring *ring, uint64_t features);
void go_live(struct bench *bench, struct ring *ring);

/** Write a split descriptor; in the table at TABLE_AT from index 16 on. */
void describe(struct ring *ring, unsigned index, uint64_t address, uint32_t length, uint16_t flags,
              uint16_t next);
/** Put a chain into the available ring and notify. */
void offer(struct bench *bench, struct ring *ring, uint16_t head);

/** Write the next packed descriptor, available: its flags are added to. */
void describe_packed(struct ring *ring, uint64_t address, uint32_t length, uint16_t id,
                     uint16_t flags);
/** Notify. */
void ring_bell(struct bench *bench);

#endif
