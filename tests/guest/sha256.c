/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 as FIPS 180-4 describes it, section 6.2. The names of variables are the standard's.
 */
#include "sha256.h"

#include <string.h>

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right(uint32_t x, unsigned bits)
{
    return x >> bits | x << (32 - bits);
}

static uint32_t load_big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void expand(uint32_t w[64], const uint8_t *block)
{
    for (unsigned t = 0; t < 16; t++) {
        w[t] = load_big_endian(block + 4 * t);
    }
    for (unsigned t = 16; t < 64; t++) {
        uint32_t a = w[t - 15];
        uint32_t b = w[t - 2];
        uint32_t sigma0 = rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3;
        uint32_t sigma1 = rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10;

        w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
    }
}

static void compress(uint32_t h[8], const uint8_t *block)
{
    uint32_t w[64];
    uint32_t s[8]; /* a to h */

    expand(w, block);
    memcpy(s, h, sizeof(s));
    for (unsigned t = 0; t < 64; t++) {
        uint32_t sum1 = rotate_right(s[4], 6) ^ rotate_right(s[4], 11) ^ rotate_right(s[4], 25);
        uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint32_t t1 = s[7] + sum1 + choice + k[t] + w[t];
        uint32_t sum0 = rotate_right(s[0], 2) ^ rotate_right(s[0], 13) ^ rotate_right(s[0], 22);
        uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);

        memmove(&s[1], &s[0], 7 * sizeof(s[0]));
        s[4] += t1;
        s[0] = t1 + sum0 + majority;
    }
    for (unsigned i = 0; i < 8; i++) {
        h[i] += s[i];
    }
}

void sha256_begin(struct sha256 *hash)
{
    static const uint32_t first[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };

    memcpy(hash->state, first, sizeof(first));
    hash->length = 0;
}

void sha256_add(struct sha256 *hash, const void *bytes, size_t count)
{
    const uint8_t *from = bytes;

    while (count != 0) {
        size_t used = (size_t)(hash->length % SHA256_BLOCK);
        size_t part = SHA256_BLOCK - used;

        if (used == 0 && count >= SHA256_BLOCK) {
            compress(hash->state, from);
            part = SHA256_BLOCK;
        } else {
            part = part < count ? part : count;
            memcpy(hash->block + used, from, part);
            if (used + part == SHA256_BLOCK) {
                compress(hash->state, hash->block);
            }
        }
        hash->length += part;
        from += part;
        count -= part;
    }
}

void sha256_end(struct sha256 *hash, char text[SHA256_TEXT])
{
    static const uint8_t padding[SHA256_BLOCK] = {0x80};
    static const char digits[] = "0123456789abcdef";
    uint64_t bits = hash->length * 8;
    size_t used = (size_t)(hash->length % SHA256_BLOCK);
    uint8_t length[8];

    for (unsigned i = 0; i < 8; i++) {
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    sha256_add(hash, padding, (used < 56 ? 56 : 120) - used);
    sha256_add(hash, length, sizeof(length));
    for (unsigned i = 0; i < 2 * SHA256_BYTES; i++) {
        text[i] = digits[hash->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    }
    text[2 * SHA256_BYTES] = '\0';
}
