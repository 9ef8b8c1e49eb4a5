/* SPDX-License-Identifier: MIT */
/*
 * Chains that are built buffer by buffer: a front of virtio_submit_buffers. The buffers are staged in private
 * memory, so a chain that is not submitted leaves no trace.
 */
#include "queue_internal.h"

void virtio_prepare(struct virtio_queue *queue, struct virtio_chain *chain)
{
    *chain = (struct virtio_chain){.serial = ++queue->serial};
}

static int check_append(const struct virtio_queue *queue, uint32_t length, uint16_t flags,
                        const struct virtio_chain *chain)
{
    unsigned count = (unsigned)chain->readable + chain->writable;

    if (chain->serial != queue->serial)
        return VIRTIO_E_STALE;
    if ((flags & ~VIRTQ_DESC_F_WRITE) != 0)
        return VIRTIO_E_INVALID;
    if (length == 0)
        return VIRTIO_E_ZERO_LENGTH;
    if ((flags & VIRTQ_DESC_F_WRITE) == 0 && chain->writable != 0)
        return VIRTIO_E_ORDER;
    if (length > UINT32_MAX - chain->bytes || count >= queue->size)
        return VIRTIO_E_TOO_LONG;
    /* Why a closed queue takes none is the submit's to say. */
    if (queue->room == 0 || count + 1 < queue->room)
        return VIRTIO_OK;
    return queue->room > 1 && count < queue->table_length ? VIRTIO_OK : VIRTIO_E_FULL;
}

int virtio_append_desc(struct virtio_queue *queue, uint64_t device_address, uint32_t length,
                       uint16_t flags, struct virtio_chain *chain)
{
    int error = check_append(queue, length, flags, chain);
    struct virtio_buffer *buffer;

    if (error != VIRTIO_OK) {
        if (chain->error == VIRTIO_OK)
            chain->error = error;
        return error;
    }
    buffer = &queue->staged[chain->readable + chain->writable];
    buffer->device_address = device_address;
    buffer->length = length;
    chain->bytes += length;
    if ((flags & VIRTQ_DESC_F_WRITE) != 0)
        chain->writable++;
    else
        chain->readable++;
    return VIRTIO_OK;
}

int virtio_submit(struct virtio_queue *queue, struct virtio_chain *chain, void *cookie)
{
    if (chain->error != VIRTIO_OK)
        return chain->error;
    if (chain->serial != queue->serial)
        return VIRTIO_E_STALE;
    chain->error = VIRTIO_E_STALE;
    return virtio_submit_buffers(queue, queue->staged, chain->readable, chain->writable, cookie);
}
