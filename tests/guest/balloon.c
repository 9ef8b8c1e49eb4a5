/* SPDX-License-Identifier: MIT */
/*
 * The balloon driver against the machine's balloon. What the host thinks of it is checked by the runner
 * (scripts/runner/peer_balloon.py); what it did to the memory is seen from here, for a host that takes a page
 * away gives back zeros.
 */
#include "suites.h"

#include <stdio.h>
#include <string.h>
#include <virtio/balloon.h>

enum {
    PAGE = VIRTIO_BALLOON_PAGE_SIZE,
    PAGES = 700, /* several requests, the last one not full */
    SOME = 100,
    FILL = 0x5a,
    POISON = 0x5a5a5a5a, /* the same in every byte */
    RANGES = 40,         /* more than one chain holds */
    PATIENCE_US = 10000000,
};

static struct virtio_balloon balloon;
static struct test_memory memory;
static uint64_t pages[PAGES];

static bool takes(uint64_t feature)
{
    return virtio_has_feature(&balloon.device, feature);
}

static void with_options(struct test *test, const struct virtio_balloon_options *options,
                         void (*body)(struct test *test))
{
    const struct virtio_device *found = test_find_device(test, VIRTIO_ID_BALLOON, 0);

    if (found == NULL) {
        test_skip(test, "there is no balloon");
        return;
    }
    if (!test_allocate(test, (size_t)PAGES * PAGE, &memory)) {
        return;
    }
    memset(memory.bytes, FILL, memory.size);
    for (unsigned at = 0; at < PAGES; at++) {
        pages[at] = memory.device_address + (uint64_t)at * PAGE;
    }
    if (CHECK_RESULT(test, virtio_balloon_start(&balloon, found, options), VIRTIO_OK)) {
        CHECK_EQUAL(test, balloon.actual, 0);
        body(test);
        CHECK_RESULT(test, virtio_balloon_stop(&balloon), VIRTIO_OK);
    }
    test_free(test, &memory);
}

static void with_balloon(struct test *test, void (*body)(struct test *test))
{
    with_options(test, NULL, body);
}

/* Waits until the host wants so many pages in the balloon. */
static bool wait_target(struct test *test, uint32_t due)
{
    uint64_t end = test_now_us(test) + PATIENCE_US;
    uint32_t target;

    if (!test_ask_host(test, "balloon want pages=%lu", (unsigned long)due)) {
        return false;
    }
    do {
        if (!CHECK_RESULT(test, virtio_balloon_get_target(&balloon, &target), VIRTIO_OK)) {
            return false;
        }
    } while (target != due && test_now_us(test) < end);
    return CHECK_EQUAL(test, target, due);
}

/* How many of the pages from `first` on are all of one byte. */
static unsigned count_filled(unsigned first, unsigned count, uint8_t byte)
{
    unsigned filled = 0;

    for (unsigned at = first; at < first + count; at++) {
        const uint8_t *page = (const uint8_t *)memory.bytes + (size_t)at * PAGE;
        unsigned alike = 0;

        while (alike < PAGE && page[alike] == byte) {
            alike++;
        }
        filled += alike == PAGE;
    }
    return filled;
}

static void inflate_body(struct test *test)
{
    if (!wait_target(test, PAGES)) {
        return;
    }
    REQUIRE_RESULT(test, virtio_balloon_inflate(&balloon, pages, PAGES), VIRTIO_OK);
    CHECK_EQUAL(test, balloon.actual, PAGES);
    test_ask_host(test, "balloon check pages=%u", (unsigned)PAGES);
    if (!takes(VIRTIO_BALLOON_F_DEFLATE_ON_OOM)) {
        CHECK_RESULT(test, virtio_balloon_deflate(&balloon, pages, 1), VIRTIO_E_NOT_SUPPORTED);
        CHECK_EQUAL(test, balloon.actual, PAGES);
    }
    REQUIRE(test, wait_target(test, SOME));
    REQUIRE_RESULT(test, virtio_balloon_deflate(&balloon, pages + SOME, PAGES - SOME), VIRTIO_OK);
    CHECK_EQUAL(test, balloon.actual, SOME);
    test_ask_host(test, "balloon check pages=%u", (unsigned)SOME);
    /* The host took them away and gives them back empty; nothing else changed. */
    CHECK_EQUAL(test, count_filled(SOME, PAGES - SOME, 0), PAGES - SOME);
    REQUIRE(test, wait_target(test, 0));
    REQUIRE_RESULT(test, virtio_balloon_deflate(&balloon, pages, SOME), VIRTIO_OK);
    CHECK_EQUAL(test, balloon.actual, 0);
    test_ask_host(test, "balloon check pages=0");
    memset(memory.bytes, FILL, memory.size);
    CHECK_EQUAL(test, count_filled(0, PAGES, FILL), PAGES);
}

static void inflated_and_deflated(struct test *test)
{
    with_balloon(test, inflate_body);
}

static void one_page_body(struct test *test)
{
    /* More than the host wants is allowed; page numbers are of 4096 bytes, so just this page is gone. */
    REQUIRE_RESULT(test, virtio_balloon_inflate(&balloon, pages + 3, 1), VIRTIO_OK);
    CHECK_EQUAL(test, count_filled(0, 3, FILL), 3);
    CHECK_EQUAL(test, count_filled(4, 60, FILL), 60);
    REQUIRE_RESULT(test, virtio_balloon_deflate(&balloon, pages + 3, 1), VIRTIO_OK);
    CHECK_EQUAL(test, count_filled(3, 1, 0), 1);
}

static void just_the_page_that_was_meant(struct test *test)
{
    with_balloon(test, one_page_body);
}

static void oom_body(struct test *test)
{
    if (!takes(VIRTIO_BALLOON_F_DEFLATE_ON_OOM)) {
        test_skip(test, "the balloon does not deflate on OOM");
        return;
    }
    if (!wait_target(test, SOME)) {
        return;
    }
    REQUIRE_RESULT(test, virtio_balloon_inflate(&balloon, pages, SOME), VIRTIO_OK);
    REQUIRE_RESULT(test, virtio_balloon_deflate(&balloon, pages, SOME / 2), VIRTIO_OK);
    test_ask_host(test, "balloon check pages=%u", (unsigned)(SOME / 2));
    /* The host looks before it answers the next question. */
    CHECK(test, wait_target(test, 0));
    CHECK_RESULT(test, virtio_balloon_deflate(&balloon, pages + SOME / 2, SOME / 2), VIRTIO_OK);
}

static void deflated_on_oom(struct test *test)
{
    with_balloon(test, oom_body);
}

static void refusals_body(struct test *test)
{
    const uint64_t odd = pages[0] + 1;
    const uint64_t far = UINT64_C(1) << 44;
    uint64_t values[VIRTIO_BALLOON_STATISTICS] = {0};

    CHECK_RESULT(test, virtio_balloon_inflate(&balloon, pages, 0), VIRTIO_E_ZERO_LENGTH);
    CHECK_RESULT(test, virtio_balloon_inflate(&balloon, NULL, 1), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_balloon_inflate(&balloon, &odd, 1), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_balloon_inflate(&balloon, &far, 1), VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_balloon_deflate(&balloon, pages, 1), VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_balloon_statistics_due(&balloon), VIRTIO_E_NOT_SUPPORTED);
    CHECK_RESULT(test, virtio_balloon_send_statistics(&balloon, values), VIRTIO_E_NOT_SUPPORTED);
    CHECK_EQUAL(test, balloon.actual, 0);
}

static void nonsense_is_refused(struct test *test)
{
    with_balloon(test, refusals_body);
}

static const struct virtio_balloon_options statistics_options = {
    .statistics = (1u << VIRTIO_BALLOON_STATISTICS) - 1,
    .values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
};

static bool wait_due(struct test *test)
{
    uint64_t end = test_now_us(test) + PATIENCE_US;
    int due;

    do {
        due = virtio_balloon_statistics_due(&balloon);
    } while (due == 0 && test_now_us(test) < end);
    return CHECK_RESULT(test, due, 1);
}

static void statistics_body(struct test *test)
{
    uint64_t values[VIRTIO_BALLOON_STATISTICS];

    CHECK(test, takes(VIRTIO_BALLOON_F_STATS_VQ));
    CHECK_RESULT(test, virtio_balloon_send_statistics(&balloon, statistics_options.values),
                 VIRTIO_E_FULL);
    for (unsigned i = 0; i < VIRTIO_BALLOON_STATISTICS; i++) {
        values[i] = UINT64_C(0x100000000) * (i + 1) + 77 * i;
    }
    if (!test_ask_host(test, "balloon statistics") || !wait_due(test)) {
        return;
    }
    REQUIRE_RESULT(test, virtio_balloon_send_statistics(&balloon, values), VIRTIO_OK);
    test_ask_host(test,
                  "balloon expect stat-swap-in=%llu stat-major-faults=%llu stat-free-memory=%llu "
                  "stat-total-memory=%llu stat-available-memory=%llu stat-htlb-pgfail=%llu",
                  (unsigned long long)values[VIRTIO_BALLOON_S_SWAP_IN],
                  (unsigned long long)values[VIRTIO_BALLOON_S_MAJFLT],
                  (unsigned long long)values[VIRTIO_BALLOON_S_MEMFREE],
                  (unsigned long long)values[VIRTIO_BALLOON_S_MEMTOT],
                  (unsigned long long)values[VIRTIO_BALLOON_S_AVAIL],
                  (unsigned long long)values[VIRTIO_BALLOON_S_HTLB_PGFAIL]);
}

static void statistics_reach_the_host(struct test *test)
{
    with_options(test, &statistics_options, statistics_body);
}

/* Ranges of two pages with a page between them that must stay. */
static void make_ranges(struct virtio_buffer *ranges)
{
    for (unsigned at = 0; at < RANGES; at++) {
        ranges[at].device_address = pages[at * 3];
        ranges[at].length = 2 * PAGE;
    }
}

static void report_body(struct test *test)
{
    struct virtio_buffer ranges[RANGES];
    unsigned expected = takes(VIRTIO_BALLOON_F_PAGE_POISON) ? FILL : 0;

    make_ranges(ranges);
    if (!takes(VIRTIO_BALLOON_F_PAGE_REPORTING)) {
        CHECK_RESULT(test, virtio_balloon_report(&balloon, ranges, 1), VIRTIO_E_NOT_SUPPORTED);
        test_skip(test, "the balloon takes no reports of free pages");
        return;
    }
    REQUIRE_RESULT(test, virtio_balloon_report(&balloon, ranges, RANGES), VIRTIO_OK);
    for (unsigned at = 0; at < RANGES; at++) {
        CHECK_EQUAL(test, count_filled(at * 3, 2, (uint8_t)expected), 2);
        CHECK_EQUAL(test, count_filled(at * 3 + 2, 1, FILL), 1);
    }
    ranges[0].length = PAGE + 1;
    CHECK_RESULT(test, virtio_balloon_report(&balloon, ranges, 1), VIRTIO_E_INVALID);
    ranges[0].length = 0;
    CHECK_RESULT(test, virtio_balloon_report(&balloon, ranges, 1), VIRTIO_E_ZERO_LENGTH);
    CHECK_RESULT(test, virtio_balloon_report(&balloon, NULL, 1), VIRTIO_E_INVALID);
    memset(memory.bytes, FILL, memory.size);
    CHECK_EQUAL(test, count_filled(0, PAGES, FILL), PAGES);
}

static void free_pages_are_reported(struct test *test)
{
    with_balloon(test, report_body);
}

static void poison_body(struct test *test)
{
    if (!takes(VIRTIO_BALLOON_F_PAGE_POISON)) {
        test_skip(test, "the balloon does not ask about poison");
        return;
    }
    CHECK_EQUAL(test, balloon.poison_value, POISON);
    report_body(test);
}

static void poisoned_pages_stay_poisoned(struct test *test)
{
    static const struct virtio_balloon_options options = {.poisons = true, .poison_value = POISON};

    with_options(test, &options, poison_body);
}

static bool wait_command(struct test *test, uint32_t least, uint32_t most, uint32_t *command)
{
    uint64_t end = test_now_us(test) + PATIENCE_US;

    do {
        if (!CHECK_RESULT(test, virtio_balloon_get_hint_command(&balloon, command), VIRTIO_OK)) {
            return false;
        }
    } while ((*command < least || *command > most) && test_now_us(test) < end);
    return CHECK(test, *command >= least && *command <= most);
}

static void hint_body(struct test *test)
{
    struct virtio_buffer ranges[RANGES];
    uint32_t command = 0;
    int error;

    make_ranges(ranges);
    if (!takes(VIRTIO_BALLOON_F_FREE_PAGE_HINT)) {
        CHECK_RESULT(test, virtio_balloon_get_hint_command(&balloon, &command),
                     VIRTIO_E_NOT_SUPPORTED);
        CHECK_RESULT(test, virtio_balloon_hint(&balloon, ranges, 1), VIRTIO_E_NOT_SUPPORTED);
        test_skip(test, "the balloon takes no hints of free pages");
        return;
    }
    CHECK_RESULT(test, virtio_balloon_hint(&balloon, ranges, 1), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_balloon_end_hints(&balloon), VIRTIO_E_STATE);
    if (!test_ask_host(test, "balloon migrate")) {
        return;
    }
    REQUIRE(test, wait_command(test, 2, UINT32_MAX, &command));
    error = virtio_balloon_hint(&balloon, ranges, RANGES);
    /* A migration that is done already wants no more of them. */
    CHECK(test, error == VIRTIO_OK || error == VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_balloon_end_hints(&balloon), VIRTIO_OK);
    REQUIRE(test,
            wait_command(test, VIRTIO_BALLOON_CMD_ID_DONE, VIRTIO_BALLOON_CMD_ID_DONE, &command));
    CHECK_RESULT(test, virtio_balloon_hint(&balloon, ranges, 1), VIRTIO_E_STATE);
    for (unsigned at = 0; at < RANGES; at++) {
        CHECK_EQUAL(test, count_filled(at * 3 + 2, 1, FILL), 1);
    }
}

static void free_pages_are_hinted(struct test *test)
{
    with_balloon(test, hint_body);
}

static void restart_body(struct test *test)
{
    for (unsigned round = 0; round < 4; round++) {
        REQUIRE_RESULT(test, virtio_balloon_inflate(&balloon, pages, SOME), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_balloon_halt(&balloon), VIRTIO_OK);
        CHECK_EQUAL(test, balloon.actual, 0);
        CHECK_RESULT(test, virtio_balloon_inflate(&balloon, pages, 1), VIRTIO_E_STATE);
        CHECK_RESULT(test, virtio_balloon_get_target(&balloon, NULL), VIRTIO_E_STATE);
        REQUIRE_RESULT(test, virtio_balloon_stop(&balloon), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_balloon_stop(&balloon), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_balloon_start(&balloon, &balloon.device, NULL), VIRTIO_OK);
    }
    test_ask_host(test, "balloon check pages=0");
    /* The host has looked when it has answered the next question. */
    if (wait_target(test, 1)) {
        CHECK(test, wait_target(test, 0));
    }
}

static void stopped_and_started_again(struct test *test)
{
    with_balloon(test, restart_body);
}

static const struct test_case cases[] = {
    {"inflated and deflated as the host wants it", inflated_and_deflated},
    {"just the page that was meant", just_the_page_that_was_meant},
    {"deflated on OOM", deflated_on_oom},
    {"nonsense is refused", nonsense_is_refused},
    {"statistics reach the host", statistics_reach_the_host},
    {"free pages are reported", free_pages_are_reported},
    {"poisoned pages stay poisoned", poisoned_pages_stay_poisoned},
    {"free pages are hinted in a migration", free_pages_are_hinted},
    {"stopped while inflated and started again, four times", stopped_and_started_again},
};

const struct test_suite suite_balloon = DEVICE_SUITE("balloon", VIRTIO_ID_BALLOON, cases);
