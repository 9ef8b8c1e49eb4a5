/* SPDX-License-Identifier: MIT */
/*
 * The life cycle of a device: reset, status, features (spec 2.1, 2.2, 2.4, 3.1). Knows transports only by
 * their operations and device types not at all. Status bits are only ever added, except by a reset.
 */
#include "../queue/queue_internal.h"
#include "../transport/transport_internal.h"
#include "bytes.h"
#include "features.h"
#include "time.h"

/* A register of an unplugged device reads all ones; the transports see to that for the status register. */
#define STATUS_GONE 0xffu

/* Feature bits 24 to 49 belong to queues, transport and negotiation, the others to the device type. */
#define DEVICE_TYPE_FEATURES UINT64_C(0xfffc000000ffffff)

void virtio_device_found(struct virtio_device *device, const struct virtio_host *host,
                         uint32_t type, uint32_t vendor)
{
    memset(device, 0, sizeof(*device));
    device->host = host;
    device->type = type;
    device->vendor = vendor;
    device->timeout_us = VIRTIO_TIMEOUT_DEFAULT_US;
}

static int open_device(struct virtio_device *device)
{
    if (device->pci.config != NULL)
        return virtio_pci_open(device);
    if (device->mmio.address != 0)
        return virtio_mmio_open(device);
    return VIRTIO_E_NO_DEVICE;
}

static void close_device(struct virtio_device *device)
{
    device->ops->close(device);
    device->ops = NULL;
    device->given_up = false;
    device->state = VIRTIO_DEVICE_FOUND;
}

/* Write 0 and wait until it reads back: only then is the reset done (spec 2.4.2). */
static int reset(const struct virtio_device *device)
{
    struct virtio_deadline deadline;

    device->ops->set_device_status(device, 0);
    virtio_deadline_begin(&deadline, device->host, device->timeout_us);
    for (;;) {
        uint8_t status = device->ops->get_device_status(device);

        if (status == 0)
            return VIRTIO_OK;
        if (status == STATUS_GONE)
            return VIRTIO_E_GONE;
        if (virtio_deadline_passed(&deadline, device->host))
            return VIRTIO_E_TIMEOUT;
    }
}

static void add_status(const struct virtio_device *device, uint8_t *status, unsigned bits)
{
    *status = (uint8_t)(*status | bits);
    device->ops->set_device_status(device, *status);
}

int virtio_write_features(struct virtio_device *device, uint64_t features, uint8_t *status)
{
    if (device->ops == NULL || device->ops->revision < 0x0100)
        return VIRTIO_E_NOT_SUPPORTED;
    if ((features & ~device->features_offered) != 0)
        return VIRTIO_E_INVALID;
    device->ops->set_guest_features(device, features);
    device->features = features;
    add_status(device, status, VIRTIO_STATUS_FEATURES_OK);
    *status = device->ops->get_device_status(device);
    if (*status == STATUS_GONE)
        return VIRTIO_E_GONE;
    return (*status & VIRTIO_STATUS_FEATURES_OK) != 0 ? VIRTIO_OK : VIRTIO_E_FEATURES;
}

/* What the library takes of an offer, or why it can't work with it. */
static int choose_features(const struct virtio_device *device, const struct virtio_features *wanted,
                           uint64_t *taken)
{
    uint64_t library = device->legacy ? VIRTIO_LEGACY_FEATURES : VIRTIO_MODERN_FEATURES;

    library &= ~(device->refuse | device->ops->lacks);
    *taken = device->features_offered & ((wanted->supported & ~device->refuse) | library);
    if (!device->legacy && (*taken & VIRTIO_F_VERSION_1) == 0)
        return VIRTIO_E_NO_VERSION_1;
    if ((wanted->required & ~*taken) != 0)
        return VIRTIO_E_NOT_SUPPORTED;
    return VIRTIO_OK;
}

/* What the status is when the device has been told of a driver, and features are to be chosen. */
#define OFFERED_STATUS (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER)

static void read_offer(struct virtio_device *device)
{
    device->ops->set_device_status(device, VIRTIO_STATUS_ACKNOWLEDGE);
    device->ops->set_device_status(device, OFFERED_STATUS);
    device->features_offered = device->ops->get_device_features(device);
}

static int accept_features(struct virtio_device *device, const struct virtio_features *wanted)
{
    uint8_t status = OFFERED_STATUS;
    uint64_t taken;
    int error = choose_features(device, wanted, &taken);

    if (error != VIRTIO_OK)
        return error;
    if (!device->legacy)
        return virtio_write_features(device, taken, &status);
    device->ops->set_guest_features(device, taken);
    device->features = taken;
    device->ops->set_page_size(device, VIRTIO_LEGACY_ALIGNMENT);
    return VIRTIO_OK;
}

/* Only what is there already plus FAILED: status bits are never cleared but by a reset. */
static void set_failed(const struct virtio_device *device)
{
    uint8_t status = device->ops->get_device_status(device);

    if (status != STATUS_GONE)
        add_status(device, &status, VIRTIO_STATUS_FAILED);
}

static bool wanted_is_valid(const struct virtio_features *wanted)
{
    return wanted != NULL && (wanted->supported & ~DEVICE_TYPE_FEATURES) == 0 &&
           (wanted->required & ~wanted->supported) == 0;
}

int virtio_device_offer(struct virtio_device *device)
{
    int error;

    if (virtio_host_check(device->host) != VIRTIO_OK)
        return VIRTIO_E_INVALID;
    if ((device->state != VIRTIO_DEVICE_FOUND && device->state != VIRTIO_DEVICE_STOPPED) ||
        device->queues != NULL)
        return VIRTIO_E_STATE;
    device->features_offered = 0;
    device->features = 0;
    if (device->ops == NULL) {
        error = open_device(device);
        if (error != VIRTIO_OK)
            return error;
    }
    error = reset(device);
    if (error != VIRTIO_OK) {
        close_device(device);
        return error;
    }
    read_offer(device);
    device->state = VIRTIO_DEVICE_OFFERED;
    return VIRTIO_OK;
}

int virtio_device_accept(struct virtio_device *device, const struct virtio_features *wanted)
{
    int error;

    if (device->state != VIRTIO_DEVICE_OFFERED)
        return VIRTIO_E_STATE;
    if (!wanted_is_valid(wanted))
        return VIRTIO_E_INVALID;
    error = accept_features(device, wanted);
    if (error == VIRTIO_OK) {
        device->state = VIRTIO_DEVICE_BEGUN;
        return VIRTIO_OK;
    }
    set_failed(device);
    (void)reset(device); /* it knows no memory yet: closed even if that is never done */
    close_device(device);
    return error;
}

int virtio_device_begin(struct virtio_device *device, const struct virtio_features *wanted)
{
    int error = wanted_is_valid(wanted) ? virtio_device_offer(device) : VIRTIO_E_INVALID;

    return error == VIRTIO_OK ? virtio_device_accept(device, wanted) : error;
}

int virtio_device_ready(struct virtio_device *device)
{
    uint8_t status;

    if (device->state != VIRTIO_DEVICE_BEGUN)
        return VIRTIO_E_STATE;
    status = device->ops->get_device_status(device);
    if (status == STATUS_GONE)
        return VIRTIO_E_GONE;
    if ((status & VIRTIO_STATUS_DEVICE_NEEDS_RESET) != 0)
        return VIRTIO_E_NEEDS_RESET;
    add_status(device, &status, VIRTIO_STATUS_DRIVER_OK);
    device->state = VIRTIO_DEVICE_READY;
    for (struct virtio_queue *queue = device->queues; queue != NULL; queue = queue->next_queue)
        virtio_queue_ready(queue);
    return VIRTIO_OK;
}

int virtio_device_stop(struct virtio_device *device)
{
    int error;

    if (device->state == VIRTIO_DEVICE_FOUND || device->state == VIRTIO_DEVICE_STOPPED)
        return VIRTIO_OK;
    error = reset(device);
    device->state = error == VIRTIO_E_TIMEOUT ? VIRTIO_DEVICE_LOST : VIRTIO_DEVICE_STOPPED;
    for (struct virtio_queue *queue = device->queues; queue != NULL; queue = queue->next_queue)
        virtio_queue_stopped(queue);
    return error;
}

/* ACKNOWLEDGE to FEATURES_OK, with the features that were taken before. */
static int negotiate_again(struct virtio_device *device)
{
    uint64_t taken = device->features;
    const struct virtio_features same = {
        .supported = taken & DEVICE_TYPE_FEATURES,
        .required = taken & DEVICE_TYPE_FEATURES,
    };
    int error;

    read_offer(device);
    error = accept_features(device, &same);
    if (error == VIRTIO_OK && device->features == taken)
        return VIRTIO_OK;
    device->features = taken;
    return error == VIRTIO_E_GONE ? error : VIRTIO_E_FEATURES;
}

static int rebuild_queues(struct virtio_device *device)
{
    int error = VIRTIO_OK;

    for (struct virtio_queue *queue = device->queues; queue != NULL && error == VIRTIO_OK;
         queue = queue->next_queue)
        error = virtio_queue_rebuild(queue);
    return error;
}

/* No recovery: what was made anew is the driver's again. @return `error`, which is not VIRTIO_OK. */
static int give_up(struct virtio_device *device, int error)
{
    set_failed(device);
    device->state = VIRTIO_DEVICE_BEGUN; /* so that stopping it resets it */
    (void)virtio_device_stop(device);
    return error;
}

int virtio_device_renew(struct virtio_device *device)
{
    int error;

    if (device->state == VIRTIO_DEVICE_FOUND || device->given_up)
        return VIRTIO_E_STATE;
    /* A device that was stopped because it was gone has never seen that reset. */
    device->state = VIRTIO_DEVICE_BEGUN;
    error = virtio_device_stop(device);
    if (error != VIRTIO_OK)
        return error;
    error = negotiate_again(device);
    if (error == VIRTIO_OK) {
        device->state = VIRTIO_DEVICE_BEGUN;
        error = rebuild_queues(device);
    }
    return error == VIRTIO_OK ? VIRTIO_OK : give_up(device, error);
}

int virtio_device_recover(struct virtio_device *device)
{
    bool was_begun = device->state == VIRTIO_DEVICE_BEGUN;
    int error = virtio_device_renew(device);

    if (error != VIRTIO_OK || was_begun)
        return error;
    error = virtio_device_ready(device);
    return error == VIRTIO_OK ? VIRTIO_OK : give_up(device, error);
}

int virtio_device_end(struct virtio_device *device)
{
    /* Until it is closed: whoever ends it has set up less, or kept less, than a recovery would build on. */
    device->given_up = device->state != VIRTIO_DEVICE_FOUND;
    if (virtio_device_stop(device) == VIRTIO_E_TIMEOUT)
        return VIRTIO_E_TIMEOUT;
    if (device->queues != NULL)
        return VIRTIO_E_BUSY;
    if (device->ops != NULL)
        close_device(device);
    return VIRTIO_OK;
}

int virtio_device_fail(struct virtio_device *device)
{
    if (virtio_device_is_open(device))
        set_failed(device);
    return virtio_device_end(device);
}

int virtio_device_check(const struct virtio_device *device)
{
    uint8_t status;

    if (!virtio_device_is_open(device))
        return VIRTIO_E_STATE;
    status = device->ops->get_device_status(device);
    if (status == STATUS_GONE)
        return VIRTIO_E_GONE;
    if ((status & VIRTIO_STATUS_DEVICE_NEEDS_RESET) != 0)
        return VIRTIO_E_NEEDS_RESET;
    if (device->state == VIRTIO_DEVICE_READY && (status & VIRTIO_STATUS_DRIVER_OK) == 0)
        return VIRTIO_E_STATE;
    return VIRTIO_OK;
}
