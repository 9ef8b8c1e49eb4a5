/* SPDX-License-Identifier: MIT */
/*
 * Names for people: device types and feature bits by the spec's own terms. A kernel that calls none of
 * these links none of their text.
 */
#ifndef VIRTIO_NAMES_H
#define VIRTIO_NAMES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The name of a device type.
 *
 * @param type  enum virtio_id, or any other number.
 * @return e.g. "block device"; "unknown device" for a type that the library has no name for. Static.
 *
 * Context: any.
 */
const char *virtio_device_name(uint32_t type);

/**
 * The name of a feature bit.
 *
 * @param type  device type: bits 0 to 23 and 50 to 63 depend on it.
 * @param bit   0 to 63.
 * @return e.g. "VIRTIO_BLK_F_RO"; NULL for a bit that the library has no name for. Static.
 *
 * Context: any.
 */
const char *virtio_feature_name(uint32_t type, unsigned bit);

#ifdef __cplusplus
}
#endif

#endif
