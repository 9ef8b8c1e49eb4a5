/* SPDX-License-Identifier: MIT */
/*
 * The tests of the suite 9p that are in files of their own.
 */
#ifndef TESTS_GUEST_9P_TESTS_H
#define TESTS_GUEST_9P_TESTS_H

#include "suite.h"

/* 9p_folders.c */
void p9_names_of_every_kind(struct test *test);
void p9_deep_folders(struct test *test);
void p9_many_entries(struct test *test);
void p9_made_renamed_removed(struct test *test);
void p9_errors_are_told(struct test *test);

#endif
