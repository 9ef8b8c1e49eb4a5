# SPDX-License-Identifier: MIT
"""Runs whose tests are a process beside the machine, with a fake QEMU and a fake process."""

import json
import os
import pathlib

import fake_qemu
from runner import execute, qtest, table, verdict
from test_execute import DEFAULT, HERE, FakeRun

BANNER = "libvirtio 0.1.0 tests, i386, over qtest, 128 MiB of memory"
LINES = [BANNER] + fake_qemu.GOOD[1:]


class ProcessRun(FakeRun):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        program = pathlib.Path(cls.directory) / "build" / "qtest" / "i386" / "device-tests"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec "{HERE}/fake_qemu.py" --tests "$@"\n')
        program.chmod(0o755)

    def run_fake(self, limit=20.0, row="", **scenario):
        os.environ["FAKE_QEMU"] = json.dumps(dict({"lines": LINES}, **scenario))
        configuration = table.configure(table.parse(DEFAULT + row)[-1])
        configuration.limit = limit
        configuration.qtest = "sanitized"
        outcome = execute.run(configuration, self.products)
        return outcome, verdict.judge(configuration, outcome)


class Verdicts(ProcessRun):
    def test_good_run(self):
        outcome, result = self.run_fake()
        self.assertEqual(result.faults, [])
        self.assertEqual((result.word, result.passed, result.skipped), ("pass", 3, 1))
        self.assertIn("-qtest", outcome.command)
        self.assertNotIn("-append", outcome.command)
        self.assertTrue(any("share=on" in word for word in outcome.command))

    def test_kernel_in_the_place_of_the_tests(self):
        self.assert_red("over qtest", lines=fake_qemu.GOOD)

    def test_silence(self):
        self.assert_red("no banner", lines=[])

    def test_failing_test(self):
        self.assert_red("not ok 3", lines=[line.replace("ok 3", "not ok 3") for line in LINES])

    def test_exit_statuses(self):
        for status in (0, 1, 35, 37, 134):
            self.assert_red("the tests' exit status", status=status)

    def test_disks_are_looked_at(self):
        self.assert_red("100 wrong sectors", pattern=None)

    def test_what_a_sanitizer_says(self):
        report = "=================\n==7==ERROR: AddressSanitizer: heap-buffer-overflow\n    #0 0x1 in main\n"
        outcome, _ = self.assert_red("AddressSanitizer: heap-buffer-overflow", report=report)
        self.assertEqual(len(outcome.report), 3)
        self.assert_red("misaligned", report="a.c:1:2: runtime error: load of misaligned address\n")

    def test_any_word_on_stderr(self):
        self.assert_red("something else", report="something else\n")

    def test_complaint_of_qemu(self):
        self.assert_red("Looped descriptor", stderr="qemu-system-i386: Looped descriptor\n")
        self.assert_red("wrong size", log="virtio_mmio_read: wrong size access to register!\n")

    def test_qemu_that_does_not_start(self):
        self.assert_red("QEMU ended at once with status 1", dies=True)

    def test_qemu_that_leaves_early(self):
        self.assert_red("QEMU ended before the tests did", leaves=True)

    def test_qemu_that_ends_badly(self):
        self.assert_red("QEMU ended with status 3", qemu_status=3)

    def test_qemu_that_does_not_end(self):
        limit, qtest.END_SECONDS = qtest.END_SECONDS, 0.5
        try:
            self.assert_red("QEMU ended with status None", stays=True)
        finally:
            qtest.END_SECONDS = limit

    def test_tests_that_hang(self):
        self.assert_red("hangs", limit=1.0, hang=60)


class Refusals(ProcessRun):
    def refused(self, reason, row):
        _, result = self.run_fake(row=row)
        self.assertEqual((result.word, result.good), ("skip", False))
        self.assertIn(reason, result.skip)

    def test_what_only_a_kernel_can(self):
        for action in ("crash=1", "hang=2", "reset=3", "accesses=1", "report=window"):
            self.refused("qtest: ", f"x|||||||||blk:2,rng:1|{action}|")

    def test_boot_loader_and_memory(self):
        self.refused("nothing is booted", "x||||iso|||||blk:2,rng:1||")
        self.refused("more than 2048 MiB", "x|||||6G||||blk:2,rng:1||")
