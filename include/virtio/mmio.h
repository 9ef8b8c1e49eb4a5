/* SPDX-License-Identifier: MIT */
/*
 * virtio-mmio (spec 4.2): one device behind one block of registers, version 1 (legacy) or 2. Where the
 * blocks are, only the platform knows (device tree, ACPI, command line, a fixed table): the kernel
 * calls virtio_mmio_probe for each. A block without a device is normal.
 */
#ifndef VIRTIO_MMIO_H
#define VIRTIO_MMIO_H

#include <stdint.h>
#include <virtio/host.h>
#include <virtio/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

struct virtio_device;

/** What is known of the register block behind a device; read-only for users. */
struct virtio_mmio_slot {
    uint64_t address; /* physical; 0: not a virtio-mmio device */
    uint32_t size;    /* bytes */
    uint32_t version; /* 1 or 2 */
    struct virtio_region registers;
};

/** Bytes of a register block before device configuration space begins. */
#define VIRTIO_MMIO_CONFIG_OFFSET 0x100u

/**
 * Look whether there is a device in a block of virtio-mmio registers. Maps the block for the look;
 * reads MagicValue, Version, DeviceID and, when there is a device, VendorID; writes nothing.
 *
 * @param host     the host.
 * @param address  physical address of the block, a multiple of 4.
 * @param size     bytes, at least 0x100; configuration space is what is beyond 0x100.
 * @param device   out: identity, ready for a driver's start call.
 * @return VIRTIO_OK; VIRTIO_E_NO_DEVICE when the magic value is not there or DeviceID is 0 (an empty
 *         slot: not an error); VIRTIO_E_NOT_SUPPORTED for a version that is neither 1 nor 2;
 *         VIRTIO_E_INVALID, VIRTIO_E_MAP.
 *
 * Context: any that may access the registers. Spec 4.2.2, 4.2.3.1.
 */
int virtio_mmio_probe(const struct virtio_host *host, uint64_t address, uint32_t size,
                      struct virtio_device *device);

#ifdef __cplusplus
}
#endif

#endif
