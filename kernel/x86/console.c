/* SPDX-License-Identifier: MIT */
/*
 * COM1, the C library's streams on top of it, and where these go instead once the output was moved. Lines end in a line feed alone: what reads them is a
 * program.
 */
#include "../console.h"

#include "../ports.h"

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

static char
    kept[CONSOLE_KEPT]; /* what was printed before a move, then the line that is being printed */
static size_t kept_size;
static bool (*moved_put)(const char *text, size_t size);
static void (*emergency_put)(char character);
static bool crashed;

static void serial_put(char character)
{
    for (unsigned tries = 0; tries < TRANSMITTER_TRIES; tries++) {
        if ((port_read8(LINE_STATUS) & TRANSMITTER_EMPTY) != 0) {
            break;
        }
    }
    port_write8(DATA, (uint8_t)character);
}

void console_flush(void)
{
    bool (*put)(const char *text, size_t size) = moved_put;

    if (put == NULL || kept_size == 0) {
        return;
    }
    moved_put = NULL; /* what `put` itself prints goes to the serial port */
    if (put(kept, kept_size)) {
        moved_put = put;
    } else {
        for (size_t i = 0; i < kept_size; i++) {
            serial_put(kept[i]);
        }
    }
    kept_size = 0;
}

static int console_put(char character, FILE *stream)
{
    (void)stream;
    if (moved_put == NULL || crashed) {
        serial_put(character);
    }
    if (crashed) {
        if (emergency_put != NULL) {
            emergency_put(character);
        }
    } else if (kept_size < sizeof(kept)) {
        kept[kept_size++] = character;
        if (moved_put != NULL && (character == '\n' || kept_size == sizeof(kept))) {
            console_flush();
        }
    }
    return (unsigned char)character;
}

void console_move(bool (*put)(const char *text, size_t size), void (*emergency)(char character))
{
    moved_put = put;
    emergency_put = emergency;
    console_flush();
}

void console_crash(void)
{
    bool (*put)(const char *text, size_t size) = moved_put;

    crashed = true;
    moved_put = NULL;
    for (size_t i = 0; put != NULL && i < kept_size; i++) {
        console_put(kept[i], NULL);
    }
    kept_size = 0;
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
