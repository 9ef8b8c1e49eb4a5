/* SPDX-License-Identifier: MIT */
/*
 * Virtio over PCI in front of a fake device: the legacy registers of BAR0, the modern structures behind
 * capabilities, and the window in configuration space (spec 4.1).
 *
 *     fake_virtio_pci_attach(&front, &pci, &device, address, FAKE_TRANSITIONAL);
 *     ... change capabilities, BARs: front.function.config[...] ...
 *     fake_pci_settle(&pci);
 *
 * Layout: BAR0 the legacy registers (I/O ports 0xc000), BAR1 the MSI-X table, BAR4 (64 bits, memory)
 * the modern structures: common at 0, ISR at 0x1000, device configuration at 0x2000, notifications at
 * 0x3000. Tests that want it otherwise use the options.
 *
 * Checked: each field is accessed with its own width and in its direction, the notification has the
 * queue's own address and value, 0 is never written to queue_enable, the window is used within the
 * structures and aligned, memory is accessed only while bus mastering is on.
 */
#ifndef FAKE_VIRTIO_PCI_H
#define FAKE_VIRTIO_PCI_H

#include "fake_device.h"
#include "fake_pci.h"

enum fake_virtio_pci_interfaces {
    FAKE_LEGACY = 1,
    FAKE_MODERN = 2,
    FAKE_TRANSITIONAL = 3
};

/** virtio_pci_cap.cfg_type */
enum fake_structure {
    FAKE_COMMON = 1,
    FAKE_NOTIFY = 2,
    FAKE_ISR = 3,
    FAKE_DEVICE_CONFIG = 4,
    FAKE_WINDOW = 5
};

/** A structure in a BAR. */
struct fake_region {
    enum fake_structure type;
    uint8_t bar;
    uint32_t offset;
    uint32_t length;
    uint8_t capability; /* where its capability is in configuration space; 0: it has none */
};

#define FAKE_REGIONS 8u

struct fake_virtio_pci {
    struct fake_function function; /* first: the bus' view of it */
    struct fake_device *device;
    unsigned interfaces;
    uint32_t notify_multiplier;
    struct fake_region regions[FAKE_REGIONS];
    unsigned region_count;
    uint8_t window;         /* offset of the window's capability; 0: none */
    uint8_t msix;           /* offset of the MSI-X capability; 0: none */
    uint16_t msix_vectors;  /* in its table */
    uint16_t config_vector; /* 0xffff: none */
    uint64_t window_accesses;
    struct fake_target target; /* time and memory, for the host */
};

/** How to build it; fake_virtio_pci_attach takes the defaults. */
struct fake_virtio_pci_options {
    unsigned interfaces;        /* of enum fake_virtio_pci_interfaces */
    uint16_t msix_vectors;      /* 0: no MSI-X capability (2) */
    uint32_t notify_multiplier; /* (4) */
    bool
        notify_in_io_first; /* a notification capability in an I/O BAR2 comes first, multiplier 0 */
    bool no_window;
    bool no_device_config;   /* no such capability (spec: when there is no configuration space) */
    uint64_t memory_address; /* of BAR4 (0xfe000000) */
    uint64_t io_address;     /* of BAR0 (0xc000) */
};

extern const struct fake_virtio_pci_options fake_virtio_pci_defaults;

void fake_virtio_pci_attach(struct fake_virtio_pci *front, struct fake_pci *pci,
                            struct fake_device *device, struct virtio_pci_address address,
                            unsigned interfaces);
void fake_virtio_pci_attach_with(struct fake_virtio_pci *front, struct fake_pci *pci,
                                 struct fake_device *device, struct virtio_pci_address address,
                                 const struct fake_virtio_pci_options *options);

/** Append one more virtio capability; the structure need not exist. @return its offset. */
uint8_t fake_virtio_pci_add_capability(struct fake_virtio_pci *front, unsigned type, uint8_t bar,
                                       uint32_t offset, uint32_t length, uint32_t extra,
                                       uint8_t capability_length);

/** Switch MSI-X on or off, as an interrupt layer would. */
void fake_virtio_pci_enable_msix(struct fake_virtio_pci *front, bool enable);

#endif
