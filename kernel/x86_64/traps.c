/* SPDX-License-Identifier: MIT */
/*
 * Exceptions on x86_64. Every one is fatal, and every one runs on a stack of its own (the interrupt stack
 * table), so that a kernel stack that has overflowed into the page below it still gives a report.
 */
#include "../crash.h"

enum {
    VECTORS = 32,
    SELECTOR_CODE = 0x08,
    SELECTOR_TASK = 0x18,
    GATE_INTERRUPT = 0x8e,
    SEGMENT_AVAILABLE_TASK = 0x89,
    INTERRUPT_STACK = 1,
};

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t interrupt_stack;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

struct __attribute__((packed)) task_state {
    uint32_t reserved0;
    uint64_t privilege_stack[3];
    uint64_t reserved1;
    uint64_t interrupt_stack[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
};

/* As trap_entry.S and the processor push it. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct gate) == 16, "interrupt gate");
_Static_assert(sizeof(struct task_state) == 104, "task state segment");

extern const uint64_t trap_entries[VECTORS];
extern uint64_t boot_gdt[];
noreturn void trap_report(const struct trap_frame *frame);

static struct gate gates[VECTORS];
static struct task_state task;
static _Alignas(16) unsigned char trap_stack[8192];

static uint64_t read_cr2(void)
{
    uint64_t value;

    __asm__ volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}

static uint64_t read_cr3(void)
{
    uint64_t value;

    __asm__ volatile("movq %%cr3, %0" : "=r"(value));
    return value;
}

noreturn void trap_report(const struct trap_frame *frame)
{
    const struct crash_register registers[] = {
        {"rip", frame->rip}, {"cs", frame->cs},   {"rflags", frame->rflags}, {"rsp", frame->rsp},
        {"rax", frame->rax}, {"rbx", frame->rbx}, {"rcx", frame->rcx},       {"rdx", frame->rdx},
        {"rsi", frame->rsi}, {"rdi", frame->rdi}, {"rbp", frame->rbp},       {"r8", frame->r8},
        {"r9", frame->r9},   {"r10", frame->r10}, {"r11", frame->r11},       {"r12", frame->r12},
        {"r13", frame->r13}, {"r14", frame->r14}, {"r15", frame->r15},       {"cr2", read_cr2()},
        {"cr3", read_cr3()},
    };

    crash_exception(&(struct crash_exception){
        .vector = (unsigned)frame->vector,
        .error_code = frame->error_code,
        .stack_pointer = frame->rsp,
        .fault_address = read_cr2(),
        .registers = registers,
        .register_count = sizeof(registers) / sizeof(registers[0]),
    });
}

static void task_init(void)
{
    uint64_t base = (uintptr_t)&task;

    task.interrupt_stack[INTERRUPT_STACK - 1] = (uintptr_t)(trap_stack + sizeof(trap_stack));
    task.io_map = sizeof(task);
    boot_gdt[SELECTOR_TASK / 8] = (sizeof(task) - 1) | (base & 0xffffffu) << 16 |
                                  (uint64_t)SEGMENT_AVAILABLE_TASK << 40 |
                                  (base >> 24 & 0xffu) << 56;
    boot_gdt[SELECTOR_TASK / 8 + 1] = base >> 32;
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TASK) : "memory");
}

void traps_init(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } pointer = {sizeof(gates) - 1, (uintptr_t)gates};

    for (unsigned i = 0; i < VECTORS; i++) {
        gates[i].offset_low = (uint16_t)trap_entries[i];
        gates[i].offset_middle = (uint16_t)(trap_entries[i] >> 16);
        gates[i].offset_high = (uint32_t)(trap_entries[i] >> 32);
        gates[i].selector = SELECTOR_CODE;
        gates[i].interrupt_stack = INTERRUPT_STACK;
        gates[i].type = GATE_INTERRUPT;
    }
    task_init();
    __asm__ volatile("lidt %0" : : "m"(pointer) : "memory");
}
