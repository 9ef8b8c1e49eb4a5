/* SPDX-License-Identifier: MIT */
/*
 * Byte order of everything shared with a device (spec 1.4, 2.7.3 legacy). Little-endian for a
 * 1.0 device, guest-native for a legacy one; decided by one flag at run time, which costs nothing on
 * a little-endian CPU because both are the same there.
 */
#ifndef VIRTIO_CORE_ENDIAN_H
#define VIRTIO_CORE_ENDIAN_H

#include <stdbool.h>
#include <stdint.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define VIRTIO_CPU_IS_BIG_ENDIAN 1
#else
#define VIRTIO_CPU_IS_BIG_ENDIAN 0
#endif

/** Swap between CPU order and the device's order; its own inverse. `legacy` as virtio_device.legacy. */
static inline uint16_t virtio_order16(bool legacy, uint16_t value)
{
    return VIRTIO_CPU_IS_BIG_ENDIAN && !legacy ? __builtin_bswap16(value) : value;
}

static inline uint32_t virtio_order32(bool legacy, uint32_t value)
{
    return VIRTIO_CPU_IS_BIG_ENDIAN && !legacy ? __builtin_bswap32(value) : value;
}

static inline uint64_t virtio_order64(bool legacy, uint64_t value)
{
    return VIRTIO_CPU_IS_BIG_ENDIAN && !legacy ? __builtin_bswap64(value) : value;
}

#endif
