/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory, which QEMU and this process share, and what the library is given of it.
 *
 * Under the address sanitizer everything in it that was not allocated is poisoned, to the byte. What was freed, and the
 * distances between allocations, hold a pattern that a device must not change; it is looked for when the memory is
 * used again, and by shared_check().
 */
#ifndef TESTS_QTEST_SHARED_H
#define TESTS_QTEST_SHARED_H

#include <stddef.h>
#include <stdint.h>

/* Maps the file that QEMU has for the guest's memory. */
void shared_open(const char *path);

/* Waits until firmware has handed the machine over to the parked guest. Returns the address of the ACPI root pointer,
 * 0 if there is none. */
uint64_t shared_await_guest(void);

/* How much memory the guest has. */
size_t shared_size(void);

/* What the guest has at a physical address, or NULL where that is no memory. */
void *shared_at(uint64_t physical, size_t length);

/* Memory for a device, aligned to `alignment` and, where possible, to no more. NULL: there is none. */
void *shared_allocate(size_t size, size_t alignment, uint64_t address_limit,
                      uint64_t *device_address);

/* Gives back what one shared_allocate() returned, with the same size. Anything else is a crash. */
void shared_free(void *memory, size_t size, uint64_t device_address);

/* Bytes handed out now. */
uint64_t shared_used(void);

/* Counts the pieces of freed memory that somebody wrote to. */
size_t shared_check(void);

#endif
