/* SPDX-License-Identifier: MIT */
/*
 * Legacy PCI: the transport operations on the registers of BAR0. Queue sizes are dictated, addresses
 * are page numbers of 32 bits, and device configuration moves by four bytes while MSI-X is enabled.
 *
 * Spec: 4.1.4.10 (legacy layout), 4.1.5.1.3.1 (queue configuration), 4.1.2.3 (discovery).
 */
#include "pci_internal.h"

enum {
    DEVICE_FEATURES = 0,
    DRIVER_FEATURES = 4,
    QUEUE_ADDRESS = 8,
    QUEUE_SIZE = 12,
    QUEUE_SELECT = 14,
    QUEUE_NOTIFY = 16,
    DEVICE_STATUS = 18,
    ISR_STATUS = 19,
    HEADER_SIZE = 20,
    QUEUE_MSIX_VECTOR = 22, /* these two only while MSI-X is enabled */
    HEADER_SIZE_MSIX = 24,
    MSIX_CONTROL = 2, /* in the MSI-X capability */
    MSIX_CONTROL_ENABLE = 0x8000
};

static uint32_t header_read(const struct virtio_device *device, uint32_t offset, unsigned width)
{
    return virtio_region_read(device, &device->pci.common, offset, width);
}

static void header_write(const struct virtio_device *device, uint32_t offset, unsigned width,
                         uint32_t value)
{
    virtio_region_write(device, &device->pci.common, offset, width, value);
}

/* Whoever handles interrupts may switch MSI-X on and off at any time, so it is asked each time. */
static bool msix_is_enabled(const struct virtio_device *device)
{
    const unsigned capability = device->pci.msix_capability;

    return capability != 0 &&
           (virtio_pci_read(device, capability + MSIX_CONTROL, 2) & MSIX_CONTROL_ENABLE) != 0;
}

static uint32_t config_offset(const struct virtio_device *device)
{
    return msix_is_enabled(device) ? HEADER_SIZE_MSIX : HEADER_SIZE;
}

static uint64_t get_device_features(const struct virtio_device *device)
{
    return header_read(device, DEVICE_FEATURES, 4);
}

static void set_guest_features(const struct virtio_device *device, uint64_t features)
{
    header_write(device, DRIVER_FEATURES, 4, (uint32_t)features);
}

static uint8_t get_device_status(const struct virtio_device *device)
{
    return virtio_pci_read_status(device, DEVICE_STATUS);
}

static void set_device_status(const struct virtio_device *device, uint8_t status)
{
    header_write(device, DEVICE_STATUS, 1, status);
}

static void set_queue_select(const struct virtio_device *device, uint16_t index)
{
    header_write(device, QUEUE_SELECT, 2, index);
}

static int get_queue_num_max(const struct virtio_device *device, uint32_t *size)
{
    if (header_read(device, QUEUE_ADDRESS, 4) != 0)
        return VIRTIO_E_BUSY;
    *size = header_read(device, QUEUE_SIZE, 2);
    return VIRTIO_OK;
}

static int set_queue_address(const struct virtio_device *device,
                             const struct virtio_queue_addresses *addresses)
{
    if (msix_is_enabled(device))
        header_write(device, QUEUE_MSIX_VECTOR, 2, VIRTIO_MSI_NO_VECTOR);
    return virtio_common_set_page_number(device, &device->pci.common, QUEUE_ADDRESS, addresses);
}

static int get_queue_doorbell(const struct virtio_device *device, uint16_t index,
                              struct virtio_doorbell *doorbell)
{
    (void)index; /* one register for all queues */
    return virtio_doorbell_make(device, &device->pci.common, QUEUE_NOTIFY, 2, doorbell);
}

static uint32_t get_config_size(const struct virtio_device *device)
{
    const uint32_t offset = config_offset(device);

    return device->pci.common.length > offset ? device->pci.common.length - offset : 0;
}

static uint32_t read_device(const struct virtio_device *device, uint32_t offset, unsigned width)
{
    return virtio_common_read_config(device, &device->pci.common, config_offset(device) + offset,
                                     width);
}

static void write_device(const struct virtio_device *device, uint32_t offset, unsigned width,
                         uint32_t value)
{
    virtio_common_write_config(device, &device->pci.common, config_offset(device) + offset, width,
                               value);
}

static const struct virtio_transport_ops legacy_ops = {
    .name = "legacy PCI",
    .transport = VIRTIO_TRANSPORT_PCI_LEGACY,
    .revision = 0,
    .dictates_queue_size = true,
    .close = virtio_pci_close,
    .get_device_features = get_device_features,
    .set_guest_features = set_guest_features,
    .get_device_status = get_device_status,
    .set_device_status = set_device_status,
    .set_page_size = virtio_common_ignore_unit,
    .set_queue_select = set_queue_select,
    .get_queue_num_max = get_queue_num_max,
    .set_queue_num = virtio_common_ignore_size,
    .set_queue_align = virtio_common_ignore_unit,
    .set_queue_address = set_queue_address,
    .set_queue_reset = virtio_common_no_reset,
    .get_queue_reset = virtio_common_is_reset,
    .get_queue_doorbell = get_queue_doorbell,
    .set_queue_notify = virtio_common_notify,
    .get_config_size = get_config_size,
    .get_config_generation = virtio_common_no_generation,
    .read_device = read_device,
    .write_device = write_device,
    .allocate_shared = virtio_common_allocate_shared,
    .free_shared = virtio_common_free_shared,
    .map_shared_buffer = virtio_common_map_shared_buffer,
    .unmap_shared_buffer = virtio_common_unmap_shared_buffer,
};

bool virtio_pci_is_transitional(const struct virtio_device *device)
{
    return device->pci.device_id < VIRTIO_PCI_DEVICE_MODERN && device->pci.revision_id == 0 &&
           device->pci.bars[0].space != VIRTIO_SPACE_NONE;
}

int virtio_pci_legacy_setup(struct virtio_device *device)
{
    struct virtio_pci_function *function = &device->pci;
    struct virtio_region registers;
    int error;

    if (!virtio_pci_is_transitional(device))
        return VIRTIO_E_NOT_SUPPORTED;
    if (function->bars[0].size < HEADER_SIZE || function->bars[0].size > UINT32_MAX)
        return VIRTIO_E_CAPABILITY;
    error = virtio_pci_bar_reach(device, 0, 0, (uint32_t)function->bars[0].size, &registers);
    if (error != VIRTIO_OK)
        return error;
    function->common = registers;
    function->notify.space = VIRTIO_SPACE_NONE;
    function->device_config.space = VIRTIO_SPACE_NONE;
    (void)virtio_region_slice(&registers, ISR_STATUS, 1, &function->isr);
    device->legacy = true;
    device->ops = &legacy_ops;
    return VIRTIO_OK;
}
