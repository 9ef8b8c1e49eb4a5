# SPDX-License-Identifier: MIT
"""The host's end of GPUs: pictures, the test card, what is found wrong with a screen, and the VNC client."""

import pathlib
import socket
import struct
import tempfile
import threading
import unittest

from runner import command, complaints, peer_gpu, peers, picture, table, test_card, vnc

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFAULT = ("default|i386|pc|transitional|kernel|128M|blk:docs,blk:scratch,rng|none|none"
           "|blk:2,rng:1|none|short\n")


def configuration(devices, expect):
    return table.configure(table.parse(DEFAULT + f"x||||||{devices}|||{expect}||\n")[1])


def ppm(rows):
    return b"P6\n%d %d\n255\n" % (len(rows[0]) // 3, len(rows)) + b"".join(rows)


class Monitor:
    """QEMU, as far as a screen is to be had from it."""

    def __init__(self, rows):
        self.rows = rows
        self.asked = []

    def call(self, name, filename, device, head):
        self.asked.append((name, device, head))
        pathlib.Path(filename).write_bytes(ppm(self.rows))

    def close(self):
        pass


class Pictures(unittest.TestCase):
    def test_there_and_back(self):
        rows = [bytes((x * 7 + y * 3) % 256 for x in range(30)) for y in range(5)]
        self.assertEqual(picture.read_png(picture.png(rows)), rows)
        self.assertEqual(picture.read_ppm(ppm(rows)), rows)

    def test_what_is_no_picture(self):
        for data in (b"", b"P5\n1 1\n255\n\0\0\0", b"P6\n2 1\n255\n\0\0\0", b"P6\n1 1\n65535\n" + bytes(6)):
            self.assertRaises(picture.PictureError, picture.read_ppm, data)
        self.assertRaises(picture.PictureError, picture.read_png, b"GIF89a")

    def test_each_pixel_counts(self):
        due = [bytes(30) for _ in range(4)]
        self.assertEqual(picture.difference(due, due), "")
        for x, y in ((0, 0), (9, 3), (4, 2)):
            seen = [bytearray(row) for row in due]
            seen[y][3 * x + 2] = 1
            self.assertIn(f"the first is ({x}, {y}): 000001 instead of 000000",
                          picture.difference([bytes(row) for row in seen], due))
        self.assertIn("10 x 3 pixels instead of 10 x 4", picture.difference(due[1:], due))
        self.assertIn("9 x 4", picture.difference([row[3:] for row in due], due))

    def test_cards_are_different(self):
        cards = [test_card.draw(320, 240, gpu, scanout) for gpu in range(2) for scanout in range(2)]
        for one in range(4):
            for other in range(one):
                self.assertNotEqual(cards[one], cards[other])

    def test_the_picture_in_the_documentation(self):
        """It is the card of this version: sh scripts/run --screenshot docs/images/test-card.png makes it."""
        seen = picture.read_png((ROOT / "docs/images/test-card.png").read_bytes())
        self.assertEqual(picture.difference(seen, test_card.draw(1280, 800, 0, 0)), "")


class Screens(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="libvirtio-test-")
        self.addCleanup(directory.cleanup)
        self.work = pathlib.Path(directory.name)

    def peer(self, rows, screenshot=""):
        log = peers.Log()
        what = configuration("gpu,gpu", "gpu:2")
        what.screenshot = screenshot
        peer = peer_gpu.Peer(what, self.work, log)
        peer.monitor = Monitor(rows)
        return peer, log

    def look(self, rows, **values):
        peer, log = self.peer(rows)
        peer.act("look", [], dict(device="1", head="0", width="320", height="240", **values))
        self.assertEqual(peer.monitor.asked, [("screendump", "gpu1", 0)])
        peer.finish()
        return log

    def test_the_right_card(self):
        self.assertEqual(self.look(test_card.draw(320, 240, 1, 0)).faults, [])

    def test_another_card_and_one_wrong_pixel(self):
        self.assertIn("pixels differ", self.look(test_card.draw(320, 240, 0, 0)).faults[0])
        rows = list(test_card.draw(320, 240, 1, 0))
        rows[100] = rows[100][:300] + bytes((rows[100][300] ^ 1,)) + rows[100][301:]
        self.assertIn("1 pixels differ", self.look(rows).faults[0])

    def test_a_screen_that_is_not_dark(self):
        peer, log = self.peer(test_card.draw(320, 240, 0, 0))
        peer.act("dark", [], {"device": "0", "head": "0"})
        self.assertIn("still shows", log.faults[0])
        peer, log = self.peer([bytes(960)] * 240)
        peer.act("dark", [], {"device": "0", "head": "0"})
        self.assertEqual(log.faults, [])

    def test_a_screenshot(self):
        path = self.work / "x.png"
        rows = list(test_card.draw(320, 240, 0, 0))
        peer, log = self.peer(rows, str(path))
        peer.act("look", [], {"device": "0", "head": "0", "width": "320", "height": "240"})
        peer.finish()
        self.assertEqual(picture.read_png(path.read_bytes()), rows)
        peer, log = self.peer(rows, str(path))
        peer.finish()
        self.assertIn("no screen", log.faults[0])

    def test_movements(self):
        due = [f"virtio_gpu_update_cursor scanout 0, x {n * 7 % 1000}, y {n * 5 % 600}, move, res 0x1"
               for n in range(20)]
        peer_gpu.LIMIT = 0.05
        self.addCleanup(setattr, peer_gpu, "LIMIT", 5.0)
        for lines, is_good in ((due, True), (due[:-1], False), (due[:10] + due[11:], False),
                               (due[:5] + due[4:5] + due[6:], False)):
            (self.work / "qemu.log").write_text("\n".join(lines) + "\n")
            peer, log = self.peer([])
            peer.act("moves", [], {"head": "0", "first": "0", "count": "20"})
            self.assertEqual(log.faults == [], is_good, log.faults)

    def test_the_trace_is_no_complaint(self):
        self.assertFalse(complaints.split(["virtio_gpu_update_cursor scanout 0, x 1, y 2, move, res 0x1"])[0])
        self.assertTrue(complaints.split(["virtio_gpu_set_scanout: invalid scanout id 3"])[0])

    def test_options(self):
        what = configuration("gpu,max_outputs=2", "gpu:1")
        line = command.quoted(command.device_options(what, self.work, None))
        self.assertIn("display=gpu0,head=0", line)
        self.assertIn("display=gpu0,head=1", line)
        self.assertEqual(command.device_name(configuration("vga", "gpu:1"), configuration("vga", "gpu:1").devices[0]),
                         "virtio-vga")


class Server(threading.Thread):
    """A VNC server that shakes hands, then says what it was told to."""

    def __init__(self, path, says):
        super().__init__(daemon=True)
        self.says = says
        self.got = b""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(path))
        self.socket.listen(1)
        self.start()

    def run(self):
        connection, _ = self.socket.accept()
        connection.sendall(b"RFB 003.008\n" + b"\x01\x01" + bytes(4) + struct.pack(">HH16xI", 8, 8, 4) + b"name"
                           + self.says)
        while chunk := connection.recv(4096):
            self.got += chunk


class Clients(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="libvirtio-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name) / "x.vnc"

    def client(self, says):
        self.server = Server(self.path, says)
        client = vnc.Vnc(self.path, 0.5)
        self.addCleanup(client.close)
        self.addCleanup(self.server.socket.close)
        return client

    @staticmethod
    def size(reason, status):
        return struct.pack(">BxHHHHHiB3x16x", 0, 1, reason, status, 800, 600, vnc.EXTENDED_DESKTOP_SIZE, 1)

    def test_a_size_that_the_guest_was_told_of(self):
        client = self.client(self.size(0, 0) + b"\x02" + self.size(1, 4))
        client.resize(800, 600)

    def test_a_size_that_was_refused(self):
        self.assertRaisesRegex(vnc.VncError, "answered with 3", self.client(self.size(1, 3)).resize, 800, 600)

    def test_no_answer(self):
        self.assertRaisesRegex(vnc.VncError, "in time|timed out", self.client(self.size(0, 0)).resize, 800, 600)

    def test_a_pointer(self):
        pixels = peer_gpu.cursor_pixels(3)
        says = struct.pack(">BxHHHHHii", 0, 1, 5, 6, 64, 64, vnc.CURSOR_WITH_ALPHA, 0) + pixels
        due = (5, 6, 64, 64, pixels)
        self.assertEqual(self.client(says).wait_cursor(due), due)

    def test_another_pointer(self):
        says = struct.pack(">BxHHHHHii", 0, 1, 5, 7, 64, 64, vnc.CURSOR_WITH_ALPHA, 0) + peer_gpu.cursor_pixels(3)
        due = (5, 6, 64, 64, peer_gpu.cursor_pixels(3))
        self.assertEqual(self.client(says).wait_cursor(due)[:2], (5, 7))

    def test_nonsense(self):
        self.assertRaises(vnc.VncError, self.client(b"\x77").resize, 800, 600)


if __name__ == "__main__":
    unittest.main()
