/* SPDX-License-Identifier: MIT */
/*
 * Regions: reading and writing device registers wherever they are, and doorbells.
 *
 * This file owns every register access of the library. Each access is one access of exactly the width
 * asked for; all registers are little-endian. It does no bounds check but at set-up (slices,
 * doorbells) and must not know what any register means.
 *
 * Spec: 4.1.3.1 (access widths), 4.1.4.9 (PCI configuration access capability), 4.2.2.2.
 */
#include "pci_internal.h"
#include "../core/endian.h"

/* What the CPU wrote to memory must be visible before a register write that makes the device look. */
static inline void order_write(void)
{
#if defined(__aarch64__)
    __asm__ volatile("dmb oshst" ::: "memory");
#elif defined(__riscv)
    __asm__ volatile("fence w, o" ::: "memory");
#elif defined(__i386__) || defined(__x86_64__)
    __asm__ volatile("" ::: "memory"); /* the CPU keeps stores in order */
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* And memory must not be read before the register that said it is ready. */
static inline void order_read(void)
{
#if defined(__aarch64__)
    __asm__ volatile("dmb oshld" ::: "memory");
#elif defined(__riscv)
    __asm__ volatile("fence i, r" ::: "memory");
#elif defined(__i386__) || defined(__x86_64__)
    __asm__ volatile("" ::: "memory");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static uint32_t memory_read(const volatile void *pointer, unsigned width)
{
    uint32_t value;

    if (width == 1)
        value = *(const volatile uint8_t *)pointer;
    else if (width == 2)
        value = virtio_order16(false, *(const volatile uint16_t *)pointer);
    else
        value = virtio_order32(false, *(const volatile uint32_t *)pointer);
    order_read();
    return value;
}

static void memory_write(volatile void *pointer, unsigned width, uint32_t value)
{
    order_write();
    if (width == 1)
        *(volatile uint8_t *)pointer = (uint8_t)value;
    else if (width == 2)
        *(volatile uint16_t *)pointer = virtio_order16(false, (uint16_t)value);
    else
        *(volatile uint32_t *)pointer = virtio_order32(false, value);
}

static uint32_t port_read(uint16_t port, unsigned width)
{
    uint32_t value = 0;

#if VIRTIO_NATIVE_PORTS
    if (width == 1)
        __asm__ volatile("inb %w1, %b0" : "+a"(value) : "Nd"(port) : "memory");
    else if (width == 2)
        __asm__ volatile("inw %w1, %w0" : "+a"(value) : "Nd"(port) : "memory");
    else
        __asm__ volatile("inl %w1, %k0" : "+a"(value) : "Nd"(port) : "memory");
#else
    (void)port;
    value = 0xffffffffu >> (32 - 8 * width); /* as where nobody answers */
#endif
    return value;
}

static void port_write(uint16_t port, unsigned width, uint32_t value)
{
#if VIRTIO_NATIVE_PORTS
    if (width == 1)
        __asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port) : "memory");
    else if (width == 2)
        __asm__ volatile("outw %w0, %w1" : : "a"(value), "Nd"(port) : "memory");
    else
        __asm__ volatile("outl %k0, %w1" : : "a"(value), "Nd"(port) : "memory");
#else
    (void)port;
    (void)width;
    (void)value;
#endif
}

uint32_t virtio_register_read(const struct virtio_host *host, const struct virtio_region *region,
                              uint32_t offset, unsigned width)
{
    if (host->register_read)
        return host->register_read(host->ctx, region->space, region->address + offset, width);
    if (region->space == VIRTIO_SPACE_IO)
        return port_read((uint16_t)(region->address + offset), width);
    return memory_read(region->pointer + offset, width);
}

void virtio_register_write(const struct virtio_host *host, const struct virtio_region *region,
                           uint32_t offset, unsigned width, uint32_t value)
{
    if (host->register_write)
        host->register_write(host->ctx, region->space, region->address + offset, width, value);
    else if (region->space == VIRTIO_SPACE_IO)
        port_write((uint16_t)(region->address + offset), width, value);
    else
        memory_write(region->pointer + offset, width, value);
}

/* Point the window at a register; returns where in configuration space its value is then. The length
 * goes before the offset, so that the offset is a multiple of the length at any time. */
static unsigned window_aim(const struct virtio_device *device, const struct virtio_region *region,
                           uint32_t offset, unsigned width)
{
    const unsigned capability = device->pci.window_capability;

    virtio_pci_write(device, capability + PCI_WINDOW_BAR, 1, region->bar);
    virtio_pci_write(device, capability + PCI_WINDOW_LENGTH, 4, width);
    virtio_pci_write(device, capability + PCI_WINDOW_OFFSET, 4, (uint32_t)region->address + offset);
    return capability + PCI_WINDOW_DATA;
}

uint32_t virtio_region_read(const struct virtio_device *device, const struct virtio_region *region,
                            uint32_t offset, unsigned width)
{
    if (region->space == VIRTIO_SPACE_PCI_WINDOW)
        return virtio_pci_read(device, window_aim(device, region, offset, width), width);
    return virtio_register_read(device->host, region, offset, width);
}

void virtio_region_write(const struct virtio_device *device, const struct virtio_region *region,
                         uint32_t offset, unsigned width, uint32_t value)
{
    if (region->space == VIRTIO_SPACE_PCI_WINDOW)
        virtio_pci_write(device, window_aim(device, region, offset, width), width, value);
    else
        virtio_register_write(device->host, region, offset, width, value);
}

int virtio_region_slice(const struct virtio_region *region, uint64_t offset, uint32_t length,
                        struct virtio_region *slice)
{
    const uint32_t start = (uint32_t)offset;

    if (offset != start || start > region->length || length > region->length - start)
        return VIRTIO_E_CAPABILITY;
    *slice = *region;
    slice->length = length;
    slice->address += start;
    if (slice->pointer)
        slice->pointer += start;
    return VIRTIO_OK;
}

/* The doorbells. Each of the native ones is one store or one port write and nothing else. */

static void ring_memory16(const struct virtio_doorbell *doorbell, uint32_t value)
{
    memory_write(doorbell->region.pointer, 2, value);
}

static void ring_memory32(const struct virtio_doorbell *doorbell, uint32_t value)
{
    memory_write(doorbell->region.pointer, 4, value);
}

static void ring_port16(const struct virtio_doorbell *doorbell, uint32_t value)
{
    port_write((uint16_t)doorbell->region.address, 2, value);
}

/* Hooks, the window, and what is too rare for a function of its own. */
static void ring_region(const struct virtio_doorbell *doorbell, uint32_t value)
{
    virtio_region_write(doorbell->device, &doorbell->region, 0, doorbell->width, value);
}

int virtio_doorbell_make(const struct virtio_device *device, const struct virtio_region *region,
                         uint64_t offset, uint8_t width, struct virtio_doorbell *doorbell)
{
    if (virtio_region_slice(region, offset, width, &doorbell->region) != VIRTIO_OK ||
        ((uint32_t)doorbell->region.address & (width - 1u)) != 0)
        return VIRTIO_E_CAPABILITY;
    doorbell->device = device;
    doorbell->width = width;
    doorbell->ring = ring_region;
    if (device->host->register_write)
        return VIRTIO_OK;
    if (region->space == VIRTIO_SPACE_MEMORY)
        doorbell->ring = width == 2 ? ring_memory16 : ring_memory32;
    else if (region->space == VIRTIO_SPACE_IO && width == 2)
        doorbell->ring = ring_port16;
    return VIRTIO_OK;
}

void *virtio_host_mmio_map(const struct virtio_host *host, uint64_t address, size_t size)
{
    if (host->mmio_map)
        return host->mmio_map(host->ctx, address, size);
    if (address > UINTPTR_MAX || size - 1 > UINTPTR_MAX - (uintptr_t)address)
        return NULL;
    return (void *)(uintptr_t)address;
}

void virtio_host_mmio_unmap(const struct virtio_host *host, void *memory, size_t size)
{
    if (host->mmio_map && host->mmio_unmap)
        host->mmio_unmap(host->ctx, memory, size);
}
