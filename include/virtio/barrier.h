/* SPDX-License-Identifier: MIT */
/*
 * The three orderings that a ring needs (docs/memory-ordering.md argues each). A device in software is another
 * CPU: C11's orderings do. With VIRTIO_F_ORDER_PLATFORM it may be a real one, which is outside of the
 * CPUs' own shareability domain: then the architecture's barriers for devices are added (spec 6.1). On
 * x86 both are the same, and only the full fence is an instruction. Drivers have no use for this header.
 */
#ifndef VIRTIO_BARRIER_H
#define VIRTIO_BARRIER_H

#include <virtio/queue.h>

/** Before a store that shows the device what was written before: makes it a release. */
static inline void virtio_order_before_store(const struct virtio_queue *queue)
{
#if defined(__aarch64__)
    if (queue->order_platform)
        __asm__ volatile("dmb osh" ::: "memory");
#elif defined(__riscv)
    if (queue->order_platform)
        __asm__ volatile("fence iorw, iorw" ::: "memory");
#else
    (void)queue;
#endif
}

/** After a load that showed what the device had written: makes it an acquire. */
static inline void virtio_order_after_load(const struct virtio_queue *queue)
{
#if defined(__aarch64__)
    if (queue->order_platform)
        __asm__ volatile("dmb oshld" ::: "memory");
#elif defined(__riscv)
    if (queue->order_platform)
        __asm__ volatile("fence iorw, iorw" ::: "memory");
#else
    (void)queue;
#endif
}

/** Between a store and a load, where each side must see what the other stored before it looks. */
static inline void virtio_order_store_load(const struct virtio_queue *queue)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    virtio_order_before_store(queue);
}

#endif
