/* SPDX-License-Identifier: MIT */
/*
 * The command line's words, one table of them. Pure text work: nothing here looks at the machine.
 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

enum {
    TIMEOUT_DEFAULT_SECONDS = 60,
    TIMEOUT_MAX_SECONDS = 24 * 60 * 60,
};

static bool set_suites(struct options *options, char *value)
{
    options->suites = value;
    return true;
}

static bool set_expect(struct options *options, char *value)
{
    options->expect = value;
    return true;
}

static bool set_force(struct options *options, char *value)
{
    if (strcmp(value, "legacy") == 0) {
        options->force = VIRTIO_FORCE_LEGACY;
    } else if (strcmp(value, "modern") == 0) {
        options->force = VIRTIO_FORCE_MODERN;
    } else {
        return false;
    }
    return true;
}

static bool set_disk(struct options *options, char *value)
{
    options->disk_read_only = strcmp(value, "ro") == 0;
    return options->disk_read_only;
}

static bool set_config(struct options *options, char *value)
{
    if (strcmp(value, "io") == 0) {
        options->config = CONFIG_IO;
    } else if (strcmp(value, "ecam") == 0) {
        options->config = CONFIG_ECAM;
    } else {
        return false;
    }
    return true;
}

static bool set_memory(struct options *options, char *value)
{
    options->memory_high = strcmp(value, "high") == 0;
    return options->memory_high;
}

static bool set_host(struct options *options, char *value)
{
    options->host_helps = strcmp(value, "yes") == 0;
    return options->host_helps;
}

static bool set_console(struct options *options, char *value)
{
    options->console_virtio = strcmp(value, "virtio") == 0;
    return options->console_virtio;
}

static bool set_echo(struct options *options, char *value)
{
    options->echo = strcmp(value, "yes") == 0;
    return options->echo;
}

static bool set_timeout(struct options *options, char *value)
{
    char *end;
    unsigned long seconds = strtoul(value, &end, 10);

    options->timeout_seconds = (uint32_t)seconds;
    return *value >= '0' && *value <= '9' && *end == '\0' && seconds != 0 &&
           seconds <= TIMEOUT_MAX_SECONDS;
}

static bool set_crash(struct options *options, char *value)
{
    static const char *const kinds[] = {"ud", "pf", "stack", "hang"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(value, kinds[i]) == 0) {
            options->crash = value;
            return true;
        }
    }
    return false;
}

/* SIZE@ADDRESS:IRQ with an optional :ID behind it; SIZE may end in K. The interrupt is not used. */
static bool add_mmio(struct options *options, char *value)
{
    struct options_mmio *mmio = &options->mmio[options->mmio_count];
    char *end;
    unsigned long size = strtoul(value, &end, 0);

    if (options->mmio_count == OPTIONS_MMIO_MAX) {
        return false;
    }
    if (*end == 'K' || *end == 'k') {
        size *= 1024;
        end++;
    }
    if (*end != '@' || size == 0 || size > 0x100000) {
        return false;
    }
    mmio->size = (uint32_t)size;
    mmio->address = strtoull(end + 1, &end, 0);
    if (*end != ':' || mmio->address == 0 || mmio->address % 4 != 0) {
        return false;
    }
    options->mmio_count++;
    return true;
}

static const struct {
    const char *name;
    bool (*set)(struct options *options, char *value);
} words[] = {
    {"suites", set_suites}, {"expect", set_expect},   {"force", set_force},
    {"disk", set_disk},     {"config", set_config},   {"memory", set_memory},
    {"crash", set_crash},   {"timeout", set_timeout}, {"virtio_mmio.device", add_mmio},
    {"host", set_host},     {"console", set_console}, {"echo", set_echo},
};

/* False, with the word as it was, when it is not understood. */
static bool parse_word(struct options *options, char *word)
{
    char *equals = strchr(word, '=');

    if (equals == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t length = strlen(words[i].name);

        if ((size_t)(equals - word) == length && memcmp(word, words[i].name, length) == 0) {
            return words[i].set(options, equals + 1);
        }
    }
    return false;
}

void options_add_problem(struct options *options, const char *text)
{
    if (options->problem_count < OPTIONS_PROBLEMS_MAX) {
        options->problems[options->problem_count++] = text;
    }
}

void options_parse(struct options *options, char *line)
{
    memset(options, 0, sizeof(*options));
    options->timeout_seconds = TIMEOUT_DEFAULT_SECONDS;
    for (char *next = line + strspn(line, " "); *next != '\0';) {
        char *word = next;

        next += strcspn(next, " ");
        if (*next != '\0') {
            *next++ = '\0';
            next += strspn(next, " ");
        }
        if (!parse_word(options, word)) {
            options_add_problem(options, word);
        }
    }
}
