# SPDX-License-Identifier: MIT
"""The host's end of the memory balloon: somebody who wants memory, and statistics, through QMP.

    # host: balloon want pages=N         the balloon is to have N pages
    # host: balloon check pages=N        query-balloon must say that it has
    # host: balloon statistics           ask for statistics from now on, once a second
    # host: balloon expect NAME=V ...    guest-stats must have these values, under QEMU's names; asks no more
    # host: balloon migrate              migrate the machine to nowhere, and go on with it
"""

import pathlib
import time

from . import command, qmp

TYPE = "balloon"
PAGE = 4096
LIMIT = 8.0  # seconds for QEMU to come to know what the guest has done
PAUSE = 0.01


def monitor_path(work):
    return pathlib.Path(work) / "balloon.qmp"


def options(_number, _device, work):
    return ["-qmp", f"unix:{monitor_path(work)},server=on,wait=off"], [], []


class Peer:
    def __init__(self, configuration, work, log):
        self.path = monitor_path(work)
        self.total = configuration.memory * 1024 * 1024
        number, device = next((number, device)
                              for number, device in enumerate(configuration.devices)
                              if device.type_name == TYPE)
        self.device = f"/machine/peripheral/{command.device_id(number, device)}"
        self.log = log
        self.monitor = None

    def act(self, verb, words, values):
        self.monitor = self.monitor or qmp.Qmp(self.path, LIMIT)
        getattr(self, "do_" + verb)(*words, **values)

    def finish(self):
        if self.monitor:
            self.monitor.close()

    def _until(self, look, what):
        """Waits until look() has nothing to object to."""
        deadline = time.monotonic() + LIMIT
        while (objection := look()) and time.monotonic() < deadline:
            time.sleep(PAUSE)
        if objection:
            self.log.fault(f"balloon: {what}: {objection}")
        else:
            self.log.fact(f"balloon: {what}")

    def do_want(self, pages):
        self.monitor.call("balloon", value=self.total - int(pages) * PAGE)

    def do_check(self, pages):
        def look():
            actual = (self.total - self.monitor.call("query-balloon")["actual"]) // PAGE
            return "" if actual == int(pages) else f"{actual} pages"
        self._until(look, f"query-balloon says that the balloon has {pages} pages")

    def do_statistics(self):
        self.monitor.call("qom-set", path=self.device, property="guest-stats-polling-interval",
                          value=1)

    def do_expect(self, **values):
        def look():
            stats = self.monitor.call("qom-get", path=self.device, property="guest-stats")["stats"]
            return ", ".join(f"{name} is {stats.get(name)}, not {value}"
                             for name, value in values.items() if stats.get(name) != int(value))
        self._until(look, f"guest-stats has the guest's {len(values)} values")
        self.monitor.call("qom-set", path=self.device, property="guest-stats-polling-interval",
                          value=0)

    def do_migrate(self):
        self.monitor.call("migrate", uri="exec:cat >/dev/null")
        self._until(lambda: "" if self.monitor.call("query-migrate").get("status") == "completed"
                    else str(self.monitor.call("query-migrate")), "a migration was completed")
        self.monitor.call("cont")
