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

static uint32_t host_read(const struct virtio_pci_config *config, const struct virtio_host *host,
                          struct virtio_pci_address address, uint16_t offset, unsigned width)
{
    (void)config;
    if (!host->pci_config_read)
        return all_ones(width);
    return host->pci_config_read(host->ctx, address, offset, width) & all_ones(width);
}

static void host_write(const struct virtio_pci_config *config, const struct virtio_host *host,
                       struct virtio_pci_address address, uint16_t offset, unsigned width,
                       uint32_t value)
{
    (void)config;
    if (host->pci_config_write)
        host->pci_config_write(host->ctx, address, offset, width, value);
}

const struct virtio_pci_config virtio_pci_config_host = {
    .read = host_read, .write = host_write, .first_bus = 0, .last_bus = 255};
