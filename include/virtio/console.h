/* SPDX-License-Identifier: MIT */
/*
 * The console device driver (spec 5.3): consoles and serial ports between guest and host.
 *
 *     static struct virtio_console console;
 *
 *     error = virtio_console_start(&console, &found);
 *     error = virtio_console_find(&console, NULL, &port);          the first console; or a port by its name
 *     error = virtio_console_write(&console, port, "hello\n", 6, &written);   waits, with a bound
 *     error = virtio_console_read(&console, port, line, sizeof(line), &got);  at least one byte
 *     error = virtio_console_stop(&console);
 *
 * Without waiting, from a kernel's own loop:
 *
 *     while (virtio_console_poll(&console, &event) > 0)            ports come, go, open, close, are resized
 *         notice(event.port, event.changes);
 *     count = virtio_console_send(&console, port, bytes, size);    how many fitted: 0 when the host is slow
 *     count = virtio_console_receive(&console, port, bytes, size); how many there were: often 0
 *
 * Ports. A device has one port, number 0, which is a console, or with VIRTIO_CONSOLE_F_MULTIPORT up to
 * max_nr_ports of them, each a console or a serial port with a name. Ports appear when the device says so, at
 * the start or any time later, and go the same way; ports[n] shows what is known of each. A console is
 * opened by the driver itself as the specification wants it; a serial port by virtio_console_open, without
 * which the host sends nothing. What the driver answers to the device (PORT_READY, PORT_OPEN) goes out
 * while any call of the driver looks at the device; a kernel calls virtio_console_poll now and then.
 *
 * Flow. Bytes are copied through buffers of the library, so the device never knows a caller's memory, and a
 * call that runs out of time has harmed nothing: the bytes that it reports as written are on their way, the
 * others were not taken. A host that does not read stops virtio_console_send at
 * VIRTIO_CONSOLE_BUFFERS times VIRTIO_CONSOLE_BUFFER_SIZE bytes; a guest that does not receive stops the host
 * after as many. Nothing is lost either way, except what is written to a console that nobody at the host
 * has connected to: that is the host's to drop. (QEMU also drops what a console's back end does not take at
 * once. Use a serial port for data.)
 *
 * Memory. For each port up to max_nr_ports (at most VIRTIO_CONSOLE_PORTS_MAX) two rings of
 * VIRTIO_CONSOLE_BUFFERS entries, or as large as a legacy device dictates, and twice VIRTIO_CONSOLE_BUFFERS
 * buffers of VIRTIO_CONSOLE_BUFFER_SIZE bytes: 8 KiB and two rings. A queue can only be set up before the
 * device is live, so ports that may come later are paid for at the start. A device with fewer ports (QEMU:
 * max_ports=) costs less.
 *
 * Features: a bit that is offered is taken.
 *
 *     bit                              taken  why
 *      0  VIRTIO_CONSOLE_F_SIZE        yes    columns and rows of port 0; noticed by virtio_console_poll (fake)
 *      1  VIRTIO_CONSOLE_F_MULTIPORT   yes    several ports, names, hot plug, open and close
 *      2  VIRTIO_CONSOLE_F_EMERG_WRITE yes    virtio_console_emergency_write
 *
 * What is marked (fake) is tested on the fake device alone, and so is the RESIZE message of a port: QEMU
 * 7.2 has neither. The rest is tested on QEMU's device, too.
 *
 * When things go wrong. What the device says of a port that does not exist, or says too shortly, is
 * ignored and counted (`ignored`); it is the device's mistake and harms nobody. When the device lies about a
 * ring, asks for a reset or is gone, every call that needs it says so (VIRTIO_E_BROKEN,
 * VIRTIO_E_NEEDS_RESET, VIRTIO_E_GONE) until virtio_console_recover (or virtio_console_stop and
 * virtio_console_start). VIRTIO_E_TIMEOUT
 * is no failure of the device: nobody typed, or nobody read. Bytes that a device had not sent when it removed
 * their port can't be taken back: QEMU sends them when a port of that number comes again, or forgets them
 * and their buffer until the next start. virtio_console_flush does not wait for them.
 *
 * Seen on QEMU 7.2: a device that asks for a reset; one that is unplugged while it works (device_del, over PCI)
 * and plugged in again. Seen on the fake device alone: lies about a ring; a reset that is never done.
 *
 * A device is one context's at a time. No call may be made from a host hook.
 */
#ifndef VIRTIO_CONSOLE_H
#define VIRTIO_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virtio/buffer_queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Feature bits (spec 5.3.3); masks. */
#define VIRTIO_CONSOLE_F_SIZE        (UINT64_C(1) << 0)
#define VIRTIO_CONSOLE_F_MULTIPORT   (UINT64_C(1) << 1)
#define VIRTIO_CONSOLE_F_EMERG_WRITE (UINT64_C(1) << 2)

/** The most ports that the driver serves; the device is told that further ones failed. */
#define VIRTIO_CONSOLE_PORTS_MAX 32u

/** Buffers of a port in each direction, and bytes of each. */
#define VIRTIO_CONSOLE_BUFFERS     4u
#define VIRTIO_CONSOLE_BUFFER_SIZE 1024u

/** Bytes of a port's name with its terminating NUL; longer names are cut at a character's end. */
#define VIRTIO_CONSOLE_NAME_SIZE 64u

/** What happened to a port: bits of virtio_console_event.changes. */
enum virtio_console_change {
    VIRTIO_CONSOLE_ADDED = 1,
    VIRTIO_CONSOLE_REMOVED = 2,
    VIRTIO_CONSOLE_OPENED = 4, /* by the host */
    VIRTIO_CONSOLE_CLOSED = 8, /* by the host */
    VIRTIO_CONSOLE_NAMED = 16,
    VIRTIO_CONSOLE_NOMINATED = 32, /* the port is a console */
    VIRTIO_CONSOLE_RESIZED = 64
};

/** A port. The first group may be read, the rest is private. */
struct virtio_console_port {
    bool present;   /* the device has added it and not removed it */
    bool console;   /* it is for people, not for data */
    bool open;      /* here */
    bool host_open; /* at the host; without MULTIPORT nobody knows, and it reads true */
    uint16_t cols;  /* 0: not known */
    uint16_t rows;
    char name[VIRTIO_CONSOLE_NAME_SIZE]; /* UTF-8; empty when it has none */

    unsigned changes; /* since they were last told */
    uint8_t due;      /* messages to send */
    struct virtio_buffer_queue receive;
    struct virtio_buffer_queue transmit;
    uint64_t left_over; /* set of buffers to send that the port kept when it was removed */
    unsigned current;   /* the buffer that is being received from, if `left` is not 0 */
    uint32_t offset;    /* in it, of what was not received yet */
    uint32_t left;      /* bytes from there on */
};

/** A console device; the caller's memory, zeroed before its first use, at one place from start to stop. What
 * is marked so may be read, the rest is private. */
struct virtio_console {
    struct virtio_device device;       /* read: state, features, timeout_us; for virtio_dump */
    uint32_t max_nr_ports;             /* read: as the device says; 1 without MULTIPORT */
    uint32_t port_count;               /* read: how many of these the driver serves */
    struct virtio_console_port *ports; /* read: port_count of them; NULL when not started */
    uint32_t ignored;                  /* read: control messages that made no sense */

    struct virtio_buffer_queue control_receive;
    struct virtio_buffer_queue control_transmit;
    uint32_t ports_due; /* how many ports have messages to send */
    uint32_t refused;   /* a port to refuse; all ones for none */
    uint32_t next_port; /* which port virtio_console_poll looks at first */
};

/** News of a port. */
struct virtio_console_event {
    uint32_t port;
    unsigned
        changes; /* bits of enum virtio_console_change, all since the last event of this port */
};

/**
 * Start a console device.
 *
 * @param console  out: any content, but not a device that is in use.
 * @param found    a device of type VIRTIO_ID_CONSOLE as it was found, or &console->device of one that was
 *                 stopped; copied. `force` and `timeout_us` may be set before.
 * @return VIRTIO_OK; the errors of virtio_device_begin, virtio_queue_start and virtio_device_ready;
 *         VIRTIO_E_INVALID for a device of another type; VIRTIO_E_CONFIG (also for a device of no ports);
 *         VIRTIO_E_NO_MEMORY. On error everything was undone.
 *
 * Context: the device's, not an interrupt handler. Spec 5.3.5.
 */
int virtio_console_start(struct virtio_console *console, const struct virtio_device *found);

/**
 * Stop the device and give back everything. What was not sent or received yet is lost; virtio_console_flush
 * before it if that matters. Stopping a stopped device does nothing.
 *
 * @return VIRTIO_OK; VIRTIO_E_TIMEOUT when the device would not be reset: its memory is kept.
 *
 * Context: the device's.
 */
int virtio_console_stop(struct virtio_console *console);

/**
 * Reset the device now and nothing else: afterwards it touches no memory. All calls but
 * virtio_console_stop give VIRTIO_E_STATE from then on.
 *
 * @return VIRTIO_OK or VIRTIO_E_TIMEOUT as virtio_device_stop.
 *
 * Context: the device's.
 */
int virtio_console_halt(struct virtio_console *console);

/**
 * Bring a device back that asked for a reset, broke a ring's rules or was gone, or that was halted: reset it
 * and go on as after a start, without allocating anything. What was on its way in either direction is lost.
 * With VIRTIO_CONSOLE_F_MULTIPORT all ports are removed first, and come again when the device says so:
 * virtio_console_poll tells, and what was opened by virtio_console_open is to be opened again.
 *
 * @return VIRTIO_OK; VIRTIO_E_STATE when the device is not started; the errors of virtio_device_recover and
 *         VIRTIO_E_CONFIG: it is halted (VIRTIO_E_TIMEOUT: lost). May be called again, for a device that was
 *         gone when it is back.
 *
 * Context: the device's. Spec 2.1.2, 2.4.
 */
int virtio_console_recover(struct virtio_console *console);

/**
 * Attend to the device: take what it says about its ports, answer, and tell what changed.
 *
 * @param event  out: when 1 is returned.
 * @return 1: `event` is news; 0: there is none; VIRTIO_E_STATE when it is not started; VIRTIO_E_CONFIG; a
 *         queue's error.
 *
 * Context: the device's. Does not wait. Reads registers only if VIRTIO_CONSOLE_F_SIZE was taken.
 */
int virtio_console_poll(struct virtio_console *console, struct virtio_console_event *event);

/**
 * Wait for a port: until it is there, and open at the host unless it is a console.
 *
 * @param name  of the port; NULL for the first console.
 * @param port  out: its number.
 * @return VIRTIO_OK; VIRTIO_E_TIMEOUT after device.timeout_us; VIRTIO_E_NO_DEVICE at once when the device
 *         has no further ports to offer (no MULTIPORT); VIRTIO_E_STATE; VIRTIO_E_NEEDS_RESET;
 *         VIRTIO_E_GONE; a queue's error.
 *
 * Context: the device's; may be long.
 */
int virtio_console_find(struct virtio_console *console, const char *name, uint32_t *port);

/**
 * Open a port, or close it: tell the host whether somebody is there. While it is closed, send and
 * receive are refused, and a host sends nothing.
 *
 * @return VIRTIO_OK; VIRTIO_E_INVALID (no such number), VIRTIO_E_NO_DEVICE (the port is not there),
 *         VIRTIO_E_NOT_SUPPORTED (closing without MULTIPORT), VIRTIO_E_STATE, a queue's error.
 *
 * Context: the device's. Does not wait. Spec 5.3.6.2.
 */
int virtio_console_open(struct virtio_console *console, uint32_t port);
int virtio_console_close(struct virtio_console *console, uint32_t port);

/**
 * Send what fits now.
 *
 * @param bytes  copied.
 * @param size   at least 1.
 * @return how many bytes were taken, 0 when all buffers are the device's; VIRTIO_E_INVALID;
 *         VIRTIO_E_ZERO_LENGTH; VIRTIO_E_NO_DEVICE (the port is not there, or not any more);
 *         VIRTIO_E_STATE (not started, not open, or a serial port that the host has not open: it would drop
 *         the bytes); a queue's error.
 *
 * Context: the device's. Does not wait.
 */
int virtio_console_send(struct virtio_console *console, uint32_t port, const void *bytes,
                        size_t size);

/**
 * Receive what is there.
 *
 * @param bytes  out.
 * @param size   at least 1.
 * @return how many bytes there were, 0 for none; otherwise as virtio_console_send, but bytes that came before
 *         the host closed the port are still given.
 *
 * Context: the device's. Does not wait.
 */
int virtio_console_receive(struct virtio_console *console, uint32_t port, void *bytes, size_t size);

/**
 * Send all of it, waiting for room.
 *
 * @param written  out, may be NULL: how many bytes were taken; less than `size` on error only.
 * @return VIRTIO_OK; VIRTIO_E_TIMEOUT when for device.timeout_us nothing more fitted; VIRTIO_E_NEEDS_RESET;
 *         VIRTIO_E_GONE; the errors of virtio_console_send.
 *
 * Context: the device's; may be long. Attends to the device like virtio_console_poll, whose news stay.
 */
int virtio_console_write(struct virtio_console *console, uint32_t port, const void *bytes,
                         size_t size, size_t *written);

/**
 * Receive at least one byte, waiting for it.
 *
 * @param got  out: how many bytes; 0 on error.
 * @return VIRTIO_OK; VIRTIO_E_TIMEOUT when nothing came for device.timeout_us; otherwise as
 *         virtio_console_write.
 *
 * Context: as virtio_console_write.
 */
int virtio_console_read(struct virtio_console *console, uint32_t port, void *bytes, size_t size,
                        size_t *got);

/**
 * Wait until the device has taken everything that was sent since the port was there.
 *
 * @return VIRTIO_OK; VIRTIO_E_TIMEOUT when for device.timeout_us it took nothing; otherwise as
 *         virtio_console_write.
 *
 * Context: as virtio_console_write.
 */
int virtio_console_flush(struct virtio_console *console, uint32_t port);

/**
 * Put out one character without a queue, for a kernel that is about to die: it works as long as the device
 * is not stopped, whatever became of the rings.
 *
 * @return VIRTIO_OK; VIRTIO_E_NOT_SUPPORTED without VIRTIO_CONSOLE_F_EMERG_WRITE; VIRTIO_E_STATE;
 *         VIRTIO_E_CONFIG.
 *
 * Context: any that may access the device's registers. One register write. Spec 5.3.5.
 */
int virtio_console_emergency_write(struct virtio_console *console, char character);

#ifdef __cplusplus
}
#endif

#endif
