# SPDX-License-Identifier: MIT
"""The host at the other end of a network device's wire, a process of its own.

Owns the peer of the guest's network tests (tests/guest/net_*.c): a small IPv4 host that answers ARP,
ICMP echo and UDP echo, and a partner for bulk tests, which speaks the test protocol below. Verifies
every byte that it is sent, and leaves what it counted in a file.

    python3 -m runner.net_peer LINK STATISTICS QMP DEVICE NETWORK

LINK is dgram:OWN:QEMU, stream:PATH or vhost:PATH (unix sockets). The peer is 10.1.NETWORK.1, the guest .2.

The test protocol is Ethernet frames of type 0x88b5 (for experiments): after the Ethernet header comes
HEADER (magic, kind, sequence number, length of the frame, argument), and after that bytes of the
pattern, from an offset that depends on kind and sequence number, or what the kind says.
"""

import json
import os
import select
import signal
import socket
import struct
import sys
import time

from . import pattern, qmp
from .internet import checksum
from .net_vhost import VhostLink

MAC = bytes.fromhex("525500000001")
ETHERTYPE = 0x88B5
HEADER = struct.Struct(">HHIII")
MAGIC = 0x564E
BODY = 14 + HEADER.size

DATA = 1          # from the guest: to be verified and answered by an ANSWER of the same length
ANSWER = 2
COUNT = 3         # from the guest: to be verified
FLOOD = 4         # from the guest: send `argument` frames FLOODED of `sequence` bytes
FLOODED = 5
REPORT = 6        # from the guest: say what was counted since the last REPORT
REPORTED = 7
PROBE = 8         # from the guest: resolve and ping it, and send it UDP datagrams, `argument` of each
PROBED = 9
MONITOR = 10      # from the guest: a JSON list of QMP commands
MONITORED = 11
RAW = 12          # from the guest: send the frame that follows

PATTERN = pattern.sectors(0x6E6574, 0, 137)  # 70144 bytes
PATTERN_PERIOD = 4096

ECHO_PORT = 7
SEND_SECONDS = 10.0
PROBE_SECONDS = 2.0


def body(kind, sequence, length):
    """What a frame of the test protocol of `length` bytes holds after its header."""
    offset = (sequence * 61 + kind * 7919) % PATTERN_PERIOD
    return PATTERN[offset:offset + length - BODY]


class Interrupted(Exception):
    """The guest has other things on its mind."""


class DgramLink:
    """A pair of unix datagram sockets: one frame a datagram."""

    def __init__(self, own, qemu):
        self.qemu = qemu
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.socket.bind(own)
        self.socket.settimeout(SEND_SECONDS)

    def ready(self, seconds):
        return bool(select.select([self.socket], [], [], seconds)[0])

    def receive(self):
        return self.socket.recv(1 << 17)

    def send(self, frame):
        """Waits while QEMU does not take it; False when it never does, or is not there."""
        try:
            self.socket.sendto(frame, self.qemu)
        except OSError:
            return False
        return True


class StreamLink:
    """A unix stream socket: each frame has its length before it."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(1)
        self.socket = None
        self.pending = bytearray()

    def _frame_is_there(self):
        return (len(self.pending) >= 4 and
                len(self.pending) >= 4 + int.from_bytes(self.pending[:4], "big"))

    def ready(self, seconds):
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._frame_is_there():
            left = None if deadline is None else max(0, deadline - time.monotonic())
            if not select.select([self.socket or self.listener], [], [], left)[0]:
                return False
            if self.socket is None:
                self.socket, _ = self.listener.accept()
                self.socket.settimeout(SEND_SECONDS)
                continue
            chunk = self.socket.recv(1 << 18)
            if not chunk:
                raise EOFError
            self.pending += chunk
        return True

    def receive(self):
        self.ready(None)
        length = int.from_bytes(self.pending[:4], "big")
        frame = bytes(self.pending[4:4 + length])
        del self.pending[:4 + length]
        return frame

    def send(self, frame):
        try:
            self.socket.sendall(len(frame).to_bytes(4, "big") + frame)
        except OSError:
            return False
        return True


def make_link(text):
    kind, _, rest = text.partition(":")
    return {"dgram": DgramLink, "stream": StreamLink, "vhost": VhostLink}[kind](*rest.split(":"))


class Peer:
    """What the peer knows and does. `counts` goes into the file of statistics."""

    def __init__(self, link, qmp_path, device, network):
        self.link = link
        self.qmp_path = qmp_path
        self.device = device
        self.address = bytes((10, 1, network, 1))
        self.guest_address = bytes((10, 1, network, 2))
        self.guest_mac = None
        self.counts = dict.fromkeys((
            "frames", "verified", "verified_bytes", "bad", "answered", "flooded", "unsent", "arp",
            "echo", "udp", "probed", "probe_failed", "monitor_failed"), 0)
        self.reported = dict(self.counts)
        self.next_sequence = 0
        self.out_of_order = 0
        self.awaited = None
        self.interrupted = False
        self.complaints = []
        self.kinds = {DATA: self.take_data, COUNT: self.take_data, FLOOD: self.flood,
                      REPORT: self.report, PROBE: self.probe, MONITOR: self.monitor, RAW: self.raw}

    def complain(self, text):
        if len(self.complaints) < 20:
            self.complaints.append(text)

    def send(self, frame):
        if not self.link.send(frame):
            self.counts["unsent"] += 1

    # --- Frames that come in

    def take(self, frame):
        self.counts["frames"] += 1
        if len(frame) < 14:
            self.counts["bad"] += 1
            self.complain(f"a frame of {len(frame)} bytes")
            return
        ethertype = int.from_bytes(frame[12:14], "big")
        if ethertype == ETHERTYPE:
            self.take_test(frame)
        elif ethertype == 0x0806:
            self.take_arp(frame)
        elif ethertype == 0x0800:
            self.take_ipv4(frame)

    def take_test(self, frame):
        if len(frame) < BODY:
            self.counts["bad"] += 1
            self.complain(f"a test frame of {len(frame)} bytes")
            return
        magic, kind, sequence, length, argument = HEADER.unpack_from(frame, 14)
        if magic != MAGIC or length != len(frame) or kind not in self.kinds:
            self.counts["bad"] += 1
            self.complain(f"a test frame that says kind {kind}, {length} bytes, but has {len(frame)}")
            return
        self.guest_mac = frame[6:12]
        self.kinds[kind](kind, sequence, argument, frame)

    def test_frame(self, kind, sequence, length, argument=0, content=None):
        if content is None:
            content = body(kind, sequence, length)
        content += bytes(max(0, 60 - BODY - len(content)))
        return (self.guest_mac + MAC + ETHERTYPE.to_bytes(2, "big")
                + HEADER.pack(MAGIC, kind, sequence, BODY + len(content), argument) + content)

    def take_data(self, kind, sequence, argument, frame):
        if frame[BODY:] != body(kind, sequence, len(frame)):
            self.counts["bad"] += 1
            self.complain(f"frame {sequence} of {len(frame)} bytes has other content than was due")
            return
        if sequence != self.next_sequence:
            self.out_of_order += 1
        self.next_sequence = sequence + 1
        self.counts["verified"] += 1
        self.counts["verified_bytes"] += len(frame)
        if kind == DATA:
            self.counts["answered"] += 1
            self.send(self.test_frame(ANSWER, sequence, len(frame), argument))

    def flood(self, _kind, length, count, _frame):
        for sequence in range(count):
            self.counts["flooded"] += 1
            self.send(self.test_frame(FLOODED, sequence, length))

    def report(self, _kind, sequence, _argument, _frame):
        since = {name: self.counts[name] - self.reported[name] for name in self.counts}
        self.reported = dict(self.counts)
        self.interrupted = True
        content = struct.pack(">IIIIQ", since["verified"], since["bad"], self.out_of_order,
                              since["unsent"], since["verified_bytes"])
        self.out_of_order = self.next_sequence = 0
        self.send(self.test_frame(REPORTED, sequence, 0, content=content))

    def raw(self, _kind, _sequence, argument, frame):
        self.send(frame[BODY:BODY + argument])

    # --- An IPv4 host

    def take_arp(self, frame):
        operation, sender_mac, sender, _, target = struct.unpack_from(">H6s4s6s4s", frame, 20)
        if operation == 1 and target == self.address:
            self.counts["arp"] += 1
            self.send(sender_mac + MAC + frame[12:20] + struct.pack(
                ">H6s4s6s4s", 2, MAC, self.address, sender_mac, sender) + bytes(18))
        elif operation == 2 and sender == self.guest_address and target == self.address:
            self.awaited = ("arp", sender_mac)

    def take_ipv4(self, frame):
        packet = frame[14:14 + int.from_bytes(frame[16:18], "big")]
        if len(packet) < 20 or packet[0] != 0x45 or checksum(packet[:20]) != 0:
            self.counts["bad"] += 1
            self.complain("an IPv4 packet whose header is wrong")
            return
        if packet[16:20] != self.address:
            return
        source, protocol, payload = packet[12:16], packet[9], packet[20:]
        if protocol == 1:
            self.take_icmp(frame[6:12], source, payload)
        elif protocol == 17:
            self.take_udp(frame[6:12], source, payload)

    def send_ipv4(self, mac, target, protocol, payload):
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol,
                             0, self.address, target)
        header = header[:10] + checksum(header).to_bytes(2, "big") + header[12:]
        frame = mac + MAC + b"\x08\x00" + header + payload
        self.send(frame + bytes(max(0, 60 - len(frame))))

    def take_icmp(self, mac, source, payload):
        if checksum(payload) != 0:
            self.counts["bad"] += 1
            self.complain("an ICMP message with a wrong checksum")
        elif payload[0] == 8:
            self.counts["echo"] += 1
            reply = b"\0\0\0\0" + payload[4:]
            reply = reply[:2] + checksum(reply).to_bytes(2, "big") + reply[4:]
            self.send_ipv4(mac, source, 1, reply)
        elif payload[0] == 0:
            self.awaited = ("echo", payload[4:])

    def udp(self, source_port, target_port, target, data):
        header = struct.pack(">HHHH", source_port, target_port, 8 + len(data), 0)
        pseudo = self.address + target + struct.pack(">HH", 17, 8 + len(data))
        total = checksum(pseudo + header + data) or 0xFFFF
        return header[:6] + total.to_bytes(2, "big") + data

    def take_udp(self, mac, source, payload):
        source_port, target_port, length, _ = struct.unpack_from(">HHHH", payload)
        pseudo = source + self.address + struct.pack(">HH", 17, length)
        if length != len(payload) or checksum(pseudo + payload) != 0:
            self.counts["bad"] += 1
            self.complain(f"a UDP datagram of {length} bytes with a wrong length or checksum")
        elif target_port == ECHO_PORT:
            self.counts["udp"] += 1
            self.send_ipv4(mac, source, 17, self.udp(ECHO_PORT, source_port, source, payload[8:]))
        elif source_port == ECHO_PORT:
            self.awaited = ("udp", payload[8:])

    # --- Asking the guest

    def await_answer(self, what):
        """Serves frames until an answer of this kind has come. Returns its content, or None."""
        deadline = time.monotonic() + PROBE_SECONDS
        self.awaited = None
        while self.awaited is None or self.awaited[0] != what:
            left = deadline - time.monotonic()
            if left <= 0 or not self.link.ready(left):
                return None
            self.take(self.link.receive())
            if self.interrupted:
                raise Interrupted
        return self.awaited[1]

    def probe(self, kind, sequence, count, frame):
        """A guest that is reset in the middle of it begins anew with a REPORT."""
        self.interrupted = False
        try:
            self.run_probe(kind, sequence, count, frame)
        except Interrupted:
            pass

    def run_probe(self, _kind, sequence, count, _frame):
        good = [self.probe_arp()]
        mac = good[0]
        for number in range(count if mac else 0):
            data = body(PROBE, number, 64 + number * 1391 // max(1, count))
            message = struct.pack(">BBHHH", 8, 0, 0, 0x4C56, number) + data
            message = message[:2] + checksum(message).to_bytes(2, "big") + message[4:]
            self.send_ipv4(mac, self.guest_address, 1, message)
            good.append(self.await_answer("echo") == message[4:])
            self.send_ipv4(mac, self.guest_address, 17,
                           self.udp(40000 + number, ECHO_PORT, self.guest_address, data))
            good.append(self.await_answer("udp") == data)
        passed = sum(bool(one) for one in good)
        self.counts["probed"] += passed
        self.counts["probe_failed"] += len(good) - passed
        self.send(self.test_frame(PROBED, sequence, 0, argument=passed))

    def probe_arp(self):
        self.send(b"\xff" * 6 + MAC + struct.pack(
            ">HHHBBH6s4s6s4s", 0x0806, 1, 0x0800, 6, 4, 1, MAC, self.address, bytes(6),
            self.guest_address) + bytes(18))
        return self.await_answer("arp")

    # --- QEMU's monitor, for the guest

    def monitor(self, _kind, sequence, argument, frame):
        steps = json.loads(frame[BODY:BODY + argument].decode().replace("$ID", self.device))
        result = self.run_steps(steps)
        self.send(self.test_frame(MONITORED, sequence, 0, content=result.encode()[:1400]))

    def run_steps(self, steps):
        try:
            result = None
            with qmp.Qmp(self.qmp_path) as monitor:
                for step in steps:
                    result = monitor.call(step["execute"], **step.get("arguments", {}))
            return json.dumps(result)
        except (qmp.QmpError, OSError, ValueError) as error:
            self.counts["monitor_failed"] += 1
            self.complain(f"monitor: {error}")
            return f"failed: {error}"


def main(link_text, statistics, qmp_path, device, network):
    peer = Peer(make_link(link_text), qmp_path, device, int(network))

    def leave(*_signal):
        """Whenever the end comes, and it may come twice: to the group, and passed on."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with open(statistics + ".new", "w", encoding="utf-8") as output:
            counts = dict(peer.counts, unfinished=getattr(peer.link, "unfinished", 0),
                          large=getattr(peer.link, "large", 0))
            json.dump(dict(counts, complaints=peer.complaints), output)
        os.replace(statistics + ".new", statistics)
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    print("ready", flush=True)
    try:
        while True:
            peer.take(peer.link.receive())
    except (EOFError, ConnectionError):
        leave()


if __name__ == "__main__":
    main(*sys.argv[1:])
