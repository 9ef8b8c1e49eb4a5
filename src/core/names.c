/* SPDX-License-Identifier: MIT */
/*
 * Names of device types (spec 5) and feature bits (spec 6 and the feature bits of each device type). Owns
 * nothing but text.
 */
#include <virtio/device.h>
#include <virtio/names.h>

#include <stddef.h>

struct bit_name {
    uint8_t bit;
    const char *name; /* NULL ends a table */
};

static const char *const device_names[] = {
    [1] = "network device",
    [2] = "block device",
    [3] = "console",
    [4] = "entropy source",
    [5] = "memory balloon",
    [6] = "ioMemory",
    [7] = "rpmsg",
    [8] = "SCSI host",
    [9] = "9P transport",
    [10] = "mac80211 wlan",
    [11] = "rproc serial",
    [12] = "virtio CAIF",
    [13] = "memory balloon (new)",
    [16] = "GPU device",
    [17] = "RTC device",
    [18] = "input device",
    [19] = "socket device",
    [20] = "crypto device",
    [21] = "signal distribution module",
    [22] = "pstore device",
    [23] = "IOMMU device",
    [24] = "memory device",
    [25] = "sound device",
    [26] = "file system device",
    [27] = "PMEM device",
    [28] = "RPMB device",
    [29] = "mac80211 hwsim wireless simulation device",
    [30] = "video encoder device",
    [31] = "video decoder device",
    [32] = "SCMI device",
    [33] = "NitroSecureModule",
    [34] = "I2C adapter",
    [35] = "watchdog",
    [36] = "CAN device",
    [38] = "parameter server",
    [39] = "audio policy device",
    [40] = "Bluetooth device",
    [41] = "GPIO device",
    [42] = "RDMA device",
    [43] = "camera device",
    [44] = "ISM device",
    [45] = "SPI controller",
    [46] = "TEE device",
    [47] = "CPU balloon device",
    [48] = "media device",
    [49] = "USB controller",
};

static const struct bit_name common_bits[] = {
    {24, "VIRTIO_F_NOTIFY_ON_EMPTY"},
    {27, "VIRTIO_F_ANY_LAYOUT"},
    {28, "VIRTIO_F_INDIRECT_DESC"},
    {29, "VIRTIO_F_EVENT_IDX"},
    {30, "UNUSED"}, /* what the spec calls it: legacy QEMU offers it, nobody takes it */
    {32, "VIRTIO_F_VERSION_1"},
    {33, "VIRTIO_F_ACCESS_PLATFORM"},
    {34, "VIRTIO_F_RING_PACKED"},
    {35, "VIRTIO_F_IN_ORDER"},
    {36, "VIRTIO_F_ORDER_PLATFORM"},
    {37, "VIRTIO_F_SR_IOV"},
    {38, "VIRTIO_F_NOTIFICATION_DATA"},
    {39, "VIRTIO_F_NOTIF_CONFIG_DATA"},
    {40, "VIRTIO_F_RING_RESET"},
    {41, "VIRTIO_F_ADMIN_VQ"},
    {43, "VIRTIO_F_SUSPEND"},
    {0, NULL},
};

static const struct bit_name block_bits[] = {
    {0, "VIRTIO_BLK_F_BARRIER"},
    {1, "VIRTIO_BLK_F_SIZE_MAX"},
    {2, "VIRTIO_BLK_F_SEG_MAX"},
    {4, "VIRTIO_BLK_F_GEOMETRY"},
    {5, "VIRTIO_BLK_F_RO"},
    {6, "VIRTIO_BLK_F_BLK_SIZE"},
    {7, "VIRTIO_BLK_F_SCSI"},
    {9, "VIRTIO_BLK_F_FLUSH"},
    {10, "VIRTIO_BLK_F_TOPOLOGY"},
    {11, "VIRTIO_BLK_F_CONFIG_WCE"},
    {12, "VIRTIO_BLK_F_MQ"},
    {13, "VIRTIO_BLK_F_DISCARD"},
    {14, "VIRTIO_BLK_F_WRITE_ZEROES"},
    {15, "VIRTIO_BLK_F_LIFETIME"},
    {16, "VIRTIO_BLK_F_SECURE_ERASE"},
    {17, "VIRTIO_BLK_F_ZONED"},
    {0, NULL},
};

static const struct bit_name network_bits[] = {
    {0, "VIRTIO_NET_F_CSUM"},
    {1, "VIRTIO_NET_F_GUEST_CSUM"},
    {2, "VIRTIO_NET_F_CTRL_GUEST_OFFLOADS"},
    {3, "VIRTIO_NET_F_MTU"},
    {5, "VIRTIO_NET_F_MAC"},
    {6, "VIRTIO_NET_F_GSO"},
    {7, "VIRTIO_NET_F_GUEST_TSO4"},
    {8, "VIRTIO_NET_F_GUEST_TSO6"},
    {9, "VIRTIO_NET_F_GUEST_ECN"},
    {10, "VIRTIO_NET_F_GUEST_UFO"},
    {11, "VIRTIO_NET_F_HOST_TSO4"},
    {12, "VIRTIO_NET_F_HOST_TSO6"},
    {13, "VIRTIO_NET_F_HOST_ECN"},
    {14, "VIRTIO_NET_F_HOST_UFO"},
    {15, "VIRTIO_NET_F_MRG_RXBUF"},
    {16, "VIRTIO_NET_F_STATUS"},
    {17, "VIRTIO_NET_F_CTRL_VQ"},
    {18, "VIRTIO_NET_F_CTRL_RX"},
    {19, "VIRTIO_NET_F_CTRL_VLAN"},
    {20, "VIRTIO_NET_F_CTRL_RX_EXTRA"},
    {21, "VIRTIO_NET_F_GUEST_ANNOUNCE"},
    {22, "VIRTIO_NET_F_MQ"},
    {23, "VIRTIO_NET_F_CTRL_MAC_ADDR"},
    {50, "VIRTIO_NET_F_DEVICE_STATS"},
    {51, "VIRTIO_NET_F_HASH_TUNNEL"},
    {52, "VIRTIO_NET_F_VQ_NOTF_COAL"},
    {53, "VIRTIO_NET_F_NOTF_COAL"},
    {54, "VIRTIO_NET_F_GUEST_USO4"},
    {55, "VIRTIO_NET_F_GUEST_USO6"},
    {56, "VIRTIO_NET_F_HOST_USO"},
    {57, "VIRTIO_NET_F_HASH_REPORT"},
    {59, "VIRTIO_NET_F_GUEST_HDRLEN"},
    {60, "VIRTIO_NET_F_RSS"},
    {61, "VIRTIO_NET_F_RSC_EXT"},
    {62, "VIRTIO_NET_F_STANDBY"},
    {63, "VIRTIO_NET_F_SPEED_DUPLEX"},
    {0, NULL},
};

static const struct bit_name console_bits[] = {
    {0, "VIRTIO_CONSOLE_F_SIZE"},
    {1, "VIRTIO_CONSOLE_F_MULTIPORT"},
    {2, "VIRTIO_CONSOLE_F_EMERG_WRITE"},
    {0, NULL},
};

static const struct bit_name balloon_bits[] = {
    {0, "VIRTIO_BALLOON_F_MUST_TELL_HOST"},
    {1, "VIRTIO_BALLOON_F_STATS_VQ"},
    {2, "VIRTIO_BALLOON_F_DEFLATE_ON_OOM"},
    {3, "VIRTIO_BALLOON_F_FREE_PAGE_HINT"},
    {4, "VIRTIO_BALLOON_F_PAGE_POISON"},
    {5, "VIRTIO_BALLOON_F_PAGE_REPORTING"},
    {0, NULL},
};

static const struct bit_name scsi_bits[] = {
    {0, "VIRTIO_SCSI_F_INOUT"},
    {1, "VIRTIO_SCSI_F_HOTPLUG"},
    {2, "VIRTIO_SCSI_F_CHANGE"},
    {3, "VIRTIO_SCSI_F_T10_PI"},
    {0, NULL},
};

static const struct bit_name gpu_bits[] = {
    {0, "VIRTIO_GPU_F_VIRGL"},
    {1, "VIRTIO_GPU_F_EDID"},
    {2, "VIRTIO_GPU_F_RESOURCE_UUID"},
    {3, "VIRTIO_GPU_F_RESOURCE_BLOB"},
    {4, "VIRTIO_GPU_F_CONTEXT_INIT"},
    {5, "VIRTIO_GPU_F_BLOB_ALIGNMENT"},
    {0, NULL},
};

/* The specification has no text on this device; this is the name that everybody uses. */
static const struct bit_name plan9_bits[] = {
    {0, "VIRTIO_9P_MOUNT_TAG"},
    {0, NULL},
};

const char *virtio_device_name(uint32_t type)
{
    const char *name = NULL;

    if (type < sizeof(device_names) / sizeof(device_names[0]))
        name = device_names[type];
    return name != NULL ? name : "unknown device";
}

/* The feature bits of one device type, or NULL: entropy and input devices have none. */
static const struct bit_name *bits_of(uint32_t type)
{
    switch (type) {
    case VIRTIO_ID_NETWORK:
        return network_bits;
    case VIRTIO_ID_BLOCK:
        return block_bits;
    case VIRTIO_ID_CONSOLE:
        return console_bits;
    case VIRTIO_ID_BALLOON:
        return balloon_bits;
    case VIRTIO_ID_SCSI:
        return scsi_bits;
    case VIRTIO_ID_9P:
        return plan9_bits;
    case VIRTIO_ID_GPU:
        return gpu_bits;
    default:
        return NULL;
    }
}

static const char *find(const struct bit_name *names, unsigned bit)
{
    for (; names->name != NULL; names++) {
        if (names->bit == bit)
            return names->name;
    }
    return NULL;
}

const char *virtio_feature_name(uint32_t type, unsigned bit)
{
    const char *name = find(common_bits, bit);
    const struct bit_name *of_type = bits_of(type);

    if (name == NULL && of_type != NULL)
        name = find(of_type, bit);
    return name;
}
