/* SPDX-License-Identifier: MIT */
/*
 * Implementation of the proofs' host: registers and configuration space that read as anything, memory from
 * Frama-C's own heap, whose bounds, use after free and double free are checked, or none, and a clock
 * of any reading.
 */
#include <stdlib.h>
#include "host.h"

struct virtio_host prove_host;
static volatile uint8_t block[PROVE_BLOCK];

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

bool prove_maybe(void)
{
    return prove_below(2) != 0;
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

static int map(void *ctx, void *memory, size_t size, enum virtio_direction direction,
               unsigned flags, struct virtio_mapping *mapping)
{
    (void)ctx;
    (void)flags;
    mapping->memory = memory;
    mapping->size = prove_maybe() ? size : prove_any64();
    mapping->device_address = prove_any64();
    mapping->direction = direction;
    mapping->token = NULL;
    return prove_maybe() ? VIRTIO_OK : -(int)prove_below(100);
}

static int unmap(void *ctx, const struct virtio_mapping *mapping)
{
    (void)ctx;
    (void)mapping;
    return -(int)prove_below(100);
}

static void sync(void *ctx, void *memory, size_t size, enum virtio_sync give_to)
{
    (void)ctx;
    (void)memory;
    (void)size;
    (void)give_to;
}

static uint64_t now_us(void *ctx)
{
    (void)ctx;
    return prove_any64();
}

static void stall_us(void *ctx, uint32_t microseconds)
{
    (void)ctx;
    /*@ assert a_stall: 1 <= microseconds <= 1000; */
    (void)microseconds;
}

static void relax(void *ctx)
{
    (void)ctx;
}

static uint32_t value_of(unsigned width)
{
    /*@ assert a_width: width == 1 || width == 2 || width == 4; */
    return width == 4 ? prove_any() : prove_below(width == 1 ? 0x100 : 0x10000);
}

static uint32_t register_read(void *ctx, enum virtio_space space, uint64_t address, unsigned width)
{
    (void)ctx;
    (void)space;
    (void)address;
    return value_of(width);
}

static void register_write(void *ctx, enum virtio_space space, uint64_t address, unsigned width,
                           uint32_t value)
{
    (void)ctx;
    (void)space;
    (void)address;
    (void)value;
    (void)value_of(width);
}

static uint32_t config_read(void *ctx, struct virtio_pci_address address, uint16_t offset,
                            unsigned width)
{
    (void)ctx;
    (void)address;
    /*@ assert in_config_space: offset + width <= 4096; */
    (void)offset;
    return value_of(width);
}

static void config_write(void *ctx, struct virtio_pci_address address, uint16_t offset,
                         unsigned width, uint32_t value)
{
    (void)ctx;
    (void)address;
    (void)value;
    /*@ assert in_config_space: offset + width <= 4096; */
    (void)offset;
    (void)value_of(width);
}

static void *mmio_map(void *ctx, uint64_t physical_address, size_t size)
{
    (void)ctx;
    (void)physical_address;
    return size == PROVE_BLOCK && prove_maybe() ? (void *)(uintptr_t)block : NULL;
}

static void mmio_unmap(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    /*@ assert what_was_mapped: memory == (void *)&block[0] && size == PROVE_BLOCK; */
    (void)memory;
    (void)size;
}

static void log_line(void *ctx, enum virtio_log_level level, const char *message)
{
    (void)ctx;
    (void)level;
    /*@ assert a_string: \valid_read(message); */
    (void)message;
}

void prove_host_begin(bool native)
{
    prove_host = (struct virtio_host){
        .dma_allocate = dma_allocate,
        .dma_free = dma_free,
        .allocate = allocate,
        .free = release,
        .now_us = now_us,
        .pci_config_read = config_read,
        .pci_config_write = config_write,
        .relax = relax,
        .log = log_line,
    };
    if (native) {
        prove_host.mmio_map = mmio_map;
        prove_host.mmio_unmap = mmio_unmap;
    } else {
        prove_host.register_read = register_read;
        prove_host.register_write = register_write;
    }
}

/* A choice by index, for the branches of a function are one state again when it returns. */
#define EITHER(hook) ((__typeof__(&hook)[]){NULL, hook}[prove_below(2)])

void prove_host_vary(void)
{
    prove_host.stall_us = EITHER(stall_us);
    prove_host.map = EITHER(map);
    prove_host.unmap = EITHER(unmap);
    prove_host.sync = EITHER(sync);
    prove_host.relax = EITHER(relax);
    prove_host.log = EITHER(log_line);
}
