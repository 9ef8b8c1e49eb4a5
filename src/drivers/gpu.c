/* SPDX-License-Identifier: MIT */
/*
 * The GPU device driver (spec 5.7); include/virtio/gpu.h is its manual. This part owns the life cycle, requests and
 * answers: what is in them is the business of the other parts (gpu_internal.h).
 *
 * One slot is one request, and the queue's cookie for it. A blocking call sends its request like any other and
 * waits for its slot; what else is finished meanwhile goes to the finished list, where virtio_gpu_reap
 * finds it. Each request is a chain of two: what the device reads, and where it answers.
 *
 * Must not: read an answer before the queue has said that the chain was used, believe one that does not bear the
 * fence of its request, or give back a slot that the device may still know.
 */
#include "gpu_internal.h"

#define CONTROLQ 0u
#define CURSORQ  1u

#define PIECES_DEFAULT 256u
#define PIECES_MOST    16384u

/* Buffers of a request. */
#define CHAIN_LENGTH 2u

/* A slot's shared memory: cache lines of their own for what each end writes, where DMA is not coherent. */
struct unit {
    struct virtio_gpu_request request; /* device reads */
    uint8_t unused[8];
    struct virtio_gpu_ctrl_hdr response; /* device writes */
    uint8_t unused_too[40];
};

_Static_assert(sizeof(struct unit) == 128 && offsetof(struct unit, response) == 64,
               "two cache lines");

/* All shared memory, but for the large request behind it, whose list of pieces is as long as the options say. */
struct shared {
    struct unit units[VIRTIO_GPU_DEPTH_MAX + VIRTIO_GPU_CURSOR_DEPTH];
    struct virtio_gpu_resp_edid answer; /* the largest one; device writes */
    uint8_t unused[32];
};

_Static_assert(sizeof(struct shared) % 64 == 0, "what follows has a cache line of its own");

static struct shared *shared_of(const struct virtio_gpu *gpu)
{
    return gpu->shared.memory;
}

struct virtio_gpu_request *virtio_gpu_request_of(const struct virtio_gpu *gpu,
                                                 const struct virtio_gpu_slot *slot)
{
    return &shared_of(gpu)->units[slot->number].request;
}

struct virtio_gpu_resource_attach_backing *virtio_gpu_large_request(const struct virtio_gpu *gpu)
{
    return (struct virtio_gpu_resource_attach_backing *)(void *)(shared_of(gpu) + 1);
}

void *virtio_gpu_large_answer(const struct virtio_gpu *gpu)
{
    return &shared_of(gpu)->answer;
}

/* ---- Start and stop ---- */

/* What cannot be is not kept: it is a bound of tables while the device cannot be used, too. */
static int read_config(struct virtio_gpu *gpu)
{
    uint64_t value = 0;
    int error = virtio_config_read(&gpu->device, VIRTIO_GPU_CONFIG_NUM_SCANOUTS, 4, &value);
    uint32_t count = virtio_config_little32(&gpu->device, (uint32_t)value);

    if (error == VIRTIO_OK && (count == 0 || count > VIRTIO_GPU_MAX_SCANOUTS))
        error = VIRTIO_E_CONFIG;
    if (error == VIRTIO_OK)
        gpu->num_scanouts = count;
    return error;
}

static void give_back_slot(struct virtio_gpu_lane *lane, struct virtio_gpu_slot *slot)
{
    slot->resource = 0;
    slot->next = lane->free_slots;
    lane->free_slots = slot;
}

/* Start a queue, with slots from number `first` on. @return how many these are, or an error. */
static int start_lane(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane, uint16_t index,
                      unsigned first, uint16_t depth)
{
    int error =
        virtio_queue_start(&lane->queue, &gpu->device, index, (uint16_t)(depth * CHAIN_LENGTH));

    if (error != VIRTIO_OK)
        return error;
    if (lane->queue.size / CHAIN_LENGTH < depth)
        depth = (uint16_t)(lane->queue.size / CHAIN_LENGTH);
    for (unsigned number = first; number < first + depth; number++) {
        gpu->slots[number].number = (uint8_t)number;
        give_back_slot(lane, &gpu->slots[number]);
    }
    return depth != 0 ? depth : VIRTIO_E_QUEUE_SIZE;
}

static int start_lanes(struct virtio_gpu *gpu)
{
    int depth = start_lane(gpu, &gpu->control, CONTROLQ, 0, VIRTIO_GPU_DEPTH_MAX);

    if (depth < 0)
        return depth;
    gpu->depth = (uint16_t)depth;
    depth = start_lane(gpu, &gpu->cursor, CURSORQ, VIRTIO_GPU_DEPTH_MAX, VIRTIO_GPU_CURSOR_DEPTH);
    return depth < 0 ? depth : VIRTIO_OK;
}

static size_t shared_size(const struct virtio_gpu *gpu)
{
    return sizeof(struct shared) + sizeof(struct virtio_gpu_resource_attach_backing) +
           gpu->pieces_max * sizeof(struct virtio_gpu_mem_entry);
}

static int set_up(struct virtio_gpu *gpu)
{
    int error = read_config(gpu);

    if (error == VIRTIO_OK)
        error = start_lanes(gpu);
    if (error == VIRTIO_OK)
        error = virtio_allocate_shared(&gpu->device, shared_size(gpu), 64, &gpu->shared);
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&gpu->device);
    return error;
}

/* Free all that set_up acquired, as far as it came; the device has been reset. */
static int tear_down(struct virtio_gpu *gpu)
{
    struct virtio_gpu_done done;

    while (virtio_gpu_drain(gpu, &done) > 0)
        continue;
    (void)virtio_ring_uninit(&gpu->control.queue);
    (void)virtio_ring_uninit(&gpu->cursor.queue);
    virtio_free_shared(&gpu->device, &gpu->shared);
    return virtio_device_end(&gpu->device);
}

int virtio_gpu_start(struct virtio_gpu *gpu, const struct virtio_device *found,
                     const struct virtio_gpu_options *options)
{
    static const struct virtio_features wanted = {.supported = VIRTIO_GPU_F_EDID};
    uint32_t pieces_max = options != NULL ? options->pieces_max : 0;
    int error;

    if (found->type != VIRTIO_ID_GPU || pieces_max > PIECES_MOST)
        return VIRTIO_E_INVALID;
    gpu->device = *found; /* which may be gpu->device */
    memset((uint8_t *)gpu + sizeof(gpu->device), 0, sizeof(*gpu) - sizeof(gpu->device));
    gpu->pieces_max = pieces_max != 0 ? pieces_max : PIECES_DEFAULT;
    gpu->next_id = 1;
    gpu->first_id = 1;
    gpu->finished_tail = &gpu->finished;
    error = virtio_device_begin(&gpu->device, &wanted);
    if (error != VIRTIO_OK)
        return error;
    error = set_up(gpu);
    if (error == VIRTIO_OK)
        return VIRTIO_OK;
    if (virtio_device_fail(&gpu->device) != VIRTIO_E_TIMEOUT)
        (void)tear_down(gpu);
    return error;
}

int virtio_gpu_halt(struct virtio_gpu *gpu)
{
    return virtio_device_stop(&gpu->device) == VIRTIO_E_TIMEOUT ? VIRTIO_E_TIMEOUT : VIRTIO_OK;
}

int virtio_gpu_stop(struct virtio_gpu *gpu)
{
    int error = virtio_gpu_halt(gpu);

    return error == VIRTIO_OK ? tear_down(gpu) : error;
}

/* ---- Sending a request ---- */

static bool is_cursor(const struct virtio_gpu *gpu, const struct virtio_gpu_lane *lane)
{
    return lane == &gpu->cursor;
}

int virtio_gpu_begin(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane, uint32_t command,
                     struct virtio_gpu_slot **begun)
{
    struct virtio_gpu_slot *slot = lane->free_slots;
    struct virtio_gpu_request *request;

    if (!virtio_gpu_is_live(gpu))
        return VIRTIO_E_STATE;
    if (slot == NULL)
        return VIRTIO_E_FULL;
    lane->free_slots = slot->next;
    *slot = (struct virtio_gpu_slot){
        .number = slot->number,
        .command = command,
        .answer = VIRTIO_GPU_RESP_OK_NODATA,
        .answer_size = sizeof(struct virtio_gpu_ctrl_hdr),
        .response = &shared_of(gpu)->units[slot->number].response,
        .fence = is_cursor(gpu, lane) ? 0 : ++gpu->fence,
    };
    request = virtio_gpu_request_of(gpu, slot);
    memset(request, 0, sizeof(*request));
    *begun = slot;
    return VIRTIO_OK;
}

static void put_header(struct virtio_gpu_ctrl_hdr *header, const struct virtio_gpu_slot *slot)
{
    *header = (struct virtio_gpu_ctrl_hdr){
        .type = virtio_gpu_order32(slot->command),
        .flags = virtio_gpu_order32(slot->fence != 0 ? VIRTIO_GPU_FLAG_FENCE : 0),
        .fence_id = virtio_order64(false, slot->fence),
    };
}

/* Both buffers are within the shared memory. */
static int submit(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane,
                  struct virtio_gpu_slot *slot, void *request, size_t request_size,
                  size_t response_size)
{
    const uint8_t *base = gpu->shared.memory;
    const uint64_t address = gpu->shared.device_address;
    const struct virtio_buffer buffers[CHAIN_LENGTH] = {
        {address + (uint64_t)((uint8_t *)request - base), (uint32_t)request_size},
        {address + (uint64_t)((uint8_t *)slot->response - base), (uint32_t)response_size},
    };
    int error;

    put_header(request, slot);
    memset(slot->response, 0, response_size);
    virtio_give_shared(&gpu->device, request, request_size, VIRTIO_SYNC_FOR_DEVICE);
    virtio_give_shared(&gpu->device, slot->response, response_size, VIRTIO_SYNC_FOR_DEVICE);
    error = virtio_submit_buffers(&lane->queue, buffers, 1, 1, slot);
    if (error != VIRTIO_OK)
        give_back_slot(lane, slot);
    return error;
}

int virtio_gpu_send(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane,
                    struct virtio_gpu_slot *slot, unsigned words)
{
    return submit(gpu, lane, slot, virtio_gpu_request_of(gpu, slot),
                  sizeof(struct virtio_gpu_ctrl_hdr) + words * sizeof(uint32_t),
                  sizeof(struct virtio_gpu_ctrl_hdr));
}

int virtio_gpu_send_for_data(struct virtio_gpu *gpu, struct virtio_gpu_slot *slot, unsigned words,
                             uint32_t answer, uint32_t size)
{
    slot->response = virtio_gpu_large_answer(gpu);
    slot->answer = answer;
    slot->answer_size = size;
    return submit(gpu, &gpu->control, slot, virtio_gpu_request_of(gpu, slot),
                  sizeof(struct virtio_gpu_ctrl_hdr) + words * sizeof(uint32_t),
                  sizeof(struct virtio_gpu_resp_edid));
}

int virtio_gpu_send_pieces(struct virtio_gpu *gpu, struct virtio_gpu_slot *slot, uint32_t count)
{
    struct virtio_gpu_resource_attach_backing *request = virtio_gpu_large_request(gpu);

    return submit(gpu, &gpu->control, slot, request,
                  sizeof(*request) + count * sizeof(request->entries[0]),
                  sizeof(struct virtio_gpu_ctrl_hdr));
}

int virtio_gpu_submit(struct virtio_gpu *gpu, struct virtio_gpu_slot *slot, unsigned words,
                      void *cookie)
{
    int error = virtio_gpu_send(gpu, &gpu->control, slot, words);

    if (error == VIRTIO_OK) {
        slot->cookie = cookie;
        gpu->in_flight++;
    }
    return error;
}

int virtio_gpu_kick(struct virtio_gpu *gpu)
{
    return virtio_gpu_is_live(gpu) ? virtio_kick(&gpu->control.queue) : VIRTIO_E_STATE;
}

/* ---- Answers ---- */

static bool is_refusal(uint32_t type)
{
    return type >= VIRTIO_GPU_RESP_ERR_UNSPEC && type <= VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
}

/* QEMU does not answer on the queue of the pointers, and other devices need not know that they might. */
static bool may_be_silent(const struct virtio_gpu_slot *slot)
{
    return slot->fence == 0;
}

static bool bears_fence(const volatile struct virtio_gpu_ctrl_hdr *header, uint64_t fence)
{
    return (virtio_gpu_order32(header->flags) & VIRTIO_GPU_FLAG_FENCE) != 0 &&
           virtio_order64(false, header->fence_id) == fence;
}

/* The device has answered: `written` bytes. Each field is read once. */
static int judge(const struct virtio_gpu *gpu, struct virtio_gpu_slot *slot, uint32_t written)
{
    const volatile struct virtio_gpu_ctrl_hdr *header = slot->response;
    uint32_t type;

    slot->written = written;
    if (written == 0 && may_be_silent(slot))
        return VIRTIO_OK;
    if (written < sizeof(*header))
        return VIRTIO_E_RESPONSE;
    virtio_give_shared(&gpu->device, slot->response, written, VIRTIO_SYNC_FOR_CPU);
    type = virtio_gpu_order32(header->type);
    if (slot->fence != 0 && !bears_fence(header, slot->fence))
        return VIRTIO_E_RESPONSE;
    if (is_refusal(type)) {
        slot->refusal = (enum virtio_gpu_refusal)type;
        return type == VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY ? VIRTIO_E_NO_MEMORY : VIRTIO_E_IO;
    }
    return type == slot->answer && written >= slot->answer_size ? VIRTIO_OK : VIRTIO_E_RESPONSE;
}

static bool sets_scanout(const struct virtio_gpu_slot *slot)
{
    return slot->command == VIRTIO_GPU_CMD_SET_SCANOUT;
}

/* Keep a finished request for the next virtio_gpu_reap. */
static void keep(struct virtio_gpu *gpu, struct virtio_gpu_slot *slot)
{
    slot->next = NULL;
    *gpu->finished_tail = slot;
    gpu->finished_tail = &slot->next;
}

/* A request is the driver's again. */
static void finish(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane,
                   struct virtio_gpu_slot *slot, int error)
{
    slot->error = error;
    slot->is_finished = true;
    if (error == VIRTIO_OK && sets_scanout(slot))
        gpu->shown[slot->scanout] = slot->resource;
    if (slot->is_waited)
        return;
    if (is_cursor(gpu, lane)) {
        gpu->cursor_failures += error != VIRTIO_OK;
        give_back_slot(lane, slot);
    } else {
        keep(gpu, slot);
    }
}

void virtio_gpu_complete(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane,
                         const struct virtio_done *used)
{
    struct virtio_gpu_slot *slot = used->cookie;

    finish(gpu, lane, slot, judge(gpu, slot, used->written));
}

/* ---- Blocking calls ---- */

/* The slot is still the queue's: it comes back by virtio_gpu_drain, which keeps it for itself. */
int virtio_gpu_give_up(struct virtio_gpu *gpu, int error)
{
    return virtio_gpu_halt(gpu) == VIRTIO_OK ? error : VIRTIO_E_BUSY;
}

int virtio_gpu_await(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane,
                     struct virtio_gpu_slot *slot)
{
    struct virtio_done used;
    int result = virtio_kick(&lane->queue);

    slot->is_waited = true;
    while (result >= 0 && !slot->is_finished) {
        result = virtio_wait(&lane->queue, &used, gpu->device.timeout_us);
        if (result > 0)
            virtio_gpu_complete(gpu, lane, &used);
    }
    if (result < 0)
        return virtio_gpu_give_up(gpu, result);
    gpu->refusal = slot->refusal;
    give_back_slot(lane, slot);
    return slot->error;
}

int virtio_gpu_await_sent(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane,
                          struct virtio_gpu_slot *slot, int error)
{
    if (error == VIRTIO_OK)
        return virtio_gpu_await(gpu, lane, slot);
    return virtio_error_leaves_in_flight(error) ? virtio_gpu_give_up(gpu, error) : error;
}

int virtio_gpu_await_both(struct virtio_gpu *gpu, struct virtio_gpu_slot *first,
                          struct virtio_gpu_slot *second)
{
    enum virtio_gpu_refusal refusal;
    int of_second;
    int error;

    second->is_waited = true;
    error = virtio_gpu_await(gpu, &gpu->control, first);
    if (!virtio_gpu_is_live(gpu))
        return error;
    refusal = gpu->refusal;
    of_second = virtio_gpu_await(gpu, &gpu->control, second);
    if (error == VIRTIO_OK)
        return of_second;
    gpu->refusal = refusal;
    return virtio_gpu_is_live(gpu) ? error : of_second;
}

int virtio_gpu_run(struct virtio_gpu *gpu, struct virtio_gpu_slot *slot, unsigned words)
{
    int error = virtio_gpu_send(gpu, &gpu->control, slot, words);

    return virtio_gpu_await_sent(gpu, &gpu->control, slot, error);
}

/* ---- Taking requests back ---- */

int virtio_gpu_collect_cursors(struct virtio_gpu *gpu)
{
    struct virtio_done used;
    int result;

    while ((result = virtio_reap(&gpu->cursor.queue, &used)) > 0)
        virtio_gpu_complete(gpu, &gpu->cursor, &used);
    return result;
}

bool virtio_gpu_is_named(const struct virtio_gpu *gpu, uint32_t resource)
{
    for (unsigned number = 0; number < VIRTIO_GPU_DEPTH_MAX; number++) {
        if (gpu->slots[number].resource == resource)
            return true;
    }
    return false;
}

/* Hand back the oldest request that was kept, if there is one. */
static int hand_back(struct virtio_gpu *gpu, struct virtio_gpu_done *done)
{
    struct virtio_gpu_slot *slot = gpu->finished;

    if (slot == NULL)
        return 0;
    gpu->finished = slot->next;
    if (slot->next == NULL)
        gpu->finished_tail = &gpu->finished;
    gpu->in_flight--;
    *done = (struct virtio_gpu_done){slot->cookie, slot->error, slot->refusal};
    give_back_slot(&gpu->control, slot);
    return 1;
}

int virtio_gpu_reap(struct virtio_gpu *gpu, struct virtio_gpu_done *done)
{
    struct virtio_done used;
    int result;

    if (!virtio_gpu_is_live(gpu))
        return VIRTIO_E_STATE;
    if (hand_back(gpu, done) > 0)
        return 1;
    result = virtio_reap(&gpu->control.queue, &used);
    if (result <= 0)
        return result;
    virtio_gpu_complete(gpu, &gpu->control, &used);
    return hand_back(gpu, done);
}

int virtio_gpu_wait(struct virtio_gpu *gpu, struct virtio_gpu_done *done, uint32_t timeout_us)
{
    struct virtio_done used;
    int result = timeout_us != 0 ? virtio_gpu_kick(gpu) : VIRTIO_E_INVALID;

    if (result != VIRTIO_OK)
        return result;
    if (hand_back(gpu, done) > 0)
        return 1;
    result = virtio_wait(&gpu->control.queue, &used, timeout_us);
    if (result <= 0)
        return result;
    virtio_gpu_complete(gpu, &gpu->control, &used);
    return hand_back(gpu, done);
}

/* Chains come back after a reset: with nothing written, not even a header, the reset took them. Of one that a
 * blocking call gave up nobody wants to hear. */
static void drain_lane(struct virtio_gpu *gpu, struct virtio_gpu_lane *lane)
{
    struct virtio_done used;

    while (virtio_drain(&lane->queue, &used) > 0) {
        struct virtio_gpu_slot *slot = used.cookie;

        finish(gpu, lane, slot,
               used.written != 0 ? judge(gpu, slot, used.written) : VIRTIO_E_RESET);
        if (slot->is_waited)
            give_back_slot(lane, slot);
    }
}

int virtio_gpu_drain(struct virtio_gpu *gpu, struct virtio_gpu_done *done)
{
    if (gpu->device.state == VIRTIO_DEVICE_FOUND)
        return 0;
    if (gpu->device.state != VIRTIO_DEVICE_STOPPED)
        return VIRTIO_E_BUSY;
    drain_lane(gpu, &gpu->control);
    drain_lane(gpu, &gpu->cursor);
    return hand_back(gpu, done);
}

/* The device begins anew, and has no resources. Of those that the caller knows the ids are told apart. */
static void forget_resources(struct virtio_gpu *gpu)
{
    gpu->first_id = gpu->next_id;
    memset(gpu->shown, 0, sizeof(gpu->shown));
    memset(gpu->pointers, 0, sizeof(gpu->pointers));
}

int virtio_gpu_recover(struct virtio_gpu *gpu)
{
    int error = virtio_device_renew(&gpu->device);

    if (error != VIRTIO_OK)
        return error;
    drain_lane(gpu, &gpu->control);
    drain_lane(gpu, &gpu->cursor);
    forget_resources(gpu);
    error = read_config(gpu);
    if (error == VIRTIO_OK)
        error = virtio_device_ready(&gpu->device);
    if (error != VIRTIO_OK)
        (void)virtio_gpu_halt(gpu);
    return error;
}
