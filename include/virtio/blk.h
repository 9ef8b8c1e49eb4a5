/* SPDX-License-Identifier: MIT */
/*
 * Block device (spec 5.2).
 */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H
#include <virtio/queue.h>
#endif
