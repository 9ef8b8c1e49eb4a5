/* SPDX-License-Identifier: MIT */
/*
 * The 9P driver's requests on their way: slots, sending, judging answers, waiting. What the requests say is in
 * 9p_files.c and 9p_folders.c.
 *
 * One slot is one request of the caller, and the queue's cookie for it. A read or write that is more than one
 * message can carry is sent part after part through the same slot, so it never needs more than it got at
 * the start, and the caller sees one completion. File contents are descriptors of their own beside the
 * message; the device puts the head of its answer into the slot and what follows into the caller's buffer.
 *
 * Must not: believe a size, count, tag or type of an answer before it was checked, read an answer twice, or
 * give back a slot or a buffer that the device may still know.
 */
#include "9p_internal.h"

/* Tags of one slot follow one another in this distance, so that a tag is not used again while the cancelling of
 * its former request may still be on its way. The last generation would make VIRTIO_9P_NOTAG. */
#define TAG_STEP    VIRTIO_9P_DEPTH_MAX
#define GENERATIONS (0x10000u / TAG_STEP - 1u)

/* Above this no system has error numbers. */
#define ERROR_NUMBER_MAX 4095u

static bool moves_data(const struct virtio_9p_slot *slot)
{
    return slot->type == VIRTIO_9P_TREAD || slot->type == VIRTIO_9P_TWRITE ||
           slot->type == VIRTIO_9P_TREADDIR;
}

/* ---- Slots ---- */

/* Tversion's slot stands behind the others: it is there even when each of those waits to be handed back. */
void virtio_9p_give_back_slot(struct virtio_9p *share, struct virtio_9p_slot *slot)
{
    slot->is_sent = false;
    if (slot == &share->slots[share->depth])
        return;
    slot->next = share->free_slots;
    share->free_slots = slot;
}

void virtio_9p_clear_slot(struct virtio_9p_slot *slot, uint8_t type, uint16_t tag)
{
    slot->type = type;
    slot->tag = tag;
    slot->owner = VIRTIO_9P_CALLER;
    slot->is_cancelled = false;
    slot->mapping.size = 0;
    slot->left = 0;
    slot->bytes = 0;
    slot->part = 0;
    slot->error_number = 0;
}

struct virtio_9p_slot *virtio_9p_take_slot(struct virtio_9p *share, uint8_t type)
{
    struct virtio_9p_slot *slot = share->free_slots;
    uint32_t tag;

    if (slot == NULL)
        return NULL;
    share->free_slots = slot->next;
    slot->generation = (uint16_t)((slot->generation + 1) % GENERATIONS);
    tag = (uint32_t)(slot - share->slots) + slot->generation * TAG_STEP;
    virtio_9p_clear_slot(slot, type, (uint16_t)tag);
    return slot;
}

void virtio_9p_init_slots(struct virtio_9p *share)
{
    struct virtio_9p_unit *unit = share->shared.memory;
    uint64_t address = share->shared.device_address;

    memset(share->slots, 0, virtio_9p_slot_count(share) * sizeof(*share->slots));
    for (size_t at = 0; at < virtio_9p_slot_count(share); at++) {
        share->slots[at].unit = &unit[at];
        share->slots[at].unit_address = address + at * sizeof(*unit);
        virtio_9p_give_back_slot(share, &share->slots[at]);
    }
    share->ready_tail = &share->ready_slots;
}

/* ---- Sending ---- */

/* The part of a read, write or listing that goes out next. */
static void write_part(struct virtio_9p_slot *slot)
{
    struct virtio_9p_writer writer = virtio_9p_begin(slot);

    slot->part = slot->left < slot->part_max ? (uint32_t)slot->left : slot->part_max;
    virtio_9p_put(&writer, 4, slot->fid);
    virtio_9p_put(&writer, 8, slot->offset);
    virtio_9p_put(&writer, 4, slot->part);
    virtio_9p_end(slot, &writer);
}

/* Size, type and tag; and an answer that tells when nothing was written over it. */
static void write_head(struct virtio_9p_slot *slot)
{
    struct virtio_9p_writer writer = {slot->unit->request};
    bool with_data = slot->type == VIRTIO_9P_TWRITE;

    virtio_9p_put(&writer, 4, slot->request_size + (with_data ? slot->part : 0));
    virtio_9p_put(&writer, 1, slot->type);
    virtio_9p_put(&writer, 2, slot->tag);
    memset(slot->unit->reply, 0, VIRTIO_9P_REPLY_HEAD);
}

/* Hand a slot's message to the queue. */
static int send_message(struct virtio_9p *share, struct virtio_9p_slot *slot)
{
    struct virtio_buffer buffers[VIRTIO_9P_BUFFERS_MAX];
    struct virtio_buffer *buffer = buffers;
    const bool has_data = moves_data(slot);
    const bool writes = slot->type == VIRTIO_9P_TWRITE;
    const uint32_t reply = has_data ? VIRTIO_9P_REPLY_HEAD : VIRTIO_9P_REPLY_BYTES;
    int error;

    if (has_data)
        write_part(slot);
    write_head(slot);
    virtio_give_shared(&share->device, slot->unit, sizeof(*slot->unit), VIRTIO_SYNC_FOR_DEVICE);
    *buffer++ = (struct virtio_buffer){slot->unit_address, slot->request_size};
    if (writes)
        *buffer++ = (struct virtio_buffer){slot->address, slot->part};
    *buffer++ =
        (struct virtio_buffer){slot->unit_address + offsetof(struct virtio_9p_unit, reply), reply};
    if (has_data && !writes)
        *buffer++ = (struct virtio_buffer){slot->address, slot->part};
    slot->writable = reply + (has_data && !writes ? slot->part : 0);
    error = virtio_submit_buffers(&share->queue, buffers, writes ? 2 : 1,
                                  (uint16_t)(buffer - buffers - (writes ? 2 : 1)), slot);
    slot->is_sent = slot->is_sent || error == VIRTIO_OK;
    return error;
}

/* ---- Answers ---- */

static int interrupted(struct virtio_9p_slot *slot)
{
    slot->error_number = VIRTIO_9P_EINTR;
    return VIRTIO_E_ERRNO;
}

static int judge_refusal(struct virtio_9p_slot *slot, uint32_t size)
{
    struct virtio_9p_reader reader = {.at = slot->reply + VIRTIO_9P_HEAD, .left = 4};
    uint32_t number = (uint32_t)virtio_9p_get(&reader, 4);

    if (size != VIRTIO_9P_HEAD + 4 || number == 0 || number > ERROR_NUMBER_MAX)
        return VIRTIO_E_RESPONSE;
    slot->error_number = number;
    return VIRTIO_E_ERRNO;
}

/* What an answer says of the data that went with it, and on to the next part. */
static int judge_data(struct virtio_9p_slot *slot)
{
    struct virtio_9p_reader reader = {.at = slot->reply + VIRTIO_9P_HEAD, .left = 4};
    const bool writes = slot->type == VIRTIO_9P_TWRITE;
    uint32_t count = (uint32_t)virtio_9p_get(&reader, 4);

    if (count > slot->part || slot->reply_size != VIRTIO_9P_REPLY_HEAD + (writes ? 0 : count))
        return VIRTIO_E_RESPONSE;
    if (count == 0 && writes)
        return VIRTIO_E_RESPONSE;
    slot->bytes += count;
    slot->address += count;
    slot->offset += count;
    slot->left -= count;
    if (count == 0 || slot->type == VIRTIO_9P_TREADDIR)
        slot->left = 0;
    return VIRTIO_OK;
}

/*
 * Judge the answer in a chain of which `written` bytes were written. Its size must be what the device says it
 * wrote, or less; a legacy device's word for that is worth nothing, so there it must only fit, and that
 * anything was written at all shows in the head, which was 0. A request that was cancelled may come back
 * without an answer.
 */
static int judge(const struct virtio_9p *share, struct virtio_9p_slot *slot, uint32_t written)
{
    struct virtio_9p_reader reader = {.at = slot->reply, .left = VIRTIO_9P_HEAD};
    uint32_t limit = share->device.legacy ? slot->writable : written;
    uint32_t size;
    uint8_t type;
    uint16_t tag;

    virtio_give_shared(&share->device, slot->unit, sizeof(*slot->unit), VIRTIO_SYNC_FOR_CPU);
    memcpy(slot->reply, slot->unit->reply, VIRTIO_9P_REPLY_BYTES);
    size = (uint32_t)virtio_9p_get(&reader, 4);
    type = (uint8_t)virtio_9p_get(&reader, 1);
    tag = (uint16_t)virtio_9p_get(&reader, 2);
    if (slot->is_cancelled && size == 0)
        return interrupted(slot);
    if (size < VIRTIO_9P_HEAD || size > limit || tag != slot->tag)
        return VIRTIO_E_RESPONSE;
    if (type == VIRTIO_9P_TLERROR + 1)
        return judge_refusal(slot, size);
    if (type != slot->type + 1 || (type == VIRTIO_9P_TFSYNC + 1 && size != VIRTIO_9P_HEAD))
        return VIRTIO_E_RESPONSE;
    slot->reply_size = size;
    return moves_data(slot) ? judge_data(slot) : VIRTIO_OK;
}

/* The device has let go of the request, which ends with `error` unless unmapping its buffer adds one. */
static void finish(struct virtio_9p *share, struct virtio_9p_slot *slot, int error)
{
    if (slot->mapping.size != 0) {
        int unmapped = virtio_unmap_buffer(&share->device, &slot->mapping);

        slot->mapping.size = 0;
        if (unmapped != VIRTIO_OK && slot->type != VIRTIO_9P_TWRITE) {
            slot->bytes = 0;
            error = error == VIRTIO_OK ? unmapped : error;
        }
    }
    slot->error = error;
}

/* A chain was used, and the next part goes out unless the request was cancelled: @return its slot when that finished a request that somebody asks for, NULL otherwise, or
 * when the next part is on its way. An error of the kick is latched and comes with the next look at the
 * queue. */
static struct virtio_9p_slot *complete(struct virtio_9p *share, const struct virtio_done *used)
{
    struct virtio_9p_slot *slot = used->cookie;
    int error = judge(share, slot, used->written);

    if (error == VIRTIO_OK && slot->left != 0 && slot->is_cancelled)
        error = interrupted(slot);
    if (error == VIRTIO_OK && slot->left != 0) {
        error = send_message(share, slot);
        if (error == VIRTIO_OK) {
            (void)virtio_kick(&share->queue);
            return NULL;
        }
    }
    finish(share, slot, error);
    if (slot->owner != VIRTIO_9P_NOBODY)
        return slot;
    virtio_9p_give_back_slot(share, slot);
    return NULL;
}

/* ---- Blocking ---- */

/* Keep a finished request for the next virtio_9p_reap. */
void virtio_9p_keep(struct virtio_9p *share, struct virtio_9p_slot *slot)
{
    slot->is_sent = false;
    slot->next = NULL;
    *share->ready_tail = slot;
    share->ready_tail = &slot->next;
}

/* The request was not sent, or the device failed with it in flight, and it must not stay the device's beyond
 * this call. In flight the slot is still the queue's: it comes back by virtio_9p_drain, which keeps it for
 * itself. A failure that was known before the request halts the share, too: who is told of it need not ask. */
static int give_up(struct virtio_9p *share, struct virtio_9p_slot *slot, int error)
{
    const bool in_flight = slot->owner == VIRTIO_9P_WAITER;

    if (virtio_error_leaves_in_flight(error) && virtio_9p_halt(share) != VIRTIO_OK && in_flight) {
        slot->bytes = 0;
        return VIRTIO_E_BUSY;
    }
    finish(share, slot, error);
    if (!in_flight)
        virtio_9p_give_back_slot(share, slot);
    return error;
}

/* The request that a blocking call waited for is done. */
static int end_wait(struct virtio_9p *share, struct virtio_9p_slot *slot)
{
    virtio_9p_give_back_slot(share, slot);
    if (slot->error == VIRTIO_E_ERRNO)
        share->error_number = slot->error_number;
    return slot->error;
}

int virtio_9p_run(struct virtio_9p *share, struct virtio_9p_slot *slot)
{
    struct virtio_done used;
    int result = send_message(share, slot);

    if (result == VIRTIO_OK) {
        slot->owner = VIRTIO_9P_WAITER;
        result = virtio_kick(&share->queue);
    }
    while (result >= 0) {
        result = virtio_wait(&share->queue, &used, share->device.timeout_us);
        if (result > 0) {
            struct virtio_9p_slot *finished = complete(share, &used);

            if (finished == NULL)
                continue;
            if (finished == slot)
                return end_wait(share, slot);
            virtio_9p_keep(share, finished);
        }
    }
    return give_up(share, slot, result);
}

/* ---- Asynchronous calls ---- */

static int send(struct virtio_9p *share, struct virtio_9p_slot *slot, void *cookie)
{
    int error = send_message(share, slot);

    slot->cookie = cookie;
    if (error == VIRTIO_OK) {
        share->in_flight++;
        return VIRTIO_OK;
    }
    finish(share, slot, error);
    virtio_9p_give_back_slot(share, slot);
    return error;
}

int virtio_9p_submit_read(struct virtio_9p *share, const struct virtio_9p_fid *fid, uint64_t offset,
                          void *buffer, size_t bytes, void *cookie)
{
    struct virtio_9p_slot *slot;
    int error = virtio_9p_begin_data(share, VIRTIO_9P_TREAD, fid, offset, buffer, bytes, &slot);

    return error == VIRTIO_OK ? send(share, slot, cookie) : error;
}

int virtio_9p_submit_write(struct virtio_9p *share, const struct virtio_9p_fid *fid,
                           uint64_t offset, const void *buffer, size_t bytes, void *cookie)
{
    struct virtio_9p_slot *slot;
    int error = virtio_9p_begin_data(share, VIRTIO_9P_TWRITE, fid, offset,
                                     (void *)(uintptr_t)buffer, bytes, &slot);

    return error == VIRTIO_OK ? send(share, slot, cookie) : error;
}

int virtio_9p_submit_fsync(struct virtio_9p *share, const struct virtio_9p_fid *fid, void *cookie)
{
    struct virtio_9p_slot *slot;
    int error = virtio_9p_begin_fsync(share, fid, &slot);

    return error == VIRTIO_OK ? send(share, slot, cookie) : error;
}

/* The request in flight that has this cookie and was not cancelled yet. */
static struct virtio_9p_slot *find_in_flight(struct virtio_9p *share, const void *cookie)
{
    for (uint16_t at = 0; at < share->depth; at++) {
        struct virtio_9p_slot *slot = &share->slots[at];

        if (slot->is_sent && slot->owner == VIRTIO_9P_CALLER && slot->cookie == cookie &&
            !slot->is_cancelled)
            return slot;
    }
    return NULL;
}

int virtio_9p_cancel(struct virtio_9p *share, const void *cookie)
{
    struct virtio_9p_slot *request;
    struct virtio_9p_slot *slot;
    struct virtio_9p_writer writer;
    int error;

    if (!virtio_9p_is_live(share))
        return VIRTIO_E_STATE;
    request = find_in_flight(share, cookie);
    if (request == NULL)
        return VIRTIO_E_INVALID;
    slot = virtio_9p_take_slot(share, VIRTIO_9P_TFLUSH);
    if (slot == NULL)
        return VIRTIO_E_FULL;
    slot->owner = VIRTIO_9P_NOBODY;
    writer = virtio_9p_begin(slot);
    virtio_9p_put(&writer, 2, request->tag);
    virtio_9p_end(slot, &writer);
    error = send_message(share, slot);
    if (error != VIRTIO_OK) {
        virtio_9p_give_back_slot(share, slot);
        return error;
    }
    request->is_cancelled = true;
    return virtio_kick(&share->queue);
}

int virtio_9p_kick(struct virtio_9p *share)
{
    return virtio_9p_is_live(share) ? virtio_kick(&share->queue) : VIRTIO_E_STATE;
}

/* Hand a finished request back to the caller. */
static int hand_back(struct virtio_9p *share, struct virtio_9p_slot *slot,
                     struct virtio_9p_done *done)
{
    share->in_flight--;
    *done = (struct virtio_9p_done){
        .cookie = slot->cookie,
        .bytes = slot->bytes,
        .error = slot->error,
        .error_number = slot->error_number,
    };
    virtio_9p_give_back_slot(share, slot);
    return 1;
}

/* Hand back the oldest request that was kept, if there is one. */
static int hand_back_kept(struct virtio_9p *share, struct virtio_9p_done *done)
{
    struct virtio_9p_slot *slot = share->ready_slots;

    if (slot == NULL)
        return 0;
    share->ready_slots = slot->next;
    if (slot->next == NULL)
        share->ready_tail = &share->ready_slots;
    return hand_back(share, slot, done);
}

/* Take the next request that finishes; with a timeout of 0, without waiting for it. */
static int take(struct virtio_9p *share, struct virtio_9p_done *done, uint32_t timeout_us)
{
    struct virtio_done used;
    int result = hand_back_kept(share, done);

    while (result == 0) {
        struct virtio_9p_slot *finished;

        result = timeout_us != 0 ? virtio_wait(&share->queue, &used, timeout_us)
                                 : virtio_reap(&share->queue, &used);
        if (result <= 0)
            break;
        finished = complete(share, &used);
        result = finished != NULL ? hand_back(share, finished, done) : 0;
    }
    return result;
}

int virtio_9p_reap(struct virtio_9p *share, struct virtio_9p_done *done)
{
    return virtio_9p_is_live(share) ? take(share, done, 0) : VIRTIO_E_STATE;
}

int virtio_9p_wait(struct virtio_9p *share, struct virtio_9p_done *done, uint32_t timeout_us)
{
    int error = timeout_us != 0 ? virtio_9p_kick(share) : VIRTIO_E_INVALID;

    return error == VIRTIO_OK ? take(share, done, timeout_us) : error;
}

/* ---- After a reset ---- */

/* A chain came back after the reset. With nothing written the reset took it. A request with parts left to
 * send was taken as well. */
static void finish_drained(struct virtio_9p *share, struct virtio_9p_slot *slot, uint32_t written)
{
    int error = written != 0 ? judge(share, slot, written) : VIRTIO_E_RESET;

    finish(share, slot, error == VIRTIO_OK && slot->left != 0 ? VIRTIO_E_RESET : error);
}

/* The next request that the reset took back and somebody asks for. @return 1, 0, or the queue's error. */
int virtio_9p_take_back(struct virtio_9p *share, struct virtio_9p_slot **taken)
{
    struct virtio_done used;
    int result;

    while ((result = virtio_drain(&share->queue, &used)) > 0) {
        struct virtio_9p_slot *slot = used.cookie;

        finish_drained(share, slot, used.written);
        *taken = slot;
        if (slot->owner == VIRTIO_9P_CALLER)
            return 1;
        virtio_9p_give_back_slot(share, slot);
    }
    return result;
}

int virtio_9p_drain(struct virtio_9p *share, struct virtio_9p_done *done)
{
    struct virtio_9p_slot *slot;
    int result;

    if (share->device.state == VIRTIO_DEVICE_FOUND)
        return 0;
    if (share->device.state != VIRTIO_DEVICE_STOPPED)
        return VIRTIO_E_BUSY;
    if (hand_back_kept(share, done) > 0)
        return 1;
    result = virtio_9p_take_back(share, &slot);
    return result > 0 ? hand_back(share, slot, done) : result;
}
