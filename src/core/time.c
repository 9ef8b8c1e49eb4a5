/* SPDX-License-Identifier: MIT */
/*
 * Bounded waiting: the one place where the library lets time pass. Each turn of a wait calls
 * virtio_deadline_passed, which ends after the bound whatever the clock does.
 */
#include "time.h"

/* A clock that gave the same reading this often in a row is broken, and the wait over. Above what the
 * coarsest real clock (10 ms a tick) needs on the fastest CPU, where a reading takes 10 ns or more. */
#define STANDSTILL_LIMIT 10000000u

/* Without a clock, time is what was stalled; this is one portion. */
#define STALL_US 10u

void virtio_relax(const struct virtio_host *host)
{
    if (host->relax != NULL) {
        host->relax(host->ctx);
        return;
    }
#if defined(__i386__) || defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

void virtio_deadline_begin(struct virtio_deadline *deadline, const struct virtio_host *host,
                           uint32_t bound_us)
{
    deadline->start = host->now_us != NULL ? host->now_us(host->ctx) : 0;
    deadline->last = (uint32_t)deadline->start;
    deadline->bound_us = bound_us;
    deadline->elapsed_us = 0;
    deadline->standstill = 0;
}

static void stall(struct virtio_deadline *deadline, const struct virtio_host *host)
{
    host->stall_us(host->ctx, STALL_US);
    deadline->elapsed_us += STALL_US;
}

static void read_clock(struct virtio_deadline *deadline, const struct virtio_host *host)
{
    uint64_t now = host->now_us(host->ctx);
    uint64_t elapsed = now - deadline->start;

    deadline->standstill = (uint32_t)now == deadline->last ? deadline->standstill + 1 : 0;
    deadline->last = (uint32_t)now;
    if (elapsed > deadline->bound_us || deadline->standstill > STANDSTILL_LIMIT)
        elapsed = deadline->bound_us;
    deadline->elapsed_us = (uint32_t)elapsed;
}

bool virtio_deadline_passed(struct virtio_deadline *deadline, const struct virtio_host *host)
{
    if (deadline->elapsed_us >= deadline->bound_us)
        return true;
    if (host->now_us == NULL) {
        stall(deadline, host);
    } else {
        virtio_relax(host);
        read_clock(deadline, host);
    }
    return deadline->elapsed_us >= deadline->bound_us;
}
