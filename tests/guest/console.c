/* SPDX-License-Identifier: MIT */
/*
 * The console driver against the machine's console devices. What is behind the ports is the runner's:
 * scripts/runner/peer_console.py says what each program does. Each test takes all console devices in turn.
 */
#include "pattern.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>
#include <virtio/console.h>

enum {
    BULK = 512 * 1024,   /* more than the host's sockets and the driver's buffers hold */
    ECHO_LONGEST = 3000, /* several buffers, none of them full */
    ECHO_ROUNDS = 40,
    SECTOR = 512,
    SETTLE_US = 20000,      /* in which a slow reader proves that it is slow */
    PATIENCE_US = 20000000, /* for the slowest machine that runs the tests */
    NAME_SIZE = VIRTIO_CONSOLE_NAME_SIZE,
};

#define SEED_SINK   UINT64_C(0x51ab)
#define SEED_SOURCE UINT64_C(0x50ce)

static struct virtio_console console;
static uint8_t bytes[ECHO_LONGEST];
static uint8_t back[ECHO_LONGEST];

/* ---- The rig ---- */

/* The device's number in the runner's count is in the names of its ports and its console. */
static bool find_number(uint32_t *number)
{
    for (uint32_t at = 0; at < console.port_count; at++) {
        const char *dot = strrchr(console.ports[at].name, '.');

        if (console.ports[at].present && dot != NULL) {
            *number = 0;
            while (*++dot >= '0' && *dot <= '9') {
                *number = *number * 10 + (uint32_t)(*dot - '0');
            }
            return true;
        }
    }
    return false;
}

static bool is_multiport(void)
{
    return virtio_has_feature(&console.device, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* Runs a body with each console device started, after its peers came. */
static void with_each(struct test *test, void (*body)(struct test *test))
{
    const struct virtio_device *found;
    size_t index;

    for (index = 0; (found = test_find_device(test, VIRTIO_ID_CONSOLE, index)) != NULL; index++) {
        if (index == 0 && !test_ask_host(test, "console begin")) {
            return;
        }
        if (!CHECK_RESULT(test, virtio_console_start(&console, found), VIRTIO_OK)) {
            continue;
        }
        body(test);
        CHECK_RESULT(test, virtio_console_stop(&console), VIRTIO_OK);
    }
    if (index == 0) {
        test_skip(test, "there is no console device");
    }
}

/* The same for devices with several ports. */
static void (*multiport_body)(struct test *test, uint32_t number);
static unsigned multiport_devices;

static void run_multiport(struct test *test)
{
    struct virtio_console_event event;
    uint32_t number = 0;
    uint32_t port;

    if (!is_multiport()) {
        return;
    }
    multiport_devices++;
    REQUIRE_RESULT(test, virtio_console_find(&console, NULL, &port), VIRTIO_OK);
    while (virtio_console_poll(&console, &event) > 0) {
        continue;
    }
    if (CHECK(test, find_number(&number))) {
        multiport_body(test, number);
    }
}

static void with_each_multiport(struct test *test, void (*body)(struct test *test, uint32_t number))
{
    multiport_body = body;
    multiport_devices = 0;
    with_each(test, run_multiport);
    if (multiport_devices == 0 && test->skip_reason == NULL) {
        test_skip(test, "no console device has several ports");
    }
}

static const char *port_name(const char *program, uint32_t number)
{
    static char name[NAME_SIZE];

    snprintf(name, sizeof(name), "org.libvirtio.%s.%lu", program, (unsigned long)number);
    return name;
}

/* Finds a serial port by its program, and opens it. */
static bool open_port(struct test *test, const char *program, uint32_t number, uint32_t *port)
{
    return CHECK_RESULT(test, virtio_console_find(&console, port_name(program, number), port),
                        VIRTIO_OK) &&
           CHECK_RESULT(test, virtio_console_open(&console, *port), VIRTIO_OK);
}

/* Reads exactly so many bytes. */
static bool read_all(struct test *test, uint32_t port, uint8_t *to, size_t size)
{
    while (size != 0) {
        size_t got;

        if (!CHECK_RESULT(test, virtio_console_read(&console, port, to, size, &got), VIRTIO_OK) ||
            !CHECK(test, got >= 1 && got <= size)) {
            return false;
        }
        to += got;
        size -= got;
    }
    return true;
}

/* Waits for an event of a port with one of these changes; what else happens is left out. */
static bool wait_change(struct test *test, uint32_t port, unsigned changes)
{
    uint64_t end = test_now_us(test) + PATIENCE_US;
    struct virtio_console_event event;

    do {
        int result = virtio_console_poll(&console, &event);

        if (result < 0) {
            return CHECK_RESULT(test, result, 0);
        }
        if (result == 1 && event.port == port && (event.changes & changes) != 0) {
            return true;
        }
    } while (test_now_us(test) < end);
    return FAIL(test, "the change comes in time");
}

static unsigned count_ports(const char *name, uint32_t *port)
{
    unsigned count = 0;

    for (uint32_t at = 0; at < console.port_count; at++) {
        if (console.ports[at].present && strcmp(console.ports[at].name, name) == 0) {
            *port = at;
            count++;
        }
    }
    return count;
}

/* Whether a name is there, once. The device tells of its ports as it pleases: waits for it. */
static bool contains_only_port(struct test *test, const char *name, uint32_t *port)
{
    uint64_t end = test_now_us(test) + PATIENCE_US;
    struct virtio_console_event event;
    unsigned count = 0;

    do {
        if (virtio_console_poll(&console, &event) < 0) {
            return false;
        }
        count = count_ports(name, port);
    } while (count == 0 && test_now_us(test) < end);
    return count == 1;
}
/* ---- Tests ---- */

static void identity_body(struct test *test)
{
    uint32_t port = UINT32_MAX;

    CHECK(test, console.port_count >= 1 && console.port_count <= VIRTIO_CONSOLE_PORTS_MAX);
    CHECK(test, is_multiport() == (console.max_nr_ports > 1));
    REQUIRE_RESULT(test, virtio_console_find(&console, NULL, &port), VIRTIO_OK);
    CHECK(test, console.ports[port].present);
    CHECK(test, console.ports[port].console);
    CHECK(test, console.ports[port].open);
}

static void there_is_a_console(struct test *test)
{
    with_each(test, identity_body);
}

static void ports_body(struct test *test, uint32_t number)
{
    static const char *const programs[] = {"echo", "sink", "source", "idle"};
    uint32_t port = 0;

    for (unsigned i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        const char *name = port_name(programs[i], number);

        if (!CHECK(test, contains_only_port(test, name, &port))) {
            test_diagnostic("there is no port %s", name);
            continue;
        }
        CHECK(test, !console.ports[port].console);
        CHECK(test, !console.ports[port].open);
    }
    CHECK(test, contains_only_port(test, port_name("idle", number), &port));
    CHECK(test, !console.ports[port].host_open);
}

static void ports_and_names(struct test *test)
{
    with_each_multiport(test, ports_body);
}

/* Reads until the echo of this: what a device kept of a port that was removed comes out of the one that is
 * plugged in its place, and what was written to a console before a restart may come late. */
static bool find_beginning(struct test *test, uint32_t port)
{
    static const char text[] = "<this is the beginning>";
    size_t matched = 0;

    if (!CHECK_RESULT(test, virtio_console_write(&console, port, text, sizeof(text), NULL),
                      VIRTIO_OK)) {
        return false;
    }
    while (matched < sizeof(text)) {
        if (!read_all(test, port, back, 1)) {
            return false;
        }
        matched = back[0] == (uint8_t)text[matched] ? matched + 1 : back[0] == '<';
    }
    return true;
}

/* Finds the console and waits until somebody is there: what is written before is dropped by the host. */
static bool meet(struct test *test, uint32_t *port)
{
    uint64_t end = test_now_us(test) + PATIENCE_US;
    int got = 0;

    if (!CHECK_RESULT(test, virtio_console_find(&console, NULL, port), VIRTIO_OK)) {
        return false;
    }
    while (got == 0 && test_now_us(test) < end) {
        uint64_t next = test_now_us(test) + SETTLE_US;

        (void)virtio_console_write(&console, *port, "?", 1, NULL);
        while (got == 0 && test_now_us(test) < next) {
            got = virtio_console_receive(&console, *port, back, 1);
        }
    }
    return CHECK(test, got > 0) && find_beginning(test, *port);
}

static void echo_through(struct test *test, uint32_t port)
{
    uint64_t state = SEED_SINK;

    for (unsigned round = 0; round < ECHO_ROUNDS; round++) {
        size_t size = round == 0 ? 1 : (size_t)(state % ECHO_LONGEST) + 1;
        size_t written = 0;

        for (size_t i = 0; i < size; i++) {
            state = splitmix64(state);
            bytes[i] = (uint8_t)state;
        }
        REQUIRE_RESULT(test, virtio_console_write(&console, port, bytes, size, &written),
                       VIRTIO_OK);
        REQUIRE_EQUAL(test, written, size);
        memset(back, 0, sizeof(back));
        if (!read_all(test, port, back, size) || !CHECK_BYTES(test, back, bytes, size)) {
            test_diagnostic("in round %u, %lu bytes", round, (unsigned long)size);
            return;
        }
    }
    CHECK_RESULT(test, virtio_console_receive(&console, port, back, 1), 0);
    CHECK_RESULT(test, virtio_console_flush(&console, port), VIRTIO_OK);
}

static void console_echo_body(struct test *test)
{
    uint32_t port;

    REQUIRE(test, meet(test, &port));
    echo_through(test, port);
}

static void console_echoes(struct test *test)
{
    with_each(test, console_echo_body);
}

static void port_echo_body(struct test *test, uint32_t number)
{
    uint32_t port;

    if (open_port(test, "echo", number, &port)) {
        echo_through(test, port);
    }
}

static void port_echoes(struct test *test)
{
    with_each_multiport(test, port_echo_body);
}

/* Takes the pattern's next bytes, at most `size` of them. */
static size_t next_pattern(uint64_t seed, size_t at, uint8_t *to, size_t size)
{
    static uint8_t sector[SECTOR];
    size_t in_sector = at % SECTOR;
    size_t part = SECTOR - in_sector < size ? SECTOR - in_sector : size;

    pattern_fill(sector, seed, at / SECTOR, 1);
    memcpy(to, sector + in_sector, part);
    return part;
}

/* Sends until nothing fits for a while. */
static size_t send_until_full(struct test *test, uint32_t port)
{
    size_t done = 0;
    uint64_t stuck_since = 0;

    while (done < BULK) {
        size_t part = next_pattern(SEED_SINK, done, bytes, sizeof(bytes));
        int sent = virtio_console_send(&console, port, bytes, part);

        if (!CHECK(test, sent >= 0 && (size_t)sent <= part)) {
            return done;
        }
        done += (size_t)sent;
        if (sent > 0) {
            stuck_since = 0;
        } else if (stuck_since == 0) {
            stuck_since = test_now_us(test);
        } else if (test_now_us(test) - stuck_since > SETTLE_US) {
            break;
        }
    }
    return done;
}

static void sink_body(struct test *test, uint32_t number)
{
    uint32_t port;
    size_t done;

    REQUIRE(test, open_port(test, "sink", number, &port));
    done = send_until_full(test, port);
    /* Nobody reads yet: the device has to hold the rest back. */
    REQUIRE(test, done > 0 && done < BULK);
    test_ask_host(test, "console sink %s seed=0x%llx bytes=%u", port_name("sink", number),
                  (unsigned long long)SEED_SINK, (unsigned)BULK);
    while (done < BULK) {
        size_t written = 0;
        size_t part = next_pattern(SEED_SINK, done, bytes, sizeof(bytes));

        REQUIRE_RESULT(test, virtio_console_write(&console, port, bytes, part, &written),
                       VIRTIO_OK);
        REQUIRE_EQUAL(test, written, part);
        done += written;
    }
    REQUIRE(test, read_all(test, port, back, 5));
    CHECK_BYTES(test, back, "done\n", 5);
}

static void bulk_to_a_slow_reader(struct test *test)
{
    with_each_multiport(test, sink_body);
}

static bool check_pattern(struct test *test, size_t at, const uint8_t *from, size_t size)
{
    while (size != 0) {
        size_t part = next_pattern(SEED_SOURCE, at, bytes, size < sizeof(bytes) ? size : SECTOR);

        if (!CHECK_BYTES(test, from, bytes, part)) {
            test_diagnostic("from byte %lu on", (unsigned long)at);
            return false;
        }
        at += part;
        from += part;
        size -= part;
    }
    return true;
}

static void source_body(struct test *test, uint32_t number)
{
    uint64_t wait_until;
    size_t done = 0;
    uint32_t port;

    REQUIRE(test, open_port(test, "source", number, &port));
    test_ask_host(test, "console source %s seed=0x%llx bytes=%u", port_name("source", number),
                  (unsigned long long)SEED_SOURCE, (unsigned)BULK);
    /* A guest that is slow first, and then slower: odd sizes, and a pause now and then. */
    wait_until = test_now_us(test) + 2 * SETTLE_US;
    while (test_now_us(test) < wait_until) {
        continue;
    }
    while (done < BULK) {
        size_t size = done % 7 == 0 ? 37 : sizeof(back);
        size_t got;

        if (size > BULK - done) {
            size = BULK - done;
        }
        REQUIRE_RESULT(test, virtio_console_read(&console, port, back, size, &got), VIRTIO_OK);
        REQUIRE(test, got >= 1 && got <= size);
        REQUIRE(test, check_pattern(test, done, back, got));
        done += got;
    }
    CHECK_RESULT(test, virtio_console_receive(&console, port, back, 1), 0);
}

static void bulk_from_the_host(struct test *test)
{
    with_each_multiport(test, source_body);
}

static void open_close_body(struct test *test, uint32_t number)
{
    uint32_t port = 0;

    REQUIRE(test, contains_only_port(test, port_name("idle", number), &port));
    CHECK_RESULT(test, virtio_console_send(&console, port, "x", 1), VIRTIO_E_STATE);
    REQUIRE_RESULT(test, virtio_console_open(&console, port), VIRTIO_OK);
    CHECK_RESULT(test, virtio_console_send(&console, port, "x", 1), VIRTIO_E_STATE);
    test_ask_host(test, "console connect %s", port_name("idle", number));
    REQUIRE(test, wait_change(test, port, VIRTIO_CONSOLE_OPENED));
    CHECK(test, console.ports[port].host_open);
    echo_through(test, port);
    test_ask_host(test, "console disconnect %s", port_name("idle", number));
    REQUIRE(test, wait_change(test, port, VIRTIO_CONSOLE_CLOSED));
    CHECK_RESULT(test, virtio_console_send(&console, port, "x", 1), VIRTIO_E_STATE);
    CHECK_RESULT(test, virtio_console_receive(&console, port, back, 1), VIRTIO_E_STATE);
    REQUIRE_RESULT(test, virtio_console_close(&console, port), VIRTIO_OK);
    CHECK(test, !console.ports[port].open);
}

static void host_opens_and_closes(struct test *test)
{
    with_each_multiport(test, open_close_body);
}

/* A port that comes and goes twice, the second time in the middle of work. */
static void hotplug_body(struct test *test, uint32_t number)
{
    uint32_t port = 0;

    for (unsigned round = 0; round < 2; round++) {
        int error;

        test_ask_host(test, "console plug %lu", (unsigned long)number);
        REQUIRE(test, open_port(test, "hot", number, &port));
        REQUIRE(test, find_beginning(test, port));
        echo_through(test, port);
        test_ask_host(test, "console unplug %lu", (unsigned long)number);
        do {
            error =
                virtio_console_write(&console, port, bytes, round == 0 ? 1 : sizeof(bytes), NULL);
            if (error == VIRTIO_OK && round == 0) {
                error = virtio_console_receive(&console, port, back, sizeof(back));
                error = error > 0 ? 0 : error;
            }
            /* Between the end of the connection and that of the port the port is only closed. */
        } while (error == VIRTIO_OK || error == VIRTIO_E_STATE);
        CHECK_RESULT(test, error, VIRTIO_E_NO_DEVICE);
        CHECK(test, !console.ports[port].present);
        CHECK_RESULT(test, virtio_console_open(&console, port), VIRTIO_E_NO_DEVICE);
        CHECK_RESULT(test, virtio_console_flush(&console, port), VIRTIO_E_NO_DEVICE);
    }
    REQUIRE(test, open_port(test, "echo", number, &port));
    echo_through(test, port);
}

static void ports_come_and_go(struct test *test)
{
    with_each_multiport(test, hotplug_body);
}

static void emergency_body(struct test *test)
{
    static const char text[] = "help";
    uint32_t port;

    REQUIRE_RESULT(test, virtio_console_find(&console, NULL, &port), VIRTIO_OK);
    if (!virtio_has_feature(&console.device, VIRTIO_CONSOLE_F_EMERG_WRITE)) {
        CHECK_RESULT(test, virtio_console_emergency_write(&console, 'x'), VIRTIO_E_NOT_SUPPORTED);
        return;
    }
    REQUIRE(test, meet(test, &port));
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        REQUIRE_RESULT(test, virtio_console_emergency_write(&console, text[i]), VIRTIO_OK);
    }
    REQUIRE(test, read_all(test, port, back, sizeof(text) - 1));
    CHECK_BYTES(test, back, text, sizeof(text) - 1);
    REQUIRE_RESULT(test, virtio_console_halt(&console), VIRTIO_OK);
    CHECK_RESULT(test, virtio_console_emergency_write(&console, 'x'), VIRTIO_E_STATE);
}

static void emergency_write_is_heard(struct test *test)
{
    with_each(test, emergency_body);
}

static void refusals_body(struct test *test)
{
    uint32_t beyond = console.port_count;
    uint32_t port;
    size_t count = 1;

    REQUIRE_RESULT(test, virtio_console_find(&console, NULL, &port), VIRTIO_OK);
    CHECK_RESULT(test, virtio_console_send(&console, port, NULL, 1), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_console_send(&console, port, "x", 0), VIRTIO_E_ZERO_LENGTH);
    CHECK_RESULT(test, virtio_console_send(&console, beyond, "x", 1), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_console_receive(&console, port, NULL, 1), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_console_receive(&console, port, back, 0), VIRTIO_E_ZERO_LENGTH);
    CHECK_RESULT(test, virtio_console_receive(&console, beyond, back, 1), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_console_open(&console, beyond), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_console_close(&console, UINT32_MAX), VIRTIO_E_INVALID);
    if (is_multiport()) {
        CHECK_RESULT(test, virtio_console_open(&console, beyond - 1), VIRTIO_E_NO_DEVICE);
        CHECK_RESULT(test, virtio_console_send(&console, beyond - 1, "x", 1), VIRTIO_E_NO_DEVICE);
    } else {
        CHECK_RESULT(test, virtio_console_close(&console, port), VIRTIO_E_NOT_SUPPORTED);
        CHECK_RESULT(test, virtio_console_find(&console, "none", &port), VIRTIO_E_NO_DEVICE);
    }
    console.device.timeout_us = 1000;
    CHECK_RESULT(test, virtio_console_read(&console, port, back, 1, &count), VIRTIO_E_TIMEOUT);
    CHECK_EQUAL(test, count, 0);
}

static void nonsense_is_refused(struct test *test)
{
    with_each(test, refusals_body);
}

static void restart_body(struct test *test)
{
    struct virtio_console_event event;
    uint32_t port;

    for (unsigned round = 0; round < 4; round++) {
        REQUIRE_RESULT(test, virtio_console_find(&console, NULL, &port), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_console_write(&console, port, "lost", 4, NULL), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_console_halt(&console), VIRTIO_OK);
        CHECK_RESULT(test, virtio_console_send(&console, port, "x", 1), VIRTIO_E_STATE);
        CHECK_RESULT(test, virtio_console_poll(&console, &event), VIRTIO_E_STATE);
        REQUIRE_RESULT(test, virtio_console_stop(&console), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_console_stop(&console), VIRTIO_OK);
        CHECK_RESULT(test, virtio_console_receive(&console, port, back, 1), VIRTIO_E_STATE);
        REQUIRE_RESULT(test, virtio_console_start(&console, &console.device), VIRTIO_OK);
    }
}

static void stopped_and_started_again(struct test *test)
{
    with_each(test, restart_body);
}

/* Two devices at once, their echoes not mixed up. */
static void two_devices(struct test *test)
{
    static struct virtio_console other;
    const struct virtio_device *first = test_find_device(test, VIRTIO_ID_CONSOLE, 0);
    const struct virtio_device *second = test_find_device(test, VIRTIO_ID_CONSOLE, 1);
    struct virtio_console *both[2] = {&console, &other};
    uint32_t port[2];
    uint8_t letter[1];
    size_t got;

    if (second == NULL) {
        test_skip(test, "there are not two console devices");
        return;
    }
    if (!test_ask_host(test, "console begin")) {
        return;
    }
    REQUIRE_RESULT(test, virtio_console_start(&console, first), VIRTIO_OK);
    if (CHECK_RESULT(test, virtio_console_start(&other, second), VIRTIO_OK)) {
        for (unsigned i = 0; i < 2; i++) {
            letter[0] = (uint8_t)('A' + i);
            CHECK_RESULT(test, virtio_console_find(both[i], NULL, &port[i]), VIRTIO_OK);
            CHECK_RESULT(test, virtio_console_write(both[i], port[i], letter, 1, NULL), VIRTIO_OK);
        }
        for (unsigned i = 0; i < 2; i++) {
            /* Echoes of what earlier tests left behind may come first; none of it is a letter like these. */
            do {
                REQUIRE_RESULT(test, virtio_console_read(both[i], port[i], letter, 1, &got),
                               VIRTIO_OK);
            } while (letter[0] != 'A' && letter[0] != 'B');
            CHECK_EQUAL(test, letter[0], 'A' + i);
        }
        CHECK_RESULT(test, virtio_console_stop(&other), VIRTIO_OK);
    }
    CHECK_RESULT(test, virtio_console_stop(&console), VIRTIO_OK);
}

static const struct test_case cases[] = {
    {"there is a console", there_is_a_console},
    {"ports have names and are closed at first", ports_and_names},
    {"the console's echo comes back", console_echoes},
    {"a serial port's echo comes back", port_echoes},
    {"512 KiB to a reader that is slow", bulk_to_a_slow_reader},
    {"512 KiB from the host", bulk_from_the_host},
    {"the host opens and closes a port", host_opens_and_closes},
    {"a port is plugged and unplugged, twice", ports_come_and_go},
    {"nonsense is refused", nonsense_is_refused},
    {"an emergency write is heard", emergency_write_is_heard},
    {"stopped in the middle and started again, four times", stopped_and_started_again},
    {"two devices side by side", two_devices},
};

const struct test_suite suite_console = DEVICE_SUITE("console", VIRTIO_ID_CONSOLE, cases);
