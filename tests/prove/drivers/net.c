/* SPDX-License-Identifier: MIT */
/*
 * Proof of the network driver, by induction: it is started, what changes afterwards is set to anything that
 * the invariant (check_all, below) allows, one call is made, and the invariant is asserted.
 *
 * PROVE_MERGES says whether VIRTIO_NET_F_MRG_RXBUF was taken, PROVE_BUFFER_SIZE how much of a frame a buffer
 * holds: at least what any MTU and any offload would make of it, or the size of a buffer would not be a
 * constant.
 */
#include "../../../src/drivers/net_internal.h"
#include "../queue_contract.h"

#define BUFFERS 2u
#define SLOTS   PROVE_QUEUE_SIZE

static struct virtio_net net;
static uint8_t bytes[2 * VIRTIO_NET_MAC_TABLE_MAX * VIRTIO_NET_MAC_SIZE];

/* ---- The invariant ---- */

/* A pair's number, each by itself, or one that none has. */
static uint16_t any_number(void)
{
    uint32_t number = prove_below(PROVE_PAIRS + 1);

    //@ split number;
    return (uint16_t)(number < PROVE_PAIRS ? number
                                           : number + prove_below(0x10000 - PROVE_PAIRS));
}

static struct virtio_net_buffer *any_buffer(const struct virtio_net_pair *pair)
{
    return &pair->buffers[prove_below(BUFFERS)];
}

static struct virtio_net_slot *any_slot(const struct virtio_net_pair *pair)
{
    return &pair->slots[prove_below(SLOTS)];
}

static struct virtio_net_slot *maybe_slot(const struct virtio_net_pair *pair)
{
    return prove_maybe() ? any_slot(pair) : NULL;
}

static void havoc_buffers(struct virtio_net_pair *pair)
{
    for (unsigned at = 0; at < BUFFERS; at++) {
        struct virtio_net_buffer *buffer = &pair->buffers[at];

        buffer->next = prove_maybe() ? any_buffer(pair) : NULL;
        buffer->data = buffer->memory + (prove_maybe() ? net.header_size : 0);
        buffer->length = prove_below(virtio_net_buffer_bytes(&net) + 1);
        buffer->lent = prove_maybe();
    }
    pair->first = prove_maybe() ? any_buffer(pair) : NULL;
    pair->last = any_buffer(pair);
    pair->shown = (uint16_t)prove_any();
    pair->unshown = (uint16_t)prove_any();
    pair->parts_missing = (uint16_t)prove_any();
    pair->held = (uint16_t)prove_any();
    pair->received = prove_any64();
    pair->dropped = prove_any64();
    pair->error = -(int)prove_below(100);
}

static void havoc_slots(struct virtio_net_pair *pair)
{
    for (unsigned at = 0; at < SLOTS; at++) {
        struct virtio_net_slot *slot = &pair->slots[at];

        slot->next = maybe_slot(pair);
        slot->cookie = bytes;
        slot->error = -(int)prove_below(100);
        slot->abandoned = prove_maybe();
        slot->mapping = (struct virtio_mapping){
            .memory = bytes, .size = prove_any64(), .device_address = prove_any64()};
    }
    pair->free_slots = maybe_slot(pair);
    pair->kept_slots = maybe_slot(pair);
    pair->in_flight = (uint16_t)prove_any();
}

static void havoc(void)
{
    for (uint16_t at = 0; at < PROVE_PAIRS; at++) {
        havoc_buffers(&net.pairs[at]);
        havoc_slots(&net.pairs[at]);
        prove_in_flight((uint16_t)(2 * at), any_buffer(&net.pairs[at]),
                        virtio_net_buffer_bytes(&net));
        prove_in_flight((uint16_t)(2 * at + 1), any_slot(&net.pairs[at]), 0);
    }
    Frama_C_make_unknown((char *)net.mac, sizeof(net.mac));
    net.mac_is_given = prove_maybe();
    net.pair_count = (uint16_t)prove_below(PROVE_PAIRS + 1);
    net.device.state = (enum virtio_device_state[]){VIRTIO_DEVICE_READY, VIRTIO_DEVICE_STOPPED,
                                                    VIRTIO_DEVICE_LOST}[prove_below(3)];
}

static void check_buffer(const struct virtio_net_pair *pair, const struct virtio_net_buffer *buffer)
{
    if (buffer == NULL)
        return;
    /*@ assert within: pair->buffers <= buffer <= pair->buffers + (BUFFERS - 1); */
    /*@ assert a_buffer: ((char *)buffer - (char *)pair->buffers) % sizeof(*buffer) == 0; */
}

static void check_slot(const struct virtio_net_pair *pair, const struct virtio_net_slot *slot)
{
    if (slot == NULL)
        return;
    /*@ assert within: pair->slots <= slot <= pair->slots + (SLOTS - 1); */
    /*@ assert a_slot: ((char *)slot - (char *)pair->slots) % sizeof(*slot) == 0; */
}

static void check_all(void)
{
    uint32_t number = prove_below(PROVE_PAIRS);
    const struct virtio_net_pair *pair;
    const struct virtio_net_buffer *buffer;

    //@ split number;
    pair = &net.pairs[number];
    buffer = any_buffer(pair);
    check_buffer(pair, buffer->next);
    check_buffer(pair, pair->first);
    check_buffer(pair, pair->last);
    /*@ assert no_longer: buffer->length <= sizeof(struct virtio_net_hdr) + net.buffer_size; */
    check_slot(pair, pair->free_slots);
    check_slot(pair, pair->kept_slots);
    check_slot(pair, any_slot(pair)->next);
    /*@ assert pairs: net.pair_count <= PROVE_PAIRS; */
}

/* ---- Calls ---- */

/* The buffer that is used and the first one of a frame, each by itself: so Eva knows which one is measured. The
 * frame is one of the same pair before, for Eva is not sure that it was replaced. */
static void receive(void)
{
    uint32_t used = prove_below(BUFFERS);
    uint32_t first = prove_below(BUFFERS + 1);
    uint16_t number = any_number();
    uint16_t before = number < PROVE_PAIRS ? number : 0;
    struct virtio_net_frame frame = {.pair = before, .data = net.pairs[before].buffers[0].memory};
    int result;

    //@ split used;
    //@ split first;
    for (uint16_t at = 0; at < PROVE_PAIRS; at++) {
        struct virtio_net_pair *pair = &net.pairs[at];

        prove_in_flight((uint16_t)(2 * at), &pair->buffers[used], virtio_net_buffer_bytes(&net));
        pair->first = first < BUFFERS ? &pair->buffers[first] : NULL;
    }
    result = prove_maybe() ? virtio_net_receive(&net, number, &frame)
                           : virtio_net_wait_receive(&net, number, &frame, prove_any());
    if (result <= 0)
        return;
    /*@ assert a_pair: frame.pair < PROVE_PAIRS; */
    /*@ assert a_part: 0 < frame.part_length ==> \valid((char *)frame.data + (0 .. frame.part_length - 1)); */
    check_buffer(&net.pairs[frame.pair], frame.buffer);
}

static void release(void)
{
    uint16_t number = (uint16_t)prove_below(PROVE_PAIRS);
    struct virtio_net_frame frame = {.pair = number};

    //@ split number;
    frame.buffer = prove_maybe() ? any_buffer(&net.pairs[number]) : NULL;
    (void)virtio_net_release(&net, &frame);
}

static void send(void)
{
    struct virtio_net_offload offload = {
        .flags = (uint8_t)prove_any(),
        .gso_type = (uint8_t)prove_any(),
        .hdr_len = (uint16_t)prove_any(),
        .gso_size = (uint16_t)prove_any(),
        .csum_start = (uint16_t)prove_any(),
        .csum_offset = (uint16_t)prove_any(),
    };
    struct virtio_net_offload *maybe = prove_maybe() ? &offload : NULL;
    uint16_t number = any_number();

    if (prove_maybe())
        (void)virtio_net_send(&net, bytes, prove_any64(), maybe);
    else
        (void)virtio_net_submit(&net, number, bytes, prove_any64(), maybe, bytes);
}

static void end(void)
{
    struct virtio_net_done done;
    uint16_t number = any_number();

    switch (prove_below(4)) {
    case 0:
        (void)virtio_net_kick(&net, number);
        break;
    case 1:
        (void)virtio_net_reap(&net, number, &done);
        break;
    case 2:
        (void)virtio_net_wait(&net, number, &done, prove_any());
        break;
    default:
        (void)virtio_net_drain(&net, &done);
    }
}

/* How many addresses the first table has, and so where the second one is, by itself. */
static void set_mac_table(void)
{
    uint16_t unicast = (uint16_t)prove_below(VIRTIO_NET_MAC_TABLE_MAX + 1);
    uint16_t multicast = (uint16_t)prove_below(VIRTIO_NET_MAC_TABLE_MAX + 1);

    //@ split unicast;
    (void)virtio_net_set_mac_table(&net, bytes, unicast, bytes + sizeof(bytes) / 2, multicast);
}

static void command(void)
{
    switch (prove_below(6)) {
    case 0:
        (void)virtio_net_set_mac(&net, bytes);
        break;
    case 1:
        (void)virtio_net_set_receive_mode(&net, (enum virtio_net_receive_mode)prove_any(),
                                          prove_maybe());
        break;
    case 2:
        set_mac_table();
        break;
    case 3:
        (void)virtio_net_add_vlan(&net, (uint16_t)prove_any());
        (void)virtio_net_remove_vlan(&net, (uint16_t)prove_any());
        break;
    case 4:
        (void)virtio_net_acknowledge_announce(&net);
        break;
    default:
        (void)virtio_net_set_pairs(&net, (uint16_t)prove_any());
    }
}

/* A frame in one or two parts of up to two bytes; each length by itself. */
static void copy(void)
{
    uint8_t memory[2][2];
    uint8_t to[4];
    uint32_t lengths[] = {prove_below(3), prove_below(3)};
    uint32_t offset = prove_below(6);
    uint32_t wanted = prove_below(sizeof(to) + 1);
    struct virtio_net_buffer second = {.data = memory[1], .length = lengths[1]};
    struct virtio_net_buffer first = {
        .next = prove_maybe() ? &second : NULL, .data = memory[0], .length = lengths[0]};
    struct virtio_net_frame frame = {.length = prove_any(), .buffer = &first};

    Frama_C_make_unknown((char *)memory, sizeof(memory));
    //@ split first.length;
    //@ split second.length;
    //@ split offset;
    //@ split wanted;
    (void)virtio_net_copy(&frame, offset, to, wanted);
}

/* Of a frame of up to six bytes; where the sum begins and where it is put, each by itself, as far as that is
 * in the frame. */
static void finish_checksum(void)
{
    uint8_t memory[6];
    uint32_t length = prove_below(sizeof(memory) + 1);
    uint32_t start = prove_below(sizeof(memory) + 1);
    uint32_t offset = prove_below(sizeof(memory) + 1);
    struct virtio_net_offload offload = {.flags = (uint8_t)prove_any(),
                                         .gso_type = (uint8_t)prove_any()};

    Frama_C_make_unknown((char *)memory, sizeof(memory));
    //@ split length;
    //@ split start;
    //@ split offset;
    offload.csum_start =
        (uint16_t)(start < sizeof(memory) ? start : start + prove_below(0x10000 - sizeof(memory)));
    offload.csum_offset =
        (uint16_t)(offset < sizeof(memory) ? offset
                                           : offset + prove_below(0x10000 - sizeof(memory)));
    (void)virtio_net_finish_checksum(memory, length, &offload);
}

static void use(void)
{
    struct virtio_net_link link;

    switch (prove_below(10)) {
    case 8:
        copy();
        break;
    case 9:
        finish_checksum();
        break;
    case 0:
        receive();
        break;
    case 1:
        release();
        break;
    case 2:
        send();
        break;
    case 3:
        end();
        break;
    case 4:
        command();
        break;
    case 5:
        (void)virtio_net_read_link(&net, &link);
        break;
    case 6:
        (void)virtio_net_halt(&net);
        break;
    default:
        (void)virtio_net_recover(&net);
    }
}

int main(void)
{
    struct virtio_net_options options = {
        .pairs = PROVE_PAIRS,
        .receive_buffers = BUFFERS,
        .transmit_buffers = 0,
        .mtu = (uint16_t)prove_any(),
        .receive_buffer_size = prove_any(),
        .vlan_filter = prove_maybe(),
        .receive_offloads = prove_any64(),
        .features_off = prove_any64(),
        .mac = ((const uint8_t *[]){NULL, bytes})[prove_below(2)],
    };
    struct virtio_device found = {.type = 0};

    prove_host_begin(false);
    prove_host_vary();
    prove_find(&found, VIRTIO_ID_NETWORK);
    Frama_C_make_unknown((char *)bytes, sizeof(bytes));
    if (virtio_net_start(&net, &found, &options) != VIRTIO_OK)
        return 0;
    havoc();
    if (prove_maybe()) {
        (void)virtio_net_stop(&net);
        return 0;
    }
    use();
    check_all();
    return 0;
}
