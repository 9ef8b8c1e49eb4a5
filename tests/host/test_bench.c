/* SPDX-License-Identifier: MIT */
/*
 * The bench itself: one request over each transport and kind of host.
 */
#include "bench.h"

#include <string.h>

static void test_one_request_goes_there_and_back(struct bench *bench)
{
    uint8_t *memory;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    memory = bench->shared.memory;
    memset(memory, 'x', 100);
    bench_request(bench, 100, 200, bench_cookie(1));
    assert_int_equal(bench_reap(bench, 1), 200);
    assert_int_equal(memory[0x8000 + 99], 'x');
    assert_int_equal(memory[0x8000 + 100], FAKE_ECHO_FILL);
    bench_stop(bench);
}

static const struct bench_test tests[] = {
    TEST(test_one_request_goes_there_and_back, BENCH_HOSTS),
};

BENCH_MAIN(tests)
