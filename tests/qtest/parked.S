# SPDX-License-Identifier: MIT
#
# The guest of a qtest run: it says that firmware is done, and where it left its tables, and halts for ever. What is
# left to do is done from outside (shared.c).
#
# QEMU starts it by PVH, in 32-bit protected mode without paging, with the address of hvm_start_info in ebx.

#define XEN_ELFNOTE_PHYS32_ENTRY 18
#define START_INFO_MAGIC         0x336ec578
#define START_INFO_RSDP          32

        .section .text, "ax", @progbits
        .globl  _start
_start:
        cli
        cmpl    $START_INFO_MAGIC, (%ebx)
        jne     halt                            /* not started by PVH: the one who waits says so */
        movl    START_INFO_RSDP(%ebx), %eax     /* here, because microvm keeps it in memory of the firmware's own */
        movl    %eax, rsdp
        movl    START_INFO_RSDP+4(%ebx), %eax
        movl    %eax, rsdp+4
        movl    $0x6b726170, mailbox            /* "park": last, for who waits for it looks at nothing else */
halt:
        hlt
        jmp     halt

        .section .data, "aw", @progbits
        .balign 8
mailbox:
        .long   0
        .long   0
rsdp:
        .quad   0

        .section .note.pvh, "a", @note
        .balign 4
        .long   4                               /* length of the name */
        .long   4                               /* and of what follows it */
        .long   XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .long   _start

        .section .note.GNU-stack, "", @progbits
