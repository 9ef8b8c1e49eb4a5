/* SPDX-License-Identifier: MIT */
/*
 * The ways in which a run ends. Each leaves through QEMU's isa-debug-exit device at port 0xf4 and, where
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

noreturn void machine_exit(enum machine_verdict verdict);

#endif
