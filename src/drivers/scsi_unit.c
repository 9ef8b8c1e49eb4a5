/* SPDX-License-Identifier: MIT */
/*
 * The SCSI host device driver, its command layer: the commands that a disk or a CD drive needs (SPC, SBC), on top of
 * the transport. What an answer says is checked against what came before it is used; numbers in it are big-endian.
 *
 * Small answers go through the request queue's page, which is only one blocking call's at a time.
 *
 * Must not: know a ring, a slot or a wire structure of virtio.
 */
#include "scsi_internal.h"

#define TEST_UNIT_READY      0x00u
#define REQUEST_SENSE        0x03u
#define INQUIRY              0x12u
#define READ_CAPACITY_10     0x25u
#define READ_10              0x28u
#define WRITE_10             0x2au
#define SYNCHRONIZE_CACHE_10 0x35u
#define UNMAP                0x42u
#define READ_16              0x88u
#define WRITE_16             0x8au
#define SYNCHRONIZE_CACHE_16 0x91u
#define SERVICE_ACTION_IN_16 0x9eu
#define REPORT_LUNS          0xa0u

#define READ_CAPACITY_16 0x10u /* a service action */

#define INQUIRY_SIZE       36u
#define REQUEST_SENSE_SIZE 96u
#define CAPACITY_10_SIZE   8u
#define CAPACITY_16_SIZE   32u
#define CAPACITY_16_LEAST  12u
#define LUN_LIST_HEAD      8u
#define LUN_ENTRY          8u
#define PAGE_HEAD          4u
#define UNMAP_SIZE         24u /* a head and one descriptor */

#define PAGES_SUPPORTED 0x00u
#define PAGE_SERIAL     0x80u
#define PAGE_LIMITS     0xb0u
#define PAGE_CHARACTER  0xb1u
#define PAGE_PROVISION  0xb2u

#define BLOCK_SIZE_MIN 256u
#define BLOCK_SIZE_MAX 65536u

#define TYPE_DISK    0x00u
#define TYPE_CD      0x05u
#define TYPE_OPTICAL 0x07u
#define TYPE_SIMPLE  0x0eu
#define TYPE_ZONED   0x14u

#define ASC_INVALID_OPCODE 0x20u
#define ASC_MEDIUM_CHANGED 0x28u

/* The blocks that the command names may be another medium's after a unit attention: beside the transport's flags. */
#define MEDIUM_MATTERS 0x10u
#define SEND_FLAGS     0x0fu

#define PAUSE_US 1000u /* the first; then twice as long each time */

/* ---- Sending, and sending again ---- */

static void wait_a_while(const struct virtio_host *host, uint32_t microseconds)
{
    struct virtio_deadline deadline;

    virtio_deadline_begin(&deadline, host, microseconds);
    while (!virtio_deadline_passed(&deadline, host))
        continue;
}

/* Did a unit attention condition fail the command? Then it was not carried out. */
static bool met_attention(struct virtio_scsi_unit *unit)
{
    const struct virtio_scsi_result *result = &unit->result;
    struct virtio_scsi_sense sense;

    if (result->response != VIRTIO_SCSI_S_OK ||
        result->status != VIRTIO_SCSI_STATUS_CHECK_CONDITION ||
        virtio_scsi_decode_sense(result->sense, result->sense_length, &sense) != VIRTIO_OK ||
        sense.key != VIRTIO_SCSI_UNIT_ATTENTION || sense.deferred)
        return false;
    unit->attention = sense;
    unit->attentions++;
    return true;
}

static bool met_busy(const struct virtio_scsi_result *result)
{
    return result->response == VIRTIO_SCSI_S_BUSY ||
           (result->response == VIRTIO_SCSI_S_OK &&
            (result->status == VIRTIO_SCSI_STATUS_BUSY ||
             result->status == VIRTIO_SCSI_STATUS_TASK_SET_FULL));
}

/* Carry a command out, and repeat it by the rule of the manual. */
static int perform(struct virtio_scsi_unit *unit, struct virtio_scsi_command *command,
                   unsigned flags)
{
    command->queue = unit->queue;
    command->target = unit->target;
    command->lun = unit->lun;
    for (unsigned repeats = 0;; repeats++) {
        int error = virtio_scsi_run(unit->scsi, command, flags & SEND_FLAGS, &unit->result);
        bool attention = error == VIRTIO_E_IO && met_attention(unit);

        if (error != VIRTIO_E_IO || repeats == VIRTIO_SCSI_RETRIES)
            return error;
        if (attention) {
            if ((flags & MEDIUM_MATTERS) != 0 && unit->attention.asc == ASC_MEDIUM_CHANGED)
                return error;
        } else if (met_busy(&unit->result)) {
            wait_a_while(unit->scsi->device.host, PAUSE_US << repeats);
        } else {
            return error;
        }
    }
}

/* The page of the queue that the unit uses; NULL when there is none to use now, and `error` why. */
static uint8_t *page_of(const struct virtio_scsi_unit *unit, int *error)
{
    const struct virtio_scsi *scsi = unit->scsi;

    *error = !virtio_scsi_is_live(scsi)         ? VIRTIO_E_STATE
             : unit->queue >= scsi->queue_count ? VIRTIO_E_INVALID
                                                : VIRTIO_OK;
    return *error == VIRTIO_OK ? scsi->queues[unit->queue].page : NULL;
}

/*
 * A command with a short answer, which is at *answer afterwards: in the queue's page, which the device could go on
 * writing to. Everything below therefore copies it to where it looks at it.
 * @return as virtio_scsi_execute; *got is how much came.
 */
static int ask(struct virtio_scsi_unit *unit, struct virtio_scsi_command *command, size_t size,
               const uint8_t **answer, size_t *got)
{
    int error;
    uint8_t *page = page_of(unit, &error);

    *got = 0;
    *answer = page;
    if (page == NULL)
        return error;
    memset(page, 0, size);
    command->in = page;
    command->in_bytes = size;
    error = perform(unit, command, VIRTIO_SCSI_ON_PAGE);
    if (error == VIRTIO_OK)
        *got = size - unit->result.residual; /* which is at most `size` */
    return error;
}

/* ask, and copy the answer, with zeros for what did not come. */
static int ask_copy(struct virtio_scsi_unit *unit, struct virtio_scsi_command *command, void *bytes,
                    size_t size, size_t *got)
{
    const uint8_t *answer;
    int error = ask(unit, command, size, &answer, got);

    if (error == VIRTIO_OK) {
        memset(bytes, 0, size);
        memcpy(bytes, answer, *got);
        __atomic_signal_fence(__ATOMIC_SEQ_CST); /* from here on it is the copy that counts */
    }
    return error;
}

/* ---- INQUIRY ---- */

static int inquire(struct virtio_scsi_unit *unit, int page, void *bytes, size_t size, size_t *got)
{
    struct virtio_scsi_command command = {.cdb = {INQUIRY}};

    *got = 0;
    if (bytes == NULL || size == 0 || size > VIRTIO_SCSI_PAGE)
        return VIRTIO_E_INVALID;
    if (page >= 0) {
        command.cdb[1] = 1; /* EVPD */
        command.cdb[2] = (uint8_t)page;
    }
    virtio_scsi_put_number(command.cdb + 3, 2, size);
    return ask_copy(unit, &command, bytes, size, got);
}

int virtio_scsi_inquiry(struct virtio_scsi_unit *unit, void *bytes, size_t size, size_t *got)
{
    const uint8_t *data = bytes;
    int error = inquire(unit, -1, bytes, size, got);

    if (error == VIRTIO_OK && *got > 4 && *got > data[4] + 5u)
        *got = data[4] + 5u;
    return error;
}

int virtio_scsi_inquiry_page(struct virtio_scsi_unit *unit, uint8_t page, void *bytes, size_t size,
                             size_t *got)
{
    const uint8_t *data = bytes;
    int error = inquire(unit, page, bytes, size, got);

    if (error != VIRTIO_OK)
        return error;
    if (*got < PAGE_HEAD || data[1] != page) {
        *got = 0;
        return VIRTIO_E_RESPONSE;
    }
    if (*got > PAGE_HEAD + virtio_scsi_get_number(data + 2, 2))
        *got = PAGE_HEAD + virtio_scsi_get_number(data + 2, 2);
    return VIRTIO_OK;
}

/* Text without what pads it, and without what is no ASCII. */
static void copy_text(char *to, const uint8_t *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (char)(from[i] >= 0x20 && from[i] < 0x7f ? from[i] : 0x20);
    while (length != 0 && to[length - 1] == ' ')
        length--;
    to[length] = '\0';
}

/* What a unit is; VIRTIO_E_NO_DEVICE when there is none behind this number. */
static int identify(struct virtio_scsi_unit *unit)
{
    uint8_t data[INQUIRY_SIZE];
    size_t got;
    int error = virtio_scsi_inquiry(unit, data, sizeof(data), &got);

    if (error != VIRTIO_OK)
        return error;
    if (got < 5)
        return VIRTIO_E_RESPONSE;
    if (data[0] >> 5 != 0) /* peripheral qualifier: nothing connected, or nothing possible */
        return VIRTIO_E_NO_DEVICE;
    memset(data + got, 0, sizeof(data) - got);
    unit->type = data[0] & 0x1f;
    unit->removable = (data[1] & 0x80) != 0;
    unit->version = data[2];
    copy_text(unit->vendor, data + 8, sizeof(unit->vendor) - 1);
    copy_text(unit->product, data + 16, sizeof(unit->product) - 1);
    copy_text(unit->revision, data + 32, sizeof(unit->revision) - 1);
    return VIRTIO_OK;
}

static bool has_blocks(const struct virtio_scsi_unit *unit)
{
    return unit->type == TYPE_DISK || unit->type == TYPE_CD || unit->type == TYPE_OPTICAL ||
           unit->type == TYPE_SIMPLE || unit->type == TYPE_ZONED;
}

static bool is_disk(const struct virtio_scsi_unit *unit)
{
    return unit->type == TYPE_DISK || unit->type == TYPE_ZONED;
}

/* What follows of a page; what is not there reads as zero. */
static void take_page(struct virtio_scsi_unit *unit, uint8_t page, const uint8_t *data,
                      size_t length)
{
    size_t serial = length - PAGE_HEAD;

    switch (page) {
    case PAGE_SERIAL:
        if (serial > sizeof(unit->serial) - 1)
            serial = sizeof(unit->serial) - 1;
        copy_text(unit->serial, data + PAGE_HEAD, serial);
        break;
    case PAGE_LIMITS:
        unit->transfer_blocks = virtio_scsi_get_number(data + 8, 4);
        unit->unmap_max = virtio_scsi_get_number(data + 20, 4);
        unit->unmap_granularity = virtio_scsi_get_number(data + 28, 4);
        break;
    case PAGE_CHARACTER:
        unit->rotation = (uint16_t)virtio_scsi_get_number(data + 4, 2);
        break;
    case PAGE_PROVISION:
        unit->unmaps = (data[5] & 0x80) != 0;
        break;
    default:
        break;
    }
}

/* Errors that are one command's alone: the unit may be used on. */
static bool is_of_command(int error)
{
    return error == VIRTIO_E_IO || error == VIRTIO_E_UNSUPPORTED_REQUEST ||
           error == VIRTIO_E_RESPONSE || error == VIRTIO_E_RESET || error == VIRTIO_E_NO_DEVICE ||
           error == VIRTIO_E_OUT_OF_RANGE || error == VIRTIO_E_READ_ONLY;
}

static int read_page(struct virtio_scsi_unit *unit, uint8_t page)
{
    uint8_t data[64];
    size_t got;
    int error = virtio_scsi_inquiry_page(unit, page, data, sizeof(data), &got);

    if (error != VIRTIO_OK) /* a page that is listed and not there is not missed */
        return is_of_command(error) ? VIRTIO_OK : error;
    memset(data + got, 0, sizeof(data) - got);
    take_page(unit, page, data, got);
    return VIRTIO_OK;
}

/* Vital product data, as far as the unit lists it. One without that has no pages. */
static int read_pages(struct virtio_scsi_unit *unit)
{
    uint8_t listed[PAGE_HEAD + 255];
    size_t got;
    int error = virtio_scsi_inquiry_page(unit, PAGES_SUPPORTED, listed, sizeof(listed), &got);

    if (error != VIRTIO_OK)
        return is_of_command(error) ? VIRTIO_OK : error;
    for (size_t at = PAGE_HEAD; at < got && error == VIRTIO_OK; at++) {
        if (listed[at] == PAGE_SERIAL || (listed[at] >= PAGE_LIMITS && is_disk(unit)))
            error = read_page(unit, listed[at]);
    }
    return error;
}

bool virtio_scsi_next_designator(const uint8_t *page, size_t length, size_t *at,
                                 struct virtio_scsi_designator *designator)
{
    const uint8_t *head;

    if (*at < PAGE_HEAD)
        *at = PAGE_HEAD;
    if (length < PAGE_HEAD || *at > length || length - *at < 4)
        return false;
    head = page + *at;
    if (head[3] > length - *at - 4)
        return false;
    *designator = (struct virtio_scsi_designator){.code_set = head[0] & 0xf,
                                                  .association = head[1] >> 4 & 3,
                                                  .type = head[1] & 0xf,
                                                  .length = head[3],
                                                  .bytes = head + 4};
    *at += 4u + head[3];
    return true;
}

/* ---- Small commands ---- */

int virtio_scsi_test_unit_ready(struct virtio_scsi_unit *unit)
{
    struct virtio_scsi_command command = {.cdb = {TEST_UNIT_READY}};

    return perform(unit, &command, 0);
}

int virtio_scsi_request_sense(struct virtio_scsi_unit *unit, struct virtio_scsi_sense *sense)
{
    struct virtio_scsi_command command = {.cdb = {REQUEST_SENSE}};
    uint8_t data[REQUEST_SENSE_SIZE];
    size_t got;
    int error;

    *sense = (struct virtio_scsi_sense){0};
    command.cdb[4] = sizeof(data);
    error = ask_copy(unit, &command, data, sizeof(data), &got);
    return error == VIRTIO_OK ? virtio_scsi_decode_sense(data, (uint32_t)got, sense) : error;
}

/* ---- REPORT LUNS and scanning ---- */

static bool is_zero(const uint8_t *bytes, size_t length)
{
    uint8_t any = 0;

    while (length-- != 0)
        any |= *bytes++;
    return any == 0;
}

/* Those of a list's entries that can be addressed. @return how many there are, also beyond `most`. */
static uint32_t take_luns(const uint8_t *entries, uint32_t number, uint16_t *luns, uint32_t most)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < number; i++) {
        uint8_t entry[LUN_ENTRY];
        uint16_t lun;

        memcpy(entry, entries + (size_t)i * LUN_ENTRY, sizeof(entry));
        __atomic_signal_fence(__ATOMIC_SEQ_CST); /* from here on it is the copy that counts */
        if (!virtio_scsi_get_lun(entry, &lun) || !is_zero(entry + 2, LUN_ENTRY - 2))
            continue;
        if (count < most)
            luns[count] = lun;
        count++;
    }
    return count;
}

int virtio_scsi_report_luns(struct virtio_scsi *scsi, uint16_t queue, uint8_t target,
                            uint16_t *luns, uint32_t most, uint32_t *count, bool *truncated)
{
    struct virtio_scsi_unit unit = {.scsi = scsi, .queue = queue, .target = target};
    struct virtio_scsi_command command = {.cdb = {REPORT_LUNS}};
    uint8_t head[LUN_LIST_HEAD];
    const uint8_t *answer;
    uint32_t listed;
    uint32_t came;
    size_t got;
    int error;

    *count = 0;
    *truncated = false;
    virtio_scsi_put_number(command.cdb + 6, 4, VIRTIO_SCSI_PAGE);
    error = ask(&unit, &command, VIRTIO_SCSI_PAGE, &answer, &got);
    if (error != VIRTIO_OK)
        return error;
    if (got < LUN_LIST_HEAD)
        return VIRTIO_E_RESPONSE;
    memcpy(head, answer, sizeof(head));
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* from here on it is the copy that counts */
    listed = virtio_scsi_get_number(head, 4) / LUN_ENTRY;
    came = (uint32_t)(got - LUN_LIST_HEAD) / LUN_ENTRY;
    *truncated = listed > came;
    *count = take_luns(answer + LUN_LIST_HEAD, listed < came ? listed : came, luns, most);
    if (*count > most) {
        *count = most;
        *truncated = true;
    }
    return VIRTIO_OK;
}

void virtio_scsi_scan_begin(struct virtio_scsi_scan *scan, struct virtio_scsi *scsi)
{
    scan->scsi = scsi;
    scan->target = 0;
    scan->count = 0;
    scan->next = 0;
    scan->truncated = false;
}

/* The list of the next target; none when it is not there. A target that knows no REPORT LUNS has LUN 0. */
static int scan_target(struct virtio_scsi_scan *scan)
{
    bool truncated;
    int error = virtio_scsi_report_luns(scan->scsi, 0, (uint8_t)scan->target, scan->luns,
                                        VIRTIO_SCSI_SCAN_UNITS, &scan->count, &truncated);

    scan->next = 0;
    if (error == VIRTIO_E_UNSUPPORTED_REQUEST) {
        scan->luns[0] = 0;
        scan->count = 1;
    } else if (error != VIRTIO_OK && !is_of_command(error)) {
        return error;
    }
    scan->truncated = scan->truncated || truncated;
    scan->target++;
    return VIRTIO_OK;
}

int virtio_scsi_scan_next(struct virtio_scsi_scan *scan, uint8_t *target, uint16_t *lun)
{
    for (;;) {
        int error;

        while (scan->next < scan->count) {
            struct virtio_scsi_unit unit = {.scsi = scan->scsi,
                                            .target = (uint8_t)(scan->target - 1),
                                            .lun = scan->luns[scan->next++]};

            if (unit.lun > scan->scsi->max_lun)
                continue;
            error = identify(&unit);
            if (error != VIRTIO_OK && !is_of_command(error))
                return error;
            *target = unit.target;
            *lun = unit.lun;
            if (error == VIRTIO_OK)
                return VIRTIO_OK;
        }
        if (!virtio_scsi_is_live(scan->scsi))
            return VIRTIO_E_STATE;
        if (scan->target > scan->scsi->max_target)
            return VIRTIO_E_NO_DEVICE;
        error = scan_target(scan);
        if (error != VIRTIO_OK)
            return error;
    }
}

/* ---- Capacity ---- */

static int capacity_10(struct virtio_scsi_unit *unit, uint64_t *last, uint32_t *block_size)
{
    struct virtio_scsi_command command = {.cdb = {READ_CAPACITY_10}};
    uint8_t data[CAPACITY_10_SIZE];
    size_t got;
    int error = ask_copy(unit, &command, data, sizeof(data), &got);

    if (error != VIRTIO_OK)
        return error;
    *last = virtio_scsi_get_number(data, 4);
    *block_size = virtio_scsi_get_number(data + 4, 4);
    return got == sizeof(data) ? VIRTIO_OK : VIRTIO_E_RESPONSE;
}

static int capacity_16(struct virtio_scsi_unit *unit, uint64_t *last, uint32_t *block_size)
{
    struct virtio_scsi_command command = {.cdb = {SERVICE_ACTION_IN_16, READ_CAPACITY_16}};
    uint8_t data[CAPACITY_16_SIZE];
    size_t got;
    int error;

    virtio_scsi_put_number(command.cdb + 10, 4, sizeof(data));
    error = ask_copy(unit, &command, data, sizeof(data), &got);
    if (error != VIRTIO_OK)
        return error;
    *last = virtio_scsi_get_long(data);
    *block_size = virtio_scsi_get_number(data + 8, 4);
    unit->physical_exponent = data[13] & 0xf;
    unit->thin = (data[14] & 0x80) != 0;
    return got >= CAPACITY_16_LEAST ? VIRTIO_OK : VIRTIO_E_RESPONSE;
}

static int capacity(struct virtio_scsi_unit *unit, uint64_t *last, uint32_t *block_size)
{
    int error = VIRTIO_E_UNSUPPORTED_REQUEST;

    if (is_disk(unit))
        error = capacity_16(unit, last, block_size);
    if (error != VIRTIO_E_UNSUPPORTED_REQUEST)
        return error;
    error = capacity_10(unit, last, block_size);
    if (error == VIRTIO_OK && *last == UINT32_MAX) /* which says: more than that */
        error = capacity_16(unit, last, block_size);
    return error;
}

/* The blocks that a command may have, from what the unit, the device and the driver allow. */
static void set_transfer_max(struct virtio_scsi_unit *unit)
{
    uint32_t blocks = VIRTIO_SCSI_DATA_MAX / unit->block_size;
    uint32_t sectors = unit->scsi->max_sectors;

    if (unit->transfer_blocks != 0 && unit->transfer_blocks < blocks)
        blocks = unit->transfer_blocks;
    if (sectors != 0 && sectors < VIRTIO_SCSI_DATA_MAX / 512 &&
        sectors * 512 / unit->block_size < blocks)
        blocks = sectors * 512 / unit->block_size;
    unit->transfer_max = (blocks != 0 ? blocks : 1) * unit->block_size;
}

int virtio_scsi_read_capacity(struct virtio_scsi_unit *unit)
{
    uint32_t block_size = 0;
    uint64_t last = 0;
    uint64_t bytes;
    int error;

    unit->ready = false;
    error = capacity(unit, &last, &block_size);
    if (error != VIRTIO_OK)
        return error;
    if (block_size < BLOCK_SIZE_MIN || block_size > BLOCK_SIZE_MAX ||
        (block_size & (block_size - 1)) != 0 || last == UINT64_MAX ||
        __builtin_mul_overflow(last + 1, block_size, &bytes))
        return VIRTIO_E_RESPONSE;
    unit->blocks = last + 1;
    unit->block_size = block_size;
    set_transfer_max(unit);
    unit->ready = true;
    return VIRTIO_OK;
}

int virtio_scsi_open(struct virtio_scsi_unit *unit, struct virtio_scsi *scsi, uint8_t target,
                     uint16_t lun)
{
    struct virtio_scsi_sense sense;
    int error;

    memset(unit, 0, sizeof(*unit));
    unit->scsi = scsi;
    unit->target = target;
    unit->lun = lun;
    error = identify(unit);
    if (error == VIRTIO_OK)
        error = read_pages(unit);
    if (error != VIRTIO_OK)
        return error;
    error = virtio_scsi_test_unit_ready(unit);
    if (error == VIRTIO_OK)
        return has_blocks(unit) ? virtio_scsi_read_capacity(unit) : VIRTIO_OK;
    if (error == VIRTIO_E_IO &&
        virtio_scsi_decode_sense(unit->result.sense, unit->result.sense_length, &sense) ==
            VIRTIO_OK &&
        sense.key == VIRTIO_SCSI_NOT_READY)
        return VIRTIO_OK;
    return error;
}

/* ---- Blocks ---- */

/* Put a range into a CDB of 10 bytes if it fits, else of 16. */
static void put_range(uint8_t *cdb, uint8_t ten, uint8_t sixteen, uint64_t block, uint32_t blocks)
{
    if (block <= UINT32_MAX && blocks <= UINT16_MAX) {
        cdb[0] = ten;
        virtio_scsi_put_number(cdb + 2, 4, block);
        virtio_scsi_put_number(cdb + 7, 2, blocks);
    } else {
        cdb[0] = sixteen;
        virtio_scsi_put_number(cdb + 2, 8, block);
        virtio_scsi_put_number(cdb + 10, 4, blocks);
    }
}

static int check_ready(const struct virtio_scsi_unit *unit)
{
    if (!virtio_scsi_is_live(unit->scsi))
        return VIRTIO_E_STATE;
    return unit->ready ? VIRTIO_OK : VIRTIO_E_NOT_SUPPORTED;
}

static int check_blocks(const struct virtio_scsi_unit *unit, uint64_t block, uint64_t blocks)
{
    uint64_t end;

    return __builtin_add_overflow(block, blocks, &end) || end > unit->blocks ? VIRTIO_E_OUT_OF_RANGE
                                                                             : VIRTIO_OK;
}

static int check_data(const struct virtio_scsi_unit *unit, uint64_t block, const void *buffer,
                      size_t bytes)
{
    int error = check_ready(unit);

    if (error != VIRTIO_OK)
        return error;
    if (bytes == 0)
        return VIRTIO_E_ZERO_LENGTH;
    if (buffer == NULL || (bytes & (unit->block_size - 1)) != 0)
        return VIRTIO_E_INVALID;
    return check_blocks(unit, block, bytes / unit->block_size);
}

/* A read or a write of at most transfer_max bytes. */
static struct virtio_scsi_command data_command(const struct virtio_scsi_unit *unit, bool writes,
                                               uint64_t block, uint8_t *buffer, uint32_t bytes)
{
    struct virtio_scsi_command command = {
        .queue = unit->queue, .lun = unit->lun, .target = unit->target};

    put_range(command.cdb, writes ? WRITE_10 : READ_10, writes ? WRITE_16 : READ_16, block,
              bytes / unit->block_size);
    if (writes) {
        command.out = buffer;
        command.out_bytes = bytes;
    } else {
        command.in = buffer;
        command.in_bytes = bytes;
    }
    return command;
}

static int run_data(struct virtio_scsi_unit *unit, bool writes, uint64_t block, uint8_t *buffer,
                    size_t bytes)
{
    int error = check_data(unit, block, buffer, bytes);

    while (error == VIRTIO_OK && bytes != 0) {
        uint32_t part = bytes < unit->transfer_max ? (uint32_t)bytes : unit->transfer_max;
        struct virtio_scsi_command command = data_command(unit, writes, block, buffer, part);

        error = perform(unit, &command, VIRTIO_SCSI_EXACT | MEDIUM_MATTERS);
        block += part / unit->block_size;
        buffer += part;
        bytes -= part;
    }
    return error;
}

int virtio_scsi_read(struct virtio_scsi_unit *unit, uint64_t block, void *buffer, size_t bytes)
{
    return run_data(unit, false, block, buffer, bytes);
}

int virtio_scsi_write(struct virtio_scsi_unit *unit, uint64_t block, const void *buffer,
                      size_t bytes)
{
    return run_data(unit, true, block, (uint8_t *)(uintptr_t)buffer, bytes);
}

static int send_data(struct virtio_scsi_unit *unit, bool writes, uint64_t block, uint8_t *buffer,
                     size_t bytes, void *cookie)
{
    int error = check_data(unit, block, buffer, bytes);
    struct virtio_scsi_command command;

    if (error != VIRTIO_OK)
        return error;
    if (bytes > unit->transfer_max)
        return VIRTIO_E_TOO_LONG;
    command = data_command(unit, writes, block, buffer, (uint32_t)bytes);
    return virtio_scsi_send(unit->scsi, &command, VIRTIO_SCSI_EXACT, cookie);
}

int virtio_scsi_submit_read(struct virtio_scsi_unit *unit, uint64_t block, void *buffer,
                            size_t bytes, void *cookie)
{
    return send_data(unit, false, block, buffer, bytes, cookie);
}

int virtio_scsi_submit_write(struct virtio_scsi_unit *unit, uint64_t block, const void *buffer,
                             size_t bytes, void *cookie)
{
    return send_data(unit, true, block, (uint8_t *)(uintptr_t)buffer, bytes, cookie);
}

int virtio_scsi_submit_flush(struct virtio_scsi_unit *unit, void *cookie)
{
    struct virtio_scsi_command command = {.queue = unit->queue,
                                          .lun = unit->lun,
                                          .target = unit->target,
                                          .cdb = {SYNCHRONIZE_CACHE_10}};
    int error = check_ready(unit);

    return error == VIRTIO_OK ? virtio_scsi_send(unit->scsi, &command, 0, cookie) : error;
}

/* A unit that does not know the command has nothing to bring to stable storage. */
static bool knows_no_such_command(const struct virtio_scsi_unit *unit)
{
    struct virtio_scsi_sense sense;

    return virtio_scsi_decode_sense(unit->result.sense, unit->result.sense_length, &sense) ==
               VIRTIO_OK &&
           sense.asc == ASC_INVALID_OPCODE;
}

int virtio_scsi_flush_range(struct virtio_scsi_unit *unit, uint64_t block, uint32_t blocks)
{
    struct virtio_scsi_command command = {.cdb = {0}};
    int error = check_ready(unit);

    if (error == VIRTIO_OK)
        error = check_blocks(unit, block, blocks);
    if (error != VIRTIO_OK)
        return error;
    put_range(command.cdb, SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16, block, blocks);
    error = perform(unit, &command, 0);
    return error == VIRTIO_E_UNSUPPORTED_REQUEST && knows_no_such_command(unit) ? VIRTIO_OK : error;
}

int virtio_scsi_flush(struct virtio_scsi_unit *unit)
{
    return virtio_scsi_flush_range(unit, 0, 0);
}

/* One UNMAP command, whose list of one range goes through the page. */
static int unmap_part(struct virtio_scsi_unit *unit, uint64_t block, uint32_t blocks)
{
    struct virtio_scsi_command command = {.cdb = {UNMAP}};
    int error;
    uint8_t *page = page_of(unit, &error);

    if (page == NULL)
        return error;
    virtio_scsi_put_number(command.cdb + 7, 2, UNMAP_SIZE);
    memset(page, 0, UNMAP_SIZE);
    virtio_scsi_put_number(page, 2, UNMAP_SIZE - 2);
    virtio_scsi_put_number(page + 2, 2, UNMAP_SIZE - 8);
    virtio_scsi_put_number(page + 8, 8, block);
    virtio_scsi_put_number(page + 16, 4, blocks);
    command.out = page;
    command.out_bytes = UNMAP_SIZE;
    return perform(unit, &command, VIRTIO_SCSI_ON_PAGE | MEDIUM_MATTERS);
}

int virtio_scsi_unmap(struct virtio_scsi_unit *unit, uint64_t block, uint64_t blocks)
{
    uint32_t most = unit->unmap_max != 0 ? unit->unmap_max : UINT32_MAX;
    int error = check_ready(unit);

    if (error == VIRTIO_OK && !unit->unmaps)
        error = VIRTIO_E_NOT_SUPPORTED;
    if (error == VIRTIO_OK && blocks == 0)
        error = VIRTIO_E_ZERO_LENGTH;
    if (error == VIRTIO_OK)
        error = check_blocks(unit, block, blocks);
    while (error == VIRTIO_OK && blocks != 0) {
        uint32_t part = blocks < most ? (uint32_t)blocks : most;

        error = unmap_part(unit, block, part);
        block += part;
        blocks -= part;
    }
    return error;
}
