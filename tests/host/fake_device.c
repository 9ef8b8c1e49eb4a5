/* SPDX-License-Identifier: MIT */
/*
 * The fake device's core: status machine, features, queue selection, configuration space,
 * notifications. Knows neither registers nor rings.
 */
#include "fake_device.h"

#include <stdlib.h>
#include <string.h>
#include <virtio/device.h>

#define STATUS_KNOWN                                                                               \
    (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK |                  \
     VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DEVICE_NEEDS_RESET | VIRTIO_STATUS_FAILED)

void fake_device_begin(struct fake_device *device, struct fake_host *host, uint32_t type)
{
    memset(device, 0, sizeof(*device));
    device->host = host;
    device->type = type;
    device->vendor = 0x1af4;
    device->features = VIRTIO_F_VERSION_1;
    device->queue_count = 1;
    for (uint16_t i = 0; i < FAKE_QUEUES; i++)
        fake_queue_begin(&device->queues[i], device, i);
    device->queues[0].maximum = 256;
}

void fake_device_end(struct fake_device *device)
{
    for (unsigned i = 0; i < FAKE_QUEUES; i++)
        fake_queue_reset(&device->queues[i]);
}

/* Byte order ------------------------------------------------------------------------------------ */

/* Configuration space and rings are in the order of the interface that the test said the driver will use. */
static void check_order(const struct fake_device *device)
{
    if (device->is_big_endian != (FAKE_CPU_IS_BIG && device->legacy))
        abort(); /* the test's own mistake */
}

/* Reset ----------------------------------------------------------------------------------------- */

static void reset_now(struct fake_device *device)
{
    if (device->behaviour && device->behaviour->reset)
        device->behaviour->reset(device);
    for (unsigned i = 0; i < FAKE_QUEUES; i++)
        fake_queue_reset(&device->queues[i]);
    device->status = 0;
    device->driver_features = 0;
    device->legacy = false;
    device->isr = 0;
    device->feature_halves_read = 0;
    device->feature_halves_written = 0;
    device->feature_select_written[0] = device->feature_select_written[1] = false;
    device->feature_select[0] = device->feature_select[1] = 0;
    device->queue_select = 0;
    device->queue_selected = false;
}

/* It is done at the earliest when the driver looks: until then all that the device knows is still its own. */
static void begin_reset(struct fake_device *device)
{
    device->resets++;
    device->is_resetting = true;
    device->reset_polls_left = device->reset_polls;
    device->shown_while_resetting =
        device->reset_shows ? device->reset_shows : (uint8_t)(device->status ? device->status : 1);
}

uint8_t fake_device_read_status(struct fake_device *device)
{
    if (device->gone)
        return 0xff;
    if (!device->is_resetting)
        return device->status;
    if (device->reset_polls_left != 0) {
        if (device->reset_polls_left != FAKE_FOR_EVER)
            device->reset_polls_left--;
        return device->shown_while_resetting;
    }
    reset_now(device);
    device->is_resetting = false;
    return device->status;
}

bool fake_device_touch(struct fake_device *device, bool legacy, const char *what)
{
    if (device->gone)
        return false;
    if (device->is_resetting)
        fake_rule(device, "reset-not-waited-for", "2.4.2, 3.1.1",
                  "%s was accessed before the status read 0", what);
    if (device->status != 0 && device->legacy != legacy)
        fake_rule(device, "mixed-interfaces", "4.1.4", "%s of the %s interface", what,
                  legacy ? "legacy" : "modern");
    return true;
}

void fake_device_check_life(struct fake_device *device, const struct fake_access *access)
{
    if (device->life == FAKE_LIFE_CLOSED)
        fake_rule(device, "access-after-teardown", "3.3", "%s of %u bytes, and it is closed",
                  access->is_write ? "write" : "read", access->width);
}

/* Status ---------------------------------------------------------------------------------------- */

static void check_added(struct fake_device *device, uint8_t old, uint8_t added)
{
    bool features = device->legacy || (old & VIRTIO_STATUS_FEATURES_OK) != 0;

    if ((added & VIRTIO_STATUS_ACKNOWLEDGE) && (old != 0 || device->resets == 0))
        fake_rule(device, "reset-first", "3.1.1 step 1", "ACKNOWLEDGE on status 0x%02x", old);
    if ((added & VIRTIO_STATUS_DRIVER) && !(old & VIRTIO_STATUS_ACKNOWLEDGE))
        fake_rule(device, "status-sequence", "3.1.1", "DRIVER before ACKNOWLEDGE");
    if ((added & VIRTIO_STATUS_FEATURES_OK) && device->legacy)
        fake_rule(device, "features-ok-on-legacy", "3.1.2", "FEATURES_OK was written");
    if ((added & VIRTIO_STATUS_FEATURES_OK) && !(old & VIRTIO_STATUS_DRIVER))
        fake_rule(device, "status-sequence", "3.1.1", "FEATURES_OK before DRIVER");
    if ((added & VIRTIO_STATUS_DRIVER_OK) && (!(old & VIRTIO_STATUS_DRIVER) || !features))
        fake_rule(device, "status-sequence", "3.1.1", "DRIVER_OK on status 0x%02x", old);
    if (added & VIRTIO_STATUS_DEVICE_NEEDS_RESET)
        fake_rule(device, "status-device-bit", "2.1", "the driver set DEVICE_NEEDS_RESET");
    if ((old & VIRTIO_STATUS_FAILED) && added)
        fake_rule(device, "continued-after-failed", "2.1.1", "0x%02x after FAILED", added);
}

/* FEATURES_OK was written: does the device keep it? */
static bool accepts_features(struct fake_device *device)
{
    if (device->refuses_features)
        return false;
    if (device->feature_halves_written != 3)
        fake_rule(device, "features-half-missing", "2.2", "halves written: %u",
                  device->feature_halves_written);
    if (device->feature_halves_read != 3)
        fake_rule(device, "features-half-missing", "2.2", "halves read: %u",
                  device->feature_halves_read);
    if (!(device->driver_features & VIRTIO_F_VERSION_1))
        fake_rule(device, "version-1-not-accepted", "6.1", "VIRTIO_F_VERSION_1 was not taken");
    return true;
}

static void log_status(struct fake_device *device, uint8_t value)
{
    memmove(device->status_log + 1, device->status_log, sizeof(device->status_log) - 1);
    device->status_log[0] = value;
}

void fake_device_write_status(struct fake_device *device, bool legacy, uint32_t value)
{
    uint8_t old = device->status;
    uint8_t added = (uint8_t)(value & ~(uint32_t)old);

    if (device->gone)
        return;
    log_status(device, (uint8_t)value);
    if (value == 0) {
        begin_reset(device);
        return;
    }
    if (old == 0) {
        device->legacy = legacy;
        check_order(device);
    }
    fake_device_touch(device, legacy, "the status");
    if (value & ~(uint32_t)STATUS_KNOWN)
        fake_rule(device, "status-reserved-bits", "2.1", "0x%x was written", (unsigned)value);
    if (old & ~value)
        fake_rule(device, "status-bit-cleared", "2.1.1", "0x%02x after 0x%02x", (unsigned)value,
                  old);
    check_added(device, old, added);
    if ((added & VIRTIO_STATUS_FEATURES_OK) && !device->legacy && !accepts_features(device))
        added &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
    device->readies += (added & VIRTIO_STATUS_DRIVER_OK) != 0;
    device->failures += (added & VIRTIO_STATUS_FAILED) != 0;
    device->status = (uint8_t)((old | added) & STATUS_KNOWN);
}

/* Features -------------------------------------------------------------------------------------- */

void fake_device_select_features(struct fake_device *device, unsigned which, uint32_t select)
{
    device->feature_select[which] = select;
    device->feature_select_written[which] = true;
}

static uint32_t half(uint64_t features, uint32_t select)
{
    return select > 1 ? 0 : (uint32_t)(features >> (select * 32));
}

uint32_t fake_device_read_features(struct fake_device *device)
{
    uint32_t select = device->feature_select[0];

    if (!(device->status & VIRTIO_STATUS_DRIVER))
        fake_rule(device, "features-before-driver", "3.1.1 step 4", "read on status 0x%02x",
                  device->status);
    if (!device->legacy && !device->feature_select_written[0])
        fake_rule(device, "features-not-selected", "4.2.2.2", "read without a selection");
    if (select < 2)
        device->feature_halves_read |= (uint8_t)(1u << select);
    return device->legacy && select != 0 ? 0 : half(device->features, select);
}

uint32_t fake_device_show_driver_features(struct fake_device *device)
{
    return half(device->driver_features, device->feature_select[1]);
}

void fake_device_write_features(struct fake_device *device, uint32_t value)
{
    uint32_t select = device->feature_select[1];

    if (!(device->status & VIRTIO_STATUS_DRIVER) ||
        (device->status & (VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK)))
        fake_rule(device, "features-at-wrong-time", "3.1.1 step 4", "written on status 0x%02x",
                  device->status);
    if (!device->legacy && !device->feature_select_written[1])
        fake_rule(device, "features-not-selected", "4.2.2.2", "written without a selection");
    if (value & ~(device->legacy && select != 0 ? 0 : half(device->features, select)))
        fake_rule(device, "feature-not-offered", "2.2.1", "0x%08x of 0x%08x (half %u)",
                  (unsigned)value, (unsigned)half(device->features, select), (unsigned)select);
    if (select > 1)
        return;
    device->feature_halves_written |= (uint8_t)(1u << select);
    device->driver_features &= ~(UINT64_C(0xffffffff) << (select * 32));
    device->driver_features |= (uint64_t)value << (select * 32);
    device->features_taken = device->driver_features;
    /* Without a behaviour of its own it is no device of its type, and a test asks for what it likes. */
    if (device->behaviour && device->behaviour_context &&
        (device->driver_features & ~fake_features_implemented(device->type)) != 0)
        fake_rule(device, "feature-not-implemented", "2.2.1, 5", "0x%llx",
                  (unsigned long long)(device->driver_features &
                                       ~fake_features_implemented(device->type)));
}

static bool has_negotiated(const struct fake_device *device)
{
    return device->legacy ? (device->feature_halves_written & 1) != 0
                          : (device->status & VIRTIO_STATUS_FEATURES_OK) != 0;
}

/* Queues ---------------------------------------------------------------------------------------- */

void fake_device_select_queue(struct fake_device *device, uint32_t index)
{
    if (!has_negotiated(device))
        fake_rule(device, "queue-before-features", "3.1.1 step 7", "selected on status 0x%02x",
                  device->status);
    if (index > 0xffff)
        fake_rule(device, "queue-select-range", "2.6", "queue %u", (unsigned)index);
    device->queue_select = (uint16_t)index;
    device->queue_selected = true;
}

struct fake_queue *fake_device_selected(struct fake_device *device, const char *what)
{
    if (!device->queue_selected)
        fake_rule(device, "queue-not-selected", "4.1.4.3, 4.2.2", "%s without a selection", what);
    if (device->status & VIRTIO_STATUS_FAILED)
        fake_rule(device, "continued-after-failed", "2.1.1", "%s after FAILED", what);
    if (device->queue_select >= device->queue_count ||
        device->queues[device->queue_select].maximum == 0)
        return NULL;
    return &device->queues[device->queue_select];
}

void fake_device_work(struct fake_device *device, struct fake_queue *queue)
{
    struct fake_chain *chain;

    queue->work_due = false;
    if (queue->is_busy)
        fake_queue_set_busy(queue, false);
    if (!queue->enabled || !device->behaviour || !device->behaviour->request)
        return;
    if (device->may_access_memory && !device->may_access_memory(device)) {
        fake_rule(device, "no-bus-master", "PCI 6.2.2", "the device was told to work");
        return;
    }
    fake_queue_hold_batch(queue, true);
    while ((chain = fake_queue_take(queue)) != NULL)
        device->behaviour->request(device, chain);
    fake_queue_hold_batch(queue, false);
}

struct fake_queue *fake_device_named(struct fake_device *device, uint32_t value)
{
    bool with_data = (device->driver_features & VIRTIO_F_NOTIFICATION_DATA) != 0;
    bool with_config = (device->driver_features & VIRTIO_F_NOTIF_CONFIG_DATA) != 0;
    uint32_t which = with_data ? value & 0xffff : value;

    for (unsigned i = 0; i < device->queue_count; i++) {
        if (which == (with_config ? device->queues[i].notif_config_data : i))
            return &device->queues[i];
    }
    return NULL;
}

void fake_device_notify(struct fake_device *device, uint32_t value)
{
    struct fake_queue *queue = fake_device_named(device, value);

    if (!(device->status & VIRTIO_STATUS_DRIVER_OK))
        fake_rule(device, "notified-before-driver-ok", "3.1.1", "status 0x%02x", device->status);
    if (!queue || !queue->enabled) {
        fake_rule(device, "notify-unknown-queue", "4.1.5.2, 4.2.3.3", "0x%x", (unsigned)value);
        return;
    }
    if ((device->driver_features & VIRTIO_F_NOTIFICATION_DATA) &&
        value >> 16 != fake_queue_next(queue))
        fake_rule(device, "notification-data", "2.9, 2.8.16", "0x%04x instead of 0x%04x",
                  (unsigned)(value >> 16), fake_queue_next(queue));
    fake_queue_notified(queue);
    if (device->latency_us == 0) {
        fake_device_work(device, queue);
    } else if (!queue->work_due) {
        queue->work_due = true;
        queue->work_at = device->host->now_us + device->latency_us;
        fake_queue_set_busy(queue, true);
    }
}

void fake_device_tick(struct fake_device *device)
{
    if (device->gone)
        return;
    for (unsigned i = 0; i < device->queue_count; i++) {
        struct fake_queue *queue = &device->queues[i];

        if (queue->work_due && device->host->now_us >= queue->work_at)
            fake_device_work(device, queue);
    }
    if (device->behaviour && device->behaviour->tick)
        device->behaviour->tick(device);
}

const char *fake_device_in_use(struct fake_device *device, uint64_t address, uint64_t size)
{
    for (unsigned i = 0; !device->gone && i < device->queue_count; i++) {
        const char *reason = fake_queue_in_use(&device->queues[i], address, size);

        if (reason)
            return reason;
    }
    return NULL;
}

/* Configuration space --------------------------------------------------------------------------- */

static bool width_fits(const struct fake_device *device, uint32_t offset, unsigned width)
{
    uint32_t at = 0;

    if (offset % width != 0)
        return false;
    if (!device->config_widths)
        return true;
    for (const uint8_t *field = device->config_widths; *field; field++) {
        if (offset >= at && offset < at + *field)
            return *field == 8 ? width == 4 : width == *field;
        at += *field;
    }
    return false;
}

/* Step 4 allows reading (and not writing) what a driver needs to know before it takes the features. */
static bool is_read_to_choose(const struct fake_device *device, uint32_t offset, unsigned width,
                              const char *what)
{
    return device->config_early != 0 && offset == device->config_early && width == 1 &&
           what[0] == 'r' && (device->status & VIRTIO_STATUS_DRIVER) != 0;
}

static bool config_access(struct fake_device *device, uint32_t offset, unsigned width,
                          const char *what)
{
    if (!has_negotiated(device) && !is_read_to_choose(device, offset, width, what))
        fake_rule(device, "config-before-features", "3.1.1 steps 4 to 7", "%s of %u bytes at 0x%x",
                  what, width, (unsigned)offset);
    if (offset + width > device->config_size) {
        fake_rule(device, "config-beyond-end", "2.5.3", "%s of %u bytes at 0x%x of 0x%x", what,
                  width, (unsigned)offset, (unsigned)device->config_size);
        return false;
    }
    if (!width_fits(device, offset, width))
        fake_rule(device, "config-width", "4.1.3.1, 4.2.2.2", "%s of %u bytes at 0x%x", what, width,
                  (unsigned)offset);
    return true;
}

/* An access is of the bytes that are there, whatever their order: the lowest first, as in all registers. */
uint32_t fake_device_read_config(struct fake_device *device, uint32_t offset, unsigned width)
{
    device->config_reads++;
    if (!config_access(device, offset, width, "read"))
        return width == 4 ? UINT32_MAX : (1u << (width * 8)) - 1;
    return (uint32_t)fake_number(device->config + offset, width, false);
}

void fake_device_write_config(struct fake_device *device, uint32_t offset, unsigned width,
                              uint32_t value)
{
    if (!config_access(device, offset, width, "write"))
        return;
    fake_put_number(device->config + offset, width, false, value);
    if (device->behaviour && device->behaviour->config_written)
        device->behaviour->config_written(device, offset, width);
}

void fake_device_set_config(struct fake_device *device, uint32_t offset, unsigned width,
                            uint64_t value)
{
    fake_put(device, device->config + offset, width, value);
    if (device->config_size < offset + width)
        device->config_size = offset + width;
}

void fake_device_change_config(struct fake_device *device, uint32_t offset, const void *bytes,
                               uint32_t size)
{
    memcpy(device->config + offset, bytes, size);
    device->generation++;
    device->isr |= 2;
}

void fake_device_change_field(struct fake_device *device, uint32_t offset, unsigned width,
                              uint64_t value)
{
    uint8_t bytes[8];

    fake_put(device, bytes, width, value);
    fake_device_change_config(device, offset, bytes, width);
}

uint8_t fake_device_read_isr(struct fake_device *device)
{
    uint8_t isr = device->isr;

    device->isr = 0;
    return isr;
}

/* The simplest behaviour ------------------------------------------------------------------------ */

static void echo_request(struct fake_device *device, struct fake_chain *chain)
{
    size_t length = (size_t)(chain->readable < chain->writable ? chain->readable : chain->writable);
    uint8_t *bytes = malloc(length ? length : 1);

    (void)device;
    if (!bytes)
        abort();
    fake_chain_fill(chain, FAKE_ECHO_FILL);
    fake_chain_read(chain, 0, bytes, length);
    fake_chain_write(chain, 0, bytes, length);
    free(bytes);
    fake_chain_complete(chain, (uint32_t)chain->writable);
}

const struct fake_behaviour fake_echo = {.request = echo_request};
