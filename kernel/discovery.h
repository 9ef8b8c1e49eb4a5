/* SPDX-License-Identifier: MIT */
/*
 * Finding the machine's virtio devices: through PCI where there is PCI, in the fixed virtio-mmio slots of
 * QEMU's microvm where there is none, and where the command line says.
 */
#ifndef KERNEL_DISCOVERY_H
#define KERNEL_DISCOVERY_H

#include "options.h"

#include <stddef.h>
#include <stdint.h>
#include <virtio/device.h>

enum {
    DISCOVERY_DEVICES_MAX = 64,
};

struct discovery {
    size_t count;
    struct virtio_device devices[DISCOVERY_DEVICES_MAX];
};

/*
 * Looks everywhere. `rsdp` is the ACPI root pointer or 0. What cannot be done as `options` ask (no ECAM,
 * too many devices) becomes one of its problems.
 */
void discovery_run(struct discovery *discovery, const struct virtio_host *host,
                   struct options *options, uint64_t rsdp);

#endif
