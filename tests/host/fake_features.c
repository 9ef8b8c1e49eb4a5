/* SPDX-License-Identifier: MIT */
/*
 * What the library implements, stated a second time: a driver may only accept features that it does something
 * about (spec 2.2.1 and each device type's section on feature bits). Whoever adds a bit to a driver adds it here.
 */
#include "fake_device.h"

#include <virtio/virtio.h>

#define QUEUES_AND_TRANSPORT                                                                       \
    (VIRTIO_F_ANY_LAYOUT | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 |      \
     VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_RING_PACKED | VIRTIO_F_IN_ORDER |                         \
     VIRTIO_F_ORDER_PLATFORM | VIRTIO_F_NOTIFICATION_DATA | VIRTIO_F_NOTIF_CONFIG_DATA |           \
     VIRTIO_F_RING_RESET)

static const struct {
    uint32_t type;
    uint64_t features;
} implemented[] = {
    {VIRTIO_ID_NETWORK,
     VIRTIO_NET_F_CSUM | VIRTIO_NET_F_MTU | VIRTIO_NET_F_MAC | VIRTIO_NET_F_HOST_TSO4 |
         VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_ECN | VIRTIO_NET_F_HOST_UFO |
         VIRTIO_NET_F_HOST_USO | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_STATUS |
         VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_RX_EXTRA |
         VIRTIO_NET_F_GUEST_ANNOUNCE | VIRTIO_NET_F_CTRL_MAC_ADDR | VIRTIO_NET_F_SPEED_DUPLEX |
         VIRTIO_NET_F_CTRL_VLAN | VIRTIO_NET_F_MQ | VIRTIO_NET_RECEIVE_OFFLOADS},
    {VIRTIO_ID_BLOCK, VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO |
                          VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY |
                          VIRTIO_BLK_F_CONFIG_WCE | VIRTIO_BLK_F_MQ | VIRTIO_BLK_F_DISCARD |
                          VIRTIO_BLK_F_WRITE_ZEROES | VIRTIO_BLK_F_LIFETIME |
                          VIRTIO_BLK_F_SECURE_ERASE | VIRTIO_BLK_F_ZONED},
    {VIRTIO_ID_CONSOLE,
     VIRTIO_CONSOLE_F_SIZE | VIRTIO_CONSOLE_F_MULTIPORT | VIRTIO_CONSOLE_F_EMERG_WRITE},
    {VIRTIO_ID_BALLOON, VIRTIO_BALLOON_F_MUST_TELL_HOST | VIRTIO_BALLOON_F_STATS_VQ |
                            VIRTIO_BALLOON_F_DEFLATE_ON_OOM | VIRTIO_BALLOON_F_FREE_PAGE_HINT |
                            VIRTIO_BALLOON_F_PAGE_POISON | VIRTIO_BALLOON_F_PAGE_REPORTING},
    {VIRTIO_ID_SCSI, VIRTIO_SCSI_F_INOUT | VIRTIO_SCSI_F_HOTPLUG | VIRTIO_SCSI_F_CHANGE},
    {VIRTIO_ID_9P, VIRTIO_9P_MOUNT_TAG},
    {VIRTIO_ID_GPU, VIRTIO_GPU_F_EDID},
    {VIRTIO_ID_INPUT, 0},
    {VIRTIO_ID_ENTROPY, 0},
};

uint64_t fake_features_implemented(uint32_t type)
{
    for (size_t i = 0; i < sizeof(implemented) / sizeof(implemented[0]); i++) {
        if (implemented[i].type == type)
            return implemented[i].features | QUEUES_AND_TRANSPORT;
    }
    return UINT64_MAX;
}
