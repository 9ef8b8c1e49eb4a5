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

static bool in_range(const struct virtio_pci_function *function, unsigned offset)
{
    const struct virtio_pci_address *address = &function->address;

    return address->bus >= function->config->first_bus &&
           address->bus <= function->config->last_bus && address->device < 32 &&
           address->function < 8 && offset < ECAM_FUNCTION_SIZE;
}

static uint32_t ecam_offset(const struct virtio_pci_function *function, unsigned offset)
{
    const struct virtio_pci_address *address = &function->address;

    return (uint32_t)(address->bus - function->config->first_bus) << ECAM_BUS_SHIFT |
           (uint32_t)address->device << 15 | (uint32_t)address->function << 12 | offset;
}

static uint32_t ecam_read(const struct virtio_device *device, unsigned offset, unsigned width)
{
    const struct virtio_pci_function *function = &device->pci;

    if (!in_range(function, offset))
        return 0xffffffffu >> (32 - 8 * width);
    return virtio_register_read(device->host, &function->config->ecam,
                                ecam_offset(function, offset), width);
}

static void ecam_write(const struct virtio_device *device, unsigned offset, unsigned width,
                       uint32_t value)
{
    const struct virtio_pci_function *function = &device->pci;

    if (in_range(function, offset))
        virtio_register_write(device->host, &function->config->ecam, ecam_offset(function, offset),
                              width, value);
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
