/* SPDX-License-Identifier: MIT */
/*
 * The crash report. Owns its format; must not allocate, and must survive a crash within itself.
 */
#include "crash.h"

#include "console.h"

#include "machine.h"
#include "paging.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    REGISTERS_PER_LINE = 4,
    STACK_WORDS = 16,
    EXCEPTIONS = 32,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_PAGE_FAULT = 14,
};

extern char boot_stack_guard[], boot_stack_top[];

static bool crashing;
static void (*further_report)(void);

static const char *const exception_names[EXCEPTIONS] = {
    [0] = "divide error",
    [1] = "debug exception",
    [2] = "non-maskable interrupt",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound range exceeded",
    [6] = "invalid opcode",
    [7] = "device not available",
    [8] = "double fault",
    [9] = "coprocessor segment overrun",
    [10] = "invalid TSS",
    [11] = "segment not present",
    [12] = "stack fault",
    [13] = "general protection fault",
    [14] = "page fault",
    [16] = "x87 floating point error",
    [17] = "alignment check",
    [18] = "machine check",
    [19] = "SIMD floating point exception",
    [20] = "virtualization exception",
    [21] = "control protection exception",
    [28] = "hypervisor injection exception",
    [29] = "VMM communication exception",
    [30] = "security exception",
};

static void begin(void)
{
    if (crashing) {
        printf("\ncrash: again, while reporting the first\n");
        machine_exit(MACHINE_CRASHED);
    }
    crashing = true;
    console_crash();
    printf("\ncrash: ");
}

static noreturn void end(void)
{
    if (further_report != NULL) {
        further_report();
    }
    machine_exit(MACHINE_CRASHED);
}

void crash_set_report(void (*report)(void))
{
    further_report = report;
}

noreturn void crash(const char *format, ...)
{
    va_list arguments;

    begin();
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    end();
}

static void print_registers(const struct crash_register *registers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("  %6s %0*lx%s", registers[i].name, (int)sizeof(uintptr_t) * 2,
               (unsigned long)registers[i].value,
               i % REGISTERS_PER_LINE == REGISTERS_PER_LINE - 1 || i + 1 == count ? "\n" : "");
    }
}

/* A push into the page under the stack faults with the stack pointer still above it. */
static bool is_stack_overflow(const struct crash_exception *exception)
{
    bool is_access =
        exception->vector == VECTOR_PAGE_FAULT || exception->vector == VECTOR_DOUBLE_FAULT;

    return is_access && exception->fault_address - (uintptr_t)boot_stack_guard < PAGE_SIZE;
}

/* Only words inside the kernel's stack are shown: the stack pointer may be anything after a crash. */
static void print_stack(uintptr_t stack_pointer)
{
    uintptr_t bottom = (uintptr_t)boot_stack_guard + PAGE_SIZE;
    uintptr_t top = (uintptr_t)boot_stack_top;
    uintptr_t address = stack_pointer & ~(uintptr_t)(sizeof(uintptr_t) - 1);

    if (address < (uintptr_t)boot_stack_guard || address >= top) {
        printf("  the stack pointer is outside the kernel's stack\n");
        return;
    }
    if (address < bottom) {
        address = bottom;
    }
    printf("  stack at %lx:\n", (unsigned long)address);
    for (unsigned i = 0; i < STACK_WORDS && address < top; i++, address += sizeof(uintptr_t)) {
        uintptr_t word;

        memcpy(&word, (const void *)address, sizeof(word));
        printf("%s%0*lx%s", i % 4 == 0 ? "    " : " ", (int)sizeof(word) * 2, (unsigned long)word,
               i % 4 == 3 ? "\n" : "");
    }
}

noreturn void crash_exception(const struct crash_exception *exception)
{
    const char *name = exception->vector < EXCEPTIONS ? exception_names[exception->vector] : NULL;

    begin();
    printf("%s (exception %u), error code 0x%lx", name != NULL ? name : "reserved exception",
           exception->vector, (unsigned long)exception->error_code);
    if (exception->vector == VECTOR_PAGE_FAULT) {
        printf(" (%s, %s)", (exception->error_code & 2) != 0 ? "write" : "read",
               (exception->error_code & 1) != 0 ? "protected page" : "page not present");
    }
    printf("\n");
    if (is_stack_overflow(exception)) {
        printf("  the stack has overflowed\n");
    }
    print_registers(exception->registers, exception->register_count);
    print_stack(exception->stack_pointer);
    end();
}

/* Ends long after the stack has; volatile so that it is not optimised into a loop. */
static unsigned overflow_stack(volatile unsigned *depth)
{
    volatile unsigned frame[64];

    frame[0] = *depth;
    *depth += 1;
    if (*depth == UINT32_MAX) {
        return 0;
    }
    return overflow_stack(depth) + frame[0];
}

void crash_on_purpose(const char *name)
{
    volatile unsigned depth = 0;

    if (strcmp(name, "ud") == 0) {
        __asm__ volatile("ud2");
    } else if (strcmp(name, "pf") == 0) {
        uintptr_t address = 8;

        __asm__ volatile("" : "+r"(address)); /* the compiler must not see a null pointer */
        *(volatile unsigned *)address = 1;
    } else if (strcmp(name, "stack") == 0) {
        printf("%u\n", overflow_stack(&depth));
    } else if (strcmp(name, "hang") == 0) {
        for (;;) {
            __asm__ volatile("pause");
        }
    }
}
