# SPDX-License-Identifier: MIT
"""The command behind scripts/matrix: runs rows of tests/matrix.conf and reports them in TAP.

Owns build/matrix.tsv, build/support.tsv and build/matrix/<row>.log; with --qtest build/qtest.tsv and
build/qtest/logs/<row>.log. Exit status: 0 if every row was good or had a
reason to be skipped and at least one was good, 1 if not, 2 for an option that means nothing.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import shutil
import sys
import traceback

from . import build, command, complaints, execute, process, qtest, support, table, verdict
from .configuration import UsageError
from .images import ImageError
from .run import TABLE, Parser

BUILD = build.ROOT / "build"
LAST_LINES = 15


@dataclasses.dataclass
class Place:
    """Where the results of one kind of runs are."""

    results: pathlib.Path
    logs: pathlib.Path

    def log(self, name):
        return self.logs / f"{name}.log"


PLACES = {"": Place(BUILD / "matrix.tsv", BUILD / "matrix"),
          "sanitized": Place(BUILD / "qtest.tsv", BUILD / "qtest" / "logs"),
          "coverage": Place(BUILD / "qtest" / "coverage.tsv", BUILD / "qtest" / "coverage-logs")}


def parser():
    options = Parser(prog="scripts/matrix", allow_abbrev=False, description=__doc__,
                     usage="sh scripts/matrix [options] [row or glob ...]",
                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = options.add_argument
    add("rows", nargs="*", help="names or globs of rows; all without it")
    add("--list", action="store_true", help="show the rows and run nothing")
    add("--tag", action="append", default=[], choices=table.TAGS, help="only rows with this tag")
    add("--jobs", type=int, default=min(os.cpu_count() or 1, 8), help="rows at the same time")
    add("--timeout", type=float, help="seconds that a row may take")
    qtest.add_options(add)
    add("--no-build", action="store_true", help="boot what was built before")
    return options


def run_row(row, products, timeout, how=""):
    """Runs one row; never raises, but for an interruption: a row that cannot run is a bad row."""
    configuration = table.configure(row)
    configuration.qtest = how
    if timeout and "hang" not in configuration.actions:
        configuration.limit = timeout
    try:
        outcome = execute.run(configuration, products)
        result = verdict.judge(configuration, outcome)
    except (ImageError, OSError) as error:
        outcome, result = execute.Outcome(), verdict.Verdict(faults=[str(error)])
    except process.Interrupted:
        raise
    except Exception:  # a mistake of the runner's own must show as a bad row, too
        outcome = execute.Outcome()
        result = verdict.Verdict(faults=traceback.format_exc().splitlines())
    write_log(PLACES[how].log(row["row"]), outcome, result)
    return outcome, result


def write_log(path, outcome, result):
    with open(path, "wb") as log:
        log.write(f"$ {command.quoted(outcome.command)}\n".encode())
        log.write(outcome.serial)
        for title, lines in (("the tests' stderr", outcome.report),
                             ("QEMU's stderr", outcome.stderr),
                             ("QEMU's log", outcome.guest_errors),
                             ("diagnosis", outcome.diagnosis.splitlines()),
                             ("checked", result.facts), ("faults", result.faults)):
            if lines:
                log.write(f"\n--- {title}\n".encode() + "\n".join(lines).encode() + b"\n")
        log.write(f"\n--- {result.word}\n".encode())


def tap_lines(number, row, outcome, result, log):
    """One test line a row, with the reasons and the last words of a bad one as comments."""
    name = row["row"]
    counts = f"{result.passed} passed, {result.failed} failed, {result.skipped} skipped"
    if result.skip:
        return [f"ok {number} - {name} # SKIP {result.skip}"]
    if result.good:
        return [f"ok {number} - {name} ({counts}, {result.seconds:.1f} s)"]
    lines = [f"not ok {number} - {name} ({counts}, {result.seconds:.1f} s)"]
    lines += [f"#   {fault}" for fault in result.faults]
    lines += [f"#   QEMU says: {line}" for line in complaints.split(outcome.stderr)[1]]
    tail = outcome.serial.decode("utf-8", "replace").splitlines()[-LAST_LINES:]
    if tail:
        lines += ["# its last lines:"] + [f"#   | {line}" for line in tail]
    return lines + [f"# all of it: {log.relative_to(build.ROOT)}"]


def write_results(path, rows, results):
    with open(path, "w", encoding="utf-8") as output:
        output.write("row\tverdict\tpassed\tfailed\tskipped\tseconds\n")
        for row, result in zip(rows, results):
            output.write(f"{row['row']}\t{result.word}\t{result.passed}\t{result.failed}"
                         f"\t{result.skipped}\t{result.seconds:.2f}\n")


def run_rows(rows, products, jobs, timeout, how):
    """Runs the rows side by side and prints them in the order of the table."""
    print(f"TAP version 13\n1..{len(rows)}", flush=True)
    results, records = [], []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(run_row, row, products, timeout, how) for row in rows]
        try:
            for number, (row, future) in enumerate(zip(rows, futures), 1):
                outcome, result = future.result()
                results.append(result)
                if not how:
                    records += support.records(row, outcome, result, products)
                log = PLACES[how].log(row["row"])
                print("\n".join(tap_lines(number, row, outcome, result, log)), flush=True)
        finally:
            for future in futures:
                future.cancel()
    if not how:
        support.write(records, [row["row"] for row in rows], products)
    return results


def main(argv):
    try:
        arguments = parser().parse_args(argv)
        if arguments.jobs < 1:
            raise UsageError("jobs is a number above 0")
        rows = table.select(table.read(TABLE), arguments.rows, arguments.tag)
        configurations = [table.configure(row) for row in rows]
    except (UsageError, OSError) as error:
        print(f"matrix: {error}\nmatrix: sh scripts/matrix --help lists the options",
              file=sys.stderr)
        return 2
    if arguments.list:
        print("\n".join(table.describe(row) for row in rows))
        return 0
    for configuration in configurations:
        configuration.qtest = arguments.qtest
    place = PLACES[arguments.qtest]
    process.catch_signals()
    try:
        products = build.products(configurations, build=not arguments.no_build, quiet=True)
        shutil.rmtree(place.logs, ignore_errors=True)
        place.logs.mkdir(parents=True)
        results = run_rows(rows, products, arguments.jobs, arguments.timeout, arguments.qtest)
    except (build.BuildError, ImageError, OSError) as error:
        print(f"Bail out! {error}")
        return 1
    except process.Interrupted as signal_name:
        print(f"Bail out! interrupted by {signal_name}")
        return 130
    write_results(place.results, rows, results)
    words = [result.word for result in results]
    print(f"{words.count('pass')} passed, {words.count('fail')} failed,"
          f" {words.count('skip')} skipped")
    return 0 if "pass" in words and "fail" not in words else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
