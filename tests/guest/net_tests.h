/* SPDX-License-Identifier: MIT */
/*
 * The tests of the suite net that are in files of their own.
 */
#ifndef TESTS_GUEST_NET_TESTS_H
#define TESTS_GUEST_NET_TESTS_H

#include "suite.h"

/* net_ipv4.c */
void net_test_peer_answers(struct test *test);
void net_test_peer_is_answered(struct test *test);

#endif
