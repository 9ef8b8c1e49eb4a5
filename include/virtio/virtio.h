/* SPDX-License-Identifier: MIT */
/*
 * libvirtio: drivers for virtio devices, for kernels and firmware that have nothing else yet.
 *
 * Freestanding C11; needs memcpy, memmove, memset and memcmp and the hooks of virtio/host.h. This
 * header includes all others; each is the manual of its part:
 *
 *     error.h      error codes, and what to do about them
 *     host.h       the hooks that a kernel provides
 *     arena.h      memory hooks out of one static block
 *     pci.h        finding devices on PCI: 0xCF8, ECAM, bus scan
 *     mmio.h       finding devices behind virtio-mmio registers
 *     device.h     life cycle, features, configuration space, stop and dump
 *     queue.h      descriptor chains, submit, kick, reap, flush
 *     names.h      names of device types and features
 *     9p.h balloon.h blk.h blk_zoned.h console.h gpu.h input.h net.h rng.h scsi.h
 *                  drivers, one header a device type
 *     transport.h  the operations behind a device, for those who write a transport
 */
#ifndef VIRTIO_VIRTIO_H
#define VIRTIO_VIRTIO_H

#include <virtio/9p.h>
#include <virtio/arena.h>
#include <virtio/balloon.h>
#include <virtio/blk.h>
#include <virtio/blk_zoned.h>
#include <virtio/console.h>
#include <virtio/device.h>
#include <virtio/error.h>
#include <virtio/gpu.h>
#include <virtio/host.h>
#include <virtio/input.h>
#include <virtio/mmio.h>
#include <virtio/names.h>
#include <virtio/net.h>
#include <virtio/pci.h>
#include <virtio/queue.h>
#include <virtio/rng.h>
#include <virtio/scsi.h>
#include <virtio/transport.h>
#include <virtio/version.h>

#endif
