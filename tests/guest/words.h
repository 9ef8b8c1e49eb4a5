/* SPDX-License-Identifier: MIT */
/*
 * Lists of words with commas between them, as they stand on the command line.
 */
#ifndef TESTS_GUEST_WORDS_H
#define TESTS_GUEST_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct word {
    const char *text; /* not terminated */
    size_t length;
};

/* Takes the next word off the list: `rest` moves behind it. False when none is left. */
bool word_next(const char **rest, struct word *word);

bool word_is(const struct word *word, const char *text);

#endif
