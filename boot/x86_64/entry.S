# SPDX-License-Identifier: MIT
#
# Entry of the x86_64 kernel. Every boot protocol enters in 32-bit protected mode with paging off, so
# this is 32-bit code first: check for long mode, zero .bss, map the first 4 GiB one to one with 2 MiB
# pages, switch, then kernel_main(eax, ebx). What lies above 4 GiB (memory, BARs) is mapped later by
# kernel/x86_64/paging.c.

#define PAGE_PRESENT_WRITABLE   0x03
#define PAGE_LARGE              0x80
#define CR0_PAGING              0x80010000      /* PG, and WP so that read-only holds for us too */
#define CR4_PAE                 0x20
#define MSR_EFER                0xc0000080
#define EFER_LONG_MODE          0x100
#define COM1                    0x3f8
#define DEBUG_EXIT              0xf4
#define DEBUG_EXIT_CRASH        0x12

        .section .boot.text, "ax", @progbits
        .code32
        .globl  _start
_start:
        cli
        cld
        movl    $boot_stack_top, %esp
        movl    %eax, %ebp                      /* ebp and ebx survive until the call */
        movl    $kernel_bss_start, %edi
        movl    $kernel_bss_end, %ecx
        subl    %edi, %ecx
        xorl    %eax, %eax
        rep stosb

        pushl   %ebx
        movl    $0x80000000, %eax
        cpuid
        cmpl    $0x80000001, %eax
        jb      no_long_mode
        movl    $0x80000001, %eax
        cpuid
        btl     $29, %edx
        jnc     no_long_mode
        popl    %ebx

        movl    $boot_pdpt + PAGE_PRESENT_WRITABLE, boot_pml4
        movl    $boot_directories + PAGE_PRESENT_WRITABLE, %eax
        xorl    %ecx, %ecx
fill_pdpt:
        movl    %eax, boot_pdpt(, %ecx, 8)
        addl    $4096, %eax
        incl    %ecx
        cmpl    $4, %ecx
        jb      fill_pdpt

        movl    $PAGE_PRESENT_WRITABLE + PAGE_LARGE, %eax
        xorl    %ecx, %ecx
fill_directories:
        movl    %eax, boot_directories(, %ecx, 8)
        addl    $0x200000, %eax
        incl    %ecx
        cmpl    $4 * 512, %ecx
        jb      fill_directories

        movl    %cr4, %eax
        orl     $CR4_PAE, %eax
        movl    %eax, %cr4
        movl    $boot_pml4, %eax
        movl    %eax, %cr3
        movl    $MSR_EFER, %ecx
        rdmsr
        orl     $EFER_LONG_MODE, %eax
        wrmsr
        movl    %cr0, %eax
        orl     $CR0_PAGING, %eax
        movl    %eax, %cr0
        lgdt    boot_gdt_pointer
        ljmp    $0x08, $long_mode

no_long_mode:
        movl    $no_long_mode_text, %esi
        movl    $COM1, %edx
next_character:
        lodsb
        testb   %al, %al
        jz      fail
        outb    %al, %dx
        jmp     next_character
fail:
        movl    $DEBUG_EXIT_CRASH, %eax
        outl    %eax, $DEBUG_EXIT
halt32:
        cli
        hlt
        jmp     halt32

        .code64
long_mode:
        movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %eax, %ss
        movl    %ebp, %edi
        movl    %ebx, %esi
        movl    $boot_stack_top, %esp           /* zero-extended; 16-byte aligned at the call */
        xorl    %ebp, %ebp                      /* the end of the chain of frames */
        call    kernel_main
halt64:
        cli
        hlt
        jmp     halt64

        .section .rodata, "a", @progbits
no_long_mode_text:
        .asciz  "crash: this processor has no long mode; use the i386 kernel\r\n"

        .section .data, "aw", @progbits
        .balign 8
        .globl  boot_gdt
boot_gdt:                                       /* kernel/x86_64/traps.c fills in the task segment */
        .quad   0
        .quad   0x00af9b000000ffff              /* 0x08: 64-bit code */
        .quad   0x00cf93000000ffff              /* 0x10: flat data */
        .quad   0, 0                            /* 0x18: the task segment */
boot_gdt_end:
boot_gdt_pointer:
        .word   boot_gdt_end - boot_gdt - 1
        .long   boot_gdt
        .long   0

        .section .bss, "aw", @nobits
        .balign 4096
        .globl  boot_pml4, boot_pdpt, boot_directories
boot_pml4:
        .skip   4096
boot_pdpt:
        .skip   4096
boot_directories:
        .skip   4 * 4096

        .section .stack, "aw", @nobits
        .balign 4096
        .globl  boot_stack_guard, boot_stack_top
boot_stack_guard:                               /* made inaccessible: an overflow is a fault, not damage */
        .skip   4096
        .skip   65536
boot_stack_top:

        .section .note.GNU-stack, "", @progbits
