/* SPDX-License-Identifier: MIT */
/*
 * Tests on QEMU's user network: an address by DHCP, the gateway answers, a file by TFTP, whose digest the host
 * compares with its own.
 */
#include "net_stack.h"
#include "net_tests.h"
#include "sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOOTP_CLIENT = 68,
    BOOTP_SERVER = 67,
    BOOTP_OPTIONS = 240, /* where they begin, behind the magic cookie */
    BOOTP_FILE = 108,
    BOOTP_FILE_LENGTH = 128,
    DHCP_DISCOVER = 1,
    DHCP_OFFER = 2,
    DHCP_REQUEST = 3,
    DHCP_ACK = 5,
    OPTION_REQUESTED = 50,
    OPTION_TYPE = 53,
    OPTION_SERVER = 54,
    OPTION_END = 255,
    TRANSACTION = 0x6c766e74,

    TFTP_SERVER = 69,
    TFTP_CLIENT = 2070,
    TFTP_READ = 1,
    TFTP_DATA = 3,
    TFTP_ACK = 4,
    TFTP_OACK = 6,
    TFTP_BLOCK = 1428,
    FILE_MAX = 16 * 1024 * 1024,
};

static const uint8_t cookie[4] = {99, 130, 83, 99};
static struct net_datagram datagram;
static struct net_stack stack;
static struct net_rig rig;

/* ---- DHCP ---- */

/* The value of an option, or NULL. */
static const uint8_t *find_option(const struct net_datagram *message, uint8_t wanted, uint8_t size)
{
    uint32_t at = BOOTP_OPTIONS;

    while (at + 2 <= message->length && message->data[at] != OPTION_END) {
        uint8_t length = message->data[at + 1];

        if (message->data[at] == 0) {
            at++;
            continue;
        }
        if (message->data[at] == wanted) {
            return length == size && at + 2 + length <= message->length ? message->data + at + 2
                                                                        : NULL;
        }
        at += 2u + length;
    }
    return NULL;
}

static bool send_dhcp(uint8_t type, const uint8_t *requested, const uint8_t *server)
{
    uint8_t message[300] = {1, 1, 6};
    uint8_t *option = message + BOOTP_OPTIONS;

    net_put32(message + 4, TRANSACTION);
    net_put16(message + 10, 0x8000); /* answer by broadcast */
    memcpy(message + 28, rig.net.mac, 6);
    memcpy(message + 236, cookie, sizeof(cookie));
    memcpy(option, (const uint8_t[]){OPTION_TYPE, 1, type}, 3);
    option += 3;
    if (requested != NULL) {
        memcpy(option, (const uint8_t[]){OPTION_REQUESTED, 4}, 2);
        memcpy(option + 2, requested, 4);
        memcpy(option + 6, (const uint8_t[]){OPTION_SERVER, 4}, 2);
        memcpy(option + 8, server, 4);
        option += 12;
    }
    *option = OPTION_END;
    return net_stack_send_udp(&stack, BOOTP_CLIENT, BOOTP_SERVER, message, sizeof(message));
}

static bool await_dhcp(struct test *test, uint8_t type)
{
    const uint8_t *found;

    return CHECK(test, net_stack_wait(&stack, &datagram, NET_PATIENCE_US)) &&
           CHECK_EQUAL(test, datagram.target_port, BOOTP_CLIENT) &&
           CHECK(test, datagram.length > BOOTP_OPTIONS) && CHECK_EQUAL(test, datagram.data[0], 2) &&
           CHECK_EQUAL(test, net_get32(datagram.data + 4), TRANSACTION) &&
           CHECK_BYTES(test, datagram.data + 236, cookie, sizeof(cookie)) &&
           CHECK(test, (found = find_option(&datagram, OPTION_TYPE, 1)) != NULL) &&
           CHECK_EQUAL(test, *found, type);
}

/* Gets an address; the name of the file to boot goes into `file`. */
static bool configure(struct test *test, char *file)
{
    const uint8_t *server;
    uint8_t offered[4];
    uint8_t from[4];

    memset(&stack, 0, sizeof(stack));
    stack.rig = &rig;
    memset(stack.partner, 255, 4);
    memset(stack.partner_mac, 255, 6);
    if (!send_dhcp(DHCP_DISCOVER, NULL, NULL) || !await_dhcp(test, DHCP_OFFER)) {
        return false;
    }
    server = find_option(&datagram, OPTION_SERVER, 4);
    if (!CHECK(test, server != NULL)) {
        return false;
    }
    memcpy(offered, datagram.data + 16, 4);
    memcpy(from, server, 4);
    if (!send_dhcp(DHCP_REQUEST, offered, from) || !await_dhcp(test, DHCP_ACK) ||
        !CHECK_BYTES(test, datagram.data + 16, offered, 4)) {
        return false;
    }
    memcpy(stack.address, offered, 4);
    memcpy(stack.partner, from, 4);
    memcpy(file, datagram.data + BOOTP_FILE, BOOTP_FILE_LENGTH);
    file[BOOTP_FILE_LENGTH] = '\0';
    test_diagnostic("%u.%u.%u.%u from %u.%u.%u.%u, which has %s", offered[0], offered[1],
                    offered[2], offered[3], from[0], from[1], from[2], from[3], file);
    return net_stack_resolve(&stack);
}

/* ---- TFTP ---- */

static bool send_read(const char *file)
{
    char request[256];
    int length;

    net_put16((uint8_t *)request, TFTP_READ);
    length = snprintf(request + 2, sizeof(request) - 2, "%s%coctet%cblksize%c%u%ctsize%c0", file, 0,
                      0, 0, TFTP_BLOCK, 0, 0);
    return net_stack_send_udp(&stack, TFTP_CLIENT, TFTP_SERVER, request, (uint32_t)length + 3);
}

static bool send_ack(uint16_t block, uint16_t port)
{
    uint8_t message[4];

    net_put16(message, TFTP_ACK);
    net_put16(message + 2, block);
    return net_stack_send_udp(&stack, TFTP_CLIENT, port, message, sizeof(message));
}

static bool await_tftp(struct test *test, uint16_t operation)
{
    return CHECK(test, net_stack_wait(&stack, &datagram, NET_PATIENCE_US)) &&
           CHECK_EQUAL(test, datagram.target_port, TFTP_CLIENT) &&
           CHECK(test, datagram.length >= 2) &&
           CHECK_EQUAL(test, net_get16(datagram.data), operation);
}

/* The number that the server gave for an option of its acknowledgement, or 0. */
static unsigned long read_option(const char *name)
{
    const char *end = (const char *)datagram.data + datagram.length;
    const char *at = (const char *)datagram.data + 2;

    datagram.data[datagram.length] = '\0';
    while (at < end) {
        const char *value = at + strlen(at) + 1;

        if (value >= end) {
            return 0;
        }
        if (strcmp(at, name) == 0) {
            return strtoul(value, NULL, 10);
        }
        at = value + strlen(value) + 1;
    }
    return 0;
}

static void download(struct test *test, const char *file)
{
    char digest[SHA256_TEXT];
    struct sha256 hash;
    unsigned long size;
    uint32_t bytes = 0;
    uint16_t block = 0;
    uint32_t length;

    REQUIRE(test, send_read(file) && await_tftp(test, TFTP_OACK));
    size = read_option("tsize");
    REQUIRE_EQUAL(test, read_option("blksize"), TFTP_BLOCK);
    sha256_begin(&hash);
    do {
        REQUIRE(test, send_ack(block++, datagram.source_port) && await_tftp(test, TFTP_DATA));
        REQUIRE_EQUAL(test, net_get16(datagram.data + 2), block);
        length = datagram.length - 4;
        sha256_add(&hash, datagram.data + 4, length);
        bytes += length;
        REQUIRE(test, bytes <= FILE_MAX);
    } while (length == TFTP_BLOCK);
    REQUIRE(test, send_ack(block, datagram.source_port));
    CHECK_EQUAL(test, bytes, size);
    sha256_end(&hash, digest);
    test_diagnostic("host: net tftp sha256=%s bytes=%lu", digest, (unsigned long)bytes);
}

/* ---- Tests ---- */

static void ping_gateway(struct test *test)
{
    const uint8_t *data = net_pattern(0, 1);

    REQUIRE(test, net_stack_send_echo(&stack, 77, data, 1000));
    REQUIRE(test, net_stack_wait(&stack, &datagram, NET_PATIENCE_US));
    CHECK_EQUAL(test, datagram.source_port, 77);
    REQUIRE_EQUAL(test, datagram.length, 1000);
    CHECK_BYTES(test, datagram.data, data, 1000);
}

void net_test_user_network(struct test *test)
{
    char file[BOOTP_FILE_LENGTH + 1];

    if (!net_rig_start(test, &rig, NET_USER, 0, NULL)) {
        return;
    }
    if (configure(test, file)) {
        ping_gateway(test);
        download(test, file);
    }
    net_rig_stop(&rig);
}
