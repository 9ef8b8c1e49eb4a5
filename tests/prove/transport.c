/* SPDX-License-Identifier: MIT */
/*
 * Proof of the transports and of the device's life cycle: found by a scan or as a block of registers, opened,
 * negotiated, its configuration space read and written, recovered and ended, with registers and
 * configuration spaces that read as anything. PROVE_WAY says which way leads to the device.
 */
#include "host.h"

#define PROVE_PCI_HOOKS 1
#define PROVE_PCI_PORTS 2
#define PROVE_PCI_ECAM  3
#define PROVE_MMIO      4

static struct virtio_device device;
static unsigned char bytes[256];

static void live(void)
{
    const struct virtio_features wanted = {.supported = UINT64_C(0xffffff)};
    uint64_t value = 0;

    device.force = (enum virtio_force)prove_below(3);
    if (virtio_device_begin(&device, &wanted) != VIRTIO_OK)
        return;
    (void)virtio_config_read(&device, prove_any(), prove_any(), &value);
    (void)virtio_config_read_bytes(&device, prove_any(), bytes, sizeof(bytes));
    (void)virtio_config_write(&device, prove_any(), prove_any(), prove_any64());
    (void)virtio_device_ready(&device);
    (void)virtio_device_check(&device);
    (void)virtio_device_recover(&device);
    virtio_dump(&device);
    (void)virtio_device_stop(&device);
    (void)virtio_device_end(&device);
}

#if PROVE_WAY == PROVE_MMIO

int main(void)
{
    if (virtio_mmio_probe(&prove_host, prove_any64(), prove_any(), &device) == VIRTIO_OK)
        live();
    return 0;
}

#else

static void scan(const struct virtio_pci_config *config)
{
    struct virtio_pci_scan state;

    virtio_pci_scan_begin(&state, &prove_host, config);
    while (virtio_pci_scan_next(&state, &device) == VIRTIO_OK)
        live();
}

int main(void)
{
#if PROVE_WAY == PROVE_PCI_HOOKS
    scan(VIRTIO_PCI_CONFIG_HOST);
#elif PROVE_WAY == PROVE_PCI_PORTS
    scan(VIRTIO_PCI_CONFIG_IO);
#else
    static struct virtio_pci_config ecam;

    if (virtio_pci_config_ecam(&ecam, &prove_host, prove_any64(), (uint8_t)prove_any(),
                               (uint8_t)prove_any()) == VIRTIO_OK)
        scan(&ecam);
#endif
    return 0;
}

#endif
