# SPDX-License-Identifier: MIT
"""Child processes that cannot outlive their run.

Owns every QEMU and daemon that is started: each has its own session and process group, a time
limit that holds even if this process is killed outright (coreutils' timeout, where there is one),
and an entry in a register that is emptied when this process is interrupted.
"""

import os
import selectors
import shutil
import signal
import subprocess
import threading
import time

GRACE = 10.0  # seconds by which the outer limit exceeds ours, so that ours is the one that acts
OUTPUT_LIMIT = 32 * 1024 * 1024  # bytes; a guest that prints for ever is ended, not stored

_register = set()
_lock = threading.Lock()
_closing = False


class Interrupted(Exception):
    """The run was interrupted from outside; the text names the signal."""


def end_all(number, _frame):
    """Signal handler: ends every child, then unwinds the main thread."""
    global _closing
    _closing = True
    for child in list(_register):
        child.end()
    raise Interrupted(signal.Signals(number).name)


def catch_signals():
    """To be called by the main thread of a command before it starts anything."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_all)


class Child:
    """One process and its group. `limit` is in seconds."""

    def __init__(self, command, limit, **options):
        guard = []
        if shutil.which("timeout"):
            guard = ["timeout", "--kill-after=2", str(int(limit + GRACE))]
        with _lock:
            if _closing:
                raise Interrupted("no further process")
            options.setdefault("stdin", subprocess.DEVNULL)
            self.process = subprocess.Popen(guard + command, start_new_session=True, **options)
            _register.add(self)
        if _closing:  # the signal came between the two: nobody else will end this child
            self.end()
            raise Interrupted("no further process")

    def end(self):
        """Kills the group and waits for it; harmless if it has ended. Returns the exit status."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        return self.wait(None)

    def stop(self, seconds=5.0):
        """Asks the group to end in its own way, then kills it. Returns the exit status."""
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
        except (ProcessLookupError, PermissionError):
            pass
        if self.wait(seconds) is None:
            return self.end()
        return self.process.returncode

    def wait(self, seconds):
        """Returns the exit status, or None if the process still runs after so many seconds."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        _register.discard(self)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.end()


def pump(child, deadline, on_serial, on_errors):
    """Feeds a child's stdout and stderr to two functions until both end.

    Returns None, or why it stopped early: "time" or "output".
    """
    handlers = {child.process.stdout: on_serial, child.process.stderr: on_errors}
    total = 0
    with selectors.DefaultSelector() as selector:
        for stream in handlers:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            if time.monotonic() >= deadline:
                return "time"
            for key, _events in selector.select(0.1):
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fileobj)
                    continue
                total += len(chunk)
                handlers[key.fileobj](chunk)
            if total > OUTPUT_LIMIT:
                return "output"
    return None
