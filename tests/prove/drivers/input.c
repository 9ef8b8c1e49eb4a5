/* SPDX-License-Identifier: MIT */
/*
 * Proof of the input driver, by induction: it is started, what changes afterwards is set to anything that
 * the invariant (check, below) allows, one call is made, and the invariant is asserted.
 */
#include <virtio/input.h>
#include "../buffers.h"
#include "../queue_contract.h"

#define EVENT_SIZE 8u

static struct virtio_input input;

static void use_configuration(void)
{
    static uint8_t bytes[VIRTIO_INPUT_CONFIG_MAX];
    static char serial[VIRTIO_INPUT_CONFIG_MAX + 1];
    struct virtio_input_range range;
    uint8_t subsel = (uint8_t)prove_any();
    uint32_t size;

    switch (prove_below(5)) {
    case 0:
        (void)virtio_input_query(&input, (uint8_t)prove_any(), subsel, bytes, &size);
        break;
    case 1:
        (void)virtio_input_get_bits(&input, subsel, bytes);
        break;
    case 2:
        (void)virtio_input_get_properties(&input, bytes);
        break;
    case 3:
        (void)virtio_input_get_serial(&input, serial);
        break;
    default:
        (void)virtio_input_get_range(&input, subsel, &range);
    }
}

static void use(void)
{
    struct virtio_input_event event;

    switch (prove_below(6)) {
    case 0:
        use_configuration();
        break;
    case 1:
        (void)virtio_input_poll(&input, &event);
        break;
    case 2:
        (void)virtio_input_wait(&input, &event, prove_any());
        break;
    case 3:
        (void)virtio_input_send(&input, (uint16_t)prove_any(), (uint16_t)prove_any(),
                                (int32_t)prove_any());
        break;
    case 4:
        (void)virtio_input_halt(&input);
        break;
    default:
        (void)virtio_input_recover(&input);
    }
}

static void havoc(void)
{
    prove_buffers_any(&input.events, 0, EVENT_SIZE);
    prove_buffers_any(&input.status, 1, 0);
    input.unseen = (uint16_t)prove_any();
    input.ignored = prove_any();
    input.device.state = prove_started_state();
}

static void check(void)
{
    prove_buffers_check(&input.events, PROVE_QUEUE_SIZE, EVENT_SIZE);
    prove_buffers_check(&input.status, PROVE_QUEUE_SIZE, EVENT_SIZE);
}

int main(void)
{
    struct virtio_device found = {.type = 0};

    prove_host_begin(false);
    prove_host_vary();
    prove_find(&found, VIRTIO_ID_INPUT);
    if (virtio_input_start(&input, &found) != VIRTIO_OK)
        return 0;
    havoc();
    if (prove_maybe()) {
        (void)virtio_input_stop(&input);
        return 0;
    }
    use();
    check();
    return 0;
}
