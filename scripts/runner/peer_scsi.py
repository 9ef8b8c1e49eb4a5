# SPDX-License-Identifier: MIT
"""The host's end of SCSI controllers: the disks behind them, and who plugs, resizes and compares them.

    # host: scsi found units=0:0,0:3,...            the guest's scan of a controller; must be what is attached
    # host: scsi read disk=D sha256=H bytes=N       the guest has read all of it
    # host: scsi wrote disk=D seed=S first=F sectors=N     sectors of 512 bytes hold the pattern from now on
    # host: scsi unmapped disk=D first=F sectors=N  these are empty from now on
    # host: scsi resize disk=D bytes=N
    # host: scsi add | scsi remove                  the disk called plug
    # host: scsi flood rounds=N                     that disk comes and goes N times

A disk's name is its serial number. Every image is compared with what it must hold when QEMU has ended.
Owns the images. Disks that are larger than what was written are sparse: only the parts that exist are compared.
"""

import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import time

from . import command, pattern, qmp

TYPE = "scsi"
MIB = 1024 * 1024
SECTOR = 512
LIMIT = 8.0
NUDGE = 0.1
EIO, ENODATA = 5, 61  # QEMU makes ABORTED COMMAND of the one and MEDIUM ERROR of the other
SEED = 0x5C51


@dataclasses.dataclass
class Disk:
    """One disk: where it is, how large, and what is special about it."""

    name: str
    target: int
    lun: int
    size: int
    model: str = "scsi-hd"
    properties: str = ""
    filled: bool = False  # with the pattern of SEED, else zeros
    special: str = ""  # of its block nodes: faulty, slow, stuck, readonly, unmap
    plugged: bool = True


DISKS = (
    Disk("data", 0, 0, 4 * MIB, filled=True, properties="rotation_rate=7200"),
    Disk("scratch", 0, 3, 8 * MIB, special="unmap",
         properties="discard_granularity=4096,max_unmap_size=1048576"),
    Disk("blocks4k", 2, 0, 4 * MIB, properties="logical_block_size=4096,physical_block_size=4096"),
    Disk("far", 2, 300, MIB, filled=True),
    Disk("cd", 3, 0, 2 * MIB, model="scsi-cd", filled=True, special="readonly"),
    Disk("tray", 3, 1, 0, model="scsi-cd"),
    Disk("faulty", 4, 0, 4 * MIB, special="faulty"),
    Disk("slow", 5, 0, MIB, special="slow"),
    Disk("stuck", 5, 1, MIB, special="stuck"),
    Disk("readonly", 6, 0, MIB, filled=True, special="readonly"),
    Disk("huge", 7, 0, 3 * MIB * MIB),
    Disk("grow", 8, 0, MIB),
    Disk("last", 255, 0, MIB, filled=True),
    Disk("plug", 9, 1, MIB, filled=True, plugged=False),
)
ROLES = {"disks": DISKS, "one": (Disk("single", 1, 0, 4 * MIB),)}


def monitor_path(work):
    return pathlib.Path(work) / "scsi.qmp"


def image_path(work, number, disk):
    return pathlib.Path(work) / f"scsi{number}-{disk.name}.img"


def node_name(number, disk):
    return f"scsi{number}-{disk.name}"


def node_options(number, disk, work):
    """The block nodes under a disk; the topmost has its name."""
    name = node_name(number, disk)
    file = {"driver": "file", "filename": str(image_path(work, number, disk))}
    node = {"driver": "raw", "node-name": name, "file": file}
    before = []
    if disk.special == "readonly":
        node["read-only"] = True
    elif disk.special == "unmap":
        node["discard"] = file["discard"] = "unmap"
    elif disk.special == "faulty":
        node["file"] = {"driver": "blkdebug", "image": file, "inject-error": [
            {"event": "read_aio", "iotype": "read", "sector": 2048, "errno": ENODATA},
            {"event": "read_aio", "iotype": "read", "sector": 4096, "errno": EIO}]}
    elif disk.special in ("slow", "stuck"):
        limit = "x-iops-total=4" if disk.special == "slow" else "x-bps-total=1"
        before = ["-object", f"throttle-group,id=group-{name},{limit}"]
        node = {"driver": "throttle", "node-name": name, "throttle-group": f"group-{name}",
                "file": {"driver": "raw", "file": file}}
    return before + ["-blockdev", json.dumps(node)]


def disk_properties(bus, number, disk):
    """The properties of the device, as QEMU's command line and device_add take them."""
    properties = {"driver": disk.model, "id": f"{bus}-{disk.name}", "bus": f"{bus}.0", "channel": 0,
                  "scsi-id": disk.target, "lun": disk.lun, "serial": disk.name}
    if disk.size:
        properties["drive"] = node_name(number, disk)
    return properties


def options(number, device, work):
    bus = command.device_id(number, device)
    before, behind = [], []
    if device.role == "disks":  # of which there is one a machine
        # Strictly what has a boot index: the firmware would look at 256 targets, and at the disk that is stuck.
        before = ["-qmp", f"unix:{monitor_path(work)},server=on,wait=off", "-boot", "strict=on"]
    for disk in ROLES[device.role]:
        before += node_options(number, disk, work) if disk.size else []
        if disk.plugged:
            text = ",".join(f"{name}={value}" if name != "driver" else str(value)
                            for name, value in disk_properties(bus, number, disk).items())
            behind += ["-device", text + ("," + disk.properties if disk.properties else "")]
    return before, [], behind


@functools.lru_cache(maxsize=None)
def filling():
    """What filled disks begin with: made once, for it takes a while."""
    return pattern.sectors(SEED, 0, max(disk.size for disk in DISKS if disk.filled) // SECTOR)


def sectors_of(seed, first, count):
    if seed is None:
        return bytes(count * SECTOR)
    end = (first + count) * SECTOR
    if seed == SEED and end <= len(filling()):
        return filling()[first * SECTOR:end]
    return pattern.sectors(seed, first, count)


def make_image(path, disk):
    with open(path, "wb") as image:
        if disk.filled:
            image.write(sectors_of(SEED, 0, disk.size // SECTOR))
        image.truncate(disk.size)


def extents(path):
    """The parts of a file that exist: the rest of it reads as zeros."""
    found, at = [], 0
    with open(path, "rb") as image:
        size = image.seek(0, os.SEEK_END)
        while at < size:
            try:
                start = os.lseek(image.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            at = os.lseek(image.fileno(), start, os.SEEK_HOLE)
            found.append((start, at))
    return found


class Content:
    """What an image must hold: runs of sectors, in the order they were made, each a seed, or None for zeros."""

    def __init__(self, disk):
        self.runs = [(SEED, 0, disk.size // SECTOR)] if disk.filled else []

    def add(self, seed, first, sectors):
        self.runs.append((seed, first, sectors))

    def sectors(self, first, count):
        """The bytes of some sectors."""
        data = bytearray(count * SECTOR)
        for seed, run, length in self.runs:
            start, end = max(run, first), min(run + length, first + count)
            if start < end:
                data[(start - first) * SECTOR:(end - first) * SECTOR] = sectors_of(
                    seed, start, end - start)
        return bytes(data)

    def compare(self, path):
        """What is wrong with an image, or an empty text."""
        looked = extents(path) + [(run * SECTOR, (run + length) * SECTOR)
                                  for _, run, length in self.runs]
        with open(path, "rb") as image:
            for start, end in looked:
                for at in range(start // SECTOR, (end + SECTOR - 1) // SECTOR, 2048):
                    count = min(2048, (end + SECTOR - 1) // SECTOR - at)
                    image.seek(at * SECTOR)
                    found = image.read(count * SECTOR).ljust(count * SECTOR, b"\0")
                    due = self.sectors(at, count)
                    if found != due:
                        wrong = next(n for n in range(count) if found[n * SECTOR:(n + 1) * SECTOR]
                                     != due[n * SECTOR:(n + 1) * SECTOR])
                        return f"sector {at + wrong} does not hold what it must"
        return ""


class Peer:
    def __init__(self, configuration, work, log):
        self.log = log
        self.monitor = None
        self.path = monitor_path(work)
        self.images, self.contents, self.due = {}, {}, []
        self.nodes, self.plug = {}, None
        self.checked = 0
        for number, device in enumerate(configuration.devices):
            if device.type_name != TYPE:
                continue
            bus = command.device_id(number, device)
            self.due.append({f"{disk.target}:{disk.lun}" for disk in ROLES[device.role]
                             if disk.plugged})
            for disk in ROLES[device.role]:
                if disk.size:
                    name = disk.name if disk.name not in self.images else f"{disk.name}{number}"
                    self.images[name] = image_path(work, number, disk)
                    self.contents[name] = Content(disk)
                    self.nodes[name] = node_name(number, disk)
                    make_image(self.images[name], disk)
                if not disk.plugged:
                    self.plug = disk_properties(bus, number, disk)

    def act(self, verb, words, values):
        getattr(self, "do_" + verb)(*words, **values)

    def call(self, name, **arguments):
        self.monitor = self.monitor or qmp.Qmp(self.path, LIMIT)
        return self.monitor.call(name, **arguments)

    def do_found(self, units):
        found = set(units.split(","))
        if found in self.due:
            self.log.fact(f"scsi: a scan found the {len(found)} units of a controller")
        else:
            self.log.fault(f"scsi: a scan found {units}, which no controller has")

    def do_read(self, disk, sha256, bytes):  # noqa: A002, the guest's word
        image = self.images[disk].read_bytes()
        if len(image) != int(bytes) or hashlib.sha256(image).hexdigest() != sha256:
            self.log.fault(f"scsi: disk {disk} was read as {bytes} bytes with SHA-256 {sha256}")
        else:
            self.checked += 1
            self.log.fact(f"scsi: disk {disk}: the guest's SHA-256 is the host's, {sha256[:16]}...")

    def do_wrote(self, disk, seed, first, sectors):
        self.contents[disk].add(int(seed, 16), int(first), int(sectors))

    def do_unmapped(self, disk, first, sectors):
        self.contents[disk].add(None, int(first), int(sectors))

    def do_resize(self, disk, bytes):  # noqa: A002
        self.call("block_resize", **{"node-name": self.nodes[disk], "size": int(bytes)})

    def do_add(self):
        self.call("device_add", **self.plug)

    def do_remove(self):
        """Until the disk is gone, which QEMU tells when every CPU has left the guest's code once. One that polls
        memory with interrupts off can stay in there for long: it is stopped for a moment."""
        deadline = time.monotonic() + LIMIT
        self.call("device_del", id=self.plug["id"])
        self.monitor.seconds = NUDGE
        while True:
            try:
                self.monitor.wait_event("DEVICE_DELETED")
                break
            except qmp.QmpError:
                if time.monotonic() > deadline:
                    raise
            self.monitor.seconds = LIMIT
            self.call("stop")
            self.call("cont")
            self.monitor.seconds = NUDGE
        self.monitor.seconds = LIMIT

    def do_flood(self, rounds):
        for _ in range(int(rounds)):
            self.do_add()
            self.do_remove()

    def finish(self):
        if self.monitor:
            self.monitor.close()
        for name, path in self.images.items():
            wrong = self.contents[name].compare(path)
            if wrong:
                self.log.fault(f"scsi: disk {name}: {wrong}")
        written = sum(len(content.runs) for content in self.contents.values())
        self.log.fact(f"scsi: {len(self.images)} disks hold what they must, {written} runs of the pattern")
