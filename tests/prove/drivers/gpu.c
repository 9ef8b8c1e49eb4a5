/* SPDX-License-Identifier: MIT */
/*
 * Proof of the GPU driver, by induction: it is started, for two requests and two movements of pointers at once and
 * for resources of up to two pieces of memory; what changes afterwards is set to anything that the invariant
 * (check, below) allows; one call is made, and the invariant is asserted.
 */
#include "../../../src/drivers/gpu.c"
#include "../queue_contract.h"

/* Slots of each lane. */
#define DEPTH (PROVE_QUEUE_SIZE / CHAIN_LENGTH)

#define PIECES 2u

static struct virtio_gpu gpu;
static struct virtio_gpu_resource resource;
static struct virtio_buffer pieces[PIECES + 1];
static uint8_t edid[VIRTIO_GPU_EDID_MAX];
static uint8_t cookie[16];

/* ---- The invariant ---- */

static struct virtio_gpu_slot *any_slot(unsigned first)
{
    return &gpu.slots[first + prove_below(DEPTH)];
}

static struct virtio_gpu_slot *maybe_slot(unsigned first)
{
    return prove_maybe() ? any_slot(first) : NULL;
}

static void havoc_slot(struct virtio_gpu_slot *slot, unsigned first)
{
    slot->next = maybe_slot(first);
    slot->cookie = cookie;
    slot->response = &shared_of(&gpu)->units[slot->number].response;
    if (first == 0 && prove_maybe())
        slot->response = virtio_gpu_large_answer(&gpu);
    slot->fence = prove_any64();
    slot->command = prove_any();
    slot->answer = prove_any();
    slot->answer_size = prove_any();
    slot->written = prove_any();
    slot->resource = prove_any();
    slot->scanout = prove_below(VIRTIO_GPU_MAX_SCANOUTS);
    slot->is_waited = prove_maybe();
    slot->is_finished = prove_maybe();
    slot->error = -(int)prove_below(100);
    slot->refusal = (enum virtio_gpu_refusal)prove_any();
}

static void havoc_lane(struct virtio_gpu_lane *lane, uint16_t index, unsigned first)
{
    for (unsigned at = 0; at < DEPTH; at++)
        havoc_slot(&gpu.slots[first + at], first);
    lane->free_slots = maybe_slot(first);
    prove_in_flight(index, any_slot(first), prove_any());
}

static void havoc(void)
{
    havoc_lane(&gpu.control, CONTROLQ, 0);
    havoc_lane(&gpu.cursor, CURSORQ, VIRTIO_GPU_DEPTH_MAX);
    gpu.finished = maybe_slot(0);
    gpu.finished_tail = prove_maybe() ? &gpu.finished : &any_slot(0)->next;
    gpu.in_flight = (uint16_t)prove_any();
    gpu.cursor_failures = prove_any();
    gpu.refusal = (enum virtio_gpu_refusal)prove_any();
    gpu.next_id = prove_any();
    gpu.first_id = prove_any();
    gpu.fence = prove_any64();
    gpu.num_scanouts = 1 + prove_below(VIRTIO_GPU_MAX_SCANOUTS);
    gpu.device.state = prove_started_state();
    Frama_C_make_unknown((char *)gpu.shown, sizeof(gpu.shown));
    Frama_C_make_unknown((char *)gpu.pointers, sizeof(gpu.pointers));
    prove_device_writes();
}

static void check_slot(const struct virtio_gpu_slot *slot, unsigned first)
{
    if (slot == NULL)
        return;
    /*@ assert within: &gpu.slots[first] <= slot <= &gpu.slots[first + DEPTH - 1]; */
    /*@ assert a_slot: ((char *)slot - (char *)gpu.slots) % sizeof(*slot) == 0; */
}

static void check_lane(const struct virtio_gpu_lane *lane, unsigned first)
{
    const struct virtio_gpu_slot *slot = any_slot(first);

    check_slot(lane->free_slots, first);
    check_slot(slot->next, first);
    /*@ assert a_number: first <= slot->number < first + DEPTH; */
    /*@ assert a_scanout: slot->scanout < VIRTIO_GPU_MAX_SCANOUTS; */
    /*@ assert a_response: \valid((struct virtio_gpu_ctrl_hdr *)slot->response); */
}

/* Lists lead to slots of their lane alone, whatever the order. */
static void check(void)
{
    check_lane(&gpu.control, 0);
    check_lane(&gpu.cursor, VIRTIO_GPU_DEPTH_MAX);
    check_slot(gpu.finished, 0);
    if (gpu.finished_tail != &gpu.finished)
        check_slot((struct virtio_gpu_slot *)(void *)gpu.finished_tail, 0);
    /*@ assert scanouts: 1 <= gpu.num_scanouts <= VIRTIO_GPU_MAX_SCANOUTS; */
}

/* ---- Calls ---- */

static void show(void)
{
    struct virtio_gpu_display display;
    uint32_t size;
    uint32_t height;

    switch (prove_below(4)) {
    case 0:
        (void)virtio_gpu_get_display(&gpu, prove_any(), &display);
        break;
    case 1:
        (void)virtio_gpu_get_edid(&gpu, prove_any(), edid, &size);
        /*@ assert an_edid: size <= VIRTIO_GPU_EDID_MAX; */
        break;
    case 2:
        (void)virtio_gpu_choose_size(&gpu, prove_any(), &size, &height);
        break;
    default:
        (void)virtio_gpu_poll_event(&gpu);
    }
}

static void own(void)
{
    uint32_t count = prove_below(PIECES + 2);

    switch (prove_below(4)) {
    case 0:
        (void)virtio_gpu_create(&gpu, &resource, (enum virtio_gpu_format)prove_any(), prove_any(),
                                prove_any());
        break;
    case 1:
        (void)virtio_gpu_destroy(&gpu, &resource);
        break;
    case 2:
        //@ split count;
        (void)virtio_gpu_attach(&gpu, &resource, prove_maybe() ? pieces : NULL, count);
        break;
    default:
        (void)virtio_gpu_detach(&gpu, &resource);
    }
}

static void draw(void)
{
    const struct virtio_gpu_rect part = {prove_any(), prove_any(), prove_any(), prove_any()};
    const struct virtio_gpu_rect *rect = prove_maybe() ? &part : NULL;
    const struct virtio_gpu_resource *of = prove_maybe() ? &resource : NULL;

    switch (prove_below(7)) {
    case 0:
        (void)virtio_gpu_transfer(&gpu, of, rect);
        break;
    case 1:
        (void)virtio_gpu_flush(&gpu, of, rect);
        break;
    case 2:
        (void)virtio_gpu_update(&gpu, of, rect);
        break;
    case 3:
        (void)virtio_gpu_set_scanout(&gpu, prove_any(), of, rect);
        break;
    case 4:
        (void)virtio_gpu_submit_transfer(&gpu, of, rect, cookie);
        break;
    case 5:
        (void)virtio_gpu_submit_flush(&gpu, of, rect, cookie);
        break;
    default:
        (void)virtio_gpu_submit_scanout(&gpu, prove_any(), of, rect, cookie);
    }
}

static void point(void)
{
    if (prove_maybe())
        (void)virtio_gpu_set_cursor(&gpu, prove_any(), prove_maybe() ? &resource : NULL,
                                    prove_any(), prove_any(), prove_any(), prove_any());
    else
        (void)virtio_gpu_move_cursor(&gpu, prove_any(), prove_any(), prove_any());
}

static void end(void)
{
    struct virtio_gpu_done done;

    switch (prove_below(6)) {
    case 0:
        (void)virtio_gpu_reap(&gpu, &done);
        break;
    case 1:
        (void)virtio_gpu_wait(&gpu, &done, prove_any());
        break;
    case 2:
        (void)virtio_gpu_drain(&gpu, &done);
        break;
    case 3:
        (void)virtio_gpu_halt(&gpu);
        break;
    case 4:
        (void)virtio_gpu_kick(&gpu);
        break;
    default:
        (void)virtio_gpu_recover(&gpu);
    }
}

/* The slot that is taken, by itself: so Eva knows where its answer is. */
static void use(void)
{
    uint32_t slot = prove_below(DEPTH + 1);

    //@ split slot;
    gpu.control.free_slots = slot < DEPTH ? &gpu.slots[slot] : NULL;
    Frama_C_make_unknown((char *)&resource, sizeof(resource));
    resource.attached = prove_maybe();
    Frama_C_make_unknown((char *)pieces, sizeof(pieces));
    switch (prove_below(5)) {
    case 0:
        show();
        break;
    case 1:
        own();
        break;
    case 2:
        draw();
        break;
    case 3:
        point();
        break;
    default:
        end();
    }
}

int main(void)
{
    static const struct virtio_gpu_options options = {.pieces_max = PIECES};
    static const struct virtio_gpu_options too_many = {.pieces_max = PIECES_MOST + 1};
    struct virtio_device found = {.type = 0};

    prove_host_begin(false);
    prove_host_vary();
    prove_find(&found, VIRTIO_ID_GPU);
    (void)virtio_gpu_start(&gpu, &found, &too_many);
    if (virtio_gpu_start(&gpu, &found, &options) != VIRTIO_OK)
        return 0;
    havoc();
    if (prove_maybe()) {
        (void)virtio_gpu_stop(&gpu);
        return 0;
    }
    use();
    check();
    return 0;
}
