# SPDX-License-Identifier: MIT
"""Somebody at the host who takes whole PCI devices out of the machine, and puts them back, through QMP.

    # host: unplug remove slot=N      the device in slot N of bus 0 is to go; the guest ejects it
    # host: unplug add slot=N         it comes back into the same slot, as it was, with what was plugged into it

Owns no device: what a device is like, it takes from QEMU's command line.
"""

import pathlib
import time

from . import qmp

TYPE = "unplug"
LIMIT = 8.0
NUDGE = 0.05


def monitor_path(work):
    return pathlib.Path(work) / "unplug.qmp"


def options(work):
    return ["-qmp", f"unix:{monitor_path(work)},server=on,wait=off"]


def property_of(text, name):
    """The value of a property in a -device option, or None."""
    values = [item.split("=", 1)[1] for item in text.split(",") if item.startswith(name + "=")]
    return values[0] if values else None


class Peer:
    def __init__(self, command, work, log):
        self.devices = [text for option, text in zip(command, command[1:]) if option == "-device"]
        self.path = monitor_path(work)
        self.log = log
        self.monitor = None
        self.removed = {}  # slot -> id

    def act(self, verb, _words, values):
        self.monitor = self.monitor or qmp.Qmp(self.path, LIMIT)
        getattr(self, "do_" + verb)(int(values["slot"]))

    def do_remove(self, slot):
        bus = self.monitor.call("query-pci")[0]
        name = next(device["qdev_id"] for device in bus["devices"] if device["slot"] == slot)
        self.removed[slot] = name
        self.monitor.call("device_del", id=name)

    def _is_deleted(self, name):
        return any(event.get("event") == "DEVICE_DELETED" and event["data"].get("device") == name
                   for event in self.monitor.events)

    def _await_deleted(self, name):
        """The guest has ejected it already, but QEMU frees it, and what it is called and stands on, only when every
        CPU has left the guest's code once. One that polls with interrupts off can stay in there for long:
        it is stopped for a moment."""
        deadline = time.monotonic() + LIMIT
        while not self._is_deleted(name):
            if time.monotonic() > deadline:
                raise qmp.QmpError(f"{name} was ejected and is still there")
            self.monitor.call("stop")
            self.monitor.call("cont")
            time.sleep(NUDGE)
        self.monitor.events = []

    def do_add(self, slot):
        name = self.removed[slot]
        self._await_deleted(name)
        own = [text for text in self.devices if property_of(text, "id") == name]
        behind = [text for text in self.devices if property_of(text, "bus") == f"{name}.0"]
        for text in [f"{own[0]},addr={slot:#x}"] + behind:
            complaint = self.monitor.monitor(f"device_add {text}").strip()
            if complaint:
                raise qmp.QmpError(complaint)
        self.log.fact(f"unplug: {name} was taken out of slot {slot} and put back"
                      + (f", with {len(behind)} behind it" if behind else ""))

    def finish(self):
        if self.monitor:
            self.monitor.close()
