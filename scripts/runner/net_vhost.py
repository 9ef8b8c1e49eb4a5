# SPDX-License-Identifier: MIT
"""A vhost-user network device: the peer reads and writes the guest's rings itself.

This is the only wire of QEMU 7.2 without privileges at which checksums may be left unfinished, frames
may be larger than the MTU, and a device has several pairs of queues. Owns the protocol with QEMU, the
split rings and struct virtio_net_hdr; knows nothing of what is in a frame, but where a UDP checksum is.
"""

import array
import collections
import mmap
import os
import select
import socket
import struct
import time

from .internet import checksum

CSUM, GUEST_CSUM, GUEST_TSO4, HOST_TSO4, MRG_RXBUF, MQ = 1 << 0, 1 << 1, 1 << 7, 1 << 11, 1 << 15, 1 << 22
VERSION_1, PROTOCOL_FEATURES = 1 << 32, 1 << 30
FEATURES = CSUM | GUEST_CSUM | GUEST_TSO4 | HOST_TSO4 | MRG_RXBUF | MQ | VERSION_1 | PROTOCOL_FEATURES
PROTOCOL_MQ = 1 << 0
PAIRS = 2

HEAD = struct.Struct("<III")
VRING_STATE = struct.Struct("<II")
VRING_ADDRESS = struct.Struct("<IIQQQQ")
REGION = struct.Struct("<QQQQ")
DESCRIPTOR = struct.Struct("<QIHH")
NET_HEADER = struct.Struct("<BBHHHHH")
NEEDS_CSUM = 1
DESC_NEXT, DESC_WRITE = 1, 2
SEND_SECONDS = 10.0
MTU_FRAME = 1518


class Ring:
    """One virtqueue, as QEMU described it."""

    def __init__(self):
        self.size = self.next_available = self.next_used = 0
        self.addresses = None
        self.kick = None
        self.enabled = False

    @property
    def is_live(self):
        return self.enabled and self.addresses is not None and self.kick is not None

    def stop(self):
        if self.kick is not None:
            os.close(self.kick)
        self.kick = None
        self.addresses = None


class VhostLink:
    """Frames out of and into a guest's rings."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(1)
        self.socket = None
        self.features = 0
        self.regions = []
        self.rings = [Ring() for _ in range(2 * PAIRS)]
        self.frames = collections.deque()
        self.pair = 0
        self.unfinished = self.large = 0

    # --- Memory

    def find(self, address, size, column=0):
        """Where a guest (column 0) or QEMU (2) address is: a map and an offset in it."""
        for region in self.regions:
            start = address - region[column]
            if 0 <= start and start + size <= region[1]:
                return region[4], start + region[3]
        raise ValueError(f"no memory at {address:#x}")

    def read(self, address, size, column=0):
        memory, at = self.find(address, size, column)
        return memory[at:at + size]

    def write(self, address, content, column=0):
        memory, at = self.find(address, len(content), column)
        memory[at:at + len(content)] = content

    def read16(self, address):
        return int.from_bytes(self.read(address, 2, 2), "little")

    # --- Rings

    def waiting(self, ring):
        """How many chains the driver has made available."""
        return (self.read16(ring.addresses[1] + 2) - ring.next_available) & 0xFFFF

    def take(self, ring):
        """The next chain: its head, and (address, length, writable) of each buffer."""
        slot = ring.next_available % ring.size
        ring.next_available = (ring.next_available + 1) & 0xFFFF
        head = index = self.read16(ring.addresses[1] + 4 + 2 * slot)
        chain = []
        while True:
            address, length, flags, following = DESCRIPTOR.unpack(
                self.read(ring.addresses[0] + 16 * index, 16, 2))
            chain.append((address, length, bool(flags & DESC_WRITE)))
            if not flags & DESC_NEXT or len(chain) > ring.size:
                return head, chain
            index = following

    def use(self, ring, done):
        """Gives chains back, all at once: (head, bytes written) of each."""
        for head, written in done:
            self.write(ring.addresses[2] + 4 + 8 * (ring.next_used % ring.size),
                       VRING_STATE.pack(head, written), 2)
            ring.next_used = (ring.next_used + 1) & 0xFFFF
        self.write(ring.addresses[2] + 2, ring.next_used.to_bytes(2, "little"), 2)

    @property
    def header_size(self):
        return 12 if self.features & (VERSION_1 | MRG_RXBUF) else 10

    def collect(self, number):
        """Takes all frames that the guest has sent on a transmit queue."""
        ring = self.rings[number]
        while ring.is_live and self.waiting(ring):
            head, chain = self.take(ring)
            content = b"".join(self.read(address, length) for address, length, _ in chain)
            self.use(ring, [(head, 0)])
            size = self.header_size
            flags, gso_type, _, gso_size, start, offset, buffers = NET_HEADER.unpack(
                content[:size].ljust(12, b"\0"))
            frame = content[size:]
            if buffers or (gso_type and (gso_type != 1 or not gso_size)):
                frame = b"a wrong header"
            if flags & NEEDS_CSUM:
                self.unfinished += 1
                if frame[12:14] == b"\x08\x00":
                    total = checksum(frame[start:]) or 0xFFFF
                    at = start + offset
                    frame = frame[:at] + total.to_bytes(2, "big") + frame[at + 2:]
            self.large += bool(gso_type)
            self.frames.append((number // 2, frame))

    def header(self, frame):
        """What the device says of a frame, and the frame with its UDP checksum left unfinished."""
        if len(frame) > MTU_FRAME:
            return (NEEDS_CSUM, 1, 54, 1448, 34, 16), frame
        if self.features & GUEST_CSUM and frame[12:14] == b"\x08\x00" and frame[23] == 17:
            length = int.from_bytes(frame[38:40], "big")
            total = ~checksum(frame[26:34] + struct.pack(">HH", 17, length)) & 0xFFFF
            return (NEEDS_CSUM, 0, 0, 0, 34, 6), frame[:40] + total.to_bytes(2, "big") + frame[42:]
        return (0, 0, 0, 0, 0, 0), frame

    def give(self, ring, frame):
        """Puts a frame into receive buffers; False when there are not enough."""
        fields, frame = self.header(frame)
        left = self.header_size + len(frame)
        chains, room, before = [], 0, ring.next_available
        while room < left:
            if not self.waiting(ring):
                ring.next_available = before
                return False
            chains.append(self.take(ring))
            room += sum(length for _, length, _ in chains[-1][1])
        content = (NET_HEADER.pack(*fields, len(chains))[:self.header_size] + frame)
        done = []
        for head, chain in chains:
            written = 0
            for address, length, _ in chain:
                piece, content = content[:length], content[length:]
                self.write(address, piece)
                written += len(piece)
            done.append((head, written))
        self.use(ring, done)
        return True

    # --- The protocol with QEMU

    def message(self):
        fds = array.array("i")
        data, control, _, _ = self.socket.recvmsg(HEAD.size, socket.CMSG_SPACE(8 * 4))
        if len(data) < HEAD.size:
            raise EOFError
        for _, _, content in control:
            fds.frombytes(content[:len(content) - len(content) % fds.itemsize])
        request, _, size = HEAD.unpack(data)
        payload = b""
        while len(payload) < size:
            payload += self.socket.recv(size - len(payload))
        answer = self.obey(request, payload, list(fds))
        if answer is not None:
            self.socket.sendall(HEAD.pack(request, 5, len(answer)) + answer)

    def obey(self, request, payload, fds):
        number = int.from_bytes(payload[:8], "little")
        if request == 1:
            return FEATURES.to_bytes(8, "little")
        if request == 2:
            self.features = number
        elif request == 5:
            self.map_regions(payload, fds)
        elif request == 15:
            return PROTOCOL_MQ.to_bytes(8, "little")
        elif request == 17:
            return PAIRS.to_bytes(8, "little")
        elif request in (8, 9, 10, 11, 12, 13, 14, 18):
            return self.set_ring(request, self.rings[number & 0xFF], payload, fds)
        return None

    def set_ring(self, request, ring, payload, fds):
        if request == 8:
            ring.size = VRING_STATE.unpack(payload)[1]
        elif request == 9:
            _, _, descriptors, used, available, _ = VRING_ADDRESS.unpack(payload)
            ring.addresses = (descriptors, available, used)
            ring.next_used = self.read16(used + 2)
        elif request == 10:
            ring.next_available = VRING_STATE.unpack(payload)[1]
        elif request == 11:
            ring.stop()
            return payload[:4] + ring.next_available.to_bytes(4, "little")
        elif request == 12:
            ring.kick = fds[0] if fds else None
        elif request == 18:
            ring.enabled = bool(VRING_STATE.unpack(payload)[1])
        else:  # what would call the guest: it polls
            for one in fds:
                os.close(one)
        return None

    def map_regions(self, payload, fds):
        self.regions = []
        for number in range(struct.unpack_from("<I", payload)[0]):
            guest, size, user, offset = REGION.unpack_from(payload, 8 + number * REGION.size)
            memory = mmap.mmap(fds[number], size + offset)
            os.close(fds[number])
            self.regions.append((guest, size, user, offset, memory))

    # --- A link

    def serve(self, seconds):
        """Waits for something to do, and does it."""
        kicks = {ring.kick: number for number, ring in enumerate(self.rings)
                 if ring.kick is not None}
        ready = select.select([self.socket or self.listener, *kicks], [], [], seconds)[0]
        for one in ready:
            if one is self.listener:
                self.socket, _ = self.listener.accept()
            elif one is self.socket:
                self.message()
                return True  # the queues may have changed
            else:
                os.read(one, 8)
                if kicks[one] % 2:
                    self.collect(kicks[one])
        return bool(ready)

    def ready(self, seconds):
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self.frames:
            left = None if deadline is None else max(0, deadline - time.monotonic())
            if not self.serve(left):
                return False
        return True

    def receive(self):
        self.ready(None)
        self.pair, frame = self.frames.popleft()
        return frame

    def send(self, frame):
        ring = self.rings[2 * self.pair]
        deadline = time.monotonic() + SEND_SECONDS
        while ring.is_live and time.monotonic() < deadline:
            if self.give(ring, frame):
                return True
            self.serve(0.01)
        return False
