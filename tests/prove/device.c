/* SPDX-License-Identifier: MIT */
/*
 * Proof of the device's life cycle, by induction: a device in any state, with any features taken, on a
 * transport that gives any answer; one call; and the device is in a state that it can have. So it is after any
 * calls in any order. It has no queues: those have proofs of their own.
 */
#include "fake.h"

static struct virtio_device device;
static unsigned char bytes[256];

static void any_device(void)
{
    device.host = &prove_host;
    device.ops = &prove_modern_ops;
    if (prove_maybe()) {
        device.ops = &prove_legacy_ops;
        device.legacy = true;
    }
    device.type = prove_any();
    device.force = (enum virtio_force)prove_below(3);
    device.refuse = prove_any64();
    device.features = prove_any64();
    device.features_offered = prove_any64();
    device.timeout_us = prove_any();
    device.given_up = prove_below(2);
    device.state = (enum virtio_device_state)prove_below(VIRTIO_DEVICE_LOST + 1);
    device.pci.config = prove_maybe() ? &prove_pci_config : NULL;
}

static void use_config(void)
{
    uint32_t width = prove_below(10);
    uint64_t value = 0;

    //@ split width;
    (void)virtio_config_read(&device, prove_any(), width, &value);
    (void)virtio_config_write(&device, prove_any(), width, prove_any64());
}

static void use(void)
{
    const struct virtio_features wanted = {.supported = prove_any64(), .required = prove_any64()};
    uint8_t status = (uint8_t)prove_any();

    switch (prove_below(14)) {
    case 0:
        (void)virtio_device_begin(&device, prove_maybe() ? &wanted : NULL);
        break;
    case 11:
        (void)virtio_device_offer(&device);
        break;
    case 12:
        (void)virtio_device_accept(&device, prove_maybe() ? &wanted : NULL);
        break;
    case 1:
        (void)virtio_device_ready(&device);
        break;
    case 2:
        (void)virtio_device_stop(&device);
        break;
    case 3:
        (void)virtio_device_recover(&device);
        break;
    case 4:
        (void)virtio_device_renew(&device);
        break;
    case 5:
        (void)virtio_device_fail(&device);
        break;
    case 6:
        (void)virtio_device_end(&device);
        break;
    case 7:
        (void)virtio_device_check(&device);
        break;
    case 8:
        (void)virtio_write_features(&device, prove_any64(), &status);
        break;
    case 9:
        (void)virtio_config_read_bytes(&device, prove_any(), bytes, prove_below(257));
        break;
    case 10:
        use_config();
        break;
    default:
        virtio_dump(&device);
    }
}

int main(void)
{
    prove_host_begin(false);
    any_device();
    if (prove_maybe()) { /* one that was not opened */
        device.state = VIRTIO_DEVICE_FOUND;
        device.ops = NULL;
        device.pci.config = NULL;
    }
    use();
    /*@ assert a_state: 0 <= device.state <= VIRTIO_DEVICE_LOST; */
    /*@ assert closed_or_open: device.ops == \null || device.ops == &prove_modern_ops ||
                               device.ops == &prove_legacy_ops; */
    return 0;
}
