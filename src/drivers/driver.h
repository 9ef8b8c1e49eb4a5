/* SPDX-License-Identifier: MIT */
/*
 * What the drivers have in common beside the public interface.
 */
#ifndef VIRTIO_DRIVERS_DRIVER_H
#define VIRTIO_DRIVERS_DRIVER_H

#include "../core/bytes.h"
#include "../core/endian.h"
#include <virtio/device.h>

/** Give memory of virtio_allocate_shared to the device or back to the CPU, where DMA is not coherent. */
static inline void virtio_give_shared(const struct virtio_device *device, void *memory, size_t size,
                                      enum virtio_sync give_to)
{
    const struct virtio_host *host = device->host;

    if (host->sync != NULL)
        host->sync(host->ctx, memory, size, give_to);
}

/** Did virtio_flush fail in such a way that the chain may still be the device's? The device's failures
 * (see virtio/error.h), and VIRTIO_E_STATE, with which a live queue says that somebody else reset the
 * device. */
static inline bool virtio_error_leaves_in_flight(int error)
{
    return error <= VIRTIO_E_TIMEOUT || error == VIRTIO_E_STATE;
}

#endif
