/* SPDX-License-Identifier: MIT */
/*
 * What the compiler brings and Frama-C does not; read before each source file that is analysed.
 *
 * A load that the library makes atomic is one of memory that a device may write at any time. It is a volatile
 * load here, and those give any value of their type each time: that is the whole device.
 */
#ifndef PROVE_EVA_H
#define PROVE_EVA_H

/* The contracts of memset and its kind: without them nobody checks their bounds. */
#include <string.h>

#define __atomic_load_n(pointer, order)         (*(const volatile __typeof__(*(pointer)) *)(pointer))
#define __atomic_store_n(pointer, value, order) (*(pointer) = (value))
#define __atomic_signal_fence(order)            ((void)0)
#define __atomic_thread_fence(order)            ((void)0)
#define __builtin_ia32_pause()                  ((void)0)

/* Of unsigned numbers of one type, as the library uses it. */
#define __builtin_add_overflow(number, added, sum) (*(sum) = (number) + (added), *(sum) < (number))
#define __builtin_mul_overflow(number, times, product)                                             \
    (*(product) = (number) * (times), (times) != 0 && *(product) / (times) != (number))

/* An empty instruction that the compiler shall not look through (VIRTIO_OPAQUE). Barriers, which have a
 * qualifier before the parenthesis, are left as they are. */
#define __asm__(...) ((void)0)

#endif
