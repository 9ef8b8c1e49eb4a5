# SPDX-License-Identifier: MIT
"""Copies of the tree that the proofs look at, with other texts in some places."""

import os
import shutil
import sys


def copy_with(changes, tree):
    """Make a copy of the tree with other texts in some places."""
    shutil.rmtree(tree, ignore_errors=True)
    for room in ("src", "include", "tests/prove"):
        shutil.copytree(room, os.path.join(tree, room))
    for change in changes:
        target = os.path.join(tree, change.path)
        with open(target, encoding="utf-8") as source:
            text = source.read()
        if text.count(change.there) != 1:
            sys.exit(f"prove: {change.path} does not have “{change.there}” once: adapt “{change.name}”")
        with open(target, "w", encoding="utf-8") as source:
            source.write(text.replace(change.there, change.instead))
