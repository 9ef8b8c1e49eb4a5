/* SPDX-License-Identifier: MIT */
/*
 * The host that the proofs run on: every hook gives any answer that its contract allows, and checks what
 * it is given.
 */
#ifndef PROVE_HOST_H
#define PROVE_HOST_H

#include <__fc_builtin.h>
#include <virtio/virtio.h>

extern const struct virtio_host prove_host;

/** Any 32-bit value. */
uint32_t prove_any(void);

/** Any 64-bit value. */
uint64_t prove_any64(void);

/** Any number below `bound`. */
uint32_t prove_below(uint32_t bound);

#endif
