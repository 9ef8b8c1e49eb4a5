/* SPDX-License-Identifier: MIT */
/*
 * The hooks. Virtual and physical addresses are the same, and DMA is coherent, so map, unmap and sync
 * are left out: the library's defaults are right.
 */
#include "host.h"

#include "clock.h"
#include "pages.h"
#include "paging.h"

#include <stddef.h>
#include <stdio.h>

#define BELOW_4_GIB 0xffffffffu

static enum pages_place dma_place;
static struct virtio_host host;

static size_t pages_for(size_t size)
{
    return size / PAGE_SIZE + (size % PAGE_SIZE != 0);
}

static void *host_dma_allocate(void *ctx, size_t size, size_t alignment, uint64_t address_limit,
                               unsigned flags, uint64_t *device_address)
{
    size_t count = pages_for(size);
    void *memory;

    (void)ctx;
    (void)flags; /* there is no IOMMU: the platform's addresses are physical */
    memory = pages_allocate(count, alignment,
                            address_limit <= BELOW_4_GIB ? PAGES_BELOW_4_GIB : dma_place);
    if (memory == NULL) {
        return NULL;
    }
    if ((uintptr_t)memory + (size - 1) > address_limit) {
        pages_free(memory, count);
        return NULL;
    }
    *device_address = (uintptr_t)memory;
    return memory;
}

static void host_dma_free(void *ctx, void *memory, size_t size, uint64_t device_address)
{
    (void)ctx;
    (void)device_address;
    pages_free(memory, pages_for(size));
}

static void *host_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return pages_allocate(pages_for(size), PAGE_SIZE, PAGES_ANYWHERE);
}

static void host_free(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    pages_free(memory, pages_for(size));
}

static uint64_t host_now_us(void *ctx)
{
    (void)ctx;
    return clock_microseconds();
}

static void *host_mmio_map(void *ctx, uint64_t physical_address, size_t size)
{
    (void)ctx;
    return paging_map(physical_address, size, MAPPING_DEVICE);
}

static void host_log(void *ctx, enum virtio_log_level level, const char *message)
{
    static const char *const names[] = {"error: ", "warning: ", ""};

    (void)ctx;
    printf("# %s%s\n", level <= VIRTIO_LOG_INFO ? names[level] : "", message);
}

const struct virtio_host *host_init(bool memory_high)
{
    dma_place = memory_high ? PAGES_HIGH : PAGES_ANYWHERE;
    host = (struct virtio_host){
        .dma_allocate = host_dma_allocate,
        .dma_free = host_dma_free,
        .allocate = host_allocate,
        .free = host_free,
        .now_us = host_now_us,
        .mmio_map = host_mmio_map,
        .log = host_log,
    };
    return &host;
}
