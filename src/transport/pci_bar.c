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
    BAR_MEMORY_FLAGS = 0xf
};

#define BARS 6u

/* The six registers. */
struct registers {
    uint32_t address[BARS]; /* as found */
    uint32_t mask[BARS];    /* as read after all ones were written */
};

static void probe(const struct virtio_device *device, struct registers *registers)
{
    unsigned index;

    for (index = 0; index < BARS; index++) {
        const unsigned offset = PCI_BAR0 + 4 * index;

        registers->address[index] = virtio_pci_read(device, offset, 4);
        virtio_pci_write(device, offset, 4, 0xffffffffu);
        registers->mask[index] = virtio_pci_read(device, offset, 4);
        virtio_pci_write(device, offset, 4, registers->address[index]);
    }
}

static uint16_t decode_bit(enum virtio_space space)
{
    return space == VIRTIO_SPACE_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
}

/* Fill in the BARs. One that is zero has no address, and neither has one with the ones of somebody's
 * sizing left in it. Decoding is switched on for a whole space, so that one BAR without an address makes
 * the others of its space unusable: it would answer at address 0. */
static void decode(struct virtio_pci_function *function, const struct registers *registers)
{
    unsigned index;

    for (index = 0; index < BARS; index++) {
        struct virtio_pci_bar *bar = &function->bars[index];
        uint32_t flags = registers->mask[index];
        uint64_t address = registers->address[index];
        uint64_t mask = flags & ~(uint32_t)BAR_IO_FLAGS;

        bar->space = VIRTIO_SPACE_IO;
        if ((flags & BAR_IO) == 0) {
            bar->space = VIRTIO_SPACE_MEMORY;
            mask = flags & ~(uint32_t)BAR_MEMORY_FLAGS;
            bar->is_64bit = (flags & BAR_MEMORY_TYPE) == BAR_MEMORY_64BIT;
        }
        if (bar->is_64bit && ++index < BARS) {
            address |= (uint64_t)registers->address[index] << 32;
            mask |= (uint64_t)registers->mask[index] << 32;
        }
        address &= mask;
        bar->size = mask & (~mask + 1);
        if (mask == 0 || index == BARS)
            bar->space = VIRTIO_SPACE_NONE;
        else if (address == 0 || address == mask)
            function->decode = (uint16_t)(function->decode & ~(unsigned)decode_bit(bar->space));
        else
            bar->address = address;
    }
}

int virtio_pci_bars_find(struct virtio_device *device)
{
    struct virtio_pci_function *function = &device->pci;
    struct registers registers;

    if (virtio_pci_read(device, PCI_ID, 2) != VIRTIO_PCI_VENDOR)
        return VIRTIO_E_GONE;
    function->saved_command = (uint16_t)virtio_pci_read(device, PCI_COMMAND, 2);
    /* While a BAR is all ones the function must not answer there. */
    virtio_pci_write(device, PCI_COMMAND, 2,
                     function->saved_command & ~(unsigned)(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    probe(device, &registers);
    virtio_pci_write(device, PCI_COMMAND, 2, function->saved_command);
    function->decode = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
    decode(function, &registers);
    return VIRTIO_OK;
}

/* Can the CPU reach this BAR? Maps it at the first call. */
static bool within_reach(const struct virtio_host *host, struct virtio_pci_bar *bar)
{
    if (host->register_read)
        return true;
    if (bar->space == VIRTIO_SPACE_IO) /* and so of 32 bits; its size is a power of two */
        return VIRTIO_NATIVE_PORTS &&
               ((uint32_t)bar->address | ((uint32_t)bar->size - 1)) <= 0xffff;
    if (!bar->pointer && bar->size <= SIZE_MAX)
        bar->pointer = virtio_host_mmio_map(host, bar->address, (size_t)bar->size);
    return bar->pointer != NULL;
}

int virtio_pci_bar_reach(struct virtio_device *device, unsigned index, uint32_t offset,
                         uint32_t length, struct virtio_region *region)
{
    struct virtio_pci_bar *bar = &device->pci.bars[index];

    if (bar->space == VIRTIO_SPACE_NONE || (uint64_t)offset + length > bar->size)
        return VIRTIO_E_CAPABILITY;
    if ((device->pci.decode & decode_bit(bar->space)) == 0)
        return VIRTIO_E_BAR_UNASSIGNED;
    region->bar = (uint8_t)index;
    region->length = length;
    region->pointer = NULL;
    if (!within_reach(device->host, bar)) {
        region->space = VIRTIO_SPACE_PCI_WINDOW;
        region->address = offset;
        return VIRTIO_E_BAR_UNREACHABLE;
    }
    region->space = bar->space;
    region->address = bar->address + offset;
    if (bar->pointer)
        region->pointer = bar->pointer + offset;
    return VIRTIO_OK;
}

void virtio_pci_enable(const struct virtio_device *device)
{
    virtio_pci_write(device, PCI_COMMAND, 2,
                     (unsigned)device->pci.saved_command | device->pci.decode | PCI_COMMAND_MASTER);
}

void virtio_pci_close(struct virtio_device *device)
{
    struct virtio_pci_bar *bar = device->pci.bars;

    virtio_pci_write(device, PCI_COMMAND, 2, device->pci.saved_command);
    for (; bar < device->pci.bars + BARS; bar++) {
        if (bar->pointer)
            virtio_host_mmio_unmap(device->host, (void *)(uintptr_t)bar->pointer,
                                   (size_t)bar->size);
        bar->pointer = NULL;
    }
}
