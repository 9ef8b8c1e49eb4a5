/* SPDX-License-Identifier: MIT */
/*
 * Proof of the transports: a device is found by a scan or a probe, opened, each operation of its transport is
 * called once (none changes the device), and it is closed, with registers and configuration space that read
 * as anything. PROVE_WAY says which way leads to the device.
 */
#include "host.h"
#include "../../src/transport/transport_internal.h"

#define PROVE_PCI_HOOKS   1
#define PROVE_PCI_PORTS   2
#define PROVE_PCI_ECAM    3
#define PROVE_MMIO        4
#define PROVE_MMIO_NATIVE 5

static struct virtio_device device;

static void use_queue_operations(const struct virtio_transport_ops *ops)
{
    const struct virtio_queue_addresses addresses = {prove_any64(), prove_any64(), prove_any64()};
    struct virtio_doorbell doorbell = {.value = (uint16_t)prove_any()};
    uint32_t size;

    ops->set_queue_select(&device, (uint16_t)prove_any());
    (void)ops->get_queue_num_max(&device, &size);
    ops->set_queue_num(&device, (uint16_t)prove_any());
    ops->set_queue_align(&device, prove_any());
    (void)ops->set_queue_address(&device, &addresses);
    if (ops->get_queue_doorbell(&device, (uint16_t)prove_any(), &doorbell) == VIRTIO_OK)
        doorbell.ring(&doorbell, prove_any());
    ops->set_queue_notify(&device, (uint16_t)prove_any());
    ops->set_queue_reset(&device);
    (void)ops->get_queue_reset(&device);
}

/* A field of configuration space, as src/core/config.c asks for it. */
static void use_config(const struct virtio_transport_ops *ops)
{
    const uint32_t size = ops->get_config_size(&device);
    uint32_t width = prove_below(5);
    uint32_t offset = prove_any();

    //@ split width;
    if (width == 0 || width == 3 || width > size || offset > size - width)
        return;
    (void)ops->read_device(&device, offset, width);
    ops->write_device(&device, offset, width, prove_any());
}

static void use_device_operations(const struct virtio_transport_ops *ops)
{
    (void)ops->get_device_features(&device);
    ops->set_guest_features(&device, prove_any64());
    (void)ops->get_device_status(&device);
    ops->set_device_status(&device, (uint8_t)prove_any());
    ops->set_page_size(&device, prove_any());
    (void)ops->get_config_generation(&device);
    use_config(ops);
}

static int open(void)
{
#if PROVE_WAY == PROVE_MMIO || PROVE_WAY == PROVE_MMIO_NATIVE
    return virtio_mmio_open(&device);
#else
    return virtio_pci_open(&device);
#endif
}

static void live(void)
{
    device.force = (enum virtio_force)prove_below(3);
    if (open() != VIRTIO_OK)
        return;
    use_device_operations(device.ops);
    use_queue_operations(device.ops);
    device.ops->close(&device);
}

#if PROVE_WAY == PROVE_MMIO || PROVE_WAY == PROVE_MMIO_NATIVE

int main(void)
{
    const bool is_native = PROVE_WAY == PROVE_MMIO_NATIVE;

    prove_host_begin(is_native);
    if (virtio_mmio_probe(&prove_host, prove_any64(), is_native ? PROVE_BLOCK : prove_any(),
                          &device) == VIRTIO_OK)
        live();
    return 0;
}

#else

static struct virtio_pci_config ecam;

static void scan(const struct virtio_pci_config *config)
{
    struct virtio_pci_scan state;

    virtio_pci_scan_begin(&state, &prove_host, config);
    while (virtio_pci_scan_next(&state, &device) == VIRTIO_OK)
        ;
}

static void probe(const struct virtio_pci_config *config)
{
    const struct virtio_pci_address address = {
        .segment = (uint16_t)prove_any(),
        .bus = (uint8_t)prove_any(),
        .device = (uint8_t)prove_any(),
        .function = (uint8_t)prove_any(),
    };

    if (virtio_pci_probe(&prove_host, config, address, &device) == VIRTIO_OK)
        live();
}

static const struct virtio_pci_config *get_config(void)
{
#if PROVE_WAY == PROVE_PCI_HOOKS
    return VIRTIO_PCI_CONFIG_HOST;
#elif PROVE_WAY == PROVE_PCI_PORTS
    return VIRTIO_PCI_CONFIG_IO;
#else
    return virtio_pci_config_ecam(&ecam, &prove_host, prove_any64(), (uint8_t)prove_any(),
                                  (uint8_t)prove_any()) == VIRTIO_OK
               ? &ecam
               : NULL;
#endif
}

int main(void)
{
    const struct virtio_pci_config *config;

    prove_host_begin(false);
    config = get_config();
    if (config == NULL)
        return 0;
    if (prove_maybe())
        scan(config);
    else
        probe(config);
    virtio_pci_config_ecam_end(&ecam, &prove_host);
    return 0;
}

#endif
