/* SPDX-License-Identifier: MIT */
/*
 * The SCSI host device driver, its control and event queues (spec 5.6.6.2, 5.6.6.3).
 *
 * A control request lives in one of a few places of shared memory, and who has it is known in private memory. One
 * that timed out keeps its place until the device uses it after all: its memory is the library's, so
 * that nobody else is concerned and nothing has to be halted.
 *
 * Must not: know the request queues.
 */
#include "scsi_internal.h"
#include "buffer_queue.h"

/* Requests of the control queue. */
#define VIRTIO_SCSI_T_TMF          0u
#define VIRTIO_SCSI_T_AN_QUERY     1u
#define VIRTIO_SCSI_T_AN_SUBSCRIBE 2u

/* The flag in an event that says that others were lost. */
#define VIRTIO_SCSI_T_EVENTS_MISSED 0x80000000u

#define UNWRITTEN 0xffu

#define ALL_CONTROLS ((1u << VIRTIO_SCSI_CONTROLS) - 1)

/* The most that event_info_size is followed to. What a device would write beyond is not known here. */
#define EVENT_SIZE_MAX 4096u
#define CACHE_LINE     64u

struct virtio_scsi_ctrl_tmf {
    uint32_t type;
    uint32_t subtype;
    uint8_t lun[VIRTIO_SCSI_LUN_SIZE];
    uint64_t id;
};

_Static_assert(sizeof(struct virtio_scsi_ctrl_tmf) == 24, "spec 5.6.6.2");

struct virtio_scsi_ctrl_an {
    uint32_t type;
    uint8_t lun[VIRTIO_SCSI_LUN_SIZE];
    uint32_t event_requested;
};

_Static_assert(sizeof(struct virtio_scsi_ctrl_an) == 16, "spec 5.6.6.2");

/* What the device writes: an AN's answer has the events before the response. */
struct an_answer {
    uint32_t event_actual;
    uint8_t response;
};

#define AN_ANSWER_SIZE (offsetof(struct an_answer, response) + 1)

_Static_assert(AN_ANSWER_SIZE == 5, "spec 5.6.6.2");

/* A control request's shared memory: a cache line that the device reads and one that it writes. */
struct control {
    union {
        struct virtio_scsi_ctrl_tmf tmf;
        struct virtio_scsi_ctrl_an an;
        uint8_t line[CACHE_LINE];
    } request;
    union {
        struct an_answer an;
        uint8_t line[CACHE_LINE];
    } answer;
};

_Static_assert(sizeof(struct control) == sizeof(uint8_t[2][CACHE_LINE]), "two cache lines");

struct wire_event {
    uint32_t event;
    uint8_t lun[VIRTIO_SCSI_LUN_SIZE];
    uint32_t reason;
};

_Static_assert(sizeof(struct wire_event) == 16, "spec 5.6.6.3");

/* ---- Start and end ---- */

static uint32_t event_size(const struct virtio_scsi *scsi)
{
    uint32_t size = scsi->event_info_size;

    if (size < sizeof(struct wire_event))
        size = sizeof(struct wire_event);
    if (size > EVENT_SIZE_MAX)
        size = EVENT_SIZE_MAX;
    return (size + CACHE_LINE - 1) & ~(CACHE_LINE - 1);
}

int virtio_scsi_control_start(struct virtio_scsi *scsi)
{
    int error = virtio_queue_start(&scsi->control, &scsi->device, VIRTIO_SCSI_CONTROL_QUEUE,
                                   2 * VIRTIO_SCSI_CONTROLS);

    if (error == VIRTIO_OK)
        error = virtio_allocate_shared(&scsi->device, VIRTIO_SCSI_CONTROLS * sizeof(struct control),
                                       CACHE_LINE, &scsi->controls);
    if (error != VIRTIO_OK)
        return error;
    scsi->controls_free = ALL_CONTROLS;
    return virtio_buffer_queue_start(&scsi->events, &scsi->device, VIRTIO_SCSI_EVENT_QUEUE,
                                     VIRTIO_SCSI_EVENTS, event_size(scsi));
}

int virtio_scsi_control_ready(struct virtio_scsi *scsi)
{
    int error;

    memset(scsi->events.shared.memory, 0, (size_t)scsi->events.depth * scsi->events.size);
    error = virtio_buffer_queue_fill(&scsi->events);
    return error == VIRTIO_OK ? virtio_kick(&scsi->events.queue) : error;
}

void virtio_scsi_control_renew(struct virtio_scsi *scsi)
{
    struct virtio_done done;

    while (virtio_drain(&scsi->control, &done) > 0)
        continue;
    scsi->controls_free = ALL_CONTROLS;
    virtio_buffer_queue_renew(&scsi->events);
}

void virtio_scsi_control_end(struct virtio_scsi *scsi)
{
    (void)virtio_ring_uninit(&scsi->control);
    virtio_free_shared(&scsi->device, &scsi->controls);
    virtio_buffer_queue_end(&scsi->events, &scsi->device);
}

/* ---- Control requests ---- */

static struct control *control_at(const struct virtio_scsi *scsi, unsigned number)
{
    return (struct control *)scsi->controls.memory + number;
}

/* A request was used: its place is free again. */
static void release(struct virtio_scsi *scsi, const void *cookie)
{
    scsi->controls_free |= 1u << (unsigned)((const struct control *)cookie - control_at(scsi, 0));
}

/* A free place, for a request that timed out once may have been used since. @return NULL: none, and `error` why. */
static struct control *find_place(struct virtio_scsi *scsi, int *error)
{
    struct virtio_done done;

    *error = VIRTIO_E_STATE;
    if (!virtio_scsi_is_live(scsi))
        return NULL;
    while ((*error = virtio_reap(&scsi->control, &done)) > 0)
        release(scsi, done.cookie);
    if (*error != VIRTIO_OK)
        return NULL;
    for (unsigned number = 0; number < VIRTIO_SCSI_CONTROLS; number++) {
        if ((scsi->controls_free >> number & 1) != 0) {
            memset(control_at(scsi, number), 0, sizeof(struct control));
            memset(control_at(scsi, number)->answer.line, UNWRITTEN, AN_ANSWER_SIZE);
            return control_at(scsi, number);
        }
    }
    *error = VIRTIO_E_FULL;
    return NULL;
}

/* Send the request and wait for it. Two descriptors each, and places for half the queue: there is room, unless a
 * device has a smaller queue. */
static int run(struct virtio_scsi *scsi, struct control *control, uint32_t size,
               uint32_t answer_size)
{
    uint64_t address = scsi->controls.device_address +
                       (uint64_t)((uint8_t *)control - (uint8_t *)scsi->controls.memory);
    const struct virtio_buffer buffers[2] = {
        {address, size}, {address + offsetof(struct control, answer), answer_size}};
    struct virtio_done done = {NULL, 0};
    int result;

    virtio_give_shared(&scsi->device, control, sizeof(*control), VIRTIO_SYNC_FOR_DEVICE);
    result = virtio_submit_buffers(&scsi->control, buffers, 1, 1, control);
    if (result != VIRTIO_OK)
        return result;
    scsi->controls_free &= ~(1u << (unsigned)(control - control_at(scsi, 0)));
    result = virtio_kick(&scsi->control);
    while (result >= 0 && done.cookie != control) {
        result = virtio_wait(&scsi->control, &done, scsi->device.timeout_us);
        if (result > 0)
            release(scsi, done.cookie);
    }
    virtio_give_shared(&scsi->device, control, sizeof(*control), VIRTIO_SYNC_FOR_CPU);
    return result > 0 ? VIRTIO_OK : result;
}

/* What the response to a control request means. */
static int judge(uint8_t response)
{
    switch (response) {
    case VIRTIO_SCSI_S_FUNCTION_SUCCEEDED:
        return 1;
    case VIRTIO_SCSI_S_FUNCTION_REJECTED:
        return VIRTIO_E_UNSUPPORTED_REQUEST;
    case VIRTIO_SCSI_S_BAD_TARGET:
    case VIRTIO_SCSI_S_INCORRECT_LUN:
        return VIRTIO_E_NO_DEVICE;
    case VIRTIO_SCSI_S_OK:
        return VIRTIO_OK;
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

int virtio_scsi_manage(struct virtio_scsi *scsi, enum virtio_scsi_tmf function, uint8_t target,
                       uint16_t lun, uint64_t tag)
{
    bool legacy = scsi->device.legacy;
    struct control *control;
    int error;

    if (function > VIRTIO_SCSI_T_TMF_QUERY_TASK_SET || lun > VIRTIO_SCSI_LUN_MAX)
        return VIRTIO_E_INVALID;
    control = find_place(scsi, &error);
    if (control == NULL)
        return error;
    control->request.tmf.type = virtio_order32(legacy, VIRTIO_SCSI_T_TMF);
    control->request.tmf.subtype = virtio_order32(legacy, function);
    virtio_scsi_put_lun(control->request.tmf.lun, target, lun);
    control->request.tmf.id = virtio_order64(legacy, tag);
    error = run(scsi, control, sizeof(control->request.tmf), 1);
    return error == VIRTIO_OK ? judge(*(volatile uint8_t *)control->answer.line) : error;
}

/* Asynchronous notifications: a query or a subscription. */
static int notifications(struct virtio_scsi *scsi, uint32_t type, uint8_t target, uint16_t lun,
                         uint32_t requested, uint32_t *actual)
{
    bool legacy = scsi->device.legacy;
    struct control *control;
    int error;

    *actual = 0;
    if (lun > VIRTIO_SCSI_LUN_MAX)
        return VIRTIO_E_INVALID;
    control = find_place(scsi, &error);
    if (control == NULL)
        return error;
    control->request.an.type = virtio_order32(legacy, type);
    virtio_scsi_put_lun(control->request.an.lun, target, lun);
    control->request.an.event_requested = virtio_order32(legacy, requested);
    error = run(scsi, control, sizeof(control->request.an), AN_ANSWER_SIZE);
    if (error != VIRTIO_OK)
        return error;
    error = judge(*(volatile uint8_t *)&control->answer.an.response);
    if (error > 0) /* no such thing for this request */
        return VIRTIO_E_RESPONSE;
    if (error == VIRTIO_OK)
        *actual = requested &
                  virtio_order32(legacy, *(volatile uint32_t *)&control->answer.an.event_actual);
    return error;
}

int virtio_scsi_query_notifications(struct virtio_scsi *scsi, uint8_t target, uint16_t lun,
                                    uint32_t requested, uint32_t *actual)
{
    return notifications(scsi, VIRTIO_SCSI_T_AN_QUERY, target, lun, requested, actual);
}

int virtio_scsi_subscribe_notifications(struct virtio_scsi *scsi, uint8_t target, uint16_t lun,
                                        uint32_t requested, uint32_t *actual)
{
    return notifications(scsi, VIRTIO_SCSI_T_AN_SUBSCRIBE, target, lun, requested, actual);
}

/* ---- Events ---- */

/* @return false for an event that makes no sense. A legacy device's used length means nothing, and what it did
 * not write is zero, for buffers are cleared before they go out. */
static bool read_event(const struct virtio_scsi *scsi, const uint8_t *bytes, uint32_t written,
                       struct virtio_scsi_event *event)
{
    bool legacy = scsi->device.legacy;
    struct wire_event wire;
    bool addressed;

    memcpy(&wire, bytes, sizeof(wire));
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* from here on it is the copy that counts */
    event->event = virtio_order32(legacy, wire.event);
    event->reason = virtio_order32(legacy, wire.reason);
    event->missed = (event->event & VIRTIO_SCSI_T_EVENTS_MISSED) != 0;
    event->event &= ~VIRTIO_SCSI_T_EVENTS_MISSED;
    event->target = wire.lun[1];
    addressed = virtio_scsi_get_lun(wire.lun + 2, &event->lun) && wire.lun[0] == 1;
    if (written < sizeof(wire) && !legacy)
        return false;
    switch (event->event) {
    case VIRTIO_SCSI_T_NO_EVENT:
        return event->missed;
    case VIRTIO_SCSI_T_TRANSPORT_RESET:
        return addressed && event->reason <= VIRTIO_SCSI_EVT_RESET_REMOVED;
    case VIRTIO_SCSI_T_ASYNC_NOTIFY:
    case VIRTIO_SCSI_T_PARAM_CHANGE:
        return addressed;
    default:
        return false;
    }
}

/* Give the device its buffers back, empty. */
static int refill(struct virtio_scsi *scsi, unsigned number)
{
    int error;

    memset(virtio_buffer_at(&scsi->events, number), 0, scsi->events.size);
    error = virtio_buffer_queue_fill(&scsi->events);
    return error == VIRTIO_OK ? virtio_kick(&scsi->events.queue) : error;
}

int virtio_scsi_poll_event(struct virtio_scsi *scsi, struct virtio_scsi_event *event)
{
    /* As many as there can be: a device that sends nothing but nonsense does not hold the caller up. */
    for (unsigned turn = 0; turn < VIRTIO_SCSI_EVENTS; turn++) {
        unsigned number;
        uint32_t written;
        bool good;
        int result = virtio_scsi_is_live(scsi)
                         ? virtio_buffer_queue_reap(&scsi->events, &number, &written)
                         : VIRTIO_E_STATE;

        if (result <= 0)
            return result;
        good = read_event(scsi, virtio_buffer_at(&scsi->events, number), written, event);
        result = refill(scsi, number);
        if (good)
            return 1; /* an error of the refill is latched, and comes with the next call */
        scsi->ignored++;
        if (result != VIRTIO_OK)
            return result;
    }
    return 0;
}

int virtio_scsi_wait_event(struct virtio_scsi *scsi, struct virtio_scsi_event *event,
                           uint32_t timeout_us)
{
    struct virtio_driver_wait wait;
    int result;

    if (timeout_us == 0)
        return VIRTIO_E_INVALID;
    result = virtio_scsi_poll_event(scsi, event);
    if (result != 0)
        return result;
    virtio_driver_wait_begin(&wait, &scsi->device, timeout_us);
    do {
        int over = virtio_driver_wait_turn(&wait, &scsi->device);

        result = virtio_scsi_poll_event(scsi, event);
        if (result == 0)
            result = over;
    } while (result == 0);
    return result;
}
