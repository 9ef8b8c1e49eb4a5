/* SPDX-License-Identifier: MIT */
/*
 * The kernel's output: the first serial port, or what it was moved to. The C library's stdout and stderr end
 * here.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

/* Sets the port to 115200 8N1. To be called before anything is printed. */
void console_init(void);

/*
 * Moves the output: from now on `put` gets it, a line at a time where it can be, and first of all what was
 * printed so far (the first CONSOLE_KEPT bytes). When `put` returns false the serial port has the output again.
 * `emergency` gets, character by character, what is printed after console_crash().
 */
void console_move(bool (*put)(const char *text, size_t size), void (*emergency)(char character));

/* Writes out a line that has not ended yet. */
void console_flush(void);

/* From now on everything goes to the serial port, and to the emergency output if there is one: something is
 * badly wrong, and the rings may be what it is. */
void console_crash(void);

enum {
    CONSOLE_KEPT = 16384,
};

#endif
