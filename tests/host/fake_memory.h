/* SPDX-License-Identifier: MIT */
/*
 * The fake host's memory hooks, between fake_host.c and fake_memory.c only.
 */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include "fake_host.h"

/** Fill in the memory hooks as fake_host.flags says. */
void fake_memory_begin(struct fake_host *fake);

/** Report what was not given back and what was written after it was; release everything.
 * @return the number of problems. */
unsigned fake_memory_end(struct fake_host *fake);

/** Write to the memory that was freed last, past the sanitizer: for the test of the quarantine. */
void fake_memory_scribble_freed(struct fake_host *fake);

#endif
