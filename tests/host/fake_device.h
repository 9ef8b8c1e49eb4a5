/* SPDX-License-Identifier: MIT */
/*
 * The fake device: the part of a virtio device that all transports and device types share. Status,
 * features, queues, configuration space and notifications, with every rule that the specification
 * has for a driver checked as it happens (fake_host.h: violations).
 *
 * In front of it stands a register model (fake_mmio.h, fake_virtio_pci.h), which calls the functions
 * of the section "for register models". Behind it are the rings (fake_queue.h) and a behaviour, the
 * device type: fake_echo below, fake_blk.h, fake_rng.h, or none, and the test does the device's
 * work by hand (fake_queue_take, fake_chain_complete, and the lies of fake_queue.h).
 *
 *     fake_device_begin(&device, &host, VIRTIO_ID_ENTROPY);
 *     device.features |= ...;  device.queues[0].maximum = 8;  device.behaviour = &fake_echo;
 *     fake_mmio_attach(&mmio, &device, 0x10001000, 2);
 *     ... drive it with the library ...
 *     fake_device_end(&device);
 *
 * A device works when it was notified, at once or after latency_us; never because it looked into a
 * ring by itself. So a lost notification shows as a request that never ends.
 *
 * What may go wrong is a member that a test sets: reset_polls, refuses_features, gone, and so on; a
 * test may also change `status` (DEVICE_NEEDS_RESET) and use fake_device_change_config at any time,
 * from fake_host.observer for instance.
 */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include "fake_host.h"
#include "fake_order.h"
#include "fake_queue.h"

#define FAKE_QUEUES      12u
#define FAKE_CONFIG_SIZE 256u
#define FAKE_FOR_EVER    UINT32_MAX

struct fake_device;

/** What kind of device it is. Members may be NULL. */
struct fake_behaviour {
    /** A chain was made available; complete it now or later (fake_chain_complete). */
    void (*request)(struct fake_device *device, struct fake_chain *chain);
    /** The driver wrote to configuration space. */
    void (*config_written)(struct fake_device *device, uint32_t offset, unsigned width);
    /** The device was reset; chains taken are forgotten after this. */
    void (*reset)(struct fake_device *device);
    /** One queue was reset; its chains are forgotten after this. */
    void (*queue_reset)(struct fake_device *device, struct fake_queue *queue);
    /** Time has passed. */
    void (*tick)(struct fake_device *device);
};

/** Copies the readable bytes to the writable ones and fills up with FAKE_ECHO_FILL; completes at once. */
extern const struct fake_behaviour fake_echo;
#define FAKE_ECHO_FILL 0xeeu

struct fake_device {
    struct fake_host *host;

    /* What it is; set before the driver comes. */
    uint32_t type;
    uint32_t vendor;
    uint64_t features;  /* offered; begin sets VIRTIO_F_VERSION_1 alone */
    bool is_big_endian; /* it will be driven through a legacy interface, by a big-endian CPU */
    unsigned queue_count;
    struct fake_queue queues[FAKE_QUEUES];
    uint8_t config[FAKE_CONFIG_SIZE];
    uint32_t config_size;  /* 0: no configuration space */
    uint32_t config_early; /* offset of a byte that may be read before FEATURES_OK; 0: none */
    const uint8_t *config_widths; /* of the fields from offset 0 on, ended by 0; NULL: any width */
    const struct fake_behaviour *behaviour;
    void *behaviour_context;
    uint32_t latency_us; /* between a notification and the device's work */

    /* What may be wrong with it. */
    uint32_t reset_polls;     /* status reads until a reset is done; FAKE_FOR_EVER */
    uint8_t reset_shows;      /* status meanwhile; 0: what it was before */
    bool gone;                /* unplugged: all ones, writes are lost */
    bool refuses_features;    /* FEATURES_OK does not stay set */
    bool keeps_queue_enabled; /* a queue shows as enabled although it was reset */
    bool refuses_enable;      /* queue_enable, QueueReady or the page number read back 0 */
    bool leaves_lengths; /* packed: a used length means nothing where nothing was written (2.8.4) */
    bool is_lenient;     /* rules about status, features and queues are not checked */

    /* What the driver did. */
    uint8_t status;
    uint64_t driver_features;
    uint64_t features_taken; /* the same, and not forgotten by a reset */
    bool legacy;             /* driven through a legacy interface */
    uint32_t resets;         /* how many were begun */
    uint32_t readies;        /* how often DRIVER_OK was set */
    uint32_t failures;       /* how often FAILED was set */
    uint64_t config_reads;
    uint8_t status_log[16]; /* latest values written to the status register, latest first */
    uint32_t generation;
    uint8_t isr;

    /** May the device access memory now? Set by a register model (bus mastering). NULL: yes. */
    bool (*may_access_memory)(struct fake_device *device);
    void *front; /* the register model's own */
    enum fake_life life;

    /* Private. */
    bool is_resetting;
    uint32_t reset_polls_left;
    uint8_t shown_while_resetting;
    uint8_t feature_halves_read;    /* bit 0: lower, bit 1: upper */
    uint8_t feature_halves_written; /* the same */
    bool feature_select_written[2]; /* device's, driver's */
    uint32_t feature_select[2];
    uint16_t queue_select;
    bool queue_selected;
};

/** A number in the device's byte order. */
static inline uint64_t fake_get(const struct fake_device *device, const uint8_t *bytes,
                                unsigned width)
{
    return fake_number(bytes, width, device->is_big_endian);
}

static inline void fake_put(const struct fake_device *device, uint8_t *bytes, unsigned width,
                            uint64_t value)
{
    fake_put_number(bytes, width, device->is_big_endian, value);
}

/** A device of a type: no configuration space, one queue of at most 256. */
void fake_device_begin(struct fake_device *device, struct fake_host *host, uint32_t type);

/** Forget chains and release memory; the register model was detached or goes with the host. */
void fake_device_end(struct fake_device *device);

/** Change bytes of configuration space as the device: the generation changes with them. */
void fake_device_change_config(struct fake_device *device, uint32_t offset, const void *bytes,
                               uint32_t size);

/** The same with one field of it. */
void fake_device_change_field(struct fake_device *device, uint32_t offset, unsigned width,
                              uint64_t value);

/** Put a number into configuration space before the driver comes, in the device's byte order. */
void fake_device_set_config(struct fake_device *device, uint32_t offset, unsigned width,
                            uint64_t value);

/** The features that the library implements for a type of device (fake_features.c). */
uint64_t fake_features_implemented(uint32_t type);

/** Do the device's work on a queue: what a notification causes. */
void fake_device_work(struct fake_device *device, struct fake_queue *queue);

/** Record a violation, unless the device is lenient. */
#define fake_rule(device, rule, section, ...)                                                      \
    ((device)->is_lenient ? (void)0 : fake_violation((device)->host, rule, section, __VA_ARGS__))

/* For register models ----------------------------------------------------------------------------- */

/** Before each access to any register but the status: was a reset waited for, is the interface the
 * one that the driver began with? @return false when the device is gone or resetting. */
bool fake_device_touch(struct fake_device *device, bool legacy, const char *what);

/** Before each access to any register: was the device closed? Nothing is accessed then (3.3). */
void fake_device_check_life(struct fake_device *device, const struct fake_access *access);

uint8_t fake_device_read_status(struct fake_device *device);
void fake_device_write_status(struct fake_device *device, bool legacy, uint32_t value);

/** `which`: 0 the device's, 1 the driver's feature select register. */
void fake_device_select_features(struct fake_device *device, unsigned which, uint32_t select);
uint32_t fake_device_read_features(struct fake_device *device);
void fake_device_write_features(struct fake_device *device, uint32_t value);
/** What the driver wrote, as far as the device shows it. */
uint32_t fake_device_show_driver_features(struct fake_device *device);

void fake_device_select_queue(struct fake_device *device, uint32_t index);
/** The selected queue, or NULL when there is none; checks that it is the time for it. */
struct fake_queue *fake_device_selected(struct fake_device *device, const char *what);

/** The queue that a notification names, as negotiated (2.9), or NULL. */
struct fake_queue *fake_device_named(struct fake_device *device, uint32_t value);
void fake_device_notify(struct fake_device *device, uint32_t value);

uint32_t fake_device_read_config(struct fake_device *device, uint32_t offset, unsigned width);
void fake_device_write_config(struct fake_device *device, uint32_t offset, unsigned width,
                              uint32_t value);
uint8_t fake_device_read_isr(struct fake_device *device);

void fake_device_tick(struct fake_device *device);
const char *fake_device_in_use(struct fake_device *device, uint64_t address, uint64_t size);

#endif
