/* SPDX-License-Identifier: MIT */
/*
 * The registers through which QEMU's machine `pc` and its guest agree on devices that come and go (QEMU's
 * docs/specs/acpi_pci_hotplug). The host asks for a slot; the device stays until the guest ejects it,
 * and is gone then from one access to the next. Devices of bus 0 only.
 */
#include "../hotplug.h"

#include "../ports.h"

#include <stddef.h>

#define PCI_CONFIG_ADDRESS 0xcf8
#define PCI_CONFIG_DATA    0xcfc
#define PCI_HOST_BRIDGE    0x80000000u /* function 0 of device 0 */
#define I440FX             0x12378086u

#define SLOTS_TO_LEAVE 0xae04 /* one bit a slot */
#define SLOT_TO_EJECT  0xae08
#define BUS_SELECT     0xae10 /* the number that the firmware's tables give the bus; the first has 0 */

static bool hotplug_is_requested(const struct virtio_pci_address *address)
{
    port_write32(BUS_SELECT, 0);
    return (port_read32(SLOTS_TO_LEAVE) >> address->device & 1u) != 0;
}

static void hotplug_eject(const struct virtio_pci_address *address)
{
    port_write32(BUS_SELECT, 0);
    port_write32(SLOT_TO_EJECT, 1u << address->device);
}

const struct test_hotplug *hotplug_find(void)
{
    static const struct test_hotplug pc = {hotplug_is_requested, hotplug_eject};

    port_write32(PCI_CONFIG_ADDRESS, PCI_HOST_BRIDGE);
    return port_read32(PCI_CONFIG_DATA) == I440FX ? &pc : NULL;
}
