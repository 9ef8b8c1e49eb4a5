/* SPDX-License-Identifier: MIT */
/*
 * A fake memory balloon (spec 5.5): page numbers, statistics, hints, reports.
 *
 * Checked: pages come as whole numbers and not too many at once; nothing is taken back while pages that are given
 * are not acknowledged; of configuration space `actual` is written, whole, and poison_val, before DRIVER_OK
 * and where its feature was taken; a hint's command has four bytes; there is one buffer for statistics, of a
 * multiple of six bytes or as large as it was.
 */
#ifndef FAKE_BALLOON_H
#define FAKE_BALLOON_H

#include "fake_device.h"

struct fake_balloon {
    struct fake_device *device;
    bool silent;       /* requests stay in flight */
    unsigned lie;      /* used length of what is only read */
    unsigned compact;  /* the reporting queue's number */
    size_t inflated;   /* pages */
    size_t deflated;   /* pages */
    uint32_t latest;   /* page number */
    unsigned requests; /* to inflate or deflate */
    uint32_t statistics_size;
    uint8_t statistics[128];
    unsigned reported_ranges;
    uint64_t reported_bytes;
    unsigned commands;
    uint32_t command; /* the latest one */
    unsigned hints;
};

/** Make a device a balloon that offers `features`: five queues of 16. */
void fake_balloon_begin(struct fake_balloon *balloon, struct fake_device *device,
                        uint64_t features);

/** Want so many pages. */
void fake_balloon_set_target(struct fake_balloon *balloon, uint32_t target);

/** A field of configuration space: a little-endian number. */
uint32_t fake_balloon_config(const struct fake_balloon *balloon, uint32_t offset);

#endif
