#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the runner's own tests and prints TAP: prove tests/runner/runner.t"""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "scripts")]


class TapResult(unittest.TestResult):
    """One TAP line a test; the traceback of a bad one as comments."""

    def __init__(self):
        super().__init__()
        self.number = 0

    def _line(self, word, test, directive="", details=""):
        self.number += 1
        name = test.id().split(".", 1)[-1].replace("_", " ")
        print(f"{word} {self.number} - runner: {name}{directive}", flush=True)
        for line in details.splitlines():
            print(f"# {line}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._line("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("ok", test, f" # SKIP {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line("not ok", test, details=self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._line("not ok", test, details=self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._line("not ok", subtest, details=str(err[1]))


if __name__ == "__main__":
    SUITE = unittest.defaultTestLoader.discover(str(HERE), "test_*.py")
    RESULT = TapResult()
    print("TAP version 13")
    SUITE.run(RESULT)
    print(f"1..{RESULT.number}")
    sys.exit(0 if RESULT.wasSuccessful() and RESULT.number else 1)
