/* SPDX-License-Identifier: MIT */
/*
 * The common part of the proofs of the block driver: the disk's device, what may be so between two calls
 * (havoc; check asserts it), and the induction over them. The segments of data are as the first PROVE_SEGMENTS
 * of some examples, each by itself.
 */
#include "blk.h"

struct virtio_blk_zoned zoned;
struct virtio_blk *const disk = &zoned.disk;
struct virtio_blk more;
uint8_t buffer[4];

/* Segments of data: their length, and the most of them in a request; UINT32_MAX: anything that is as long
 * as a request. */
static const struct {
    uint32_t size_max;
    uint32_t seg_max;
} segments[] = {{512, 3}, {700, 2}, {100, 6}, {1u << 29, 6}, {UINT32_MAX, 4}};
static unsigned which;

/* Has the disk zones? */
static bool has_zones;

/* The slot of the next request; or, SLOTS, there is none. */
static unsigned next_slot;

/* What ends the requests that have an end of their own, once one was made. */
static int (*end_of_request)(const struct virtio_blk *blk, struct virtio_blk_slot *slot);

/* ---- The device ---- */

static struct virtio_transport_ops ops;

/* Features 1 and 2, and the fields that they bring, are as the proof wants them. */
static uint64_t get_features(const struct virtio_device *device)
{
    return prove_modern_ops.get_device_features(device) * 8 + 6;
}

static uint32_t read_device(const struct virtio_device *device, uint32_t offset, unsigned width)
{
    uint32_t value = prove_modern_ops.read_device(device, offset, width);

    if (offset == 8 && segments[which].size_max == UINT32_MAX)
        return VIRTIO_BLK_PART_MAX + value % (UINT32_MAX - VIRTIO_BLK_PART_MAX);
    if (offset == 8)
        return segments[which].size_max;
    if (offset == VIRTIO_BLK_CONFIG_MODEL && PROVE_ZONES)
        return has_zones ? 1 + prove_below(UINT8_MAX) : VIRTIO_BLK_Z_NONE;
    return offset == 12 ? segments[which].seg_max : value;
}

/* Private memory, at one place for each example: its size depends on that, and Eva knows memory by the way to
 * where it was allocated. */
static void *(*allocate_any)(void *ctx, size_t size);

static void *allocate_for(void *ctx, size_t size)
{
    switch (which) {
    case 0:
        return allocate_any(ctx, size);
    case 1:
        return allocate_any(ctx, size);
    case 2:
        return allocate_any(ctx, size);
    case 3:
        return allocate_any(ctx, size);
    default:
        return allocate_any(ctx, size);
    }
}

static void find(struct virtio_device *found)
{
    prove_find(found, VIRTIO_ID_BLOCK);
    ops = *found->ops;
    ops.get_device_features = get_features;
    ops.read_device = read_device;
    found->ops = &ops;
    allocate_any = prove_host.allocate;
    prove_host.allocate = allocate_for;
}

/* ---- What may be so between two calls ---- */

static struct virtio_blk_slot *any_slot(const struct virtio_blk *blk)
{
    return &blk->slots[prove_below(SLOTS)];
}

static struct virtio_blk_slot *maybe_slot(const struct virtio_blk *blk)
{
    return prove_maybe() ? any_slot(blk) : NULL;
}

/* The slot of the next request, each by itself: so what is written to it is known. */
static struct virtio_blk_slot *free_slot(const struct virtio_blk *blk)
{
    return next_slot < SLOTS ? &blk->slots[next_slot] : NULL;
}

static unsigned places(const struct virtio_blk *blk)
{
    return (unsigned)(blk->private_size - SLOTS * sizeof(*blk->slots)) / sizeof(*blk->buffers);
}

static void havoc_slot(const struct virtio_blk *blk, struct virtio_blk_slot *slot)
{
    slot->next = maybe_slot(blk);
    slot->unit_address = prove_any64();
    slot->cookie = buffer;
    slot->mapping = (struct virtio_mapping){
        .memory = buffer, .size = prove_any64(), .device_address = prove_any64()};
    slot->unmap = prove_maybe() ? end_of_request : NULL;
    havoc_end(slot);
    slot->address = prove_any64();
    slot->sector = prove_any64();
    slot->left = prove_any64();
    slot->part = prove_any();
    slot->type = prove_any();
    slot->error = -(int)prove_below(100);
    slot->is_waited = prove_maybe();
    slot->device_reads = prove_maybe();
}

static void havoc_kept(struct virtio_blk_kept *kept)
{
    for (unsigned i = 0; i < 3; i++)
        kept->buffers[i] = (struct virtio_buffer){prove_any64(), prove_any()};
    kept->prepared = (struct virtio_prepared){.buffers = prove_maybe() ? kept->buffers : NULL};
    kept->readable = (uint16_t)prove_below(3);
}

static void havoc_queue(struct virtio_blk *blk, uint16_t index)
{
    for (unsigned at = 0; at < SLOTS; at++)
        havoc_slot(blk, &blk->slots[at]);
    for (unsigned at = 0; at < SLOTS && blk->kept != NULL; at++)
        havoc_kept(&blk->kept[at]);
    blk->queue.prepared = blk->kept != NULL && prove_maybe() ? &blk->kept[0].prepared : NULL;
    for (unsigned i = 0; i < places(blk); i++)
        blk->buffers[i] = (struct virtio_buffer){prove_any64(), prove_any()};
    blk->free_slots = free_slot(blk);
    blk->ready_slots = maybe_slot(blk);
    blk->ready_tail = prove_maybe() ? &blk->ready_slots : &any_slot(blk)->next;
    blk->in_flight = (uint16_t)prove_any();
    blk->capacity = prove_any64();
    blk->writeback = prove_maybe();
    blk->cache_mode = prove_any();
    prove_in_flight(index, any_slot(blk), prove_any());
}

static void havoc(void)
{
    havoc_queue(disk, 0);
    if (disk->queue_count > 1)
        havoc_queue(&more, 1);
    disk->device.state = prove_started_state();
}

static void check_slot(const struct virtio_blk *blk, const struct virtio_blk_slot *slot)
{
    if (slot == NULL)
        return;
    /*@ assert within: blk->slots <= slot <= blk->slots + (SLOTS - 1); */
    /*@ assert a_slot: ((char *)slot - (char *)blk->slots) % sizeof(*slot) == 0; */
}

static void check_queue(const struct virtio_blk *blk)
{
    uint64_t most = (uint64_t)(places(blk) - 3) * blk->size_max;

    /*@ assert a_part: 1 <= blk->part_max; */
    /*@ assert parts_fit: blk->part_max <= most; */
    check_slot(blk, blk->free_slots);
    check_slot(blk, blk->ready_slots);
    if (blk->ready_tail != &blk->ready_slots)
        check_slot(blk, (struct virtio_blk_slot *)(void *)blk->ready_tail);
    for (unsigned at = 0; at < SLOTS; at++) {
        check_slot(blk, blk->slots[at].next);
        /*@ assert a_unit: blk->slots[at].unit == (struct virtio_blk_unit *)blk->shared.memory + at; */
    }
    for (unsigned at = 0; at < SLOTS && blk->kept != NULL; at++) {
        /*@ assert kept: blk->kept[at].prepared.buffers == NULL || blk->kept[at].prepared.buffers == &blk->kept[at].buffers[0]; */
    }
}

/* What ends a request is known, when there is one. */
static void check_ends(const struct virtio_blk *blk)
{
    for (unsigned at = 0; at < SLOTS; at++) {
        /*@ assert an_end: blk->slots[at].unmap == NULL || blk->slots[at].unmap == end_of_request; */
    }
}

static void check(void)
{
    check_queue(disk);
    if (disk->queue_count > 1)
        check_queue(&more);
}

/* ---- The induction ---- */

static int start(const struct virtio_device *found)
{
    struct virtio_blk_options options = {
        .queues = &more,
        .queue_count = PROVE_MORE,
        .list_max = PROVE_LIST,
        .keep = PROVE_KEEP,
    };

    return PROVE_ZONES ? virtio_blk_zoned_start(&zoned, found, &options)
                       : virtio_blk_start_with(disk, found, &options);
}

static int stop(void)
{
    return PROVE_ZONES ? virtio_blk_zoned_stop(&zoned) : virtio_blk_stop(disk);
}

int main(void)
{
    struct virtio_device found = {.type = 0};
    int begun;

    prove_host_begin(false);
    prove_host_vary();
    which = prove_below(PROVE_SEGMENTS);
    //@ split which;
    has_zones = PROVE_ZONES && prove_maybe();
    //@ split has_zones;
    find(&found);
    if (start(&found) != VIRTIO_OK)
        return 0;
    if (disk->queue_count != PROVE_MORE + 1 || (disk->kept != NULL) != PROVE_KEEP ||
        (more.kept != NULL) != (PROVE_KEEP && PROVE_MORE))
        return 0; /* another proof's */
    check();
    begun = begin_request();
    if (begun < 0)
        return 0;
    if (begun != 0)
        end_of_request = disk->slots[SLOTS - 1].unmap;
    //@ slevel merge;
    next_slot = begun != 0 ? prove_below(2) * SLOTS : prove_below(SLOTS + 1);
    //@ split next_slot;
    havoc();
    if (prove_maybe()) {
        use();
        check();
        check_ends(disk);
        return 0;
    }
    (void)stop();
    return 0;
}
