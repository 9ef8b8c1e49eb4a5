/* SPDX-License-Identifier: MIT */
/*
 * The hostile device as a PCI function: configuration space with BARs, capabilities and the window (spec 4.1.4,
 * 4.1.4.9), and registers that are mapped instead of hooked. The function is number 0 of device 3 on bus 0;
 * whoever looks elsewhere finds what the stream has there, mostly nothing.
 */
#include "hostile.h"

#include <sanitizer/asan_interface.h>

enum {
    COMMAND = 0x04,
    BARS = 0x10,
    BARS_END = 0x28,
    WINDOW = 0x84
};

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value & 0xffff);
    put16(at + 2, value >> 16);
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, 4);
    return value;
}

static void put_capability(uint8_t *pci, unsigned at, unsigned next, unsigned length, unsigned type,
                           uint32_t offset, uint32_t size)
{
    pci[at] = 9;
    pci[at + 1] = (uint8_t)next;
    pci[at + 2] = (uint8_t)length;
    pci[at + 3] = (uint8_t)type;
    pci[at + 4] = 4;
    put32(pci + at + 8, offset);
    put32(pci + at + 12, size);
}

void hostile_pci_make(struct hostile *hostile)
{
    uint8_t *pci = hostile->pci;
    bool legacy = hostile->transport == HOSTILE_PCI_LEGACY;

    memset(pci, 0, sizeof(hostile->pci));
    memset(hostile->bar_mask, 0, sizeof(hostile->bar_mask));
    put16(pci, 0x1af4);
    put16(pci + 2, legacy ? 0x1000 : 0x1040 + (hostile->type & 0x3f));
    put16(pci + 0x2e, hostile->type & 0xffff);
    pci[0x08] = legacy ? 0 : 1;
    if (legacy) {
        put32(pci + BARS, HOSTILE_BAR0 | 1);
        hostile->bar_mask[0] = ~(HOSTILE_BAR0_SIZE - 1) | 1;
        return;
    }
    put32(pci + BARS + 16, (uint32_t)HOSTILE_BAR4 | 4);
    put32(pci + BARS + 20, (uint32_t)(HOSTILE_BAR4 >> 32));
    hostile->bar_mask[4] = ~(HOSTILE_BAR4_SIZE - 1) | 4;
    hostile->bar_mask[5] = 0xffffffffu;
    pci[0x06] = 0x10;
    pci[0x34] = 0x40;
    put_capability(pci, 0x40, 0x50, 16, 1, 0, 0x1000);
    put_capability(pci, 0x50, 0x64, 20, 2, 0x3000, 0x1000);
    put32(pci + 0x60, 4);
    put_capability(pci, 0x64, 0x74, 16, 3, 0x1000, 0x1000);
    put_capability(pci, 0x74, WINDOW, 16, 4, 0x2000, HOSTILE_CONFIG);
    put_capability(pci, WINDOW, 0, 20, 5, 0, 0);
}

static bool is_here(struct virtio_pci_address address)
{
    return address.segment == 0 && address.bus == 0 && address.device == 3 && address.function == 0;
}

/* The data of the window is a register. */
static bool is_window(struct hostile *hostile, unsigned offset, unsigned width, uint64_t *address)
{
    const uint8_t *window = hostile->pci + WINDOW;

    if (offset != WINDOW + 16 || hostile->transport == HOSTILE_PCI_LEGACY)
        return false;
    if (!hostile->lied && !hostile->patched) {
        hostile_require(get32(window + 12) == width);
        hostile_require(get32(window + 8) <= HOSTILE_BAR4_SIZE - width && window[4] == 4);
    }
    *address = HOSTILE_BAR4 + get32(window + 8);
    return true;
}

/* What other functions say: the script may have a few, to begin with. */
static uint32_t read_elsewhere(struct hostile *hostile, struct virtio_pci_address address,
                               unsigned offset)
{
    if (hostile->elsewhere == 0 || address.bus < hostile->elsewhere_from ||
        address.bus > hostile->elsewhere_from + 4u)
        return 0xffffffffu;
    switch (offset) {
    case 0:
        return hostile->elsewhere_id;
    case 0x0e:
        return hostile->elsewhere_header;
    case 0x19:
        return address.bus + hostile->elsewhere;
    default:
        return 0;
    }
}

uint32_t hostile_pci_read(struct hostile *hostile, struct virtio_pci_address address,
                          unsigned offset, unsigned width)
{
    uint64_t window = 0;
    uint32_t value = 0;

    hostile_require(width == 1 || width == 2 || width == 4);
    hostile_require((offset & (width - 1)) == 0);
    if (!is_here(address))
        return hostile_answer(hostile, (uint64_t)address.bus << 32 | offset, width,
                              read_elsewhere(hostile, address, offset));
    if (offset >= sizeof(hostile->pci))
        return 0;
    if (is_window(hostile, offset, width, &window) && (window & (width - 1)) == 0)
        return hostile_register_read(hostile, VIRTIO_SPACE_MEMORY, window, width);
    memcpy(&value, hostile->pci + offset, width);
    return hostile_answer(hostile, UINT64_C(0xcf8) << 32 | offset, width, value);
}

void hostile_pci_write(struct hostile *hostile, struct virtio_pci_address address, unsigned offset,
                       unsigned width, uint32_t value)
{
    uint64_t window = 0;

    hostile_require(width == 1 || width == 2 || width == 4);
    hostile_require((offset & (width - 1)) == 0);
    if (!is_here(address) || offset >= sizeof(hostile->pci))
        return;
    if (is_window(hostile, offset, width, &window)) {
        if ((window & (width - 1)) == 0)
            hostile_register_write(hostile, VIRTIO_SPACE_MEMORY, window, width, value);
    } else if (offset >= BARS && offset < BARS_END && width == 4) {
        unsigned bar = (offset - BARS) / 4;
        uint32_t flags = (hostile->bar_mask[bar] & 1) != 0 ? 3 : 15;

        /* The upper half of a BAR of 64 bits has no flags. */
        if (bar == 5 && hostile->bar_mask[4] != 0)
            flags = 0;
        put32(hostile->pci + offset,
              (value & hostile->bar_mask[bar] & ~flags) | (hostile->bar_mask[bar] & flags));
    } else if (offset == COMMAND && width == 2) {
        put16(hostile->pci + COMMAND, value);
    } else if (offset >= WINDOW + 4 && offset < WINDOW + 16 &&
               hostile->transport != HOSTILE_PCI_LEGACY) {
        memcpy(hostile->pci + offset, &value, width);
    } else {
        hostile_require(hostile->lied || hostile->patched);
    }
}

/* Registers that are mapped --------------------------------------------------------------------------- */

#define MAPPED_SIZE 0x4000u

static _Alignas(4096) uint8_t mapped[MAPPED_SIZE];
static uint64_t mapped_address;
static size_t mapped_size;

void *hostile_mmio_map(void *ctx, uint64_t physical_address, size_t size)
{
    struct hostile *hostile = ctx;

    hostile_event(hostile);
    hostile_require(size != 0);
    hostile_require(hostile->host.register_read == NULL);
    if (hostile->transport != HOSTILE_PCI_NATIVE || size > MAPPED_SIZE ||
        hostile->mapped_registers != 0)
        return NULL;
    hostile->mapped_registers++;
    mapped_address = physical_address;
    mapped_size = size;
    ASAN_POISON_MEMORY_REGION(mapped, MAPPED_SIZE);
    ASAN_UNPOISON_MEMORY_REGION(mapped, size);
    return mapped;
}

void hostile_mmio_unmap(void *ctx, void *memory, size_t size)
{
    struct hostile *hostile = ctx;

    hostile_event(hostile);
    hostile_require(memory == mapped && size == mapped_size && hostile->mapped_registers == 1);
    hostile->mapped_registers--;
    ASAN_POISON_MEMORY_REGION(mapped, MAPPED_SIZE);
}

static bool is_mapped(const void *address, unsigned width)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)mapped;

    return offset < mapped_size && width <= mapped_size - offset;
}

void hostile_native_load(struct hostile *hostile, void *address, unsigned width)
{
    uint32_t value;

    if (!is_mapped(address, width))
        return;
    hostile_event(hostile);
    value = hostile_register_read(hostile, VIRTIO_SPACE_MEMORY,
                                  mapped_address + (size_t)((uint8_t *)address - mapped), width);
    memcpy(address, &value, width);
}

void hostile_native_store(struct hostile *hostile, void *address, unsigned width)
{
    if (!is_mapped(address, width))
        return;
    hostile_event(hostile); /* settles the one before */
    hostile->stored = address;
    hostile->attention = true;
    hostile->stored_width = width;
}

void hostile_native_settle(struct hostile *hostile)
{
    uint8_t *address = hostile->stored;
    uint32_t value = 0;

    hostile->stored = NULL;
    memcpy(&value, address, hostile->stored_width);
    hostile_register_write(hostile, VIRTIO_SPACE_MEMORY,
                           mapped_address + (size_t)(address - mapped), hostile->stored_width,
                           value);
}
