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

/* net_control.c */
void net_test_receive_modes(struct test *test);
void net_test_extra_receive_modes(struct test *test);
void net_test_mac_table(struct test *test);
void net_test_query_filters(struct test *test);
void net_test_vlan_filter(struct test *test);
void net_test_vlans_without_filter(struct test *test);
void net_test_set_mac(struct test *test);
void net_test_write_mac(struct test *test);
void net_test_link(struct test *test);
void net_test_announce(struct test *test);

/* net_offload.c */
void net_test_checksums(struct test *test);
void net_test_large_frames(struct test *test);
void net_test_offload_exchange(struct test *test);
void net_test_pairs(struct test *test);

/* net_user.c */
void net_test_user_network(struct test *test);

#endif
