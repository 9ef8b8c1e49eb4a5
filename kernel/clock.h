/* SPDX-License-Identifier: MIT */
/*
 * The clock: microseconds since clock_init(), never going backwards.
 */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include <stdint.h>

/*
 * Finds out how fast the processor's time stamp counter runs. Always returns, on any machine; what it
 * found is told by clock_source().
 */
void clock_init(void);

uint64_t clock_microseconds(void);

/* What the clock was set by, and its rate: for the banner. */
const char *clock_source(void);
uint64_t clock_frequency(void);

#endif
