# SPDX-License-Identifier: MIT
"""The host's end of 9P devices: folders that the guest reads and writes, and what must be in them afterwards.

Roles of the device:
    9p:share     a folder of its own in the run's working directory, in which the tests read what make_tree puts
                 there, and write, below "out" alone
    9p:readonly  the same, shared read-only
    9p:folder    a folder of the user's (scripts/run --share), in which no test writes
The guest tells them apart by the mount tag, ROLE-N, N being the device's number.

    # host: 9p read tag=TAG name=NAME sha256=DIGEST bytes=N    the guest read this file; the digest must be its own
    # host: 9p wrote tag=TAG name=NAME sha256=DIGEST bytes=N   after the run the file must be this
    # host: 9p made tag=TAG name=NAME                          ... this must be a folder
    # host: 9p gone tag=TAG name=NAME                          ... there must be nothing of this name
"""

import hashlib
import os
import pathlib
import stat

from . import pattern

TYPE = "9p"
ROLES = ("share", "readonly", "folder")
BIG_SEED = 0x9
BIG_SECTORS = 6144
BIG_TAIL = b"and an odd number of bytes behind the last sector\n"
DEEP = 40
MANY = 300
UTF8_NAME = "grüße-日本語-🙂.txt"
LONG_NAME = "n" * 251 + ".txt"  # as long as a name can be
OUT = "out"


def tag(number, device):
    return f"{device.role}-{number}"


def path(work, number):
    """Where a device's folder is; the user's folder has its own place."""
    return pathlib.Path(work) / f"9p{number}"


def quoted(text):
    """A comma in an option of QEMU's is written twice."""
    return str(text).replace(",", ",,")


def options(number, device, work):
    folder = device.folder or path(work, number)
    backend = f"local,id=fs{number},path={quoted(folder)},security_model=none,multidevs=remap"
    if device.role == "readonly":
        backend += ",readonly=on"
    return ["-fsdev", backend], [f"fsdev=fs{number}", f"mount_tag={tag(number, device)}"], []


def make_tree(top):
    """What the guest expects to find (tests/guest/9p_rig.h)."""
    top.mkdir()
    (top / "hello.txt").write_bytes(b"Hello from the host.\n")
    (top / "empty").write_bytes(b"")
    (top / "big.bin").write_bytes(pattern.sectors(BIG_SEED, 0, BIG_SECTORS) + BIG_TAIL)
    names = top / "names"
    names.mkdir()
    for name in (UTF8_NAME, LONG_NAME, "two words"):
        (names / name).write_bytes(name.encode())
    deep = top / "deep"
    for level in range(DEEP):
        deep /= f"level-{level}"
    deep.mkdir(parents=True)
    (deep / "bottom.txt").write_bytes(b"Here is the bottom.\n")
    many = top / "many"
    many.mkdir()
    for number in range(MANY):
        (many / f"entry-{number:03}{'-' * (number % 50)}").write_bytes(b"%d" % number)
    (top / "full").mkdir()
    (top / "full" / "inside").write_bytes(b"")


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def describe(top, without=None):
    """All that is in a tree: name -> kind and content."""
    found = {}
    for folder, folders, files in os.walk(top):
        if without in folders:
            folders.remove(without)
        for name in folders:
            found[os.path.relpath(os.path.join(folder, name), top)] = "folder"
        for name in files:
            file = pathlib.Path(folder) / name
            found[os.path.relpath(file, top)] = digest(file) if file.is_file() else "neither"
    return found


class Share:
    """One folder, and what the guest says of it."""

    def __init__(self, number, device, work):
        self.name = tag(number, device)
        self.role = device.role
        self.top = path(work, number)
        self.before = None
        self.reads = 0
        self.due = []  # (verb, name, values)
        if self.role != "folder":
            make_tree(self.top)
            self.before = describe(self.top)

    def judge(self, log):
        """After the run: is everything there that was written, and nothing else changed?"""
        if self.role == "folder":
            return
        if describe(self.top, OUT if self.role == "share" else None) != self.before:
            log.fault(f"9p: {self.name} was changed where the guest may not write")
        last = {name: (verb, values) for verb, name, values in self.due}
        for name, (verb, values) in last.items():
            objection = getattr(self, "judge_" + verb)(self.top / name, **values)
            if objection:
                log.fault(f"9p: {self.name}: {name} {objection}")
        if last:
            log.fact(f"9p: {len(last)} names in {self.name} are as the guest left them")

    @staticmethod
    def judge_wrote(file, sha256, bytes):
        try:
            content = file.read_bytes()
        except OSError as error:
            return f"cannot be read: {error}"
        if len(content) != int(bytes):
            return f"has {len(content)} bytes, the guest wrote {bytes}"
        found = hashlib.sha256(content).hexdigest()
        return "" if found == sha256 else f"has the SHA-256 {found}, the guest's is {sha256}"

    @staticmethod
    def judge_made(file):
        try:
            return "" if stat.S_ISDIR(file.lstat().st_mode) else "is no folder"
        except OSError as error:
            return f"is not there: {error}"

    @staticmethod
    def judge_gone(file):
        return "is still there" if os.path.lexists(file) else ""


class Peer:
    def __init__(self, configuration, work, log):
        self.log = log
        self.shares = {}
        self.due = configuration.suite_is_due(TYPE) and "crash" not in configuration.actions
        for number, device in enumerate(configuration.devices):
            if device.type_name == TYPE:
                share = Share(number, device, work)
                self.shares[share.name] = share

    def act(self, verb, _words, values):
        values = dict(values)
        share = self.shares[values.pop("tag")]
        name = values.pop("name")
        if verb == "read":
            self._read(share, name, **values)
        elif verb in ("wrote", "made", "gone"):
            share.due.append((verb, name, values))
        else:
            raise ValueError("no such verb")

    def _read(self, share, name, sha256, bytes):
        file = share.top / name
        if sha256 != digest(file) or int(bytes) != file.stat().st_size:
            self.log.fault(f"9p: the guest read {bytes} bytes of SHA-256 {sha256} from {name} in"
                           f" {share.name}, which has {file.stat().st_size} of {digest(file)}")
        else:
            share.reads += 1
            self.log.fact(f"9p: the guest's SHA-256 of {name} in {share.name} is the host's,"
                          f" {sha256[:16]}...")

    def finish(self):
        for share in self.shares.values():
            share.judge(self.log)
        if not self.due:
            return
        for share in [share for share in self.shares.values() if share.role != "folder"][:1]:
            if share.reads == 0:
                self.log.fault(f"9p: the guest said of no file in {share.name} that it read it")
            if share.role == "share" and not any(verb == "wrote" for verb, _, _ in share.due):
                self.log.fault(f"9p: the guest said of no file in {share.name} that it wrote it")
