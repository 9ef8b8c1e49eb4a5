# SPDX-License-Identifier: MIT
"""Whole runs with a fake QEMU: the runner must go red for every way in which a run can be bad."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import fake_qemu
from runner import build, execute, images, matrix, process, table, verdict

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT = ("default|i386|pc|transitional|kernel|128M|blk:docs,blk:scratch,rng|none|none"
           "|blk:2,rng:1|none|short\n")


class FakeRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="libvirtio-test-"))
        cls.products = execute.Products(cls.directory, cls.directory / "docs.img")
        # A small file in the place of the file system: the fake guest only hashes it.
        cls.products.docs.write_bytes(bytes(range(256)) * 512)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.directory)

    def setUp(self):
        os.environ["LIBVIRTIO_QEMU_I386"] = str(HERE / "fake_qemu.py")
        self.addCleanup(os.environ.pop, "LIBVIRTIO_QEMU_I386")

    def run_fake(self, limit=20.0, row="", **scenario):
        os.environ["FAKE_QEMU"] = json.dumps(scenario)
        configuration = table.configure(table.parse(DEFAULT + row)[-1])
        configuration.limit = limit
        outcome = execute.run(configuration, self.products)
        return outcome, verdict.judge(configuration, outcome)

    def assert_red(self, fault, **scenario):
        outcome, result = self.run_fake(**scenario)
        self.assertEqual(result.word, "fail")
        self.assertTrue(any(fault in each for each in result.faults), result.faults)
        return outcome, result

    @staticmethod
    def without(*words):
        return [line for line in fake_qemu.GOOD if not any(word in line for word in words)]

    @staticmethod
    def replaced(old, new):
        return [line.replace(old, new) for line in fake_qemu.GOOD]


class Verdicts(FakeRun):
    def test_good_run(self):
        _, result = self.run_fake()
        self.assertEqual(result.faults, [])
        self.assertEqual((result.word, result.passed, result.skipped), ("pass", 3, 1))
        self.assertEqual(len(result.facts), 2)

    def test_silence(self):
        self.assert_red("no banner", lines=[])

    def test_missing_plan(self):
        self.assert_red("no TAP plan", lines=self.without("1..4"))

    def test_empty_plan(self):
        self.assert_red("the plan has no tests", lines=fake_qemu.GOOD[:6] + [
            "1..0", "0 passed, 0 failed, 0 skipped", "time: 0.1 s"])

    def test_plan_not_completed(self):
        self.assert_red("3 tests of 4", lines=self.without("ok 4"))

    def test_failing_test_with_a_good_exit_status(self):
        self.assert_red("not ok 3", lines=self.replaced("ok 3", "not ok 3"))

    def test_summary_that_tells_another_story(self):
        self.assert_red("the summary says", lines=self.replaced("3 passed", "4 passed"))

    def test_missing_summary(self):
        self.assert_red("no summary", lines=self.without("passed,"))

    def test_missing_time(self):
        self.assert_red("how long it took", lines=self.without("time:"))

    def test_exit_statuses(self):
        for status in (0, 1, 35, 37, 32, 139):
            self.assert_red("exit status", status=status)

    def test_crash(self):
        self.assert_red("crash: page fault", lines=fake_qemu.GOOD[:8] + ["crash: page fault"],
                        status=37)

    def test_complaint_on_stderr(self):
        self.assert_red("Looped descriptor", stderr="qemu-system-i386: Looped descriptor\n")

    def test_refusals_that_were_asked_for(self):
        refused = "qemu-system-i386: virtio-blk missing headers\n"
        row = "x|||||||||blk:2,rng:1|refusals=2|"
        _, result = self.run_fake(row=row, stderr=refused * 2)
        self.assertEqual(result.faults, [])
        self.assertIn("2 requests refused, as they should be", result.facts)
        for times in (0, 1, 3):
            self.assert_red(f"refused {times} requests instead of 2", row=row, stderr=refused * times)
        self.assert_red("Looped descriptor", row=row,
                        stderr=refused * 2 + "qemu-system-i386: Looped descriptor\n")
        self.assert_red("missing headers", stderr=refused)

    def test_guest_error_in_the_log(self):
        self.assert_red("wrong size", log="virtio_mmio_read: wrong size access to register!\n")

    def test_other_words_on_stderr_are_no_fault(self):
        outcome, result = self.run_fake(stderr="qemu-system-i386: warning: something else\n")
        self.assertTrue(result.good)
        self.assertIn("something else", outcome.stderr[0])

    def test_promised_device_missing(self):
        self.assert_red("1 blk devices reported instead of 2", lines=self.without("00:04.0"))

    def test_suite_that_did_not_run(self):
        lines = self.replaced("ok 1 - rng: draws bytes", "ok 1 - rng: draws bytes # SKIP no rng")
        self.assert_red("no rng test ran", lines=lines)

    def test_device_where_none_was_promised(self):
        self.assert_red("where none was promised", row="x|||||||||none||")

    def test_another_kernel_than_asked_for(self):
        self.assert_red("x86_64", lines=self.replaced("i386", "x86_64"))

    def test_another_boot_protocol(self):
        self.assert_red("multiboot 1", lines=self.replaced("multiboot 1", "PVH"))

    def test_another_transport(self):
        self.assert_red("is driven as legacy PCI", lines=self.replaced("modern PCI", "legacy PCI"))
        self.assert_red("not as legacy PCI", row="x|||||||| force=legacy|blk:2,rng:1||")

    def test_another_reason_than_the_rows(self):
        self.assert_red("without the word window", row="x|||||||||blk:2,rng:1|report=window|")

    def test_second_boot(self):
        self.assert_red("2 boots instead of 1", lines=fake_qemu.GOOD * 2)

    def test_reset_that_did_not_happen(self):
        self.assert_red("boots instead of 3", row="x|||||||||blk:2,rng:1|reset=2|")


class Resets(unittest.TestCase):
    """When a machine is reset depends on how far its tests have come, and on no clock."""

    class Monitor:
        def __init__(self, calls):
            self.calls = calls

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            pass

        def forbid_reset(self):
            pass

        def reset(self):
            self.calls.append("reset")

    def boot(self, watcher, calls, tests):
        """How many blk tests a boot ends until it is reset, of those that there are."""
        done = len(calls)
        for line in ["", fake_qemu.GOOD[0], "TAP version 13", f"1..{tests + 2}", "ok 1 - rng: draws bytes",
                     "ok 2 - net: 29 tests # SKIP there is no network device"]:
            watcher.feed(line.encode() + b"\n")
        for number in range(1, tests + 1):
            watcher.feed(f"ok {number + 2} - blk: number {number}\n".encode())
            if len(calls) > done:
                return number
        return None

    def test_each_boot_comes_further_than_the_one_before(self):
        calls = []
        configuration = table.configure(table.parse(DEFAULT + "x|||||||||blk:2,rng:1|reset=3|")[-1])
        helpers = mock.Mock()
        with mock.patch.object(execute.qmp, "Qmp", lambda _socket: self.Monitor(calls)):
            watcher = execute.Watcher(configuration, "qmp", None, None, helpers)
            self.assertEqual([self.boot(watcher, calls, 20) for _ in range(4)], [1, 5, 9, None])
        self.assertEqual(calls, ["reset"] * 3)


class Crashes(FakeRun):
    ROW = "x|||||||||blk:2,rng:1|crash=1|"
    LINES = fake_qemu.GOOD[:2] + ["crash: page fault (exception 14)"]

    def test_demanded_crash(self):
        _, result = self.run_fake(row=self.ROW, lines=self.LINES, status=37)
        self.assertEqual(result.faults, [])

    def test_demanded_crash_that_did_not_happen(self):
        self.assert_red("did not report", row=self.ROW)

    def test_crash_with_the_wrong_end(self):
        for status in (33, 0):
            self.assert_red("exit status", row=self.ROW, lines=self.LINES, status=status)


class Hangs(FakeRun):
    ROW = "x|||||||||blk:2,rng:1|hang=1|"
    LINES = fake_qemu.GOOD[:2] + ["crash: non-maskable interrupt (exception 2)"]

    def test_demanded_hang(self):
        # The fake does not know an NMI, so its status is not a crash's; all else is right.
        _, result = self.run_fake(row=self.ROW, lines=self.LINES, hang=30, limit=1.0)
        self.assertEqual(len(result.faults), 1)
        self.assertIn("exit status", result.faults[0])

    def test_demanded_hang_that_ends_by_itself(self):
        self.assert_red("ended by itself", row=self.ROW, lines=self.LINES, status=37)

    def test_demanded_hang_that_stays_silent(self):
        self.assert_red("did not hang and answer", row=self.ROW, hang=30, limit=1.0)


class Disks(FakeRun):
    def test_wrong_digest(self):
        self.assert_red("SHA-256", lines=self.replaced("{docs}", "0" * 64))

    def test_wrong_size(self):
        self.assert_red("bytes of disk docs", lines=self.replaced("{bytes}", "512"))

    def test_missing_digest(self):
        self.assert_red("no digest", lines=self.without("sha256"))

    def test_missing_scratch_line(self):
        self.assert_red("did not say what it wrote", lines=self.without("seed="), pattern=None)

    def test_read_only_run_leaves_the_scratch_disk_alone(self):
        row = "x||||||||disk=ro|blk:2,rng:1||"
        _, result = self.run_fake(row=row, lines=self.without("seed="), pattern=None)
        self.assertEqual(result.faults, [])
        self.assert_red("disk scratch", row=row, lines=self.without("seed="))

    def test_docs_disk_changed(self):
        self.assert_red("disk docs was changed", spoil={"docs": 1000})

    def test_pattern_not_written(self):
        self.assert_red("100 wrong sectors", pattern=None)

    def test_pattern_of_another_place(self):
        self.assert_red("disk scratch", pattern=[0x12345678, 17, 100])

    def test_byte_outside_the_pattern(self):
        self.assert_red("not untouched", spoil={"scratch": 1000000})


class TimeLimits(FakeRun):
    def test_hang_is_ended_in_time_with_its_process(self):
        start = time.monotonic()
        outcome, _ = self.assert_red("hangs", limit=1.0, hang=60)
        self.assertLess(time.monotonic() - start, 15)
        self.assertIn(b"libvirtio 0.1.0", outcome.serial)
        self.assertTrue(outcome.diagnosis)
        self.assertFalse(process._register)

    def test_endless_output_is_ended(self):
        limit, process.OUTPUT_LIMIT = process.OUTPUT_LIMIT, 1024 * 1024
        try:
            self.assert_red("prints for ever", flood=True)
        finally:
            process.OUTPUT_LIMIT = limit

    def test_interruption_ends_every_process(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.interrupt(number)

    def interrupt(self, number):
        """A runner with a hanging child of its own is interrupted: neither may remain.

        The child holds the runner's stdout: it is at its end only when both are gone.
        """
        script = ("from runner import process; process.catch_signals()\n"
                  "child = process.Child(['sleep', '60'], 60)\n"
                  "print('started', flush=True); child.wait(60)\n")
        environment = dict(os.environ, PYTHONPATH=str(build.ROOT / "scripts"))
        with subprocess.Popen([sys.executable, "-B", "-c", script], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=environment) as runner:
            self.assertEqual(runner.stdout.readline(), b"started\n")
            runner.send_signal(number)
            self.assertEqual(runner.communicate(timeout=10)[0], b"")
            self.assertNotEqual(runner.returncode, 0)

    def test_killed_runner_leaves_nothing_for_long(self):
        limit = process.GRACE
        process.GRACE = 0
        try:
            child = process.Child(["sleep", "60"], 1)
            self.assertIsNotNone(child.wait(10))
        finally:
            process.GRACE = limit
            child.end()


class Skips(FakeRun):
    def test_missing_device_model_is_a_skip_and_no_pass(self):
        _, result = self.run_fake(row="x|||||| vhost-user-blk:docs|||blk:1||")
        self.assertEqual(result.word, "skip")
        self.assertIn("vhost-user-blk-pci", result.skip)
        self.assertFalse(result.good)

    def test_missing_property_is_a_skip_where_it_is_needed(self):
        row = "x|||modern,in_order=on||||||blk:2,rng:1|needs=in_order|"
        _, result = self.run_fake(row=row)
        self.assertEqual(result.word, "skip")
        self.assertIn("virtio-blk-pci has no in_order", result.skip)
        self.assertTrue(self.run_fake(row=row.replace("in_order", "packed"))[1].good)

    def test_missing_emulator(self):
        os.environ["LIBVIRTIO_QEMU_I386"] = "/nowhere/qemu"
        self.assertIn("/nowhere/qemu", self.run_fake()[1].skip)


class MatrixLines(FakeRun):
    def lines(self, **scenario):
        outcome, result = self.run_fake(**scenario)
        return matrix.tap_lines(7, {"row": "x"}, outcome, result, matrix.PLACES[""].log("x"))

    def test_lines(self):
        self.assertRegex(self.lines()[0], r"^ok 7 - x \(3 passed, 0 failed, 1 skipped")
        bad = self.lines(status=35)
        self.assertRegex(bad[0], r"^not ok 7 - x ")
        self.assertTrue(all(line.startswith("#") for line in bad[1:]))
        self.assertTrue(any("35" in line for line in bad))


class DocsImage(unittest.TestCase):
    def test_is_a_file_system_and_depends_on_the_files_alone(self):
        with tempfile.TemporaryDirectory() as directory:
            directory = pathlib.Path(directory)
            root = directory / "root"
            (root / "docs").mkdir(parents=True)
            (root / "README.md").write_text("read me\n")
            (root / "docs" / "a.md").write_text("a\n")
            images.make_docs(root, directory / "1.img", directory)
            time.sleep(1.1)
            os.utime(root / "README.md")
            images.make_docs(root, directory / "2.img", directory)
            self.assertEqual(images.digest(directory / "1.img"), images.digest(directory / "2.img"))
            text = images.run_tool(["debugfs", "-R", "cat /README.md", str(directory / "1.img")],
                                   env=images.tool_environment())
            self.assertEqual(text, "read me\n")
            images.run_tool(["e2fsck", "-fn", str(directory / "1.img")],
                            env=images.tool_environment())
