/* SPDX-License-Identifier: MIT */
/*
 * A client of QEMU's qtest protocol: the machine's ports and memory-mapped registers, one access of exactly the width
 * asked for a call. There is one connection; whatever goes wrong with it ends the run with a crash report.
 */
#ifndef TESTS_QTEST_SOCKET_H
#define TESTS_QTEST_SOCKET_H

#include <stdint.h>

/* Connects to the socket that QEMU listens on, and waits until there is a machine. */
void socket_open(const char *path);

/* `width` is 1, 2 or 4 bytes. */
uint32_t socket_port_read(uint16_t port, unsigned width);
void socket_port_write(uint16_t port, unsigned width, uint32_t value);
uint32_t socket_memory_read(uint64_t address, unsigned width);
void socket_memory_write(uint64_t address, unsigned width, uint32_t value);

#endif
