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
    MSIX_SIZE = 12
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
    FIELD_MULTIPLIER = 16,
    NOTIFY_SIZE = 20
};

/* What the library needs of each structure, by type from TYPE_COMMON to TYPE_DEVICE. */
#define STRUCTURES 4u

static const struct {
    uint8_t length;    /* least bytes */
    uint8_t alignment; /* of the offset in the BAR */
    bool needed;
} structures[STRUCTURES] = {{56, 4, true}, {2, 2, true}, {1, 1, false}, {1, 4, false}};

struct walk {
    struct virtio_device *device;
    struct virtio_region *regions[STRUCTURES];
    int errors[STRUCTURES]; /* why the instances met so far can't be used */
};

/* A capability's structure in the BAR, reachable or (VIRTIO_E_BAR_UNREACHABLE) as the window sees it. */
static int structure_region(struct virtio_device *device, unsigned index, uint32_t offset,
                            uint32_t length, struct virtio_region *region)
{
    const uint64_t size = device->pci.bars[index].size;
    const int error = virtio_pci_bar_reach(device, index, region);

    if (error == VIRTIO_E_CAPABILITY || offset > size || length > size - offset)
        return VIRTIO_E_CAPABILITY;
    region->length = length;
    region->address += offset;
    if (region->pointer)
        region->pointer += offset;
    if (error == VIRTIO_E_BAR_UNREACHABLE) {
        region->space = VIRTIO_SPACE_PCI_WINDOW;
        region->address = offset;
    }
    return error;
}

/* Take the structure of the capability at `capability` if it is better than what was met before. */
static void take_structure(struct walk *walk, unsigned kind, unsigned capability)
{
    struct virtio_device *device = walk->device;
    struct virtio_region *best = walk->regions[kind];
    const uint32_t bar = virtio_pci_read(device, capability + FIELD_BAR, 1);
    const uint32_t offset = virtio_pci_read(device, capability + FIELD_OFFSET, 4);
    const uint32_t length = virtio_pci_read(device, capability + FIELD_LENGTH, 4);
    struct virtio_region region;
    int error = VIRTIO_E_CAPABILITY;

    if (bar > 5)
        return; /* reserved: to be ignored */
    if (best->space != VIRTIO_SPACE_NONE && best->space != VIRTIO_SPACE_PCI_WINDOW)
        return;
    if (length >= structures[kind].length && offset % structures[kind].alignment == 0)
        error = structure_region(device, bar, offset, length, &region);
    if (error < walk->errors[kind])
        walk->errors[kind] = error;
    if (error != VIRTIO_OK &&
        (error != VIRTIO_E_BAR_UNREACHABLE || best->space != VIRTIO_SPACE_NONE))
        return;
    *best = region;
    if (kind == TYPE_NOTIFY - TYPE_COMMON)
        device->pci.notify_off_multiplier =
            virtio_pci_read(device, capability + FIELD_MULTIPLIER, 4);
}

/* One capability of the list; `header` is its first four bytes. */
static void take_capability(struct walk *walk, unsigned capability, uint32_t header)
{
    struct virtio_pci_function *function = &walk->device->pci;
    const unsigned id = header & 0xff;
    const unsigned length = header >> 16 & 0xff;
    const unsigned type = header >> 24;
    const unsigned room = PCI_CONFIG_SIZE - capability;

    if (id == CAPABILITY_MSIX && room >= MSIX_SIZE && function->msix_capability == 0)
        function->msix_capability = (uint8_t)capability;
    if (id != CAPABILITY_VENDOR || length < CAPABILITY_SIZE || room < CAPABILITY_SIZE)
        return;
    if ((type == TYPE_NOTIFY || type == TYPE_WINDOW) &&
        (length < NOTIFY_SIZE || room < NOTIFY_SIZE))
        return;
    if (type == TYPE_WINDOW && function->window_capability == 0)
        function->window_capability = (uint8_t)capability;
    if (type >= TYPE_COMMON && type <= TYPE_DEVICE && walk->device->force != VIRTIO_FORCE_LEGACY)
        take_structure(walk, type - TYPE_COMMON, capability);
}

static void walk_list(struct walk *walk)
{
    unsigned hops, capability;
    uint32_t header;

    if ((virtio_pci_read(walk->device, PCI_STATUS, 2) & STATUS_CAPABILITIES) == 0)
        return;
    capability = virtio_pci_read(walk->device, PCI_CAPABILITIES, 1) & 0xfcu;
    for (hops = 0; hops < CAPABILITY_HOPS && capability >= CAPABILITY_FIRST; hops++) {
        header = virtio_pci_read(walk->device, capability, 4);
        take_capability(walk, capability, header);
        capability = header >> 8 & 0xfcu;
    }
}

/* Why a structure that could not be had makes the device undrivable this way, or VIRTIO_OK. One that is
 * optional and malformed counts as absent; one that is there but out of reach does not. */
static int missing(const struct walk *walk, unsigned kind)
{
    const int error = walk->errors[kind];

    if (walk->regions[kind]->space != VIRTIO_SPACE_NONE)
        return VIRTIO_OK;
    if (structures[kind].needed)
        return error == VIRTIO_OK ? VIRTIO_E_NOT_SUPPORTED : error;
    return error == VIRTIO_E_CAPABILITY ? VIRTIO_OK : error;
}

int virtio_pci_capabilities_find(struct virtio_device *device)
{
    struct virtio_pci_function *function = &device->pci;
    struct walk walk = {
        .device = device,
        .regions = {&function->common, &function->notify, &function->isr, &function->device_config},
    };
    bool any = false;
    int worst = VIRTIO_OK;
    unsigned kind;

    walk_list(&walk);
    for (kind = 0; kind < STRUCTURES; kind++) {
        struct virtio_region *region = walk.regions[kind];
        int error;

        if (region->space == VIRTIO_SPACE_PCI_WINDOW && function->window_capability == 0)
            region->space = VIRTIO_SPACE_NONE;
        any = any || region->space != VIRTIO_SPACE_NONE || walk.errors[kind] != VIRTIO_OK;
        error = missing(&walk, kind);
        if (error < worst)
            worst = error; /* the error codes get more telling downwards */
    }
    return worst == VIRTIO_E_NOT_SUPPORTED && any ? VIRTIO_E_CAPABILITY : worst;
}
