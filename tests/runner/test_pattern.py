# SPDX-License-Identifier: MIT
"""The scratch pattern, against the definition of splitmix64 word by word."""

import struct
import unittest

from runner import images, pattern


class Pattern(unittest.TestCase):
    def test_first_words_of_the_published_generator(self):
        # The sequence of seed 0 is splitmix64 of 0 and of multiples of the golden gamma.
        self.assertEqual(pattern.splitmix64(0), 0xE220A8397B1DCDAF)
        self.assertEqual(pattern.splitmix64(0x9E3779B97F4A7C15), 0x6E789E6AA1B965F4)

    def test_lanes_are_the_definition(self):
        for seed, first, count in ((0, 0, 1), (0xFFFFFFFFFFFFFFC0, 1, 40), (12345, 2048, 17)):
            words = [pattern.splitmix64(seed + sector * 64 + word)
                     for sector in range(first, first + count) for word in range(64)]
            self.assertEqual(pattern.sectors(seed, first, count),
                             struct.pack(f"<{len(words)}Q", *words))


class Scratch(unittest.TestCase):
    def setUp(self):
        self.image = bytearray(64 * 512)
        self.image[8 * 512:12 * 512] = pattern.sectors(7, 8, 4)

    def test_good(self):
        self.assertEqual(images.compare_scratch(self.image, [(7, 8, 4)]), (None, 4))

    def test_later_runs_paint_over_earlier_ones(self):
        self.image[10 * 512:14 * 512] = pattern.sectors(9, 10, 4)
        self.assertEqual(images.compare_scratch(self.image, [(7, 8, 4), (9, 10, 4)]), (None, 6))
        self.assertTrue(images.compare_scratch(self.image, [(9, 10, 4), (7, 8, 4)])[0])

    def test_one_wrong_bit_in_the_pattern(self):
        self.image[9 * 512 + 5] ^= 1
        self.assertIn("first is 9, which is not the pattern",
                      images.compare_scratch(self.image, [(7, 8, 4)])[0])

    def test_one_byte_beside_the_pattern(self):
        self.image[12 * 512] = 1
        self.assertIn("first is 12, which is not untouched",
                      images.compare_scratch(self.image, [(7, 8, 4)])[0])

    def test_the_hosts_mark(self):
        mark = images.SCRATCH_MARK
        self.assertTrue(images.compare_scratch(self.image, [(7, 8, 4)], mark)[0])
        self.image[56 * 512:56 * 512 + len(mark)] = mark
        self.assertEqual(images.compare_scratch(self.image, [(7, 8, 4)], mark), (None, 4))

    def test_run_beyond_the_disk(self):
        self.assertTrue(images.compare_scratch(self.image, [(7, 62, 4)])[0])

    def test_unwritten(self):
        self.assertTrue(images.compare_scratch(bytes(64 * 512), [(7, 8, 4)])[0])
