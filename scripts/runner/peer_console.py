# SPDX-License-Identifier: MIT
"""The host's end of console devices: a program behind each port.

Roles of the device:
    console:single   one port, a console that answers with an echo; the device has no MULTIPORT
    console:ports    a console and serial ports: echo (sends back what it gets), sink (reads slowly, and
                     only when it is told to), source (sends when it is told to), idle (nobody is there until
                     somebody is told to come), and room for one more
    console:terminal what the kernel prints with console=virtio, on QEMU's standard output, and what is typed
Ports are called org.libvirtio.<program>.<device number>.

    # host: console begin                     the programs come
    # host: console sink PORT seed=S bytes=N  read N bytes slowly, compare them with the pattern, say "done\\n"
    # host: console source PORT seed=S bytes=N   send N bytes of the pattern
    # host: console connect PORT, disconnect PORT
    # host: console type                      somebody types at the terminal
    # host: console echoed bytes=N            the kernel has seen N bytes of it
    # host: console plug NUMBER, unplug NUMBER   a further port "hot", with an echo, comes and goes
"""

import hashlib
import os
import pathlib
import socket
import threading
import time

from . import pattern, qmp

TYPE = "console"
PROGRAMS = ("echo", "sink", "source", "idle")
PREFIX = "org.libvirtio"
PORTS = 8  # max_ports of console:ports
CHUNK = 4096
SLOWNESS = 0.001  # seconds a chunk
FIRST_PAUSE = 0.15  # seconds in which the guest finds out that nobody reads
TYPED = b"what is typed comes back\rand ends\r\x04"
LIMIT = 20.0  # seconds a program waits for its socket


def port_name(program, number):
    return f"{PREFIX}.{program}.{number}"


def socket_path(work, name):
    return pathlib.Path(work) / f"{name}.port"


def chardev(work, name):
    return ["-chardev", f"socket,id={name},path={socket_path(work, name)},server=on,wait=off"]


def options(number, device, work):
    """A console is port 0; the bus of a device is called after its id."""
    bus = f"{device.role}{number}.0"
    if device.role == "terminal":
        return (["-chardev", f"stdio,id=console.{number},signal=on"], ["max_ports=2"],
                ["-device", f"virtconsole,bus={bus},chardev=console.{number},name=console.{number}"])
    before, behind = chardev(work, f"console.{number}"), []
    if device.role == "ports":
        behind += ["-device", f"virtconsole,bus={bus},chardev=console.{number},name=console.{number}"]
        for program in PROGRAMS:
            name = port_name(program, number)
            before += chardev(work, name)
            behind += ["-device", f"virtserialport,bus={bus},chardev={name},name={name},id={name}"]
        before += chardev(work, port_name("hot", number))
        return before, [f"max_ports={PORTS}"], behind
    behind += ["-device", f"virtconsole,bus={bus},chardev=console.{number}"]
    return before, ["max_ports=1"], behind


def bytes_of(seed, count):
    return pattern.sectors(seed, 0, -(-count // pattern.SECTOR))[:count]


class Peer:
    keyboard = None  # what reaches QEMU's standard input, where there is a terminal

    def __init__(self, configuration, work, log):
        self.work = work
        self.log = log
        self.monitor = work / "qmp"
        self.devices = {number: device for number, device in enumerate(configuration.devices)
                        if device.type_name == TYPE}
        self.sockets = {}
        self.threads = []

    def act(self, verb, words, values):
        getattr(self, "do_" + verb.replace("-", "_"))(*words, **values)

    def finish(self):
        for connection in list(self.sockets.values()):
            connection.close()
        for thread in self.threads:
            thread.join(2.0)

    def _open(self, name):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(LIMIT)
        connection.connect(str(socket_path(self.work, name)))
        self.sockets[name] = connection
        return connection

    def _run(self, name, program, *arguments):
        """Runs a program in a thread; the end of the connection is its end."""
        def body():
            try:
                program(name, *arguments)
            except OSError as error:
                if self.sockets.get(name) and self.sockets[name].fileno() >= 0:
                    self.log.fault(f"port {name}: {error}")
        thread = threading.Thread(target=body, daemon=True)
        self.threads.append(thread)
        thread.start()

    def do_begin(self):
        """All programs come; a kernel that is booted again finds them there."""
        for number, device in self.devices.items():
            names = [f"console.{number}"] if device.role != "terminal" else []
            if device.role == "ports":
                names += [port_name(program, number) for program in PROGRAMS if program != "idle"]
            for name in names:
                if name in self.sockets:
                    continue
                self._open(name)
                if name.split(".")[-2] in ("console", "echo"):
                    self._run(name, self._echo)

    def _echo(self, name):
        connection = self.sockets[name]
        connection.settimeout(None)
        try:
            while chunk := connection.recv(65536):
                connection.sendall(chunk)
        except (ConnectionResetError, BrokenPipeError):
            pass  # the other end may go at any time

    def do_sink(self, name, seed, bytes):
        self._run(name, self._sink, int(seed, 0), int(bytes))

    def _sink(self, name, seed, count):
        connection, got = self.sockets[name], bytearray()
        time.sleep(FIRST_PAUSE)
        while len(got) < count:
            chunk = connection.recv(min(CHUNK, count - len(got)))
            if not chunk:
                break
            got += chunk
            time.sleep(SLOWNESS)
        digest, due = (hashlib.sha256(data).hexdigest() for data in (got, bytes_of(seed, count)))
        if digest == due:
            self.log.fact(f"{name} got {count} bytes, sha256 {digest[:16]}...")
            connection.sendall(b"done\n")
        else:
            self.log.fault(f"{name} got {len(got)} of {count} bytes, sha256 {digest} instead of {due}")
            connection.sendall(b"fail\n")

    def do_source(self, name, seed, bytes):
        self._run(name, self._source, int(seed, 0), int(bytes))

    def _source(self, name, seed, count):
        self.sockets[name].sendall(bytes_of(seed, count))
        self.log.fact(f"{name} sent {count} bytes")

    def do_connect(self, name):
        self._open(name)
        self._run(name, self._echo)

    def do_disconnect(self, name):
        connection = self.sockets.pop(name)
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def do_type(self):
        """Somebody who has a terminal of his own types himself."""
        if self.keyboard is not None:
            os.write(self.keyboard, TYPED)

    def do_echoed(self, bytes):
        if self.keyboard is None:
            return
        due = TYPED.index(b"\x04")
        if int(bytes) == due:
            self.log.fact(f"{due} bytes were typed at the terminal and came back")
        else:
            self.log.fault(f"{due} bytes were typed at the terminal, and {bytes} came back")

    def do_plug(self, number):
        name, device = port_name("hot", number), self.devices[int(number)]
        deadline = time.monotonic() + LIMIT
        while True:  # QEMU may hold on to the socket of a port that was there before for a while
            try:
                with qmp.Qmp(self.monitor) as monitor:
                    monitor.call("device_add", driver="virtserialport", bus=f"{device.role}{number}.0",
                                 chardev=name, name=name, id=name)
                break
            except qmp.QmpError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self.do_connect(name)

    def do_unplug(self, number):
        name = port_name("hot", number)
        with qmp.Qmp(self.monitor) as monitor:
            monitor.call("device_del", id=name)
        if name in self.sockets:
            self.do_disconnect(name)
