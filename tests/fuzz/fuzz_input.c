/* SPDX-License-Identifier: MIT */
/*
 * Harness: the input device driver, its configuration questions included.
 */
#include "driver.h"

#define STEPS 64u

struct rig {
    struct hostile *hostile;
    struct virtio_device found;
    struct virtio_input input;
};

static uint32_t serve(struct hostile *hostile, unsigned queue, const struct hostile_chain *chain)
{
    return hostile_serve_stream(hostile, queue, chain, 0, 8);
}

/* An answer to `select` and `subsel`: a size, and bytes of the stream. */
static void config_written(struct hostile *hostile, uint32_t offset)
{
    uint8_t size;

    if (offset > 1)
        return;
    size = hostile_byte(hostile);
    hostile->config[2] = size;
    for (unsigned at = 0; at < (size & 15u); at++)
        hostile->config[8 + at] = hostile_byte(hostile);
}

static void query(struct rig *rig, unsigned what)
{
    struct hostile *hostile = rig->hostile;
    uint8_t bytes[VIRTIO_INPUT_CONFIG_MAX];
    struct virtio_input_range range;
    uint32_t size = 0;
    uint8_t select = hostile_byte(hostile);

    if (what == 0) {
        if (virtio_input_query(&rig->input, select, hostile_byte(hostile), bytes, &size) ==
            VIRTIO_OK) {
            hostile_require(size <= VIRTIO_INPUT_CONFIG_MAX);
            for (; size < VIRTIO_INPUT_CONFIG_MAX; size++)
                hostile_require(bytes[size] == 0);
        }
    } else if (what == 1) {
        (void)virtio_input_get_bits(&rig->input, select, bytes);
    } else if (virtio_input_get_range(&rig->input, select, &range) == VIRTIO_OK) {
        hostile_require(range.min <= range.max);
    }
}

static int start(void *context)
{
    struct rig *rig = context;
    int error = virtio_input_start(&rig->input, &rig->found);

    hostile_require(memchr(rig->input.name, 0, sizeof(rig->input.name)) != NULL);
    return error;
}

HOSTILE_CALLS(virtio_input, &rig->input)

static void step(void *context, uint8_t what);

static const struct hostile_driver driver = {
    .start = start,
    .halt = halt,
    .recover = recover,
    .stop = stop,
    .step = step,
    .steps = STEPS,
    .start_waits = 4,
    .step_waits = 4,
};

static void step(void *context, uint8_t what)
{
    struct rig *rig = context;
    struct hostile *hostile = rig->hostile;
    struct virtio_input_event event;

    switch (what & 15) {
    case 0:
    case 1:
        hostile_require(virtio_input_poll(&rig->input, &event) <= 1);
        break;
    case 2:
        hostile_require(virtio_input_wait(&rig->input, &event, hostile->timeout_us) != 0);
        break;
    case 3:
    case 4:
        hostile_require(virtio_input_send(&rig->input, VIRTIO_INPUT_EV_LED, what >> 4,
                                          hostile_byte(hostile)) <= 0);
        break;
    case 5:
    case 6:
    case 7:
        query(rig, (what & 15u) - 5u);
        break;
    case 8:
        hostile_halt_or_recover(&driver, rig, what);
        break;
    case 9:
        hostile_start_again(&driver, rig);
        break;
    case 10:
    case 11:
        hostile_fetch(hostile, what & 1u);
        hostile_complete(hostile, what & 1u, what >> 4, 0);
        break;
    default:
        hostile_work(hostile, what & 1u);
        break;
    }
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_INPUT, 0, 2);
    hostile->queues[0].lazy = true;
    hostile->serve = serve;
    hostile->config_written = config_written;
    hostile_drive(hostile, &rig.found, &driver, &rig);
}
