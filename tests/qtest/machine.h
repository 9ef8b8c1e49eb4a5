/* SPDX-License-Identifier: MIT */
/*
 * How a process dies (kernel/crash.h is how it is asked to).
 */
#ifndef TESTS_QTEST_MACHINE_H
#define TESTS_QTEST_MACHINE_H

/* Prints the library's dump of the watched devices, once. For who ends the process without machine_exit(). */
void machine_last_words(void);

#endif
