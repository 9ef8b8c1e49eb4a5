/* SPDX-License-Identifier: MIT */
/*
 * Finding virtio devices on PCI (spec 4.1): configuration access, the bus scan and what is known of a
 * function that was found.
 *
 *     struct virtio_pci_scan scan;
 *     struct virtio_device device;
 *
 *     virtio_pci_scan_begin(&scan, &host, VIRTIO_PCI_CONFIG_IO);
 *     while (virtio_pci_scan_next(&scan, &device) == VIRTIO_OK)
 *         ...
 *
 * The scan starts at the first bus, follows PCI-to-PCI bridges that have bus numbers, looks at all
 * functions of multi-function devices, and writes to nothing. Kernels with a PCI layer of their own
 * skip it and call virtio_pci_probe for each function they found.
 *
 * Ports 0xCF8 and 0xCFC are a pair that the whole machine shares: a kernel in which several contexts
 * access PCI configuration space at a time gives hooks of its own that take its lock
 * (VIRTIO_PCI_CONFIG_HOST). The library accesses it in start, stop and reset, and when the status of a
 * device that should be live reads 0, to find out whether it is still there. A device that had to be
 * opened through the window in its configuration space (virtio_device.choice says so) is driven by
 * configuration accesses: all of its queues belong to one context, and a notification is four accesses
 * instead of one.
 */
#ifndef VIRTIO_PCI_H
#define VIRTIO_PCI_H

#include <stdbool.h>
#include <stdint.h>
#include <virtio/host.h>
#include <virtio/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

struct virtio_device;

/** One way to reach the configuration space of a device's function, of which only host, pci.config and
 * pci.address need be filled in. width is 1, 2 or 4 and offset a multiple of it. */
struct virtio_pci_config {
    uint32_t (*read)(const struct virtio_device *device, unsigned offset, unsigned width);
    void (*write)(const struct virtio_device *device, unsigned offset, unsigned width,
                  uint32_t value);
    uint8_t first_bus; /* where a scan begins */
    uint8_t last_bus;  /* none beyond it */
    struct virtio_region ecam;
};

extern const struct virtio_pci_config virtio_pci_config_io;
extern const struct virtio_pci_config virtio_pci_config_host;

/** Ports 0xCF8 and 0xCFC, the x86 PC's way; segment 0 only. Not atomic: see above. */
#define VIRTIO_PCI_CONFIG_IO (&virtio_pci_config_io)
/** The host's pci_config_read and pci_config_write hooks. */
#define VIRTIO_PCI_CONFIG_HOST (&virtio_pci_config_host)

/**
 * Memory-mapped configuration access (ECAM), as the ACPI MCFG table or a device tree describes it.
 * Maps 1 MiB a bus through mmio_map, all buses at once. One window is one segment: the segment number
 * of an address does not matter here.
 *
 * @param config     out; must live as long as the devices found through it.
 * @param host       the host.
 * @param base       physical address of bus 0's configuration space (MCFG's convention), a multiple
 *                   of 1 MiB, even when first_bus is not 0.
 * @param first_bus  first bus behind this window.
 * @param last_bus   last one.
 * @return VIRTIO_OK, VIRTIO_E_INVALID, or VIRTIO_E_MAP when the range can't be mapped.
 *
 * Context: any. Touches no device.
 */
int virtio_pci_config_ecam(struct virtio_pci_config *config, const struct virtio_host *host,
                           uint64_t base, uint8_t first_bus, uint8_t last_bus);

/** End what virtio_pci_config_ecam began; no device found through it is in use any more. */
void virtio_pci_config_ecam_end(struct virtio_pci_config *config, const struct virtio_host *host);

/** One base address register, decoded. */
struct virtio_pci_bar {
    enum virtio_space space; /* VIRTIO_SPACE_NONE: not implemented, or the upper half of another */
    bool is_64bit;
    uint64_t address;          /* 0: unassigned */
    uint64_t size;             /* 0 until it was sized */
    volatile uint8_t *pointer; /* mapped here, by whole BAR; NULL: not mapped */
};

/** What is known of the PCI function behind a device; read-only for users. */
struct virtio_pci_function {
    const struct virtio_pci_config *config; /* NULL: not a PCI device */
    struct virtio_pci_address address;
    uint16_t device_id;
    uint8_t revision_id;
    uint8_t window_capability; /* offset of the VIRTIO_PCI_CAP_PCI_CFG capability, or 0 */
    uint8_t msix_capability;   /* offset of the MSI-X capability, or 0 */
    uint16_t saved_command;    /* command register as it was found */
    uint16_t decode;           /* its bits for the spaces in which every BAR has an address */
    struct virtio_pci_bar bars[6];
    struct virtio_region common; /* modern: common configuration; legacy: BAR0's registers */
    struct virtio_region notify;
    struct virtio_region isr;
    struct virtio_region
        device_config; /* VIRTIO_SPACE_NONE: the device has no configuration space */
    uint32_t notify_off_multiplier;
};

/** State of a bus scan; opaque. */
struct virtio_pci_scan {
    const struct virtio_host *host;
    const struct virtio_pci_config *config;
    uint32_t found[8]; /* one bit a bus that a bridge leads to */
    unsigned bus;      /* being looked at; 256: all were */
    unsigned slot;     /* device number * 8 + function number, next to look at; 256: all were */
};

/**
 * Begin a scan.
 *
 * @param scan    out: its state, the caller's.
 * @param host    lives as long as the devices found.
 * @param config  VIRTIO_PCI_CONFIG_IO, VIRTIO_PCI_CONFIG_HOST or what virtio_pci_config_ecam filled in;
 *                lives as long as the devices found.
 *
 * Context: any. Touches no device.
 */
void virtio_pci_scan_begin(struct virtio_pci_scan *scan, const struct virtio_host *host,
                           const struct virtio_pci_config *config);

/**
 * The next virtio device.
 *
 * @param device  out: identity, ready for a driver's start call; unspecified when none is left.
 * @return VIRTIO_OK, or VIRTIO_E_NO_DEVICE at the end (also when called again after it).
 *
 * Context: one that may access PCI configuration space. Only reads configuration space. Spec 4.1.2.
 */
int virtio_pci_scan_next(struct virtio_pci_scan *scan, struct virtio_device *device);

/**
 * Look at one function.
 *
 * @return VIRTIO_OK with `device` filled in, or VIRTIO_E_NO_DEVICE when there is no function or it is
 *         not a virtio device.
 *
 * Context: as virtio_pci_scan_next.
 */
int virtio_pci_probe(const struct virtio_host *host, const struct virtio_pci_config *config,
                     struct virtio_pci_address address, struct virtio_device *device);

#ifdef __cplusplus
}
#endif

#endif
