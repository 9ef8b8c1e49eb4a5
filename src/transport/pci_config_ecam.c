/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration access by memory (ECAM): 4096 bytes a function. What is outside the window's buses
 * reads all ones and is not written.
 *
 * PCI Express base 3.0, section 7.2.2.
 */
#include "pci_internal.h"

#define ECAM_FUNCTION_SIZE 0x1000u
#define ECAM_BUS_SHIFT     20

static bool in_range(const struct virtio_pci_config *config, struct virtio_pci_address address,
                     unsigned offset)
{
    return address.bus >= config->first_bus && address.bus <= config->last_bus &&
           address.device < 32 && address.function < 8 && offset < ECAM_FUNCTION_SIZE;
}

static uint32_t ecam_offset(const struct virtio_pci_config *config,
                            struct virtio_pci_address address, unsigned offset)
{
    return (uint32_t)(address.bus - config->first_bus) << ECAM_BUS_SHIFT |
           (uint32_t)address.device << 15 | (uint32_t)address.function << 12 | offset;
}

static uint32_t ecam_read(const struct virtio_pci_config *config, const struct virtio_host *host,
                          struct virtio_pci_address address, uint16_t offset, unsigned width)
{
    if (!in_range(config, address, offset))
        return 0xffffffffu >> (32 - 8 * width);
    return virtio_register_read(host, &config->ecam, ecam_offset(config, address, offset), width);
}

static void ecam_write(const struct virtio_pci_config *config, const struct virtio_host *host,
                       struct virtio_pci_address address, uint16_t offset, unsigned width,
                       uint32_t value)
{
    if (in_range(config, address, offset))
        virtio_register_write(host, &config->ecam, ecam_offset(config, address, offset), width,
                              value);
}

/* No bus is in range any more: reads give all ones instead of a fault. */
static void ecam_close(struct virtio_pci_config *config)
{
    config->first_bus = 1;
    config->last_bus = 0;
    config->ecam = (struct virtio_region){.space = VIRTIO_SPACE_NONE};
}

int virtio_pci_config_ecam(struct virtio_pci_config *config, const struct virtio_host *host,
                           uint64_t base, uint8_t first_bus, uint8_t last_bus)
{
    const uint64_t first = (uint64_t)first_bus << ECAM_BUS_SHIFT;
    const uint64_t end = (uint64_t)(last_bus + 1u) << ECAM_BUS_SHIFT;

    if (first_bus > last_bus || (base & ((1u << ECAM_BUS_SHIFT) - 1)) != 0 ||
        end - 1 > UINT64_MAX - base)
        return VIRTIO_E_INVALID;
    *config = (struct virtio_pci_config){
        .read = ecam_read,
        .write = ecam_write,
        .first_bus = first_bus,
        .last_bus = last_bus,
        .ecam = {.space = VIRTIO_SPACE_MEMORY,
                 .length = (uint32_t)(end - first),
                 .address = base + first},
    };
    if (host->register_read)
        return VIRTIO_OK;
    config->ecam.pointer = virtio_host_mmio_map(host, config->ecam.address, config->ecam.length);
    if (config->ecam.pointer)
        return VIRTIO_OK;
    ecam_close(config);
    return VIRTIO_E_MAP;
}

void virtio_pci_config_ecam_end(struct virtio_pci_config *config, const struct virtio_host *host)
{
    if (config->ecam.pointer)
        virtio_host_mmio_unmap(host, (void *)(uintptr_t)config->ecam.pointer, config->ecam.length);
    ecam_close(config);
}
