/* SPDX-License-Identifier: MIT */
/*
 * The hooks of a process: registers over the socket, rings in the memory that QEMU shares, and private memory from the
 * C library, so that the sanitizers see each byte of it. Every mapping is a copy elsewhere (a bounce buffer), so a
 * missing map or unmap, or one with a wrong direction or length, shows as wrong data; what the device was to write holds
 * nonsense before. All is given back with what it was taken with, or the run ends.
 */
#include "kernel/host.h"

#include "host.h"
#include "shared.h"
#include "socket.h"

#include "kernel/clock.h"
#include "kernel/crash.h"

#include <sanitizer/asan_interface.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <virtio/error.h>

enum {
    PRIVATE_ALIGNMENT = 16,
    PRIVATE_FILL = 0x5a, /* nobody shall need zeros */
    MAP_ALIGNMENT = 16,
    PCI_CONFIG_SIZE = 256,
};

#define PCI_CONFIG_ADDRESS 0xcf8
#define PCI_CONFIG_DATA    0xcfc

/* A piece of private memory, or a mapping. */
struct piece {
    struct piece *next;
    void *memory;
    size_t size;
    struct virtio_mapping mapping; /* of a mapping: as it was handed out */
    uint8_t *copy;                 /* where the device finds it */
    uint64_t sum;
};

static struct piece *allocations;
static struct piece *mappings;
static struct host_use in_use;

static struct piece *add_piece(struct piece **list, void *memory, size_t size)
{
    struct piece *piece = calloc(1, sizeof(*piece));

    if (piece == NULL) {
        crash("there is no memory left");
    }
    piece->memory = memory;
    piece->size = size;
    piece->next = *list;
    *list = piece;
    return piece;
}

static void remove_piece(struct piece **list, struct piece *piece)
{
    while (*list != piece) {
        list = &(*list)->next;
    }
    *list = piece->next;
    free(piece);
}

/* ---- Memory ---- */

static void *host_dma_allocate(void *ctx, size_t size, size_t alignment, uint64_t address_limit,
                               unsigned flags, uint64_t *device_address)
{
    (void)ctx;
    (void)flags; /* QEMU has no IOMMU here: the platform's addresses are physical */
    return shared_allocate(size, alignment, address_limit, device_address);
}

static void host_dma_free(void *ctx, void *memory, size_t size, uint64_t device_address)
{
    (void)ctx;
    shared_free(memory, size, device_address);
}

static void *host_allocate(void *ctx, size_t size)
{
    void *memory;

    (void)ctx;
    if (posix_memalign(&memory, PRIVATE_ALIGNMENT, size) != 0) {
        return NULL;
    }
    memset(memory, PRIVATE_FILL, size);
    add_piece(&allocations, memory, size);
    in_use.allocations++;
    return memory;
}

static void host_free(void *ctx, void *memory, size_t size)
{
    struct piece *piece = allocations;

    (void)ctx;
    while (piece != NULL && (piece->memory != memory || piece->size != size)) {
        piece = piece->next;
    }
    if (piece == NULL) {
        crash("%zu bytes at %p were freed and are not allocated", size, memory);
    }
    remove_piece(&allocations, piece);
    free(memory);
    in_use.allocations--;
}

/* ---- Mappings ---- */

/* Without a look at each byte by the sanitizer: check_memory() makes one at all of them. */
__attribute__((no_sanitize("address"))) static uint64_t sum_of(const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0;
    size_t i = 0;

    for (; i + sizeof(sum) <= length; i += sizeof(sum)) {
        uint64_t word;

        __builtin_memcpy(&word, bytes + i, sizeof(word));
        sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    }
    for (; i < length; i++) {
        sum = (sum ^ bytes[i]) * 31;
    }
    return sum;
}

/* The CPU may access all of a buffer that is mapped. */
static void check_memory(void *memory, size_t size)
{
#if QTEST_SANITIZED
    if (__asan_region_is_poisoned(memory, size) != NULL) {
        crash("%zu bytes at %p are mapped, and byte %td is nobody's", size, memory,
              (uint8_t *)__asan_region_is_poisoned(memory, size) - (uint8_t *)memory);
    }
#else
    (void)memory;
    (void)size;
#endif
}

/*
 * Nobody shall look at what the device is to write before it is unmapped: its bytes are poisoned, but for those at its
 * ends that share a granule of the sanitizer's with others. When two mappings share memory, the first unmap ends it.
 */
static void poison_lent(const struct piece *piece, bool lent)
{
    uintptr_t granule = 8;
    uintptr_t start = ((uintptr_t)piece->memory + granule - 1) & ~(granule - 1);
    uintptr_t end = ((uintptr_t)piece->memory + piece->size) & ~(granule - 1);

    if (piece->mapping.direction != VIRTIO_DEVICE_WRITES || end <= start) {
        return;
    }
    if (lent) {
        ASAN_POISON_MEMORY_REGION((void *)start, end - start);
    } else {
        ASAN_UNPOISON_MEMORY_REGION((void *)start, end - start);
    }
}

static int host_map(void *ctx, void *memory, size_t size, enum virtio_direction direction,
                    unsigned flags, struct virtio_mapping *mapping)
{
    struct piece *piece;
    uint64_t device_address;
    uint8_t *copy = shared_allocate(size, MAP_ALIGNMENT, UINT64_MAX, &device_address);

    (void)ctx;
    (void)flags;
    if (copy == NULL) {
        return VIRTIO_E_NO_MEMORY;
    }
    check_memory(memory, size);
    piece = add_piece(&mappings, memory, size);
    piece->copy = copy;
    piece->sum = sum_of(memory, size);
    if ((direction & VIRTIO_DEVICE_READS) != 0) {
        memcpy(copy, memory, size);
    }
    piece->mapping = (struct virtio_mapping){
        .memory = memory,
        .size = size,
        .device_address = device_address,
        .direction = direction,
        .token = piece,
    };
    *mapping = piece->mapping;
    poison_lent(piece, true);
    in_use.mappings++;
    return VIRTIO_OK;
}

static int host_unmap(void *ctx, const struct virtio_mapping *mapping)
{
    struct piece *piece = mappings;

    (void)ctx;
    while (piece != NULL && piece != mapping->token) {
        piece = piece->next;
    }
    if (piece == NULL) {
        crash("%zu bytes at %p were unmapped and are not mapped", mapping->size, mapping->memory);
    }
    if (memcmp(&piece->mapping, mapping, sizeof(*mapping)) != 0) {
        crash("a mapping of %zu bytes at %p came back changed", piece->size, piece->memory);
    }
    poison_lent(piece, false);
    check_memory(piece->memory, piece->size);
    if (sum_of(piece->memory, piece->size) != piece->sum) {
        crash("%zu bytes at %p were written to while they were mapped", piece->size, piece->memory);
    }
    if ((mapping->direction & VIRTIO_DEVICE_WRITES) != 0) {
        memcpy(piece->memory, piece->copy, piece->size);
    }
    shared_free(piece->copy, piece->size, mapping->device_address);
    remove_piece(&mappings, piece);
    in_use.mappings--;
    return VIRTIO_OK;
}

/* ---- Registers ---- */

static uint32_t host_register_read(void *ctx, enum virtio_space space, uint64_t address,
                                   unsigned width)
{
    (void)ctx;
    return space == VIRTIO_SPACE_IO ? socket_port_read((uint16_t)address, width)
                                    : socket_memory_read(address, width);
}

static void host_register_write(void *ctx, enum virtio_space space, uint64_t address,
                                unsigned width, uint32_t value)
{
    (void)ctx;
    if (space == VIRTIO_SPACE_IO) {
        socket_port_write((uint16_t)address, width, value);
    } else {
        socket_memory_write(address, width, value);
    }
}

/* Points the ports at a register. False when they do not reach it. */
static bool select_config(struct virtio_pci_address address, uint16_t offset)
{
    if (address.segment != 0 || offset >= PCI_CONFIG_SIZE) {
        return false;
    }
    socket_port_write(PCI_CONFIG_ADDRESS, 4,
                      0x80000000u | (uint32_t)address.bus << 16 | (uint32_t)address.device << 11 |
                          (uint32_t)address.function << 8 | (offset & 0xfcu));
    return true;
}

static uint32_t host_pci_config_read(void *ctx, struct virtio_pci_address address, uint16_t offset,
                                     unsigned width)
{
    (void)ctx;
    if (!select_config(address, offset)) {
        return UINT32_MAX;
    }
    return socket_port_read((uint16_t)(PCI_CONFIG_DATA + (offset & 3)), width);
}

static void host_pci_config_write(void *ctx, struct virtio_pci_address address, uint16_t offset,
                                  unsigned width, uint32_t value)
{
    (void)ctx;
    if (select_config(address, offset)) {
        socket_port_write((uint16_t)(PCI_CONFIG_DATA + (offset & 3)), width, value);
    }
}

/* ---- Time, and words ---- */

static uint64_t host_now_us(void *ctx)
{
    (void)ctx;
    return clock_microseconds();
}

static void host_stall_us(void *ctx, uint32_t microseconds)
{
    const struct timespec time = {.tv_nsec = (long)microseconds * 1000};

    (void)ctx;
    nanosleep(&time, NULL);
}

static void host_relax(void *ctx)
{
    (void)ctx;
    sched_yield();
}

static void host_log(void *ctx, enum virtio_log_level level, const char *message)
{
    static const char *const names[] = {"error: ", "warning: ", ""};

    (void)ctx;
    printf("# %s%s\n", level <= VIRTIO_LOG_INFO ? names[level] : "", message);
}

struct host_use host_get_use(void)
{
    return in_use;
}

const struct virtio_host *host_init(bool memory_high)
{
    static const struct virtio_host host = {
        .dma_allocate = host_dma_allocate,
        .dma_free = host_dma_free,
        .allocate = host_allocate,
        .free = host_free,
        .now_us = host_now_us,
        .stall_us = host_stall_us,
        .map = host_map,
        .unmap = host_unmap,
        .register_read = host_register_read,
        .register_write = host_register_write,
        /* One of the two programs without: there the library goes through the ports itself. */
        .pci_config_read = sizeof(void *) == 8 ? host_pci_config_read : NULL,
        .pci_config_write = sizeof(void *) == 8 ? host_pci_config_write : NULL,
        .relax = host_relax,
        .log = host_log,
    };

    (void)memory_high; /* no machine here has so much */
    return &host;
}
