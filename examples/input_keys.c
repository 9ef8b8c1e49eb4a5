/* SPDX-License-Identifier: MIT */
/*
 * Ask a keyboard for the next key that is pressed, and light Caps Lock while waiting for it. Compiled with the
 * tests; copy it into a kernel that has a struct virtio_host and has found a device.
 */
#include <virtio/virtio.h>

int input_next_key(const struct virtio_device *found, uint16_t *key);

static struct virtio_input keyboard;

static int next_key(uint16_t *key)
{
    struct virtio_input_event event;
    int result;

    do {
        result = virtio_input_wait(&keyboard, &event, 10 * 1000 * 1000);
    } while (result > 0 && (event.type != VIRTIO_INPUT_EV_KEY || event.value != 1));
    if (result < 0)
        return result;
    *key = event.code;
    return VIRTIO_OK;
}

int input_next_key(const struct virtio_device *found, uint16_t *key)
{
    int error = virtio_input_start(&keyboard, found);

    if (error != VIRTIO_OK)
        return error;
    if (keyboard.role == VIRTIO_INPUT_KEYBOARD) {
        (void)virtio_input_send(&keyboard, VIRTIO_INPUT_EV_LED, VIRTIO_INPUT_LED_CAPSL, 1);
        error = next_key(key);
        (void)virtio_input_send(&keyboard, VIRTIO_INPUT_EV_LED, VIRTIO_INPUT_LED_CAPSL, 0);
    } else {
        error = VIRTIO_E_NO_DEVICE;
    }
    (void)virtio_input_stop(&keyboard);
    return error;
}
