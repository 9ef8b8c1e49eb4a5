# SPDX-License-Identifier: MIT
"""What network devices are connected to: QEMU's netdevs, and the processes at the other end of the wire.

Roles of the device:
    net:peer    a peer process (net_peer.py) over a unix stream
    net:dgram   the same over unix datagrams, for which QEMU 7.2 takes 20 times as long a frame
    net:vhost   the same by vhost-user: the peer is the device, with offloads and two pairs of queues
    net:user    QEMU's user network, restricted to itself, with a file to be had by TFTP
The guest tells them apart by the device's MAC address: 52:54:00:XX:01:NN has a peer that speaks the test
protocol, 52:54:00:00:02:NN has QEMU's DHCP and TFTP, 52:54:00:00:03:NN is vhost-user. NN is the device's number, XX is 1 where a frame
takes long.

    # host: net tftp sha256=DIGEST bytes=N     what the guest got by TFTP
    # host: net link up device=NN              its link is to come up; or: down
"""

import hashlib
import json
import pathlib
import shutil
import sys
import time

from . import command, process, qmp

TYPE = "net"
ROLES = ("peer", "dgram", "vhost", "user")
SCRIPTS = pathlib.Path(__file__).resolve().parents[1]
TFTP_FILE = "kernel.elf"
START_SECONDS = 10.0


def path(work, number, what):
    """Where a device's sockets and files are."""
    return pathlib.Path(work) / f"net{number}.{what}"


def netdev(number, role, work):
    name = f"id=net{number}"
    peer = path(work, number, "peer")
    if role == "dgram":
        return (f"dgram,{name},local.type=unix,local.path={path(work, number, 'qemu')},"
                f"remote.type=unix,remote.path={peer}")
    if role == "vhost":
        return f"vhost-user,{name},chardev=net{number},queues=2"
    if role == "peer":
        return f"stream,{name},server=off,addr.type=unix,addr.path={peer}"
    return (f"user,{name},restrict=on,ipv6=off,tftp={path(work, number, 'tftp')},"
            f"bootfile={TFTP_FILE}")


def options(number, device, work):
    """No network boot: it would only take time. The peer has a monitor of its own."""
    before = ["-netdev", netdev(number, device.role, work), "-global", "virtio-net-pci.romfile="]
    if device.role == "vhost":
        before[:0] = ["-chardev", f"socket,id=net{number},path={path(work, number, 'peer')}"]
    if device.role != "user":
        before += ["-qmp", f"unix:{path(work, number, 'qmp')},server=on,wait=off"]
    properties = [f"netdev=net{number}"]
    if not any(item.startswith("mac=") for item in device.properties):
        speed, network = {"dgram": (1, 1), "user": (0, 2), "vhost": (0, 3)}.get(device.role, (0, 1))
        properties.append(f"mac=52:54:00:{speed:02x}:{network:02x}:{number + 1:02x}")
    return before, properties, []


class Peer:
    """The processes behind a run's network devices: started before it, judged after it."""

    def __init__(self, configuration, work, log):
        self.work = pathlib.Path(work)
        self.log = log
        self.limit = configuration.limit + process.GRACE
        self.due = configuration.suite_is_due("net") and "crash" not in configuration.actions
        self.processes = {}
        self.devices = configuration.devices
        self.digest = None
        self.digests = []
        for number, device in enumerate(configuration.devices):
            if device.kind != "net":
                continue
            if device.role == "user":
                self._stage_file(number, configuration.arch)
            else:
                self._start(number, device)

    def _stage_file(self, number, arch):
        folder = path(self.work, number, "tftp")
        folder.mkdir(exist_ok=True)
        shutil.copyfile(SCRIPTS.parent / "build" / arch / "kernel.elf", folder / TFTP_FILE)
        self.digest = hashlib.sha256((folder / TFTP_FILE).read_bytes()).hexdigest()

    def _start(self, number, device):
        for name in ("peer", "qemu"):
            path(self.work, number, name).unlink(missing_ok=True)
        link = {"vhost": f"vhost:{path(self.work, number, 'peer')}",
                "peer": f"stream:{path(self.work, number, 'peer')}",
                "dgram": f"dgram:{path(self.work, number, 'peer')}:{path(self.work, number, 'qemu')}",
                }[device.role]
        with open(path(self.work, number, "log"), "wb") as log:
            child = process.Child(
                [sys.executable, "-B", "-m", "runner.net_peer", link,
                 str(path(self.work, number, "statistics")), str(path(self.work, number, "qmp")),
                 command.device_id(number, device), str(number + 1)],
                self.limit, stdout=log, stderr=log, cwd=SCRIPTS)
        self.processes[number] = child
        deadline = time.monotonic() + START_SECONDS
        while "ready" not in path(self.work, number, "log").read_text():
            if child.wait(0.02) is not None or time.monotonic() > deadline:
                child.end()
                raise OSError(f"the network peer did not start: {self._words(number)}")

    def _words(self, number):
        text = path(self.work, number, "log").read_text(errors="replace")
        return text.removeprefix("ready\n").strip()

    def act(self, verb, words, values):
        getattr(self, "do_" + verb)(*words, **values)

    def do_tftp(self, **values):
        self.digests.append((values["sha256"], int(values["bytes"])))

    def do_link(self, state, device):
        """Not asked for over the network: a link that is down carries no question, and may lose an answer."""
        number = int(device) - 1
        with qmp.Qmp(path(self.work, number, "qmp")) as monitor:
            monitor.call("set_link", name=command.device_id(number, self.devices[number]), up=state == "up")

    def finish(self):
        for child in self.processes.values():
            child.stop()
        for number in self.processes:
            self._check_peer(number)
        if self.digest and self.due:
            self._check_tftp()

    def _check_peer(self, number):
        who = f"net {number}"
        if self._words(number):
            self.log.fault(f"{who}: the peer says: {self._words(number)}")
        try:
            counts = json.loads(path(self.work, number, "statistics").read_text())
        except (OSError, ValueError) as error:
            self.log.fault(f"{who}: the peer left no statistics: {error}")
            return
        for complaint in counts["complaints"]:
            self.log.fault(f"{who}: {complaint}")
        for name in ("bad", "probe_failed", "monitor_failed"):
            if counts[name]:
                self.log.fault(f"{who}: {name.replace('_', ' ')}: {counts[name]}")
        if counts["unfinished"]:
            self.log.fact(f"{who}: {counts['unfinished']} frames with checksums left to the device,"
                          f" {counts['large']} of them larger than the MTU")
        if self.due and not counts["verified"]:
            self.log.fault(f"{who}: the peer was sent no frame to verify")
        self.log.fact(f"{who}: {counts['verified']} frames ({counts['verified_bytes']} bytes)"
                      f" verified, {counts['answered']} answered, {counts['flooded']} in floods;"
                      f" {counts['arp']} ARP, {counts['echo']} ICMP, {counts['udp']} UDP served,"
                      f" {counts['probed']} answers of the guest")

    def _check_tftp(self):
        if not self.digests:
            self.log.fault("net: the guest got no file by TFTP")
        for digest, size in self.digests:
            if digest != self.digest:
                self.log.fault(f"net: the guest's SHA-256 of the file it had by TFTP is {digest},"
                               f" the host's is {self.digest}")
            else:
                self.log.fact(f"net: {size} bytes by TFTP, the guest's SHA-256 is the host's,"
                              f" {digest[:16]}...")
