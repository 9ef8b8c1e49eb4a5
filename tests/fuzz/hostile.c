/* SPDX-License-Identifier: MIT */
/*
 * One run of a harness: the stream, the events, the clock and the other hooks of the host, cookies, and what must
 * hold in the end.
 */
#include "hostile.h"

#include <stdlib.h>

/* All but the state of queues, which is reset one by one. */
struct hostile hostile_only;

bool hostile_explains;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    hostile_explains = getenv("HOSTILE_EXPLAIN") != NULL;
    return 0;
}

_Noreturn void hostile_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: violated: %s\n", file, line, what);
    abort();
}

void hostile_attend(struct hostile *hostile)
{
    if (hostile->events > HOSTILE_EVENTS_MAX)
        hostile_fail("a call ends after a bounded number of events", __FILE__, __LINE__);
    hostile->attention = false;
    if (hostile->flipped != NULL) {
        if (!hostile_is_poisoned(hostile->flipped, hostile->flipped_width))
            memcpy(hostile->flipped, &hostile->flipped_value, hostile->flipped_width);
        hostile->flipped = NULL;
    }
    if (hostile->stored != NULL)
        hostile_native_settle(hostile);
    if (hostile->countdown == 0) {
        hostile_next_lie_is_far(hostile);
        if (!hostile->tame)
            hostile_lie(hostile);
    }
}

void hostile_begin_call(struct hostile *hostile)
{
    hostile->events = 0;
    hostile->jumped = 0;
    hostile->call_began = hostile->now;
}

void hostile_end_call(struct hostile *hostile, unsigned waits)
{
    uint64_t elapsed = hostile->now - hostile->call_began;
    uint64_t bound = (uint64_t)waits * (hostile->timeout_us + 2ull * hostile->step);

    hostile_require(elapsed <= bound + hostile->jumped);
}

static uint64_t now_us(void *ctx)
{
    struct hostile *hostile = ctx;

    hostile_event(hostile);
    hostile->now += hostile->step;
    return hostile->now;
}

static void stall_us(void *ctx, uint32_t microseconds)
{
    struct hostile *hostile = ctx;

    hostile_event(hostile);
    hostile_require(microseconds >= 1 && microseconds <= 1000);
    hostile->now += microseconds;
}

static void relax(void *ctx)
{
    hostile_event(ctx);
}

static void say(void *ctx, enum virtio_log_level level, const char *message)
{
    hostile_event(ctx);
    hostile_require(level == VIRTIO_LOG_ERROR || level == VIRTIO_LOG_WARNING ||
                    level == VIRTIO_LOG_INFO);
    hostile_require(strlen(message) < 160);
    hostile_explain("  log: %s\n", message);
}

static uint32_t register_read(void *ctx, enum virtio_space space, uint64_t address, unsigned width)
{
    hostile_event(ctx);
    return hostile_register_read(ctx, space, address, width);
}

static void register_write(void *ctx, enum virtio_space space, uint64_t address, unsigned width,
                           uint32_t value)
{
    hostile_event(ctx);
    hostile_register_write(ctx, space, address, width, value);
}

static uint32_t pci_config_read(void *ctx, struct virtio_pci_address address, uint16_t offset,
                                unsigned width)
{
    hostile_event(ctx);
    return hostile_pci_read(ctx, address, offset, width);
}

static void pci_config_write(void *ctx, struct virtio_pci_address address, uint16_t offset,
                             unsigned width, uint32_t value)
{
    hostile_event(ctx);
    hostile_pci_write(ctx, address, offset, width, value);
}

/* How time passes: a bound for waits, and what a look at the clock takes. */
static const struct {
    uint32_t timeout_us;
    uint32_t step;
} paces[] = {{1000, 2000}, {1000, 400}, {5000000, 10000000}, {200000, 30000}};

static void make_host(struct hostile *hostile, uint8_t style)
{
    hostile->host = (struct virtio_host){
        .ctx = hostile,
        .now_us = now_us,
        .mmio_map = hostile_mmio_map,
        .mmio_unmap = hostile_mmio_unmap,
        .register_read = register_read,
        .register_write = register_write,
        .pci_config_read = pci_config_read,
        .pci_config_write = pci_config_write,
        .relax = relax,
    };
    hostile_memory_hooks(&hostile->host);
    hostile->timeout_us = paces[style & 3].timeout_us;
    hostile->step = paces[style & 3].step;
    if ((style & 4) != 0)
        hostile->host.log = say;
    if ((style & 8) != 0) {
        hostile->host.now_us = NULL;
        hostile->host.stall_us = stall_us;
        hostile->timeout_us = 50;
        hostile->step = 10;
    }
    if ((style & 16) == 0)
        hostile->host.sync = NULL;
    hostile->deaf = (style & 32) != 0;
}

/* Device-independent features that there are only since 1.0. */
#define MODERN_FEATURES                                                                            \
    (VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_RING_PACKED | VIRTIO_F_IN_ORDER |    \
     VIRTIO_F_ORDER_PLATFORM | VIRTIO_F_NOTIFICATION_DATA | VIRTIO_F_NOTIF_CONFIG_DATA |           \
     VIRTIO_F_RING_RESET)

void hostile_transport(struct hostile *hostile, enum hostile_transport transport)
{
    bool by_hooks = transport != HOSTILE_PCI_WINDOW && transport != HOSTILE_PCI_NATIVE;

    hostile->transport = transport;
    hostile->offered = hostile->wanted;
    if (transport == HOSTILE_MMIO_LEGACY || transport == HOSTILE_PCI_LEGACY)
        hostile->offered &= UINT32_MAX;
    hostile->host.register_read = by_hooks ? register_read : NULL;
    hostile->host.register_write = by_hooks ? register_write : NULL;
    hostile_pci_make(hostile);
}

void hostile_make(struct hostile *hostile, uint32_t type, uint64_t features, unsigned queue_count)
{
    static const uint16_t sizes[] = {16, 8, 4, 2, 1, 64, 256, 1024};
    enum hostile_transport transport;
    uint64_t withheld;
    uint8_t size;

    hostile->type = type;
    transport = hostile_byte(hostile) % HOSTILE_TRANSPORTS;
    make_host(hostile, hostile_byte(hostile));
    size = hostile_byte(hostile);
    withheld = hostile_number(hostile, 4);
    withheld |= (uint64_t)hostile_number(hostile, 4) << 32;
    hostile->wanted = features | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | MODERN_FEATURES;
    hostile->wanted &= ~withheld;
    hostile->queue_count = queue_count;
    for (unsigned at = 0; at < queue_count; at++) {
        memset(&hostile->queues[at], 0, offsetof(struct hostile_queue, pending));
        hostile->queues[at].size_max = sizes[size & 7];
    }
    hostile_transport(hostile, transport);
    hostile_explain("transport %d, type %u, offered %#llx, queues of %u\n", hostile->transport,
                    type, (unsigned long long)hostile->offered, hostile->queues[0].size_max);
    hostile_next_lie(hostile);
}

int hostile_find(struct hostile *hostile, struct virtio_device *found)
{
    const struct virtio_pci_address address = {.device = 3};
    int error;

    hostile_begin_call(hostile);
    if (hostile->transport == HOSTILE_MMIO_LEGACY || hostile->transport == HOSTILE_MMIO_MODERN)
        error = virtio_mmio_probe(&hostile->host, HOSTILE_MMIO_BASE, HOSTILE_MMIO_SIZE, found);
    else
        error = virtio_pci_probe(&hostile->host, VIRTIO_PCI_CONFIG_HOST, address, found);
    hostile_end_call(hostile, 0);
    hostile_require(error == VIRTIO_OK || hostile->lied || hostile->patched);
    found->timeout_us = hostile->timeout_us;
    /* What a harness starts is of its type, even when the identity was a lie. */
    found->type = hostile->type;
    return error;
}

void hostile_tame(struct hostile *hostile)
{
    hostile->tame = true;
    hostile_next_lie_is_far(hostile);
    hostile->flips = 0;
    hostile->overrides_next = false;
    hostile->overrides_register = false;
    hostile->gone = false;
    hostile->restless = false;
    hostile->deaf = false;
    hostile->reset_reads = 0;
    hostile->failing_allocations = 0;
    hostile->failing_mappings = 0;
    hostile->at = hostile->end;
}

/* Cookies are addresses that nobody reads. */
static char cookie_places[HOSTILE_COOKIES];

void *hostile_cookie(struct hostile *hostile)
{
    for (unsigned at = 0; at < HOSTILE_COOKIES; at++) {
        if (hostile->cookies[at] == 0) {
            hostile->cookies[at] = 1;
            hostile->cookies_out++;
            return &cookie_places[at];
        }
    }
    return NULL;
}

unsigned hostile_cookie_number(const void *cookie)
{
    uintptr_t at = (uintptr_t)cookie - (uintptr_t)cookie_places;

    hostile_require(at < HOSTILE_COOKIES);
    return (unsigned)at;
}

void hostile_cookie_back(struct hostile *hostile, void *cookie)
{
    unsigned at = hostile_cookie_number(cookie);

    hostile_require(hostile->cookies[at] == 1);
    hostile->cookies[at] = 0;
    hostile->cookies_out--;
}

/* Make it run, and see that nothing is left over. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hostile *hostile = &hostile_only;

    memset(hostile, 0, offsetof(struct hostile, queues));
    hostile->at = data;
    hostile->end = data + size;
    hostile_next_lie_is_far(hostile);
    hostile_memory_reset(hostile);
    hostile_harness(hostile);
    hostile_require(hostile_live() == 0);
    hostile_require(hostile->mapped_registers == 0);
    hostile_require(hostile->cookies_out == 0);
    return 0;
}
