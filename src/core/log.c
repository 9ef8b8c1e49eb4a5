/* SPDX-License-Identifier: MIT */
/*
 * Lines of text for the host's log hook. Bounded, without printf, without state of its own.
 */
#include "log.h"

void virtio_line_begin(struct virtio_line *line, const struct virtio_host *host)
{
    line->host = host;
    line->length = 0;
}

void virtio_line_text(struct virtio_line *line, const char *text)
{
    while (*text != '\0' && line->length < sizeof(line->text) - 1)
        line->text[line->length++] = *text++;
}

static void number(struct virtio_line *line, uint64_t value, unsigned base)
{
    char digits[21];
    unsigned at = sizeof(digits) - 1;

    digits[at] = '\0';
    do {
        /* 64-bit division would need a helper from the compiler's runtime on 32-bit CPUs, so decimal
         * numbers are cut to 32 bits: all that is printed in decimal fits. */
        unsigned digit = base == 16 ? (unsigned)(value & 15) : (uint32_t)value % 10;

        digits[--at] = "0123456789abcdef"[digit];
        value = base == 16 ? value >> 4 : (uint32_t)value / 10;
    } while (value != 0);
    virtio_line_text(line, &digits[at]);
}

void virtio_line_hex(struct virtio_line *line, uint64_t value)
{
    virtio_line_text(line, "0x");
    number(line, value, 16);
}

void virtio_line_number(struct virtio_line *line, uint32_t value)
{
    number(line, value, 10);
}

void virtio_line_end(struct virtio_line *line, enum virtio_log_level level)
{
    line->text[line->length] = '\0';
    virtio_log(line->host, level, line->text);
    line->length = 0;
}

void virtio_log(const struct virtio_host *host, enum virtio_log_level level, const char *text)
{
    if (host->log != NULL)
        host->log(host->ctx, level, text);
}
