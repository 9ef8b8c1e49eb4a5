/* SPDX-License-Identifier: MIT */
/*
 * Host hooks: all that the library needs from the kernel it lives in.
 *
 * A kernel fills in one struct virtio_host and keeps it alive and unchanged for as long as a device
 * uses it. There are no link-time hooks and no globals, so several hosts can live side by side. Every
 * hook gets the `ctx` of its struct as the first argument.
 *
 *   must     dma_allocate, dma_free      memory that CPU and device share
 *            allocate, free              private memory, never shown to a device
 *            now_us or stall_us          time, so that no wait is for ever
 *   may be   map, unmap                  buffers to device addresses  (NULL: identity)
 *   NULL     sync                        cache maintenance            (NULL: DMA is coherent)
 *            mmio_map, mmio_unmap        BARs and register blocks     (NULL: identity)
 *            register_read, _write       register access              (NULL: native)
 *            pci_config_read, _write     PCI configuration access     (NULL: 0xCF8 or ECAM only)
 *            relax                       one turn of a busy wait      (NULL: the CPU's own hint)
 *            log                         text for people              (NULL: none)
 *
 * port_template.c in examples/ compiles and has every hook with its contract; virtio/arena.h has
 * ready-made memory hooks for kernels with no allocator yet.
 *
 * A hook is called from the context of the library call that needs it. It must not call the library
 * for the same queue or the same device; a queue refuses that with VIRTIO_E_REENTRY.
 */
#ifndef VIRTIO_HOST_H
#define VIRTIO_HOST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Who reads and who writes a buffer, as seen from the device. */
enum virtio_direction {
    VIRTIO_DEVICE_READS = 1,  /* the driver wrote it, the device reads it */
    VIRTIO_DEVICE_WRITES = 2, /* the device writes it, the driver reads it afterwards */
    VIRTIO_DEVICE_READS_AND_WRITES = 3
};

/** To whom a sync gives the memory. */
enum virtio_sync {
    VIRTIO_SYNC_FOR_DEVICE = 1, /* the CPU has written: make it visible to the device */
    VIRTIO_SYNC_FOR_CPU = 2     /* the device may have written: make it visible to the CPU */
};

/** How urgent a line of log is. */
enum virtio_log_level {
    VIRTIO_LOG_ERROR = 0,
    VIRTIO_LOG_WARNING = 1,
    VIRTIO_LOG_INFO = 2
};

/** Which kind of address a register has. */
enum virtio_space {
    VIRTIO_SPACE_NONE = 0,
    VIRTIO_SPACE_MEMORY = 1,    /* memory-mapped, by bus address */
    VIRTIO_SPACE_IO = 2,        /* an I/O port */
    VIRTIO_SPACE_PCI_WINDOW = 3 /* behind the VIRTIO_PCI_CAP_PCI_CFG capability; library-internal */
};

/** The device negotiated VIRTIO_F_ACCESS_PLATFORM: it uses the platform's (IOMMU's) addresses. Without
 * this flag a device address is a physical address (spec 6.1). */
#define VIRTIO_DMA_ACCESS_PLATFORM 1u

/** One mapped buffer. Filled by the map hook, kept by the library, handed back to unmap unchanged. */
struct virtio_mapping {
    void *memory;            /* the buffer as the CPU sees it */
    size_t size;             /* bytes mapped */
    uint64_t device_address; /* where the device finds it */
    enum virtio_direction direction;
    void *token; /* the hook's own, e.g. a bounce buffer */
};

/** Where a PCI function is. */
struct virtio_pci_address {
    uint16_t segment;
    uint8_t bus;
    uint8_t device;   /* 0..31 */
    uint8_t function; /* 0..7 */
};

struct virtio_host {
    void *ctx; /* handed to every hook */

    /**
     * Allocate memory that CPU and device share, contiguous as the device sees it, coherent (or
     * uncached), for rings and request headers.
     *
     * @param size           bytes, at least 1.
     * @param alignment      a power of two, at least 1; holds for the device address and the pointer.
     * @param address_limit  the highest device address that the last byte may have.
     * @param flags          0 or VIRTIO_DMA_ACCESS_PLATFORM.
     * @param device_address out: where the device finds it.
     * @return the memory (its content does not matter: the library zeroes it), or NULL.
     */
    void *(*dma_allocate)(void *ctx, size_t size, size_t alignment, uint64_t address_limit,
                          unsigned flags, uint64_t *device_address);

    /** Take back what dma_allocate gave, with the same size. No device uses it any more. */
    void (*dma_free)(void *ctx, void *memory, size_t size, uint64_t device_address);

    /** Allocate private memory, aligned to 16 bytes. Never shown to a device. NULL when there is none. */
    void *(*allocate)(void *ctx, size_t size);

    /** Take back what allocate gave, with the same size. */
    void (*free)(void *ctx, void *memory, size_t size);

    /** Microseconds since any fixed point; never goes back. May be NULL if stall_us is there. */
    uint64_t (*now_us)(void *ctx);

    /** Wait that many microseconds (1..1000), busily or not: a timer and HLT, a sleep. May be NULL if now_us
     * is there. Where both are, a wait spins for some 100 microseconds and is stalled from then on, between
     * two looks for an eighth of the time waited so far; with now_us alone it spins for all its time. */
    void (*stall_us)(void *ctx, uint32_t microseconds);

    /**
     * Make a buffer visible to the device. Optional; without it device address = CPU address.
     *
     * @param memory    the buffer.
     * @param size      bytes, at least 1.
     * @param direction who reads and writes.
     * @param flags     0 or VIRTIO_DMA_ACCESS_PLATFORM.
     * @param mapping   out: all fields. `size` may be smaller than asked when only the first part is
     *                  contiguous for the device.
     * @return VIRTIO_OK or a negative error.
     */
    int (*map)(void *ctx, void *memory, size_t size, enum virtio_direction direction,
               unsigned flags, struct virtio_mapping *mapping);

    /** End a mapping; data that the device wrote is in `memory` afterwards. A negative error means that
     * it is not, and fails the request. Present exactly when map is. */
    int (*unmap)(void *ctx, const struct virtio_mapping *mapping);

    /** Cache maintenance for callers' buffers in memory that is not coherent, when there is no map hook.
     * (What dma_allocate gives is coherent or uncached.) Optional; without it DMA is coherent. */
    void (*sync)(void *ctx, void *memory, size_t size, enum virtio_sync give_to);

    /** Make a range of physical MMIO addresses accessible, uncached, whole or not at all. NULL when that
     * is not possible (a BAR above 4 GiB on a 32-bit CPU, say): the library then looks for another way.
     * Optional; without it the pointer is the address, and ranges that do not fit a pointer fail. */
    void *(*mmio_map)(void *ctx, uint64_t physical_address, size_t size);

    /** End what mmio_map began. Optional. */
    void (*mmio_unmap)(void *ctx, void *memory, size_t size);

    /**
     * Read or write a device register in place of the library's own loads, stores and port I/O.
     * Both or none. When present, mmio_map is not used for registers.
     *
     * @param space   VIRTIO_SPACE_MEMORY or VIRTIO_SPACE_IO.
     * @param address the physical address or port.
     * @param width   1, 2 or 4 bytes; the access must be one access of exactly this width.
     * @return / @param value  the value of a little-endian register as a CPU number.
     */
    uint32_t (*register_read)(void *ctx, enum virtio_space space, uint64_t address, unsigned width);
    void (*register_write)(void *ctx, enum virtio_space space, uint64_t address, unsigned width,
                           uint32_t value);

    /** PCI configuration access, for VIRTIO_PCI_CONFIG_HOST. width is 1, 2 or 4, offset aligned to it.
     * Reads of absent functions give all ones. */
    uint32_t (*pci_config_read)(void *ctx, struct virtio_pci_address address, uint16_t offset,
                                unsigned width);
    void (*pci_config_write)(void *ctx, struct virtio_pci_address address, uint16_t offset,
                             unsigned width, uint32_t value);

    /** One turn of a busy wait: a pause instruction, a yield to a scheduler. Returns soon. */
    void (*relax)(void *ctx);

    /** One line of text, without a newline. Called from slow paths only. */
    void (*log)(void *ctx, enum virtio_log_level level, const char *message);
};

struct virtio_arena;

/**
 * Fill in a host for an identity-mapped kernel: memory out of one arena, native register access,
 * coherent DMA, device address = CPU address.
 *
 * @param host    out: every field.
 * @param arena   an initialised arena that lives as long as the host; becomes host->ctx.
 * @param now_us  microseconds since any fixed point; called with the arena as its argument, which it
 *                may ignore. Must not be NULL.
 *
 * Context: any. Touches no device.
 */
void virtio_host_identity(struct virtio_host *host, struct virtio_arena *arena,
                          uint64_t (*now_us)(void *ctx));

/**
 * Check that a host has what it must have, and that hooks that come in pairs do.
 *
 * @return VIRTIO_OK, or VIRTIO_E_INVALID when a needed hook is missing.
 *
 * Context: any. Touches no device.
 */
int virtio_host_check(const struct virtio_host *host);

#ifdef __cplusplus
}
#endif

#endif
