/* SPDX-License-Identifier: MIT */
/*
 * Proof of the SCSI host device driver's transport, its management and events, by induction: it is started with
 * one or two request queues, for one or two commands each; what changes afterwards is set to anything that the
 * invariant (assert_invariant, below) allows; one call is made, and the invariant is asserted. Its commands
 * are the matter of scsi_unit.c.
 */
#include "../../../src/drivers/scsi.c"
#include "../queue_contract.h"

#define CONTROL_BYTES 128u /* of a control request's place */

static struct virtio_scsi scsi;
static uint8_t buffer[4];
static uint8_t sense_data[VIRTIO_SCSI_SENSE_SIZE];

/* ---- The state ---- */

static struct virtio_scsi_slot *any_slot(const struct virtio_scsi_queue *queue)
{
    return &queue->slots[prove_below(scsi.depth)];
}

static struct virtio_scsi_slot *maybe_slot(const struct virtio_scsi_queue *queue)
{
    return prove_maybe() ? any_slot(queue) : NULL;
}

static struct part any_part(void)
{
    return (struct part){
        .mapping = {.memory = buffer, .size = prove_any64(), .device_address = prove_any64()},
        .address = prove_any64(),
        .bytes = prove_any()};
}

static void havoc_slot(const struct virtio_scsi_queue *queue, struct virtio_scsi_slot *slot)
{
    slot->next = maybe_slot(queue);
    slot->cookie = buffer;
    slot->out = any_part();
    slot->in = any_part();
    slot->error = -(int)prove_below(100);
    slot->flags = (uint8_t)prove_any();
    slot->is_waited = prove_maybe();
    Frama_C_make_unknown((char *)&slot->result, sizeof(slot->result));
}

static void havoc_queue(uint16_t index)
{
    struct virtio_scsi_queue *queue = &scsi.queues[index];

    for (uint16_t at = 0; at < scsi.depth; at++)
        havoc_slot(queue, &queue->slots[at]);
    queue->free_slots = maybe_slot(queue);
    queue->ready_slots = maybe_slot(queue);
    queue->ready_tail = prove_maybe() ? &queue->ready_slots : &any_slot(queue)->next;
    queue->next_tag = prove_any64();
    queue->in_flight = (uint16_t)prove_any();
    prove_in_flight((uint16_t)(VIRTIO_SCSI_REQUEST_QUEUE + index), any_slot(queue), prove_any());
}

static void havoc(void)
{
    for (uint16_t index = 0; index < scsi.queue_count; index++)
        havoc_queue(index);
    scsi.num_queues = prove_any();
    scsi.seg_max = prove_any();
    scsi.max_sectors = prove_any();
    scsi.cmd_per_lun = prove_any();
    scsi.event_info_size = prove_any();
    scsi.max_lun = prove_any();
    scsi.ignored = prove_any();
    scsi.controls_free = prove_any();
    scsi.events.free = prove_any64();
    scsi.events.in_flight = (uint16_t)prove_any();
    scsi.device.state = prove_started_state();
    prove_in_flight(VIRTIO_SCSI_CONTROL_QUEUE,
                    (uint8_t *)scsi.controls.memory +
                        prove_below(VIRTIO_SCSI_CONTROLS) * CONTROL_BYTES,
                    prove_any());
    prove_in_flight(VIRTIO_SCSI_EVENT_QUEUE,
                    (uint8_t *)scsi.events.shared.memory +
                        prove_below(scsi.events.depth) * scsi.events.size,
                    prove_any());
    prove_device_writes();
}

static void assert_slot(const struct virtio_scsi_queue *queue, const struct virtio_scsi_slot *slot)
{
    if (slot == NULL)
        return;
    /*@ assert within: queue->slots <= slot <= queue->slots + (scsi.depth - 1); */
    /*@ assert a_slot: ((char *)slot - (char *)queue->slots) % sizeof(*slot) == 0; */
}

/* Lists lead to slots of their queue alone, whatever the order. */
static void assert_invariant(void)
{
    for (uint16_t index = 0; index < scsi.queue_count; index++) {
        const struct virtio_scsi_queue *queue = &scsi.queues[index];

        assert_slot(queue, queue->free_slots);
        assert_slot(queue, queue->ready_slots);
        assert_slot(queue, any_slot(queue)->next);
        if (queue->ready_tail != &queue->ready_slots)
            assert_slot(queue, (struct virtio_scsi_slot *)(void *)queue->ready_tail);
    }
}

/* ---- A call ---- */

static void send_command(void)
{
    struct virtio_scsi_command command = {.queue = (uint16_t)prove_any(),
                                          .lun = (uint16_t)prove_any(),
                                          .target = (uint8_t)prove_any(),
                                          .out = prove_maybe() ? buffer : NULL,
                                          .out_bytes = prove_any64(),
                                          .in = prove_maybe() ? buffer : NULL,
                                          .in_bytes = prove_any64()};
    struct virtio_scsi_result result;

    if (prove_maybe())
        (void)virtio_scsi_execute(&scsi, &command, prove_maybe() ? &result : NULL);
    else
        (void)virtio_scsi_submit(&scsi, &command, buffer);
}

static void read_sense(void)
{
    struct virtio_scsi_sense sense;

    Frama_C_make_unknown((char *)sense_data, sizeof(sense_data));
    (void)virtio_scsi_decode_sense(sense_data, prove_below(sizeof(sense_data) + 1), &sense);
    (void)virtio_scsi_key_name((uint8_t)prove_any());
    (void)virtio_scsi_asc_name((uint8_t)prove_any(), (uint8_t)prove_any());
    (void)virtio_scsi_status_name((uint8_t)prove_any());
    (void)virtio_scsi_response_name((uint8_t)prove_any());
}

static void manage(void)
{
    struct virtio_scsi_event event;
    uint32_t actual;

    switch (prove_below(5)) {
    case 0:
        (void)virtio_scsi_manage(&scsi, (enum virtio_scsi_tmf)prove_any(), (uint8_t)prove_any(),
                                 (uint16_t)prove_any(), prove_any64());
        break;
    case 1:
        (void)virtio_scsi_query_notifications(&scsi, (uint8_t)prove_any(), (uint16_t)prove_any(),
                                              prove_any(), &actual);
        break;
    case 2:
        (void)virtio_scsi_subscribe_notifications(&scsi, (uint8_t)prove_any(),
                                                  (uint16_t)prove_any(), prove_any(), &actual);
        break;
    case 3:
        (void)virtio_scsi_poll_event(&scsi, &event);
        break;
    default:
        (void)virtio_scsi_wait_event(&scsi, &event, prove_any());
    }
}

static void use(void)
{
    struct virtio_scsi_done done;
    uint16_t queue = (uint16_t)prove_any();

    switch (prove_below(9)) {
    case 0:
        send_command();
        break;
    case 1:
        manage();
        break;
    case 2:
        (void)virtio_scsi_kick(&scsi, queue);
        (void)virtio_scsi_in_flight(&scsi, queue);
        break;
    case 3:
        (void)virtio_scsi_reap(&scsi, queue, &done);
        break;
    case 4:
        (void)virtio_scsi_wait(&scsi, queue, &done, prove_any());
        break;
    case 5:
        (void)virtio_scsi_drain(&scsi, &done);
        break;
    case 6:
        (void)virtio_scsi_halt(&scsi);
        break;
    case 7:
        read_sense();
        break;
    default:
        (void)virtio_scsi_recover(&scsi);
    }
}

int main(void)
{
    struct virtio_device found = {.type = 0};
    int error = VIRTIO_E_INVALID;

    //@ dynamic_split error == 0;

    prove_host_begin(false);
    prove_host_vary();
    prove_find(&found, VIRTIO_ID_SCSI);
    error = virtio_scsi_start(&scsi, &found, NULL);
    if (error != VIRTIO_OK)
        return 0;
    havoc();
    if (prove_maybe()) {
        (void)virtio_scsi_stop(&scsi);
        return 0;
    }
    use();
    assert_invariant();
    return 0;
}
