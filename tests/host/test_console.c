/* SPDX-License-Identifier: MIT */
/*
 * The console driver: ports, messages, streams, and a device that says what it must not.
 */
#include "bench.h"
#include "fake_console.h"

#include <string.h>

static struct fake_console fake;
static struct virtio_console console;

static int start(struct bench *bench)
{
    bench_attach(bench);
    bench->device.timeout_us = 2000;
    return virtio_console_start(&console, &bench->device);
}

static void start_single(struct bench *bench)
{
    fake_console_begin(&fake, &bench->fake, 1);
    assert_ok(start(bench));
}

/* All ports were introduced, and opened by the host. */
static void start_ports(struct bench *bench)
{
    struct virtio_console_event event;

    fake_console_begin(&fake, &bench->fake, FAKE_CONSOLE_PORTS);
    fake.introduces_ports = true;
    assert_ok(start(bench));
    while (virtio_console_poll(&console, &event) > 0)
        continue;
    assert_int_equal(fake.dropped, 0);
}

static void stop(void)
{
    assert_ok(virtio_console_stop(&console));
    assert_null(console.ports);
}

static void expect_message(unsigned n, uint32_t id, uint16_t event, uint16_t value)
{
    assert_true(n < fake.message_count);
    assert_int_equal(fake.messages[n].id, id);
    assert_int_equal(fake.messages[n].event, event);
    assert_int_equal(fake.messages[n].value, value);
}

static void expect_event(uint32_t port, unsigned changes)
{
    struct virtio_console_event event = {0};

    assert_result(virtio_console_poll(&console, &event), 1);
    assert_int_equal(event.port, port);
    assert_int_equal(event.changes, changes);
}

static void expect_no_event(void)
{
    struct virtio_console_event event;

    assert_result(virtio_console_poll(&console, &event), 0);
}

/* ---- Start ---- */

static void test_single_port_is_a_console(struct bench *bench)
{
    uint32_t port = 9;

    start_single(bench);
    assert_int_equal(console.port_count, 1);
    assert_int_equal(console.max_nr_ports, 1);
    expect_event(0, VIRTIO_CONSOLE_ADDED | VIRTIO_CONSOLE_NOMINATED | VIRTIO_CONSOLE_OPENED);
    expect_no_event();
    assert_ok(virtio_console_find(&console, NULL, &port));
    assert_int_equal(port, 0);
    assert_ok(virtio_console_open(&console, 0));
    assert_result(virtio_console_close(&console, 0), VIRTIO_E_NOT_SUPPORTED);
    assert_result(virtio_console_find(&console, "x", &port), VIRTIO_E_NO_DEVICE);
    assert_int_equal(fake.message_count, 0);
    stop();
}

static void test_other_types_are_refused(struct bench *bench)
{
    bench_attach(bench);
    assert_result(virtio_console_start(&console, &bench->device), VIRTIO_E_INVALID);
}

static void test_no_ports_is_a_lie(struct bench *bench)
{
    fake_console_begin(&fake, &bench->fake, 2);
    fake_device_set_config(&bench->fake, 4, 4, 0);
    assert_result(start(bench), VIRTIO_E_CONFIG);
}

static void test_missing_queue_is_found(struct bench *bench)
{
    fake_console_begin(&fake, &bench->fake, 3);
    bench->fake.queues[7].maximum = 0;
    assert_result(start(bench), VIRTIO_E_NO_QUEUE);
    assert_int_equal(fake_host_live(&bench->host), 0);
}

static void test_each_allocation_failing(struct bench *bench)
{
    fake_console_begin(&fake, &bench->fake, 2);
    bench_attach(bench);
    for (unsigned n = 1;; n++) {
        int error;

        fake_host_fail_at(&bench->host, n);
        error = virtio_console_start(&console, &bench->device);
        if (!bench->host.failed) {
            assert_ok(error);
            assert_true(n > 8);
            break;
        }
        if (error == VIRTIO_OK)
            stop(); /* what failed was not needed: there was another way to the registers */
        assert_int_equal(fake_host_live(&bench->host), 0);
    }
    stop();
}

static void test_started_again(struct bench *bench)
{
    start_ports(bench);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t port;

        stop();
        stop();
        assert_result(virtio_console_send(&console, 0, "x", 1), VIRTIO_E_STATE);
        assert_ok(virtio_console_start(&console, &console.device));
        assert_ok(virtio_console_find(&console, "port-2", &port));
        assert_int_equal(port, 2);
    }
    assert_ok(virtio_console_halt(&console));
    assert_result(virtio_console_emergency_write(&console, 'x'), VIRTIO_E_STATE);
    stop();
}

/* ---- P94: the state machine ---- */

static void test_p94_state_machine(struct bench *bench)
{
    uint8_t size[4];

    fake_put(&bench->fake, size, 2, 80);
    fake_put(&bench->fake, size + 2, 2, 25);
    fake_console_begin(&fake, &bench->fake, 3);
    assert_ok(start(bench));
    assert_int_equal(fake.message_count, 1);
    expect_message(0, 0, FAKE_CONSOLE_DEVICE_READY, 1);
    expect_no_event();
    assert_result(virtio_console_open(&console, 1), VIRTIO_E_NO_DEVICE);

    fake_console_tell(&fake, 1, FAKE_CONSOLE_ADD, 0, NULL, 0);
    expect_event(1, VIRTIO_CONSOLE_ADDED);
    expect_message(1, 1, FAKE_CONSOLE_PORT_READY, 1);
    assert_int_equal(fake.message_count, 2);

    fake_console_tell(&fake, 1, FAKE_CONSOLE_NOMINATE, 1, NULL, 0);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_NAME, 1, "name", 4);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_RESIZE, 0, size, 4);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_OPEN, 1, NULL, 0);
    expect_event(1, VIRTIO_CONSOLE_NOMINATED | VIRTIO_CONSOLE_NAMED | VIRTIO_CONSOLE_RESIZED |
                        VIRTIO_CONSOLE_OPENED);
    expect_message(2, 1, FAKE_CONSOLE_OPEN, 1);
    assert_int_equal(fake.message_count, 3);
    assert_string_equal(console.ports[1].name, "name");
    assert_int_equal(console.ports[1].cols, 80);
    assert_int_equal(console.ports[1].rows, 25);
    assert_true(console.ports[1].open && console.ports[1].host_open && console.ports[1].console);

    fake_console_tell(&fake, 1, FAKE_CONSOLE_OPEN, 0, NULL, 0);
    expect_event(1, VIRTIO_CONSOLE_CLOSED);
    assert_ok(virtio_console_close(&console, 1));
    expect_message(3, 1, FAKE_CONSOLE_OPEN, 0);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_REMOVE, 0, NULL, 0);
    expect_event(1, VIRTIO_CONSOLE_REMOVED);
    assert_false(console.ports[1].present);
    assert_string_equal(console.ports[1].name, "");
    assert_result(virtio_console_send(&console, 1, "x", 1), VIRTIO_E_NO_DEVICE);
    assert_int_equal(console.ignored, 0);
    assert_int_equal(fake.message_count, 4);
    stop();
}

/* The device drops what finds no buffer; with 8 buffers and 4 ports that say 3 things at once there is
 * just enough, if all messages are taken before any is answered. */
static void test_p94_no_message_is_dropped(struct bench *bench)
{
    start_ports(bench);
    for (uint32_t id = 0; id < FAKE_CONSOLE_PORTS; id++) {
        assert_true(console.ports[id].present && console.ports[id].console);
        assert_true(console.ports[id].host_open);
        assert_int_equal(console.ports[id].name[5], '0' + id);
    }
    assert_int_equal(fake.message_count, 1 + 2 * FAKE_CONSOLE_PORTS);
    stop();
}

static void test_ports_come_again(struct bench *bench)
{
    uint8_t byte;

    start_ports(bench);
    assert_int_equal(fake_console_give(&fake, 1, "old", 3), 3);
    assert_result(virtio_console_receive(&console, 1, &byte, 1), 1);
    assert_int_equal(fake_console_give(&fake, 1, "older", 5), 5);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_REMOVE, 0, NULL, 0);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_ADD, 0, NULL, 0);
    expect_event(1, VIRTIO_CONSOLE_REMOVED | VIRTIO_CONSOLE_ADDED | VIRTIO_CONSOLE_NOMINATED |
                        VIRTIO_CONSOLE_NAMED | VIRTIO_CONSOLE_OPENED);
    /* Nothing of what came before is left, and every buffer is the device's again. */
    assert_result(virtio_console_receive(&console, 1, &byte, 1), 0);
    assert_int_equal(console.ports[1].receive.in_flight, console.ports[1].receive.depth);
    assert_int_equal(fake_console_give(&fake, 1, "new", 3), 3);
    assert_result(virtio_console_receive(&console, 1, &byte, 1), 1);
    assert_int_equal(byte, 'n');
    stop();
}

/* QEMU forgets the buffer that it was at when a port was removed. It is lost, but nobody waits for it. */
static void test_flush_of_a_port_that_came_again(struct bench *bench)
{
    start_ports(bench);
    fake.silent = true;
    assert_result(virtio_console_send(&console, 1, "lost", 4), 4);
    assert_result(virtio_console_flush(&console, 1), VIRTIO_E_TIMEOUT);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_REMOVE, 0, NULL, 0);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_ADD, 0, NULL, 0);
    expect_event(1, VIRTIO_CONSOLE_REMOVED | VIRTIO_CONSOLE_ADDED | VIRTIO_CONSOLE_NOMINATED |
                        VIRTIO_CONSOLE_NAMED | VIRTIO_CONSOLE_OPENED);
    assert_ok(virtio_console_flush(&console, 1));
    assert_result(virtio_console_send(&console, 1, "new", 3), 3);
    assert_result(virtio_console_flush(&console, 1), VIRTIO_E_TIMEOUT); /* for that it waits */
    fake_chain_complete(fake_queue_chain(&bench->fake.queues[5], 1), 0);
    assert_ok(virtio_console_flush(&console, 1));
    assert_int_equal(console.ports[1].transmit.in_flight, 1);
    /* It comes back after all, and is one like the others. */
    fake_console_work(&fake);
    assert_ok(virtio_console_flush(&console, 1));
    assert_int_equal(console.ports[1].transmit.in_flight, 0);
    for (unsigned i = 0; i < console.ports[1].transmit.depth; i++)
        assert_result(virtio_console_send(&console, 1, "more", 4), 4);
    assert_result(virtio_console_flush(&console, 1), VIRTIO_E_TIMEOUT);
    fake_console_work(&fake);
    assert_ok(virtio_console_flush(&console, 1));
    stop();
}

static void test_ports_beyond_are_refused(struct bench *bench)
{
    fake_console_begin(&fake, &bench->fake, FAKE_CONSOLE_PORTS);
    assert_ok(start(bench));
    /* A device with more ports than queues can't exist; one that the driver does not serve whole is made
     * here after the start. */
    console.max_nr_ports = 100;
    fake_console_tell(&fake, 99, FAKE_CONSOLE_ADD, 0, NULL, 0);
    expect_no_event();
    expect_message(1, 99, FAKE_CONSOLE_PORT_READY, 0);
    assert_int_equal(console.ignored, 0);
    fake_console_tell(&fake, 99, FAKE_CONSOLE_OPEN, 1, NULL, 0);
    expect_no_event();
    assert_int_equal(console.ignored, 1);
    stop();
}

static void test_nonsense_is_ignored(struct bench *bench)
{
    static const uint8_t longest[200] = "";
    struct virtio_console_event event;

    start_ports(bench);
    fake_console_tell_raw(&fake, longest, 0);
    fake_console_tell_raw(&fake, longest, 7);
    fake_console_tell(&fake, FAKE_CONSOLE_PORTS, FAKE_CONSOLE_ADD, 0, NULL, 0);
    fake_console_tell(&fake, UINT32_MAX, FAKE_CONSOLE_REMOVE, 0, NULL, 0);
    assert_result(virtio_console_poll(&console, &event), 0);
    assert_int_equal(console.ignored, 4);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_ADD, 0, NULL, 0); /* it is there */
    fake_console_tell(&fake, 1, FAKE_CONSOLE_RESIZE, 0, longest, 3);
    fake_console_tell(&fake, 1, 8, 0, NULL, 0);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_PORT_READY, 1, NULL, 0);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_DEVICE_READY, 1, NULL, 0);
    assert_result(virtio_console_poll(&console, &event), 0);
    assert_int_equal(console.ignored, 9);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_REMOVE, 0, NULL, 0);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_REMOVE, 0, NULL, 0);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_OPEN, 1, NULL, 0);
    expect_event(1, VIRTIO_CONSOLE_REMOVED);
    assert_int_equal(console.ignored, 11);
    assert_int_equal(console.control_receive.in_flight, console.control_receive.depth);
    stop();
}

static void test_names_are_cut_between_characters(struct bench *bench)
{
    char name[100];

    start_ports(bench);
    memset(name, 'a', sizeof(name));
    fake_console_tell(&fake, 1, FAKE_CONSOLE_NAME, 1, name, 100);
    expect_event(1, VIRTIO_CONSOLE_NAMED);
    assert_int_equal(strlen(console.ports[1].name), VIRTIO_CONSOLE_NAME_SIZE - 1);
    memcpy(name + VIRTIO_CONSOLE_NAME_SIZE - 3, "\xe2\x82\xac", 3); /* ends one byte too far */
    fake_console_tell(&fake, 1, FAKE_CONSOLE_NAME, 1, name, 100);
    expect_event(1, VIRTIO_CONSOLE_NAMED);
    assert_int_equal(strlen(console.ports[1].name), VIRTIO_CONSOLE_NAME_SIZE - 3);
    memset(name, 0x80, sizeof(name));
    fake_console_tell(&fake, 1, FAKE_CONSOLE_NAME, 1, name, 100);
    expect_event(1, VIRTIO_CONSOLE_NAMED);
    assert_int_equal(strlen(console.ports[1].name), 0);
    stop();
}

/* A device that takes no answers: nothing is lost, and nothing waits for it. */
static void test_answers_wait_for_room(struct bench *bench)
{
    struct virtio_console_event event;
    struct fake_queue *queue = &bench->fake.queues[3];

    fake_console_begin(&fake, &bench->fake, FAKE_CONSOLE_PORTS);
    fake.keeps_answers = true;
    assert_ok(start(bench));
    for (unsigned i = 0; i < 6; i++) {
        fake_console_tell(&fake, 1, i % 2 == 0 ? FAKE_CONSOLE_ADD : FAKE_CONSOLE_REMOVE, 0, NULL,
                          0);
        fake_console_tell(&fake, 2, i % 2 == 0 ? FAKE_CONSOLE_ADD : FAKE_CONSOLE_REMOVE, 0, NULL,
                          0);
        while (virtio_console_poll(&console, &event) > 0)
            continue;
    }
    assert_int_equal(fake.message_count, 7);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_ADD, 0, NULL, 0);
    fake_console_tell(&fake, 2, FAKE_CONSOLE_ADD, 0, NULL, 0);
    while (virtio_console_poll(&console, &event) > 0)
        continue;
    assert_int_equal(fake.message_count, 8); /* the eighth and last buffer */
    fake.keeps_answers = false;
    while (fake_queue_chain(queue, 0))
        fake_chain_complete(fake_queue_chain(queue, 0), 0);
    expect_no_event();
    expect_message(8, 2, FAKE_CONSOLE_PORT_READY, 1);
    stop();
}

/* ---- Streams ---- */

static void test_p95_each_byte_once(struct bench *bench)
{
    uint8_t bytes[3000], got[3000];
    size_t done = 0;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    start_single(bench);
    for (unsigned round = 0; round < (bench->profile == BENCH_WATCHED ? 1 : 5); round++) {
        assert_int_equal(fake_console_give(&fake, 0, bytes, sizeof(bytes)), sizeof(bytes));
        assert_true(fake_console_give_nothing(&fake, 0));
        for (done = 0; done < sizeof(got);) {
            size_t want = done % 5 == 0 ? 1 : 700;
            int count = virtio_console_receive(
                &console, 0, got + done, want < sizeof(got) - done ? want : sizeof(got) - done);

            assert_true(count > 0);
            done += (size_t)count;
        }
        assert_memory_equal(got, bytes, sizeof(bytes));
        assert_result(virtio_console_receive(&console, 0, got, 1), 0);
        assert_int_equal(console.ports[0].receive.in_flight, VIRTIO_CONSOLE_BUFFERS);
    }
    stop();
}

static void test_read_waits(struct bench *bench)
{
    uint8_t bytes[4];
    size_t got = 9;

    start_single(bench);
    assert_result(virtio_console_read(&console, 0, bytes, 4, &got), VIRTIO_E_TIMEOUT);
    assert_int_equal(got, 0);
    fake_console_give(&fake, 0, "ab", 2);
    assert_ok(virtio_console_read(&console, 0, bytes, 4, &got));
    assert_int_equal(got, 2);
    assert_memory_equal(bytes, "ab", 2);
    stop();
}

static void test_write_is_copied_and_flows(struct bench *bench)
{
    static uint8_t bytes[3 * VIRTIO_CONSOLE_BUFFERS * VIRTIO_CONSOLE_BUFFER_SIZE];
    const size_t room = VIRTIO_CONSOLE_BUFFERS * VIRTIO_CONSOLE_BUFFER_SIZE;
    size_t written;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 13 + i / 256);
    start_single(bench);
    assert_ok(virtio_console_write(&console, 0, bytes, sizeof(bytes), &written));
    assert_int_equal(written, sizeof(bytes));
    assert_int_equal(fake.sent, sizeof(bytes));
    assert_memory_equal(fake.bytes, bytes, sizeof(bytes));
    assert_ok(virtio_console_flush(&console, 0));

    fake.silent = true;
    fake.sent = 0;
    assert_result(virtio_console_write(&console, 0, bytes, sizeof(bytes), &written),
                  VIRTIO_E_TIMEOUT);
    assert_int_equal(written, room);
    assert_result(virtio_console_send(&console, 0, bytes, 1), 0);
    assert_result(virtio_console_flush(&console, 0), VIRTIO_E_TIMEOUT);
    fake.silent = false;
    fake_console_work(&fake);
    assert_ok(virtio_console_flush(&console, 0));
    assert_ok(virtio_console_write(&console, 0, bytes + room, sizeof(bytes) - room, NULL));
    assert_memory_equal(fake.bytes, bytes, sizeof(bytes));
    stop();
}

static void test_closed_ports_refuse(struct bench *bench)
{
    uint8_t byte;
    uint32_t port;

    fake_console_begin(&fake, &bench->fake, 3);
    assert_ok(start(bench));
    fake_console_tell(&fake, 1, FAKE_CONSOLE_ADD, 0, NULL, 0);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_NAME, 0, "data", 4);
    assert_result(virtio_console_send(&console, 1, "x", 1), VIRTIO_E_STATE);
    assert_result(virtio_console_receive(&console, 1, &byte, 1), VIRTIO_E_STATE);
    assert_ok(virtio_console_open(&console, 1));
    assert_result(virtio_console_send(&console, 1, "x", 1), VIRTIO_E_STATE);
    assert_result(virtio_console_find(&console, "data", &port), VIRTIO_E_TIMEOUT);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_OPEN, 1, NULL, 0);
    assert_ok(virtio_console_find(&console, "data", &port));
    assert_result(virtio_console_send(&console, 1, "x", 1), 1);
    /* What came before the host closed the port can still be read. */
    fake_console_give(&fake, 1, "y", 1);
    fake_console_tell(&fake, 1, FAKE_CONSOLE_OPEN, 0, NULL, 0);
    assert_result(virtio_console_receive(&console, 1, &byte, 1), 1);
    assert_result(virtio_console_receive(&console, 1, &byte, 1), VIRTIO_E_STATE);
    assert_result(virtio_console_send(&console, 1, NULL, 1), VIRTIO_E_INVALID);
    assert_result(virtio_console_send(&console, 1, "x", 0), VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_console_send(&console, 3, "x", 1), VIRTIO_E_INVALID);
    stop();
}

static void test_find_times_out(struct bench *bench)
{
    uint32_t port;

    fake_console_begin(&fake, &bench->fake, 2);
    assert_ok(start(bench));
    assert_result(virtio_console_find(&console, NULL, &port), VIRTIO_E_TIMEOUT);
    stop();
}

/* ---- Size and emergency ---- */

static void test_size_is_noticed(struct bench *bench)
{
    uint8_t size[4];

    fake_put(&bench->fake, size, 2, 132);
    fake_put(&bench->fake, size + 2, 2, 43);
    fake_console_begin(&fake, &bench->fake, 1);
    bench->fake.features |= VIRTIO_CONSOLE_F_SIZE;
    fake_device_set_config(&bench->fake, 0, 2, 80);
    fake_device_set_config(&bench->fake, 2, 2, 25);
    assert_ok(start(bench));
    assert_int_equal(console.ports[0].cols, 80);
    assert_int_equal(console.ports[0].rows, 25);
    expect_event(0, VIRTIO_CONSOLE_ADDED | VIRTIO_CONSOLE_NOMINATED | VIRTIO_CONSOLE_OPENED |
                        VIRTIO_CONSOLE_RESIZED);
    expect_no_event();
    fake_device_change_config(&bench->fake, 0, size, sizeof(size));
    expect_event(0, VIRTIO_CONSOLE_RESIZED);
    assert_int_equal(console.ports[0].cols, 132);
    assert_int_equal(console.ports[0].rows, 43);
    stop();
}

static void test_emergency_write(struct bench *bench)
{
    start_single(bench);
    assert_ok(virtio_console_emergency_write(&console, 'E'));
    assert_int_equal(fake_get(&bench->fake, bench->fake.config + 8, 4), 'E');
    /* A broken ring does not matter. */
    fake_queue_push_used(&bench->fake.queues[1], 77, 0);
    assert_result(virtio_console_send(&console, 0, "x", 1), VIRTIO_E_BROKEN);
    assert_ok(virtio_console_emergency_write(&console, 'F'));
    assert_int_equal(fake_get(&bench->fake, bench->fake.config + 8, 4), 'F');
    stop();
}

static void test_no_emergency_write(struct bench *bench)
{
    fake_console_begin(&fake, &bench->fake, 1);
    bench->fake.features &= ~VIRTIO_CONSOLE_F_EMERG_WRITE;
    assert_ok(start(bench));
    assert_result(virtio_console_emergency_write(&console, 'E'), VIRTIO_E_NOT_SUPPORTED);
    stop();
}

/* ---- A device that fails ---- */

static void test_written_lies_are_found(struct bench *bench)
{
    start_single(bench);
    fake.lie = 1;
    assert_result(virtio_console_send(&console, 0, "x", 1), 1);
    /* A legacy device may say so (5.3.6.3); nothing can have been written. */
    assert_result(virtio_console_send(&console, 0, "x", 1), bench->legacy ? 1 : VIRTIO_E_BROKEN);
    stop();
}

static void test_received_lies_are_found(struct bench *bench)
{
    uint8_t byte;

    start_single(bench);
    fake_queue_take_all(&bench->fake.queues[0]);
    fake_chain_complete(fake_queue_chain(&bench->fake.queues[0], 0),
                        VIRTIO_CONSOLE_BUFFER_SIZE + 1);
    assert_result(virtio_console_receive(&console, 0, &byte, 1), VIRTIO_E_BROKEN);
    assert_result(virtio_console_receive(&console, 0, &byte, 1), VIRTIO_E_BROKEN);
    stop();
}

static void test_control_lies_are_found(struct bench *bench)
{
    struct virtio_console_event event;

    start_ports(bench);
    fake_queue_push_used(&bench->fake.queues[2], 999, 8);
    assert_result(virtio_console_poll(&console, &event), VIRTIO_E_BROKEN);
    assert_result(virtio_console_send(&console, 0, "x", 1), VIRTIO_E_BROKEN);
    stop();
}

static void test_needs_reset_ends_waits(struct bench *bench)
{
    uint8_t byte;
    size_t got;

    start_single(bench);
    bench->fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    assert_result(virtio_console_read(&console, 0, &byte, 1, &got), VIRTIO_E_NEEDS_RESET);
    stop();
    assert_ok(virtio_console_start(&console, &console.device));
    fake_console_give(&fake, 0, "x", 1);
    assert_ok(virtio_console_read(&console, 0, &byte, 1, &got));
    stop();
}

static void test_unplugged_in_the_middle(struct bench *bench)
{
    uint8_t byte;
    size_t got;

    start_single(bench);
    fake.silent = true;
    assert_result(virtio_console_send(&console, 0, "x", 1), 1);
    bench->fake.gone = true;
    assert_result(virtio_console_flush(&console, 0), VIRTIO_E_GONE);
    assert_result(virtio_console_read(&console, 0, &byte, 1, &got), VIRTIO_E_GONE);
    stop();
}

static const struct bench_test tests[] = {
    TEST(test_single_port_is_a_console, BENCH_HOSTS),
    TEST(test_other_types_are_refused, BENCH_ONE),
    TEST(test_no_ports_is_a_lie, BENCH_ALL),
    TEST(test_missing_queue_is_found, BENCH_ALL),
    TEST(test_each_allocation_failing, BENCH_ALL),
    TEST(test_started_again, BENCH_HOSTS),
    TEST(test_p94_state_machine, BENCH_HOSTS),
    TEST(test_p94_no_message_is_dropped, BENCH_ALL),
    TEST(test_ports_come_again, BENCH_ALL),
    TEST(test_flush_of_a_port_that_came_again, BENCH_ALL | BENCH_OUT_OF_ORDER),
    TEST(test_ports_beyond_are_refused, BENCH_ONE),
    TEST(test_nonsense_is_ignored, BENCH_ALL),
    TEST(test_names_are_cut_between_characters, BENCH_ONE),
    TEST(test_answers_wait_for_room, BENCH_ALL),
    TEST(test_p95_each_byte_once, BENCH_HOSTS | BENCH_WATCHED),
    TEST(test_read_waits, BENCH_HOSTS),
    TEST(test_write_is_copied_and_flows, BENCH_HOSTS),
    TEST(test_closed_ports_refuse, BENCH_ALL),
    TEST(test_find_times_out, BENCH_ONE),
    TEST(test_size_is_noticed, BENCH_ALL),
    TEST(test_emergency_write, BENCH_ALL | BENCH_SPLIT_RINGS),
    TEST(test_no_emergency_write, BENCH_ONE),
    TEST(test_written_lies_are_found, BENCH_ALL),
    TEST(test_received_lies_are_found, BENCH_MODERN),
    TEST(test_control_lies_are_found, BENCH_ALL),
    TEST(test_needs_reset_ends_waits, BENCH_MODERN),
    TEST(test_unplugged_in_the_middle, BENCH_MMIO),
};

BENCH_MAIN_RINGS(tests)
