/* SPDX-License-Identifier: MIT */
/*
 * The life of one device (life.h). Owns two queues; must not know which transport it is.
 */
#include "life.h"

#define QUEUES 2u
#define STEPS  32u

struct life {
    struct hostile *hostile;
    struct virtio_device *device;
    struct virtio_queue queues[QUEUES];
    uint8_t *memory;
    uint64_t device_address;
};

static void begin(struct life *life)
{
    struct virtio_features wanted = {.supported = UINT64_C(0xfffc000000ffffff)};

    if ((hostile_byte(life->hostile) & 7) == 7)
        wanted.required = UINT64_C(1) << (hostile_byte(life->hostile) & 15);
    hostile_begin_call(life->hostile);
    (void)virtio_device_begin(life->device, &wanted);
    hostile_end_call(life->hostile, 2);
}

static void read_config(struct life *life)
{
    uint32_t offset = hostile_length(life->hostile);
    uint8_t width = hostile_byte(life->hostile);
    uint8_t bytes[256];
    uint64_t value = 0x5a5a;
    int error;

    if ((width & 0x80) != 0) {
        (void)virtio_config_read_bytes(life->device, offset, bytes, (width & 0x7fu) * 3u);
        return;
    }
    error = virtio_config_read(life->device, offset, width & 15, &value);
    hostile_require(error == VIRTIO_OK || value == 0x5a5a);
    /* What an honest device has there is what is read. */
    if (error == VIRTIO_OK && !life->hostile->lied && !life->hostile->patched && (width & 15) == 1)
        hostile_require(value == life->hostile->config[offset]);
}

static void submit(struct life *life, struct virtio_queue *queue)
{
    const struct virtio_buffer buffers[2] = {{life->device_address, 32},
                                             {life->device_address + 32, 32}};

    if (queue->state == VIRTIO_QUEUE_NONE)
        return;
    (void)virtio_submit_buffers(queue, buffers, 1, 1, NULL);
    (void)virtio_kick(queue);
}

static void reap(struct virtio_queue *queue)
{
    struct virtio_done done;

    if (queue->state != VIRTIO_QUEUE_NONE)
        (void)virtio_reap(queue, &done);
}

static void drain(struct virtio_queue *queue)
{
    struct virtio_done done;

    while (virtio_drain(queue, &done) == 1)
        hostile_require(done.cookie == NULL);
}

static void step(struct life *life)
{
    struct hostile *hostile = life->hostile;
    uint8_t what = hostile_byte(hostile);
    unsigned which = what >> 4 & 1;
    struct virtio_queue *queue = &life->queues[which];

    hostile_explain("step %u.%u\n", what & 15, what >> 4);
    hostile_begin_call(hostile);
    switch (what & 15) {
    case 0:
        (void)virtio_queue_start(queue, life->device, (uint16_t)which,
                                 (uint16_t)(1 + hostile_byte(hostile)));
        break;
    case 1:
        (void)virtio_device_ready(life->device);
        break;
    case 2:
        begin(life);
        break;
    case 3:
    case 4:
        read_config(life);
        break;
    case 5:
        which = hostile_byte(hostile);
        (void)virtio_config_write(life->device, which, what >> 4, hostile_number(hostile, 4));
        break;
    case 6:
        submit(life, queue);
        break;
    case 7:
        reap(queue);
        break;
    case 8:
        (void)virtio_device_stop(life->device);
        break;
    case 9:
        drain(queue);
        break;
    case 10:
        (void)virtio_ring_uninit(queue);
        break;
    case 11:
        (void)virtio_device_recover(life->device);
        break;
    case 12:
        if (queue->state != VIRTIO_QUEUE_NONE)
            (void)virtio_queue_reset(queue);
        break;
    case 13:
        virtio_dump(life->device);
        break;
    case 14:
        (void)virtio_device_check(life->device);
        break;
    default:
        (void)virtio_device_fail(life->device);
        break;
    }
    hostile_end_call(hostile, 2);
}

void hostile_live_through(struct hostile *hostile, struct virtio_device *device)
{
    static struct life life;

    memset(&life, 0, sizeof(life));
    life.hostile = hostile;
    life.device = device;
    life.memory = hostile_buffer(64, &life.device_address);
    begin(&life);
    for (unsigned steps = 0; steps < STEPS && hostile_has_script(hostile); steps++)
        step(&life);
    hostile_tame(hostile);
    hostile_begin_call(hostile);
    hostile_require(virtio_device_stop(device) == VIRTIO_OK);
    for (unsigned which = 0; which < QUEUES; which++) {
        drain(&life.queues[which]);
        hostile_require(virtio_ring_uninit(&life.queues[which]) == VIRTIO_OK);
    }
    hostile_require(virtio_device_end(device) == VIRTIO_OK);
    hostile_end_call(hostile, 1);
    hostile_buffer_back(life.memory, 64);
}
