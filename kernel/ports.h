/* SPDX-License-Identifier: MIT */
/*
 * The machine's I/O ports, for the harness's own devices (serial port, timers, exit) and for finding the
 * virtio devices. A function for each access, because a process on the build machine has its own.
 */
#ifndef KERNEL_PORTS_H
#define KERNEL_PORTS_H

#include <stdint.h>

void port_write8(uint16_t port, uint8_t value);
void port_write32(uint16_t port, uint32_t value);
uint8_t port_read8(uint16_t port);
uint32_t port_read32(uint16_t port);

#endif
