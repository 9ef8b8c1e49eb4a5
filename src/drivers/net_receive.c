/* SPDX-License-Identifier: MIT */
/*
 * Frames that come in (spec 5.1.6.3, 5.1.6.4).
 *
 * A buffer goes round: submitted, shown to the device, used by it, one part of a frame that is put together,
 * lent to the caller, submitted again. `shown` and `unshown` of the pair count the first two, so that the
 * device is told of new buffers before it has none left, and not for each single one.
 *
 * Must not: pass on a frame with offload fields that nobody agreed on, keep a buffer, or read the device's
 * header twice.
 */
#include "net_internal.h"

#include "../core/time.h"

/* ---- Buffers ---- */

static int submit_buffer(struct virtio_net *net, struct virtio_net_pair *pair,
                         struct virtio_net_buffer *buffer)
{
    uint32_t bytes = virtio_net_buffer_bytes(net);
    struct virtio_buffer parts[2] = {{buffer->address, bytes}, {0, 0}};
    int error;

    if (net->header_apart) {
        parts[0].length = net->header_size;
        parts[1].device_address = buffer->address + net->header_size;
        parts[1].length = net->buffer_size;
    }
    buffer->next = NULL;
    virtio_give_shared(&net->device, buffer->memory, bytes, VIRTIO_SYNC_FOR_DEVICE);
    error = virtio_submit_buffers(&pair->receive, parts, 0, net->header_apart ? 2 : 1, buffer);
    if (error == VIRTIO_OK)
        pair->unshown++;
    return error;
}

int virtio_net_show(struct virtio_net_pair *pair)
{
    int error;

    if (pair->unshown == 0)
        return VIRTIO_OK;
    error = virtio_kick(&pair->receive);
    if (error == VIRTIO_OK) {
        pair->shown = (uint16_t)(pair->shown + pair->unshown);
        pair->unshown = 0;
    }
    return error;
}

/* Give the buffers of a frame back, and show them to the device if it is time. */
static int give_back(struct virtio_net *net, struct virtio_net_pair *pair,
                     struct virtio_net_buffer *buffer)
{
    int error = VIRTIO_OK;

    while (buffer != NULL) {
        struct virtio_net_buffer *next = buffer->next;
        int submitted = submit_buffer(net, pair, buffer);

        if (error == VIRTIO_OK)
            error = submitted;
        buffer = next;
    }
    if (error == VIRTIO_OK &&
        (pair->unshown >= pair->shown || pair->unshown >= pair->buffer_count / 8))
        error = virtio_net_show(pair);
    return error;
}

static int allocate_buffers(struct virtio_net *net, struct virtio_net_pair *pair)
{
    const struct virtio_host *host = net->device.host;
    uint8_t *memory;
    int error = virtio_allocate_shared(
        &net->device, (size_t)pair->buffer_count * net->buffer_stride, 64, &pair->frames);

    if (error != VIRTIO_OK)
        return error;
    pair->buffers = host->allocate(host->ctx, pair->buffer_count * sizeof(*pair->buffers));
    if (pair->buffers == NULL)
        return VIRTIO_E_NO_MEMORY;
    memset(pair->buffers, 0, pair->buffer_count * sizeof(*pair->buffers));
    memory = pair->frames.memory;
    for (uint16_t at = 0; at < pair->buffer_count; at++) {
        size_t offset = (size_t)at * net->buffer_stride + net->buffer_start;

        pair->buffers[at].memory = memory + offset;
        pair->buffers[at].address = pair->frames.device_address + offset;
    }
    return VIRTIO_OK;
}

int virtio_net_fill(struct virtio_net *net, struct virtio_net_pair *pair, uint16_t wanted)
{
    uint16_t room = (uint16_t)(pair->receive.size / (net->header_apart ? 2 : 1));
    int error;

    pair->buffer_count = wanted < room ? wanted : room;
    if ((uint64_t)pair->buffer_count * virtio_net_buffer_bytes(net) <
        net->header_size + net->receive_max)
        return VIRTIO_E_NOT_SUPPORTED;
    error = allocate_buffers(net, pair);
    for (uint16_t at = 0; at < pair->buffer_count && error == VIRTIO_OK; at++)
        error = submit_buffer(net, pair, &pair->buffers[at]);
    return error;
}

int virtio_net_refill(struct virtio_net *net, struct virtio_net_pair *pair)
{
    struct virtio_done used;
    int error = VIRTIO_OK;

    while (virtio_drain(&pair->receive, &used) > 0)
        continue;
    pair->first = NULL;
    pair->parts_missing = 0;
    pair->error = VIRTIO_OK;
    pair->shown = 0;
    pair->unshown = 0;
    for (uint16_t at = 0; at < pair->buffer_count && error == VIRTIO_OK; at++) {
        if (!pair->buffers[at].lent)
            error = submit_buffer(net, pair, &pair->buffers[at]);
    }
    return error;
}

/* ---- What the device says of a frame ---- */

static void read_header(const struct virtio_net *net, const struct virtio_net_buffer *buffer,
                        struct virtio_net_hdr *header)
{
    bool legacy = net->device.legacy;

    header->num_buffers = virtio_order16(legacy, 1);
    memcpy(header, buffer->memory, net->header_size);
    header->hdr_len = virtio_order16(legacy, header->hdr_len);
    header->gso_size = virtio_order16(legacy, header->gso_size);
    header->csum_start = virtio_order16(legacy, header->csum_start);
    header->csum_offset = virtio_order16(legacy, header->csum_offset);
    header->num_buffers = virtio_order16(legacy, header->num_buffers);
}

/* The features of which one must have been taken for a frame of this type; 0: there is no such type. */
static uint64_t gso_features(uint8_t gso_type)
{
    switch (gso_type) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        return VIRTIO_NET_F_GUEST_TSO4;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        return VIRTIO_NET_F_GUEST_TSO6;
    case VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN:
    case VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN:
        return VIRTIO_NET_F_GUEST_ECN;
    case VIRTIO_NET_HDR_GSO_UDP:
        return VIRTIO_NET_F_GUEST_UFO;
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        return VIRTIO_NET_F_GUEST_USO4 | VIRTIO_NET_F_GUEST_USO6;
    default:
        return 0;
    }
}

/* Is what the device says of a frame what may be said? Fields that say nothing are cleared. */
static bool judge_offload(const struct virtio_net *net, uint32_t length,
                          struct virtio_net_offload *offload)
{
    bool unfinished = (offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;

    if (!virtio_has_feature(&net->device, VIRTIO_NET_F_GUEST_CSUM)) {
        if (unfinished || offload->gso_type != VIRTIO_NET_HDR_GSO_NONE)
            return false;
        *offload = (struct virtio_net_offload){.flags = 0};
        return length <= net->receive_max;
    }
    offload->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID;
    if (unfinished && (uint32_t)offload->csum_start + offload->csum_offset + 2 > length)
        return false;
    if (!unfinished) {
        offload->csum_start = 0;
        offload->csum_offset = 0;
    }
    if (offload->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
        offload->gso_size = 0;
        offload->hdr_len = 0;
        return length <= net->receive_max;
    }
    return unfinished && offload->gso_size != 0 && length <= VIRTIO_NET_GSO_FRAME_MAX &&
           virtio_has_feature(&net->device, gso_features(offload->gso_type));
}

/* ---- Frames ---- */

/* The device is not to be believed about this queue any more: which buffer begins a frame is lost. */
static int lose_count(struct virtio_net_pair *pair)
{
    pair->error = VIRTIO_E_RESPONSE;
    return pair->error;
}

/* A buffer that the device has used: the first of a frame, or a further one. */
static int add_part(struct virtio_net *net, struct virtio_net_pair *pair,
                    struct virtio_net_buffer *buffer, uint32_t written)
{
    struct virtio_net_hdr header;

    virtio_give_shared(&net->device, buffer->memory, virtio_net_buffer_bytes(net),
                       VIRTIO_SYNC_FOR_CPU);
    buffer->data = buffer->memory;
    buffer->length = written;
    if (pair->first != NULL) {
        pair->last->next = buffer;
        pair->last = buffer;
        pair->parts_missing--;
        return VIRTIO_OK;
    }
    pair->first = buffer;
    pair->last = buffer;
    pair->parts_missing = 0;
    if (written < net->header_size)
        return VIRTIO_OK; /* to be dropped, alone */
    if (net->merges) {
        read_header(net, buffer, &header);
        if (header.num_buffers == 0 || header.num_buffers > pair->buffer_count)
            return lose_count(pair);
        pair->parts_missing = (uint16_t)(header.num_buffers - 1);
    }
    return VIRTIO_OK;
}

/* How long the frame is whose parts are all there; 0: too short to be one. */
static uint32_t measure(struct virtio_net_buffer *first, uint32_t header_size)
{
    uint64_t length = 0;

    if (first->length < header_size)
        return 0;
    first->data += header_size;
    first->length -= header_size;
    for (const struct virtio_net_buffer *part = first; part != NULL; part = part->next)
        length += part->length;
    if (length < VIRTIO_NET_ETHERNET_HEADER || length > UINT32_MAX)
        return 0;
    return (uint32_t)length;
}

/* All parts of a frame are there: 1 when it is one for the caller, 0 when it was dropped. */
static int finish_frame(struct virtio_net *net, uint16_t index, struct virtio_net_frame *frame)
{
    struct virtio_net_pair *pair = &net->pairs[index];
    struct virtio_net_buffer *first = pair->first;
    uint32_t length = measure(first, net->header_size);
    struct virtio_net_hdr header;

    pair->first = NULL;
    read_header(net, first, &header);
    frame->offload = (struct virtio_net_offload){
        .flags = header.flags,
        .gso_type = header.gso_type,
        .hdr_len = header.hdr_len,
        .gso_size = header.gso_size,
        .csum_start = header.csum_start,
        .csum_offset = header.csum_offset,
    };
    if (length == 0 || !judge_offload(net, length, &frame->offload)) {
        pair->dropped++;
        return give_back(net, pair, first);
    }
    frame->data = first->data;
    frame->length = length;
    frame->part_length = first->length;
    frame->pair = index;
    frame->buffer = first;
    for (struct virtio_net_buffer *part = first; part != NULL; part = part->next) {
        part->lent = true;
        pair->held++;
    }
    pair->received++;
    return 1;
}

static int take_buffer(struct virtio_net *net, uint16_t index, const struct virtio_done *used,
                       struct virtio_net_frame *frame)
{
    struct virtio_net_pair *pair = &net->pairs[index];
    int error;

    pair->shown--;
    error = add_part(net, pair, used->cookie, used->written);
    if (error != VIRTIO_OK)
        return error;
    return pair->parts_missing == 0 ? finish_frame(net, index, frame) : 0;
}

static int check_pair(const struct virtio_net *net, uint16_t pair)
{
    if (!virtio_net_is_live(net))
        return VIRTIO_E_STATE;
    if (pair >= net->pairs_started)
        return VIRTIO_E_INVALID;
    return net->pairs[pair].error;
}

int virtio_net_receive(struct virtio_net *net, uint16_t pair, struct virtio_net_frame *frame)
{
    int result = check_pair(net, pair);
    struct virtio_done used;

    if (result != VIRTIO_OK)
        return result;
    /* A device that sends nothing but nonsense shall not keep the caller here. */
    for (uint16_t tries = net->pairs[pair].buffer_count; tries > 0; tries--) {
        result = virtio_reap(&net->pairs[pair].receive, &used);
        if (result > 0)
            result = take_buffer(net, pair, &used, frame);
        else if (result == 0)
            return virtio_net_show(&net->pairs[pair]);
        if (result != 0)
            return result;
    }
    return virtio_net_show(&net->pairs[pair]);
}

int virtio_net_wait_receive(struct virtio_net *net, uint16_t pair, struct virtio_net_frame *frame,
                            uint32_t timeout_us)
{
    struct virtio_deadline deadline;
    struct virtio_done used;
    int result;

    if (timeout_us == 0)
        return VIRTIO_E_INVALID;
    if (net->device.state != VIRTIO_DEVICE_READY) /* one that was never started has no host, even */
        return VIRTIO_E_STATE;
    virtio_deadline_begin(&deadline, net->device.host, timeout_us);
    for (;;) {
        result = virtio_net_receive(net, pair, frame);
        if (result != 0)
            return result;
        if (net->pairs[pair].shown == 0)
            return VIRTIO_E_FULL;
        result = virtio_wait(&net->pairs[pair].receive, &used, timeout_us - deadline.elapsed_us);
        if (result > 0)
            result = take_buffer(net, pair, &used, frame);
        if (result != 0)
            return result;
        if (virtio_deadline_passed(&deadline, net->device.host))
            return VIRTIO_E_TIMEOUT;
    }
}

int virtio_net_release(struct virtio_net *net, struct virtio_net_frame *frame)
{
    struct virtio_net_buffer *first = frame->buffer;
    struct virtio_net_pair *pair;

    if (first == NULL || net->pairs == NULL || !first->lent)
        return VIRTIO_E_INVALID;
    pair = &net->pairs[frame->pair];
    frame->buffer = NULL;
    for (struct virtio_net_buffer *part = first; part != NULL; part = part->next) {
        part->lent = false;
        pair->held--;
    }
    return virtio_net_is_live(net) ? give_back(net, pair, first) : VIRTIO_OK;
}

bool virtio_net_next_part(const struct virtio_net_frame *frame, struct virtio_net_part *part)
{
    part->buffer = part->buffer == NULL ? frame->buffer : part->buffer->next;
    if (part->buffer == NULL)
        return false;
    part->data = part->buffer->data;
    part->length = part->buffer->length;
    return true;
}

int virtio_net_copy(const struct virtio_net_frame *frame, uint32_t offset, void *to, uint32_t bytes)
{
    struct virtio_net_part part = {NULL, 0, NULL};
    uint8_t *next = to;

    if (offset > frame->length || bytes > frame->length - offset)
        return VIRTIO_E_OUT_OF_RANGE;
    while (bytes != 0 && virtio_net_next_part(frame, &part)) {
        uint32_t take;

        if (offset >= part.length) {
            offset -= part.length;
            continue;
        }
        take = part.length - offset < bytes ? part.length - offset : bytes;
        memcpy(next, (const uint8_t *)part.data + offset, take);
        next += take;
        bytes -= take;
        offset = 0;
    }
    return VIRTIO_OK;
}
