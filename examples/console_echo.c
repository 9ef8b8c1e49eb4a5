/* SPDX-License-Identifier: MIT */
/*
 * Talk to whoever is behind the first console, and to a program behind a serial port called "org.example.log".
 * Compiled with the tests; copy it into a kernel that has a struct virtio_host and has found a device.
 */
#include <virtio/virtio.h>

int console_echo(const struct virtio_device *found);

static struct virtio_console console;

/* Send back what comes, until somebody types Ctrl-D. Waits no longer than device.timeout_us for each. */
static int echo(uint32_t port)
{
    char text[64];
    size_t got;
    int error;

    do {
        error = virtio_console_read(&console, port, text, sizeof(text), &got);
        if (error == VIRTIO_OK)
            error = virtio_console_write(&console, port, text, got, NULL);
    } while (error == VIRTIO_OK && text[got - 1] != '\x04');
    return error;
}

int console_echo(const struct virtio_device *found)
{
    static const char line[] = "the kernel is up\n";
    uint32_t port;
    int error = virtio_console_start(&console, found);

    if (error != VIRTIO_OK)
        return error;
    if (virtio_console_find(&console, "org.example.log", &port) == VIRTIO_OK &&
        virtio_console_open(&console, port) == VIRTIO_OK)
        (void)virtio_console_write(&console, port, line, sizeof(line) - 1, NULL);
    error = virtio_console_find(&console, NULL, &port);
    if (error == VIRTIO_OK)
        error = echo(port);
    (void)virtio_console_stop(&console);
    return error;
}
