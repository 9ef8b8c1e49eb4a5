# SPDX-License-Identifier: MIT
"""The command behind scripts/run: boots one configuration, shows it, and judges it.

Owns the options. Exit status: 0 good, 1 not good, 2 an option that means nothing, 77 this machine
cannot run it (a missing QEMU or device).
"""

import argparse
import os
import sys

from . import build, command, complaints, configuration as conf, execute, process, qtest, table, verdict
from .configuration import UsageError
from .images import ImageError

TABLE = build.ROOT / "tests" / "matrix.conf"
EXIT_STATUS = {"pass": 0, "fail": 1, "skip": 77}
LAST_LINES = 15

HELP = """\
Boots the test kernel in QEMU, shows its serial port, and checks what can be checked from outside:
the TAP plan and summary, QEMU's exit status and complaints, the disks. Without options it boots
the configuration called default in tests/matrix.conf.
"""

EPILOG = """\
devices:  blk:ROLE rng net:ROLE console:ROLE keyboard mouse tablet balloon scsi:ROLE 9p:ROLE gpu vga
          vhost-user-blk:ROLE, each with QEMU's properties behind it if wanted, as in --device blk:scratch,queue-size=4
          --device rng (or one list with commas; none for none)
roles:    docs      6 MiB with an ext2 file system made of this project's files
          scratch   8 MiB of zeros, the only disk that the tests write to
          readonly  attached readonly=on
          faulty    reading sector 2048 gives an I/O error
          stuck     answers one request, then none for minutes
          boot      the disk to boot from (with --boot disk)
          peer      a network device, with a process on this machine at the other end of the wire
          dgram     the same over datagrams instead of a stream
          vhost     the same by vhost-user, with offloads and two pairs of queues
          user      a network device on QEMU's own network (DHCP, TFTP)
          single    a console of one port, with an echo behind it
          ports     a console device of several ports, with a program behind each
          disks     a SCSI controller with disks and drives of all kinds
          one       a SCSI controller with one disk
          terminal  a console that is this terminal: with --append console=virtio the kernel prints
                    there, with echo=yes as well it sends back what is typed, until Ctrl-D
          share     a folder of this machine, made for the run, in which the tests read and write
          readonly  the same, to be read only
examples: sh scripts/run --machine q35 --transport modern --arch x86_64
          sh scripts/run --device blk:docs --append suites=blk
          sh scripts/run -- -smp 2 -trace 'virtio_*'
          sh scripts/run --device console:terminal --append 'console=virtio echo=yes suites=kernel'
          sh scripts/run --share docs
          sh scripts/run --row microvm-mmio2-i386
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the manual is only printed when asked for."""

    def error(self, message):
        raise UsageError(message)


def parser():
    options = Parser(prog="scripts/run", description=HELP, epilog=EPILOG, allow_abbrev=False,
                     usage="sh scripts/run [options] [-- extra QEMU arguments]",
                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = options.add_argument
    add("--row", metavar="NAME", default="default", help="start from this row of the matrix")
    add("--arch", metavar="|".join(conf.ARCHITECTURES), help="which kernel")
    add("--machine", metavar="|".join(conf.MACHINES), help="QEMU machine, with options if wanted")
    add("--transport", metavar="|".join(conf.TRANSPORTS),
        help="kind of the virtio devices; properties behind it go to all of them")
    add("--device", metavar="DEVICE", action="append", help="see below; replaces the default ones")
    add("--share", metavar="DIRECTORY", action="append", default=[],
        help="show the kernel this folder by 9P; the tests do not write in it")
    add("--boot", metavar="|".join(conf.BOOTS), help="-kernel, a GRUB CD, or a GRUB virtio disk")
    add("--memory", metavar="SIZE", help="like 128M or 6G")
    add("--append", metavar="WORDS", help="words for the kernel's command line")
    add("--expect", metavar="LIST", help="devices that must be found, like blk:2,rng:1, or none;"
        " without it, those attached")
    add("--timeout", metavar="SECONDS", type=float, help="end a run that takes longer")
    add("--screenshot", metavar="FILE", help="the GPU's test card, as the screen shows it, to a PNG file;"
        " runs the row gpu-modern-i386 if no other is named")
    qtest.add_options(add)
    add("--keep", metavar="DIRECTORY", help="leave disks and logs there")
    add("--print", action="store_true", dest="show_command", help="show QEMU's command line, too")
    add("--no-build", action="store_true", help="boot what was built before")
    return options


def configure(arguments, extra):
    """Options over the cells of a row."""
    if arguments.screenshot and arguments.row == "default" and arguments.device is None:
        arguments.row = "gpu-modern-i386"
        arguments.append = arguments.append or "suites=gpu"
    row = dict(table.select(table.read(TABLE), [arguments.row])[0])
    changed = False
    for column in ("arch", "machine", "transport", "boot", "memory"):
        if getattr(arguments, column) is not None:
            row[column] = getattr(arguments, column)
    # A newcomer who asks for microvm, or for mmio, has said enough.
    on_microvm = row["machine"].split(",")[0] == "microvm"
    on_mmio = row["transport"].split(",")[0] in conf.MMIO_TRANSPORTS
    if on_microvm and not on_mmio and arguments.transport is None:
        row["transport"] = "mmio2"
    if on_mmio and not on_microvm and arguments.machine is None:
        row["machine"] = "microvm"
    if arguments.device is not None:
        row["devices"], changed = ",".join(arguments.device), True
    if row["boot"] == "disk" and "blk:boot" not in row["devices"] and arguments.device is None:
        row["devices"], changed = row["devices"] + ",blk:boot", True
    if arguments.append is not None:
        row["words"] = arguments.append or "none"
    if arguments.expect is not None:
        row["expect"] = arguments.expect
    configuration = table.configure(row)
    for folder in arguments.share:
        configuration.devices.append(conf.shared_folder(folder))
        changed = True
    if changed and arguments.expect is None:
        configuration.expect = conf.promised(configuration.devices)
    configuration.qemu += extra
    configuration.screenshot = arguments.screenshot or ""
    configuration.qtest = arguments.qtest
    if arguments.timeout is not None:
        if not arguments.timeout > 0:
            raise UsageError(f"timeout is a number of seconds above 0, not {arguments.timeout:g}")
        configuration.limit = arguments.timeout
    return configuration


def describe(configuration):
    devices = ", ".join(device.kind + (f":{device.role}" if device.role else "")
                        for device in configuration.devices) or "no devices"
    what = "running the {} tests on" if configuration.qtest else "booting the {} kernel on"
    return (f"{what.format(configuration.arch)} {configuration.machine},"
            f" {configuration.memory} MiB, {configuration.transport}: {devices}")


def show(outcome, result):
    """What the runner found, after the guest's own words."""
    write = sys.stdout.write
    if outcome.diagnosis:
        write("--- QEMU, when it was ended\n" + outcome.diagnosis + "\n")
        tail = outcome.serial.decode("utf-8", "replace").splitlines()[-LAST_LINES:]
        write("--- the last lines of the serial port\n" + "\n".join(tail) + "\n")
    for line in outcome.report:
        write(f"{line}\n")
    _, others = complaints.split(outcome.stderr)
    for line in others:
        write(f"QEMU says: {line}\n")
    for fact in result.facts:
        write(f"checked: {fact}\n")
    for fault in result.faults:
        write(f"FAULT: {fault}\n")
    if result.skip:
        write(f"skipped: {result.skip}\n")
    else:
        write(f"{'good' if result.good else 'NOT good'}: {result.passed} passed, {result.failed}"
              f" failed, {result.skipped} skipped, in {result.seconds:.1f} s\n")


def live(chunk):
    sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def main(argv):
    own, extra = argv, []
    if "--" in argv:
        at = argv.index("--")
        own, extra = argv[:at], argv[at + 1:]
    try:
        arguments = parser().parse_args(own)
        configuration = configure(arguments, extra)
    except (UsageError, OSError) as error:
        print(f"run: {error}\nrun: sh scripts/run --help lists the options", file=sys.stderr)
        return 2
    process.catch_signals()
    try:
        products = build.products([configuration], build=not arguments.no_build, quiet=True)
        print(f"run: {describe(configuration)}", flush=True)
        outcome = execute.run(configuration, products, live=live, keep=arguments.keep)
    except (build.BuildError, ImageError, OSError) as error:
        print(f"run: {error}", file=sys.stderr)
        return 1
    except process.Interrupted as signal_name:
        print(f"\nrun: interrupted by {signal_name}", file=sys.stderr)
        return 130
    result = verdict.judge(configuration, outcome)
    if arguments.show_command:
        print(f"command: {command.quoted(outcome.command)}")
    show(outcome, result)
    sys.stdout.flush()
    return EXIT_STATUS[result.word]


if __name__ == "__main__":
    STATUS = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(STATUS) if STATUS == 130 else sys.exit(STATUS)
