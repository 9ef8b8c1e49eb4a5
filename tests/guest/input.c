/* SPDX-License-Identifier: MIT */
/*
 * The input driver against the machine's keyboards, mice and tablets. The events come from the runner
 * (scripts/runner/peer_input.py), in groups that the device's queue can hold; event n of each sequence
 * is known on both ends.
 */
#include "suites.h"

#include <string.h>
#include <virtio/input.h>

enum {
    EVENTS = 1000,       /* of keyboards */
    EVENTS_OTHERS = 300, /* of mice and tablets, which take as long */
    GROUP = 50,          /* the device's queue holds 64, the end of the group among them */
    PATIENCE_US = 10000000,
    QUIET_US = 2000,
    NEGLECT_US = 100000,
    ASK_AGAIN_US = 500000,
    ASKED_MOST = 20,
    FLOOD = 3, /* groups, of which the queue holds one */
    TABLET_MAX = 32767,
};

static struct virtio_input input;

/* Linux' codes of the keys q w e r t y u i o p a s d f g h j k l z x c v b n m. */
static const uint8_t key_codes[] = {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 30, 31, 32,
                                    33, 34, 35, 36, 37, 38, 44, 45, 46, 47, 48, 49, 50};

static struct virtio_input_event expected_event(enum virtio_input_role role, unsigned n)
{
    struct virtio_input_event event = {0};

    switch (role) {
    case VIRTIO_INPUT_KEYBOARD:
        event.type = VIRTIO_INPUT_EV_KEY;
        event.code = key_codes[n / 2 % sizeof(key_codes)];
        event.value = n % 2 == 0;
        break;
    case VIRTIO_INPUT_MOUSE:
        event.type = VIRTIO_INPUT_EV_REL;
        event.code = n % 2;
        event.value = (int32_t)(n * 7 % 41) - 20;
        break;
    default:
        event.type = VIRTIO_INPUT_EV_ABS;
        event.code = n % 2;
        event.value = (int32_t)(n * 313 % 32768);
        break;
    }
    return event;
}

static const char *role_name(enum virtio_input_role role)
{
    static const char *const names[] = {"other", "keyboard", "mouse", "tablet"};

    return names[role];
}

/* Runs a body with each device started, or says that there is none. */
static void with_each(struct test *test, void (*body)(struct test *test))
{
    const struct virtio_device *found;
    size_t index;

    for (index = 0; (found = test_find_device(test, VIRTIO_ID_INPUT, index)) != NULL; index++) {
        if (CHECK_RESULT(test, virtio_input_start(&input, found), VIRTIO_OK)) {
            body(test);
            CHECK_RESULT(test, virtio_input_stop(&input), VIRTIO_OK);
        }
    }
    if (index == 0) {
        test_skip(test, "there is no input device");
    }
}

static bool is_set(const uint8_t *bits, unsigned bit)
{
    return (bits[bit / 8] >> bit % 8 & 1) != 0;
}

/* The runner gives keyboards and tablets a serial number, and mice none. */
static void serial_body(struct test *test)
{
    char serial[VIRTIO_INPUT_CONFIG_MAX + 1];
    uint8_t properties[VIRTIO_INPUT_CONFIG_MAX];

    if (input.role == VIRTIO_INPUT_MOUSE) {
        CHECK_RESULT(test, virtio_input_get_serial(&input, serial), VIRTIO_E_NOT_SUPPORTED);
        CHECK_EQUAL(test, serial[0], 0);
    } else {
        REQUIRE_RESULT(test, virtio_input_get_serial(&input, serial), VIRTIO_OK);
        CHECK(test, strncmp(serial, "libvirtio-", 10) == 0);
        CHECK(test, strcmp(serial + 10, role_name(input.role)) == 0);
    }
    CHECK_RESULT(test, virtio_input_get_properties(&input, properties), VIRTIO_E_NOT_SUPPORTED);
}

static void devices_have_serial_numbers(struct test *test)
{
    with_each(test, serial_body);
}

static void identity_body(struct test *test)
{
    static const char *const names[] = {"", "QEMU Virtio Keyboard", "QEMU Virtio Mouse",
                                        "QEMU Virtio Tablet"};

    REQUIRE(test, input.role != VIRTIO_INPUT_OTHER);
    CHECK(test, strcmp(input.name, names[input.role]) == 0);
    CHECK(test, (input.types >> VIRTIO_INPUT_EV_KEY & 1) != 0);
    CHECK_EQUAL(test, input.ids.bustype, 6); /* evdev's number of virtio */
    CHECK(test, input.ids.vendor != 0);
    CHECK(test, input.ids.product != 0);
}

static void devices_say_what_they_are(struct test *test)
{
    with_each(test, identity_body);
}

static void bits_body(struct test *test)
{
    uint8_t codes[VIRTIO_INPUT_CONFIG_MAX];
    struct virtio_input_range range;
    uint32_t size = 0;

    REQUIRE_RESULT(test, virtio_input_get_bits(&input, VIRTIO_INPUT_EV_KEY, codes), VIRTIO_OK);
    for (unsigned i = 0; i < sizeof(key_codes); i++) {
        CHECK_EQUAL(test, is_set(codes, key_codes[i]), input.role == VIRTIO_INPUT_KEYBOARD);
    }
    CHECK_EQUAL(test, is_set(codes, 0x110), input.role != VIRTIO_INPUT_KEYBOARD); /* left button */
    CHECK_RESULT(test, virtio_input_get_bits(&input, 0x1e, codes), VIRTIO_E_NOT_SUPPORTED);
    CHECK_RESULT(test, virtio_input_query(&input, 0x77, 3, codes, &size), VIRTIO_OK);
    CHECK_EQUAL(test, size, 0);
    for (uint8_t axis = 0; axis < 2; axis++) {
        if (input.role != VIRTIO_INPUT_TABLET) {
            CHECK_RESULT(test, virtio_input_get_range(&input, axis, &range),
                         VIRTIO_E_NOT_SUPPORTED);
            continue;
        }
        REQUIRE_RESULT(test, virtio_input_get_range(&input, axis, &range), VIRTIO_OK);
        CHECK_EQUAL(test, range.min, 0);
        CHECK_EQUAL(test, range.max, TABLET_MAX);
    }
    if (input.role == VIRTIO_INPUT_KEYBOARD) {
        REQUIRE_RESULT(test, virtio_input_get_bits(&input, VIRTIO_INPUT_EV_LED, codes), VIRTIO_OK);
        CHECK(test, is_set(codes, VIRTIO_INPUT_LED_CAPSL));
    }
}

static void bits_and_ranges(struct test *test)
{
    with_each(test, bits_body);
}

/* Takes one group: its events in their order, then its end, then nothing. */
static bool take_group(struct test *test, unsigned first, unsigned count)
{
    struct virtio_input_event event;

    for (unsigned n = first; n < first + count; n++) {
        struct virtio_input_event due = expected_event(input.role, n);

        if (!CHECK_RESULT(test, virtio_input_wait(&input, &event, PATIENCE_US), 1)) {
            return false;
        }
        if (event.type != due.type || event.code != due.code || event.value != due.value) {
            test_diagnostic("event %u is type %u, code %u, value %ld", n, event.type, event.code,
                            (long)event.value);
            return FAIL(test, "the event is the one that is due");
        }
    }
    return CHECK_RESULT(test, virtio_input_wait(&input, &event, PATIENCE_US), 1) &&
           CHECK_EQUAL(test, event.type, VIRTIO_INPUT_EV_SYN);
}

static void order_body(struct test *test)
{
    unsigned count = input.role == VIRTIO_INPUT_KEYBOARD ? EVENTS : EVENTS_OTHERS;
    struct virtio_input_event event;

    for (unsigned first = 0; first < count; first += GROUP) {
        if (!test_ask_host(test, "input %s first=%u count=%u", role_name(input.role), first,
                           (unsigned)GROUP) ||
            !take_group(test, first, GROUP)) {
            return;
        }
    }
    CHECK_RESULT(test, virtio_input_wait(&input, &event, QUIET_US), VIRTIO_E_TIMEOUT);
    CHECK_EQUAL(test, input.ignored, 0);
}

static void a_thousand_events_in_order(struct test *test)
{
    with_each(test, order_body);
}

/* Takes groups until one of a single event comes after another, which is asked for again when nothing comes (so a
 * slow host may send one too many, even to the next device). All others are whole: a device drops groups, not
 * events. */
static unsigned take_until_single(struct test *test)
{
    struct virtio_input_event event = {0};
    unsigned groups = 0;
    unsigned length = 0;
    unsigned asked = 1;

    test_ask_host(test, "input %s first=0 count=1", role_name(input.role));
    while (asked < ASKED_MOST &&
           !(groups != 0 && length == 1 && event.type == VIRTIO_INPUT_EV_SYN)) {
        if (length != 0 && event.type == VIRTIO_INPUT_EV_SYN) {
            CHECK(test, length == 1 || length == GROUP);
            groups += length == GROUP;
            length = 0;
        }
        if (virtio_input_wait(&input, &event, ASK_AGAIN_US) != 1) {
            asked++;
            test_ask_host(test, "input %s first=0 count=1", role_name(input.role));
            event.type = VIRTIO_INPUT_EV_KEY;
        } else {
            length += event.type != VIRTIO_INPUT_EV_SYN;
        }
    }
    CHECK(test, asked < ASKED_MOST);
    return groups;
}

/* Events that nobody takes: the device drops groups that do not fit, and goes on when there is room. */
static void overrun_body(struct test *test)
{
    uint64_t end = test_now_us(test) + NEGLECT_US;

    for (unsigned first = 0; first < FLOOD * GROUP; first += GROUP) {
        if (!test_ask_host(test, "input %s first=%u count=%u", role_name(input.role), first,
                           (unsigned)GROUP)) {
            return;
        }
    }
    while (test_now_us(test) < end) {
        continue;
    }
    CHECK(test, take_until_single(test) >= 1);
}

static void more_events_than_fit(struct test *test)
{
    with_each(test, overrun_body);
}

static void leds_body(struct test *test)
{
    if (input.role != VIRTIO_INPUT_KEYBOARD) {
        return;
    }
    for (unsigned n = 0; n < 50; n++) {
        int error;
        uint64_t end = test_now_us(test) + PATIENCE_US;

        do {
            error = virtio_input_send(&input, VIRTIO_INPUT_EV_LED, (uint16_t)(n % 3), n % 2 == 0);
        } while (error == VIRTIO_E_FULL && test_now_us(test) < end);
        REQUIRE_RESULT(test, error, VIRTIO_OK);
    }
}

static void leds_are_taken(struct test *test)
{
    with_each(test, leds_body);
}

static void restart_body(struct test *test)
{
    struct virtio_input_event event;

    for (unsigned round = 0; round < 4; round++) {
        if (!test_ask_host(test, "input %s first=0 count=2", role_name(input.role))) {
            return;
        }
        REQUIRE_RESULT(test, virtio_input_wait(&input, &event, PATIENCE_US), 1);
        REQUIRE_RESULT(test, virtio_input_halt(&input), VIRTIO_OK);
        CHECK_RESULT(test, virtio_input_poll(&input, &event), VIRTIO_E_STATE);
        CHECK_RESULT(test, virtio_input_send(&input, VIRTIO_INPUT_EV_LED, 0, 0), VIRTIO_E_STATE);
        REQUIRE_RESULT(test, virtio_input_stop(&input), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_input_stop(&input), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_input_start(&input, &input.device), VIRTIO_OK);
    }
    if (test_ask_host(test, "input %s first=0 count=2", role_name(input.role))) {
        take_group(test, 0, 2);
    }
}

static void stopped_and_started_again(struct test *test)
{
    with_each(test, restart_body);
}

/* Takes events number 0 and 1 of a sequence, and the end of their group, from one of two devices. */
static bool take_two(struct test *test, struct virtio_input *from)
{
    struct virtio_input_event event;

    for (unsigned n = 0; n < 3; n++) {
        struct virtio_input_event due = expected_event(from->role, n);

        if (!CHECK_RESULT(test, virtio_input_wait(from, &event, PATIENCE_US), 1) ||
            !CHECK_EQUAL(test, event.type, n < 2 ? due.type : VIRTIO_INPUT_EV_SYN) ||
            (n < 2 && !CHECK(test, event.code == due.code && event.value == due.value))) {
            return false;
        }
    }
    return true;
}

/* Of two of a kind QEMU gives the events to the one that was started last, of others to each its own. */
static void both_body(struct test *test, struct virtio_input *both[2])
{
    bool alike = both[0]->role == both[1]->role;
    struct virtio_input_event event;

    for (unsigned round = 0; round < 20; round++) {
        for (unsigned n = alike ? 1 : 0; n < 2; n++) {
            REQUIRE(test,
                    test_ask_host(test, "input %s first=0 count=2", role_name(both[n]->role)));
        }
        for (unsigned n = alike ? 1 : 0; n < 2; n++) {
            REQUIRE(test, take_two(test, both[n]));
        }
        for (unsigned n = 0; n < 2; n++) {
            CHECK_RESULT(test, virtio_input_poll(both[n], &event), 0);
        }
    }
}

static void two_at_once(struct test *test)
{
    static struct virtio_input other;
    struct virtio_input *both[2] = {&input, &other};
    const struct virtio_device *second = test_find_device(test, VIRTIO_ID_INPUT, 1);

    if (second == NULL) {
        test_skip(test, "there are not two input devices");
        return;
    }
    REQUIRE_RESULT(test, virtio_input_start(&input, test_find_device(test, VIRTIO_ID_INPUT, 0)),
                   VIRTIO_OK);
    if (CHECK_RESULT(test, virtio_input_start(&other, second), VIRTIO_OK)) {
        both_body(test, both);
        CHECK_RESULT(test, virtio_input_stop(&other), VIRTIO_OK);
        if (test_ask_host(test, "input %s first=0 count=2", role_name(input.role))) {
            CHECK(test, take_two(test, &input));
        }
    }
    CHECK_RESULT(test, virtio_input_stop(&input), VIRTIO_OK);
}

static const struct test_case cases[] = {
    {"devices say what they are", devices_say_what_they_are},
    {"keyboards and tablets have serial numbers", devices_have_serial_numbers},
    {"event bits and ranges", bits_and_ranges},
    {"a thousand key events, and movements, arrive in their order", a_thousand_events_in_order},
    {"more events than fit, and on it goes", more_events_than_fit},
    {"LEDs are taken", leds_are_taken},
    {"two devices at once", two_at_once},
    {"stopped in the middle and started again, four times", stopped_and_started_again},
};

const struct test_suite suite_input = DEVICE_SUITE("input", VIRTIO_ID_INPUT, cases);
