/* SPDX-License-Identifier: MIT */
/*
 * The GPU driver against the machine's GPUs. What is on a screen is looked at by the runner (scripts/runner/peer_gpu.py),
 * which knows the test card, and answers by making the display larger: that is an event for the device.
 */
#include "suites.h"

#include "test_card.h"

#include <string.h>
#include <virtio/gpu.h>

enum {
    GPUS_MAX = 4,
    WIDTH = 640, /* of most cards */
    HEIGHT = 480,
    LARGE_WIDTH = 1280,
    LARGE_HEIGHT = 800,
    SMALL_WIDTH = 320, /* of cards in every format */
    SMALL_HEIGHT = 240,
    PAGE = VIRTIO_GPU_PAGE_SIZE,
    PATIENCE_US = 10000000,
    NUMBER_WIDTH = 1024, /* the width of display 0 tells a GPU's number at the host */
    NUMBER_STEP = 16,
    NUMBER_HEIGHT = 768,
    FLIPS = 40,
    PARTS = 2000,
    MOVES = 100,
};

/* Two, for the test that needs both; the one that a test is at. */
static struct virtio_gpu gpus[2];
static struct virtio_gpu *gpu = &gpus[0];

/* The number that the host has for the GPU with this index; found out by the first test that needs it. */
static unsigned numbers[GPUS_MAX];
static bool numbers_known;

/* A resource with memory of its own. */
struct picture {
    struct virtio_gpu_resource resource;
    struct test_memory memory;
};

/* ---- Looking ---- */

/* Waits until the display is as the host said that it would be; anything else is a failure. */
static bool wait_for_size(struct test *test, unsigned scanout, unsigned width, unsigned height)
{
    uint64_t end = test_now_us(test) + PATIENCE_US;
    struct virtio_gpu_display display = {0};

    do {
        int result = virtio_gpu_poll_event(gpu);

        if (result < 0) {
            return CHECK_RESULT(test, result, 0);
        }
        if (result > 0) {
            if (!CHECK_RESULT(test, virtio_gpu_get_display(gpu, scanout, &display), VIRTIO_OK)) {
                return false;
            }
            if (display.enabled && display.rect.width == width && display.rect.height == height) {
                return true;
            }
        }
    } while (test_now_us(test) < end);
    test_diagnostic("display %u is %lu x %lu, not %u x %u", scanout,
                    (unsigned long)display.rect.width, (unsigned long)display.rect.height, width,
                    height);
    return FAIL(test, "the display has the size that was asked for");
}

/* A size that no display has now. */
static unsigned next_width(void)
{
    static unsigned count;

    return 800 + 8 * (count++ % 100);
}

static bool look(struct test *test, unsigned number, unsigned scanout, uint32_t width,
                 uint32_t height)
{
    unsigned then = next_width();

    return test_ask_host(test, "gpu look device=%u head=%u width=%lu height=%lu then=%ux600",
                         number, scanout, (unsigned long)width, (unsigned long)height, then) &&
           wait_for_size(test, scanout, then, 600);
}

static void look_for_nothing(struct test *test, unsigned number, unsigned scanout)
{
    unsigned then = next_width();

    if (test_ask_host(test, "gpu dark device=%u head=%u then=%ux601", number, scanout, then)) {
        wait_for_size(test, scanout, then, 601);
    }
}

/* Which GPU is which at the host: each is given a display as wide as its number says. */
static bool find_numbers(struct test *test)
{
    const struct virtio_device *found;

    if (numbers_known) {
        return true;
    }
    if (!test_ask_host(test, "gpu number")) {
        return false;
    }
    for (size_t index = 0;
         index < GPUS_MAX && (found = test_find_device(test, VIRTIO_ID_GPU, index)) != NULL;
         index++) {
        uint64_t end = test_now_us(test) + PATIENCE_US;
        struct virtio_gpu_display display = {0};

        if (!CHECK_RESULT(test, virtio_gpu_start(gpu, found, NULL), VIRTIO_OK)) {
            return false;
        }
        while (display.rect.height != NUMBER_HEIGHT && test_now_us(test) < end) {
            CHECK_RESULT(test, virtio_gpu_get_display(gpu, 0, &display), VIRTIO_OK);
        }
        CHECK_EQUAL(test, display.rect.height, NUMBER_HEIGHT);
        numbers[index] = (display.rect.width - NUMBER_WIDTH) / NUMBER_STEP;
        CHECK_RESULT(test, virtio_gpu_stop(gpu), VIRTIO_OK);
    }
    numbers_known = test->failures == 0;
    return numbers_known;
}

/* Runs a body with each device started. */
static void with_each(struct test *test, void (*body)(struct test *test, unsigned number))
{
    const struct virtio_device *found;
    size_t index;

    for (index = 0;
         index < GPUS_MAX && (found = test_find_device(test, VIRTIO_ID_GPU, index)) != NULL;
         index++) {
        test_watch(&gpu->device);
        if (CHECK_RESULT(test, virtio_gpu_start(gpu, found, NULL), VIRTIO_OK)) {
            body(test, numbers[index]);
            CHECK_RESULT(test, virtio_gpu_stop(gpu), VIRTIO_OK);
        }
    }
}

static void with_each_looked_at(struct test *test, void (*body)(struct test *test, unsigned number))
{
    if (find_numbers(test)) {
        with_each(test, body);
    }
}

/* ---- Pictures ---- */

static bool make_picture(struct test *test, struct picture *picture, enum virtio_gpu_format format,
                         uint32_t width, uint32_t height)
{
    struct virtio_buffer piece;

    picture->resource.id = 0;
    if (!test_allocate(test, (size_t)width * height * 4, &picture->memory)) {
        return false;
    }
    piece.device_address = picture->memory.device_address;
    piece.length = width * height * 4;
    return CHECK_RESULT(test, virtio_gpu_create(gpu, &picture->resource, format, width, height),
                        VIRTIO_OK) &&
           CHECK_RESULT(test, virtio_gpu_attach(gpu, &picture->resource, &piece, 1), VIRTIO_OK);
}

/* The device forgets it, too; a scanout that shows it was switched off. */
static void drop_picture(struct test *test, struct picture *picture)
{
    if (gpu->device.state == VIRTIO_DEVICE_READY && picture->resource.id != 0) {
        CHECK_RESULT(test, virtio_gpu_destroy(gpu, &picture->resource), VIRTIO_OK);
    }
    if (test->failures != 0) {
        virtio_gpu_halt(gpu); /* it may still know the memory */
    }
    test_free(test, &picture->memory);
}

static void draw(const struct picture *picture, unsigned number, unsigned scanout)
{
    struct test_card card = {picture->memory.bytes, picture->resource.width,
                             picture->resource.height};

    test_card_draw(&card, number, scanout);
}

static void show_card(struct test *test, unsigned number, unsigned scanout, uint32_t width,
                      uint32_t height)
{
    struct picture picture = {0};

    if (make_picture(test, &picture, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, width, height)) {
        draw(&picture, number, scanout);
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, scanout, &picture.resource, NULL),
                     VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_update(gpu, &picture.resource, NULL), VIRTIO_OK);
        look(test, number, scanout, width, height);
        CHECK_RESULT(test, virtio_gpu_destroy(gpu, &picture.resource), VIRTIO_E_BUSY);
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, scanout, NULL, NULL), VIRTIO_OK);
    }
    drop_picture(test, &picture);
}

/* ---- Tests ---- */

static void check_edid(struct test *test, const struct virtio_gpu_display *display)
{
    static uint8_t edid[VIRTIO_GPU_EDID_MAX];
    struct virtio_gpu_mode mode;
    uint32_t size = 1;
    int error = virtio_gpu_get_edid(gpu, 0, edid, &size);

    if (!virtio_has_feature(&gpu->device, VIRTIO_GPU_F_EDID)) {
        CHECK_RESULT(test, error, VIRTIO_E_NOT_SUPPORTED);
        CHECK_EQUAL(test, size, 0);
        return;
    }
    REQUIRE_RESULT(test, error, VIRTIO_OK);
    CHECK(test, size >= VIRTIO_GPU_EDID_BLOCK);
    REQUIRE_RESULT(test, virtio_gpu_parse_edid(edid, size, &mode), VIRTIO_OK);
    CHECK_EQUAL(test, mode.width, display->rect.width);
    CHECK_EQUAL(test, mode.height, display->rect.height);
    CHECK(test, mode.refresh >= 50 && mode.refresh <= 100);
    CHECK(test, mode.width_mm > 0);
    CHECK(test, strcmp(mode.name, "QEMU Monitor") == 0);
}

static void display_body(struct test *test, unsigned number)
{
    struct virtio_gpu_display display;
    uint32_t width;
    uint32_t height;

    (void)number;
    REQUIRE(test, gpu->num_scanouts >= 1);
    REQUIRE_RESULT(test, virtio_gpu_get_display(gpu, 0, &display), VIRTIO_OK);
    CHECK(test, display.enabled);
    check_edid(test, &display);
    CHECK_RESULT(test, virtio_gpu_choose_size(gpu, 0, &width, &height), VIRTIO_OK);
    CHECK_EQUAL(test, width, display.rect.width);
    CHECK_EQUAL(test, height, display.rect.height);
    for (uint32_t scanout = 1; scanout < gpu->num_scanouts; scanout++) {
        CHECK_RESULT(test, virtio_gpu_choose_size(gpu, scanout, &width, &height), VIRTIO_OK);
        CHECK(test, width >= 640 && height >= 480);
    }
    CHECK_RESULT(test, virtio_gpu_get_display(gpu, gpu->num_scanouts, &display),
                 VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_gpu_poll_event(gpu), 0);
}

static void displays_and_edids(struct test *test)
{
    with_each(test, display_body);
}

static void card_body(struct test *test, unsigned number)
{
    show_card(test, number, 0, LARGE_WIDTH, LARGE_HEIGHT);
    for (uint32_t scanout = 1; scanout < gpu->num_scanouts; scanout++) {
        show_card(test, number, scanout, WIDTH, HEIGHT);
    }
}

static void a_card_on_each_scanout(struct test *test)
{
    with_each_looked_at(test, card_body);
}

/* All scanouts at the same time, each with its own card, and one resource on several of them. */
static void together_body(struct test *test, unsigned number)
{
    struct picture pictures[2] = {{{0}, {0}}, {{0}, {0}}};
    unsigned count = gpu->num_scanouts < 2 ? gpu->num_scanouts : 2;

    for (unsigned scanout = 0; scanout < count; scanout++) {
        struct picture *picture = &pictures[scanout];

        if (!make_picture(test, picture, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT)) {
            break;
        }
        draw(picture, number, scanout);
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, scanout, &picture->resource, NULL),
                     VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_update(gpu, &picture->resource, NULL), VIRTIO_OK);
    }
    for (unsigned scanout = 0; test->failures == 0 && scanout < count; scanout++) {
        look(test, number, scanout, WIDTH, HEIGHT);
    }
    for (unsigned scanout = 0; scanout < count; scanout++) {
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, scanout, NULL, NULL), VIRTIO_OK);
        look_for_nothing(test, number, scanout);
    }
    for (unsigned scanout = 0; scanout < count; scanout++) {
        drop_picture(test, &pictures[scanout]);
    }
}

static void all_scanouts_together(struct test *test)
{
    with_each_looked_at(test, together_body);
}

/* The user makes the window larger: the picture follows. */
static void resize_body(struct test *test, unsigned number)
{
    struct virtio_gpu_display display;
    uint32_t width;
    uint32_t height;

    for (unsigned round = 0; round < 2; round++) {
        REQUIRE_RESULT(test, virtio_gpu_choose_size(gpu, 0, &width, &height), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_gpu_get_display(gpu, 0, &display), VIRTIO_OK);
        CHECK_EQUAL(test, width, display.rect.width);
        check_edid(test, &display);
        show_card(test, number, 0, width, height);
    }
}

static void a_picture_follows_its_window(struct test *test)
{
    with_each_looked_at(test, resize_body);
}

/* Takes back what was submitted; all of it must have gone well. */
static void reap_all(struct test *test)
{
    struct virtio_gpu_done done;

    while (gpu->in_flight != 0) {
        REQUIRE_RESULT(test, virtio_gpu_wait(gpu, &done, PATIENCE_US), 1);
        CHECK_RESULT(test, done.error, VIRTIO_OK);
    }
}

/* Submits, and makes room when there is none. */
static bool submit_part(struct test *test, const struct picture *picture,
                        const struct virtio_gpu_rect *rect)
{
    struct virtio_gpu_done done;
    int error;

    while ((error = virtio_gpu_submit_transfer(gpu, &picture->resource, rect, NULL)) ==
           VIRTIO_E_FULL) {
        if (!CHECK_RESULT(test, virtio_gpu_wait(gpu, &done, PATIENCE_US), 1) ||
            !CHECK_RESULT(test, done.error, VIRTIO_OK)) {
            return false;
        }
    }
    return CHECK_RESULT(test, error, VIRTIO_OK);
}

/* The card comes in small parts of odd sizes, over something else: a wrong place or length would show. */
static void parts_body(struct test *test, unsigned number)
{
    struct picture picture = {0};
    struct virtio_gpu_rect rect = {0, 0, 0, 0};
    unsigned count = 0;

    if (make_picture(test, &picture, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT)) {
        memset(picture.memory.bytes, 0x5a, picture.memory.size);
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, &picture.resource, NULL), VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_update(gpu, &picture.resource, NULL), VIRTIO_OK);
        draw(&picture, number, 0);
        for (rect.y = 0; rect.y < HEIGHT; rect.y += rect.height) {
            rect.height = HEIGHT - rect.y < 7 ? HEIGHT - rect.y : 7;
            for (rect.x = 0; rect.x < WIDTH; rect.x += rect.width) {
                rect.width = WIDTH - rect.x < 23 ? WIDTH - rect.x : 23;
                if (!submit_part(test, &picture, &rect)) {
                    break;
                }
                count++;
            }
        }
        CHECK(test, count > PARTS - 100);
        CHECK_RESULT(test, virtio_gpu_destroy(gpu, &picture.resource), VIRTIO_E_BUSY);
        reap_all(test);
        CHECK_RESULT(test, virtio_gpu_flush(gpu, &picture.resource, NULL), VIRTIO_OK);
        look(test, number, 0, WIDTH, HEIGHT);
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, NULL, NULL), VIRTIO_OK);
    }
    drop_picture(test, &picture);
}

static void a_card_in_many_parts(struct test *test)
{
    with_each_looked_at(test, parts_body);
}

/* Page n of the picture is page n * 7 mod count of the memory: no two neighbours are together. */
static void scattered_body(struct test *test, unsigned number)
{
    static struct virtio_buffer pieces[SMALL_WIDTH * SMALL_HEIGHT * 4 / PAGE];
    enum {
        COUNT = sizeof(pieces) / sizeof(pieces[0])
    };
    struct virtio_gpu_resource resource = {0};
    struct test_memory whole = {0};
    struct test_memory pages = {0};

    _Static_assert(SMALL_WIDTH * SMALL_HEIGHT * 4 == COUNT * PAGE && COUNT % 7 != 0,
                   "whole pages, all of them");
    if (test_allocate(test, COUNT * PAGE, &whole) && test_allocate(test, COUNT * PAGE, &pages)) {
        struct test_card card = {whole.bytes, SMALL_WIDTH, SMALL_HEIGHT};

        test_card_draw(&card, number, 0);
        for (size_t n = 0; n < COUNT; n++) {
            size_t place = n * 7 % COUNT * PAGE;

            memcpy((char *)pages.bytes + place, (char *)whole.bytes + n * PAGE, PAGE);
            pieces[n].device_address = pages.device_address + place;
            pieces[n].length = PAGE;
        }
        CHECK_RESULT(test,
                     virtio_gpu_create(gpu, &resource, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
                                       SMALL_WIDTH, SMALL_HEIGHT),
                     VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_attach(gpu, &resource, pieces, COUNT), VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, &resource, NULL), VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_update(gpu, &resource, NULL), VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_detach(gpu, &resource), VIRTIO_OK);
        memset(pages.bytes, 0, pages.size); /* the device has its own copy */
        CHECK_RESULT(test, virtio_gpu_flush(gpu, &resource, NULL), VIRTIO_OK);
        look(test, number, 0, SMALL_WIDTH, SMALL_HEIGHT);
        CHECK_RESULT(test, virtio_gpu_transfer(gpu, &resource, NULL), VIRTIO_E_INVALID);
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, NULL, NULL), VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_destroy(gpu, &resource), VIRTIO_OK);
    }
    if (test->failures != 0) {
        virtio_gpu_halt(gpu);
    }
    test_free(test, &whole);
    test_free(test, &pages);
}

static void scattered_memory(struct test *test)
{
    with_each_looked_at(test, scattered_body);
}

/* Two pictures take turns, without waiting in between; the last one stays. */
static void flip_body(struct test *test, unsigned number)
{
    struct picture pictures[2] = {{{0}, {0}}, {{0}, {0}}};

    if (make_picture(test, &pictures[0], VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT) &&
        make_picture(test, &pictures[1], VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT)) {
        draw(&pictures[0], number, 1);
        draw(&pictures[1], number, 0);
        for (unsigned n = 0; n < FLIPS && test->failures == 0; n++) {
            struct virtio_gpu_resource *next = &pictures[n % 2].resource;

            CHECK_RESULT(test, virtio_gpu_submit_transfer(gpu, next, NULL, NULL), VIRTIO_OK);
            CHECK_RESULT(test, virtio_gpu_submit_scanout(gpu, 0, next, NULL, NULL), VIRTIO_OK);
            CHECK_RESULT(test, virtio_gpu_submit_flush(gpu, next, NULL, NULL), VIRTIO_OK);
            CHECK_RESULT(test, virtio_gpu_kick(gpu), VIRTIO_OK);
            if (gpu->in_flight + 3 > gpu->depth) {
                reap_all(test);
            }
        }
        reap_all(test);
        look(test, number, 0, WIDTH, HEIGHT);
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, NULL, NULL), VIRTIO_OK);
    }
    drop_picture(test, &pictures[0]);
    drop_picture(test, &pictures[1]);
}

static void pages_are_flipped(struct test *test)
{
    with_each_looked_at(test, flip_body);
}

/* A scanout shows a part of a larger picture. */
static void window_body(struct test *test, unsigned number)
{
    const struct virtio_gpu_rect window = {160, 100, SMALL_WIDTH, SMALL_HEIGHT};
    struct picture picture = {0};
    struct test_memory small = {0};

    if (make_picture(test, &picture, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT) &&
        test_allocate(test, SMALL_WIDTH * SMALL_HEIGHT * 4, &small)) {
        struct test_card card = {small.bytes, SMALL_WIDTH, SMALL_HEIGHT};

        test_card_draw(&card, number, 0);
        memset(picture.memory.bytes, 0x33, picture.memory.size);
        for (uint32_t y = 0; y < SMALL_HEIGHT; y++) {
            memcpy((uint32_t *)picture.memory.bytes + (window.y + y) * WIDTH + window.x,
                   (uint32_t *)small.bytes + y * SMALL_WIDTH, SMALL_WIDTH * 4);
        }
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, &picture.resource, &window), VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_update(gpu, &picture.resource, &window), VIRTIO_OK);
        look(test, number, 0, SMALL_WIDTH, SMALL_HEIGHT);
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, NULL, NULL), VIRTIO_OK);
    }
    test_free(test, &small);
    drop_picture(test, &picture);
}

static void a_part_of_a_picture(struct test *test)
{
    with_each_looked_at(test, window_body);
}

/* Where red, green, blue and the rest are in the four bytes of a pixel. */
static const struct {
    enum virtio_gpu_format format;
    uint8_t place[4];
} formats[] = {
    {VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, {2, 1, 0, 3}},
    {VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, {2, 1, 0, 3}},
    {VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, {1, 2, 3, 0}},
    {VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, {1, 2, 3, 0}},
    {VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, {0, 1, 2, 3}},
    {VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM, {3, 2, 1, 0}},
    {VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM, {3, 2, 1, 0}},
    {VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, {0, 1, 2, 3}},
};

static void format_body(struct test *test, unsigned number)
{
    for (size_t n = 0; n < sizeof(formats) / sizeof(formats[0]) && test->failures == 0; n++) {
        struct picture picture = {0};

        if (make_picture(test, &picture, formats[n].format, SMALL_WIDTH, SMALL_HEIGHT)) {
            uint32_t *pixels = picture.memory.bytes;

            draw(&picture, number, 0);
            for (size_t at = 0; at < SMALL_WIDTH * SMALL_HEIGHT; at++) {
                uint8_t bytes[4] = {0xff, 0xff, 0xff, 0xff};

                for (unsigned channel = 0; channel < 3; channel++) {
                    bytes[formats[n].place[channel]] = (uint8_t)(pixels[at] >> (16 - 8 * channel));
                }
                memcpy(&pixels[at], bytes, sizeof(bytes));
            }
            CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, &picture.resource, NULL), VIRTIO_OK);
            CHECK_RESULT(test, virtio_gpu_update(gpu, &picture.resource, NULL), VIRTIO_OK);
            look(test, number, 0, SMALL_WIDTH, SMALL_HEIGHT);
            CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, NULL, NULL), VIRTIO_OK);
        }
        drop_picture(test, &picture);
    }
}

static void every_format(struct test *test)
{
    with_each_looked_at(test, format_body);
}

/* ---- Pointers ---- */

static void draw_pointer(uint8_t *pixels, unsigned seed)
{
    for (unsigned y = 0; y < VIRTIO_GPU_CURSOR_SIZE; y++) {
        for (unsigned x = 0; x < VIRTIO_GPU_CURSOR_SIZE; x++) {
            *pixels++ = (uint8_t)(4 * x + seed);
            *pixels++ = (uint8_t)(4 * y);
            *pixels++ = (uint8_t)(x * y + seed);
            *pixels++ = x + y < VIRTIO_GPU_CURSOR_SIZE ? 255 : 0;
        }
    }
}

static void move_pointer(struct test *test, unsigned scanout)
{
    uint64_t end = test_now_us(test) + PATIENCE_US;

    for (unsigned n = 0; n < MOVES; n++) {
        int error;

        do {
            error = virtio_gpu_move_cursor(gpu, scanout, n * 7 % 1000, n * 5 % 600);
        } while (error == VIRTIO_E_FULL && test_now_us(test) < end);
        REQUIRE_RESULT(test, error, VIRTIO_OK);
    }
}

static void pointer_on(struct test *test, unsigned number, unsigned scanout,
                       struct picture *pointer)
{
    for (unsigned seed = scanout; seed < 32 && test->failures == 0; seed += 16) {
        unsigned then = next_width();

        draw_pointer(pointer->memory.bytes, seed);
        CHECK_RESULT(test, virtio_gpu_transfer(gpu, &pointer->resource, NULL), VIRTIO_OK);
        CHECK_RESULT(
            test, virtio_gpu_set_cursor(gpu, scanout, &pointer->resource, seed, 63 - seed, 10, 20),
            VIRTIO_OK);
        if (test_ask_host(test, "gpu cursor device=%u head=%u hot=%u,%u seed=%u then=%ux600",
                          number, scanout, seed, 63 - seed, seed, then)) {
            wait_for_size(test, scanout, then, 600);
        }
    }
    CHECK_RESULT(test, virtio_gpu_destroy(gpu, &pointer->resource), VIRTIO_E_BUSY);
    move_pointer(test, scanout);
    /* What comes next waits for all movements. */
    CHECK_RESULT(test, virtio_gpu_set_cursor(gpu, scanout, NULL, 0, 0, 0, 0), VIRTIO_OK);
    test_ask_host(test, "gpu moves head=%u first=0 count=%u", scanout, (unsigned)MOVES);
    CHECK_EQUAL(test, gpu->cursor_failures, 0);
}

static void pointer_body(struct test *test, unsigned number)
{
    struct picture screen = {0};
    struct picture pointer = {0};

    if (make_picture(test, &screen, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, SMALL_WIDTH, SMALL_HEIGHT) &&
        make_picture(test, &pointer, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, VIRTIO_GPU_CURSOR_SIZE,
                     VIRTIO_GPU_CURSOR_SIZE)) {
        for (uint32_t scanout = 0; scanout < gpu->num_scanouts && test->failures == 0; scanout++) {
            CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, scanout, &screen.resource, NULL),
                         VIRTIO_OK);
            CHECK_RESULT(test, virtio_gpu_set_cursor(gpu, scanout, &screen.resource, 0, 0, 0, 0),
                         VIRTIO_E_INVALID);
            pointer_on(test, number, scanout, &pointer);
            CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, scanout, NULL, NULL), VIRTIO_OK);
        }
    }
    drop_picture(test, &screen);
    drop_picture(test, &pointer);
}

static void pointers(struct test *test)
{
    with_each_looked_at(test, pointer_body);
}

/* ---- Ends ---- */

static void refused_body(struct test *test, unsigned number)
{
    struct virtio_gpu_resource resource;
    const struct virtio_buffer page = {PAGE, PAGE};
    const struct virtio_gpu_rect beyond = {60, 0, 8, 8};

    (void)number;
    CHECK_RESULT(test, virtio_gpu_create(gpu, &resource, (enum virtio_gpu_format)5, 64, 64),
                 VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_gpu_create(gpu, &resource, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 0, 64),
                 VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_gpu_flush(gpu, &resource, NULL), VIRTIO_E_INVALID);
    REQUIRE_RESULT(test,
                   virtio_gpu_create(gpu, &resource, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 64, 64),
                   VIRTIO_OK);
    CHECK_RESULT(test, virtio_gpu_attach(gpu, &resource, &page, 1), VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_gpu_transfer(gpu, &resource, NULL), VIRTIO_E_INVALID);
    CHECK_RESULT(test, virtio_gpu_flush(gpu, &resource, &beyond), VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, gpu->num_scanouts, &resource, NULL),
                 VIRTIO_E_OUT_OF_RANGE);
    CHECK_RESULT(test, virtio_gpu_destroy(gpu, &resource), VIRTIO_OK);
    CHECK_RESULT(test, virtio_gpu_destroy(gpu, &resource), VIRTIO_E_INVALID);
}

static void nonsense_is_refused(struct test *test)
{
    with_each(test, refused_body);
}

/* What the device can't do, and what this one will not: it says so, each in its own word, and goes on. */
static void refusals_body(struct test *test, unsigned number)
{
    const struct virtio_gpu_rect tiny = {0, 0, 8, 8};
    struct picture picture = {0};
    struct virtio_gpu_resource huge;
    struct virtio_gpu_resource bare;

    CHECK_RESULT(test,
                 virtio_gpu_create(gpu, &huge, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
                                   VIRTIO_GPU_SIZE_MAX, VIRTIO_GPU_SIZE_MAX),
                 VIRTIO_E_NO_MEMORY);
    CHECK_EQUAL(test, gpu->refusal, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(test, huge.id, 0);
    REQUIRE_RESULT(test, virtio_gpu_create(gpu, &bare, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 64, 64),
                   VIRTIO_OK);
    CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, &bare, NULL), VIRTIO_E_IO);
    CHECK_EQUAL(test, gpu->refusal, VIRTIO_GPU_RESP_ERR_UNSPEC);
    CHECK_RESULT(test, virtio_gpu_destroy(gpu, &bare), VIRTIO_OK);
    if (make_picture(test, &picture, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 64, 64)) {
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, &picture.resource, &tiny), VIRTIO_E_IO);
        CHECK_EQUAL(test, gpu->refusal, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
    }
    drop_picture(test, &picture);
    show_card(test, number, 0, SMALL_WIDTH, SMALL_HEIGHT);
}

static void the_device_refuses(struct test *test)
{
    with_each_looked_at(test, refusals_body);
}

static void restart_body(struct test *test, unsigned number)
{
    struct virtio_gpu_done done;

    for (unsigned round = 0; round < 3 && test->failures == 0; round++) {
        struct picture picture = {0};
        int count = 0;

        if (make_picture(test, &picture, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT)) {
            CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, &picture.resource, NULL), VIRTIO_OK);
            for (unsigned n = 0; n < 4; n++) {
                CHECK_RESULT(test, virtio_gpu_submit_transfer(gpu, &picture.resource, NULL, NULL),
                             VIRTIO_OK);
            }
            CHECK_RESULT(test, virtio_gpu_kick(gpu), VIRTIO_OK);
            CHECK_RESULT(test, virtio_gpu_halt(gpu), VIRTIO_OK);
            CHECK_RESULT(test, virtio_gpu_flush(gpu, &picture.resource, NULL), VIRTIO_E_STATE);
            CHECK_RESULT(test, virtio_gpu_poll_event(gpu), VIRTIO_E_STATE);
            while (virtio_gpu_drain(gpu, &done) > 0) {
                count++;
            }
            CHECK_EQUAL(test, count, 4);
        }
        REQUIRE_RESULT(test, virtio_gpu_stop(gpu), VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_gpu_stop(gpu), VIRTIO_OK);
        test_free(test, &picture.memory);
        REQUIRE_RESULT(test, virtio_gpu_start(gpu, &gpu->device, NULL), VIRTIO_OK);
    }
    show_card(test, number, 0, SMALL_WIDTH, SMALL_HEIGHT);
}

static void stopped_and_started_again(struct test *test)
{
    with_each_looked_at(test, restart_body);
}

/* With work in flight, and from a halt; what the device had is gone, and refused. */
static void recover_body(struct test *test, unsigned number)
{
    for (unsigned round = 0; round < 3 && test->failures == 0; round++) {
        struct virtio_gpu_resource old;
        struct picture picture = {0};
        struct virtio_gpu_done done;
        int count = 0;

        if (make_picture(test, &picture, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT)) {
            CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, &picture.resource, NULL), VIRTIO_OK);
            for (unsigned n = 0; n < 4; n++) {
                CHECK_RESULT(test, virtio_gpu_submit_transfer(gpu, &picture.resource, NULL, NULL),
                             VIRTIO_OK);
            }
            CHECK_RESULT(test, virtio_gpu_kick(gpu), VIRTIO_OK);
            if (round == 1) {
                CHECK_RESULT(test, virtio_gpu_halt(gpu), VIRTIO_OK);
            }
            CHECK_RESULT(test, virtio_gpu_recover(gpu), VIRTIO_OK);
            while (virtio_gpu_reap(gpu, &done) > 0) {
                CHECK(test, done.error == VIRTIO_OK || done.error == VIRTIO_E_RESET);
                count++;
            }
            CHECK_EQUAL(test, count, 4);
            old = picture.resource;
            CHECK_RESULT(test, virtio_gpu_flush(gpu, &old, NULL), VIRTIO_E_STALE);
            picture.resource.id = 0; /* the device has forgotten it */
        }
        drop_picture(test, &picture);
        show_card(test, number, 0, SMALL_WIDTH, SMALL_HEIGHT);
    }
}

static void recovered_in_the_middle(struct test *test)
{
    with_each_looked_at(test, recover_body);
}

/* Two GPUs show their cards at the same time, and each goes on when the other one is stopped. */
static void two_at_once(struct test *test)
{
    struct picture pictures[2] = {{{0}, {0}}, {{0}, {0}}};
    unsigned started = 0;

    if (test_find_device(test, VIRTIO_ID_GPU, 1) == NULL) {
        test_skip(test, "there are not two GPUs");
        return;
    }
    if (!find_numbers(test)) {
        return;
    }
    for (; started < 2; started++) {
        gpu = &gpus[started];
        if (!CHECK_RESULT(
                test, virtio_gpu_start(gpu, test_find_device(test, VIRTIO_ID_GPU, started), NULL),
                VIRTIO_OK)) {
            break;
        }
        if (make_picture(test, &pictures[started], VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH,
                         HEIGHT)) {
            draw(&pictures[started], numbers[started], 0);
        }
    }
    for (unsigned n = 0; n < 2 && started == 2 && test->failures == 0; n++) {
        gpu = &gpus[n];
        CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, &pictures[n].resource, NULL), VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_submit_transfer(gpu, &pictures[n].resource, NULL, NULL),
                     VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_submit_flush(gpu, &pictures[n].resource, NULL, NULL),
                     VIRTIO_OK);
        CHECK_RESULT(test, virtio_gpu_kick(gpu), VIRTIO_OK);
    }
    for (unsigned n = 0; n < 2 && started == 2 && test->failures == 0; n++) {
        gpu = &gpus[n];
        reap_all(test);
    }
    for (unsigned n = 0; n < 2 && started == 2 && test->failures == 0; n++) {
        gpu = &gpus[n];
        look(test, numbers[n], 0, WIDTH, HEIGHT);
    }
    while (started-- != 0) {
        gpu = &gpus[started];
        if (test->failures == 0) {
            CHECK_RESULT(test, virtio_gpu_update(gpu, &pictures[started].resource, NULL),
                         VIRTIO_OK);
            look(test, numbers[started], 0, WIDTH, HEIGHT);
            CHECK_RESULT(test, virtio_gpu_set_scanout(gpu, 0, NULL, NULL), VIRTIO_OK);
        }
        drop_picture(test, &pictures[started]);
        CHECK_RESULT(test, virtio_gpu_stop(gpu), VIRTIO_OK);
    }
    gpu = &gpus[0];
}

static const struct test_case cases[] = {
    {"displays and EDIDs", displays_and_edids},
    {"nonsense is refused", nonsense_is_refused},
    {"a test card on each scanout", a_card_on_each_scanout},
    {"all scanouts show their cards together, then none", all_scanouts_together},
    {"a picture follows the size of its window", a_picture_follows_its_window},
    {"a card in many parts", a_card_in_many_parts},
    {"a card in scattered memory", scattered_memory},
    {"two pictures take turns on a scanout", pages_are_flipped},
    {"a scanout shows a part of a picture", a_part_of_a_picture},
    {"pixels of every format", every_format},
    {"pointers, and where they move", pointers},
    {"what the device refuses", the_device_refuses},
    {"two GPUs at once", two_at_once},
    {"recovered in the middle, three times", recovered_in_the_middle},
    {"stopped in the middle and started again, three times", stopped_and_started_again},
};

const struct test_suite suite_gpu = DEVICE_SUITE("gpu", VIRTIO_ID_GPU, cases);
