/* SPDX-License-Identifier: MIT */
/*
 * A font for pictures: 5 pixels wide, 7 high and one below the line, printable ASCII but for \ ` { }. Drawn for this
 * project.
 */
#ifndef TESTS_GUEST_FONT_H
#define TESTS_GUEST_FONT_H

#include <stdint.h>

enum {
    FONT_WIDTH = 5,
    FONT_HEIGHT = 8,
    FONT_ADVANCE = 6, /* from one character to the next */
};

/* FONT_HEIGHT bytes, a line each from the top; bit 4 is the leftmost pixel. */
const uint8_t *font_glyph(char character);

#endif
