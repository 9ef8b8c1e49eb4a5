/* SPDX-License-Identifier: MIT */
/*
 * virtio-mmio: the look at a register block, and the transport operations of version 1 (legacy) and
 * version 2. Control registers are accessed with 32 bits only, configuration space with the natural
 * width. Interrupt status and shared memory registers are left alone.
 *
 * Spec: 4.2.2 (registers), 4.2.3 (initialisation), 4.2.4 (legacy interface).
 */
#include "transport_internal.h"

enum {
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SELECT = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SELECT = 0x024,
    GUEST_PAGE_SIZE = 0x028, /* version 1 */
    QUEUE_SELECT = 0x030,
    QUEUE_SIZE_MAX = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_ALIGN = 0x03c,       /* version 1 */
    QUEUE_PAGE_NUMBER = 0x040, /* version 1 */
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    STATUS = 0x070,
    QUEUE_DESC = 0x080,
    QUEUE_ADDRESS_STRIDE = 0x10,
    QUEUE_RESET = 0x0c0,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = VIRTIO_MMIO_CONFIG_OFFSET
};

/* The letters "virt", little-endian. */
#define MAGIC 0x74726976u

static uint32_t register_read(const struct virtio_device *device, uint32_t offset)
{
    return virtio_region_read(device, &device->mmio.registers, offset, 4);
}

static void register_write(const struct virtio_device *device, uint32_t offset, uint32_t value)
{
    virtio_region_write(device, &device->mmio.registers, offset, 4, value);
}

static uint8_t get_device_status(const struct virtio_device *device)
{
    return (uint8_t)register_read(device, STATUS);
}

static void set_device_status(const struct virtio_device *device, uint8_t status)
{
    register_write(device, STATUS, status);
}

static void set_queue_select(const struct virtio_device *device, uint16_t index)
{
    register_write(device, QUEUE_SELECT, index);
}

static void set_queue_num(const struct virtio_device *device, uint16_t size)
{
    register_write(device, QUEUE_SIZE, size);
}

static int get_queue_doorbell(const struct virtio_device *device, uint16_t index,
                              struct virtio_doorbell *doorbell)
{
    (void)index; /* one register for all queues */
    return virtio_doorbell_make(device, &device->mmio.registers, QUEUE_NOTIFY, 4, doorbell);
}

static uint32_t get_config_size(const struct virtio_device *device)
{
    return device->mmio.size - CONFIG;
}

static uint32_t read_device(const struct virtio_device *device, uint32_t offset, unsigned width)
{
    return virtio_common_read_config(device, &device->mmio.registers, CONFIG + offset, width);
}

static void write_device(const struct virtio_device *device, uint32_t offset, unsigned width,
                         uint32_t value)
{
    virtio_common_write_config(device, &device->mmio.registers, CONFIG + offset, width, value);
}

static void mmio_close(struct virtio_device *device)
{
    struct virtio_region *registers = &device->mmio.registers;

    if (registers->pointer)
        virtio_host_mmio_unmap(device->host, (void *)(uintptr_t)registers->pointer,
                               registers->length);
    *registers = (struct virtio_region){.space = VIRTIO_SPACE_NONE};
}

/* Version 2 */

static uint64_t modern_get_features(const struct virtio_device *device)
{
    return virtio_common_read_features(device, &device->mmio.registers, DEVICE_FEATURES_SELECT,
                                       DEVICE_FEATURES);
}

static void modern_set_features(const struct virtio_device *device, uint64_t features)
{
    virtio_common_write_features(device, &device->mmio.registers, DRIVER_FEATURES_SELECT,
                                 DRIVER_FEATURES, features);
}

static int modern_get_queue_num_max(const struct virtio_device *device, uint32_t *size)
{
    if (register_read(device, QUEUE_READY) != 0)
        return VIRTIO_E_BUSY;
    *size = register_read(device, QUEUE_SIZE_MAX);
    return VIRTIO_OK;
}

static int modern_set_queue_address(const struct virtio_device *device,
                                    const struct virtio_queue_addresses *addresses)
{
    return virtio_common_enable_queue(device, &device->mmio.registers, QUEUE_DESC,
                                      QUEUE_ADDRESS_STRIDE, QUEUE_READY, 4, addresses);
}

static uint32_t modern_get_config_generation(const struct virtio_device *device)
{
    return register_read(device, CONFIG_GENERATION);
}

/* Version 1 */

static uint64_t legacy_get_features(const struct virtio_device *device)
{
    register_write(device, DEVICE_FEATURES_SELECT, 0);
    return register_read(device, DEVICE_FEATURES);
}

static void legacy_set_features(const struct virtio_device *device, uint64_t features)
{
    register_write(device, DRIVER_FEATURES_SELECT, 0);
    register_write(device, DRIVER_FEATURES, (uint32_t)features);
}

static void legacy_set_page_size(const struct virtio_device *device, uint32_t page_size)
{
    register_write(device, GUEST_PAGE_SIZE, page_size);
}

static int legacy_get_queue_num_max(const struct virtio_device *device, uint32_t *size)
{
    if (register_read(device, QUEUE_PAGE_NUMBER) != 0)
        return VIRTIO_E_BUSY;
    *size = register_read(device, QUEUE_SIZE_MAX);
    return VIRTIO_OK;
}

static void legacy_set_queue_align(const struct virtio_device *device, uint32_t alignment)
{
    register_write(device, QUEUE_ALIGN, alignment);
}

static int legacy_set_queue_address(const struct virtio_device *device,
                                    const struct virtio_queue_addresses *addresses)
{
    return virtio_common_set_page_number(device, &device->mmio.registers, QUEUE_PAGE_NUMBER,
                                         addresses);
}

static void modern_set_queue_reset(const struct virtio_device *device)
{
    register_write(device, QUEUE_RESET, 1);
}

static bool modern_get_queue_reset(const struct virtio_device *device)
{
    return register_read(device, QUEUE_RESET) != 0;
}

static const struct virtio_transport_ops modern_ops = {
    .name = "virtio-mmio 2",
    .transport = VIRTIO_TRANSPORT_MMIO_MODERN,
    .revision = 0x0100,
    .lacks = VIRTIO_F_NOTIF_CONFIG_DATA,
    .close = mmio_close,
    .get_device_features = modern_get_features,
    .set_guest_features = modern_set_features,
    .get_device_status = get_device_status,
    .set_device_status = set_device_status,
    .set_page_size = virtio_common_ignore_unit,
    .set_queue_select = set_queue_select,
    .get_queue_num_max = modern_get_queue_num_max,
    .set_queue_num = set_queue_num,
    .set_queue_align = virtio_common_ignore_unit,
    .set_queue_address = modern_set_queue_address,
    .set_queue_reset = modern_set_queue_reset,
    .get_queue_reset = modern_get_queue_reset,
    .get_queue_doorbell = get_queue_doorbell,
    .set_queue_notify = virtio_common_notify,
    .get_config_size = get_config_size,
    .get_config_generation = modern_get_config_generation,
    .read_device = read_device,
    .write_device = write_device,
    .allocate_shared = virtio_common_allocate_shared,
    .free_shared = virtio_common_free_shared,
    .map_shared_buffer = virtio_common_map_shared_buffer,
    .unmap_shared_buffer = virtio_common_unmap_shared_buffer,
};

static const struct virtio_transport_ops legacy_ops = {
    .name = "virtio-mmio 1",
    .transport = VIRTIO_TRANSPORT_MMIO_LEGACY,
    .revision = 0,
    .close = mmio_close,
    .get_device_features = legacy_get_features,
    .set_guest_features = legacy_set_features,
    .get_device_status = get_device_status,
    .set_device_status = set_device_status,
    .set_page_size = legacy_set_page_size,
    .set_queue_select = set_queue_select,
    .get_queue_num_max = legacy_get_queue_num_max,
    .set_queue_num = set_queue_num,
    .set_queue_align = legacy_set_queue_align,
    .set_queue_address = legacy_set_queue_address,
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

/* Map the register block of device->mmio.address and size. */
static int map_registers(struct virtio_device *device)
{
    struct virtio_mmio_slot *slot = &device->mmio;

    slot->registers = (struct virtio_region){
        .space = VIRTIO_SPACE_MEMORY, .length = slot->size, .address = slot->address};
    if (device->host->register_read)
        return VIRTIO_OK;
    slot->registers.pointer = virtio_host_mmio_map(device->host, slot->address, slot->size);
    return slot->registers.pointer ? VIRTIO_OK : VIRTIO_E_MAP;
}

/* Who is there? Nothing but the identity registers is read, and no more of them than is needed. */
static int identify(struct virtio_device *device)
{
    if (register_read(device, MAGIC_VALUE) != MAGIC)
        return VIRTIO_E_NO_DEVICE;
    device->mmio.version = register_read(device, VERSION);
    if (device->mmio.version != 1 && device->mmio.version != 2)
        return VIRTIO_E_NOT_SUPPORTED;
    device->type = register_read(device, DEVICE_ID);
    if (device->type == 0)
        return VIRTIO_E_NO_DEVICE;
    device->vendor = register_read(device, VENDOR_ID);
    return VIRTIO_OK;
}

int virtio_mmio_probe(const struct virtio_host *host, uint64_t address, uint32_t size,
                      struct virtio_device *device)
{
    int error;

    if (address == 0 || (address & 3) != 0 || size < CONFIG || size - 1 > UINT64_MAX - address)
        return VIRTIO_E_INVALID;
    virtio_device_found(device, host, 0, 0);
    device->mmio.address = address;
    device->mmio.size = size;
    error = map_registers(device);
    if (error == VIRTIO_OK)
        error = identify(device);
    mmio_close(device);
    return error;
}

/* Open for the version found, unless the other one is asked for. */
static int choose(struct virtio_device *device)
{
    const bool legacy = device->mmio.version == 1;

    if (device->force == (legacy ? VIRTIO_FORCE_MODERN : VIRTIO_FORCE_LEGACY))
        return VIRTIO_E_NOT_SUPPORTED;
    device->legacy = legacy;
    device->ops = legacy ? &legacy_ops : &modern_ops;
    device->choice =
        legacy ? "virtio-mmio version 1: legacy only" : "virtio-mmio version 2: modern only";
    return VIRTIO_OK;
}

int virtio_mmio_open(struct virtio_device *device)
{
    const uint32_t type = device->type;
    int error = map_registers(device);

    if (error == VIRTIO_OK && (identify(device) != VIRTIO_OK || device->type != type)) {
        device->type = type;
        error = VIRTIO_E_GONE;
    }
    if (error == VIRTIO_OK)
        error = choose(device);
    if (error != VIRTIO_OK)
        mmio_close(device);
    return error;
}
