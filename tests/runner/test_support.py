# SPDX-License-Identifier: MIT
"""The table of what is supported: a claim above what the rows showed must be found."""

import unittest

from runner import support


def line(device, transport, test, row="one", verdict="pass"):
    return {"kernel": "k", "row": row, "verdict": verdict, "device": device,
            "transport": transport, "ring": "split", "test": test}


LINES = [line("blk", "modern PCI", "blk: reads"), line("blk", "modern PCI", "blk: writes"),
         line("blk", "modern PCI", "blk: reads", row="two"), line("", "", "", row="three", verdict="fail")]


def readme(cells):
    begin, end = support.markers("support")
    head = "| | " + " | ".join(support.COLUMNS) + " |\n" + "| --- " * (len(support.COLUMNS) + 1) + "|\n"
    return f"text\n{begin}\n{head}| block | {' | '.join(cells)} |\n{end}\nmore\n"


class Support(unittest.TestCase):
    def test_different_tests_are_counted(self):
        self.assertEqual(support.count(LINES), {("blk", "modern PCI"): 2})

    def test_what_was_shown_may_be_claimed(self):
        self.assertEqual(support.check_support(readme(["-", "2"] + ["-"] * 5), LINES), [])
        self.assertEqual(support.check_support(readme(["-", "1"] + ["-"] * 5), LINES), [])

    def test_more_may_not(self):
        self.assertEqual(len(support.check_support(readme(["-", "3"] + ["-"] * 5), LINES)), 1)
        self.assertEqual(len(support.check_support(readme(["1", "2"] + ["-"] * 5), LINES)), 1)

    def test_a_table_is_what_it_claims(self):
        text = support.replace(readme(["9"] * 7), "support", support.support_table(LINES))
        self.assertIn("| block | - | 2 | - | - | - | - | - |", text)
        self.assertEqual(support.check_support(text, LINES), [])

    def test_a_section_that_is_missing(self):
        self.assertRaises(support.SupportError, support.check_support, "nothing", LINES)

    def test_the_column_of_a_device(self):
        self.assertEqual(support.column({"how": "modern PCI (modern only)", "ring": "packed"}),
                         "modern PCI, packed")
        self.assertEqual(support.column({"how": "modern PCI (modern, through the window in PCI"
                                         " configuration space: ...)", "ring": "split"}), "PCI window")


if __name__ == "__main__":
    unittest.main()
