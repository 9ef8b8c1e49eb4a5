#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nanoseconds per request between two threads, for people: driver on one, device on the other.

tests/stress/report.py BUILD [ROUNDS [SECONDS]]: runs BUILD/stress/ring for each layout in turn, ROUNDS times (5),
with a device that polls, and prints one table; also BUILD/stress.tsv. Times depend on the machine and on
what else it does, so nothing gates here: compare rows of one table, and the least of each first.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys

LAYOUTS = ["split", "split-in-order", "packed", "packed-in-order"]


def main():
    if not 2 <= len(sys.argv) <= 4:
        sys.exit("usage: tests/stress/report.py BUILD [ROUNDS [SECONDS]]")
    build_directory = pathlib.Path(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    seconds = sys.argv[3] if len(sys.argv) > 3 else "1"
    times = {layout: [] for layout in LAYOUTS}
    for _ in range(rounds):
        for layout in LAYOUTS:
            done = subprocess.run([build_directory / "stress" / "ring", layout, "off", seconds, "polling"],
                                  check=True, stdout=subprocess.PIPE, text=True, timeout=60 + 10 * float(seconds))
            times[layout].append(float(re.search(r"([0-9.]+) ns each", done.stdout).group(1)))
    load = os.getloadavg()[0]
    print(f"two threads, ns per request, {rounds} rounds of {seconds} s, load {load:.1f}")
    print("layout             least   median     most")
    lines = ["layout\tleast\tmedian\tmost\trounds\tload"]
    for layout, values in times.items():
        figures = (min(values), statistics.median(values), max(values))
        print("{:15} {:8.1f} {:8.1f} {:8.1f}".format(layout, *figures))
        lines.append("\t".join([layout, *(f"{value:.1f}" for value in figures), str(rounds), f"{load:.2f}"]))
    (build_directory / "stress.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
