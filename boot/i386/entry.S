# SPDX-License-Identifier: MIT
#
# Entry of the i386 kernel: a stack, a zeroed .bss, our own segments, then kernel_main(eax, ebx).
# Whatever the loader left in eax and ebx is passed on unjudged; kernel/boot_info.c makes sense of it.
# Paging stays off here; kernel/i386/paging.c turns it on.

        .section .boot.text, "ax", @progbits
        .globl  _start
_start:
        cli
        cld
        movl    $boot_stack_top, %esp
        movl    %eax, %esi                      /* kept while rep stosb uses eax */
        movl    $kernel_bss_start, %edi
        movl    $kernel_bss_end, %ecx
        subl    %edi, %ecx
        xorl    %eax, %eax
        rep stosb
        lgdt    boot_gdt_pointer
        ljmp    $0x08, $reload_segments
reload_segments:
        movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %eax, %ss
        xorl    %ebp, %ebp                      /* the end of the chain of frames */
        subl    $8, %esp                        /* 16-byte alignment at the call, as the ABI wants */
        pushl   %ebx
        pushl   %esi
        call    kernel_main
halt:
        cli
        hlt
        jmp     halt

        .section .data, "aw", @progbits
        .balign 8
        .globl  boot_gdt
boot_gdt:                                       /* kernel/i386/traps.c fills in the two task segments */
        .quad   0
        .quad   0x00cf9b000000ffff              /* 0x08: flat code */
        .quad   0x00cf93000000ffff              /* 0x10: flat data */
        .quad   0                               /* 0x18: the kernel's task */
        .quad   0                               /* 0x20: the double fault's task */
boot_gdt_end:
boot_gdt_pointer:
        .word   boot_gdt_end - boot_gdt - 1
        .long   boot_gdt

        .section .stack, "aw", @nobits
        .balign 4096
        .globl  boot_stack_guard, boot_stack_top
boot_stack_guard:                               /* made inaccessible: an overflow is a fault, not damage */
        .skip   4096
        .skip   65536
boot_stack_top:

        .section .note.GNU-stack, "", @progbits
