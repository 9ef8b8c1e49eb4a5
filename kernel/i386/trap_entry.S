# SPDX-License-Identifier: MIT
#
# The 32 exception entries of i386. Each pushes what the processor did not (an error code of 0), its number
# and the registers, and calls trap_report with a pointer to them: struct trap_frame in traps.c. None
# returns. The double fault has no entry of this kind: it is a task (double_fault_entry).

        .text

        .macro  trap vector
trap_\vector:
        .if     \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21 || \vector == 29 || \vector == 30
        .else
        pushl   $0
        .endif
        pushl   $\vector
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
        pushal
        cld
        movl    %esp, %eax
        andl    $-16, %esp
        subl    $12, %esp
        pushl   %eax
        call    trap_report
        ud2

        .globl  double_fault_entry
double_fault_entry:
        call    double_fault_report
        ud2

        .section .rodata, "a", @progbits
        .balign 4
        .globl  trap_entries
trap_entries:
        .macro  trap_address number
        .long   trap_\number
        .endm
        .set    number, 0
        .rept   32
        trap_address %number
        .set    number, number + 1
        .endr

        .section .note.GNU-stack, "", @progbits
