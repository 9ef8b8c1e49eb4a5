/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration access by the PC's ports 0xCF8 and 0xCFC. They reach 256 bytes a function of segment 0;
 * the rest reads all ones and is not written. It must not know what any register means.
 *
 * PCI local bus 3.0, section 3.2.2.3.2.
 */
#include "pci_internal.h"

enum {
    CONFIG_ADDRESS = 0, /* from 0xCF8 */
    CONFIG_DATA = 4
};

static const struct virtio_region ports = {.space = VIRTIO_SPACE_IO, .length = 8, .address = 0xcf8};

/* Select a register; returns where its data is, counted from 0xCF8, or 0 when it can't be reached. */
static uint32_t ports_select(const struct virtio_device *device, unsigned offset)
{
    const struct virtio_pci_address *address = &device->pci.address;

    if (address->segment != 0 || address->device > 31 || address->function > 7 ||
        offset >= PCI_CONFIG_SIZE)
        return 0;
    virtio_register_write(device->host, &ports, CONFIG_ADDRESS, 4,
                          0x80000000u | (uint32_t)address->bus << 16 |
                              (uint32_t)address->device << 11 | (uint32_t)address->function << 8 |
                              (offset & 0xfcu));
    return CONFIG_DATA + (offset & 3);
}

static uint32_t ports_read(const struct virtio_device *device, unsigned offset, unsigned width)
{
    const uint32_t data = ports_select(device, offset);

    return data == 0 ? 0xffffffffu >> (32 - 8 * width)
                     : virtio_register_read(device->host, &ports, data, width);
}

static void ports_write(const struct virtio_device *device, unsigned offset, unsigned width,
                        uint32_t value)
{
    const uint32_t data = ports_select(device, offset);

    if (data != 0)
        virtio_register_write(device->host, &ports, data, width, value);
}

const struct virtio_pci_config virtio_pci_config_io = {
    .read = ports_read, .write = ports_write, .first_bus = 0, .last_bus = 255};

uint32_t virtio_pci_read(const struct virtio_device *device, unsigned offset, unsigned width)
{
    return device->pci.config->read(device, offset, width);
}

void virtio_pci_write(const struct virtio_device *device, unsigned offset, unsigned width,
                      uint32_t value)
{
    device->pci.config->write(device, offset, width, value);
}
