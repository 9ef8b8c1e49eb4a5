/* SPDX-License-Identifier: MIT */
/*
 * The places where the ring orders its accesses, each as a function of its own, for tests/barriers/check to look at
 * in the code of a CPU that orders nothing by itself. It is compiled, and never run.
 */
#include <virtio/inline.h>

bool probe_publish_split(struct virtio_queue *queue, uint32_t now);
bool probe_publish_packed(struct virtio_queue *queue, uint32_t now);
void probe_submit_packed(struct virtio_queue *queue, const struct virtio_buffer *buffers);
void probe_prepared_packed(struct virtio_queue *queue, const struct virtio_prepared *prepared);

bool probe_publish_split(struct virtio_queue *queue, uint32_t now)
{
    return virtio_inline_publish_split(queue, now);
}

bool probe_publish_packed(struct virtio_queue *queue, uint32_t now)
{
    return virtio_inline_publish_packed(queue, now);
}

void probe_submit_packed(struct virtio_queue *queue, const struct virtio_buffer *buffers)
{
    virtio_inline_packed(queue, queue->slot, buffers, 1, 0, (void *)0);
}

void probe_prepared_packed(struct virtio_queue *queue, const struct virtio_prepared *prepared)
{
    virtio_inline_prepared(queue, queue->slot, prepared);
}
