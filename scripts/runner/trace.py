# SPDX-License-Identifier: MIT
"""Counts a guest's register accesses in QEMU's trace, between two lines of its serial output.

QEMU traces every access to a device register, the serial port's among them: the text that the guest
prints can be read back from the same file, in order with all other accesses, so that a marker
line splits the trace exactly. Owns the trace's format; knows nothing of drivers.

The guest marks a stretch by two lines of its own:
    # accesses begin <name> requests=<n>
    # accesses end <name> hiccups=<n>
A hiccup is a wait so long that the library may look at the device's status, once.
"""

import collections
import dataclasses
import re

EVENT = re.compile(rb"memory_region_ops_(read|write) .*?\baddr 0x([0-9a-f]+) value 0x([0-9a-f]+)"
                   rb" size (\d+)(?: name '([^']*)')?")
BEGIN = re.compile(r"# accesses begin (\S+) requests=(\d+)$")
END = re.compile(r"# accesses end (\S+) hiccups=(\d+)$")
SERIAL_DATA_PORT = 0x3F8
# Regions of virtio devices, whatever their transport: virtio-pci-common-..., virtio-mmio, and the
# legacy register block, which QEMU calls virtio-pci.
VIRTIO = re.compile(r"^virtio")
NOTIFY = re.compile(r"notify")


@dataclasses.dataclass
class Stretch:
    """Accesses to virtio registers between two markers."""

    name: str
    requests: int
    counts: collections.Counter  # (region, "read" or "write", size) -> number
    complete: bool = False
    hiccups: int = 0

    @property
    def reads(self):
        return sum(count for (_, kind, _), count in self.counts.items() if kind == "read")

    @property
    def total(self):
        return sum(self.counts.values())

    def describe(self):
        parts = [f"{number} x {kind} of {size} at {region}"
                 for (region, kind, size), number in sorted(self.counts.items())]
        return ", ".join(parts) or "none"


class Reader:
    """Reads a trace line by line and collects the stretches in it."""

    def __init__(self):
        self.text = bytearray()
        self.stretches = []
        self.open = None

    def line(self, line):
        event = EVENT.match(line) or EVENT.search(line)
        if not event:
            return
        kind, address, value, size, name = event.groups()
        region = (name or b"").decode("ascii", "replace")
        if VIRTIO.match(region):
            if self.open:
                self.open.counts[region, kind.decode(), int(size)] += 1
        elif kind == b"write" and (region == "serial" or int(address, 16) == SERIAL_DATA_PORT):
            self._serial(int(address, 16), int(value, 16) & 0xFF)

    def _serial(self, address, value):
        if address not in (0, SERIAL_DATA_PORT):
            return
        if value != 0x0A:
            self.text.append(value)
            return
        text = self.text.decode("ascii", "replace").rstrip("\r")
        self.text.clear()
        begin, end = BEGIN.match(text), END.match(text)
        if begin:
            self.open = Stretch(begin[1], int(begin[2]), collections.Counter())
            self.stretches.append(self.open)
        elif end and self.open and end[1] == self.open.name:
            self.open.complete = True
            self.open.hiccups = int(end[2])
            self.open = None


def read(path):
    """Returns the stretches found in a trace file."""
    reader = Reader()
    with open(path, "rb") as trace:
        for line in trace:
            reader.line(line)
    return reader.stretches


def check(stretches, allowed):
    """Returns (faults, facts): each stretch makes `allowed` register writes a request, and no reads."""
    faults, facts = [], []
    if not stretches:
        faults.append("the guest marked no stretch of requests to count register accesses in")
    for stretch in stretches:
        what = f"{stretch.name}: {stretch.total} register accesses for {stretch.requests} requests"
        if not stretch.complete or not stretch.requests:
            faults.append(f"{what}, but the stretch has no end or no requests")
        elif (stretch.total - stretch.reads != allowed * stretch.requests
              or stretch.reads > stretch.hiccups):
            faults.append(f"{what} instead of {allowed} each: {stretch.describe()}")
        else:
            facts.append(f"{what}: {stretch.describe()}")
    return faults, facts
