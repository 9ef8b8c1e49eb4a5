# SPDX-License-Identifier: MIT
"""The matrix's syntax, and the words of its cells."""

import pathlib
import unittest

from runner import configuration as conf, table
from runner.configuration import UsageError

DEFAULT = "default|i386|pc|transitional|kernel|128M|blk:docs,blk:scratch,rng|none|none|blk:2,rng:1|none|short\n"
MATRIX = pathlib.Path(__file__).parents[1] / "matrix.conf"


def row(line):
    return table.configure(table.parse(DEFAULT + line)[1])


class Table(unittest.TestCase):
    def test_empty_cells_are_the_default_rows(self):
        run = row("x|x86_64|q35|||||||blk:2,rng:1||")
        self.assertEqual((run.arch, run.machine, run.transport, run.memory, run.boot),
                         ("x86_64", "q35", "transitional", 128, "kernel"))
        self.assertEqual([device.role for device in run.devices], ["docs", "scratch", ""])
        self.assertEqual(run.kernel_words, ["expect=blk:2,rng:1"])

    def test_cells(self):
        run = row("x|||modern,vectors=0||6G|blk:docs,queue-size=4,addr=3,rng|-smp 2 -name 'a b'"
                  "|suites=blk config=ecam|blk:1,rng:1|reset=3|long")
        self.assertEqual(run.transport_properties, ["vectors=0"])
        self.assertEqual(run.memory, 6144)
        self.assertEqual(run.devices[0].properties, ["queue-size=4", "addr=3"])
        self.assertEqual(run.qemu, ["-smp", "2", "-name", "a b"])
        self.assertEqual(run.suites, ["blk"])
        self.assertEqual(run.actions, {"reset": 3})
        self.assertTrue(run.data_is_due(run.devices[0]))

    def test_every_mistake_is_named_with_its_line(self):
        mistakes = {
            "x|arm|||||||||blk:1||": "13 cells",
            "x|arm||||||||blk:1||": "arm",
            "x||isapc|||||||blk:1||": "isapc",
            "x|||old||||||blk:1||": "old",
            "x|||modern,vectors||||||blk:1||": "vectors",
            "x||||floppy|||||blk:1||": "floppy",
            "x|||||0||||blk:1||": "memory",
            "x||||||foo|||blk:1||": "foo",
            "x||||||blk|||blk:1||": "blk:docs",
            "x||||||blk:mine|||blk:1||": "blk:mine",
            "x||||||rng:docs|||rng:1||": "only disks",
            "x||||||console|||console:1||": "console:single",
            "x||||||console:docs|||console:1||": "console:single",
            "x||||||keyboard:docs|||input:1||": "only disks",
            "x||||||queue-size=4,rng|||rng:1||": "queue-size=4",
            "x||||||blk:docs,blk:docs|||blk:2||": "docs",
            "x||||||blk:scratch,blk:scratch-2|||blk:2||": "two scratch",
            "x||||||blk:boot|||blk:1||": "blk:boot",
            "x|||||||||||": "promises nothing",
            "x|||||||||blk||": "blk",
            "x|||||||||floppy:1||": "floppy",
            "x|||||||||blk:2,rng:1|dance=1|": "dance",
            "x|||||||||blk:2,rng:1|reset|": "reset",
            "x|||||||||blk:2,rng:1||sometimes": "sometimes",
            "x||microvm|||||||blk:2,rng:1||": "microvm",
            "x|||mmio1||||||blk:2,rng:1||": "mmio1",
            "x|||||||-a 'b||blk:2,rng:1||": "-a 'b",
            "X|||||||||blk:2,rng:1||": "no row name",
            "default|||||||||blk:2,rng:1||": "default",
        }
        for line, word in mistakes.items():
            with self.assertRaises(UsageError, msg=line) as caught:
                row(line)
            self.assertIn(word, str(caught.exception))
            self.assertIn("table:2:", str(caught.exception))

    def test_no_rows_and_no_default(self):
        for text in ("", "# only words\n", DEFAULT.replace("default", "other")):
            with self.assertRaises(UsageError):
                table.parse(text)

    def test_second_row_of_one_name(self):
        with self.assertRaises(UsageError):
            table.parse(DEFAULT + "x|||||||||blk:2,rng:1||\n" * 2)

    def test_selection(self):
        rows = table.parse(DEFAULT + "pc-a|||||||||blk:2,rng:1||\npc-b|||||||||blk:2,rng:1||long\n")
        names = lambda *arguments: [each["row"] for each in table.select(rows, *arguments)]
        self.assertEqual(names(["pc-*"]), ["pc-a", "pc-b"])
        self.assertEqual(names([]), ["default", "pc-a", "pc-b"])
        self.assertEqual(names([], ["long"]), ["pc-b"])
        with self.assertRaises(UsageError):
            names(["q35-*"])

    def test_the_projects_matrix_promises_what_it_attaches(self):
        for cells in table.read(MATRIX):
            run = table.configure(cells)
            self.assertEqual(run.expect, conf.promised(run.devices), run.name)
