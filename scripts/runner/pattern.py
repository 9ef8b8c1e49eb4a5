# SPDX-License-Identifier: MIT
"""The pattern that the guest writes to a scratch disk, made again on the host.

Word w (64 bits, little-endian) of the absolute sector s is splitmix64(seed + s * 64 + w). Owns
nothing but that arithmetic: it is a second implementation, so that the guest's is checked by it.

One big integer holds one word in each 128-bit lane, so that a single Python operation works on
thousands of words: a product of two 64-bit numbers fits its lane and never reaches the next.
"""

import array
import functools

SECTOR = 512
WORDS = SECTOR // 8
MASK = (1 << 64) - 1
BATCH = 1024  # words in a big integer; larger is no faster


def splitmix64(value):
    """One word, for tests and for explaining a difference."""
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


@functools.lru_cache(maxsize=4)
def lanes(count):
    """Three constants of `count` lanes: all ones in value, all 64-bit masks, and 0, 1, 2, ..."""
    ones = int.from_bytes((b"\x01" + b"\0" * 15) * count, "little")
    ramp = int.from_bytes(b"".join(n.to_bytes(16, "little") for n in range(count)), "little")
    return ones, ones * MASK, ramp


def words(start, count):
    """Bytes of splitmix64(start), splitmix64(start + 1), ... in memory order."""
    ones, mask, ramp = lanes(count)
    x = (ramp + ones * ((start + 0x9E3779B97F4A7C15) & MASK)) & mask
    x = (((x ^ (x >> 30)) & mask) * 0xBF58476D1CE4E5B9) & mask
    x = (((x ^ (x >> 27)) & mask) * 0x94D049BB133111EB) & mask
    x = (x ^ (x >> 31)) & mask
    return array.array("Q", x.to_bytes(16 * count, "little"))[::2].tobytes()


def sectors(seed, first, count):
    """The bytes of sectors [first, first + count)."""
    start, left = seed + first * WORDS, count * WORDS
    parts = []
    while left:
        batch = min(left, BATCH)
        parts.append(words(start & MASK, batch))
        start, left = start + batch, left - batch
    return b"".join(parts)
