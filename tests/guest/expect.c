/* SPDX-License-Identifier: MIT */
/*
 * Promises about the machine. A promise is a minimum: more devices than that are no failure.
 */
#include "expect.h"

#include "words.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t type;
} type_names[] = {
    {"net", VIRTIO_ID_NETWORK},     {"blk", VIRTIO_ID_BLOCK},     {"console", VIRTIO_ID_CONSOLE},
    {"rng", VIRTIO_ID_ENTROPY},     {"scsi", VIRTIO_ID_SCSI},     {"9p", VIRTIO_ID_9P},
    {"balloon", VIRTIO_ID_BALLOON}, {"gpu", VIRTIO_ID_GPU},       {"input", VIRTIO_ID_INPUT},
    {"vsock", VIRTIO_ID_SOCKET},    {"crypto", VIRTIO_ID_CRYPTO}, {"iommu", VIRTIO_ID_IOMMU},
    {"mem", VIRTIO_ID_MEMORY},      {"sound", VIRTIO_ID_SOUND},   {"fs", VIRTIO_ID_FILE_SYSTEM},
    {"pmem", VIRTIO_ID_PMEM},
};

/* `blk:2`; false when it is not of this form or the type has no such name. */
static bool parse_promise(const struct word *word, uint32_t *type, unsigned *count)
{
    const char *colon = memchr(word->text, ':', word->length);
    struct word name = {word->text, word->length};

    if (colon == NULL || colon + 1 == word->text + word->length) {
        return false;
    }
    name.length = (size_t)(colon - word->text);
    *count = 0;
    for (const char *digit = colon + 1; digit < word->text + word->length; digit++) {
        if (*digit < '0' || *digit > '9' || *count > 1000) {
            return false;
        }
        *count = *count * 10 + (unsigned)(*digit - '0');
    }
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (word_is(&name, type_names[i].name)) {
            *type = type_names[i].type;
            return true;
        }
    }
    return false;
}

static unsigned count_devices(const struct test_environment *environment, uint32_t type)
{
    unsigned found = 0;

    for (size_t i = 0; i < environment->device_count; i++) {
        found += environment->devices[i].type == type;
    }
    return found;
}

static void run_one(struct tap *tap, const struct test_environment *environment,
                    const struct word *word)
{
    char description[96];
    uint32_t type;
    unsigned promised;
    unsigned found;
    const char *colon;

    if (!parse_promise(word, &type, &promised)) {
        snprintf(description, sizeof(description), "'%.*s' is no promise that is understood",
                 (int)word->length, word->text);
        tap_failed(tap, "expect", description);
        return;
    }
    found = count_devices(environment, type);
    colon = memchr(word->text, ':', word->length);
    snprintf(description, sizeof(description), "%.*s: %u promised, %u found",
             (int)(colon - word->text), word->text, promised, found);
    if (found >= promised) {
        tap_passed(tap, "expect", description);
    } else {
        tap_failed(tap, "expect", description);
    }
}

size_t expect_count(const char *expected)
{
    struct word word;
    size_t count = 0;

    while (word_next(&expected, &word)) {
        count++;
    }
    return count;
}

void expect_run(struct tap *tap, const struct test_environment *environment, const char *expected)
{
    struct word word;

    while (word_next(&expected, &word)) {
        run_one(tap, environment, &word);
    }
}
