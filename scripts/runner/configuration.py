# SPDX-License-Identifier: MIT
"""What to boot: machine, devices, kernel words, and what the run promises.

Owns the meaning of the options of scripts/run and of the cells of tests/matrix.conf, which are the
same words. Knows nothing of QEMU's command line.
"""

import dataclasses
import os
import re
import shlex

ARCHITECTURES = ("i386", "x86_64")
MACHINES = ("pc", "q35", "microvm")
PCI_TRANSPORTS = ("legacy", "transitional", "modern")
MMIO_TRANSPORTS = ("mmio1", "mmio2")
TRANSPORTS = PCI_TRANSPORTS + MMIO_TRANSPORTS
BOOTS = ("kernel", "iso", "disk", "product-iso")
ACTIONS = ("reset", "accesses", "crash", "hang", "report", "refusals", "needs")

LIMIT = 90.0  # seconds that a run may take

# Device kind -> (QEMU's name without its bus suffix, the kernel's name of the type).
KINDS = {
    "blk": ("virtio-blk", "blk"),
    "vhost-user-blk": ("vhost-user-blk", "blk"),
    "rng": ("virtio-rng", "rng"),
    "console": ("virtio-serial", "console"),
    "net": ("virtio-net", "net"),
    "keyboard": ("virtio-keyboard", "input"),
    "mouse": ("virtio-mouse", "input"),
    "tablet": ("virtio-tablet", "input"),
    "balloon": ("virtio-balloon", "balloon"),
    "scsi": ("virtio-scsi", "scsi"),
    "9p": ("virtio-9p", "9p"),
    "gpu": ("virtio-gpu", "gpu"),
    "vga": ("virtio-vga", "gpu"),
}

# What a device that is no disk can be, where it can be several things (peer_console.py and so on).
PEER_ROLES = {"console": ("single", "ports", "terminal"), "net": ("peer", "dgram", "vhost", "user"),
              "9p": ("share", "readonly"),
              "scsi": ("disks", "one")}

# Types for which somebody at the host reads the guest's `# host:` lines (peers.py).
PEER_TYPES = ("console", "input", "balloon", "net", "blk", "9p", "scsi", "gpu")

# The kernel's names of device types, with their numbers in the specification.
TYPE_NUMBERS = {"net": 1, "blk": 2, "console": 3, "rng": 4, "balloon": 5, "scsi": 8, "9p": 9,
                "gpu": 16, "input": 18, "crypto": 20}

# Disk roles: the first part of a disk's serial, by which the guest tells disks apart.
ROLES = ("docs", "scratch", "readonly", "faulty", "stuck", "growing", "boot")


class UsageError(Exception):
    """An option or a table cell that means nothing; the text names it."""


@dataclasses.dataclass
class Device:
    """One virtio device: `blk:scratch,queue-size=4` is kind, role and QEMU properties."""

    kind: str
    role: str
    properties: list
    folder: str = ""  # of 9p:folder

    @property
    def is_disk(self):
        return KINDS[self.kind][1] == "blk"

    @property
    def type_name(self):
        return KINDS[self.kind][1]

    @property
    def has_peer(self):
        """Whether somebody at the host answers the guest about this device."""
        return self.type_name in PEER_TYPES and (not self.is_disk or role_kind(self.role) == "growing")


@dataclasses.dataclass
class Configuration:
    """One run. `expect` maps a type name to the number of devices that must be found."""

    name: str
    arch: str
    machine: str
    transport: str
    transport_properties: list
    boot: str
    memory: int
    devices: list
    qemu: list
    words: list
    expect: dict
    actions: dict
    tags: set
    limit: float = LIMIT
    screenshot: str = ""  # where the first screen goes that showed what it should, as PNG
    qtest: str = ""  # one of qtest.VARIANTS: the tests are a process beside the machine, this program of it

    @property
    def is_mmio(self):
        return self.transport in MMIO_TRANSPORTS

    @property
    def machine_type(self):
        return self.machine.split(",")[0]

    @property
    def disks(self):
        return [device for device in self.devices if device.is_disk]

    @property
    def has_terminal(self):
        """Whether QEMU's standard output is a console device's and not the serial port's."""
        return any(device.role == "terminal" for device in self.devices)

    @property
    def suites(self):
        """The suites that the kernel was told to run, or None for all."""
        for word in self.words:
            if word.startswith("suites="):
                return word[len("suites="):].split(",")
        return None

    @property
    def unplugs(self):
        """Whether the guest will ask for devices to be taken away and put back."""
        return "unplug" in (self.suites or [])

    def suite_is_due(self, name):
        """Whether the kernel was told, or left free, to run a suite."""
        return self.suites is None or name in self.suites

    def data_is_due(self, disk):
        """Whether the blk suite must have read or resized this disk, or written this scratch disk."""
        kind = role_kind(disk.role)
        if not self.suite_is_due("blk") or "crash" in self.actions:
            return False
        return kind in ("docs", "growing") or kind == "scratch" and "disk=ro" not in self.words

    @property
    def kernel_words(self):
        """The kernel's command line: the words asked for, and the promise."""
        promise = ",".join(f"{kind}:{count}" for kind, count in self.expect.items())
        helper = self.unplugs or any(device.has_peer for device in self.devices)
        return (self.words + (["host=yes"] if helper else [])
                + ([f"expect={promise}"] if promise else []))


def one_of(what, text, choices):
    if text not in choices:
        raise UsageError(f"{what} is one of {', '.join(choices)}, not '{text}'")
    return text


def parse_machine(text):
    one_of("machine", text.split(",")[0], MACHINES)
    return text


def parse_transport(text):
    """`modern,page-per-vq=on`: a transport, and properties for every virtio device."""
    name, *properties = text.split(",")
    one_of("transport", name, TRANSPORTS)
    for item in properties:
        if "=" not in item:
            raise UsageError(f"transport '{text}': '{item}' is no property=value")
    return name, properties


def parse_memory(text):
    """Returns MiB; `16`, `16M` and `6G` are understood."""
    match = re.fullmatch(r"(\d+)([MG]?)", text)
    if not match or int(match[1]) == 0:
        raise UsageError(f"memory is a number of MiB, or like 16M or 6G, not '{text}'")
    return int(match[1]) * (1024 if match[2] == "G" else 1)


def parse_devices(text):
    """`blk:docs,blk:scratch,queue-size=4,rng`: an item with `=` belongs to the device before it."""
    devices = []
    for item in [] if text == "none" else text.split(","):
        if "=" in item:
            if not devices:
                raise UsageError(f"device '{text}': property '{item}' has no device before it")
            devices[-1].properties.append(item)
            continue
        kind, _, role = item.partition(":")
        one_of("device", kind, tuple(KINDS))
        device = Device(kind, role, [])
        check_role(device, item)
        devices.append(device)
    return devices


def shared_folder(path):
    """A folder of the user's for the guest: 9p:folder, which only scripts/run --share makes."""
    if not os.path.isdir(path):
        raise UsageError(f"share '{path}' is no directory")
    return Device("9p", "folder", [], os.path.abspath(path))


def check_role(device, item):
    roles = PEER_ROLES.get(device.kind, ())
    if not device.is_disk and device.role not in roles:
        if device.role and not roles:
            raise UsageError(f"device '{item}': only disks have a role")
        if roles:
            raise UsageError(f"device '{item}': it is one of "
                             + ", ".join(f"{device.kind}:{role}" for role in roles))
    if not device.is_disk:
        return
    match = re.fullmatch(r"([a-z]+)(-[a-z0-9]+)?", device.role)
    if not match or match[1] not in ROLES:
        raise UsageError(f"device '{item}': a disk is one of "
                         + ", ".join(f"{device.kind}:{role}" for role in ROLES)
                         + ", with -2 and so on behind it for further ones")


def role_kind(role):
    """`scratch-2` is a `scratch`."""
    return role.split("-")[0]


def parse_expect(text):
    """`blk:2,rng:1`, or `none`; the numbers of devices that the guest must find."""
    expect = {}
    for item in [] if text == "none" else text.split(","):
        match = re.fullmatch(r"([a-z0-9]+):(\d+)", item)
        if not match:
            raise UsageError(f"expect is like blk:2,rng:1 or none, not '{text}'")
        one_of("a type in expect", match[1], tuple(TYPE_NUMBERS))
        expect[match[1]] = int(match[2])
    return expect


def parse_actions(text):
    """`reset=3`, `accesses=1`, `crash=1`, `report=window`: what the runner does or demands besides."""
    actions = {}
    for item in [] if text == "none" else text.split():
        name, separator, value = item.partition("=")
        one_of("action", name, ACTIONS)
        is_word = name in ("report", "needs")
        if not separator or not re.fullmatch(r"\w+" if is_word else r"\d+", value):
            raise UsageError(f"action '{item}' needs a value behind it")
        actions[name] = value if is_word else int(value)
    return actions


def parse_words(what, text):
    try:
        return [] if text == "none" else shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{what} '{text}': {error}") from None


def promised(devices):
    """The promise that follows from the devices attached."""
    expect = {}
    for device in devices:
        expect[device.type_name] = expect.get(device.type_name, 0) + 1
    return expect


def check(configuration):
    """Refuses combinations that QEMU has no device for, by name and with a way out."""
    on_microvm = configuration.machine_type == "microvm"
    if on_microvm and not configuration.is_mmio:
        raise UsageError(f"machine microvm has no PCI: transport {configuration.transport} needs"
                         " pc or q35; microvm takes mmio1 or mmio2")
    if not on_microvm and configuration.is_mmio:
        raise UsageError(f"transport {configuration.transport} needs machine microvm")
    if on_microvm and configuration.boot != "kernel":
        raise UsageError("machine microvm boots a kernel only: it has no CD drive and no BIOS disk")
    if configuration.boot == "product-iso" and configuration.words:
        raise UsageError("boot product-iso boots the menu as it is: it takes no kernel words")
    names = [device.role for device in configuration.disks]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two disks are called '{name}': name the second '{name}-2'")
    for kind in ("docs", "scratch"):
        if [role_kind(name) for name in names].count(kind) > 1:
            raise UsageError(f"two {kind} disks: the guest could not say which one it means")
    if ("boot" in names) != (configuration.boot == "disk"):
        raise UsageError("boot disk and the device blk:boot go together")
    return configuration
