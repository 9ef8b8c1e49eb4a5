/* SPDX-License-Identifier: MIT */
/*
 * The network device driver (spec 5.1): Ethernet frames in and out.
 *
 *     static struct virtio_net net;
 *
 *     error = virtio_net_start(&net, &found, NULL);                found by virtio_pci_scan_next, say
 *     error = virtio_net_send(&net, frame, length, NULL);          waits until the device has sent it
 *     while (virtio_net_receive(&net, 0, &received) > 0) {         or virtio_net_wait_receive
 *         use(received.data, received.length);
 *         virtio_net_release(&net, &received);                     the buffer goes back to the device
 *     }
 *     error = virtio_net_stop(&net);                               gives everything back
 *
 * Many frames on their way out:
 *
 *     while (virtio_net_submit(&net, 0, frame, length, NULL, cookie) == VIRTIO_OK)
 *         ...                                                      VIRTIO_E_FULL: reap first
 *     virtio_net_kick(&net, 0);                                    one notification for all of them
 *     while (virtio_net_reap(&net, 0, &done) > 0)                  or virtio_net_wait
 *         sent(done.cookie, done.error);
 *
 * Frames. A frame is what is on the wire from the destination address on, without preamble and frame check
 * sequence: 14 bytes of Ethernet header (18 with a VLAN tag) and up to `mtu` bytes behind it. The device's
 * own header (struct virtio_net_hdr) never shows; what it says of a frame is struct virtio_net_offload.
 *
 * Receiving. The driver owns the receive buffers and gives all of them to the device at the start. A received
 * frame is lent to the caller, in place, until virtio_net_release. A buffer that comes back is shown to the
 * device at the latest when virtio_net_receive finds nothing more, when an eighth of them has come back,
 * or when the device has no more than that left: the ring never starves while buffers come back. A
 * caller that keeps all of them receives nothing until it releases one. Frames are aligned so that what
 * follows a header of 14 bytes is on a multiple of 4.
 *     A frame is in one piece when it fits in one buffer, and it always does unless VIRTIO_NET_F_MRG_RXBUF was
 * taken and frames may be larger than VIRTIO_NET_BUFFER_MAX (jumbo frames, receive offloads) or a smaller
 * buffer was asked for. Then part_length is less than length: virtio_net_copy takes such a frame out in
 * one call, virtio_net_next_part walks along it.
 *     A frame that makes no sense (shorter than an Ethernet header, longer than the MTU allows, with offload
 * fields that were not negotiated or point outside of it) is dropped and counted in `dropped`.
 *
 * Sending. The caller's buffer goes through the host's map hook and is the library's from submit to
 * completion. Both queues use all the descriptors they have; when there are no more, VIRTIO_E_FULL says so.
 *     QEMU (7.2, seen) drops what is sent while the link is down, as it should, but on a packed queue it then
 * leaves notifications switched off: frames sent later wait for ever (VIRTIO_E_TIMEOUT). So with
 * VIRTIO_F_RING_PACKED do not send while virtio_net_read_link says that the link is down, or start again
 * once it is up.
 *
 * Checksums. A frame is complete, with all its checksums, unless its offload says VIRTIO_NET_HDR_F_NEEDS_CSUM:
 * then the 16-bit checksum at csum_start + csum_offset only covers the pseudo header, and whoever gets
 * the frame has to finish it. Frames like that are only received when options.receive_offloads asked for
 * them, and only sent when the device took VIRTIO_NET_F_CSUM (VIRTIO_E_NOT_SUPPORTED otherwise).
 * virtio_net_finish_checksum does the rest of the work in software, in both directions.
 *
 * Several queues. With options.pairs above 1 and a device that has them (VIRTIO_NET_F_MQ) there are pair_count
 * pairs of queues, numbered from 0; calls that take a pair are for that pair alone, and different pairs
 * may be used by different contexts. The device spreads incoming frames as it likes, by rule so that answers
 * arrive on the pair that asked.
 *
 * Units. Lengths in bytes; speed in megabits a second.
 *
 * Memory. For each pair, receive_buffers times (header and frame, in multiples of 64) bytes of shared memory,
 * and transmit_buffers times 16; 40 and 72 bytes of private memory for each of them; and the rings. With the
 * defaults (64 buffers, an MTU of 1500, a transmit queue of 256) that is 100 KiB of shared and 21 KiB of
 * private memory beside the rings. Nothing is allocated after virtio_net_start.
 *
 * Features: a bit that is offered is taken when the driver implements it, and when the bits that it requires
 * are taken too. What is marked (fake) is tested on the fake device alone: QEMU 7.2 does not have it, or not
 * with the back ends that the tests have. The rest is tested on QEMU's device, too.
 *
 *     bit                               taken  why
 *      0  VIRTIO_NET_F_CSUM             yes    frames may be sent with an unfinished checksum
 *      1  VIRTIO_NET_F_GUEST_CSUM       asked  when options.receive_offloads has it: the caller must look at
 *                                              offload.flags, or it takes good frames for damaged ones
 *      2  VIRTIO_NET_F_CTRL_GUEST_OFFLOADS no  what is negotiated stays on; start again to change it
 *      3  VIRTIO_NET_F_MTU              yes    the largest frame; it also sizes the receive buffers
 *      5  VIRTIO_NET_F_MAC              yes    without it an address is made up: mac_is_given is false
 *      6  VIRTIO_NET_F_GSO              no     legacy; replaced by the four HOST bits
 *      7  VIRTIO_NET_F_GUEST_TSO4       asked  as GUEST_CSUM; frames of up to 65589 bytes arrive
 *      8  VIRTIO_NET_F_GUEST_TSO6       asked  the same (fake)
 *      9  VIRTIO_NET_F_GUEST_ECN        asked  the same (fake)
 *     10  VIRTIO_NET_F_GUEST_UFO        asked  the same (fake)
 *     11  VIRTIO_NET_F_HOST_TSO4        yes    gso_type of frames that are sent is passed on
 *     12  VIRTIO_NET_F_HOST_TSO6        yes    the same (fake)
 *     13  VIRTIO_NET_F_HOST_ECN         yes    the same (fake)
 *     14  VIRTIO_NET_F_HOST_UFO         yes    the same (fake)
 *     15  VIRTIO_NET_F_MRG_RXBUF        yes    unless options.features_off has it
 *     16  VIRTIO_NET_F_STATUS           yes    virtio_net_read_link; without it the link counts as up
 *     17  VIRTIO_NET_F_CTRL_VQ          yes    the commands below
 *     18  VIRTIO_NET_F_CTRL_RX          yes    virtio_net_set_receive_mode, virtio_net_set_mac_table
 *     19  VIRTIO_NET_F_CTRL_VLAN        asked  when options.vlan_filter is true: a device that has it taken
 *                                              drops all tagged frames until virtio_net_add_vlan
 *     20  VIRTIO_NET_F_CTRL_RX_EXTRA    yes    virtio_net_set_receive_mode
 *     21  VIRTIO_NET_F_GUEST_ANNOUNCE   yes    link.announce, virtio_net_acknowledge_announce
 *     22  VIRTIO_NET_F_MQ               asked  when options.pairs is above 1
 *     23  VIRTIO_NET_F_CTRL_MAC_ADDR    yes    virtio_net_set_mac
 *     50  VIRTIO_NET_F_DEVICE_STATS     no     not implemented
 *     51  VIRTIO_NET_F_HASH_TUNNEL      no     hashes serve large hosts
 *     52  VIRTIO_NET_F_VQ_NOTF_COAL     no     the library polls: nothing to coalesce
 *     53  VIRTIO_NET_F_NOTF_COAL        no     the same
 *     54  VIRTIO_NET_F_GUEST_USO4       asked  as GUEST_TSO4; QEMU has it since 8.2 (fake)
 *     55  VIRTIO_NET_F_GUEST_USO6       asked  the same (fake)
 *     56  VIRTIO_NET_F_HOST_USO         yes    as HOST_TSO4 (fake)
 *     57  VIRTIO_NET_F_HASH_REPORT      no     it makes the header larger for a number that nobody here uses
 *     59  VIRTIO_NET_F_GUEST_HDRLEN     no     hdr_len is the caller's, and a hint
 *     60  VIRTIO_NET_F_RSS              no     automatic steering (MQ) needs no keys
 *     61  VIRTIO_NET_F_RSC_EXT          no     it gives csum_start another meaning
 *     62  VIRTIO_NET_F_STANDBY          no     there is no driver for a primary device to stand by for
 *     63  VIRTIO_NET_F_SPEED_DUPLEX     yes    virtio_net_read_link
 *     Bits above 63 do not reach the library.
 *
 * When things go wrong. An error of one frame (VIRTIO_E_MAP) is its own. When the device does not answer
 * within device.timeout_us, lies about a ring, asks for a reset or is gone, the blocking call that
 * notices or is the first on that queue after another call said so (virtio_net_send and the commands)
 * resets the device before it returns, because until then the device may read the caller's buffer. The
 * driver is halted then: every call returns VIRTIO_E_STATE, virtio_net_recover brings the device back to
 * life, and the cookies of frames that were on their way come back from virtio_net_reap; or from
 * virtio_net_drain, if it is to be stopped. Frames lent to the caller stay readable until they are
 * released or the device is stopped. With frames submitted by hand the decision is the caller's:
 * virtio_net_halt and virtio_net_recover reset.
 *     A device that says that a frame has no buffers, or more than it was given, has lost count: from then on
 * virtio_net_receive for that pair returns VIRTIO_E_RESPONSE, and only virtio_net_recover or a restart helps.
 *     Should even the reset not be done in time, the device is lost, as a disk may be: see virtio/blk.h.
 *
 * Seen on QEMU 7.2: a device that asks for a reset; one that is unplugged (device_del, over PCI) and plugged in
 * again. Seen on the fake device alone: one that is unplugged while it works, of which QEMU itself dies; lies
 * about a ring; a reset that is never done.
 *
 * Commands, start, stop and halt are one context's at a time. No call may be made from a host hook.
 */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Feature bits (spec 5.1.3); masks. */
#define VIRTIO_NET_F_CSUM                (UINT64_C(1) << 0)
#define VIRTIO_NET_F_GUEST_CSUM          (UINT64_C(1) << 1)
#define VIRTIO_NET_F_CTRL_GUEST_OFFLOADS (UINT64_C(1) << 2)
#define VIRTIO_NET_F_MTU                 (UINT64_C(1) << 3)
#define VIRTIO_NET_F_MAC                 (UINT64_C(1) << 5)
#define VIRTIO_NET_F_GSO                 (UINT64_C(1) << 6) /* legacy */
#define VIRTIO_NET_F_GUEST_TSO4          (UINT64_C(1) << 7)
#define VIRTIO_NET_F_GUEST_TSO6          (UINT64_C(1) << 8)
#define VIRTIO_NET_F_GUEST_ECN           (UINT64_C(1) << 9)
#define VIRTIO_NET_F_GUEST_UFO           (UINT64_C(1) << 10)
#define VIRTIO_NET_F_HOST_TSO4           (UINT64_C(1) << 11)
#define VIRTIO_NET_F_HOST_TSO6           (UINT64_C(1) << 12)
#define VIRTIO_NET_F_HOST_ECN            (UINT64_C(1) << 13)
#define VIRTIO_NET_F_HOST_UFO            (UINT64_C(1) << 14)
#define VIRTIO_NET_F_MRG_RXBUF           (UINT64_C(1) << 15)
#define VIRTIO_NET_F_STATUS              (UINT64_C(1) << 16)
#define VIRTIO_NET_F_CTRL_VQ             (UINT64_C(1) << 17)
#define VIRTIO_NET_F_CTRL_RX             (UINT64_C(1) << 18)
#define VIRTIO_NET_F_CTRL_VLAN           (UINT64_C(1) << 19)
#define VIRTIO_NET_F_CTRL_RX_EXTRA       (UINT64_C(1) << 20)
#define VIRTIO_NET_F_GUEST_ANNOUNCE      (UINT64_C(1) << 21)
#define VIRTIO_NET_F_MQ                  (UINT64_C(1) << 22)
#define VIRTIO_NET_F_CTRL_MAC_ADDR       (UINT64_C(1) << 23)
#define VIRTIO_NET_F_DEVICE_STATS        (UINT64_C(1) << 50)
#define VIRTIO_NET_F_HASH_TUNNEL         (UINT64_C(1) << 51)
#define VIRTIO_NET_F_VQ_NOTF_COAL        (UINT64_C(1) << 52)
#define VIRTIO_NET_F_NOTF_COAL           (UINT64_C(1) << 53)
#define VIRTIO_NET_F_GUEST_USO4          (UINT64_C(1) << 54)
#define VIRTIO_NET_F_GUEST_USO6          (UINT64_C(1) << 55)
#define VIRTIO_NET_F_HOST_USO            (UINT64_C(1) << 56)
#define VIRTIO_NET_F_HASH_REPORT         (UINT64_C(1) << 57)
#define VIRTIO_NET_F_GUEST_HDRLEN        (UINT64_C(1) << 59)
#define VIRTIO_NET_F_RSS                 (UINT64_C(1) << 60)
#define VIRTIO_NET_F_RSC_EXT             (UINT64_C(1) << 61)
#define VIRTIO_NET_F_STANDBY             (UINT64_C(1) << 62)
#define VIRTIO_NET_F_SPEED_DUPLEX        (UINT64_C(1) << 63)

/** The receive offloads, which a caller has to ask for (options.receive_offloads). */
#define VIRTIO_NET_RECEIVE_OFFLOADS                                                                \
    (VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 |                 \
     VIRTIO_NET_F_GUEST_ECN | VIRTIO_NET_F_GUEST_UFO | VIRTIO_NET_F_GUEST_USO4 |                   \
     VIRTIO_NET_F_GUEST_USO6)

/** Flags of a frame (spec 5.1.6). */
#define VIRTIO_NET_HDR_F_NEEDS_CSUM 1u
#define VIRTIO_NET_HDR_F_DATA_VALID 2u

/** What a frame is to be cut into, or was put together from (spec 5.1.6). */
#define VIRTIO_NET_HDR_GSO_NONE   0u
#define VIRTIO_NET_HDR_GSO_TCPV4  1u
#define VIRTIO_NET_HDR_GSO_UDP    3u
#define VIRTIO_NET_HDR_GSO_TCPV6  4u
#define VIRTIO_NET_HDR_GSO_UDP_L4 5u
#define VIRTIO_NET_HDR_GSO_ECN    0x80u /* beside one of the TCP types */

/** Bytes of a MAC address. */
#define VIRTIO_NET_MAC_SIZE 6u

/** Bytes of an Ethernet header without and with a VLAN tag. */
#define VIRTIO_NET_ETHERNET_HEADER      14u
#define VIRTIO_NET_ETHERNET_HEADER_VLAN 18u

/** The MTU where neither the device nor the caller says otherwise. */
#define VIRTIO_NET_MTU_DEFAULT 1500u

/** The largest frame that a device cuts into pieces, or puts together (spec 5.1.6.3). */
#define VIRTIO_NET_GSO_FRAME_MAX 65589u

/** The largest queue that the driver asks for; where the device dictates, it may be larger. */
#define VIRTIO_NET_QUEUE_SIZE 256u

/** Receive buffers of a pair of queues when the caller does not say. */
#define VIRTIO_NET_BUFFERS_DEFAULT 64u

/** The most receive or transmit buffers of a pair of queues. */
#define VIRTIO_NET_BUFFERS_MAX 16384u

/** Where VIRTIO_NET_F_MRG_RXBUF was taken, no receive buffer is larger than this unless asked for. */
#define VIRTIO_NET_BUFFER_MAX 4096u

/** The most addresses that virtio_net_set_mac_table takes in all. */
#define VIRTIO_NET_MAC_TABLE_MAX 64u

/** The most pairs of queues that are used. */
#define VIRTIO_NET_PAIRS_MAX 64u

/** The value of virtio_net_link.speed when nobody knows it. */
#define VIRTIO_NET_SPEED_UNKNOWN UINT32_MAX

/** What is to be known of a frame beside its bytes; fields of struct virtio_net_hdr (spec 5.1.6) in CPU
 * order. All zero: a complete frame, nothing to do. */
struct virtio_net_offload {
    uint8_t flags;    /* NEEDS_CSUM: the checksum is to be finished; DATA_VALID (received only): the
                         device has verified it; neither: nobody has said anything about it */
    uint8_t gso_type; /* one of VIRTIO_NET_HDR_GSO_*; other than NONE only with NEEDS_CSUM */
    uint16_t hdr_len; /* with gso_type: bytes of all headers of the frame; a hint */
    uint16_t gso_size;    /* with gso_type: payload bytes of each piece */
    uint16_t csum_start;  /* with NEEDS_CSUM: sum from this offset in the frame to its end, */
    uint16_t csum_offset; /* and put the result this many bytes behind csum_start */
};

/** Options of virtio_net_start; all zero are the defaults. */
struct virtio_net_options {
    uint16_t pairs; /* pairs of queues wanted; 0 means 1 */
    uint16_t
        receive_buffers; /* a pair; 0 means VIRTIO_NET_BUFFERS_DEFAULT; cut to the queue's size */
    uint16_t
        transmit_buffers; /* a pair; frames in flight at most; 0: as many as the queue can hold */
    uint16_t mtu;         /* at most this; 0: what the device says, or 1500; above 1500 it needs
                                     VIRTIO_NET_F_MTU or a network that is known to carry it */
    uint32_t
        receive_buffer_size; /* bytes of a frame in one buffer, 128 to 65589; 0: see the top; without
                                     VIRTIO_NET_F_MRG_RXBUF never less than a frame may have */
    bool vlan_filter;        /* take VIRTIO_NET_F_CTRL_VLAN */
    uint64_t receive_offloads; /* of VIRTIO_NET_RECEIVE_OFFLOADS: what the caller can cope with */
    uint64_t features_off;     /* feature bits not to take although the driver implements them */
    const uint8_t *mac;        /* the address to use if the device gives none; NULL: make one up */
};

struct virtio_net_buffer;
struct virtio_net_slot;

/** One receive and one transmit queue. What is marked so may be read, the rest is private. */
struct virtio_net_pair {
    uint64_t received;      /* read: frames handed out */
    uint64_t dropped;       /* read: frames that made no sense */
    uint16_t in_flight;     /* read: frames submitted and not yet handed back */
    uint16_t held;          /* read: receive buffers that are with the caller */
    uint16_t buffer_count;  /* read: receive buffers */
    uint16_t slot_count;    /* read: transmit buffers */
    uint16_t shown;         /* receive buffers that the device may use */
    uint16_t unshown;       /* given to the queue, and the device was not shown them yet */
    uint16_t parts_missing; /* of the frame that is being put together */
    int error;              /* latched: the device has lost count */
    struct virtio_queue receive;
    struct virtio_queue transmit;
    struct virtio_net_buffer *buffers;
    struct virtio_net_buffer *first; /* the frame that is being put together */
    struct virtio_net_buffer *last;
    struct virtio_net_slot *slots;
    struct virtio_net_slot *free_slots;
    struct virtio_net_slot *kept_slots; /* chained: taken back, and not yet handed back */
    struct virtio_shared frames;        /* receive buffers */
    struct virtio_shared headers;       /* of frames to send */
};

/** A network device; the caller's memory, zeroed before its first use, at one place from start to stop. What
 * is marked so may be read, the rest is private. */
struct virtio_net {
    struct virtio_device device; /* read: state, features, timeout_us; for virtio_dump */

    uint8_t mac[VIRTIO_NET_MAC_SIZE]; /* read: the address in use */
    bool mac_is_given;                /* read: it is the device's; else made up, or the caller's */
    uint16_t mtu;                     /* read: bytes behind the Ethernet header, 68 to 65535 */
    uint16_t pair_count;              /* read: pairs of queues in use */
    uint16_t pairs_started; /* read: pairs of queues that virtio_net_set_pairs may choose from */
    uint16_t header_size;   /* read: bytes of struct virtio_net_hdr on the wire: 10 or 12 */
    uint32_t buffer_size;   /* read: bytes of a frame that fit in one receive buffer */
    struct virtio_net_pair *pairs; /* read: pairs_started of them */

    bool merges;                  /* VIRTIO_NET_F_MRG_RXBUF */
    bool header_apart;            /* the header needs a descriptor of its own (legacy) */
    uint32_t buffer_stride;       /* bytes from one receive buffer to the next */
    uint32_t buffer_start;        /* bytes before the header, for alignment */
    uint32_t receive_max;         /* bytes of the longest frame that may arrive, offloads aside */
    struct virtio_queue control;  /* not started without VIRTIO_NET_F_CTRL_VQ */
    struct virtio_shared command; /* the command that is being sent */
};

/** A received frame, lent to the caller. */
struct virtio_net_frame {
    void *data;           /* the frame, or its first part; the caller may write to it */
    uint32_t length;      /* bytes of the whole frame */
    uint32_t part_length; /* bytes at data; less than length for a frame in parts */
    struct virtio_net_offload offload;
    uint16_t pair;                    /* read: where it came in */
    struct virtio_net_buffer *buffer; /* private */
};

/** A part of a received frame. */
struct virtio_net_part {
    void *data;
    uint32_t length;
    struct virtio_net_buffer *buffer; /* private */
};

/** A frame that was sent, or not. */
struct virtio_net_done {
    void *cookie; /* as given to the submit */
    int error;    /* VIRTIO_OK: the device took it, which says nothing about its arrival;
                     VIRTIO_E_RESET: taken back by a reset */
};

/** The state of the link. */
struct virtio_net_link {
    bool up;       /* true where the device does not say */
    bool announce; /* the device wants the machine to make itself known (a gratuitous ARP), and then
                         virtio_net_acknowledge_announce */
    bool full_duplex; /* only with duplex_known */
    bool duplex_known;
    uint32_t speed; /* megabits a second, or VIRTIO_NET_SPEED_UNKNOWN */
};

/** Receive modes (spec 5.1.6.5.1): what virtio_net_set_receive_mode switches. */
enum virtio_net_receive_mode {
    VIRTIO_NET_CTRL_RX_PROMISC = 0,  /* everything; needs VIRTIO_NET_F_CTRL_RX */
    VIRTIO_NET_CTRL_RX_ALLMULTI = 1, /* all multicast; the same */
    VIRTIO_NET_CTRL_RX_ALLUNI =
        2, /* all unicast; this and the others need VIRTIO_NET_F_CTRL_RX_EXTRA */
    VIRTIO_NET_CTRL_RX_NOMULTI = 3, /* no multicast */
    VIRTIO_NET_CTRL_RX_NOUNI = 4,   /* no unicast */
    VIRTIO_NET_CTRL_RX_NOBCAST = 5  /* no broadcast */
};

/**
 * Start a network device: afterwards frames come in.
 *
 * @param net      out: any content, but not a device that is in use.
 * @param found    a device of type VIRTIO_ID_NETWORK as it was found, or &net->device of one that was
 *                 stopped; copied. `force` and `timeout_us` may be set before.
 * @param options  NULL for the defaults; read during the call only.
 * @return VIRTIO_OK; the errors of virtio_device_begin, virtio_queue_start and virtio_device_ready;
 *         VIRTIO_E_INVALID for a device of another type or an option outside its range; VIRTIO_E_CONFIG (an
 *         MTU below 68, no pairs of queues); VIRTIO_E_NOT_SUPPORTED when a queue is too small for any
 *         frame; VIRTIO_E_NO_MEMORY. On error everything was undone. Fewer pairs than asked for are no
 *         error: see pair_count.
 *
 * Context: the device's, not an interrupt handler; may be long (it sends commands). Allocates, see the top.
 * Spec 3.1.1, 5.1.5.
 */
int virtio_net_start(struct virtio_net *net, const struct virtio_device *found,
                     const struct virtio_net_options *options);

/**
 * Stop the device and give everything back. Frames on their way are taken back without a word; halt and
 * drain first if their cookies matter. Received frames that were not released are gone. Stopping a device
 * that is not started does nothing.
 *
 * @return VIRTIO_OK, or VIRTIO_E_TIMEOUT when it would not be reset: nothing was freed, and the device may
 *         still use every buffer. May be called again.
 *
 * Context: the device's. Spec 2.4.
 */
int virtio_net_stop(struct virtio_net *net);

/**
 * Take everything back from the device by a reset; virtio_net_drain tells which frames that concerns.
 * Halting a device that is halted or not started does nothing.
 *
 * @return VIRTIO_OK, or VIRTIO_E_TIMEOUT (see virtio_net_stop).
 *
 * Context: the device's. Spec 2.4.
 */
int virtio_net_halt(struct virtio_net *net);

/**
 * Bring a device back that asked for a reset, broke a ring's rules, did not answer or was gone, or that
 * was halted: reset it and go on, without allocating anything. Submitted frames that were on their way
 * come back from virtio_net_reap and virtio_net_wait of their pair, each cookie once, with
 * VIRTIO_E_RESET; new ones may be submitted at once. Frames that had come in and were not taken are
 * lost; those that are lent stay lent. What commands have set (receive modes, tables, VLANs, the number
 * of pairs) is as after a start, and `mac` the device's own address if it has one.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE when the device is not started; the errors of virtio_device_recover,
 *         VIRTIO_E_CONFIG and those of the commands that virtio_net_start gives: it is halted
 *         (VIRTIO_E_TIMEOUT: lost, if device.state says so). May be called again, for a device that was gone
 *         when it is back.
 *
 * Context: the device's, and that of all pairs. Spec 2.1.2, 2.4.
 */
int virtio_net_recover(struct virtio_net *net);

/**
 * Hand back one submitted frame of a halted device, of any pair.
 *
 * @param done  out, when 1 is returned: its cookie, and VIRTIO_E_RESET: nobody knows whether it was sent.
 * @return 1: one was handed back; 0: none is left; VIRTIO_E_BUSY when the device was not halted.
 *
 * Context: the device's.
 */
int virtio_net_drain(struct virtio_net *net, struct virtio_net_done *done);

/**
 * Send a frame on pair 0, and wait until the device has taken it.
 *
 * @param frame    destination, source, type and payload; only read.
 * @param length   14 to mtu + 14 bytes (mtu + 18 with a VLAN tag); with a gso_type up to
 *                 VIRTIO_NET_GSO_FRAME_MAX. Frames below 60 bytes are not padded.
 * @param offload  NULL for a complete frame.
 * @return VIRTIO_OK; refused, with nothing done: VIRTIO_E_INVALID (no frame, shorter than its Ethernet
 *         header, offload fields that contradict each other or the frame), VIRTIO_E_ZERO_LENGTH,
 *         VIRTIO_E_TOO_LONG, VIRTIO_E_NOT_SUPPORTED (an offload that the device did not take),
 *         VIRTIO_E_STATE (not started, or halted), VIRTIO_E_FULL (frames in flight fill the queue: reap),
 *         VIRTIO_E_MAP; failed, the device is halted: VIRTIO_E_TIMEOUT, VIRTIO_E_BROKEN,
 *         VIRTIO_E_NEEDS_RESET, VIRTIO_E_GONE; VIRTIO_E_BUSY: lost, the buffer is still the device's.
 *
 * Context: pair 0's; may be long. Spec 5.1.6.2.
 */
int virtio_net_send(struct virtio_net *net, const void *frame, size_t length,
                    const struct virtio_net_offload *offload);

/**
 * Hand in a frame; the device sees it at the next virtio_net_kick or virtio_net_wait.
 *
 * @param pair    which queues, below pair_count.
 * @param frame   the library's, and the device's, until the frame is handed back.
 * @param cookie  comes back with the completion; any value.
 * @return VIRTIO_OK: the cookie will come back exactly once, from virtio_net_reap, virtio_net_wait or
 *         virtio_net_drain. On error nothing was submitted: the refusals of virtio_net_send; VIRTIO_E_INVALID
 *         also for a pair that is not there; the queue's latched error.
 *
 * Context: the pair's. No register access. Spec 5.1.6.2.
 */
int virtio_net_submit(struct virtio_net *net, uint16_t pair, const void *frame, size_t length,
                      const struct virtio_net_offload *offload, void *cookie);

/**
 * Show the device all that was submitted on a pair: at most one notification.
 *
 * @return VIRTIO_OK, VIRTIO_E_STATE, VIRTIO_E_INVALID, the queue's latched error.
 *
 * Context: the pair's. One register access at most.
 */
int virtio_net_kick(struct virtio_net *net, uint16_t pair);

/**
 * Take one frame that was sent, if there is one.
 *
 * @param done  out, when 1 is returned.
 * @return 1: one was taken; 0: none is there; VIRTIO_E_STATE; VIRTIO_E_INVALID; VIRTIO_E_BROKEN and other
 *         errors that the queue latched: halt and drain.
 *
 * Context: the pair's. No register access.
 */
int virtio_net_reap(struct virtio_net *net, uint16_t pair, struct virtio_net_done *done);

/**
 * Kick, wait until a frame was sent, and take it.
 *
 * @param done        out, when 1 is returned.
 * @param timeout_us  microseconds, at least 1.
 * @return 1; or the errors of virtio_net_reap; VIRTIO_E_TIMEOUT: all stays in flight, wait again or
 *         halt; VIRTIO_E_NEEDS_RESET and VIRTIO_E_GONE: halt; VIRTIO_E_STATE when nothing is in flight.
 *
 * Context: the pair's; may be long.
 */
int virtio_net_wait(struct virtio_net *net, uint16_t pair, struct virtio_net_done *done,
                    uint32_t timeout_us);

/**
 * Take one received frame, if there is one.
 *
 * @param pair   which queues, below pairs_started.
 * @param frame  out, when 1 is returned: lent until virtio_net_release.
 * @return 1: one was taken; 0: none is there; VIRTIO_E_STATE; VIRTIO_E_INVALID; VIRTIO_E_RESPONSE: the device
 *         has lost count (see the top); VIRTIO_E_BROKEN and other errors that the queue latched.
 *
 * Context: the pair's. A register access only to give buffers back. Spec 5.1.6.4.
 */
int virtio_net_receive(struct virtio_net *net, uint16_t pair, struct virtio_net_frame *frame);

/**
 * Wait until a frame has come in, and take it.
 *
 * @param timeout_us  microseconds, at least 1.
 * @return 1; or the errors of virtio_net_receive; VIRTIO_E_TIMEOUT: none came, nothing has changed;
 *         VIRTIO_E_FULL: the caller holds every buffer; VIRTIO_E_NEEDS_RESET and VIRTIO_E_GONE: halt.
 *
 * Context: the pair's; may be long.
 */
int virtio_net_wait_receive(struct virtio_net *net, uint16_t pair, struct virtio_net_frame *frame,
                            uint32_t timeout_us);

/**
 * Give a received frame back; its data must not be used any more. A frame of a halted device may be given
 * back, too.
 *
 * @return VIRTIO_OK; VIRTIO_E_INVALID for a frame that is not lent (given back already); the queue's latched
 *         error: the buffer is not the caller's any more, but the device was not given it.
 *
 * Context: the pair's. A register access now and then.
 */
int virtio_net_release(struct virtio_net *net, struct virtio_net_frame *frame);

/**
 * Copy a received frame, or a piece of it, out of its parts.
 *
 * @param offset  bytes to leave out at the beginning of the frame.
 * @param to      out: the bytes.
 * @param bytes   how many; offset + bytes at most frame->length.
 * @return VIRTIO_OK or VIRTIO_E_OUT_OF_RANGE with nothing copied.
 *
 * Context: any; touches no device.
 */
int virtio_net_copy(const struct virtio_net_frame *frame, uint32_t offset, void *to,
                    uint32_t bytes);

/**
 * Walk along the parts of a received frame. Begin with a part that is all zero.
 *
 * @param part  in: the part before; out: the next one, when true is returned.
 * @return whether there was a further part.
 *
 * Context: any; touches no device.
 */
bool virtio_net_next_part(const struct virtio_net_frame *frame, struct virtio_net_part *part);

/**
 * Finish a checksum that offload says is unfinished, and clear VIRTIO_NET_HDR_F_NEEDS_CSUM. Does nothing to a
 * complete frame.
 *
 * @param frame   in one piece; the checksum is written into it.
 * @param length  bytes of it.
 * @return VIRTIO_OK, or VIRTIO_E_INVALID when offload points outside of the frame, or wants a frame cut
 *         into pieces.
 *
 * Context: any; touches no device. Spec 5.1.6.2.
 */
int virtio_net_finish_checksum(void *frame, size_t length, struct virtio_net_offload *offload);

/**
 * Ask the device for the state of the link. To be called after a configuration change interrupt, or now
 * and then.
 *
 * @param link  out.
 * @return VIRTIO_OK, VIRTIO_E_STATE, VIRTIO_E_CONFIG.
 *
 * Context: the device's. Register accesses. Spec 5.1.4.
 */
int virtio_net_read_link(const struct virtio_net *net, struct virtio_net_link *link);

/**
 * Change the address that the device accepts frames for.
 *
 * @param mac  not a multicast address; read during the call only.
 * @return VIRTIO_OK; VIRTIO_E_INVALID; VIRTIO_E_NOT_SUPPORTED without VIRTIO_NET_F_CTRL_MAC_ADDR on a device
 *         that is not legacy (on a legacy one the address is written to configuration space); VIRTIO_E_IO
 *         when the device refused; otherwise as virtio_net_send.
 *
 * Context: the device's; may be long. Spec 5.1.6.5.2.
 */
int virtio_net_set_mac(struct virtio_net *net, const uint8_t *mac);

/**
 * Switch a receive mode on or off. Filters are best effort: unwanted frames may still come in.
 *
 * @return VIRTIO_OK; VIRTIO_E_INVALID; VIRTIO_E_NOT_SUPPORTED without the mode's feature; VIRTIO_E_IO when the
 *         device refused; otherwise as virtio_net_send.
 *
 * Context: the device's; may be long. Spec 5.1.6.5.1.
 */
int virtio_net_set_receive_mode(struct virtio_net *net, enum virtio_net_receive_mode mode, bool on);

/**
 * Set the table of further addresses that frames are accepted for.
 *
 * @param unicast    unicast_count addresses of 6 bytes, one behind the other; may be NULL when there are none.
 * @param multicast  multicast_count of them; both counts together at most VIRTIO_NET_MAC_TABLE_MAX.
 * @return VIRTIO_OK; VIRTIO_E_INVALID (a multicast address among the unicast ones, or the other way round);
 *         VIRTIO_E_TOO_LONG; VIRTIO_E_NOT_SUPPORTED without VIRTIO_NET_F_CTRL_RX; VIRTIO_E_IO; otherwise
 *         as virtio_net_send.
 *
 * Context: the device's; may be long. Spec 5.1.6.5.2.
 */
int virtio_net_set_mac_table(struct virtio_net *net, const uint8_t *unicast, uint16_t unicast_count,
                             const uint8_t *multicast, uint16_t multicast_count);

/**
 * Accept frames with this VLAN id (see options.vlan_filter).
 *
 * @param id  0 to 4095.
 * @return VIRTIO_OK; VIRTIO_E_INVALID; VIRTIO_E_NOT_SUPPORTED without VIRTIO_NET_F_CTRL_VLAN; VIRTIO_E_IO;
 *         otherwise as virtio_net_send.
 *
 * Context: the device's; may be long. Spec 5.1.6.5.3.
 */
int virtio_net_add_vlan(struct virtio_net *net, uint16_t id);

/** Accept frames with this VLAN id no more; as virtio_net_add_vlan. */
int virtio_net_remove_vlan(struct virtio_net *net, uint16_t id);

/**
 * Tell the device that the machine has made itself known (virtio_net_link.announce).
 *
 * @return VIRTIO_OK; VIRTIO_E_NOT_SUPPORTED without VIRTIO_NET_F_GUEST_ANNOUNCE; VIRTIO_E_IO; otherwise as
 *         virtio_net_send.
 *
 * Context: the device's; may be long. Spec 5.1.6.5.4.
 */
int virtio_net_acknowledge_announce(struct virtio_net *net);

/**
 * Use this many pairs of queues from now on. Nothing may be in flight on pairs beyond; what was received
 * there should be taken before or soon after.
 *
 * @param pairs  1 to pairs_started.
 * @return VIRTIO_OK; VIRTIO_E_INVALID; VIRTIO_E_BUSY (frames in flight beyond); VIRTIO_E_NOT_SUPPORTED
 *         without VIRTIO_NET_F_MQ; VIRTIO_E_IO; otherwise as virtio_net_send.
 *
 * Context: the device's, and that of all pairs; may be long. Spec 5.1.6.5.6.
 */
int virtio_net_set_pairs(struct virtio_net *net, uint16_t pairs);

#ifdef __cplusplus
}
#endif

#endif
