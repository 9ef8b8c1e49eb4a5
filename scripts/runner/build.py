# SPDX-License-Identifier: MIT
"""Builds what is to be booted, and makes the docs image of the project's files.

Owns the question whether the products are there. Under make (make run, make check) everything was
built by whoever called, with flags that must not be changed: then nothing is built again.
"""

import os
import pathlib
import subprocess

from . import images
from .execute import Products

ROOT = pathlib.Path(__file__).resolve().parents[2]


class BuildError(Exception):
    """The build failed, or left no product; the text says what to do."""


def products(configurations, build=True, quiet=False):
    """Builds and returns the Products for some configurations."""
    if build and "MAKELEVEL" not in os.environ:
        make(quiet, sorted({target for configuration in configurations for target in targets(configuration)}))
    result = Products(ROOT)
    for configuration in configurations:
        needed = (result.device_tests(configuration) if configuration.qtest
                  else result.iso if configuration.boot == "product-iso"
                  else result.kernel(configuration.arch))
        if not needed.exists():
            raise BuildError(f"{needed.relative_to(ROOT)} is missing: run make")
    result.docs = ROOT / "build" / "docs.img"
    result.docs.parent.mkdir(exist_ok=True)
    # Made beside and moved: another run may be copying the old one.
    fresh = result.docs.with_suffix(f".{os.getpid()}")
    try:
        images.make_docs(ROOT, fresh, ROOT / "build")
        fresh.replace(result.docs)
    finally:
        fresh.unlink(missing_ok=True)
    return result


def targets(configuration):
    """What make is asked for."""
    return [f"qtest-programs-{configuration.qtest}"] if configuration.qtest else ["all"]


def make(quiet, wanted):
    """Runs make; its words go to stderr, because stdout may be somebody's TAP."""
    jobs = os.cpu_count() or 1
    status = subprocess.run(["make", "-C", str(ROOT), "--no-print-directory", f"-j{jobs}"]
                            + (["--silent"] if quiet else []) + wanted, stdin=subprocess.DEVNULL,
                            stdout=2, check=False).returncode
    if status != 0:
        raise BuildError(f"make failed with status {status}")
