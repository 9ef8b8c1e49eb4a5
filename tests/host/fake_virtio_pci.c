/* SPDX-License-Identifier: MIT */
/*
 * Virtio's PCI registers: legacy (4.1.4.10), modern (4.1.4.3 to 4.1.4.6) and the window (4.1.4.9).
 */
#include "fake_virtio_pci.h"

#include <string.h>
#include <virtio/device.h>

#define R  1u
#define W  2u
#define RW (R | W)

#define NO_VECTOR 0xffffu

struct field {
    uint8_t offset;
    uint8_t width;
    uint8_t direction;
    const char *name;
};

static uint32_t all_ones(unsigned width)
{
    return width == 4 ? UINT32_MAX : (1u << (width * 8)) - 1;
}

/* The field that an access is for, or NULL after a violation. */
static const struct field *find_field(struct fake_virtio_pci *front, const struct field *fields,
                                      size_t count, uint64_t offset,
                                      const struct fake_access *access, const char *section)
{
    for (size_t i = 0; i < count; i++) {
        const struct field *field = &fields[i];

        if (offset < field->offset || offset >= field->offset + (uint64_t)field->width)
            continue;
        if (offset != field->offset || access->width != field->width) {
            fake_rule(front->device, "register-width", section, "%u bytes at 0x%x (%s)",
                      access->width, (unsigned)offset, field->name);
            return NULL;
        }
        if (field->direction & (access->is_write ? W : R))
            return field;
        fake_rule(front->device, "register-direction", section, "%s of %s",
                  access->is_write ? "write" : "read", field->name);
        return NULL;
    }
    fake_rule(front->device, "register-undefined", section, "0x%x", (unsigned)offset);
    return NULL;
}

static bool msix_enabled(const struct fake_virtio_pci *front)
{
    return front->msix != 0 && (fake_pci_get(&front->function, front->msix + 2u, 2) & 0x8000) != 0;
}

static uint16_t accept_vector(const struct fake_virtio_pci *front, uint32_t value)
{
    return (uint16_t)(value < front->msix_vectors ? value : NO_VECTOR);
}

/* Legacy ---------------------------------------------------------------------------------------- */

enum {
    L_DEVICE_FEATURES = 0,
    L_DRIVER_FEATURES = 4,
    L_QUEUE_ADDRESS = 8,
    L_QUEUE_SIZE = 12,
    L_QUEUE_SELECT = 14,
    L_QUEUE_NOTIFY = 16,
    L_STATUS = 18,
    L_ISR = 19,
    L_CONFIG_VECTOR = 20,
    L_QUEUE_VECTOR = 22
};

static const struct field legacy_fields[] = {
    {L_DEVICE_FEATURES, 4, R, "device features"},
    {L_DRIVER_FEATURES, 4, RW, "driver features"},
    {L_QUEUE_ADDRESS, 4, RW, "queue address"},
    {L_QUEUE_SIZE, 2, R, "queue size"},
    {L_QUEUE_SELECT, 2, RW, "queue select"},
    {L_QUEUE_NOTIFY, 2, RW, "queue notify"},
    {L_STATUS, 1, RW, "device status"},
    {L_ISR, 1, R, "ISR status"},
    {L_CONFIG_VECTOR, 2, RW, "config_msix_vector"},
    {L_QUEUE_VECTOR, 2, RW, "queue_msix_vector"},
};

static uint32_t legacy_queue_read(struct fake_virtio_pci *front, const struct field *field)
{
    struct fake_device *device = front->device;
    struct fake_queue *queue = fake_device_selected(device, field->name);
    bool active = queue && (queue->enabled || device->keeps_queue_enabled);

    switch (field->offset) {
    case L_QUEUE_ADDRESS:
        return !active          ? 0
               : queue->enabled ? (uint32_t)(queue->address[FAKE_DESCRIPTORS] / 4096)
                                : 1;
    case L_QUEUE_SIZE:
        if (active)
            fake_rule(device, "queue-max-while-active", "4.1.5.1.3 legacy", "queue %u",
                      queue->index);
        return queue ? queue->maximum : 0;
    default:
        return queue ? queue->vector : NO_VECTOR;
    }
}

static uint32_t legacy_read(struct fake_virtio_pci *front, const struct field *field)
{
    struct fake_device *device = front->device;

    if (field->offset == L_STATUS)
        return fake_device_read_status(device);
    fake_device_touch(device, true, field->name);
    switch (field->offset) {
    case L_DEVICE_FEATURES:
        return fake_device_read_features(device);
    case L_DRIVER_FEATURES:
        return fake_device_show_driver_features(device);
    case L_QUEUE_SELECT:
        return device->queue_select;
    case L_QUEUE_NOTIFY:
        return 0;
    case L_ISR:
        return fake_device_read_isr(device);
    case L_CONFIG_VECTOR:
        return front->config_vector;
    default:
        return legacy_queue_read(front, field);
    }
}

static void legacy_write(struct fake_virtio_pci *front, const struct field *field, uint32_t value)
{
    struct fake_device *device = front->device;
    struct fake_queue *queue;

    if (field->offset == L_STATUS) {
        fake_device_write_status(device, true, value);
        return;
    }
    fake_device_touch(device, true, field->name);
    switch (field->offset) {
    case L_DRIVER_FEATURES:
        fake_device_write_features(device, value);
        return;
    case L_QUEUE_SELECT:
        fake_device_select_queue(device, value);
        return;
    case L_QUEUE_NOTIFY:
        fake_device_notify(device, value);
        return;
    case L_CONFIG_VECTOR:
        front->config_vector = accept_vector(front, value);
        return;
    default:
        break;
    }
    queue = fake_device_selected(device, field->name);
    if (!queue) {
        fake_rule(device, "queue-absent", "4.1.5.1.3", "%s of queue %u", field->name,
                  device->queue_select);
    } else if (field->offset == L_QUEUE_VECTOR) {
        queue->vector = accept_vector(front, value);
    } else {
        queue->size = queue->maximum;
        fake_queue_set_page(queue, value, 4096, 4096);
    }
}

static void legacy_access(struct fake_virtio_pci *front, uint64_t offset,
                          struct fake_access *access)
{
    uint32_t config = msix_enabled(front) ? 24 : 20;
    size_t count = sizeof(legacy_fields) / sizeof(legacy_fields[0]);
    const struct field *field;

    if (offset >= config) {
        fake_device_touch(front->device, true, "configuration space");
        if (access->is_write)
            fake_device_write_config(front->device, (uint32_t)offset - config, access->width,
                                     access->value);
        else
            access->value =
                fake_device_read_config(front->device, (uint32_t)offset - config, access->width);
        return;
    }
    field = find_field(front, legacy_fields, count, offset, access, "4.1.4.10");
    if (!field)
        return;
    if (access->is_write)
        legacy_write(front, field, access->value);
    else
        access->value = legacy_read(front, field);
}

/* Modern: the common structure ------------------------------------------------------------------ */

enum {
    M_DEVICE_FEATURE_SELECT = 0,
    M_DEVICE_FEATURE = 4,
    M_DRIVER_FEATURE_SELECT = 8,
    M_DRIVER_FEATURE = 12,
    M_CONFIG_VECTOR = 16,
    M_NUM_QUEUES = 18,
    M_STATUS = 20,
    M_GENERATION = 21,
    M_QUEUE_SELECT = 22,
    M_QUEUE_SIZE = 24,
    M_QUEUE_VECTOR = 26,
    M_QUEUE_ENABLE = 28,
    M_QUEUE_NOTIFY_OFF = 30,
    M_QUEUE_DESC = 32,
    M_QUEUE_DEVICE_HIGH = 52,
    M_NOTIF_CONFIG_DATA = 56,
    M_QUEUE_RESET = 58
};

static const struct field common_fields[] = {
    {M_DEVICE_FEATURE_SELECT, 4, RW, "device_feature_select"},
    {M_DEVICE_FEATURE, 4, R, "device_feature"},
    {M_DRIVER_FEATURE_SELECT, 4, RW, "driver_feature_select"},
    {M_DRIVER_FEATURE, 4, RW, "driver_feature"},
    {M_CONFIG_VECTOR, 2, RW, "config_msix_vector"},
    {M_NUM_QUEUES, 2, R, "num_queues"},
    {M_STATUS, 1, RW, "device_status"},
    {M_GENERATION, 1, R, "config_generation"},
    {M_QUEUE_SELECT, 2, RW, "queue_select"},
    {M_QUEUE_SIZE, 2, RW, "queue_size"},
    {M_QUEUE_VECTOR, 2, RW, "queue_msix_vector"},
    {M_QUEUE_ENABLE, 2, RW, "queue_enable"},
    {M_QUEUE_NOTIFY_OFF, 2, R, "queue_notify_off"},
    {M_QUEUE_DESC, 4, RW, "queue_desc (low)"},
    {M_QUEUE_DESC + 4, 4, RW, "queue_desc (high)"},
    {M_QUEUE_DESC + 8, 4, RW, "queue_driver (low)"},
    {M_QUEUE_DESC + 12, 4, RW, "queue_driver (high)"},
    {M_QUEUE_DESC + 16, 4, RW, "queue_device (low)"},
    {M_QUEUE_DEVICE_HIGH, 4, RW, "queue_device (high)"},
    {M_NOTIF_CONFIG_DATA, 2, R, "queue_notif_config_data"},
    {M_QUEUE_RESET, 2, RW, "queue_reset"},
};

/* Some fields are there only with the feature that they belong to. */
static bool field_exists(struct fake_virtio_pci *front, const struct field *field)
{
    uint64_t feature = field->offset == M_NOTIF_CONFIG_DATA ? VIRTIO_F_NOTIF_CONFIG_DATA
                       : field->offset == M_QUEUE_RESET     ? VIRTIO_F_RING_RESET
                                                            : 0;

    if (feature == 0 || (front->device->driver_features & feature))
        return true;
    fake_rule(front->device, "register-undefined", "4.1.4.3", "%s without its feature",
              field->name);
    return false;
}

static uint32_t common_queue_read(struct fake_virtio_pci *front, const struct field *field)
{
    struct fake_device *device = front->device;
    struct fake_queue *queue = fake_device_selected(device, field->name);
    unsigned part = (field->offset - (unsigned)M_QUEUE_DESC) / 8;

    if (!queue || !field_exists(front, field))
        return 0;
    switch (field->offset) {
    case M_QUEUE_SIZE:
        return queue->size_written ? queue->size : queue->maximum;
    case M_QUEUE_VECTOR:
        return queue->vector;
    case M_QUEUE_ENABLE:
        return queue->enabled || device->keeps_queue_enabled;
    case M_QUEUE_NOTIFY_OFF:
        return queue->notify_off;
    case M_NOTIF_CONFIG_DATA:
        return queue->notif_config_data;
    case M_QUEUE_RESET:
        return fake_queue_poll_reset(queue);
    default:
        return (uint32_t)(queue->address[part] >> (field->offset & 4 ? 32 : 0));
    }
}

static uint32_t common_read(struct fake_virtio_pci *front, const struct field *field)
{
    struct fake_device *device = front->device;

    if (field->offset == M_STATUS)
        return fake_device_read_status(device);
    fake_device_touch(device, false, field->name);
    switch (field->offset) {
    case M_DEVICE_FEATURE_SELECT:
        return device->feature_select[0];
    case M_DEVICE_FEATURE:
        return fake_device_read_features(device);
    case M_DRIVER_FEATURE_SELECT:
        return device->feature_select[1];
    case M_DRIVER_FEATURE:
        return fake_device_show_driver_features(device);
    case M_CONFIG_VECTOR:
        return front->config_vector;
    case M_NUM_QUEUES:
        return device->queue_count;
    case M_GENERATION:
        return device->generation & 0xff;
    case M_QUEUE_SELECT:
        return device->queue_select;
    default:
        return common_queue_read(front, field);
    }
}

static void common_queue_write(struct fake_virtio_pci *front, const struct field *field,
                               uint32_t value)
{
    struct fake_device *device = front->device;
    struct fake_queue *queue = fake_device_selected(device, field->name);

    if (!queue) {
        fake_rule(device, "queue-absent", "4.1.5.1.3", "%s of queue %u", field->name,
                  device->queue_select);
        return;
    }
    if (!field_exists(front, field))
        return;
    switch (field->offset) {
    case M_QUEUE_SIZE:
        fake_queue_set_size(queue, value);
        break;
    case M_QUEUE_VECTOR:
        queue->vector = accept_vector(front, value);
        break;
    case M_QUEUE_ENABLE:
        if (value != 1) {
            fake_rule(device, "queue-enable-value", "4.1.4.3.2", "0x%x", (unsigned)value);
            break;
        }
        if (!queue->size_written)
            queue->size = queue->maximum;
        fake_queue_enable(queue);
        break;
    case M_QUEUE_RESET:
        if (value != 1)
            fake_rule(device, "queue-reset-value", "4.1.4.3.2", "0x%x", (unsigned)value);
        fake_queue_begin_reset(queue);
        break;
    default:
        fake_queue_set_address(queue,
                               (enum fake_part)((field->offset - (unsigned)M_QUEUE_DESC) / 8),
                               (field->offset & 4) / 4, value);
        break;
    }
}

static void common_write(struct fake_virtio_pci *front, const struct field *field, uint32_t value)
{
    struct fake_device *device = front->device;

    if (field->offset == M_STATUS) {
        fake_device_write_status(device, false, value);
        return;
    }
    fake_device_touch(device, false, field->name);
    switch (field->offset) {
    case M_DEVICE_FEATURE_SELECT:
        fake_device_select_features(device, 0, value);
        break;
    case M_DRIVER_FEATURE_SELECT:
        fake_device_select_features(device, 1, value);
        break;
    case M_DRIVER_FEATURE:
        fake_device_write_features(device, value);
        break;
    case M_CONFIG_VECTOR:
        front->config_vector = accept_vector(front, value);
        break;
    case M_QUEUE_SELECT:
        fake_device_select_queue(device, value);
        break;
    default:
        common_queue_write(front, field, value);
        break;
    }
}

/* Modern: the other structures ------------------------------------------------------------------ */

static void notify_access(struct fake_virtio_pci *front, uint32_t offset,
                          struct fake_access *access)
{
    struct fake_device *device = front->device;
    unsigned width = device->driver_features & VIRTIO_F_NOTIFICATION_DATA ? 4 : 2;
    const struct fake_queue *queue;
    uint32_t expected;

    fake_device_touch(device, false, "a notification");
    if (!access->is_write || access->width != width) {
        fake_rule(device, "notify-width", "4.1.5.2.1", "%s of %u bytes",
                  access->is_write ? "write" : "read", access->width);
        return;
    }
    queue = fake_device_named(device, access->value);
    expected = queue ? queue->notify_off * front->notify_multiplier : offset;
    if (offset != expected && front->notify_multiplier != 0)
        fake_rule(device, "notify-address", "4.1.4.4", "queue %u at 0x%x, not 0x%x", queue->index,
                  (unsigned)offset, (unsigned)expected);
    fake_device_notify(device, access->value);
}

static void region_access(struct fake_virtio_pci *front, const struct fake_region *region,
                          uint32_t offset, struct fake_access *access)
{
    struct fake_device *device = front->device;
    size_t count = sizeof(common_fields) / sizeof(common_fields[0]);
    const struct field *field;

    switch (region->type) {
    case FAKE_COMMON:
        field = find_field(front, common_fields, count, offset, access, "4.1.3.1, 4.1.4.3");
        if (field && access->is_write)
            common_write(front, field, access->value);
        else if (field)
            access->value = common_read(front, field);
        break;
    case FAKE_NOTIFY:
        notify_access(front, offset, access);
        break;
    case FAKE_ISR:
        fake_device_touch(device, false, "the ISR status");
        if (access->is_write || access->width != 1 || offset != 0)
            fake_rule(device, "register-width", "4.1.4.5", "ISR status with %u bytes",
                      access->width);
        else
            access->value = fake_device_read_isr(device);
        break;
    case FAKE_DEVICE_CONFIG:
        fake_device_touch(device, false, "configuration space");
        if (access->is_write)
            fake_device_write_config(device, offset, access->width, access->value);
        else
            access->value = fake_device_read_config(device, offset, access->width);
        break;
    case FAKE_WINDOW:
        break;
    }
}

static const struct fake_region *find_region(const struct fake_virtio_pci *front, unsigned bar,
                                             uint64_t offset, uint64_t width)
{
    for (unsigned i = 0; i < front->region_count; i++) {
        const struct fake_region *region = &front->regions[i];

        if (region->bar == bar && offset >= region->offset &&
            offset - region->offset + width <= region->length)
            return region;
    }
    return NULL;
}

static void front_bar_access(struct fake_function *function, unsigned bar, uint64_t offset,
                             struct fake_access *access)
{
    struct fake_virtio_pci *front = (struct fake_virtio_pci *)function;
    const struct fake_region *region;

    if (!access->is_write)
        access->value = all_ones(access->width);
    fake_device_check_life(front->device, access);
    if (front->device->gone)
        return;
    if (bar == 0 && (front->interfaces & FAKE_LEGACY)) {
        legacy_access(front, offset, access);
        return;
    }
    region = find_region(front, bar, offset, access->width);
    if (!region) {
        fake_rule(front->device, "outside-structures", "4.1.4", "%u bytes at 0x%llx of BAR%u",
                  access->width, (unsigned long long)offset, bar);
        return;
    }
    region_access(front, region, (uint32_t)(offset - region->offset), access);
}

/* The window ------------------------------------------------------------------------------------ */

/* An access to pci_cfg_data is an access to the BAR, whether the BAR decodes or not. */
static bool front_config_access(struct fake_function *function, unsigned offset, unsigned width,
                                bool is_write, uint32_t *value)
{
    struct fake_virtio_pci *front = (struct fake_virtio_pci *)function;
    unsigned window = front->window;
    uint32_t bar;
    uint32_t at;
    uint32_t length;
    struct fake_access access = {
        .width = width, .is_write = is_write, .value = is_write ? *value : all_ones(width)};

    if (front->device->gone) {
        *value = all_ones(width);
        return true;
    }
    if (window == 0 || offset < window + 16 || offset >= window + 20)
        return false;
    bar = function->config[window + 4];
    at = fake_pci_get(function, window + 8, 4);
    length = fake_pci_get(function, window + 12, 4);
    front->window_accesses++;
    *value = access.value;
    if (offset != window + 16 || width != length || at % width != 0) {
        fake_rule(front->device, "window-alignment", "4.1.4.9.2",
                  "%u bytes at 0x%x, length %u, offset 0x%x", width, offset, (unsigned)length,
                  (unsigned)at);
        return true;
    }
    if (bar > 5 || !find_region(front, bar, at, width)) {
        fake_rule(front->device, "window-range", "4.1.4.9.2", "%u bytes at 0x%x of BAR%u", width,
                  (unsigned)at, (unsigned)bar);
        return true;
    }
    front_bar_access(function, bar, at, &access);
    *value = access.value;
    return true;
}

/* Building -------------------------------------------------------------------------------------- */

const struct fake_virtio_pci_options fake_virtio_pci_defaults = {.interfaces = FAKE_TRANSITIONAL,
                                                                 .msix_vectors = 2,
                                                                 .notify_multiplier = 4,
                                                                 .memory_address = 0xfe000000,
                                                                 .io_address = 0xc000};

static uint16_t transitional_id(uint32_t type)
{
    static const uint16_t ids[10] = {0,      0x1000, 0x1001, 0x1003, 0x1005,
                                     0x1002, 0,      0,      0x1004, 0x1009};

    return type < 10 && ids[type] != 0 ? ids[type] : 0x103f;
}

static void set_identity(struct fake_virtio_pci *front)
{
    struct fake_function *function = &front->function;
    uint32_t type = front->device->type;
    bool modern_only = front->interfaces == FAKE_MODERN;

    fake_pci_set(function, FAKE_PCI_VENDOR, 2, 0x1af4);
    fake_pci_set(function, FAKE_PCI_DEVICE, 2, modern_only ? 0x1040 + type : transitional_id(type));
    fake_pci_set(function, FAKE_PCI_REVISION, 1, modern_only ? 1 : 0);
    fake_pci_set(function, FAKE_PCI_SUBSYSTEM_VENDOR, 2, front->device->vendor);
    fake_pci_set(function, FAKE_PCI_SUBSYSTEM, 2, modern_only ? 0x1100 : type);
    fake_pci_set(function, FAKE_PCI_COMMAND, 2, FAKE_PCI_COMMAND_IO | FAKE_PCI_COMMAND_MEMORY);
}

uint8_t fake_virtio_pci_add_capability(struct fake_virtio_pci *front, unsigned type, uint8_t bar,
                                       uint32_t offset, uint32_t length, uint32_t extra,
                                       uint8_t capability_length)
{
    uint8_t body[18] = {capability_length, (uint8_t)type, bar};

    for (unsigned i = 0; i < 4; i++) {
        body[6 + i] = (uint8_t)(offset >> (8 * i));
        body[10 + i] = (uint8_t)(length >> (8 * i));
        body[14 + i] = (uint8_t)(extra >> (8 * i));
    }
    return fake_pci_add_capability(&front->function, 0x09, body, capability_length > 16 ? 18 : 14);
}

static void add_structure(struct fake_virtio_pci *front, enum fake_structure type, uint8_t bar,
                          uint32_t offset, uint32_t length, uint32_t multiplier)
{
    front->regions[front->region_count++] = (struct fake_region){
        .type = type,
        .bar = bar,
        .offset = offset,
        .length = length,
        .capability = fake_virtio_pci_add_capability(front, type, bar, offset, length, multiplier,
                                                     type == FAKE_NOTIFY ? 20 : 16)};
}

static void add_window(struct fake_virtio_pci *front)
{
    front->window = fake_virtio_pci_add_capability(front, FAKE_WINDOW, 0, 0, 0, 0, 20);
    front->function.writable[front->window + 4] = 0xff;
    memset(front->function.writable + front->window + 8, 0xff, 12);
}

static void add_msix(struct fake_virtio_pci *front, uint16_t vectors)
{
    uint8_t body[10] = {(uint8_t)(vectors - 1), (uint8_t)((vectors - 1) >> 8), 1, 0, 0, 0, 1, 8};

    fake_pci_set_bar(&front->function, 1, VIRTIO_SPACE_MEMORY, false, 0x1000, 0xfd000000);
    front->msix = fake_pci_add_capability(&front->function, 0x11, body, sizeof(body));
    front->msix_vectors = vectors;
}

static void add_modern(struct fake_virtio_pci *front, const struct fake_virtio_pci_options *options)
{
    uint32_t multiplier = options->notify_multiplier;
    uint32_t notify_length = multiplier == 0 ? 2 : multiplier * FAKE_QUEUES;
    uint64_t bar_size = 0x4000;

    while (bar_size < 0x3000 + (uint64_t)notify_length)
        bar_size *= 2;
    fake_pci_set_bar(&front->function, 4, VIRTIO_SPACE_MEMORY, true, bar_size,
                     options->memory_address);
    add_structure(front, FAKE_COMMON, 4, 0, 0x1000, 0);
    add_structure(front, FAKE_ISR, 4, 0x1000, 0x1000, 0);
    if (!options->no_device_config)
        add_structure(front, FAKE_DEVICE_CONFIG, 4, 0x2000, 0x1000, 0);
    if (options->notify_in_io_first) {
        fake_pci_set_bar(&front->function, 2, VIRTIO_SPACE_IO, false, 4, 0xc100);
        add_structure(front, FAKE_NOTIFY, 2, 0, 4, 0);
    }
    add_structure(front, FAKE_NOTIFY, 4, 0x3000, notify_length, multiplier);
    front->notify_multiplier = options->notify_in_io_first ? 0 : multiplier;
    if (!options->no_window)
        add_window(front);
}

static struct fake_virtio_pci *front_of(const struct fake_target *target)
{
    return (struct fake_virtio_pci *)((uintptr_t)target -
                                      offsetof(struct fake_virtio_pci, target)); /* NOLINT */
}

static void front_tick(struct fake_target *target)
{
    fake_device_tick(front_of(target)->device);
}

static const char *front_in_use(struct fake_target *target, uint64_t address, uint64_t size)
{
    return fake_device_in_use(front_of(target)->device, address, size);
}

static void front_life(struct fake_target *target, const struct virtio_device *device, bool is_open)
{
    const struct fake_virtio_pci *front = front_of(target);
    const struct virtio_pci_address *one = &device->pci.address;
    const struct virtio_pci_address *other = &front->function.address;

    if (device->pci.config && one->segment == other->segment && one->bus == other->bus &&
        one->device == other->device && one->function == other->function)
        front->device->life = is_open ? FAKE_LIFE_OPEN : FAKE_LIFE_CLOSED;
}

static enum fake_life front_is_open(const struct fake_target *target)
{
    return front_of(target)->device->life;
}

static bool is_bus_master(struct fake_device *device)
{
    const struct fake_virtio_pci *front = device->front;

    return (fake_pci_get(&front->function, FAKE_PCI_COMMAND, 2) & FAKE_PCI_COMMAND_MASTER) != 0;
}

void fake_virtio_pci_attach_with(struct fake_virtio_pci *front, struct fake_pci *pci,
                                 struct fake_device *device, struct virtio_pci_address address,
                                 const struct fake_virtio_pci_options *options)
{
    memset(front, 0, sizeof(*front));
    fake_pci_add(pci, &front->function, address);
    front->function.bar_access = front_bar_access;
    front->function.config_access = front_config_access;
    front->device = device;
    front->interfaces = options->interfaces;
    front->config_vector = NO_VECTOR;
    front->target.tick = front_tick;
    front->target.in_use = front_in_use;
    front->target.life = front_life;
    front->target.is_open = front_is_open;
    device->front = front;
    device->may_access_memory = is_bus_master;
    set_identity(front);
    if (options->interfaces & FAKE_LEGACY)
        fake_pci_set_bar(&front->function, 0, VIRTIO_SPACE_IO, false, 0x80, options->io_address);
    if (options->msix_vectors != 0)
        add_msix(front, options->msix_vectors);
    if (options->interfaces & FAKE_MODERN)
        add_modern(front, options);
    fake_host_attach(pci->host, &front->target);
}

void fake_virtio_pci_attach(struct fake_virtio_pci *front, struct fake_pci *pci,
                            struct fake_device *device, struct virtio_pci_address address,
                            unsigned interfaces)
{
    struct fake_virtio_pci_options options = fake_virtio_pci_defaults;

    options.interfaces = interfaces;
    fake_virtio_pci_attach_with(front, pci, device, address, &options);
}

void fake_virtio_pci_enable_msix(struct fake_virtio_pci *front, bool enable)
{
    unsigned control = front->msix + 2u;
    uint32_t value = fake_pci_get(&front->function, control, 2);

    fake_pci_set(&front->function, control, 2, enable ? value | 0x8000 : value & 0x7fffu);
}
