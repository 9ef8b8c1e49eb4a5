/* SPDX-License-Identifier: MIT */
/*
 * The qtest protocol (QEMU's softmmu/qtest.c): a line there, a line back. `inl 0xcf8` gives `OK 0x...`,
 * `writeb 0xfeb00000 0x1` gives `OK`.
 */
#include "socket.h"

#include "kernel/crash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ANSWER_SECONDS = 30,
    LINE_MAX_BYTES = 128,
    CONNECT_TRIES = 5000,
};

static int connection = -1;

static void send_line(const char *line, size_t length)
{
    while (length != 0) {
        ssize_t sent = send(connection, line, length, MSG_NOSIGNAL);

        if (sent < 0) {
            crash("QEMU is gone: %s", strerror(errno));
        }
        line += sent;
        length -= (size_t)sent;
    }
}

/* There is never more than the answer: nothing else was asked. */
static void receive_line(char *line, const char *asked)
{
    size_t length = 0;

    do {
        ssize_t got = recv(connection, line + length, LINE_MAX_BYTES - 1 - length, 0);

        if (got <= 0) {
            crash("QEMU did not answer '%s': %s", asked, got == 0 ? "it is gone" : strerror(errno));
        }
        length += (size_t)got;
    } while (line[length - 1] != '\n' && length < LINE_MAX_BYTES - 1);
    line[length - 1] = '\0';
}

/* A socket has its name a moment before QEMU listens on it. */
static bool connect_to(const struct sockaddr_un *address)
{
    for (unsigned tries = 0; tries < CONNECT_TRIES; tries++) {
        if (connect(connection, (const struct sockaddr *)address, sizeof(*address)) == 0) {
            return true;
        }
        if (errno != ECONNREFUSED) {
            return false;
        }
        usleep(1000);
    }
    return false;
}

void socket_open(const char *path)
{
    const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char answer[LINE_MAX_BYTES];

    if (strlen(path) >= sizeof(address.sun_path)) {
        crash("the socket's path is too long: %s", path);
    }
    strcpy(address.sun_path, path);
    connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0 || !connect_to(&address) ||
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0) {
        crash("%s: %s", path, strerror(errno));
    }
    /* The answer comes when there is a machine; QEMU listens before. */
    send_line("endianness\n", 11);
    receive_line(answer, "endianness");
    if (strcmp(answer, "OK little") != 0) {
        crash("this machine is not little-endian: %s", answer);
    }
}

/* Sends a command and returns the number in the answer; 0 where it has none. */
static uint32_t call(const char *command, uint64_t address, const uint32_t *value)
{
    char line[LINE_MAX_BYTES];
    char answer[LINE_MAX_BYTES];
    int length;

    if (value == NULL) {
        length = snprintf(line, sizeof(line), "%s 0x%" PRIx64 "\n", command, address);
    } else {
        length = snprintf(line, sizeof(line), "%s 0x%" PRIx64 " 0x%" PRIx32 "\n", command, address,
                          *value);
    }
    send_line(line, (size_t)length);
    line[length - 1] = '\0';
    receive_line(answer, line);
    if (strncmp(answer, "OK", 2) != 0) {
        crash("QEMU answered '%s' with '%s'", line, answer);
    }
    return (uint32_t)strtoull(answer + 2, NULL, 0);
}

static const char *by_width(unsigned width, const char *one, const char *two, const char *four)
{
    switch (width) {
    case 1:
        return one;
    case 2:
        return two;
    case 4:
        return four;
    default:
        crash("a register access of %u bytes", width);
    }
}

uint32_t socket_port_read(uint16_t port, unsigned width)
{
    return call(by_width(width, "inb", "inw", "inl"), port, NULL);
}

void socket_port_write(uint16_t port, unsigned width, uint32_t value)
{
    call(by_width(width, "outb", "outw", "outl"), port, &value);
}

uint32_t socket_memory_read(uint64_t address, unsigned width)
{
    return call(by_width(width, "readb", "readw", "readl"), address, NULL);
}

void socket_memory_write(uint64_t address, unsigned width, uint32_t value)
{
    call(by_width(width, "writeb", "writew", "writel"), address, &value);
}
