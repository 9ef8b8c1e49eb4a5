/* SPDX-License-Identifier: MIT */
/*
 * Watching memory: every access that the CPU makes to a ring, as it happens, in its order. The memory has two
 * mappings: the CPU's, which is protected, so that an access faults, is looked at and then carried out as a single
 * instruction; and the device's, which is not. From a store that publishes until the next load, instructions
 * are stepped through one by one, and fences are seen among them.
 *
 * What is seen becomes an event of the host (FAKE_RING_READ, FAKE_RING_WRITE, FAKE_FENCE) and is told to the
 * queue that the memory belongs to. x86 only, as the library's own fences are looked for by their code.
 */
#ifndef FAKE_WATCH_H
#define FAKE_WATCH_H

#include "fake_host.h"

/** Who wants to know about accesses to a range of memory. */
struct fake_watcher {
    /** Before it is carried out. */
    void (*before)(void *context, uint64_t device_address, bool is_write);
    /** After it was; the memory is as it is then. @return whether to look for a fence from here on. */
    bool (*after)(void *context, uint64_t device_address, bool is_write);
    /** A fence was executed. */
    void (*fence)(void *context);
};

/** Can this CPU watch? Where it can't, nothing is seen, and the bench leaves out the tests that want it. */
bool fake_watch_is_possible(void);

/** Memory of `size` bytes with two mappings, zeroed; the device's is put into *device. */
uint8_t *fake_watch_allocate(size_t size, uint8_t **device);
void fake_watch_free(uint8_t *cpu, uint8_t *device, size_t size);

/** Watch `size` bytes of such memory from its beginning on: accesses by the CPU are told to `watcher`. */
void fake_watch_begin(struct fake_host *fake, uint8_t *cpu, size_t size, uint64_t device_address,
                      const struct fake_watcher *watcher, void *context);
/** No longer. Nothing happens when it is not watched. */
void fake_watch_end(const uint8_t *cpu);

#endif
