/* SPDX-License-Identifier: MIT */
/*
 * The entropy device driver (spec 5.4); include/virtio/rng.h is its manual.
 *
 * Must not: pass on a byte that the device did not say it wrote, or leave random bytes lying around in
 * shared memory.
 */
#include "driver.h"
#include <virtio/rng.h>

struct virtio_rng_slot {
    struct virtio_rng_slot *next; /* in the free list or the list of answers that are kept */
    void *cookie;
    struct virtio_mapping mapping; /* the caller's buffer */
    int error;                     /* of an answer that is kept */
    uint32_t bytes;
};

static bool is_live(const struct virtio_rng *rng)
{
    return rng->device.state == VIRTIO_DEVICE_READY;
}

/* ---- Start and stop ---- */

static void give_back_slot(struct virtio_rng *rng, struct virtio_rng_slot *slot)
{
    slot->next = rng->free_slots;
    rng->free_slots = slot;
}

static int allocate(struct virtio_rng *rng)
{
    const struct virtio_host *host = rng->device.host;
    int error = virtio_allocate_shared(&rng->device, VIRTIO_RNG_BUFFER_SIZE, 64, &rng->shared);

    if (error != VIRTIO_OK)
        return error;
    rng->depth = rng->queue.size < VIRTIO_RNG_QUEUE_SIZE ? rng->queue.size : VIRTIO_RNG_QUEUE_SIZE;
    rng->slots = host->allocate(host->ctx, rng->depth * sizeof(*rng->slots));
    if (rng->slots == NULL)
        return VIRTIO_E_NO_MEMORY;
    for (uint16_t at = rng->depth; at-- > 0;)
        give_back_slot(rng, &rng->slots[at]);
    rng->kept_tail = &rng->kept_slots;
    return VIRTIO_OK;
}

static int set_up(struct virtio_rng *rng)
{
    int error = virtio_queue_start(&rng->queue, &rng->device, 0, VIRTIO_RNG_QUEUE_SIZE);

    if (error == VIRTIO_OK)
        error = allocate(rng);
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&rng->device);
    return error;
}

/* Free all that set_up acquired, as far as it came; the device has been reset. */
static int tear_down(struct virtio_rng *rng)
{
    const struct virtio_host *host = rng->device.host;
    struct virtio_rng_done done;

    while (virtio_rng_drain(rng, &done) > 0)
        continue;
    (void)virtio_ring_uninit(&rng->queue);
    virtio_free_shared(&rng->device, &rng->shared);
    if (rng->slots != NULL)
        host->free(host->ctx, rng->slots, rng->depth * sizeof(*rng->slots));
    rng->slots = NULL;
    rng->free_slots = NULL;
    return virtio_device_end(&rng->device);
}

int virtio_rng_start(struct virtio_rng *rng, const struct virtio_device *found)
{
    static const struct virtio_features wanted = {.supported = 0};
    int error;

    if (found->type != VIRTIO_ID_ENTROPY)
        return VIRTIO_E_INVALID;
    *rng = (struct virtio_rng){.device = *found};
    error = virtio_device_begin(&rng->device, &wanted);
    if (error != VIRTIO_OK)
        return error;
    error = set_up(rng);
    if (error == VIRTIO_OK)
        return VIRTIO_OK;
    if (virtio_device_fail(&rng->device) != VIRTIO_E_TIMEOUT)
        (void)tear_down(rng);
    return error;
}

int virtio_rng_halt(struct virtio_rng *rng)
{
    return virtio_device_stop(&rng->device) == VIRTIO_E_TIMEOUT ? VIRTIO_E_TIMEOUT : VIRTIO_OK;
}

int virtio_rng_stop(struct virtio_rng *rng)
{
    int error = virtio_rng_halt(rng);

    return error == VIRTIO_OK ? tear_down(rng) : error;
}

/* ---- The blocking call ---- */

/* One request of at most `wanted` bytes into the library's buffer. */
static int ask(struct virtio_rng *rng, uint32_t wanted, uint32_t *written)
{
    struct virtio_shared *shared = &rng->shared;
    struct virtio_chain chain;
    int error;

    virtio_give_shared(&rng->device, shared->memory, shared->size, VIRTIO_SYNC_FOR_DEVICE);
    virtio_prepare(&rng->queue, &chain);
    (void)virtio_append_desc(&rng->queue, shared->device_address, wanted, VIRTQ_DESC_F_WRITE,
                             &chain);
    error = virtio_flush(&rng->queue, &chain, written);
    if (virtio_error_leaves_in_flight(error) && virtio_rng_halt(rng) != VIRTIO_OK)
        return VIRTIO_E_BUSY;
    virtio_give_shared(&rng->device, shared->memory, shared->size, VIRTIO_SYNC_FOR_CPU);
    return error;
}

static int fill(struct virtio_rng *rng, uint8_t *buffer, size_t bytes)
{
    unsigned empty = 0;

    while (bytes != 0) {
        uint32_t written;
        int error =
            ask(rng, bytes < VIRTIO_RNG_BUFFER_SIZE ? (uint32_t)bytes : VIRTIO_RNG_BUFFER_SIZE,
                &written);

        if (error != VIRTIO_OK)
            return error;
        if (written == 0 && ++empty == VIRTIO_RNG_EMPTY_ANSWERS_MAX)
            return VIRTIO_E_RESPONSE;
        if (written != 0)
            empty = 0;
        memcpy(buffer, rng->shared.memory, written);
        memset(rng->shared.memory, 0, written);
        buffer += written;
        bytes -= written;
    }
    return VIRTIO_OK;
}

int virtio_rng_read(struct virtio_rng *rng, void *buffer, size_t bytes)
{
    int error;

    if (buffer == NULL)
        return VIRTIO_E_INVALID;
    if (bytes == 0)
        return VIRTIO_E_ZERO_LENGTH;
    error = is_live(rng) ? fill(rng, buffer, bytes) : VIRTIO_E_STATE;
    if (error != VIRTIO_OK)
        memset(buffer, 0, bytes);
    return error;
}

/* ---- Asynchronous calls ---- */

static int submit_slot(struct virtio_rng *rng, struct virtio_rng_slot *slot, uint32_t bytes)
{
    struct virtio_chain chain;

    virtio_prepare(&rng->queue, &chain);
    (void)virtio_append_desc(&rng->queue, slot->mapping.device_address, bytes, VIRTQ_DESC_F_WRITE,
                             &chain);
    return virtio_submit(&rng->queue, &chain, slot);
}

int virtio_rng_submit(struct virtio_rng *rng, void *buffer, uint32_t bytes, void *cookie)
{
    struct virtio_rng_slot *slot = rng->free_slots;
    int error;

    if (!is_live(rng))
        return VIRTIO_E_STATE;
    if (bytes == 0)
        return VIRTIO_E_ZERO_LENGTH;
    if (slot == NULL)
        return VIRTIO_E_FULL;
    error = virtio_map_all_bytes_in_shared_buffer(&rng->device, buffer, bytes, VIRTIO_DEVICE_WRITES,
                                                  &slot->mapping);
    if (error != VIRTIO_OK)
        return error;
    slot->cookie = cookie;
    error = submit_slot(rng, slot, bytes);
    if (error != VIRTIO_OK) {
        (void)virtio_unmap_buffer(&rng->device, &slot->mapping);
        return error;
    }
    rng->free_slots = slot->next;
    rng->in_flight++;
    return VIRTIO_OK;
}

int virtio_rng_kick(struct virtio_rng *rng)
{
    return is_live(rng) ? virtio_kick(&rng->queue) : VIRTIO_E_STATE;
}

/* The device has let go of the buffer; `empty` is what it means when it wrote nothing. */
static struct virtio_rng_slot *finish(struct virtio_rng *rng, const struct virtio_done *used,
                                      int empty)
{
    struct virtio_rng_slot *slot = used->cookie;

    slot->error = virtio_unmap_buffer(&rng->device, &slot->mapping);
    if (used->written == 0)
        slot->error = empty;
    slot->bytes = slot->error == VIRTIO_OK ? used->written : 0;
    return slot;
}

static int hand_back(struct virtio_rng *rng, struct virtio_rng_slot *slot,
                     struct virtio_rng_done *done)
{
    done->cookie = slot->cookie;
    done->error = slot->error;
    done->bytes = slot->bytes;
    give_back_slot(rng, slot);
    rng->in_flight--;
    return 1;
}

/* Hand back the oldest answer that was kept, if there is one. */
static int hand_back_kept(struct virtio_rng *rng, struct virtio_rng_done *done)
{
    struct virtio_rng_slot *slot = rng->kept_slots;

    if (slot == NULL)
        return 0;
    rng->kept_slots = slot->next;
    if (slot->next == NULL)
        rng->kept_tail = &rng->kept_slots;
    return hand_back(rng, slot, done);
}

int virtio_rng_reap(struct virtio_rng *rng, struct virtio_rng_done *done)
{
    struct virtio_done used;
    int result = is_live(rng) ? hand_back_kept(rng, done) : VIRTIO_E_STATE;

    if (result != 0)
        return result;
    result = virtio_reap(&rng->queue, &used);
    return result > 0 ? hand_back(rng, finish(rng, &used, VIRTIO_E_RESPONSE), done) : result;
}

int virtio_rng_wait(struct virtio_rng *rng, struct virtio_rng_done *done, uint32_t timeout_us)
{
    struct virtio_done used;
    int result = virtio_rng_kick(rng);

    if (result == VIRTIO_OK)
        result = hand_back_kept(rng, done);
    if (result != 0)
        return result;
    result = virtio_wait(&rng->queue, &used, timeout_us);
    return result > 0 ? hand_back(rng, finish(rng, &used, VIRTIO_E_RESPONSE), done) : result;
}

/* Keep all that a reset took back. */
static void keep_drained(struct virtio_rng *rng)
{
    struct virtio_done used;

    while (virtio_drain(&rng->queue, &used) > 0) {
        struct virtio_rng_slot *slot = finish(rng, &used, VIRTIO_E_RESET);

        slot->next = NULL;
        *rng->kept_tail = slot;
        rng->kept_tail = &slot->next;
    }
}

int virtio_rng_drain(struct virtio_rng *rng, struct virtio_rng_done *done)
{
    if (rng->device.state == VIRTIO_DEVICE_FOUND)
        return 0;
    if (rng->device.state != VIRTIO_DEVICE_STOPPED)
        return VIRTIO_E_BUSY;
    keep_drained(rng);
    return hand_back_kept(rng, done);
}

int virtio_rng_recover(struct virtio_rng *rng)
{
    int error = virtio_device_renew(&rng->device);

    if (error != VIRTIO_OK)
        return error;
    keep_drained(rng);
    error = virtio_device_ready(&rng->device);
    if (error != VIRTIO_OK)
        (void)virtio_rng_halt(rng);
    return error;
}
