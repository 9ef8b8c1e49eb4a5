/* SPDX-License-Identifier: MIT */
/*
 * The capability list: which virtio structures a function has and where they are. Of each structure the
 * first instance that can be used is taken: directly reachable if there is one, through the window in
 * configuration space otherwise. The list is walked once, within bounds, and each capability is copied
 * once. This file writes to nothing.
 *
 * Spec: 4.1.4 (virtio structure PCI capabilities).
 */
#include "pci_internal.h"

enum {
    STATUS_CAPABILITIES = 0x10,
    CAPABILITY_VENDOR = 0x09,
    CAPABILITY_MSIX = 0x11,
    CAPABILITY_FIRST = 0x40, /* below is the header */
    CAPABILITY_HOPS = 48,    /* as many as fit: 192 bytes of 4 */
    LAST_BAR = 5
};

/* virtio_pci_cap.cfg_type */
enum {
    TYPE_COMMON = 1,
    TYPE_NOTIFY = 2,
    TYPE_DEVICE = 4,
    TYPE_WINDOW = 5
};

/* struct virtio_pci_cap, from its start */
enum {
    FIELD_BAR = 4,
    FIELD_OFFSET = 8,
    FIELD_LENGTH = 12,
    CAPABILITY_SIZE = 16,
    FIELD_MULTIPLIER = 16, /* struct virtio_pci_notify_cap */
    LONG_CAPABILITY_SIZE = 20
};

/* What the library needs of each structure, by type from TYPE_COMMON to TYPE_DEVICE. */
#define STRUCTURES 4u

static const struct {
    uint8_t length;    /* least bytes */
    uint8_t alignment; /* of the offset in the BAR */
} structures[STRUCTURES] = {{56, 4}, {2, 2}, {1, 1}, {1, 4}};

struct walk {
    struct virtio_device *device;
    struct virtio_region *regions[STRUCTURES]; /* the best so far */
    int error; /* why the device can't be driven by capabilities, should that turn out to be so */
};

/* Take the structure of a capability if it is better than what was met before; or say why not. */
static int take_structure(const struct walk *walk, unsigned kind, unsigned capability)
{
    struct virtio_device *device = walk->device;
    struct virtio_region *best = walk->regions[kind];
    struct virtio_region region;
    uint32_t bar, offset, length;
    int error;

    if (best->space != VIRTIO_SPACE_NONE && best->space != VIRTIO_SPACE_PCI_WINDOW)
        return VIRTIO_OK;
    bar = virtio_pci_read(device, capability + FIELD_BAR, 1);
    offset = virtio_pci_read(device, capability + FIELD_OFFSET, 4);
    length = virtio_pci_read(device, capability + FIELD_LENGTH, 4);
    if (bar > LAST_BAR)
        return VIRTIO_E_NOT_SUPPORTED; /* reserved: to be ignored */
    if (length < structures[kind].length || (offset & (structures[kind].alignment - 1u)) != 0)
        return VIRTIO_E_CAPABILITY;
    error = virtio_pci_bar_reach(device, bar, offset, length, &region);
    if (error == VIRTIO_OK ||
        (error == VIRTIO_E_BAR_UNREACHABLE && best->space == VIRTIO_SPACE_NONE)) {
        *best = region;
        if (kind == TYPE_NOTIFY - TYPE_COMMON)
            device->pci.notify_off_multiplier =
                virtio_pci_read(device, capability + FIELD_MULTIPLIER, 4);
    }
    return error;
}

/* A vendor-specific capability; `header` is its first four bytes. */
static void take_vendor(struct walk *walk, unsigned capability, uint32_t header)
{
    const unsigned length = header >> 16 & 0xff;
    const unsigned type = header >> 24;
    const unsigned size =
        type == TYPE_NOTIFY || type == TYPE_WINDOW ? LONG_CAPABILITY_SIZE : CAPABILITY_SIZE;
    int error;

    if (length < size || capability + size > PCI_CONFIG_SIZE)
        return;
    if (type == TYPE_WINDOW && walk->device->pci.window_capability == 0)
        walk->device->pci.window_capability = (uint8_t)capability;
    if (type < TYPE_COMMON || type > TYPE_DEVICE)
        return;
    error = take_structure(walk, type - TYPE_COMMON, capability);
    if (error == VIRTIO_OK)
        error = VIRTIO_E_CAPABILITY; /* it must be another that is missing */
    if (error < walk->error)
        walk->error = error; /* the codes get more telling downwards */
}

static void walk_list(struct walk *walk)
{
    struct virtio_device *device = walk->device;
    unsigned hops, capability;
    uint32_t header;

    if ((virtio_pci_read(device, PCI_STATUS, 2) & STATUS_CAPABILITIES) == 0)
        return;
    capability = virtio_pci_read(device, PCI_CAPABILITIES, 1);
    for (hops = 0; hops < CAPABILITY_HOPS; hops++) {
        capability &= 0xfcu;
        if (capability < CAPABILITY_FIRST)
            return;
        header = virtio_pci_read(device, capability, 4);
        if ((header & 0xff) == CAPABILITY_VENDOR && device->force != VIRTIO_FORCE_LEGACY)
            take_vendor(walk, capability, header);
        else if ((header & 0xff) == CAPABILITY_MSIX)
            device->pci.msix_capability = (uint8_t)capability;
        capability = header >> 8;
    }
}

int virtio_pci_capabilities_find(struct virtio_device *device)
{
    struct virtio_pci_function *function = &device->pci;
    struct walk walk = {
        device,
        {&function->common, &function->notify, &function->isr, &function->device_config},
        VIRTIO_E_NOT_SUPPORTED,
    };
    unsigned kind;

    walk_list(&walk);
    for (kind = 0; kind < STRUCTURES; kind++) {
        struct virtio_region *region = walk.regions[kind];

        if (region->space == VIRTIO_SPACE_PCI_WINDOW && function->window_capability == 0)
            *region = (struct virtio_region){.space = VIRTIO_SPACE_NONE};
    }
    if (function->common.space == VIRTIO_SPACE_NONE || function->notify.space == VIRTIO_SPACE_NONE)
        return walk.error;
    return VIRTIO_OK;
}
