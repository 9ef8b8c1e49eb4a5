/* SPDX-License-Identifier: MIT */
/*
 * Lines of text without printf: pieces are appended to a line of bounded length, which goes to the
 * host's log hook. For slow paths only; without a log hook nothing is formatted.
 */
#ifndef VIRTIO_CORE_LOG_H
#define VIRTIO_CORE_LOG_H

#include <stdint.h>
#include <virtio/host.h>

struct virtio_line {
    const struct virtio_host *host;
    unsigned length;
    char text[160];
};

void virtio_line_begin(struct virtio_line *line, const struct virtio_host *host);
void virtio_line_text(struct virtio_line *line, const char *text);
void virtio_line_hex(struct virtio_line *line, uint64_t value);
void virtio_line_number(struct virtio_line *line, uint32_t value);
/** Hand the line to the log hook and begin a new one. */
void virtio_line_end(struct virtio_line *line, enum virtio_log_level level);

/** Log one constant text. */
void virtio_log(const struct virtio_host *host, enum virtio_log_level level, const char *text);

#endif
