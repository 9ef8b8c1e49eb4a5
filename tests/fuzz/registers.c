/* SPDX-License-Identifier: MIT */
/*
 * The hostile device's registers: one device state behind the four register layouts (spec 4.1.4.3, 4.1.4.10,
 * 4.2.2, 4.2.4). Accesses that are not of natural width or not inside a register block are findings.
 */
#include "hostile.h"

/* What an honest device is owed: after a lie the driver may take one layout for another. */
#define insist(condition) hostile_require((condition) || hostile->lied || hostile->patched)

uint32_t hostile_answer(struct hostile *hostile, uint64_t address, unsigned width, uint32_t honest)
{
    uint32_t mask = 0xffffffffu >> (32 - 8 * width);

    /* In the end everybody must get away: after lies the driver may look for the status anywhere. */
    if (hostile->tame)
        return hostile->lied || hostile->patched ? 0 : honest & mask;
    if (hostile->gone)
        return mask;
    if (hostile->overrides_register) {
        if (hostile->register_address == UINT64_MAX)
            hostile->register_address = address;
        if (hostile->register_address == address) {
            hostile->lied = true;
            return hostile->register_value & mask;
        }
    }
    if (hostile->overrides_next) {
        hostile->overrides_next = false;
        hostile->lied = true;
        return hostile->next_value & mask;
    }
    return honest & mask;
}

void hostile_queue_reset(struct hostile_queue *queue)
{
    uint16_t size_max = queue->size_max;
    bool lazy = queue->lazy;

    memset(queue, 0, offsetof(struct hostile_queue, pending));
    queue->size_max = size_max;
    queue->lazy = lazy;
}

void hostile_device_reset(struct hostile *hostile)
{
    hostile->status = 0;
    hostile->taken = 0;
    hostile->queue_select = 0;
    for (unsigned at = 0; at < hostile->queue_count; at++)
        hostile_queue_reset(&hostile->queues[at]);
}

static uint32_t read_status(struct hostile *hostile)
{
    if (hostile->status == 0 && hostile->reset_reads != 0) {
        hostile->reset_reads--;
        return VIRTIO_STATUS_DRIVER;
    }
    return hostile->status;
}

static void write_status(struct hostile *hostile, uint32_t status)
{
    if (status == 0)
        hostile_device_reset(hostile);
    else
        hostile->status = (uint8_t)status;
}

static struct hostile_queue *selected(struct hostile *hostile)
{
    static struct hostile_queue none;

    if (hostile->queue_select < hostile->queue_count)
        return &hostile->queues[hostile->queue_select];
    memset(&none, 0, offsetof(struct hostile_queue, pending));
    return &none;
}

static void set_half(uint64_t *address, bool high, uint32_t value)
{
    if (high)
        *address = (*address & 0xffffffffu) | (uint64_t)value << 32;
    else
        *address = (*address & ~UINT64_C(0xffffffff)) | value;
}

static void write_features(struct hostile *hostile, uint32_t value)
{
    if (hostile->feature_select[1] < 2)
        set_half(&hostile->taken, hostile->feature_select[1] == 1, value);
    insist((hostile->taken & ~hostile->offered) == 0);
}

static uint32_t read_features(const struct hostile *hostile)
{
    if (hostile->feature_select[0] > 1)
        return 0;
    return (uint32_t)(hostile->offered >> 32 * hostile->feature_select[0]);
}

static uint32_t read_generation(struct hostile *hostile)
{
    if (hostile->restless)
        hostile->generation++;
    return hostile->generation;
}

static uint32_t read_config(const struct hostile *hostile, uint32_t offset, unsigned width)
{
    uint32_t value = 0;

    if (offset <= HOSTILE_CONFIG - width)
        memcpy(&value, hostile->config + offset, width);
    return value;
}

static void write_config(struct hostile *hostile, uint32_t offset, unsigned width, uint32_t value)
{
    if (offset > HOSTILE_CONFIG - width)
        return;
    memcpy(hostile->config + offset, &value, width);
    if (hostile->config_written != NULL)
        hostile->config_written(hostile, offset);
}

static void notify(struct hostile *hostile, uint32_t value)
{
    uint32_t queue = value & 0xffff;

    insist((hostile->status & VIRTIO_STATUS_DRIVER_OK) != 0);
    if (hostile->deaf || queue >= hostile->queue_count)
        return;
    if (hostile->queues[queue].lazy)
        hostile_fetch(hostile, queue);
    else
        hostile_work(hostile, queue);
}

static void enable(struct hostile *hostile, uint32_t value)
{
    insist(value == 1);
    selected(hostile)->enabled = true;
    selected(hostile)->resetting = false;
}

/* A legacy queue: its parts follow from its page number (spec 2.7.2). */
static void write_page(struct hostile *hostile, uint32_t page)
{
    struct hostile_queue *queue = selected(hostile);
    size_t end = 16 * (size_t)queue->size + 6 + 2 * (size_t)queue->size;

    queue->descriptors = (uint64_t)page << 12;
    queue->driver = queue->descriptors + 16 * (uint64_t)queue->size;
    queue->device = queue->descriptors + ((end + 4095) & ~(size_t)4095);
    queue->enabled = page != 0;
}

/* virtio-mmio ------------------------------------------------------------------------------------------- */

static uint32_t mmio_read(struct hostile *hostile, uint32_t offset, unsigned width)
{
    bool legacy = hostile->transport == HOSTILE_MMIO_LEGACY;

    if (offset >= 0x100)
        return read_config(hostile, offset - 0x100, width);
    insist(width == 4);
    switch (offset) {
    case 0x000:
        return 0x74726976;
    case 0x004:
        return legacy ? 1 : 2;
    case 0x008:
        return hostile->type;
    case 0x00c:
        return 0x1af4;
    case 0x010:
        return read_features(hostile);
    case 0x034:
        return selected(hostile)->size_max;
    case 0x040:
        insist(legacy);
        return (uint32_t)(selected(hostile)->descriptors >> 12);
    case 0x044:
        insist(!legacy);
        return selected(hostile)->enabled;
    case 0x070:
        return read_status(hostile);
    case 0x0c0:
        insist(!legacy);
        return selected(hostile)->resetting;
    case 0x0fc:
        insist(!legacy);
        return read_generation(hostile);
    default:
        insist(false);
        return 0;
    }
}

static void mmio_write(struct hostile *hostile, uint32_t offset, unsigned width, uint32_t value)
{
    bool legacy = hostile->transport == HOSTILE_MMIO_LEGACY;
    struct hostile_queue *queue = selected(hostile);

    if (offset >= 0x100) {
        write_config(hostile, offset - 0x100, width, value);
        return;
    }
    insist(width == 4);
    switch (offset) {
    case 0x014:
        hostile->feature_select[0] = value;
        break;
    case 0x020:
        write_features(hostile, value);
        break;
    case 0x024:
        hostile->feature_select[1] = value;
        break;
    case 0x028:
        insist(legacy && value == 4096);
        break;
    case 0x030:
        hostile->queue_select = value;
        break;
    case 0x038:
        insist(value != 0 && value <= 32768 && (value & (value - 1)) == 0);
        queue->size = (uint16_t)value;
        break;
    case 0x03c:
        insist(legacy && value == 4096);
        break;
    case 0x040:
        insist(legacy);
        write_page(hostile, value);
        break;
    case 0x044:
        insist(!legacy);
        enable(hostile, value);
        break;
    case 0x050:
        notify(hostile, value);
        break;
    case 0x070:
        write_status(hostile, value);
        break;
    case 0x080:
    case 0x084:
        set_half(&queue->descriptors, offset == 0x084, value);
        break;
    case 0x090:
    case 0x094:
        set_half(&queue->driver, offset == 0x094, value);
        break;
    case 0x0a0:
    case 0x0a4:
        set_half(&queue->device, offset == 0x0a4, value);
        break;
    case 0x0c0:
        insist(!legacy && value == 1);
        hostile_queue_reset(selected(hostile));
        break;
    default:
        insist(false);
        break;
    }
}

/* Modern PCI: the common configuration is at 0 of BAR 4, then ISR, device configuration, notifications. --- */

static uint32_t common_read(struct hostile *hostile, uint32_t offset)
{
    struct hostile_queue *queue = selected(hostile);

    switch (offset) {
    case 4:
        return read_features(hostile);
    case 20:
        return read_status(hostile);
    case 21:
        return read_generation(hostile);
    case 24:
        return queue->size != 0 ? queue->size : queue->size_max;
    case 26:
        return 0xffff;
    case 28:
        return queue->enabled;
    case 30:
        return hostile->queue_select;
    case 56:
        return hostile->queue_select; /* what a notification says */
    case 58:
        return queue->resetting;
    default:
        return 0;
    }
}

static void common_write(struct hostile *hostile, uint32_t offset, uint32_t value)
{
    struct hostile_queue *queue = selected(hostile);

    switch (offset) {
    case 0:
        hostile->feature_select[0] = value;
        break;
    case 8:
        hostile->feature_select[1] = value;
        break;
    case 12:
        write_features(hostile, value);
        break;
    case 20:
        write_status(hostile, value);
        break;
    case 22:
        hostile->queue_select = value;
        break;
    case 24:
        queue->size = (uint16_t)value;
        break;
    case 28:
        enable(hostile, value);
        break;
    case 32:
    case 36:
        set_half(&queue->descriptors, offset == 36, value);
        break;
    case 40:
    case 44:
        set_half(&queue->driver, offset == 44, value);
        break;
    case 48:
    case 52:
        set_half(&queue->device, offset == 52, value);
        break;
    case 58:
        hostile_queue_reset(selected(hostile));
        break;
    default:
        break;
    }
}

static uint32_t bar4_read(struct hostile *hostile, uint32_t offset, unsigned width)
{
    if (offset < 0x1000)
        return common_read(hostile, offset);
    if (offset >= 0x2000 && offset < 0x3000)
        return read_config(hostile, offset - 0x2000, width);
    return 0;
}

static void bar4_write(struct hostile *hostile, uint32_t offset, unsigned width, uint32_t value)
{
    if (offset < 0x1000)
        common_write(hostile, offset, value);
    else if (offset >= 0x2000 && offset < 0x3000)
        write_config(hostile, offset - 0x2000, width, value);
    else if (offset >= 0x3000)
        notify(hostile, value);
}

/* Legacy PCI: BAR 0. ------------------------------------------------------------------------------------ */

static uint32_t bar0_read(struct hostile *hostile, uint32_t offset, unsigned width)
{
    struct hostile_queue *queue = selected(hostile);

    switch (offset) {
    case 0:
        return (uint32_t)hostile->offered;
    case 8:
        return (uint32_t)(queue->descriptors >> 12);
    case 12:
        return queue->size_max;
    case 18:
        return read_status(hostile);
    default:
        return offset >= 20 ? read_config(hostile, offset - 20, width) : 0;
    }
}

static void bar0_write(struct hostile *hostile, uint32_t offset, unsigned width, uint32_t value)
{
    struct hostile_queue *queue = selected(hostile);

    switch (offset) {
    case 4:
        hostile->feature_select[1] = 0;
        write_features(hostile, value);
        break;
    case 8:
        queue->size = queue->size_max;
        write_page(hostile, value);
        break;
    case 14:
        hostile->queue_select = value;
        break;
    case 16:
        notify(hostile, value);
        break;
    case 18:
        write_status(hostile, value);
        break;
    default:
        if (offset >= 20)
            write_config(hostile, offset - 20, width, value);
        break;
    }
}

/* The address space ------------------------------------------------------------------------------------- */

static struct virtio_pci_address ecam_address(uint32_t offset)
{
    return (struct virtio_pci_address){
        .bus = (uint8_t)(offset >> 20), .device = offset >> 15 & 31, .function = offset >> 12 & 7};
}

static struct virtio_pci_address port_address(uint32_t select)
{
    return (struct virtio_pci_address){
        .bus = (uint8_t)(select >> 16), .device = select >> 11 & 31, .function = select >> 8 & 7};
}

static void check_access(uint64_t address, unsigned width)
{
    hostile_require(width == 1 || width == 2 || width == 4);
    hostile_require((address & (width - 1)) == 0);
}

uint32_t hostile_register_read(struct hostile *hostile, enum virtio_space space, uint64_t address,
                               unsigned width)
{
    uint32_t honest = 0xffffffffu;

    check_access(address, width);
    if (space == VIRTIO_SPACE_IO && address - 0xcfc < 4)
        return hostile_pci_read(hostile, port_address(hostile->pci_select),
                                (hostile->pci_select & 0xfc) | (address & 3), width);
    if (space == VIRTIO_SPACE_MEMORY && address - HOSTILE_ECAM < 0x10000000)
        return hostile_pci_read(hostile, ecam_address((uint32_t)(address - HOSTILE_ECAM)),
                                address & 0xfff, width);
    if (space == VIRTIO_SPACE_MEMORY && address - HOSTILE_MMIO_BASE < HOSTILE_MMIO_SIZE)
        honest = mmio_read(hostile, (uint32_t)(address - HOSTILE_MMIO_BASE), width);
    else if (space == VIRTIO_SPACE_MEMORY && address - HOSTILE_BAR4 < HOSTILE_BAR4_SIZE)
        honest = bar4_read(hostile, (uint32_t)(address - HOSTILE_BAR4), width);
    else if (space == VIRTIO_SPACE_IO && address - HOSTILE_BAR0 < HOSTILE_BAR0_SIZE)
        honest = bar0_read(hostile, (uint32_t)(address - HOSTILE_BAR0), width);
    else
        insist(false);
    hostile_explain("    read %#llx.%u: %#x\n", (unsigned long long)address, width, honest);
    return hostile_answer(hostile, address, width, honest);
}

void hostile_register_write(struct hostile *hostile, enum virtio_space space, uint64_t address,
                            unsigned width, uint32_t value)
{
    check_access(address, width);
    hostile_explain("    write %#llx.%u: %#x\n", (unsigned long long)address, width, value);
    if (space == VIRTIO_SPACE_IO && address == 0xcf8)
        hostile->pci_select = value;
    else if (space == VIRTIO_SPACE_IO && address - 0xcfc < 4)
        hostile_pci_write(hostile, port_address(hostile->pci_select),
                          (hostile->pci_select & 0xfc) | (address & 3), width, value);
    else if (space == VIRTIO_SPACE_MEMORY && address - HOSTILE_ECAM < 0x10000000)
        hostile_pci_write(hostile, ecam_address((uint32_t)(address - HOSTILE_ECAM)),
                          address & 0xfff, width, value);
    else if (space == VIRTIO_SPACE_MEMORY && address - HOSTILE_MMIO_BASE < HOSTILE_MMIO_SIZE)
        mmio_write(hostile, (uint32_t)(address - HOSTILE_MMIO_BASE), width, value);
    else if (space == VIRTIO_SPACE_MEMORY && address - HOSTILE_BAR4 < HOSTILE_BAR4_SIZE)
        bar4_write(hostile, (uint32_t)(address - HOSTILE_BAR4), width, value);
    else if (space == VIRTIO_SPACE_IO && address - HOSTILE_BAR0 < HOSTILE_BAR0_SIZE)
        bar0_write(hostile, (uint32_t)(address - HOSTILE_BAR0), width, value);
    else
        insist(false);
}
