/* SPDX-License-Identifier: MIT */
/*
 * Displays of a GPU (spec 5.7.5, 5.7.6.8): what the device would like to be shown, EDIDs, and the event that says that
 * this has changed.
 *
 * Must not: hand on a size that no driver could use.
 */
#include "gpu_internal.h"

/* What to show where nobody says how large (spec 5.7.5). */
#define FALLBACK_WIDTH  1024u
#define FALLBACK_HEIGHT 768u

/* A display with fewer pixels each way is not worth drawing for. */
#define USEFUL_SIZE 64u

/* ---- Displays ---- */

static int get_answer(struct virtio_gpu *gpu, uint32_t command, uint32_t scanout, unsigned words,
                      uint32_t answer, uint32_t size, uint32_t *written)
{
    struct virtio_gpu_slot *slot;
    int error = virtio_gpu_check_scanout(gpu, scanout);

    if (error == VIRTIO_OK)
        error = virtio_gpu_begin(gpu, &gpu->control, command, &slot);
    if (error != VIRTIO_OK)
        return error;
    virtio_gpu_request_of(gpu, slot)->words[0] = words != 0 ? virtio_gpu_order32(scanout) : 0;
    error = virtio_gpu_send_for_data(gpu, slot, words, answer, size);
    error = virtio_gpu_await_sent(gpu, &gpu->control, slot, error);
    if (error == VIRTIO_OK)
        *written = slot->written;
    return error;
}

static void copy_display(const volatile struct virtio_gpu_display_one *from,
                         struct virtio_gpu_display *display)
{
    display->rect.x = virtio_gpu_order32(from->r.x);
    display->rect.y = virtio_gpu_order32(from->r.y);
    display->rect.width = virtio_gpu_order32(from->r.width);
    display->rect.height = virtio_gpu_order32(from->r.height);
    display->enabled = from->enabled != 0;
    display->flags = virtio_gpu_order32(from->flags);
}

int virtio_gpu_get_display(struct virtio_gpu *gpu, uint32_t scanout,
                           struct virtio_gpu_display *display)
{
    const volatile struct virtio_gpu_resp_display_info *answer;
    uint32_t written;
    int error = get_answer(gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO, scanout, 0,
                           VIRTIO_GPU_RESP_OK_DISPLAY_INFO, sizeof(*answer), &written);

    memset(display, 0, sizeof(*display));
    if (error != VIRTIO_OK)
        return error;
    answer = virtio_gpu_large_answer(gpu);
    copy_display(&answer->pmodes[scanout], display);
    if (!display->enabled)
        memset(&display->rect, 0, sizeof(display->rect));
    if (display->rect.width <= VIRTIO_GPU_SIZE_MAX && display->rect.height <= VIRTIO_GPU_SIZE_MAX)
        return VIRTIO_OK;
    memset(display, 0, sizeof(*display));
    return VIRTIO_E_RESPONSE;
}

int virtio_gpu_get_edid(struct virtio_gpu *gpu, uint32_t scanout, uint8_t *bytes, uint32_t *size)
{
    const volatile struct virtio_gpu_resp_edid *answer;
    const uint32_t head = offsetof(struct virtio_gpu_resp_edid, edid);
    uint32_t written;
    uint32_t says;
    int error = virtio_gpu_check_scanout(gpu, scanout);

    memset(bytes, 0, VIRTIO_GPU_EDID_MAX);
    *size = 0;
    if (error == VIRTIO_OK && !virtio_has_feature(&gpu->device, VIRTIO_GPU_F_EDID))
        error = VIRTIO_E_NOT_SUPPORTED;
    if (error == VIRTIO_OK)
        error = get_answer(gpu, VIRTIO_GPU_CMD_GET_EDID, scanout, 2, VIRTIO_GPU_RESP_OK_EDID, head,
                           &written);
    if (error != VIRTIO_OK)
        return error;
    answer = virtio_gpu_large_answer(gpu);
    says = virtio_gpu_order32(answer->size);
    if (says > VIRTIO_GPU_EDID_MAX || says > written - head)
        return VIRTIO_E_RESPONSE;
    for (uint32_t at = 0; at < says; at++)
        bytes[at] = answer->edid[at];
    *size = says;
    return VIRTIO_OK;
}

static bool is_useful(uint32_t width, uint32_t height)
{
    return width >= USEFUL_SIZE && height >= USEFUL_SIZE;
}

/* An answer that makes no sense, or none, is no reason to show nothing. */
static bool is_answer(int error)
{
    return error == VIRTIO_OK || error == VIRTIO_E_IO || error == VIRTIO_E_NO_MEMORY ||
           error == VIRTIO_E_RESPONSE || error == VIRTIO_E_NOT_SUPPORTED;
}

int virtio_gpu_choose_size(struct virtio_gpu *gpu, uint32_t scanout, uint32_t *width,
                           uint32_t *height)
{
    struct virtio_gpu_display display;
    struct virtio_gpu_mode mode = {.width = 0};
    uint8_t edid[VIRTIO_GPU_EDID_MAX];
    uint32_t size;
    int error = virtio_gpu_get_display(gpu, scanout, &display);

    *width = display.rect.width;
    *height = display.rect.height;
    if (!is_answer(error) || is_useful(*width, *height))
        return error;
    error = virtio_gpu_get_edid(gpu, scanout, edid, &size);
    if (!is_answer(error))
        return error;
    if (error == VIRTIO_OK)
        (void)virtio_gpu_parse_edid(edid, size, &mode);
    *width = is_useful(mode.width, mode.height) ? mode.width : FALLBACK_WIDTH;
    *height = is_useful(mode.width, mode.height) ? mode.height : FALLBACK_HEIGHT;
    return VIRTIO_OK;
}

/* ---- Events (spec 5.7.4.2) ---- */

int virtio_gpu_poll_event(struct virtio_gpu *gpu)
{
    const uint32_t event = virtio_config_little32(&gpu->device, VIRTIO_GPU_EVENT_DISPLAY);
    uint64_t events = 0;
    int error;

    if (!virtio_gpu_is_live(gpu))
        return VIRTIO_E_STATE;
    error = virtio_config_read(&gpu->device, VIRTIO_GPU_CONFIG_EVENTS_READ, 4, &events);
    if (error != VIRTIO_OK || (events & event) == 0)
        return error;
    /* A device that is gone reads all ones, too. */
    error = virtio_device_check(&gpu->device);
    if (error == VIRTIO_OK)
        error = virtio_config_write(&gpu->device, VIRTIO_GPU_CONFIG_EVENTS_CLEAR, 4, event);
    return error == VIRTIO_OK ? 1 : error;
}
