/* SPDX-License-Identifier: MIT */
/*
 * Names and one-line meanings of the error codes. Owns nothing.
 */
#include <virtio/error.h>

const char *virtio_strerror(int error)
{
    if (error >= 0)
        return "VIRTIO_OK: success";
    switch ((enum virtio_error)error) {
    case VIRTIO_OK:
        break;
    case VIRTIO_E_INVALID:
        return "VIRTIO_E_INVALID: an argument is out of range";
    case VIRTIO_E_ORDER:
        return "VIRTIO_E_ORDER: a readable buffer after a writable one";
    case VIRTIO_E_ZERO_LENGTH:
        return "VIRTIO_E_ZERO_LENGTH: a buffer of zero bytes";
    case VIRTIO_E_TOO_LONG:
        return "VIRTIO_E_TOO_LONG: more than a chain can hold";
    case VIRTIO_E_FULL:
        return "VIRTIO_E_FULL: no room now, reap completions first";
    case VIRTIO_E_STALE:
        return "VIRTIO_E_STALE: another chain was prepared since this one";
    case VIRTIO_E_REENTRY:
        return "VIRTIO_E_REENTRY: the queue is inside another call";
    case VIRTIO_E_STATE:
        return "VIRTIO_E_STATE: not allowed in the present state";
    case VIRTIO_E_BUSY:
        return "VIRTIO_E_BUSY: the device still owns it";
    case VIRTIO_E_READ_ONLY:
        return "VIRTIO_E_READ_ONLY: the device is read-only";
    case VIRTIO_E_OUT_OF_RANGE:
        return "VIRTIO_E_OUT_OF_RANGE: beyond the end of the device";
    case VIRTIO_E_NO_DEVICE:
        return "VIRTIO_E_NO_DEVICE: no device here";
    case VIRTIO_E_NO_MEMORY:
        return "VIRTIO_E_NO_MEMORY: the host has no memory for this";
    case VIRTIO_E_MAP:
        return "VIRTIO_E_MAP: the host could not map it whole";
    case VIRTIO_E_NOT_SUPPORTED:
        return "VIRTIO_E_NOT_SUPPORTED: device, transport or host lacks what is needed";
    case VIRTIO_E_FEATURES:
        return "VIRTIO_E_FEATURES: the device refused the features";
    case VIRTIO_E_NO_VERSION_1:
        return "VIRTIO_E_NO_VERSION_1: the device does not offer VIRTIO_F_VERSION_1";
    case VIRTIO_E_NO_QUEUE:
        return "VIRTIO_E_NO_QUEUE: the device has no such virtqueue";
    case VIRTIO_E_QUEUE_SIZE:
        return "VIRTIO_E_QUEUE_SIZE: the device's virtqueue size is not allowed";
    case VIRTIO_E_CONFIG:
        return "VIRTIO_E_CONFIG: configuration space is too short or never held still";
    case VIRTIO_E_CAPABILITY:
        return "VIRTIO_E_CAPABILITY: PCI capabilities are missing or malformed";
    case VIRTIO_E_BAR_UNASSIGNED:
        return "VIRTIO_E_BAR_UNASSIGNED: a BAR has no address, no firmware ran";
    case VIRTIO_E_BAR_UNREACHABLE:
        return "VIRTIO_E_BAR_UNREACHABLE: a BAR is beyond what this host can map";
    case VIRTIO_E_TIMEOUT:
        return "VIRTIO_E_TIMEOUT: no answer within the bound";
    case VIRTIO_E_BROKEN:
        return "VIRTIO_E_BROKEN: the device lied about the ring";
    case VIRTIO_E_NEEDS_RESET:
        return "VIRTIO_E_NEEDS_RESET: the device asks for a reset";
    case VIRTIO_E_GONE:
        return "VIRTIO_E_GONE: the device was unplugged";
    case VIRTIO_E_IO:
        return "VIRTIO_E_IO: the device reports a failed request";
    case VIRTIO_E_UNSUPPORTED_REQUEST:
        return "VIRTIO_E_UNSUPPORTED_REQUEST: the device does not know this request";
    case VIRTIO_E_RESPONSE:
        return "VIRTIO_E_RESPONSE: an answer that is not allowed";
    case VIRTIO_E_RESET:
        return "VIRTIO_E_RESET: taken back by a reset";
    case VIRTIO_E_ERRNO:
        return "VIRTIO_E_ERRNO: the host refused it with an error number";
    case VIRTIO_E_ZONE_INVALID_COMMAND:
        return "VIRTIO_E_ZONE_INVALID_COMMAND: not for this zone, or beyond its capacity";
    case VIRTIO_E_ZONE_UNALIGNED_WRITE:
        return "VIRTIO_E_ZONE_UNALIGNED_WRITE: not at the zone's write pointer";
    case VIRTIO_E_ZONE_OPEN_RESOURCE:
        return "VIRTIO_E_ZONE_OPEN_RESOURCE: too many zones would be open";
    case VIRTIO_E_ZONE_ACTIVE_RESOURCE:
        return "VIRTIO_E_ZONE_ACTIVE_RESOURCE: too many zones would be active";
    }
    return "unknown error";
}
