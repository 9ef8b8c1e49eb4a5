/* SPDX-License-Identifier: MIT */
/*
 * The tests of the block driver, by file; blk.c puts them in order.
 */
#ifndef TESTS_GUEST_BLK_TESTS_H
#define TESTS_GUEST_BLK_TESTS_H

#include "suite.h"

/* blk_read.c: what is on a disk, one request at a time. */
void blk_every_disk_says_what_it_is(struct test *test);
void blk_whole_disk_digest(struct test *test);
void blk_reads_of_every_size(struct test *test);
void blk_requests_that_make_no_sense(struct test *test);

/* blk_flight.c: many requests at once. */
void blk_reads_at_every_depth(struct test *test);
void blk_full_means_nothing_lost(struct test *test);
void blk_blocking_among_others(struct test *test);
void blk_requests_in_parts(struct test *test);
void blk_indices_wrap(struct test *test);
void blk_halted_in_flight(struct test *test);
void blk_stopped_and_started(struct test *test);
void blk_two_disks_at_once(struct test *test);

/* blk_access.c: what a request costs. */
void blk_one_access_a_request(struct test *test);

/* blk_write.c: the scratch disk. */
void blk_writes_of_every_size(struct test *test);
void blk_flushes(struct test *test);
void blk_pattern_on_scratch(struct test *test);

/* blk_ranges.c: ranges that are discarded and zeroed, the cache mode, resizes. */
void blk_discards(struct test *test);
void blk_writes_zeroes(struct test *test);
void blk_cache_mode(struct test *test);
void blk_resizes(struct test *test);

/* blk_queues.c: several queues, and several pieces of memory. */
void blk_several_queues(struct test *test);
void blk_reads_lists(struct test *test);
void blk_writes_lists(struct test *test);

/* blk_faults.c: disks that refuse, fail, or never answer. */
void blk_readonly_disk(struct test *test);
void blk_faulty_disk(struct test *test);
void blk_stuck_disk(struct test *test);
void blk_stuck_disk_in_flight(struct test *test);

#endif
