/* SPDX-License-Identifier: MIT */
/*
 * Explaining a hang: everything that tells why a request does not complete, as lines for the log hook.
 * Reads the status register and shared indices; believes none of them and changes nothing.
 */
#include "../queue/queue_internal.h"
#include "../transport/transport_internal.h"
#include "endian.h"
#include "log.h"

struct bit_name {
    uint8_t bit;
    const char *name;
};

static const struct bit_name status_bits[] = {
    {VIRTIO_STATUS_ACKNOWLEDGE, " ACKNOWLEDGE"},
    {VIRTIO_STATUS_DRIVER, " DRIVER"},
    {VIRTIO_STATUS_FEATURES_OK, " FEATURES_OK"},
    {VIRTIO_STATUS_DRIVER_OK, " DRIVER_OK"},
    {VIRTIO_STATUS_DEVICE_NEEDS_RESET, " DEVICE_NEEDS_RESET"},
    {VIRTIO_STATUS_FAILED, " FAILED"},
};

static void field(struct virtio_line *line, const char *name, uint32_t value)
{
    virtio_line_text(line, name);
    virtio_line_number(line, value);
}

static void address(struct virtio_line *line, const char *name, uint64_t value)
{
    virtio_line_text(line, name);
    virtio_line_hex(line, value);
}

static void dump_status(const struct virtio_device *device, struct virtio_line *line)
{
    uint8_t status = device->ops->get_device_status(device);

    address(line, "  status ", status);
    for (size_t i = 0; i < sizeof(status_bits) / sizeof(status_bits[0]); i++) {
        if ((status & status_bits[i].bit) != 0)
            virtio_line_text(line, status_bits[i].name);
    }
    if (status == 0xff)
        virtio_line_text(line, " (all ones: the device was unplugged)");
    virtio_line_end(line, VIRTIO_LOG_INFO);
}

static void dump_queue(const struct virtio_queue *queue, struct virtio_line *line)
{
    bool legacy = queue->device->legacy;
    uint64_t base = queue->shared.device_address;

    field(line, "  queue ", queue->index);
    field(line, ": size ", queue->size);
    virtio_line_text(line, queue->packed ? ", packed" : ", split");
    address(line, ", descriptors ", base + queue->offsets.descriptors);
    address(line, queue->packed ? ", driver event " : ", available ", base + queue->offsets.driver);
    address(line, queue->packed ? ", device event " : ", used ", base + queue->offsets.device);
    virtio_line_end(line, VIRTIO_LOG_INFO);
    field(line, "    available index ", virtio_queue_submitted(queue));
    field(line, ", shown to the device ", queue->published_index);
    if (!queue->packed)
        field(line, ", used index ",
              virtio_order16(legacy, __atomic_load_n(&queue->used->idx, __ATOMIC_RELAXED)));
    field(line, ", taken ", queue->used_index);
    virtio_line_end(line, VIRTIO_LOG_INFO);
    field(line, "    free descriptors ", virtio_queue_free(queue));
    field(line, ", put aside ", queue->aside_count);
    field(line, ", notifications ", (uint32_t)queue->kicks);
    virtio_line_text(line, ", ");
    virtio_line_text(line, virtio_strerror(queue->error));
    virtio_line_end(line, VIRTIO_LOG_INFO);
}

void virtio_dump(const struct virtio_device *device)
{
    struct virtio_line line;

    if (device->host == NULL || device->host->log == NULL)
        return;
    virtio_line_begin(&line, device->host);
    field(&line, "virtio device type ", device->type);
    if (device->ops == NULL) {
        virtio_line_text(&line, ", not opened");
        virtio_line_end(&line, VIRTIO_LOG_INFO);
        return;
    }
    virtio_line_text(&line, ", ");
    virtio_line_text(&line, device->ops->name);
    virtio_line_end(&line, VIRTIO_LOG_INFO);
    dump_status(device, &line);
    address(&line, "  features offered ", device->features_offered);
    address(&line, ", taken ", device->features);
    virtio_line_end(&line, VIRTIO_LOG_INFO);
    for (const struct virtio_queue *queue = device->queues; queue != NULL;
         queue = queue->next_queue)
        dump_queue(queue, &line);
}
