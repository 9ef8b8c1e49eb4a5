/* SPDX-License-Identifier: MIT */
/*
 * The registers of virtio-mmio, version 1 and 2 (spec 4.2), in front of a fake device. Checks that
 * control registers are accessed with 32 bits, in their direction, only those that exist, and in the
 * order that the specification demands.
 */
#ifndef FAKE_MMIO_H
#define FAKE_MMIO_H

#include "fake_device.h"

struct fake_mmio {
    struct fake_target target; /* first: the host's view of it */
    struct fake_device *device;
    uint64_t address;
    uint32_t size;
    uint32_t magic;     /* 0x74726976 unless a test says otherwise */
    uint32_t version;   /* 1 or 2, or what a test says */
    uint32_t device_id; /* the device's type unless a test says otherwise; 0: an empty slot */

    /* Private. */
    uint8_t identified; /* bits 0 to 2: magic, version and device id were read */
    bool empty_seen;
    uint32_t page_size;
    uint32_t alignment[FAKE_QUEUES];
    struct fake_queue *unverified; /* QueueReady was written 0 and not read back */
};

/** Put a device behind registers at `address`; their size is 0x100 and configuration space. */
void fake_mmio_attach(struct fake_mmio *mmio, struct fake_device *device, uint64_t address,
                      uint32_t version);

#endif
