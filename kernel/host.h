/* SPDX-License-Identifier: MIT */
/*
 * This kernel as the library sees it: struct virtio_host on top of the page allocator, the clock and
 * identity-mapped memory.
 */
#ifndef KERNEL_HOST_H
#define KERNEL_HOST_H

#include <stdbool.h>
#include <virtio/host.h>

/*
 * The host. `memory_high` asks for memory above 4 GiB for devices, where there is some and the device can
 * reach it. There is one host; it stays.
 */
const struct virtio_host *host_init(bool memory_high);

#endif
