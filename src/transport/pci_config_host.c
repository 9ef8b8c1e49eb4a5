/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration access by the host's hooks. A host without them has no PCI this way: reads give all
 * ones.
 */
#include "pci_internal.h"

static uint32_t all_ones(unsigned width)
{
    return 0xffffffffu >> (32 - 8 * width);
}

static uint32_t host_read(const struct virtio_device *device, unsigned offset, unsigned width)
{
    const struct virtio_host *host = device->host;

    if (!host->pci_config_read)
        return all_ones(width);
    return host->pci_config_read(host->ctx, device->pci.address, (uint16_t)offset, width) &
           all_ones(width);
}

static void host_write(const struct virtio_device *device, unsigned offset, unsigned width,
                       uint32_t value)
{
    const struct virtio_host *host = device->host;

    if (host->pci_config_write)
        host->pci_config_write(host->ctx, device->pci.address, (uint16_t)offset, width, value);
}

const struct virtio_pci_config virtio_pci_config_host = {
    .read = host_read, .write = host_write, .first_bus = 0, .last_bus = 255};
