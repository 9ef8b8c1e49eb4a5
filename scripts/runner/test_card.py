# SPDX-License-Identifier: MIT
"""What the guest's test card looks like (tests/guest/test_card.c), drawn without a look at how the guest does it.

Owns the picture: colours, places, sizes. Rows are bytes of red, green and blue. The glyphs and the version are read
from where the guest has them.
"""

import functools
import math
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

BACKGROUNDS = (("18222f", "2b3a4f"), ("142a24", "24463c"), ("2a1c30", "47304f"), ("2e2418", "4d3d2a"))
WHITE, BLACK, EDGE, LINE, DIM = "ffffff", "000000", "ff3b30", "d8dee9", "9fb3c8"
TARGETS = ("ff453a", "32d74b", "409cff", "ffd60a")
BARS = ("bfbfbf", "bfbf00", "00bfbf", "00bf00", "bf00bf", "bf0000", "0000bf", "000000")


@functools.lru_cache(maxsize=None)
def glyphs():
    """Character -> rows of five booleans."""
    source = (ROOT / "tests/guest/font.c").read_text(encoding="ascii")
    found = {}
    for name, numbers in re.findall(r"\['(\\?.)'\] = \{(.*?)\}", source):
        rows = [int(number, 16) for number in numbers.split(",")]
        found[name[-1]] = [[bool(row & 16 >> column) for column in range(5)] for row in rows]
    return found


@functools.lru_cache(maxsize=None)
def version():
    source = (ROOT / "include/virtio/version.h").read_text(encoding="ascii")
    return re.search(r'VERSION_STRING "(.*?)"', source)[1]


class Canvas:
    """Rows of RGB bytes. Nothing is drawn beyond the edges."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.rows = [bytearray(3 * width) for _ in range(height)]

    def fill(self, x, y, width, height, colour):
        stripe = bytes.fromhex(colour) * max(0, min(width, self.width - x))
        for row in self.rows[y:y + height]:
            row[3 * x:3 * x + len(stripe)] = stripe

    def text(self, middle, y, scale, colour, words):
        """Centred on a column."""
        x = middle - (6 * len(words) - 1) * scale // 2
        for character in words:
            for row, bits in enumerate(glyphs()[character]):
                for column, is_set in enumerate(bits):
                    if is_set:
                        self.fill(x + column * scale, y + row * scale, scale, scale, colour)
            x += 6 * scale

    def disc_parts(self, radius, row):
        """For a row of pixels, counted from the centre: how much of each pixel, from the centre outwards, is within
        the radius, in sixteenths. A pixel has sixteen points, at odd eighths of it each way."""
        ends = []
        for point in (1, 3, 5, 7):
            left = (8 * radius) ** 2 - (8 * row + point) ** 2
            # Points at odd distances d with d * d < left.
            ends.append((math.isqrt(left - 1) + 1) // 2 if left > 0 else 0)
        whole, some = min(ends) // 4, min(radius, max(ends) // 4 + 1)
        return ([16] * whole + [sum(min(4, max(0, end - 4 * pixel)) for end in ends)
                                for pixel in range(whole, some)] + [0] * (radius - some))

    def ring(self, x, y, outer, inner, colour):
        above = bytes.fromhex(colour)
        for row in range(outer):
            parts = self.disc_parts(outer, row)
            if inner:
                for pixel, part in enumerate(self.disc_parts(inner, row)):
                    parts[pixel] -= part
            for pixel, part in enumerate(parts):
                if part:
                    for place_y in (y + row, y - 1 - row):
                        for place_x in (x + pixel, x - 1 - pixel):
                            self.blend(place_x, place_y, above, part)

    def blend(self, x, y, above, part):
        row = self.rows[y]
        for channel in range(3):
            below = row[3 * x + channel]
            row[3 * x + channel] = (below * (16 - part) + above[channel] * part + 8) // 16


def background(card, which):
    base, grid = BACKGROUNDS[which % 4]
    step = card.height // 20
    card.fill(0, 0, card.width, card.height, base)
    for x in range(card.width // 2 % step, card.width, step):
        card.fill(x, 0, 1, card.height, grid)
    for y in range(card.height // 2 % step, card.height, step):
        card.fill(0, y, card.width, 1, grid)


def edges(card, thick):
    width, height, block = card.width, card.height, 2 * thick
    for n, y in enumerate(range(0, height, block)):
        card.fill(0, y, thick, block, (WHITE, BLACK)[n % 2])
        card.fill(width - thick, y, thick, block, (BLACK, WHITE)[n % 2])
    for n, x in enumerate(range(0, width, block)):
        card.fill(x, 0, block, thick, (WHITE, BLACK)[n % 2])
        card.fill(x, height - thick, block, thick, (BLACK, WHITE)[n % 2])
    for y in (0, height - 1):
        card.fill(0, y, width, 1, EDGE)
    for x in (0, width - 1):
        card.fill(x, 0, 1, height, EDGE)


def circles(card, thick):
    width, height = card.width, card.height
    line, radius = max(height // 200, 2), height // 10
    large = height // 2 - thick - height // 40
    near = thick + height // 40 + radius
    card.ring(width // 2, height // 2, large, large - line, LINE)
    places = [(x, y) for y in (near, height - near) for x in (near, width - near)]
    for (x, y), colour in zip(places, TARGETS):
        card.fill(x - radius, y, 2 * radius, 1, LINE)
        card.fill(x, y - radius, 1, 2 * radius, LINE)
        card.ring(x, y, radius, radius - line, colour)
        card.ring(x, y, radius // 2, radius // 2 - line, LINE)
        card.ring(x, y, radius // 8, 0, colour)


def middle(card):
    width = card.width * 5 // 8 // 16 * 16
    left = (card.width - width) // 2
    lines = [card.height * n // 100 for n in range(101)]

    def band(top, bottom, pixels):
        """One row of pixels, over and over."""
        for y in range(lines[top], lines[bottom]):
            card.rows[y][3 * left:3 * (left + width)] = pixels

    card.fill(left - 2, lines[27] - 2, width + 4, lines[71] - lines[27] + 4, LINE)
    band(27, 47, b"".join(bytes.fromhex(colour) * (width // 8) for colour in BARS))
    band(47, 54, b"".join(bytes([17 * n] * 3) * (width // 16) for n in range(16)))
    levels = [n * 255 // (width - 1) for n in range(width)]
    for top, bottom, mask in ((54, 58, (1, 1, 1)), (58, 60, (1, 0, 0)), (60, 62, (0, 1, 0)), (62, 64, (0, 0, 1))):
        band(top, bottom, bytes(level * part for level in levels for part in mask))
    field = width // 8
    for y in range(lines[64], lines[71]):
        row = bytearray()
        for n in range(8):
            size = n % 4 + 1
            shift = (y - lines[64]) // size if n >= 4 else 0
            row += b"".join((b"\xff\xff\xff", b"\0\0\0")[(x // size + shift) % 2] for x in range(field))
        card.rows[y][3 * left:3 * left + len(row)] = row


def words(card, gpu, scanout):
    def scale(n):
        return max(card.height * n // 800, 1)

    def line(n):
        return card.height * n // 100

    centre, side = card.width // 2, card.width * 3 // 32
    card.text(centre, line(12), scale(7), WHITE, "libvirtio")
    card.text(centre, line(21), scale(3), DIM, f"{version()} - virtio-gpu, 2D")
    card.text(centre, line(74), scale(3), WHITE, f"{card.width} x {card.height}, B8G8R8X8")
    card.text(centre, line(80), scale(2), DIM, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    card.text(centre, line(84), scale(2), DIM, "abcdefghijklmnopqrstuvwxyz")
    card.text(centre, line(88), scale(2), DIM, "0123456789 .,:;!?+-*/=<>()")
    for x, name, number in ((side, "scanout", scanout), (card.width - side, "gpu", gpu)):
        card.text(x, line(40), scale(2), DIM, name)
        card.text(x, line(44), scale(14), WHITE, str(number))


@functools.lru_cache(maxsize=8)
def draw(width, height, gpu, scanout):
    """The rows of a card."""
    card = Canvas(width, height)
    thick = max(height // 50, 4)
    background(card, gpu * 2 + scanout)
    circles(card, thick)
    edges(card, thick)
    middle(card)
    words(card, gpu, scanout)
    return tuple(bytes(row) for row in card.rows)
