/* SPDX-License-Identifier: MIT */
/*
 * Proof of what asks the host alone: deadlines with any clock or none, memory and mappings with any answer of
 * the hooks, a host's check, lines of text, names of errors and features. The optional hooks are there or not.
 */
#include "host.h"
#include "../../src/core/log.h"
#include "../../src/core/time.h"
#include "../../src/transport/transport_internal.h"

static unsigned char bytes[256];

static const struct virtio_transport_ops ops = {
    .allocate_shared = virtio_common_allocate_shared,
    .free_shared = virtio_common_free_shared,
    .map_shared_buffer = virtio_common_map_shared_buffer,
    .unmap_shared_buffer = virtio_common_unmap_shared_buffer,
};

static void wait(void)
{
    struct virtio_deadline deadline;

    if (prove_maybe())
        prove_host.now_us = NULL;
    if (virtio_host_check(&prove_host) != VIRTIO_OK)
        return;
    virtio_deadline_begin(&deadline, &prove_host, prove_any());
    while (!virtio_deadline_passed(&deadline, &prove_host))
        ;
}

static void use_memory(const struct virtio_device *device)
{
    struct virtio_shared shared;
    struct virtio_mapping mapping = {0};

    if (virtio_allocate_shared(device, 64, 16, &shared) == VIRTIO_OK)
        virtio_free_shared(device, &shared);
    if (virtio_map_all_bytes_in_shared_buffer(
            device, prove_maybe() ? bytes : NULL, prove_below(sizeof(bytes) + 1),
            (enum virtio_direction)prove_below(3), &mapping) == VIRTIO_OK)
        (void)virtio_unmap_buffer(device, &mapping);
}

/* A line that holds something already; each of these leaves it within its bounds, so all of them in any order do. */
static void say(void)
{
    struct virtio_line line;

    virtio_line_begin(&line, &prove_host);
    line.length = prove_below(sizeof(line.text));
    switch (prove_below(3)) {
    case 0:
        virtio_line_text(&line, virtio_strerror((int)prove_any()));
        break;
    case 1:
        virtio_line_hex(&line, prove_any64());
        break;
    default:
        virtio_line_number(&line, prove_any());
    }
    /*@ assert in_bounds: line.length < 160; */
    virtio_line_end(&line, (enum virtio_log_level)prove_below(3));
}

int main(void)
{
    const struct virtio_device device = {
        .host = &prove_host,
        .ops = &ops,
        .legacy = prove_maybe(),
        .features = prove_any64(),
    };

    prove_host_begin(prove_maybe());
    prove_host_vary();
    switch (prove_below(3)) {
    case 0:
        wait();
        break;
    case 1:
        use_memory(&device);
        break;
    default:
        say();
    }
    return 0;
}
