/* SPDX-License-Identifier: MIT */
/*
 * A fake entropy source (spec 5.4): a behaviour for a fake device. Gives the bytes of a known sequence
 * and answers as shortly, or as falsely, as a test wants.
 */
#ifndef FAKE_RNG_H
#define FAKE_RNG_H

#include "fake_device.h"

#define FAKE_RNG_FULL UINT32_MAX

struct fake_rng {
    struct fake_device *device;
    /** How many bytes the next requests get, one entry each; FAKE_RNG_FULL for all asked for. More than
     * was asked for is a lie: the used length says so, the bytes are not written. */
    uint32_t answers[16];
    unsigned answer_count; /* entries; after the last one the device answers in full */
    bool silent;           /* no request is completed */

    uint64_t requests;
    uint64_t given; /* bytes */
};

void fake_rng_begin(struct fake_rng *rng, struct fake_device *device);

/** Byte n of the sequence. */
uint8_t fake_rng_byte(uint64_t n);

#endif
