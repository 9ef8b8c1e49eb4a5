/* SPDX-License-Identifier: MIT */
/*
 * virtio-mmio registers (spec 4.2.2, 4.2.4) in front of a fake device.
 */
#include "fake_mmio.h"

#include <string.h>
#include <virtio/device.h>

#define V1   1u
#define V2   2u
#define BOTH (V1 | V2)
#define R    1u
#define W    2u
#define RW   (R | W)

#define CONFIG 0x100u

enum {
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    GUEST_PAGE_SIZE = 0x028,
    QUEUE_SEL = 0x030,
    QUEUE_SIZE_MAX = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_ALIGN = 0x03c,
    QUEUE_PFN = 0x040,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DESC_HIGH = 0x084,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DRIVER_HIGH = 0x094,
    QUEUE_DEVICE_LOW = 0x0a0,
    QUEUE_DEVICE_HIGH = 0x0a4,
    QUEUE_RESET = 0x0c0,
    CONFIG_GENERATION = 0x0fc
};

static const struct {
    uint16_t offset;
    uint8_t versions;
    uint8_t direction;
    const char *name;
} registers[] = {
    {MAGIC, BOTH, R, "MagicValue"},
    {VERSION, BOTH, R, "Version"},
    {DEVICE_ID, BOTH, R, "DeviceID"},
    {VENDOR_ID, BOTH, R, "VendorID"},
    {DEVICE_FEATURES, BOTH, R, "DeviceFeatures"},
    {DEVICE_FEATURES_SEL, BOTH, W, "DeviceFeaturesSel"},
    {DRIVER_FEATURES, BOTH, W, "DriverFeatures"},
    {DRIVER_FEATURES_SEL, BOTH, W, "DriverFeaturesSel"},
    {GUEST_PAGE_SIZE, V1, W, "GuestPageSize"},
    {QUEUE_SEL, BOTH, W, "QueueSel"},
    {QUEUE_SIZE_MAX, BOTH, R, "QueueSizeMax"},
    {QUEUE_SIZE, BOTH, W, "QueueSize"},
    {QUEUE_ALIGN, V1, W, "QueueAlign"},
    {QUEUE_PFN, V1, RW, "QueuePFN"},
    {QUEUE_READY, V2, RW, "QueueReady"},
    {QUEUE_NOTIFY, BOTH, W, "QueueNotify"},
    {INTERRUPT_STATUS, BOTH, R, "InterruptStatus"},
    {INTERRUPT_ACK, BOTH, W, "InterruptACK"},
    {STATUS, BOTH, RW, "Status"},
    {QUEUE_DESC_LOW, V2, W, "QueueDescLow"},
    {QUEUE_DESC_HIGH, V2, W, "QueueDescHigh"},
    {QUEUE_DRIVER_LOW, V2, W, "QueueDriverLow"},
    {QUEUE_DRIVER_HIGH, V2, W, "QueueDriverHigh"},
    {QUEUE_DEVICE_LOW, V2, W, "QueueDeviceLow"},
    {QUEUE_DEVICE_HIGH, V2, W, "QueueDeviceHigh"},
    {QUEUE_RESET, V2, RW, "QueueReset"},
    {CONFIG_GENERATION, V2, R, "ConfigGeneration"},
};

/* Does the access suit the table? @return the register's name, or NULL after a violation. */
static const char *check(struct fake_mmio *mmio, const struct fake_access *access, uint32_t offset)
{
    struct fake_device *device = mmio->device;

    if (access->width != 4) {
        fake_rule(device, "register-width", "4.2.2.2", "%u bytes at 0x%03x", access->width,
                  (unsigned)offset);
        return NULL;
    }
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        if (registers[i].offset != offset || !(registers[i].versions & mmio->version))
            continue;
        if (offset == QUEUE_RESET && !(device->driver_features & VIRTIO_F_RING_RESET))
            break;
        if (registers[i].direction & (access->is_write ? W : R))
            return registers[i].name;
        fake_rule(device, "register-direction", "4.2.2.2", "%s of %s",
                  access->is_write ? "write" : "read", registers[i].name);
        return NULL;
    }
    fake_rule(device, "register-undefined", "4.2.2.2", "0x%03x in version %u", (unsigned)offset,
              (unsigned)mmio->version);
    return NULL;
}

/* Magic, version and id come first, and an empty slot is left alone (4.2.3.1.1). */
static void check_order(struct fake_mmio *mmio, uint32_t offset, const char *name)
{
    static const uint8_t needed[3] = {0, 1, 3};
    uint32_t step = offset / 4;

    if (step < 3) {
        if ((mmio->identified & needed[step]) != needed[step])
            fake_rule(mmio->device, "identify-first", "4.2.3.1.1", "%s was read too early", name);
        mmio->identified |= (uint8_t)(1u << step);
        return;
    }
    if (mmio->identified != 7)
        fake_rule(mmio->device, "identify-first", "4.2.3.1.1", "%s before the device id", name);
    if (mmio->device_id == 0)
        fake_rule(mmio->device, "empty-slot-accessed", "4.2.3.1.1", "%s", name);
}

static uint32_t read_queue(struct fake_mmio *mmio, uint32_t offset, const char *name)
{
    struct fake_device *device = mmio->device;
    struct fake_queue *queue = fake_device_selected(device, name);
    bool active = queue && (queue->enabled || device->keeps_queue_enabled);

    switch (offset) {
    case QUEUE_SIZE_MAX:
        if (active && mmio->version == 1)
            fake_rule(device, "queue-max-while-active", "4.2.4", "queue %u", queue->index);
        return queue ? queue->maximum : 0;
    case QUEUE_PFN:
        return !active          ? 0
               : queue->enabled ? (uint32_t)(queue->address[FAKE_DESCRIPTORS] / mmio->page_size)
                                : 1;
    case QUEUE_READY:
        if (mmio->unverified == queue)
            mmio->unverified = NULL;
        return active;
    case QUEUE_RESET:
        return queue && fake_queue_poll_reset(queue);
    default:
        return UINT32_MAX;
    }
}

static uint32_t read_register(struct fake_mmio *mmio, uint32_t offset, const char *name)
{
    struct fake_device *device = mmio->device;

    switch (offset) {
    case MAGIC:
        return mmio->magic;
    case VERSION:
        return mmio->version;
    case DEVICE_ID:
        return mmio->device_id;
    case VENDOR_ID:
        return device->vendor;
    case STATUS:
        return fake_device_read_status(device);
    default:
        break;
    }
    fake_device_touch(device, mmio->version == 1, name);
    switch (offset) {
    case DEVICE_FEATURES:
        return fake_device_read_features(device);
    case QUEUE_SIZE_MAX:
    case QUEUE_PFN:
    case QUEUE_READY:
    case QUEUE_RESET:
        return read_queue(mmio, offset, name);
    case INTERRUPT_STATUS:
        return device->isr;
    case CONFIG_GENERATION:
        return device->generation;
    default:
        return UINT32_MAX;
    }
}

static void write_ready(struct fake_mmio *mmio, struct fake_queue *queue, uint32_t value)
{
    if (value == 1) {
        if (!queue->size_written)
            fake_rule(mmio->device, "queue-size-not-written", "4.2.3.2", "queue %u", queue->index);
        fake_queue_enable(queue);
        return;
    }
    if (value != 0)
        fake_rule(mmio->device, "queue-ready-value", "4.2.2", "0x%x", (unsigned)value);
    fake_queue_reset(queue);
    mmio->unverified = queue;
}

static void write_page(struct fake_mmio *mmio, struct fake_queue *queue, uint32_t value)
{
    if (value != 0 && (!queue->size_written || !queue->align_written || mmio->page_size == 0)) {
        fake_rule(mmio->device, "queue-enabled-early", "4.2.4",
                  "QueuePFN before QueueSize, QueueAlign or GuestPageSize");
        return;
    }
    fake_queue_set_page(queue, value, mmio->page_size, mmio->alignment[queue->index]);
}

static void write_queue(struct fake_mmio *mmio, uint32_t offset, const char *name, uint32_t value)
{
    struct fake_device *device = mmio->device;
    struct fake_queue *queue = fake_device_selected(device, name);

    if (!queue) {
        fake_rule(device, "queue-absent", "4.2.3.2", "%s of queue %u", name, device->queue_select);
        return;
    }
    if (mmio->unverified)
        fake_rule(device, "queue-ready-unverified", "4.2.2.2", "%s after QueueReady was 0", name);
    switch (offset) {
    case QUEUE_SIZE:
        fake_queue_set_size(queue, value);
        break;
    case QUEUE_ALIGN:
        if (value == 0 || (value & (value - 1)) != 0)
            fake_rule(device, "queue-align-value", "4.2.4", "0x%x", (unsigned)value);
        mmio->alignment[queue->index] = value;
        queue->align_written = true;
        break;
    case QUEUE_PFN:
        write_page(mmio, queue, value);
        break;
    case QUEUE_READY:
        write_ready(mmio, queue, value);
        break;
    case QUEUE_RESET:
        if (value != 1)
            fake_rule(device, "queue-reset-value", "4.2.2.2", "0x%x", (unsigned)value);
        fake_queue_begin_reset(queue);
        break;
    default: /* three pairs of addresses, sixteen bytes apart */
        fake_queue_set_address(queue, (enum fake_part)((offset - QUEUE_DESC_LOW) / 0x10),
                               (offset & 4) / 4, value);
        break;
    }
}

static void write_register(struct fake_mmio *mmio, uint32_t offset, const char *name,
                           uint32_t value)
{
    struct fake_device *device = mmio->device;

    if (offset == STATUS) {
        if (value == 0)
            mmio->page_size = 0;
        fake_device_write_status(device, mmio->version == 1, value);
        return;
    }
    fake_device_touch(device, mmio->version == 1, name);
    switch (offset) {
    case DEVICE_FEATURES_SEL:
        fake_device_select_features(device, 0, value);
        break;
    case DRIVER_FEATURES_SEL:
        fake_device_select_features(device, 1, value);
        break;
    case DRIVER_FEATURES:
        fake_device_write_features(device, value);
        break;
    case GUEST_PAGE_SIZE:
        if (value == 0 || (value & (value - 1)) != 0)
            fake_rule(device, "page-size-value", "4.2.4", "0x%x", (unsigned)value);
        mmio->page_size = value;
        break;
    case QUEUE_SEL:
        fake_device_select_queue(device, value);
        break;
    case QUEUE_NOTIFY:
        fake_device_notify(device, value);
        break;
    case INTERRUPT_ACK:
        if (value & ~3u)
            fake_rule(device, "interrupt-ack-value", "4.2.2.2", "0x%x", (unsigned)value);
        device->isr &= (uint8_t)~value;
        break;
    default:
        write_queue(mmio, offset, name, value);
        break;
    }
}

static uint32_t all_ones(unsigned width)
{
    return width == 4 ? UINT32_MAX : (1u << (width * 8)) - 1;
}

static void config_access(struct fake_mmio *mmio, struct fake_access *access, uint32_t offset)
{
    if (mmio->identified != 7 || mmio->device_id == 0)
        fake_rule(mmio->device, "identify-first", "4.2.3.1.1", "configuration space");
    fake_device_touch(mmio->device, mmio->version == 1, "configuration space");
    if (access->is_write)
        fake_device_write_config(mmio->device, offset, access->width, access->value);
    else
        access->value = fake_device_read_config(mmio->device, offset, access->width);
}

static bool mmio_access(struct fake_target *target, struct fake_access *access)
{
    struct fake_mmio *mmio = (struct fake_mmio *)target;
    uint32_t offset;
    const char *name;

    if (access->space != VIRTIO_SPACE_MEMORY || access->address < mmio->address ||
        access->address - mmio->address >= mmio->size)
        return false;
    offset = (uint32_t)(access->address - mmio->address);
    if (!access->is_write)
        access->value = all_ones(access->width);
    if (offset > VENDOR_ID || access->is_write) /* the others tell what is there */
        fake_device_check_life(mmio->device, access);
    if (mmio->device->gone)
        return true;
    if (offset >= CONFIG) {
        config_access(mmio, access, offset - CONFIG);
        return true;
    }
    name = check(mmio, access, offset);
    if (!name)
        return true;
    check_order(mmio, offset, name);
    if (access->is_write)
        write_register(mmio, offset, name, access->value);
    else
        access->value = read_register(mmio, offset, name);
    return true;
}

static void mmio_tick(struct fake_target *target)
{
    fake_device_tick(((struct fake_mmio *)target)->device);
}

static const char *mmio_in_use(struct fake_target *target, uint64_t address, uint64_t size)
{
    return fake_device_in_use(((struct fake_mmio *)target)->device, address, size);
}

static void mmio_life(struct fake_target *target, const struct virtio_device *device, bool is_open)
{
    struct fake_mmio *mmio = (struct fake_mmio *)target;

    if (device->mmio.address == mmio->address)
        mmio->device->life = is_open ? FAKE_LIFE_OPEN : FAKE_LIFE_CLOSED;
}

static enum fake_life mmio_is_open(const struct fake_target *target)
{
    return ((const struct fake_mmio *)target)->device->life;
}

void fake_mmio_attach(struct fake_mmio *mmio, struct fake_device *device, uint64_t address,
                      uint32_t version)
{
    memset(mmio, 0, sizeof(*mmio));
    mmio->target.access = mmio_access;
    mmio->target.tick = mmio_tick;
    mmio->target.in_use = mmio_in_use;
    mmio->target.life = mmio_life;
    mmio->target.is_open = mmio_is_open;
    mmio->device = device;
    mmio->address = address;
    mmio->size = CONFIG + FAKE_CONFIG_SIZE;
    mmio->magic = 0x74726976;
    mmio->version = version;
    mmio->device_id = device->type;
    device->front = mmio;
    fake_host_attach(device->host, &mmio->target);
}
