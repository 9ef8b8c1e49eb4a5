/* SPDX-License-Identifier: MIT */
/*
 * How the kernel dies: a report a person can read, and an exit status that fails the run.
 */
#ifndef KERNEL_CRASH_H
#define KERNEL_CRASH_H

#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

struct crash_register {
    const char *name;
    uintptr_t value;
};

/* Prints `crash: ` and the message, then leaves. For the kernel's own broken promises. */
noreturn void crash(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sets what else the report shall tell, after the registers. */
void crash_set_report(void (*report)(void));

/* What the processor and the exception handler know of an exception. */
struct crash_exception {
    unsigned vector;
    uintptr_t error_code;
    uintptr_t stack_pointer;
    uintptr_t fault_address; /* cr2; means something for page faults and double faults */
    const struct crash_register *registers;
    size_t register_count;
};

/*
 * Reports a processor exception: its name, error code, registers and the words on top of the stack, then
 * leaves. Called by the architecture's exception handler.
 */
noreturn void crash_exception(const struct crash_exception *exception);

/* Installs the exception handlers. Anything that goes wrong before that is a silent reset. */
void traps_init(void);

/* Does on purpose what `name` says (ud, pf, stack, hang), so that the report itself can be tested. */
void crash_on_purpose(const char *name);

#endif
