# SPDX-License-Identifier: MIT
"""Pictures as rows of RGB bytes: read from PPM, written as PNG, compared pixel by pixel."""

import re
import struct
import zlib


class PictureError(Exception):
    """What was read is no such picture."""


def read_ppm(data):
    """Rows of a binary PPM (P6) of 8 bits a channel."""
    head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    if not head:
        raise PictureError(f"no PPM of 8 bits a channel: {data[:20]!r}")
    width, height = int(head[1]), int(head[2])
    pixels = data[head.end():]
    if len(pixels) != 3 * width * height:
        raise PictureError(f"{len(pixels)} bytes of pixels for {width} x {height}")
    return [pixels[3 * width * y:3 * width * (y + 1)] for y in range(height)]


def png(rows):
    """The same as PNG. Each row is coded as what differs from the one above it, which is little."""
    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    coded = bytearray()
    above = bytes(len(rows[0]))
    for row in rows:
        coded += b"\x02" + bytes((a - b) & 255 for a, b in zip(row, above))
        above = row
    size = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(coded), 9))
            + chunk(b"IEND", b""))


def read_png(data):
    """Rows of a PNG as `png` writes it."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise PictureError("no PNG")
    at, coded, width = 8, b"", 0
    while at < len(data):
        length = struct.unpack(">I", data[at:at + 4])[0]
        name, content = data[at + 4:at + 8], data[at + 8:at + 8 + length]
        if name == b"IHDR":
            width = struct.unpack(">I", content[:4])[0]
        if name == b"IDAT":
            coded += content
        at += 12 + length
    raw, rows, above = zlib.decompress(coded), [], bytes(3 * width)
    for start in range(0, len(raw), 3 * width + 1):
        if raw[start] != 2:
            raise PictureError("a PNG of somebody else")
        above = bytes((a + b) & 255 for a, b in zip(raw[start + 1:start + 1 + 3 * width], above))
        rows.append(above)
    return rows


def difference(seen, due):
    """What is different, in words; empty when nothing is."""
    if (len(seen), len(seen[0])) != (len(due), len(due[0])):
        return (f"it has {len(seen[0]) // 3} x {len(seen)} pixels instead of {len(due[0]) // 3} x {len(due)}")
    places = [(x, y) for y, (a, b) in enumerate(zip(seen, due)) if a != b
              for x in range(len(a) // 3) if a[3 * x:3 * x + 3] != b[3 * x:3 * x + 3]]
    if not places:
        return ""
    x, y = places[0]
    right, bottom = max(place[0] for place in places), max(place[1] for place in places)
    left = min(place[0] for place in places)
    return (f"{len(places)} pixels differ, all between ({left}, {y}) and ({right}, {bottom}); the first is ({x}, {y}):"
            f" {seen[y][3 * x:3 * x + 3].hex()} instead of {due[y][3 * x:3 * x + 3].hex()}")
