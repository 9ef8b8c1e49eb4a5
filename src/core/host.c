/* SPDX-License-Identifier: MIT */
/*
 * The ready-made host for identity-mapped kernels, and the check of a host's completeness. Owns nothing.
 */
#include <stdbool.h>
#include <virtio/arena.h>
#include <virtio/error.h>
#include <virtio/host.h>

static void *arena_dma_allocate(void *ctx, size_t size, size_t alignment, uint64_t address_limit,
                                unsigned flags, uint64_t *device_address)
{
    void *memory = virtio_arena_allocate(ctx, size, alignment);

    (void)flags;
    if (memory == NULL)
        return NULL;
    *device_address = (uintptr_t)memory;
    if (*device_address + (size - 1) > address_limit) {
        virtio_arena_free(ctx, memory, size);
        return NULL;
    }
    return memory;
}

static void arena_dma_free(void *ctx, void *memory, size_t size, uint64_t device_address)
{
    (void)device_address;
    virtio_arena_free(ctx, memory, size);
}

static void *arena_allocate(void *ctx, size_t size)
{
    return virtio_arena_allocate(ctx, size, 1);
}

static void arena_free(void *ctx, void *memory, size_t size)
{
    virtio_arena_free(ctx, memory, size);
}

void virtio_host_identity(struct virtio_host *host, struct virtio_arena *arena,
                          uint64_t (*now_us)(void *ctx))
{
    *host = (struct virtio_host){
        .ctx = arena,
        .dma_allocate = arena_dma_allocate,
        .dma_free = arena_dma_free,
        .allocate = arena_allocate,
        .free = arena_free,
        .now_us = now_us,
    };
}

int virtio_host_check(const struct virtio_host *host)
{
    bool complete;

    if (host == NULL)
        return VIRTIO_E_INVALID;
    complete = host->dma_allocate != NULL && host->dma_free != NULL && host->allocate != NULL &&
               host->free != NULL && (host->now_us != NULL || host->stall_us != NULL) &&
               (host->map == NULL) == (host->unmap == NULL) &&
               (host->register_read == NULL) == (host->register_write == NULL) &&
               (host->pci_config_read == NULL) == (host->pci_config_write == NULL);
    return complete ? VIRTIO_OK : VIRTIO_E_INVALID;
}
