/* SPDX-License-Identifier: MIT */
/*
 * Bounded waiting. A deadline works with a clock hook, a stall hook or both, and ends even when the
 * clock hook stands still.
 */
#ifndef VIRTIO_CORE_TIME_H
#define VIRTIO_CORE_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <virtio/host.h>

struct virtio_deadline {
    uint64_t start;      /* clock reading at the beginning */
    uint32_t bound_us;   /* how long */
    uint32_t elapsed_us; /* how long so far, as far as known */
    uint32_t turns;      /* until the next look at the clock */
    uint32_t pace;       /* how many there are from one look to the next; 0: each turn is stalled */
    uint32_t standstill; /* turns in which the clock did not advance */
};

/** Begin a wait of at most `bound_us` microseconds. */
void virtio_deadline_begin(struct virtio_deadline *deadline, const struct virtio_host *host,
                           uint32_t bound_us);

/** Let a little time pass: relax, or a stall once the wait is long; and now and then update elapsed_us.
 * @return true when the bound has been reached. */
bool virtio_deadline_passed(struct virtio_deadline *deadline, const struct virtio_host *host);

/** One turn of a busy wait: the relax hook or the CPU's own hint. */
void virtio_relax(const struct virtio_host *host);

#endif
