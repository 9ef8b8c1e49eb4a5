/* SPDX-License-Identifier: MIT */
/*
 * Finding virtio functions on PCI: the bus scan and the look at one function. It only reads
 * configuration space, and bounds itself: each bus is looked at once, whatever bridges claim.
 *
 * Spec: 4.1.2 (PCI device discovery).
 */
#include "pci_internal.h"

enum {
    HEADER_TYPE_MASK = 0x7f,
    HEADER_TYPE_DEVICE = 0,
    HEADER_TYPE_BRIDGE = 1,
    HEADER_MULTI_FUNCTION = 0x80
};

#define BUSES          256u
#define SLOTS          256u
#define FUNCTIONS      8u
#define DEVICE_ID_LOW  0x1000u
#define DEVICE_ID_HIGH 0x107fu

/* Make `device` stand for a function, so that its configuration space can be read. */
static void point_at(struct virtio_device *device, const struct virtio_host *host,
                     const struct virtio_pci_config *config, struct virtio_pci_address address)
{
    virtio_device_found(device, host, 0, 0);
    device->pci.config = config;
    device->pci.address = address;
}

/* Is this function, with these two registers, a virtio device? Fill in what it is. */
static int identify(struct virtio_device *device, uint32_t id, uint32_t header)
{
    const uint32_t device_id = id >> 16;
    uint32_t subsystem;

    if ((id & 0xffff) != VIRTIO_PCI_VENDOR || device_id < DEVICE_ID_LOW ||
        device_id > DEVICE_ID_HIGH || (header & HEADER_TYPE_MASK) != HEADER_TYPE_DEVICE)
        return VIRTIO_E_NO_DEVICE;
    subsystem = virtio_pci_read(device, PCI_SUBSYSTEM_ID, 4);
    device->vendor = subsystem & 0xffff;
    device->type = device_id < VIRTIO_PCI_DEVICE_MODERN ? subsystem >> 16
                                                        : device_id - VIRTIO_PCI_DEVICE_MODERN;
    device->pci.device_id = (uint16_t)device_id;
    device->pci.revision_id = (uint8_t)virtio_pci_read(device, PCI_REVISION_ID, 1);
    return device->type == 0 ? VIRTIO_E_NO_DEVICE : VIRTIO_OK;
}

int virtio_pci_probe(const struct virtio_host *host, const struct virtio_pci_config *config,
                     struct virtio_pci_address address, struct virtio_device *device)
{
    point_at(device, host, config, address);
    return identify(device, virtio_pci_read(device, PCI_ID, 4),
                    virtio_pci_read(device, PCI_HEADER_TYPE, 1));
}

static uint32_t bus_bit(unsigned bus)
{
    return UINT32_C(1) << (bus & 31);
}

void virtio_pci_scan_begin(struct virtio_pci_scan *scan, const struct virtio_host *host,
                           const struct virtio_pci_config *config)
{
    *scan = (struct virtio_pci_scan){.host = host, .config = config, .bus = config->first_bus};
}

/* Begin the next of the buses that bridges lead to. */
static void step_bus(struct virtio_pci_scan *scan)
{
    do
        scan->bus++;
    while (scan->bus < BUSES && (scan->found[scan->bus >> 5] & bus_bit(scan->bus)) == 0);
    scan->slot = 0;
}

/* Put the bus behind a bridge on the list. It has a higher number than the bridge's own, or else nobody has
 * numbered it yet, or the bridge lies. */
static void follow_bridge(struct virtio_pci_scan *scan, const struct virtio_device *bridge)
{
    const unsigned bus = virtio_pci_read(bridge, PCI_SECONDARY_BUS, 1);

    if (bus > scan->bus && bus <= scan->config->last_bus)
        scan->found[bus >> 5] |= bus_bit(bus);
}

/* Look at one function and step on. */
static int scan_function(struct virtio_pci_scan *scan, struct virtio_device *device)
{
    const struct virtio_pci_address address = {.bus = (uint8_t)scan->bus,
                                               .device = (uint8_t)(scan->slot / FUNCTIONS),
                                               .function = scan->slot % FUNCTIONS};
    uint32_t id, header = 0;

    point_at(device, scan->host, scan->config, address);
    id = virtio_pci_read(device, PCI_ID, 4);
    if ((id & 0xffff) != 0xffff)
        header = virtio_pci_read(device, PCI_HEADER_TYPE, 1);
    /* A device without function 0 has none, and one that is not multi-function has no other. */
    scan->slot += address.function == 0 && (header & HEADER_MULTI_FUNCTION) == 0 ? FUNCTIONS : 1u;
    if ((header & HEADER_TYPE_MASK) == HEADER_TYPE_BRIDGE)
        follow_bridge(scan, device);
    return identify(device, id, header);
}

int virtio_pci_scan_next(struct virtio_pci_scan *scan, struct virtio_device *device)
{
    for (; scan->bus < BUSES; step_bus(scan)) {
        while (scan->slot < SLOTS) {
            if (scan_function(scan, device) == VIRTIO_OK)
                return VIRTIO_OK;
        }
    }
    return VIRTIO_E_NO_DEVICE;
}
