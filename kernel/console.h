/* SPDX-License-Identifier: MIT */
/*
 * The kernel's output: the first serial port. The C library's stdout and stderr end here.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

/* Sets the port to 115200 8N1. To be called before anything is printed. */
void console_init(void);

#endif
