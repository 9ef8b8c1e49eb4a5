/* SPDX-License-Identifier: MIT */
/*
 * The rig of the network tests.
 */
#include "net_rig.h"

#include "pattern.h"

#include <string.h>

enum {
    MAGIC = 0x564e,
    ETHERTYPE = 0x88b5,
    PATTERN_SECTORS = 137,
    PATTERN_PERIOD = 4096,
    PATTERN_SEED = 0x6e6574,
    WINDOW = 64, /* frames that an exchange has in flight */
    BATCH =
        24, /* that many are submitted together: a notification for each would cost more than it */
    STRIDE = 9216,
    DEVICES_MAX = 8,
};

static const uint8_t peer_mac[6] = {0x52, 0x55, 0x00, 0x00, 0x00, 0x01};
static uint8_t pattern[PATTERN_SECTORS * 512];
static bool pattern_is_made;

uint16_t net_get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint32_t net_get32(const uint8_t *bytes)
{
    return (uint32_t)net_get16(bytes) << 16 | net_get16(bytes + 2);
}

void net_put16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

void net_put32(uint8_t *bytes, uint32_t value)
{
    net_put16(bytes, (uint16_t)(value >> 16));
    net_put16(bytes + 2, (uint16_t)value);
}

const uint8_t *net_pattern(uint16_t kind, uint32_t sequence)
{
    if (!pattern_is_made) {
        pattern_fill(pattern, PATTERN_SEED, 0, PATTERN_SECTORS);
        pattern_is_made = true;
    }
    return pattern + (sequence * UINT64_C(61) + kind * UINT64_C(7919)) % PATTERN_PERIOD;
}

/* ---- Devices ---- */

/* The addresses that the devices had at the first look, which resets them: so there is but one. */
static uint8_t macs[DEVICES_MAX][6];
static bool macs_are_known;

static void read_mac(const struct virtio_device *found, uint8_t *mac)
{
    const struct virtio_features wanted = {.supported = VIRTIO_NET_F_MAC};
    struct virtio_device device = *found;

    if (virtio_device_begin(&device, &wanted) == VIRTIO_OK) {
        (void)virtio_config_read_bytes(&device, 0, mac, 6);
        virtio_device_end(&device);
    }
}

static const uint8_t *find_mac(const struct test *test, size_t index)
{
    for (size_t at = 0; at < DEVICES_MAX && !macs_are_known; at++) {
        const struct virtio_device *found = test_find_device(test, VIRTIO_ID_NETWORK, at);

        if (found != NULL) {
            read_mac(found, macs[at]);
        }
    }
    macs_are_known = true;
    return index < DEVICES_MAX ? macs[index] : NULL;
}

const struct virtio_device *net_find(const struct test *test, uint8_t kind, size_t index,
                                     const uint8_t **mac)
{
    for (size_t at = 0; (*mac = find_mac(test, at)) != NULL; at++) {
        if ((*mac)[4] == kind && index-- == 0) {
            return test_find_device(test, VIRTIO_ID_NETWORK, at);
        }
    }
    return NULL;
}

bool net_rig_start(struct test *test, struct net_rig *rig, uint8_t kind, size_t index,
                   const struct virtio_net_options *options)
{
    const uint8_t *mac;
    const struct virtio_device *found = net_find(test, kind, index, &mac);
    struct net_report report;

    if (found == NULL) {
        test_skip(test, kind == NET_PEER    ? "there is no network device with a peer"
                        : kind == NET_VHOST ? "there is no network device by vhost-user"
                                            : "there is no network device on QEMU's user network");
        return false;
    }
    memset(rig, 0, sizeof(*rig));
    rig->test = test;
    memcpy(rig->mac_given, mac, 6);
    if (!test_allocate(test, NET_LONGEST, &rig->memory)) {
        return false;
    }
    rig->frame = rig->memory.bytes;
    if (!CHECK_RESULT(test, virtio_net_start(&rig->net, found, options), VIRTIO_OK)) {
        test_free(test, &rig->memory);
        return false;
    }
    rig->number = rig->mac_given[5];
    rig->reports = (uint32_t)test_now_us(test);
    if (kind != NET_USER && !net_ask_report(rig, &report)) {
        net_rig_stop(rig);
        return false;
    }
    return true;
}

void net_rig_stop(struct net_rig *rig)
{
    CHECK_RESULT(rig->test, virtio_net_stop(&rig->net), VIRTIO_OK);
    test_free(rig->test, &rig->memory);
}

void net_with_peer(struct test *test, const struct virtio_net_options *options,
                   void (*body)(struct test *test, struct net_rig *rig))
{
    static struct net_rig rig;

    if (net_rig_start(test, &rig, NET_PEER, 0, options)) {
        body(test, &rig);
        net_rig_stop(&rig);
    }
}

/* ---- Messages ---- */

void net_build(const struct net_rig *rig, uint8_t *frame, const struct net_message *message,
               const void *content, uint32_t content_length)
{
    memcpy(frame, peer_mac, 6);
    memcpy(frame + 6, rig->net.mac, 6);
    net_put16(frame + 12, ETHERTYPE);
    net_put16(frame + 14, MAGIC);
    net_put16(frame + 16, message->kind);
    net_put32(frame + 18, message->sequence);
    net_put32(frame + 22, message->length);
    net_put32(frame + 26, message->argument);
    if (content == NULL) {
        content = net_pattern(message->kind, message->sequence);
        content_length = message->length - NET_BODY;
    }
    memcpy(frame + NET_BODY, content, content_length);
}

bool net_send_message(struct net_rig *rig, uint16_t kind, uint32_t sequence, uint32_t argument,
                      const void *content, uint32_t content_length)
{
    struct net_message message = {kind, sequence, NET_BODY + content_length, argument};

    if (message.length < NET_FRAME_MIN) {
        message.length = NET_FRAME_MIN;
        memset(rig->frame, 0, NET_FRAME_MIN);
    }
    net_build(rig, rig->frame, &message, content != NULL ? content : "", content_length);
    return CHECK_RESULT(rig->test, virtio_net_send(&rig->net, rig->frame, message.length, NULL),
                        VIRTIO_OK);
}

bool net_parse(const struct virtio_net_frame *frame, struct net_message *message)
{
    uint8_t head[NET_BODY];

    if (virtio_net_copy(frame, 0, head, sizeof(head)) != VIRTIO_OK ||
        net_get16(head + 12) != ETHERTYPE || net_get16(head + 14) != MAGIC) {
        return false;
    }
    message->kind = net_get16(head + 16);
    message->sequence = net_get32(head + 18);
    message->length = net_get32(head + 22);
    message->argument = net_get32(head + 26);
    return true;
}

bool net_verify(const struct virtio_net_frame *frame, const struct net_message *message)
{
    const uint8_t *due = net_pattern(message->kind, message->sequence);
    struct virtio_net_part part = {NULL, 0, NULL};
    uint32_t skip = NET_BODY;
    uint32_t seen = 0;

    while (virtio_net_next_part(frame, &part)) {
        uint32_t ahead = skip < part.length ? skip : part.length;

        skip -= ahead;
        if (memcmp((const uint8_t *)part.data + ahead, due, part.length - ahead) != 0) {
            return false;
        }
        due += part.length - ahead;
        seen += part.length;
    }
    return seen == frame->length && seen == message->length;
}

bool net_await(struct net_rig *rig, uint16_t kind, uint32_t sequence,
               struct virtio_net_frame *frame, struct net_message *message)
{
    uint64_t deadline = test_now_us(rig->test) + NET_PATIENCE_US;

    while (test_now_us(rig->test) < deadline) {
        int result = virtio_net_wait_receive(&rig->net, 0, frame, NET_PATIENCE_US);

        if (!CHECK_RESULT(rig->test, result, 1)) {
            test_diagnostic("waiting for message %u, number %lu", kind, (unsigned long)sequence);
            return false;
        }
        if (net_parse(frame, message) && message->kind == kind && message->sequence == sequence) {
            return true;
        }
        CHECK_RESULT(rig->test, virtio_net_release(&rig->net, frame), VIRTIO_OK);
    }
    FAIL(rig->test, "the message came in time");
    return false;
}

bool net_ask_report(struct net_rig *rig, struct net_report *report)
{
    struct virtio_net_frame frame;
    struct net_message message;
    uint8_t content[24];

    if (!net_send_message(rig, NET_REPORT, ++rig->reports, 0, NULL, 0) ||
        !net_await(rig, NET_REPORTED, rig->reports, &frame, &message)) {
        return false;
    }
    virtio_net_copy(&frame, NET_BODY, content, sizeof(content));
    report->verified = net_get32(content);
    report->bad = net_get32(content + 4);
    report->out_of_order = net_get32(content + 8);
    report->unsent = net_get32(content + 12);
    report->verified_bytes = (uint64_t)net_get32(content + 16) << 32 | net_get32(content + 20);
    return CHECK_RESULT(rig->test, virtio_net_release(&rig->net, &frame), VIRTIO_OK);
}

bool net_monitor(struct net_rig *rig, const char *commands, char *answer, size_t size)
{
    struct virtio_net_frame frame;
    struct net_message message;
    uint32_t length = (uint32_t)strlen(commands);

    if (!net_send_message(rig, NET_MONITOR, ++rig->reports, length, commands, length) ||
        !net_await(rig, NET_MONITORED, rig->reports, &frame, &message)) {
        return false;
    }
    if (answer != NULL) {
        uint32_t bytes = frame.length - NET_BODY;

        bytes = bytes < size ? bytes : (uint32_t)size - 1;
        virtio_net_copy(&frame, NET_BODY, answer, bytes);
        answer[bytes] = '\0';
    }
    return CHECK_RESULT(rig->test, virtio_net_release(&rig->net, &frame), VIRTIO_OK);
}

/* ---- Many frames ---- */

/* An exchange while it runs. */
struct exchange {
    struct net_rig *rig;
    struct test_memory memory; /* WINDOW frames */
    uint32_t count;
    uint32_t first;
    uint32_t lengths;
    uint32_t submitted;
    uint32_t sent;
    uint32_t answered;
    uint32_t full; /* how often the queue was */
    uint64_t last_progress;
};

static uint32_t length_of(const struct exchange *exchange, uint32_t sequence)
{
    return exchange->first + sequence % exchange->lengths;
}

/* Frames on their way. One that was answered may not have come back yet: its memory is still lent. */
static uint32_t outstanding(const struct exchange *exchange)
{
    uint32_t back = exchange->sent < exchange->answered ? exchange->sent : exchange->answered;

    return exchange->submitted - back;
}

static bool submit_frames(struct exchange *exchange)
{
    struct net_rig *rig = exchange->rig;

    if (outstanding(exchange) > WINDOW - BATCH) {
        return true;
    }
    while (exchange->submitted < exchange->count && outstanding(exchange) < WINDOW) {
        uint32_t sequence = exchange->submitted;
        uint8_t *frame = (uint8_t *)exchange->memory.bytes + sequence % WINDOW * STRIDE;
        struct net_message message = {NET_DATA, sequence, length_of(exchange, sequence), 0};
        int error;

        net_build(rig, frame, &message, NULL, 0);
        error = virtio_net_submit(&rig->net, 0, frame, message.length, NULL, frame);
        if (error == VIRTIO_E_FULL) {
            exchange->full++;
            break;
        }
        if (!CHECK_RESULT(rig->test, error, VIRTIO_OK)) {
            return false;
        }
        exchange->submitted++;
    }
    return CHECK_RESULT(rig->test, virtio_net_kick(&rig->net, 0), VIRTIO_OK);
}

static bool reap_frames(struct exchange *exchange)
{
    struct net_rig *rig = exchange->rig;
    struct virtio_net_done done;
    int result;

    while ((result = virtio_net_reap(&rig->net, 0, &done)) > 0) {
        uint8_t *due = (uint8_t *)exchange->memory.bytes + exchange->sent % WINDOW * STRIDE;

        if (!CHECK_RESULT(rig->test, done.error, VIRTIO_OK) ||
            !CHECK(rig->test, done.cookie == due)) {
            return false;
        }
        exchange->sent++;
        exchange->last_progress = test_now_us(rig->test);
    }
    return CHECK_RESULT(rig->test, result, 0);
}

static bool check_answer(struct exchange *exchange, const struct virtio_net_frame *frame)
{
    struct test *test = exchange->rig->test;
    struct net_message message;

    if (!CHECK(test, net_parse(frame, &message)) || !CHECK_EQUAL(test, message.kind, NET_ANSWER) ||
        !CHECK_EQUAL(test, message.sequence, exchange->answered) ||
        !CHECK_EQUAL(test, frame->length, length_of(exchange, exchange->answered)) ||
        !CHECK_EQUAL(test, frame->offload.flags, 0) || !CHECK(test, net_verify(frame, &message))) {
        test_diagnostic("at answer %lu, of %lu bytes", (unsigned long)exchange->answered,
                        (unsigned long)frame->length);
        return false;
    }
    exchange->answered++;
    exchange->last_progress = test_now_us(test);
    return true;
}

static bool receive_answers(struct exchange *exchange)
{
    struct net_rig *rig = exchange->rig;
    struct virtio_net_frame frame;
    int result;

    while ((result = virtio_net_receive(&rig->net, 0, &frame)) > 0) {
        bool good = check_answer(exchange, &frame);

        if (!CHECK_RESULT(rig->test, virtio_net_release(&rig->net, &frame), VIRTIO_OK) || !good) {
            return false;
        }
    }
    return CHECK_RESULT(rig->test, result, 0);
}

static void run_exchange(struct exchange *exchange)
{
    struct test *test = exchange->rig->test;
    uint64_t start = test_now_us(test);
    struct net_report report;

    exchange->last_progress = start;
    while (exchange->answered < exchange->count) {
        if (!submit_frames(exchange) || !reap_frames(exchange) || !receive_answers(exchange)) {
            return;
        }
        if (!CHECK(test, test_now_us(test) - exchange->last_progress < NET_PATIENCE_US)) {
            test_diagnostic("%lu submitted, %lu sent, %lu answered",
                            (unsigned long)exchange->submitted, (unsigned long)exchange->sent,
                            (unsigned long)exchange->answered);
            virtio_dump(&exchange->rig->net.device);
            return;
        }
    }
    test_diagnostic("%lu frames of %lu to %lu bytes each way in %lu ms",
                    (unsigned long)exchange->count, (unsigned long)exchange->first,
                    (unsigned long)(exchange->first + exchange->lengths - 1),
                    (unsigned long)((test_now_us(test) - start) / 1000));
    REQUIRE(test, reap_frames(exchange));
    REQUIRE(test, net_ask_report(exchange->rig, &report));
    CHECK_EQUAL(test, report.verified, exchange->count);
    CHECK_EQUAL(test, report.bad, 0);
    CHECK_EQUAL(test, report.out_of_order, 0);
    CHECK_EQUAL(test, report.unsent, 0);
}

void net_exchange(struct net_rig *rig, uint32_t count, uint32_t first, uint32_t last)
{
    struct exchange exchange = {
        .rig = rig, .count = count, .first = first, .lengths = last - first + 1};
    struct virtio_net_done done;

    if (!test_allocate(rig->test, WINDOW * STRIDE, &exchange.memory)) {
        return;
    }
    run_exchange(&exchange);
    /* After a failure frames may still be the device's, in memory that is about to go. */
    if (virtio_net_reap(&rig->net, 0, &done) != 0 || rig->net.pairs[0].in_flight != 0) {
        virtio_net_halt(&rig->net);
    }
    test_free(rig->test, &exchange.memory);
}
