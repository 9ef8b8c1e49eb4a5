# SPDX-License-Identifier: MIT
"""QEMU's words that accuse the driver."""

import unittest

from runner import complaints

ACCUSING = (
    "qemu-system-i386: Guest moved used index from 3 to 7",
    "qemu-system-i386: Guest says index 65535 is available",
    "qemu-system-i386: Desc next is 300",
    "qemu-system-i386: Looped descriptor",
    "qemu-system-i386: Virtqueue size exceeded",
    "qemu-system-i386: Incorrect order for descriptors",
    "qemu-system-i386: Invalid size for indirect buffer table",
    "qemu-system-i386: virtio: zero sized buffers are not allowed",
    "qemu-system-i386: Cannot map descriptor ring",
    "qemu-system-i386: virtio-blk missing headers",
    "qemu-system-i386: virtio-blk request outhdr too short",
    "qemu-system-i386: wrong size for virtio-scsi headers",
    "virtio_mmio_write: wrong size access to register!",
    "qemu-system-i386: something new about a virtqueue",
)
OTHER = (
    "qemu-system-i386: warning: host doesn't support requested feature",
    "Invalid access at addr 0x0, size 4, region '(null)', reason: rejected",
)


class Complaints(unittest.TestCase):
    def test_accusing_lines(self):
        for line in ACCUSING:
            self.assertTrue(complaints.is_complaint(line), line)

    def test_refusals_accuse_where_they_are_not_due(self):
        for line in complaints.REFUSALS:
            self.assertTrue(complaints.is_refusal("qemu-system-i386: " + line), line)
            self.assertTrue(complaints.is_complaint("qemu-system-i386: virtio " + line), line)
        for line in ("qemu-system-i386: Looped descriptor", "qemu-system-i386: virtio: new words"):
            self.assertFalse(complaints.is_refusal(line), line)

    def test_other_lines_are_shown(self):
        self.assertEqual(complaints.split(list(OTHER) + [""]), ([], list(OTHER)))
