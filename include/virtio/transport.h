/* SPDX-License-Identifier: MIT */
/*
 * The transport protocol: what every way of reaching a virtio device can do, behind one table of
 * operations. Drivers do not use it; the device core and the queues do. A transport fills in every
 * member: where it has nothing to do (a page size on PCI, an enable register on legacy), the member
 * does nothing, so that no caller ever asks which transport it is.
 *
 * Operations are called for an opened device by the one context that starts or stops it. The queue
 * operations act on the queue that set_queue_select selected last; callers select directly before each
 * group of accesses and never rely on an older selection.
 *
 * Spec: 4.1 (PCI), 4.2 (MMIO), 2.1 (status), 2.5 (configuration space).
 */
#ifndef VIRTIO_TRANSPORT_H
#define VIRTIO_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct virtio_device;

/** How a device is reached. */
enum virtio_transport {
    VIRTIO_TRANSPORT_NONE = 0,
    VIRTIO_TRANSPORT_PCI_LEGACY = 1,
    VIRTIO_TRANSPORT_PCI_MODERN = 2,
    VIRTIO_TRANSPORT_MMIO_LEGACY = 3, /* version 1 */
    VIRTIO_TRANSPORT_MMIO_MODERN = 4  /* version 2 */
};

/**
 * A range of device registers: one accessor for memory, I/O ports and the window in PCI
 * configuration space. Offsets are checked against `length` at set-up, not at each access.
 */
struct virtio_region {
    enum virtio_space space;   /* VIRTIO_SPACE_NONE: this region does not exist */
    uint8_t bar;               /* 0..5, for VIRTIO_SPACE_PCI_WINDOW */
    uint32_t length;           /* bytes */
    uint64_t address;          /* physical address, port, or offset in the BAR */
    volatile uint8_t *pointer; /* where the CPU finds it, for native memory access */
};

/**
 * The doorbell of one queue: address and width are computed and bounds-checked once, when the queue
 * is set up; ringing it is one register access.
 */
struct virtio_doorbell {
    /** Notify: one write of `value` at the doorbell. */
    void (*ring)(const struct virtio_doorbell *doorbell, uint32_t value);
    const struct virtio_device *device;
    struct virtio_region region; /* exactly the register */
    uint8_t width;               /* 2 or 4 */
    uint16_t value; /* what says which queue: its index, or the device's own word for it */
};

/** Where the three parts of a queue are, as the device sees them. */
struct virtio_queue_addresses {
    uint64_t descriptors; /* descriptor table, or descriptor ring */
    uint64_t driver;      /* available ring, or driver event suppression */
    uint64_t device;      /* used ring, or device event suppression */
};

/** Memory that CPU and device share, for rings and request headers. */
struct virtio_shared {
    void *memory;
    size_t size;
    uint64_t device_address;
};

struct virtio_transport_ops {
    const char *name; /* "legacy PCI", "modern PCI", "virtio-mmio 1", "virtio-mmio 2" */
    enum virtio_transport transport;
    uint16_t revision;        /* 0: legacy (0.9.5); 0x0100: 1.0 or later */
    uint64_t lacks;           /* feature bits that it has no registers for */
    bool dictates_queue_size; /* get_queue_num_max is the size, not a maximum (legacy PCI) */

    /** Undo what opening the device acquired: mappings, bus mastering. The device has been reset. */
    void (*close)(struct virtio_device *device);

    /** The 64 feature bits that the device offers (the upper half reads 0 on legacy). */
    uint64_t (*get_device_features)(const struct virtio_device *device);

    /** Write the feature bits that the driver takes. */
    void (*set_guest_features)(const struct virtio_device *device, uint64_t features);

    /** All ones when nobody answers for the device any more. */
    uint8_t (*get_device_status)(const struct virtio_device *device);
    void (*set_device_status)(const struct virtio_device *device, uint8_t status);

    /** Tell the device the unit of queue addresses (4096); only virtio-mmio 1 has it. */
    void (*set_page_size)(const struct virtio_device *device, uint32_t page_size);

    void (*set_queue_select)(const struct virtio_device *device, uint16_t index);

    /**
     * The largest size of the selected queue.
     *
     * @param size out: 0 when there is no such queue; dictated, not a maximum, on legacy PCI. Not
     *             validated.
     * @return VIRTIO_OK, or VIRTIO_E_BUSY when the queue is active already: the device was not reset.
     */
    int (*get_queue_num_max)(const struct virtio_device *device, uint32_t *size);

    /** Write the size of the selected queue; does nothing where the device dictates it. */
    void (*set_queue_num)(const struct virtio_device *device, uint16_t size);

    /** Write the alignment of the used ring; only virtio-mmio 1 has it. */
    void (*set_queue_align)(const struct virtio_device *device, uint32_t alignment);

    /** Write the addresses of the selected queue, with no interrupt vector, and enable it. On legacy only
     * the page number of `descriptors` goes out: the rest of the layout is fixed.
     * @return VIRTIO_OK, VIRTIO_E_INVALID when an address does not fit the register, VIRTIO_E_STATE
     *         when the device did not take it. */
    int (*set_queue_address)(const struct virtio_device *device,
                             const struct virtio_queue_addresses *addresses);

    /** Begin to reset the selected queue (VIRTIO_F_RING_RESET). */
    void (*set_queue_reset)(const struct virtio_device *device);

    /** Is the reset of the selected queue still going on? */
    bool (*get_queue_reset)(const struct virtio_device *device);

    /** Compute the doorbell of queue `index`, checked against the region's bounds.
     * @return VIRTIO_OK or VIRTIO_E_CAPABILITY. */
    int (*get_queue_doorbell)(const struct virtio_device *device, uint16_t index,
                              struct virtio_doorbell *doorbell);

    /** Notify once, slow path: select, compute and ring. For callers without a doorbell. */
    void (*set_queue_notify)(const struct virtio_device *device, uint16_t index);

    /** Bytes of device configuration space that are known to exist; 0 when the device has none. */
    uint32_t (*get_config_size)(const struct virtio_device *device);

    /** Changes whenever configuration space changed; always 0 where the transport has none. */
    uint32_t (*get_config_generation)(const struct virtio_device *device);

    /** One register access of `width` 1, 2 or 4 bytes in device configuration space; offset and width
     * were checked. The value is the field's value as the device's byte order defines it. */
    uint32_t (*read_device)(const struct virtio_device *device, uint32_t offset, unsigned width);
    void (*write_device)(const struct virtio_device *device, uint32_t offset, unsigned width,
                         uint32_t value);

    /** Allocate zeroed memory shared with the device; VIRTIO_E_NO_MEMORY when there is none. */
    int (*allocate_shared)(const struct virtio_device *device, size_t size, size_t alignment,
                           struct virtio_shared *shared);
    void (*free_shared)(const struct virtio_device *device, struct virtio_shared *shared);

    /** Map the first part of a buffer, as much as is contiguous for the device; the mapping says how
     * much that was. */
    int (*map_shared_buffer)(const struct virtio_device *device, void *memory, size_t size,
                             enum virtio_direction direction, struct virtio_mapping *mapping);
    int (*unmap_shared_buffer)(const struct virtio_device *device,
                               const struct virtio_mapping *mapping);
};

#ifdef __cplusplus
}
#endif

#endif
