# SPDX-License-Identifier: MIT
"""The host's end of devices that talk to one: what is behind a console's ports, for instance.

A guest that needs the host to do something says so in a line on its serial port,
    # host: <device type> <verb> <words, some of them name=value>
and the peer of that type does it. Peers do their work in threads of their own, so that the guest's output
is always read; what they find out becomes faults and facts of the run. The guest knows from the word
`host=yes` on its command line that there is somebody to ask.

Owns the dispatch. A peer is a module with
    TYPE                                       the kernel's name of the device type
    options(number, device, work)    QEMU options before the device, properties of it, options behind it
    Peer(configuration, work, log)   .act(verb, words, values), .finish()
"""

import queue
import re
import threading

from . import peer_9p, peer_balloon, peer_blk, peer_console, peer_gpu, peer_input, peer_net, peer_scsi, peer_unplug

MARKER = re.compile(r"# host: (\S+) (\S+)(?: (.*))?$")
PEERS = {module.TYPE: module for module in (peer_9p, peer_balloon, peer_blk, peer_console, peer_gpu, peer_input,
                                             peer_net, peer_scsi)}
PATIENCE = 5.0  # seconds that a peer has to end after the guest did


class Log:
    """What the peers found out; they write, the runner reads afterwards."""

    def __init__(self):
        self.faults = []
        self.facts = []

    def fault(self, text):
        self.faults.append(f"host: {text}")

    def fact(self, text):
        self.facts.append(f"host: {text}")


def types(configuration):
    """The types of devices in a configuration that have a peer."""
    return sorted({device.type_name for device in configuration.devices if device.has_peer})


def machine_options(configuration, work):
    """QEMU options for a peer that is about the machine and not about one of its devices."""
    return peer_unplug.options(work) if configuration.unplugs else []


def options(number, device, work):
    """QEMU options before a device, properties of it, and options behind it."""
    module = PEERS.get(device.type_name)
    return module.options(number, device, work) if module else ([], [], [])


class Peers:
    """All peers of a run. Actions are carried out one after the other, in the order of the lines."""

    def __init__(self, configuration, work, command=()):
        self.log = Log()
        self.peers = {name: PEERS[name].Peer(configuration, work, self.log)
                      for name in types(configuration)}
        if configuration.unplugs:
            self.peers[peer_unplug.TYPE] = peer_unplug.Peer(command, work, self.log)
        self.actions = queue.Queue()
        self.worker = threading.Thread(target=self._work, daemon=True)

    def start(self, keyboard):
        """To be called when QEMU was started; what is written to `keyboard` it takes as its input."""
        if "console" in self.peers:
            self.peers["console"].keyboard = keyboard
        self.worker.start()

    def line(self, text):
        """Takes a line of the serial output."""
        match = MARKER.match(text.rstrip())
        if not match:
            return
        kind, verb, rest = match[1], match[2], (match[3] or "").split()
        if kind not in self.peers:
            self.log.fault(f"the guest asks for a peer that is not there: {text}")
            return
        words = [word for word in rest if "=" not in word]
        values = dict(word.split("=", 1) for word in rest if "=" in word)
        self.actions.put((kind, verb, words, values))

    def _work(self):
        while True:
            action = self.actions.get()
            if action is None:
                return
            kind, verb, words, values = action
            try:
                self.peers[kind].act(verb, words, values)
            except Exception as error:  # whatever it is: the run is not good, and goes on
                self.log.fault(f"{kind} {verb} {' '.join(words)}: {type(error).__name__}: {error}")

    def finish(self):
        """To be called when QEMU has ended. Returns (faults, facts)."""
        self.actions.put(None)
        self.worker.join(PATIENCE)
        if self.worker.is_alive():
            self.log.fault("a peer did not end with the guest")
        for peer in self.peers.values():
            peer.finish()
        return self.log.faults, self.log.facts
