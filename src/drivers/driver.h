/* SPDX-License-Identifier: MIT */
/*
 * What the drivers have in common beside the public interface.
 */
#ifndef VIRTIO_DRIVERS_DRIVER_H
#define VIRTIO_DRIVERS_DRIVER_H

#include "../core/bytes.h"
#include "../core/endian.h"
#include "../core/time.h"
#include <virtio/device.h>

/** Give memory of virtio_allocate_shared to the device or back to the CPU, where DMA is not coherent. */
static inline void virtio_give_shared(const struct virtio_device *device, void *memory, size_t size,
                                      enum virtio_sync give_to)
{
    const struct virtio_host *host = device->host;

    if (host->sync != NULL)
        host->sync(host->ctx, memory, size, give_to);
}

/** A number to or from configuration space, of the types of device whose space is little-endian in the
 * legacy interface, too: virtio_config_read and virtio_config_write have the CPU's order there. */
static inline uint32_t virtio_config_little32(const struct virtio_device *device, uint32_t value)
{
    return device->legacy ? virtio_order32(false, value) : value;
}

/** Did virtio_flush fail in such a way that the chain may still be the device's? The device's failures
 * (see virtio/error.h), and VIRTIO_E_STATE, with which a live queue says that somebody else reset the
 * device. */
static inline bool virtio_error_leaves_in_flight(int error)
{
    return error <= VIRTIO_E_TIMEOUT || error == VIRTIO_E_STATE;
}

/** A driver's own wait, for what is not the completion of one chain (that is virtio_wait). */
struct virtio_driver_wait {
    struct virtio_deadline deadline;
    uint32_t next_check_us; /* when to look at the device status again: ever more rarely */
};

static inline void virtio_driver_wait_begin(struct virtio_driver_wait *wait,
                                            const struct virtio_device *device, uint32_t timeout_us)
{
    virtio_deadline_begin(&wait->deadline, device->host, timeout_us);
    wait->next_check_us = 1000;
}

/** One turn of it. @return VIRTIO_OK: look again; VIRTIO_E_TIMEOUT; the errors of virtio_device_check. */
static inline int virtio_driver_wait_turn(struct virtio_driver_wait *wait,
                                          const struct virtio_device *device)
{
    bool over = virtio_deadline_passed(&wait->deadline, device->host);
    int error = VIRTIO_OK;

    if (over || wait->deadline.elapsed_us >= wait->next_check_us) {
        wait->next_check_us = wait->deadline.elapsed_us * 2;
        error = virtio_device_check(device);
    }
    return error == VIRTIO_OK && over ? VIRTIO_E_TIMEOUT : error;
}

#endif
