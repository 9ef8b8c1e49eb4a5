# SPDX-License-Identifier: MIT
"""The peer of the guest's network tests: does it notice what is wrong?"""

import struct
import unittest

from runner import internet, net_peer, net_vhost

GUEST = bytes.fromhex("525400000101")


class Wire:
    """A link that keeps what is sent."""

    def __init__(self):
        self.sent = []

    def send(self, frame):
        self.sent.append(frame)
        return True

    def ready(self, _seconds):
        return False


def test_frame(kind, sequence, length, content=None):
    content = net_peer.body(kind, sequence, length) if content is None else content
    return (net_peer.MAC + GUEST + b"\x88\xb5"
            + net_peer.HEADER.pack(net_peer.MAGIC, kind, sequence, length, 0) + content)


def udp_frame(data, corrupt=0):
    """A datagram to the peer's echo port."""
    source, target = bytes((10, 1, 1, 2)), bytes((10, 1, 1, 1))
    datagram = struct.pack(">HHHH", 30000, 7, 8 + len(data), 0) + data
    total = internet.checksum(source + target + struct.pack(">HH", 17, len(datagram)) + datagram)
    datagram = datagram[:6] + (total ^ corrupt).to_bytes(2, "big") + data
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0, source, target)
    header = header[:10] + internet.checksum(header).to_bytes(2, "big") + header[12:]
    return net_peer.MAC + GUEST + b"\x08\x00" + header + datagram


class TestPeer(unittest.TestCase):
    def setUp(self):
        self.wire = Wire()
        self.peer = net_peer.Peer(self.wire, "", "peer0", 1)

    def test_good_data_is_answered(self):
        for sequence, length in enumerate((60, 61, 1514, 9014)):
            self.peer.take(test_frame(net_peer.DATA, sequence, length))
            answer = self.wire.sent[-1]
            self.assertEqual(len(answer), length)
            self.assertEqual(answer[:6], GUEST)
            self.assertEqual(answer[net_peer.BODY:],
                             net_peer.body(net_peer.ANSWER, sequence, length))
        self.assertEqual(self.peer.counts["verified"], 4)
        self.assertEqual(self.peer.counts["bad"], 0)
        self.assertEqual(self.peer.out_of_order, 0)

    def test_each_wrong_byte_is_noticed(self):
        good = test_frame(net_peer.DATA, 3, 80)
        for at in range(net_peer.BODY, 80):
            self.peer.take(good[:at] + bytes((good[at] ^ 1,)) + good[at + 1:])
        self.assertEqual(self.peer.counts["bad"], 80 - net_peer.BODY)
        self.assertEqual(self.wire.sent, [])

    def test_cut_and_padded_frames_are_noticed(self):
        good = test_frame(net_peer.DATA, 3, 80)
        self.peer.take(good[:-1])
        self.peer.take(good + b"\0")
        self.peer.take(good[:13])
        self.peer.take(bytes(12) + good)
        self.assertEqual(self.peer.counts["verified"], 0)
        self.assertEqual(self.peer.counts["bad"], 3)  # the last one is of another type

    def test_lost_frames_are_noticed(self):
        self.peer.take(test_frame(net_peer.COUNT, 0, 60))
        self.peer.take(test_frame(net_peer.COUNT, 2, 60))
        self.assertEqual(self.peer.out_of_order, 1)

    def test_wrong_checksums_are_noticed(self):
        self.peer.take(udp_frame(b"hello"))
        self.assertEqual(self.peer.counts["udp"], 1)
        self.peer.take(udp_frame(b"hello", corrupt=1))
        self.assertEqual(self.peer.counts["udp"], 1)
        self.assertEqual(self.peer.counts["bad"], 1)

    def test_a_guest_that_does_not_answer_fails_the_probe(self):
        self.peer.take(test_frame(net_peer.PROBE, 1, 60))
        self.assertEqual(self.peer.counts["probe_failed"], 1)

    def test_unfinished_checksums_are_the_pseudo_headers(self):
        link = net_vhost.VhostLink.__new__(net_vhost.VhostLink)
        link.features = net_vhost.GUEST_CSUM
        whole = udp_frame(b"some data")
        fields, frame = link.header(whole)
        self.assertEqual(fields, (1, 0, 0, 0, 34, 6))
        self.assertNotEqual(frame, whole)
        finished = internet.checksum(frame[34:]).to_bytes(2, "big")
        self.assertEqual(frame[:40] + finished + frame[42:], whole)
        link.features = 0
        self.assertEqual(link.header(whole), ((0, 0, 0, 0, 0, 0), whole))


if __name__ == "__main__":
    unittest.main()
