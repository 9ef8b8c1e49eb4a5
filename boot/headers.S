# SPDX-License-Identifier: MIT
#
# What boot loaders look for in the kernel's first 8 KiB: the multiboot 1 header (ELF32 only: QEMU
# looks for it before anything else and refuses an ELF64 that has one), the multiboot 2 header, and
# the PVH note. All three enter _start in 32-bit protected mode with paging off.

#define MULTIBOOT1_MAGIC        0x1badb002
#define MULTIBOOT1_ALIGN_MEMORY 0x00000003      /* modules on page boundaries, memory map wanted */
#define MULTIBOOT2_MAGIC        0xe85250d6
#define XEN_ELFNOTE_PHYS32_ENTRY 18

        .section .boot.headers, "a", @progbits

#ifdef __i386__
        .balign 4
        .long   MULTIBOOT1_MAGIC
        .long   MULTIBOOT1_ALIGN_MEMORY
        .long   -(MULTIBOOT1_MAGIC + MULTIBOOT1_ALIGN_MEMORY)
#endif

        .balign 8
multiboot2_header:
        .long   MULTIBOOT2_MAGIC
        .long   0                               /* architecture: i386, protected mode */
        .long   multiboot2_end - multiboot2_header
        .long   -(MULTIBOOT2_MAGIC + (multiboot2_end - multiboot2_header))
        .word   0, 0                            /* end tag: the ELF headers say the rest */
        .long   8
multiboot2_end:

        .section .note.pvh, "a", @note
        .balign 4
        .long   4                               /* length of the name */
        .long   pvh_end - pvh_entry
        .long   XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
pvh_entry:
#ifdef __i386__
        .long   _start
#else
        .quad   _start                          /* QEMU reads eight bytes from an ELF64's note */
#endif
pvh_end:

        .section .note.GNU-stack, "", @progbits
