/* SPDX-License-Identifier: MIT */
/*
 * Leaving a PC: QEMU's isa-debug-exit, else a halt.
 */
#include "../machine.h"

#include "ports.h"

#define DEBUG_EXIT 0xf4

noreturn void machine_exit(enum machine_verdict verdict)
{
    port_write32(DEBUG_EXIT, (uint32_t)verdict);
    /* QEMU may take its time to stop, and other machines have no such port. */
    for (;;) {
        __asm__ volatile("cli; hlt" : : : "memory");
    }
}
