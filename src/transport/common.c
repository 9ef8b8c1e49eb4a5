/* SPDX-License-Identifier: MIT */
/*
 * Transport operations that several transports have in common: those that do nothing, and register
 * sequences that differ only in their offsets. It must not know which transport calls it.
 *
 * Spec: 4.1.4.3 (common configuration), 4.1.4.10 (legacy), 4.2.2 (MMIO).
 */
#include "transport_internal.h"
#include "../core/endian.h"

void virtio_common_ignore_unit(const struct virtio_device *device, uint32_t value)
{
    (void)device;
    (void)value;
}

void virtio_common_ignore_size(const struct virtio_device *device, uint16_t size)
{
    (void)device;
    (void)size;
}

uint32_t virtio_common_no_generation(const struct virtio_device *device)
{
    (void)device;
    return 0;
}

void virtio_common_no_reset(const struct virtio_device *device)
{
    (void)device;
}

bool virtio_common_is_reset(const struct virtio_device *device)
{
    (void)device;
    return false;
}

void virtio_common_notify(const struct virtio_device *device, uint16_t index)
{
    struct virtio_doorbell doorbell;

    doorbell.value = index;
    if (device->ops->get_queue_doorbell(device, index, &doorbell) == VIRTIO_OK)
        doorbell.ring(&doorbell, doorbell.value);
}

uint64_t virtio_common_read_features(const struct virtio_device *device,
                                     const struct virtio_region *region, uint32_t select,
                                     uint32_t value)
{
    uint32_t low;

    virtio_region_write(device, region, select, 4, 0);
    low = virtio_region_read(device, region, value, 4);
    virtio_region_write(device, region, select, 4, 1);
    return (uint64_t)virtio_region_read(device, region, value, 4) << 32 | low;
}

void virtio_common_write_features(const struct virtio_device *device,
                                  const struct virtio_region *region, uint32_t select,
                                  uint32_t value, uint64_t features)
{
    virtio_region_write(device, region, select, 4, 0);
    virtio_region_write(device, region, value, 4, (uint32_t)features);
    virtio_region_write(device, region, select, 4, 1);
    virtio_region_write(device, region, value, 4, (uint32_t)(features >> 32));
}

static void write_address(const struct virtio_device *device, const struct virtio_region *region,
                          uint32_t offset, uint64_t address)
{
    virtio_region_write(device, region, offset, 4, (uint32_t)address);
    virtio_region_write(device, region, offset + 4, 4, (uint32_t)(address >> 32));
}

int virtio_common_enable_queue(const struct virtio_device *device,
                               const struct virtio_region *region, uint32_t addresses_offset,
                               uint32_t stride, uint32_t enable_offset, unsigned width,
                               const struct virtio_queue_addresses *addresses)
{
    write_address(device, region, addresses_offset, addresses->descriptors);
    write_address(device, region, addresses_offset + stride, addresses->driver);
    write_address(device, region, addresses_offset + 2 * stride, addresses->device);
    virtio_region_write(device, region, enable_offset, width, 1);
    return virtio_region_read(device, region, enable_offset, width) == 1 ? VIRTIO_OK
                                                                         : VIRTIO_E_STATE;
}

/* The unit of legacy queue addresses; virtio-mmio is told the same with set_page_size. */
#define LEGACY_PAGE_SHIFT 12

int virtio_common_set_page_number(const struct virtio_device *device,
                                  const struct virtio_region *region, uint32_t offset,
                                  const struct virtio_queue_addresses *addresses)
{
    const uint64_t address = addresses->descriptors;
    const uint32_t page = (uint32_t)(address >> LEGACY_PAGE_SHIFT);

    /* Page number 0 would mean: not in use. */
    if (page == 0 || (uint64_t)page << LEGACY_PAGE_SHIFT != address)
        return VIRTIO_E_INVALID;
    virtio_region_write(device, region, offset, 4, page);
    return virtio_region_read(device, region, offset, 4) == page ? VIRTIO_OK : VIRTIO_E_STATE;
}

/* Regions are read as little-endian; a legacy device's configuration space is in the CPU's order. */
static uint32_t config_order(const struct virtio_device *device, unsigned width, uint32_t value)
{
    if (!VIRTIO_CPU_IS_BIG_ENDIAN || !device->legacy || width == 1)
        return value;
    return width == 2 ? __builtin_bswap16((uint16_t)value) : __builtin_bswap32(value);
}

uint32_t virtio_common_read_config(const struct virtio_device *device,
                                   const struct virtio_region *region, uint32_t offset,
                                   unsigned width)
{
    return config_order(device, width, virtio_region_read(device, region, offset, width));
}

void virtio_common_write_config(const struct virtio_device *device,
                                const struct virtio_region *region, uint32_t offset, unsigned width,
                                uint32_t value)
{
    virtio_region_write(device, region, offset, width, config_order(device, width, value));
}
