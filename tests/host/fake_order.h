/* SPDX-License-Identifier: MIT */
/*
 * Numbers in what the fake devices share with the driver: little-endian, or in the CPU's own byte order where
 * a legacy device has that (spec 2.5.4, 2.7.3, and the notes of each device type). The fakes take bytes apart
 * themselves: nothing here comes from the library.
 */
#ifndef FAKE_ORDER_H
#define FAKE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#define FAKE_CPU_IS_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/** The number of `width` bytes, at most 8, that is there. */
static inline uint64_t fake_number(const uint8_t *bytes, unsigned width, bool is_big)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++)
        value = value << 8 | bytes[is_big ? i : width - 1 - i];
    return value;
}

static inline void fake_put_number(uint8_t *bytes, unsigned width, bool is_big, uint64_t value)
{
    for (unsigned i = 0; i < width; i++)
        bytes[is_big ? width - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

#endif
