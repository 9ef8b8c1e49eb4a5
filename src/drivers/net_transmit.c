/* SPDX-License-Identifier: MIT */
/*
 * Frames that go out (spec 5.1.6.2), and the checksum that both directions may leave unfinished.
 *
 * A frame is two buffers: the header, in memory of the library, one slot a frame, and the caller's buffer.
 * Legacy devices demand that the header has a descriptor of its own, others do not mind.
 *
 * Must not: send a frame that asks the device for something that was not negotiated, or give back a buffer
 * that the device may still read.
 */
#include "net_internal.h"

static void give_back_slot(struct virtio_net_pair *pair, struct virtio_net_slot *slot)
{
    slot->next = pair->free_slots;
    pair->free_slots = slot;
}

int virtio_net_allocate_slots(struct virtio_net *net, struct virtio_net_pair *pair, uint16_t wanted)
{
    const struct virtio_host *host = net->device.host;
    uint8_t *headers;
    int error;

    if (pair->transmit.size < 2)
        return VIRTIO_E_NOT_SUPPORTED;
    pair->slot_count = wanted != 0 && wanted < pair->transmit.size ? wanted : pair->transmit.size;
    error = virtio_allocate_shared(&net->device, pair->slot_count * VIRTIO_NET_HEADER_STRIDE, 64,
                                   &pair->headers);
    if (error != VIRTIO_OK)
        return error;
    pair->slots = host->allocate(host->ctx, pair->slot_count * sizeof(*pair->slots));
    if (pair->slots == NULL)
        return VIRTIO_E_NO_MEMORY;
    memset(pair->slots, 0, pair->slot_count * sizeof(*pair->slots));
    headers = pair->headers.memory;
    for (uint16_t at = pair->slot_count; at-- > 0;) {
        struct virtio_net_slot *slot = &pair->slots[at];

        slot->header = (struct virtio_net_hdr *)(void *)(headers + at * VIRTIO_NET_HEADER_STRIDE);
        slot->header_address = pair->headers.device_address + at * VIRTIO_NET_HEADER_STRIDE;
        give_back_slot(pair, slot);
    }
    return VIRTIO_OK;
}

void virtio_net_free_slots(struct virtio_net *net, struct virtio_net_pair *pair)
{
    const struct virtio_host *host = net->device.host;

    virtio_free_shared(&net->device, &pair->headers);
    if (pair->slots == NULL)
        return;
    /* A frame whose send gave up on a device that would not be reset, until now. */
    for (uint16_t at = 0; at < pair->slot_count; at++) {
        if (pair->slots[at].mapping.size != 0)
            (void)virtio_unmap_buffer(&net->device, &pair->slots[at].mapping);
    }
    host->free(host->ctx, pair->slots, pair->slot_count * sizeof(*pair->slots));
}

/* ---- Checks ---- */

static uint64_t gso_feature(uint8_t gso_type)
{
    switch (gso_type) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        return VIRTIO_NET_F_HOST_TSO4;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        return VIRTIO_NET_F_HOST_TSO6;
    case VIRTIO_NET_HDR_GSO_UDP:
        return VIRTIO_NET_F_HOST_UFO;
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        return VIRTIO_NET_F_HOST_USO;
    default:
        return 0;
    }
}

static int check_gso(const struct virtio_net *net, const struct virtio_net_offload *offload)
{
    uint8_t type = (uint8_t)(offload->gso_type & ~VIRTIO_NET_HDR_GSO_ECN);
    bool ecn = type != offload->gso_type;
    uint64_t feature = gso_feature(type);

    if (feature == 0 || offload->gso_size == 0 ||
        (offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
        return VIRTIO_E_INVALID;
    if (ecn && type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6)
        return VIRTIO_E_INVALID;
    if (!virtio_has_feature(&net->device, feature) ||
        (ecn && !virtio_has_feature(&net->device, VIRTIO_NET_F_HOST_ECN)))
        return VIRTIO_E_NOT_SUPPORTED;
    return VIRTIO_OK;
}

static bool checksum_is_inside(const struct virtio_net_offload *offload, size_t length)
{
    return (size_t)offload->csum_start + offload->csum_offset + 2 <= length;
}

static int check_offload(const struct virtio_net *net, size_t length,
                         const struct virtio_net_offload *offload)
{
    if (offload->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
        int error = check_gso(net, offload);

        if (error != VIRTIO_OK)
            return error;
    }
    if ((offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
        return VIRTIO_OK;
    if (!checksum_is_inside(offload, length))
        return VIRTIO_E_INVALID;
    return virtio_has_feature(&net->device, VIRTIO_NET_F_CSUM) ? VIRTIO_OK : VIRTIO_E_NOT_SUPPORTED;
}

/* The longest frame like this one that the link carries: a VLAN tag does not count. */
static size_t length_limit(const struct virtio_net *net, const uint8_t *frame, size_t length)
{
    bool tagged =
        length >= VIRTIO_NET_ETHERNET_HEADER_VLAN &&
        ((frame[12] == 0x81 && frame[13] == 0x00) || (frame[12] == 0x88 && frame[13] == 0xa8));

    return (size_t)net->mtu +
           (tagged ? VIRTIO_NET_ETHERNET_HEADER_VLAN : VIRTIO_NET_ETHERNET_HEADER);
}

static int check_frame(const struct virtio_net *net, uint16_t pair, const void *frame,
                       size_t length, const struct virtio_net_offload *offload)
{
    if (!virtio_net_is_live(net))
        return VIRTIO_E_STATE;
    if (length == 0)
        return VIRTIO_E_ZERO_LENGTH;
    if (frame == NULL || length < VIRTIO_NET_ETHERNET_HEADER || pair >= net->pair_count)
        return VIRTIO_E_INVALID;
    if (length > (offload != NULL && offload->gso_type != VIRTIO_NET_HDR_GSO_NONE
                      ? VIRTIO_NET_GSO_FRAME_MAX
                      : length_limit(net, frame, length)))
        return VIRTIO_E_TOO_LONG;
    return offload != NULL ? check_offload(net, length, offload) : VIRTIO_OK;
}

/* ---- One frame ---- */

static void write_header(const struct virtio_net *net, struct virtio_net_hdr *header,
                         const struct virtio_net_offload *offload)
{
    bool legacy = net->device.legacy;

    memset(header, 0, sizeof(*header));
    if (offload == NULL)
        return;
    if ((offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
        header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        header->csum_start = virtio_order16(legacy, offload->csum_start);
        header->csum_offset = virtio_order16(legacy, offload->csum_offset);
    }
    if (offload->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
        header->gso_type = offload->gso_type;
        header->gso_size = virtio_order16(legacy, offload->gso_size);
        header->hdr_len = virtio_order16(legacy, offload->hdr_len);
    }
}

/* Check a frame, find it a slot and map it. */
static int begin_frame(struct virtio_net *net, uint16_t index, const void *frame, size_t length,
                       const struct virtio_net_offload *offload, struct virtio_net_slot **begun)
{
    struct virtio_net_slot *slot;
    int error = check_frame(net, index, frame, length, offload);

    if (error != VIRTIO_OK)
        return error;
    slot = net->pairs[index].free_slots;
    if (slot == NULL)
        return VIRTIO_E_FULL;
    error = virtio_map_all_bytes_in_shared_buffer(&net->device, (void *)(uintptr_t)frame, length,
                                                  VIRTIO_DEVICE_READS, &slot->mapping);
    if (error != VIRTIO_OK)
        return error;
    net->pairs[index].free_slots = slot->next;
    write_header(net, slot->header, offload);
    virtio_give_shared(&net->device, slot->header, sizeof(*slot->header), VIRTIO_SYNC_FOR_DEVICE);
    *begun = slot;
    return VIRTIO_OK;
}

/* The frame is the caller's again. What unmapping it says does not matter: the device only read it. */
static void end_frame(struct virtio_net *net, struct virtio_net_pair *pair,
                      struct virtio_net_slot *slot)
{
    (void)virtio_unmap_buffer(&net->device, &slot->mapping);
    slot->mapping.size = 0;
    give_back_slot(pair, slot);
}

void virtio_net_take_abandoned(struct virtio_net *net, struct virtio_net_pair *pair)
{
    for (uint16_t at = 0; at < pair->slot_count; at++) {
        if (pair->slots[at].abandoned)
            end_frame(net, pair, &pair->slots[at]);
        pair->slots[at].abandoned = false;
    }
}

static void build(const struct virtio_net *net, struct virtio_net_pair *pair,
                  const struct virtio_net_slot *slot, struct virtio_chain *chain)
{
    virtio_prepare(&pair->transmit, chain);
    (void)virtio_append_desc(&pair->transmit, slot->header_address, net->header_size, 0, chain);
    (void)virtio_append_desc(&pair->transmit, slot->mapping.device_address,
                             (uint32_t)slot->mapping.size, 0, chain);
}

int virtio_net_send(struct virtio_net *net, const void *frame, size_t length,
                    const struct virtio_net_offload *offload)
{
    struct virtio_net_slot *slot;
    struct virtio_chain chain;
    int error = begin_frame(net, 0, frame, length, offload, &slot);

    if (error != VIRTIO_OK)
        return error;
    build(net, &net->pairs[0], slot, &chain);
    error = virtio_flush(&net->pairs[0].transmit, &chain, NULL);
    if (virtio_error_leaves_in_flight(error) && virtio_net_halt(net) != VIRTIO_OK) {
        slot->abandoned = true;
        return VIRTIO_E_BUSY;
    }
    end_frame(net, &net->pairs[0], slot);
    return error;
}

int virtio_net_submit(struct virtio_net *net, uint16_t pair, const void *frame, size_t length,
                      const struct virtio_net_offload *offload, void *cookie)
{
    struct virtio_net_slot *slot;
    struct virtio_chain chain;
    int error = begin_frame(net, pair, frame, length, offload, &slot);

    if (error != VIRTIO_OK)
        return error;
    slot->cookie = cookie;
    build(net, &net->pairs[pair], slot, &chain);
    error = virtio_submit(&net->pairs[pair].transmit, &chain, slot);
    if (error == VIRTIO_OK)
        net->pairs[pair].in_flight++;
    else
        end_frame(net, &net->pairs[pair], slot);
    return error;
}

static int check_pair(const struct virtio_net *net, uint16_t pair)
{
    if (!virtio_net_is_live(net))
        return VIRTIO_E_STATE;
    return pair < net->pairs_started ? VIRTIO_OK : VIRTIO_E_INVALID;
}

int virtio_net_kick(struct virtio_net *net, uint16_t pair)
{
    int error = check_pair(net, pair);

    return error == VIRTIO_OK ? virtio_kick(&net->pairs[pair].transmit) : error;
}

static int hand_back(struct virtio_net *net, struct virtio_net_pair *pair,
                     struct virtio_net_slot *slot, struct virtio_net_done *done)
{
    done->cookie = slot->cookie;
    done->error = slot->error;
    end_frame(net, pair, slot);
    pair->in_flight--;
    return 1;
}

/* The device has sent it. */
static int hand_back_sent(struct virtio_net *net, struct virtio_net_pair *pair,
                          struct virtio_net_slot *slot, struct virtio_net_done *done)
{
    slot->error = VIRTIO_OK;
    return hand_back(net, pair, slot, done);
}

/* Hand back a frame that was kept, if there is one. */
static int hand_back_kept(struct virtio_net *net, struct virtio_net_pair *pair,
                          struct virtio_net_done *done)
{
    struct virtio_net_slot *slot = pair->kept_slots;

    if (slot == NULL)
        return 0;
    pair->kept_slots = slot->next;
    return hand_back(net, pair, slot, done);
}

/* What a device writes to a frame that it sends is nothing, so what was sent before the reset and what was
 * not look the same: all of it counts as taken back. */
void virtio_net_keep_drained(struct virtio_net_pair *pair)
{
    struct virtio_net_slot **tail = &pair->kept_slots;
    struct virtio_done used;

    while (*tail != NULL)
        tail = &(*tail)->next;
    while (virtio_drain(&pair->transmit, &used) > 0) {
        struct virtio_net_slot *slot = used.cookie;

        slot->error = VIRTIO_E_RESET;
        slot->next = NULL;
        *tail = slot;
        tail = &slot->next;
    }
}

int virtio_net_reap(struct virtio_net *net, uint16_t pair, struct virtio_net_done *done)
{
    struct virtio_done used;
    int result = check_pair(net, pair);

    if (result != VIRTIO_OK)
        return result;
    result = hand_back_kept(net, &net->pairs[pair], done);
    if (result == 0)
        result = virtio_reap(&net->pairs[pair].transmit, &used);
    else
        return result;
    return result > 0 ? hand_back_sent(net, &net->pairs[pair], used.cookie, done) : result;
}

int virtio_net_wait(struct virtio_net *net, uint16_t pair, struct virtio_net_done *done,
                    uint32_t timeout_us)
{
    struct virtio_done used;
    int result = virtio_net_kick(net, pair);

    if (result == VIRTIO_OK)
        result = hand_back_kept(net, &net->pairs[pair], done);
    if (result != 0)
        return result;
    result = virtio_wait(&net->pairs[pair].transmit, &used, timeout_us);
    return result > 0 ? hand_back_sent(net, &net->pairs[pair], used.cookie, done) : result;
}

int virtio_net_drain(struct virtio_net *net, struct virtio_net_done *done)
{
    if (net->device.state == VIRTIO_DEVICE_FOUND || net->pairs == NULL)
        return 0;
    if (net->device.state != VIRTIO_DEVICE_STOPPED)
        return VIRTIO_E_BUSY;
    for (uint16_t at = 0; at < net->pairs_started; at++) {
        virtio_net_keep_drained(&net->pairs[at]);
        if (hand_back_kept(net, &net->pairs[at], done) > 0)
            return 1;
    }
    return 0;
}

/* ---- Checksums ---- */

int virtio_net_finish_checksum(void *frame, size_t length, struct virtio_net_offload *offload)
{
    uint8_t *bytes = frame;
    uint64_t sum = 0;
    size_t at;

    if ((offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
        return VIRTIO_OK;
    if (offload->gso_type != VIRTIO_NET_HDR_GSO_NONE || !checksum_is_inside(offload, length))
        return VIRTIO_E_INVALID;
    for (at = offload->csum_start; at + 1 < length; at += 2)
        sum += (uint32_t)bytes[at] << 8 | bytes[at + 1];
    if (at < length)
        sum += (uint32_t)bytes[at] << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum & 0xffff;
    if (sum == 0) /* the same number, and in UDP the one that does not mean "none" */
        sum = 0xffff;
    at = (size_t)offload->csum_start + offload->csum_offset;
    bytes[at] = (uint8_t)(sum >> 8);
    bytes[at + 1] = (uint8_t)sum;
    offload->flags &= (uint8_t)~VIRTIO_NET_HDR_F_NEEDS_CSUM;
    return VIRTIO_OK;
}
