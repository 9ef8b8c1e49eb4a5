# SPDX-License-Identifier: MIT
"""Boots the test kernel in QEMU and decides whether the run was good.

One module a concept: `configuration` (what to boot), `table` (the declared matrix), `images` and
`pattern` (disks), `command` (QEMU's command line), `process` and `qmp` (a running QEMU),
`execute` (one run), `report` (what the guest printed), `complaints` and `trace` (what QEMU said of
it), `verdict` (good or not, and why), `run` and `matrix` (the two commands).

Needs Python 3.9 and nothing beside its standard library.
"""
