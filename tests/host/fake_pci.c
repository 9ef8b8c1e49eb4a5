/* SPDX-License-Identifier: MIT */
/*
 * The fake PCI bus: three ways to configuration space, and BARs.
 */
#include "fake_pci.h"

#include <string.h>

#define PORT_ADDRESS 0xcf8u
#define PORT_DATA    0xcfcu
#define BARS_END     0x28u

#define rule(function, name, section, ...)                                                         \
    ((function)->is_lenient ? (void)0                                                              \
                            : fake_violation((function)->pci->host, name, section, __VA_ARGS__))

static uint32_t all_ones(unsigned width)
{
    return width == 4 ? UINT32_MAX : (1u << (width * 8)) - 1;
}

/* Configuration space --------------------------------------------------------------------------- */

void fake_pci_set(struct fake_function *function, unsigned offset, unsigned width, uint32_t value)
{
    for (unsigned i = 0; i < width; i++)
        function->config[offset + i] = (uint8_t)(value >> (8 * i));
}

uint32_t fake_pci_get(const struct fake_function *function, unsigned offset, unsigned width)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < width; i++)
        value |= (uint32_t)function->config[offset + i] << (8 * i);
    return value;
}

static struct fake_function *find(const struct fake_pci *pci, struct virtio_pci_address address)
{
    for (struct fake_function *function = pci->functions; function; function = function->next) {
        if (function->address.segment == address.segment && function->address.bus == address.bus &&
            function->address.device == address.device &&
            function->address.function == address.function)
            return function;
    }
    return NULL;
}

static bool is_aligned(struct fake_pci *pci, unsigned offset, unsigned width)
{
    if ((width == 1 || width == 2 || width == 4) && offset % width == 0 && offset < 0x1000)
        return true;
    fake_violation(pci->host, "config-access", "host.h", "%u bytes at 0x%x", width, offset);
    return false;
}

static uint64_t event_address(struct virtio_pci_address address, unsigned offset)
{
    return (uint64_t)address.bus << 20 | (uint64_t)address.device << 15 |
           (uint64_t)address.function << 12 | offset;
}

uint32_t fake_pci_config_read(struct fake_pci *pci, struct virtio_pci_address address,
                              unsigned offset, unsigned width)
{
    struct fake_function *function = find(pci, address);
    uint32_t value = all_ones(width);

    if (is_aligned(pci, offset, width) && function && !function->gone) {
        if (!function->config_access ||
            !function->config_access(function, offset, width, false, &value))
            value = offset + width <= 256 ? fake_pci_get(function, offset, width) : 0;
    }
    fake_host_event(pci->host, FAKE_CONFIG_READ, VIRTIO_SPACE_NONE, event_address(address, offset),
                    width, value);
    return value;
}

static void check_write(struct fake_function *function, unsigned offset, unsigned width,
                        uint32_t value)
{
    bool is_bar = offset >= FAKE_PCI_BAR0 && offset < BARS_END;
    uint32_t command = fake_pci_get(function, FAKE_PCI_COMMAND, 2);

    if (offset < FAKE_PCI_STATUS + 2 && offset + width > FAKE_PCI_STATUS)
        rule(function, "pci-status-written", "PCI 6.2.3", "0x%x", (unsigned)value);
    if (is_bar && width != 4)
        rule(function, "pci-bar-width", "PCI 6.2.5", "%u bytes at 0x%x", width, offset);
    if (is_bar && value == UINT32_MAX &&
        (command & (FAKE_PCI_COMMAND_IO | FAKE_PCI_COMMAND_MEMORY)) != 0 &&
        function->bars[(offset - FAKE_PCI_BAR0) / 4].space != VIRTIO_SPACE_NONE)
        rule(function, "pci-sized-while-decoding", "PCI 6.2.5.1", "BAR%u",
             (offset - FAKE_PCI_BAR0) / 4);
    if (is_bar || offset == FAKE_PCI_COMMAND)
        return;
    for (unsigned i = 0; i < width; i++) {
        if (offset + i >= 256 || function->writable[offset + i] != 0xff) {
            rule(function, "pci-read-only", "4.1.4.1", "0x%x was written at 0x%x", (unsigned)value,
                 offset);
            return;
        }
    }
}

void fake_pci_config_write(struct fake_pci *pci, struct virtio_pci_address address, unsigned offset,
                           unsigned width, uint32_t value)
{
    struct fake_function *function = find(pci, address);

    pci->writes++;
    fake_host_event(pci->host, FAKE_CONFIG_WRITE, VIRTIO_SPACE_NONE, event_address(address, offset),
                    width, value);
    if (!is_aligned(pci, offset, width) || !function || function->gone)
        return;
    if (function->config_access && function->config_access(function, offset, width, true, &value))
        return;
    check_write(function, offset, width, value);
    for (unsigned i = 0; i < width && offset + i < 256; i++) {
        uint8_t mask = function->writable[offset + i];
        uint8_t *byte = &function->config[offset + i];

        *byte = (uint8_t)((*byte & ~mask) | ((value >> (8 * i)) & mask));
    }
}

/* The three ways -------------------------------------------------------------------------------- */

static uint32_t hook_config_read(void *ctx, struct virtio_pci_address address, uint16_t offset,
                                 unsigned width)
{
    return fake_pci_config_read(((struct fake_host *)ctx)->pci, address, offset, width);
}

static void hook_config_write(void *ctx, struct virtio_pci_address address, uint16_t offset,
                              unsigned width, uint32_t value)
{
    fake_pci_config_write(((struct fake_host *)ctx)->pci, address, offset, width, value);
}

static void config_cycle(struct fake_pci *pci, struct virtio_pci_address address, unsigned offset,
                         struct fake_access *access)
{
    if (access->is_write)
        fake_pci_config_write(pci, address, offset, access->width, access->value);
    else
        access->value = fake_pci_config_read(pci, address, offset, access->width);
}

static bool port_access(struct fake_pci *pci, struct fake_access *access)
{
    struct virtio_pci_address address = {.bus = (uint8_t)(pci->selected >> 16),
                                         .device = (pci->selected >> 11) & 31,
                                         .function = (pci->selected >> 8) & 7};
    unsigned port = (unsigned)access->address;

    if (!pci->has_ports || access->space != VIRTIO_SPACE_IO || port < PORT_ADDRESS ||
        port >= PORT_DATA + 4)
        return false;
    if (port < PORT_DATA) {
        if (port != PORT_ADDRESS || access->width != 4)
            fake_violation(pci->host, "cf8-width", "PCI 3.2.2.3.2", "%u bytes at 0x%x",
                           access->width, port);
        if (access->is_write)
            pci->selected = access->value;
        else
            access->value = pci->selected;
        if (access->is_write && (access->value & 0x7f000003) != 0)
            fake_violation(pci->host, "cf8-value", "PCI 3.2.2.3.2", "0x%x",
                           (unsigned)access->value);
        return true;
    }
    if ((pci->selected & 0x80000000) == 0) {
        fake_violation(pci->host, "cf8-value", "PCI 3.2.2.3.2", "not enabled: 0x%x",
                       (unsigned)pci->selected);
        return true;
    }
    config_cycle(pci, address, (pci->selected & 0xfc) + (port - PORT_DATA), access);
    return true;
}

static bool ecam_access(struct fake_pci *pci, struct fake_access *access)
{
    uint64_t first = pci->ecam_base + ((uint64_t)pci->ecam_first_bus << 20);
    uint64_t end = pci->ecam_base + ((uint64_t)(pci->ecam_last_bus + 1u) << 20);
    struct virtio_pci_address address;
    uint64_t offset;

    if (pci->ecam_base == 0 || access->space != VIRTIO_SPACE_MEMORY || access->address < first ||
        access->address >= end)
        return false;
    offset = access->address - pci->ecam_base;
    address = (struct virtio_pci_address){.bus = (uint8_t)(offset >> 20),
                                          .device = (offset >> 15) & 31,
                                          .function = (offset >> 12) & 7};
    config_cycle(pci, address, (unsigned)(offset & 0xfff), access);
    return true;
}

/* Base address registers ------------------------------------------------------------------------ */

void fake_pci_set_bar(struct fake_function *function, unsigned bar, enum virtio_space space,
                      bool is_64bit, uint64_t size, uint64_t address)
{
    unsigned offset = FAKE_PCI_BAR0 + 4 * bar;
    uint64_t mask = ~(size - 1) & ~(space == VIRTIO_SPACE_IO ? UINT64_C(3) : UINT64_C(15));
    uint32_t type = space == VIRTIO_SPACE_IO ? 1 : is_64bit ? 12 : 0;

    function->bars[bar] = (struct fake_bar){.space = space, .is_64bit = is_64bit, .size = size};
    fake_pci_set(function, offset, 4, (uint32_t)address | type);
    for (unsigned i = 0; i < 4; i++)
        function->writable[offset + i] = (uint8_t)(mask >> (8 * i));
    if (!is_64bit)
        return;
    function->bars[bar + 1] = (struct fake_bar){.space = VIRTIO_SPACE_NONE};
    fake_pci_set(function, offset + 4, 4, (uint32_t)(address >> 32));
    for (unsigned i = 4; i < 8; i++)
        function->writable[offset + i] = (uint8_t)(mask >> (8 * i));
}

uint64_t fake_pci_bar_address(const struct fake_function *function, unsigned bar)
{
    const struct fake_bar *info = &function->bars[bar];
    uint64_t address = fake_pci_get(function, FAKE_PCI_BAR0 + 4 * bar, 4);

    address &= info->space == VIRTIO_SPACE_IO ? ~UINT64_C(3) : ~UINT64_C(15);
    if (info->is_64bit)
        address |= (uint64_t)fake_pci_get(function, FAKE_PCI_BAR0 + 4 * bar + 4, 4) << 32;
    return address;
}

static bool decodes(const struct fake_function *function, unsigned bar,
                    const struct fake_access *access)
{
    const struct fake_bar *info = &function->bars[bar];
    uint32_t bit = info->space == VIRTIO_SPACE_IO ? FAKE_PCI_COMMAND_IO : FAKE_PCI_COMMAND_MEMORY;
    uint64_t address = fake_pci_bar_address(function, bar);

    return info->space != VIRTIO_SPACE_NONE && info->space == access->space && address != 0 &&
           (fake_pci_get(function, FAKE_PCI_COMMAND, 2) & bit) != 0 && access->address >= address &&
           access->address - address < info->size;
}

static bool bar_access(struct fake_pci *pci, struct fake_access *access)
{
    for (struct fake_function *function = pci->functions; function; function = function->next) {
        for (unsigned bar = 0; bar < 6; bar++) {
            if (!decodes(function, bar, access))
                continue;
            if (!access->is_write)
                access->value =
                    function->gone && function->gone_reads_zero ? 0 : all_ones(access->width);
            if (!function->gone && function->bar_access)
                function->bar_access(function, bar,
                                     access->address - fake_pci_bar_address(function, bar), access);
            return true;
        }
    }
    return false;
}

static bool pci_access(struct fake_target *target, struct fake_access *access)
{
    struct fake_pci *pci = (struct fake_pci *)target;

    return port_access(pci, access) || ecam_access(pci, access) || bar_access(pci, access);
}

/* Building -------------------------------------------------------------------------------------- */

void fake_pci_begin(struct fake_pci *pci, struct fake_host *host)
{
    memset(pci, 0, sizeof(*pci));
    pci->target.access = pci_access;
    pci->host = host;
    pci->has_ports = true;
    pci->ecam_base = 0xb0000000;
    pci->ecam_last_bus = 255;
    host->pci = pci;
    host->host.pci_config_read = hook_config_read;
    host->host.pci_config_write = hook_config_write;
    fake_host_attach(host, &pci->target);
}

void fake_pci_add(struct fake_pci *pci, struct fake_function *function,
                  struct virtio_pci_address address)
{
    memset(function, 0, sizeof(*function));
    function->pci = pci;
    function->address = address;
    function->next_capability = 0x40;
    function->writable[FAKE_PCI_COMMAND] = 0xff;
    function->writable[FAKE_PCI_COMMAND + 1] = 0x07;
    function->next = pci->functions;
    pci->functions = function;
}

uint8_t fake_pci_add_capability(struct fake_function *function, uint8_t id, const void *body,
                                size_t size)
{
    uint8_t offset = function->next_capability;
    unsigned link = FAKE_PCI_CAPABILITIES;

    while (function->config[link] != 0)
        link = function->config[link] + 1u;
    function->config[link] = offset;
    function->config[offset] = id;
    function->config[offset + 1] = 0;
    memcpy(&function->config[offset + 2], body, size);
    function->next_capability = (uint8_t)((offset + 2 + size + 3) & ~(size_t)3);
    function->config[FAKE_PCI_STATUS] |= 0x10;
    return offset;
}

void fake_pci_make_bridge(struct fake_function *function, uint8_t secondary, uint8_t subordinate)
{
    fake_pci_set(function, FAKE_PCI_VENDOR, 4, 0x00011b36);
    fake_pci_set(function, FAKE_PCI_CLASS, 1, 0);
    fake_pci_set(function, FAKE_PCI_CLASS + 1, 2, 0x0604);
    function->config[FAKE_PCI_HEADER_TYPE] = (uint8_t)(function->config[FAKE_PCI_HEADER_TYPE] | 1);
    function->config[FAKE_PCI_PRIMARY_BUS] = function->address.bus;
    function->config[FAKE_PCI_SECONDARY_BUS] = secondary;
    function->config[FAKE_PCI_SUBORDINATE_BUS] = subordinate;
}

void fake_pci_settle(struct fake_pci *pci)
{
    for (struct fake_function *function = pci->functions; function; function = function->next) {
        memcpy(function->settled, function->config, sizeof(function->settled));
        function->is_settled = true;
    }
}

void fake_pci_check_restored(struct fake_pci *pci)
{
    for (struct fake_function *function = pci->functions; function; function = function->next) {
        if (!function->is_settled || function->gone)
            continue;
        if (memcmp(function->config + FAKE_PCI_COMMAND, function->settled + FAKE_PCI_COMMAND, 2))
            rule(function, "pci-command-not-restored", "pci.h", "0x%x, was 0x%x",
                 (unsigned)fake_pci_get(function, FAKE_PCI_COMMAND, 2),
                 function->settled[FAKE_PCI_COMMAND] |
                     (unsigned)function->settled[FAKE_PCI_COMMAND + 1] << 8);
        if (memcmp(function->config + FAKE_PCI_BAR0, function->settled + FAKE_PCI_BAR0, 24))
            rule(function, "pci-bars-not-restored", "PCI 6.2.5.1", "of device %u",
                 function->address.device);
    }
}
