/* SPDX-License-Identifier: MIT */
/*
 * Opening a PCI device: which of its interfaces is used, and why. The choice is made per device and
 * touches no virtio register; only configuration space is accessed.
 *
 * Spec: 4.1.5.1.1 (layout detection).
 */
#include "../core/bytes.h"
#include "pci_internal.h"

static const char *modern_choice(const struct virtio_device *device)
{
    const struct virtio_pci_function *function = &device->pci;

    if (function->common.space == VIRTIO_SPACE_PCI_WINDOW ||
        function->notify.space == VIRTIO_SPACE_PCI_WINDOW ||
        function->isr.space == VIRTIO_SPACE_PCI_WINDOW ||
        function->device_config.space == VIRTIO_SPACE_PCI_WINDOW)
        return "modern, through the window in PCI configuration space: a BAR is out of reach";
    if (device->force == VIRTIO_FORCE_MODERN)
        return "modern, forced";
    if (virtio_pci_is_transitional(device))
        return "transitional device, modern by default";
    return "modern only";
}

/* Why legacy, when the capabilities gave `modern_error`. */
static const char *legacy_choice(const struct virtio_device *device, int modern_error)
{
    if (device->force == VIRTIO_FORCE_LEGACY)
        return "legacy, forced";
    switch (modern_error) {
    case VIRTIO_E_NOT_SUPPORTED:
        return "legacy only: no virtio capabilities";
    case VIRTIO_E_BAR_UNASSIGNED:
        return "legacy: a BAR of the modern interface has no address";
    case VIRTIO_E_BAR_UNREACHABLE:
        return "legacy: a BAR of the modern interface is out of reach";
    default:
        return "legacy: the virtio capabilities are malformed";
    }
}

/* Set up one interface or say why none: the telling error of two. */
static int choose(struct virtio_device *device)
{
    int modern_error = virtio_pci_capabilities_find(device);
    int legacy_error = VIRTIO_E_NOT_SUPPORTED;

    if (modern_error == VIRTIO_OK) {
        virtio_pci_modern_setup(device);
        device->choice = modern_choice(device);
        return VIRTIO_OK;
    }
    if (device->force != VIRTIO_FORCE_MODERN)
        legacy_error = virtio_pci_legacy_setup(device);
    if (legacy_error == VIRTIO_OK) {
        device->choice = legacy_choice(device, modern_error);
        return VIRTIO_OK;
    }
    if (modern_error == VIRTIO_E_NOT_SUPPORTED)
        modern_error = legacy_error;
    if (modern_error == VIRTIO_E_NOT_SUPPORTED && device->force == VIRTIO_FORCE_NONE)
        return VIRTIO_E_CAPABILITY;
    return modern_error;
}

/* Forget what an earlier opening found: all but the identity. */
static void forget(struct virtio_pci_function *function)
{
    const size_t identity = offsetof(struct virtio_pci_function, window_capability);

    memset((unsigned char *)function + identity, 0, sizeof(*function) - identity);
}

int virtio_pci_open(struct virtio_device *device)
{
    int error;

    forget(&device->pci);
    error = virtio_pci_bars_find(device);
    if (error != VIRTIO_OK)
        return error;
    error = choose(device);
    if (error != VIRTIO_OK) {
        virtio_pci_close(device);
        return error;
    }
    virtio_pci_enable(device);
    return VIRTIO_OK;
}
