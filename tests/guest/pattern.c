/* SPDX-License-Identifier: MIT */
/*
 * The pattern: see pattern.h.
 */
#include "pattern.h"

enum {
    SECTOR = 512,
    WORDS = SECTOR / 8,
};

uint64_t splitmix64(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void pattern_fill(uint8_t *bytes, uint64_t seed, uint64_t sector, size_t sectors)
{
    uint64_t first = seed + sector * WORDS;

    for (size_t word = 0; word < sectors * WORDS; word++) {
        uint64_t value = splitmix64(first + word);

        for (unsigned i = 0; i < 8; i++) {
            *bytes++ = (uint8_t)(value >> (8 * i));
        }
    }
}

bool pattern_matches(const uint8_t *bytes, uint64_t seed, uint64_t sector, size_t sectors)
{
    uint64_t first = seed + sector * WORDS;

    for (size_t word = 0; word < sectors * WORDS; word++) {
        uint64_t value = splitmix64(first + word);

        for (unsigned i = 0; i < 8; i++) {
            if (*bytes++ != (uint8_t)(value >> (8 * i))) {
                return false;
            }
        }
    }
    return true;
}
