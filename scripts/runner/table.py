# SPDX-License-Identifier: MIT
"""Reads the declared matrix, tests/matrix.conf, whose head comment is the manual of its columns.

Owns the table's syntax. An empty cell takes the cell of the row called `default`, which comes
first and is also what scripts/run boots when it is told nothing.
"""

import fnmatch
import re
import shlex

from . import configuration as conf
from .configuration import UsageError

COLUMNS = ("row", "arch", "machine", "transport", "boot", "memory", "devices", "qemu", "words",
           "expect", "actions", "tags")
TAGS = ("short", "long", "qtest")


def read(path):
    """Returns the rows of a table file as cells, the default row first."""
    with open(path, encoding="utf-8") as table:
        return parse(table.read(), str(path))


def parse(text, name="table"):
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            rows.append(parse_line(line, rows))
        except UsageError as error:
            raise UsageError(f"{name}:{number}: {error}") from None
    if not rows:
        raise UsageError(f"{name}: no rows")
    return rows


def parse_line(line, rows):
    cells = [cell.strip() for cell in line.split("|")]
    if len(cells) != len(COLUMNS):
        raise UsageError(f"{len(cells)} cells instead of {len(COLUMNS)}")
    row = dict(zip(COLUMNS, cells))
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", row["row"]):
        raise UsageError(f"'{row['row']}' is no row name")
    if (row["row"] == "default") != (not rows):
        raise UsageError("the first row, and only it, is called default")
    if any(row["row"] == other["row"] for other in rows):
        raise UsageError(f"a second row is called {row['row']}")
    if not row["expect"]:
        raise UsageError(f"row {row['row']} promises nothing: expect is empty")
    for column in COLUMNS:
        if not row[column]:
            row[column] = rows[0][column] if rows else ""
        if not row[column]:
            raise UsageError(f"the default row has no {column}")
    configure(row)
    return row


def configure(row):
    """Turns the cells of a row into a Configuration; raises UsageError naming what is wrong."""
    transport, properties = conf.parse_transport(row["transport"])
    tags = set(row["tags"].split())
    for tag in tags:
        conf.one_of("tag", tag, TAGS)
    actions = conf.parse_actions(row["actions"])
    return conf.check(conf.Configuration(
        name=row["row"],
        arch=conf.one_of("arch", row["arch"], conf.ARCHITECTURES),
        machine=conf.parse_machine(row["machine"]),
        transport=transport,
        transport_properties=properties,
        boot=conf.one_of("boot", row["boot"], conf.BOOTS),
        memory=conf.parse_memory(row["memory"]),
        devices=conf.parse_devices(row["devices"]),
        qemu=conf.parse_words("qemu", row["qemu"]),
        words=conf.parse_words("words", row["words"]),
        expect=conf.parse_expect(row["expect"]),
        actions=actions,
        tags=tags,
        limit=actions.get("hang", conf.LIMIT),
    ))


def select(rows, patterns, tags=()):
    """Rows whose name matches one of the globs (all if there are none) and has all the tags."""
    chosen = []
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(row["row"], pattern) for row in rows):
            raise UsageError(f"no row is called '{pattern}'")
    for row in rows:
        named = not patterns or any(fnmatch.fnmatchcase(row["row"], glob) for glob in patterns)
        if named and set(tags) <= set(row["tags"].split()):
            chosen.append(row)
    return chosen


def describe(row):
    """One line for --list."""
    return f"{row['row']:<28} " + " ".join(
        shlex.quote(f"{column}={row[column]}") for column in COLUMNS[1:] if row[column] != "none")
