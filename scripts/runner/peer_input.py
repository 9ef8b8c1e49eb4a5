# SPDX-License-Identifier: MIT
"""The host's end of input devices: somebody who types, and moves the mouse, through QMP.

    # host: input keyboard first=F count=N
    # host: input mouse first=F count=N
    # host: input tablet first=F count=N
sends the events number F to F + N - 1 of the kind's sequence, all in one group. The guest knows the
sequences, too (tests/guest/input.c).
"""

import pathlib

from . import qmp

TYPE = "input"
KEYS = "qwertyuiopasdfghjklzxcvbnm"


def monitor_path(work, number):
    return pathlib.Path(work) / f"input{number}.qmp"


def options(number, device, work):
    """A monitor of its own, so that the connection can stay open: a new one takes long. Mice have no serial number."""
    serial = [f"serial=libvirtio-{device.kind}"] if device.kind != "mouse" else []
    return ["-qmp", f"unix:{monitor_path(work, number)},server=on,wait=off"], serial, []


def keyboard(n):
    """Each key goes down and up again, then the next one."""
    key = {"type": "qcode", "data": KEYS[n // 2 % len(KEYS)]}
    return {"type": "key", "data": {"down": n % 2 == 0, "key": key}}


def mouse(n):
    return {"type": "rel", "data": {"axis": "xy"[n % 2], "value": n * 7 % 41 - 20}}


def tablet(n):
    return {"type": "abs", "data": {"axis": "xy"[n % 2], "value": n * 313 % 32768}}


EVENTS = {"keyboard": keyboard, "mouse": mouse, "tablet": tablet}


class Peer:
    def __init__(self, configuration, work, log):
        number = next(number for number, device in enumerate(configuration.devices)
                      if device.type_name == TYPE)
        self.path = monitor_path(work, number)
        self.monitor = None
        self.log = log
        self.sent = 0

    def act(self, verb, _words, values):
        event = EVENTS[verb]
        first, count = int(values["first"]), int(values["count"])
        self.monitor = self.monitor or qmp.Qmp(self.path)
        self.monitor.call("input-send-event", events=[event(first + n) for n in range(count)])
        self.sent += count

    def finish(self):
        if self.monitor:
            self.monitor.close()
        if self.sent:
            self.log.fact(f"{self.sent} input events sent")
