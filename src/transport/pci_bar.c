/* SPDX-License-Identifier: MIT */
/*
 * Base address registers: decoding, sizing and mapping them, and the command register that switches
 * them on. BARs and command register are put back as they were found; this file never assigns
 * addresses and knows nothing of virtio structures.
 *
 * PCI local bus 3.0, section 6.2.5.
 */
#include "pci_internal.h"

enum {
    BAR_IO = 0x1,
    BAR_IO_FLAGS = 0x3,
    BAR_MEMORY_TYPE = 0x6,
    BAR_MEMORY_64BIT = 0x4,
    BAR_MEMORY_RESERVED = 0x6,
    BAR_MEMORY_FLAGS = 0xf
};

#define BARS 6u

struct bar_value {
    uint32_t address; /* as found */
    uint32_t mask;    /* as read after writing all ones */
};

static unsigned bar_offset(unsigned index)
{
    return PCI_BAR0 + 4 * index;
}

static struct bar_value bar_probe(const struct virtio_device *device, unsigned index)
{
    const unsigned offset = bar_offset(index);
    struct bar_value value;

    value.address = virtio_pci_read(device, offset, 4);
    virtio_pci_write(device, offset, 4, 0xffffffffu);
    value.mask = virtio_pci_read(device, offset, 4);
    virtio_pci_write(device, offset, 4, value.address);
    return value;
}

/* Fill in a BAR from its address and mask, flags cleared. A BAR that still has all the ones of somebody's
 * sizing is as unassigned as one that is zero. */
static void bar_set(struct virtio_pci_bar *bar, enum virtio_space space, uint64_t address,
                    uint64_t mask)
{
    if (mask == 0)
        return;
    bar->space = space;
    bar->size = mask & (~mask + 1);
    bar->address = (address & mask) == mask ? 0 : address & mask;
}

/* Decode the BAR at `index`; returns how many registers it takes. */
static unsigned bar_decode(struct virtio_device *device, unsigned index)
{
    struct virtio_pci_bar *bar = &device->pci.bars[index];
    const struct bar_value low = bar_probe(device, index);
    const uint32_t memory_mask = low.mask & ~(uint32_t)BAR_MEMORY_FLAGS;
    struct bar_value high;

    if (low.mask & BAR_IO) {
        bar_set(bar, VIRTIO_SPACE_IO, low.address, low.mask & ~(uint32_t)BAR_IO_FLAGS);
        return 1;
    }
    if ((low.mask & BAR_MEMORY_TYPE) != BAR_MEMORY_64BIT) {
        if ((low.mask & BAR_MEMORY_TYPE) != BAR_MEMORY_RESERVED)
            bar_set(bar, VIRTIO_SPACE_MEMORY, low.address, memory_mask);
        return 1;
    }
    if (index + 1 < BARS) {
        high = bar_probe(device, index + 1);
        bar->is_64bit = true;
        bar_set(bar, VIRTIO_SPACE_MEMORY, (uint64_t)high.address << 32 | low.address,
                (uint64_t)high.mask << 32 | memory_mask);
    }
    return 2;
}

int virtio_pci_bars_find(struct virtio_device *device)
{
    struct virtio_pci_function *function = &device->pci;
    unsigned index = 0;

    if ((virtio_pci_read(device, PCI_ID, 4) & 0xffffu) != VIRTIO_PCI_VENDOR)
        return VIRTIO_E_GONE;
    function->saved_command = (uint16_t)virtio_pci_read(device, PCI_COMMAND, 2);
    /* While a BAR is all ones the function must not answer there. */
    virtio_pci_write(device, PCI_COMMAND, 2,
                     function->saved_command & ~(uint32_t)(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    while (index < BARS)
        index += bar_decode(device, index);
    virtio_pci_write(device, PCI_COMMAND, 2, function->saved_command);
    return VIRTIO_OK;
}

/* Decoding is switched on for a whole space. One BAR without an address makes the others of its space
 * unusable too, for it would answer at address 0. */
static bool space_is_assigned(const struct virtio_device *device, enum virtio_space space)
{
    unsigned index;

    for (index = 0; index < BARS; index++)
        if (device->pci.bars[index].space == space && device->pci.bars[index].address == 0)
            return false;
    return true;
}

int virtio_pci_bar_reach(struct virtio_device *device, unsigned index, struct virtio_region *region)
{
    struct virtio_pci_bar *bar = &device->pci.bars[index];

    if (bar->space == VIRTIO_SPACE_NONE)
        return VIRTIO_E_CAPABILITY;
    *region = (struct virtio_region){
        .space = bar->space,
        .bar = (uint8_t)index,
        .length = bar->size > UINT32_MAX ? UINT32_MAX : (uint32_t)bar->size,
        .address = bar->address,
    };
    if (!space_is_assigned(device, bar->space))
        return VIRTIO_E_BAR_UNASSIGNED;
    if (bar->space == VIRTIO_SPACE_IO)
        return virtio_host_has_ports(device->host, bar->address, bar->size)
                   ? VIRTIO_OK
                   : VIRTIO_E_BAR_UNREACHABLE;
    if (device->host->register_read)
        return VIRTIO_OK;
    if (!bar->pointer && bar->size <= SIZE_MAX)
        bar->pointer = virtio_host_mmio_map(device->host, bar->address, (size_t)bar->size);
    region->pointer = bar->pointer;
    return bar->pointer ? VIRTIO_OK : VIRTIO_E_BAR_UNREACHABLE;
}

void virtio_pci_enable(const struct virtio_device *device)
{
    uint32_t command = device->pci.saved_command | PCI_COMMAND_MASTER;

    if (space_is_assigned(device, VIRTIO_SPACE_IO))
        command |= PCI_COMMAND_IO;
    if (space_is_assigned(device, VIRTIO_SPACE_MEMORY))
        command |= PCI_COMMAND_MEMORY;
    virtio_pci_write(device, PCI_COMMAND, 2, command);
}

void virtio_pci_close(struct virtio_device *device)
{
    unsigned index;

    virtio_pci_write(device, PCI_COMMAND, 2, device->pci.saved_command);
    for (index = 0; index < BARS; index++) {
        struct virtio_pci_bar *bar = &device->pci.bars[index];

        if (bar->pointer)
            virtio_host_mmio_unmap(device->host, (void *)(uintptr_t)bar->pointer,
                                   (size_t)bar->size);
        bar->pointer = NULL;
    }
}
