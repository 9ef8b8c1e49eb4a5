/* SPDX-License-Identifier: MIT */
/*
 * Proof of the balloon driver, by induction: it is started, with and without statistics and hints, what changes
 * afterwards is set to anything that the invariant (check, below) allows, one call is made, and the
 * invariant is asserted.
 */
#include <virtio/balloon.h>
#include "../buffers.h"
#include "../queue_contract.h"

#define BATCH_SIZE        (VIRTIO_BALLOON_BATCH * 4u)
#define STATISTICS_LENGTH 120u
#define HINT_SIZE         8u

static struct virtio_balloon balloon;
static struct virtio_balloon_options options;
static uint64_t pages[3];
static struct virtio_buffer ranges[3];
static uint64_t values[VIRTIO_BALLOON_STATISTICS];
static bool has_statistics, has_hints;

uint64_t prove_offer(void)
{
    return VIRTIO_F_VERSION_1 | has_statistics * VIRTIO_BALLOON_F_STATS_VQ |
           has_hints * VIRTIO_BALLOON_F_FREE_PAGE_HINT |
           prove_below(2) * VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
           prove_below(2) * VIRTIO_BALLOON_F_PAGE_POISON |
           prove_below(2) * VIRTIO_BALLOON_F_PAGE_REPORTING;
}

/* Each number of them by itself. */
static void use_memory(void)
{
    uint32_t count = prove_below(4);

    //@ split count;
    switch (prove_below(4)) {
    case 0:
        (void)virtio_balloon_inflate(&balloon, pages, count);
        break;
    case 1:
        (void)virtio_balloon_deflate(&balloon, pages, count);
        break;
    case 2:
        (void)virtio_balloon_report(&balloon, ranges, count);
        break;
    default:
        (void)virtio_balloon_hint(&balloon, ranges, count);
    }
}

static void use(void)
{
    uint32_t number;

    switch (prove_below(8)) {
    case 0:
        (void)virtio_balloon_get_target(&balloon, prove_maybe() ? &number : NULL);
        break;
    case 1:
        (void)virtio_balloon_statistics_due(&balloon);
        break;
    case 2:
        (void)virtio_balloon_send_statistics(&balloon, values);
        break;
    case 3:
        (void)virtio_balloon_get_hint_command(&balloon, &number);
        break;
    case 4:
        (void)virtio_balloon_end_hints(&balloon);
        break;
    case 5:
        (void)virtio_balloon_halt(&balloon);
        break;
    case 6:
        (void)virtio_balloon_recover(&balloon);
        break;
    default:
        use_memory();
    }
}

static void havoc(void)
{
    prove_buffers_any(&balloon.stats, 2, 0);
    prove_buffers_any(&balloon.hints, 3, 0);
    balloon.actual = prove_any();
    balloon.target = prove_any();
    balloon.command = prove_any();
    balloon.statistics_length = prove_below(STATISTICS_LENGTH + 1);
    balloon.device.state = prove_started_state();
    Frama_C_make_unknown((char *)pages, sizeof(pages));
    Frama_C_make_unknown((char *)ranges, sizeof(ranges));
    Frama_C_make_unknown((char *)values, sizeof(values));
}

static void check(void)
{
    prove_buffers_check(&balloon.inflate, 1, BATCH_SIZE);
    prove_buffers_check(&balloon.deflate, 1, BATCH_SIZE);
    prove_buffers_check(&balloon.stats, 1, STATISTICS_LENGTH);
    prove_buffers_check(&balloon.hints, 2, HINT_SIZE);
    /*@ assert within_the_buffer: balloon.statistics_length <= STATISTICS_LENGTH; */
}

int main(void)
{
    struct virtio_device found = {.type = 0};

    prove_host_begin(false);
    prove_host_vary();
    prove_find(&found, VIRTIO_ID_BALLOON);
    has_statistics = prove_below(2);
    has_hints = prove_below(2);
    //@ split has_statistics;
    //@ split has_hints;
    options.statistics =
        has_statistics ? 1 + prove_below((1u << VIRTIO_BALLOON_STATISTICS) - 1) : 0;
    options.poisons = prove_below(2);
    options.poison_value = prove_any();
    if (virtio_balloon_start(&balloon, &found, &options) != VIRTIO_OK)
        return 0;
    havoc();
    if (prove_maybe()) {
        (void)virtio_balloon_stop(&balloon);
        return 0;
    }
    use();
    check();
    return 0;
}
