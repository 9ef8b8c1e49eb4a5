# SPDX-License-Identifier: MIT
"""Disk images: what the host puts on them, and what must be on them after the run.

Owns the contents and sizes of the disks. Every run gets its own copies, in its own directory, so
that runs can go side by side and a guest that writes where it must not is found out.
"""

import errno
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import pattern
from .configuration import role_kind

MIB = 1024 * 1024
SIZES = {"docs": 6 * MIB, "scratch": 8 * MIB, "readonly": 2 * MIB, "faulty": 8 * MIB,
         "stuck": 8 * MIB, "growing": 2 * MIB}
FAULTY_SECTOR = 2048
EPOCH = 1700000000  # every time stamp of the file system: the image depends on its files alone
SCRATCH_MARK = b"libvirtio-scratch\0"
SCRATCH_MARK_FROM_END = 4096  # bytes: the last 8 sectors begin with it
DOCS_SOURCES = ("README.md", "CHANGELOG.md", "LICENSE", "docs", "include", "src")


class ImageError(Exception):
    """An image that could not be made; the text says which tool said what."""


def run_tool(command, **options):
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL if "input" not in options else None,
                                capture_output=True, text=True, timeout=60, check=False, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ImageError(f"{command[0]}: {error}") from None
    if result.returncode != 0:
        raise ImageError(f"{command[0]} failed: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


def tool_environment():
    """mke2fs lies in /usr/sbin, which is off an ordinary user's path."""
    path = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin" + os.pathsep + "/sbin"
    return dict(os.environ, PATH=path, E2FSPROGS_FAKE_TIME=str(EPOCH), TZ="UTC")


def make_docs(root, path, work):
    """An ext2 file system with the project's own documents and sources on it."""
    stage = pathlib.Path(work) / "docs-files"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    for source in DOCS_SOURCES:
        origin = pathlib.Path(root) / source
        if origin.is_dir():
            shutil.copytree(origin, stage / source)
        elif origin.exists():
            shutil.copyfile(origin, stage / source)
    entries = sorted(stage.rglob("*"))
    for entry in entries + [stage]:
        entry.chmod(0o755 if entry.is_dir() else 0o644)
        os.utime(entry, (EPOCH, EPOCH))
    run_tool(["mke2fs", "-q", "-F", "-t", "ext2", "-b", "1024", "-L", "libvirtio-docs",
              "-U", "6c696276-6972-4469-af00-000000000000",
              "-E", "root_owner=0:0,hash_seed=6c696276-6972-4469-af00-000000000001",
              "-d", str(stage), str(path), f"{SIZES['docs'] // 1024}"], env=tool_environment())
    # mke2fs takes over the owner and the change time, which nobody can set on a file.
    commands = "".join(f'set_inode_field "/{entry.relative_to(stage)}" {field} {value}\n'
                       for entry in entries
                       for field, value in (("ctime", f"@{EPOCH}"), ("uid", 0), ("gid", 0)))
    run_tool(["debugfs", "-w", "-f", "-", str(path)], input=commands, env=tool_environment())
    shutil.rmtree(stage)


def make_readonly(path):
    """Text that says what it is: a changed byte is easy to see."""
    line = b"libvirtio read-only disk: nothing may write here.\n"
    size = SIZES["readonly"]
    pathlib.Path(path).write_bytes((line * (size // len(line) + 1))[:size])


def make_zeros(path, size):
    with open(path, "wb") as image:
        image.truncate(size)


def mark_scratch(path):
    """For a disk in another process, which has no serial: the guest may write where this stands."""
    with open(path, "r+b") as image:
        image.seek(-SCRATCH_MARK_FROM_END, os.SEEK_END)
        image.write(SCRATCH_MARK)


def digest(path):
    """SHA-256 of a whole file, in hex."""
    total = hashlib.sha256()
    with open(path, "rb") as image:
        for block in iter(lambda: image.read(MIB), b""):
            total.update(block)
    return total.hexdigest()


class Images:
    """The disks of one run: made before it, checked after it."""

    def __init__(self, work, configuration, docs_master, boot_master=None):
        self.paths = {}
        self.before = {}
        self.marked = set()
        self.due = {disk.role: configuration.data_is_due(disk) for disk in configuration.disks}
        for disk in configuration.disks:
            path = pathlib.Path(work) / f"{disk.role}.img"
            self._make(role_kind(disk.role), path, docs_master, boot_master)
            if role_kind(disk.role) == "scratch" and disk.kind != "blk":
                mark_scratch(path)
                self.marked.add(disk.role)
            self.paths[disk.role] = path
            self.before[disk.role] = digest(path)

    @staticmethod
    def _make(kind, path, docs_master, boot_master):
        if kind == "docs":
            shutil.copyfile(docs_master, path)
        elif kind == "boot":
            shutil.copyfile(boot_master, path)
        elif kind == "readonly":
            make_readonly(path)
        else:
            make_zeros(path, SIZES[kind])

    def check(self, boots):
        """Returns (faults, facts): what is wrong with the disks, and what was found right.

        `boots` are the guest's reports, one a boot; the last one is the one that must be complete.
        Where the guest's tests must have read or written, it is a fault if it does not say what.
        """
        faults, facts = [], []
        for role, path in self.paths.items():
            kind = role_kind(role)
            if kind == "scratch":
                self._check_scratch(path, role, boots, faults, facts)
                continue
            if kind == "growing":
                self._check_growing(path, role, boots, faults, facts)
                continue
            if digest(path) != self.before[role]:
                faults.append(f"disk {role} was changed")
            if kind == "docs":
                self._check_docs(path, role, boots, faults, facts)
        return faults, facts

    def _check_docs(self, path, role, boots, faults, facts):
        lines = boots[-1].docs if boots else []
        if self.due[role] and not lines:
            faults.append(f"the guest printed no digest of disk {role}")
        size = path.stat().st_size
        for guest_digest, guest_bytes in lines:
            if guest_bytes != size:
                faults.append(f"the guest read {guest_bytes} bytes of disk {role}, which has {size}")
            if guest_digest != self.before[role]:
                faults.append(f"the guest's SHA-256 of disk {role} is {guest_digest},"
                              f" the host's is {self.before[role]}")
            else:
                facts.append(f"disk {role}: the guest's SHA-256 is the host's, {guest_digest[:16]}...")

    def _check_scratch(self, path, role, boots, faults, facts):
        runs = [run for boot in boots for run in boot.scratch]
        if self.due[role] and not (boots and boots[-1].scratch):
            faults.append(f"the guest did not say what it wrote to disk {role}")
        image = path.read_bytes()
        mark = SCRATCH_MARK if role in self.marked else b""
        error, written = compare_scratch(image, runs, mark)
        if error:
            faults.append(f"disk {role}: {error}")
        elif runs:
            facts.append(f"disk {role}: {written} sectors hold the guest's pattern,"
                         " the others are untouched")
        check_holes(path, role, boots[-1].discarded if boots else [], faults, facts)

    def _check_growing(self, path, role, boots, faults, facts):
        """The file has the size that the guest saw last, and still nothing in it."""
        sizes = boots[-1].resized if boots else []
        if self.due[role] and not sizes:
            faults.append(f"the guest did not see that disk {role} was resized")
        if sizes and path.stat().st_size != sizes[-1]:
            faults.append(f"disk {role} has {path.stat().st_size} bytes, the guest saw {sizes[-1]}")
        elif sizes:
            facts.append(f"disk {role}: resized, and the guest saw it: {sizes[-1]} bytes")
        if any(path.read_bytes()):
            faults.append(f"disk {role} was written to")


def is_hole(path, start, end):
    with open(path, "rb") as image:
        try:
            return os.lseek(image.fileno(), start, os.SEEK_DATA) >= end
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but holes from here on
                return True
            raise


def has_holes(directory):
    """Whether files here can have holes punched into them."""
    with tempfile.NamedTemporaryFile(dir=directory) as trial:
        trial.write(bytes(MIB))
        trial.flush()
        try:
            run_tool(["fallocate", "--punch-hole", "--length", str(MIB), trial.name])
            return is_hole(trial.name, 0, MIB)
        except (ImageError, OSError):
            return False


def check_holes(path, role, discarded, faults, facts):
    """What the guest discarded takes no room in the file any more."""
    if not discarded:
        return
    if not has_holes(path.parent):
        facts.append(f"disk {role}: {path.parent} is on a file system without holes:"
                     " nobody can see what was discarded")
        return
    solid = [first for first, count in discarded
             if not is_hole(path, first * pattern.SECTOR, (first + count) * pattern.SECTOR)]
    if solid:
        faults.append(f"disk {role}: discarded sectors still take room, from {solid[0]} on")
    else:
        facts.append(f"disk {role}: {sum(count for _, count in discarded)} discarded sectors"
                     " are holes in the file")


def compare_scratch(image, runs, mark=b""):
    """Compares an image with the pattern runs (seed, first, sectors), painted in order on zeros.

    `mark` is what the host had put near the image's end.

    Returns (what is wrong or None, number of sectors that the runs cover).
    """
    expected = bytearray(len(image))
    place = len(image) - SCRATCH_MARK_FROM_END
    expected[place:place + len(mark)] = mark
    total = len(image) // pattern.SECTOR
    covered = bytearray(total)
    for seed, first, count in runs:
        if count == 0 or first + count > total:
            return f"sectors {first} to {first + count} are not on a disk of {total} sectors", 0
        expected[first * pattern.SECTOR:(first + count) * pattern.SECTOR] = pattern.sectors(
            seed, first, count)
        covered[first:first + count] = b"\1" * count
    if image == expected:
        return None, sum(covered)
    wrong = [sector for sector in range(total)
             if image[sector * 512:sector * 512 + 512] != expected[sector * 512:sector * 512 + 512]]
    what = "the pattern" if covered[wrong[0]] else "untouched"
    return f"{len(wrong)} wrong sectors, the first is {wrong[0]}, which is not {what}", sum(covered)
