/* SPDX-License-Identifier: MIT */
/*
 * The list of watched devices. A global, because who wants it dumped is an interrupt handler.
 */
#include "watch.h"

#include "suite.h"

enum {
    WATCHED_MAX = 8,
};

static const struct virtio_device *watched[WATCHED_MAX];
static unsigned watched_count;

void test_watch(const struct virtio_device *device)
{
    for (unsigned i = 0; i < watched_count; i++) {
        if (watched[i] == device) {
            return;
        }
    }
    if (watched_count < WATCHED_MAX) {
        watched[watched_count++] = device;
    }
}

void watch_clear(void)
{
    watched_count = 0;
}

void watch_dump(void)
{
    for (unsigned i = 0; i < watched_count; i++) {
        if (watched[i]->ops != NULL) {
            virtio_dump(watched[i]);
        }
    }
}
