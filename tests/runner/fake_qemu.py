#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A test double for QEMU with a kernel in it: takes QEMU's arguments, plays one scenario.

FAKE_QEMU holds the scenario as JSON; what it does not name is as in a good run:
  lines    the serial output; {docs} and {bytes} stand for digest and size of the docs disk
  stderr   text for stderr
  log      text for QEMU's log file
  status   exit status
  hang     seconds to sleep before the exit
  pattern  [seed, first sector, sectors] that is written to the scratch disk
  spoil    {role: offset} of a byte to change on a disk
  flood    true: print for ever
"""

import hashlib
import json
import os
import pathlib
import socket
import struct
import sys
import time

GOOD = """libvirtio 0.1.0 kernel, i386, booted by multiboot 1, 127 MiB of memory in 2 regions
command line: expect=blk:2,rng:1
pci 00:03.0 block device (type 2), modern PCI (transitional device, modern preferred)
pci 00:04.0 block device (type 2), modern PCI (transitional device, modern preferred)
pci 00:05.0 entropy device (type 4), modern PCI (transitional device, modern preferred)
TAP version 13
1..4
ok 1 - rng: draws bytes
# blk docs sha256={docs} bytes={bytes}
ok 2 - blk: reads the whole docs disk
# blk scratch seed=0x12345678 first=16 sectors=100
ok 3 - blk: writes the scratch disk
ok 4 - blk: reports an injected error # SKIP no faulty disk
# blk requests=70001
3 passed, 0 failed, 1 skipped
time: 1.234 s
""".splitlines()


def disks(arguments):
    """Maps the node of each disk to its file."""
    found = {}
    for option, value in zip(arguments, arguments[1:]):
        if option == "-blockdev":
            node = json.loads(value)
            inner = node
            while "filename" not in inner:
                inner = inner.get("file") or inner.get("image")
            found[node["node-name"]] = pathlib.Path(inner["filename"])
    return found


def splitmix64(value):
    mask = (1 << 64) - 1
    value = (value + 0x9E3779B97F4A7C15) & mask
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
    return value ^ (value >> 31)


def write_pattern(path, seed, first, sectors):
    with open(path, "r+b") as image:
        image.seek(first * 512)
        for word in range(sectors * 64):
            image.write(struct.pack("<Q", splitmix64(seed + first * 64 + word)))


def spoil(path, offset):
    with open(path, "r+b") as image:
        image.seek(offset)
        byte = image.read(1)[0]
        image.seek(offset)
        image.write(bytes([byte ^ 0x40]))


def value_of(arguments, option):
    return arguments[arguments.index(option) + 1]


def listen(arguments, option):
    """A socket as `-qmp unix:PATH,server=on` makes one."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(value_of(arguments, option).split(",")[0].partition(":")[2])
    listener.listen()
    return listener


def serve(scenario, arguments):
    """The machine of a qtest run: it is there until the monitor is told to quit. play_tests() wants its arguments."""
    monitor = listen(arguments, "-qmp")
    qtest = pathlib.Path(value_of(arguments, "-qtest").split(",")[0].partition(":")[2])
    (qtest.parent / "arguments").write_text(json.dumps(arguments))
    sys.stderr.write(scenario.get("stderr", ""))
    sys.stderr.flush()
    pathlib.Path(value_of(arguments, "-D")).write_text(scenario.get("log", ""))
    if scenario.get("dies"):
        return 1
    keep = listen(arguments, "-qtest")
    if scenario.get("leaves"):
        time.sleep(0.2)
        return 0
    connection = monitor.accept()[0].makefile("rw")
    print(json.dumps({"QMP": {}}), file=connection, flush=True)
    for line in connection:
        print(json.dumps({"return": ""}), file=connection, flush=True)
        if "quit" in line and not scenario.get("stays"):
            break
    time.sleep(60 if scenario.get("stays") else 0)
    del keep
    return scenario.get("qemu_status", 0)


def play_tests(scenario, arguments):
    """The tests' process: what a guest would say, and a sanitizer's words."""
    work = pathlib.Path(arguments[0]).parent
    time.sleep(1.0 if scenario.get("leaves") else 0)
    sys.stderr.write(scenario.get("report", ""))
    sys.stderr.flush()
    return play(dict(scenario, stderr=""), json.loads((work / "arguments").read_text()))


def play(scenario, arguments):
    images = disks(arguments)
    docs = images["docs"].read_bytes()
    if scenario.get("flood"):
        while True:
            os.write(1, b"again\n" * 10000)
    for line in scenario.get("lines", GOOD):
        print(line.replace("{docs}", hashlib.sha256(docs).hexdigest())
              .replace("{bytes}", str(len(docs))), end="\r\n", flush=True)
    pattern = scenario.get("pattern", [0x12345678, 16, 100])
    if pattern:
        write_pattern(images["scratch"], *pattern)
    for role, offset in scenario.get("spoil", {}).items():
        spoil(images[role], offset)
    sys.stderr.write(scenario.get("stderr", ""))
    sys.stderr.flush()
    pathlib.Path(arguments[arguments.index("-D") + 1]).write_text(scenario.get("log", ""))
    time.sleep(scenario.get("hang", 0))
    return scenario.get("status", 33)


if __name__ == "__main__":
    if sys.argv[1:] == ["-device", "help"]:
        print('name "virtio-blk-pci", bus PCI\nname "virtio-rng-pci", bus PCI')
        sys.exit(0)
    if sys.argv[1:2] == ["-device"] and sys.argv[2].endswith(",help"):
        print("virtio-blk-pci options:\n  packed=<bool>          - on/off (default: false)")
        sys.exit(0)
    SCENARIO = json.loads(os.environ.get("FAKE_QEMU", "{}"))
    if sys.argv[1:2] == ["--tests"]:
        sys.exit(play_tests(SCENARIO, sys.argv[2:]))
    sys.exit((serve if "-qtest" in sys.argv else play)(SCENARIO, sys.argv[1:]))
