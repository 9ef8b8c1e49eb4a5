/* SPDX-License-Identifier: MIT */
/*
 * The memory balloon driver (spec 5.5); include/virtio/balloon.h is its manual.
 *
 * Must not: return from a call while the device may still work on pages that the caller named, unless it says
 * so (VIRTIO_E_BUSY).
 */
#include "buffer_queue.h"
#include <virtio/balloon.h>

/* Queue numbers (spec 5.5.2). */
#define INFLATEQ             0u
#define DEFLATEQ             1u
#define STATSQ               2u
#define FREE_PAGE_VQ         3u
#define REPORTING_VQ         4u
#define REPORTING_VQ_COMPACT 3u

/* Page numbers have 32 bits. */
#define ADDRESS_END (UINT64_C(1) << 44)

/* A buffer of statistics has a multiple of 6 bytes (spec 5.5.6.3), and an entry 10: what is missing is filled
 * up with entries of a number that no device knows. */
#define STATISTIC_SIZE    10u
#define STATISTICS_STEP   3u
#define STATISTICS_MOST   12u
#define STATISTIC_UNKNOWN 0xffffu

struct virtio_balloon_config {
    uint32_t num_pages;
    uint32_t actual;
    uint32_t free_page_hint_cmd_id;
    uint32_t poison_val;
};

_Static_assert(sizeof(struct virtio_balloon_config) == 16, "spec 5.5.4");
_Static_assert(STATISTICS_MOST >= VIRTIO_BALLOON_STATISTICS, "room for all of them");

static bool is_live(const struct virtio_balloon *balloon)
{
    return balloon->device.state == VIRTIO_DEVICE_READY;
}

/* ---- Configuration: little-endian, in the legacy interface too (spec 5.5.4) ---- */

static int read_config(const struct virtio_balloon *balloon, uint32_t offset, uint32_t *value)
{
    uint64_t reading = 0;
    int error = virtio_config_read(&balloon->device, offset, 4, &reading);

    *value = virtio_config_little32(&balloon->device, (uint32_t)reading);
    return error;
}

static int write_config(const struct virtio_balloon *balloon, uint32_t offset, uint32_t value)
{
    return virtio_config_write(&balloon->device, offset, 4,
                               virtio_config_little32(&balloon->device, value));
}

static int tell_actual(const struct virtio_balloon *balloon)
{
    return write_config(balloon, offsetof(struct virtio_balloon_config, actual), balloon->actual);
}

/* ---- Start and stop ---- */

static int start_reports(struct virtio_balloon *balloon)
{
    int error = virtio_queue_start(&balloon->reports, &balloon->device, REPORTING_VQ,
                                   VIRTIO_BALLOON_RANGES_MAX);

    if (error == VIRTIO_E_NO_QUEUE &&
        !virtio_has_feature(&balloon->device, VIRTIO_BALLOON_F_FREE_PAGE_HINT))
        error = virtio_queue_start(&balloon->reports, &balloon->device, REPORTING_VQ_COMPACT,
                                   VIRTIO_BALLOON_RANGES_MAX);
    return error;
}

static int start_queues(struct virtio_balloon *balloon)
{
    struct virtio_device *device = &balloon->device;
    const uint32_t batch = VIRTIO_BALLOON_BATCH * (uint32_t)sizeof(uint32_t);
    int error = virtio_buffer_queue_start(&balloon->inflate, device, INFLATEQ, 1, batch);

    if (error == VIRTIO_OK)
        error = virtio_buffer_queue_start(&balloon->deflate, device, DEFLATEQ, 1, batch);
    if (error == VIRTIO_OK && virtio_has_feature(device, VIRTIO_BALLOON_F_STATS_VQ))
        error = virtio_buffer_queue_start(&balloon->stats, device, STATSQ, 1,
                                          STATISTICS_MOST * STATISTIC_SIZE);
    if (error == VIRTIO_OK && virtio_has_feature(device, VIRTIO_BALLOON_F_FREE_PAGE_HINT))
        error = virtio_buffer_queue_start(&balloon->hints, device, FREE_PAGE_VQ, 2, 8);
    if (error == VIRTIO_OK && balloon->hints.depth == 1)
        error = VIRTIO_E_QUEUE_SIZE; /* the end of hints has a buffer of its own */
    if (error == VIRTIO_OK && virtio_has_feature(device, VIRTIO_BALLOON_F_PAGE_REPORTING))
        error = start_reports(balloon);
    return error;
}

static uint8_t *put_statistic(const struct virtio_balloon *balloon, uint8_t *at, uint16_t tag,
                              uint64_t value)
{
    bool legacy = balloon->device.legacy;

    tag = virtio_order16(legacy, tag);
    value = virtio_order64(legacy, value);
    memcpy(at, &tag, sizeof(tag));
    memcpy(at + sizeof(tag), &value, sizeof(value));
    return at + STATISTIC_SIZE;
}

static int submit_statistics_again(struct virtio_balloon *balloon)
{
    return virtio_buffer_queue_submit(&balloon->stats, 0, balloon->statistics_length, 0);
}

/* Fill the one buffer and submit it. */
static int submit_statistics(struct virtio_balloon *balloon, const uint64_t *values)
{
    uint8_t *first = virtio_buffer_at(&balloon->stats, 0);
    uint8_t *at = first;

    for (unsigned tag = 0; tag < VIRTIO_BALLOON_STATISTICS; tag++) {
        if ((balloon->statistics >> tag & 1) != 0)
            at = put_statistic(balloon, at, (uint16_t)tag, values[tag]);
    }
    while ((uint32_t)(at - first) % (STATISTICS_STEP * STATISTIC_SIZE) != 0)
        at = put_statistic(balloon, at, STATISTIC_UNKNOWN, 0);
    balloon->statistics_length = (uint32_t)(at - first);
    return submit_statistics_again(balloon);
}

/* With the statistics submitted, if there are any. */
static int go_live(struct virtio_balloon *balloon)
{
    bool has_stats = virtio_has_feature(&balloon->device, VIRTIO_BALLOON_F_STATS_VQ);
    int error = VIRTIO_OK;

    if (virtio_has_feature(&balloon->device, VIRTIO_BALLOON_F_PAGE_POISON))
        error = write_config(balloon, offsetof(struct virtio_balloon_config, poison_val),
                             balloon->poison_value);
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&balloon->device);
    if (error == VIRTIO_OK)
        error = tell_actual(balloon); /* the balloon of whoever drove the device before is gone */
    if (error == VIRTIO_OK && has_stats)
        error = virtio_kick(&balloon->stats.queue);
    if (error == VIRTIO_OK)
        error = virtio_balloon_get_target(balloon, NULL);
    return error;
}

static int set_up(struct virtio_balloon *balloon, const struct virtio_balloon_options *options)
{
    int error = start_queues(balloon);

    if (error == VIRTIO_OK && virtio_has_feature(&balloon->device, VIRTIO_BALLOON_F_STATS_VQ))
        error = submit_statistics(balloon, options->values);
    return error == VIRTIO_OK ? go_live(balloon) : error;
}

/* Free all that set_up acquired, as far as it came; the device has been reset. */
static int tear_down(struct virtio_balloon *balloon)
{
    struct virtio_device *device = &balloon->device;

    virtio_buffer_queue_end(&balloon->inflate, device);
    virtio_buffer_queue_end(&balloon->deflate, device);
    virtio_buffer_queue_end(&balloon->stats, device);
    virtio_buffer_queue_end(&balloon->hints, device);
    (void)virtio_ring_uninit(&balloon->reports);
    return virtio_device_end(device);
}

int virtio_balloon_start(struct virtio_balloon *balloon, const struct virtio_device *found,
                         const struct virtio_balloon_options *options)
{
    static const struct virtio_balloon_options no_options;
    struct virtio_features wanted = {
        .supported = VIRTIO_BALLOON_F_MUST_TELL_HOST | VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
                     VIRTIO_BALLOON_F_FREE_PAGE_HINT | VIRTIO_BALLOON_F_PAGE_REPORTING,
    };
    int error;

    if (options == NULL)
        options = &no_options;
    if (found->type != VIRTIO_ID_BALLOON || options->statistics >> VIRTIO_BALLOON_STATISTICS != 0)
        return VIRTIO_E_INVALID;
    if (options->statistics != 0)
        wanted.supported |= VIRTIO_BALLOON_F_STATS_VQ;
    if (options->poisons)
        wanted.supported |= VIRTIO_BALLOON_F_PAGE_POISON;
    *balloon = (struct virtio_balloon){
        .device = *found, .statistics = options->statistics, .poison_value = options->poison_value};
    error = virtio_device_begin(&balloon->device, &wanted);
    if (error != VIRTIO_OK)
        return error;
    error = set_up(balloon, options);
    if (error == VIRTIO_OK)
        return VIRTIO_OK;
    if (virtio_device_fail(&balloon->device) != VIRTIO_E_TIMEOUT)
        (void)tear_down(balloon);
    return error;
}

int virtio_balloon_halt(struct virtio_balloon *balloon)
{
    if (virtio_device_stop(&balloon->device) == VIRTIO_E_TIMEOUT)
        return VIRTIO_E_TIMEOUT;
    balloon->actual = 0;
    return VIRTIO_OK;
}

int virtio_balloon_stop(struct virtio_balloon *balloon)
{
    int error = virtio_balloon_halt(balloon);

    return error == VIRTIO_OK ? tear_down(balloon) : error;
}

/* What was in flight is nobody's: the device has been renewed. */
static void renew_queues(struct virtio_balloon *balloon)
{
    struct virtio_done done;

    virtio_buffer_queue_renew(&balloon->inflate);
    virtio_buffer_queue_renew(&balloon->deflate);
    virtio_buffer_queue_renew(&balloon->stats);
    virtio_buffer_queue_renew(&balloon->hints);
    while (virtio_drain(&balloon->reports, &done) > 0)
        continue;
}

int virtio_balloon_recover(struct virtio_balloon *balloon)
{
    int error = virtio_device_renew(&balloon->device);

    if (balloon->device.state != VIRTIO_DEVICE_LOST)
        balloon->actual = 0;
    if (error != VIRTIO_OK)
        return error;
    balloon->command = VIRTIO_BALLOON_CMD_ID_STOP;
    renew_queues(balloon);
    if (virtio_has_feature(&balloon->device, VIRTIO_BALLOON_F_STATS_VQ))
        error = submit_statistics_again(balloon);
    if (error == VIRTIO_OK)
        error = go_live(balloon);
    if (error != VIRTIO_OK)
        (void)virtio_balloon_halt(balloon);
    return error;
}

/* ---- Requests that are waited for ---- */

/* What a flush gave: the device must not keep anything beyond this call. */
static int settle(struct virtio_balloon *balloon, int error)
{
    if (virtio_error_leaves_in_flight(error) && virtio_balloon_halt(balloon) != VIRTIO_OK)
        return VIRTIO_E_BUSY;
    return error;
}

/* Send the first `length` bytes of a buffer queue's one buffer. */
static int send_buffer(struct virtio_balloon *balloon, struct virtio_buffer_queue *queue,
                       uint32_t length)
{
    struct virtio_chain chain;

    virtio_give_shared(&balloon->device, queue->shared.memory, queue->size, VIRTIO_SYNC_FOR_DEVICE);
    virtio_prepare(&queue->queue, &chain);
    (void)virtio_append_desc(&queue->queue, queue->shared.device_address, length, 0, &chain);
    return settle(balloon, virtio_flush(&queue->queue, &chain, NULL));
}

/* ---- Inflating and deflating ---- */

int virtio_balloon_get_target(struct virtio_balloon *balloon, uint32_t *target)
{
    int error = is_live(balloon)
                    ? read_config(balloon, offsetof(struct virtio_balloon_config, num_pages),
                                  &balloon->target)
                    : VIRTIO_E_STATE;

    if (target != NULL)
        *target = balloon->target;
    return error;
}

static int check_pages(const struct virtio_balloon *balloon, const uint64_t *pages, size_t count)
{
    if (!is_live(balloon))
        return VIRTIO_E_STATE;
    if (pages == NULL)
        return VIRTIO_E_INVALID;
    for (size_t at = 0; at < count; at++) {
        if (pages[at] % VIRTIO_BALLOON_PAGE_SIZE != 0)
            return VIRTIO_E_INVALID;
        if (pages[at] >= ADDRESS_END)
            return VIRTIO_E_OUT_OF_RANGE;
    }
    return count != 0 ? VIRTIO_OK : VIRTIO_E_ZERO_LENGTH;
}

/* Send page numbers, a batch at a time. `step` is what one page adds to the balloon. */
static int send_pages(struct virtio_balloon *balloon, struct virtio_buffer_queue *queue,
                      const uint64_t *pages, size_t count, uint32_t step)
{
    while (count != 0) {
        uint32_t batch = count < VIRTIO_BALLOON_BATCH ? (uint32_t)count : VIRTIO_BALLOON_BATCH;
        uint32_t *numbers = queue->shared.memory;
        int error;

        for (uint32_t at = 0; at < batch; at++)
            numbers[at] = virtio_order32(balloon->device.legacy,
                                         (uint32_t)(pages[at] / VIRTIO_BALLOON_PAGE_SIZE));
        error = send_buffer(balloon, queue, batch * (uint32_t)sizeof(*numbers));
        if (error != VIRTIO_OK)
            return error;
        balloon->actual += batch * step;
        pages += batch;
        count -= batch;
    }
    return tell_actual(balloon);
}

int virtio_balloon_inflate(struct virtio_balloon *balloon, const uint64_t *pages, size_t count)
{
    int error = check_pages(balloon, pages, count);

    if (error == VIRTIO_OK && count > UINT32_MAX - balloon->actual)
        error = VIRTIO_E_OUT_OF_RANGE;
    return error == VIRTIO_OK ? send_pages(balloon, &balloon->inflate, pages, count, 1) : error;
}

int virtio_balloon_deflate(struct virtio_balloon *balloon, const uint64_t *pages, size_t count)
{
    int error = check_pages(balloon, pages, count);

    if (error == VIRTIO_OK && count > balloon->actual)
        error = VIRTIO_E_OUT_OF_RANGE;
    if (error == VIRTIO_OK)
        error = virtio_balloon_get_target(balloon, NULL);
    if (error == VIRTIO_OK && balloon->actual - count < balloon->target &&
        !virtio_has_feature(&balloon->device, VIRTIO_BALLOON_F_DEFLATE_ON_OOM))
        error = VIRTIO_E_NOT_SUPPORTED;
    return error == VIRTIO_OK ? send_pages(balloon, &balloon->deflate, pages, count, UINT32_MAX)
                              : error;
}

/* ---- Statistics ---- */

int virtio_balloon_statistics_due(struct virtio_balloon *balloon)
{
    unsigned number;
    uint32_t written;
    int result;

    if (!is_live(balloon))
        return VIRTIO_E_STATE;
    if (!virtio_has_feature(&balloon->device, VIRTIO_BALLOON_F_STATS_VQ))
        return VIRTIO_E_NOT_SUPPORTED;
    result = virtio_buffer_queue_reap(&balloon->stats, &number, &written);
    if (result < 0)
        return result;
    return balloon->stats.in_flight == 0;
}

int virtio_balloon_send_statistics(struct virtio_balloon *balloon, const uint64_t *values)
{
    int result = virtio_balloon_statistics_due(balloon);

    if (result <= 0)
        return result == 0 ? VIRTIO_E_FULL : result;
    if (values == NULL)
        return VIRTIO_E_INVALID;
    result = submit_statistics(balloon, values);
    return result == VIRTIO_OK ? virtio_kick(&balloon->stats.queue) : result;
}

/* ---- Free memory ---- */

static int check_ranges(const struct virtio_balloon *balloon, uint64_t feature,
                        const struct virtio_buffer *ranges, size_t count)
{
    if (!is_live(balloon))
        return VIRTIO_E_STATE;
    if (!virtio_has_feature(&balloon->device, feature))
        return VIRTIO_E_NOT_SUPPORTED;
    if (ranges == NULL)
        return VIRTIO_E_INVALID;
    for (size_t at = 0; at < count; at++) {
        if (ranges[at].length == 0)
            return VIRTIO_E_ZERO_LENGTH;
        if ((ranges[at].device_address | ranges[at].length) % VIRTIO_BALLOON_PAGE_SIZE != 0)
            return VIRTIO_E_INVALID;
    }
    return count != 0 ? VIRTIO_OK : VIRTIO_E_ZERO_LENGTH;
}

/* How many ranges go into one chain: as many as the queue has room for, and 2^32 - 1 bytes in all. */
static size_t count_chain(const struct virtio_queue *queue, const struct virtio_buffer *ranges,
                          size_t count)
{
    uint64_t bytes = 0;
    size_t at = 0;

    while (at < count && at < queue->size && at < VIRTIO_BALLOON_RANGES_MAX &&
           bytes + ranges[at].length <= UINT32_MAX)
        bytes += ranges[at++].length;
    return at;
}

static int send_ranges(struct virtio_balloon *balloon, struct virtio_queue *queue,
                       const struct virtio_buffer *ranges, size_t count)
{
    struct virtio_chain chain;

    virtio_prepare(queue, &chain);
    for (size_t at = 0; at < count; at++)
        (void)virtio_append_desc(queue, ranges[at].device_address, ranges[at].length,
                                 VIRTQ_DESC_F_WRITE, &chain);
    return settle(balloon, virtio_flush(queue, &chain, NULL));
}

int virtio_balloon_report(struct virtio_balloon *balloon, const struct virtio_buffer *ranges,
                          size_t count)
{
    int error = check_ranges(balloon, VIRTIO_BALLOON_F_PAGE_REPORTING, ranges, count);

    while (error == VIRTIO_OK && count != 0) {
        size_t part = count_chain(&balloon->reports, ranges, count);

        error = send_ranges(balloon, &balloon->reports, ranges, part);
        ranges += part;
        count -= part;
    }
    return error;
}

int virtio_balloon_get_hint_command(struct virtio_balloon *balloon, uint32_t *command)
{
    if (!is_live(balloon))
        return VIRTIO_E_STATE;
    if (!virtio_has_feature(&balloon->device, VIRTIO_BALLOON_F_FREE_PAGE_HINT))
        return VIRTIO_E_NOT_SUPPORTED;
    return read_config(balloon, offsetof(struct virtio_balloon_config, free_page_hint_cmd_id),
                       command);
}

/* Tell the device which command what follows belongs to. */
static int say_command(struct virtio_balloon *balloon, uint32_t command)
{
    uint32_t number = virtio_order32(balloon->device.legacy, command);

    memcpy(balloon->hints.shared.memory, &number, sizeof(number));
    balloon->command = command;
    return send_buffer(balloon, &balloon->hints, sizeof(number));
}

int virtio_balloon_hint(struct virtio_balloon *balloon, const struct virtio_buffer *ranges,
                        size_t count)
{
    int error = check_ranges(balloon, VIRTIO_BALLOON_F_FREE_PAGE_HINT, ranges, count);
    uint32_t command = VIRTIO_BALLOON_CMD_ID_STOP;

    for (size_t at = 0; error == VIRTIO_OK && at < count; at++) {
        error = virtio_balloon_get_hint_command(balloon, &command);
        if (error == VIRTIO_OK && command <= VIRTIO_BALLOON_CMD_ID_DONE)
            error = VIRTIO_E_STATE;
        if (error == VIRTIO_OK && command != balloon->command)
            error = say_command(balloon, command);
        if (error == VIRTIO_OK)
            error = send_ranges(balloon, &balloon->hints.queue, &ranges[at], 1);
    }
    return error;
}

/* Nothing depends on when the device takes the end of the hints, so it is not waited for: QEMU may overlook it
 * until the next request, when a migration ends at the same time. It has the second buffer to itself. */
int virtio_balloon_end_hints(struct virtio_balloon *balloon)
{
    struct virtio_buffer_queue *hints = &balloon->hints;
    const uint32_t number = virtio_order32(balloon->device.legacy, VIRTIO_BALLOON_CMD_ID_STOP);
    unsigned reaped;
    uint32_t written;
    uint32_t command;
    int error = virtio_balloon_get_hint_command(balloon, &command);

    if (error == VIRTIO_OK && balloon->command == VIRTIO_BALLOON_CMD_ID_STOP)
        error = VIRTIO_E_STATE;
    while (error == VIRTIO_OK && hints->in_flight != 0) {
        error = virtio_buffer_queue_reap(hints, &reaped, &written);
        if (error == 0)
            return VIRTIO_E_FULL;
        error = error > 0 ? VIRTIO_OK : error;
    }
    if (error != VIRTIO_OK)
        return error;
    balloon->command = VIRTIO_BALLOON_CMD_ID_STOP;
    memcpy(virtio_buffer_at(hints, 1), &number, sizeof(number));
    error = virtio_buffer_queue_submit(hints, 1, sizeof(number), 0);
    return error == VIRTIO_OK ? virtio_kick(&hints->queue) : error;
}
