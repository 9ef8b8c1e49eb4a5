/* SPDX-License-Identifier: MIT */
/*
 * The block device driver (spec 5.2); include/virtio/blk.h is its manual.
 *
 * One slot is one request of the caller, and the queue's cookie for it. A request that is more than one
 * device request can carry is sent part after part through the same slot, so it never needs more than it
 * got at the start, and the caller sees one completion. A blocking call sends its request like any other
 * and waits for its slot; what else is finished meanwhile goes to the ready list, where virtio_blk_reap
 * finds it.
 *
 * Must not: keep anything of the caller's in shared memory, read a status byte before the queue has said
 * that the chain was used, or give back a slot or a buffer that the device may still know.
 */
#include "blk_internal.h"

/* Not a status: what the byte holds until the device writes it. */
#define STATUS_UNWRITTEN 0xffu

/* Buffers of a request beside its data: header and status. */
#define FRAME_BUFFERS 2u

/* One more that some kinds have: a place for what the device answers beside the status. */
#define ANSWER_BUFFERS 1u

/* ---- Start and stop ---- */

/* How many requests there can be, and how much a device request can carry, from what the device and the queue
 * can take. @return the most data segments of a device request, or 0 when not even a sector goes through. */
static uint32_t set_limits(struct virtio_blk *blk)
{
    uint32_t segments = blk->queue.size;
    uint32_t depth = segments / (FRAME_BUFFERS + 1);
    uint32_t bytes = VIRTIO_BLK_PART_MAX;

    blk->depth = (uint16_t)(depth < VIRTIO_BLK_DEPTH_MAX ? depth : VIRTIO_BLK_DEPTH_MAX);
    if (segments <= FRAME_BUFFERS)
        return 0;
    segments -= FRAME_BUFFERS;
    if (segments > blk->seg_max)
        segments = blk->seg_max;
    if (blk->list_max > segments)
        blk->list_max = segments;
    if (blk->size_max >= VIRTIO_BLK_PART_MAX)
        segments = 1;
    else if (blk->size_max <= VIRTIO_BLK_PART_MAX / segments)
        bytes = segments * blk->size_max;
    blk->part_max = bytes & ~(VIRTIO_BLK_SECTOR_SIZE - 1);
    if (segments < blk->list_max)
        segments = blk->list_max;
    return blk->part_max != 0 ? segments : 0;
}

void virtio_blk_forget(struct virtio_blk *blk, struct virtio_blk_slot *slot)
{
    slot->next = blk->free_slots;
    blk->free_slots = slot;
}

static void init_slots(struct virtio_blk *blk)
{
    struct virtio_blk_slot *slot = blk->slots;
    const struct virtio_blk_slot *end = slot + blk->depth;
    struct virtio_blk_unit *unit = blk->shared.memory;
    uint64_t address = blk->shared.device_address;

    for (; slot < end; slot++, unit++, address += sizeof(*unit)) {
        slot->unit = unit;
        slot->unit_address = address;
        virtio_blk_forget(blk, slot);
    }
    blk->ready_tail = &blk->ready_slots;
}

/* Slots, and buffers for one device request, in one piece of private memory; units in shared memory. */
static int allocate(struct virtio_blk *blk)
{
    const struct virtio_device *device = virtio_blk_device(blk);
    const struct virtio_host *host = device->host;
    uint32_t segments = set_limits(blk);
    size_t size;
    int error;

    if (segments == 0)
        return VIRTIO_E_NOT_SUPPORTED;
    error = virtio_allocate_shared(device, blk->depth * sizeof(struct virtio_blk_unit),
                                   sizeof(struct virtio_blk_unit), &blk->shared);
    if (error != VIRTIO_OK)
        return error;
    size = blk->depth * sizeof(*blk->slots);
    blk->private_size = size + (FRAME_BUFFERS + ANSWER_BUFFERS + segments) * sizeof(*blk->buffers);
    blk->slots = host->allocate(host->ctx, blk->private_size);
    if (blk->slots == NULL)
        return VIRTIO_E_NO_MEMORY;
    blk->buffers = (struct virtio_buffer *)(void *)(blk->slots + blk->depth);
    init_slots(blk);
    return VIRTIO_OK;
}

int virtio_blk_open_queue(struct virtio_blk *blk, struct virtio_device *device, uint16_t index)
{
    int error = virtio_queue_start(&blk->queue, device, index, VIRTIO_BLK_QUEUE_SIZE);

    return error == VIRTIO_OK ? allocate(blk) : error;
}

/* Undo it, as far as it came; the device has been reset. */
static void close_queue(struct virtio_blk *blk)
{
    const struct virtio_device *device = virtio_blk_device(blk);
    struct virtio_blk_done done;

    if (device == NULL)
        return;
    while (virtio_blk_drain(blk, &done) > 0)
        continue;
    virtio_free_shared(device, &blk->shared);
    if (blk->slots != NULL)
        device->host->free(device->host->ctx, blk->slots, blk->private_size);
    (void)virtio_ring_uninit(&blk->queue);
    if (blk->kept != NULL)
        device->host->free(device->host->ctx, blk->kept, blk->kept_size);
}

static int set_up(struct virtio_blk *blk, const struct virtio_blk_plan *plan)
{
    int error = virtio_blk_read_config(blk);

    if (error == VIRTIO_OK)
        error = virtio_blk_open_queue(blk, &blk->device, 0);
    if (error == VIRTIO_OK && plan->open_more != NULL)
        error = plan->open_more(blk, &plan->options);
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&blk->device);
    return error;
}

/* Free all that set_up acquired; the device has been reset. */
static int tear_down(struct virtio_blk *blk)
{
    for (unsigned i = 1; i < blk->queue_count; i++)
        close_queue(&blk->queues[i - 1]);
    close_queue(blk);
    return virtio_device_end(&blk->device);
}

int virtio_blk_start_as(struct virtio_blk *blk, const struct virtio_device *found,
                        const struct virtio_blk_plan *plan)
{
    int error;

    if (found->type != VIRTIO_ID_BLOCK)
        return VIRTIO_E_INVALID;
    blk->device = *found; /* which may be blk->device */
    memset(blk, 0, offsetof(struct virtio_blk, device));
    blk->queue_count = 1;
    blk->queues = plan->options.queues;
    blk->list_max = plan->options.list_max;
    error = virtio_device_offer(&blk->device);
    if (error != VIRTIO_OK)
        return error;
    error = virtio_blk_check_model(&blk->device, &plan->wanted);
    if (error == VIRTIO_OK) {
        error = virtio_device_accept(&blk->device, &plan->wanted);
        if (error != VIRTIO_OK)
            return error;
        error = set_up(blk, plan);
    }
    if (error == VIRTIO_OK)
        return VIRTIO_OK;
    if (virtio_device_fail(&blk->device) != VIRTIO_E_TIMEOUT)
        (void)tear_down(blk);
    return error;
}

int virtio_blk_start(struct virtio_blk *blk, const struct virtio_device *found)
{
    static const struct virtio_blk_plan plan = {.wanted.supported = VIRTIO_BLK_SUPPORTED};

    return virtio_blk_start_as(blk, found, &plan);
}

int virtio_blk_halt(struct virtio_blk *blk)
{
    struct virtio_device *device = virtio_blk_device(blk);

    return device != NULL && virtio_device_stop(device) == VIRTIO_E_TIMEOUT ? VIRTIO_E_TIMEOUT
                                                                            : VIRTIO_OK;
}

int virtio_blk_stop(struct virtio_blk *blk)
{
    int error = blk->queue.index == 0 ? virtio_blk_halt(blk) : VIRTIO_E_INVALID;

    return error == VIRTIO_OK ? tear_down(blk) : error;
}

/* ---- Beginning and ending a request ---- */

static struct virtio_blk_slot *take_slot(struct virtio_blk *blk, uint32_t type)
{
    struct virtio_blk_slot *slot = blk->free_slots;

    if (slot != NULL) {
        blk->free_slots = slot->next;
        slot->type = type;
        slot->sector = 0;
        slot->left = 0;
        slot->mapping.size = 0;
        slot->unmap = NULL;
        slot->is_waited = false;
        slot->device_reads = (type & VIRTIO_BLK_T_OUT) != 0;
    }
    return slot;
}

/* The device has let go of the request, which ends with `error` unless unmapping its buffer adds one. */
static void finish(struct virtio_blk *blk, struct virtio_blk_slot *slot, int error)
{
    int unmapped = VIRTIO_OK;

    slot->error = error;
    if (slot->unmap != NULL)
        unmapped = slot->unmap(blk, slot);
    else if (slot->mapping.size != 0)
        unmapped = virtio_unmap_buffer(virtio_blk_device(blk), &slot->mapping);
    /* What a blocking call gave up on comes back once more, at a drain. */
    slot->unmap = NULL;
    slot->mapping.size = 0;
    if (error == VIRTIO_OK && !slot->device_reads)
        slot->error = unmapped;
}

static int check_data(const struct virtio_blk *blk, uint64_t sector, const void *buffer,
                      size_t bytes)
{
    uint64_t end;

    if (!virtio_blk_is_live(blk))
        return VIRTIO_E_STATE;
    if (bytes == 0)
        return VIRTIO_E_ZERO_LENGTH;
    if (buffer == NULL || (bytes & (VIRTIO_BLK_SECTOR_SIZE - 1)) != 0)
        return VIRTIO_E_INVALID;
    if (__builtin_add_overflow(sector, bytes / VIRTIO_BLK_SECTOR_SIZE, &end) || end > blk->capacity)
        return VIRTIO_E_OUT_OF_RANGE;
    return VIRTIO_OK;
}

int virtio_blk_begin_data(struct virtio_blk *blk, uint32_t type, uint64_t sector,
                          const void *buffer, size_t bytes, struct virtio_blk_slot **begun)
{
    int error = check_data(blk, sector, buffer, bytes);
    struct virtio_blk_slot *slot;

    if (error != VIRTIO_OK)
        return error;
    if ((type & VIRTIO_BLK_T_OUT) != 0 && blk->read_only)
        return VIRTIO_E_READ_ONLY;
    slot = take_slot(blk, type);
    if (slot == NULL)
        return VIRTIO_E_FULL;
    slot->sector = sector;
    slot->left = bytes;
    *begun = slot;
    return VIRTIO_OK;
}

int virtio_blk_begin_buffer(struct virtio_blk *blk, uint32_t type, uint64_t sector, void *buffer,
                            size_t bytes, struct virtio_blk_slot **begun)
{
    int error = virtio_blk_begin_data(blk, type, sector, buffer, bytes, begun);
    struct virtio_blk_slot *slot;

    if (error != VIRTIO_OK)
        return error;
    slot = *begun;
    error = virtio_map_all_bytes_in_shared_buffer(
        virtio_blk_device(blk), buffer, bytes,
        slot->device_reads ? VIRTIO_DEVICE_READS : VIRTIO_DEVICE_WRITES, &slot->mapping);
    slot->address = slot->mapping.device_address;
    if (error != VIRTIO_OK)
        virtio_blk_forget(blk, slot);
    return error;
}

/* Check a request without data of the caller's and find it a slot. */
int virtio_blk_begin(struct virtio_blk *blk, uint32_t type, struct virtio_blk_slot **begun)
{
    if (!virtio_blk_is_live(blk))
        return VIRTIO_E_STATE;
    *begun = take_slot(blk, type);
    return *begun != NULL ? VIRTIO_OK : VIRTIO_E_FULL;
}

/* ---- Parts ---- */

unsigned virtio_blk_put_data(const struct virtio_blk *blk, uint64_t address, size_t left,
                             struct virtio_buffer *buffer)
{
    unsigned count = 0;

    while (left != 0) {
        const uint32_t length = left < blk->size_max ? (uint32_t)left : blk->size_max;

        *buffer++ = (struct virtio_buffer){address, length};
        address += length;
        left -= length;
        count++;
    }
    return count;
}

int virtio_blk_frame(struct virtio_blk *blk, struct virtio_blk_slot *slot, unsigned readable,
                     unsigned writable)
{
    struct virtio_buffer *buffers = blk->buffers;
    struct virtio_blk_unit *unit = slot->unit;
    const struct virtio_device *device = virtio_blk_device(blk);
    bool legacy = device->legacy;

    unit->header.type = virtio_order32(legacy, slot->type);
    unit->header.sector = virtio_order64(legacy, slot->sector);
    unit->status = STATUS_UNWRITTEN;
    virtio_give_shared(device, unit, sizeof(*unit), VIRTIO_SYNC_FOR_DEVICE);

    buffers[0] = (struct virtio_buffer){slot->unit_address, sizeof(unit->header)};
    buffers[1 + readable + writable] = (struct virtio_buffer){
        slot->unit_address + offsetof(struct virtio_blk_unit, status), sizeof(unit->status)};
    if (blk->submit != NULL)
        return blk->submit(blk, slot, readable + 1, writable + 1);
    return virtio_submit_buffers(&blk->queue, buffers, (uint16_t)(readable + 1),
                                 (uint16_t)(writable + 1), slot);
}

/* Hand the next part to the queue. */
static int send_part(struct virtio_blk *blk, struct virtio_blk_slot *slot)
{
    unsigned count;

    slot->part = slot->left < blk->part_max ? (uint32_t)slot->left : blk->part_max;
    slot->left -= slot->part;
    count = virtio_blk_put_data(blk, slot->address, slot->part, blk->buffers + 1);
    return slot->device_reads ? virtio_blk_frame(blk, slot, count, 0)
                              : virtio_blk_frame(blk, slot, 0, count);
}

/*
 * The part was used: judge it, and move on to the next. A successful read must have written all of its
 * data. The status byte itself is not asked of `written`, because devices exist that do not count it; that
 * it was written shows in its value. Legacy devices may put anything there (spec 5.2.6.3), so it is
 * ignored.
 */
static int judge_part(struct virtio_blk *blk, struct virtio_blk_slot *slot, uint32_t written)
{
    const struct virtio_device *device = virtio_blk_device(blk);
    uint32_t status;

    virtio_give_shared(device, slot->unit, sizeof(*slot->unit), VIRTIO_SYNC_FOR_CPU);
    status = slot->unit->status;
    switch (status) {
    case VIRTIO_BLK_S_OK:
        break;
    case VIRTIO_BLK_S_IOERR:
        return VIRTIO_E_IO;
    case VIRTIO_BLK_S_UNSUPP:
        return VIRTIO_E_UNSUPPORTED_REQUEST;
    default:
        /* The errors of zones are in the order of their status values. */
        return status <= VIRTIO_BLK_S_ZONE_ACTIVE_RESOURCE &&
                       virtio_blk_has(device, VIRTIO_BLK_F_ZONED)
                   ? VIRTIO_E_ZONE_INVALID_COMMAND - (int)(status - VIRTIO_BLK_S_ZONE_INVALID_CMD)
                   : VIRTIO_E_RESPONSE;
    }
    if (slot->type == VIRTIO_BLK_T_IN && written < slot->part && !device->legacy)
        return VIRTIO_E_RESPONSE;
    slot->address += slot->part;
    slot->sector += slot->part / VIRTIO_BLK_SECTOR_SIZE;
    return VIRTIO_OK;
}

/* A part was used: @return its slot when that finished the request, NULL when the next part is on its way.
 * An error of the kick is latched and comes with the next look at the queue. */
static struct virtio_blk_slot *complete(struct virtio_blk *blk, const struct virtio_done *used)
{
    struct virtio_blk_slot *slot = used->cookie;
    int error = judge_part(blk, slot, used->written);

    if (error == VIRTIO_OK && slot->left != 0) {
        error = send_part(blk, slot);
        if (error == VIRTIO_OK) {
            (void)virtio_kick(&blk->queue);
            return NULL;
        }
    }
    finish(blk, slot, error);
    return slot;
}

/* ---- Blocking calls ---- */

/* Keep a finished request for the next virtio_blk_reap. */
static void keep(struct virtio_blk *blk, struct virtio_blk_slot *slot)
{
    slot->next = NULL;
    *blk->ready_tail = slot;
    blk->ready_tail = &slot->next;
}

/* The request was not sent, or the device failed with it in flight, and it must not stay the device's beyond
 * this call. In flight the slot is still the queue's: it comes back by virtio_blk_drain, which keeps it for
 * itself. A failure that was known before the request halts the disk, too: who is told of it need not ask. */
static int give_up(struct virtio_blk *blk, struct virtio_blk_slot *slot, int error)
{
    if (virtio_error_leaves_in_flight(error) && virtio_blk_halt(blk) != VIRTIO_OK &&
        slot->is_waited)
        return VIRTIO_E_BUSY;
    finish(blk, slot, error);
    if (!slot->is_waited)
        virtio_blk_forget(blk, slot);
    return error;
}

int virtio_blk_run_sent(struct virtio_blk *blk, struct virtio_blk_slot *slot, int result)
{
    struct virtio_done used;

    if (result == VIRTIO_OK) {
        slot->is_waited = true;
        result = virtio_kick(&blk->queue);
    }
    while (result >= 0) {
        result = virtio_wait(&blk->queue, &used, virtio_blk_device(blk)->timeout_us);
        if (result > 0) {
            struct virtio_blk_slot *finished = complete(blk, &used);

            if (finished == slot) {
                virtio_blk_forget(blk, slot);
                return slot->error;
            }
            if (finished != NULL)
                keep(blk, finished);
        }
    }
    return give_up(blk, slot, result);
}

int virtio_blk_run(struct virtio_blk *blk, struct virtio_blk_slot *slot)
{
    return virtio_blk_run_sent(blk, slot, send_part(blk, slot));
}

static int run_data(struct virtio_blk *blk, uint32_t type, uint64_t sector, void *buffer,
                    size_t bytes)
{
    struct virtio_blk_slot *slot;
    int error = virtio_blk_begin_buffer(blk, type, sector, buffer, bytes, &slot);

    return error == VIRTIO_OK ? virtio_blk_run(blk, slot) : error;
}

int virtio_blk_read(struct virtio_blk *blk, uint64_t sector, void *buffer, size_t bytes)
{
    return run_data(blk, VIRTIO_BLK_T_IN, sector, buffer, bytes);
}

int virtio_blk_write(struct virtio_blk *blk, uint64_t sector, const void *buffer, size_t bytes)
{
    return run_data(blk, VIRTIO_BLK_T_OUT, sector, (void *)(uintptr_t)buffer, bytes);
}

int virtio_blk_flush(struct virtio_blk *blk)
{
    struct virtio_blk_slot *slot;
    int error;

    if (virtio_blk_is_live(blk) && !blk->writeback)
        return VIRTIO_OK;
    error = virtio_blk_begin(blk, VIRTIO_BLK_T_FLUSH, &slot);
    return error == VIRTIO_OK ? virtio_blk_run(blk, slot) : error;
}

/* ---- Asynchronous calls ---- */

int virtio_blk_keep_sent(struct virtio_blk *blk, struct virtio_blk_slot *slot, int result,
                         void *cookie)
{
    slot->cookie = cookie;
    if (result == VIRTIO_OK) {
        blk->in_flight++;
        return VIRTIO_OK;
    }
    finish(blk, slot, result);
    virtio_blk_forget(blk, slot);
    return result;
}

int virtio_blk_send(struct virtio_blk *blk, struct virtio_blk_slot *slot, void *cookie)
{
    return virtio_blk_keep_sent(blk, slot, send_part(blk, slot), cookie);
}

static int send_data(struct virtio_blk *blk, uint32_t type, uint64_t sector, void *buffer,
                     size_t bytes, void *cookie)
{
    struct virtio_blk_slot *slot;
    int error = virtio_blk_begin_buffer(blk, type, sector, buffer, bytes, &slot);

    return error == VIRTIO_OK ? virtio_blk_send(blk, slot, cookie) : error;
}

int virtio_blk_submit_read(struct virtio_blk *blk, uint64_t sector, void *buffer, size_t bytes,
                           void *cookie)
{
    return send_data(blk, VIRTIO_BLK_T_IN, sector, buffer, bytes, cookie);
}

int virtio_blk_submit_write(struct virtio_blk *blk, uint64_t sector, const void *buffer,
                            size_t bytes, void *cookie)
{
    return send_data(blk, VIRTIO_BLK_T_OUT, sector, (void *)(uintptr_t)buffer, bytes, cookie);
}

int virtio_blk_submit_flush(struct virtio_blk *blk, void *cookie)
{
    struct virtio_blk_slot *slot;
    int error = virtio_blk_begin(blk, VIRTIO_BLK_T_FLUSH, &slot);

    if (error != VIRTIO_OK)
        return error;
    if (blk->writeback)
        return virtio_blk_send(blk, slot, cookie);
    slot->cookie = cookie;
    slot->error = VIRTIO_OK;
    keep(blk, slot);
    blk->in_flight++;
    return VIRTIO_OK;
}

int virtio_blk_kick(struct virtio_blk *blk)
{
    return virtio_blk_is_live(blk) ? virtio_kick(&blk->queue) : VIRTIO_E_STATE;
}

/* Hand a finished request back to the caller. */
static int hand_back(struct virtio_blk *blk, struct virtio_blk_slot *slot,
                     struct virtio_blk_done *done)
{
    blk->in_flight--;
    done->cookie = slot->cookie;
    done->error = slot->error;
    virtio_blk_forget(blk, slot);
    return 1;
}

/* Hand back the oldest request that was kept, if there is one. */
static int hand_back_kept(struct virtio_blk *blk, struct virtio_blk_done *done)
{
    struct virtio_blk_slot *slot = blk->ready_slots;

    if (slot == NULL)
        return 0;
    blk->ready_slots = slot->next;
    if (slot->next == NULL)
        blk->ready_tail = &blk->ready_slots;
    return hand_back(blk, slot, done);
}

/* Take the next request that finishes; with a timeout of 0, without waiting for it. */
static int take(struct virtio_blk *blk, struct virtio_blk_done *done, uint32_t timeout_us)
{
    struct virtio_done used;
    int result = hand_back_kept(blk, done);

    while (result == 0) {
        struct virtio_blk_slot *finished;

        result = timeout_us != 0 ? virtio_wait(&blk->queue, &used, timeout_us)
                                 : virtio_reap(&blk->queue, &used);
        if (result <= 0)
            break;
        finished = complete(blk, &used);
        result = finished != NULL ? hand_back(blk, finished, done) : 0;
    }
    return result;
}

int virtio_blk_reap(struct virtio_blk *blk, struct virtio_blk_done *done)
{
    return virtio_blk_is_live(blk) ? take(blk, done, 0) : VIRTIO_E_STATE;
}

int virtio_blk_wait(struct virtio_blk *blk, struct virtio_blk_done *done, uint32_t timeout_us)
{
    int error = timeout_us != 0 ? virtio_blk_kick(blk) : VIRTIO_E_INVALID;

    return error == VIRTIO_OK ? take(blk, done, timeout_us) : error;
}

/*
 * A chain came back after the reset. With nothing written, not even a status, the reset took it. A
 * request with parts left to send was taken as well.
 */
static void finish_drained(struct virtio_blk *blk, struct virtio_blk_slot *slot, uint32_t written)
{
    int error = written != 0 ? judge_part(blk, slot, written) : VIRTIO_E_RESET;

    finish(blk, slot, error == VIRTIO_OK && slot->left != 0 ? VIRTIO_E_RESET : error);
}

/* Keep all that a reset took back; what a blocking call gave up on is nobody's. */
static void keep_drained(struct virtio_blk *blk)
{
    struct virtio_done used;

    while (virtio_drain(&blk->queue, &used) > 0) {
        struct virtio_blk_slot *slot = used.cookie;

        finish_drained(blk, slot, used.written);
        if (slot->is_waited)
            virtio_blk_forget(blk, slot);
        else
            keep(blk, slot);
    }
}

int virtio_blk_drain(struct virtio_blk *blk, struct virtio_blk_done *done)
{
    if (virtio_blk_device(blk) == NULL)
        return 0;
    if (virtio_blk_device(blk)->state != VIRTIO_DEVICE_STOPPED)
        return VIRTIO_E_BUSY;
    keep_drained(blk);
    return hand_back_kept(blk, done);
}

int virtio_blk_recover(struct virtio_blk *blk)
{
    int error = virtio_device_renew(&blk->device);

    if (error != VIRTIO_OK)
        return error;
    for (unsigned i = 1; i < blk->queue_count; i++)
        keep_drained(&blk->queues[i - 1]);
    keep_drained(blk);
    error = virtio_blk_read_config_again(blk);
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&blk->device);
    if (error != VIRTIO_OK)
        (void)virtio_blk_halt(blk);
    return error;
}
