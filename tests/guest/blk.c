/* SPDX-License-Identifier: MIT */
/*
 * The block driver's suite, in order: first what needs no device, then reading, then many requests at
 * once, then writing, then disks with faults. The scratch disk's last content is blk_pattern_on_scratch's.
 */
#include "blk_rig.h"
#include "blk_tests.h"
#include "pattern.h"
#include "sha256.h"
#include "suites.h"

#include <string.h>

static bool digest_is(const char *text, unsigned times, const char *expected)
{
    struct sha256 hash;
    char digest[SHA256_TEXT];

    sha256_begin(&hash);
    while (times-- != 0) {
        sha256_add(&hash, text, strlen(text));
    }
    sha256_end(&hash, digest);
    return strcmp(digest, expected) == 0;
}

/* The examples of FIPS 180-4's companion, and the published first outputs of splitmix64. */
static void known_answers(struct test *test)
{
    CHECK(test,
          digest_is("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    CHECK(test,
          digest_is("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    CHECK(test, digest_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
    CHECK(test, digest_is("aaaaaaaaaa", 100000,
                          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
    CHECK_EQUAL(test, splitmix64(0), UINT64_C(0xe220a8397b1dcdaf));
    CHECK_EQUAL(test, splitmix64(UINT64_C(0x9e3779b97f4a7c15)), UINT64_C(0x6e789e6aa1b965f4));
}

static void count_requests(struct test *test)
{
    if (test_find_device(test, VIRTIO_ID_BLOCK, 0) == NULL) {
        test_skip(test, "there is no block device");
        return;
    }
    test_diagnostic("blk requests=%llu", (unsigned long long)rig_requests);
    CHECK(test, rig_requests > 0);
}

static const struct test_case cases[] = {
    {"digest and pattern give the known answers", known_answers},
    {"every disk says what it is", blk_every_disk_says_what_it_is},
    {"the whole docs disk has a digest", blk_whole_disk_digest},
    {"reads of every size, from and to odd places", blk_reads_of_every_size},
    {"requests that make no sense are refused", blk_requests_that_make_no_sense},
    {"reads at queue depths 1, 2, 8, 32 and the most", blk_reads_at_every_depth},
    {"a full queue refuses and loses nothing", blk_full_means_nothing_lost},
    {"blocking calls among requests in flight", blk_blocking_among_others},
    {"requests in many parts, one completion each", blk_requests_in_parts},
    {"more than 70,000 requests: indices wrap", blk_indices_wrap},
    {"one register access for each request", blk_one_access_a_request},
    {"halted with requests in flight: every cookie back once, then restarted",
     blk_halted_in_flight},
    {"stopped in the middle and started again, eight times", blk_stopped_and_started},
    {"several queues at once", blk_several_queues},
    {"lists of odd pieces are read", blk_reads_lists},
    {"lists of odd pieces are written", blk_writes_lists},
    {"writes of every size read back", blk_writes_of_every_size},
    {"flushes", blk_flushes},
    {"the scratch disk holds the pattern", blk_pattern_on_scratch},
    {"ranges are zeroed, with and without unmapping them", blk_writes_zeroes},
    {"ranges are discarded, and their neighbours are not", blk_discards},
    {"the cache mode is switched, and a reset restores it", blk_cache_mode},
    {"a disk that the host resizes", blk_resizes},
    {"two disks at once", blk_two_disks_at_once},
    {"a read-only disk is read and never written", blk_readonly_disk},
    {"a bad sector is an error of its own request", blk_faulty_disk},
    {"a disk that never answers ends in a timeout, and starts again", blk_stuck_disk},
    {"requests stuck in flight come back by a halt", blk_stuck_disk_in_flight},
    {"requests were counted", count_requests},
};

const struct test_suite suite_blk = DEVICE_SUITE("blk", VIRTIO_ID_BLOCK, cases);
