/* SPDX-License-Identifier: MIT */
/*
 * The fake host's events, time, register access and violations. Its memory is in fake_memory.c.
 */
#include "fake_host.h"

#include "fake_memory.h"
#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <virtio/error.h>

#define ALL_ONES(width) ((width) == 4 ? 0xffffffffu : (1u << ((width)*8)) - 1u)

/* Signal handlers and wrapped calls have no context of their own: the hosts that are alive. */
static struct fake_host *hosts;

struct fake_host *fake_host_of(const struct virtio_host *host)
{
    struct fake_host *fake = hosts;

    while (fake && &fake->host != host)
        fake = fake->next_host;
    return fake;
}

/* Events ---------------------------------------------------------------------------------------- */

static const char *const event_names[FAKE_EVENT_KINDS] = {
    [FAKE_REGISTER_READ] = "register read",
    [FAKE_REGISTER_WRITE] = "register write",
    [FAKE_CONFIG_READ] = "PCI config read",
    [FAKE_CONFIG_WRITE] = "PCI config write",
    [FAKE_DMA_ALLOCATE] = "dma_allocate",
    [FAKE_DMA_FREE] = "dma_free",
    [FAKE_ALLOCATE] = "allocate",
    [FAKE_FREE] = "free",
    [FAKE_MAP] = "map",
    [FAKE_UNMAP] = "unmap",
    [FAKE_SYNC_FOR_DEVICE] = "sync for device",
    [FAKE_SYNC_FOR_CPU] = "sync for CPU",
    [FAKE_MMIO_MAP] = "mmio_map",
    [FAKE_MMIO_UNMAP] = "mmio_unmap",
    [FAKE_NOW] = "now_us",
    [FAKE_STALL] = "stall_us",
    [FAKE_RELAX] = "relax",
    [FAKE_LOG] = "log",
    [FAKE_RING_READ] = "ring read",
    [FAKE_RING_WRITE] = "ring write",
    [FAKE_FENCE] = "fence",
    [FAKE_RING_TAKEN] = "device takes, queue",
    [FAKE_RING_USED] = "device uses, queue",
};

/* What the library does for a device: not what a look for devices needs, no log, and not a driver's private memory,
 * of which the device never heard. */
static const bool belongs_to_a_device[FAKE_EVENT_KINDS] = {
    [FAKE_DMA_ALLOCATE] = true, [FAKE_DMA_FREE] = true,     [FAKE_MAP] = true,
    [FAKE_UNMAP] = true,        [FAKE_SYNC_FOR_CPU] = true, [FAKE_SYNC_FOR_DEVICE] = true,
    [FAKE_NOW] = true,          [FAKE_STALL] = true,        [FAKE_RELAX] = true,
};

/* Was there a device, and is none open? */
static bool is_torn_down(const struct fake_host *fake)
{
    bool was_closed = false;

    for (const struct fake_target *target = fake->targets; target; target = target->next) {
        enum fake_life life = target->is_open ? target->is_open(target) : FAKE_LIFE_UNKNOWN;

        if (life == FAKE_LIFE_OPEN)
            return false;
        was_closed |= life == FAKE_LIFE_CLOSED;
    }
    return was_closed;
}

void fake_host_event(struct fake_host *fake, enum fake_event_kind kind, enum virtio_space space,
                     uint64_t address, unsigned width, uint64_t value)
{
    uint64_t sequence = ++fake->sequence;
    struct fake_event *event = &fake->events[sequence % FAKE_HOST_EVENTS];

    *event = (struct fake_event){.sequence = sequence,
                                 .time_us = fake->now_us,
                                 .kind = kind,
                                 .space = space,
                                 .width = width,
                                 .address = address,
                                 .value = value};
    fake->counts[kind]++;
    if (belongs_to_a_device[kind] && is_torn_down(fake))
        fake_violation(fake, "hook-after-teardown", "3.3", "%s, and every device is closed",
                       event_names[kind]);
    if ((kind == FAKE_DMA_ALLOCATE || kind == FAKE_ALLOCATE) && fake->is_started &&
        !fake->may_allocate)
        fake_violation(fake, "allocation-after-start", "docs/architecture.md", "%llu bytes",
                       (unsigned long long)value);
    if (sequence > fake->event_limit) {
        fake->event_limit = UINT64_MAX;
        fail_msg("a hang: more hook calls than a bounded wait can need");
    }
    if (fake->observer) {
        struct fake_event copy = *event;

        fake->observer(fake->observer_context, &copy);
    }
}

const struct fake_event *fake_host_event_at(const struct fake_host *fake, uint64_t sequence)
{
    const struct fake_event *event = &fake->events[sequence % FAKE_HOST_EVENTS];

    return event->sequence == sequence ? event : NULL;
}

void fake_event_print(const struct fake_event *event, char text[FAKE_EVENT_TEXT])
{
    int at = snprintf(text, FAKE_EVENT_TEXT, "%llu %s", (unsigned long long)event->sequence,
                      event_names[event->kind]);

    if (event->space != VIRTIO_SPACE_NONE)
        at += snprintf(text + at, FAKE_EVENT_TEXT - (size_t)at, " %s",
                       event->space == VIRTIO_SPACE_IO ? "port" : "memory");
    if (event->width != 0)
        at += snprintf(text + at, FAKE_EVENT_TEXT - (size_t)at, " width %u", event->width);
    snprintf(text + at, FAKE_EVENT_TEXT - (size_t)at, " 0x%llx: 0x%llx",
             (unsigned long long)event->address, (unsigned long long)event->value);
}

/* Violations ------------------------------------------------------------------------------------ */

/* Keep the latest events with it. */
static void keep_trace(const struct fake_host *fake, struct fake_violation_record *record)
{
    uint64_t first = fake->sequence > FAKE_HOST_TRACE ? fake->sequence - FAKE_HOST_TRACE + 1 : 1;

    record->trace_count = 0;
    for (uint64_t at = first; at <= fake->sequence; at++)
        record->trace[record->trace_count++] = fake->events[at % FAKE_HOST_EVENTS];
}

void fake_violation(struct fake_host *fake, const char *rule, const char *section,
                    const char *format, ...)
{
    unsigned slot = fake->violation_count++;
    struct fake_violation_record *record;
    va_list arguments;

    if (slot >= FAKE_HOST_VIOLATIONS)
        return;
    record = &fake->violations[slot];
    snprintf(record->rule, sizeof(record->rule), "%s", rule);
    snprintf(record->section, sizeof(record->section), "%s", section);
    va_start(arguments, format);
    vsnprintf(record->text, sizeof(record->text), format, arguments);
    va_end(arguments);
    keep_trace(fake, record);
}

static void print_violation(const struct fake_violation_record *record)
{
    char text[FAKE_EVENT_TEXT];

    print_message("# violation: %s (%s): %s\n", record->rule, record->section, record->text);
    for (unsigned i = 0; i < record->trace_count; i++) {
        fake_event_print(&record->trace[i], text);
        print_message("#     %s\n", text);
    }
}

unsigned fake_host_take_violation(struct fake_host *fake, const char *rule)
{
    unsigned kept = 0;
    unsigned taken = 0;
    unsigned recorded =
        fake->violation_count < FAKE_HOST_VIOLATIONS ? fake->violation_count : FAKE_HOST_VIOLATIONS;

    for (unsigned i = 0; i < recorded; i++) {
        if (strcmp(fake->violations[i].rule, rule) == 0)
            taken++;
        else
            fake->violations[kept++] = fake->violations[i];
    }
    fake->violation_count -= taken;
    return taken;
}

/* Time ------------------------------------------------------------------------------------------ */

void fake_host_advance(struct fake_host *fake, uint64_t microseconds)
{
    struct fake_target *next;

    fake->now_us += microseconds;
    if (fake->in_tick)
        return;
    fake->in_tick = true;
    for (struct fake_target *target = fake->targets; target; target = next) {
        next = target->next;
        if (target->tick)
            target->tick(target);
    }
    fake->in_tick = false;
}

static uint64_t hook_now(void *ctx)
{
    struct fake_host *fake = ctx;

    fake_host_event(fake, FAKE_NOW, VIRTIO_SPACE_NONE, 0, 0, fake->now_us);
    fake_host_advance(fake, fake->now_step_us);
    return fake->clock_stuck ? 12345 : fake->now_us;
}

static void hook_stall(void *ctx, uint32_t microseconds)
{
    struct fake_host *fake = ctx;

    if (microseconds < 1 || microseconds > 1000)
        fake_violation(fake, "stall-range", "host.h", "a stall of %u us", (unsigned)microseconds);
    fake_host_event(fake, FAKE_STALL, VIRTIO_SPACE_NONE, 0, 0, microseconds);
    fake_host_advance(fake, microseconds);
}

static void hook_relax(void *ctx)
{
    struct fake_host *fake = ctx;

    fake_host_event(fake, FAKE_RELAX, VIRTIO_SPACE_NONE, 0, 0, 0);
    fake_host_advance(fake, fake->relax_step_us);
}

/* Registers ------------------------------------------------------------------------------------- */

void fake_host_attach(struct fake_host *fake, struct fake_target *target)
{
    target->next = fake->targets;
    fake->targets = target;
}

void fake_host_detach(struct fake_host *fake, struct fake_target *target)
{
    for (struct fake_target **link = &fake->targets; *link; link = &(*link)->next) {
        if (*link == target) {
            *link = target->next;
            return;
        }
    }
}

static void carry_out(struct fake_host *fake, struct fake_access *access)
{
    for (struct fake_target *target = fake->targets; target; target = target->next)
        if (target->access && target->access(target, access))
            return;
    fake_violation(fake, "access-to-nowhere", "host.h", "%s of %u bytes at %s 0x%llx",
                   access->is_write ? "write" : "read", access->width,
                   access->space == VIRTIO_SPACE_IO ? "port" : "address",
                   (unsigned long long)access->address);
    if (!access->is_write)
        access->value = ALL_ONES(access->width);
}

static bool well_formed(struct fake_host *fake, const struct fake_access *access)
{
    bool width = access->width == 1 || access->width == 2 || access->width == 4;
    bool space = access->space == VIRTIO_SPACE_MEMORY || access->space == VIRTIO_SPACE_IO;

    if (!width || !space || access->address % access->width != 0 ||
        (access->space == VIRTIO_SPACE_IO && access->address > 0xffff)) {
        fake_violation(fake, "register-access", "host.h", "space %d, address 0x%llx, width %u",
                       (int)access->space, (unsigned long long)access->address, access->width);
        return false;
    }
    if (access->is_write && access->value > ALL_ONES(access->width)) {
        fake_violation(fake, "register-value", "host.h", "0x%x does not fit %u bytes",
                       (unsigned)access->value, access->width);
        return false;
    }
    return true;
}

static uint32_t hook_register_read(void *ctx, enum virtio_space space, uint64_t address,
                                   unsigned width)
{
    struct fake_host *fake = ctx;
    struct fake_access access = {.space = space, .address = address, .width = width};

    if (!well_formed(fake, &access))
        return 0xffffffffu;
    carry_out(fake, &access);
    fake_host_event(fake, FAKE_REGISTER_READ, space, address, width, access.value);
    return access.value;
}

static void hook_register_write(void *ctx, enum virtio_space space, uint64_t address,
                                unsigned width, uint32_t value)
{
    struct fake_host *fake = ctx;
    struct fake_access access = {
        .space = space, .address = address, .width = width, .is_write = true, .value = value};

    if (!well_formed(fake, &access))
        return;
    fake_host_event(fake, FAKE_REGISTER_WRITE, space, address, width, value);
    carry_out(fake, &access);
}

/* Log ------------------------------------------------------------------------------------------- */

static void hook_log(void *ctx, enum virtio_log_level level, const char *message)
{
    struct fake_host *fake = ctx;
    size_t length = strlen(message);
    char *longer = realloc(fake->transcript, fake->transcript_size + length + 2);

    if (strchr(message, '\n'))
        fake_violation(fake, "log-newline", "host.h", "\"%s\"", message);
    snprintf(fake->last_log, sizeof(fake->last_log), "%s", message);
    if (!longer)
        abort();
    memcpy(longer + fake->transcript_size, message, length);
    memcpy(longer + fake->transcript_size + length, "\n", 2);
    fake->transcript = longer;
    fake->transcript_size += length + 1;
    fake_host_event(fake, FAKE_LOG, VIRTIO_SPACE_NONE, 0, 0, (uint64_t)level);
}

/* Life ------------------------------------------------------------------------------------------ */

void fake_host_begin(struct fake_host *fake, unsigned flags)
{
    memset(fake, 0, sizeof(*fake));
    fake->flags = flags;
    fake->now_step_us = 1;
    fake->relax_step_us = 1;
    fake->now_us = 1000;
    fake->event_limit = 4000000;
    fake->host.ctx = fake;
    fake->host.log = hook_log;
    if (!(flags & FAKE_HOST_NO_CLOCK))
        fake->host.now_us = hook_now;
    if (!(flags & FAKE_HOST_NO_STALL))
        fake->host.stall_us = hook_stall;
    if (!(flags & FAKE_HOST_NO_RELAX))
        fake->host.relax = hook_relax;
    if (!(flags & FAKE_HOST_NATIVE)) {
        fake->host.register_read = hook_register_read;
        fake->host.register_write = hook_register_write;
    }
    fake_memory_begin(fake);
    fake->next_host = hosts;
    hosts = fake;
}

static void forget_host(const struct fake_host *fake)
{
    for (struct fake_host **link = &hosts; *link; link = &(*link)->next_host) {
        if (*link == fake) {
            *link = fake->next_host;
            return;
        }
    }
}

unsigned fake_host_end(struct fake_host *fake)
{
    unsigned problems = fake_memory_end(fake);
    unsigned recorded =
        fake->violation_count < FAKE_HOST_VIOLATIONS ? fake->violation_count : FAKE_HOST_VIOLATIONS;

    forget_host(fake);
    for (unsigned i = 0; i < recorded; i++) {
        print_violation(&fake->violations[i]);
    }
    if (recorded < fake->violation_count)
        print_message("# and %u violations more\n", fake->violation_count - recorded);
    problems += fake->violation_count;
    free(fake->transcript);
    fake->transcript = NULL;
    return problems;
}
