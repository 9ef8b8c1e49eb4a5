/* SPDX-License-Identifier: MIT */
/*
 * The SCSI host device driver: sense data (SPC, sense data), and names for people.
 *
 * Must not: read beyond the bytes that came, whatever the lengths within them say.
 */
#include "scsi_internal.h"

#define FIXED_CURRENT       0x70u
#define FIXED_DEFERRED      0x71u
#define DESCRIPTOR_CURRENT  0x72u
#define DESCRIPTOR_DEFERRED 0x73u

#define DESCRIPTOR_HEAD        8u
#define DESCRIPTOR_INFORMATION 0u /* a type of descriptor */
#define INFORMATION_SIZE       12u

static uint8_t byte_at(const uint8_t *bytes, uint32_t length, uint32_t at)
{
    return at < length ? bytes[at] : 0;
}

static void decode_fixed(const uint8_t *bytes, uint32_t length, struct virtio_scsi_sense *sense)
{
    /* The additional length says how much of the rest counts. */
    uint32_t end = length > 7 ? 8u + bytes[7] : length;

    if (end > length)
        end = length;
    sense->key = byte_at(bytes, length, 2) & 0xf;
    sense->asc = byte_at(bytes, end, 12);
    sense->ascq = byte_at(bytes, end, 13);
    sense->has_information = (bytes[0] & 0x80) != 0 && length >= 7;
    if (sense->has_information)
        sense->information = virtio_scsi_get_number(bytes + 3, 4);
}

static void decode_descriptors(const uint8_t *bytes, uint32_t length,
                               struct virtio_scsi_sense *sense)
{
    uint32_t end = DESCRIPTOR_HEAD + byte_at(bytes, length, 7);
    uint32_t at = DESCRIPTOR_HEAD;

    sense->key = byte_at(bytes, length, 1) & 0xf;
    sense->asc = byte_at(bytes, length, 2);
    sense->ascq = byte_at(bytes, length, 3);
    if (end > length)
        end = length;
    while (at < end && end - at >= 2) {
        uint32_t size = 2u + bytes[at + 1];

        if (bytes[at] == DESCRIPTOR_INFORMATION && size >= INFORMATION_SIZE && size <= end - at &&
            (bytes[at + 2] & 0x80) != 0) {
            sense->has_information = true;
            sense->information = virtio_scsi_get_long(bytes + at + 4);
        }
        at += size;
    }
}

int virtio_scsi_decode_sense(const uint8_t *bytes, uint32_t length, struct virtio_scsi_sense *sense)
{
    *sense = (struct virtio_scsi_sense){0};
    if (length < 2)
        return VIRTIO_E_RESPONSE;
    switch (bytes[0] & 0x7f) {
    case FIXED_DEFERRED:
        sense->deferred = true;
        decode_fixed(bytes, length, sense);
        return VIRTIO_OK;
    case FIXED_CURRENT:
        decode_fixed(bytes, length, sense);
        return VIRTIO_OK;
    case DESCRIPTOR_DEFERRED:
        sense->deferred = true;
        decode_descriptors(bytes, length, sense);
        return VIRTIO_OK;
    case DESCRIPTOR_CURRENT:
        decode_descriptors(bytes, length, sense);
        return VIRTIO_OK;
    default:
        return VIRTIO_E_RESPONSE;
    }
}

/* ---- Names ---- */

const char *virtio_scsi_response_name(uint8_t response)
{
    static const char *const names[] = {
        "ok",
        "overrun",
        "aborted",
        "bad target",
        "reset",
        "busy",
        "transport failure",
        "target failure",
        "nexus failure",
        "failure",
        "function succeeded",
        "function rejected",
        "incorrect LUN",
    };

    return response < sizeof(names) / sizeof(names[0]) ? names[response] : "unknown response";
}

const char *virtio_scsi_status_name(uint8_t status)
{
    switch (status) {
    case VIRTIO_SCSI_STATUS_GOOD:
        return "good";
    case VIRTIO_SCSI_STATUS_CHECK_CONDITION:
        return "check condition";
    case VIRTIO_SCSI_STATUS_CONDITION_MET:
        return "condition met";
    case VIRTIO_SCSI_STATUS_BUSY:
        return "busy";
    case VIRTIO_SCSI_STATUS_RESERVATION_CONFLICT:
        return "reservation conflict";
    case VIRTIO_SCSI_STATUS_TASK_SET_FULL:
        return "task set full";
    case VIRTIO_SCSI_STATUS_ACA_ACTIVE:
        return "ACA active";
    case VIRTIO_SCSI_STATUS_TASK_ABORTED:
        return "task aborted";
    default:
        return "unknown status";
    }
}

const char *virtio_scsi_key_name(uint8_t key)
{
    static const char *const names[] = {
        "no sense",       "recovered error", "not ready",      "medium error",
        "hardware error", "illegal request", "unit attention", "data protect",
        "blank check",    "vendor specific", "copy aborted",   "aborted command",
        "reserved",       "volume overflow", "miscompare",     "completed",
    };

    return key < sizeof(names) / sizeof(names[0]) ? names[key] : "unknown sense key";
}

/* A qualifier of ANY stands for all that have no entry of their own, and comes behind those. */
#define ANY 0xffu

static const struct {
    uint8_t asc;
    uint8_t ascq;
    const char *name;
} codes[] = {
    {0x00, 0x00, "no additional sense information"},
    {0x00, 0x06, "I/O process terminated"},
    {0x02, 0x00, "no seek complete"},
    {0x03, ANY, "peripheral device write fault"},
    {0x04, 0x00, "logical unit not ready, cause not reportable"},
    {0x04, 0x01, "logical unit is in process of becoming ready"},
    {0x04, 0x02, "logical unit not ready, initializing command required"},
    {0x04, 0x03, "logical unit not ready, manual intervention required"},
    {0x04, ANY, "logical unit not ready"},
    {0x05, ANY, "logical unit does not respond to selection"},
    {0x08, ANY, "logical unit communication failure"},
    {0x09, ANY, "track following error"},
    {0x0b, ANY, "warning"},
    {0x0c, ANY, "write error"},
    {0x10, ANY, "logical block guard, application tag or reference tag check failed"},
    {0x11, ANY, "unrecovered read error"},
    {0x15, ANY, "random positioning error"},
    {0x16, ANY, "data synchronization mark error"},
    {0x17, ANY, "recovered data with no error correction applied"},
    {0x18, ANY, "recovered data with error correction applied"},
    {0x1a, 0x00, "parameter list length error"},
    {0x1b, 0x00, "synchronous data transfer error"},
    {0x1d, 0x00, "miscompare during verify operation"},
    {0x20, 0x00, "invalid command operation code"},
    {0x20, ANY, "access denied"},
    {0x21, 0x00, "logical block address out of range"},
    {0x21, ANY, "invalid address"},
    {0x24, 0x00, "invalid field in CDB"},
    {0x25, 0x00, "logical unit not supported"},
    {0x26, ANY, "invalid field in parameter list"},
    {0x27, 0x07, "space allocation failed write protect"},
    {0x27, ANY, "write protected"},
    {0x28, 0x00, "not ready to ready change, medium may have changed"},
    {0x28, ANY, "medium may have changed"},
    {0x29, 0x00, "power on, reset, or bus device reset occurred"},
    {0x29, 0x01, "power on occurred"},
    {0x29, 0x02, "SCSI bus reset occurred"},
    {0x29, 0x03, "bus device reset function occurred"},
    {0x29, 0x04, "device internal reset"},
    {0x29, 0x07, "I_T nexus loss occurred"},
    {0x29, ANY, "reset occurred"},
    {0x2a, 0x01, "mode parameters changed"},
    {0x2a, 0x09, "capacity data has changed"},
    {0x2a, ANY, "parameters changed"},
    {0x2f, ANY, "commands cleared"},
    {0x30, ANY, "incompatible medium installed"},
    {0x31, ANY, "medium format corrupted"},
    {0x38, 0x07, "thin provisioning soft threshold reached"},
    {0x39, 0x00, "saving parameters not supported"},
    {0x3a, ANY, "medium not present"},
    {0x3e, ANY, "logical unit self-test or configuration failure"},
    {0x3f, 0x01, "microcode has been changed"},
    {0x3f, 0x03, "INQUIRY data has changed"},
    {0x3f, 0x0e, "reported LUNs data has changed"},
    {0x3f, ANY, "target operating conditions have changed"},
    {0x43, ANY, "message error"},
    {0x44, ANY, "internal target failure"},
    {0x47, ANY, "SCSI parity error"},
    {0x49, ANY, "invalid message error"},
    {0x4b, ANY, "data phase error"},
    {0x4e, ANY, "overlapped commands attempted"},
    {0x53, 0x02, "medium removal prevented"},
    {0x53, ANY, "media load or eject failed"},
    {0x55, ANY, "system resource failure"},
    {0x5a, ANY, "operator request"},
    {0x5d, ANY, "failure prediction threshold exceeded"},
    {0x5e, ANY, "low power condition"},
    {0x64, ANY, "illegal mode for this track"},
    {0x6f, ANY, "copy protection"},
};

const char *virtio_scsi_asc_name(uint8_t asc, uint8_t ascq)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].asc == asc && (codes[i].ascq == ascq || codes[i].ascq == ANY))
            return codes[i].name;
    }
    return asc >= 0x80 || ascq >= 0x80 ? "vendor specific" : "unknown additional sense code";
}
