/* SPDX-License-Identifier: MIT */
/*
 * The time stamp counter, and the four ways to learn its rate, the best first: measured against the
 * interval timer (PIT), told by CPUID, measured against the real-time clock, assumed. Machines without
 * a PIT or an RTC exist (QEMU's microvm can do without either): every wait is bounded by a number of port
 * reads, and a measurement that cannot be right is dropped.
 */
#include "../clock.h"

#include "../crash.h"
#include "../ports.h"

#include <cpuid.h>
#include <stdbool.h>

#define PIT_FREQUENCY      1193182u
#define PIT_TICKS          11932u /* 10 ms */
#define PIT_CHANNEL0       0x40
#define PIT_COMMAND        0x43
#define PIT_CHANNEL0_MODE2 0x34 /* low byte, high byte, counts down from 65536 again and again */
#define PIT_CHANNEL0_LATCH 0x00
#define PIT_SAME_READS_MAX 10000u /* as many reads with the same result: nobody is there */

#define RTC_INDEX    0x70
#define RTC_DATA     0x71
#define RTC_SECONDS  0x00
#define RTC_ABSENT   0xff
#define NMI_DISABLED 0x80

#define CPUID_TIME_STAMP_COUNTER 0x10u /* leaf 1, edx */

#define MEASUREMENTS      3
#define RTC_READS_MAX     20000000u
#define MICROSECONDS      1000000u
#define FREQUENCY_MIN     1000000u /* below 1 MHz the measurement was nonsense */
#define FREQUENCY_ASSUMED 1000000000u

static uint64_t start;
static uint64_t frequency;
static uint64_t scale; /* microseconds per tick, 32 bits after the point */
static const char *source;

static uint64_t read_counter(void)
{
    uint32_t low;
    uint32_t high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static uint16_t pit_read(void)
{
    uint8_t low;

    port_write8(PIT_COMMAND, PIT_CHANNEL0_LATCH);
    low = port_read8(PIT_CHANNEL0);
    return (uint16_t)(low | port_read8(PIT_CHANNEL0) << 8);
}

/*
 * Ticks of the counter in ten milliseconds of the PIT, or more when the host interrupts; 0 when there is no PIT.
 * Channel 0, because the gate and the output of channel 2 are behind a port that microvm does not have; its
 * interrupt goes nowhere as long as interrupts are off.
 */
static uint64_t pit_measure_once(void)
{
    uint64_t before;
    uint16_t first;
    uint16_t last;
    unsigned same = 0;

    port_write8(PIT_COMMAND, PIT_CHANNEL0_MODE2);
    port_write8(PIT_CHANNEL0, 0);
    port_write8(PIT_CHANNEL0, 0);
    before = read_counter(); /* first, for the host may take its time between the two */
    last = first = pit_read();
    while ((uint16_t)(first - last) < PIT_TICKS) {
        uint16_t now = pit_read();

        same = now == last ? same + 1 : 0;
        if (same == PIT_SAME_READS_MAX) {
            return 0;
        }
        last = now;
    }
    return (read_counter() - before) * PIT_TICKS / (uint16_t)(first - last);
}

/* The shortest of a few: the counter is read before and after the PIT, so being interrupted by the host makes a
 * measurement longer, never shorter. */
static uint64_t pit_frequency(void)
{
    uint64_t ticks = UINT64_MAX;

    for (int i = 0; i < MEASUREMENTS; i++) {
        uint64_t measured = pit_measure_once();

        if (measured == 0) {
            return 0;
        }
        if (measured < ticks) {
            ticks = measured;
        }
    }
    return ticks * PIT_FREQUENCY / PIT_TICKS;
}

static uint64_t cpuid_frequency(void)
{
    unsigned eax;
    unsigned ebx;
    unsigned ecx;
    unsigned edx;
    unsigned leaves = (unsigned)__get_cpuid_max(0, NULL);

    if (leaves >= 0x15) {
        __cpuid(0x15, eax, ebx, ecx, edx); /* crystal frequency and its ratio to the counter */
        if (eax != 0 && ebx != 0 && ecx != 0) {
            return (uint64_t)ecx * ebx / eax;
        }
    }
    __cpuid(1, eax, ebx, ecx, edx);
    if ((ecx & 0x80000000u) != 0) {
        __cpuid(0x40000000u, eax, ebx, ecx, edx);
        if (eax >= 0x40000010u) {
            __cpuid(0x40000010u, eax, ebx, ecx, edx); /* a hypervisor tells: kHz */
            if (eax != 0) {
                return (uint64_t)eax * 1000;
            }
        }
    }
    if (leaves >= 0x16) {
        __cpuid(0x16, eax, ebx, ecx, edx); /* base frequency in MHz: a good guess */
        return (uint64_t)(eax & 0xffffu) * MICROSECONDS;
    }
    return 0;
}

static uint8_t rtc_seconds(void)
{
    port_write8(RTC_INDEX, NMI_DISABLED | RTC_SECONDS);
    return port_read8(RTC_DATA);
}

/* Waits for the next second; false when none comes. */
static bool rtc_wait(void)
{
    uint8_t now = rtc_seconds();

    if (now == RTC_ABSENT) {
        return false;
    }
    for (unsigned reads = 0; reads < RTC_READS_MAX; reads++) {
        if (rtc_seconds() != now) {
            return true;
        }
    }
    return false;
}

static uint64_t rtc_frequency(void)
{
    uint64_t before;

    if (!rtc_wait()) {
        return 0;
    }
    before = read_counter();
    return rtc_wait() ? read_counter() - before : 0;
}

static bool accept(uint64_t measured, const char *name)
{
    if (measured < FREQUENCY_MIN) {
        return false;
    }
    frequency = measured;
    source = name;
    return true;
}

void clock_init(void)
{
    unsigned eax;
    unsigned ebx;
    unsigned ecx;
    unsigned edx;

    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (edx & CPUID_TIME_STAMP_COUNTER) == 0) {
        crash("this processor has no time stamp counter");
    }
    if (!accept(pit_frequency(), "interval timer") && !accept(cpuid_frequency(), "CPUID") &&
        !accept(rtc_frequency(), "real-time clock")) {
        accept(FREQUENCY_ASSUMED, "nothing: assumed");
    }
    scale = ((uint64_t)MICROSECONDS << 32) / frequency;
    start = read_counter();
}

uint64_t clock_microseconds(void)
{
    uint64_t ticks = read_counter() - start;

    /* (ticks * scale) >> 32 without a 128-bit product */
    return (ticks >> 32) * scale + ((ticks & 0xffffffffu) * scale >> 32);
}

const char *clock_source(void)
{
    return source;
}

uint64_t clock_frequency(void)
{
    return frequency;
}
