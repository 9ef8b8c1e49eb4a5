/* SPDX-License-Identifier: MIT */
/*
 * Watching memory by protecting it and stepping over each access.
 */
#include "fake_watch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define RANGES     256u
#define PAGE       4096u
#define STEPS_MOST 100000u /* from a store until its fence: then it is given up */

struct range {
    struct fake_host *fake;
    uint8_t *cpu; /* NULL: not in use */
    size_t size;
    uint64_t device_address;
    const struct fake_watcher *watcher;
    void *context;
};

/* A signal handler has no context of its own, so this is for the whole program. */
static struct range ranges[RANGES];
static unsigned range_count;
static struct sigaction old_fault;
static struct sigaction old_trap;

/* The access that is being carried out, and the range that wants to hear of fences. */
static struct range *accessed;
static uint64_t accessed_address;
static bool accessed_write;
static struct range *stepping;
static unsigned steps;

static size_t pages(size_t size)
{
    return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static void protect(const struct range *range, int protection)
{
    if (mprotect(range->cpu, pages(range->size), protection) != 0)
        abort();
}

static struct range *find(const void *address)
{
    for (unsigned i = 0; i < RANGES; i++) {
        const uint8_t *at = address;

        if (ranges[i].cpu && at >= ranges[i].cpu && at < ranges[i].cpu + pages(ranges[i].size))
            return &ranges[i];
    }
    return NULL;
}

/* What depends on the CPU. Elsewhere memory has its two mappings, and nobody watches. */
#if defined(__x86_64__) || defined(__i386__)

#define CAN_WATCH   true
#define TRAP_FLAG   0x100
#define FAULT_WRITE 2

#ifdef __x86_64__
#define INSTRUCTION REG_RIP
#else
#define INSTRUCTION REG_EIP
#endif

/* lock-prefixed, or mfence: what orders a store before a later load. */
static bool is_fence(const ucontext_t *state)
{
    const uint8_t *code =
        (const uint8_t *)(uintptr_t)state->uc_mcontext.gregs[INSTRUCTION]; /* NOLINT */

    while (*code == 0x66 || *code == 0x65 || *code == 0x64 || *code == 0x2e || *code == 0x3e)
        code++;
    return code[0] == 0xf0 || (code[0] == 0x0f && code[1] == 0xae && code[2] == 0xf0);
}

static void step(ucontext_t *state, bool on)
{
    if (on)
        state->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
    else
        state->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static bool is_write(const ucontext_t *state)
{
    return (state->uc_mcontext.gregs[REG_ERR] & FAULT_WRITE) != 0;
}

#else

#define CAN_WATCH false

static bool is_fence(const ucontext_t *state)
{
    (void)state;
    return false;
}

static void step(ucontext_t *state, bool on)
{
    (void)state;
    (void)on;
}

static bool is_write(const ucontext_t *state)
{
    (void)state;
    return false;
}

#endif

bool fake_watch_is_possible(void)
{
    return CAN_WATCH;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    ucontext_t *state = context;
    struct range *range = find(info->si_addr);

    if (!range || accessed) {
        /* Somebody else's: let the instruction fault again, as it would have without this. */
        sigaction(signal, &old_fault, NULL);
        return;
    }
    accessed = range;
    accessed_write = is_write(state);
    accessed_address =
        range->device_address + (uint64_t)((const uint8_t *)info->si_addr - range->cpu);
    range->watcher->before(range->context, accessed_address, accessed_write);
    protect(range, PROT_READ | PROT_WRITE);
    step(state, true);
}

static void finish_access(void)
{
    struct range *range = accessed;
    bool wants_fence;

    protect(range, PROT_NONE);
    accessed = NULL;
    wants_fence = range->watcher->after(range->context, accessed_address, accessed_write);
    stepping = wants_fence ? range : stepping == range ? NULL : stepping;
    steps = 0;
}

/* After one instruction; the next one is at `code`. */
static void on_trap(int signal, siginfo_t *info, void *context)
{
    static bool fence_is_next;
    ucontext_t *state = context;

    (void)signal, (void)info;
    if (fence_is_next && stepping) {
        fake_host_event(stepping->fake, FAKE_FENCE, VIRTIO_SPACE_NONE, 0, 0, 0);
        stepping->watcher->fence(stepping->context);
        stepping = NULL;
    }
    fence_is_next = false;
    if (accessed)
        finish_access();
    if (stepping && ++steps > STEPS_MOST)
        stepping = NULL;
    fence_is_next = stepping && is_fence(state);
    step(state, stepping != NULL);
}

/* Memory ---------------------------------------------------------------------------------------- */

uint8_t *fake_watch_allocate(size_t size, uint8_t **device)
{
    int file = memfd_create("ring", 0);
    void *cpu;
    void *other;

    if (file < 0 || ftruncate(file, (off_t)pages(size)) != 0)
        abort();
    cpu = mmap(NULL, pages(size), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    other = mmap(NULL, pages(size), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (cpu == MAP_FAILED || other == MAP_FAILED)
        abort();
    close(file);
    *device = other;
    return cpu;
}

void fake_watch_free(uint8_t *cpu, uint8_t *device, size_t size)
{
    fake_watch_end(cpu);
    munmap(cpu, pages(size));
    munmap(device, pages(size));
}

void fake_watch_begin(struct fake_host *fake, uint8_t *cpu, size_t size, uint64_t device_address,
                      const struct fake_watcher *watcher, void *context)
{
    struct range *range = NULL;

    if (!CAN_WATCH || find(cpu))
        return; /* another part of the same ring */
    for (unsigned i = 0; i < RANGES && !range; i++)
        range = ranges[i].cpu ? NULL : &ranges[i];
    if (!range)
        abort();
    if (range_count++ == 0) {
        struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
        struct sigaction trap = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

        sigaction(SIGSEGV, &fault, &old_fault);
        sigaction(SIGTRAP, &trap, &old_trap);
    }
    *range = (struct range){.fake = fake,
                            .cpu = cpu,
                            .size = size,
                            .device_address = device_address,
                            .watcher = watcher,
                            .context = context};
    protect(range, PROT_NONE);
}

void fake_watch_end(const uint8_t *cpu)
{
    struct range *range = find(cpu);

    if (!range)
        return;
    protect(range, PROT_READ | PROT_WRITE);
    if (stepping == range)
        stepping = NULL;
    range->cpu = NULL;
    if (--range_count == 0) {
        sigaction(SIGSEGV, &old_fault, NULL);
        sigaction(SIGTRAP, &old_trap, NULL);
    }
}
