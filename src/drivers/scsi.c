/* SPDX-License-Identifier: MIT */
/*
 * The SCSI host device driver, its transport (spec 5.6): the controller's life, and commands through its request
 * queues. include/virtio/scsi.h is the manual; scsi_control.c has management and events, scsi_unit.c the
 * commands, scsi_sense.c what went wrong.
 *
 * One slot is one command, and the queue's cookie for it. Each request queue has slots, lists and memory of
 * its own and shares nothing that changes with another, so that several contexts can use one each. A
 * blocking call sends its command like any other and waits for its slot; what else is finished meanwhile goes to
 * the ready list, where virtio_scsi_reap finds it.
 *
 * Must not: keep anything of the caller's in shared memory, read a response before the queue has said that the
 * chain was used, read it twice, know any command, or give back a slot or a buffer that the device may
 * still know.
 */
#include "scsi_internal.h"

/* Not a response and not a status: what the bytes hold until the device writes them. */
#define UNWRITTEN 0xffu

/* Buffers of a command: request and response, and data in one direction or both. */
#define BUFFERS      3u
#define BUFFERS_BOTH 4u

/* How many low bits of a tag count; the others are the request queue's number. */
#define TAG_BITS 48u

/* Device configuration space (spec 5.6.4). */
struct virtio_scsi_config {
    uint32_t num_queues;
    uint32_t seg_max;
    uint32_t max_sectors;
    uint32_t cmd_per_lun;
    uint32_t event_info_size;
    uint32_t sense_size;
    uint32_t cdb_size;
    uint16_t max_channel;
    uint16_t max_target;
    uint32_t max_lun;
};

_Static_assert(offsetof(struct virtio_scsi_config, sense_size) == 20, "spec 5.6.4");
_Static_assert(offsetof(struct virtio_scsi_config, max_channel) == 28, "spec 5.6.4");
_Static_assert(offsetof(struct virtio_scsi_config, max_target) == 30, "spec 5.6.4");
_Static_assert(sizeof(struct virtio_scsi_config) == 36, "spec 5.6.4");

/* What the device reads at the beginning of a command (struct virtio_scsi_req_cmd, spec 5.6.6.1). */
struct virtio_scsi_request_head {
    uint8_t lun[VIRTIO_SCSI_LUN_SIZE];
    uint64_t id;
    uint8_t task_attr;
    uint8_t prio;
    uint8_t crn;
    uint8_t cdb[VIRTIO_SCSI_CDB_SIZE];
};

#define REQUEST_SIZE (offsetof(struct virtio_scsi_request_head, cdb) + VIRTIO_SCSI_CDB_SIZE)

_Static_assert(offsetof(struct virtio_scsi_request_head, id) == 8, "spec 5.6.6.1");
_Static_assert(REQUEST_SIZE == 51, "spec 5.6.6.1");

/* What it writes at the beginning of its answer. */
struct virtio_scsi_response_head {
    uint32_t sense_len;
    uint32_t residual;
    uint16_t status_qualifier;
    uint8_t status;
    uint8_t response;
    uint8_t sense[VIRTIO_SCSI_SENSE_SIZE];
};

_Static_assert(offsetof(struct virtio_scsi_response_head, response) == 11, "spec 5.6.6.1");
_Static_assert(sizeof(struct virtio_scsi_response_head) == 108, "spec 5.6.6.1");

/* A slot's shared memory: two cache lines for what the device writes, and one of its own for what it
 * reads, so that they never meet where DMA is not coherent. */
struct virtio_scsi_frame {
    struct virtio_scsi_response_head response;
    uint8_t unused[128 - sizeof(struct virtio_scsi_response_head)];
    struct virtio_scsi_request_head request;
    uint8_t unused_too[64 - sizeof(struct virtio_scsi_request_head)];
};

_Static_assert(sizeof(struct virtio_scsi_frame) == 192, "three cache lines");

/* Data of a command in one direction. */
struct part {
    struct virtio_mapping mapping; /* of the caller's buffer; size 0: nothing is mapped */
    uint64_t address;
    uint32_t bytes;
};

struct virtio_scsi_slot {
    struct virtio_scsi_slot *next; /* in the free or the ready list */
    struct virtio_scsi_frame *frame;
    uint64_t frame_address;
    void *cookie;
    struct part out;
    struct part in;
    int error; /* of a command that is finished */
    uint8_t flags;
    bool is_waited; /* by a blocking call: nobody else asks for it */
    struct virtio_scsi_result result;
};

/* ---- Configuration ---- */

static int read_field(const struct virtio_scsi *scsi, uint32_t offset, unsigned width,
                      uint32_t *value)
{
    uint64_t number = 0;
    int error = virtio_config_read(&scsi->device, offset, width, &number);

    *value = (uint32_t)number;
    return error;
}

/* Make sure that a device's CDB or sense size is what it is after a reset: only that was laid out for. */
static int settle_size(struct virtio_scsi *scsi, uint32_t offset, uint32_t size)
{
    uint32_t value;
    int error = read_field(scsi, offset, sizeof(value), &value);

    if (error != VIRTIO_OK || value == size)
        return error;
    error = virtio_config_write(&scsi->device, offset, sizeof(value), size);
    if (error == VIRTIO_OK)
        error = read_field(scsi, offset, sizeof(value), &value);
    return error == VIRTIO_OK && value != size ? VIRTIO_E_CONFIG : error;
}

static const struct {
    uint16_t offset;
    uint16_t destination;
} long_fields[] = {
    {offsetof(struct virtio_scsi_config, num_queues), offsetof(struct virtio_scsi, num_queues)},
    {offsetof(struct virtio_scsi_config, seg_max), offsetof(struct virtio_scsi, seg_max)},
    {offsetof(struct virtio_scsi_config, max_sectors), offsetof(struct virtio_scsi, max_sectors)},
    {offsetof(struct virtio_scsi_config, cmd_per_lun), offsetof(struct virtio_scsi, cmd_per_lun)},
    {offsetof(struct virtio_scsi_config, event_info_size),
     offsetof(struct virtio_scsi, event_info_size)},
    {offsetof(struct virtio_scsi_config, max_lun), offsetof(struct virtio_scsi, max_lun)},
};

static int read_fields(struct virtio_scsi *scsi)
{
    uint32_t channel;
    uint32_t target;
    int error = read_field(scsi, offsetof(struct virtio_scsi_config, max_channel), 2, &channel);

    if (error == VIRTIO_OK)
        error = read_field(scsi, offsetof(struct virtio_scsi_config, max_target), 2, &target);
    if (error != VIRTIO_OK)
        return error;
    scsi->max_channel = (uint16_t)channel;
    scsi->max_target = (uint16_t)(target < UINT8_MAX ? target : UINT8_MAX);
    for (size_t i = 0; i < sizeof(long_fields) / sizeof(long_fields[0]); i++) {
        error = read_field(scsi, long_fields[i].offset, 4,
                           (uint32_t *)(void *)((uint8_t *)scsi + long_fields[i].destination));
        if (error != VIRTIO_OK)
            return error;
    }
    return VIRTIO_OK;
}

static int read_config(struct virtio_scsi *scsi)
{
    int error = read_fields(scsi);

    if (error != VIRTIO_OK)
        return error;
    if (scsi->num_queues == 0)
        return VIRTIO_E_CONFIG;
    if (scsi->max_lun > VIRTIO_SCSI_LUN_MAX)
        scsi->max_lun = VIRTIO_SCSI_LUN_MAX;
    error = settle_size(scsi, offsetof(struct virtio_scsi_config, cdb_size), VIRTIO_SCSI_CDB_SIZE);
    if (error == VIRTIO_OK)
        error = settle_size(scsi, offsetof(struct virtio_scsi_config, sense_size),
                            VIRTIO_SCSI_SENSE_SIZE);
    return error;
}

/* ---- Start and stop ---- */

/* How many request queues to use, and how many commands on each: all of them may be for one unit, which takes
 * no more than cmd_per_lun (spec 5.6.4.1). */
static void choose_queues(struct virtio_scsi *scsi, uint16_t wanted)
{
    uint32_t most = scsi->cmd_per_lun != 0 ? scsi->cmd_per_lun : 1;
    uint32_t count = wanted != 0 ? wanted : 1;

    if (count > scsi->num_queues)
        count = scsi->num_queues;
    if (count > most)
        count = most;
    scsi->queue_count = (uint16_t)count;
    scsi->depth =
        (uint16_t)(most / count < VIRTIO_SCSI_DEPTH_MAX ? most / count : VIRTIO_SCSI_DEPTH_MAX);
}

static void give_back_slot(struct virtio_scsi_queue *queue, struct virtio_scsi_slot *slot)
{
    slot->next = queue->free_slots;
    queue->free_slots = slot;
}

static void init_slots(struct virtio_scsi *scsi, struct virtio_scsi_queue *queue, uint16_t index)
{
    struct virtio_scsi_frame *frame = queue->shared.memory;
    uint64_t address = queue->shared.device_address;

    for (uint16_t i = 0; i < scsi->depth; i++, address += sizeof(*frame)) {
        queue->slots[i].frame = frame++;
        queue->slots[i].frame_address = address;
        give_back_slot(queue, &queue->slots[i]);
    }
    queue->page = (uint8_t *)frame;
    queue->page_address = address;
    queue->ready_tail = &queue->ready_slots;
    queue->next_tag = (uint64_t)index << TAG_BITS;
}

/* The request queues' own structures, and their slots, in one piece of private memory. */
static int allocate(struct virtio_scsi *scsi)
{
    const struct virtio_host *host = scsi->device.host;
    size_t slots = (size_t)scsi->queue_count * scsi->depth;
    struct virtio_scsi_slot *slot;

    scsi->private_size = scsi->queue_count * sizeof(*scsi->queues) + slots * sizeof(*slot);
    scsi->queues = host->allocate(host->ctx, scsi->private_size);
    if (scsi->queues == NULL)
        return VIRTIO_E_NO_MEMORY;
    memset(scsi->queues, 0, scsi->private_size);
    slot = (struct virtio_scsi_slot *)(void *)(scsi->queues + scsi->queue_count);
    for (uint16_t i = 0; i < scsi->queue_count; i++)
        scsi->queues[i].slots = slot + (size_t)i * scsi->depth;
    return VIRTIO_OK;
}

static int start_queue(struct virtio_scsi *scsi, uint16_t index)
{
    struct virtio_scsi_queue *queue = &scsi->queues[index];
    uint32_t buffers =
        virtio_has_feature(&scsi->device, VIRTIO_SCSI_F_INOUT) ? BUFFERS_BOTH : BUFFERS;
    int error =
        virtio_queue_start(&queue->queue, &scsi->device,
                           (uint16_t)(VIRTIO_SCSI_REQUEST_QUEUE + index), VIRTIO_SCSI_QUEUE_SIZE);

    if (error != VIRTIO_OK)
        return error;
    virtio_queue_ignore_length(&queue->queue); /* see lengths_make_sense */
    if (queue->queue.size < buffers)
        return VIRTIO_E_NOT_SUPPORTED;
    error = virtio_allocate_shared(
        &scsi->device, scsi->depth * sizeof(struct virtio_scsi_frame) + VIRTIO_SCSI_PAGE, 64,
        &queue->shared);
    if (error == VIRTIO_OK)
        init_slots(scsi, queue, index);
    return error;
}

/* The device may work from here on. */
static int go_live(struct virtio_scsi *scsi)
{
    int error = virtio_device_ready(&scsi->device);

    return error == VIRTIO_OK ? virtio_scsi_control_ready(scsi) : error;
}

static int set_up(struct virtio_scsi *scsi, const struct virtio_scsi_options *options)
{
    int error = read_config(scsi);

    if (error != VIRTIO_OK)
        return error;
    choose_queues(scsi, options != NULL ? options->queues : 0);
    error = virtio_scsi_control_start(scsi);
    if (error == VIRTIO_OK)
        error = allocate(scsi);
    for (uint16_t i = 0; error == VIRTIO_OK && i < scsi->queue_count; i++)
        error = start_queue(scsi, i);
    return error == VIRTIO_OK ? go_live(scsi) : error;
}

/* Give back everything; the device was stopped. */
static int tear_down(struct virtio_scsi *scsi)
{
    const struct virtio_host *host = scsi->device.host;
    struct virtio_scsi_done done;

    while (virtio_scsi_drain(scsi, &done) > 0)
        continue;
    for (uint16_t i = 0; scsi->queues != NULL && i < scsi->queue_count; i++) {
        (void)virtio_ring_uninit(&scsi->queues[i].queue);
        virtio_free_shared(&scsi->device, &scsi->queues[i].shared);
    }
    if (scsi->queues != NULL)
        host->free(host->ctx, scsi->queues, scsi->private_size);
    scsi->queues = NULL;
    scsi->queue_count = 0;
    virtio_scsi_control_end(scsi);
    return virtio_device_end(&scsi->device);
}

int virtio_scsi_start(struct virtio_scsi *scsi, const struct virtio_device *found,
                      const struct virtio_scsi_options *options)
{
    static const struct virtio_features wanted = {
        .supported = VIRTIO_SCSI_F_INOUT | VIRTIO_SCSI_F_HOTPLUG | VIRTIO_SCSI_F_CHANGE,
    };
    int error;

    if (found->type != VIRTIO_ID_SCSI ||
        (options != NULL && options->queues > VIRTIO_SCSI_QUEUES_MAX))
        return VIRTIO_E_INVALID;
    scsi->device = *found; /* which may be scsi->device */
    memset(scsi, 0, offsetof(struct virtio_scsi, device));
    error = virtio_device_begin(&scsi->device, &wanted);
    if (error != VIRTIO_OK)
        return error;
    error = set_up(scsi, options);
    if (error == VIRTIO_OK)
        return VIRTIO_OK;
    if (virtio_device_fail(&scsi->device) != VIRTIO_E_TIMEOUT)
        (void)tear_down(scsi);
    return error;
}

int virtio_scsi_halt(struct virtio_scsi *scsi)
{
    return virtio_device_stop(&scsi->device) == VIRTIO_E_TIMEOUT ? VIRTIO_E_TIMEOUT : VIRTIO_OK;
}

int virtio_scsi_stop(struct virtio_scsi *scsi)
{
    int error = virtio_scsi_halt(scsi);

    return error == VIRTIO_OK ? tear_down(scsi) : error;
}

/* ---- Logical unit numbers ---- */

void virtio_scsi_put_lun(uint8_t *bytes, uint8_t target, uint16_t lun)
{
    memset(bytes, 0, VIRTIO_SCSI_LUN_SIZE);
    bytes[0] = 1;
    bytes[1] = target;
    bytes[2] = (uint8_t)(0x40u | lun >> 8); /* flat space addressing (SAM) */
    bytes[3] = (uint8_t)lun;
}

bool virtio_scsi_get_lun(const uint8_t *bytes, uint16_t *lun)
{
    *lun = (uint16_t)((bytes[0] & 0x3fu) << 8 | bytes[1]);
    /* Flat, or the peripheral form with bus 0; the others have no place in a single level. */
    return bytes[0] >> 6 == 1 || bytes[0] == 0;
}

/* ---- Beginning and ending a command ---- */

static int map_part(const struct virtio_scsi *scsi, struct part *part, void *buffer, size_t bytes,
                    enum virtio_direction direction)
{
    int error;

    part->mapping.size = 0;
    part->bytes = (uint32_t)bytes;
    if (bytes == 0)
        return VIRTIO_OK;
    error = virtio_map_all_bytes_in_shared_buffer(&scsi->device, buffer, bytes, direction,
                                                  &part->mapping);
    if (error != VIRTIO_OK)
        part->mapping.size = 0;
    else
        part->address = part->mapping.device_address;
    return error;
}

static int unmap_part(const struct virtio_scsi *scsi, struct part *part)
{
    int error =
        part->mapping.size != 0 ? virtio_unmap_buffer(&scsi->device, &part->mapping) : VIRTIO_OK;

    part->mapping.size = 0;
    return error;
}

/* The page is the device's to read or write; there is no mapping for it. */
static void use_page(const struct virtio_scsi *scsi, const struct virtio_scsi_queue *queue,
                     struct virtio_scsi_slot *slot, const struct virtio_scsi_command *command)
{
    slot->out =
        (struct part){.address = queue->page_address, .bytes = (uint32_t)command->out_bytes};
    slot->in = (struct part){.address = queue->page_address, .bytes = (uint32_t)command->in_bytes};
    virtio_give_shared(&scsi->device, queue->page, VIRTIO_SCSI_PAGE, VIRTIO_SYNC_FOR_DEVICE);
}

/* The device has let go of the command, which ends with `error` unless unmapping its buffers adds one. */
static void finish(const struct virtio_scsi *scsi, struct virtio_scsi_slot *slot, int error)
{
    int unmapped = unmap_part(scsi, &slot->in);

    (void)unmap_part(scsi, &slot->out);
    slot->error = error == VIRTIO_OK ? unmapped : error;
}

static int check(const struct virtio_scsi *scsi, const struct virtio_scsi_command *command)
{
    if (!virtio_scsi_is_live(scsi))
        return VIRTIO_E_STATE;
    if (command->queue >= scsi->queue_count || command->lun > VIRTIO_SCSI_LUN_MAX)
        return VIRTIO_E_INVALID;
    if ((command->out_bytes != 0 && command->out == NULL) ||
        (command->in_bytes != 0 && command->in == NULL))
        return VIRTIO_E_INVALID;
    if (command->out_bytes > VIRTIO_SCSI_DATA_MAX || command->in_bytes > VIRTIO_SCSI_DATA_MAX)
        return VIRTIO_E_TOO_LONG;
    if (command->out_bytes != 0 && command->in_bytes != 0 &&
        !virtio_has_feature(&scsi->device, VIRTIO_SCSI_F_INOUT))
        return VIRTIO_E_NOT_SUPPORTED;
    return VIRTIO_OK;
}

/* Map the data of a command, all or nothing. */
static int map_data(const struct virtio_scsi *scsi, struct virtio_scsi_slot *slot,
                    const struct virtio_scsi_command *command)
{
    int error = map_part(scsi, &slot->out, (void *)(uintptr_t)command->out, command->out_bytes,
                         VIRTIO_DEVICE_READS);

    if (error != VIRTIO_OK)
        return error;
    error = map_part(scsi, &slot->in, command->in, command->in_bytes, VIRTIO_DEVICE_WRITES);
    if (error != VIRTIO_OK)
        (void)unmap_part(scsi, &slot->out);
    return error;
}

static void write_frame(const struct virtio_scsi *scsi, struct virtio_scsi_slot *slot,
                        const struct virtio_scsi_command *command)
{
    struct virtio_scsi_frame *frame = slot->frame;

    memset(frame, 0, sizeof(*frame));
    virtio_scsi_put_lun(frame->request.lun, command->target, command->lun);
    frame->request.id = virtio_order64(scsi->device.legacy, command->tag);
    memcpy(frame->request.cdb, command->cdb, sizeof(frame->request.cdb));
    frame->response.status = UNWRITTEN;
    frame->response.response = UNWRITTEN;
    virtio_give_shared(&scsi->device, frame, sizeof(*frame), VIRTIO_SYNC_FOR_DEVICE);
}

/* Check a command, find it a slot, map its data and write its request. */
static int begin(struct virtio_scsi *scsi, struct virtio_scsi_command *command, unsigned flags,
                 struct virtio_scsi_slot **begun)
{
    struct virtio_scsi_queue *queue;
    struct virtio_scsi_slot *slot;
    int error = check(scsi, command);

    if (error != VIRTIO_OK)
        return error;
    queue = &scsi->queues[command->queue];
    slot = queue->free_slots;
    if (slot == NULL)
        return VIRTIO_E_FULL;
    if ((flags & VIRTIO_SCSI_ON_PAGE) != 0)
        use_page(scsi, queue, slot, command);
    else
        error = map_data(scsi, slot, command);
    if (error != VIRTIO_OK)
        return error;
    queue->free_slots = slot->next;
    command->tag = queue->next_tag;
    queue->next_tag = (queue->next_tag & ~((UINT64_C(1) << TAG_BITS) - 1)) |
                      ((queue->next_tag + 1) & ((UINT64_C(1) << TAG_BITS) - 1));
    slot->flags = (uint8_t)flags;
    slot->is_waited = false;
    slot->result = (struct virtio_scsi_result){.response = UNWRITTEN, .status = UNWRITTEN};
    write_frame(scsi, slot, command);
    *begun = slot;
    return VIRTIO_OK;
}

/* Hand the command to the ring; on error it never began. */
static int submit(struct virtio_scsi *scsi, struct virtio_scsi_queue *queue,
                  struct virtio_scsi_slot *slot)
{
    struct virtio_buffer buffers[BUFFERS_BOTH];
    uint16_t count = 0;
    uint16_t readable;
    int error;

    buffers[count++] = (struct virtio_buffer){
        slot->frame_address + offsetof(struct virtio_scsi_frame, request), REQUEST_SIZE};
    if (slot->out.bytes != 0)
        buffers[count++] = (struct virtio_buffer){slot->out.address, slot->out.bytes};
    readable = count;
    buffers[count++] =
        (struct virtio_buffer){slot->frame_address + offsetof(struct virtio_scsi_frame, response),
                               sizeof(struct virtio_scsi_response_head)};
    if (slot->in.bytes != 0)
        buffers[count++] = (struct virtio_buffer){slot->in.address, slot->in.bytes};
    error =
        virtio_submit_buffers(&queue->queue, buffers, readable, (uint16_t)(count - readable), slot);
    if (error != VIRTIO_OK) {
        finish(scsi, slot, error);
        give_back_slot(queue, slot);
    }
    return error;
}

/* ---- What came back ---- */

/* Take the response out of shared memory, once. Where it does not come from the target the rest of it means
 * nothing, and is not looked at. */
static void take_response(const struct virtio_scsi *scsi, struct virtio_scsi_slot *slot)
{
    struct virtio_scsi_result *result = &slot->result;
    struct virtio_scsi_response_head head;
    bool legacy = scsi->device.legacy;

    virtio_give_shared(&scsi->device, slot->frame, sizeof(*slot->frame), VIRTIO_SYNC_FOR_CPU);
    memcpy(&head, &slot->frame->response, sizeof(head));
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* from here on it is the copy that counts */
    result->response = head.response;
    result->status = UNWRITTEN;
    result->residual = slot->out.bytes + slot->in.bytes;
    if (head.response != VIRTIO_SCSI_S_OK)
        return;
    result->status = head.status;
    result->status_qualifier = virtio_order16(legacy, head.status_qualifier);
    result->residual = virtio_order32(legacy, head.residual);
    result->sense_length = virtio_order32(legacy, head.sense_len);
    memcpy(result->sense, head.sense, sizeof(result->sense));
}

/*
 * Can these lengths be? The used length says too much with some devices (QEMU counts the data that it has read) and
 * nothing with others, which say 0: it is refused only where it is too small for what was written. That the
 * response was written shows in its value, and how much data there is in the residual.
 */
static bool lengths_make_sense(const struct virtio_scsi *scsi, const struct virtio_scsi_slot *slot,
                               uint32_t written)
{
    const struct virtio_scsi_result *result = &slot->result;
    uint32_t total = slot->out.bytes + slot->in.bytes;
    uint32_t read = slot->in.bytes > result->residual ? slot->in.bytes - result->residual : 0;
    uint32_t least = read != 0 ? (uint32_t)sizeof(struct virtio_scsi_response_head) + read
                               : (uint32_t)offsetof(struct virtio_scsi_response_head, sense);

    if (result->sense_length > VIRTIO_SCSI_SENSE_SIZE || result->residual > total)
        return false;
    return written == 0 || written >= least || scsi->device.legacy;
}

static int judge_sense(const struct virtio_scsi_result *result)
{
    struct virtio_scsi_sense sense;
    int error = virtio_scsi_decode_sense(result->sense, result->sense_length, &sense);

    if (error != VIRTIO_OK || sense.deferred)
        return VIRTIO_E_IO;
    switch (sense.key) {
    case VIRTIO_SCSI_NO_SENSE:
    case VIRTIO_SCSI_RECOVERED_ERROR:
        return VIRTIO_OK;
    case VIRTIO_SCSI_ILLEGAL_REQUEST:
        if (sense.asc == 0x21) /* logical block address out of range */
            return VIRTIO_E_OUT_OF_RANGE;
        if (sense.asc == 0x25) /* logical unit not supported */
            return VIRTIO_E_NO_DEVICE;
        return VIRTIO_E_UNSUPPORTED_REQUEST;
    case VIRTIO_SCSI_DATA_PROTECT:
        return VIRTIO_E_READ_ONLY;
    default:
        return VIRTIO_E_IO;
    }
}

static int judge_status(const struct virtio_scsi_result *result)
{
    switch (result->status) {
    case VIRTIO_SCSI_STATUS_GOOD:
    case VIRTIO_SCSI_STATUS_CONDITION_MET:
        return VIRTIO_OK;
    case VIRTIO_SCSI_STATUS_CHECK_CONDITION:
        return judge_sense(result);
    case VIRTIO_SCSI_STATUS_TASK_ABORTED:
        return VIRTIO_E_RESET;
    case VIRTIO_SCSI_STATUS_BUSY:
    case VIRTIO_SCSI_STATUS_RESERVATION_CONFLICT:
    case VIRTIO_SCSI_STATUS_TASK_SET_FULL:
    case VIRTIO_SCSI_STATUS_ACA_ACTIVE:
        return VIRTIO_E_IO;
    default:
        return VIRTIO_E_RESPONSE;
    }
}

int virtio_scsi_judge(const struct virtio_scsi_result *result)
{
    switch (result->response) {
    case VIRTIO_SCSI_S_OK:
        return judge_status(result);
    case VIRTIO_SCSI_S_ABORTED:
    case VIRTIO_SCSI_S_RESET:
        return VIRTIO_E_RESET;
    case VIRTIO_SCSI_S_BAD_TARGET:
    case VIRTIO_SCSI_S_INCORRECT_LUN:
        return VIRTIO_E_NO_DEVICE;
    case VIRTIO_SCSI_S_OVERRUN:
    case VIRTIO_SCSI_S_BUSY:
    case VIRTIO_SCSI_S_TRANSPORT_FAILURE:
    case VIRTIO_SCSI_S_TARGET_FAILURE:
    case VIRTIO_SCSI_S_NEXUS_FAILURE:
    case VIRTIO_SCSI_S_FAILURE:
        return VIRTIO_E_IO;
    default:
        return VIRTIO_E_RESPONSE;
    }
}

/* The command was used: judge it. */
static void complete(const struct virtio_scsi *scsi, struct virtio_scsi_slot *slot,
                     uint32_t written)
{
    struct virtio_scsi_result *result = &slot->result;
    int error;

    take_response(scsi, slot);
    if (lengths_make_sense(scsi, slot, written)) {
        error = virtio_scsi_judge(result);
    } else {
        error = VIRTIO_E_RESPONSE;
        result->sense_length = 0;
        result->residual = slot->out.bytes + slot->in.bytes;
    }
    if (error == VIRTIO_OK && (slot->flags & VIRTIO_SCSI_EXACT) != 0 && result->residual != 0)
        error = VIRTIO_E_RESPONSE;
    finish(scsi, slot, error);
}

/* ---- Blocking calls ---- */

/* Keep a finished command for the next virtio_scsi_reap. */
static void keep(struct virtio_scsi_queue *queue, struct virtio_scsi_slot *slot)
{
    slot->next = NULL;
    *queue->ready_tail = slot;
    queue->ready_tail = &slot->next;
}

/* The device failed with a command in flight, which must not stay the device's beyond this call. The slot is
 * still the queue's: it comes back by virtio_scsi_drain, which keeps it for itself. */
static int give_up(struct virtio_scsi *scsi, struct virtio_scsi_slot *slot, int error)
{
    if (virtio_scsi_halt(scsi) != VIRTIO_OK)
        return VIRTIO_E_BUSY;
    finish(scsi, slot, error);
    return error;
}

/* Wait for a command that was submitted. */
static int wait_for(struct virtio_scsi *scsi, struct virtio_scsi_queue *queue,
                    struct virtio_scsi_slot *slot)
{
    struct virtio_done used;
    int result = virtio_kick(&queue->queue);

    while (result >= 0) {
        result = virtio_wait(&queue->queue, &used, scsi->device.timeout_us);
        if (result > 0) {
            struct virtio_scsi_slot *finished = used.cookie;

            complete(scsi, finished, used.written);
            if (finished == slot) {
                give_back_slot(queue, slot);
                return slot->error;
            }
            keep(queue, finished);
        }
    }
    return give_up(scsi, slot, result);
}

int virtio_scsi_run(struct virtio_scsi *scsi, struct virtio_scsi_command *command, unsigned flags,
                    struct virtio_scsi_result *result)
{
    struct virtio_scsi_queue *queue;
    struct virtio_scsi_slot *slot;
    int error = begin(scsi, command, flags, &slot);

    if (result != NULL)
        *result = (struct virtio_scsi_result){.response = UNWRITTEN, .status = UNWRITTEN};
    if (error != VIRTIO_OK)
        return error;
    queue = &scsi->queues[command->queue];
    error = submit(scsi, queue, slot);
    if (error != VIRTIO_OK) {
        /* A failure that was known before the command halts the device, too. */
        if (virtio_error_leaves_in_flight(error))
            (void)virtio_scsi_halt(scsi);
        return error;
    }
    slot->is_waited = true;
    error = wait_for(scsi, queue, slot);
    if ((flags & VIRTIO_SCSI_ON_PAGE) != 0)
        virtio_give_shared(&scsi->device, queue->page, VIRTIO_SCSI_PAGE, VIRTIO_SYNC_FOR_CPU);
    if (result != NULL)
        *result = slot->result;
    return error;
}

int virtio_scsi_execute(struct virtio_scsi *scsi, struct virtio_scsi_command *command,
                        struct virtio_scsi_result *result)
{
    return virtio_scsi_run(scsi, command, 0, result);
}

/* ---- Asynchronous calls ---- */

int virtio_scsi_send(struct virtio_scsi *scsi, struct virtio_scsi_command *command, unsigned flags,
                     void *cookie)
{
    struct virtio_scsi_slot *slot;
    int error = begin(scsi, command, flags, &slot);

    if (error != VIRTIO_OK)
        return error;
    slot->cookie = cookie;
    error = submit(scsi, &scsi->queues[command->queue], slot);
    if (error == VIRTIO_OK)
        scsi->queues[command->queue].in_flight++;
    return error;
}

int virtio_scsi_submit(struct virtio_scsi *scsi, struct virtio_scsi_command *command, void *cookie)
{
    return virtio_scsi_send(scsi, command, 0, cookie);
}

static int check_queue(const struct virtio_scsi *scsi, uint16_t queue)
{
    if (!virtio_scsi_is_live(scsi))
        return VIRTIO_E_STATE;
    return queue < scsi->queue_count ? VIRTIO_OK : VIRTIO_E_INVALID;
}

int virtio_scsi_kick(struct virtio_scsi *scsi, uint16_t queue)
{
    int error = check_queue(scsi, queue);

    return error == VIRTIO_OK ? virtio_kick(&scsi->queues[queue].queue) : error;
}

uint16_t virtio_scsi_in_flight(const struct virtio_scsi *scsi, uint16_t queue)
{
    return queue < scsi->queue_count ? scsi->queues[queue].in_flight : 0;
}

/* Hand a finished command back to the caller. */
static int hand_back(struct virtio_scsi_queue *queue, struct virtio_scsi_slot *slot,
                     struct virtio_scsi_done *done)
{
    queue->in_flight--;
    done->cookie = slot->cookie;
    done->error = slot->error;
    done->result = slot->result;
    give_back_slot(queue, slot);
    return 1;
}

/* Hand back the oldest command that was kept, if there is one. */
static int hand_back_kept(struct virtio_scsi_queue *queue, struct virtio_scsi_done *done)
{
    struct virtio_scsi_slot *slot = queue->ready_slots;

    if (slot == NULL)
        return 0;
    queue->ready_slots = slot->next;
    if (slot->next == NULL)
        queue->ready_tail = &queue->ready_slots;
    return hand_back(queue, slot, done);
}

/* Take the next command that finishes; with a timeout of 0, without waiting for it. */
static int take(struct virtio_scsi *scsi, struct virtio_scsi_queue *queue,
                struct virtio_scsi_done *done, uint32_t timeout_us)
{
    struct virtio_done used;
    int result = hand_back_kept(queue, done);

    if (result != 0)
        return result;
    result = timeout_us != 0 ? virtio_wait(&queue->queue, &used, timeout_us)
                             : virtio_reap(&queue->queue, &used);
    if (result <= 0)
        return result;
    complete(scsi, used.cookie, used.written);
    return hand_back(queue, used.cookie, done);
}

int virtio_scsi_reap(struct virtio_scsi *scsi, uint16_t queue, struct virtio_scsi_done *done)
{
    int error = check_queue(scsi, queue);

    return error == VIRTIO_OK ? take(scsi, &scsi->queues[queue], done, 0) : error;
}

int virtio_scsi_wait(struct virtio_scsi *scsi, uint16_t queue, struct virtio_scsi_done *done,
                     uint32_t timeout_us)
{
    int error = timeout_us != 0 ? virtio_scsi_kick(scsi, queue) : VIRTIO_E_INVALID;

    return error == VIRTIO_OK ? take(scsi, &scsi->queues[queue], done, timeout_us) : error;
}

/* Take back what a queue has in flight; those of blocking calls are nobody's. A chain with nothing written, not even a
 * status, was taken by the reset. */
static void keep_drained(const struct virtio_scsi *scsi, struct virtio_scsi_queue *queue)
{
    struct virtio_done used;

    while (virtio_drain(&queue->queue, &used) > 0) {
        struct virtio_scsi_slot *slot = used.cookie;

        if (used.written != 0)
            complete(scsi, slot, used.written);
        else
            finish(scsi, slot, VIRTIO_E_RESET);
        if (slot->is_waited)
            give_back_slot(queue, slot);
        else
            keep(queue, slot);
    }
}

int virtio_scsi_drain(struct virtio_scsi *scsi, struct virtio_scsi_done *done)
{
    int result = 0;

    if (scsi->device.state == VIRTIO_DEVICE_FOUND)
        return 0;
    if (scsi->device.state != VIRTIO_DEVICE_STOPPED)
        return VIRTIO_E_BUSY;
    for (uint16_t i = 0; result == 0 && scsi->queues != NULL && i < scsi->queue_count; i++) {
        keep_drained(scsi, &scsi->queues[i]);
        result = hand_back_kept(&scsi->queues[i], done);
    }
    return result;
}

int virtio_scsi_recover(struct virtio_scsi *scsi)
{
    int error = virtio_device_renew(&scsi->device);

    if (error != VIRTIO_OK)
        return error;
    for (uint16_t i = 0; i < scsi->queue_count; i++)
        keep_drained(scsi, &scsi->queues[i]);
    virtio_scsi_control_renew(scsi);
    error = read_config(scsi);
    if (error == VIRTIO_OK)
        error = go_live(scsi);
    if (error != VIRTIO_OK)
        (void)virtio_scsi_halt(scsi);
    return error;
}
