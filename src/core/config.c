/* SPDX-License-Identifier: MIT */
/*
 * Device configuration space (spec 2.5): natural widths, and what is wider than one access repeated until
 * it held still. A modern device says with its generation whether it did; on a legacy one two readings
 * must agree.
 */
#include "../transport/transport_internal.h"
#include "endian.h"

/* A field that changed this often while it was being read is not going to hold still. */
#define TRIES 32

#define LONGEST_ARRAY 256u

static int check(const struct virtio_device *device, uint32_t offset, uint32_t length)
{
    uint32_t size;

    if (!virtio_device_is_open(device))
        return VIRTIO_E_STATE;
    size = device->ops->get_config_size(device);
    return length <= size && offset <= size - length ? VIRTIO_OK : VIRTIO_E_CONFIG;
}

/* Of one field: its width is one that exists, and its offset aligned, to 4 if it is of two accesses. */
static int check_field(const struct virtio_device *device, uint32_t offset, unsigned width)
{
    if (width == 0 || width > 8 || (width & (width - 1)) != 0 || (offset & (width - 1) & 3) != 0)
        return VIRTIO_E_INVALID;
    return check(device, offset, width);
}

/* The half of a 64-bit field that holds the low bits: the second one on a big-endian legacy guest. */
static uint32_t low_half(const struct virtio_device *device)
{
    return VIRTIO_CPU_IS_BIG_ENDIAN && device->legacy ? 4 : 0;
}

static uint64_t read_wide(const struct virtio_device *device, uint32_t offset)
{
    uint32_t low = low_half(device);

    return device->ops->read_device(device, offset + low, 4) |
           (uint64_t)device->ops->read_device(device, offset + (4 - low), 4) << 32;
}

static bool held_still(const struct virtio_device *device, uint32_t generation, uint32_t offset,
                       uint64_t value)
{
    if (device->ops->revision >= 0x0100)
        return device->ops->get_config_generation(device) == generation;
    return read_wide(device, offset) == value;
}

int virtio_config_read(const struct virtio_device *device, uint32_t offset, unsigned width,
                       uint64_t *value)
{
    int error = check_field(device, offset, width);

    if (error != VIRTIO_OK)
        return error;
    if (width < 8) {
        *value = device->ops->read_device(device, offset, width);
        return VIRTIO_OK;
    }
    for (unsigned tries = 0; tries < TRIES; tries++) {
        uint32_t generation = device->ops->get_config_generation(device);
        uint64_t reading = read_wide(device, offset);

        if (held_still(device, generation, offset, reading)) {
            *value = reading;
            return VIRTIO_OK;
        }
    }
    return VIRTIO_E_CONFIG;
}

/* Read the bytes once; on legacy again, and compare. */
static bool read_array(const struct virtio_device *device, uint32_t offset, uint8_t *bytes,
                       uint32_t length)
{
    uint32_t generation = device->ops->get_config_generation(device);

    for (uint32_t at = 0; at < length; at++)
        bytes[at] = (uint8_t)device->ops->read_device(device, offset + at, 1);
    if (device->ops->revision >= 0x0100)
        return device->ops->get_config_generation(device) == generation;
    for (uint32_t at = 0; at < length; at++) {
        if (device->ops->read_device(device, offset + at, 1) != bytes[at])
            return false;
    }
    return true;
}

int virtio_config_read_bytes(const struct virtio_device *device, uint32_t offset, void *bytes,
                             uint32_t length)
{
    int error;

    if (length == 0 || length > LONGEST_ARRAY)
        return VIRTIO_E_INVALID;
    error = check(device, offset, length);
    if (error != VIRTIO_OK)
        return error;
    for (unsigned tries = 0; tries < TRIES; tries++) {
        if (read_array(device, offset, bytes, length))
            return VIRTIO_OK;
    }
    return VIRTIO_E_CONFIG;
}

int virtio_config_write(const struct virtio_device *device, uint32_t offset, unsigned width,
                        uint64_t value)
{
    uint32_t low = low_half(device);
    int error = device->state != VIRTIO_DEVICE_OFFERED ? check_field(device, offset, width)
                                                       : VIRTIO_E_STATE;

    if (error != VIRTIO_OK)
        return error;
    if (width < 8) {
        device->ops->write_device(device, offset, width, (uint32_t)value);
        return VIRTIO_OK;
    }
    device->ops->write_device(device, offset + low, 4, (uint32_t)value);
    device->ops->write_device(device, offset + (4 - low), 4, (uint32_t)(value >> 32));
    return VIRTIO_OK;
}
