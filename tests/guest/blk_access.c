/* SPDX-License-Identifier: MIT */
/*
 * Block driver tests: what a request costs. A host whose register hooks count stands between the library
 * and the device; the hooks of the environment's host, or native accesses, do the work. The lines around
 * the requests let the runner count the same in QEMU's own trace.
 */
#include "blk_rig.h"
#include "blk_tests.h"

#include <string.h>

enum {
    REQUESTS = 32,
    HICCUP_US = 9000, /* a wait looks at the status register every 10 ms, by design */
    PAGES = 16,
    PAGE_BYTES = 4096
};

/* Hooks get the environment's ctx, so that all others work as they are; what is counted is here. */
static struct {
    const struct virtio_host *inner;
    struct virtio_host host;
    uint64_t reads;
    uint64_t writes;
    bool unreachable; /* a register was beyond what can be mapped, or on a bus that is not here */
    struct {
        uint64_t physical;
        volatile uint8_t *pointer;
    } pages[PAGES]; /* mapped so far */
} counting;

#if defined(__i386__) || defined(__x86_64__)

static uint32_t port_read(uint16_t port, unsigned width)
{
    uint32_t value = 0;

    if (width == 1) {
        __asm__ volatile("inb %w1, %b0" : "+a"(value) : "d"(port) : "memory");
    } else if (width == 2) {
        __asm__ volatile("inw %w1, %w0" : "+a"(value) : "d"(port) : "memory");
    } else {
        __asm__ volatile("inl %w1, %0" : "=a"(value) : "d"(port) : "memory");
    }
    return value;
}

static void port_write(uint16_t port, unsigned width, uint32_t value)
{
    if (width == 1) {
        __asm__ volatile("outb %b0, %w1" : : "a"(value), "d"(port) : "memory");
    } else if (width == 2) {
        __asm__ volatile("outw %w0, %w1" : : "a"(value), "d"(port) : "memory");
    } else {
        __asm__ volatile("outl %0, %w1" : : "a"(value), "d"(port) : "memory");
    }
}

#else

static uint32_t port_read(uint16_t port, unsigned width)
{
    (void)port;
    (void)width;
    counting.unreachable = true;
    return UINT32_MAX;
}

static void port_write(uint16_t port, unsigned width, uint32_t value)
{
    (void)port;
    (void)width;
    (void)value;
    counting.unreachable = true;
}

#endif

/* Where the CPU finds a register, through the inner host's mmio_map, page by page. */
static volatile uint8_t *find_register(uint64_t address)
{
    const struct virtio_host *inner = counting.inner;
    uint64_t page = address & ~(uint64_t)(PAGE_BYTES - 1);
    volatile uint8_t *pointer = NULL;

    for (size_t i = 0; i < PAGES && counting.pages[i].pointer != NULL; i++) {
        if (counting.pages[i].physical == page) {
            return counting.pages[i].pointer + (address - page);
        }
    }
    if (inner->mmio_map != NULL) {
        pointer = inner->mmio_map(inner->ctx, page, PAGE_BYTES);
    } else if (page <= UINTPTR_MAX) {
        pointer = (volatile uint8_t *)(uintptr_t)page;
    }
    for (size_t i = 0; pointer != NULL && i < PAGES; i++) {
        if (counting.pages[i].pointer == NULL) {
            counting.pages[i].physical = page;
            counting.pages[i].pointer = pointer;
            return pointer + (address - page);
        }
    }
    counting.unreachable = true;
    return NULL;
}

static uint32_t memory_read(uint64_t address, unsigned width)
{
    volatile void *pointer = find_register(address);

    if (pointer == NULL) {
        return UINT32_MAX;
    }
    switch (width) {
    case 1:
        return *(volatile uint8_t *)pointer;
    case 2:
        return *(volatile uint16_t *)pointer;
    default:
        return *(volatile uint32_t *)pointer;
    }
}

static void memory_write(uint64_t address, unsigned width, uint32_t value)
{
    volatile void *pointer = find_register(address);

    if (pointer == NULL) {
        return;
    }
    switch (width) {
    case 1:
        *(volatile uint8_t *)pointer = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)pointer = (uint16_t)value;
        break;
    default:
        *(volatile uint32_t *)pointer = value;
        break;
    }
}

static uint32_t counting_read(void *ctx, enum virtio_space space, uint64_t address, unsigned width)
{
    counting.reads++;
    if (counting.inner->register_read != NULL) {
        return counting.inner->register_read(ctx, space, address, width);
    }
    return space == VIRTIO_SPACE_IO ? port_read((uint16_t)address, width)
                                    : memory_read(address, width);
}

static void counting_write(void *ctx, enum virtio_space space, uint64_t address, unsigned width,
                           uint32_t value)
{
    counting.writes++;
    if (counting.inner->register_write != NULL) {
        counting.inner->register_write(ctx, space, address, width, value);
    } else if (space == VIRTIO_SPACE_IO) {
        port_write((uint16_t)address, width, value);
    } else {
        memory_write(address, width, value);
    }
}

static void begin_counting(const struct virtio_host *inner)
{
    memset(&counting, 0, sizeof(counting));
    counting.inner = inner;
    counting.host = *inner;
    counting.host.register_read = counting_read;
    counting.host.register_write = counting_write;
}

/* Requests one at a time, each waited for. `hiccups`: how many looks at the status register are allowed
 * because the machine was busy with something else. */
static bool run_requests(struct test *test, struct virtio_blk *disk, uint8_t *buffer,
                         uint64_t *hiccups)
{
    size_t bytes = disk->blk_size;

    *hiccups = 0;
    counting.reads = 0;
    counting.writes = 0;
    for (unsigned i = 0; i < REQUESTS; i++) {
        uint64_t start = test_now_us(test);

        if (!CHECK_RESULT(test, counted(virtio_blk_read(disk, 0, buffer, bytes)), VIRTIO_OK)) {
            return false;
        }
        *hiccups += (test_now_us(test) - start) / HICCUP_US;
    }
    return true;
}

static void count_accesses(struct test *test, struct virtio_blk *disk, uint8_t *buffer)
{
    uint64_t kicks = disk->queue.kicks;
    uint64_t hiccups;
    bool done;

    test_diagnostic("accesses begin blk-read requests=%d", REQUESTS);
    done = run_requests(test, disk, buffer, &hiccups);
    test_diagnostic("accesses end blk-read hiccups=%lu", (unsigned long)hiccups);
    if (!done) {
        return;
    }
    kicks = disk->queue.kicks - kicks;
    /* Fewer where the device was still looking when the next request came. */
    CHECK(test, kicks != 0 && kicks <= REQUESTS);
    CHECK_EQUAL(test, counting.writes, kicks);
    CHECK(test, counting.reads <= hiccups);
    test_diagnostic("%d reads at queue depth 1: %lu register writes, %lu register reads", REQUESTS,
                    (unsigned long)counting.writes, (unsigned long)counting.reads);
}

static void access_body(struct test *test, struct rig *rig)
{
    struct virtio_device found = *rig->found;
    static struct virtio_blk disk;
    int error;

    REQUIRE_RESULT(test, virtio_blk_stop(rig->disk), VIRTIO_OK);
    begin_counting(rig->found->host);
    found.host = &counting.host;
    error = virtio_blk_start(&disk, &found);
    if (counting.unreachable) {
        (void)virtio_blk_stop(&disk);
        test_skip(test, "the device's registers are out of the hooks' reach");
        return;
    }
    REQUIRE_RESULT(test, error, VIRTIO_OK);
    CHECK(test, counting.reads != 0 && counting.writes != 0);
    count_accesses(test, &disk, rig->buffer);
    CHECK_RESULT(test, virtio_blk_stop(&disk), VIRTIO_OK);
}

void blk_one_access_a_request(struct test *test)
{
    rig_run(test, RIG_READABLE, access_body);
}
