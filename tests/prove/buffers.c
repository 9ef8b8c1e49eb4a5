/* SPDX-License-Identifier: MIT */
/*
 * Implementation of the buffer queues' part of an invariant.
 */
#include "buffers.h"
#include "queue_contract.h"

void prove_buffers_any(struct virtio_buffer_queue *buffers, uint16_t index, uint32_t room)
{
    uint8_t *first = buffers->shared.memory;

    if (buffers->depth == 0)
        return;
    buffers->in_flight = (uint16_t)prove_any();
    buffers->free = prove_below(1u << buffers->depth);
    prove_in_flight(index, first + (size_t)prove_below(buffers->depth) * buffers->size, room);
}

void prove_buffers_check(const struct virtio_buffer_queue *buffers, uint16_t depth, uint32_t size)
{
    if (buffers->depth == 0)
        return;
    /*@ assert all_of_them: buffers->depth == depth && buffers->size == size; */
    /*@ assert no_others: buffers->free < 1u << depth; */
    /*@ assert in_one_piece:
          \valid((char *)buffers->shared.memory + (0 .. depth * size - 1)) &&
          \offset((char *)buffers->shared.memory) == 0; */
    (void)depth;
    (void)size;
}
