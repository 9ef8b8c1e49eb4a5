/* SPDX-License-Identifier: MIT */
/*
 * What the PCI files share among themselves: configuration space of a device's function, its BARs and
 * its capabilities.
 */
#ifndef VIRTIO_PCI_INTERNAL_H
#define VIRTIO_PCI_INTERNAL_H

#include "transport_internal.h"

/** Registers of configuration space that the library uses (PCI local bus 3.0, section 6.1). */
enum {
    PCI_ID = 0x00, /* vendor in the lower half, device in the upper */
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION_ID = 0x08,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SECONDARY_BUS = 0x19, /* header type 1 */
    PCI_SUBSYSTEM_ID = 0x2c,  /* vendor in the lower half */
    PCI_CAPABILITIES = 0x34,
    PCI_CONFIG_SIZE = 0x100
};

enum {
    PCI_COMMAND_IO = 0x1,
    PCI_COMMAND_MEMORY = 0x2,
    PCI_COMMAND_MASTER = 0x4
};

/** The PCI vendor id of every virtio device. */
#define VIRTIO_PCI_VENDOR 0x1af4u
/** PCI device ids from here on are virtio device types; below, the subsystem id tells the type. */
#define VIRTIO_PCI_DEVICE_MODERN 0x1040u

/** A vector that is none (spec 4.1.5.1.2). */
#define VIRTIO_MSI_NO_VECTOR 0xffffu

/** Fields of the VIRTIO_PCI_CAP_PCI_CFG capability, from its start. */
enum {
    PCI_WINDOW_BAR = 4,
    PCI_WINDOW_OFFSET = 8,
    PCI_WINDOW_LENGTH = 12,
    PCI_WINDOW_DATA = 16,
    PCI_WINDOW_SIZE = 20
};

/** Access configuration space of the device's function (pci_config.c). */
uint32_t virtio_pci_read(const struct virtio_device *device, unsigned offset, unsigned width);
void virtio_pci_write(const struct virtio_device *device, unsigned offset, unsigned width,
                      uint32_t value);

/** The device status, at `offset` of the common registers; all ones when nobody answers for the function. */
uint8_t virtio_pci_read_status(const struct virtio_device *device, uint32_t offset);

/** Decode and size all BARs; remembers the command register. @return VIRTIO_OK or VIRTIO_E_GONE. */
int virtio_pci_bars_find(struct virtio_device *device);

/**
 * `length` bytes at `offset` of a BAR as a region; maps the BAR if need be.
 *
 * @return VIRTIO_OK; VIRTIO_E_CAPABILITY when there is no such range; VIRTIO_E_BAR_UNASSIGNED; or
 *         VIRTIO_E_BAR_UNREACHABLE with the region as it is seen through the window.
 */
int virtio_pci_bar_reach(struct virtio_device *device, unsigned index, uint32_t offset,
                         uint32_t length, struct virtio_region *region);

/** Take from the capability list what the library uses: virtio structures, the window, MSI-X.
 * @return VIRTIO_OK when the device can be driven by them; VIRTIO_E_NOT_SUPPORTED when there are no
 *         virtio structures; VIRTIO_E_CAPABILITY, VIRTIO_E_BAR_UNASSIGNED, VIRTIO_E_BAR_UNREACHABLE. */
int virtio_pci_capabilities_find(struct virtio_device *device);

/** Could there be legacy registers behind BAR0? (spec 4.1.2.3) */
bool virtio_pci_is_transitional(const struct virtio_device *device);

/** Drive an opened function by its capabilities, which are usable. */
void virtio_pci_modern_setup(struct virtio_device *device);

/** Drive an opened function by the legacy registers of BAR0, or say why not: VIRTIO_E_NOT_SUPPORTED,
 * VIRTIO_E_CAPABILITY, VIRTIO_E_BAR_UNASSIGNED, VIRTIO_E_BAR_UNREACHABLE. */
int virtio_pci_legacy_setup(struct virtio_device *device);

/** Switch on decoding and bus mastering; every other bit stays as it was found. */
void virtio_pci_enable(const struct virtio_device *device);

/** The close operation of both: unmap, and put the command register back. */
void virtio_pci_close(struct virtio_device *device);

#endif
