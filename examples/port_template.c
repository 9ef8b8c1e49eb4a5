/* SPDX-License-Identifier: MIT */
/*
 * A template for a port: every hook of struct virtio_host with its contract and a plausible body. Copy it,
 * keep what your kernel needs, replace what begins with your_.
 *
 * The kernel that it pretends to be for has paging and maps all physical memory at DIRECT_MAP, so CPU and
 * device addresses differ by a constant. A kernel without paging sets DIRECT_MAP to 0, or takes
 * virtio_host_identity and an arena instead of this file (examples/read_first_sector.c).
 *
 * In general: a hook is called from the context of the library call that needs it, never from anywhere
 * else. It must not call the library for the same device or queue. None of them may fail silently.
 */
#include <virtio/virtio.h>

#define DIRECT_MAP ((uintptr_t)0x80000000u)

/* What a kernel has anyway. */
void *your_pages_allocate(size_t bytes, size_t alignment, uint64_t highest_physical_address);
void your_pages_free(void *pages, size_t bytes);
void *your_heap_allocate(size_t bytes);
void your_heap_free(void *memory);
uint64_t your_clock_microseconds(void);
void *your_map_device_memory(uint64_t physical_address, size_t bytes);
void your_unmap_device_memory(void *memory, size_t bytes);
void your_write_back_caches(void *memory, size_t bytes);
void your_invalidate_caches(void *memory, size_t bytes);
uint32_t your_device_read(uint64_t physical_address, unsigned width);
void your_device_write(uint64_t physical_address, unsigned width, uint32_t value);
uint32_t your_port_read(uint16_t port, unsigned width);
void your_port_write(uint16_t port, unsigned width, uint32_t value);
uint32_t your_pci_read(unsigned bus, unsigned device, unsigned function, unsigned offset,
                       unsigned width);
void your_pci_write(unsigned bus, unsigned device, unsigned function, unsigned offset,
                    unsigned width, uint32_t value);
void your_scheduler_yield(void);
void your_print_line(const char *line);
void your_port_fill_in(struct virtio_host *host);

/* --- These must be there -------------------------------------------------------------------------------- */

/*
 * Memory that CPU and device share: `size` bytes (at least 1), contiguous for the device, coherent or
 * uncached, for rings and request headers. Both the pointer and the device address are multiples of
 * `alignment`, a power of two up to 4096; the last byte's device address is at most `address_limit`.
 * `flags` has VIRTIO_DMA_ACCESS_PLATFORM when the device sits behind the platform's IOMMU: then return
 * an IOMMU address, else a physical one. The content does not matter. NULL when there is none: the
 * library undoes what it was doing and returns VIRTIO_E_NO_MEMORY. Called when drivers start, never per
 * request.
 */
static void *port_dma_allocate(void *ctx, size_t size, size_t alignment, uint64_t address_limit,
                               unsigned flags, uint64_t *device_address)
{
    void *memory = your_pages_allocate(size, alignment, address_limit);

    (void)ctx;
    (void)flags; /* no IOMMU here: both kinds of address are the same */
    if (memory == NULL)
        return NULL;
    *device_address = (uintptr_t)memory - DIRECT_MAP;
    return memory;
}

/* Take it back, with the size and address of the allocation. The device has been reset before. */
static void port_dma_free(void *ctx, void *memory, size_t size, uint64_t device_address)
{
    (void)ctx;
    (void)device_address;
    your_pages_free(memory, size);
}

/* Private memory, aligned to 16 bytes, never shown to a device; NULL when there is none. */
static void *port_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return your_heap_allocate(size);
}

/* Take it back, with the size of the allocation. */
static void port_free(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    (void)size;
    your_heap_free(memory);
}

/* Microseconds since any fixed point. Never goes back, and goes on while a call waits (so not a tick
 * counter that needs interrupts which are off). Without it, stall_us must be there. */
static uint64_t port_now_us(void *ctx)
{
    (void)ctx;
    return your_clock_microseconds();
}

/* --- These have a default: leave them NULL unless the default is wrong for you --------------------------- */

/* Wait 1 to 1000 microseconds. Needed only without now_us. */
static void port_stall_us(void *ctx, uint32_t microseconds)
{
    uint64_t start = port_now_us(ctx);

    while (port_now_us(ctx) - start < microseconds)
        continue;
}

/*
 * Make a caller's buffer visible to the device. Default: device address = CPU address.
 *
 * Fills in all fields of `mapping`. Where the buffer is not contiguous for the device, map its first part and
 * say how much in `mapping->size`: requests that need all of it then fail with VIRTIO_E_MAP. A bounce buffer
 * is filled here when the device reads, and kept in `mapping->token`. Returns VIRTIO_OK or a negative error.
 * Called for each request; it may be called again before the first mapping was ended.
 */
static int port_map(void *ctx, void *memory, size_t size, enum virtio_direction direction,
                    unsigned flags, struct virtio_mapping *mapping)
{
    (void)ctx;
    (void)flags;
    if ((uintptr_t)memory < DIRECT_MAP)
        return VIRTIO_E_MAP; /* a stack or a module: this kernel does not know where that is */
    if (direction != VIRTIO_DEVICE_WRITES)
        your_write_back_caches(memory, size);
    else
        your_invalidate_caches(memory, size); /* no line of it may be written back over the data */
    *mapping = (struct virtio_mapping){
        .memory = memory,
        .size = size,
        .device_address = (uintptr_t)memory - DIRECT_MAP,
        .direction = direction,
        .token = NULL,
    };
    return VIRTIO_OK;
}

/* End a mapping. What the device wrote is in `mapping->memory` when this returns VIRTIO_OK; a negative error
 * fails the request. Present exactly when map is. */
static int port_unmap(void *ctx, const struct virtio_mapping *mapping)
{
    (void)ctx;
    if (mapping->direction != VIRTIO_DEVICE_READS)
        your_invalidate_caches(mapping->memory, mapping->size);
    return VIRTIO_OK;
}

/* Cache maintenance for callers' buffers, for hosts that have no map: one of the two is enough, so this
 * template leaves it out of the struct below. Default: DMA is coherent, as on every PC. */
void port_sync(void *ctx, void *memory, size_t size, enum virtio_sync give_to);
void port_sync(void *ctx, void *memory, size_t size, enum virtio_sync give_to)
{
    (void)ctx;
    if (give_to == VIRTIO_SYNC_FOR_DEVICE)
        your_write_back_caches(memory, size);
    else
        your_invalidate_caches(memory, size);
}

/* Make physical addresses of device registers accessible, uncached, whole or not at all. NULL when that is
 * impossible, as for a BAR above 4 GiB without PAE: the library then takes another way to the device.
 * Default: the pointer is the address. */
static void *port_mmio_map(void *ctx, uint64_t physical_address, size_t size)
{
    (void)ctx;
    return your_map_device_memory(physical_address, size);
}

/* End what mmio_map began. Default: nothing to do. */
static void port_mmio_unmap(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    your_unmap_device_memory(memory, size);
}

/* Read or write a device register of 1, 2 or 4 bytes with one access of exactly that width: never split it,
 * never read more around it, never repeat it. `address` is physical, or a port; the value is that of a
 * little-endian register. Both or none; default: volatile loads and stores through mmio_map, and port
 * instructions on x86. Useful for tracing, for hypervisors' exits and for tests. */
static uint32_t port_register_read(void *ctx, enum virtio_space space, uint64_t address,
                                   unsigned width)
{
    (void)ctx;
    return space == VIRTIO_SPACE_IO ? your_port_read((uint16_t)address, width)
                                    : your_device_read(address, width);
}

static void port_register_write(void *ctx, enum virtio_space space, uint64_t address,
                                unsigned width, uint32_t value)
{
    (void)ctx;
    if (space == VIRTIO_SPACE_IO)
        your_port_write((uint16_t)address, width, value);
    else
        your_device_write(address, width, value);
}

/* PCI configuration space, for VIRTIO_PCI_CONFIG_HOST: 1, 2 or 4 bytes at a multiple of that. A function that
 * is not there reads all ones. Both or none; not needed with 0xCF8 or ECAM, which the library brings. */
static uint32_t port_pci_config_read(void *ctx, struct virtio_pci_address address, uint16_t offset,
                                     unsigned width)
{
    (void)ctx;
    return your_pci_read(address.bus, address.device, address.function, offset, width);
}

static void port_pci_config_write(void *ctx, struct virtio_pci_address address, uint16_t offset,
                                  unsigned width, uint32_t value)
{
    (void)ctx;
    your_pci_write(address.bus, address.device, address.function, offset, width, value);
}

/* One turn of a busy wait. Returns soon. Default: the CPU's pause instruction. */
static void port_relax(void *ctx)
{
    (void)ctx;
    your_scheduler_yield();
}

/* One line of text without a newline, from slow paths only. Default: silence. */
static void port_log(void *ctx, enum virtio_log_level level, const char *message)
{
    (void)ctx;
    if (level <= VIRTIO_LOG_WARNING)
        your_print_line(message);
}

/* Fill in a host. It must live, unchanged, as long as devices use it. */
void your_port_fill_in(struct virtio_host *host)
{
    *host = (struct virtio_host){
        .ctx = NULL, /* handed to every hook */
        .dma_allocate = port_dma_allocate,
        .dma_free = port_dma_free,
        .allocate = port_allocate,
        .free = port_free,
        .now_us = port_now_us,
        .stall_us = port_stall_us,
        .map = port_map,
        .unmap = port_unmap,
        .sync = NULL, /* map and unmap see to the caches */
        .mmio_map = port_mmio_map,
        .mmio_unmap = port_mmio_unmap,
        .register_read = port_register_read,
        .register_write = port_register_write,
        .pci_config_read = port_pci_config_read,
        .pci_config_write = port_pci_config_write,
        .relax = port_relax,
        .log = port_log,
    };
}
