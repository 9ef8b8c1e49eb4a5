/* SPDX-License-Identifier: MIT */
/*
 * A virtio device and its life cycle (spec 2.1 to 2.5, 3.1).
 *
 *     found      by virtio_pci_scan_next or virtio_mmio_probe: identity only, the device is untouched
 *     begun      virtio_device_begin: opened, reset and waited for, ACKNOWLEDGE, DRIVER, features
 *                negotiated, FEATURES_OK read back. Now configuration space may be read and the
 *                queues are set up (virtio/queue.h)
 *     ready      virtio_device_ready: DRIVER_OK. Now notifications may be sent
 *     stopped    virtio_device_stop: reset and waited for; the device touches no memory any more and
 *                no buffer is its own. May be begun again
 *     ended      virtio_device_end: closed, everything acquired given back
 *
 * A driver's start call walks this road and undoes it whole when a step fails; kernels rarely call
 * these functions themselves. Until it is begun a struct virtio_device may be copied freely (drivers
 * take a copy of what the scan found); afterwards it stays where it is, for queues point to it.
 *
 * One context at a time starts, stops and configures a device. Different devices are independent.
 */
#ifndef VIRTIO_DEVICE_H
#define VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <virtio/error.h>
#include <virtio/host.h>
#include <virtio/mmio.h>
#include <virtio/pci.h>
#include <virtio/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

struct virtio_queue;

/** Device types (spec 5). */
enum virtio_id {
    VIRTIO_ID_NETWORK = 1,
    VIRTIO_ID_BLOCK = 2,
    VIRTIO_ID_CONSOLE = 3,
    VIRTIO_ID_ENTROPY = 4,
    VIRTIO_ID_BALLOON = 5,
    VIRTIO_ID_SCSI = 8,
    VIRTIO_ID_9P = 9,
    VIRTIO_ID_GPU = 16,
    VIRTIO_ID_INPUT = 18,
    VIRTIO_ID_SOCKET = 19,
    VIRTIO_ID_CRYPTO = 20,
    VIRTIO_ID_IOMMU = 23,
    VIRTIO_ID_MEMORY = 24,
    VIRTIO_ID_SOUND = 25,
    VIRTIO_ID_FILE_SYSTEM = 26,
    VIRTIO_ID_PMEM = 27
};

/** Device status bits (spec 2.1). */
#define VIRTIO_STATUS_ACKNOWLEDGE        0x01u
#define VIRTIO_STATUS_DRIVER             0x02u
#define VIRTIO_STATUS_DRIVER_OK          0x04u
#define VIRTIO_STATUS_FEATURES_OK        0x08u
#define VIRTIO_STATUS_DEVICE_NEEDS_RESET 0x40u
#define VIRTIO_STATUS_FAILED             0x80u

/** Feature bits that are not of one device type (spec 6); masks, not bit numbers. */
#define VIRTIO_F_NOTIFY_ON_EMPTY   (UINT64_C(1) << 24) /* legacy */
#define VIRTIO_F_ANY_LAYOUT        (UINT64_C(1) << 27) /* legacy */
#define VIRTIO_F_INDIRECT_DESC     (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX         (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1         (UINT64_C(1) << 32)
#define VIRTIO_F_ACCESS_PLATFORM   (UINT64_C(1) << 33)
#define VIRTIO_F_RING_PACKED       (UINT64_C(1) << 34)
#define VIRTIO_F_IN_ORDER          (UINT64_C(1) << 35)
#define VIRTIO_F_ORDER_PLATFORM    (UINT64_C(1) << 36)
#define VIRTIO_F_SR_IOV            (UINT64_C(1) << 37)
#define VIRTIO_F_NOTIFICATION_DATA (UINT64_C(1) << 38)
#define VIRTIO_F_NOTIF_CONFIG_DATA (UINT64_C(1) << 39)
#define VIRTIO_F_RING_RESET        (UINT64_C(1) << 40)

/** What a driver asks of a device. */
struct virtio_features {
    uint64_t supported; /* device-type bits that the driver implements: the allow-list */
    uint64_t required;  /* bits without which it can't work; a subset of supported */
};

/** Which of two ways to drive a transitional device. */
enum virtio_force {
    VIRTIO_FORCE_NONE = 0,   /* modern where it can be, else legacy */
    VIRTIO_FORCE_LEGACY = 1, /* legacy or not at all */
    VIRTIO_FORCE_MODERN = 2  /* modern or not at all */
};

/** Where a device stands in its life cycle. */
enum virtio_device_state {
    VIRTIO_DEVICE_FOUND = 0,
    VIRTIO_DEVICE_OFFERED = 1, /* open, and its features read: to be accepted or given up */
    VIRTIO_DEVICE_BEGUN = 2,
    VIRTIO_DEVICE_READY = 3,
    VIRTIO_DEVICE_STOPPED = 4, /* begun before; open, reset, owning no memory */
    VIRTIO_DEVICE_LOST = 5     /* it would not be reset: memory it knows may still be written to */
};

struct virtio_device {
    const struct virtio_host *host;
    const struct virtio_transport_ops *ops; /* NULL until it is opened */
    uint32_t type;                          /* enum virtio_id; others are possible */
    uint32_t vendor;                        /* subsystem vendor (PCI) or vendor id (mmio) */
    enum virtio_force force;                /* set between found and begun */
    uint64_t refuse;                        /* feature bits not to take; set before begin */
    enum virtio_device_state state;
    bool legacy;                 /* guest-native byte order, legacy ring layout */
    bool given_up;               /* by virtio_device_end, and could not be closed */
    uint64_t features_offered;   /* valid since offered */
    uint64_t features;           /* taken; valid since begun */
    uint32_t timeout_us;         /* bound of every wait for this device; may be set before begin */
    const char *choice;          /* why this transport; static text, valid since begun */
    struct virtio_queue *queues; /* those that are initialised, latest first */
    /* Identity, by the way it was found: one of the two. */
    struct virtio_pci_function pci;
    struct virtio_mmio_slot mmio;
};

/** The default of virtio_device.timeout_us: five seconds. */
#define VIRTIO_TIMEOUT_DEFAULT_US 5000000u

/**
 * Open, reset and negotiate: from found or stopped to begun.
 *
 * Chooses the transport (see virtio_device.force), maps what it needs, resets the device and waits
 * until the reset is done, sets ACKNOWLEDGE and DRIVER, takes `wanted->supported` plus the bits that
 * the library itself implements (VIRTIO_F_VERSION_1, always; VIRTIO_F_ACCESS_PLATFORM and ring
 * features) as far as they are offered, sets FEATURES_OK and reads it back.
 *
 * @param device  a device that was found, not yet begun, or stopped.
 * @param wanted  device-type feature bits (0 to 23 and 50 to 63).
 * @return VIRTIO_OK; VIRTIO_E_INVALID (host or arguments), VIRTIO_E_STATE, VIRTIO_E_NO_DEVICE,
 *         VIRTIO_E_NO_VERSION_1, VIRTIO_E_FEATURES, VIRTIO_E_NOT_SUPPORTED (a required bit is not
 *         offered, or the forced transport does not exist), VIRTIO_E_CAPABILITY,
 *         VIRTIO_E_BAR_UNASSIGNED, VIRTIO_E_BAR_UNREACHABLE, VIRTIO_E_TIMEOUT (reset), VIRTIO_E_GONE.
 *         On error the device is FAILED and closed, and the state is found again.
 *
 * Context: the device's, not an interrupt handler. Spec 3.1.1 steps 1 to 6.
 */
int virtio_device_begin(struct virtio_device *device, const struct virtio_features *wanted);

/**
 * The first half of virtio_device_begin, for a driver that has to look at the offer, or at configuration
 * space, before it knows what to take: from found or stopped to offered. features_offered is valid
 * afterwards, and fields whose feature is offered (or that need none) may be read; nothing may be written.
 *
 * @return VIRTIO_OK; the errors of virtio_device_begin that come before any feature is taken: the device is
 *         closed, and the state is found again.
 *
 * Context: the device's, not an interrupt handler. Spec 3.1.1 steps 1 to 4.
 */
int virtio_device_offer(struct virtio_device *device);

/**
 * The second half: from offered to begun. Who decides against the device calls virtio_device_fail instead.
 *
 * @param wanted  as virtio_device_begin.
 * @return as virtio_device_begin; after VIRTIO_E_INVALID and VIRTIO_E_STATE nothing was done.
 *
 * Context: the device's, not an interrupt handler. Spec 3.1.1 steps 4 to 6.
 */
int virtio_device_accept(struct virtio_device *device, const struct virtio_features *wanted);

/**
 * Set DRIVER_OK: the device is live.
 *
 * @return VIRTIO_OK, VIRTIO_E_STATE when it was not begun, VIRTIO_E_NEEDS_RESET, VIRTIO_E_GONE.
 *
 * Context: the device's. Spec 3.1.1 step 8.
 */
int virtio_device_ready(struct virtio_device *device);

/**
 * Stop the device: reset it and wait until it is. Afterwards it performs no DMA, and everything that
 * was in flight belongs to the driver again (virtio_drain hands the cookies back). Call it before a
 * kernel hands the machine over, too. Stopping a stopped or found device does nothing.
 *
 * @return VIRTIO_OK; VIRTIO_E_TIMEOUT when the reset was not done within timeout_us: the state is
 *         VIRTIO_DEVICE_LOST then and memory that the device knows must not be used again; a device
 *         that is gone (unplugged) counts as stopped and gives VIRTIO_E_GONE.
 *
 * Context: the device's. Spec 2.4.
 */
int virtio_device_stop(struct virtio_device *device);

/**
 * Bring a device back that needs a reset, broke its rings' rules, did not answer or was gone: reset it,
 * negotiate the same features again, lay all its queues out anew, and go on as before (DRIVER_OK unless it
 * was merely begun). What was in flight comes back from virtio_drain, each cookie exactly once; until that
 * has returned 0 a queue refuses all other calls with VIRTIO_E_RESET. Prepared requests stay prepared.
 * Nothing is allocated. What the device type keeps in the device (posted buffers, modes) is its driver's to
 * set up again: every driver has a recover call of its own, made of this one's two halves.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE when it was never begun or was given up (virtio_device_end);
 *         VIRTIO_E_TIMEOUT and VIRTIO_E_GONE as virtio_device_stop; VIRTIO_E_FEATURES when it does not
 *         offer the same features any more or refuses them; VIRTIO_E_QUEUE_SIZE when a queue has another
 *         size now; the errors of virtio_ring_map and virtio_device_ready. On error the device is stopped
 *         (or lost, see virtio_device_stop), everything can be drained, and recovery may be tried again: of
 *         a device that is gone when it is back.
 *
 * Context: the device's and all its queues'. Spec 2.1.2, 2.4.
 */
int virtio_device_recover(struct virtio_device *device);

/**
 * The first half of virtio_device_recover: the device is begun afterwards, as if it had never been ready.
 * Configuration space may be read, queues drained and buffers submitted; virtio_device_ready is the other
 * half.
 *
 * @return as virtio_device_recover, without the errors of virtio_device_ready.
 *
 * Context: the device's and all its queues'. Spec 2.1.2, 2.4.
 */
int virtio_device_renew(struct virtio_device *device);

/**
 * Give up on the device: set FAILED, then end it. For errors after begin.
 *
 * @return what virtio_device_end returns.
 *
 * Context: the device's. Spec 2.1, 3.1.1.
 */
int virtio_device_fail(struct virtio_device *device);

/**
 * Stop the device and give back everything that begin acquired; the state is found again. All queues
 * must have been torn down (virtio_ring_uninit) after a stop. A device that could not be ended can only be
 * ended later: it is not recovered any more.
 *
 * @return VIRTIO_OK (also for VIRTIO_E_GONE at the stop), VIRTIO_E_BUSY when queues are left, or
 *         VIRTIO_E_TIMEOUT as virtio_device_stop.
 *
 * Context: the device's.
 */
int virtio_device_end(struct virtio_device *device);

/**
 * Is the device still healthy? Reads the status register once. (Over PCI, should that be 0, which no live
 * device's is, the vendor id, too: where nobody answers for a device that was unplugged, memory may read as
 * zeros.)
 *
 * @return VIRTIO_OK, VIRTIO_E_NEEDS_RESET, VIRTIO_E_GONE (all ones are read), or
 *         VIRTIO_E_STATE when it is not begun, or when it is ready and the device dropped DRIVER_OK:
 *         somebody else reset it.
 *
 * Context: any that may access the device's registers.
 */
int virtio_device_check(const struct virtio_device *device);

/**
 * Write the driver's features, set FEATURES_OK and read it back (spec 3.1.1 steps 4 to 6); 1.0 and
 * later only. virtio_device_begin does this for drivers.
 *
 * @param features  bits to take; no others than those offered.
 * @param status    in: the status bits set so far; out: the same with FEATURES_OK as the device has
 *                  it, also on error.
 * @return VIRTIO_OK, VIRTIO_E_NOT_SUPPORTED below 1.0, VIRTIO_E_INVALID for a bit that was not
 *         offered, VIRTIO_E_FEATURES when the device cleared FEATURES_OK, VIRTIO_E_GONE.
 *
 * Context: the device's, between DRIVER and the first queue.
 */
int virtio_write_features(struct virtio_device *device, uint64_t features, uint8_t *status);

/**
 * Read a field of device configuration space.
 *
 * Reads with the field's natural width, 64-bit fields as two 32-bit halves; repeats until the
 * configuration generation stayed the same (modern) or two reads gave the same value (legacy), a
 * bounded number of times.
 *
 * @param offset  bytes from the start of device configuration space, a multiple of `width` (of 4 for 8).
 * @param width   1, 2, 4 or 8.
 * @param value   out: the value in CPU order; unchanged on error.
 * @return VIRTIO_OK, VIRTIO_E_INVALID, VIRTIO_E_STATE before the offer is read, VIRTIO_E_CONFIG when the field
 *         is beyond the end or never held still.
 *
 * Context: the device's. Spec 2.5.
 */
int virtio_config_read(const struct virtio_device *device, uint32_t offset, unsigned width,
                       uint64_t *value);

/**
 * Read consecutive bytes of device configuration space (a MAC address, a name), all of one generation.
 *
 * @param offset  bytes from the start.
 * @param bytes   out: `length` bytes, read one by one; undefined on error.
 * @param length  1 to 256.
 * @return as virtio_config_read.
 *
 * Context: the device's. Spec 2.5.
 */
int virtio_config_read_bytes(const struct virtio_device *device, uint32_t offset, void *bytes,
                             uint32_t length);

/**
 * Write a field of device configuration space with its natural width.
 *
 * @return VIRTIO_OK, VIRTIO_E_INVALID, VIRTIO_E_STATE, VIRTIO_E_CONFIG when it is beyond the end.
 *
 * Context: the device's. Spec 2.5.
 */
int virtio_config_write(const struct virtio_device *device, uint32_t offset, unsigned width,
                        uint64_t value);

/** Was this feature bit (a mask) taken? */
static inline bool virtio_has_feature(const struct virtio_device *device, uint64_t feature)
{
    return (device->features & feature) != 0;
}

/**
 * Allocate zeroed memory shared with the device, for request headers and the like.
 *
 * @param size       bytes, at least 1.
 * @param alignment  a power of two.
 * @param shared     out: the memory; {NULL, 0, 0} on error.
 * @return VIRTIO_OK, VIRTIO_E_NO_MEMORY or VIRTIO_E_INVALID (the hook broke its contract).
 *
 * Context: the device's, after begin.
 */
int virtio_allocate_shared(const struct virtio_device *device, size_t size, size_t alignment,
                           struct virtio_shared *shared);

/** Give shared memory back; the device must have been stopped, or never been told of it. NULL memory
 * is allowed. */
void virtio_free_shared(const struct virtio_device *device, struct virtio_shared *shared);

/**
 * Map a buffer for the device, whole or not at all.
 *
 * @param memory     the buffer; not NULL.
 * @param size       bytes, at least 1.
 * @param direction  who reads and writes.
 * @param mapping    out: for virtio_unmap_buffer; its device_address goes into descriptors. Its size is 0
 *                   when nothing was mapped.
 * @return VIRTIO_OK, VIRTIO_E_INVALID, or VIRTIO_E_MAP when the host could map none or only part of it;
 *         nothing stays mapped then.
 *
 * Context: the device's, after begin; one call a buffer and request.
 */
int virtio_map_all_bytes_in_shared_buffer(const struct virtio_device *device, void *memory,
                                          size_t size, enum virtio_direction direction,
                                          struct virtio_mapping *mapping);

/**
 * End a mapping. For VIRTIO_DEVICE_WRITES the data is in the buffer afterwards.
 *
 * @return VIRTIO_OK or VIRTIO_E_MAP: the data is not there and the request has failed.
 *
 * Context: the device's; the device does not use the buffer any more.
 */
int virtio_unmap_buffer(const struct virtio_device *device, const struct virtio_mapping *mapping);

/**
 * Explain a hang: print status bits, features offered and taken, and for each queue its size, layout,
 * addresses, indices and error through the log hook. Reads the status register and the rings' index
 * fields; changes nothing.
 *
 * Context: any that may access the device's registers.
 */
void virtio_dump(const struct virtio_device *device);

#ifdef __cplusplus
}
#endif

#endif
