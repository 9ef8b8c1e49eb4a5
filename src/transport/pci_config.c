/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration access: the PC's ports 0xCF8 and 0xCFC, the memory window (ECAM) and the host's
 * hooks, all behind struct virtio_pci_config. What is outside a way's range reads all ones and is not
 * written. It must not know what any register means.
 *
 * PCI local bus 3.0, section 3.2.2.3.2 (ports); PCI Express base 3.0, section 7.2.2 (ECAM).
 */
#include "pci_internal.h"

enum {
    CONFIG_ADDRESS = 0, /* from 0xCF8 */
    CONFIG_DATA = 4
};

static const struct virtio_region config_ports = {
    .space = VIRTIO_SPACE_IO, .length = 8, .address = 0xcf8};

static uint32_t all_ones(unsigned width)
{
    return 0xffffffffu >> (32 - 8 * width);
}

/* Is this a function and a register that `config` reaches? */
static bool in_range(const struct virtio_pci_config *config, struct virtio_pci_address address,
                     unsigned offset, unsigned width, unsigned size)
{
    return address.bus >= config->first_bus && address.bus <= config->last_bus &&
           address.device < 32 && address.function < 8 && offset <= size - width &&
           (offset & (width - 1)) == 0;
}

/* Select a register by the address port; returns where the data is, counted from it. */
static uint32_t ports_select(const struct virtio_host *host, struct virtio_pci_address address,
                             unsigned offset)
{
    virtio_register_write(host, &config_ports, CONFIG_ADDRESS, 4,
                          0x80000000u | (uint32_t)address.bus << 16 |
                              (uint32_t)address.device << 11 | (uint32_t)address.function << 8 |
                              (offset & 0xfcu));
    return CONFIG_DATA + (offset & 3);
}

/* The ports reach one segment and the first 256 bytes. */
static bool ports_reach(const struct virtio_pci_config *config, const struct virtio_host *host,
                        struct virtio_pci_address address, unsigned offset, unsigned width)
{
    return address.segment == 0 && in_range(config, address, offset, width, PCI_CONFIG_SIZE) &&
           virtio_host_has_ports(host, config_ports.address, config_ports.length);
}

static uint32_t ports_read(const struct virtio_pci_config *config, const struct virtio_host *host,
                           struct virtio_pci_address address, uint16_t offset, unsigned width)
{
    if (!ports_reach(config, host, address, offset, width))
        return all_ones(width);
    return virtio_register_read(host, &config_ports, ports_select(host, address, offset), width);
}

static void ports_write(const struct virtio_pci_config *config, const struct virtio_host *host,
                        struct virtio_pci_address address, uint16_t offset, unsigned width,
                        uint32_t value)
{
    if (ports_reach(config, host, address, offset, width))
        virtio_register_write(host, &config_ports, ports_select(host, address, offset), width,
                              value);
}

const struct virtio_pci_config virtio_pci_config_io = {
    .read = ports_read, .write = ports_write, .first_bus = 0, .last_bus = 255};

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

/* ECAM: 4 KiB a function, 1 MiB a bus. */
#define ECAM_FUNCTION_SIZE 0x1000u
#define ECAM_BUS_SHIFT     20

static uint32_t ecam_offset(const struct virtio_pci_config *config,
                            struct virtio_pci_address address, unsigned offset)
{
    return (uint32_t)(address.bus - config->first_bus) << ECAM_BUS_SHIFT |
           (uint32_t)address.device << 15 | (uint32_t)address.function << 12 | offset;
}

static uint32_t ecam_read(const struct virtio_pci_config *config, const struct virtio_host *host,
                          struct virtio_pci_address address, uint16_t offset, unsigned width)
{
    if (!in_range(config, address, offset, width, ECAM_FUNCTION_SIZE))
        return all_ones(width);
    return virtio_register_read(host, &config->ecam, ecam_offset(config, address, offset), width);
}

static void ecam_write(const struct virtio_pci_config *config, const struct virtio_host *host,
                       struct virtio_pci_address address, uint16_t offset, unsigned width,
                       uint32_t value)
{
    if (in_range(config, address, offset, width, ECAM_FUNCTION_SIZE))
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

uint32_t virtio_pci_read(const struct virtio_device *device, unsigned offset, unsigned width)
{
    const struct virtio_pci_config *config = device->pci.config;

    return config->read(config, device->host, device->pci.address, (uint16_t)offset, width);
}

void virtio_pci_write(const struct virtio_device *device, unsigned offset, unsigned width,
                      uint32_t value)
{
    const struct virtio_pci_config *config = device->pci.config;

    config->write(config, device->host, device->pci.address, (uint16_t)offset, width, value);
}
