/* SPDX-License-Identifier: MIT */
/*
 * What the stream can make happen at an event. Lies come from the back of the stream: a byte that says how many
 * events pass, then one that says what happens, then what that needs.
 */
#include "hostile.h"

#define FAR 200u /* from here on the gap counts in steps of 64 events: a whole round of polling */

static uint8_t take(struct hostile *hostile)
{
    return hostile->at < hostile->end ? *--hostile->end : 0;
}

static uint32_t take_number(struct hostile *hostile, unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)take(hostile) << 8 * i;
    return value;
}

/* Numbers at which something ends are the interesting ones. */
static uint32_t take_value(struct hostile *hostile)
{
    static const uint32_t edges[] = {0,      1,      2,          0x7f,      0x80,    0xff,
                                     0x100,  0x7fff, 0x8000,     0xffff,    0x10000, 0x7fffffff,
                                     0x1000, 0x40,   0x80000000, 0xffffffff};
    uint8_t kind = take(hostile);

    if (kind < 16)
        return edges[kind];
    if (kind < 0x80)
        return take(hostile);
    return take_number(hostile, kind < 0xc0 ? 2 : 4);
}

void hostile_next_lie(struct hostile *hostile)
{
    uint8_t gap;

    hostile_next_lie_is_far(hostile);
    if (hostile->tame || hostile->at >= hostile->end)
        return;
    gap = take(hostile);
    hostile->countdown = gap < FAR ? gap + 1u : (gap - FAR + 1u) * 64u;
}

/* Write to memory that is shared, in `width` bytes. */
static void scribble(struct hostile *hostile, uint8_t *memory, unsigned width, uint64_t value)
{
    if (memory == NULL)
        return;
    hostile->scribbled = true;
    memcpy(memory, &value, width);
}

static unsigned take_width(struct hostile *hostile)
{
    return 1u << (take(hostile) & 3);
}

static void scribble_somewhere(struct hostile *hostile)
{
    unsigned width = take_width(hostile);
    uint32_t which = take(hostile);
    uint32_t offset = take_number(hostile, 2);

    scribble(hostile, hostile_shared_byte(which, offset, width), width,
             take_value(hostile) | (uint64_t)take(hostile) << 32);
}

/* The queue, of those that there are. */
static unsigned take_queue(struct hostile *hostile)
{
    return hostile->queue_count <= 1 ? 0 : take(hostile) % hostile->queue_count;
}

static void change_device(struct hostile *hostile, unsigned kind)
{
    uint32_t offset;

    switch (kind) {
    case 0:
        hostile->status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
        break;
    case 1:
        hostile->gone = !hostile->gone;
        break;
    case 2:
        hostile->reset_reads = take_value(hostile);
        break;
    case 3:
        hostile->restless = !hostile->restless;
        break;
    case 4:
        offset = take(hostile);
        hostile->config[offset % HOSTILE_CONFIG] = take(hostile);
        hostile->generation++;
        break;
    case 5:
        hostile->offered ^= UINT64_C(1) << (take(hostile) & 63);
        break;
    case 6: /* a reset of its own accord */
        hostile_device_reset(hostile);
        break;
    default:
        offset = take_queue(hostile);
        hostile->queues[offset].size_max = (uint16_t)take_value(hostile);
        break;
    }
    hostile->lied = true;
}

static void change_host(struct hostile *hostile, unsigned kind)
{
    uint32_t jump;

    switch (kind) {
    case 0:
        hostile->failing_allocations = 1;
        break;
    case 1:
        hostile->failing_mappings = 1;
        hostile->partial_mapping = false;
        break;
    case 2:
        hostile->failing_mappings = 1;
        hostile->partial_mapping = true;
        break;
    default:
        jump = take_value(hostile);
        hostile->now += jump;
        hostile->jumped += jump;
        break;
    }
}

void hostile_lie(struct hostile *hostile)
{
    uint8_t what = take(hostile);
    unsigned queue;

    hostile_explain("  event %u: lie %u.%u\n", hostile->events, what >> 4, what & 15);
    switch (what >> 4) {
    case 0: /* the next register says something else */
    case 1:
        hostile->overrides_next = true;
        hostile->next_value = take_value(hostile);
        break;
    case 2: /* a register says it from now on */
        hostile->overrides_register = true;
        hostile->register_address = UINT64_MAX; /* the next one that is read */
        hostile->register_value = take_value(hostile);
        break;
    case 3:
        change_device(hostile, what & 7);
        break;
    case 4:
        change_host(hostile, what & 3);
        break;
    case 5:
    case 6:
        scribble_somewhere(hostile);
        break;
    case 7:
    case 8:
        queue = take_queue(hostile);
        hostile_ring_lie(hostile, queue, what, take_value(hostile));
        break;
    case 9: /* work now, on some of it */
        queue = take_queue(hostile);
        hostile_fetch(hostile, queue);
        hostile_complete(hostile, queue, what & 15, 0);
        break;
    case 10: /* and say a wrong length */
        queue = take_queue(hostile);
        hostile_fetch(hostile, queue);
        hostile_complete(hostile, queue, what & 15, take_value(hostile));
        break;
    case 11:
        hostile->deaf = !hostile->deaf;
        break;
    case 12: /* what is about to be loaded changes, for this one look */
        hostile->flips = 1;
        break;
    case 13: /* or for good */
        hostile->flips = 2;
        break;
    case 14: /* or just after */
        hostile->flips = 3;
        break;
    default:
        hostile_work(hostile, take_queue(hostile));
        break;
    }
    if (hostile->flips != 0 && !hostile->flip_is_set) {
        hostile->flip_value = take_value(hostile);
        hostile->flip_is_set = true;
    }
    hostile_next_lie(hostile);
}

void hostile_look(struct hostile *hostile, void *address, unsigned width)
{
    hostile_event(hostile);
    if (hostile->flips == 0 || hostile->tame)
        return;
    if (hostile->flips == 3) { /* this look sees what is there, the next one the change */
        hostile->flips = 2;
        return;
    }
    if (hostile->flips == 1) {
        hostile->flipped = address;
        hostile->attention = true;
        hostile->flipped_width = width;
        memcpy(&hostile->flipped_value, address, width);
    }
    hostile->flips = 0;
    hostile->flip_is_set = false;
    hostile->scribbled = true;
    memcpy(address, &hostile->flip_value, width < 8 ? width : 8);
}
