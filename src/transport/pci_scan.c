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

#define NO_BUS         256u
#define FUNCTIONS      8u
#define LAST_FUNCTION  255u
#define DEVICE_ID_LOW  0x1000u
#define DEVICE_ID_HIGH 0x107fu

static uint32_t read_config(const struct virtio_host *host, const struct virtio_pci_config *config,
                            struct virtio_pci_address address, uint16_t offset, unsigned width)
{
    return config->read(config, host, address, offset, width);
}

int virtio_pci_probe(const struct virtio_host *host, const struct virtio_pci_config *config,
                     struct virtio_pci_address address, struct virtio_device *device)
{
    const uint32_t id = read_config(host, config, address, PCI_ID, 4);
    const uint32_t device_id = id >> 16;
    uint32_t subsystem, type;

    if ((id & 0xffffu) != VIRTIO_PCI_VENDOR || device_id < DEVICE_ID_LOW ||
        device_id > DEVICE_ID_HIGH)
        return VIRTIO_E_NO_DEVICE;
    if ((read_config(host, config, address, PCI_HEADER_TYPE, 1) & HEADER_TYPE_MASK) !=
        HEADER_TYPE_DEVICE)
        return VIRTIO_E_NO_DEVICE;
    subsystem = read_config(host, config, address, PCI_SUBSYSTEM_ID, 4);
    type = device_id < VIRTIO_PCI_DEVICE_MODERN ? subsystem >> 16
                                                : device_id - VIRTIO_PCI_DEVICE_MODERN;
    if (type == 0)
        return VIRTIO_E_NO_DEVICE;
    virtio_device_found(device, host, type, subsystem & 0xffffu);
    device->pci.config = config;
    device->pci.address = address;
    device->pci.device_id = (uint16_t)device_id;
    device->pci.revision_id = (uint8_t)read_config(host, config, address, PCI_REVISION_ID, 1);
    return VIRTIO_OK;
}

static uint32_t bus_bit(unsigned bus)
{
    return UINT32_C(1) << (bus & 31);
}

void virtio_pci_scan_begin(struct virtio_pci_scan *scan, const struct virtio_host *host,
                           const struct virtio_pci_config *config)
{
    *scan = (struct virtio_pci_scan){.host = host, .config = config, .bus = NO_BUS};
    scan->pending[config->first_bus >> 5] = bus_bit(config->first_bus);
}

/* Begin the lowest bus that is still to be looked at. */
static bool begin_bus(struct virtio_pci_scan *scan)
{
    unsigned bus;

    for (bus = 0; bus < NO_BUS; bus++) {
        if ((scan->pending[bus >> 5] & bus_bit(bus)) == 0)
            continue;
        scan->pending[bus >> 5] &= ~bus_bit(bus);
        scan->visited[bus >> 5] |= bus_bit(bus);
        scan->bus = (uint16_t)bus;
        scan->slot = 0;
        return true;
    }
    return false;
}

static void follow_bridge(struct virtio_pci_scan *scan, struct virtio_pci_address address)
{
    const unsigned bus = read_config(scan->host, scan->config, address, PCI_SECONDARY_BUS, 1);

    if (bus >= scan->config->first_bus && bus <= scan->config->last_bus &&
        (scan->visited[bus >> 5] & bus_bit(bus)) == 0)
        scan->pending[bus >> 5] |= bus_bit(bus);
}

/* Step to the next function that may exist: a device without function 0 has none, one that is not
 * multi-function has no other. */
static void step(struct virtio_pci_scan *scan, bool skip_functions)
{
    const unsigned next = scan->slot + (skip_functions ? FUNCTIONS : 1u);

    if (next > LAST_FUNCTION)
        scan->bus = NO_BUS;
    else
        scan->slot = (uint8_t)next;
}

/* Look at one function and step on. */
static int scan_function(struct virtio_pci_scan *scan, struct virtio_device *device)
{
    const struct virtio_pci_address address = {.bus = (uint8_t)scan->bus,
                                               .device = scan->slot / FUNCTIONS,
                                               .function = scan->slot % FUNCTIONS};
    const uint32_t vendor = read_config(scan->host, scan->config, address, PCI_ID, 2);
    uint32_t header;

    if (vendor == 0xffffu || vendor == 0) {
        step(scan, address.function == 0);
        return VIRTIO_E_NO_DEVICE;
    }
    header = read_config(scan->host, scan->config, address, PCI_HEADER_TYPE, 1);
    step(scan, address.function == 0 && (header & HEADER_MULTI_FUNCTION) == 0);
    if ((header & HEADER_TYPE_MASK) == HEADER_TYPE_BRIDGE)
        follow_bridge(scan, address);
    return virtio_pci_probe(scan->host, scan->config, address, device);
}

int virtio_pci_scan_next(struct virtio_pci_scan *scan, struct virtio_device *device)
{
    while (!scan->exhausted) {
        if (scan->bus == NO_BUS && !begin_bus(scan))
            scan->exhausted = true;
        else if (scan_function(scan, device) == VIRTIO_OK)
            return VIRTIO_OK;
    }
    return VIRTIO_E_NO_DEVICE;
}
