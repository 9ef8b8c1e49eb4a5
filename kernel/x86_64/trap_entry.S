# SPDX-License-Identifier: MIT
#
# The 32 exception entries of x86_64. Each pushes what the processor did not (an error code of 0), its
# number and the registers, and calls trap_report with a pointer to them: struct trap_frame in traps.c.
# None returns.

        .text

        .macro  trap vector
trap_\vector:
        .if     \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21 || \vector == 29 || \vector == 30
        .else
        pushq   $0
        .endif
        pushq   $\vector
        jmp     trap_common
        .endm

        .altmacro
        .macro  trap_numbered number
        trap    \number
        .endm
        .set    number, 0
        .rept   32
        trap_numbered %number
        .set    number, number + 1
        .endr

trap_common:
        pushq   %rax
        pushq   %rbx
        pushq   %rcx
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %rbp
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        cld
        movq    %rsp, %rdi
        andq    $-16, %rsp
        call    trap_report
        ud2

        .section .rodata, "a", @progbits
        .balign 8
        .globl  trap_entries
trap_entries:
        .macro  trap_address number
        .quad   trap_\number
        .endm
        .set    number, 0
        .rept   32
        trap_address %number
        .set    number, number + 1
        .endr

        .section .note.GNU-stack, "", @progbits
