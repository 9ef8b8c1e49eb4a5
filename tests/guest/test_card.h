/* SPDX-License-Identifier: MIT */
/*
 * A test card: edges, circles, colours, greys, fine lines and text, of any size from 320 x 240 on, different for each
 * scanout of each GPU. The host knows what it looks like to the last pixel (scripts/runner/test_card.py, which
 * draws it in its own way).
 */
#ifndef TESTS_GUEST_TEST_CARD_H
#define TESTS_GUEST_TEST_CARD_H

#include <stdint.h>

/* Pixels, 0x00RRGGBB, line by line without gaps. */
struct test_card {
    uint32_t *pixels;
    uint32_t width;
    uint32_t height;
};

void test_card_draw(const struct test_card *card, unsigned gpu, unsigned scanout);

#endif
