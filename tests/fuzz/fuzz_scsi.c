/* SPDX-License-Identifier: MIT */
/*
 * Harness: the SCSI host driver, its transport and its command layer: answers, sense data, lists of units, vital
 * product data and events as the stream wants them.
 */
#include "driver.h"

#define STEPS       32u
#define QUEUES      4u /* control, events, two for requests */
#define BUFFER_SIZE 2048u

enum {
    CDB = 19, /* in a request */
    RESPONSE_SIZE = 108,
    INQUIRY = 0x12,
    READ_CAPACITY_10 = 0x25,
    SERVICE_ACTION_IN = 0x9e,
    REPORT_LUNS = 0xa0
};

struct rig {
    struct hostile *hostile;
    struct virtio_device found;
    struct virtio_scsi_options options;
    struct virtio_scsi scsi;
    struct virtio_scsi_unit unit;
};

/* One for each cookie, and one for blocking calls. */
static uint8_t buffers[HOSTILE_COOKIES + 1][BUFFER_SIZE];

/* What a good disk says. @return how many bytes. */
static uint32_t good_data(const uint8_t *cdb, uint8_t *data)
{
    switch (cdb[0]) {
    case INQUIRY:
        data[2] = 5;
        if (cdb[1] == 0) {
            data[4] = 31;
            return 36;
        }
        data[1] = cdb[2];
        data[2] = 0;
        data[3] = 60;
        data[5] = 0xb0;
        data[6] = 0xb2;
        return 64;
    case READ_CAPACITY_10:
        data[1] = 0x0f;
        data[6] = 2;
        return 8;
    case SERVICE_ACTION_IN:
        data[5] = 0x0f;
        data[10] = 2;
        return 32;
    case REPORT_LUNS:
        data[3] = 16;
        data[8 + 8 + 1] = 1;
        return 24;
    default:
        return 64;
    }
}

/* A command: GOOD, with good data; from 0xc0 on the data, from 0xe0 on the response is the stream's. */
static uint32_t serve_command(struct hostile *hostile, unsigned queue,
                              const struct hostile_chain *chain)
{
    uint8_t cdb[32] = {0};
    uint8_t response[RESPONSE_SIZE] = {0};
    uint8_t data[64] = {0};
    uint8_t style = hostile_byte(hostile);
    uint32_t size = hostile_writable(hostile, queue, chain);
    uint32_t count;

    (void)hostile_read_chain(hostile, queue, chain, CDB, cdb, sizeof(cdb));
    count = good_data(cdb, data);
    if (style >= 0xe0) {
        response[10] = hostile_byte(hostile);
        response[11] = hostile_byte(hostile);
        response[0] = hostile_byte(hostile);
        for (unsigned at = 0; at < 20 && (style & 1) != 0; at++)
            response[12 + at] = hostile_byte(hostile);
        if ((style & 2) != 0)
            response[4] = hostile_byte(hostile);
    } else if (style >= 0xc0) {
        for (unsigned at = 0; at < (style & 31u); at++)
            data[at] = hostile_byte(hostile);
    }
    (void)hostile_write_chain(hostile, queue, chain, 0, response, sizeof(response));
    (void)hostile_write_chain(hostile, queue, chain, RESPONSE_SIZE, data, count);
    if (style == 0xff) {
        hostile->lied = true;
        return hostile_length(hostile);
    }
    return size;
}

static uint32_t serve(struct hostile *hostile, unsigned queue, const struct hostile_chain *chain)
{
    if (queue >= 2)
        return serve_command(hostile, queue, chain);
    return hostile_serve_stream(hostile, queue, chain, 0, 16);
}

static void make_config(struct hostile *hostile)
{
    static const uint8_t config[36] = {
        [0] = QUEUES - 2, [4] = 126, [9] = 0x20, [12] = 8,    [16] = 16,
        [20] = 96,        [24] = 32, [30] = 1,   [32] = 0xff, [33] = 0x3f};
    uint8_t patches = hostile_byte(hostile) & 3;

    memcpy(hostile->config, config, sizeof(config));
    while (patches-- != 0) {
        uint8_t offset = hostile_byte(hostile);

        hostile->config[offset % 36] = hostile_byte(hostile);
        hostile->lied = true;
    }
}

static void submit(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    struct virtio_scsi_unit *unit = &rig->unit;
    void *cookie = hostile_cookie(hostile);
    uint32_t block = hostile_length(hostile);
    size_t bytes = (hostile_byte(hostile) & 3u) * 512u;
    uint8_t *buffer;
    int error;

    if (cookie == NULL)
        return;
    buffer = buffers[hostile_cookie_number(cookie)];
    if (what == 0)
        error = virtio_scsi_submit_read(unit, block, buffer, bytes, cookie);
    else if (what == 1)
        error = virtio_scsi_submit_write(unit, block, buffer, bytes, cookie);
    else
        error = virtio_scsi_submit_flush(unit, cookie);
    hostile_require(error <= 0);
    if (error != VIRTIO_OK)
        hostile_cookie_back(hostile, cookie);
}

static void come_back(struct rig *rig, const struct virtio_scsi_done *done)
{
    struct virtio_scsi_sense sense;

    hostile_cookie_back(rig->hostile, done->cookie);
    hostile_require(done->result.sense_length <= VIRTIO_SCSI_SENSE_SIZE);
    (void)virtio_scsi_decode_sense(done->result.sense, done->result.sense_length, &sense);
    (void)virtio_scsi_asc_name(sense.asc, sense.ascq);
}

static void take(struct rig *rig, uint16_t queue, bool waits)
{
    struct virtio_scsi_done done;
    int result = waits ? virtio_scsi_wait(&rig->scsi, queue, &done, rig->hostile->timeout_us)
                       : virtio_scsi_reap(&rig->scsi, queue, &done);

    hostile_require(result <= 1 && !(waits && result == 0));
    if (result == 1)
        come_back(rig, &done);
}

static void drain(void *context)
{
    struct rig *rig = context;
    struct virtio_scsi_done done;

    while (virtio_scsi_drain(&rig->scsi, &done) == 1)
        come_back(rig, &done);
}

static void scan(struct rig *rig)
{
    static struct virtio_scsi_scan walk;
    uint8_t target;
    uint16_t lun;

    virtio_scsi_scan_begin(&walk, &rig->scsi);
    for (unsigned units = 0; units < 4; units++) {
        if (virtio_scsi_scan_next(&walk, &target, &lun) != VIRTIO_OK)
            return;
        hostile_require(lun <= VIRTIO_SCSI_LUN_MAX);
    }
}

static void ask(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    struct virtio_scsi_unit *unit = &rig->unit;
    uint8_t *buffer = buffers[HOSTILE_COOKIES];
    struct virtio_scsi_designator designator;
    struct virtio_scsi_sense sense;
    uint32_t actual;
    size_t got = 0;
    size_t at = 0;

    switch (what & 7) {
    case 0:
        if (virtio_scsi_inquiry_page(unit, hostile_byte(hostile), buffer, 256, &got) == VIRTIO_OK)
            hostile_require(got <= 256);
        break;
    case 1:
        if (virtio_scsi_inquiry_page(unit, 0x83, buffer, 256, &got) == VIRTIO_OK) {
            while (virtio_scsi_next_designator(buffer, got, &at, &designator))
                hostile_require(designator.bytes >= buffer &&
                                designator.bytes + designator.length <= buffer + got);
        }
        break;
    case 2:
        (void)virtio_scsi_request_sense(unit, &sense);
        break;
    case 3:
        (void)virtio_scsi_read_capacity(unit);
        break;
    case 4:
        (void)virtio_scsi_unmap(unit, hostile_byte(hostile), hostile_byte(hostile));
        break;
    case 5:
        (void)virtio_scsi_manage(&rig->scsi, (enum virtio_scsi_tmf)(hostile_byte(hostile) & 7), 0,
                                 0, hostile_byte(hostile));
        break;
    case 6:
        (void)virtio_scsi_subscribe_notifications(&rig->scsi, 0, 0, 0x7e, &actual);
        break;
    default:
        (void)virtio_scsi_test_unit_ready(unit);
        break;
    }
}

HOSTILE_CALL(start, virtio_scsi_start(&rig->scsi, &rig->found, &rig->options))
HOSTILE_CALLS(virtio_scsi, &rig->scsi)

static void step(void *context, uint8_t what);

static const struct hostile_driver driver = {
    .start = start,
    .halt = halt,
    .recover = recover,
    .stop = stop,
    .drain = drain,
    .step = step,
    .steps = STEPS,
    .start_waits = 4,
    .step_waits = 300,
};

static void step(void *context, uint8_t what)
{
    struct rig *rig = context;
    struct hostile *hostile = rig->hostile;
    uint8_t *buffer = buffers[HOSTILE_COOKIES];
    struct virtio_scsi_event event;
    size_t bytes = (1u + (what >> 4 & 3u)) * 512u;

    switch (what & 15) {
    case 0:
        if (rig->hostile->cookies_out == 0 || (what & 0x80) != 0)
            (void)virtio_scsi_open(&rig->unit, &rig->scsi, 0, what >> 4 & 1);
        break;
    case 1:
        scan(rig);
        break;
    case 2:
        if (rig->unit.scsi != NULL)
            (void)((what & 0x80) != 0
                       ? virtio_scsi_write(&rig->unit, hostile_byte(hostile), buffer, bytes)
                       : virtio_scsi_read(&rig->unit, hostile_byte(hostile), buffer, bytes));
        break;
    case 3:
    case 4:
        if (rig->unit.scsi != NULL)
            submit(rig, what >> 4 & 3);
        break;
    case 5:
        (void)virtio_scsi_kick(&rig->scsi, what >> 4 & 1);
        break;
    case 6:
    case 7:
        take(rig, what >> 4 & 1, (what & 15) == 7);
        break;
    case 8:
        if (rig->unit.scsi != NULL)
            ask(rig, what >> 4);
        break;
    case 9:
        hostile_halt_or_recover(&driver, rig, what);
        break;
    case 10:
        drain(rig);
        break;
    case 11:
        hostile_start_again(&driver, rig);
        break;
    case 12:
        hostile_require(virtio_scsi_poll_event(&rig->scsi, &event) <= 1);
        break;
    case 13: /* an event comes */
        hostile_fetch(hostile, 1);
        hostile_complete(hostile, 1, 0, 0);
        break;
    default:
        hostile_work(hostile, (what >> 4) % QUEUES);
        break;
    }
    /* A unit that is busy is asked again for a quarter of a second, for each of a call's commands. */
    hostile->jumped += 40 * UINT64_C(256000);
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_SCSI, 0xf, QUEUES);
    hostile->queues[1].lazy = true;
    make_config(hostile);
    rig.options.queues = hostile_byte(hostile) & 3;
    hostile->serve = serve;
    hostile_drive(hostile, &rig.found, &driver, &rig);
}
