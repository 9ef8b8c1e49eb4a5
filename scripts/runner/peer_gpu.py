# SPDX-License-Identifier: MIT
"""The host's end of GPUs: somebody who looks at their screens, makes windows larger and sees the pointer.

    # host: gpu number                           display 0 of device N becomes 1024 + 16 * N pixels wide
    # host: gpu look device=N head=N width=W height=H then=WxH
    # host: gpu dark device=N head=N then=WxH
    # host: gpu cursor device=N head=N hot=X,Y seed=N then=WxH
    # host: gpu moves first=N count=N
A screen must show the test card of this device and head, in this size, or nothing of it (dark); a pointer must look as
`cursor_pixels` says. Each is answered by what a guest can see: the display gets the size behind `then`, which is
an event for the device. Screens are read by QMP's screendump; sizes and pointers go through VNC. Movements of
pointers VNC does not show: they are read in QEMU's own trace.
"""

import pathlib
import re
import time

from . import picture, qmp, test_card, vnc

TYPE = "gpu"
TRACE = re.compile(r"^virtio_gpu_update_cursor scanout (\d+), x (\d+), y (\d+), move, ", re.MULTILINE)
LIMIT = 5.0


def monitor_path(work, number):
    return pathlib.Path(work) / f"gpu{number}.qmp"


def vnc_path(work, number, head):
    return pathlib.Path(work) / f"gpu{number}-{head}.vnc"


def device_name(number, device):
    """As command.device_id has it, which this module cannot ask."""
    return f"{device.role or device.kind}{number}"


def heads(device):
    """How many scanouts a device has."""
    for item in device.properties:
        if item.startswith("max_outputs="):
            return int(item.split("=")[1])
    return 1


def options(number, device, work):
    """A monitor, a VNC server for each head, and the trace of pointers."""
    behind = []
    for head in range(heads(device)):
        behind += ["-vnc", f"unix:{vnc_path(work, number, head)},display={device_name(number, device)},head={head}"]
    return (["-qmp", f"unix:{monitor_path(work, number)},server=on,wait=off",
             "-trace", "virtio_gpu_update_cursor"], [], behind)


def cursor_pixels(seed):
    """64 x 64 pixels, blue, green, red and alpha, no two seeds alike; as the guest draws them."""
    pixels = bytearray()
    for y in range(64):
        for x in range(64):
            pixels += bytes(((4 * x + seed) % 256, (4 * y) % 256, (x * y + seed) % 256, 255 if x + y < 64 else 0))
    return bytes(pixels)


class Peer:
    def __init__(self, configuration, work, log):
        self.work = pathlib.Path(work)
        self.devices = [(number, device) for number, device in enumerate(configuration.devices)
                        if device.type_name == TYPE]
        self.monitor = None
        self.clients = {}
        self.log = log
        self.looks = 0
        self.pointers = 0
        self.screenshot = configuration.screenshot

    def act(self, verb, _words, values):
        self.monitor = self.monitor or qmp.Qmp(monitor_path(self.work, self.devices[0][0]), LIMIT)
        then = values.pop("then", None)
        try:
            getattr(self, "do_" + verb)(**values)
        finally:
            if then:  # the guest waits for it whatever was found
                width, height = then.split("x")
                self._client(int(values["device"]), int(values["head"])).resize(int(width), int(height))

    def finish(self):
        for client in self.clients.values():
            client.close()
        if self.monitor:
            self.monitor.close()
        if self.screenshot:
            self.log.fault(f"no screen to save in {self.screenshot}")
        if self.looks:
            self.log.fact(f"{self.looks} screens show the guest's test card, pixel by pixel")
        if self.pointers:
            self.log.fact(f"{self.pointers} pointers look and move as the guest says")

    def _client(self, number, head):
        if (number, head) not in self.clients:
            self.clients[number, head] = vnc.Vnc(vnc_path(self.work, self.devices[number][0], head), LIMIT)
        return self.clients[number, head]

    def _screen(self, number, head):
        path = self.work / "screen.ppm"
        self.monitor.call("screendump", filename=str(path), device=device_name(*self.devices[number]), head=head)
        return picture.read_ppm(path.read_bytes())

    def do_number(self):
        for number in range(len(self.devices)):
            self._client(number, 0).resize(1024 + 16 * number, 768)

    def do_look(self, device, head, width, height):
        number, head = int(device), int(head)
        seen = self._screen(number, head)
        wrong = picture.difference(seen, test_card.draw(int(width), int(height), number, head))
        if wrong:
            kept = self.work / f"screen-{number}-{head}.png"
            kept.write_bytes(picture.png(seen))
            self.log.fault(f"gpu {number}, scanout {head}: {wrong}")
        else:
            self.looks += 1
            self._save(seen)

    def _save(self, seen):
        if self.screenshot:
            pathlib.Path(self.screenshot).write_bytes(picture.png(seen))
            self.log.fact(f"the screen is in {self.screenshot}")
            self.screenshot = ""

    def do_dark(self, device, head):
        """A scanout that was switched off shows no card; QEMU writes a message there, or nothing."""
        seen = self._screen(int(device), int(head))
        card = test_card.draw(len(seen[0]) // 3, len(seen), int(device), int(head))
        if len(seen) >= 240 and sum(a == b for a, b in zip(seen, card)) > len(seen) // 2:
            self.log.fault(f"gpu {device}, scanout {head} still shows the card")

    def do_cursor(self, device, head, hot, seed):
        x, y = hot.split(",")
        due = (int(x), int(y), 64, 64, cursor_pixels(int(seed)))
        seen = self._client(int(device), int(head)).wait_cursor(due)
        if seen == due:
            self.pointers += 1
        else:
            what = "there is none" if seen is None else f"its point is {seen[:2]}, its size {seen[2:4]}, or its pixels differ"
            self.log.fault(f"gpu {device}, scanout {head}: the pointer is not the guest's: {what}")

    def do_moves(self, head, first, count):
        """The latest `count` movements were those of the guest's sequence."""
        first, count = int(first), int(count)
        due = [(int(head), n * 7 % 1000, n * 5 % 600) for n in range(first, first + count)]
        deadline = time.monotonic() + LIMIT
        while True:
            trace = (self.work / "qemu.log").read_text(errors="replace")
            seen = [tuple(int(part) for part in match) for match in TRACE.findall(trace)][-count:]
            if seen == due or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        if seen != due:
            wrong = [(n, pair) for n, pair in enumerate(zip(seen, due), first) if pair[0] != pair[1]]
            self.log.fault(f"gpu: {len(seen)} movements of {count}; "
                           + (f"number {wrong[0][0]} is {wrong[0][1][0]} instead of {wrong[0][1][1]}" if wrong else ""))
        else:
            self.pointers += 1
