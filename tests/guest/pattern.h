/* SPDX-License-Identifier: MIT */
/*
 * The pattern that tests write to scratch disks: every 64-bit word of every sector is different, and the
 * host can make it again from a seed. Word w of sector s is splitmix64(seed + s * 64 + w), little-endian.
 */
#ifndef TESTS_GUEST_PATTERN_H
#define TESTS_GUEST_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t splitmix64(uint64_t x);

void pattern_fill(uint8_t *bytes, uint64_t seed, uint64_t sector, size_t sectors);

/* Whether the bytes are the pattern of these sectors, all of it. */
bool pattern_matches(const uint8_t *bytes, uint64_t seed, uint64_t sector, size_t sectors);

#endif
