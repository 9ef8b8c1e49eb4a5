/* SPDX-License-Identifier: MIT */
/*
 * The host that the proofs run on: every hook gives any answer that its contract allows, and checks what
 * it is given. Which of the optional hooks there are is open as well.
 */
#ifndef PROVE_HOST_H
#define PROVE_HOST_H

#include <__fc_builtin.h>
#include <virtio/virtio.h>

extern struct virtio_host prove_host;

/** Make prove_host, with a clock. @param native  without register hooks: registers are a block of memory of
 * PROVE_BLOCK bytes, or can't be mapped. */
void prove_host_begin(bool native);

/** Leave open which of the optional hooks there are; but for the clock, which a caller takes away. */
void prove_host_vary(void);

/** The one block of registers that the host maps. */
#define PROVE_BLOCK 0x200u

/** Any 32-bit value. */
uint32_t prove_any(void);

/** Any 64-bit value. */
uint64_t prove_any64(void);

/** Any number below `bound`. */
uint32_t prove_below(uint32_t bound);

/** Yes or no. */
bool prove_maybe(void);

#endif
