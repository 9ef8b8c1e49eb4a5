/* SPDX-License-Identifier: MIT */
/*
 * Bounded waiting: the one place where the library lets time pass. Each turn of a wait calls
 * virtio_deadline_passed, which ends after the bound whatever the clock does. It spins first, looking at the
 * clock now and then only, and backs off by and by where the host can be stalled.
 */
#include "time.h"

/* A clock that did not advance in so many turns is broken, and the wait over. Above what the coarsest real
 * clock (10 ms a tick) needs on the fastest CPU, where a turn takes 5 ns or more. */
#define STANDSTILL_LIMIT 10000000u

/* Turns before the first look at the clock, and before the first stall where there is no clock. */
#define FIRST_PACE 4u
#define BLIND_PACE 64u

/* The clock is looked at about this often: each look costs more than a turn. */
#define LOOK_US   100u
#define PACE_MOST 4096u

/* So long a wait spins; then it backs off. */
#define SPIN_US 100u

/* A stall is an eighth of the wait so far, so that it adds no more than that to the answer's time. */
#define STALL_SHARE   8u
#define STALL_LEAST   10u
#define STALL_MOST_US 1000u

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
    bool has_clock = host->now_us != NULL;

    deadline->start = has_clock ? host->now_us(host->ctx) : 0;
    deadline->bound_us = bound_us;
    deadline->elapsed_us = 0;
    deadline->pace = has_clock ? FIRST_PACE : BLIND_PACE;
    deadline->turns = deadline->pace;
    deadline->standstill = 0;
}

/* How long to stall now; 0: not yet, or not at all. */
static uint32_t choose_stall(const struct virtio_deadline *deadline, const struct virtio_host *host)
{
    uint32_t left = deadline->bound_us - deadline->elapsed_us;
    uint32_t stall = deadline->elapsed_us / STALL_SHARE;

    if (host->stall_us == NULL || (host->now_us != NULL && deadline->elapsed_us < SPIN_US))
        return 0;
    if (stall < STALL_LEAST)
        stall = STALL_LEAST;
    if (stall > STALL_MOST_US)
        stall = STALL_MOST_US;
    return stall < left ? stall : left;
}

/* Look at the clock. What is known to have passed by stalls counts, whatever it says. */
static void read_clock(struct virtio_deadline *deadline, const struct virtio_host *host)
{
    uint64_t elapsed = host->now_us(host->ctx) - deadline->start;

    if (elapsed > deadline->bound_us)
        elapsed = deadline->bound_us;
    if (elapsed <= deadline->elapsed_us) {
        deadline->standstill += deadline->pace;
        if (deadline->standstill > STANDSTILL_LIMIT)
            deadline->elapsed_us = deadline->bound_us;
        return;
    }
    deadline->standstill = 0;
    deadline->elapsed_us = (uint32_t)elapsed;
}

/* How many turns until the next look, when there were `pace` of them in the latest `passed` microseconds. */
static void choose_pace(struct virtio_deadline *deadline, uint32_t passed)
{
    uint32_t left = deadline->bound_us - deadline->elapsed_us;

    if (passed < LOOK_US / 2 && deadline->pace < PACE_MOST) {
        deadline->pace *= 2;
        passed *= 2;
    }
    while (deadline->pace > 1 && (passed > LOOK_US || passed > left)) {
        deadline->pace /= 2;
        passed /= 2;
    }
}

bool virtio_deadline_passed(struct virtio_deadline *deadline, const struct virtio_host *host)
{
    uint32_t before = deadline->elapsed_us;
    uint32_t stall;

    if (before >= deadline->bound_us)
        return true;
    if (deadline->turns != 0) {
        deadline->turns--;
        virtio_relax(host);
        return false;
    }
    stall = choose_stall(deadline, host);
    if (stall != 0) {
        host->stall_us(host->ctx, stall);
        deadline->elapsed_us += stall;
        deadline->pace = 0;
    }
    if (host->now_us != NULL)
        read_clock(deadline, host);
    if (stall == 0)
        choose_pace(deadline, deadline->elapsed_us - before);
    deadline->turns = deadline->pace;
    return deadline->elapsed_us >= deadline->bound_us;
}
