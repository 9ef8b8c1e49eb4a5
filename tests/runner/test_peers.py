# SPDX-License-Identifier: MIT
"""The peers: whatever a guest asks for, what goes wrong is a fault of the run and nothing else."""

import pathlib
import socket
import tempfile
import time
import unittest

from runner import peer_console, peer_input, peers, table

DEFAULT = ("default|i386|pc|transitional|kernel|128M|blk:docs,blk:scratch,rng|none|none"
           "|blk:2,rng:1|none|short\n")


def configuration(devices, expect):
    return table.configure(table.parse(DEFAULT + f"x||||||{devices}|||{expect}||\n")[1])


class Peers(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="libvirtio-test-")
        self.addCleanup(directory.cleanup)
        self.work = pathlib.Path(directory.name)

    def run_lines(self, lines, devices="console:ports", expect="console:1"):
        helpers = peers.Peers(configuration(devices, expect), self.work)
        helpers.start(None)
        for line in lines:
            helpers.line(line)
        return helpers.finish()

    def test_other_lines_are_left_alone(self):
        self.assertEqual(self.run_lines(["ok 1 - x: # host: console begin", "# hosts: a b", "# host:"]),
                         ([], []))

    def test_a_peer_that_is_not_there(self):
        faults, _ = self.run_lines(["# host: floppy insert"])
        self.assertIn("not there", faults[0])

    def test_what_a_peer_cannot_do(self):
        for line in ("# host: console dance", "# host: console sink nowhere", "# host: console begin",
                     "# host: console sink a seed=x bytes=1"):
            faults, _ = self.run_lines([line])
            self.assertEqual(len(faults), 1, line)
            self.assertIn("console", faults[0])

    def test_a_sink_that_gets_something_else(self):
        """One byte is wrong: the digest tells."""
        name = peer_console.port_name("sink", 0)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(server.close)
        for sent, due in ((peer_console.bytes_of(5, 1000), b"done\n"),
                          (peer_console.bytes_of(5, 999) + b"!", b"fail\n")):
            log = peers.Log()
            peer = peer_console.Peer(configuration("console:ports", "console:1"), self.work, log)
            ours, theirs = socket.socketpair()
            peer.sockets[name] = theirs
            ours.sendall(sent)
            peer.act("sink", [name], {"seed": "5", "bytes": "1000"})
            ours.settimeout(5.0)
            self.assertEqual(ours.recv(16), due)
            ours.close()
            peer.finish()
            self.assertEqual(bool(log.faults), due == b"fail\n")

    def test_echo(self):
        log = peers.Log()
        peer = peer_console.Peer(configuration("console:ports", "console:1"), self.work, log)
        ours, theirs = socket.socketpair()
        peer.sockets["x"] = theirs
        peer._run("x", peer._echo)
        ours.sendall(b"hello")
        ours.settimeout(5.0)
        self.assertEqual(ours.recv(16), b"hello")
        ours.close()
        time.sleep(0.05)
        peer.finish()
        self.assertEqual(log.faults, [])

    def test_sequences_of_input(self):
        keys = [peer_input.keyboard(n)["data"] for n in range(4)]
        self.assertEqual([(key["key"]["data"], key["down"]) for key in keys],
                         [("q", True), ("q", False), ("w", True), ("w", False)])
        self.assertEqual(peer_input.mouse(1)["data"], {"axis": "y", "value": -13})
        self.assertEqual(peer_input.tablet(2)["data"], {"axis": "x", "value": 626})

    def test_words_for_the_kernel(self):
        self.assertIn("host=yes", configuration("keyboard", "input:1").kernel_words)
        self.assertNotIn("host=yes", configuration("rng", "rng:1").kernel_words)
        self.assertTrue(configuration("console:terminal", "console:1").has_terminal)
