/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4), for digests that the host makes again with a tool of its own.
 */
#ifndef TESTS_GUEST_SHA256_H
#define TESTS_GUEST_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum {
    SHA256_BLOCK = 64,
    SHA256_BYTES = 32,
    SHA256_TEXT = 65, /* of a digest in hex, with its NUL */
};

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t count);
/* The digest in lower-case hex; ends the computation. */
void sha256_end(struct sha256 *hash, char text[SHA256_TEXT]);

#endif
