# SPDX-License-Identifier: MIT
"""The parser of the kernel's output."""

import unittest

import fake_qemu
from runner import report

HEAD = "libvirtio 0.1.0 kernel, i386, booted by multiboot 1, 127 MiB\n"


def boot(*lines):
    return report.parse(HEAD + "\n".join(lines) + "\n")[0]


class Report(unittest.TestCase):
    def test_reads_a_good_run(self):
        run = report.parse("\r\n".join(fake_qemu.GOOD).replace("{docs}", "ab" * 32)
                           .replace("{bytes}", "16777216"))[0]
        self.assertEqual(run.problems, [])
        self.assertEqual((run.plan, run.passed, run.failed, run.skipped), (4, 3, 0, 1))
        self.assertEqual(run.summary, (3, 0, 1))
        self.assertEqual(run.seconds, 1.234)
        self.assertEqual(run.docs, [("ab" * 32, 16777216)])
        self.assertEqual(run.scratch, [(0x12345678, 16, 100)])
        self.assertEqual(run.requests, 70001)
        self.assertEqual([test.suite for test in run.tests], ["rng", "blk", "blk", "blk"])
        self.assertEqual((run.count_devices(2), run.count_devices(4)), (2, 1))

    def test_ignores_what_firmware_prints(self):
        self.assertEqual(report.parse("SeaBIOS\nok 7 - not ours\n1..9\n"), [])

    def test_a_line_cut_by_a_reset_does_not_hide_the_banner(self):
        runs = report.parse(HEAD + "1..2\nok 1 - a: b\nok 2 - a: " + HEAD + "1..2\n")
        self.assertEqual([len(run.tests) for run in runs], [1, 0])

    def test_numbers_in_order_only(self):
        for lines in (("1..2", "ok 2 - a: x"), ("1..2", "ok 1 - a: x", "ok 1 - a: y"),
                      ("1..2", "ok - a: x")):
            self.assertTrue(boot(*lines).problems, lines)

    def test_plan_first_and_once(self):
        self.assertTrue(boot("ok 1 - a: x", "1..1").problems)
        self.assertTrue(boot("1..1", "1..1", "ok 1 - a: x").problems)

    def test_skip_needs_a_reason_and_is_no_pass(self):
        run = boot("1..1", "ok 1 - a: x # SKIP")
        self.assertTrue(run.problems)
        self.assertEqual((run.passed, run.skipped), (0, 1))

    def test_a_failure_is_one_whatever_its_directive(self):
        for directive in ("", " # SKIP later", " # TODO later"):
            self.assertEqual(boot("1..1", "not ok 1 - a: x" + directive).failed, 1)

    def test_bail_out_and_crash(self):
        self.assertTrue(boot("1..1", "Bail out! no memory").problems)
        self.assertEqual(boot("crash: page fault").crash, "crash: page fault")

    def test_malformed_data_line(self):
        self.assertTrue(boot("# blk docs sha256=12 bytes=4").problems)
        self.assertTrue(boot("# blk scratch seed=0x first=1 sectors=2").problems)
        self.assertFalse(boot("# blk docs disk is being read").problems)
