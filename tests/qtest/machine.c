/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's machine-independent files want of the machine, for a process: ports and memory of the machine in
 * QEMU, the process's own clock, its exit.
 */
#include "machine.h"

#include "shared.h"
#include "socket.h"

#include "kernel/clock.h"
#include "kernel/crash.h"
#include "kernel/machine.h"
#include "kernel/paging.h"
#include "kernel/ports.h"

#include "tests/guest/watch.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void port_write8(uint16_t port, uint8_t value)
{
    socket_port_write(port, 1, value);
}

void port_write32(uint16_t port, uint32_t value)
{
    socket_port_write(port, 4, value);
}

uint8_t port_read8(uint16_t port)
{
    return (uint8_t)socket_port_read(port, 1);
}

uint32_t port_read32(uint16_t port)
{
    return socket_port_read(port, 4);
}

/* Memory alone: registers are behind the socket. */
void *paging_map(uint64_t physical, uint64_t length, enum mapping mapping)
{
    if (mapping != MAPPING_MEMORY || length > SIZE_MAX) {
        return NULL;
    }
    return shared_at(physical, (size_t)length);
}

static uint64_t start;

static uint64_t read_clock(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

void clock_init(void)
{
    start = read_clock();
}

uint64_t clock_microseconds(void)
{
    return read_clock() - start;
}

/* The status is the one that QEMU has when the kernel leaves in this way. */
noreturn void machine_exit(enum machine_verdict verdict)
{
    fflush(stdout);
    exit((int)verdict << 1 | 1);
}

/* What QEMU says now of the devices that a test works on. It may be QEMU that crashed. */
void machine_last_words(void)
{
    static bool said;

    if (!said) {
        said = true;
        watch_dump();
    }
    fflush(stdout);
}

noreturn void crash(const char *format, ...)
{
    va_list arguments;

    printf("crash: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    machine_last_words();
    /* Not by exit(): what is still allocated now is no leak. */
    _Exit(MACHINE_CRASHED << 1 | 1);
}
