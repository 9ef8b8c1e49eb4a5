# SPDX-License-Identifier: MIT
"""A client for a VNC server (RFC 6143, and QEMU's extensions), as small as the runner needs it: it looks at no pixels,
asks for another size of the desktop, and takes the shape of the pointer.

Owns the connection. Every wait has a time limit.
"""

import socket
import struct
import time

RAW, CURSOR_WITH_ALPHA, EXTENDED_DESKTOP_SIZE = 0, -314, -308
FRAMEBUFFER_UPDATE, BELL, CUT_TEXT = 0, 2, 3
SET_ENCODINGS, SET_DESKTOP_SIZE = 2, 251
DONE = 4  # QEMU's word for a size that it has told the guest of


class VncError(Exception):
    """The server speaks otherwise than it should, closed the connection or did not answer in time."""


class Vnc:
    """A connection to the server at a Unix socket."""

    def __init__(self, path, seconds=5.0):
        self.seconds = seconds
        self.pending = b""
        self.deadline = 0.0
        self.answers = []  # results of SetDesktopSize
        self.cursor = None  # (hot_x, hot_y, width, height, pixels) that came last
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._begin()
            self.socket.connect(str(path))
            self._handshake()
        except (OSError, VncError):
            self.socket.close()
            raise

    def _begin(self):
        self.deadline = time.monotonic() + self.seconds

    def _take(self, count):
        while len(self.pending) < count:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise VncError("no answer in time")
            self.socket.settimeout(left)
            try:
                chunk = self.socket.recv(65536)
            except OSError as error:
                raise VncError(str(error)) from None
            if not chunk:
                raise VncError("the server closed the connection")
            self.pending += chunk
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def _unpack(self, form):
        return struct.unpack(form, self._take(struct.calcsize(form)))

    def _handshake(self):
        if not self._take(12).startswith(b"RFB 003.008"):
            raise VncError("another version of the protocol")
        self.socket.sendall(b"RFB 003.008\n")
        kinds = self._take(self._take(1)[0])
        if 1 not in kinds:
            raise VncError(f"kinds of security {list(kinds)}, none of them none")
        self.socket.sendall(b"\x01")
        if self._unpack(">I") != (0,):
            raise VncError("refused")
        self.socket.sendall(b"\x01")  # others may look, too
        *_, length = self._unpack(">HH16xI")
        self._take(length)
        encodings = (RAW, EXTENDED_DESKTOP_SIZE, CURSOR_WITH_ALPHA)
        self.socket.sendall(struct.pack(f">BxH{len(encodings)}i", SET_ENCODINGS, len(encodings), *encodings))

    def _message(self):
        """Takes one message of the server."""
        kind = self._take(1)[0]
        if kind == FRAMEBUFFER_UPDATE:
            for _ in range(self._unpack(">xH")[0]):
                self._rectangle()
        elif kind == CUT_TEXT:
            self._take(self._unpack(">3xI")[0])
        elif kind != BELL:
            raise VncError(f"a message of kind {kind}")

    def _rectangle(self):
        x, y, width, height, encoding = self._unpack(">HHHHi")
        if encoding == EXTENDED_DESKTOP_SIZE:
            self._take(16 * self._unpack(">B3x")[0])
            if x == 1:  # the answer to this client's own question
                self.answers.append(y)
        elif encoding == CURSOR_WITH_ALPHA:
            if self._unpack(">i") != (RAW,):
                raise VncError("pixels of a pointer that are not raw")
            self.cursor = (x, y, width, height, self._take(4 * width * height))
        else:
            raise VncError(f"a rectangle of encoding {encoding}")

    def resize(self, width, height):
        """Wants another size of the desktop, and waits for the word that the guest was told."""
        self._begin()
        screen = struct.pack(">IHHHHI", 0, 0, 0, width, height, 0)
        self.socket.sendall(struct.pack(">BxHHBx", SET_DESKTOP_SIZE, width, height, 1) + screen)
        while not self.answers:
            self._message()
        answer = self.answers.pop()
        if answer != DONE:
            raise VncError(f"a size of {width} x {height} was answered with {answer}")

    def wait_cursor(self, due):
        """Takes messages until the pointer is as it is due, or time is over; returns what it is."""
        self._begin()
        try:
            while self.cursor != due:
                self._message()
        except VncError:
            pass
        return self.cursor

    def close(self):
        self.socket.close()
