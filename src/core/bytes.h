/* SPDX-License-Identifier: MIT */
/*
 * The four functions that a freestanding C compiler may call anyway, declared without a libc's header.
 * The kernel (or its libc) defines them.
 */
#ifndef VIRTIO_CORE_BYTES_H
#define VIRTIO_CORE_BYTES_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *one, const void *other, size_t size);

#endif
