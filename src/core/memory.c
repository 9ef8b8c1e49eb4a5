/* SPDX-License-Identifier: MIT */
/*
 * Memory shared with a device: allocation and mapping through the host's hooks, with the hooks' answers
 * checked. The transports put these functions into their tables; drivers use the public names below.
 */
#include "bytes.h"
#include "../transport/transport_internal.h"

/* A legacy device is told a 32-bit number of a 4096-byte page (spec 4.1.5.1.3 legacy, 4.2.4). */
#define LEGACY_ADDRESS_LIMIT ((UINT64_C(1) << 44) - 1)

static unsigned dma_flags(const struct virtio_device *device)
{
    return virtio_has_feature(device, VIRTIO_F_ACCESS_PLATFORM) ? VIRTIO_DMA_ACCESS_PLATFORM : 0;
}

int virtio_common_allocate_shared(const struct virtio_device *device, size_t size, size_t alignment,
                                  struct virtio_shared *shared)
{
    const struct virtio_host *host = device->host;
    uint64_t limit = device->legacy ? LEGACY_ADDRESS_LIMIT : UINT64_MAX;
    uint64_t last;

    shared->size = size;
    shared->memory = host->dma_allocate(host->ctx, size, alignment, limit, dma_flags(device),
                                        &shared->device_address);
    if (shared->memory == NULL)
        return VIRTIO_E_NO_MEMORY;
    last = shared->device_address + (size - 1);
    if (((size_t)shared->device_address & (alignment - 1)) != 0 || last > limit ||
        last < shared->device_address) {
        virtio_common_free_shared(device, shared);
        return VIRTIO_E_INVALID;
    }
    memset(shared->memory, 0, size);
    return VIRTIO_OK;
}

void virtio_common_free_shared(const struct virtio_device *device, struct virtio_shared *shared)
{
    const struct virtio_host *host = device->host;

    host->dma_free(host->ctx, shared->memory, shared->size, shared->device_address);
    shared->memory = NULL;
}

int virtio_common_map_shared_buffer(const struct virtio_device *device, void *memory, size_t size,
                                    enum virtio_direction direction, struct virtio_mapping *mapping)
{
    const struct virtio_host *host = device->host;

    if (host->map != NULL)
        return host->map(host->ctx, memory, size, direction, dma_flags(device), mapping);
    *mapping = (struct virtio_mapping){
        .memory = memory,
        .size = size,
        .device_address = (uintptr_t)memory,
        .direction = direction,
    };
    if (host->sync != NULL)
        host->sync(host->ctx, memory, size, VIRTIO_SYNC_FOR_DEVICE);
    return VIRTIO_OK;
}

int virtio_common_unmap_shared_buffer(const struct virtio_device *device,
                                      const struct virtio_mapping *mapping)
{
    const struct virtio_host *host = device->host;

    if (host->unmap != NULL)
        return host->unmap(host->ctx, mapping) == VIRTIO_OK ? VIRTIO_OK : VIRTIO_E_MAP;
    if (host->sync != NULL && mapping->direction != VIRTIO_DEVICE_READS)
        host->sync(host->ctx, mapping->memory, mapping->size, VIRTIO_SYNC_FOR_CPU);
    return VIRTIO_OK;
}

int virtio_allocate_shared(const struct virtio_device *device, size_t size, size_t alignment,
                           struct virtio_shared *shared)
{
    return device->ops->allocate_shared(device, size, alignment, shared);
}

void virtio_free_shared(const struct virtio_device *device, struct virtio_shared *shared)
{
    if (shared->memory != NULL)
        device->ops->free_shared(device, shared);
}

int virtio_map_all_bytes_in_shared_buffer(const struct virtio_device *device, void *memory,
                                          size_t size, enum virtio_direction direction,
                                          struct virtio_mapping *mapping)
{
    if (memory == NULL || size == 0)
        return VIRTIO_E_INVALID;
    if (device->ops->map_shared_buffer(device, memory, size, direction, mapping) == VIRTIO_OK) {
        if (mapping->size == size)
            return VIRTIO_OK;
        (void)device->ops->unmap_shared_buffer(device, mapping);
    }
    /* Drivers tell by its size whether there is a mapping to end. */
    mapping->size = 0;
    return VIRTIO_E_MAP;
}

int virtio_unmap_buffer(const struct virtio_device *device, const struct virtio_mapping *mapping)
{
    return device->ops->unmap_shared_buffer(device, mapping);
}
