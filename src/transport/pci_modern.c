/* SPDX-License-Identifier: MIT */
/*
 * Modern PCI: the transport operations on the structures that the capabilities describe. Every field is
 * accessed with its own width, 64-bit fields as two halves. It must not touch configuration space but to
 * see whether the function has left, nor the data path, and it never writes 0 to queue_enable: only a reset
 * disables a queue.
 *
 * Spec: 4.1.4.3 (common configuration), 4.1.4.4 (notification), 4.1.5.1.
 */
#include "pci_internal.h"

/* struct virtio_pci_common_cfg */
enum {
    DEVICE_FEATURE_SELECT = 0,
    DEVICE_FEATURE = 4,
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    DEVICE_STATUS = 20,
    CONFIG_GENERATION = 21,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_MSIX_VECTOR = 26,
    QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFF = 30,
    QUEUE_DESC = 32,
    QUEUE_NOTIF_CONFIG_DATA = 56,
    QUEUE_RESET = 58,
    QUEUE_ADDRESS_STRIDE = 8
};

static uint32_t common_read(const struct virtio_device *device, uint32_t offset, unsigned width)
{
    return virtio_region_read(device, &device->pci.common, offset, width);
}

static void common_write(const struct virtio_device *device, uint32_t offset, unsigned width,
                         uint32_t value)
{
    virtio_region_write(device, &device->pci.common, offset, width, value);
}

static uint64_t get_device_features(const struct virtio_device *device)
{
    return virtio_common_read_features(device, &device->pci.common, DEVICE_FEATURE_SELECT,
                                       DEVICE_FEATURE);
}

static void set_guest_features(const struct virtio_device *device, uint64_t features)
{
    virtio_common_write_features(device, &device->pci.common, DRIVER_FEATURE_SELECT, DRIVER_FEATURE,
                                 features);
}

static uint8_t get_device_status(const struct virtio_device *device)
{
    return virtio_pci_read_status(device, DEVICE_STATUS);
}

static void set_device_status(const struct virtio_device *device, uint8_t status)
{
    common_write(device, DEVICE_STATUS, 1, status);
}

static void set_queue_select(const struct virtio_device *device, uint16_t index)
{
    common_write(device, QUEUE_SELECT, 2, index);
}

static int get_queue_num_max(const struct virtio_device *device, uint32_t *size)
{
    if (common_read(device, QUEUE_ENABLE, 2) != 0)
        return VIRTIO_E_BUSY;
    *size = common_read(device, QUEUE_SIZE, 2);
    return VIRTIO_OK;
}

static void set_queue_num(const struct virtio_device *device, uint16_t size)
{
    common_write(device, QUEUE_SIZE, 2, size);
}

static int set_queue_address(const struct virtio_device *device,
                             const struct virtio_queue_addresses *addresses)
{
    if (device->pci.msix_capability != 0)
        common_write(device, QUEUE_MSIX_VECTOR, 2, VIRTIO_MSI_NO_VECTOR);
    return virtio_common_enable_queue(device, &device->pci.common, QUEUE_DESC, QUEUE_ADDRESS_STRIDE,
                                      QUEUE_ENABLE, 2, addresses);
}

static int get_queue_doorbell(const struct virtio_device *device, uint16_t index,
                              struct virtio_doorbell *doorbell)
{
    const uint8_t width = virtio_has_feature(device, VIRTIO_F_NOTIFICATION_DATA) ? 4 : 2;

    /* A device that offers a feature and leaves out its field contradicts itself. */
    if (device->pci.common.length < QUEUE_RESET + 2 &&
        virtio_has_feature(device, VIRTIO_F_NOTIF_CONFIG_DATA | VIRTIO_F_RING_RESET))
        return VIRTIO_E_CAPABILITY;
    set_queue_select(device, index);
    if (virtio_has_feature(device, VIRTIO_F_NOTIF_CONFIG_DATA))
        doorbell->value = (uint16_t)common_read(device, QUEUE_NOTIF_CONFIG_DATA, 2);
    return virtio_doorbell_make(device, &device->pci.notify,
                                (uint64_t)common_read(device, QUEUE_NOTIFY_OFF, 2) *
                                    device->pci.notify_off_multiplier,
                                width, doorbell);
}

static void set_queue_reset(const struct virtio_device *device)
{
    common_write(device, QUEUE_RESET, 2, 1);
}

static bool get_queue_reset(const struct virtio_device *device)
{
    return common_read(device, QUEUE_RESET, 2) != 0;
}

static uint32_t get_config_size(const struct virtio_device *device)
{
    return device->pci.device_config.length;
}

static uint32_t get_config_generation(const struct virtio_device *device)
{
    return common_read(device, CONFIG_GENERATION, 1);
}

static uint32_t read_device(const struct virtio_device *device, uint32_t offset, unsigned width)
{
    return virtio_region_read(device, &device->pci.device_config, offset, width);
}

static void write_device(const struct virtio_device *device, uint32_t offset, unsigned width,
                         uint32_t value)
{
    virtio_region_write(device, &device->pci.device_config, offset, width, value);
}

static const struct virtio_transport_ops modern_ops = {
    .name = "modern PCI",
    .transport = VIRTIO_TRANSPORT_PCI_MODERN,
    .revision = 0x0100,
    .close = virtio_pci_close,
    .get_device_features = get_device_features,
    .set_guest_features = set_guest_features,
    .get_device_status = get_device_status,
    .set_device_status = set_device_status,
    .set_page_size = virtio_common_ignore_unit,
    .set_queue_select = set_queue_select,
    .get_queue_num_max = get_queue_num_max,
    .set_queue_num = set_queue_num,
    .set_queue_align = virtio_common_ignore_unit,
    .set_queue_address = set_queue_address,
    .set_queue_reset = set_queue_reset,
    .get_queue_reset = get_queue_reset,
    .get_queue_doorbell = get_queue_doorbell,
    .set_queue_notify = virtio_common_notify,
    .get_config_size = get_config_size,
    .get_config_generation = get_config_generation,
    .read_device = read_device,
    .write_device = write_device,
    .allocate_shared = virtio_common_allocate_shared,
    .free_shared = virtio_common_free_shared,
    .map_shared_buffer = virtio_common_map_shared_buffer,
    .unmap_shared_buffer = virtio_common_unmap_shared_buffer,
};

void virtio_pci_modern_setup(struct virtio_device *device)
{
    device->legacy = false;
    device->ops = &modern_ops;
}
