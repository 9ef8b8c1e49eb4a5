/* SPDX-License-Identifier: MIT */
/*
 * Discovery on PCs and QEMU's microvm. The addresses of microvm's slots are only looked at when no PCI
 * host bridge answers at 0xCF8: on a PC a BAR may lie there, and reading it may have effects.
 */
#include "../discovery.h"

#include "../acpi.h"
#include "../ports.h"

#define PCI_CONFIG_ADDRESS 0xcf8
#define PCI_CONFIG_ENABLE  0x80000000u

#define PCI_COMMAND              0x04
#define PCI_COMMAND_INTX_DISABLE 0x400u

#define MICROVM_SLOTS         0xfeb00000u
#define MICROVM_SLOT_SIZE     0x200u
#define MICROVM_COUNT_ACPI    24u
#define MICROVM_COUNT_NO_ACPI 8u

static struct virtio_pci_config ecam_config;

/* Configuration mechanism 1: the address port keeps what is written to it. */
static bool has_pci_ports(void)
{
    uint32_t saved = port_read32(PCI_CONFIG_ADDRESS);
    uint32_t read;

    port_write32(PCI_CONFIG_ADDRESS, PCI_CONFIG_ENABLE);
    read = port_read32(PCI_CONFIG_ADDRESS);
    port_write32(PCI_CONFIG_ADDRESS, saved);
    return read == PCI_CONFIG_ENABLE;
}

/* Through the ports, by the host's hooks where it has some. */
static const struct virtio_pci_config *find_ports(const struct virtio_host *host,
                                                  const struct options *options)
{
    return host->pci_config_read != NULL && options->config == CONFIG_DEFAULT
               ? VIRTIO_PCI_CONFIG_HOST
               : VIRTIO_PCI_CONFIG_IO;
}

static const struct virtio_pci_config *find_ecam(const struct virtio_host *host, uint64_t rsdp)
{
    struct acpi_ecam ecam;

    if (!acpi_find_ecam(rsdp, &ecam) ||
        virtio_pci_config_ecam(&ecam_config, host, ecam.base, ecam.first_bus, ecam.last_bus) !=
            VIRTIO_OK) {
        return NULL;
    }
    return &ecam_config;
}

static void add(struct discovery *discovery, struct options *options,
                const struct virtio_device *device)
{
    if (discovery->count == DISCOVERY_DEVICES_MAX) {
        options_add_problem(options, "there are more virtio devices than the kernel can hold");
        return;
    }
    discovery->devices[discovery->count] = *device;
    discovery->devices[discovery->count].force = options->force;
    discovery->count++;
}

/* Keep a balloon's interrupt line down: this kernel polls, and QEMU 7.2 dies when a balloon's iothread raises it. */
static void mask_interrupt(const struct virtio_pci_config *config,
                           const struct virtio_device *device)
{
    config->write(device, PCI_COMMAND, 2,
                  config->read(device, PCI_COMMAND, 2) | PCI_COMMAND_INTX_DISABLE);
}

static void scan_pci(struct discovery *discovery, const struct virtio_host *host,
                     struct options *options, const struct virtio_pci_config *config)
{
    struct virtio_pci_scan scan;
    struct virtio_device device;

    virtio_pci_scan_begin(&scan, host, config);
    while (virtio_pci_scan_next(&scan, &device) == VIRTIO_OK) {
        if (device.type == VIRTIO_ID_BALLOON) {
            mask_interrupt(config, &device);
        }
        add(discovery, options, &device);
    }
}

static bool is_known(const struct discovery *discovery, uint64_t address)
{
    for (size_t i = 0; i < discovery->count; i++) {
        if (discovery->devices[i].mmio.address == address) {
            return true;
        }
    }
    return false;
}

static void probe_mmio(struct discovery *discovery, const struct virtio_host *host,
                       struct options *options, uint64_t address, uint32_t size)
{
    struct virtio_device device;

    if (!is_known(discovery, address) &&
        virtio_mmio_probe(host, address, size, &device) == VIRTIO_OK) {
        add(discovery, options, &device);
    }
}

void discovery_run(struct discovery *discovery, const struct virtio_host *host,
                   struct options *options, uint64_t rsdp)
{
    bool has_ports = has_pci_ports();
    const struct virtio_pci_config *config = has_ports ? find_ports(host, options) : NULL;

    discovery->count = 0;
    if (options->config == CONFIG_ECAM || (options->config == CONFIG_DEFAULT && !has_ports)) {
        config = find_ecam(host, rsdp);
        if (config == NULL && options->config == CONFIG_ECAM) {
            options_add_problem(options, "config=ecam: ACPI describes no ECAM window");
        }
    }
    if (config != NULL) {
        scan_pci(discovery, host, options, config);
    }
    for (size_t i = 0; i < options->mmio_count; i++) {
        probe_mmio(discovery, host, options, options->mmio[i].address, options->mmio[i].size);
    }
    if (!has_ports) {
        uint32_t count = rsdp != 0 ? MICROVM_COUNT_ACPI : MICROVM_COUNT_NO_ACPI;

        /* From the highest down, as QEMU fills them: the order of its command line. */
        for (uint32_t i = count; i-- > 0;) {
            probe_mmio(discovery, host, options, MICROVM_SLOTS + i * MICROVM_SLOT_SIZE,
                       MICROVM_SLOT_SIZE);
        }
    }
}
