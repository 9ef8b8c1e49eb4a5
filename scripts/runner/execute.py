# SPDX-License-Identifier: MIT
"""Runs one Configuration: makes its disks, starts QEMU, watches it, ends it, collects what it said.

Owns the order of these things and the time limits. Leaves the judgement to `verdict`.
"""

import dataclasses
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from . import command, iso, images, peers, process, qmp, qtest, report, trace

LOG = "qemu.log"
BUSY_SUITES = ("blk", "net")
RESET_STEP = 4  # tests of these suites that each boot ends more than the one before it, of which the first ends one
LAST_WORDS = 1.0  # seconds that a hanging guest has, once its CPU was sent an NMI, to say why


@dataclasses.dataclass
class Products:
    """What was built: kernels, the ISO, and the docs image made of the project's files."""

    root: pathlib.Path
    docs: pathlib.Path = None

    def kernel(self, arch):
        return self.root / "build" / arch / "kernel.elf"

    @property
    def parked(self):
        return self.root / "build" / "qtest" / "parked.elf"

    def device_tests(self, configuration):
        """The tests as a program for this machine."""
        variant = configuration.arch if configuration.qtest == "sanitized" else f"coverage-{configuration.arch}"
        return self.root / "build" / "qtest" / variant / "device-tests"

    def booted(self, configuration):
        """What QEMU starts, where it starts no boot loader."""
        return self.parked if configuration.qtest else self.kernel(configuration.arch)

    @property
    def iso(self):
        return self.root / "build" / "libvirtio.iso"


@dataclasses.dataclass
class Outcome:
    """Everything that a run left behind. `stopped` says why it was ended, if it was."""

    command: list = dataclasses.field(default_factory=list)
    serial: bytes = b""
    boots: list = dataclasses.field(default_factory=list)
    stderr: list = dataclasses.field(default_factory=list)
    report: list = dataclasses.field(default_factory=list)  # of a sanitizer
    guest_errors: list = dataclasses.field(default_factory=list)
    status: int = None
    stopped: str = ""
    skip: str = ""
    diagnosis: str = ""
    seconds: float = 0.0
    checks: list = dataclasses.field(default_factory=list)


class Watcher:
    """Follows the serial output of a running machine, and acts when its time has come."""

    def __init__(self, configuration, socket, live, menu, helpers):
        self.menu = menu
        self.helpers = helpers
        self.keyboard = None
        self.parser = report.Parser()
        self.serial = bytearray()
        self.rest = b""
        self.live = live
        self.socket = socket
        self.resets_left = configuration.actions.get("reset", 0)
        self.resets = self.resets_left
        self.boots_seen = 0
        self.failure = ""

    def feed(self, chunk):
        self.serial += chunk
        if self.live:
            self.live(chunk)
        if self.menu and self.menu[0] in self.serial:
            os.write(self.keyboard, self.menu[1])
            self.menu = None
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace")
            self.parser.line(text)
            self.helpers.line(text)
            if self.resets:
                self._act()

    def finish(self):
        self.parser.line(self.rest.decode("utf-8", "replace"))

    def _reset_is_due(self):
        """Each boot is cut off in the middle of its devices' work, later than the one before. How far it has come is what
        counts: a time would be too short for one machine, and behind the end of the tests on another."""
        boots = self.parser.boots
        done = self.resets - self.resets_left
        if len(boots) != done + 1:
            return False
        busy = sum(test.suite in BUSY_SUITES and not test.skipped for test in boots[-1].tests)
        return busy > RESET_STEP * done

    def _act(self):
        try:
            if len(self.parser.boots) > self.boots_seen:
                self.boots_seen = len(self.parser.boots)
                with qmp.Qmp(self.socket) as monitor:
                    monitor.forbid_reset()
            if self.resets_left and self._reset_is_due():
                self.resets_left -= 1
                # The rest of what this boot printed is still in the pipe: the parser takes it, too.
                with qmp.Qmp(self.socket) as monitor:
                    monitor.reset()
        except (qmp.QmpError, OSError) as error:
            self.failure = f"system_reset failed: {error}"


def run(configuration, products, live=None, keep=None):
    """Returns the Outcome of a run; `live` gets the serial output as it comes.

    The working directory with disks and logs is removed, unless `keep` names one to use.
    """
    reason = unavailable(configuration)
    if reason:
        return Outcome(skip=reason)
    work = pathlib.Path(keep or tempfile.mkdtemp(prefix="libvirtio-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        return run_in(work, configuration, products, live)
    finally:
        if not keep:
            shutil.rmtree(work, ignore_errors=True)


def run_in(work, configuration, products, live):
    boot_image = iso.prepare(configuration, products, work)
    disks = images.Images(work, configuration, products.docs, boot_image)
    outcome = Outcome(command=command.qemu(configuration, work, disks,
                                           products.booted(configuration), boot_image))
    daemons = []
    try:
        for device in configuration.disks:
            if device.kind == "vhost-user-blk":
                daemons.append(start_daemon(device, work, disks, configuration.limit))
        start = time.monotonic()
        if configuration.qtest:
            watch_tests(configuration, work, outcome, live, products.device_tests(configuration))
        else:
            watch(configuration, work, outcome, live, iso.menu_keys(configuration, products.root))
        outcome.seconds = time.monotonic() - start
    finally:
        for daemon in daemons:
            daemon.stop()
    collect_log(configuration, work, outcome)
    # The disks go with the working directory: now is the time to look at them.
    outcome.checks.append(disks.check(outcome.boots))
    if "accesses" in configuration.actions:
        outcome.checks.append(trace.check(trace.read(work / LOG), configuration.actions["accesses"]))
    return outcome


def watch(configuration, work, outcome, live, menu):
    helpers = peers.Peers(configuration, work, outcome.command)
    watcher = Watcher(configuration, work / "qmp", live, menu, helpers)
    errors = bytearray()
    with process.Child(outcome.command, configuration.limit,
                       stdin=standard_input(configuration, live, menu),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        keyboard = child.process.stdin.fileno() if child.process.stdin else None
        watcher.keyboard = keyboard
        helpers.start(keyboard)
        deadline = time.monotonic() + configuration.limit
        follow(configuration, work, child, watcher, errors, deadline, outcome)
    collect(watcher, helpers, outcome)
    outcome.stderr = errors.decode("utf-8", "replace").splitlines()


def watch_tests(configuration, work, outcome, live, program):
    """The same with the tests in a process of their own."""
    helpers = peers.Peers(configuration, work, outcome.command)
    watcher = Watcher(configuration, work / "qmp", live, None, helpers)
    errors = bytearray()
    deadline = time.monotonic() + configuration.limit
    helpers.start(None)
    machine = qtest.Machine(outcome.command, work, configuration.limit)
    if not machine.fault:
        with process.Child(qtest.tests_command(configuration, work, program), configuration.limit,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            follow(configuration, work, child, watcher, errors, deadline, outcome)
    fault = machine.end()
    collect(watcher, helpers, outcome)
    outcome.stopped = outcome.stopped or fault
    outcome.stderr = machine.errors()
    outcome.report = errors.decode("utf-8", "replace").splitlines()


def follow(configuration, work, child, watcher, errors, deadline, outcome):
    """Reads what the tests say until they end, or are ended."""
    why = process.pump(child, deadline, watcher.feed, errors.extend)
    if why == "time":
        outcome.stopped = f"hangs: ended after {configuration.limit:.0f} s"
        outcome.diagnosis = qmp.explain_hang(work / "qmp", [
            command.virtio_path(configuration, number, device)
            for number, device in enumerate(configuration.devices)])
        if process.pump(child, time.monotonic() + LAST_WORDS, watcher.feed,
                        errors.extend) is None:
            child.wait(LAST_WORDS)
    elif why == "output":
        outcome.stopped = f"prints for ever: ended after {len(watcher.serial)} bytes"
    elif child.wait(5.0) is None:
        outcome.stopped = "QEMU closed its output and did not end"
    outcome.status = child.end()


def collect(watcher, helpers, outcome):
    watcher.finish()
    outcome.checks.append(helpers.finish())
    outcome.stopped = watcher.failure or outcome.stopped
    outcome.serial = bytes(watcher.serial)
    outcome.boots = watcher.parser.boots


def standard_input(configuration, live, menu):
    """What QEMU's serial port or terminal gets to read: a person, the runner, or nobody."""
    if configuration.has_terminal and live and sys.stdin.isatty():
        return sys.stdin
    return subprocess.PIPE if menu or configuration.has_terminal else subprocess.DEVNULL


def start_daemon(device, work, disks, limit):
    """Starts a storage daemon and waits until QEMU can connect to it."""
    line = command.storage_daemon(device, work, disks)
    with open(work / f"{device.role}.daemon.log", "wb") as log:
        daemon = process.Child(line, limit + process.GRACE, stdout=log, stderr=log)
    deadline = time.monotonic() + 5.0
    while not (work / f"{device.role}.vhost").exists():
        if daemon.wait(0.02) is not None or time.monotonic() > deadline:
            daemon.end()
            raise images.ImageError("qemu-storage-daemon: " + (
                work / f"{device.role}.daemon.log").read_text(errors="replace").strip())
    return daemon


def collect_log(configuration, work, outcome):
    """Reads QEMU's log (guest errors), unless it is a trace, and what the daemons said."""
    logs = list(work.glob("*.daemon.log"))
    if "accesses" not in configuration.actions:
        logs.append(work / LOG)
    for log in logs:
        if log.exists():
            outcome.guest_errors += log.read_text(errors="replace").splitlines()


@functools.lru_cache(maxsize=None)
def device_models(binary):
    """The names that a QEMU lists under -device help."""
    result = subprocess.run([binary, "-device", "help"], stdin=subprocess.DEVNULL, timeout=30,
                            capture_output=True, text=True, check=False)
    return frozenset(line.split('"')[1] for line in result.stdout.splitlines() if '"' in line)


@functools.lru_cache(maxsize=None)
def device_properties(binary, name):
    """The names of the properties of a device model."""
    try:
        listing = subprocess.run([binary, "-device", f"{name},help"], stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(re.findall(r"^\s*([\w.-]+)=", listing, re.MULTILINE))


def unavailable(configuration):
    """Why this machine cannot run the configuration at all, or an empty text."""
    binary = command.binary(configuration)
    refusal = qtest.refusal(configuration) if configuration.qtest else ""
    if refusal:
        return refusal
    if not shutil.which(binary):
        return f"no {binary}"
    for device in configuration.devices:
        name = command.device_name(configuration, device)
        if name not in device_models(binary):
            return f"{binary} has no {name}"
        need = configuration.actions.get("needs", "")
        if need and need not in device_properties(binary, name):
            return f"{binary}'s {name} has no {need}"
        if device.kind == "vhost-user-blk" and not shutil.which("qemu-storage-daemon"):
            return "no qemu-storage-daemon"
    return ""
