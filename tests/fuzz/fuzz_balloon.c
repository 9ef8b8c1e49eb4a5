/* SPDX-License-Identifier: MIT */
/*
 * Harness: the memory balloon driver. The number of pages in the balloon stays between none and all.
 */
#include "driver.h"

#define STEPS 48u
#define PAGES 600u /* more than two device requests carry */

struct rig {
    struct hostile *hostile;
    struct virtio_device found;
    struct virtio_balloon balloon;
    struct virtio_balloon_options options;
    uint8_t *memory; /* stands for what is reported and hinted */
    uint64_t device_address;
};

static uint64_t pages[PAGES];

static uint32_t serve(struct hostile *hostile, unsigned queue, const struct hostile_chain *chain)
{
    (void)hostile;
    (void)queue;
    (void)chain;
    return 0;
}

static void make_options(struct rig *rig)
{
    struct hostile *hostile = rig->hostile;

    rig->options.statistics = hostile_number(hostile, 2) & 0x3ff;
    rig->options.poisons = (hostile_byte(hostile) & 1) != 0;
    rig->options.poison_value = 0x5a5a5a5a;
}

static size_t take_pages(struct rig *rig)
{
    size_t count = hostile_length(rig->hostile) % (PAGES + 1u);

    for (size_t at = 0; at < count; at++)
        pages[at] = (at + 1) * VIRTIO_BALLOON_PAGE_SIZE;
    if (hostile_byte(rig->hostile) == 0xff)
        pages[0] = hostile_number(rig->hostile, 4);
    return count;
}

static void check(const struct rig *rig, int error)
{
    hostile_require(error <= 0);
    if (rig->balloon.device.state != VIRTIO_DEVICE_READY &&
        rig->balloon.device.state != VIRTIO_DEVICE_LOST)
        hostile_require(rig->balloon.actual == 0);
}

static void tell_ranges(struct rig *rig, bool hints)
{
    struct virtio_buffer ranges[40];
    size_t count = hostile_byte(rig->hostile) % 41u;

    for (size_t at = 0; at < count; at++)
        ranges[at] = (struct virtio_buffer){rig->device_address, VIRTIO_BALLOON_PAGE_SIZE};
    check(rig, hints ? virtio_balloon_hint(&rig->balloon, ranges, count)
                     : virtio_balloon_report(&rig->balloon, ranges, count));
}

HOSTILE_CALL(start, virtio_balloon_start(&rig->balloon, &rig->found, &rig->options))
HOSTILE_CALLS(virtio_balloon, &rig->balloon)

static void step(void *context, uint8_t what);

static const struct hostile_driver driver = {
    .start = start,
    .halt = halt,
    .recover = recover,
    .stop = stop,
    .step = step,
    .steps = STEPS,
    .start_waits = 4,
    .step_waits = 48,
};

static void step(void *context, uint8_t what)
{
    struct rig *rig = context;
    struct hostile *hostile = rig->hostile;
    size_t count;

    switch (what & 15) {
    case 0:
    case 1:
        count = take_pages(rig);
        check(rig, virtio_balloon_inflate(&rig->balloon, pages, count));
        break;
    case 2:
    case 3:
        count = take_pages(rig);
        check(rig, virtio_balloon_deflate(&rig->balloon, pages, count));
        break;
    case 4:
        (void)virtio_balloon_statistics_due(&rig->balloon);
        break;
    case 5:
        (void)virtio_balloon_send_statistics(&rig->balloon, rig->options.values);
        break;
    case 6:
        tell_ranges(rig, false);
        break;
    case 7:
        tell_ranges(rig, true);
        break;
    case 8:
        check(rig, virtio_balloon_end_hints(&rig->balloon));
        break;
    case 9:
        (void)virtio_balloon_get_target(&rig->balloon, NULL);
        break;
    case 10:
        hostile_halt_or_recover(&driver, rig, what);
        break;
    case 11:
        hostile_start_again(&driver, rig);
        break;
    case 12: /* the host changes its mind */
        hostile->config[what >> 4 & 15] = hostile_byte(hostile);
        hostile->generation++;
        break;
    case 13:
        hostile_fetch(hostile, (what >> 4) % 5u);
        hostile_complete(hostile, (what >> 4) % 5u, 0, 0);
        break;
    default:
        hostile_work(hostile, (what >> 4) % 5u);
        break;
    }
}

void hostile_harness(struct hostile *hostile)
{
    static struct rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.hostile = hostile;
    hostile_make(hostile, VIRTIO_ID_BALLOON, 0x3f, 5);
    hostile->queues[2].lazy = true;
    hostile->serve = serve;
    hostile->config[0] = 200; /* pages that the host wants */
    hostile->config[8] = 2;   /* and hints */
    make_options(&rig);
    rig.memory = hostile_buffer(2 * VIRTIO_BALLOON_PAGE_SIZE, &rig.device_address);
    rig.device_address = (rig.device_address + 0xfff) & ~UINT64_C(0xfff);
    hostile_drive(hostile, &rig.found, &driver, &rig);
    hostile_buffer_back(rig.memory, 2 * VIRTIO_BALLOON_PAGE_SIZE);
}
