# SPDX-License-Identifier: MIT
"""QEMU as an oracle: which of the lines it prints accuse the driver.

QEMU's device models notice broken rings and requests, say so, and often carry on as if nothing had
happened. Owns the list of those words; knows nothing of where the lines come from.
"""

import re

# What QEMU says of a driver that breaks the rules, in the messages of hw/virtio, hw/block and
# their neighbours. One hit fails a run whose tests all passed.
MESSAGES = (
    "Guest moved used index from",
    "Guest says index",
    "Desc next is",
    "Looped descriptor",
    "Virtqueue size exceeded",
    "Incorrect order for descriptors",
    "Invalid size for indirect buffer table",
    "Invalid element count",
    "zero sized buffers are not allowed",
    "Cannot map descriptor ring",
    "bogus descriptor or out of resources",
    "missing headers",
    "request outhdr too short",
    "request inhdr too short",
    "wrong size for virtio-scsi headers",
)

# What QEMU says when a device model refuses a request and gives up on its driver, or lacks a register of a
# feature that it offers (the reset of a queue, over virtio-mmio): due where a test provokes it.
REFUSALS = (
    "virtio-blk missing headers",
    "virtio-blk request outhdr too short",
    "virtio: bogus descriptor or out of resources",
    "virtio-net header not in first element",
    "wrong size for virtio-scsi headers",
    "bad register offset (0xc0)",
    "The guest sent a malformed VirtFS request",
    "The guest sent a VirtFS request without space for the reply",
)

# A line that names virtio, or VirtFS (9P), accuses too, even if its words are new: silence is the rule. What a
# device says in the name of the machine it runs on does not.
NAMED = re.compile(r"virtio|virtfs|vhost|virtqueue|vring", re.IGNORECASE)
HARMLESS = (
    re.compile(r"^\s*$"),
    re.compile(r"^virtio_gpu_update_cursor scanout \d"),  # a trace that peer_gpu.py has asked for
    # What QEMU's GPU tells the driver, too: it has no memory for this, and no use for such scanouts. The guest asks for
    # each of these on purpose, and checks the answer (tests/guest/gpu.c).
    re.compile(r"^virtio_gpu_resource_create_2d: resource creation failed \d+ 16384 16384$"),
    re.compile(r"^virtio_gpu_set_scanout: no backing storage \d+$"),
    re.compile(r"^virtio_gpu_do_set_scanout: illegal scanout 0 bounds for resource \d+, rect \(0,0\)\+8,8, fb 64 64$"),
)


def is_harmless(line):
    return any(pattern.search(line) for pattern in HARMLESS)


def is_complaint(line):
    """Whether the line accuses the driver."""
    return any(message in line for message in MESSAGES) or bool(NAMED.search(line))


def is_refusal(line):
    """Whether a device model says that it refused a request."""
    return any(message in line for message in REFUSALS)


def split(lines):
    """Returns (complaints, other lines worth showing)."""
    accusing = [line for line in lines if is_complaint(line) and not is_harmless(line)]
    others = [line for line in lines if not is_complaint(line) and not is_harmless(line)]
    return accusing, others
