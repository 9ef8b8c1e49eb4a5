/* SPDX-License-Identifier: MIT */
/*
 * Devices that are worth a look when something goes wrong: a failed check, a crash, or the runner's
 * non-maskable interrupt after a hang. Tests add theirs with test_watch().
 */
#ifndef TESTS_GUEST_WATCH_H
#define TESTS_GUEST_WATCH_H

/* Forgets all: a test begins. */
void watch_clear(void);

/* The library's own account of each watched device, through the host's log hook. */
void watch_dump(void);

#endif
