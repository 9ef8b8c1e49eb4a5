/* SPDX-License-Identifier: MIT */
/*
 * When a device is torn down. A fake device can't see that from its registers: a reset may be followed by a new
 * beginning, or by nothing. So the linker (host.mk, --wrap) leads the calls that open and close a device through
 * here, whether a driver makes them or a test. From the end of virtio_device_end until the next
 * virtio_device_offer nothing may be done to the device or for it (spec 3.3; fake_host_check_life and
 * fake_device_check_life say what that is).
 */
#include "fake_host.h"

#include <virtio/device.h>

/* From virtio_device_ready on, which is the end of every driver's start, nothing is allocated until a device is opened
 * or closed. */
static void set_started(const struct virtio_device *device, bool is_started)
{
    struct fake_host *fake = fake_host_of(device->host);

    if (fake)
        fake->is_started = is_started;
}

/* The linker's names for the library's own functions, and for what stands in front of them. */
int __real_virtio_device_begin(struct virtio_device *device, const struct virtio_features *wanted);
int __wrap_virtio_device_begin(struct virtio_device *device, const struct virtio_features *wanted);
int __real_virtio_device_offer(struct virtio_device *device);
int __wrap_virtio_device_offer(struct virtio_device *device);
int __real_virtio_device_accept(struct virtio_device *device, const struct virtio_features *wanted);
int __wrap_virtio_device_accept(struct virtio_device *device, const struct virtio_features *wanted);
int __real_virtio_device_ready(struct virtio_device *device);
int __wrap_virtio_device_ready(struct virtio_device *device);
int __real_virtio_device_end(struct virtio_device *device);
int __wrap_virtio_device_end(struct virtio_device *device);
int __real_virtio_device_fail(struct virtio_device *device);
int __wrap_virtio_device_fail(struct virtio_device *device);

/* Tell the register model of it, and count the devices of its host. */
static void set_open(const struct virtio_device *device, bool is_open)
{
    struct fake_host *fake = fake_host_of(device->host);

    if (!fake)
        return;
    fake->is_started = false;
    for (struct fake_target *target = fake->targets; target; target = target->next) {
        if (target->life)
            target->life(target, device, is_open);
    }
}

/* With an error from ending it, it is open still: the device could not be stopped, or a queue of it is there. */
static int after(const struct virtio_device *device, int error)
{
    if (device->ops == NULL)
        set_open(device, false);
    return error;
}

int __wrap_virtio_device_ready(struct virtio_device *device)
{
    int error = __real_virtio_device_ready(device);

    if (error == VIRTIO_OK)
        set_started(device, true);
    return error;
}

int __wrap_virtio_device_begin(struct virtio_device *device, const struct virtio_features *wanted)
{
    set_open(device, true);
    return after(device, __real_virtio_device_begin(device, wanted));
}

int __wrap_virtio_device_offer(struct virtio_device *device)
{
    set_open(device, true);
    return after(device, __real_virtio_device_offer(device));
}

int __wrap_virtio_device_accept(struct virtio_device *device, const struct virtio_features *wanted)
{
    return after(device, __real_virtio_device_accept(device, wanted));
}

int __wrap_virtio_device_end(struct virtio_device *device)
{
    return after(device, __real_virtio_device_end(device));
}

int __wrap_virtio_device_fail(struct virtio_device *device)
{
    return after(device, __real_virtio_device_fail(device));
}
