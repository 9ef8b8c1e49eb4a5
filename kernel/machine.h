/* SPDX-License-Identifier: MIT */
/*
 * The machine from outside: how a run ends, and how a kernel that hangs is made to speak.
 *
 * Each end leaves through QEMU's isa-debug-exit device at port 0xf4 and, where
 * there is none, halts for ever.
 */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#include <stdnoreturn.h>

/* QEMU's own exit status is twice the value plus one: 33, 35, 37. */
enum machine_verdict {
    MACHINE_PASSED = 0x10,
    MACHINE_FAILED = 0x11,
    MACHINE_CRASHED = 0x12,
};

/*
 * Lets a non-maskable interrupt through to this processor, so that whoever runs a kernel that hangs can ask
 * it for a crash report. Firmware of PCs has done so; that of QEMU's microvm has not.
 */
void machine_allow_nmi(void);

noreturn void machine_exit(enum machine_verdict verdict);

#endif
