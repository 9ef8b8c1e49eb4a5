/* SPDX-License-Identifier: MIT */
/*
 * A transport and a host for programs that look at nothing but the ring.
 */
#include "ring_transport.h"

#include <stdlib.h>
#include <string.h>

struct ring_transport ring_transport;

/* The transport ----------------------------------------------------------------------------------- */

static uint8_t get_status(const struct virtio_device *device)
{
    (void)device;
    return ring_transport.status;
}

static void set_status(const struct virtio_device *device, uint8_t status)
{
    (void)device;
    ring_transport.status = status;
}

static uint64_t get_features(const struct virtio_device *device)
{
    (void)device;
    return ring_transport.features | VIRTIO_F_VERSION_1;
}

static void set_features(const struct virtio_device *device, uint64_t features)
{
    if (features != get_features(device))
        abort(); /* the program counts on what it offered */
}

static void set_number(const struct virtio_device *device, uint16_t number)
{
    (void)device, (void)number;
}

static void set_unit(const struct virtio_device *device, uint32_t unit)
{
    (void)device, (void)unit;
}

static int get_maximum(const struct virtio_device *device, uint32_t *size)
{
    (void)device;
    *size = ring_transport.size;
    return VIRTIO_OK;
}

static int set_address(const struct virtio_device *device,
                       const struct virtio_queue_addresses *addresses)
{
    (void)device;
    ring_transport.addresses = *addresses;
    return VIRTIO_OK;
}

static int get_doorbell(const struct virtio_device *device, uint16_t index,
                        struct virtio_doorbell *doorbell)
{
    (void)device, (void)index;
    doorbell->ring = ring_transport.ring;
    return VIRTIO_OK;
}

static void set_queue_reset(const struct virtio_device *device)
{
    (void)device;
    ring_transport.queue_resets++;
}

static bool get_queue_reset(const struct virtio_device *device)
{
    (void)device;
    if (ring_transport.reset_polls == UINT32_MAX)
        return true;
    return ring_transport.reset_polls != 0 && ring_transport.reset_polls-- != 0;
}

static int allocate_shared(const struct virtio_device *device, size_t size, size_t alignment,
                           struct virtio_shared *shared)
{
    (void)device;
    shared->memory = aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
    if (shared->memory == NULL)
        return VIRTIO_E_NO_MEMORY;
    memset(shared->memory, 0, size);
    shared->size = size;
    shared->device_address = (uintptr_t)shared->memory;
    return VIRTIO_OK;
}

static void free_shared(const struct virtio_device *device, struct virtio_shared *shared)
{
    (void)device;
    free(shared->memory);
    *shared = (struct virtio_shared){0};
}

static void nothing(struct virtio_device *device)
{
    (void)device;
}

static const struct virtio_transport_ops operations = {
    .name = "memory",
    .revision = 0x0100,
    .close = nothing,
    .get_device_features = get_features,
    .set_guest_features = set_features,
    .get_device_status = get_status,
    .set_device_status = set_status,
    .set_queue_select = set_number,
    .set_queue_num = set_number,
    .set_queue_align = set_unit,
    .get_queue_num_max = get_maximum,
    .set_queue_address = set_address,
    .get_queue_doorbell = get_doorbell,
    .set_queue_reset = set_queue_reset,
    .get_queue_reset = get_queue_reset,
    .allocate_shared = allocate_shared,
    .free_shared = free_shared,
};

/* The host ---------------------------------------------------------------------------------------- */

static void *host_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void host_free(void *ctx, void *memory, size_t size)
{
    (void)ctx, (void)size;
    free(memory);
}

static void *no_dma(void *ctx, size_t size, size_t alignment, uint64_t limit, unsigned flags,
                    uint64_t *address)
{
    (void)ctx, (void)size, (void)alignment, (void)limit, (void)flags, (void)address;
    return NULL;
}

static void no_dma_free(void *ctx, void *memory, size_t size, uint64_t address)
{
    (void)ctx, (void)memory, (void)size, (void)address;
}

static uint64_t host_now(void *ctx)
{
    static uint64_t now;

    (void)ctx;
    return ring_transport.now_us ? ring_transport.now_us() : (now += 10);
}

static const struct virtio_host host = {
    .allocate = host_allocate,
    .free = host_free,
    .dma_allocate = no_dma,
    .dma_free = no_dma_free,
    .now_us = host_now,
};

int ring_transport_start(struct virtio_device *device, struct virtio_queue *queue,
                         const struct virtio_queue_options *options)
{
    static const struct virtio_features none;
    int error;

    *queue = (struct virtio_queue){0};
    *device = (struct virtio_device){.host = &host, .ops = &operations, .timeout_us = 1000};
    error = virtio_device_begin(device, &none);
    if (error == VIRTIO_OK)
        error = virtio_queue_start_with(queue, device, 0, options);
    return error == VIRTIO_OK ? virtio_device_ready(device) : error;
}
