/* SPDX-License-Identifier: MIT */
/*
 * The device status register of a PCI function that may have left the machine; legacy and modern alike.
 * Nobody answers for it then: its memory reads all ones on most machines, and zeros on some (QEMU's PC), as
 * it does after a reset; its configuration space reads all ones on all.
 *
 * Spec: 4.1.4.3 (device_status), 4.1.4.10 (legacy); PCI local bus 3.0, section 6.1.
 */
#include "pci_internal.h"

#define VENDOR_GONE 0xffffu
#define STATUS_GONE 0xffu

uint8_t virtio_pci_read_status(const struct virtio_device *device, uint32_t offset)
{
    uint32_t status = virtio_region_read(device, &device->pci.common, offset, 1);

    if (status == 0 && virtio_pci_read(device, PCI_ID, 2) == VENDOR_GONE)
        status = STATUS_GONE;
    return (uint8_t)status;
}
