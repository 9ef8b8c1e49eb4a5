/* SPDX-License-Identifier: MIT */
/*
 * Implementation of the transport that gives any answer.
 */
#include <stdlib.h>
#include "fake.h"

uint32_t prove_queue_size;

static int any_result(void)
{
    return prove_queue_size != 0 ? VIRTIO_OK : -(int)prove_below(100);
}

/* Two of a queue; in proofs of drivers, the first ones and the last. */
#ifndef PROVE_SHARED
#define PROVE_SHARED 2u
#endif
static struct virtio_shared shared_with_device[PROVE_SHARED];
static unsigned shared_count;

void prove_device_writes(void)
{
    for (unsigned i = 0; i < PROVE_SHARED; i++) {
        if (shared_with_device[i].memory != NULL)
            Frama_C_make_unknown(shared_with_device[i].memory, shared_with_device[i].size);
    }
}

static void ignore_unit(const struct virtio_device *device, uint32_t value)
{
    (void)device;
    (void)value;
}

static void ignore_size(const struct virtio_device *device, uint16_t value)
{
    (void)device;
    (void)value;
}

static void ignore(const struct virtio_device *device)
{
    (void)device;
}

static void close(struct virtio_device *device)
{
    (void)device;
}

static uint8_t get_status(const struct virtio_device *device)
{
    (void)device;
    return (uint8_t)prove_any();
}

static void set_status(const struct virtio_device *device, uint8_t status)
{
    (void)device;
    (void)status;
}

static int get_queue_num_max(const struct virtio_device *device, uint32_t *size)
{
    (void)device;
    *size = prove_queue_size != 0 ? prove_queue_size : prove_any();
    return any_result();
}

static int set_queue_address(const struct virtio_device *device,
                             const struct virtio_queue_addresses *addresses)
{
    (void)device;
    (void)addresses;
    return any_result();
}

static bool is_reset(const struct virtio_device *device)
{
    (void)device;
    return prove_maybe();
}

static uint64_t get_features(const struct virtio_device *device)
{
    (void)device;
#ifdef PROVE_OFFERS
    return prove_offer();
#else
    return prove_any64();
#endif
}

static void set_features(const struct virtio_device *device, uint64_t features)
{
    (void)device;
    (void)features;
}

static void ring(const struct virtio_doorbell *doorbell, uint32_t value)
{
    (void)doorbell;
    (void)value;
}

static int get_doorbell(const struct virtio_device *device, uint16_t index,
                        struct virtio_doorbell *doorbell)
{
    (void)device;
    (void)index;
    doorbell->ring = ring;
    return any_result();
}

static uint32_t get_config_word(const struct virtio_device *device)
{
    (void)device;
    return prove_any();
}

static uint32_t read_device(const struct virtio_device *device, uint32_t offset, unsigned width)
{
    (void)device;
    (void)offset;
    /*@ assert a_width: width == 1 || width == 2 || width == 4; */
    (void)width;
    return prove_any();
}

static void write_device(const struct virtio_device *device, uint32_t offset, unsigned width,
                         uint32_t value)
{
    (void)value;
    (void)read_device(device, offset, width);
}

static int allocate_shared(const struct virtio_device *device, size_t size, size_t alignment,
                           struct virtio_shared *shared)
{
    (void)device;
    (void)alignment;
    shared->size = size;
    shared->device_address = prove_any64();
    shared->memory = malloc(size);
    if (shared->memory == NULL)
        return VIRTIO_E_NO_MEMORY;
    memset(shared->memory, 0, size);
    shared_with_device[shared_count] = *shared;
    if (shared_count < PROVE_SHARED - 1)
        shared_count++;
    return VIRTIO_OK;
}

static void free_shared(const struct virtio_device *device, struct virtio_shared *shared)
{
    (void)device;
    for (unsigned i = 0; i < PROVE_SHARED; i++) {
        if (shared_with_device[i].memory == shared->memory)
            shared_with_device[i].memory = NULL;
    }
    free(shared->memory);
    shared->memory = NULL;
}

static int map_shared_buffer(const struct virtio_device *device, void *memory, size_t size,
                             enum virtio_direction direction, struct virtio_mapping *mapping)
{
    (void)device;
    mapping->memory = memory;
    mapping->size = prove_maybe() ? size : prove_any64();
    mapping->device_address = prove_any64();
    mapping->direction = direction;
    return -(int)prove_below(100);
}

static int unmap_shared_buffer(const struct virtio_device *device,
                               const struct virtio_mapping *mapping)
{
    (void)device;
    (void)mapping;
    return -(int)prove_below(100);
}

#define OPERATIONS                                                                                 \
    .close = close, .get_device_features = get_features, .set_guest_features = set_features,       \
    .get_device_status = get_status, .set_device_status = set_status,                              \
    .set_page_size = ignore_unit, .set_queue_select = ignore_size,                                 \
    .get_queue_num_max = get_queue_num_max, .set_queue_num = ignore_size,                          \
    .set_queue_align = ignore_unit, .set_queue_address = set_queue_address,                        \
    .set_queue_reset = ignore, .get_queue_reset = is_reset, .get_queue_doorbell = get_doorbell,    \
    .set_queue_notify = ignore_size, .get_config_size = get_config_word,                           \
    .get_config_generation = get_config_word, .read_device = read_device,                          \
    .write_device = write_device, .allocate_shared = allocate_shared, .free_shared = free_shared,  \
    .map_shared_buffer = map_shared_buffer, .unmap_shared_buffer = unmap_shared_buffer

const struct virtio_transport_ops prove_modern_ops = {
    .name = "a modern transport", .revision = 0x0100, OPERATIONS};
const struct virtio_transport_ops prove_legacy_ops = {
    .name = "a legacy transport", .revision = 0, .dictates_queue_size = true, OPERATIONS};

static uint32_t config_read(const struct virtio_device *device, unsigned offset, unsigned width)
{
    return read_device(device, offset, width);
}

static void config_write(const struct virtio_device *device, unsigned offset, unsigned width,
                         uint32_t value)
{
    write_device(device, offset, width, value);
}

const struct virtio_pci_config prove_pci_config = {
    .read = config_read, .write = config_write, .first_bus = 0, .last_bus = 255};
