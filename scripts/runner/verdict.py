# SPDX-License-Identifier: MIT
"""Decides whether a run was good: a list of faults, empty for a good run.

Owns the rules. A run is good if the kernel said everything it promises to say, all of it agrees,
nothing failed, and neither QEMU nor the disks tell another story.
"""

import dataclasses
import re

from . import complaints
from .command import EXIT_CRASH, EXIT_SUCCESS
from .configuration import TYPE_NUMBERS

TRANSPORT_NAMES = {"legacy": "legacy PCI", "transitional": "modern PCI", "modern": "modern PCI",
                   "mmio1": "virtio-mmio 1", "mmio2": "virtio-mmio 2"}
REPORT = re.compile(r"ERROR: |runtime error: ")  # how a sanitizer begins
REPORT_HEADS = 5
EXIT_MEANINGS = {35: "the kernel counted failures", 37: "the kernel crashed",
                 0: "the machine was reset or shut down", 1: "QEMU refused to start"}


@dataclasses.dataclass
class Verdict:
    """`faults` is empty for a good run; `facts` are the findings of checks that were made."""

    faults: list = dataclasses.field(default_factory=list)
    facts: list = dataclasses.field(default_factory=list)
    skip: str = ""
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0

    @property
    def good(self):
        return not self.faults and not self.skip

    @property
    def word(self):
        return "skip" if self.skip else "fail" if self.faults else "pass"


def judge(configuration, outcome):
    """Judges an outcome of execute.run."""
    verdict = Verdict(skip=outcome.skip, seconds=outcome.seconds)
    if outcome.skip:
        return verdict
    judge_report(outcome, verdict)
    boots = outcome.boots
    if outcome.stopped and "hang" not in configuration.actions:
        verdict.faults.append(outcome.stopped)
    judge_boots(configuration, boots, verdict)
    if boots:
        last = boots[-1]
        verdict.passed, verdict.failed, verdict.skipped = last.passed, last.failed, last.skipped
        if "crash" in configuration.actions or "hang" in configuration.actions:
            return judge_crash(configuration, last, outcome, verdict)
        judge_complete(last, verdict)
        judge_promise(configuration, last, verdict)
        judge_transport(configuration, last, verdict)
    judge_exit(configuration, outcome, verdict)
    judge_complaints(configuration, outcome, verdict)
    for faults, facts in outcome.checks:
        verdict.faults += faults
        verdict.facts += facts
    return verdict


def judge_boots(configuration, boots, verdict):
    """The kernel came up as often as it was started, and no boot before the last one failed."""
    if not boots:
        verdict.faults.append("no banner: the kernel did not come up")
        return
    due = 1 + configuration.actions.get("reset", 0)
    if len(boots) != due:
        verdict.faults.append(f"{len(boots)} boots instead of {due}")
    how = f", {configuration.arch}, {start_of(configuration)},"
    for number, boot in enumerate(boots, 1):
        where = f"boot {number}: " if due > 1 else ""
        if how not in boot.banner:
            verdict.faults.append(f"{where}the banner does not say \"{how[2:-1]}\": {boot.banner}")
        verdict.faults += [f"{where}{problem}" for problem in boot.problems]
        verdict.faults += [f"{where}not ok {test.number} - {test.text}"
                           for test in boot.tests if not test.passed]
        if boot.crash:
            verdict.faults.append(f"{where}{boot.crash}")


def start_of(configuration):
    """How the tests were started: QEMU takes no ELF64 with a multiboot 1 header, hence PVH."""
    if configuration.qtest:
        return "over qtest"
    if configuration.boot != "kernel":
        return "booted by multiboot 2"
    return "booted by multiboot 1" if configuration.arch == "i386" else "booted by PVH"


def judge_crash(configuration, boot, outcome, verdict):
    """The kernel was told to crash or hang: it must say so, and nothing may look like success.

    A kernel that hangs is ended with an NMI, which is a crash.
    """
    hang = "hang" in configuration.actions
    if hang and ("hangs" not in outcome.stopped or "non-maskable" not in boot.crash):
        verdict.faults.append("the kernel did not hang and answer the NMI: "
                              + (outcome.stopped or "it ended by itself"))
    verdict.faults = [fault for fault in verdict.faults if fault != boot.crash]
    if not boot.crash:
        verdict.faults.append("the kernel did not report the crash that it was told to make")
    if boot.summary is not None:
        verdict.faults.append("the kernel went on after its crash")
    if outcome.status != EXIT_CRASH:
        verdict.faults.append(f"QEMU's exit status is {outcome.status} instead of {EXIT_CRASH}")
    if not verdict.faults:
        verdict.facts.append(f"reported: {boot.crash}")
    return verdict


def judge_complete(boot, verdict):
    """The plan, the tests and the summary are there and tell the same."""
    if boot.plan is None:
        verdict.faults.append("no TAP plan")
    elif len(boot.tests) != boot.plan:
        verdict.faults.append(f"{len(boot.tests)} tests of {boot.plan} planned")
    elif boot.plan == 0:
        verdict.faults.append("the plan has no tests")
    if boot.summary is None:
        verdict.faults.append("no summary")
    elif boot.summary != (boot.passed, boot.failed, boot.skipped):
        verdict.faults.append("the summary says %d passed, %d failed, %d skipped" % boot.summary
                              + f"; the tests say {boot.passed}, {boot.failed}, {boot.skipped}")
    if boot.seconds is None:
        verdict.faults.append("the kernel did not say how long it took")


def judge_promise(configuration, boot, verdict):
    """The promised devices were reported, and a suite of each type really ran."""
    for kind, count in configuration.expect.items():
        found = boot.count_devices(TYPE_NUMBERS[kind])
        if found != count:
            verdict.faults.append(f"{found} {kind} devices reported instead of {count}")
        if not configuration.suite_is_due(kind) or count == 0:
            continue
        if not any(test.suite == kind and not test.skipped for test in boot.tests):
            verdict.faults.append(f"no {kind} test ran")
    if not configuration.expect and boot.devices:
        verdict.faults.append(f"{len(boot.devices)} devices reported where none was promised")


def judge_transport(configuration, boot, verdict):
    """Every device was driven over the transport that the row is about."""
    due = TRANSPORT_NAMES[configuration.transport]
    if configuration.transport == "transitional" and "force=legacy" in configuration.words:
        due = TRANSPORT_NAMES["legacy"]
    word = configuration.actions.get("report", "")
    for device in boot.devices:
        if not device["how"].startswith(due):
            verdict.faults.append(f"{device['where']} is driven as {device['how']}, not as {due}")
        if word not in device["how"]:
            verdict.faults.append(f"{device['where']} is reported without the word {word}:"
                                  f" {device['how']}")


def judge_complaints(configuration, outcome, verdict):
    """QEMU accuses the driver of nothing, but of exactly those requests that tests want refused."""
    lines = complaints.split(outcome.stderr + outcome.guest_errors)[0]
    due = configuration.actions.get("refusals", 0)
    if due:
        refusals = [line for line in lines if complaints.is_refusal(line)]
        lines = [line for line in lines if line not in refusals]
        if len(refusals) == due:
            verdict.facts.append(f"{due} requests refused, as they should be")
        else:
            verdict.faults.append(f"QEMU refused {len(refusals)} requests instead of {due}")
    verdict.faults += [f"QEMU complains: {line}" for line in lines]


def judge_report(outcome, verdict):
    """The tests as a process have nothing to say on stderr, but their sanitizers have."""
    heads = [line for line in outcome.report if REPORT.search(line)] or outcome.report[:1]
    verdict.faults += [f"the tests' process: {line.strip()}" for line in heads[:REPORT_HEADS]]


def judge_exit(configuration, outcome, verdict):
    if outcome.stopped or outcome.status == EXIT_SUCCESS:
        return
    whose = "the tests'" if configuration.qtest else "QEMU's"
    meaning = EXIT_MEANINGS.get(outcome.status, "not a status that the kernel writes")
    verdict.faults.append(f"{whose} exit status is {outcome.status} instead of {EXIT_SUCCESS}:"
                          f" {meaning}")
