/* SPDX-License-Identifier: MIT */
/*
 * What the compiler puts before each load and store of the library (-fsanitize-coverage=trace-loads,
 * trace-stores): here the hostile device gets its chance before every single look at shared memory, and
 * registers that are mapped rather than hooked are made. Not instrumented itself.
 */
#include "hostile.h"

static inline void load(void *address, unsigned width)
{
    if (hostile_is_shared(address))
        hostile_look(&hostile_only, address, width);
    else if (hostile_only.mapped_registers != 0)
        hostile_native_load(&hostile_only, address, width);
}

static inline void store(void *address, unsigned width)
{
    if (hostile_only.mapped_registers != 0)
        hostile_native_store(&hostile_only, address, width);
}

void __sanitizer_cov_load1(uint8_t *address);
void __sanitizer_cov_load2(uint16_t *address);
void __sanitizer_cov_load4(uint32_t *address);
void __sanitizer_cov_load8(uint64_t *address);
void __sanitizer_cov_load16(void *address);
void __sanitizer_cov_store1(uint8_t *address);
void __sanitizer_cov_store2(uint16_t *address);
void __sanitizer_cov_store4(uint32_t *address);
void __sanitizer_cov_store8(uint64_t *address);
void __sanitizer_cov_store16(void *address);

void __sanitizer_cov_load1(uint8_t *address)
{
    load(address, 1);
}

void __sanitizer_cov_load2(uint16_t *address)
{
    load(address, 2);
}

void __sanitizer_cov_load4(uint32_t *address)
{
    load(address, 4);
}

void __sanitizer_cov_load8(uint64_t *address)
{
    load(address, 8);
}

void __sanitizer_cov_load16(void *address)
{
    load(address, 8);
}

void __sanitizer_cov_store1(uint8_t *address)
{
    store(address, 1);
}

void __sanitizer_cov_store2(uint16_t *address)
{
    store(address, 2);
}

void __sanitizer_cov_store4(uint32_t *address)
{
    store(address, 4);
}

void __sanitizer_cov_store8(uint64_t *address)
{
    store(address, 8);
}

void __sanitizer_cov_store16(void *address)
{
    (void)address;
}
