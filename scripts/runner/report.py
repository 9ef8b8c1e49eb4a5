# SPDX-License-Identifier: MIT
"""Reads what the kernel printed on the serial port: banner, devices, TAP, data lines, summary.

Owns the grammar of the kernel's output, and is strict with it: what is not as promised becomes an
entry of `problems`. Does not judge; `verdict` does.
"""

import dataclasses
import re

BANNER = re.compile(r"libvirtio \S+ (?:kernel|tests), ")
DEVICE = re.compile(r"(?P<where>\S+ \S+) (?P<name>.+) \(type (?P<type>\d+)\), (?P<how>.+)")
QUEUES = re.compile(r"  queues: \d+ \(\d+, (split|packed)\)")
TEST = re.compile(r"(?P<not>not )?ok\b(?: (?P<number>\d+))?(?: - (?P<text>.*))?$")
SKIP = re.compile(r"(?P<text>.*?)\s*# SKIP\b\s*(?P<reason>.*)$", re.IGNORECASE)
PLAN = re.compile(r"1\.\.(\d+)$")
SUMMARY = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped$")
TIME = re.compile(r"time: (\d+(?:\.\d+)?) s$")
DOCS = re.compile(r"# blk docs sha256=([0-9a-f]{64}) bytes=(\d+)$")
SCRATCH = re.compile(r"# blk scratch seed=0x([0-9a-f]+) first=(\d+) sectors=(\d+)$")
REQUESTS = re.compile(r"# blk requests=(\d+)$")
DISCARDED = re.compile(r"# blk discarded first=(\d+) sectors=(\d+)$")
RESIZED = re.compile(r"# blk resized bytes=(\d+)$")
DATA_PREFIX = re.compile(r"# blk (docs|scratch|requests|discarded|resized)\b.*=")


@dataclasses.dataclass
class Test:
    """One TAP line."""

    number: int
    passed: bool
    text: str
    skipped: bool = False

    @property
    def suite(self):
        return self.text.split(":")[0] if ":" in self.text else ""


@dataclasses.dataclass
class Boot:
    """What one boot of the kernel printed, from its banner to the next."""

    banner: str = ""
    command_line: str = ""
    devices: list = dataclasses.field(default_factory=list)
    plan: int = None
    tests: list = dataclasses.field(default_factory=list)
    summary: tuple = None
    seconds: float = None
    crash: str = ""
    docs: list = dataclasses.field(default_factory=list)
    scratch: list = dataclasses.field(default_factory=list)
    requests: int = None
    discarded: list = dataclasses.field(default_factory=list)
    resized: list = dataclasses.field(default_factory=list)
    problems: list = dataclasses.field(default_factory=list)

    @property
    def passed(self):
        return sum(test.passed and not test.skipped for test in self.tests)

    @property
    def failed(self):
        return sum(not test.passed for test in self.tests)

    @property
    def skipped(self):
        return sum(test.passed and test.skipped for test in self.tests)

    def count_devices(self, type_number):
        return sum(device["type"] == str(type_number) for device in self.devices)


class Parser:
    """Takes lines as they arrive; `boots` is always what has been seen so far."""

    def __init__(self):
        self.boots = []

    def line(self, text):
        text = text.rstrip("\r\n")
        banner = BANNER.search(text)  # not at its start if a reset cut the line before it
        if banner:
            self.boots.append(Boot(banner=text[banner.start():]))
            return
        if not self.boots:
            return  # firmware and boot loader may print before the kernel does
        boot = self.boots[-1]
        for pattern, action in RULES:
            match = pattern.match(text)
            if match:
                action(boot, match, text)
                return


def parse(text):
    """All of a run's serial output at once; returns the boots."""
    parser = Parser()
    for line in text.split("\n"):
        parser.line(line)
    return parser.boots


def take_plan(boot, match, text):
    if boot.plan is not None:
        boot.problems.append(f"a second plan: {text}")
    elif boot.tests:
        boot.problems.append("the plan comes after the first test")
    else:
        boot.plan = int(match[1])


def take_test(boot, match, text):
    if boot.plan is None:
        boot.problems.append(f"a test before the plan: {text}")
    if boot.summary is not None:
        boot.problems.append(f"a test after the summary: {text}")
    expected = len(boot.tests) + 1
    number = int(match["number"] or 0)
    if number != expected:
        boot.problems.append(f"test {number} where {expected} was due: {text}")
    description = match["text"] or ""
    skip = SKIP.match(description)
    if skip and not skip["reason"]:
        boot.problems.append(f"a skip without a reason: {text}")
    boot.tests.append(Test(number, not match["not"], skip["text"] if skip else description,
                           bool(skip)))


def take_summary(boot, match, text):
    if boot.summary is not None:
        boot.problems.append(f"a second summary: {text}")
    boot.summary = tuple(int(number) for number in match.groups())


def take_crash(boot, _match, text):
    boot.crash = boot.crash or text


def take_bail_out(boot, _match, text):
    boot.problems.append(text)


def take_device(boot, match, _text):
    boot.devices.append(dict(match.groupdict(), ring=""))


def take_queues(boot, match, _text):
    if boot.devices:
        boot.devices[-1]["ring"] = match[1]


def take_command_line(boot, match, _text):
    boot.command_line = match[1]


def take_time(boot, match, _text):
    boot.seconds = float(match[1])


def take_docs(boot, match, _text):
    boot.docs.append((match[1], int(match[2])))


def take_scratch(boot, match, _text):
    boot.scratch.append((int(match[1], 16), int(match[2]), int(match[3])))


def take_requests(boot, match, _text):
    boot.requests = int(match[1])


def take_discarded(boot, match, _text):
    boot.discarded.append((int(match[1]), int(match[2])))


def take_resized(boot, match, _text):
    boot.resized.append(int(match[1]))


def take_malformed(boot, _match, text):
    boot.problems.append(f"a data line that cannot be read: {text}")


RULES = (
    (PLAN, take_plan),
    (TEST, take_test),
    (SUMMARY, take_summary),
    (TIME, take_time),
    (re.compile(r"crash: .*"), take_crash),
    (re.compile(r"Bail out!.*"), take_bail_out),
    (DOCS, take_docs),
    (SCRATCH, take_scratch),
    (REQUESTS, take_requests),
    (DISCARDED, take_discarded),
    (RESIZED, take_resized),
    (DATA_PREFIX, take_malformed),
    (re.compile(r"command line: ?(.*)"), take_command_line),
    (DEVICE, take_device),
    (QUEUES, take_queues),
)
