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

static uint32_t sigma0(uint32_t x)
{
    return rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
}

static uint32_t sigma1(uint32_t x)
{
    return rotate_right(x, 17) ^ rotate_right(x, 19) ^ x >> 10;
}

/* One round. The standard moves a to h on by one; here each round is told which is which. */
static inline void step(uint32_t s[8], unsigned t, uint32_t k_and_w)
{
    uint32_t a = s[(0 - t) & 7];
    uint32_t b = s[(1 - t) & 7];
    uint32_t c = s[(2 - t) & 7];
    uint32_t e = s[(4 - t) & 7];
    uint32_t f = s[(5 - t) & 7];
    uint32_t g = s[(6 - t) & 7];
    uint32_t t1 = s[(7 - t) & 7] + k_and_w + (g ^ (e & (f ^ g))) +
                  (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25));
    uint32_t t2 = ((a & b) | (c & (a | b))) +
                  (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22));

    s[(3 - t) & 7] += t1;
    s[(7 - t) & 7] = t1 + t2;
}

/* Sixteen rounds with the words in w, which are the message's at first; then the next sixteen words. */
static void sixteen_steps(uint32_t s[8], uint32_t w[16], const uint32_t *constants)
{
    for (unsigned t = 0; t < 16; t += 8) {
        step(s, 0, constants[t] + w[t]);
        step(s, 1, constants[t + 1] + w[t + 1]);
        step(s, 2, constants[t + 2] + w[t + 2]);
        step(s, 3, constants[t + 3] + w[t + 3]);
        step(s, 4, constants[t + 4] + w[t + 4]);
        step(s, 5, constants[t + 5] + w[t + 5]);
        step(s, 6, constants[t + 6] + w[t + 6]);
        step(s, 7, constants[t + 7] + w[t + 7]);
    }
    for (unsigned t = 0; t < 16; t++) {
        w[t] += sigma0(w[(t + 1) & 15]) + w[(t + 9) & 15] + sigma1(w[(t + 14) & 15]);
    }
}

static void compress(uint32_t h[8], const uint8_t *block)
{
    uint32_t w[16];
    uint32_t s[8]; /* a to h */

    for (unsigned t = 0; t < 16; t++) {
        w[t] = load_big_endian(block + 4 * t);
    }
    memcpy(s, h, sizeof(s));
    for (unsigned t = 0; t < 64; t += 16) {
        sixteen_steps(s, w, k + t);
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
