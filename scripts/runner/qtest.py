# SPDX-License-Identifier: MIT
"""Runs with --qtest: the tests are a process on this machine, and QEMU is told by it what to do with its devices.

The guest is parked: it says when firmware is done, and halts. The tests' process (tests/qtest) gets at registers
through QEMU's qtest socket and shares the guest's memory; its standard output is what a kernel's serial port is.

Owns what is different in such a run: which configurations can be run so, QEMU's options, and the end of QEMU.
"""

import pathlib
import subprocess
import time

from . import process, qmp

VARIANTS = {"sanitized": "the tests as a process under the sanitizers, instead of the kernel",
            "coverage": "the same as a process that counts what it executes"}
MEMORY_MAX = 2048  # MiB; what lies above 4 GiB is not where the file has it, and a 32-bit process has no room
START_SECONDS = 10.0
END_SECONDS = 5.0
STDERR = "qemu.stderr"

# What a kernel can do in the machine, and a process beside it cannot, with the reason.
ACTIONS = {
    "crash": "only a kernel crashes as one",
    "hang": "only a kernel hangs as one",
    "reset": "a machine that is reset does not restart a process",
    "accesses": "QEMU's trace is split by what a kernel prints; the tests count for themselves",
    "report": "a process reaches every register by the socket",
}


def add_options(add):
    """The options of scripts/run and scripts/matrix; the variant is the value of `qtest`."""
    for (variant, text), option in zip(VARIANTS.items(), ("--qtest", "--qtest-coverage")):
        add(option, dest="qtest", action="store_const", const=variant, default="", help=text)


def refusal(configuration):
    """Why a configuration cannot be run so, or an empty text."""
    for action, reason in ACTIONS.items():
        if action in configuration.actions:
            return f"qtest: {reason}"
    if configuration.boot != "kernel":
        return "qtest: nothing is booted"
    if configuration.has_terminal:
        return "qtest: the tests have their standard output"
    if configuration.memory > MEMORY_MAX:
        return f"qtest: the machine has more than {MEMORY_MAX} MiB"
    return ""


def socket_path(work):
    return pathlib.Path(work) / "qtest"


def memory_path(work):
    return pathlib.Path(work) / "memory"


def memory_options(configuration, work):
    """Memory that is a file, which the tests' process maps, too."""
    return ["-m", str(configuration.memory), "-object",
            f"memory-backend-file,id=ram,size={configuration.memory}M,share=on,mem-path={memory_path(work)}",
            "-M", f"{configuration.machine},memory-backend=ram"]


def machine_options(work, parked):
    # If it is not told otherwise, QEMU prints every line of the protocol.
    return ["-kernel", str(parked), "-qtest", f"unix:{socket_path(work)},server=on,wait=off", "-qtest-log", "none"]


def tests_command(configuration, work, program):
    return [str(program), str(socket_path(work)), str(memory_path(work))] + configuration.kernel_words


class Machine:
    """The QEMU of a run; the tests may be started once this is made."""

    def __init__(self, command, work, limit):
        self.work = pathlib.Path(work)
        self.fault = ""
        with open(self.work / STDERR, "wb") as errors:
            self.child = process.Child(command, limit + process.GRACE, stdout=subprocess.DEVNULL, stderr=errors)
        deadline = time.monotonic() + START_SECONDS
        while not socket_path(work).exists():
            status = self.child.wait(0.01)
            if status is not None or time.monotonic() > deadline:
                self.fault = "QEMU did not start" if status is None else f"QEMU ended at once with status {status}"
                break

    def errors(self):
        return (self.work / STDERR).read_text(errors="replace").splitlines()

    def end(self):
        """Ends QEMU, which must still be there. Returns what is to be said against it, or an empty text."""
        status = self.child.wait(0)
        if status is not None:
            self.fault = self.fault or f"QEMU ended before the tests did, with status {status}"
        else:
            try:
                with qmp.Qmp(self.work / "qmp") as monitor:
                    monitor.call("quit")
            except (qmp.QmpError, OSError) as error:
                self.fault = self.fault or f"QEMU would not quit: {error}"
            status = self.child.wait(END_SECONDS)
            if status != 0:
                self.fault = self.fault or f"QEMU ended with status {status} when it was told to quit"
        self.child.end()
        return self.fault
