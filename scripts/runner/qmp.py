# SPDX-License-Identifier: MIT
"""A client for QEMU's control socket (QMP), as small as the runner needs it.

Owns the connection. Every call has a time limit, because the QEMU at the other end may hang.
"""

import json
import socket
import time


class QmpError(Exception):
    """QEMU refused, closed the connection or did not answer in time."""


class Qmp:
    """A connection to the QMP socket at `path`, negotiated and ready."""

    def __init__(self, path, seconds=3.0):
        self.seconds = seconds
        self.pending = b""
        self.events = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # No second try: QEMU listens before it lets the guest run.
            self.socket.settimeout(seconds)
            self.socket.connect(str(path))
            self._receive(time.monotonic() + seconds)  # the greeting
            self.call("qmp_capabilities")
        except (OSError, QmpError):
            self.socket.close()
            raise

    def _receive(self, deadline):
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise QmpError("no answer in time")
            self.socket.settimeout(left)
            try:
                chunk = self.socket.recv(65536)
            except OSError as error:
                raise QmpError(str(error)) from None
            if not chunk:
                raise QmpError("QEMU closed the connection")
            self.pending += chunk
        line, _, self.pending = self.pending.partition(b"\n")
        return json.loads(line)

    def call(self, command, **arguments):
        """Runs one command and returns its value. Events that come in between are kept."""
        message = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        try:
            self.socket.settimeout(self.seconds)
            self.socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise QmpError(str(error)) from None
        deadline = time.monotonic() + self.seconds
        while True:
            answer = self._receive(deadline)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise QmpError(f"{command}: {answer['error'].get('desc')}")
            self.events.append(answer)

    def monitor(self, line):
        """Runs one line of the human monitor and returns its text."""
        return self.call("human-monitor-command", **{"command-line": line}).replace("\r", "")

    def wait_event(self, name):
        """Waits for an event, also one that came before; raises QmpError when it does not come."""
        deadline = time.monotonic() + self.seconds
        while not any(event.get("event") == name for event in self.events):
            message = self._receive(deadline)
            if "event" in message:
                self.events.append(message)
        self.events = [event for event in self.events if event.get("event") != name]

    def reset(self):
        """Resets the machine, although QEMU runs with -no-reboot.

        SeaBIOS may answer with a reset of its own: a reset of the guest's ends QEMU only after
        forbid_reset.
        """
        self.call("set-action", reboot="reset")
        self.call("system_reset")
        self.wait_event("RESET")

    def forbid_reset(self):
        """From now on a guest that resets ends QEMU."""
        self.call("set-action", reboot="shutdown")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()


def describe_device(qmp, path):
    """One line: what QEMU knows of a virtio device and of its first queue."""
    try:
        device = qmp.call("x-query-virtio-status", path=path)
        queue = qmp.call("x-query-virtio-queue-status", path=path, queue=0)
    except QmpError as error:
        return f"{path}: {error}"
    status = " ".join(word.split(":")[0] for word in device["status"]["statuses"]) or "reset"
    return (f"{path}: {status}{', broken' if device['broken'] else ''}, isr {device['isr']};"
            f" queue 0: size {queue['vring-num']}, {queue['inuse']} in use, available index taken"
            f" {queue.get('last-avail-idx', '?')}, used index {queue['used-idx']}")


def explain_hang(path, virtio_paths):
    """What a stuck machine looks like from outside: run state, devices and queues, registers.

    Sends the CPU an NMI at the end: a kernel that can still print says where it is. Never raises:
    what cannot be had is said in the text.
    """
    lines = []
    try:
        with Qmp(path) as qmp:
            lines.append(qmp.monitor("info status").strip())
            lines += [describe_device(qmp, device) for device in virtio_paths]
            registers = qmp.monitor("info registers").strip()
            lines.append(registers.split("\nFCW=")[0])  # no vectors
            qmp.call("inject-nmi")
    except (QmpError, OSError, ValueError, KeyError, TypeError) as error:
        lines.append(f"(nothing more from QEMU: {error})")
    return "\n".join(lines)
