# SPDX-License-Identifier: MIT
"""Counting register accesses between the markers in QEMU's trace."""

import unittest

from runner import trace


def serial(text):
    return [f"memory_region_ops_write cpu 0 mr 0x55 addr 0x3f8 value {ord(char):#x} size 1"
            " name 'serial'" for char in text]


def access(kind, region, size=2):
    return f"memory_region_ops_{kind} cpu 0 mr 0x56 addr 0x3000 value 0x0 size {size} name '{region}'"


def stretches(*lines):
    reader = trace.Reader()
    for line in lines:
        reader.line(line.encode() + b"\n")
    return reader.stretches


BEGIN = serial("# accesses begin blk requests=2\r\n")
END = serial("# accesses end blk hiccups=0\r\n")
NOTIFY = access("write", "virtio-pci-notify-virtio-blk")


class Trace(unittest.TestCase):
    def test_counts_between_the_markers_only(self):
        found = stretches(NOTIFY, *BEGIN, NOTIFY, access("read", "serial", 1), NOTIFY, *END, NOTIFY)
        self.assertEqual(found[0].total, 2)
        self.assertEqual(trace.check(found, 1)[0], [])

    def test_one_access_too_many_is_a_fault(self):
        found = stretches(*BEGIN, NOTIFY, NOTIFY, access("read", "virtio-pci-isr-virtio-blk", 1),
                          *END)
        self.assertIn("3 register accesses for 2 requests", trace.check(found, 1)[0][0])

    def test_a_hiccup_allows_one_read(self):
        read = access("read", "virtio-pci-common-virtio-blk", 1)
        end = serial("# accesses end blk hiccups=1\r\n")
        self.assertEqual(trace.check(stretches(*BEGIN, NOTIFY, NOTIFY, read, *end), 1)[0], [])
        self.assertTrue(trace.check(stretches(*BEGIN, NOTIFY, NOTIFY, read, read, *end), 1)[0])
        self.assertTrue(trace.check(stretches(*BEGIN, NOTIFY, NOTIFY, NOTIFY, *end), 1)[0])

    def test_one_too_few_is_a_fault(self):
        self.assertTrue(trace.check(stretches(*BEGIN, NOTIFY, *END), 1)[0])

    def test_no_marker_or_no_end_is_a_fault(self):
        self.assertTrue(trace.check([], 1)[0])
        self.assertTrue(trace.check(stretches(*BEGIN, NOTIFY, NOTIFY), 1)[0])
