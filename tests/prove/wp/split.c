/* SPDX-License-Identifier: MIT */
/*
 * The split ring, of any size: whatever the device writes, each access is within the queue's memory, and each link,
 * head and chain stays within the ring.
 */
#include "predicates.h"
#include "../../../src/queue/split.c"
#include "judge.h"

/* Helpers without a loop, so that what calls them knows what they leave alone. */

/*@ assigns \nothing; */
static inline void virtio_order_after_load(const struct virtio_queue *queue);
/*@ assigns \nothing; */
static inline void virtio_order_before_store(const struct virtio_queue *queue);
/*@ assigns \nothing;
    ensures \result == value; */
static inline uint16_t virtio_order16(bool legacy, uint16_t value);
/*@ assigns \nothing;
    ensures \result == value; */
static inline uint32_t virtio_order32(bool legacy, uint32_t value);
/*@ assigns \nothing;
    ensures \result == value; */
static inline uint64_t virtio_order64(bool legacy, uint64_t value);
/*@ requires \valid_read(queue) && \valid_read(queue->device);
    assigns \nothing;
    ensures \result == value; */
static inline uint16_t order16(const struct virtio_queue *queue, uint16_t value);
/*@ requires \valid_read(queue) && \valid_read(queue->device);
    assigns \nothing;
    ensures \result == value; */
static inline uint32_t order32(const struct virtio_queue *queue, uint32_t value);
/*@ assigns \nothing;
    ensures \result == value; */
static inline uint16_t virtio_inline_order16(const struct virtio_queue *queue, uint16_t value);
/*@ assigns \nothing;
    ensures \result == value; */
static inline uint32_t virtio_inline_order32(const struct virtio_queue *queue, uint32_t value);
/*@ assigns \nothing; */
static inline void virtio_compiler_barrier(void);
/*@ requires \valid(queue);
    assigns queue->room;
    ensures queue->room == 0; */
VIRTIO_INLINE void virtio_inline_close(struct virtio_queue *queue);
/*@ requires \valid(queue);
    assigns queue->room;
    ensures queue->room == room; */
VIRTIO_INLINE void virtio_inline_open(struct virtio_queue *queue, uint32_t room);

/* Submitting. */

/*@ requires \valid_read(buffers + (0 .. readable + writable - 1)) && readable + writable <= 65535;
    assigns \nothing; */
VIRTIO_INLINE uint32_t virtio_inline_limit(const struct virtio_buffer *buffers, uint32_t readable,
                                           uint32_t writable);

/*@ requires split(queue) && head <= queue->mask;
    assigns queue->available_index, queue->available->ring[queue->available_index & queue->mask];
    ensures split: split(queue);
    ensures next: queue->available_index == (uint32_t)(\old(queue->available_index) + 1); */
VIRTIO_INLINE void virtio_inline_enqueue(struct virtio_queue *queue, uint32_t head);

/*@ requires split(queue) && head <= queue->mask;
    assigns queue->available_index, queue->available->ring[queue->available_index & queue->mask];
    ensures split: split(queue);
    ensures next: queue->available_index == (uint32_t)(\old(queue->available_index) + 1); */
void virtio_split_enqueue(struct virtio_queue *queue, uint32_t head);

/*@ requires split(queue) && links(queue) && chains(queue);
    requires 1 <= readable + writable <= queue->mask + 1;
    requires \valid_read(buffers + (0 .. readable + writable - 1));
    assigns queue->free_head, queue->available_index, queue->in_flight[0 .. queue->mask],
            queue->cookies[0 .. queue->mask], queue->descriptors[0 .. queue->mask],
            queue->available->ring[0 .. queue->mask];
    ensures split: split(queue);
    ensures links: links(queue);
    ensures chains: chains(queue); */
VIRTIO_INLINE void virtio_inline_split(struct virtio_queue *queue,
                                       const struct virtio_buffer *buffers, uint32_t readable,
                                       uint32_t writable, void *cookie);

/*@ requires split(queue) && links(queue) && head <= queue->mask;
    requires \valid_read(request) && 1 <= request->count <= queue->mask + 1;
    requires \valid_read(request->buffers + (0 .. request->count - 1));
    requires \separated(request + (..), queue->descriptors + (..));
    assigns queue->descriptors[0 .. queue->mask];
    ensures split: split(queue);
    ensures links: links(queue);
    ensures last: \result <= queue->mask; */
uint32_t virtio_split_write(struct virtio_queue *queue, uint32_t head,
                            const struct virtio_request *request);

/* Reaping. */

/*@ requires split(queue) && links(queue) && chains(queue) && id <= queue->mask;
    assigns queue->free_head, queue->next[0 .. queue->mask], queue->in_flight[id];
    ensures split: split(queue);
    ensures links: links(queue);
    ensures chains: chains(queue); */
VIRTIO_INLINE uint32_t virtio_inline_release(struct virtio_queue *queue, uint32_t id,
                                             uint32_t room);

/*@ requires split(queue) && links(queue) && chains(queue) && id <= queue->mask;
    requires \valid(done) && \separated(done + (..), queue + (..)) &&
             \separated(done + (..), queue->in_flight + (..));
    assigns queue->free_head, queue->next[0 .. queue->mask], queue->in_flight[id], queue->room,
            queue->used_index, *done;
    ensures split: split(queue);
    ensures links: links(queue);
    ensures chains: chains(queue);
    ensures one: \result == 1; */
VIRTIO_INLINE int virtio_inline_take_split(struct virtio_queue *queue, struct virtio_done *done,
                                           uint32_t id, uint32_t length);

/*@ requires split(queue) && links(queue) && chains(queue);
    requires \valid(done) && \separated(done + (..), queue + (..)) &&
             \separated(done + (..), queue->in_flight + (..));
    assigns queue->free_head, queue->next[0 .. queue->mask], queue->in_flight[0 .. queue->mask],
            queue->room, queue->used_index, queue->used_seen, *done;
    ensures split: split(queue);
    ensures links: links(queue);
    ensures chains: chains(queue);
    ensures taken: -1 <= \result <= 1; */
VIRTIO_INLINE int virtio_inline_reap_split(struct virtio_queue *queue, struct virtio_done *done);

/*@ requires split(queue);
    assigns queue->used_seen;
    ensures seen: queue->used_seen - used_index == \result ||
                  queue->used_seen + 0x100000000 - used_index == \result || \result == 0;
    ensures few: \result <= (uint32_t)(queue->published_index - used_index) && \result <= 65535; */
static inline uint32_t see_used(struct virtio_queue *queue, uint32_t used_index);

/*@ requires split(queue);
    assigns queue->used_seen, queue->error, queue->room;
    ensures closed: \result == 0 || (\result < 0 && queue->room == 0); */
static int nothing_used(struct virtio_queue *queue);

/*@ requires split(queue);
    requires \valid(id) && \valid(length) && \separated(id + (..), queue + (..), length + (..)) &&
             \separated(length + (..), queue + (..)) &&
             \separated(id + (..), queue->in_flight + (..)) &&
             \separated(length + (..), queue->in_flight + (..));
    assigns queue->used_seen, queue->error, queue->room, *id, *length;
    ensures within: \result <= 0 || *id <= queue->mask; */
int virtio_split_look(struct virtio_queue *queue, uint32_t *id, uint32_t *length);

/*@ requires split(queue) && links(queue) && chains(queue);
    requires \valid(done) && \separated(done + (..), queue + (..)) &&
             \separated(done + (..), queue->in_flight + (..));
    assigns queue->free_head, queue->next[0 .. queue->mask], queue->in_flight[0 .. queue->mask],
            queue->room, queue->used_index, queue->used_seen, queue->error, *done;
    ensures split: split(queue);
    ensures links: links(queue);
    ensures chains: chains(queue);
    ensures taken: \result <= 1; */
static int reap_odd(struct virtio_queue *queue, struct virtio_done *done);

/*@ requires split(queue) && links(queue) && chains(queue);
    requires \valid(done) && \separated(done + (..), queue + (..)) &&
             \separated(done + (..), queue->in_flight + (..));
    assigns queue->free_head, queue->next[0 .. queue->mask], queue->in_flight[0 .. queue->mask],
            queue->room, queue->used_index, queue->used_seen, queue->error, *done;
    ensures split: split(queue);
    ensures links: links(queue);
    ensures chains: chains(queue);
    ensures taken: \result <= 1; */
int virtio_split_reap(struct virtio_queue *queue, struct virtio_done *done);
