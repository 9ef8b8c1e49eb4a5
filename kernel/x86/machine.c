/* SPDX-License-Identifier: MIT */
/*
 * A PC from outside: how to leave it (QEMU's isa-debug-exit, else a halt), and how it can be interrupted
 * when it hangs.
 */
#include "../machine.h"

#include "../paging.h"
#include "../ports.h"

#include <cpuid.h>
#include <stddef.h>

#define DEBUG_EXIT 0xf4

#define CPUID_APIC            0x200u /* leaf 1, edx */
#define MSR_APIC_BASE         0x1bu
#define APIC_BASE_ENABLED     0x800u
#define APIC_BASE_ADDRESS     0xfffff000u
#define APIC_SIZE             4096u
#define APIC_SPURIOUS         (0x0f0 / 4)
#define APIC_SOFTWARE_ENABLED 0x100u
#define APIC_LINT1            (0x360 / 4)
#define APIC_DELIVER_NMI      0x400u

void machine_allow_nmi(void)
{
    unsigned eax;
    unsigned ebx;
    unsigned ecx;
    unsigned edx;
    uint32_t base;
    uint32_t high;
    volatile uint32_t *apic;

    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (edx & CPUID_APIC) == 0) {
        return;
    }
    __asm__ volatile("rdmsr" : "=a"(base), "=d"(high) : "c"(MSR_APIC_BASE));
    apic = paging_map(base & APIC_BASE_ADDRESS, APIC_SIZE, MAPPING_DEVICE);
    if ((base & APIC_BASE_ENABLED) == 0 || high != 0 || apic == NULL) {
        return;
    }
    apic[APIC_SPURIOUS] |= APIC_SOFTWARE_ENABLED;
    apic[APIC_LINT1] = APIC_DELIVER_NMI;
}

noreturn void machine_exit(enum machine_verdict verdict)
{
    port_write32(DEBUG_EXIT, (uint32_t)verdict);
    /* QEMU may take its time to stop, and other machines have no such port. */
    for (;;) {
        __asm__ volatile("cli; hlt" : : : "memory");
    }
}
