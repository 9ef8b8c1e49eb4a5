/* SPDX-License-Identifier: MIT */
/*
 * The feature bits that the library itself implements, for every device type: the core's part of the
 * allow-list. A bit is added here in the same change that implements it.
 */
#ifndef VIRTIO_CORE_FEATURES_H
#define VIRTIO_CORE_FEATURES_H

#include <virtio/device.h>

/** ACCESS_PLATFORM: device addresses come from the host's hooks, which are told by
 * VIRTIO_DMA_ACCESS_PLATFORM that they are the platform's. */
#define VIRTIO_MODERN_FEATURES                                                                     \
    (VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | \
     VIRTIO_F_RING_PACKED | VIRTIO_F_IN_ORDER | VIRTIO_F_ORDER_PLATFORM |                          \
     VIRTIO_F_NOTIFICATION_DATA | VIRTIO_F_NOTIF_CONFIG_DATA | VIRTIO_F_RING_RESET)

/** ANY_LAYOUT: no driver counts on the device's taking descriptors of any sizes unless it is there. */
#define VIRTIO_LEGACY_FEATURES (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_ANY_LAYOUT)

#endif
