/* SPDX-License-Identifier: MIT */
/*
 * Memory: the arena, shared allocations and mappings, with hosts that keep their contract and hosts that
 * do not; the ready-made identity-mapped host.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* Shared memory ---------------------------------------------------------------------------------- */

static void test_p45_shared_memory_is_zeroed(struct bench *bench)
{
    struct virtio_shared shared;

    bench_begin(bench);
    assert_ok(virtio_allocate_shared(&bench->device, 1000, 256, &shared));
    assert_int_equal(shared.size, 1000);
    assert_int_equal(shared.device_address % 256, 0);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(((uint8_t *)shared.memory)[i], 0);
    virtio_free_shared(&bench->device, &shared);
    assert_null(shared.memory);
    virtio_free_shared(&bench->device, &shared); /* nothing: allowed */
    bench_stop(bench);
}

/* What the allocation hook answers, in place of the fake host's own. */
static uint64_t answer;

static void *answer_allocate(void *ctx, size_t size, size_t alignment, uint64_t address_limit,
                             unsigned flags, uint64_t *device_address)
{
    (void)ctx;
    (void)alignment;
    (void)address_limit;
    (void)flags;
    *device_address = answer;
    return malloc(size);
}

static void answer_free(void *ctx, void *memory, size_t size, uint64_t device_address)
{
    (void)ctx;
    (void)size;
    assert_int_equal(device_address, answer);
    free(memory);
}

/* An address that is not what was asked for is given back and refused. */
static void test_allocation_that_breaks_its_contract(struct bench *bench)
{
    const struct virtio_host all = bench->host.host;
    struct virtio_shared shared;

    bench_begin(bench);
    bench->host.host.dma_allocate = answer_allocate;
    bench->host.host.dma_free = answer_free;
    answer = 0x10040; /* not aligned to 128 */
    assert_result(virtio_allocate_shared(&bench->device, 100, 128, &shared), VIRTIO_E_INVALID);
    assert_null(shared.memory);
    answer = UINT64_MAX - 63; /* its end is beyond the end of everything */
    assert_result(virtio_allocate_shared(&bench->device, 100, 64, &shared), VIRTIO_E_INVALID);
    answer = UINT64_C(1) << 44; /* beyond a 32-bit page number */
    if (bench->legacy) {
        assert_result(virtio_allocate_shared(&bench->device, 100, 64, &shared), VIRTIO_E_INVALID);
    } else {
        assert_ok(virtio_allocate_shared(&bench->device, 100, 64, &shared));
        virtio_free_shared(&bench->device, &shared);
    }
    answer = (UINT64_C(1) << 44) - 64; /* its last byte is */
    if (bench->legacy)
        assert_result(virtio_allocate_shared(&bench->device, 100, 64, &shared), VIRTIO_E_INVALID);
    assert_ok(virtio_allocate_shared(&bench->device, 64, 64, &shared));
    virtio_free_shared(&bench->device, &shared);
    bench->host.host.dma_allocate = all.dma_allocate;
    bench->host.host.dma_free = all.dma_free;
    bench_stop(bench);
}

/* P43: where page numbers of 32 bits can't reach, a legacy queue is not to be had. */
static void test_p43_legacy_ring_out_of_reach(struct bench *bench)
{
    bench_begin(bench);
    bench->host.next_address = UINT64_C(1) << 44;
    bench->host.next_low_address = UINT64_C(1) << 44;
    assert_result(virtio_queue_start(&bench->queues[0], &bench->device, 0, 256),
                  VIRTIO_E_NO_MEMORY);
    bench_stop(bench);
}

/* Mappings --------------------------------------------------------------------------------------- */

static void test_p72_map_and_unmap_move_the_data(struct bench *bench)
{
    struct virtio_queue *queue = &bench->queues[0];
    uint8_t out[100];
    uint8_t in[200];
    struct virtio_mapping mapped_out;
    struct virtio_mapping mapped_in;
    struct virtio_chain chain;

    bench->fake.behaviour = &fake_echo;
    bench_start(bench, 8);
    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 7);
    memset(in, 0, sizeof(in));
    assert_ok(virtio_map_all_bytes_in_shared_buffer(&bench->device, out, sizeof(out),
                                                    VIRTIO_DEVICE_READS, &mapped_out));
    assert_ok(virtio_map_all_bytes_in_shared_buffer(&bench->device, in, sizeof(in),
                                                    VIRTIO_DEVICE_WRITES, &mapped_in));
    virtio_prepare(queue, &chain);
    assert_ok(virtio_append_desc(queue, mapped_out.device_address, sizeof(out), 0, &chain));
    assert_ok(virtio_append_desc(queue, mapped_in.device_address, sizeof(in), VIRTQ_DESC_F_WRITE,
                                 &chain));
    assert_ok(virtio_flush(queue, &chain, NULL));
    assert_ok(virtio_unmap_buffer(&bench->device, &mapped_out));
    assert_ok(virtio_unmap_buffer(&bench->device, &mapped_in));
    assert_memory_equal(in, out, sizeof(out));
    for (unsigned i = sizeof(out); i < sizeof(in); i++)
        assert_int_equal(in[i], FAKE_ECHO_FILL);
    bench_stop(bench);
}

static void test_map_whole_or_not_at_all(struct bench *bench)
{
    uint8_t buffer[100] = {0};
    struct virtio_mapping mapping;

    bench_begin(bench);
    bench->host.map_limit = 99;
    mapping.size = 1;
    assert_result(virtio_map_all_bytes_in_shared_buffer(&bench->device, buffer, 100,
                                                        VIRTIO_DEVICE_READS, &mapping),
                  VIRTIO_E_MAP);
    assert_int_equal(mapping.size, 0);
    assert_int_equal(fake_host_live(&bench->host), 0);
    bench->host.map_limit = 100;
    assert_ok(virtio_map_all_bytes_in_shared_buffer(&bench->device, buffer, 100,
                                                    VIRTIO_DEVICE_READS, &mapping));
    assert_ok(virtio_unmap_buffer(&bench->device, &mapping));
    fake_host_fail_at(&bench->host, 1);
    assert_result(virtio_map_all_bytes_in_shared_buffer(&bench->device, buffer, 100,
                                                        VIRTIO_DEVICE_READS, &mapping),
                  VIRTIO_E_MAP);
    assert_result(virtio_map_all_bytes_in_shared_buffer(&bench->device, NULL, 100,
                                                        VIRTIO_DEVICE_READS, &mapping),
                  VIRTIO_E_INVALID);
    assert_result(virtio_map_all_bytes_in_shared_buffer(&bench->device, buffer, 0,
                                                        VIRTIO_DEVICE_READS, &mapping),
                  VIRTIO_E_INVALID);
    bench_stop(bench);
}

static void test_unmap_that_fails_fails_the_request(struct bench *bench)
{
    uint8_t buffer[100] = {0};
    struct virtio_mapping mapping;

    bench_begin(bench);
    assert_ok(virtio_map_all_bytes_in_shared_buffer(&bench->device, buffer, 100,
                                                    VIRTIO_DEVICE_WRITES, &mapping));
    bench->host.unmap_error = VIRTIO_E_IO;
    assert_result(virtio_unmap_buffer(&bench->device, &mapping), VIRTIO_E_MAP);
    bench->host.unmap_error = 0;
    bench_stop(bench);
}

/* P74: without a map hook the caches are seen to, in the right direction, around each use. */
static void test_p74_sync_goes_with_the_direction(struct bench *bench)
{
    static const struct {
        enum virtio_direction direction;
        uint64_t to_device, to_cpu;
    } rows[] = {{VIRTIO_DEVICE_READS, 1, 0},
                {VIRTIO_DEVICE_WRITES, 1, 1},
                {VIRTIO_DEVICE_READS_AND_WRITES, 1, 1}};
    uint8_t buffer[128] = {0};

    bench_begin(bench);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t to_device = bench->host.counts[FAKE_SYNC_FOR_DEVICE];
        uint64_t to_cpu = bench->host.counts[FAKE_SYNC_FOR_CPU];
        struct virtio_mapping mapping;

        assert_ok(virtio_map_all_bytes_in_shared_buffer(&bench->device, buffer, sizeof(buffer),
                                                        rows[i].direction, &mapping));
        assert_int_equal(mapping.device_address, (uintptr_t)buffer);
        assert_int_equal(bench->host.counts[FAKE_SYNC_FOR_CPU], to_cpu);
        assert_ok(virtio_unmap_buffer(&bench->device, &mapping));
        assert_int_equal(bench->host.counts[FAKE_SYNC_FOR_DEVICE] - to_device, rows[i].to_device);
        assert_int_equal(bench->host.counts[FAKE_SYNC_FOR_CPU] - to_cpu, rows[i].to_cpu);
    }
    bench_stop(bench);
}

/* The arena -------------------------------------------------------------------------------------- */

static void test_arena_gives_and_takes(struct bench *bench)
{
    static _Alignas(64) uint8_t pool[4096];
    struct virtio_arena arena;
    void *pieces[64];
    unsigned count = 0;

    (void)bench;
    virtio_arena_init(&arena, pool, sizeof(pool));
    assert_int_equal(arena.size, sizeof(pool));
    assert_int_equal(arena.available, sizeof(pool));
    while (count < 64 && (pieces[count] = virtio_arena_allocate(&arena, 100, 16)) != NULL) {
        memset(pieces[count], (int)count, 100);
        count++;
    }
    assert_int_equal(count, 4096 / 112);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < 100; j++)
            assert_int_equal(((uint8_t *)pieces[i])[j], i);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
    }
    /* Odd ones first, so that each of the others joins two neighbours. */
    for (unsigned i = 1; i < count; i += 2)
        virtio_arena_free(&arena, pieces[i], 100);
    assert_null(virtio_arena_allocate(&arena, 177, 16));
    for (unsigned i = 0; i < count; i += 2)
        virtio_arena_free(&arena, pieces[i], 100);
    assert_int_equal(arena.available, sizeof(pool));
    pieces[0] = virtio_arena_allocate(&arena, sizeof(pool), 16);
    assert_non_null(pieces[0]);
    assert_int_equal(arena.available, 0);
    virtio_arena_free(&arena, pieces[0], sizeof(pool));
    virtio_arena_free(&arena, NULL, 100);
    assert_int_equal(arena.available, sizeof(pool));
}

static void test_arena_aligns(struct bench *bench)
{
    static _Alignas(16384) uint8_t pool[3 * 4096];
    struct virtio_arena arena;
    void *small;
    void *page;

    (void)bench;
    virtio_arena_init(&arena, pool, sizeof(pool));
    small = virtio_arena_allocate(&arena, 1, 1);
    page = virtio_arena_allocate(&arena, 4096, 4096);
    assert_non_null(small);
    assert_non_null(page);
    assert_int_equal((uintptr_t)page % 4096, 0);
    /* What was skipped for the alignment is not lost. */
    assert_non_null(virtio_arena_allocate(&arena, 4096 - 16, 16));
    assert_int_equal(arena.available, 4096);
    assert_null(virtio_arena_allocate(&arena, 4096, 16384));
    virtio_arena_free(&arena, page, 4096);
    assert_int_equal(arena.available, 8192);
}

static void test_arena_refuses(struct bench *bench)
{
    static _Alignas(16) uint8_t pool[256];
    struct virtio_arena arena;

    (void)bench;
    virtio_arena_init(&arena, pool, sizeof(pool));
    assert_null(virtio_arena_allocate(&arena, 0, 16));
    assert_null(virtio_arena_allocate(&arena, 257, 16));
    assert_null(virtio_arena_allocate(&arena, SIZE_MAX, 16));
    assert_null(virtio_arena_allocate(&arena, SIZE_MAX - 15, 16));
    assert_null(virtio_arena_allocate(&arena, 1, (SIZE_MAX >> 1) + 1));
    assert_int_equal(arena.available, 256);
    virtio_arena_init(&arena, pool, 15); /* too small for anything */
    assert_int_equal(arena.size, 0);
    assert_null(virtio_arena_allocate(&arena, 1, 1));
    virtio_arena_init(&arena, pool + 1, 255); /* what is not aligned is left out */
    assert_int_equal(arena.size, 240);
    assert_non_null(virtio_arena_allocate(&arena, 240, 16));
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Any order of allocations and releases: pieces never overlap, and all of it comes back. */
static void test_arena_at_random(struct bench *bench)
{
    static _Alignas(4096) uint8_t pool[64 * 1024];
    struct {
        uint8_t *memory;
        size_t size;
    } pieces[40] = {{NULL, 0}};
    struct virtio_arena arena;
    uint32_t random = 7;

    (void)bench;
    virtio_arena_init(&arena, pool, sizeof(pool));
    for (unsigned round = 0; round < 4000; round++) {
        unsigned i = next_random(&random) % 40;

        if (pieces[i].memory) {
            for (size_t j = 0; j < pieces[i].size; j++)
                assert_int_equal(pieces[i].memory[j], i);
            virtio_arena_free(&arena, pieces[i].memory, pieces[i].size);
            pieces[i].memory = NULL;
            continue;
        }
        pieces[i].size = 1 + next_random(&random) % 5000;
        pieces[i].memory =
            virtio_arena_allocate(&arena, pieces[i].size, 1u << next_random(&random) % 13);
        if (pieces[i].memory)
            memset(pieces[i].memory, (int)i, pieces[i].size);
    }
    for (unsigned i = 0; i < 40; i++)
        virtio_arena_free(&arena, pieces[i].memory, pieces[i].size);
    assert_int_equal(arena.available, sizeof(pool));
    assert_non_null(virtio_arena_allocate(&arena, sizeof(pool), 4096));
}

/* The identity-mapped host ------------------------------------------------------------------------ */

static uint64_t no_time(void *ctx)
{
    (void)ctx;
    return 0;
}

static void test_identity_host(struct bench *bench)
{
    static _Alignas(4096) uint8_t pool[8192];
    struct virtio_arena arena;
    struct virtio_host host;
    uint64_t address = 0;
    void *memory;

    (void)bench;
    memset(&host, 0xff, sizeof(host));
    virtio_arena_init(&arena, pool, sizeof(pool));
    virtio_host_identity(&host, &arena, no_time);
    assert_ok(virtio_host_check(&host));
    memory = host.dma_allocate(host.ctx, 4096, 4096, UINT64_MAX, 0, &address);
    assert_ptr_equal(memory, pool);
    assert_int_equal(address, (uintptr_t)pool);
    host.dma_free(host.ctx, memory, 4096, address);
    assert_null(host.dma_allocate(host.ctx, 4096, 4096, (uintptr_t)pool + 4094, 0, &address));
    assert_null(host.dma_allocate(host.ctx, 8193, 1, UINT64_MAX, 0, &address));
    assert_int_equal(arena.available, sizeof(pool)); /* given back when it is out of reach */
    memory = host.allocate(host.ctx, 100);
    assert_int_equal((uintptr_t)memory % 16, 0);
    host.free(host.ctx, memory, 100);
    assert_int_equal(arena.available, sizeof(pool));
}

static const struct bench_test tests[] = {
    TEST(test_p45_shared_memory_is_zeroed, BENCH_ALL),
    TEST(test_allocation_that_breaks_its_contract, BENCH_ALL),
    TEST(test_p43_legacy_ring_out_of_reach, BENCH_LEGACY),
    TEST(test_p72_map_and_unmap_move_the_data, BENCH_HOSTS),
    TEST(test_map_whole_or_not_at_all, BENCH_ALL),
    TEST(test_unmap_that_fails_fails_the_request, BENCH_ONE),
    TEST(test_p74_sync_goes_with_the_direction, BENCH_SYNC),
    TEST(test_arena_gives_and_takes, BENCH_ONE),
    TEST(test_arena_aligns, BENCH_ONE),
    TEST(test_arena_refuses, BENCH_ONE),
    TEST(test_arena_at_random, BENCH_ONE),
    TEST(test_identity_host, BENCH_ONE),
};

BENCH_MAIN(tests)
