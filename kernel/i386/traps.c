/* SPDX-License-Identifier: MIT */
/*
 * Exceptions on i386. Every one is fatal. The double fault runs as a task of its own with its own stack,
 * because what causes it here is a stack that has overflowed into the page below it.
 */
#include "../crash.h"

#include <string.h>

enum {
    VECTORS = 32,
    VECTOR_DOUBLE_FAULT = 8,
    SELECTOR_CODE = 0x08,
    SELECTOR_DATA = 0x10,
    SELECTOR_MAIN_TASK = 0x18,
    SELECTOR_DOUBLE_FAULT_TASK = 0x20,
    GATE_INTERRUPT = 0x8e,
    GATE_TASK = 0x85,
    SEGMENT_AVAILABLE_TASK = 0x89,
    FLAGS_RESERVED = 0x02,
};

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t zero;
    uint8_t type;
    uint16_t offset_high;
};

/* Only what the processor needs here; each 16-bit field is followed by 16 reserved bits. */
struct task_state {
    uint32_t link;
    uint32_t inner_stacks[6];
    uint32_t cr3;
    uint32_t eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs;
    uint32_t ldt;
    uint16_t trap, io_map;
};

/* As trap_entry.S pushes it. */
struct trap_frame {
    uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
    uint32_t vector, error_code;
    uint32_t eip, cs, eflags;
};

_Static_assert(sizeof(struct gate) == 8, "interrupt gate");
_Static_assert(sizeof(struct task_state) == 104, "task state segment");

extern const uint32_t trap_entries[VECTORS];
extern uint64_t boot_gdt[];
extern uint32_t paging_directory[];
void double_fault_entry(void);
noreturn void trap_report(const struct trap_frame *frame);
noreturn void double_fault_report(void);

static struct gate gates[VECTORS];
static struct task_state main_task;
static struct task_state double_fault_task;
static _Alignas(16) unsigned char double_fault_stack[8192];

static uint32_t read_cr0(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}

static uint32_t read_cr2(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr2, %0" : "=r"(value));
    return value;
}

static uint32_t read_cr3(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr3, %0" : "=r"(value));
    return value;
}

noreturn void trap_report(const struct trap_frame *frame)
{
    /* No change of privilege: the interrupted stack begins right after what the processor pushed. */
    uintptr_t stack_pointer = (uintptr_t)(frame + 1);
    const struct crash_register registers[] = {
        {"eip", frame->eip}, {"cs", frame->cs},   {"eflags", frame->eflags}, {"esp", stack_pointer},
        {"eax", frame->eax}, {"ebx", frame->ebx}, {"ecx", frame->ecx},       {"edx", frame->edx},
        {"esi", frame->esi}, {"edi", frame->edi}, {"ebp", frame->ebp},       {"cr0", read_cr0()},
        {"cr2", read_cr2()}, {"cr3", read_cr3()},
    };

    crash_exception(&(struct crash_exception){
        .vector = (unsigned)frame->vector,
        .error_code = frame->error_code,
        .stack_pointer = stack_pointer,
        .fault_address = read_cr2(),
        .registers = registers,
        .register_count = sizeof(registers) / sizeof(registers[0]),
    });
}

/* The processor has left the registers of the moment in the task that was running. */
noreturn void double_fault_report(void)
{
    const struct task_state *task = &main_task;
    const struct crash_register registers[] = {
        {"eip", task->eip},  {"cs", task->cs},    {"eflags", task->eflags}, {"esp", task->esp},
        {"eax", task->eax},  {"ebx", task->ebx},  {"ecx", task->ecx},       {"edx", task->edx},
        {"esi", task->esi},  {"edi", task->edi},  {"ebp", task->ebp},       {"cr0", read_cr0()},
        {"cr2", read_cr2()}, {"cr3", read_cr3()},
    };

    crash_exception(&(struct crash_exception){
        .vector = VECTOR_DOUBLE_FAULT,
        .stack_pointer = task->esp,
        .fault_address = read_cr2(),
        .registers = registers,
        .register_count = sizeof(registers) / sizeof(registers[0]),
    });
}

static uint64_t task_descriptor(const struct task_state *task)
{
    uint64_t base = (uintptr_t)task;

    return (sizeof(*task) - 1) | (base & 0xffffffu) << 16 | (uint64_t)SEGMENT_AVAILABLE_TASK << 40 |
           (base >> 24) << 56;
}

static void tasks_init(void)
{
    /* Not the register's value: paging is turned on later, and until then this is ignored. */
    double_fault_task.cr3 = (uint32_t)(uintptr_t)paging_directory;
    double_fault_task.eip = (uint32_t)(uintptr_t)double_fault_entry;
    double_fault_task.eflags = FLAGS_RESERVED;
    double_fault_task.esp = (uint32_t)(uintptr_t)(double_fault_stack + sizeof(double_fault_stack));
    double_fault_task.cs = SELECTOR_CODE;
    double_fault_task.ss = SELECTOR_DATA;
    double_fault_task.ds = SELECTOR_DATA;
    double_fault_task.es = SELECTOR_DATA;
    double_fault_task.fs = SELECTOR_DATA;
    double_fault_task.gs = SELECTOR_DATA;
    double_fault_task.io_map = sizeof(double_fault_task);
    main_task.io_map = sizeof(main_task);
    boot_gdt[SELECTOR_MAIN_TASK / 8] = task_descriptor(&main_task);
    boot_gdt[SELECTOR_DOUBLE_FAULT_TASK / 8] = task_descriptor(&double_fault_task);
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_MAIN_TASK) : "memory");
}

void traps_init(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint32_t base;
    } pointer = {sizeof(gates) - 1, (uint32_t)(uintptr_t)gates};

    for (unsigned i = 0; i < VECTORS; i++) {
        gates[i].offset_low = (uint16_t)trap_entries[i];
        gates[i].offset_high = (uint16_t)(trap_entries[i] >> 16);
        gates[i].selector = SELECTOR_CODE;
        gates[i].type = GATE_INTERRUPT;
    }
    tasks_init();
    memset(&gates[VECTOR_DOUBLE_FAULT], 0, sizeof(gates[VECTOR_DOUBLE_FAULT]));
    gates[VECTOR_DOUBLE_FAULT].selector = SELECTOR_DOUBLE_FAULT_TASK;
    gates[VECTOR_DOUBLE_FAULT].type = GATE_TASK;
    __asm__ volatile("lidt %0" : : "m"(pointer) : "memory");
}
