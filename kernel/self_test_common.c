/* SPDX-License-Identifier: MIT */
/*
 * Self-tests of what the harness is made of wherever it runs: the clock, and the command line.
 */
#include "self_test.h"

#include "options.h"

#include <string.h>

enum {
    CLOCK_READS = 10000,
    CLOCK_STEP_MAX_US = 1000000,
    PATIENCE = 10000000,
};

void self_test_clock(struct test *test)
{
    uint64_t first = test_now_us(test);
    uint64_t last = first;

    for (unsigned i = 0; i < CLOCK_READS; i++) {
        uint64_t now = test_now_us(test);

        REQUIRE(test, now >= last);
        REQUIRE(test, now - last < CLOCK_STEP_MAX_US);
        last = now;
    }
    for (unsigned i = 0; last == first && i < PATIENCE; i++) {
        last = test_now_us(test);
    }
    CHECK(test, last > first);
}

void self_test_command_line(struct test *test)
{
    static struct options options;
    char line[] = "  suites=blk,rng expect=blk:2 force=legacy  disk=ro config=ecam timeout=7 "
                  "virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=4K@0x1000:1:2 ";

    options_parse(&options, line);
    CHECK_EQUAL(test, options.problem_count, 0);
    REQUIRE(test, options.suites != NULL && options.expect != NULL);
    CHECK(test, strcmp(options.suites, "blk,rng") == 0);
    CHECK(test, strcmp(options.expect, "blk:2") == 0);
    CHECK_EQUAL(test, options.force, VIRTIO_FORCE_LEGACY);
    CHECK_EQUAL(test, options.config, CONFIG_ECAM);
    CHECK(test, options.disk_read_only);
    CHECK_EQUAL(test, options.timeout_seconds, 7);
    REQUIRE_EQUAL(test, options.mmio_count, 2);
    CHECK_EQUAL(test, options.mmio[0].address, 0xfeb00e00);
    CHECK_EQUAL(test, options.mmio[0].size, 512);
    CHECK_EQUAL(test, options.mmio[1].address, 0x1000);
    CHECK_EQUAL(test, options.mmio[1].size, 4096);
}

void self_test_wrong_words(struct test *test)
{
    static const char *const wrong[] = {
        "suite=blk", "suites",     "force=both", "disk=rw",    "config=", "timeout=0",
        "timeout=x", "timeout=9s", "crash=now",  "memory=low", "=",       "virtio_mmio.device=512@",
    };
    static struct options options;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char line[64];

        memcpy(line, wrong[i], strlen(wrong[i]) + 1);
        options_parse(&options, line);
        if (!CHECK_EQUAL(test, options.problem_count, 1)) {
            test_diagnostic("the word was '%s'", wrong[i]);
            continue;
        }
        CHECK(test, strcmp(options.problems[0], wrong[i]) == 0);
    }
}
