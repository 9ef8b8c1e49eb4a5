# SPDX-License-Identifier: MIT
"""Builds the command lines of QEMU and of the storage daemon from a Configuration.

Owns every QEMU option that the runner uses, with its reason. Starts nothing.
"""

import json
import os
import pathlib
import shlex

from . import configuration as conf, peers, qtest
from .configuration import role_kind
from .images import FAULTY_SECTOR

EXIT_PORT = 0xF4
EXIT_SUCCESS = 33  # isa-debug-exit ends QEMU with (value << 1) | 1, and the kernel writes 0x10
EXIT_CRASH = 37  # 0x12
SERIAL_LOG = "serial.log"  # of a run whose standard output is something else
ACCESS_EVENTS = ("memory_region_ops_read", "memory_region_ops_write")


def binary(configuration):
    """The emulator for an architecture; an override serves a QEMU that is not on the path."""
    return os.environ.get("LIBVIRTIO_QEMU_" + configuration.arch.upper(),
                          "qemu-system-" + configuration.arch)


def pci_options(transport):
    """Both switches are given, so that the kind does not depend on the bus the device is on."""
    return {
        "legacy": ["disable-modern=on", "disable-legacy=off"],
        "transitional": ["disable-modern=off", "disable-legacy=off"],
        "modern": ["disable-modern=off", "disable-legacy=on"],
    }[transport]


def device_id(number, device):
    return device.role if device.is_disk else f"{device.role or device.kind}{number}"


def device_name(configuration, device):
    """The device model's name: virtio-blk-pci, virtio-rng-device, ...; a GPU with VGA is PCI by its name."""
    if device.kind == "vga":
        return conf.KINDS[device.kind][0]
    suffix = "device" if configuration.is_mmio else "pci"
    return f"{conf.KINDS[device.kind][0]}-{suffix}"


def virtio_path(configuration, number, device):
    """Where the monitor finds the virtio part of a device."""
    path = f"/machine/peripheral/{device_id(number, device)}"
    return path if configuration.is_mmio else f"{path}/virtio-backend"


def node(name, driver, **options):
    return ["-blockdev", json.dumps(dict(driver=driver, **{"node-name": name}, **options))]


def file_node(path):
    return {"driver": "file", "filename": str(path)}


def disk_backend(role, path):
    """The block nodes under a disk; the topmost is called after the role."""
    kind = role_kind(role)
    if kind == "faulty":
        error = {"event": "read_aio", "iotype": "read", "sector": FAULTY_SECTOR, "errno": 5}
        return node(role, "raw", file={"driver": "blkdebug", "image": file_node(path),
                                       "inject-error": [error]})
    if kind == "stuck":
        # The first request empties the bucket; at one byte a second the next waits for minutes.
        group = f"throttle-{role}"
        return (["-object", f"throttle-group,id={group},x-bps-total=1"]
                + node(role, "throttle", **{"throttle-group": group},
                       file={"driver": "raw", "file": file_node(path)}))
    if kind == "readonly":
        return node(role, "raw", file=file_node(path), **{"read-only": True})
    # What the guest discards becomes a hole in the file, which the host looks for afterwards.
    return node(role, "raw", file=dict(file_node(path), discard="unmap"), discard="unmap")


def disk_options(device, work, images):
    """Returns (options before -device, properties of the device) of a disk."""
    if device.kind == "vhost-user-blk":
        socket = pathlib.Path(work) / f"{device.role}.vhost"
        return (["-chardev", f"socket,id=vhost-{device.role},path={socket}"],
                [f"chardev=vhost-{device.role}", "num-queues=1"])  # as many as the daemon has
    properties = [f"drive={device.role}", f"serial={device.role}"]
    if device.role == "boot":
        properties.append("bootindex=1")
    if role_kind(device.role) == "faulty":
        properties.append("request-merging=off")  # or neighbours in flight would fail with it
    return disk_backend(device.role, images.paths[device.role]), properties


def device_options(configuration, work, images):
    options = []
    for number, device in enumerate(configuration.devices):
        properties = [f"id={device_id(number, device)}"]
        if device.is_disk:
            before, disk = disk_options(device, work, images)
            options += before
            properties += disk
        before, own, behind = peers.options(number, device, work)
        options += before
        properties += own
        if not configuration.is_mmio:
            properties += pci_options(configuration.transport)
        properties += configuration.transport_properties + device.properties
        options += ["-device", ",".join([device_name(configuration, device)] + properties)] + behind
    return options


def memory_options(configuration, work):
    """A daemon that reads the rings needs memory that can be shared."""
    if configuration.qtest:
        return qtest.memory_options(configuration, work)
    options = ["-m", str(configuration.memory)]
    machine = configuration.machine
    if any(device.kind.startswith("vhost-user") or device.role == "vhost" for device in configuration.devices):
        options += ["-object", f"memory-backend-memfd,id=ram,size={configuration.memory}M,share=on"]
        machine += ",memory-backend=ram"
    return ["-M", machine] + options


def boot_options(configuration, kernel, iso):
    if configuration.boot == "kernel":
        return ["-kernel", str(kernel), "-append", " ".join(configuration.kernel_words)]
    if configuration.boot in ("iso", "product-iso"):
        return ["-cdrom", str(iso), "-boot", "d"]
    return []  # the boot disk is a virtio device with a boot index


def serial_port(configuration, work):
    if configuration.qtest:
        return "none"
    return f"file:{work / SERIAL_LOG}" if configuration.has_terminal else "stdio"


def qemu(configuration, work, images, kernel, iso):
    """The whole command line. `work` is a directory for sockets and logs."""
    work = pathlib.Path(work)
    options = [
        binary(configuration),
        # Nothing that was not asked for, no window, the serial port on the standard output. A
        # guest that resets or faults three times ends the run.
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial",
        serial_port(configuration, work),
        "-qmp", f"unix:{work / 'qmp'},server=on,wait=off",
        # The kernel uses one CPU. With only one, QEMU's translator leaves out the guest's memory barriers,
        # though its device models run in other threads: a notification can be lost then.
        "-smp", "2",
        # The kernel's exit status; QEMU's default port is another one.
        "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=4",
        # Accesses of a wrong width or to a register that is not there are "guest errors".
        "-d", "guest_errors", "-D", str(work / "qemu.log"),
    ]
    if configuration.is_mmio:
        legacy = "true" if configuration.transport == "mmio1" else "false"
        options += ["-global", f"virtio-mmio.force-legacy={legacy}"]
    if "accesses" in configuration.actions:
        for event in ACCESS_EVENTS:
            options += ["-trace", event]
    options += memory_options(configuration, work)
    if configuration.qtest:
        options += qtest.machine_options(work, kernel)
    else:
        options += boot_options(configuration, kernel, iso)
    options += configuration.qemu  # before the devices: they may name a bridge of these
    options += peers.machine_options(configuration, work)
    options += device_options(configuration, work, images)
    return options


def storage_daemon(device, work, images):
    """The daemon that serves one vhost-user disk."""
    socket = pathlib.Path(work) / f"{device.role}.vhost"
    export = {"type": "vhost-user-blk", "id": device.role, "node-name": device.role,
              "writable": role_kind(device.role) != "readonly",
              "addr": {"type": "unix", "path": str(socket)}}
    backend = ["--" + word[1:] if word in ("-blockdev", "-object") else word
               for word in disk_backend(device.role, images.paths[device.role])]
    return ["qemu-storage-daemon"] + backend + ["--export", json.dumps(export)]


def quoted(command):
    """A command line that can be pasted into a shell."""
    return " ".join(shlex.quote(word) for word in command)
