# SPDX-License-Identifier: MIT
"""The peers: whatever a guest asks for, what goes wrong is a fault of the run and nothing else."""

import hashlib
import pathlib
import shutil
import socket
import tempfile
import time
import unittest

from runner import configuration as conf, peer_console, peer_input, peers, table

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

    def run_share(self, lines, change=None):
        """A guest that reads big.bin, writes out/x and then does what `change` does to the folder."""
        top = self.work / "9p0"
        helpers = peers.Peers(configuration("9p:share", "9p:1"), self.work)
        helpers.start(None)
        (top / "out").mkdir()
        (top / "out" / "x").write_bytes(b"content")
        big = (top / "big.bin").read_bytes()
        helpers.line("# host: 9p read tag=share-0 name=big.bin"
                     f" sha256={hashlib.sha256(big).hexdigest()} bytes={len(big)}")
        helpers.line("# host: 9p wrote tag=share-0 name=out/x"
                     f" sha256={hashlib.sha256(b'content').hexdigest()} bytes=7")
        for line in lines:
            helpers.line(line)
        if change:
            change(top)
        return helpers.finish()[0]

    def test_a_share_as_it_must_be(self):
        self.assertEqual(self.run_share(["# host: 9p made tag=share-0 name=out",
                                         "# host: 9p gone tag=share-0 name=out/y"]), [])

    def test_a_share_that_is_not(self):
        def fault(lines, change=None):
            faults = self.run_share(lines, change)
            self.assertEqual(len(faults), 1, faults)
            shutil.rmtree(self.work / "9p0")
            return faults[0]
        self.assertIn("SHA-256", fault([], lambda top: (top / "out" / "x").write_bytes(b"Content")))
        self.assertIn("6 bytes", fault([], lambda top: (top / "out" / "x").write_bytes(b"conten")))
        self.assertIn("cannot be read", fault([], lambda top: (top / "out" / "x").unlink()))
        self.assertIn("no folder", fault(["# host: 9p made tag=share-0 name=out/x"]))
        self.assertIn("still there", fault(["# host: 9p gone tag=share-0 name=out/x"]))
        self.assertIn("may not write", fault([], lambda top: (top / "new").mkdir()))
        self.assertIn("may not write", fault([], lambda top: (top / "empty").write_bytes(b"x")))
        self.assertIn("the guest read", fault(
            ["# host: 9p read tag=share-0 name=empty sha256=0 bytes=0"]))
        self.assertIn("KeyError", fault(["# host: 9p gone tag=share-1 name=x"]))
        self.assertIn("no such verb", fault(["# host: 9p dance tag=share-0 name=x"]))

    def test_a_guest_that_says_nothing_of_its_share(self):
        faults, _ = self.run_lines([], "9p:share", "9p:1")
        self.assertEqual(len(faults), 2, faults)
        shutil.rmtree(self.work / "9p0")
        self.assertEqual(len(self.run_lines([], "9p:readonly", "9p:1")[0]), 1)

    def test_a_folder_of_the_users(self):
        """It is shown to the guest where it is, with no file of the tests in it, and none is looked at."""
        folder = self.work / "here, there"
        folder.mkdir()
        run = configuration("rng", "rng:1")
        run.devices.append(conf.shared_folder(str(folder)))
        before, properties, _ = peers.options(1, run.devices[1], self.work)
        self.assertIn(f"path={self.work}/here,, there,", before[1])
        self.assertIn("mount_tag=folder-1", properties)
        helpers = peers.Peers(run, self.work)
        helpers.start(None)
        (folder / "new").write_bytes(b"")
        self.assertEqual(helpers.finish(), ([], []))
        with self.assertRaises(conf.UsageError):
            conf.shared_folder(str(folder / "new"))
        with self.assertRaises(conf.UsageError):
            configuration("9p:folder", "9p:1")

    def test_words_for_the_kernel(self):
        self.assertIn("host=yes", configuration("keyboard", "input:1").kernel_words)
        self.assertNotIn("host=yes", configuration("rng", "rng:1").kernel_words)
        self.assertTrue(configuration("console:terminal", "console:1").has_terminal)
