/* SPDX-License-Identifier: MIT */
/*
 * Entropy device (spec 5.4).
 */
#ifndef VIRTIO_RNG_H
#define VIRTIO_RNG_H
#include <virtio/queue.h>
#endif
