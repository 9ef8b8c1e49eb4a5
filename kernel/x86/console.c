/* SPDX-License-Identifier: MIT */
/*
 * COM1, and the C library's streams on top of it. Lines end in a line feed alone: what reads them is a
 * program.
 */
#include "../console.h"

#include "ports.h"

#include <stdio.h>

#define COM1                 0x3f8
#define DATA                 (COM1 + 0)
#define INTERRUPT_ENABLE     (COM1 + 1)
#define FIFO_CONTROL         (COM1 + 2)
#define LINE_CONTROL         (COM1 + 3)
#define MODEM_CONTROL        (COM1 + 4)
#define LINE_STATUS          (COM1 + 5)
#define TRANSMITTER_EMPTY    0x20
#define DIVISOR_LATCH        0x80
#define EIGHT_BITS_NO_PARITY 0x03

/* At 115200 baud a character takes 87 us; a port read takes some 0.1 to 1 us. */
#define TRANSMITTER_TRIES 100000u

static int console_put(char character, FILE *stream)
{
    (void)stream;
    for (unsigned tries = 0; tries < TRANSMITTER_TRIES; tries++) {
        if ((port_read8(LINE_STATUS) & TRANSMITTER_EMPTY) != 0) {
            break;
        }
    }
    port_write8(DATA, (uint8_t)character);
    return (unsigned char)character;
}

static FILE console = FDEV_SETUP_STREAM(console_put, NULL, NULL, _FDEV_SETUP_WRITE);

FILE *const stdout = &console;
FILE *const stderr = &console;

void console_init(void)
{
    port_write8(INTERRUPT_ENABLE, 0);
    port_write8(LINE_CONTROL, DIVISOR_LATCH);
    port_write8(DATA, 1); /* 115200 baud */
    port_write8(INTERRUPT_ENABLE, 0);
    port_write8(LINE_CONTROL, EIGHT_BITS_NO_PARITY);
    port_write8(FIFO_CONTROL, 0x07);  /* enable and clear */
    port_write8(MODEM_CONTROL, 0x03); /* terminal ready, request to send */
}
