/* SPDX-License-Identifier: MIT */
/*
 * Proof of a queue's reset, and of what becomes of it when its device is stopped, made anew or given up (queue.h).
 */
#include "queue.h"

static struct virtio_prepared prepared;

bool prove_use(void)
{
    if (prove_maybe())
        queue.prepared = &prepared;
    switch (prove_below(7)) {
    case 0:
        (void)virtio_queue_reset(&queue);
        break;
    case 1:
        (void)virtio_device_renew(&device);
        break;
    case 2:
        (void)virtio_device_recover(&device);
        break;
    case 3:
        (void)virtio_device_stop(&device);
        break;
    case 4:
        (void)virtio_device_end(&device);
        break;
    case 5:
        prove_unpart();
        (void)virtio_ring_uninit(&queue);
        return false;
    default:
        (void)virtio_device_ready(&device);
    }
    return true;
}
