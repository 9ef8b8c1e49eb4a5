# SPDX-License-Identifier: MIT
"""The host's end of disks that change while the guest uses them, through QMP.

    # host: blk resize ROLE bytes=N          the disk of this role is to have N bytes

Only disks of the role `growing` have it; others have nobody to talk to.
"""

import pathlib

from . import qmp

TYPE = "blk"


def monitor_path(work):
    return pathlib.Path(work) / "blk.qmp"


def options(_number, device, work):
    if not device.has_peer:
        return [], [], []
    return ["-qmp", f"unix:{monitor_path(work)},server=on,wait=off"], [], []


class Peer:
    def __init__(self, _configuration, work, log):
        self.path = monitor_path(work)
        self.log = log
        self.monitor = None

    def act(self, verb, words, values):
        self.monitor = self.monitor or qmp.Qmp(self.path)
        getattr(self, "do_" + verb)(*words, **values)

    def finish(self):
        if self.monitor:
            self.monitor.close()

    def do_resize(self, role, **values):
        self.monitor.call("block_resize", **{"node-name": role, "size": int(values["bytes"])})
        self.log.fact(f"disk {role} was resized to {values['bytes']} bytes")
