/* SPDX-License-Identifier: MIT */
/*
 * Draws the test card. Integers alone; lengths follow from the height, so that the card looks the same in all sizes.
 */
#include "test_card.h"

#include "font.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <virtio/version.h>

enum {
    WHITE = 0xffffff,
    BLACK = 0x000000,
    EDGE = 0xff3b30,
    LINE = 0xd8dee9,
    TEXT = 0xffffff,
    TEXT_DIM = 0x9fb3c8,
    BARS = 8,
    GREYS = 16,
    TITLE_MAX = 64,
};

static uint32_t at_least(uint32_t value, uint32_t least)
{
    return value > least ? value : least;
}

static void fill(const struct test_card *card, uint32_t x, uint32_t y, uint32_t width,
                 uint32_t height, uint32_t colour)
{
    for (uint32_t row = y; row < y + height && row < card->height; row++) {
        for (uint32_t column = x; column < x + width && column < card->width; column++) {
            card->pixels[(size_t)row * card->width + column] = colour;
        }
    }
}

static void text(const struct test_card *card, uint32_t x, uint32_t y, uint32_t scale,
                 uint32_t colour, const char *characters)
{
    for (; *characters != '\0'; characters++, x += FONT_ADVANCE * scale) {
        const uint8_t *glyph = font_glyph(*characters);

        for (uint32_t row = 0; row < FONT_HEIGHT; row++) {
            for (uint32_t column = 0; column < FONT_WIDTH; column++) {
                if ((glyph[row] >> (FONT_WIDTH - 1 - column) & 1) != 0) {
                    fill(card, x + column * scale, y + row * scale, scale, scale, colour);
                }
            }
        }
    }
}

static void text_centred(const struct test_card *card, uint32_t x, uint32_t y, uint32_t scale,
                         uint32_t colour, const char *characters)
{
    uint32_t width = ((uint32_t)strlen(characters) * FONT_ADVANCE - 1) * scale;

    text(card, x - width / 2, y, scale, colour, characters);
}

/* One colour over another, `part` sixteenths of it. */
static uint32_t blend(uint32_t below, uint32_t above, uint32_t part)
{
    uint32_t blended = 0;

    for (unsigned shift = 0; shift < 24; shift += 8) {
        uint32_t sum = (below >> shift & 0xff) * (16 - part) + (above >> shift & 0xff) * part;

        blended |= (sum + 8) / 16 << shift;
    }
    return blended;
}

/* How many of the sixteen points of a pixel are within the ring; lengths are in eighths of a pixel from its
 * centre. */
static uint32_t coverage(int32_t x, int32_t y, uint32_t outer, uint32_t inner)
{
    uint32_t count = 0;

    for (int32_t row = 1; row < 8; row += 2) {
        for (int32_t column = 1; column < 8; column += 2) {
            uint32_t square = (uint32_t)((x + column) * (x + column) + (y + row) * (y + row));

            count += square < outer * outer && square >= inner * inner;
        }
    }
    return count;
}

/* Whether a pixel can have points within the ring, by its middle: most have none. */
static bool is_near(int32_t x, int32_t y, uint32_t outer, uint32_t inner)
{
    uint32_t square = (uint32_t)((x + 4) * (x + 4) + (y + 4) * (y + 4));

    return square < (outer + 8) * (outer + 8) && (inner < 8 || square >= (inner - 8) * (inner - 8));
}

/* A ring around the corner between four pixels; without a hole if `inner` is 0. */
static void ring(const struct test_card *card, uint32_t x, uint32_t y, uint32_t outer,
                 uint32_t inner, uint32_t colour)
{
    for (uint32_t row = y - outer; row < y + outer; row++) {
        for (uint32_t column = x - outer; column < x + outer; column++) {
            uint32_t *pixel = &card->pixels[(size_t)row * card->width + column];
            int32_t from_x = ((int32_t)column - (int32_t)x) * 8;
            int32_t from_y = ((int32_t)row - (int32_t)y) * 8;

            if (is_near(from_x, from_y, outer * 8, inner * 8)) {
                *pixel = blend(*pixel, colour, coverage(from_x, from_y, outer * 8, inner * 8));
            }
        }
    }
}

/* ---- Parts of the card ---- */

static void background(const struct test_card *card, unsigned which)
{
    static const uint32_t colours[4][2] = {
        {0x18222f, 0x2b3a4f}, {0x142a24, 0x24463c}, {0x2a1c30, 0x47304f}, {0x2e2418, 0x4d3d2a}};
    uint32_t step = card->height / 20;

    fill(card, 0, 0, card->width, card->height, colours[which % 4][0]);
    for (uint32_t x = card->width / 2 % step; x < card->width; x += step) {
        fill(card, x, 0, 1, card->height, colours[which % 4][1]);
    }
    for (uint32_t y = card->height / 2 % step; y < card->height; y += step) {
        fill(card, 0, y, card->width, 1, colours[which % 4][1]);
    }
}

/* Blocks along the edges, and the outermost pixels. */
static void edges(const struct test_card *card, uint32_t thick)
{
    uint32_t n = 0;

    for (uint32_t y = 0; y < card->height; y += 2 * thick, n++) {
        fill(card, 0, y, thick, 2 * thick, n % 2 == 0 ? WHITE : BLACK);
        fill(card, card->width - thick, y, thick, 2 * thick, n % 2 == 0 ? BLACK : WHITE);
    }
    n = 0;
    for (uint32_t x = 0; x < card->width; x += 2 * thick, n++) {
        fill(card, x, 0, 2 * thick, thick, n % 2 == 0 ? WHITE : BLACK);
        fill(card, x, card->height - thick, 2 * thick, thick, n % 2 == 0 ? BLACK : WHITE);
    }
    fill(card, 0, 0, card->width, 1, EDGE);
    fill(card, 0, card->height - 1, card->width, 1, EDGE);
    fill(card, 0, 0, 1, card->height, EDGE);
    fill(card, card->width - 1, 0, 1, card->height, EDGE);
}

static void target(const struct test_card *card, uint32_t x, uint32_t y, uint32_t radius,
                   uint32_t thick, uint32_t colour)
{
    fill(card, x - radius, y, 2 * radius, 1, LINE);
    fill(card, x, y - radius, 1, 2 * radius, LINE);
    ring(card, x, y, radius, radius - thick, colour);
    ring(card, x, y, radius / 2, radius / 2 - thick, LINE);
    ring(card, x, y, radius / 8, 0, colour);
}

static void circles(const struct test_card *card, uint32_t thick)
{
    uint32_t line = at_least(card->height / 200, 2);
    uint32_t radius = card->height / 10;
    uint32_t near = thick + card->height / 40 + radius;
    uint32_t large = card->height / 2 - thick - card->height / 40;

    ring(card, card->width / 2, card->height / 2, large, large - line, LINE);
    target(card, near, near, radius, line, 0xff453a);
    target(card, card->width - near, near, radius, line, 0x32d74b);
    target(card, near, card->height - near, radius, line, 0x409cff);
    target(card, card->width - near, card->height - near, radius, line, 0xffd60a);
}

/* The panel in the middle: lines of it from `top` to `bottom`, in hundredths of the height. */
struct panel {
    const struct test_card *card;
    uint32_t x;
    uint32_t width;
};

static uint32_t line_at(const struct test_card *card, uint32_t hundredths)
{
    return card->height * hundredths / 100;
}

static void bars(const struct panel *panel, uint32_t top, uint32_t bottom)
{
    static const uint32_t colours[BARS] = {0xbfbfbf, 0xbfbf00, 0x00bfbf, 0x00bf00,
                                           0xbf00bf, 0xbf0000, 0x0000bf, 0x000000};
    uint32_t width = panel->width / BARS;

    for (uint32_t n = 0; n < BARS; n++) {
        fill(panel->card, panel->x + n * width, top, width, bottom - top, colours[n]);
    }
}

static void greys(const struct panel *panel, uint32_t top, uint32_t bottom)
{
    uint32_t width = panel->width / GREYS;

    for (uint32_t n = 0; n < GREYS; n++) {
        fill(panel->card, panel->x + n * width, top, width, bottom - top, n * 0x111111);
    }
}

/* From black to a colour, of which each part is 0 or 255. */
static void ramp(const struct panel *panel, uint32_t top, uint32_t bottom, uint32_t colour)
{
    for (uint32_t n = 0; n < panel->width; n++) {
        uint32_t level = n * 255 / (panel->width - 1);

        fill(panel->card, panel->x + n, top, 1, bottom - top, level * 0x010101 & colour);
    }
}

/* Four fields of lines and four of squares, each of 1 to 4 pixels. */
static void fine_lines(const struct panel *panel, uint32_t top, uint32_t bottom)
{
    uint32_t width = panel->width / BARS;

    for (uint32_t y = top; y < bottom; y++) {
        for (uint32_t x = 0; x < width * BARS; x++) {
            uint32_t field = x / width;
            uint32_t size = field % 4 + 1;
            uint32_t n = x % width / size + (field < 4 ? 0 : (y - top) / size);

            fill(panel->card, panel->x + x, y, 1, 1, n % 2 == 0 ? WHITE : BLACK);
        }
    }
}

static void middle(const struct test_card *card)
{
    struct panel panel = {card, 0, card->width * 5 / 8 / 16 * 16};
    uint32_t top = line_at(card, 27);
    uint32_t bottom = line_at(card, 71);

    panel.x = (card->width - panel.width) / 2;
    fill(card, panel.x - 2, top - 2, panel.width + 4, bottom - top + 4, LINE);
    bars(&panel, top, line_at(card, 47));
    greys(&panel, line_at(card, 47), line_at(card, 54));
    ramp(&panel, line_at(card, 54), line_at(card, 58), 0xffffff);
    ramp(&panel, line_at(card, 58), line_at(card, 60), 0xff0000);
    ramp(&panel, line_at(card, 60), line_at(card, 62), 0x00ff00);
    ramp(&panel, line_at(card, 62), line_at(card, 64), 0x0000ff);
    fine_lines(&panel, line_at(card, 64), bottom);
}

static void big_number(const struct test_card *card, uint32_t x, const char *name, unsigned number)
{
    char digits[12];

    snprintf(digits, sizeof(digits), "%u", number);
    text_centred(card, x, line_at(card, 40), at_least(card->height * 2 / 800, 1), TEXT_DIM, name);
    text_centred(card, x, line_at(card, 44), at_least(card->height * 14 / 800, 1), TEXT, digits);
}

static void words(const struct test_card *card, unsigned gpu, unsigned scanout)
{
    uint32_t middle_x = card->width / 2;
    uint32_t small = at_least(card->height * 2 / 800, 1);
    uint32_t medium = at_least(card->height * 3 / 800, 1);
    uint32_t side = card->width * 3 / 32;
    char line[TITLE_MAX];

    text_centred(card, middle_x, line_at(card, 12), at_least(card->height * 7 / 800, 1), TEXT,
                 "libvirtio");
    text_centred(card, middle_x, line_at(card, 21), medium, TEXT_DIM,
                 LIBVIRTIO_VERSION_STRING " - virtio-gpu, 2D");
    snprintf(line, sizeof(line), "%lu x %lu, B8G8R8X8", (unsigned long)card->width,
             (unsigned long)card->height);
    text_centred(card, middle_x, line_at(card, 74), medium, TEXT, line);
    text_centred(card, middle_x, line_at(card, 80), small, TEXT_DIM, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    text_centred(card, middle_x, line_at(card, 84), small, TEXT_DIM, "abcdefghijklmnopqrstuvwxyz");
    text_centred(card, middle_x, line_at(card, 88), small, TEXT_DIM, "0123456789 .,:;!?+-*/=<>()");
    big_number(card, side, "scanout", scanout);
    big_number(card, card->width - side, "gpu", gpu);
}

void test_card_draw(const struct test_card *card, unsigned gpu, unsigned scanout)
{
    uint32_t thick = at_least(card->height / 50, 4);

    background(card, gpu * 2 + scanout);
    circles(card, thick);
    edges(card, thick);
    middle(card);
    words(card, gpu, scanout);
}
