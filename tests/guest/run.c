/* SPDX-License-Identifier: MIT */
/*
 * Running a plan: problems that are known before, then promises, then the tests of the suites that were
 * chosen, each once and in order.
 */
#include "suite.h"

#include "expect.h"
#include "tap.h"
#include "watch.h"
#include "words.h"

#include <stdio.h>
#include <virtio/names.h>

/* A suite whose device is absent is one line, not one a test. */
static bool lacks_device(const struct test_environment *environment, const struct test_suite *suite)
{
    if (suite->device_type == 0) {
        return false;
    }
    for (size_t i = 0; i < environment->device_count; i++) {
        if (environment->devices[i].type == suite->device_type) {
            return false;
        }
    }
    return true;
}

static bool is_selected(const struct test_plan *plan, const struct test_suite *suite)
{
    const char *rest = plan->selected;
    struct word word;

    if (rest == NULL) {
        return !suite->on_request;
    }
    while (word_next(&rest, &word)) {
        if (word_is(&word, suite->name)) {
            return true;
        }
    }
    return false;
}

static bool is_known(const struct test_plan *plan, const struct word *word)
{
    for (const struct test_suite *const *suite = plan->suites; *suite != NULL; suite++) {
        if (word_is(word, (*suite)->name)) {
            return true;
        }
    }
    return false;
}

/* Selected suites that do not exist: each a failed test. With no `tap`, they are only counted. */
static size_t unknown_suites(const struct test_plan *plan, struct tap *tap)
{
    const char *rest = plan->selected;
    struct word word;
    size_t count = 0;

    while (word_next(&rest, &word)) {
        char description[64];

        if (is_known(plan, &word)) {
            continue;
        }
        count++;
        if (tap != NULL) {
            snprintf(description, sizeof(description), "there is no suite '%.*s'", (int)word.length,
                     word.text);
            tap_failed(tap, "suites", description);
        }
    }
    return count;
}

static size_t count_all(const struct test_environment *environment, const struct test_plan *plan)
{
    size_t count = plan->problem_count + expect_count(plan->expected) + unknown_suites(plan, NULL);

    for (const struct test_suite *const *suite = plan->suites; *suite != NULL; suite++) {
        if (is_selected(plan, *suite)) {
            count += lacks_device(environment, *suite) ? 1 : (*suite)->count;
        }
    }
    return count;
}

static void run_case(struct tap *tap, const struct test_environment *environment,
                     const struct test_suite *suite, const struct test_case *test_case)
{
    struct test test = {environment, suite, test_case->description, 0, NULL};

    watch_clear();
    test_case->run(&test);
    if (test.failures != 0) {
        tap_failed(tap, suite->name, test.description);
    } else if (test.skip_reason != NULL) {
        tap_skipped(tap, suite->name, test.description, test.skip_reason);
    } else {
        tap_passed(tap, suite->name, test.description);
    }
}

static void skip_suite(struct tap *tap, const struct test_suite *suite)
{
    char description[32];
    char reason[64];

    snprintf(description, sizeof(description), "%u tests", (unsigned)suite->count);
    snprintf(reason, sizeof(reason), "there is no %s", virtio_device_name(suite->device_type));
    tap_skipped(tap, suite->name, description, reason);
}

static void run_suite(struct tap *tap, const struct test_environment *environment,
                      const struct test_suite *suite, uint64_t deadline)
{
    const struct virtio_host *host = environment->host;

    for (size_t i = 0; i < suite->count; i++) {
        if (host->now_us(host->ctx) > deadline) {
            test_diagnostic("not begun: the run's time is over (timeout=%lu)",
                            (unsigned long)environment->timeout_seconds);
            tap_failed(tap, suite->name, suite->cases[i].description);
            continue;
        }
        run_case(tap, environment, suite, &suite->cases[i]);
    }
}

struct test_result test_run(const struct test_environment *environment,
                            const struct test_plan *plan)
{
    const struct virtio_host *host = environment->host;
    uint64_t deadline = host->now_us(host->ctx) + environment->timeout_seconds * UINT64_C(1000000);
    struct tap tap;

    tap_begin(&tap, count_all(environment, plan));
    for (size_t i = 0; i < plan->problem_count; i++) {
        tap_failed(&tap, "command line", plan->problems[i]);
    }
    unknown_suites(plan, &tap);
    expect_run(&tap, environment, plan->expected);
    for (const struct test_suite *const *suite = plan->suites; *suite != NULL; suite++) {
        if (!is_selected(plan, *suite)) {
            continue;
        }
        if (lacks_device(environment, *suite)) {
            skip_suite(&tap, *suite);
        } else {
            run_suite(&tap, environment, *suite, deadline);
        }
    }
    tap_end(&tap);
    return tap.result;
}
