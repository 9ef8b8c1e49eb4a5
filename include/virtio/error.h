/* SPDX-License-Identifier: MIT */
/*
 * Errors are values: every call that can fail returns VIRTIO_OK (0), or for the calls that count
 * something a positive number, or one of the negative codes below. The library never prints, never
 * asserts on what a device does and never panics; the caller decides what an error means.
 *
 * Three groups tell what to do next:
 *   - the caller asked for something impossible (VIRTIO_E_INVALID .. VIRTIO_E_OUT_OF_RANGE): nothing
 *     was changed, the same call with other arguments may succeed;
 *   - the device can't be driven (VIRTIO_E_NO_DEVICE .. VIRTIO_E_BAR_UNREACHABLE): the start was
 *     undone whole;
 *   - the device failed while in use (VIRTIO_E_TIMEOUT .. VIRTIO_E_GONE): what was in flight still
 *     belongs to the device until it has been reset; or one request did (VIRTIO_E_IO ..
 *     VIRTIO_E_ERRNO): it is over.
 */
#ifndef VIRTIO_ERROR_H
#define VIRTIO_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

enum virtio_error {
    VIRTIO_OK = 0,

    VIRTIO_E_INVALID = -1,     /* an argument is outside its documented range */
    VIRTIO_E_ORDER = -2,       /* a device-readable buffer after a device-writable one */
    VIRTIO_E_ZERO_LENGTH = -3, /* a buffer of zero bytes */
    VIRTIO_E_TOO_LONG =
        -4,              /* a chain of more than 2^32 - 1 bytes, or more than the queue can hold */
    VIRTIO_E_FULL = -5,  /* no room now; reap completions and try again */
    VIRTIO_E_STALE = -6, /* another chain was prepared since this one */
    VIRTIO_E_REENTRY = -7,    /* the queue is in use by an outer call, or by another context */
    VIRTIO_E_STATE = -8,      /* not allowed in the present state, e.g. a kick before DRIVER_OK */
    VIRTIO_E_BUSY = -9,       /* the device still owns it; stop the device first */
    VIRTIO_E_READ_ONLY = -10, /* a write to a device that is read-only */
    VIRTIO_E_OUT_OF_RANGE = -11, /* beyond the end of the device */

    VIRTIO_E_NO_DEVICE = -20,     /* no (further) device here */
    VIRTIO_E_NO_MEMORY = -21,     /* a host hook has no memory of the kind asked for */
    VIRTIO_E_MAP = -22,           /* a host hook could not map the buffer whole */
    VIRTIO_E_NOT_SUPPORTED = -23, /* this device, transport or host lacks what the call needs */
    VIRTIO_E_FEATURES = -24, /* the device refused the features (FEATURES_OK did not stay set) */
    VIRTIO_E_NO_VERSION_1 = -25,   /* a 1.0 device that does not offer VIRTIO_F_VERSION_1 */
    VIRTIO_E_NO_QUEUE = -26,       /* the device has no such virtqueue (its size is 0) */
    VIRTIO_E_QUEUE_SIZE = -27,     /* the device's virtqueue size is not one that the spec allows */
    VIRTIO_E_CONFIG = -28,         /* configuration space too short, or it never held still */
    VIRTIO_E_CAPABILITY = -29,     /* PCI capabilities are missing or malformed */
    VIRTIO_E_BAR_UNASSIGNED = -30, /* a BAR has no address: no firmware ran */
    VIRTIO_E_BAR_UNREACHABLE = -31, /* a BAR is beyond what this host can map */

    VIRTIO_E_TIMEOUT = -40,     /* no answer within the bound; the request stays the device's */
    VIRTIO_E_BROKEN = -41,      /* the device lied about the ring; the queue is latched broken */
    VIRTIO_E_NEEDS_RESET = -42, /* the device set DEVICE_NEEDS_RESET */
    VIRTIO_E_GONE = -43,        /* registers read all ones: the device was unplugged */
    VIRTIO_E_IO = -44,          /* the device reports that the request failed */
    VIRTIO_E_UNSUPPORTED_REQUEST = -45, /* the device does not know this kind of request */
    VIRTIO_E_RESPONSE = -46,            /* an answer that its device type does not allow */
    VIRTIO_E_RESET = -47, /* the request was taken back by a reset before it completed */
    VIRTIO_E_ERRNO = -48, /* the host refused the request with an error number, given beside it */
    VIRTIO_E_ZONE_INVALID_COMMAND =
        -49, /* zoned disks: not for this zone, or beyond its capacity */
    VIRTIO_E_ZONE_UNALIGNED_WRITE = -50, /* not at the zone's write pointer */
    VIRTIO_E_ZONE_OPEN_RESOURCE = -51,   /* too many zones would be open */
    VIRTIO_E_ZONE_ACTIVE_RESOURCE = -52  /* too many zones would be active */
};

/**
 * The name of an error code, for messages.
 *
 * @param error  VIRTIO_OK or any value that a call of this library returned.
 * @return A static string such as "VIRTIO_E_TIMEOUT: no answer within the bound"; for a positive
 *         number "VIRTIO_OK: success", for an unknown negative one "unknown error". Never NULL.
 *
 * Context: any. Touches no device.
 */
const char *virtio_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
