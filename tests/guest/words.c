/* SPDX-License-Identifier: MIT */
/*
 * Lists of words. Empty words (two commas in a row) are passed over.
 */
#include "words.h"

#include <string.h>

bool word_next(const char **rest, struct word *word)
{
    if (*rest == NULL) {
        return false;
    }
    *rest += strspn(*rest, ",");
    word->text = *rest;
    word->length = strcspn(*rest, ",");
    *rest += word->length;
    return word->length != 0;
}

bool word_is(const struct word *word, const char *text)
{
    return strlen(text) == word->length && memcmp(word->text, text, word->length) == 0;
}
