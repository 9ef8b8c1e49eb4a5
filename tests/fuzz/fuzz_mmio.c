/* SPDX-License-Identifier: MIT */
/*
 * Harness: virtio-mmio 1 and 2, from the look at a register block on.
 */
#include "life.h"

static void fill_config(struct hostile *hostile)
{
    for (unsigned at = 0; at < HOSTILE_CONFIG; at++)
        hostile->config[at] = (uint8_t)(at * 37);
}

/* Arguments that are a kernel's mistake, or a device tree's. */
static void probe_anything(struct hostile *hostile)
{
    struct virtio_device found;
    uint64_t address = hostile_number(hostile, 4) | (uint64_t)hostile_number(hostile, 4) << 32;
    uint32_t size = hostile_number(hostile, 4);

    hostile->patched = true;
    hostile_begin_call(hostile);
    (void)virtio_mmio_probe(&hostile->host, address, size, &found);
    hostile_end_call(hostile, 0);
}

void hostile_harness(struct hostile *hostile)
{
    struct virtio_device device;

    hostile_make(hostile, VIRTIO_ID_ENTROPY, UINT64_C(0xffffff), 2);
    hostile_transport(hostile,
                      (hostile->transport & 1) != 0 ? HOSTILE_MMIO_LEGACY : HOSTILE_MMIO_MODERN);
    fill_config(hostile);
    if ((hostile_byte(hostile) & 15) == 15)
        probe_anything(hostile);
    if (hostile_find(hostile, &device) == VIRTIO_OK)
        hostile_live_through(hostile, &device);
}
