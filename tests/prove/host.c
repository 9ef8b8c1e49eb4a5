/* SPDX-License-Identifier: MIT */
/*
 * Implementation of the proofs' host: registers and configuration space that read as anything, memory from
 * Frama-C's own heap, whose bounds, use after free and double free are checked, or none, and a clock
 * of any reading.
 */
#include <stdlib.h>
#include "host.h"

uint32_t prove_any(void)
{
    return (uint32_t)Frama_C_unsigned_int_interval(0, UINT32_MAX);
}

uint64_t prove_any64(void)
{
    return (uint64_t)prove_any() << 32 | prove_any();
}

uint32_t prove_below(uint32_t bound)
{
    return (uint32_t)Frama_C_unsigned_int_interval(0, bound - 1);
}

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void release(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    (void)size;
    free(memory);
}

static void *dma_allocate(void *ctx, size_t size, size_t alignment, uint64_t address_limit,
                          unsigned flags, uint64_t *device_address)
{
    (void)alignment;
    (void)address_limit;
    (void)flags;
    *device_address = prove_any64();
    return allocate(ctx, size);
}

static void dma_free(void *ctx, void *memory, size_t size, uint64_t device_address)
{
    (void)device_address;
    release(ctx, memory, size);
}

static uint64_t now_us(void *ctx)
{
    (void)ctx;
    return prove_any64();
}

static void relax(void *ctx)
{
    (void)ctx;
}

static uint32_t register_read(void *ctx, enum virtio_space space, uint64_t address, unsigned width)
{
    (void)ctx;
    (void)space;
    (void)address;
    /*@ assert a_width: width == 1 || width == 2 || width == 4; */
    return width == 4 ? prove_any() : prove_below(width == 1 ? 0x100 : 0x10000);
}

static void register_write(void *ctx, enum virtio_space space, uint64_t address, unsigned width,
                           uint32_t value)
{
    (void)ctx;
    (void)space;
    (void)address;
    (void)value;
    /*@ assert a_width: width == 1 || width == 2 || width == 4; */
}

static uint32_t config_read(void *ctx, struct virtio_pci_address address, uint16_t offset,
                            unsigned width)
{
    (void)address;
    /*@ assert in_config_space: offset + width <= 4096; */
    return register_read(ctx, VIRTIO_SPACE_NONE, 0, width);
}

static void config_write(void *ctx, struct virtio_pci_address address, uint16_t offset,
                         unsigned width, uint32_t value)
{
    (void)address;
    /*@ assert in_config_space: offset + width <= 4096; */
    register_write(ctx, VIRTIO_SPACE_NONE, 0, width, value);
}

static void log_line(void *ctx, enum virtio_log_level level, const char *message)
{
    (void)ctx;
    (void)level;
    /*@ assert a_string: valid_read_string(message); */
    (void)message;
}

const struct virtio_host prove_host = {
    .dma_allocate = dma_allocate,
    .dma_free = dma_free,
    .allocate = allocate,
    .free = release,
    .now_us = now_us,
    .register_read = register_read,
    .register_write = register_write,
    .pci_config_read = config_read,
    .pci_config_write = config_write,
    .relax = relax,
    .log = log_line,
};
