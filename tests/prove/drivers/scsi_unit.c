/* SPDX-License-Identifier: MIT */
/*
 * Proof of the SCSI driver's command layer: units that are found, opened, asked, read and written. A
 * controller of any state with one request queue; commands are carried out by the contract of virtio_scsi_run
 * (below). A unit is set to anything that virtio_scsi_open and
 * virtio_scsi_read_capacity may leave (havoc_unit); one call is made.
 */
#include "../../../src/drivers/scsi_internal.h"
#include "../host.h"

static struct virtio_scsi scsi;
static struct virtio_scsi_queue request_queue;
static uint8_t page[VIRTIO_SCSI_PAGE];
static struct virtio_scsi_unit unit;
static struct virtio_scsi_scan scan;
static uint8_t buffer[4];
static uint8_t answer[VIRTIO_SCSI_PAGE];
static uint16_t luns[4];

/* ---- Commands by their contract ---- */

/* Small data is within the page. It succeeds or does not; as much as was asked for did not come, at most, and sense data
 * is no longer than there is room for. */
int virtio_scsi_run(struct virtio_scsi *controller, struct virtio_scsi_command *command,
                    unsigned flags, struct virtio_scsi_result *result)
{
    uint32_t total = (uint32_t)(command->in_bytes + command->out_bytes);

    /*@ assert a_controller: controller == &scsi; */
    (void)controller;
    if ((flags & VIRTIO_SCSI_ON_PAGE) != 0) {
        /*@ assert on_the_page: command->in_bytes <= VIRTIO_SCSI_PAGE && command->out_bytes <= VIRTIO_SCSI_PAGE; */
        Frama_C_make_unknown((char *)page, sizeof(page));
    }
    Frama_C_make_unknown((char *)result, sizeof(*result));
    result->residual = (uint32_t)Frama_C_unsigned_int_interval(0, total);
    result->sense_length = prove_below(VIRTIO_SCSI_SENSE_SIZE + 1);
    scsi.device.state = prove_maybe() ? scsi.device.state : VIRTIO_DEVICE_STOPPED;
    return prove_maybe() ? VIRTIO_OK : -1 - (int)prove_below(99);
}

int virtio_scsi_send(struct virtio_scsi *controller, struct virtio_scsi_command *command,
                     unsigned flags, void *cookie)
{
    (void)controller;
    (void)command;
    (void)flags;
    (void)cookie;
    return -(int)prove_below(100);
}

bool virtio_scsi_get_lun(const uint8_t *bytes, uint16_t *lun)
{
    *lun = (uint16_t)((bytes[0] & 0x3fu) << 8 | bytes[1]);
    return prove_maybe();
}

/* ---- The state ---- */

static void any_controller(void)
{
    request_queue.page = page;
    scsi.queues = &request_queue;
    scsi.queue_count = 1;
    scsi.max_sectors = prove_any();
    scsi.max_lun = prove_below(VIRTIO_SCSI_LUN_MAX + 1);
    scsi.max_target = (uint16_t)prove_below(256);
    scsi.device.host = &prove_host;
    scsi.device.state = (enum virtio_device_state)prove_below(VIRTIO_DEVICE_LOST + 1);
}

/* A unit that is ready has blocks of a size that makes sense, and others are not divided by. */
static void havoc_unit(void)
{
    unit.scsi = &scsi;
    unit.queue = (uint16_t)prove_any();
    unit.lun = (uint16_t)prove_any();
    unit.target = (uint8_t)prove_any();
    unit.type = (uint8_t)prove_any();
    unit.ready = prove_maybe();
    unit.unmaps = prove_maybe();
    unit.blocks = prove_any64();
    unit.block_size = 256u << prove_below(9);
    unit.transfer_max = prove_any();
    unit.unmap_max = prove_any();
    unit.transfer_blocks = prove_any();
    unit.attentions = prove_any();
    Frama_C_make_unknown((char *)&unit.result, sizeof(unit.result));
}

/* All that reads and writes divide by it. */
static void read_capacity(void)
{
    if (virtio_scsi_read_capacity(&unit) != VIRTIO_OK)
        return;
    /*@ assert a_size: 256 <= unit.block_size <= 65536; */
}

/* ---- A call ---- */

/* Answers of any length for some sizes: the smallest, those of a head and one less, and the largest. */
static void inquire_some(void)
{
    uint32_t size = (uint32_t[]){0, 1, 3, 4, 5, 36, 255, VIRTIO_SCSI_PAGE}[prove_below(8)];
    struct virtio_scsi_designator designator;
    size_t got;
    size_t at = prove_any64();

    //@ split size;
    (void)virtio_scsi_inquiry(&unit, answer, size, &got);
    if (virtio_scsi_inquiry_page(&unit, (uint8_t)prove_any(), answer, size, &got) == VIRTIO_OK)
        (void)virtio_scsi_next_designator(answer, got, &at, &designator);
}

static void find(void)
{
    uint8_t target;
    uint16_t lun;
    uint32_t count;
    bool truncated;

    if (prove_maybe()) {
        (void)virtio_scsi_report_luns(&scsi, (uint16_t)prove_any(), (uint8_t)prove_any(), luns, 4,
                                      &count, &truncated);
        return;
    }
    virtio_scsi_scan_begin(&scan, &scsi);
    scan.target = prove_below(257);
    scan.count = prove_below(VIRTIO_SCSI_SCAN_UNITS + 1);
    scan.next = prove_below(VIRTIO_SCSI_SCAN_UNITS + 1);
    Frama_C_make_unknown((char *)scan.luns, sizeof(scan.luns));
    (void)virtio_scsi_scan_next(&scan, &target, &lun);
    /*@ assert listed: scan.count <= VIRTIO_SCSI_SCAN_UNITS; */
}

static void move_data(void)
{
    switch (prove_below(7)) {
    case 0:
        (void)virtio_scsi_read(&unit, prove_any64(), buffer, prove_any64());
        break;
    case 1:
        (void)virtio_scsi_write(&unit, prove_any64(), buffer, prove_any64());
        break;
    case 2:
        (void)virtio_scsi_submit_read(&unit, prove_any64(), buffer, prove_any64(), buffer);
        break;
    case 3:
        (void)virtio_scsi_submit_write(&unit, prove_any64(), buffer, prove_any64(), buffer);
        break;
    case 4:
        (void)virtio_scsi_submit_flush(&unit, buffer);
        break;
    case 5:
        (void)virtio_scsi_flush(&unit);
        break;
    default:
        (void)virtio_scsi_unmap(&unit, prove_any64(), prove_any64());
    }
}

static void use(void)
{
    struct virtio_scsi_sense sense;

    switch (prove_below(7)) {
    case 0:
        (void)virtio_scsi_open(&unit, &scsi, (uint8_t)prove_any(), (uint16_t)prove_any());
        break;
    case 1:
        read_capacity();
        break;
    case 2:
        (void)virtio_scsi_request_sense(&unit, &sense);
        break;
    case 3:
        (void)virtio_scsi_test_unit_ready(&unit);
        break;
    case 4:
        find();
        break;
    case 5:
        inquire_some();
        break;
    default:
        move_data();
    }
}

int main(void)
{
    prove_host_begin(false);
    prove_host_vary();
    any_controller();
    havoc_unit();
    use();
    return 0;
}
