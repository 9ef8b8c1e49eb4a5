/* SPDX-License-Identifier: MIT */
/*
 * The 9P transport driver (device type 9): start, stop and recovery of the device, and the session with the host
 * that comes with each; include/virtio/9p.h is its manual.
 */
#include "9p_internal.h"

#define PROTOCOL        "9P2000.L"
#define PROTOCOL_LENGTH 8u

/* Device configuration space: the tag's length, and the tag. */
#define CONFIG_TAG_LENGTH 0u
#define CONFIG_TAG        2u

static int read_tag(struct virtio_9p *share)
{
    uint64_t length;
    int error = virtio_config_read(&share->device, CONFIG_TAG_LENGTH, 2, &length);

    if (error != VIRTIO_OK)
        return error;
    if (length == 0 || length >= VIRTIO_9P_TAG_SIZE)
        return VIRTIO_E_CONFIG;
    share->tag_length = (uint16_t)length;
    error = virtio_config_read_bytes(&share->device, CONFIG_TAG, share->tag, share->tag_length);
    share->tag[share->tag_length] = '\0';
    return error;
}

static int allocate(struct virtio_9p *share)
{
    const struct virtio_host *host = share->device.host;
    uint32_t depth = share->queue.size / VIRTIO_9P_BUFFERS_MAX;
    int error;

    if (depth == 0)
        return VIRTIO_E_NOT_SUPPORTED;
    share->depth = (uint16_t)(depth < VIRTIO_9P_DEPTH_MAX ? depth : VIRTIO_9P_DEPTH_MAX);
    error = virtio_allocate_shared(&share->device,
                                   virtio_9p_slot_count(share) * sizeof(struct virtio_9p_unit), 64,
                                   &share->shared);
    if (error != VIRTIO_OK)
        return error;
    share->slots = host->allocate(host->ctx, virtio_9p_slot_count(share) * sizeof(*share->slots));
    if (share->slots == NULL)
        return VIRTIO_E_NO_MEMORY;
    virtio_9p_init_slots(share);
    return VIRTIO_OK;
}

/* Agree on protocol and size of messages: the first request of all. */
static int agree(struct virtio_9p *share)
{
    struct virtio_9p_slot *slot = &share->slots[share->depth];
    struct virtio_9p_writer writer = virtio_9p_begin(slot);
    struct virtio_9p_reader answer;
    uint32_t length;
    int error;

    virtio_9p_clear_slot(slot, VIRTIO_9P_TVERSION, VIRTIO_9P_NOTAG);
    virtio_9p_put(&writer, 4, VIRTIO_9P_MSIZE);
    virtio_9p_put_string(&writer, PROTOCOL, PROTOCOL_LENGTH);
    virtio_9p_end(slot, &writer);
    error = virtio_9p_run(share, slot);
    if (error != VIRTIO_OK)
        return error;
    answer = virtio_9p_answer(slot);
    share->msize = (uint32_t)virtio_9p_get(&answer, 4);
    length = (uint32_t)virtio_9p_get(&answer, 2);
    if (answer.is_short || length != answer.left || share->msize > VIRTIO_9P_MSIZE)
        return VIRTIO_E_RESPONSE;
    if (length != PROTOCOL_LENGTH || memcmp(answer.at, PROTOCOL, PROTOCOL_LENGTH) != 0 ||
        share->msize < VIRTIO_9P_MSIZE_MIN)
        return VIRTIO_E_NOT_SUPPORTED;
    return VIRTIO_OK;
}

/* What a start and a recovery have in common: a new session with the host, without a fid. */
static int enter(struct virtio_9p *share)
{
    int error = virtio_device_ready(&share->device);

    share->session++;
    memset(share->fids, 0, sizeof(share->fids));
    return error == VIRTIO_OK ? agree(share) : error;
}

static int set_up(struct virtio_9p *share)
{
    int error = read_tag(share);

    if (error == VIRTIO_OK)
        error = virtio_queue_start(&share->queue, &share->device, 0, VIRTIO_9P_QUEUE_SIZE);
    if (error == VIRTIO_OK)
        error = allocate(share);
    return error == VIRTIO_OK ? enter(share) : error;
}

/* Free all that set_up acquired, as far as it came; the device has been reset. */
static int tear_down(struct virtio_9p *share)
{
    const struct virtio_host *host = share->device.host;
    struct virtio_9p_done done;

    while (virtio_9p_drain(share, &done) > 0)
        continue;
    (void)virtio_ring_uninit(&share->queue);
    virtio_free_shared(&share->device, &share->shared);
    if (share->slots != NULL)
        host->free(host->ctx, share->slots, virtio_9p_slot_count(share) * sizeof(*share->slots));
    share->slots = NULL;
    share->free_slots = NULL;
    return virtio_device_end(&share->device);
}

int virtio_9p_start(struct virtio_9p *share, const struct virtio_device *found)
{
    static const struct virtio_features wanted = {
        .supported = VIRTIO_9P_MOUNT_TAG,
        .required = VIRTIO_9P_MOUNT_TAG,
    };
    uint32_t session = share->session;
    int error;

    if (found->type != VIRTIO_ID_9P)
        return VIRTIO_E_INVALID;
    share->device = *found; /* which may be share->device */
    memset(share, 0, offsetof(struct virtio_9p, device));
    share->session = session;
    error = virtio_device_begin(&share->device, &wanted);
    if (error != VIRTIO_OK)
        return error;
    error = set_up(share);
    if (error == VIRTIO_OK)
        return VIRTIO_OK;
    if (virtio_device_fail(&share->device) != VIRTIO_E_TIMEOUT)
        (void)tear_down(share);
    return error;
}

int virtio_9p_halt(struct virtio_9p *share)
{
    return virtio_device_stop(&share->device) == VIRTIO_E_TIMEOUT ? VIRTIO_E_TIMEOUT : VIRTIO_OK;
}

int virtio_9p_stop(struct virtio_9p *share)
{
    int error = virtio_9p_halt(share);

    return error == VIRTIO_OK ? tear_down(share) : error;
}

int virtio_9p_recover(struct virtio_9p *share)
{
    struct virtio_9p_slot *slot;
    int error = virtio_device_renew(&share->device);

    if (error != VIRTIO_OK)
        return error;
    while (virtio_9p_take_back(share, &slot) > 0)
        virtio_9p_keep(share, slot);
    error = read_tag(share);
    if (error == VIRTIO_OK)
        error = enter(share);
    if (error != VIRTIO_OK)
        (void)virtio_9p_halt(share);
    return error;
}
