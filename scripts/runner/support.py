# SPDX-License-Identifier: MIT
"""What the matrix showed of each device: build/support.tsv, and the table in README.md that is made of it.

Owns build/support.tsv: a line for each test that a row passed, by device type, transport and ring, and a
line without a device for each row that was run at all. Lines of an earlier run stay as long as the kernel
is the same, so that the matrix can be run in pieces.

    python3 -m runner.support --write      make the tables of README.md anew (make support)
    python3 -m runner.support --check      does README.md claim more than was shown? (make check-support)

A number in the table is how many different tests of the device's suite passed in at least one row, none of
which failed.
"""

import collections
import csv
import hashlib
import re
import sys

from . import build, table
from .configuration import TYPE_NUMBERS

RESULTS = build.ROOT / "build" / "support.tsv"
SIZES = build.ROOT / "build" / "size.tsv"
README = build.ROOT / "README.md"
HEADERS = build.ROOT / "include" / "virtio"
MATRIX = build.ROOT / "tests" / "matrix.conf"
FIELDS = ("kernel", "row", "verdict", "device", "transport", "ring", "test")
NAMES = {"blk": "block", "rng": "entropy", "net": "network", "console": "console", "input": "input",
         "balloon": "balloon", "scsi": "SCSI", "gpu": "GPU", "9p": "9P"}
COLUMNS = ("legacy PCI", "modern PCI", "modern PCI, packed", "PCI window", "virtio-mmio 1",
           "virtio-mmio 2", "virtio-mmio 2, packed")
FAKE = re.compile(r"^ \* +\d+ +(VIRTIO_\w+) .*\(fake\)")
SIZE_TOLERANCE = 1.1  # another compiler may need so much more than README.md says


class SupportError(Exception):
    """The table cannot be made, or claims too much; the text says why."""


# --- Records ----------------------------------------------------------------------------------------

def kernel_digest(products, arch):
    return hashlib.sha256(products.kernel(arch).read_bytes()).hexdigest()[:16]


def column(device):
    """The table's column for a device as the kernel reported it."""
    name = device["how"].split(" (")[0]
    if "window" in device["how"]:
        return "PCI window"
    return f"{name}, packed" if device["ring"] == "packed" else name


def records(row, outcome, result, products):
    """The lines of one row."""
    common = {"kernel": kernel_digest(products, row["arch"]), "row": row["row"],
              "verdict": result.word}
    lines = [dict(common, device="", transport="", ring="", test="")]
    if not result.good or not outcome.boots:
        return lines
    boot = outcome.boots[-1]
    for kind, number in TYPE_NUMBERS.items():
        places = {(column(device), device["ring"]) for device in boot.devices
                  if device["type"] == str(number)}
        tests = [test.text for test in boot.tests
                 if test.suite == kind and test.passed and not test.skipped]
        lines += [dict(common, device=kind, transport=place, ring=ring, test=text)
                  for place, ring in sorted(places) for text in tests]
    return lines


def read():
    try:
        with open(RESULTS, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except FileNotFoundError:
        return []


def write(lines, rows, products):
    """Keeps what is known of other rows with the same kernels."""
    kernels = {kernel_digest(products, arch) for arch in ("i386", "x86_64")
               if products.kernel(arch).exists()}
    kept = [line for line in read() if line["kernel"] in kernels and line["row"] not in rows]
    with open(RESULTS, "w", encoding="utf-8", newline="") as file:
        output = csv.DictWriter(file, FIELDS, delimiter="\t", quoting=csv.QUOTE_NONE,
                                quotechar=None, lineterminator="\n")
        output.writeheader()
        output.writerows(kept + lines)


# --- The tables -------------------------------------------------------------------------------------

def count(lines):
    """{(device, column): number of different tests that passed}"""
    shown = collections.defaultdict(set)
    for line in lines:
        if line["device"]:
            shown[line["device"], line["transport"]].add(line["test"])
    return {cell: len(tests) for cell, tests in shown.items()}


def rows_of(lines, verdict):
    return sorted({line["row"] for line in lines if line["verdict"] == verdict})


def fake_only():
    """{device: feature bits that its header marks as tested on the fake device alone}"""
    found = {}
    for header in sorted(HEADERS.glob("*.h")):
        bits = [match[1] for line in header.read_text(encoding="utf-8").splitlines()
                if (match := FAKE.match(line))]
        if bits:
            found[header.stem] = bits
    return found


def support_table(lines):
    counts = count(lines)
    devices = [kind for kind in TYPE_NUMBERS if any(cell[0] == kind for cell in counts)]
    text = ["| | " + " | ".join(COLUMNS) + " |", "| --- " * (len(COLUMNS) + 1) + "|"]
    for kind in devices:
        cells = [str(counts.get((kind, name), "-")) for name in COLUMNS]
        text.append(f"| {NAMES.get(kind, kind)} | " + " | ".join(cells) + " |")
    rows = rows_of(lines, "pass")
    text += ["", f"How many different tests of a device passed on QEMU's own device, in {len(rows)} of the {len(table.read(MATRIX))} rows of"
             " [`tests/matrix.conf`](tests/matrix.conf)", "(`make support` writes this table, and `make check`"
             " fails if it claims more than it saw); \"-\": QEMU has no", "such device, or no row has it."]
    text += ["", "Only tested on the fake device, because QEMU 7.2, or the back ends that the tests give it, do"
             " not have them:", ""]
    return text + [f"- {kind}: " + ", ".join(f"`{bit}`" for bit in bits)
                   for kind, bits in fake_only().items()]


def size_table():
    with open(SIZES, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    text = ["| | i386, -Os | x86_64, -O2 |", "| --- | --- | --- |"]
    text += [f"| {row['part']} | {row['i386_os']} | {row['x86_64_o2']} |" for row in rows]
    return text


def markers(name):
    return f"<!-- {name}: made by make support -->", f"<!-- {name}: end -->"


def section(text, name):
    begin, end = markers(name)
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SupportError(f"README.md has no section {name}")
    return text.index(begin) + len(begin), text.index(end)


def replace(text, name, lines):
    begin, end = section(text, name)
    return text[:begin] + "\n" + "\n".join(lines) + "\n" + text[end:]


def table_rows(text, name):
    """The cells of a table's rows below its head."""
    begin, end = section(text, name)
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text[begin:end].splitlines() if line.startswith("|")]
    return rows[0][1:], {row[0]: row[1:] for row in rows[2:]}


def check_support(text, lines):
    counts = count(lines)
    head, claims = table_rows(text, "support")
    kinds = {NAMES.get(kind, kind): kind for kind in TYPE_NUMBERS}
    wrong = []
    for name, cells in claims.items():
        for column_name, cell in zip(head, cells):
            seen = counts.get((kinds.get(name), column_name), 0)
            if cell != "-" and int(cell) > seen:
                wrong.append(f"{name}, {column_name}: {cell} tests claimed, {seen} passed")
    return wrong


def check_sizes(text):
    _, claims = table_rows(text, "size")
    with open(SIZES, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    wrong = [f"{row['part']} is not in the table of code size" for row in rows
             if row["part"] not in claims]
    for row in rows:
        for claim, key in zip(claims.get(row["part"], []), ("i386_os", "x86_64_o2")):
            if int(row[key]) > int(claim) * SIZE_TOLERANCE:
                wrong.append(f"{row['part']} has {row[key]} bytes ({key}), {claim} claimed")
    return wrong


def missing_rows(lines):
    return [row["row"] for row in table.read(MATRIX)
            if row["row"] not in {line["row"] for line in lines}]


def main(argv):
    if argv not in (["--write"], ["--write", "--partial"], ["--check"]):
        print(__doc__)
        return 2
    lines = read()
    text = README.read_text(encoding="utf-8")
    missing, failed, skipped = missing_rows(lines), rows_of(lines, "fail"), rows_of(lines, "skip")
    if missing and "--partial" not in argv:
        print(f"support: {len(missing)} rows were not run with this kernel, {missing[0]} for one:"
              " run scripts/matrix first")
        return 1
    if argv[0] == "--write":
        text = replace(text, "support", support_table(lines))
        README.write_text(replace(text, "size", size_table()), encoding="utf-8")
        print(f"support: README.md has the results of {len(rows_of(lines, 'pass'))} rows"
              f" ({len(failed)} failed, {len(skipped)} skipped)")
        return 0
    wrong = check_support(text, lines)
    if wrong and skipped:
        print(f"support: {len(skipped)} rows could not be run here, so this was not shown:")
        print("\n".join(wrong))
        wrong = []
    wrong += check_sizes(text)
    print("\n".join(["support: README.md claims more than was shown:"] + wrong) if wrong
          else "support: README.md claims nothing that was not shown")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
