/* SPDX-License-Identifier: MIT */
/*
 * What the device core and the transports share, and nobody else uses: opening a device, regions and
 * the operations that several transports have in common.
 */
#ifndef VIRTIO_TRANSPORT_INTERNAL_H
#define VIRTIO_TRANSPORT_INTERNAL_H

#include <virtio/device.h>
#include <virtio/error.h>

/* I/O ports are an x86 matter; everybody else needs the host's register hooks for them. */
#ifndef VIRTIO_NATIVE_PORTS
#if defined(__i386__) || defined(__x86_64__)
#define VIRTIO_NATIVE_PORTS 1
#else
#define VIRTIO_NATIVE_PORTS 0
#endif
#endif

/** Fill in a device that was found: all fields zero but these. */
void virtio_device_found(struct virtio_device *device, const struct virtio_host *host,
                         uint32_t type, uint32_t vendor);

/** Are there registers to be read: is the device between offered and ready? */
static inline bool virtio_device_is_open(const struct virtio_device *device)
{
    return device->state >= VIRTIO_DEVICE_OFFERED && device->state <= VIRTIO_DEVICE_READY;
}

/** Choose a transport for a PCI device by virtio_device.force, size and map its BARs, enable decoding and
 * bus mastering, and fill in ops, legacy and choice. On error nothing stays mapped or enabled. */
int virtio_pci_open(struct virtio_device *device);

/** The same for a virtio-mmio device. */
int virtio_mmio_open(struct virtio_device *device);

/* Registers (region.c) */

/** Access a register in memory or an I/O port, for code that has no device yet: one access of `width` 1,
 * 2 or 4 bytes. Where there are no I/O ports, reads give all ones and writes are dropped. */
uint32_t virtio_register_read(const struct virtio_host *host, const struct virtio_region *region,
                              uint32_t offset, unsigned width);
void virtio_register_write(const struct virtio_host *host, const struct virtio_region *region,
                           uint32_t offset, unsigned width, uint32_t value);

/** Access a register of a region: one access of `width` 1, 2 or 4 bytes; offset + width <= length. */
uint32_t virtio_region_read(const struct virtio_device *device, const struct virtio_region *region,
                            uint32_t offset, unsigned width);
void virtio_region_write(const struct virtio_device *device, const struct virtio_region *region,
                         uint32_t offset, unsigned width, uint32_t value);

/** A part of a region. @return VIRTIO_E_CAPABILITY when it is not wholly inside. */
int virtio_region_slice(const struct virtio_region *region, uint64_t offset, uint32_t length,
                        struct virtio_region *slice);

/** Make the doorbell at `offset` of a region: bounds, alignment, width and the fastest way to ring it.
 * @return VIRTIO_E_CAPABILITY when it is out of bounds or misaligned. */
int virtio_doorbell_make(const struct virtio_device *device, const struct virtio_region *region,
                         uint64_t offset, uint8_t width, struct virtio_doorbell *doorbell);

/** Map `size` bytes of physical address space for native access; NULL when that is not possible.
 * Identity where the host has no hook; never truncates an address. */
void *virtio_host_mmio_map(const struct virtio_host *host, uint64_t address, size_t size);
void virtio_host_mmio_unmap(const struct virtio_host *host, void *memory, size_t size);

/* Operations of several transports (common.c) */

void virtio_common_no_reset(const struct virtio_device *device);
bool virtio_common_is_reset(const struct virtio_device *device);
void virtio_common_ignore_unit(const struct virtio_device *device, uint32_t value);
void virtio_common_ignore_size(const struct virtio_device *device, uint16_t size);
uint32_t virtio_common_no_generation(const struct virtio_device *device);
void virtio_common_notify(const struct virtio_device *device, uint16_t index);

/** Read or write 64 feature bits as two words through a select register and a value register. */
uint64_t virtio_common_read_features(const struct virtio_device *device,
                                     const struct virtio_region *region, uint32_t select,
                                     uint32_t value);
void virtio_common_write_features(const struct virtio_device *device,
                                  const struct virtio_region *region, uint32_t select,
                                  uint32_t value, uint64_t features);

/** Write three queue addresses, each as two 32-bit halves, `stride` bytes apart; then enable the queue
 * by a register of `width` bytes and see whether the device took it. */
int virtio_common_enable_queue(const struct virtio_device *device,
                               const struct virtio_region *region, uint32_t addresses_offset,
                               uint32_t stride, uint32_t enable_offset, unsigned width,
                               const struct virtio_queue_addresses *addresses);

/** Write the page number of a legacy queue and see whether the device took it. */
int virtio_common_set_page_number(const struct virtio_device *device,
                                  const struct virtio_region *region, uint32_t offset,
                                  const struct virtio_queue_addresses *addresses);

/** Access device configuration space in the byte order of the device's generation. */
uint32_t virtio_common_read_config(const struct virtio_device *device,
                                   const struct virtio_region *region, uint32_t offset,
                                   unsigned width);
void virtio_common_write_config(const struct virtio_device *device,
                                const struct virtio_region *region, uint32_t offset, unsigned width,
                                uint32_t value);

/* The memory operations of every transport: they ask the host. (src/core/memory.c) */
int virtio_common_allocate_shared(const struct virtio_device *device, size_t size, size_t alignment,
                                  struct virtio_shared *shared);
void virtio_common_free_shared(const struct virtio_device *device, struct virtio_shared *shared);
int virtio_common_map_shared_buffer(const struct virtio_device *device, void *memory, size_t size,
                                    enum virtio_direction direction,
                                    struct virtio_mapping *mapping);
int virtio_common_unmap_shared_buffer(const struct virtio_device *device,
                                      const struct virtio_mapping *mapping);

#endif
