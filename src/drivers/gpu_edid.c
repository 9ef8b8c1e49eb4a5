/* SPDX-License-Identifier: MIT */
/*
 * The preferred mode out of an EDID (VESA Enhanced EDID, release A2: its first block of 128 bytes, which all
 * versions have in common as far as it is used).
 *
 * Must not: believe a byte of it before the checksum, or divide by what it says without a look.
 */
#include "gpu_internal.h"

#define VERSION_AT     18u
#define SIZE_AT        21u /* of the display, in centimetres */
#define DESCRIPTORS_AT 54u /* four of them, the first has the preferred mode */
#define EXTENSIONS_AT  126u

#define DESCRIPTOR_SIZE 18u
#define DESCRIPTORS     4u

/* A descriptor that is no mode begins with zeros, then says what it is. */
#define TAG_NAME  0xfcu
#define NAME_AT   5u
#define NAME_SIZE 13u

static const uint8_t header[] = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};

static bool is_valid(const uint8_t *bytes, uint32_t size)
{
    uint8_t sum = 0;

    if (size < VIRTIO_GPU_EDID_BLOCK || memcmp(bytes, header, sizeof(header)) != 0)
        return false;
    for (uint32_t at = 0; at < VIRTIO_GPU_EDID_BLOCK; at++)
        sum = (uint8_t)(sum + bytes[at]);
    return sum == 0 && bytes[VERSION_AT] == 1 &&
           bytes[EXTENSIONS_AT] < size / VIRTIO_GPU_EDID_BLOCK;
}

/* Twelve bits: a byte, and half of another one. */
static uint32_t get12(uint8_t low, unsigned high)
{
    return low | (high & 0xfu) << 8;
}

/* A detailed timing: what is active of a line and of a picture, and what is blank. */
static bool read_mode(const uint8_t *timing, struct virtio_gpu_mode *mode)
{
    const uint32_t clock = timing[0] | (uint32_t)timing[1] << 8; /* of 10 kHz */
    const uint32_t blank_x = get12(timing[3], timing[4]);
    const uint32_t blank_y = get12(timing[6], timing[7]);
    uint32_t total;

    mode->width = get12(timing[2], timing[4] >> 4);
    mode->height = get12(timing[5], timing[7] >> 4);
    if (clock == 0 || mode->width == 0 || mode->height == 0)
        return false;
    total = (mode->width + blank_x) * (mode->height + blank_y);
    mode->clock_khz = clock * 10;
    mode->refresh = (clock * 10000 + total / 2) / total;
    mode->width_mm = get12(timing[12], timing[14] >> 4);
    mode->height_mm = get12(timing[13], timing[14]);
    return true;
}

/* Up to 13 characters, ended by a line feed if there is room. */
static void read_name(const uint8_t *descriptor, struct virtio_gpu_mode *mode)
{
    const uint8_t *text = descriptor + NAME_AT;

    if ((descriptor[0] | descriptor[1] | descriptor[2]) != 0 || descriptor[3] != TAG_NAME)
        return;
    for (unsigned at = 0; at < NAME_SIZE && text[at] >= 0x20 && text[at] < 0x7f; at++)
        mode->name[at] = (char)text[at];
}

int virtio_gpu_parse_edid(const uint8_t *bytes, uint32_t size, struct virtio_gpu_mode *mode)
{
    const uint8_t *descriptor = bytes + DESCRIPTORS_AT;

    memset(mode, 0, sizeof(*mode));
    if (!is_valid(bytes, size))
        return VIRTIO_E_RESPONSE;
    if (!read_mode(descriptor, mode)) {
        memset(mode, 0, sizeof(*mode));
        return VIRTIO_E_RESPONSE;
    }
    if (mode->width_mm == 0 || mode->height_mm == 0) {
        mode->width_mm = bytes[SIZE_AT] * 10u;
        mode->height_mm = bytes[SIZE_AT + 1] * 10u;
    }
    for (unsigned number = 1; number < DESCRIPTORS; number++)
        read_name(descriptor + (size_t)number * DESCRIPTOR_SIZE, mode);
    return VIRTIO_OK;
}
