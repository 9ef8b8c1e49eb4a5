/* SPDX-License-Identifier: MIT */
/*
 * A fake SCSI controller (spec 5.6).
 */
#include "fake_scsi.h"

#include <string.h>
#include <virtio/scsi.h>

#define REQUEST_SIZE  51u
#define RESPONSE_SIZE 108u

static const uint8_t config_widths[] = {4, 4, 4, 4, 4, 4, 4, 2, 2, 4, 0};

static uint64_t big(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;

    while (width-- != 0)
        value = value << 8 | *bytes++;
    return value;
}

static void put_big(uint8_t *bytes, unsigned width, uint64_t value)
{
    while (width-- != 0) {
        bytes[width] = (uint8_t)value;
        value >>= 8;
    }
}

/* What a unit answers ----------------------------------------------------------------------------- */

/* A command on its way. */
struct task {
    struct fake_chain *chain;
    const struct fake_scsi_unit *unit; /* NULL: the target is there, the unit is not */
    uint8_t cdb[32];
    uint8_t lun[8];
    uint32_t out_bytes;
    uint32_t in_bytes;
    uint8_t answer[FAKE_SCSI_BYTES];
    uint32_t length; /* of the answer */
    uint32_t moved;
    uint8_t response;
    uint8_t status;
};

static void fail_with(struct fake_scsi *scsi, struct task *task, uint8_t key, uint8_t asc,
                      uint8_t ascq)
{
    fake_scsi_set_sense(scsi, key, asc, ascq);
    task->status = VIRTIO_SCSI_STATUS_CHECK_CONDITION;
    task->length = 0;
}

static void inquiry_page(struct fake_scsi *scsi, struct task *task)
{
    static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};
    uint8_t *page = task->answer;

    page[1] = task->cdb[2];
    page[3] = 0x3c;
    switch (task->cdb[2]) {
    case 0x00:
        page[3] = sizeof(pages);
        memcpy(page + 4, pages, sizeof(pages));
        break;
    case 0x80:
        page[3] = 8;
        memcpy(page + 4, "fake  1 ", 8);
        break;
    case 0x83:
        page[3] = 12;
        page[4] = 2;
        page[5] = 1;
        page[7] = 8;
        memcpy(page + 8, "a vendor", 8);
        break;
    case 0xb0:
        put_big(page + 8, 4, 40);
        put_big(page + 20, 4, 10);
        put_big(page + 28, 4, 2);
        break;
    case 0xb1:
        put_big(page + 4, 2, 1);
        break;
    case 0xb2:
        page[3] = 4;
        page[5] = 0x80;
        break;
    default:
        fail_with(scsi, task, 5, 0x24, 0);
        return;
    }
    task->length = 4u + page[3];
}

static void inquiry(struct fake_scsi *scsi, struct task *task)
{
    if ((task->cdb[1] & 1) != 0 && task->unit) {
        inquiry_page(scsi, task);
        return;
    }
    task->answer[0] = task->unit ? task->unit->type : 0x7f;
    task->answer[1] = task->unit && task->unit->type == 5 ? 0x80 : 0;
    task->answer[2] = 5;
    task->answer[4] = 31;
    memcpy(task->answer + 8, "FAKE    disk of memory  1.0 ", 28);
    task->length = 36;
}

static void report_luns(struct fake_scsi *scsi, struct task *task)
{
    uint32_t length = 8;

    for (unsigned i = 0; i < FAKE_SCSI_UNITS; i++) {
        if (scsi->units[i].target != task->lun[1])
            continue;
        task->answer[length] =
            scsi->units[i].lun > 255 ? (uint8_t)(0x40 | scsi->units[i].lun >> 8) : 0;
        task->answer[length + 1] = (uint8_t)scsi->units[i].lun;
        length += 8;
    }
    put_big(task->answer, 4, length - 8);
    task->length = length;
}

static void capacity(struct task *task, bool is_long)
{
    uint64_t last = task->unit->blocks - 1;

    if (is_long) {
        put_big(task->answer, 8, last);
        put_big(task->answer + 8, 4, task->unit->block_size);
        task->answer[13] = 3;
        task->answer[14] = 0x80;
        task->length = 32;
    } else {
        put_big(task->answer, 4, last < UINT32_MAX ? last : UINT32_MAX);
        put_big(task->answer + 4, 4, task->unit->block_size);
        task->length = 8;
    }
}

/* A read, a write, a synchronize or an unmap: of which blocks? Those far out are the medium's first ones, too. */
static void blocks(struct fake_scsi *scsi, struct task *task, uint64_t first, uint64_t count,
                   int kind)
{
    uint64_t size = task->unit->block_size;
    uint64_t at = first * size % FAKE_SCSI_BYTES;
    size_t bytes;

    if (first > task->unit->blocks || count > task->unit->blocks - first) {
        fail_with(scsi, task, 5, 0x21, 0);
        return;
    }
    if (kind == 0)
        return;
    if (kind != 3 && count * size > task->in_bytes + task->out_bytes) {
        task->response = VIRTIO_SCSI_S_OVERRUN;
        return;
    }
    if (at + count * size > FAKE_SCSI_BYTES) {
        fail_with(scsi, task, 4, 0x44, 0);
        return;
    }
    bytes = (size_t)(count * size);
    if (kind == 1) {
        memcpy(task->answer, scsi->data + at, bytes);
        task->length = (uint32_t)bytes;
    } else if (kind == 2) {
        fake_chain_read(task->chain, REQUEST_SIZE, scsi->data + at, bytes);
        task->moved = (uint32_t)bytes;
    } else {
        memset(scsi->data + at, 0, bytes);
    }
}

static void unmap(struct fake_scsi *scsi, struct task *task)
{
    uint8_t list[24];

    if (task->out_bytes != sizeof(list)) {
        fail_with(scsi, task, 5, 0x1a, 0);
        return;
    }
    fake_chain_read(task->chain, REQUEST_SIZE, list, sizeof(list));
    task->moved = sizeof(list);
    if (big(list, 2) != 22 || big(list + 2, 2) != 16 || big(task->cdb + 7, 2) != 24)
        fail_with(scsi, task, 5, 0x26, 0);
    else
        blocks(scsi, task, big(list + 8, 8), big(list + 16, 4), 3);
}

static void execute(struct fake_scsi *scsi, struct task *task)
{
    const uint8_t *cdb = task->cdb;

    if (!task->unit && cdb[0] != 0x12 && cdb[0] != 0xa0) {
        fail_with(scsi, task, 5, 0x25, 0);
        return;
    }
    switch (cdb[0]) {
    case 0x00:
        break;
    case 0x03:
        memcpy(task->answer, scsi->sense, scsi->sense_length);
        task->length = scsi->sense_length;
        break;
    case 0x12:
        inquiry(scsi, task);
        break;
    case 0x25:
        capacity(task, false);
        break;
    case 0x9e:
        capacity(task, true);
        break;
    case 0x28:
    case 0x2a:
        blocks(scsi, task, big(cdb + 2, 4), big(cdb + 7, 2), cdb[0] == 0x28 ? 1 : 2);
        break;
    case 0x88:
    case 0x8a:
        blocks(scsi, task, big(cdb + 2, 8), big(cdb + 10, 4), cdb[0] == 0x88 ? 1 : 2);
        break;
    case 0x35:
        blocks(scsi, task, big(cdb + 2, 4), big(cdb + 7, 2), 0);
        break;
    case 0x91:
        blocks(scsi, task, big(cdb + 2, 8), big(cdb + 10, 4), 0);
        break;
    case 0x42:
        unmap(scsi, task);
        break;
    case 0xa0:
        report_luns(scsi, task);
        break;
    case 0xff: /* data both ways: what was sent comes back */
        fake_chain_read(task->chain, REQUEST_SIZE, task->answer, task->out_bytes);
        task->length = task->out_bytes;
        task->moved = task->out_bytes;
        break;
    default:
        fail_with(scsi, task, 5, 0x20, 0);
        break;
    }
}

/* Something that the test wants instead of an answer? */
static bool misbehaves(struct fake_scsi *scsi, struct task *task)
{
    uint8_t opcode = task->cdb[0];

    for (unsigned i = 0; i < sizeof(scsi->unknown); i++) {
        if (scsi->unknown[i] != 0 && scsi->unknown[i] == opcode) {
            fail_with(scsi, task, 5, 0x20, 0);
            return true;
        }
    }
    if (scsi->device_busy != 0) {
        scsi->device_busy--;
        task->response = VIRTIO_SCSI_S_BUSY;
        return true;
    }
    if (opcode == 0x12 || opcode == 0xa0)
        return false;
    if (scsi->attentions != 0) {
        scsi->attentions--;
        task->status = VIRTIO_SCSI_STATUS_CHECK_CONDITION;
        return true;
    }
    if (scsi->busy != 0) {
        task->status =
            scsi->busy % 2 != 0 ? VIRTIO_SCSI_STATUS_BUSY : VIRTIO_SCSI_STATUS_TASK_SET_FULL;
        scsi->busy--;
        return true;
    }
    return false;
}

/* Data and response go back. */
static void finish(struct fake_scsi *scsi, struct task *task)
{
    uint8_t response[RESPONSE_SIZE] = {0};
    uint32_t data = task->length < task->in_bytes ? task->length : task->in_bytes;
    uint32_t residual;
    uint32_t sense = 0;

    if (data > scsi->answer_limit)
        data = scsi->answer_limit;
    if (task->response != VIRTIO_SCSI_S_OK)
        data = 0;
    residual = task->out_bytes + task->in_bytes - task->moved - data;
    if (task->status == VIRTIO_SCSI_STATUS_CHECK_CONDITION)
        sense = scsi->sense_length < VIRTIO_SCSI_SENSE_SIZE ? scsi->sense_length
                                                            : VIRTIO_SCSI_SENSE_SIZE;
    memcpy(response + 12, scsi->sense, sense);
    fake_put(scsi->device, response, 4, scsi->sense_says >= 0 ? (uint32_t)scsi->sense_says : sense);
    fake_put(scsi->device, response + 4, 4,
             scsi->residual_says >= 0 ? (uint32_t)scsi->residual_says : residual);
    fake_put(scsi->device, response + 8, 2, scsi->qualifier);
    response[10] = scsi->status >= 0 ? (uint8_t)scsi->status : task->status;
    response[11] = scsi->response >= 0 ? (uint8_t)scsi->response : task->response;
    fake_chain_write(task->chain, 0, response, sizeof(response));
    fake_chain_write(task->chain, RESPONSE_SIZE, task->answer, data);
    fake_chain_complete(task->chain, scsi->written_says == -1 ? RESPONSE_SIZE + data
                                     : scsi->written_says == -2
                                         ? RESPONSE_SIZE + task->in_bytes + task->out_bytes
                                         : (uint32_t)scsi->written_says);
}

/* Commands ---------------------------------------------------------------------------------------- */

static bool check_lun(struct fake_scsi *scsi, const uint8_t *lun)
{
    bool good = lun[0] == 1 && lun[2] >= 0x40 && lun[2] < 0x80 && big(lun + 4, 4) == 0;

    if (!good)
        fake_rule(scsi->device, "scsi-lun", "5.6.6.1", "%02x %02x %02x %02x ...", lun[0], lun[1],
                  lun[2], lun[3]);
    return good;
}

static void check_tag(struct fake_scsi *scsi, const struct fake_chain *chain, uint64_t tag)
{
    for (unsigned queue = 2; queue < 2 + FAKE_SCSI_QUEUES; queue++) {
        struct fake_chain *other;

        for (unsigned n = 0; (other = fake_queue_chain(&scsi->device->queues[queue], n)) != NULL;
             n++) {
            uint8_t bytes[16];

            if (other == chain || other->readable < sizeof(bytes))
                continue;
            fake_chain_read(other, 0, bytes, sizeof(bytes));
            if (fake_get(scsi->device, bytes + 8, 8) == tag)
                fake_rule(scsi->device, "scsi-tag", "5.6.6.1", "two commands have the tag 0x%llx",
                          (unsigned long long)tag);
        }
    }
}

/* Take the request apart. @return false when it is none. */
static bool take_request(struct fake_scsi *scsi, struct fake_chain *chain, struct task *task)
{
    uint8_t request[REQUEST_SIZE];
    unsigned writable = 0;

    while (writable < chain->count && !chain->descriptors[writable].writable)
        writable++;
    if (chain->readable < REQUEST_SIZE || chain->writable < RESPONSE_SIZE ||
        chain->descriptors[0].length != REQUEST_SIZE ||
        chain->descriptors[writable].length != RESPONSE_SIZE) {
        fake_rule(scsi->device, "scsi-frame", "5.6.6.1, 5.6.6.4", "%llu bytes, %llu writable",
                  (unsigned long long)chain->readable, (unsigned long long)chain->writable);
        fake_chain_complete(chain, 0);
        return false;
    }
    fake_chain_read(chain, 0, request, sizeof(request));
    memset(task, 0, sizeof(*task));
    task->chain = chain;
    memcpy(task->lun, request, 8);
    memcpy(task->cdb, request + 19, 32);
    task->out_bytes = (uint32_t)chain->readable - REQUEST_SIZE;
    task->in_bytes = (uint32_t)chain->writable - RESPONSE_SIZE;
    scsi->tag = fake_get(scsi->device, request + 8, 8);
    if (request[16] != 0 || request[17] != 0 || request[18] != 0)
        fake_rule(scsi->device, "scsi-task-fields", "5.6.6.1.2", "task_attr %u, prio %u, crn %u",
                  request[16], request[17], request[18]);
    if (task->out_bytes != 0 && task->in_bytes != 0 &&
        !(scsi->device->driver_features & VIRTIO_SCSI_F_INOUT))
        fake_rule(scsi->device, "scsi-both-ways", "5.6.6.1.1", "%u bytes out and %u in",
                  (unsigned)task->out_bytes, (unsigned)task->in_bytes);
    (void)check_lun(scsi, request);
    return true;
}

/* Which unit it is for. */
static void find_unit(const struct fake_scsi *scsi, struct task *task)
{
    uint16_t lun = (uint16_t)((task->lun[2] & 0x3f) << 8 | task->lun[3]);

    task->response = VIRTIO_SCSI_S_BAD_TARGET;
    for (unsigned i = 0; i < FAKE_SCSI_UNITS; i++) {
        if (scsi->units[i].target != task->lun[1])
            continue;
        task->response = VIRTIO_SCSI_S_OK;
        if (scsi->units[i].lun == lun)
            task->unit = &scsi->units[i];
    }
}

static void work(struct fake_scsi *scsi, struct fake_chain *chain)
{
    static struct task task;

    if (!take_request(scsi, chain, &task))
        return;
    memcpy(scsi->cdb, task.cdb, sizeof(scsi->cdb));
    if (task.out_bytes != 0)
        fake_chain_read(chain, REQUEST_SIZE, scsi->out,
                        task.out_bytes < sizeof(scsi->out) ? task.out_bytes : sizeof(scsi->out));
    find_unit(scsi, &task);
    if (task.response == VIRTIO_SCSI_S_OK && !misbehaves(scsi, &task)) {
        if (scsi->answer_to != 0 && scsi->answer_to == task.cdb[0]) {
            memcpy(task.answer, scsi->answer, scsi->answer_length);
            task.length = scsi->answer_length;
        } else {
            execute(scsi, &task);
        }
    }
    finish(scsi, &task);
}

static void take_command(struct fake_scsi *scsi, struct fake_chain *chain)
{
    uint8_t head[20];

    if (chain->readable >= sizeof(head)) {
        fake_chain_read(chain, 0, head, sizeof(head));
        check_tag(scsi, chain, fake_get(scsi->device, head + 8, 8));
        scsi->by_opcode[head[19]]++;
    }
    scsi->commands++;
    if (scsi->drop_next != 0) {
        scsi->drop_next--;
        return;
    }
    if (!scsi->held)
        work(scsi, chain);
}

void fake_scsi_finish(struct fake_scsi *scsi, unsigned queue, unsigned n)
{
    work(scsi, fake_queue_chain(&scsi->device->queues[2 + queue], n));
}

/* Control requests and events --------------------------------------------------------------------- */

static void take_control(struct fake_scsi *scsi, struct fake_chain *chain)
{
    uint8_t request[24] = {0};
    uint8_t answer[5];
    bool is_tmf = chain->readable == 24 && chain->writable == 1;

    if (!is_tmf && (chain->readable != 16 || chain->writable != 5)) {
        fake_rule(scsi->device, "scsi-control", "5.6.6.2", "%llu bytes, %llu writable",
                  (unsigned long long)chain->readable, (unsigned long long)chain->writable);
        fake_chain_complete(chain, 0);
        return;
    }
    fake_chain_read(chain, 0, request, (size_t)chain->readable);
    scsi->controls++;
    scsi->type = (uint32_t)fake_get(scsi->device, request, 4);
    if ((scsi->type == 0) != is_tmf || scsi->type > 2)
        fake_rule(scsi->device, "scsi-control-type", "5.6.6.2", "%u", (unsigned)scsi->type);
    memcpy(scsi->lun, request + (is_tmf ? 8 : 4), 8);
    (void)check_lun(scsi, scsi->lun);
    scsi->subtype = (uint32_t)fake_get(scsi->device, request + 4, 4);
    scsi->id = fake_get(scsi->device, request + 16, 8);
    scsi->requested = (uint32_t)fake_get(scsi->device, request + 12, 4);
    if (scsi->silent_control)
        return;
    fake_put(scsi->device, answer, 4, scsi->notifications);
    answer[4] = (uint8_t)scsi->control_response;
    fake_chain_write(chain, 0, is_tmf ? answer + 4 : answer, is_tmf ? 1 : 5);
    fake_chain_complete(chain, is_tmf ? 1 : 5);
}

static void take_event_buffer(struct fake_scsi *scsi, const struct fake_chain *chain)
{
    uint64_t size = fake_get(scsi->device, scsi->device->config + FAKE_SCSI_EVENT_SIZE, 4);

    if (chain->readable != 0 || chain->writable < 16 || (size <= 4096 && chain->writable < size))
        fake_rule(scsi->device, "scsi-event-buffer", "5.6.6.3.1", "%llu bytes, %llu readable",
                  (unsigned long long)chain->writable, (unsigned long long)chain->readable);
}

bool fake_scsi_event(struct fake_scsi *scsi, uint32_t event, const uint8_t lun[8], uint32_t reason,
                     uint32_t written)
{
    struct fake_chain *chain = fake_queue_chain(&scsi->device->queues[1], 0);
    uint8_t bytes[16];

    if (!chain)
        return false;
    fake_put(scsi->device, bytes, 4, event);
    memcpy(bytes + 4, lun, 8);
    fake_put(scsi->device, bytes + 12, 4, reason);
    fake_chain_write(chain, 0, bytes, sizeof(bytes));
    fake_chain_complete(chain, written);
    return true;
}

/* The device -------------------------------------------------------------------------------------- */

static void scsi_request(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_scsi *scsi = device->behaviour_context;

    if (chain->queue->index == 0)
        take_control(scsi, chain);
    else if (chain->queue->index == 1)
        take_event_buffer(scsi, chain);
    else
        take_command(scsi, chain);
}

static void scsi_config_written(struct fake_device *device, uint32_t offset, unsigned width)
{
    const struct fake_scsi *scsi = device->behaviour_context;

    if ((offset != FAKE_SCSI_SENSE_SIZE && offset != FAKE_SCSI_CDB_SIZE) || width != 4)
        fake_rule(device, "scsi-config-written", "5.6.4.1", "%u bytes at %u", width,
                  (unsigned)offset);
    if (scsi->keeps_sizes)
        fake_device_set_config(device, offset, width, 77);
}

static const struct fake_behaviour behaviour = {.request = scsi_request,
                                                .config_written = scsi_config_written};

void fake_scsi_set_sense(struct fake_scsi *scsi, uint8_t key, uint8_t asc, uint8_t ascq)
{
    memset(scsi->sense, 0, sizeof(scsi->sense));
    scsi->sense[0] = 0x70;
    scsi->sense[2] = key;
    scsi->sense[7] = 10;
    scsi->sense[12] = asc;
    scsi->sense[13] = ascq;
    scsi->sense_length = 18;
}

void fake_scsi_begin(struct fake_scsi *scsi, struct fake_device *device)
{
    static const struct fake_scsi_unit units[FAKE_SCSI_UNITS] = {
        {0, 0, 0, 128, 512}, {0, 300, 0, 16, 4096}, {2, 1, 5, 32, 2048}, {255, 0, 0, 128, 512}};

    memset(scsi, 0, sizeof(*scsi));
    scsi->device = device;
    memcpy(scsi->units, units, sizeof(units));
    scsi->response = -1;
    scsi->status = -1;
    scsi->sense_says = -1;
    scsi->residual_says = -1;
    scsi->written_says = -1;
    scsi->answer_limit = UINT32_MAX;
    fake_scsi_set_sense(scsi, 0, 0, 0);
    for (unsigned i = 0; i < FAKE_SCSI_BYTES; i++)
        scsi->data[i] = (uint8_t)(i * 7 + i / 512);
    device->type = VIRTIO_ID_SCSI;
    device->behaviour = &behaviour;
    device->behaviour_context = scsi;
    device->config_widths = config_widths;
    memset(device->config, 0, sizeof(device->config));
    fake_device_set_config(device, FAKE_SCSI_NUM_QUEUES, 4, FAKE_SCSI_QUEUES);
    fake_device_set_config(device, FAKE_SCSI_SEG_MAX, 4, 62);
    fake_device_set_config(device, FAKE_SCSI_MAX_SECTORS, 4, 64);
    fake_device_set_config(device, FAKE_SCSI_CMD_PER_LUN, 4, 32);
    fake_device_set_config(device, FAKE_SCSI_EVENT_SIZE, 4, 16);
    fake_device_set_config(device, FAKE_SCSI_SENSE_SIZE, 4, 96);
    fake_device_set_config(device, FAKE_SCSI_CDB_SIZE, 4, 32);
    fake_device_set_config(device, FAKE_SCSI_MAX_TARGET, 2, 255);
    fake_device_set_config(device, FAKE_SCSI_MAX_LUN, 4, 16383);
    device->config_size = 36;
    device->features |= VIRTIO_SCSI_F_HOTPLUG | VIRTIO_SCSI_F_CHANGE;
    device->queue_count = 2 + FAKE_SCSI_QUEUES;
    for (unsigned i = 0; i < device->queue_count; i++)
        device->queues[i].maximum = 64;
}
