/* SPDX-License-Identifier: MIT */
/*
 * The fake memory balloon.
 */
#include "fake_balloon.h"

#include <string.h>
#include <virtio/balloon.h>

#define INFLATE    0u
#define DEFLATE    1u
#define STATISTICS 2u

#define ACTUAL     4u
#define POISON_VAL 12u

/* Little-endian in the legacy interface, too (5.5.4), as a GPU's is. */
uint32_t fake_balloon_config(const struct fake_balloon *balloon, uint32_t offset)
{
    return (uint32_t)fake_number(balloon->device->config + offset, 4, false);
}

static void take_pages(struct fake_balloon *balloon, struct fake_chain *chain, size_t *count)
{
    uint8_t bytes[4];

    balloon->requests++;
    if (chain->readable == 0 || chain->readable % 4 != 0 || chain->writable != 0 ||
        chain->readable > VIRTIO_BALLOON_BATCH * 4) {
        fake_rule(balloon->device, "balloon-page-array", "5.5.6", "%llu bytes",
                  (unsigned long long)chain->readable);
        return;
    }
    fake_chain_read(chain, chain->readable - 4, bytes, 4);
    balloon->latest = (uint32_t)fake_get(balloon->device, bytes, 4);
    *count += (size_t)chain->readable / 4;
}

static void take_hint(struct fake_balloon *balloon, struct fake_chain *chain)
{
    uint8_t bytes[4];

    if (chain->readable == 0) {
        balloon->hints++;
        return;
    }
    if (chain->readable != 4 || chain->writable != 0) {
        fake_rule(balloon->device, "balloon-hint-command", "5.5.6.4", "%llu bytes",
                  (unsigned long long)chain->readable);
        return;
    }
    fake_chain_read(chain, 0, bytes, 4);
    balloon->command = (uint32_t)fake_get(balloon->device, bytes, 4);
    balloon->commands++;
}

static void take_statistics(struct fake_balloon *balloon, struct fake_chain *chain)
{
    if (fake_queue_chain(chain->queue, 1))
        fake_rule(balloon->device, "balloon-statistics-twice", "5.5.6.3.1",
                  "a second buffer in the queue");
    if (chain->readable % 6 != 0 || chain->readable > sizeof(balloon->statistics)) {
        fake_rule(balloon->device, "balloon-statistics-size", "5.5.6.3.1", "%llu bytes",
                  (unsigned long long)chain->readable);
        return;
    }
    balloon->statistics_size = (uint32_t)chain->readable;
    fake_chain_read(chain, 0, balloon->statistics, balloon->statistics_size);
}

static void balloon_request(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_balloon *balloon = device->behaviour_context;
    unsigned index = chain->queue->index;

    if (index == STATISTICS) {
        take_statistics(balloon, chain);
        return; /* until statistics are wanted */
    }
    if (index == DEFLATE && (device->queues[INFLATE].chains || device->queues[INFLATE].work_due))
        fake_rule(device, "balloon-taken-back-early", "5.5.6.1",
                  "pages are on their way into the balloon");
    if (balloon->silent)
        return;
    if (index <= DEFLATE)
        take_pages(balloon, chain, index == INFLATE ? &balloon->inflated : &balloon->deflated);
    else if (index == balloon->compact) {
        balloon->reported_ranges += chain->count;
        balloon->reported_bytes += chain->writable;
    } else {
        take_hint(balloon, chain);
    }
    fake_chain_complete(chain, balloon->lie);
}

static void balloon_config_written(struct fake_device *device, uint32_t offset, unsigned width)
{
    if ((offset != ACTUAL && offset != POISON_VAL) || width != 4)
        fake_rule(device, "balloon-config-write", "5.5.4, 5.5.6.1", "%u bytes at %u", width,
                  (unsigned)offset);
    if (offset != POISON_VAL)
        return;
    if (!(device->driver_features & VIRTIO_BALLOON_F_PAGE_POISON))
        fake_rule(device, "balloon-poison-without-feature", "5.5.4", "poison_val was written");
    if (device->status & VIRTIO_STATUS_DRIVER_OK)
        fake_rule(device, "balloon-poison-late", "5.5.6.6.1", "poison_val after DRIVER_OK");
}

static const struct fake_behaviour behaviour = {.request = balloon_request,
                                                .config_written = balloon_config_written};
static const uint8_t config_widths[] = {4, 4, 4, 4, 0};

void fake_balloon_begin(struct fake_balloon *balloon, struct fake_device *device, uint64_t features)
{
    memset(balloon, 0, sizeof(*balloon));
    balloon->device = device;
    balloon->compact = 4;
    device->type = VIRTIO_ID_BALLOON;
    device->behaviour = &behaviour;
    device->behaviour_context = balloon;
    device->features |= features;
    device->config_size = 16;
    device->config_widths = config_widths;
    device->queue_count = 5;
    for (unsigned i = 0; i < 5; i++)
        device->queues[i].maximum = 16;
}

void fake_balloon_set_target(struct fake_balloon *balloon, uint32_t target)
{
    uint8_t bytes[4];

    fake_put_number(bytes, 4, false, target);
    fake_device_change_config(balloon->device, 0, bytes, 4);
}
