/* SPDX-License-Identifier: MIT */
/*
 * The kernel on a virtio console. Every line is waited for until the device has it, so that nothing is lost
 * when the machine is switched off; a device that fails gets no second line.
 */
#include "terminal.h"

#include "console.h"

#include <stdio.h>
#include <virtio/console.h>
#include <virtio/error.h>

enum {
    CTRL_D = 4,
};

static struct virtio_console console;
static const struct virtio_device *in_use;
static uint32_t port;

static bool put(const char *text, size_t size)
{
    return virtio_console_write(&console, port, text, size, NULL) == VIRTIO_OK &&
           virtio_console_flush(&console, port) == VIRTIO_OK;
}

static void put_emergency(char character)
{
    (void)virtio_console_emergency_write(&console, character);
}

bool terminal_begin(const struct virtio_device *devices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (devices[i].type != VIRTIO_ID_CONSOLE) {
            continue;
        }
        if (virtio_console_start(&console, &devices[i]) != VIRTIO_OK) {
            return false;
        }
        if (virtio_console_find(&console, NULL, &port) != VIRTIO_OK) {
            (void)virtio_console_stop(&console);
            return false;
        }
        in_use = &devices[i];
        console_move(put, put_emergency);
        return true;
    }
    return false;
}

const struct virtio_device *terminal_device(void)
{
    return in_use;
}

/* Sends back one lot. False when it was the last one. */
static bool echo(const char *text, size_t size, unsigned *count)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == CTRL_D) {
            return false;
        }
        putchar(text[i] == '\r' ? '\n' : text[i]);
        *count += 1;
    }
    console_flush();
    return true;
}

void terminal_echo(bool host_helps)
{
    unsigned count = 0;
    char text[64];
    size_t got;
    int error;

    if (in_use == NULL) {
        return;
    }
    printf("what is typed comes back; Ctrl-D ends it\n");
    if (host_helps) {
        printf("# host: console type\n");
    }
    do {
        error = virtio_console_read(&console, port, text, sizeof(text), &got);
        if (error == VIRTIO_E_TIMEOUT) {
            error = VIRTIO_OK; /* people take their time */
            got = 0;
        }
    } while (error == VIRTIO_OK && echo(text, got, &count));
    printf("\n");
    if (error != VIRTIO_OK) {
        printf("the console failed: %s\n", virtio_strerror(error));
    }
    if (host_helps) {
        printf("# host: console echoed bytes=%u\n", count);
    }
}
